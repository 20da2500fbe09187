//! Every rule against its own fixture: the bad repository is reported at exactly the marked places, the good one not at all.
//!
//! `fixtures/rules/<rule-id>/{bad,good}` hold whole small repositories. A guilty line is marked `//~ rule-id` (`#~ rule-id` in
//! YAML and the like). Gaps without a line of their own stand in `fixtures/rules/<rule-id>/EXPECT`, one per line:
//! `file: beginning of the message`. `/* sure */` and `/* unsure */` on a guilty line say with which confidence it is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use readiness::audit::{self, Audit, AuditOptions, ItemState};
use readiness::config::Config;
use readiness::model;
use readiness::rule::{Confidence, How, RuleSet, RuleText};
use readiness::source::{RepoPath, Repository};

/// A gap as the harness compares it: the file, then its line or the beginning of its message.
type Gap = (String, String);

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules")
}

fn rules() -> RuleSet {
    RuleSet::builtin().unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// All rules, with a plan that lists each of them.
fn rules_with_a_plan_of_all() -> RuleSet {
    let ids: Vec<String> = rules().ids().map(|id| format!("{id:?}")).collect();
    let text = format!(
        "title = 'all'\n[[phase]]\ntitle = 'all'\n[[phase.item]]\ntitle = 'all'\npriority = 'high'\nrules = [{}]\n",
        ids.join(", ")
    );
    let file = String::from("roadmaps/all.toml");
    RuleSet::load(&[RuleText { file, text }]).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Audits the repository at `root` with one rule.
fn audit_with(rules: &RuleSet, rule: &str, root: &Path) -> Audit {
    let repository = Repository::open(root).unwrap();
    let written = fs::read_to_string(root.join("readiness.toml")).unwrap_or_default();
    let config = Config::parse(&RepoPath::new("readiness.toml"), &written, rules).unwrap();
    let model = model::build(&repository, rules, &config);
    let options = AuditOptions {
        only: vec![rule.to_owned()],
        roadmap: rules.roadmap("all").map(|plan| plan.name.clone()),
        ..AuditOptions::default()
    };
    audit::run(&model, rules, &config, &options)
}

/// The lines that are marked as guilty of `rule` below `folder`, as `file` and `line`.
fn marked(rule: &str, root: &Path) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.unwrap();
        if !entry.file_type().is_file() {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let file = entry.path().strip_prefix(root).unwrap();
        let file = file.to_string_lossy().replace('\\', "/");
        for (index, line) in text.lines().enumerate() {
            let mark = line.split_once("//~ ").or_else(|| line.split_once("#~ "));
            for named in mark.map_or("", |(_, named)| named).split_whitespace() {
                assert_eq!(named, rule, "{file}:{} marks another rule", index + 1);
                gaps.push((file.clone(), (index + 1).to_string()));
            }
        }
    }
    gaps
}

/// What `EXPECT` lists, as file and beginning of the message.
fn expected_without_line(folder: &Path) -> Vec<Gap> {
    let text = fs::read_to_string(folder.join("EXPECT")).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (file, message) = line.split_once(": ").expect("`file: message` in EXPECT");
            (file.to_owned(), message.trim().to_owned())
        })
        .collect()
}

/// Compares what was reported with what should have been, and names each difference.
fn differences(audit: &Audit, mut lines: Vec<Gap>, mut messages: Vec<Gap>) -> Vec<String> {
    let mut wrong = Vec::new();
    for finding in audit.apps.iter().flat_map(|app| &app.findings) {
        let file = finding.location.file.as_str().to_owned();
        let line = finding.location.line.to_string();
        let by_message = messages.iter().position(|(where_, begin)| {
            *where_ == file && finding.message.starts_with(begin.as_str())
        });
        if let Some(at) = by_message {
            messages.remove(at);
        } else if let Some(at) = lines
            .iter()
            .position(|gap| *gap == (file.clone(), line.clone()))
        {
            lines.remove(at);
        } else {
            wrong.push(format!("noisy: {file}:{line}: {}", finding.message));
        }
    }
    for (file, what) in lines.into_iter().chain(messages) {
        wrong.push(format!("missing: {file}:{what}"));
    }
    wrong
}

/// The lines that say how sure a finding there has to be: `/* sure */`, `/* unsure */`.
fn sureness(root: &Path) -> Vec<(Gap, Confidence)> {
    let mut said = Vec::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.unwrap();
        let Ok(text) = fs::read_to_string(entry.path()) else {
            continue;
        };
        let file = entry.path().strip_prefix(root).unwrap();
        let file = file.to_string_lossy().replace('\\', "/");
        for (index, line) in text.lines().enumerate() {
            let confidence = if line.contains("/* sure */") {
                Confidence::High
            } else if line.contains("/* unsure */") {
                Confidence::Low
            } else {
                continue;
            };
            said.push(((file.clone(), (index + 1).to_string()), confidence));
        }
    }
    said
}

