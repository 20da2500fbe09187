//! Calls: of the repository's own functions, of classes, and of chains of middleware.

use std::rc::Rc;

use smallvec::SmallVec;

use crate::syntax::{Class, Expr, ExprId, Key, MODULE_BODY, MemberValue, Name, Pattern};

use super::evaluator::{Call, Evaluator, MAX_DEPTH};
use super::expression::assigned;
use super::loggers::{gives_level, is_level, names_logging};
use super::meaning::may_be_nobody;
use super::merge::{excuse, merge_outcomes, merge_states};
use super::record::Event;
use super::state::{Outcomes, State, value};
use super::statement::{Completion, Exit, set};
use super::value::{
    Bits, ClassValue, Closure, External, Native, Object, Presence, Provenance, Response,
    ResponseKind, Scope, Value,
};

/// What becomes of a call's result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Use {
    /// It is used as it is.
    Plain,
    /// It is awaited.
    Awaited,
    /// It is returned.
    Returned,
    /// It is returned by an asynchronous function without being awaited: the `try` blocks around it see no failure.
    Escaping,
    /// It is a statement: what an asynchronous callee decides is lost.
    Detached,
}

/// A function that calls itself this often is seen well enough.
pub(super) const MAX_RECURSION: usize = 2;
/// One that counts its calls while a module is loaded is followed further.
const MAX_COUNTED: usize = 8;

impl<'a> Evaluator<'a> {
    /// Evaluates a call expression.
    pub fn call_expression(&mut self, id: ExprId, mut state: State, used: Use) -> Outcomes {
        if !self.spend_on(&mut state) {
            return value(state, Value::unknown());
        }
        let record = self.module(state.scope.module);
        let Expr::Call {
            callee,
            args,
            optional,
        } = record.expr(id)
        else {
            return self.eval(id, state);
        };
        let optional = *optional;
        match record.expr(*callee) {
            Expr::Member {
                object,
                property,
                optional: chained,
            } => {
                let name = record.name(*property);
                if matches!(name, "then" | "catch" | "finally")
                    && matches!(record.expr(*object), Expr::Call { .. })
                {
                    let used = if used == Use::Escaping {
                        Use::Awaited
                    } else {
                        used
                    };
                    return self.promise_method(id, *object, name, args, state, used);
                }
                if matches!(record.expr(*object), Expr::Super) {
                    let (lists, mut outcomes) = self.arguments(args, state);
                    outcomes.extend(
                        lists
                            .into_iter()
                            .map(|(state, _)| (state, Ok(Value::unknown()))),
                    );
                    return outcomes;
                }
                self.each(*object, state, |this, mut state, receiver| {
                    if (*chained || optional) && receiver.is_nullish() {
                        return value(state, Value::Undefined);
                    }
                    // What is asked of who is calling gives nothing where that is nobody: `await user?.getTeam(id)`.
                    let mut nobody = None;
                    if *chained
                        && used == Use::Awaited
                        && state.caller.is_none()
                        && may_be_nobody(&receiver)
                    {
                        nobody = Some(this.without_caller(*object, (id, &receiver), &mut state));
                    }
                    let place = this.place(&state, id);
                    let function = this.member(&receiver, name, Some(place));
                    if optional && function.is_nullish() {
                        return value(state, Value::Undefined);
                    }
                    let first = args.first().map(|arg| record.expr(arg.value));
                    // `Object.assign(target, …)` changes what it is given first.
                    let assigns = name == "assign"
                        && matches!(&receiver, Value::External(of)
                            if &*this.paths.text(of.path) == "global#Object");
                    let (lists, mut outcomes) = this.arguments(args, state);
                    for (mut state, args) in lists {
                        if let ("push" | "unshift", Value::Array(items), Expr::Name(list)) =
                            (name, &receiver, record.expr(*object))
                        {
                            set(&mut state, *list, lengthened(items, &args));
                        }
                        if let (Value::External(method), Expr::Name(holder)) =
                            (&function, record.expr(*object))
                            && let Some(fuller) = this.collected(method, &args)
                        {
                            set(&mut state, *holder, fuller);
                        }
                        if let (
                            Some(Expr::Name(target)),
                            Some(Value::Object(_) | Value::Function(_)),
                        ) = (first.filter(|_| assigns), args.first())
                        {
                            set(&mut state, *target, assigned(&args));
                        }
                        outcomes.extend(this.invoked(used, |this, used| {
                            this.call_method(&receiver, name, &function, args, state, id, used)
                        }));
                    }
                    outcomes.extend(nobody.map(|state| (state, Ok(Value::Undefined))));
                    outcomes
                })
            }
            Expr::Super => {
                // The parent's constructor: its arguments may become fields (`message`, `status`).
                let (lists, mut outcomes) = self.arguments(args, state);
                for (mut state, args) in lists {
                    self.call_parent_constructor(&args, &mut state);
                    outcomes.push((state, Ok(Value::Undefined)));
                }
                outcomes
            }
            _ => self.each(*callee, state, |this, state, function| {
                if optional && function.is_nullish() {
                    return value(state, Value::Undefined);
                }
                let suspect = match record.expr(*callee) {
                    Expr::Name(name) if state.work == 0 => this.suspect(record.name(*name)),
                    _ => None,
                };
                let place = this.place(&state, id);
                let (lists, mut outcomes) = this.arguments(args, state);
                for (state, args) in lists {
                    if let (Expr::Name(callee), Value::Function(closure)) =
                        (record.expr(*callee), &function)
                        && closure.module != state.scope.module
                        && names_logging(record.name(*callee))
                        && args.iter().any(gives_level)
                    {
                        // `log({ message, type: 'error' })`: a home-made logger that is one function.
                        let event = Event::Log {
                            structured: true,
                            own: this.own(),
                            by_name: true,
                        };
                        let place = this.place(&state, id);
                        this.event(event, place);
                        outcomes.push((state, Ok(Value::Undefined)));
                        continue;
                    }
                    outcomes.extend(this.invoked(used, |this, used| {
                        this.call(&function, None, args, state, id, used)
                    }));
                }
                if let Some(name) = suspect
                    && (!matches!(function, Value::Function(_)) || turns_away(&outcomes))
                {
                    this.event(Event::Suspect(name), place);
                }
                outcomes
            }),
        }
    }

