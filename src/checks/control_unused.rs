//! `[check.control-unused]`: a schema, limiter, guard, wrapper or logger that is defined and that nothing which runs uses.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::finding::Related;
use crate::graph::{ModuleId, Symbol};
use crate::rule::{Confidence, ControlKind, ControlUnused};
use crate::source::Span;
use crate::syntax::{
    ExportTarget, Expr, ExprId, FunctionId, Key, Meant, ModuleRecord, Name, Parsed, Pattern,
    Property, Stmt, StmtKind,
};

use super::CheckResult;
use super::code::{body, is_side_file, root};
use super::index::bound;
use super::liveness::made_by;
use super::subject::Subject;
use super::uses::{References, Taken, Uses};
use super::words::{Form, fits, form, words};
use super::written_for;

/// A finding names so many controls and counts the others.
const NAMED: usize = 3;
/// Comments about a control end at most so many lines above it.
const ABOVE: u32 = 4;

/// A control that a module defines and exports.
struct Defined<'a> {
    name: Name,
    span: Span,
    /// `None` for a schema.
    kind: Option<&'a ControlKind>,
}

/// An unused control, for the finding.
struct Unused {
    name: String,
    span: Span,
    uses: Uses,
    /// It only makes, of what it is given, what others make without it.
    is_short_form: bool,
}

pub(super) fn run(subject: &Subject<'_>, check: &ControlUnused) -> CheckResult {
    let graph = &subject.model.graph;
    let kinds = Kinds::new(check);
    let generated = subject.globs(&check.except_files);
    let mut result = CheckResult::default();
    let mut references = None;
    for record in subject.reached() {
        let Some(id) = graph.find(&record.path) else {
            continue;
        };
        if record.parsed != Parsed::Full || record.use_client || record.exports.is_empty() {
            continue;
        }
        // Few modules define a control, so these are told first.
        let defined = defined(subject, &kinds, id, record);
        if defined.is_empty()
            || generated.is_match(record.path.as_str())
            || is_published(subject, record)
        {
            continue;
        }
        let references = references.get_or_insert_with(|| {
            let shared = subject.shared();
            let liveness = shared.liveness.get_or_init(|| {
                subject
                    .live()
                    .with_pure(subject.model, &check.schema_packages)
            });
            let taken = shared.taken.get_or_init(|| Taken::new(graph));
            References::new(graph, taken, liveness)
        });
        if references.is_entry(id) {
            continue;
        }
        judge(subject, check, references, id, defined, &mut result);
    }
    result
}

/// The package is made for others, who may use what nobody here does.
fn is_published(subject: &Subject<'_>, record: &ModuleRecord) -> bool {
    let packages = &subject.model.project.packages;
    let own = packages
        .iter()
        .filter(|package| record.path.starts_with(&package.folder()))
        .max_by_key(|package| package.folder().segments().count());
    own.is_some_and(|package| {
        let says = |key: &str| package.json.get(key);
        says("private").and_then(serde_json::Value::as_bool) != Some(true)
            && [
                "main",
                "module",
                "exports",
                "types",
                "bin",
                "publishConfig",
                "files",
            ]
            .iter()
            .any(|key| says(key).is_some())
    })
}

