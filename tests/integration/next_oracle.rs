//! Next.js itself as the judge: its functions and ours answer the same few thousand questions about routes and matchers.
//!
//! The packages come from the npm registry once and stay in the target folder. Without Node, npm or the registry the test
//! says so and passes, unless `READINESS_ORACLE=required`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use readiness::project::PathCondition;
use readiness::routes::{Match, MatchRequest, Matcher, app_route_url, pages_api_url};

mod questions;

use questions::{HeaderQuestion, MatcherQuestion, Questions, Tree, questions};

/// The versions compared with: the newest of the two major versions in use.
const VERSIONS: [&str; 2] = ["16.4.6", "15.5.29"];

#[derive(Deserialize)]
struct Answers {
    version: String,
    app: Vec<Vec<(String, String)>>,
    pages: Vec<Vec<(String, String)>>,
    matchers: Vec<MatcherAnswer>,
    headers: Vec<MatcherAnswer>,
}

#[derive(Deserialize)]
struct MatcherAnswer {
    #[serde(default)]
    refused: bool,
    #[serde(default)]
    regexp: String,
    #[serde(default)]
    matches: Vec<bool>,
}

#[test]
fn next_js_routes_and_matches_as_we_do() {
    let questions = questions();
    for version in VERSIONS {
        match answers(version, &questions) {
            Ok(answers) => compare(&questions, &answers),
            Err(reason) => {
                assert!(
                    std::env::var("READINESS_ORACLE").as_deref() != Ok("required"),
                    "Next.js {version} could not be asked: {reason}"
                );
                // Past the test harness, which would hold the message back.
                let _ = writeln!(
                    std::io::stderr(),
                    "next_oracle: SKIPPED for Next.js {version}: {reason}"
                );
            }
        }
    }
}

fn answers(version: &str, questions: &Questions) -> Result<Answers, String> {
    let next = install(version)?;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("questions-{version}.json"));
    fs::write(&file, written(questions).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/next.cjs");
    let output = Command::new("node")
        .args([&script, &next, &file])
        .output()
        .map_err(|error| format!("node does not start: {error}"))?;
    // From here on a failure is a failure: the package is there and the script is ours.
    assert!(
        output.status.success(),
        "the oracle's script failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answers: Answers = serde_json::from_slice(&output.stdout).expect("the script prints JSON");
    assert_eq!(answers.version, version);
    Ok(answers)
}

/// The folder of the `next` package, fetched when it is not there.
fn install(version: &str) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("next-{version}"));
    let next = folder.join("node_modules/next");
    let done = folder.join("installed");
    if done.is_file() {
        return Ok(next);
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    fs::write(folder.join("package.json"), r#"{"private":true}"#)
        .map_err(|error| error.to_string())?;
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm)
        .current_dir(&folder)
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--omit=optional",
            "--fetch-retries=0",
            "--fetch-timeout=20000",
        ])
        .args([&format!("next@{version}"), "react@19", "react-dom@19"])
        .output()
        .map_err(|error| format!("npm does not start: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = text.lines().find(|line| line.contains("error"));
        return Err(format!("npm could not install it: {}", line.unwrap_or("")));
    }
    fs::write(done, version).map_err(|error| error.to_string())?;
    Ok(next)
}

/// The questions as the script reads them.
fn written(questions: &Questions) -> Value {
    let trees = |trees: &[Tree]| -> Vec<Value> {
        trees
            .iter()
            .map(|tree| json!({ "files": tree.files, "extensions": tree.extensions }))
            .collect()
    };
    let conditions = |conditions: &[PathCondition], negated: bool| -> Vec<Value> {
        conditions
            .iter()
            .filter(|condition| condition.negated == negated)
            .map(|condition| {
                let mut entry = json!({ "type": condition.kind });
                if condition.kind != "host" {
                    entry["key"] = json!(condition.key);
                }
                if let Some(value) = &condition.value {
                    entry["value"] = json!(value);
                }
                entry
            })
            .collect()
    };
    let object = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| (String::from(*key), String::from(*value)))
            .collect()
    };
    let matchers: Vec<Value> = questions
        .matchers
        .iter()
        .map(|question| {
            let requests: Vec<Value> = question
                .requests
                .iter()
                .map(|request| {
                    json!({
                        "path": request.path,
                        "headers": object(request.headers),
                        "cookies": object(request.cookies),
                        "query": object(request.query),
                        "host": request.host,
                    })
                })
                .collect();
            json!({
                "source": question.source,
                "has": conditions(&question.conditions, false),
                "missing": conditions(&question.conditions, true),
                "locale": if question.spells_locale { Value::Bool(false) } else { Value::Null },
                "basePath": question.base_path,
                "locales": question.locales,
                "requests": requests,
            })
        })
        .collect();
    let headers: Vec<Value> = questions
        .headers
        .iter()
        .map(|question| {
            json!({
                "source": question.source,
                "basePath": question.base_path,
                "locales": question.locales,
                "paths": question.paths,
            })
        })
        .collect();
    json!({
        "app": trees(&questions.app),
        "pages": trees(&questions.pages),
        "matchers": matchers,
        "headers": headers,
    })
}

