//! `[check.console-logging]`: server code logs through a logger and not with `console`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::controls::Status;
use crate::finding::Related;
use crate::graph::{ModuleId, Symbol};
use crate::rule::{Confidence, ConsoleLogging, Control, Purpose, wildcard};
use crate::source::Span;
use crate::syntax::{Expr, ExprId, Import, ModuleRecord, Name, Pattern};

use super::CheckResult;
use super::code::{calls, package_of};
use super::for_one::stays_on_machine;
use super::purpose::LEFT_TO_OTHERS;
use super::server_side::parts_on_server;
use super::subject::{Subject, weight};
use super::words::words;

/// Files that a finding lists.
const FILES_SHOWN: usize = 10;
/// An application of so few modules, or handlers, may do without a logger.
const SMALL: usize = 50;
const FEW: usize = 2;
/// Methods of loggers.
const LEVELS: [&str; 4] = ["info", "warn", "error", "debug"];

pub(super) fn run(subject: &Subject<'_>, check: &ConsoleLogging) -> CheckResult {
    let except = subject.globs(&check.except);
    let root = &subject.project.root;
    let server = subject.server_side();
    let routes = subject.app.routes.iter();
    let handlers: FxHashSet<ModuleId> = routes.map(|route| route.route.module).collect();
    let mut files: Vec<(&ModuleRecord, usize)> = subject
        .modules()
        .filter(|(id, module)| {
            let runs_on_server = server.get(id.0 as usize).copied().unwrap_or(true);
            let path = module
                .path
                .strip_prefix(root)
                .unwrap_or(module.path.as_str());
            // A handler is one wherever it lies: `api/backup/migrations/route.ts`.
            let is_left_out = || except.is_match(path) && !handlers.contains(id);
            runs_on_server && !module.facts.console_calls.is_empty() && !is_left_out()
        })
        .map(|(_, module)| (module, calls_on_server(subject, module).count()))
        .filter(|(_, calls)| *calls > 0)
        .collect();
    files.sort_by_key(|(module, calls)| (Reverse(*calls), module.path.clone()));
    let calls: usize = files.iter().map(|(_, calls)| calls).sum();

    let mut result = CheckResult::default();
    let mut through_logger = 0;
    let mut logging = 0;
    for route in &subject.app.routes {
        let verdict = route.controls.get(&Control::Logging);
        match verdict.map(|verdict| verdict.status) {
            Some(Status::Structured) => {
                through_logger += 1;
                logging += 1;
                result.covered(weight(route));
            }
            Some(Status::Console) => {
                logging += 1;
                result.silent_gap(weight(route));
            }
            Some(Status::Unknown) => result.unknown_handler(route),
            _ => {}
        }
    }
    if !subject.has_routes() && calls < check.at_least {
        // What runs in browsers logs there; whether anybody gathers it cannot be told.
        let all = subject.modules();
        let everywhere: usize = all
            .map(|(_, module)| module.facts.console_calls.len())
            .sum();
        if everywhere >= check.at_least {
            result.unknown();
        }
    }
    let Some((worst, _)) = files.first().filter(|_| calls >= check.at_least) else {
        return result;
    };
    // Every handler that logs uses the logger; what is left lies in other code.
    let only_others = result.total > 0 && result.covered == result.total;
    if result.total == 0 || only_others {
        result.silent_gap(1.0);
    }
    let first = calls_on_server(subject, worst).next().unwrap_or_default();
    let place = worst.location(first);
    let (reach, mut question) = match (through_logger, logging) {
        (_, 0) => (String::new(), None),
        (0, _) => other_loggers(subject, &check.loggers, files.len()),
        (through, all) => {
            let reach = format!("; {through} of {all} handlers that log use a logger");
            (reach, None)
        }
    };
    let (plural, more) = (
        if calls == 1 { "" } else { "s" },
        if files.len() == 1 { "" } else { "s" },
    );
    let message = format!(
        "{calls} console call{plural} in {} server file{more}{reach}",
        files.len()
    );
    let mut finding = subject
        .finding(place, message)
        .counting_everywhere(calls)
        .with_related(related(subject, &files));
    if only_others {
        question = Some(String::from("are these meant to stay"));
    } else if question.is_none() && calls < 2 * check.at_least {
        question = if is_small(subject, &check.loggers) {
            Some(String::from(
                "or does so small an application do without a logger",
            ))
        } else {
            subject
                .is_for(Purpose::Starter)
                .then(|| LEFT_TO_OTHERS.to_owned())
        };
    }
    if let Some(question) = question.or_else(|| stays_on_machine(subject)) {
        finding.message = format!("{}: {question}?", finding.message);
        finding = finding.at_most(Confidence::Low);
    }
    result.findings.push(finding);
    result
}

