//! What the reports for other programs and for reading at leisure are made from, and views that several of them share.

use crate::audit::Audit;
use crate::finding::{Finding, Related};
use crate::model::Model;
use crate::rule::RuleSet;
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

/// `text` as a sentence: a capital in front, unless it begins with a name, and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    let word = text.split_whitespace().next().unwrap_or("");
    let plain = word.chars().all(|letter| letter.is_ascii_lowercase());
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
