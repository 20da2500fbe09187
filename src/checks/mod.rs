//! One file per kind of check: a rule and the model give findings and counts. Pure: no reading, no order, no configuration.

mod result;
mod route_control;
mod subject;

pub use result::CheckResult;

use crate::model::Model;
use crate::rule::{Check, Rule};

/// Answers `rule` for one application: an index into [`Model::apps`].
#[must_use]
pub fn run(rule: &Rule, model: &Model, app: usize) -> CheckResult {
    let Some(subject) = subject::Subject::new(rule, model, app) else {
        return CheckResult::default();
    };
    match &rule.check {
        Check::RouteControl(check) => route_control::run(&subject, check),
        _ => CheckResult::default(),
    }
}
