//! Functions and their parameters.

use oxc_ast::ast::{
    ArrowFunctionBody, ArrowFunctionExpression, FormalParameters, Function as FunctionNode,
    FunctionBody, Statement, TSType,
};
use oxc_ast_visit::Visit;
use oxc_span::GetSpan;

use crate::syntax::{AssignOp, Block, Expr, FunctionId, Name, Pattern, Stmt, StmtKind};

use super::{Bodies, Lowering, here};

impl<'a> Lowering<'a> {
    /// A function declaration, expression or method. `name` is what it is assigned to, should it have no name of its own.
    pub(super) fn function(&mut self, node: &FunctionNode<'a>, name: Option<Name>) -> FunctionId {
        let own = node.id.as_ref().map(|id| self.name(id.name.as_str()));
        let id = self.reserve_function(node.span);
        self.types(|types| {
            if let Some(parameters) = &node.type_parameters {
                types.visit_ts_type_parameter_declaration(parameters);
            }
            if let Some(this) = &node.this_param {
                types.visit_ts_this_parameter(this);
            }
            if let Some(returned) = &node.return_type {
                types.visit_ts_type_annotation(returned);
            }
        });
        let outer = std::mem::replace(&mut self.current, id);
        let mut assigned = Vec::new();
        let params = self.params(&node.params, &mut assigned);
        let body = node
            .body
            .as_ref()
            .map(|body| self.function_body(id, body, assigned))
            .unwrap_or_default();
        self.current = outer;
        let function = &mut self.functions[id.0 as usize];
        function.name = own.or(name);
        function.params = params;
        function.body = body;
        function.is_async = node.r#async;
        function.is_generator = node.generator;
        id
    }

    /// An arrow function; its expression body becomes a `return`.
    pub(super) fn arrow(
        &mut self,
        node: &ArrowFunctionExpression<'a>,
        name: Option<Name>,
    ) -> FunctionId {
        let id = self.reserve_function(node.span);
        self.types(|types| {
            if let Some(parameters) = &node.type_parameters {
                types.visit_ts_type_parameter_declaration(parameters);
            }
            if let Some(returned) = &node.return_type {
                types.visit_ts_type_annotation(returned);
            }
        });
        let outer = std::mem::replace(&mut self.current, id);
        let params = self.params(&node.params, &mut Vec::new());
        let body = match &node.body {
            ArrowFunctionBody::FunctionBody(body) => self.function_body(id, body, Vec::new()),
            other => match other.as_expression() {
                Some(expression) => {
                    let mark = self.mark();
                    let value = self.expr(expression);
                    let body = Box::new([Stmt {
                        span: here(expression.span()),
                        kind: StmtKind::Return(Some(value)),
                    }]);
                    self.keep_or_drop(mark, body)
                }
                None => Block::default(),
            },
        };
        self.current = outer;
        let function = &mut self.functions[id.0 as usize];
        function.name = name;
        function.params = params;
        function.body = body;
        function.is_async = node.r#async;
        function.is_arrow = true;
        id
    }

    /// Statements wrapped into a function without parameters that is called where it stands, for constructs that are a
    /// scope with code of their own: static blocks and namespaces.
    pub(super) fn called_in_place(
        &mut self,
        statements: &[Statement<'a>],
        last: impl FnOnce(&mut Self) -> Option<Stmt>,
        span: oxc_span::Span,
    ) -> crate::syntax::ExprId {
        let id = self.reserve_function(span);
        let outer = std::mem::replace(&mut self.current, id);
        let mark = self.mark();
        let mut body = Vec::new();
        for statement in statements {
            self.statement(statement, &mut body);
        }
        body.extend(last(self));
        let body = self.keep_or_drop(mark, body.into_boxed_slice());
        self.current = outer;
        let function = &mut self.functions[id.0 as usize];
        function.body = body;
        function.is_arrow = true;
        let callee = self.push(Expr::Function(id), span);
        self.push(
            Expr::Call {
                callee,
                args: Box::default(),
                optional: false,
            },
            span,
        )
    }

    fn function_body(
        &mut self,
        id: FunctionId,
        body: &FunctionBody<'a>,
        mut statements: Vec<Stmt>,
    ) -> Block {
        if body
            .directives
            .iter()
            .any(|directive| directive.directive.as_str() == "use server")
        {
            self.functions[id.0 as usize].use_server = true;
            self.facts.inline_actions.push(id);
        }
        let mark = self.mark();
        statements.reserve_exact(body.statements.len());
        for statement in &body.statements {
            self.statement(statement, &mut statements);
        }
        self.keep_or_drop(mark, statements.into_boxed_slice())
    }

    /// Numbers of functions and classes, to cut them back to.
    fn mark(&mut self) -> [usize; 2] {
        self.dropping += u32::from(self.bodies != Bodies::Keep);
        [self.functions.len(), self.classes.len()]
    }

    /// Drops a body, and everything lowered since `mark`, in modules that need no bodies.
    fn keep_or_drop(&mut self, mark: [usize; 2], body: Block) -> Block {
        if self.bodies == Bodies::Keep {
            return body;
        }
        self.dropping -= 1;
        let [functions, classes] = mark;
        self.functions.truncate(functions);
        self.classes.truncate(classes);
        self.facts
            .inline_actions
            .retain(|action| (action.0 as usize) < functions);
        Block::default()
    }

    /// Parameters. Those that also declare a property (`constructor(private db: Db)`) add `this.db = db` to `assigned`.
    fn params(
        &mut self,
        params: &FormalParameters<'a>,
        assigned: &mut Vec<Stmt>,
    ) -> Box<[Pattern]> {
        let mut lowered = Vec::with_capacity(params.items.len() + 1);
        for param in &params.items {
            for decorator in &param.decorators {
                self.expr(&decorator.expression);
            }
            if let Some(annotation) = &param.type_annotation {
                self.types(|types| types.visit_ts_type_annotation(annotation));
            }
            let pattern = self.binding(&param.pattern);
            if let Some(annotation) = &param.type_annotation
                && matches!(annotation.type_annotation, TSType::TSBooleanKeyword(_))
                && let Pattern::Name(name) = pattern
                && let Some(name) = self.names.get(name.0 as usize)
            {
                self.facts.flags.push(name.clone());
            }
            if (param.accessibility.is_some() || param.readonly || param.r#override)
                && let Pattern::Name(name) = pattern
            {
                let object = self.push(Expr::This, param.span);
                let target = self.push(
                    Expr::Member {
                        object,
                        property: name,
                        optional: false,
                    },
                    param.span,
                );
                let value = self.push(Expr::Name(name), param.span);
                let assignment = self.push(
                    Expr::Assign {
                        target: Box::new(Pattern::Member(target)),
                        op: AssignOp::Set,
                        value,
                    },
                    param.span,
                );
                assigned.push(Stmt {
                    span: here(param.span),
                    kind: StmtKind::Expr(assignment),
                });
            }
            lowered.push(match &param.initializer {
                Some(initializer) => {
                    let name = Self::bound_name(&pattern);
                    Pattern::Default {
                        pattern: Box::new(pattern),
                        default: self.named(initializer, name),
                    }
                }
                None => pattern,
            });
        }
        if let Some(rest) = &params.rest {
            if let Some(annotation) = &rest.type_annotation {
                self.types(|types| types.visit_ts_type_annotation(annotation));
            }
            let pattern = self.binding(&rest.rest.argument);
            lowered.push(Pattern::Rest(Box::new(pattern)));
        }
        lowered.into_boxed_slice()
    }
}
