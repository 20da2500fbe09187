//! `[check.tests-run]`: test files that no runner picks up, and runners that find no file.

use std::collections::BTreeMap;

use crate::project::Package;
use crate::rule::{Confidence, Severity, TestsRun};
use crate::source::{Location, RepoPath};
use crate::syntax::ModuleRecord;

use super::CheckResult;
use super::subject::Subject;
use super::test_runner::{Picks, Runner, runners};

/// Folders whose tests are part of something else.
const LEFT_OUT: [&str; 9] = [
    "fixtures",
    "__fixtures__",
    "examples",
    "example",
    "templates",
    "template",
    "node_modules",
    "dist",
    "cypress",
];

/// Packages that run tests.
const RUNNER_PACKAGES: [&str; 14] = [
    "jest",
    "vitest",
    "@playwright/test",
    "playwright",
    "mocha",
    "ava",
    "tap",
    "uvu",
    "cypress",
    "karma",
    "jasmine",
    "react-scripts",
    "bun-types",
    "@types/bun",
];

/// Options that move a runner somewhere else than its configuration says.
const MOVES: [&str; 9] = [
    "--root",
    "--dir",
    "--rootDir",
    "--roots",
    "--testMatch",
    "--testRegex",
    "--projects",
    "--workspace",
    "--testPathIgnorePatterns",
];

pub(super) fn run(subject: &Subject<'_>, check: &TestsRun) -> CheckResult {
    let mut result = CheckResult::default();
    let runners: &[Runner] = subject
        .shared()
        .runners
        .get_or_init(|| runners(subject.model));
    let packages = packages(subject, check);
    // By folder and reason: one finding.
    let mut left: BTreeMap<(RepoPath, String), Vec<&ModuleRecord>> = BTreeMap::new();
    let mut ignored: Vec<String> = Vec::new();
    for module in tests_of(subject) {
        match judge(&packages, runners, module) {
            Answer::Run => result.covered(1.0),
            Answer::Unknown => result.unknown_in(&module.path),
            Answer::Left { why, on_purpose } => {
                if on_purpose {
                    ignored.push(why.clone());
                }
                let folder = module.path.parent().unwrap_or_else(|| RepoPath::new(""));
                left.entry((folder, why)).or_default().push(module);
            }
        }
    }
    for ((_, why), modules) in left {
        let Some(first) = modules.first() else {
            continue;
        };
        result.total += modules.len();
        result.total_weight += f64::from(u32::try_from(modules.len()).unwrap_or(1));
        let what = match modules.len() {
            1 => format!("{} is run by no test runner", first.path),
            many => format!(
                "{} and {} more test files beside it are run by no test runner",
                first.path,
                many - 1
            ),
        };
        let finding = subject
            .finding(Location::of_line(&first.path, 1), format!("{what}: {why}"))
            .with_severity(ignored.contains(&why).then_some(Severity::Low));
        result.findings.push(finding);
    }
    let root = &subject.project.root;
    let own = |runner: &&Runner| {
        let folder = runner.file.parent();
        runner.patterns.is_some() && folder.unwrap_or_else(|| RepoPath::new("")) == *root
    };
    for runner in runners.iter().filter(own) {
        // Playwright's projects: some are there for those who have set-up steps.
        let finds = runners
            .iter()
            .any(|each| each.file == runner.file && finds(subject, each));
        if !finds {
            finds_nothing(subject, runner, &mut result);
        }
    }
    result
}

/// The files of the application that hold tests.
pub(super) fn tests_of<'a>(subject: &Subject<'a>) -> Vec<&'a ModuleRecord> {
    let root = &subject.project.root;
    let nested: Vec<&RepoPath> = subject
        .model
        .project
        .apps
        .iter()
        .map(|app| &app.root)
        .filter(|other| *other != root && other.starts_with(root))
        .collect();
    let modules = subject.model.graph.modules().map(|(_, module)| module);
    modules
        .filter(|module| {
            let path = &module.path;
            let named = || {
                let name = path.file_name();
                name.contains(".test.") || name.contains(".spec.")
            };
            module.facts.test_cases > 0
                && named()
                && path.starts_with(root)
                && !nested.iter().any(|other| path.starts_with(other))
                && !path.folders().any(|folder| LEFT_OUT.contains(&folder))
        })
        .collect()
}

