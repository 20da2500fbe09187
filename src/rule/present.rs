//! `[check.present]`: what shows that an application has something, as data.

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::Purpose;

/// `[check.present]`: one of several signs has to be found. One finding for the application, or for the whole repository.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Present {
    /// Any one of these will do.
    #[serde(default)]
    pub any: Signs,
    /// Any one of these makes it likely, and shows nothing: names and words that may mean something else.
    pub likely: Option<Signs>,
    /// Asked only where one of these is found.
    pub when: Option<Signs>,
    /// Asked only where one sign of each of these is found as well.
    #[serde(default)]
    pub and_when: Vec<Signs>,
    /// Asked only of applications that serve pages.
    #[serde(default)]
    pub pages: bool,
    /// Asked only of applications with at least so many handlers.
    #[serde(default)]
    pub handlers: usize,
    /// Asked only of applications whose code shows so many plain `<img>` elements.
    #[serde(default)]
    pub images: usize,
    /// It is looked for in the whole repository, and asked of it once.
    #[serde(default)]
    pub repository: bool,
    /// It is measured by tests that run the code themselves: where most ask a server that runs elsewhere, or all open its pages in
    /// a browser, the absence is a question of low confidence.
    #[serde(default)]
    pub by_tests_inside: bool,
    /// What makes the absence a question of low confidence.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
    /// The message when there is none. `{}` stands for the number of `<img>` elements, `{file}` for the file that makes it asked.
    pub says: String,
}

/// What speaks for an application that is found without something.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Doubt {
    /// Its pages are exported as files, and it has no handlers.
    #[serde(default)]
    pub exported: bool,
    /// The repository says that it is for one of these.
    #[serde(default)]
    pub purposes: Vec<Purpose>,
    /// One of these is found.
    pub with: Option<Signs>,
    /// None of these is found.
    pub without: Option<Signs>,
    /// No pipeline runs one of these commands, by itself or by a script of a package that holds tests.
    #[serde(default)]
    pub not_run_on_tests: Vec<String>,
    /// The question, behind `or`: `should a pipeline run the tests first`.
    pub question: String,
}

/// `[check.parts]`: several parts have to be there, each with signs of its own. One finding for each that is missing.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Parts {
    /// The parts.
    pub parts: Vec<Part>,
    /// Asked only where one of these is found.
    pub when: Option<Signs>,
    /// Asked only of applications that serve pages.
    #[serde(default)]
    pub pages: bool,
    /// Asked only of applications with at least so many handlers.
    #[serde(default)]
    pub handlers: usize,
    /// They are looked for in the whole repository, and asked of it once.
    #[serde(default)]
    pub repository: bool,
}

/// One part of `[check.parts]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Part {
    /// Any one of these will do.
    #[serde(default)]
    pub any: Signs,
    /// Any one of these makes it likely, and shows nothing.
    pub likely: Option<Signs>,
    /// Asked only where one of these is found.
    pub when: Option<Signs>,
    /// The message when there is none.
    pub says: String,
}

/// Signs that something is there. All patterns take `*` for any text; case does not count, except in packages and calls.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signs {
    /// Packages that code which runs imports; what follows `#` has to be called or constructed there: `next/dynamic`, `react#lazy`.
    #[serde(default)]
    pub uses: Vec<String>,
    /// Exports of modules that run, as `file stem#name`: `instrumentation#onRequestError`.
    #[serde(default)]
    pub exports: Vec<String>,
    /// Keys and names in configuration modules, as `file stem#name`: `jest.config#collectCoverage`. `*` may stand in the stem, and for a name means that the
    /// module imports something.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Packages that any module imports, tests and configurations included.
    #[serde(default)]
    pub imports: Vec<String>,
    /// Packages that the manifest of the application or of the repository lists.
    #[serde(default)]
    pub installed: Vec<String>,
    /// Files: by their name alone, or by their path from the application's folder or from the root when there is a `/` in it.
    #[serde(default)]
    pub files: Vec<String>,
    /// Commands in the scripts of manifests, as words that stand next to each other: `playwright test`.
    #[serde(default)]
    pub scripts: Vec<String>,
    /// Commands and actions in pipelines, scripts that they call included; what follows `!` must not stand beside them: `tap !brew`.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Identifiers in code that runs, scripts left out, and in database schemas, without `_` and in lower case: `deletedat`.
    #[serde(default)]
    pub names: Vec<String>,
    /// Text literals in code that runs: `*/privacy*`.
    #[serde(default)]
    pub texts: Vec<String>,
    /// Columns of database schemas and fields that queries name, without `_` and in lower case: `deletedat`.
    #[serde(default)]
    pub fields: Vec<String>,
    /// URLs of handlers: `**/health`.
    #[serde(default)]
    pub routes: Vec<String>,
    /// Whole words in the names or the headings of documents: `disaster recovery`, in the plural too.
    #[serde(default)]
    pub documents: Vec<String>,
}

impl Signs {
    /// Every list with what its entries are, for the reference of a rule.
    #[must_use]
    pub fn lists(&self) -> [(&'static str, &[String]); 13] {
        [
            ("uses the package", &self.uses),
            ("exports", &self.exports),
            ("sets in its configuration", &self.keys),
            ("imports the package, in tests too", &self.imports),
            ("lists the package", &self.installed),
            ("has the file", &self.files),
            ("has a script with", &self.scripts),
            ("runs in a pipeline", &self.steps),
            ("names", &self.names),
            ("holds the text", &self.texts),
            ("has the database field", &self.fields),
            ("answers", &self.routes),
            ("has a document about", &self.documents),
        ]
    }

    /// No sign at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }
}
