//! `readiness rules` and `readiness explain`

use crate::report;

use super::args::{ExplainArguments, PlainFormat, RulesArguments};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::output::to_stdout;
use super::workspace::{builtin_rules, unknown_rule};

pub(super) fn list(arguments: &RulesArguments, console: Console) -> Result<Exit, Failure> {
    let rules = builtin_rules()?;
    to_stdout(&match arguments.format {
        PlainFormat::Terminal => report::rules_terminal(&rules, console.style()),
        PlainFormat::Json => report::rules_json(&rules),
    })
}

pub(super) fn explain(arguments: &ExplainArguments, console: Console) -> Result<Exit, Failure> {
    let rules = builtin_rules()?;
    match rules.rule(&arguments.rule) {
        Some(rule) => to_stdout(&report::explain(&rules, rule, console.style())),
        None => Err(Failure::usage(unknown_rule(&arguments.rule, &rules))),
    }
}
