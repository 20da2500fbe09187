//! Finding middleware and proxy files, and reading their `config.matcher`.

use crate::graph::{ModuleId, Symbol};
use crate::project::{App, Framework, PathCondition};
use crate::source::{RepoPath, Span};
use crate::syntax::{Expr, ExprId, ModuleRecord};

use super::app_router::export_span;
use super::trace::{Place, Tracer, Value};
use super::{Matcher, Middleware, MiddlewareProblem};

/// The major version in which `proxy` came and `middleware` became its old name.
const PROXY_SINCE: u32 = 16;

/// The role that a file's name gives it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Middleware,
    Proxy,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Middleware => "middleware",
            Self::Proxy => "proxy",
        }
    }
}

/// Every file of the application that is a middleware or was meant to be one.
pub(super) fn find(app: &App, tracer: Tracer<'_>) -> Vec<Middleware> {
    if app.framework != Framework::Next {
        return Vec::new();
    }
    let mut candidates: Vec<(ModuleId, Role)> = Vec::new();
    for (module, record) in tracer.graph.modules() {
        let Some(role) = role(app, record) else {
            continue;
        };
        let folder = record.path.parent().unwrap_or_else(|| RepoPath::new(""));
        if folder == app.source_root
            || (may_hold_strays(app, &folder) && looks_like_one(tracer, module))
        {
            candidates.push((module, role));
        }
    }
    let loaded = loaded(app, tracer, &candidates);
    candidates
        .iter()
        .map(|&(module, role)| read(app, tracer, module, role, loaded))
        .collect()
}

/// `middleware` or `proxy`, with an extension that code has.
fn role(app: &App, record: &ModuleRecord) -> Option<Role> {
    if !record.path.starts_with(&app.root) {
        return None;
    }
    let (stem, extension) = record.path.file_name().split_once('.')?;
    let known = app.next.page_extensions.iter().any(|own| own == extension)
        || matches!(extension, "ts" | "js" | "mjs" | "mts");
    match stem {
        "middleware" if known => Some(Role::Middleware),
        "proxy" if known => Some(Role::Proxy),
        _ => None,
    }
}

/// Folders in which people put a middleware that Next.js then does not find.
fn may_hold_strays(app: &App, folder: &RepoPath) -> bool {
    let inside = |dir: &Option<RepoPath>| dir.as_ref() == Some(folder);
    *folder == app.root
        || *folder == app.root.join("src")
        || inside(&app.app_dir)
        || inside(&app.pages_dir)
        || *folder == app.source_root.join("lib")
}

/// It exports what a middleware exports, and takes something from Next.js or from an authentication library made for it.
fn looks_like_one(tracer: Tracer<'_>, module: ModuleId) -> bool {
    let record = tracer.record(module);
    let names = tracer.graph.export_names(module);
    let has = |wanted: &str| names.iter().any(|name| &**name == wanted);
    let exports = has("middleware") || has("proxy") || (has("default") && has("config"));
    let takes = record.requests.iter().any(|request| {
        let specifier = &*request.specifier;
        specifier == "next/server"
            || specifier.starts_with("next-auth")
            || specifier.starts_with("next-intl/middleware")
            || specifier.contains("/nextjs")
            || specifier.ends_with("/edge")
            || specifier.ends_with("/middleware")
            || specifier.ends_with("/server")
    });
    exports && (takes || has("config"))
}

/// The file that Next.js loads: in the source root, with a page extension, `proxy` first where it is known.
fn loaded(app: &App, tracer: Tracer<'_>, candidates: &[(ModuleId, Role)]) -> Option<ModuleId> {
    let takes_proxy = takes_proxy(app);
    let rank = |module: ModuleId, role: Role| -> Option<(usize, usize)> {
        let path = &tracer.record(module).path;
        let (_, extension) = path.file_name().split_once('.')?;
        let extension = app
            .next
            .page_extensions
            .iter()
            .position(|own| own == extension)?;
        let in_place = path.parent().as_ref() == Some(&app.source_root);
        let role = match role {
            Role::Proxy if takes_proxy => 0,
            Role::Proxy => return None,
            Role::Middleware => 1,
        };
        in_place.then_some((role, extension))
    };
    candidates
        .iter()
        .filter_map(|&(module, role)| Some((rank(module, role)?, module)))
        .min()
        .map(|(_, module)| module)
}

/// Whether this version of Next.js knows `proxy`; an unknown version is taken for a new one.
fn takes_proxy(app: &App) -> bool {
    let major = app
        .version
        .as_deref()
        .and_then(|version| version.split(['.', '-']).next()?.parse::<u32>().ok());
    major.is_none_or(|major| major >= PROXY_SINCE)
}

