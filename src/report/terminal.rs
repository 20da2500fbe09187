//! The audit for people: what was found, how it scores, what is missing worst, and what to run next.

use crate::audit::{Accepted, AppAudit, Audit, Item, ItemState};
use crate::finding::Finding;
use crate::rule::{Confidence, Severity};

use super::bar::{bar, bar_or_dash, ink_or_faint, share};
use super::diff::{NO_LONGER_KNOWN, standing};
use super::material::{by_severity, grouped, told};
use super::page::{Block, Column, Ink, Line, Page, Style};
use super::text::{GLUE, NOT_JUDGED, count, hours, whole};
use super::work::{covered, hours_left, items_done, state_word};

/// Rules whose findings are shown, worst first; the others are named.
const RULES_SHOWN: usize = 8;
/// Findings shown of each of them.
const FINDINGS_SHOWN: usize = 3;
/// Files shown that could not be examined.
const FILES_SHOWN: usize = 5;

/// The audit as text for a terminal.
#[must_use]
pub fn terminal(audit: &Audit, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(Line::of(Ink::Strong, audit.tool.name).with(
        Ink::Faint,
        &format!(" {} · {}", audit.tool.version, audit.root),
    ));
    if audit.apps.len() > 1 {
        overview(&mut page, audit);
    }
    for app in &audit.apps {
        application(&mut page, app, audit.comparison.is_some());
    }
    comparison(&mut page, audit);
    not_examined(&mut page, audit);
    not_evaluated(&mut page, audit);
    stale(&mut page, audit);
    next(&mut page, audit);
    page.finish()
}

fn overview(page: &mut Page, audit: &Audit) {
    page.heading(&count(audit.apps.len(), "application"), "");
    let narrow = page.is_narrow();
    let mut blocks = Vec::new();
    for app in &audit.apps {
        let facts = [
            bar_or_dash(app.score, 10),
            Line::of(ink_or_faint(app.score), &score_text(app.score)),
            Line::of(
                ink_or_faint(app.score),
                &app.grade.map_or_else(String::new, String::from),
            ),
            Line::of(Ink::Plain, &count(gaps(app), "gap")),
            Line::of(Ink::Faint, &hours(hours_left(app).0)),
        ];
        if narrow {
            let line = Line::of(Ink::Plain, &format!("  {}  ", app.name));
            blocks.push(Block::Hanging(
                ENTRY_INDENT,
                line.with(Ink::Faint, place(app)),
            ));
            blocks.push(Block::Row(facts.into()));
        } else {
            let head = [
                Line::of(Ink::Plain, &app.name),
                Line::of(Ink::Faint, place(app)),
            ];
            blocks.push(Block::Row(head.into_iter().chain(facts).collect()));
        }
    }
    let facts = [
        Column::LEFT,
        Column::RIGHT,
        Column::LEFT,
        Column::RIGHT,
        Column::RIGHT,
    ];
    if narrow {
        page.aligned(ENTRY_INDENT, &facts, blocks);
    } else {
        let columns: Vec<Column> = [Column::PATH; 2].into_iter().chain(facts).collect();
        page.aligned(2, &columns, blocks);
    }
}

/// `87`, or a dash.
fn score_text(score: Option<f64>) -> String {
    score.map_or_else(|| String::from("–"), whole)
}

fn place(app: &AppAudit) -> &str {
    if app.root.is_root() {
        "."
    } else {
        app.root.as_str()
    }
}

fn gaps(app: &AppAudit) -> usize {
    app.findings.len()
}

