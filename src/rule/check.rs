//! The kinds of checks that a rule may ask for: one struct per kind, its doc comment being its reference.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    CallerInput, Calls, Compose, Container, Control, EnvCommitted, EnvDocumented, ErrorAnswers,
    ExplicitAny, ForeignKeyIndex, Handlers, HandlersUse, LimitTiers, LoggedSecrets, Measured,
    Memory, Parts, PlainTokens, Present, Queries, Rendering, RowSecurity, ServerEnvInClient,
    Severity, Signs, SqlStar, StrictTypes, UnitsTested, WeakCookie,
};

/// What a rule looks at. In a file the kind is a table's key: `[check.route-control]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a few hundred of them, read once and never moved"
)]
pub enum Check {
    /// A control has to reach handlers. Every handler is followed from its entry through its wrappers, its middleware and the functions
    /// that it calls, in other files and packages too; the control counts only where it can turn the request away, or catch the
    /// failure, on every path to the work. Handlers of which it stays unknown, that are open by purpose, or that do nothing worth
    /// it are not asked.
    RouteControl(RouteControl),
    /// What the proof engine notes about a handler is a gap, or needs something beside it. A webhook is told by its URL, by the
    /// service it names and by the signature that it checks, a scheduled endpoint by its URL; what they need has to be there on
    /// every path to the work.
    RouteMark(RouteMark),
    /// Tokens and cookies that say who somebody is have to be signed. Where JSON about a person is encoded or put into a cookie as
    /// it is, and the result is named like a session or goes into a cookie that is, nothing on the way may be missing that signs
    /// or encrypts it.
    UnsignedToken(UnsignedToken),
    /// A route of this kind has to exist: among the handlers of the application, whichever router serves them, one has to answer
    /// one of the URLs with one of the methods.
    RouteExists(RouteExists),
    /// Response headers have to reach pages and handlers. They are looked for in `headers()` of the Next.js configuration, with its
    /// `source` patterns, in what a middleware that runs sets, in the configuration of the hosting and of nginx, in packages like
    /// helmet that are used, and in the handlers themselves.
    ResponseHeaders(ResponseHeaders),
    /// A content security policy has to be worth its name. Every policy that is found, in configuration or in code, is
    /// read directive by directive; a source that undoes it counts unless a nonce or a hash makes it harmless.
    ContentSecurityPolicy(ContentSecurityPolicy),
    /// Other origins may not be let in wholesale: `Access-Control-Allow-Origin: *`, an origin that is sent back as it came, and
    /// `cors()` without an origin, in code, in the Next.js configuration, in that of the hosting and of nginx.
    Cors(Cors),
    /// A file that looks like a middleware has to be one: in the folder, under the name and with the export that this version of
    /// Next.js loads.
    MiddlewareLoaded(MiddlewareLoaded),
    /// A package has to be used, not only installed: imported by code that runs, in the application or in a package
    /// of the repository that it loads, and called where the rule asks for a call. A file that does the same by its own exports will do as well.
    Dependency(Dependency),
    /// A file has to exist, or must not: in the application's folder or at the root of the repository. What Git ignores is not seen.
    File(FileCheck),
    /// A key of a configuration file has to have a value, or must not: JSON and TOML as they are written, and the configuration
    /// of Next.js as far as it can be read without running it.
    ConfigKey(ConfigKey),
    /// Code or text that is a gap wherever it stands. Patterns over syntax do not care for spaces, quotes or line breaks; tests and
    /// examples are left out.
    Pattern(PatternCheck),
    /// Secrets written into code: text that has the form of a known provider's key, random-looking text under a name that is a
    /// secret's, and fallbacks for variables that sign or encrypt. Tests, examples and placeholders are left out.
    SecretLiteral(SecretLiteral),
    /// Secrets in environment variables that are sent to browsers. The names of the variables that code
    /// reads are compared; values are never looked at.
    PublicEnv(PublicEnv),
    /// The environment has to be checked before it is used: by a package for it, by giving `process.env` to a schema, or in a loop
    /// over names that throws, in a module that the application loads.
    EnvValidation(EnvValidation),
    /// The test runner has to fail below a coverage: a threshold in the configuration of jest, vitest, c8 or nyc, beside the
    /// application or at the root, under the key that the runner really reads.
    CoverageThreshold(CoverageThreshold),
    /// A pipeline has to run these steps on every change. The workflows of the repository that pushes or pull requests start are
    /// read, with the scripts of `package.json` that they call, as deep as those call each other. In a repository of several
    /// applications it is asked once.
    Pipeline(Pipeline),
    /// Server code has to log through a logger. Counted are `console` calls in modules that the server loads, not those of client
    /// components, scripts and tests; beside them stands how many handlers log through a logger.
    ConsoleLogging(ConsoleLogging),
    /// A control that somebody wrote has to be used by something that runs. Schemas, limiters, guards, wrappers, validators, error
    /// handlers and loggers that a module exports are followed from their definition through imports, barrels and other
    /// definitions until code is met that runs; a type that is made of a schema and used anywhere counts as a use, a test does not.
    ControlUnused(ControlUnused),
    /// Keys of configuration files that the tool does not know and that are one slip away from one that it knows. The keys of plugins
    /// and new ones are nobody's business: only near misses count, and only where the known key is not set as well.
    ConfigSpelling(ConfigSpelling),
    /// Scripts that pipelines run have to exist: in the manifest of the folder in which the step runs, or of the workspace that it names.
    /// Commands that package managers know themselves, programs of dependencies, optional scripts and steps that may fail are left out.
    CiScripts(CiScripts),
    /// Test files have to be picked up by a test runner. The configurations of jest, vitest and Playwright near the file are read
    /// (folders, patterns, what they ignore); where one cannot be read, or another runner is called by a script, nothing is said.
    TestsRun(TestsRun),
    /// A guard has to be able to turn somebody away. While the paths of a handler are followed, it is noted where a guard stands behind a
    /// condition that never holds, where its promise is not awaited, where nobody looks at its decision, where its refusal is thrown into
    /// a `catch` that serves the caller all the same, and where it lets everybody pass as soon as its configuration or its store is missing.
    GuardFlaws(GuardFlaws),
    /// A signature is made over the bytes that were sent. Where a library verifies one, what it is given is looked at: a body that
    /// Express or Next.js has parsed before, or that the handler has parsed and put together again, is not what was signed.
    WebhookBody(WebhookBody),
    /// Whoever sends a signature has no session. For each handler that verifies one, the middleware is run for its URL; it may not turn
    /// away those who are not signed in.
    WebhookReached(WebhookReached),
    /// One of several signs has to be found: a package that code imports or a manifest lists, a file, a command in a script or a pipeline, a
    /// name in code or in a database schema, a route, a document. What cannot be seen from the repository can be attested in
    /// `[attest.<rule-id>]`.
    Present(Present),
    /// Several parts have to be there, each known by signs of its own as in `[check.present]`.
    Parts(Parts),
    /// An image has to be built and run well. The stages of Dockerfiles are followed from the last one back to its base image; files whose base
    /// image is not one of those that the rule names may be anything and are left out.
    Container(Container),
    /// Services of compose files need a health check, a restart policy and limits. Files for development and tests are left out.
    Compose(Compose),
    /// Environment variables that code reads have to be written down in an example file, near the application or anywhere else in the
    /// repository.
    EnvDocumented(EnvDocumented),
    /// Environment files that are part of the repository may not hold secrets. Values are looked at only to tell placeholders and local
    /// addresses from real ones, and never kept or shown.
    EnvCommitted(EnvCommitted),
    /// Columns that refer to another table need an index. Prisma schemas, Drizzle tables and, where there is neither, SQL migrations are
    /// read; an index counts for the column that it begins with. Databases that make such indexes themselves are left out.
    ForeignKeyIndex(ForeignKeyIndex),
    /// Tables that browsers can reach need row-level security. The SQL files of the repository are read in their order: tables that are
    /// created in the public schema, and where row-level security is switched on for them.
    RowSecurity(RowSecurity),
    /// TypeScript has to be strict: `compilerOptions.strict` of the application's `tsconfig.json`, or of what it extends.
    StrictTypes(StrictTypes),
    /// Units of code need a test that imports them: stores, hooks, components, services, repositories, utilities, told by where they lie,
    /// what makes them or how they are named. Imports are followed through barrels, and through what only tests use.
    UnitsTested(UnitsTested),
    /// Result files of other tools, which `[measure]` in `readiness.toml` names, have to meet targets. What was not measured stays open, and
    /// is no failure of the code.
    Measured(Measured),
    /// Calls of libraries have to have what makes them safe. A call is followed to its package through imports, clients that are made
    /// elsewhere and functions that make them; options are read where they are written, in variables and in the client's
    /// construction too. Where they cannot be read, nothing is said.
    Calls(Calls),
    /// Something has to be there somewhere in the code that handlers reach: a package that is used, or a name that says so. Its absence
    /// is a question rather than a proof.
    HandlersUse(HandlersUse),
    /// What handlers answer when something goes wrong: in `catch` blocks, in functions that are given the error, in error handlers, the
    /// answers are looked at, and what the error says is followed through variables.
    ErrorAnswers(ErrorAnswers),
    /// How handlers read and write their database, with Prisma, Drizzle, Kysely, Mongoose, Firestore or Supabase.
    Queries(Queries),
    /// What server code keeps between requests: maps, sets, lists and tables at the top of modules that handlers add to.
    Memory(Memory),
    /// What the caller sent is followed, through variables, functions and files, into places where it is more than data. Values that were
    /// turned into numbers, chosen among constants, or looked at beside the call do not count.
    CallerInput(CallerInput),
    /// Handlers of a kind need something: a control, an export, a name somewhere in the functions that they reach.
    Handlers(Handlers),
    /// Who is let in may not hang on a cookie that anybody can set: comparisons of a cookie's value with a text that stands in the code, or
    /// with a variable of the environment, in server code and middleware.
    WeakCookie(WeakCookie),
    /// Passwords, tokens and keys do not belong into logs. What calls of `console` and of loggers are given is looked at by name; parts of
    /// a value, its length and whether it is there do not count.
    LoggedSecrets(LoggedSecrets),
    /// Tokens of other services have to be encrypted before they are stored. The columns of what is written are looked at, and where their
    /// values come from.
    PlainTokens(PlainTokens),
    /// Queries have to name their columns. The texts of queries in server code are read.
    SqlStar(SqlStar),
    /// `any` switches the type checker off. Counted are the types that are written so, outside tests.
    ExplicitAny(ExplicitAny),
    /// Browsers get only the variables that Next.js puts into their bundles; all others are undefined there.
    ServerEnvInClient(ServerEnvInClient),
    /// Pages have to be rendered ahead where they can be: layouts that force all pages below them to be made for each request.
    Rendering(Rendering),
    /// Handlers that cost money need a stricter limit than the others. The limits that the proof engine read are compared.
    LimitTiers(LimitTiers),
    /// Somebody has to vouch for it in `[attest.<rule-id>]`: with who, since when, until when, and where to look.
    Attest(Attest),
}

