//! Guards that turn nobody away: behind a condition that never holds, not awaited, ignored, or caught and passed on.
//!
//! Nothing here decides a verdict. What is noticed while a handler is evaluated is recorded, with its place.

use crate::graph::ModuleId;
use crate::syntax::{BinaryOp, Expr, ExprId, Handler, ModuleRecord, Stmt, StmtKind};

use super::evaluator::Evaluator;
use super::facts::Site;
use super::record::{Event, Flaw, Place};
use super::state::{Flow, Outcomes, State};
use super::statement::{Completion, Exit};
use super::value::{Bits, Closure, ResponseKind, Value};

/// What a guard is called, from what its condition is about.
pub(super) fn guard_name(bits: Bits) -> Option<&'static str> {
    if bits.has(Bits::LIMITER.with(Bits::EVENTS)) {
        Some("rate-limit")
    } else if bits.has(Bits::SIGNATURE) {
        Some("signature")
    } else if bits.can_authenticate() {
        Some("auth")
    } else {
        None
    }
}

impl<'a> Evaluator<'a> {
    /// Notes something at the place where a `catch` decides.
    pub(super) fn note_in_handler(&mut self, event: Event, handler: &'a Handler) {
        let decides = |stmt: &&Stmt| matches!(stmt.kind, StmtKind::Return(_));
        let stmt = handler.body.iter().find(decides).or(handler.body.first());
        if let (Some(stmt), Some(call)) = (stmt, self.calls.last()) {
            let module = call.module;
            let span = stmt.span;
            self.event(event, Place { module, span });
        }
    }

    /// The block asks a limiter and can refuse; when something in it fails, its `catch` answers as if all were well.
    pub(super) fn passes_on_failure(&self, body: &Completion, foreseen: &Completion) -> bool {
        let answers = |exit: &Exit, wanted: fn(&Value) -> bool| match exit {
            Exit::Return(value) => wanted(&value.clone().settled()),
            _ => false,
        };
        let refuses = body.exits.iter().any(|(_, exit)| match exit {
            Exit::Throw(_) => true,
            exit => answers(exit, |value| {
                decides_against(value) || value.provenance().bits.has(Bits::LIMITER)
            }),
        });
        if !refuses {
            return false;
        }
        let sends = body
            .exits
            .iter()
            .any(|(_, exit)| answers(exit, |value| matches!(value, Value::Response(_))));
        let passes = foreseen.exits.iter().any(|(_, exit)| match exit {
            Exit::Return(value) => {
                let value = value.clone().settled();
                decides_for(&value) || sends && value.is_nullish()
            }
            _ => false,
        });
        let waves_through = foreseen.exits.is_empty()
            && !foreseen.next.is_empty()
            && !body.next.is_empty()
            && sends;
        passes || waves_through
    }

    /// Something that turns callers away is evaluated and nobody looks at what comes of it.
    pub(super) fn note_ignored(
        &mut self,
        expr: ExprId,
        module: ModuleId,
        decided: usize,
        outcomes: &Outcomes,
    ) {
        if self.muted > 0 {
            return;
        }
        let record = self.module(module);
        let span = record.span(expr);
        let place = Place { module, span };
        if let Some(guard) = self.record.take_lost() {
            let flaw = Flaw::Unawaited;
            self.event(Event::Ineffective { flaw, guard }, place);
            return;
        }
        let call = match record.expr(expr) {
            Expr::Await(operand) => *operand,
            _ => expr,
        };
        let Expr::Call { callee, .. } = record.expr(call) else {
            return;
        };
        if is_next(record, *callee)
            || outcomes.is_empty()
            || outcomes
                .iter()
                .any(|(state, flow)| flow.is_err() || state.answered.is_some())
        {
            return;
        }
        // The decision of a library's limiter.
        let span = record.span(call);
        let limiter = self.record.limiters > 0
            && self.record.events.iter().any(|(event, place)| {
                matches!(event, Event::Limiter { .. })
                    && place.module == module
                    && place.span == span
            });
        // An answer, or a result, by which a helper turns callers away.
        let guard = if limiter {
            Some("rate-limit")
        } else {
            let decides = |(state, _): &&(State, Flow)| state.facts.len() > decided;
            outcomes.iter().filter(decides).find_map(|(state, flow)| {
                let value = flow.as_ref().ok()?.clone().settled();
                let turned_away = match &value {
                    Value::Response(response) => {
                        matches!(response.status, Some(401 | 403 | 429))
                    }
                    value => super::ending::reports_failure(value),
                };
                let facts = state.facts.iter().skip(decided);
                facts
                    .filter(|_| turned_away)
                    .find_map(|fact| guard_name(fact.provenance.bits))
            })
        };
        if let Some(guard) = guard {
            let flaw = Flaw::Ignored;
            self.event(Event::Ineffective { flaw, guard }, place);
        }
    }

