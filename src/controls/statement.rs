//! Statements: blocks, branches, loops, `try`, and what binding a pattern does.

use std::rc::Rc;

use crate::graph::ModuleId;
use crate::syntax::{
    BinaryOp, Expr, ExprId, Handler, Key, LogicalOp, Loop, Pattern, Stmt, StmtKind, UnaryOp,
};

use super::call::Use;
use super::ending::Ends;
use super::evaluator::Evaluator;
use super::facts::Site;
use super::flaw::{asks_class, goes_on, refusals};
use super::merge::{merge_behind_work, merge_states, merge_thrown};
use super::record::{Event, Failure, Flaw, Place};
use super::state::{Flow, Outcomes, State};
use super::value::{Bits, Object, Presence, Provenance, Response, ResponseKind, Scope, Value};

/// How a path leaves a block early.
#[derive(Clone, Debug)]
pub(super) enum Exit {
    Return(Value),
    Throw(Value),
    Break,
    Continue,
}

/// The paths out of a block.
#[derive(Default, Debug)]
pub(super) struct Completion {
    /// Those that go on behind it.
    pub next: Vec<State>,
    /// Those that leave.
    pub exits: Vec<(State, Exit)>,
}

impl Completion {
    fn absorb(&mut self, other: Self) {
        self.next.extend(other.next);
        self.exits.extend(other.exits);
    }
}

/// Where a condition leads.
#[derive(Default, Debug)]
pub(super) struct Branches {
    pub yes: Vec<State>,
    pub no: Vec<State>,
    pub thrown: Vec<(State, Value)>,
    /// What the condition was about.
    pub bits: Bits,
    /// The input that some part of it was about, and about nothing else.
    pub input: Bits,
}

/// Whoever is not let through is told so within so many statements.
const MOST_TOLD: usize = 4;

impl<'a> Evaluator<'a> {
    /// Runs statements on every path that comes in.
    pub fn block(&mut self, body: &'a [Stmt], states: Vec<State>) -> Completion {
        let mut done = Completion {
            next: states,
            exits: Vec::new(),
        };
        for stmt in body {
            if let StmtKind::Function { name, function } = &stmt.kind {
                for state in &mut done.next {
                    let value = self.closure(Rc::clone(&state.scope), *function, None);
                    set(state, *name, value);
                }
            }
        }
        for (at, stmt) in body.iter().enumerate() {
            if done.next.is_empty() {
                break;
            }
            let states = std::mem::take(&mut done.next);
            let rest = body.get(at + 1..).unwrap_or_default();
            if let Some((test, then)) = self.lets_through(stmt, rest, &states) {
                for state in states {
                    done.absorb(self.if_statement(test, then, rest, state));
                }
                merge_states(&mut done.next);
                break;
            }
            self.refuses_next =
                matches!(body.get(at + 1), Some(next) if matches!(next.kind, StmtKind::Throw(_)));
            let result = self.statement(stmt, states);
            done.absorb(result);
            merge_states(&mut done.next);
            if self.at_home() {
                merge_behind_work(&mut done.next);
            }
        }
        done
    }

    /// What runs is written where the handler is.
    fn at_home(&self) -> bool {
        let running = self.calls.last();
        running.is_some_and(|call| call.own && Some(call.module) == self.home)
    }

    /// `if (ok) return null; … return refusal;`: what follows is what the others are told, as in an `else`.
    fn lets_through(
        &self,
        stmt: &'a Stmt,
        rest: &[Stmt],
        states: &[State],
    ) -> Option<(ExprId, &'a [Stmt])> {
        let StmtKind::If {
            test,
            then,
            otherwise,
        } = &stmt.kind
        else {
            return None;
        };
        let [only] = &**then else {
            return None;
        };
        let StmtKind::Return(returned) = &only.kind else {
            return None;
        };
        let last = rest.last().filter(|_| rest.len() <= MOST_TOLD)?;
        let record = self.module(states.first()?.scope.module);
        let nothing = returned
            .as_ref()
            .is_none_or(|value| matches!(record.expr(*value), Expr::Null | Expr::Undefined));
        let tells = matches!(last.kind, StmtKind::Return(Some(_)) | StmtKind::Throw(_));
        (nothing && tells && otherwise.is_empty()).then_some((*test, &**then))
    }

