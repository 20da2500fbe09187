//! `[check.route-exists]`: one route whose URL fits has to exist.

use crate::config::RoutePattern;
use crate::rule::RouteExists;

use super::CheckResult;
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
    let exists = subject.app.routes.iter().any(|route| {
        let method = route.route.method.as_str();
        let answers = check.methods.is_empty()
            || method == "ANY"
            || check.methods.iter().any(|wanted| wanted == method);
        let url = route.route.url.as_deref().map(str::to_lowercase);
        answers
            && url.is_some_and(|url| patterns.iter().any(|each| each.matches(method, Some(&url))))
    });
    if exists {
        CheckResult::pass_or_fail(Vec::new())
    } else {
        CheckResult::pass_or_fail(vec![subject.app_finding(check.says.clone())])
    }
}
