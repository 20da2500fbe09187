//! Proving a handler: calling it as its framework would, and putting the verdicts together.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::graph::ModuleId;
use crate::routes::{Entry, Route, RouteKind, is_plain_path};
use crate::rule::{Calling, Control, Meaning};
use crate::source::Span;
use crate::syntax::{Expr, Key, Property, StmtKind, UnaryOp};

use super::call::Use;
use super::ending::{End, Ending, Ends};
use super::evaluator::{Evaluator, FRAMEWORK};
use super::limits::own_limit;
use super::record::{Event, Place};
use super::state::{Outcomes, State};
use super::target::Target;
use super::value::{
    Bits, Chain, Closure, External, Native, Object, Presence, Provenance, Scope, Value,
};
use super::{Evidence, Status, Verdict};

/// Everything that was proved of one handler.
#[derive(Clone, Debug)]
pub struct Proof {
    /// One verdict per control; tests are judged elsewhere.
    pub controls: BTreeMap<Control, Verdict>,
    /// Categories of expensive calls, with the call.
    pub expensive: Vec<(String, Evidence)>,
    /// Facts for checks of their own, by key.
    pub marks: Vec<(String, Evidence)>,
    /// Functions that are named like guards of identity and may turn the request away, where no guard was proved; and whether
    /// they wrap the handler.
    pub suspects: Vec<(String, bool)>,
    /// The library answers by itself: an auth library's catch-all.
    pub library_handler: bool,
    /// It does something that takes time or can fail, or what it does could not be seen.
    pub works: bool,
}

impl Proof {
    /// What is said of a handler that could not be proved at all.
    #[must_use]
    pub fn unknown() -> Self {
        let verdict = Verdict::of(Status::Unknown, Vec::new());
        let controls = [
            Control::Auth,
            Control::RateLimit,
            Control::Validation,
            Control::ErrorHandling,
            Control::Logging,
        ];
        Self {
            controls: controls
                .into_iter()
                .map(|control| (control, verdict.clone()))
                .collect(),
            expensive: Vec::new(),
            marks: Vec::new(),
            suspects: Vec::new(),
            library_handler: false,
            works: true,
        }
    }
}

/// Marks a handler that answers with a header which lets shared caches keep what it says.
pub const LETS_CACHES_SHARE: &str = "lets-caches-share";
/// Marks a handler whose work is to sign somebody in or out, and nothing else.
pub const ONLY_SIGNS: &str = "only-signs";
/// Marks one that only signs whoever calls it out.
pub const ONLY_SIGNS_OUT: &str = "only-signs-out";
/// Marks a handler whose work is to ask other services, and nothing else.
pub const ONLY_ASKS_ELSEWHERE: &str = "only-asks-elsewhere";
/// Marks a handler whose work is to ask an identity provider, and nothing else.
pub const ONLY_ASKS_PROVIDER: &str = "only-asks-provider";
/// Marks a handler whose input goes on to other services alone, which own it and can check it.
pub const ONLY_HANDS_ON: &str = "only-hands-on";

/// Marks a handler that makes expensive calls, and of which no other work was seen.
pub const ONLY_SPENDS: &str = "only-spends";
/// Marks the call by which a handler keeps what it is sent.
pub const STORES_INPUT: &str = "stores-input";

/// Marks a handler whose work is to look up something of a store or two, and nothing else.
pub const LOOKS_UP_LITTLE: &str = "looks-up-little";

/// Marks a handler whose work is to make one thing of another, and nothing else.
pub const ONLY_MAKES: &str = "only-makes";
/// Marks a handler whose work is to read files, and nothing else.
pub const ONLY_READS_FILES: &str = "only-reads-files";

/// Marks a handler that reads a cookie which names what is meant for whoever has it.
pub const READS_HOLDER_COOKIE: &str = "reads-holder-cookie";

/// Marks the call of something that is shown a credential which the caller sent; its note names what is called.
pub const SHOWS_CREDENTIAL: &str = "shows-credential";

/// Not more are few.
const FEW_LOOKUPS: usize = 2;

/// What a middleware does to the requests of one route.
pub(super) struct Passage {
    pub verdicts: Vec<(Control, Verdict)>,
    /// Only who is signed in gets through; no signature or secret would do.
    pub by_session: bool,
}

