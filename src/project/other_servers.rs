//! Servers of frameworks whose routes are not read. They are named, so that nobody takes them for audited.

use crate::source::{RepoPath, Unreadable};
use crate::syntax::{Imported, ModuleRecord};

use super::discovery::{Discovery, runs_with};
use super::services::{asks_for, is_beside, locals};

/// How a package shows that it serves with a framework.
enum Sign {
    /// It depends on this one, which only what is made with it does, and what extends it.
    Depends,
    /// A module of it asks for what makes the server: this export, or the default one.
    Makes(&'static str),
}

/// Name, package and sign of each framework, as its own documentation begins.
const FRAMEWORKS: [(&str, &str, Sign); 20] = [
    ("NestJS", "@nestjs/core", Sign::Makes("NestFactory")),
    ("Fastify", "fastify", Sign::Makes("fastify")),
    ("Koa", "koa", Sign::Makes("default")),
    ("hapi", "@hapi/hapi", Sign::Makes("server")),
    ("Elysia", "elysia", Sign::Makes("Elysia")),
    ("OvernightJS", "@overnightjs/core", Sign::Makes("Server")),
    (
        "routing-controllers",
        "routing-controllers",
        Sign::Makes("createExpressServer"),
    ),
    ("Restify", "restify", Sign::Makes("createServer")),
    ("Polka", "polka", Sign::Makes("default")),
    ("LoopBack", "@loopback/rest", Sign::Depends),
    ("Nitro", "nitropack", Sign::Depends),
    ("Remix", "@remix-run/node", Sign::Depends),
    ("Remix", "@remix-run/cloudflare", Sign::Depends),
    ("React Router", "@react-router/dev", Sign::Depends),
    ("SvelteKit", "@sveltejs/kit", Sign::Depends),
    ("Nuxt", "nuxt", Sign::Depends),
    ("SolidStart", "@solidjs/start", Sign::Depends),
    ("TanStack Start", "@tanstack/react-start", Sign::Depends),
    ("AdonisJS", "@adonisjs/core", Sign::Depends),
    ("Qwik City", "@builder.io/qwik-city", Sign::Depends),
];

impl Discovery<'_, '_> {
    /// The packages that serve with other frameworks, one entry for each, at its manifest.
    pub(super) fn other_servers(&self) -> Vec<Unreadable> {
        let packages = &self.manifests.packages;
        let declared: Vec<_> = FRAMEWORKS
            .iter()
            .filter(|(_, name, _)| packages.iter().any(|package| runs_with(package, name)))
            .collect();
        if declared.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(RepoPath, &str)> = Vec::new();
        for (framework, name, sign) in declared {
            let Sign::Makes(export) = sign else {
                let with = packages.iter().filter(|package| {
                    runs_with(package, name) && !package.peer_dependencies.contains_key(*name)
                });
                let with = with.filter(|package| self.counts(&package.folder(), Some(package)));
                found.extend(with.map(|package| (package.folder(), *framework)));
                continue;
            };
            for path in self.repository.files() {
                let makes =
                    (self.record_of)(path).is_some_and(|record| takes(record, name, export));
                let Some((_, package)) = makes.then(|| self.nearest_package(path)).flatten() else {
                    continue;
                };
                let root = package.folder();
                if !is_beside(path, &root)
                    && self.counts(&root, Some(package))
                    && self.declares(package, &[name])
                {
                    found.push((root, framework));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        let told = found.chunk_by(|(root, _), (other, _)| root == other);
        told.filter_map(|same| {
            let (root, _) = same.first()?;
            let names: Vec<&str> = same.iter().map(|(_, framework)| *framework).collect();
            Some(Unreadable {
                path: root.join("package.json"),
                reason: format!(
                    "made with {}, whose routes are not read; those of Next.js, Express and Hono are",
                    names.join(" and ")
                ),
            })
        })
        .collect()
    }
}

/// Whether a module takes an export of a package, or its default, for more than its type.
fn takes(record: &ModuleRecord, package: &str, export: &str) -> bool {
    let package = [package];
    asks_for(record, &package)
        && locals(record, &package, |imported| match imported {
            Imported::Default | Imported::Namespace => true,
            Imported::Named(name) => record.name(*name) == export,
        })
        .next()
        .is_some()
}

#[cfg(test)]
mod tests {
    use crate::project::discovery::load_in_memory;

    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let (_, told) = load_in_memory(files);
        let told = told.into_iter();
        told.map(|each| format!("{} {}", each.path, each.reason))
            .collect()
    }

    #[test]
    fn servers_that_are_not_understood_are_named() {
        let told = told(&[
            (
                "apps/api/package.json",
                r#"{"name":"api","dependencies":{"@nestjs/core":"11.0.0","fastify":"5.0.0"}}"#,
            ),
            (
                "apps/api/src/main.ts",
                "import { NestFactory } from '@nestjs/core'; import type { FastifyInstance } from 'fastify';",
            ),
            (
                "apps/site/package.json",
                r#"{"name":"site","devDependencies":{"@sveltejs/kit":"2.0.0"}}"#,
            ),
        ]);
        assert_eq!(
            told,
            [
                "apps/api/package.json made with NestJS, whose routes are not read; those of Next.js, Express and Hono are",
                "apps/site/package.json made with SvelteKit, whose routes are not read; those of Next.js, Express and Hono are",
            ]
        );
    }

    #[test]
    fn libraries_and_tests_serve_nobody() {
        let told = told(&[
            (
                "packages/guards/package.json",
                r#"{"name":"guards","dependencies":{"@nestjs/core":"11.0.0"}}"#,
            ),
            (
                "packages/guards/src/index.ts",
                "import { Reflector } from '@nestjs/core';",
            ),
            (
                "packages/guards/test/app.ts",
                "import { NestFactory } from '@nestjs/core';",
            ),
            (
                "packages/kit/package.json",
                r#"{"name":"kit","devDependencies":{"@sveltejs/kit":"2.0.0"},"peerDependencies":{"@sveltejs/kit":"2"}}"#,
            ),
        ]);
        assert!(told.is_empty(), "{told:?}");
    }
}
