//! How a run ends.

use std::process::ExitCode;

use crate::report::printable;

/// The exit codes, and there are no others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// The gate passed, or there was none.
    Passed = 0,
    /// A finding at or above `--fail-on`, or a score under `--min-score`.
    GateFailed = 1,
    /// Wrong use, or a mistake in the configuration.
    Usage = 2,
    /// Nothing to audit at PATH.
    Nothing = 3,
    /// A fault of this program.
    Internal = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A run that could not be done, with the text for standard error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// `error: …`, or a whole rendered diagnostic.
    pub(super) text: String,
}

impl Failure {
    /// Wrong use. `message` is a sentence fragment that says what to do.
    pub(super) fn usage(message: impl AsRef<str>) -> Self {
        Self::plain(Exit::Usage, message.as_ref())
    }

    /// Nothing to audit.
    pub(super) fn nothing(message: impl AsRef<str>) -> Self {
        Self::plain(Exit::Nothing, message.as_ref())
    }

    /// A fault of this program or of the machine it runs on.
    pub(super) fn internal(message: impl AsRef<str>) -> Self {
        Self::plain(Exit::Internal, message.as_ref())
    }

    fn plain(exit: Exit, message: &str) -> Self {
        // Names from the audited repository may stand in it.
        let lines: Vec<_> = message.lines().map(printable).collect();
        Self {
            exit,
            text: format!("error: {}\n", lines.join("\n")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn a_message_cannot_steer_the_terminal() {
        let failure = Failure::usage("no handler `GET /\x1b[2J`\nreally");
        assert_eq!(
            failure.text,
            "error: no handler `GET /\\u{1b}[2J`\nreally\n"
        );
    }
}