/// The controls among what a module exports.
fn defined<'c>(
    subject: &Subject<'_>,
    kinds: &Kinds<'c>,
    id: ModuleId,
    record: &ModuleRecord,
) -> Vec<Defined<'c>> {
    let check = kinds.check;
    let mut found = Vec::new();
    for statement in body(record) {
        let (name, init) = match &statement.kind {
            StmtKind::Function { name, .. } | StmtKind::Class { name, .. } => (*name, None),
            StmtKind::Let {
                pattern: Pattern::Name(name),
                init: Some(init),
            } => (*name, Some(*init)),
            _ => continue,
        };
        let is_exported = record
            .exports
            .iter()
            .any(|export| matches!(export.target, ExportTarget::Local(local) if local == name));
        if !is_exported {
            continue;
        }
        let is_schema = init.is_some_and(|init| {
            matches!(record.expr(init), Expr::Call { .. })
                && is_of_objects(record, init)
                && made_by(&subject.model.graph, id, record, init)
                    .is_some_and(|package| check.schema_packages.iter().any(|each| each == package))
        });
        let kind = if is_schema {
            None
        } else {
            // Numbers, texts and lists about a control are none.
            let works = init.is_none_or(|init| {
                matches!(
                    record.expr(init),
                    Expr::Function(_) | Expr::Call { .. } | Expr::New { .. } | Expr::Object(_)
                )
            });
            let function = match (&statement.kind, init.map(|init| record.expr(init))) {
                (StmtKind::Function { function, .. }, _) | (_, Some(Expr::Function(function))) => {
                    Some(*function)
                }
                _ => None,
            };
            let is_function = function.is_some();
            let is_none = |kind: &ControlKind| {
                function.is_some_and(|function| {
                    only_shows(record, name, function) || only_looks_up(record, function, kind)
                })
            };
            match kinds.of(record.name(name)) {
                Some(kind) if works && (is_function || !kind.functions_only) && !is_none(kind) => {
                    Some(kind)
                }
                _ => continue,
            }
        };
        found.push(Defined {
            name,
            span: statement.span,
            kind,
        });
    }
    found
}

/// A component that shows something, and stands around nothing that it could keep from being shown.
fn only_shows(record: &ModuleRecord, name: Name, function: FunctionId) -> bool {
    let begins = record.name(name).chars().next();
    let props = record.function(function).params.first();
    record.facts.has_jsx
        && begins.is_some_and(char::is_uppercase)
        && props.is_some_and(|props| {
            let mut names = Vec::new();
            bound(props, &mut names);
            matches!(props, Pattern::Object { .. } | Pattern::Default { .. })
                && !names.iter().any(|name| record.name(*name) == "children")
        })
}

/// `authErrorHandler(errorCode)`: it is given no failure, but what a text is looked up by.
fn only_looks_up(record: &ModuleRecord, function: FunctionId, kind: &ControlKind) -> bool {
    let first = record.function(function).params.first();
    let Some(Pattern::Name(first)) = first else {
        return false;
    };
    let words = words(record.name(*first));
    words
        .last()
        .is_some_and(|last| kind.not_given.contains(last))
}

/// The chain begins with a schema for objects, as input is one; those for single values are only parts.
fn is_of_objects(record: &ModuleRecord, expr: ExprId) -> bool {
    let mut current = expr;
    for _ in 0..64 {
        match record.expr(current) {
            Expr::Call { callee, .. } => current = *callee,
            Expr::Member {
                object, property, ..
            } => match record.expr(*object) {
                Expr::Name(_) => {
                    let method = record.name(*property);
                    return [
                        "object",
                        "Object",
                        "strictObject",
                        "looseObject",
                        "discriminatedUnion",
                        "variant",
                        "intersection",
                    ]
                    .contains(&method);
                }
                _ => current = *object,
            },
            // `object({…})`, imported by itself.
            Expr::Name(name) => return record.name(*name) == "object",
            _ => return false,
        }
    }
    false
}

/// What names say that something is.
struct Kinds<'c> {
    check: &'c ControlUnused,
    /// Patterns of names, word by word, in the order of the rule.
    patterns: Vec<(Form<'c>, &'c ControlKind)>,
    /// The words of the patterns: a name without any of them fits none.
    words: FxHashSet<&'c str>,
}

impl<'c> Kinds<'c> {
    fn new(check: &'c ControlUnused) -> Self {
        let patterns = check.kinds.iter().flat_map(|kind| {
            let patterns = kind.names.iter();
            patterns.map(move |pattern| (form(pattern), kind))
        });
        let patterns: Vec<(Form<'_>, &ControlKind)> = patterns.collect();
        let words = patterns.iter().flat_map(|(pattern, _)| pattern);
        Self {
            check,
            words: words.flatten().copied().collect(),
            patterns,
        }
    }

    fn of(&self, name: &str) -> Option<&'c ControlKind> {
        let words = words(name);
        let first = words.first()?;
        let last = words.last()?;
        if !words.iter().any(|word| self.words.contains(word.as_str()))
            || self.check.except_first.contains(first)
            || self.check.except_last.contains(last)
        {
            return None;
        }
        let found = self
            .patterns
            .iter()
            .find(|(pattern, _)| fits(pattern, &words));
        found.map(|(_, kind)| *kind)
    }
}

