//! `[check.logged-secrets]`: passwords and tokens in log lines.

use crate::rule::{LoggedSecrets, wildcard};
use crate::syntax::{Expr, ExprId, ModuleRecord, Property};

use super::CheckResult;
use super::call_sites::find;
use super::code::{called_name, key};
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &LoggedSecrets) -> CheckResult {
    let graph = &subject.model.graph;
    let mut findings = Vec::new();
    for call in find(subject, crate::rule::CodeScope::Server, &check.call, &[]) {
        let record = graph.module(call.site.module);
        let Expr::Call { args, .. } = record.expr(call.site.expr) else {
            continue;
        };
        let secret = args
            .iter()
            .find_map(|argument| secret_in(record, argument.value, check));
        if let Some(name) = secret {
            let says = check.says.replace("{}", name);
            findings.push(subject.finding_in(record, record.span(call.site.expr), says));
        }
    }
    CheckResult::pass_or_fail(findings)
}

/// The name of a secret whose value is part of what is logged.
fn secret_in<'r>(record: &'r ModuleRecord, expr: ExprId, check: &LoggedSecrets) -> Option<&'r str> {
    let is_secret = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let fits = |forms: &[String]| forms.iter().any(|form| wildcard(form, &lower));
        fits(&check.names) && !fits(&check.except_names)
    };
    match record.expr(expr) {
        Expr::Name(name) => Some(record.name(*name)).filter(|name| is_secret(name)),
        Expr::Member { property, .. } => {
            Some(record.name(*property)).filter(|name| is_secret(name))
        }
        Expr::Template { parts, .. } => parts
            .iter()
            .find_map(|part| secret_in(record, *part, check)),
        Expr::Binary {
            op: crate::syntax::BinaryOp::Add,
            left,
            right,
        } => [*left, *right]
            .into_iter()
            .find_map(|side| secret_in(record, side, check)),
        Expr::Logical { left, right, .. } => [*left, *right]
            .into_iter()
            .find_map(|side| secret_in(record, side, check)),
        Expr::Object(properties) => properties.iter().find_map(|property| match property {
            Property::Value { key: name, value } => {
                let said = secret_in(record, *value, check)?;
                // `{ hasToken: token }` is no less of one; `{ token: count }` is none.
                let _ = key(record, name);
                Some(said)
            }
            _ => None,
        }),
        Expr::Call { callee, args, .. } if called_name(record, *callee) == Some("stringify") => {
            args.first()
                .and_then(|value| secret_in(record, value.value, check))
        }
        _ => None,
    }
}
