//! The abstract evaluator: its tables, its bounds, and how names get their values.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, ModuleId, Symbol};
use crate::rule::ControlLibrary;
use crate::syntax::{
    AssignOp, ClassId, Expr, ExprId, Function, FunctionId, MODULE_BODY, ModuleRecord, Name,
    Pattern, Stmt, StmtKind,
};

use super::ending::Ends;
use super::facts::Site;
use super::lasting::Lasting;
use super::memo::{Memory, SetInside};
use super::names::{Names, binds};
use super::paths::Paths;
use super::record::{Event, Failure, FirstWork, Place, Record};
use super::state::{Outcomes, State};
use super::target::Target;
use super::team::TeamControls;
use super::value::{
    Bits, ClassValue, Closure, External, Object, OriginId, Presence, Provenance, Scope, Value,
};

/// Expressions evaluated for one handler before the rest counts as unseen.
const FUEL: u32 = 60_000;
/// Expressions evaluated for one handler in all, those of remembered calls included, before any main work is seen.
const MOST_BEFORE_WORK: u32 = 20_000;
/// The same once main work is seen: guards stand in front of it, and what follows only adds detail.
const MOST_AT_WORK: u32 = 10_000;

/// Expressions evaluated in a call of code that is not the handler's own, before what stands behind main work for a caller who
/// is known is left out: nothing there guards anything, and what it does was seen.
const MOST_BEHIND_WORK: u32 = 300;

/// A call gets at least this much of what is left.
const LEAST_RATION: u32 = 400;

/// Expressions that paths on which nothing has been done may still evaluate when all is spent: what turns them away often
/// stands right behind what others spent it on.
const RESERVE: u32 = 2_000;

/// The most expressions to evaluate for a handler of which so much work was seen.
pub(super) fn most_spent(works: u32) -> u32 {
    if works == 0 {
        MOST_BEFORE_WORK
    } else {
        MOST_AT_WORK
    }
}
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

