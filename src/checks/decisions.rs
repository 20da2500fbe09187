//! Whether code decides, computes or waits for anything: what only makes something and hands it out leaves a test nothing to ask.

use crate::syntax::{AssignOp, Expr, LogicalOp, ModuleRecord, StmtKind};

use super::code::{called_name, statements};

/// Methods of lists that choose, order or count.
const LIST_METHODS: [&str; 14] = [
    "filter",
    "map",
    "flatMap",
    "reduce",
    "find",
    "findIndex",
    "some",
    "every",
    "sort",
    "toSorted",
    "slice",
    "splice",
    "includes",
    "forEach",
];

/// The module does more than to make things, set fields and turn switches.
pub(super) fn decides(module: &ModuleRecord) -> bool {
    // Of what runs in browsers the code is not kept.
    module.use_client
        || module.functions.iter().any(|function| {
            statements(&function.body).any(|statement| {
                matches!(
                    statement.kind,
                    StmtKind::If { .. }
                        | StmtKind::Switch { .. }
                        | StmtKind::Loop(_)
                        | StmtKind::Try { .. }
                        | StmtKind::Throw(_)
                )
            })
        })
        || module.exprs.iter().any(|expr| does_more(module, expr))
}

fn does_more(module: &ModuleRecord, expr: &Expr) -> bool {
    match expr {
        Expr::Conditional { .. }
        | Expr::Binary { .. }
        | Expr::Await(_)
        | Expr::Yield { .. }
        | Expr::Logical {
            op: LogicalOp::And, ..
        } => true,
        Expr::Assign { op, .. } => *op != AssignOp::Set,
        Expr::Array(items) => items.iter().any(|item| item.spread),
        Expr::Call { callee, .. } => {
            let method = matches!(module.expr(*callee), Expr::Member { .. });
            let name = called_name(module, *callee).filter(|_| method);
            name.is_some_and(|name| LIST_METHODS.contains(&name) || name == "then")
        }
        _ => false,
    }
}
