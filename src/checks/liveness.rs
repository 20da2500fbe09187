//! Which modules of a repository run: those where a runtime, a tool or a person begins, and what these load.
//!
//! Every doubt counts for it: a module that some tool may load by its place, one that does more than define, a ring of modules.

use std::sync::Arc;

use crate::graph::{Graph, ModuleId, Symbol};
use crate::model::Model;
use crate::project::{App, Project};
use crate::source::RepoPath;
use crate::syntax::{ExportTarget, Expr, ExprId, ModuleRecord, Parsed, Pattern, Stmt, StmtKind};

use super::code::body;

/// Exports that some runtime calls by their names in a file that nobody imports.
const CALLED_BY_NAME: [&str; 24] = [
    "default",
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "handler",
    "main",
    "run",
    "loader",
    "action",
    "up",
    "down",
    "register",
    "config",
    "middleware",
    "proxy",
    "seed",
    "setup",
    "fetch",
    "metadata",
    "server",
];

/// Some runtime calls an export of this name, though nobody imports it.
pub(super) fn is_called_by_name(export: &str) -> bool {
    CALLED_BY_NAME.contains(&export)
}

/// Which modules of a repository run.
#[derive(Debug)]
pub(super) struct Liveness {
    /// By module: a runtime, a tool or a person begins there.
    pub entry: Vec<bool>,
    /// By module: it is loaded by one of those.
    pub live: Vec<bool>,
    /// By module: it is a test, or something that only tests load.
    tests: Arc<[bool]>,
}

impl Liveness {
    /// Finds out which modules run at all.
    pub(super) fn new(model: &Model) -> Self {
        let graph = &model.graph;
        let tests = graph.modules().map(|(id, record)| {
            is_test(&record.path) && !(record.path.is_test_by_name() && is_loaded(graph, id))
        });
        let tests: Arc<[bool]> = tests.collect();
        let entry = tests.iter().map(|test| !test).collect();
        Self::where_pure(model, &[], tests, entry)
    }

    /// The same where `pure` packages only make values: a call of theirs does nothing else.
    pub(super) fn with_pure(&self, model: &Model, pure: &[String]) -> Self {
        // Where calls make values and do nothing else, no more modules are entries.
        let entry = self.entry.clone();
        Self::where_pure(model, pure, Arc::clone(&self.tests), entry)
    }

    /// The same where only some modules may be an `entry`.
    fn where_pure(
        model: &Model,
        pure: &[String],
        tests: Arc<[bool]>,
        mut entry: Vec<bool>,
    ) -> Self {
        let graph = &model.graph;
        let manifests = manifests(&model.project);
        let ground = (model, pure, &*manifests, &*tests);
        for (entry, (id, record)) in entry.iter_mut().zip(graph.modules()) {
            *entry = *entry && is_entry(ground, id, record);
        }
        let roots = |entry: &[bool]| -> Vec<ModuleId> {
            let modules = graph.modules().map(|(id, _)| id);
            modules.filter(|id| entry[id.0 as usize]).collect()
        };
        let mut live = graph.closure(&roots(&entry));
        // Modules that load each other in a ring have importers, and may be where a program begins all the same.
        let mut ring = false;
        for (id, record) in graph.modules() {
            let at = id.0 as usize;
            if !live[at] && !tests[at] && !only_defines(graph, id, record, pure) {
                entry[at] = true;
                ring = true;
            }
        }
        if ring {
            live = graph.closure(&roots(&entry));
        }
        Self { entry, live, tests }
    }

    /// Tests and what only they load.
    pub(super) fn is_test(&self, module: ModuleId) -> bool {
        self.tests.get(module.0 as usize).is_some_and(|test| *test)
    }

    /// True for a module that something which runs loads.
    pub(super) fn is_live(&self, module: ModuleId) -> bool {
        self.live.get(module.0 as usize).is_none_or(|live| *live)
    }
}

