//! From paths to verdicts.
//!
//! A guard is a condition of which one side only turns requests away while the other goes on to the work. A control
//! is enforced when every path that serves the request has passed such a guard; which kind of guard it is, the
//! origin of the condition's value says, confirmed by what is answered.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::graph::ModuleId;
use crate::routes::{Entry, Layer, Route, RouteKind};
use crate::rule::{Calling, Confidence, Control, Meaning};

use super::call::Use;
use super::evaluator::{Evaluator, FRAMEWORK};
use super::record::{Event, Flaw, Place};
use super::state::{Fact, Flow, Outcomes, Site, State};
use super::value::{
    Bits, Chain, Closure, Native, Object, Presence, Provenance, Response, ResponseKind, Scope,
    Value,
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
}

impl Proof {
    /// What is said of a handler that could not be proved at all.
    #[must_use]
    pub fn unknown() -> Self {
        let verdict = Verdict {
            status: Status::Unknown,
            confidence: Confidence::Low,
            limit: None,
            evidence: Vec::new(),
        };
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
        }
    }
}

/// How a path ends for the one who asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// Turned away, with the status where it is known.
    Refused(Option<u16>),
    /// Redirected or answered with nothing: turned away where no work was done since.
    Idle,
    /// Served.
    Served,
}

/// How a path came to its end.
pub(super) struct End {
    pub facts: Rc<Vec<Fact>>,
    pub possible: Rc<Vec<Fact>>,
    pub caller: Option<Fact>,
    pub counted: Option<Fact>,
    pub unconfigured: Option<super::state::Unconfigured>,
    pub failed: bool,
    pub ending: Ending,
    pub work: u32,
    pub blind: bool,
}

impl End {
    /// Where a path ended, after so much work.
    fn of(ending: Ending, state: &State, work: u32) -> Self {
        Self {
            facts: Rc::clone(&state.facts),
            possible: Rc::clone(&state.possible),
            caller: state.caller.clone(),
            counted: state.counted.clone(),
            unconfigured: state.unconfigured,
            failed: state.failed,
            ending,
            work,
            blind: state.blind,
        }
    }
}

/// A value that a caller is sent away with.
pub(super) fn refuses(value: &Value, state: &State) -> bool {
    match ending(&Ok(value.clone()), state, false) {
        Ending::Served => false,
        Ending::Refused(_) => true,
        Ending::Idle => state.work == 0,
    }
}

fn ending(flow: &Flow, state: &State, middleware: bool) -> Ending {
    let idle = Ending::Idle;
    match flow {
        Err(Value::Response(response)) if response.kind == ResponseKind::Redirect => {
            answer_ending(response, state, idle)
        }
        Err(Value::Response(response)) => Ending::Refused(response.status),
        Err(error) => Ending::Refused(status_field(error)),
        Ok(Value::Response(response)) => answer_ending(response, state, idle),
        Ok(failure @ Value::Object(_)) if state.answered.is_none() && reports_failure(failure) => {
            Ending::Refused(status_field(failure))
        }
        Ok(Value::Undefined | Value::Null | Value::Bool(false)) if state.answered.is_none() => {
            if middleware {
                Ending::Served
            } else {
                idle
            }
        }
        Ok(Value::Array(items)) if items.is_empty() && state.answered.is_none() => idle,
        Ok(_) => match &state.answered {
            Some(_) if state.worked_after_answer => Ending::Served,
            Some(response) => answer_ending(response, state, idle),
            None if state.failed => Ending::Refused(None),
            None => Ending::Served,
        },
    }
}

/// An object that says that something failed: `{ error }`, `{ success: false }`.
pub(super) fn reports_failure(value: &Value) -> bool {
    let Value::Object(object) = value else {
        return false;
    };
    ["error", "errors", "serverError", "failure"]
        .iter()
        .any(|key| {
            object.get(key).is_some_and(|v| match v {
                Value::Choice(options) => !options.iter().any(Value::is_nullish),
                v => !v.is_nullish() && v.truth() != Some(false),
            })
        })
        || ["success", "ok"]
            .iter()
            .any(|key| matches!(object.get(key), Some(Value::Bool(false))))
}

