//! Files that the user names on the command line: a configuration, a roadmap, a report to write. They may lie outside the
//! audited root, which nothing else may.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use super::MAX_FILE_BYTES;

/// The largest report of ours that is read again.
const MAX_REPORT_BYTES: u64 = 512 << 20;

/// Reads a text file that the user named.
///
/// # Errors
/// When it cannot be read, is too large for a file written by hand, or is not UTF-8.
pub fn read_named(path: &Path) -> io::Result<String> {
    read_up_to(
        path,
        MAX_FILE_BYTES,
        "it is larger than any file that was written by hand",
    )
}

/// Reads a report that this program wrote earlier.
///
/// # Errors
/// When it cannot be read, is larger than any report, or is not UTF-8.
pub fn read_report(path: &Path) -> io::Result<String> {
    read_up_to(path, MAX_REPORT_BYTES, "it is larger than any report")
}

fn read_up_to(path: &Path, limit: u64, too_large: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(limit + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(ErrorKind::FileTooLarge, too_large));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// True when a file lies at `path` itself, not behind a symbolic link that a hostile repository could point anywhere.
#[must_use]
pub fn is_plain_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

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
    use super::{read_named, write_file, write_new_file};

    #[test]
    fn a_new_file_never_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("readiness.toml");
        write_new_file(&path, "first").unwrap();
        let error = write_new_file(&path, "second").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(read_named(&path).unwrap(), "first");
        write_file(&path, "\u{feff}third").unwrap();
        assert_eq!(read_named(&path).unwrap(), "third");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("binary.toml");
        std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert_eq!(
            read_named(&path).unwrap_err().to_string(),
            "it is not UTF-8 text"
        );
        assert!(read_named(folder.path()).is_err());
    }
}
