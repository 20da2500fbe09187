//! What the tests of a repository call: paths that they request, and procedures of routers.

mod path;
mod procedures;
mod requests;

use std::cell::RefCell;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, ModuleId};
use crate::rule::ControlLibrary;
use crate::source::{RepoPath, Span};
use crate::syntax::{Export, Expr, ExprId, FunctionId, MODULE_BODY};

use super::trace::{Place, Tracer, Value};
use super::{Entry, Route, RouteKind, RouteTable};
use procedures::Procedures;
use requests::Requests;

/// A place in a test where something is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TestCall {
    /// The test.
    pub module: ModuleId,
    /// The call.
    pub span: Span,
}

/// Everything of an application that its tests call from outside.
pub struct TestCalls<'a> {
    /// The test files, and the files of their folders that these load.
    pub tests: Vec<ModuleId>,
    loads: Loads<'a>,
    requests: Requests,
    procedures: Procedures,
}

impl<'a> TestCalls<'a> {
    /// Reads all test files; `tables` holds what there is to call.
    #[must_use]
    ///
    /// `run` holds the files that package scripts run as tests, whatever they are called.
    pub fn read(
        graph: &'a Graph,
        tables: &[RouteTable],
        run: &[ModuleId],
        library: &ControlLibrary,
    ) -> Self {
        let loads = Loads {
            graph,
            known: RefCell::default(),
        };
        let places = Places::new(Tracer { graph });
        let tests = tests(graph, tables, run);
        Self {
            requests: Requests::read(&places, &tests, tables),
            procedures: Procedures::read(&places, &loads, &tests, tables, library),
            tests,
            loads,
        }
    }

    /// A test that calls this procedure without its URL.
    #[must_use]
    pub fn procedure(&self, route: &Route) -> Option<TestCall> {
        match &route.entry {
            Entry::Procedure(procedure) => {
                let layer = &procedure.layer;
                self.procedures.call_of(layer.module, layer.expr)
            }
            _ => None,
        }
    }

    /// Where a handler is written that its file only exports again: the module, and the export's name there.
    #[must_use]
    pub fn written_in(&self, route: &Route) -> Option<(ModuleId, &'a str)> {
        let Entry::Export(name) = &route.entry else {
            return None;
        };
        let graph = self.loads.graph;
        let tracer = Tracer { graph };
        let handler = tracer.export(route.module, name);
        let module = match handler {
            Value::Function { module, .. } => module,
            Value::Expr { place, .. } => place.module,
            _ => return None,
        };
        let same = |export: &&Export| tracer.export(module, &export.name) == handler;
        if module == route.module {
            return None;
        }
        let exports = &graph.module(module).exports;
        let namesake = exports.iter().find(|export| export.name == *name);
        let export = namesake
            .filter(same)
            .or_else(|| exports.iter().find(same))?;
        Some((module, &export.name))
    }

    /// A test that requests this URL, which the handler in `module` answers, with the route's method.
    #[must_use]
    pub fn request(&self, route: &Route, module: ModuleId, url: &str) -> Option<TestCall> {
        if route.kind == RouteKind::Action {
            return None;
        }
        let method = route.http_method();
        self.requests.find(url, method, |test| {
            // What is only built reaches a handler when the test loads its file.
            self.loads.all_of(test)[module.0 as usize]
        })
    }
}

/// The modules that tests are written in, in order. A file of a test folder without a test of its own (a script, a fixture) is
/// one when a test loads it; a route that lies in a folder `test` is none.
fn tests(graph: &Graph, tables: &[RouteTable], run: &[ModuleId]) -> Vec<ModuleId> {
    let routes = tables.iter().flat_map(|table| &table.routes);
    let routes: FxHashSet<ModuleId> = routes.map(|route| route.module).collect();
    let mut open: Vec<ModuleId> = run.to_vec();
    for (id, record) in graph.modules() {
        let has_tests = record.facts.test_cases > 0 && record.path.is_test();
        if has_tests || record.path.is_test_by_name() || is_loaded_by_runner(&record.path) {
            open.push(id);
        }
    }
    let mut found: FxHashSet<ModuleId> = FxHashSet::default();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            let near = graph.dependencies(id);
            open.extend(
                near.filter(|near| graph.module(*near).path.is_test() && !routes.contains(near)),
            );
        }
    }
    let mut found: Vec<ModuleId> = found.into_iter().collect();
    found.sort_unstable();
    found
}

/// What a runner loads before tests, though none of them does: Cypress's `cypress/support/e2e.ts`, Playwright's `global-setup.ts`.
fn is_loaded_by_runner(path: &RepoPath) -> bool {
    let setup = matches!(
        path.stem(),
        "globalSetup" | "global-setup" | "global.setup" | "auth.setup"
    );
    let mut folders = path.folders().skip_while(|folder| *folder != "cypress");
    setup && path.is_test() || folders.any(|folder| folder == "support")
}

/// The modules that a test loads, directly or not; found when first asked for.
struct Loads<'a> {
    graph: &'a Graph,
    known: RefCell<FxHashMap<ModuleId, Arc<Vec<bool>>>>,
}

impl Loads<'_> {
    fn all_of(&self, test: ModuleId) -> Arc<Vec<bool>> {
        let mut known = self.known.borrow_mut();
        let loaded = known
            .entry(test)
            .or_insert_with(|| Arc::new(self.graph.closure(&[test])));
        Arc::clone(loaded)
    }
}

/// Which function an expression of a module is written in.
struct Places<'a> {
    tracer: Tracer<'a>,
    /// The functions of a module in the order in which they begin.
    known: RefCell<FxHashMap<ModuleId, Arc<[FunctionId]>>>,
}

impl<'a> Places<'a> {
    fn new(tracer: Tracer<'a>) -> Self {
        Self {
            tracer,
            known: RefCell::default(),
        }
    }

    fn of(&self, module: ModuleId, expr: ExprId) -> Place {
        let record = self.tracer.record(module);
        let span = record.span(expr);
        let functions = {
            let mut known = self.known.borrow_mut();
            let functions = known.entry(module).or_insert_with(|| {
                let mut all: Vec<FunctionId> = (1_u32..)
                    .zip(record.functions.iter().skip(1))
                    .map(|(id, _)| FunctionId(id))
                    .collect();
                all.sort_by_key(|id| record.function(*id).span.start);
                all.into()
            });
            Arc::clone(functions)
        };
        let behind = functions.partition_point(|id| record.function(*id).span.start <= span.start);
        let mut function = match behind.checked_sub(1).and_then(|at| functions.get(at)) {
            Some(last) => *last,
            None => MODULE_BODY,
        };
        while function != MODULE_BODY && record.function(function).span.end < span.end {
            function = record.function(function).parent.unwrap_or(MODULE_BODY);
        }
        Place { module, function }
    }
}

/// The expressions of a module with their numbers.
fn numbered(exprs: &[Expr]) -> impl Iterator<Item = (ExprId, &Expr)> {
    (0_u32..)
        .zip(exprs)
        .map(|(number, expr)| (ExprId(number), expr))
}
