//! Finding the applications of a repository.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::source::{RepoPath, Repository};
use crate::syntax::ModuleRecord;

use super::app::{App, Framework};
use super::manifest::{Manifests, Package};
use super::next_config::NextConfig;
use super::services::{HonoServer, calls_express, is_beside, runs_default_export, serves_hono};
use super::version::Versions;

/// The files that Next.js takes as its configuration, the preferred one first.
const NEXT_CONFIGS: [&str; 6] = [
    "next.config.js",
    "next.config.mjs",
    "next.config.ts",
    "next.config.mts",
    "next.config.cjs",
    "next.config.cts",
];

/// Folders whose packages show something and serve nobody.
const SHOWN: [&str; 18] = [
    "examples",
    "example",
    "templates",
    "template",
    "fixtures",
    "fixture",
    "__fixtures__",
    "__tests__",
    "test",
    "tests",
    "e2e",
    "demo",
    "demos",
    "playground",
    "playgrounds",
    "sandbox",
    "starters",
    "benchmarks",
];

/// Everything that discovery looks at.
pub(super) struct Discovery<'a, 'm> {
    pub(super) repository: &'a Repository,
    pub(super) manifests: &'a Manifests,
    pub(super) record_of: &'a dyn Fn(&RepoPath) -> Option<&'m ModuleRecord>,
    pub(super) locks: &'a Versions<'a>,
}

/// Where the parts of a Next.js application lie.
struct NextFolders {
    app_dir: Option<RepoPath>,
    pages_dir: Option<RepoPath>,
    source_root: RepoPath,
}

impl Discovery<'_, '_> {
    /// The applications, by path and framework.
    pub(super) fn apps(&self, read_config: &dyn Fn(&RepoPath) -> NextConfig) -> Vec<App> {
        let mut apps = self.next_apps(read_config);
        let next_roots: Vec<RepoPath> = apps.iter().map(|app| app.root.clone()).collect();
        apps.extend(self.services(&next_roots));
        apps.sort_by(|a, b| (&a.root, a.framework).cmp(&(&b.root, b.framework)));
        let shares = |app: &App| apps.iter().filter(|other| other.root == app.root).count() > 1;
        let shared: Vec<bool> = apps.iter().map(shares).collect();
        for (app, _) in apps.iter_mut().zip(shared).filter(|(_, shared)| *shared) {
            app.name = format!("{} ({})", app.name, app.framework.word());
        }
        apps
    }

    fn next_apps(&self, read_config: &dyn Fn(&RepoPath) -> NextConfig) -> Vec<App> {
        let mut configs: FxHashMap<RepoPath, RepoPath> = FxHashMap::default();
        let mut files = self.repository.files().iter();
        while let Some(path) = files.find(|path| path.file_name().starts_with("next.config.")) {
            let Some(rank) = NEXT_CONFIGS
                .iter()
                .position(|name| *name == path.file_name())
            else {
                continue;
            };
            let folder = path.parent().unwrap_or_else(|| RepoPath::new(""));
            let known = configs.get(&folder).and_then(|known| {
                NEXT_CONFIGS
                    .iter()
                    .position(|name| *name == known.file_name())
            });
            if known.is_none_or(|known| rank < known) {
                configs.insert(folder, path.clone());
            }
        }
        let mut roots: Vec<RepoPath> = self
            .manifests
            .packages
            .iter()
            .filter(|package| runs_with(package, "next"))
            .map(Package::folder)
            .chain(configs.keys().cloned())
            .collect();
        roots.sort_unstable();
        roots.dedup();
        let mut apps = Vec::new();
        for root in roots {
            let own = self.package_at(&root);
            if !self.counts(&root, own.map(|(_, package)| package)) {
                continue;
            }
            let config = configs.get(&root);
            let folders = self.next_folders(&root);
            let served = self.serves(&folders);
            let depends = own.is_some_and(|(_, package)| runs_with(package, "next"));
            // Without either folder, Next.js neither builds nor serves: a catalogue of components reads its configuration.
            let has_folder = folders.app_dir.is_some() || folders.pages_dir.is_some();
            // A configuration without a manifest is how Nx lays out its applications.
            if !(served && (depends || config.is_some())
                || config.is_some() && has_folder && (depends || own.is_none()))
            {
                continue;
            }
            let speaking = own.or_else(|| self.nearest_package(&root));
            let versions = self.versions(speaking);
            apps.push(App {
                name: self.name(&root, own.map(|(_, package)| package)),
                framework: Framework::Next,
                version: versions.get("next").cloned(),
                versions,
                package: speaking.map(|(index, _)| index),
                app_dir: folders.app_dir,
                pages_dir: folders.pages_dir,
                source_root: folders.source_root,
                next: config.map_or_else(NextConfig::absent, read_config),
                root,
            });
        }
        apps
    }

