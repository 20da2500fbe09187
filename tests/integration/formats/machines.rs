//! Annotations, JUnit XML, GitLab's code quality and the badge.

use readiness::finding::Standing;
use readiness::report;
use serde_json::Value;

use super::{Audited, hostile};

#[test]
fn the_formats_of_the_sample() {
    let audited = Audited::sample();
    insta::assert_snapshot!("github", audited.report(report::github));
    // Rules without gaps are many, and more with every version.
    let junit = audited.report(report::junit);
    let failed: Vec<&str> = junit
        .lines()
        .filter(|line| !line.contains("name=\"no gap: ") && !line.contains(" tests=\""))
        .collect();
    insta::assert_snapshot!("junit", failed.join("\n"));
    insta::assert_snapshot!("badge", report::badge(&audited.audit));
    insta::assert_snapshot!("shields", report::shields(&audited.audit));
    let gitlab: Value = serde_json::from_str(&audited.report(report::gitlab)).unwrap();
    insta::assert_snapshot!("gitlab", serde_json::to_string_pretty(&gitlab[0]).unwrap());
}

#[test]
fn a_command_of_actions_is_one_line_and_names_make_no_second() {
    let text = hostile().report(report::github);
    for line in text.lines() {
        let rest = line.strip_prefix("::").unwrap();
        let (head, message) = rest.split_once("::").unwrap();
        let kind = head.split(' ').next().unwrap();
        assert!(["error", "warning", "notice"].contains(&kind), "{line}");
        // Nothing of a path ends a property.
        assert!(head.matches(',').count() <= 2, "{line}");
        assert!(!message.is_empty());
    }
    assert!(text.contains("a%250A%3A%3Aerror%3A%3Ab%2Cc%3Ad"), "{text}");
    for kind in ["::error", "::warning", "::notice"] {
        assert!(text.lines().filter(|line| line.starts_with(kind)).count() <= 10);
    }
}

#[test]
fn known_findings_are_no_annotations_and_no_failures() {
    let mut audited = Audited::sample();
    for finding in &mut audited.audit.apps[0].findings {
        finding.standing = Some(Standing::Known);
    }
    assert_eq!(audited.report(report::github), "");
    let junit = audited.report(report::junit);
    assert!(junit.contains("failures=\"0\"") && !junit.contains("<failure"));
}

#[test]
fn the_xml_is_well_formed_whatever_the_names() {
    for audited in [Audited::sample(), hostile()] {
        let text = audited.report(report::junit);
        let mut open: Vec<&str> = Vec::new();
        let mut rest = text.split_once("?>").unwrap().1;
        let mut cases = 0;
        while let Some(start) = rest.find('<') {
            assert!(!rest[..start].contains('>'), "{}", &rest[..start]);
            let end = start + rest[start..].find('>').unwrap();
            let tag = &rest[start + 1..end];
            rest = &rest[end + 1..];
            assert!(tag.matches('"').count() % 2 == 0, "{tag}");
            let name = tag
                .trim_start_matches('/')
                .split([' ', '/'])
                .next()
                .unwrap();
            let known = [
                "testsuites",
                "testsuite",
                "testcase",
                "failure",
                "skipped",
                "error",
            ];
            assert!(known.contains(&name), "{tag}");
            cases += usize::from(tag.starts_with("testcase"));
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty());
        assert!(
            text.contains(&format!("tests=\"{cases}\"")),
            "the counts are those of the cases"
        );
    }
}

#[test]
fn gitlab_gets_fingerprints_that_are_its_own() {
    let audited = hostile();
    let entries: Vec<Value> = serde_json::from_str(&audited.report(report::gitlab)).unwrap();
    let mut prints: Vec<&str> = entries
        .iter()
        .map(|entry| entry["fingerprint"].as_str().unwrap())
        .collect();
    let all = prints.len();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), all);
}
