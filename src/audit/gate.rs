//! Whether the audit passes.

use crate::config::{FailOn, Gate};
use crate::rule::Confidence;

use super::Audit;

/// When the audit fails: what the configuration says, with the command line's word over it.
pub type GateOptions = Gate;

/// Whether the audit passes, and if not, why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GateDecision {
    /// It passes.
    pub passed: bool,
    /// Why it does not, one sentence fragment per reason and application.
    pub reasons: Vec<String>,
}

impl Audit {
    /// Decides whether the audit passes. Suppressed and known findings do not fail it; those of low confidence
    /// only when asked.
    #[must_use]
    pub fn gate(&self, options: &GateOptions) -> GateDecision {
        let mut reasons = Vec::new();
        for app in &self.apps {
            let place = if app.root.is_root() {
                String::new()
            } else {
                format!("{}: ", app.root)
            };
            if let FailOn::Severity(mildest) = options.fail_on {
                let bad = app
                    .findings
                    .iter()
                    .filter(|finding| finding.severity >= mildest && !finding.is_known());
                let (failing, likely): (Vec<_>, Vec<_>) = bad.partition(|finding| {
                    options.low_confidence || finding.confidence == Confidence::High
                });
                let count = failing.len();
                if count > 0 {
                    let noun = if count == 1 { "finding" } else { "findings" };
                    let word = mildest.word();
                    // Without a baseline, what stands out is what a change touches, new or not.
                    let ratchet = app.findings.iter().any(|it| it.standing.is_some());
                    let (new, touched) = match (ratchet, self.comparison.is_some()) {
                        (false, _) => ("", ""),
                        (true, true) => ("new ", ""),
                        (true, false) => ("", " that the change touches"),
                    };
                    let besides = match likely.len() {
                        0 => String::new(),
                        1 => String::from(", and 1 that is only likely and does not count"),
                        more => format!(", and {more} that are only likely and do not count"),
                    };
                    reasons.push(format!(
                        "{place}{count} {new}{noun} of severity {word} or worse{touched}{besides}"
                    ));
                }
            }
            if let Some(least) = options.min_score
                && let Some(score) = app.score
                && score < least
            {
                reasons.push(format!("{place}score {score:.1} is below {least}"));
            }
        }
        GateDecision {
            passed: reasons.is_empty(),
            reasons,
        }
    }
}
