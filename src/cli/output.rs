//! Where reports go.

use std::path::Path;

use crate::source::write_file;

use super::console::say;
use super::exit::{Exit, Failure};

/// Writes a report to standard output.
pub(super) fn to_stdout(text: &str) -> Result<Exit, Failure> {
    say(text)
        .map_err(|error| Failure::internal(format!("cannot write to standard output: {error}")))?;
    Ok(Exit::Passed)
}

/// Writes a report to a file that the user named.
pub(super) fn to_file(file: &Path, text: &str) -> Result<Exit, Failure> {
    write_file(file, text)
        .map_err(|error| Failure::usage(format!("cannot write {}: {error}", file.display())))?;
    Ok(Exit::Passed)
}
