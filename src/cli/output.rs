//! Where reports go.

use std::io::ErrorKind;
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
    write_file(file, text).map_err(|error| {
        let why = why_not(file, &error);
        Failure::usage(format!("cannot write {}: {why}", file.display()))
    })?;
    Ok(Exit::Passed)
}

/// Why a file could not be written, and what to do.
fn why_not(file: &Path, error: &std::io::Error) -> String {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match (error.kind(), folder) {
        (ErrorKind::NotFound, Some(folder)) => format!(
            "there is no folder {}; create it, or name a file elsewhere",
            folder.display()
        ),
        (ErrorKind::IsADirectory, _) => String::from("it is a folder; name a file in it"),
        (ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem, _) => {
            format!("{error}; name a file where you may write")
        }
        _ => error.to_string(),
    }
}
