//! `[check.strict-types]`: `compilerOptions.strict`.

use crate::source::Location;

use super::CheckResult;
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>) -> CheckResult {
    let mut result = CheckResult::default();
    let Some(strict) = subject.model.graph.resolver().strict(&subject.project.root) else {
        return result;
    };
    // Plain JavaScript: there are no types to be strict about.
    if strict.file.file_name() == "jsconfig.json" {
        return result;
    }
    match strict.value {
        Some(true) => result.covered(1.0),
        Some(false) => {
            let place = Location::of_line(&strict.file, strict.line);
            let message = String::from("the compiler's strict mode is switched off");
            result.gap(1.0, subject.finding(place, message));
        }
        // What a package that is not here says cannot be known.
        None if strict.extends_unseen => result.unknown(),
        None => {
            let place = Location::of_line(&strict.file, strict.line);
            let message = String::from("the compiler's strict mode is not switched on");
            result.gap(1.0, subject.finding(place, message));
        }
    }
    result
}
