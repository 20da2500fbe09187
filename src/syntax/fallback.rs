//! What can be said of a file that the primary parser refuses.

use crate::source::SourceFile;

use super::{FileFacts, ModuleRecord, Parsed};

/// A record without bodies.
pub(super) fn exports_only(file: &SourceFile, reason: String) -> ModuleRecord {
    ModuleRecord {
        path: file.path.clone(),
        lines: file.lines(),
        parsed: Parsed::ExportsOnly(reason),
        use_client: false,
        use_server: false,
        names: Vec::new(),
        imports: Vec::new(),
        exports: Vec::new(),
        star_exports: Vec::new(),
        requests: Vec::new(),
        exprs: Vec::new(),
        spans: Vec::new(),
        functions: Vec::new(),
        classes: Vec::new(),
        suppressions: super::suppressions(&file.text),
        matches: Vec::new(),
        facts: FileFacts {
            bytes: u32::try_from(file.text.len()).unwrap_or(u32::MAX),
            ..FileFacts::default()
        },
    }
}