impl Check {
    /// The kind's key in a rule file.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RouteControl(_) => "route-control",
            Self::RouteMark(_) => "route-mark",
            Self::UnsignedToken(_) => "unsigned-token",
            Self::RouteExists(_) => "route-exists",
            Self::ResponseHeaders(_) => "response-headers",
            Self::ContentSecurityPolicy(_) => "content-security-policy",
            Self::Cors(_) => "cors",
            Self::MiddlewareLoaded(_) => "middleware-loaded",
            Self::Dependency(_) => "dependency",
            Self::File(_) => "file",
            Self::ConfigKey(_) => "config-key",
            Self::Pattern(_) => "pattern",
            Self::SecretLiteral(_) => "secret-literal",
            Self::PublicEnv(_) => "public-env",
            Self::EnvValidation(_) => "env-validation",
            Self::CoverageThreshold(_) => "coverage-threshold",
            Self::Pipeline(_) => "pipeline",
            Self::ConsoleLogging(_) => "console-logging",
            Self::ControlUnused(_) => "control-unused",
            Self::ConfigSpelling(_) => "config-spelling",
            Self::CiScripts(_) => "ci-scripts",
            Self::TestsRun(_) => "tests-run",
            Self::GuardFlaws(_) => "guard-flaws",
            Self::WebhookBody(_) => "webhook-body",
            Self::WebhookReached(_) => "webhook-reached",
            Self::Present(_) => "present",
            Self::Parts(_) => "parts",
            Self::Container(_) => "container",
            Self::Compose(_) => "compose",
            Self::EnvDocumented(_) => "env-documented",
            Self::EnvCommitted(_) => "env-committed",
            Self::ForeignKeyIndex(_) => "foreign-key-index",
            Self::RowSecurity(_) => "row-security",
            Self::StrictTypes(_) => "strict-types",
            Self::UnitsTested(_) => "units-tested",
            Self::Measured(_) => "measured",
            Self::Calls(_) => "calls",
            Self::HandlersUse(_) => "handlers-use",
            Self::ErrorAnswers(_) => "error-answers",
            Self::Queries(_) => "queries",
            Self::Memory(_) => "memory",
            Self::CallerInput(_) => "caller-input",
            Self::Handlers(_) => "handlers",
            Self::WeakCookie(_) => "weak-cookie",
            Self::LoggedSecrets(_) => "logged-secrets",
            Self::PlainTokens(_) => "plain-tokens",
            Self::SqlStar(_) => "sql-star",
            Self::ExplicitAny(_) => "explicit-any",
            Self::ServerEnvInClient(_) => "server-env-in-client",
            Self::Rendering(_) => "rendering",
            Self::LimitTiers(_) => "limit-tiers",
            Self::Attest(_) => "attest",
        }
    }
}

