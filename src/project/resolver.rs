//! Which file an import names, from the checkout alone.
//!
//! Everything is decided over the list of files, as TypeScript and the bundlers would after an install: relative paths,
//! tsconfig `paths` and `baseUrl`, package `imports`, self-references and workspace packages. Nothing is read while
//! resolving, no absolute path is formed and no package outside the repository is looked for, so a whole import costs
//! about a microsecond.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::source::{RepoPath, Repository, Unreadable};

use super::Project;
use super::candidates::Files;
use super::entry::{self, Entries};
use super::specifier::{
    below, is_builtin, is_package_name, is_relative, linked_path, names_workspace, plain,
    split_package,
};
use super::tsconfig::TsConfigs;

/// What a specifier leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// A file of the repository.
    File(RepoPath),
    /// A package that is not part of the repository, or a Node.js builtin (`node:crypto` is `crypto`).
    External {
        /// The package, `@upstash/ratelimit`.
        package: Box<str>,
        /// The path inside it, `server` of `next/server`; empty for the package itself.
        subpath: Box<str>,
    },
    /// It should lie in the repository and does not: generated, ignored, or wrong.
    Missing,
}

/// Resolves specifiers: relative paths, tsconfig `paths` and `baseUrl`, package `imports`, workspace packages.
pub struct Resolver {
    files: Files,
    tsconfigs: TsConfigs,
    packages: Vec<ResolvedPackage>,
    by_folder: FxHashMap<RepoPath, usize>,
    /// What holds for the imports of a folder and of those inside it that have no entry of their own; the root has one.
    places: FxHashMap<RepoPath, Place>,
    /// Packages that other packages may import by name, by name.
    by_name: FxHashMap<Box<str>, Vec<usize>>,
    /// Names that some manifest takes from the registry, although a package of the repository has the same name.
    from_registry: FxHashSet<Box<str>>,
}

/// A package as the resolver needs it.
struct ResolvedPackage {
    folder: RepoPath,
    name: Option<Box<str>>,
    version: Option<Box<str>>,
    ranges: FxHashMap<Box<str>, Box<str>>,
    entries: Entries,
    /// The registry has it as well.
    published: bool,
}

/// Folders in which the same names lead to the same files: one with a manifest or a configuration, and those inside it.
struct Place {
    /// The package whose manifest speaks for them.
    package: Option<usize>,
    /// The configurations that do, the nearest first.
    configs: Vec<usize>,
    /// What has been found: the modules of a package ask for the same few names over and over.
    found: Mutex<FxHashMap<Box<str>, Resolution>>,
}

impl Place {
    fn found(&self) -> MutexGuard<'_, FxHashMap<Box<str>, Resolution>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver")
            .field("packages", &self.packages.len())
            .finish_non_exhaustive()
    }
}

impl Resolver {
    /// What the TypeScript configuration of a folder says of strictness; `None` when the folder has none.
    #[must_use]
    pub fn strict(&self, folder: &RepoPath) -> Option<&super::Strict> {
        self.tsconfigs.strict(folder)
    }

