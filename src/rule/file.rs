//! A rule as its file writes it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Check, Confidence, How, Severity};

/// One file below `rules/<category>/`. The file's name is the rule's id, its folder the category.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "A rule of readiness")]
pub struct RuleFile {
    /// A fact about the code, lower-case, without a full stop: `route has no rate limit`.
    #[schemars(required)]
    pub title: Option<String>,
    /// How bad a gap is.
    #[schemars(required)]
    pub severity: Option<Severity>,
    /// The most that a finding of this rule can be sure of.
    #[serde(default = "high")]
    pub confidence: Confidence,
    /// How the rule knows what it says.
    #[schemars(required)]
    pub how: Option<How>,
    /// The version that brought the rule: `0.1.0`.
    #[schemars(required)]
    pub since: Option<String>,
    /// Why a team is hurt without it, in two or three sentences.
    #[schemars(required)]
    pub why: Option<String>,
    /// The first thing to do, concretely.
    #[schemars(required)]
    pub fix: Option<String>,
    /// Pages to read, `https://…`.
    #[serde(default)]
    pub links: Vec<String>,
    /// Packages that close the gap, the usual one first: a plan lists them where an application has none of them.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Numbers of the Common Weakness Enumeration.
    #[serde(default)]
    pub cwe: Vec<u32>,
    /// Hours that one gap takes to close.
    #[schemars(required)]
    #[serde(rename = "effort_hours")]
    pub effort_hours: Option<f64>,
    /// Those hours are the work for the whole application, however many gaps there are: the first one closed brings what the
    /// others need.
    #[serde(default)]
    #[serde(rename = "effort_once")]
    pub effort_once: bool,
    /// What it looks at: exactly one `[check.<kind>]`.
    #[schemars(required)]
    pub check: Option<Check>,
}

fn high() -> Confidence {
    Confidence::High
}

/// The JSON Schema of rule files, which is also the reference of check kinds.
#[must_use]
pub fn rule_schema() -> schemars::Schema {
    schemars::schema_for!(RuleFile)
}
