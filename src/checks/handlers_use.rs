//! `[check.handlers-use]`: something that the code of handlers should have somewhere.

use crate::controls::Status;
use crate::finding::Related;
use crate::rule::{CodeScope, Control, HandlersUse, wildcard};
use crate::source::Location;

use super::CheckResult;
use super::call_sites::find;
use super::code::{package_of, place};
use super::file::fitting;
use super::subject::{Subject, route_name};

/// A finding lists so many places.
const LISTED: usize = 4;

pub(super) fn run(subject: &Subject<'_>, check: &HandlersUse) -> CheckResult {
    if !subject.has_routes() {
        let mut result = CheckResult::default();
        if check.else_unknown && subject.calls_out(&check.when) {
            result.unknown();
        }
        return result;
    }
    let (mut places, conditional) = asked(subject, check);
    let count = if conditional {
        places.len()
    } else {
        subject.app.routes.len()
    };
    if count == 0 || count < check.at_least {
        return CheckResult::default();
    }
    let used = || {
        subject.specifiers().iter().any(|specifier| {
            let package = package_of(specifier).unwrap_or(specifier);
            let mut wanted = check.packages.iter();
            wanted.any(|form| wildcard(form, package) || wildcard(form, specifier))
        })
    };
    let named = |words: &[String]| {
        !words.is_empty() && {
            let vocabulary = subject.vocabulary();
            words.iter().any(|form| vocabulary.has(form))
        }
    };
    let called = || {
        !check.calls.is_empty() && !find(subject, CodeScope::Handlers, &check.calls, &[]).is_empty()
    };
    let there = || !check.files.is_empty() && !fitting(subject, &check.files).is_empty();
    if used() || named(&check.words) || there() || called() {
        return CheckResult::pass_or_fail(Vec::new());
    }
    if named(&check.likely_words) {
        return CheckResult::only_likely();
    }
    let noun = if check.client_components > 0 {
        "client component"
    } else if check.when.is_empty() {
        "handler"
    } else {
        "call"
    };
    let plural = if count == 1 { "" } else { "s" };
    let says = check.says.replace("{}", &format!("{count} {noun}{plural}"));
    let mut finding = subject.absence(says);
    places.sort_by(|a, b| a.0.cmp(&b.0));
    places.dedup_by(|a, b| a.0 == b.0);
    if let Some((first, _)) = places.first() {
        finding.location = first.clone();
    }
    let related = places.into_iter().take(LISTED);
    let related = related.map(|(location, note)| Related { location, note });
    CheckResult::pass_or_fail(vec![finding.with_related(related.collect())])
}

/// The places that a check asks about, and whether it asks about places at all.
fn asked(subject: &Subject<'_>, check: &HandlersUse) -> (Vec<(Location, String)>, bool) {
    let mut places: Vec<(Location, String)> = Vec::new();
    for route in &subject.app.routes {
        let kind = |(kind, _): &&(String, _)| check.when_expensive.contains(kind);
        if let Some((_, evidence)) = route.expensive.iter().find(kind) {
            places.push((
                Location::of_line(&evidence.file, evidence.line),
                format!("called in {}", route_name(route)),
            ));
        }
        let controlled = check.when_controls.iter().any(|control| {
            let verdict = route.controls.get(control);
            verdict.is_some_and(|verdict| verdict.status == Status::Enforced)
        });
        let open = route
            .controls
            .get(&Control::Auth)
            .is_some_and(|verdict| verdict.status == Status::Absent);
        let public = check.public_reads
            && open
            && route.works
            && !route.reads_input()
            && route.route.http_method() == "GET";
        if controlled || public {
            places.push((route.location.clone(), route_name(route)));
        }
    }
    if !check.when.is_empty() {
        let graph = &subject.model.graph;
        for call in find(subject, CodeScope::Handlers, &check.when, &[]) {
            let location = place(graph.module(call.site.module), call.site.expr);
            places.push((location, String::from("called here")));
        }
    }
    if check.client_components > 0 {
        let clients = subject.modules().filter(|(_, module)| module.use_client);
        let first = crate::source::Span::default();
        places.extend(
            clients.map(|(_, module)| (module.location(first), String::from("a client component"))),
        );
        if places.len() < check.client_components {
            places.clear();
        }
    }
    let conditional = check.client_components > 0
        || !check.when.is_empty()
        || !check.when_expensive.is_empty()
        || !check.when_controls.is_empty()
        || check.public_reads;
    (places, conditional)
}
