//! The audit as JSON, `readiness/audit/1`.

use serde::Serialize;

use crate::audit::Audit;

/// The audit as JSON, indented, with a line end behind it. Field order is that of [`Audit`].
#[must_use]
pub fn json(audit: &Audit) -> String {
    pretty(audit)
}

/// Any report as JSON.
pub(super) fn pretty(value: &impl Serialize) -> String {
    // Our report types have string keys and no fallible serialisers, so this cannot fail on any value of theirs.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