    /// The path on which what a method is called on is not there; the given one becomes the one on which it is.
    fn without_caller(
        &mut self,
        object: ExprId,
        (call, receiver): (ExprId, &Value),
        state: &mut State,
    ) -> State {
        let site = self.site(state.scope.module, call);
        let provenance = receiver.provenance();
        let mut nobody = state.clone().with_fact(site, false, provenance.clone());
        self.refine(object, false, &mut nobody);
        *state = state.clone().with_fact(site, true, provenance);
        self.refine(object, true, state);
        nobody
    }

    /// What a method was called on, once it holds what the method was given: `hash.update(token)`.
    fn collected(&self, method: &External, args: &[Value]) -> Option<Value> {
        if !self.paths.known(method.path).collects {
            return None;
        }
        let holder = External::clone(method.receiver.as_deref()?);
        let provenance = holder.provenance.clone().with_data_of(args);
        Some(Value::External(Rc::new(External {
            provenance,
            ..holder
        })))
    }

    /// The name of a function that sounds like a guard, called where one would stand.
    fn suspect(&self, name: &str) -> Option<Rc<str>> {
        let asked = self.muted == 0 && self.catching == 0 && self.own();
        (asked && self.sounds_like_guard(name)).then(|| Rc::from(name))
    }

    pub fn sounds_like_guard(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let mut patterns = self.library.guard_names.iter();
        patterns.any(|pattern| crate::rule::wildcard(pattern, &name))
    }

    /// Makes a call whose arguments are known; an escaping one stands outside the `try` blocks of its function.
    fn invoked(&mut self, used: Use, call: impl FnOnce(&mut Self, Use) -> Outcomes) -> Outcomes {
        if used != Use::Escaping {
            return call(self, used);
        }
        let from = self.calls.last().map_or(0, |call| call.protection);
        let kept = self.protection.split_off(from.min(self.protection.len()));
        let outcomes = call(self, Use::Awaited);
        self.protection.extend(kept);
        outcomes
    }

