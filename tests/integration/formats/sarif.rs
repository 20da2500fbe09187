//! SARIF: valid by the official schema, exact in its places, within GitHub's limits, and clean by Microsoft's own tool.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use readiness::finding::Finding;
use readiness::report;
use serde_json::Value;

use super::{Audited, hostile};

fn log(audited: &Audited) -> Value {
    serde_json::from_str(&audited.report(report::sarif)).unwrap()
}

fn validator() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas/sarif-2.1.0.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn errors(validator: &jsonschema::Validator, log: &Value) -> Vec<String> {
    let errors = validator.iter_errors(log);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn results(log: &Value) -> &Vec<Value> {
    log["runs"][0]["results"].as_array().unwrap()
}

fn uri(result: &Value) -> &str {
    result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        .as_str()
        .unwrap()
}

#[test]
fn it_is_valid_by_the_official_schema() {
    let validator = validator();
    for audited in [Audited::sample(), hostile()] {
        let mut log = log(&audited);
        assert_eq!(errors(&validator, &log), Vec::<String>::new());
        log["runs"][0]["results"][0]["level"] = "urgent".into();
        log["runs"][0]["columnKind"] = "bytes".into();
        assert_eq!(errors(&validator, &log).len(), 2, "the schema is in force");
    }
}

#[test]
fn the_results_of_the_sample() {
    let mut log = log(&Audited::sample());
    let run = &mut log["runs"][0];
    // Rules have a test of their own, and would drown the results.
    run["tool"]["driver"]["rules"] = Value::Null;
    run["tool"]["driver"]["semanticVersion"] = Value::Null;
    let kept = [
        "webhook-signature",
        "server-action-auth",
        "guard-ineffective",
    ];
    let results = run["results"].as_array_mut().unwrap();
    results.retain(|result| kept.iter().any(|rule| result["ruleId"] == *rule));
    for result in results {
        // GitHub's own algorithm is tested where it stands.
        result["message"]["text"] = Value::Null;
        result["ruleIndex"] = Value::Null;
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&log).unwrap());
}

#[test]
fn every_rule_has_what_github_asks_for() {
    let audited = Audited::sample();
    let log = log(&audited);
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    assert_eq!(rules.len(), audited.rules.rules.len());
    for rule in rules {
        let id = rule["id"].as_str().unwrap();
        for text in [
            &rule["shortDescription"]["text"],
            &rule["fullDescription"]["text"],
            &rule["help"]["text"],
            &rule["help"]["markdown"],
        ] {
            assert!(!text.as_str().unwrap().trim().is_empty(), "{id}");
        }
        for text in [
            &rule["shortDescription"]["text"],
            &rule["fullDescription"]["text"],
        ] {
            assert!(text.as_str().unwrap().chars().count() <= 1024, "{id}");
        }
        let tags = rule["properties"]["tags"].as_array().unwrap();
        assert!(tags.len() <= 10, "{id}");
        if let Some(score) = rule["properties"].get("security-severity") {
            let score: f64 = score.as_str().unwrap().parse().unwrap();
            assert!(score > 0.0 && score <= 10.0, "{id}");
            assert!(tags.contains(&"security".into()), "{id}");
        }
    }
    let markdown = |id: &str| {
        let rule = rules.iter().find(|rule| rule["id"] == id).unwrap();
        rule["help"]["markdown"].as_str().unwrap().to_owned()
    };
    insta::assert_snapshot!("sarif_help", markdown("route-rate-limit"));
}

