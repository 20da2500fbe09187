//! Whether only administrators of the application come to a handler, by what its code says.

use crate::model::RouteFacts;
use crate::routes::Entry;
use crate::syntax::{Argument, BinaryOp, Expr, ExprId, LogicalOp, ModuleRecord, StmtKind, UnaryOp};

use super::callers::asks;
use super::code::{called_name, leaves};
use super::handler_code::Code;
use super::subject::Subject;
use super::words::words;

/// Who runs the application.
const ADMINISTRATORS: [&str; 5] = ["admin", "administrator", "superadmin", "superuser", "root"];

/// Before it has an administrator, whoever sets it up may do the same.
const BEFORE: [&str; 4] = ["onboarding", "setup", "bootstrap", "installing"];

/// What has members, and administrators of its own among them: customers.
const GROUPS: [&str; 12] = [
    "member",
    "members",
    "membership",
    "org",
    "organisation",
    "organization",
    "project",
    "team",
    "teams",
    "tenant",
    "workspace",
    "company",
];

/// Words of guards that are told whom to let in.
const ADMIT: [&str; 9] = [
    "access",
    "allow",
    "allowed",
    "authorize",
    "permission",
    "permissions",
    "restrict",
    "role",
    "roles",
];

/// Words of guards that turn away whoever is not what they are called after: `requireAdmin`.
const GUARD: [&str; 8] = [
    "assert", "check", "ensure", "guard", "only", "require", "verify", "with",
];

/// The handler asks who calls, and says that nobody but an administrator is served: of the application, not of a team in it.
pub(super) fn is_for_administrators(subject: &Subject<'_>, route: &RouteFacts) -> bool {
    if !asks(route) {
        return false;
    }
    let code = Code::of(subject, route);
    (names_one_before(subject, route) || turns_others_away(&code)) && !is_of_group(&code, route)
}

/// One of the guards that stand before an Express handler is for administrators.
fn names_one_before(subject: &Subject<'_>, route: &RouteFacts) -> bool {
    let Entry::Chain(layers) = &route.route.entry else {
        return false;
    };
    layers.iter().any(|layer| {
        let record = subject.model.graph.module(layer.module);
        match record.expr(layer.expr) {
            Expr::Call { callee, args, .. } => admits(record, *callee, args),
            _ => is_guard(called_name(record, layer.expr)),
        }
    })
}

/// `requireAdmin()`, `requireRole("admin")`, `roleValid([ROLES.admin])`, but not `roleValid([ROLES.admin, ROLES.manager])`.
fn admits(record: &ModuleRecord, callee: ExprId, args: &[Argument]) -> bool {
    let Some(name) = called_name(record, callee) else {
        return false;
    };
    let told = || words(name).iter().any(|word| ADMIT.contains(&&**word));
    let one = |value: ExprId| match record.expr(value) {
        Expr::String(text) => is_administrator(text),
        Expr::Member { property, .. } => is_administrator(record.name(*property)),
        _ => false,
    };
    let all = |argument: &Argument| match record.expr(argument.value) {
        Expr::Array(items) => !items.is_empty() && items.iter().all(|item| one(item.value)),
        _ => one(argument.value),
    };
    is_guard(Some(name)) || told() && !args.is_empty() && args.iter().all(all)
}

fn is_guard(name: Option<&str>) -> bool {
    let words = name.map(words).unwrap_or_default();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&&**word));
    has(&ADMINISTRATORS) && has(&GUARD) && !has(&GROUPS)
}

fn is_administrator(text: &str) -> bool {
    words(text)
        .iter()
        .any(|word| ADMINISTRATORS.contains(&&**word))
}

/// `if (!isAdmin) return …`, `if (user.role !== "admin") throw …`, `await requireAdmin()`, `withAdmin(async () => …)`
fn turns_others_away(code: &Code<'_>) -> bool {
    let record = code.record;
    let mut statements = code.statements();
    let mut exprs = code.exprs();
    statements.any(|each| {
        matches!(&each.kind, StmtKind::If { test, then, .. }
            if leaves(then) && only_others(record, *test) == Some(true))
    }) || exprs.any(
        |expr| matches!(expr, Expr::Call { callee, .. } if is_guard(called_name(record, *callee))),
    )
}

/// The condition holds for all who are no administrators; `Some(false)` where it only leaves out those who set the application up.
fn only_others(record: &ModuleRecord, test: ExprId) -> Option<bool> {
    match record.expr(test) {
        Expr::Unary {
            op: UnaryOp::Not,
            operand,
        } => {
            let name = match record.expr(*operand) {
                Expr::Call { callee, .. } => called_name(record, *callee),
                _ => called_name(record, *operand),
            }?;
            let is_before = || words(name).iter().any(|word| BEFORE.contains(&&**word));
            if is_administrator(name) {
                Some(true)
            } else {
                is_before().then_some(false)
            }
        }
        Expr::Binary {
            op: BinaryOp::NotEqual { .. },
            left,
            right,
        } => {
            let mut sides = [*left, *right].into_iter();
            let named = sides.any(|side| match record.expr(side) {
                Expr::String(text) => is_administrator(text),
                Expr::Member {
                    object, property, ..
                } => {
                    let holder = called_name(record, *object).unwrap_or("");
                    words(holder).iter().any(|word| word.starts_with("role"))
                        && is_administrator(record.name(*property))
                }
                _ => false,
            });
            named.then_some(true)
        }
        Expr::Logical { op, left, right } => {
            let sides = (only_others(record, *left), only_others(record, *right));
            match (op, sides) {
                (LogicalOp::And, (Some(a), Some(b))) => Some(a || b),
                // Whoever else is turned away too.
                (LogicalOp::Or, (a, b)) => (a == Some(true) || b == Some(true)).then_some(true),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Its address, or what it looks at, is of a team or the like, whose administrators are customers.
fn is_of_group(code: &Code<'_>, route: &RouteFacts) -> bool {
    let is_group = |text: &str| words(text).iter().any(|word| GROUPS.contains(&&**word));
    let record = code.record;
    route.route.url.as_deref().is_some_and(is_group)
        || code.exprs().any(|expr| match expr {
            Expr::Name(name) => is_group(record.name(*name)),
            Expr::Member { property, .. } => is_group(record.name(*property)),
            _ => false,
        })
}
