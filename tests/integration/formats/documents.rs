//! Markdown and plans: over the sample as reviewed text, over hostile names as text that stays text.

use readiness::report;
use serde_json::Value;

use super::{Audited, hostile};

#[test]
fn the_document_of_the_sample() {
    let audited = Audited::sample();
    insta::assert_snapshot!("markdown", audited.report(report::markdown));
    insta::assert_snapshot!("markdown_summary", audited.report(report::markdown_summary));
}

#[test]
fn it_has_every_section_that_teams_write() {
    let text = Audited::sample().report(report::markdown);
    for title in [
        "# Production readiness: field-notes",
        "## Executive summary",
        "## Technology stack",
        "## Codebase metrics",
        "## Strengths",
        "## Critical gaps",
        "## Coverage, endpoint by endpoint",
        "### Rate limit: 1 of 11",
        "## Response headers",
        "## Tests by area",
        "## Roadmap",
        "### Phase 1: ",
        "Files to update:",
        "## Success checklist",
        "- [x] ",
        "- [ ] ",
        "## Environment variables",
    ] {
        assert!(text.contains(title), "{title}");
    }
    assert!(text.contains("`30/1m`"), "limits are named");
}

#[test]
fn the_plan_of_the_sample() {
    let audited = Audited::sample();
    insta::assert_snapshot!("plan", audited.report(report::plan_markdown));
    let plan: Value = serde_json::from_str(&audited.report(report::plan_json)).unwrap();
    let schemas = report::schemas(&readiness::rule::RuleSet::builtin().unwrap());
    let schema = schemas
        .iter()
        .find(|each| each.file == "plan-1.schema.json")
        .unwrap();
    let schema: Value = serde_json::from_str(&schema.text).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&plan));
    let tasks: Vec<&Value> = plan["apps"][0]["phases"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|phase| phase["tasks"].as_array().unwrap())
        .collect();
    assert!(tasks.iter().all(|task| task["state"] != "done"));
    let issues = audited.report(report::plan_issues);
    assert_eq!(issues.lines().count(), tasks.len());
    for line in issues.lines() {
        let issue: Value = serde_json::from_str(line).unwrap();
        assert!(issue["title"].as_str().unwrap().len() < 256);
        assert!(issue["body"].as_str().unwrap().len() < 65_536);
    }
}

#[test]
fn hostile_names_make_no_markup() {
    let audited = hostile();
    for text in [
        audited.report(report::markdown),
        audited.report(report::markdown_summary),
        audited.report(report::plan_markdown),
    ] {
        // What stands in code is text whatever it says; the rest may hold no tag and no link.
        let mut fence = None;
        for line in text.lines() {
            if line.starts_with("```") {
                fence = if fence.is_none() { Some(()) } else { None };
                continue;
            }
            if fence.is_some() {
                continue;
            }
            let plain = without_code(line)
                .replace("<!-- -->", "")
                .replace("<sub>", "");
            assert!(!plain.contains('<'), "{line}");
            assert!(!plain.replace("\\]", "").contains("]("), "{line}");
            assert!(
                line.matches("<!--").count() == line.matches("-->").count() || line.contains('`'),
                "{line}"
            );
        }
    }
}

/// The line without its code spans.
fn without_code(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        // A backtick behind a backslash opens nothing.
        if rest[..start].ends_with('\\') {
            plain.push_str(&rest[..=start]);
            rest = &rest[start + 1..];
            continue;
        }
        plain.push_str(&rest[..start]);
        let after = &rest[start..];
        let fence: String = after.chars().take_while(|letter| *letter == '`').collect();
        let inside = &after[fence.len()..];
        let Some(end) = closing(inside, &fence) else {
            panic!("an open code span: {line}")
        };
        rest = &inside[end + fence.len()..];
    }
    plain + rest
}

fn closing(text: &str, fence: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find(fence) {
        let at = from + at;
        let before = text[..at].ends_with('`');
        let run = text[at..]
            .chars()
            .take_while(|letter| *letter == '`')
            .count();
        if !before && run == fence.len() {
            return Some(at);
        }
        from = at + run;
    }
    None
}
