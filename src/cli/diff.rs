//! `readiness diff`

use crate::audit::{Which, diff};
use crate::report;
use crate::source::read_report;

use super::args::{DiffArguments, DiffFormat};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::output::to_stdout;

pub(super) fn run(arguments: &DiffArguments, console: Console) -> Result<Exit, Failure> {
    let read = |path: &std::path::Path| {
        read_report(path)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
    };
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let diff = diff(&old, &new).map_err(|(which, error)| {
        let path = match which {
            Which::Old => &arguments.old,
            Which::New => &arguments.new,
        };
        Failure::usage(format!("cannot use {}: {error}", path.display()))
    })?;
    to_stdout(&match arguments.format {
        DiffFormat::Terminal => report::diff_terminal(&diff, console.style()),
        DiffFormat::Json => report::diff_json(&diff),
        DiffFormat::Markdown => report::diff_markdown(&diff),
    })
}
