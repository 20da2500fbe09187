//! `tsconfig.json` and `jsconfig.json`, as far as they decide where imports lead.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::source::{RepoPath, Repository, Unreadable};

use super::document::read_json;

/// A chain of `extends` longer than this is cut.
const MAX_EXTENDS: usize = 16;

/// What a configuration, with everything it extends, says about imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TsConfig {
    /// The folder that non-relative imports are tried in.
    pub(super) base_url: Option<RepoPath>,
    /// Patterns in the order in which they are tried: exact ones, then those with the longest text before the star.
    pub(super) paths: Vec<PathMapping>,
    /// `compilerOptions.strict`
    strict: Strict,
}

/// The checks that `compilerOptions.strict` switches on all at once, those that find the most first.
pub const STRICT_CHECKS: [&str; 6] = [
    "noImplicitAny",
    "strictNullChecks",
    "strictFunctionTypes",
    "strictPropertyInitialization",
    "strictBindCallApply",
    "noImplicitThis",
];

/// What a configuration says of strictness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strict {
    /// `compilerOptions.strict`, also of what the configuration extends; `None` when none says it.
    pub value: Option<bool>,
    /// Of [`STRICT_CHECKS`] those that are switched on or off one by one.
    pub checks: BTreeMap<&'static str, bool>,
    /// The file that says it, else the application's own.
    pub file: RepoPath,
    /// Its line there.
    pub line: u32,
    /// It extends a configuration that is not part of the repository.
    pub extends_unseen: bool,
}

impl Default for Strict {
    fn default() -> Self {
        Self {
            value: None,
            checks: BTreeMap::new(),
            file: RepoPath::new(""),
            line: 1,
            extends_unseen: false,
        }
    }
}

/// One entry of `paths`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathMapping {
    /// The text before the star, or all of it.
    prefix: String,
    /// The text behind the star; `None` without a star.
    suffix: Option<String>,
    /// The places, with at most one star each.
    targets: Vec<String>,
}

impl PathMapping {
    /// True for `*`, which says nothing of whose module it is.
    pub(super) fn is_catch_all(&self) -> bool {
        self.prefix.is_empty() && self.suffix.as_deref() == Some("")
    }

    /// The places that `specifier` is mapped to, when the pattern matches.
    pub(super) fn apply<'a>(
        &'a self,
        specifier: &'a str,
    ) -> Option<impl Iterator<Item = String> + 'a> {
        let star = match &self.suffix {
            None if specifier == self.prefix => "",
            None => return None,
            Some(suffix) => specifier
                .strip_prefix(self.prefix.as_str())?
                .strip_suffix(suffix.as_str())?,
        };
        Some(
            self.targets
                .iter()
                .map(move |target| target.replacen('*', star, 1)),
        )
    }
}

/// The configurations of a repository by the folder they lie in.
#[derive(Debug, Default)]
pub(super) struct TsConfigs {
    /// The folder's own configuration, then those it references.
    by_folder: FxHashMap<RepoPath, Vec<(RepoPath, usize)>>,
    configs: Vec<TsConfig>,
}

impl TsConfigs {
    /// Reads the configuration of every folder that has one.
    ///
    /// `find_package` gives the folder of a workspace package by its name, for `extends`.
    pub(super) fn read(
        repository: &Repository,
        find_package: &dyn Fn(&str) -> Option<RepoPath>,
        unreadable: &mut Vec<Unreadable>,
    ) -> Self {
        let mut reader = Reader {
            repository,
            find_package,
            values: FxHashMap::default(),
            unreadable,
        };
        let mut read = Self::default();
        for path in repository.files() {
            let name = path.file_name();
            if !matches!(name, "tsconfig.json" | "jsconfig.json") {
                continue;
            }
            let folder = path.parent().unwrap_or_else(|| RepoPath::new(""));
            if name == "jsconfig.json" && repository.exists(&folder.join("tsconfig.json")) {
                continue;
            }
            let mut entries = vec![(folder.clone(), read.add(reader.merged(path)))];
            for reference in reader.references(path) {
                let scope = reference.parent().unwrap_or_else(|| RepoPath::new(""));
                entries.push((scope, read.add(reader.merged(&reference))));
            }
            read.by_folder.insert(folder, entries);
        }
        read
    }

    fn add(&mut self, config: TsConfig) -> usize {
        self.configs.push(config);
        self.configs.len() - 1
    }

    /// The numbers of the configurations that may speak for a file in `folder`: the nearest first, then those further up, because a
    /// bundler uses the application's configuration for nested folders that have one of their own.
    pub(super) fn for_folder<'a>(&'a self, folder: &'a RepoPath) -> impl Iterator<Item = usize> {
        folder
            .ancestors()
            .filter_map(|at| self.by_folder.get(at))
            .flatten()
            .filter(|(scope, _)| folder.starts_with(scope))
            .map(|(_, index)| *index)
    }

    /// The folders of which configurations speak, with all inside them.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &RepoPath> {
        self.by_folder.values().flatten().map(|(scope, _)| scope)
    }

    /// What the configuration of this very folder says of strictness.
    pub(super) fn strict(&self, folder: &RepoPath) -> Option<&Strict> {
        let entries = self.by_folder.get(folder.as_str())?;
        let said = |entry: &&(RepoPath, usize)| {
            self.configs
                .get(entry.1)
                .is_some_and(|config| config.strict.value.is_some())
        };
        // A configuration that only references others leaves it to them.
        let (_, index) = entries.iter().find(said).or(entries.first())?;
        self.configs.get(*index).map(|config| &config.strict)
    }

    /// Every configuration.
    pub(super) fn all(&self) -> &[TsConfig] {
        &self.configs
    }
}

