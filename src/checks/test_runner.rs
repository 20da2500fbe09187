//! Test runners as their configuration describes them: which files they pick up.

use std::sync::OnceLock;

use fancy_regex::Regex;
use serde_json::Value;

use crate::model::Model;
use crate::project::Package;
use crate::project::literal::{Folded, Folder, Literal};
use crate::source::{Location, RepoPath};
use crate::syntax::ModuleRecord;

/// Stands for the folder in which the repository lies: patterns are matched against whole paths.
const ABOVE: &str = "/repo/";

/// What vitest looks for by itself.
const VITEST: &str = "**/*.{test,spec}.?(c|m)[jt]s?(x)";
/// What vitest leaves out by itself.
const VITEST_IGNORES: [&str; 4] = [
    "**/node_modules/**",
    "**/dist/**",
    "**/cypress/**",
    "**/.git/**",
];
/// What jest looks for by itself.
const JEST: [&str; 2] = [
    "**/__tests__/**/*.?([mc])[jt]s?(x)",
    "**/?(*.)+(spec|test).?([mc])[jt]s?(x)",
];
/// What Playwright looks for by itself.
const PLAYWRIGHT: &str = "**/*.@(spec|test).?(c|m)[jt]s?(x)";

/// One runner, as one configuration describes it.
#[derive(Debug)]
pub(super) struct Runner {
    /// `jest`, `vitest`, `Playwright`
    pub tool: &'static str,
    /// Its configuration, or the manifest that calls it.
    pub file: RepoPath,
    /// Where the patterns stand, when they are its own.
    pub patterns: Option<Location>,
    /// The folders that it looks through.
    pub roots: Vec<RepoPath>,
    /// What it looks for, as written.
    pub shown: Vec<String>,
    include: Vec<Pattern>,
    exclude: Vec<(Pattern, String)>,
    /// Some of it cannot be read, so it may pick up whatever lies in its folders.
    pub unknown: bool,
}

/// A pattern over whole paths. It is compiled when a path is first held against it: most of what runners leave out is never
/// asked for.
#[derive(Debug)]
struct Pattern {
    source: String,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Whether it matches; nothing where that cannot be told.
    fn fits(&self, path: &str) -> Option<bool> {
        let regex = self.regex.get_or_init(|| Regex::new(&self.source).ok());
        regex.as_ref()?.is_match(path).ok()
    }
}

impl From<Regex> for Pattern {
    fn from(regex: Regex) -> Self {
        Self {
            source: regex.as_str().to_owned(),
            regex: OnceLock::from(Some(regex)),
        }
    }
}

/// What a runner does with a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Picks {
    Yes,
    /// It lies in none of its folders.
    Elsewhere,
    /// No pattern fits.
    NoPattern,
    /// This pattern leaves it out.
    Ignored(String),
    Unknown,
}

impl Runner {
    fn new(tool: &'static str, file: RepoPath, root: RepoPath) -> Self {
        Self {
            tool,
            file,
            patterns: None,
            roots: vec![root],
            shown: Vec::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            unknown: false,
        }
    }

    /// What it does with the file.
    pub(super) fn picks(&self, path: &RepoPath) -> Picks {
        if !self.roots.iter().any(|root| path.starts_with(root)) {
            return Picks::Elsewhere;
        }
        if self.unknown {
            return Picks::Unknown;
        }
        let whole = format!("{ABOVE}{path}");
        let mut included = false;
        for pattern in &self.include {
            match pattern.fits(&whole) {
                Some(fits) => included |= fits,
                None => return Picks::Unknown,
            }
            if included {
                break;
            }
        }
        if !included {
            return Picks::NoPattern;
        }
        for (pattern, shown) in &self.exclude {
            match pattern.fits(&whole) {
                Some(true) => return Picks::Ignored(shown.clone()),
                Some(false) => {}
                None => return Picks::Unknown,
            }
        }
        Picks::Yes
    }

    fn include_glob(&mut self, base: &RepoPath, glob: &str) {
        self.shown.push(glob.to_owned());
        match glob_pattern(base, glob) {
            Some(pattern) => self.include.push(pattern),
            None => self.unknown = true,
        }
    }

