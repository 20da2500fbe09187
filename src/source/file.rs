//! One file's text, and why a file could not be had.

use serde::Serialize;

use super::{LineIndex, RepoPath};

/// A file that was read: valid UTF-8, without a byte-order mark. What was no UTF-8 stands as U+FFFD.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Where it lies.
    pub path: RepoPath,
    /// Its text.
    pub text: String,
}

impl SourceFile {
    /// A file with the given text, as tests make them.
    #[must_use]
    pub fn new(path: RepoPath, text: &str) -> Self {
        Self {
            path,
            text: text.to_owned(),
        }
    }

    /// The beginnings of the lines.
    #[must_use]
    pub fn lines(&self) -> LineIndex {
        LineIndex::new(&self.text)
    }
}

/// A file that is part of the repository but could not be examined. It is reported, never dropped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, schemars::JsonSchema)]
pub struct Unreadable {
    /// Where it lies.
    pub path: RepoPath,
    /// What was wrong and what to do, as a sentence fragment: `larger than 1.5 MB`.
    pub reason: String,
}