impl Check {
    /// It counts something that belongs into the metrics, whether or not a roadmap lists its rule.
    #[must_use]
    pub fn counts(&self) -> bool {
        match self {
            Self::UnitsTested(_) | Self::SqlStar(_) => true,
            Self::Memory(it) => it.asks == super::MemoryQuestion::Unbounded,
            _ => false,
        }
    }

    /// The signs that it looks for.
    #[must_use]
    pub fn signs(&self) -> Vec<&Signs> {
        match self {
            Self::Present(it) => {
                let asked = it.when.iter().chain(&it.and_when);
                let shown = std::iter::once(&it.any).chain(&it.likely);
                shown.chain(asked).collect()
            }
            Self::Parts(it) => {
                let parts = it.parts.iter();
                let signs = parts.flat_map(|part| {
                    let shown = std::iter::once(&part.any).chain(&part.likely);
                    shown.chain(&part.when)
                });
                signs.chain(&it.when).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Which handlers a rule is about. A handler that the configuration declares public, or that plainly is, is never asked
/// for authentication.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RouteScope {
    /// Every handler and every server action.
    #[default]
    All,
    /// Handlers with a URL.
    Handlers,
    /// Server actions.
    Actions,
    /// Handlers with a URL that anybody may call.
    Public,
    /// Those that change state.
    Mutating,
    /// Those that cost money or much time per call.
    Expensive,
}

/// `[check.route-control]`: a control has to reach handlers. One finding per handler that it does not reach; a handler of
/// which it is unknown is neither a gap nor counted.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteControl {
    /// The control.
    pub control: Control,
    /// Which handlers.
    #[serde(default)]
    pub routes: RouteScope,
    /// Verdicts that are a gap: `none`, `untested` …
    pub gap: Vec<String>,
    /// Verdicts that are half a gap: `optional`, `conditional`, `manual`, `console`. They count as not in order.
    #[serde(default)]
    pub weak: Vec<String>,
    /// How bad half a gap is; the rule's own severity when not given.
    pub weak_severity: Option<Severity>,
    /// How bad a gap is where the handler changes state.
    pub writing_severity: Option<Severity>,
    /// How bad a gap is where the handler makes calls that cost money or much time.
    pub expensive_severity: Option<Severity>,
    /// How bad a gap is where the handler is meant for anybody and only reads.
    pub open_severity: Option<Severity>,
    /// Marks of handlers that are not asked, because another rule asks them who calls: `cron`, `webhook`.
    #[serde(default)]
    pub except_marks: Vec<String>,
    /// What the message adds for a handler that makes costly calls, which `{}` stands for: ` and makes {}`.
    #[serde(default)]
    pub expensive_says: String,
    /// What the message says of a gap, after `POST /api/chat`: `has no rate limit`.
    pub says: String,
    /// What the message says of half a gap.
    pub weak_says: Option<String>,
}

/// `[check.route-mark]`: handlers that the proof engine marked, `webhook:stripe`. The part before the colon is the mark,
/// the rest is its subject, which `{}` in a message stands for.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteMark {
    /// The mark that makes a handler one of those asked.
    pub mark: String,
    /// The mark with the same subject that has to be there too. Without this and `needs-control` the mark itself is the gap.
    pub needs_mark: Option<String>,
    /// The control that has to be enforced; beside `needs-mark` either of the two will do.
    pub needs_control: Option<Control>,
    /// Asked only of handlers that read what was sent and do something with it: one that redirects, or hands the request to a
    /// library whole, cannot be judged from outside.
    #[serde(default)]
    pub reading: bool,
    /// What the message says after `POST /api/stripe`: `does not verify the signature of {}`.
    pub says: String,
    /// What the message says when the control is there but can be passed by.
    pub weak_says: Option<String>,
    /// How bad it is when the control is there but can be passed by; the rule's own severity when not given.
    pub weak_severity: Option<Severity>,
    /// Variables that a platform sets by itself: a check that is skipped without one of them runs wherever the platform does.
    #[serde(default)]
    pub platform: Vec<String>,
    /// The question about all handlers whose check is skipped in one such place: `{handlers}`, `{variable}`.
    #[serde(default)]
    pub platform_says: String,
}

/// `[check.unsigned-token]`: JSON about a person that is only encoded (base64) or not even that, and is then used as a session:
/// named like one, or put into a cookie that is.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UnsignedToken {
    /// Names of variables, properties, functions and cookies that hold a session: `*session*`.
    pub names: Vec<String>,
    /// Names that fit one of `names` and hold none: `*cursor*`.
    pub except_names: Vec<String>,
    /// Keys of the JSON that say who somebody is: `userId`.
    pub identity: Vec<String>,
    /// Parts of the names of functions that sign or encrypt: `sign`, `hmac`.
    pub signs: Vec<String>,
}

