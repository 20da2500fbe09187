//! `[check.coverage-threshold]`: the test runner fails below a coverage.

use serde_json::Value;

use crate::project::Package;
use crate::rule::{Confidence, CoverageThreshold};
use crate::source::{Location, RepoPath};
use crate::syntax::{Expr, ExprId, ModuleRecord, Property};

use super::CheckResult;
use super::code::{key, numbered, place, property};
use super::pipeline::{lines_of_each, runs_command};
use super::subject::Subject;
use super::tests_elsewhere::{Counted, ELSEWHERE, tests};
use super::tests_run::tests_of;

/// What coverage tools measure.
const MEASURES: [&str; 4] = ["branches", "functions", "lines", "statements"];

/// Commands that run tests whose coverage can be measured.
const RUNNERS: [&str; 14] = [
    "vitest",
    "jest",
    "mocha",
    "ava",
    "tap",
    "uvu",
    "c8",
    "nyc",
    "bun test",
    "node --test",
    "tsx --test",
    "deno test",
    "react-scripts test",
    "ng test",
];

/// So few files of tests ...
const FEW: usize = 2;
/// ... for so many modules each leave no coverage that could drop.
const MANY: usize = 50;

/// What was found: the highest threshold.
#[derive(Default)]
struct Found {
    highest: Option<(f64, Location)>,
}

impl Found {
    fn threshold(&mut self, percent: f64, location: Location) {
        // vitest reads a negative number as "so many uncovered lines at most", which is a threshold of its own kind.
        let percent = if percent < 0.0 { 100.0 } else { percent };
        if self
            .highest
            .as_ref()
            .is_none_or(|(highest, _)| percent > *highest)
        {
            self.highest = Some((percent, location));
        }
    }
}

pub(super) fn run(subject: &Subject<'_>, check: &CoverageThreshold) -> CheckResult {
    let mut found = Found::default();
    let root = &subject.project.root;
    for (_, module) in subject.model.graph.modules() {
        let near = || {
            let folder = module.path.parent();
            folder.is_some_and(|folder| root.starts_with(&folder) || folder.starts_with(root))
        };
        if is_configuration(&module.path) && near() {
            in_config(module, &mut found);
        }
    }
    in_manifests(subject, &mut found);
    in_documents(subject, &mut found);
    let mut findings: Vec<_> = Vec::new();
    match found.highest {
        Some((percent, location)) if percent >= check.percent => {
            return CheckResult::passed(Some(location));
        }
        Some((percent, location)) => {
            let wanted = check.percent;
            let message = format!("the coverage threshold is {percent} %, below {wanted} %");
            findings.push(subject.finding(location, message));
        }
        None => {
            let message = "no test runner fails when the coverage drops";
            let own = tests(subject).filter(|(_, module)| module.path.starts_with(root));
            let own: Vec<_> = own.map(|(id, _)| id).collect();
            let ways = Counted::of(subject, &own);
            let modules = subject.modules().count();
            let question = if tests_of(subject).is_empty() && own.is_empty() {
                Some("should there be tests first")
            } else if !runs_tests(subject) {
                Some("should a script run its tests first")
            } else if ways.are_elsewhere() {
                Some(ELSEWHERE)
            } else if ways.inside <= FEW && modules >= ways.inside * MANY {
                Some("should there be more tests first")
            } else {
                None
            };
            let question = question.map(str::to_owned).or_else(|| {
                let told = decided_outside(subject)?;
                Some(format!(
                    "does Codecov fail a change that lowers it, as `{told}` lets it"
                ))
            });
            findings.push(match question {
                Some(question) => subject
                    .app_finding(format!("{message}: or {question}?"))
                    .at_most(Confidence::Low),
                None => subject.app_finding(String::from(message)),
            });
        }
    }
    CheckResult::pass_or_fail(findings)
}

/// What tells Codecov how to judge the coverage that pipelines send there, where that leaves it to fail what lowers it. Without
/// such a file nobody may have set it up.
fn decided_outside<'a>(subject: &Subject<'a>) -> Option<&'a RepoPath> {
    let mut documents = subject.model.documents.iter();
    let told = documents.find(|file| file.path.stem().trim_start_matches('.') == "codecov")?;
    let sends = ["codecov/codecov-action", "codecov", "codecov/upload"].map(str::to_owned);
    let sent = lines_of_each(subject).iter().any(|lines| lines.run(&sends));
    (sent && judges(&told.text)).then_some(&told.path)
}

