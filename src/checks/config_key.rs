//! `[check.config-key]`: the value at a key of a configuration file.

use serde_json::Value;

use crate::rule::{ConfigKey, ConfigValue};
use crate::source::{Location, RepoPath};
use crate::syntax::{Expr, ExprId, ModuleRecord};

use super::CheckResult;
use super::code::{place, property};
use super::file::glob_set;
use super::subject::Subject;

/// Deeper documents are not read: no real one is, and a parser may recurse.
const DEEPEST: usize = 128;

/// A value with its place; `None` for what cannot be read statically.
struct Entry {
    value: Option<Value>,
    location: Location,
}

pub(super) fn run(subject: &Subject<'_>, check: &ConfigKey) -> CheckResult {
    let (entries, asked, unread) = entries(subject, check);
    let mut result = CheckResult::default();
    let forbids = check.is_not.is_some();
    for entry in &entries {
        let fits = match (&entry.value, &check.is, &check.is_not) {
            (None, _, _) => {
                result.unknown_in(&entry.location.file);
                continue;
            }
            (Some(value), Some(wanted), _) => equals(value, wanted),
            (Some(value), None, Some(unwanted)) => !equals(value, unwanted),
            (Some(_), None, None) => true,
        };
        let made_up = || {
            let step = check.covered_by.as_ref();
            step.map_or(Some(false), |step| super::pipeline::concerns(subject, step))
        };
        let covered = if fits { Some(true) } else { made_up() };
        if covered == Some(true) {
            result.covered_at(1.0, || Some(entry.location.clone()));
        } else if covered.is_none() {
            result.unknown_in(&entry.location.file);
        } else {
            result.gap(
                1.0,
                subject.finding(entry.location.clone(), check.says.clone()),
            );
        }
    }
    if entries.is_empty() && asked {
        match (forbids, unread) {
            (_, true) => result.unknown(),
            (true, false) => result.covered(1.0),
            (false, false) => result.gap(1.0, subject.app_finding(check.says.clone())),
        }
    }
    result
}

/// The entries at the key, whether there is a file at all, and whether some file could not be read.
fn entries(subject: &Subject<'_>, check: &ConfigKey) -> (Vec<Entry>, bool, bool) {
    let mut found = Vec::new();
    let (mut asked, mut unread) = (false, false);
    if check.files.iter().any(|file| file == "next.config") {
        asked = subject.project.framework == crate::project::Framework::Next;
        let next = &subject.project.next;
        let known = match check.key.as_str() {
            "typescript.ignoreBuildErrors" => Some(&next.ignore_build_errors),
            "eslint.ignoreDuringBuilds" => Some(&next.ignore_lint),
            _ => None,
        };
        match known {
            Some(Some((value, location))) => found.push(Entry {
                value: Some(Value::Bool(*value)),
                location: location.clone(),
            }),
            Some(None) => {}
            None => {
                let module = next
                    .file
                    .as_ref()
                    .and_then(|file| subject.model.graph.find(file));
                if let Some(module) = module {
                    let module = subject.model.graph.module(module);
                    found.extend(in_module(module, &check.key));
                }
            }
        }
    }
    let globs: Vec<String> = check
        .files
        .iter()
        .filter(|file| *file != "next.config")
        .cloned()
        .collect();
    let files = glob_set(&globs);
    let root = &subject.project.root;
    let mine = |path: &RepoPath| {
        path.strip_prefix(root)
            .is_some_and(|rest| files.is_match(rest))
            || (path
                .parent()
                .is_some_and(|folder| root.starts_with(&folder))
                && files.is_match(path.file_name()))
    };
    for file in subject
        .model
        .documents
        .iter()
        .filter(|file| mine(&file.path))
    {
        asked = true;
        match value_of(&file.path, &file.text) {
            Some(value) => {
                if let Some(value) = at(&value, &check.key) {
                    found.push(Entry {
                        value: Some(value.clone()),
                        location: line_of(&file.path, &file.text, &check.key),
                    });
                }
            }
            None => unread = true,
        }
    }
    for (_, module) in subject.model.graph.modules() {
        if !globs.is_empty() && mine(&module.path) {
            asked = true;
            found.extend(in_module(module, &check.key));
        }
    }
    (found, asked, unread)
}