impl<'a> Evaluator<'a> {
    /// Proves one handler.
    pub fn prove(&mut self, route: &Route, params: &[String]) -> Proof {
        let method = match route.kind {
            RouteKind::Action | RouteKind::Trpc => None,
            _ if route.method == "ANY" => None,
            _ => Some(route.method.as_str()),
        };
        let fixed = |url: &&str| match route.kind {
            RouteKind::App | RouteKind::Pages | RouteKind::Hono => true,
            RouteKind::Express => is_plain_path(url),
            RouteKind::Action | RouteKind::Trpc => false,
        };
        let url = route.url.as_deref().filter(fixed);
        self.reset(Some(route.module), Target::new(method, url, params));
        let ends = match route.kind {
            RouteKind::Action | RouteKind::Trpc => Ends::Value,
            _ => Ends::Handler,
        };
        self.ends = ends;
        let entry = Place {
            module: route.module,
            span: route.span,
        };
        let (outcomes, seen) = match &route.entry {
            Entry::Procedure(procedure) => match self.run_procedure(route, procedure) {
                Some(outcomes) => (outcomes, Seen::Whole),
                None => {
                    self.reset(Some(route.module), Target::default());
                    (Outcomes::new(), Seen::Nothing)
                }
            },
            _ => {
                self.serving = matches!(route.kind, RouteKind::App | RouteKind::Pages);
                let (outcomes, seen) = self.run_entry(route);
                if self.serving && !self.arrivals.is_empty() {
                    self.run_contract(route, outcomes)
                } else {
                    (outcomes, seen)
                }
            }
        };
        let ends: Vec<End> = outcomes
            .into_iter()
            .map(|(state, flow)| End::of(&state, &flow, ends))
            .collect();
        for (place, bits) in ends.iter().filter_map(|end| end.rejected) {
            self.event(Event::ManualCheck(bits), place);
        }
        self.verdicts(route, entry, &ends, seen)
    }

    /// Runs a middleware for the requests of one route and judges what it lets through.
    pub fn prove_middleware(
        &mut self,
        module: ModuleId,
        export: &str,
        url: &str,
        method: Option<&str>,
        controls: &[Control],
    ) -> Passage {
        self.reset(Some(module), Target::new(method, Some(url), &[]));
        let Some(outcomes) = self.run_middleware(module, export) else {
            return Passage {
                verdicts: vec![(Control::Auth, Verdict::of(Status::Unknown, Vec::new()))],
                by_session: false,
            };
        };
        let ends: Vec<End> = outcomes
            .into_iter()
            .map(|(state, flow)| End::of(&state, &flow, Ends::Middleware))
            .collect();
        let mut by_session = false;
        let mut verdicts = Vec::with_capacity(controls.len());
        for &control in controls {
            let judgement = self.judge(&ends, control);
            let mut evidence = Vec::new();
            self.guard_evidence(&judgement, &mut evidence);
            if judgement.status == Status::Absent && judgement.blind && control == Control::Auth {
                verdicts.push((control, Verdict::of(Status::Unknown, evidence)));
                continue;
            }
            let limit = (control == Control::RateLimit && judgement.status != Status::Absent)
                .then(|| self.limit_of_guards(&judgement))
                .flatten();
            if control == Control::Auth {
                let guards = judgement.guards.iter();
                let bits = guards.fold(Bits::NONE, |all, (_, _, p)| all.with(p.bits));
                by_session =
                    bits.has(Bits::IDENTITY) && !bits.has(Bits::SIGNATURE.with(Bits::SECRET));
            }
            // One that only learns who is calling lets everybody pass.
            let answers = judgement
                .guards
                .iter()
                .any(|(_, status, _)| status.is_some());
            let status = match judgement.status {
                Status::Optional if !answers => Status::Absent,
                status => status,
            };
            verdicts.push((
                control,
                Verdict {
                    limit,
                    ..Verdict::of(status, evidence)
                },
            ));
        }
        Passage {
            verdicts,
            by_session,
        }
    }

    /// The headers that a middleware sets, on any path.
    pub fn middleware_headers(
        &mut self,
        module: ModuleId,
        export: &str,
    ) -> Vec<(String, Evidence)> {
        self.reset(Some(module), Target::default());
        let _ = self.run_middleware(module, export);
        let events = std::mem::take(&mut self.record.events);
        events
            .iter()
            .filter_map(|(event, place)| match event {
                Event::Header { name, value } => Some((
                    name.to_string(),
                    self.evidence(*place, value.as_deref().unwrap_or("")),
                )),
                _ => None,
            })
            .collect()
    }

