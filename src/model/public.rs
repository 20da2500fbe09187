//! Which handlers plainly should be open, and which are webhooks or cron endpoints, told from their URL and method.
//!
//! A guess: it is shown as one, and keeps a rule from crying wolf.

use std::collections::BTreeMap;

use crate::controls::{Evidence, ONLY_SIGNS, Status, Verdict, lets_caches_share};
use crate::routes::{Entry, Procedure, Route};
use crate::rule::Control;
use crate::syntax::ModuleRecord;

use super::probe::sees_who_answers;

/// Last segments of URLs that are for people who are not signed in yet, wherever they stand.
const SIGN_IN: [&str; 19] = [
    "login",
    "signin",
    "sign-in",
    "log-in",
    "register",
    "signup",
    "sign-up",
    "logout",
    "signout",
    "sign-out",
    "log-out",
    "forgot-password",
    "reset-password",
    "password-reset",
    "verify-email",
    "magic-link",
    "oauth",
    "oauth2",
    "saml",
];
/// Words that mean that only behind a segment like `auth`: elsewhere a session may be one of checkout, a token one of devices.
const SIGN_IN_PROTOCOL: [&str; 28] = [
    "session",
    "refresh",
    "refresh-token",
    "token",
    "otp",
    "csrf",
    "sso",
    "saml",
    "auth",
    "authorize",
    "verify",
    "verify-code",
    "verify-otp",
    "verify-token",
    "code",
    "acs",
    "metadata",
    "userinfo",
    "jwks",
    "passkey",
    "passkeys",
    "guest",
    "anonymous",
    "providers",
    "error",
    "check-email",
    "confirm",
    "recover",
];
const HEALTH: [&str; 8] = [
    "health",
    "healthz",
    "healthcheck",
    "health-check",
    "readyz",
    "readiness",
    "livez",
    "liveness",
];
/// Words that mean health only at the top: elsewhere a status is one of an order, and what is live a broadcast.
const HEALTH_AT_TOP: [&str; 6] = ["ready", "live", "ping", "status", "up", "uptime"];
const PUBLIC_FILES: [&str; 20] = [
    "og",
    "og-image",
    "opengraph-image",
    "twitter-image",
    "robots.txt",
    "sitemap.xml",
    "sitemap",
    "manifest.json",
    "manifest.webmanifest",
    "rss",
    "rss.xml",
    "atom.xml",
    "feed",
    "feed.xml",
    "favicon.ico",
    "llms.txt",
    "llms-full.txt",
    "version",
    "changelog",
    "oembed",
];
const OPT_OUT: [&str; 5] = [
    "unsubscribe",
    "opt-out",
    "optout",
    "csp-report",
    "csp-reports",
];
/// Forms that are for people without an account.
const OPEN_FORMS: [&str; 6] = [
    "contact",
    "contact-us",
    "newsletter",
    "waitlist",
    "waiting-list",
    "captcha",
];
/// Segments below which nothing is for everybody, whatever its last word.
const CLOSED: [&str; 5] = ["admin", "internal", "private", "superadmin", "backoffice"];
/// Segments below which a library serves its own handler: `/api/auth/[...nextauth]`.
const AUTH_MOUNTS: [&str; 9] = [
    "auth",
    "better-auth",
    "authjs",
    "auth-js",
    "nextauth",
    "next-auth",
    "supertokens",
    "workos",
    "kinde",
];

/// Why the handler plainly should be open; `None` when it should not.
#[must_use]
pub(super) fn guess(route: &Route, library_handler: bool, signature: bool) -> Option<String> {
    let reason = if library_handler {
        "an auth library's own handler"
    } else if let Entry::Procedure(procedure) = &route.entry {
        guess_procedure(route, procedure)?
    } else if let Some(url) = route.url.as_deref() {
        guess_url(url, &route.method, signature)?
    } else {
        guess_action(route)?
    };
    Some(reason.to_owned())
}

/// Why the handler's answers are for everybody, as its own headers say: it lets shared caches keep them.
#[must_use]
pub(super) fn shared(route: &Route, marks: &[(String, Evidence)]) -> Option<String> {
    let cached = marks.iter().any(|(mark, evidence)| {
        mark == "sets-header:cache-control" && lets_caches_share(&evidence.note)
    });
    (cached && route.url.is_some() && matches!(route.method.as_str(), "GET" | "HEAD"))
        .then(|| String::from("shared caches may keep its answers, as its Cache-Control says"))
}