fn application(page: &mut Page, app: &AppAudit, compared: bool) {
    let folder = if app.root.is_root() {
        ""
    } else {
        app.root.as_str()
    };
    page.heading(&app.name, folder);
    let stack: Vec<String> = app
        .stack
        .iter()
        .map(|entry| {
            format!("{} {}", entry.name, entry.version)
                .trim()
                .to_owned()
        })
        .collect();
    if stack.is_empty() {
        let version = app.version.as_deref().unwrap_or("");
        page.paragraph(2, Ink::Plain, &format!("{} {version}", app.framework));
    } else {
        page.enumeration(2, Ink::Plain, &stack);
    }
    let metrics: Vec<String> = app
        .metrics
        .iter()
        .filter(|metric| metric.is_telling())
        .map(|metric| format!("{} {}", metric.name, metric.value))
        .collect();
    page.enumeration(2, Ink::Faint, &metrics);
    page.blank();
    let ink = ink_or_faint(app.score);
    let mut line = Line::of(Ink::Plain, "  ");
    line.push(Ink::Strong, "score ");
    if let (Some(score), Some(grade)) = (app.score, app.grade) {
        line.push(ink, &whole(score));
        line.push(Ink::Faint, " of 100, grade ");
        line.push(ink, &grade.to_string());
    } else {
        line.push(ink, NOT_JUDGED);
    }
    let (planned, outside) = hours_left(app);
    let mut open = format!(
        "{} · {} left by roadmap {}",
        count(gaps(app), "gap"),
        hours(planned),
        app.roadmap
    );
    if outside > 0.0 {
        open.push_str(&format!(", {} outside it", hours(outside)));
    }
    if line.width() + 3 + open.chars().count() <= page.width() {
        page.line(line.with(Ink::Faint, &format!(" · {open}")));
    } else {
        page.line(line);
        page.paragraph(2, Ink::Faint, &open);
    }
    phases(page, app);
    coverage(page, app);
    findings(page, app, compared);
    if !app.suppressed.is_empty() {
        page.blank();
        page.paragraph(
            2,
            Ink::Faint,
            &format!(
                "{} suppressed with a reason",
                count(app.suppressed.len(), "finding")
            ),
        );
    }
}

fn phases(page: &mut Page, app: &AppAudit) {
    if app.phases.is_empty() {
        return;
    }
    page.heading("Phases", "");
    let outside = Some(&app.outside).filter(|phase| !phase.items.is_empty());
    let mut blocks = Vec::new();
    for (at, phase) in app.phases.iter().chain(outside).enumerate() {
        let open: usize = phase.items.iter().map(|item| item.gaps).sum();
        let (done, asked) = items_done(phase);
        // What the roadmap does not list has no number and no score, and nothing of it is done.
        let outside = at >= app.phases.len();
        let told = |text: String| if outside { String::new() } else { text };
        let head = [
            Line::of(Ink::Faint, &told(format!("{}", at + 1))),
            Line::of(Ink::Plain, &phase.title),
        ];
        let facts = [
            if outside {
                Line::of(Ink::Plain, "")
            } else {
                bar_or_dash(phase.score, 10)
            },
            Line::of(ink_or_faint(phase.score), &told(score_text(phase.score))),
            Line::of(Ink::Plain, &told(format!("{done}/{asked} done"))),
            Line::of(Ink::Plain, &count(open, "gap")),
            Line::of(Ink::Faint, &hours(phase.hours_open)),
        ];
        entry(page, &mut blocks, head, facts);
    }
    let columns = [
        Column::LEFT,
        Column::RIGHT,
        Column::RIGHT,
        Column::RIGHT,
        Column::RIGHT,
    ];
    entries(page, Column::RIGHT, &columns, blocks);
    if page.lists_all() {
        let mut blocks = Vec::new();
        for phase in app.phases.iter().chain(outside) {
            blocks.push(Block::Heading(phase.title.clone(), "checks passed"));
            for item in &phase.items {
                self::item(page, &mut blocks, item);
            }
        }
        let columns = [
            Column::LEFT,
            Column::LEFT,
            Column::RIGHT,
            Column::LEFT,
            Column::RIGHT,
        ];
        entries(page, Column::LEFT, &columns, blocks);
    }
}

fn item(page: &Page, blocks: &mut Vec<Block>, item: &Item) {
    let (ink, mark) = match item.state {
        ItemState::Done => (Ink::Good, "●"),
        ItemState::Likely => (Ink::Fair, "◐"),
        ItemState::Open => (Ink::Bad, "○"),
        ItemState::Unattested => (Ink::Fair, "◌"),
        ItemState::NotApplicable => (Ink::Faint, "–"),
        ItemState::Unknown => (Ink::Fair, "?"),
    };
    let head = [Line::of(ink, mark), Line::of(Ink::Plain, &item.title)];
    let facts = [
        Line::of(severity_ink(item.priority), item.priority.word()),
        Line::of(ink, state_word(item)),
        Line::of(Ink::Plain, &covered(item)),
        Line::of(Ink::Faint, item.owner.as_deref().unwrap_or("")),
        Line::of(Ink::Faint, &hours(item.effort_hours)),
    ];
    entry(page, blocks, head, facts);
}

