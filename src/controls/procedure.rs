//! Procedures of routers: proved behind the handler that serves the router and the middleware of their builder.
//!
//! Hundreds of procedures share one handler and a few chains of middleware. So these are run once, each up to the point at
//! which it hands on; every procedure goes on from the paths that arrive there. That is also how it is: what a procedure
//! throws becomes its answer, and no middleware catches it.

use std::rc::Rc;
use std::sync::Arc;

use crate::graph::ModuleId;
use crate::routes::{Procedure, Route, RouteKind};
use crate::rule::{Api, Calling, Meaning};
use crate::syntax::{Expr, ExprId, Key, Pattern};

use super::call::Use;
use super::evaluator::{Evaluator, FRAMEWORK};
use super::facts::Fact;
use super::memo::ArgumentKey;
use super::merge::merge_outcomes;
use super::prover::segment_names;
use super::record::{Event, Failure, Place};
use super::state::{Flow, Outcomes, Setting, State, value};
use super::steps::{Step, StepKey, passed_on};
use super::target::Target;
use super::value::{
    Bits, Chain, External, Native, Object, Presence, Provenance, Response, ResponseKind, Scope,
    Value,
};

impl<'a> Evaluator<'a> {
    /// Runs a procedure behind everything that stands in front of it; nothing where the procedure cannot be seen.
    pub(super) fn run_procedure(
        &mut self,
        route: &Route,
        procedure: &Procedure,
    ) -> Option<Outcomes> {
        let layer = &procedure.layer;
        // Configuration may decide which middleware there is.
        let mut variants: Vec<(Option<Setting>, Rc<Chain>)> = Vec::new();
        for (state, flow) in self.outcomes_aside(layer.module, layer.expr) {
            if let Ok(v) = flow {
                chains_of(&v, state.unconfigured, &mut variants);
            }
        }
        if variants.is_empty() {
            return None;
        }
        let host = self.host(&procedure.host);
        let own = (layer.module, layer.expr);
        Some(self.run_chains(route, &variants, host, &procedure.verb, own))
    }

    /// Runs what a builder finished, with no handler in front of it.
    pub(super) fn run_built(&mut self, route: &Route, chain: &Rc<Chain>) -> Outcomes {
        let key = StepKey::Host(0);
        let host = match self.steps.known(&key) {
            Some(known) => known,
            None => {
                let mut options = open_object();
                options.set(Rc::from("ctx"), Value::Object(Rc::new(open_object())));
                let start = State::new(Scope::module(route.module));
                let arrivals = value(start, Value::Object(Rc::new(options)));
                let step = Step::unseen(None, arrivals, Value::Undefined);
                self.steps.add(Some(key), step)
            }
        };
        let variants = [(None, Rc::clone(chain))];
        self.run_chains(route, &variants, host, "", (route.module, FRAMEWORK))
    }

    fn run_chains(
        &mut self,
        route: &Route,
        variants: &[(Option<Setting>, Rc<Chain>)],
        host: usize,
        verb: &str,
        own: (ModuleId, ExprId),
    ) -> Outcomes {
        let mut ends: Vec<(Option<Setting>, usize)> = Vec::new();
        for (unconfigured, chain) in variants {
            let mut at = self.given(host, verb, chain);
            for layer in chain.layers.iter() {
                at = self.layer(at, layer, chain.kind);
            }
            ends.push((*unconfigured, at));
        }
        self.reset(Some(route.module), Target::default());
        let mut outcomes = Outcomes::new();
        let mut gone: Vec<usize> = Vec::new();
        for ((unconfigured, at), (_, chain)) in ends.into_iter().zip(variants) {
            for each in self.steps.up_to(at) {
                if gone.contains(&each) {
                    continue;
                }
                gone.push(each);
                let step = self.steps.get(each);
                self.exhausted |= step.exhausted;
                outcomes.extend(step.away.iter().cloned());
                for (event, place) in &step.events {
                    // That the handler finds out who calls says nothing of a procedure that does not ask, and what it does
                    // in front of the procedure is not the procedure's work.
                    let of_host =
                        each == host && matches!(event, Event::Identity | Event::Work { .. });
                    if !of_host && !matches!(event, Event::Handed { .. }) {
                        self.record.add(event.clone(), *place);
                    }
                }
            }
            let mut arrivals = self.steps.get(at).arrivals.clone();
            for (state, _) in &mut arrivals {
                state.unconfigured = state.unconfigured.or(unconfigured);
            }
            outcomes.extend(self.run_last(route, own, chain, arrivals));
        }
        if !outcomes.iter().any(serves_strangers) {
            // Whatever was asked, only those whom the handler knows got through.
            for (state, _) in &mut outcomes {
                state.known_as_in_front();
            }
        }
        merge_outcomes(outcomes)
    }