/// Codecov compares the coverage of the whole project, unless it is told to leave that or to fail nothing.
fn judges(told: &str) -> bool {
    let mut of_patches = false;
    for line in told.lines() {
        let line = line.split('#').next().unwrap_or(line);
        let Some((key, value)) = line.trim().split_once(':') else {
            continue;
        };
        let value = value.trim();
        let off = matches!(value, "off" | "false" | "no");
        match key {
            "patch" => of_patches = true,
            "project" => of_patches = false,
            _ => {}
        }
        let silent = off && matches!(key, "status" | "project" | "enabled")
            || key == "informational" && value == "true";
        if silent && !of_patches {
            return false;
        }
    }
    true
}

/// The application has a script for its tests, or one around it runs them.
fn runs_tests(subject: &Subject<'_>) -> bool {
    let names = |package: &Package| {
        let mut names = package.scripts.keys();
        names.any(|name| name.split([':', '-']).any(|word| word == "test"))
    };
    let runners = RUNNERS.map(str::to_owned);
    let mut around = subject.packages_around().into_iter();
    subject.package().is_some_and(names)
        || around.any(|package| {
            let mut lines = package.scripts.values();
            lines.any(|line| runs_command(&runners, line))
        })
}

/// `jest.config.*`, `vitest.config.*`, `vite.config.*`, `vitest.workspace.*`.
fn is_configuration(path: &RepoPath) -> bool {
    let name = path.file_name();
    ["jest.", "vitest.", "vite."]
        .iter()
        .any(|runner| name.starts_with(runner))
        && (name.contains(".config.") || name.starts_with("vitest.workspace."))
}

fn in_config(module: &ModuleRecord, found: &mut Found) {
    let jest = module.path.file_name().starts_with("jest.");
    for (_, expr) in numbered(module) {
        let Expr::Object(properties) = expr else {
            continue;
        };
        for each in properties {
            let Property::Value { key: name, value } = each else {
                continue;
            };
            let Some(name) = key(module, name) else {
                continue;
            };
            if (jest && name == "coverageThreshold") || (!jest && name == "thresholds") {
                measures(module, *value, found);
            } else if !jest && name == "coverage" {
                // Before version 1, vitest took the measures right here.
                direct_measures(module, *value, found);
            }
        }
    }
}

/// `{ lines: 80 }`, `{ global: { lines: 80 } }`, `{ 100: true }`.
fn measures(module: &ModuleRecord, object: ExprId, found: &mut Found) {
    direct_measures(module, object, found);
    if let Some(Expr::Object(properties)) = module.exprs.get(object.0 as usize) {
        for each in properties {
            if let Property::Value { key: name, value } = each {
                if key(module, name) == Some("100")
                    && matches!(module.exprs.get(value.0 as usize), Some(Expr::Bool(true)))
                {
                    found.threshold(100.0, place(module, *value));
                }
                direct_measures(module, *value, found);
            }
        }
    }
}

fn direct_measures(module: &ModuleRecord, object: ExprId, found: &mut Found) {
    for measure in MEASURES {
        let Some(value) = property(module, object, measure) else {
            continue;
        };
        match module.exprs.get(value.0 as usize) {
            Some(Expr::Number(percent)) => found.threshold(*percent, place(module, value)),
            // Computed: it is set, and to what cannot be said.
            Some(
                Expr::Name(_) | Expr::Member { .. } | Expr::Call { .. } | Expr::Conditional { .. },
            ) => {
                found.threshold(100.0, place(module, value));
            }
            Some(Expr::Unary { .. }) => found.threshold(-1.0, place(module, value)),
            _ => {}
        }
    }
}

/// `package.json#jest`, `#nyc`, `#c8`, and flags in scripts.
fn in_manifests(subject: &Subject<'_>, found: &mut Found) {
    let root = &subject.project.root;
    for package in &subject.model.project.packages {
        let Some(folder) = &package.root else {
            continue;
        };
        if !root.starts_with(folder) && !folder.starts_with(root) {
            continue;
        }
        let manifest = Location::of_line(&folder.join("package.json"), 1);
        let jest = package.json.get("jest");
        let threshold = jest.and_then(|jest| jest.get("coverageThreshold"));
        for value in threshold
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|it| it.values())
        {
            json_measures(value, &manifest, found);
        }
        for tool in ["nyc", "c8"] {
            if let Some(options) = package.json.get(tool) {
                checked_measures(options, &manifest, found);
            }
        }
        let told = subject.model.paths.binary_search(&folder.join(".taprc"));
        let checks = told.is_err() && package.range("tap").is_some_and(checks_by_itself);
        for body in package.scripts.values() {
            in_script(body, &manifest, found);
            if checks && taps(body) {
                found.threshold(100.0, manifest.clone());
            }
        }
    }
}

/// From version 15 on, tap fails below full coverage.
fn checks_by_itself(range: &str) -> bool {
    let number = range.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let major = number
        .split('.')
        .next()
        .and_then(|text| text.parse::<u32>().ok());
    major.is_some_and(|major| major >= 15)
}

