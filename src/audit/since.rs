//! Which findings a change touches, or brings.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, Standing};
use crate::model::{AppModel, Model, RouteFacts};
use crate::source::{RepoPath, Repository};

use super::Audit;
use super::accepted::{Between, is_worse, known};
use super::baseline::remembered;

impl Audit {
    /// Lets no finding count: nothing changed.
    pub fn count_nothing(&mut self) {
        for finding in self.apps.iter_mut().flat_map(|app| &mut app.findings) {
            finding.standing = Some(Standing::Known);
        }
    }

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
            let handlers = facts.map(|facts| touched(facts, &changed));
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
    // What is missing is told at the top of a file, for want of a better place: the file is not what is wrong.
    let own = Some(&finding.location).filter(|place| !place.is_top());
    let related = finding.related.iter().map(|each| &each.location);
    own.into_iter()
        .chain(related)
        .any(|place| changed.contains(&place.file))
}

/// The handlers with a changed file anywhere in their proofs, by name and file.
fn touched<'a>(
    app: &'a AppModel,
    changed: &BTreeSet<&RepoPath>,
) -> BTreeSet<(String, &'a RepoPath)> {
    let proofs = |facts: &RouteFacts| {
        let mut steps = facts
            .controls
            .values()
            .flat_map(|verdict| &verdict.evidence);
        changed.contains(&facts.file) || steps.any(|step| changed.contains(&step.file))
    };
    app.routes
        .iter()
        .filter(|facts| proofs(facts))
        .map(|facts| (facts.route.name(), &facts.file))
        .collect()
}

/// How many handlers more than before it cannot be told of whether a control reaches them: the control's key, and the number.
#[must_use]
pub fn lost_proofs(before: &Audit, now: &Audit) -> BTreeMap<String, usize> {
    let mut lost: BTreeMap<String, usize> = BTreeMap::new();
    for app in &now.apps {
        let Some(was) = before.apps.iter().find(|each| each.root == app.root) else {
            continue;
        };
        for (then, now) in was.coverage.iter().zip(&app.coverage) {
            if now.unknown > then.unknown {
                *lost.entry(now.control.clone()).or_default() += now.unknown - then.unknown;
            }
        }
    }
    lost
}
