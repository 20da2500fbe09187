//! Requests that tests make: by a client's verbs, by `fetch`, or by a function of their own that is given method and path.

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::graph::ModuleId;
use crate::routes::trace::{Place, Value};
use crate::syntax::{Argument, Expr, ExprId, FunctionId, Key, ModuleRecord, Property};

use super::path::{Urls, base, shape, takes_all, text, written};
use super::{Places, TestCall, numbered};
use crate::routes::{METHODS, RouteKind, RouteTable};

/// Keys under which a client is told its base address.
const BASES: [&str; 4] = ["baseUrl", "baseURL", "base_url", "prefixUrl"];

/// Names that stand for names beyond this are given up.
const MAX_STEPS: u32 = 12;

/// Helpers that call helpers beyond this are not looked into.
const MAX_HELPERS: u32 = 3;

/// The requests of all tests.
pub(super) struct Requests {
    all: Vec<Request>,
    /// The requests that a URL answers, by its shape.
    answered: FxHashMap<String, Vec<usize>>,
}

struct Request {
    call: TestCall,
    /// What a client sends by itself is a `GET`.
    method: Box<str>,
    /// The request is only made as a value; who answers is for the test to say.
    built: bool,
}

impl Requests {
    pub(super) fn read(places: &Places<'_>, tests: &[ModuleId], tables: &[RouteTable]) -> Self {
        let mut urls: Vec<Urls> = Vec::new();
        for table in tables {
            // A route that is mounted below a file's is answered by both.
            let (mut files, mut mounted) = (Urls::new(), Urls::new());
            for route in &table.routes {
                let of_kind = match route.kind {
                    RouteKind::App | RouteKind::Pages | RouteKind::Action => &mut files,
                    RouteKind::Express | RouteKind::Hono | RouteKind::Trpc => &mut mounted,
                };
                if let Some(url) = &route.url {
                    of_kind.insert(url, route.http_method());
                }
            }
            let rewrites = table.middleware.iter().any(|file| {
                let record = places.tracer.record(file.module);
                file.problem.is_none() && record.find_name("rewrite").is_some()
            });
            for route in &table.routes {
                let Some(url) = &route.url else { continue };
                let configured = table.rewrites.iter().filter_map(|each| each.alias(url));
                // What is asked for at any address is told apart by its headers, of which nothing is known here.
                let configured = configured.filter(|alias| !takes_all(&shape(alias)));
                let any_version = rewrites.then(|| of_any_version(url)).flatten();
                for alias in configured.chain(any_version) {
                    files.insert_as(&alias, &shape(url), route.http_method());
                }
            }
            urls.extend([files, mounted]);
        }
        let mut reader = Reader {
            places,
            functions: RefCell::default(),
            bases: FxHashMap::default(),
        };
        let mut all = Vec::new();
        let mut answered: FxHashMap<String, Vec<usize>> = FxHashMap::default();
        for &module in tests {
            let record = places.tracer.record(module);
            let mut bases = None;
            for (id, expr) in numbered(&record.exprs) {
                let Some(sent) = reader.call(module, record, id, expr) else {
                    continue;
                };
                let Some(path) = written(&sent.path) else {
                    continue;
                };
                let method = sent.method.unwrap_or_else(|| "GET".into());
                let number = all.len();
                let mut ask = |base: &[String]| {
                    let whole = base.iter().chain(&path.segments);
                    let whole: Vec<&str> = whole.map(String::as_str).collect();
                    for each in &urls {
                        if let Some(shape) = each.answering(&whole, &method) {
                            let requests = answered.entry(shape.to_owned()).or_default();
                            requests.push(number);
                        }
                    }
                };
                ask(&[]);
                if path.relative {
                    let bases = bases.get_or_insert_with(|| reader.bases_of(module));
                    for base in bases.iter() {
                        ask(base);
                    }
                }
                all.push(Request {
                    call: TestCall {
                        module,
                        span: record.span(id),
                    },
                    method,
                    built: sent.built,
                });
            }
        }
        Self { all, answered }
    }