enum Answer {
    Run,
    Unknown,
    Left { why: String, on_purpose: bool },
}

/// A package with what its scripts say.
struct Scripts<'a> {
    folder: RepoPath,
    package: &'a Package,
    /// Some script calls a runner that is not read, or sends one elsewhere.
    other: bool,
}

fn packages<'a>(subject: &Subject<'a>, check: &TestsRun) -> Vec<Scripts<'a>> {
    // The application's tests lie in these alone.
    let root = &subject.project.root;
    let all = subject.model.project.packages.iter();
    let near = all.map(|package| (package, package.folder()));
    let near = near.filter(|(_, folder)| folder.starts_with(root) || root.starts_with(folder));
    near.map(|(package, folder)| Scripts {
        folder,
        package,
        other: package.scripts.values().any(|script| {
            moves(script)
                || check
                    .other_runners
                    .iter()
                    .any(|runner| calls(script, runner))
        }),
    })
    .collect()
}

/// Why a runner leaves a file.
struct Reason {
    tool: &'static str,
    /// How deep its configuration lies.
    near: usize,
    why: String,
    /// It is told to.
    on_purpose: bool,
}

fn judge(packages: &[Scripts<'_>], runners: &[Runner], module: &ModuleRecord) -> Answer {
    let path = &module.path;
    let above = |each: &&Scripts<'_>| path.starts_with(&each.folder);
    let other = packages.iter().filter(above).any(|each| each.other);
    let packages: Vec<&Package> = packages
        .iter()
        .filter(above)
        .map(|each| each.package)
        .collect();
    let scripts = || packages.iter().flat_map(|package| package.scripts.iter());
    let foreign = module.requests.iter().any(|request| {
        request.specifier.starts_with("bun:")
            || request.specifier.starts_with("node:test")
            || &*request.specifier == "cypress"
    });
    if other || foreign {
        return Answer::Unknown;
    }
    let mut reasons: Vec<Reason> = Vec::new();
    for runner in runners {
        let near = runner
            .file
            .parent()
            .map_or(0, |folder| folder.segments().count());
        let name = format!("{} ({})", runner.tool, runner.file);
        let reason = |why: String, on_purpose: bool| Reason {
            tool: runner.tool,
            near,
            why,
            on_purpose,
        };
        match runner.picks(path) {
            Picks::Yes => return Answer::Run,
            Picks::Unknown => return Answer::Unknown,
            Picks::Elsewhere => {
                let above = runner
                    .file
                    .parent()
                    .is_none_or(|folder| path.starts_with(&folder));
                if above && runner.patterns.is_some() {
                    let roots: Vec<String> =
                        runner.roots.iter().map(|root| format!("{root}/")).collect();
                    reasons.push(reason(
                        format!("{name} looks only in {}", roots.join(", ")),
                        false,
                    ));
                }
            }
            Picks::NoPattern => {
                let shown: Vec<String> = runner
                    .shown
                    .iter()
                    .take(3)
                    .map(|glob| format!("`{glob}`"))
                    .collect();
                reasons.push(reason(
                    format!("{name} looks for {}", shown.join(", ")),
                    false,
                ));
            }
            Picks::Ignored(pattern) => {
                reasons.push(reason(format!("{name} leaves `{pattern}` out"), true));
            }
        }
    }
    let named = scripts().find(|(_, script)| {
        packages.iter().any(|package| {
            path.strip_prefix(&package.folder())
                .is_some_and(|inside| script.contains(inside))
        })
    });
    // A file that a script runs without one of these runners runs by itself.
    let by_runner = |script: &str| {
        let runners = ["jest", "vitest", "playwright"];
        runners.iter().any(|runner| script.contains(runner))
    };
    if named.is_some_and(|(_, script)| !by_runner(script)) {
        return Answer::Run;
    }
    let alone = named
        .map(|(name, _)| format!("; only the script `{name}` names it"))
        .unwrap_or_default();
    if reasons.is_empty() {
        let installed = packages.iter().any(|package| {
            RUNNER_PACKAGES
                .iter()
                .any(|runner| package.depends_on(runner))
        });
        if installed || packages.is_empty() {
            return Answer::Unknown;
        }
        return Answer::Left {
            why: format!("none is installed{alone}"),
            on_purpose: false,
        };
    }
    // Of the runner for which the file was written, if it says so.
    let written_for = module
        .requests
        .iter()
        .find_map(|request| match &*request.specifier {
            "vitest" => Some("vitest"),
            "@playwright/test" => Some("Playwright"),
            "@jest/globals" => Some("jest"),
            _ => None,
        });
    if let Some(tool) = written_for
        && reasons.iter().any(|reason| reason.tool == tool)
    {
        reasons.retain(|reason| reason.tool == tool);
    }
    // The nearest configuration says most.
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.near));
    reasons.dedup_by(|later, earlier| later.why == earlier.why);
    let on_purpose = reasons.iter().any(|reason| reason.on_purpose);
    let told: Vec<&str> = reasons
        .iter()
        .take(2)
        .map(|reason| reason.why.as_str())
        .collect();
    Answer::Left {
        why: format!("{}{alone}", told.join(", ")),
        on_purpose,
    }
}

