//! The room's entry: proves handlers one after another, keeping what modules define.

use crate::graph::Graph;
use crate::routes::{Coverage, Middleware, Route, RouteKind, coverage};
use crate::rule::{Confidence, Control, ControlLibrary};

use super::evaluator::Evaluator;
use super::proof::{Proof, sample_path};
use super::{Evidence, Status, Verdict};

/// Proves handlers. Make one per thread: what it learns of modules serves the next handler.
pub struct Prover<'a> {
    evaluator: Evaluator<'a>,
    graph: &'a Graph,
}

impl<'a> Prover<'a> {
    /// A prover over one repository.
    #[must_use]
    pub fn new(graph: &'a Graph, library: &'a ControlLibrary) -> Self {
        Self {
            evaluator: Evaluator::new(graph, library),
            graph,
        }
    }

    /// Proves one handler, with the middleware that stands in front of it.
    #[must_use]
    pub fn route(&mut self, route: &Route, middleware: &[Middleware]) -> Proof {
        let params = route.url.as_deref().map(segment_names).unwrap_or_default();
        let mut proof = self.evaluator.prove(route, &params);
        let Some(url) = route.url.as_deref() else {
            return proof;
        };
        if !matches!(
            route.kind,
            RouteKind::App | RouteKind::Pages | RouteKind::Hono | RouteKind::Trpc
        ) {
            return proof;
        }
        let signed = proof
            .marks
            .iter()
            .any(|(mark, _)| mark.starts_with("signature-check:"));
        if signed {
            let blocks = middleware
                .iter()
                .find_map(|each| self.blocks(each, url, route));
            proof
                .marks
                .extend(blocks.map(|evidence| (String::from("webhook-blocked"), evidence)));
        }
        let covered = proof
            .controls
            .get(&Control::Auth)
            .is_some_and(|verdict| verdict.status == Status::Enforced);
        if covered {
            return proof;
        }
        for each in middleware.iter().filter(|each| each.problem.is_none()) {
            if let Some(verdict) = self.middleware(each, url, route) {
                let old = proof
                    .controls
                    .get(&Control::Auth)
                    .map(|verdict| verdict.status);
                if verdict.status == Status::Enforced || old == Some(Status::Absent) {
                    proof.controls.insert(Control::Auth, verdict);
                }
            }
        }
        proof
    }

    /// Where a middleware turns away whoever is not signed in, which nobody is who only sends a signature.
    fn blocks(&mut self, middleware: &Middleware, url: &str, route: &Route) -> Option<Evidence> {
        let matchers = middleware.matchers.as_ref()?;
        if middleware.problem.is_some() || coverage(matchers, url) != Coverage::Always {
            return None;
        }
        let export = middleware.export.as_deref()?;
        let method = Some(route.http_method()).filter(|method| *method != "ANY");
        let path = sample_path(url);
        let passage = self
            .evaluator
            .prove_middleware(middleware.module, export, &path, method);
        (passage.status == Status::Enforced && passage.by_session)
            .then(|| passage.evidence.into_iter().next_back())
            .flatten()
    }

    /// What a middleware does to the requests of a route; nothing when it lets them pass.
    fn middleware(&mut self, middleware: &Middleware, url: &str, route: &Route) -> Option<Verdict> {
        let unknown = |evidence| Verdict {
            status: Status::Unknown,
            confidence: Confidence::Low,
            limit: None,
            evidence,
        };
        let record = self.graph.module(middleware.module);
        let step = Evidence {
            file: record.path.clone(),
            line: record.line(middleware.span),
            note: String::from("middleware runs before this route"),
        };
        let Some(matchers) = &middleware.matchers else {
            return Some(unknown(vec![step]));
        };
        let covers = coverage(matchers, url);
        if covers == Coverage::Never {
            return None;
        }
        let export = middleware.export.as_deref()?;
        let path = sample_path(url);
        let method = Some(route.http_method()).filter(|method| *method != "ANY");
        let passage = self
            .evaluator
            .prove_middleware(middleware.module, export, &path, method);
        let (status, mut evidence) = (passage.status, passage.evidence);
        evidence.insert(0, step);
        match (status, covers) {
            (Status::Enforced, Coverage::Always) => Some(Verdict {
                status: Status::Enforced,
                confidence: Confidence::High,
                limit: None,
                evidence,
            }),
            (Status::Enforced, _) => Some(Verdict {
                status: Status::Optional,
                confidence: Confidence::High,
                limit: None,
                evidence,
            }),
            (Status::Unknown, _) => Some(unknown(evidence)),
            _ => None,
        }
    }

    /// The headers that a middleware sets on the responses that pass through it, with the place of each.
    #[must_use]
    pub fn middleware_headers(&mut self, middleware: &Middleware) -> Vec<(String, Evidence)> {
        let Some(export) = middleware.export.as_deref() else {
            return Vec::new();
        };
        self.evaluator.middleware_headers(middleware.module, export)
    }
}

/// The names of the dynamic segments of a URL.
pub(super) fn segment_names(url: &str) -> Vec<String> {
    url.split('/')
        .filter_map(|segment| {
            if let Some(name) = segment.strip_prefix(':') {
                return Some(name.trim_end_matches('?').to_owned());
            }
            let name = segment
                .strip_prefix('[')?
                .trim_start_matches('[')
                .trim_end_matches(']');
            Some(name.trim_start_matches("...").to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{sample_path, segment_names};

    #[test]
    fn dynamic_segments() {
        assert_eq!(
            segment_names("/api/[team]/x/[...rest]/[[...more]]"),
            ["team", "rest", "more"]
        );
        assert_eq!(segment_names("/users/:id"), ["id"]);
        assert_eq!(sample_path("/api/[team]/x"), "/api/sample/x");
    }
}
