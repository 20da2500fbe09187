//! `[check.cors]`: other origins let in wholesale.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use crate::graph::ModuleId;
use crate::project::HeaderEntry;
use crate::rule::{Confidence, Cors, Severity};
use crate::source::Location;
use crate::syntax::{Expr, ExprId, LogicalOp, ModuleRecord, Property};

use super::CheckResult;
use super::code::{
    called_name, calls, imported, initial_value, key, numbered, place, property, text,
};
use super::dependency::is_of;
use super::subject::Subject;

const ORIGIN: &str = "access-control-allow-origin";
const CREDENTIALS: &str = "access-control-allow-credentials";

const ANY_SITE: &str = "any site may read the answers (Access-Control-Allow-Origin: *)";

/// Packages that answer preflights.
const CORS_PACKAGES: [&str; 3] = ["cors", "hono/cors", "@fastify/cors"];

/// A place that lets every origin in.
struct Opening {
    location: Location,
    says: &'static str,
    credentials: bool,
    /// The answer says `*`, and not the origin that asked.
    literal: bool,
    /// Code sets the header on single answers; otherwise whole paths are open.
    single: bool,
}

pub(super) fn run(subject: &Subject<'_>, check: &Cors) -> CheckResult {
    if !subject.has_routes() && subject.project.next.headers.is_empty() {
        return CheckResult::default();
    }
    let mut openings = Vec::new();
    configured(subject, &subject.project.next.headers, &mut openings);
    let hosted = &subject.model.project.files.hosting_headers;
    let mine: Vec<HeaderEntry> = hosted
        .iter()
        .filter(|entry| entry.location.file.starts_with(&subject.project.root))
        .cloned()
        .collect();
    configured(subject, &mine, &mut openings);
    by_web_server(subject, &mut openings);
    for (id, module) in subject.modules() {
        if !module.use_client && !is_open_by_nature(subject, id) {
            in_code(module, &mut openings);
        }
    }
    let mut seen = BTreeSet::new();
    let cookies = LazyCell::new(|| keeps_cookies(subject, check));
    let findings = openings
        .into_iter()
        .filter(|opening| {
            // A file's handlers and their preflights say the same.
            let line = (!opening.single).then_some(opening.location.line);
            seen.insert((opening.location.file.clone(), line, opening.says))
        })
        .map(|opening| {
            // Browsers hand nothing out that was asked for with credentials where the origin is a literal `*`.
            let in_their_name = opening.credentials && !opening.literal;
            let severity: Option<Severity> = if in_their_name {
                check.credentials_severity
            } else {
                check.single_severity.filter(|_| opening.single)
            };
            if in_their_name && !*cookies {
                let message = format!(
                    "{}, with credentials: does it matter, as no code here keeps a cookie?",
                    opening.says
                );
                let finding = subject.finding(opening.location, message);
                finding.at_most(Confidence::Low)
            } else if in_their_name {
                let message = format!("{}, with credentials", opening.says);
                subject
                    .finding(opening.location, message)
                    .with_severity(severity)
            } else {
                // Nobody's session goes along: an interface for anybody's pages is made like this.
                let beside = if opening.credentials {
                    "; allowing credentials has no effect beside it"
                } else {
                    ""
                };
                let message = format!("{}{beside}: is it meant for all of them?", opening.says);
                subject
                    .finding(opening.location, message)
                    .with_severity(severity)
                    .at_most(Confidence::Low)
            }
        });
    CheckResult::pass_or_fail(findings.collect())
}

/// Code that handlers run names a cookie, or a package keeps one for it. Without any, browsers show nothing of who visits.
fn keeps_cookies(subject: &Subject<'_>, check: &Cors) -> bool {
    let mut used = subject.specifiers().iter();
    if used.any(|each| check.session_packages.iter().any(|one| is_of(one, each))) {
        return true;
    }
    let mut modules = subject.running().filter(|module| !module.use_client);
    modules.any(names_cookie)
}

fn names_cookie(module: &ModuleRecord) -> bool {
    let is_one = |text: &str| text.to_ascii_lowercase().contains("cookie");
    module.names.iter().any(|name| is_one(name))
        || module
            .exprs
            .iter()
            .any(|expr| matches!(expr, Expr::String(text) if text.len() < 40 && is_one(text)))
}

/// A route file whose every handler is meant for anybody and only reads: an image, a feed, an embed.
fn is_open_by_nature(subject: &Subject<'_>, module: ModuleId) -> bool {
    let mut handlers = subject
        .app
        .routes
        .iter()
        .filter(|route| route.route.module == module)
        .peekable();
    handlers.peek().is_some()
        && handlers.all(|route| {
            let open = route.public_declared || route.public_guess.is_some();
            let reads = matches!(route.route.method.as_str(), "GET" | "HEAD" | "OPTIONS");
            reads && (open || route.route.method == "OPTIONS")
        })
}

