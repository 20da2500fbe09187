//! What is left to do: every item of the roadmap with the gaps behind it and the files that it touches.

use std::collections::BTreeMap;

use crate::audit::{AppAudit, Audit, Item, ItemState, Phase, Unknown};
use crate::finding::Finding;
use crate::rule::{Check, How, Rule, RuleSet};
use crate::source::{Location, RepoPath};

use super::text::hours;

/// A phase with its tasks.
pub(super) struct PhaseWork<'a> {
    /// 1-based.
    pub(super) number: usize,
    pub(super) phase: &'a Phase,
    /// It holds what the roadmap does not list.
    pub(super) outside: bool,
    pub(super) tasks: Vec<Task<'a>>,
}

/// An item of the roadmap as something to do.
pub(super) struct Task<'a> {
    /// `1.2`, the same whatever is done already.
    pub(super) number: String,
    pub(super) item: &'a Item,
    /// The rules behind it that have open gaps or wait for somebody to vouch for them; without any, those that are not in order.
    pub(super) rules: Vec<&'a Rule>,
    /// Its open gaps, worst first.
    pub(super) findings: Vec<&'a Finding>,
    /// What could not be told about it.
    pub(super) unknown: Vec<&'a Unknown>,
    /// Rules whose gaps it shares with another application, with which they are told.
    pub(super) told_with: Vec<(&'a str, &'a AppAudit)>,
}

/// All phases of an application with all their items, and behind them what the roadmap does not list.
pub(super) fn work<'a>(
    audit: &'a Audit,
    app: &'a AppAudit,
    rules: &'a RuleSet,
) -> Vec<PhaseWork<'a>> {
    let planned = app.phases.len();
    let phase = |(at, phase): (usize, &'a Phase)| PhaseWork {
        number: at + 1,
        phase,
        outside: at >= planned,
        tasks: phase
            .items
            .iter()
            .enumerate()
            .map(|(task, item)| Task {
                told_with: told_with(audit, app, item),
                ..self::task(app, rules, format!("{}.{}", at + 1, task + 1), item)
            })
            .collect(),
    };
    let outside = Some(&app.outside).filter(|phase| !phase.items.is_empty());
    let phases = app.phases.iter().chain(outside);
    phases.enumerate().map(phase).collect()
}

fn task<'a>(app: &'a AppAudit, rules: &'a RuleSet, number: String, item: &'a Item) -> Task<'a> {
    let findings: Vec<&Finding> = app
        .findings
        .iter()
        .filter(|finding| item.rules.contains(&finding.rule))
        .collect();
    let open = |id: &String| {
        findings.iter().any(|finding| finding.rule == *id)
            || app.answer(id) == Some(ItemState::Unattested)
    };
    // What is open without a place of its own, or unknown, has all rules behind it that are not in order.
    let all =
        !item.rules.iter().any(open) && matches!(item.state, ItemState::Open | ItemState::Unknown);
    let unsettled =
        |id: &String| matches!(app.answer(id), Some(ItemState::Open | ItemState::Unknown));
    Task {
        number,
        item,
        rules: item
            .rules
            .iter()
            .filter(|id| open(id) || all && unsettled(id))
            .filter_map(|id| rules.rule(id))
            .collect(),
        findings,
        unknown: app
            .unknown
            .iter()
            .filter(|each| item.rules.contains(&each.rule))
            .collect(),
        told_with: Vec::new(),
    }
}

/// What several applications share is told with one of them.
fn told_with<'a>(audit: &'a Audit, app: &AppAudit, item: &'a Item) -> Vec<(&'a str, &'a AppAudit)> {
    let open = item
        .rules
        .iter()
        .filter(|rule| app.answer(rule) == Some(ItemState::Open))
        .filter(|rule| !app.findings.iter().any(|finding| finding.rule == **rule));
    let told = open.filter_map(|rule| {
        let mut others = audit.apps.iter().filter(|other| other.root != app.root);
        let other =
            others.find(|other| other.findings.iter().any(|finding| finding.rule == *rule))?;
        Some((rule.as_str(), other))
    });
    told.collect()
}

impl<'a> Task<'a> {
    /// Something is still to do.
    pub(super) fn is_left(&self) -> bool {
        matches!(
            self.item.state,
            ItemState::Open | ItemState::Unattested | ItemState::Unknown
        )
    }

