//! Comments, and titles of tests, that say in so many words that something is meant.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::source::{LineIndex, Span};

use super::record::Meant;

/// What comments say of a guard that lets pass what it cannot check; in lower case.
const OPEN: [&str; 4] = ["fail open", "fail-open", "fails open", "failing open"];

/// What they say of one that counts for itself in each process.
const ALONE: [&str; 8] = [
    "per instance",
    "per-instance",
    "per replica",
    "per-replica",
    "per process",
    "per-process",
    "single instance",
    "single-instance",
];

/// What they say of what is still to come.
const LATER: [&str; 6] = [
    "not yet",
    "for now",
    "a future",
    "for future",
    "future use",
    "in the future",
];

/// What they say of news that are only taken as a hint.
const AGAIN: [&str; 3] = ["re-fetch", "refetch", "fetched again"];

/// Why something may pass, in a comment that allows it; in lower case.
const FAILURES: [&str; 3] = [" fails", " is down", "unavailable"];

/// The lines on which comments stand that say that something is meant, in order.
pub(super) fn in_comments(text: &str, lines: &LineIndex, comments: &[Span]) -> Vec<(u32, Meant)> {
    // One of these stands in whatever is meant, and in few comments.
    static SIGNS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let mut builder = AhoCorasick::builder();
        let signs = OPEN.iter().chain(&ALONE).chain(&LATER).chain(&AGAIN);
        let signs = signs.chain(&FAILURES);
        builder.ascii_case_insensitive(true).build(signs).ok()
    });
    let is_sign = |content: &str| SIGNS.as_ref().is_none_or(|signs| signs.is_match(content));
    let mut found = Vec::new();
    for comment in comments {
        let Some(content) = text.get(comment.start as usize..comment.end as usize) else {
            continue;
        };
        if !is_sign(content) {
            continue;
        }
        let Some(meant) = said(&content.to_lowercase()) else {
            continue;
        };
        let (begin, end) = (lines.line(comment.start), lines.line(comment.end));
        found.push((begin, meant));
        if end != begin {
            found.push((end, meant));
        }
    }
    found
}

/// The title of a test says that what it asks about lets pass what it cannot check.
pub(super) fn is_open(title: &str) -> bool {
    title.contains("fail") && said(&title.to_lowercase()) == Some(Meant::Open)
}

/// What a comment in lower case says that is meant.
fn said(comment: &str) -> Option<Meant> {
    let any = |forms: &[&str]| {
        forms.iter().any(|form| {
            let mut places = comment.match_indices(form);
            // `rate-limit-fail-open` is the name of a rule.
            places.any(|(at, _)| !comment[..at].ends_with('-'))
        })
    };
    // `Allow the request if Redis is down`.
    let lets_pass = || {
        comment
            .split_once("allow ")
            .and_then(|(_, rest)| {
                rest.split_once(" if ")
                    .or_else(|| rest.split_once(" when "))
            })
            .is_some_and(|(_, when)| FAILURES.iter().any(|word| when.contains(word)))
    };
    if any(&OPEN) || lets_pass() {
        Some(Meant::Open)
    } else if any(&ALONE) {
        Some(Meant::Alone)
    } else if any(&LATER) {
        Some(Meant::Later)
    } else if any(&AGAIN) {
        Some(Meant::Again)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::said;
    use crate::syntax::Meant;

    #[test]
    fn what_comments_say_is_meant() {
        assert_eq!(said("// fail open: better than none"), Some(Meant::Open));
        assert_eq!(
            said("// allow the call if the store is down"),
            Some(Meant::Open)
        );
        assert_eq!(said("// allow ten calls a minute"), None);
        assert_eq!(said("/* counted per replica */"), Some(Meant::Alone));
        assert_eq!(
            said("// so that a future page can use it"),
            Some(Meant::Later)
        );
        assert_eq!(
            said("// all that counts is re-fetched from the shop"),
            Some(Meant::Again)
        );
        assert_eq!(said("//~ rate-limit-fail-open"), None);
    }
}
