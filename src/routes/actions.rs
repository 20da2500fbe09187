//! Server actions: exports of `'use server'` files, and functions that begin with `'use server'`.

use crate::graph::{ModuleId, Symbol};
use crate::project::App;
use crate::source::RepoPath;
use crate::syntax::{
    Argument, Expr, ExprId, FunctionId, Key, MODULE_BODY, MemberValue, ModuleRecord, Name, Parsed,
    Pattern, Property, StmtKind,
};

use super::app_router::export_span;
use super::declared::find_in;
use super::trace::{Tracer, Value};
use super::{Entry, Route, RouteKind};

/// The actions of the modules that belong to the application.
pub(super) fn rows(app: &App, tracer: Tracer<'_>, out: &mut Vec<Route>) {
    for module in members(app, tracer) {
        let record = tracer.record(module);
        if record.use_server {
            exported(tracer, module, out);
        } else {
            for &function in &record.facts.inline_actions {
                inline(record, module, function, out);
            }
        }
    }
}

/// The modules of the application: those in its folder, and those that they load from the rest of the repository.
fn members(app: &App, tracer: Tracer<'_>) -> Vec<ModuleId> {
    let has_actions = |record: &ModuleRecord| {
        (record.use_server || !record.facts.inline_actions.is_empty()) && !is_test(record)
    };
    if !tracer
        .graph
        .modules()
        .any(|(_, record)| has_actions(record))
    {
        return Vec::new();
    }
    let loaded = tracer.graph.closure(&own_modules(app, tracer));
    tracer
        .graph
        .modules()
        .filter(|(module, record)| {
            has_actions(record) && loaded.get(module.0 as usize).copied().unwrap_or(false)
        })
        .map(|(module, _)| module)
        .collect()
}

/// The modules in the application's folder, without tests and without applications inside it.
pub(super) fn own_modules(app: &App, tracer: Tracer<'_>) -> Vec<ModuleId> {
    let inner: Vec<RepoPath> = tracer
        .graph
        .modules()
        .filter(|(_, record)| record.path.stem() == "next.config")
        .filter_map(|(_, record)| record.path.parent())
        .filter(|folder| *folder != app.root && folder.starts_with(&app.root))
        .collect();
    tracer
        .graph
        .modules()
        .filter(|(_, record)| {
            record.path.starts_with(&app.root)
                && !is_test(record)
                && !inner.iter().any(|folder| record.path.starts_with(folder))
        })
        .map(|(module, _)| module)
        .collect()
}

/// Tests, stories and mocks are no part of what is served.
pub(super) fn is_test(record: &ModuleRecord) -> bool {
    record.path.is_test_by_name()
        || record.path.is_marked(&["stories"])
        || record.path.segments().any(|segment| {
            matches!(
                segment,
                "__tests__" | "__mocks__" | "cypress" | "playwright"
            )
        })
}

fn exported(tracer: Tracer<'_>, module: ModuleId, out: &mut Vec<Route>) {
    let record = tracer.record(module);
    for name in tracer.graph.export_names(module) {
        if tracer.graph.export(module, &name) == Symbol::Type {
            continue;
        }
        let value = tracer.export(module, &name);
        if record.parsed == Parsed::Full && !may_be_action(tracer, &value) {
            continue;
        }
        out.push(Route {
            module,
            url: None,
            kind: RouteKind::Action,
            method: own_name(tracer, &name, &value),
            span: export_span(record, &name),
            entry: Entry::Export(name),
            development: None,
        });
    }
}

/// The name an action goes by: its export's, or for a default export the function's own.
fn own_name(tracer: Tracer<'_>, export: &str, value: &Value) -> String {
    if export == "default"
        && let Value::Function { module, function } = value
        && let Some(name) = tracer.function(*module, *function).name
    {
        return tracer.record(*module).name(name).to_owned();
    }
    export.to_owned()
}

/// Whether a value exported by a `'use server'` file is an action: a function, or what a call (a builder chain, a wrapper)
/// answers, unless it is plainly data.
fn may_be_action(tracer: Tracer<'_>, value: &Value) -> bool {
    match value {
        // Next.js refuses a synchronous function in such a file; a generator has no meaning there.
        Value::Function { module, function } => {
            let function = tracer.function(*module, *function);
            function.is_async && !function.is_generator
        }
        Value::Class { .. } | Value::Type | Value::Namespace(_) => false,
        Value::Expr { place, expr } => match tracer.expr(*place, *expr) {
            Expr::Call { callee, .. } => !is_schema(tracer, *place, *callee),
            // The handlers of an object, taken out by name, and what is chosen at run time.
            Expr::Member { .. }
            | Expr::Index { .. }
            | Expr::Conditional { .. }
            | Expr::Logical { .. } => true,
            _ => false,
        },
        Value::External { .. } | Value::Parameter { .. } | Value::Part { .. } | Value::Unknown => {
            true
        }
    }
}

