//! The path of a value from the package that it comes from: `openai#default!.chat.completions.create`.

use crate::graph::{Graph, ModuleId, Symbol};
use crate::syntax::{Expr, ExprId, FunctionId, Key, Name, Property, StmtKind};

use super::Index;
use crate::checks::code::statements;

/// A chain of variables, functions and modules longer than this is given up.
const DEPTH: u8 = 12;

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::checks) struct Origin {
    /// `openai#default!.chat.completions.create`; `?#prisma.user.findMany` when the package is unknown.
    pub path: String,
    /// The construction (`new OpenAI({…})`) that the value was made by first.
    pub made: Option<(ModuleId, ExprId)>,
}

impl Index {
    /// The path of an expression. One that no package gives begins with `?#` and the variable's name.
    pub(in crate::checks) fn origin(
        &self,
        graph: &Graph,
        module: ModuleId,
        expr: ExprId,
    ) -> Origin {
        let tracer = Tracer { index: self, graph };
        tracer.expr(module, expr, DEPTH).unwrap_or(Origin {
            path: String::from("?#"),
            made: None,
        })
    }

    /// The function that a callee stands for, in whichever module it is written.
    pub(in crate::checks) fn function_of(
        &self,
        graph: &Graph,
        module: ModuleId,
        callee: ExprId,
    ) -> Option<(ModuleId, FunctionId)> {
        Tracer { index: self, graph }.function(module, callee, DEPTH)
    }
}

struct Tracer<'a> {
    index: &'a Index,
    graph: &'a Graph,
}