fn is_test(path: &RepoPath) -> bool {
    path.is_test()
        || path.is_marked(&["stories", "story", "mock", "bench"])
        || path
            .folders()
            .any(|folder| matches!(folder, "__mocks__" | "__fixtures__"))
}

/// The module holds no test case, and code that is no test loads it: `orders.spec.ts` may specify an interface.
fn is_loaded(graph: &Graph, id: ModuleId) -> bool {
    let importers = graph.importers(id).iter();
    graph.module(id).facts.test_cases == 0
        && importers
            .map(|importer| &graph.module(*importer).path)
            .any(|path| !is_test(path))
}

/// What is known of all modules: the packages that only make values, what the manifests say, and which are tests.
type Ground<'a> = (
    &'a Model,
    &'a [String],
    &'a [(RepoPath, String)],
    &'a [bool],
);

/// Nobody imports the module, and it is more than a collection of definitions; or a framework loads it by its place.
fn is_entry(
    (model, pure, manifests, tests): Ground<'_>,
    id: ModuleId,
    record: &ModuleRecord,
) -> bool {
    if record.parsed != Parsed::Full || is_loaded_by_place(&model.project, &record.path) {
        return true;
    }
    let graph = &model.graph;
    let imported = graph
        .importers(id)
        .iter()
        .any(|importer| !tests[importer.0 as usize]);
    !imported
        && (!only_defines(graph, id, record, pure) || is_named_in_manifest(manifests, &record.path))
}

/// Files in the folders from which Next.js serves, and configuration at the top of a package.
fn is_loaded_by_place(project: &Project, path: &RepoPath) -> bool {
    if path.file_name().contains(".config.") || path.file_name().contains("rc.") {
        return true;
    }
    project.apps.iter().any(|app| is_loaded_by_next(app, path))
}

/// Next.js loads the file by its name and place: pages, layouts and handlers, and what stands beside them.
pub(super) fn is_loaded_by_next(app: &App, path: &RepoPath) -> bool {
    let inside = |folder: &Option<RepoPath>| {
        let folder = folder.as_ref();
        folder.is_some_and(|folder| path.starts_with(folder))
    };
    if inside(&app.pages_dir) {
        return true;
    }
    let stem = || path.stem().split('.').next().unwrap_or("");
    let in_app = inside(&app.app_dir)
        && matches!(
            stem(),
            "page"
                | "layout"
                | "route"
                | "loading"
                | "error"
                | "global-error"
                | "not-found"
                | "template"
                | "default"
                | "sitemap"
                | "robots"
                | "manifest"
                | "icon"
                | "apple-icon"
                | "opengraph-image"
                | "twitter-image"
                | "forbidden"
                | "unauthorized"
        );
    let folder = path.ancestors().nth(1);
    let beside = folder
        .is_some_and(|folder| folder == app.source_root.as_str() || folder == app.root.as_str())
        && (matches!(stem(), "middleware" | "proxy") || stem().starts_with("instrumentation"));
    in_app || beside
}

/// What the manifests say of entries, binaries and scripts, by folder.
pub(super) fn manifests(project: &Project) -> Vec<(RepoPath, String)> {
    const KEYS: [&str; 8] = [
        "main", "module", "types", "bin", "exports", "scripts", "prisma", "browser",
    ];
    project
        .packages
        .iter()
        .map(|package| {
            let texts = KEYS.iter().filter_map(|key| package.json.get(*key));
            let texts: Vec<String> = texts.map(ToString::to_string).collect();
            (package.folder(), texts.join("\n"))
        })
        .collect()
}

/// The manifest of its package, or one above, names the file: an entry, a binary, a script.
pub(super) fn is_named_in_manifest(manifests: &[(RepoPath, String)], path: &RepoPath) -> bool {
    manifests.iter().any(|(folder, text)| {
        let Some(inside) = path.strip_prefix(folder) else {
            return false;
        };
        let without = inside.rsplit_once('.').map_or(inside, |(stem, _)| stem);
        // What is built from `src/x.ts` is named `dist/x.js`.
        let bare = without.strip_prefix("src/").unwrap_or(without);
        text.contains(bare)
    })
}

