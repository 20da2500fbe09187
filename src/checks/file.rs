//! `[check.file]`: a file has to exist, or must not.

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::rule::FileCheck;
use crate::source::{Location, RepoPath};

use super::CheckResult;
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &FileCheck) -> CheckResult {
    if !check.only_with.is_empty() && fitting(subject, &check.only_with).is_empty() {
        return CheckResult::default();
    }
    let found = fitting(subject, &check.any);
    if check.forbidden {
        let findings = found.iter().map(|path| {
            let message = check.says.replace("{}", path.as_str());
            subject.finding(Location::of_line(path, 1), message)
        });
        return CheckResult::pass_or_fail(findings.collect());
    }
    if found.is_empty() {
        return CheckResult::pass_or_fail(vec![subject.app_finding(check.says.clone())]);
    }
    let place = found.first().map(|path| Location::of_line(path, 1));
    CheckResult::passed(place)
}

/// The paths that one of the globs names, from the application's folder or from the root.
pub(super) fn fitting<'a>(subject: &Subject<'a>, globs: &[String]) -> Vec<&'a RepoPath> {
    let set = subject.globs(globs);
    let root = &subject.project.root;
    let below = |path: &RepoPath| {
        path.strip_prefix(root)
            .is_some_and(|rest| set.is_match(rest))
            || set.is_match(path.as_str())
    };
    subject
        .model
        .paths
        .iter()
        .filter(|path| below(path))
        .collect()
}

/// The globs as one set; those that are none were refused when the rule was read.
pub(super) fn glob_set(globs: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in globs.iter().filter_map(|glob| Glob::new(glob).ok()) {
        set.add(glob);
    }
    set.build().unwrap_or_else(|_| GlobSet::empty())
}