impl Tracer<'_> {
    fn expr(&self, module: ModuleId, id: ExprId, depth: u8) -> Option<Origin> {
        let depth = depth.checked_sub(1)?;
        let record = self.graph.module(module);
        match record.expr(id) {
            Expr::Name(name) => {
                let at = record.span(id).start;
                Some(
                    self.name(module, *name, at, depth)
                        .unwrap_or_else(|| unknown(record.name(*name))),
                )
            }
            Expr::This => Some(unknown("this")),
            Expr::Member {
                object, property, ..
            } => {
                let name = record.name(*property);
                if matches!(record.expr(*object), Expr::This)
                    && let Some(field) = self.index.module(self.graph, module).field(*property)
                    && let Some(origin) = self.expr(module, field, depth)
                    && !origin.path.starts_with("?#")
                {
                    return Some(origin);
                }
                if let Some(found) = self.member_of_module(module, *object, name, depth) {
                    return Some(found);
                }
                let mut origin = self.expr(module, *object, depth)?;
                if let Some(whole) = origin.path.strip_suffix("#*") {
                    origin.path = format!("{whole}#{name}");
                } else {
                    origin.path.push('.');
                    origin.path.push_str(name);
                }
                Some(origin)
            }
            Expr::Index { object, .. } => {
                let mut origin = self.expr(module, *object, depth)?;
                origin.path.push_str("[]");
                Some(origin)
            }
            Expr::Call { callee, args, .. } => {
                if let Some((home, function)) = self.function(module, *callee, depth)
                    && let Some(origin) = self.returned(home, function, depth)
                {
                    return Some(origin);
                }
                if let (Expr::Name(name), [argument]) = (record.expr(*callee), &**args)
                    && record.name(*name) == "require"
                    && let Expr::String(specifier) = record.expr(argument.value)
                {
                    return Some(Origin {
                        path: format!("{specifier}#*"),
                        made: None,
                    });
                }
                let mut origin = self.expr(module, *callee, depth)?;
                origin.path.push_str("()");
                Some(origin)
            }
            Expr::New { callee, .. } => {
                let mut origin = self.expr(module, *callee, depth)?;
                origin.path.push('!');
                origin.made = Some((module, id));
                Some(origin)
            }
            Expr::Import(specifier) => match record.expr(*specifier) {
                Expr::String(specifier) => match self.graph.link(module, specifier) {
                    crate::graph::Link::External { .. } => Some(Origin {
                        path: format!("{specifier}#*"),
                        made: None,
                    }),
                    _ => None,
                },
                _ => None,
            },
            Expr::Await(inner) => self.expr(module, *inner, depth),
            Expr::Assign { value, .. } => self.expr(module, *value, depth),
            Expr::Logical { left, right, .. } => self.either(module, *left, *right, depth),
            Expr::Conditional {
                then, otherwise, ..
            } => self.either(module, *then, *otherwise, depth),
            _ => None,
        }
    }

    fn either(&self, module: ModuleId, a: ExprId, b: ExprId, depth: u8) -> Option<Origin> {
        let known = |origin: &Origin| !origin.path.starts_with("?#");
        let first = self.expr(module, a, depth);
        if first.as_ref().is_some_and(known) {
            return first;
        }
        self.expr(module, b, depth).filter(known).or(first)
    }

    fn name(&self, module: ModuleId, name: Name, at: u32, depth: u8) -> Option<Origin> {
        let depth = depth.checked_sub(1)?;
        match self.graph.binding(module, name) {
            Some(Symbol::External {
                package,
                subpath,
                name,
            }) => {
                let slash = if subpath.is_empty() { "" } else { "/" };
                Some(Origin {
                    path: format!("{package}{slash}{subpath}#{name}"),
                    made: None,
                })
            }
            Some(Symbol::Local { module, name }) => self.local(module, name, u32::MAX, depth),
            Some(Symbol::Expr { module, expr }) => self.expr(module, expr, depth),
            Some(_) => None,
            None => self.local(module, name, at, depth),
        }
    }

    fn local(&self, module: ModuleId, name: Name, at: u32, depth: u8) -> Option<Origin> {
        let record = self.graph.module(module);
        let value = self
            .index
            .module(self.graph, module)
            .value(record, name, at)?;
        self.expr(module, value, depth)
            .filter(|origin| !origin.path.starts_with("?#"))
    }

    /// `clients.openai` of an object literal, or a member of another module that is imported whole.
    fn member_of_module(
        &self,
        module: ModuleId,
        object: ExprId,
        property: &str,
        depth: u8,
    ) -> Option<Origin> {
        let record = self.graph.module(module);
        let Expr::Name(name) = record.expr(object) else {
            return None;
        };
        let (home, name) = match self.graph.binding(module, *name) {
            Some(Symbol::Namespace(other)) => match self.graph.export(other, property) {
                Symbol::Local { module, name } => return self.local(module, name, u32::MAX, depth),
                Symbol::Expr { module, expr } => return self.expr(module, expr, depth),
                _ => return None,
            },
            Some(Symbol::Local { module, name }) => (module, name),
            Some(_) => return None,
            None => (module, *name),
        };
        let record = self.graph.module(home);
        let at = if home == module {
            self.graph.module(module).span(object).start
        } else {
            u32::MAX
        };
        let value = self
            .index
            .module(self.graph, home)
            .value(record, name, at)?;
        let Expr::Object(properties) = record.expr(value) else {
            return None;
        };
        let value = properties.iter().find_map(|each| match each {
            Property::Value {
                key: Key::Name(key),
                value,
            } if record.name(*key) == property => Some(*value),
            _ => None,
        })?;
        self.expr(home, value, depth)
    }

    /// The function that a callee stands for.
    fn function(
        &self,
        module: ModuleId,
        callee: ExprId,
        depth: u8,
    ) -> Option<(ModuleId, FunctionId)> {
        let depth = depth.checked_sub(1)?;
        let record = self.graph.module(module);
        match record.expr(callee) {
            Expr::Function(function) => Some((module, *function)),
            Expr::Name(name) => match self.graph.binding(module, *name) {
                Some(Symbol::Local { module, name }) => self.declared(module, name, depth),
                Some(Symbol::Expr { module, expr }) => self.function(module, expr, depth),
                Some(_) => None,
                None => self.declared(module, *name, depth),
            },
            Expr::Member {
                object, property, ..
            } => {
                let Expr::Name(name) = record.expr(*object) else {
                    return None;
                };
                match self.graph.binding(module, *name)? {
                    Symbol::Namespace(other) => {
                        match self.graph.export(other, record.name(*property)) {
                            Symbol::Local { module, name } => self.declared(module, name, depth),
                            Symbol::Expr { module, expr } => self.function(module, expr, depth),
                            _ => None,
                        }
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn declared(&self, module: ModuleId, name: Name, depth: u8) -> Option<(ModuleId, FunctionId)> {
        let index = self.index.module(self.graph, module);
        if let Some(function) = index.function(name) {
            return Some((module, function));
        }
        let [value] = index.values(name) else {
            return None;
        };
        let record = self.graph.module(module);
        match record.expr(*value) {
            Expr::Function(function) => Some((module, *function)),
            // `cache(async () => …)`
            Expr::Call { args, .. } => match args.first().map(|arg| record.expr(arg.value)) {
                Some(Expr::Function(function)) => Some((module, *function)),
                _ => None,
            },
            Expr::Name(_) => self.function(module, *value, depth),
            _ => None,
        }
    }

    /// What a function that makes clients returns.
    fn returned(&self, module: ModuleId, function: FunctionId, depth: u8) -> Option<Origin> {
        let record = self.graph.module(module);
        let body = &record.function(function).body;
        let values = statements(body).filter_map(|statement| match statement.kind {
            StmtKind::Return(Some(value)) => Some(value),
            _ => None,
        });
        values
            .take(4)
            .filter_map(|value| self.expr(module, value, depth))
            .find(|origin| !origin.path.starts_with("?#"))
    }
}

fn unknown(name: &str) -> Origin {
    Origin {
        path: format!("?#{name}"),
        made: None,
    }
}