    fn statement(&mut self, stmt: &'a Stmt, states: Vec<State>) -> Completion {
        let mut done = Completion::default();
        match &stmt.kind {
            StmtKind::Function { .. } => done.next = states,
            StmtKind::Class { name, class } => {
                for mut state in states {
                    let value = self.class_value(&state.scope, *class);
                    set(&mut state, *name, value);
                    done.next.push(state);
                }
            }
            StmtKind::Expr(expr) => {
                // Where a refusal follows, a limiter is asked to count it.
                let counts = self.refuses_next;
                for state in states {
                    let module = state.scope.module;
                    let decided = state.facts.len();
                    let acts = acts(self.module(module), *expr);
                    let (work, asked) = (state.work, state.possible.len());
                    let outcomes = match self.module(module).expr(*expr) {
                        Expr::Call { .. } if self.executing == Some(self.calls.len()) => {
                            self.call_expression(*expr, state, Use::Awaited)
                        }
                        Expr::Call { .. } => self.call_expression(*expr, state, Use::Detached),
                        _ => self.eval(*expr, state),
                    };
                    if !counts {
                        self.note_ignored(*expr, module, decided, &outcomes);
                    }
                    for (mut state, flow) in outcomes {
                        match flow {
                            Ok(_) => {
                                if acts && state.work > work && state.possible.len() == asked {
                                    state.acted = true;
                                }
                                done.next.push(state);
                            }
                            Err(error) => done.exits.push((state, Exit::Throw(error))),
                        }
                    }
                }
            }
            StmtKind::Let { pattern, init } => {
                for state in states {
                    let Some(init) = init else {
                        done.next.push(self.bind(pattern, Value::Undefined, state));
                        continue;
                    };
                    for (state, flow) in self.eval(*init, state) {
                        match flow {
                            Ok(value) => done.next.push(self.bind(pattern, value, state)),
                            Err(error) => done.exits.push((state, Exit::Throw(error))),
                        }
                    }
                }
            }
            StmtKind::Return(None) => {
                done.exits.extend(
                    states
                        .into_iter()
                        .map(|state| (state, Exit::Return(Value::Undefined))),
                );
            }
            StmtKind::Return(Some(expr)) => {
                for state in states {
                    for (state, flow) in self.returned(*expr, state) {
                        let exit = match flow {
                            Ok(value) => Exit::Return(value),
                            Err(error) => Exit::Throw(error),
                        };
                        done.exits.push((state, exit));
                    }
                }
            }
            StmtKind::Throw(expr) => {
                for state in states {
                    for (state, flow) in self.eval(*expr, state) {
                        let (Ok(value) | Err(value)) = flow;
                        done.exits.push((state, Exit::Throw(value)));
                    }
                }
            }
            StmtKind::If {
                test,
                then,
                otherwise,
            } => {
                let at = states.first().map(|state| (state.scope.module, *test));
                let limited = at.filter(|at| {
                    otherwise.is_empty() && self.may_be_told_apart(*at, then, &states)
                });
                let mut ways = Vec::new();
                for state in states {
                    let way = self.if_statement(*test, then, otherwise, state);
                    if limited.is_some() {
                        ways.push(way);
                    } else {
                        done.absorb(way);
                    }
                }
                if let Some(at) = limited {
                    self.note_limit_between(at, &mut ways);
                    ways.into_iter().for_each(|way| done.absorb(way));
                }
            }
            StmtKind::Switch { value, cases } => {
                for state in states {
                    done.absorb(self.switch(*value, cases, state));
                }
            }
            StmtKind::Try {
                block,
                handler,
                finalizer,
            } => {
                done = self.try_statement(block, handler.as_deref(), finalizer, states);
            }
            StmtKind::Loop(each) => {
                for state in states {
                    done.absorb(self.each_loop(each, state));
                }
            }
            StmtKind::Block(body) => done = self.block(body, states),
            StmtKind::Break => done
                .exits
                .extend(states.into_iter().map(|state| (state, Exit::Break))),
            StmtKind::Continue => done
                .exits
                .extend(states.into_iter().map(|state| (state, Exit::Continue))),
        }
        done
    }

