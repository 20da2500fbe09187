//! Procedures of routers that one URL serves: one row for each, below the handler that the router is given to.
//!
//! What makes a router, a procedure or such a handler is data (`[[procedures]]`, `[[builder]]` and `[[api]]` of
//! `rules/controls/`), by the same paths that the proof engine uses.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::graph::ModuleId;
use crate::rule::{ControlLibrary, Meaning, wildcard};
use crate::source::Span;
use crate::syntax::{Expr, ExprId, Key, Property};

use super::trace::{Place, Tracer, Value};
use super::{Entry, Layer, Procedure, Route, RouteKind};

/// Routers within routers, and names that stand for names, beyond this are given up.
const MAX_DEPTH: u32 = 32;

/// Procedures of one router; a limit against code that multiplies itself.
const MAX_PROCEDURES: usize = 5_000;

/// Paths longer than this are the beginning of nothing.
const LONGEST_PATH: usize = 300;

/// Adds the procedures of the routers that the handlers in `out` serve.
pub(super) fn rows(tracer: Tracer<'_>, library: &ControlLibrary, out: &mut Vec<Route>) {
    let mut reader = Reader::new(tracer, library);
    let mut found: Vec<Route> = Vec::new();
    // The rows of one file and URL are one handler with several methods.
    let mut done: Vec<(ModuleId, &str)> = Vec::new();
    for (at, row) in out.iter().enumerate() {
        let Some(url) = row.url.as_deref() else {
            continue;
        };
        let mounts = reader.mounts(row);
        if mounts.is_empty() || done.contains(&(row.module, url)) {
            continue;
        }
        done.push((row.module, url));
        let same = |other: &&Route| other.module == row.module && other.url == row.url;
        let hosts = out[at..].iter().filter(same).cloned().map(Arc::new);
        let hosts: Vec<Arc<Route>> = hosts.collect();
        for mount in mounts {
            reader.served(mount, url, &hosts, &mut found);
        }
    }
    out.append(&mut found);
}

/// The options that a router is served with.
#[derive(Clone, Copy, Debug)]
struct Mount {
    place: Place,
    options: ExprId,
    /// The call that is given them.
    span: Span,
}

/// What an expression is, in the words of the library's data.
#[derive(Clone, Debug)]
pub(super) enum Meant {
    /// Something of a package, by its path.
    Path(Arc<str>),
    /// A procedure in the making, by the number of its builder.
    Builder(usize),
    /// A procedure: what it is called by, and whether it only reads.
    Finished {
        verb: Box<str>,
        reads: bool,
    },
    Nothing,
}

/// One entry of a router.
struct Found {
    path: String,
    place: Place,
    expr: ExprId,
    verb: Box<str>,
    reads: bool,
}

