//! Expressions.

use oxc_ast::ast::{
    Argument as ArgumentNode, ArrayExpressionElement, AssignmentExpression, BinaryOperator,
    CallExpression, ChainElement, ComputedMemberExpression, Expression, LogicalOperator,
    MemberExpression, NewExpression, ObjectExpression, ObjectPropertyKind, PrivateFieldExpression,
    PropertyKind, SimpleAssignmentTarget, StaticMemberExpression, TaggedTemplateExpression,
    TemplateElement, TemplateLiteral, UnaryExpression, UnaryOperator, UpdateExpression,
};
use oxc_ast_visit::Visit;
use oxc_span::GetSpan;
use oxc_syntax::operator::AssignmentOperator;
use smallvec::SmallVec;

use crate::syntax::{
    Argument, AssignOp, BinaryOp, Expr, ExprId, LogicalOp, Name, Pattern, Property, Texts, UnaryOp,
};

use super::class::key_name;
use super::{Lowering, MAX_DEPTH, MAX_OPERATORS, count};

impl<'a> Lowering<'a> {
    /// An expression.
    pub(super) fn expr(&mut self, node: &Expression<'a>) -> ExprId {
        self.named(node, None)
    }

    /// An expression that is bound to `name`, which a function or class without a name of its own takes over.
    pub(super) fn named(&mut self, node: &Expression<'a>, name: Option<Name>) -> ExprId {
        // Nearly half of all expressions are variables, in which nothing nests.
        if let Expression::Identifier(it) = node
            && self.depth < MAX_DEPTH
        {
            return self.identifier(it.name.as_str(), it.span);
        }
        match self.deeper(|lowering| lowering.dispatch(node, name)) {
            Some(id) => id,
            None => self.push(Expr::Opaque(Box::default()), node.span()),
        }
    }

