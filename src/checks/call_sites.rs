//! Calls of libraries by their paths, where they stand, and what they are given.

use rustc_hash::FxHashSet;

use crate::graph::{ModuleId, Symbol};
use crate::rule::{CallCondition, CodeScope, wildcard};
use crate::syntax::{Expr, ExprId, Key, LogicalOp, ModuleRecord, Name, Property};

use super::code::{called_name, numbered};
use super::index::{Site, Unit};
use super::subject::Subject;

/// A value followed through more variables than this is given up.
const DEPTH: u8 = 6;

/// A call that one of the patterns of a rule names.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Where it stands.
    pub site: Site,
    /// The part of its module.
    pub unit: Unit,
    /// The path of what is called.
    pub path: String,
    /// The construction of the client.
    pub made: Option<(ModuleId, ExprId)>,
}

/// Whether something holds, as far as it can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It cannot be told.
    Unknown,
}

impl Holds {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    /// One of them holds.
    pub(super) fn any(all: impl Iterator<Item = Self>) -> Self {
        let mut result = Self::No;
        for each in all {
            match each {
                Self::Yes => return Self::Yes,
                Self::Unknown => result = Self::Unknown,
                Self::No => {}
            }
        }
        result
    }
}

/// The calls in a scope that fit one of the paths and none of `except`, by place.
pub(super) fn find(
    subject: &Subject<'_>,
    scope: CodeScope,
    paths: &[String],
    except: &[String],
) -> Vec<Found> {
    let graph = &subject.model.graph;
    let index = subject.index();
    let reached = (scope == CodeScope::Handlers).then(|| subject.reach().modules());
    let mut sites: Vec<Site> = candidates(subject, paths);
    sites.retain(|site| reached.is_none_or(|modules| modules.contains(&site.module)));
    // The calls of one name are in order already, which this way of sorting makes use of.
    sites.sort();
    sites.dedup();
    let mut found = Vec::new();
    for site in sites {
        let whole = (site.module, 0);
        if scope != CodeScope::Handlers && !in_scope(subject, scope, whole) {
            continue;
        }
        let unit = subject.unit(site);
        if scope == CodeScope::Handlers && !in_scope(subject, scope, unit) {
            continue;
        }
        let record = graph.module(site.module);
        let origin = match record.expr(site.expr) {
            Expr::Call { callee, .. } => index.origin(graph, site.module, *callee),
            _ => index.origin(graph, site.module, site.expr),
        };
        let fits = |patterns: &[String]| patterns.iter().any(|each| wildcard(each, &origin.path));
        if fits(paths) && !fits(except) {
            found.push(Found {
                site,
                unit,
                path: origin.path,
                made: origin.made,
            });
        }
    }
    found
}

/// Whether a part of a module belongs to a scope.
pub(super) fn in_scope(subject: &Subject<'_>, scope: CodeScope, unit: Unit) -> bool {
    let record = subject.model.graph.module(unit.0);
    let own = || record.path.starts_with(&subject.project.root) && subject.owns(unit.0);
    let server = || {
        let sides = subject.server_side();
        sides.get(unit.0.0 as usize).copied().unwrap_or(false)
    };
    match scope {
        CodeScope::Handlers => subject.reach().has(unit) && !subject.is_side(unit.0),
        CodeScope::Server => own() && server(),
        CodeScope::Client => own() && subject.runs_in_browser(unit.0),
        CodeScope::All => own(),
    }
}

/// The calls whose last name may fit one of the paths.
fn candidates(subject: &Subject<'_>, paths: &[String]) -> Vec<Site> {
    let index = subject.index();
    let mut found = Vec::new();
    let mut asked: FxHashSet<&str> = FxHashSet::default();
    for path in paths {
        let last = path.rsplit(['.', '#']).next().unwrap_or("");
        let last = last.trim_end_matches('!').trim_end_matches("()");
        if last == "default" || last == "*" {
            found.extend(of_package(subject, path.split('#').next().unwrap_or("")));
            continue;
        }
        // Many paths end in the same name.
        if !asked.insert(last) {
            continue;
        }
        // `fs#*readFile` is the export and the method of the whole.
        let name = last.trim_start_matches('*');
        if name.contains('*') {
            let names = index.called_names().filter(|name| wildcard(last, name));
            found.extend(names.flat_map(|name| index.calls(name)));
        } else {
            found.extend_from_slice(index.calls(name));
        }
    }
    found
}

/// The calls of what modules import from a package under names of their own.
fn of_package(subject: &Subject<'_>, package: &str) -> Vec<Site> {
    let index = subject.index();
    let mut found = Vec::new();
    for (id, local) in index.imports(package) {
        let record = subject.model.graph.module(id);
        let calls = index.calls(record.name(local));
        let from = calls.partition_point(|site| site.module < id);
        let own = calls.get(from..).unwrap_or_default();
        found.extend(own.iter().take_while(|site| site.module == id));
    }
    found
}

