//! `package.json` and the workspaces that tie packages together.

use globset::{GlobBuilder, GlobMatcher};
use indexmap::IndexMap;
use serde_json::Value;

use crate::source::{RepoPath, Repository, Unreadable};

use super::document::{parse_yaml, read_json, yaml_get, yaml_texts};

/// One `package.json`.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The folder it lies in.
    pub root: Option<RepoPath>,
    /// `name`
    pub name: Option<String>,
    /// `dependencies` and `optionalDependencies`: name → range.
    pub dependencies: IndexMap<String, String>,
    /// `devDependencies`
    pub dev_dependencies: IndexMap<String, String>,
    /// `peerDependencies`
    pub peer_dependencies: IndexMap<String, String>,
    /// `scripts`
    pub scripts: IndexMap<String, String>,
    /// A workspace of the repository, or the root's own package.
    pub member: bool,
    /// The whole file, for rules that look at other keys (`jest`, `nyc`, `engines` …).
    pub json: Value,
}

/// Which tool declares the workspaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkspaceKind {
    /// `pnpm-workspace.yaml`
    Pnpm,
    /// `package.json#workspaces`
    Npm,
}

impl Package {
    /// The folder it lies in.
    #[must_use]
    pub fn folder(&self) -> RepoPath {
        self.root.clone().unwrap_or_else(|| RepoPath::new(""))
    }

    /// The range under which `name` is declared, as a dependency of any kind.
    #[must_use]
    pub fn range(&self, name: &str) -> Option<&str> {
        [
            &self.dependencies,
            &self.dev_dependencies,
            &self.peer_dependencies,
        ]
        .into_iter()
        .find_map(|ranges| ranges.get(name))
        .map(String::as_str)
    }

    /// Whether `name` is a dependency of any kind.
    #[must_use]
    pub fn depends_on(&self, name: &str) -> bool {
        self.range(name).is_some()
    }

    fn from_json(root: RepoPath, json: Value) -> Self {
        let texts = |key: &str| -> IndexMap<String, String> {
            json.get(key)
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned())))
                .collect()
        };
        let mut dependencies = texts("dependencies");
        for (name, range) in texts("optionalDependencies") {
            dependencies.entry(name).or_insert(range);
        }
        Self {
            name: json.get("name").and_then(Value::as_str).map(str::to_owned),
            dependencies,
            dev_dependencies: texts("devDependencies"),
            peer_dependencies: texts("peerDependencies"),
            scripts: texts("scripts"),
            member: false,
            root: Some(root),
            json,
        }
    }
}

/// The workspaces that a manifest or `pnpm-workspace.yaml` declares.
#[derive(Clone, Debug)]
pub struct Workspaces {
    /// Which tool declares them.
    pub kind: WorkspaceKind,
    /// The folder of the declaring file.
    pub root: RepoPath,
    /// `catalog` and `catalogs` of pnpm and bun: catalog name (empty for the default one) and package → range.
    pub catalogs: IndexMap<(String, String), String>,
    include: Vec<GlobMatcher>,
    exclude: Vec<GlobMatcher>,
}

impl Workspaces {
    fn new<'p>(
        kind: WorkspaceKind,
        root: RepoPath,
        patterns: impl IntoIterator<Item = &'p str>,
    ) -> Self {
        let (mut include, mut exclude) = (Vec::new(), Vec::new());
        for pattern in patterns {
            let (negated, pattern) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, pattern),
            };
            let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
            let glob = GlobBuilder::new(pattern).literal_separator(true).build();
            // A pattern that is no glob names no folder; the package manager refuses it as well.
            if let Ok(glob) = glob {
                if negated {
                    exclude.push(glob.compile_matcher());
                } else {
                    include.push(glob.compile_matcher());
                }
            }
        }
        Self {
            kind,
            root,
            catalogs: IndexMap::new(),
            include,
            exclude,
        }
    }

    /// Whether the package in `folder` is one of them. The declaring package itself is.
    #[must_use]
    pub fn contains(&self, folder: &RepoPath) -> bool {
        if *folder == self.root {
            return true;
        }
        folder.strip_prefix(&self.root).is_some_and(|relative| {
            self.include.iter().any(|glob| glob.is_match(relative))
                && !self.exclude.iter().any(|glob| glob.is_match(relative))
        })
    }
}

/// All manifests of a repository.
#[derive(Debug, Default)]
pub struct Manifests {
    /// By path; the root's own first.
    pub(super) packages: Vec<Package>,
    /// By path of the declaring file.
    pub(super) workspaces: Vec<Workspaces>,
}

