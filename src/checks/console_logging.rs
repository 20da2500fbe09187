//! `[check.console-logging]`: server code logs through a logger and not with `console`.

use std::cmp::Reverse;

use crate::controls::Status;
use crate::finding::Related;
use crate::rule::{Confidence, ConsoleLogging, Control};
use crate::source::Span;
use crate::syntax::ModuleRecord;

use super::CheckResult;
use super::server_side::{is_page_of_router, loaders};
use super::subject::{Subject, weight};

/// Files that a finding lists.
const FILES_SHOWN: usize = 10;

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
        (0, _) => String::from("; no handler logs through a logger"),
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
    }
    result.findings.push(finding);
    result
}

/// The `console` calls of a module that runs on the server: of a page, those of its loaders.
fn calls_on_server<'m>(
    subject: &Subject<'_>,
    module: &'m ModuleRecord,
) -> impl Iterator<Item = Span> + use<'m> {
    let within = if is_page_of_router(subject.project, &module.path) {
        loaders(module)
    } else {
        Vec::new()
    };
    let calls = module.facts.console_calls.iter().map(|(_, span)| *span);
    calls.filter(move |call| within.is_empty() || within.iter().any(|loader| loader.holds(*call)))
}
