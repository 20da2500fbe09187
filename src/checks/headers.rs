//! `[check.response-headers]`: headers that have to be sent, and how far they reach.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::graph::ModuleId;
use crate::project::HeaderEntry;
use crate::routes::{Coverage, Matcher, Middleware, RouteKind};
use crate::rule::{HeaderPackage, HeaderRequirement, ResponseHeaders, wildcard};
use crate::source::{Location, RepoPath};
use crate::syntax::{Expr, ExprId, ModuleRecord, Property};

use super::CheckResult;
use super::code::{calls, imported, key, package_of, property};
use super::dependency::of_package;
use super::pipeline::lines_of_each;
use super::present::{doubted, in_doubt};
use super::signs::Ground;
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
    let senders = senders(subject, check);
    let packages = check.packages.iter().map(|package| {
        let specifiers = of_package(&package.name, subject.all_imports());
        (package, specifiers.collect())
    });
    let packages: Vec<Imported<'_>> = packages.collect();
    let mut files = None;
    for header in &check.headers {
        if header.pages_only && !pages {
            // Nobody asks an interface for it; where it is sent all the same, it is there.
            if matches!(reach(subject, &packages, &senders, header), Reach::All) {
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
        match reach(subject, &packages, &senders, header) {
            Reach::All => result.covered(1.0),
            Reach::Unknown => result.unknown(),
            Reach::Some(location, source) => {
                let message = format!(
                    "{} is sent for {source} only; elsewhere its absence lets {}",
                    header.name, header.allows
                );
                let finding = subject.finding(location, message);
                let finding = finding.with_severity(header.severity);
                let finding = match left_out(subject, check, header) {
                    Some(source) => in_doubt(
                        finding,
                        &format!("is it left out on purpose for {source}, which is sent others"),
                    ),
                    None => asked(subject, header, finding),
                };
                result.half(1.0, finding);
            }
            Reach::Nowhere => {
                let files = files.get_or_insert_with(|| Files::new(subject, check));
                let message = match files.sending(&header.name) {
                    0 => format!("{} is not sent, which lets {}", header.name, header.allows),
                    some => format!(
                        "{} is sent by {some} of {} files with handlers only; elsewhere its absence lets {}",
                        header.name, files.all, header.allows
                    ),
                };
                let file = subject.project.next.file.clone();
                let file = file.unwrap_or_else(|| subject.home());
                let finding = subject.finding(Location::of_line(&file, 1), message);
                let finding = finding.with_severity(header.severity);
                let exported = subject.project.next.exports;
                let finding = if exported {
                    in_doubt(finding, "does what serves the exported files send it")
                } else if is_hinted(subject, header) {
                    in_doubt(finding, "does what stands in front of it send it")
                } else {
                    asked(subject, header, finding)
                };
                result.gap(1.0, finding);
            }
        }
    }
    result
}

/// A finding about a header that may not be needed.
fn asked(subject: &Subject<'_>, header: &HeaderRequirement, finding: Finding) -> Finding {
    let ground = Ground {
        subject,
        whole: false,
    };
    let question = header.question.as_deref();
    match question.or_else(|| doubted(&ground, &header.doubts)) {
        Some(question) => in_doubt(finding, question),
        None => finding,
    }
}

/// The source of an entry of its own for some paths, which sends others of the headers and not this one.
fn left_out<'a>(
    subject: &Subject<'a>,
    check: &ResponseHeaders,
    header: &HeaderRequirement,
) -> Option<&'a str> {
    let entries = &subject.project.next.headers;
    let sends = |entry: &HeaderEntry, wanted: &HeaderRequirement| {
        entry.name.eq_ignore_ascii_case(&wanted.name)
    };
    let is_without = |source: &str| {
        let mut same = entries.iter().filter(|entry| entry.source == source);
        !same.any(|entry| sends(entry, header))
    };
    let entry = entries.iter().find(|entry| {
        check.headers.iter().any(|other| sends(entry, other))
            && is_without(&entry.source)
            && !SAMPLE.iter().all(|path| reaches(subject, entry, path))
    })?;
    Some(&entry.source)
}