    /// The procedure's own function, behind all that stands in front of it.
    fn run_last(
        &mut self,
        route: &Route,
        (module, expr): (ModuleId, ExprId),
        chain: &Chain,
        arrivals: Outcomes,
    ) -> Outcomes {
        let is_action = route.kind == RouteKind::Action;
        self.note_readers(&arrivals, chain);
        let place = Place {
            module: route.module,
            span: route.span,
        };
        self.event(Event::Boundary, place);
        if chain.schema {
            let sent = if is_action {
                Bits::ARGUMENT
            } else {
                Bits::BODY
            };
            self.event(Event::Input(sent), place);
            self.event(Event::Schema(Bits::INPUT), place);
        }
        if let Some((state, _)) = arrivals.first() {
            self.failure_options(&chain.options, &state.clone(), expr);
        }
        let handler = chain.handler.clone().unwrap_or_else(Value::unknown);
        let mut outcomes = Outcomes::new();
        self.protection.push(Failure::Answered);
        for (state, flow) in arrivals {
            let Ok(mut options) = flow else { continue };
            let input = if chain.schema {
                Value::Unknown(Provenance::of(Bits::PARSED), Presence::Truthy)
            } else if is_action {
                Value::from_bits(Bits::ARGUMENT)
            } else {
                Value::Undefined
            };
            set(&mut options, "parsedInput", input.clone());
            set(&mut options, "input", input);
            let state = state.in_scope(&Scope::module(module));
            let args = vec![options];
            outcomes.extend(self.call_acting(&handler, args, state, expr));
        }
        self.protection.pop();
        outcomes
    }

    // --- steps -------------------------------------------------------------------------------------------------

    /// The handler that serves the router, up to the point at which it hands on.
    fn host(&mut self, host: &Arc<Route>) -> usize {
        let key = StepKey::Host(Arc::as_ptr(host) as usize);
        if let Some(known) = self.steps.known(&key) {
            return known;
        }
        let method = (host.method != "ANY").then_some(host.method.as_str());
        let params = host.url.as_deref().map(segment_names).unwrap_or_default();
        self.reset(Some(host.module), Target::new(method, None, &params));
        self.arriving = true;
        let outcomes = self.run_entry(host).0;
        self.arriving = false;
        let start = State::new(Scope::module(host.module));
        let mut step = self.step_to_procedures(None, outcomes, |away| {
            // Nothing was seen to be handed on: whatever was done before is not known either.
            let mut blind = away.unwrap_or(start);
            blind.blind = true;
            Some((blind, Value::Object(Rc::new(open_object()))))
        });
        forget_callers(&mut step.arrivals);
        self.steps.add(Some(key), step)
    }

