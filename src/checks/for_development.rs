//! Calls that are made only while an application is developed, or to what stands in for another service.

use crate::source::Span;
use crate::syntax::{BinaryOp, Block, Expr, ExprId, FunctionId, LogicalOp, ModuleRecord, StmtKind};

use super::code::{called_name, numbered, statements};
use super::index::Site;
use super::subject::Subject;
use super::words::words;

/// What conditions are called that hold there alone.
const STAND_INS: [&str; 10] = [
    "dev",
    "development",
    "emulate",
    "emulated",
    "emulation",
    "emulator",
    "localhost",
    "mock",
    "mocked",
    "mocks",
];

/// The call, or every call of the function that it stands in, lies in a branch for development or for a stand-in.
pub(super) fn is_for_development(subject: &Subject<'_>, site: Site) -> bool {
    let graph = &subject.model.graph;
    let record = graph.module(site.module);
    if is_in_branch(record, record.span(site.expr)) {
        return true;
    }
    let Some((function, name)) = function_around(record, record.span(site.expr)) else {
        return false;
    };
    let index = subject.index();
    let mut calls = index.calls(name).iter().filter(|call| {
        let Expr::Call { callee, .. } = graph.module(call.module).expr(call.expr) else {
            return false;
        };
        index.function_of(graph, call.module, *callee) == Some((site.module, function))
    });
    let is_meant = |call: &Site| {
        let record = graph.module(call.module);
        is_in_branch(record, record.span(call.expr))
    };
    calls.next().is_some_and(is_meant) && calls.all(is_meant)
}

/// The innermost function around a place that has a name.
fn function_around(record: &ModuleRecord, place: Span) -> Option<(FunctionId, &str)> {
    let functions = (0u32..).map(FunctionId).zip(&record.functions).skip(1);
    let (id, function) = functions
        .filter(|(_, function)| function.name.is_some() && function.span.holds(place))
        .last()?;
    Some((id, record.name(function.name?)))
}

fn is_in_branch(record: &ModuleRecord, place: Span) -> bool {
    let holds = |block: &Block| match (block.first(), block.last()) {
        (Some(first), Some(last)) => Span::new(first.span.start, last.span.end).holds(place),
        _ => false,
    };
    let mut around = record
        .functions
        .iter()
        .filter(|each| each.span.holds(place));
    let in_statement = around.any(|function| {
        statements(&function.body).any(|statement| match &statement.kind {
            StmtKind::If { test, then, .. } => holds(then) && is_stand_in(record, *test),
            _ => false,
        })
    });
    in_statement
        || numbered(record).any(|(_, expr)| match expr {
            Expr::Conditional { test, then, .. } => {
                record.span(*then).holds(place) && is_stand_in(record, *test)
            }
            _ => false,
        })
}

/// `isDevelopment`, `emulatorEnabled()`, `process.env.MOCK_URL`, `process.env.NODE_ENV === "development"`
fn is_stand_in(record: &ModuleRecord, test: ExprId) -> bool {
    let says = |name: &str| {
        let mut words = words(name).into_iter();
        words.any(|word| STAND_INS.contains(&word.as_str()))
    };
    match record.expr(test) {
        Expr::Name(name) => says(record.name(*name)),
        Expr::Member { property, .. } => says(record.name(*property)),
        Expr::Call { callee, .. } => called_name(record, *callee).is_some_and(says),
        Expr::Logical {
            op: LogicalOp::And,
            left,
            right,
        } => is_stand_in(record, *left) || is_stand_in(record, *right),
        Expr::Binary {
            op: BinaryOp::Equal { .. },
            left,
            right,
        } => [*left, *right].iter().any(|side| {
            matches!(record.expr(*side), Expr::String(text) if matches!(&**text, "development" | "test"))
        }),
        _ => false,
    }
}