    fn exclude_glob(&mut self, base: &RepoPath, glob: &str) {
        // A folder that is left out is not looked into.
        let below = format!("{}/**", glob.trim_end_matches('/'));
        let below = Some(below).filter(|_| !glob.ends_with("/**"));
        for glob in std::iter::once(glob.to_owned()).chain(below) {
            match glob_pattern(base, &glob) {
                Some(pattern) => self.exclude.push((pattern, glob)),
                None => self.unknown = true,
            }
        }
    }

    fn regex(&mut self, source: &str) -> Option<Regex> {
        let regex = Regex::new(source).ok();
        self.unknown |= regex.is_none();
        regex
    }
}

/// All runners of the repository.
pub(super) fn runners(model: &Model) -> Vec<Runner> {
    let mut found: Vec<Runner> = Vec::new();
    for (_, module) in model.graph.modules() {
        let name = module.path.file_name();
        let Some(tool) = tool_of(name) else { continue };
        let folder = module.path.parent().unwrap_or_else(|| RepoPath::new(""));
        match tool {
            "jest" => found.push(jest_module(module, &folder)),
            "Playwright" => found.extend(playwright(module, &folder)),
            _ => found.extend(vitest(module, &folder, name)),
        }
    }
    for package in &model.project.packages {
        let folder = package.folder();
        let manifest = folder.join("package.json");
        if let Some(jest) = package.json.get("jest") {
            found.push(jest_json(jest, manifest, &folder));
            continue;
        }
        by_default(package, &folder, &manifest, &mut found);
    }
    found
}

/// A package that has a runner and says nothing to it.
fn by_default(package: &Package, folder: &RepoPath, manifest: &RepoPath, found: &mut Vec<Runner>) {
    for tool in ["jest", "vitest", "Playwright"] {
        let word = tool.to_ascii_lowercase();
        let installed = match tool {
            "Playwright" => package.depends_on("@playwright/test"),
            tool => package.depends_on(tool),
        };
        let called = package.scripts.values().any(|script| {
            script
                .split([' ', '&', ';'])
                .any(|part| part == word || part.ends_with(&format!("/{word}")))
        });
        let configured = found.iter().any(|runner| {
            runner.tool == tool
                && runner.file.parent().unwrap_or_else(|| RepoPath::new("")) == *folder
        });
        if configured || !installed && !called {
            continue;
        }
        let mut runner = Runner::new(tool, manifest.clone(), folder.clone());
        match tool {
            "jest" => JEST
                .iter()
                .for_each(|glob| runner.include_glob(folder, glob)),
            "vitest" => {
                runner.include_glob(folder, VITEST);
                for glob in VITEST_IGNORES {
                    runner.exclude_glob(folder, glob);
                }
            }
            _ => runner.include_glob(folder, PLAYWRIGHT),
        }
        found.push(runner);
    }
}

fn tool_of(name: &str) -> Option<&'static str> {
    let is = |stem: &str| {
        name.strip_prefix(stem)
            .is_some_and(|rest| rest.starts_with(['.', '-']))
            && (name.contains(".config.")
                || name.contains("-config.")
                || name.contains(".workspace.")
                || name.contains(".projects."))
    };
    if is("jest") {
        Some("jest")
    } else if is("playwright") {
        Some("Playwright")
    } else if is("vitest") || is("vite") {
        Some("vitest")
    } else {
        None
    }
}

/// The object that the tool gets.
fn exported<'m>(folder: &Folder<'_, 'm>, module: &'m ModuleRecord) -> Option<Folded<'m>> {
    Some(folder.configured(folder.export(module, "default")?))
}

/// The texts of a list or of one text, and whether these are all. A regular expression stands as `/source/`.
fn texts(value: &Folded<'_>) -> (Vec<String>, bool) {
    let one = |value: &Folded<'_>| match &value.value {
        Literal::String(text) if !text.contains(crate::project::literal::HOLE) => {
            Some(text.clone())
        }
        Literal::Regex(source) => Some(format!("/{source}/")),
        _ => None,
    };
    if let Some(text) = one(value) {
        return (vec![text], true);
    }
    let (items, complete) = value.items();
    let texts: Vec<String> = items.iter().filter_map(|item| one(item)).collect();
    let whole =
        complete && texts.len() == items.len() && matches!(value.value, Literal::Array { .. });
    (texts, whole)
}

fn is_whole(config: &Folded<'_>) -> bool {
    matches!(config.value, Literal::Object { complete: true, .. })
}

