//! Roadmaps: phases that list rules with priority, effort and owner.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::reading::unknown;
use super::{Mistake, Rule, RuleProblem, RuleText, Severity, read_toml};

/// One file below `rules/roadmaps/`, as written. The file's name is the roadmap's.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A roadmap of readiness")]
pub struct RoadmapFile {
    /// What the plan is called.
    #[schemars(required)]
    pub title: Option<String>,
    /// Keys of rules' checks that this plan sets otherwise, by rule id: `[options.coverage-threshold]`, `percent = 80`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, serde_json::Value>>")]
    pub options: BTreeMap<toml::Spanned<String>, toml::Table>,
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
    /// Keys of rules' checks that it sets otherwise, by rule id.
    pub options: BTreeMap<String, toml::Table>,
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
    /// The rule as this plan wants it, with the further `options` of a configuration, which has the last word.
    ///
    /// # Errors
    /// As [`Rule::with_options`].
    pub fn rule(&self, rule: &Rule, options: Option<&toml::Table>) -> Result<Rule, String> {
        let mut all = self.options.get(&rule.id).cloned().unwrap_or_default();
        for (key, value) in options.into_iter().flatten() {
            all.insert(key.clone(), value.clone());
        }
        rule.with_options(&all)
    }

    /// The ids of the rules that it lists.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        let items = self.phases.iter().flat_map(|phase| &phase.items);
        items.flat_map(|item| &item.rules).map(String::as_str)
    }

    /// Reads and checks one roadmap file, adding what is wrong to `problems`; `ids` are those that exist, `rules` those of them
    /// that could be read.
    pub(super) fn read(
        source: &RuleText,
        ids: &[String],
        rules: &[Rule],
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
        let known = || ids.iter().map(String::as_str);
        for (id, options) in &file.options {
            let rule = rules.iter().find(|rule| rule.id == *id.get_ref());
            let message = match rule {
                Some(rule) => rule.with_options(options).err(),
                None if ids.contains(id.get_ref()) => None,
                None => Some(unknown("rule", id.get_ref(), known().collect::<Vec<_>>())),
            };
            if let Some(message) = message {
                let span = Some(id.span());
                problems.push(RuleProblem::new(source, Mistake { message, span }));
            }
        }
        let mut phases = Vec::new();
        for phase in file.phase {
            let mut items = Vec::new();
            for item in phase.item {
                for rule in &item.rules {
                    if !ids.contains(rule.get_ref()) {
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
            options: file
                .options
                .into_iter()
                .map(|(id, options)| (id.into_inner(), options))
                .collect(),
            phases,
        })
    }
}