/// Reads routers, and remembers what expressions are.
pub(super) struct Reader<'a> {
    tracer: Tracer<'a>,
    library: &'a ControlLibrary,
    known: FxHashMap<(Place, ExprId), Meant>,
    mounts: FxHashMap<ModuleId, Vec<Mount>>,
    /// Packages whose functions serve routers.
    packages: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tracer: Tracer<'a>, library: &'a ControlLibrary) -> Self {
        let serving = library.api.iter().filter(|api| serves(api.is));
        let patterns = serving.flat_map(|api| &api.call);
        Self {
            tracer,
            library,
            known: FxHashMap::default(),
            mounts: FxHashMap::default(),
            packages: patterns.filter_map(|call| call.split('#').next()).collect(),
        }
    }

    // --- the handlers that serve routers -----------------------------------------------------------------------

    /// Where a handler gives a router away.
    fn mounts(&mut self, row: &Route) -> Vec<Mount> {
        match &row.entry {
            Entry::Export(name) => {
                let mut all = self.mounts_in(row.module).to_vec();
                if all.is_empty()
                    && let Value::Function { module, .. }
                    | Value::Expr {
                        place: Place { module, .. },
                        ..
                    } = self.tracer.export(row.module, name)
                    && module != row.module
                {
                    all.extend_from_slice(self.mounts_in(module));
                }
                all
            }
            Entry::Chain(layers) => {
                let Some(layer) = layers.iter().rfind(|layer| !layer.handles_errors) else {
                    return Vec::new();
                };
                let place = Place {
                    module: layer.module,
                    function: layer.function,
                };
                let (module, within) = match self.tracer.follow(place, layer.expr) {
                    Value::Expr { place, expr } => {
                        (place.module, self.tracer.record(place.module).span(expr))
                    }
                    Value::Function { module, function } => {
                        (module, self.tracer.function(module, function).span)
                    }
                    _ => return Vec::new(),
                };
                let inside = |mount: &&Mount| {
                    mount.span.start >= within.start && mount.span.end <= within.end
                };
                let mounts = self.mounts_in(module);
                mounts.iter().filter(inside).copied().collect()
            }
            Entry::Function(_) | Entry::Procedure(_) => Vec::new(),
        }
    }

    fn mounts_in(&mut self, module: ModuleId) -> &[Mount] {
        if !self.mounts.contains_key(&module) {
            let found = self.find_mounts(module);
            self.mounts.insert(module, found);
        }
        self.mounts.get(&module).map_or(&[], Vec::as_slice)
    }

    fn find_mounts(&mut self, module: ModuleId) -> Vec<Mount> {
        let record = self.tracer.record(module);
        let asks = record.requests.iter().any(|request| {
            let mut packages = self.packages.iter();
            packages.any(|package| wildcard(package, &request.specifier))
        });
        let mut found = Vec::new();
        if !asks {
            return found;
        }
        let place = Place::top(module);
        for (at, expr) in record.exprs.iter().enumerate() {
            if let Expr::Call { callee, args, .. } = expr
                && let Some(options) = args.first()
                && let Ok(at) = u32::try_from(at)
                && let Meant::Path(path) = self.meant(place, *callee, MAX_DEPTH)
                && self.serving(&path)
            {
                let (options, span) = (options.value, record.span(ExprId(at)));
                found.push(Mount {
                    place,
                    options,
                    span,
                });
            }
        }
        found
    }

    fn serving(&self, path: &str) -> bool {
        let mut api = self.library.api.iter().filter(|api| serves(api.is));
        api.any(|api| api.call.iter().any(|pattern| wildcard(pattern, path)))
    }

    /// The rows of one router that `hosts` serve, which are one handler with several methods.
    fn served(&mut self, mount: Mount, url: &str, hosts: &[Arc<Route>], out: &mut Vec<Route>) {
        let entries = self.tracer.entries(mount.place, mount.options);
        let entries = entries.unwrap_or_default();
        let option = |wanted: &str| {
            let entry = entries.iter().find(|(key, ..)| *key == wanted);
            entry.map(|(_, value, place)| (*place, *value))
        };
        let Some((place, router)) = option("router") else {
            return;
        };
        let prefix = open_prefix(url);
        let endpoint = option("endpoint").and_then(|(place, expr)| self.tracer.text(place, expr));
        let prefix = match &endpoint {
            Some(endpoint) if below(prefix, endpoint) => endpoint.trim_end_matches('/'),
            _ => prefix,
        };
        let mut found = Vec::new();
        self.router(place, router, "", &mut found, MAX_DEPTH);
        for each in found {
            let wanted = if each.reads { "GET" } else { "POST" };
            let by = |method: &str| hosts.iter().find(|host| host.method == method);
            let Some(host) = by(wanted).or_else(|| by("ANY")).or_else(|| hosts.first()) else {
                return;
            };
            let record = self.tracer.record(each.place.module);
            let base = self.base(each.place, each.expr);
            out.push(Route {
                module: each.place.module,
                url: Some(format!("{prefix}/{}", each.path)),
                kind: RouteKind::Trpc,
                method: each.path,
                span: record.span(each.expr),
                entry: Entry::Procedure(Procedure {
                    layer: Layer {
                        module: each.place.module,
                        function: each.place.function,
                        expr: each.expr,
                        handles_errors: false,
                        awaits: true,
                        mounted: Some(0),
                    },
                    verb: each.verb,
                    reads: each.reads,
                    base,
                    host: Arc::clone(host),
                }),
                development: host.development,
            });
        }
    }

    /// What a router holds, by path: where each procedure is written.
    pub(super) fn procedures(
        &mut self,
        place: Place,
        router: ExprId,
    ) -> FxHashMap<String, (ModuleId, ExprId)> {
        let mut found = Vec::new();
        self.router(place, router, "", &mut found, MAX_DEPTH);
        found
            .into_iter()
            .map(|each| (each.path, (each.place.module, each.expr)))
            .collect()
    }

    /// What an expression is.
    pub(super) fn meant_at(&mut self, place: Place, expr: ExprId) -> Meant {
        self.meant(place, expr, MAX_DEPTH)
    }

    // --- routers -----------------------------------------------------------------------------------------------

    /// The procedures of a router, which is reached by `path`. What cannot be read is one entry that nothing is known of.
    fn router(&mut self, place: Place, expr: ExprId, path: &str, out: &mut Vec<Found>, steps: u32) {
        let Some(steps) = steps.checked_sub(1).filter(|_| out.len() < MAX_PROCEDURES) else {
            return;
        };
        let (at, value) = match self.tracer.follow(place, expr) {
            Value::Expr { place, expr } => (place, expr),
            _ => (place, expr),
        };
        match self.tracer.expr(at, value) {
            Expr::Object(properties) => return self.entries(at, properties, path, out, steps),
            Expr::Call { callee, args, .. } => {
                let meant = self.meant(at, *callee, MAX_DEPTH);
                if let Meant::Path(made_by) = &meant {
                    let names = |patterns: &[String]| {
                        patterns.iter().any(|pattern| wildcard(pattern, made_by))
                    };
                    let kinds = &self.library.procedures;
                    if kinds.iter().any(|kind| names(&kind.router)) {
                        if let Some(first) = args.first() {
                            self.router(at, first.value, path, out, steps);
                        }
                        return;
                    }
                    if kinds.iter().any(|kind| names(&kind.merge)) {
                        for argument in args {
                            self.router(at, argument.value, path, out, steps);
                        }
                        return;
                    }
                    if kinds.iter().any(|kind| names(&kind.lazy))
                        && let Some(first) = args.first()
                        && let Some((at, value)) = self.loaded(at, first.value)
                    {
                        return self.router(at, value, path, out, steps);
                    }
                }
                if let Meant::Finished { verb, reads } = self.meant(at, value, MAX_DEPTH) {
                    out.push(Found {
                        path: path.to_owned(),
                        place: at,
                        expr: value,
                        verb,
                        reads,
                    });
                    return;
                }
                // `createRouter(deps)`: what the function returns.
                if let Some((at, returned)) = self.returned(at, *callee) {
                    return self.router(at, returned, path, out, steps);
                }
            }
            _ => {}
        }
        // The router itself is no entry of anything.
        if !path.is_empty() {
            out.push(Found {
                path: path.to_owned(),
                place,
                expr,
                verb: "procedure".into(),
                reads: false,
            });
        }
    }

    fn entries(
        &mut self,
        place: Place,
        properties: &[Property],
        path: &str,
        out: &mut Vec<Found>,
        steps: u32,
    ) {
        for property in properties {
            match property {
                Property::Value {
                    key: Key::Name(name),
                    value,
                } => {
                    let name = self.tracer.record(place.module).name(*name);
                    let path = if path.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{path}.{name}")
                    };
                    self.router(place, *value, &path, out, steps);
                }
                Property::Spread(value) => self.spread(place, *value, path, out, steps),
                _ => {}
            }
        }
    }

    /// `...more`, `...(condition ? more : {})`, `...(condition && more)`
    fn spread(&mut self, place: Place, expr: ExprId, path: &str, out: &mut Vec<Found>, steps: u32) {
        let (place, expr) = match self.tracer.follow(place, expr) {
            Value::Expr { place, expr } => (place, expr),
            _ => return,
        };
        match self.tracer.expr(place, expr) {
            Expr::Object(properties) => self.entries(place, properties, path, out, steps),
            Expr::Conditional {
                then, otherwise, ..
            } => {
                self.spread(place, *then, path, out, steps);
                self.spread(place, *otherwise, path, out, steps);
            }
            Expr::Logical { right, .. } => self.spread(place, *right, path, out, steps),
            _ => {}
        }
    }

    /// `() => import("./posts")`, `() => import("./posts").then((m) => m.router)`: what is loaded.
    fn loaded(&self, place: Place, expr: ExprId) -> Option<(Place, ExprId)> {
        let Value::Function { module, function } = self.tracer.follow(place, expr) else {
            return None;
        };
        let place = Place { module, function };
        let returned = self.tracer.result(place)?;
        let record = self.tracer.record(module);
        if let Expr::Call { callee, args, .. } = record.expr(returned)
            && let Expr::Member {
                object, property, ..
            } = record.expr(*callee)
            && record.name(*property) == "then"
            && let Value::Namespace(target) = self.tracer.follow(place, *object)
            && let Some(Value::Function { module, function }) = args
                .first()
                .map(|first| self.tracer.follow(place, first.value))
            && let Some(picked) = self.tracer.result(Place { module, function })
            && let Expr::Member { property, .. } = self.tracer.record(module).expr(picked)
        {
            let name = self.tracer.record(module).name(*property);
            return exported(&self.tracer.export(target, name));
        }
        // A module that exports one thing: the router.
        let Value::Namespace(target) = self.tracer.follow(place, returned) else {
            return None;
        };
        let names = self.tracer.graph.export_names(target);
        let mut values = names
            .iter()
            .filter_map(|name| exported(&self.tracer.export(target, name)));
        let first = values.next()?;
        values.all(|other| other == first).then_some(first)
    }

    /// The name at the beginning of a chain of calls: `publicProcedure.input(schema).query(f)`.
    fn base(&self, place: Place, expr: ExprId) -> Option<Box<str>> {
        let record = self.tracer.record(place.module);
        let mut at = expr;
        loop {
            at = match record.expr(at) {
                Expr::Call { callee, .. } => *callee,
                Expr::Member {
                    object, property, ..
                } => match record.expr(*object) {
                    Expr::Name(_) if record.name(*property).ends_with("rocedure") => {
                        return Some(record.name(*property).into());
                    }
                    _ => *object,
                },
                Expr::Name(name) => return Some(record.name(*name).into()),
                _ => return None,
            };
        }
    }

    /// What a function of the repository that is called returns.
    fn returned(&self, place: Place, callee: ExprId) -> Option<(Place, ExprId)> {
        match self.tracer.follow(place, callee) {
            Value::Function { module, function } => {
                let place = Place { module, function };
                Some((place, self.tracer.result(place)?))
            }
            _ => None,
        }
    }

    // --- what expressions are ----------------------------------------------------------------------------------

    fn meant(&mut self, place: Place, expr: ExprId, steps: u32) -> Meant {
        let Some(steps) = steps.checked_sub(1) else {
            return Meant::Nothing;
        };
        if let Some(known) = self.known.get(&(place, expr)) {
            return known.clone();
        }
        self.known.insert((place, expr), Meant::Nothing);
        let meant = self.read(place, expr, steps);
        self.known.insert((place, expr), meant.clone());
        meant
    }

    fn read(&mut self, place: Place, expr: ExprId, steps: u32) -> Meant {
        let (place, expr) = match self.tracer.follow(place, expr) {
            Value::External {
                package,
                subpath,
                name,
            } => {
                let slash = if subpath.is_empty() { "" } else { "/" };
                return self.path(format!("{package}{slash}{subpath}#{name}"));
            }
            Value::Part { place, expr, key } => {
                let of = self.meant(place, expr, steps);
                return self.member(of, &key);
            }
            Value::Expr {
                place: found,
                expr: inner,
            } => (found, inner),
            _ => return Meant::Nothing,
        };
        let record = self.tracer.record(place.module);
        match record.expr(expr) {
            Expr::Member {
                object, property, ..
            } => {
                let of = self.meant(place, *object, steps);
                self.member(of, record.name(*property))
            }
            // `guarded ? t.procedure.use(check) : t.procedure`
            Expr::Conditional {
                then, otherwise, ..
            } => match self.meant(place, *then, steps) {
                Meant::Nothing => self.meant(place, *otherwise, steps),
                meant => meant,
            },
            Expr::New { callee, .. } => match self.meant(place, *callee, steps) {
                Meant::Path(path) => self.path(format!("{path}!")),
                _ => Meant::Nothing,
            },
            Expr::Call { callee, .. } => {
                if let Expr::Member {
                    object, property, ..
                } = record.expr(*callee)
                    && let Meant::Builder(kind) = self.meant(place, *object, steps)
                {
                    return self.called(kind, record.name(*property));
                }
                match self.meant(place, *callee, steps) {
                    Meant::Path(path) => self.path(format!("{path}()")),
                    _ => match self.returned(place, *callee) {
                        Some((place, returned)) => self.meant(place, returned, steps),
                        None => Meant::Nothing,
                    },
                }
            }
            _ => Meant::Nothing,
        }
    }

    fn member(&self, of: Meant, key: &str) -> Meant {
        match of {
            Meant::Path(path) if path.ends_with('#') => self.path(format!("{path}{key}")),
            Meant::Path(path) => self.path(format!("{path}.{key}")),
            _ => Meant::Nothing,
        }
    }

    /// A path, or the builder that begins with it.
    fn path(&self, path: String) -> Meant {
        if path.len() > LONGEST_PATH {
            return Meant::Nothing;
        }
        let begins = |start: &String| wildcard(start, &path);
        let mut builders = self.library.builders.iter();
        match builders.position(|builder| builder.start.iter().any(begins)) {
            Some(kind) => Meant::Builder(kind),
            None => Meant::Path(path.into()),
        }
    }

    /// A method of a builder: the last one makes the procedure.
    fn called(&self, kind: usize, method: &str) -> Meant {
        let Some(builder) = self.library.builders.get(kind) else {
            return Meant::Nothing;
        };
        let named = |names: &[String]| names.iter().any(|name| name == method);
        if named(&builder.finish) {
            return Meant::Finished {
                verb: method.into(),
                reads: named(&builder.reading),
            };
        }
        Meant::Builder(kind)
    }
}