/// Whether a call has what a condition asks for.
pub(super) fn holds(subject: &Subject<'_>, call: &Found, condition: &CallCondition) -> Holds {
    if !condition.of.is_empty() && !condition.of.iter().any(|path| wildcard(path, &call.path)) {
        return Holds::No;
    }
    let graph = &subject.model.graph;
    let module = call.site.module;
    let record = graph.module(module);
    let args = match record.expr(call.site.expr) {
        Expr::Call { args, .. } | Expr::New { args, .. } => &**args,
        _ => return Holds::Unknown,
    };
    if args.iter().any(|argument| argument.spread) {
        return Holds::Unknown;
    }
    let mut result = Holds::Yes;
    if let Some(count) = condition.arguments {
        result = result.and(Holds::of(args.len() >= count));
    }
    let argument = match condition.argument {
        Some(at) => args.get(at),
        None => args.last(),
    };
    let argument = argument.map(|argument| Value {
        module,
        expr: argument.value,
    });
    if !condition.keys.is_empty() {
        let found = match argument {
            Some(object) => {
                let mut unknown = false;
                let keys = condition.keys.iter();
                let mut values = keys.filter_map(|key| match value_at(subject, object, key) {
                    At::Value(value) => Some(value),
                    At::Unknown => {
                        unknown = true;
                        None
                    }
                    At::Nothing => None,
                });
                match values.next() {
                    Some(_) if condition.is.is_empty() => Holds::Yes,
                    Some(value) => Holds::any(
                        std::iter::once(value)
                            .chain(values)
                            .map(|value| is_one_of(subject, value, &condition.is)),
                    ),
                    None if unknown => Holds::Unknown,
                    None => Holds::No,
                }
            }
            None => Holds::No,
        };
        result = result.and(found);
    } else if !condition.is.is_empty() {
        let found = argument.map_or(Holds::No, |value| is_one_of(subject, value, &condition.is));
        result = result.and(found);
    }
    if !condition.all_keys.is_empty() {
        let found = argument.map_or(Holds::No, |object| {
            let keys = condition.all_keys.iter();
            keys.map(|key| match value_at(subject, object, key) {
                At::Value(value) => match is_one_of(subject, value, &[String::from("false")]) {
                    Holds::Yes => Holds::No,
                    _ => Holds::Yes,
                },
                At::Nothing => Holds::No,
                At::Unknown => Holds::Unknown,
            })
            .fold(Holds::Yes, Holds::and)
        });
        result = result.and(found);
    }
    if !condition.named.is_empty() {
        let found = argument.is_some_and(|value| {
            let name = match record.expr(value.expr) {
                Expr::Name(name) => record.name(*name),
                Expr::Member { property, .. } => record.name(*property),
                Expr::New { callee, args } => {
                    let class = called_name(record, *callee).unwrap_or("");
                    &format!("new {class}/{}", args.len())
                }
                _ => return false,
            };
            let name = name.to_ascii_lowercase();
            condition.named.iter().any(|form| wildcard(form, &name))
        });
        result = result.and(Holds::of(found));
    }
    if !condition.text.is_empty() {
        let found = argument.map_or(Holds::No, |value| match text_of(subject, value) {
            Some(text) => {
                let text = text.to_ascii_lowercase();
                Holds::of(condition.text.iter().any(|form| wildcard(form, &text)))
            }
            None => Holds::Unknown,
        });
        result = result.and(found);
    }
    if !condition.made_with.is_empty() {
        result = result.and(made_with(subject, call, &condition.made_with));
    }
    if !condition.chained.is_empty() {
        result = result.and(Holds::of(chained(subject, call, &condition.chained)));
    }
    if !condition.inside.is_empty() {
        result = result.and(Holds::of(inside(subject, call.site, &condition.inside)));
    }
    if !condition.mentions.is_empty() {
        let found = mentions(subject, call.unit, &condition.mentions);
        result = result.and(Holds::of(found));
    }
    result
}

/// An expression of a module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// The module.
    pub module: ModuleId,
    /// The expression.
    pub expr: ExprId,
}

/// What stands at a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// This value.
    Value(Value),
    /// Nothing: the object has no such key.
    Nothing,
    /// It cannot be told.
    Unknown,
}

/// What stands at a key of an object, dots leading deeper, through variables and spreads.
pub(super) fn value_at(subject: &Subject<'_>, object: Value, key: &str) -> At {
    let mut current = object;
    for part in key.split('.') {
        match one_key(subject, current, part, DEPTH) {
            At::Value(value) => current = value,
            other => return other,
        }
    }
    At::Value(current)
}

