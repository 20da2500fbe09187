//! Imports and exports, of ES modules and of CommonJS.

use oxc_ast::ast::{
    AssignmentTarget, BindingPattern, Declaration, ExportDefaultDeclaration,
    ExportDefaultDeclarationKind, ExportSpecifier, Expression, ImportDeclaration,
    ImportDeclarationSpecifier, ImportOrExportKind, ModuleDeclaration, ModuleExportName,
    SimpleAssignmentTarget, TSImportEqualsDeclaration, TSModuleReference, TSTypeName,
};
use oxc_ast_visit::Visit;

use crate::syntax::{
    ExportTarget, Expr, ExprId, Import, Imported, Key, Name, Pattern, Property, Stmt, StmtKind,
};

use super::facts::required;
use super::{Bodies, Lowering, here};

impl<'a> Lowering<'a> {
    pub(super) fn module_declaration(&mut self, node: &ModuleDeclaration<'a>, out: &mut Vec<Stmt>) {
        match node {
            ModuleDeclaration::ImportDeclaration(it) => self.import(it),
            ModuleDeclaration::ExportAllDeclaration(it) => {
                let specifier = it.source.value.as_str();
                let type_only = it.export_kind == ImportOrExportKind::Type;
                self.add_request(specifier, type_only, it.source.span);
                match &it.exported {
                    Some(exported) if type_only => {
                        self.add_export(text_of(exported), ExportTarget::Type, it.span);
                    }
                    Some(exported) => {
                        let target = ExportTarget::From {
                            specifier: Box::from(specifier),
                            imported: Imported::Namespace,
                        };
                        self.add_export(text_of(exported), target, it.span);
                    }
                    None if type_only => {}
                    None => self.star_exports.push(Box::from(specifier)),
                }
            }
            ModuleDeclaration::ExportDefaultDeclaration(it) => self.export_default(it, out),
            ModuleDeclaration::ExportDeclaration(it) => {
                self.declaration(&it.declaration, out);
                // Inside a namespace it is the namespace that exports it.
                if self.at_top() {
                    self.export_names(&it.declaration, it.span);
                }
            }
            ModuleDeclaration::ExportNamedDeclaration(it) => {
                for specifier in &it.specifiers {
                    let local = self.name(text_of(&specifier.local));
                    let target = if is_type(it.export_kind, specifier) {
                        ExportTarget::Type
                    } else {
                        ExportTarget::Local(local)
                    };
                    self.add_export(text_of(&specifier.exported), target, specifier.span);
                }
            }
            ModuleDeclaration::ExportFromDeclaration(it) => {
                let source = it.source.value.as_str();
                let type_only = it.export_kind == ImportOrExportKind::Type
                    || !it.specifiers.is_empty()
                        && it
                            .specifiers
                            .iter()
                            .all(|specifier| specifier.export_kind == ImportOrExportKind::Type);
                self.add_request(source, type_only, it.source.span);
                for specifier in &it.specifiers {
                    let target = if is_type(it.export_kind, specifier) {
                        ExportTarget::Type
                    } else {
                        ExportTarget::From {
                            specifier: Box::from(source),
                            imported: self.imported(text_of(&specifier.local)),
                        }
                    };
                    self.add_export(text_of(&specifier.exported), target, specifier.span);
                }
            }
            ModuleDeclaration::TSExportAssignment(it) => {
                let value = self.expr(&it.expression);
                let target = self.export_target(value);
                self.add_export("default", target, it.span);
                self.export_properties(value);
            }
            ModuleDeclaration::TSNamespaceExportDeclaration(_) => {}
        }
    }