/// What the application's own file of this name sets the key to.
pub(super) fn own_value(subject: &Subject<'_>, file: &str, key: &str) -> Option<Value> {
    let path = subject.project.root.join(file);
    let mut documents = subject.model.documents.iter();
    let file = documents.find(|file| file.path == path)?;
    at(&value_of(&file.path, &file.text)?, key).cloned()
}

/// The application's own file of this name sets the key to something.
pub(super) fn is_set(subject: &Subject<'_>, file: &str, key: &str) -> bool {
    match own_value(subject, file, key) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(list)) => !list.is_empty(),
        Some(_) => true,
    }
}

fn equals(value: &Value, wanted: &ConfigValue) -> bool {
    match wanted {
        ConfigValue::Bool(wanted) => value.as_bool() == Some(*wanted),
        ConfigValue::Number(wanted) => value.as_f64() == Some(*wanted),
        ConfigValue::Text(wanted) => value.as_str() == Some(wanted.as_str()),
    }
}

/// `*` stands for any name: `env.*.observability`.
fn at<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let (first, rest) = match key.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (key, None),
    };
    let below = |value: &'a Value| rest.map_or(Some(value), |rest| at(value, rest));
    if first == "*" {
        // What one of them switches on counts, whatever another leaves off.
        let values = value.as_object()?.values().filter_map(below);
        return values.max_by_key(|value| **value != Value::Bool(false));
    }
    below(value.get(first)?)
}

/// The line on which the last part of the key is written, else the first.
fn line_of(path: &RepoPath, text: &str, key: &str) -> Location {
    let last = key.rsplit('.').next().unwrap_or(key);
    let line = text.lines().position(|line| {
        let line = line.trim_start().trim_start_matches('"');
        line.strip_prefix(last).is_some_and(|rest| {
            rest.trim_start_matches('"')
                .trim_start()
                .starts_with([':', '='])
        })
    });
    let line = line.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(1);
    Location::of_line(path, line)
}

/// A JSON text with comments; `None` when it is none, or nested beyond reason.
pub(super) fn json(text: &str) -> Option<Value> {
    if too_deep(text) {
        return None;
    }
    jsonc_parser::parse_to_serde_value(text, &jsonc_parser::ParseOptions::default()).ok()
}

fn value_of(path: &RepoPath, text: &str) -> Option<Value> {
    match path.extension() {
        Some("toml") => toml::from_str(text).ok(),
        Some("yml" | "yaml") => None,
        _ => json(text),
    }
}

fn too_deep(text: &str) -> bool {
    let mut depth = 0usize;
    text.bytes().any(|byte| {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}

/// The entries at the key in any object of the module that has all of its parts.
fn in_module(module: &ModuleRecord, key: &str) -> Vec<Entry> {
    let mut parts = key.split('.');
    let Some(first) = parts.next() else {
        return Vec::new();
    };
    let rest: Vec<&str> = parts.collect();
    let objects = (0u32..).map(ExprId).take(module.exprs.len());
    let ends = objects.filter_map(|object| {
        let begin = property(module, object, first)?;
        rest.iter()
            .try_fold(begin, |object, part| property(module, object, part))
    });
    ends.map(|value| Entry {
        value: match module.exprs.get(value.0 as usize) {
            Some(Expr::Bool(value)) => Some(Value::Bool(*value)),
            Some(Expr::Number(value)) => serde_json::Number::from_f64(*value).map(Value::Number),
            Some(Expr::String(value)) => Some(Value::String(value.to_string())),
            Some(Expr::Object(_)) => Some(Value::Object(serde_json::Map::new())),
            Some(Expr::Array(_)) => Some(Value::Array(Vec::new())),
            _ => None,
        },
        location: place(module, value),
    })
    .collect()
}
