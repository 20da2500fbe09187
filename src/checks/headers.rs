//! `[check.response-headers]`: headers that have to be sent, and how far they reach.

use crate::project::HeaderEntry;
use crate::routes::{Coverage, Matcher, Middleware};
use crate::rule::{HeaderPackage, HeaderRequirement, ResponseHeaders};
use crate::source::{Location, RepoPath};
use crate::syntax::{Expr, ModuleRecord, Property};

use super::CheckResult;
use super::code::{calls, imported, key, package_of, property, text};
use super::subject::Subject;

/// How far a header reaches, nearest first.
#[derive(Clone, PartialEq, Debug)]
enum Reach {
    /// Every answer.
    All,
    /// Only some paths, as an entry written here says.
    Some(Location, String),
    /// It may be sent, but where it is set cannot be read.
    Unknown,
    /// None.
    Nowhere,
}

pub(super) fn run(subject: &Subject<'_>, check: &ResponseHeaders) -> CheckResult {
    let mut result = CheckResult::default();
    let pages = subject.serves_pages();
    if !pages && !subject.has_routes() {
        return result;
    }
    let policy = super::csp::policies(subject).texts;
    for header in &check.headers {
        if header.pages_only && !pages {
            // Nobody asks an interface for it; where it is sent all the same, it is there.
            if matches!(reach(subject, check, header), Reach::All) {
                result.covered(1.0);
            }
            continue;
        }
        let replaced = header.csp_directive.as_ref().is_some_and(|directive| {
            policy
                .iter()
                .any(|text| super::csp::has_directive(text, directive))
        });
        let sent_by_platform = header.sent_by.iter().any(|file| {
            let own = subject.project.root.join(file);
            subject.model.paths.binary_search(&own).is_ok()
                || subject
                    .model
                    .paths
                    .binary_search(&RepoPath::new(file))
                    .is_ok()
        });
        if replaced || sent_by_platform {
            result.covered(1.0);
            continue;
        }
        match reach(subject, check, header) {
            Reach::All => result.covered(1.0),
            Reach::Unknown => result.unknown(),
            Reach::Some(location, source) => {
                let message = format!(
                    "{} is sent for {source} only; elsewhere its absence lets {}",
                    header.name, header.allows
                );
                let finding = subject.finding(location, message);
                result.half(1.0, finding.with_severity(header.severity));
            }
            Reach::Nowhere => {
                let message = format!("{} is not sent, which lets {}", header.name, header.allows);
                let file = subject.project.next.file.clone();
                let file = file.unwrap_or_else(|| subject.home());
                let finding = subject.finding(Location::of_line(&file, 1), message);
                result.gap(1.0, finding.with_severity(header.severity));
            }
        }
    }
    result
}

fn reach(subject: &Subject<'_>, check: &ResponseHeaders, header: &HeaderRequirement) -> Reach {
    let name = header.name.as_str();
    let same = |entry: &&HeaderEntry| entry.name.eq_ignore_ascii_case(name);
    let mut partial: Option<(Location, String)> = None;
    let configured = subject.project.next.headers.iter().filter(same);
    let hosted = subject
        .model
        .project
        .files
        .hosting_headers
        .iter()
        .filter(same)
        .filter(|entry| {
            let folder = entry
                .location
                .file
                .parent()
                .unwrap_or_else(|| RepoPath::new(""));
            subject.project.root.starts_with(&folder) || folder.starts_with(&subject.project.root)
        });
    for entry in configured.chain(hosted) {
        if reaches_all(subject, entry) {
            return Reach::All;
        }
        partial.get_or_insert_with(|| (entry.location.clone(), entry.source.clone()));
    }
    if by_package(subject, check, name) || by_mark(subject, name) || by_web_server(subject, name) {
        return Reach::All;
    }
    match by_middleware(subject, name) {
        Reach::All => return Reach::All,
        Reach::Some(location, source) => {
            partial.get_or_insert((location, source));
        }
        Reach::Unknown | Reach::Nowhere => {}
    }
    if subject.project.next.headers_incomplete {
        return Reach::Unknown;
    }
    match partial {
        Some((location, source)) => Reach::Some(location, source),
        None => Reach::Nowhere,
    }
}

/// Paths that stand for the whole of an application.
const SAMPLE: [&str; 4] = ["/", "/about", "/blog/a-post", "/api/items"];

/// True when the entry's pattern takes every sample path and its conditions exclude nothing ordinary.
fn reaches_all(subject: &Subject<'_>, entry: &HeaderEntry) -> bool {
    if entry.conditions.iter().any(|condition| !condition.negated) {
        return false;
    }
    // `**` and `/*` are the words of hosting configurations for everything.
    if matches!(entry.source.as_str(), "**" | "/**" | "/*" | "*" | "**/*") {
        return true;
    }
    let next = &subject.project.next;
    let compiled = Matcher::for_header_source(&entry.source, Vec::new(), "", &[]);
    match compiled {
        Ok(matcher) => SAMPLE
            .iter()
            .filter(|path| next.base_path.is_empty() || **path != "/")
            .all(|path| matcher.matches_route(path) == Coverage::Always),
        // What cannot be compiled was not refused by the hosting either; nothing can be said against it.
        Err(_) => true,
    }
}