/// A call chain that begins at a package for schemas: `z.object({…}).strict()`.
fn is_schema(tracer: Tracer<'_>, place: super::trace::Place, callee: ExprId) -> bool {
    const SCHEMAS: [&str; 12] = [
        "zod",
        "zod/v4",
        "yup",
        "joi",
        "valibot",
        "superstruct",
        "arktype",
        "@sinclair/typebox",
        "io-ts",
        "runtypes",
        "@effect/schema",
        "drizzle-zod",
    ];
    let mut at = callee;
    loop {
        match tracer.expr(place, at) {
            Expr::Member { object, .. } => {
                if let Value::External { package, .. } = tracer.follow(place, at) {
                    return SCHEMAS.contains(&&*package);
                }
                at = *object;
            }
            Expr::Call { callee, .. } => at = *callee,
            Expr::Name(name) => {
                return match tracer.lookup(place, *name) {
                    Value::External { package, .. } => SCHEMAS.contains(&&*package),
                    // A schema built upon another one of the same application.
                    Value::Expr { place, expr } => match tracer.expr(place, expr) {
                        Expr::Call { callee, .. } if (place, *callee) != (place, at) => {
                            is_schema_call(tracer, place, *callee)
                        }
                        _ => false,
                    },
                    _ => false,
                };
            }
            _ => return false,
        }
    }
}

/// One step further only: schemas are not named through long chains.
fn is_schema_call(tracer: Tracer<'_>, place: super::trace::Place, callee: ExprId) -> bool {
    let mut at = callee;
    loop {
        match tracer.expr(place, at) {
            Expr::Member { object, .. } => at = *object,
            Expr::Call { callee, .. } => at = *callee,
            _ => {
                return matches!(
                    tracer.follow(place, at),
                    Value::External { package, .. } if matches!(&*package, "zod" | "yup" | "joi" | "valibot")
                );
            }
        }
    }
}

fn inline(record: &ModuleRecord, module: ModuleId, function: FunctionId, out: &mut Vec<Route>) {
    let own = record.function(function);
    let name = own
        .name
        .map(|name| record.name(name).to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| given_name(record, function))
        .unwrap_or_else(|| format!("action at line {}", record.line(own.span)));
    out.push(Route {
        module,
        url: None,
        kind: RouteKind::Action,
        method: name,
        span: own.span,
        entry: Entry::Function(function),
        development: None,
    });
}

/// The variable or property that a function, or the call around it, is given to.
fn given_name(record: &ModuleRecord, function: FunctionId) -> Option<String> {
    let holder = record
        .exprs
        .iter()
        .position(|expr| *expr == Expr::Function(function))?;
    let mut expr = ExprId(u32::try_from(holder).ok()?);
    for _ in 0..4 {
        if let Some(name) = name_of(record, function, expr) {
            return Some(record.name(name).to_owned());
        }
        // Out of the argument list it stands in: `withUser(async () => { 'use server' })`.
        let outer = record.exprs.iter().position(|candidate| match candidate {
            Expr::Call { args, .. } => args.iter().any(|Argument { value, .. }| *value == expr),
            _ => false,
        })?;
        expr = ExprId(u32::try_from(outer).ok()?);
    }
    None
}

fn name_of(record: &ModuleRecord, function: FunctionId, expr: ExprId) -> Option<Name> {
    for property in record.exprs.iter().filter_map(|candidate| match candidate {
        Expr::Object(properties) => Some(properties),
        _ => None,
    }) {
        for entry in property {
            if let Property::Value {
                key: Key::Name(key),
                value,
            } = entry
                && *value == expr
            {
                return Some(*key);
            }
        }
    }
    let parent = record.function(function).parent.unwrap_or(MODULE_BODY);
    let declared = find_in(
        &record.function(parent).body,
        &mut |stmt| match &stmt.kind {
            StmtKind::Let {
                pattern: Pattern::Name(name),
                init: Some(init),
            } if *init == expr => Some(*name),
            _ => None,
        },
    );
    declared.or_else(|| {
        record.classes.iter().find_map(|class| {
            class
                .members
                .iter()
                .find_map(|member| match (&member.key, &member.value) {
                    (Key::Name(key), MemberValue::Field(Some(value))) if *value == expr => {
                        Some(*key)
                    }
                    _ => None,
                })
        })
    })
}
