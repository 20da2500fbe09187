//! The sections of the document, for one application.

use std::collections::BTreeMap;

use crate::audit::{AppAudit, Item, ItemState};
use crate::finding::Finding;
use crate::model::{RouteFacts, Standing};
use crate::rule::{Check, Confidence, Control, Rule, Severity, wildcard};

use super::write::{Document, code, escape, prose};
use super::{gap_text, name, score_cell};
use crate::report::area::area;
use crate::report::material::{Material, grouped, sentence, told};
use crate::report::test_suite::{test_files, test_scripts};
use crate::report::text::{count, graded, hours, one_line, whole};
use crate::report::work::{
    CHECKS, PhaseWork, Task, checks_by_rule, covered, hours_left, shown, state_word, work,
};

/// Gaps named below one task; the others are counted.
const GAPS_PER_TASK: usize = 40;

/// What has to be done about what no code can show.
const ATTESTING: &str = "No code can show these. Somebody vouches for them in `readiness.toml`, with a date on which that \
     runs out, or `[measure]` names the result file of another tool.";

/// Folders named with the tests that reach them.
const FOLDERS: usize = 20;

/// Files of tests that one document lists.
const TEST_FILES: usize = 40;

/// One application and the level of its headings.
pub(super) struct Section<'a> {
    pub(super) material: &'a Material<'a>,
    pub(super) app: &'a AppAudit,
    pub(super) level: usize,
}

impl<'a> Section<'a> {
    pub(super) fn new(material: &'a Material<'a>, app: &'a AppAudit, level: usize) -> Self {
        Self {
            material,
            app,
            level,
        }
    }

    /// Every section, in the order of the plans that teams write.
    pub(super) fn all(&self, to: &mut Document) {
        let work = work(self.material.audit, self.app, self.material.rules);
        self.executive(to, &work);
        self.stack(to);
        self.services(to);
        self.metrics(to);
        self.targets(to);
        self.strengths(to);
        self.critical_gaps(to);
        self.coverage(to);
        self.headers(to);
        self.tests(to);
        self.test_files(to);
        self.roadmap(to, &work);
        self.checklist(to, &work);
        self.places(to);
        self.environment(to);
        self.packages(to, &work);
        self.attestations(to, &work);
        self.suppressed(to);
        self.references(to, &work);
    }