fn jest_module(module: &ModuleRecord, folder: &RepoPath) -> Runner {
    let mut runner = Runner::new("jest", module.path.clone(), folder.clone());
    let folds = Folder::new(&|_, _| None);
    let Some(config) = exported(&folds, module) else {
        runner.unknown = true;
        return runner;
    };
    // A wrapper like `next/jest` adds nothing that decides which files run.
    runner.unknown |= !is_whole(&config) || config.get("projects").is_some();
    let list = |key: &str| {
        let value = config.get(key)?;
        let (texts, whole) = texts(value);
        Some((texts, whole, value.location()))
    };
    jest(&mut runner, folder, &list);
    runner
}

fn jest_json(config: &Value, manifest: RepoPath, folder: &RepoPath) -> Runner {
    let place = Location::of_line(&manifest, 1);
    let mut runner = Runner::new("jest", manifest, folder.clone());
    runner.unknown |= !config.is_object() || config.get("projects").is_some();
    let list = |key: &str| {
        let value = config.get(key)?;
        let texts: Vec<String> = match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        };
        Some((texts, true, place.clone()))
    };
    jest(&mut runner, folder, &list);
    runner
}

/// The texts at a key of the configuration, whether these are all, and where.
type Lists<'l> = &'l dyn Fn(&str) -> Option<(Vec<String>, bool, Location)>;

fn jest(runner: &mut Runner, folder: &RepoPath, list: Lists<'_>) {
    let mut root = folder.clone();
    if let Some((texts, whole, _)) = list("rootDir") {
        match texts.first().and_then(|text| joined(folder, text)) {
            Some(other) if whole => root = other,
            _ => runner.unknown = true,
        }
    }
    let in_root = |text: &str| {
        let text = text.strip_prefix("<rootDir>").unwrap_or(text);
        joined(&root, text.trim_start_matches('/'))
    };
    runner.roots = vec![root.clone()];
    if let Some((texts, whole, _)) = list("roots") {
        let roots: Option<Vec<RepoPath>> = texts.iter().map(|text| in_root(text)).collect();
        match roots {
            Some(roots) if whole && !roots.is_empty() => runner.roots = roots,
            _ => runner.unknown = true,
        }
    }
    let absolute = regex_text(&root);
    if let Some((patterns, whole, place)) = list("testRegex") {
        runner.unknown |= !whole;
        runner.patterns = Some(place);
        for pattern in patterns {
            let source = pattern.trim_matches('/').replace("<rootDir>", &absolute);
            let source = if pattern.starts_with('/') && !pattern.ends_with('/') {
                format!("/{source}")
            } else {
                source
            };
            runner.shown.push(pattern);
            if let Some(regex) = runner.regex(&source) {
                runner.include.push(regex.into());
            }
        }
    } else if let Some((patterns, whole, place)) = list("testMatch") {
        runner.unknown |= !whole;
        runner.patterns = Some(place);
        for pattern in patterns {
            let (negated, glob) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest.to_owned()),
                None => (false, pattern.clone()),
            };
            let glob = glob.strip_prefix("<rootDir>/").unwrap_or(&glob).to_owned();
            if negated {
                runner.exclude_glob(&root, &glob);
            } else {
                runner.include_glob(&root, &glob);
            }
        }
    } else {
        for glob in JEST {
            runner.include_glob(&root, glob);
        }
    }
    for key in ["testPathIgnorePatterns", "modulePathIgnorePatterns"] {
        let Some((patterns, whole, _)) = list(key) else {
            continue;
        };
        runner.unknown |= !whole;
        for pattern in patterns {
            let source = pattern.replace("<rootDir>", &absolute);
            if let Some(regex) = runner.regex(&source) {
                runner.exclude.push((regex.into(), pattern));
            }
        }
    }
}