/// Something speaks for a platform that sends the header: another application of the repository runs there, or this one uses what
/// it offers.
fn is_hinted(subject: &Subject<'_>, header: &HeaderRequirement) -> bool {
    if header.hinted_by.is_empty() {
        return false;
    }
    let mut paths = subject.model.paths.iter();
    let beside = paths.any(|path| {
        let name = path.file_name();
        let mut files = header.sent_by.iter().chain(&header.hinted_by_files);
        files.any(|file| file == name)
    });
    let hints = |name: &str| header.hinted_by.iter().any(|hint| wildcard(hint, name));
    let mut specifiers = subject.specifiers().iter();
    let reads = |module: &ModuleRecord| {
        let mut reads = module.facts.env_reads.iter();
        reads.any(|(name, _)| hints(name))
    };
    beside
        || specifiers.any(|specifier| package_of(specifier).is_some_and(hints))
        || subject.running().any(reads)
        // Tests of what is deployed, and what configures them, know where that is.
        || subject.model.graph.modules().any(|(_, module)| {
            let folder = module.path.parent();
            let root = &subject.project.root;
            let near = || folder.is_some_and(|folder| root.starts_with(&folder));
            reads(module) && (module.path.starts_with(root) || near())
        })
        || lines_of_each(subject)
            .iter()
            .any(|lines| lines.run(&header.hinted_by_steps))
}

fn reach(
    subject: &Subject<'_>,
    packages: &[Imported<'_>],
    senders: &[Sender<'_>],
    header: &HeaderRequirement,
) -> Reach {
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
    // What one entry leaves out another may send.
    let mut left: Vec<&str> = SAMPLE.to_vec();
    for entry in configured.chain(hosted) {
        left.retain(|path| !reaches(subject, entry, path));
        if left.is_empty() {
            return Reach::All;
        }
        partial.get_or_insert_with(|| (entry.location.clone(), entry.source.clone()));
    }
    if by_package(subject, packages, name) || by_mark(subject, name) || by_web_server(subject, name)
    {
        return Reach::All;
    }
    match by_middleware(subject, senders, name) {
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

/// True when the entry's pattern takes the path and its conditions exclude nothing ordinary.
fn reaches(subject: &Subject<'_>, entry: &HeaderEntry, path: &str) -> bool {
    if entry.conditions.iter().any(|condition| !condition.negated) {
        return false;
    }
    // `**` and `/*` are the words of hosting configurations for everything.
    if matches!(entry.source.as_str(), "**" | "/**" | "/*" | "*" | "**/*") {
        return true;
    }
    if path == "/" && !subject.project.next.base_path.is_empty() {
        return true;
    }
    match Matcher::for_header_source(&entry.source, Vec::new(), "", &[]) {
        Ok(matcher) => matcher.matches_route(path) == Coverage::Always,
        // What cannot be compiled was not refused by the hosting either; nothing can be said against it.
        Err(_) => true,
    }
}

/// A package, and how it is imported anywhere in the repository.
type Imported<'a> = (&'a HeaderPackage, Vec<&'a str>);

/// One of these packages sends the header.
fn by_package(subject: &Subject<'_>, packages: &[Imported<'_>], header: &str) -> bool {
    let sends = |(package, _): &&Imported<'_>| {
        let mut sent = package.sends.iter();
        sent.any(|sent| sent.eq_ignore_ascii_case(header))
    };
    let senders = packages.iter().filter(sends);
    let senders: Vec<&str> = senders.flat_map(|(_, all)| all.iter().copied()).collect();
    let is_sender = |specifier: &str| senders.contains(&specifier);
    !senders.is_empty()
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

/// A loaded middleware, and which of the headers it names, in lower case.
struct Sender<'a> {
    middleware: &'a Middleware,
    names: BTreeSet<String>,
}

/// The loaded middleware of the application.
fn senders<'a>(subject: &Subject<'a>, check: &ResponseHeaders) -> Vec<Sender<'a>> {
    let wanted: Vec<&str> = check
        .headers
        .iter()
        .map(|each| each.name.as_str())
        .collect();
    let graph = &subject.model.graph;
    let loaded = subject.app.middleware.iter();
    let loaded = loaded.filter(|middleware| middleware.problem.is_none());
    loaded
        .map(|middleware| {
            let closure = graph.closure(&[middleware.module]);
            let mut names = BTreeSet::new();
            for ((_, module), reached) in graph.modules().zip(closure) {
                if reached {
                    note_headers(module, &wanted, &mut names);
                }
            }
            Sender { middleware, names }
        })
        .collect()
}

