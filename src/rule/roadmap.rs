//! Roadmaps: phases that list rules with priority, effort and owner.

use schemars::JsonSchema;
use serde::Deserialize;

use super::reading::unknown;
use super::{Mistake, RuleProblem, RuleText, Severity, read_toml};

/// One file below `rules/roadmaps/`, as written. The file's name is the roadmap's.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A roadmap of readiness")]
pub struct RoadmapFile {
    /// What the plan is called.
    #[schemars(required)]
    pub title: Option<String>,
    /// The phases, in order.
    #[serde(default)]
    pub phase: Vec<RoadmapPhaseFile>,
}

/// `[[phase]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoadmapPhaseFile {
    /// What the phase is called.
    pub title: String,
    /// Its items, in order.
    #[serde(default)]
    pub item: Vec<RoadmapItemFile>,
}

/// `[[phase.item]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoadmapItemFile {
    /// What is to be achieved.
    pub title: String,
    /// How much it weighs in the score.
    pub priority: Severity,
    /// The rules that decide whether it is.
    #[schemars(with = "Vec<String>")]
    pub rules: Vec<toml::Spanned<String>>,
    /// Hours of the whole item. When not given, its rules' hours for each gap: the first ten of a rule in full, the next ninety half,
    /// the others a quarter, because what the first ones needed is there for the rest.
    pub effort_hours: Option<f64>,
    /// Who does it.
    pub owner: Option<String>,
}

/// A plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Roadmap {
    /// `standard`
    pub name: String,
    /// What it is called.
    pub title: String,
    /// Its phases.
    pub phases: Vec<RoadmapPhase>,
}

/// A phase of a plan.
#[derive(Clone, PartialEq, Debug)]
pub struct RoadmapPhase {
    /// What it is called.
    pub title: String,
    /// Its items.
    pub items: Vec<RoadmapItem>,
}

/// An item of a phase.
#[derive(Clone, PartialEq, Debug)]
pub struct RoadmapItem {
    /// What is to be achieved.
    pub title: String,
    /// How much it weighs.
    pub priority: Severity,
    /// The ids of the rules behind it, all known.
    pub rules: Vec<String>,
    /// Hours of the whole item.
    pub effort_hours: Option<f64>,
    /// Who does it.
    pub owner: Option<String>,
}

impl Roadmap {
    /// The ids of the rules that it lists.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        let items = self.phases.iter().flat_map(|phase| &phase.items);
        items.flat_map(|item| &item.rules).map(String::as_str)
    }

    /// Reads and checks one roadmap file, adding what is wrong to `problems`; `rules` are the ids that exist.
    pub(super) fn read(
        source: &RuleText,
        rules: &[String],
        problems: &mut Vec<RuleProblem>,
    ) -> Option<Self> {
        let before = problems.len();
        let (file, mistakes) = read_toml::<RoadmapFile>(&source.text);
        problems.extend(
            mistakes
                .into_iter()
                .map(|each| RuleProblem::new(source, each)),
        );
        let file = file?;
        let known = || rules.iter().map(String::as_str);
        let mut phases = Vec::new();
        for phase in file.phase {
            let mut items = Vec::new();
            for item in phase.item {
                for rule in &item.rules {
                    if !rules.contains(rule.get_ref()) {
                        let message = unknown("rule", rule.get_ref(), known().collect::<Vec<_>>());
                        let span = Some(rule.span());
                        problems.push(RuleProblem::new(source, Mistake { message, span }));
                    }
                }
                if item.rules.is_empty() {
                    let message = format!("item `{}` names no rule", item.title);
                    problems.push(RuleProblem::at_key(source, "", message));
                }
                items.push(RoadmapItem {
                    title: item.title,
                    priority: item.priority,
                    rules: item
                        .rules
                        .into_iter()
                        .map(toml::Spanned::into_inner)
                        .collect(),
                    effort_hours: item.effort_hours,
                    owner: item.owner,
                });
            }
            phases.push(RoadmapPhase {
                title: phase.title,
                items,
            });
        }
        if file.title.is_none() {
            problems.push(RuleProblem::at_key(
                source,
                "",
                "`title` is missing".to_owned(),
            ));
        }
        if phases.is_empty() {
            problems.push(RuleProblem::at_key(
                source,
                "",
                "a roadmap has at least one `[[phase]]`".to_owned(),
            ));
        }
        if problems.len() > before {
            return None;
        }
        let name = source.file.rsplit(['/', '\\']).next().unwrap_or("");
        Some(Self {
            name: name.strip_suffix(".toml").unwrap_or(name).to_owned(),
            title: file.title?,
            phases,
        })
    }
}
