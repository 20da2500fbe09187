//! What libraries mean to the proof engine, as data: `rules/controls/*.toml`.
//!
//! Every entry names calls by their path from the package's export: `@upstash/ratelimit#Ratelimit!.limit` is the
//! method `limit` of an instance of `Ratelimit`. `()` stands for a call's result, `!` for an instance made by `new`,
//! `*` for any text. A path that begins with `*#` holds for any receiver, and is less sure.

use serde::Deserialize;

/// One file of `rules/controls/`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControlFile {
    /// Calls and what they mean.
    #[serde(default)]
    pub api: Vec<Api>,
    /// Fluent builders that collect middleware and end in a handler.
    #[serde(default)]
    pub builder: Vec<Builder>,
    /// Routers of named procedures.
    #[serde(default)]
    pub procedures: Vec<Procedures>,
    /// Calls that cost money or much time.
    #[serde(default)]
    pub expensive: Vec<Expensive>,
    /// Packages whose calls are no work: response building, formatting, identifiers.
    #[serde(default)]
    pub light: Vec<String>,
    /// Methods that put what they are given into what they are called on: `hash.update(token)`.
    #[serde(default)]
    pub collects: Vec<String>,
    /// Calls that open or close a connection, which is no work by itself: `mongoose.connect(url)`.
    #[serde(default)]
    pub connects: Vec<String>,
    /// Packages that make one thing of another and ask nobody for it: documents, pictures, pages.
    #[serde(default)]
    pub makes: Vec<String>,
    /// Calls that tell of a failure in their answer, `{ error }`, and do not throw it.
    #[serde(default)]
    pub telling: Vec<String>,
    /// Those of them that throw all the same.
    #[serde(default)]
    pub throwing: Vec<String>,
    /// Calls of identity providers, which look at what they are handed.
    #[serde(default)]
    pub providers: Vec<String>,
    /// Header names that carry credentials; `*` stands for any text.
    #[serde(default)]
    pub credential_headers: Vec<String>,
    /// Names of cookies that keep what the browser prefers or has picked, and say nothing of who is calling; `*` stands for any text.
    #[serde(default)]
    pub plain_cookies: Vec<String>,
    /// Names of cookies that say nothing of who is calling, and name what is meant for whoever has them; `*` stands for any text.
    #[serde(default)]
    pub holder_cookies: Vec<String>,
    /// Environment variables that hold secrets; `*` stands for any text.
    #[serde(default)]
    pub secret_variables: Vec<String>,
    /// Names of functions that sound like guards, in lower case; `*` stands for any text. They prove nothing, and are only asked
    /// about.
    #[serde(default)]
    pub guard_names: Vec<String>,
}

/// Calls that mean the same.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Api {
    /// The calls, by path.
    pub call: Vec<String>,
    /// What calling them means.
    pub is: Meaning,
    /// Response or error status, where the call fixes one.
    #[serde(default)]
    pub status: Option<u16>,
    /// For limits: where count and window stand.
    #[serde(default)]
    pub limit: Option<LimitShape>,
    /// For middleware that hands an accessor of the identity to its function: the accessor's path.
    #[serde(default)]
    pub gives: Option<String>,
    /// For middleware that asks who calls: the options that hold what the application alone gives out, `token`.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// For handlers of packages: the options whose functions run before anything else.
    #[serde(default)]
    pub context: Vec<String>,
    /// For webhooks: the provider, `stripe`.
    #[serde(default)]
    pub provider: Option<String>,
    /// For complete handlers of libraries: the limiter that they bring along.
    #[serde(default)]
    pub own_limit: Option<OwnLimit>,
    /// What comes in front of each path in `call`, where the same functions can be imported in several ways.
    #[serde(default)]
    pub from: Vec<String>,
    /// For effects: what is done.
    #[serde(default)]
    pub effect: Option<EffectShape>,
    /// For contracts: which part of one it is.
    #[serde(default)]
    pub contract: Option<ContractPart>,
}

