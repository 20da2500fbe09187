//! What speaks for a handler whose failures nobody answers.

use crate::controls::{Role, Status, Verdict};
use crate::model::RouteFacts;
use crate::routes::RouteKind;
use crate::rule::Control;
use crate::syntax::{Expr, ExprId, ModuleRecord, StmtKind};

use crate::checks::callers::is_run_by_machine;
use crate::checks::code::{called_name, constant, statements};
use crate::checks::handler_code::Code;
use crate::checks::returned::only_leads_on;
use crate::checks::subject::Subject;

use super::reads;

/// What speaks for letting failures escape.
pub(super) fn of_failures(
    subject: &Subject<'_>,
    route: &RouteFacts,
    verdict: &Verdict,
) -> Option<String> {
    let record = subject.model.graph.module(route.route.module);
    let mut steps = verdict.evidence.iter();
    let question = if steps.any(|step| step.role == Role::TellsFailures) {
        "is its answer looked at, as all that it calls tells of failures there and throws none"
    } else if verdict.evidence.len() == 1 {
        "does anything fail there but for what it is sent"
    } else if is_run_by_machine(route) {
        "is a bare 500 what its sender tries again on"
    } else if route.route.kind == RouteKind::App && is_answered_beforehand(record) {
        "does it fail the build, which asks for its answers beforehand"
    } else if reads(route) && is_collected(route) {
        "is a bare 500 enough for what collects numbers and comes again"
    } else if reads(route) && (route.public_declared || route.public_guess.is_some()) {
        "is a bare 500 enough for what anybody reads"
    } else if reads(route)
        && route.status(Control::Auth) != Status::Enforced
        && gives_a_file(&Code::of(subject, route))
    {
        "is a bare 500 enough for a file that anybody fetches"
    } else if reads(route) && only_leads_on(subject, route) {
        "is it a page for browsers, as it only leads on to others"
    } else if throws_on(&Code::of(subject, route)) {
        "is it thrown on purpose, as by a catch of its own"
    } else {
        return None;
    };
    Some(question.to_owned())
}

/// `/metrics`, which a program reads again and again.
fn is_collected(route: &RouteFacts) -> bool {
    let url = route.route.url.as_deref().unwrap_or("");
    // Those of one thing are for whoever looks at it.
    !url.contains(['[', ':']) && matches!(url.rsplit('/').next(), Some("metrics" | "prometheus"))
}

/// A catch of the handler's throws what it caught, once it is looked at or told of.
pub(super) fn throws_on(code: &Code<'_>) -> bool {
    code.statements().any(|statement| match &statement.kind {
        StmtKind::Try {
            handler: Some(handler),
            ..
        } => statements(&handler.body).any(|each| matches!(each.kind, StmtKind::Throw(_))),
        _ => false,
    })
}

/// `export const dynamic = "force-static"`, or `generateStaticParams` with `export const revalidate = false`.
pub(super) fn is_answered_beforehand(record: &ModuleRecord) -> bool {
    let is_static = |value: ExprId| matches!(record.expr(value), Expr::String(text) if &**text == "force-static");
    let listed = || {
        let mut exports = record.exports.iter();
        exports.any(|export| &*export.name == "generateStaticParams")
    };
    let kept = |value: ExprId| matches!(record.expr(value), Expr::Bool(false));
    constant(record, "dynamic").is_some_and(is_static)
        || constant(record, "revalidate").is_some_and(kept) && listed()
}

/// The answer is said to be a file, or of a kind that no client reads as data, or is a picture that is drawn for it.
pub(super) fn gives_a_file(code: &Code<'_>) -> bool {
    let is_kind = |text: &str| {
        let kind = text.split(';').next().unwrap_or(text).trim();
        let is_file = ["image/", "audio/", "video/", "font/"];
        is_file.iter().any(|family| kind.starts_with(family))
            || matches!(
                kind,
                "text/csv" | "text/calendar" | "text/markdown" | "text/xml"
            )
            || kind.starts_with("application/")
                && !kind.contains("json")
                && kind != "application/x-www-form-urlencoded"
    };
    code.exprs().any(|expr| match expr {
        Expr::New { callee, .. } => called_name(code.record, *callee) == Some("ImageResponse"),
        Expr::String(text) => is_kind(text) || text.eq_ignore_ascii_case("content-disposition"),
        _ => false,
    })
}
