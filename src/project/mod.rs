//! The repository around the code: manifests, workspaces, applications, tsconfig, Next.js configuration, environment,
//! container and CI files, and the resolver of imports.
//!
//! It knows what the files say, not what the code does: no routes, no controls, no rules.

mod app;
mod files;
mod manifest;
mod next_config;
mod resolver;

pub use app::{App, Framework};
pub use files::{ProjectFiles, Workflow, WorkflowStep};
pub use manifest::{Package, WorkspaceKind};
pub use next_config::{HeaderEntry, NextConfig, PathCondition};
pub use resolver::{Resolution, Resolver};

use crate::source::Repository;
use crate::syntax::ModuleRecord;

/// Everything known of the repository besides its modules.
#[derive(Debug)]
pub struct Project {
    /// Packages, by path; the root's own comes first when it has one.
    pub packages: Vec<Package>,
    /// Applications, by path. Empty when there is nothing to audit.
    pub apps: Vec<App>,
    /// Files that are not code: environment, container, CI, hosting configuration.
    pub files: ProjectFiles,
}
