//! Remembered calls: what comes of a call that depends on nothing but what is known of its arguments is evaluated once, for
//! all handlers.
//!
//! What a handler may still spend must come out the same whoever was proved before it. So a remembered call has a budget of
//! its own, and whoever makes it pays for it as if nobody else had.

use std::hash::{Hash, Hasher};
use std::mem::replace;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use crate::graph::ModuleId;
use crate::syntax::{ClassId, FunctionId, MODULE_BODY, Name};

use super::call::{MAX_RECURSION, Use};
use super::ending::Ends;
use super::evaluator::{Call, Evaluator, MAX_DEPTH};
use super::facts::Fact;
use super::lasting::Lasting;
use super::paths::PathId;
use super::record::{Event, Failure, FirstWork, Place, Record};
use super::state::{Outcomes, State};
use super::target::Asked;
use super::value::{
    Chain, ClassValue, Closure, External, Object, OriginId, Presence, Provenance, Scope, Value,
};

/// Fuel for one remembered call.
const CALL_FUEL: u32 = 60_000;
/// Expressions evaluated for one remembered call, those of the remembered calls in it included.
const MOST_IN_CALL: u32 = 20_000;
/// Expressions that paths on which nothing has been done may still evaluate in a remembered call when all is spent.
const RESERVE_IN_CALL: u32 = 500;
/// The most that a remembered call takes of its caller's fuel.
const MOST_CHARGED: u32 = 150;

/// The most that a remembered call takes of its caller's reserve when nothing else is left. Without it every unit of the
/// reserve buys a call with a whole budget.
const MOST_OF_RESERVE: u32 = 20;

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
    known_in_front: bool,
    /// It is the handler itself, whose values its caller is told.
    answers: bool,
    used: Use,
    this: Option<ArgumentKey>,
    /// The variables of the functions around that it may read.
    around: Vec<(Name, ArgumentKey)>,
    /// What is kept on the request.
    kept: Vec<(PathId, ArgumentKey)>,
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
    Path(PathId, u32, Vec<OriginId>),
    External(Box<ExternalKey>),
    List(Vec<ArgumentKey>),
    /// One of a few.
    Choice(Vec<ArgumentKey>),
    Promise(Box<ArgumentKey>),
    Regex(Rc<str>),
    Namespace(ModuleId),
    /// A function of a module.
    Function(ModuleId, FunctionId),
    /// A class of a module.
    Class(ModuleId, ClassId),
    /// Something of a module, which is there for all handlers.
    Lasting(usize),
    /// Something that is not looked into.
    Address(usize),
}

/// An object, as far as it decides what a call does.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(super) struct ObjectKey {
    class: Option<ArgumentKey>,
    /// What its other fields came from, where there may be others.
    open: Option<(u32, Vec<OriginId>)>,
    fields: Vec<(Rc<str>, ArgumentKey)>,
}

/// A value of a package, as far as it decides what a call does.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(super) struct ExternalKey {
    path: PathId,
    provenance: (u32, Vec<OriginId>),
    receiver: Option<ArgumentKey>,
    args: Vec<ArgumentKey>,
}

impl ExternalKey {
    fn of(external: &External, depth: u8, lasting: &Lasting) -> Option<Self> {
        let receiver = match &external.receiver {
            Some(receiver) => Some(ArgumentKey::of_external(receiver, depth, lasting)?),
            None => None,
        };
        Some(Self {
            path: external.path,
            provenance: (external.provenance.bits.0, origins(&external.provenance)),
            receiver,
            args: keys(&external.args, depth, lasting)?,
        })
    }
}

fn keys(values: &[Value], depth: u8, lasting: &Lasting) -> Option<Vec<ArgumentKey>> {
    let keys = values.iter().map(|v| ArgumentKey::of(v, depth, lasting));
    keys.collect()
}

/// Objects with more fields than this, and longer lists, are told apart by their address.
const MAX_KEY_FIELDS: usize = 16;
/// Calls with more arguments than this are not remembered.
const MOST_ARGUMENTS: usize = 16;
/// How deep arguments are looked into.
const KEY_DEPTH: u8 = 3;
/// How deep what is made on the way is looked into for what can be told apart elsewhere.
const WIDENED_DEPTH: u8 = 2;