/// `[check.route-exists]`: one route whose URL fits has to exist. Asked only of applications that have handlers.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteExists {
    /// URL patterns: `*` is part of a segment, `**` any number of segments. Case does not count.
    pub urls: Vec<String>,
    /// The methods that may answer it; any when empty.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Asked only of applications with at least so many handlers.
    pub at_least: usize,
    /// The message when there is none.
    pub says: String,
}

/// `[check.response-headers]`: headers that have to be sent, from `headers()` of the Next.js configuration, a middleware,
/// the hosting's configuration, helmet, or the handler itself. One finding per header that is sent nowhere or only somewhere.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResponseHeaders {
    /// The headers.
    pub headers: Vec<HeaderRequirement>,
    /// Packages that send headers when they are used.
    #[serde(default)]
    pub packages: Vec<HeaderPackage>,
}

/// A package of `[check.response-headers]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeaderPackage {
    /// Its name, with the path inside it: `hono/secure-headers`.
    pub name: String,
    /// What it sends by default.
    pub sends: Vec<String>,
}

/// One header of `[check.response-headers]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeaderRequirement {
    /// Its name.
    pub name: String,
    /// What its absence allows, for the message.
    pub allows: String,
    /// How bad its absence is; the rule's severity when not given.
    pub severity: Option<Severity>,
    /// A directive of the content security policy that does the same: `frame-ancestors`.
    pub csp_directive: Option<String>,
    /// Only applications that serve pages need it, not those that answer with data alone.
    #[serde(default)]
    pub pages_only: bool,
    /// Files that show a platform which sends it without being asked: `vercel.json`.
    #[serde(default)]
    pub sent_by: Vec<String>,
}

