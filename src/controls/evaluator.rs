//! The abstract evaluator: its tables and its bounds.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, ModuleId};
use crate::rule::ControlLibrary;
use crate::syntax::{ClassId, ExprId, Function, FunctionId, ModuleRecord, Name};

use super::definitions::Global;
use super::ending::Ends;
use super::facts::Site;
use super::lasting::Lasting;
use super::memo::{Memory, SetInside};
use super::names::Names;
use super::paths::Paths;
use super::record::{Event, Failure, FirstWork, Place, Record};
use super::state::{Outcomes, State};
use super::target::Target;
use super::team::TeamControls;
use super::value::{Bits, ClassValue, Closure, External, OriginId, Provenance, Scope, Value};

/// Expressions evaluated for one handler before the rest counts as unseen.
const FUEL: u32 = 60_000;
/// Expressions evaluated for one handler in all, those of remembered calls included.
const MOST_SPENT: u32 = 20_000;
/// From here on the paths that have done main work go no further: guards stand in front of it, and what is left serves the
/// paths that have not come to theirs.
const MOST_SPENT_AT_WORK: u32 = 14_000;
/// The same in code that is not the handler's own. What else it does is left out, and counts as unseen only where it holds something
/// of the request: elsewhere hardly a guard stands behind so much work.
const MOST_SPENT_AT_WORK_OF_OTHERS: u32 = 4_000;

/// Expressions evaluated in a call of code that is not the handler's own once it is known who is calling, before the rest of it
/// is left out: nobody is turned away there for who they are, and what it does was seen.
const MOST_FOR_KNOWN: u32 = 1_000;
/// The same where main work was done in it.
const MOST_BEHIND_WORK: u32 = 300;

/// A call gets at least this much of what is left.
const LEAST_RATION: u32 = 400;

/// Expressions that paths on which nothing has been done may still evaluate when all is spent: what turns them away often
/// stands right behind what others spent it on.
const RESERVE: u32 = 2_000;

/// Expressions evaluated for one module-level value.
const MODULE_FUEL: u32 = 8_000;
/// Calls within calls before a callee counts as unseen.
pub(super) const MAX_DEPTH: usize = 16;

/// Stands for the place from which a framework calls a handler: no expression of any module.
pub(super) const FRAMEWORK: ExprId = ExprId(u32::MAX);

/// Why a value has its meaning: shown as evidence.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub place: Place,
    pub note: Rc<str>,
    /// For limiters.
    pub limit: Option<Rc<str>>,
    /// It rests on a name alone.
    pub by_name: bool,
    /// It is a part of the configuration.
    pub setting: Option<SettingKind>,
}

/// What a part of the configuration is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SettingKind {
    Secret,
    Plain,
}

/// Place, note and limit of an origin.
type OriginKey = (Place, Rc<str>, Option<Rc<str>>);

/// A call that is being evaluated.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub module: ModuleId,
    pub function: FunctionId,
    /// The handler, or a wrapper or helper that acts for it.
    pub own: bool,
    /// The caller's variables at the time of the call.
    pub caller: Rc<Scope>,
    /// What becomes of its result.
    pub used: super::call::Use,
    /// How many entries of `protection` belong to the callers.
    pub protection: usize,
    /// What had been spent when it began.
    pub began: u32,
}

