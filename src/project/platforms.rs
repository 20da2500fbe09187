//! Packages for other platforms than a server: what runs on a desktop, on a phone or in a browser's extensions serves no
//! route, so its code need not be read.

use crate::source::{RepoPath, Repository, Unreadable};
use crate::syntax::ModuleRecord;

use super::manifest::{Manifests, Package};

/// Packages of which one shows the platform, and what is built with them.
const PLATFORMS: [(&str, &[&str]); 4] = [
    (
        "a desktop application",
        &["@tauri-apps/api", "@tauri-apps/cli", "electron"],
    ),
    ("a mobile application", &["expo", "react-native"]),
    (
        "a browser extension",
        &[
            "@crxjs/vite-plugin",
            "@types/chrome",
            "@types/webextension-polyfill",
            "plasmo",
            "webextension-polyfill",
            "wxt",
        ],
    ),
    ("an editor's extension", &["@types/vscode", "@raycast/api"]),
];

/// What serves routes: a package that depends on one of them may do so beside anything else.
const SERVERS: [&str; 8] = [
    "@hono/node-server",
    "@nestjs/core",
    "@trpc/server",
    "express",
    "fastify",
    "hono",
    "koa",
    "next",
];

/// Packages that run elsewhere, on which no other package of the repository depends.
#[derive(Debug, Default)]
pub struct Platforms {
    /// Their folders, with what they are.
    elsewhere: Vec<(RepoPath, &'static str)>,
    /// The folders of all packages inside one of those.
    inside: Vec<RepoPath>,
}

impl Platforms {
    /// Finds them among the manifests of a repository.
    #[must_use]
    pub fn of(repository: &Repository, manifests: &Manifests) -> Self {
        let packages = &manifests.packages;
        let wanted = |package: &Package| {
            let name = package.name.as_deref();
            name.is_some_and(|name| packages.iter().any(|other| other.depends_on(name)))
        };
        // What such a package depends on may stand in another manifest.
        let is_next = |folder: &RepoPath| {
            let mut files = repository.files_below(folder).iter();
            files.any(|path| path.file_name().starts_with("next.config."))
        };
        let elsewhere = packages.iter().filter_map(|package| {
            let folder = package.folder();
            let what = platform(package).filter(|_| !folder.is_root() && !wanted(package))?;
            (!is_next(&folder)).then_some((folder, what))
        });
        let elsewhere: Vec<_> = elsewhere.collect();
        let is_inside = |folder: &RepoPath| {
            let mut around = elsewhere.iter();
            around.any(|(other, _)| folder != other && folder.starts_with(other))
        };
        let folders = packages.iter().map(Package::folder);
        let inside = folders.filter(is_inside).collect();
        Self { elsewhere, inside }
    }

    /// The package for another platform that a file belongs to: its folder.
    #[must_use]
    pub fn folder_of(&self, path: &RepoPath) -> Option<&RepoPath> {
        let mut around = self.elsewhere.iter().map(|(folder, _)| folder);
        let folder = around.find(|folder| path.starts_with(folder))?;
        let of_another = |inner: &RepoPath| inner.starts_with(folder) && path.starts_with(inner);
        (!self.inside.iter().any(of_another)).then_some(folder)
    }

    /// Those that one of the modules reaches into by a path are to be read after all; gives their folders.
    pub fn keep_reached(&mut self, modules: &[ModuleRecord]) -> Vec<RepoPath> {
        if self.elsewhere.is_empty() {
            return Vec::new();
        }
        let mut reached: Vec<RepoPath> = Vec::new();
        for module in modules {
            let paths = module.requests.iter().map(|request| &*request.specifier);
            for path in paths.filter(|specifier| specifier.starts_with('.')) {
                // Whatever the path names lies below the folder to which it climbs.
                let climbs = path
                    .as_bytes()
                    .windows(2)
                    .filter(|two| two == b"..")
                    .count();
                let top = module.path.ancestors().nth(climbs + 1).unwrap_or("");
                let is_near = |(folder, _): &(RepoPath, _)| {
                    folder.as_str().starts_with(top) || top.starts_with(folder.as_str())
                };
                if !self.elsewhere.iter().any(is_near) {
                    continue;
                }
                let folder = module.path.parent().unwrap_or_else(|| RepoPath::new(""));
                if let Some(into) = self.folder_of(&folder.join(path))
                    && !reached.contains(into)
                {
                    reached.push(into.clone());
                }
            }
        }
        self.elsewhere
            .retain(|(folder, _)| !reached.contains(folder));
        reached
    }

