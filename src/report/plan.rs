//! The remaining work as the next roadmap: as a document, for programs, and as text for issues.

use serde::Serialize;

use crate::audit::{AppAudit, ItemState};
use crate::rule::{Check, Severity};
use crate::source::RepoPath;

use super::json::pretty;
use super::markdown::{code, escape, prose, task_text};
use super::material::{Material, sentence};
use super::text::{count, graded, hours, one_line};
use super::work::{PhaseWork, Task, covered, hours_in_words, state_word, work};

/// `readiness/plan/1`
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Plan<'a> {
    /// `readiness/plan/1`
    pub schema: &'static str,
    /// The audited path, as the user gave it.
    pub root: &'a str,
    /// The applications, by path.
    pub apps: Vec<AppPlan<'a>>,
}

/// The remaining work of one application.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct AppPlan<'a> {
    /// Its folder, relative to the root; empty for the root.
    pub root: &'a RepoPath,
    /// Its name.
    pub name: &'a str,
    /// The roadmap's name.
    pub roadmap: &'a str,
    /// 0–100, today; `null` when nothing of the roadmap was judged.
    pub score: Option<f64>,
    /// Hours of the roadmap's tasks.
    pub hours: f64,
    /// Hours of what the roadmap does not list.
    pub hours_outside: f64,
    /// The phases with something left, in order; the last one may hold what the roadmap does not list.
    pub phases: Vec<PlanPhase<'a>>,
}

/// A phase with something left.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct PlanPhase<'a> {
    /// Its number in the roadmap.
    pub number: usize,
    /// Its title.
    pub title: &'a str,
    /// Hours of its tasks.
    pub hours: f64,
    /// What is left, in the roadmap's order.
    pub tasks: Vec<PlanTask<'a>>,
}

/// Something to do.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct PlanTask<'a> {
    /// `1.2`: phase and place in it.
    pub number: String,
    /// What is to be achieved.
    pub title: &'a str,
    /// How much it weighs.
    pub priority: Severity,
    /// `open`, `unattested` or `unknown`.
    pub state: ItemState,
    /// Who does it.
    pub owner: Option<&'a str>,
    /// Hours: the rules' unit efforts times the units missing.
    pub effort_hours: f64,
    /// Checks passed, over all of its rules.
    pub covered: usize,
    /// Checks made.
    pub total: usize,
    /// The rules with open gaps.
    pub rules: Vec<&'a str>,
    /// What to do, one step per rule.
    pub steps: Vec<String>,
    /// The files to touch, worst first.
    pub files: Vec<PlanFile<'a>>,
}

/// A file to touch.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct PlanFile<'a> {
    /// Its path, relative to the root.
    pub path: &'a RepoPath,
    /// The lines with gaps, 1-based.
    pub lines: Vec<u32>,
}

/// The remaining work for programs: indented JSON with a line end behind it.
#[must_use]
pub fn plan_json(material: &Material<'_>) -> String {
    pretty(&Plan {
        schema: "readiness/plan/1",
        root: &material.audit.root,
        apps: material
            .audit
            .apps
            .iter()
            .map(|app| app_plan(material, app))
            .collect(),
    })
}

fn app_plan<'a>(material: &Material<'a>, app: &'a AppAudit) -> AppPlan<'a> {
    let left = left(material, app);
    let (hours, hours_outside) = hours_of(&left);
    let phases: Vec<PlanPhase<'_>> = left
        .into_iter()
        .map(|each| PlanPhase {
            number: each.number,
            title: &each.phase.title,
            hours: each.tasks.iter().map(|task| task.item.effort_hours).sum(),
            tasks: each.tasks.iter().map(plan_task).collect(),
        })
        .collect();
    AppPlan {
        root: &app.root,
        name: &app.name,
        roadmap: &app.roadmap,
        score: app.score,
        hours,
        hours_outside,
        phases,
    }
}

fn plan_task<'a>(task: &Task<'a>) -> PlanTask<'a> {
    PlanTask {
        number: task.number.clone(),
        title: &task.item.title,
        priority: task.item.priority,
        state: task.item.state,
        owner: task.item.owner.as_deref(),
        effort_hours: task.item.effort_hours,
        covered: task.item.covered,
        total: task.item.total,
        rules: task.rules.iter().map(|rule| rule.id.as_str()).collect(),
        steps: steps(task),
        files: task
            .files()
            .into_iter()
            .map(|(path, lines)| PlanFile { path, lines })
            .collect(),
    }
}