    /// The same paths, with what the procedure's builder tells its middleware.
    fn given(&mut self, before: usize, verb: &str, chain: &Chain) -> usize {
        let names = |(name, v): &(Rc<str>, Value)| {
            Some((Rc::clone(name), ArgumentKey::of(v, 4, &self.lasting)?))
        };
        let given: Option<Vec<_>> = chain.given.iter().map(names).collect();
        let key = given.map(|given| StepKey::Given(before, verb.into(), given));
        if let Some(known) = key.as_ref().and_then(|key| self.steps.known(key)) {
            return known;
        }
        let mut arrivals = self.steps.get(before).arrivals.clone();
        for (_, flow) in &mut arrivals {
            if let Ok(options) = flow {
                set(options, "type", Value::text(verb));
                let builder = chain.kind.and_then(|kind| self.library.builders.get(kind));
                for name in builder.iter().flat_map(|builder| &builder.given) {
                    set(options, name, Value::Undefined);
                }
                for (name, v) in &chain.given {
                    set(options, name, v.clone());
                }
            }
        }
        let kept = chain.given.iter().map(|(_, v)| v.clone()).collect();
        let step = Step::unseen(Some(before), arrivals, Value::Array(Rc::new(kept)));
        self.steps.add(key, step)
    }

    /// One middleware behind a step.
    fn layer(&mut self, before: usize, layer: &Value, kind: Option<usize>) -> usize {
        let (key, home) = match layer {
            Value::Function(closure) => (
                Some(StepKey::Layer(before, Rc::as_ptr(closure) as usize)),
                Some(closure.module),
            ),
            Value::External(external) => (
                Some(StepKey::Layer(before, Rc::as_ptr(external) as usize)),
                None,
            ),
            Value::Native(native) => (
                Some(StepKey::Layer(before, Rc::as_ptr(native) as usize)),
                home_of(native),
            ),
            _ => (None, None),
        };
        if let Some(known) = key.as_ref().and_then(|key| self.steps.known(key)) {
            return known;
        }
        self.reset(home, Target::default());
        let arrivals = self.steps.get(before).arrivals.clone();
        let mut outcomes = Outcomes::new();
        self.protection.push(Failure::Answered);
        let options: &[Value] = match layer {
            Value::Choice(options) => options,
            one => std::slice::from_ref(one),
        };
        let mut by_option = Vec::with_capacity(options.len());
        for layer in options {
            for (state, flow) in &arrivals {
                let Ok(options) = flow else { continue };
                let state = match home {
                    Some(home) => state.clone().in_scope(&Scope::module(home)),
                    None => state.clone(),
                };
                let options = options.clone();
                outcomes.extend(self.run_middleware_of_procedure(layer, options, state, kind));
            }
            by_option.push(std::mem::take(&mut self.arrivals));
        }
        // The configuration chooses: where one choice is a limiter, without the others none is configured.
        let counts = |arrivals: &Outcomes| {
            !arrivals.is_empty() && arrivals.iter().all(|(state, _)| state.counted.is_some())
        };
        let counted = by_option
            .iter()
            .find(|arrivals| counts(arrivals))
            .and_then(|arrivals| arrivals.first()?.0.counted.clone());
        for mut arrivals in by_option {
            if let Some(counted) = &counted
                && !counts(&arrivals)
            {
                for (state, _) in &mut arrivals {
                    state.unconfigured = Some(Setting {
                        site: counted.site,
                        secret: false,
                        origin: None,
                        also: None,
                    });
                }
            }
            self.arrivals.extend(arrivals);
        }
        let before_it = self.steps.get(before).arrivals.first().cloned();
        let mut step = self.step_to_procedures(Some(before), outcomes, |passed| {
            let (first, flow) = match before_it {
                Some(first) => first,
                None => return None,
            };
            let mut blind = passed.unwrap_or(first);
            blind.blind = true;
            Some((blind, flow.unwrap_or_else(|_| Value::unknown())))
        });
        step.kept = layer.clone();
        self.steps.add(key, step)
    }