    #[expect(clippy::too_many_arguments, reason = "everything that a call is about")]
    fn call_method(
        &mut self,
        receiver: &Value,
        name: &str,
        function: &Value,
        args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        if is_level(name) && self.is_logger(receiver, function, id, &state) {
            let event = Event::Log {
                structured: true,
                own: self.own(),
                by_name: !self.is_levelled(receiver),
            };
            let place = self.place(&state, id);
            self.event(event, place);
            return value(state, Value::Undefined);
        }
        if name == "pipe" && self.pipes(receiver, &args) {
            return self.piped(receiver.clone(), args, state, id, used);
        }
        if let Value::Function(closure) = function {
            if matches!(name, "call" | "apply" | "bind") && matches!(receiver, Value::Function(_)) {
                return self.call_native(
                    &Native::Method {
                        receiver: receiver.clone(),
                        name: Rc::from(name),
                    },
                    args,
                    state,
                    id,
                    used,
                );
            }
            return self.call_closure(closure, Some(receiver.clone()), args, state, used);
        }
        // One of what was sent fits, as one of the signatures in a header, or one of the secrets that are set: what is asked of
        // each decides.
        if let (Value::Unknown(..) | Value::External(_), "some" | "find", [Value::Function(_)]) =
            (receiver, name, &*args)
            && receiver
                .provenance()
                .bits
                .has(Bits::RECEIVED.with(Bits::CONFIG).with(Bits::SECRET))
        {
            return self.one_of(receiver, &args, state, id);
        }
        // Reading what was sent, piece by piece, is no work yet.
        if let (Value::Unknown(sent, _), Value::Unknown(..)) = (receiver, function)
            && sent.bits.has(Bits::BODY)
            && super::native::reads_stream(name)
        {
            return value(state, Value::Unknown(sent.clone(), Presence::Maybe));
        }
        // Nothing waits for a text or a list that is worked out, though an asynchronous function returns it.
        let used = match (used, receiver, function) {
            (Use::Escaping | Use::Awaited, Value::Unknown(sent, _), Value::Unknown(..))
                if super::native::is_of_text(name)
                    || sent.bits.of_input_alone() != Bits::NONE
                        && super::native::is_of_list(name) =>
            {
                Use::Plain
            }
            _ => used,
        };
        self.call(function, Some(receiver), args, state, id, used)
    }

    /// Calls a value.
    pub fn call(
        &mut self,
        function: &Value,
        this: Option<&Value>,
        args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        match function {
            Value::Function(closure) => {
                let moved = self.moved_by(function, &args, &state);
                let outcomes = self.call_closure(closure, this.cloned(), args, state, used);
                self.set_by_others(moved, outcomes)
            }
            Value::Native(native) => {
                let native = Rc::clone(native);
                self.call_native(&native, args, state, id, used)
            }
            Value::External(external) => {
                let moved = self.moved_by(function, &args, &state);
                let external = Rc::clone(external);
                let outcomes = self.call_external(&external, args, state, id, used);
                self.set_by_others(moved, outcomes)
            }
            Value::Choice(options) => {
                let options = Rc::clone(options);
                let mut outcomes: Outcomes = SmallVec::new();
                for option in options.iter().filter(|option| !option.is_nullish()) {
                    outcomes.extend(self.call(option, this, args.clone(), state.clone(), id, used));
                }
                // Limiters that stand in for one another are one limiter.
                let limits = |(_, flow): &(State, super::state::Flow)| {
                    flow.as_ref()
                        .is_ok_and(|v| v.provenance().bits.has(Bits::LIMITER))
                };
                if outcomes.iter().any(limits) {
                    let values = outcomes.iter().filter(|(_, flow)| flow.is_ok()).cloned();
                    let joined = values.reduce(|(a, x), (b, y)| match (x, y) {
                        (Ok(x), Ok(y)) => (a.join(&b), Ok(x.join(&y))),
                        (x, _) => (a, x),
                    });
                    outcomes.retain(|(_, flow)| flow.is_err());
                    outcomes.extend(joined);
                }
                merge_outcomes(outcomes)
            }
            other => {
                let moved = self.moved_by(function, &args, &state);
                let provenance = other.provenance();
                let outcomes = self.call_unknown(provenance, args, state, id, used);
                self.set_by_others(moved, outcomes)
            }
        }
    }

