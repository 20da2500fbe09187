//! The kinds of checks that a rule may ask for. What each of them takes is written beside its like: of routes, code, projects, signs.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Attest, CallerInput, Calls, CiScripts, Compose, ConfigKey, ConfigSpelling, ConsoleLogging,
    Container, ContentSecurityPolicy, ControlUnused, Cors, CoverageThreshold, Dependency, Doubt,
    EnvCommitted, EnvDocumented, EnvValidation, ErrorAnswers, ExplicitAny, FileCheck,
    ForeignKeyIndex, GuardFlaws, Handlers, HandlersUse, LimitTiers, LoggedSecrets, Measured,
    Memory, MiddlewareLoaded, Parts, PatternCheck, Pipeline, PlainTokens, Present, PublicEnv,
    Queries, Rendering, ResponseHeaders, RouteControl, RouteExists, RouteMark, RowSecurity,
    SecretLiteral, ServerEnvInClient, Signs, SqlStar, StrictTypes, TestsRun, UnitsTested,
    UnsignedToken, WeakCookie, WebhookBody, WebhookReached,
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
    /// failure, on every path to the work. Handlers of which it stays unknown, that are open on purpose, or that do nothing worth
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
                shown.chain(asked).chain(doubted(&it.doubts)).collect()
            }
            Self::Pipeline(it) => {
                let steps = it.steps.iter();
                steps.flat_map(|step| doubted(&step.doubts)).collect()
            }
            Self::ResponseHeaders(it) => {
                let headers = it.headers.iter();
                headers.flat_map(|each| doubted(&each.doubts)).collect()
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

/// The signs that doubts look for.
fn doubted(doubts: &[Doubt]) -> impl Iterator<Item = &Signs> {
    let each = doubts.iter();
    each.flat_map(|doubt| doubt.with.iter().chain(&doubt.without))
}
