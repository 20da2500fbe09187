//! The audit as SARIF 2.1.0, for GitHub code scanning and everything else that reads it: one run per application.

mod log;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{AppAudit, Suppressed};
use crate::finding::{Finding, Standing};
use crate::rule::Confidence;
use crate::source::{Location, RepoPath};

use super::line_hash::line_hashes;
use super::material::{Material, Step, sentence, told};
use super::text::one_line;
use super::uri::uri;
use log::{
    ArtifactLocation, AutomationDetails, BaseIds, CodeFlow, Described, Descriptor, Driver,
    Fingerprints, Invocation, Log, Message, Notification, NotificationDescriptor, PhysicalLocation,
    Place, Reference, Region, ResultProperties, Run, SarifResult, Suppression, ThreadFlow,
    ThreadFlowLocation, Tool,
};

/// GitHub refuses files with more runs; then all applications share one.
const MOST_RUNS: usize = 20;
/// GitHub refuses runs with more results.
const MOST_RESULTS: usize = 25_000;
/// GitHub refuses files of more than 10 MB when compressed, and such text shrinks to less than a sixth.
const MOST_BYTES: usize = 60_000_000;
/// GitHub shows no more steps of a chain.
const MOST_STEPS: usize = 1_000;
/// Files that are named one by one as not examined.
const MOST_NOTIFICATIONS: usize = 500;

const NOT_EXAMINED: &str = "not-examined";
const NOT_EVALUATED: &str = "not-evaluated";
const STALE: &str = "stale-suppression";
const CUT: &str = "results-cut";

/// The audit as SARIF, on one line with a line end behind it.
#[must_use]
pub fn sarif(material: &Material<'_>) -> String {
    let audit = material.audit;
    let writer = Writer {
        material,
        hashes: BTreeMap::new(),
        taken: BTreeSet::new(),
    };
    let log = Log {
        schema: log::SCHEMA,
        version: "2.1.0",
        runs: writer.runs(if audit.apps.len() > MOST_RUNS {
            vec![audit.apps.iter().collect()]
        } else {
            audit.apps.iter().map(|app| vec![app]).collect()
        }),
    };
    // Our types have string keys and no fallible serialisers, so this cannot fail on any value of theirs.
    let mut text = serde_json::to_string(&log).unwrap_or_default();
    text.push('\n');
    text
}

struct Writer<'a> {
    material: &'a Material<'a>,
    hashes: BTreeMap<&'a RepoPath, Vec<String>>,
    /// Rule, file and line hash of the results so far: GitHub takes two of them for the same alert.
    taken: BTreeSet<(&'a str, &'a RepoPath, String)>,
}

/// A finding on its way to a run.
#[derive(Clone, Copy)]
struct Reported<'a> {
    run: usize,
    finding: &'a Finding,
    suppressed: Option<&'a Suppressed>,
}

impl<'a> Writer<'a> {
    fn runs(mut self, groups: Vec<Vec<&'a AppAudit>>) -> Vec<Run> {
        let rules: Vec<Descriptor> = self
            .material
            .rules
            .rules
            .iter()
            .map(rules::descriptor)
            .collect();
        let mut found: Vec<Reported<'a>> = Vec::new();
        for (run, apps) in groups.iter().enumerate() {
            for app in apps {
                found.extend(app.findings.iter().map(|finding| Reported {
                    run,
                    finding,
                    suppressed: None,
                }));
                found.extend(app.suppressed.iter().map(|each| Reported {
                    run,
                    finding: &each.finding,
                    suppressed: Some(each),
                }));
            }
        }
        // Worst first, so that what is cut is the mildest; every application's own order stays.
        found.sort_by_key(|each| {
            (
                each.suppressed.is_some(),
                std::cmp::Reverse(each.finding.severity),
            )
        });
        let mut results: Vec<Vec<SarifResult>> = groups.iter().map(|_| Vec::new()).collect();
        let mut cut: Vec<usize> = vec![0; groups.len()];
        let mut bytes = 0;
        for each in found {
            let (Some(results), Some(cut)) = (results.get_mut(each.run), cut.get_mut(each.run))
            else {
                continue;
            };
            if results.len() >= MOST_RESULTS || bytes >= MOST_BYTES {
                *cut += 1;
                continue;
            }
            let result = self.result(each);
            bytes += serde_json::to_string(&result).map_or(0, |text| text.len());
            results.push(result);
        }
        let runs = groups.into_iter().zip(results).zip(cut);
        runs.map(|((apps, results), cut)| self.run(&apps, rules.clone(), results, cut))
            .collect()
    }

