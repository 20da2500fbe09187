//! Findings as they are remembered between two runs, and which of them are the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::rule::Severity;
use crate::source::RepoPath;

use super::Unknown;
use super::fingerprint::normalised;

/// A finding of an earlier run: enough to know it again and to name it, without lines, which move.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Accepted {
    /// The application's folder.
    #[serde(default)]
    pub app: String,
    /// The file.
    pub file: String,
    /// The rule's id.
    pub rule: String,
    /// `POST /api/chat`, when it is about one handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// How bad it was.
    pub severity: Severity,
    /// How many places it stood for, when it was a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// What was wrong.
    pub message: String,
    /// What identifies it.
    pub fingerprint: String,
}

impl Accepted {
    /// A finding of the application in `app`, as it is remembered.
    pub(super) fn new(app: &RepoPath, finding: &Finding) -> Self {
        Self {
            app: app.as_str().to_owned(),
            file: finding.location.file.as_str().to_owned(),
            rule: finding.rule.clone(),
            route: finding.route.clone(),
            severity: finding.severity,
            count: finding.count,
            message: finding.message.clone(),
            fingerprint: finding.fingerprint.clone(),
        }
    }
}

/// True when a finding that was accepted as `was` is now more severe, or counts more places.
pub(super) fn is_worse(was: &Accepted, severity: Severity, count: Option<usize>) -> bool {
    severity > was.severity || matches!((was.count, count), (Some(was), Some(now)) if now > was)
}

/// True when `finding` is gone because its rule cannot tell any more: what it was about is among what could not be judged.
pub(super) fn is_unknown(unknown: &[Unknown], finding: &Accepted) -> bool {
    let from = unknown.partition_point(|each| each.rule < finding.rule);
    let mut of_rule = unknown
        .iter()
        .skip(from)
        .take_while(|each| each.rule == finding.rule);
    of_rule.any(|each| match (&each.route, &each.file) {
        (Some(route), _) => finding.route.as_ref() == Some(route),
        (None, Some(file)) => finding.file == *file,
        (None, None) => true,
    })
}

/// What may have happened to findings between two runs.
pub(super) struct Between<'a> {
    /// Another version of the program words them otherwise.
    pub(super) reworded: bool,
    /// The file is there no more: it was moved, or taken away.
    pub(super) is_gone: &'a dyn Fn(&str) -> bool,
}

/// For each of `new`, which of `old` it is.
///
/// The same fingerprint is the same finding, whichever application it was told with. What is left over is the same when rule, file and handler are: its message may have
/// changed with the code around it. Of findings without a handler that holds only between reworded versions of the program. And what
/// was said of a file that is gone is the same when it is now said, word for word, of another one: the code was moved.
pub(super) fn known(
    old: &[Accepted],
    new: &[Accepted],
    between: &Between<'_>,
) -> Vec<Option<usize>> {
    let mut known = known_in_place(old, new, between.reworded);
    let found: BTreeSet<usize> = known.iter().flatten().copied().collect();
    let said = |each: &Accepted| {
        (
            each.rule.clone(),
            each.route.clone(),
            // Without a handler the words alone could be those of any other gap.
            match each.route {
                Some(_) => String::new(),
                None => own_name(&each.file),
            },
            match each.count {
                Some(_) => String::new(),
                None => normalised(&each.message),
            },
        )
    };
    let mut moved: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, each) in old.iter().enumerate().rev() {
        if !found.contains(&at) && (between.is_gone)(&each.file) {
            moved.entry(said(each)).or_default().push(at);
        }
    }
    for (each, known) in new.iter().zip(&mut known) {
        if known.is_none() && !moved.is_empty() {
            *known = moved.get_mut(&said(each)).and_then(Vec::pop);
        }
    }
    known
}

/// What a file keeps of its path when the folders above it are moved: its name, and the folder's for those that are all named
/// alike (`notes/route.ts`). Route groups do not count.
fn own_name(path: &str) -> String {
    let mut parts = path.rsplit('/').filter(|part| !part.starts_with('('));
    let name = parts.next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let is_common = matches!(stem, "route" | "page" | "layout" | "index" | "actions");
    match parts.next() {
        Some(folder) if is_common => format!("{folder}/{name}"),
        _ => name.to_owned(),
    }
}