/// A number or mark, a title, and facts about it: side by side, or on a narrow page the facts below.
fn entry(page: &Page, blocks: &mut Vec<Block>, head: [Line; 2], facts: [Line; 5]) {
    if page.is_narrow() {
        let [mark, title] = head;
        let mut line = Line::of(Ink::Plain, "  ");
        if mark.width() > 0 {
            line.append(mark);
            line.pad_to(ENTRY_INDENT);
        }
        line.append(title);
        blocks.push(Block::Hanging(ENTRY_INDENT, line));
        blocks.push(Block::Row(facts.into()));
    } else {
        blocks.push(Block::Row(head.into_iter().chain(facts).collect()));
    }
}

/// Where the facts below a title stand.
const ENTRY_INDENT: usize = 5;

/// Writes entries: `mark` is the column of their numbers or marks, `facts` those behind their titles.
fn entries(page: &mut Page, mark: Column, facts: &[Column], blocks: Vec<Block>) {
    if page.is_narrow() {
        page.aligned(ENTRY_INDENT, facts, blocks);
    } else {
        let columns: Vec<Column> = [mark, Column::SENTENCE]
            .iter()
            .chain(facts)
            .copied()
            .collect();
        page.aligned(2, &columns, blocks);
    }
}

fn coverage(page: &mut Page, app: &AppAudit) {
    // An application without handlers has nothing to cover.
    if !has_handlers(app) {
        return;
    }
    page.heading("Coverage", "handlers that each control provably reaches");
    let rows = app.coverage.iter().map(|each| {
        let mut remarks = Vec::new();
        if each.partial > 0 {
            remarks.push(format!("{} partly", each.partial));
        }
        if each.unknown > 0 {
            remarks.push(format!("{} unknown", each.unknown));
        }
        let score = share(each.covered, each.total);
        let drawn = if each.total == 0 {
            Line::of(Ink::Faint, "–")
        } else {
            bar(score, 10)
        };
        vec![
            Line::of(Ink::Plain, &each.control.replace('_', " ")),
            drawn,
            Line::of(Ink::Plain, &format!("{}/{}", each.covered, each.total)),
            Line::of(Ink::Faint, &remarks.join(", ")),
        ]
    });
    let columns = [Column::LEFT, Column::LEFT, Column::RIGHT, Column::SENTENCE];
    page.table(2, &columns, rows.collect());
}

fn has_handlers(app: &AppAudit) -> bool {
    app.coverage.iter().any(|each| each.total > 0)
}

/// `compared`: against a baseline; what stands out without one is what a change touches.
fn findings(page: &mut Page, app: &AppAudit, compared: bool) {
    if app.findings.is_empty() {
        page.heading("Gaps", "none found");
        return;
    }
    let all = page.lists_all();
    // What is known already is counted only.
    let told: Vec<&Finding> = app
        .findings
        .iter()
        .filter(|finding| all || !finding.is_known())
        .collect();
    let known = app.findings.len() - told.len();
    let ratchet = app
        .findings
        .iter()
        .any(|finding| finding.standing.is_some());
    let (title, others) = match (ratchet, compared) {
        (false, _) => ("Gaps", ""),
        (true, true) => ("New gaps", "known gap"),
        (true, false) => ("Gaps that the change touches", "other gap"),
    };
    if told.is_empty() {
        page.heading(title, &format!("none; {}", count(known, others)));
        return;
    }
    page.heading(title, &tally(&told));
    let groups = grouped(told.iter().copied());
    // One more line says as much as "and 1 other".
    let rules_shown = if all || groups.len() == RULES_SHOWN + 1 {
        groups.len()
    } else {
        RULES_SHOWN
    };
    for (at, group) in groups.iter().take(rules_shown).enumerate() {
        if at > 0 {
            page.blank();
        }
        let mut line = Line::of(Ink::Plain, "  ");
        line.push(severity_ink(group.severity), group.severity.word());
        line.pad_to(12);
        line.push(Ink::Strong, group.rule);
        let number = count(group.findings.len(), "gap");
        line.pad_to(page.width().min(80).saturating_sub(number.len()));
        line.push(Ink::Faint, &number);
        page.line(line);
        let shown = if all || group.findings.len() <= FINDINGS_SHOWN + 1 {
            group.findings.len()
        } else {
            FINDINGS_SHOWN
        };
        for finding in group.findings.iter().take(shown) {
            one(page, finding);
        }
        let hidden = group.findings.len() - shown;
        if hidden > 0 {
            page.line(Line::of(Ink::Faint, &format!("    and {hidden} more")));
        }
    }
    let rest = groups.get(rules_shown..).unwrap_or_default();
    if !rest.is_empty() {
        let number: usize = rest.iter().map(|group| group.findings.len()).sum();
        let names: Vec<String> = rest
            .iter()
            .map(|group| format!("{}{GLUE}({})", group.rule, group.findings.len()))
            .collect();
        page.blank();
        page.paragraph(
            2,
            Ink::Faint,
            &format!(
                "and {} of {}: {}",
                count(number, "gap"),
                count(rest.len(), "other rule"),
                names.join(", ")
            ),
        );
    }
    if known > 0 {
        page.blank();
        let text = format!("and {} that the gate leaves alone", count(known, others));
        page.paragraph(2, Ink::Faint, &text);
    }
}

