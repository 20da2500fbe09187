//! Two audits side by side: what was fixed, what is new, what cannot be told any more, and how the score moved.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::source::RepoPath;

use super::Unknown;
use super::accepted::{Accepted, Between, is_unknown, is_worse, known};
use super::baseline::{BASELINE_SCHEMA, Named};

/// What stands in front of the reports that can be read.
const AUDIT_SCHEMA: &str = "readiness/audit/1";

/// As much of a JSON report as a comparison needs.
#[derive(Debug, Deserialize)]
struct Recorded {
    schema: String,
    tool: RecordedTool,
    root: String,
    apps: Vec<RecordedApp>,
    #[serde(default)]
    not_examined: Vec<RecordedFile>,
    #[serde(default)]
    not_evaluated: Vec<RecordedRule>,
}

#[derive(Debug, Deserialize)]
struct RecordedFile {
    path: String,
}

#[derive(Debug, Deserialize)]
struct RecordedRule {
    app: String,
    rule: String,
}

#[derive(Debug, Deserialize)]
struct RecordedTool {
    version: String,
}

#[derive(Debug, Deserialize)]
struct RecordedApp {
    root: String,
    name: String,
    #[serde(default)]
    roadmap: String,
    score: Option<f64>,
    grade: Option<char>,
    findings: Vec<RecordedFinding>,
    #[serde(default)]
    suppressed: Vec<RecordedSuppression>,
    #[serde(default)]
    unknown: Vec<Unknown>,
}

#[derive(Debug, Deserialize)]
struct RecordedSuppression {
    finding: RecordedFinding,
}

#[derive(Debug, Deserialize)]
struct RecordedFinding {
    rule: String,
    severity: crate::rule::Severity,
    #[serde(default)]
    count: Option<usize>,
    message: String,
    location: RecordedPlace,
    route: Option<String>,
    fingerprint: String,
}

#[derive(Debug, Deserialize)]
struct RecordedPlace {
    file: String,
}

/// `readiness/diff/1`
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Diff {
    /// `readiness/diff/1`
    pub schema: &'static str,
    /// The earlier audit.
    pub old: Side,
    /// The later one.
    pub new: Side,
    /// Why the two may not be comparable: other applications, or other roadmaps.
    pub warnings: Vec<String>,
    /// The applications of both, by folder.
    pub apps: Vec<AppDiff>,
}

/// One of the two audits.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Side {
    /// The audited path, as the user gave it then.
    pub root: String,
    /// The version of the program.
    pub version: String,
}

/// One application in both audits.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct AppDiff {
    /// Its folder.
    pub root: String,
    /// Its name.
    pub name: String,
    /// Score and grade then; `null` when it was not there.
    pub old: Option<Score>,
    /// Score and grade now; `null` when it is there no more.
    pub new: Option<Score>,
    /// Findings that were not there before.
    pub appeared: Vec<Accepted>,
    /// Findings that were there and are more severe now, or count more places.
    pub worse: Vec<Accepted>,
    /// Findings that are there no more.
    pub fixed: Vec<Accepted>,
    /// Findings that somebody suppressed since, with a reason.
    pub suppressed: Vec<Accepted>,
    /// Findings of which it can no longer be told whether they are there: what they were about became unknown, or could not be
    /// examined.
    pub unproven: Vec<Accepted>,
    /// How many are in both, no more severe.
    pub unchanged: usize,
}

/// A score with its grade.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, schemars::JsonSchema)]
pub struct Score {
    /// 0–100; `null` when nothing of the roadmap was judged.
    pub score: Option<f64>,
    /// A–F; `null` when there is no score.
    pub grade: Option<char>,
}

/// Compares two JSON reports. Each side's mistake is told with `old` or `new` in front.
///
/// # Errors
/// When one of them is no report that this version reads.
pub fn diff(old: &str, new: &str) -> Result<Diff, (Which, String)> {
    let old = recorded(old).map_err(|error| (Which::Old, error))?;
    let new = recorded(new).map_err(|error| (Which::New, error))?;
    let reworded = old.tool.version != new.tool.version;
    // A folder may hold several applications, which stand in one order in both.
    let in_folder = |side: &Recorded, root: &str| {
        let apps = side.apps.iter();
        apps.filter(|app| app.root == root).count()
    };
    let mut roots: Vec<&str> = old
        .apps
        .iter()
        .chain(&new.apps)
        .map(|app| app.root.as_str())
        .collect();
    roots.sort_unstable();
    roots.dedup();
    let apps = roots.into_iter().flat_map(|root| {
        let most = in_folder(&old, root).max(in_folder(&new, root));
        (0..most).map(move |at| (root, at))
    });
    let apps = apps.map(|(root, at)| {
        let before = old.apps.iter().filter(|app| app.root == root).nth(at);
        let after = new.apps.iter().filter(|app| app.root == root).nth(at);
        app_diff(root, before, after, (&new, reworded))
    });
    Ok(Diff {
        schema: "readiness/diff/1",
        warnings: warnings(&old, &new),
        apps: apps.collect(),
        old: side(&old),
        new: side(&new),
    })
}