    /// Calls a middleware as Next.js would.
    fn run_middleware(&mut self, module: ModuleId, export: &str) -> Option<Outcomes> {
        let function = self.export_value(module, export);
        let state = State::new(Scope::module(module));
        let request = self.request();
        let outcomes = match &function {
            Value::External(external) => {
                let external = Rc::clone(external);
                let chain = Rc::new(Chain {
                    layers: Rc::new(vec![function.clone()]),
                    handler: Some(Value::Native(Rc::new(Native::Inert))),
                    calling: Calling::ContextNext,
                    args: vec![request],
                    ..Chain::default()
                });
                self.external_layer(&external, &chain, state, FRAMEWORK)
            }
            Value::Function(_) | Value::Native(_) => {
                let event = Value::Object(Rc::new(Object {
                    open: Some(Provenance::default()),
                    ..Object::default()
                }));
                self.call(
                    &function,
                    None,
                    vec![request, event],
                    state,
                    FRAMEWORK,
                    Use::Awaited,
                )
            }
            _ => return None,
        };
        Some(outcomes)
    }

    /// Calls the handler as its framework would.
    pub(super) fn run_entry(&mut self, route: &Route) -> (Outcomes, Seen) {
        let state = State::new(Scope::module(route.module));
        let handler = match &route.entry {
            Entry::Export(name) => self.export_value(route.module, name),
            Entry::Function(function) if route.kind == RouteKind::Action => {
                return (self.run_inline(route, *function, state), Seen::Whole);
            }
            Entry::Function(function) => Value::Function(Rc::new(Closure {
                module: route.module,
                function: *function,
                scope: Scope::module(route.module),
                this: None,
                properties: None,
            })),
            Entry::Chain(layers) => {
                let outcomes = self.run_layers(route, layers);
                let unseen = route.kind == RouteKind::Express && answer_nobody(&outcomes);
                return (outcomes, if unseen { Seen::Nothing } else { Seen::Whole });
            }
            Entry::Procedure(_) => Value::unknown(),
        };
        self.run_value(route, handler, state, 0)
    }

    fn run_value(
        &mut self,
        route: &Route,
        handler: Value,
        state: State,
        depth: u8,
    ) -> (Outcomes, Seen) {
        let id = FRAMEWORK;
        match &handler {
            Value::Function(_) => {
                let args = self.arguments_of(route);
                let outcomes = self.call_acting(&handler, args, state, id);
                (outcomes, Seen::Whole)
            }
            Value::Native(native) => {
                if let Native::Composed(chain) = &**native
                    && route.kind == RouteKind::Action
                    && chain.calling == Calling::Options
                    && chain.catches
                {
                    let chain = Rc::clone(chain);
                    return (self.run_built(route, &chain), Seen::Whole);
                }
                let args = self.arguments_of(route);
                (
                    self.call(&handler, None, args, state, id, Use::Awaited),
                    Seen::Whole,
                )
            }
            Value::External(external) => {
                let known = self.paths.known(external.path);
                let made_by = external
                    .receiver
                    .as_ref()
                    .and_then(|receiver| self.paths.known(receiver.path).api);
                let made = self.made_handler(external);
                if made.is_some_and(|(api, _)| api.is != Meaning::SignedHandler) {
                    let args = self.arguments_of(route);
                    let outcomes = self.call(&handler, None, args, state, id, Use::Awaited);
                    return (outcomes, Seen::Whole);
                }
                if known.api.is_some_and(|api| api.is == Meaning::Contract) {
                    let args = self.arguments_of(route);
                    let outcomes = self.call(&handler, None, args, state, id, Use::Awaited);
                    return (outcomes, Seen::Whole);
                }
                let api = known.api.or(made_by);
                match api.map(|api| api.is) {
                    Some(Meaning::AuthHandler) => {
                        if let Some(limit) = api.and_then(|api| own_limit(api, external, &[])) {
                            let place = Place {
                                module: route.module,
                                span: route.span,
                            };
                            let limit = limit.map(Rc::from);
                            self.event(Event::Limiter { limit }, place);
                        }
                        return (Outcomes::new(), Seen::Library { signed: false });
                    }
                    Some(Meaning::SignedHandler) => {
                        return (Outcomes::new(), Seen::Library { signed: true });
                    }
                    _ => {}
                }
                if self.is_of_framework(external) {
                    return (Outcomes::new(), Seen::Framework);
                }
                let inner = external
                    .args
                    .iter()
                    .rev()
                    .find(|arg| matches!(arg, Value::Function(_) | Value::Native(_)));
                match inner.cloned() {
                    Some(inner) if depth < 8 => {
                        let (outcomes, _) = self.run_value(route, inner, state, depth + 1);
                        (outcomes, Seen::BehindWrapper)
                    }
                    _ => (Outcomes::new(), Seen::Nothing),
                }
            }
            _ => (Outcomes::new(), Seen::Nothing),
        }
    }

