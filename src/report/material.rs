//! What the reports for other programs and for reading at leisure are made from, and views that several of them share.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::audit::{AppAudit, Audit};
use crate::finding::{Finding, Related};
use crate::model::{AppModel, Model};
use crate::rule::{RuleSet, Severity};
use crate::source::{Location, RepoPath, SourceFile};

/// Gives a file of the audited repository, when it can be had.
pub type Text<'a> = &'a dyn Fn(&RepoPath) -> Option<SourceFile>;

/// Everything that a report may print.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// What was found.
    pub audit: &'a Audit,
    /// The facts behind it.
    pub model: &'a Model,
    /// The rules, with what they say about themselves.
    pub rules: &'a RuleSet,
    /// The audited files.
    pub text: Text<'a>,
    /// The audited folder, named from the top of its work tree: what other tools put in front of every path.
    pub folder: &'a RepoPath,
}

/// One step on the way to a gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) location: &'a Location,
    pub(super) note: &'a str,
}

impl<'a> Material<'a> {
    /// The facts about an audited application.
    pub(super) fn app_model(&self, app: &AppAudit) -> Option<&'a AppModel> {
        self.model.apps.iter().find(|each| each.root == app.root)
    }

    /// The file's path from the top of the work tree.
    pub(super) fn path(&self, file: &RepoPath) -> RepoPath {
        if self.folder.is_root() {
            file.clone()
        } else {
            self.folder.join(file.as_str())
        }
    }

    /// The chain behind a finding, entry first. A finding without one is its own only step.
    pub(super) fn chain(&self, finding: &'a Finding) -> Vec<Step<'a>> {
        let place = (&finding.location.file, finding.location.line);
        let own = Step {
            location: &finding.location,
            note: &finding.message,
        };
        let step = |related: &'a Related| Step {
            location: &related.location,
            note: &related.note,
        };
        let steps = finding.related.iter().map(step);
        let Some(first) = finding.related.first() else {
            return vec![own];
        };
        if (&first.location.file, first.location.line) == place {
            return steps.collect();
        }
        if self.is_handler(&first.location) {
            steps.chain(std::iter::once(own)).collect()
        } else {
            std::iter::once(own).chain(steps).collect()
        }
    }

    fn is_handler(&self, location: &Location) -> bool {
        let routes = self.model.apps.iter().flat_map(|app| &app.routes);
        routes
            .filter(|facts| facts.file == location.file)
            .any(|facts| facts.location.line == location.line)
    }
}

/// A header that the application sends.
pub(super) struct SentHeader<'a> {
    pub(super) name: &'a str,
    /// The pattern of the paths; `None` when a middleware sends it.
    pub(super) paths: Option<&'a str>,
    /// Its value, when it is written out.
    pub(super) value: Option<&'a str>,
    /// `next.config.ts:12`
    pub(super) place: String,
}

/// What is known of an environment variable.
#[derive(Debug, Default)]
pub(super) struct Variable {
    /// Where it is read first.
    pub(super) read: Option<String>,
    /// At how many places it is read.
    pub(super) reads: usize,
    /// Where its name is documented.
    pub(super) documented: Option<String>,
}

impl<'a> Material<'a> {
    /// The headers that the application's configuration, its host's and its middleware send.
    pub(super) fn headers(&self, app: &AppAudit) -> Vec<SentHeader<'a>> {
        let at = self
            .model
            .apps
            .iter()
            .position(|each| each.root == app.root);
        let Some((facts, project)) =
            at.and_then(|at| Some((self.model.apps.get(at)?, self.model.project.apps.get(at)?)))
        else {
            return Vec::new();
        };
        let hosted = self
            .model
            .project
            .files
            .hosting_headers
            .iter()
            .filter(|entry| {
                let folder = entry.location.file.parent();
                let folder = folder.unwrap_or_else(|| RepoPath::new(""));
                app.root.starts_with(&folder) || folder.starts_with(&app.root)
            });
        let configured = project
            .next
            .headers
            .iter()
            .chain(hosted)
            .map(|entry| SentHeader {
                name: &entry.name,
                paths: Some(&entry.source),
                value: entry.value.as_deref(),
                place: format!("{}:{}", entry.location.file, entry.location.line),
            });
        let marks = facts.marks.iter().filter_map(|(mark, step)| {
            Some(SentHeader {
                name: mark.strip_prefix("sets-header:")?,
                paths: None,
                value: None,
                place: format!("{}:{}", step.file, step.line),
            })
        });
        configured.chain(marks).collect()
    }

    /// The environment variables that the application reads or the repository documents, by name.
    pub(super) fn environment(&self, app: &AppAudit) -> BTreeMap<&'a str, Variable> {
        let mut variables: BTreeMap<&str, Variable> = BTreeMap::new();
        for (_, module) in self.model.graph.modules() {
            let path = &module.path;
            if !path.starts_with(&app.root) || path.is_test() || self.is_nested(app, path) {
                continue;
            }
            for (name, span) in &module.facts.env_reads {
                let variable = variables.entry(name).or_default();
                variable.reads += 1;
                variable.read.get_or_insert_with(|| {
                    let place = module.location(*span);
                    format!("{}:{}", place.file, place.line)
                });
            }
        }
        for (name, place) in &self.model.project.files.env_documented {
            let folder = place.file.parent().unwrap_or_else(|| RepoPath::new(""));
            let known = variables.contains_key(name.as_str());
            // What a folder above documents may be another application's.
            if folder == app.root || known && app.root.starts_with(&folder) {
                let variable = variables.entry(name).or_default();
                variable
                    .documented
                    .get_or_insert_with(|| format!("{}:{}", place.file, place.line));
            }
        }
        variables
    }
}

