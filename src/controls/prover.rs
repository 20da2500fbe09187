//! The room's entry: proves handlers one after another, keeping what modules define.

use crate::graph::{Graph, ModuleId};
use crate::routes::{Coverage, Matcher, Middleware, Route, RouteKind, RouteTable, coverage};
use crate::rule::{Confidence, Control, ControlLibrary};

use super::evaluator::Evaluator;
use super::guards::CLOSED;
use super::proof::Proof;
use super::{Evidence, Role, Status, TeamControls, Verdict};

/// Proves handlers. Make one per thread: what it learns of modules serves the next handler.
pub struct Prover<'a> {
    evaluator: Evaluator<'a>,
    /// Made for handlers that production closes.
    in_development: Option<Box<Evaluator<'a>>>,
    graph: &'a Graph,
    /// Whether a middleware's module runs for a URL, as it was asked last.
    covered: Option<(ModuleId, String, Coverage)>,
}

/// Marks a handler that turns everybody away in production or is not there, and whose controls are those that it has
/// elsewhere.
pub const CLOSED_IN_PRODUCTION: &str = "closed-in-production";

impl<'a> Prover<'a> {
    /// A prover over one repository, for what libraries mean and what the team names.
    #[must_use]
    pub fn new(graph: &'a Graph, library: &'a ControlLibrary, team: &'a TeamControls) -> Self {
        Self {
            evaluator: Evaluator::new(graph, library, team),
            in_development: None,
            graph,
            covered: None,
        }
    }

