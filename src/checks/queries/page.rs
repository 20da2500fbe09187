//! How large a page is, where callers choose it.

use rustc_hash::FxHashSet;

use crate::checks::CheckResult;
use crate::checks::call_sites::inside;
use crate::checks::code::{called_name, calls, key, numbered, statements};
use crate::checks::index::{Site, Unit};
use crate::checks::subject::Subject;
use crate::graph::ModuleId;
use crate::rule::{Confidence, Queries};
use crate::source::Span;
use crate::syntax::{
    Argument, BinaryOp, Block, Expr, ExprId, ModuleRecord, Name, Pattern, Property, StmtKind,
};

use super::chain;

/// Names of what bounds a page.
fn is_page_size(name: &str) -> bool {
    matches!(
        name,
        "limit" | "pageSize" | "page_size" | "perPage" | "per_page" | "take" | "first"
    )
}
/// Calls that a schema of a handler's input is given to.
const INPUT_OF: [&str; 6] = [
    "input",
    "inputschema",
    "schema",
    "zvalidator",
    "query",
    "parameters",
];
/// What a number of a shared helper is used for is looked up in so many of the handlers that call it.
const HANDLERS: usize = 3;
/// What all that was sent is called.
const WHOLE: [&str; 4] = ["input", "query", "parsedInput", "data"];
/// What stands beside it in the input of a list.
fn is_of_list(name: &str) -> bool {
    matches!(
        name,
        "page"
            | "cursor"
            | "offset"
            | "skip"
            | "sort"
            | "sortBy"
            | "orderBy"
            | "search"
            | "query"
            | "q"
            | "filter"
            | "filters"
            | "direction"
            | "order"
    )
}

pub(super) fn page_size(subject: &Subject<'_>, check: &Queries) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    for &module in subject.handler_modules() {
        let record = graph.module(module);
        if !names_page_size(record) {
            continue;
        }
        for (id, expr) in numbered(record) {
            let (capped, sure) = match expr {
                Expr::Object(properties) => {
                    let site = Site { module, expr: id };
                    match schema_cap(record, properties) {
                        None => (None, false),
                        Some((size, _, true)) => (Some((size, true)), true),
                        Some((size, word, false)) => {
                            let below = elsewhere(subject, module, id, word, true);
                            let input = inside(subject, site, &INPUT_OF.map(String::from));
                            let capped = below == Some(true);
                            let bounds = below.is_some() && !is_sliced(subject, module, id, word);
                            (Some((size, capped)), input && bounds)
                        }
                    }
                }
                Expr::Call { callee, args, .. } => {
                    (read_cap(subject, module, id, *callee, args), true)
                }
                _ => (None, false),
            };
            let Some((place_of, capped)) = capped else {
                continue;
            };
            let unit = part(subject, module, id);
            if !subject.reach().has(unit) {
                continue;
            }
            if capped {
                result.covered(1.0);
            } else {
                let related = subject.reached_by(Site { module, expr: id });
                let finding = subject
                    .finding_in(record, record.span(place_of), check.says.clone())
                    .with_related(related);
                // A schema that stands elsewhere may describe an answer, or what another part of the program asks for; and a
                // number that was not seen to bound a query may be held down where it does.
                let finding = if sure {
                    finding
                } else {
                    finding.at_most(Confidence::Low)
                };
                result.gap(1.0, finding);
            }
        }
    }
    result
}

fn names_page_size(record: &ModuleRecord) -> bool {
    let names = record.names.iter().map(|name| &**name);
    let texts = record.exprs.iter().filter_map(|expr| match expr {
        Expr::String(text) => Some(&**text),
        _ => None,
    });
    names.chain(texts).any(is_page_size)
}

fn part(subject: &Subject<'_>, module: ModuleId, expr: ExprId) -> Unit {
    let graph = &subject.model.graph;
    let start = graph.module(module).span(expr).start;
    (module, subject.index().module(graph, module).part_at(start))
}

/// `{ page: …, limit: z.number() }`: whether the number has a highest value.
fn schema_cap<'a>(
    record: &'a ModuleRecord,
    properties: &[Property],
) -> Option<(ExprId, &'a str, bool)> {
    let of_answer = properties.iter().any(|property| match property {
        Property::Value { key: name, .. } => key(record, name).is_some_and(|name| {
            name.starts_with("total") || matches!(name, "hasMore" | "nextCursor" | "data" | "meta")
        }),
        _ => false,
    });
    if of_answer {
        return None;
    }
    let mut size = None;
    let mut list = false;
    for property in properties {
        let Property::Value { key: name, value } = property else {
            continue;
        };
        let name = key(record, name)?;
        if is_page_size(name) {
            size = Some((*value, name));
        }
        list |= is_of_list(name);
    }
    let (size, word) = size.filter(|_| list)?;
    let steps = chain(record, size);
    let (root, methods) = steps.split_first()?;
    if !matches!(*root, "z" | "zod" | "v" | "t") {
        return None;
    }
    let number = methods.iter().any(|name| matches!(*name, "number" | "int"));
    number.then_some((size, word, is_capped(methods)))
}

