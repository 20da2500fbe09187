//! Schemas of the environment: which variables they name, and which of them nothing asks for.

use crate::graph::ModuleId;
use crate::source::Span;
use crate::syntax::{Expr, ExprId, ModuleRecord, Property};

use super::code::{
    called_name, calls, env_name, initial_value, is_process_env, key, numbered, property,
};
use super::subject::Subject;

/// Methods that hold values against a schema.
const PARSES: [&str; 4] = ["parse", "safeParse", "parseAsync", "safeParseAsync"];
/// Where a call that makes the environment of a schema is given it.
const GIVEN: [&str; 3] = ["runtimeEnv", "runtimeEnvStrict", "experimental__runtimeEnv"];
/// Where that call is given its schemas.
const PARTS: [&str; 3] = ["server", "client", "shared"];
/// What makes that a variable need not be set.
const OPTIONAL: [&str; 6] = [
    "optional",
    "default",
    "prefault",
    "nullish",
    "catch",
    "exactOptional",
];
/// How many expressions of a schema, or of one entry of it, are looked at.
const MOST: usize = 64;

/// A variable in a schema.
pub(super) struct Entry<'m> {
    pub name: &'m str,
    pub span: Span,
    /// The application starts without it.
    pub optional: bool,
}

/// The schemas of one module.
#[derive(Default)]
pub(super) struct Schemas<'m> {
    pub entries: Vec<Entry<'m>>,
    /// The calls that are given the environment.
    calls: Vec<Span>,
}

impl<'m> Schemas<'m> {
    pub(super) fn of(module: &'m ModuleRecord) -> Self {
        let mut schemas = Self::default();
        // Names are asked for first: nearly all modules hold neither.
        let parses = PARSES.iter().any(|name| module.find_name(name).is_some());
        let made = GIVEN.iter().any(|name| module.find_name(name).is_some());
        if !(parses || made) || module.find_name("env").is_none() {
            return schemas;
        }
        for call in calls(module) {
            let Some(first) = call.args.first().map(|arg| arg.value) else {
                continue;
            };
            let by_schema =
                || called_name(module, call.callee).is_some_and(|it| PARSES.contains(&it));
            let given = || {
                GIVEN
                    .iter()
                    .any(|name| property(module, first, name).is_some())
            };
            if parses && by_schema() && is_environment(module, first) {
                schemas.calls.push(module.span(call.expr));
                schemas.add(module, vec![call.callee]);
            } else if made && given() {
                schemas.calls.push(module.span(call.expr));
                let parts = PARTS
                    .iter()
                    .filter_map(|part| property(module, first, part));
                schemas.add(module, parts.collect());
            }
        }
        schemas
    }

    /// What is read here is only given to a schema, which does without it.
    pub(super) fn optional(&self, name: &str, read: Span) -> bool {
        self.calls.iter().any(|call| call.holds(read))
            && self
                .entries
                .iter()
                .any(|each| each.name == name && each.optional)
    }

    /// The variables of the objects that a schema is made of: `z.object({ … }).extend({ … })`.
    fn add(&mut self, module: &'m ModuleRecord, schema: Vec<ExprId>) {
        for expr in parts(module, schema) {
            let Expr::Object(properties) = module.expr(expr) else {
                continue;
            };
            for each in properties {
                if let Property::Value { key: name, value } = each
                    && let Some(name) = key(module, name)
                    && is_variable(name)
                {
                    self.entries.push(Entry {
                        name,
                        span: module.span(*value),
                        optional: is_optional(module, *value),
                    });
                }
            }
        }
    }
}

/// All of `process.env`, or an object with variables of it.
fn is_environment(module: &ModuleRecord, expr: ExprId) -> bool {
    match module.expr(expr) {
        Expr::Name(name) => {
            initial_value(module, *name).is_some_and(|value| is_process_env(module, value))
        }
        Expr::Object(properties) => properties.iter().any(|each| match each {
            Property::Spread(value) => is_process_env(module, *value),
            Property::Value { value, .. } => env_name(module, *value).is_some(),
            _ => false,
        }),
        _ => is_process_env(module, expr),
    }
}

/// What chains of calls consist of, with what they are given and what their names stand for; nothing of what lies inside objects.
fn parts(module: &ModuleRecord, mut open: Vec<ExprId>) -> Vec<ExprId> {
    let mut found = Vec::new();
    while let Some(expr) = open.pop()
        && found.len() < MOST
    {
        found.push(expr);
        match module.expr(expr) {
            Expr::Call { callee, args, .. } => {
                open.extend(args.iter().map(|arg| arg.value));
                open.push(*callee);
            }
            Expr::Member { object, .. } => open.push(*object),
            Expr::Name(name) => open.extend(initial_value(module, *name)),
            _ => {}
        }
    }
    found
}

fn is_optional(module: &ModuleRecord, value: ExprId) -> bool {
    parts(module, vec![value]).into_iter().any(|part| {
        matches!(module.expr(part), Expr::Member { property, .. } if OPTIONAL.contains(&module.name(*property)))
    })
}

/// Written as variables of the environment are: `API_KEY`.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Code asks for a variable by its name, in another module or off what the schema gave. What browsers are told may be used by
/// components whose code is not kept.
pub(super) fn is_used(subject: &Subject<'_>, id: ModuleId, name: &str) -> bool {
    let graph = &subject.model.graph;
    let schema = graph.module(id);
    let here = |name| {
        numbered(schema).any(|(_, expr)| {
            matches!(expr, Expr::Member { object, property, .. }
                if *property == name && !is_process_env(schema, *object))
        })
    };
    name.contains("PUBLIC_")
        || name.starts_with("VITE_")
        || schema.find_name(name).is_some_and(here)
        || graph.modules().any(|(other, module)| {
            other != id && !subject.is_side(other) && module.find_name(name).is_some()
        })
}
