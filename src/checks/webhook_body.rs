//! `[check.webhook-body]`: signatures that are verified over a body that was parsed before.

use crate::controls::Evidence;
use crate::finding::Related;
use crate::graph::{Graph, ModuleId, Symbol};
use crate::model::RouteFacts;
use crate::project::literal::{Folder, Literal};
use crate::routes::{Entry, RouteKind};
use crate::rule::WebhookBody;
use crate::source::Location;
use crate::syntax::{Expr, ExprId, ModuleRecord};

use super::CheckResult;
use super::code::{called_name, calls, initial_value, package_of};
use super::subject::{Subject, weight};

/// What a signature is verified over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    /// `req.body`
    Body,
    /// `await request.json()`
    Parsed,
    /// `JSON.stringify` of one of these.
    Rebuilt,
    /// Something else.
    Other,
}

pub(super) fn run(subject: &Subject<'_>, check: &WebhookBody) -> CheckResult {
    let mut result = CheckResult::default();
    for route in &subject.app.routes {
        let verified = route
            .marks
            .iter()
            .filter(|(mark, _)| mark.starts_with("signature-check:"))
            .find_map(|(_, evidence)| {
                let (module, expr) = argument(subject, check, evidence)?;
                Some((evidence, module, expr))
            });
        let Some((evidence, module, expr)) = verified else {
            continue;
        };
        let record = subject.model.graph.module(module);
        match judge(subject, route, record, expr) {
            Some((why, place)) => {
                let verification = Related {
                    location: Location::of_line(&evidence.file, evidence.line),
                    note: String::from("the signature is verified here"),
                };
                let related = place
                    .map(|location| Related {
                        location,
                        note: String::from("the body is parsed here"),
                    })
                    .into_iter()
                    .chain([verification]);
                let mut finding = subject
                    .route_finding(route, &why)
                    .with_related(related.collect());
                finding.location = Location::of_line(&evidence.file, evidence.line);
                result.gap(weight(route), finding);
            }
            None => result.covered(weight(route)),
        }
    }
    result
}

/// The first argument of the verifying call at a place.
fn argument(
    subject: &Subject<'_>,
    check: &WebhookBody,
    evidence: &Evidence,
) -> Option<(ModuleId, ExprId)> {
    let graph = &subject.model.graph;
    let module = graph.find(&evidence.file)?;
    let record = graph.module(module);
    let call = calls(record).find(|call| {
        record.line(record.span(call.expr)) == evidence.line
            && called_name(record, call.callee)
                .is_some_and(|name| check.methods.iter().any(|method| method == name))
    })?;
    Some((module, call.args.first()?.value))
}

/// What is wrong with the body, and where it was parsed.
fn judge(
    subject: &Subject<'_>,
    route: &RouteFacts,
    record: &ModuleRecord,
    expr: ExprId,
) -> Option<(String, Option<Location>)> {
    let given = given(record, expr, 4);
    let lost = |what: &str| {
        format!("verifies the signature over {what}, which never fits what was signed")
    };
    match (route.route.kind, given) {
        (_, Given::Other) => None,
        (RouteKind::Express, _) => {
            let parser = express_parser(subject, route)?;
            let what = "a body that `express.json()` has already parsed";
            Some((lost(what), Some(parser)))
        }
        (RouteKind::Pages, Given::Body | Given::Rebuilt) => {
            let page = subject.model.graph.module(route.route.module);
            if keeps_raw_body(page) {
                return None;
            }
            let what =
                "a body that Next.js has already parsed (no `bodyParser: false` in its `config`)";
            Some((lost(what), None))
        }
        (_, Given::Parsed) => Some((lost("the parsed body instead of its text"), None)),
        (_, Given::Rebuilt) => Some((lost("a body that was parsed and put together again"), None)),
        (_, Given::Body) => None,
    }
}

fn given(record: &ModuleRecord, expr: ExprId, depth: u8) -> Given {
    if depth == 0 {
        return Given::Other;
    }
    match record.expr(expr) {
        Expr::Member {
            object, property, ..
        } => {
            let of_request = matches!(record.expr(*object), Expr::Name(name) if matches!(record.name(*name), "req" | "request"));
            if of_request && record.name(*property) == "body" {
                Given::Body
            } else {
                Given::Other
            }
        }
        Expr::Name(name) => match initial_value(record, *name) {
            Some(init) => given(record, init, depth - 1),
            None => Given::Other,
        },
        Expr::Await(operand) => match record.expr(*operand) {
            Expr::Call { callee, args, .. } if args.is_empty() => {
                if called_name(record, *callee) == Some("json")
                    && matches!(record.expr(*callee), Expr::Member { .. })
                {
                    Given::Parsed
                } else {
                    Given::Other
                }
            }
            _ => Given::Other,
        },
        Expr::Call { callee, args, .. } => {
            let stringify = matches!(record.expr(*callee), Expr::Member { object, property, .. }
                if record.name(*property) == "stringify"
                    && matches!(record.expr(*object), Expr::Name(name) if record.name(*name) == "JSON"));
            match (stringify, args.first()) {
                (true, Some(arg)) => match given(record, arg.value, depth - 1) {
                    Given::Body | Given::Parsed => Given::Rebuilt,
                    other => other,
                },
                _ => Given::Other,
            }
        }
        _ => Given::Other,
    }
}

/// Where `express.json()` stands in front of the handler, unless the raw body is kept in front of that.
fn express_parser(subject: &Subject<'_>, route: &RouteFacts) -> Option<Location> {
    let Entry::Chain(layers) = &route.route.entry else {
        return None;
    };
    let graph = &subject.model.graph;
    for layer in layers {
        let record = graph.module(layer.module);
        let Expr::Call { callee, args, .. } = record.expr(layer.expr) else {
            continue;
        };
        match parser(graph, layer.module, record, *callee) {
            Some("raw" | "text") => return None,
            Some("json") => {
                // `express.json({ verify })` keeps the raw body aside, for whoever asks for it.
                let plain = args.is_empty()
                    || matches!(args.first().map(|arg| record.expr(arg.value)), Some(Expr::Object(properties)) if !properties.is_empty());
                let by_type = args
                    .first()
                    .is_some_and(|arg| super::code::property(record, arg.value, "type").is_some());
                if plain && !by_type {
                    return Some(record.location(record.span(layer.expr)));
                }
            }
            _ => {}
        }
    }
    None
}

/// `json`, `raw` or `text` of `express` or `body-parser`.
fn parser<'m>(
    graph: &Graph,
    module: ModuleId,
    record: &'m ModuleRecord,
    callee: ExprId,
) -> Option<&'m str> {
    let (name, method) = match record.expr(callee) {
        Expr::Member {
            object, property, ..
        } => match record.expr(*object) {
            Expr::Name(name) => (*name, record.name(*property)),
            _ => return None,
        },
        Expr::Name(name) => (*name, record.name(*name)),
        _ => return None,
    };
    match graph.binding(module, name)? {
        Symbol::External { package, .. } => {
            matches!(package_of(&package), Some("express" | "body-parser")).then_some(method)
        }
        _ => None,
    }
}

/// `export const config = { api: { bodyParser: false } }`, or something that cannot be read.
fn keeps_raw_body(page: &ModuleRecord) -> bool {
    let folds = Folder::new(&|_, _| None);
    let Some(config) = folds.export(page, "config") else {
        return false;
    };
    match config.get("api").and_then(|api| api.get("bodyParser")) {
        Some(value) => !matches!(value.value, Literal::Bool(true) | Literal::Object { .. }),
        None => !matches!(config.value, Literal::Object { complete: true, .. }),
    }
}