    /// A step in front of procedures. Where it was not seen to hand on, `blind` makes a path of the one that it answered on.
    fn step_to_procedures(
        &mut self,
        before: Option<usize>,
        outcomes: Outcomes,
        blind: impl FnOnce(Option<State>) -> Option<(State, Value)>,
    ) -> Step {
        let mut arrivals = self.handed_on();
        let mut away = Outcomes::new();
        let mut answered = None;
        for (state, flow) in outcomes {
            if passed_on(&state) {
                continue;
            }
            let refused = |v| super::ending::refuses(v, &state);
            if flow.is_err() || flow.as_ref().is_ok_and(refused) {
                away.push((state, flow));
            } else if answered.is_none() {
                answered = Some(state);
            }
        }
        if arrivals.is_empty() && (answered.is_some() || away.is_empty()) {
            let blind = blind(answered);
            arrivals.extend(blind.map(|(state, options)| (state, Ok(options))));
        }
        self.step(before, arrivals, away)
    }

    fn run_middleware_of_procedure(
        &mut self,
        layer: &Value,
        options: Value,
        state: State,
        kind: Option<usize>,
    ) -> Outcomes {
        let next = Value::Native(Rc::new(Native::Arrive {
            options: options.clone(),
            kind,
        }));
        match layer {
            Value::External(external) => {
                let chain = Chain {
                    layers: Rc::new(vec![layer.clone()]),
                    handler: Some(next),
                    calling: Calling::Options,
                    args: vec![options],
                    ..Chain::default()
                };
                self.external_layer(&Rc::clone(external), &Rc::new(chain), state, FRAMEWORK)
            }
            Value::Function(_) | Value::Native(_) => {
                let mut options = options;
                set(&mut options, "next", next);
                self.call(layer, None, vec![options], state, FRAMEWORK, Use::Awaited)
            }
            // It cannot be seen: it may turn away anybody.
            _ => value(state, Value::unknown()),
        }
    }

    // --- points at which something is handed on ------------------------------------------------------------------

    /// The path has come to where a step hands on.
    pub(super) fn arrive(
        &mut self,
        options: Value,
        mut state: State,
        kind: Option<usize>,
    ) -> Outcomes {
        self.arrivals.push((state.clone(), Ok(options)));
        state.answered = Some(Rc::new(Response {
            kind: ResponseKind::PassOn,
            status: None,
            provenance: Provenance::default(),
        }));
        state.passed_back = true;
        let mut result = open_object();
        let builder = kind.and_then(|kind| self.library.builders.get(kind));
        for flag in builder.iter().flat_map(|builder| &builder.result) {
            result.set(Rc::from(flag.as_str()), Value::Bool(true));
        }
        value(state, Value::Object(Rc::new(result)))
    }

