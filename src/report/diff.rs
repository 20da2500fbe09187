//! Two audits side by side.

use crate::audit::{Accepted, AppDiff, Comparison, Diff, Score};

use super::bar::ink_or_faint;
use super::json::pretty;
use super::markdown::{escape, prose};
use super::material::{sentence, told};
use super::page::{Ink, Line, Page, Style};
use super::terminal::severity_ink;
use super::text::count;

/// Findings shown of each kind.
const SHOWN: usize = 10;

/// How an audit stands against a baseline: `3 new · 0 worse · 40 known · 2 fixed`.
pub(super) fn standing(comparison: &Comparison) -> String {
    let mut text = format!(
        "{} new · {} worse · {} known · {} fixed",
        comparison.new,
        comparison.worse,
        comparison.known,
        comparison.fixed.len()
    );
    if !comparison.unproven.is_empty() {
        text.push_str(&format!(
            " · {} {NO_LONGER_KNOWN}",
            comparison.unproven.len()
        ));
    }
    text
}

/// The first kinds are told even when there are none: new, worse, fixed.
const ALWAYS_TOLD: usize = 3;

/// What became of a finding that can be neither seen nor ruled out any more.
pub(super) const NO_LONGER_KNOWN: &str = "no longer known";

/// The comparison as JSON, `readiness/diff/1`, indented, with a line end behind it.
#[must_use]
pub fn diff_json(diff: &Diff) -> String {
    pretty(diff)
}

/// The comparison as text for a terminal.
#[must_use]
pub fn diff_terminal(diff: &Diff, style: Style) -> String {
    let mut page = Page::new(style);
    if diff.apps.is_empty() {
        page.line(Line::of(Ink::Plain, "neither report has an application"));
    }
    for warning in &diff.warnings {
        page.paragraph(0, Ink::Fair, &sentence(warning));
    }
    for app in &diff.apps {
        page.heading(&app.name, &app.root);
        page.line(scores(app));
        let kinds = [
            ("new", Ink::Bad, &app.appeared),
            ("worse", Ink::Bad, &app.worse),
            ("fixed", Ink::Good, &app.fixed),
            ("suppressed since", Ink::Fair, &app.suppressed),
            (NO_LONGER_KNOWN, Ink::Fair, &app.unproven),
        ];
        let mut tally: Vec<String> = kinds
            .iter()
            .enumerate()
            .filter(|(at, (_, _, findings))| *at < ALWAYS_TOLD || !findings.is_empty())
            .map(|(_, kind)| kind)
            .map(|(word, _, findings)| format!("{} {word}", findings.len()))
            .collect();
        tally.push(format!("{} unchanged", app.unchanged));
        page.enumeration(2, Ink::Faint, &tally);
        for (word, ink, findings) in kinds {
            list(&mut page, word, ink, findings);
        }
    }
    page.finish()
}

fn scores(app: &AppDiff) -> Line {
    let line = Line::of(Ink::Plain, "  ").with(Ink::Strong, "score ");
    match (app.old, app.new) {
        (Some(old), Some(new)) => line
            .with(ink_or_faint(old.score), &shown(old))
            .with(Ink::Faint, " → ")
            .with(ink_or_faint(new.score), &shown(new))
            .with(Ink::Faint, &format!("  {}", change(old, new))),
        (None, Some(new)) => line
            .with(ink_or_faint(new.score), &shown(new))
            .with(Ink::Faint, "  a new application"),
        (Some(old), None) => line
            .with(ink_or_faint(old.score), &shown(old))
            .with(Ink::Faint, "  the application is gone"),
        (None, None) => line,
    }
}

fn shown(score: Score) -> String {
    match (score.score, score.grade) {
        (Some(score), Some(grade)) => format!("{score:.1} {grade}"),
        _ => String::from("not judged"),
    }
}

/// `+3.5`, `-2.0`, `±0`
fn change(old: Score, new: Score) -> String {
    let (Some(old), Some(new)) = (old.score, new.score) else {
        return String::from("cannot be compared");
    };
    let change = new - old;
    if change.abs() < 0.05 {
        String::from("±0")
    } else {
        format!("{change:+.1}")
    }
}

fn list(page: &mut Page, word: &str, ink: Ink, findings: &[Accepted]) {
    if findings.is_empty() {
        return;
    }
    page.blank();
    page.line(Line::of(Ink::Plain, "  ").with(ink, word));
    let shown = if page.lists_all() || findings.len() == SHOWN + 1 {
        findings.len()
    } else {
        SHOWN
    };
    for finding in findings.iter().take(shown) {
        let mut line = Line::of(Ink::Plain, "    ");
        line.push(severity_ink(finding.severity), finding.severity.word());
        line.pad_to(14);
        line.push(Ink::Strong, &finding.rule);
        line.push(Ink::Faint, &format!("  {}", finding.file));
        page.line(line);
        page.paragraph(
            14,
            Ink::Plain,
            &told(&finding.message, finding.route.as_deref()),
        );
    }
    let hidden = findings.len().saturating_sub(shown);
    if hidden > 0 {
        page.line(Line::of(Ink::Faint, &format!("    and {hidden} more")));
    }
}

/// The comparison as Markdown, for a comment on a pull request.
#[must_use]
pub fn diff_markdown(diff: &Diff) -> String {
    let mut text = String::new();
    for warning in &diff.warnings {
        text.push_str(&format!("> {}\n\n", escape(&sentence(warning))));
    }
    for app in &diff.apps {
        text.push_str(&format!("### {}\n\n", escape(&app.name)));
        let line = match (app.old, app.new) {
            (Some(old), Some(new)) => format!(
                "Score {} → **{}** ({})",
                shown(old),
                shown(new),
                change(old, new)
            ),
            (None, Some(new)) => format!("Score **{}**, a new application", shown(new)),
            (Some(old), None) => format!("Score {}, the application is gone", shown(old)),
            (None, None) => String::new(),
        };
        text.push_str(&format!(
            "{line} · {} new · {} worse · {} fixed",
            app.appeared.len(),
            app.worse.len(),
            app.fixed.len(),
        ));
        for (word, findings) in [
            ("suppressed since", &app.suppressed),
            (NO_LONGER_KNOWN, &app.unproven),
        ] {
            if !findings.is_empty() {
                text.push_str(&format!(" · {} {word}", findings.len()));
            }
        }
        text.push_str(&format!(" · {} unchanged\n", app.unchanged));
        for (title, findings) in [
            ("New", &app.appeared),
            ("Worse", &app.worse),
            ("Fixed", &app.fixed),
            ("Suppressed since", &app.suppressed),
            ("No longer known", &app.unproven),
        ] {
            if findings.is_empty() {
                continue;
            }
            text.push_str(&format!(
                "\n**{title}: {}**\n\n",
                count(findings.len(), "gap")
            ));
            for finding in findings.iter().take(SHOWN * 2) {
                text.push_str(&format!(
                    "- **{}** {} (`{}`, {})\n",
                    finding.severity.word(),
                    prose(&told(&finding.message, finding.route.as_deref())),
                    finding.rule,
                    super::markdown::code(&finding.file)
                ));
            }
            if findings.len() > SHOWN * 2 {
                text.push_str(&format!("- and {} more\n", findings.len() - SHOWN * 2));
            }
        }
        text.push('\n');
    }
    text
}
