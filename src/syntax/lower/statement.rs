//! Statements.

use oxc_ast::ast::{
    BindingPattern, Declaration, Expression, ForStatementInit, ForStatementLeft, Statement,
    SwitchStatement, TSEnumDeclaration, TSEnumMemberName, TSNamespaceDeclaration,
    TSNamespaceDeclarationBody, TryStatement, VariableDeclaration,
};
use oxc_ast_visit::Visit;
use oxc_span::GetSpan;

use crate::syntax::{
    Block, Case, Expr, ExprId, Handler, Key, Loop, Pattern, Property, Stmt, StmtKind,
};

use super::expression::cooked;
use super::{Bodies, Lowering, here};

impl<'a> Lowering<'a> {
    /// Lowers a statement and appends what it becomes, which may be nothing or several statements.
    pub(super) fn statement(&mut self, node: &Statement<'a>, out: &mut Vec<Stmt>) {
        self.deeper(|lowering| lowering.statement_inner(node, out));
    }

    fn statement_inner(&mut self, node: &Statement<'a>, out: &mut Vec<Stmt>) {
        let kind = match node {
            Statement::ExpressionStatement(it) => {
                let value = self.expr(&it.expression);
                if self.at_top() {
                    self.commonjs_export(&it.expression, value);
                }
                StmtKind::Expr(value)
            }
            Statement::ReturnStatement(it) => {
                StmtKind::Return(it.argument.as_ref().map(|value| self.expr(value)))
            }
            Statement::ThrowStatement(it) => StmtKind::Throw(self.expr(&it.argument)),
            Statement::IfStatement(it) => {
                let test = self.expr(&it.test);
                let then = self.block_of(&it.consequent);
                let otherwise = match &it.alternate {
                    Some(alternate) => self.block_of(alternate),
                    None => Block::default(),
                };
                StmtKind::If {
                    test,
                    then,
                    otherwise,
                }
            }
            Statement::BlockStatement(it) => StmtKind::Block(self.block(&it.body)),
            Statement::LabeledStatement(it) => StmtKind::Block(self.block_of(&it.body)),
            Statement::BreakStatement(_) => StmtKind::Break,
            Statement::ContinueStatement(_) => StmtKind::Continue,
            Statement::TryStatement(it) => self.try_statement(it),
            Statement::SwitchStatement(it) => self.switch(it),
            Statement::WhileStatement(it) => {
                let test = self.expr(&it.test);
                let forever = matches!(&it.test, Expression::BooleanLiteral(it) if it.value);
                let body = self.block_of(&it.body);
                StmtKind::Loop(Box::new(Loop {
                    test: Some(test),
                    runs_at_least_once: forever,
                    ..Loop::over(body)
                }))
            }
            Statement::DoWhileStatement(it) => {
                let body = self.block_of(&it.body);
                StmtKind::Loop(Box::new(Loop {
                    test: Some(self.expr(&it.test)),
                    runs_at_least_once: true,
                    ..Loop::over(body)
                }))
            }
            Statement::ForStatement(it) => {
                let mut init = Vec::new();
                match &it.init {
                    Some(ForStatementInit::VariableDeclaration(declaration)) => {
                        self.variables(declaration, declaration.span, &mut init);
                    }
                    Some(other) => {
                        if let Some(expression) = other.as_expression() {
                            init.push(Stmt {
                                span: here(expression.span()),
                                kind: StmtKind::Expr(self.expr(expression)),
                            });
                        }
                    }
                    None => {}
                }
                let test = it.test.as_ref().map(|test| self.expr(test));
                let update = it.update.as_ref().map(|update| self.expr(update));
                let body = self.block_of(&it.body);
                StmtKind::Loop(Box::new(Loop {
                    init: init.into_boxed_slice(),
                    test,
                    update,
                    runs_at_least_once: test.is_none(),
                    ..Loop::over(body)
                }))
            }
            Statement::ForOfStatement(it) => {
                let each = self.each(&it.left, &it.right);
                let body = self.block_of(&it.body);
                StmtKind::Loop(Box::new(Loop {
                    each: Some(each),
                    awaits: it.r#await,
                    ..Loop::over(body)
                }))
            }
            Statement::ForInStatement(it) => {
                let each = self.each(&it.left, &it.right);
                let body = self.block_of(&it.body);
                StmtKind::Loop(Box::new(Loop {
                    each: Some(each),
                    ..Loop::over(body)
                }))
            }
            Statement::WithStatement(it) => {
                let object = self.expr(&it.object);
                out.push(Stmt {
                    span: here(it.object.span()),
                    kind: StmtKind::Expr(object),
                });
                StmtKind::Block(self.block_of(&it.body))
            }
            Statement::EmptyStatement(_) | Statement::DebuggerStatement(_) => return,
            other => {
                if let Some(declaration) = other.as_declaration() {
                    self.declaration(declaration, out);
                } else if let Some(declaration) = other.as_module_declaration() {
                    self.module_declaration(declaration, out);
                }
                return;
            }
        };
        out.push(Stmt {
            span: here(node.span()),
            kind,
        });
    }