    /// Guards behind a condition on the request's class that never holds.
    pub(super) fn note_impossible(&mut self, test: ExprId, skipped: &'a [Stmt], state: State) {
        let module = state.scope.module;
        let span = self.module(module).span(test);
        let record = std::mem::take(&mut self.record);
        let skipped = self.block(skipped, vec![state]);
        let inside = std::mem::replace(&mut self.record, record);
        let guard = inside.events.iter().find_map(|(event, _)| match event {
            Event::Limiter { .. } => Some("rate-limit"),
            Event::Signature { .. } => Some("signature"),
            Event::Identity => Some("auth"),
            _ => None,
        });
        // A limiter of the repository's own is told by what it answers.
        let guard = guard.or_else(|| {
            skipped.exits.iter().find_map(|(_, exit)| {
                let status = match exit {
                    Exit::Return(Value::Response(response)) => response.status,
                    Exit::Throw(error) => super::ending::status_field(error),
                    _ => None,
                };
                match status {
                    Some(429) => Some("rate-limit"),
                    Some(401 | 403) => Some("auth"),
                    _ => None,
                }
            })
        });
        if let Some(guard) = guard {
            let flaw = Flaw::Impossible;
            self.event(Event::Ineffective { flaw, guard }, Place { module, span });
        }
    }

    /// A promise is tested itself, which is always there, in place of what an asynchronous guard decides.
    pub(super) fn note_promise(
        &mut self,
        promised: &Value,
        state: &State,
        decided: usize,
        test: ExprId,
    ) {
        let guard = guard_name(promised.provenance().bits).or_else(|| {
            let facts = state.possible.iter().skip(decided);
            facts
                .into_iter()
                .find_map(|fact| guard_name(fact.provenance.bits))
        });
        if let Some(guard) = guard {
            let place = self.place(state, test);
            let flaw = Flaw::Unawaited;
            self.event(Event::Ineffective { flaw, guard }, place);
        }
    }

    /// A function that does nothing but turn callers away, and whose promise nobody awaits, is noted.
    pub(super) fn note_lost(
        &mut self,
        closure: &Closure,
        completion: &Completion,
        before: (u32, usize),
    ) {
        let (work, decided) = before;
        let thrown = completion
            .exits
            .iter()
            .find_map(|(state, exit)| match exit {
                Exit::Throw(_) => state
                    .facts
                    .iter()
                    .skip(decided)
                    .find_map(|fact| guard_name(fact.provenance.bits)),
                _ => None,
            });
        let idle = completion.next.iter().all(|state| state.work == work)
            && completion
                .exits
                .iter()
                .all(|(state, exit)| matches!(exit, Exit::Throw(_)) || state.work == work);
        if let (Some(guard), true) = (thrown, idle) {
            let span = self.function(closure).span;
            let module = closure.module;
            self.event(Event::Lost { guard }, Place { module, span });
        }
    }
}

/// `next()` of a chain of middleware: what the layers behind it answer is not this one's to look at.
fn is_next(record: &ModuleRecord, callee: ExprId) -> bool {
    match record.expr(callee) {
        Expr::Name(name) => record.name(*name) == "next",
        Expr::Member { property, .. } => record.name(*property) == "next",
        _ => false,
    }
}