/// The module consists of functions, classes and values that do nothing when they are made.
fn only_defines(graph: &Graph, id: ModuleId, record: &ModuleRecord, pure: &[String]) -> bool {
    let called = record
        .exports
        .iter()
        .any(|export| is_called_by_name(&export.name));
    if called || record.use_client || record.use_server {
        return false;
    }
    let library = record
        .exports
        .iter()
        .any(|export| !matches!(export.target, ExportTarget::Type));
    body(record).iter().all(|statement| match &statement.kind {
        _ if library && only_sets_up(record, statement) => true,
        StmtKind::Function { .. } | StmtKind::Class { .. } => true,
        StmtKind::Let { init, .. } => {
            init.is_none_or(|init| is_quiet(graph, id, record, init, pure, 8))
        }
        _ => false,
    })
}

/// What a library does beside its definitions: it starts a timer for them, or sets something of a package. No program begins so.
fn only_sets_up(record: &ModuleRecord, statement: &Stmt) -> bool {
    match &statement.kind {
        StmtKind::Expr(expr) => match record.expr(*expr) {
            Expr::Call { callee, .. } => matches!(
                record.expr(*callee),
                Expr::Name(name) if matches!(record.name(*name), "setInterval" | "setTimeout")
            ),
            Expr::Assign { target, value, .. } => {
                matches!(**target, Pattern::Member(_))
                    && matches!(
                        record.expr(*value),
                        Expr::Bool(_) | Expr::String(_) | Expr::Number(_) | Expr::Name(_)
                    )
            }
            _ => false,
        },
        StmtKind::If {
            then, otherwise, ..
        } => then
            .iter()
            .chain(otherwise.iter())
            .all(|inner| only_sets_up(record, inner)),
        _ => false,
    }
}

/// Making the value does nothing else.
fn is_quiet(
    graph: &Graph,
    id: ModuleId,
    record: &ModuleRecord,
    expr: ExprId,
    pure: &[String],
    depth: u8,
) -> bool {
    if depth == 0 {
        return false;
    }
    match record.expr(expr) {
        Expr::Call { .. } => made_by(graph, id, record, expr)
            .is_some_and(|package| pure.iter().any(|each| each == package)),
        Expr::New { callee, args } => {
            let own = matches!(record.expr(*callee), Expr::Name(name) if match graph.binding(id, *name) {
                None | Some(Symbol::Local { .. }) => true,
                Some(Symbol::External { package, .. }) => pure.iter().any(|each| **each == *package),
                _ => false,
            });
            own && args
                .iter()
                .all(|arg| is_quiet(graph, id, record, arg.value, pure, depth - 1))
        }
        Expr::Await(_) | Expr::Assign { .. } | Expr::Import(_) | Expr::Tagged { .. } => false,
        Expr::Logical { left, right, .. } | Expr::Binary { left, right, .. } => {
            is_quiet(graph, id, record, *left, pure, depth - 1)
                && is_quiet(graph, id, record, *right, pure, depth - 1)
        }
        _ => true,
    }
}

/// The package from which a chain of calls and members begins: `zod` of `z.object({…}).strict()`.
pub(super) fn made_by<'m>(
    graph: &Graph,
    id: ModuleId,
    record: &'m ModuleRecord,
    expr: ExprId,
) -> Option<&'m str> {
    let mut current = expr;
    for _ in 0..64 {
        match record.expr(current) {
            Expr::Call { callee, .. } | Expr::New { callee, .. } => current = *callee,
            Expr::Member { object, .. } => current = *object,
            Expr::Name(name) => {
                let import = record
                    .imports
                    .iter()
                    .find(|import| import.local == *name && !import.type_only)?;
                return match graph.binding(id, *name)? {
                    Symbol::External { .. } => super::code::package_of(&import.specifier),
                    _ => None,
                };
            }
            _ => return None,
        }
    }
    None
}
