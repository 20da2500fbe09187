//! Which versions of its packages an application uses, from the lock file or else from the manifest.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use memchr::{memchr, memmem, memrchr};
use rustc_hash::FxHashMap;

use crate::source::{RepoPath, Repository};

use super::manifest::{Package, Workspaces};

/// Lock files beyond this are left unread; the manifest then answers.
const MAX_LOCK_BYTES: u64 = 32_000_000;

/// Packages and the ranges under which a manifest lists them.
type Wanted<'p> = FxHashMap<&'p str, &'p str>;

/// The lock files of a repository, each read once.
pub(super) struct Versions<'r> {
    repository: &'r Repository,
    workspaces: &'r [Workspaces],
    locks: RefCell<FxHashMap<RepoPath, Option<Rc<Lock>>>>,
}

/// What packages a lock file may give versions of, by key: the name, or behind that of the package that gets it, `web/next`.
type Locked = FxHashMap<Box<str>, Box<str>>;

/// The text of a lock file, or what it says.
enum Lock {
    Npm(String),
    Pnpm(String),
    Yarn(String),
    Bun(Locked),
}

impl<'r> Versions<'r> {
    pub(super) fn new(repository: &'r Repository, workspaces: &'r [Workspaces]) -> Self {
        Self {
            repository,
            workspaces,
            locks: RefCell::default(),
        }
    }

    /// The versions of what `package` lists, and of what `root` lists for all, without range signs.
    pub(super) fn of(&self, package: &Package, root: Option<&Package>) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        self.add(package, &mut found);
        if let Some(root) = root.filter(|root| !std::ptr::eq(*root, package)) {
            self.add(root, &mut found);
        }
        found
    }

    fn add(&self, package: &Package, found: &mut BTreeMap<String, String>) {
        let folder = package.folder();
        // The first of the lists wins, as it does for `Package::range`.
        let listed = [
            &package.peer_dependencies,
            &package.dev_dependencies,
            &package.dependencies,
        ];
        let mut wanted: Wanted<'_> = listed
            .into_iter()
            .flatten()
            .filter(|(name, _)| !found.contains_key(*name))
            .map(|(name, range)| (name.as_str(), range.as_str()))
            .collect();
        for at in std::iter::successors(Some(folder.clone()), RepoPath::parent) {
            if wanted.is_empty() {
                return;
            }
            let (Some(relative), Some(lock)) = (folder.strip_prefix(&at), self.lock(&at)) else {
                continue;
            };
            let own = package.name.as_deref();
            for (name, version) in lock.versions(relative, own, &wanted) {
                wanted.remove(name);
                found.insert(name.to_owned(), version);
            }
        }
        for (name, range) in wanted {
            if let Some(version) = self.listed(&folder, name, range) {
                found.insert(name.to_owned(), version);
            }
        }
    }

    /// What the manifest says, or the catalog that it names.
    fn listed(&self, folder: &RepoPath, name: &str, range: &str) -> Option<String> {
        let Some(catalog) = range.strip_prefix("catalog:") else {
            return without_signs(range);
        };
        let catalog = if catalog == "default" { "" } else { catalog };
        let key = (catalog.to_owned(), name.to_owned());
        let sets = self.workspaces.iter();
        let mut sets = sets.filter(|set| folder.starts_with(&set.root));
        without_signs(sets.find_map(|set| set.catalogs.get(&key))?)
    }

    /// The lock file in a folder.
    fn lock(&self, at: &RepoPath) -> Option<Rc<Lock>> {
        let mut locks = self.locks.borrow_mut();
        let lock = locks.entry(at.clone()).or_insert_with(|| {
            let read = |file: &str| {
                let path = at.join(file);
                let there = self.repository.exists(&path);
                let file = there.then(|| self.repository.read_up_to(&path, MAX_LOCK_BYTES).ok());
                file.flatten().map(|file| file.text)
            };
            let lock = read("package-lock.json").map(Lock::Npm);
            let lock = lock.or_else(|| read("pnpm-lock.yaml").map(Lock::Pnpm));
            let lock = lock.or_else(|| read("yarn.lock").map(Lock::Yarn));
            lock.or_else(|| read("bun.lock").map(|text| Lock::Bun(locked_by_bun(&text))))
                .map(Rc::new)
        });
        lock.clone()
    }
}

impl Lock {
    /// The versions of the wanted packages, as the package in the folder `relative`, of the name `own`, gets them, in one pass.
    fn versions<'p>(
        &self,
        relative: &str,
        own: Option<&str>,
        wanted: &Wanted<'p>,
    ) -> FxHashMap<&'p str, String> {
        match self {
            Self::Npm(text) => npm(text, relative, wanted),
            Self::Pnpm(text) => pnpm(text, relative, wanted),
            Self::Yarn(text) => yarn(text, wanted),
            Self::Bun(locked) => bun(locked, own, wanted),
        }
    }
}

