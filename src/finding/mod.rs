//! Findings: what a check reports, where, and how sure it is. Nothing about printing.

use serde::Serialize;

use crate::rule::{Confidence, Severity};
use crate::source::Location;

/// One gap, at one place.
#[derive(Clone, PartialEq, Debug, Serialize, schemars::JsonSchema)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// How bad it is; the configuration may have changed what the rule says.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is wrong, as a sentence without a full stop: `POST /api/chat has no rate limit`.
    pub message: String,
    /// The primary place.
    pub location: Location,
    /// The chain behind it: entry first.
    pub related: Vec<Related>,
    /// `POST /api/chat`, when it is about one handler.
    pub route: Option<String>,
    /// It concerns an expensive handler, and so counts double in the score and comes first in reports.
    pub expensive: bool,
    /// Identifies the finding across runs: survives moved lines.
    pub fingerprint: String,
}

/// A place that belongs to a finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
pub struct Related {
    /// Where.
    pub location: Location,
    /// What happens there.
    pub note: String,
}