struct Reader<'a> {
    repository: &'a Repository,
    find_package: &'a dyn Fn(&str) -> Option<RepoPath>,
    values: FxHashMap<RepoPath, Option<Value>>,
    unreadable: &'a mut Vec<Unreadable>,
}

impl Reader<'_> {
    /// The file's value, read once; a file that cannot be read says nothing and is reported.
    fn value(&mut self, path: &RepoPath) -> Option<Value> {
        if let Some(known) = self.values.get(path) {
            return known.clone();
        }
        let value = match read_json(self.repository, path) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.unreadable.push(problem);
                None
            }
        };
        self.values.insert(path.clone(), value.clone());
        value
    }

    /// `path` with everything it extends. What cannot be found is left out, for it lies in a package that is not
    /// installed; a cycle is cut where it closes.
    fn merged(&mut self, path: &RepoPath) -> TsConfig {
        let leaf = path.parent().unwrap_or_else(|| RepoPath::new(""));
        let mut base_url = None;
        let mut paths = None;
        let mut strict = Strict {
            file: path.clone(),
            line: 1,
            ..Strict::default()
        };
        let mut seen = Vec::new();
        // The later entry of an `extends` array wins over the earlier, and the file itself over all of them.
        let mut open = vec![path.clone()];
        while let Some(current) = open.pop() {
            if seen.contains(&current) || seen.len() >= MAX_EXTENDS {
                continue;
            }
            seen.push(current.clone());
            let Some(value) = self.value(&current) else {
                continue;
            };
            let folder = current.parent().unwrap_or_else(|| RepoPath::new(""));
            let options = value.get("compilerOptions");
            let place = |text: &str| match text.strip_prefix("${configDir}") {
                Some(rest) => leaf.join(rest.trim_start_matches('/')),
                None => folder.join(text),
            };
            if base_url.is_none() {
                base_url = options
                    .and_then(|options| options.get("baseUrl"))
                    .and_then(Value::as_str)
                    .map(place);
            }
            if strict.value.is_none()
                && let Some(value) = options.and_then(|options| options.get("strict"))
            {
                strict.value = value.as_bool();
                strict.line = self.line_of(&current, "\"strict\"");
                strict.file.clone_from(&current);
            }
            for check in STRICT_CHECKS {
                let said = options.and_then(|options| options.get(check)?.as_bool());
                if let Some(said) = said {
                    strict.checks.entry(check).or_insert(said);
                }
            }
            if paths.is_none() {
                paths = options
                    .and_then(|options| options.get("paths"))
                    .and_then(Value::as_object)
                    .map(|paths| (folder.clone(), paths.clone()));
            }
            match value.get("extends") {
                Some(Value::String(name)) => {
                    let target = self.extended(&folder, name);
                    strict.extends_unseen |= target.is_none();
                    open.extend(target);
                }
                Some(Value::Array(names)) => {
                    for name in names.iter().filter_map(Value::as_str) {
                        let target = self.extended(&folder, name);
                        strict.extends_unseen |= target.is_none();
                        open.extend(target);
                    }
                }
                _ => {}
            }
        }
        let paths = paths.map_or_else(Vec::new, |(folder, paths)| {
            let base = base_url.clone().unwrap_or(folder);
            mappings(&base, &leaf, &paths)
        });
        TsConfig {
            base_url,
            paths,
            strict,
        }
    }

    /// The first line that holds `text`.
    fn line_of(&self, path: &RepoPath, text: &str) -> u32 {
        let file = self.repository.read(path).ok();
        let at = file.and_then(|file| file.text.lines().position(|line| line.contains(text)));
        at.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(1)
    }

    /// The file that an `extends` names.
    fn extended(&self, folder: &RepoPath, name: &str) -> Option<RepoPath> {
        if name.starts_with('/') {
            return None;
        }
        let target = if name.starts_with('.') {
            folder.join(name)
        } else {
            let (package, subpath) = super::specifier::split_package(name);
            let root = (self.find_package)(package)?;
            if subpath.is_empty() {
                root.join("tsconfig.json")
            } else {
                root.join(subpath)
            }
        };
        self.config_file(&target)
    }

    fn config_file(&self, target: &RepoPath) -> Option<RepoPath> {
        [
            target.clone(),
            RepoPath::new(&format!("{target}.json")),
            target.join("tsconfig.json"),
        ]
        .into_iter()
        .find(|candidate| self.repository.exists(candidate))
    }

    /// The files that `references` names.
    fn references(&mut self, path: &RepoPath) -> Vec<RepoPath> {
        let folder = path.parent().unwrap_or_else(|| RepoPath::new(""));
        let Some(value) = self.value(path) else {
            return Vec::new();
        };
        let references = value.get("references").and_then(Value::as_array);
        references
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.get("path").and_then(Value::as_str))
            .filter_map(|target| self.config_file(&folder.join(target)))
            .filter(|target| target != path)
            .collect()
    }
}

