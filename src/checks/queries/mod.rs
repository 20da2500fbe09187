//! `[check.queries]`: how handlers read and write their database.

mod page;
mod rows;

pub(super) use rows::select_of_rest;

use crate::model::RouteFacts;
use crate::rule::{CodeScope, Confidence, Queries, QueryQuestion};
use crate::source::Location;
use crate::syntax::{Expr, ExprId, ModuleRecord, Name, Stmt, StmtKind};

use super::CheckResult;
use super::call_sites::{At, Found, Value, behind, find, value_at};
use super::callers::{is_probe, is_run_by_machine};
use super::code::{called_name, calls, imported, method_call, numbered, place};
use super::dependency::{is_of, of_package};
use super::index::{Site, Unit, Waits, bound};
use super::subject::Subject;

/// Methods that read rows of one model.
fn reads_model(method: &str) -> bool {
    matches!(
        method,
        "findMany"
            | "findUnique"
            | "findFirst"
            | "findUniqueOrThrow"
            | "findFirstOrThrow"
            | "findOne"
            | "findById"
            | "count"
            | "aggregate"
            | "groupBy"
            | "countDocuments"
    )
}
/// Methods that write rows of one model.
fn writes_model(method: &str) -> bool {
    matches!(
        method,
        "create" | "createMany" | "update" | "updateMany" | "delete" | "deleteMany" | "upsert"
    )
}
/// Names of which one stands in every module with a query.
fn is_of_query(name: &str) -> bool {
    reads_model(name) || writes_model(name) || matches!(name, "insert" | "from" | "collection")
}
/// Databases whose client answers before the call returns, and what is built on them.
const SYNCHRONOUS: [&str; 5] = [
    "better-sqlite3",
    "bun:sqlite",
    "node:sqlite",
    "drizzle-orm/better-sqlite3",
    "drizzle-orm/bun-sqlite",
];
/// What bounds a chain of a query builder, or makes one row of it.
const BOUNDS: [&str; 16] = [
    "where",
    "limit",
    "top",
    "fetch",
    "groupBy",
    "having",
    "innerJoin",
    "rightJoin",
    "as",
    "$dynamic",
    "execute",
    "executeTakeFirst",
    "executeTakeFirstOrThrow",
    "prepare",
    "toSQL",
    "first",
];
pub(super) fn run(subject: &Subject<'_>, check: &Queries) -> CheckResult {
    match check.asks {
        QueryQuestion::WholeTable => whole_table(subject, check),
        QueryQuestion::PageSize => page::page_size(subject, check),
        QueryQuestion::Independent => {
            let (index, reach) = (subject.index(), subject.reach());
            let mut waits = Waits::new(&subject.model.graph, index, reach, &subject.app.routes);
            let nobody_waits =
                |site: Site, unit| is_background(subject, check, unit) || !waits.waits(site, unit);
            let mut result = consecutive(subject, check, independent, nobody_waits);
            // One that answers before it returns is never waited for.
            let at_once = subject
                .specifiers()
                .iter()
                .any(|package| SYNCHRONOUS.contains(&&**package));
            if at_once {
                for finding in &mut result.findings {
                    // One question is enough.
                    if finding.confidence != Confidence::Low {
                        finding
                            .message
                            .push_str("; or does the database answer at once?");
                        finding.confidence = Confidence::Low;
                    }
                }
            }
            result
        }
        QueryQuestion::Transaction => consecutive(subject, check, torn, |_, _| false),
        QueryQuestion::InLoop => rows::in_loop(subject, check),
    }
}

fn paths(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("*#*.{name}")).collect()
}