/// What a function does that makes an effect: a description of work that is done when somebody runs it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EffectShape {
    /// What running it does.
    pub step: EffectStep,
    /// How many arguments it takes besides the effect that it goes on from, which comes first, or later where it is left out.
    #[serde(default = "one")]
    pub takes: usize,
    /// The keys under which its functions may stand in an object, in the order in which they are named elsewhere.
    #[serde(default)]
    pub options: Vec<String>,
    /// It goes on from a value that may be nothing; finding that out is no work.
    #[serde(default)]
    pub pure: bool,
    /// It is done at once, and gives what it comes to.
    #[serde(default)]
    pub now: bool,
    /// What of the request it gives: a member, or a call of one with `()`; the request itself where it is empty.
    #[serde(default)]
    pub gives: String,
    /// The name of the failure that it ends in.
    #[serde(default)]
    pub tag: Option<String>,
}

fn one() -> usize {
    1
}

/// What running an effect does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectStep {
    /// Calls its function, then the second one with what that throws.
    Run,
    /// Comes to its argument.
    Succeed,
    /// Fails with its argument, or with the status of the call.
    Fail,
    /// Comes to its argument, and fails where that is nothing.
    Present,
    /// Gives a part of the request.
    Give,
    /// Gives a part of the request, or its argument, once a schema has parsed it; else it fails.
    Parse,
    /// Comes to what each of a list comes to.
    All,
    /// Goes on with what its function makes of what it goes on from, and runs that.
    Then,
    /// The same, but what the function gives is only given on.
    Map,
    /// The same as `then`, but comes to what it went on from.
    Tap,
    /// Runs what the effect comes to.
    Flatten,
    /// Goes on with what its function makes of a failure, and runs that.
    Recover,
    /// The same for failures of some kind: by their name, a table of names, or a condition.
    RecoverSome,
    /// Runs what its function makes of a failure, which stays one.
    TapFailure,
    /// Goes on with what one of two functions makes of a failure or of what it goes on from.
    Both,
    /// Does what the effect does that it goes on from.
    Same,
    /// Comes to an effect that succeeds or fails as the one did.
    Settle,
    /// Comes to a value that is nothing where the effect fails.
    Optional,
    /// Says whether a settled effect succeeded.
    Succeeded,
    /// Says whether a settled effect failed.
    Failed,
    /// Makes a function that gives an effect which calls another one.
    Function,
    /// Applies functions to a value, each to what the one before gave.
    Pipe,
    /// Runs an effect now; what it fails with is thrown.
    Perform,
    /// Runs an effect now, and gives an effect that succeeds or fails as it did.
    PerformSettled,
    /// Stands for something that is made elsewhere: by the effect or the function under one of its options.
    Service,
    /// Makes a class of failures.
    Failures,
}

/// A part of a contract: a list of endpoints that a server promises, declared apart from the functions that answer them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContractPart {
    /// Serves requests by what it was made of.
    Serve,
    /// Makes a server of a contract.
    Server,
    /// Gives the functions that answer a group of endpoints: the contract, the group's name, a function that is given the list.
    Answers,
    /// Puts one function on that list, under the name of an endpoint.
    Answer,
    /// Says what makes something that others only name.
    Implementation,
    /// Gives something that others only name.
    Given,
    /// Wraps all endpoints.
    Wrapper,
    /// Begins a group of endpoints.
    Group,
    /// An endpoint of this method: its name and path.
    Endpoint(String),
    /// Adds to a contract or a group.
    Add,
    /// Puts a text in front of all paths.
    Prefix,
    /// Names a middleware that runs first.
    Middleware,
    /// Gives the schema of an endpoint's `path`, `query`, `body` or `headers`.
    Input(String),
}

/// A limiter that a library's complete handler brings along, switched on unless its options say otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OwnLimit {
    /// The option of whatever made the handler that holds what follows: `rateLimit`.
    pub option: String,
    /// The key that switches it off where it is `false`: `enabled`.
    pub switch: String,
    /// Where count and window stand.
    pub limit: LimitShape,
}

