//! Server actions that are written inside a component.
//!
//! Next.js encrypts and signs the variables that such an action closes over, so nobody can call it who was not given it: what the
//! component found out before it handed the action out holds for whoever calls it. One that closes over nothing is called like any
//! other.

use std::rc::Rc;

use crate::routes::Route;
use crate::source::Span;
use crate::syntax::{Expr, FunctionId, MODULE_BODY, ModuleRecord, Name, Stmt, StmtKind};

use super::call::Use;
use super::definitions::find_definition;
use super::evaluator::{Call, Evaluator, FRAMEWORK};
use super::names::binds;
use super::record::Record;
use super::state::{Outcomes, State};
use super::statement::Exit;
use super::value::{Scope, Value};

impl<'a> Evaluator<'a> {
    /// Renders the component up to where it hands the action out, then calls the action.
    pub(super) fn run_inline(
        &mut self,
        route: &Route,
        action: FunctionId,
        state: State,
    ) -> Outcomes {
        let record = self.module(route.module);
        let args = self.arguments_of(route);
        let top = Scope::module(route.module);
        if let Some(component) = component(record, action) {
            let rendered = self.render(route, component, action, &top, state.clone());
            if let Some((given, away)) = rendered {
                let mut outcomes = away;
                for state in given {
                    let value = self.closure(Rc::clone(&state.scope), action, None);
                    let state = state.in_scope(&top);
                    outcomes.extend(self.call(
                        &value,
                        None,
                        args.clone(),
                        state,
                        FRAMEWORK,
                        Use::Awaited,
                    ));
                }
                return outcomes;
            }
        }
        let value = self.closure(top, action, None);
        self.call(&value, None, args, state, FRAMEWORK, Use::Awaited)
    }

    /// The paths on which the component hands the action out, and those on which it does not; nothing where the action closes
    /// over none of its variables.
    fn render(
        &mut self,
        route: &Route,
        component: FunctionId,
        action: FunctionId,
        top: &Rc<Scope>,
        state: State,
    ) -> Option<(Vec<State>, Outcomes)> {
        let record = self.module(route.module);
        let function = record.function(component);
        let span = record.function(action).span;
        let before = before(&function.body, span);
        let scope = Scope {
            module: route.module,
            function: component,
            variables: Vec::with_capacity(function.params.len() + 4),
            this: None,
            parent: Some(Rc::clone(top)),
        };
        self.calls.push(Call {
            module: route.module,
            function: component,
            own: true,
            used: Use::Awaited,
            caller: Rc::clone(top),
            protection: self.protection.len(),
            began: self.spent,
        });
        let mut inside = state.in_scope(&Rc::new(scope));
        for param in &function.params {
            inside = self.bind(param, Value::unknown(), inside);
        }
        let rendered = self.rationed((1, 2), |this| this.block(before, vec![inside]));
        self.calls.pop();
        // What the page does is not what the action does.
        self.record = Record::default();
        self.first_work = None;
        let closes_over = |state: &State| {
            let variables = &state.scope.variables;
            record.exprs.iter().zip(&record.spans).any(|(expr, at)| {
                let Expr::Name(name) = expr else {
                    return false;
                };
                let inside = span.start <= at.start && at.end <= span.end;
                inside
                    && variables.iter().any(|(n, _)| n == name)
                    && !hides(record, span, *at, *name)
            })
        };
        if !rendered.next.iter().any(closes_over) {
            return None;
        }
        let mut away = Outcomes::new();
        for (state, exit) in rendered.exits {
            let error = match exit {
                Exit::Throw(error) => error,
                _ => Value::Undefined,
            };
            away.push((state.handed_out().in_scope(top), Err(error)));
        }
        let given = rendered.next.into_iter().map(State::handed_out).collect();
        Some((given, away))
    }
}

/// Whether an action, or a function in it, calls something of its own so at a place: then that is not what the component calls so.
fn hides(record: &ModuleRecord, action: Span, at: Span, name: Name) -> bool {
    let within = |inner: Span, outer: Span| outer.start <= inner.start && inner.end <= outer.end;
    let mut around = record
        .functions
        .iter()
        .filter(|each| within(each.span, action) && within(at, each.span));
    around.any(|each| {
        each.params.iter().any(|param| binds(param, name))
            || find_definition(&each.body, name).is_some()
    })
}

/// The outermost function around an action.
fn component(record: &ModuleRecord, action: FunctionId) -> Option<FunctionId> {
    let parent = |function: FunctionId| {
        let parent = record.function(function).parent;
        parent.filter(|parent| *parent != MODULE_BODY)
    };
    let mut outer = parent(action)?;
    while let Some(next) = parent(outer) {
        outer = next;
    }
    Some(outer)
}

/// The statements that run before the action exists; one that is declared as a function is there for all of them.
fn before(body: &[Stmt], action: Span) -> &[Stmt] {
    let end = body.iter().position(|stmt| {
        let holds = stmt.span.start <= action.start && action.end <= stmt.span.end;
        match stmt.kind {
            StmtKind::Return(_) => true,
            StmtKind::Function { .. } => false,
            _ => holds,
        }
    });
    body.get(..end.unwrap_or(body.len())).unwrap_or(body)
}