fn judge(
    subject: &Subject<'_>,
    check: &ControlUnused,
    references: &References<'_>,
    id: ModuleId,
    defined: Vec<Defined<'_>>,
    result: &mut CheckResult,
) {
    let record = subject.model.graph.module(id);
    // One finding for each kind and module, with the controls of that kind in the order of the file.
    let mut unused: BTreeMap<usize, Vec<Unused>> = BTreeMap::new();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for control in defined {
        let number = control.kind.map_or(usize::MAX, |kind| {
            check
                .kinds
                .iter()
                .position(|each| each.name == kind.name)
                .unwrap_or_default()
        });
        *counts.entry(number).or_default() += 1;
        let uses = references.of(id, control.name);
        if uses.used {
            result.covered(1.0);
            for entry in idle_entries(subject, references, id, record, &control) {
                result.total += 1;
                result.total_weight += 1.0;
                unused.entry(number).or_default().push(entry);
            }
            continue;
        }
        let handed = handed_on(subject, id, control.name)
            .filter(|handed| references.of(handed.to.0, handed.to.1).used);
        if handed.as_ref().is_some_and(|handed| handed.same) {
            continue;
        }
        result.total += 1;
        result.total_weight += 1.0;
        unused.entry(number).or_default().push(Unused {
            name: record.name(control.name).to_owned(),
            span: control.span,
            uses,
            is_short_form: handed.is_some(),
        });
    }
    for (number, unused) in unused {
        let Some(first) = unused.first() else {
            continue;
        };
        let kind = check.kinds.get(number);
        let (one, many) = kind.map_or(("schema", "schemas"), |kind| {
            (kind.name.as_str(), kind.plural.as_str())
        });
        let names: Vec<String> = unused
            .iter()
            .take(NAMED)
            .map(|each| format!("`{}`", each.name))
            .collect();
        let more = unused.len().saturating_sub(NAMED);
        let what = match (unused.len(), more) {
            (1, _) => format!("the {one} {} is", names.join("")),
            (_, 0) => format!("the {many} {} are", and(&names)),
            _ => format!("the {many} {} and {more} more are", names.join(", ")),
        };
        let mut message = format!("{what} {}", why(subject, id, &unused));
        let moved = || {
            let mut names = unused.iter();
            // A limiter that another application uses limits that one alone.
            kind.is_some_and(|kind| kind.functions_only)
                && names.all(|each| is_used_elsewhere(subject, references, id, &each.name))
        };
        let doubt = doubt(record, kind.is_none(), &unused)
            .or_else(|| moved().then_some("or is it left over, as another of this name is used?"));
        if let Some(doubt) = doubt {
            message.push_str(": ");
            message.push_str(doubt);
        }
        let related = unused.iter().skip(1).map(|each| Related {
            location: record.location(each.span),
            note: format!("`{}`", each.name),
        });
        let severity = kind.map_or(check.schema_severity, |kind| kind.severity);
        let mut location = record.location(first.span);
        // Only the line on which it begins: a table of schemas is long.
        location.end_line = location.line;
        let finding = subject
            .finding(location, message)
            .with_severity(severity)
            .with_related(related.collect());
        result.findings.push(match doubt {
            Some(_) => finding.at_most(Confidence::Low),
            None => finding,
        });
    }
}

