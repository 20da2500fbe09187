//! `[check.route-control]`: a control has to reach handlers.

use crate::controls::{ONLY_SIGNS_OUT, Status, Verdict};
use crate::finding::{Finding, Related};
use crate::model::RouteFacts;
use crate::rule::{Control, RouteControl, RouteScope};
use crate::source::Location;

use super::CheckResult;
use super::callers::is_asked;
use super::doubts::{Doubts, has_mark};
use super::returned::past_catch;
use super::subject::{Subject, related, weight};

pub(super) fn run(subject: &Subject<'_>, check: &RouteControl) -> CheckResult {
    let mut result = CheckResult::default();
    let doubts = Doubts::new(subject, check);
    for route in &subject.app.routes {
        if repeats_get(subject, route)
            || !in_scope(route, check.routes)
            || is_open(route, check.control)
            || is_excepted(route, check)
            || needs_nothing(route, check.control)
            || route.is_mount
        {
            continue;
        }
        let Some(verdict) = route.controls.get(&check.control) else {
            continue;
        };
        let word = verdict.status.word();
        let among = |words: &[String]| words.iter().any(|each| each == word);
        match verdict.status {
            Status::Na => {}
            Status::Unknown => result.unknown_handler(route),
            _ if among(&check.gap) => {
                let finding = gap(subject, check, &doubts, route, verdict);
                let finding = doubts.on(finding, route, verdict, false);
                result.gap(weight(route), finding);
            }
            _ if among(&check.weak) => {
                let says = check.weak_says.as_ref().unwrap_or(&check.says);
                let finding = subject
                    .route_finding(route, says)
                    .with_severity(check.weak_severity)
                    .with_related(related(&verdict.evidence))
                    .at_most(verdict.confidence);
                result.half(weight(route), doubts.on(finding, route, verdict, true));
            }
            _ => result.covered_at(weight(route), || {
                let step = verdict.evidence.last()?;
                Some(Location::of_line(&step.file, step.line))
            }),
        }
    }
    result
}

/// The finding for a handler that the control does not reach.
fn gap(
    subject: &Subject<'_>,
    check: &RouteControl,
    doubts: &Doubts<'_>,
    route: &RouteFacts,
    verdict: &Verdict,
) -> Finding {
    let mut finding = subject.route_finding(route, &check.says);
    if let Some((kind, _)) = route.expensive.first() {
        let added = check.expensive_says.replace("{}", &costly(kind));
        finding.message.push_str(&added);
    }
    let mut chain = related(&verdict.evidence);
    // Where the message says what is spent, the chain shows where; and so it does where anybody may spend it.
    if !check.expensive_says.is_empty() || check.control == Control::Auth {
        let mut costs: Vec<Related> = Vec::new();
        for (kind, place) in &route.expensive {
            let location = Location::of_line(&place.file, place.line);
            let known = chain.iter().any(|step| step.location == location);
            if check.control != Control::Auth || !known {
                let note = spends(kind);
                costs.push(Related { location, note });
            }
        }
        chain.extend(costs);
    }
    if check.control == Control::ErrorHandling {
        // Before the place that fails.
        let at = chain.len().saturating_sub(1);
        chain.splice(at..at, past_catch(subject, route));
    }
    let open = route.public_declared || route.public_guess.is_some();
    let costly = &check.doubt.costly;
    let costs = |kind: &String| costly.is_empty() || costly.contains(kind) || !is_asked(route);
    let spends = route.expensive.iter().any(|(kind, _)| costs(kind));
    let severity = if spends && check.expensive_severity.is_some() {
        check.expensive_severity
    } else if open && !route.changes_state() && check.open_severity.is_some() {
        check.open_severity
    } else if check.signed_in_severity.is_some() && is_asked(route) {
        check.signed_in_severity
    } else if check.writing_severity.is_some()
        && route.changes_state()
        && !(check.control == Control::Auth && doubts.finds_little(route))
        && !doubts.only_asks_elsewhere(route, verdict)
    {
        check.writing_severity
    } else {
        None
    };
    finding
        .with_severity(severity)
        .with_related(chain)
        .at_most(verdict.confidence)
}

/// A handler whose one sender sets the pace, and that a rule of its own asks who that is.
fn is_excepted(route: &RouteFacts, check: &RouteControl) -> bool {
    check.except_marks.iter().any(|wanted| {
        let fits = |mark: &str| mark.split(':').next() == Some(wanted);
        route.marks.iter().any(|(mark, _)| fits(mark))
    })
}

/// True when the handler does nothing for which the control is there: no failure to catch, nothing to steal, nothing to use up.
fn needs_nothing(route: &RouteFacts, control: Control) -> bool {
    match control {
        Control::ErrorHandling => !route.works,
        // Signing out spends nothing and tells nothing.
        Control::RateLimit | Control::Validation if has_mark(route, ONLY_SIGNS_OUT) => true,
        // Without work, an action can only change what is the caller's own: cookies, the page that is shown.
        Control::Auth | Control::RateLimit | Control::Validation if route.route.url.is_none() => {
            !route.works
        }
        Control::Auth | Control::RateLimit => route.is_constant(),
        _ => false,
    }
}

/// `HEAD` beside a `GET` of the same file is the same work, and would be the same finding.
fn repeats_get(subject: &Subject<'_>, route: &RouteFacts) -> bool {
    route.route.method == "HEAD"
        && subject.app.routes.iter().any(|other| {
            other.route.method == "GET"
                && other.route.module == route.route.module
                && other.route.url == route.route.url
        })
}

/// True when anybody may call the handler, so that asking who calls makes no sense.
fn is_open(route: &RouteFacts, control: Control) -> bool {
    control == Control::Auth && (route.public_declared || route.public_guess.is_some())
}

fn in_scope(route: &RouteFacts, scope: RouteScope) -> bool {
    let is_action = route.route.url.is_none();
    // A preflight answers headers and does nothing.
    if !is_action && route.route.method == "OPTIONS" {
        return false;
    }
    match scope {
        RouteScope::All => true,
        RouteScope::Handlers => !is_action,
        RouteScope::Actions => is_action,
        RouteScope::Public => {
            let enforced = route
                .controls
                .get(&Control::Auth)
                .is_some_and(|verdict| verdict.status == Status::Enforced);
            !is_action && !enforced
        }
        RouteScope::Mutating => route.writes,
        RouteScope::Expensive => !route.expensive.is_empty(),
    }
}

/// What an expensive call is, in words.
fn costly(kind: &str) -> String {
    match kind {
        "llm" => String::from("language model calls"),
        "speech" => String::from("speech calls"),
        "image" => String::from("image generation calls"),
        "conversion" => String::from("image or video conversions"),
        "browser" => String::from("browser or sandbox sessions"),
        "upload" => String::from("uploads"),
        "email" => String::from("e-mail calls"),
        "sms" => String::from("text message calls"),
        "payment" => String::from("payment calls"),
        other => format!("{other} calls"),
    }
}

/// What one such call does.
fn spends(kind: &str) -> String {
    let text = match kind {
        "llm" => "calls a language model",
        "embedding" => "makes an embedding",
        "speech" => "calls a speech service",
        "image" => "makes an image",
        "conversion" => "converts an image or a video",
        "browser" => "starts a browser or a sandbox",
        "upload" => "hands out an upload",
        "email" => "sends e-mail",
        "sms" => "sends a text message",
        "payment" => "calls the payment provider",
        other => return format!("makes {other} calls"),
    };
    text.to_owned()
}
