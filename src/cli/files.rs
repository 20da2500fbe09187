//! Files of the audited repository, read again for what reports show of them, each at most once.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::source::{RepoPath, Repository, SourceFile};

/// The files that were asked for so far.
pub(super) struct Files<'a> {
    repository: &'a Repository,
    read: RefCell<BTreeMap<RepoPath, Option<SourceFile>>>,
}

impl<'a> Files<'a> {
    pub(super) fn new(repository: &'a Repository) -> Self {
        Self {
            repository,
            read: RefCell::default(),
        }
    }

    /// A file, when it can be read.
    pub(super) fn get(&self, path: &RepoPath) -> Option<SourceFile> {
        let mut read = self.read.borrow_mut();
        let file = read
            .entry(path.clone())
            .or_insert_with(|| self.repository.read(path).ok());
        file.clone()
    }

    /// A 1-based line of a file.
    pub(super) fn line(&self, path: &RepoPath, line: u32) -> Option<String> {
        let at = usize::try_from(line).ok()?.checked_sub(1)?;
        let file = self.get(path)?;
        file.text.lines().nth(at).map(str::to_owned)
    }
}
