//! What can fail in a block of code, and whether that tells of anything but what the caller sent.

use crate::graph::{Link, ModuleId, Symbol};
use crate::source::Span;
use crate::syntax::{Block, Expr, ExprId, FunctionId, Key, ModuleRecord, Name, Pattern, StmtKind};

use super::code::{called_name, initial_value, numbered, root, statements, text};
use super::dependency::is_of;
use super::subject::Subject;

/// Calls are followed into so many functions of the repository.
const MOST_FUNCTIONS: usize = 24;

/// Globals of the language and its platforms, of which none knows more than it is given.
const PLAIN: [&str; 26] = [
    "Array",
    "ArrayBuffer",
    "Boolean",
    "Buffer",
    "Date",
    "Error",
    "Headers",
    "Intl",
    "JSON",
    "Map",
    "Math",
    "Number",
    "Object",
    "RegExp",
    "Response",
    "Set",
    "String",
    "TypeError",
    "URL",
    "URLSearchParams",
    "Uint8Array",
    "console",
    "decodeURIComponent",
    "encodeURIComponent",
    "parseFloat",
    "parseInt",
];

/// Packages that make one thing of another, and ask nobody and nothing for it.
const MAKERS: [&str; 24] = [
    "@date-fns/*",
    "clsx",
    "cookie",
    "csv-parse",
    "csv-stringify",
    "date-fns",
    "dayjs",
    "docx",
    "he",
    "html-to-text",
    "jspdf",
    "luxon",
    "markdown-it",
    "marked",
    "ms",
    "nanoid",
    "papaparse",
    "pdf-lib",
    "qs",
    "slugify",
    "superjson",
    "turndown",
    "uuid",
    "yaml",
];

/// Methods of texts, numbers, lists, dates and schemas, for none of which anybody waits.
const METHODS: [&str; 54] = [
    "at",
    "charAt",
    "charCodeAt",
    "concat",
    "endsWith",
    "entries",
    "every",
    "filter",
    "find",
    "findIndex",
    "flat",
    "flatMap",
    "forEach",
    "getTime",
    "has",
    "includes",
    "indexOf",
    "join",
    "keys",
    "lastIndexOf",
    "localeCompare",
    "map",
    "match",
    "matchAll",
    "padEnd",
    "padStart",
    "parse",
    "pop",
    "push",
    "reduce",
    "repeat",
    "replace",
    "replaceAll",
    "reverse",
    "safeParse",
    "shift",
    "slice",
    "some",
    "sort",
    "splice",
    "split",
    "startsWith",
    "substring",
    "test",
    "toFixed",
    "toISOString",
    "toLocaleString",
    "toLowerCase",
    "toString",
    "toUpperCase",
    "trim",
    "unshift",
    "valueOf",
    "values",
];

/// Methods that read the body.
const READS: [&str; 4] = ["arrayBuffer", "formData", "json", "text"];

/// What answers are built with, and the methods for that.
const ANSWERS: ([&str; 3], [&str; 5]) = (
    ["res", "response", "reply"],
    ["end", "send", "setHeader", "status", "type"],
);

/// Where requests keep what is asked for by name.
const KEPT: [&str; 4] = ["headers", "searchParams", "formData", "cookies"];

/// Nothing in the block fails but for what the caller sent: it reads that, looks at it and puts it together, or has a catch of
/// its own around all else.
pub(super) fn only_reads_input(subject: &Subject<'_>, module: ModuleId, block: &Block) -> bool {
    only_plain(subject, module, block, &mut Vec::new())
}

/// Functions in `seen` are judged where they were called first.
fn only_plain(
    subject: &Subject<'_>,
    module: ModuleId,
    block: &Block,
    seen: &mut Vec<(ModuleId, FunctionId)>,
) -> bool {
    let (Some(first), Some(last)) = (block.first(), block.last()) else {
        return true;
    };
    let within = Span::new(first.span.start, last.span.end);
    let record = subject.model.graph.module(module);
    let caught: Vec<Span> = statements(block)
        .filter_map(|each| caught(&each.kind))
        .collect();
    // Of a promise that nobody waits for, no failure comes here.
    let let_go: Vec<ExprId> = statements(block)
        .filter_map(|each| match each.kind {
            StmtKind::Expr(expr) => Some(expr),
            _ => None,
        })
        .collect();
    // An error that the code makes itself says what the code says.
    let thrown: Vec<ExprId> = statements(block)
        .filter_map(|each| match each.kind {
            StmtKind::Throw(expr) => Some(expr),
            _ => None,
        })
        .collect();
    numbered(record).all(|(id, expr)| {
        let span = record.span(id);
        if !within.holds(span) || caught.iter().any(|caught| caught.holds(span)) {
            return true;
        }
        match expr {
            Expr::New { .. } if thrown.contains(&id) => true,
            Expr::Call { callee, .. } | Expr::New { callee, .. } => {
                is_plain(record, *callee) || {
                    let graph = &subject.model.graph;
                    let found = subject.index().function_of(graph, module, *callee);
                    let found = found.or_else(|| required(subject, module, block, *callee));
                    found.is_some_and(|called| {
                        let (module, function) = called;
                        let function = graph.module(module).function(function);
                        if function.is_async && let_go.contains(&id) || seen.contains(&called) {
                            return true;
                        }
                        seen.push(called);
                        seen.len() <= MOST_FUNCTIONS
                            && only_plain(subject, module, &function.body, seen)
                    })
                }
            }
            Expr::Await(inner) => match record.expr(*inner) {
                Expr::Call { callee, .. } => {
                    called_name(record, *callee).is_none_or(|name| !METHODS.contains(&name))
                }
                _ => true,
            },
            Expr::Tagged { .. } | Expr::Import(_) => false,
            _ => true,
        }
    })
}

