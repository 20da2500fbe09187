//! Which modules run on the server.

use crate::graph::{Graph, ModuleId, Symbol};
use crate::project::{App, Framework, Package};
use crate::source::{RepoPath, Span};
use crate::syntax::{ExportTarget, Expr, Function, Imported, ModuleRecord, Pattern, StmtKind};

use super::code::body;
use super::liveness::{is_loaded_by_next, is_named_in_manifest, manifests};
use super::subject::Subject;

/// What the Pages Router runs on the server alone.
const PAGE_LOADERS: [&str; 3] = ["getServerSideProps", "getStaticProps", "getStaticPaths"];

/// Hooks with which a component keeps state or reacts in the browser: no handler can call what uses them.
const HOOKS: [&str; 6] = [
    "useState",
    "useReducer",
    "useEffect",
    "useLayoutEffect",
    "useRef",
    "useContext",
];

fn keeps_state(module: &ModuleRecord) -> bool {
    module.imports.iter().any(|import| {
        let named = matches!(&import.imported, Imported::Named(name) if HOOKS.contains(&module.name(*name)));
        named && !import.type_only && &*import.specifier == "react"
    })
}

/// The file lies among the pages of the Pages Router, which are components, and not among its handlers.
pub(super) fn is_page_of_router(app: &App, path: &RepoPath) -> bool {
    let pages = app.pages_dir.as_ref();
    pages.is_some_and(|pages| path.starts_with(pages) && !path.starts_with(&pages.join("api")))
}

/// Where a page of the Pages Router runs on the server: in its loaders, `export const getServerSideProps = withSession(…)`.
fn loaders(module: &ModuleRecord) -> Vec<Span> {
    let is_loader = |function: &&Function| {
        let name = function.name.map(|name| module.name(name));
        name.is_some_and(|name| PAGE_LOADERS.contains(&name))
    };
    let written = module.functions.iter().filter(is_loader);
    let made = body(module)
        .iter()
        .filter_map(|statement| match statement.kind {
            StmtKind::Let {
                pattern: Pattern::Name(name),
                init: Some(init),
            } => PAGE_LOADERS
                .contains(&module.name(name))
                .then(|| module.span(init)),
            _ => None,
        });
    written.map(|loader| loader.span).chain(made).collect()
}

/// The page only hands on a loader that stands in another module: `export { getServerSideProps } from "…"`.
fn hands_on_loader(module: &ModuleRecord) -> bool {
    module.exports.iter().any(|export| {
        let elsewhere = match &export.target {
            ExportTarget::From { .. } => true,
            ExportTarget::Local(local) => {
                let mut imports = module.imports.iter();
                imports.any(|import| import.local == *local)
            }
            _ => false,
        };
        elsewhere && PAGE_LOADERS.contains(&&*export.name)
    })
}

/// What React Router and Remix run of a route on the server alone.
const ROUTE_LOADERS: [&str; 8] = [
    "loader",
    "action",
    "headers",
    "middleware",
    "handleError",
    "handleDataRequest",
    "handleDocumentRequest",
    "getLoadContext",
];

/// What begins a page in a browser: package and export.
const STARTS_PAGE: [(&str, &str); 8] = [
    ("react-dom/client", "createRoot"),
    ("react-dom/client", "hydrateRoot"),
    ("react-dom/client", "default"),
    ("react-dom", "render"),
    ("preact", "render"),
    ("vue", "createApp"),
    ("solid-js/web", "render"),
    ("svelte", "mount"),
];

/// The module starts a page in a browser, which a bundler then loads with all that the module does.
fn starts_page(module: &ModuleRecord) -> bool {
    module.imports.iter().any(|import| {
        let name = match import.imported {
            Imported::Named(name) => module.name(name),
            Imported::Default | Imported::Namespace => "default",
        };
        !import.type_only && STARTS_PAGE.contains(&(&*import.specifier, name))
    })
}

/// Names of what browsers alone have. They stand in code of servers only where that drives a browser.
const OF_BROWSERS: [&str; 7] = [
    "getElementById",
    "innerHTML",
    "innerWidth",
    "localStorage",
    "querySelector",
    "querySelectorAll",
    "sessionStorage",
];

/// The module shows something, or handles what is shown.
fn is_for_browsers(module: &ModuleRecord) -> bool {
    let mut names = OF_BROWSERS.iter();
    module.facts.has_jsx || names.any(|name| module.find_name(name).is_some())
}

/// The application's routes are those of React Router or Remix, whose modules say by their names where they run.
fn routes_by_loaders(subject: &Subject<'_>) -> bool {
    subject.package().is_some_and(|package| {
        let mut names = package
            .dependencies
            .keys()
            .chain(package.dev_dependencies.keys());
        names.any(|name| name.starts_with("@react-router/") || name.starts_with("@remix-run/"))
    })
}