    /// The first request for a URL; one that is only built counts where `reaches` says so of its test.
    pub(super) fn find(
        &self,
        url: &str,
        method: &str,
        reaches: impl Fn(ModuleId) -> bool,
    ) -> Option<TestCall> {
        let shape = shape(url);
        let found = self.answered.get(&shape)?;
        // What takes any path takes those of other applications too.
        let takes_all = takes_all(&shape);
        let mut found = found.iter().filter_map(|number| self.all.get(*number));
        let found = found.find(|request| {
            (method == "ANY" || method == &*request.method)
                && (!(request.built || takes_all) || reaches(request.call.module))
        })?;
        Some(found.call)
    }
}

/// A route's URL with any version in place of the one it has: a middleware that rewrites may serve `/api/v1/users` from
/// `/api/latest/users`.
fn of_any_version(url: &str) -> Option<String> {
    let is_version = |segment: &str| {
        let digits = segment.strip_prefix('v').unwrap_or("");
        matches!(segment, "latest" | "current" | "stable" | "beta")
            || digits.starts_with(|first: char| first.is_ascii_digit())
    };
    let mut segments: Vec<&str> = url.split('/').collect();
    let version = segments.iter_mut().find(|segment| is_version(segment))?;
    *version = "[version]";
    Some(segments.join("/"))
}

/// What a call sends.
struct Sent {
    path: String,
    method: Option<Box<str>>,
    built: bool,
}

/// What a function of a test does with the path it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Does {
    Sends,
    Builds,
    Neither,
}

struct Reader<'a> {
    places: &'a Places<'a>,
    functions: RefCell<FxHashMap<(ModuleId, FunctionId), Does>>,
    bases: FxHashMap<ModuleId, Rc<[Vec<String>]>>,
}