/// What speaks for leaving controls unused.
fn doubt(record: &ModuleRecord, are_schemas: bool, unused: &[Unused]) -> Option<&'static str> {
    if unused.iter().all(|each| each.is_short_form) {
        return Some("or is nothing missed, as it only makes what others make by themselves?");
    }
    if !are_schemas && record.facts.has_jsx && unused.iter().all(|each| is_component(&each.name)) {
        return Some("or is nothing left open, as a component only shows something?");
    }
    if are_schemas {
        let names: Vec<&str> = unused.iter().map(|each| &*each.name).collect();
        if let Some(doubt) = written_for::doubt(record, &names) {
            return Some(doubt);
        }
    }
    let head = record
        .imports
        .first()
        .map(|import| record.line(import.span));
    if are_schemas
        && unused.iter().all(|each| {
            let beside = each.uses.beside;
            beside.is_some_and(|beside| function_of(record, beside).is_some())
        })
    {
        return Some("or is it enough that what would use it is not called yet?");
    }
    let waits = unused.iter().all(|each| {
        let own = record.line(each.span);
        let mut said = record.facts.meant.iter();
        said.any(|(line, what)| {
            *what == Meant::Later
                && (head.is_some_and(|head| *line < head)
                    || (own.saturating_sub(ABOVE)..=own).contains(line))
        })
    });
    waits.then_some("or does it wait for what is still to come, as a comment says?")
}

/// Components begin with a capital letter, as JSX wants it.
fn is_component(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_uppercase())
}

/// Another module exports something under this name, and code that runs uses that.
fn is_used_elsewhere(
    subject: &Subject<'_>,
    references: &References<'_>,
    own: ModuleId,
    name: &str,
) -> bool {
    let mut modules = subject.model.graph.modules();
    modules.any(|(id, record)| {
        // Most modules do not hold the name at all.
        let Some(local) = record.find_name(name).filter(|_| id != own) else {
            return false;
        };
        let mut exports = record.exports.iter();
        exports.any(|export| &*export.name == name)
            && !is_side_file(&record.path)
            && references.of(id, local).used
    })
}

/// What a function does nothing but call.
struct Handed {
    to: (ModuleId, Name),
    /// With the arguments that it is given, so that nothing is lost where it is not used.
    same: bool,
}

/// The function that a module defines under a name.
fn function_of(record: &ModuleRecord, name: Name) -> Option<FunctionId> {
    let mut statements = body(record).iter();
    statements.find_map(|statement| match &statement.kind {
        StmtKind::Function {
            name: own,
            function,
        } if *own == name => Some(*function),
        StmtKind::Let {
            pattern: Pattern::Name(own),
            init: Some(init),
        } if *own == name => match record.expr(*init) {
            Expr::Function(function) => Some(*function),
            _ => None,
        },
        _ => None,
    })
}

/// What a function does nothing but call or construct, of nothing but what it is given.
fn handed_on(subject: &Subject<'_>, id: ModuleId, name: Name) -> Option<Handed> {
    let graph = &subject.model.graph;
    let record = graph.module(id);
    let function = record.function(function_of(record, name)?);
    let [
        Stmt {
            kind: StmtKind::Return(Some(answer)),
            ..
        },
    ] = &*function.body
    else {
        return None;
    };
    let mut answer = *answer;
    let (callee, args) = loop {
        match record.expr(answer) {
            Expr::Await(inner) | Expr::Member { object: inner, .. } => answer = *inner,
            Expr::Call { callee, args, .. } | Expr::New { callee, args } => break (*callee, args),
            _ => return None,
        }
    };
    let mut params = Vec::new();
    for param in &function.params {
        bound(param, &mut params);
    }
    let is_given =
        |value: ExprId| matches!(record.expr(value), Expr::Name(name) if params.contains(name));
    let of_given = |value: ExprId| match record.expr(value) {
        Expr::Object(properties) => properties
            .iter()
            .all(|property| matches!(property, Property::Value { value, .. } if is_given(*value))),
        _ => is_given(value),
    };
    if args.is_empty() || !args.iter().all(|arg| of_given(arg.value)) {
        return None;
    }
    let same = matches!(record.expr(answer), Expr::Call { .. })
        && args.len() == function.params.len()
        && args.iter().zip(&function.params).all(|(given, param)| {
            matches!((record.expr(given.value), param), (Expr::Name(given), Pattern::Name(param)) if given == param)
        });
    let called = root(record, callee).filter(|called| *called != name)?;
    let to = match graph.binding(id, called) {
        Some(Symbol::Local { module, name }) => (module, name),
        Some(_) => return None,
        None => {
            let own = subject.index().module(graph, id);
            own.declares(called).map(|_| (id, called))?
        }
    };
    Some(Handed { to, same })
}

