//! `package.json` and the workspaces that tie packages together.

use indexmap::IndexMap;

use crate::source::RepoPath;

/// One `package.json`.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The folder it lies in.
    pub root: Option<RepoPath>,
    /// `name`
    pub name: Option<String>,
    /// `dependencies` and `optionalDependencies`: name → range.
    pub dependencies: IndexMap<String, String>,
    /// `devDependencies`
    pub dev_dependencies: IndexMap<String, String>,
    /// `peerDependencies`
    pub peer_dependencies: IndexMap<String, String>,
    /// `scripts`
    pub scripts: IndexMap<String, String>,
    /// The whole file, for rules that look at other keys (`jest`, `nyc`, `engines` …).
    pub json: serde_json::Value,
}

/// Which tool declares the workspaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkspaceKind {
    /// `pnpm-workspace.yaml`
    Pnpm,
    /// `package.json#workspaces`
    Npm,
}
