//! The patterns of rules: ast-grep's pattern language over tree-sitter, behind literal prefilters, and plain regular
//! expressions over the text.

use crate::source::{SourceFile, Span};

/// A pattern as a rule writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PatternSource {
    /// ast-grep's pattern language: `$L.limit($$$)`.
    Code(String),
    /// A regular expression over the file's text.
    Text(String),
}

/// A pattern that cannot be compiled, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(pub String);

/// Compiled patterns, numbered in the order in which they were added.
#[derive(Debug, Default)]
pub struct PatternSet {}

/// Where a pattern matched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatternMatch {
    /// The pattern's number in its set.
    pub pattern: u32,
    /// The matched text.
    pub span: Span,
}

impl PatternSet {
    /// Where the patterns match in `file`.
    pub(super) fn scan(&self, _file: &SourceFile) -> Vec<PatternMatch> {
        Vec::new()
    }
}
