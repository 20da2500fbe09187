//! Remembered calls: what comes of a call that depends on nothing but what is known of its arguments is evaluated once.
//!
//! What a handler is charged for a call does not depend on who asked first: it pays for everything that it would have
//! evaluated by itself, once.

use std::cell::Cell;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::graph::ModuleId;
use crate::syntax::{ClassId, FunctionId, MODULE_BODY};

use super::call::{MAX_RECURSION, Use};
use super::evaluator::{Call, Evaluator, MAX_DEPTH, most_spent};
use super::paths::PathId;
use super::record::{Event, FirstWork, Place};
use super::state::{Outcomes, State};
use super::value::{Chain, Closure, Object, OriginId, Presence, Provenance, Scope, Value};

/// Fuel for one remembered call.
const CALL_FUEL: u32 = 30_000;
/// The most that a remembered call takes of its caller's fuel.
const MOST_CHARGED: u32 = 150;

/// Identifies a remembered call.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(super) struct MemoKey {
    what: Subject,
    /// The handler's module, where calls may belong to the handler itself.
    home: Option<ModuleId>,
    caught: bool,
    catching: bool,
    muted: bool,
    known: bool,
    used: Use,
    args: Vec<ArgumentKey>,
}

impl MemoKey {
    /// It holds the address of a value, and such values are made anew for every handler.
    fn holds_address(&self) -> bool {
        matches!(self.what, Subject::Chain(..)) || self.args.iter().any(ArgumentKey::holds_address)
    }
}

/// What is remembered.
#[derive(PartialEq, Eq, Hash, Debug)]
enum Subject {
    Function(ModuleId, FunctionId),
    /// The rest of a chain: the address of its layers, from which of them on, and its handler.
    Chain(usize, usize, Option<ArgumentKey>),
}

/// An argument, as far as it decides what a call does.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(super) enum ArgumentKey {
    Undefined,
    Null,
    Bool(bool),
    Number(u64),
    String(Rc<str>),
    Unknown(u32, bool, Vec<OriginId>),
    Object(Box<ObjectKey>),
    Path(PathId, u32),
    Address(usize),
}

/// An object, as far as it decides what a call does.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(super) struct ObjectKey {
    class: Option<(ModuleId, ClassId)>,
    /// What its other fields came from, where there may be others.
    open: Option<(u32, Vec<OriginId>)>,
    fields: Vec<(Rc<str>, ArgumentKey)>,
}

/// Objects with more fields than this are told apart by their address.
const MAX_KEY_FIELDS: usize = 16;

impl ObjectKey {
    fn of(object: &Object, depth: u8) -> Option<Self> {
        let fields = object.fields.iter();
        let keys = fields
            .map(|(name, v)| Some((Rc::clone(name), ArgumentKey::of(v, depth.checked_sub(1)?)?)));
        let class = object.class.as_ref();
        let open = object.open.as_ref();
        Some(Self {
            class: class.map(|class| (class.module, class.class)),
            open: open.map(|open| (open.bits.0, origins(open))),
            fields: keys.collect::<Option<_>>()?,
        })
    }
}

fn origins(provenance: &Provenance) -> Vec<OriginId> {
    let origins = provenance.origins.as_ref();
    origins.map(|origins| origins.to_vec()).unwrap_or_default()
}

impl ArgumentKey {
    pub fn of(value: &Value, depth: u8) -> Option<Self> {
        Some(match value {
            Value::Undefined => Self::Undefined,
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => Self::Number(number.to_bits()),
            Value::String(text) => Self::String(Rc::clone(text)),
            Value::Unknown(provenance, presence) => {
                let present = *presence == Presence::Truthy;
                Self::Unknown(provenance.bits.0, present, origins(provenance))
            }
            Value::Object(object) if depth > 0 && object.fields.len() <= MAX_KEY_FIELDS => {
                Self::Object(Box::new(ObjectKey::of(object, depth)?))
            }
            Value::Object(object) => Self::Address(Rc::as_ptr(object) as usize),
            Value::Function(closure) => Self::Address(Rc::as_ptr(closure) as usize),
            // The request and what it is made of are one for the whole handler.
            Value::External(external)
                if external.args.is_empty() && external.receiver.is_none() =>
            {
                Self::Path(external.path, external.provenance.bits.0)
            }
            Value::External(external) => Self::Address(Rc::as_ptr(external) as usize),
            Value::Array(items) => Self::Address(Rc::as_ptr(items) as usize),
            Value::Class(class) => Self::Address(Rc::as_ptr(class) as usize),
            _ => return None,
        })
    }

