//! Modules by id and what their imports lead to.

use std::sync::OnceLock;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::project::{Resolution, Resolver};
use crate::source::RepoPath;
use crate::syntax::{ModuleRecord, Name};

use super::Symbol;

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
        /// `@clerk/nextjs`
        package: Box<str>,
        /// `server`; empty for the package itself.
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
    pub(super) memory: Vec<Memory>,
    importers: OnceLock<Vec<Vec<ModuleId>>>,
}

/// What has been found out about one module; every cell is filled when first asked for.
#[derive(Debug)]
pub(super) struct Memory {
    /// Parallel to `requests`.
    links: Box<[OnceLock<Link>]>,
    /// The modules loaded at run time, sorted.
    dependencies: OnceLock<Box<[ModuleId]>>,
    /// What `star_exports` lead to.
    stars: OnceLock<Box<[Link]>>,
    /// Parallel to `imports`.
    pub(super) bindings: Box<[OnceLock<Symbol>]>,
    /// Imports by local name.
    pub(super) locals: OnceLock<FxHashMap<Name, usize>>,
    /// Exports by name.
    pub(super) exports: OnceLock<FxHashMap<Box<str>, usize>>,
    /// The module assigns `module.exports` or `exports.x`.
    pub(super) common_js: OnceLock<bool>,
}

impl Memory {
    fn of(module: &ModuleRecord) -> Self {
        Self {
            links: module.requests.iter().map(|_| OnceLock::new()).collect(),
            dependencies: OnceLock::new(),
            stars: OnceLock::new(),
            bindings: module.imports.iter().map(|_| OnceLock::new()).collect(),
            locals: OnceLock::new(),
            exports: OnceLock::new(),
            common_js: OnceLock::new(),
        }
    }
}

impl Graph {
    /// A graph of `modules`, which are put into the order of their paths. Nothing is linked before it is asked for.
    #[must_use]
    pub fn new(mut modules: Vec<ModuleRecord>, resolver: Resolver) -> Self {
        modules.sort_by(|a, b| a.path.cmp(&b.path));
        modules.dedup_by(|later, earlier| later.path == earlier.path);
        let by_path = (0_u32..)
            .zip(&modules)
            .map(|(id, module)| (module.path.clone(), ModuleId(id)))
            .collect();
        Self {
            memory: modules.iter().map(Memory::of).collect(),
            by_path,
            modules,
            resolver,
            importers: OnceLock::new(),
        }
    }

    /// Finds out what every module loads, on all threads. Each link is found when it is first asked for; this is for those who
    /// will ask for all of them.
    pub fn link_all(&self) {
        self.modules.par_iter().enumerate().for_each(|(index, _)| {
            self.loaded(ModuleId(u32::try_from(index).unwrap_or(u32::MAX)));
        });
    }

    /// Every module, by path.
    pub fn modules(&self) -> impl ExactSizeIterator<Item = (ModuleId, &ModuleRecord)> {
        self.modules.iter().enumerate().map(|(index, module)| {
            let id = u32::try_from(index).unwrap_or(u32::MAX);
            (ModuleId(id), module)
        })
    }

    /// A module of this graph.
    #[must_use]
    pub fn module(&self, id: ModuleId) -> &ModuleRecord {
        &self.modules[id.0 as usize]
    }

    /// The module at a path.
    #[must_use]
    pub fn find(&self, path: &RepoPath) -> Option<ModuleId> {
        self.by_path.get(path).copied()
    }

    /// How many modules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// True when there is no module.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    /// The resolver of the repository's imports.
    #[must_use]
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// What `specifier`, written in `from`, leads to.
    #[must_use]
    pub fn link(&self, from: ModuleId, specifier: &str) -> Link {
        let requests = &self.module(from).requests;
        let request = requests
            .iter()
            .position(|request| &*request.specifier == specifier);
        match request {
            Some(at) => self.request(from, at).clone(),
            None => self.resolve(from, specifier),
        }
    }

    /// What the request with this index leads to.
    fn request(&self, from: ModuleId, at: usize) -> &Link {
        self.memory[from.0 as usize].links[at]
            .get_or_init(|| self.resolve(from, &self.module(from).requests[at].specifier))
    }

    /// What the `export * from` of a module lead to.
    pub(super) fn stars(&self, module: ModuleId) -> &[Link] {
        self.memory[module.0 as usize].stars.get_or_init(|| {
            let specifiers = &self.module(module).star_exports;
            specifiers
                .iter()
                .map(|specifier| self.link(module, specifier))
                .collect()
        })
    }

    fn resolve(&self, from: ModuleId, specifier: &str) -> Link {
        match self.resolver.resolve(&self.module(from).path, specifier) {
            Resolution::File(path) => match self.find(&path) {
                Some(module) => Link::Module(module),
                None => Link::Asset(path),
            },
            Resolution::External { package, subpath } => Link::External { package, subpath },
            Resolution::Missing => Link::Missing,
        }
    }

    /// The modules that `module` loads at run time, sorted, without doubles.
    pub fn dependencies(&self, module: ModuleId) -> impl ExactSizeIterator<Item = ModuleId> {
        self.loaded(module).iter().copied()
    }

    fn loaded(&self, module: ModuleId) -> &[ModuleId] {
        self.memory[module.0 as usize].dependencies.get_or_init(|| {
            let requests = &self.module(module).requests;
            let mut found: Vec<ModuleId> = (0..requests.len())
                .filter(|&at| !requests[at].type_only)
                .filter_map(|at| match self.request(module, at) {
                    Link::Module(target) => Some(*target),
                    _ => None,
                })
                .collect();
            found.sort_unstable();
            found.dedup();
            found.into_boxed_slice()
        })
    }

    /// For every module, whether it is one of `roots` or loaded by them at run time, directly or not.
    #[must_use]
    pub fn closure(&self, roots: &[ModuleId]) -> Vec<bool> {
        self.closure_within(roots, |_| true)
    }

    /// The same, where modules that are not `inside` are neither reached nor gone through.
    #[must_use]
    pub fn closure_within(
        &self,
        roots: &[ModuleId],
        inside: impl Fn(&ModuleRecord) -> bool,
    ) -> Vec<bool> {
        let mut reached = vec![false; self.len()];
        let mut open = roots.to_vec();
        while let Some(module) = open.pop() {
            match reached.get_mut(module.0 as usize) {
                Some(seen) if !*seen && inside(self.module(module)) => *seen = true,
                _ => continue,
            }
            open.extend(
                self.dependencies(module)
                    .filter(|next| !reached[next.0 as usize]),
            );
        }
        reached
    }

    /// For every module, whether it is one of `loaded` or loads one of them at run time, directly or not.
    #[must_use]
    pub fn loaders(&self, loaded: &[ModuleId]) -> Vec<bool> {
        let mut reached = vec![false; self.len()];
        let mut open = loaded.to_vec();
        while let Some(module) = open.pop() {
            match reached.get_mut(module.0 as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            open.extend(self.importers(module));
        }
        reached
    }

    /// The modules that load `module` at run time, sorted.
    #[must_use]
    pub fn importers(&self, module: ModuleId) -> &[ModuleId] {
        let reverse = self.importers.get_or_init(|| {
            let mut reverse = vec![Vec::new(); self.len()];
            for (id, _) in self.modules() {
                for target in self.dependencies(id) {
                    reverse[target.0 as usize].push(id);
                }
            }
            reverse
        });
        reverse
            .get(module.0 as usize)
            .map_or(&[], |importers| importers)
    }
}