/// `[check.content-security-policy]`: sources that undo what a policy is for. Says nothing when there is no policy.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ContentSecurityPolicy {
    /// The directive that decides which scripts run.
    pub directive: String,
    /// Where that one is absent, this one counts.
    pub fallback: String,
    /// Sources that are a gap, each with what it allows.
    pub forbid: Vec<ForbiddenSource>,
}

/// One source of `[check.content-security-policy]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ForbiddenSource {
    /// `'unsafe-inline'`
    pub source: String,
    /// What it allows, for the message.
    pub allows: String,
    /// A source beginning like this beside it makes it harmless: `'nonce-`.
    #[serde(default)]
    pub unless: Vec<String>,
}

/// `[check.cors]`: `Access-Control-Allow-Origin: *`, a reflected origin with credentials, `cors()` without an origin.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cors {
    /// How bad it is when credentials are allowed as well.
    pub credentials_severity: Option<Severity>,
    /// How bad it is when code lets every origin read single answers, without credentials, and no whole path.
    pub single_severity: Option<Severity>,
}

/// `[check.middleware-loaded]`: a middleware that Next.js never runs, for its place, its name or its exports.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MiddlewareLoaded {}

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

/// `[check.pattern]`: every place at which one of the patterns matches is a gap.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PatternCheck {
    /// Patterns over syntax: `$DB.query($SQL + $X)`.
    #[serde(default)]
    pub code: Vec<String>,
    /// Regular expressions over text.
    #[serde(default)]
    pub text: Vec<String>,
    /// Globs of the files to look at, from the application's folder; all source files when empty. Tests never count.
    #[serde(default)]
    pub files: Vec<String>,
    /// Globs of files to leave out.
    #[serde(default)]
    pub except: Vec<String>,
    /// Matches of which a metavariable or a group took a text of this form do not count. In lower case.
    #[serde(default)]
    pub except_captures: Vec<String>,
    /// Files that import one of these do not count; `*` stands for part of a specifier.
    #[serde(default)]
    pub except_imports: Vec<String>,
    /// No match shows nothing: what the rule asks for may be missing all the same.
    #[serde(default)]
    pub no_proof: bool,
    /// The message.
    pub says: String,
}