/// The words of a command stand in a script, one after another.
fn calls(script: &str, command: &str) -> bool {
    if !command.split(' ').all(|word| script.contains(word)) {
        return false;
    }
    let words: Vec<&str> = script
        .split([' ', '&', ';', '"', '\''])
        .filter(|word| !word.is_empty())
        .collect();
    let wanted: Vec<&str> = command.split(' ').collect();
    words
        .windows(wanted.len())
        .any(|window| window == wanted.as_slice())
}

/// A script sends its runner elsewhere, or to a configuration in another folder.
fn moves(script: &str) -> bool {
    let runs = ["jest", "vitest", "playwright"]
        .iter()
        .any(|runner| script.contains(runner));
    let words: Vec<&str> = script.split([' ', '=']).collect();
    let config = words.iter().enumerate().any(|(at, word)| {
        matches!(*word, "--config" | "-c")
            && words.get(at + 1).is_some_and(|file| {
                let file = file.trim_start_matches("./");
                file.contains('/') || !file.contains("config")
            })
    });
    runs && (config || words.iter().any(|word| MOVES.contains(word)))
}

/// Some module of the repository is one that the runner picks up, or may be.
fn finds(subject: &Subject<'_>, runner: &Runner) -> bool {
    if runner.unknown {
        return true;
    }
    let modules = subject.model.graph.modules();
    modules
        .into_iter()
        .any(|(_, module)| runner.picks(&module.path) == Picks::Yes)
}

/// A runner whose own patterns fit no file of the repository.
fn finds_nothing(subject: &Subject<'_>, runner: &Runner, result: &mut CheckResult) {
    let Some(place) = &runner.patterns else {
        return;
    };
    let shown: Vec<String> = runner
        .shown
        .iter()
        .take(3)
        .map(|glob| format!("`{glob}`"))
        .collect();
    let roots: Vec<String> = runner
        .roots
        .iter()
        .filter(|root| !root.is_root())
        .map(|root| format!(" in {root}/"))
        .collect();
    let message = format!(
        "{} looks for {}{} and finds no file",
        runner.tool,
        shown.join(", "),
        roots.join(",")
    );
    let mut place = place.clone();
    place.end_line = place.line;
    let folder = place.file.parent().unwrap_or_else(|| RepoPath::new(""));
    let has_tests = tests_of(subject)
        .iter()
        .any(|test| test.path.starts_with(&folder));
    let mut packages = subject.model.project.packages.iter();
    let is_run = packages.any(|package| {
        let mut scripts = package.scripts.values();
        folder.starts_with(&package.folder()) && scripts.any(|line| line.contains(&*runner.tool))
    });
    let finding = if has_tests || is_run {
        subject.finding(place, message)
    } else {
        subject
            .finding(place, format!("{message}: are there tests yet?"))
            .at_most(Confidence::Low)
    };
    result.gap(1.0, finding);
}
