//! `[check.measured]`: values from the result files of other tools, held to targets.

use crate::finding::Related;
use crate::rule::{Measured, MeasuredResult};
use crate::source::{Location, RepoPath};

use super::CheckResult;
use super::subject::Subject;

/// So many files are shown.
const SHOWN: usize = 10;

pub(super) fn run(subject: &Subject<'_>, check: &Measured) -> CheckResult {
    let mut result = CheckResult::default();
    let Some((file, measured)) = subject.model.measured.get(&check.result) else {
        // Nothing was measured, which is no failure of the code.
        result.silent_gap(1.0);
        return result;
    };
    for target in &check.targets {
        let Some(value) = measured.values.get(&target.value) else {
            continue;
        };
        let shown = |value: f64| format!("{}{}", rounded(value), target.unit);
        let wrong = match (target.at_most, target.at_least) {
            (Some(most), _) if *value > most => Some(format!("above {}", shown(most))),
            (_, Some(least)) if *value < least => Some(format!("below {}", shown(least))),
            _ => None,
        };
        match wrong {
            None => result.covered_at(1.0, || Some(Location::of_line(file, 1))),
            Some(wrong) => {
                let message = format!("{} is {}, {wrong}", target.name, shown(*value));
                let place = Location::of_line(file, 1);
                result.gap(1.0, subject.finding(place, message));
            }
        }
    }
    if check.result == MeasuredResult::Coverage {
        never_executed(subject, file, &measured.unexecuted, &mut result);
    }
    result
}

/// Handlers in files of which the coverage says that no line ran.
fn never_executed(
    subject: &Subject<'_>,
    file: &RepoPath,
    unexecuted: &[String],
    result: &mut CheckResult,
) {
    let mut files: Vec<&RepoPath> = subject.app.routes.iter().map(|route| &route.file).collect();
    files.dedup();
    let ends_with = |path: &str, route: &RepoPath| {
        let (path, route) = (path.replace('\\', "/"), route.as_str());
        path == route
            || path.ends_with(&format!("/{route}"))
            || route.ends_with(&format!("/{path}"))
    };
    let never: Vec<&RepoPath> = files
        .iter()
        .copied()
        .filter(|route| unexecuted.iter().any(|path| ends_with(path, route)))
        .collect();
    if never.is_empty() {
        return;
    }
    let message = format!(
        "{} of {} files with handlers were executed by no test",
        never.len(),
        files.len()
    );
    let related = never.iter().take(SHOWN).map(|path| Related {
        location: Location::of_line(path, 1),
        note: String::from("no line was executed"),
    });
    let finding = subject
        .finding(Location::of_line(file, 1), message)
        .with_related(related.collect());
    result.gap(1.0, finding);
}

/// One digit after the point where there is one.
fn rounded(value: f64) -> String {
    let value = (value * 100.0).round() / 100.0;
    format!("{value}")
}
