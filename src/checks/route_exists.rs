//! `[check.route-exists]`: one route whose URL fits has to exist.

use crate::config::RoutePattern;
use crate::rule::{Confidence, RouteExists};
use crate::syntax::{Expr, ExprId, Key, ModuleRecord, Property, StmtKind};

use super::CheckResult;
use super::code::{numbered, statements};
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &RouteExists) -> CheckResult {
    let handlers = subject
        .app
        .routes
        .iter()
        .filter(|route| route.route.url.is_some());
    if handlers.count() < check.at_least {
        return CheckResult::default();
    }
    let patterns: Vec<RoutePattern> = check
        .urls
        .iter()
        .filter_map(|url| RoutePattern::parse(&url.to_lowercase()).ok())
        .collect();
    let exists = subject.app.routes.iter().find(|route| {
        let method = route.route.method.as_str();
        let answers = check.methods.is_empty()
            || method == "ANY"
            || check.methods.iter().any(|wanted| wanted == method);
        let url = route.route.url.as_deref().map(str::to_lowercase);
        answers
            && url.is_some_and(|url| patterns.iter().any(|each| each.matches(method, Some(&url))))
    });
    let by_middleware = || {
        let fits = |url: &str| {
            let url = url.to_lowercase();
            url.starts_with('/') && patterns.iter().any(|each| each.matches("GET", Some(&url)))
        };
        let loaded = subject
            .app
            .middleware
            .iter()
            .filter(|each| each.problem.is_none());
        let mut modules = loaded.map(|each| subject.model.graph.module(each.module));
        modules.any(|module| answers(module, &fits))
    };
    if let Some(route) = exists {
        CheckResult::passed(Some(route.location.clone()))
    } else if by_middleware() {
        CheckResult::pass_or_fail(Vec::new())
    } else {
        let finding = subject.app_finding(check.says.clone());
        let finding = match elsewhere(subject, &patterns) {
            Some(hint) => {
                let mut finding = finding.at_most(Confidence::Low);
                finding.message.push_str(&hint);
                finding
            }
            None => finding,
        };
        CheckResult::pass_or_fail(vec![finding])
    }
}

/// What speaks for a route of a framework whose routes are not listed: a file of routes that is named so, or a path that is
/// written as a route's.
fn elsewhere(subject: &Subject<'_>, patterns: &[RoutePattern]) -> Option<String> {
    let fits = |url: &str| {
        let url = url.to_lowercase();
        patterns.iter().any(|each| each.matches("GET", Some(&url)))
    };
    let sides = subject.server_side();
    let modules = subject.modules().filter(|(id, _)| {
        let server = sides.get(id.0 as usize).copied().unwrap_or(false);
        server && !subject.is_side(*id)
    });
    for (_, record) in modules {
        let path = &record.path;
        let of_routes = path
            .segments()
            .any(|folder| folder == "routes" || folder == "router");
        if of_routes && fits(&format!("/{}", path.stem())) {
            return Some(format!(": or does {path} answer one?"));
        }
        let properties = numbered(record).filter_map(|(_, expr)| match expr {
            Expr::Object(properties) => Some(properties.iter()),
            _ => None,
        });
        for property in properties.flatten() {
            let Property::Value {
                key: Key::Name(name),
                value,
            } = property
            else {
                continue;
            };
            if let Expr::String(text) = record.expr(*value)
                && record.name(*name) == "path"
                && text.starts_with('/')
                && fits(text)
            {
                return Some(format!(": or is it `{text}` of {path}?"));
            }
        }
    }
    None
}

/// A middleware that answers a path by itself: `if (pathname === "/ping") return new Response("pong")`.
fn answers(module: &ModuleRecord, fits: &dyn Fn(&str) -> bool) -> bool {
    let named = numbered(module).filter_map(|(id, expr)| match expr {
        Expr::String(text) if fits(text) => module.spans.get(id.0 as usize),
        _ => None,
    });
    let named: Vec<_> = named.collect();
    !named.is_empty()
        && module
            .functions
            .iter()
            .flat_map(|function| statements(&function.body))
            .any(|statement| {
                let StmtKind::If { test, then, .. } = &statement.kind else {
                    return false;
                };
                let test = module.span(*test);
                let about = named
                    .iter()
                    .any(|text| test.start <= text.start && text.end <= test.end);
                about
                    && statements(then).any(|inner| {
                        matches!(inner.kind, StmtKind::Return(Some(value)) if is_answer(module, value))
                    })
            })
}

/// `new Response(…)`, `NextResponse.json(…)`
fn is_answer(module: &ModuleRecord, value: ExprId) -> bool {
    let is_response = |expr: ExprId| {
        matches!(
            module.exprs.get(expr.0 as usize),
            Some(Expr::Name(name)) if matches!(module.name(*name), "Response" | "NextResponse")
        )
    };
    match module.exprs.get(value.0 as usize) {
        Some(Expr::New { callee, .. }) => is_response(*callee),
        Some(Expr::Call { callee, .. }) => matches!(
            module.exprs.get(callee.0 as usize),
            Some(Expr::Member { object, property, .. })
                if module.name(*property) == "json" && is_response(*object)
        ),
        _ => false,
    }
}