    /// `return e`: a promise that is returned without `await` escapes the `try` blocks of its function.
    fn returned(&mut self, expr: ExprId, state: State) -> super::state::Outcomes {
        let record = self.module(state.scope.module);
        let function = record.function(state.scope.function);
        let is_call = matches!(record.expr(expr), Expr::Call { .. });
        let used = match self.calls.last().map(|call| call.used) {
            Some(used @ (Use::Plain | Use::Detached)) => used,
            _ => Use::Returned,
        };
        if is_call && function.is_async {
            return self.call_expression(expr, state, Use::Escaping);
        }
        if is_call {
            // Whether it is a promise that somebody waits for, the caller knows.
            return self.call_expression(expr, state, used);
        }
        self.eval(expr, state)
    }

    fn if_statement(
        &mut self,
        test: ExprId,
        then: &'a [Stmt],
        otherwise: &'a [Stmt],
        state: State,
    ) -> Completion {
        let module = state.scope.module;
        self.class_decided = false;
        let asks_class = self.muted == 0 && asks_class(self.module(module), test, 4);
        let before = asks_class.then(|| state.clone());
        let Branches {
            mut yes,
            mut no,
            thrown,
            bits,
            input,
        } = self.branch(test, state);
        if self.class_decided
            && let Some(before) = before
        {
            let taken_by = (yes.is_empty(), no.is_empty());
            match taken_by {
                (true, false) if otherwise.is_empty() => self.note_impossible(test, then, before),
                (false, true) if then.is_empty() => self.note_impossible(test, otherwise, before),
                _ => {}
            }
        }
        let mut done = Completion::default();
        done.exits.extend(
            thrown
                .into_iter()
                .map(|(state, error)| (state, Exit::Throw(error))),
        );
        merge_states(&mut yes);
        merge_states(&mut no);
        let both = !yes.is_empty() && !no.is_empty();
        self.foresee_limit((module, test), (then, otherwise), bits, (&mut yes, &mut no));
        let mut yes = self.block(then, yes);
        let mut no = self.block(otherwise, no);
        if both && input != Bits::NONE {
            let span = self.module(module).span(test);
            // What an action itself says is what its caller is told: `if (text === "") return "empty"`.
            let ends = match self.calls.len() {
                1 => self.ends,
                _ => Ends::Handler,
            };
            for arm in [&mut yes, &mut no]
                .into_iter()
                .filter(|arm| turns_away_at(arm, ends))
            {
                for (state, _) in &mut arm.exits {
                    state
                        .rejected
                        .get_or_insert((Place { module, span }, input));
                }
            }
            if self.own() && self.catching == 0 && dismisses(&yes) && self.misses(module, test) {
                self.event(Event::ManualCheck(input), Place { module, span });
            }
        }
        if both && input == Bits::NONE {
            self.note_limit((module, test), &mut yes, &mut no);
        }
        done.absorb(yes);
        done.absorb(no);
        done
    }

