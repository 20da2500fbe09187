//! The kinds of checks that look at what code says, calls, answers, asks, keeps and passes on, as data.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Control, Severity};

/// Where the code of a check runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CodeScope {
    /// What handlers reach, function by function, in packages of the repository too.
    #[default]
    Handlers,
    /// Modules of the application that run on the server.
    Server,
    /// Modules of the application that are sent to browsers.
    Client,
    /// All of the application's code, tests and examples left out.
    All,
}

/// `[check.calls]`: calls of libraries that lack something, or have something that they must not.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Calls {
    /// Where there are such calls and `only` fits none, or they are made in the browsers of an application without handlers, it cannot
    /// be told.
    #[serde(default)]
    pub else_unknown: bool,
    /// The calls by path, as in `rules/controls`: `jsonwebtoken#*.sign`, `openai#*.chat.completions.create`, `*#*.findMany`.
    pub call: Vec<String>,
    /// Paths that fit and do not count.
    #[serde(default)]
    pub except: Vec<String>,
    /// Where.
    #[serde(default)]
    pub scope: CodeScope,
    /// Globs of files to leave out, from the root.
    #[serde(default)]
    pub except_files: Vec<String>,
    /// The calls ask other services, and hold up who calls. Where no handler waits for one, where it asks the application itself, and
    /// where the platform soon ends what waits, the finding is a question.
    #[serde(default)]
    pub waited: bool,
    /// Only calls for which one of these holds are asked; all when empty.
    #[serde(default)]
    pub only: Vec<CallCondition>,
    /// Calls for which one of these holds are not asked.
    #[serde(default)]
    pub except_when: Vec<CallCondition>,
    /// A call is in order when one of these holds; one of which it cannot be told is left out.
    #[serde(default)]
    pub unless: Vec<CallCondition>,
    /// What makes one finding.
    #[serde(default)]
    pub per: CallGroup,
    /// Fewer gaps than this are none.
    #[serde(default)]
    pub at_least: usize,
    /// The message. `{}` stands for how many calls there are.
    pub says: String,
}

/// What makes one finding of `[check.calls]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CallGroup {
    /// Every call.
    #[default]
    Call,
    /// All calls of one client, where that is made; those whose client is unknown, by file.
    Client,
    /// All calls of one file.
    Module,
    /// All calls of the application.
    App,
}

/// Something that a call has. All parts that are given have to hold.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallCondition {
    /// It is about calls of these paths only, and does not hold for others.
    #[serde(default)]
    pub of: Vec<String>,
    /// The argument that `keys`, `is` and `text` look at, counted from 0; the last one when not given.
    pub argument: Option<usize>,
    /// The argument is an object with one of these keys, dots leading deeper: `parameters.timeout`.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The argument is an object with all of these keys, none of them set to `false`.
    #[serde(default)]
    pub all_keys: Vec<String>,
    /// The argument is a variable or a property of such a name: `*password`; a construction is called by its class and the number
    /// of its arguments, `new url/2`. In lower case.
    #[serde(default)]
    pub named: Vec<String>,
    /// What stands at the key, or the argument where no key is given, is one of these: `false`, `*`.
    #[serde(default)]
    pub is: Vec<String>,
    /// The argument is a text of this form, in lower case.
    #[serde(default)]
    pub text: Vec<String>,
    /// At least so many arguments are given.
    pub arguments: Option<usize>,
    /// The client was made with one of these keys: `timeout`.
    #[serde(default)]
    pub made_with: Vec<String>,
    /// One of these is called in the same chain, before or behind.
    #[serde(default)]
    pub chained: Vec<String>,
    /// It stands in the arguments of such a call: `*timeout*`. In lower case.
    #[serde(default)]
    pub inside: Vec<String>,
    /// The function or constant around it has such a name in it, or is called so: `*abort*`. In lower case.
    #[serde(default)]
    pub mentions: Vec<String>,
}

/// `[check.handlers-use]`: something that the code of handlers should have somewhere. One finding for the application.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HandlersUse {
    /// Where an application has no handlers and makes such calls in browsers, it cannot be told.
    #[serde(default)]
    pub else_unknown: bool,
    /// Asked only where handlers reach one of these calls.
    #[serde(default)]
    pub when: Vec<String>,
    /// Asked only of applications with so many client components.
    #[serde(default)]
    pub client_components: usize,
    /// Asked only of applications in which one of these controls reaches handlers.
    #[serde(default)]
    pub when_controls: Vec<Control>,
    /// Asked only of applications with handlers that read, take no input and ask nobody who he is.
    #[serde(default)]
    pub public_reads: bool,
    /// Asked only where handlers make costly calls of these kinds: `llm`.
    #[serde(default)]
    pub when_expensive: Vec<String>,
    /// Asked only where the application has so many of these, or else so many handlers.
    #[serde(default)]
    pub at_least: usize,
    /// In order when one of these packages is imported by code that runs; `*` stands for part of a name.
    #[serde(default)]
    pub packages: Vec<String>,
    /// In order when a name or a short text in the modules of handlers, of middleware or of `instrumentation` has this form, in
    /// lower case: `*circuitbreaker*`.
    #[serde(default)]
    pub words: Vec<String>,
    /// Words of the same kind that make it likely, and show nothing.
    #[serde(default)]
    pub likely_words: Vec<String>,
    /// In order when handlers, or code that they reach, make one of these calls.
    #[serde(default)]
    pub calls: Vec<String>,
    /// In order when one of these files exists: globs from the application's folder and from the root.
    #[serde(default)]
    pub files: Vec<String>,
    /// The message. `{}` stands for how many there are of what is asked for in `when` or `when-expensive`.
    pub says: String,
}