    /// What functions among the arguments set of the variables around them, whenever they are called.
    fn moved_by(&mut self, function: &Value, args: &[Value], state: &State) -> Moved {
        let mut moved = Moved::default();
        for arg in args {
            let Value::Function(closure) = arg else {
                continue;
            };
            let here = closure.module == state.scope.module
                && closure.scope.function == state.scope.function
                && closure.scope.function != crate::syntax::MODULE_BODY;
            if !here {
                continue;
            }
            for name in self.written(closure).iter() {
                let before = state.scope.variables.iter().find(|(n, _)| n == name);
                if let Some((_, before)) = before {
                    moved.variables.push((*name, before.clone()));
                }
            }
        }
        if !moved.variables.is_empty() && !matches!(function, Value::Function(_)) {
            moved.provenance = function.provenance();
        }
        moved
    }

    /// Sets the variables that a call may have set, whether and with what it called the functions: to what was seen to be set,
    /// else to anything. Where the function called them itself, that is done.
    fn set_by_others(&self, moved: Moved, mut outcomes: Outcomes) -> Outcomes {
        for (name, before) in &moved.variables {
            for (state, _) in &mut outcomes {
                let now = state.scope.variables.iter().find(|(n, _)| n == name);
                if !now.is_some_and(|(_, now)| now.same(before)) {
                    continue;
                }
                let key = (state.scope.module, state.scope.function, *name);
                let after = match self.set_inside.get(&key) {
                    Some(seen) => before.join(seen),
                    None => {
                        let provenance = before.provenance().join(&moved.provenance);
                        Value::Unknown(provenance, Presence::Maybe)
                    }
                };
                set(state, *name, after);
            }
        }
        outcomes
    }

    /// Calls a function of the repository.
    pub fn call_closure(
        &mut self,
        closure: &Rc<Closure>,
        this: Option<Value>,
        args: Vec<Value>,
        state: State,
        used: Use,
    ) -> Outcomes {
        let function = self.function(closure);
        let recursion = self
            .calls
            .iter()
            .filter(|c| c.module == closure.module && c.function == closure.function)
            .count();
        // A list that is gone through by its index, as chains of middleware are put together.
        let counts = self.muted > 0 && args.iter().any(|arg| matches!(arg, Value::Number(_)));
        let most = if counts { MAX_COUNTED } else { MAX_RECURSION };
        if self.calls.len() >= MAX_DEPTH || recursion >= most {
            // What comes of it depends on who is running already: from the first of them on, nothing is kept.
            let first = self
                .calls
                .iter()
                .position(|c| c.module == closure.module && c.function == closure.function);
            let first = if self.calls.len() >= MAX_DEPTH {
                Some(0)
            } else {
                first
            };
            self.cut = self.cut.min(first.unwrap_or(0));
            let provenance = args
                .iter()
                .fold(Provenance::default(), |all, v| all.join(&v.provenance()));
            return value(state, Value::Unknown(provenance, Presence::Maybe));
        }
        if self.module(closure.module).use_client {
            return value(state, Value::unknown());
        }
        let acting = std::mem::take(&mut self.acting);
        // A function that is written inside one of the handler's belongs to it, whoever calls it.
        let at_home = self.is_scope_of_caller(closure)
            || self.own() && (acting || Some(closure.module) == self.home);
        let own = at_home
            || self.own()
                && (self.catching > 0
                    || args
                        .iter()
                        .any(|arg| self.holds_request(arg) || holds_next(arg)));
        let this = if function.is_arrow {
            closure.this.clone()
        } else {
            this.or_else(|| closure.this.clone())
        };
        let (this, args) = if !own && (state.caller.is_some() || state.work > 0) {
            let widened = |v| self.widened(v);
            (this.map(widened), args.into_iter().map(widened).collect())
        } else {
            (this, args)
        };
        let Some(key) = self.call_key(closure, this.as_ref(), &args, &state, own, used) else {
            self.whole = at_home;
            return self.run_closure(closure, this, args, state, own, used);
        };
        let closure = Rc::clone(closure);
        let mut kept = args.clone();
        kept.push(Value::Function(Rc::clone(&closure)));
        kept.extend(this.clone());
        self.remembered(key, kept, state, |this_evaluator, fresh| {
            this_evaluator.whole = true;
            this_evaluator.run_closure(&closure, this, args, fresh, own, used)
        })
    }

