//! `[check.guard-flaws]`: guards that turn nobody away, or not always.

use std::collections::BTreeMap;

use crate::controls::Status;
use crate::finding::Related;
use crate::graph::Link;
use crate::model::RouteFacts;
use crate::rule::{Confidence, Control, GuardFlaws};
use crate::source::{Location, RepoPath, SourceFile};
use crate::syntax::Meant;

use super::CheckResult;
use super::code::is_meant;
use super::subject::{Subject, route_name};

/// A finding lists so many of the handlers that meet the guard.
const LISTED: usize = 8;

/// The mark of guards that let pass what they cannot check, which somebody may have meant; what turns nobody away nobody meant.
const FAILS_OPEN: &str = "fails-open";

/// A comment about a branch stands within so many lines of it.
const BESIDE: u32 = 4;

/// A guard's place, what it is, and what is wrong with it.
type Flaw<'a> = (&'a RepoPath, u32, &'a str, &'a str);

pub(super) fn run(subject: &Subject<'_>, check: &GuardFlaws) -> CheckResult {
    let mut places: BTreeMap<Flaw<'_>, (&str, Vec<&RouteFacts>)> = BTreeMap::new();
    let mut result = CheckResult::default();
    for route in &subject.app.routes {
        let mut flawed = false;
        let asked = |guard: &str| check.guards.contains_key(guard);
        for (mark, evidence) in &route.marks {
            let Some((guard, flaw)) = mark
                .strip_prefix(check.mark.as_str())
                .and_then(|rest| rest.strip_prefix(':'))
                .and_then(|rest| rest.split_once(':'))
            else {
                continue;
            };
            flawed |= asked(guard);
            places
                .entry((&evidence.file, evidence.line, guard, flaw))
                .or_insert((&evidence.note, Vec::new()))
                .1
                .push(route);
        }
        let guarded = [
            (Control::Auth, asked("auth") || asked("secret")),
            (Control::RateLimit, asked("rate-limit")),
        ]
        .iter()
        .any(|(control, asked)| {
            *asked
                && route
                    .controls
                    .get(control)
                    .is_some_and(|verdict| verdict.status == Status::Enforced)
        });
        if guarded && !flawed {
            result.covered(1.0);
        }
    }
    for ((file, line, guard, flaw), (note, routes)) in places {
        let (Some(words), Some(says)) = (check.guards.get(guard), check.says.get(flaw)) else {
            continue;
        };
        let met = match routes.as_slice() {
            [route] => format!(", in {}", route_name(route)),
            routes => format!(", in {} handlers", routes.len()),
        };
        let related = routes.iter().take(LISTED).map(|route| Related {
            location: route.location.clone(),
            note: route_name(route),
        });
        let names: Vec<&str> = note
            .split(", ")
            .filter_map(|each| each.strip_prefix("process.env."))
            .collect();
        let variable = match *names {
            [] => String::from("what it needs"),
            [name] => format!("`{name}`"),
            [.., last] => format!("`{last}`"),
        };
        let missing = match *names {
            [first, second, ..] => format!("neither `{first}` nor `{second}` is set"),
            _ => format!("{variable} is not set"),
        };
        let says = says
            .replace("{variable}", &variable)
            .replace("{missing}", &missing);
        let message = says.replace("{}", &words.name) + &met;
        let finding = subject
            .finding(Location::of_line(file, line), message)
            .with_severity(words.severity)
            .with_related(related.collect());
        let graph = &subject.model.graph;
        let code = graph.find(file).map(|module| graph.module(module));
        let documented = || {
            let [name] = *names else {
                return None;
            };
            let files = &subject.model.project.files;
            let mut optional = files.env_optional.iter();
            let left_out = optional.find(|(other, _)| other == name);
            let left_out = left_out.map(|(_, file)| file);
            left_out.or_else(|| documented(&subject.model.documents, name))
        };
        let finding = if check.questions.iter().any(|question| question == flaw) {
            finding.at_most(Confidence::Low)
        } else if check.mark == FAILS_OPEN
            && let Some(path) = documented()
        {
            let mut finding = finding.at_most(Confidence::Low);
            let question = format!(": is that right, as {path} says when to set it?");
            finding.message.push_str(&question);
            finding
        } else if check.mark == FAILS_OPEN
            && code.is_some_and(|record| is_meant(record, line, Meant::Open, (BESIDE, BESIDE)))
        {
            let mut finding = finding.at_most(Confidence::Low);
            finding
                .message
                .push_str(": is that still right, as a comment says that it is meant?");
            finding
        } else if check.mark == FAILS_OPEN && is_tested(subject, file) {
            let mut finding = finding.at_most(Confidence::Low);
            finding
                .message
                .push_str(": is that still right, as a test says that it is meant?");
            finding
        } else {
            finding
        };
        result.gap(1.0, finding);
    }
    result
}

/// A test that imports the file says of something that it lets pass what it cannot check.
fn is_tested(subject: &Subject<'_>, file: &RepoPath) -> bool {
    let graph = &subject.model.graph;
    let Some(guard) = graph.find(file) else {
        return false;
    };
    let mut modules = graph.modules();
    modules.any(|(id, record)| {
        let mut requests = record.requests.iter();
        record.facts.tests_open
            && record.path.is_test()
            && requests.any(|each| {
                matches!(graph.link(id, &each.specifier), Link::Module(other) if other == guard)
            })
    })
}

/// Words for what need not be set.
const OPTIONAL: [&str; 4] = ["optional", "when set", "if set", "in depth"];

/// The document for readers that says of the variable that it need not be set.
fn documented<'d>(documents: &'d [SourceFile], variable: &str) -> Option<&'d RepoPath> {
    let says = |line: &str| {
        let line = line.to_ascii_lowercase().replace('-', " ");
        OPTIONAL.iter().any(|word| line.contains(word))
    };
    let found = documents.iter().find(|file| {
        let mut lines = file.text.lines();
        matches!(file.path.extension(), Some("md" | "mdx"))
            && lines.any(|line| line.contains(variable) && says(line))
    });
    found.map(|file| &file.path)
}
