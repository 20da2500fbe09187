//! `[check.strict-types]`: `compilerOptions.strict`, or the checks that it stands for.

use crate::project::STRICT_CHECKS;
use crate::rule::Confidence;
use crate::source::Location;

use super::CheckResult;
use super::pipeline::runs_command;
use super::subject::Subject;

/// The checks of strict mode that find the most.
const MAIN: [&str; 2] = ["noImplicitAny", "strictNullChecks"];

pub(super) fn run(subject: &Subject<'_>) -> CheckResult {
    let mut result = CheckResult::default();
    let Some(strict) = subject.model.graph.resolver().strict(&subject.project.root) else {
        return result;
    };
    // Plain JavaScript: there are no types to be strict about.
    if strict.file.file_name() == "jsconfig.json" {
        return result;
    }
    let is_on = |check: &&str| strict.checks.get(check) == Some(&true);
    let (on, off): (Vec<&str>, Vec<&str>) = STRICT_CHECKS.into_iter().partition(is_on);
    let by_itself = || {
        let mut said = strict.checks.values();
        strict.value.is_none() && said.all(|on| *on) && is_strict_by_itself(subject)
    };
    if strict.value == Some(true) || off.is_empty() || by_itself() {
        result.covered(1.0);
        return result;
    }
    // What a package that is not here says cannot be known.
    if strict.value.is_none() && strict.extends_unseen {
        result.unknown();
        return result;
    }
    let state = if strict.value.is_some() {
        "switched off"
    } else {
        "not switched on"
    };
    let place = Location::of_line(&strict.file, strict.line);
    let mut message = format!("the compiler's strict mode is {state}");
    if !on.is_empty() {
        let list = |checks: &[&str]| format!("`{}`", checks.join("`, `"));
        let (on, off) = (list(&on), list(&off));
        message = format!("{message}; of its checks it makes {on} and leaves out {off}");
    }
    let most = MAIN.iter().all(is_on);
    if most {
        message.push_str(": or is that enough?");
    }
    let mut finding = subject.finding(place, message);
    if most {
        finding = finding.at_most(Confidence::Low);
    }
    result.gap(1.0, finding);
    result
}

/// The compiler is strict where nothing tells it not to be: from version 6 on, and the native one that comes after it.
fn is_strict_by_itself(subject: &Subject<'_>) -> bool {
    let app = subject.project;
    let native = [String::from("tsgo")];
    let mut packages = subject.packages_around().into_iter();
    app.major("typescript").is_some_and(|major| major >= 6)
        || app.versions.contains_key("@typescript/native-preview")
            && packages.any(|package| {
                let mut scripts = package.scripts.values();
                scripts.any(|line| runs_command(&native, line))
            })
}
