//! Limiters of the repository's own, that only their answer tells.
//!
//! Whatever a condition asks, if it answers 429 it limits how often something is done. How often is read from what a stored count is
//! held against and when it is forgotten.

use crate::graph::ModuleId;
use crate::syntax::{
    BinaryOp, Expr, ExprId, LogicalOp, ModuleRecord, Pattern, Stmt, StmtKind, UnaryOp,
};

use super::evaluator::Evaluator;
use super::facts::Site;
use super::limits::window_text;
use super::record::{Event, Place};
use super::state::{Flow, State};
use super::statement::{Completion, Exit, turns_away};
use super::value::{Bits, Value};

impl Evaluator<'_> {
    /// Before the branches of a condition run: notes which paths leave the function because something is not there, or pass a
    /// limiter of which it is known beforehand what it says.
    pub fn foresee_limit(
        &mut self,
        (module, test): (ModuleId, ExprId),
        (then, otherwise): (&[Stmt], &[Stmt]),
        bits: Bits,
        (yes, no): (&mut [State], &mut [State]),
    ) {
        if yes.is_empty()
            && !no.is_empty()
            && otherwise.is_empty()
            && self.says_too_many(module, test, then)
        {
            let site = self.site(module, test);
            for state in no {
                state.missing = Some(site);
            }
            return;
        }
        let returns = matches!(
            then.last().map(|stmt| &stmt.kind),
            Some(StmtKind::Return(_))
        );
        if !returns
            || !(is_missing(self.module(module), test, 4) || super::expression::configured(bits))
        {
            return;
        }
        let site = self.site(module, test);
        for state in yes {
            // Who comes without credentials, or with another input, is another caller.
            let others = if state.caller.is_some() {
                Bits::CHECKED
            } else {
                Bits::CHECKED.with(Bits::IDENTITY.with(Bits::CREDENTIAL))
            };
            if !bits.has(others) || bits.has(Bits::ANSWER) && !bits.has(Bits::IDENTITY) {
                state.missing = Some(site);
            }
        }
    }

    /// After the branches of a condition have run: where one only answers that too many requests were made, the condition asked a
    /// limiter.
    pub fn note_limit(
        &mut self,
        (module, test): (ModuleId, ExprId),
        yes: &mut Completion,
        no: &mut Completion,
    ) {
        let site = self.site(module, test);
        match (too_many(yes), too_many(no)) {
            (true, false) => limit(yes, no, site, true),
            (false, true) => limit(no, yes, site, false),
            _ => return,
        }
        self.note_compared(module, test, too_many(yes));
    }

    /// After both values that a condition chooses between are known: where one is the answer that too many requests were made, the
    /// condition asked a limiter, `allowed ? null : tooMany()`.
    pub fn note_limit_chosen(
        &mut self,
        (module, test): (ModuleId, ExprId),
        yes: &mut [(State, Flow)],
        no: &mut [(State, Flow)],
    ) {
        let too_many = |way: &(State, Flow)| super::ending::is_too_many(&way.1, &way.0);
        if yes.is_empty() || no.is_empty() {
            return;
        }
        let (away, on, arm) = if yes.iter().all(too_many) && !no.iter().any(too_many) {
            (yes, no, true)
        } else if no.iter().all(too_many) && !yes.iter().any(too_many) {
            (no, yes, false)
        } else {
            return;
        };
        let site = self.site(module, test);
        away.iter_mut()
            .for_each(|(state, _)| decide(state, site, arm));
        on.iter_mut()
            .for_each(|(state, _)| decide(state, site, !arm));
    }

    /// No path was counted yet, and some may be told here that they come too often: what decides that was asked before.
    pub fn may_be_told_apart(
        &mut self,
        (module, test): (ModuleId, ExprId),
        then: &[Stmt],
        states: &[State],
    ) -> bool {
        states.len() > 1
            && self.muted == 0
            && states.iter().all(|state| state.counted.is_none())
            && self.says_too_many(module, test, then)
    }

    /// After the branches of a condition have run on several paths, on each of which it was decided before: where some are only told
    /// that too many requests were made and others go on, a limiter was asked on both, `const { limited } = await check(ip)`.
    pub fn note_limit_between(
        &mut self,
        (module, test): (ModuleId, ExprId),
        ways: &mut [Completion],
    ) {
        let goes_on = |way: &Completion| way.exits.is_empty();
        let away = |way: &Completion| way.next.is_empty() && too_many(way);
        let known = |state: &State| state.caller.is_some();
        let told = ways.iter().find(|way| away(way));
        let Some(told) = told.and_then(|way| way.exits.first().map(|(state, _)| known(state)))
        else {
            return;
        };
        if !ways.iter().any(goes_on) {
            return;
        }
        let site = self.site(module, test);
        for way in ways {
            if away(way) {
                for (state, _) in &mut way.exits {
                    decide(state, site, true);
                }
            } else if goes_on(way) {
                // Those who are known may not be counted at all.
                for state in way.next.iter_mut().filter(|state| known(state) == told) {
                    decide(state, site, false);
                    state.missing = state.missing.filter(|missing| *missing != site);
                }
            }
        }
    }

    /// What is compared where 429 is answered: a count with the number that it may not exceed, the time that has passed with a window.
    /// `away`: it is answered where the condition holds.
    fn note_compared(&mut self, module: ModuleId, test: ExprId, away: bool) {
        let record = self.module(module);
        let mut open = vec![(test, away)];
        while let Some((expr, away)) = open.pop() {
            match record.expr(expr) {
                Expr::Logical { left, right, .. } => open.extend([(*left, away), (*right, away)]),
                Expr::Unary {
                    op: UnaryOp::Not,
                    operand,
                } => open.push((*operand, !away)),
                Expr::Binary { op, left, right } => {
                    let Some((number, first)) = self.compared.get(&(module, expr)).copied() else {
                        continue;
                    };
                    let passed = [*left, *right].iter().any(|side| {
                        matches!(
                            record.expr(*side),
                            Expr::Binary {
                                op: BinaryOp::Subtract,
                                ..
                            }
                        )
                    });
                    let span = record.span(expr);
                    let event = match passed {
                        true if number >= SHORTEST_WINDOW => Event::Expiry(number as u64),
                        false if is_excess(*op, first) == away => Event::HeldAgainst(number as u32),
                        _ => continue,
                    };
                    self.event(event, Place { module, span });
                }
                _ => {}
            }
        }
    }

    /// `Date.now() + WINDOW`: when something is forgotten.
    pub fn note_deadline(&mut self, (left, right): (&Value, &Value), state: &State, id: ExprId) {
        let window = |v: &Value| {
            let known = match v {
                Value::Number(n) => Some(*n),
                v => self.default_of(v),
            };
            known.filter(|n| (SHORTEST_WINDOW..1e11).contains(n))
        };
        let (Some(window), None) = (window(right), window(left)) else {
            return;
        };
        let record = self.module(state.scope.module);
        if let Expr::Binary { left, .. } = record.expr(id)
            && is_now(record, *left, id)
        {
            let place = self.place(state, id);
            self.event(Event::Expiry(window as u64), place);
        }
    }

    /// The block behind the condition names the status that says that too many requests were made.
    fn says_too_many(&mut self, module: ModuleId, test: ExprId, block: &[Stmt]) -> bool {
        let (Some(first), Some(last)) = (block.first(), block.last()) else {
            return false;
        };
        if !matches!(last.kind, StmtKind::Return(_) | StmtKind::Throw(_)) {
            return false;
        }
        if let Some(known) = self.too_many.get(&(module, test)) {
            return *known;
        }
        let record = self.module(module);
        let says = record.exprs.iter().zip(&record.spans).any(|(expr, span)| {
            span.start >= first.span.start
                && span.end <= last.span.end
                && match expr {
                    Expr::Number(number) => *number == 429.0,
                    Expr::String(text) => text.eq_ignore_ascii_case("TOO_MANY_REQUESTS"),
                    Expr::Name(name) => record.name(*name).contains("TooManyRequests"),
                    _ => false,
                }
        });
        self.too_many.insert((module, test), says);
        says
    }

    /// Notes the number that counted events must not exceed.
    pub fn hold_against(&mut self, left: &Value, right: &Value, state: &State, id: ExprId) {
        let number = |v: &Value| match v {
            Value::Number(n) => Some(*n),
            v => self.default_of(v),
        };
        let (most, held) = match (number(left), number(right)) {
            (Some(n), None) => (n, right),
            (None, Some(n)) => (n, left),
            _ => {
                // What it was held against for another caller is not what it is held against here.
                self.compared.remove(&(state.scope.module, id));
                return;
            }
        };
        if !(1.0..1e9).contains(&most) {
            return;
        }
        if !held.provenance().bits.has(Bits::EVENTS) {
            let first = std::ptr::eq(held, right);
            self.compared
                .insert((state.scope.module, id), (most, first));
            return;
        }
        let most = most as u32;
        let place = self.place(state, id);
        self.event(Event::HeldAgainst(most), place);
    }

    /// The limit of a stored count: what it is held against, and when it is forgotten. Of several it cannot be told which
    /// belong together.
    pub(super) fn limit_at_home(&self) -> Option<String> {
        let mut counts = Vec::new();
        let mut windows = Vec::new();
        for (event, _) in &self.record.events {
            match event {
                Event::HeldAgainst(count) if !counts.contains(count) => counts.push(*count),
                Event::Expiry(window) if !windows.contains(window) => windows.push(*window),
                _ => {}
            }
        }
        match (&counts[..], &windows[..]) {
            ([count], [window]) => {
                Some(format!("{count}/{}", window_text(*window as f64 / 1000.0)))
            }
            _ => None,
        }
    }
}