fn configured(subject: &Subject<'_>, entries: &[HeaderEntry], openings: &mut Vec<Opening>) {
    for entry in entries {
        let star = entry.value.as_deref().map(str::trim) == Some("*");
        if !entry.name.eq_ignore_ascii_case(ORIGIN) || !star || is_static(subject, &entry.source) {
            continue;
        }
        let beside = |name: &str, fits: &dyn Fn(&str) -> bool| {
            entries.iter().any(|other| {
                other.source == entry.source
                    && other.name.eq_ignore_ascii_case(name)
                    && other.value.as_deref().is_some_and(fits)
            })
        };
        let credentials = beside(CREDENTIALS, &|value| value == "true");
        // What any cache on the way may keep and hand to anybody is public already.
        let is_public = |value: &str| value.split(',').any(|part| part.trim() == "public");
        if !credentials && beside("cache-control", &is_public) {
            continue;
        }
        openings.push(Opening {
            location: entry.location.clone(),
            says: ANY_SITE,
            credentials,
            literal: true,
            single: false,
        });
    }
}

/// Folders of files that are public anyway: fonts, images, bundles.
const STATIC_FOLDERS: [&str; 7] = [
    "_next",
    "static",
    "assets",
    "fonts",
    "images",
    ".well-known",
    "r",
];

const STATIC_ENDINGS: [&str; 9] = [
    ".js", ".css", ".json", ".png", ".svg", ".woff", ".xml", ".txt", ".ico",
];

/// Every path of the pattern is a file's: by its ending, by its folder's name, or because `public/` has the folder.
fn is_static(subject: &Subject<'_>, source: &str) -> bool {
    let last = source.rsplit('/').next().unwrap_or("");
    if STATIC_ENDINGS.iter().any(|ending| last.contains(ending)) {
        return true;
    }
    let mut parts = source.split('/').skip(1);
    let (Some(first), Some(_)) = (parts.next(), parts.next()) else {
        return false;
    };
    // `/(images|fonts)/(.*)`
    let group = first
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(first);
    group
        .split('|')
        .all(|folder| STATIC_FOLDERS.contains(&folder) || is_published(subject, folder))
}

/// `public/` of the application has the folder.
fn is_published(subject: &Subject<'_>, folder: &str) -> bool {
    if folder.is_empty() {
        return false;
    }
    let folder = subject.project.root.join("public").join(folder);
    let paths = &subject.model.paths;
    let at = paths.partition_point(|path| *path < folder);
    let behind = paths.get(at..).into_iter().flatten();
    behind
        // A folder whose name goes on behind this one's sorts in between.
        .take_while(|path| path.as_str().starts_with(folder.as_str()))
        .any(|path| path.starts_with(&folder))
}

fn in_code(module: &ModuleRecord, openings: &mut Vec<Opening>) {
    let names_header = module
        .names
        .iter()
        .any(|name| name.eq_ignore_ascii_case(ORIGIN))
        || module.exprs.iter().any(|expr| {
            matches!(expr, Expr::String(text)
                if text.len() >= ORIGIN.len() && text.trim().eq_ignore_ascii_case(ORIGIN))
        });
    if names_header {
        by_header(module, openings);
    }
    if module
        .requests
        .iter()
        .any(|request| CORS_PACKAGES.contains(&&*request.specifier))
    {
        by_package(module, openings);
    }
}

/// `"Access-Control-Allow-Origin": "*"` in an object, or given to a setter.
fn by_header(module: &ModuleRecord, openings: &mut Vec<Opening>) {
    let is = |expr: ExprId, wanted: &str| {
        text(module, expr).is_some_and(|text| text.trim().eq_ignore_ascii_case(wanted))
    };
    let by_call = |name: &str, value: &str| {
        calls(module).any(|call| {
            matches!(call.args, [key, given, ..] if is(key.value, name) && is(given.value, value))
        })
    };
    for (_, expr) in numbered(module) {
        let Expr::Object(properties) = expr else {
            continue;
        };
        let value_of = |wanted: &str| {
            properties.iter().find_map(|property| match property {
                Property::Value { key: name, value }
                    if key(module, name).is_some_and(|key| key.eq_ignore_ascii_case(wanted)) =>
                {
                    Some(*value)
                }
                _ => None,
            })
        };
        let credentials = value_of(CREDENTIALS).is_some_and(|value| is(value, "true"));
        if let Some(origin) =
            value_of(ORIGIN).filter(|origin| credentials && reflects(module, *origin))
        {
            openings.push(Opening {
                location: place(module, origin),
                says: "the answer names whatever origin asks (Access-Control-Allow-Origin)",
                credentials,
                literal: false,
                single: true,
            });
        }
        if let Some(origin) = value_of(ORIGIN).filter(|origin| is(*origin, "*")) {
            openings.push(Opening {
                location: place(module, origin),
                says: ANY_SITE,
                credentials,
                literal: true,
                single: true,
            });
        }
    }
    for call in calls(module) {
        let setter = matches!(
            called_name(module, call.callee),
            Some("set" | "append" | "setHeader" | "header")
        );
        if setter
            && let [name, value, ..] = call.args
            && is(name.value, ORIGIN)
            && is(value.value, "*")
        {
            openings.push(Opening {
                location: place(module, value.value),
                says: ANY_SITE,
                credentials: by_call(CREDENTIALS, "true"),
                literal: true,
                single: true,
            });
        }
    }
}