fn serves(meaning: Meaning) -> bool {
    matches!(
        meaning,
        Meaning::ServeProcedures | Meaning::ProcedureHandler
    )
}

fn exported(value: &Value) -> Option<(Place, ExprId)> {
    match value {
        Value::Expr { place, expr } => Some((*place, *expr)),
        _ => None,
    }
}

/// The part of a URL in front of what is left open: `/api/trpc` of `/api/trpc/[trpc]` and of `/api/trpc/*`.
fn open_prefix(url: &str) -> &str {
    let open = |segment: &str| segment.starts_with(['[', '*', ':', '{']);
    match url.rsplit_once('/') {
        Some((before, last)) if open(last) => before,
        _ => url.trim_end_matches('/'),
    }
}

/// Whether a path lies at or below another one.
fn below(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::{below, open_prefix};

    #[test]
    fn what_is_left_open_is_no_part_of_the_prefix() {
        assert_eq!(open_prefix("/api/trpc/[trpc]"), "/api/trpc");
        assert_eq!(open_prefix("/api/[[...route]]"), "/api");
        assert_eq!(open_prefix("/trpc/*"), "/trpc");
        assert_eq!(open_prefix("/trpc"), "/trpc");
        assert!(below("/api", "/api/trpc") && !below("/api", "/apis"));
    }
}
