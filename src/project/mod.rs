//! The repository around the code: manifests, workspaces, applications, tsconfig, Next.js configuration, environment,
//! container and CI files, and the resolver of imports.
//!
//! It knows what the files say, not what the code does: no routes, no controls, no rules.

mod app;
mod document;
mod entry;
mod files;
mod manifest;
mod next_config;
mod resolver;
mod tsconfig;

pub use app::{App, Framework};
pub use files::{ProjectFiles, Workflow, WorkflowStep};
pub use manifest::{Package, WorkspaceKind, Workspaces};
pub use next_config::{HeaderEntry, NextConfig, PathCondition};
pub use resolver::{Resolution, Resolver};

use crate::source::{RepoPath, Repository, Unreadable};
use crate::syntax::ModuleRecord;

/// Everything known of the repository besides its modules.
#[derive(Debug)]
pub struct Project {
    /// Packages, by path; the root's own comes first when it has one.
    pub packages: Vec<Package>,
    /// Declared workspaces, by path of the declaring file.
    pub workspaces: Vec<Workspaces>,
    /// Applications, by path. Empty when there is nothing to audit.
    pub apps: Vec<App>,
    /// Files that are not code: environment, container, CI, hosting configuration.
    pub files: ProjectFiles,
}

impl Project {
    /// Reads everything; also gives the files that could not be read or parsed.
    ///
    /// `record_of` gives the module record of a path, where there is one.
    pub fn load<'m>(
        repository: &Repository,
        record_of: &dyn Fn(&RepoPath) -> Option<&'m ModuleRecord>,
    ) -> (Self, Vec<Unreadable>) {
        let mut unreadable = Vec::new();
        let manifests = manifest::read_manifests(repository, &mut unreadable);
        let _ = record_of;
        let project = Self {
            packages: manifests.packages,
            workspaces: manifests.workspaces,
            apps: Vec::new(),
            files: ProjectFiles::default(),
        };
        unreadable.sort_unstable();
        unreadable.dedup();
        (project, unreadable)
    }
}
