//! Which names functions use, and which they set of what is around them.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::graph::ModuleId;
use crate::source::Span;
use crate::syntax::{Expr, ExprId, FunctionId, ModuleRecord, Name, Pattern};

use super::definitions::find_definition;
use super::evaluator::Evaluator;
use super::value::Closure;

/// What is known of the names in modules and functions, worked out once each.
#[derive(Default)]
pub(super) struct Names {
    /// What a module sets, and where.
    assignments: FxHashMap<ModuleId, Vec<(Name, Span)>>,
    /// The members that a module sets of anything, and where.
    members: FxHashMap<ModuleId, Vec<(Name, Span)>>,
    /// What functions that are written inside others set of their surroundings.
    written: FxHashMap<(ModuleId, FunctionId), Rc<[Name]>>,
    /// Where the names of a module are used, in order.
    uses: FxHashMap<ModuleId, Vec<(u32, Name)>>,
    /// Names as keys of objects, by module and number.
    keys: Vec<Vec<Option<Rc<str>>>>,
    /// The names in each function, in order of their numbers.
    named: FxHashMap<(ModuleId, FunctionId), Rc<[Name]>>,
}

impl Evaluator<'_> {
    /// A name as the key of a field; one for all objects.
    pub fn key_of(&mut self, module: ModuleId, name: Name) -> Rc<str> {
        let record = self.module(module);
        let modules = &mut self.names.keys;
        let (at, number) = (module.0 as usize, name.0 as usize);
        if modules.len() <= at {
            modules.resize_with(at + 1, Vec::new);
        }
        let keys = &mut modules[at];
        if keys.len() <= number {
            keys.resize(record.names.len().max(number + 1), None);
        }
        Rc::clone(keys[number].get_or_insert_with(|| Rc::from(record.name(name))))
    }

    /// The variables of the function around it that a function sets, or changes a member of.
    pub fn written(&mut self, closure: &Closure) -> Rc<[Name]> {
        let key = (closure.module, closure.function);
        if let Some(known) = self.names.written.get(&key) {
            return Rc::clone(known);
        }
        let record = self.module(closure.module);
        let function = self.function(closure);
        let inside =
            |span: Span| span.start >= function.span.start && span.end <= function.span.end;
        let mut names: Vec<Name> = Vec::new();
        let set = self
            .names
            .assignments
            .entry(closure.module)
            .or_insert_with(|| assignments(record));
        for &(name, span) in set.iter() {
            let own = || {
                function.params.iter().any(|param| binds(param, name))
                    || find_definition(&function.body, name).is_some()
            };
            if inside(span) && !names.contains(&name) && !own() {
                names.push(name);
            }
        }
        let names: Rc<[Name]> = Rc::from(names);
        self.names.written.insert(key, Rc::clone(&names));
        names
    }

    /// Whether something in the module sets a variable of this name again, or changes a member of it.
    pub fn is_set(&mut self, module: ModuleId, name: Name) -> bool {
        let record = self.module(module);
        let set = self.names.assignments.entry(module);
        let set = set.or_insert_with(|| assignments(record));
        set.iter().any(|(other, _)| *other == name)
    }

    /// Whether a function sets a member of this name of anything.
    pub fn sets_member(&mut self, module: ModuleId, function: FunctionId, property: Name) -> bool {
        let record = self.module(module);
        let Some(within) = record.functions.get(function.0 as usize) else {
            return false;
        };
        let set = self
            .names
            .members
            .entry(module)
            .or_insert_with(|| members(record));
        let inside = |span: Span| span.start >= within.span.start && span.end <= within.span.end;
        set.iter()
            .any(|(name, span)| *name == property && inside(*span))
    }

    /// The names that a function uses, with those of the functions inside it, in order of their numbers.
    pub fn named_in(&mut self, closure: &Closure) -> Rc<[Name]> {
        let key = (closure.module, closure.function);
        if let Some(known) = self.names.named.get(&key) {
            return Rc::clone(known);
        }
        let record = self.module(closure.module);
        let function = self.function(closure).span;
        let uses = self
            .names
            .uses
            .entry(closure.module)
            .or_insert_with(|| uses(record));
        let first = uses.partition_point(|(at, _)| *at < function.start);
        let inside = uses[first..].iter();
        let mut names: Vec<Name> = inside
            .take_while(|(at, _)| *at < function.end)
            .map(|(_, name)| *name)
            .collect();
        names.sort_unstable();
        names.dedup();
        let names: Rc<[Name]> = Rc::from(names);
        self.names.named.insert(key, Rc::clone(&names));
        names
    }
}

/// Where the names of a module are used, in order.
fn uses(record: &ModuleRecord) -> Vec<(u32, Name)> {
    let exprs = record.exprs.iter().zip(&record.spans);
    let mut uses: Vec<(u32, Name)> = exprs
        .filter_map(|(expr, span)| match expr {
            Expr::Name(name) => Some((span.start, *name)),
            _ => None,
        })
        .collect();
    uses.sort_unstable();
    uses
}

/// Methods that change the list that they are called on.
const CHANGES_LIST: [&str; 3] = ["push", "unshift", "splice"];

/// The variables that are set, or of which a member is.
fn assignments(record: &ModuleRecord) -> Vec<(Name, Span)> {
    let name_of = |expr: ExprId| match record.expr(expr) {
        Expr::Name(name) => Some(*name),
        _ => None,
    };
    let set = record.exprs.iter().zip(&record.spans);
    set.filter_map(|(expr, span)| {
        let name = match expr {
            Expr::Assign { target, .. } => match &**target {
                Pattern::Name(name) => Some(*name),
                Pattern::Member(member) => match record.expr(*member) {
                    Expr::Member { object, .. } | Expr::Index { object, .. } => name_of(*object),
                    _ => None,
                },
                _ => None,
            },
            Expr::Call { callee, .. } => match record.expr(*callee) {
                Expr::Member {
                    object, property, ..
                } if CHANGES_LIST.contains(&record.name(*property)) => name_of(*object),
                _ => None,
            },
            _ => None,
        };
        Some((name?, *span))
    })
    .collect()
}

/// The members that are set.
fn members(record: &ModuleRecord) -> Vec<(Name, Span)> {
    let set = record.exprs.iter().zip(&record.spans);
    set.filter_map(|(expr, span)| {
        let Expr::Assign { target, .. } = expr else {
            return None;
        };
        let Pattern::Member(member) = &**target else {
            return None;
        };
        match record.expr(*member) {
            Expr::Member { property, .. } => Some((*property, *span)),
            _ => None,
        }
    })
    .collect()
}

/// Whether a pattern binds a name.
pub(super) fn binds(pattern: &Pattern, name: Name) -> bool {
    match pattern {
        Pattern::Name(n) => *n == name,
        Pattern::Member(_) => false,
        Pattern::Object { properties, rest } => {
            properties.iter().any(|(_, p)| binds(p, name))
                || rest.as_ref().is_some_and(|p| binds(p, name))
        }
        Pattern::Array { elements, rest } => {
            elements.iter().flatten().any(|p| binds(p, name))
                || rest.as_ref().is_some_and(|p| binds(p, name))
        }
        Pattern::Default { pattern, .. } | Pattern::Rest(pattern) => binds(pattern, name),
    }
}