/// `[check.secret-literal]`: string literals in code, outside tests and examples, that are keys or passwords.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecretLiteral {
    /// Keys that say themselves what they are.
    pub formats: Vec<SecretFormat>,
    /// Names of variables and properties whose random-looking values are secrets: `*secret*`, `*password`.
    pub names: Vec<String>,
    /// Names that fit one of `names` and are harmless all the same.
    #[serde(default)]
    pub except_names: Vec<String>,
    /// Environment variables that sign or encrypt, for which a fallback in the code is a secret that everybody knows.
    #[serde(default)]
    pub no_fallback: Vec<String>,
}

/// One kind of key of `[check.secret-literal]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecretFormat {
    /// What it is: `Stripe secret key`.
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// How many characters follow at least.
    pub length: usize,
    /// Characters that may follow besides letters and digits.
    #[serde(default)]
    pub also: String,
}

/// `[check.public-env]`: variables whose prefix sends them to browsers and whose name is a secret's.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublicEnv {
    /// `NEXT_PUBLIC_`
    pub prefixes: Vec<String>,
    /// Patterns of the rest of the name that mean a secret: `*SECRET*`.
    pub secret: Vec<String>,
    /// Patterns that mean none even so: `*PUBLISHABLE*`.
    pub public: Vec<String>,
}

