//! `[check.webhook-reached]`: handlers that verify signatures behind a middleware that asks for a session.

use super::CheckResult;
use super::subject::{Subject, related, weight};

pub(super) fn run(subject: &Subject<'_>) -> CheckResult {
    let mut result = CheckResult::default();
    for route in &subject.app.routes {
        let sender = route
            .marks
            .iter()
            .find_map(|(mark, _)| mark.strip_prefix("signature-check:"));
        let Some(sender) = sender else { continue };
        let blocked = route
            .marks
            .iter()
            .find(|(mark, _)| mark == "webhook-blocked");
        let Some((_, evidence)) = blocked else {
            result.covered(weight(route));
            continue;
        };
        let sender = if sender == "any" {
            "its sender"
        } else {
            sender
        };
        let says = format!(
            "waits for signed requests of {sender}, and {} turns away whoever is not signed in before they arrive",
            evidence.file
        );
        let finding = subject
            .route_finding(route, &says)
            .with_related(related(std::slice::from_ref(evidence)));
        result.gap(weight(route), finding);
    }
    result
}
