//! Checks that are skipped where a platform does not say that the code runs on it: `if (process.env.VERCEL !== "1") return`.

use rustc_hash::FxHashMap;

use crate::controls::Evidence;
use crate::graph::ModuleId;
use crate::model::RouteFacts;
use crate::source::{Location, Span};
use crate::syntax::{BinaryOp, Expr, ExprId, ModuleRecord, StmtKind, UnaryOp};

use super::code::{env_name, numbered, statements};
use super::subject::Subject;

/// A condition on a platform's variable.
struct Skip {
    variable: String,
    location: Location,
    /// The lines whose code runs on the platform only.
    lines: (u32, u32),
}

/// The conditions of the modules that were asked for.
pub(super) struct Skips<'s, 'm> {
    subject: &'s Subject<'m>,
    platform: &'s [String],
    known: FxHashMap<ModuleId, Vec<Skip>>,
}

impl<'s, 'm> Skips<'s, 'm> {
    /// None yet; `platform` names the variables.
    pub(super) fn new(subject: &'s Subject<'m>, platform: &'s [String]) -> Self {
        Self {
            subject,
            platform,
            known: FxHashMap::default(),
        }
    }

    /// Where the check that a chain of evidence shows is skipped, and without which variable.
    pub(super) fn place(
        &mut self,
        route: &RouteFacts,
        chain: &[Evidence],
    ) -> Option<(Location, String)> {
        if self.platform.is_empty() {
            return None;
        }
        let graph = &self.subject.model.graph;
        for step in chain {
            // The handler's own line is the beginning of the chain and no check.
            if step.file == route.file && step.line == route.location.line {
                continue;
            }
            let Some(id) = graph.find(&step.file) else {
                continue;
            };
            let skips = self
                .known
                .entry(id)
                .or_insert_with(|| skips(graph.module(id), self.platform));
            let around = skips
                .iter()
                .find(|skip| skip.lines.0 <= step.line && step.line <= skip.lines.1);
            if let Some(skip) = around {
                return Some((skip.location.clone(), skip.variable.clone()));
            }
        }
        None
    }
}

fn skips(module: &ModuleRecord, platform: &[String]) -> Vec<Skip> {
    let named: Vec<(Span, &str)> = numbered(module)
        .filter_map(|(id, _)| {
            let name = env_name(module, id)?;
            platform
                .iter()
                .any(|each| each == name)
                .then(|| (module.span(id), name))
        })
        .collect();
    let mut found = Vec::new();
    if named.is_empty() {
        return found;
    }
    for function in &module.functions {
        for statement in statements(&function.body) {
            let StmtKind::If { test, then, .. } = &statement.kind else {
                continue;
            };
            let span = module.span(*test);
            let variable = named
                .iter()
                .find(|(at, _)| span.start <= at.start && at.end <= span.end);
            let Some((_, variable)) = variable else {
                continue;
            };
            let returns = then
                .iter()
                .any(|inner| matches!(inner.kind, StmtKind::Return(_)));
            let end_of = |end: u32| module.lines.line(end.saturating_sub(1));
            let lines = if is_negated(module, *test) && returns {
                // What comes behind it.
                (
                    module.line(statement.span) + 1,
                    end_of(function.span.end.max(statement.span.end)),
                )
            } else if !is_negated(module, *test) && !returns {
                (module.line(statement.span), end_of(statement.span.end))
            } else {
                continue;
            };
            found.push(Skip {
                variable: (*variable).to_owned(),
                location: module.location(statement.span),
                lines,
            });
        }
    }
    found
}

/// `process.env.VERCEL !== "1"`, `!process.env.VERCEL`
fn is_negated(module: &ModuleRecord, test: ExprId) -> bool {
    matches!(
        module.exprs.get(test.0 as usize),
        Some(
            Expr::Binary {
                op: BinaryOp::NotEqual { .. },
                ..
            } | Expr::Unary {
                op: UnaryOp::Not,
                ..
            }
        )
    )
}