/// `^15.1.0` → `15.1.0`, `>=14 <16` → `14`, `npm:next@15.0.0` → `15.0.0`, `canary` → `canary`.
fn without_signs(range: &str) -> Option<String> {
    let range = range.strip_prefix("workspace:").unwrap_or(range);
    let range = match range.strip_prefix("npm:") {
        Some(alias) => alias.rsplit('@').next().unwrap_or(alias),
        None => range,
    };
    let plain = range
        .trim_start_matches(['^', '~', '>', '<', '=', 'v', ' '])
        .split([' ', '|', ','])
        .next()
        .unwrap_or("");
    (!plain.is_empty() && !matches!(plain, "*" | "x")).then(|| plain.to_owned())
}

/// The text in quotes behind `key` and a colon, near the beginning of `text`.
fn quoted_after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let at = text.find(key)?;
    let rest = text.get(at + key.len()..)?;
    let open = rest.find('"')? + 1;
    let close = rest.get(open..)?.find('"')? + open;
    rest.get(open..close)
}

/// The wanted package of this name.
fn asked<'p>(wanted: &Wanted<'p>, name: &str) -> Option<&'p str> {
    wanted.get_key_value(name).map(|(name, _)| *name)
}

/// `"apps/web/node_modules/next": {`; what lies in the package's own folder goes before what lies at the root.
fn npm<'p>(text: &str, relative: &str, wanted: &Wanted<'p>) -> FxHashMap<&'p str, String> {
    const FOLDER: &str = "node_modules/";
    let (mut own, mut shared) = (FxHashMap::default(), FxHashMap::default());
    for at in memmem::find_iter(text.as_bytes(), FOLDER) {
        let (Some(before), Some(rest)) = (text.get(..at), text.get(at + FOLDER.len()..)) else {
            continue;
        };
        let found = if before.ends_with('"') {
            &mut shared
        } else if !relative.is_empty()
            && before
                .strip_suffix('/')
                .and_then(|before| before.strip_suffix(relative))
                .is_some_and(|before| before.ends_with('"'))
        {
            &mut own
        } else {
            continue;
        };
        let Some((name, entry)) = rest.split_once('"') else {
            continue;
        };
        if let Some(name) = asked(wanted, name)
            && let Some(entry) = entry.strip_prefix(": {")
            && let Some(version) = quoted_after(entry, "\"version\":")
        {
            found.entry(name).or_insert_with(|| version.to_owned());
        }
    }
    shared.extend(own);
    shared
}

fn pnpm<'p>(text: &str, relative: &str, wanted: &Wanted<'p>) -> FxHashMap<&'p str, String> {
    let importer = if relative.is_empty() { "." } else { relative };
    let importer = format!("  {importer}:");
    let lines = text
        .lines()
        .skip_while(|line| line.trim_end() != "importers:")
        .skip_while(|line| line.trim_end() != importer)
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("    "));
    let mut found = FxHashMap::default();
    let mut current = None;
    for line in lines {
        let line = line.trim();
        if let Some(key) = line.strip_suffix(':') {
            current = asked(wanted, key.trim_matches(['\'', '"']));
        } else if let Some(version) = line.strip_prefix("version:")
            && let Some(name) = current.take()
        {
            let version = version.trim().trim_matches(['\'', '"']);
            let plain = version.split('(').next().unwrap_or(version);
            if !plain.starts_with("link:") {
                found.insert(name, plain.to_owned());
            }
        }
    }
    found
}

fn yarn<'p>(text: &str, wanted: &Wanted<'p>) -> FxHashMap<&'p str, String> {
    let mut found = FxHashMap::default();
    let mut current = None;
    for line in text.lines() {
        if line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            let mut keys = line.trim_end_matches(':').split(", ");
            current = keys.find_map(|key| {
                let (name, range) = key.trim_matches('"').rsplit_once('@')?;
                // `next@npm:^15.1.0` in the files of newer versions; `name@npm:other@1` has one more.
                let range = range.strip_prefix("npm:").unwrap_or(range);
                let (name, listed) = wanted.get_key_value(name)?;
                (listed.strip_prefix("npm:").unwrap_or(listed) == range).then_some(*name)
            });
        } else if let Some(name) = current
            && let Some(version) = line.trim().strip_prefix("version")
        {
            let version = version.trim_matches(|c| matches!(c, ' ' | ':' | '"'));
            found.insert(name, version.to_owned());
            current = None;
        }
    }
    found
}

