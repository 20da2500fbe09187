//! What handlers return: past a catch that is there for it, or nothing but the way to another page.

use crate::finding::Related;
use crate::model::RouteFacts;
use crate::syntax::{Expr, ExprId, ModuleRecord, Stmt, StmtKind};

use super::code::{imported, place, statements};
use super::handler_code::Code;
use super::subject::Subject;

/// A finding shows so many of them.
const SHOWN: usize = 2;

/// `try { return handle(request) } catch { … }`: the promise leaves the block before it fails.
pub(super) fn past_catch(subject: &Subject<'_>, route: &RouteFacts) -> Vec<Related> {
    let code = Code::of(subject, route);
    let graph = &subject.model.graph;
    let Some(module) = graph.find(&code.record.path) else {
        return Vec::new();
    };
    let is_async = |callee: ExprId| {
        let found = subject.index().function_of(graph, module, callee);
        found.is_some_and(|(module, function)| graph.module(module).function(function).is_async)
    };
    let returned = unawaited(code.record, code.statements());
    let mut found: Vec<Related> = returned
        .filter(|(value, callee)| code.holds(code.record.span(*value)) && is_async(*callee))
        .map(|(value, _)| Related {
            location: place(code.record, value),
            note: String::from("returned without await, so this catch does not see it"),
        })
        .collect();
    found.sort_by_key(|each| each.location.line);
    found.truncate(SHOWN);
    found
}

/// The calls that are returned from a `try` as they are, each with what is called.
fn unawaited<'r>(
    record: &'r ModuleRecord,
    all: impl Iterator<Item = &'r Stmt>,
) -> impl Iterator<Item = (ExprId, ExprId)> {
    let tried = all.filter_map(|each| match &each.kind {
        StmtKind::Try { block, handler, .. } => handler.as_ref().map(|_| block),
        _ => None,
    });
    tried
        .flat_map(statements)
        .filter_map(|each| match each.kind {
            StmtKind::Return(Some(value)) => match record.expr(value) {
                Expr::Call { callee, .. } => Some((value, *callee)),
                _ => None,
            },
            _ => None,
        })
}

/// All that the handler answers is `redirect()` and `notFound()`.
pub(super) fn only_leads_on(subject: &Subject<'_>, route: &RouteFacts) -> bool {
    let code = Code::of(subject, route);
    let record = code.record;
    let Some(function) = code.functions().next() else {
        return false;
    };
    let mut leads = false;
    statements(&function.body).all(|each| match each.kind {
        StmtKind::Return(Some(value)) | StmtKind::Expr(value) if leads_on(record, value) => {
            leads = true;
            true
        }
        StmtKind::Return(_) => false,
        _ => true,
    }) && leads
}

fn leads_on(record: &ModuleRecord, value: ExprId) -> bool {
    match record.expr(value) {
        Expr::Call { callee, .. } => matches!(
            imported(record, *callee),
            Some((
                "next/navigation",
                "redirect" | "permanentRedirect" | "notFound"
            ))
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::unawaited;
    use crate::checks::code::statements;
    use crate::syntax::record_of;

    #[test]
    fn what_leaves_a_try_before_it_fails() {
        let count = |body: &str| {
            let record = record_of(&format!("async function handle(r) {{ {body} }}\n"));
            let functions = record.functions.iter();
            unawaited(&record, functions.flat_map(|each| statements(&each.body))).count()
        };
        assert_eq!(count("try { return list(r); } catch { return null; }"), 1);
        assert_eq!(
            count("try { if (r.all) return list(r); return await one(r); } catch {}"),
            1
        );
        assert_eq!(count("try { return await list(r); } catch {}"), 0);
        assert_eq!(
            count("try { save(r); } finally { close(); } return list(r);"),
            0
        );
    }
}
