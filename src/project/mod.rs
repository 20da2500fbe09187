//! The repository around the code: manifests, workspaces, applications, tsconfig, Next.js configuration, environment,
//! container and CI files, and the resolver of imports.
//!
//! It knows what the files say, not what the code does: no routes, no controls, no rules.

mod app;
mod candidates;
mod container;
mod discovery;
mod document;
mod entry;
mod environment;
mod files;
mod gateway;
mod hosting;
mod jenkins;
/// Constant folding over the IR, for every file that configures something.
pub mod literal;
mod manifest;
mod measured;
mod next_config;
mod other_servers;
mod pipelines;
mod platforms;
mod resolver;
mod services;
mod specifier;
mod tasks;
mod tsconfig;
mod version;

pub use app::{App, Framework};
pub use container::{ComposeService, Dockerfile, Stage};
pub use files::{ProjectFiles, Workflow, WorkflowStep};
pub use gateway::GatewayLimits;
pub use manifest::{Manifests, Package, WorkspaceKind, Workspaces};
pub use measured::MeasuredValues;
pub use next_config::{HeaderEntry, NextConfig, PathCondition, path_conditions};
pub use platforms::Platforms;
pub use resolver::{Resolution, Resolver};
pub use tasks::Task;
pub use tsconfig::{STRICT_CHECKS, Strict};

use crate::rule::MeasuredResult;
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
    /// Reads everything; also gives the files that could not be read or parsed, and the manifests of servers that are not understood.
    ///
    /// `record_of` gives the module record of a path, where there is one.
    pub fn load<'m>(
        repository: &Repository,
        record_of: &(dyn Fn(&RepoPath) -> Option<&'m ModuleRecord> + Sync),
    ) -> (Self, Vec<Unreadable>) {
        Self::of(repository, Manifests::read(repository), record_of)
    }

    /// The same where the manifests, and which of them could not be read, are known.
    pub fn of<'m>(
        repository: &Repository,
        (manifests, mut unreadable): (Manifests, Vec<Unreadable>),
        record_of: &(dyn Fn(&RepoPath) -> Option<&'m ModuleRecord> + Sync),
    ) -> (Self, Vec<Unreadable>) {
        let discover = || {
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
            let discovery = Discovery {
                repository,
                manifests: &manifests,
                record_of,
                locks: &version::Versions::new(repository, &manifests.workspaces),
            };
            (discovery.apps(&read_config), discovery.other_servers())
        };
        let ((apps, others), files) = rayon::join(discover, || {
            let mut unreadable = Vec::new();
            (ProjectFiles::read(repository, &mut unreadable), unreadable)
        });
        let (files, unreadable_files) = files;
        unreadable.extend(unreadable_files);
        unreadable.extend(others);
        let project = Self {
            packages: manifests.packages,
            workspaces: manifests.workspaces,
            apps,
            files,
        };
        unreadable.sort_unstable();
        unreadable.dedup();
        (project, unreadable)
    }
}

/// Reads a result file of another tool, which may be one that Git ignores.
///
/// # Errors
/// When it is not there, lies outside the repository, or is no such result.
pub fn read_measured(
    repository: &Repository,
    path: &RepoPath,
    result: MeasuredResult,
) -> Result<MeasuredValues, Unreadable> {
    let named = |unreadable: Unreadable| Unreadable {
        path: unreadable.path,
        reason: format!(
            "{}; `{}` of [measure] names it: let the tool that writes it run first, or take the line out",
            unreadable.reason,
            result.key()
        ),
    };
    let text = repository.read_result(path).map_err(named)?;
    let read = match result {
        MeasuredResult::Coverage => measured::coverage(&text),
        MeasuredResult::Load => measured::load(&text),
        MeasuredResult::Lighthouse => measured::lighthouse(&text),
        MeasuredResult::Audit => measured::audit(&text),
    };
    read.map_err(|reason| {
        named(Unreadable {
            path: path.clone(),
            reason,
        })
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_manifests_and_configurations_are_survived() {
        let repository = Repository::in_memory(&[
            (
                "package.json",
                r#"{"name":7,"dependencies":["next"],"workspaces":"x","exports":[[[]]],"imports":3}"#,
            ),
            (
                "a/package.json",
                r#"{"name":"","dependencies":{"next":1,"b":{}},"workspaces":{"packages":[1,"[","!"]}}"#,
            ),
            ("b/package.json", "[]"),
            ("c/package.json", ""),
            ("pnpm-workspace.yaml", "- just\n- a list\n"),
            (
                "tsconfig.json",
                r#"{"extends":[1,{}],"compilerOptions":{"paths":{"*":"x","@/*":[1,"../../../up/*"],"**":["*"]},"baseUrl":4},"references":[{"path":5},{"path":"."}]}"#,
            ),
            ("a/tsconfig.json", "[]"),
            ("d/tsconfig.json", "{"),
            ("a/x.ts", ""),
            (
                "vercel.json",
                r#"{"headers":{"a":1},"crons":[1,{"path":2}]}"#,
            ),
            ("netlify.toml", "headers = 3"),
            ("firebase.json", r#"{"hosting":7}"#),
            (".github/workflows/a.yml", "on: 3\njobs:\n  - a\n"),
            (
                ".github/workflows/b.yml",
                "jobs: {a: {steps: {run: x}}, b: null, c: {steps: [1, {run: [x]}]}}",
            ),
            (".gitlab-ci.yml", "%%%"),
        ]);
        let (project, problems) = Project::load(&repository, &|_| None);
        let (resolver, more) = Resolver::new(&repository, &project);
        assert!(project.apps.is_empty());
        let paths: Vec<&str> = problems
            .iter()
            .chain(&more)
            .map(|problem| problem.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [".gitlab-ci.yml", "b/package.json", "d/tsconfig.json"]
        );
        for specifier in [
            "", ".", "..", "#", "#a", "@", "@/", "@a/", "a/", "//", "?", "!", "node:", ":",
            "\u{fc}", "@/x", "../../..",
        ] {
            let _ = resolver.resolve(&RepoPath::new("a/x.ts"), specifier);
            let _ = resolver.resolve(&RepoPath::new("x.ts"), specifier);
        }
    }
}