/// `[check.error-answers]`: what handlers answer when something goes wrong.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ErrorAnswers {
    /// What is asked of them.
    pub asks: ErrorQuestion,
    /// The message. `{}` stands for the forms that were found.
    pub says: String,
}

/// A question of `[check.error-answers]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorQuestion {
    /// Errors carry a code that programs can tell apart.
    Codes,
    /// What a caught error says may not be told to the caller, unless it is known which error it is.
    Leak,
    /// An answer that tells of an error has a status that does.
    Status,
    /// All of them have one form.
    Envelope,
}

/// `[check.queries]`: how handlers read and write their database.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Queries {
    /// What is asked of them.
    pub asks: QueryQuestion,
    /// Globs of files with work that is done in the background, where one of `background_packages` is used: nobody waits for what
    /// stands there.
    #[serde(default)]
    pub background_files: Vec<String>,
    /// Packages that run work in the background.
    #[serde(default)]
    pub background_packages: Vec<String>,
    /// The message.
    pub says: String,
}

/// A question of `[check.queries]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueryQuestion {
    /// A query has a condition or a limit.
    WholeTable,
    /// A page's size that the caller chooses has a highest value.
    PageSize,
    /// Reads that do not need each other are made together.
    Independent,
    /// Writes that belong together are one transaction.
    Transaction,
    /// Rows are not read one by one, each with a query of its own.
    InLoop,
}

/// `[check.memory]`: what server code keeps between requests, in containers at the top of modules.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Memory {
    /// What is asked of them.
    pub asks: MemoryQuestion,
    /// For limiters: how the container, the function that adds to it or its file is called, in lower case.
    #[serde(default)]
    pub names: Vec<String>,
    /// How those are called that do not count, in lower case.
    #[serde(default)]
    pub except_names: Vec<String>,
    /// For limiters: calls of limiters whose store is shared; what a handler counts in memory beside them saves them work.
    #[serde(default)]
    pub shared: Vec<String>,
    /// For limiters: calls of packages that count in memory.
    #[serde(default)]
    pub limiters: Vec<String>,
    /// For limiters of packages: packages and files that show that a server of its own does not keep running.
    #[serde(default)]
    pub started_anew: Vec<String>,
    /// Such a call is in order when one of these holds.
    #[serde(default)]
    pub unless: Vec<CallCondition>,
    /// The message. `{}` stands for the container.
    pub says: String,
    /// The message about a limiter of a package.
    #[serde(default)]
    pub package_says: String,
}

/// A question of `[check.memory]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryQuestion {
    /// What handlers add to is made smaller again somewhere.
    Unbounded,
    /// Requests are not counted in it.
    Limiter,
}

/// `[check.caller-input]`: what the caller sent ends in a place where it is more than data.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallerInput {
    /// The calls by path, as in `[check.calls]`.
    pub call: Vec<String>,
    /// Paths that fit and do not count.
    #[serde(default)]
    pub except: Vec<String>,
    /// Where.
    #[serde(default)]
    pub scope: CodeScope,
    /// The arguments that matter, counted from 0.
    #[serde(default)]
    pub arguments: Vec<usize>,
    /// Keys of the first argument that matter.
    #[serde(default)]
    pub keys: Vec<String>,
    /// The contents of messages that instruct a model matter.
    #[serde(default)]
    pub system_messages: bool,
    /// Only texts that are put together and read like SQL matter, part by part.
    #[serde(default)]
    pub sql: bool,
    /// Names beside the call that show that the value is looked at: `startswith`. In lower case.
    #[serde(default)]
    pub guards: Vec<String>,
    /// The message.
    pub says: String,
    /// The message where it cannot be told where the value comes from; without one, nothing is said then.
    pub unknown_says: Option<String>,
}