    fn run_closure(
        &mut self,
        closure: &Rc<Closure>,
        this: Option<Value>,
        args: Vec<Value>,
        state: State,
        own: bool,
        used: Use,
    ) -> Outcomes {
        let function = self.function(closure);
        let scope = Scope {
            module: closure.module,
            function: closure.function,
            variables: Vec::with_capacity(function.params.len() + 4),
            this,
            parent: Some(Rc::clone(&closure.scope)),
        };
        let caller = Rc::clone(&state.scope);
        self.calls.push(Call {
            module: closure.module,
            function: closure.function,
            own,
            used,
            caller: Rc::clone(&caller),
            protection: self.protection.len(),
            began: self.spent,
        });
        let whole = std::mem::take(&mut self.whole);
        self.deepest = self.deepest.max(self.calls.len());
        self.memory.run(&self.calls);
        let undone = (used == Use::Detached && function.is_async).then(|| state.clone());
        let before = (state.work, state.facts.len());
        let missing = state.missing;
        let mut inside = state.in_scope(&Rc::new(scope));
        for (at, param) in function.params.iter().enumerate() {
            let argument = match param {
                Pattern::Rest(_) => Value::Array(Rc::new(args.iter().skip(at).cloned().collect())),
                _ => args.get(at).cloned().unwrap_or(Value::Undefined),
            };
            inside = self.bind(param, argument, inside);
        }
        // The handler and its layers may take all; a helper leaves something for what comes behind it.
        let part = if whole { (1, 1) } else { (7, 8) };
        let completion = self.rationed(part, |this| this.block(&function.body, vec![inside]));
        self.calls.pop();
        let lost = undone.is_some();
        if lost && self.muted == 0 {
            self.note_lost(closure, &completion, before);
        }
        let promises = used == Use::Plain && function.is_async && !function.is_generator;
        // Called by the function that it is written in, it sets that function's variables.
        let around = closure.scope.function;
        let mut written: Rc<[Name]> = Rc::default();
        if !lost && around != crate::syntax::MODULE_BODY {
            written = self.written(closure);
            if caller.function != around || caller.module != closure.module {
                self.note_set(closure, &written, &completion);
                written = Rc::default();
            }
        }
        let back = |state: State| {
            let mut scope = Rc::clone(&caller);
            for name in written.iter() {
                let set = state.scope.variables.iter().find(|(n, _)| n == name);
                let slot = caller.variables.iter().position(|(n, _)| n == name);
                if let (Some((_, v)), Some(slot)) = (set, slot) {
                    Rc::make_mut(&mut scope).variables[slot].1 = v.clone();
                }
            }
            state.in_scope(&scope)
        };
        let mut outcomes: Outcomes = SmallVec::new();
        for state in completion.next {
            let v = if promises {
                Value::Undefined.promised()
            } else {
                Value::Undefined
            };
            outcomes.push((back(state), Ok(v)));
        }
        for (state, exit) in completion.exits {
            let state = back(state);
            match exit {
                Exit::Return(v) if promises => outcomes.push((state, Ok(v.promised()))),
                Exit::Return(v) => outcomes.push((state, Ok(v))),
                Exit::Throw(error) if !lost => outcomes.push((state, Err(error))),
                // A rejection that nobody awaits reaches nobody.
                Exit::Throw(_) | Exit::Break | Exit::Continue => {
                    outcomes.push((state, Ok(Value::Undefined)));
                }
            }
        }
        if let Some(before) = undone {
            // Nobody waits for it, so what it decides has decided nothing here.
            for (state, _) in &mut outcomes {
                state.decided_as(&before);
            }
        }
        excuse(&mut outcomes, missing);
        merge_outcomes(outcomes)
    }

    /// Remembers what a function that somebody else called has set of the variables around it.
    fn note_set(&mut self, closure: &Closure, written: &[Name], completion: &Completion) {
        let states = completion.next.iter();
        let states = states.chain(completion.exits.iter().map(|(state, _)| state));
        for state in states {
            for name in written {
                let Some((_, v)) = state.scope.variables.iter().find(|(n, _)| n == name) else {
                    continue;
                };
                let key = (closure.module, closure.scope.function, *name);
                let known = self.set_inside.entry(key).or_insert_with(|| v.clone());
                *known = known.join(v);
            }
        }
    }

