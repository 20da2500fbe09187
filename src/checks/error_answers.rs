//! `[check.error-answers]`: what handlers answer when something goes wrong.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::controls::Status;
use crate::finding::Related;
use crate::graph::ModuleId;
use crate::model::RouteFacts;
use crate::rule::{Confidence, Control, ErrorAnswers, ErrorQuestion};
use crate::syntax::{Expr, ExprId, FunctionId, ModuleRecord, Property};

use super::CheckResult;
use super::administrators::is_for_administrators;
use super::answers::{Answer, Caught, Code, answer, caught_in};
use super::callers::{has_accounts, is_probe, is_run_by_machine, shares_a_secret};
use super::code::{called_name, calls, key, numbered, place};
use super::index::{Site, Unit};
use super::subject::Subject;

/// Fewer error answers than this have no common form.
const ENOUGH: usize = 8;
/// A form that fewer than one in so many answers have is an exception.
const SHARE: usize = 5;
/// A finding lists so many places of each form.
const LISTED: usize = 2;

pub(super) fn run(subject: &Subject<'_>, check: &ErrorAnswers) -> CheckResult {
    match check.asks {
        ErrorQuestion::Leak => leak(subject, check),
        ErrorQuestion::Status => status(subject, check),
        ErrorQuestion::Envelope => envelope(subject, check),
        ErrorQuestion::Codes => codes(subject, check),
    }
}

/// The modules in which handlers do something.
fn modules<'a>(subject: &Subject<'a>) -> Vec<(ModuleId, &'a ModuleRecord)> {
    let graph = &subject.model.graph;
    let modules = subject.handler_modules().iter();
    modules.map(|&id| (id, graph.module(id))).collect()
}

fn unit_at(subject: &Subject<'_>, module: ModuleId, at: u32) -> Unit {
    let index = subject.index().module(&subject.model.graph, module);
    (module, index.part_at(at))
}

fn leak(subject: &Subject<'_>, check: &ErrorAnswers) -> CheckResult {
    let mut caught = Caught::default();
    for (module, record) in modules(subject) {
        for (number, function) in (0u32..).zip(&record.functions).skip(1) {
            let unit = unit_at(subject, module, function.span.start);
            if subject.reach().has(unit) {
                caught_in(subject, module, FunctionId(number), &mut caught);
            }
        }
    }
    let mut result = CheckResult::default();
    let published = OnceCell::new();
    let is_published = || *published.get_or_init(|| has_accounts(subject.app));
    caught.leaks.sort_by_key(|told| told.leak);
    let told: Vec<_> = caught.leaks.iter().map(|told| told.leak).collect();
    for clean in &caught.clean {
        if !told.contains(clean) {
            result.covered(1.0);
        }
    }
    for told in caught.leaks {
        let leak = told.leak;
        let record = subject.model.graph.module(leak.module);
        let site = Site {
            module: leak.module,
            expr: leak.expr,
        };
        let related = subject.reached_by(site);
        // A handler that answers nobody in production tells nobody, and one that a service or a probe of the team's own calls
        // tells the team.
        let handlers = subject.reach().handlers(subject.unit(site));
        let routes = handlers.iter().filter_map(|at| subject.app.routes.get(*at));
        let (unheard, mut heard): (Vec<&RouteFacts>, Vec<&RouteFacts>) =
            routes.partition(|route| {
                route.is_closed_in_production()
                    || shares_a_secret(route)
                    || is_run_by_machine(route)
                    || is_probe(route) && !is_published()
                    || !route.works && route.status(Control::Auth) == Status::Enforced
            });
        heard.retain(|route| route.works || route.reads_input());
        let for_administrators = || {
            let mut all = heard.iter();
            !heard.is_empty() && all.all(|route| is_for_administrators(subject, route))
        };
        let doubt = if told.cleaned {
            ": or is what strangers must not see taken out of it?"
        } else if told.asked_for {
            ": or is it for the caller, who said what to ask?"
        } else if told.own_mistake {
            ": or does nothing fail there but for what the caller sent?"
        } else if !unheard.is_empty() && heard.is_empty() {
            ": or is there no stranger who hears it?"
        } else if for_administrators() {
            ": or may administrators be told?"
        } else {
            ""
        };
        let says = format!("{}{doubt}", check.says);
        let finding = subject
            .finding_in(record, record.span(leak.expr), says)
            .with_related(related);
        // Who refuses a request may want to say why.
        let refuses = matches!(told.code, Code::Number(400..500) | Code::Unknown);
        let finding = if refuses || !doubt.is_empty() {
            finding.at_most(Confidence::Low)
        } else {
            finding
        };
        result.gap(1.0, finding);
    }
    result
}

