//! Findings as workflow commands of GitHub Actions, which show them on the lines of a pull request.

use std::fmt::Write;

use crate::finding::Finding;
use crate::rule::{Confidence, Severity};

use super::material::{Material, sentence, told};
use super::text::{count, one_line, printable};

/// GitHub keeps no more of each kind from one step.
const SHOWN: usize = 10;

/// The worst findings as annotations.
#[must_use]
pub fn github(material: &Material<'_>) -> String {
    let mut text = String::new();
    let mut found: Vec<&Finding> = material
        .audit
        .apps
        .iter()
        .flat_map(|app| &app.findings)
        .filter(|finding| !finding.is_known())
        .collect();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut hidden = 0;
    for (kind, room) in [("error", SHOWN), ("warning", SHOWN), ("notice", SHOWN - 1)] {
        let mine = || found.iter().filter(|finding| self::kind(finding) == kind);
        for finding in mine().take(room) {
            annotation(&mut text, material, kind, finding);
        }
        hidden += mine().count().saturating_sub(room);
    }
    if hidden > 0 {
        let _ = writeln!(
            text,
            "::notice title=readiness::and {}, which GitHub would not show here; see the job's summary or the SARIF report",
            count(hidden, "gap")
        );
    }
    text
}

/// What is only likely is never an error.
fn kind(finding: &Finding) -> &'static str {
    match (finding.severity, finding.confidence) {
        (Severity::Critical | Severity::High, Confidence::High) => "error",
        (Severity::Critical | Severity::High, Confidence::Low) | (Severity::Medium, _) => "warning",
        (Severity::Low, _) => "notice",
    }
}

fn annotation(text: &mut String, material: &Material<'_>, kind: &str, finding: &Finding) {
    let message = sentence(&told(&finding.message, finding.route.as_deref()));
    let fix = sentence(&one_line(&finding.fix));
    let path = material.path(&finding.location.file);
    let _ = writeln!(
        text,
        "::{kind} file={},line={},title={}::{}",
        property(path.as_str()),
        finding.location.line,
        property(&format!(
            "{} ({}{})",
            finding.rule,
            finding.severity.word(),
            match finding.confidence {
                Confidence::High => "",
                Confidence::Low => ", only likely",
            }
        )),
        data(&format!("{message} {fix}"))
    );
}

/// Text behind the second pair of colons.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
