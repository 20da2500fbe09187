//! `readiness plan`

use crate::report;

use super::args::{PlanArguments, PlanFormat};
use super::audited::{Asked, Audited};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::output;
use super::progress::Progress;

pub(super) fn run(arguments: &PlanArguments, console: Console) -> Result<Exit, Failure> {
    let target = &arguments.target;
    let mut progress = Progress::new(console);
    let asked = Asked {
        roadmap: arguments.roadmap.as_deref(),
        ..Asked::default()
    };
    let audited = Audited::new(target, asked, console, &mut progress)?;
    let text = audited.report(target, |material| match arguments.format {
        PlanFormat::Markdown => report::plan_markdown(material),
        PlanFormat::Json => report::plan_json(material),
        PlanFormat::Issues => report::plan_issues(material),
    });
    progress.finish(console);
    // The process ends after this, which gives memory back at once; taking the facts apart would take longer.
    std::mem::forget(audited);
    match &arguments.output {
        Some(file) => output::to_file(file, &text),
        None => output::to_stdout(&text),
    }
}
