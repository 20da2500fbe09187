//! Effects: values that describe work which is done when somebody runs them. What makes, changes and runs them is data
//! (`is = "effect"`); here is what running one comes to.

use std::rc::Rc;

use smallvec::smallvec;

use crate::graph::ModuleId;
use crate::rule::{Api, EffectShape, EffectStep, Meaning};
use crate::syntax::{ClassId, ExprId};

use super::call::Use;
use super::effect_steps::nothing;
use super::evaluator::Evaluator;
use super::merge::merge_outcomes;
use super::state::{Flow, Outcomes, State, value};
use super::value::{ClassValue, External, Native, Object, Presence, Provenance, Scope, Value};

/// Effects that go on from one another further than this come to anything.
const MOST_STEPS: u16 = 64;

/// The field by which a failure tells its status.
pub(super) const ANSWERED_WITH: &str = "status";
/// The field by which a failure tells its name.
pub(super) const TAG: &str = "_tag";

/// A description of work.
#[derive(Debug)]
pub(super) struct Effect {
    pub step: EffectStep,
    /// What it goes on from.
    pub subject: Option<Value>,
    pub args: Vec<Value>,
    /// The arguments of the function that it calls.
    pub given: Vec<Value>,
    pub pure: bool,
    pub now: bool,
    /// Where it was made.
    pub at: (ModuleId, ExprId),
    pub depth: u16,
}

impl Effect {
    /// One that goes on from nothing.
    pub fn new(step: EffectStep, args: Vec<Value>, at: (ModuleId, ExprId)) -> Self {
        Self {
            step,
            subject: None,
            args,
            given: Vec::new(),
            pure: false,
            now: false,
            at,
            depth: 0,
        }
    }

    /// What it may come to, as far as that can be told without running it.
    pub fn held(&self) -> Option<&Value> {
        match self.step {
            EffectStep::Succeed | EffectStep::Present => self.args.first(),
            _ => None,
        }
    }

    /// The effect that it is by another name.
    pub fn same_as(&self) -> Option<&Value> {
        self.subject
            .as_ref()
            .filter(|_| self.step == EffectStep::Same)
    }

    /// Where it was made.
    pub fn module(&self) -> ModuleId {
        self.at.0
    }

    /// The values that it is made of.
    pub fn parts(&self) -> impl Iterator<Item = &Value> {
        self.subject.iter().chain(&self.args)
    }
}

/// A function that still waits for the effect from which it goes on.
#[derive(Debug)]
pub(super) struct Awaiting {
    step: EffectStep,
    args: Vec<Value>,
    pure: bool,
    now: bool,
    at: (ModuleId, ExprId),
}

impl Awaiting {
    /// It changes nothing of what the effect comes to.
    pub fn changes_nothing(&self) -> bool {
        self.step == EffectStep::Same
    }
}