    fn dispatch(&mut self, node: &Expression<'a>, name: Option<Name>) -> ExprId {
        match node {
            Expression::BooleanLiteral(it) => self.push(Expr::Bool(it.value), it.span),
            Expression::NullLiteral(it) => self.push(Expr::Null, it.span),
            Expression::NumericLiteral(it) => self.push(Expr::Number(it.value), it.span),
            Expression::BigIntLiteral(it) => {
                let value = it.value.as_str().parse().unwrap_or(f64::NAN);
                self.push(Expr::Number(value), it.span)
            }
            Expression::RegExpLiteral(it) => {
                let source = self.text(it.regex.pattern.text.as_str());
                self.push(Expr::Regex(source), it.span)
            }
            Expression::StringLiteral(it) => {
                self.note_url(it.value.as_str(), it.span);
                let text = self.text(it.value.as_str());
                self.push(Expr::String(text), it.span)
            }
            Expression::TemplateLiteral(it) => self.template(it),
            Expression::Identifier(it) => self.identifier(it.name.as_str(), it.span),
            Expression::Super(it) => self.push(Expr::Super, it.span),
            Expression::ThisExpression(it) => self.push(Expr::This, it.span),
            Expression::ArrayExpression(it) => self.array(&it.elements, it.span),
            Expression::ArrowFunctionExpression(it) => {
                let function = self.arrow(it, name);
                self.push(Expr::Function(function), it.span)
            }
            Expression::FunctionExpression(it) => {
                let function = self.function(it, name);
                self.push(Expr::Function(function), it.span)
            }
            Expression::ClassExpression(it) => {
                let class = self.class(it, name);
                self.push(Expr::Class(class), it.span)
            }
            Expression::AssignmentExpression(it) => self.assignment(it),
            Expression::AwaitExpression(it) => {
                let value = self.expr(&it.argument);
                self.push(Expr::Await(value), it.span)
            }
            Expression::YieldExpression(it) => {
                let value = it.argument.as_ref().map(|value| self.expr(value));
                let delegate = it.delegate;
                self.push(Expr::Yield { value, delegate }, it.span)
            }
            Expression::BinaryExpression(_) | Expression::LogicalExpression(_) => {
                self.operators(node)
            }
            Expression::CallExpression(it) => self.call(it),
            Expression::NewExpression(it) => self.new_expression(it),
            Expression::ChainExpression(it) => match &it.expression {
                ChainElement::CallExpression(call) => self.call(call),
                ChainElement::TSNonNullExpression(inner) => self.expr(&inner.expression),
                other => match other.as_member_expression() {
                    Some(member) => self.member(member),
                    None => self.opaque(&[], it.span),
                },
            },
            Expression::ConditionalExpression(it) => {
                let test = self.expr(&it.test);
                let then = self.named(&it.consequent, name);
                let otherwise = self.named(&it.alternate, name);
                let conditional = Expr::Conditional {
                    test,
                    then,
                    otherwise,
                };
                self.push(conditional, it.span)
            }
            Expression::ImportExpression(it) => {
                if let Expression::StringLiteral(source) = &it.source {
                    self.add_request(source.value.as_str(), false, source.span);
                }
                let source = self.expr(&it.source);
                if let Some(options) = &it.options {
                    self.expr(options);
                }
                self.push(Expr::Import(source), it.span)
            }
            Expression::ObjectExpression(it) => self.object(it),
            Expression::ParenthesizedExpression(it) => self.named(&it.expression, name),
            Expression::SequenceExpression(it) => {
                let parts = self.exprs(&it.expressions);
                self.push(Expr::Sequence(parts), it.span)
            }
            Expression::TaggedTemplateExpression(it) => self.tagged(it),
            Expression::UnaryExpression(it) => self.unary(it),
            Expression::UpdateExpression(it) => self.update(it),
            Expression::PrivateInExpression(it) => {
                let right = self.expr(&it.right);
                self.opaque(&[right], it.span)
            }
            Expression::ImportMeta(it) => self.opaque(&[], it.span),
            Expression::NewTarget(it) => self.opaque(&[], it.span),
            Expression::JSXElement(it) => self.jsx_element(it),
            Expression::JSXFragment(it) => self.jsx_fragment(it),
            Expression::TSAsExpression(it) => {
                self.types(|types| types.visit_ts_type(&it.type_annotation));
                self.named(&it.expression, name)
            }
            Expression::TSSatisfiesExpression(it) => {
                self.types(|types| types.visit_ts_type(&it.type_annotation));
                self.named(&it.expression, name)
            }
            Expression::TSTypeAssertion(it) => {
                self.types(|types| types.visit_ts_type(&it.type_annotation));
                self.named(&it.expression, name)
            }
            Expression::TSNonNullExpression(it) => self.named(&it.expression, name),
            Expression::TSInstantiationExpression(it) => {
                self.type_arguments(&it.type_arguments);
                self.named(&it.expression, name)
            }
            Expression::V8IntrinsicExpression(it) => {
                let args = self.arguments(&it.arguments);
                let args: Vec<ExprId> = args.iter().map(|argument| argument.value).collect();
                self.opaque(&args, it.span)
            }
            Expression::ComputedMemberExpression(it) => self.computed_member(it),
            Expression::StaticMemberExpression(it) => self.static_member(it),
            Expression::PrivateFieldExpression(it) => self.private_member(it),
        }
    }

