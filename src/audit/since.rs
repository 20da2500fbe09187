//! Which findings a change touches, or brings.

use std::collections::BTreeSet;

use crate::finding::{Finding, Standing};
use crate::model::{AppModel, Model, RouteFacts};
use crate::source::{RepoPath, Repository};

use super::Audit;
use super::accepted::{Between, is_worse, known};
use super::baseline::remembered;

impl Audit {
    /// Lets only findings count that touch one of the changed files, or that were not there `before` they changed. A finding
    /// touches them by its place, by the places behind it, or by any step of the proofs about its handler. The others stand as
    /// known.
    pub fn count_only_since(
        &mut self,
        changed: &[RepoPath],
        model: &Model,
        before: &Self,
        repository: &Repository,
    ) {
        let between = Between {
            reworded: false,
            is_gone: &|file| !repository.exists(&RepoPath::new(file)),
        };
        let earlier = remembered(before);
        let was = known(&earlier, &remembered(self), &between);
        let mut was = was.into_iter().map(|at| at.and_then(|at| earlier.get(at)));
        let changed: BTreeSet<&RepoPath> = changed.iter().collect();
        for app in &mut self.apps {
            let facts = model.apps.iter().find(|each| each.root == app.root);
            let handlers = facts.map(|facts| touched(facts, model, &changed));
            let handlers = handlers.unwrap_or_default();
            for finding in &mut app.findings {
                let came_with_it = was
                    .next()
                    .flatten()
                    .is_none_or(|was| is_worse(was, finding.severity, finding.count));
                let handler = finding.route.as_ref().is_some_and(|route| {
                    handlers.contains(&(route.clone(), &finding.location.file))
                });
                if !came_with_it && !handler && !touches(finding, &changed) {
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
