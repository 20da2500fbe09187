//! The verdicts of a catch-all file in which a router is mounted: what its mounted routes say together.

use crate::controls::{Status, Verdict};
use crate::routes::{Entry, Route, RouteKind};
use crate::rule::{Confidence, Control};

use super::RouteFacts;

/// Marks the handlers that only hand on to the routes that are mounted below their URL and answer their method, and gives them
/// the common verdict of those where nothing is known of them by themselves.
pub(super) fn summarise(routes: &mut [RouteFacts]) {
    let may_be_mounted = |facts: &RouteFacts| {
        matches!(facts.route.entry, Entry::Procedure(_))
            || matches!(facts.route.kind, RouteKind::Hono | RouteKind::Express)
    };
    let inner: Vec<usize> = (0..routes.len())
        .filter(|&at| may_be_mounted(&routes[at]))
        .collect();
    for at in 0..routes.len() {
        let mounted = mounted(routes, &inner, &routes[at]);
        if mounted.is_empty() {
            continue;
        }
        routes[at].is_mount = true;
        for control in [
            Control::Auth,
            Control::RateLimit,
            Control::Validation,
            Control::ErrorHandling,
            Control::Logging,
        ] {
            let own = routes[at]
                .controls
                .get(&control)
                .map(|verdict| verdict.status);
            let silent = matches!(
                (control, own),
                (_, Some(Status::Unknown)) | (Control::Logging, Some(Status::Absent))
            );
            if !silent {
                continue;
            }
            let verdicts: Vec<&Verdict> = mounted
                .iter()
                .filter_map(|&other| routes[other].controls.get(&control))
                .collect();
            let Some(verdict) = common(control, &verdicts) else {
                continue;
            };
            routes[at].controls.insert(control, verdict);
        }
    }
}

/// Those of the `inner` routes that a catch-all handler serves, by index; none for other handlers.
fn mounted(routes: &[RouteFacts], inner: &[usize], catch_all: &RouteFacts) -> Vec<usize> {
    if matches!(catch_all.route.kind, RouteKind::Action | RouteKind::Trpc) {
        return Vec::new();
    }
    let method = catch_all.route.method.as_str();
    let in_next = matches!(catch_all.route.kind, RouteKind::App | RouteKind::Pages);
    let prefix = catch_all.route.url.as_deref().and_then(catch_all_prefix);
    let prefix = prefix.filter(|_| in_next);
    inner
        .iter()
        .copied()
        .filter(|&other| {
            let route = &routes[other].route;
            if let Entry::Procedure(procedure) = &route.entry {
                let host = &procedure.host;
                let own = host.module == catch_all.route.module && host.url == catch_all.route.url;
                // One that is served by a router of the repository stands below that router's own host as well.
                let outer = !matches!(host.kind, RouteKind::App | RouteKind::Pages)
                    && prefix.is_some_and(|prefix| below(prefix, route));
                return (own || outer) && (method == "ANY" || route.http_method() == method);
            }
            let Some(prefix) = prefix else {
                return false;
            };
            let answers = method == "ANY" || route.method == method || route.method == "ANY";
            below(prefix, route) && answers
        })
        .collect()
}

fn below(prefix: &str, route: &Route) -> bool {
    let url = route
        .url
        .as_deref()
        .and_then(|url| url.strip_prefix(prefix));
    url.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `/api/v1` of `/api/v1/[...route]`; nothing for other URLs.
fn catch_all_prefix(url: &str) -> Option<&str> {
    let at = url.rfind("/[")?;
    let last = &url[at + 1..];
    (last.starts_with("[...") || last.starts_with("[[...")).then(|| &url[..at])
}

/// What several routes say together. The weakest stands for all where a control must hold everywhere.
fn common(control: Control, verdicts: &[&Verdict]) -> Option<Verdict> {
    let with = |status: Status| verdicts.iter().find(|verdict| verdict.status == status);
    let all = |status: Status| verdicts.iter().all(|verdict| verdict.status == status);
    if verdicts.is_empty() || with(Status::Unknown).is_some() && control != Control::Logging {
        return None;
    }
    let status = match control {
        Control::Auth | Control::RateLimit => {
            let partial = if control == Control::Auth {
                Status::Optional
            } else {
                Status::Conditional
            };
            if all(Status::Enforced) {
                Status::Enforced
            } else if all(Status::Absent) {
                Status::Absent
            } else {
                partial
            }
        }
        Control::Validation => *[Status::Absent, Status::Manual, Status::Schema, Status::Na]
            .iter()
            .find(|status| with(**status).is_some())?,
        Control::ErrorHandling => *[Status::Uncaught, Status::Caught]
            .iter()
            .find(|status| with(**status).is_some())?,
        Control::Logging => *[Status::Structured, Status::Console, Status::Absent]
            .iter()
            .find(|status| with(**status).is_some())?,
        Control::Tests => return None,
    };
    let example = with(status).or_else(|| verdicts.first())?;
    let mut limits: Vec<&str> = Vec::new();
    for limit in verdicts
        .iter()
        .filter_map(|verdict| verdict.limit.as_deref())
    {
        if !limits.contains(&limit) {
            limits.push(limit);
        }
    }
    Some(Verdict {
        status,
        confidence: verdicts
            .iter()
            .map(|verdict| verdict.confidence)
            .min()
            .unwrap_or(Confidence::Low),
        limit: (!limits.is_empty()).then(|| limits.join(",")),
        evidence: example.evidence.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::{catch_all_prefix, common};
    use crate::controls::{Status, Verdict};
    use crate::rule::{Confidence, Control};

    fn verdict(status: Status) -> Verdict {
        Verdict {
            status,
            confidence: Confidence::High,
            limit: None,
            evidence: Vec::new(),
        }
    }

    #[test]
    fn only_catch_alls_have_a_prefix() {
        assert_eq!(catch_all_prefix("/api/v1/[...route]"), Some("/api/v1"));
        assert_eq!(catch_all_prefix("/api/[[...route]]"), Some("/api"));
        assert_eq!(catch_all_prefix("/api/[id]"), None);
    }

    #[test]
    fn one_open_route_makes_the_whole_optional() {
        let (enforced, absent) = (verdict(Status::Enforced), verdict(Status::Absent));
        let status =
            |verdicts: &[&Verdict]| common(Control::Auth, verdicts).map(|verdict| verdict.status);
        assert_eq!(status(&[&enforced, &enforced]), Some(Status::Enforced));
        assert_eq!(status(&[&enforced, &absent]), Some(Status::Optional));
        assert_eq!(status(&[&absent]), Some(Status::Absent));
        assert_eq!(status(&[&enforced, &verdict(Status::Unknown)]), None);
    }
}