/// What keeps two reports from being compared.
fn warnings(old: &Recorded, new: &Recorded) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut common = 0;
    for after in &new.apps {
        let Some(before) = old.apps.iter().find(|app| app.root == after.root) else {
            continue;
        };
        common += 1;
        let differ = |a: &str, b: &str| !a.is_empty() && !b.is_empty() && a != b;
        if differ(&before.name, &after.name) {
            warnings.push(format!(
                "the application was `{}` and is `{}`; these may be reports of two applications",
                before.name, after.name
            ));
        }
        if differ(&before.roadmap, &after.roadmap) {
            warnings.push(format!(
                "`{}` was scored by the roadmap {} and then by {}; the scores cannot be compared, and the rules are others",
                after.name, before.roadmap, after.roadmap
            ));
        }
    }
    if common == 0 && !old.apps.is_empty() && !new.apps.is_empty() {
        warnings.push(String::from("the reports have no application in common"));
    }
    warnings
}

/// Which of two reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// The earlier one.
    Old,
    /// The later one.
    New,
}

fn side(recorded: &Recorded) -> Side {
    Side {
        root: recorded.root.clone(),
        version: recorded.tool.version.clone(),
    }
}

fn recorded(text: &str) -> Result<Recorded, String> {
    if Named::of(text).is_some_and(|schema| schema == BASELINE_SCHEMA) {
        return Err(String::from(
            "it is a baseline; `readiness audit --format json` writes the reports that are compared here, and `readiness audit \
             --baseline` holds the code against a baseline",
        ));
    }
    let recorded: Recorded = serde_json::from_str(text)
        .map_err(|error| format!("it is no report of `readiness audit --format json`: {error}"))?;
    if recorded.schema == AUDIT_SCHEMA {
        Ok(recorded)
    } else {
        Err(format!(
            "its schema is `{}`, and this version reads `{AUDIT_SCHEMA}`",
            recorded.schema
        ))
    }
}

fn app_diff(
    root: &str,
    old: Option<&RecordedApp>,
    new: Option<&RecordedApp>,
    (now, reworded): (&Recorded, bool),
) -> AppDiff {
    let (before, after) = (findings(old), findings(new));
    // A report does not say which files there are; one of which it tells nothing may be gone.
    let told: BTreeSet<&str> = after.iter().map(|each| each.file.as_str()).collect();
    let between = Between {
        reworded,
        is_gone: &|file| !told.contains(file),
    };
    let known = known(&before, &after, &between);
    let mut still = vec![false; before.len()];
    let (mut appeared, mut worse, mut unchanged) = (Vec::new(), Vec::new(), 0);
    for (finding, at) in after.into_iter().zip(known) {
        let Some((at, was)) = at.and_then(|at| Some((at, before.get(at)?))) else {
            appeared.push(finding);
            continue;
        };
        if let Some(still) = still.get_mut(at) {
            *still = true;
        }
        if is_worse(was, finding.severity, finding.count) {
            worse.push(finding);
        } else {
            unchanged += 1;
        }
    }
    let gone = before.into_iter().zip(still).filter(|(_, still)| !still);
    let mut fixed = Vec::new();
    let mut suppressed = Vec::new();
    let mut unproven = Vec::new();
    for (finding, _) in gone {
        let is_suppressed = new.is_some_and(|app| {
            let mut all = app.suppressed.iter().map(|each| &each.finding);
            all.any(|each| each.fingerprint == finding.fingerprint)
        });
        if is_suppressed {
            suppressed.push(finding);
        } else if new.is_some_and(|app| cannot_tell(now, app, &finding)) {
            unproven.push(finding);
        } else {
            fixed.push(finding);
        }
    }
    let score = |app: &RecordedApp| Score {
        score: app.score,
        grade: app.grade,
    };
    AppDiff {
        root: root.to_owned(),
        name: new.or(old).map_or_else(String::new, |app| app.name.clone()),
        old: old.map(score),
        new: new.map(score),
        appeared,
        worse,
        fixed,
        suppressed,
        unproven,
        unchanged,
    }
}

/// True when the finding may still be there, unseen.
fn cannot_tell(now: &Recorded, app: &RecordedApp, finding: &Accepted) -> bool {
    let unread = now
        .not_examined
        .iter()
        .any(|each| RepoPath::new(&finding.file).starts_with(&RepoPath::new(&each.path)));
    let failed = now
        .not_evaluated
        .iter()
        .any(|each| each.app == app.root && each.rule == finding.rule);
    unread || failed || is_unknown(&app.unknown, finding)
}

fn findings(app: Option<&RecordedApp>) -> Vec<Accepted> {
    let Some(app) = app else {
        return Vec::new();
    };
    let findings = app.findings.iter().map(|finding| Accepted {
        app: app.root.clone(),
        file: finding.location.file.clone(),
        rule: finding.rule.clone(),
        route: finding.route.clone(),
        severity: finding.severity,
        count: finding.count,
        message: finding.message.clone(),
        fingerprint: finding.fingerprint.clone(),
    });
    findings.collect()
}
