//! Limits: what a limiter allows, as far as it can be read, and limiters that only their answer tells.
//!
//! Whatever a condition asks, if it answers 429 it limits how often something is done. The count and the window are read from the
//! arguments of a package's limiter, or from what a stored count is held against and when it is forgotten.

use std::borrow::Cow;
use std::rc::Rc;

use crate::graph::ModuleId;
use crate::rule::{Api, LimitShape, Meaning};
use crate::syntax::{
    BinaryOp, Expr, ExprId, LogicalOp, ModuleRecord, Pattern, Stmt, StmtKind, UnaryOp,
};

use super::evaluator::{Evaluator, Origin};
use super::expression::binary;
use super::guards::Judgement;
use super::paths::PathId;
use super::record::{Event, Place};
use super::state::{Site, State};
use super::statement::{Completion, Exit, turns_away};
use super::value::{Bits, External, Object, Presence, Provenance, Value};

impl<'a> Evaluator<'a> {
    // --- limiters that only their answer tells -----------------------------------------------------------------

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

    // --- counts and windows ------------------------------------------------------------------------------------

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

    // --- numbers that configuration may change --------------------------------------------------------------------

    /// `process.env.MAX_REQUESTS || '100'`
    pub fn is_configured_number(&self, configured: &Value, otherwise: &Value) -> bool {
        let from_one_place = match configured {
            Value::Unknown(provenance, _) => {
                provenance.bits == Bits::CONFIG
                    && provenance
                        .origins
                        .as_ref()
                        .is_some_and(|all| all.len() == 1)
            }
            _ => false,
        };
        from_one_place && number_of(otherwise).is_some()
    }

    /// What is configured, with the number that holds otherwise.
    pub fn defaulted(&mut self, configured: &Value, otherwise: &Value) -> Value {
        let origins = configured.provenance().origins;
        let origin = origins.and_then(|all| all.first().copied());
        let (Some(origin), Some(number)) = (origin, number_of(otherwise)) else {
            return configured.clone();
        };
        let Origin { place, note, .. } = &self.origins[origin.0 as usize];
        let (place, note) = (*place, format!("{note}, {number} by default"));
        let id = self.origin(place, &note, None, false);
        self.defaults.insert(id, number);
        let presence = match otherwise.truth() {
            Some(true) => Presence::Truthy,
            _ => Presence::Maybe,
        };
        Value::Unknown(Provenance::at(Bits::CONFIG, id), presence)
    }

    /// The number that a value has unless the configuration says otherwise.
    pub fn default_of(&self, value: &Value) -> Option<f64> {
        if self.defaults.is_empty() {
            return None;
        }
        let Value::Unknown(provenance, _) = value else {
            return None;
        };
        match provenance.origins.as_ref()?.as_slice() {
            [origin] => self.defaults.get(origin).copied(),
            _ => None,
        }
    }

    /// `computed`, with what comes out by default where it is computed from such a number.
    pub fn computed_default(
        &mut self,
        op: BinaryOp,
        (left, right): (&Value, &Value),
        computed: Value,
        (state, id): (&State, ExprId),
    ) -> Value {
        let (a, b) = (self.default_of(left), self.default_of(right));
        let Some(from) = a.map(|_| left).or(b.map(|_| right)) else {
            return computed;
        };
        let provenance = computed.provenance();
        let origins = from.provenance().origins;
        let Some(origin) = origins.and_then(|all| all.first().copied()) else {
            return computed;
        };
        let (Some(a), Some(b)) = (a.or(number_of(left)), b.or(number_of(right))) else {
            // It is another number now, and nobody knows which.
            return Value::Unknown(Provenance::of(provenance.bits), Presence::Maybe);
        };
        let note = Rc::clone(&self.origins[origin.0 as usize].note);
        let place = self.place(state, id);
        let id = self.origin(place, &note, None, false);
        if let Value::Number(n) = binary(op, &Value::Number(a), &Value::Number(b)) {
            self.defaults.insert(id, n);
        }
        Value::Unknown(Provenance::at(provenance.bits, id), Presence::Maybe)
    }

