//! `readiness.toml` as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use toml::Spanned;

use crate::rule::{Control, Severity};

use super::Date;

/// The whole file. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "readiness.toml")]
pub struct ConfigFile {
    /// When the audit fails.
    #[serde(default)]
    pub gate: GateFile,
    /// Which plan the report follows.
    #[serde(default)]
    pub roadmap: RoadmapChoice,
    /// What is known of routes.
    #[serde(default)]
    pub routes: RoutesFile,
    /// Rules by id: severity, options, or off.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RuleSettingsFile>")]
    pub rules: BTreeMap<Spanned<String>, RuleSettingsFile>,
    /// Findings that the team accepts, each with a reason.
    #[serde(default)]
    #[schemars(with = "Vec<IgnoreFile>")]
    pub ignore: Vec<Spanned<IgnoreFile>>,
    /// What somebody vouches for, by rule id.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, AttestFile>")]
    pub attest: BTreeMap<Spanned<String>, AttestFile>,
    /// Result files of other tools.
    #[serde(default)]
    pub measure: MeasureFile,
    /// Controls of the team's own, by control: `[controls.auth]`.
    #[serde(default)]
    pub controls: BTreeMap<Control, ControlsFile>,
}

/// `[gate]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GateFile {
    /// The audit fails on a finding that is at least this bad; `never` for none. `high` when not given.
    pub fail_on: Option<FailOnWord>,
    /// The audit fails when an application scores less.
    #[schemars(with = "Option<f64>", range(min = 0, max = 100))]
    pub min_score: Option<Spanned<f64>>,
    /// Findings of low confidence count for `fail-on`, too. They do not when not given.
    pub low_confidence: Option<bool>,
}

/// The words of `fail-on`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailOnWord {
    /// Only critical findings.
    Critical,
    /// High ones as well.
    High,
    /// Medium ones as well.
    Medium,
    /// All findings.
    Low,
    /// None.
    Never,
}

/// `[roadmap]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoadmapChoice {
    /// A roadmap's name, or the path of a roadmap file. `standard` when not given.
    pub r#use: Option<String>,
}

/// `[routes]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutesFile {
    /// Routes that anybody may call: `GET /api/health`, `/api/public/**`, an action's name, or a table with a reason.
    #[serde(default)]
    #[schemars(with = "Vec<PublicRouteFile>")]
    pub public: Vec<Spanned<PublicRouteFile>>,
    /// Routes that are left out of the audit.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub ignore: Vec<Spanned<String>>,
}

/// A route pattern alone, or `{ route = "…", reason = "…" }`.
#[derive(Clone, Debug)]
pub struct PublicRouteFile {
    /// The pattern.
    pub route: String,
    /// Why it is public.
    pub reason: Option<String>,
}

/// `{ route = "…", reason = "…" }`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PublicRouteTable {
    /// The pattern.
    route: String,
    /// Why it is public.
    reason: Option<String>,
}

impl<'de> Deserialize<'de> for PublicRouteFile {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> serde::de::Visitor<'de> for Reader {
            type Value = PublicRouteFile;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "a route such as \"GET /api/health\", or { route = \"…\", reason = \"…\" }",
                )
            }

            fn visit_str<E>(self, text: &str) -> Result<PublicRouteFile, E> {
                Ok(PublicRouteFile {
                    route: text.to_owned(),
                    reason: None,
                })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<PublicRouteFile, A::Error> {
                let table = PublicRouteTable::deserialize(
                    serde::de::value::MapAccessDeserializer::new(map),
                )?;
                Ok(PublicRouteFile {
                    route: table.route,
                    reason: table.reason,
                })
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for PublicRouteFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PublicRoute".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let table = generator.subschema_for::<PublicRouteTable>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, table] })
    }
}

/// `[rules.<id>]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSettingsFile {
    /// `false`: its findings are listed as suppressed. They still count in the score.
    pub enabled: Option<bool>,
    /// How bad its findings are.
    pub severity: Option<Severity>,
    /// Keys of the rule's `[check.<kind>]`, replaced: `{ percent = 80 }`.
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub options: Option<Spanned<toml::Table>>,
}

/// `[[ignore]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IgnoreFile {
    /// The rule's id.
    #[schemars(with = "String", required)]
    pub rule: Option<Spanned<String>>,
    /// A glob over the files; every file when not given.
    #[schemars(with = "Option<String>")]
    pub path: Option<Spanned<String>>,
    /// Why.
    #[schemars(with = "String", required)]
    pub reason: Option<Spanned<String>>,
    /// The last day on which it holds.
    pub until: Option<Date>,
}

/// `[attest.<rule-id>]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestFile {
    /// Who vouches for it.
    #[schemars(required)]
    pub by: Option<String>,
    /// Since when.
    #[schemars(required)]
    pub on: Option<Date>,
    /// The last day on which it holds.
    #[schemars(required)]
    pub until: Option<Date>,
    /// Where to look.
    pub evidence: Option<String>,
}

/// `[measure]`: paths of result files.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasureFile {
    /// `coverage-summary.json` or `lcov.info`
    #[schemars(with = "Option<String>")]
    pub coverage: Option<Spanned<String>>,
    /// A Lighthouse report.
    #[schemars(with = "Option<String>")]
    pub lighthouse: Option<Spanned<String>>,
    /// A k6 or Artillery summary.
    #[schemars(with = "Option<String>")]
    pub load: Option<Spanned<String>>,
    /// `npm audit --json`
    #[schemars(with = "Option<String>")]
    pub audit: Option<Spanned<String>>,
}

/// `[controls.<kind>]`: what counts as this control, by the name that is exported, or as `module#export`:
/// `requireUser`, `@/lib/auth#withAuth`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlsFile {
    /// Functions that throw, redirect or answer unless the request may go on: for auth, rate-limit, validation.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub guards: Vec<Spanned<String>>,
    /// Functions that take a handler and give one that has the control: for all but tests.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub wrappers: Vec<Spanned<String>>,
    /// Functions whose result tells who is calling (auth), whether the request may go on (rate-limit) or whether input is
    /// valid (validation); for logging, the loggers.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub sources: Vec<Spanned<String>>,
}

/// The JSON Schema of `readiness.toml`, for editors, which complete the ids of these rules by it.
#[must_use]
pub fn config_schema<'a>(rules: impl Iterator<Item = &'a str>) -> schemars::Schema {
    let mut schema = schemars::schema_for!(ConfigFile);
    let rules: Vec<&str> = rules.collect();
    let controls = Control::ALL.map(|control| json!(control));
    for (table, names) in [
        ("rules", json!(rules)),
        ("attest", json!(rules)),
        ("controls", json!(controls)),
    ] {
        if let Some(table) = schema.pointer_mut(&format!("/properties/{table}"))
            && let Some(table) = table.as_object_mut()
        {
            table.insert(String::from("propertyNames"), json!({ "enum": names }));
        }
    }
    schema
}