fn whole_table(subject: &Subject<'_>, check: &Queries) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    let wanted = paths(&[
        "findMany",
        "from",
        "selectFrom",
        "find",
        "select",
        "collection",
    ]);
    for call in find(subject, CodeScope::Handlers, &wanted, &[]) {
        let record = graph.module(call.site.module);
        let Expr::Call { callee, args, .. } = record.expr(call.site.expr) else {
            continue;
        };
        let bounded = match called_name(record, *callee) {
            Some("findMany") => match args.first() {
                None => Some(false),
                Some(argument) => {
                    let object = Value {
                        module: call.site.module,
                        expr: argument.value,
                    };
                    let keys = ["where", "take", "limit", "first", "last", "cursor"];
                    let found = keys.map(|key| value_at(subject, object, key));
                    if found.iter().any(|at| matches!(at, At::Value(_))) {
                        Some(true)
                    } else if found.iter().any(|at| matches!(at, At::Unknown)) {
                        None
                    } else {
                        Some(false)
                    }
                }
            },
            Some("from") if is_drizzle(subject, &call) => builder_bounded(subject, &call),
            Some("selectFrom") => {
                let names: Vec<&str> = behind(subject, call.site).collect();
                let runs = names.contains(&"execute");
                let bounds = names
                    .iter()
                    .any(|name| *name != "execute" && BOUNDS.contains(name));
                // Kysely counts with functions that it hands to `select`.
                let counts = names.contains(&"select") && record.find_name("fn").is_some();
                runs.then_some(bounds || counts)
            }
            Some("select") => {
                let Some(bounded) = rows::rest_bounded(subject, &call) else {
                    continue;
                };
                if !bounded {
                    let related = subject.reached_by(call.site);
                    // Policies of the database may narrow it down to what is the caller's.
                    let finding = subject
                        .finding_in(record, record.span(call.site.expr), check.says.clone())
                        .with_related(related)
                        .at_most(Confidence::Low);
                    result.gap(1.0, finding);
                    continue;
                }
                Some(true)
            }
            Some("collection") => {
                for (end, bounded) in rows::of_collection(subject, &call) {
                    if bounded {
                        result.covered(1.0);
                        continue;
                    }
                    let related = subject.reached_by(call.site);
                    let finding = subject
                        .finding_in(record, record.span(end), check.says.clone())
                        .with_related(related);
                    // What lies below one document is no more than somebody's own.
                    let below = chain(record, call.site.expr).iter().any(|step| {
                        let step = step.to_ascii_lowercase();
                        step == "doc" || step.ends_with("ref") || step.ends_with("doc")
                    });
                    let finding = if below {
                        finding.at_most(Confidence::Low)
                    } else {
                        finding
                    };
                    result.gap(1.0, finding);
                }
                None
            }
            Some("find") => {
                let model = matches!(record.expr(*callee), Expr::Member { object, .. }
                    if matches!(record.expr(*object), Expr::Name(name) if record.name(*name).starts_with(char::is_uppercase)));
                let all = match &**args {
                    [] => true,
                    [only] => {
                        matches!(record.expr(only.value), Expr::Object(keys) if keys.is_empty())
                    }
                    _ => false,
                };
                let limited = behind(subject, call.site).any(|name| name == "limit");
                (model && all).then_some(limited)
            }
            _ => None,
        };
        match bounded {
            Some(true) => result.covered(1.0),
            Some(false) => {
                let related = subject.reached_by(call.site);
                let finding = subject
                    .finding_in(record, record.span(call.site.expr), check.says.clone())
                    .with_related(related);
                result.gap(1.0, finding);
            }
            None => {}
        }
    }
    result
}

/// `db.select().from(table)`, not `supabase.from("table")`.
fn is_drizzle(subject: &Subject<'_>, call: &Found) -> bool {
    let record = subject.model.graph.module(call.site.module);
    let Some(from) = method_call(record, call.site.expr) else {
        return false;
    };
    let Expr::Call {
        callee: select,
        args: fields,
        ..
    } = record.expr(from.object)
    else {
        return false;
    };
    let selects = matches!(
        called_name(record, *select),
        Some("select" | "selectDistinct")
    );
    let table = from.args.first().is_some_and(|table| {
        matches!(
            record.expr(table.value),
            Expr::Name(_) | Expr::Member { .. }
        )
    });
    let computed = fields
        .first()
        .is_some_and(|fields| has_call(record, fields.value));
    selects && table && !computed
}

/// A call stands inside: `{ total: count() }`.
fn has_call(record: &ModuleRecord, expr: ExprId) -> bool {
    let mut open = vec![expr];
    while let Some(id) = open.pop() {
        match record.expr(id) {
            Expr::Call { .. } | Expr::Tagged { .. } => return true,
            other => other.for_each_child(&mut |child| open.push(child)),
        }
    }
    false
}

