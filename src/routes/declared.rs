//! Where a name is declared, and walking over statements and expressions.

use crate::syntax::{
    AssignOp, Block, ClassId, Expr, ExprId, FunctionId, Key, ModuleRecord, Name, Pattern, Stmt,
    StmtKind,
};

use super::trace::LOOP_VARIABLES;

/// How a name is declared in a function.
pub(super) enum Declared {
    Function(FunctionId),
    Class(ClassId),
    Parameter(usize, Vec<Step>),
    Value(ExprId, Vec<Step>),
    /// Declared, with a value that cannot be seen.
    Hidden,
    Nothing,
}

/// A step from a destructured value to one of its parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Key(Name),
    Index(usize),
    Opaque,
}

/// How `name` is declared in a function, its nested blocks included and its nested functions not.
pub(super) fn declaration(record: &ModuleRecord, function: FunctionId, name: Name) -> Declared {
    let function = record.function(function);
    for (position, param) in function.params.iter().enumerate() {
        if let Some(path) = path_to(param, name) {
            return Declared::Parameter(position, path);
        }
    }
    let mut without_value = false;
    let found = find_in(&function.body, &mut |stmt| match &stmt.kind {
        StmtKind::Let { pattern, init } => {
            let path = path_to(pattern, name)?;
            match init {
                Some(init) => Some(Declared::Value(*init, path)),
                None => {
                    without_value = true;
                    None
                }
            }
        }
        StmtKind::Function {
            name: declared,
            function,
        } if *declared == name => Some(Declared::Function(*function)),
        StmtKind::Class {
            name: declared,
            class,
        } if *declared == name => Some(Declared::Class(*class)),
        StmtKind::Loop(each) => {
            let (pattern, _) = each.each.as_ref()?;
            path_to(pattern, name)
                .map(|path| Declared::Parameter(LOOP_VARIABLES + name.0 as usize, path))
        }
        _ => None,
    });
    if let Some(found) = found {
        return found;
    }
    if !without_value {
        return Declared::Nothing;
    }
    find_in(&function.body, &mut |stmt| {
        let StmtKind::Expr(expr) = &stmt.kind else {
            return None;
        };
        match record.expr(*expr) {
            Expr::Assign {
                target,
                op: AssignOp::Set,
                value,
            } => path_to(target, name).map(|path| Declared::Value(*value, path)),
            _ => None,
        }
    })
    .unwrap_or(Declared::Hidden)
}

/// The first answer of `ask` over the statements of a block and of the blocks inside it.
pub(super) fn find_in<T>(block: &Block, ask: &mut impl FnMut(&Stmt) -> Option<T>) -> Option<T> {
    for stmt in block {
        if let Some(found) = ask(stmt) {
            return Some(found);
        }
        let found = match &stmt.kind {
            StmtKind::If {
                then, otherwise, ..
            } => find_in(then, ask).or_else(|| find_in(otherwise, ask)),
            StmtKind::Switch { cases, .. } => {
                cases.iter().find_map(|case| find_in(&case.body, ask))
            }
            StmtKind::Try {
                block,
                handler,
                finalizer,
            } => find_in(block, ask)
                .or_else(|| find_in(&handler.as_ref()?.body, ask))
                .or_else(|| find_in(finalizer, ask)),
            StmtKind::Loop(each) => find_in(&each.init, ask).or_else(|| find_in(&each.body, ask)),
            StmtKind::Block(block) => find_in(block, ask),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The way from a pattern's value to the part that binds `name`.
#[inline]
pub(super) fn path_to(pattern: &Pattern, name: Name) -> Option<Vec<Step>> {
    match pattern {
        Pattern::Name(bound) => (*bound == name).then(Vec::new),
        _ => path_into(pattern, name),
    }
}

fn path_into(pattern: &Pattern, name: Name) -> Option<Vec<Step>> {
    match pattern {
        Pattern::Name(_) | Pattern::Member(_) => None,
        Pattern::Object { properties, rest } => {
            for (key, inner) in properties {
                if let Some(mut path) = path_to(inner, name) {
                    let step = match key {
                        Key::Name(key) => Step::Key(*key),
                        Key::Computed(_) => Step::Opaque,
                    };
                    path.insert(0, step);
                    return Some(path);
                }
            }
            path_to(rest.as_deref()?, name).map(|_| vec![Step::Opaque])
        }
        Pattern::Array { elements, rest } => {
            for (at, inner) in elements.iter().enumerate() {
                if let Some(mut path) = inner.as_ref().and_then(|inner| path_to(inner, name)) {
                    path.insert(0, Step::Index(at));
                    return Some(path);
                }
            }
            path_to(rest.as_deref()?, name).map(|_| vec![Step::Opaque])
        }
        Pattern::Default { pattern, .. } => path_to(pattern, name),
        Pattern::Rest(inner) => path_to(inner, name).map(|_| vec![Step::Opaque]),
    }
}
