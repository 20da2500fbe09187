//! Remembered calls: what comes of a call that depends on nothing but what is known of its arguments is evaluated once.
//!
//! They serve one handler: what a large handler may still spend must come out the same whoever was proved before it.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::graph::ModuleId;
use crate::syntax::{ClassId, FunctionId, MODULE_BODY};

use super::call::{MAX_RECURSION, Use};
use super::evaluator::{Call, Evaluator, MAX_DEPTH};
use super::paths::PathId;
use super::record::{Event, Failure, FirstWork, Place};
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
    failure: Failure,
    catching: bool,
    muted: bool,
    known: bool,
    signed_in: bool,
    used: Use,
    args: Vec<ArgumentKey>,
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
    /// The functions that ran in it, and how often within themselves. Where one of them is running already, a call may see
    /// less, because recursion is bounded.
    ran: Box<[(Ran, usize)]>,
}

/// A function that ran.
type Ran = (ModuleId, FunctionId);

/// The functions that run in a call.
#[derive(Default, Debug)]
pub(super) struct Running {
    /// How often each ran within itself, those of the calls inside included.
    ran: FxHashMap<Ran, usize>,
    /// How many calls were running when it began.
    begun_at: usize,
}

/// The remembered calls of the handler that is being evaluated.
#[derive(Default)]
pub(super) struct Memory {
    known: FxHashMap<MemoKey, Rc<Memo>>,
    /// Of the call that is being evaluated.
    running: Running,
}

impl Memory {
    /// Makes ready for another handler.
    pub fn next_handler(&mut self) {
        self.known.clear();
        self.running = Running::default();
    }

    /// A function runs, the innermost of those that are running.
    pub fn run(&mut self, running: &[Call]) {
        if let Some(call) = running.last() {
            self.ran_within((call.module, call.function), 0, running);
        }
    }

    /// A function ran so often within itself, in a call that was made from what is running.
    fn ran_within(&mut self, ran: Ran, often: usize, running: &[Call]) {
        let since = running.get(self.running.begun_at..).unwrap_or_default();
        let often = often + running_now(ran, since);
        let known = self.running.ran.entry(ran).or_default();
        *known = often.max(*known);
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
        fresh.signed_in = state.signed_in;
        let fuel = std::mem::replace(&mut self.fuel, CALL_FUEL);
        let record = std::mem::take(&mut self.record);
        let arrivals = std::mem::take(&mut self.arrivals);
        let cut = std::mem::replace(&mut self.cut, usize::MAX);
        let deepest = std::mem::replace(&mut self.deepest, self.calls.len());
        let class_decided = self.class_decided;
        let begun = Running {
            begun_at: self.calls.len(),
            ..Running::default()
        };
        let around = std::mem::replace(&mut self.memory.running, begun);
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
        let running = std::mem::replace(&mut self.memory.running, around);
        self.class_decided = class_decided;
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
        let ran: Box<[(Ran, usize)]> = running.ran.into_iter().collect();
        for (function, often) in &ran {
            self.memory.ran_within(*function, *often, &self.calls);
        }
        if !whole {
            return result;
        }
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
            ran,
        });
        self.memory.known.insert(key, memo);
        result
    }

    /// The outcome of a call that is remembered.
    fn recall(&mut self, key: &MemoKey, state: &State) -> Option<Outcomes> {
        let known = Rc::clone(self.memory.known.get(key)?);
        let too_often =
            |(ran, often): &(Ran, usize)| often + running_now(*ran, &self.calls) > MAX_RECURSION;
        if self.calls.len() + known.depth > MAX_DEPTH || known.ran.iter().any(too_often) {
            return None;
        }
        if self.global_depth == 0 {
            if known.need > self.left() {
                return None;
            }
            self.needs(self.spent - self.frame + known.need);
        }
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
        Some(known.outcomes.iter().map(after).collect())
    }

    /// Paths that arrived in a remembered call arrive behind what was done before it.
    fn arrive_behind(&mut self, state: &State, inside: &Outcomes) {
        let arrived = inside.iter();
        self.arrivals
            .extend(arrived.map(|(after, flow)| (state.then(after), flow.clone())));
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
            home: self.home.filter(|_| own),
            failure: self.failure(),
            catching: self.catching > 0,
            muted: self.muted > 0,
            known: state.caller.is_some(),
            signed_in: state.signed_in,
            used,
            args,
        })
    }
}
