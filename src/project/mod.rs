//! The repository around the code: manifests, workspaces, applications, tsconfig, Next.js configuration, environment,
//! container and CI files, and the resolver of imports.
//!
//! It knows what the files say, not what the code does: no routes, no controls, no rules.

mod app;
mod candidates;
mod discovery;
mod document;
mod entry;
mod environment;
mod files;
mod hosting;
/// Constant folding over the IR, for every file that configures something.
pub mod literal;
mod manifest;
mod next_config;
mod pipelines;
mod resolver;
mod services;
mod specifier;
mod tsconfig;
mod version;

pub use app::{App, Framework};
pub use files::{ProjectFiles, Workflow, WorkflowStep};
pub use manifest::{Package, WorkspaceKind, Workspaces};
pub use next_config::{HeaderEntry, NextConfig, PathCondition, path_conditions};
pub use resolver::{Resolution, Resolver};

use crate::source::{RepoPath, Repository, Unreadable};
use crate::syntax::{Export, Import, Imported, ModuleRecord};

use discovery::Discovery;

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
        let files = std::cell::OnceCell::new();
        let read_config = |path: &RepoPath| match record_of(path) {
            Some(record) => NextConfig::read(record, &|module, import| {
                imported_from_file(
                    files.get_or_init(|| candidates::Files::of(repository)),
                    record_of,
                    module,
                    import,
                )
            }),
            None => NextConfig::unreadable(path.clone()),
        };
        let apps = Discovery {
            repository,
            manifests: &manifests,
            record_of,
        }
        .apps(&read_config);
        let project = Self {
            packages: manifests.packages,
            workspaces: manifests.workspaces,
            apps,
            files: ProjectFiles::read(repository, &mut unreadable),
        };
        unreadable.sort_unstable();
        unreadable.dedup();
        (project, unreadable)
    }
}

/// What a configuration imports from a file beside it. Aliases do not hold there, and packages are not looked into.
fn imported_from_file<'m>(
    files: &candidates::Files,
    record_of: &dyn Fn(&RepoPath) -> Option<&'m ModuleRecord>,
    module: &'m ModuleRecord,
    import: &'m Import,
) -> Option<(&'m ModuleRecord, &'m Export)> {
    let target = specifier::relative_target(&module.path, &import.specifier)?;
    let target = record_of(&files.load(&target)?)?;
    let name = match &import.imported {
        Imported::Named(name) => module.name(*name),
        Imported::Default => "default",
        // `const { a } = require('./x')` is a namespace that is taken apart; the whole stays unknown.
        Imported::Namespace => return None,
    };
    let export = target.exports.iter().find(|export| &*export.name == name)?;
    Some((target, export))
}