/// An effect, when the value is one.
pub(super) fn effect_of(v: &Value) -> Option<&Effect> {
    match v {
        Value::Native(native) => match &**native {
            Native::Effect(effect) => Some(effect),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn made(effect: Effect) -> Value {
    if effect.depth > MOST_STEPS {
        return Value::unknown();
    }
    Value::Native(Rc::new(Native::Effect(Box::new(effect))))
}

impl EffectStep {
    /// It goes on from another effect.
    fn goes_on(self) -> bool {
        !matches!(
            self,
            Self::Run
                | Self::Succeed
                | Self::Fail
                | Self::Present
                | Self::Give
                | Self::Parse
                | Self::All
                | Self::Function
                | Self::Pipe
                | Self::Perform
                | Self::PerformSettled
                | Self::Service
                | Self::Failures
        )
    }
}

impl<'a> Evaluator<'a> {
    /// Calls a function that makes, changes or runs effects.
    pub(super) fn effect_function(
        &mut self,
        api: &'a Api,
        external: &Rc<External>,
        mut args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        let Some(shape) = &api.effect else {
            return value(state, Value::unknown());
        };
        let at = (state.scope.module, id);
        match shape.step {
            EffectStep::Pipe => {
                let receiver = external.receiver.as_ref().filter(|_| shape.takes == 0);
                let first = match receiver {
                    Some(receiver) => Value::External(Rc::clone(receiver)),
                    None if args.is_empty() => return value(state, Value::Undefined),
                    None => args.remove(0),
                };
                return self.piped(first, args, state, id, used);
            }
            EffectStep::Perform | EffectStep::PerformSettled => {
                let Some(effect) = args.first() else {
                    return value(state, Value::unknown());
                };
                if used == Use::Detached {
                    self.run_aside(&args[..1], &state, id);
                    return value(state, Value::Undefined);
                }
                let settles = shape.step == EffectStep::PerformSettled;
                let outcomes = self.run_from_outside(effect, state, id, settles);
                return outcomes;
            }
            EffectStep::Service | EffectStep::Failures => {
                let v = self.kept_value(external, args, Provenance::default());
                return value(state, v);
            }
            EffectStep::Function => {
                let Some(first) = args
                    .iter()
                    .position(|arg| matches!(arg, Value::Function(_)))
                else {
                    // `fn("name")`: the function comes with the next call.
                    let v = self.kept_value(external, args, Provenance::default());
                    return value(state, v);
                };
                let awaiting = Awaiting {
                    step: EffectStep::Function,
                    args: args.split_off(first),
                    pure: false,
                    now: false,
                    at,
                };
                let v = Value::Native(Rc::new(Native::Awaiting(Box::new(awaiting))));
                return value(state, v);
            }
            step if step.goes_on() => {
                let takes = shape.takes;
                let known = args.first().is_some_and(|v| effect_of(v).is_some());
                let first = args.len() > takes && !matches!(args.first(), Some(Value::String(_)));
                if takes == 0 && args.is_empty() {
                    return value(state, Value::unknown());
                }
                if first || known && args.len() > 1 {
                    let subject = args.remove(0);
                    let args = functions(shape, args);
                    return self.going_on(step, subject, args, (shape.pure, shape.now), at, state);
                }
                let awaiting = Awaiting {
                    step,
                    args: functions(shape, args),
                    pure: shape.pure,
                    now: shape.now,
                    at,
                };
                let v = Value::Native(Rc::new(Native::Awaiting(Box::new(awaiting))));
                return value(state, v);
            }
            _ => {}
        }
        let args = match shape.step {
            EffectStep::Fail => match (api.status, args.into_iter().next()) {
                (Some(status), _) => {
                    let text = self.paths.text(external.path);
                    let name = text.rsplit(['.', '#']).next().unwrap_or_default();
                    let mut failure = Object::default();
                    failure.set(
                        Rc::from(TAG),
                        Value::text(name.trim_end_matches(['!', '(', ')'])),
                    );
                    failure.set(Rc::from(ANSWERED_WITH), Value::Number(f64::from(status)));
                    vec![Value::Object(Rc::new(failure))]
                }
                (None, error) => vec![error.unwrap_or(Value::Undefined)],
            },
            EffectStep::Present => {
                let given = args.into_iter().next().unwrap_or(Value::Undefined);
                let tag = shape.tag.as_deref().map(Value::text);
                std::iter::once(given).chain(tag).collect()
            }
            EffectStep::Give | EffectStep::Parse => {
                let tag = shape.tag.as_deref().unwrap_or_default();
                let part = [Value::text(&shape.gives), Value::text(tag)];
                part.into_iter().chain(args).collect()
            }
            EffectStep::Run => functions(shape, args),
            _ => args,
        };
        value(state, made(Effect::new(shape.step, args, at)))
    }

    /// Calls a function that waited for the effect from which it goes on.
    pub(super) fn awaited_effect(
        &mut self,
        awaiting: &Awaiting,
        args: Vec<Value>,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        if awaiting.step == EffectStep::Function {
            let function = awaiting.args.iter().take(1).cloned().collect();
            let effect = Effect {
                given: args,
                ..Effect::new(EffectStep::Run, function, awaiting.at)
            };
            let more = awaiting.args.iter().skip(1).cloned().collect();
            return self.piped(made(effect), more, state, id, Use::Plain);
        }
        let subject = args.into_iter().next().unwrap_or(Value::Undefined);
        let how = (awaiting.pure, awaiting.now);
        self.going_on(
            awaiting.step,
            subject,
            awaiting.args.clone(),
            how,
            awaiting.at,
            state,
        )
    }

    /// An effect that goes on from another one; done at once where nothing has to be waited for.
    fn going_on(
        &mut self,
        step: EffectStep,
        subject: Value,
        args: Vec<Value>,
        (pure, now): (bool, bool),
        at: (ModuleId, ExprId),
        state: State,
    ) -> Outcomes {
        let effect = Effect {
            depth: effect_of(&subject).map_or(0, |effect| effect.depth + 1),
            subject: Some(subject),
            pure,
            now,
            ..Effect::new(step, args, at)
        };
        if now {
            return self.run_effect(&effect, state);
        }
        value(state, made(effect))
    }

    /// `x.pipe(f, g)`, with effects in it.
    pub(super) fn pipes(&self, receiver: &Value, args: &[Value]) -> bool {
        let changes = |arg: &Value| match arg {
            Value::Native(native) => matches!(**native, Native::Awaiting(_)),
            Value::External(external) => self.is_effect_function(external),
            _ => false,
        };
        effect_of(receiver).is_some() || args.iter().any(changes)
    }

    fn is_effect_function(&self, external: &External) -> bool {
        let api = self.paths.known(external.path).api;
        api.is_some_and(|api| api.is == Meaning::Effect)
    }

    /// Applies functions to a value, each to what the one before gave.
    pub(super) fn piped(
        &mut self,
        first: Value,
        functions: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        let mut outcomes = value(state, first);
        let count = functions.len();
        for (at, function) in functions.into_iter().enumerate() {
            let used = if at + 1 == count { used } else { Use::Plain };
            outcomes = self.onward(outcomes, |this, state, v| {
                this.call(&function, None, vec![v], state, id, used)
            });
        }
        outcomes
    }

    /// Goes on with each value, none of which takes from those behind it; what was thrown goes through.
    pub(super) fn onward(
        &mut self,
        outcomes: Outcomes,
        mut next: impl FnMut(&mut Self, State, Value) -> Outcomes,
    ) -> Outcomes {
        let mut all = Outcomes::new();
        let mut ways = outcomes.iter().filter(|(_, flow)| flow.is_ok()).count() as u32;
        for (state, flow) in outcomes {
            match flow {
                Ok(v) => {
                    all.extend(self.rationed((1, ways), |this| next(this, state, v)));
                    ways -= 1;
                }
                Err(error) => all.push((state, Err(error))),
            }
        }
        merge_outcomes(all)
    }

    /// `yield* v`: what comes of it when it is something that can be run.
    pub(super) fn yielded(&mut self, outcomes: Outcomes, id: ExprId) -> Outcomes {
        let runs = |(_, flow): &(State, Flow)| match flow {
            Ok(v) => self.can_run(v),
            Err(_) => false,
        };
        if !outcomes.iter().any(runs) {
            return outcomes;
        }
        self.onward(outcomes, |this, state, v| {
            if this.can_run(&v) {
                this.perform(&v, state, id)
            } else {
                value(state, v)
            }
        })
    }

    pub(super) fn can_run(&self, v: &Value) -> bool {
        match v {
            Value::Native(native) => matches!(**native, Native::Effect(_)),
            Value::Class(_) => true,
            Value::Object(object) => object.class.is_some(),
            Value::External(external) => {
                self.is_effect_function(external) || self.is_request_path(external.path)
            }
            Value::Choice(options) => options.iter().any(|option| self.can_run(option)),
            _ => false,
        }
    }

    /// Runs an effect from outside any other.
    fn run_from_outside(
        &mut self,
        effect: &Value,
        state: State,
        id: ExprId,
        settles: bool,
    ) -> Outcomes {
        let at = (state.scope.module, id);
        if !settles {
            return self.perform(effect, state, id);
        }
        let settle = Effect {
            subject: Some(effect.clone()),
            ..Effect::new(EffectStep::Settle, Vec::new(), at)
        };
        self.run_effect(&settle, state)
    }

    /// What running a value comes to; what is no effect comes to itself.
    pub(super) fn perform(&mut self, v: &Value, mut state: State, id: ExprId) -> Outcomes {
        match v {
            Value::Native(native) => match &**native {
                Native::Effect(effect) => {
                    if !self.spend_on(&mut state) {
                        return value(state, Value::unknown());
                    }
                    self.run_effect(effect, state)
                }
                _ => value(state, v.clone()),
            },
            Value::Choice(options) => {
                let mut outcomes = Outcomes::new();
                for option in options.iter().filter(|option| !option.is_nullish()) {
                    outcomes.extend(self.perform(option, state.clone(), id));
                }
                merge_outcomes(outcomes)
            }
            Value::Class(class) => {
                let service = self.service(class);
                value(state, service)
            }
            Value::Object(object) if object.class.is_some() => {
                let failure = self.failure_of(v);
                smallvec![(state, failure.map_or_else(|| Ok(v.clone()), Err))]
            }
            Value::External(external) => {
                let external = Rc::clone(external);
                let place = self.place(&state, id);
                if let Some(shape) = self.shape_of(&external) {
                    return match shape.step {
                        EffectStep::Give => {
                            let outcomes = self.part_of_request(&shape.gives, state, place);
                            merge_outcomes(outcomes)
                        }
                        EffectStep::Succeed => value(state, Value::Undefined),
                        EffectStep::Present => {
                            smallvec![(state, Err(nothing(shape.tag.as_deref())))]
                        }
                        _ => value(state, Value::unknown()),
                    };
                }
                if self.is_request_path(external.path) && !self.is_request(v) {
                    return self.call_request(&external, Vec::new(), state, place);
                }
                self.awaited(v, &mut state, place);
                value(state, v.clone())
            }
            Value::Unknown(provenance, _) => {
                let place = self.place(&state, id);
                self.work(&mut state, place, "call");
                let provenance = self.looked_up(provenance.clone());
                value(state, Value::Unknown(provenance, Presence::Maybe))
            }
            Value::Promise(_) => value(state, v.clone().settled()),
            _ => value(state, v.clone()),
        }
    }

    pub(super) fn shape_of(&self, external: &External) -> Option<&'a EffectShape> {
        self.paths.known(external.path).api?.effect.as_ref()
    }

    /// What stands behind the name of a service: what it is made by, outside any request.
    fn service(&mut self, class: &Rc<ClassValue>) -> Value {
        let key = (class.module, class.class);
        if let Some(known) = self.services.get(&key) {
            return known.clone();
        }
        let unknown = Value::Unknown(Provenance::default(), Presence::Truthy);
        let Some(Value::External(base)) = self.superclass(class) else {
            return unknown;
        };
        let shape = base.receiver.as_ref().and_then(|r| self.shape_of(r));
        let Some(shape) = shape.filter(|shape| shape.step == EffectStep::Service) else {
            return unknown;
        };
        let maker = base.args.iter().find_map(|arg| match arg {
            Value::Object(options) => shape
                .options
                .iter()
                .find_map(|name| options.get(name).cloned()),
            _ => None,
        });
        let Some(maker) = maker else {
            return unknown;
        };
        // While it is being made, it is not known to those whom it needs.
        self.services.insert(key, unknown.clone());
        let made = self.made_apart(class.module, &maker);
        let made = made.unwrap_or(unknown);
        self.services.insert(key, made.clone());
        made
    }

    /// What an effect, or what a function gives, comes to outside any request.
    pub(super) fn made_apart(&mut self, module: ModuleId, maker: &Value) -> Option<Value> {
        let outcomes = self.apart(module, |this, state| {
            let id = super::evaluator::FRAMEWORK;
            match maker {
                Value::Function(_) => this.applied(maker, Value::unknown(), state, id),
                other => this.perform(other, state, id),
            }
        });
        let values = outcomes.into_iter().filter_map(|(_, flow)| flow.ok());
        values.reduce(|a, b| a.join(&b))
    }

    /// Evaluates something of a module outside any request, whatever the running handler may still spend.
    pub(super) fn apart(
        &mut self,
        module: ModuleId,
        run: impl FnOnce(&mut Self, State) -> Outcomes,
    ) -> Outcomes {
        self.global_depth += 1;
        let state = State::new(Scope::module(module));
        let outcomes = self.run_apart(|this| run(this, state));
        self.global_depth -= 1;
        outcomes
    }
}

/// The functions of a call, which may stand in an object under the keys of its shape.
fn functions(shape: &EffectShape, args: Vec<Value>) -> Vec<Value> {
    if shape.options.is_empty() {
        return args;
    }
    let named = args.iter().find_map(|arg| match arg {
        Value::Object(options) => Some(Rc::clone(options)),
        _ => None,
    });
    match named {
        Some(options) if shape.options.iter().any(|key| options.get(key).is_some()) => {
            let under = |key: &String| options.get(key).cloned().unwrap_or(Value::Undefined);
            shape.options.iter().map(under).collect()
        }
        _ => {
            let function = args
                .iter()
                .rev()
                .find(|arg| matches!(arg, Value::Function(_) | Value::Native(_)));
            match function {
                Some(function) => vec![function.clone()],
                None => args,
            }
        }
    }
}

/// The class of a value, when it is one.
pub(super) fn class_key(v: &Value) -> Option<(ModuleId, ClassId)> {
    match v {
        Value::Class(class) => Some((class.module, class.class)),
        _ => None,
    }
}
