//! The audit as one page that is opened from disk: no network, no other file, readable without its script.

mod charts;
mod findings;
mod matrix;
mod write;

use crate::audit::{Accepted, AppAudit, Audit, ItemState};

use super::diff::{NO_LONGER_KNOWN, standing};
use super::material::Material;
use super::text::{count, hours, whole};
use super::work::{
    CHECKS, PhaseWork, checks_by_rule, covered, hours_in_words, hours_left, shown, state_word, work,
};
use write::Html;

/// Files to update that a task names.
const FILES: usize = 4;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page may do: nothing but its own style and the one script, known by its hash, which a test computes.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'sha256-JUNAxpsdrnXygWGeUdiLTqHmaoN4xqNgdbyjgzjKXTA='; base-uri 'none'; form-action 'none'";

/// The audit as a self-contained HTML page.
#[must_use]
pub fn html(material: &Material<'_>) -> String {
    let audit = material.audit;
    let title = match &audit.apps[..] {
        [app] => format!("Production readiness: {}", name(app)),
        _ => String::from("Production readiness"),
    };
    let mut page = Html::default();
    page.own("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.open(
        "meta",
        &[
            ("http-equiv", "Content-Security-Policy"),
            ("content", POLICY),
        ],
    );
    page.own("\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    page.own("<meta name=\"referrer\" content=\"no-referrer\">\n");
    page.block("title", &[], &title);
    page.own("<style>");
    page.own(STYLE);
    page.own(
        "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the report</a>\n",
    );
    page.block("h1", &[], &title);
    page.block(
        "p",
        &[("class", "soft")],
        &format!(
            "{} {} · {}",
            audit.tool.name, audit.tool.version, audit.root
        ),
    );
    contents(&mut page, audit);
    page.own("<main id=\"main\">\n");
    for (at, app) in audit.apps.iter().enumerate() {
        application(&mut page, material, app, at);
    }
    remarks(&mut page, audit);
    page.own("</main>\n<script>");
    page.own(SCRIPT);
    page.own("</script>\n</body>\n</html>\n");
    page.finish()
}

fn contents(page: &mut Html, audit: &Audit) {
    page.own("<nav aria-label=\"Contents\"><ul>\n");
    for (at, app) in audit.apps.iter().enumerate() {
        let parts = [
            ("phases", "phases"),
            ("coverage", "coverage"),
            ("matrix", "routes"),
            ("gaps", "gaps"),
        ];
        if audit.apps.len() > 1 {
            page.own("<li>");
            page.element("a", &[("href", &format!("#app-{at}"))], name(app));
            if let (Some(score), Some(grade)) = (app.score, app.grade) {
                page.text(&format!(" {} {grade}", whole(score)));
            }
            page.own("</li>\n");
            continue;
        }
        for (id, title) in parts {
            page.own("<li>");
            page.element("a", &[("href", &format!("#app-{at}-{id}"))], title);
            page.own("</li>\n");
        }
    }
    page.own("</ul></nav>\n");
}

fn application(page: &mut Html, material: &Material<'_>, app: &AppAudit, at: usize) {
    let id = format!("app-{at}");
    page.open("section", &[("id", &id)]);
    let place = if app.root.is_root() {
        String::new()
    } else {
        format!(" ({})", app.root)
    };
    page.block("h2", &[], &format!("{}{place}", name(app)));
    page.own("<div class=\"top\">\n");
    charts::score(page, app);
    page.own("<div>\n");
    let stack: Vec<String> = app
        .stack
        .iter()
        .map(|entry| {
            format!("{} {}", entry.name, entry.version)
                .trim()
                .to_owned()
        })
        .collect();
    page.block("p", &[], &stack.join(" · "));
    let metrics: Vec<String> = app
        .metrics
        .iter()
        .filter(|metric| metric.is_telling())
        .map(|metric| format!("{} {}", metric.name, metric.value))
        .collect();
    page.block("p", &[("class", "soft")], &metrics.join(" · "));
    page.block(
        "p",
        &[],
        &format!(
            "{}; left by the roadmap {}: {}",
            count(app.findings.len(), "gap"),
            app.roadmap,
            hours_in_words(hours_left(app))
        ),
    );
    page.own("</div>\n</div>\n");
    phases(page, &work(material.audit, app, material.rules), &id);
    page.block("h3", &[("id", &format!("{id}-coverage"))], "Coverage");
    charts::coverage(page, app);
    matrix::matrix(page, material, app, &id);
    findings::findings(page, material, app, &id);
    suppressed(page, app);
    page.close("section");
}