/// The files with the most calls, each at its first one.
fn related(subject: &Subject<'_>, files: &[(&ModuleRecord, usize)]) -> Vec<Related> {
    let shown = files.iter().take(FILES_SHOWN);
    let related = shown.filter_map(|(module, calls)| {
        let span = calls_on_server(subject, module).next()?;
        Some(Related {
            location: module.location(span),
            note: match calls {
                1 => String::from("the only console call of this file"),
                calls => format!("the first of {calls} console calls of this file"),
            },
        })
    });
    related.collect()
}

/// Where loggers are to be found of an application whose handlers log with `console` alone, and what speaks for it then; `consoles`
/// is how many of its files do so.
fn other_loggers(
    subject: &Subject<'_>,
    packages: &[String],
    consoles: usize,
) -> (String, Option<String>) {
    if let Some(module) = replaces_console(subject, packages) {
        let path = &module.path;
        let question =
            format!("or do they reach the logger that {path} puts in place of `console`");
        return (String::new(), Some(question));
    }
    if let Some((module, number)) = house_logger(subject, packages, consoles) {
        let reach = format!("; {number} others log through {}", module.path);
        return (reach, Some(String::from("are these meant to stay")));
    }
    let reach = match logs_elsewhere(subject, packages) {
        Some(module) => format!("; of what handlers reach, {} uses a logger", module.path),
        None => String::from("; no handler logs through a logger"),
    };
    (reach, None)
}

/// The application has few modules or handlers, and no logger.
fn is_small(subject: &Subject<'_>, loggers: &[String]) -> bool {
    let logger = subject.package().is_some_and(|package| {
        let mut names = package.dependencies.keys();
        names.any(|name| loggers.iter().any(|form| wildcard(form, name)))
    });
    let handlers = subject.app.routes.len();
    !logger && ((1..=FEW).contains(&handlers) || subject.modules().count() <= SMALL)
}

/// The `console` calls of a module that runs on the server: of a page, those of its loaders.
fn calls_on_server<'m>(
    subject: &Subject<'_>,
    module: &'m ModuleRecord,
) -> impl Iterator<Item = Span> + use<'m> {
    let within = parts_on_server(subject, module);
    let calls = module.facts.console_calls.iter().map(|(_, span)| *span);
    calls.filter(move |call| {
        let mut parts = within.iter().flatten();
        within.is_none() || parts.any(|part| part.holds(*call))
    })
}

fn makes_logger(module: &ModuleRecord, packages: &[String]) -> bool {
    module.requests.iter().any(|request| {
        let package = package_of(&request.specifier).filter(|_| !request.type_only);
        package.is_some_and(|name| packages.iter().any(|form| wildcard(form, name)))
    })
}

/// A module that runs, and that hands what is told to `console` to a logger of a package: `console.log = (text) => logger.info(text)`.
fn replaces_console<'m>(subject: &Subject<'m>, packages: &[String]) -> Option<&'m ModuleRecord> {
    subject.modules().find_map(|(id, module)| {
        if !makes_logger(module, packages) || !subject.live().is_live(id) {
            return None;
        }
        let console = module.find_name("console")?;
        let replaces = |target: &Pattern| {
            let Pattern::Member(member) = target else {
                return false;
            };
            matches!(module.expr(*member), Expr::Member { object, .. }
                if matches!(module.expr(*object), Expr::Name(name) if *name == console))
        };
        let mut exprs = module.exprs.iter();
        exprs
            .any(|expr| matches!(expr, Expr::Assign { target, .. } if replaces(target)))
            .then_some(module)
    })
}

