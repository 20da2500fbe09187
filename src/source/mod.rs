//! Paths, text, spans and the repository on disk.
//!
//! Every read and write of the disk happens in this room, so that tests can serve a repository from memory and so that nothing
//! outside the audited root is ever read. It knows nothing of languages, rules or reports.

mod changed;
mod file;
mod named;
mod path;
mod repository;
mod span;
mod walk;
mod work_tree;

pub use changed::{Changes, Earlier, changed_since};
pub use file::{SourceFile, Unreadable};
pub use named::{is_plain_file, read_named, read_report, write_file, write_new_file};
pub use path::RepoPath;
pub use repository::{MAX_FILE_BYTES, Repository, WalkError};
pub use span::{LineIndex, Location, Span};
pub use work_tree::place_in_work_tree;
