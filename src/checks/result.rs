//! What a check answers.

use crate::finding::Finding;
use crate::model::{Count, RouteFacts};
use crate::source::{Location, RepoPath};

use super::subject::route_name;

/// Findings, and how much of what was asked is in order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CheckResult {
    /// The gaps.
    pub findings: Vec<Finding>,
    /// Units in order.
    pub covered: usize,
    /// Units that the rule is asked of and that could be judged; 0 when it does not apply.
    pub total: usize,
    /// Units that could not be judged. They are not part of `total`.
    pub unknown: Vec<Unjudged>,
    /// Units for which only a name or a word speaks. They are not part of `total`.
    pub likely: usize,
    /// The weight of what is in order: half gaps count half, expensive handlers double.
    pub covered_weight: f64,
    /// The weight of all units.
    pub total_weight: f64,
    /// A place that shows what is in order: the first of several.
    pub shown: Option<Location>,
    /// What the check counted, whatever it asks of it. The reports' metrics show it.
    pub counted: Option<Count>,
}

/// A unit that could not be judged: a handler, a file, or the whole application.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unjudged {
    /// `POST /api/chat`, when it is one handler.
    pub route: Option<String>,
    /// The handler's file, or the file that it is.
    pub file: Option<RepoPath>,
}

impl CheckResult {
    /// Counts a unit that is in order.
    pub fn covered(&mut self, weight: f64) {
        self.covered += 1;
        self.total += 1;
        self.covered_weight += weight;
        self.total_weight += weight;
    }

    /// Counts a unit that is in order, and where that is seen.
    pub fn covered_at(&mut self, weight: f64, place: impl FnOnce() -> Option<Location>) {
        self.covered(weight);
        if self.shown.is_none() {
            self.shown = place();
        }
    }

    /// Counts a unit that is not in order.
    pub fn gap(&mut self, weight: f64, finding: Finding) {
        self.total += 1;
        self.total_weight += weight;
        self.findings.push(finding);
    }

    /// Counts a unit that is half in order.
    pub fn half(&mut self, weight: f64, finding: Finding) {
        self.covered_weight += weight / 2.0;
        self.gap(weight, finding);
    }

    /// Counts a unit that is missing and that another rule reports.
    pub fn silent_gap(&mut self, weight: f64) {
        self.total += 1;
        self.total_weight += weight;
    }

    /// Counts a unit for which only a name or a word speaks.
    pub fn likely(&mut self) {
        self.likely += 1;
    }

    /// Counts a unit of the whole application that could not be judged.
    pub fn unknown(&mut self) {
        self.unknown.push(Unjudged::default());
    }

    /// Counts a unit in a file that could not be judged.
    pub fn unknown_in(&mut self, file: &RepoPath) {
        self.unknown.push(Unjudged {
            route: None,
            file: Some(file.clone()),
        });
    }

    /// Counts a handler that could not be judged.
    pub fn unknown_handler(&mut self, route: &RouteFacts) {
        self.unknown.push(Unjudged {
            route: Some(route_name(route)),
            file: Some(route.location.file.clone()),
        });
    }
}

impl CheckResult {
    /// One unit for the whole application: in order when there is no finding.
    #[must_use]
    pub fn pass_or_fail(findings: Vec<Finding>) -> Self {
        let mut result = Self::default();
        if findings.is_empty() {
            result.covered(1.0);
        } else {
            result.silent_gap(1.0);
            result.findings = findings;
        }
        result
    }

    /// One unit for the whole application that is in order, and where that is seen.
    #[must_use]
    pub fn passed(place: Option<Location>) -> Self {
        let mut result = Self::default();
        result.covered_at(1.0, || place);
        result
    }

    /// One unit for the whole application, for which only a name or a word speaks.
    #[must_use]
    pub fn only_likely() -> Self {
        let mut result = Self::default();
        result.likely();
        result
    }
}