    fn switch(
        &mut self,
        value: ExprId,
        cases: &'a [crate::syntax::Case],
        state: State,
    ) -> Completion {
        let mut done = Completion::default();
        let asked_of = value;
        for (state, flow) in self.eval(value, state) {
            let value = match flow {
                Ok(value) => value,
                Err(error) => {
                    done.exits.push((state, Exit::Throw(error)));
                    continue;
                }
            };
            let mut entered = Vec::new();
            let mut decided = false;
            for (at, case) in cases.iter().enumerate() {
                let Some(test) = case.test else { continue };
                let outcomes = self.aside(|this| this.eval(test, state.clone()));
                let test = outcomes
                    .into_iter()
                    .find_map(|(_, flow)| flow.ok())
                    .unwrap_or_else(Value::unknown);
                match self.equal(&value, &test) {
                    Some(true) => {
                        entered = vec![at];
                        decided = true;
                        break;
                    }
                    Some(false) => {}
                    None => entered.push(at),
                }
            }
            // Each case that cannot be decided is a condition on the value, as `===` would be.
            let mut provenance = value.provenance();
            let mut state = state;
            let input = provenance.bits.of_input_alone();
            if !decided && input != Bits::NONE && self.catching == 0 && self.own() {
                let place = self.place(&state, asked_of);
                state.asked = Some((place, input));
            }
            provenance.bits = provenance.bits.with(Bits::COMPARED).held_against_constant();
            if provenance.bits.has(Bits::CHOICE) {
                let place = self.place(&state, asked_of);
                self.event(Event::InputChooses, place);
            }
            let asked = !decided && super::expression::deciding(&state, provenance.bits);
            let sites: Vec<_> = cases
                .iter()
                .map(|case| {
                    case.test
                        .filter(|_| asked)
                        .map(|test| self.site(state.scope.module, test))
                })
                .collect();
            let mut missed = state.clone();
            for site in sites.iter().flatten() {
                missed = missed.with_fact(*site, false, provenance.clone());
            }
            let default = cases.iter().position(|case| case.test.is_none());
            let mut falls_past = false;
            if !decided {
                match default {
                    Some(at) => entered.push(at),
                    None => falls_past = true,
                }
            }
            let mut carried: Vec<State> = Vec::new();
            for (at, case) in cases.iter().enumerate() {
                let mut states = std::mem::take(&mut carried);
                if entered.contains(&at) {
                    states.push(match sites.get(at) {
                        Some(Some(site)) => {
                            state.clone().with_fact(*site, true, provenance.clone())
                        }
                        _ => missed.clone(),
                    });
                }
                if states.is_empty() {
                    continue;
                }
                merge_states(&mut states);
                let result = self.block(&case.body, states);
                carried = result.next;
                for (state, exit) in result.exits {
                    match exit {
                        Exit::Break => done.next.push(state),
                        exit => done.exits.push((state, exit)),
                    }
                }
            }
            done.next.extend(carried);
            if falls_past {
                done.next.push(missed);
            }
        }
        done
    }

    /// The condition holds where something is not there, or is not what is wanted: `!id`, `event.kind !== "order"`.
    fn misses(&self, module: ModuleId, test: ExprId) -> bool {
        match self.module(module).expr(test) {
            Expr::Unary {
                op: UnaryOp::Not, ..
            }
            | Expr::Binary {
                op: BinaryOp::NotEqual { .. },
                ..
            } => true,
            Expr::Logical { op, left, right } => {
                let (left, right) = (self.misses(module, *left), self.misses(module, *right));
                match op {
                    LogicalOp::Or => left || right,
                    LogicalOp::And | LogicalOp::Coalesce => left && right,
                }
            }
            _ => false,
        }
    }