    /// A framework's complete handler is in what leads to this value: `builder.pipe(toWebHandler)`.
    fn is_of_framework(&self, external: &External) -> bool {
        let is = |path| {
            self.paths
                .known(path)
                .api
                .is_some_and(|api| api.is == Meaning::OpaqueHandler)
        };
        let mut current = Some(external);
        for _ in 0..6 {
            let Some(external) = current else { break };
            let among = external
                .args
                .iter()
                .any(|arg| matches!(arg, Value::External(arg) if is(arg.path)));
            if is(external.path) || among {
                return true;
            }
            current = external.receiver.as_deref();
        }
        false
    }

    pub(super) fn arguments_of(&mut self, route: &Route) -> Vec<Value> {
        match route.kind {
            RouteKind::Action => vec![Value::from_bits(Bits::ARGUMENT); 6],
            RouteKind::Pages | RouteKind::Express => vec![self.request(), self.response_object()],
            RouteKind::Hono => vec![self.context()],
            RouteKind::App | RouteKind::Trpc => {
                let mut params = Object {
                    open: Some(Provenance::of(Bits::PARAM)),
                    ..Object::default()
                };
                for name in Rc::clone(self.target.params()).iter() {
                    let bits = self.param_bits(name);
                    params.set(
                        Rc::from(name.as_str()),
                        Value::Unknown(Provenance::of(bits), Presence::Truthy),
                    );
                }
                let mut context = Object {
                    open: Some(Provenance::default()),
                    ..Object::default()
                };
                context.set(Rc::from("params"), Value::Object(Rc::new(params)));
                vec![self.request(), Value::Object(Rc::new(context))]
            }
        }
    }

