//! From counts to item states, phase scores and a grade.
//!
//! Two laws, held by property tests: closing a gap never lowers a score, and suppressing a finding never raises one.

use std::collections::{BTreeMap, BTreeSet};

use crate::rule::{How, Roadmap, RoadmapItem, RuleSet, Severity};
use crate::source::Location;

use super::{Item, ItemState, Phase, RuleAnswer, RuleChecks};

/// What a rule found in one application, suppressed findings included.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outcome {
    /// Units in order.
    pub covered: usize,
    /// Units that could be judged; 0 when the rule does not apply.
    pub total: usize,
    /// Units that could not be judged.
    pub unknown: usize,
    /// Units for which only a name or a word speaks. They count for nothing.
    pub likely: usize,
    /// The weight of what is in order.
    pub covered_weight: f64,
    /// The weight of all units.
    pub total_weight: f64,
    /// Findings that are not suppressed.
    pub gaps: usize,
    /// Open units that are told with another application, which shares them.
    pub elsewhere: usize,
    /// It waits for somebody to vouch for it.
    pub unattested: bool,
    /// A place that shows what is in order.
    pub shown: Option<Location>,
}

impl Outcome {
    /// The share that is in order, 0 to 1; `None` when the rule does not apply, could not be judged, or waits for somebody to vouch
    /// for it, which is no failure of the code.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        (self.total_weight > 0.0 && !self.unattested)
            .then(|| (self.covered_weight / self.total_weight).clamp(0.0, 1.0))
    }
}

/// Where the rules stand that were run, by id.
#[must_use]
pub fn rule_answers(outcomes: &BTreeMap<String, Outcome>) -> Vec<RuleAnswer> {
    let answer = |(rule, outcome): (&String, &Outcome)| RuleAnswer {
        rule: rule.clone(),
        state: state(
            outcome.ratio(),
            outcome.unattested,
            outcome.likely,
            outcome.unknown,
        ),
    };
    outcomes.iter().map(answer).collect()
}

/// Where something stands of which this share is in order.
fn state(value: Option<f64>, unattested: bool, likely: usize, unknown: usize) -> ItemState {
    match value {
        Some(value) if value < 1.0 => ItemState::Open,
        _ if unattested => ItemState::Unattested,
        _ if likely > 0 => ItemState::Likely,
        None if unknown > 0 => ItemState::Unknown,
        None => ItemState::NotApplicable,
        Some(_) if unknown > 0 => ItemState::Likely,
        Some(_) => ItemState::Done,
    }
}

/// The phases of a roadmap with the state of their items. Rules without an outcome were not run and count as not applicable.
#[must_use]
pub fn judge(
    roadmap: &Roadmap,
    outcomes: &BTreeMap<String, Outcome>,
    rules: &RuleSet,
) -> Vec<Phase> {
    roadmap
        .phases
        .iter()
        .map(|phase| {
            let items: Vec<(Item, Option<f64>)> = phase
                .items
                .iter()
                .map(|item| judge_item(item, outcomes, rules))
                .collect();
            let score = mean(items.iter().map(|(item, value)| (item.priority, *value)));
            let hours = items.iter().map(|(item, _)| item.effort_hours);
            // The sum of nothing is a negative zero.
            let hours_open = hours.sum::<f64>() + 0.0;
            Phase {
                title: phase.title.clone(),
                score,
                hours_open,
                items: items.into_iter().map(|(item, _)| item).collect(),
            }
        })
        .collect()
}

/// The rules with gaps that the roadmap does not list, worst first, each as an item. They count in no score.
#[must_use]
pub fn outside(roadmap: &Roadmap, outcomes: &BTreeMap<String, Outcome>, rules: &RuleSet) -> Phase {
    let listed: BTreeSet<&str> = roadmap.rules().collect();
    let open = outcomes
        .iter()
        .filter(|(id, outcome)| outcome.gaps > 0 && !listed.contains(id.as_str()));
    let mut items: Vec<Item> = open
        .filter_map(|(id, _)| rules.rule(id))
        .map(|rule| {
            let item = RoadmapItem {
                title: rule.title.clone(),
                priority: rule.severity,
                rules: vec![rule.id.clone()],
                effort_hours: None,
                owner: None,
            };
            judge_item(&item, outcomes, rules).0
        })
        .collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.priority));
    Phase {
        title: String::from("Not in this plan"),
        score: None,
        hours_open: items.iter().map(|item| item.effort_hours).sum(),
        items,
    }
}

/// The score of the whole: the weighted mean of all items, 0 to 100; `None` when nothing was judged.
#[must_use]
pub fn overall(
    roadmap: &Roadmap,
    outcomes: &BTreeMap<String, Outcome>,
    rules: &RuleSet,
) -> Option<f64> {
    let items = roadmap.phases.iter().flat_map(|phase| &phase.items);
    mean(items.map(|item| (item.priority, judge_item(item, outcomes, rules).1)))
}