fn phases(page: &mut Html, work: &[PhaseWork<'_>], id: &str) {
    page.block("h3", &[("id", &format!("{id}-phases"))], "Phases");
    if work.is_empty() {
        page.block("p", &[], "No roadmap was followed.");
    } else {
        page.block("p", &[("class", "soft")], CHECKS);
    }
    for each in work {
        page.own("<details><summary>");
        let (done, asked) = each.done();
        if each.outside {
            page.text(&each.phase.title);
        } else {
            let title = format!("{}. {}", each.number, each.phase.title);
            page.element("span", &[("class", "phase")], &title);
            charts::bar(page, each.phase.score);
        }
        let gaps: usize = each.phase.items.iter().map(|item| item.gaps).sum();
        page.element(
            "span",
            &[("class", "soft")],
            &format!(
                " {}{} · {} left",
                if each.outside {
                    String::new()
                } else {
                    format!("{done} of {asked} done · ")
                },
                count(gaps, "gap"),
                hours(each.phase.hours_open)
            ),
        );
        page.own("</summary>\n<div class=\"wide\"><table><thead><tr>");
        for (title, class) in [
            ("", ""),
            ("Task", ""),
            ("Priority", ""),
            ("State", ""),
            ("Checks passed", "number"),
            ("Effort", "number"),
            ("Owner", ""),
        ] {
            page.element("th", &[("scope", "col"), ("class", class)], title);
        }
        page.own("</tr></thead>\n<tbody>\n");
        for task in &each.tasks {
            page.own("<tr>");
            page.element("td", &[], &task.number);
            page.own("<td>");
            page.text(&task.item.title);
            for place in shown(task.item) {
                page.own("<br>");
                page.element("code", &[], &place);
            }
            let files = task.files();
            for (file, lines) in files.iter().take(FILES) {
                let lines: Vec<String> = lines.iter().map(u32::to_string).collect();
                page.own("<br>");
                page.path("code", &[], &format!("{file}:{}", lines.join(",")));
            }
            if files.len() > FILES {
                page.own("<br>");
                let more = format!("and {}", count(files.len() - FILES, "more file"));
                page.element("small", &[("class", "soft")], &more);
            }
            let checks: Vec<String> = checks_by_rule(task.item)
                .map(|(rule, passed)| format!("{rule} {passed}"))
                .collect();
            if !checks.is_empty() {
                page.own("<br>");
                page.element("small", &[("class", "soft")], &checks.join(" · "));
            }
            page.own("</td>");
            let priority = task.item.priority.word();
            page.element("td", &[("class", priority)], priority);
            let class = match task.item.state {
                ItemState::Done => "good",
                ItemState::Open => "bad",
                ItemState::Likely | ItemState::Unattested | ItemState::Unknown => "fair",
                ItemState::NotApplicable => "none",
            };
            page.element("td", &[("class", class)], state_word(task.item));
            page.element("td", &[("class", "number")], &covered(task.item));
            page.element("td", &[("class", "number")], &hours(task.item.effort_hours));
            page.element("td", &[], task.item.owner.as_deref().unwrap_or(""));
            page.own("</tr>\n");
        }
        page.own("</tbody></table></div>\n</details>\n");
    }
}

fn suppressed(page: &mut Html, app: &AppAudit) {
    if app.suppressed.is_empty() {
        return;
    }
    page.block("h3", &[], "Accepted with a reason");
    page.own("<ul>\n");
    for each in &app.suppressed {
        page.own("<li>");
        page.prose(&each.finding.message);
        page.text(" ");
        let place = each.finding.location.to_string();
        page.element("code", &[], &place);
        page.text(": ");
        page.element("em", &[], &each.reason);
        page.own("</li>\n");
    }
    page.own("</ul>\n");
}

fn remarks(page: &mut Html, audit: &Audit) {
    if let Some(comparison) = &audit.comparison {
        page.block("h2", &[], "Against the baseline");
        page.block("p", &[], &standing(comparison));
        let say = |word: &'static str, findings: &'_ [Accepted]| {
            let each = |each: &Accepted| (each.file.clone(), format!("{word}: {}", each.message));
            findings.iter().map(each).collect::<Vec<_>>()
        };
        let mut gone = say("fixed", &comparison.fixed);
        gone.extend(say(NO_LONGER_KNOWN, &comparison.unproven));
        list(page, gone.into_iter());
    }
    if !audit.not_examined.is_empty() {
        page.block("h2", &[], "Not examined");
        page.block("p", &[], "What they hold is unknown.");
        list(
            page,
            audit
                .not_examined
                .iter()
                .map(|file| (file.path.as_str().to_owned(), file.reason.clone())),
        );
    }
    if !audit.not_evaluated.is_empty() {
        page.block("h2", &[], "Rules without an answer");
        list(
            page,
            audit
                .not_evaluated
                .iter()
                .map(|each| (each.rule.clone(), each.reason.clone())),
        );
    }
    if !audit.stale_suppressions.is_empty() {
        page.block("h2", &[], "Suppressions that do nothing");
        list(
            page,
            audit.stale_suppressions.iter().map(|each| {
                let place = each.location.to_string();
                (place, format!("{}: {}", each.rule, each.problem))
            }),
        );
    }
}

/// Something in code with a text behind it, line by line.
fn list(page: &mut Html, rows: impl Iterator<Item = (String, String)>) {
    page.own("<ul>\n");
    for (code, text) in rows {
        page.own("<li>");
        page.element("code", &[], &code);
        page.text(" ");
        page.prose(&text);
        page.own("</li>\n");
    }
    page.own("</ul>\n");
}

fn name(app: &AppAudit) -> &str {
    match (app.name.as_str(), app.root.as_str()) {
        ("", "") => "application",
        ("", root) => root,
        (name, _) => name,
    }
}
