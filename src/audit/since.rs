//! Which findings a change touches.

use std::collections::BTreeSet;

use crate::finding::{Finding, Standing};
use crate::model::{AppModel, Model, RouteFacts};
use crate::source::RepoPath;

use super::Audit;

impl Audit {
    /// Lets only findings count that touch one of the changed files: by their place, by the places behind them, or by any step of
    /// the proofs about their handler. The others stand as known.
    pub fn count_only_since(&mut self, changed: &[RepoPath], model: &Model) {
        let changed: BTreeSet<&RepoPath> = changed.iter().collect();
        for app in &mut self.apps {
            let facts = model.apps.iter().find(|each| each.root == app.root);
            let handlers = facts.map(|facts| touched(facts, model, &changed));
            let handlers = handlers.unwrap_or_default();
            for finding in &mut app.findings {
                let handler = finding.route.as_ref().is_some_and(|route| {
                    handlers.contains(&(route.clone(), &finding.location.file))
                });
                if !handler && !touches(finding, &changed) {
                    finding.standing = Some(Standing::Known);
                } else if finding.standing.is_none() {
                    finding.standing = Some(Standing::New);
                }
            }
        }
    }
}

fn touches(finding: &Finding, changed: &BTreeSet<&RepoPath>) -> bool {
    let related = finding.related.iter().map(|each| &each.location.file);
    std::iter::once(&finding.location.file)
        .chain(related)
        .any(|file| changed.contains(file))
}

/// The handlers with a changed file anywhere in their proofs, by name and file. A middleware stands in front of all.
fn touched<'a>(
    app: &'a AppModel,
    model: &Model,
    changed: &BTreeSet<&RepoPath>,
) -> BTreeSet<(String, &'a RepoPath)> {
    let middleware = app.middleware.iter().any(|middleware| {
        let module = model.graph.module(middleware.module);
        changed.contains(&module.path)
    });
    let proofs = |facts: &RouteFacts| {
        let mut steps = facts
            .controls
            .values()
            .flat_map(|verdict| &verdict.evidence);
        changed.contains(&facts.file) || steps.any(|step| changed.contains(&step.file))
    };
    app.routes
        .iter()
        .filter(|facts| middleware || proofs(facts))
        .map(|facts| (facts.route.name(), &facts.file))
        .collect()
}
