//! What can fail in a block of code, and whether that tells of anything but what the caller sent.

use crate::graph::{Link, ModuleId, Symbol};
use crate::source::Span;
use crate::syntax::{
    Block, Expr, ExprId, FunctionId, Key, ModuleRecord, Pattern, Property, StmtKind,
};

use super::code::{called_name, numbered, root, statements, text};
use super::dependency::is_of;
use super::subject::Subject;

/// Calls are followed into so many functions of the repository.
const MOST_FUNCTIONS: usize = 24;

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

/// What is waited for and fails for what the caller sent alone: the body is read, or held against a schema.
const READS: [&str; 9] = [
    "arrayBuffer",
    "blob",
    "formData",
    "json",
    "parse",
    "parseAsync",
    "safeParse",
    "safeParseAsync",
    "text",
];

/// Promises that the framework hands over, and keeps.
const GIVEN: [&str; 2] = ["params", "searchParams"];

/// Something in the block fails with more to tell than what the caller sent: a store, a file, a program or an unknown function is
/// waited for, here or in a function of the repository, with no catch of its own around it.
pub(super) fn tells_inside(subject: &Subject<'_>, module: ModuleId, block: &Block) -> bool {
    let mut seen = Vec::new();
    fails_inside(subject, module, block, false, &mut seen)
}

/// Functions in `seen` are judged where they were called first. The failure of what is `returned` comes to whoever waits for it.
fn fails_inside(
    subject: &Subject<'_>,
    module: ModuleId,
    block: &Block,
    returned: bool,
    seen: &mut Vec<(ModuleId, FunctionId)>,
) -> bool {
    let (Some(first), Some(last)) = (block.first(), block.last()) else {
        return false;
    };
    let within = Span::new(first.span.start, last.span.end);
    let graph = &subject.model.graph;
    let record = graph.module(module);
    let mut aside: Vec<Span> = Vec::new();
    let mut waited: Vec<ExprId> = Vec::new();
    for statement in statements(block) {
        match statement.kind {
            StmtKind::Try { .. } => aside.extend(caught(&statement.kind)),
            StmtKind::Expr(expr) => aside.extend(let_go(record, expr)),
            // What is only defined here fails where it is called.
            StmtKind::Function { function, .. } => aside.push(record.function(function).span),
            StmtKind::Let {
                init: Some(init), ..
            } => {
                if let Expr::Function(function) = record.expr(init) {
                    aside.push(record.function(*function).span);
                }
            }
            // `return found.token` is a value that is there; `return load()` may be a promise.
            StmtKind::Return(Some(value)) if returned => {
                let there = matches!(record.expr(value), Expr::Name(_) | Expr::Member { .. });
                waited.extend((!there).then_some(value));
            }
            _ => {}
        }
    }
    aside.extend(kept_for_later(record, within));
    let here: Vec<(ExprId, &Expr)> = numbered(record)
        .filter(|(id, _)| {
            let span = record.span(*id);
            within.holds(span) && !aside.iter().any(|aside| aside.holds(span))
        })
        .collect();
    waited.extend(here.iter().filter_map(|(_, expr)| match expr {
        Expr::Await(inner) => Some(*inner),
        _ => None,
    }));
    // `Promise.all([load(), save()])` waits for each of them.
    let together: Vec<ExprId> = waited
        .iter()
        .filter_map(|each| match record.expr(*each) {
            Expr::Call { callee, args, .. } if is_promise(record, *callee) => args.first(),
            _ => None,
        })
        .flat_map(|list| match record.expr(list.value) {
            Expr::Array(items) => items.iter().map(|item| item.value).collect(),
            _ => vec![list.value],
        })
        .collect();
    waited.extend(together);
    here.iter().any(|(id, expr)| {
        let waits = waited.contains(id);
        match expr {
            Expr::Call { callee, .. } | Expr::New { callee, .. } => {
                let found = subject.index().function_of(graph, module, *callee);
                let found = found.or_else(|| required(subject, module, block, *callee));
                let Some(called) = found else {
                    return is_at_once(record, *callee) || waits && !is_harmless(record, *callee);
                };
                let (home, function) = called;
                let function = graph.module(home).function(function);
                if function.is_async && !waits || seen.contains(&called) {
                    return false;
                }
                seen.push(called);
                seen.len() > MOST_FUNCTIONS
                    || fails_inside(subject, home, &function.body, function.is_async, seen)
            }
            Expr::Tagged { .. } => waits,
            Expr::Name(name) => waits && !GIVEN.contains(&record.name(*name)),
            Expr::Member { property, .. } => waits && !GIVEN.contains(&record.name(*property)),
            _ => false,
        }
    })
}

/// Functions that an object is made with, which calls them later: `new ReadableStream({ async start() { … } })`.
fn kept_for_later(record: &ModuleRecord, within: Span) -> Vec<Span> {
    let made = numbered(record).filter_map(|(id, expr)| match expr {
        Expr::New { callee, args } if within.holds(record.span(id)) => {
            (!is_promise(record, *callee)).then_some(args)
        }
        _ => None,
    });
    let options = made
        .flatten()
        .filter_map(|arg| match record.expr(arg.value) {
            Expr::Object(properties) => Some(properties),
            _ => None,
        });
    let functions = options.flatten().filter_map(|property| match property {
        Property::Value { value, .. } => match record.expr(*value) {
            Expr::Function(function) => Some(record.function(*function).span),
            _ => None,
        },
        _ => None,
    });
    functions.collect()
}

/// A promise that nobody waits for: `(async () => { … })()`, `notify().catch(…)`. No failure of it comes here.
fn let_go(record: &ModuleRecord, expr: ExprId) -> Option<Span> {
    let Expr::Call { callee, .. } = record.expr(expr) else {
        return None;
    };
    let is_let_go = match record.expr(*callee) {
        Expr::Function(id) => record.function(*id).is_async,
        Expr::Member { object, .. } => {
            return matches!(called_name(record, *callee), Some("catch" | "then"))
                .then(|| record.span(*object));
        }
        _ => false,
    };
    is_let_go.then(|| record.span(expr))
}

/// `Promise.all`
fn is_promise(record: &ModuleRecord, callee: ExprId) -> bool {
    root(record, callee).is_some_and(|name| record.name(name) == "Promise")
}

/// `readFileSync`: nobody has to wait for it.
fn is_at_once(record: &ModuleRecord, callee: ExprId) -> bool {
    called_name(record, callee).is_some_and(|name| name.ends_with("Sync"))
}

/// Its failure tells what the caller sent, or nothing: `fetch failed`.
fn is_harmless(record: &ModuleRecord, callee: ExprId) -> bool {
    let from = root(record, callee);
    let mut imports = record.imports.iter();
    if let Some(package) = imports.find(|each| Some(each.local) == from && !each.type_only) {
        let is_package = |form: &&str| is_of(form, &package.specifier);
        return is_package(&"next") || MAKERS.iter().any(is_package);
    }
    let method = called_name(record, callee);
    let of_nothing =
        matches!(record.expr(callee), Expr::Name(name) if record.name(*name) == "fetch");
    of_nothing || is_promise(record, callee) || method.is_some_and(|name| READS.contains(&name))
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