/// A module-level name.
#[derive(Debug)]
enum Global {
    /// It is being evaluated, at this depth.
    Running(usize),
    Known(Value),
}

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
    globals: FxHashMap<(ModuleId, Name), Global>,
    initialisers: FxHashMap<(ModuleId, ExprId), Value>,
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
    /// Pieces of main work seen so far, on any path.
    pub works: u32,
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
            works: 0,
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
        self.works = 0;
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
        most_spent(self.works)
            .min(self.limit)
            .saturating_sub(self.spent)
    }

    /// Takes one unit of fuel for an expression; without fuel the path goes on blindly.
    pub fn spend_on(&mut self, state: &mut State) -> bool {
        let for_handler = self.global_depth == 0;
        if for_handler
            && self.spent > MOST_BEHIND_WORK
            && state.worked_for_known()
            && self.is_aside()
        {
            return false;
        }
        if self.fuel > 0 && (!for_handler || self.left() > 0) {
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

    /// A function that is not the handler's own has spent more than what stands behind main work is worth. What turns the
    /// caller away there is told by few expressions.
    fn is_aside(&self) -> bool {
        let running = self.calls.last();
        running.is_some_and(|call| {
            !call.own && self.spent.saturating_sub(call.began) > MOST_BEHIND_WORK
        })
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

    // --- names -------------------------------------------------------------------------------------------------

    /// The value of an identifier.
    pub fn name_value(&mut self, state: &State, name: Name) -> Value {
        let mut scope = Some(&state.scope);
        while let Some(current) = scope {
            if let Some((_, value)) = current.variables.iter().find(|(n, _)| *n == name) {
                return value.clone();
            }
            scope = current.parent.as_ref();
        }
        // A function that was made before the variable was set: its surroundings have moved on since.
        let mut scope = Some(&state.scope);
        while let Some(current) = scope {
            if current.function != MODULE_BODY {
                for call in self.calls.iter().rev() {
                    let mut caller = Some(&call.caller);
                    while let Some(c) = caller {
                        if c.module == current.module
                            && c.function == current.function
                            && let Some((_, value)) = c.variables.iter().find(|(n, _)| *n == name)
                        {
                            return value.clone();
                        }
                        caller = c.parent.as_ref();
                    }
                }
            }
            scope = current.parent.as_ref();
        }
        self.module_value(state.scope.module, name)
    }

    /// A function of the one that runs sees the variables around it as they are now: `async function get() { return verify() }`
    /// in front of `const verify = …`.
    pub fn as_of_now(&mut self, v: Value, state: &State) -> Value {
        let Value::Function(closure) = &v else {
            return v;
        };
        let made = &closure.scope;
        if made.function == MODULE_BODY || made.module != state.scope.module {
            return v;
        }
        let around = std::iter::successors(Some(&state.scope), |scope| scope.parent.as_ref());
        let Some(now) = around
            .into_iter()
            .find(|scope| scope.function == made.function)
        else {
            return v;
        };
        if Rc::ptr_eq(now, made) {
            return v;
        }
        let named = self.named_in(closure);
        let moved = now.variables.iter().any(|(name, value)| {
            let mut before = made.variables.iter();
            named.binary_search(name).is_ok()
                && before
                    .find(|(other, _)| other == name)
                    .is_none_or(|(_, old)| !old.same(value))
        });
        if !moved {
            return v;
        }
        Value::Function(Rc::new(Closure {
            scope: Rc::clone(now),
            ..Closure::clone(closure)
        }))
    }

    /// The value of a name at the top level of a module.
    ///
    /// What is known does not depend on which handler asked first: a value that was computed inside a cycle is not
    /// kept, and fuel is counted afresh.
    pub fn module_value(&mut self, module: ModuleId, name: Name) -> Value {
        match self.globals.get(&(module, name)) {
            Some(Global::Known(value)) => return value.clone(),
            Some(Global::Running(depth)) => {
                self.cycle = self.cycle.min(*depth);
                return Value::unknown();
            }
            None => {}
        }
        let depth = self.global_depth;
        self.global_depth += 1;
        let outer_cycle = std::mem::replace(&mut self.cycle, usize::MAX);
        self.globals.insert((module, name), Global::Running(depth));
        let value = match self.graph.binding(module, name) {
            Some(symbol) => self.symbol_value(&symbol),
            None => self.definition(module, name),
        };
        let value = Self::as_team_control(self.team.of_name(module, name), value);
        self.global_depth -= 1;
        if self.cycle < depth {
            self.globals.remove(&(module, name));
            self.cycle = self.cycle.min(outer_cycle);
        } else {
            self.lasting.note(&value);
            self.globals
                .insert((module, name), Global::Known(value.clone()));
            self.cycle = outer_cycle;
        }
        value
    }

    /// The value that a linked name stands for.
    pub fn symbol_value(&mut self, symbol: &Symbol) -> Value {
        match symbol {
            Symbol::Local { module, name } => self.module_value(*module, *name),
            Symbol::Expr { module, expr } => {
                let value = self.expr_aside(*module, *expr);
                Self::as_team_control(self.team.of_expr(*module, *expr), value)
            }
            Symbol::Namespace(module) => Value::Namespace(*module),
            Symbol::External {
                package,
                subpath,
                name,
            } => {
                let path = self.paths.root(package, subpath, name);
                self.external(path, Provenance::default())
            }
            Symbol::Type => Value::unknown(),
            Symbol::Unresolved => Value::from_bits(Bits::UNRESOLVED),
        }
    }

    /// What an export of a module stands for.
    pub fn export_value(&mut self, module: ModuleId, name: &str) -> Value {
        let symbol = self.graph.export(module, name);
        self.symbol_value(&symbol)
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

    /// The name of the function that wraps what a module exports: `withAuth` of `export const GET = withAuth(…)`.
    pub fn wrapper_of(&self, module: ModuleId, export: &str) -> Option<&'a str> {
        let Symbol::Local { module, name } = self.graph.export(module, export) else {
            return None;
        };
        let record = self.module(module);
        let definition = find_definition(&record.functions.first()?.body, name)?;
        let Definition::Variable {
            init: Some(init), ..
        } = definition
        else {
            return None;
        };
        let Expr::Call { callee, .. } = record.expr(init) else {
            return None;
        };
        match record.expr(*callee) {
            Expr::Name(name) => Some(record.name(*name)),
            // `withAuth(options)(handler)`
            Expr::Call { callee, .. } => match record.expr(*callee) {
                Expr::Name(name) => Some(record.name(*name)),
                _ => None,
            },
            _ => None,
        }
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
        let (spent, works) = (self.spent, self.works);
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
        (self.spent, self.works) = (spent, works);
        (self.cut, self.deepest) = (cut, deepest);
        (self.reserve, self.exhausted) = (reserve, exhausted);
        self.memory.end_apart(memory);
        self.target = target;
        self.set_inside = set_inside;
        (self.private, self.class_decided) = (private, class_decided);
        self.executing = executing;
        outcomes
    }

    fn definition(&mut self, module: ModuleId, name: Name) -> Value {
        let record = self.module(module);
        let Some(body) = record.functions.first() else {
            return Value::unknown();
        };
        match find_definition(&body.body, name) {
            Some(Definition::Function(function)) => {
                self.closure(Scope::module(module), function, None)
            }
            Some(Definition::Class(class)) => Value::Class(Rc::new(ClassValue {
                module,
                class,
                scope: Scope::module(module),
            })),
            Some(Definition::Variable { pattern, init }) => {
                let value = match init {
                    Some(init) => self.initialiser(module, init),
                    None => Value::Undefined,
                };
                if let Pattern::Name(_) = pattern {
                    let sets = |target: &Pattern| matches!(target, Pattern::Name(n) if *n == name);
                    return self.kept_over_requests(record, module, value, sets);
                }
                let state = State::new(Scope::module(module));
                let bound = self.aside(|this| this.bind(pattern, value, state));
                let found = bound
                    .scope
                    .variables
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, value)| value.clone());
                found.unwrap_or_else(Value::unknown)
            }
            None => self
                .of_a_function(module, name)
                .unwrap_or_else(|| self.runtime(record.name(name))),
        }
    }

    /// A variable of a function of the module, for code in it that is evaluated by itself: middleware that
    /// `function createApp() { const limiter = …; app.use(limiter) }` registers. `None` where no function declares the name, or
    /// where the runtime has something of that name.
    fn of_a_function(&mut self, module: ModuleId, name: Name) -> Option<Value> {
        let record = self.module(module);
        let text = record.name(name);
        let path = self.paths.root("global", "", text);
        let known = self.paths.known(path);
        let of_runtime = known.api.is_some() || known.sends || known.expensive.is_some();
        if of_runtime || text.starts_with(|first: char| first.is_ascii_uppercase()) {
            return None;
        }
        let mut functions = record.functions.iter().skip(1);
        let declares = |function: &&Function| {
            function.params.iter().any(|param| binds(param, name))
                || find_definition(&function.body, name).is_some()
        };
        let function = functions.find(declares)?;
        let alone = !functions.any(|other| declares(&other));
        let definition = find_definition(&function.body, name).filter(|_| alone);
        Some(match definition {
            Some(Definition::Function(function)) => {
                self.closure(Scope::module(module), function, None)
            }
            Some(Definition::Variable {
                pattern: Pattern::Name(_),
                init: Some(init),
            }) if !self.is_set(module, name) => self.initialiser(module, init),
            _ => Value::unknown(),
        })
    }

    /// What a declaration's right side comes to; several names of one pattern share it.
    fn initialiser(&mut self, module: ModuleId, init: ExprId) -> Value {
        if let Some(known) = self.initialisers.get(&(module, init)) {
            return known.clone();
        }
        let cycle = std::mem::replace(&mut self.cycle, usize::MAX);
        let value = self.expr_aside(module, init);
        if self.cycle == usize::MAX {
            self.initialisers.insert((module, init), value.clone());
        }
        self.cycle = self.cycle.min(cycle);
        value
    }

    /// What a variable stands for that outlives the request, as far as what it starts with does not tell: a table or a list
    /// that starts empty is filled at run time, and what starts as nothing (`let client = null; function get() { client ??= … }`)
    /// is what some function sets it to, where that can be told outside the function.
    pub fn kept_over_requests(
        &mut self,
        record: &'a ModuleRecord,
        module: ModuleId,
        value: Value,
        sets: impl Fn(&Pattern) -> bool,
    ) -> Value {
        if !value.is_nullish() {
            return filled(value, 2);
        }
        for expr in &record.exprs {
            let Expr::Assign {
                target,
                op: AssignOp::Set | AssignOp::Logical(_),
                value,
            } = expr
            else {
                continue;
            };
            if !sets(target) {
                continue;
            }
            let value = self.expr_aside(module, *value);
            if !value.is_nullish() {
                return match value {
                    Value::External(_)
                    | Value::Function(_)
                    | Value::Native(_)
                    | Value::Object(_) => value,
                    other => Value::Unknown(other.provenance(), Presence::Maybe),
                };
            }
        }
        value
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

/// Tables and lists that start empty, and those that are kept in a table, as they are once they have been filled.
fn filled(value: Value, depth: u8) -> Value {
    match &value {
        Value::Object(object) if object.fields.is_empty() && object.class.is_none() => {
            Value::Unknown(Provenance::of(Bits::COUNT), Presence::Truthy)
        }
        Value::Array(items) if items.is_empty() => {
            Value::Unknown(Provenance::default(), Presence::Truthy)
        }
        Value::Object(object) if object.class.is_none() && depth > 0 => {
            let is_list = |v: &Value| matches!(v, Value::Array(items) if items.is_empty());
            if !object.fields.iter().any(|(_, v)| is_list(v)) {
                return value;
            }
            let mut table = Object::clone(object);
            for (_, v) in &mut table.fields {
                *v = filled(std::mem::replace(v, Value::Undefined), depth - 1);
            }
            Value::Object(Rc::new(table))
        }
        _ => value,
    }
}

pub(super) enum Definition<'a> {
    Function(FunctionId),
    Class(ClassId),
    Variable {
        pattern: &'a Pattern,
        init: Option<ExprId>,
    },
}

/// Finds what a module's top level binds to `name`; blocks and `try` at the top level count.
pub(super) fn find_definition(body: &[Stmt], name: Name) -> Option<Definition<'_>> {
    body.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Function { name: n, function } if *n == name => {
            Some(Definition::Function(*function))
        }
        StmtKind::Class { name: n, class } if *n == name => Some(Definition::Class(*class)),
        StmtKind::Let { pattern, init } if binds(pattern, name) => Some(Definition::Variable {
            pattern,
            init: *init,
        }),
        StmtKind::Block(block) => find_definition(block, name),
        StmtKind::If {
            then, otherwise, ..
        } => find_definition(then, name).or_else(|| find_definition(otherwise, name)),
        StmtKind::Try { block, .. } => find_definition(block, name),
        _ => None,
    })
}
