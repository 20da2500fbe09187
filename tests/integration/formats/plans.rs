//! Five small applications in the shape of those that teams wrote launch plans for, each held to that plan: the document as reviewed
//! text, and what has to be in it whatever else changes.

use std::path::Path;

use readiness::report;
use readiness::source::Repository;

use super::Audited;

/// The application audited by the roadmap of its name.
fn planned(name: &str) -> Audited {
    let folder = format!("fixtures/plans/{name}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder);
    let config = format!("[roadmap]\nuse = \"{name}\"\n");
    Audited::new(Repository::open(&root).unwrap(), &config, &folder)
}

/// The document, with these gaps among its findings, each as rule and what its message holds.
fn document(name: &str, gaps: &[(&str, &str)]) -> String {
    let audited = planned(name);
    let findings = || audited.audit.apps.iter().flat_map(|app| &app.findings);
    for (rule, holds) in gaps {
        let found = |each: &readiness::finding::Finding| {
            let route = each.route.as_deref().unwrap_or("");
            each.rule == *rule && format!("{route} {}", each.message).contains(holds)
        };
        assert!(findings().any(found), "{name}: no {rule} about {holds}");
    }
    audited.report(report::markdown)
}

#[test]
fn a_voice_messenger_by_its_plan() {
    let text = document(
        "vox",
        &[
            ("session-token-unsigned", ""),
            ("webhook-signature", "POST /api/stripe/webhook"),
            ("route-rate-limit", "POST /api/auth/telegram"),
            ("rate-limit-fail-open", ""),
            ("store-tests", ""),
        ],
    );
    assert!(text.contains("### Rate limit: 1 of 4") && text.contains("`30/1m`"));
    insta::assert_snapshot!("plan-vox", text);
}

#[test]
fn meeting_notes_by_their_plan() {
    let text = document(
        "record",
        &[
            ("config-key-unknown", "coverageThresholds"),
            ("route-rate-limit", "GET /api/meetings"),
        ],
    );
    assert!(text.contains("### Auth: 2 of 2") && text.contains("at most 500 ms"));
    insta::assert_snapshot!("plan-record", text);
}

#[test]
fn a_coach_by_text_message_by_its_plan() {
    let text = document(
        "gymtext",
        &[
            ("middleware-not-loaded", ""),
            ("route-auth", "DELETE /api/admin/users"),
            ("webhook-signature", "POST /api/twilio/sms"),
        ],
    );
    assert!(text.contains("`middleware.ts` (never run)"));
    insta::assert_snapshot!("plan-gymtext", text);
}

#[test]
fn a_page_builder_by_its_plan() {
    let text = document(
        "web-builder",
        &[
            ("control-unused", "checkRateLimit"),
            ("route-auth", "POST /api/init-db"),
            ("ts-build-errors", ""),
        ],
    );
    assert!(text.contains("### Rate limit: 0 of 2"));
    insta::assert_snapshot!("plan-web-builder", text);
}

#[test]
fn words_with_pictures_by_their_plan() {
    let text = document(
        "vocavision",
        &[
            ("route-validation", "GET /api/words"),
            ("docker-non-root", ""),
        ],
    );
    assert!(text.contains("`100/15m`") && text.contains("at least 80 %"));
    insta::assert_snapshot!("plan-vocavision", text);
}