fn one_key(subject: &Subject<'_>, object: Value, wanted: &str, depth: u8) -> At {
    let Some(depth) = depth.checked_sub(1) else {
        return At::Unknown;
    };
    let record = subject.model.graph.module(object.module);
    let here = |expr: ExprId| Value {
        module: object.module,
        expr,
    };
    match record.expr(object.expr) {
        Expr::Object(properties) => {
            let mut unknown = false;
            for property in properties.iter().rev() {
                match property {
                    Property::Value { key, value } => match key_text(record, key) {
                        Some(text) if text == wanted => return At::Value(here(*value)),
                        Some(_) => {}
                        None => unknown = true,
                    },
                    Property::Spread(inner) => {
                        match one_key(subject, here(*inner), wanted, depth) {
                            At::Nothing => {}
                            At::Unknown => unknown = true,
                            found @ At::Value(_) => return found,
                        }
                    }
                    Property::Getter { .. } => {}
                }
            }
            if unknown { At::Unknown } else { At::Nothing }
        }
        Expr::Undefined
        | Expr::Null
        | Expr::Bool(_)
        | Expr::Number(_)
        | Expr::String(_)
        | Expr::Template { .. }
        | Expr::Function(_)
        | Expr::Array(_) => At::Nothing,
        Expr::Conditional {
            then, otherwise, ..
        } => both(
            one_key(subject, here(*then), wanted, depth),
            one_key(subject, here(*otherwise), wanted, depth),
        ),
        Expr::Logical { op, left, right } => match op {
            LogicalOp::And => one_key(subject, here(*right), wanted, depth),
            _ => both(
                one_key(subject, here(*left), wanted, depth),
                one_key(subject, here(*right), wanted, depth),
            ),
        },
        Expr::Name(name) => {
            let index = subject.index().module(&subject.model.graph, object.module);
            let later = record.find_name(wanted);
            if later.is_some_and(|key| index.writes(*name, key)) {
                return At::Unknown;
            }
            match resolve(subject, object) {
                Some(value) => one_key(subject, value, wanted, depth),
                None => At::Unknown,
            }
        }
        _ => At::Unknown,
    }
}

fn both(a: At, b: At) -> At {
    match (a, b) {
        (found @ At::Value(_), _) | (_, found @ At::Value(_)) => found,
        (At::Nothing, At::Nothing) => At::Nothing,
        _ => At::Unknown,
    }
}

fn key_text<'r>(record: &'r ModuleRecord, key: &Key) -> Option<&'r str> {
    super::code::key(record, key)
}

/// What a variable holds, in this module or in the one that it is imported from.
pub(super) fn resolve(subject: &Subject<'_>, value: Value) -> Option<Value> {
    let graph = &subject.model.graph;
    let index = subject.index();
    let record = graph.module(value.module);
    let Expr::Name(name) = record.expr(value.expr) else {
        return None;
    };
    match graph.binding(value.module, *name) {
        Some(Symbol::Local { module, name }) => {
            let home = graph.module(module);
            let expr = index.module(graph, module).value(home, name, u32::MAX)?;
            Some(Value { module, expr })
        }
        Some(Symbol::Expr { module, expr }) => Some(Value { module, expr }),
        Some(_) => None,
        None => {
            let at = record.span(value.expr).start;
            let expr = index.module(graph, value.module).value(record, *name, at)?;
            (expr != value.expr).then_some(Value {
                module: value.module,
                expr,
            })
        }
    }
}

/// The text of a literal, of a template with `\u{0}` for what is computed, or of a variable that holds one.
pub(super) fn text_of(subject: &Subject<'_>, value: Value) -> Option<String> {
    let mut value = value;
    for _ in 0..DEPTH {
        let record = subject.model.graph.module(value.module);
        if let Some(text) = super::code::text(record, value.expr) {
            return Some(text.into_owned());
        }
        value = match record.expr(value.expr) {
            Expr::Name(_) => resolve(subject, value)?,
            Expr::Member {
                object, property, ..
            } => {
                let key = record.name(*property).to_owned();
                let object = Value {
                    module: value.module,
                    expr: *object,
                };
                match value_at(subject, object, &key) {
                    At::Value(found) => found,
                    _ => return None,
                }
            }
            _ => return None,
        };
    }
    None
}