    /// Its gaps that have a line of their own; what is missing altogether has none.
    pub(super) fn placed(&self) -> impl Iterator<Item = &'a Finding> {
        let has_place = |finding: &&Finding| {
            let rule = self.rules.iter().find(|rule| rule.id == finding.rule);
            let absent = rule.is_some_and(|rule| {
                matches!(
                    rule.check,
                    Check::Present(_) | Check::Parts(_) | Check::Attest(_)
                )
            });
            // What is told at the manifest, for want of a better place, stands nowhere.
            let location = &finding.location;
            let absent = absent || location.file.file_name() == "package.json";
            !(absent && location.line == 1 && finding.related.is_empty())
        };
        self.findings.iter().copied().filter(has_place)
    }

    /// The files with gaps, in the order of their worst one, with the lines.
    pub(super) fn files(&self) -> Vec<(&'a RepoPath, Vec<u32>)> {
        let mut at: BTreeMap<&RepoPath, usize> = BTreeMap::new();
        let mut files: Vec<(&RepoPath, Vec<u32>)> = Vec::new();
        for finding in self.placed() {
            let file = &finding.location.file;
            let index = *at.entry(file).or_insert_with(|| {
                files.push((file, Vec::new()));
                files.len() - 1
            });
            if let Some((_, lines)) = files.get_mut(index)
                && !lines.contains(&finding.location.line)
            {
                lines.push(finding.location.line);
            }
        }
        for (_, lines) in &mut files {
            lines.sort_unstable();
        }
        files
    }
}

impl PhaseWork<'_> {
    /// `Phase 2: Testing`
    pub(super) fn heading(&self) -> String {
        if self.outside {
            self.phase.title.clone()
        } else {
            format!("Phase {}: {}", self.number, self.phase.title)
        }
    }

    /// Items in order, and items that apply.
    pub(super) fn done(&self) -> (usize, usize) {
        items_done(self.phase)
    }
}

/// Items in order, and items that apply.
pub(super) fn items_done(phase: &Phase) -> (usize, usize) {
    let asked = phase
        .items
        .iter()
        .filter(|item| item.state != ItemState::NotApplicable);
    asked.fold((0, 0), |(done, asked), item| {
        (done + usize::from(item.state == ItemState::Done), asked + 1)
    })
}

/// An item's state in words.
pub(super) fn state_word(item: &Item) -> &'static str {
    match item.state {
        ItemState::Done => "done",
        ItemState::Likely => "likely",
        ItemState::Open => "open",
        ItemState::Unattested if item.how == How::Measured => "not measured",
        ItemState::Unattested => "not attested",
        ItemState::NotApplicable => "n/a",
        ItemState::Unknown => "unknown",
    }
}

/// Places named beside what is done.
const PLACES: usize = 3;

/// What shows that something is done: `src/a.ts:41`, a document without a line; nothing where only no fault was found.
pub(super) fn shown(item: &Item) -> Vec<String> {
    let place = |place: &Location| match place.line {
        1 => place.file.to_string(),
        _ => place.to_string(),
    };
    item.shown.iter().take(PLACES).map(place).collect()
}

/// Hours of the roadmap's items, and of what it does not list.
pub(super) fn hours_left(app: &AppAudit) -> (f64, f64) {
    let planned = app.phases.iter().map(|phase| phase.hours_open).sum();
    (planned, app.outside.hours_open)
}

/// `120 h`, `120 h and 8 h outside the roadmap`
pub(super) fn hours_in_words((planned, outside): (f64, f64)) -> String {
    if outside > 0.0 {
        format!(
            "{} and {} outside the roadmap",
            hours(planned),
            hours(outside)
        )
    } else {
        hours(planned)
    }
}

/// What a task's numbers count, and why they are not those of the coverage.
pub(super) const CHECKS: &str = "Coverage counts handlers. A task counts the checks of its rules, each made of what concerns it: \
     handlers, files or settings.";

/// `route-rate-limit`, `4/28`: the checks of an item by rule, where several rules had something to check.
pub(super) fn checks_by_rule(item: &Item) -> impl Iterator<Item = (&str, String)> {
    let several = item.checks.len() > 1;
    let checks = item.checks.iter().filter(move |_| several);
    checks.map(|each| {
        (
            each.rule.as_str(),
            format!("{}/{}", each.covered, each.total),
        )
    })
}

/// `8/9`, or nothing where there is nothing to count.
pub(super) fn covered(item: &Item) -> String {
    if item.total > 0 {
        format!("{}/{}", item.covered, item.total)
    } else {
        String::new()
    }
}
