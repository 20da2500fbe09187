//! `[check.env-documented]`, `[check.env-committed]`: variables that code reads against example files, and files with secrets.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Related;
use crate::rule::{EnvCommitted, EnvDocumented, wildcard};
use crate::source::{Location, RepoPath};

use super::CheckResult;
use super::subject::Subject;

/// So many variables are named in a message.
const NAMED: usize = 3;

/// So many places are shown.
const SHOWN: usize = 10;

pub(super) fn documented(subject: &Subject<'_>, check: &EnvDocumented) -> CheckResult {
    let mut read: BTreeMap<&str, Location> = BTreeMap::new();
    let set = set_by_scripts(subject);
    let except = subject.globs(&check.except);
    for (_, module) in subject.modules() {
        let reads = &module.facts.env_reads;
        if reads.is_empty() || except.is_match(module.path.as_str()) {
            continue;
        }
        for (name, span) in reads {
            if !set.contains(&**name) && !check.ignore.iter().any(|pattern| wildcard(pattern, name))
            {
                read.entry(name).or_insert_with(|| module.location(*span));
            }
        }
    }
    if read.len() < check.at_least {
        return CheckResult::default();
    }
    let root = &subject.project.root;
    let near = |file: &RepoPath| {
        let folder = file.parent().unwrap_or_else(|| RepoPath::new(""));
        file.starts_with(root) || root.starts_with(&folder)
    };
    let entries = &subject.model.project.files.env_documented;
    let mut examples: Vec<&RepoPath> = entries
        .iter()
        .map(|(_, location)| &location.file)
        .filter(|file| near(file))
        .collect();
    let values = &subject.model.project.files.env_committed;
    examples.sort_by_key(|file| {
        (
            // A template tells more than a file with values for one stage.
            values.contains(file),
            std::cmp::Reverse(file.segments().count()),
            file.file_name().len(),
            *file,
        )
    });
    examples.dedup();
    let mut result = CheckResult::default();
    // Written anywhere in the repository is written down.
    let known: BTreeSet<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    let Some(example) = examples.first() else {
        let unknown = read.keys().filter(|name| !known.contains(*name)).count();
        if unknown < check.at_least {
            result.covered(1.0);
            return result;
        }
        let message =
            format!("{unknown} environment variables are read, and no example file lists them");
        result.silent_gap(1.0);
        result.findings.push(subject.app_finding(message));
        return result;
    };
    let mut missing = Vec::new();
    for (name, location) in &read {
        if known.contains(name) {
            result.covered(1.0);
        } else {
            result.silent_gap(1.0);
            missing.push((*name, location));
        }
    }
    if missing.is_empty() {
        return result;
    }
    let named: Vec<&str> = missing.iter().take(NAMED).map(|(name, _)| *name).collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "{} of {} environment variables that code reads stand in no example file: {}{more}",
        missing.len(),
        read.len(),
        named.join(", ")
    );
    let related = missing.iter().take(SHOWN).map(|(name, location)| Related {
        location: (*location).clone(),
        note: format!("{name} is read"),
    });
    let finding = subject
        .finding(Location::of_line(example, 1), message)
        .with_related(related.collect());
    result.findings.push(finding);
    result
}

/// The variables that the scripts which start the application set themselves: `"dev": "MOCKS=true next dev"`.
fn set_by_scripts<'m>(subject: &Subject<'m>) -> BTreeSet<&'m str> {
    let root = &subject.project.root;
    let packages = subject.model.project.packages.iter();
    let near = packages.filter(|package| root.starts_with(&package.folder()));
    let scripts = near.flat_map(|package| &package.scripts);
    let starting = scripts.filter(|(name, _)| name.starts_with("dev") || name.starts_with("start"));
    let words = starting.flat_map(|(_, line)| line.split_whitespace());
    let named = words.filter_map(|word| Some(word.split_once('=')?.0));
    let is_variable = |name: &&str| {
        name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    named.filter(is_variable).collect()
}

/// Answers `[check.env-committed]`.
pub(super) fn committed(subject: &Subject<'_>, check: &EnvCommitted) -> CheckResult {
    let fits = |patterns: &[String], name: &str| {
        let name = name.to_ascii_uppercase();
        patterns.iter().any(|pattern| wildcard(pattern, &name))
    };
    let mut files: BTreeMap<&RepoPath, Vec<(&str, &Location)>> = BTreeMap::new();
    for (name, location) in &subject.model.project.files.env_secret {
        if fits(&check.secret, name) && !fits(&check.except, name) {
            let entry = files.entry(&location.file).or_default();
            entry.push((name, location));
        }
    }
    let mut findings = Vec::new();
    for (file, names) in files {
        let Some((_, first)) = names.first() else {
            continue;
        };
        let shown: Vec<&str> = names.iter().take(NAMED).map(|(name, _)| *name).collect();
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "{} is committed with values for {}{more}",
            file.file_name(),
            shown.join(", ")
        );
        findings.push(subject.finding((*first).clone(), message));
    }
    CheckResult::pass_or_fail(findings)
}
