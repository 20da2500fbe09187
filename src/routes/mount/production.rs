//! What conditions on the environment come to in production.

use crate::routes::trace::{Place, Value};
use crate::syntax::{BinaryOp, Expr, ExprId, LogicalOp, UnaryOp};

use super::{Dialect, MAX_DEPTH, Mounts};

impl<D: Dialect> Mounts<'_, D> {
    /// What a condition comes to in production; `None` where something else decides as well.
    pub(super) fn in_production(&self, place: Place, test: ExprId) -> Option<bool> {
        self.settled(place, test, MAX_DEPTH)
    }

    fn settled(&self, place: Place, test: ExprId, steps: usize) -> Option<bool> {
        let steps = steps.checked_sub(1)?;
        match self.tracer.expr(place, test) {
            Expr::Unary {
                op: UnaryOp::Not,
                operand,
            } => Some(!self.settled(place, *operand, steps)?),
            Expr::Logical { op, left, right } => {
                let decisive = match op {
                    LogicalOp::And => false,
                    LogicalOp::Or => true,
                    LogicalOp::Coalesce => return None,
                };
                let sides = [*left, *right].map(|side| self.settled(place, side, steps));
                if sides.contains(&Some(decisive)) {
                    return Some(decisive);
                }
                (!sides.contains(&None)).then_some(!decisive)
            }
            Expr::Binary { op, left, right } => {
                let wants_same = match op {
                    BinaryOp::Equal { .. } => true,
                    BinaryOp::NotEqual { .. } => false,
                    _ => return None,
                };
                let name = match (
                    self.is_environment(place, *left),
                    self.is_environment(place, *right),
                ) {
                    (true, false) => *right,
                    (false, true) => *left,
                    _ => return None,
                };
                Some((self.tracer.text(place, name)? == "production") == wants_same)
            }
            Expr::Name(_) | Expr::Member { .. } => match self.tracer.follow(place, test) {
                Value::Expr { place: found, expr } if (found, expr) != (place, test) => {
                    self.settled(found, expr, steps)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// `process.env.NODE_ENV`, here or under a name, with or without a default.
    fn is_environment(&self, place: Place, expr: ExprId) -> bool {
        let Value::Expr { place, expr } = self.tracer.follow(place, expr) else {
            return false;
        };
        let read = match self.tracer.expr(place, expr) {
            Expr::Logical {
                op: LogicalOp::Or | LogicalOp::Coalesce,
                left,
                ..
            } => *left,
            _ => expr,
        };
        matches!(self.tracer.expr(place, read), Expr::Member { property, .. }
            if self.tracer.record(place.module).name(*property) == "NODE_ENV")
    }
}
