//! The one place that writes to the disk: reports and a new configuration, where the user asks for them.

use std::io::{self, Write};
use std::path::Path;

/// Writes `text` to `path`, in place of what was there.
///
/// # Errors
/// When the file cannot be written.
pub fn write_file(path: &Path, text: &str) -> io::Result<()> {
    std::fs::write(path, text)
}

/// Writes `text` to `path` when nothing is there yet.
///
/// # Errors
/// `AlreadyExists`, and when the file cannot be written.
pub fn write_new_file(path: &Path, text: &str) -> io::Result<()> {
    std::fs::File::create_new(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{write_file, write_new_file};

    #[test]
    fn a_new_file_never_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("readiness.toml");
        write_new_file(&path, "first").unwrap();
        let error = write_new_file(&path, "second").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        write_file(&path, "third").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "third");
    }
}
