//! `[check.plain-tokens]`: tokens of other services that are stored as they came.

use crate::rule::{CodeScope, Confidence, PlainTokens, wildcard};
use crate::syntax::{Expr, ExprId, ModuleRecord, Name, Property};

use super::CheckResult;
use super::call_sites::{At, Value, find, resolve, value_at};
use super::code::{called_name, key, place};
use super::index::bound;
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &PlainTokens) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    for call in find(subject, CodeScope::Handlers, &check.call, &check.except) {
        let record = graph.module(call.site.module);
        let Expr::Call { args, .. } = record.expr(call.site.expr) else {
            continue;
        };
        let Some(first) = args.first() else { continue };
        let first = Value {
            module: call.site.module,
            expr: first.value,
        };
        let mut rows = vec![first];
        for key in ["data", "create", "update"] {
            if let At::Value(row) = value_at(subject, first, key) {
                rows.push(row);
            }
        }
        let mut plain = None;
        let mut hidden = false;
        for row in rows {
            let row = resolve(subject, row).unwrap_or(row);
            let record = graph.module(row.module);
            let Expr::Object(properties) = record.expr(row.expr) else {
                continue;
            };
            for property in properties {
                let Property::Value { key: name, value } = property else {
                    continue;
                };
                let Some(name) = key(record, name) else {
                    continue;
                };
                let lower = name.to_ascii_lowercase();
                if !check.names.iter().any(|form| wildcard(form, &lower)) {
                    continue;
                }
                let value = Value {
                    module: row.module,
                    expr: *value,
                };
                match is_plain(subject, value, check, 4) {
                    Some(true) => plain = plain.or(Some((value, name.to_owned()))),
                    Some(false) => hidden = true,
                    None => {}
                }
            }
        }
        if let Some((value, name)) = plain {
            let record = graph.module(value.module);
            let (related, _) = subject.reached_by(call.unit);
            // What a function is given may have been hidden by its caller.
            let given = root(record, value.expr).is_some_and(|name| {
                let index = subject.index().module(graph, value.module);
                let around = index.function_at(record, record.span(value.expr).start);
                record.function(around).params.iter().any(|pattern| {
                    let mut names = Vec::new();
                    bound(pattern, &mut names);
                    names.contains(&name)
                })
            });
            let says = check.says.replace("{}", &name);
            let finding = subject
                .finding(place(record, value.expr), says)
                .with_related(related);
            let finding = if given {
                finding.at_most(Confidence::Low)
            } else {
                finding
            };
            result.gap(1.0, finding);
        } else if hidden {
            result.covered(1.0);
        }
    }
    result
}

/// The variable at the beginning of a chain.
fn root(record: &ModuleRecord, expr: ExprId) -> Option<Name> {
    let mut current = expr;
    loop {
        match record.expr(current) {
            Expr::Name(name) => return Some(*name),
            Expr::Member { object, .. } => current = *object,
            Expr::Logical { left, .. } => current = *left,
            _ => return None,
        }
    }
}

/// Whether a value is stored as it came; `None` where it is none, or where it cannot be told.
fn is_plain(subject: &Subject<'_>, value: Value, check: &PlainTokens, depth: u8) -> Option<bool> {
    let depth = depth.checked_sub(1)?;
    let record: &ModuleRecord = subject.model.graph.module(value.module);
    let here = |expr: ExprId| Value {
        module: value.module,
        expr,
    };
    let hides = |name: &str| {
        let name = name.to_ascii_lowercase();
        check.hides.iter().any(|form| wildcard(form, &name))
    };
    match record.expr(value.expr) {
        Expr::Null | Expr::Undefined | Expr::String(_) | Expr::Bool(_) => None,
        Expr::Call { callee, .. } => called_name(record, *callee)
            .is_some_and(hides)
            .then_some(false),
        Expr::Await(inner) => is_plain(subject, here(*inner), check, depth),
        Expr::Logical { left, right, .. } => is_plain(subject, here(*left), check, depth)
            .or_else(|| is_plain(subject, here(*right), check, depth)),
        Expr::Conditional {
            then, otherwise, ..
        } => is_plain(subject, here(*then), check, depth)
            .or_else(|| is_plain(subject, here(*otherwise), check, depth)),
        // `tokens.access_token`: what a provider gave.
        Expr::Member { property, .. } => {
            let name = record.name(*property);
            if hides(name) {
                return Some(false);
            }
            let lower = name.to_ascii_lowercase();
            check
                .names
                .iter()
                .any(|form| wildcard(form, &lower))
                .then_some(true)
        }
        Expr::Name(name) => {
            if hides(record.name(*name)) {
                return Some(false);
            }
            match resolve(subject, value) {
                Some(next) => is_plain(subject, next, check, depth),
                None => None,
            }
        }
        _ => None,
    }
}
