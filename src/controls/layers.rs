//! Handlers of routers (Hono, Express): each runs behind the middleware that was registered in front of it.
//!
//! A router hears of a handler's failure itself; no middleware catches it. So a handler goes on from the paths on which the
//! middleware hands on, and middleware that many routes share is run once for all of them that it cannot tell apart.

use std::rc::Rc;

use crate::graph::ModuleId;
use crate::routes::{Layer, Route, RouteKind};
use crate::rule::Calling;
use crate::syntax::{Expr, ExprId};

use super::call::{Use, turns_away};
use super::evaluator::Evaluator;
use super::facts::Fact;
use super::record::{Event, Failure};
use super::state::{Flow, Outcomes, State, value};
use super::steps::{Registered, passed_on};
use super::target::Target;
use super::value::{Bits, Chain, Native, Provenance, ResponseKind, Scope, Value};

/// A function that was registered with a router.
struct Function {
    module: ModuleId,
    expr: ExprId,
    /// Which of those that the expression stands for.
    at: usize,
    value: Value,
    /// The request as the router shows it to this one.
    target: Target,
}

/// What is the same for all middleware of a route.
struct Router {
    home: ModuleId,
    calling: Calling,
    /// It answers what functions throw.
    catches: bool,
    /// It answers what asynchronous functions throw too.
    awaits: bool,
}