fn compare(questions: &Questions, answers: &Answers) {
    let version = &answers.version;
    let mut differences = Vec::new();
    for (tree, theirs) in questions.app.iter().zip(&answers.app) {
        differ(
            &mut differences,
            "app",
            &listed(tree, app_route_url),
            theirs,
        );
    }
    for (tree, theirs) in questions.pages.iter().zip(&answers.pages) {
        differ(
            &mut differences,
            "pages",
            &listed(tree, pages_api_url),
            theirs,
        );
    }
    for (question, theirs) in questions.matchers.iter().zip(&answers.matchers) {
        compare_matcher(&mut differences, question, theirs);
    }
    for (question, theirs) in questions.headers.iter().zip(&answers.headers) {
        compare_header(&mut differences, question, theirs);
    }
    assert!(
        differences.is_empty(),
        "Next.js {version} differs in {} answers:\n{}",
        differences.len(),
        differences[..differences.len().min(40)].join("\n")
    );
    // The comparison must not become empty without anyone noticing.
    let asked = |trees: &[Tree]| trees.iter().map(|tree| tree.files.len()).sum::<usize>();
    let rows = |rows: &[Vec<(String, String)>]| rows.iter().map(Vec::len).sum::<usize>();
    assert!(asked(&questions.app) > 200 && rows(&answers.app) > 100);
    assert!(asked(&questions.pages) > 60 && rows(&answers.pages) > 30);
    let accepted = answers.matchers.iter().filter(|answer| !answer.refused);
    assert!(accepted.clone().count() > 2000);
    let taken = accepted
        .flat_map(|answer| &answer.matches)
        .filter(|taken| **taken);
    assert!(taken.count() > 10_000);
}

fn compare_matcher(
    differences: &mut Vec<String>,
    question: &MatcherQuestion,
    theirs: &MatcherAnswer,
) {
    let about = format!(
        "matcher {} base {:?} locales {:?}",
        question.source, question.base_path, question.locales
    );
    let make = if question.spells_locale {
        Matcher::without_locale
    } else {
        Matcher::new
    };
    let ours = make(
        &question.source,
        question.conditions.clone(),
        question.base_path,
        &question.locales,
    );
    let Some(ours) = accepted(differences, &about, ours, theirs) else {
        return;
    };
    if ours.regexp != theirs.regexp {
        differences.push(format!(
            "{about}:\n  ours   {}\n  theirs {}",
            ours.regexp, theirs.regexp
        ));
    }
    for (request, theirs) in question.requests.iter().zip(&theirs.matches) {
        if (ours.matches(request) == Match::Yes) != *theirs {
            differences.push(format!("{about} on {request:?}: theirs {theirs}"));
        }
    }
}

fn compare_header(
    differences: &mut Vec<String>,
    question: &HeaderQuestion,
    theirs: &MatcherAnswer,
) {
    let about = format!("header {} base {:?}", question.source, question.base_path);
    let ours = Matcher::for_header_source(
        &question.source,
        Vec::new(),
        question.base_path,
        &question.locales,
    );
    let Some(ours) = accepted(differences, &about, ours, theirs) else {
        return;
    };
    for (path, theirs) in question.paths.iter().zip(&theirs.matches) {
        let request = MatchRequest {
            path,
            complete: true,
            ..MatchRequest::default()
        };
        if (ours.matches(&request) == Match::Yes) != *theirs {
            differences.push(format!("{about} on {path}: theirs {theirs}"));
        }
    }
}

/// Our matcher, when both sides accept the source; a difference when only one does.
fn accepted<E: std::fmt::Display>(
    differences: &mut Vec<String>,
    about: &str,
    ours: Result<Matcher, E>,
    theirs: &MatcherAnswer,
) -> Option<Matcher> {
    match ours {
        Ok(_) if theirs.refused => {
            differences.push(format!("{about}: only they refuse"));
            None
        }
        Ok(ours) => Some(ours),
        Err(error) => {
            if !theirs.refused {
                differences.push(format!("{about}: only we refuse: {error}"));
            }
            None
        }
    }
}

fn listed(tree: &Tree, url: fn(&str, &[String]) -> Option<String>) -> BTreeSet<(String, String)> {
    tree.files
        .iter()
        .filter_map(|file| Some((file.clone(), url(file, &tree.extensions)?)))
        .collect()
}

fn differ(
    differences: &mut Vec<String>,
    what: &str,
    ours: &BTreeSet<(String, String)>,
    theirs: &[(String, String)],
) {
    let theirs: BTreeSet<_> = theirs.iter().cloned().collect();
    for row in ours.difference(&theirs) {
        differences.push(format!("{what}: only ours {row:?}"));
    }
    for row in theirs.difference(ours) {
        differences.push(format!("{what}: only theirs {row:?}"));
    }
}