    fn run(
        &self,
        apps: &[&AppAudit],
        rules: Vec<Descriptor>,
        results: Vec<SarifResult>,
        cut: usize,
    ) -> Run {
        let audit = self.material.audit;
        let root = match apps {
            [app] => self.material.path(&app.root),
            _ => self.material.folder.clone(),
        };
        let mut id = String::from("readiness/");
        if !root.is_root() {
            id.push_str(root.as_str());
            id.push('/');
        }
        if let [app] = apps {
            let in_folder = audit.apps.iter().filter(|other| other.root == app.root);
            if in_folder.count() > 1 {
                id.push_str(&app.framework);
                id.push('/');
            }
        }
        Run {
            tool: Tool {
                driver: Driver {
                    name: audit.tool.name,
                    semantic_version: audit.tool.version,
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules,
                    notifications: notification_descriptors(),
                },
            },
            automation_details: AutomationDetails { id },
            invocations: vec![self.invocation(apps, results.len(), cut)],
            original_uri_base_ids: BaseIds {
                root: Described {
                    description: Message::new("The top of the repository."),
                },
            },
            column_kind: "utf16CodeUnits",
            results,
        }
    }

    fn result(&mut self, reported: Reported<'a>) -> SarifResult {
        let finding = reported.finding;
        let index = {
            let rules = &self.material.rules.rules;
            rules
                .binary_search_by(|rule| rule.id.as_str().cmp(&finding.rule))
                .ok()
        };
        let steps = self.material.chain(finding);
        let flows = if steps.len() > 1 {
            vec![self.flow(&steps)]
        } else {
            Vec::new()
        };
        SarifResult {
            rule_id: finding.rule.clone(),
            rule_index: index,
            level: rules::level_of(finding),
            baseline_state: finding.standing.map(|standing| match standing {
                Standing::New => "new",
                Standing::Worse => "updated",
                Standing::Known => "unchanged",
            }),
            message: Message::new(message(finding)),
            locations: vec![self.place(&finding.location, None)],
            partial_fingerprints: Fingerprints {
                primary_location_line_hash: self.line_hash(finding),
                finding: finding.fingerprint.clone(),
            },
            code_flows: flows,
            suppressions: reported
                .suppressed
                .iter()
                .map(|each| Suppression {
                    kind: if each.in_source {
                        "inSource"
                    } else {
                        "external"
                    },
                    status: "accepted",
                    justification: each.reason.clone(),
                })
                .collect(),
            properties: ResultProperties {
                severity: finding.severity.word(),
                confidence: match finding.confidence {
                    Confidence::High => "high",
                    Confidence::Low => "low",
                },
                route: finding.route.clone(),
            },
        }
    }

