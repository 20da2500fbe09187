//! The place that shows that something is there, for reports to name beside what is done.

use crate::rule::{Signs, wildcard};
use crate::source::{Location, RepoPath};
use crate::syntax::{Expr, ModuleRecord};

use super::dependency::{calls_of, is_of, of_package};
use super::pipeline::{lines_of_each, runs_command};
use super::signs::{Ground, Words};

/// Where one of the signs is that [`super::signs::found`] has found. `None` where no single place shows it.
pub(super) fn place(ground: &Ground<'_, '_>, signs: &Signs) -> Option<Location> {
    let file = |path: &RepoPath| Location::of_line(path, 1);
    import(ground, signs)
        .or_else(|| export(ground, &signs.exports))
        .or_else(|| configured(ground, &signs.keys))
        .or_else(|| Some(ground.route(&signs.routes)?.location.clone()))
        .or_else(|| ground.file(&signs.files).map(file))
        .or_else(|| step(ground, &signs.steps))
        .or_else(|| script(ground, &signs.scripts))
        .or_else(|| {
            let (path, line) = ground.document(&signs.documents)?;
            Some(Location::of_line(path, line))
        })
        .or_else(|| word(ground, &signs.names, || ground.names()))
        .or_else(|| word(ground, &signs.fields, || ground.fields()))
        .or_else(|| word(ground, &signs.texts, || ground.texts()))
        .or_else(|| manifest(ground, &signs.installed))
}

/// The first import of one of the packages.
fn import(ground: &Ground<'_, '_>, signs: &Signs) -> Option<Location> {
    if signs.uses.is_empty() && signs.installed.is_empty() {
        return None;
    }
    let specifiers = ground.specifiers();
    let patterns = signs.uses.iter().chain(&signs.installed);
    let patterns = patterns.map(|pattern| match pattern.split_once('#') {
        Some((package, call)) => (package, Some(call)),
        None => (pattern.as_str(), None),
    });
    // Nearly all of these packages are imported nowhere.
    let imported = patterns.filter(|(package, _)| of_package(package, specifiers).next().is_some());
    let imported: Vec<(&str, Option<&str>)> = imported.collect();
    if imported.is_empty() {
        return None;
    }
    ground.running().find_map(|module| {
        imported.iter().find_map(|(package, call)| {
            let mut requests = module.requests.iter();
            let request = requests
                .find(|each| !each.type_only && is_of(package, &each.specifier))
                .filter(|_| call.is_none_or(|call| calls_of(module, package, call)))?;
            Some(module.location(request.span))
        })
    })
}

fn export(ground: &Ground<'_, '_>, entries: &[String]) -> Option<Location> {
    if entries.is_empty() {
        return None;
    }
    ground.running().find_map(|module| {
        let of = |entry: &String| {
            let (stem, name) = entry.split_once('#').unwrap_or((entry, "default"));
            let mut exports = module.exports.iter();
            let found = exports.find(|export| module.path.stem() == stem && &*export.name == name);
            Some(module.location(found?.span))
        };
        entries.iter().find_map(of)
    })
}

fn configured(ground: &Ground<'_, '_>, entries: &[String]) -> Option<Location> {
    let mut modules = ground.subject.model.graph.modules();
    let root = &ground.subject.project.root;
    let fits = |module: &ModuleRecord| {
        let near = || {
            let folder = module.path.parent();
            ground.whole || folder.is_some_and(|folder| root.starts_with(&folder))
        };
        let named = entries.iter().any(|entry| {
            let (stem, name) = entry.split_once('#').unwrap_or((entry, ""));
            wildcard(stem, module.path.stem()) && (name == "*" || module.find_name(name).is_some())
        });
        named && near()
    };
    if entries.is_empty() {
        return None;
    }
    let (_, module) = modules.find(|(_, module)| fits(module))?;
    Some(Location::of_line(&module.path, 1))
}

/// The pipeline that runs one of the commands.
fn step(ground: &Ground<'_, '_>, commands: &[String]) -> Option<Location> {
    if commands.is_empty() {
        return None;
    }
    let subject = ground.subject;
    let workflows = &subject.model.project.files.workflows;
    let (runs, _) = workflows
        .iter()
        .zip(lines_of_each(subject))
        .find(|(_, lines)| lines.run(commands))?;
    Some(Location::of_line(&runs.file, 1))
}

/// The manifest with a script that runs one of the commands.
fn script(ground: &Ground<'_, '_>, commands: &[String]) -> Option<Location> {
    if commands.is_empty() {
        return None;
    }
    let mut packages = ground.packages();
    let package = packages.find(|package| {
        let mut scripts = package.scripts.values();
        scripts.any(|line| runs_command(commands, line))
    })?;
    Some(Location::of_line(&package.folder().join("package.json"), 1))
}

/// The manifest that lists one of the packages.
fn manifest(ground: &Ground<'_, '_>, patterns: &[String]) -> Option<Location> {
    let name = ground.installed(patterns.iter())?;
    let package = ground.packages().find(|each| each.range(name).is_some())?;
    Some(Location::of_line(&package.folder().join("package.json"), 1))
}

/// A word that fits one of the patterns: of several the first in order, so that the answer is always the same.
fn word<'a>(
    ground: &Ground<'_, '_>,
    patterns: &[String],
    all: impl FnOnce() -> &'a Words,
) -> Option<Location> {
    if patterns.is_empty() {
        return None;
    }
    let all = all();
    let (word, path) = patterns.iter().find_map(|pattern| {
        if pattern.contains('*') {
            let fitting = all.iter().filter(|(text, _)| wildcard(pattern, text));
            fitting.min()
        } else {
            all.get_key_value(pattern.as_str())
        }
    })?;
    let graph = &ground.subject.model.graph;
    let within = graph
        .find(path)
        .and_then(|id| spelt(graph.module(id), word));
    Some(within.unwrap_or_else(|| Location::of_line(path, 1)))
}

/// Where a module has a word that was made plain: lower case, names without `_` and `$`.
fn spelt(module: &ModuleRecord, word: &str) -> Option<Location> {
    let plain = |text: &str| {
        let letters = text.bytes().filter(|byte| !matches!(byte, b'_' | b'$'));
        letters
            .map(|byte| byte.to_ascii_lowercase())
            .eq(word.bytes())
    };
    let mut exprs = module.exprs.iter().zip(&module.spans);
    let (_, span) = exprs.find(|(expr, _)| match expr {
        Expr::Name(name) => plain(module.name(*name)),
        Expr::Member { property, .. } => plain(module.name(*property)),
        Expr::String(text) => plain(text) || text.eq_ignore_ascii_case(word),
        _ => false,
    })?;
    Some(module.location(*span))
}