fn mappings(
    base: &RepoPath,
    leaf: &RepoPath,
    paths: &serde_json::Map<String, Value>,
) -> Vec<PathMapping> {
    let mut mappings: Vec<PathMapping> = paths
        .iter()
        .filter_map(|(pattern, targets)| {
            let (prefix, suffix) = match pattern.split_once('*') {
                Some((prefix, suffix)) => (prefix.to_owned(), Some(suffix.to_owned())),
                None => (pattern.clone(), None),
            };
            let targets = targets
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .map(|target| {
                    let place = match target.strip_prefix("${configDir}") {
                        Some(rest) => leaf.join(rest.trim_start_matches('/')),
                        None => base.join(target),
                    };
                    place.as_str().to_owned()
                })
                .collect();
            Some(PathMapping {
                prefix,
                suffix,
                targets,
            })
        })
        .collect();
    mappings.sort_by_key(|mapping| {
        (
            mapping.suffix.is_some(),
            std::cmp::Reverse(mapping.prefix.len()),
        )
    });
    mappings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> (TsConfigs, Vec<Unreadable>) {
        let repository = Repository::in_memory(files);
        let mut unreadable = Vec::new();
        let configs = TsConfigs::read(
            &repository,
            &|name| (name == "@acme/tsconfig").then(|| RepoPath::new("packages/tsconfig")),
            &mut unreadable,
        );
        (configs, unreadable)
    }

    fn first(configs: &TsConfigs, folder: &str, specifier: &str) -> Option<String> {
        configs
            .for_folder(&RepoPath::new(folder))
            .flat_map(|at| &configs.all()[at].paths)
            .find_map(|mapping| mapping.apply(specifier)?.next())
    }

    #[test]
    fn extends_of_a_workspace_package_and_of_nothing() {
        let (configs, unreadable) = read(&[
            (
                "apps/web/tsconfig.json",
                r#"{"extends":["missing/base","@acme/tsconfig/next.json"]}"#,
            ),
            (
                "packages/tsconfig/next.json",
                r#"{"compilerOptions":{"paths":{"@/*":["${configDir}/src/*"],"lib":["./lib/index.ts"]}}}"#,
            ),
        ]);
        assert!(unreadable.is_empty());
        assert_eq!(
            first(&configs, "apps/web/src", "@/x").unwrap(),
            "apps/web/src/x"
        );
        assert_eq!(
            first(&configs, "apps/web", "lib").unwrap(),
            "packages/tsconfig/lib/index.ts"
        );
    }

    #[test]
    fn cycles_end_and_the_nearer_file_wins() {
        let (configs, _) = read(&[
            (
                "tsconfig.json",
                r#"{"extends":"./a.json","compilerOptions":{"baseUrl":"src"}}"#,
            ),
            (
                "a.json",
                r#"{"extends":"./tsconfig.json","compilerOptions":{"baseUrl":"wrong","paths":{"~/*":["*"]}}}"#,
            ),
        ]);
        assert_eq!(first(&configs, "", "~/x").unwrap(), "src/x");
    }

    #[test]
    fn references_speak_for_their_own_folder_only() {
        let (configs, _) = read(&[
            (
                "tsconfig.json",
                r#"{"files":[],"references":[{"path":"./tsconfig.app.json"},{"path":"./packages/ui"}]}"#,
            ),
            (
                "tsconfig.app.json",
                r#"{"compilerOptions":{"paths":{"@/*":["./src/*"]}}}"#,
            ),
            (
                "packages/ui/tsconfig.json",
                r##"{"compilerOptions":{"paths":{"#/*":["./*"]}}}"##,
            ),
        ]);
        assert_eq!(first(&configs, "src", "@/x").unwrap(), "src/x");
        assert_eq!(first(&configs, "src", "#/x"), None);
        assert_eq!(
            first(&configs, "packages/ui", "#/x").unwrap(),
            "packages/ui/x"
        );
    }

    #[test]
    fn exact_patterns_and_longer_prefixes_come_first() {
        let (configs, _) = read(&[(
            "jsconfig.json",
            r#"{"compilerOptions":{"paths":{"*":["types/*"],"@/*":["src/*"],"@/lib/*":["lib/*"],"@/lib/x":["x.ts"],"*.svg":["svg.d.ts"]}}}"#,
        )]);
        assert_eq!(first(&configs, "", "@/lib/x").unwrap(), "x.ts");
        assert_eq!(first(&configs, "", "@/lib/y").unwrap(), "lib/y");
        assert_eq!(first(&configs, "", "@/y").unwrap(), "src/y");
        assert_eq!(first(&configs, "", "react").unwrap(), "types/react");
    }
}