fn answer_ending(response: &Response, state: &State, idle: Ending) -> Ending {
    match (response.kind, response.status) {
        (ResponseKind::PassOn, _) => Ending::Served,
        (ResponseKind::Redirect, Some(status)) if status >= 400 => Ending::Refused(Some(status)),
        (ResponseKind::Redirect, _) => idle,
        (ResponseKind::Body, Some(status)) if status >= 400 => Ending::Refused(Some(status)),
        (ResponseKind::Body, Some(status)) if (300..400).contains(&status) => idle,
        (ResponseKind::Body, None) if state.failed => Ending::Refused(None),
        (ResponseKind::Body, _) => Ending::Served,
    }
}

/// The status that an error or a failed result stands for.
pub(super) fn status_field(value: &Value) -> Option<u16> {
    let object = match value {
        Value::Object(object) => object,
        // `new HTTPException(401, …)`, `new TRPCError({ code })`
        Value::External(external) => {
            return external.args.iter().find_map(|arg| match arg {
                Value::Number(status) if (400.0..600.0).contains(status) => Some(*status as u16),
                Value::Object(_) => status_field(arg),
                _ => None,
            });
        }
        _ => return None,
    };
    // An error that says `Unauthorized` means it, whatever status its framework gives it.
    for key in ["message", "code", "error"] {
        let Some(Value::String(text)) = object.get(key) else {
            continue;
        };
        let text = text.to_ascii_lowercase().replace('_', " ");
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&[
            "unauthori",
            "unauthenticated",
            "not authenticated",
            "not logged in",
            "sign in",
            "log in",
            "must be signed in",
        ]) {
            return Some(401);
        }
        if says(&["forbidden", "permission"]) {
            return Some(403);
        }
        if says(&["too many requests", "rate limit"]) {
            return Some(429);
        }
    }
    ["status", "statusCode", "code"]
        .iter()
        .find_map(|key| match object.get(key) {
            Some(Value::Number(status)) if (100.0..600.0).contains(status) => Some(*status as u16),
            _ => None,
        })
}

/// What a middleware does to the requests of one route.
pub(super) struct Passage {
    pub verdicts: Vec<(Control, Verdict)>,
    /// Only who is signed in gets through; no signature or secret would do.
    pub by_session: bool,
}

/// What a set of paths says of guards.
pub(super) struct Judgement {
    pub status: Status,
    /// The guards that serving paths pass, with the status they answer.
    pub guards: Vec<(Site, Option<u16>, Provenance)>,
    pub blind: bool,
    /// All paths that passed no guard go on because this is missing.
    pub fails_open: Option<super::state::Unconfigured>,
}

