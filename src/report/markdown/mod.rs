//! The audit as a document: what teams write by hand before a launch, with every number from the code.

mod appendix;
mod sections;
mod write;

pub(super) use write::{code, escape, prose};

use crate::audit::{AppAudit, Audit};
use crate::finding::Finding;

use super::diff::{NO_LONGER_KNOWN, standing};
use super::material::{Material, told};
use super::terminal::tally;
use super::text::{count, graded, hours, whole};
use super::work::items_done;
use sections::Section;
use write::Document;

/// What to do about a task, and where.
pub(super) fn task_text(task: &super::work::Task<'_>) -> String {
    let mut document = Document::default();
    sections::task_detail(&mut document, task);
    document.finish()
}

/// Gaps that the short form names of one application. Of many it names fewer of each: a comment has 65,536 characters.
const GAPS_IN_SUMMARY: usize = 12;

/// The audit as one Markdown document.
#[must_use]
pub fn markdown(material: &Material<'_>) -> String {
    let audit = material.audit;
    let mut document = Document::default();
    match &audit.apps[..] {
        [app] => {
            document.heading(1, &format!("Production readiness: {}", escape(name(app))));
            made_by(&mut document, audit);
            Section::new(material, app, 2).all(&mut document);
        }
        apps => {
            document.heading(1, "Production readiness");
            made_by(&mut document, audit);
            overview(&mut document, apps);
            for app in apps {
                document.heading(2, &format!("{} ({})", escape(name(app)), code(place(app))));
                Section::new(material, app, 3).all(&mut document);
            }
        }
    }
    ratchet(&mut document, audit);
    not_examined(&mut document, audit);
    document.finish()
}

/// What is new against the baseline or touched by a change, in the whole document.
fn ratchet(document: &mut Document, audit: &Audit) {
    let findings = || audit.apps.iter().flat_map(|app| &app.findings);
    if findings().all(|each| each.standing.is_none()) {
        return;
    }
    let told: Vec<&Finding> = findings().filter(|each| !each.is_known()).collect();
    let what = match audit.comparison {
        Some(_) => "Against the baseline",
        None => "What the change touches",
    };
    document.heading(2, what);
    against_baseline(document, audit);
    if told.is_empty() {
        document.paragraph("No gap counts.");
    }
    gap_table(document, &told);
}

/// How the audit stands against the baseline, and what is there no more.
fn against_baseline(document: &mut Document, audit: &Audit) {
    let Some(comparison) = &audit.comparison else {
        return;
    };
    document.paragraph(&format!("Against the baseline: {}.", standing(comparison)));
    for (word, findings) in [
        ("fixed", &comparison.fixed),
        (NO_LONGER_KNOWN, &comparison.unproven),
    ] {
        for each in findings.iter().take(GAPS_IN_SUMMARY) {
            let gap = prose(&told(&each.message, each.route.as_deref()));
            document.item(0, &format!("{word}: {gap} ({})", code(&each.file)));
        }
    }
}

fn gap_table(document: &mut Document, findings: &[&Finding]) {
    let rows = findings.iter().map(|finding| {
        vec![
            finding.severity.word().to_owned(),
            gap_text(finding),
            code(&finding.rule),
            code(&finding.location.to_string()),
        ]
    });
    document.table(&["", "Gap", "Rule", "Where"], &rows.collect::<Vec<_>>());
}

/// The audit as a comment on a pull request or the summary of a job.
#[must_use]
pub fn markdown_summary(material: &Material<'_>) -> String {
    let audit = material.audit;
    let mut document = Document::default();
    for app in &audit.apps {
        let mut title = format!(
            "Production readiness of {}: {}",
            escape(name(app)),
            graded(app)
        );
        if !app.root.is_root() {
            title.push_str(&format!(" ({})", code(place(app))));
        }
        document.heading(2, &title);
        let shown = (3 * GAPS_IN_SUMMARY / audit.apps.len()).clamp(3, GAPS_IN_SUMMARY);
        summary(&mut document, app, shown, audit.comparison.is_some());
    }
    against_baseline(&mut document, audit);
    if !audit.not_examined.is_empty() {
        document.paragraph(&format!(
            "{} could not be examined.",
            count(audit.not_examined.len(), "place")
        ));
    }
    document.finish()
}