    fn each_loop(&mut self, each: &'a Loop, state: State) -> Completion {
        let mut done = Completion::default();
        let start = self.block(&each.init, vec![state]);
        done.exits.extend(start.exits);
        for state in start.next {
            let mut inside = Vec::new();
            // The paths on which a list has nothing in it.
            let mut empty = Vec::new();
            if let Some((pattern, from)) = &each.each {
                for (state, flow) in self.eval(*from, state) {
                    match flow {
                        Err(error) => done.exits.push((state, Exit::Throw(error))),
                        Ok(Value::Array(items))
                            if items.len() <= super::native::MAX_UNROLLED && !items.is_empty() =>
                        {
                            // A constant list is gone through item by item.
                            let mut states = vec![state];
                            for item in items.iter() {
                                let bound = states
                                    .into_iter()
                                    .map(|state| self.bind(pattern, item.clone(), state))
                                    .collect();
                                let body = self.block(&each.body, bound);
                                states = body.next;
                                for (state, exit) in body.exits {
                                    match exit {
                                        Exit::Break => done.next.push(state),
                                        Exit::Continue => states.push(state),
                                        exit => done.exits.push((state, exit)),
                                    }
                                }
                                merge_states(&mut states);
                            }
                            done.next.extend(states);
                        }
                        Ok(iterable) => {
                            empty.push(state.clone());
                            let element = if self.is_request(&iterable) {
                                let place = self.place(&state, *from);
                                self.chunk_of_body(place)
                            } else {
                                element_of(&iterable)
                            };
                            inside.push(self.bind(pattern, element, state));
                        }
                    }
                }
            } else if let Some(test) = each.test {
                let branches = self.branch(test, state);
                done.exits.extend(
                    branches
                        .thrown
                        .into_iter()
                        .map(|(s, error)| (s, Exit::Throw(error))),
                );
                if !each.runs_at_least_once || branches.yes.is_empty() {
                    done.next.extend(branches.no);
                }
                inside = branches.yes;
            } else {
                inside.push(state);
            }
            let body = self.block(&each.body, inside);
            if !asks_each(&body, &empty) {
                done.next.append(&mut empty);
            }
            done.next.extend(body.next);
            for (state, exit) in body.exits {
                match exit {
                    Exit::Break | Exit::Continue => done.next.push(state),
                    exit => done.exits.push((state, exit)),
                }
            }
        }
        merge_states(&mut done.next);
        done
    }

    fn try_statement(
        &mut self,
        block: &'a [Stmt],
        handler: Option<&'a Handler>,
        finalizer: &'a [Stmt],
        states: Vec<State>,
    ) -> Completion {
        let mut done = Completion::default();
        let Some(handler) = handler else {
            let body = self.block(block, states);
            return self.finally(body, finalizer);
        };
        // What the handler does with a failure that nobody foresaw decides whether the block is protected.
        let failure = Value::Object(Rc::new(Object {
            open: Some(Provenance::default()),
            ..Object::default()
        }));
        let mut becomes = Failure::Escapes;
        let mut foreseen = None;
        if let Some(state) = states.first() {
            let states = vec![state.clone()];
            // That it would hand on then is no way on by which requests go.
            let arrived = self.arrivals.len();
            let result = self.rationed((1, 4), |this| this.handle(handler, failure, states));
            self.arrivals.truncate(arrived);
            becomes = self.becomes(&result);
            // Behind the last block of one of the handler's functions, nothing is done as if it had succeeded.
            if becomes == Failure::Swallowed && self.at_home() && self.is_last(handler, state) {
                becomes = Failure::Answered;
            }
            foreseen = Some(result);
        }
        let asked = self.record.limiters;
        let known: Vec<Site> = if self.muted == 0 {
            let facts = states.iter().flat_map(|state| state.possible.iter());
            facts.map(|fact| fact.site).collect()
        } else {
            Vec::new()
        };
        if becomes != Failure::Escapes
            && self.own()
            && let (Some(stmt), Some(call)) = (block.first(), self.calls.last())
        {
            let place = Place {
                module: call.module,
                span: stmt.span,
            };
            self.event(Event::Boundary, place);
        }
        self.protection.push(becomes);
        let body = self.block(block, states);
        self.protection.pop();
        if self.muted == 0
            && self.record.limiters > asked
            && let Some(foreseen) = &foreseen
            && self.passes_on_failure(&body, foreseen)
        {
            let guard = "rate-limit";
            self.note_in_handler(Event::FailsOpen { guard }, handler);
        }
        let refused = if self.muted == 0 {
            refusals(&body, &known)
        } else {
            Vec::new()
        };
        let falls_through = !body.next.is_empty();
        let mut thrown = Outcomes::new();
        done.next = body.next;
        for (state, exit) in body.exits {
            match exit {
                Exit::Throw(error) => thrown.push((state, Err(error))),
                exit => done.exits.push((state, exit)),
            }
        }
        for (mut state, flow) in merge_thrown(thrown) {
            let (Ok(error) | Err(error)) = flow;
            state.failed = true;
            let work = state.work;
            let guard = refused.iter().find(|r| {
                state
                    .facts
                    .iter()
                    .any(|f| f.site == r.site && f.arm == r.arm)
            });
            let result = self.rationed((1, 2), |this| this.handle(handler, error, vec![state]));
            if let Some(refusal) = guard
                && goes_on(&result, refusal, work, falls_through)
            {
                let (flaw, guard) = (Flaw::Swallowed, refusal.guard);
                self.note_in_handler(Event::Ineffective { flaw, guard }, handler);
            }
            done.absorb(result);
        }
        self.finally(done, finalizer)
    }

