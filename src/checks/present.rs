//! `[check.present]`: one of several signs has to be found.

use crate::finding::Finding;
use crate::rule::{Confidence, Doubt, How, Parts, Present, Signs};
use crate::source::{Location, RepoPath};

use super::CheckResult;
use super::dependency::is_of;
use super::pipeline::run_on_tests;
use super::shown::place;
use super::signs::{Ground, found};
use super::subject::Subject;
use super::tests_elsewhere::{Counted, ELSEWHERE, tests};

pub(super) fn run(subject: &Subject<'_>, check: &Present) -> CheckResult {
    let ground = Ground {
        subject,
        whole: check.repository,
    };
    let images: usize = if check.images == 0 {
        0
    } else {
        subject
            .running()
            .map(|module| module.facts.images as usize)
            .sum()
    };
    let large = subject.app.routes.len() >= check.handlers;
    let asked = images >= check.images
        && (!check.pages || subject.serves_pages())
        && check
            .when
            .iter()
            .chain(&check.and_when)
            .all(|signs| found(&ground, signs));
    if !asked {
        return CheckResult::default();
    }
    if !large {
        // A small application may do without; what it has counts.
        let kept = subject.has_routes() && found(&ground, &check.any);
        return if kept {
            CheckResult::passed(place(&ground, &check.any))
        } else {
            CheckResult::default()
        };
    }
    let shown = if check.images > 0 {
        shows(subject, &check.any.uses)
    } else {
        found(&ground, &check.any)
    };
    if shown {
        return CheckResult::passed(place(&ground, &check.any));
    }
    if check
        .likely
        .as_ref()
        .is_some_and(|signs| found(&ground, signs))
    {
        return CheckResult::only_likely();
    }
    if subject.rule.how == How::Attest {
        // Nothing in the repository shows it, and nothing has to: it waits for somebody to vouch for it.
        let mut result = CheckResult::default();
        result.silent_gap(1.0);
        return result;
    }
    let mut says = check.says.replace("{}", &images.to_string());
    if says.contains("{file}") {
        let file = check
            .when
            .as_ref()
            .and_then(|when| ground.file(&when.files));
        says = says.replace("{file}", file.map_or("", RepoPath::as_str));
    }
    let mut finding = missing(&ground, &check.any, &says);
    let tests = || tests(subject).map(|(id, _)| id).collect::<Vec<_>>();
    let question = match doubted(&ground, &check.doubts) {
        Some(question) => Some(question),
        None => (check.by_tests_inside && Counted::of(subject, &tests()).are_elsewhere())
            .then_some(ELSEWHERE),
    };
    if let Some(question) = question {
        finding = in_doubt(finding, question);
    }
    CheckResult::pass_or_fail(vec![finding])
}

/// A finding that ends in a question.
pub(super) fn in_doubt(mut finding: Finding, question: &str) -> Finding {
    finding.message.push_str(&format!(": or {question}?"));
    finding.at_most(Confidence::Low)
}

/// The question of the first doubt that holds.
pub(super) fn doubted<'d>(ground: &Ground<'_, '_>, doubts: &'d [Doubt]) -> Option<&'d str> {
    let subject = ground.subject;
    let holds = |doubt: &&Doubt| {
        let shown = |signs: &Option<Signs>| signs.as_ref().map(|signs| found(ground, signs));
        let purposes = &doubt.purposes;
        (!doubt.exported || subject.is_exported())
            && (purposes.is_empty() || purposes.iter().any(|each| subject.is_for(*each)))
            && shown(&doubt.with) != Some(false)
            && shown(&doubt.without) != Some(true)
            && (doubt.not_run_on_tests.is_empty()
                || !run_on_tests(subject, &doubt.not_run_on_tests))
    };
    let doubt = doubts.iter().find(holds)?;
    Some(&doubt.question)
}

/// An image of one of the packages is shown, and not only imported.
fn shows(subject: &Subject<'_>, packages: &[String]) -> bool {
    subject.running().any(|module| {
        let mut imports = module.imports.iter();
        module.facts.image_components > 0
            && imports.any(|import| packages.iter().any(|each| is_of(each, &import.specifier)))
    })
}

/// Answers `[check.parts]`.
pub(super) fn parts(subject: &Subject<'_>, check: &Parts) -> CheckResult {
    let ground = Ground {
        subject,
        whole: check.repository,
    };
    let mut result = CheckResult::default();
    let asked = |when: &Option<Signs>| when.as_ref().is_none_or(|signs| found(&ground, signs));
    if subject.app.routes.len() < check.handlers
        || (check.pages && !subject.serves_pages())
        || !asked(&check.when)
    {
        return result;
    }
    for part in check.parts.iter().filter(|part| asked(&part.when)) {
        if found(&ground, &part.any) {
            result.covered_at(1.0, || place(&ground, &part.any));
        } else if part
            .likely
            .as_ref()
            .is_some_and(|signs| found(&ground, signs))
        {
            result.likely();
        } else {
            result.gap(1.0, missing(&ground, &part.any, &part.says));
        }
    }
    result
}

/// What is missing, at the manifest of the application or of the repository.
fn missing(ground: &Ground<'_, '_>, signs: &Signs, says: &str) -> Finding {
    let mut message = says.to_owned();
    if let Some(name) = ground.installed(signs.uses.iter()) {
        message = format!("{message}; {name} is installed, but not used");
    }
    let mut finding = ground.subject.absence(message);
    if ground.whole {
        finding.location = Location::of_line(&home(ground.subject), 1);
    }
    finding
}

/// The manifest of the whole repository when it has one; else the application's.
pub(super) fn home(subject: &Subject<'_>) -> RepoPath {
    let packages = &subject.model.project.packages;
    let whole = packages
        .iter()
        .any(|package| package.root.as_ref().is_some_and(RepoPath::is_root));
    if whole {
        RepoPath::new("package.json")
    } else {
        subject.home()
    }
}