/// Every answer with a body in code that handlers reach.
pub(super) fn answers(subject: &Subject<'_>) -> Vec<(Site, Answer)> {
    let mut found = Vec::new();
    for (module, record) in modules(subject) {
        for call in calls(record) {
            let Some(answer) = answer(record, call.expr) else {
                continue;
            };
            let expr = call.expr;
            let site = Site { module, expr };
            if subject.reach().has(subject.unit(site)) {
                found.push((site, answer));
            }
        }
    }
    found
}

/// The same with their modules.
fn error_answers<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (Site, &'a ModuleRecord, Answer)> {
    let graph = &subject.model.graph;
    let answers = subject.answers().iter();
    answers.map(|&(site, answer)| (site, graph.module(site.module), answer))
}

fn status(subject: &Subject<'_>, check: &ErrorAnswers) -> CheckResult {
    let mut result = CheckResult::default();
    for (site, record, answer) in error_answers(subject) {
        if !says_error(record, answer.body) {
            continue;
        }
        let unit = subject.unit(site);
        let routes: Vec<&RouteFacts> = subject
            .reach()
            .handlers(unit)
            .into_iter()
            .filter_map(|number| subject.app.routes.get(number))
            .collect();
        let webhook = routes.iter().any(|route| {
            let mut marks = route.marks.iter();
            marks.any(|(mark, _)| mark.starts_with("webhook") || mark.starts_with("signature"))
        });
        match answer.code {
            // Senders of webhooks repeat what is not answered with 200.
            Code::Number(200) if webhook => {}
            Code::Number(200) if answer.by_response && sets_status(record, site.expr) => {}
            Code::Number(200) => {
                let related = subject.reached_by(site);
                let finding = subject
                    .finding_in(record, record.span(site.expr), check.says.clone())
                    .with_related(related);
                // Who writes 200 there may mean it.
                let finding = if answer.plain && has_error(record, answer.body) {
                    finding
                } else {
                    finding.at_most(Confidence::Low)
                };
                result.gap(1.0, finding);
            }
            Code::Number(400..600) => result.covered(1.0),
            Code::Number(_) => {}
            Code::Unknown => result.unknown(),
        }
    }
    result
}

/// `{ error: "…" }`, `{ success: false, … }`, and nothing of a protocol that wants it so.
fn says_error(record: &ModuleRecord, body: ExprId) -> bool {
    let Expr::Object(properties) = record.expr(body) else {
        return false;
    };
    let mut says = false;
    for property in properties {
        let Property::Value { key: name, value } = property else {
            return false;
        };
        match (key(record, name), record.expr(*value)) {
            (Some("jsonrpc" | "response_type" | "blocks" | "type" | "found" | "valid"), _) => {
                return false;
            }
            (Some("error"), Expr::String(text)) if !text.is_empty() => says = true,
            (Some("error"), Expr::Template { .. }) => says = true,
            (Some("success" | "ok"), Expr::Bool(false)) => says = true,
            (Some("success" | "ok"), Expr::Bool(true)) => return false,
            _ => {}
        }
    }
    says
}

/// The body has a text under `error` and nothing else that tells how it went.
fn has_error(record: &ModuleRecord, body: ExprId) -> bool {
    let Expr::Object(properties) = record.expr(body) else {
        return false;
    };
    properties.iter().all(|property| match property {
        Property::Value { key: name, .. } => {
            !matches!(key(record, name), Some("success" | "ok" | "reason"))
        }
        _ => false,
    })
}

/// The function around an answer sets the status in a statement of its own.
fn sets_status(record: &ModuleRecord, answer: ExprId) -> bool {
    let at = record.span(answer);
    numbered(record).any(|(id, expr)| match expr {
        Expr::Call { callee, .. } => {
            let near = record.span(id).end <= at.start && at.start - record.span(id).end < 400;
            near && matches!(
                called_name(record, *callee),
                Some("status" | "code" | "writeHead")
            )
        }
        Expr::Assign { target, .. } => {
            let near = record.span(id).end <= at.start && at.start - record.span(id).end < 400;
            near && matches!(&**target, crate::syntax::Pattern::Member(member)
                if matches!(record.expr(*member), Expr::Member { property, .. }
                    if matches!(record.name(*property), "statusCode" | "status")))
        }
        _ => false,
    })
}