/// Why the handler is for those who are not signed in, or touches nothing but the caller's own session.
#[must_use]
pub(super) fn signs_in(marks: &[(String, Evidence)]) -> Option<String> {
    let only = marks.iter().any(|(mark, _)| mark == ONLY_SIGNS);
    only.then(|| String::from("all that it does is sign in or out"))
}

/// Why the handler is a health check: it is sent nothing, and sees whether a store answers.
#[must_use]
pub(super) fn probe(
    route: &Route,
    controls: &BTreeMap<Control, Verdict>,
    record: &ModuleRecord,
) -> Option<String> {
    let reads_nothing = || {
        let input = controls.get(&Control::Validation);
        input.is_some_and(|input| input.status == Status::Na)
    };
    let is_closed = |url: &str| url.split('/').any(|segment| CLOSED.contains(&segment));
    let url = route.url.as_deref()?;
    let asked = matches!(route.method.as_str(), "GET" | "HEAD") && !is_closed(url);
    (asked && reads_nothing() && sees_who_answers(record, route.span))
        .then(|| String::from("a health endpoint"))
}

/// Why the handler is for those who are not signed in: it turns away everybody else.
#[must_use]
pub(super) fn strangers(marks: &[(String, Evidence)]) -> Option<String> {
    let only = marks.iter().any(|(mark, _)| mark == "strangers-only");
    only.then(|| String::from("it turns away those who are signed in"))
}

fn guess_url(url: &str, method: &str, signature: bool) -> Option<&'static str> {
    let lower = url.to_ascii_lowercase();
    let segments: Vec<&str> = lower.split('/').filter(|s| !s.is_empty()).collect();
    let fixed: Vec<&str> = segments
        .iter()
        .filter(|segment| !is_dynamic(segment))
        .copied()
        .collect();
    let last = fixed.last().copied().unwrap_or("");
    let reads = matches!(method, "GET" | "HEAD" | "ANY");
    if method == "OPTIONS" {
        return Some("a preflight answer");
    }
    if signature || receives(method) && is_webhook_url(&segments) {
        return Some("a webhook: judged by its signature");
    }
    // Some senders first ask whether the address is theirs; `webhooks` alone is where a team lists its own.
    let shakes_hands = fixed.contains(&"webhook")
        || fixed
            .iter()
            .position(|segment| *segment == "webhooks")
            .is_some_and(|at| at + 1 < fixed.len() && fixed.len() == segments.len());
    if method == "GET" && shakes_hands {
        return Some("the handshake of a webhook");
    }
    let closed = fixed.iter().any(|segment| CLOSED.contains(segment));
    if SIGN_IN.contains(&last) && fixed.len() <= 4 {
        return Some("sign-in, sign-up or its callback");
    }
    if closed {
        return None;
    }
    let whole = fixed.len() == segments.len();
    let below_health = fixed.iter().any(|s| matches!(*s, "health" | "healthz"));
    let top = fixed.len() == 1 || fixed.len() == 2 && fixed.first() == Some(&"api");
    if reads
        && whole
        && (HEALTH.contains(&last) || below_health || top && HEALTH_AT_TOP.contains(&last))
    {
        return Some("a health endpoint");
    }
    let picture = fixed.iter().any(|segment| {
        *segment == "og"
            || segment.starts_with("og-image")
            || segment.starts_with("opengraph-image")
    });
    if reads && (PUBLIC_FILES.contains(&last) || picture) {
        return Some("metadata or an image that crawlers read");
    }
    if reads && fixed.contains(&".well-known") {
        return Some("a document with an agreed address that clients look for");
    }
    let behind_auth = fixed
        .iter()
        .take(fixed.len().saturating_sub(1))
        .any(|segment| {
            AUTH_MOUNTS.contains(segment) || matches!(*segment, "oauth" | "oauth2" | "saml" | "sso")
        });
    let mount =
        segments.last().is_some_and(|segment| is_catch_all(segment)) && AUTH_MOUNTS.contains(&last);
    let calls_back = fixed.iter().any(|segment| {
        matches!(*segment, "callback" | "oauth" | "oauth2")
            || segment.ends_with("-callback")
            || segment.ends_with("_callback")
    });
    if behind_auth && (SIGN_IN.contains(&last) || SIGN_IN_PROTOCOL.contains(&last))
        || mount
        || calls_back && !is_webhook_url(&segments)
    {
        return Some("sign-in, sign-up or its callback");
    }
    if OPT_OUT.contains(&last) {
        return Some("a link that works without an account");
    }
    if OPEN_FORMS.contains(&last) && matches!(method, "POST" | "ANY") {
        return Some("a form for people without an account");
    }
    None
}

/// `[id]`, `[...rest]`, `:id`, `*`
fn is_dynamic(segment: &str) -> bool {
    segment.starts_with(['[', ':', '*', '{'])
}

