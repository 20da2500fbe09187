//! Laws that hold for any input: the score's two, and that no text breaks the readers of configuration and rules.

use std::collections::BTreeMap;

use proptest::prelude::*;
use readiness::audit::{Outcome, judge, overall};
use readiness::config::{Config, RoutePattern};
use readiness::rule::{Roadmap, RoadmapItem, RoadmapPhase, RuleSet, RuleText, Severity};
use readiness::source::RepoPath;

const RULES: [&str; 6] = [
    "route-auth",
    "route-tests",
    "cors-wildcard",
    "csp-strength",
    "ci-pipeline",
    "env-validation",
];

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(Severity::ALL.to_vec())
}

/// A roadmap over [`RULES`]; a rule may be listed by several items.
fn roadmap() -> impl Strategy<Value = Roadmap> {
    let rules = prop::collection::vec(prop::sample::select(RULES.to_vec()), 1..4);
    let item = (severity(), rules, prop::option::of(0.0..80.0f64)).prop_map(
        |(priority, rules, effort_hours)| RoadmapItem {
            title: String::from("item"),
            priority,
            rules: rules.into_iter().map(str::to_owned).collect(),
            effort_hours,
            owner: None,
        },
    );
    let phase = prop::collection::vec(item, 0..4).prop_map(|items| RoadmapPhase {
        title: String::from("phase"),
        items,
    });
    prop::collection::vec(phase, 1..4).prop_map(|phases| Roadmap {
        options: std::collections::BTreeMap::new(),
        name: String::from("any"),
        title: String::from("any"),
        phases,
    })
}

/// Units of one rule: for each its weight and whether it is in order.
fn units() -> impl Strategy<Value = Vec<(bool, bool)>> {
    prop::collection::vec((any::<bool>(), any::<bool>()), 0..12)
}

fn outcome(units: &[(bool, bool)]) -> Outcome {
    let weight = |expensive: bool| if expensive { 2.0 } else { 1.0 };
    let mut outcome = Outcome::default();
    for (expensive, covered) in units {
        outcome.total += 1;
        outcome.total_weight += weight(*expensive);
        if *covered {
            outcome.covered += 1;
            outcome.covered_weight += weight(*expensive);
        } else {
            outcome.gaps += 1;
        }
    }
    outcome
}

fn outcomes(all: &[Vec<(bool, bool)>]) -> BTreeMap<String, Outcome> {
    let named = RULES.iter().zip(all);
    named
        .map(|(rule, units)| ((*rule).to_owned(), outcome(units)))
        .collect()
}

proptest! {
    #[test]
    fn closing_a_gap_never_lowers_a_score(
        roadmap in roadmap(),
        before in prop::collection::vec(units(), RULES.len()),
        rule in 0..RULES.len(),
        unit in any::<prop::sample::Index>(),
    ) {
        let rules = RuleSet::from_texts(&[]).unwrap();
        let mut after = before.clone();
        prop_assume!(!after[rule].is_empty());
        let at = unit.index(after[rule].len());
        after[rule][at].1 = true;
        let (before, after) = (outcomes(&before), outcomes(&after));
        let score = |outcomes| overall(&roadmap, outcomes, &rules);
        prop_assert_eq!(score(&before).is_some(), score(&after).is_some());
        prop_assert!(score(&after).unwrap_or(0.0) >= score(&before).unwrap_or(0.0) - 1e-9);
        let phases = judge(&roadmap, &before, &rules).into_iter().zip(judge(&roadmap, &after, &rules));
        for (before, after) in phases {
            prop_assert_eq!(before.score.is_some(), after.score.is_some());
            prop_assert!(after.score.unwrap_or(0.0) >= before.score.unwrap_or(0.0) - 1e-9);
            if before.items.iter().all(|item| item.effort_hours > 0.0) {
                prop_assert!(after.hours_open <= before.hours_open + 1e-9);
            }
        }
    }

    #[test]
    fn suppressing_never_raises_a_score(
        roadmap in roadmap(),
        all in prop::collection::vec(units(), RULES.len()),
        rule in 0..RULES.len(),
    ) {
        let rules = RuleSet::from_texts(&[]).unwrap();
        let open = outcomes(&all);
        let mut suppressed = open.clone();
        if let Some(outcome) = suppressed.get_mut(RULES[rule]) {
            outcome.gaps = 0;
        }
        prop_assert!(overall(&roadmap, &suppressed, &rules) <= overall(&roadmap, &open, &rules));
    }

    #[test]
    fn scores_and_hours_keep_their_bounds(
        roadmap in roadmap(),
        all in prop::collection::vec(units(), RULES.len()),
    ) {
        let rules = RuleSet::from_texts(&[]).unwrap();
        let outcomes = outcomes(&all);
        let score = overall(&roadmap, &outcomes, &rules);
        prop_assert!(score.is_none_or(|score| (0.0..=100.0).contains(&score)));
        for phase in judge(&roadmap, &outcomes, &rules) {
            prop_assert!(phase.score.is_none_or(|score| (0.0..=100.0).contains(&score)));
            prop_assert!(phase.hours_open >= 0.0);
            prop_assert!(phase.items.iter().all(|item| item.covered <= item.total));
        }
    }

    #[test]
    fn any_text_is_read_or_refused_as_configuration_and_rule(text in "\\PC{0,200}|[a-z\\[\\]=\"'\\.{}\n ]{0,200}") {
        let rules = RuleSet::from_texts(&[]).unwrap();
        let path = RepoPath::new("readiness.toml");
        if let Err(problems) = Config::parse(&path, &text, &rules) {
            prop_assert!(!problems.is_empty());
            let length = u32::try_from(text.len()).unwrap();
            prop_assert!(problems.iter().all(|each| each.line >= 1 && each.span.end <= length));
        }
        let file = RuleText { file: String::from("security/any-rule.toml"), text };
        prop_assert!(RuleSet::from_texts(&[file]).is_err());
    }

    #[test]
    fn a_route_pattern_names_itself(url in "(/[a-z]{1,6}|/\\[[a-z]{1,6}\\]){1,5}", method in "GET|POST|DELETE") {
        let pattern = RoutePattern::parse(&format!("{method} {url}")).unwrap();
        prop_assert!(pattern.matches(&method, Some(&url)));
        let everything = RoutePattern::parse("/**").unwrap();
        prop_assert!(everything.matches(&method, Some(&url)));
        let below = RoutePattern::parse(&format!("{url}/x")).unwrap();
        prop_assert!(!below.matches(&method, Some(&url)));
    }
}