    fn holds_address(&self) -> bool {
        match self {
            Self::Address(_) => true,
            Self::Object(object) => object.fields.iter().any(|(_, field)| field.holds_address()),
            _ => false,
        }
    }
}

/// What came of a remembered call.
#[derive(Debug)]
pub(super) struct Memo {
    outcomes: Outcomes,
    events: Vec<(Event, Place)>,
    /// Paths that came to where a step in front of procedures hands on.
    arrivals: Outcomes,
    /// What must be left to spend for it to be evaluated wholly.
    need: u32,
    /// The first main work in it.
    work: Option<FirstWork>,
    /// Fuel that it took.
    cost: u32,
    /// How many calls deep it went.
    depth: usize,
    /// The arguments: they keep the addresses in the key from being used again.
    #[expect(dead_code, reason = "held, never read")]
    kept: Vec<Value>,
    spending: Spending,
    /// The functions that ran in it, and how often within themselves. Where one of them is running already, a call may see
    /// less, because recursion is bounded.
    ran: Box<[(Ran, usize)]>,
    /// The handler that has paid for it last.
    paid_by: Cell<u32>,
}

/// A function that ran.
type Ran = (ModuleId, FunctionId);

/// What a call evaluates by itself, and the remembered calls that it makes.
#[derive(Clone, Default, Debug)]
pub(super) struct Spending {
    /// Expressions evaluated.
    spent: u32,
    /// Pieces of main work seen.
    works: u32,
    calls: Vec<Rc<Memo>>,
    /// Functions that ran, those of the calls included, and how often within themselves.
    ran: FxHashMap<Ran, usize>,
    /// How many calls were running when it began.
    begun_at: usize,
    /// It looked at what differs between handlers: the request's method and path, the names of its parameters.
    looked_at_request: bool,
}

impl Spending {
    fn call(&mut self, memo: Rc<Memo>) {
        if !self.calls.iter().any(|known| Rc::ptr_eq(known, &memo)) {
            self.calls.push(memo);
        }
    }
}

/// The remembered calls.
#[derive(Default)]
pub(super) struct Memory {
    /// Those of the handler that is being evaluated.
    own: FxHashMap<MemoKey, Rc<Memo>>,
    /// Those that serve every handler.
    shared: FxHashMap<MemoKey, Rc<Memo>>,
    /// Number of the handler.
    handler: u32,
    /// Of the call that is being evaluated.
    spending: Spending,
}

/// What was being evaluated when something else came between.
pub(super) struct Aside {
    own: FxHashMap<MemoKey, Rc<Memo>>,
    spending: Spending,
}

impl Memory {
    /// Makes ready for another handler.
    pub fn next_handler(&mut self) {
        self.own.clear();
        // What a large handler may still spend has to come out the same whoever ran before it on this thread, and with
        // rations of fuel it does not yet: so nothing is kept from one handler to the next.
        self.shared.clear();
        self.handler += 1;
        self.spending = Spending::default();
    }

    /// Keeps apart what is evaluated about no request; [`Self::come_back`] ends it.
    pub fn step_aside(&mut self) -> Aside {
        Aside {
            own: std::mem::take(&mut self.own),
            spending: std::mem::take(&mut self.spending),
        }
    }

    /// Goes on with what was being evaluated.
    pub fn come_back(&mut self, aside: Aside) {
        self.own = aside.own;
        self.spending = aside.spending;
    }

    /// A function runs, the innermost of those that are running.
    pub fn run(&mut self, running: &[Call]) {
        if let Some(call) = running.last() {
            self.ran_within((call.module, call.function), 0, running);
        }
    }

    /// A function ran so often within itself, in a call that was made from what is running.
    fn ran_within(&mut self, ran: Ran, often: usize, running: &[Call]) {
        let since = running.get(self.spending.begun_at..).unwrap_or_default();
        let often = often + running_now(ran, since);
        let known = self.spending.ran.entry(ran).or_default();
        *known = often.max(*known);
    }

    /// What is being evaluated depends on the request's method, path or parameters.
    pub fn look_at_request(&mut self) {
        self.spending.looked_at_request = true;
    }

    fn known(&self, key: &MemoKey) -> Option<&Rc<Memo>> {
        self.own.get(key).or_else(|| self.shared.get(key))
    }