impl ObjectKey {
    fn of(object: &Object, depth: u8, lasting: &Lasting) -> Option<Self> {
        let fields = object.fields.iter();
        let key = |v| ArgumentKey::of(v, depth, lasting);
        let keys = fields.map(|(name, v)| Some((Rc::clone(name), key(v)?)));
        let class = object.class.as_ref();
        let open = object.open.as_ref();
        Some(Self {
            class: class.map(ArgumentKey::of_class),
            open: open.map(|open| (open.bits.0, origins(open))),
            fields: keys.collect::<Option<_>>()?,
        })
    }
}

/// The top of a module: nothing but the module is around what stands there.
fn is_at_top(scope: &Scope) -> bool {
    scope.function == MODULE_BODY && scope.parent.is_none()
}

fn origins(provenance: &Provenance) -> Vec<OriginId> {
    let origins = provenance.origins.as_ref();
    origins.map(|origins| origins.to_vec()).unwrap_or_default()
}

impl MemoKey {
    /// It holds no address: another handler may come to the same.
    fn is_lasting(&self) -> bool {
        let handler = match &self.what {
            Subject::Function(..) => None,
            Subject::Chain(_, _, handler) => handler.as_ref(),
        };
        let around = self.around.iter().map(|(_, key)| key);
        let kept = self.kept.iter().map(|(_, key)| key);
        let given = self.args.iter().chain(&self.this).chain(around).chain(kept);
        given.chain(handler).all(ArgumentKey::is_lasting)
    }
}

impl ArgumentKey {
    fn is_lasting(&self) -> bool {
        match self {
            // Lists are told apart by where they lie when paths meet, so what comes of one belongs to its handler.
            Self::Address(_) | Self::List(_) => false,
            Self::Object(object) => {
                let fields = object.fields.iter().map(|(_, key)| key);
                fields.chain(&object.class).all(Self::is_lasting)
            }
            Self::External(external) => {
                let mut parts = external.args.iter().chain(&external.receiver);
                parts.all(Self::is_lasting)
            }
            Self::Choice(options) => options.iter().all(Self::is_lasting),
            Self::Promise(inner) => inner.is_lasting(),
            _ => true,
        }
    }

    /// The key of what another call may be given too; `None` for what is known by its address.
    fn lasting(value: &Value, lasting: &Lasting) -> Option<Self> {
        Self::of(value, KEY_DEPTH, lasting).filter(Self::is_lasting)
    }

    pub fn of(value: &Value, depth: u8, lasting: &Lasting) -> Option<Self> {
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
            Value::Function(closure)
                if closure.this.is_none()
                    && closure.properties.is_none()
                    && is_at_top(&closure.scope) =>
            {
                Self::Function(closure.module, closure.function)
            }
            Value::External(external) => Self::of_external(external, depth, lasting)?,
            Value::Object(_) | Value::Array(_) | Value::Function(_) | Value::Native(_)
                if let Some(address) = lasting.address(value) =>
            {
                Self::Lasting(address)
            }
            Value::Object(object) if depth > 0 && object.fields.len() <= MAX_KEY_FIELDS => {
                Self::Object(Box::new(ObjectKey::of(object, depth - 1, lasting)?))
            }
            Value::Object(object) => Self::Address(Rc::as_ptr(object) as usize),
            Value::Function(closure) => Self::Address(Rc::as_ptr(closure) as usize),
            Value::Array(items) if depth > 0 && items.len() <= MAX_KEY_FIELDS => {
                Self::List(keys(items, depth - 1, lasting)?)
            }
            Value::Array(items) => Self::Address(Rc::as_ptr(items) as usize),
            Value::Class(class) => Self::of_class(class),
            Value::Choice(options) => Self::Choice(keys(options, depth, lasting)?),
            Value::Promise(v) => Self::Promise(Box::new(Self::of(v, depth, lasting)?)),
            Value::Regex(source) => Self::Regex(Rc::clone(source)),
            Value::Namespace(module) => Self::Namespace(*module),
            Value::Native(_) | Value::Response(_) => return None,
        })
    }

    fn of_class(class: &Rc<ClassValue>) -> Self {
        if is_at_top(&class.scope) {
            Self::Class(class.module, class.class)
        } else {
            Self::Address(Rc::as_ptr(class) as usize)
        }
    }

    fn of_external(external: &Rc<External>, depth: u8, lasting: &Lasting) -> Option<Self> {
        // The request and what it is made of are one for the whole handler.
        if external.args.is_empty() && external.receiver.is_none() {
            let provenance = &external.provenance;
            return Some(Self::Path(
                external.path,
                provenance.bits.0,
                origins(provenance),
            ));
        }
        if let Some(address) = lasting.address_of(external) {
            return Some(Self::Lasting(address));
        }
        if depth == 0 {
            return Some(Self::Address(Rc::as_ptr(external) as usize));
        }
        Some(Self::External(Box::new(ExternalKey::of(
            external,
            depth - 1,
            lasting,
        )?)))
    }
}