/// `compared`: against a baseline; what stands out without one is what a change touches.
fn summary(document: &mut Document, app: &AppAudit, shown: usize, compared: bool) {
    let phases = app.phases.iter().enumerate().map(|(at, phase)| {
        let (done, asked) = items_done(phase);
        vec![
            format!("{}. {}", at + 1, escape(&phase.title)),
            score_cell(phase.score),
            format!("{done} of {asked}"),
            hours(phase.hours_open),
        ]
    });
    let head = ["Phase", "Score", "Items done", "Left"];
    let mut rows: Vec<Vec<String>> = phases.collect();
    if !app.outside.items.is_empty() {
        let outside = &app.outside;
        let left = hours(outside.hours_open);
        rows.push(vec![
            escape(&outside.title),
            String::new(),
            String::new(),
            left,
        ]);
    }
    document.table(&head, &rows);
    let told: Vec<&Finding> = app
        .findings
        .iter()
        .filter(|each| !each.is_known())
        .collect();
    let ratchet = app.findings.iter().any(|each| each.standing.is_some());
    let (new, touched) = match (ratchet, compared) {
        (false, _) => ("", ""),
        (true, true) => ("new ", ""),
        (true, false) => ("", " that the change touches"),
    };
    if told.is_empty() {
        document.paragraph(&format!("No {new}gaps{touched}."));
        return;
    }
    document.paragraph(&format!(
        "**{}**{touched}: {}",
        count(told.len(), &format!("{new}gap")),
        tally(&told)
    ));
    let first: Vec<&Finding> = told.iter().take(shown).copied().collect();
    gap_table(document, &first);
    let more = told.len().saturating_sub(shown);
    if more > 0 {
        document.paragraph(&format!("and {more} more"));
    }
}

/// What is wrong, with the handler when the message does not name it.
fn gap_text(finding: &Finding) -> String {
    let mut text = prose(&told(&finding.message, finding.route.as_deref()));
    if finding.confidence == crate::rule::Confidence::Low {
        text.push_str(" (likely)");
    }
    text
}

fn made_by(document: &mut Document, audit: &Audit) {
    document.paragraph(&format!(
        "Made by {} {} from the code of {}. Every number is counted, and every claim names its lines; what the code cannot say \
         is listed as to be attested.",
        audit.tool.name,
        audit.tool.version,
        code(&audit.root)
    ));
}

fn overview(document: &mut Document, apps: &[AppAudit]) {
    let rows = apps.iter().map(|app| {
        let told: Vec<&Finding> = app.findings.iter().collect();
        vec![
            escape(name(app)),
            code(place(app)),
            score_cell(app.score),
            app.grade.map_or_else(String::new, String::from),
            tally(&told),
            hours(app.phases.iter().map(|phase| phase.hours_open).sum()),
        ]
    });
    document.table(
        &["Application", "Folder", "Score", "Grade", "Gaps", "Left"],
        &rows.collect::<Vec<_>>(),
    );
}

fn not_examined(document: &mut Document, audit: &Audit) {
    if !audit.not_examined.is_empty() {
        document.heading(2, "Not examined");
        document.paragraph("What they hold is unknown.");
        for file in &audit.not_examined {
            document.item(
                0,
                &format!("{}: {}", code(file.path.as_str()), escape(&file.reason)),
            );
        }
    }
    if !audit.not_evaluated.is_empty() {
        document.heading(2, "Rules without an answer");
        for each in &audit.not_evaluated {
            document.item(
                0,
                &format!("{}: {}", code(&each.rule), escape(&each.reason)),
            );
        }
    }
    if !audit.stale_suppressions.is_empty() {
        document.heading(2, "Suppressions that do nothing");
        for each in &audit.stale_suppressions {
            let place = each.location.to_string();
            document.item(
                0,
                &format!(
                    "{} {}: {}",
                    code(&place),
                    code(&each.rule),
                    prose(&each.problem)
                ),
            );
        }
    }
}

fn name(app: &AppAudit) -> &str {
    if app.name.is_empty() {
        place(app)
    } else {
        &app.name
    }
}

fn place(app: &AppAudit) -> &str {
    if app.root.is_root() {
        "."
    } else {
        app.root.as_str()
    }
}

fn score_cell(score: Option<f64>) -> String {
    score.map_or_else(|| String::from("–"), whole)
}