/// Whether a chain is bounded; `None` where it is finished elsewhere.
fn builder_bounded(subject: &Subject<'_>, call: &Found) -> Option<bool> {
    let graph = &subject.model.graph;
    let record = graph.module(call.site.module);
    let index = subject.index().module(graph, call.site.module);
    if behind(subject, call.site).any(|name| BOUNDS.contains(&name)) {
        return Some(true);
    }
    // `db.$with("page").as(query)` and `query.as("page")` hold no more than their query.
    if let Expr::Call { args, .. } = record.expr(call.site.expr)
        && let Some(Expr::Name(table)) = args.first().map(|table| record.expr(table.value))
    {
        let function = |expr: ExprId| index.function_at(record, record.span(expr).start);
        let around = function(call.site.expr);
        let mut values = index.values(*table).to_vec();
        // Another function may have another variable of that name.
        if values.iter().any(|value| function(*value) == around) {
            values.retain(|value| function(*value) == around);
        }
        let queries: Vec<ExprId> = values
            .iter()
            .filter_map(|value| query_of(record, *value))
            .collect();
        let held = |query: &ExprId| {
            let steps = chain(record, *query);
            steps.iter().any(|step| BOUNDS.contains(step))
        };
        if !queries.is_empty() && queries.len() == values.len() && queries.iter().all(held) {
            return Some(true);
        }
    }
    // The end of the chain has to be awaited right here.
    let mut current = call.site.expr;
    loop {
        let parent = index.parent(record, current)?;
        match record.expr(parent) {
            Expr::Member { object, .. } if *object == current => current = parent,
            Expr::Call { callee, .. } if *callee == current => current = parent,
            Expr::Await(_) => return Some(false),
            _ => return None,
        }
    }
}

/// The query of a derived table.
fn query_of(record: &ModuleRecord, value: ExprId) -> Option<ExprId> {
    let named = method_call(record, value).filter(|call| call.method == "as")?;
    let first = named.args.first()?.value;
    match record.expr(first) {
        Expr::String(_) => Some(named.object),
        Expr::Call { .. } => Some(first),
        _ => None,
    }
}

/// A place, and the one before it that it belongs to.
type Pair = (ExprId, ExprId);

/// Asks every block of statements in code that handlers reach.
fn consecutive(
    subject: &Subject<'_>,
    check: &Queries,
    ask: fn(&ModuleRecord, &[Stmt], &mut Vec<Pair>) -> usize,
    mut nobody_waits: impl FnMut(Site, Unit) -> bool,
) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    for &module in subject.handler_modules() {
        let record = graph.module(module);
        if !record.names.iter().any(|name| is_of_query(name)) {
            continue;
        }
        for function in record.functions.iter().skip(1) {
            let part = subject
                .index()
                .module(graph, module)
                .part_at(function.span.start);
            if !subject.reach().has((module, part)) {
                continue;
            }
            let mut pairs = Vec::new();
            let mut blocks: Vec<&[Stmt]> = vec![&function.body];
            while let Some(block) = blocks.pop() {
                let fine = ask(record, block, &mut pairs);
                (0..fine).for_each(|_| result.covered(1.0));
                for statement in block {
                    inner(statement, &mut blocks);
                }
            }
            for (first, second) in pairs {
                let site = Site {
                    module,
                    expr: second,
                };
                let mut related = subject.reached_by(site);
                related.insert(
                    0,
                    crate::finding::Related {
                        location: at(record, first),
                        note: String::from("after this one"),
                    },
                );
                let mut finding = subject
                    .finding_in(record, record.span(second), check.says.clone())
                    .with_related(related);
                if nobody_waits(site, (module, part)) {
                    finding
                        .message
                        .push_str(": or does nobody wait for it, as it runs in the background?");
                    finding.confidence = Confidence::Low;
                }
                result.gap(1.0, finding);
            }
        }
    }
    result
}