/// Where the constants of a limiter stand among a call's arguments.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitShape {
    /// The count: a position (`0`) or a key of the options object (`max`).
    #[serde(default)]
    pub count: Vec<String>,
    /// The window, likewise.
    pub window: Vec<String>,
    /// The unit of a window that is a bare number: `ms` or `s`.
    pub unit: String,
    /// The count when none is given.
    #[serde(default)]
    pub default_count: Option<f64>,
    /// The window in seconds when none is given.
    #[serde(default)]
    pub default_window: Option<f64>,
}

/// What a call means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// Gives who is calling, or nothing.
    Identity,
    /// Tells whom a token is about, or nothing where it is not genuine: an identity when the token came with the request.
    Token,
    /// Gives who is calling, or throws or redirects.
    RequireIdentity,
    /// Lets a stored count be forgotten after a time: the window of its limit.
    Expiry,
    /// Says whether the path in its first argument fits one of the globs in its second.
    PathGlob,
    /// Makes the caller known from what it sent just now: who is calling is no question any more.
    SignIn,
    /// Begins a session of the caller's own, and leaves nobody signed in behind it: a mail with a code, the way to a provider.
    SignInStep,
    /// Ends a session of the caller's own.
    SignOut,
    /// Throws unless the request is signed; gives the verified payload.
    VerifySignature,
    /// Says whether the request is signed.
    CheckSignature,
    /// Compares its first two arguments.
    Compare,
    /// Describes a window: `slidingWindow(10, "10 s")`.
    LimitWindow,
    /// Says whether the caller may go on.
    LimitDecision,
    /// Throws when the caller may not go on.
    RequireLimit,
    /// Middleware that answers 429 by itself.
    LimitMiddleware,
    /// Middleware that answers 401 by itself.
    AuthMiddleware,
    /// Middleware or wrapper factory around a handler that is called with an identity attached to the request (`req.auth`).
    IdentityWrapper,
    /// Middleware factory whose function argument gets an accessor of the identity, then the request.
    IdentityMiddleware,
    /// Wrapper that turns strangers away before it calls the handler.
    AuthWrapper,
    /// Wrapper that turns away whatever is not signed before it calls the handler.
    SignedWrapper,
    /// Combines middleware, all of which run.
    Every,
    /// Wrapper that only observes.
    TransparentWrapper,
    /// Wrapper that logs each request and what came of it.
    LoggingWrapper,
    /// Middleware that logs each request through a logger.
    LoggingMiddleware,
    /// Middleware that tells of each request through the function that it is given, else on the console.
    TellingMiddleware,
    /// Wrapper that turns failures into responses.
    CatchingWrapper,
    /// Middleware that validates by a schema.
    SchemaMiddleware,
    /// Middleware that checks what is sent by a description of the whole API: whatever a handler behind it reads is checked.
    SpecMiddleware,
    /// Gives the parsed value or throws.
    SchemaParse,
    /// Gives a result that says whether the value was valid.
    SchemaCheck,
    /// Makes a store that outlives the request, in which counts may be kept.
    Store,
    /// Gives a stored count of past events.
    Count,
    /// Gives how many rows a query finds, for a limit or for anything else.
    RowCount,
    /// Gives how many rows a query finds: where it asks for those since a time (`createdAt: { gt: since }`), a count of past events.
    RecentCount,
    /// Looks up one row by what names it and nothing else: where that is missing, none is found.
    UniqueLookup,
    /// Runs a script in a store: where the script only counts (`INCR` and `EXPIRE`), it gives a count of past events.
    ScriptCount,
    /// Logs through a logger.
    Log,
    /// Logs through the console.
    Console,
    /// Reports to an error tracker.
    Track,
    /// Makes a response with a body.
    Respond,
    /// Makes a redirect response.
    Redirect,
    /// Lets the request through (middleware).
    PassOn,
    /// Has what is kept of pages made anew: what it is given only says which.
    Refresh,
    /// Throws a redirect.
    ThrowRedirect,
    /// Throws a status.
    ThrowStatus,
    /// Gives the request's headers.
    Headers,
    /// Gives the request's cookies.
    Cookies,
    /// Makes a predicate over paths from a list of patterns.
    RouteMatcher,
    /// Runs its function argument and gives its result.
    Runs,
    /// Runs its function argument later, outside the request.
    Later,
    /// Serves the procedures of the router in its options, to the request in them.
    ServeProcedures,
    /// Makes a handler that serves the procedures of the router in its options.
    ProcedureHandler,
    /// Makes a handler that does what its package decides; the functions that its options name may turn requests away.
    OpaqueHandler,
    /// Makes, changes or runs an effect.
    Effect,
    /// Declares or serves a part of a contract.
    Contract,
    /// Wires a complete handler of a library that authenticates by itself.
    AuthHandler,
    /// Wires a complete handler that checks signatures by itself.
    SignedHandler,
    /// Runs code of the repository that is not followed: whoever it turns away is not known.
    Unseen,
    /// Asks another service, which is work, although its package does none otherwise.
    Work,
}