    fn verdicts(&mut self, route: &Route, entry: Place, ends: &[End], seen: Seen) -> Proof {
        let mut controls = BTreeMap::new();
        let start = self.evidence(entry, &format!("{} handler", route.method));
        let mut marks: Vec<(String, Evidence)> = Vec::new();
        for control in [Control::Auth, Control::RateLimit] {
            let verdict = self.guard_verdict(control, ends, &start, seen, &mut marks);
            controls.insert(control, verdict);
        }
        let reads_body = method_reads_body(&route.method);
        let validation = self.validation(&start, seen, reads_body);
        if validation.status == Status::Manual
            && let Some(place) = self.only_choice()
        {
            let evidence = self.evidence(place, super::observed::ONLY_CHOICE);
            marks.push((String::from("input-choice"), evidence));
        }
        controls.insert(Control::Validation, validation);
        controls.insert(Control::ErrorHandling, self.error_handling(&start, seen));
        controls.insert(Control::Logging, self.logging(&start, seen));
        let mut expensive: Vec<(String, Evidence)> = Vec::new();
        let events = self.record.events.clone();
        for (event, place) in &events {
            match event {
                Event::Expensive(category) => {
                    let evidence = self.evidence(*place, &format!("{category} call"));
                    expensive.push((category.to_string(), evidence));
                }
                Event::Header { name, value } => {
                    let evidence = self.evidence(*place, value.as_deref().unwrap_or(""));
                    marks.push((format!("sets-header:{name}"), evidence));
                }
                Event::Shared => {
                    marks.push((LETS_CACHES_SHARE.to_owned(), self.evidence(*place, "")));
                }
                // Who is let through here is turned away by another guard; and beside a limit that holds, another may be asked
                // only to count.
                Event::Ineffective {
                    guard: name @ ("auth" | "rate-limit"),
                    ..
                } if {
                    let control = match *name {
                        "auth" => Control::Auth,
                        _ => Control::RateLimit,
                    };
                    let verdict = controls.get(&control);
                    verdict.is_some_and(|verdict| verdict.status == Status::Enforced)
                } => {}
                Event::Ineffective { flaw, guard } => {
                    let evidence = self.evidence(*place, "the guard that turns nobody away");
                    marks.push((format!("ineffective:{guard}:{}", flaw.word()), evidence));
                }
                // Where the application has one of its own, those without any are turned away while it is not set.
                Event::ShowsCredential { to, own } if !own || ends.iter().any(turned_away) => {
                    let evidence = self.evidence(*place, &self.paths.text(*to));
                    marks.push((SHOWS_CREDENTIAL.to_owned(), evidence));
                }
                Event::FailsOpen { guard } => {
                    let evidence = self.evidence(*place, "what happens when it fails");
                    marks.push((format!("fails-open:{guard}:store"), evidence));
                }
                Event::Signature { provider } => {
                    let provider = provider.as_deref().unwrap_or("any");
                    let evidence = self.evidence(*place, "signature checked");
                    marks.push((format!("signature-check:{provider}"), evidence.clone()));
                    if controls
                        .get(&Control::Auth)
                        .is_some_and(|v| v.status == Status::Enforced)
                    {
                        marks.push((format!("webhook-signature:{provider}"), evidence));
                    }
                }
                _ => {}
            }
        }
        for (out, mark) in [(false, ONLY_SIGNS), (true, ONLY_SIGNS_OUT)] {
            if let Some(place) = only_signs(&events, out) {
                let evidence = self.evidence(place, "signs in or out");
                marks.push((mark.to_owned(), evidence));
            }
        }
        let mut holder = events.iter();
        if let Some((_, place)) = holder.find(|(event, _)| matches!(event, Event::HolderCookie)) {
            marks.push((READS_HOLDER_COOKIE.to_owned(), self.evidence(*place, "")));
        }
        for (mark, place) in self.asks_only(&events) {
            marks.push((mark.to_owned(), self.evidence(place, "")));
        }
        let limited = controls.get(&Control::RateLimit);
        if limited.is_some_and(|verdict| verdict.status == Status::Enforced)
            && !marks
                .iter()
                .any(|(mark, _)| mark.starts_with("fails-open:rate-limit"))
        {
            let asked = events.iter().filter_map(|(event, place)| match event {
                Event::Limiter { .. } => self.passes_without(*place),
                _ => None,
            });
            if let Some(place) = asked.into_iter().next() {
                let evidence = self.evidence(place, "");
                marks.push((
                    String::from("fails-open:rate-limit:configuration"),
                    evidence,
                ));
            }
        }
        let suspects = match controls.get(&Control::Auth).map(|verdict| verdict.status) {
            Some(Status::Absent | Status::Unknown) => self.suspects(route, ends),
            _ => Vec::new(),
        };
        Proof {
            controls,
            expensive,
            marks,
            suspects,
            library_handler: matches!(seen, Seen::Library { signed: false })
                || self
                    .record
                    .first(|event| matches!(event, Event::LibraryHandler).then_some(()))
                    .is_some(),
            works: self.sees_work(seen),
        }
    }

    /// `if (!limiter) return null` in front of the call of a limiter that was made elsewhere: where that is.
    fn passes_without(&self, place: Place) -> Option<Place> {
        let record = self.module(place.module);
        let within = |span: Span| span.start <= place.span.start && place.span.end <= span.end;
        let around = record.functions.iter().filter(|each| within(each.span));
        let around = around.min_by_key(|each| each.span.end - each.span.start)?;
        let before = around
            .body
            .iter()
            .filter(|stmt| stmt.span.end <= place.span.start);
        before.into_iter().find_map(|stmt| {
            let StmtKind::If { test, then, .. } = &stmt.kind else {
                return None;
            };
            let Expr::Unary {
                op: UnaryOp::Not,
                operand,
            } = record.expr(*test)
            else {
                return None;
            };
            let (Expr::Name(name), [.., last]) = (record.expr(*operand), &**then) else {
                return None;
            };
            let passes = match &last.kind {
                StmtKind::Return(None) => true,
                StmtKind::Return(Some(value)) => match record.expr(*value) {
                    Expr::Null | Expr::Undefined => true,
                    // `return !success` behind it says that `false` lets pass, `return success` that `true` does.
                    Expr::Bool(answer) => around.body.last().is_some_and(|last| match &last.kind {
                        StmtKind::Return(Some(value)) => match record.expr(*value) {
                            Expr::Unary {
                                op: UnaryOp::Not, ..
                            } => !answer,
                            Expr::Name(_) | Expr::Member { .. } => *answer,
                            _ => false,
                        },
                        _ => false,
                    }),
                    Expr::Object(properties) => properties.iter().any(|property| {
                        matches!(property, Property::Value { key: Key::Name(key), value }
                            if matches!(record.name(*key), "success" | "allowed" | "ok")
                                && matches!(record.expr(*value), Expr::Bool(true)))
                    }),
                    _ => false,
                },
                _ => false,
            };
            // It is the limiter that may not be there: what is asked afterwards is asked of it.
            let asked = || {
                let at = record.spans.iter().position(|span| *span == place.span)?;
                let Some(Expr::Call { callee, .. }) = record.exprs.get(at) else {
                    return None;
                };
                let Expr::Member { object, .. } = record.expr(*callee) else {
                    return None;
                };
                matches!(record.expr(*object), Expr::Name(other) if other == name).then_some(())
            };
            let span = stmt.span;
            (passes && asked().is_some()).then_some(Place { span, ..place })
        })
    }

