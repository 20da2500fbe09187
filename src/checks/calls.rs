//! `[check.calls]`: calls of libraries that lack something, or have something that they must not.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::finding::Related;
use crate::rule::{CallGroup, Calls, Confidence};
use crate::syntax::{Expr, ExprId, ModuleRecord, Pattern, Property};

use super::CheckResult;
use super::call_sites::{Found, Holds, Value, find, holds, mentions};
use super::code::{called_name, constant, key, numbered, place, property};
use super::config_key::own_value;
use super::for_development::is_for_development;
use super::index::{Site, Unit, Waits};
use super::own_address;
use super::subject::Subject;

/// A finding lists so many calls.
const LISTED: usize = 5;

pub(super) fn run(subject: &Subject<'_>, check: &Calls) -> CheckResult {
    let mut result = CheckResult::default();
    let mut gaps: BTreeMap<(u32, u32, u32), Vec<Found>> = BTreeMap::new();
    let except = subject.globs(&check.except_files);
    let graph = &subject.model.graph;
    let mut others = !subject.has_routes() && check.else_unknown && subject.calls_out(&check.call);
    for call in find(subject, check.scope, &check.call, &check.except) {
        if except.is_match(graph.module(call.site.module).path.as_str()) {
            continue;
        }
        let holds = |condition| holds(subject, &call, condition);
        if !check.only.is_empty() && Holds::any(check.only.iter().map(holds)) != Holds::Yes {
            others = true;
            continue;
        }
        if Holds::any(check.except_when.iter().map(holds)) == Holds::Yes {
            continue;
        }
        match Holds::any(check.unless.iter().map(holds)) {
            Holds::Yes => result.covered_at(1.0, || {
                let module = subject.model.graph.module(call.site.module);
                Some(module.location(module.span(call.site.expr)))
            }),
            Holds::Unknown => result.unknown_in(&graph.module(call.site.module).path),
            Holds::No => {
                let key = match check.per {
                    CallGroup::Call => (0, call.site.module.0, call.site.expr.0),
                    CallGroup::App => (0, 0, 0),
                    CallGroup::Module => (1, call.site.module.0, 0),
                    CallGroup::Client => match call.made {
                        Some((module, expr)) => (0, module.0, expr.0),
                        None => (1, call.site.module.0, 0),
                    },
                };
                gaps.entry(key).or_default().push(call);
            }
        }
    }
    if gaps.values().map(Vec::len).sum::<usize>() < check.at_least {
        return CheckResult::default();
    }
    if others && check.else_unknown && result == CheckResult::default() && gaps.is_empty() {
        result.unknown();
    }
    let mut waits = None;
    let worker = OnceCell::new();
    let at_edge = |call: &Found| {
        *worker.get_or_init(|| is_worker(subject)) || runs_at_edge(subject, call.unit)
    };
    for calls in gaps.into_values() {
        let itself = |call: &Found| check.waited && asks_itself(subject, call);
        let (itself, others): (Vec<Found>, Vec<Found>) = calls.into_iter().partition(itself);
        let only_itself = others.is_empty();
        let mut calls = if only_itself { itself } else { others };
        // Beside what is called, nobody asks after methods that are not.
        let is_uncalled = |call: &Found| subject.reach().is_uncalled(call.unit);
        if check.waited && !calls.iter().all(is_uncalled) {
            calls.retain(|call| !is_uncalled(call));
        }
        let Some(first) = calls.first() else { continue };
        let at = |call: &Found| place(graph.module(call.site.module), call.site.expr);
        let made = first.made.filter(|_| check.per == CallGroup::Client);
        let (module, expr) = made.unwrap_or((first.site.module, first.site.expr));
        let record = graph.module(module);
        let mut related: Vec<Related> = Vec::new();
        if calls.len() > 1 || made.is_some() {
            related.extend(calls.iter().take(LISTED).map(|call| Related {
                location: at(call),
                note: String::from("called here"),
            }));
        } else if check.scope == crate::rule::CodeScope::Handlers {
            related = subject.reached_by(first.site);
        }
        let count = match calls.len() {
            1 => String::from("1 call"),
            many => format!("{many} calls"),
        };
        let says = check.says.replace("{}", &count);
        let mut waited = || {
            let waits = waits.get_or_insert_with(|| {
                let (index, reach) = (subject.index(), subject.reach());
                Waits::new(graph, index, reach, &subject.app.routes)
            });
            calls.iter().any(|call| waits.waits(call.site, call.unit))
        };
        let doubt = if !check.waited {
            None
        } else if !waited() {
            Some("does no handler wait for it")
        } else if only_itself {
            Some("is it the application itself that is called")
        } else if calls.iter().all(at_edge) {
            Some("does the platform end it soon enough, as it runs at the edge")
        } else if calls
            .iter()
            .all(|call| is_for_development(subject, call.site))
        {
            Some("is it made only in development, or to what stands in for the service")
        } else if calls
            .iter()
            .all(|call| is_limited_above(subject, call.unit))
        {
            Some("do those who call it stop waiting in time")
        } else if calls.iter().all(|call| relays_a_stream(subject, call.site)) {
            Some("is it a stream that takes as long as it takes")
        } else if calls.iter().all(|call| is_patched(subject, call)) {
            Some("is there a limit in what its client is made of")
        } else if calls.iter().all(|call| is_limited_for_all(subject, call)) {
            Some("does the limit hold for it that is set for all such calls")
        } else {
            None
        };
        let says = match doubt {
            Some(doubt) => format!("{says}: or {doubt}?"),
            None => says,
        };
        // Of the calls of a whole file, which comes first changes with the others.
        let finding = if made.is_some() || check.per == CallGroup::Call {
            subject.finding_in(record, record.span(expr), says)
        } else {
            subject.finding(place(record, expr), says)
        };
        let finding = match check.per {
            CallGroup::App => finding.counting_everywhere(calls.len()),
            CallGroup::Module | CallGroup::Client => finding.counting(calls.len()),
            CallGroup::Call => finding,
        };
        let finding = match doubt {
            Some(_) => finding.at_most(Confidence::Low),
            None => finding,
        };
        result.gap(1.0, finding.with_related(related));
    }
    result
}

