//! Reading one file, guarded against hostile input.

use crate::source::SourceFile;

use super::{ModuleRecord, PatternSet};

/// What to look for beside the module's own structure.
#[derive(Clone, Copy, Debug)]
pub struct ParseOptions<'a> {
    /// The patterns of all rules.
    pub patterns: &'a PatternSet,
}

/// Parses `file` and lowers it. Never panics: a file that no parser can read comes back with what could be seen.
#[must_use]
pub fn parse_module(_file: &SourceFile, _options: ParseOptions<'_>) -> ModuleRecord {
    unimplemented!()
}
