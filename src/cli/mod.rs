//! Arguments, progress, colour and exit codes. The only room that prints.

mod args;
mod console;
mod exit;
mod fault;
#[expect(dead_code, reason = "the commands that use it follow")]
mod progress;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Arguments, Command};
use console::{Console, complain, say};
use exit::{Exit, Failure};

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
    let ended = fault::caught(|| run(arguments, console));
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            complain(&failure.text);
            failure.exit.into()
        }
    }
}

fn run(arguments: Arguments, _console: Console) -> Result<Exit, Failure> {
    let Some(command) = arguments.command else {
        let help = Arguments::command().render_long_help();
        return print(&help.to_string());
    };
    match command {
        Command::Completions(of) => {
            let mut script = Vec::new();
            clap_complete::generate(
                of.shell,
                &mut Arguments::command(),
                "readiness",
                &mut script,
            );
            print(&String::from_utf8_lossy(&script))
        }
        _ => Err(Failure::internal("not wired yet")),
    }
}

/// Writes a report to standard output.
fn print(text: &str) -> Result<Exit, Failure> {
    say(text)
        .map_err(|error| Failure::internal(format!("cannot write to standard output: {error}")))?;
    Ok(Exit::Passed)
}
