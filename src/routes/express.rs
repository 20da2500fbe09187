//! Express: applications, routers and what is registered on them.

use crate::graph::ModuleId;
use crate::project::App;
use crate::rule::{Api, ControlLibrary, Meaning, wildcard};
use crate::source::{RepoPath, Span};

use super::actions::{is_test, own_modules};
use super::mount::{Dialect, Mounts, Verb};
use super::trace::{Tracer, Value};
use super::{Route, RouteKind};

/// The rows of the application's Express routers; and where some are registered that cannot be read.
pub(super) fn rows(
    app: &App,
    tracer: Tracer<'_>,
    library: &ControlLibrary,
    out: &mut Vec<Route>,
) -> Vec<(ModuleId, Span)> {
    let mut mounts = Mounts::new(
        tracer,
        Express {
            library,
            awaits: awaits(app),
        },
    );
    mounts.walk(&members(app, tracer));
    for root in mounts.roots() {
        mounts.rows(root, out);
    }
    mounts.unread()
}

/// The modules of the application: those in its folder and those that they load, tests left out.
pub(super) fn members(app: &App, tracer: Tracer<'_>) -> Vec<ModuleId> {
    let loaded = tracer.graph.closure(&own_modules(app, tracer));
    tracer
        .graph
        .modules()
        .filter(|(module, record)| {
            loaded.get(module.0 as usize).copied().unwrap_or(false)
                && !is_test(record)
                && !in_test_folder(app, &record.path)
        })
        .map(|(module, _)| module)
        .collect()
}

/// Servers that tests start for themselves serve nobody else.
fn in_test_folder(app: &App, path: &RepoPath) -> bool {
    let Some(inside) = path.strip_prefix(&app.root) else {
        return false;
    };
    let inside = inside.strip_prefix("src/").unwrap_or(inside);
    ["test/", "tests/", "spec/", "e2e/"]
        .iter()
        .any(|folder| inside.starts_with(folder))
}

struct Express<'a> {
    library: &'a ControlLibrary,
    awaits: bool,
}

/// Packages that make routers of Express 4 wait for what handlers promise.
const AWAITING: [&str; 4] = [
    "express-async-errors",
    "@express-async-errors/express",
    "express-promise-router",
    "@awaitjs/express",
];

/// Express waits for promises from version 5 on: expressjs.com/en/guide/error-handling.html. Where the version is not known, it may.
fn awaits(app: &App) -> bool {
    app.major("express").is_none_or(|major| major >= 5)
        || AWAITING.iter().any(|name| app.versions.contains_key(*name))
}

/// Express, and packages whose `Router` is Express's with promises.
const PACKAGES: [&str; 4] = [
    "express",
    "express-promise-router",
    "@awaitjs/express",
    "router",
];

/// Pages of packages that answer although they are only `use`d: package, beginning of the export's name, method.
const SERVERS: [(&str, &str, &str); 4] = [
    ("swagger-ui-express", "serve", "GET"),
    ("swagger-ui-express", "setup", "GET"),
    ("redoc-express", "", "GET"),
    ("@scalar/express-api-reference", "apiReference", "GET"),
];

impl Dialect for Express<'_> {
    fn kind(&self) -> RouteKind {
        RouteKind::Express
    }

    fn packages(&self) -> &'static [&'static str] {
        &PACKAGES
    }

    fn creates(&self, callee: &Value) -> Option<bool> {
        let Value::External { package, name, .. } = callee else {
            return None;
        };
        match (&**package, &**name) {
            ("express", "default" | "*" | "express" | "default.default") => Some(true),
            ("express", "Router" | "default.Router") => Some(false),
            (other, "default" | "*" | "Router") if PACKAGES.contains(&other) => Some(false),
            _ => None,
        }
    }

    /// npmjs.com/package/express-ws: the instance's `app` is the application that it was given.
    fn extends(&self, callee: &Value) -> Option<&'static str> {
        match callee {
            Value::External { package, name, .. }
                if &**package == "express-ws" && matches!(&**name, "default" | "*") =>
            {
                Some("app")
            }
            _ => None,
        }
    }

    fn verb(&self, name: &str) -> Option<Verb> {
        Some(match name {
            "get" => Verb::Answer("GET"),
            "post" => Verb::Answer("POST"),
            "put" => Verb::Answer("PUT"),
            "patch" => Verb::Answer("PATCH"),
            "delete" => Verb::Answer("DELETE"),
            "head" => Verb::Answer("HEAD"),
            "options" => Verb::Answer("OPTIONS"),
            "all" => Verb::Answer("ANY"),
            "use" => Verb::Use,
            "route" => Verb::Path,
            "set" | "enable" | "disable" | "param" | "engine" => Verb::Chain,
            _ => return None,
        })
    }

    fn awaits(&self) -> bool {
        self.awaits
    }

    fn serves(&self, value: &Value) -> Option<&'static str> {
        let Value::External { package, name, .. } = value else {
            return None;
        };
        let last = name.rsplit('.').next().unwrap_or("");
        SERVERS
            .into_iter()
            .find(|(known, export, _)| **package == **known && last.starts_with(export))
            .map(|(_, _, method)| method)
            .or_else(|| answers(self.library, value))
    }
}

/// The method of a package's handler that the library's data knows to answer by itself.
pub(super) fn answers(library: &ControlLibrary, value: &Value) -> Option<&'static str> {
    let Value::External {
        package,
        subpath,
        name,
    } = value
    else {
        return None;
    };
    let slash = if subpath.is_empty() { "" } else { "/" };
    let path = format!("{package}{slash}{subpath}#{name}");
    let means = |api: &&Api| {
        matches!(
            api.is,
            Meaning::ProcedureHandler
                | Meaning::OpaqueHandler
                | Meaning::AuthHandler
                | Meaning::SignedHandler
        )
    };
    let mut handlers = library.api.iter().filter(means);
    handlers
        .any(|api| {
            let mut patterns = api.call.iter().filter(|call| !call.starts_with("*#"));
            patterns.any(|pattern| wildcard(pattern, &path))
        })
        .then_some("ANY")
}
