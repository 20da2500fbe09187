//! Modules by id and what their imports lead to.

use rustc_hash::FxHashMap;

use crate::project::Resolver;
use crate::source::RepoPath;
use crate::syntax::ModuleRecord;

/// A module of the repository: an index into the graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ModuleId(pub u32);

/// What an import of a module leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Link {
    /// Another module.
    Module(ModuleId),
    /// A package outside the repository, as [`crate::project::Resolution::External`].
    External {
        package: Box<str>,
        subpath: Box<str>,
    },
    /// A file that is no module (style sheet, image, JSON).
    Asset(RepoPath),
    /// Nothing that can be found.
    Missing,
}

/// All modules and the links between them.
#[derive(Debug)]
pub struct Graph {
    modules: Vec<ModuleRecord>,
    by_path: FxHashMap<RepoPath, ModuleId>,
    resolver: Resolver,
}