/// What a `try` has tried where its catch does not throw on.
fn caught(statement: &StmtKind) -> Option<Span> {
    let StmtKind::Try {
        block,
        handler: Some(handler),
        ..
    } = statement
    else {
        return None;
    };
    let throws = statements(&handler.body).any(|each| matches!(each.kind, StmtKind::Throw(_)));
    let (first, last) = (block.first()?, block.last()?);
    (!throws).then(|| Span::new(first.span.start, last.span.end))
}

/// `const { remove } = require("./queue")` in the block: the function that is called there.
fn required(
    subject: &Subject<'_>,
    module: ModuleId,
    block: &Block,
    callee: ExprId,
) -> Option<(ModuleId, FunctionId)> {
    let graph = &subject.model.graph;
    let record = graph.module(module);
    let Expr::Name(called) = record.expr(callee) else {
        return None;
    };
    let (from, key) = statements(block).find_map(|each| match &each.kind {
        StmtKind::Let {
            pattern: Pattern::Object { properties, .. },
            init: Some(init),
        } => {
            let mut properties = properties.iter();
            let (key, _) = properties
                .find(|(_, local)| matches!(local, Pattern::Name(local) if local == called))?;
            Some((*init, key))
        }
        _ => None,
    })?;
    let Expr::Call { callee, args, .. } = record.expr(from) else {
        return None;
    };
    let (Some("require"), [specifier], Key::Name(key)) =
        (called_name(record, *callee), &**args, key)
    else {
        return None;
    };
    let Link::Module(home) = graph.link(module, &text(record, specifier.value)?) else {
        return None;
    };
    match graph.export(home, record.name(*key)) {
        Symbol::Expr { module, expr } => subject.index().function_of(graph, module, expr),
        Symbol::Local { module, name } => {
            let mut functions = (0u32..).zip(&graph.module(module).functions).skip(1);
            let named = functions.find(|(_, function)| function.name == Some(name));
            named.map(|(at, _)| (module, FunctionId(at)))
        }
        _ => None,
    }
}

/// A list, set or map of the module's own: `const running = new Map()`.
fn is_kept(record: &ModuleRecord, name: Name) -> bool {
    let init = initial_value(record, name);
    init.is_some_and(|init| {
        matches!(record.expr(init), Expr::New { callee, .. }
            if matches!(called_name(record, *callee), Some("Map" | "Set" | "Uint8Array" | "WeakMap" | "WeakSet")))
    })
}

/// `/[a-z]/`, or a variable with that.
fn is_regex(record: &ModuleRecord, value: ExprId) -> bool {
    match record.expr(value) {
        Expr::Regex(_) => true,
        Expr::Name(name) => initial_value(record, *name)
            .is_some_and(|init| matches!(record.expr(init), Expr::Regex(_))),
        _ => false,
    }
}

/// What is called is of the language, of the request or of the answer.
fn is_plain(record: &ModuleRecord, callee: ExprId) -> bool {
    let from = root(record, callee);
    let package = record
        .imports
        .iter()
        .find(|import| Some(import.local) == from && !import.type_only);
    let is_global = from.is_some_and(|name| PLAIN.contains(&record.name(name)));
    match package {
        Some(package) if is_of("next", &package.specifier) => return true,
        Some(package) if MAKERS.iter().any(|maker| is_of(maker, &package.specifier)) => {
            return true;
        }
        // Something of a module: only a schema is plain whoever made it.
        Some(_) => {
            return matches!(called_name(record, callee), Some("parse" | "safeParse"));
        }
        None if is_global => return true,
        None => {}
    }
    let Expr::Member {
        object, property, ..
    } = record.expr(callee)
    else {
        // What a module is loaded with fails before anybody asks.
        return called_name(record, callee) == Some("require");
    };
    match record.name(*property) {
        _ if matches!(record.expr(*object), Expr::Name(name) if is_kept(record, *name)) => true,
        "exec" => is_regex(record, *object),
        "get" | "getAll" => {
            matches!(record.expr(*object), Expr::Member { property, .. } if KEPT.contains(&record.name(*property)))
                || matches!(record.expr(*object), Expr::Name(name) if KEPT.contains(&record.name(*name)))
        }
        method => {
            let answers = from.is_some_and(|name| ANSWERS.0.contains(&record.name(name)));
            METHODS.contains(&method)
                || READS.contains(&method)
                || answers && ANSWERS.1.contains(&method)
        }
    }
}