/// Steps of a schema hold a number down.
fn is_capped(steps: &[&str]) -> bool {
    const CAPS: [&str; 9] = [
        "max",
        "lte",
        "lt",
        "maxValue",
        "literal",
        "transform",
        "pipe",
        "refine",
        "catch",
    ];
    steps.iter().any(|name| CAPS.contains(name))
}

/// `searchParams.get("limit")`: whether the number that is made of it is held down.
fn read_cap(
    subject: &Subject<'_>,
    module: ModuleId,
    id: ExprId,
    callee: ExprId,
    args: &[Argument],
) -> Option<(ExprId, bool)> {
    let graph = &subject.model.graph;
    let record = graph.module(module);
    let Expr::Member {
        object, property, ..
    } = record.expr(callee)
    else {
        return None;
    };
    let from_url = record.name(*property) == "get"
        && matches!(
            called_name(record, *object),
            Some("searchParams" | "params" | "query")
        );
    let wanted =
        matches!(record.expr(args.first()?.value), Expr::String(name) if is_page_size(name));
    if !from_url || !wanted {
        return None;
    }
    // Up to the declaration, looking for what holds the number down.
    let index = subject.index().module(graph, module);
    let mut current = id;
    let mut number = false;
    while let Some(parent) = index.parent(record, current) {
        match record.expr(parent) {
            Expr::Call { callee, .. } if *callee != current => match called_name(record, *callee) {
                Some("parseInt" | "Number" | "parseFloat") => number = true,
                Some("min" | "clamp") => return Some((id, true)),
                _ => return None,
            },
            Expr::Unary { .. } => number = true,
            Expr::Logical { .. }
            | Expr::Conditional { .. }
            | Expr::Member { .. }
            | Expr::Call { .. } => {}
            Expr::Object(_) | Expr::Function(_) | Expr::Array(_) | Expr::Assign { .. } => break,
            _ => return None,
        }
        current = parent;
    }
    if !number {
        return None;
    }
    // The variable that it is kept in may be compared with something.
    let around = record.function(index.function_at(record, record.span(id).start));
    let word = match record.expr(args.first()?.value) {
        Expr::String(word) => &**word,
        _ => return None,
    };
    let elsewhere = || elsewhere(subject, module, id, word, false);
    let Some(kept) = variable_of(&around.body, record, id) else {
        return elsewhere().map(|held| (id, held));
    };
    let held = numbered(record).any(|(other, expr)| {
        let span = record.span(other);
        let inside = around.span.start <= span.start && span.end <= around.span.end;
        inside
            && match expr {
                Expr::Binary {
                    op:
                        BinaryOp::Greater
                        | BinaryOp::GreaterEqual
                        | BinaryOp::Less
                        | BinaryOp::LessEqual,
                    left,
                    right,
                } => {
                    is_name(record, *left, kept) && is_highest(record, *right)
                        || is_name(record, *right, kept) && is_highest(record, *left)
                }
                Expr::Call { callee, args, .. } => {
                    matches!(
                        called_name(record, *callee),
                        Some("min" | "clamp" | "parse" | "safeParse")
                    ) && args.iter().any(|argument| {
                        is_name(record, argument.value, kept)
                            || matches!(record.expr(argument.value), Expr::Object(_))
                    })
                }
                _ => false,
            }
    });
    // It has to bound a query.
    let used = numbered(record).any(|(_, expr)| match expr {
        Expr::Object(properties) => properties.iter().any(|property| matches!(property,
            Property::Value { key: name, value }
                if matches!(key(record, name), Some("take" | "limit")) && is_name(record, *value, kept))),
        Expr::Call { callee, args, .. } => {
            matches!(called_name(record, *callee), Some("limit" | "take" | "range"))
                && args.iter().any(|argument| is_name(record, argument.value, kept))
        }
        _ => false,
    });
    match (used, held) {
        (true, true) => Some((id, true)),
        // What is handed on may be held down there.
        (true, false) => Some((id, elsewhere() == Some(true))),
        (false, _) => elsewhere().map(|below| (id, held || below)),
    }
}

