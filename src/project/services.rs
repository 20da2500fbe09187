//! Signs in the code that a module makes and serves an application of its own, with Express or Hono.

use crate::source::{RepoPath, Repository};
use crate::syntax::{ExportTarget, Expr, Imported, Key, ModuleRecord, Name, Property};

use super::manifest::Package;

/// Folders, and beginnings of file names' last parts, whose code is no part of the running service.
const BESIDE: [&str; 12] = [
    "__tests__",
    "__mocks__",
    "test",
    "tests",
    "e2e",
    "fixtures",
    "mocks",
    "mock",
    "scripts",
    "examples",
    "bench",
    ".storybook",
];

/// Whether a module lies beside the service in the package at `root`: tests, mocks, scripts.
pub(super) fn is_beside(path: &RepoPath, root: &RepoPath) -> bool {
    let name = path.file_name();
    name.contains(".test.")
        || name.contains(".spec.")
        || name.contains(".stories.")
        || path
            .strip_prefix(root)
            .is_some_and(|relative| relative.split('/').any(|segment| BESIDE.contains(&segment)))
}

/// The local names under which a module holds `export` of `package`.
pub(super) fn locals<'r>(
    record: &'r ModuleRecord,
    package: &'r [&'r str],
    wanted: impl Fn(&Imported) -> bool + 'r,
) -> impl Iterator<Item = Name> + 'r {
    record
        .imports
        .iter()
        .filter(move |import| {
            !import.type_only && package.contains(&&*import.specifier) && wanted(&import.imported)
        })
        .map(|import| import.local)
}

/// Whether a module asks one of the packages for more than types.
pub(super) fn asks_for(record: &ModuleRecord, packages: &[&str]) -> bool {
    record
        .requests
        .iter()
        .any(|request| !request.type_only && packages.contains(&&*request.specifier))
}

/// Whether the module makes an Express application: `express()`.
pub(super) fn calls_express(record: &ModuleRecord) -> bool {
    const PACKAGE: [&str; 1] = ["express"];
    if !asks_for(record, &PACKAGE) {
        return false;
    }
    let makers: Vec<Name> = locals(record, &PACKAGE, |imported| match imported {
        Imported::Default | Imported::Namespace => true,
        Imported::Named(name) => matches!(record.name(*name), "default" | "express"),
    })
    .collect();
    record.exprs.iter().any(|expr| match expr {
        Expr::Call { callee, .. } => match record.expr(*callee) {
            Expr::Name(name) => makers.contains(name),
            // `require('express')()`
            Expr::Call { callee, args, .. } => {
                matches!(record.expr(*callee), Expr::Name(name) if record.name(*name) == "require")
                    && args.first().is_some_and(|argument| {
                        matches!(record.expr(argument.value), Expr::String(text) if &**text == "express")
                    })
            }
            _ => false,
        },
        _ => false,
    })
}

/// How a module serves a Hono application.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HonoServer {
    /// Not at all.
    None,
    /// It listens: `serve()` of `@hono/node-server`, `Bun.serve()`, `Deno.serve()`.
    Listens,
    /// It exports the application, which Bun, Deno and Workers run when the file is their entry.
    Exports,
}

pub(super) fn serves_hono(record: &ModuleRecord) -> HonoServer {
    const MAKERS: [&str; 4] = ["hono", "@hono/zod-openapi", "hono/quick", "hono/tiny"];
    const NODE: [&str; 1] = ["@hono/node-server"];
    if asks_for(record, &NODE) {
        let serve: Vec<Name> = locals(
            record,
            &NODE,
            |imported| matches!(imported, Imported::Named(name) if record.name(*name) == "serve"),
        )
        .collect();
        let listens = record.exprs.iter().any(|expr| match expr {
            Expr::Call { callee, .. } => {
                matches!(record.expr(*callee), Expr::Name(name) if serve.contains(name))
            }
            _ => false,
        });
        if listens {
            return HonoServer::Listens;
        }
    }
    if exports_fetch(record) {
        return HonoServer::Exports;
    }
    if !asks_for(record, &MAKERS) {
        return HonoServer::None;
    }
    let makes = record.exprs.iter().any(|expr| match expr {
        Expr::New { callee, .. } => matches!(
            record.expr(*callee),
            Expr::Name(name) if matches!(record.name(*name), "Hono" | "OpenAPIHono")
        ),
        _ => false,
    });
    if !makes {
        return HonoServer::None;
    }
    let runtime_serves = record.exprs.iter().any(|expr| match expr {
        Expr::Call { callee, .. } => match record.expr(*callee) {
            Expr::Member { object, property, .. } => {
                record.name(*property) == "serve"
                    && matches!(record.expr(*object), Expr::Name(name) if matches!(record.name(*name), "Bun" | "Deno"))
            }
            _ => false,
        },
        _ => false,
    });
    if runtime_serves {
        return HonoServer::Listens;
    }
    let exports = record
        .exports
        .iter()
        .any(|export| &*export.name == "default" && !matches!(export.target, ExportTarget::Type));
    if exports {
        HonoServer::Exports
    } else {
        HonoServer::None
    }
}

/// `export default { port, fetch: app.fetch }`
fn exports_fetch(record: &ModuleRecord) -> bool {
    record.exports.iter().any(|export| {
        let ExportTarget::Expr(expr) = export.target else {
            return false;
        };
        let Expr::Object(properties) = record.expr(expr) else {
            return false;
        };
        &*export.name == "default"
            && properties.iter().any(|property| match property {
                Property::Value {
                    key: Key::Name(key),
                    value,
                } => {
                    record.name(*key) == "fetch"
                        && matches!(record.expr(*value), Expr::Member { property, .. } if record.name(*property) == "fetch")
                }
                _ => false,
            })
    })
}

/// Whether a runtime starts the default export of `path`: the package has a Workers configuration, or a script that runs
/// that very file.
pub(super) fn runs_default_export(
    package: &Package,
    path: &RepoPath,
    repository: &Repository,
) -> bool {
    let root = package.folder();
    let has_worker = ["wrangler.toml", "wrangler.json", "wrangler.jsonc"]
        .iter()
        .any(|name| repository.exists(&root.join(name)));
    let relative = path.strip_prefix(&root).unwrap_or("");
    let is_entry = matches!(
        relative.trim_start_matches("src/").split('.').next(),
        Some("index" | "server" | "main" | "app" | "worker")
    );
    if has_worker {
        return is_entry;
    }
    let stem = relative.rsplit_once('.').map_or(relative, |(stem, _)| stem);
    let built = stem.strip_prefix("src/").map(|rest| format!("dist/{rest}"));
    package.scripts.iter().any(|(name, script)| {
        let runs = matches!(
            name.split(':').next(),
            Some("start" | "dev" | "serve" | "deploy")
        );
        runs && (script.contains(stem)
            || built.as_deref().is_some_and(|built| script.contains(built)))
            && ["bun ", "bunx ", "deno ", "tsx ", "node ", "wrangler "]
                .iter()
                .any(|tool| script.contains(tool))
    })
}