fn asks_itself(subject: &Subject<'_>, call: &Found) -> bool {
    let module = call.site.module;
    let (Expr::Call { args, .. } | Expr::New { args, .. }) =
        subject.model.graph.module(module).expr(call.site.expr)
    else {
        return false;
    };
    args.first().is_some_and(|address| {
        let expr = address.value;
        own_address::is_own(subject, Value { module, expr })
    })
}

/// What code mentions that waits no longer than it says.
const LIMITS: [&str; 3] = ["race", "timeoutms", "withtimeout"];

/// So many parts are looked at above a call.
const MOST_ABOVE: usize = 64;

/// On every way from a handler to the part something looks at the time.
fn is_limited_above(subject: &Subject<'_>, unit: Unit) -> bool {
    let limits = LIMITS.map(String::from);
    let mut seen = vec![unit];
    let mut at = 0;
    while let Some(unit) = seen.get(at).copied() {
        at += 1;
        if mentions(subject, unit, &limits) {
            continue;
        }
        if !subject.reach().begins_in(unit).is_empty() || at > MOST_ABOVE {
            return false;
        }
        for caller in subject.reach().callers_of(unit) {
            if !seen.contains(caller) {
                seen.push(*caller);
            }
        }
    }
    at > 1
}

/// The function around the call reads what comes piece by piece, and hands it on as events; or it answers with the body as it comes,
/// `new Response(answer.body)`; or it asks for a stream, `{ stream: true }`, or lets the caller choose one.
fn relays_a_stream(subject: &Subject<'_>, site: Site) -> bool {
    let graph = &subject.model.graph;
    let record = graph.module(site.module);
    let index = subject.index().module(graph, site.module);
    let around = index.function_at(record, record.span(site.expr).start);
    let around = record.function(around).span;
    let has = |wanted: &dyn Fn(&Expr) -> bool| {
        numbered(record).any(|(id, expr)| wanted(expr) && around.holds(record.span(id)))
    };
    let is_body = |expr: ExprId| matches!(record.expr(expr), Expr::Member { property, .. } if record.name(*property) == "body");
    let hands_on = |expr: &Expr| match expr {
        Expr::New { callee, args } => {
            matches!(
                called_name(record, *callee),
                Some("Response" | "NextResponse")
            ) && args.first().is_some_and(|arg| is_body(arg.value))
        }
        Expr::Object(properties) => properties.iter().any(|property| match property {
            Property::Value { key: name, value } => {
                key(record, name) == Some("stream")
                    && !matches!(record.expr(*value), Expr::Bool(false) | Expr::Function(_))
            }
            _ => false,
        }),
        _ => false,
    };
    has(&hands_on)
        || record.find_name("getReader").is_some_and(|reading| {
            has(&|expr| matches!(expr, Expr::Member { property, .. } if *property == reading))
        }) && has(&|expr| matches!(expr, Expr::String(text) if text.contains("event-stream")))
}

