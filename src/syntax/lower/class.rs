//! Classes.

use oxc_ast::ast::{
    Class as ClassNode, ClassElement, Decorator, MethodDefinition, MethodDefinitionKind,
};
use oxc_ast_visit::Visit;
use oxc_syntax::scope::ScopeFlags;

use crate::syntax::{ClassId, ClassMember, ExprId, FunctionId, Key, MemberValue, Name};

use super::Lowering;

impl<'a> Lowering<'a> {
    /// A class; setters are lowered but belong to no member, because reading never runs them.
    pub(super) fn class(&mut self, node: &ClassNode<'a>, name: Option<Name>) -> ClassId {
        let own = node.id.as_ref().map(|id| self.name(id.name.as_str()));
        let id = self.reserve_class(node.span);
        let decorators = self.decorators(&node.decorators);
        self.types(|types| {
            if let Some(parameters) = &node.type_parameters {
                types.visit_ts_type_parameter_declaration(parameters);
            }
            for implemented in &node.implements {
                types.visit_ts_class_implements(implemented);
            }
        });
        let superclass = node.heritage.as_ref().map(|heritage| {
            if let Some(arguments) = &heritage.type_arguments {
                self.type_arguments(arguments);
            }
            self.expr(&heritage.expression)
        });
        let mut constructor = None;
        let mut members = Vec::with_capacity(node.body.body.len());
        for element in &node.body.body {
            if let Some(member) = self.class_element(element, &mut constructor) {
                members.push(member);
            }
        }
        let class = &mut self.classes[id.0 as usize];
        class.name = own.or(name);
        class.superclass = superclass;
        class.constructor = constructor;
        class.members = members.into_boxed_slice();
        class.decorators = decorators;
        id
    }

    fn class_element(
        &mut self,
        element: &ClassElement<'a>,
        constructor: &mut Option<FunctionId>,
    ) -> Option<ClassMember> {
        match element {
            ClassElement::MethodDefinition(method) => self.method(method, constructor),
            ClassElement::PropertyDefinition(property) => {
                if let Some(annotation) = &property.type_annotation {
                    self.types(|types| types.visit_ts_type_annotation(annotation));
                }
                if property.declare {
                    return None;
                }
                let decorators = self.decorators(&property.decorators);
                let key = self.key(&property.key, property.computed);
                let value = property
                    .value
                    .as_ref()
                    .map(|value| self.named(value, key_name(key)));
                Some(ClassMember {
                    key,
                    is_static: property.r#static,
                    value: MemberValue::Field(value),
                    decorators,
                })
            }
            ClassElement::AccessorProperty(property) => {
                if let Some(annotation) = &property.type_annotation {
                    self.types(|types| types.visit_ts_type_annotation(annotation));
                }
                let decorators = self.decorators(&property.decorators);
                let key = self.key(&property.key, property.computed);
                let value = property
                    .value
                    .as_ref()
                    .map(|value| self.named(value, key_name(key)));
                Some(ClassMember {
                    key,
                    is_static: property.r#static,
                    value: MemberValue::Field(value),
                    decorators,
                })
            }
            ClassElement::StaticBlock(block) => {
                let key = Key::Name(self.name("static"));
                let value = self.called_in_place(&block.body, |_| None, block.span);
                Some(ClassMember {
                    key,
                    is_static: true,
                    value: MemberValue::Field(Some(value)),
                    decorators: Box::default(),
                })
            }
            ClassElement::TSIndexSignature(signature) => {
                self.types(|types| types.visit_ts_index_signature(signature));
                None
            }
        }
    }

    fn method(
        &mut self,
        method: &MethodDefinition<'a>,
        constructor: &mut Option<FunctionId>,
    ) -> Option<ClassMember> {
        let decorators = self.decorators(&method.decorators);
        let key = self.key(&method.key, method.computed);
        if method.value.body.is_none() {
            // An overload or an abstract method: a type.
            self.types(|types| types.visit_function(&method.value, ScopeFlags::Function));
            return None;
        }
        let function = self.function(&method.value, key_name(key));
        let value = match method.kind {
            MethodDefinitionKind::Constructor => {
                *constructor = Some(function);
                return None;
            }
            MethodDefinitionKind::Set => return None,
            MethodDefinitionKind::Get => MemberValue::Getter(function),
            MethodDefinitionKind::Method => MemberValue::Method(function),
        };
        Some(ClassMember {
            key,
            is_static: method.r#static,
            value,
            decorators,
        })
    }

    fn decorators(&mut self, decorators: &[Decorator<'a>]) -> Box<[ExprId]> {
        decorators
            .iter()
            .map(|decorator| self.expr(&decorator.expression))
            .collect()
    }
}

/// The name that a key gives to the function behind it.
pub(super) fn key_name(key: Key) -> Option<Name> {
    match key {
        Key::Name(name) => Some(name),
        Key::Computed(_) => None,
    }
}
