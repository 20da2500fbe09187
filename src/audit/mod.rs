//! Running the checks in parallel, then sorting, suppressing, gating and scoring: once, and here only.

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::rule::{How, Severity};
use crate::source::{Location, RepoPath, Unreadable};

mod accepted;
mod baseline;
mod diff;
mod fingerprint;
mod gate;
mod run;
mod score;
mod since;
mod suppress;

pub use accepted::Accepted;
pub use baseline::{Baseline, Comparison, Moved};
pub use diff::{AppDiff, Diff, Score, Side, Which, diff};
pub use gate::{GateDecision, GateOptions};
pub use run::{AuditOptions, DEFAULT_ROADMAP, run};
pub use score::{Outcome, grade, judge, outside, overall, rule_answers};
pub use since::lost_proofs;

/// The whole result: what every report prints.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Audit {
    /// `readiness/audit/1`
    pub schema: &'static str,
    /// Name and version of the program.
    pub tool: Tool,
    /// The audited path, as the user gave it.
    pub root: String,
    /// The only application that was asked for, where one was.
    #[serde(skip)]
    pub only_app: Option<RepoPath>,
    /// The applications, by path.
    pub apps: Vec<AppAudit>,
    /// Files that are part of the repository and were not examined, and folders of packages that serve no route.
    pub not_examined: Vec<Unreadable>,
    /// Suppressions that match nothing, have run out, or lack a reason.
    pub stale_suppressions: Vec<StaleSuppression>,
    /// Rules that failed to give an answer: a defect of the program, not of the repository.
    pub not_evaluated: Vec<NotEvaluated>,
    /// How it stands against a baseline; absent when it was held against none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// A rule that gave no answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, schemars::JsonSchema)]
pub struct NotEvaluated {
    /// The application's folder.
    pub app: RepoPath,
    /// The rule's id.
    pub rule: String,
    /// What happened.
    pub reason: String,
}

/// Which program made the report.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Tool {
    /// `readiness`
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// One application.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct AppAudit {
    /// Its folder, relative to the root; empty for the root.
    pub root: RepoPath,
    /// Its name.
    pub name: String,
    /// `next`, `express` …
    pub framework: String,
    /// The framework's version.
    pub version: Option<String>,
    /// Technology found: name, version or package.
    pub stack: Vec<StackEntry>,
    /// Counts.
    pub metrics: Vec<Metric>,
    /// 0–100; `null` when nothing of the roadmap was judged.
    pub score: Option<f64>,
    /// A–F; `null` when there is no score.
    pub grade: Option<char>,
    /// The roadmap's name.
    pub roadmap: String,
    /// The roadmap's phases with their state.
    pub phases: Vec<Phase>,
    /// The rules with gaps that the roadmap does not list, as items of a last phase; they count in no score.
    pub outside: Phase,
    /// Per control: how many handlers it covers.
    pub coverage: Vec<Coverage>,
    /// Open findings, worst first.
    pub findings: Vec<Finding>,
    /// Findings that the configuration or a comment suppresses, with the reason.
    pub suppressed: Vec<Suppressed>,
    /// What could not be judged, by rule: no gap was found there, and none ruled out.
    pub unknown: Vec<Unknown>,
    /// Where each rule stands that was run, by id.
    #[serde(skip)]
    pub answers: Vec<RuleAnswer>,
}

/// Where a rule stands, whether the roadmap lists it or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleAnswer {
    /// Its id.
    pub rule: String,
    /// Its state.
    pub state: ItemState,
}

impl AppAudit {
    /// Where a rule stands; `None` when it was not run.
    #[must_use]
    pub fn answer(&self, rule: &str) -> Option<ItemState> {
        let at = self
            .answers
            .binary_search_by(|each| each.rule.as_str().cmp(rule));
        Some(self.answers.get(at.ok()?)?.state)
    }
}

/// A handler, a file, or a whole application that a rule could not judge.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Unknown {
    /// The rule's id.
    pub rule: String,
    /// `POST /api/chat`, when it is one handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The handler's file, or the file that it is; absent when it is the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A technology in use.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct StackEntry {
    /// `Next.js`
    pub name: String,
    /// `15.1.0`; empty where the manifest says only where to look it up.
    pub version: String,
}

/// A count.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Metric {
    /// `TypeScript files`
    pub name: String,
    /// How many.
    pub value: u64,
}

impl Metric {
    /// Worth a place in a line: something is there, or it is tests that are not.
    #[must_use]
    pub fn is_telling(&self) -> bool {
        self.value > 0 || self.name.starts_with("test")
    }
}

/// One phase of the roadmap.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Phase {
    /// Its title.
    pub title: String,
    /// 0–100; `null` when nothing in it was judged.
    pub score: Option<f64>,
    /// Hours of the open items.
    pub hours_open: f64,
    /// Its items.
    pub items: Vec<Item>,
}

/// One item of a phase.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Item {
    /// Its title.
    pub title: String,
    /// How much it weighs.
    pub priority: Severity,
    /// Who does it.
    pub owner: Option<String>,
    /// Hours that remain.
    pub effort_hours: f64,
    /// The rules behind it.
    pub rules: Vec<String>,
    /// How its state is known.
    pub how: How,
    /// Its state.
    pub state: ItemState,
    /// Checks passed, over all of its rules.
    pub covered: usize,
    /// Checks made: each rule asks of what concerns it, handlers, files or settings, so that these are not handlers alone.
    pub total: usize,
    /// The same by rule, of those that had something to check.
    pub checks: Vec<RuleChecks>,
    /// Open findings.
    pub gaps: usize,
    /// Of what is done, the places that show it: the first for each rule. Empty where nothing was found to be wrong.
    pub shown: Vec<Location>,
}

/// How much of what one rule asks is in order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
pub struct RuleChecks {
    /// The rule's id.
    pub rule: String,
    /// Checks passed.
    pub covered: usize,
    /// Checks made.
    pub total: usize,
}

/// Where an item stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ItemState {
    /// Nothing is missing.
    Done,
    /// Nothing is known to be missing, but a name is all that speaks for a part, or a part could not be judged.
    Likely,
    /// Something is missing.
    Open,
    /// Nobody attested it, or nothing was measured.
    Unattested,
    /// It does not apply to this application.
    NotApplicable,
    /// It could not be judged.
    Unknown,
}

/// How many handlers a control covers.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Coverage {
    /// The control's key, `rate_limit`.
    pub control: String,
    /// Handlers that it reaches on every path.
    pub covered: usize,
    /// Handlers that it reaches on some paths, or weakly (`optional`, `conditional`, `manual`, `console`).
    pub partial: usize,
    /// Handlers of which it is unknown.
    pub unknown: usize,
    /// Handlers that it is asked of: without those to which it does not apply, for auth without public ones, and for
    /// error handling without those in which nothing can fail. Those that only hand requests on to handlers of the list do not count.
    pub total: usize,
}

/// A suppressed finding.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Suppressed {
    /// What was suppressed.
    pub finding: Finding,
    /// Why, in the team's words.
    pub reason: String,
    /// A comment in the code suppresses it; otherwise the configuration does.
    pub in_source: bool,
}

/// A suppression that does nothing.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct StaleSuppression {
    /// Where it is written.
    pub location: Location,
    /// The rule it names.
    pub rule: String,
    /// What is wrong with it.
    pub problem: String,
}
