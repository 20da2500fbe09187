//! What names stand for: arguments, constants of the functions around, destructured parts, imports.

use crate::source::Span;
use crate::syntax::{Argument, Block, Expr, ExprId, Key, ModuleRecord, Name, Pattern, StmtKind};

use super::folder::{MAX_DEPTH, Place};
use super::{Closure, Folded, Folder, Literal};

impl<'m> Folder<'_, 'm> {
    /// What a name stands for: an argument, a constant of the function or of those around it, a function, an import.
    pub(super) fn name(&self, place: &Place<'m>, name: Name, span: Span) -> Folded<'m> {
        let module = place.module;
        let mut scope = place.scope.as_ref();
        let mut function = place.function;
        loop {
            if let Some(current) = scope
                && current.function == function
                && let Some((_, value)) = current.arguments.iter().find(|(bound, _)| *bound == name)
            {
                return value.clone();
            }
            let Some(body) = module.functions.get(function.0 as usize) else {
                break;
            };
            let inside = Place {
                module,
                function,
                scope: scope
                    .filter(|current| current.function == function)
                    .cloned(),
                depth: place.depth,
            };
            if let Some(found) = self.declared(&inside, &body.body, name) {
                return found;
            }
            // An unbound parameter hides what lies further out.
            if body.params.iter().any(|param| binds(param, name)) {
                return place.value(Literal::Unknown, span);
            }
            match body.parent {
                Some(parent) => {
                    if let Some(current) = scope
                        && current.function == function
                    {
                        scope = current.outer.as_ref();
                    }
                    function = parent;
                }
                None => break,
            }
        }
        let import = module.imports.iter().find(|import| import.local == name);
        if let Some(import) = import
            && place.depth < MAX_DEPTH
            && let Some((target, export)) = (self.imports)(module, import)
        {
            return self.exported(target, export, place.depth + 1);
        }
        place.value(
            match module.name(name) {
                "undefined" => Literal::Undefined,
                _ => Literal::Unknown,
            },
            span,
        )
    }

    /// The value that `block` declares for `name`, wherever in it.
    fn declared(&self, place: &Place<'m>, block: &'m Block, name: Name) -> Option<Folded<'m>> {
        let mut open: Vec<&'m Block> = vec![block];
        let mut pushed: Vec<&'m [Argument]> = Vec::new();
        let mut found = None;
        while let Some(block) = open.pop() {
            for statement in block {
                match &statement.kind {
                    StmtKind::Let {
                        pattern,
                        init: Some(init),
                    } if found.is_none() => match pattern {
                        Pattern::Name(bound) if *bound == name => {
                            found = Some(self.expr(place, *init));
                        }
                        pattern if binds(pattern, name) => {
                            found = Some(self.destructured(place, pattern, *init, name));
                        }
                        _ => {}
                    },
                    StmtKind::Function {
                        name: bound,
                        function,
                    } if *bound == name && found.is_none() => {
                        found = Some(place.value(
                            Literal::Function(Closure {
                                function: *function,
                                scope: place.scope.clone(),
                            }),
                            statement.span,
                        ));
                    }
                    StmtKind::Expr(expr) => pushed.extend(pushes(place.module, *expr, name)),
                    _ => open.extend(inner_blocks(&statement.kind)),
                }
            }
        }
        let mut found = found?;
        if let Literal::Array { items, complete } = &mut found.value {
            for arguments in pushed {
                if let Literal::Array {
                    items: more,
                    complete: whole,
                } = self.array(place, arguments)
                {
                    items.extend(more);
                    *complete &= whole;
                }
            }
        }
        Some(found)
    }

    /// `const { a, b: [c] } = init`, one level of properties deep.
    fn destructured(
        &self,
        place: &Place<'m>,
        pattern: &'m Pattern,
        init: ExprId,
        name: Name,
    ) -> Folded<'m> {
        let span = place.module.span(init);
        let value = self.expr(place, init);
        bind(place.module, pattern, &value)
            .into_iter()
            .find(|(bound, _)| *bound == name)
            .map_or_else(|| place.value(Literal::Unknown, span), |(_, value)| value)
    }
}

/// The blocks inside a statement.
pub(super) fn inner_blocks(kind: &StmtKind) -> Vec<&Block> {
    match kind {
        StmtKind::If {
            then, otherwise, ..
        } => vec![then, otherwise],
        StmtKind::Switch { cases, .. } => cases.iter().map(|case| &case.body).collect(),
        StmtKind::Try {
            block,
            handler,
            finalizer,
        } => std::iter::once(block)
            .chain(handler.as_ref().map(|handler| &handler.body))
            .chain(std::iter::once(finalizer))
            .collect(),
        StmtKind::Loop(inner) => vec![&inner.body],
        StmtKind::Block(block) => vec![block],
        _ => Vec::new(),
    }
}

/// The arguments of `name.push(…)`.
fn pushes(module: &ModuleRecord, expr: ExprId, name: Name) -> Option<&[Argument]> {
    let Expr::Call { callee, args, .. } = module.expr(expr) else {
        return None;
    };
    let Expr::Member {
        object, property, ..
    } = module.expr(*callee)
    else {
        return None;
    };
    let fits = module.name(*property) == "push"
        && matches!(module.expr(*object), Expr::Name(at) if *at == name);
    fits.then_some(&**args)
}

/// Whether a pattern binds `name`.
fn binds(pattern: &Pattern, name: Name) -> bool {
    let mut open = vec![pattern];
    while let Some(current) = open.pop() {
        match current {
            Pattern::Name(bound) if *bound == name => return true,
            Pattern::Name(_) | Pattern::Member(_) => {}
            Pattern::Object { properties, rest } => {
                open.extend(properties.iter().map(|(_, inner)| inner));
                open.extend(rest.as_deref());
            }
            Pattern::Array { elements, rest } => {
                open.extend(elements.iter().flatten());
                open.extend(rest.as_deref());
            }
            Pattern::Default { pattern, .. } | Pattern::Rest(pattern) => open.push(pattern),
        }
    }
    false
}

/// The names that `pattern` binds when it takes `value`.
pub(super) fn bind<'m>(
    module: &'m ModuleRecord,
    pattern: &'m Pattern,
    value: &Folded<'m>,
) -> Vec<(Name, Folded<'m>)> {
    let mut bound = Vec::new();
    let mut open = vec![(pattern, value.clone())];
    while let Some((pattern, value)) = open.pop() {
        let unknown = || Folded {
            value: Literal::Unknown,
            ..value.clone()
        };
        match pattern {
            Pattern::Name(name) => bound.push((*name, value)),
            Pattern::Object { properties, .. } => {
                for (key, inner) in properties {
                    let part = match key {
                        Key::Name(name) => value.get(module.name(*name)).cloned(),
                        Key::Computed(_) => None,
                    };
                    open.push((inner, part.unwrap_or_else(unknown)));
                }
            }
            Pattern::Array { elements, .. } => {
                for (at, inner) in elements.iter().enumerate() {
                    let part = match &value.value {
                        Literal::Array { items, .. } => items.get(at).cloned(),
                        _ => None,
                    };
                    if let Some(inner) = inner {
                        open.push((inner, part.unwrap_or_else(unknown)));
                    }
                }
            }
            Pattern::Default { pattern, .. } => open.push((pattern, value)),
            Pattern::Member(_) | Pattern::Rest(_) => {}
        }
    }
    bound
}