    /// `app` and `pages` as Next.js looks for them: each beside the configuration, else in `src`. Both must lie in one
    /// folder; where they do not, `next build` stops, and the outer one is taken here.
    fn next_folders(&self, root: &RepoPath) -> NextFolders {
        let find = |name: &str| {
            [root.join(name), root.join("src").join(name)]
                .into_iter()
                .find(|folder| self.repository.is_dir(folder))
        };
        let (mut app_dir, mut pages_dir) = (find("app"), find("pages"));
        if let (Some(app), Some(pages)) = (&app_dir, &pages_dir)
            && app.parent() != pages.parent()
        {
            if app.parent().as_ref() == Some(root) {
                pages_dir = None;
            } else {
                app_dir = None;
            }
        }
        let source_root = pages_dir
            .as_ref()
            .or(app_dir.as_ref())
            .and_then(RepoPath::parent)
            .unwrap_or_else(|| root.clone());
        NextFolders {
            app_dir,
            pages_dir,
            source_root,
        }
    }

    /// Whether the folders hold a page or a route.
    fn serves(&self, folders: &NextFolders) -> bool {
        let is_code = |path: &RepoPath| {
            matches!(
                path.extension(),
                Some("ts" | "tsx" | "js" | "jsx" | "mjs" | "mdx" | "md")
            )
        };
        let in_app = folders.app_dir.as_ref().is_some_and(|folder| {
            self.repository.files_below(folder).iter().any(|path| {
                let first = path.file_name().split('.').next();
                is_code(path) && matches!(first, Some("page" | "route"))
            })
        });
        in_app
            || folders.pages_dir.as_ref().is_some_and(|folder| {
                self.repository
                    .files_below(folder)
                    .iter()
                    .any(|path| is_code(path) && !path.file_name().starts_with('_'))
            })
    }

