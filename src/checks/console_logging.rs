//! `[check.console-logging]`: server code logs through a logger and not with `console`.

use std::cmp::Reverse;

use crate::controls::Status;
use crate::finding::Related;
use crate::graph::Symbol;
use crate::rule::{Confidence, ConsoleLogging, Control, wildcard};
use crate::source::Span;
use crate::syntax::{Expr, ModuleRecord};

use super::CheckResult;
use super::code::{calls, package_of};
use super::server_side::parts_on_server;
use super::subject::{Subject, weight};

/// Files that a finding lists.
const FILES_SHOWN: usize = 10;
/// An application of so few modules may do without a logger.
const SMALL: usize = 50;
/// Methods of loggers.
const LEVELS: [&str; 4] = ["info", "warn", "error", "debug"];

pub(super) fn run(subject: &Subject<'_>, check: &ConsoleLogging) -> CheckResult {
    let except = subject.globs(&check.except);
    let root = &subject.project.root;
    let server = subject.server_side();
    let mut files: Vec<(&ModuleRecord, usize)> = subject
        .modules()
        .filter(|(id, module)| {
            let runs_on_server = server.get(id.0 as usize).copied().unwrap_or(true);
            let path = module
                .path
                .strip_prefix(root)
                .unwrap_or(module.path.as_str());
            runs_on_server && !module.facts.console_calls.is_empty() && !except.is_match(path)
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
    let reach = match (through_logger, logging) {
        (_, 0) => String::new(),
        (0, _) => match logs_elsewhere(subject, &check.loggers) {
            Some(module) => format!("; of what handlers reach, {} uses a logger", module.path),
            None => String::from("; no handler logs through a logger"),
        },
        (through, all) => format!("; {through} of {all} handlers that log use a logger"),
    };
    let (plural, more) = (
        if calls == 1 { "" } else { "s" },
        if files.len() == 1 { "" } else { "s" },
    );
    let message = format!(
        "{calls} console call{plural} in {} server file{more}{reach}",
        files.len()
    );
    let related = files
        .iter()
        .take(FILES_SHOWN)
        .filter_map(|(module, calls)| {
            let span = calls_on_server(subject, module).next()?;
            Some(Related {
                location: module.location(span),
                note: match calls {
                    1 => String::from("the only console call of this file"),
                    calls => format!("the first of {calls} console calls of this file"),
                },
            })
        });
    let mut finding = subject
        .finding(place, message)
        .counting_everywhere(calls)
        .with_related(related.collect());
    if only_others {
        finding.message.push_str(": are these meant to stay?");
        finding = finding.at_most(Confidence::Low);
    } else if calls < 2 * check.at_least && is_small(subject, &check.loggers) {
        let question = ": or does so small an application do without a logger?";
        finding.message.push_str(question);
        finding = finding.at_most(Confidence::Low);
    }
    result.findings.push(finding);
    result
}

/// The application has few modules, and no logger.
fn is_small(subject: &Subject<'_>, loggers: &[String]) -> bool {
    let logger = subject.package().is_some_and(|package| {
        let mut names = package.dependencies.keys();
        names.any(|name| loggers.iter().any(|form| wildcard(form, name)))
    });
    !logger && subject.modules().count() <= SMALL
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

/// A module that handlers reach and that logs through a logger of a package, wherever the way there is lost from sight.
fn logs_elsewhere<'m>(subject: &Subject<'m>, packages: &[String]) -> Option<&'m ModuleRecord> {
    let graph = &subject.model.graph;
    let makes_logger = |module: &ModuleRecord| {
        module.requests.iter().any(|request| {
            let package = package_of(&request.specifier).filter(|_| !request.type_only);
            package.is_some_and(|name| packages.iter().any(|form| wildcard(form, name)))
        })
    };
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