impl<'a> Evaluator<'a> {
    /// Proves one handler.
    pub fn prove(&mut self, route: &Route, params: &[String]) -> Proof {
        let method = match route.kind {
            RouteKind::Action | RouteKind::Trpc => None,
            _ if route.method == "ANY" => None,
            _ => Some(route.method.as_str()),
        };
        // A router of Express sees its path from where it is mounted.
        let fixed = |_: &&str| {
            matches!(
                route.kind,
                RouteKind::App | RouteKind::Pages | RouteKind::Hono
            )
        };
        let url = route.url.as_deref().filter(fixed);
        self.reset(route.module, method, url);
        self.params = params.to_vec();
        let entry = Place {
            module: route.module,
            span: route.span,
        };
        let (outcomes, seen) = match &route.entry {
            Entry::Procedure(procedure) => match self.run_procedure(route, procedure) {
                Some(outcomes) => (outcomes, Seen::Whole),
                None => {
                    self.reset(route.module, None, None);
                    (Outcomes::new(), Seen::Nothing)
                }
            },
            _ => self.run_entry(route),
        };
        let ends: Vec<End> = outcomes
            .into_iter()
            .map(|(state, flow)| End::of(ending(&flow, &state, false), &state, state.work))
            .collect();
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
        self.reset(module, method, Some(url));
        let Some(outcomes) = self.run_middleware(module, export) else {
            return Passage {
                verdicts: vec![(Control::Auth, unseen(Vec::new()))],
                by_session: false,
            };
        };
        let ends: Vec<End> = outcomes
            .into_iter()
            .map(|(state, flow)| End::of(ending(&flow, &state, true), &state, 0))
            .collect();
        let mut by_session = false;
        let mut verdicts = Vec::with_capacity(controls.len());
        for &control in controls {
            let judgement = self.judge(&ends, control);
            let mut evidence = Vec::new();
            self.guard_evidence(&judgement, &mut evidence);
            if judgement.status == Status::Absent && judgement.blind && control == Control::Auth {
                verdicts.push((control, unseen(evidence)));
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
                    status,
                    confidence: Confidence::High,
                    limit,
                    evidence,
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
        self.reset(module, None, None);
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
        self.params.clear();
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
            Entry::Function(function) => Value::Function(Rc::new(Closure {
                module: route.module,
                function: *function,
                scope: Scope::module(route.module),
                this: None,
            })),
            Entry::Chain(layers) => return (self.run_layers(route, layers, state), Seen::Whole),
            Entry::Procedure(_) => Value::unknown(),
        };
        self.run_value(route, handler, state, 0)
    }

    fn run_layers(&mut self, route: &Route, layers: &[Layer], state: State) -> Outcomes {
        let mut values = Vec::with_capacity(layers.len());
        let mut caught = false;
        for layer in layers {
            if layer.handles_errors {
                caught = true;
                continue;
            }
            let layer = self.expr_aside(layer.module, layer.expr);
            flatten(&layer, &mut values);
        }
        let handler = values.pop();
        let (calling, args) = if route.kind == RouteKind::Hono {
            (Calling::ContextNext, vec![self.context()])
        } else {
            (
                Calling::RequestResponseNext,
                vec![self.request(), self.response_object()],
            )
        };
        // Hono answers 500 for whatever a handler throws.
        let catches = caught || route.kind == RouteKind::Hono;
        let chain = Chain {
            layers: Rc::new(values),
            handler,
            calling,
            catches,
            args,
            ..Chain::default()
        };
        let composed = Value::Native(Rc::new(Native::Composed(Rc::new(chain))));
        let args = match &composed {
            Value::Native(native) => match &**native {
                Native::Composed(chain) => chain.args.clone(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        let id = layers.last().map_or(FRAMEWORK, |layer| layer.expr);
        let module = layers.last().map_or(route.module, |layer| layer.module);
        let state = state.in_scope(&Scope::module(module));
        self.call(&composed, None, args, state, id, Use::Awaited)
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
            Value::Function(closure) => {
                let function = self.function(closure);
                if route.kind == RouteKind::Action && !function.params.is_empty() {
                    let place = Place {
                        module: closure.module,
                        span: function.span,
                    };
                    self.event(Event::Input(Bits::ARGUMENT), place);
                }
                let args = self.arguments_of(route);
                (
                    self.call(&handler, None, args, state, id, Use::Awaited),
                    Seen::Whole,
                )
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
                match known.api.or(made_by).map(|api| api.is) {
                    Some(Meaning::AuthHandler) => {
                        return (Outcomes::new(), Seen::Library { signed: false });
                    }
                    Some(Meaning::SignedHandler) => {
                        return (Outcomes::new(), Seen::Library { signed: true });
                    }
                    _ => {}
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

    fn arguments_of(&mut self, route: &Route) -> Vec<Value> {
        match route.kind {
            RouteKind::Action => vec![Value::from_bits(Bits::ARGUMENT); 6],
            RouteKind::Pages | RouteKind::Express => vec![self.request(), self.response_object()],
            RouteKind::Hono => vec![self.context()],
            RouteKind::App | RouteKind::Trpc => {
                let mut params = Object {
                    open: Some(Provenance::of(Bits::PARAM)),
                    ..Object::default()
                };
                for name in self.params.clone() {
                    let bits = self.param_bits(&name);
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

    // --- judging -----------------------------------------------------------------------------------------------

    fn judge(&self, ends: &[End], control: Control) -> Judgement {
        let goes_on = |end: &&End| {
            end.ending == Ending::Served || (end.ending == Ending::Idle && end.work > 0)
        };
        let mut served: Vec<&End> = ends.iter().filter(goes_on).collect();
        if served.is_empty() {
            served = ends
                .iter()
                .filter(|end| end.ending == Ending::Idle)
                .collect();
        }
        // A path that answers without any work (a preflight, an empty list) has nothing to protect.
        let asked = |end: &&End| end.possible.iter().any(|fact| concerns(control, fact));
        if served.iter().any(|end| end.work > 0) {
            served.retain(|end| end.work > 0 || asked(end));
        }
        // Some endpoints answer a request with a wrong signature as they answer the others, and do nothing.
        let works = served.iter().any(|end| end.work > 0);
        let unsigned = |fact: &Fact| works && !fact.establishes() && fact.signed();
        let mut away: FxHashMap<(Site, bool), Option<Vec<Option<u16>>>> = FxHashMap::default();
        for end in ends {
            for fact in end.possible.iter() {
                let entry = away
                    .entry((fact.site, fact.arm))
                    .or_insert_with(|| Some(Vec::new()));
                match (&mut *entry, end.ending) {
                    (Some(statuses), Ending::Refused(status)) => statuses.push(status),
                    (Some(statuses), Ending::Idle) if end.work <= fact.work => {
                        statuses.push(Some(307))
                    }
                    (Some(statuses), Ending::Served) if end.work <= fact.work && unsigned(fact) => {
                        statuses.push(Some(200))
                    }
                    (entry, _) => *entry = None,
                }
            }
        }
        // A path that was only sent on passes every condition that sends on; it is no guard's success.
        let sent_on = |end: &&End| {
            end.possible.iter().any(|fact| {
                fact.work >= end.work
                    && !fact.establishes()
                    && (end.ending != Ending::Served || unsigned(fact))
                    && matches!(away.get(&(fact.site, fact.arm)), Some(Some(_)))
            })
        };
        // Where nobody is answered in another way, that is the answer.
        if !served.iter().all(sent_on) {
            served.retain(|end| !sent_on(end));
        }
        let guard = |fact: &Fact| -> Option<Option<u16>> {
            let statuses = away.get(&(fact.site, !fact.arm))?.as_ref()?;
            is_guard(control, fact, statuses).then(|| statuses.iter().copied().flatten().next())
        };
        // Some count or decision leads to a 429, so whoever was counted has met the limiter.
        let counted = ends
            .iter()
            .flat_map(|end| end.possible.iter())
            .find_map(|fact| {
                let statuses = away.get(&(fact.site, fact.arm))?.as_ref()?;
                is_guard(control, fact, statuses).then(|| statuses.iter().copied().flatten().next())
            });
        let mut guards: Vec<(Site, Option<u16>, Provenance)> = Vec::new();
        let passes: Vec<bool> = served
            .iter()
            .map(|end| {
                let mut passed = false;
                // Somebody is known on every way here, though not always by the same means.
                let caller = end.caller.as_ref().filter(|_| control == Control::Auth);
                if control == Control::RateLimit
                    && let (Some(fact), Some(status)) = (&end.counted, counted)
                {
                    passed = true;
                    if !guards.iter().any(|(site, _, _)| *site == fact.site) {
                        guards.push((fact.site, status, fact.provenance.clone()));
                    }
                }
                // What is asked when everything has been done protects nothing.
                let in_time = |fact: &&Fact| !(fact.late && fact.work >= end.work);
                for fact in end.facts.iter().chain(caller).filter(in_time) {
                    let status = match guard(fact) {
                        Some(status) => Some(status),
                        None if control == Control::Auth && fact.establishes() => Some(None),
                        None => None,
                    };
                    if let Some(status) = status {
                        passed = true;
                        if !guards.iter().any(|(site, _, _)| *site == fact.site) {
                            guards.push((fact.site, status, fact.provenance.clone()));
                        }
                    }
                }
                passed
            })
            .collect();
        let partial = if control == Control::RateLimit {
            Status::Conditional
        } else {
            Status::Optional
        };
        let all = passes.iter().all(|passed| *passed);
        let any = passes.iter().any(|passed| *passed);
        // A limiter that its configuration switches on counts as on.
        let configured = control == Control::RateLimit
            && any
            && served
                .iter()
                .zip(&passes)
                .all(|(end, passed)| *passed || end.unconfigured.is_some());
        // Whoever comes while something is not configured meets no guard.
        let open = served
            .iter()
            .zip(&passes)
            .filter(|(_, passed)| !**passed)
            .map(|(end, _)| end.unconfigured);
        let fails_open = if any && open.clone().all(|missing| missing.is_some()) {
            open.flatten().next()
        } else {
            None
        };
        let blind = served.is_empty() || served.iter().any(|end| end.blind);
        let blind = blind && ends.iter().any(|end| end.blind);
        let closed = ends
            .iter()
            .all(|end| matches!(end.ending, Ending::Refused(Some(401 | 403 | 404) | None)));
        let status = if served.is_empty() {
            // Nobody is served at all, as behind a condition that never holds in production.
            if closed && !ends.is_empty() && control == Control::Auth {
                Status::Enforced
            } else {
                Status::Absent
            }
        } else if all || configured {
            Status::Enforced
        } else if any {
            partial
        } else {
            Status::Absent
        };
        Judgement {
            status,
            guards,
            blind,
            fails_open,
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
        controls.insert(Control::Validation, self.validation(&start, seen));
        controls.insert(Control::ErrorHandling, self.error_handling(&start, seen));
        controls.insert(Control::Logging, self.logging(&start));
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
                // Beside a limit that holds, another may be asked only to count.
                Event::Ineffective {
                    flaw: Flaw::Ignored,
                    guard: "rate-limit",
                } if controls
                    .get(&Control::RateLimit)
                    .is_some_and(|verdict| verdict.status == Status::Enforced) => {}
                Event::Ineffective { flaw, guard } => {
                    let evidence = self.evidence(*place, "the guard that turns nobody away");
                    marks.push((format!("ineffective:{guard}:{}", flaw.word()), evidence));
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
        let suspects = match controls.get(&Control::Auth).map(|verdict| verdict.status) {
            Some(Status::Absent | Status::Unknown) => self.suspects(route, ends),
            _ => Vec::new(),
        };
        Proof {
            controls,
            expensive,
            marks,
            suspects,
            library_handler: matches!(seen, Seen::Library { signed: false }),
        }
    }

    fn guard_verdict(
        &mut self,
        control: Control,
        ends: &[End],
        start: &Evidence,
        seen: Seen,
        marks: &mut Vec<(String, Evidence)>,
    ) -> Verdict {
        let mut evidence = vec![start.clone()];
        match seen {
            Seen::Nothing => {
                evidence.push(Evidence {
                    note: String::from("what runs here cannot be found"),
                    ..start.clone()
                });
                return unseen(evidence);
            }
            Seen::Library { signed } => {
                let status = if signed && control == Control::Auth {
                    evidence.push(Evidence {
                        note: String::from("the library checks the signature of every request"),
                        ..start.clone()
                    });
                    Status::Enforced
                } else {
                    Status::Absent
                };
                return Verdict {
                    status,
                    confidence: Confidence::High,
                    limit: None,
                    evidence,
                };
            }
            Seen::Whole | Seen::BehindWrapper => {}
        }
        let mut judgement = self.judge(ends, control);
        if let Some(missing) = judgement.fails_open
            && seen == Seen::Whole
            && !self.exhausted
            // A limiter that its configuration switches on is on; that is nobody's slip.
            && missing.secret
            && control == Control::Auth
        {
            let place = self.site_places[missing.site.0 as usize];
            let signed = judgement
                .guards
                .iter()
                .any(|(_, _, provenance)| provenance.bits.has(Bits::SIGNATURE.with(Bits::SECRET)));
            let guard = if signed { "secret" } else { "auth" };
            let asked = missing
                .origin
                .map(|origin| &self.origins[origin.0 as usize].note);
            let evidence = self.evidence(place, asked.map_or("", |note| note));
            marks.push((format!("fails-open:{guard}:configuration"), evidence));
        }
        let delegated = self
            .record
            .first(|event| matches!(event, Event::Delegated).then_some(()));
        if judgement.status == Status::Absent {
            let read = self.record.first(|event| match (control, event) {
                (Control::Auth, Event::Identity) => {
                    Some("identity is read, but nobody is turned away")
                }
                (Control::Auth, Event::Signature { .. }) => {
                    Some("the signature is checked, but nothing is turned away")
                }
                (Control::RateLimit, Event::Limiter { .. }) => {
                    Some("the limiter is asked, but its decision turns nobody away")
                }
                _ => None,
            });
            let handed = self.record.first(|event| match (control, event) {
                (Control::Auth, Event::Handed { .. })
                | (
                    Control::RateLimit,
                    Event::Handed {
                        to_procedures: true,
                    },
                ) => Some(()),
                _ => None,
            });
            if let Some((_, place)) = handed {
                evidence.push(self.evidence(place, "a package takes the request over"));
                judgement.status = Status::Unknown;
            } else if let Some((note, place)) = read {
                judgement.status = if control == Control::RateLimit {
                    Status::Conditional
                } else {
                    Status::Optional
                };
                evidence.push(self.evidence(place, note));
            } else if let (Control::Auth, Some((_, place))) = (control, delegated) {
                evidence.push(self.evidence(place, "a package takes the request over"));
                judgement.status = Status::Unknown;
            } else if judgement.blind || seen == Seen::BehindWrapper {
                judgement.status = Status::Unknown;
                evidence.push(self.what_is_unseen(seen, start));
            }
        }
        if control == Control::Auth && judgement.blind && judgement.status != Status::Enforced {
            // The guard may stand where nobody looked.
            judgement.status = Status::Unknown;
        }
        self.guard_evidence(&judgement, &mut evidence);
        if !matches!(judgement.status, Status::Enforced | Status::Unknown) {
            self.what_does_not_count(ends, control, &mut evidence);
            self.unguarded_work(control, &mut evidence);
        }
        let by_name = judgement.guards.iter().any(|(_, _, provenance)| {
            let origins = provenance.origins.iter().flat_map(|origins| origins.iter());
            origins.clone().count() > 0
                && origins.clone().all(|o| self.origins[o.0 as usize].by_name)
        });
        let doubtful = self.exhausted && judgement.status != Status::Enforced;
        let low = judgement.status == Status::Unknown || by_name || doubtful;
        let confidence = if low {
            Confidence::Low
        } else {
            Confidence::High
        };
        let limit = (control == Control::RateLimit && judgement.status != Status::Absent)
            .then(|| self.limit_of_guards(&judgement))
            .flatten();
        Verdict {
            status: judgement.status,
            confidence,
            limit,
            evidence,
        }
    }

    fn limit_of_guards(&self, judgement: &Judgement) -> Option<String> {
        let mut limits: Vec<Rc<str>> = Vec::new();
        for (_, _, provenance) in &judgement.guards {
            for origin in provenance.origins.iter().flat_map(|origins| origins.iter()) {
                if let Some(limit) = &self.origins[origin.0 as usize].limit
                    && !limits.contains(limit)
                {
                    limits.push(Rc::clone(limit));
                }
            }
        }
        if limits.is_empty() {
            for (event, _) in &self.record.events {
                if let Event::Limiter { limit: Some(limit) } = event
                    && !limits.contains(limit)
                {
                    limits.push(Rc::clone(limit));
                }
            }
        }
        (!limits.is_empty()).then(|| limits.join(","))
    }

    fn validation(&self, start: &Evidence, seen: Seen) -> Verdict {
        let mut evidence = vec![start.clone()];
        let found = |wanted: &dyn Fn(&Event) -> bool| {
            self.record
                .first(|event| wanted(event).then_some(()))
                .map(|(_, place)| place)
        };
        let (status, place, note) = match seen {
            Seen::Library { signed: true } => (Status::Schema, None, ""),
            Seen::Library { signed: false } => (Status::Na, None, ""),
            Seen::Nothing => (Status::Unknown, None, ""),
            Seen::Whole | Seen::BehindWrapper => {
                if let Some(place) = found(&|event| matches!(event, Event::Schema)) {
                    (Status::Schema, Some(place), "input goes through a schema")
                } else if let Some(place) = found(&|event| matches!(event, Event::ManualCheck)) {
                    (Status::Manual, Some(place), "input is checked by hand")
                } else if let Some(place) = found(&|event| matches!(event, Event::Input(_))) {
                    (Status::Absent, Some(place), "input is read")
                } else if let Some(place) =
                    found(&|event| matches!(event, Event::Delegated | Event::Handed { .. }))
                {
                    (
                        Status::Unknown,
                        Some(place),
                        "a package takes the request over",
                    )
                } else {
                    (Status::Na, None, "")
                }
            }
        };
        let status = if status == Status::Absent && seen == Seen::BehindWrapper {
            Status::Unknown
        } else {
            status
        };
        evidence.extend(place.map(|place| self.evidence(place, note)));
        let confidence = if status == Status::Unknown {
            Confidence::Low
        } else {
            Confidence::High
        };
        Verdict {
            status,
            confidence,
            limit: None,
            evidence,
        }
    }

    fn error_handling(&self, start: &Evidence, seen: Seen) -> Verdict {
        let mut evidence = vec![start.clone()];
        let status = match seen {
            Seen::Library { .. } => Status::Caught,
            Seen::Nothing => Status::Unknown,
            Seen::Whole | Seen::BehindWrapper => {
                // Checks in front of a `try` are not the main work: what comes last decides.
                let last = self
                    .record
                    .events
                    .iter()
                    .rev()
                    .find_map(|(event, place)| match event {
                        Event::Work { caught, .. } => Some((*caught, *place)),
                        _ => None,
                    });
                let boundary = self
                    .record
                    .first(|event| matches!(event, Event::Boundary).then_some(()));
                match (last, boundary) {
                    (Some((true, place)), _) => {
                        evidence.push(self.evidence(place, "a failure here is caught"));
                        Status::Caught
                    }
                    (Some((false, place)), _) => {
                        evidence
                            .push(self.evidence(place, "a failure here reaches nobody's catch"));
                        Status::Uncaught
                    }
                    (None, Some((_, place))) => {
                        evidence.push(self.evidence(place, "failures are caught here"));
                        Status::Caught
                    }
                    (None, None) => Status::Uncaught,
                }
            }
        };
        let status = if status == Status::Uncaught && seen == Seen::BehindWrapper {
            Status::Unknown
        } else {
            status
        };
        let confidence = if status == Status::Unknown {
            Confidence::Low
        } else {
            Confidence::High
        };
        Verdict {
            status,
            confidence,
            limit: None,
            evidence,
        }
    }

    fn logging(&self, start: &Evidence) -> Verdict {
        let mut evidence = vec![start.clone()];
        let log = |wanted: bool| {
            self.record.first(|event| match event {
                Event::Log {
                    structured,
                    own: true,
                } if *structured == wanted => Some(()),
                _ => None,
            })
        };
        let (status, place) = if let Some((_, place)) = log(true) {
            (Status::Structured, Some((place, "logs through a logger")))
        } else if let Some((_, place)) = log(false) {
            (Status::Console, Some((place, "logs to the console")))
        } else {
            (Status::Absent, None)
        };
        evidence.extend(place.map(|(place, note)| self.evidence(place, note)));
        Verdict {
            status,
            confidence: Confidence::High,
            limit: None,
            evidence,
        }
    }

    /// A place as evidence.
    pub fn evidence(&self, place: Place, note: &str) -> Evidence {
        let record = self.module(place.module);
        Evidence {
            file: record.path.clone(),
            line: record.line(place.span),
            note: note.to_owned(),
        }
    }
}

/// The layers that a value stands for: arrays of middleware are layers one after another.
fn flatten(value: &Value, layers: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, layers)),
        other => layers.push(other.clone()),
    }
}

/// The verdict on what could not be seen.
fn unseen(evidence: Vec<Evidence>) -> Verdict {
    Verdict {
        status: Status::Unknown,
        confidence: Confidence::Low,
        limit: None,
        evidence,
    }
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
    /// It could not be found.
    Nothing,
}

/// The decision is one that this control is about.
pub(super) fn concerns(control: Control, fact: &Fact) -> bool {
    let bits = fact.provenance.bits;
    match control {
        Control::RateLimit => bits.has(Bits::LIMITER.with(Bits::COUNT)),
        // Nobody can be known where no credential was sent.
        _ => bits.can_authenticate() || bits.has(Bits::CREDENTIAL),
    }
}

/// Whether turning away with these statuses, on a condition about these origins, is a guard of this kind. `passed` is
/// the decision of the path that goes on.
fn is_guard(control: Control, passed: &Fact, statuses: &[Option<u16>]) -> bool {
    let bits = passed.provenance.bits;
    let only_429 = statuses.iter().all(|status| *status == Some(429));
    match control {
        Control::RateLimit => bits.has(Bits::LIMITER) && (!bits.has(Bits::COUNT) || only_429),
        Control::Auth => {
            if only_429 {
                return false;
            }
            let refuses_strangers = statuses
                .iter()
                .any(|s| matches!(s, Some(401 | 403 | 404 | 307) | None));
            let says_so = statuses.iter().all(|s| matches!(s, Some(401 | 403)));
            if bits.has(Bits::SIGNATURE) || (bits.has(Bits::SECRET) && bits.has(Bits::REQUEST)) {
                return true;
            }
            if bits.has(Bits::IDENTITY) && !bits.has(Bits::COMPARED) && !bits.has(Bits::LOOKUP) {
                // The one who is known must be the one who goes on.
                return passed.arm != bits.has(Bits::NEGATED);
            }
            if bits.has(Bits::IDENTITY) && bits.has(Bits::LOOKUP) && bits.has(Bits::PENDING) {
                // Something was looked up with an identity that may be missing, which may mean: with any.
                return false;
            }
            // What was sent to be compared tells who is meant, not who is asking.
            let ambient = bits.has(Bits::AMBIENT) && !bits.has(Bits::INPUT);
            (bits.can_authenticate() && refuses_strangers) || (ambient && says_so)
        }
        _ => false,
    }
}
