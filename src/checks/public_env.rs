//! `[check.public-env]`: secrets in variables that are sent to browsers.

use std::collections::BTreeMap;

use crate::rule::{Confidence, PublicEnv, wildcard};
use crate::source::Location;

use super::CheckResult;
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &PublicEnv) -> CheckResult {
    // Each variable once, where it is read first; and whether code for browsers reads it.
    let mut variables: BTreeMap<&str, (Location, bool)> = BTreeMap::new();
    for (id, module) in subject.modules() {
        for (name, span) in &module.facts.env_reads {
            if is_public(check, name) {
                let first = || (module.location(*span), false);
                let known = variables.entry(name).or_insert_with(first);
                known.1 |= subject.runs_in_browser(id);
            }
        }
    }
    let mut result = CheckResult::default();
    for (name, (location, sent)) in variables {
        if is_secret(check, name) && sent {
            let message = format!("{name} is sent to every browser, and its name is a secret's");
            result.gap(1.0, subject.finding(location, message));
        } else if is_secret(check, name) {
            let message = format!(
                "{name} has a secret's name, and its prefix sends it to every browser as soon as code for browsers reads it: \
                 is it meant to be public?"
            );
            let finding = subject.finding(location, message);
            result.gap(1.0, finding.at_most(Confidence::Low));
        } else {
            result.covered(1.0);
        }
    }
    result
}

fn is_public(check: &PublicEnv, name: &str) -> bool {
    check
        .prefixes
        .iter()
        .any(|prefix| name.starts_with(prefix.as_str()))
}

fn is_secret(check: &PublicEnv, name: &str) -> bool {
    let rest = check
        .prefixes
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix.as_str()))
        .unwrap_or(name);
    let fits = |patterns: &[String]| patterns.iter().any(|pattern| wildcard(pattern, rest));
    fits(&check.secret) && !fits(&check.public)
}