/// Nobody waits for what is done there: machines alone call the handlers that reach it, or it lies where the work of a queue does.
fn is_background(subject: &Subject<'_>, check: &Queries, unit: Unit) -> bool {
    let handlers = subject.reach().handlers(unit);
    let handlers = handlers
        .iter()
        .filter_map(|number| subject.app.routes.get(*number));
    let mut handlers = handlers.peekable();
    if handlers.peek().is_none() {
        return false;
    }
    let (mut machines, mut own) = (true, false);
    for route in handlers {
        machines &= is_run_by_machine(route) || is_probe(route) || is_served(subject, check, route);
        // Of a handler's own file its address says more than the folder.
        own |= route.route.module == unit.0;
    }
    let queued = || {
        let path = &subject.model.graph.module(unit.0).path;
        let specifiers = subject.specifiers();
        let mut packages = check.background_packages.iter();
        subject
            .globs(&check.background_files)
            .is_match(path.as_str())
            && packages.any(|package| of_package(package, specifiers).next().is_some())
    };
    machines || !own && queued()
}

/// The handler is what a queue's package makes of its work, to be called by the queue: `serve(async (context) => …)`.
fn is_served(subject: &Subject<'_>, check: &Queries, route: &RouteFacts) -> bool {
    let record = subject.model.graph.module(route.route.module);
    let of_queue = |specifier: &str| {
        let mut packages = check.background_packages.iter();
        packages.any(|package| is_of(package, specifier))
    };
    let mut imports = record.imports.iter();
    imports.any(|import| of_queue(&import.specifier))
        && calls(record).any(|call| {
            let serves = |(specifier, name)| name == "serve" && of_queue(specifier);
            route.route.span.holds(record.span(call.expr))
                && imported(record, call.callee).is_some_and(serves)
        })
}

fn at(record: &ModuleRecord, expr: ExprId) -> Location {
    place(record, expr)
}

/// The blocks directly inside a statement.
fn inner<'s>(statement: &'s Stmt, blocks: &mut Vec<&'s [Stmt]>) {
    match &statement.kind {
        StmtKind::If {
            then, otherwise, ..
        } => blocks.extend([&**then, &**otherwise]),
        StmtKind::Switch { cases, .. } => blocks.extend(cases.iter().map(|case| &*case.body)),
        StmtKind::Try {
            block,
            handler,
            finalizer,
        } => {
            blocks.extend([&**block, &**finalizer]);
            blocks.extend(handler.iter().map(|handler| &*handler.body));
        }
        StmtKind::Loop(each) => blocks.push(&each.body),
        StmtKind::Block(block) => blocks.push(block),
        _ => {}
    }
}

/// What a statement awaits: the names that it binds, and the query.
fn awaited(record: &ModuleRecord, statement: &Stmt) -> Option<(Vec<Name>, ExprId)> {
    let (pattern, value) = match &statement.kind {
        StmtKind::Let {
            pattern,
            init: Some(init),
        } => (Some(pattern), *init),
        StmtKind::Expr(expr) => match record.expr(*expr) {
            Expr::Assign { target, value, .. } => (Some(&**target), *value),
            _ => (None, *expr),
        },
        _ => return None,
    };
    let Expr::Await(query) = record.expr(value) else {
        return None;
    };
    let mut names = Vec::new();
    if let Some(pattern) = pattern {
        bound(pattern, &mut names);
    }
    Some((names, *query))
}

/// The steps of a chain from its root, `prisma.user.findMany`; the root's name first.
fn chain(record: &ModuleRecord, expr: ExprId) -> Vec<&str> {
    let mut steps = Vec::new();
    let mut current = expr;
    loop {
        match record.expr(current) {
            Expr::Call { callee, .. } => current = *callee,
            Expr::Member {
                object, property, ..
            } => {
                steps.push(record.name(*property));
                current = *object;
            }
            Expr::Name(name) => {
                steps.push(record.name(*name));
                break;
            }
            Expr::This => {
                steps.push("this");
                break;
            }
            _ => break,
        }
    }
    steps.reverse();
    steps
}

fn in_transaction(steps: &[&str]) -> bool {
    steps
        .first()
        .is_some_and(|root| matches!(*root, "tx" | "trx" | "transaction" | "t" | "dbtx"))
}