#[test]
fn findings_are_as_sure_as_their_fixtures_say() {
    let rules = rules_with_a_plan_of_all();
    let mut wrong = Vec::new();
    for rule in &rules.rules {
        let bad = fixtures().join(&rule.id).join("bad");
        let said = sureness(&bad);
        if said.is_empty() {
            continue;
        }
        let audit = audit_with(&rules, &rule.id, &bad);
        for ((file, line), confidence) in said {
            let found = audit
                .apps
                .iter()
                .flat_map(|app| &app.findings)
                .find(|each| {
                    each.location.file.as_str() == file && each.location.line.to_string() == line
                });
            if found.map(|each| each.confidence) != Some(confidence) {
                let is = found.map(|each| each.confidence);
                wrong.push(format!("{}: {file}:{line} is {is:?}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_rule_reports_its_bad_fixture_and_is_silent_on_its_good_one() {
    let rules = rules_with_a_plan_of_all();
    let mut verdicts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in &rules.rules {
        let folder = fixtures().join(&rule.id);
        let verdict = verdicts.entry(rule.id.clone()).or_default();
        let (bad, good) = (folder.join("bad"), folder.join("good"));
        if !bad.is_dir() || !good.is_dir() {
            verdict.push(format!(
                "missing: {} needs bad/ and good/",
                folder.display()
            ));
            continue;
        }
        let lines = marked(&rule.id, &bad);
        let messages = expected_without_line(&folder);
        let audit = audit_with(&rules, &rule.id, &bad);
        if rule.how == How::Attest {
            // What nobody vouches for is no finding, and stays open.
            assert_eq!(state(&audit), Some(ItemState::Unattested), "{}", rule.id);
        } else {
            assert!(
                !lines.is_empty() || !messages.is_empty(),
                "{}: bad/ marks no line and EXPECT lists no gap",
                rule.id
            );
        }
        assert_eq!(audit.not_evaluated, [], "{}", rule.id);
        assert!(
            !audit.apps.is_empty(),
            "{}: no application in bad/",
            rule.id
        );
        let different = differences(&audit, lines, messages);
        verdict.extend(different.into_iter().map(|each| format!("bad, {each}")));

        assert!(
            marked(&rule.id, &good).is_empty(),
            "{}: good/ holds marks",
            rule.id
        );
        let audit = audit_with(&rules, &rule.id, &good);
        assert_eq!(audit.not_evaluated, [], "{}", rule.id);
        let different = differences(&audit, Vec::new(), Vec::new());
        verdict.extend(different.into_iter().map(|each| format!("good, {each}")));
        if !was_asked(&audit, &rule.id) {
            verdict.push(String::from(
                "good, missing: the rule was asked of nothing in it",
            ));
        }
    }
    let wrong: Vec<String> = verdicts
        .iter()
        .filter(|(_, wrong)| !wrong.is_empty())
        .map(|(rule, wrong)| format!("{rule}\n    {}", wrong.join("\n    ")))
        .collect();
    let right = verdicts.len() - wrong.len();
    assert!(
        wrong.is_empty(),
        "{right} rules reported their bad fixture and were silent on their good one; these did not:\n{}",
        wrong.join("\n")
    );
}

/// The state of the only item of the plan of all rules.
fn state(audit: &Audit) -> Option<ItemState> {
    let mut items = audit
        .apps
        .iter()
        .flat_map(|app| &app.phases)
        .flat_map(|phase| &phase.items);
    items.next().map(|item| item.state)
}

/// Silence means something only where the rule had something to look at.
fn was_asked(audit: &Audit, rule: &str) -> bool {
    let mut items = audit
        .apps
        .iter()
        .flat_map(|app| &app.phases)
        .flat_map(|phase| &phase.items);
    items.any(|item| {
        let judged = matches!(item.state, ItemState::Likely | ItemState::Unknown);
        item.rules.iter().any(|id| id == rule) && (item.total > 0 || judged)
    })
}

#[test]
fn every_fixture_belongs_to_a_rule() {
    let rules = rules();
    for entry in fs::read_dir(fixtures()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            rules.rule(&name).is_some(),
            "fixtures/rules/{name} belongs to no rule"
        );
    }
}

#[test]
fn the_standard_roadmap_lists_no_rule_twice_and_every_rule_has_a_roadmap() {
    let rules = rules();
    let mut listed: Vec<&str> = rules.roadmap("standard").unwrap().rules().collect();
    listed.sort_unstable();
    let mut once = listed.clone();
    once.dedup();
    assert_eq!(listed, once);
    let planned: BTreeSet<&str> = rules
        .roadmaps
        .iter()
        .flat_map(|plan| plan.rules())
        .collect();
    let all: BTreeSet<&str> = rules.ids().collect();
    assert_eq!(planned, all);
}

#[test]
fn two_runs_and_any_number_of_threads_give_the_same_audit() {
    let rules = rules();
    let root = fixtures().join("security-headers/bad");
    let run = || serde_json::to_string(&audit_with(&rules, "security-headers", &root)).unwrap();
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    assert_eq!(one.install(run), run());
}
