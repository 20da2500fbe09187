//! Findings: what a check reports, where, and how sure it is. Nothing about printing.

use serde::Serialize;

use crate::rule::{Confidence, Rule, Severity};
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
    /// The function that the place is in, by its name: tells findings apart that are alike, whatever stands above them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// How many places it stands for, where one finding tells of all: more of them than were accepted are worse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// It tells of the whole application, and its place is only the first of many.
    #[serde(skip)]
    pub everywhere: bool,
    /// It concerns an expensive handler, and so counts double in the score and comes first in reports.
    pub expensive: bool,
    /// Identifies the finding across runs: survives moved lines.
    pub fingerprint: String,
    /// What to do first, as the rule says it.
    pub fix: String,
    /// How it stands against what was accepted before; absent when nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// How a finding stands against what was accepted before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It was not there.
    New,
    /// It was there and is more severe now, or counts more places.
    Worse,
    /// It was there, or lies outside of what changed. It fails no gate.
    Known,
}

/// A place that belongs to a finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
pub struct Related {
    /// Where.
    pub location: Location,
    /// What happens there.
    pub note: String,
}

impl Finding {
    /// A finding of `rule` as sure and as bad as the rule says. The audit gives it its fingerprint.
    #[must_use]
    pub fn new(rule: &Rule, location: Location, message: String) -> Self {
        Self {
            rule: rule.id.clone(),
            severity: rule.severity,
            confidence: rule.confidence,
            message,
            location,
            related: Vec::new(),
            route: None,
            within: None,
            count: None,
            everywhere: false,
            expensive: false,
            fingerprint: String::new(),
            fix: rule.fix.clone(),
            standing: None,
        }
    }

    /// It was accepted before, or lies outside of what changed.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.standing == Some(Standing::Known)
    }

    /// The finding, no surer than `confidence`.
    #[must_use]
    pub fn at_most(mut self, confidence: Confidence) -> Self {
        self.confidence = self.confidence.min(confidence);
        self
    }

    /// The finding with this severity, when one is given.
    #[must_use]
    pub fn with_severity(mut self, severity: Option<Severity>) -> Self {
        self.severity = severity.unwrap_or(self.severity);
        self
    }

    /// The finding, standing for this many places of its file.
    #[must_use]
    pub fn counting(mut self, places: usize) -> Self {
        self.count = Some(places);
        self
    }

    /// The finding, standing for this many places of the application.
    #[must_use]
    pub fn counting_everywhere(mut self, places: usize) -> Self {
        self.everywhere = true;
        self.counting(places)
    }

    /// The finding with the places behind it.
    #[must_use]
    pub fn with_related(mut self, related: Vec<Related>) -> Self {
        self.related = related;
        self
    }
}