    pub(super) fn block(&mut self, statements: &[Statement<'a>]) -> Block {
        let mut block = Vec::with_capacity(statements.len());
        for statement in statements {
            self.statement(statement, &mut block);
        }
        block.into_boxed_slice()
    }

    /// The body of an `if` or a loop, without a block inside the block.
    fn block_of(&mut self, statement: &Statement<'a>) -> Block {
        match statement {
            Statement::BlockStatement(block) => self.block(&block.body),
            other => self.block(std::slice::from_ref(other)),
        }
    }

    fn try_statement(&mut self, node: &TryStatement<'a>) -> StmtKind {
        let block = self.block(&node.block.body);
        let handler = node.handler.as_ref().map(|handler| Handler {
            param: handler.param.as_ref().map(|param| {
                if let Some(annotation) = &param.type_annotation {
                    self.types(|types| types.visit_ts_type_annotation(annotation));
                }
                self.binding(&param.pattern)
            }),
            body: self.block(&handler.body.body),
        });
        let finalizer = match &node.finalizer {
            Some(finalizer) => self.block(&finalizer.body),
            None => Block::default(),
        };
        StmtKind::Try {
            block,
            handler: handler.map(Box::new),
            finalizer,
        }
    }

    fn switch(&mut self, node: &SwitchStatement<'a>) -> StmtKind {
        let value = self.expr(&node.discriminant);
        let cases = self.list(&node.cases, |lowering, case| {
            let test = case.test.as_ref().map(|test| lowering.expr(test));
            let body = lowering.block(&case.consequent);
            Some(Case { test, body })
        });
        StmtKind::Switch { value, cases }
    }

    fn each(&mut self, left: &ForStatementLeft<'a>, right: &Expression<'a>) -> (Pattern, ExprId) {
        let pattern = match left {
            ForStatementLeft::VariableDeclaration(declaration) => declaration
                .declarations
                .first()
                .map(|declarator| self.binding(&declarator.id)),
            other => other
                .as_assignment_target()
                .map(|target| self.target(target)),
        };
        let pattern = pattern.unwrap_or(Pattern::Array {
            elements: Box::default(),
            rest: None,
        });
        (pattern, self.expr(right))
    }

    /// A declaration that may be exported.
    pub(super) fn declaration(&mut self, node: &Declaration<'a>, out: &mut Vec<Stmt>) {
        if node.declare() || self.bodies == Bodies::Declarations && !is_import(node) {
            self.ambient(node);
            return;
        }
        let kind = match node {
            Declaration::VariableDeclaration(it) => {
                self.variables(it, it.span, out);
                return;
            }
            Declaration::FunctionDeclaration(it) => {
                let Some(id) = &it.id else { return };
                if it.body.is_none() {
                    self.ambient(node);
                    return;
                }
                let name = self.name(id.name.as_str());
                let function = self.function(it, Some(name));
                StmtKind::Function { name, function }
            }
            Declaration::ClassDeclaration(it) => {
                let Some(id) = &it.id else { return };
                let name = self.name(id.name.as_str());
                let class = self.class(it, Some(name));
                StmtKind::Class { name, class }
            }
            Declaration::TSEnumDeclaration(it) => self.enumeration(it),
            Declaration::TSNamespaceDeclaration(it) => {
                let pattern = Pattern::Name(self.name(it.id.name.as_str()));
                let init = Some(self.namespace(it));
                StmtKind::Let { pattern, init }
            }
            Declaration::TSImportEqualsDeclaration(it) => match self.import_equals(it) {
                Some(kind) => kind,
                None => return,
            },
            Declaration::TSTypeAliasDeclaration(_)
            | Declaration::TSInterfaceDeclaration(_)
            | Declaration::TSExternalModuleDeclaration(_)
            | Declaration::TSGlobalDeclaration(_) => {
                self.ambient(node);
                return;
            }
        };
        out.push(Stmt {
            span: here(node.span()),
            kind,
        });
    }

    /// A declaration that is nothing at run time: only its types are looked at.
    fn ambient(&mut self, node: &Declaration<'a>) {
        if self.at_top()
            && let Some(id) = node.id()
        {
            let name = self.name(id.name.as_str());
            self.type_names.insert(name);
        }
        self.types(|types| types.visit_declaration(node));
    }

    /// Declarators, one statement each. The first takes the whole declaration's place when it is the only one.
    pub(super) fn variables(
        &mut self,
        node: &VariableDeclaration<'a>,
        span: oxc_span::Span,
        out: &mut Vec<Stmt>,
    ) {
        let alone = node.declarations.len() == 1;
        for declarator in &node.declarations {
            if let Some(annotation) = &declarator.type_annotation {
                self.types(|types| types.visit_ts_type_annotation(annotation));
            }
            let span = if alone { span } else { declarator.span };
            if self.at_top()
                && let Some(init) = &declarator.init
                && self.required_import(&declarator.id, init, span)
            {
                continue;
            }
            let pattern = self.binding(&declarator.id);
            let name = Self::bound_name(&pattern);
            let init = declarator.init.as_ref().map(|init| {
                self.note_env_destructuring(&pattern, init, declarator.span);
                if self.at_top()
                    && let BindingPattern::BindingIdentifier(id) = &declarator.id
                {
                    self.note_env_alias(id.name.as_str(), init);
                }
                self.named(init, name)
            });
            out.push(Stmt {
                span: here(span),
                kind: StmtKind::Let { pattern, init },
            });
        }
    }

    /// An enum becomes an object; numbers count up as TypeScript does.
    fn enumeration(&mut self, node: &TSEnumDeclaration<'a>) -> StmtKind {
        let pattern = Pattern::Name(self.name(node.id.name.as_str()));
        let mut next = Some(0.0);
        let mut properties = Vec::with_capacity(node.body.members.len());
        for member in &node.body.members {
            let text = match &member.id {
                TSEnumMemberName::Identifier(id) => id.name.as_str(),
                TSEnumMemberName::String(text) | TSEnumMemberName::ComputedString(text) => {
                    text.value.as_str()
                }
                TSEnumMemberName::ComputedTemplateString(template) => {
                    template.quasis.first().map_or("", cooked)
                }
            };
            let key = Key::Name(self.name(text));
            let value = match (&member.initializer, next) {
                (Some(initializer), _) => self.expr(initializer),
                (None, Some(number)) => self.push(Expr::Number(number), member.span),
                (None, None) => self.push(Expr::Opaque(Box::default()), member.span),
            };
            next = match self.exprs.get(value.0 as usize) {
                Some(Expr::Number(number)) => Some(number + 1.0),
                _ => None,
            };
            properties.push(Property::Value { key, value });
        }
        let init = self.push(Expr::Object(properties.into_boxed_slice()), node.span);
        StmtKind::Let {
            pattern,
            init: Some(init),
        }
    }

    /// A namespace becomes a function, called in place, that returns what the namespace exports.
    fn namespace(&mut self, node: &TSNamespaceDeclaration<'a>) -> ExprId {
        match &node.body {
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
                let key = Key::Name(self.name(inner.id.name.as_str()));
                let value = match self.deeper(|lowering| lowering.namespace(inner)) {
                    Some(value) => value,
                    None => self.push(Expr::Opaque(Box::default()), inner.span),
                };
                let property = Property::Value { key, value };
                self.push(Expr::Object(Box::new([property])), inner.span)
            }
            TSNamespaceDeclarationBody::TSModuleBlock(block) => {
                let span = node.span;
                self.called_in_place(
                    &block.body,
                    |lowering| {
                        let mut properties = Vec::new();
                        for statement in &block.body {
                            if let Statement::ExportDeclaration(export) = statement {
                                lowering.namespace_members(&export.declaration, &mut properties);
                            }
                        }
                        let object =
                            lowering.push(Expr::Object(properties.into_boxed_slice()), span);
                        Some(Stmt {
                            span: here(span),
                            kind: StmtKind::Return(Some(object)),
                        })
                    },
                    span,
                )
            }
        }
    }

    fn namespace_members(&mut self, node: &Declaration<'a>, properties: &mut Vec<Property>) {
        if node.declare() || node.is_type() {
            return;
        }
        let mut names = Vec::new();
        match node {
            Declaration::VariableDeclaration(it) => {
                for declarator in &it.declarations {
                    names.extend(declarator.id.get_binding_identifiers());
                }
            }
            other => names.extend(other.id()),
        }
        for id in names {
            let name = self.name(id.name.as_str());
            let value = self.push(Expr::Name(name), id.span);
            let key = Key::Name(name);
            properties.push(Property::Value { key, value });
        }
    }
}

/// `import x = require('y')`, which is the same in declaration files.
fn is_import(node: &Declaration<'_>) -> bool {
    matches!(node, Declaration::TSImportEqualsDeclaration(_))
}

impl Loop {
    fn over(body: Block) -> Self {
        Self {
            init: Block::default(),
            each: None,
            test: None,
            update: None,
            body,
            runs_at_least_once: false,
            awaits: false,
        }
    }
}
