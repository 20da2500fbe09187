//! Which version of a package an application uses, from the lock file or else from the manifest.

use memchr::memmem;

use crate::source::{RepoPath, Repository};

use super::manifest::{Package, Workspaces};

/// Lock files beyond this are left unread; the manifest then answers.
const MAX_LOCK_BYTES: u64 = 32_000_000;

/// The version of `name` as `package` uses it, without range signs.
pub(super) fn version_of(
    repository: &Repository,
    package: &Package,
    root: Option<&Package>,
    workspaces: &[Workspaces],
    name: &str,
) -> Option<String> {
    let folder = package.folder();
    let range = package
        .range(name)
        .or_else(|| root.and_then(|root| root.range(name)));
    let locked = std::iter::successors(Some(folder.clone()), RepoPath::parent)
        .find_map(|at| locked(repository, &at, &folder, name, range));
    locked.or_else(|| {
        let range = range?;
        let range = match range.strip_prefix("catalog:") {
            Some(catalog) => {
                let catalog = if catalog == "default" { "" } else { catalog };
                let key = (catalog.to_owned(), name.to_owned());
                workspaces
                    .iter()
                    .filter(|set| folder.starts_with(&set.root))
                    .find_map(|set| set.catalogs.get(&key))?
            }
            None => range,
        };
        without_signs(range)
    })
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

/// The version in the lock file of folder `at`, for the package in `folder`.
fn locked(
    repository: &Repository,
    at: &RepoPath,
    folder: &RepoPath,
    name: &str,
    range: Option<&str>,
) -> Option<String> {
    let relative = folder.strip_prefix(at)?;
    let read = |file: &str| {
        let path = at.join(file);
        repository
            .exists(&path)
            .then(|| repository.read_up_to(&path, MAX_LOCK_BYTES).ok())
            .flatten()
    };
    if let Some(file) = read("package-lock.json") {
        return npm(&file.text, relative, name);
    }
    if let Some(file) = read("pnpm-lock.yaml") {
        return pnpm(&file.text, relative, name);
    }
    if let Some(file) = read("yarn.lock") {
        return yarn(&file.text, name, range?);
    }
    if let Some(file) = read("bun.lock") {
        return bun(&file.text, name);
    }
    None
}

/// The text in quotes behind `key` and a colon, near the beginning of `text`.
fn quoted_after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let at = text.find(key)?;
    let rest = text.get(at + key.len()..)?;
    let open = rest.find('"')? + 1;
    let close = rest.get(open..)?.find('"')? + open;
    rest.get(open..close)
}

fn after<'t>(text: &'t str, needle: &str) -> Option<&'t str> {
    let at = memmem::find(text.as_bytes(), needle.as_bytes())?;
    text.get(at + needle.len()..)
}

fn npm(text: &str, relative: &str, name: &str) -> Option<String> {
    let own = (!relative.is_empty())
        .then(|| after(text, &format!("\"{relative}/node_modules/{name}\": {{")))
        .flatten();
    let entry = own.or_else(|| after(text, &format!("\"node_modules/{name}\": {{")))?;
    quoted_after(entry, "\"version\":").map(str::to_owned)
}

fn pnpm(text: &str, relative: &str, name: &str) -> Option<String> {
    let importer = if relative.is_empty() { "." } else { relative };
    let mut lines = text
        .lines()
        .skip_while(|line| line.trim_end() != "importers:")
        .skip_while(|line| line.trim_end() != format!("  {importer}:"))
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("    "))
        .skip_while(|line| {
            let key = line.trim().trim_end_matches(':');
            key.trim_matches(['\'', '"']) != name || !line.trim_end().ends_with(':')
        })
        .skip(1);
    let version = lines.find_map(|line| line.trim().strip_prefix("version:"))?;
    let version = version.trim().trim_matches(['\'', '"']);
    let plain = version.split('(').next().unwrap_or(version);
    (!plain.starts_with("link:")).then(|| plain.to_owned())
}

fn yarn(text: &str, name: &str, range: &str) -> Option<String> {
    let keys = [format!("{name}@{range}"), format!("{name}@npm:{range}")];
    let mut lines = text.lines().skip_while(|line| {
        line.starts_with([' ', '#'])
            || !line
                .trim_end_matches(':')
                .split(", ")
                .any(|key| keys.iter().any(|wanted| key.trim_matches('"') == wanted))
    });
    lines.next()?;
    let version = lines
        .take_while(|line| line.starts_with(' '))
        .find_map(|line| line.trim().strip_prefix("version"))?;
    Some(
        version
            .trim_matches(|c| matches!(c, ' ' | ':' | '"'))
            .to_owned(),
    )
}

fn bun(text: &str, name: &str) -> Option<String> {
    let entry = after(text, &format!("\"{name}\": [\"{name}@"))?;
    let version = entry.split('"').next()?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::manifest::read_manifests;

    fn version(files: &[(&str, &str)], folder: &str) -> Option<String> {
        let repository = Repository::in_memory(files);
        let manifests = read_manifests(&repository, &mut Vec::new());
        let package = manifests
            .packages
            .iter()
            .find(|package| package.folder().as_str() == folder)
            .unwrap();
        version_of(&repository, package, None, &manifests.workspaces, "next")
    }

    const WEB: (&str, &str) = (
        "apps/web/package.json",
        r#"{"dependencies":{"next":"^15.1.0"}}"#,
    );

    #[test]
    fn the_lock_file_wins() {
        let npm = r#"{"packages":{"node_modules/next":{"x":1},"node_modules/next": {
            "version": "15.1.7"}, "apps/web/node_modules/next": { "version": "15.2.3" }}}"#;
        let pnpm = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      next:\n        specifier: 14\n        version: 14.0.0\n\n  apps/web:\n    dependencies:\n      next:\n        specifier: ^15.1.0\n        version: 15.3.1(react@19.0.0)\n\npackages:\n";
        let yarn = "# yarn\n\nnext@^14.0.0:\n  version \"14.2.0\"\n\n\"next@^15.0.0, next@^15.1.0\":\n  version \"15.4.0\"\n";
        let berry = "\"next@npm:^15.1.0\":\n  version: 15.4.1\n";
        let bun = "{ \"packages\": { \"next\": [\"next@15.5.0\", \"\", {} ] } }";
        for (file, text, expected) in [
            ("package-lock.json", npm, "15.2.3"),
            ("pnpm-lock.yaml", pnpm, "15.3.1"),
            ("yarn.lock", yarn, "15.4.0"),
            ("yarn.lock", berry, "15.4.1"),
            ("bun.lock", bun, "15.5.0"),
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