fn envelope(subject: &Subject<'_>, check: &ErrorAnswers) -> CheckResult {
    let mut forms: BTreeMap<&'static str, Vec<(Site, &ModuleRecord)>> = BTreeMap::new();
    for (site, record, answer) in error_answers(subject) {
        if !matches!(answer.code, Code::Number(400..600)) {
            continue;
        }
        if let Some(form) = form(record, answer.body) {
            forms.entry(form).or_default().push((site, record));
        }
    }
    let all: usize = forms.values().map(Vec::len).sum();
    if all < ENOUGH {
        return CheckResult::default();
    }
    let mut forms: Vec<_> = forms.into_iter().collect();
    forms.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
    forms.retain(|(_, places)| places.len() * SHARE >= all);
    let Some((_, second)) = forms.get(1) else {
        return CheckResult::pass_or_fail(Vec::new());
    };
    let names: Vec<String> = forms
        .iter()
        .map(|(form, places)| format!("{form} ({})", places.len()))
        .collect();
    let related = forms.iter().flat_map(|(form, places)| {
        places
            .iter()
            .take(LISTED)
            .map(move |(site, record)| Related {
                location: place(record, site.expr),
                note: (*form).to_owned(),
            })
    });
    let related = related.collect();
    let Some((site, record)) = second.first() else {
        return CheckResult::default();
    };
    let message = check.says.replace("{}", &names.join(", "));
    let finding = subject
        .finding(place(record, site.expr), message)
        .with_related(related);
    CheckResult::pass_or_fail(vec![finding])
}

/// Most errors carry a code, an id of the request, or a word instead of a sentence.
fn codes(subject: &Subject<'_>, check: &ErrorAnswers) -> CheckResult {
    let mut coded = 0;
    let mut bare: Vec<(Site, &ModuleRecord)> = Vec::new();
    for (site, record, answer) in error_answers(subject) {
        if !matches!(answer.code, Code::Number(400..600)) || form(record, answer.body).is_none() {
            continue;
        }
        if has_code(record, answer.body) {
            coded += 1;
        } else {
            bare.push((site, record));
        }
    }
    let all = coded + bare.len();
    if all < ENOUGH {
        return CheckResult::default();
    }
    let Some((site, record)) = bare.first().filter(|_| coded * 2 < all) else {
        return CheckResult::pass_or_fail(Vec::new());
    };
    let related = bare
        .iter()
        .skip(1)
        .take(LISTED)
        .map(|(site, record)| Related {
            location: place(record, site.expr),
            note: String::from("and here"),
        });
    let message = check
        .says
        .replace("{}", &format!("{} of {all}", bare.len()));
    let finding = subject
        .finding(place(record, site.expr), message)
        .with_related(related.collect());
    CheckResult::pass_or_fail(vec![finding])
}

/// `{ code }`, `{ error: { code } }`, `{ error: "not_found" }`, `{ requestId }`
fn has_code(record: &ModuleRecord, body: ExprId) -> bool {
    let Expr::Object(properties) = record.expr(body) else {
        return false;
    };
    properties.iter().any(|property| match property {
        Property::Value { key: name, value } => match (key(record, name), record.expr(*value)) {
            (
                Some("code" | "errorCode" | "error_code" | "type" | "requestId" | "request_id"),
                _,
            ) => true,
            (Some("error"), Expr::Object(_)) => has_code(record, *value),
            (Some("error"), Expr::String(text)) => !text.contains(' ') && text.contains(['_', '-']),
            _ => false,
        },
        Property::Spread(_) => true,
        Property::Getter { .. } => false,
    })
}

/// How a body tells of an error.
fn form(record: &ModuleRecord, body: ExprId) -> Option<&'static str> {
    match record.expr(body) {
        Expr::String(_) | Expr::Template { .. } => Some("text"),
        Expr::Object(properties) => {
            let mut form = None;
            for property in properties {
                let Property::Value { key: name, value } = property else {
                    return None;
                };
                match (key(record, name)?, record.expr(*value)) {
                    ("error", Expr::Object(_)) => return Some("{ error: {…} }"),
                    ("error", Expr::Bool(_)) => {}
                    ("error", _) => return Some("{ error: text }"),
                    ("errors", _) => form = Some("{ errors }"),
                    ("message", _) => form = form.or(Some("{ message }")),
                    _ => {}
                }
            }
            form
        }
        _ => None,
    }
}