/// What the code that the handler calls does with a number of this name: whether it is held down before it bounds a query; `None`
/// where it bounds none. With `here`, in the part that it is read in as well.
fn elsewhere(
    subject: &Subject<'_>,
    module: ModuleId,
    id: ExprId,
    word: &str,
    here: bool,
) -> Option<bool> {
    let graph = &subject.model.graph;
    let own = part(subject, module, id);
    let around = chain_around(subject, module, id);
    let mut units: FxHashSet<Unit> = FxHashSet::default();
    if is_handed_on(graph.module(module), around, word) {
        for handler in subject.reach().handlers(own).into_iter().take(HANDLERS) {
            units.extend(subject.reach().reached_from(handler));
        }
    }
    if here {
        units.insert(own);
    } else {
        units.remove(&own);
    }
    let modules: FxHashSet<ModuleId> = units.iter().map(|unit| unit.0).collect();
    // A schema that is parsed with later stands in the same file, or in one that it loads; one in the same part is another handler's.
    let loaded = graph.dependencies(module);
    let through = loaded.flat_map(|each| {
        let hands_on = !graph.module(each).star_exports.is_empty();
        let behind = hands_on.then(|| graph.dependencies(each));
        behind.into_iter().flatten().chain([each])
    });
    let near: FxHashSet<ModuleId> = through.chain([module]).collect();
    let (mut used, mut held) = (false, false);
    for module in modules {
        let record = graph.module(module);
        if record.find_name(word).is_none() || subject.is_side(module) {
            continue;
        }
        for (expr, written) in numbered(record) {
            let named = |expr: ExprId| mentions(record, expr, word);
            let (holds, bounds) = match written {
                Expr::Binary {
                    op:
                        BinaryOp::Greater
                        | BinaryOp::GreaterEqual
                        | BinaryOp::Less
                        | BinaryOp::LessEqual,
                    left,
                    right,
                } => (
                    is_number(record, *left, word, *right)
                        || is_number(record, *right, word, *left),
                    false,
                ),
                Expr::Call { callee, args, .. } => match called_name(record, *callee) {
                    Some("min" | "clamp") => (args.iter().any(|each| named(each.value)), false),
                    Some("limit" | "take" | "range") => {
                        (false, args.iter().any(|each| named(each.value)))
                    }
                    _ => (false, false),
                },
                Expr::Object(properties) => {
                    let bounds = properties.iter().any(|property| {
                        matches!(property, Property::Value { key: name, value }
                            if key(record, name) == Some("take") && named(*value))
                    });
                    let capped = properties.iter().any(|property| {
                        matches!(property, Property::Value { key: name, value }
                            if key(record, name) == Some(word) && is_capped(&chain(record, *value)))
                    });
                    let parsed = || near.contains(&module) && part(subject, module, expr) != own;
                    (capped && parsed(), bounds)
                }
                Expr::Template { texts, parts } | Expr::Tagged { texts, parts, .. } => {
                    let bounds = texts.iter().zip(parts.iter()).any(|(text, part)| {
                        text.trim_end().to_ascii_lowercase().ends_with("limit") && named(*part)
                    });
                    (false, bounds)
                }
                _ => (false, false),
            };
            if !holds && !bounds {
                continue;
            }
            let unit = part(subject, module, expr);
            // Of a router's file only the procedure whose input it is.
            if units.contains(&unit) && (unit != own || around.holds(record.span(expr))) {
                held |= holds;
                used |= bounds;
            }
        }
    }
    used.then_some(held)
}

/// What is called with the number there cuts a list with it that was read already: no row less is read for it.
fn is_sliced(subject: &Subject<'_>, module: ModuleId, id: ExprId, word: &str) -> bool {
    let graph = &subject.model.graph;
    let record = graph.module(module);
    let around = chain_around(subject, module, id);
    let called = calls(record).filter(|call| {
        around.holds(record.span(call.expr))
            && call
                .args
                .iter()
                .any(|given| is_given(record, given.value, word))
    });
    let called: FxHashSet<&str> = called
        .filter_map(|call| called_name(record, call.callee))
        .collect();
    let near = graph.dependencies(module).chain([module]);
    let mut near = near.map(|each| graph.module(each));
    near.any(|record| {
        let mut functions = record.functions.iter();
        functions.any(|function| {
            let name = function.name.map(|name| record.name(name));
            name.is_some_and(|name| called.contains(name))
                && only_slices(record, function.span, word)
        })
    })
}

