//! `[check.handlers]`: handlers of a kind need something in what they reach.

use rustc_hash::FxHashMap;

use crate::config::RoutePattern;
use crate::controls::Status;
use crate::finding::Related;
use crate::model::RouteFacts;
use crate::project::Framework;
use crate::routes::RouteKind;
use crate::rule::{CodeScope, Handlers, wildcard};
use crate::source::Location;

use super::CheckResult;
use super::call_sites::{find, mentions};
use super::code::place;
use super::subject::{Subject, weight};

pub(super) fn run(subject: &Subject<'_>, check: &Handlers) -> CheckResult {
    let mut result = CheckResult::default();
    if check.next_only && subject.project.framework != Framework::Next
        || !(check.with_packages.is_empty() || subject.uses_one_of(&check.with_packages))
    {
        return result;
    }
    let calls = reached_calls(subject, check);
    let urls: Vec<RoutePattern> = check
        .urls
        .iter()
        .filter_map(|url| RoutePattern::parse(url).ok())
        .collect();
    let mut asked: Vec<(usize, &RouteFacts)> = Vec::new();
    for (number, route) in subject.app.routes.iter().enumerate() {
        if !check.calls.is_empty() && !calls.contains_key(&number) {
            continue;
        }
        if is_asked(check, &urls, route) {
            asked.push((number, route));
        }
    }
    if check.else_unknown && asked.is_empty() && check.when_control.is_some() {
        let guarded = |route: &&RouteFacts| {
            let verdict = check
                .when_control
                .and_then(|each| route.controls.get(&each));
            verdict.is_some_and(|verdict| verdict.status == Status::Enforced)
        };
        if subject.app.routes.iter().any(|route| guarded(&route)) {
            result.unknown();
        }
    }
    let mut gaps = Vec::new();
    for (number, route) in asked {
        if in_order(subject, check, number, route) {
            if check.one_is_enough {
                return CheckResult::passed(Some(route.location.clone()));
            }
            result.covered_at(weight(route), || Some(route.location.clone()));
        } else if let Some(control) = check.needs_control
            && route
                .controls
                .get(&control)
                .is_none_or(|verdict| verdict.status == Status::Unknown)
        {
            result.unknown_handler(route);
        } else {
            gaps.push((number, route));
        }
    }
    for (number, route) in gaps {
        let mut finding = subject.route_finding(route, &check.says);
        if let Some(location) = calls.get(&number) {
            finding.related.push(Related {
                location: location.clone(),
                note: String::from("called here"),
            });
        }
        result.gap(weight(route), finding);
        if check.one_is_enough {
            break;
        }
    }
    result
}

/// Handlers that reach one of the calls, by index, with the first of these.
fn reached_calls(subject: &Subject<'_>, check: &Handlers) -> FxHashMap<usize, Location> {
    let mut calls: FxHashMap<usize, Location> = FxHashMap::default();
    if check.calls.is_empty() {
        return calls;
    }
    let graph = &subject.model.graph;
    for call in find(subject, CodeScope::Handlers, &check.calls, &[]) {
        let location = place(graph.module(call.site.module), call.site.expr);
        for handler in subject.reach().handlers(call.unit) {
            calls.entry(handler).or_insert_with(|| location.clone());
        }
    }
    calls
}

fn is_asked(check: &Handlers, urls: &[RoutePattern], route: &RouteFacts) -> bool {
    // Addresses take longest to compare, so they are asked last.
    let by_url = || {
        check.urls.is_empty()
            || match &route.route.url {
                Some(url) => {
                    let url = url.to_lowercase();
                    let method = route.route.method.as_str();
                    urls.iter()
                        .any(|pattern| pattern.matches(method, Some(&url)))
                }
                None => {
                    let name = route.route.method.to_ascii_lowercase();
                    check.actions.iter().any(|form| wildcard(form, &name))
                }
            }
    };
    let by_mark = check.marks.is_empty()
        || route
            .marks
            .iter()
            .any(|(mark, _)| check.marks.iter().any(|form| wildcard(form, mark)));
    let excepted = route
        .marks
        .iter()
        .any(|(mark, _)| check.except_marks.iter().any(|form| wildcard(form, mark)));
    let costly = check.expensive.is_empty()
        || route
            .expensive
            .iter()
            .any(|(kind, _)| check.expensive.contains(kind));
    let method = check.methods.is_empty()
        || check
            .methods
            .iter()
            .any(|method| method == route.route.http_method());
    let app_router =
        !check.next_only || matches!(route.route.kind, RouteKind::App | RouteKind::Pages);
    let guarded = check.when_control.is_none_or(|control| {
        let verdict = route.controls.get(&control);
        verdict.is_some_and(|verdict| verdict.status == Status::Enforced)
    });
    by_mark
        && !excepted
        && costly
        && method
        && app_router
        && guarded
        && (!check.working || route.works)
        && (!check.writing || route.changes_state())
        && by_url()
}

fn in_order(subject: &Subject<'_>, check: &Handlers, number: usize, route: &RouteFacts) -> bool {
    if check.needs_work && route.works {
        return true;
    }
    if let Some(control) = check.needs_control {
        let verdict = route.controls.get(&control);
        if verdict.is_some_and(|verdict| verdict.status == Status::Enforced) {
            return true;
        }
    }
    let record = subject.model.graph.module(route.route.module);
    if record.exports.iter().any(|export| {
        check
            .needs_exports
            .iter()
            .any(|name| **name == *export.name)
    }) {
        return true;
    }
    if check.needs_names.is_empty() {
        return false;
    }
    let units = subject.reach().reached_from(number);
    units
        .into_iter()
        .any(|unit| mentions(subject, unit, &check.needs_names))
        || subject.app.middleware.iter().any(|middleware| {
            let record = subject.model.graph.module(middleware.module);
            check.needs_names.iter().any(|form| {
                let fits = |name: &str| wildcard(form, &name.to_ascii_lowercase());
                record.names.iter().any(|name| fits(name))
            })
        })
}