    /// Express and Hono services: packages whose code makes a server of its own.
    fn services(&self, next_roots: &[RepoPath]) -> Vec<App> {
        let mut found: Vec<(RepoPath, Framework)> = Vec::new();
        for path in self.repository.files() {
            let Some(record) = (self.record_of)(path) else {
                continue;
            };
            let express = calls_express(record);
            let hono = serves_hono(record);
            if !express && hono == HonoServer::None {
                continue;
            }
            let Some((_, package)) = self.nearest_package(path) else {
                continue;
            };
            let root = package.folder();
            if is_beside(path, &root) || !self.counts(&root, Some(package)) {
                continue;
            }
            if express && self.declares(package, &["express"]) {
                found.push((root.clone(), Framework::Express));
            }
            let is_hono_service = match hono {
                HonoServer::None => false,
                HonoServer::Listens => true,
                HonoServer::Exports => runs_default_export(package, path, self.repository),
            };
            if is_hono_service
                && !next_roots.contains(&root)
                && self.declares(package, &["hono", "@hono/zod-openapi"])
            {
                found.push((root, Framework::Hono));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
            .into_iter()
            .map(|(root, framework)| {
                let own = self.package_at(&root);
                let versions = self.versions(own);
                let name = match framework {
                    Framework::Express => "express",
                    _ => "hono",
                };
                App {
                    name: self.name(&root, own.map(|(_, package)| package)),
                    version: versions.get(name).cloned(),
                    versions,
                    framework,
                    package: own.map(|(index, _)| index),
                    app_dir: None,
                    pages_dir: None,
                    source_root: root.clone(),
                    next: NextConfig::absent(),
                    root,
                }
            })
            .collect()
    }

    /// Whether the package declares one of `names`, or the root does for all.
    pub(super) fn declares(&self, package: &Package, names: &[&str]) -> bool {
        let root = self.package_at(&RepoPath::new("")).map(|(_, root)| root);
        names
            .iter()
            .any(|name| runs_with(package, name) || root.is_some_and(|root| runs_with(root, name)))
    }

    fn versions(&self, speaking: Option<(usize, &Package)>) -> BTreeMap<String, String> {
        let root = self.package_at(&RepoPath::new("")).map(|(_, root)| root);
        let of = |(_, package): (usize, &Package)| self.locks.of(package, root);
        speaking.map(of).unwrap_or_default()
    }

    /// Examples, templates, fixtures and what a tool keeps in a folder of its own (`.react-email/`) count only as workspaces or
    /// as the root itself.
    pub(super) fn counts(&self, root: &RepoPath, package: Option<&Package>) -> bool {
        root.is_root()
            || package.is_some_and(|package| package.member)
            || !root
                .segments()
                .any(|segment| segment.starts_with('.') || SHOWN.contains(&segment))
    }

    fn package_at(&self, folder: &RepoPath) -> Option<(usize, &Package)> {
        let at = self
            .manifests
            .packages
            .binary_search_by(|package| package.root.as_ref().cmp(&Some(folder)))
            .ok()?;
        self.manifests.packages.get(at).map(|package| (at, package))
    }

    pub(super) fn nearest_package(&self, path: &RepoPath) -> Option<(usize, &Package)> {
        std::iter::successors(path.parent(), RepoPath::parent)
            .find_map(|folder| self.package_at(&folder))
    }

    /// The manifest's name, else the folder's.
    fn name(&self, root: &RepoPath, package: Option<&Package>) -> String {
        if let Some(name) = package.and_then(|package| package.name.as_deref())
            && !name.is_empty()
        {
            return name.to_owned();
        }
        if !root.is_root() {
            return root.file_name().to_owned();
        }
        let folder = self.repository.root().and_then(std::path::Path::file_name);
        folder.map_or_else(
            || String::from("app"),
            |name| name.to_string_lossy().into_owned(),
        )
    }
}

/// Whether the package uses `name` itself: a peer dependency is its user's.
pub(super) fn runs_with(package: &Package, name: &str) -> bool {
    package.dependencies.contains_key(name) || package.dev_dependencies.contains_key(name)
}

/// A project of these files, and what is told of it as not read.
#[cfg(test)]
pub(super) fn load_in_memory(
    files: &[(&str, &str)],
) -> (super::Project, Vec<crate::source::Unreadable>) {
    use crate::syntax::{ParseOptions, PatternSet, parse_module};

    let repository = Repository::in_memory(files);
    let patterns = PatternSet::default();
    let options = ParseOptions {
        patterns: &patterns,
    };
    let records: Vec<ModuleRecord> = repository
        .modules()
        .map(|path| parse_module(&repository.read(path).unwrap(), options))
        .collect();
    super::Project::load(&repository, &|path| {
        records.iter().find(|record| record.path == *path)
    })
}

#[cfg(test)]
mod tests {
    use super::load_in_memory;
    use crate::source::RepoPath;

    /// Framework, root, name, version, `app`, `pages`, source root.
    fn apps(files: &[(&str, &str)]) -> Vec<String> {
        let (project, _) = load_in_memory(files);
        let show = |path: &Option<RepoPath>| path.as_ref().map_or("-", RepoPath::as_str).to_owned();
        project
            .apps
            .iter()
            .map(|app| {
                format!(
                    "{} {:?} {} {} app={} pages={} source={:?}",
                    app.framework.word(),
                    app.root,
                    app.name,
                    app.version.as_deref().unwrap_or("-"),
                    show(&app.app_dir),
                    show(&app.pages_dir),
                    app.source_root
                )
            })
            .collect()
    }

    const NEXT: &str = r#"{"name":"web","dependencies":{"next":"^15.1.0"}}"#;

    #[test]
    fn a_next_application_in_src_and_at_the_root() {
        assert_eq!(
            apps(&[
                ("package.json", NEXT),
                ("src/app/page.tsx", ""),
                ("src/pages/api/x.ts", "")
            ]),
            ["next \"\" web 15.1.0 app=src/app pages=src/pages source=\"src\""]
        );
        assert_eq!(
            apps(&[
                ("package.json", NEXT),
                ("app/api/x/route.ts", ""),
                ("src/app/page.tsx", "")
            ]),
            ["next \"\" web 15.1.0 app=app pages=- source=\"\""]
        );
        // Next.js wants both in one folder; the outer one is taken.
        assert_eq!(
            apps(&[
                ("package.json", NEXT),
                ("pages/index.tsx", ""),
                ("src/app/page.tsx", "")
            ]),
            ["next \"\" web 15.1.0 app=- pages=pages source=\"\""]
        );
    }

    #[test]
    fn applications_of_one_folder_are_told_apart() {
        let both = r#"{"name":"seer","dependencies":{"next":"12.3.4","express":"4.18.2"}}"#;
        let server = "import express from 'express';\nconst app = express();\napp.listen(3000);\n";
        assert_eq!(
            apps(&[
                ("package.json", both),
                ("src/pages/index.tsx", ""),
                ("server/index.ts", server)
            ]),
            [
                "next \"\" seer (next) 12.3.4 app=- pages=src/pages source=\"src\"",
                "express \"\" seer (express) 4.18.2 app=- pages=- source=\"\""
            ]
        );
    }

    #[test]
    fn a_library_that_knows_next_is_no_application() {
        let peer = r#"{"name":"ui","peerDependencies":{"next":"*"}}"#;
        assert!(apps(&[("package.json", peer), ("src/pages/x.tsx", "")]).is_empty());
        assert!(
            apps(&[
                ("package.json", NEXT),
                ("src/index.ts", ""),
                ("src/app/state.ts", "")
            ])
            .is_empty()
        );
        let bare = [("package.json", r#"{"name":"x"}"#), ("app/page.tsx", "")];
        assert!(apps(&bare).is_empty());
    }

    #[test]
    fn a_catalogue_of_components_is_no_application() {
        let manifest = r#"{"dependencies":{"next":"16"},"devDependencies":{"storybook":"10"}}"#;
        let files = [
            ("apps/catalogue/package.json", manifest),
            ("apps/catalogue/next.config.ts", "export default {}"),
            (
                "apps/catalogue/stories/button.stories.tsx",
                "export default {}",
            ),
            ("apps/web/package.json", manifest),
            ("apps/web/next.config.ts", "export default {}"),
            ("apps/web/app/page.tsx", "export default function Page() {}"),
        ];
        assert_eq!(
            apps(&files),
            ["next \"apps/web\" web 16 app=apps/web/app pages=- source=\"apps/web\""]
        );
    }

    #[test]
    fn a_configuration_without_a_manifest() {
        assert_eq!(
            apps(&[
                ("package.json", NEXT),
                ("apps/shop/next.config.js", "module.exports = {}"),
                ("apps/shop/app/page.tsx", ""),
            ]),
            ["next \"apps/shop\" shop 15.1.0 app=apps/shop/app pages=- source=\"apps/shop\""]
        );
    }

    #[test]
    fn examples_count_only_as_workspaces() {
        let files = [
            ("package.json", r#"{"workspaces":["examples/one"]}"#),
            ("examples/one/package.json", NEXT),
            ("examples/one/app/page.tsx", ""),
            ("examples/two/package.json", NEXT),
            ("examples/two/app/page.tsx", ""),
            ("mail/.preview/package.json", NEXT),
            ("mail/.preview/app/page.tsx", ""),
        ];
        let found = apps(&files);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("next \"examples/one\""));
    }

    #[test]
    fn an_express_service_beside_next() {
        let express = r#"{"name":"api","dependencies":{"express":"~4.21.2"}}"#;
        let found = apps(&[
            ("web/package.json", NEXT),
            ("web/src/app/page.tsx", ""),
            ("backend/package.json", express),
            (
                "backend/src/index.ts",
                "import express from 'express'; const app = express(); app.listen(1);",
            ),
            ("routers/package.json", express),
            (
                "routers/index.ts",
                "import { Router } from 'express'; export const r = Router();",
            ),
            ("mocked/package.json", express),
            (
                "mocked/test/server.ts",
                "import express from 'express'; express();",
            ),
            ("old/package.json", express),
            ("old/server.js", "const app = require('express')();"),
        ]);
        assert_eq!(
            found,
            [
                "express \"backend\" api 4.21.2 app=- pages=- source=\"backend\"",
                "express \"old\" api 4.21.2 app=- pages=- source=\"old\"",
                "next \"web\" web 15.1.0 app=web/src/app pages=- source=\"web/src\"",
            ]
        );
    }

    #[test]
    fn a_custom_server_is_both() {
        let both = r#"{"name":"web","dependencies":{"next":"15.0.0","express":"5.0.0"}}"#;
        let found = apps(&[
            ("package.json", both),
            ("pages/index.js", ""),
            (
                "server.js",
                "const express = require('express'); const server = express();",
            ),
        ]);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("next") && found[1].starts_with("express"));
    }

    #[test]
    fn hono_services_and_hono_inside_next() {
        let hono = r#"{"name":"api","dependencies":{"hono":"4.1.0"},"scripts":{"start":"bun run src/index.ts"}}"#;
        let quiet = r#"{"name":"lib","dependencies":{"hono":"4.1.0"}}"#;
        let inside = r#"{"name":"web","dependencies":{"hono":"4.1.0","next":"15.0.0"},"scripts":{"start":"bun app/app.ts"}}"#;
        let app = "import { Hono } from 'hono'; const app = new Hono(); export default app;";
        let found = apps(&[
            ("a/package.json", hono),
            (
                "a/src/index.ts",
                "import app from './app'; export default { port: 1, fetch: app.fetch };",
            ),
            ("a/src/app.ts", app),
            ("b/package.json", quiet),
            ("b/index.ts", app),
            ("c/package.json", quiet),
            (
                "c/index.ts",
                "import { serve } from '@hono/node-server'; import { app } from './app'; serve(app);",
            ),
            ("d/package.json", quiet),
            ("d/wrangler.toml", ""),
            ("d/src/index.ts", app),
            ("e/package.json", inside),
            ("e/app/app.ts", app),
            ("e/app/api/[[...route]]/route.ts", ""),
        ]);
        let heads: Vec<&str> = found
            .iter()
            .map(|app| app.split(" app=").next().unwrap())
            .collect();
        assert_eq!(
            heads,
            [
                "hono \"a\" api 4.1.0",
                "hono \"c\" lib 4.1.0",
                "hono \"d\" lib 4.1.0",
                "next \"e\" web 15.0.0",
            ]
        );
    }

    #[test]
    fn nothing_to_audit() {
        assert!(apps(&[]).is_empty());
        assert!(apps(&[("README.md", "x"), ("index.ts", "export {}")]).is_empty());
    }
}