fn read(
    app: &App,
    tracer: Tracer<'_>,
    module: ModuleId,
    role: Role,
    loaded: Option<ModuleId>,
) -> Middleware {
    let record = tracer.record(module);
    let names = tracer.graph.export_names(module);
    let export = [role.name(), "default"]
        .into_iter()
        .find(|wanted| {
            names.iter().any(|name| &**name == *wanted)
                && tracer.graph.export(module, wanted) != Symbol::Type
        })
        .map(Box::from);
    let folder = record.path.parent();
    let extension = record
        .path
        .file_name()
        .split_once('.')
        .map(|(_, rest)| rest);
    let known_extension = app
        .next
        .page_extensions
        .iter()
        .any(|own| Some(own.as_str()) == extension);
    let problem = if folder.as_ref() != Some(&app.source_root) {
        Some(MiddlewareProblem::WrongFolder(app.source_root.clone()))
    } else if !known_extension || (role == Role::Proxy && !takes_proxy(app)) {
        Some(MiddlewareProblem::WrongName)
    } else if let Some(other) = loaded.filter(|other| *other != module) {
        Some(MiddlewareProblem::Shadowed(
            tracer.record(other).path.clone(),
        ))
    } else if export.is_none() {
        Some(MiddlewareProblem::WrongExport)
    } else {
        None
    };
    let (matchers, matcher_span) = matchers(app, tracer, module);
    let span = matcher_span.unwrap_or_else(|| match &export {
        Some(export) => export_span(record, export),
        None => Span::new(0, 0),
    });
    Middleware {
        module,
        export,
        matchers,
        span,
        problem,
    }
}

/// `config.matcher`: empty when there is none, `None` when it cannot be read; and where it is written.
fn matchers(
    app: &App,
    tracer: Tracer<'_>,
    module: ModuleId,
) -> (Option<Vec<Matcher>>, Option<Span>) {
    let names = tracer.graph.export_names(module);
    if !names.iter().any(|name| &**name == "config") {
        return (Some(Vec::new()), None);
    }
    let Value::Expr { place, expr } = tracer.export(module, "config") else {
        return (None, None);
    };
    let Some(entries) = tracer.entries(place, expr) else {
        return (None, None);
    };
    let Some((_, value, place)) = entries.into_iter().find(|(key, _, _)| *key == "matcher") else {
        return (Some(Vec::new()), None);
    };
    let span = (place.module == module).then(|| tracer.record(module).span(value));
    (read_matchers(app, tracer, place, value), span)
}

fn read_matchers(
    app: &App,
    tracer: Tracer<'_>,
    place: Place,
    value: ExprId,
) -> Option<Vec<Matcher>> {
    let list = match tracer.elements(place, value) {
        Some(list) => list,
        None => vec![(place, value)],
    };
    list.into_iter()
        .map(|(place, entry)| read_matcher(app, tracer, place, entry))
        .collect()
}

fn read_matcher(app: &App, tracer: Tracer<'_>, place: Place, entry: ExprId) -> Option<Matcher> {
    let next = &app.next;
    if let Some(source) = tracer.text(place, entry) {
        return Matcher::new(&source, Vec::new(), &next.base_path, &next.locales).ok();
    }
    let entries = tracer.entries(place, entry)?;
    let find = |wanted: &str| {
        entries
            .iter()
            .find(|(key, _, _)| *key == wanted)
            .map(|(_, value, place)| (*place, *value))
    };
    let (at, source) = find("source")?;
    let source = tracer.text(at, source)?;
    let mut conditions = Vec::new();
    for (key, negated) in [("has", false), ("missing", true)] {
        if let Some((at, list)) = find(key) {
            for (at, condition) in tracer.elements(at, list)? {
                conditions.push(read_condition(tracer, at, condition, negated)?);
            }
        }
    }
    let spells_locale = find("locale")
        .is_some_and(|(at, value)| matches!(tracer.expr(at, value), Expr::Bool(false)));
    let make = if spells_locale {
        Matcher::without_locale
    } else {
        Matcher::new
    };
    make(&source, conditions, &next.base_path, &next.locales).ok()
}

fn read_condition(
    tracer: Tracer<'_>,
    place: Place,
    condition: ExprId,
    negated: bool,
) -> Option<PathCondition> {
    let entries = tracer.entries(place, condition)?;
    let text = |wanted: &str| {
        entries
            .iter()
            .find(|(key, _, _)| *key == wanted)
            .map(|(_, value, place)| tracer.text(*place, *value))
    };
    Some(PathCondition {
        kind: text("type")??,
        key: match text("key") {
            Some(key) => key?,
            None => String::new(),
        },
        value: match text("value") {
            Some(value) => Some(value?),
            None => None,
        },
        negated,
    })
}
