//! What the proof engine says of small applications, handler by handler.
//!
//! Every folder under `fixtures/controls` is an application around one mechanism. What must come out stands in the code
//! itself, on the lines before the line on which a handler begins:
//!
//! ```text
//! //= auth enforced, rate_limit enforced 30/1m, validation schema
//! //= POST auth enforced
//! ```
//!
//! A method limits a line to that handler, where several begin on one line. A rate limit without count and window says
//! that none can be read. A comment that meets no handler is a failure, and so is a handler without a comment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use readiness::config::Config;
use readiness::controls::Status;
use readiness::model::{Model, RouteFacts, build};
use readiness::rule::{Control, RuleSet};
use readiness::source::{RepoPath, Repository};

const MARK: &str = "//=";

/// One comment: where it stands, the line that it speaks of, and what it says.
#[derive(Debug)]
struct Expectation {
    line: u32,
    target: u32,
    method: Option<String>,
    verdicts: Vec<(Control, String)>,
}

/// The words that a comment may use for a control.
fn vocabulary(control: Control) -> &'static [Status] {
    use Status as S;
    match control {
        Control::Auth => &[S::Enforced, S::Optional, S::Absent, S::Unknown],
        Control::RateLimit => &[S::Enforced, S::Conditional, S::Absent, S::Unknown],
        Control::Validation => &[S::Schema, S::Manual, S::Absent, S::Na, S::Unknown],
        Control::ErrorHandling => &[S::Caught, S::Uncaught, S::Unknown],
        Control::Logging => &[S::Structured, S::Console, S::Absent, S::Unknown],
        Control::Tests => &[S::Tested, S::Untested],
    }
}

fn parse(comment: &str, line: u32, target: u32) -> Result<Expectation, String> {
    let mut text = comment.trim();
    let mut method = None;
    if let Some((first, rest)) = text.split_once(' ')
        && !Control::ALL.iter().any(|control| control.key() == first)
    {
        method = Some(first.to_owned());
        text = rest;
    }
    let mut verdicts: Vec<(Control, String)> = Vec::new();
    for part in text.split(", ") {
        let (key, verdict) = part
            .split_once(' ')
            .ok_or_else(|| format!("line {line}: `{part}` is no control and verdict"))?;
        let control = Control::ALL
            .into_iter()
            .find(|control| control.key() == key)
            .ok_or_else(|| format!("line {line}: there is no control `{key}`"))?;
        let word = verdict.split(' ').next().unwrap_or_default();
        if !vocabulary(control).iter().any(|each| each.word() == word) {
            return Err(format!("line {line}: `{key}` is never `{word}`"));
        }
        if verdicts.iter().any(|(known, _)| *known == control) {
            return Err(format!("line {line}: `{key}` is said twice"));
        }
        verdicts.push((control, verdict.to_owned()));
    }
    Ok(Expectation {
        line,
        target,
        method,
        verdicts,
    })
}

/// The comments of a file. One speaks of the next line that is no such comment.
fn expectations(text: &str) -> Result<Vec<Expectation>, String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(comment) = line.strip_prefix(MARK) else {
            continue;
        };
        let next = lines[at..].iter().position(|line| !line.starts_with(MARK));
        let target = at + next.unwrap_or(0) + 1;
        found.push(parse(comment, at as u32 + 1, target as u32)?);
    }
    Ok(found)
}

/// What the model says, in the words of the comments.
fn said(route: &RouteFacts, control: Control) -> String {
    let verdict = &route.controls[&control];
    match &verdict.limit {
        Some(limit) => format!("{} {limit}", verdict.status.word()),
        None => verdict.status.word().to_owned(),
    }
}

fn model_of(repository: &Repository, rules: &RuleSet) -> Model {
    let path = RepoPath::new("readiness.toml");
    let config = match repository.read(&path) {
        Ok(file) => Config::parse(&path, &file.text, rules).unwrap(),
        Err(_) => Config::default(),
    };
    build(repository, rules, &config)
}

