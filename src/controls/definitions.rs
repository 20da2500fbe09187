//! What names stand for: variables of the functions that run, and what modules define and take from one another.

use std::rc::Rc;

use crate::graph::{ModuleId, Symbol};
use crate::syntax::{
    AssignOp, ClassId, Expr, ExprId, Function, FunctionId, MODULE_BODY, ModuleRecord, Name,
    Pattern, Stmt, StmtKind,
};

use super::evaluator::Evaluator;
use super::names::binds;
use super::record::Place;
use super::state::State;
use super::value::{Bits, ClassValue, Closure, Object, Presence, Provenance, Scope, Value};

/// A module-level name.
#[derive(Debug)]
pub(super) enum Global {
    /// It is being evaluated, at this depth.
    Running(usize),
    Known(Value),
}

impl<'a> Evaluator<'a> {
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
        // `Date` and `URL` are the runtime's, `MAX_AGE` is not.
        let like_a_class = text.starts_with(|first: char| first.is_ascii_uppercase());
        if of_runtime || like_a_class && !text.contains('_') {
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

    /// What a module keeps in a member of the runtime's global object, which is there from one request to the next:
    /// `global.client ??= connect()`.
    pub fn kept_globally(&mut self, place: Place, member: &str) -> Option<Value> {
        let module = place.module;
        let record = self.module(module);
        let name = record.find_name(member)?;
        let depth = self.global_depth;
        match self.kept_globally.get(&(module, name)) {
            Some(Global::Known(value)) => return Some(value.clone()),
            Some(Global::Running(depth)) => {
                self.cycle = self.cycle.min(*depth);
                return None;
            }
            None => {}
        }
        let own = &record.functions.first()?.body;
        let is_global = |object: ExprId| match record.expr(object) {
            Expr::Name(object) => matches!(record.name(*object), "global" | "globalThis"),
            _ => false,
        };
        // `const held = globalThis as { client?: Client }`
        let stands_for_it = |object: ExprId| match record.expr(object) {
            Expr::Name(object) => matches!(
                find_definition(own, *object),
                Some(Definition::Variable { init: Some(init), .. }) if is_global(init)
            ),
            _ => false,
        };
        let sets = |target: &Pattern| match target {
            Pattern::Member(target) => match record.expr(*target) {
                Expr::Member {
                    object, property, ..
                } => *property == name && (is_global(*object) || stands_for_it(*object)),
                _ => false,
            },
            _ => false,
        };
        self.global_depth += 1;
        let around = std::mem::replace(&mut self.cycle, usize::MAX);
        self.kept_globally
            .insert((module, name), Global::Running(depth));
        let value = match self.set_somewhere(record, module, sets) {
            Some(
                kept @ (Value::External(_)
                | Value::Function(_)
                | Value::Native(_)
                | Value::Promise(_)
                | Value::Object(_)),
            ) => kept,
            _ => Value::unknown(),
        };
        self.global_depth -= 1;
        if self.cycle < depth {
            self.kept_globally.remove(&(module, name));
            self.cycle = self.cycle.min(around);
        } else {
            self.lasting.note(&value);
            let known = Global::Known(value.clone());
            self.kept_globally.insert((module, name), known);
            self.cycle = around;
        }
        Some(value)
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
        match self.set_somewhere(record, module, sets) {
            None => value,
            Some(
                kept @ (Value::External(_)
                | Value::Function(_)
                | Value::Native(_)
                | Value::Object(_)),
            ) => kept,
            Some(other) => Value::Unknown(other.provenance(), Presence::Maybe),
        }
    }

    /// The first thing that some function of the module sets what is meant to.
    fn set_somewhere(
        &mut self,
        record: &'a ModuleRecord,
        module: ModuleId,
        sets: impl Fn(&Pattern) -> bool,
    ) -> Option<Value> {
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
                return Some(value);
            }
        }
        None
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