    /// Arguments with their defaults in place of what is configured.
    pub fn with_defaults<'v>(&self, args: &'v [Value]) -> Cow<'v, [Value]> {
        let is_configured = |v: &Value| match v {
            Value::Object(object) => {
                let mut fields = object.fields.iter();
                fields.any(|(_, v)| self.default_of(v).is_some())
            }
            v => self.default_of(v).is_some(),
        };
        if self.defaults.is_empty() || !args.iter().any(is_configured) {
            return Cow::Borrowed(args);
        }
        let plain = |v: &Value| self.default_of(v).map_or_else(|| v.clone(), Value::Number);
        let args = args.iter().map(|v| match v {
            Value::Object(object) => {
                let mut object = Object::clone(object);
                for (_, v) in &mut object.fields {
                    *v = plain(v);
                }
                Value::Object(Rc::new(object))
            }
            v => plain(v),
        });
        Cow::Owned(args.collect())
    }

    /// The count and window of the limiter that a call asks.
    pub fn limit_of(&self, external: &External, args: &[Value]) -> Option<String> {
        let mut found = None;
        let mut current = Some(external);
        let mut args = args;
        for _ in 0..8 {
            let Some(external) = current else { break };
            found = self
                .limit_in(external.path, args)
                .or_else(|| self.limit_in(external.path, &external.args));
            if found.is_some() {
                break;
            }
            args = &[];
            current = external.receiver.as_deref();
        }
        found
    }

    fn limit_in(&self, path: PathId, args: &[Value]) -> Option<String> {
        let shape = self
            .paths
            .known(path)
            .api
            .and_then(|api| api.limit.as_ref());
        if let Some(text) = shape.and_then(|shape| limit_text(shape, &self.with_defaults(args))) {
            return Some(text);
        }
        args.iter().find_map(|arg| self.limit_within(arg, 3))
    }

    fn limit_within(&self, v: &Value, depth: u8) -> Option<String> {
        match v {
            Value::External(external) => {
                let asked = external
                    .receiver
                    .as_ref()
                    .map_or(external.path, |receiver| receiver.path);
                let shape = self
                    .paths
                    .known(asked)
                    .api
                    .filter(|api| api.is == Meaning::LimitWindow)?
                    .limit
                    .as_ref()?;
                limit_text(shape, &self.with_defaults(&external.args))
            }
            Value::Object(object) if depth > 0 => object
                .fields
                .iter()
                .find_map(|(_, v)| self.limit_within(v, depth - 1)),
            _ => None,
        }
    }

    /// The limits of these guards, else of whatever limiter was asked.
    pub fn limit_of_guards(&self, judgement: &Judgement) -> Option<String> {
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
        if limits.is_empty() {
            return self.limit_at_home();
        }
        Some(limits.join(","))
    }

    /// The limit of a stored count: what it is held against, and when it is forgotten. Of several it cannot be told which
    /// belong together.
    fn limit_at_home(&self) -> Option<String> {
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
            op: BinaryOp::Equal,
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
    let decide = |state: &mut State, arm: bool| {
        *state = state.clone().limited(site, arm);
    };
    away.exits
        .iter_mut()
        .for_each(|(state, _)| decide(state, arm));
    on.next.iter_mut().for_each(|state| decide(state, !arm));
    on.exits
        .iter_mut()
        .for_each(|(state, _)| decide(state, !arm));
}

/// A number, or a text that is one.
fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => Some(*n),
        Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    }
}

/// `30/1m` from the arguments of a limiter.
/// The limiter that a library's handler brings along, with its limit; nothing where there is none, or it is switched off.
pub(super) fn own_limit(api: &Api, handler: &External, args: &[Value]) -> Option<Option<String>> {
    let own = api.own_limit.as_ref()?;
    let options = args
        .iter()
        .find_map(|arg| option_of(arg, &own.option, 0))
        .or_else(|| option_within(handler, &own.option, 0));
    match options {
        Some(Value::Object(options))
            if matches!(options.get(&own.switch), Some(Value::Bool(false))) =>
        {
            None
        }
        Some(options) => Some(limit_text(&own.limit, &[options])),
        None => Some(None),
    }
}

