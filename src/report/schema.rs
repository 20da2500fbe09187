//! JSON Schemas of the reports, made from the Rust types; a test holds the files under `schemas/` against them.

use crate::audit::Audit;

use super::json::pretty;
use super::routes::Routes;

/// One shipped JSON Schema.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schema {
    /// Its file under `schemas/`.
    pub file: &'static str,
    /// Its text.
    pub text: String,
}

/// The schemas of every JSON report.
#[must_use]
pub fn schemas() -> Vec<Schema> {
    vec![
        Schema {
            file: "audit-1.schema.json",
            text: pretty(&schemars::schema_for!(Audit)),
        },
        Schema {
            file: "routes-1.schema.json",
            text: pretty(&schemars::schema_for!(Routes<'static>)),
        },
    ]
}