    /// Prepares resolution in `repository`; also gives the tsconfig files that could not be read.
    #[must_use]
    pub fn new(repository: &Repository, project: &Project) -> (Self, Vec<Unreadable>) {
        let mut packages = Vec::with_capacity(project.packages.len());
        let mut by_folder = FxHashMap::default();
        let mut by_name: FxHashMap<Box<str>, Vec<usize>> = FxHashMap::default();
        for (index, package) in project.packages.iter().enumerate() {
            let folder = package.folder();
            by_folder.insert(folder.clone(), index);
            let name: Option<Box<str>> = package.name.as_deref().map(Box::from);
            if let Some(name) = &name
                && package.member
            {
                by_name.entry(name.clone()).or_default().push(index);
            }
            // The first entry wins, which is the order of `Package::range`.
            let mut ranges: FxHashMap<Box<str>, Box<str>> = FxHashMap::default();
            for (name, range) in package
                .dependencies
                .iter()
                .chain(&package.dev_dependencies)
                .chain(&package.peer_dependencies)
            {
                ranges
                    .entry(Box::from(name.as_str()))
                    .or_insert_with(|| Box::from(range.as_str()));
            }
            let version = package.json.get("version").and_then(|value| value.as_str());
            packages.push(ResolvedPackage {
                folder,
                name,
                version: version.map(Box::from),
                ranges,
                entries: Entries::of(&package.json),
                published: version.is_some()
                    && package
                        .json
                        .get("private")
                        .and_then(|value| value.as_bool())
                        != Some(true),
            });
        }
        let from_registry = packages
            .iter()
            .flat_map(|package| &package.ranges)
            .filter(|(name, range)| {
                by_name.get(*name).is_some_and(|named| {
                    !named
                        .iter()
                        .any(|&index| names_workspace(range, packages[index].version.as_deref()))
                })
            })
            .map(|(name, _)| name.clone())
            .collect();
        let mut unreadable = Vec::new();
        let find_package = |name: &str| -> Option<RepoPath> {
            let index = *by_name.get(name)?.first()?;
            packages.get(index).map(|package| package.folder.clone())
        };
        let tsconfigs = TsConfigs::read(repository, &find_package, &mut unreadable);
        let nearest_package = |folder: &RepoPath| {
            let found = folder.ancestors().find_map(|at| by_folder.get(at));
            found.copied()
        };
        let root = RepoPath::new("");
        let marked = by_folder.keys().chain(tsconfigs.scopes());
        let places = marked.chain([&root]).map(|folder| {
            let place = Place {
                package: nearest_package(folder),
                configs: tsconfigs.for_folder(folder).collect(),
                found: Mutex::default(),
            };
            (folder.clone(), place)
        });
        let resolver = Self {
            places: places.collect(),
            files: Files::of(repository),
            tsconfigs,
            packages,
            by_folder,
            by_name,
            from_registry,
        };
        (resolver, unreadable)
    }

    /// What `specifier`, written in the file `from`, leads to.
    #[must_use]
    pub fn resolve(&self, from: &RepoPath, specifier: &str) -> Resolution {
        let specifier = plain(specifier);
        if specifier.is_empty() || specifier.starts_with('/') {
            return Resolution::Missing;
        }
        if specifier.starts_with('.') && is_relative(specifier) {
            return match below(folder_of(from), specifier) {
                Some(target) => self
                    .files
                    .load(&target)
                    .or_else(|| {
                        // `module.exports = require("./dist/roles")`: what a build of the package will put there.
                        let package = self.packages.get(self.place(from)?.package?)?;
                        entry::source_of(&RepoPath::new(&target), &package.folder, &self.files)
                    })
                    .map_or(Resolution::Missing, Resolution::File),
                None => Resolution::Missing,
            };
        }
        if let Some((scheme, rest)) = specifier.split_once(':') {
            return match scheme {
                "node" => external(rest),
                _ => external(specifier),
            };
        }
        let Some(place) = self.place(from) else {
            return Resolution::Missing;
        };
        if let Some(known) = place.found().get(specifier) {
            return known.clone();
        }
        let found = self.resolve_bare(place, specifier);
        place.found().insert(Box::from(specifier), found.clone());
        found
    }