/// Evaluates handlers, one at a time. Values of module-level names are kept between handlers.
pub(super) struct Evaluator<'a> {
    pub graph: &'a Graph,
    pub paths: Paths<'a>,
    pub library: &'a ControlLibrary,
    pub team: &'a TeamControls,
    /// What `NODE_ENV` says: what production looks like is what is asked, unless that is nothing.
    pub environment: &'static str,
    pub origins: Vec<Origin>,
    origin_ids: FxHashMap<OriginKey, OriginId>,
    /// The numbers that hold where the configuration read at these places gives none.
    pub defaults: FxHashMap<OriginId, f64>,
    sites: FxHashMap<(ModuleId, ExprId), Site>,
    pub site_places: Vec<Place>,
    pub globals: FxHashMap<(ModuleId, Name), Global>,
    /// What modules keep in members of the runtime's global object.
    pub kept_globally: FxHashMap<(ModuleId, Name), Global>,
    pub initialisers: FxHashMap<(ModuleId, ExprId), Value>,
    /// Where the values of module-level names lie.
    pub lasting: Lasting,
    /// What classes of modules extend.
    pub superclasses: FxHashMap<(ModuleId, ClassId), Value>,
    pub names: Names,
    /// Whether what stands behind a condition names the status that says that too many requests were made.
    pub too_many: FxHashMap<(ModuleId, ExprId), bool>,
    /// The numbers that comparisons hold something against, and whether they are written first.
    pub compared: FxHashMap<(ModuleId, ExprId), (f64, bool)>,
    /// What variables of a function were set to by functions written inside it that others called.
    pub set_inside: FxHashMap<SetInside, Value>,
    /// How many module-level names are being evaluated.
    pub global_depth: usize,
    /// The outermost of them that something inside came back to.
    pub cycle: usize,
    pub record: Record,
    /// Above zero nothing is recorded: the code runs at another time than the handler.
    pub muted: u32,
    pub fuel: u32,
    pub calls: Vec<Call>,
    /// One entry per `try` that is being evaluated: what its handler makes of a failure.
    pub protection: Vec<Failure>,
    /// Within a `catch` block.
    pub catching: u32,
    /// The next function that is called belongs to the handler: it is a layer of the handler's chain.
    pub acting: bool,
    /// The next function that runs may take all that may still be spent.
    pub whole: bool,
    /// What the handler's requests have in common.
    pub target: Target,
    /// The module of the handler; none while what stands in front of handlers of several modules is run for all of them.
    pub home: Option<ModuleId>,
    /// Calls whose outcome is known.
    pub memory: Memory,
    /// The outermost running call on which a cut recursion rests.
    pub cut: usize,
    /// The deepest call so far.
    pub deepest: usize,
    /// Expressions evaluated for this handler so far.
    pub spent: u32,
    /// The handler was too large to be evaluated wholly.
    pub exhausted: bool,
    /// How much may have been spent when the running call ends.
    pub limit: u32,
    /// What is left of [`RESERVE`].
    pub reserve: u32,
    /// What runs at another time and was seen: where it is handed over.
    pub told: FxHashSet<Place>,
    /// It depends on more than its key: on what layers keep in the context, or on where it hands on.
    pub private: bool,
    /// The first main work that was met.
    pub first_work: Option<FirstWork>,
    /// The calls around the one that is being remembered.
    pub work_base: usize,
    /// A condition on the class of the request was decided.
    pub class_decided: bool,
    /// How many calls run within the executor of a promise, itself included: what it calls is waited for by whoever waits for the
    /// promise.
    pub executing: Option<usize>,
    /// Behind the statement that begins, an error is thrown.
    pub refuses_next: bool,
    /// Paths that came to where a step before procedures hands on, with what it hands on.
    pub arrivals: Outcomes,
    /// The handler is run for what it hands on to procedures.
    pub arriving: bool,
    /// Middleware of a router is run for what it hands on; so many paths had come to that before.
    pub stepping: Option<usize>,
    pub steps: super::steps::Steps,
    /// What layers keep in the request's context for those behind them.
    pub kept: Vec<(Rc<str>, Value)>,
    /// What stands behind the names of services.
    pub services: FxHashMap<(ModuleId, ClassId), Value>,
    /// The contracts that values serve, by address; the value is held so that the address stays its own.
    pub contracts: FxHashMap<usize, (Value, Option<Rc<super::contract::Contract>>)>,
    /// What serves a contract hands the request on to its endpoints.
    pub serving: bool,
    /// How the handler may end.
    pub ends: Ends,
}