fn vitest(module: &ModuleRecord, folder: &RepoPath, name: &str) -> Option<Runner> {
    let mut runner = Runner::new("vitest", module.path.clone(), folder.clone());
    if name.contains(".workspace.") || name.contains(".projects.") {
        runner.unknown = true;
        return Some(runner);
    }
    let folds = Folder::new(&|_, _| None);
    let Some(config) = exported(&folds, module) else {
        runner.unknown = true;
        return Some(runner);
    };
    let test = config.get("test");
    // A configuration for builds alone is no test runner's.
    if test.is_none() && name.starts_with("vite.") && is_whole(&config) {
        return None;
    }
    let whole = is_whole(&config) && test.is_none_or(is_whole);
    let get = |key: &str| test.and_then(|test| test.get(key));
    runner.unknown |= !whole || get("projects").is_some() || get("workspace").is_some();
    let mut root = folder.clone();
    for value in [config.get("root"), get("root"), get("dir")]
        .into_iter()
        .flatten()
    {
        match value.text().and_then(|text| joined(&root, text)) {
            Some(other) => root = other,
            None => runner.unknown = true,
        }
    }
    runner.roots = vec![root.clone()];
    match get("include") {
        Some(include) => {
            let (globs, whole) = texts(include);
            runner.unknown |= !whole;
            runner.patterns = Some(include.location());
            for glob in globs {
                runner.include_glob(&root, &glob);
            }
        }
        None => runner.include_glob(&root, VITEST),
    }
    // What else the runner looks for under other names is found with it.
    for key in ["includeSource", "typecheck", "benchmark"] {
        runner.unknown |= key == "includeSource" && get(key).is_some();
    }
    match get("exclude") {
        Some(exclude) => {
            // `...configDefaults.exclude` is what vitest leaves out by itself.
            let (globs, _) = texts(exclude);
            for glob in globs
                .iter()
                .map(String::as_str)
                .chain(["**/node_modules/**"])
            {
                runner.exclude_glob(&root, glob);
            }
        }
        None => {
            for glob in VITEST_IGNORES {
                runner.exclude_glob(&root, glob);
            }
        }
    }
    Some(runner)
}

/// Playwright: one runner for each of its projects.
fn playwright(module: &ModuleRecord, folder: &RepoPath) -> Vec<Runner> {
    let folds = Folder::new(&|_, _| None);
    let mut whole = Runner::new("Playwright", module.path.clone(), folder.clone());
    let Some(config) = exported(&folds, module) else {
        whole.unknown = true;
        return vec![whole];
    };
    let complete = is_whole(&config);
    let mut projects: Vec<&Folded<'_>> = Vec::new();
    if let Some(list) = config.get("projects") {
        let (items, all) = list.items();
        if !all {
            whole.unknown = true;
            return vec![whole];
        }
        projects = items;
    }
    if projects.is_empty() {
        return vec![playwright_project(whole, folder, &config, None, complete)];
    }
    projects
        .into_iter()
        .map(|project| {
            let runner = Runner::new("Playwright", module.path.clone(), folder.clone());
            playwright_project(runner, folder, &config, Some(project), complete)
        })
        .collect()
}

fn playwright_project<'m>(
    mut runner: Runner,
    folder: &RepoPath,
    config: &Folded<'m>,
    project: Option<&Folded<'m>>,
    complete: bool,
) -> Runner {
    runner.unknown |= !complete
        || project.is_some_and(|project| !matches!(project.value, Literal::Object { .. }));
    let get = |key: &str| {
        project
            .and_then(|project| project.get(key))
            .or_else(|| config.get(key))
    };
    if let Some(value) = get("testDir") {
        runner.patterns = Some(value.location());
        match value.text().and_then(|text| joined(folder, text)) {
            Some(root) => runner.roots = vec![root],
            None => runner.unknown = true,
        }
    }
    let any = RepoPath::new("");
    let patterns = |runner: &mut Runner, value: &Folded<'m>| -> Vec<(Pattern, String)> {
        let (texts, whole) = texts(value);
        runner.unknown |= !whole;
        texts
            .into_iter()
            .filter_map(|text| {
                let pattern = match text
                    .strip_prefix('/')
                    .and_then(|text| text.strip_suffix('/'))
                {
                    Some(source) => Regex::new(source).ok().map(Pattern::from),
                    None => {
                        let glob = if text.starts_with("**/") {
                            text.clone()
                        } else {
                            format!("**/{text}")
                        };
                        glob_pattern(&any, &glob)
                    }
                };
                runner.unknown |= pattern.is_none();
                Some((pattern?, text))
            })
            .collect()
    };
    match get("testMatch") {
        Some(value) => {
            let found = patterns(&mut runner, value);
            runner.patterns = Some(value.location());
            for (pattern, shown) in found {
                runner.include.push(pattern);
                runner.shown.push(shown);
            }
        }
        None => runner.include_glob(&any, PLAYWRIGHT),
    }
    if let Some(value) = get("testIgnore") {
        runner.exclude = patterns(&mut runner, value);
    }
    runner
}