    fn resolve_bare(&self, place: &Place, specifier: &str) -> Resolution {
        let nearest = place.package.and_then(|index| self.packages.get(index));
        let (name, subpath) = split_package(specifier);
        let declared = nearest.and_then(|package| package.ranges.get(name));
        let is_builtin = is_builtin(name);
        // A catch-all pattern and `baseUrl` lie behind what is declared: an installed package wins in every bundler.
        let is_package = declared.is_some() || is_builtin;
        let mut mapped = false;
        let configs = self.tsconfigs.all();
        for config in place.configs.iter().filter_map(|&at| configs.get(at)) {
            for mapping in &config.paths {
                let catch_all = mapping.is_catch_all();
                if catch_all && is_package {
                    continue;
                }
                let Some(targets) = mapping.apply(specifier) else {
                    continue;
                };
                mapped |= !catch_all;
                for target in targets {
                    if let Some(file) = self.files.load(&target) {
                        return Resolution::File(file);
                    }
                }
                // Only the best pattern of a configuration counts.
                break;
            }
            if !is_package
                && let Some(base) = &config.base_url
                && let Some(file) = self.files.load(base.join(specifier).as_str())
            {
                return Resolution::File(file);
            }
        }
        if specifier.starts_with('#') {
            let target = nearest.and_then(|package| {
                entry::import(&package.entries, &package.folder, specifier, &self.files)
            });
            return match target {
                Some(entry::Imported::File(file)) => Resolution::File(file),
                Some(entry::Imported::Package(name)) if !name.starts_with('#') => {
                    self.resolve_bare(place, &name)
                }
                _ => Resolution::Missing,
            };
        }
        if is_builtin {
            return external(specifier);
        }
        if let Some(package) = self.workspace(nearest, name, declared.map(|range| &**range)) {
            let file = entry::resolve(&package.entries, &package.folder, subpath, &self.files);
            return match file {
                Some(file) => Resolution::File(file),
                // Its code is made elsewhere: what it does is known by its name, if at all.
                None if package.published && !self.files.code_below(&package.folder) => {
                    external(specifier)
                }
                None => Resolution::Missing,
            };
        }
        // A workspace that is not below the audited folder is no package of the registry.
        if declared
            .is_some_and(|range| range.starts_with("workspace:") || linked_path(range).is_some())
        {
            return Resolution::Missing;
        }
        if declared.is_none()
            && let Some(file) = self.mapped_elsewhere(specifier)
        {
            return Resolution::File(file);
        }
        // A pattern that matched names a place in the repository, unless its text is a package's name as well.
        if declared.is_none() && (mapped || !is_package_name(name)) {
            return Resolution::Missing;
        }
        external(specifier)
    }

    /// What holds for the imports of a file.
    fn place(&self, file: &RepoPath) -> Option<&Place> {
        let mut folders = file.ancestors().skip(1);
        folders.find_map(|folder| self.places.get(folder))
    }

    /// The package of the repository that `name` stands for in a package that declares it as `range`.
    fn workspace<'a>(
        &'a self,
        nearest: Option<&'a ResolvedPackage>,
        name: &str,
        range: Option<&str>,
    ) -> Option<&'a ResolvedPackage> {
        if let Some(own) = nearest
            && own.name.as_deref() == Some(name)
        {
            return Some(own);
        }
        let root = self
            .by_folder
            .get("")
            .and_then(|&index| self.packages.get(index));
        let (declaring, range) = match range {
            Some(range) => (nearest, Some(range)),
            None => (
                root,
                root.and_then(|root| root.ranges.get(name))
                    .map(|range| &**range),
            ),
        };
        if let Some(path) = range.and_then(linked_path) {
            let folder = declaring?.folder.join(path);
            let index = self.by_folder.get(&folder)?;
            return self.packages.get(*index);
        }
        let mut named = self
            .by_name
            .get(name)?
            .iter()
            .filter_map(|&index| self.packages.get(index));
        match range {
            Some(range) => named.find(|package| names_workspace(range, package.version.as_deref())),
            // Undeclared, as hoisting lets it pass: only where nothing else could be meant.
            None if self.from_registry.contains(name) => None,
            None => {
                let only = named.next()?;
                named.next().is_none().then_some(only)
            }
        }
    }

    /// The single file that the patterns of some other configuration give: a package that is compiled as part of an
    /// application may use the application's aliases.
    fn mapped_elsewhere(&self, specifier: &str) -> Option<RepoPath> {
        let mut found: Option<RepoPath> = None;
        for config in self.tsconfigs.all() {
            let file = config
                .paths
                .iter()
                .filter(|mapping| !mapping.is_catch_all())
                .filter_map(|mapping| mapping.apply(specifier))
                .flatten()
                .find_map(|target| self.files.load(&target));
            match (&found, file) {
                (_, None) => {}
                (None, file) => found = file,
                (Some(one), Some(other)) if *one == other => {}
                _ => return None,
            }
        }
        found
    }
}

/// The folder that holds a file.
fn folder_of(file: &RepoPath) -> &str {
    file.ancestors().nth(1).unwrap_or("")
}