/// A from 90, B from 80, C from 70, D from 60, else F.
#[must_use]
pub fn grade(score: f64) -> char {
    match score {
        s if s >= 90.0 => 'A',
        s if s >= 80.0 => 'B',
        s if s >= 70.0 => 'C',
        s if s >= 60.0 => 'D',
        _ => 'F',
    }
}

/// How many gaps in full `open` ones are as much work as: ten count whole, the next ninety half, all others a quarter. What the
/// first ones needed, a wrapper, a schema, a way to run a handler in a test, is there for the rest.
#[must_use]
fn full_units(open: usize) -> f64 {
    let (first, more) = (open.min(10), open.saturating_sub(10));
    let (next, rest) = (more.min(90), more.saturating_sub(90));
    #[expect(clippy::cast_precision_loss)]
    let units = first as f64 + next as f64 / 2.0 + rest as f64 / 4.0;
    units
}

/// The weighted mean of what applies, in percent.
fn mean(items: impl Iterator<Item = (Severity, Option<f64>)>) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (priority, value) in items {
        if let Some(value) = value {
            sum += priority.weight() * value;
            weights += priority.weight();
        }
    }
    (weights > 0.0).then(|| 100.0 * sum / weights)
}

/// An item's state, and its share that is in order: the mean over its rules that apply.
fn judge_item(
    item: &RoadmapItem,
    outcomes: &BTreeMap<String, Outcome>,
    rules: &RuleSet,
) -> (Item, Option<f64>) {
    let mine: Vec<(&String, &Outcome)> = item
        .rules
        .iter()
        .filter_map(|id| outcomes.get_key_value(id))
        .collect();
    let ratios: Vec<f64> = mine
        .iter()
        .filter_map(|(_, outcome)| outcome.ratio())
        .collect();
    #[expect(clippy::cast_precision_loss)]
    let value = (!ratios.is_empty()).then(|| ratios.iter().sum::<f64>() / ratios.len() as f64);
    let sum = |of: fn(&Outcome) -> usize| mine.iter().map(|(_, outcome)| of(outcome)).sum();
    let unknown: usize = sum(|outcome| outcome.unknown);
    let likely: usize = sum(|outcome| outcome.likely);
    let unattested = mine.iter().any(|(_, outcome)| outcome.unattested);
    let state = state(value, unattested, likely, unknown);
    // What waits for a signature may still be all of the work.
    let left = if unattested {
        value.or(Some(0.0))
    } else {
        value
    };
    let effort_hours = match (left, item.effort_hours) {
        (None, _) => 0.0,
        // In halves of an hour, and never nothing for what is open.
        (Some(value), Some(whole)) => {
            let open: usize = sum(|outcome| outcome.total.saturating_sub(outcome.covered));
            let elsewhere: usize = sum(|outcome| outcome.elsewhere);
            #[expect(clippy::cast_precision_loss)]
            let here = if elsewhere == 0 || open == 0 {
                1.0
            } else {
                1.0 - elsewhere.min(open) as f64 / open as f64
            };
            (whole * (1.0 - value) * here * 2.0).ceil() / 2.0
        }
        (Some(_), None) => {
            let sum: f64 = mine
                .iter()
                .map(|(id, outcome)| {
                    let open = outcome.total - outcome.covered;
                    let open = open.saturating_sub(outcome.elsewhere);
                    rules.rule(id).map_or(0.0, |rule| {
                        let units = if rule.effort_once { open.min(1) } else { open };
                        rule.effort_hours * full_units(units)
                    })
                })
                .sum();
            (sum * 2.0).ceil() / 2.0
        }
    };
    let how = item
        .rules
        .iter()
        .find_map(|id| rules.rule(id))
        .map_or(How::Static, |rule| rule.how);
    let judged = Item {
        title: item.title.clone(),
        priority: item.priority,
        owner: item.owner.clone(),
        effort_hours,
        rules: item.rules.clone(),
        how,
        state,
        covered: sum(|outcome| outcome.covered),
        total: sum(|outcome| outcome.total),
        checks: mine
            .iter()
            .filter(|(_, outcome)| outcome.total > 0)
            .map(|(id, outcome)| RuleChecks {
                rule: (*id).clone(),
                covered: outcome.covered,
                total: outcome.total,
            })
            .collect(),
        gaps: sum(|outcome| outcome.gaps),
        shown: if state == ItemState::Done {
            let mut places: Vec<Location> = Vec::new();
            for place in mine
                .iter()
                .filter_map(|(_, outcome)| outcome.shown.as_ref())
            {
                if !places.contains(place) {
                    places.push(place.clone());
                }
            }
            places
        } else {
            Vec::new()
        },
    };
    (judged, value)
}

#[cfg(test)]
mod tests {
    use super::full_units;

    #[test]
    fn the_first_gaps_are_the_dearest() {
        assert!((full_units(0) - 0.0).abs() < f64::EPSILON);
        assert!((full_units(10) - 10.0).abs() < f64::EPSILON);
        assert!((full_units(30) - 20.0).abs() < f64::EPSILON);
        assert!((full_units(300) - 105.0).abs() < f64::EPSILON);
    }
}