fn by_package(subject: &Subject<'_>, check: &ResponseHeaders, header: &str) -> bool {
    let sends = |package: &&HeaderPackage| {
        package
            .sends
            .iter()
            .any(|sent| sent.eq_ignore_ascii_case(header))
    };
    let senders: Vec<&HeaderPackage> = check.packages.iter().filter(sends).collect();
    let is_sender = |specifier: &str| {
        senders.iter().any(|package| {
            specifier == package.name || package_of(specifier) == Some(package.name.as_str())
        })
    };
    let anywhere = subject.all_imports().iter();
    anywhere.into_iter().any(|specifier| is_sender(specifier))
        && subject.modules().any(|(_, module)| {
            let asks = module
                .requests
                .iter()
                .any(|request| is_sender(&request.specifier));
            asks && calls(module).any(|call| {
                imported(module, call.callee).is_some_and(|(specifier, _)| is_sender(specifier))
                    && !turned_off(module, call.args.first().map(|arg| arg.value), header)
            })
        })
}

/// `helmet({ contentSecurityPolicy: false })`
fn turned_off(module: &ModuleRecord, options: Option<crate::syntax::ExprId>, header: &str) -> bool {
    let key = match header.to_ascii_lowercase().as_str() {
        "content-security-policy" => "contentSecurityPolicy",
        "strict-transport-security" => "hsts",
        "x-frame-options" => "frameguard",
        "x-content-type-options" => "noSniff",
        "referrer-policy" => "referrerPolicy",
        _ => return false,
    };
    options
        .and_then(|options| property(module, options, key))
        .is_some_and(|value| matches!(module.exprs.get(value.0 as usize), Some(Expr::Bool(false))))
}

/// What the proof engine saw a middleware of the application set.
fn by_mark(subject: &Subject<'_>, header: &str) -> bool {
    let mark = format!("sets-header:{}", header.to_ascii_lowercase());
    subject.app.marks.iter().any(|(each, _)| *each == mark)
}

/// `add_header NAME value` of nginx, `NAME "value"` of a Caddyfile.
fn by_web_server(subject: &Subject<'_>, header: &str) -> bool {
    subject.model.documents.iter().any(|file| {
        let server = file.path.extension() == Some("conf") || file.path.file_name() == "Caddyfile";
        server
            && file.text.lines().any(|line| {
                let line = line.trim();
                let mut words = line.split_whitespace();
                let first = words.next().unwrap_or("");
                let named = if first == "add_header" {
                    words.next().unwrap_or("")
                } else {
                    first
                };
                !line.starts_with('#') && named.eq_ignore_ascii_case(header)
            })
    })
}

/// A loaded middleware that names the header, and whether it runs for every page.
fn by_middleware(subject: &Subject<'_>, header: &str) -> Reach {
    for middleware in &subject.app.middleware {
        if middleware.problem.is_some() {
            continue;
        }
        let graph = &subject.model.graph;
        let closure = graph.closure(&[middleware.module]);
        let names = graph
            .modules()
            .zip(closure)
            .any(|((_, module), reached)| reached && names_header(module, header));
        if !names {
            continue;
        }
        if runs_everywhere(middleware) {
            return Reach::All;
        }
        let module = graph.module(middleware.module);
        let location = module.location(middleware.span);
        return Reach::Some(
            location,
            String::from("the paths of the middleware's matcher"),
        );
    }
    Reach::Nowhere
}

/// A matcher that leaves out files and the API is how a middleware that is about pages is written.
fn runs_everywhere(middleware: &Middleware) -> bool {
    match &middleware.matchers {
        None => true,
        Some(matchers) if matchers.is_empty() => true,
        Some(matchers) => ["/", "/about", "/blog/a-post"].iter().all(|path| {
            matchers
                .iter()
                .any(|matcher| matcher.matches_route(path) == Coverage::Always)
        }),
    }
}

/// True when the module sets the header: as a key of an object, or as the first argument of `set`, `append` or `setHeader`.
pub(super) fn names_header(module: &ModuleRecord, header: &str) -> bool {
    let named = |expr| text(module, expr).is_some_and(|text| text.eq_ignore_ascii_case(header));
    module.exprs.iter().any(|expr| match expr {
        Expr::Object(properties) => properties.iter().any(|property| match property {
            Property::Value { key: name, value } => {
                let key_text = key(module, name).unwrap_or("");
                key_text.eq_ignore_ascii_case(header) || (key_text == "key" && named(*value))
            }
            _ => false,
        }),
        Expr::Call { args, .. } => {
            args.len() >= 2 && args.first().is_some_and(|arg| named(arg.value))
        }
        Expr::Array(items) => {
            items.len() == 2 && items.first().is_some_and(|item| named(item.value))
        }
        _ => false,
    })
}
