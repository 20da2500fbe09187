//! `[check.config-spelling]`: keys of configuration files that are one slip away from one that the tool knows.

use serde_json::Value;

use crate::rule::{ConfigSection, ConfigSpelling, near_miss};
use crate::source::Location;
use crate::syntax::{Expr, ExprId, ModuleRecord, Property};

use super::CheckResult;
use super::code::{key, numbered, place, property};
use super::subject::Subject;

/// The keys of one object with their places.
type Keys<'m> = Vec<(&'m str, Location)>;

pub(super) fn run(subject: &Subject<'_>, check: &ConfigSpelling) -> CheckResult {
    let mut result = CheckResult::default();
    let root = &subject.project.root;
    for (_, module) in subject.model.graph.modules() {
        let name = module.path.file_name();
        if !name.contains(".config.") {
            continue;
        }
        let folder = module.path.ancestors().nth(1);
        let near = folder.is_some_and(|folder| root.ancestors().any(|above| above == folder));
        if !near {
            continue;
        }
        for section in &check.sections {
            if section.files.iter().any(|stem| is_named(name, stem)) {
                for keys in objects(module, section) {
                    judge(subject, section, &keys, &mut result);
                }
            }
        }
    }
    for package in &subject.model.project.packages {
        let folder = package.folder();
        if folder != *root && !root.starts_with(&folder) {
            continue;
        }
        let manifest = Location::of_line(&folder.join("package.json"), 1);
        for section in &check.sections {
            let Some(whole) = section
                .manifest
                .as_ref()
                .and_then(|key| package.json.get(key))
            else {
                continue;
            };
            for object in below(whole, &section.path) {
                let keys = object
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(key, _)| (key.as_str(), manifest.clone()))
                    .collect();
                judge(subject, section, &keys, &mut result);
            }
        }
    }
    result
}

/// `jest.config.ts` and `jest.unit.config.ts` are jest's.
fn is_named(file: &str, stem: &str) -> bool {
    file.strip_prefix(stem)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn below<'v>(whole: &'v Value, path: &[String]) -> Vec<&'v Value> {
    let mut found = vec![whole];
    for part in path {
        found = found
            .into_iter()
            .flat_map(|value| -> Vec<&Value> {
                match (part.as_str(), value.as_object()) {
                    ("*", Some(entries)) => entries.values().collect(),
                    (part, Some(entries)) => entries.get(part).into_iter().collect(),
                    (_, None) => Vec::new(),
                }
            })
            .collect();
    }
    found
}

/// The objects of the module that are the section: whatever wraps the configuration, they stand there as literals.
fn objects<'m>(module: &'m ModuleRecord, section: &ConfigSection) -> Vec<Keys<'m>> {
    let mut found = Vec::new();
    for (id, expr) in numbered(module) {
        if !matches!(expr, Expr::Object(_)) {
            continue;
        }
        if section.path.is_empty() {
            let keys = keys_of(module, id);
            let known = keys
                .iter()
                .filter(|(key, _)| is_known(section, key))
                .count();
            // Smaller objects of the same file have keys of their own.
            if known > 0 && known * 2 >= keys.len() {
                found.push(keys);
            }
            continue;
        }
        let mut ends = vec![id];
        for part in &section.path {
            ends = ends
                .into_iter()
                .flat_map(|object| match part.as_str() {
                    "*" => values_of(module, object),
                    part => property(module, object, part).into_iter().collect(),
                })
                .collect();
        }
        found.extend(ends.into_iter().map(|object| keys_of(module, object)));
    }
    found
}

fn keys_of(module: &ModuleRecord, object: ExprId) -> Keys<'_> {
    properties(module, object)
        .filter_map(|(name, value)| Some((name?, place(module, value))))
        .collect()
}

fn values_of(module: &ModuleRecord, object: ExprId) -> Vec<ExprId> {
    properties(module, object).map(|(_, value)| value).collect()
}

fn properties(
    module: &ModuleRecord,
    object: ExprId,
) -> impl Iterator<Item = (Option<&str>, ExprId)> {
    let properties = match module.exprs.get(object.0 as usize) {
        Some(Expr::Object(properties)) => &**properties,
        _ => &[],
    };
    properties.iter().filter_map(|each| match each {
        Property::Value { key: name, value } => Some((key(module, name), *value)),
        _ => None,
    })
}

fn is_known(section: &ConfigSection, key: &str) -> bool {
    section.protects.contains_key(key) || section.known.iter().any(|known| known == key)
}

fn judge(
    subject: &Subject<'_>,
    section: &ConfigSection,
    keys: &Keys<'_>,
    result: &mut CheckResult,
) {
    let tool = &section.tool;
    let mut wrong = false;
    for (key, location) in keys {
        if is_known(section, key) {
            continue;
        }
        let candidates = section.protects.keys().chain(&section.known);
        let Some(meant) = near_miss(key, candidates.map(String::as_str)) else {
            continue;
        };
        // Where the known key stands beside it, this one is something else.
        if keys.iter().any(|(other, _)| *other == meant) {
            continue;
        }
        let message = match section.protects.get(meant) {
            Some(lost) => {
                format!("`{key}` is no option of {tool}, so {lost}; it is called `{meant}`")
            }
            None => format!("`{key}` is no option of {tool}, which ignores it; `{meant}` is one"),
        };
        let mut location = location.clone();
        location.end_line = location.line;
        wrong = true;
        result.gap(1.0, subject.finding(location, message));
    }
    if !wrong && !keys.is_empty() {
        result.covered(1.0);
    }
}