/// Everything in which a repository's comments and its model differ; empty when they agree.
fn differences(repository: &Repository, rules: &RuleSet) -> Vec<String> {
    let model = model_of(repository, rules);
    let mut out: Vec<String> = model
        .not_examined
        .iter()
        .map(|file| format!("{}: not examined: {}", file.path, file.reason))
        .collect();
    let unknown = model.unknown_controls.iter();
    out.extend(unknown.map(|(_, message)| message.clone()));
    let routes: Vec<&RouteFacts> = model.apps.iter().flat_map(|app| &app.routes).collect();
    if routes.is_empty() {
        out.push(String::from("no handler at all"));
    }
    let mut comments: BTreeMap<RepoPath, Vec<Expectation>> = BTreeMap::new();
    let mut lines: BTreeMap<RepoPath, u32> = BTreeMap::new();
    for path in repository.modules() {
        let file = repository.read(path).unwrap();
        lines.insert(path.clone(), file.text.lines().count() as u32);
        match expectations(&file.text) {
            Ok(found) => drop(comments.insert(path.clone(), found)),
            Err(mistake) => out.push(format!("{path}: {mistake}")),
        }
    }
    let meets = |expectation: &Expectation, path: &RepoPath, route: &RouteFacts| {
        route.file == *path
            && route.location.line == expectation.target
            && expectation
                .method
                .as_ref()
                .is_none_or(|method| *method == route.route.method)
    };
    for (path, expectations) in &comments {
        for expectation in expectations {
            if !routes.iter().any(|route| meets(expectation, path, route)) {
                let line = expectation.line;
                out.push(format!("{path}:{line}: the comment meets no handler"));
            }
        }
    }
    for route in &routes {
        let name = format!(
            "{}:{} {}",
            route.file, route.location.line, route.route.method
        );
        let own: Vec<&Expectation> = comments
            .get(&route.file)
            .into_iter()
            .flatten()
            .filter(|expectation| meets(expectation, &route.file, route))
            .collect();
        if own.is_empty() {
            out.push(format!("{name}: no comment says what must come out"));
        }
        for (control, expected) in own.iter().flat_map(|each| &each.verdicts) {
            let found = said(route, *control);
            if found != *expected {
                let key = control.key();
                let verdict = &route.controls[control];
                let chain: Vec<String> = verdict
                    .evidence
                    .iter()
                    .map(|step| format!("{}:{} {}", step.file, step.line, step.note))
                    .collect();
                out.push(format!(
                    "{name}: {key} must be `{expected}`, is `{found}` ({})",
                    chain.join(" > ")
                ));
            }
        }
        // A chain begins at the handler and leads to lines that exist; what protects is shown.
        for (control, verdict) in &route.controls {
            let key = control.key();
            let steps = &verdict.evidence;
            for step in steps {
                if step.line == 0 || lines.get(&step.file).is_none_or(|last| step.line > *last) {
                    let (file, line) = (&step.file, step.line);
                    out.push(format!("{name}: {key} leads to {file}:{line}"));
                }
            }
            let guards = matches!(control, Control::Auth | Control::RateLimit);
            if guards && verdict.status == Status::Enforced && steps.len() < 2 {
                out.push(format!(
                    "{name}: {key} is enforced, but by what is not shown"
                ));
            }
        }
    }
    out
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/controls");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}

#[test]
fn every_handler_gets_the_verdict_that_its_fixture_states() {
    let rules = RuleSet::builtin().unwrap();
    let mut out = Vec::new();
    let cases = cases();
    assert!(!cases.is_empty());
    for case in &cases {
        let name = case.file_name().unwrap().to_string_lossy();
        let repository = Repository::open(case).unwrap();
        for difference in differences(&repository, &rules) {
            out.push(format!("{name}/{difference}"));
        }
    }
    assert!(out.is_empty(), "\n{}\n", out.join("\n"));
}

/// A mechanism of which only one side is shown proves nothing: every word of every control occurs somewhere.
#[test]
fn the_fixtures_show_every_word() {
    let mut seen: BTreeSet<(&str, String)> = BTreeSet::new();
    for case in cases() {
        let repository = Repository::open(&case).unwrap();
        for path in repository.modules() {
            let file = repository.read(path).unwrap();
            for expectation in expectations(&file.text).unwrap() {
                for (control, verdict) in expectation.verdicts {
                    let word = verdict.split(' ').next().unwrap().to_owned();
                    seen.insert((control.key(), word));
                }
            }
        }
    }
    for control in Control::ALL {
        for status in vocabulary(control) {
            if *status != Status::Unknown {
                let word = status.word().to_owned();
                let key = control.key();
                assert!(seen.contains(&(key, word)), "{key} {}", status.word());
            }
        }
    }
}

const MANIFEST: &str = r#"{ "dependencies": { "next": "15.1.0" } }"#;

fn found_in(route: &str) -> Vec<String> {
    let files = [("package.json", MANIFEST), ("app/api/a/route.ts", route)];
    differences(&Repository::in_memory(&files), &RuleSet::builtin().unwrap())
}

#[test]
fn comments_that_say_nothing_true_are_told() {
    let handler = "export async function GET() {\n  return Response.json(await load());\n}\n";
    let with = |comment: &str| found_in(&format!("{comment}\n{handler}"));
    assert_eq!(with("//= auth none, rate_limit none"), [""; 0]);
    assert_eq!(with("//= GET auth none"), [""; 0]);
    for (comment, complaint) in [
        ("//= auth enforced", "auth must be `enforced`, is `none`"),
        ("//= auth none\n", "the comment meets no handler"),
        ("//= POST auth none", "the comment meets no handler"),
        ("// auth none", "no comment says"),
        ("//= auth caught", "`auth` is never `caught`"),
        ("//= auth none, auth none", "`auth` is said twice"),
        ("//= auth", "is no control and verdict"),
        ("//= auth none, speed none", "no control `speed`"),
        ("//= rate_limit none 5/1m", "must be `none 5/1m`, is `none`"),
    ] {
        let found = with(comment);
        assert!(
            found.iter().any(|each| each.contains(complaint)),
            "{comment}: {found:?}"
        );
    }
}

/// What is given up in a helper leaves open whether a guard stood there only where the helper was given something of the request.
#[test]
fn a_helper_too_large_to_be_followed_leaves_open_what_it_may_ask() {
    let steps = "  total += one.two + three(total, 4);\n".repeat(4_000);
    let helper = format!(
        "import {{ PrismaClient }} from '@prisma/client';
         export const db = new PrismaClient();
         export async function large(of: string) {{
           await db.setting.findMany({{ where: {{ of }} }});
           let total = 0;
         {steps}
           return total;
         }}"
    );
    let route = |auth: &str, given: &str| {
        format!(
            "import {{ db, large }} from '../../../lib/large';
             //= auth {auth}
             export async function POST(request: Request) {{
               const {{ id }} = await request.json();
               await large({given});
               await db.item.create({{ data: {{ id }} }});
               return Response.json({{}});
             }}"
        )
    };
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("package.json", MANIFEST.to_owned()),
        ("lib/large.ts", helper),
        ("app/api/settings/route.ts", route("none", "'all'")),
        ("app/api/sent/route.ts", route("unknown", "id")),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let repository = Repository::open(folder.path()).unwrap();
    let differences = differences(&repository, &RuleSet::builtin().unwrap());
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
}
