//! `[check.weak-cookie]`: a cookie whose value everybody knows, or that is a password itself, decides who is let in.

use crate::rule::{WeakCookie, wildcard};
use crate::syntax::{BinaryOp, Expr, ExprId, ModuleRecord};

use super::CheckResult;
use super::call_sites::{Value, in_scope, resolve, text_of};
use super::code::{env_name, numbered};
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &WeakCookie) -> CheckResult {
    let graph = &subject.model.graph;
    let mut findings = Vec::new();
    for (module, record) in subject.modules() {
        if record.use_client || record.find_name("cookies").is_none() {
            continue;
        }
        for (id, expr) in numbered(record) {
            let Expr::Binary {
                op: BinaryOp::Equal { .. } | BinaryOp::NotEqual { .. },
                left,
                right,
            } = expr
            else {
                continue;
            };
            let value = |expr: ExprId| Value { module, expr };
            let sides = [(*left, *right), (*right, *left)];
            let found = sides.into_iter().find_map(|(cookie, other)| {
                let name = cookie_read(subject, value(cookie))?;
                let name = name.to_ascii_lowercase();
                let constant = matches!(record.expr(other), Expr::String(text) if !text.is_empty())
                    && check.names.iter().any(|form| wildcard(form, &name));
                let of_env = reads_env(subject, value(other));
                (constant || of_env).then_some(of_env)
            });
            let unit = (
                module,
                subject
                    .index()
                    .module(graph, module)
                    .part_at(record.span(id).start),
            );
            let runs = in_scope(subject, crate::rule::CodeScope::Server, unit)
                || subject
                    .app
                    .middleware
                    .iter()
                    .any(|each| each.module == module);
            let Some(of_env) = found.filter(|_| runs) else {
                continue;
            };
            let says = if of_env { &check.env_says } else { &check.says };
            findings.push(subject.finding_in(record, record.span(id), says.clone()));
        }
    }
    CheckResult::pass_or_fail(findings)
}

/// The name of the cookie whose value an expression is: `cookies().get("admin")?.value`, or `req.cookies.admin`.
fn cookie_read(subject: &Subject<'_>, value: Value) -> Option<String> {
    let mut value = value;
    for _ in 0..4 {
        let record = subject.model.graph.module(value.module);
        let here = |expr: ExprId| Value {
            module: value.module,
            expr,
        };
        match record.expr(value.expr) {
            Expr::Name(_) => value = resolve(subject, value)?,
            Expr::Member {
                object, property, ..
            } => {
                if is_cookies(record, *object) {
                    return Some(record.name(*property).to_owned());
                }
                if record.name(*property) != "value" {
                    return None;
                }
                value = here(*object);
            }
            Expr::Call { callee, args, .. } => {
                let Expr::Member {
                    object, property, ..
                } = record.expr(*callee)
                else {
                    return None;
                };
                let reads = record.name(*property) == "get" && is_jar(subject, here(*object));
                let name = args
                    .first()
                    .map(|name| here(name.value))
                    .filter(|_| reads)?;
                return text_of(subject, name);
            }
            _ => return None,
        }
    }
    None
}

fn is_cookies(record: &ModuleRecord, expr: ExprId) -> bool {
    matches!(record.expr(expr), Expr::Member { property, .. } if record.name(*property) == "cookies")
}

/// `cookies()`, `await cookies()`, `request.cookies`, or a variable that holds one.
fn is_jar(subject: &Subject<'_>, value: Value) -> bool {
    let graph = &subject.model.graph;
    let path = subject.index().origin(graph, value.module, value.expr).path;
    path.ends_with(".cookies") || path.ends_with("#cookies()") || path.ends_with("#cookies")
}

fn reads_env(subject: &Subject<'_>, value: Value) -> bool {
    let found = |value: Value| {
        let record = subject.model.graph.module(value.module);
        env_name(record, value.expr).is_some()
    };
    found(value) || resolve(subject, value).is_some_and(found)
}