/// The script runs tap, and lets nothing pass.
fn taps(body: &str) -> bool {
    let lenient = [
        "--allow-incomplete-coverage",
        "--disable-coverage",
        "--no-check-coverage",
        "--no-coverage",
        "--no-cov",
    ];
    let mut words = body.split_whitespace();
    words.clone().any(|word| word == "tap") && !words.any(|word| lenient.contains(&word))
}

/// `c8 --check-coverage --lines 80`, `vitest --coverage.thresholds.lines=80`, `node --test --test-coverage-lines=80`.
fn in_script(body: &str, place: &Location, found: &mut Found) {
    let words: Vec<&str> = body.split([' ', '=', '"', '\'']).collect();
    let checked = words.contains(&"--check-coverage") || words.contains(&"check-coverage");
    for (at, word) in words.iter().enumerate() {
        let vitest = word.strip_prefix("--coverage.thresholds.");
        let node = word.strip_prefix("--test-coverage-");
        let flag = word.strip_prefix("--").filter(|_| checked);
        let Some(name) = vitest.or(node).or(flag) else {
            continue;
        };
        if MEASURES.contains(&name)
            && let Some(percent) = words
                .get(at + 1)
                .and_then(|value| value.parse::<f64>().ok())
        {
            found.threshold(percent, place.clone());
        }
    }
    if words.contains(&"--100") {
        found.threshold(100.0, place.clone());
    }
}

/// `.nycrc`, `.nycrc.json`, `.c8rc`, `.c8rc.json`, `jest.config.json`, `bunfig.toml`.
fn in_documents(subject: &Subject<'_>, found: &mut Found) {
    for file in subject.documents() {
        let name = file.path.file_name();
        let place = Location::of_line(&file.path, 1);
        if name == "bunfig.toml" {
            in_bunfig(&file.text, &place, found);
        }
        if !matches!(
            name,
            ".nycrc" | ".nycrc.json" | ".c8rc" | ".c8rc.json" | "jest.config.json"
        ) {
            continue;
        }
        let Some(value) = super::config_key::json(&file.text) else {
            continue;
        };
        if name == "jest.config.json" {
            if let Some(threshold) = value.get("coverageThreshold").and_then(Value::as_object) {
                for value in threshold.values() {
                    json_measures(value, &place, found);
                }
            }
        } else {
            checked_measures(&value, &place, found);
        }
    }
}

/// `coverageThreshold = 0.8` or `{ lines = 0.8 }` below `[test]`, in parts of one.
fn in_bunfig(text: &str, place: &Location, found: &mut Found) {
    let table: Option<toml::Table> = text.parse().ok();
    let threshold = table
        .as_ref()
        .and_then(|table| table.get("test")?.get("coverageThreshold"));
    let number = |value: &toml::Value| {
        let whole = value
            .as_integer()
            .and_then(|whole| i32::try_from(whole).ok());
        value.as_float().or(whole.map(f64::from))
    };
    let Some(threshold) = threshold else {
        return;
    };
    let measured = MEASURES.iter().filter_map(|measure| threshold.get(measure));
    for share in std::iter::once(threshold)
        .chain(measured)
        .filter_map(number)
    {
        found.threshold(share * 100.0, place.clone());
    }
}

/// nyc and c8 fail only with `check-coverage`; then 90 % of lines holds when nothing else is said.
fn checked_measures(options: &Value, place: &Location, found: &mut Found) {
    let checks = ["check-coverage", "checkCoverage"]
        .iter()
        .any(|key| options.get(key).and_then(Value::as_bool) == Some(true));
    if !checks {
        return;
    }
    let before = found.highest.is_some();
    json_measures(options, place, found);
    if !before && found.highest.is_none() {
        found.threshold(90.0, place.clone());
    }
}

fn json_measures(value: &Value, place: &Location, found: &mut Found) {
    for measure in MEASURES {
        if let Some(percent) = value.get(measure).and_then(Value::as_f64) {
            found.threshold(percent, place.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::judges;

    #[test]
    fn what_codecov_is_told() {
        assert!(judges(""));
        assert!(judges("coverage:\n  status:\n    patch: off\n"));
        assert!(judges(
            "coverage:\n  status:\n    patch:\n      default:\n        informational: true\n    project:\n      default:\n        target: auto\n"
        ));
        assert!(!judges(
            "coverage:\n  status:\n    project: off # not yet\n"
        ));
        assert!(!judges("coverage:\n  status: off\n"));
        assert!(!judges(
            "coverage:\n  status:\n    project:\n      default:\n        informational: true\n"
        ));
    }
}
