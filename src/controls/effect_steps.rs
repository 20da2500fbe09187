//! What running an effect comes to, step by step, and what becomes of failures.

use std::rc::Rc;

use smallvec::smallvec;

use crate::graph::ModuleId;
use crate::rule::EffectStep;
use crate::syntax::ExprId;

use super::call::Use;
use super::effects::{ANSWERED_WITH, Effect, TAG, effect_of, made};
use super::evaluator::Evaluator;
use super::expression::deciding;
use super::merge::merge_outcomes;
use super::record::{Event, Failure, Place};
use super::state::{Outcomes, State, value};
use super::value::{
    Bits, ClassValue, External, Native, Object, Presence, Provenance, ResponseKind, Value,
};

impl Evaluator<'_> {
    pub(super) fn run_effect(&mut self, effect: &Effect, state: State) -> Outcomes {
        let id = effect.at.1;
        let place = Place {
            module: effect.at.0,
            span: self.span_of(effect.at),
        };
        let first = effect.args.first();
        match effect.step {
            EffectStep::Run => self.run_function(effect, state),
            EffectStep::Succeed => value(state, first.cloned().unwrap_or(Value::Undefined)),
            EffectStep::Fail => {
                let error = first.cloned().unwrap_or(Value::Undefined);
                let error = failure_in(error);
                let error = self.failure_of(&error).unwrap_or(error);
                smallvec![(state, Err(error))]
            }
            EffectStep::Present => {
                let v = first.cloned().unwrap_or(Value::Undefined);
                let tag = match effect.args.get(1) {
                    Some(Value::String(tag)) => Some(Rc::clone(tag)),
                    _ => None,
                };
                self.present(&v, tag.as_deref(), effect.at, state)
            }
            EffectStep::Give => match first {
                Some(Value::String(part)) => {
                    let part = Rc::clone(part);
                    self.part_of_request(&part, state, place)
                }
                _ => value(state, Value::unknown()),
            },
            EffectStep::Parse => self.parsed(effect, state, place),
            EffectStep::All => {
                let list: &[Value] = match first {
                    Some(Value::Array(items)) => items,
                    Some(one) => std::slice::from_ref(one),
                    None => &[],
                };
                let mut paths: Vec<(State, Vec<Value>)> = vec![(state, Vec::new())];
                let mut failed = Outcomes::new();
                for item in list {
                    let mut next = Vec::new();
                    for (state, done) in paths {
                        for (state, flow) in self.perform(item, state, id) {
                            match flow {
                                Ok(v) => {
                                    let mut done = done.clone();
                                    done.push(v);
                                    next.push((state, done));
                                }
                                Err(error) => failed.push((state, Err(error))),
                            }
                        }
                    }
                    paths = super::merge::squeeze(next, |a, b| {
                        a.iter().zip(b).map(|(x, y)| x.join(y)).collect()
                    });
                }
                let is_list = matches!(first, Some(Value::Array(_)));
                failed.extend(paths.into_iter().map(|(state, done)| {
                    let v = if is_list {
                        Value::Array(Rc::new(done))
                    } else {
                        Value::Unknown(Value::Array(Rc::new(done)).provenance(), Presence::Truthy)
                    };
                    (state, Ok(v))
                }));
                merge_outcomes(failed)
            }
            EffectStep::Same => self.subject(effect, state),
            EffectStep::Flatten => {
                let outcomes = self.subject(effect, state);
                self.onward(outcomes, |this, state, v| this.perform(&v, state, id))
            }
            EffectStep::Then | EffectStep::Map | EffectStep::Tap => {
                let outcomes = self.subject(effect, state);
                self.onward(outcomes, |this, state, v| {
                    let next = effect.args.first().unwrap_or(&Value::Undefined);
                    match effect.step {
                        EffectStep::Map => this.call_if_function(next, v, state, id),
                        EffectStep::Tap => this
                            .applied(next, v.clone(), state, id)
                            .into_iter()
                            .map(|(state, flow)| (state, flow.map(|_| v.clone())))
                            .collect(),
                        _ => this.applied(next, v, state, id),
                    }
                })
            }
            EffectStep::Recover => self.recovered(effect, state),
            EffectStep::RecoverSome => self.recovered_some(effect, state),
            EffectStep::TapFailure => {
                if let Some(function) = first {
                    self.catching += 1;
                    let failure = vec![unforeseen()];
                    let outcomes =
                        self.call(function, None, failure, state.clone(), id, Use::Awaited);
                    let _ = self.yielded(outcomes, id);
                    self.catching -= 1;
                }
                self.subject(effect, state)
            }
            EffectStep::Both => {
                let outcomes = self.subject(effect, state);
                let mut all = Outcomes::new();
                for (mut state, flow) in outcomes {
                    let (function, v) = match flow {
                        Ok(v) => (effect.args.get(1), v),
                        Err(error) => {
                            state.failed |= !effect.pure;
                            (first, error)
                        }
                    };
                    let function = function.unwrap_or(&Value::Undefined);
                    let outcomes = self.call_if_function(function, v, state, id);
                    all.extend(if effect.now {
                        outcomes
                    } else {
                        self.onward(outcomes, |this, state, v| this.perform_known(&v, state, id))
                    });
                }
                merge_outcomes(all)
            }
            EffectStep::Settle | EffectStep::Optional => {
                self.protection.push(Failure::Swallowed);
                let outcomes = self.subject(effect, state);
                self.protection.pop();
                let optional = effect.step == EffectStep::Optional;
                let mut all = Outcomes::new();
                for (state, flow) in outcomes {
                    match (optional, flow) {
                        // An optional effect: it is run where it is there.
                        (true, Ok(v)) => {
                            for (state, flow) in self.perform_known(&v, state, id) {
                                let settled =
                                    |v| self.settled_as(EffectStep::Present, vec![v], effect.at);
                                all.push((state, flow.map(settled)));
                            }
                        }
                        (true, Err(error)) => {
                            let tag = self.tag_of(&error).map(Value::String);
                            let none = std::iter::once(Value::Null).chain(tag).collect();
                            let none = self.settled_as(EffectStep::Present, none, effect.at);
                            all.push((state, Ok(none)));
                        }
                        (false, Ok(v)) => {
                            let v = self.settled_as(EffectStep::Succeed, vec![v], effect.at);
                            all.push((state, Ok(v)));
                        }
                        (false, Err(error)) => {
                            let v = self.settled_as(EffectStep::Fail, vec![error], effect.at);
                            all.push((state, Ok(v)));
                        }
                    }
                }
                merge_outcomes(all)
            }
            EffectStep::Succeeded | EffectStep::Failed => {
                let holds = effect.step == EffectStep::Succeeded;
                match &effect.subject {
                    Some(v) if effect_of(v).is_some() => self
                        .subject(effect, state)
                        .into_iter()
                        .map(|(state, flow)| (state, Ok(Value::Bool(flow.is_ok() == holds))))
                        .collect(),
                    other => {
                        let other = other.as_ref().map(Value::provenance);
                        let mut provenance = other.unwrap_or_default();
                        if !holds {
                            provenance.bits = Bits(provenance.bits.0 ^ Bits::NEGATED.0);
                        }
                        value(state, Value::Unknown(provenance, Presence::Maybe))
                    }
                }
            }
            EffectStep::Function
            | EffectStep::Pipe
            | EffectStep::Perform
            | EffectStep::PerformSettled
            | EffectStep::Service
            | EffectStep::Failures => value(state, Value::unknown()),
        }
    }

    fn span_of(&self, (module, expr): (ModuleId, ExprId)) -> crate::source::Span {
        let spans = &self.module(module).spans;
        spans.get(expr.0 as usize).copied().unwrap_or_default()
    }

    fn settled_as(&self, step: EffectStep, args: Vec<Value>, at: (ModuleId, ExprId)) -> Value {
        made(Effect {
            pure: true,
            ..Effect::new(step, args, at)
        })
    }

    /// Runs what an effect goes on from.
    fn subject(&mut self, effect: &Effect, state: State) -> Outcomes {
        match &effect.subject {
            Some(
                v @ (Value::Unknown(..) | Value::External(_) | Value::Null | Value::Undefined),
            ) if effect.pure => self.present(v, None, effect.at, state),
            Some(v) => self.perform(v, state, effect.at.1),
            None => value(state, Value::Undefined),
        }
    }

    /// Two paths: the value is there, or it is nothing.
    fn present(
        &mut self,
        v: &Value,
        tag: Option<&str>,
        at: (ModuleId, ExprId),
        state: State,
    ) -> Outcomes {
        if v.is_nullish() {
            return smallvec![(state, Err(nothing(tag)))];
        }
        let open = match v {
            Value::Unknown(_, presence) => *presence == Presence::Maybe,
            Value::External(external) => !self.is_static(external),
            _ => false,
        };
        if !open {
            return value(state, v.clone());
        }
        let provenance = v.provenance();
        let there = match v {
            Value::Unknown(provenance, _) => Value::Unknown(provenance.clone(), Presence::Truthy),
            v => v.clone(),
        };
        let (mut yes, mut no) = (state.clone(), state);
        if deciding(&yes, provenance.bits) {
            let site = self.site(at.0, at.1);
            yes = yes.with_fact(site, true, provenance.clone());
            no = no.with_fact(site, false, provenance);
        }
        smallvec![(yes, Ok(there)), (no, Err(nothing(tag)))]
    }

    /// A part of the request: a member, or a call of one.
    pub(super) fn part_of_request(&mut self, part: &str, state: State, place: Place) -> Outcomes {
        let request = self.request();
        if part.is_empty() {
            return value(state, request);
        }
        let (name, called) = match part.strip_suffix("()") {
            Some(name) => (name, true),
            None => (part, false),
        };
        match self.member(&request, name, Some(place)) {
            Value::External(external) if called => {
                self.call_request(&external, Vec::new(), state, place)
            }
            v => value(state, v),
        }
    }

    fn parsed(&mut self, effect: &Effect, state: State, place: Place) -> Outcomes {
        let part = match effect.args.first() {
            Some(Value::String(part)) if !part.is_empty() => Some(Rc::clone(part)),
            _ => None,
        };
        let tag = match effect.args.get(1) {
            Some(Value::String(tag)) if !tag.is_empty() => Some(Rc::clone(tag)),
            _ => None,
        };
        let inputs = match part {
            Some(part) => self.part_of_request(&part, state, place),
            None => value(
                state,
                effect.args.get(2).cloned().unwrap_or_else(Value::unknown),
            ),
        };
        self.onward(inputs, |this, state, input| {
            let mut provenance = input.provenance();
            if let Some(sent) = super::meaning::checked(provenance.bits) {
                this.event(Event::Schema(sent), place);
            }
            provenance.bits = provenance.bits.parsed();
            let parsed = match input {
                // Of headers, each is still what it was.
                Value::External(_) => input,
                _ => Value::Unknown(provenance, Presence::Truthy),
            };
            let failure = nothing(tag.as_deref());
            smallvec![(state.clone(), Ok(parsed)), (state, Err(failure))]
        })
    }

    /// Runs the function of an effect.
    fn run_function(&mut self, effect: &Effect, state: State) -> Outcomes {
        let id = effect.at.1;
        let function = effect.args.first().cloned().unwrap_or(Value::Undefined);
        let catch = effect.args.get(1).cloned();
        let given = if effect.given.is_empty() {
            vec![Value::unknown()]
        } else {
            effect.given.clone()
        };
        let outcomes = self.call_function(&function, given, state, id);
        let is_generator = match &function {
            Value::Function(closure) => self.function(closure).is_generator,
            _ => false,
        };
        let mut all = Outcomes::new();
        for (state, flow) in outcomes {
            match (flow, &catch) {
                (Ok(v), _) if !is_generator => all.extend(self.perform_known(&v, state, id)),
                (Err(error), Some(catch)) => {
                    for (state, flow) in
                        self.call(catch, None, vec![error], state, id, Use::Awaited)
                    {
                        let (Ok(error) | Err(error)) = flow;
                        all.push((state, Err(failure_in(error))));
                    }
                }
                (flow, _) => all.push((state, flow)),
            }
        }
        merge_outcomes(all)
    }

    fn call_function(
        &mut self,
        function: &Value,
        args: Vec<Value>,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        let outcomes = self.call(function, None, args, state, id, Use::Awaited);
        outcomes
            .into_iter()
            .map(|(state, flow)| (state, flow.map(Value::settled)))
            .collect()
    }

    /// What a function makes of a value; what is no function stands for what it would give.
    fn call_if_function(&mut self, next: &Value, v: Value, state: State, id: ExprId) -> Outcomes {
        let calls = match next {
            Value::Function(_) => true,
            Value::Native(native) => !matches!(**native, Native::Effect(_)),
            Value::External(external) => !self.paths.text(external.path).ends_with("()"),
            Value::Choice(options) => options
                .iter()
                .any(|option| matches!(option, Value::Function(_))),
            _ => false,
        };
        if calls {
            self.call_function(next, vec![v], state, id)
        } else {
            value(state, next.clone())
        }
    }

    /// The same, and what that gives is run.
    pub(super) fn applied(&mut self, next: &Value, v: Value, state: State, id: ExprId) -> Outcomes {
        let outcomes = self.call_if_function(next, v, state, id);
        self.onward(outcomes, |this, state, v| this.perform_known(&v, state, id))
    }

    /// Runs what is known to be something that runs.
    fn perform_known(&mut self, v: &Value, state: State, id: ExprId) -> Outcomes {
        if self.can_run(v) {
            self.perform(v, state, id)
        } else {
            value(state, v.clone())
        }
    }

    fn recovered(&mut self, effect: &Effect, state: State) -> Outcomes {
        let id = effect.at.1;
        let function = effect.args.first().cloned().unwrap_or(Value::Undefined);
        let mut becomes = Failure::Swallowed;
        if !effect.pure {
            // What it does with a failure that nobody foresaw.
            self.catching += 1;
            let outcomes = self.rationed((1, 4), |this| {
                this.applied(&function, unforeseen(), state.clone(), id)
            });
            self.catching -= 1;
            becomes = match outcomes.last() {
                Some((_, Err(Value::Response(_)))) => Failure::Answered,
                Some((_, Err(_))) => Failure::Escapes,
                Some((_, Ok(v @ Value::Response(_)))) if self.answers_failure(v) => {
                    Failure::Answered
                }
                Some((_, Ok(v))) if super::ending::reports_failure(v) => Failure::Answered,
                _ => Failure::Swallowed,
            };
        }
        self.protection.push(becomes);
        let outcomes = self.subject(effect, state);
        self.protection.pop();
        let mut all = Outcomes::new();
        for (mut state, flow) in outcomes {
            match flow {
                Err(error) => {
                    state.failed |= !effect.pure;
                    let outcomes = self.call_if_function(&function, error, state, id);
                    all.extend(if effect.now {
                        outcomes
                    } else {
                        self.onward(outcomes, |this, state, v| this.perform_known(&v, state, id))
                    });
                }
                flow => all.push((state, flow)),
            }
        }
        merge_outcomes(all)
    }

    /// `catchTag("Missing", f)`, `catchTags({ Missing: f })`, `catchIf(condition, f)`
    fn recovered_some(&mut self, effect: &Effect, state: State) -> Outcomes {
        let id = effect.at.1;
        let mut all = Outcomes::new();
        for (mut state, flow) in self.subject(effect, state) {
            let error = match flow {
                Err(error) => error,
                flow => {
                    all.push((state, flow));
                    continue;
                }
            };
            let tag = self.tag_of(&error);
            let mut wanted: Vec<(Option<bool>, Value)> = Vec::new();
            match (effect.args.first(), effect.args.last()) {
                (Some(Value::Object(table)), Some(Value::Object(_))) => {
                    for (name, function) in &table.fields {
                        let is = tag.as_ref().map(|tag| *tag == *name);
                        wanted.push((is, function.clone()));
                    }
                }
                (Some(Value::String(name)), Some(function)) if effect.args.len() > 1 => {
                    let is = tag.as_ref().map(|tag| *tag == *name);
                    wanted.push((is, function.clone()));
                }
                (Some(_), Some(function)) => wanted.push((None, function.clone())),
                _ => {}
            }
            if wanted.iter().all(|(is, _)| *is != Some(true)) {
                all.push((state.clone(), Err(error.clone())));
            }
            state.failed = true;
            for (is, function) in wanted {
                if is != Some(false) {
                    all.extend(self.applied(&function, error.clone(), state.clone(), id));
                }
            }
        }
        merge_outcomes(all)
    }

    // --- failures ----------------------------------------------------------------------------------------------

    /// What makes a class one of failures: the call of a package that it extends.
    fn failure_base(&mut self, class: &Rc<ClassValue>) -> Option<Rc<External>> {
        let mut current = Rc::clone(class);
        for _ in 0..8 {
            match self.superclass(&current)? {
                Value::Class(parent) => current = parent,
                Value::External(base) => {
                    let shape = self.shape_of(base.receiver.as_ref()?)?;
                    return (shape.step == EffectStep::Failures).then_some(base);
                }
                _ => return None,
            }
        }
        None
    }

    /// The name by which failures are told apart.
    fn tag_of(&mut self, error: &Value) -> Option<Rc<str>> {
        let Value::Object(object) = error else {
            return None;
        };
        if let Some(Value::String(tag)) = object.get(TAG) {
            return Some(Rc::clone(tag));
        }
        let base = self.failure_base(object.class.as_ref()?)?;
        base.args.iter().find_map(|arg| match arg {
            Value::String(tag) => Some(Rc::clone(tag)),
            _ => None,
        })
    }

    /// The failure that an instance of a class of failures is, with the status with which servers answer it.
    pub(super) fn failure_of(&mut self, v: &Value) -> Option<Value> {
        let Value::Object(object) = v else {
            return None;
        };
        let base = self.failure_base(object.class.as_ref()?)?;
        let Some(status) = status_in(&base.args, 3) else {
            return Some(v.clone());
        };
        let mut failure = Object::clone(object);
        failure.set(Rc::from(ANSWERED_WITH), Value::Number(f64::from(status)));
        Some(Value::Object(Rc::new(failure)))
    }

    /// What a failure that reaches a server becomes: an answer with the status that its class is given.
    pub(super) fn answered_failure(&self, error: Value) -> Value {
        match &error {
            Value::Object(object) => match object.get(ANSWERED_WITH) {
                Some(Value::Number(status)) => {
                    self.response(Some(*status as u16), ResponseKind::Body, error.provenance())
                }
                _ => error,
            },
            _ => error,
        }
    }
}

/// `Effect.fail(new Unauthorized())`: what the one fails with, the other does.
fn failure_in(error: Value) -> Value {
    match effect_of(&error) {
        Some(effect) if effect.step == EffectStep::Fail => {
            effect.args.first().cloned().unwrap_or(Value::Undefined)
        }
        _ => error,
    }
}

/// The failure of finding nothing.
pub(super) fn nothing(tag: Option<&str>) -> Value {
    let mut failure = Object {
        open: Some(Provenance::default()),
        ..Object::default()
    };
    if let Some(tag) = tag {
        failure.set(Rc::from(TAG), Value::text(tag));
    }
    Value::Object(Rc::new(failure))
}

/// A failure that nobody foresaw.
fn unforeseen() -> Value {
    nothing(None)
}

/// The status that is given to a class of failures, in the call that makes it.
fn status_in(args: &[Value], depth: u8) -> Option<u16> {
    args.iter().find_map(|arg| match arg {
        Value::Object(object) => match object.get("status") {
            Some(Value::Number(status)) => Some(*status as u16),
            _ => None,
        },
        Value::External(external) if depth > 0 => status_in(&external.args, depth - 1),
        _ => None,
    })
}