fn is_one_of(subject: &Subject<'_>, value: Value, wanted: &[String]) -> Holds {
    let mut value = value;
    for _ in 0..DEPTH {
        let record = subject.model.graph.module(value.module);
        let text = match record.expr(value.expr) {
            Expr::Bool(true) => String::from("true"),
            Expr::Bool(false) => String::from("false"),
            Expr::Null => String::from("null"),
            Expr::Undefined => String::from("undefined"),
            Expr::Number(number) => number.to_string(),
            Expr::String(text) => text.to_ascii_lowercase(),
            Expr::Name(_) => match resolve(subject, value) {
                Some(next) => {
                    value = next;
                    continue;
                }
                None => return Holds::Unknown,
            },
            Expr::Object(_) | Expr::Array(_) | Expr::Function(_) => return Holds::No,
            _ => return Holds::Unknown,
        };
        return Holds::of(wanted.iter().any(|form| wildcard(form, &text)));
    }
    Holds::Unknown
}

/// One of the keys stands in an object that the client was made with.
fn made_with(subject: &Subject<'_>, call: &Found, keys: &[String]) -> Holds {
    let Some((module, expr)) = call.made else {
        return Holds::Unknown;
    };
    let Expr::New { args, .. } = subject.model.graph.module(module).expr(expr) else {
        return Holds::Unknown;
    };
    Holds::any(args.iter().flat_map(|argument| {
        let object = Value {
            module,
            expr: argument.value,
        };
        keys.iter()
            .map(move |key| match value_at(subject, object, key) {
                At::Value(_) => Holds::Yes,
                At::Nothing => Holds::No,
                At::Unknown => Holds::Unknown,
            })
    }))
}

/// One of the methods is called on the way to the call, or on what it gives.
fn chained(subject: &Subject<'_>, call: &Found, methods: &[String]) -> bool {
    let before = call.path.split(['.', '#']).any(|step| {
        let name = step.trim_end_matches("()").trim_end_matches('!');
        methods.iter().any(|method| wildcard(method, name))
    });
    before || behind(subject, call.site).any(|name| methods.iter().any(|each| wildcard(each, name)))
}

/// The methods that are called on what a call gives, one behind the other.
pub(super) fn behind<'a>(subject: &Subject<'a>, site: Site) -> impl Iterator<Item = &'a str> {
    let graph = &subject.model.graph;
    let record = graph.module(site.module);
    let index = subject.index().module(graph, site.module);
    let mut current = site.expr;
    std::iter::from_fn(move || {
        loop {
            let parent = index.parent(record, current)?;
            match record.expr(parent) {
                Expr::Member {
                    object, property, ..
                } if *object == current => {
                    current = parent;
                    return Some(record.name(*property));
                }
                Expr::Call { callee, .. } if *callee == current => current = parent,
                _ => return None,
            }
        }
    })
}

/// The call stands in the arguments of a call, or in a function among them, whose name fits.
pub(super) fn inside(subject: &Subject<'_>, site: Site, names: &[String]) -> bool {
    let graph = &subject.model.graph;
    let record = graph.module(site.module);
    let index = subject.index().module(graph, site.module);
    let mut current = site.expr;
    let mut steps = 0;
    while let Some(parent) = index.parent(record, current) {
        if let Expr::Call { callee, .. } | Expr::New { callee, .. } = record.expr(parent)
            && *callee != current
            && let Some(name) = called_name(record, *callee)
        {
            let name = name.to_ascii_lowercase();
            if names.iter().any(|form| wildcard(form, &name)) {
                return true;
            }
        }
        current = parent;
        steps += 1;
        if steps > 256 {
            break;
        }
    }
    false
}

/// A part of a module has a name, a key or a text of one of these forms in it.
pub(super) fn mentions(subject: &Subject<'_>, unit: Unit, forms: &[String]) -> bool {
    let graph = &subject.model.graph;
    let record = graph.module(unit.0);
    let index = subject.index().module(graph, unit.0);
    let fits = |text: &str| {
        let text = text.to_ascii_lowercase();
        forms.iter().any(|form| wildcard(form, &text))
    };
    // Most modules have no such name at all, and a module has far fewer names than places.
    let fitting: Vec<bool> = record.names.iter().map(|name| fits(name)).collect();
    let any_name = fitting.contains(&true);
    let named = |name: Name| fitting.get(name.0 as usize).copied().unwrap_or(false);
    let span = index.part_span(unit.1);
    let inside = |start: u32| span.start <= start && start < span.end;
    let called = any_name
        && record
            .functions
            .iter()
            .skip(1)
            .any(|function| function.name.is_some_and(named) && inside(function.span.start));
    if called {
        return true;
    }
    numbered(record).any(|(id, expr)| {
        let found = match expr {
            Expr::Name(name) | Expr::Member { property: name, .. } => any_name && named(*name),
            Expr::String(text) => text.len() < 64 && inside(record.span(id).start) && fits(text),
            Expr::Object(properties) => {
                any_name
                    && properties.iter().any(|property| match property {
                        Property::Value {
                            key: Key::Name(name),
                            ..
                        } => named(*name),
                        _ => false,
                    })
            }
            _ => false,
        };
        found && inside(record.span(id).start)
    })
}