/// `[...rest]`, `[[...rest]]`, `*`, `:rest*`
fn is_catch_all(segment: &str) -> bool {
    segment.contains("...") || segment.ends_with('*')
}

/// Procedures go by names, as actions do; and what they are built on may say that it is for everybody.
fn guess_procedure(route: &Route, procedure: &Procedure) -> Option<&'static str> {
    let last = route.method.rsplit('.').next().unwrap_or("");
    let base = procedure.base.as_deref().unwrap_or("").to_ascii_lowercase();
    if base.contains("public") {
        return Some("its builder is called public");
    }
    if procedure.reads && HEALTH.contains(&last.to_ascii_lowercase().as_str()) {
        return Some("a health endpoint");
    }
    guess_name(last)
}

fn guess_action(route: &Route) -> Option<&'static str> {
    guess_name(&route.method)
}

fn guess_name(name: &str) -> Option<&'static str> {
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    // What somebody in charge does to another's account, and what is known of past sign-ins.
    let of_others = [
        "admin", "history", "attempts", "foruser", "ofuser", "devices", "sessions", "tracked",
    ];
    if of_others.iter().any(|word| name.contains(word)) {
        return None;
    }
    let anywhere = [
        "signin",
        "signup",
        "signout",
        "logout",
        "forgotpassword",
        "forgottenpassword",
        "resetpassword",
        "passwordreset",
        "verifyotp",
        "magiclink",
        "unsubscribe",
    ];
    let core = name
        .strip_prefix("handle")
        .unwrap_or(&name)
        .trim_end_matches("action");
    let whole = [
        "login",
        "register",
        "registeruser",
        "registeraccount",
        "verifyemail",
    ];
    let by_name = anywhere
        .iter()
        .any(|word| core.starts_with(word) || core.ends_with(word))
        || core.starts_with("loginwith")
        || core.starts_with("loginas") && core != "loginas"
        || core.starts_with("resendverification")
        || core.starts_with("resendotp")
        || core.starts_with("sendotp")
        || whole.contains(&core);
    if by_name {
        return Some("sign-in, sign-up or its callback");
    }
    // A shared link that is kept behind a word of its own.
    let asks = ["verify", "check", "validate", "unlock", "submit", "enter"];
    let shown = ["password", "passcode", "pin", "accesscode"];
    if asks.iter().any(|word| core.starts_with(word))
        && shown.iter().any(|word| core.ends_with(word))
    {
        return Some("it asks for a password of its own");
    }
    let joins = [
        "subscribe",
        "join",
        "addto",
        "signupfor",
        "submit",
        "request",
    ];
    let lists = ["waitlist", "waitinglist", "newsletter", "mailinglist"];
    let form = core.starts_with("submitcontact") || core.starts_with("sendcontact");
    let list = joins.iter().any(|word| core.starts_with(word))
        && lists.iter().any(|word| core.ends_with(word));
    (form || list || core == "contact").then_some("a form for people without an account")
}

/// A method with which events are delivered.
fn receives(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "ANY")
}

fn is_webhook_url(segments: &[&str]) -> bool {
    if manages_webhooks(segments) {
        return false;
    }
    segments.iter().any(|segment| {
        matches!(*segment, "webhook" | "webhooks" | "hooks")
            || segment.ends_with("-webhook")
            || segment.starts_with("webhook-")
    }) || event_sender(segments).is_some()
}

/// `/api/teams/[id]/webhooks`, `/api/management/webhooks/[id]`: where somebody lists and changes their own.
fn manages_webhooks(segments: &[&str]) -> bool {
    let fixed = match segments {
        [rest @ .., last] if is_dynamic(last) && rest.last() == Some(&"webhooks") => rest,
        all => all,
    };
    let [before @ .., "webhooks"] = fixed else {
        return false;
    };
    before.iter().any(|segment| {
        is_dynamic(segment)
            || matches!(*segment, "management" | "manage" | "settings")
            || CLOSED.contains(segment)
    })
}

/// Services that deliver events, with the words that they deliver them under when the URL says neither `webhook` nor `hook`:
/// `/api/twilio/sms`.
const SENDERS: [(&str, &[&str]); 8] = [
    (
        "twilio",
        &[
            "sms",
            "voice",
            "status",
            "status-callback",
            "incoming",
            "inbound",
            "whatsapp",
            "call",
            "message",
        ],
    ),
    (
        "slack",
        &[
            "events",
            "event",
            "interactions",
            "interactivity",
            "interactive",
            "actions",
            "commands",
        ],
    ),
    ("telegram", &["update", "updates", "bot"]),
    ("discord", &["interactions", "interaction"]),
    ("stripe", &["events", "event"]),
    ("sendgrid", &["events", "event", "inbound", "parse"]),
    ("postmark", &["events", "inbound", "bounce"]),
    ("paypal", &["ipn", "events"]),
];