/// `count > 10`, `10 < count`: it holds where the number is exceeded or reached.
fn is_excess(op: BinaryOp, number_first: bool) -> bool {
    match op {
        BinaryOp::Greater | BinaryOp::GreaterEqual => !number_first,
        BinaryOp::Less | BinaryOp::LessEqual => number_first,
        _ => false,
    }
}

/// Milliseconds: what is shorter is no window.
const SHORTEST_WINDOW: f64 = 1000.0;

/// `Date.now()`, or a variable of the same function that was set to it.
fn is_now(record: &ModuleRecord, expr: ExprId, within: ExprId) -> bool {
    let asks_clock = |expr: ExprId| {
        let Expr::Call { callee, args, .. } = record.expr(expr) else {
            return false;
        };
        let Expr::Member {
            object, property, ..
        } = record.expr(*callee)
        else {
            return false;
        };
        args.is_empty()
            && match record.expr(*object) {
                Expr::Name(name) => record.name(*name) == "Date" && record.name(*property) == "now",
                Expr::New { callee, args } => {
                    let date = matches!(record.expr(*callee), Expr::Name(name) if record.name(*name) == "Date");
                    date && args.is_empty() && record.name(*property) == "getTime"
                }
                _ => false,
            }
    };
    let Expr::Name(name) = record.expr(expr) else {
        return asks_clock(expr);
    };
    let span = record.span(within);
    let around = record
        .functions
        .iter()
        .filter(|function| function.span.start <= span.start && span.end <= function.span.end);
    around
        .flat_map(|function| &function.body)
        .any(|stmt| match &stmt.kind {
            StmtKind::Let {
                pattern: Pattern::Name(set),
                init: Some(init),
            } => set == name && asks_clock(*init),
            _ => false,
        })
}