fn external(specifier: &str) -> Resolution {
    let (package, subpath) = split_package(specifier);
    Resolution::External {
        package: Box::from(package),
        subpath: Box::from(subpath),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(files: &[(&str, &str)]) -> Resolver {
        let repository = Repository::in_memory(files);
        let (project, _) = Project::load(&repository, &|_| None);
        Resolver::new(&repository, &project).0
    }

    /// The result as text: a path, `package|subpath`, or `-`.
    fn ask(resolver: &Resolver, from: &str, specifier: &str) -> String {
        match resolver.resolve(&RepoPath::new(from), specifier) {
            Resolution::File(path) => path.as_str().to_owned(),
            Resolution::External { package, subpath } => format!("{package}|{subpath}"),
            Resolution::Missing => String::from("-"),
        }
    }

    #[test]
    fn relative_paths() {
        let resolver = resolver(&[
            ("src/a.ts", ""),
            ("src/a/index.ts", ""),
            ("src/b.tsx", ""),
            ("src/c.js", ""),
            ("src/d.mts", ""),
            ("src/style.css", ""),
            ("src/data.json", ""),
            ("src/index.ts", ""),
            ("src/dir/index.jsx", ""),
            ("top.ts", ""),
        ]);
        for (specifier, expected) in [
            ("./a", "src/a.ts"),
            ("./a/", "src/a/index.ts"),
            ("./b.js", "src/b.tsx"),
            ("./c.js", "src/c.js"),
            ("./d.mjs", "src/d.mts"),
            ("./style.css", "src/style.css"),
            ("./data.json", "src/data.json"),
            ("./data.json?raw", "src/data.json"),
            (".", "src/index.ts"),
            ("./", "src/index.ts"),
            ("./dir", "src/dir/index.jsx"),
            ("../top", "top.ts"),
            ("../../src/a", "-"),
            ("./nope", "-"),
            ("/top", "-"),
            ("", "-"),
        ] {
            assert_eq!(
                ask(&resolver, "src/x.ts", specifier),
                expected,
                "{specifier}"
            );
        }
    }

    #[test]
    fn packages_and_builtins() {
        let resolver = resolver(&[
            ("package.json", r#"{"dependencies":{"stripe":"1"}}"#),
            ("tsconfig.json", r#"{"compilerOptions":{"baseUrl":"."}}"#),
            ("stripe/index.ts", ""),
            ("events/index.ts", ""),
            ("lib/db.ts", ""),
            ("x.ts", ""),
        ]);
        for (specifier, expected) in [
            ("next/server", "next|server"),
            ("@clerk/nextjs/server", "@clerk/nextjs|server"),
            ("node:crypto", "crypto|"),
            ("node:fs/promises", "fs|promises"),
            ("fs/promises", "fs|promises"),
            ("stripe", "stripe|"),
            ("events", "events|"),
            ("lib/db", "lib/db.ts"),
            ("bun:test", "bun:test|"),
            ("@/lib/db", "-"),
            ("~/lib/db", "-"),
        ] {
            assert_eq!(ask(&resolver, "x.ts", specifier), expected, "{specifier}");
        }
    }

    #[test]
    fn workspaces_without_node_modules() {
        let resolver = resolver(&[
            ("package.json", r#"{"workspaces":["apps/*","packages/*"]}"#),
            (
                "apps/web/package.json",
                r#"{"name":"web","dependencies":{"@acme/db":"workspace:*","storybook":"^8.0.0","@acme/away":"workspace:*","@acme/made":"workspace:*","@acme/gone":"workspace:*","packed":"file:vendor/packed-1.0.0.tgz","local":"file:../../vendor/local"}}"#,
            ),
            ("apps/web/x.ts", ""),
            (
                "packages/db/package.json",
                r#"{"name":"@acme/db","main":"dist/index.js","types":"dist/index.d.ts"}"#,
            ),
            ("packages/db/src/index.ts", ""),
            ("packages/db/src/schema/users.ts", ""),
            (
                "packages/ui/package.json",
                r##"{"name":"@acme/ui","exports":{".":{"types":"./src/types.d.ts","import":"./dist/esm/main.mjs"},"./icons/*":"./src/icons/*.tsx","./css":"./src/ui.css","./private/*":null},"imports":{"#env":"./src/env.ts","#dep/*":{"default":"left-pad/*"}}}"##,
            ),
            ("packages/ui/src/main.tsx", ""),
            ("packages/ui/src/types.d.ts", ""),
            ("packages/ui/src/env.ts", ""),
            ("packages/ui/src/ui.css", ""),
            ("packages/ui/src/icons/plus.tsx", ""),
            ("packages/storybook/package.json", r#"{"name":"storybook"}"#),
            ("packages/storybook/index.ts", ""),
            (
                "packages/made/package.json",
                r#"{"name":"@acme/made","version":"1.2.0","main":"dist/index.js"}"#,
            ),
            (
                "packages/gone/package.json",
                r#"{"name":"@acme/gone","version":"1.2.0","private":true,"main":"dist/index.js"}"#,
            ),
            ("vendor/local/package.json", r#"{"name":"other"}"#),
            ("vendor/local/index.js", ""),
        ]);
        for (specifier, expected) in [
            ("@acme/made", "@acme/made|"),
            ("@acme/gone", "-"),
            ("@acme/db", "packages/db/src/index.ts"),
            (
                "@acme/db/dist/schema/users",
                "packages/db/src/schema/users.ts",
            ),
            ("@acme/db/schema/users", "packages/db/src/schema/users.ts"),
            ("@acme/ui", "packages/ui/src/main.tsx"),
            ("@acme/ui/icons/plus", "packages/ui/src/icons/plus.tsx"),
            ("@acme/ui/icons/minus", "-"),
            ("@acme/ui/css", "packages/ui/src/ui.css"),
            ("storybook", "storybook|"),
            ("local", "vendor/local/index.js"),
            ("@acme/none", "@acme/none|"),
            ("@acme/away", "-"),
            ("packed", "packed|"),
        ] {
            assert_eq!(
                ask(&resolver, "apps/web/x.ts", specifier),
                expected,
                "{specifier}"
            );
        }
        let own = "packages/ui/src/main.tsx";
        assert_eq!(ask(&resolver, own, "#env"), "packages/ui/src/env.ts");
        assert_eq!(ask(&resolver, own, "#dep/a"), "left-pad|a");
        assert_eq!(ask(&resolver, own, "#nope"), "-");
        assert_eq!(
            ask(&resolver, own, "@acme/ui/css"),
            "packages/ui/src/ui.css"
        );
    }

    #[test]
    fn aliases_of_the_nearest_configuration_then_of_the_only_one_that_knows() {
        let resolver = resolver(&[
            ("package.json", r#"{"workspaces":["apps/*","packages/*"]}"#),
            (
                "apps/web/tsconfig.json",
                r#"{"compilerOptions":{"paths":{"@/*":["./src/*"],"@shared/*":["../../packages/shared/*"]}}}"#,
            ),
            ("apps/web/test/tsconfig.json", "{}"),
            ("apps/web/src/lib/a.ts", ""),
            ("apps/web/test/a.test.ts", ""),
            (
                "apps/docs/tsconfig.json",
                r#"{"compilerOptions":{"paths":{"@/*":["./*"]}}}"#,
            ),
            ("apps/docs/lib/a.ts", ""),
            ("packages/shared/b.ts", ""),
            ("packages/shared/package.json", r#"{"name":"shared"}"#),
        ]);
        assert_eq!(
            ask(&resolver, "apps/web/src/x.ts", "@/lib/a"),
            "apps/web/src/lib/a.ts"
        );
        assert_eq!(
            ask(&resolver, "apps/web/test/x.ts", "@/lib/a"),
            "apps/web/src/lib/a.ts"
        );
        assert_eq!(
            ask(&resolver, "apps/docs/x.ts", "@/lib/a"),
            "apps/docs/lib/a.ts"
        );
        assert_eq!(
            ask(&resolver, "apps/docs/x.ts", "@/lib//./a"),
            "apps/docs/lib/a.ts"
        );
        // Two applications know the alias, so it is not guessed; one knows the other.
        assert_eq!(ask(&resolver, "packages/shared/x.ts", "@/lib/a"), "-");
        assert_eq!(
            ask(&resolver, "packages/shared/x.ts", "@shared/b"),
            "packages/shared/b.ts"
        );
        assert_eq!(
            ask(&resolver, "apps/web/src/x.ts", "@/generated/client"),
            "-"
        );
    }
}