/// What came of a remembered call.
#[derive(Debug)]
pub(super) struct Memo {
    outcomes: Outcomes,
    events: Vec<(Event, Place)>,
    /// Paths that came to where a step in front of procedures hands on.
    arrivals: Outcomes,
    /// The first main work in it.
    work: Option<FirstWork>,
    /// It was too large to be evaluated wholly.
    exhausted: bool,
    /// It depends on more than its key.
    private: bool,
    /// What it asked of the handler's requests.
    asked: Asked,
    /// What functions inside functions set of the variables around them.
    set_inside: Vec<(SetInside, Value)>,
    /// Fuel that it took.
    cost: u32,
    /// It and the remembered calls in it, each with what was spent on it alone.
    spent: Box<[(MemoId, u32)]>,
    /// How many calls deep it went.
    depth: usize,
    /// The outermost running call on which something rests that was cut off in it.
    cut: usize,
    /// The outermost value of a module that it asked for while that was being evaluated: asked later, it is told something else.
    came_back: usize,
    /// The arguments and what is kept on the request: they keep the addresses in the key from being used again.
    #[expect(dead_code, reason = "held, never read")]
    kept: Vec<Value>,
    /// The functions that ran in it, and how often within themselves. Where one of them is running already, a call may see
    /// less, because recursion is bounded.
    ran: Box<[(Ran, usize)]>,
}

/// A variable of a function.
pub(super) type SetInside = (ModuleId, FunctionId, Name);

/// Tells remembered calls apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct MemoId {
    number: u32,
    /// It is kept for all handlers.
    lasting: bool,
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

/// Remembered calls.
#[derive(Default)]
pub(super) struct Memory {
    /// Those that come to the same for every handler.
    shared: FxHashMap<MemoKey, Rc<Memo>>,
    /// Those of the handler that is being evaluated.
    own: FxHashMap<MemoKey, Rc<Memo>>,
    /// Those of the handler in which something was cut off, by what was running around them.
    cut: FxHashMap<u64, FxHashMap<MemoKey, Rc<Memo>>>,
    /// How many there were.
    count: u32,
    /// Of the call that is being evaluated.
    running: Running,
    /// What was spent on each remembered call in it.
    spent: FxHashMap<MemoId, u32>,
    /// A value of a module is being evaluated, so `shared` are the calls that such values make.
    of_module: bool,
    /// Those, while something else is evaluated: they have no bounds but their fuel.
    of_modules: FxHashMap<MemoKey, Rc<Memo>>,
}

impl Memory {
    /// Begins something that belongs to no request; gives what is remembered of what runs now.
    pub fn begin_apart(&mut self, of_module: bool) -> Self {
        let mut around = std::mem::take(self);
        self.count = around.count;
        self.of_module = of_module;
        let known = around.calls_of_modules();
        if of_module {
            self.shared = known;
        } else {
            self.of_modules = known;
        }
        around
    }

    /// Goes on with what ran before.
    pub fn end_apart(&mut self, around: Self) {
        let count = self.count;
        let known = self.calls_of_modules();
        *self = around;
        self.count = count;
        if self.of_module {
            self.shared = known;
        } else {
            self.of_modules = known;
        }
    }

    fn calls_of_modules(&mut self) -> FxHashMap<MemoKey, Rc<Memo>> {
        std::mem::take(if self.of_module {
            &mut self.shared
        } else {
            &mut self.of_modules
        })
    }

    /// Makes ready for another handler.
    pub fn next_handler(&mut self) {
        self.own.clear();
        self.cut.clear();
        self.running = Running::default();
        self.spent.clear();
    }