    /// Whether all its work is to ask one kind of party: other services, or an identity provider, which gets all that is sent; and
    /// whether such parties alone get what is sent, whatever else is done.
    fn asks_only(&self, events: &[(Event, Place)]) -> Vec<(&'static str, Place)> {
        let works = events.iter().filter_map(|(event, place)| match event {
            Event::Work { what, .. } if !makes_client(what) => Some((what, *place)),
            _ => None,
        });
        let works: Vec<_> = works.collect();
        let Some((_, first)) = works.first() else {
            return Vec::new();
        };
        let mut kinds = Vec::new();
        let places: FxHashSet<Place> = works.iter().map(|(_, place)| *place).collect();
        let unseen = |(event, _): &(Event, Place)| {
            matches!(event, Event::Delegated | Event::Unfollowed | Event::Unseen)
        };
        let all = |kind: &dyn Fn(&str) -> bool| works.iter().all(|(what, _)| kind(what));
        if !events.iter().any(unseen) {
            if places.len() <= FEW_LOOKUPS && all(&looks_up) {
                kinds.push((LOOKS_UP_LITTLE, *first));
            } else if all(&reads_file) {
                kinds.push((ONLY_READS_FILES, *first));
            } else if all(&|what| self.paths.only_makes(what)) {
                kinds.push((ONLY_MAKES, *first));
            }
        }
        let is_service = |what: &str| self.paths.meaning(what) == Some(Meaning::Work);
        if works.iter().all(|(what, _)| is_service(what)) {
            kinds.push((ONLY_ASKS_ELSEWHERE, *first));
        }
        let at = |place: Place, wanted: fn(&Event) -> bool| {
            let mut events = events.iter();
            events.any(|(event, at)| *at == place && wanted(event))
        };
        let signs = |place| at(place, |event| matches!(event, Event::Signs { .. }));
        let is_provider =
            |(what, place): &(&Rc<str>, Place)| self.paths.is_of_provider(what) || signs(*place);
        let goes_there = |(event, place): &(Event, Place)| match event {
            Event::InputGoesOn { to: Some(to) } => {
                self.paths.is_of_provider(&self.paths.text(*to)) || signs(*place)
            }
            Event::InputGoesOn { to: None } => works.iter().any(|(_, at)| at == place),
            _ => true,
        };
        if works.iter().all(is_provider) && events.iter().all(goes_there) {
            kinds.push((ONLY_ASKS_PROVIDER, *first));
        }
        // A piece of an address may lead elsewhere before anybody looks at it.
        let sent = |place| at(place, |event| matches!(event, Event::InputSent));
        let mut handed = false;
        let hands_on = events.iter().all(|(event, place)| match event {
            Event::InputGoesOn { to: Some(to) } => {
                let what = self.paths.text(*to);
                let there = self.paths.is_of_provider(&what)
                    || signs(*place)
                    || is_service(&what) && sent(*place);
                handed |= there;
                let method = what.rsplit('.').next().unwrap_or("");
                there
                    || self.paths.known(*to).light && !is_service(&what)
                    || super::native::only_compares(method)
            }
            Event::InputGoesOn { to: None } | Event::Delegated => false,
            _ => true,
        });
        if hands_on && handed {
            kinds.push((ONLY_HANDS_ON, *first));
        }
        let spends = |place| at(place, |event| matches!(event, Event::Expensive(_)));
        if works.iter().all(|(_, place)| spends(*place)) {
            kinds.push((ONLY_SPENDS, *first));
        }
        let stored = events.iter().find_map(|(event, place)| match event {
            Event::InputGoesOn { to: Some(to) } => {
                let what = self.paths.text(*to);
                (!is_service(&what) && !spends(*place) && keeps(&what)).then_some(*place)
            }
            _ => None,
        });
        kinds.extend(stored.map(|place| (STORES_INPUT, place)));
        kinds
    }