impl Reader<'_> {
    fn call(
        &self,
        module: ModuleId,
        record: &ModuleRecord,
        id: ExprId,
        expr: &Expr,
    ) -> Option<Sent> {
        let (callee, args, is_new) = match expr {
            Expr::Call { callee, args, .. } => (*callee, args, false),
            Expr::New { callee, args } => (*callee, args, true),
            _ => return None,
        };
        let first = args.first()?.value;
        let (name, is_plain) = match record.expr(callee) {
            Expr::Name(name) => (record.name(*name), true),
            Expr::Member { property, .. } => (record.name(*property), false),
            _ => return None,
        };
        if is_new {
            if !matches!(name, "Request" | "NextRequest") {
                return None;
            }
            let place = self.places.of(module, id);
            return Some(Sent {
                path: self.path(place, first)?,
                method: args
                    .get(1)
                    .and_then(|options| self.method(place, options.value)),
                built: true,
            });
        }
        let verb = METHODS.iter().find(|verb| verb.eq_ignore_ascii_case(name));
        if let Some(verb) = verb {
            if !may_be_path(record, first) {
                return None;
            }
            // `http.get("/api/x", () => …)` says what is answered, and asks for nothing.
            let answers =
                |argument: &Argument| matches!(record.expr(argument.value), Expr::Function(_));
            if args.iter().any(answers) || is_expected(record, callee) {
                return None;
            }
            let place = self.places.of(module, id);
            let options = self.options(place, first);
            let path = match &options {
                Some(options) => options.path.clone()?,
                None => self.path(place, first)?,
            };
            return Some(Sent {
                path,
                method: Some((*verb).into()),
                // `GET(new Request(…))` runs whatever `GET` is.
                built: matches!(record.expr(first), Expr::New { .. }),
            });
        }
        // What is answered in place of the server, or waited for, is asked by something else.
        if matches!(
            name,
            "intercept" | "route" | "waitForRequest" | "waitForResponse"
        ) {
            return None;
        }
        let sends = matches!(name, "fetch" | "request" | "inject" | "createMocks");
        // A word in small letters is a method where a function of the test is given it.
        let is_own = is_plain && !["mock", "stub"].iter().any(|word| name.starts_with(word));
        let method = args
            .iter()
            .find_map(|argument| literal_method(record, argument, is_own));
        if !sends && method.is_none() && !is_plain {
            return None;
        }
        if is_expected(record, callee) {
            return None;
        }
        if let Some(method) = method {
            // `makeApiCall(schema, "POST", "/api/x")`
            let place = self.places.of(module, id);
            let mut args = args
                .iter()
                .filter(|argument| may_be_path(record, argument.value));
            let path = args.find_map(|argument| {
                let text = self.path(place, argument.value)?;
                written(&text).is_some().then_some(text)
            })?;
            return Some(Sent {
                path,
                method: Some(method.into()),
                built: self.does(place, callee) == Does::Builds,
            });
        }
        if !(may_be_asked(record, args) || sends && may_be_path(record, first)) {
            return None;
        }
        let place = self.places.of(module, id);
        let does = match (name, is_plain) {
            ("createMocks", _) => Does::Builds,
            _ if sends => Does::Sends,
            _ => self.does(place, callee),
        };
        if let Some(options) = self.options(place, first) {
            // `client.request({ method, url })`; a function that is not known needs both to be believed.
            if does == Does::Neither && options.method.is_none() {
                return None;
            }
            return Some(Sent {
                path: options.path?,
                method: options.method,
                built: does == Does::Builds,
            });
        }
        if does == Does::Neither {
            return None;
        }
        let (path, inner) = match record.expr(first) {
            // `fetch(new Request("/api/x", options))`
            Expr::New { args, .. } if is_plain => (
                self.path(place, args.first()?.value)?,
                args.get(1).map(|options| options.value),
            ),
            // Another app's `fetch` is given a request that is read where it is built.
            Expr::New { .. } => return None,
            _ => (self.path(place, first)?, None),
        };
        let options = inner.or_else(|| args.get(1).map(|options| options.value));
        Some(Sent {
            path,
            method: options.and_then(|options| self.method(place, options)),
            built: does == Does::Builds,
        })
    }

    /// A text that may be a path.
    fn path(&self, place: Place, expr: ExprId) -> Option<String> {
        text(self.places.tracer, place, expr, MAX_STEPS)
    }

    fn method(&self, place: Place, options: ExprId) -> Option<Box<str>> {
        self.options(place, options)?.method
    }

    /// `{ method, url }`, `{ path }`
    fn options(&self, place: Place, expr: ExprId) -> Option<Options> {
        let tracer = self.places.tracer;
        let entries = tracer.entries(place, expr)?;
        let mut options = Options::default();
        for (key, value, place) in entries {
            match key {
                "method" => {
                    let method = tracer.text(place, value);
                    options.method = method.map(|method| method.to_ascii_uppercase().into());
                }
                "path" | "url" => options.path = self.path(place, value),
                _ => {}
            }
        }
        Some(options)
    }

    /// What a function of the repository does with what it is given, by itself or through others.
    fn does(&self, place: Place, callee: ExprId) -> Does {
        self.does_within(place, callee, MAX_HELPERS)
    }

    fn does_within(&self, place: Place, callee: ExprId, helpers: u32) -> Does {
        let Value::Function { module, function } = self.places.tracer.follow(place, callee) else {
            return Does::Neither;
        };
        if let Some(known) = self.functions.borrow().get(&(module, function)) {
            return *known;
        }
        // Functions that call each other have no more to say.
        let mut known = self.functions.borrow_mut();
        known.insert((module, function), Does::Neither);
        drop(known);
        let record = self.places.tracer.record(module);
        let within = record.function(function).span;
        let mut does = Does::Neither;
        for (id, expr) in numbered(&record.exprs) {
            let span = record.span(id);
            if span.start < within.start || span.end > within.end {
                continue;
            }
            let (Expr::Call { callee, .. } | Expr::New { callee, .. }) = expr else {
                continue;
            };
            let name = match record.expr(*callee) {
                Expr::Name(name) => record.name(*name),
                Expr::Member { property, .. } => record.name(*property),
                _ => continue,
            };
            match name {
                "fetch" | "request" | "inject" => {
                    does = Does::Sends;
                    break;
                }
                "Request" | "NextRequest" | "createMocks" => does = Does::Builds,
                // Helpers of tests hand on what they are given; the application's own functions may be given a stand-in.
                _ if matches!(record.expr(*callee), Expr::Name(_))
                    && helpers > 0
                    && record.path.is_test() =>
                {
                    let place = Place { module, function };
                    if self.does_within(place, *callee, helpers - 1) == Does::Sends {
                        does = Does::Sends;
                        break;
                    }
                }
                _ => {}
            }
        }
        self.functions.borrow_mut().insert((module, function), does);
        does
    }

    /// The base addresses that a test's clients may have: its own, and those of what it loads and what that loads.
    fn bases_of(&mut self, test: ModuleId) -> Vec<Vec<String>> {
        let graph = self.places.tracer.graph;
        let mut modules = vec![test];
        for near in graph.dependencies(test) {
            modules.push(near);
            modules.extend(graph.dependencies(near));
        }
        modules.sort_unstable();
        modules.dedup();
        let mut found: Vec<Vec<String>> = Vec::new();
        for module in modules {
            found.extend(self.bases_in(module).iter().cloned());
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn bases_in(&mut self, module: ModuleId) -> Rc<[Vec<String>]> {
        if let Some(known) = self.bases.get(&module) {
            return Rc::clone(known);
        }
        let record = self.places.tracer.record(module);
        let mut found = Vec::new();
        if BASES.iter().any(|base| record.find_name(base).is_some()) {
            for (id, expr) in numbered(&record.exprs) {
                let Expr::Object(properties) = expr else {
                    continue;
                };
                for property in properties {
                    if let Property::Value {
                        key: Key::Name(key),
                        value,
                    } = property
                        && BASES.contains(&record.name(*key))
                        && let Some(text) = self.path(self.places.of(module, id), *value)
                    {
                        found.extend(base(&text));
                    }
                }
            }
        }
        let found: Rc<[Vec<String>]> = found.into();
        self.bases.insert(module, Rc::clone(&found));
        found
    }
}

#[derive(Default)]
struct Options {
    method: Option<Box<str>>,
    path: Option<String>,
}

/// `"POST"`
fn literal_method(
    record: &ModuleRecord,
    argument: &Argument,
    in_any_case: bool,
) -> Option<&'static str> {
    let Expr::String(text) = record.expr(argument.value) else {
        return None;
    };
    METHODS
        .iter()
        .copied()
        .find(|method| *method == &**text || in_any_case && method.eq_ignore_ascii_case(text))
}

