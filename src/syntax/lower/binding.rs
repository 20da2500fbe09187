//! What declarations and assignments bind.

use oxc_ast::ast::{
    AssignmentTarget, AssignmentTargetMaybeDefault, AssignmentTargetProperty, AssignmentTargetRest,
    BindingPattern, PropertyKey,
};

use crate::syntax::{Key, Name, Pattern};

use super::Lowering;

impl<'a> Lowering<'a> {
    /// The pattern of a declaration or parameter.
    pub(super) fn binding(&mut self, node: &BindingPattern<'a>) -> Pattern {
        self.deeper(|lowering| lowering.binding_inner(node))
            .unwrap_or_else(Pattern::nothing)
    }

    fn binding_inner(&mut self, node: &BindingPattern<'a>) -> Pattern {
        match node {
            BindingPattern::BindingIdentifier(id) => Pattern::Name(self.name(id.name.as_str())),
            BindingPattern::ObjectPattern(object) => {
                let mut properties = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    let key = self.key(&property.key, property.computed);
                    properties.push((key, self.binding(&property.value)));
                }
                Pattern::Object {
                    properties: properties.into_boxed_slice(),
                    rest: object
                        .rest
                        .as_ref()
                        .map(|rest| Box::new(self.binding(&rest.argument))),
                }
            }
            BindingPattern::ArrayPattern(array) => {
                let mut elements = Vec::with_capacity(array.elements.len());
                for element in &array.elements {
                    elements.push(element.as_ref().map(|element| self.binding(element)));
                }
                Pattern::Array {
                    elements: elements.into_boxed_slice(),
                    rest: array
                        .rest
                        .as_ref()
                        .map(|rest| Box::new(self.binding(&rest.argument))),
                }
            }
            BindingPattern::AssignmentPattern(assignment) => {
                let pattern = self.binding(&assignment.left);
                let name = Self::bound_name(&pattern);
                Pattern::Default {
                    pattern: Box::new(pattern),
                    default: self.named(&assignment.right, name),
                }
            }
        }
    }

    /// The target of an assignment.
    pub(super) fn target(&mut self, node: &AssignmentTarget<'a>) -> Pattern {
        self.deeper(|lowering| lowering.target_inner(node))
            .unwrap_or_else(Pattern::nothing)
    }

    fn target_inner(&mut self, node: &AssignmentTarget<'a>) -> Pattern {
        match node {
            AssignmentTarget::ArrayAssignmentTarget(array) => {
                let mut elements = Vec::with_capacity(array.elements.len());
                for element in &array.elements {
                    elements.push(
                        element
                            .as_ref()
                            .map(|element| self.target_or_default(element)),
                    );
                }
                Pattern::Array {
                    elements: elements.into_boxed_slice(),
                    rest: self.target_rest(array.rest.as_deref()),
                }
            }
            AssignmentTarget::ObjectAssignmentTarget(object) => {
                let mut properties = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    properties.push(self.target_property(property));
                }
                Pattern::Object {
                    properties: properties.into_boxed_slice(),
                    rest: self.target_rest(object.rest.as_deref()),
                }
            }
            other => match other.as_simple_assignment_target() {
                Some(simple) => self.simple_target(simple),
                None => Pattern::nothing(),
            },
        }
    }

    fn target_rest(&mut self, rest: Option<&AssignmentTargetRest<'a>>) -> Option<Box<Pattern>> {
        rest.map(|rest| Box::new(self.target(&rest.target)))
    }

    fn target_property(&mut self, property: &AssignmentTargetProperty<'a>) -> (Key, Pattern) {
        match property {
            AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(short) => {
                let name = self.name(short.binding.name.as_str());
                let pattern = Pattern::Name(name);
                let pattern = match &short.init {
                    Some(init) => Pattern::Default {
                        pattern: Box::new(pattern),
                        default: self.named(init, Some(name)),
                    },
                    None => pattern,
                };
                (Key::Name(name), pattern)
            }
            AssignmentTargetProperty::AssignmentTargetPropertyProperty(long) => {
                let key = self.key(&long.name, long.computed);
                (key, self.target_or_default(&long.binding))
            }
        }
    }

    fn target_or_default(&mut self, node: &AssignmentTargetMaybeDefault<'a>) -> Pattern {
        match node {
            AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(with) => {
                let pattern = self.target(&with.binding);
                let name = Self::bound_name(&pattern);
                Pattern::Default {
                    pattern: Box::new(pattern),
                    default: self.named(&with.init, name),
                }
            }
            other => match other.as_assignment_target() {
                Some(target) => self.target(target),
                None => Pattern::nothing(),
            },
        }
    }

    /// The variable that a pattern is, when it is just one.
    pub(super) fn bound_name(pattern: &Pattern) -> Option<Name> {
        match pattern {
            Pattern::Name(name) => Some(*name),
            _ => None,
        }
    }

    /// A property key; literals in brackets count as names.
    pub(super) fn key(&mut self, key: &PropertyKey<'a>, computed: bool) -> Key {
        match key {
            PropertyKey::StaticIdentifier(id) if !computed => {
                Key::Name(self.name(id.name.as_str()))
            }
            PropertyKey::PrivateIdentifier(id) => Key::Name(self.private_name(id)),
            PropertyKey::StringLiteral(literal) => Key::Name(self.name(literal.value.as_str())),
            PropertyKey::NumericLiteral(literal) => {
                let raw = literal.raw.map_or("", |raw| raw.as_str());
                Key::Name(self.name(raw))
            }
            PropertyKey::TemplateLiteral(template) if template.expressions.is_empty() => {
                let text = template
                    .quasis
                    .first()
                    .map_or("", |quasi| super::expression::cooked(quasi));
                Key::Name(self.name(text))
            }
            other => match other.as_expression() {
                Some(expression) => Key::Computed(self.expr(expression)),
                None => Key::Name(self.name("")),
            },
        }
    }

    /// `#name`, with its `#`.
    pub(super) fn private_name(&mut self, id: &oxc_ast::ast::PrivateIdentifier<'a>) -> Name {
        let text = self
            .source
            .get(id.span.start as usize..id.span.end as usize)
            .unwrap_or(id.name.as_str());
        self.name(text)
    }
}

impl Pattern {
    /// A pattern that binds nothing.
    fn nothing() -> Self {
        Self::Array {
            elements: Box::default(),
            rest: None,
        }
    }
}