/// A fluent builder: `createSafeActionClient().use(m).inputSchema(s).action(f)`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Builder {
    /// Paths whose value is an empty builder.
    pub start: Vec<String>,
    /// Methods that add middleware.
    #[serde(default, rename = "use")]
    pub uses: Vec<String>,
    /// Methods that set the input's schema.
    #[serde(default)]
    pub schema: Vec<String>,
    /// Methods whose function argument is the handler.
    #[serde(default)]
    pub finish: Vec<String>,
    /// Those of them whose handlers only read.
    #[serde(default)]
    pub reading: Vec<String>,
    /// Methods whose argument every middleware is given under the method's name.
    #[serde(default)]
    pub given: Vec<String>,
    /// Fields by which what `next()` gives says that all went well.
    #[serde(default)]
    pub result: Vec<String>,
    /// How middleware is called.
    pub calling: Calling,
    /// Failures of the handler become answers.
    #[serde(default)]
    pub catches: bool,
}

/// Routers of named procedures that one URL serves: `router({ posts: router({ list: procedure.query(f) }) })`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Procedures {
    /// Calls that make a router of an object.
    pub router: Vec<String>,
    /// Calls that make one router of several.
    #[serde(default)]
    pub merge: Vec<String>,
    /// Calls whose function loads a router when it is first asked for.
    #[serde(default)]
    pub lazy: Vec<String>,
    /// Calls that make a caller, which runs the procedures of a router without a request: a router's own, and what a
    /// factory that is given the router returns.
    #[serde(default)]
    pub caller: Vec<String>,
    /// Calls that make a client, which requests procedures.
    #[serde(default)]
    pub client: Vec<String>,
    /// What a client's procedures are called by: `client.posts.list.query()`.
    #[serde(default)]
    pub client_call: Vec<String>,
}

/// How a middleware receives the request and hands on.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calling {
    /// `({ ctx, next, … }) => next({ ctx })`
    Options,
    /// `(context, next) => next()`
    #[default]
    ContextNext,
    /// `(req, res, next) => next()`
    RequestResponseNext,
}

/// Calls that cost money or much time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expensive {
    /// The calls, by path.
    pub call: Vec<String>,
    /// Only when something is sent to one of these hosts with it; `*` stands for any text.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// `llm`, `speech`, `image`, `conversion`, `upload`, `email`, `sms`, `payment`
    pub category: String,
}

/// All that is known of libraries.
#[derive(Clone, Debug, Default)]
pub struct ControlLibrary {
    /// Calls and what they mean; earlier entries win.
    pub api: Vec<Api>,
    /// Builders.
    pub builders: Vec<Builder>,
    /// Routers of named procedures.
    pub procedures: Vec<Procedures>,
    /// Expensive calls.
    pub expensive: Vec<Expensive>,
    /// Packages whose calls are no work.
    pub light: Vec<String>,
    /// Methods that put what they are given into what they are called on.
    pub collects: Vec<String>,
    /// Calls that open or close a connection.
    pub connects: Vec<String>,
    /// Packages that make one thing of another and ask nobody for it.
    pub makes: Vec<String>,
    /// Calls that tell of a failure in their answer and do not throw it.
    pub telling: Vec<String>,
    /// Those of them that throw all the same.
    pub throwing: Vec<String>,
    /// Calls of identity providers, which look at what they are handed.
    pub providers: Vec<String>,
    /// Header names that carry credentials.
    pub credential_headers: Vec<String>,
    /// Names of cookies that say nothing of who is calling, in lower case.
    pub plain_cookies: Vec<String>,
    /// Names of cookies that name what is meant for whoever has them, in lower case.
    pub holder_cookies: Vec<String>,
    /// Environment variables that hold secrets.
    pub secret_variables: Vec<String>,
    /// Names of functions that sound like guards, in lower case.
    pub guard_names: Vec<String>,
}