/// What to do, rule by rule.
fn steps(task: &Task<'_>) -> Vec<String> {
    let step = |rule: &&crate::rule::Rule| match &rule.check {
        Check::Attest(attest) => sentence(&attest.asks),
        _ => sentence(&one_line(&rule.fix)),
    };
    task.rules.iter().map(step).collect()
}

/// The phases with something left, and in them only that.
fn left<'a>(material: &Material<'a>, app: &'a AppAudit) -> Vec<PhaseWork<'a>> {
    let mut phases = work(material.audit, app, material.rules);
    for phase in &mut phases {
        phase.tasks.retain(Task::is_left);
    }
    phases.retain(|phase| !phase.tasks.is_empty());
    phases
}

/// Hours of the roadmap's tasks, and of what it does not list.
fn hours_of(phases: &[PhaseWork<'_>]) -> (f64, f64) {
    let sum = |outside: bool| {
        let phases = phases.iter().filter(|phase| phase.outside == outside);
        let tasks = phases.flat_map(|phase| &phase.tasks);
        // The sum of nothing is a negative zero.
        tasks.map(|task| task.item.effort_hours).sum::<f64>() + 0.0
    };
    (sum(false), sum(true))
}

/// The remaining work as a Markdown document.
#[must_use]
pub fn plan_markdown(material: &Material<'_>) -> String {
    let audit = material.audit;
    let mut text = String::new();
    for app in &audit.apps {
        let name = if app.name.is_empty() {
            "the application"
        } else {
            &app.name
        };
        let phases = left(material, app);
        let tasks: usize = phases.iter().map(|phase| phase.tasks.len()).sum();
        text.push_str(&format!("# Plan for {}\n\n", escape(name)));
        text.push_str(&format!(
            "Score: {}. Left by the roadmap {}: {}, {}.\n\n",
            graded(app),
            code(&app.roadmap),
            count(tasks, "task"),
            hours_in_words(hours_of(&phases))
        ));
        for phase in &phases {
            let sum = phase.tasks.iter().map(|task| task.item.effort_hours).sum();
            text.push_str(&format!(
                "## {} ({})\n\n",
                escape(&phase.heading()),
                hours(sum)
            ));
            for task in &phase.tasks {
                text.push_str(&format!(
                    "### {} {}\n\n{}\n\n{}\n",
                    task.number,
                    prose(&task.item.title),
                    facts(task),
                    body(task)
                ));
            }
        }
    }
    text.trim_end().to_owned() + "\n"
}

/// `critical · open · 8/9 checks passed · 0.5 h · backend`
fn facts(task: &Task<'_>) -> String {
    let mut facts = vec![
        task.item.priority.word().to_owned(),
        state_word(task.item).to_owned(),
    ];
    let counted = covered(task.item);
    if !counted.is_empty() {
        facts.push(format!("{counted} checks passed"));
    }
    facts.push(hours(task.item.effort_hours));
    facts.extend(task.item.owner.as_deref().map(escape));
    facts.join(" · ")
}

fn body(task: &Task<'_>) -> String {
    if task.item.state == ItemState::Unattested {
        let mut text = String::new();
        for (rule, step) in task.rules.iter().zip(steps(task)) {
            text.push_str(&format!("- {}: {}\n", code(&rule.id), step));
        }
        text.push_str(
            "\nVouch for it in `readiness.toml`, `[attest.<rule>]`, with `by`, `on` and `until`.\n",
        );
        return text;
    }
    task_text(task)
}

/// One issue of a tracker.
#[derive(Debug, Serialize)]
struct Issue {
    title: String,
    body: String,
    labels: Vec<String>,
}

/// The remaining work as issues, one JSON object per line with `title`, `body` and `labels`.
#[must_use]
pub fn plan_issues(material: &Material<'_>) -> String {
    let mut text = String::new();
    let several = material.audit.apps.len() > 1;
    for app in &material.audit.apps {
        for phase in left(material, app) {
            for task in &phase.tasks {
                let of = if several {
                    format!("{}: ", app.name)
                } else {
                    String::new()
                };
                let issue = Issue {
                    title: format!("{of}{}", super::text::printable(&task.item.title)),
                    body: format!(
                        "{}\n\n{}\n\n<sub>Task {}, {}. Rules: {}.</sub>\n",
                        facts(task),
                        body(task).trim_end(),
                        task.number,
                        escape(&phase.heading()),
                        task.rules
                            .iter()
                            .map(|rule| code(&rule.id))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                    labels: vec![
                        String::from("readiness"),
                        format!("priority: {}", task.item.priority.word()),
                    ],
                };
                // String keys and no fallible serialisers: this cannot fail.
                text.push_str(&serde_json::to_string(&issue).unwrap_or_default());
                text.push('\n');
            }
        }
    }
    text
}