/// `../x` and `./x` from a folder; `None` for what is computed or lies outside.
fn joined(folder: &RepoPath, text: &str) -> Option<RepoPath> {
    if text.starts_with('/')
        || text.contains(['$', '*', '<'])
        || text.contains(crate::project::literal::HOLE)
    {
        return None;
    }
    let mut parts: Vec<&str> = folder.segments().collect();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(RepoPath::new(&parts.join("/")))
}

/// The whole path of a folder, for regular expressions.
fn regex_text(folder: &RepoPath) -> String {
    let whole = format!("{ABOVE}{folder}");
    fancy_regex::escape(whole.trim_end_matches('/')).into_owned()
}

/// A glob of micromatch or minimatch as a pattern over whole paths.
fn glob_pattern(base: &RepoPath, glob: &str) -> Option<Pattern> {
    let glob = glob.trim_start_matches("./");
    let mut source = format!("^{}/", regex_text(base));
    if base.is_root() {
        source = format!("^{}", fancy_regex::escape(ABOVE));
    }
    let letters: Vec<char> = glob.chars().collect();
    let mut closing: Vec<&str> = Vec::new();
    let mut braces = 0_usize;
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let next = letters.get(at + 1).copied();
        match letter {
            '!' if next == Some('(') => return None,
            '?' | '+' | '*' | '@' if next == Some('(') => {
                closing.push(match letter {
                    '?' => ")?",
                    '+' => ")+",
                    '*' => ")*",
                    _ => ")",
                });
                source.push_str("(?:");
                at += 1;
            }
            '*' if next == Some('*') => {
                let starts = at == 0 || letters.get(at - 1) == Some(&'/');
                if starts && letters.get(at + 2) == Some(&'/') {
                    source.push_str("(?:[^/]+/)*");
                    at += 2;
                } else {
                    source.push_str(".*");
                    at += 1;
                }
            }
            '*' => source.push_str("[^/]*"),
            '?' => source.push_str("[^/]"),
            '(' => {
                source.push_str("(?:");
                closing.push(")");
            }
            ')' => source.push_str(closing.pop()?),
            '|' if !closing.is_empty() => source.push('|'),
            '{' => {
                braces += 1;
                source.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                source.push(')');
            }
            ',' if braces > 0 => source.push('|'),
            '[' => {
                let end = letters.iter().skip(at).position(|&letter| letter == ']')? + at;
                let inside: String = letters.get(at + 1..end)?.iter().collect();
                source.push('[');
                source.push_str(&inside.replace('!', "^").replace('\\', "\\\\"));
                source.push(']');
                at = end;
            }
            letter => source.push_str(&fancy_regex::escape(letter.encode_utf8(&mut [0; 4]))),
        }
        at += 1;
    }
    if !closing.is_empty() || braces > 0 {
        return None;
    }
    source.push('$');
    Some(Pattern {
        source,
        regex: OnceLock::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::{JEST, PLAYWRIGHT, VITEST, glob_pattern};
    use crate::source::RepoPath;

    fn fits(base: &str, glob: &str, path: &str) -> bool {
        let pattern = glob_pattern(&RepoPath::new(base), glob).unwrap();
        pattern.fits(&format!("/repo/{path}")).unwrap()
    }

    #[test]
    fn what_runners_look_for_by_themselves() {
        assert!(fits("", VITEST, "a/b.test.ts"));
        assert!(fits("a", VITEST, "a/b.spec.mjs"));
        assert!(!fits("b", VITEST, "a/b.spec.ts"));
        assert!(!fits("", VITEST, "a/b.ts"));
        assert!(fits("", JEST[0], "a/__tests__/b.tsx"));
        assert!(fits("", JEST[1], "test.js"));
        assert!(fits("", JEST[1], "x/a.test.jsx"));
        assert!(!fits("", JEST[1], "x/contest.js"));
        assert!(fits("", PLAYWRIGHT, "e2e/a.spec.ts"));
        assert!(fits("", "{src,lib}/**/*.test.ts", "lib/a/b.test.ts"));
        assert!(!fits("", "src/*.test.ts", "src/a/b.test.ts"));
        assert!(glob_pattern(&RepoPath::new(""), "!(a)").is_none());
    }
}