/// `Client.prototype.send = function (options) { options.timeout = … }`: the application sets the limit in the package that
/// the client comes from.
fn is_patched(subject: &Subject<'_>, call: &Found) -> bool {
    let Some((module, _)) = call.made else {
        return false;
    };
    let packages = &subject.model.graph.module(module).requests;
    let patches = |record: &ModuleRecord| {
        let (Some(_), Some(limit)) = (record.find_name("prototype"), record.find_name("timeout"))
        else {
            return false;
        };
        let sets_limit = |expr: &Expr| {
            matches!(expr, Expr::Assign { target, .. } if matches!(&**target, Pattern::Member(member)
                if matches!(record.expr(*member), Expr::Member { property, .. } if *property == limit)))
        };
        let names = |text: &str| {
            !text.starts_with('.') && packages.iter().any(|each| &*each.specifier == text)
        };
        let named = |expr: &Expr| matches!(expr, Expr::String(text) if names(text));
        record.exprs.iter().any(sets_limit)
            && (record.exprs.iter().any(named)
                || record
                    .requests
                    .iter()
                    .any(|request| names(&request.specifier)))
    };
    subject.modules().any(|(_, record)| patches(record))
}

/// `axios.defaults.timeout = …`, or `setGlobalDispatcher(new Agent({ headersTimeout: … }))` for every `fetch`.
fn is_limited_for_all(subject: &Subject<'_>, call: &Found) -> bool {
    let sets_default = |record: &ModuleRecord| {
        let (Some(defaults), Some(limit)) =
            (record.find_name("defaults"), record.find_name("timeout"))
        else {
            return false;
        };
        let member = |expr: ExprId, name| match record.expr(expr) {
            Expr::Member {
                object, property, ..
            } if *property == name => Some(*object),
            _ => None,
        };
        record.exprs.iter().any(|expr| match expr {
            Expr::Assign { target, .. } => matches!(&**target, Pattern::Member(target)
                if member(*target, limit).is_some_and(|of| member(of, defaults).is_some())),
            _ => false,
        })
    };
    let sets_dispatcher = |record: &ModuleRecord| {
        record.find_name("setGlobalDispatcher").is_some()
            && record.find_name("headersTimeout").is_some()
    };
    if call.path.starts_with("axios#") {
        subject.modules().any(|(_, record)| sets_default(record))
    } else {
        matches!(&*call.path, "?#fetch" | "undici#fetch")
            && subject.modules().any(|(_, record)| sets_dispatcher(record))
    }
}

/// Cloudflare runs a module of the application as a Worker.
fn is_worker(subject: &Subject<'_>) -> bool {
    let files = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"];
    files.iter().any(|file| {
        let main = own_value(subject, file, "main");
        let main = main.as_ref().and_then(|main| main.as_str());
        main.is_some_and(|main| {
            let path = subject.project.root.join(main.trim_start_matches("./"));
            subject.model.graph.find(&path).is_some()
        })
    })
}

/// All handlers that reach the part run at the edge, where the platform ends what takes long.
fn runs_at_edge(subject: &Subject<'_>, unit: Unit) -> bool {
    let graph = &subject.model.graph;
    let handlers = subject.reach().handlers(unit);
    !handlers.is_empty()
        && handlers.iter().all(|number| {
            let route = subject.app.routes.get(*number);
            route.is_some_and(|route| is_of_edge(graph.module(route.route.module)))
        })
}

/// `export const runtime = "edge"`, `export const config = { runtime: "edge" }`
fn is_of_edge(record: &ModuleRecord) -> bool {
    let runtime = constant(record, "runtime")
        .or_else(|| property(record, constant(record, "config")?, "runtime"));
    runtime.is_some_and(|runtime| {
        matches!(record.expr(runtime), Expr::String(text) if matches!(&**text, "edge" | "experimental-edge"))
    })
}
