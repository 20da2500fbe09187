//! How a run ends.

use std::process::ExitCode;

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
        Self {
            exit,
            text: format!("error: {message}\n"),
        }
    }
}