/// The condition holds where something is not there: `!x`, `!x || !y.z`, `x == null`.
fn is_missing(record: &ModuleRecord, test: ExprId, depth: u8) -> bool {
    let plain = |id: ExprId| {
        matches!(
            record.expr(id),
            Expr::Name(_) | Expr::Member { .. } | Expr::Call { .. } | Expr::Await(_)
        )
    };
    match record.expr(test) {
        Expr::Unary {
            op: UnaryOp::Not,
            operand,
        } => plain(*operand),
        Expr::Binary {
            op: BinaryOp::Equal { .. },
            left,
            right,
        } => plain(*left) && matches!(record.expr(*right), Expr::Null | Expr::Undefined),
        Expr::Logical {
            op: LogicalOp::Or,
            left,
            right,
        } if depth > 0 => {
            is_missing(record, *left, depth - 1) && is_missing(record, *right, depth - 1)
        }
        _ => false,
    }
}

/// All of these paths are turned away, and some with the status that says that too many requests were made.
fn too_many(completion: &Completion) -> bool {
    turns_away(completion)
        && completion.exits.iter().any(|(state, exit)| {
            let flow = match exit {
                Exit::Throw(error) => Err(error.clone()),
                Exit::Return(value) => Ok(value.clone()),
                Exit::Break | Exit::Continue => return false,
            };
            super::ending::is_too_many(&flow, state)
        })
}

/// Whatever was asked at this condition, its answer limits how often something is done: `away` is told so, `on` is not.
fn limit(away: &mut Completion, on: &mut Completion, site: Site, arm: bool) {
    away.exits
        .iter_mut()
        .for_each(|(state, _)| decide(state, site, arm));
    on.next
        .iter_mut()
        .for_each(|state| decide(state, site, !arm));
    on.exits
        .iter_mut()
        .for_each(|(state, _)| decide(state, site, !arm));
}

/// The path went this way at a limiter's answer.
fn decide(state: &mut State, site: Site, arm: bool) {
    *state = state.clone().limited(site, arm);
}