impl<'a> Evaluator<'a> {
    pub fn new(graph: &'a Graph, library: &'a ControlLibrary, team: &'a TeamControls) -> Self {
        Self {
            graph,
            paths: Paths::new(library),
            library,
            team,
            environment: "production",
            origins: Vec::new(),
            origin_ids: FxHashMap::default(),
            defaults: FxHashMap::default(),
            sites: FxHashMap::default(),
            site_places: Vec::new(),
            globals: FxHashMap::default(),
            kept_globally: FxHashMap::default(),
            initialisers: FxHashMap::default(),
            lasting: Lasting::default(),
            superclasses: FxHashMap::default(),
            names: Names::default(),
            too_many: FxHashMap::default(),
            compared: FxHashMap::default(),
            set_inside: FxHashMap::default(),
            global_depth: 0,
            cycle: usize::MAX,
            record: Record::default(),
            muted: 0,
            fuel: FUEL,
            calls: Vec::new(),
            protection: Vec::new(),
            catching: 0,
            acting: false,
            whole: false,
            target: Target::default(),
            home: None,
            memory: Memory::default(),
            cut: usize::MAX,
            deepest: 0,
            spent: 0,
            exhausted: false,
            limit: u32::MAX,
            reserve: RESERVE,
            told: FxHashSet::default(),
            private: false,
            first_work: None,
            work_base: 1,
            class_decided: false,
            executing: None,
            refuses_next: false,
            arrivals: Outcomes::new(),
            arriving: false,
            stepping: None,
            steps: super::steps::Steps::default(),
            kept: Vec::new(),
            services: FxHashMap::default(),
            contracts: FxHashMap::default(),
            serving: false,
            ends: Ends::Handler,
        }
    }

    /// Makes ready for another handler; what modules define stays known.
    pub fn reset(&mut self, home: Option<ModuleId>, target: Target) {
        self.record = Record::default();
        self.muted = 0;
        self.fuel = FUEL;
        self.calls.clear();
        self.protection.clear();
        self.catching = 0;
        self.acting = false;
        self.whole = false;
        self.target = target;
        self.home = home;
        self.cut = usize::MAX;
        self.deepest = 0;
        self.spent = 0;
        self.exhausted = false;
        self.limit = u32::MAX;
        self.reserve = RESERVE;
        self.told.clear();
        self.set_inside.clear();
        self.compared.clear();
        self.private = false;
        self.first_work = None;
        self.work_base = 1;
        self.memory.next_handler();
        self.arrivals.clear();
        self.arriving = false;
        self.serving = false;
        self.ends = Ends::Handler;
        self.kept.clear();
    }

    /// How much may still be spent.
    pub fn left(&self) -> u32 {
        MOST_SPENT.min(self.limit).saturating_sub(self.spent)
    }

    /// Takes one unit of fuel for an expression; without fuel the path goes on blindly.
    pub fn spend_on(&mut self, state: &mut State) -> bool {
        let for_handler = self.global_depth == 0;
        if for_handler && self.is_aside(state) {
            if !self.exhausted && self.catching == 0 && state.caller.is_none() {
                self.exhausted = state.scope.holds_of_request();
            }
            return false;
        }
        let may_go_on =
            self.left() > 0 && (!for_handler || state.work == 0 || self.spent < MOST_SPENT_AT_WORK);
        if self.fuel > 0 && may_go_on {
            self.fuel -= 1;
            self.spent += 1;
            return true;
        }
        if for_handler && self.fuel > 0 && state.work == 0 && self.reserve > 0 {
            self.reserve -= 1;
            self.fuel -= 1;
            return true;
        }
        // What a catch does on its way decides nothing.
        self.exhausted |= for_handler && self.catching == 0;
        state.blind |= state.work == 0;
        false
    }

    /// A function that is not the handler's own has spent more than what it still does is worth.
    fn is_aside(&self, state: &State) -> bool {
        let most = match (&state.caller, state.worked_for_known()) {
            (Some(_), true) => MOST_BEHIND_WORK,
            (Some(_), false) => MOST_FOR_KNOWN,
            (None, _) => u32::MAX,
        };
        let in_all = if state.work > 0 {
            MOST_SPENT_AT_WORK_OF_OTHERS
        } else {
            u32::MAX
        };
        if self.spent <= most.min(in_all) {
            return false;
        }
        let running = self.calls.last().filter(|call| !call.own);
        running
            .is_some_and(|call| self.spent > in_all || self.spent.saturating_sub(call.began) > most)
    }