    /// Proves one handler of a table, with the middleware that stands in front of it.
    #[must_use]
    pub fn route(&mut self, route: &Route, table: &RouteTable) -> Proof {
        let params = route.url.as_deref().map(segment_names).unwrap_or_default();
        let mut proof = self.evaluator.prove(route, &params);
        if let Some(open) = self.open_in_development(route, &params, &proof) {
            proof = open;
        }
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
            let blocks = table
                .middleware
                .iter()
                .find_map(|each| self.blocks(each, url, route));
            proof
                .marks
                .extend(blocks.map(|evidence| (String::from("webhook-blocked"), evidence)));
        }
        let status = |proof: &Proof, control| proof.controls.get(&control).map(|v| v.status);
        let open = |proof: &Proof| {
            GATES
                .iter()
                .any(|control| status(proof, *control) != Some(Status::Enforced))
        };
        for each in table
            .middleware
            .iter()
            .filter(|each| each.problem.is_none())
        {
            if !open(&proof) {
                break;
            }
            for (control, mut verdict) in self.middleware(each, url, route) {
                let old = status(&proof, control);
                if old == Some(Status::Enforced) {
                    continue;
                }
                if verdict.status == Status::Enforced {
                    self.look_behind(each, route, table, control, &mut verdict);
                }
                if verdict.status == Status::Enforced || old == Some(Status::Absent) {
                    proof.controls.insert(control, verdict);
                }
            }
        }
        proof
    }

    /// `if (process.env.NODE_ENV === 'production') return notFound()`, in the handler or where it is registered: what the handler
    /// does where it does something, which is what its reader wants to know.
    fn open_in_development(
        &mut self,
        route: &Route,
        params: &[String],
        proof: &Proof,
    ) -> Option<Proof> {
        let closed = |proof: &Proof| {
            let mut marks = proof.marks.iter();
            let (_, place) = marks.find(|(mark, _)| mark == CLOSED)?;
            let note = String::from("in production it turns everybody away");
            Some(Evidence {
                note,
                ..place.clone()
            })
        };
        let place = match route.development {
            Some((module, span)) => {
                let record = self.graph.module(module);
                let note = "in production it is not registered";
                Evidence::new(record.path.clone(), record.line(span), note)
            }
            None => closed(proof).filter(|_| route.kind != RouteKind::Trpc)?,
        };
        let evaluator = &self.evaluator;
        let elsewhere = self.in_development.get_or_insert_with(|| {
            let mut elsewhere = Evaluator::new(evaluator.graph, evaluator.library, evaluator.team);
            elsewhere.environment = "development";
            Box::new(elsewhere)
        });
        let mut open = elsewhere.prove(route, params);
        if route.development.is_none() && closed(&open).is_some() {
            return None;
        }
        if let Some(auth) = open.controls.get_mut(&Control::Auth) {
            auth.evidence
                .insert(1.min(auth.evidence.len()), place.clone());
        }
        open.marks.push((String::from(CLOSED_IN_PRODUCTION), place));
        Some(open)
    }

    /// Where a middleware turns away whoever is not signed in, which nobody is who only sends a signature.
    fn blocks(&mut self, middleware: &Middleware, url: &str, route: &Route) -> Option<Evidence> {
        let matchers = middleware.matchers.as_ref()?;
        if middleware.problem.is_some() || coverage(matchers, url) != Coverage::Always {
            return None;
        }
        let export = middleware.export.as_deref()?;
        let method = Some(route.http_method()).filter(|method| *method != "ANY");
        let auth = [Control::Auth];
        let passage =
            self.evaluator
                .prove_middleware(middleware.module, export, url, method, &auth);
        let (_, verdict) = passage.verdicts.into_iter().next()?;
        (verdict.status == Status::Enforced && passage.by_session)
            .then(|| verdict.evidence.into_iter().next_back())
            .flatten()
    }

    /// A rewrite may serve the route under a path that the middleware lets pass: then it does not stand in front of all
    /// requests.
    fn look_behind(
        &mut self,
        middleware: &Middleware,
        route: &Route,
        table: &RouteTable,
        control: Control,
        verdict: &mut Verdict,
    ) {
        let Some(url) = route.url.as_deref() else {
            return;
        };
        for rewrite in &table.rewrites {
            let Some(alias) = rewrite.alias(url) else {
                continue;
            };
            let there = self.middleware(middleware, &alias, route);
            let held = there
                .iter()
                .any(|(known, there)| *known == control && there.status == Status::Enforced);
            if !held {
                verdict.status = partial(control);
                verdict.evidence.push(Evidence::new(
                    rewrite.location.file.clone(),
                    rewrite.location.line,
                    format!("also served as {alias}, where the middleware lets it pass"),
                ));
                return;
            }
        }
    }

    /// Whether a middleware runs for a URL. The handlers of one URL are mostly proved one after another.
    fn covers(&mut self, middleware: ModuleId, matchers: &[Matcher], url: &str) -> Coverage {
        match &self.covered {
            Some((of, known, covers)) if *of == middleware && known == url => *covers,
            _ => {
                let covers = coverage(matchers, url);
                self.covered = Some((middleware, url.to_owned(), covers));
                covers
            }
        }
    }

    /// What a middleware does to the requests of a route; nothing when it lets them pass.
    fn middleware(
        &mut self,
        middleware: &Middleware,
        url: &str,
        route: &Route,
    ) -> Vec<(Control, Verdict)> {
        let record = self.graph.module(middleware.module);
        let step = Evidence {
            role: Role::Middleware,
            ..Evidence::new(
                record.path.clone(),
                record.line(middleware.span),
                "middleware runs before this route",
            )
        };
        let matchers = middleware.matchers.as_ref();
        let covers = matchers.map(|matchers| self.covers(middleware.module, matchers, url));
        if covers == Some(Coverage::Never) {
            return Vec::new();
        }
        let Some(export) = middleware.export.as_deref() else {
            return Vec::new();
        };
        let method = Some(route.http_method()).filter(|method| *method != "ANY");
        let judged =
            self.evaluator
                .prove_middleware(middleware.module, export, url, method, &GATES);
        let mut verdicts = Vec::new();
        for (control, mut verdict) in judged.verdicts {
            verdict.evidence.insert(0, step.clone());
            match (verdict.status, covers) {
                (Status::Absent, None) if control == Control::Auth => {}
                (Status::Absent, _) => continue,
                _ => {}
            }
            match covers {
                None => {
                    verdict.status = Status::Unknown;
                    verdict.confidence = Confidence::Low;
                    verdict.limit = None;
                    verdict.evidence.truncate(1);
                    verdict.evidence[0].note =
                        String::from("a middleware whose matcher cannot be read");
                }
                Some(Coverage::Sometimes) if verdict.status == Status::Enforced => {
                    verdict.status = partial(control);
                    verdict.evidence[0].note =
                        String::from("middleware runs before some requests of this route");
                }
                _ => {}
            }
            verdicts.push((control, verdict));
        }
        verdicts
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

/// Controls that a middleware can hold for a route.
const GATES: [Control; 2] = [Control::Auth, Control::RateLimit];

/// The word for a control that reaches only some requests.
fn partial(control: Control) -> Status {
    if control == Control::RateLimit {
        Status::Conditional
    } else {
        Status::Optional
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
    use super::segment_names;

    #[test]
    fn dynamic_segments() {
        assert_eq!(
            segment_names("/api/[team]/x/[...rest]/[[...more]]"),
            ["team", "rest", "more"]
        );
        assert_eq!(segment_names("/users/:id"), ["id"]);
    }
}
