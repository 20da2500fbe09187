//! Which handlers a test runs: by importing them, by requesting their URL, or by calling them as procedures.

use rustc_hash::FxHashMap;

use crate::graph::{Graph, ModuleId, Symbol};
use crate::routes::{Entry, Route, RouteTable, TestCall, TestCalls};
use crate::rule::ControlLibrary;
use crate::source::Span;
use crate::syntax::{Expr, ExprId, Import, Imported, ModuleRecord};

use super::{Evidence, Status, Verdict};

/// What the tests of a repository run.
pub struct TestReach<'a> {
    graph: &'a Graph,
    /// Test modules, by the module that they import and put nothing in the place of.
    importers: FxHashMap<ModuleId, Vec<ModuleId>>,
    calls: TestCalls<'a>,
    /// The URLs of route files, by module, export and method: other files may export the same handler again.
    urls: FxHashMap<(ModuleId, Box<str>, String), String>,
    /// The URLs under which a router's handler is mounted, by module, place and method.
    mounts: FxHashMap<(ModuleId, Span, String), Vec<String>>,
}

impl<'a> TestReach<'a> {
    /// Reads all test files, and those that package scripts `run` as tests; `tables` holds what they may run.
    #[must_use]
    pub fn new(
        graph: &'a Graph,
        tables: &[RouteTable],
        run: &[ModuleId],
        library: &ControlLibrary,
    ) -> Self {
        let calls = TestCalls::read(graph, tables, run, library);
        let mut importers: FxHashMap<ModuleId, Vec<ModuleId>> = FxHashMap::default();
        for &test in &calls.tests {
            let replaced = graph.replaced_by(test);
            let itself = |module: &ModuleId| !replaced.contains(module);
            for dependency in graph.dependencies(test).filter(itself) {
                importers.entry(dependency).or_default().push(test);
            }
        }
        let mut urls = FxHashMap::default();
        let mut mounts: FxHashMap<_, Vec<String>> = FxHashMap::default();
        for route in tables.iter().flat_map(|table| &table.routes) {
            match (&route.entry, &route.url) {
                (Entry::Export(name), Some(url)) => {
                    let key = (route.module, name.clone(), route.method.clone());
                    urls.entry(key).or_insert_with(|| url.clone());
                }
                (Entry::Chain(_), Some(url)) => {
                    let key = (route.module, route.span, route.method.clone());
                    mounts.entry(key).or_default().push(url.clone());
                }
                _ => {}
            }
        }
        Self {
            graph,
            importers,
            calls,
            urls,
            mounts,
        }
    }

    /// Whether a test runs this handler.
    #[must_use]
    pub fn verdict(&self, route: &Route) -> Verdict {
        let record = self.graph.module(route.module);
        let mut evidence = vec![Evidence::new(
            record.path.clone(),
            record.line(route.span),
            format!("{} handler", route.method),
        )];
        let found = self
            .importing(route)
            .or_else(|| self.requesting(route))
            .or_else(|| self.running_elsewhere(route))
            .or_else(|| self.mounted_elsewhere(route));
        let status = if found.is_some() {
            Status::Tested
        } else {
            Status::Untested
        };
        evidence.extend(found);
        Verdict::of(status, evidence)
    }

    /// `export { PATCH } from "../other/route"`, `export const GET = list`: a test that runs the handler where it is written.
    fn running_elsewhere(&self, route: &Route) -> Option<Evidence> {
        let (module, name) = self.calls.written_in(route)?;
        self.naming(module, name).or_else(|| {
            let key = (module, name.into(), route.method.clone());
            let url = self.urls.get(&key)?;
            let call = self.calls.request(route, module, url)?;
            Some(self.call(call, &format!("test requests {url}")))
        })
    }

    /// A test that requests the same handler under another URL that its router is mounted at.
    fn mounted_elsewhere(&self, route: &Route) -> Option<Evidence> {
        let key = (route.module, route.span, route.method.clone());
        self.mounts.get(&key)?.iter().find_map(|url| {
            let call = self.calls.request(route, route.module, url)?;
            Some(self.call(call, &format!("test requests {url}, the same handler")))
        })
    }

    /// A test that imports the handler and names it.
    fn importing(&self, route: &Route) -> Option<Evidence> {
        let (module, name) = match &route.entry {
            Entry::Export(name) => (route.module, name.to_string()),
            Entry::Function(_) => (route.module, route.method.clone()),
            Entry::Procedure(_) => return None,
            Entry::Chain(layers) => {
                let layer = layers.iter().rfind(|layer| !layer.handles_errors)?;
                self.handler_symbol(layer.module, layer.expr)?
            }
        };
        self.naming(module, &name)
    }

    /// A test that imports a module and names one of its exports.
    fn naming(&self, module: ModuleId, name: &str) -> Option<Evidence> {
        let tests = self.importers.get(&module)?;
        tests.iter().find_map(|&test| {
            let record = self.graph.module(test);
            let request = record.requests.iter().find(|request| {
                !request.type_only && matches!(self.graph.link(test, &request.specifier), crate::graph::Link::Module(m) if m == module)
            })?;
            let named = match name {
                "default" => takes_default(record, &request.specifier),
                _ => record.find_name(name).is_some(),
            };
            named.then(|| Evidence::new(record.path.clone(), record.line(request.span), format!("test imports `{name}`")))
        })
    }

    /// The function that an Express or Hono handler expression names.
    fn handler_symbol(&self, module: ModuleId, expr: ExprId) -> Option<(ModuleId, String)> {
        let record = self.graph.module(module);
        match record.expr(expr) {
            Expr::Name(name) => match self.graph.binding(module, *name) {
                Some(Symbol::Local { module, name }) => {
                    Some((module, self.graph.module(module).name(name).to_owned()))
                }
                None => Some((module, record.name(*name).to_owned())),
                _ => None,
            },
            Expr::Member {
                object, property, ..
            } => {
                let Expr::Name(name) = record.expr(*object) else {
                    return None;
                };
                let property = record.name(*property).to_owned();
                match self.graph.binding(module, *name)? {
                    Symbol::Namespace(target) => Some((target, property)),
                    Symbol::Local { module, .. } | Symbol::Expr { module, .. } => {
                        Some((module, property))
                    }
                    _ => None,
                }
            }
            // `asyncHandler(controller.list)`
            Expr::Call { args, .. } => args
                .iter()
                .rev()
                .find_map(|arg| self.handler_symbol(module, arg.value)),
            _ => None,
        }
    }

    /// A test that requests the route's URL with its method, or calls the procedure.
    fn requesting(&self, route: &Route) -> Option<Evidence> {
        if let Some(call) = self.calls.procedure(route) {
            return Some(self.call(call, &format!("test calls `{}`", route.method)));
        }
        let url = route.url.as_deref()?;
        let call = self.calls.request(route, route.module, url)?;
        Some(self.call(call, &format!("test requests {url}")))
    }

    fn call(&self, call: TestCall, note: &str) -> Evidence {
        let record = self.graph.module(call.module);
        Evidence::new(record.path.clone(), record.line(call.span), note)
    }
}

/// Whether a module takes the default export of what it imports, which it may call by any name.
fn takes_default(record: &ModuleRecord, specifier: &str) -> bool {
    let of_it = |import: &&Import| *import.specifier == *specifier && !import.type_only;
    let mut imports = record.imports.iter().filter(of_it).peekable();
    // `await import("./route")`
    imports.peek().is_none()
        || imports.any(|import| match import.imported {
            Imported::Default | Imported::Namespace => true,
            Imported::Named(name) => record.name(name) == "default",
        })
}