    /// Runs something with a part of what may still be spent, so that whatever stands behind it is still seen.
    pub fn rationed<T>(&mut self, (part, of): (u32, u32), work: impl FnOnce(&mut Self) -> T) -> T {
        if self.global_depth > 0 {
            return work(self);
        }
        let left = self.left();
        let ration = (left / of * part).max(left.min(LEAST_RATION));
        let limit = std::mem::replace(&mut self.limit, self.spent + ration);
        let result = work(self);
        self.limit = limit;
        result
    }

    pub fn module(&self, id: ModuleId) -> &'a ModuleRecord {
        self.graph.module(id)
    }

    pub fn place(&self, state: &State, expr: ExprId) -> Place {
        let module = state.scope.module;
        Place {
            module,
            span: self
                .module(module)
                .spans
                .get(expr.0 as usize)
                .copied()
                .unwrap_or_default(),
        }
    }

    pub fn site(&mut self, module: ModuleId, expr: ExprId) -> Site {
        if let Some(&site) = self.sites.get(&(module, expr)) {
            return site;
        }
        let site = Site(u32::try_from(self.site_places.len()).unwrap_or(u32::MAX));
        self.site_places.push(Place {
            module,
            span: self
                .graph
                .module(module)
                .spans
                .get(expr.0 as usize)
                .copied()
                .unwrap_or_default(),
        });
        self.sites.insert((module, expr), site);
        site
    }

    pub fn origin(
        &mut self,
        place: Place,
        note: &str,
        limit: Option<Rc<str>>,
        by_name: bool,
    ) -> OriginId {
        let key = (place, Rc::<str>::from(note), limit);
        if let Some(&known) = self.origin_ids.get(&key) {
            return known;
        }
        let id = OriginId(u32::try_from(self.origins.len()).unwrap_or(u32::MAX));
        self.origins.push(Origin {
            place,
            note: Rc::clone(&key.1),
            limit: key.2.clone(),
            by_name,
            setting: None,
        });
        self.origin_ids.insert(key, id);
        id
    }

    /// A part of the configuration that explains a value.
    pub fn setting_origin(&mut self, place: Place, note: &str, kind: SettingKind) -> OriginId {
        let id = self.origin(place, note, None, false);
        self.origins[id.0 as usize].setting = Some(kind);
        id
    }

    pub fn event(&mut self, event: Event, place: Place) {
        // Whoever asks for the caller's name to report a failure turns nobody away.
        let reported = self.catching > 0 && event == Event::Identity;
        // What middleware logs of its own failure, the handler behind it does not log.
        let of_step = self.catching > 0
            && self.calls.len() == 1
            && self.stepping == Some(self.arrivals.len())
            && matches!(event, Event::Log { .. });
        if self.muted == 0 && !reported && !of_step {
            self.record.add(event, place);
        }
    }

    /// What becomes of a failure at the place that runs now.
    pub fn failure(&self) -> Failure {
        self.protection
            .iter()
            .copied()
            .max()
            .unwrap_or(Failure::Escapes)
    }

    /// Input was read here.
    pub fn input(&mut self, bits: Bits, place: Place) {
        let at_home = Some(place.module) == self.home && self.own();
        self.event(
            if at_home {
                Event::Input(bits)
            } else {
                Event::InputAtHand(bits)
            },
            place,
        );
    }

    /// Evaluates something that runs at another time than the handler, of which only the logging counts: once, and with little
    /// of what may be spent.
    pub fn logs_of(&mut self, place: Place, work: impl FnOnce(&mut Self)) {
        if self.muted > 0 || !self.own() || !self.told.insert(place) {
            return;
        }
        let record = std::mem::take(&mut self.record);
        let protection = std::mem::take(&mut self.protection);
        let catching = std::mem::take(&mut self.catching);
        let exhausted = self.exhausted;
        self.rationed((1, 16), work);
        self.exhausted = exhausted;
        self.protection = protection;
        self.catching = catching;
        let seen = std::mem::replace(&mut self.record, record);
        for (event, place) in seen.events {
            if matches!(event, Event::Log { .. }) {
                self.record.add(event, place);
            }
        }
    }

    /// The function that runs now belongs to the handler itself.
    pub fn own(&self) -> bool {
        self.calls.last().is_none_or(|call| call.own)
    }

    /// Evaluates something that runs at another time than the handler: nothing is recorded.
    pub fn aside<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.muted += 1;
        let protection = std::mem::take(&mut self.protection);
        let catching = std::mem::take(&mut self.catching);
        let result = work(self);
        self.protection = protection;
        self.catching = catching;
        self.muted -= 1;
        result
    }

    pub fn external(&self, path: super::paths::PathId, provenance: Provenance) -> Value {
        Value::External(Rc::new(External {
            path,
            args: Vec::new(),
            receiver: None,
            provenance,
        }))
    }

    /// A value of the runtime: `global#JSON`.
    pub fn runtime(&mut self, name: &str) -> Value {
        let path = self.paths.root("global", "", name);
        self.external(path, Provenance::default())
    }

    /// Evaluates an expression at a module's top level, outside any request.
    pub fn expr_aside(&mut self, module: ModuleId, expr: ExprId) -> Value {
        // A module that fails to load serves nothing, so only the values count.
        let outcomes = self.outcomes_aside(module, expr);
        let mut values = outcomes.into_iter().filter_map(|(_, flow)| flow.ok());
        let Some(first) = values.next() else {
            return Value::unknown();
        };
        values.fold(first, |joined, value| joined.join(&value))
    }

    /// What an expression at a module's top level may come to, each with the path that led there.
    pub fn outcomes_aside(&mut self, module: ModuleId, expr: ExprId) -> Outcomes {
        let state = State::new(Scope::module(module));
        self.run_apart(|this| this.eval(expr, state))
    }

    /// Evaluates something outside any request.
    pub fn run_apart(&mut self, work: impl FnOnce(&mut Self) -> Outcomes) -> Outcomes {
        let fuel = std::mem::replace(&mut self.fuel, MODULE_FUEL);
        let (spent, limit) = (self.spent, self.limit);
        if self.global_depth > 0 {
            (self.spent, self.limit) = (0, u32::MAX);
        }
        let (cut, deepest) = (self.cut, self.deepest);
        let (reserve, exhausted) = (self.reserve, self.exhausted);
        // What is found about no request is kept apart from what the handler finds.
        let memory = self.memory.begin_apart(self.global_depth > 0);
        let target = std::mem::take(&mut self.target);
        let set_inside = std::mem::take(&mut self.set_inside);
        let (private, class_decided) = (self.private, self.class_decided);
        let executing = self.executing.take();
        let outcomes = self.aside(|this| {
            let calls = std::mem::take(&mut this.calls);
            let outcomes = work(this);
            this.calls = calls;
            outcomes
        });
        self.fuel = fuel;
        (self.spent, self.limit) = (spent, limit);
        (self.cut, self.deepest) = (cut, deepest);
        (self.reserve, self.exhausted) = (reserve, exhausted);
        self.memory.end_apart(memory);
        self.target = target;
        self.set_inside = set_inside;
        (self.private, self.class_decided) = (private, class_decided);
        self.executing = executing;
        outcomes
    }

    pub fn closure(&self, scope: Rc<Scope>, function: FunctionId, this: Option<Value>) -> Value {
        Value::Function(Rc::new(Closure {
            module: scope.module,
            function,
            scope,
            this,
            properties: None,
        }))
    }

    pub fn function(&self, closure: &Closure) -> &'a Function {
        self.module(closure.module).function(closure.function)
    }

    pub fn class_value(&self, scope: &Rc<Scope>, class: ClassId) -> Value {
        Value::Class(Rc::new(ClassValue {
            module: scope.module,
            class,
            scope: Rc::clone(scope),
        }))
    }
}