fn comparison(page: &mut Page, audit: &Audit) {
    let Some(comparison) = &audit.comparison else {
        return;
    };
    page.heading("Against the baseline", &standing(comparison));
    let fixed = &comparison.fixed;
    accepted(page, Ink::Good, "fixed", fixed);
    accepted(page, Ink::Fair, NO_LONGER_KNOWN, &comparison.unproven);
    if !fixed.is_empty() {
        let advice = "readiness baseline --prune takes what is fixed out of the file, so that it cannot come back.";
        page.paragraph(2, Ink::Faint, advice);
    }
}

fn accepted(page: &mut Page, ink: Ink, word: &str, findings: &[Accepted]) {
    let shown = if page.lists_all() || findings.len() == FILES_SHOWN + 1 {
        findings.len()
    } else {
        FILES_SHOWN
    };
    for each in findings.iter().take(shown) {
        let mut line = Line::of(ink, &format!("  {word} "));
        line.push(Ink::Plain, &each.rule);
        line.push(Ink::Faint, &format!("  {}", each.file));
        page.line(line);
    }
    let hidden = findings.len().saturating_sub(shown);
    if hidden > 0 {
        page.line(Line::of(Ink::Faint, &format!("  and {hidden} more")));
    }
}

/// `3 critical · 8 high · 4 medium; 2 of them only likely`
pub(super) fn tally(findings: &[&Finding]) -> String {
    let parts: Vec<String> = by_severity(findings.iter().copied())
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(severity, number)| format!("{number} {}", severity.word()))
        .collect();
    let likely = findings
        .iter()
        .filter(|finding| finding.confidence == Confidence::Low)
        .count();
    match (likely, findings.len()) {
        (0, _) => parts.join(" · "),
        (1, 1) => format!("{}, only likely", parts.join(" · ")),
        (likely, _) => format!("{}; {likely} of them only likely", parts.join(" · ")),
    }
}

fn one(page: &mut Page, finding: &Finding) {
    let mut message = told(&finding.message, finding.route.as_deref()).into_owned();
    if finding.confidence == Confidence::Low {
        message.push_str(" (likely)");
    }
    page.paragraph(4, Ink::Plain, &message);
    let mut line = Line::of(Ink::Faint, "      ");
    line.push(Ink::Code, &finding.location.to_string());
    if finding.expensive {
        line.push(Ink::Fair, "  expensive");
    }
    page.line(line);
    // A handler's chain breaks at its last step; the whole chain is in the JSON and behind `routes --why`. Other places stand side
    // by side, and the first says most.
    let telling = match finding.route {
        Some(_) => finding.related.last(),
        None => finding.related.first(),
    };
    if let Some(step) = telling
        && (&step.location.file, step.location.line)
            != (&finding.location.file, finding.location.line)
    {
        let place = step.location.to_string();
        page.place(6, Ink::Faint, &place, (Ink::Faint, &step.note));
    }
}

pub(super) fn severity_ink(severity: Severity) -> Ink {
    match severity {
        Severity::Critical => Ink::Alarm,
        Severity::High => Ink::Bad,
        Severity::Medium => Ink::Fair,
        Severity::Low => Ink::Faint,
    }
}