fn and(names: &[String]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.join(""),
    }
}

/// How it can be that a control stands there and does nothing.
fn why(subject: &Subject<'_>, own: ModuleId, unused: &[Unused]) -> String {
    let path = |module: ModuleId| subject.model.graph.module(module).path.to_string();
    let all = |holds: fn(&Uses) -> bool| unused.iter().all(|each| holds(&each.uses));
    let record = subject.model.graph.module(own);
    let beside = unused.first().and_then(|each| each.uses.beside);
    let same = unused.iter().all(|each| each.uses.beside == beside);
    let idle = unused.iter().find_map(|each| each.uses.idle_import);
    let dead = unused.iter().find_map(|each| each.uses.dead_user);
    match (idle, dead) {
        (Some(idle), _) if unused.len() == 1 => {
            format!("imported by {} and used by nothing there", path(idle))
        }
        (_, Some(dead)) if dead == own => {
            String::from("defined in a file that nothing which runs loads")
        }
        (_, Some(dead)) if all(|uses| uses.dead_user.is_some()) => {
            format!("used only by {}, which nothing that runs loads", path(dead))
        }
        _ if all(|uses| uses.tested) => String::from("used only by tests"),
        _ if unused.iter().any(|each| each.uses.tested) => {
            String::from("used by nothing, or only by tests")
        }
        _ => match beside.filter(|_| same) {
            Some(beside) => {
                let beside = record.name(beside);
                format!("used only by `{beside}` beside it, which nothing uses")
            }
            None => String::from("defined here and used by nothing"),
        },
    }
}

/// The entries of a table of limiters for which nobody asks: `limiters.search`, `{ limiter: "search" }`.
fn idle_entries(
    subject: &Subject<'_>,
    references: &References<'_>,
    id: ModuleId,
    record: &ModuleRecord,
    control: &Defined<'_>,
) -> Vec<Unused> {
    if !control.kind.is_some_and(|kind| kind.tables) {
        return Vec::new();
    }
    let entries = body(record)
        .iter()
        .find_map(|statement| match &statement.kind {
            StmtKind::Let {
                pattern: Pattern::Name(name),
                init: Some(init),
            } if *name == control.name => match record.expr(*init) {
                Expr::Object(properties) => Some(properties),
                _ => None,
            },
            _ => None,
        });
    let Some(entries) = entries else {
        return Vec::new();
    };
    let near = references.near(id);
    let table = record.name(control.name);
    let mut found = Vec::new();
    for entry in entries {
        let Property::Value {
            key: Key::Name(key),
            value,
        } = entry
        else {
            // Who spreads tables into tables may ask for anything.
            return Vec::new();
        };
        let makes = matches!(
            record.expr(*value),
            Expr::Function(_) | Expr::New { .. } | Expr::Call { .. } | Expr::Object(_)
        );
        let key = record.name(*key);
        let asked = |other: &ModuleRecord, other_id: ModuleId| {
            let by_text = || {
                other
                    .exprs
                    .iter()
                    .any(|expr| matches!(expr, Expr::String(text) if &**text == key))
            };
            let by_name = || {
                near.contains(&other_id)
                    && if other_id == id {
                        other.exprs.iter().any(|expr| {
                            matches!(expr, Expr::Member { property, .. } if other.name(*property) == key)
                        })
                    } else {
                        other.find_name(key).is_some()
                    }
            };
            (other.use_client && near.contains(&other_id)) || by_text() || by_name()
        };
        let is_asked = subject
            .model
            .graph
            .modules()
            .any(|(other_id, other)| references.runs(other_id) && asked(other, other_id));
        if makes && !is_asked {
            found.push(Unused {
                name: format!("{table}.{key}"),
                span: record.span(*value),
                uses: Uses::default(),
                is_short_form: false,
            });
        }
    }
    // A table of which nobody asks for anything by name is asked in a way that cannot be seen.
    if found.len() == entries.len() {
        return Vec::new();
    }
    found
}