/// The service whose events the URL takes: its name, then the word.
fn event_sender(segments: &[&str]) -> Option<&'static str> {
    let [.., sender, word] = segments else {
        return None;
    };
    SENDERS
        .iter()
        .find(|(name, words)| name == sender && words.contains(word))
        .map(|(name, _)| *name)
}

/// Marks a webhook or cron endpoint, with its provider where the URL or the code tells it.
#[must_use]
pub(super) fn webhook(
    route: &Route,
    marks: &[(String, Evidence)],
    record: &ModuleRecord,
) -> Option<(String, Evidence)> {
    let lower = route.url.as_deref()?.to_ascii_lowercase();
    let segments: Vec<&str> = lower.split('/').filter(|s| !s.is_empty()).collect();
    let evidence = |note: &str| Evidence::new(record.path.clone(), record.line(route.span), note);
    if segments
        .iter()
        .any(|s| matches!(*s, "cron" | "crons" | "cron-jobs" | "scheduled"))
    {
        return Some((String::from("cron"), evidence("cron endpoint")));
    }
    if !receives(&route.method) {
        return None;
    }
    let checked = marks
        .iter()
        .find_map(|(key, _)| key.strip_prefix("signature-check:"));
    // What a browser brings for an identity provider is no webhook.
    if let Some(provider) = checked.filter(|provider| *provider != "saml") {
        return Some((format!("webhook:{provider}"), evidence("webhook")));
    }
    if !is_webhook_url(&segments) {
        return None;
    }
    let known = [
        "stripe",
        "clerk",
        "github",
        "gitlab",
        "slack",
        "twilio",
        "telegram",
        "svix",
        "resend",
        "paddle",
        "lemonsqueezy",
        "polar",
        "shopify",
        "paypal",
        "discord",
        "whatsapp",
        "sendgrid",
        "mailgun",
        "postmark",
        "plaid",
    ];
    let provider = known
        .iter()
        .find(|name| segments.iter().any(|s| s.contains(**name)))
        .copied()
        .unwrap_or("any");
    Some((format!("webhook:{provider}"), evidence("webhook")))
}

#[cfg(test)]
mod tests {
    use super::{guess, webhook};
    use crate::graph::ModuleId;
    use crate::routes::{Entry, Route, RouteKind};
    use crate::source::Span;

    fn route(url: &str, method: &str) -> Route {
        Route {
            module: ModuleId(0),
            url: Some(url.to_owned()),
            kind: RouteKind::App,
            method: method.to_owned(),
            span: Span::default(),
            entry: Entry::Export(method.into()),
            development: None,
        }
    }

    #[test]
    fn open_by_their_purpose() {
        assert!(guess(&route("/api/health", "GET"), false, false).is_some());
        assert!(guess(&route("/api/auth/login", "POST"), false, false).is_some());
        assert!(guess(&route("/api/webhooks/stripe", "POST"), false, false).is_some());
        assert!(guess(&route("/api/og", "GET"), false, false).is_some());
    }

    fn action(name: &str) -> Route {
        Route {
            url: None,
            kind: RouteKind::Action,
            ..route("", name)
        }
    }

    #[test]
    fn a_library_is_mounted_anywhere() {
        assert!(guess(&route("/api/better-auth/[...all]", "POST"), false, false).is_some());
        assert!(guess(&route("/api/auth/[...nextauth]", "ANY"), false, false).is_some());
        assert!(guess(&route("/api/auth/*", "ANY"), false, false).is_some());
        assert!(guess(&route("/api/[...rest]", "POST"), false, false).is_none());
    }