    fn executive(&self, to: &mut Document, work: &[PhaseWork<'_>]) {
        let app = self.app;
        to.heading(self.level, "Executive summary");
        let worst = app
            .findings
            .iter()
            .filter(|finding| finding.severity >= Severity::High)
            .count();
        let mut rows = vec![
            row(["Score", &graded(app), "90, grade A"]),
            row(["Critical and high gaps", &worst.to_string(), "0"]),
        ];
        for each in app.coverage.iter().filter(|each| each.total > 0) {
            rows.push(vec![
                format!("Handlers with {}", each.control.replace('_', " ")),
                format!("{} of {}", each.covered, each.total),
                format!("{0} of {0}", each.total),
            ]);
        }
        let (done, asked) = work
            .iter()
            .filter(|each| !each.outside)
            .map(PhaseWork::done)
            .fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
        rows.push(vec![
            String::from("Items of the roadmap"),
            format!("{done} of {asked}"),
            format!("{asked} of {asked}"),
        ]);
        to.table(&["Metric", "Current", "Target"], &rows);
        let rows = work.iter().map(|each| {
            let (done, asked) = each.done();
            let title = escape(&each.phase.title);
            vec![
                if each.outside {
                    title
                } else {
                    format!("{}. {title}", each.number)
                },
                score_cell(each.phase.score),
                if each.outside {
                    String::new()
                } else {
                    format!("{done} of {asked}")
                },
                each.phase
                    .items
                    .iter()
                    .map(|item| item.gaps)
                    .sum::<usize>()
                    .to_string(),
                hours(each.phase.hours_open),
            ]
        });
        let head = ["Phase", "Score", "Items done", "Gaps", "Effort left"];
        to.table(&head, &rows.collect::<Vec<_>>());
        self.owners(to, work);
        let (left, outside) = hours_left(app);
        to.paragraph(&format!(
            "Left in all: **{}**, by the roadmap {}{}.",
            hours(left),
            code(&app.roadmap),
            if outside > 0.0 {
                format!("; {} for what it does not list", hours(outside))
            } else {
                String::new()
            }
        ));
    }

    fn stack(&self, to: &mut Document) {
        to.heading(self.level, "Technology stack");
        let rows = self.app.stack.iter().map(|entry| {
            let version = if entry.version.is_empty() {
                String::new()
            } else {
                code(&entry.version)
            };
            vec![escape(&entry.name), version]
        });
        to.table(&["Technology", "Version"], &rows.collect::<Vec<_>>());
    }

    fn metrics(&self, to: &mut Document) {
        to.heading(self.level, "Codebase metrics");
        let rows = self
            .app
            .metrics
            .iter()
            .map(|metric| vec![escape(&metric.name), metric.value.to_string()]);
        to.table(&["Metric", "Value"], &rows.collect::<Vec<_>>());
    }

    fn strengths(&self, to: &mut Document) {
        let items = self.app.phases.iter().flat_map(|phase| &phase.items);
        let done: Vec<_> = items.filter(|item| item.state == ItemState::Done).collect();
        if done.is_empty() {
            return;
        }
        to.heading(self.level, "Strengths");
        for item in done {
            to.item(0, &format!("{}{}", prose(&item.title), evidence(item)));
        }
    }

    fn critical_gaps(&self, to: &mut Document) {
        let urgent = |finding: &&Finding| finding.severity >= Severity::High;
        let groups = grouped(self.app.findings.iter().filter(urgent));
        to.heading(self.level, "Critical gaps");
        if groups.is_empty() {
            to.paragraph("No gap is critical or high.");
            return;
        }
        let rows = groups.iter().map(|group| {
            let rule = self.material.rules.rule(group.rule);
            vec![
                rule.map_or_else(|| code(group.rule), |rule| sentence(&rule.title)),
                group.severity.word().to_owned(),
                group.findings.len().to_string(),
                rule.map_or_else(String::new, |rule| first_sentences(&rule.why)),
                code(group.rule),
            ]
        });
        let head = ["Gap", "Risk", "Found", "Why it matters", "Rule"];
        to.table(&head, &rows.collect::<Vec<_>>());
    }

    fn coverage(&self, to: &mut Document) {
        let Some(facts) = self.material.app_model(self.app) else {
            return;
        };
        let routes: Vec<&RouteFacts> = facts.endpoints().collect();
        if routes.is_empty() {
            return;
        }
        to.heading(self.level, "Coverage, endpoint by endpoint");
        for control in Control::ALL {
            self.control(to, control, &routes);
        }
    }

    fn control(&self, to: &mut Document, control: Control, routes: &[&RouteFacts]) {
        let mut rows: Vec<(Standing, Vec<String>)> = Vec::new();
        for facts in routes {
            let status = facts.status(control);
            let Some(standing) = facts.standing(control) else {
                continue;
            };
            let verdict = facts.controls.get(&control);
            let limit = verdict.and_then(|verdict| verdict.limit.as_deref());
            let proof = verdict.and_then(|verdict| verdict.evidence.last());
            let proof =
                proof.filter(|step| (&step.file, step.line) != (&facts.file, facts.location.line));
            let mut row = vec![code(&facts.route.name()), status.word().to_owned()];
            if control == Control::RateLimit {
                row.push(limit.map_or_else(String::new, code));
            }
            row.push(proof.map_or_else(String::new, |step| prose(&step.note)));
            row.push(proof.map_or_else(
                || code(&format!("{}:{}", facts.file, facts.location.line)),
                |step| code(&format!("{}:{}", step.file, step.line)),
            ));
            rows.push((standing, row));
        }
        if rows.is_empty() {
            return;
        }
        // What is missing first; otherwise as the route table has them.
        rows.sort_by_key(|(standing, _)| *standing);
        let found = self
            .app
            .coverage
            .iter()
            .find(|each| each.control == control.key());
        let counted = found.map_or_else(String::new, |each| {
            format!(": {} of {}", each.covered, each.total)
        });
        to.heading(
            self.level + 1,
            &format!("{}{counted}", capital(control.title())),
        );
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
        if control == Control::RateLimit {
            to.table(&["Endpoint", "Status", "Limit", "Proof", "Where"], &rows);
        } else {
            to.table(&["Endpoint", "Status", "Proof", "Where"], &rows);
        }
    }

    fn headers(&self, to: &mut Document) {
        let sent = self.material.headers(self.app);
        let about_headers = |finding: &&Finding| {
            let rule = self.material.rules.rule(&finding.rule);
            rule.is_some_and(|rule| {
                matches!(
                    rule.check,
                    Check::ResponseHeaders(_) | Check::ContentSecurityPolicy(_) | Check::Cors(_)
                )
            })
        };
        let missing: Vec<&Finding> = self.app.findings.iter().filter(about_headers).collect();
        if sent.is_empty() && missing.is_empty() {
            return;
        }
        to.heading(self.level, "Response headers");
        let rows = sent.iter().map(|header| {
            vec![
                code(header.name),
                header.paths.map_or_else(String::new, code),
                header
                    .value
                    .map_or_else(String::new, |value| code(&shortened(value))),
                code(&header.place),
            ]
        });
        to.table(
            &["Sent", "For", "Value", "Set in"],
            &rows.collect::<Vec<_>>(),
        );
        let rows = missing.iter().map(|finding| {
            vec![
                gap_text(finding),
                finding.severity.word().to_owned(),
                code(&finding.location.to_string()),
            ]
        });
        to.table(&["To mend", "Severity", "Where"], &rows.collect::<Vec<_>>());
    }

    fn tests(&self, to: &mut Document) {
        let Some(facts) = self.material.app_model(self.app) else {
            return;
        };
        let mut areas: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for route in facts.endpoints() {
            let tested = route
                .controls
                .get(&Control::Tests)
                .is_some_and(|verdict| verdict.status == crate::controls::Status::Tested);
            let area = areas.entry(area(route)).or_default();
            area.0 += usize::from(tested);
            area.1 += 1;
        }
        if areas.is_empty() {
            return;
        }
        to.heading(self.level, "Tests by area");
        let rows = areas.iter().map(|(area, (tested, all))| {
            vec![
                code(area),
                all.to_string(),
                tested.to_string(),
                (all - tested).to_string(),
            ]
        });
        let head = ["Area", "Handlers", "Run by a test", "Not run"];
        to.table(&head, &rows.collect::<Vec<_>>());
        self.units(to);
        let folders = self.material.tested_folders(self.app);
        let rows = folders.iter().take(FOLDERS).map(|each| {
            vec![
                code(&format!("{}/", each.folder)),
                each.modules.to_string(),
                each.reached.to_string(),
            ]
        });
        let head = ["Folder", "Modules", "Imported by a test, directly or not"];
        to.table(&head, &rows.collect::<Vec<_>>());
    }

    /// What tests there are, and what runs them.
    fn test_files(&self, to: &mut Document) {
        let (material, app) = (self.material, self.app);
        let files = test_files(material.model, app, |path| material.is_nested(app, path));
        if !files.is_empty() {
            to.heading(self.level, "Test files");
            let cases: u32 = files.iter().map(|file| file.cases).sum();
            to.paragraph(&format!(
                "{} in {}.",
                count(cases as usize, "test"),
                count(files.len(), "file")
            ));
            let rows = files.iter().take(TEST_FILES);
            let rows = rows.map(|file| vec![code(file.path.as_str()), file.cases.to_string()]);
            to.table(&["File", "Tests"], &rows.collect::<Vec<_>>());
            if files.len() > TEST_FILES {
                to.paragraph(&format!(
                    "and {}",
                    count(files.len() - TEST_FILES, "more file")
                ));
            }
        }
        let scripts = test_scripts(material.model, app);
        if !scripts.is_empty() {
            to.heading(self.level, "Running the tests");
            let rows = scripts.iter().map(|script| {
                vec![
                    code(script.name),
                    code(&shortened(script.command)),
                    code(script.file.as_str()),
                ]
            });
            to.table(&["Script", "Runs", "Of"], &rows.collect::<Vec<_>>());
        }
    }

    fn roadmap(&self, to: &mut Document, work: &[PhaseWork<'_>]) {
        to.heading(self.level, "Roadmap");
        if !work.is_empty() {
            to.paragraph(CHECKS);
        }
        for each in work {
            let score = match each.phase.score {
                _ if each.outside => format!("{} left", hours(each.phase.hours_open)),
                Some(score) => {
                    format!(
                        "{} of 100, {} left",
                        whole(score),
                        hours(each.phase.hours_open)
                    )
                }
                None => String::from("nothing in it applies"),
            };
            to.heading(
                self.level + 1,
                &format!("{} ({score})", escape(&each.heading())),
            );
            let rows = each.tasks.iter().map(|task| {
                vec![
                    task.number.clone(),
                    prose(&task.item.title),
                    task.item.priority.word().to_owned(),
                    state_word(task.item).to_owned(),
                    covered(task.item),
                    hours(task.item.effort_hours),
                    task.item.owner.as_deref().map_or_else(String::new, escape),
                ]
            });
            let head = [
                "",
                "Task",
                "Priority",
                "State",
                "Checks passed",
                "Effort",
                "Owner",
            ];
            to.table(&head, &rows.collect::<Vec<_>>());
            let open = |task: &&Task<'_>| {
                matches!(
                    task.item.state,
                    ItemState::Open | ItemState::Likely | ItemState::Unknown
                ) || !task.findings.is_empty()
            };
            for task in each.tasks.iter().filter(open) {
                to.heading(
                    self.level + 2,
                    &format!("{} {}", task.number, prose(&task.item.title)),
                );
                task_detail(to, task);
            }
        }
    }

    fn checklist(&self, to: &mut Document, work: &[PhaseWork<'_>]) {
        to.heading(self.level, "Success checklist");
        for each in work {
            to.heading(self.level + 1, &escape(&each.heading()));
            for task in &each.tasks {
                let state = match task.item.state {
                    ItemState::NotApplicable => continue,
                    ItemState::Done => evidence(task.item),
                    ItemState::Open => match task.item.total {
                        0 | 1 => String::new(),
                        _ => format!(" ({} checks)", covered(task.item)),
                    },
                    _ => format!(" ({})", state_word(task.item)),
                };
                let done = task.item.state == ItemState::Done;
                // What the roadmap does not list is named by its gap.
                let mended = if each.outside { "mended: " } else { "" };
                to.check(done, &format!("{mended}{}{state}", prose(&task.item.title)));
            }
        }
    }

    fn environment(&self, to: &mut Document) {
        let variables = self.material.environment(self.app);
        if variables.is_empty() {
            return;
        }
        to.heading(self.level, "Environment variables");
        let given: Vec<&String> = self
            .material
            .rules
            .rules
            .iter()
            .filter_map(|rule| match &rule.check {
                Check::EnvDocumented(check) => Some(&check.ignore),
                _ => None,
            })
            .flatten()
            .collect();
        let missing = |name: &str| match given.iter().any(|each| wildcard(each, name)) {
            true => "not asked for",
            false => "no",
        };
        let rows = variables.iter().map(|(name, variable)| {
            vec![
                code(name),
                variable.read.as_ref().map_or_else(
                    || String::from("not read in this application"),
                    |place| match variable.reads {
                        1 => code(place),
                        reads => format!("{} and {} more", code(place), reads - 1),
                    },
                ),
                variable
                    .documented
                    .as_ref()
                    .map_or_else(|| missing(name).to_owned(), |place| code(place)),
            ]
        });
        to.table(
            &["Variable", "Read in", "Documented in"],
            &rows.collect::<Vec<_>>(),
        );
    }

    fn attestations(&self, to: &mut Document, work: &[PhaseWork<'_>]) {
        let waits = |rule: &&Rule| self.app.answer(&rule.id) == Some(ItemState::Unattested);
        let tasks = work.iter().flat_map(|each| &each.tasks).map(|task| {
            let rules = task.rules.iter().copied().filter(waits);
            (task, rules.collect::<Vec<&Rule>>())
        });
        let tasks: Vec<_> = tasks.filter(|(_, rules)| !rules.is_empty()).collect();
        if tasks.is_empty() {
            return;
        }
        to.heading(self.level, "To be attested or measured");
        to.paragraph(ATTESTING);
        let mut named: Vec<&str> = Vec::new();
        for (task, rules) in &tasks {
            to.check(
                false,
                &format!("{} {}", task.number, prose(&task.item.title)),
            );
            for rule in rules {
                let question = match &rule.check {
                    Check::Attest(attest) => sentence(&attest.asks),
                    _ => sentence(&rule.title),
                };
                to.item(1, &format!("{}: {question}", code(&rule.id)));
                if rule.may_be_attested() && !named.contains(&rule.id.as_str()) {
                    named.push(&rule.id);
                }
            }
        }
        let Some((first, others)) = named.split_first() else {
            return;
        };
        // Days are left to fill in: whoever vouches decides for how long.
        let mut sample = format!(
            "[attest.{first}]\nby = \"who\"\non = YYYY-MM-DD\nuntil = YYYY-MM-DD # the last day on which it holds\n\
             evidence = \"https://…\""
        );
        if !others.is_empty() {
            sample.push_str("\n\n# Likewise for the others:\n");
            let tables = others.iter().map(|rule| format!("# [attest.{rule}]"));
            sample.push_str(&tables.collect::<Vec<_>>().join("\n"));
        }
        to.fenced("toml", &sample);
    }

    fn suppressed(&self, to: &mut Document) {
        if self.app.suppressed.is_empty() {
            return;
        }
        to.heading(self.level, "Accepted with a reason");
        for each in &self.app.suppressed {
            let place = each.finding.location.to_string();
            to.item(
                0,
                &format!(
                    "{} ({}): {}",
                    gap_text(&each.finding),
                    code(&place),
                    escape(&each.reason)
                ),
            );
        }
    }
}

/// What to do, and where.
pub(super) fn task_detail(to: &mut Document, task: &Task<'_>) {
    for rule in &task.rules {
        // Rules are ours: their text is Markdown already.
        let fix = sentence(&one_line(&rule.fix));
        to.paragraph(&format!("**{}** {fix}", sentence(&rule.title)));
    }
    let checks: Vec<String> = checks_by_rule(task.item)
        .map(|(rule, passed)| format!("{} {passed}", code(rule)))
        .collect();
    if !checks.is_empty() {
        to.paragraph(&format!("Checks passed: {}.", checks.join(", ")));
    }
    if task.findings.is_empty() {
        match task.item.state {
            ItemState::Open => not_listed(to, task),
            ItemState::Likely => {
                to.paragraph("What was found speaks for it and does not prove it.")
            }
            ItemState::Unknown => untold(to, task),
            _ => {}
        }
        return;
    }
    let placed = task.placed().count();
    to.paragraph(if placed == 0 {
        "Gaps:"
    } else {
        "Files to update:"
    });
    for finding in task.findings.iter().take(GAPS_PER_TASK) {
        let place = if task.placed().any(|each| std::ptr::eq(each, *finding)) {
            format!("{} ", code(&finding.location.to_string()))
        } else {
            String::new()
        };
        let gap = prose(&told(&finding.message, finding.route.as_deref()));
        let likely = match finding.confidence {
            Confidence::Low => ", only likely",
            Confidence::High => "",
        };
        to.item(
            0,
            &format!("{place}{gap} ({}{likely})", finding.severity.word()),
        );
    }
    let more = task.findings.len().saturating_sub(GAPS_PER_TASK);
    if more > 0 {
        to.item(0, &format!("and {}", count(more, "more gap")));
    }
}

/// What could not be told.
fn untold(to: &mut Document, task: &Task<'_>) {
    to.paragraph("It cannot be told from the code:");
    for each in task.unknown.iter().take(GAPS_PER_TASK) {
        let what = match (&each.route, &each.file) {
            (Some(route), _) => code(route),
            (None, Some(file)) => code(file),
            (None, None) => String::from("the application as a whole"),
        };
        to.item(0, &format!("{}: {what}", code(&each.rule)));
    }
    let more = task.unknown.len().saturating_sub(GAPS_PER_TASK);
    if more > 0 {
        to.item(0, &format!("and {more} more"));
    }
}

/// Why an open task names no gap of its own.
fn not_listed(to: &mut Document, task: &Task<'_>) {
    for (rule, other) in &task.told_with {
        to.paragraph(&format!(
            "The gap of {} is shared with {} and listed there.",
            code(rule),
            escape(name(other))
        ));
    }
    if task.told_with.is_empty() {
        to.paragraph(
            "What falls short here is among the gaps of other tasks; look at it again when those are closed.",
        );
    }
}

/// ` (8/8 checks): src/a.ts:41`, and where nothing had to be built ` (no fault found)`.
fn evidence(item: &Item) -> String {
    let places: Vec<String> = shown(item).iter().map(|place| code(place)).collect();
    // One of one says nothing.
    let counted = if item.total > 1 {
        format!(" ({} checks)", covered(item))
    } else if places.is_empty() {
        String::from(" (no fault found)")
    } else {
        String::new()
    };
    if places.is_empty() {
        counted
    } else {
        format!("{counted}: {}", places.join(", "))
    }
}

fn row(cells: [&str; 3]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// `text` up to the full stop behind which enough is said.
fn first_sentences(text: &str) -> String {
    const ENOUGH: usize = 80;
    let text = one_line(text);
    let mut stops = text.match_indices(". ").map(|(at, _)| at + 1);
    match stops.find(|at| *at >= ENOUGH) {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().collect::<String>() + letters.as_str()
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