#[test]
fn places_are_those_of_the_files() {
    let audited = Audited::sample();
    let log = log(&audited);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for result in results(&log) {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &log["runs"][0]["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], result["ruleId"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        let number = |key: &str| usize::try_from(region[key].as_u64().unwrap()).unwrap();
        assert_eq!(number("startLine"), number("endLine"));
        let path = uri(result).replace("%5B", "[").replace("%5D", "]");
        let Ok(text) = std::fs::read_to_string(root.join(&path)) else {
            assert!(path.contains(".github/"), "{path}");
            continue;
        };
        let line: Vec<u16> = text
            .lines()
            .nth(number("startLine") - 1)
            .unwrap()
            .encode_utf16()
            .collect();
        let part = &line[number("startColumn") - 1..number("endColumn") - 1];
        assert!(
            !String::from_utf16(part).unwrap().trim().is_empty(),
            "{path}"
        );
        seen += 1;
    }
    assert!(seen > 10);
}

#[test]
fn chains_go_from_the_handler_to_the_gap() {
    let log = log(&Audited::sample());
    let result = results(&log)
        .iter()
        .find(|result| result["ruleId"] == "server-action-auth")
        .unwrap();
    let steps = &result["codeFlows"][0]["threadFlows"][0]["locations"];
    let lines: Vec<u64> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            step["location"]["physicalLocation"]["region"]["startLine"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(lines, [21, 22]);
}

#[test]
fn no_two_alerts_are_one_for_github() {
    for audited in [Audited::sample(), hostile()] {
        let log = log(&audited);
        let mut seen = BTreeSet::new();
        for result in results(&log) {
            let hash = result["partialFingerprints"]["primaryLocationLineHash"].as_str();
            let key = (result["ruleId"].as_str(), uri(result), hash);
            assert!(hash.is_some_and(|hash| !hash.is_empty()));
            assert!(seen.insert(key), "{key:?}");
        }
    }
}

#[test]
fn what_was_not_examined_and_what_is_suppressed_is_told() {
    let log = log(&hostile());
    let notes = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notes[0]["descriptor"]["id"], "not-examined");
    let uri = &notes[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    let uri = uri.as_str().unwrap();
    assert!(uri.contains("%3C/script%3E%3Cscript%3E"), "{uri}");
    let suppressed: Vec<&Value> = results(&log)
        .iter()
        .filter(|result| result.get("suppressions").is_some())
        .collect();
    assert_eq!(suppressed.len(), 4);
    assert_eq!(suppressed[0]["suppressions"][0]["kind"], "inSource");
    let reason = suppressed[0]["suppressions"][0]["justification"].as_str();
    assert!(reason.unwrap().contains("<script>"));
}

#[test]
fn a_huge_report_is_cut_worst_first_and_says_so() {
    let mut audited = Audited::sample();
    let app = &mut audited.audit.apps[0];
    let mut many: Vec<Finding> = app.findings.clone();
    for at in 0..26_000 {
        let mut finding = app.findings[at % app.findings.len()].clone();
        finding.fingerprint = format!("{at:032x}");
        many.push(finding);
    }
    let total = many.len();
    app.findings = many;
    let log = log(&audited);
    let results = results(&log);
    assert_eq!(results.len(), 25_000);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for result in results {
        *counts
            .entry(result["properties"]["severity"].as_str().unwrap())
            .or_default() += 1;
    }
    let criticals = audited.audit.apps[0]
        .findings
        .iter()
        .filter(|finding| finding.severity.word() == "critical")
        .count();
    assert_eq!(counts["critical"], criticals, "the worst are all there");
    let notes = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    let cut = format!("{} milder ones were cut", total - 25_000);
    assert!(notes.contains(&cut), "{notes}");
}

#[test]
fn applications_have_a_run_each_until_there_are_too_many() {
    let mut audited = Audited::sample();
    let app = audited.audit.apps[0].clone();
    for at in 0..24 {
        let mut next = app.clone();
        next.root = readiness::source::RepoPath::new(&format!("apps/{at}"));
        audited.audit.apps.push(next);
        let log = log(&audited);
        let runs = log["runs"].as_array().unwrap();
        assert!(runs.len() <= 20);
        if at == 0 {
            let ids: Vec<&str> = runs
                .iter()
                .map(|run| run["automationDetails"]["id"].as_str().unwrap())
                .collect();
            let expected = [
                "readiness/fixtures/sample/",
                "readiness/fixtures/sample/apps/0/",
            ];
            assert_eq!(ids, expected);
        }
    }
    let log = log(&audited);
    assert_eq!(log["runs"].as_array().unwrap().len(), 1);
    assert_eq!(results(&log).len(), 25 * app.findings.len());
}

/// Microsoft's tool, where `READINESS_SARIF_MULTITOOL` says or on the path.
fn multitool() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("READINESS_SARIF_MULTITOOL") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("Sarif.Multitool"))
        .find(|file| file.is_file())
}

#[test]
fn microsofts_own_tool_has_nothing_to_say() {
    let Some(tool) = multitool() else {
        eprintln!(
            "skipped: no SARIF Multitool; npm install @microsoft/sarif-multitool, and name its Sarif.Multitool in \
             READINESS_SARIF_MULTITOOL"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, audited) in [("sample", Audited::sample()), ("hostile", hostile())] {
        let file = folder.path().join(format!("{name}.sarif"));
        std::fs::write(&file, audited.report(report::sarif)).unwrap();
        let found = folder.path().join(format!("{name}-found.sarif"));
        // It ends with 0 whatever it finds; what it finds is in its own report.
        let output = Command::new(&tool)
            .arg("validate")
            .arg(&file)
            .args([
                "--rule-kind",
                "Sarif;Ghas",
                "--level",
                "Error;Warning",
                "-o",
            ])
            .arg(&found)
            .output()
            .unwrap();
        let text = std::fs::read_to_string(&found).unwrap_or_else(|_| panic!("{output:?}"));
        let text = text.trim_start_matches('\u{feff}');
        let log: Value = serde_json::from_str(text).unwrap();
        let said: BTreeSet<String> = results(&log)
            .iter()
            .map(|result| format!("{} {}", result["ruleId"], result["message"]))
            .collect();
        assert_eq!(said, BTreeSet::new(), "{name}");
    }
}