    fn get(&self, key: &MemoKey) -> Option<Rc<Memo>> {
        let known = self.own.get(key).or_else(|| self.shared.get(key));
        known.map(Rc::clone)
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

/// What is counted and gathered for the call that is being evaluated.
#[derive(Default)]
struct Frame {
    fuel: u32,
    spent: u32,
    limit: u32,
    reserve: u32,
    exhausted: bool,
    private: bool,
    asked: Asked,
    class_decided: bool,
    cut: usize,
    deepest: usize,
    work_base: usize,
    first_work: Option<FirstWork>,
    record: Record,
    arrivals: Outcomes,
    told: FxHashSet<Place>,
    set_inside: FxHashMap<SetInside, Value>,
    running: Running,
    spent_on: FxHashMap<MemoId, u32>,
}

impl Evaluator<'_> {
    /// What something comes to that depends on nothing but its key: evaluated once, from a fresh start and with a budget of
    /// its own, so that it does not depend on who asks first.
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
        let caller = state.caller.clone();
        fresh.caller = caller.map(|caller| Fact { work: 0, ..caller });
        fresh.signed_in = state.signed_in;
        fresh.known_in_front.clone_from(&state.known_in_front);
        fresh.kept_on_request = Rc::clone(&state.kept_on_request);
        let kept_on_request = state.kept_on_request.iter().map(|(_, v)| v.clone());
        let kept = kept.into_iter().chain(kept_on_request).collect();
        let depth = self.calls.len();
        let around = self.swap(Frame {
            fuel: CALL_FUEL,
            limit: MOST_IN_CALL,
            reserve: RESERVE_IN_CALL,
            cut: usize::MAX,
            deepest: depth,
            work_base: depth,
            running: Running {
                begun_at: depth,
                ..Running::default()
            },
            ..Frame::default()
        });
        let cycle = replace(&mut self.cycle, usize::MAX);
        let mut outcomes = run(self, fresh);
        let came_back = replace(&mut self.cycle, cycle);
        let inside = self.swap(around);
        // What is cut off depends on who is running already.
        let whole = inside.cut >= depth;
        let lasting = whole
            && came_back == usize::MAX
            && !inside.private
            && inside.asked == Asked::default()
            && inside.arrivals.is_empty()
            && key.is_lasting();
        self.memory.count += 1;
        let id = MemoId {
            number: self.memory.count,
            lasting,
        };
        // Other handlers will not find those that are this handler's own, so they count as a part of the call.
        let of_others = inside.spent_on.iter().map(|(id, spent)| (*id, *spent));
        let of_others = of_others.filter(|(id, _)| id.lasting || !lasting);
        let mut spent: Vec<(MemoId, u32)> = of_others.collect();
        let alone = inside
            .spent
            .saturating_sub(spent.iter().map(|(_, spent)| spent).sum());
        spent.push((id, alone));
        let result = outcomes
            .iter()
            .map(|(after, flow)| (state.then(after), flow.clone()))
            .collect();
        // Nobody asks for the variables of whoever called first.
        let nowhere = Scope::module(state.scope.module);
        for (after, _) in &mut outcomes {
            after.scope = Rc::clone(&nowhere);
        }
        let memo = Rc::new(Memo {
            outcomes,
            events: inside.record.events,
            arrivals: inside.arrivals,
            work: inside.first_work,
            exhausted: inside.exhausted,
            private: inside.private,
            asked: inside.asked,
            set_inside: inside.set_inside.into_iter().collect(),
            cost: CALL_FUEL - inside.fuel,
            spent: spent.into_boxed_slice(),
            depth: inside.deepest.saturating_sub(depth),
            cut: if whole { usize::MAX } else { inside.cut },
            came_back,
            kept,
            ran: inside.running.ran.into_iter().collect(),
        });
        self.take_over(&memo, &state);
        let around = self.around();
        let memory = &mut self.memory;
        let known = if !whole {
            memory.cut.entry(around).or_default()
        } else if lasting {
            &mut memory.shared
        } else {
            &mut memory.own
        };
        known.insert(key, memo);
        result
    }