    /// The `try` is the last statement of its function.
    fn is_last(&self, handler: &Handler, state: &State) -> bool {
        let function = self
            .module(state.scope.module)
            .function(state.scope.function);
        matches!(
            function.body.last().map(|stmt| &stmt.kind),
            Some(StmtKind::Try { handler: Some(last), .. }) if std::ptr::eq(&**last, handler)
        )
    }

    /// What a handler makes of a failure that nobody foresaw: what it does when none of its conditions on the failure holds,
    /// which is what stands last.
    fn becomes(&self, result: &Completion) -> Failure {
        let refusing = |answer: &Option<Rc<Response>>| {
            let status = answer.as_ref().map(|answer| answer.status);
            status.is_some_and(|status| status.is_none_or(|status| status >= 300))
        };
        if !result.next.is_empty() {
            let answered = result.next.iter().any(|state| refusing(&state.answered));
            return if answered {
                Failure::Answered
            } else {
                Failure::Swallowed
            };
        }
        match result.exits.last() {
            None => Failure::Swallowed,
            // A redirect is thrown to be answered.
            Some((_, Exit::Throw(Value::Response(_)))) => Failure::Answered,
            Some((_, Exit::Throw(_))) => Failure::Escapes,
            Some((state, Exit::Return(value))) => {
                if refusing(&state.answered) || self.answers_failure(value) {
                    Failure::Answered
                } else {
                    Failure::Swallowed
                }
            }
            Some((_, Exit::Break | Exit::Continue)) => Failure::Swallowed,
        }
    }

    /// The value, given back on a failure, tells whoever asked that something failed. The handler itself may say so in its own
    /// words; what a helper gives back is a makeshift unless it plainly says so.
    pub fn answers_failure(&self, value: &Value) -> bool {
        match value {
            Value::Response(_) => true,
            value if super::ending::reports_failure(value) => true,
            Value::Undefined | Value::Null | Value::Bool(false) | Value::Array(_) => false,
            _ => self.own(),
        }
    }

    fn handle(&mut self, handler: &'a Handler, error: Value, states: Vec<State>) -> Completion {
        if self.global_depth == 0 && self.left() == 0 {
            // What it does cannot be followed any more, and hardly any handler makes a success of a failure.
            let thrown = |state| (state, Exit::Throw(error.clone()));
            return Completion {
                next: Vec::new(),
                exits: states.into_iter().map(thrown).collect(),
            };
        }
        self.catching += 1;
        let error = error.without_caller();
        let states = states
            .into_iter()
            .map(|state| match &handler.param {
                Some(pattern) => self.bind(pattern, error.clone(), state),
                None => state,
            })
            .collect();
        let result = self.block(&handler.body, states);
        self.catching -= 1;
        result
    }

    fn finally(&mut self, done: Completion, finalizer: &'a [Stmt]) -> Completion {
        if finalizer.is_empty() {
            return done;
        }
        // What cleans up is seen, but it decides nothing and is no main work; what is left by a return or a throw runs it as well.
        self.catching += 1;
        if self.muted == 0
            && let Some((state, _)) = done.exits.first()
        {
            let _ = self.block(finalizer, vec![state.clone()]);
        }
        let after = self.block(finalizer, done.next);
        self.catching -= 1;
        Completion {
            next: after.next,
            exits: done.exits.into_iter().chain(after.exits).collect(),
        }
    }

    // --- patterns ----------------------------------------------------------------------------------------------

