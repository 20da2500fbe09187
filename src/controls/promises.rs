//! Promises: what is done once one is settled, and the executor that settles one.

use std::rc::Rc;

use smallvec::SmallVec;

use crate::syntax::ExprId;

use super::call::Use;
use super::evaluator::Evaluator;
use super::merge::merge_outcomes;
use super::record::Failure;
use super::state::{Flow, Outcomes, State};
use super::value::{Native, Object, Presence, Provenance, Value};

impl<'a> Evaluator<'a> {
    /// `f().catch(g)`, `f().then(g)`, `f().finally(g)`.
    pub fn promise_method(
        &mut self,
        id: ExprId,
        promise: ExprId,
        name: &str,
        args: &'a [crate::syntax::Argument],
        state: State,
        used: Use,
    ) -> Outcomes {
        let catches = name == "catch" || (name == "then" && args.len() > 1);
        let inner = if used == Use::Detached {
            Use::Detached
        } else {
            Use::Awaited
        };
        let on_failure = if name == "catch" {
            args.first()
        } else {
            args.get(1)
        };
        let before = on_failure.map(|callback| (callback, state.clone()));
        if catches {
            let becomes = self.callback_becomes(on_failure, &state, id);
            self.protection.push(becomes);
        }
        let settled = self.call_expression(promise, state, inner);
        self.record.take_lost();
        if catches {
            self.protection.pop();
        }
        // Of failures that nobody foresaw, what is logged is known too.
        let foreseen = settled.iter().any(|(_, flow)| flow.is_err());
        if let Some((callback, before)) = before.filter(|_| !foreseen) {
            let place = self.place(&before, callback.value);
            self.logs_of(place, |this| {
                let function = this.plain(callback.value, &before);
                this.run_aside(&[function], &before, id);
            });
        }
        let mut outcomes: Outcomes = SmallVec::new();
        for (state, flow) in settled {
            let (callback, argument, failed) = match (&flow, name) {
                (Ok(v), "then") => (args.first(), v.clone(), false),
                (Err(error), "catch") => (args.first(), error.clone().without_caller(), true),
                (Err(error), "then") if args.len() > 1 => {
                    (args.get(1), error.clone().without_caller(), true)
                }
                _ => {
                    outcomes.push((state, flow));
                    continue;
                }
            };
            let Some(callback) = callback else {
                outcomes.push((state, flow));
                continue;
            };
            let result = self.each(callback.value, state, |this, mut state, function| {
                state.failed |= failed;
                this.call(&function, None, vec![argument.clone()], state, id, used)
            });
            outcomes.extend(result);
        }
        merge_outcomes(outcomes)
    }

    /// What a callback makes of a failure that nobody foresaw.
    fn callback_becomes(
        &mut self,
        callback: Option<&crate::syntax::Argument>,
        state: &State,
        id: ExprId,
    ) -> Failure {
        let Some(callback) = callback else {
            return Failure::Escapes;
        };
        // Where nothing is recorded, nothing depends on it.
        if self.muted > 0 {
            return Failure::Swallowed;
        }
        let outcomes = self.aside(|this| {
            let function = this.plain(callback.value, state);
            let Value::Function(_) = &function else {
                return SmallVec::new();
            };
            let failure = Value::Object(Rc::new(Object {
                open: Some(Provenance::default()),
                ..Object::default()
            }));
            this.call(
                &function,
                None,
                vec![failure],
                state.clone(),
                id,
                Use::Awaited,
            )
        });
        match outcomes.last() {
            Some((_, Err(Value::Response(_)))) => Failure::Answered,
            Some((_, Err(_))) => Failure::Escapes,
            Some((state, Ok(v))) if state.answered.is_some() || self.answers_failure(v) => {
                Failure::Answered
            }
            _ => Failure::Swallowed,
        }
    }

    /// `new Promise((resolve, reject) => …)`: the function runs at once, and what it throws rejects the promise. A path that answered
    /// and told the promise nothing ends there: whoever waits for it never goes on.
    pub fn run_executor(
        &mut self,
        executor: &Value,
        mut state: State,
        id: ExprId,
        provenance: Provenance,
    ) -> Outcomes {
        let around = state.settled.take();
        let unanswered = state.answered.is_none();
        let settle = |rejects| Value::Native(Rc::new(Native::Settle { rejects }));
        let args = vec![settle(false), settle(true)];
        let executing = self.executing.replace(self.calls.len() + 1);
        let outcomes = self.call(executor, None, args, state, id, Use::Awaited);
        self.executing = executing;
        let came_to = |(mut state, flow): (State, Flow)| {
            let settled = std::mem::replace(&mut state.settled, around.clone());
            let answered = state.answered.clone().filter(|_| unanswered);
            let flow = match (flow, settled, answered) {
                (Err(error), ..) => Err(error),
                (Ok(_), Some(told), _) => Flow::clone(&told),
                (Ok(_), None, Some(answer)) => Err(Value::Response(answer)),
                (Ok(_), None, None) => Ok(Value::Unknown(provenance.clone(), Presence::Maybe)),
            };
            (state, flow)
        };
        outcomes.into_iter().map(came_to).collect()
    }
}
