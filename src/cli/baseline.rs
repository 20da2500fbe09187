//! `readiness baseline` and what `audit` makes of one.

use std::path::Path;

use crate::audit::{Audit, Baseline};
use crate::source::read_report;

use super::args::BaselineArguments;
use super::audited::{Asked, Audited};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::output;
use super::progress::Progress;

/// The file's name when none is given.
const FILE: &str = "readiness-baseline.json";

pub(super) fn run(arguments: &BaselineArguments, console: Console) -> Result<Exit, Failure> {
    let target = &arguments.target;
    let file = match &arguments.output {
        Some(file) => file.clone(),
        None => target.path.join(FILE),
    };
    let before = match (arguments.prune, read_report(&file)) {
        (false, Err(_)) => None,
        (_, Ok(text)) => Some(parse(&file, &text)?),
        (true, Err(error)) => return Err(unreadable(&file, &error)),
    };
    let mut progress = Progress::new(console);
    let mut audited = Audited::new(target, Asked::default(), console, &mut progress)?;
    progress.finish(console);
    let (audit, options) = (&mut audited.audit, &audited.options);
    let mut moved = Vec::new();
    if let Some(before) = &before {
        warn(before, audit, &file, console);
        moved = audit.hold_against(before, options, &audited.workspace.repository);
    }
    let comparison = audit.comparison.clone().unwrap_or_default();
    let fixed = comparison.fixed.len();
    let mut baseline = match before {
        Some(mut before) if arguments.prune => {
            before.prune(&comparison.fixed, &moved);
            before
        }
        // What was not looked at stays accepted.
        Some(before) if options.app.is_some() => {
            let mut baseline = Baseline::of(audit);
            baseline.keep_other_apps(before, audit);
            baseline
        }
        _ => Baseline::of(audit),
    };
    if !arguments.prune {
        baseline.keep(&comparison.unproven);
    }
    output::to_file(&file, &baseline.text())?;
    let accepted = baseline.findings.len();
    let noun = if accepted == 1 { "finding" } else { "findings" };
    let mut said = format!("{}: {accepted} {noun} accepted", file.display());
    if audit.comparison.is_some() {
        if !arguments.prune {
            said.push_str(&format!(
                ", {} of them new",
                comparison.new + comparison.worse
            ));
        }
        said.push_str(&format!("; {fixed} fixed and taken out"));
        if !comparison.unproven.is_empty() {
            said.push_str(&format!(
                "; {} no longer known and kept",
                comparison.unproven.len()
            ));
        }
    }
    console.note(&said);
    std::mem::forget(audited);
    Ok(Exit::Passed)
}

/// Holds the audit against the file that `--baseline` names.
pub(super) fn hold(audited: &mut Audited, file: &Path, console: Console) -> Result<(), Failure> {
    let (audit, repository) = (&mut audited.audit, &audited.workspace.repository);
    let text = read_report(file).map_err(|error| unreadable(file, &error))?;
    let baseline = parse(file, &text)?;
    warn(&baseline, audit, file, console);
    audit.hold_against(&baseline, &audited.options, repository);
    Ok(())
}

/// Says when the baseline is one of another roadmap, whose rules are others.
fn warn(baseline: &Baseline, audit: &Audit, file: &Path, console: Console) {
    if let Some((then, now)) = baseline.other_roadmap(audit) {
        console.note(&format!(
            "{} was written by the roadmap {then}, and this audit follows {now}; gaps of rules that only {now} lists show as new",
            file.display()
        ));
    }
}

fn parse(file: &Path, text: &str) -> Result<Baseline, Failure> {
    Baseline::parse(text)
        .map_err(|error| Failure::usage(format!("cannot use {}: {error}", file.display())))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!(
        "cannot read baseline {}: {error}; `readiness baseline` writes one",
        file.display()
    ))
}