/// The files of the application's handlers.
struct Files {
    all: usize,
    /// How many of them name a header, by its name in lower case.
    naming: BTreeMap<String, usize>,
}

impl Files {
    fn new(subject: &Subject<'_>, check: &ResponseHeaders) -> Self {
        let wanted: Vec<&str> = check
            .headers
            .iter()
            .map(|each| each.name.as_str())
            .collect();
        // Procedures and actions answer through a handler that is not theirs.
        let answers = |kind: RouteKind| !matches!(kind, RouteKind::Trpc | RouteKind::Action);
        let routes = subject.app.routes.iter().map(|route| &route.route);
        let routes = routes.filter(|route| answers(route.kind));
        let modules: BTreeSet<ModuleId> = routes.map(|route| route.module).collect();
        let mut naming = BTreeMap::new();
        for module in &modules {
            let mut names = BTreeSet::new();
            note_headers(subject.model.graph.module(*module), &wanted, &mut names);
            for name in names {
                *naming.entry(name).or_default() += 1;
            }
        }
        Self {
            all: modules.len(),
            naming,
        }
    }

    fn sending(&self, header: &str) -> usize {
        let named = self.naming.get(&header.to_ascii_lowercase());
        named.copied().unwrap_or(0)
    }
}

/// A loaded middleware that names the header, and whether it runs for every page.
fn by_middleware(subject: &Subject<'_>, senders: &[Sender<'_>], header: &str) -> Reach {
    let header = header.to_ascii_lowercase();
    let Some(sender) = senders.iter().find(|each| each.names.contains(&header)) else {
        return Reach::Nowhere;
    };
    if runs_everywhere(sender.middleware) {
        return Reach::All;
    }
    let module = subject.model.graph.module(sender.middleware.module);
    let location = module.location(sender.middleware.span);
    Reach::Some(
        location,
        String::from("the paths of the middleware's matcher"),
    )
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

/// True when the module sets the header.
pub(super) fn names_header(module: &ModuleRecord, header: &str) -> bool {
    let mut names = BTreeSet::new();
    note_headers(module, &[header], &mut names);
    !names.is_empty()
}

/// Notes which of the wanted headers a module sets: as a key of an object, or as the first argument of `set`, `append` or
/// `setHeader`.
fn note_headers(module: &ModuleRecord, wanted: &[&str], names: &mut BTreeSet<String>) {
    let mut note = |name: &str| {
        if wanted.iter().any(|each| each.eq_ignore_ascii_case(name)) {
            names.insert(name.to_ascii_lowercase());
        }
    };
    let written = |expr: ExprId| match module.exprs.get(expr.0 as usize) {
        Some(Expr::String(text)) => Some(&**text),
        _ => None,
    };
    for expr in &module.exprs {
        let named = match expr {
            Expr::Object(properties) => {
                for property in properties {
                    if let Property::Value { key: name, value } = property {
                        match key(module, name) {
                            Some("key") => written(*value).into_iter().for_each(&mut note),
                            Some(name) => note(name),
                            None => {}
                        }
                    }
                }
                None
            }
            Expr::Call { args, .. } if args.len() >= 2 => args.first().map(|arg| arg.value),
            Expr::Array(items) if items.len() == 2 => items.first().map(|item| item.value),
            _ => None,
        };
        if let Some(name) = named.and_then(written) {
            note(name);
        }
    }
}