    /// The function is written inside one that belongs to the handler.
    fn is_scope_of_caller(&self, closure: &Closure) -> bool {
        self.is_written_in(closure, |call| call.own)
    }

    /// The function is written inside one of these that are running.
    pub fn is_written_in(&self, closure: &Closure, of: impl Fn(&Call) -> bool) -> bool {
        let scopes = std::iter::successors(Some(&closure.scope), |scope| scope.parent.as_ref());
        let mut scopes = scopes.filter(|scope| scope.function != MODULE_BODY);
        scopes.any(|scope| {
            let is = |call: &Call| call.module == scope.module && call.function == scope.function;
            self.calls.iter().any(|call| is(call) && of(call))
        })
    }

    /// `new class(args)`
    pub fn construct(
        &mut self,
        class: &Value,
        args: Vec<Value>,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        match class {
            Value::Class(class) => {
                let class = Rc::clone(class);
                self.instance(&class, args, state)
            }
            Value::External(external) => {
                let external = Rc::clone(external);
                self.construct_external(&external, args, state, id)
            }
            Value::Function(closure) => {
                let closure = Rc::clone(closure);
                self.call_closure(
                    &closure,
                    Some(Value::Object(Rc::default())),
                    args,
                    state,
                    Use::Plain,
                )
            }
            other => {
                let mut provenance = args
                    .iter()
                    .fold(other.provenance(), |all, v| all.join(&v.provenance()));
                // A client made of a class out of sight (a generated one) guards nothing.
                provenance.bits = provenance.bits.without(Bits::UNRESOLVED);
                value(state, Value::Unknown(provenance, Presence::Truthy))
            }
        }
    }

    fn instance(&mut self, class: &Rc<ClassValue>, args: Vec<Value>, mut state: State) -> Outcomes {
        let definition = self.module(class.module).class(class.class);
        let object = Object {
            class: Some(Rc::clone(class)),
            ..Object::default()
        };
        let caller = Rc::clone(&state.scope);
        let scope = Scope {
            module: class.module,
            function: class.scope.function,
            variables: Vec::new(),
            this: Some(Value::Object(Rc::new(object))),
            parent: Some(Rc::clone(&class.scope)),
        };
        if self.calls.len() >= MAX_DEPTH {
            return value(
                state,
                Value::Unknown(Provenance::default(), Presence::Truthy),
            );
        }
        state = state.in_scope(&Rc::new(scope));
        state = self.fields(definition, state);
        let call = Call {
            module: class.module,
            function: definition.constructor.unwrap_or(crate::syntax::MODULE_BODY),
            own: false,
            used: Use::Plain,
            caller: Rc::clone(&caller),
            protection: self.protection.len(),
            began: self.spent,
        };
        self.calls.push(call);
        let mut outcomes: Outcomes = SmallVec::new();
        match definition.constructor {
            Some(constructor) => {
                let function = self.module(class.module).function(constructor);
                for (at, param) in function.params.iter().enumerate() {
                    let argument = match param {
                        Pattern::Rest(_) => {
                            Value::Array(Rc::new(args.iter().skip(at).cloned().collect()))
                        }
                        _ => args.get(at).cloned().unwrap_or(Value::Undefined),
                    };
                    state = self.bind(param, argument, state);
                }
                let completion = self.block(&function.body, vec![state]);
                let thrown = completion
                    .exits
                    .iter()
                    .filter_map(|(state, exit)| match exit {
                        Exit::Throw(error) => Some((state.clone(), error.clone())),
                        _ => None,
                    });
                for (state, error) in thrown {
                    outcomes.push((state.in_scope(&caller), Err(error)));
                }
                let mut built: Vec<State> = completion.next;
                built.extend(
                    completion
                        .exits
                        .into_iter()
                        .filter(|(_, e)| matches!(e, Exit::Return(_)))
                        .map(|(s, _)| s),
                );
                merge_states(&mut built);
                for state in built {
                    let object = state.scope.this.clone().unwrap_or_else(Value::unknown);
                    outcomes.push((state.in_scope(&caller), Ok(object)));
                }
            }
            None => {
                // An inherited constructor sees the same arguments.
                self.call_parent_constructor(&args, &mut state);
                let object = state.scope.this.clone().unwrap_or_else(Value::unknown);
                outcomes.push((state.in_scope(&caller), Ok(object)));
            }
        }
        self.calls.pop();
        outcomes
    }

