//! The kinds of checks that look at packages, files, configuration, pipelines and test runners, as data.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Doubt;

/// `[check.dependency]`: one of these packages has to be imported by code that runs. An application that only installs one is
/// told so.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dependency {
    /// Any of these will do. `*` stands for part of a name; what follows `#` has to be called or constructed where the package
    /// is imported: `@sentry/*#init`.
    pub any: Vec<String>,
    /// Exports that do the same without a package, as `file stem#name`: `instrumentation#onRequestError`.
    #[serde(default)]
    pub or_exports: Vec<String>,
    /// Attributes of elements that do the same where they stand: `data-track-errors`, of a script that is loaded.
    #[serde(default)]
    pub or_attributes: Vec<String>,
    /// Packages that may do the same: where one of them is used, the absence is a question of low confidence.
    #[serde(default)]
    pub hinted_by: Vec<String>,
    /// Variables that example files list where the same may be done elsewhere: `OTEL_EXPORTER_OTLP_*`. Where one is listed, the
    /// absence is a question.
    #[serde(default)]
    pub told_of: Vec<String>,
    /// Settings of platforms that do the same by themselves, as `file#key`: `wrangler.json#observability.enabled`. Where one is
    /// set, the absence is a question.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// An application of so few handlers and no page is a service beside others: the absence is a question.
    #[serde(default)]
    pub few_handlers: usize,
    /// Of a repository that others begin theirs with, the absence is a question.
    #[serde(default)]
    pub left_to_users: bool,
    /// Not asked of a command that users run on machines of their own.
    #[serde(default)]
    pub not_of_commands: bool,
    /// Asked only of applications that have handlers.
    #[serde(default)]
    pub needs_routes: bool,
    /// The message when there is none.
    pub says: String,
}

/// `[check.file]`: a file has to exist in the application or at the root of the repository, or must not.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FileCheck {
    /// Globs, from the application's folder and from the root: `**/Dockerfile`.
    pub any: Vec<String>,
    /// Every file that fits is a gap, instead of its absence.
    #[serde(default)]
    pub forbidden: bool,
    /// Asked only when one of these globs fits.
    #[serde(default)]
    pub only_with: Vec<String>,
    /// The message.
    pub says: String,
}

/// `[check.config-key]`: the value at a key of a JSON, TOML, YAML or Next.js configuration file.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConfigKey {
    /// Names or globs of the files, from the application's folder and from the root; `next.config` is Next.js's, whatever its ending.
    pub files: Vec<String>,
    /// The key, with dots: `compilerOptions.strict`.
    pub key: String,
    /// The value that has to be there; with none of `is`, `is-not`, any value will do.
    pub is: Option<ConfigValue>,
    /// The value that must not be there.
    pub is_not: Option<ConfigValue>,
    /// A step of the pipelines that makes up for it, when it concerns the application.
    pub covered_by: Option<PipelineStep>,
    /// The message.
    pub says: String,
}

/// A value of a configuration file.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum ConfigValue {
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl<'de> Deserialize<'de> for ConfigValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl serde::de::Visitor<'_> for Reader {
            type Value = ConfigValue;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false, a number or a text")
            }

            fn visit_bool<E>(self, value: bool) -> Result<ConfigValue, E> {
                Ok(ConfigValue::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<ConfigValue, E> {
                // Configuration files hold JSON numbers, which are doubles.
                #[expect(clippy::cast_precision_loss)]
                Ok(ConfigValue::Number(value as f64))
            }

            fn visit_f64<E>(self, value: f64) -> Result<ConfigValue, E> {
                Ok(ConfigValue::Number(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<ConfigValue, E> {
                Ok(ConfigValue::Text(value.to_owned()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// `[check.coverage-threshold]`: jest, vitest, nyc or c8 fails below a coverage.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CoverageThreshold {
    /// Percent that the highest of the thresholds has to reach.
    pub percent: f64,
}

/// `[check.pipeline]`: steps that a pipeline has to run on pushes or pull requests. Scripts of `package.json` are followed.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pipeline {
    /// The steps.
    pub steps: Vec<PipelineStep>,
    /// The message when there is no pipeline at all.
    pub says: String,
}

/// One step of `[check.pipeline]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PipelineStep {
    /// What it is called in messages: `type check`.
    pub name: String,
    /// Commands, as words that stand next to each other in a shell line or an action's name: `next lint`.
    pub commands: Vec<String>,
    /// Scripts of `package.json` that count by name when what they run cannot be followed.
    #[serde(default)]
    pub scripts: Vec<String>,
    /// Commands that do it where a configuration tells them to.
    #[serde(default)]
    pub told: Vec<ToldCommand>,
    /// Files that show a platform which does it on every change: `vercel.json`.
    #[serde(default)]
    pub done_by: Vec<String>,
    /// What makes its absence a question of low confidence, looked for in the whole repository.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
}

/// A command that does more when its configuration says so: `oxlint`, which checks types with `typeCheck: true`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ToldCommand {
    /// The command, as words that stand next to each other.
    pub command: String,
    /// Keys of configuration modules, as `file stem#name`.
    pub keys: Vec<String>,
}

/// `[check.config-spelling]`: keys of configuration files that are one slip away from a known one.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConfigSpelling {
    /// The objects whose keys are known.
    pub sections: Vec<ConfigSection>,
}

/// One object of a tool's configuration.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConfigSection {
    /// The tool.
    pub tool: String,
    /// Beginnings of the names of its configuration files, up to `.config.`: `jest`.
    pub files: Vec<String>,
    /// The key of `package.json` that holds the same.
    pub manifest: Option<String>,
    /// Where the object stands in the configuration: keys one below another, `*` for each.
    #[serde(default)]
    pub path: Vec<String>,
    /// Known keys that switch something on that protects, each with what does not happen when they are misspelt.
    #[serde(default)]
    pub protects: std::collections::BTreeMap<String, String>,
    /// The other known keys.
    pub known: Vec<String>,
}

/// `[check.ci-scripts]`: scripts that pipelines run and that no manifest has.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CiScripts {
    /// Commands that yarn knows itself.
    pub yarn: Vec<String>,
    /// Commands that pnpm knows itself.
    pub pnpm: Vec<String>,
    /// Commands that bun knows itself.
    pub bun: Vec<String>,
    /// Programs that packages bring along under another name than their own: `tsc`.
    pub programs: Vec<String>,
}

/// `[check.tests-run]`: test files that no runner picks up. One finding for each folder.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestsRun {
    /// Words in scripts that call runners whose configuration is not read: `mocha`. Where one stands, nothing is said.
    pub other_runners: Vec<String>,
}

/// `[check.attest]`: counts only when `readiness.toml` says who vouches for it, since when, until when, and where to look.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attest {
    /// The question that somebody answers by attesting.
    pub asks: String,
}