    fn exprs(&mut self, nodes: &[Expression<'a>]) -> Box<[ExprId]> {
        self.list(nodes, |lowering, node| Some(lowering.expr(node)))
    }

    fn opaque(&mut self, parts: &[ExprId], span: oxc_span::Span) -> ExprId {
        self.push(Expr::Opaque(Box::from(parts)), span)
    }

    fn identifier(&mut self, text: &'a str, span: oxc_span::Span) -> ExprId {
        if text == "undefined" {
            return self.push(Expr::Undefined, span);
        }
        let name = self.name(text);
        self.push(Expr::Name(name), span)
    }

    fn array(&mut self, elements: &[ArrayExpressionElement<'a>], span: oxc_span::Span) -> ExprId {
        let elements = self.list(elements, |lowering, element| {
            let (value, spread) = match element {
                ArrayExpressionElement::SpreadElement(it) => (lowering.expr(&it.argument), true),
                ArrayExpressionElement::Elision(hole) => {
                    (lowering.push(Expr::Undefined, hole.span), false)
                }
                other => (lowering.expr(other.as_expression()?), false),
            };
            Some(Argument { value, spread })
        });
        self.push(Expr::Array(elements), span)
    }

    fn arguments(&mut self, arguments: &[ArgumentNode<'a>]) -> Box<[Argument]> {
        self.list(arguments, |lowering, argument| {
            let (value, spread) = match argument {
                ArgumentNode::SpreadElement(it) => (lowering.expr(&it.argument), true),
                other => (lowering.expr(other.as_expression()?), false),
            };
            Some(Argument { value, spread })
        })
    }

    fn object(&mut self, node: &ObjectExpression<'a>) -> ExprId {
        let properties = self.list(&node.properties, |lowering, property| match property {
            ObjectPropertyKind::SpreadProperty(spread) => {
                Some(Property::Spread(lowering.expr(&spread.argument)))
            }
            ObjectPropertyKind::ObjectProperty(property) => {
                let key = lowering.key(&property.key, property.computed);
                match (&property.kind, &property.value) {
                    (PropertyKind::Get, Expression::FunctionExpression(getter)) => {
                        let function = lowering.function(getter, key_name(key));
                        Some(Property::Getter { key, function })
                    }
                    (PropertyKind::Set, value) => {
                        // Lowered for its facts; reading the object never runs it.
                        lowering.named(value, key_name(key));
                        None
                    }
                    (_, value) => {
                        let value = lowering.named(value, key_name(key));
                        Some(Property::Value { key, value })
                    }
                }
            }
        });
        self.push(Expr::Object(properties), node.span)
    }

    fn template(&mut self, node: &TemplateLiteral<'a>) -> ExprId {
        self.note_template_url(node);
        if node.expressions.is_empty() {
            let text = node.quasis.first().map_or("", cooked);
            let text = self.text(text);
            return self.push(Expr::String(text), node.span);
        }
        let (texts, parts) = self.template_parts(node);
        let (texts, parts) = (Box::new(texts), Box::new(parts));
        self.push(Expr::Template { texts, parts }, node.span)
    }

    fn tagged(&mut self, node: &TaggedTemplateExpression<'a>) -> ExprId {
        if let Some(arguments) = &node.type_arguments {
            self.type_arguments(arguments);
        }
        let tag = self.expr(&node.tag);
        let (texts, parts) = self.template_parts(&node.quasi);
        let (texts, parts) = (Box::new(texts), Box::new(parts));
        self.push(Expr::Tagged { tag, texts, parts }, node.span)
    }

    fn template_parts(&mut self, node: &TemplateLiteral<'a>) -> (Texts, Box<[ExprId]>) {
        let texts = self.list(&node.quasis, |lowering, quasi| {
            Some(lowering.text(cooked(quasi)))
        });
        let parts = self.exprs(&node.expressions);
        (texts, parts)
    }

    fn call(&mut self, node: &CallExpression<'a>) -> ExprId {
        if let Some(arguments) = &node.type_arguments {
            self.type_arguments(arguments);
        }
        self.note_call(node);
        let callee = self.expr(&node.callee);
        let args = self.arguments(&node.arguments);
        let optional = node.optional;
        self.push(
            Expr::Call {
                callee,
                args,
                optional,
            },
            node.span,
        )
    }

    fn new_expression(&mut self, node: &NewExpression<'a>) -> ExprId {
        if let Some(arguments) = &node.type_arguments {
            self.type_arguments(arguments);
        }
        let callee = self.expr(&node.callee);
        let args = self.arguments(&node.arguments);
        self.push(Expr::New { callee, args }, node.span)
    }

    fn member(&mut self, node: &MemberExpression<'a>) -> ExprId {
        match node {
            MemberExpression::ComputedMemberExpression(it) => self.computed_member(it),
            MemberExpression::StaticMemberExpression(it) => self.static_member(it),
            MemberExpression::PrivateFieldExpression(it) => self.private_member(it),
        }
    }

    fn static_member(&mut self, node: &StaticMemberExpression<'a>) -> ExprId {
        self.note_env_read(&node.object, node.property.name.as_str(), node.span);
        self.static_member_place(node)
    }

    fn static_member_place(&mut self, node: &StaticMemberExpression<'a>) -> ExprId {
        let object = self.expr(&node.object);
        let property = self.name(node.property.name.as_str());
        let optional = node.optional;
        self.push(
            Expr::Member {
                object,
                property,
                optional,
            },
            node.span,
        )
    }

    fn computed_member(&mut self, node: &ComputedMemberExpression<'a>) -> ExprId {
        if let Expression::StringLiteral(index) = &node.expression {
            self.note_env_read(&node.object, index.value.as_str(), node.span);
        }
        self.computed_member_place(node)
    }

    fn computed_member_place(&mut self, node: &ComputedMemberExpression<'a>) -> ExprId {
        let object = self.expr(&node.object);
        let index = self.expr(&node.expression);
        let optional = node.optional;
        self.push(
            Expr::Index {
                object,
                index,
                optional,
            },
            node.span,
        )
    }

    fn private_member(&mut self, node: &PrivateFieldExpression<'a>) -> ExprId {
        let object = self.expr(&node.object);
        let property = self.private_name(&node.field);
        let optional = node.optional;
        self.push(
            Expr::Member {
                object,
                property,
                optional,
            },
            node.span,
        )
    }

    fn unary(&mut self, node: &UnaryExpression<'a>) -> ExprId {
        if node.operator == UnaryOperator::Void && node.argument.is_literal() {
            return self.push(Expr::Undefined, node.span);
        }
        let operand = self.expr(&node.argument);
        let op = match node.operator {
            UnaryOperator::LogicalNot => UnaryOp::Not,
            UnaryOperator::UnaryNegation => UnaryOp::Minus,
            UnaryOperator::Typeof => UnaryOp::Typeof,
            UnaryOperator::Void => UnaryOp::Void,
            UnaryOperator::UnaryPlus | UnaryOperator::BitwiseNot | UnaryOperator::Delete => {
                UnaryOp::Other
            }
        };
        self.push(Expr::Unary { op, operand }, node.span)
    }

    fn update(&mut self, node: &UpdateExpression<'a>) -> ExprId {
        let target = Box::new(self.simple_target(&node.argument));
        let value = self.push(Expr::Number(1.0), node.span);
        let op = AssignOp::Update;
        self.push(Expr::Assign { target, op, value }, node.span)
    }

    fn assignment(&mut self, node: &AssignmentExpression<'a>) -> ExprId {
        let target = self.target(&node.left);
        let name = match &target {
            Pattern::Name(name) => Some(*name),
            Pattern::Member(member) => match self.exprs.get(member.0 as usize) {
                Some(Expr::Member { property, .. }) => Some(*property),
                _ => None,
            },
            _ => None,
        };
        let value = self.named(&node.right, name);
        self.note_env_destructuring(&target, &node.right, node.span);
        let op = match node.operator {
            AssignmentOperator::Assign => AssignOp::Set,
            AssignmentOperator::LogicalAnd => AssignOp::Logical(LogicalOp::And),
            AssignmentOperator::LogicalOr => AssignOp::Logical(LogicalOp::Or),
            AssignmentOperator::LogicalNullish => AssignOp::Logical(LogicalOp::Coalesce),
            _ => AssignOp::Update,
        };
        let target = Box::new(target);
        self.push(Expr::Assign { target, op, value }, node.span)
    }

    /// A variable or member that is written. A write to `process.env.X` is no read of it.
    pub(super) fn simple_target(&mut self, node: &SimpleAssignmentTarget<'a>) -> Pattern {
        let inner = match node {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(id) => {
                return Pattern::Name(self.name(id.name.as_str()));
            }
            SimpleAssignmentTarget::StaticMemberExpression(it) => {
                return Pattern::Member(self.static_member_place(it));
            }
            SimpleAssignmentTarget::ComputedMemberExpression(it) => {
                return Pattern::Member(self.computed_member_place(it));
            }
            SimpleAssignmentTarget::PrivateFieldExpression(it) => {
                return Pattern::Member(self.private_member(it));
            }
            SimpleAssignmentTarget::TSAsExpression(it) => {
                self.types(|types| types.visit_ts_type(&it.type_annotation));
                &it.expression
            }
            SimpleAssignmentTarget::TSSatisfiesExpression(it) => {
                self.types(|types| types.visit_ts_type(&it.type_annotation));
                &it.expression
            }
            SimpleAssignmentTarget::TSTypeAssertion(it) => {
                self.types(|types| types.visit_ts_type(&it.type_annotation));
                &it.expression
            }
            SimpleAssignmentTarget::TSNonNullExpression(it) => &it.expression,
        };
        let id = self.expr(inner);
        match self.exprs.get(id.0 as usize) {
            Some(Expr::Name(name)) => Pattern::Name(*name),
            _ => Pattern::Member(id),
        }
    }

    /// Operators that lean to the left (`a + b + c`, `a && b && c`) nest as deep as they are long, so they are unrolled.
    /// Only the first [`MAX_OPERATORS`] keep their structure.
    fn operators(&mut self, outermost: &Expression<'a>) -> ExprId {
        let mut pending = SmallVec::<[_; 4]>::new();
        let mut node = outermost;
        let leftmost = loop {
            match node {
                Expression::BinaryExpression(it) => {
                    pending.push((Operator::Binary(binary_op(it.operator)), &it.right, it.span));
                    node = &it.left;
                }
                Expression::LogicalExpression(it) => {
                    let op = logical_op(it.operator);
                    pending.push((Operator::Logical(op), &it.right, it.span));
                    node = &it.left;
                }
                other => break other,
            }
        };
        if pending.len() > MAX_OPERATORS {
            let mut operands = vec![self.expr(leftmost)];
            for (_, right, _) in pending.iter().rev() {
                operands.push(self.expr(right));
            }
            return self.opaque(&operands, outermost.span());
        }
        let levels = count(pending.len());
        let Some(mut left) = self.deeper_by(levels, |lowering| lowering.expr(leftmost)) else {
            return self.opaque(&[], outermost.span());
        };
        while let Some((operator, right, span)) = pending.pop() {
            let levels = count(pending.len());
            let Some(right) = self.deeper_by(levels, |lowering| lowering.expr(right)) else {
                return self.opaque(&[left], outermost.span());
            };
            let expr = match operator {
                Operator::Binary(op) => Expr::Binary { op, left, right },
                Operator::Logical(op) => Expr::Logical { op, left, right },
            };
            left = self.push(expr, span);
        }
        left
    }
}

enum Operator {
    Binary(BinaryOp),
    Logical(LogicalOp),
}

fn logical_op(operator: LogicalOperator) -> LogicalOp {
    match operator {
        LogicalOperator::And => LogicalOp::And,
        LogicalOperator::Or => LogicalOp::Or,
        LogicalOperator::Coalesce => LogicalOp::Coalesce,
    }
}

fn binary_op(operator: BinaryOperator) -> BinaryOp {
    match operator {
        BinaryOperator::Equality => BinaryOp::Equal { loose: true },
        BinaryOperator::StrictEquality => BinaryOp::Equal { loose: false },
        BinaryOperator::Inequality => BinaryOp::NotEqual { loose: true },
        BinaryOperator::StrictInequality => BinaryOp::NotEqual { loose: false },
        BinaryOperator::LessThan => BinaryOp::Less,
        BinaryOperator::LessEqualThan => BinaryOp::LessEqual,
        BinaryOperator::GreaterThan => BinaryOp::Greater,
        BinaryOperator::GreaterEqualThan => BinaryOp::GreaterEqual,
        BinaryOperator::Addition => BinaryOp::Add,
        BinaryOperator::Subtraction => BinaryOp::Subtract,
        BinaryOperator::Multiplication => BinaryOp::Multiply,
        BinaryOperator::Division => BinaryOp::Divide,
        BinaryOperator::In => BinaryOp::In,
        BinaryOperator::Instanceof => BinaryOp::Instanceof,
        _ => BinaryOp::Other,
    }
}

/// The text of a template's piece with its escapes resolved.
pub(super) fn cooked<'a>(element: &TemplateElement<'a>) -> &'a str {
    match element.value.cooked {
        Some(text) => text.as_str(),
        None => element.value.raw.as_str(),
    }
}
