//! Arguments, progress, colour and exit codes. The only room that prints.

mod args;
mod audit;
mod audited;
mod baseline;
mod console;
mod diff;
mod exit;
mod fault;
mod files;
mod init;
mod mistakes;
mod output;
mod plan;
mod progress;
mod routes;
mod rules;
mod workers;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::rule::RuleSet;
use args::{Arguments, Command};
use console::{Console, complain};
use exit::{Exit, Failure};
use output::to_stdout;
use workers::with_workers;

/// Runs the program on the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors and go to standard output; a closed pipe is none either.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Passed.into()
            };
        }
    };
    let console = Console::new(&arguments.common);
    let place = fault::remember_panics();
    let ended = fault::caught(&place, || run(arguments, console));
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            complain(&failure.text);
            failure.exit.into()
        }
    }
}

fn run(arguments: Arguments, console: Console) -> Result<Exit, Failure> {
    let threads = arguments.common.threads;
    let Some(command) = arguments.command else {
        return to_stdout(&Arguments::command().render_long_help().to_string());
    };
    match command {
        Command::Audit(of) => with_workers(threads, || audit::run(&of, console)),
        Command::Routes(of) => with_workers(threads, || routes::run(&of, console)),
        Command::Plan(of) => with_workers(threads, || plan::run(&of, console)),
        Command::Baseline(of) => with_workers(threads, || baseline::run(&of, console)),
        Command::Diff(of) => diff::run(&of, console),
        Command::Init(of) => with_workers(threads, || init::run(&of, console)),
        Command::Explain(of) => rules::explain(&of, console),
        Command::Rules(of) => rules::list(&of, console),
        Command::Man(of) => man(of.command.as_deref()),
        Command::Completions(of) => {
            let mut script = Vec::new();
            let mut definition = with_rules(Arguments::command());
            clap_complete::generate(of.shell, &mut definition, "readiness", &mut script);
            to_stdout(&String::from_utf8_lossy(&script))
        }
    }
}

/// The command line with the rules' ids wherever one is asked for, which shells then offer.
fn with_rules(definition: clap::Command) -> clap::Command {
    let Ok(rules) = RuleSet::builtin() else {
        return definition;
    };
    let ids: Vec<String> = rules.rules.iter().map(|rule| rule.id.clone()).collect();
    let offer = |argument: clap::Arg| {
        argument.value_parser(clap::builder::PossibleValuesParser::new(ids.clone()))
    };
    definition
        .mut_subcommand("audit", |audit| {
            audit.mut_arg("only", offer).mut_arg("skip", offer)
        })
        .mut_subcommand("explain", |explain| explain.mut_arg("rule", offer))
}

/// One page for the program with all of its commands, or for one of them.
fn man(wanted: Option<&str>) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    let failed = |error| Failure::internal(format!("cannot write the manual page: {error}"));
    let mut definition = Arguments::command();
    // Options that every command takes stand in its own list only once they are handed down.
    definition.build();
    let commands: Vec<clap::Command> = definition
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
        .map(|command| {
            let title = format!("readiness-{}", command.get_name());
            let called = title.replacen('-', " ", 1);
            command.clone().display_name(title).bin_name(called)
        })
        .collect();
    if let Some(wanted) = wanted {
        let command = commands
            .iter()
            .find(|command| command.get_name() == wanted)
            .ok_or_else(|| {
                let names: Vec<&str> = commands.iter().map(clap::Command::get_name).collect();
                Failure::usage(format!(
                    "there is no command `{wanted}`; the commands are {}",
                    names.join(", ")
                ))
            })?;
        clap_mangen::Man::new(command.clone())
            .render(&mut page)
            .map_err(failed)?;
        return to_stdout(&String::from_utf8_lossy(&page));
    }
    clap_mangen::Man::new(Arguments::command())
        .render(&mut page)
        .map_err(failed)?;
    for command in commands {
        let man = clap_mangen::Man::new(command);
        man.render_name_section(&mut page).map_err(failed)?;
        man.render_synopsis_section(&mut page).map_err(failed)?;
        man.render_options_section(&mut page).map_err(failed)?;
    }
    to_stdout(&String::from_utf8_lossy(&page))
}