/// `[check.env-validation]`: environment variables go through a schema, or are checked in a loop that throws, in code that runs.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvValidation {
    /// Packages that do nothing else: `@t3-oss/env-nextjs`.
    pub packages: Vec<String>,
    /// Methods that check the whole of `process.env` given to them: `parse`.
    pub methods: Vec<String>,
    /// Variables that the platform sets and nobody has to check.
    pub ignore: Vec<String>,
    /// Files whose variables the application does not need: `**/scripts/**`.
    #[serde(default)]
    pub except: Vec<String>,
    /// How many variables an application has to read before it is asked.
    pub at_least: usize,
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
    /// Files that show a platform which does it on every change: `vercel.json`.
    #[serde(default)]
    pub done_by: Vec<String>,
}

/// `[check.console-logging]`: handlers log through a logger and not with `console`. One finding per application, at the file
/// that uses `console` most.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConsoleLogging {
    /// Folders and files that may use `console`: `scripts/**`.
    pub except: Vec<String>,
    /// Fewer calls than this are no gap.
    pub at_least: usize,
}

/// `[check.attest]`: counts only when `readiness.toml` says who vouches for it, since when, until when, and where to look.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attest {
    /// The question that somebody answers by attesting.
    pub asks: String,
}

/// `[check.control-unused]`: controls that are defined and that nothing which runs uses. One finding for each kind and module.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControlUnused {
    /// Packages whose calls make schemas, and do nothing else: `zod`.
    pub schema_packages: Vec<String>,
    /// How bad an unused schema is; the rule's severity when not given.
    pub schema_severity: Option<Severity>,
    /// The other kinds of controls, told by their names.
    pub kinds: Vec<ControlKind>,
    /// Words with which names begin that stand for something else: `use`, `mock`.
    #[serde(default)]
    pub except_first: Vec<String>,
    /// Words with which names end that stand for something about a control: `error`, `config`.
    #[serde(default)]
    pub except_last: Vec<String>,
    /// Globs of files that nobody wrote: `**/generated/**`.
    #[serde(default)]
    pub except_files: Vec<String>,
}

/// One kind of control of `[check.control-unused]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControlKind {
    /// What one is called: `rate limiter`.
    pub name: String,
    /// What several are called.
    pub plural: String,
    /// The words of their names, lower-case: `*` stands for any number of words, `a|b` for one of several. `with auth|session *`
    pub names: Vec<String>,
    /// Values that are no functions do not count.
    #[serde(default)]
    pub functions_only: bool,
    /// A table of them is looked at entry by entry.
    #[serde(default)]
    pub tables: bool,
    /// How bad an unused one is; the rule's severity when not given.
    pub severity: Option<Severity>,
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

/// `[check.guard-flaws]`: guards that turn nobody away, or not always. One finding for each place.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GuardFlaws {
    /// What the proof calls it: `ineffective`, `fails-open`.
    pub mark: String,
    /// The flaws, each with what the message says of the guard, for which `{}` stands, and of the variable that is missing
    /// (`{variable}`): `swallowed`.
    pub says: std::collections::BTreeMap<String, String>,
    /// Flaws that may be meant so, and are asked about.
    #[serde(default)]
    pub questions: Vec<String>,
    /// The guards.
    pub guards: std::collections::BTreeMap<String, GuardWords>,
}

/// A guard of `[check.guard-flaws]`.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GuardWords {
    /// What it is called in messages: `the rate limit`.
    pub name: String,
    /// How bad the flaw is there; the rule's severity when not given.
    pub severity: Option<Severity>,
}

/// `[check.webhook-body]`: signatures that are verified over a body that was parsed before.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebhookBody {
    /// Methods that need the raw body as their first argument: `constructEvent`.
    pub methods: Vec<String>,
}

/// `[check.webhook-reached]`: handlers that verify signatures behind a middleware that asks for a session.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebhookReached {}