/// Where a module that runs on the server does so; `None` for all of it. A component is written for browsers as well, and what it
/// does when somebody clicks is done there.
pub(super) fn parts_on_server(subject: &Subject<'_>, module: &ModuleRecord) -> Option<Vec<Span>> {
    if is_page_of_router(subject.project, &module.path) {
        return Some(loaders(module))
            .filter(|loaders| !loaders.is_empty() || hands_on_loader(module));
    }
    let shown = module.facts.has_jsx && !module.path.is_marked(&["server"]);
    if !shown || !routes_by_loaders(subject) {
        return None;
    }
    let functions = module.functions.iter();
    let on_server = functions.filter(|function| {
        let name = function.name.map(|name| module.name(name));
        name.is_some_and(|name| ROUTE_LOADERS.contains(&name))
    });
    Some(on_server.map(|function| function.span).collect())
}

/// What the loaders of a page name of what the page imports; `None` for a page without a loader.
fn loaded_for_page(graph: &Graph, page: ModuleId) -> Option<Vec<ModuleId>> {
    let module = graph.module(page);
    let exports = module.exports.iter();
    let mut exports = exports
        .filter(|export| PAGE_LOADERS.contains(&&*export.name))
        .peekable();
    exports.peek()?;
    let loaders = loaders(module);
    let mut found = Vec::new();
    if loaders.is_empty() && hands_on_loader(module) {
        found.extend(exports.filter_map(|export| home(graph.export(page, &export.name))));
        return Some(found);
    }
    let inside = |span: Span| {
        // `export const { getServerSideProps } = make(…)`: what it is made from may be anywhere.
        loaders.is_empty() || loaders.iter().any(|loader| loader.holds(span))
    };
    for (expr, span) in module.exprs.iter().zip(&module.spans) {
        if let Expr::Name(name) = expr
            && inside(*span)
        {
            found.extend(graph.binding(page, *name).and_then(home));
        }
    }
    Some(found)
}

/// The module in which it stands.
fn home(symbol: Symbol) -> Option<ModuleId> {
    match symbol {
        Symbol::Local { module, .. } | Symbol::Expr { module, .. } | Symbol::Namespace(module) => {
            Some(module)
        }
        _ => None,
    }
}

/// For every module, whether it runs on the server: the application loads it, and not for client components alone. Scripts
/// that nothing loads are left out. A page of the Pages Router is a component that runs in the browser too; only its loaders
/// stay on the server.
pub(super) fn server_side(subject: &Subject<'_>) -> Vec<bool> {
    let graph = &subject.model.graph;
    let app = subject.project;
    let mut clients: Vec<ModuleId> = graph
        .modules()
        .filter(|(_, module)| module.use_client)
        .map(|(id, _)| id)
        .collect();
    let routes = subject.app.routes.iter().map(|route| route.route.module);
    let middleware = subject.app.middleware.iter().map(|each| each.module);
    let started = graph
        .modules()
        .filter(|(_, module)| module.path.stem() == "instrumentation")
        .map(|(id, _)| id);
    let mut entries: Vec<ModuleId> = routes.chain(middleware).chain(started).collect();
    let mut loading: Vec<ModuleId> = Vec::new();
    let for_browsers = routes_by_loaders(subject);
    let bundled = app.framework != Framework::Next && !for_browsers;
    for (id, module) in subject.modules() {
        if bundled && starts_page(module) {
            clients.push(id);
        }
        if is_page_of_router(app, &module.path) {
            clients.push(id);
            if let Some(loaded) = loaded_for_page(graph, id) {
                entries.extend(loaded);
                loading.push(id);
            }
        }
    }
    // A package inside the application's is there for something else, unless the application loads it.
    let folders = subject.model.project.packages.iter().map(Package::folder);
    let inside: Vec<RepoPath> = folders
        .filter(|folder| *folder != app.root && folder.starts_with(&app.root))
        .collect();
    let manifests = manifests(&subject.model.project);
    // What stands beside the manifest, and is neither imported nor named there, is run by hand.
    let is_script = |id: ModuleId, path: &RepoPath| {
        path.parent().is_some_and(|folder| folder == app.root)
            && graph.importers(id).is_empty()
            && !is_named_in_manifest(&manifests, path)
    };
    let pages: Vec<ModuleId> = subject
        .modules()
        .filter(|(id, module)| {
            if app.framework == Framework::Next {
                is_loaded_by_next(app, &module.path)
            } else {
                !inside.iter().any(|folder| module.path.starts_with(folder))
                    && !is_script(*id, &module.path)
            }
        })
        .map(|(id, _)| id)
        .collect();
    let by_server = graph.closure(&entries);
    if bundled {
        // The front end that lies in the folder of its server is loaded by a bundler, of which nothing is known here.
        let shown = subject.modules().filter(|(id, module)| {
            let reached = by_server.get(id.0 as usize).copied().unwrap_or(true);
            !reached && is_for_browsers(module)
        });
        clients.extend(shown.map(|(id, _)| id));
    }
    let by_client = graph.closure(&clients);
    let by_page = graph.closure(&pages);
    graph
        .modules()
        .zip(by_client)
        .zip(by_server.into_iter().zip(by_page))
        .map(|(((id, module), client), (server, page))| {
            let loads = loading.contains(&id);
            let called = (server || (page && !client)) && !keeps_state(module);
            let client = for_browsers && module.path.is_marked(&["client"]);
            !module.use_client && !client && (called || loads)
        })
        .collect()
}