    /// The packages that were left out, each as one that was not examined.
    pub fn left_out(&self) -> impl Iterator<Item = Unreadable> {
        self.elsewhere.iter().map(|(folder, what)| Unreadable {
            path: folder.clone(),
            reason: format!("{what} on which no other package depends; it serves no route"),
        })
    }
}

fn platform(package: &Package) -> Option<&'static str> {
    if SERVERS.iter().any(|server| package.depends_on(server)) {
        return None;
    }
    let shows = |(_, signs): &&(_, &[&str])| signs.iter().any(|sign| package.depends_on(sign));
    PLATFORMS.iter().find(shows).map(|(what, _)| *what)
}

#[cfg(test)]
mod tests {
    use super::Platforms;
    use crate::project::Manifests;
    use crate::source::{RepoPath, Repository};
    use crate::syntax::{ParseOptions, PatternSet, parse_module};

    const WEB: (&str, &str) = (
        "apps/web/package.json",
        r#"{"name":"web","dependencies":{"next":"16.0.0"}}"#,
    );

    fn platforms(files: &[(&str, &str)]) -> Platforms {
        let repository = Repository::in_memory(files);
        let (manifests, _) = Manifests::read(&repository);
        Platforms::of(&repository, &manifests)
    }

    fn is_left_out(files: &[(&str, &str)], path: &str) -> bool {
        platforms(files).folder_of(&RepoPath::new(path)).is_some()
    }

    #[test]
    fn what_runs_on_a_desktop_is_left_out_and_what_serves_is_not() {
        let desktop = |json| [WEB, ("apps/desktop/package.json", json)];
        let tauri = r#"{"name":"desktop","dependencies":{"@tauri-apps/api":"2.0.0"}}"#;
        let serving = r#"{"name":"desktop","dependencies":{"electron":"39","express":"5"}}"#;
        let path = "apps/desktop/src/main.ts";
        assert!(is_left_out(&desktop(tauri), path));
        assert!(!is_left_out(&desktop(tauri), "apps/web/app/page.tsx"));
        assert!(!is_left_out(&desktop(serving), path));
        assert!(!is_left_out(&[("package.json", tauri)], "src/main.ts"));
        let next = [
            WEB,
            ("apps/desktop/package.json", tauri),
            ("apps/desktop/next.config.mjs", "export default {}"),
        ];
        assert!(!is_left_out(&next, path));
    }

    #[test]
    fn what_another_package_depends_on_is_read() {
        let mobile = r#"{"name":"mobile","dependencies":{"expo":"55"}}"#;
        let tests = r#"{"name":"e2e","devDependencies":{"mobile":"workspace:*"}}"#;
        let alone = [WEB, ("apps/mobile/package.json", mobile)];
        let wanted = [alone[0], alone[1], ("e2e/package.json", tests)];
        assert!(is_left_out(&alone, "apps/mobile/app/index.tsx"));
        assert!(!is_left_out(&wanted, "apps/mobile/app/index.tsx"));
    }

    #[test]
    fn a_package_inside_it_is_read() {
        let files = [
            WEB,
            (
                "mobile/package.json",
                r#"{"name":"m","dependencies":{"react-native":"0.83"}}"#,
            ),
            (
                "mobile/api/package.json",
                r#"{"name":"api","dependencies":{"hono":"4"}}"#,
            ),
        ];
        assert!(is_left_out(&files, "mobile/src/index.ts"));
        assert!(!is_left_out(&files, "mobile/api/index.ts"));
    }

    #[test]
    fn what_a_module_reaches_into_by_its_path_is_read() {
        let files = [
            WEB,
            (
                "apps/ext/package.json",
                r#"{"name":"ext","dependencies":{"wxt":"0.20"}}"#,
            ),
            (
                "apps/web/app/api/a/route.ts",
                "import { guard } from '../../../../ext/src/guard';",
            ),
            ("apps/web/lib/b.ts", "import { c } from './c';"),
        ];
        let repository = Repository::in_memory(&files);
        let patterns = PatternSet::default();
        let options = ParseOptions {
            patterns: &patterns,
        };
        let module = |path: &str| {
            let file = repository.read(&RepoPath::new(path)).unwrap();
            parse_module(&file, options)
        };
        let mut all = platforms(&files);
        assert!(all.keep_reached(&[module("apps/web/lib/b.ts")]).is_empty());
        assert_eq!(all.left_out().count(), 1);
        let reached = all.keep_reached(&[module("apps/web/app/api/a/route.ts")]);
        assert_eq!(reached, [RepoPath::new("apps/ext")]);
        assert_eq!(all.left_out().count(), 0);
    }
}
