//! Every gap, by rule, with its chain and the lines of code.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::audit::AppAudit;
use crate::finding::{Finding, Standing};
use crate::report::material::{Material, grouped, sentence, told};
use crate::report::text::{count, one_line};
use crate::rule::{Check, Confidence, Severity};
use crate::source::RepoPath;

use super::write::Html;

/// Lines shown of the place of a gap.
const LINES: u32 = 6;

/// The gaps of an application.
pub(super) fn findings(page: &mut Html, material: &Material<'_>, app: &AppAudit, id: &str) {
    page.block("h3", &[("id", &format!("{id}-gaps"))], "Gaps");
    if app.findings.is_empty() {
        page.block("p", &[], "None found.");
        return;
    }
    let list = format!("{id}-findings");
    filter(page, app, &list);
    page.open("div", &[("id", &list)]);
    let code = Code::new(material);
    for group in grouped(&app.findings) {
        page.own("<div data-group>\n");
        page.own("<h4>");
        page.element("code", &[], group.rule);
        page.text(&format!(" {}", count(group.findings.len(), "gap")));
        page.own("<span class=\"soft\" data-shown></span>");
        page.close("h4");
        if let Some(rule) = material.rules.rule(group.rule) {
            page.own("<p>");
            page.prose(&one_line(&rule.why));
            page.close("p");
            page.own("<p><strong>Fix.</strong> ");
            page.prose(&one_line(&rule.fix));
            page.close("p");
        }
        for finding in group.findings {
            one(page, material, &code, finding);
        }
        page.close("div");
    }
    page.close("div");
}

fn filter(page: &mut Html, app: &AppAudit, list: &str) {
    page.open("div", &[("class", "filter"), ("data-filter", list)]);
    page.own("<label>Search <input type=\"search\" placeholder=\"route, rule, file\"></label>");
    page.own("<label>Severity <select name=\"severity\"><option value=\"\">all</option>");
    for severity in Severity::ALL.iter().rev() {
        page.element("option", &[("value", severity.word())], severity.word());
    }
    page.own("</select></label>");
    if app
        .findings
        .iter()
        .any(|finding| finding.standing.is_some())
    {
        page.own("<label>Standing <select name=\"standing\"><option value=\"\">all</option>");
        page.own("<option value=\"new\">new or worse</option><option value=\"known\">known</option></select></label>");
    }
    page.own("<output aria-live=\"polite\"></output>");
    page.close("div");
}

fn one(page: &mut Html, material: &Material<'_>, code: &Code<'_>, finding: &Finding) {
    let place = finding.location.to_string();
    let route = finding.route.as_deref().unwrap_or("");
    let row = format!("{} {} {route} {place}", finding.rule, finding.message);
    let standing = match finding.standing {
        Some(Standing::Known) => "known",
        Some(_) => "new",
        None => "",
    };
    let severity = finding.severity.word();
    page.open(
        "details",
        &[
            ("data-row", &row),
            ("data-severity", severity),
            ("data-standing", standing),
        ],
    );
    page.own("<summary>");
    page.element(
        "span",
        &[("class", &format!("severity {severity}"))],
        severity,
    );
    page.own(" ");
    page.prose(&told(&finding.message, finding.route.as_deref()));
    if finding.confidence == Confidence::Low {
        page.own(" <span class=\"soft\">(likely)</span>");
    }
    if standing == "new" {
        page.own(" <strong>new</strong>");
    }
    page.own(" ");
    page.element("code", &[], &place);
    page.own("</summary>\n");
    let location = &finding.location;
    let last = location
        .end_line
        .clamp(location.line, location.line.saturating_add(LINES - 1));
    code.lines(page, &location.file, location.line..=last);
    let chain = material.chain(finding);
    if chain.len() > 1 {
        page.own("<ol class=\"chain\">\n");
        for step in chain {
            page.own("<li>");
            let place = step.location.to_string();
            page.element("code", &[], &place);
            page.text(" ");
            page.prose(&sentence(step.note));
            let shown = step.location.file == location.file
                && (location.line..=last).contains(&step.location.line);
            if let Some(line) = code.line(&step.location.file, step.location.line)
                && !shown
            {
                page.element("pre", &[], line.trim());
            }
            page.own("</li>\n");
        }
        page.own("</ol>\n");
    }
    page.close("details");
}

/// Lines of the audited files as they may be shown.
struct Code<'a> {
    material: &'a Material<'a>,
    /// Lines that hold a secret.
    hidden: BTreeSet<(&'a RepoPath, u32)>,
}

impl<'a> Code<'a> {
    fn new(material: &'a Material<'a>) -> Self {
        let apps = &material.audit.apps;
        let open = apps.iter().flat_map(|app| &app.findings);
        let suppressed = apps.iter().flat_map(|app| &app.suppressed);
        let secret = |finding: &&Finding| {
            let rule = material.rules.rule(&finding.rule);
            rule.is_some_and(|rule| matches!(rule.check, Check::SecretLiteral(_)))
        };
        let hidden = open
            .chain(suppressed.map(|each| &each.finding))
            .filter(secret)
            .map(|finding| (&finding.location.file, finding.location.line));
        Self {
            material,
            hidden: hidden.collect(),
        }
    }

    /// A line; none of a file that holds secrets by its nature.
    fn line(&self, file: &RepoPath, line: u32) -> Option<String> {
        if file.file_name().contains(".env") || self.hidden.contains(&(file, line)) {
            return None;
        }
        let text = (self.material.text)(file)?.text;
        let at = usize::try_from(line).ok()?.checked_sub(1)?;
        text.lines().nth(at).map(str::to_owned)
    }

    /// Writes lines with their numbers.
    fn lines(&self, page: &mut Html, file: &RepoPath, lines: RangeInclusive<u32>) {
        let lines: Vec<(u32, String)> = lines
            .filter_map(|line| Some((line, self.line(file, line)?)))
            .collect();
        if lines.iter().all(|(_, text)| text.trim().is_empty()) {
            return;
        }
        page.own("<pre>");
        for (number, text) in lines {
            page.element("b", &[], &format!("{number:>5}  "));
            // Tabs would become one space each.
            page.text(&text.replace('\t', "  "));
            page.own("\n");
        }
        page.close("pre");
    }
}