    fn import(&mut self, node: &ImportDeclaration<'a>) {
        let source = node.source.value.as_str();
        let whole = node.import_kind == ImportOrExportKind::Type;
        let mut only_types = node
            .specifiers
            .as_ref()
            .is_some_and(|list| !list.is_empty());
        for specifier in node.specifiers.iter().flatten() {
            let (local, imported, type_only) = match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(it) => {
                    let imported = self.imported(text_of(&it.imported));
                    let type_only = it.import_kind == ImportOrExportKind::Type;
                    (&it.local, imported, type_only)
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(it) => {
                    (&it.local, Imported::Default, false)
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(it) => {
                    (&it.local, Imported::Namespace, false)
                }
            };
            let local = self.name(local.name.as_str());
            only_types &= type_only;
            self.add_import(local, source, imported, whole || type_only, node.span);
        }
        self.add_request(source, whole || only_types, node.source.span);
    }

    fn add_import(
        &mut self,
        local: Name,
        specifier: &str,
        imported: Imported,
        type_only: bool,
        span: oxc_span::Span,
    ) {
        if type_only {
            self.type_names.insert(local);
        }
        self.imports.push(Import {
            local,
            specifier: Box::from(specifier),
            imported,
            type_only,
            span: here(span),
        });
    }

    fn imported(&mut self, text: &'a str) -> Imported {
        if text == "default" {
            Imported::Default
        } else {
            Imported::Named(self.name(text))
        }
    }

    /// `const x = require('y')`, `const { a, b: c } = require('y')`, `const x = require('y').z`. Anything more involved
    /// stays a call, and `false` is returned.
    pub(super) fn required_import(
        &mut self,
        pattern: &BindingPattern<'a>,
        init: &Expression<'a>,
        span: oxc_span::Span,
    ) -> bool {
        let (call, property) = match init.get_inner_expression() {
            Expression::CallExpression(call) => (call, None),
            Expression::StaticMemberExpression(member) => {
                match member.object.get_inner_expression() {
                    Expression::CallExpression(call) => (call, Some(member.property.name.as_str())),
                    _ => return false,
                }
            }
            _ => return false,
        };
        let Some((specifier, place)) = required(call) else {
            return false;
        };
        match (pattern, property) {
            (BindingPattern::BindingIdentifier(id), property) => {
                let local = self.name(id.name.as_str());
                let imported = match property {
                    Some(property) => self.imported(property),
                    None => Imported::Namespace,
                };
                self.add_request(specifier, false, place);
                self.add_import(local, specifier, imported, false, span);
                true
            }
            (BindingPattern::ObjectPattern(object), None) => {
                let simple = object.rest.is_none()
                    && object.properties.iter().all(|property| {
                        property.key.static_name().is_some()
                            && matches!(property.value, BindingPattern::BindingIdentifier(_))
                    });
                if !simple {
                    return false;
                }
                self.add_request(specifier, false, place);
                for property in &object.properties {
                    if let Key::Name(key) = self.key(&property.key, property.computed)
                        && let BindingPattern::BindingIdentifier(id) = &property.value
                    {
                        let local = self.name(id.name.as_str());
                        let imported = match self.names.get(key.0 as usize) {
                            Some(text) if &**text == "default" => Imported::Default,
                            _ => Imported::Named(key),
                        };
                        self.add_import(local, specifier, imported, false, property.span);
                    }
                }
                true
            }
            _ => false,
        }
    }

    /// `import x = require('y')` is an import, `import x = A.B` a binding.
    pub(super) fn import_equals(
        &mut self,
        node: &TSImportEqualsDeclaration<'a>,
    ) -> Option<StmtKind> {
        let local = self.name(node.id.name.as_str());
        let type_only = node.import_kind == ImportOrExportKind::Type;
        match &node.module_reference {
            TSModuleReference::ExternalModuleReference(reference) => {
                let specifier = reference.expression.value.as_str();
                self.add_request(specifier, type_only, reference.expression.span);
                self.add_import(local, specifier, Imported::Namespace, type_only, node.span);
                None
            }
            _ if type_only => {
                self.type_names.insert(local);
                None
            }
            TSModuleReference::IdentifierReference(id) => {
                let name = self.name(id.name.as_str());
                let init = Some(self.push(Expr::Name(name), id.span));
                let pattern = Pattern::Name(local);
                Some(StmtKind::Let { pattern, init })
            }
            TSModuleReference::QualifiedName(qualified) => {
                let mut properties = vec![&qualified.right];
                let mut left = &qualified.left;
                let mut object = loop {
                    match left {
                        TSTypeName::QualifiedName(inner) => {
                            properties.push(&inner.right);
                            left = &inner.left;
                        }
                        TSTypeName::IdentifierReference(id) => {
                            let name = self.name(id.name.as_str());
                            break self.push(Expr::Name(name), id.span);
                        }
                        TSTypeName::ThisExpression(this) => {
                            break self.push(Expr::This, this.span);
                        }
                    }
                };
                if properties.len() > super::MAX_OPERATORS {
                    self.too_deep = true;
                    return None;
                }
                while let Some(id) = properties.pop() {
                    let property = self.name(id.name.as_str());
                    object = self.push(
                        Expr::Member {
                            object,
                            property,
                            optional: false,
                        },
                        id.span,
                    );
                }
                Some(StmtKind::Let {
                    pattern: Pattern::Name(local),
                    init: Some(object),
                })
            }
        }
    }

    fn export_default(&mut self, node: &ExportDefaultDeclaration<'a>, out: &mut Vec<Stmt>) {
        let target = match &node.declaration {
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(interface) => {
                self.types(|types| types.visit_ts_interface_declaration(interface));
                ExportTarget::Type
            }
            _ if self.bodies == Bodies::Declarations => ExportTarget::Type,
            ExportDefaultDeclarationKind::FunctionDeclaration(it) => {
                if it.body.is_none() {
                    ExportTarget::Type
                } else {
                    let name = it.id.as_ref().map(|id| self.name(id.name.as_str()));
                    let function = self.function(it, name);
                    match name {
                        Some(name) => {
                            out.push(Stmt {
                                span: here(it.span),
                                kind: StmtKind::Function { name, function },
                            });
                            ExportTarget::Local(name)
                        }
                        None => ExportTarget::Expr(self.push(Expr::Function(function), it.span)),
                    }
                }
            }
            ExportDefaultDeclarationKind::ClassDeclaration(it) => {
                let name = it.id.as_ref().map(|id| self.name(id.name.as_str()));
                let class = self.class(it, name);
                match name {
                    Some(name) => {
                        out.push(Stmt {
                            span: here(it.span),
                            kind: StmtKind::Class { name, class },
                        });
                        ExportTarget::Local(name)
                    }
                    None => ExportTarget::Expr(self.push(Expr::Class(class), it.span)),
                }
            }
            other => match other.as_expression() {
                Some(expression) => {
                    let value = self.expr(expression);
                    self.export_target(value)
                }
                None => return,
            },
        };
        self.add_export("default", target, node.span);
    }

    /// A value that is exported; a plain variable is followed as a binding.
    fn export_target(&self, value: ExprId) -> ExportTarget {
        match self.exprs.get(value.0 as usize) {
            Some(Expr::Name(name)) => ExportTarget::Local(*name),
            _ => ExportTarget::Expr(value),
        }
    }

    /// The names that `export <declaration>` adds. The first begins at the keyword `export`.
    fn export_names(&mut self, node: &Declaration<'a>, span: oxc_span::Span) {
        let is_type = node.declare()
            || node.is_type()
            || self.bodies == Bodies::Declarations
            || matches!(node, Declaration::FunctionDeclaration(it) if it.body.is_none());
        let Declaration::VariableDeclaration(variables) = node else {
            if let Some(id) = node.id() {
                let name = self.name(id.name.as_str());
                let target = if is_type {
                    ExportTarget::Type
                } else {
                    ExportTarget::Local(name)
                };
                self.add_export(id.name.as_str(), target, span);
            }
            return;
        };
        for (at, declarator) in variables.declarations.iter().enumerate() {
            let span = if at == 0 { span } else { declarator.span };
            for id in declarator.id.get_binding_identifiers() {
                let name = self.name(id.name.as_str());
                let target = if is_type {
                    ExportTarget::Type
                } else {
                    ExportTarget::Local(name)
                };
                self.add_export(id.name.as_str(), target, span);
            }
        }
    }

    /// `module.exports = …`, `module.exports.a = …`, `exports.a = …`, also chained. `value` is the lowered assignment.
    pub(super) fn commonjs_export(&mut self, node: &Expression<'a>, value: ExprId) {
        let (mut node, mut value) = (node, value);
        while let Expression::AssignmentExpression(assignment) = node {
            let Some(Expr::Assign { value: right, .. }) = self.exprs.get(value.0 as usize) else {
                return;
            };
            let right = *right;
            match exported_place(&assignment.left) {
                Some(Place::Module) => {
                    let last = self.last_value(right);
                    let target = self.export_target(last);
                    self.add_export("default", target, assignment.span);
                    self.export_properties(last);
                }
                Some(Place::Named("__esModule")) | None => {}
                Some(Place::Named(name)) => {
                    let last = self.last_value(right);
                    let target = self.export_target(last);
                    self.add_export(name, target, assignment.span);
                }
            }
            node = &assignment.right;
            value = right;
        }
    }

    /// The value behind a chain of assignments `a = b = value`.
    fn last_value(&self, mut value: ExprId) -> ExprId {
        while let Some(Expr::Assign { value: right, .. }) = self.exprs.get(value.0 as usize) {
            value = *right;
        }
        value
    }

    /// `module.exports = { a, b }` exports `a` and `b` as well.
    fn export_properties(&mut self, value: ExprId) {
        let Some(Expr::Object(properties)) = self.exprs.get(value.0 as usize) else {
            return;
        };
        let mut found = Vec::new();
        for property in properties {
            if let Property::Value {
                key: Key::Name(name),
                value,
            } = property
                && let Some(text) = self.names.get(name.0 as usize)
                && let Some(span) = self.spans.get(value.0 as usize)
                && &**text != "default"
            {
                found.push((text.clone(), *value, *span));
            }
        }
        for (name, value, span) in found {
            let target = self.export_target(value);
            self.add_export(&name, target, oxc_span::Span::new(span.start, span.end));
        }
    }
}

enum Place<'a> {
    /// `module.exports`
    Module,
    /// `exports.name`, `module.exports.name`
    Named(&'a str),
}

fn exported_place<'a>(target: &AssignmentTarget<'a>) -> Option<Place<'a>> {
    let (object, property) = match target.as_simple_assignment_target()? {
        SimpleAssignmentTarget::StaticMemberExpression(it) => {
            (&it.object, it.property.name.as_str())
        }
        SimpleAssignmentTarget::ComputedMemberExpression(it) => match &it.expression {
            Expression::StringLiteral(index) => (&it.object, index.value.as_str()),
            _ => return None,
        },
        _ => return None,
    };
    match object {
        Expression::Identifier(id) => match (id.name.as_str(), property) {
            ("module", "exports") => Some(Place::Module),
            ("exports", name) => Some(Place::Named(name)),
            _ => None,
        },
        Expression::StaticMemberExpression(inner) => {
            let is_module =
                matches!(&inner.object, Expression::Identifier(id) if id.name.as_str() == "module");
            (is_module && inner.property.name.as_str() == "exports")
                .then_some(Place::Named(property))
        }
        _ => None,
    }
}

fn is_type(kind: ImportOrExportKind, specifier: &ExportSpecifier<'_>) -> bool {
    kind == ImportOrExportKind::Type || specifier.export_kind == ImportOrExportKind::Type
}

fn text_of<'a>(name: &ModuleExportName<'a>) -> &'a str {
    match name {
        ModuleExportName::IdentifierName(id) => id.name.as_str(),
        ModuleExportName::IdentifierReference(id) => id.name.as_str(),
        ModuleExportName::StringLiteral(literal) => literal.value.as_str(),
    }
}