    /// Counts and gathers for another call from here on; gives what there was.
    fn swap(&mut self, new: Frame) -> Frame {
        let asked = self.target.take_asked();
        self.target.note(new.asked);
        Frame {
            asked,
            fuel: replace(&mut self.fuel, new.fuel),
            spent: replace(&mut self.spent, new.spent),
            limit: replace(&mut self.limit, new.limit),
            reserve: replace(&mut self.reserve, new.reserve),
            exhausted: replace(&mut self.exhausted, new.exhausted),
            private: replace(&mut self.private, new.private),
            class_decided: replace(&mut self.class_decided, new.class_decided),
            cut: replace(&mut self.cut, new.cut),
            deepest: replace(&mut self.deepest, new.deepest),
            work_base: replace(&mut self.work_base, new.work_base),
            first_work: replace(&mut self.first_work, new.first_work),
            record: replace(&mut self.record, new.record),
            arrivals: replace(&mut self.arrivals, new.arrivals),
            told: replace(&mut self.told, new.told),
            set_inside: replace(&mut self.set_inside, new.set_inside),
            running: replace(&mut self.memory.running, new.running),
            spent_on: replace(&mut self.memory.spent, new.spent_on),
        }
    }

    /// The outcome of a call that is remembered.
    fn recall(&mut self, key: &MemoKey, state: &State) -> Option<Outcomes> {
        let too_often =
            |(ran, often): &(Ran, usize)| often + running_now(*ran, &self.calls) > MAX_RECURSION;
        let fits = |known: &Rc<Memo>| {
            self.calls.len() + known.depth <= MAX_DEPTH && !known.ran.iter().any(too_often)
        };
        let known = self.memory.get(key).filter(fits).or_else(|| {
            let cut = self.memory.cut.get(&self.around())?;
            cut.get(key).map(Rc::clone)
        })?;
        self.take_over(&known, state);
        let after = |(after, flow): &(State, super::state::Flow)| (state.then(after), flow.clone());
        Some(known.outcomes.iter().map(after).collect())
    }

