//! The route table as JSON, `readiness/routes/1`: every handler with one verdict per control.

use serde::Serialize;

use crate::controls::{Evidence, Status, Verdict};
use crate::model::{Model, RouteFacts};
use crate::rule::{Confidence, Control};
use crate::source::RepoPath;

use super::json::pretty;

/// The route tables of all applications.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Routes<'a> {
    /// `readiness/routes/1`
    pub schema: &'static str,
    /// The applications, by path.
    pub apps: Vec<AppRoutes<'a>>,
}

/// The routes of one application.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct AppRoutes<'a> {
    /// Its folder, relative to the audited path; empty for the path itself.
    pub root: &'a RepoPath,
    /// `next`, `express` …
    pub framework: &'static str,
    /// The framework's version, when it is known.
    pub version: Option<&'a str>,
    /// Its handlers, by file, then position.
    pub routes: Vec<RouteRow<'a>>,
}

/// One handler.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct RouteRow<'a> {
    /// The file, relative to the audited path, always with `/`.
    pub file: &'a RepoPath,
    /// The URL as it is served; `null` for a server action.
    pub route: Option<&'a str>,
    /// `app`, `pages`, `action`, `express`, `hono` or `trpc`.
    pub kind: &'static str,
    /// `POST`, `ANY`, a server action's name or a procedure's path.
    pub method: &'a str,
    /// 1-based line on which the handler begins.
    pub line: u32,
    /// Whether it is meant to be open.
    pub public: Public<'a>,
    /// The verdicts.
    pub controls: Controls<'a>,
}

/// Whether a handler is meant to be open to everybody.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Public<'a> {
    /// `[routes] public` in `readiness.toml` names it.
    pub declared: bool,
    /// It plainly should be open: a health check, a sign-in, an OAuth callback.
    pub guess: bool,
    /// What the guess rests on.
    pub why: Option<&'a str>,
}

/// One verdict per control.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Controls<'a> {
    /// `enforced`, `optional`, `none` or `unknown`.
    pub auth: ControlRow<'a>,
    /// `enforced`, `conditional`, `none` or `unknown`.
    pub rate_limit: LimitRow<'a>,
    /// `schema`, `manual`, `none`, `na` or `unknown`.
    pub validation: ControlRow<'a>,
    /// `caught`, `uncaught` or `unknown`.
    pub error_handling: ControlRow<'a>,
    /// `structured`, `console`, `none` or `unknown`.
    pub logging: ControlRow<'a>,
    /// `tested`, `untested` or `unknown`.
    pub tests: ControlRow<'a>,
}

/// A control's verdict.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ControlRow<'a> {
    /// How far the control reaches the handler.
    pub status: Status,
    /// How sure that is.
    pub confidence: Confidence,
    /// The chain: entry first, guard last.
    pub evidence: &'a [Evidence],
}

/// The rate limit's verdict.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct LimitRow<'a> {
    /// How far the limiter reaches the handler.
    pub status: Status,
    /// Count and window, `30/1m`, when they can be read; several as `1/30s,10/1m`.
    pub limit: Option<&'a str>,
    /// How sure that is.
    pub confidence: Confidence,
    /// The chain: entry first, guard last.
    pub evidence: &'a [Evidence],
}

/// The route tables of all applications as the JSON report shows them.
#[must_use]
pub fn routes_of(model: &Model) -> Routes<'_> {
    let apps = model.apps.iter().enumerate().map(|(at, app)| {
        let found = model.project.apps.get(at);
        AppRoutes {
            root: &app.root,
            framework: found.map_or("", |app| app.framework.word()),
            version: found.and_then(|app| app.version.as_deref()),
            routes: app.routes.iter().map(row).collect(),
        }
    });
    Routes {
        schema: "readiness/routes/1",
        apps: apps.collect(),
    }
}

/// The route tables as JSON, indented, with a line end behind it.
#[must_use]
pub fn routes_json(model: &Model) -> String {
    pretty(&routes_of(model))
}

fn row(facts: &RouteFacts) -> RouteRow<'_> {
    let verdict = |control| facts.controls.get(&control);
    let limit = control_row(verdict(Control::RateLimit));
    RouteRow {
        file: &facts.file,
        route: facts.route.url.as_deref(),
        kind: facts.route.kind.word(),
        method: &facts.route.method,
        line: facts.location.line,
        public: Public {
            declared: facts.public_declared,
            guess: facts.public_guess.is_some(),
            why: facts.public_guess.as_deref(),
        },
        controls: Controls {
            auth: control_row(verdict(Control::Auth)),
            rate_limit: LimitRow {
                status: limit.status,
                limit: verdict(Control::RateLimit).and_then(|verdict| verdict.limit.as_deref()),
                confidence: limit.confidence,
                evidence: limit.evidence,
            },
            validation: control_row(verdict(Control::Validation)),
            error_handling: control_row(verdict(Control::ErrorHandling)),
            logging: control_row(verdict(Control::Logging)),
            tests: control_row(verdict(Control::Tests)),
        },
    }
}

/// A verdict that nobody gave is an unknown one, never a missing key.
fn control_row(verdict: Option<&Verdict>) -> ControlRow<'_> {
    match verdict {
        Some(verdict) => ControlRow {
            status: verdict.status,
            confidence: verdict.confidence,
            evidence: &verdict.evidence,
        },
        None => ControlRow {
            status: Status::Unknown,
            confidence: Confidence::Low,
            evidence: &[],
        },
    }
}
