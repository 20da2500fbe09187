//! Queries that are made for each of many rows.

use crate::checks::CheckResult;
use crate::checks::call_sites::{Found, behind};
use crate::checks::code::{called_name, method_call, numbered, place, statements};
use crate::checks::index::{Site, bound};
use crate::checks::subject::Subject;
use crate::finding::Related;
use crate::graph::{ModuleId, Symbol};
use crate::rule::Queries;
use crate::syntax::{Expr, ExprId, MODULE_BODY, ModuleRecord, Pattern, Property, StmtKind};

use super::{awaited, called, chain, is_read, uses};

/// `for (const chat of chats) { … await messagesOf(chat.id) … }`
pub(super) fn in_loop(subject: &Subject<'_>, check: &Queries) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    for &module in subject.handler_modules() {
        let record = graph.module(module);
        for function in record.functions.iter().skip(1) {
            let part = subject
                .index()
                .module(graph, module)
                .part_at(function.span.start);
            if !subject.reach().has((module, part)) {
                continue;
            }
            for statement in statements(&function.body) {
                // Those that wait for each other on purpose read pages, and have no list to go through.
                let StmtKind::Loop(each) = &statement.kind else {
                    if let Some((_, query)) = awaited(record, statement)
                        && called(record, query) == Some("all")
                    {
                        result.covered(1.0);
                    }
                    continue;
                };
                let Some((pattern, list)) = each.each.as_ref().filter(|_| !each.awaits) else {
                    continue;
                };
                if matches!(record.expr(*list), Expr::Array(_)) {
                    continue;
                }
                let mut row = Vec::new();
                bound(pattern, &mut row);
                let waits: Vec<ExprId> = statements(&each.body)
                    .filter_map(|inner| awaited(record, inner).map(|(_, query)| query))
                    .collect();
                let reads =
                    |query: ExprId| is_read(&chain(record, query)) || reads(subject, module, query);
                // Where each one is worked off, it has a turn of its own.
                let only_reads = waits.iter().all(|query| reads(*query));
                let read = waits.iter().find(|query| uses(record, **query, &row));
                if let Some(&query) = read.filter(|_| only_reads) {
                    let mut related = subject.reached_by(Site {
                        module,
                        expr: query,
                    });
                    related.insert(
                        0,
                        Related {
                            location: place(record, *list),
                            note: String::from("for each of these"),
                        },
                    );
                    let finding = subject
                        .finding_in(record, record.span(query), check.says.clone())
                        .with_related(related);
                    result.gap(1.0, finding);
                }
            }
        }
    }
    result
}

/// A function of the repository is called that reads rows itself.
fn reads(subject: &Subject<'_>, module: ModuleId, call: ExprId) -> bool {
    let graph = &subject.model.graph;
    let record = graph.module(module);
    let Expr::Call { callee, .. } = record.expr(call) else {
        return false;
    };
    let Expr::Name(name) = record.expr(*callee) else {
        return false;
    };
    let Some(Symbol::Local { module, name }) = graph.binding(module, *name) else {
        return false;
    };
    let record: &ModuleRecord = graph.module(module);
    let mut functions = record.functions.iter();
    let Some(function) =
        functions.find(|each| each.name == Some(name) && each.parent == Some(MODULE_BODY))
    else {
        return false;
    };
    numbered(record).any(|(id, expr)| match expr {
        Expr::Await(query) => {
            let span = record.span(id);
            let inside = function.span.start <= span.start && span.end <= function.span.end;
            inside && is_read(&chain(record, *query))
        }
        _ => false,
    })
}

/// What makes a selection of rows of a REST client, or one row of them.
const NARROWS: [&str; 27] = [
    "eq",
    "neq",
    "in",
    "is",
    "match",
    "or",
    "not",
    "filter",
    "gt",
    "gte",
    "lt",
    "lte",
    "like",
    "ilike",
    "contains",
    "containedBy",
    "overlaps",
    "textSearch",
    "limit",
    "range",
    "single",
    "maybeSingle",
    "where",
    "whereIn",
    "first",
    "stream",
    "throwOnError",
];

/// `client.from("table").select()`: whether it is narrowed down; `None` for other calls, and where it is finished elsewhere.
pub(super) fn rest_bounded(subject: &Subject<'_>, call: &Found) -> Option<bool> {
    let record = subject.model.graph.module(call.site.module);
    let args = select_of_rest(record, call.site.expr)?;
    let counts = args.get(1).is_some_and(|options| {
        matches!(record.expr(options.value), Expr::Object(properties)
            if properties.iter().any(|property| matches!(property,
                Property::Value { key, .. } if crate::checks::code::key(record, key) == Some("head"))))
    });
    if counts || behind(subject, call.site).any(|name| NARROWS.contains(&name)) {
        return Some(true);
    }
    super::builder_bounded(subject, call)
}

/// The arguments of the `select` of `client.from("table").select(…)`.
pub(in crate::checks) fn select_of_rest(
    record: &ModuleRecord,
    call: ExprId,
) -> Option<&[crate::syntax::Argument]> {
    let select = method_call(record, call).filter(|call| call.method == "select")?;
    let Expr::Call { callee: from, .. } = record.expr(select.object) else {
        return None;
    };
    let of_table = called_name(record, *from) == Some("from");
    let array = matches!(record.expr(*from), Expr::Member { object, .. }
        if matches!(record.expr(*object), Expr::Name(name) if record.name(*name) == "Array"));
    (of_table && !array).then_some(select.args)
}

/// Where the documents of `db.collection("name")` are read, and whether they are narrowed down: right there, or through the
/// variable that it is kept in.
pub(super) fn of_collection(subject: &Subject<'_>, call: &Found) -> Vec<(ExprId, bool)> {
    const NARROWS: [&str; 6] = ["where", "limit", "limitToLast", "count", "doc", "add"];
    let graph = &subject.model.graph;
    let record = graph.module(call.site.module);
    let index = subject.index().module(graph, call.site.module);
    let at = record.span(call.site.expr);
    let function = record.function(index.function_at(record, at.start));
    let inside = |expr: ExprId| {
        let span = record.span(expr);
        function.span.start <= span.start && span.end <= function.span.end
    };
    // Whoever deletes them has to read all of them.
    let deletes = numbered(record).any(|(id, expr)| match expr {
        Expr::Call { callee, .. } => called_name(record, *callee) == Some("delete") && inside(id),
        _ => false,
    });
    if deletes {
        return Vec::new();
    }
    let judged = |site: Site| {
        let steps: Vec<&str> = behind(subject, site).collect();
        let read = steps.contains(&"get") && !steps.contains(&"collection");
        let bounded = steps.iter().any(|step| NARROWS.contains(step));
        // One document, not a list of them.
        let one = steps.contains(&"doc");
        (read && !one).then_some((site.expr, bounded))
    };
    if let Some(found) = judged(call.site) {
        return vec![found];
    }
    let kept = statements(&function.body).find_map(|statement| match &statement.kind {
        StmtKind::Let {
            pattern: Pattern::Name(name),
            init: Some(init),
        } if *init == call.site.expr => Some(*name),
        _ => None,
    });
    let Some(kept) = kept else {
        return Vec::new();
    };
    numbered(record)
        .filter(|(id, expr)| inside(*id) && matches!(expr, Expr::Name(name) if *name == kept))
        .filter_map(|(expr, _)| {
            judged(Site {
                module: call.site.module,
                expr,
            })
        })
        .collect()
}
