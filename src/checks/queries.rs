//! `[check.queries]`: how handlers read and write their database.

use crate::graph::ModuleId;
use crate::rule::{CodeScope, Confidence, Queries, QueryQuestion};
use crate::source::Location;
use crate::syntax::{BinaryOp, Block, Expr, ExprId, ModuleRecord, Name, Property, Stmt, StmtKind};

use super::CheckResult;
use super::call_sites::{At, Found, Value, behind, find, inside, value_at};
use super::code::{called_name, key, numbered, place};
use super::index::{Site, Unit, bound};
use super::subject::Subject;

/// Methods that read rows of one model.
const READS: [&str; 11] = [
    "findMany",
    "findUnique",
    "findFirst",
    "findUniqueOrThrow",
    "findFirstOrThrow",
    "findOne",
    "findById",
    "count",
    "aggregate",
    "groupBy",
    "countDocuments",
];
/// Methods that write rows of one model.
const WRITES: [&str; 7] = [
    "create",
    "createMany",
    "update",
    "updateMany",
    "delete",
    "deleteMany",
    "upsert",
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
/// Names of what bounds a page.
const PAGE_SIZES: [&str; 7] = [
    "limit",
    "pageSize",
    "page_size",
    "perPage",
    "per_page",
    "take",
    "first",
];
/// Calls that a schema of a handler's input is given to.
const INPUT_OF: [&str; 6] = [
    "input",
    "inputschema",
    "schema",
    "zvalidator",
    "query",
    "parameters",
];
/// What stands beside it in the input of a list.
const LIST_KEYS: [&str; 14] = [
    "page",
    "cursor",
    "offset",
    "skip",
    "sort",
    "sortBy",
    "orderBy",
    "search",
    "query",
    "q",
    "filter",
    "filters",
    "direction",
    "order",
];

pub(super) fn run(subject: &Subject<'_>, check: &Queries) -> CheckResult {
    match check.asks {
        QueryQuestion::WholeTable => whole_table(subject, check),
        QueryQuestion::PageSize => page_size(subject, check),
        QueryQuestion::Independent => consecutive(subject, check, independent),
        QueryQuestion::Transaction => consecutive(subject, check, torn),
    }
}

fn paths(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("*#*.{name}")).collect()
}