impl ControlLibrary {
    /// Adds one file's entries behind those already there.
    pub fn add(&mut self, file: ControlFile) {
        for mut api in file.api {
            if !api.from.is_empty() {
                let calls = api.call.iter();
                let long = |from: &String| -> Vec<String> {
                    calls.clone().map(|call| format!("{from}{call}")).collect()
                };
                api.call = api.from.iter().flat_map(long).collect();
            }
            self.api.push(api);
        }
        self.builders.extend(file.builder);
        self.procedures.extend(file.procedures);
        self.expensive.extend(file.expensive);
        self.light.extend(file.light);
        self.collects.extend(file.collects);
        self.connects.extend(file.connects);
        self.makes.extend(file.makes);
        self.providers.extend(file.providers);
        self.telling.extend(file.telling);
        self.throwing.extend(file.throwing);
        self.credential_headers.extend(file.credential_headers);
        self.plain_cookies.extend(file.plain_cookies);
        self.holder_cookies.extend(file.holder_cookies);
        self.secret_variables.extend(file.secret_variables);
        self.guard_names.extend(file.guard_names);
    }
}

/// Texts up to this length are searched for one letter: building a searcher would cost more.
const SHORT: usize = 256;

/// Whether `text` matches `pattern`, in which `*` stands for any text, also none.
#[must_use]
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    // Nearly every pattern differs within its first letters, so these are compared before anything is searched.
    let mut at = 0;
    loop {
        match (pattern.get(at), text.get(at)) {
            (Some(b'*'), _) => break,
            (Some(wanted), Some(byte)) if wanted == byte => at += 1,
            (None, None) => return true,
            _ => return false,
        }
    }
    let mut rest = text.get(at..).unwrap_or_default();
    let mut pattern = pattern.get(at..).unwrap_or_default();
    // Ends differ nearly as often, and are compared without a search.
    let last = pattern.rsplit(|byte| *byte == b'*').next();
    if last.is_some_and(|last| !rest.ends_with(last)) {
        return false;
    }
    // The pattern now begins with a star, and goes on doing so.
    while let Some((_, behind)) = pattern.split_first() {
        let Some(star) = behind.iter().position(|byte| *byte == b'*') else {
            return rest.ends_with(behind);
        };
        let (part, next) = behind.split_at(star);
        match position(rest, part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
        pattern = next;
    }
    true
}

/// Where `part` first stands in `text`.
fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    if text.len() > SHORT {
        return memchr::memmem::find(text, part);
    }
    // Slashes and dots stand in every path: a letter tells more.
    let lead = part.iter().position(u8::is_ascii_alphanumeric).unwrap_or(0);
    let Some(letter) = part.get(lead) else {
        return Some(0);
    };
    let last = text.len().checked_sub(part.len())?;
    memchr::memchr_iter(*letter, text.get(lead..=last + lead)?)
        .find(|&at| text[at..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::wildcard;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(wildcard("@clerk/*#auth", "@clerk/nextjs/server#auth"));
        assert!(wildcard(
            "*#*.verifyIdToken",
            "firebase-admin/auth#getAuth().verifyIdToken"
        ));
        assert!(wildcard("zod#*.parse", "zod#z.object().strict().parse"));
        assert!(!wildcard("zod#*.parse", "zod#z.object().parseAsync"));
        assert!(!wildcard("a*b*b", "ab"));
        assert!(wildcard("plain", "plain") && !wildcard("plain", "plain2"));
        assert!(wildcard("*", "") && wildcard("**a*", "ba") && !wildcard("*a", ""));
        let long = "x".repeat(100) + "end";
        assert!(wildcard("*xen*", &long) && !wildcard("*xex*", &long));
    }
}
