//! `readiness.toml`: gate, roadmap, public routes, severities, ignores with a reason, attestations, controls of the team's own.
//!
//! It knows rules and their ids, so that a mistyped one is an error; it knows nothing of what the audit found.

mod date;
mod file;
mod read;
mod route_pattern;

pub use date::Date;
pub use file::{ConfigFile, config_schema};
pub use read::{
    Attestation, Config, ConfigProblem, ControlPart, FailOn, Gate, Ignore, Measure, NamedControl,
    PublicRoute, Routes, RuleSettings,
};
pub use route_pattern::RoutePattern;