    /// Sets the fields that a class declares with values.
    fn fields(&mut self, definition: &'a Class, mut state: State) -> State {
        let module = state.scope.module;
        for member in &definition.members {
            if member.is_static {
                continue;
            }
            let (Key::Name(name), MemberValue::Field(Some(init))) = (&member.key, &member.value)
            else {
                continue;
            };
            let v = match self.plain(*init, &state) {
                // A list that an instance begins with is filled by its methods, one never knows when.
                Value::Array(items) if items.is_empty() => {
                    Value::Unknown(Provenance::default(), Presence::Truthy)
                }
                v => v,
            };
            let key = self.key_of(module, *name);
            let scope = Rc::make_mut(&mut state.scope);
            if let Some(Value::Object(this)) = &mut scope.this {
                Rc::make_mut(this).set(key, v);
            }
        }
        state
    }

    /// `super(args)`: runs a parent class of the repository on the same `this`, as far as its fields go.
    fn call_parent_constructor(&mut self, args: &[Value], state: &mut State) {
        let Some(Value::Object(object)) = state.scope.this.clone() else {
            return;
        };
        let Some(own) = object.class.clone() else {
            return;
        };
        let running = self.calls.last().map(|call| (call.module, call.function));
        // Climb from the class whose constructor is running, so that a chain of three does not run the middle one twice.
        let mut class = own;
        for _ in 0..8 {
            let Some(parent) = self.parent_class(&class) else {
                return;
            };
            let at_class = self.module(class.module).class(class.class).constructor;
            let is_running = running.is_some_and(|(module, function)| {
                module == class.module && at_class == Some(function)
            });
            if is_running || at_class.is_none() {
                let definition = self.module(parent.module).class(parent.class);
                let Some(constructor) = definition.constructor else {
                    class = parent;
                    continue;
                };
                let caller = Rc::clone(&state.scope);
                let scope = Scope {
                    module: parent.module,
                    function: parent.scope.function,
                    variables: Vec::new(),
                    this: state.scope.this.clone(),
                    parent: Some(Rc::clone(&parent.scope)),
                };
                let mut inside = state.clone().in_scope(&Rc::new(scope));
                inside = self.fields(definition, inside);
                let function = self.module(parent.module).function(constructor);
                for (at, param) in function.params.iter().enumerate() {
                    let argument = args.get(at).cloned().unwrap_or(Value::Undefined);
                    inside = self.bind(param, argument, inside);
                }
                if self.calls.len() >= MAX_DEPTH {
                    return;
                }
                self.calls.push(Call {
                    module: parent.module,
                    function: constructor,
                    own: false,
                    used: Use::Plain,
                    caller: Rc::clone(&caller),
                    protection: self.protection.len(),
                    began: self.spent,
                });
                let completion = self.block(&function.body, vec![inside]);
                self.calls.pop();
                if let Some(built) = completion.next.into_iter().next() {
                    Rc::make_mut(&mut state.scope)
                        .this
                        .clone_from(&built.scope.this);
                }
                return;
            }
            class = parent;
        }
    }

    /// The class that a class extends, when it is one of the repository.
    pub fn parent_class(&mut self, class: &ClassValue) -> Option<Rc<ClassValue>> {
        match self.superclass(class)? {
            Value::Class(parent) => Some(parent),
            _ => None,
        }
    }

    /// What a class extends. For a class of a module it is found once and apart from what the running handler may spend, so
    /// that it costs the same whoever asked before.
    pub fn superclass(&mut self, class: &ClassValue) -> Option<Value> {
        let superclass = self.module(class.module).class(class.class).superclass?;
        let state = State::new(Rc::clone(&class.scope));
        if class.scope.function != MODULE_BODY || class.scope.parent.is_some() {
            return Some(self.aside(|this| this.plain(superclass, &state)));
        }
        let key = (class.module, class.class);
        if let Some(known) = self.superclasses.get(&key) {
            return Some(known.clone());
        }
        let outcomes = self.apart(class.module, |this, outside| {
            let base = this.plain(superclass, &state);
            value(outside, base)
        });
        let base = outcomes.into_iter().find_map(|(_, flow)| flow.ok())?;
        self.superclasses.insert(key, base.clone());
        Some(base)
    }