/// Whether an argument may hold a path; that of most calls plainly does not.
fn may_be_path(record: &ModuleRecord, expr: ExprId) -> bool {
    let begins = |text: &str| text.starts_with('/') || text.contains("://");
    match record.expr(expr) {
        Expr::String(text) => begins(text),
        Expr::Template { texts, .. } | Expr::Tagged { texts, .. } => texts
            .first()
            .is_none_or(|first| first.is_empty() || begins(first)),
        Expr::Object(properties) => properties.iter().any(|property| match property {
            Property::Value {
                key: Key::Name(key),
                ..
            } => matches!(record.name(*key), "path" | "url"),
            _ => false,
        }),
        Expr::Name(_)
        | Expr::Member { .. }
        | Expr::Call { .. }
        | Expr::New { .. }
        | Expr::Binary { .. }
        | Expr::Logical { .. } => true,
        _ => false,
    }
}

/// Whether a function of the test's own may be asked to request something: it is given a path that is written out, or a path and
/// what to do with it.
fn may_be_asked(record: &ModuleRecord, args: &[Argument]) -> bool {
    match args {
        [] => false,
        [first] => {
            may_be_path(record, first.value)
                && matches!(
                    record.expr(first.value),
                    Expr::String(_) | Expr::Template { .. } | Expr::Tagged { .. } | Expr::Object(_)
                )
        }
        [first, options, ..] => {
            let written = matches!(
                record.expr(first.value),
                Expr::String(_) | Expr::Template { .. } | Expr::Tagged { .. }
            );
            let told = matches!(record.expr(options.value), Expr::Object(properties)
                if properties.iter().any(|property| matches!(property, Property::Value { key: Key::Name(key), .. }
                    if record.name(*key) == "method")));
            (written || told) && may_be_path(record, first.value)
        }
    }
}

/// `expect(…).toHaveBeenCalledWith("POST", "/api/x")` speaks of a call and makes none.
fn is_expected(record: &ModuleRecord, callee: ExprId) -> bool {
    let mut at = callee;
    loop {
        at = match record.expr(at) {
            Expr::Member { object, .. } => *object,
            Expr::Call { callee, .. } => *callee,
            Expr::Name(name) => return record.name(*name) == "expect",
            _ => return false,
        };
    }
}