fn is_read(steps: &[&str]) -> bool {
    let by_model = steps.len() >= 3 && steps.last().is_some_and(|last| reads_model(last));
    let built = steps.contains(&"select") && steps.contains(&"from") && steps.len() >= 3;
    let at = |name: &str| steps.iter().position(|step| *step == name);
    // Firestore, and clients of REST interfaces such as Supabase's.
    let stored = steps.last() == Some(&"get") && at("collection").is_some();
    let rest = built && at("from") < at("select");
    let drizzle = built
        && steps.iter().position(|step| *step == "select")
            < steps.iter().position(|step| *step == "from");
    (by_model || drizzle || stored || rest) && !in_transaction(steps)
}

/// Reads that follow each other and do not need each other.
fn independent(record: &ModuleRecord, block: &[Stmt], pairs: &mut Vec<Pair>) -> usize {
    let mut together = 0;
    let mut previous: Option<(ExprId, Vec<Name>)> = None;
    let mut told = false;
    for statement in block {
        let read = awaited(record, statement).filter(|(_, query)| is_read(&chain(record, *query)));
        let Some((names, query)) = read else {
            if let Some((_, value)) = awaited(record, statement)
                && called(record, value) == Some("all")
            {
                together += 1;
            }
            previous = None;
            told = false;
            continue;
        };
        match &mut previous {
            Some((first, before)) if !uses(record, query, before) => {
                if !told {
                    pairs.push((*first, query));
                    told = true;
                }
                before.extend(names);
            }
            _ => {
                previous = Some((query, names));
                told = false;
            }
        }
    }
    together
}

fn called(record: &ModuleRecord, expr: ExprId) -> Option<&str> {
    match record.expr(expr) {
        Expr::Call { callee, .. } => called_name(record, *callee),
        _ => None,
    }
}

/// One of the names is used somewhere in the text of an expression.
fn uses(record: &ModuleRecord, expr: ExprId, wanted: &[Name]) -> bool {
    let span = record.span(expr);
    numbered(record).any(|(id, each)| {
        let at = record.span(id);
        span.start <= at.start
            && at.end <= span.end
            && matches!(each, Expr::Name(name) if wanted.contains(name))
    })
}

/// Models that are written beside the work and may be lost: logs, counters, views.
const BESIDE: [&str; 12] = [
    "log",
    "audit",
    "event",
    "activity",
    "view",
    "notification",
    "session",
    "cache",
    "metric",
    "analytics",
    "usage",
    "history",
];

fn write_of(record: &ModuleRecord, query: ExprId) -> Option<&str> {
    let steps = chain(record, query);
    if in_transaction(&steps) {
        return None;
    }
    let root = steps.first()?.to_ascii_lowercase();
    let database = [
        "prisma", "db", "ctx", "database", "client", "this", "drizzle",
    ]
    .iter()
    .any(|name| root.ends_with(name));
    let last = *steps.last()?;
    let model = if writes_model(last) && steps.len() >= 3 && database {
        steps.get(steps.len() - 2).copied()?
    } else if steps.len() >= 3
        && database
        && steps
            .get(1)
            .is_some_and(|step| matches!(*step, "insert" | "update" | "delete"))
        && steps
            .iter()
            .any(|step| matches!(*step, "values" | "set" | "where"))
    {
        "table"
    } else {
        return None;
    };
    let name = model.to_ascii_lowercase();
    let beside = BESIDE.iter().any(|word| name.contains(word));
    (!beside).then_some(model)
}

/// Writes that follow each other in one block and are not one transaction.
fn torn(record: &ModuleRecord, block: &[Stmt], pairs: &mut Vec<Pair>) -> usize {
    let mut whole = 0;
    let mut first: Option<ExprId> = None;
    let mut told = false;
    for statement in block {
        let Some((_, query)) = awaited(record, statement) else {
            continue;
        };
        if matches!(called(record, query), Some("$transaction" | "transaction")) {
            whole += 1;
        }
        if write_of(record, query).is_none() {
            continue;
        }
        match first {
            None => first = Some(query),
            Some(before) if !told => {
                pairs.push((before, query));
                told = true;
            }
            Some(_) => {}
        }
    }
    whole
}