/// `"next": ["next@15.5.0"`
fn locked_by_bun(text: &str) -> Locked {
    const BETWEEN: &str = "\": [\"";
    let mut locked = Locked::default();
    for at in memmem::find_iter(text.as_bytes(), BETWEEN) {
        let (Some(before), Some(rest)) = (text.get(..at), text.get(at + BETWEEN.len()..)) else {
            continue;
        };
        let start = memrchr(b'"', before.as_bytes()).map_or(0, |quote| quote + 1);
        let end = memchr(b'"', rest.as_bytes()).unwrap_or(rest.len());
        let (key, entry) = (&before[start..], &rest[..end]);
        // The name of a package in a scope begins with the sign itself.
        let Some(sign) = entry.bytes().skip(1).position(|byte| byte == b'@') else {
            continue;
        };
        let (name, version) = (&entry[..=sign], &entry[sign + 2..]);
        let for_whom = key.strip_suffix(name);
        if for_whom.is_some_and(|whom| whom.is_empty() || whom.ends_with('/')) {
            locked.entry(key.into()).or_insert_with(|| version.into());
        }
    }
    locked
}

/// What is locked for the package by its own name goes before what all share.
fn bun<'p>(locked: &Locked, own: Option<&str>, wanted: &Wanted<'p>) -> FxHashMap<&'p str, String> {
    let version = |name: &str| {
        let mine = own.and_then(|own| locked.get(&*format!("{own}/{name}")));
        mine.or_else(|| locked.get(name))
    };
    let found = wanted
        .keys()
        .filter_map(|name| Some((*name, version(name)?.to_string())));
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Manifests;

    fn version(files: &[(&str, &str)], folder: &str) -> Option<String> {
        let repository = Repository::in_memory(files);
        let (manifests, _) = Manifests::read(&repository);
        let package = manifests
            .packages
            .iter()
            .find(|package| package.folder().as_str() == folder)
            .unwrap();
        let versions = Versions::new(&repository, &manifests.workspaces);
        versions.of(package, None).remove("next")
    }

    const WEB: (&str, &str) = (
        "apps/web/package.json",
        r#"{"name":"@x/web","dependencies":{"next":"^15.1.0"}}"#,
    );

    #[test]
    fn the_lock_file_wins() {
        let npm = r#"{"packages":{"node_modules/next":{"x":1},"node_modules/next": {
            "version": "15.1.7"}, "apps/web/node_modules/next": { "version": "15.2.3" }}}"#;
        let pnpm = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      next:\n        specifier: 14\n        version: 14.0.0\n\n  apps/web:\n    dependencies:\n      next:\n        specifier: ^15.1.0\n        version: 15.3.1(react@19.0.0)\n\npackages:\n";
        let yarn = "# yarn\n\nnext@^14.0.0:\n  version \"14.2.0\"\n\n\"next@^15.0.0, next@^15.1.0\":\n  version \"15.4.0\"\n";
        let berry = "\"next@npm:^15.1.0\":\n  version: 15.4.1\n";
        let bun = "{ \"packages\": { \"next\": [\"next@15.5.0\", \"\", {} ] } }";
        let bun_workspaces = "{ \"packages\": { \"next\": [\"next@15.5.0\"], \"@x/web/next\": [\"next@16.0.7\"], \"y/next\": [\"next@14.0.0\"] } }";
        for (file, text, expected) in [
            ("package-lock.json", npm, "15.2.3"),
            ("pnpm-lock.yaml", pnpm, "15.3.1"),
            ("yarn.lock", yarn, "15.4.0"),
            ("yarn.lock", berry, "15.4.1"),
            ("bun.lock", bun, "15.5.0"),
            ("bun.lock", bun_workspaces, "16.0.7"),
            ("other.lock", bun, "15.1.0"),
        ] {
            let found = version(&[WEB, (file, text)], "apps/web");
            assert_eq!(found.as_deref(), Some(expected), "{file}");
        }
    }

    #[test]
    fn ranges_without_signs() {
        for (range, expected) in [
            ("~15.0.1", Some("15.0.1")),
            (">=14.0.0 <16", Some("14.0.0")),
            ("canary", Some("canary")),
            ("latest", Some("latest")),
            ("*", None),
            ("npm:next@15.0.0", Some("15.0.0")),
            ("workspace:*", None),
            ("14 || 15", Some("14")),
        ] {
            assert_eq!(without_signs(range).as_deref(), expected, "{range}");
        }
    }

    #[test]
    fn catalogs_of_pnpm() {
        let files = [
            (
                "pnpm-workspace.yaml",
                "packages: [a, b]\ncatalog:\n  next: ^15.1.2\ncatalogs:\n  old:\n    next: 14.2.0\n",
            ),
            ("a/package.json", r#"{"dependencies":{"next":"catalog:"}}"#),
            (
                "b/package.json",
                r#"{"dependencies":{"next":"catalog:old"}}"#,
            ),
        ];
        assert_eq!(version(&files, "a").as_deref(), Some("15.1.2"));
        assert_eq!(version(&files, "b").as_deref(), Some("14.2.0"));
    }
}
