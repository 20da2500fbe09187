//! Which handlers a test runs: by importing them, or by requesting their URL.

use rustc_hash::FxHashMap;

use crate::graph::{Graph, ModuleId, Symbol};
use crate::routes::{Entry, Route, RouteKind};
use crate::source::Span;
use crate::syntax::{Argument, Expr, ExprId, Key, ModuleRecord, Property};

use super::{Evidence, Status, Verdict};

/// What the tests of a repository run.
pub struct TestReach<'a> {
    graph: &'a Graph,
    /// Test modules, by the module that they import.
    importers: FxHashMap<ModuleId, Vec<ModuleId>>,
    requests: Vec<Request>,
}

/// A request that a test makes.
struct Request {
    module: ModuleId,
    span: Span,
    method: Option<String>,
    segments: Vec<String>,
}

impl<'a> TestReach<'a> {
    /// Reads all test files.
    #[must_use]
    pub fn new(graph: &'a Graph) -> Self {
        let mut importers: FxHashMap<ModuleId, Vec<ModuleId>> = FxHashMap::default();
        let mut requests = Vec::new();
        for (id, record) in graph.modules() {
            if !record.path.is_test() {
                continue;
            }
            for dependency in graph.dependencies(id) {
                importers.entry(dependency).or_default().push(id);
            }
            if !record.facts.urls.is_empty() {
                requests.extend(requests_of(id, record));
            }
        }
        Self {
            graph,
            importers,
            requests,
        }
    }

    /// Whether a test runs this handler.
    #[must_use]
    pub fn verdict(&self, route: &Route) -> Verdict {
        let record = self.graph.module(route.module);
        let mut evidence = vec![Evidence {
            file: record.path.clone(),
            line: record.line(route.span),
            note: format!("{} handler", route.method),
        }];
        let found = self.importing(route).or_else(|| self.requesting(route));
        let status = if found.is_some() {
            Status::Tested
        } else {
            Status::Untested
        };
        evidence.extend(found);
        Verdict::of(status, evidence)
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
        let tests = self.importers.get(&module)?;
        tests.iter().find_map(|&test| {
            let record = self.graph.module(test);
            // `default` is imported under any name.
            let named = name == "default" || record.find_name(&name).is_some();
            let request = record.requests.iter().find(|request| {
                !request.type_only && matches!(self.graph.link(test, &request.specifier), crate::graph::Link::Module(m) if m == module)
            })?;
            named.then(|| Evidence { file: record.path.clone(), line: record.line(request.span), note: format!("test imports `{name}`") })
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

    /// A test that requests the route's URL with its method.
    fn requesting(&self, route: &Route) -> Option<Evidence> {
        let url = route.url.as_deref()?;
        let wanted: Vec<&str> = url
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        let hit = self.requests.iter().find(|request| {
            let method = match (&request.method, route.http_method()) {
                (_, "ANY") => true,
                (Some(method), wanted) => method == wanted,
                (None, wanted) => wanted == "GET" && route.kind != RouteKind::Action,
            };
            method && segments_match(&wanted, &request.segments)
        })?;
        let record = self.graph.module(hit.module);
        Some(Evidence {
            file: record.path.clone(),
            line: record.line(hit.span),
            note: format!("test requests {url}"),
        })
    }
}

/// Whether a requested path is one of the route's.
fn segments_match(route: &[&str], path: &[String]) -> bool {
    for (at, segment) in route.iter().enumerate() {
        if segment.starts_with("[...") || segment.starts_with("[[...") || *segment == "*" {
            return segment.starts_with("[[") || path.len() > at;
        }
        let Some(given) = path.get(at) else {
            return false;
        };
        if !(segment.starts_with('[') || segment.starts_with(':') || given == segment) {
            return false;
        }
    }
    route.len() == path.len()
}

/// Calls whose first argument is a path: `fetch("/api/x", { method })`, `request.post("/api/x")`, `new Request("http://…")`.
fn requests_of(id: ModuleId, record: &ModuleRecord) -> Vec<Request> {
    let mut requests = Vec::new();
    for (at, expr) in record.exprs.iter().enumerate() {
        let (callee, args) = match expr {
            Expr::Call { callee, args, .. } => (*callee, args),
            Expr::New { callee, args } => (*callee, args),
            _ => continue,
        };
        let name = match record.expr(callee) {
            Expr::Name(name) => record.name(*name),
            Expr::Member { property, .. } => record.name(*property),
            _ => continue,
        };
        let verb = name.to_ascii_uppercase();
        let by_verb = matches!(
            verb.as_str(),
            "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS"
        );
        // A page that a browser opens is not a request for a handler; a `describe` only talks of one.
        if !by_verb
            && !matches!(
                name,
                "fetch" | "request" | "Request" | "NextRequest" | "createMocks" | "inject"
            )
        {
            continue;
        }
        let Some(segments) = args.first().and_then(|arg| path_of(record, arg.value)) else {
            continue;
        };
        let method = if by_verb {
            Some(verb)
        } else {
            args.get(1).and_then(|arg| method_option(record, arg))
        };
        let span = record.spans.get(at).copied().unwrap_or_default();
        requests.push(Request {
            module: id,
            span,
            method,
            segments,
        });
    }
    requests
}

fn method_option(record: &ModuleRecord, arg: &Argument) -> Option<String> {
    let Expr::Object(properties) = record.expr(arg.value) else {
        return None;
    };
    properties.iter().find_map(|property| match property {
        Property::Value {
            key: Key::Name(key),
            value,
        } if record.name(*key) == "method" => match record.expr(*value) {
            Expr::String(method) => Some(method.to_ascii_uppercase()),
            _ => None,
        },
        _ => None,
    })
}

/// The segments of a path or URL; what a template inserts is one segment of any text.
fn path_of(record: &ModuleRecord, expr: ExprId) -> Option<Vec<String>> {
    let text = match record.expr(expr) {
        Expr::String(text) => text.to_string(),
        Expr::Template { texts, .. } => texts.join("\u{1}"),
        // `new URL("/api/x", base)`
        Expr::New { args, .. } => return args.first().and_then(|arg| path_of(record, arg.value)),
        _ => return None,
    };
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path).to_owned(),
        // A template that begins with a base address.
        None => text
            .strip_prefix('\u{1}')
            .unwrap_or(&text)
            .strip_prefix('/')?
            .to_owned(),
    };
    let path = path.split(['?', '#']).next().unwrap_or("");
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect();
    (!segments.is_empty()).then_some(segments)
}

#[cfg(test)]
mod tests {
    use super::segments_match;

    #[test]
    fn requested_paths_match_dynamic_routes() {
        let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        assert!(segments_match(
            &["api", "chats", "[id]"],
            &path("api/chats/42")
        ));
        assert!(!segments_match(&["api", "chats"], &path("api/chats/42")));
        assert!(segments_match(&["api", "[...all]"], &path("api/a/b")));
        assert!(!segments_match(&["api", "[...all]"], &path("api")));
        assert!(segments_match(&["api", "[[...all]]"], &path("api")));
    }
}