    /// Binds a value to a pattern's names, in the innermost scope.
    pub fn bind(&mut self, pattern: &'a Pattern, value: Value, mut state: State) -> State {
        match pattern {
            Pattern::Name(name) => set(&mut state, *name, value),
            Pattern::Member(target) => self.assign_member(*target, value, &mut state),
            Pattern::Default { pattern, default } => {
                let value = match value {
                    Value::Undefined => self.plain(*default, &state),
                    Value::Unknown(ref provenance, Presence::Maybe) => {
                        let default = self.plain(*default, &state);
                        Value::Unknown(provenance.join(&default.provenance()), Presence::Maybe)
                    }
                    value => value,
                };
                state = self.bind(pattern, value, state);
            }
            Pattern::Object { properties, rest } => {
                let record = self.module(state.scope.module);
                for (key, pattern) in properties {
                    let field = match key {
                        Key::Name(name) => match self.kept_on_request(&value, *name, &state) {
                            Some(kept) => kept,
                            None => self.member(&value, record.name(*name), None),
                        },
                        Key::Computed(_) => Value::Unknown(value.provenance(), Presence::Maybe),
                    };
                    state = self.bind(pattern, field, state);
                }
                if let Some(rest) = rest {
                    state = self.bind(rest, value, state);
                }
            }
            Pattern::Array { elements, rest } => {
                for (at, pattern) in elements.iter().enumerate() {
                    let Some(pattern) = pattern else { continue };
                    let element = match &value {
                        Value::Array(items) => items.get(at).cloned().unwrap_or(Value::Undefined),
                        other => Value::Unknown(other.provenance(), Presence::Maybe),
                    };
                    state = self.bind(pattern, element, state);
                }
                if let Some(rest) = rest {
                    let rest_value = match &value {
                        Value::Array(items) => Value::Array(Rc::new(
                            items.iter().skip(elements.len()).cloned().collect(),
                        )),
                        other => Value::Unknown(other.provenance(), Presence::Truthy),
                    };
                    state = self.bind(rest, rest_value, state);
                }
            }
            Pattern::Rest(pattern) => state = self.bind(pattern, value, state),
        }
        state
    }

    /// The value of an expression whose other paths do not matter.
    pub fn plain(&mut self, expr: ExprId, state: &State) -> Value {
        let outcomes = self.eval(expr, state.clone());
        outcomes
            .into_iter()
            .find_map(|(_, flow): (State, Flow)| flow.ok())
            .unwrap_or_else(Value::unknown)
    }

    fn assign_member(&mut self, target: ExprId, value: Value, state: &mut State) {
        let record = self.module(state.scope.module);
        let (object, key) = match record.expr(target) {
            Expr::Member {
                object, property, ..
            } => (*object, Some(Rc::from(record.name(*property)))),
            Expr::Index { object, index, .. } => match record.expr(*index) {
                Expr::String(text) => (*object, Some(Rc::from(&**text))),
                Expr::Name(name) => match self.name_value(state, *name) {
                    Value::String(text) => (*object, Some(text)),
                    _ => (*object, None),
                },
                _ => (*object, None),
            },
            _ => return,
        };
        let key: Option<&Rc<str>> = key.as_ref();
        let put = |object: &mut Rc<Object>, value: Value| {
            let object = Rc::make_mut(object);
            match key {
                Some(key) => object.set(Rc::clone(key), value),
                // Under a key that is not known.
                None => {
                    let open = object.open.take().unwrap_or_default();
                    object.open = Some(open.join(&value.provenance()));
                }
            }
        };
        match record.expr(object) {
            Expr::This => {
                let scope = Rc::make_mut(&mut state.scope);
                if let Some(Value::Object(this)) = &mut scope.this {
                    put(this, value);
                }
            }
            Expr::Name(name) => match self.name_value(state, *name) {
                Value::Object(mut object) => {
                    put(&mut object, value);
                    set(state, *name, Value::Object(object));
                }
                _ if key.is_some_and(|key| &**key == "statusCode") => {
                    self.answer_status(state, &value)
                }
                Value::External(external) if self.is_request_path(external.path) => {
                    if let Some(key) = key {
                        self.keep_on_request(external.path, key, value, state);
                    }
                }
                _ => {}
            },
            // `req.context.session = session`
            Expr::Member {
                object: base,
                property,
                ..
            } if let (Expr::Name(name), Some(key)) = (record.expr(*base), key) => {
                if let Value::External(external) = self.name_value(state, *name)
                    && self.is_request_path(external.path)
                {
                    let part = self.paths.member(external.path, record.name(*property));
                    self.keep_on_request(part, key, value, state);
                }
            }
            _ => {}
        }
    }
}

