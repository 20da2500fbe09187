//! What plans put around their tasks: what is measured against which target, who has how much to do, where things are, which packages
//! to add and which pages to read.

use std::collections::BTreeMap;

use crate::controls::Status;
use crate::model::RouteFacts;
use crate::report::material::sentence;
use crate::report::test_suite::{packages_of, test_files};
use crate::report::text::hours;
use crate::report::work::PhaseWork;
use crate::rule::{Check, Control, Rule};
use crate::source::RepoPath;

use super::sections::Section;
use super::write::{Document, code, escape};

/// Files named for each control, and calls for each kind.
const FILES: usize = 4;

impl Section<'_> {
    /// What results of other tools have to come to, and what they are.
    pub(super) fn targets(&self, to: &mut Document) {
        let mut rows = Vec::new();
        let plan = self.material.rules.roadmap(&self.app.roadmap);
        for rule in &self.material.rules.rules {
            let planned = plan.and_then(|plan| plan.rule(rule, None).ok());
            let Check::Measured(check) = planned.as_ref().map_or(&rule.check, |rule| &rule.check)
            else {
                continue;
            };
            if self.app.answer(&rule.id).is_none() {
                continue;
            }
            let measured = self.material.model.measured.get(&check.result);
            for target in &check.targets {
                let value = measured.and_then(|(_, measured)| measured.values.get(&target.value));
                let wanted = match (target.at_most, target.at_least) {
                    (Some(most), _) => format!("at most {}{}", trimmed(most), target.unit),
                    (_, Some(least)) => format!("at least {}{}", trimmed(least), target.unit),
                    _ => continue,
                };
                rows.push(vec![
                    escape(&target.name),
                    wanted,
                    value.map_or_else(
                        || {
                            format!(
                                "not measured ({})",
                                code(&format!("[measure] {}", check.result.key()))
                            )
                        },
                        |value| format!("{}{}", trimmed(*value), target.unit),
                    ),
                ]);
            }
        }
        if !rows.is_empty() {
            to.heading(self.level, "Targets");
            to.table(&["What", "Target", "Now"], &rows);
        }
    }

    /// The units of which rules ask for tests, kind by kind.
    pub(super) fn units(&self, to: &mut Document) {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let phases = self.app.phases.iter().chain([&self.app.outside]);
        let items = phases.flat_map(|phase| &phase.items);
        let checks = items.flat_map(|item| item.checks.iter().map(move |check| (item, check)));
        for (item, check) in checks {
            let Some(rule) = self.material.rules.rule(&check.rule) else {
                continue;
            };
            let kind = match &rule.check {
                Check::UnitsTested(units) => units.plural.as_str(),
                Check::RouteControl(routes) if routes.control == Control::Tests => "handlers",
                _ => continue,
            };
            let kind = escape(kind);
            if rows.iter().any(|row| row.first() == Some(&kind)) {
                continue;
            }
            rows.push(vec![
                kind,
                check.covered.to_string(),
                check.total.to_string(),
                item.priority.word().to_owned(),
            ]);
        }
        to.table(&["Kind", "With a test", "Target", "Priority"], &rows);
    }

    /// Calls that cost money or much time, by kind.
    pub(super) fn services(&self, to: &mut Document) {
        let Some(facts) = self.material.app_model(self.app) else {
            return;
        };
        let mut kinds: BTreeMap<&str, Vec<&crate::controls::Evidence>> = BTreeMap::new();
        for route in facts.endpoints() {
            let mut seen: Vec<&str> = Vec::new();
            for (kind, evidence) in &route.expensive {
                if !seen.contains(&kind.as_str()) {
                    seen.push(kind);
                    kinds.entry(kind).or_default().push(evidence);
                }
            }
        }
        if kinds.is_empty() {
            return;
        }
        to.heading(self.level, "Costly calls");
        let rows = kinds.into_iter().map(|(kind, calls)| {
            let handlers = calls.len().to_string();
            let mut places: Vec<String> = calls
                .into_iter()
                .map(|call| code(&format!("{}:{}", call.file, call.line)))
                .collect();
            places.dedup();
            if places.len() > FILES {
                let more = format!("and {} more", places.len() - FILES);
                places.truncate(FILES);
                places.push(more);
            }
            vec![escape(kind), handlers, places.join(", ")]
        });
        let head = ["Kind", "Handlers", "Called in"];
        to.table(&head, &rows.collect::<Vec<_>>());
    }

    /// Hours by who has them.
    pub(super) fn owners(&self, to: &mut Document, work: &[PhaseWork<'_>]) {
        let mut owners: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
        let tasks = work.iter().flat_map(|each| &each.tasks);
        for task in tasks.filter(|task| task.item.effort_hours > 0.0) {
            let owner = owners.entry(task.item.owner.as_deref().unwrap_or("nobody named"));
            let sum = owner.or_default();
            sum.0 += 1;
            sum.1 += task.item.effort_hours;
        }
        if owners.len() < 2 {
            return;
        }
        let rows = owners
            .into_iter()
            .map(|(owner, (tasks, left))| vec![escape(owner), tasks.to_string(), hours(left)]);
        to.table(
            &["Owner", "Tasks", "Effort left"],
            &rows.collect::<Vec<_>>(),
        );
    }

    /// The files to know: what each control rests on, and what configures the application.
    pub(super) fn places(&self, to: &mut Document) {
        let Some(facts) = self.material.app_model(self.app) else {
            return;
        };
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut add = |what: String, files: Vec<String>| {
            if !files.is_empty() {
                rows.push(vec![what, files.join(", ")]);
            }
        };
        let files = facts.middleware.iter().map(|each| {
            let module = self.material.model.graph.module(each.module);
            let unloaded = each.problem.as_ref().map_or("", |_| " (never run)");
            format!("{}{unloaded}", code(module.path.as_str()))
        });
        add(String::from("Middleware"), files.collect());
        for control in Control::ALL {
            if control != Control::Tests {
                add(
                    sentence(control.title()).trim_end_matches('.').to_owned(),
                    rests_on(facts.endpoints(), control),
                );
            }
        }
        let model = self.material.model;
        let own = model
            .apps
            .iter()
            .position(|each| each.root == self.app.root);
        let project = own.and_then(|at| model.project.apps.get(at));
        let config = project.and_then(|project| project.next.file.as_ref());
        add(
            String::from("Next.js configuration"),
            config.into_iter().map(|file| code(file.as_str())).collect(),
        );
        let files = &model.project.files;
        let mut documented: Vec<&RepoPath> = files
            .env_documented
            .iter()
            .map(|(_, place)| &place.file)
            .filter(|file| {
                file.parent()
                    .is_some_and(|folder| self.app.root.starts_with(&folder))
            })
            .collect();
        documented.dedup();
        let shown = |files: Vec<&RepoPath>| files.iter().map(|file| code(file.as_str())).collect();
        add(String::from("Environment"), shown(documented));
        let on_change = files.workflows.iter().filter(|each| each.on_change);
        add(
            String::from("Pipelines"),
            shown(on_change.map(|each| &each.file).collect()),
        );
        if rows.is_empty() {
            return;
        }
        to.heading(self.level, "Where things are");
        to.table(&["What", "Files"], &rows);
    }

    /// Packages of open tasks of which the application has none.
    pub(super) fn packages(&self, to: &mut Document, work: &[PhaseWork<'_>]) {
        let packages: Vec<_> = packages_of(self.material.model, self.app).collect();
        let is_there = |name: &String| packages.iter().any(|package| package.depends_on(name));
        let is_nested = |path: &RepoPath| self.material.is_nested(self.app, path);
        let has_tests = !test_files(self.material.model, self.app, is_nested).is_empty();
        // Whatever runs the tests that are there runs those of handlers, and it need not be a package.
        let is_run = |rule: &Rule| {
            has_tests
                && matches!(&rule.check, Check::RouteControl(check) if check.control == Control::Tests)
        };
        // What is made for Next.js serves nothing else.
        let serves = |name: &&String| self.app.framework == "next" || !name.contains("next");
        let mut wanted: Vec<(Vec<&String>, Vec<&Rule>)> = Vec::new();
        for rule in self.open_rules(work) {
            if rule.packages.is_empty() || is_run(rule) || rule.packages.iter().any(is_there) {
                continue;
            }
            let named: Vec<&String> = rule.packages.iter().filter(serves).collect();
            match wanted.iter_mut().find(|(known, _)| *known == named) {
                Some((_, rules)) => rules.push(rule),
                None if named.is_empty() => {}
                None => wanted.push((named, vec![rule])),
            }
        }
        if wanted.is_empty() {
            return;
        }
        to.heading(self.level, "Packages to add");
        to.paragraph(
            "One of each row, or whatever the team uses in its place; none of them is a dependency yet.",
        );
        let rows = wanted.iter().map(|(named, rules)| {
            let named: Vec<String> = named.iter().map(|name| code(name)).collect();
            let rules: Vec<String> = rules.iter().map(|rule| code(&rule.id)).collect();
            vec![named.join(" or "), rules.join(", ")]
        });
        to.table(&["Package", "Closes"], &rows.collect::<Vec<_>>());
    }

    /// What rules with gaps say is worth reading.
    pub(super) fn references(&self, to: &mut Document, work: &[PhaseWork<'_>]) {
        let rules = self.open_rules(work).into_iter();
        let mut rules = rules.filter(|rule| !rule.links.is_empty()).peekable();
        if rules.peek().is_none() {
            return;
        }
        to.heading(self.level, "References");
        for rule in rules {
            let about = sentence(&rule.title);
            let about = about.trim_end_matches('.');
            to.item(0, &format!("{about}: {}", rule.links.join(" · ")));
        }
    }

    /// The rules with gaps, likely ones too, each once, in the roadmap's order.
    fn open_rules<'b>(&self, work: &[PhaseWork<'b>]) -> Vec<&'b Rule> {
        let mut rules: Vec<&Rule> = Vec::new();
        for task in work.iter().flat_map(|each| &each.tasks) {
            for rule in &task.rules {
                let has_gap = task.findings.iter().any(|finding| finding.rule == rule.id);
                if has_gap && !rules.iter().any(|known| known.id == rule.id) {
                    rules.push(rule);
                }
            }
        }
        rules
    }
}

/// The files outside the handlers' own on which a control rests, those of most handlers first.
fn rests_on<'a>(routes: impl Iterator<Item = &'a RouteFacts>, control: Control) -> Vec<String> {
    let mut files: BTreeMap<&RepoPath, usize> = BTreeMap::new();
    for facts in routes {
        let verdict = facts.controls.get(&control).filter(|verdict| {
            !matches!(
                verdict.status,
                Status::Absent | Status::Unknown | Status::Uncaught | Status::Console | Status::Na
            )
        });
        let steps = verdict.into_iter().flat_map(|verdict| &verdict.evidence);
        let mut outside: Vec<&RepoPath> = steps
            .map(|step| &step.file)
            .filter(|file| **file != facts.file)
            .collect();
        outside.sort_unstable();
        outside.dedup();
        for file in outside {
            *files.entry(file).or_default() += 1;
        }
    }
    let mut files: Vec<(&RepoPath, usize)> = files.into_iter().collect();
    files.sort_by_key(|(_, handlers)| std::cmp::Reverse(*handlers));
    let files = files.into_iter().take(FILES);
    files
        .map(|(file, handlers)| format!("{} ({handlers})", code(file.as_str())))
        .collect()
}

/// `2500`, `0.1`
fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