fn not_examined(page: &mut Page, audit: &Audit) {
    if audit.not_examined.is_empty() {
        return;
    }
    page.heading(
        "Not examined",
        &format!(
            "{}; what they hold is unknown",
            count(audit.not_examined.len(), "place")
        ),
    );
    let shown = if page.lists_all() || audit.not_examined.len() == FILES_SHOWN + 1 {
        audit.not_examined.len()
    } else {
        FILES_SHOWN
    };
    let rows = audit.not_examined.iter().take(shown).map(|file| {
        vec![
            Line::of(Ink::Code, file.path.as_str()),
            Line::of(Ink::Faint, &file.reason),
        ]
    });
    page.table(2, &[Column::PATH, Column::SENTENCE], rows.collect());
    let hidden = audit.not_examined.len().saturating_sub(shown);
    if hidden > 0 {
        page.line(Line::of(Ink::Faint, &format!("  and {hidden} more")));
    }
}

fn not_evaluated(page: &mut Page, audit: &Audit) {
    if audit.not_evaluated.is_empty() {
        return;
    }
    page.heading(
        "Rules without an answer",
        "a fault of readiness; please report it",
    );
    for each in &audit.not_evaluated {
        page.line(Line::of(Ink::Plain, "  ").with(Ink::Bad, &each.rule));
        page.paragraph(6, Ink::Faint, &each.reason);
    }
}

fn stale(page: &mut Page, audit: &Audit) {
    if audit.stale_suppressions.is_empty() {
        return;
    }
    page.heading("Suppressions that do nothing", "");
    for each in &audit.stale_suppressions {
        page.line(
            Line::of(Ink::Plain, "  ")
                .with(Ink::Code, &each.location.to_string())
                .with(Ink::Plain, &format!("  {}", each.rule)),
        );
        page.paragraph(6, Ink::Faint, &each.problem);
    }
}

fn next(page: &mut Page, audit: &Audit) {
    let mut target = shell_word(&audit.root);
    if let Some(app) = audit.only_app.as_ref().filter(|app| !app.is_root()) {
        target.push_str(&format!(" --app {}", shell_word(app.as_str())));
    }
    let all = || {
        let findings = audit.apps.iter().flat_map(|app| &app.findings);
        findings.filter(|finding| !finding.is_known())
    };
    let severity = all().map(|finding| finding.severity).max();
    let worst = all().find(|finding| Some(finding.severity) == severity);
    let mut commands: Vec<(String, &str)> = Vec::new();
    if let Some(finding) = worst {
        commands.push((
            format!("readiness explain {}", finding.rule),
            "why it matters, how to fix it",
        ));
    }
    let routed = worst.and_then(|worst| {
        all()
            .filter(|finding| finding.rule == worst.rule)
            .find_map(|finding| finding.route.as_deref())
    });
    if let Some(route) = routed {
        commands.push((
            format!("readiness routes {target} --why {}", shell_word(route)),
            "the proof, step by step",
        ));
    }
    if audit.apps.iter().any(has_handlers) {
        commands.push((
            format!("readiness routes {target}"),
            "every handler, control by control",
        ));
    }
    if audit.apps.iter().any(|app| {
        let (planned, outside) = hours_left(app);
        planned + outside > 0.0
    }) {
        commands.push((
            format!("readiness plan {target}"),
            "what is left to do, task by task",
        ));
    }
    if commands.is_empty() {
        return;
    }
    page.heading("Next", "");
    let widest = commands.iter().map(|(command, _)| command.len()).max();
    let beside = widest.unwrap_or(0) + 4 + 34 <= page.width();
    for (command, does) in commands {
        if beside {
            let mut line = Line::of(Ink::Plain, "  ").with(Ink::Code, &command);
            line.pad_to(widest.unwrap_or(0) + 4);
            line.push(Ink::Faint, does);
            page.line(line);
        } else {
            page.whole_line(Line::of(Ink::Plain, "  ").with(Ink::Code, &command));
            page.paragraph(6, Ink::Faint, does);
        }
    }
}

/// `text` as one word of a shell's command line.
fn shell_word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./@:+=".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else if text.contains(['"', '$', '`', '!', '\\']) {
        format!("'{}'", text.replace('\'', "'\\''"))
    } else {
        format!("\"{text}\"")
    }
}