    /// Stands for the functions that are running: what is cut off depends on them.
    fn around(&self) -> u64 {
        let mut hasher = FxHasher::default();
        for call in &self.calls {
            (call.module, call.function).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// What was found and spent in a remembered call was found and spent here, whether it was evaluated for this handler or for
    /// an earlier one: what a handler may still spend comes out the same whoever was proved before it.
    fn take_over(&mut self, memo: &Memo, state: &State) {
        let left = self.left();
        let mut spent_now = 0;
        for (id, spent) in &memo.spent {
            if self.memory.spent.insert(*id, *spent).is_none() {
                spent_now += spent;
            }
        }
        self.spent += spent_now;
        let beyond = spent_now.saturating_sub(left);
        self.reserve = self.reserve.saturating_sub(beyond.min(MOST_OF_RESERVE));
        // It will not be evaluated again, so it takes little of the fuel.
        self.fuel = self.fuel.saturating_sub(memo.cost.min(MOST_CHARGED));
        self.exhausted |= memo.exhausted;
        self.private |= memo.private;
        self.target.note(memo.asked);
        for (variable, v) in &memo.set_inside {
            let known = self
                .set_inside
                .entry(*variable)
                .or_insert_with(|| v.clone());
            *known = known.join(v);
        }
        for (function, often) in &memo.ran {
            self.memory.ran_within(*function, *often, &self.calls);
        }
        self.deepest = self.deepest.max(self.calls.len() + memo.depth);
        self.cut = self.cut.min(memo.cut);
        self.cycle = self.cycle.min(memo.came_back);
        self.meet_work(memo.work.as_ref());
        if self.muted == 0 {
            for (event, place) in &memo.events {
                self.record.add(event.clone(), *place);
            }
        }
        let arrived = memo.arrivals.iter();
        self.arrivals
            .extend(arrived.map(|(after, flow)| (state.then(after), flow.clone())));
    }

    /// Something that a function of others is given when it is known who is calling, or when work was done, as far as it is told
    /// apart there: what was made on the way for this handler alone, and is no part of it, is only known by where it came from.
    /// So what comes of the call serves other handlers too.
    pub fn widened(&self, v: Value) -> Value {
        self.widened_within(v, WIDENED_DEPTH)
    }

    fn widened_within(&self, v: Value, depth: u8) -> Value {
        if ArgumentKey::lasting(&v, &self.lasting).is_some() {
            return v;
        }
        match v {
            Value::Function(ref closure) if self.is_written_in(closure, |_| true) => v,
            Value::Native(_) | Value::Response(_) | Value::Choice(_) => v,
            Value::Promise(inner) => {
                Value::Promise(Rc::new(self.widened_within(Value::clone(&inner), depth)))
            }
            Value::Object(object) if depth > 0 && object.fields.len() <= MAX_KEY_FIELDS => {
                let fields = object.fields.iter();
                let widened = |(name, v): &(Rc<str>, Value)| {
                    (Rc::clone(name), self.widened_within(v.clone(), depth - 1))
                };
                Value::Object(Rc::new(Object {
                    fields: fields.map(widened).collect(),
                    open: object.open.clone(),
                    class: object.class.clone(),
                }))
            }
            // What it is of a package stays known.
            Value::External(external) => Value::External(Rc::new(External {
                path: external.path,
                args: Vec::new(),
                receiver: None,
                provenance: external.provenance.clone(),
            })),
            // Of data, where each part of it came from is told apart: what was sent is checked, what was looked up is not.
            Value::Object(_) if !v.is_service() => v,
            v => {
                let presence = if v.truth() == Some(true) {
                    Presence::Truthy
                } else {
                    Presence::Maybe
                };
                Value::Unknown(v.provenance(), presence)
            }
        }
    }

    /// Identifies a call whose outcome depends on nothing but what the key holds; `None` for others.
    pub fn call_key(
        &mut self,
        closure: &Closure,
        this: Option<&Value>,
        args: &[Value],
        state: &State,
        own: bool,
        used: Use,
    ) -> Option<MemoKey> {
        if state.answered.is_some() || args.len() > MOST_ARGUMENTS {
            return None;
        }
        let this = match this {
            Some(this) => Some(ArgumentKey::of(this, KEY_DEPTH, &self.lasting)?),
            None => None,
        };
        let what = Subject::Function(closure.module, closure.function);
        if is_at_top(&closure.scope) {
            let key = self.key(what, own, args, state, used)?;
            return Some(MemoKey { this, ..key });
        }
        if own {
            return None;
        }
        let key = self.key(what, own, args, state, used)?;
        // What was made on the way is rarely met again.
        if !key.is_lasting() || this.as_ref().is_some_and(|this| !this.is_lasting()) {
            return None;
        }
        let around = self.around_key(closure)?;
        Some(MemoKey {
            this,
            around,
            ..key
        })
    }

    /// The variables around a function that it may read; `None` where it sets some of them.
    fn around_key(&mut self, closure: &Closure) -> Option<Vec<(Name, ArgumentKey)>> {
        if !self.written(closure).is_empty() {
            return None;
        }
        let named = self.named_in(closure);
        let mut keys = Vec::new();
        let mut scope = Some(&closure.scope);
        while let Some(current) = scope {
            for (name, v) in &current.variables {
                let is_hidden = || keys.iter().any(|(known, _)| known == name);
                if named.binary_search(name).is_ok() && !is_hidden() {
                    if keys.len() >= MAX_KEY_FIELDS {
                        return None;
                    }
                    keys.push((*name, ArgumentKey::lasting(v, &self.lasting)?));
                }
            }
            scope = current.parent.as_ref();
        }
        Some(keys)
    }

    /// Identifies the rest of a chain; `None` when what comes of it depends on more than that.
    pub fn chain_key(&self, chain: &Chain, state: &State) -> Option<MemoKey> {
        if state.answered.is_some() {
            return None;
        }
        let handler = match &chain.handler {
            Some(handler) => Some(ArgumentKey::of(handler, 1, &self.lasting)?),
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
        let args = keys(args, KEY_DEPTH, &self.lasting)?;
        let kept = state.kept_on_request.iter();
        let kept: Option<Vec<_>> = kept
            .map(|(path, v)| Some((*path, ArgumentKey::of(v, KEY_DEPTH, &self.lasting)?)))
            .collect();
        Some(MemoKey {
            what,
            home: self.home.filter(|_| own),
            failure: self.failure(),
            catching: self.catching > 0,
            muted: self.muted > 0,
            known: state.caller.is_some(),
            signed_in: state.signed_in,
            known_in_front: state.known_in_front.is_some(),
            answers: self.calls.is_empty() && self.ends == Ends::Value,
            used,
            this: None,
            around: Vec::new(),
            kept: kept?,
            args,
        })
    }
}