/// The code there gives the number to `slice`, and to nothing else.
fn only_slices(record: &ModuleRecord, within: Span, word: &str) -> bool {
    let mut slices = false;
    for (id, expr) in numbered(record) {
        if !within.holds(record.span(id)) {
            continue;
        }
        let named = |expr: ExprId| mentions(record, expr, word);
        let given = match expr {
            Expr::Call { callee, args, .. } => {
                let given = args.iter().any(|each| named(each.value));
                if given && called_name(record, *callee) == Some("slice") {
                    slices = true;
                    continue;
                }
                given
            }
            Expr::Object(properties) => properties.iter().any(|property| match property {
                Property::Value { value, .. } => named(*value) && !slices_of(record, *value),
                Property::Spread(_) | Property::Getter { .. } => false,
            }),
            Expr::Template { parts, .. } | Expr::Tagged { parts, .. } => {
                parts.iter().any(|part| named(*part))
            }
            _ => false,
        };
        if given {
            return false;
        }
    }
    slices
}

/// `templates.slice(start, start + limit)`
fn slices_of(record: &ModuleRecord, expr: ExprId) -> bool {
    matches!(record.expr(expr), Expr::Call { callee, .. } if called_name(record, *callee) == Some("slice"))
}

/// The value is the number, or all that was sent.
fn is_given(record: &ModuleRecord, expr: ExprId, word: &str) -> bool {
    match record.expr(expr) {
        Expr::Name(name) | Expr::Member { property: name, .. } => {
            let name = record.name(*name);
            name == word || WHOLE.contains(&name)
        }
        _ => false,
    }
}

/// The code there gives the number to other code, by itself or with all that was sent; also where it is not named there at all.
fn is_handed_on(record: &ModuleRecord, around: Span, word: &str) -> bool {
    let is = |expr: ExprId| is_given(record, expr, word);
    let mut named = false;
    for (id, expr) in numbered(record) {
        if !around.holds(record.span(id)) {
            continue;
        }
        let given = match expr {
            Expr::Call { args, .. } | Expr::New { args, .. } => {
                args.iter().any(|each| is(each.value))
            }
            Expr::Object(properties) => properties.iter().any(|property| match property {
                Property::Value { value, .. } | Property::Spread(value) => is(*value),
                Property::Getter { .. } => false,
            }),
            Expr::Name(name) | Expr::Member { property: name, .. } => {
                named |= record.name(*name) == word;
                false
            }
            _ => false,
        };
        if given {
            return true;
        }
    }
    !named
}

/// The chain of calls that an expression is given to: `procedure.input(z.object({ … })).query(…)`.
fn chain_around(subject: &Subject<'_>, module: ModuleId, expr: ExprId) -> Span {
    let graph = &subject.model.graph;
    let record = graph.module(module);
    let index = subject.index().module(graph, module);
    let mut current = expr;
    while let Some(parent) = index.parent(record, current) {
        match record.expr(parent) {
            Expr::Call { .. } | Expr::Member { .. } => current = parent,
            _ => break,
        }
    }
    record.span(current)
}

/// A value of this name is compared with a highest one.
fn is_number(record: &ModuleRecord, expr: ExprId, word: &str, other: ExprId) -> bool {
    let named = match record.expr(expr) {
        Expr::Name(name) | Expr::Member { property: name, .. } => record.name(*name) == word,
        _ => false,
    };
    named && is_highest(record, other)
}

/// What a number is held down to: `100`, `MAX_PAGE`, `limits.max`. How many rows were found is none.
fn is_highest(record: &ModuleRecord, expr: ExprId) -> bool {
    let name = match record.expr(expr) {
        Expr::Number(_) => return true,
        Expr::Name(name) | Expr::Member { property: name, .. } => record.name(*name),
        _ => return false,
    };
    let constant = !name.contains(|letter: char| letter.is_ascii_lowercase());
    constant || name.to_ascii_lowercase().contains("max")
}

/// The name stands somewhere in an expression.
fn mentions(record: &ModuleRecord, expr: ExprId, word: &str) -> bool {
    let mut open = vec![expr];
    while let Some(id) = open.pop() {
        match record.expr(id) {
            Expr::Name(name) | Expr::Member { property: name, .. }
                if record.name(*name) == word =>
            {
                return true;
            }
            other => other.for_each_child(&mut |child| open.push(child)),
        }
    }
    false
}

fn is_name(record: &ModuleRecord, expr: ExprId, wanted: Name) -> bool {
    matches!(record.expr(expr), Expr::Name(name) if *name == wanted)
}

/// The variable whose declaration holds an expression.
fn variable_of(body: &Block, record: &ModuleRecord, expr: ExprId) -> Option<Name> {
    let at = record.span(expr);
    statements(body).find_map(|statement| match &statement.kind {
        StmtKind::Let {
            pattern: Pattern::Name(name),
            init: Some(init),
        } => {
            let span = record.span(*init);
            (span.start <= at.start && at.end <= span.end).then_some(*name)
        }
        _ => None,
    })
}