fn whole_table(subject: &Subject<'_>, check: &Queries) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    let wanted = paths(&["findMany", "from", "selectFrom", "find"]);
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
                let (related, _) = subject.reached_by(call.unit);
                let finding = subject
                    .finding(place(record, call.site.expr), check.says.clone())
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
    let Expr::Call { callee, args, .. } = record.expr(call.site.expr) else {
        return false;
    };
    let Expr::Member { object, .. } = record.expr(*callee) else {
        return false;
    };
    let Expr::Call {
        callee: select,
        args: fields,
        ..
    } = record.expr(*object)
    else {
        return false;
    };
    let selects = matches!(
        called_name(record, *select),
        Some("select" | "selectDistinct")
    );
    let table = args.first().is_some_and(|table| {
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

fn page_size(subject: &Subject<'_>, check: &Queries) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    for &module in subject.handler_modules() {
        let record = graph.module(module);
        if !names_page_size(record) {
            continue;
        }
        for (id, expr) in numbered(record) {
            let (capped, input) = match expr {
                Expr::Object(properties) => {
                    let site = Site { module, expr: id };
                    (
                        schema_cap(record, properties),
                        inside(subject, site, &INPUT_OF.map(String::from)),
                    )
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
                let (related, _) = subject.reached_by(unit);
                let finding = subject
                    .finding(place(record, place_of), check.says.clone())
                    .with_related(related);
                // A schema that stands elsewhere may describe an answer, or what another part of the program asks for.
                let finding = if input {
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
    names.chain(texts).any(|text| PAGE_SIZES.contains(&text))
}

fn part(subject: &Subject<'_>, module: ModuleId, expr: ExprId) -> Unit {
    let graph = &subject.model.graph;
    let start = graph.module(module).span(expr).start;
    (module, subject.index().module(graph, module).part_at(start))
}

/// `{ page: …, limit: z.number() }`: whether the number has a highest value.
fn schema_cap(record: &ModuleRecord, properties: &[Property]) -> Option<(ExprId, bool)> {
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
        if PAGE_SIZES.contains(&name) {
            size = Some(*value);
        }
        list |= LIST_KEYS.contains(&name);
    }
    let size = size.filter(|_| list)?;
    let steps = chain(record, size);
    let (root, methods) = steps.split_first()?;
    if !matches!(*root, "z" | "zod" | "v" | "t") {
        return None;
    }
    let number = methods.iter().any(|name| matches!(*name, "number" | "int"));
    let caps = [
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
    let capped = methods.iter().any(|name| caps.contains(name));
    number.then_some((size, capped))
}

/// `searchParams.get("limit")`: whether the number that is made of it is held down.
fn read_cap(
    subject: &Subject<'_>,
    module: ModuleId,
    id: ExprId,
    callee: ExprId,
    args: &[crate::syntax::Argument],
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
    let wanted = matches!(record.expr(args.first()?.value), Expr::String(name) if PAGE_SIZES.contains(&&**name));
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
            Expr::Object(_) | Expr::Function(_) | Expr::Array(_) => break,
            _ => return None,
        }
        current = parent;
    }
    if !number {
        return None;
    }
    // The variable that it is kept in may be compared with something.
    let around = record.function(index.function_at(record, record.span(id).start));
    let kept = variable_of(&around.body, record, id)?;
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
                } => is_name(record, *left, kept) || is_name(record, *right, kept),
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
    used.then_some((id, held))
}

fn is_name(record: &ModuleRecord, expr: ExprId, wanted: Name) -> bool {
    matches!(record.expr(expr), Expr::Name(name) if *name == wanted)
}

/// The variable whose declaration holds an expression.
fn variable_of(body: &Block, record: &ModuleRecord, expr: ExprId) -> Option<Name> {
    let at = record.span(expr);
    super::code::statements(body)
        .into_iter()
        .find_map(|statement| match &statement.kind {
            StmtKind::Let {
                pattern: crate::syntax::Pattern::Name(name),
                init: Some(init),
            } => {
                let span = record.span(*init);
                (span.start <= at.start && at.end <= span.end).then_some(*name)
            }
            _ => None,
        })
}

/// A place, and the one before it that it belongs to.
type Pair = (ExprId, ExprId);

/// Asks every block of statements in code that handlers reach.
fn consecutive(
    subject: &Subject<'_>,
    check: &Queries,
    ask: fn(&ModuleRecord, &[Stmt], &mut Vec<Pair>) -> usize,
) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    for &module in subject.handler_modules() {
        let record = graph.module(module);
        let queries = READS
            .iter()
            .chain(&WRITES)
            .any(|name| record.find_name(name).is_some())
            || ["insert", "from"]
                .iter()
                .any(|name| record.find_name(name).is_some());
        if !queries {
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
                let (mut related, _) = subject.reached_by((module, part));
                related.insert(
                    0,
                    crate::finding::Related {
                        location: at(record, first),
                        note: String::from("after this one"),
                    },
                );
                let finding = subject
                    .finding(at(record, second), check.says.clone())
                    .with_related(related);
                result.gap(1.0, finding);
            }
        }
    }
    result
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
    let (names, value) = match &statement.kind {
        StmtKind::Let {
            pattern,
            init: Some(init),
        } => {
            let mut names = Vec::new();
            bound(pattern, &mut names);
            (names, *init)
        }
        StmtKind::Expr(expr) => match record.expr(*expr) {
            Expr::Assign { target, value, .. } => {
                let mut names = Vec::new();
                bound(target, &mut names);
                (names, *value)
            }
            _ => (Vec::new(), *expr),
        },
        _ => return None,
    };
    match record.expr(value) {
        Expr::Await(query) => Some((names, *query)),
        _ => None,
    }
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
    let by_model = steps.len() >= 3 && steps.last().is_some_and(|last| READS.contains(last));
    let built = steps.contains(&"select") && steps.contains(&"from") && steps.len() >= 3;
    let drizzle = built
        && steps.iter().position(|step| *step == "select")
            < steps.iter().position(|step| *step == "from");
    (by_model || drizzle) && !in_transaction(steps)
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
    let model = if WRITES.contains(&last) && steps.len() >= 3 && database {
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