    fn flow(&self, steps: &[Step<'_>]) -> CodeFlow {
        let locations = steps.iter().take(MOST_STEPS).map(|step| {
            let note = Message::new(without_links(&sentence(step.note)));
            ThreadFlowLocation {
                location: self.place(step.location, Some(note)),
            }
        });
        CodeFlow {
            thread_flows: vec![ThreadFlow {
                locations: locations.collect(),
            }],
        }
    }

    /// What GitHub knows the line by. A second finding of a rule on a line would be taken for the first, so it is known by its own
    /// fingerprint; so is one in a file that is not there.
    fn line_hash(&mut self, finding: &'a Finding) -> String {
        let file = &finding.location.file;
        let text = self.material.text;
        let hashes = self
            .hashes
            .entry(file)
            .or_insert_with(|| text(file).map_or_else(Vec::new, |file| line_hashes(&file.text)));
        let at = (finding.location.line as usize).checked_sub(1);
        let hash = at.and_then(|at| hashes.get(at)).cloned();
        match hash {
            Some(hash) if self.taken.insert((&finding.rule, file, hash.clone())) => hash,
            _ => finding.fingerprint.clone(),
        }
    }

    fn place(&self, location: &Location, message: Option<Message>) -> Place {
        Place {
            physical_location: PhysicalLocation {
                artifact_location: self.artifact(&location.file),
                region: Some(self.region(location)),
            },
            message,
        }
    }

    fn artifact(&self, file: &RepoPath) -> ArtifactLocation {
        ArtifactLocation {
            uri: uri(&self.material.path(file)),
            uri_base_id: "%SRCROOT%",
        }
    }

    /// The place in UTF-16 columns, cut to its first line: GitHub shows an alert on a pull request only when all of its lines were
    /// changed.
    fn region(&self, location: &Location) -> Region {
        let file = (self.material.text)(&location.file);
        let at = (location.line as usize).saturating_sub(1);
        let line = file.as_ref().and_then(|file| file.text.lines().nth(at));
        region(location, line)
    }

    fn invocation(&self, apps: &[&AppAudit], kept: usize, cut: usize) -> Invocation {
        let audit = self.material.audit;
        let mine = |path: &RepoPath| self.belongs(path, apps);
        let mut execution: Vec<Notification> = Vec::new();
        let unread: Vec<_> = audit
            .not_examined
            .iter()
            .filter(|file| mine(&file.path))
            .collect();
        for file in unread.iter().take(MOST_NOTIFICATIONS) {
            let text = format!("{} was not examined: {}.", file.path, file.reason);
            let mut notification = notification(NOT_EXAMINED, "warning", &text);
            notification.locations.push(Place {
                physical_location: PhysicalLocation {
                    artifact_location: self.artifact(&file.path),
                    region: None,
                },
                message: None,
            });
            execution.push(notification);
        }
        if unread.len() > MOST_NOTIFICATIONS {
            let more = unread.len() - MOST_NOTIFICATIONS;
            let text = format!("{more} more places were not examined.");
            execution.push(notification(NOT_EXAMINED, "warning", &text));
        }
        if cut > 0 {
            let text = format!(
                "{kept} results are in this file, the worst; {cut} milder ones were cut because of the limits of code scanning."
            );
            execution.push(notification(CUT, "warning", &text));
        }
        let failed = audit.not_evaluated.iter().filter(|each| mine(&each.app));
        let failed: Vec<Notification> = failed
            .map(|each| Notification {
                associated_rule: Some(Reference {
                    id: each.rule.clone(),
                }),
                ..notification(NOT_EVALUATED, "error", &sentence(&each.reason))
            })
            .collect();
        let successful = failed.is_empty();
        execution.extend(failed);
        let stale = audit
            .stale_suppressions
            .iter()
            .filter(|each| mine(&each.location.file));
        let configuration = stale.map(|each| Notification {
            associated_rule: Some(Reference {
                id: each.rule.clone(),
            }),
            locations: vec![self.place(&each.location, None)],
            ..notification(STALE, "note", &sentence(&each.problem))
        });
        Invocation {
            execution_successful: successful,
            tool_execution_notifications: execution,
            tool_configuration_notifications: configuration.collect(),
        }
    }

    /// True when one of these applications is the innermost around the path; what lies in none goes with the first.
    fn belongs(&self, path: &RepoPath, apps: &[&AppAudit]) -> bool {
        let all = &self.material.audit.apps;
        let home = all
            .iter()
            .filter(|app| app.root.is_root() || path.starts_with(&app.root))
            .max_by_key(|app| app.root.as_str().len())
            .or_else(|| all.first());
        home.is_some_and(|home| apps.iter().any(|app| app.root == home.root))
    }
}

fn region(location: &Location, line: Option<&str>) -> Region {
    let one_line = location.end_line == location.line;
    // A place without a width stands for its line.
    let whole = one_line && location.column == location.end_column;
    let (start, end) = match line {
        Some(line) if whole => {
            let indent = line.len() - line.trim_start().len();
            (utf16(line, indent), utf16(line, line.trim_end().len()))
        }
        Some(line) => {
            let start = utf16(line, (location.column as usize).saturating_sub(1));
            let end = if one_line {
                (location.end_column as usize).saturating_sub(1)
            } else {
                line.trim_end().len()
            };
            (start, utf16(line, end))
        }
        None if one_line => (location.column, location.end_column),
        None => (location.column, location.column),
    };
    // Where nothing is left of the line, its text is shown.
    let (start, end) = match line {
        Some(line) if end <= start => {
            let indent = line.len() - line.trim_start().len();
            (utf16(line, indent), utf16(line, line.trim_end().len()))
        }
        _ => (start, end),
    };
    Region {
        start_line: location.line.max(1),
        start_column: start.max(1),
        end_line: location.line.max(1),
        end_column: end.max(start).max(1),
    }
}

/// The 1-based UTF-16 column of a byte offset in a line.
fn utf16(line: &str, offset: usize) -> u32 {
    let before = line
        .char_indices()
        .take_while(|(at, _)| *at < offset)
        .map(|(_, letter)| letter.len_utf16());
    u32::try_from(before.sum::<usize>() + 1).unwrap_or(u32::MAX)
}

/// The first sentence is what GitHub shows in lists; the second says what to do.
fn message(finding: &Finding) -> String {
    let mut text = sentence(&told(&finding.message, finding.route.as_deref()));
    if finding.confidence == Confidence::Low {
        text.push_str(" This is likely, but not proved.");
    }
    text.push(' ');
    text.push_str(&sentence(&one_line(&finding.fix)));
    without_links(&text)
}

/// `[…](…)` is a link in a message, and names of the repository are to make none.
fn without_links(text: &str) -> String {
    text.replace("](", "] (")
}

fn notification(id: &'static str, level: &'static str, text: &str) -> Notification {
    Notification {
        descriptor: Reference { id: id.to_owned() },
        level,
        message: Message::new(without_links(text)),
        associated_rule: None,
        locations: Vec::new(),
    }
}

fn notification_descriptors() -> Vec<NotificationDescriptor> {
    [
        (
            NOT_EXAMINED,
            "A file could not be examined.",
            "What it holds is unknown, and no finding says anything about it. The message names the reason.",
        ),
        (
            NOT_EVALUATED,
            "A rule gave no answer.",
            "The rule failed on this application. That is a fault of readiness: please report it.",
        ),
        (
            STALE,
            "A suppression does nothing.",
            "It matches no finding, has run out, or gives no reason. Remove it, or put it right.",
        ),
        (
            CUT,
            "Results were left out.",
            "Code scanning takes no more results. The worst ones are in this file; the JSON report holds all.",
        ),
    ]
    .into_iter()
    .map(|(id, short, full)| NotificationDescriptor {
        id,
        short_description: Message::new(short),
        full_description: Message::new(full),
        help: Message::new(full),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{Region, region, utf16, without_links};
    use crate::source::{Location, RepoPath};

    fn at(line: u32, column: u32, end_line: u32, end_column: u32) -> Location {
        Location {
            file: RepoPath::new("a.ts"),
            line,
            column,
            end_line,
            end_column,
        }
    }

    #[test]
    fn columns_count_utf16_units() {
        let line = "  // 日本 🙂 x();";
        let byte = line.find("x()").unwrap();
        assert_eq!(utf16(line, byte), 12);
        let start = u32::try_from(byte).unwrap() + 1;
        let expected = Region {
            start_line: 4,
            start_column: 12,
            end_line: 4,
            end_column: 15,
        };
        assert_eq!(region(&at(4, start, 4, start + 3), Some(line)), expected);
    }

    #[test]
    fn a_long_place_is_its_first_line_and_no_width_the_whole_line() {
        let of = |location: &Location| {
            let region = region(location, Some("\tfoo bar  "));
            (region.start_column, region.end_line, region.end_column)
        };
        assert_eq!(of(&at(2, 2, 9, 3)), (2, 2, 9));
        assert_eq!(of(&at(2, 1, 2, 1)), (2, 2, 9));
        // It begins where the line ends.
        assert_eq!(of(&at(2, 9, 9, 3)), (2, 2, 9));
        let missing = region(&at(2, 1, 2, 1), None);
        assert_eq!((missing.start_column, missing.end_column), (1, 1));
    }

    #[test]
    fn names_make_no_links() {
        assert_eq!(without_links("/api/[id](x)"), "/api/[id] (x)");
    }
}