/// The condition holds `instanceof`.
pub(super) fn asks_class(record: &ModuleRecord, test: ExprId, depth: u8) -> bool {
    depth > 0
        && match record.expr(test) {
            Expr::Binary {
                op: BinaryOp::Instanceof,
                ..
            } => true,
            Expr::Binary { left, right, .. } | Expr::Logical { left, right, .. } => {
                asks_class(record, *left, depth - 1) || asks_class(record, *right, depth - 1)
            }
            Expr::Unary { operand, .. } => asks_class(record, *operand, depth - 1),
            _ => false,
        }
}

/// A decision with which every path of a block ends in a throw.
pub(super) struct Refusal {
    pub site: Site,
    pub arm: bool,
    pub guard: &'static str,
    /// A limiter decided, and not a count that may be one of anything.
    decides: bool,
}

/// The decisions of guards with which every path of a block ends in a throw, while others go on.
pub(super) fn refusals(body: &Completion, known: &[Site]) -> Vec<Refusal> {
    let normal = || {
        let exits = body.exits.iter();
        let exits = exits.filter(|(_, exit)| !matches!(exit, Exit::Throw(_)));
        body.next.iter().chain(exits.map(|(state, _)| state))
    };
    let mut found: Vec<Refusal> = Vec::new();
    for (state, exit) in &body.exits {
        if !matches!(exit, Exit::Throw(_)) {
            continue;
        }
        // What was decided before is no decision of this block.
        let fresh = state
            .facts
            .iter()
            .filter(|fact| !known.contains(&fact.site));
        for fact in fresh {
            let guard = match guard_name(fact.provenance.bits) {
                // What only came from where a limiter had been asked is no decision of it.
                Some("rate-limit") if !is_limiter(fact.provenance.bits) => continue,
                Some(guard) => guard,
                None => continue,
            };
            let holds = |arm: bool| {
                normal().any(|state| {
                    let facts = state.possible.iter();
                    facts
                        .into_iter()
                        .any(|f| f.site == fact.site && f.arm == arm)
                })
            };
            if !holds(fact.arm) && holds(!fact.arm) {
                found.push(Refusal {
                    site: fact.site,
                    arm: fact.arm,
                    guard,
                    decides: is_limiter(fact.provenance.bits),
                });
            }
        }
    }
    found
}

/// The decision of a limiter, or a count, and nothing else.
fn is_limiter(bits: Bits) -> bool {
    let own = Bits::LIMITER.with(Bits::COUNT).with(Bits::EVENTS);
    let turns = Bits::COMPARED.with(Bits::NEGATED).with(Bits::CONFIG);
    bits.has(own) && bits.without(own.with(turns)) == Bits::NONE
}

/// What a `catch` makes of a refusal serves the caller all the same.
pub(super) fn goes_on(
    result: &Completion,
    refusal: &Refusal,
    work: u32,
    falls_through: bool,
) -> bool {
    let limits = refusal.decides;
    let serves = result.exits.iter().any(|(state, exit)| match exit {
        Exit::Return(value) => {
            let value = value.clone().settled();
            let refused = super::ending::refuses(&value, state) || decides_against(&value);
            // A redirect after some tidying up says that it failed; only an answer says that it was served.
            let served = state.work > work && is_served(&value);
            !refused && (served || limits && decides_for(&value))
        }
        _ => false,
    });
    serves || limits && falls_through && !result.next.is_empty() && result.exits.is_empty()
}

/// An answer with a body and no failure.
fn is_served(value: &Value) -> bool {
    matches!(value, Value::Response(response)
        if response.kind == ResponseKind::Body && response.status.is_some_and(|status| status < 400))
}

/// `false`, `{ success: false }`, an answer that refuses.
fn decides_against(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => !truth,
        Value::Response(response) => response.status.is_some_and(|status| status >= 400),
        Value::Object(object) => {
            super::ending::reports_failure(value)
                || PASSES
                    .iter()
                    .any(|key| matches!(object.get(key), Some(Value::Bool(false))))
        }
        _ => false,
    }
}

/// `true`, `{ success: true }`.
fn decides_for(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Object(object) => PASSES
            .iter()
            .any(|key| matches!(object.get(key), Some(Value::Bool(true)))),
        _ => false,
    }
}

/// Fields by which a limiter says that the caller may go on.
const PASSES: [&str; 6] = ["success", "allowed", "ok", "isAllowed", "allow", "pass"];