/// The value may be the request's own `Origin`, unchecked: `allowed || request.headers.get("origin")`.
fn reflects(module: &ModuleRecord, value: ExprId) -> bool {
    let mut parts = vec![value];
    // Every step takes one expression out and puts at most two smaller ones, or a variable's value, in.
    for _ in 0..16 {
        let Some(part) = parts.pop() else {
            return false;
        };
        match module.exprs.get(part.0 as usize) {
            Some(Expr::Name(name)) => parts.extend(initial_value(module, *name)),
            Some(Expr::Logical {
                op: LogicalOp::Or | LogicalOp::Coalesce,
                left,
                right,
            }) => parts.extend([*left, *right]),
            Some(Expr::Call { callee, args, .. }) => {
                let asks = called_name(module, *callee) == Some("get");
                let origin = args.first().and_then(|arg| text(module, arg.value));
                if asks && origin.is_some_and(|name| name.eq_ignore_ascii_case("origin")) {
                    return !is_compared(module);
                }
            }
            _ => {}
        }
    }
    false
}

/// The module looks an origin up somewhere, or calls something that is about origins: it may be checked.
fn is_compared(module: &ModuleRecord) -> bool {
    let about_origin = |expr: ExprId| match module.exprs.get(expr.0 as usize) {
        Some(Expr::Name(name) | Expr::Member { property: name, .. }) => {
            module.name(*name).to_ascii_lowercase().contains("origin")
        }
        _ => false,
    };
    calls(module).any(|call| {
        let receiver = match module.exprs.get(call.callee.0 as usize) {
            Some(Expr::Member { object, .. }) => about_origin(*object),
            _ => false,
        };
        receiver || about_origin(call.callee) || call.args.iter().any(|arg| about_origin(arg.value))
    })
}

/// `add_header Access-Control-Allow-Origin *` of nginx.
fn by_web_server(subject: &Subject<'_>, openings: &mut Vec<Opening>) {
    for file in subject
        .documents()
        .filter(|file| file.path.extension() == Some("conf"))
    {
        for (index, line) in file.text.lines().enumerate() {
            let words: Vec<&str> = line
                .split([' ', '\t', ';', '"', '\''])
                .filter(|word| !word.is_empty())
                .collect();
            if let ["add_header", name, "*", ..] = words[..]
                && name.eq_ignore_ascii_case(ORIGIN)
            {
                openings.push(Opening {
                    location: Location::of_line(&file.path, u32::try_from(index + 1).unwrap_or(1)),
                    says: ANY_SITE,
                    credentials: false,
                    literal: true,
                    single: false,
                });
            }
        }
    }
}

/// `cors()`, `cors({ origin: "*" })`, `cors({ origin: true, credentials: true })`.
fn by_package(module: &ModuleRecord, openings: &mut Vec<Opening>) {
    for call in calls(module) {
        let Some((package, _)) = imported(module, call.callee)
            .filter(|(specifier, _)| CORS_PACKAGES.contains(specifier))
        else {
            continue;
        };
        let options = call.args.first().map(|arg| arg.value);
        let object = match options {
            None => None,
            Some(options) => match module.exprs.get(options.0 as usize) {
                Some(Expr::Object(properties))
                    if !properties
                        .iter()
                        .any(|each| matches!(each, Property::Spread(_))) =>
                {
                    Some(options)
                }
                // Options from elsewhere: nothing can be said.
                _ => continue,
            },
        };
        let origin = object.and_then(|object| property(module, object, "origin"));
        let credentials = object
            .and_then(|object| property(module, object, "credentials"))
            .is_some_and(|value| {
                matches!(module.exprs.get(value.0 as usize), Some(Expr::Bool(true)))
            });
        let reflected = origin.is_some_and(|value| {
            matches!(module.exprs.get(value.0 as usize), Some(Expr::Bool(true)))
        });
        let says = match origin {
            None => "cors() without an origin lets any site read the answers",
            Some(_) if reflected && credentials => "cors() answers every origin with its own name",
            Some(value) if text(module, value).is_some_and(|text| text == "*") => {
                "cors() lets any site read the answers (origin: *)"
            }
            Some(_) => continue,
        };
        // Hono's answers the origin that asked as soon as credentials are allowed.
        let reflected = reflected || credentials && package == "hono/cors";
        openings.push(Opening {
            location: place(module, call.expr),
            says,
            credentials,
            literal: !reflected,
            single: false,
        });
    }
}