fn known_in_place(old: &[Accepted], new: &[Accepted], reworded: bool) -> Vec<Option<usize>> {
    let mut exact: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (at, each) in old.iter().enumerate().rev() {
        exact
            .entry((&each.app, &each.fingerprint))
            .or_default()
            .push(at);
    }
    let mut known: Vec<Option<usize>> = new
        .iter()
        .map(|each| {
            exact
                .get_mut(&(each.app.as_str(), each.fingerprint.as_str()))?
                .pop()
        })
        .collect();
    // What is about the whole repository is told with one of its applications, and which one that is depends on what was audited.
    let mut elsewhere: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for ((_, fingerprint), at) in &exact {
        elsewhere.entry(fingerprint).or_default().extend(at);
    }
    for (each, known) in new.iter().zip(&mut known) {
        if known.is_none() {
            let of_others = elsewhere.get_mut(each.fingerprint.as_str());
            *known = of_others.and_then(Vec::pop);
        }
    }
    let found: BTreeSet<usize> = known.iter().flatten().copied().collect();
    let mut left: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    let place = |each: &Accepted| {
        (
            each.app.clone(),
            each.rule.clone(),
            each.file.clone(),
            each.route.clone(),
        )
    };
    for at in exact.into_values().flatten() {
        if let Some(each) = old.get(at).filter(|_| !found.contains(&at))
            && (reworded || each.route.is_some())
        {
            left.entry(place(each)).or_default().push(at);
        }
    }
    for group in left.values_mut() {
        group.sort_unstable_by(|a, b| b.cmp(a));
    }
    for (each, known) in new.iter().zip(&mut known) {
        if known.is_none() {
            *known = left.get_mut(&place(each)).and_then(Vec::pop);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::{Accepted, Between, known};
    use crate::rule::Severity;

    fn in_place(reworded: bool) -> Between<'static> {
        Between {
            reworded,
            is_gone: &|_| false,
        }
    }

    fn finding(fingerprint: &str, route: Option<&str>) -> Accepted {
        Accepted {
            app: String::new(),
            file: String::from("a.ts"),
            rule: String::from("a-rule"),
            route: route.map(str::to_owned),
            severity: Severity::High,
            count: None,
            message: String::new(),
            fingerprint: fingerprint.to_owned(),
        }
    }

    #[test]
    fn a_reworded_finding_of_a_handler_is_known_and_a_second_one_is_not() {
        let old = [finding("1", Some("GET /a")), finding("2", None)];
        let new = [
            finding("3", Some("GET /a")),
            finding("4", Some("GET /a")),
            finding("5", Some("GET /b")),
            finding("6", None),
            finding("2", None),
        ];
        assert_eq!(
            known(&old, &new, &in_place(false)),
            [Some(0), None, None, None, Some(1)]
        );
        let rest = &new[..4];
        assert_eq!(
            known(&old, rest, &in_place(true)),
            [Some(0), None, None, Some(1)]
        );
    }

    #[test]
    fn what_is_about_the_repository_is_known_with_any_application() {
        let of = |app: &str, fingerprint: &str| Accepted {
            app: app.to_owned(),
            ..finding(fingerprint, None)
        };
        let old = [of("api", "1"), of("web", "2"), of("web", "1")];
        let new = [
            of("web", "1"),
            of("web", "1"),
            of("docs", "2"),
            of("docs", "3"),
        ];
        assert_eq!(
            known(&old, &new, &in_place(false)),
            [Some(2), Some(0), Some(1), None]
        );
    }

    #[test]
    fn what_was_moved_is_known_and_what_was_copied_is_not() {
        let at = |file: &str, fingerprint: &str| Accepted {
            file: file.to_owned(),
            ..finding(fingerprint, Some("GET /a"))
        };
        let (old, new) = ([at("a.ts", "1")], [at("b.ts", "2"), at("c.ts", "3")]);
        let moved = Between {
            reworded: false,
            is_gone: &|file| file == "a.ts",
        };
        assert_eq!(known(&old, &new, &moved), [Some(0), None]);
        assert_eq!(known(&old, &new, &in_place(false)), [None, None]);
        let other = [Accepted {
            message: String::from("something else"),
            ..at("b.ts", "2")
        }];
        assert_eq!(known(&old, &other, &moved), [None]);
        // Of no handler, the words alone say too little.
        let of_none = |file: &str| Accepted {
            route: None,
            ..at(file, file)
        };
        let gone = Between {
            reworded: false,
            is_gone: &|file| file.starts_with("lib/"),
        };
        let old = [of_none("lib/a.ts"), of_none("lib/b/route.ts")];
        let new = [
            "src/a.ts",
            "src/c.ts",
            "src/(x)/b/route.ts",
            "src/d/route.ts",
        ]
        .map(of_none);
        assert_eq!(known(&old, &new, &gone), [Some(0), None, Some(1), None]);
    }

    #[test]
    fn equal_fingerprints_are_paired_one_by_one() {
        let old = [finding("1", None)];
        let new = [finding("1", None), finding("1", None)];
        assert_eq!(known(&old, &new, &in_place(false)), [Some(0), None]);
    }
}