/// A folder of an application, and how many of its modules a test reaches.
pub(super) struct TestedFolder {
    pub(super) folder: String,
    pub(super) modules: usize,
    pub(super) reached: usize,
}

impl Material<'_> {
    /// The folders of the application that hold modules, the fullest first.
    pub(super) fn tested_folders(&self, app: &AppAudit) -> Vec<TestedFolder> {
        let graph = &self.model.graph;
        let tests: Vec<_> = graph
            .modules()
            .filter(|(_, module)| module.path.is_test())
            .map(|(id, _)| id)
            .collect();
        let reached = graph.closure(&tests);
        let mut folders: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for ((_, module), reached) in graph.modules().zip(reached) {
            let path = &module.path;
            let Some(inside) = path.strip_prefix(&app.root).filter(|_| !path.is_test()) else {
                continue;
            };
            if self.is_nested(app, path) || path.as_str().ends_with(".d.ts") {
                continue;
            }
            // Two folders deep says enough: `src/lib`, `src/components`.
            let mut parts: Vec<&str> = inside.split('/').collect();
            parts.pop();
            parts.truncate(2);
            if parts.is_empty() {
                continue;
            }
            let folder = folders.entry(parts.join("/")).or_default();
            folder.0 += 1;
            folder.1 += usize::from(reached);
        }
        let folders = folders
            .into_iter()
            .map(|(folder, (modules, reached))| TestedFolder {
                folder,
                modules,
                reached,
            });
        let mut folders: Vec<TestedFolder> = folders.collect();
        folders.sort_by_key(|each| std::cmp::Reverse(each.modules));
        folders
    }

    /// The file belongs to another application inside this one.
    pub(super) fn is_nested(&self, app: &AppAudit, path: &RepoPath) -> bool {
        let mut others = self
            .audit
            .apps
            .iter()
            .filter(|other| other.root != app.root);
        others.any(|other| other.root.starts_with(&app.root) && path.starts_with(&other.root))
    }
}

/// What is wrong, with the handler in front when the message does not name it: a reader needs it.
pub(super) fn told<'a>(message: &'a str, route: Option<&str>) -> Cow<'a, str> {
    match route {
        Some(route) if !message.contains(route) => Cow::Owned(format!("{route}: {message}")),
        _ => Cow::Borrowed(message),
    }
}

/// The findings of one rule, in the audit's order, which is worst first.
pub(super) struct Group<'a> {
    pub(super) rule: &'a str,
    /// The worst of them.
    pub(super) severity: Severity,
    pub(super) findings: Vec<&'a Finding>,
}

/// Findings by rule, in the order in which the worst of each stands in the audit.
pub(super) fn grouped<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Group<'a>> {
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in findings {
        let index = *at.entry(finding.rule.as_str()).or_insert_with(|| {
            groups.push(Group {
                rule: &finding.rule,
                severity: finding.severity,
                findings: Vec::new(),
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(index) {
            group.severity = group.severity.max(finding.severity);
            group.findings.push(finding);
        }
    }
    groups
}

/// `text` as a sentence: a capital in front, unless it begins with a name, and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    let word = text.split_whitespace().next().unwrap_or("");
    let plain = word
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter == '-');
    let mut sentence = String::with_capacity(text.len() + 1);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if plain => sentence.push(first.to_ascii_uppercase()),
        Some(first) => sentence.push(first),
        None => return sentence,
    }
    sentence.push_str(letters.as_str());
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// Severities, worst first, with how many findings have each.
pub(super) fn by_severity<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
) -> [(Severity, usize); 4] {
    let mut counts = [
        (Severity::Critical, 0),
        (Severity::High, 0),
        (Severity::Medium, 0),
        (Severity::Low, 0),
    ];
    for finding in findings {
        for (severity, count) in &mut counts {
            *count += usize::from(*severity == finding.severity);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn sentences_begin_with_a_capital_and_end() {
        assert_eq!(sentence("no limit"), "No limit.");
        assert_eq!(sentence("`x` is unused"), "`x` is unused.");
        assert_eq!(sentence("getUser() is free."), "getUser() is free.");
        assert_eq!(sentence(""), "");
    }
}