/// `await remove(id)`: something is told what to do, and nobody asks what came of it.
fn acts(record: &crate::syntax::ModuleRecord, expr: ExprId) -> bool {
    let Expr::Await(call) = record.expr(expr) else {
        return false;
    };
    let mut call = *call;
    for _ in 0..8 {
        match record.expr(call) {
            Expr::Call { args, .. } if !args.is_empty() => return true,
            Expr::Call { callee, .. } => call = *callee,
            Expr::Member { object, .. } => call = *object,
            _ => break,
        }
    }
    false
}

/// Sets a variable: where it is already known, else in the innermost scope.
pub(super) fn set(state: &mut State, name: crate::syntax::Name, value: Value) {
    if Rc::get_mut(&mut state.scope).is_none() {
        // Whoever sets one variable often sets another.
        state.scope = Rc::new(state.scope.with_room(2));
    }
    let scope: &mut Scope = Rc::make_mut(&mut state.scope);
    match scope.variables.iter_mut().find(|(n, _)| *n == name) {
        Some(slot) => slot.1 = value,
        None => scope.variables.push((name, value)),
    }
}

/// No path goes on, and every path that leaves does so with an error or an early answer.
pub(super) fn turns_away(completion: &Completion) -> bool {
    turns_away_at(completion, Ends::Handler)
}

fn turns_away_at(completion: &Completion, ends: Ends) -> bool {
    completion.next.is_empty()
        && !completion.exits.is_empty()
        && completion.exits.iter().all(|(state, exit)| match exit {
            Exit::Throw(_) => true,
            Exit::Return(value) => super::ending::refuses_at(value, state, ends),
            Exit::Break | Exit::Continue => false,
        })
}

/// Answers at once, before anything is done, with nothing of what was sent: `Response.json({ ignored: true })`.
fn dismisses(completion: &Completion) -> bool {
    completion.next.is_empty()
        && !completion.exits.is_empty()
        && completion.exits.iter().all(|(state, exit)| {
            let answer = match exit {
                Exit::Return(Value::Response(answer)) => answer,
                Exit::Return(Value::Undefined) => match &state.answered {
                    Some(answer) => answer,
                    None => return false,
                },
                _ => return false,
            };
            state.work == 0
                && answer.kind == ResponseKind::Body
                && answer.status.is_some_and(|status| status < 300)
                && !answer.provenance.bits.has(Bits::INPUT)
        })
}

/// Every item of a list has to be signed: `for (const event of events) if (event.secret !== secret) return 403`. Of a list without
/// items there is nothing that would have to be.
fn asks_each(body: &Completion, before: &[State]) -> bool {
    let asked = |state: &State| {
        state.facts.iter().chain(&state.caller).any(|fact| {
            fact.signed()
                && !before
                    .iter()
                    .any(|empty| empty.possible.iter().any(|other| other.site == fact.site))
        })
    };
    let goes_on = |exit: &Exit| matches!(exit, Exit::Continue | Exit::Break);
    let leaves = |exit: &Exit| matches!(exit, Exit::Return(_) | Exit::Throw(_));
    !before.is_empty()
        && !body.next.is_empty()
        && body.next.iter().all(asked)
        && body
            .exits
            .iter()
            .filter(|(_, exit)| goes_on(exit))
            .all(|(state, _)| asked(state))
        && body.exits.iter().any(|(_, exit)| leaves(exit))
}

/// What a loop variable is bound to.
fn element_of(iterable: &Value) -> Value {
    match iterable {
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .skip(1)
            .fold(items[0].clone(), |joined, item| joined.join(item)),
        other => Value::Unknown(other.provenance(), Presence::Maybe),
    }
}
