//! What a condition says of the method: comparisons, lists, and maps from methods to handlers.

use crate::routes::declared::find_in;
use crate::routes::dispatch::method_named;
use crate::routes::trace::Value;
use crate::syntax::{BinaryOp, Expr, ExprId, Key, LogicalOp, Pattern, StmtKind, UnaryOp};

use super::{MAX_NESTING, Names, OTHER, Run};

impl Run<'_> {
    /// What a condition is for this method, when the method decides it.
    pub(super) fn test(&mut self, names: &Names, expr: ExprId) -> Option<bool> {
        if self.nesting > MAX_NESTING {
            return None;
        }
        self.nesting += 1;
        let decided = self.test_inside(names, expr);
        self.nesting -= 1;
        decided
    }

    fn test_inside(&mut self, names: &Names, expr: ExprId) -> Option<bool> {
        match self.tracer.expr(names.place, expr) {
            Expr::Unary {
                op: UnaryOp::Not,
                operand,
            } => self.test(names, *operand).map(|holds| !holds),
            Expr::Logical {
                op: LogicalOp::And,
                left,
                right,
            } => match (self.test(names, *left), self.test(names, *right)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Expr::Logical {
                op: LogicalOp::Or,
                left,
                right,
            } => match (self.test(names, *left), self.test(names, *right)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Expr::Binary { op, left, right } => {
                let (op, left, right) = (*op, *left, *right);
                match op {
                    BinaryOp::Equal { .. } | BinaryOp::NotEqual { .. } => {
                        let other = if self.is_method(names, left) {
                            right
                        } else if self.is_method(names, right) {
                            left
                        } else {
                            return None;
                        };
                        let equal = self.equals_method(names, other)?;
                        Some(equal == (matches!(op, BinaryOp::Equal { .. })))
                    }
                    BinaryOp::In if self.is_method(names, left) => self.in_map(names, right),
                    _ => None,
                }
            }
            Expr::Call { callee, args, .. } => {
                let callee = *callee;
                let argument = args.first()?.value;
                let Expr::Member {
                    object, property, ..
                } = self.tracer.expr(names.place, callee)
                else {
                    return None;
                };
                let record = self.tracer.record(names.place.module);
                if !matches!(record.name(*property), "includes" | "has")
                    || !self.is_method(names, argument)
                {
                    return None;
                }
                let texts = self.tracer.texts(names.place, *object)?;
                self.note(texts.iter().map(String::as_str));
                Some(texts.iter().any(|text| self.is_this(text)))
            }
            // `const handler = handlers[req.method]; if (!handler) …`, and the same without the variable.
            Expr::Name(_) | Expr::Index { .. } => {
                let Value::Expr { place, expr } = self.tracer.follow(names.place, expr) else {
                    return None;
                };
                let Expr::Index { object, index, .. } = self.tracer.expr(place, expr) else {
                    return None;
                };
                let (object, index) = (*object, *index);
                if place != names.place {
                    return None;
                }
                if self.is_method(names, index) {
                    return self.in_map(names, object);
                }
                // With a path in the key, the method alone decides only against.
                (self.begins_with_method(names, index) && self.in_map(names, object) == Some(false))
                    .then_some(false)
            }
            _ => None,
        }
    }

    fn note<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        for method in texts.filter_map(method_named) {
            if !self.named.contains(&method) {
                self.named.push(method);
            }
        }
    }

    fn is_this(&self, text: &str) -> bool {
        self.method != OTHER && text.eq_ignore_ascii_case(self.method)
    }

    pub(super) fn equals_method(&mut self, names: &Names, other: ExprId) -> Option<bool> {
        let text = self.tracer.text(names.place, other)?;
        self.note(std::iter::once(text.as_str()));
        Some(self.is_this(&text))
    }

    /// Whether a method map has an entry for this method.
    pub(super) fn in_map(&mut self, names: &Names, map: ExprId) -> Option<bool> {
        let entries = self.tracer.entries(names.place, map)?;
        // Keys may name a path too: `"GET /users"`.
        let keys: Vec<&str> = entries
            .iter()
            .map(|(key, _, _)| key.split_once(' ').map_or(*key, |(method, _)| method))
            .collect();
        if !keys.iter().any(|key| method_named(key).is_some()) {
            return None;
        }
        self.note(keys.iter().copied());
        Some(keys.iter().any(|key| self.is_this(key)))
    }

    /// `` `${req.method} /${path}` ``
    fn begins_with_method(&self, names: &Names, index: ExprId) -> bool {
        let Value::Expr { place, expr } = self.tracer.follow(names.place, index) else {
            return false;
        };
        match self.tracer.expr(place, expr) {
            Expr::Template { texts, parts } => {
                place == names.place
                    && texts.first().is_some_and(|text| text.is_empty())
                    && parts
                        .first()
                        .is_some_and(|part| self.is_method(names, *part))
            }
            _ => false,
        }
    }

    /// `req.method`, `method` taken out of `req`, and either in other letters.
    pub(super) fn is_method(&self, names: &Names, expr: ExprId) -> bool {
        self.is_method_bounded(names, expr, 6)
    }

    fn is_method_bounded(&self, names: &Names, expr: ExprId, steps: u32) -> bool {
        let Some(steps) = steps.checked_sub(1) else {
            return false;
        };
        let record = self.tracer.record(names.place.module);
        match record.expr(expr) {
            Expr::Member {
                object, property, ..
            } => {
                record.name(*property) == "method"
                    && matches!(record.expr(*object), Expr::Name(name)
                        if Some(*name) == names.request || matches!(record.name(*name), "req" | "request"))
            }
            Expr::Name(name) => {
                // `({ method }, res) => …`
                if let Value::Parameter {
                    place,
                    position: 0,
                    key: Some(key),
                } = self.tracer.lookup(names.place, *name)
                {
                    return place == names.place && record.name(key) == "method";
                }
                let function = record.function(names.place.function);
                find_in(&function.body, &mut |stmt| {
                    let StmtKind::Let {
                        pattern,
                        init: Some(init),
                    } = &stmt.kind
                    else {
                        return None;
                    };
                    match pattern {
                        Pattern::Name(bound) if bound == name => {
                            Some(self.is_method_bounded(names, *init, steps))
                        }
                        Pattern::Object { properties, .. } => {
                            properties.iter().find_map(|(key, bound)| {
                                let key = match key {
                                    Key::Name(key) => record.name(*key),
                                    Key::Computed(_) => return None,
                                };
                                let bound = match bound {
                                    Pattern::Default { pattern, .. } => pattern,
                                    other => other,
                                };
                                let from_request = matches!(record.expr(*init), Expr::Name(from)
                                if Some(*from) == names.request);
                                (key == "method" && *bound == Pattern::Name(*name) && from_request)
                                    .then_some(true)
                            })
                        }
                        _ => None,
                    }
                })
                .unwrap_or(false)
            }
            Expr::Call { callee, .. } => match record.expr(*callee) {
                Expr::Member {
                    object, property, ..
                } => {
                    matches!(
                        record.name(*property),
                        "toUpperCase" | "toLowerCase" | "toString" | "trim"
                    ) && self.is_method_bounded(names, *object, steps)
                }
                _ => false,
            },
            Expr::Logical {
                op: LogicalOp::Or | LogicalOp::Coalesce,
                left,
                ..
            } => self.is_method_bounded(names, *left, steps),
            _ => false,
        }
    }
}