impl Evaluator<'_> {
    /// Runs the handler of a route behind its middleware.
    pub(super) fn run_layers(&mut self, route: &Route, layers: &[Layer]) -> Outcomes {
        let (target, arriving) = (self.target.unasked(), self.arriving);
        let mut functions = Vec::with_capacity(layers.len());
        let mut secrets = Vec::new();
        for layer in layers.iter().filter(|layer| !layer.handles_errors) {
            let values = self.registered(layer.module, layer.expr);
            if self.is_template(layer) {
                let known = values.first().map(Value::provenance).unwrap_or_default();
                if known.bits.has(Bits::SECRET) {
                    secrets.push((layer, known));
                }
                continue;
            }
            let target = target.below(route.url.as_deref(), layer.mounted);
            functions.extend(values.iter().enumerate().map(|(at, value)| Function {
                module: layer.module,
                expr: layer.expr,
                at,
                value: value.clone(),
                target: target.clone(),
            }));
        }
        let hono = route.kind == RouteKind::Hono;
        let router = Router {
            home: route.module,
            calling: if hono {
                Calling::ContextNext
            } else {
                Calling::RequestResponseNext
            },
            // Hono answers 500 for whatever a handler throws.
            catches: hono || layers.iter().any(|layer| layer.handles_errors),
            awaits: hono || layers.iter().all(|layer| layer.awaits),
        };
        let handler = functions.pop();
        let mut last = None;
        for function in &functions {
            last = Some(self.registered_step(last, function, &router));
        }
        let shown = handler.as_ref().map_or(&target, |handler| &handler.target);
        self.reset(Some(route.module), shown.unasked());
        self.arriving = arriving;
        let Some(Function {
            module,
            expr,
            value: handler,
            ..
        }) = handler
        else {
            return value(State::new(Scope::module(route.module)), Value::unknown());
        };
        let mut outcomes = Outcomes::new();
        let arrivals = match last {
            Some(last) => {
                for step in self.steps.up_to(last) {
                    let step = self.steps.get(step);
                    self.exhausted |= step.exhausted;
                    outcomes.extend(step.away.iter().cloned());
                    // Whom middleware knows that lets everybody go on, the handler knows if it asks; and what such a one asks
                    // of the input, to log it or not, checks nothing.
                    let asks = turns_away(&step.away);
                    // Of what only a package or a place out of sight can say, no failure is the handler's.
                    let is_foreign = matches!(step.kept, Value::Unknown(..) | Value::External(_));
                    for (event, place) in &step.events {
                        let passing = matches!(
                            event,
                            Event::Identity | Event::ManualCheck(_) | Event::InputChooses
                        );
                        let foreign = is_foreign && matches!(event, Event::Work { .. });
                        if (asks || !passing) && !foreign {
                            self.record.add(event.clone(), *place);
                        }
                    }
                    let work = step.work.clone();
                    self.meet_work(work.as_ref());
                }
                let last = self.steps.get(last);
                self.kept.clone_from(&last.context);
                last.arrivals.clone()
            }
            None => value(State::new(Scope::module(module)), Value::Undefined),
        };
        // What stands there was not found, whatever was done in front of it.
        let is_unseen = matches!(handler, Value::Unknown(..)) || handler.is_nullish();
        if is_unseen {
            let place = self.place(&State::new(Scope::module(module)), expr);
            self.event(Event::Unseen, place);
            self.exhausted = true;
        }
        let args = self.arguments_of(route);
        let chain = Chain {
            catches: self.answers_failures_of(&handler, &router),
            handler: Some(handler),
            calling: router.calling,
            ..Chain::default()
        };
        let handler = Value::Native(Rc::new(Native::Composed(Rc::new(chain))));
        for (state, _) in arrivals {
            let mut state = state.in_scope(&Scope::module(module));
            for (layer, secret) in &secrets {
                let away;
                (state, away) = self.knows_address(layer, secret.clone(), state);
                outcomes.push(away);
            }
            state.blind |= is_unseen;
            outcomes.extend(self.call(&handler, None, args.clone(), state, expr, Use::Awaited));
        }
        outcomes
    }

    /// The layer is no function but the address at which the others are found.
    fn is_template(&self, layer: &Layer) -> bool {
        matches!(
            self.module(layer.module).expr(layer.expr),
            Expr::Template { .. }
        )
    }

    /// Whoever knows the secret in the address goes on, and nobody else finds anything there.
    fn knows_address(
        &mut self,
        layer: &Layer,
        mut secret: Provenance,
        state: State,
    ) -> (State, (State, Flow)) {
        secret.bits = secret.bits.with(Bits::CREDENTIAL).with(Bits::COMPARED);
        let site = self.site(layer.module, layer.expr);
        let known = state.clone().with_fact(site, true, secret.clone());
        let unknown = state.with_fact(site, false, secret.clone());
        let nothing = self.response(Some(404), ResponseKind::Body, secret);
        (known, (unknown, Err(nothing)))
    }

    /// The router answers what this function throws.
    fn answers_failures_of(&self, function: &Value, router: &Router) -> bool {
        let is_async =
            matches!(function, Value::Function(closure) if self.function(closure).is_async);
        router.catches && (router.awaits || !is_async)
    }

    /// The functions that an expression registers with a router: arrays of them are middleware one after another.
    fn registered(&mut self, module: ModuleId, expr: ExprId) -> Rc<[Value]> {
        if let Some(known) = self.steps.registered.get(&(module, expr)) {
            return Rc::clone(known);
        }
        let mut values = Vec::new();
        flatten(&self.expr_aside(module, expr), &mut values);
        let values: Rc<[Value]> = values.into();
        self.steps
            .registered
            .insert((module, expr), Rc::clone(&values));
        values
    }

    /// A middleware behind a step, up to the point at which it hands on.
    fn registered_step(
        &mut self,
        before: Option<usize>,
        function: &Function,
        router: &Router,
    ) -> usize {
        let written_in = match &function.value {
            Value::Function(closure) => closure.module,
            _ => function.module,
        };
        let belongs = router.home == function.module || router.home == written_in;
        let registered = Registered {
            before,
            module: function.module,
            expr: function.expr,
            at: function.at,
            home: belongs.then_some(router.home),
            catches: router.catches,
        };
        if let Some(known) = self.steps.known_registered(&registered, &function.target) {
            return known;
        }
        self.reset(registered.home, function.target.unasked());
        let scope = Scope::module(function.module);
        let arrivals = match before {
            Some(before) => {
                let before = self.steps.get(before);
                self.kept.clone_from(&before.context);
                before.arrivals.clone()
            }
            None => value(State::new(Rc::clone(&scope)), Value::Undefined),
        };
        let args = match router.calling {
            Calling::RequestResponseNext => vec![self.request(), self.response_object()],
            _ => vec![self.context()],
        };
        let chain = Rc::new(Chain {
            layers: Rc::new(vec![function.value.clone()]),
            handler: Some(Value::Native(Rc::new(Native::Arrive {
                options: Value::Undefined,
                kind: None,
            }))),
            calling: router.calling,
            args,
            ..Chain::default()
        });
        if router.catches {
            self.protection.push(Failure::Answered);
        }
        let first = arrivals.first().cloned();
        let decided: Vec<Fact> = facts_of(&arrivals).cloned().collect();
        let mut gone = Outcomes::new();
        for (state, _) in arrivals {
            let state = state.in_scope(&scope);
            self.stepping = Some(self.arrivals.len());
            let outcomes = self.run_chain(&chain, state, function.expr);
            gone.extend(outcomes.into_iter().filter(|(state, _)| !passed_on(state)));
        }
        self.stepping = None;
        let mut arrivals = self.handed_on();
        // One that could be read and never hands on answers by itself.
        let answers = matches!(function.value, Value::Function(_)) && !self.exhausted;
        if arrivals.is_empty() && !answers {
            gone.clear();
            arrivals.extend(first.map(|(mut state, flow)| {
                state.blind = true;
                (state, flow)
            }));
        }
        if !turns_away(&gone) {
            // Whom it knows on some ways it turned away on none: only what is asked behind it counts.
            let mut known: Vec<Fact> = facts_of(&arrivals).cloned().collect();
            known.retain(|fact| !fact.limits() && !decided.iter().any(|before| before.is(fact)));
            for (state, _) in &mut arrivals {
                state.forget(&known);
            }
        }
        // Nobody behind it sees its variables.
        for (state, _) in arrivals.iter_mut().chain(&mut gone) {
            state.scope = Rc::clone(&scope);
        }
        let mut step = self.step(before, arrivals, gone);
        step.kept = function.value.clone();
        let difference = function.target.difference(self.target.asked());
        self.steps.add_registered(registered, difference, step)
    }
}

/// The functions that a value stands for.
fn flatten(value: &Value, functions: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, functions)),
        other => functions.push(other.clone()),
    }
}

/// What the paths have decided.
fn facts_of(paths: &Outcomes) -> impl Iterator<Item = &Fact> {
    paths.iter().flat_map(|(state, _)| state.possible.iter())
}
