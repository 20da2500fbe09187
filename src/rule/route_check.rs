//! The kinds of checks that look at routes and what stands in front of them, as data.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Control, Doubt, Severity};

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
    /// Marks of handlers that are not asked: another rule asks them who calls (`cron`, `webhook`), or there is nothing to check
    /// (`input-choice`).
    #[serde(default)]
    pub except_marks: Vec<String>,
    /// What the message adds for a handler that makes costly calls, which `{}` stands for: ` and makes {}`.
    #[serde(default)]
    pub expensive_says: String,
    /// What the message says of a gap, after `POST /api/chat`: `has no rate limit`.
    pub says: String,
    /// What the message says of half a gap.
    pub weak_says: Option<String>,
    /// How bad a gap is where only those who say who they are can call the handler, and nothing in it is costly.
    pub signed_in_severity: Option<Severity>,
    /// What turns a finding into a question.
    #[serde(default)]
    pub doubt: RouteDoubt,
}

/// `[check.route-control.doubt]`: what speaks for a handler that a control does not reach. Such a finding is of low confidence, and
/// its message ends in a question.
#[derive(Clone, Default, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RouteDoubt {
    /// Kinds of calls that are worth a limit whoever makes them, and that nobody makes for strangers: `llm`, `email`.
    #[serde(default)]
    pub costly: Vec<String>,
    /// Words of addresses that are for anybody: `feedback`, `embed`.
    #[serde(default)]
    pub open_words: Vec<String>,
    /// Words of addresses behind which nothing is for anybody: `admin`, `invoices`. They outweigh the open ones.
    #[serde(default)]
    pub closed_words: Vec<String>,
    /// What functions are called that may do what the engine did not see done, as patterns of words: `verify * signature`.
    #[serde(default)]
    pub guard_names: Vec<String>,
    /// Last segments of addresses to which somebody posts to get an account: `users`.
    #[serde(default)]
    pub account_segments: Vec<String>,
    /// Texts that handlers say, as part of what they say, to those whom they turn away for who they are: `unauthorized`.
    #[serde(default)]
    pub turned_away: Vec<String>,
    /// Texts that handlers say, as part of what they say, of what they were sent and do not take: `required`.
    #[serde(default)]
    pub refusals: Vec<String>,
    /// Words with which a name ends that only says which one is meant: `id`.
    #[serde(default)]
    pub identifying_words: Vec<String>,
    /// Words with which a name begins that switches something: `is`, `enable`.
    #[serde(default)]
    pub switching_words: Vec<String>,
    /// Keys under which stands what is looked for: `where`.
    #[serde(default)]
    pub lookup_keys: Vec<String>,
    /// What is called with what is looked for: `eq`, `inArray`.
    #[serde(default)]
    pub lookup_calls: Vec<String>,
    /// Methods that find or forget what is stored under a key: `del`.
    #[serde(default)]
    pub keyed_calls: Vec<String>,
    /// What is called with what is only said, to the log or to the caller: `error`, `json`.
    #[serde(default)]
    pub saying_calls: Vec<String>,
    /// What looks a row up by a unique key and fails where there is none: `findUniqueOrThrow`.
    #[serde(default)]
    pub confirming_calls: Vec<String>,
    /// What looks a row up by a unique key and gives nothing where there is none: `findUnique`.
    #[serde(default)]
    pub finding_calls: Vec<String>,
    /// Words with which a name begins that changes something: `create`.
    #[serde(default)]
    pub changing_words: Vec<String>,
    /// Packages of databases and other stores: a service that is asked is none of these.
    #[serde(default)]
    pub stores: Vec<String>,
    /// Packages whose lookups leave out a condition on `undefined`, so that nobody finds everything.
    #[serde(default)]
    pub lenient_clients: Vec<String>,
    /// Packages that look up by themselves who signs in, where others ask a service, which limits that.
    #[serde(default)]
    pub sign_in_libraries: Vec<String>,
    /// Words of names and addresses where a password that is sent is a new one: `reset`.
    #[serde(default)]
    pub renewing_words: Vec<String>,
    /// What functions are called that keep account of what an account may spend, as patterns of words: `reserve * credit`.
    #[serde(default)]
    pub quota_names: Vec<String>,
    /// Packages that are called with a key that somebody pays for: `openai`.
    #[serde(default)]
    pub paid_packages: Vec<String>,
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
    /// Packages and variables that speak for such a platform: its absence is a question then.
    #[serde(default)]
    pub hinted_by: Vec<String>,
    /// Names of files that say that something else stands in front of the application, which may send it: `Dockerfile`.
    #[serde(default)]
    pub hinted_by_files: Vec<String>,
    /// Commands of pipelines that speak for such a platform: `vercel deploy`.
    #[serde(default)]
    pub hinted_by_steps: Vec<String>,
    /// What its absence comes to where browsers do something sensible by themselves, as a question: whoever thinks that enough has no
    /// gap, so such a finding is of low confidence.
    pub question: Option<String>,
    /// What makes its absence a question of low confidence.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
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
    /// Functions that need it: where code for browsers calls one of them, it may be meant.
    #[serde(default)]
    pub needed_by: Vec<String>,
}

/// `[check.cors]`: `Access-Control-Allow-Origin: *`, a reflected origin with credentials, `cors()` without an origin.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cors {
    /// How bad it is when credentials are allowed as well.
    pub credentials_severity: Option<Severity>,
    /// How bad it is when code lets every origin read single answers, without credentials, and no whole path.
    pub single_severity: Option<Severity>,
    /// Packages that keep who is calling in a cookie, though no code names one.
    #[serde(default)]
    pub session_packages: Vec<String>,
}

/// `[check.middleware-loaded]`: a middleware that Next.js never runs, for its place, its name or its exports.
#[derive(Clone, PartialEq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MiddlewareLoaded {}

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
