//! JSX elements: the component and the expressions inside.

use oxc_ast::ast::{
    JSXAttributeItem, JSXAttributeName, JSXAttributeValue, JSXChild, JSXElement, JSXElementName,
    JSXExpressionContainer, JSXFragment, JSXMemberExpression, JSXMemberExpressionObject,
};

use crate::syntax::{Expr, ExprId};

use super::Lowering;

impl<'a> Lowering<'a> {
    pub(super) fn jsx_element(&mut self, element: &JSXElement<'a>) -> ExprId {
        self.facts.has_jsx = true;
        let opening = &element.opening_element;
        if let Some(arguments) = &opening.type_arguments {
            self.type_arguments(arguments);
        }
        if matches!(&opening.name, JSXElementName::Identifier(name) if name.name == "img") {
            self.facts.images += 1;
        }
        if matches!(&opening.name, JSXElementName::IdentifierReference(name) if name.name.ends_with("Image"))
        {
            self.facts.image_components += 1;
        }
        let is_script = match &opening.name {
            JSXElementName::Identifier(name) => name.name == "script",
            JSXElementName::IdentifierReference(name) => name.name == "Script",
            _ => false,
        };
        if is_script {
            self.script_options(&opening.attributes);
        }
        let begin = self.parts.len();
        let tag = self.jsx_tag(&opening.name);
        let component = tag.is_some();
        self.parts.extend(tag);
        for attribute in &opening.attributes {
            match attribute {
                JSXAttributeItem::SpreadAttribute(spread) => {
                    let value = self.expr(&spread.argument);
                    self.parts.push(value);
                }
                JSXAttributeItem::Attribute(attribute) => match &attribute.value {
                    Some(JSXAttributeValue::ExpressionContainer(container)) => {
                        self.jsx_container(container);
                    }
                    Some(JSXAttributeValue::Element(element)) => {
                        self.jsx_nested(|lowering| lowering.jsx_element(element), element.span);
                    }
                    Some(JSXAttributeValue::Fragment(fragment)) => {
                        self.jsx_nested(|lowering| lowering.jsx_fragment(fragment), fragment.span);
                    }
                    Some(JSXAttributeValue::StringLiteral(text))
                        if matches!(
                            &attribute.name,
                            JSXAttributeName::Identifier(name)
                                if matches!(name.name.as_str(), "href" | "src" | "type")
                        ) =>
                    {
                        self.facts.links.push(text.value.as_str().into());
                    }
                    Some(JSXAttributeValue::StringLiteral(_)) | None => {}
                },
            }
        }
        self.jsx_children(&element.children);
        let inner = self.parts_from(begin);
        self.push(Expr::Jsx { component, inner }, element.span)
    }

    fn script_options(&mut self, attributes: &[JSXAttributeItem<'a>]) {
        for attribute in attributes {
            if let JSXAttributeItem::Attribute(attribute) = attribute
                && let JSXAttributeName::Identifier(name) = &attribute.name
                && name.name.starts_with("data-")
            {
                self.facts.script_options.push(name.name.as_str().into());
            }
        }
    }

    pub(super) fn jsx_fragment(&mut self, fragment: &JSXFragment<'a>) -> ExprId {
        self.facts.has_jsx = true;
        let begin = self.parts.len();
        self.jsx_children(&fragment.children);
        let inner = self.parts_from(begin);
        let component = false;
        self.push(Expr::Jsx { component, inner }, fragment.span)
    }

    fn jsx_children(&mut self, nodes: &[JSXChild<'a>]) {
        for node in nodes {
            match node {
                JSXChild::Text(_) => {}
                JSXChild::Element(element) => {
                    self.jsx_nested(|lowering| lowering.jsx_element(element), element.span);
                }
                JSXChild::Fragment(fragment) => {
                    self.jsx_nested(|lowering| lowering.jsx_fragment(fragment), fragment.span);
                }
                JSXChild::ExpressionContainer(container) => self.jsx_container(container),
                JSXChild::Spread(spread) => {
                    let value = self.expr(&spread.expression);
                    self.parts.push(value);
                }
            }
        }
    }

    fn jsx_nested(&mut self, lower: impl FnOnce(&mut Self) -> ExprId, span: oxc_span::Span) {
        let value = match self.deeper(lower) {
            Some(id) => id,
            None => self.push(Expr::Opaque(Box::default()), span),
        };
        self.parts.push(value);
    }

    fn jsx_container(&mut self, container: &JSXExpressionContainer<'a>) {
        if let Some(expression) = container.expression.as_expression() {
            let value = self.expr(expression);
            self.parts.push(value);
        }
    }

    /// The component's name; `div` and `svg:path` are no expressions.
    fn jsx_tag(&mut self, name: &JSXElementName<'a>) -> Option<ExprId> {
        match name {
            JSXElementName::Identifier(_) | JSXElementName::NamespacedName(_) => None,
            JSXElementName::IdentifierReference(id) => {
                let name = self.name(id.name.as_str());
                Some(self.push(Expr::Name(name), id.span))
            }
            JSXElementName::ThisExpression(this) => Some(self.push(Expr::This, this.span)),
            JSXElementName::MemberExpression(member) => Some(self.jsx_member(member)),
        }
    }

    fn jsx_member(&mut self, outermost: &JSXMemberExpression<'a>) -> ExprId {
        // `<a.b.c>` nests to the left without brackets, so it is unrolled instead of recursed into.
        let mut members = vec![outermost];
        let mut member = outermost;
        let mut object = loop {
            match &member.object {
                JSXMemberExpressionObject::MemberExpression(inner) => {
                    members.push(inner);
                    member = inner;
                }
                JSXMemberExpressionObject::IdentifierReference(id) => {
                    let name = self.name(id.name.as_str());
                    break self.push(Expr::Name(name), id.span);
                }
                JSXMemberExpressionObject::ThisExpression(this) => {
                    break self.push(Expr::This, this.span);
                }
            }
        };
        if members.len() > super::MAX_OPERATORS {
            self.too_deep = true;
            return object;
        }
        while let Some(member) = members.pop() {
            let property = self.name(member.property.name.as_str());
            object = self.push(
                Expr::Member {
                    object,
                    property,
                    optional: false,
                },
                member.span,
            );
        }
        object
    }
}