/// An option of the calls that made a thing: `betterAuth({ rateLimit })` of `toNextJsHandler(auth).GET`.
fn option_within(made: &External, option: &str, depth: u8) -> Option<Value> {
    let by_args = made
        .args
        .iter()
        .find_map(|arg| option_of(arg, option, depth));
    by_args.or_else(|| option_within(made.receiver.as_ref()?, option, depth + 1))
}

fn option_of(value: &Value, option: &str, depth: u8) -> Option<Value> {
    match value {
        Value::Object(options) => options.get(option).cloned(),
        Value::External(made) if depth < MOST_MAKERS => option_within(made, option, depth + 1),
        _ => None,
    }
}

/// More calls than this do not make one thing.
const MOST_MAKERS: u8 = 6;

pub(super) fn limit_text(shape: &LimitShape, args: &[Value]) -> Option<String> {
    let count = match pick(&shape.count, args) {
        Some(Value::Number(count)) => count,
        Some(Value::String(text)) => text.trim().parse().ok()?,
        // What is computed is not what the library takes by default.
        _ if is_given(&shape.count, args) => return None,
        _ => shape.default_count?,
    };
    let seconds = match window_of(shape, args) {
        Some(seconds) => seconds,
        None if is_given(&shape.window, args) => return None,
        None => shape.default_window?,
    };
    Some(format!("{count}/{}", window_text(seconds)))
}

/// The window that the arguments give, in seconds.
pub(super) fn window_of(shape: &LimitShape, args: &[Value]) -> Option<f64> {
    match pick(&shape.window, args)? {
        Value::Number(n) if shape.unit == "ms" => Some(n / 1000.0),
        Value::Number(n) => Some(n),
        Value::String(text) => seconds_of(&text),
        _ => None,
    }
}

/// One of the names is among the arguments, whatever its value.
pub(super) fn is_given(names: &[String], args: &[Value]) -> bool {
    names.iter().any(|name| match name.parse::<usize>() {
        Ok(at) => args
            .get(at)
            .is_some_and(|arg| !matches!(arg, Value::Undefined)),
        Err(_) => args.iter().any(|arg| match arg {
            Value::Object(object) => {
                let given = object.get(name);
                given.is_some_and(|given| !matches!(given, Value::Undefined))
            }
            _ => false,
        }),
    })
}

/// The argument at a position (`0`), or in an object of options by its key.
fn pick(names: &[String], args: &[Value]) -> Option<Value> {
    let constant = |v: &&Value| matches!(v, Value::Number(_) | Value::String(_));
    names.iter().find_map(|name| match name.parse::<usize>() {
        Ok(at) => args.get(at).filter(constant).cloned(),
        Err(_) => args.iter().find_map(|arg| match arg {
            Value::Object(object) => object.get(name).filter(constant).cloned(),
            _ => None,
        }),
    })
}

/// Seconds of `10 s`, `1m`, `2 hours`.
fn seconds_of(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let count: f64 = text.get(..digits)?.parse().ok()?;
    let unit = text.get(digits..)?.trim().to_ascii_lowercase();
    let scale = match unit.as_str() {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "second" | "seconds" | "" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Some(count * scale)
}

/// `1m` of 60 seconds.
fn window_text(seconds: f64) -> String {
    for (unit, size) in [("d", 86_400.0), ("h", 3600.0), ("m", 60.0)] {
        if seconds >= size && seconds % size == 0.0 {
            return format!("{}{unit}", seconds / size);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::{seconds_of, window_text};

    #[test]
    fn windows_are_written_in_the_largest_whole_unit() {
        assert_eq!(window_text(60.0), "1m");
        assert_eq!(window_text(900.0), "15m");
        assert_eq!(window_text(90.0), "90s");
        assert_eq!(window_text(86_400.0), "1d");
        assert_eq!(seconds_of("10 s"), Some(10.0));
        assert_eq!(seconds_of("1h"), Some(3600.0));
        assert_eq!(seconds_of("soon"), None);
    }
}