    #[test]
    fn callbacks_and_the_protocol_of_signing_in() {
        assert!(guess(&route("/apps/gmail/oauth-callback", "GET"), false, false).is_some());
        assert!(guess(&route("/api/auth/saml/authorize", "POST"), false, false).is_some());
        assert!(guess(&route("/api/admin/login", "POST"), false, false).is_some());
        assert!(guess(&route("/api/checkout/session", "POST"), false, false).is_none());
        assert!(guess(&route("/api/devices/token", "POST"), false, false).is_none());
        assert!(guess(&route("/api/admin/auth/token", "POST"), false, false).is_none());
        assert!(guess(&route("/api/admin/health", "GET"), false, false).is_none());
        assert!(guess(&route("/api/teams/[id]/webhooks", "GET"), false, false).is_none());
        assert!(guess(&route("/api/webhooks/[id]", "GET"), false, false).is_none());
        assert!(guess(&route("/api/teams/[id]/webhooks", "POST"), false, false).is_none());
        assert!(guess(&route("/api/management/webhooks/[id]", "PUT"), false, false).is_none());
        assert!(guess(&route("/api/webhooks/[provider]", "POST"), false, false).is_some());
        assert!(guess(&route("/api/webhooks/whatsapp", "GET"), false, false).is_some());
        assert!(guess(&route("/api/subscriptions/status", "GET"), false, false).is_none());
        assert!(guess(&route("/videos/:id/status", "GET"), false, false).is_none());
        assert!(guess(&route("/api/status", "GET"), false, false).is_some());
        assert!(guess(&route("/api/health/ready", "GET"), false, false).is_some());
    }

    #[test]
    fn actions_for_people_who_are_not_signed_in() {
        assert!(guess(&action("signInWithGoogle"), false, false).is_some());
        assert!(guess(&action("loginAction"), false, false).is_some());
        assert!(guess(&action("requestPasswordReset"), false, false).is_some());
        assert!(guess(&action("registerWebhook"), false, false).is_none());
        assert!(guess(&action("signOutAllDevices"), false, false).is_none());
        assert!(guess(&action("getLoginHistory"), false, false).is_none());
        assert!(guess(&action("adminResetPassword"), false, false).is_none());
        assert!(guess(&action("verifyVideoPassword"), false, false).is_some());
        assert!(guess(&action("validateSurveyPinAction"), false, false).is_some());
        assert!(guess(&action("checkShipping"), false, false).is_none());
        assert!(guess(&action("joinWaitlist"), false, false).is_some());
        assert!(guess(&action("deleteFromNewsletter"), false, false).is_none());
    }

    #[test]
    fn events_are_taken_under_the_words_of_their_sender() {
        let record = crate::syntax::parse_module(
            &crate::source::SourceFile::new(crate::source::RepoPath::new("a.ts"), ""),
            crate::syntax::ParseOptions {
                patterns: &crate::syntax::PatternSet::default(),
            },
        );
        let mark = |url: &str, method: &str| {
            webhook(&route(url, method), &[], &record).map(|(key, _)| key)
        };
        assert_eq!(
            mark("/api/twilio/sms", "POST").as_deref(),
            Some("webhook:twilio")
        );
        assert_eq!(
            mark("/api/slack/events", "POST").as_deref(),
            Some("webhook:slack")
        );
        assert_eq!(mark("/api/stripe/checkout", "POST"), None);
        assert_eq!(mark("/api/twilio/sms", "GET"), None);
        assert_eq!(mark("/api/sms", "POST"), None);
    }

    #[test]
    fn open_by_what_caches_may_keep() {
        let marks = |value: &str| {
            let evidence =
                crate::controls::Evidence::new(crate::source::RepoPath::new("a.ts"), 1, value);
            vec![(String::from("sets-header:cache-control"), evidence)]
        };
        let get = route("/api/catalog", "GET");
        assert!(super::shared(&get, &marks("public, max-age=60")).is_some());
        assert!(super::shared(&get, &marks("s-maxage=60, stale-while-revalidate=600")).is_some());
        assert!(super::shared(&get, &marks("private, max-age=60")).is_none());
        assert!(super::shared(&get, &[]).is_none());
        assert!(super::shared(&route("/api/catalog", "POST"), &marks("public")).is_none());
    }

    #[test]
    fn not_open_by_a_word_in_the_path() {
        assert!(guess(&route("/api/projects/[id]", "DELETE"), false, false).is_none());
        assert!(guess(&route("/api/admin/users", "GET"), false, false).is_none());
        assert!(guess(&route("/api/health", "POST"), false, false).is_none());
        assert!(guess(&route("/api/authors", "GET"), false, false).is_none());
    }

    #[test]
    fn a_webhook_is_marked_with_its_provider() {
        let record = crate::syntax::parse_module(
            &crate::source::SourceFile::new(crate::source::RepoPath::new("a.ts"), ""),
            crate::syntax::ParseOptions {
                patterns: &crate::syntax::PatternSet::default(),
            },
        );
        let mark = webhook(&route("/api/stripe/webhook", "POST"), &[], &record);
        assert_eq!(mark.map(|(key, _)| key).as_deref(), Some("webhook:stripe"));
        assert!(webhook(&route("/api/stripe/webhook", "GET"), &[], &record).is_none());
    }
}
