//! Which tables grow: those that code which answers requests adds rows to.

use crate::checks::call_sites::Found;
use crate::checks::code::{called_name, key, numbered};
use crate::checks::subject::Subject;
use crate::syntax::{Expr, ExprId, ModuleRecord, Property};

/// Methods of a model that add rows.
const ADDS: [&str; 7] = [
    "create",
    "createMany",
    "createManyAndReturn",
    "upsert",
    "insertMany",
    "insertOne",
    "save",
];

/// The code behind handlers adds rows to the table that is read here; also where its name cannot be told.
pub(super) fn grows(subject: &Subject<'_>, call: &Found) -> bool {
    let graph = &subject.model.graph;
    let record = graph.module(call.site.module);
    let Some(table) = table_of(record, call.site.expr) else {
        return true;
    };
    let named = |name: &str| name.eq_ignore_ascii_case(table);
    subject.handler_modules().iter().any(|&module| {
        let record = graph.module(module);
        numbered(record).any(|(_, expr)| match expr {
            Expr::Call { callee, args, .. } => match called_name(record, *callee) {
                Some(method) if ADDS.contains(&method) => {
                    model_of(record, *callee).is_some_and(named)
                }
                Some("insert" | "insertInto") => args
                    .first()
                    .and_then(|table| name_of(record, table.value))
                    .is_some_and(named),
                _ => false,
            },
            Expr::New { callee, .. } => name_of(record, *callee).is_some_and(named),
            // Rows of a relation: `data: { members: { create: … } }`
            Expr::Object(properties) => properties.iter().any(|property| {
                let Property::Value { key: name, value } = property else {
                    return false;
                };
                key(record, name)
                    .is_some_and(|name| named(name) || name.strip_suffix('s').is_some_and(named))
                    && adds_related(record, *value)
            }),
            _ => false,
        })
    })
}

/// `{ create: … }`, `{ connectOrCreate: … }`
fn adds_related(record: &ModuleRecord, value: ExprId) -> bool {
    let Expr::Object(properties) = record.expr(value) else {
        return false;
    };
    properties.iter().any(|property| {
        matches!(property, Property::Value { key: name, .. }
            if matches!(key(record, name), Some("create" | "createMany" | "connectOrCreate" | "upsert")))
    })
}

/// The table that a query reads: `db.user.findMany()`, `.from(users)`, `.selectFrom("users")`, `User.find()`.
fn table_of(record: &ModuleRecord, query: ExprId) -> Option<&str> {
    let Expr::Call { callee, args, .. } = record.expr(query) else {
        return None;
    };
    match called_name(record, *callee)? {
        "findMany" | "find" => model_of(record, *callee),
        _ => name_of(record, args.first()?.value),
    }
}

/// `user` of `db.user.create`
fn model_of(record: &ModuleRecord, callee: ExprId) -> Option<&str> {
    match record.expr(callee) {
        Expr::Member { object, .. } => name_of(record, *object),
        _ => None,
    }
}

/// The last name of an expression, or its text up to an alias.
fn name_of(record: &ModuleRecord, expr: ExprId) -> Option<&str> {
    match record.expr(expr) {
        Expr::Name(name) | Expr::Member { property: name, .. } => Some(record.name(*name)),
        Expr::String(text) => text.split_whitespace().next(),
        _ => None,
    }
}
