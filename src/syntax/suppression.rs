//! `// readiness-ignore rule-id -- reason` comments.

use crate::source::{LineIndex, Span};

/// One suppression comment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppression {
    /// The rules it names.
    pub rules: Vec<String>,
    /// Why; empty when none is given, which is itself reported.
    pub reason: String,
    /// The comment.
    pub span: Span,
    /// The 1-based line whose findings it suppresses: its own when code stands before it, else the next line with code.
    pub line: u32,
}

/// Finds the suppression comments in a file's text.
#[must_use]
pub fn suppressions(_text: &str) -> Vec<Suppression> {
    Vec::new()
}

/// Finds the suppressions among the comments of a file.
pub(super) fn in_comments(_text: &str, _lines: &LineIndex, _comments: &[Span]) -> Vec<Suppression> {
    Vec::new()
}
