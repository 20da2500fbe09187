//! JSON Schemas of what we write and read, made from the Rust types; a test holds the files under `schemas/` against them.

use crate::audit::{Audit, Baseline, Diff};
use crate::config::config_schema;
use crate::rule::{RuleSet, rule_schema};

use super::json::pretty;
use super::plan::Plan;
use super::routes::Routes;
use super::rules::Rules;

/// One shipped JSON Schema.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schema {
    /// Its file under `schemas/`.
    pub file: &'static str,
    /// Its text.
    pub text: String,
}

/// The schemas of every JSON report, of `readiness.toml`, which may name these rules, and of rule files.
#[must_use]
pub fn schemas(rules: &RuleSet) -> Vec<Schema> {
    vec![
        Schema {
            file: "audit-1.schema.json",
            text: pretty(&schemars::schema_for!(Audit)),
        },
        Schema {
            file: "routes-1.schema.json",
            text: pretty(&schemars::schema_for!(Routes<'static>)),
        },
        Schema {
            file: "rules-1.schema.json",
            text: pretty(&schemars::schema_for!(Rules<'static>)),
        },
        Schema {
            file: "plan-1.schema.json",
            text: pretty(&schemars::schema_for!(Plan<'static>)),
        },
        Schema {
            file: "diff-1.schema.json",
            text: pretty(&schemars::schema_for!(Diff)),
        },
        Schema {
            file: "baseline-1.schema.json",
            text: pretty(&schemars::schema_for!(Baseline)),
        },
        Schema {
            file: "readiness-toml.schema.json",
            text: pretty(&config_schema(rules.ids())),
        },
        Schema {
            file: "rule-file.schema.json",
            text: pretty(&rule_schema()),
        },
    ]
}
