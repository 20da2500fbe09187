//! `[check.route-mark]`: what the proof engine noted about a handler is a gap, or needs something beside it.

use std::collections::BTreeMap;

use crate::controls::{Evidence, Status};
use crate::finding::{Finding, Related};
use crate::model::RouteFacts;
use crate::rule::{Confidence, RouteMark};
use crate::source::Location;
use crate::syntax::{Meant, ModuleRecord};

use super::CheckResult;
use super::code::is_meant;
use super::platform_skips::Skips;
use super::subject::{Subject, related, route_name, weight};

/// A finding lists so many handlers.
const SHOWN: usize = 10;
/// A comment about a handler stands within so many lines above it.
const ABOVE: u32 = 4;

pub(super) fn run(subject: &Subject<'_>, check: &RouteMark) -> CheckResult {
    let mut result = CheckResult::default();
    let mut skips = Skips::new(subject, &check.platform);
    let mut skipped: BTreeMap<(Location, String), Vec<&RouteFacts>> = BTreeMap::new();
    for route in &subject.app.routes {
        for (about, evidence) in marked(route, &check.mark) {
            let report = |says: &str, chain: &[Evidence]| {
                let chain = if chain.is_empty() {
                    std::slice::from_ref(evidence)
                } else {
                    chain
                };
                subject
                    .route_finding(route, &about_sender(says, about))
                    .with_related(related(chain))
            };
            let has_mark = check
                .needs_mark
                .as_ref()
                .is_some_and(|needed| marked(route, needed).any(|(other, _)| other == about));
            if has_mark {
                result.covered(weight(route));
            } else if let Some(control) = check.needs_control {
                let Some(verdict) = route.controls.get(&control) else {
                    result.unknown_handler(route);
                    continue;
                };
                match verdict.status {
                    Status::Unknown => result.unknown_handler(route),
                    Status::Enforced | Status::Schema | Status::Caught | Status::Tested => {
                        result.covered(weight(route));
                    }
                    Status::Optional | Status::Conditional | Status::Manual => {
                        if let Some(place) = skips.place(route, &verdict.evidence) {
                            result.covered_weight += weight(route) / 2.0;
                            result.silent_gap(weight(route));
                            skipped.entry(place).or_default().push(route);
                            continue;
                        }
                        let says = check.weak_says.as_ref().unwrap_or(&check.says);
                        let finding = report(says, &verdict.evidence)
                            .with_severity(check.weak_severity)
                            .at_most(verdict.confidence);
                        result.half(weight(route), as_hint(subject, route, finding));
                    }
                    _ if check.reading && !route.works => {}
                    _ if check.reading && !route.reads_input() => result.unknown(),
                    _ => {
                        let mut finding = report(&check.says, &[]).at_most(verdict.confidence);
                        if is_asked_by_pages(subject, route) {
                            finding
                                .message
                                .push_str(": or are its senders the application's own pages?");
                            finding = finding.at_most(Confidence::Low);
                        }
                        result.gap(weight(route), as_hint(subject, route, finding));
                    }
                }
            } else if check.needs_mark.is_some() {
                result.gap(weight(route), report(&check.says, &[]));
            } else {
                let mut finding = report(&check.says, &[]);
                finding.location = crate::source::Location::of_line(&evidence.file, evidence.line);
                result.gap(weight(route), finding);
            }
        }
    }
    for ((location, variable), routes) in skipped {
        let handlers = match routes.len() {
            1 => String::from("1 handler"),
            many => format!("{many} handlers"),
        };
        let says = check.platform_says.replace("{handlers}", &handlers);
        let shown = routes.iter().take(SHOWN).map(|route| Related {
            location: route.location.clone(),
            note: route_name(route),
        });
        let finding = subject
            .finding(location, says.replace("{variable}", &variable))
            .with_related(shown.collect())
            .with_severity(check.weak_severity)
            .at_most(Confidence::Low);
        result.findings.push(finding);
    }
    result
}

/// As a question where a comment above the handler says that what counts is asked for again, whatever it is told.
fn as_hint(subject: &Subject<'_>, route: &RouteFacts, mut finding: Finding) -> Finding {
    let record = subject.model.graph.module(route.route.module);
    let line = record.line(route.route.span);
    if is_meant(record, line, Meant::Again, (ABOVE, 0)) {
        finding
            .message
            .push_str(": or is what it is told only a hint, as a comment says that it asks again?");
        finding.at_most(Confidence::Low)
    } else {
        finding
    }
}

/// The application's own code requests the handler's address: `fetch("/api/discord-webhook", …)`.
fn is_asked_by_pages(subject: &Subject<'_>, route: &RouteFacts) -> bool {
    let Some(url) = route.route.url.as_deref() else {
        return false;
    };
    let asks = |record: &ModuleRecord| record.facts.requested.iter().any(|path| **path == *url);
    let mut modules = subject.model.graph.modules();
    modules.any(|(id, record)| {
        let own = record.path.starts_with(&subject.project.root) && !record.path.is_test();
        own && id != route.route.module && asks(record)
    })
}

/// The message with its subject; a sender that nobody knows by name is left out of it.
fn about_sender(says: &str, about: &str) -> String {
    if matches!(about, "" | "any") {
        says.replace(" of {}", "").replace("{}", "its sender")
    } else {
        says.replace("{}", about)
    }
}

/// The subjects of a mark with their places: `stripe` of `webhook:stripe`, empty for a mark without one.
fn marked<'a>(
    route: &'a RouteFacts,
    wanted: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Evidence)> {
    route.marks.iter().filter_map(move |(mark, evidence)| {
        let rest = mark.strip_prefix(wanted)?;
        let about = if rest.is_empty() {
            rest
        } else {
            rest.strip_prefix(':')?
        };
        Some((about, evidence))
    })
}