    /// `left instanceof right`
    pub fn instance_of(&mut self, left: &Value, right: &Value) -> Value {
        let decided = match (left, right) {
            (Value::Object(object), right) => match &object.class {
                // A failure that nobody foresaw: an `Error`, of no class in particular.
                None => Some(self.is_runtime(right, "Error")),
                Some(class) => Some(self.descends(&Rc::clone(class), right)),
            },
            (Value::Response(response), Value::External(external)) => {
                let text = self.paths.text(external.path);
                // What a package's guard throws is of a class of the package.
                let bits = response.provenance.bits;
                let thrown = bits.has(Bits::LIMITER.with(Bits::SIGNATURE));
                Some(text.ends_with("Response") || thrown && !text.starts_with("global#"))
            }
            (Value::Response(_), _) => Some(false),
            (request, Value::External(external)) if self.is_request(request) => {
                let text = self.paths.text(external.path);
                let known = text.ends_with("#Request") || text.ends_with("#NextRequest");
                self.class_decided |= known;
                Some(known)
            }
            (
                Value::Undefined
                | Value::Null
                | Value::String(_)
                | Value::Number(_)
                | Value::Bool(_),
                _,
            ) => Some(false),
            _ => None,
        };
        decided.map_or_else(
            || Value::Unknown(left.provenance(), Presence::Maybe),
            Value::Bool,
        )
    }

    fn descends(&mut self, class: &Rc<ClassValue>, from: &Value) -> bool {
        let mut current = Rc::clone(class);
        for _ in 0..16 {
            if let Value::Class(target) = from
                && target.module == current.module
                && target.class == current.class
            {
                return true;
            }
            match self.superclass(&current) {
                Some(Value::Class(parent)) => current = parent,
                Some(Value::External(parent)) => {
                    return match from {
                        Value::External(target) => {
                            target.path == parent.path
                                || (&*self.paths.text(target.path) == "global#Error")
                        }
                        _ => false,
                    };
                }
                _ => return false,
            }
        }
        false
    }

    fn is_runtime(&self, v: &Value, name: &str) -> bool {
        matches!(v, Value::External(external) if self.paths.text(external.path).strip_prefix("global#") == Some(name))
    }

    /// An answer with this status.
    pub fn response(
        &self,
        status: Option<u16>,
        kind: ResponseKind,
        provenance: Provenance,
    ) -> Value {
        Value::Response(Rc::new(Response {
            kind,
            status,
            provenance,
        }))
    }
}

/// Variables that a call may have set through functions that it was given, as they were before.
#[derive(Default)]
struct Moved {
    variables: Vec<(Name, Value)>,
    provenance: Provenance,
}

/// Some way out of a call turns the caller away.
pub(super) fn turns_away(outcomes: &Outcomes) -> bool {
    outcomes.iter().any(|(state, flow)| match flow {
        Ok(v) => super::ending::refuses(v, state),
        Err(_) => true,
    })
}

/// A list after `push`. One of steps is kept as it is known; of other lists only what they are made of.
fn lengthened(items: &Rc<Vec<Value>>, args: &[Value]) -> Value {
    let steps = |v: &Value| {
        matches!(
            v,
            Value::Function(_) | Value::Native(_) | Value::External(_)
        )
    };
    let all: Vec<Value> = items.iter().chain(args).cloned().collect();
    let list = Value::Array(Rc::new(all));
    if args.iter().any(steps) {
        return list;
    }
    Value::Unknown(list.provenance(), Presence::Truthy)
}

/// What goes on with the request, or an object of options with that in it: whoever is given it is a layer of the handler.
fn holds_next(v: &Value) -> bool {
    let next = |v: &Value| matches!(v, Value::Native(native) if matches!(**native, Native::Next(_) | Native::Arrive { .. }));
    match v {
        Value::Object(object) => object.fields.iter().any(|(_, v)| next(v)),
        other => next(other),
    }
}
