//! Which handlers plainly should be open, and which are webhooks or cron endpoints, told from their URL and method.
//!
//! A guess: it is shown as one, and keeps a rule from crying wolf.

use crate::controls::Evidence;
use crate::routes::{Route, RouteKind};
use crate::syntax::ModuleRecord;

/// Words of a URL's segments that say what it is for.
const SIGN_IN: [&str; 26] = [
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
    "forgot-password",
    "reset-password",
    "verify-email",
    "magic-link",
    "otp",
    "oauth",
    "oauth2",
    "callback",
    "csrf",
    "session",
    "refresh",
    "refresh-token",
    "saml",
    "sso",
    "token",
    "auth",
];
const HEALTH: [&str; 12] = [
    "health",
    "healthz",
    "healthcheck",
    "health-check",
    "ready",
    "readyz",
    "readiness",
    "live",
    "livez",
    "liveness",
    "ping",
    "status",
];
const PUBLIC_FILES: [&str; 16] = [
    "og",
    "og-image",
    "opengraph-image",
    "robots.txt",
    "sitemap.xml",
    "sitemap",
    "manifest.json",
    "rss",
    "rss.xml",
    "feed",
    "feed.xml",
    "favicon.ico",
    "llms.txt",
    "llms-full.txt",
    "version",
    "oembed",
];
const OPT_OUT: [&str; 4] = ["unsubscribe", "opt-out", "optout", "csp-report"];

/// Why the handler plainly should be open; `None` when it should not.
#[must_use]
pub(super) fn guess(route: &Route, library_handler: bool, signature: bool) -> Option<String> {
    if library_handler {
        return Some(String::from("an auth library's own handler"));
    }
    let Some(url) = route.url.as_deref() else {
        return guess_action(route);
    };
    let segments: Vec<&str> = url.split('/').filter(|s| !s.is_empty()).collect();
    let last = segments
        .iter()
        .rev()
        .find(|s| !s.starts_with('[') && !s.starts_with(':'))
        .copied()
        .unwrap_or("");
    let words =
        |list: &[&str], segment: &str| list.contains(&segment.to_ascii_lowercase().as_str());
    if signature || is_webhook_url(&segments) {
        return Some(String::from("a webhook: judged by its signature"));
    }
    if words(&HEALTH, last) && matches!(route.method.as_str(), "GET" | "HEAD" | "ANY") {
        return Some(String::from("a health endpoint"));
    }
    let og = segments
        .iter()
        .any(|s| s.starts_with("og-image") || *s == "og");
    if (words(&PUBLIC_FILES, last) || og) && matches!(route.method.as_str(), "GET" | "HEAD" | "ANY")
    {
        return Some(String::from("metadata or an image that crawlers read"));
    }
    let under_auth = segments
        .iter()
        .take(segments.len().saturating_sub(1))
        .any(|s| words(&["auth", "oauth"], s));
    if words(&SIGN_IN, last) && (under_auth || segments.len() <= 3)
        || under_auth && words(&SIGN_IN, last)
    {
        return Some(String::from("sign-in, sign-up or its callback"));
    }
    if segments.iter().any(|s| words(&["callback", "oauth"], s)) {
        return Some(String::from("sign-in, sign-up or its callback"));
    }
    if words(&OPT_OUT, last) {
        return Some(String::from("a link that works without an account"));
    }
    if route.method == "OPTIONS" {
        return Some(String::from("a preflight answer"));
    }
    None
}

fn guess_action(route: &Route) -> Option<String> {
    let name = route.method.to_ascii_lowercase();
    let sign_in = [
        "signin",
        "signup",
        "signout",
        "login",
        "logout",
        "register",
        "forgotpassword",
        "resetpassword",
        "verifyotp",
        "magiclink",
    ];
    sign_in
        .iter()
        .any(|word| name.contains(word))
        .then(|| String::from("sign-in, sign-up or its callback"))
}

fn is_webhook_url(segments: &[&str]) -> bool {
    segments.iter().any(|segment| {
        matches!(*segment, "webhook" | "webhooks" | "hooks")
            || segment.ends_with("-webhook")
            || segment.starts_with("webhook-")
    })
}

/// Marks a webhook or cron endpoint, with its provider where the URL or the code tells it.
#[must_use]
pub(super) fn webhook(
    route: &Route,
    marks: &[(String, Evidence)],
    record: &ModuleRecord,
) -> Option<(String, Evidence)> {
    let url = route.url.as_deref()?;
    let segments: Vec<&str> = url.split('/').filter(|s| !s.is_empty()).collect();
    let evidence = |note: &str| Evidence {
        file: record.path.clone(),
        line: record.line(route.span),
        note: note.to_owned(),
    };
    if segments
        .iter()
        .any(|s| matches!(*s, "cron" | "crons" | "cron-jobs" | "scheduled"))
    {
        return Some((String::from("cron"), evidence("cron endpoint")));
    }
    let receives = matches!(route.method.as_str(), "POST" | "PUT" | "ANY")
        || matches!(route.kind, RouteKind::Express) && route.method == "POST";
    if !receives {
        return None;
    }
    let checked = marks
        .iter()
        .find_map(|(key, _)| key.strip_prefix("signature-check:"));
    if let Some(provider) = checked {
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
        }
    }

    #[test]
    fn open_by_their_purpose() {
        assert!(guess(&route("/api/health", "GET"), false, false).is_some());
        assert!(guess(&route("/api/auth/login", "POST"), false, false).is_some());
        assert!(guess(&route("/api/webhooks/stripe", "POST"), false, false).is_some());
        assert!(guess(&route("/api/og", "GET"), false, false).is_some());
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