    /// A handler of a package is called: the functions that its options name run first, then what the package decides.
    pub(super) fn handler_of_package(
        &mut self,
        api: &'a Api,
        args: &[Value],
        state: State,
        id: ExprId,
    ) -> Outcomes {
        let place = self.place(&state, id);
        let options = args.iter().find_map(|arg| match arg {
            Value::Object(options) => Some(Rc::clone(options)),
            _ => None,
        });
        let named = |name: &String| options.as_ref().and_then(|options| options.get(name));
        let context = api.context.iter().find_map(named).cloned();
        if api.is == Meaning::SignedHandler {
            return self.signed(api, state, id);
        }
        let to_procedures = api.is != Meaning::OpaqueHandler;
        self.event(Event::Handed { to_procedures }, place);
        self.event(Event::Boundary, place);
        self.protection.push(Failure::Answered);
        let made: Outcomes = match context {
            Some(context @ (Value::Function(_) | Value::Native(_) | Value::Choice(_))) => {
                let args = vec![self.request(), self.context()];
                self.call(&context, None, args, state, id, Use::Awaited)
            }
            // Handlers by name, each with middleware of its own.
            Some(Value::Object(several))
                if several
                    .fields
                    .iter()
                    .any(|(_, v)| matches!(v, Value::Native(_))) =>
            {
                let args = vec![self.request()];
                let mut outcomes = Outcomes::new();
                for (_, each) in &several.fields {
                    let (args, state) = (args.clone(), state.clone());
                    outcomes.extend(self.call(each, None, args, state, id, Use::Awaited));
                }
                outcomes
            }
            Some(context @ Value::Object(_)) => value(state, context),
            Some(_) => value(state, Value::unknown()),
            None => value(state, Value::Object(Rc::default())),
        };
        let mut outcomes = Outcomes::new();
        for (mut state, flow) in made {
            match flow {
                Err(error) => outcomes.push((state, Err(error))),
                Ok(context) if self.arriving => {
                    self.private = true;
                    let mut options = open_object();
                    options.set(Rc::from("ctx"), context);
                    let options = Value::Object(Rc::new(options));
                    outcomes.extend(self.arrive(options, state, None));
                }
                Ok(_) => {
                    self.private = true;
                    self.work(&mut state, place, "handler");
                    let answer = Value::Unknown(Provenance::default(), Presence::Truthy);
                    outcomes.push((state, Ok(answer)));
                }
            }
        }
        self.protection.pop();
        if let Some(failed) = options.as_ref().and_then(|options| options.get("onError"))
            && let Some((state, _)) = outcomes.first()
        {
            self.run_aside(std::slice::from_ref(failed), &state.clone(), id);
        }
        outcomes
    }

    /// A handler of a package that answers its own sender only.
    fn signed(&mut self, api: &'a Api, state: State, id: ExprId) -> Outcomes {
        let place = self.place(&state, id);
        let provider = api.provider.as_deref().map(Rc::from);
        self.event(Event::Signature { provider }, place);
        self.event(Event::Schema(Bits::INPUT), place);
        self.event(Event::Boundary, place);
        let origin = self.origin(place, "the package checks the signature", None, false);
        let provenance = Provenance::at(Bits::SIGNATURE, origin);
        let answer = self.response(Some(401), ResponseKind::Body, provenance.clone());
        let site = self.site(state.scope.module, id);
        let refused = state.clone().with_fact(site, false, provenance.clone());
        let mut outcomes = value(refused, answer);
        let served = Value::Unknown(Provenance::default(), Presence::Truthy);
        outcomes.extend(value(state.with_fact(site, true, provenance), served));
        outcomes
    }

    /// What a package's handler is, where a value is one: `createNextApiHandler(options)`.
    /// `serve(options)`, and one of several that are made together: `createRouteHandler(options).POST`.
    pub(super) fn made_handler(&self, external: &External) -> Option<(&'a Api, Vec<Value>)> {
        let handler = |path| {
            let api = self.paths.known(path).api?;
            matches!(
                api.is,
                Meaning::ProcedureHandler | Meaning::OpaqueHandler | Meaning::SignedHandler
            )
            .then_some(api)
        };
        let made_by = external.receiver.as_ref()?;
        if let Some(api) = handler(made_by.path) {
            return Some((api, external.args.clone()));
        }
        let api = handler(made_by.receiver.as_ref()?.path)?;
        Some((api, made_by.args.clone()))
    }

    // --- who asks who calls ------------------------------------------------------------------------------------

    /// Notes where the procedure or its middleware read the caller from the context, though nobody may be turned away.
    fn note_readers(&mut self, arrivals: &Outcomes, chain: &Chain) {
        let mut names: Vec<Rc<str>> = Vec::new();
        for (_, flow) in arrivals {
            let Ok(Value::Object(options)) = flow else {
                continue;
            };
            let Some(Value::Object(context)) = options.get("ctx") else {
                continue;
            };
            for (name, v) in &context.fields {
                if v.provenance().bits.has(Bits::IDENTITY) && !names.contains(name) {
                    names.push(Rc::clone(name));
                }
            }
        }
        if names.is_empty() {
            return;
        }
        let readers = chain.layers.iter().chain(chain.handler.as_ref());
        let places: Vec<Place> = readers
            .filter_map(|reader| self.reader(reader, &names))
            .collect();
        for place in places {
            self.event(Event::Identity, place);
        }
    }