/// A logger of the repository's own that writes for machines, and how many files of the server log through it, where these are
/// more than `consoles`.
fn house_logger<'m>(
    subject: &Subject<'m>,
    packages: &[String],
    consoles: usize,
) -> Option<(&'m ModuleRecord, usize)> {
    let graph = &subject.model.graph;
    let server = subject.server_side();
    let mut users: BTreeMap<ModuleId, usize> = BTreeMap::new();
    for (id, module) in subject.modules() {
        let levels = LEVELS.iter().filter_map(|level| module.find_name(level));
        let levels: Vec<Name> = levels.collect();
        if !server.get(id.0 as usize).copied().unwrap_or(true) {
            continue;
        }
        let mut homes = module.imports.iter().filter_map(|import| {
            let name = module.name(import.local);
            let hands_out = hands_out_logger(name);
            let is_named = name == "log" || name.to_ascii_lowercase().ends_with("logger");
            if import.type_only || !is_named && !hands_out {
                return None;
            }
            let is_it = |expr: ExprId| matches!(module.expr(expr), Expr::Name(name) if *name == import.local);
            let logs = |expr: &Expr| match expr {
                Expr::Member { object, property, .. } => {
                    levels.contains(property) && is_it(*object)
                }
                Expr::Call { callee, .. } => hands_out && is_it(*callee),
                _ => false,
            };
            match graph.binding(id, import.local)? {
                Symbol::Local { module: home, .. } | Symbol::Expr { module: home, .. } => {
                    module.exprs.iter().any(logs).then_some(home)
                }
                _ => None,
            }
        });
        if let Some(home) = homes.next() {
            *users.entry(home).or_default() += 1;
        }
    }
    let (home, number) = users.into_iter().max_by_key(|(_, number)| *number)?;
    let structured = |id: &ModuleId| {
        let module = graph.module(*id);
        makes_logger(module, packages) || module.find_name("stringify").is_some()
    };
    let mut loaded = graph.dependencies(home);
    // `getLog` of a package of the repository stands in one of its files.
    let mut taken = graph.module(home).imports.iter();
    let is_structured_there = |import: &Import| match graph.binding(home, import.local) {
        Some(Symbol::Local { module, .. } | Symbol::Expr { module, .. }) => structured(&module),
        _ => false,
    };
    let writes = number > consoles
        && (structured(&home)
            || loaded.any(|id| structured(&id))
            || taken.any(is_structured_there));
    writes.then(|| (graph.module(home), number))
}

/// `getServerLog`, `createLogger`: what it returns is logged with.
fn hands_out_logger(name: &str) -> bool {
    let words = words(name);
    let first = words.first().map(String::as_str);
    let last = words.last().map(String::as_str);
    matches!(first, Some("get" | "create" | "make" | "use"))
        && matches!(last, Some("log" | "logger"))
}

/// A module that handlers reach and that logs through a logger of a package, wherever the way there is lost from sight.
fn logs_elsewhere<'m>(subject: &Subject<'m>, packages: &[String]) -> Option<&'m ModuleRecord> {
    let graph = &subject.model.graph;
    let makes_logger = |module: &ModuleRecord| makes_logger(module, packages);
    subject.handler_modules().iter().find_map(|&id| {
        let module = graph.module(id);
        let logs = LEVELS.iter().any(|level| module.find_name(level).is_some())
            && calls(module).any(|call| {
                let Expr::Member {
                    object, property, ..
                } = module.expr(call.callee)
                else {
                    return false;
                };
                let Expr::Name(local) = module.expr(*object) else {
                    return false;
                };
                let made = || match graph.binding(id, *local) {
                    Some(Symbol::Local { module, .. } | Symbol::Expr { module, .. }) => {
                        makes_logger(graph.module(module))
                    }
                    None => makes_logger(module),
                    _ => false,
                };
                let span = module.span(call.expr);
                let unit = (id, subject.index().module(graph, id).part_at(span.start));
                LEVELS.contains(&module.name(*property)) && made() && subject.reach().has(unit)
            });
        logs.then_some(module)
    })
}