/// `[check.handlers]`: handlers of a kind need something in what they reach. All conditions that are given have to hold for one to be
/// asked; any of the needs will do.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Handlers {
    /// Where none of the handlers is asked though some enforce `when-control`, it cannot be told.
    #[serde(default)]
    pub else_unknown: bool,
    /// Their URLs, in lower case: `**/login`.
    #[serde(default)]
    pub urls: Vec<String>,
    /// Beside them server actions of these names, in lower case: `*signin*`.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Their methods.
    #[serde(default)]
    pub methods: Vec<String>,
    /// They reach one of these calls, named as in `[check.calls]`.
    #[serde(default)]
    pub calls: Vec<String>,
    /// They have a mark of this form: `signature-check:*`.
    #[serde(default)]
    pub marks: Vec<String>,
    /// They have none of these.
    #[serde(default)]
    pub except_marks: Vec<String>,
    /// They make costly calls of one of these kinds.
    #[serde(default)]
    pub expensive: Vec<String>,
    /// This control is enforced.
    pub when_control: Option<Control>,
    /// They do something.
    #[serde(default)]
    pub working: bool,
    /// They change state.
    #[serde(default)]
    pub writing: bool,
    /// Asked only of Next.js's own handlers.
    #[serde(default)]
    pub next_only: bool,
    /// Asked only of applications that use one of these packages or have one of these files: `vercel.json`.
    #[serde(default)]
    pub with_packages: Vec<String>,
    /// They need this control.
    pub needs_control: Option<Control>,
    /// They need a name, a key or a short text of one of these forms in what they reach, or in the middleware, in lower case.
    #[serde(default)]
    pub needs_names: Vec<String>,
    /// Their module needs one of these exports.
    #[serde(default)]
    pub needs_exports: Vec<String>,
    /// They need to do something.
    #[serde(default)]
    pub needs_work: bool,
    /// It is enough that one of them has it.
    #[serde(default)]
    pub one_is_enough: bool,
    /// What the message says after `POST /api/login`.
    pub says: String,
}

/// `[check.weak-cookie]`: a cookie is compared with a text in the code, or with a variable of the environment, to decide who may go on.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WeakCookie {
    /// Names of cookies that decide, in lower case: `*admin*`.
    pub names: Vec<String>,
    /// The message about a text in the code.
    pub says: String,
    /// The message about a variable of the environment.
    pub env_says: String,
}

/// `[check.logged-secrets]`: values that are called like secrets in what server code logs.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoggedSecrets {
    /// Calls that log, named as in `[check.calls]`.
    pub call: Vec<String>,
    /// Names of variables and properties that hold secrets, in lower case.
    pub names: Vec<String>,
    /// Names that fit one of these and hold none.
    #[serde(default)]
    pub except_names: Vec<String>,
    /// The message. `{}` stands for the name.
    pub says: String,
}

/// `[check.plain-tokens]`: tokens that another service gave are written to the database as they came.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlainTokens {
    /// Calls that write rows, named as in `[check.calls]`.
    pub call: Vec<String>,
    /// Paths that fit and do not count.
    #[serde(default)]
    pub except: Vec<String>,
    /// Names of the columns, in lower case.
    pub names: Vec<String>,
    /// Forms of the names of functions and variables that hide a value, in lower case: `*encrypt*`.
    pub hides: Vec<String>,
    /// The message. `{}` stands for the column.
    pub says: String,
}

/// `[check.sql-star]`: queries that read all columns. One finding per file.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SqlStar {
    /// Globs of files to leave out, from the root.
    #[serde(default)]
    pub except: Vec<String>,
    /// Names of properties whose texts are shown to somebody and not run: `placeholder`.
    #[serde(default)]
    pub shown: Vec<String>,
    /// The message. `{}` stands for the number with its verb: `3 queries read`.
    pub says: String,
}

/// `[check.explicit-any]`: `any` as a type. One finding for the application, at the file with most of them.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExplicitAny {
    /// Globs of files to leave out, from the root.
    #[serde(default)]
    pub except: Vec<String>,
    /// Fewer than this are no gap.
    pub at_least: u32,
    /// Rules of linters about it: where the configuration around the application switches one off, the finding is a question of low
    /// confidence.
    #[serde(default)]
    pub lint_rules: Vec<String>,
    /// The message. `{}` stands for the numbers: `12 times in 3 files`.
    pub says: String,
}

/// `[check.server-env-in-client]`: variables that client components read and never get.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerEnvInClient {
    /// Variables that browsers get: `NEXT_PUBLIC_*`.
    pub public: Vec<String>,
    /// The message. `{}` stands for the variable.
    pub says: String,
}

/// `[check.rendering]`: layouts that make every page below them dynamic.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rendering {
    /// Only layouts of at least so many pages.
    pub at_least: usize,
    /// The message. `{}` stands for the number of pages.
    pub says: String,
    /// The message where three of four pages are client components. `{}` stands for how many of how many.
    pub client_says: Option<String>,
}

/// `[check.limit-tiers]`: costly handlers have the same rate limit as all others.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitTiers {
    /// Asked only where so many other handlers have a limit that can be read.
    pub at_least: usize,
    /// The message. `{limit}` stands for the limit, `{}` for the number of other handlers.
    pub says: String,
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

/// `[check.console-logging]`: handlers log through a logger and not with `console`. One finding per application, at the file
/// that uses `console` most.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConsoleLogging {
    /// Folders and files that may use `console`: `scripts/**`.
    pub except: Vec<String>,
    /// Fewer calls than this are no gap.
    pub at_least: usize,
    /// Packages that make loggers: `pino*`.
    pub loggers: Vec<String>,
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
    /// Functions whose first parameter is called something that ends with one of these words do not count.
    #[serde(default)]
    pub not_given: Vec<String>,
    /// A table of them is looked at entry by entry.
    #[serde(default)]
    pub tables: bool,
    /// How bad an unused one is; the rule's severity when not given.
    pub severity: Option<Severity>,
}
