//! The audit as a code quality report of GitLab.

use serde::Serialize;

use crate::rule::Severity;

use super::json::pretty;
use super::material::{Material, sentence, told};

#[derive(Serialize)]
struct Entry<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Place,
}

#[derive(Serialize)]
struct Place {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// The open findings as GitLab's code quality reads them.
#[must_use]
pub fn gitlab(material: &Material<'_>) -> String {
    let found = material.audit.apps.iter().flat_map(|app| &app.findings);
    let entries: Vec<Entry<'_>> = found
        .map(|finding| Entry {
            description: sentence(&told(&finding.message, finding.route.as_deref())),
            check_name: &finding.rule,
            fingerprint: &finding.fingerprint,
            severity: match finding.severity {
                Severity::Critical => "critical",
                Severity::High => "major",
                Severity::Medium => "minor",
                Severity::Low => "info",
            },
            location: Place {
                path: material.path(&finding.location.file).as_str().to_owned(),
                lines: Lines {
                    begin: finding.location.line,
                },
            },
        })
        .collect();
    pretty(&entries)
}