impl Manifests {
    /// Reads every manifest and decides which packages are workspaces; also gives those that could not be read.
    #[must_use]
    pub fn read(repository: &Repository) -> (Self, Vec<Unreadable>) {
        let mut unreadable = Vec::new();
        let mut packages = Vec::new();
        let mut workspaces = Vec::new();
        for path in repository.files() {
            let folder = || path.parent().unwrap_or_else(|| RepoPath::new(""));
            match path.file_name() {
                "package.json" => match read_json(repository, path) {
                    Ok(json) if json.is_object() => {
                        let package = Package::from_json(folder(), json);
                        workspaces.extend(npm_workspaces(&package));
                        packages.push(package);
                    }
                    Ok(_) => unreadable.push(Unreadable {
                        path: path.clone(),
                        reason: String::from("not a JSON object; a manifest must be one"),
                    }),
                    Err(problem) => unreadable.push(problem),
                },
                "pnpm-workspace.yaml" => match repository.read(path) {
                    Ok(file) => match parse_yaml(&file) {
                        Ok(Some(document)) => workspaces.push(pnpm_workspaces(folder(), &document)),
                        Ok(None) => {}
                        Err(problem) => unreadable.push(problem),
                    },
                    Err(problem) => unreadable.push(problem),
                },
                _ => {}
            }
        }
        packages.sort_by(|a, b| a.root.cmp(&b.root));
        for package in &mut packages {
            let folder = package.folder();
            package.member = folder.is_root() || workspaces.iter().any(|set| set.contains(&folder));
        }
        let manifests = Self {
            packages,
            workspaces,
        };
        (manifests, unreadable)
    }
}

fn npm_workspaces(package: &Package) -> Option<Workspaces> {
    let declared = package.json.get("workspaces")?;
    let patterns = declared
        .as_array()
        .or_else(|| declared.get("packages").and_then(Value::as_array))?;
    let mut workspaces = Workspaces::new(
        WorkspaceKind::Npm,
        package.folder(),
        patterns.iter().filter_map(Value::as_str),
    );
    for place in [declared, &package.json] {
        for (key, value) in place
            .get("catalog")
            .into_iter()
            .map(|value| ("", value))
            .chain(
                place
                    .get("catalogs")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .map(|(key, value)| (key.as_str(), value)),
            )
        {
            for (name, range) in value.as_object().into_iter().flatten() {
                if let Some(range) = range.as_str() {
                    workspaces
                        .catalogs
                        .insert((key.to_owned(), name.clone()), range.to_owned());
                }
            }
        }
    }
    Some(workspaces)
}

fn pnpm_workspaces(root: RepoPath, document: &saphyr::MarkedYaml<'_>) -> Workspaces {
    let patterns = yaml_get(document, "packages").map(yaml_texts);
    let mut workspaces = Workspaces::new(WorkspaceKind::Pnpm, root, patterns.unwrap_or_default());
    let default = yaml_get(document, "catalog").map(|catalog| ("", catalog));
    let named = yaml_get(document, "catalogs")
        .into_iter()
        .flat_map(super::document::yaml_entries);
    for (key, catalog) in default.into_iter().chain(named) {
        for (name, range) in super::document::yaml_entries(catalog) {
            if let Some(range) = range.data.as_str() {
                workspaces
                    .catalogs
                    .insert((key.to_owned(), name.to_owned()), range.to_owned());
            }
        }
    }
    workspaces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_of_pnpm_and_npm_with_negations() {
        let repository = Repository::in_memory(&[
            ("package.json", r#"{"name":"root"}"#),
            (
                "pnpm-workspace.yaml",
                "packages:\n  - 'apps/*'\n  - packages/**\n  - '!**/test/**'\ncatalog:\n  next: ^15.1.0\ncatalogs:\n  old:\n    next: ^14.0.0\n",
            ),
            ("apps/web/package.json", r#"{"name":"web"}"#),
            ("apps/web/deep/package.json", "{}"),
            ("packages/a/b/package.json", r#"{"name":"b"}"#),
            ("packages/a/test/x/package.json", "{}"),
            (
                "legacy/package.json",
                r#"{"workspaces":{"packages":["./one/"]}}"#,
            ),
            ("legacy/one/package.json", "{}"),
            ("broken/package.json", "{"),
        ]);
        let (manifests, unreadable) = Manifests::read(&repository);
        let members: Vec<(&str, bool)> = manifests
            .packages
            .iter()
            .filter_map(|package| Some((package.root.as_ref()?.as_str(), package.member)))
            .collect();
        assert_eq!(
            members,
            [
                ("", true),
                ("apps/web", true),
                ("apps/web/deep", false),
                ("legacy", true),
                ("legacy/one", true),
                ("packages/a/b", true),
                ("packages/a/test/x", false),
            ]
        );
        assert_eq!(unreadable.len(), 1);
        assert_eq!(unreadable[0].path.as_str(), "broken/package.json");
        let key = |catalog: &str| (String::from(catalog), String::from("next"));
        let pnpm = manifests
            .workspaces
            .iter()
            .find(|set| set.kind == WorkspaceKind::Pnpm)
            .unwrap();
        assert_eq!(pnpm.catalogs.get(&key("")).unwrap(), "^15.1.0");
        assert_eq!(pnpm.catalogs.get(&key("old")).unwrap(), "^14.0.0");
    }
}