    /// Makes the handler pay for what it has not paid for in a call and in the calls that it makes, in expressions and pieces
    /// of work; nothing, and no payment, when that is more than it may spend, having spent and seen so much.
    fn pay(&self, memo: &Rc<Memo>, before: (u32, u32)) -> Option<(u32, u32)> {
        let mut paid: Vec<(&Memo, u32)> = Vec::new();
        let (mut spent, mut works) = (0, 0);
        let mut pending: Vec<&Memo> = vec![memo];
        while let Some(next) = pending.pop() {
            if next.paid_by.get() == self.handler {
                continue;
            }
            paid.push((next, next.paid_by.replace(self.handler)));
            spent += next.spending.spent;
            works += next.spending.works;
            pending.extend(next.spending.calls.iter().map(|memo| &**memo));
        }
        if !paid.is_empty() && before.0 + spent > most_spent(before.1 + works) {
            for (memo, payer) in paid {
                memo.paid_by.set(payer);
            }
            return None;
        }
        Some((spent, works))
    }
}

/// How often a function is running.
fn running_now(ran: Ran, running: &[Call]) -> usize {
    let same = |call: &&Call| (call.module, call.function) == ran;
    running.iter().filter(same).count()
}

impl Evaluator<'_> {
    /// What something comes to that depends on nothing but its key: evaluated once, from a fresh start and with fuel of its
    /// own, so that it does not depend on who asks first.
    pub fn remembered(
        &mut self,
        key: MemoKey,
        kept: Vec<Value>,
        state: State,
        run: impl FnOnce(&mut Self, State) -> Outcomes,
    ) -> Outcomes {
        if let Some(outcomes) = self.recall(&key, &state) {
            return outcomes;
        }
        let mut fresh = State::new(Rc::clone(&state.scope));
        fresh.caller.clone_from(&state.caller);
        let fuel = std::mem::replace(&mut self.fuel, CALL_FUEL);
        let record = std::mem::take(&mut self.record);
        let arrivals = std::mem::take(&mut self.arrivals);
        let cut = std::mem::replace(&mut self.cut, usize::MAX);
        let deepest = std::mem::replace(&mut self.deepest, self.calls.len());
        let (spent, works) = (self.spent, self.works);
        let class_decided = self.class_decided;
        let begun = Spending {
            begun_at: self.calls.len(),
            ..Spending::default()
        };
        let around = std::mem::replace(&mut self.memory.spending, begun);
        let starved = self.starved;
        let frame = self.begin_frame();
        let work = self.first_work.take();
        let base = std::mem::replace(&mut self.work_base, self.calls.len());
        let mut outcomes = run(self, fresh);
        self.work_base = base;
        let met = std::mem::replace(&mut self.first_work, work);
        self.meet_work(met.as_ref());
        let need = self.end_frame(frame);
        self.needs(frame.0 + need);
        let mut spending = std::mem::replace(&mut self.memory.spending, around);
        self.class_decided = class_decided;
        let (inside_spent, inside_works) = (spending.spent, spending.works);
        // What the calls inside have cost is theirs.
        spending.spent = self.spent - spent - inside_spent;
        spending.works = self.works - works - inside_works;
        let cost = CALL_FUEL - self.fuel;
        self.fuel = fuel;
        self.charge(cost);
        let events = std::mem::replace(&mut self.record, record).events;
        for (event, place) in &events {
            self.record.add(event.clone(), *place);
        }
        let inside = std::mem::replace(&mut self.arrivals, arrivals);
        self.arrive_behind(&state, &inside);
        let depth = self.deepest.saturating_sub(self.calls.len());
        // What ran out is not kept: the next who asks may have more.
        let whole = self.cut >= self.calls.len() && self.starved == starved;
        self.cut = self.cut.min(cut);
        self.deepest = self.deepest.max(deepest);
        let result = outcomes
            .iter()
            .map(|(after, flow)| (state.then(after), flow.clone()))
            .collect();
        let ran: Box<[(Ran, usize)]> = std::mem::take(&mut spending.ran).into_iter().collect();
        for (function, often) in &ran {
            self.memory.ran_within(*function, *often, &self.calls);
        }
        let around = &mut self.memory.spending;
        around.looked_at_request |= spending.looked_at_request;
        if !whole {
            // It will be evaluated again, so it belongs to whoever called.
            around.spent += inside_spent;
            around.works += inside_works;
            spending.calls.drain(..).for_each(|memo| around.call(memo));
            return result;
        }
        around.spent += self.spent - spent;
        around.works += self.works - works;
        let serves_all = !spending.looked_at_request && !key.holds_address();
        // Nobody asks for the variables of whoever called first.
        let nowhere = Scope::module(state.scope.module);
        for (after, _) in &mut outcomes {
            after.scope = Rc::clone(&nowhere);
        }
        let memo = Rc::new(Memo {
            outcomes,
            events,
            arrivals: inside,
            need,
            work: met,
            cost,
            depth,
            kept,
            spending,
            ran,
            paid_by: Cell::new(self.payer()),
        });
        self.memory.spending.call(Rc::clone(&memo));
        let memory = &mut self.memory;
        let known = if serves_all {
            &mut memory.shared
        } else {
            &mut memory.own
        };
        known.insert(key, memo);
        result
    }

    /// The outcome of a call that is remembered, paid for.
    fn recall(&mut self, key: &MemoKey, state: &State) -> Option<Outcomes> {
        let known = Rc::clone(self.memory.known(key)?);
        let too_often =
            |(ran, often): &(Ran, usize)| often + running_now(*ran, &self.calls) > MAX_RECURSION;
        if self.calls.len() + known.depth > MAX_DEPTH || known.ran.iter().any(too_often) {
            return None;
        }
        if self.payer() != 0 {
            if known.need > self.left() {
                return None;
            }
            let (spent, works) = self.memory.pay(&known, (self.spent, self.works))?;
            self.needs(self.spent - self.frame + known.need);
            self.spent += spent;
            self.works += works;
            self.memory.spending.spent += spent;
            self.memory.spending.works += works;
        }
        self.memory.spending.looked_at_request |= known.spending.looked_at_request;
        for (function, often) in &known.ran {
            self.memory.ran_within(*function, *often, &self.calls);
        }
        self.deepest = self.deepest.max(self.calls.len() + known.depth);
        self.charge(known.cost);
        self.meet_work(known.work.as_ref());
        if self.muted == 0 {
            for (event, place) in &known.events {
                self.record.add(event.clone(), *place);
            }
        }
        self.arrive_behind(state, &known.arrivals);
        let after = |(after, flow): &(State, super::state::Flow)| (state.then(after), flow.clone());
        let outcomes = known.outcomes.iter().map(after).collect();
        self.memory.spending.call(known);
        Some(outcomes)
    }

    /// Paths that arrived in a remembered call arrive behind what was done before it.
    fn arrive_behind(&mut self, state: &State, inside: &Outcomes) {
        let arrived = inside.iter();
        self.arrivals
            .extend(arrived.map(|(after, flow)| (state.then(after), flow.clone())));
    }

    /// The handler that pays for what is evaluated now: none for what modules define.
    fn payer(&self) -> u32 {
        if self.global_depth == 0 {
            self.memory.handler
        } else {
            0
        }
    }

    /// What a call takes of the caller's fuel: little, because it will not be evaluated again.
    fn charge(&mut self, cost: u32) {
        self.fuel = self.fuel.saturating_sub(cost.min(MOST_CHARGED));
    }

    /// Identifies a call whose outcome depends on nothing but what the key holds; `None` for others.
    pub fn call_key(
        &self,
        closure: &Closure,
        this: Option<&Value>,
        args: &[Value],
        state: &State,
        own: bool,
        used: Use,
    ) -> Option<MemoKey> {
        let at_top = closure.scope.function == MODULE_BODY && closure.scope.parent.is_none();
        if !at_top || this.is_some() || state.answered.is_some() || args.len() > 8 {
            return None;
        }
        let what = Subject::Function(closure.module, closure.function);
        self.key(what, own, args, state, used)
    }

    /// Identifies the rest of a chain; `None` when what comes of it depends on more than that.
    pub fn chain_key(&self, chain: &Chain, state: &State) -> Option<MemoKey> {
        if state.answered.is_some() {
            return None;
        }
        let handler = match &chain.handler {
            Some(handler) => Some(ArgumentKey::of(handler, 1)?),
            None => None,
        };
        let layers = Rc::as_ptr(&chain.layers) as usize;
        let what = Subject::Chain(layers, chain.at, handler);
        self.key(what, self.own(), &chain.args, state, Use::Awaited)
    }

    fn key(
        &self,
        what: Subject,
        own: bool,
        args: &[Value],
        state: &State,
        used: Use,
    ) -> Option<MemoKey> {
        let args = args
            .iter()
            .map(|arg| ArgumentKey::of(arg, 3))
            .collect::<Option<Vec<_>>>()?;
        Some(MemoKey {
            what,
            home: own.then_some(self.home),
            caught: self.protection.iter().any(|protects| *protects),
            catching: self.catching > 0,
            muted: self.muted > 0,
            known: state.caller.is_some(),
            used,
            args,
        })
    }
}