    /// A place as evidence.
    pub fn evidence(&self, place: Place, note: &str) -> Evidence {
        let record = self.module(place.module);
        Evidence::new(record.path.clone(), record.line(place.span), note)
    }
}

fn turned_away(end: &End) -> bool {
    matches!(end.ending, Ending::Refused(Some(401 | 403)))
}

/// Whether requests of this method carry a body that a handler would read.
fn method_reads_body(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS")
}

/// How much of a handler could be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    /// Every step.
    Whole,
    /// It stands behind a wrapper of a package that is not known.
    BehindWrapper,
    /// A library's own handler.
    Library { signed: bool },
    /// A framework's complete handler, which answers failures itself; what it runs could not be seen.
    Framework,
    /// It could not be found.
    Nothing,
}

/// No path answers or does anything: what stands in front of the handler hands on in a way that could not be followed.
fn answer_nobody(outcomes: &Outcomes) -> bool {
    outcomes.iter().all(|(state, flow)| {
        let nothing = flow.as_ref().is_ok_and(Value::is_nullish);
        nothing && state.answered.is_none() && state.work == 0
    })
}

/// `createServerClient()` only makes what asks somebody.
fn makes_client(what: &str) -> bool {
    let last = what.rsplit(['#', '.']).next().unwrap_or(what);
    let last = last.trim_end_matches("()");
    last.starts_with("create") && last.ends_with("Client")
}

/// The calls of a path: `drizzle().select().from()` has three.
fn calls_of(what: &str) -> impl Iterator<Item = &str> + Clone {
    what.split(|letter: char| !letter.is_ascii_alphanumeric())
}

/// `drizzle().select().from().where()`: a store is asked, and nothing in it changed.
fn looks_up(what: &str) -> bool {
    let finds =
        |call: &str| call.starts_with("find") || call.starts_with("select") || call == "count";
    calls_of(what).any(finds) && !changes(what)
}

/// What is handed over is kept, run, or sent to be: a store, a queue, a file, a command takes it.
fn keeps(what: &str) -> bool {
    let words = [
        "add", "append", "exec", "insert", "publish", "push", "put", "query", "remove", "replace",
        "send", "spawn", "write",
    ];
    changes(what) || calls_of(what).any(|call| words.iter().any(|word| call.starts_with(word)))
}

/// Something is changed by one of the calls, as `findOneAndUpdate` does. `createClient()` only makes what asks it.
fn changes(what: &str) -> bool {
    let words = [
        "create", "delete", "insert", "save", "set", "update", "upsert",
    ];
    calls_of(what).any(|call| {
        words.iter().any(|word| call.starts_with(word)) && !call.ends_with("Client")
            || call.contains("And")
            || call.contains("OrCreate")
    })
}

/// `fs/promises#readFile`: a file is read, or looked for.
fn reads_file(what: &str) -> bool {
    let Some((package, call)) = what.split_once('#') else {
        return false;
    };
    let call = call.strip_suffix("()").unwrap_or(call);
    let call = call.strip_prefix("promises.").unwrap_or(call);
    matches!(package, "fs" | "fs/promises")
        && matches!(call, "readFile" | "readdir" | "stat" | "lstat" | "access")
}

/// Where an authentication library signs somebody in or out, or `out` alone, when no other work is done.
fn only_signs(events: &[(Event, Place)], only_out: bool) -> Option<Place> {
    let signs = events.iter().filter_map(|(event, place)| match event {
        Event::Signs { out } if *out || !only_out => Some(*place),
        _ => None,
    });
    let signs: Vec<Place> = signs.collect();
    let mut works = events
        .iter()
        .filter(|(event, _)| matches!(event, Event::Work { what, .. } if !makes_client(what)));
    let first = signs.first().copied();
    first.filter(|_| works.all(|(_, place)| signs.contains(place)))
}
