//! Every gap, by rule, with its chain and the lines of code.

use crate::audit::AppAudit;
use crate::finding::{Finding, Standing};
use crate::report::material::{Material, sentence};
use crate::report::text::count;
use crate::rule::{Confidence, Severity};

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
    let mut groups: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in &app.findings {
        match groups.iter_mut().find(|(rule, _)| *rule == finding.rule) {
            Some((_, findings)) => findings.push(finding),
            None => groups.push((&finding.rule, vec![finding])),
        }
    }
    for (rule, findings) in groups {
        page.own("<div data-group>\n");
        page.own("<h4>");
        page.element("code", &[], rule);
        page.text(&format!(" {}", count(findings.len(), "gap")));
        page.close("h4");
        if let Some(rule) = material.rules.rule(rule) {
            page.block("p", &[], &one_line(&rule.why));
            page.own("<p><strong>Fix.</strong> ");
            page.text(&one_line(&rule.fix));
            page.close("p");
        }
        for finding in findings {
            one(page, material, finding);
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

fn one(page: &mut Html, material: &Material<'_>, finding: &Finding) {
    let place = format!("{}:{}", finding.location.file, finding.location.line);
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
    if !route.is_empty() && !finding.message.contains(route) {
        page.text(&format!("{route}: "));
    }
    page.text(&finding.message);
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
    code(page, material, finding, location.line..=last);
    let chain = material.chain(finding);
    if chain.len() > 1 {
        page.own("<ol class=\"chain\">\n");
        for step in chain {
            page.own("<li>");
            let place = format!("{}:{}", step.location.file, step.location.line);
            page.element("code", &[], &place);
            page.text(&format!(" {}", sentence(step.note)));
            let shown = step.location.file == location.file
                && (location.line..=last).contains(&step.location.line);
            if let Some(line) = material.line(&step.location.file, step.location.line)
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

/// Lines of the file in which the gap is, with their numbers.
fn code(
    page: &mut Html,
    material: &Material<'_>,
    finding: &Finding,
    lines: std::ops::RangeInclusive<u32>,
) {
    let file = &finding.location.file;
    let lines: Vec<(u32, String)> = lines
        .filter_map(|line| Some((line, material.line(file, line)?)))
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

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
