//! Kinds of checks that look at facts of the project: containers, environment, database schemas, units and measurements.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[check.container]`: instructions of container files whose last stage runs JavaScript. One finding for each file.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Container {
    /// What the image has to have.
    pub needs: ContainerNeed,
    /// Base images that are looked at, by the last part of their name; others may be anything.
    pub images: Vec<String>,
    /// Words in the paths of files for development and tests, which are left out.
    #[serde(default)]
    pub except: Vec<String>,
    /// Words in the names of files that have it, beside which one without is a choice.
    #[serde(default)]
    pub in_order: Vec<String>,
    /// The message.
    pub says: String,
}

/// What a container image has to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerNeed {
    /// What builds the application does not stay in the image: there are several stages.
    Stages,
    /// The last stage runs as a user that is not root.
    User,
    /// A health check, in the image or where it is run.
    HealthCheck,
}

/// `[check.compose]`: services of the first compose file for production have a health check, a restart policy and limits.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Compose {
    /// Words in the names of files for development and tests, which are left out.
    pub except: Vec<String>,
}

/// `[check.env-documented]`: every environment variable that code reads stands in an example file. One finding for the application.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvDocumented {
    /// Variables that a platform sets, which nobody has to document; `*` stands for any text.
    pub ignore: Vec<String>,
    /// Files whose variables the application does not need: `**/scripts/**`.
    #[serde(default)]
    pub except: Vec<String>,
    /// How many variables an application has to read before it is asked.
    pub at_least: usize,
}

/// `[check.env-committed]`: environment files of the repository hold no secrets. One finding for each file.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvCommitted {
    /// Names that are secrets: `*_SECRET*`.
    pub secret: Vec<String>,
    /// Names that are none even so: `NEXT_PUBLIC_*`.
    pub except: Vec<String>,
}

/// `[check.foreign-key-index]`: columns that refer to another table have an index. One finding for each schema.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ForeignKeyIndex {
    /// Functions that make a table, as `package#export`: `drizzle-orm/pg-core#pgTable`.
    pub tables: Vec<String>,
}

/// `[check.row-security]`: tables that migrations create have row-level security. One finding for the repository.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RowSecurity {
    /// Packages through which browsers reach the tables: `@supabase/*`.
    pub packages: Vec<String>,
}

/// `[check.strict-types]`: `compilerOptions.strict`, what a configuration extends included.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StrictTypes {}

/// `[check.units-tested]`: stores, hooks, components, services and the like against the tests that import them. One finding for
/// the application, with how many of how many.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UnitsTested {
    /// What several are called: `stores`.
    pub plural: String,
    /// Modules that lie there: `*/services/*`, `*.service.*`.
    #[serde(default)]
    pub files: Vec<String>,
    /// Modules that call one of these: `zustand#create`.
    #[serde(default)]
    pub made_by: Vec<String>,
    /// Every exported function with such a name is a unit of its own: `use[A-Z]*` is written `use^*`, `^` being an upper-case letter.
    #[serde(default)]
    pub exports: Vec<String>,
    /// What hooks read from, as `package#export`: `react#useContext`, or what makes a store. A function that calls such hooks, or
    /// others that do, and no hook beside them is an accessor and no unit. Functions of client modules are not looked into,
    /// so those count.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Only modules that hold JSX.
    #[serde(default)]
    pub jsx: bool,
    /// Only modules that decide, compute or wait for something, and not those that only make a client or set fields. What a request
    /// of a test leads to is tested by it.
    #[serde(default)]
    pub that_decide: bool,
    /// Only modules in which one of these identifiers stands, in lower case: `prisma*`, `select*`.
    #[serde(default)]
    pub names: Vec<String>,
    /// Modules that are left out.
    #[serde(default)]
    pub except: Vec<String>,
    /// Fewer units than this are not asked.
    pub at_least: usize,
}

/// `[check.measured]`: values from the result file of another tool, held to targets. Without a file it stays open, and fails nothing.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Measured {
    /// Which result: a key of `[measure]`.
    pub result: MeasuredResult,
    /// What has to hold.
    pub targets: Vec<Target>,
}

/// A key of `[measure]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MeasuredResult {
    /// `coverage-summary.json`, `lcov.info`, `cobertura.xml`: `lines`, `branches`, `functions`, `statements` in percent.
    Coverage,
    /// k6 or Artillery: `p95`, `p99`, `mean` and `waiting-p95` in milliseconds, `errors` in percent.
    Load,
    /// Lighthouse: `lcp`, `fcp`, `tbt`, `inp`, `ttfb` in milliseconds, `cls`, `performance`, `accessibility`, `seo` of 100.
    Lighthouse,
    /// `npm audit`, `pnpm audit`, `yarn audit`: `critical`, `high`, `moderate`, `low`.
    Audit,
}

impl MeasuredResult {
    /// The key under `[measure]` that names its file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Coverage => "coverage",
            Self::Load => "load",
            Self::Lighthouse => "lighthouse",
            Self::Audit => "audit",
        }
    }
}

/// One target of `[check.measured]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Target {
    /// The value's name.
    pub value: String,
    /// What it is called in messages.
    pub name: String,
    /// Its unit in messages: ` ms`, ` %`.
    #[serde(default)]
    pub unit: String,
    /// It may not be higher.
    pub at_most: Option<f64>,
    /// It may not be lower.
    pub at_least: Option<f64>,
}
