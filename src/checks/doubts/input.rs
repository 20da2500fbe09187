//! What speaks for a handler that uses what it is sent as it comes.

use crate::controls::{ONLY_HANDS_ON, STORES_INPUT, Verdict};
use crate::model::RouteFacts;
use crate::syntax::{Expr, ExprId, Function, ModuleRecord, Property, Stmt, StmtKind};

use crate::checks::callers::{has_one_sender, is_signed, shows_a_secret};
use crate::checks::code::called_name;
use crate::checks::handler_code::{Code, refused};
use crate::checks::input_parts::only_finds;
use crate::checks::published::is_unused;

use super::{Doubts, SERVER_ONLY, UNUSED, has_mark, reads, takes_all};

impl<'a> Doubts<'a> {
    /// The question about a handler that uses what it is sent as it comes; `weak` where it checks by hand.
    pub(super) fn of_input(
        &self,
        route: &RouteFacts,
        verdict: &Verdict,
        weak: bool,
    ) -> Option<String> {
        let question = if weak {
            "does the check cover all that it uses"
        } else if reads(route)
            || !route.works
            || route.route.url.is_none() && !route.changes_state()
        {
            "is what it is sent only compared"
        } else if self.is_server_only(route) {
            if is_unused(self.subject, route) {
                UNUSED
            } else {
                SERVER_ONLY
            }
        } else if has_one_sender(route) || shows_a_secret(route) {
            "can its one sender be trusted"
        } else if takes_all(route)
            || matches!(self.address(route), Ok(Some(_)))
            || self.relays(route)
        {
            "does what it hands the request to check it"
        } else if is_signed(route) {
            "is it enough that what it is sent has to be signed"
        } else if has_mark(route, ONLY_HANDS_ON) && route.expensive.is_empty() {
            "is it enough that the service that it is handed to checks it"
        } else {
            let code = Code::of(self.subject, route);
            let guard = self.named_guard(&code);
            if let Some(guard) = guard.or_else(|| self.checks_as_it_uses(route, verdict)) {
                return Some(guard);
            } else if only_finds(&code, route, &self.check.doubt) {
                "is it enough to look up what it is sent"
            } else if refused(&code, &self.check.doubt.refusals) {
                "is what it refuses enough"
            } else if has_mark(route, STORES_INPUT)
                || route.route.url.is_some() && self.is_costly(route)
            {
                return None;
            } else {
                "is it enough that nothing keeps what it is sent"
            }
        };
        Some(question.to_owned())
    }

    /// A function that uses what was sent, or through which that is come to, keeps what a check of it gives back, and not what it
    /// was: `row[key] = validated(data[key])`.
    pub(super) fn checks_as_it_uses(
        &self,
        route: &RouteFacts,
        verdict: &Verdict,
    ) -> Option<String> {
        let ways = route
            .controls
            .values()
            .flat_map(|each| self.on_the_way(each));
        let mut functions = self.function_at_last(verdict).into_iter().chain(ways);
        let name = functions.find_map(|(record, function)| self.kept_guard(record, function))?;
        Some(format!("does `{name}` check that"))
    }

    /// What is named like a check, and called for what it gives back.
    pub(super) fn kept_guard(
        &self,
        record: &'a ModuleRecord,
        function: &Function,
    ) -> Option<&'a str> {
        let code = Code::within(record, function.span, "");
        let guard = |mut value: ExprId| {
            if let Expr::Await(inner) = record.expr(value) {
                value = *inner;
            }
            let Expr::Call { callee, .. } = record.expr(value) else {
                return None;
            };
            called_name(record, *callee).filter(|name| self.is_guard(name))
        };
        let kept = |expr: &Expr| match expr {
            Expr::Assign { value, .. } => guard(*value),
            Expr::Object(properties) => properties.iter().find_map(|property| match property {
                Property::Value { value, .. } => guard(*value),
                _ => None,
            }),
            _ => None,
        };
        let set = |statement: &Stmt| match statement.kind {
            StmtKind::Let {
                init: Some(init), ..
            } => guard(init),
            _ => None,
        };
        let found = code.statements().find_map(set);
        found.or_else(|| code.exprs().find_map(kept))
    }
}