    /// Where a function reads one of these members.
    fn reader(&self, function: &Value, names: &[Rc<str>]) -> Option<Place> {
        let Value::Function(closure) = function else {
            return None;
        };
        let record = self.module(closure.module);
        let whole = record.function(closure.function).span;
        let ids: Vec<_> = names
            .iter()
            .filter_map(|name| record.find_name(name))
            .collect();
        if ids.is_empty() {
            return None;
        }
        let function = record.function(closure.function);
        let taken = function.params.iter().any(|param| takes(param, &ids));
        if taken {
            return Some(Place {
                module: closure.module,
                span: whole,
            });
        }
        record
            .exprs
            .iter()
            .zip(&record.spans)
            .find_map(|(expr, span)| {
                let inside = span.start >= whole.start && span.end <= whole.end;
                let reads = match expr {
                    Expr::Member { property, .. } => ids.contains(property),
                    _ => false,
                };
                (inside && reads).then_some(Place {
                    module: closure.module,
                    span: *span,
                })
            })
    }
}

/// The module that a middleware made of others belongs to.
fn home_of(native: &Native) -> Option<ModuleId> {
    let Native::Builder { chain, .. } = native else {
        return None;
    };
    match chain.layers.first() {
        Some(Value::Function(closure)) => Some(closure.module),
        _ => None,
    }
}

/// A handler that hands strangers on to its procedures turns nobody away, whomever it knows on other paths: only what the procedures
/// ask themselves counts. Those whom the configuration lets in are no strangers.
fn forget_callers(arrivals: &mut Outcomes) {
    let stranger = |(state, _): &(State, Flow)| state.caller.is_none() && state.switched.is_empty();
    if !arrivals.iter().any(stranger) {
        return;
    }
    let decided = arrivals.iter().flat_map(|(state, _)| state.possible.iter());
    let decided: Vec<Fact> = decided.cloned().collect();
    for (state, _) in arrivals {
        let caller = state.caller.clone();
        state.forget(&decided);
        state.known_in_front = caller;
    }
}

/// The path answers somebody whom nobody knows.
fn serves_strangers((state, flow): &(State, Flow)) -> bool {
    state.caller.is_none()
        && state.known_in_front.is_none()
        && flow
            .as_ref()
            .is_ok_and(|v| !super::ending::refuses(v, state))
}

/// The procedures that a value may be.
fn chains_of(
    v: &Value,
    unconfigured: Option<Setting>,
    out: &mut Vec<(Option<Setting>, Rc<Chain>)>,
) {
    match v {
        Value::Native(native) => {
            if let Native::Composed(chain) = &**native
                && chain.calling == Calling::Options
            {
                out.push((unconfigured, Rc::clone(chain)));
            }
        }
        Value::Choice(options) => options
            .iter()
            .for_each(|option| chains_of(option, unconfigured, out)),
        _ => {}
    }
}

/// Whether a pattern takes one of these members out.
fn takes(pattern: &Pattern, names: &[crate::syntax::Name]) -> bool {
    match pattern {
        Pattern::Object { properties, .. } => properties.iter().any(|(key, inner)| {
            matches!(key, Key::Name(name) if names.contains(name)) || takes(inner, names)
        }),
        Pattern::Default { pattern, .. } => takes(pattern, names),
        _ => false,
    }
}

fn open_object() -> Object {
    Object {
        open: Some(Provenance::default()),
        ..Object::default()
    }
}

fn set(options: &mut Value, key: &str, v: Value) {
    if let Value::Object(object) = options {
        Rc::make_mut(object).set(Rc::from(key), v);
    }
}
