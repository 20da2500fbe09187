//! `[check.caller-input]`: what the caller sent ends in a place where it is more than data.

use crate::rule::{CallerInput, Confidence, wildcard};
use crate::syntax::{BinaryOp, Expr, ExprId, ModuleRecord, Property};

use super::CheckResult;
use super::call_sites::{At, Found, Holds, Value, find, mentions, value_at};
use super::code::{key, text};
use super::subject::Subject;
use super::taint::from_caller;

pub(super) fn run(subject: &Subject<'_>, check: &CallerInput) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    for call in find(subject, check.scope, &check.call, &check.except) {
        let record = graph.module(call.site.module);
        let args = match record.expr(call.site.expr) {
            Expr::Call { args, .. } | Expr::New { args, .. } => args,
            _ => continue,
        };
        let mut values: Vec<Value> = Vec::new();
        for at in &check.arguments {
            if let Some(argument) = args.get(*at) {
                values.push(Value {
                    module: call.site.module,
                    expr: argument.value,
                });
            }
        }
        if !check.keys.is_empty()
            && let Some(first) = args.first()
        {
            let object = Value {
                module: call.site.module,
                expr: first.value,
            };
            values.extend(check.keys.iter().filter_map(|key| {
                match value_at(subject, object, key) {
                    At::Value(value) => Some(value),
                    _ => None,
                }
            }));
        }
        if check.system_messages {
            values.extend(system_messages(subject, &call));
        }
        let mut judged = Holds::No;
        for value in values {
            let value = assembled(subject, value);
            let Some(value) = value.filter(|value| !check.sql || reads_like_sql(subject, *value))
            else {
                continue;
            };
            let found = if check.sql {
                parts(subject, value)
            } else {
                from_caller(subject, value)
            };
            judged = Holds::any([judged, found].into_iter());
        }
        let guarded = !check.guards.is_empty() && mentions(subject, call.unit, &check.guards);
        match judged {
            Holds::No => result.covered(1.0),
            _ if guarded => result.covered(1.0),
            Holds::Unknown if check.unknown_says.is_none() => result.unknown_in(&record.path),
            judged => {
                let sure = judged == Holds::Yes;
                let says = match &check.unknown_says {
                    Some(says) if !sure => says,
                    _ => &check.says,
                };
                let related = subject.reached_by(call.site);
                let finding = subject
                    .finding_in(record, record.span(call.site.expr), says.clone())
                    .with_related(related);
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

/// A text that is put together, where a variable holds it.
fn assembled(subject: &Subject<'_>, value: Value) -> Option<Value> {
    let record = subject.model.graph.module(value.module);
    match record.expr(value.expr) {
        Expr::Name(_) => super::call_sites::resolve(subject, value).or(Some(value)),
        _ => Some(value),
    }
}

/// The text has SQL in it and something is put into it.
fn reads_like_sql(subject: &Subject<'_>, value: Value) -> bool {
    let record = subject.model.graph.module(value.module);
    let mut written = String::new();
    let mut open = vec![value.expr];
    let mut computed = false;
    while let Some(id) = open.pop() {
        match record.expr(id) {
            Expr::Binary {
                op: BinaryOp::Add,
                left,
                right,
            } => {
                computed = true;
                open.extend([*left, *right]);
            }
            Expr::Template { .. } => {
                computed = true;
                written.push_str(&text(record, id).unwrap_or_default());
            }
            Expr::String(part) => written.push_str(part),
            _ => {}
        }
    }
    let written = written.to_ascii_lowercase();
    let words = [
        "select ",
        "insert into",
        "update ",
        "delete from",
        "where ",
        "order by",
        "alter ",
        "drop ",
        "from ",
        "set ",
    ];
    computed && words.iter().any(|word| written.contains(word))
}

/// Whether one of the parts that are put into a text comes from the caller.
fn parts(subject: &Subject<'_>, value: Value) -> Holds {
    let record = subject.model.graph.module(value.module);
    match record.expr(value.expr) {
        Expr::Template { texts, parts } => {
            let each = parts.iter().zip(texts.iter());
            Holds::any(each.map(|(part, before)| {
                // `$${n}` is a placeholder.
                if before.ends_with('$') || is_plain(record, *part) {
                    return Holds::No;
                }
                judge(subject, value, *part)
            }))
        }
        Expr::Binary { left, right, .. } => Holds::any([*left, *right].into_iter().map(|side| {
            let side_value = Value {
                module: value.module,
                expr: side,
            };
            match record.expr(side) {
                Expr::Template { .. }
                | Expr::Binary {
                    op: BinaryOp::Add, ..
                } => parts(subject, side_value),
                _ if is_plain(record, side) => Holds::No,
                _ => judge(subject, value, side),
            }
        })),
        _ => Holds::No,
    }
}

fn judge(subject: &Subject<'_>, value: Value, part: ExprId) -> Holds {
    from_caller(
        subject,
        Value {
            module: value.module,
            expr: part,
        },
    )
}

/// Names of what is put together from constants and placeholders, and constants.
fn is_plain(record: &ModuleRecord, part: ExprId) -> bool {
    let name = match record.expr(part) {
        Expr::Name(name) => record.name(*name),
        Expr::Member { property, .. } => record.name(*property),
        Expr::Number(_) | Expr::String(_) | Expr::Bool(_) => return true,
        _ => return false,
    };
    let shouting = name.len() > 1 && !name.contains(|letter: char| letter.is_ascii_lowercase());
    let lower = name.to_ascii_lowercase();
    shouting
        || [
            "*placeholder*",
            "*clause*",
            "*conditions*",
            "*column*",
            "*table*",
            "*where*",
            "*sql*",
            "*schema*",
            "*filter*",
            "*cte*",
        ]
        .iter()
        .any(|form| wildcard(form, &lower))
}

/// The contents of messages that instruct the model: `{ role: "system", content: … }`.
fn system_messages(subject: &Subject<'_>, call: &Found) -> Vec<Value> {
    let graph = &subject.model.graph;
    let record = graph.module(call.site.module);
    let args = match record.expr(call.site.expr) {
        Expr::Call { args, .. } => args,
        _ => return Vec::new(),
    };
    let Some(first) = args.first() else {
        return Vec::new();
    };
    let object = Value {
        module: call.site.module,
        expr: first.value,
    };
    let At::Value(mut list) = value_at(subject, object, "messages") else {
        return Vec::new();
    };
    if let Some(resolved) = super::call_sites::resolve(subject, list) {
        list = resolved;
    }
    let record = graph.module(list.module);
    let Expr::Array(items) = record.expr(list.expr) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items {
        let Expr::Object(properties) = record.expr(item.value) else {
            continue;
        };
        let at = |wanted: &str| {
            properties.iter().find_map(|property| match property {
                Property::Value { key: name, value } if key(record, name) == Some(wanted) => {
                    Some(*value)
                }
                _ => None,
            })
        };
        let instructs = at("role").is_some_and(|role| matches!(record.expr(role), Expr::String(text) if matches!(&**text, "system" | "developer")));
        if let Some(content) = at("content").filter(|_| instructs) {
            found.push(Value {
                module: list.module,
                expr: content,
            });
        }
    }
    found
}
