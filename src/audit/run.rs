//! From the model to the audit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::checks::{self, CheckResult, Scope};
use crate::config::{Config, Date};
use crate::finding::Finding;
use crate::model::{AppModel, Count, Model, RouteFacts, Standing};
use crate::rule::{Control, How, Rule, RuleSet};
use crate::source::{Location, RepoPath};

use super::score::{Outcome, grade, judge, outside, overall, rule_answers};
use super::suppress::{Suppressions, stale_declarations};
use super::{
    AppAudit, Audit, Coverage, Metric, NotEvaluated, Phase, StackEntry, StaleSuppression, Tool,
    Unknown, fingerprint,
};

/// The roadmap that is followed when none is chosen.
pub const DEFAULT_ROADMAP: &str = "standard";

/// What one run is asked to do.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// The audited path as the user gave it, for the report.
    pub root: String,
    /// The roadmap's name; the configuration's, else [`DEFAULT_ROADMAP`], when not given.
    pub roadmap: Option<String>,
    /// Run only these rules; all when empty.
    pub only: Vec<String>,
    /// Do not run these rules.
    pub skip: Vec<String>,
    /// Report only the application in this folder.
    pub app: Option<RepoPath>,
    /// The day by which ignores and attestations run out.
    pub today: Date,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            root: String::from("."),
            roadmap: None,
            only: Vec::new(),
            skip: Vec::new(),
            app: None,
            today: Date::today(),
        }
    }
}

impl AuditOptions {
    /// True when this rule is to run.
    pub(super) fn runs(&self, rule: &str) -> bool {
        let chosen = self.only.is_empty() || self.only.iter().any(|only| only == rule);
        chosen && !self.skip.iter().any(|skip| skip == rule)
    }
}

/// Runs the rules and judges what they find. A roadmap that does not exist leaves the report without phases: check the name
/// with [`RuleSet::roadmap`] first.
#[must_use]
pub fn run(model: &Model, rules: &RuleSet, config: &Config, options: &AuditOptions) -> Audit {
    let chosen = chosen_rules(rules, config, options);
    let mut apps: Vec<usize> = (0..model.apps.len())
        .filter(|&app| {
            let root = model.apps.get(app).map(|app| &app.root);
            options.app.is_none() || options.app.as_ref() == root
        })
        .collect();
    // What several applications share is told with the one that is most of the repository.
    let handlers = |app: &usize| model.apps.get(*app).map(|app| app.routes.len());
    apps.sort_by_key(|app| Reverse(handlers(app)));
    // The code is the same whichever roadmap is followed: what rules count is counted for those that it does not list too.
    let counting = rules.rules.iter().filter(|rule| {
        rule.check.counts()
            && options.runs(&rule.id)
            && !chosen.iter().any(|each| each.id == rule.id)
    });
    let asked: Vec<(&Rule, bool)> = chosen
        .iter()
        .map(|rule| (rule, true))
        .chain(counting.map(|rule| (rule, false)))
        .collect();
    let work: Vec<(usize, &Rule, bool)> = apps
        .iter()
        .flat_map(|&app| asked.iter().map(move |&(rule, judged)| (app, rule, judged)))
        .collect();
    let scopes = Scope::all(model);
    let answers: Vec<Result<CheckResult, String>> = work
        .par_iter()
        .with_max_len(1)
        .map(|&(app, rule, _)| evaluate(rule, model, app, &scopes[app]))
        .collect();

    let mut suppressions = Suppressions::new(model, config, options.today);
    let mut not_evaluated = Vec::new();
    let mut audited = Vec::new();
    let mut reported: FxHashSet<(String, Location, String)> = FxHashSet::default();
    let mut answers = work.iter().zip(answers).peekable();
    for &index in &apps {
        let Some(app) = model.apps.get(index) else {
            continue;
        };
        let mut mine = Vec::new();
        let mut counted = Vec::new();
        while let Some(((_, rule, judged), answer)) =
            answers.next_if(|((app, _, _), _)| *app == index)
        {
            match answer {
                Ok(mut result) => {
                    counted.extend(result.counted.take());
                    if *judged {
                        mine.push((*rule, result));
                    }
                }
                Err(_) if !judged => {}
                Err(reason) => not_evaluated.push(NotEvaluated {
                    app: app.root.clone(),
                    rule: rule.id.clone(),
                    reason,
                }),
            }
        }
        let name = roadmap_name(config, options);
        audited.push(audit_app(
            AppFacts {
                model,
                index,
                app,
                metrics: metrics(app, counted),
            },
            mine,
            (rules, config, name, options.today),
            (&mut suppressions, &mut reported),
        ));
    }
    audited.sort_by(|one, other| one.root.cmp(&other.root));
    let ran: BTreeSet<String> = chosen.iter().map(|rule| rule.id.clone()).collect();
    let stale_suppressions = if options.app.is_some() {
        Vec::new()
    } else {
        stale(model, rules, config, options, &suppressions, &ran)
    };
    Audit {
        schema: "readiness/audit/1",
        tool: Tool {
            name: "readiness",
            version: env!("CARGO_PKG_VERSION"),
        },
        root: options.root.clone(),
        only_app: options.app.clone(),
        apps: audited,
        not_examined: [&model.not_examined[..], &model.unread_routes].concat(),
        stale_suppressions,
        not_evaluated,
        comparison: None,
    }
}

fn roadmap_name<'a>(config: &'a Config, options: &'a AuditOptions) -> &'a str {
    options
        .roadmap
        .as_deref()
        .or(config.roadmap.as_deref())
        .unwrap_or(DEFAULT_ROADMAP)
}

/// The rules to run, with the configuration's options: those that are named, else those of the plan, of the default plan, and
/// those that the configuration switches on.
fn chosen_rules(rules: &RuleSet, config: &Config, options: &AuditOptions) -> Vec<Rule> {
    let plans = [roadmap_name(config, options), DEFAULT_ROADMAP];
    let listed: BTreeSet<&str> = plans
        .iter()
        .filter_map(|name| rules.roadmap(name))
        .flat_map(|plan| plan.rules())
        .collect();
    let plan = rules.roadmap(roadmap_name(config, options));
    let planned = |rule: &Rule| {
        let settings = config.rules.get(&rule.id);
        !options.only.is_empty()
            || listed.contains(rule.id.as_str())
            || settings.is_some_and(|settings| settings.enabled == Some(true))
    };
    rules
        .rules
        .iter()
        .filter(|rule| options.runs(&rule.id) && planned(rule))
        .map(|rule| {
            let settings = config.rules.get(&rule.id);
            let options = settings.map(|settings| &settings.options);
            let planned = match (plan, options) {
                (Some(plan), options) => plan.rule(rule, options),
                (None, Some(options)) => rule.with_options(options),
                (None, None) => return rule.clone(),
            };
            planned.unwrap_or_else(|_| rule.clone())
        })
        .collect()
}

/// One rule's answer; a panic in a check is that rule's failure, not the run's.
fn evaluate(rule: &Rule, model: &Model, app: usize, scope: &Scope) -> Result<CheckResult, String> {
    catch_unwind(AssertUnwindSafe(|| checks::run(rule, model, app, scope))).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        format!("the check failed: {text}")
    })
}

fn stale(
    model: &Model,
    rules: &RuleSet,
    config: &Config,
    options: &AuditOptions,
    suppressions: &Suppressions<'_>,
    ran: &BTreeSet<String>,
) -> Vec<StaleSuppression> {
    let asked: BTreeSet<String> = rules
        .rules
        .iter()
        .filter(|rule| rule.may_be_attested())
        .map(|rule| rule.id.clone())
        .collect();
    let mut stale = suppressions.stale(rules, ran);
    stale.extend(stale_declarations(model, config, &asked, options.today));
    stale.sort_by(|a, b| {
        (&a.location, &a.rule, &a.problem).cmp(&(&b.location, &b.rule, &b.problem))
    });
    stale
}

/// One application and where its facts lie.
struct AppFacts<'a> {
    model: &'a Model,
    index: usize,
    app: &'a AppModel,
    metrics: Vec<Metric>,
}

/// The application's counts with those of the checks, so that a report says one number for one thing.
fn metrics(app: &AppModel, mut counted: Vec<Count>) -> Vec<Metric> {
    counted.sort();
    counted.dedup_by(|later, earlier| later.name == earlier.name);
    let mut all: Vec<&Count> = app.metrics.iter().chain(&counted).collect();
    all.sort_by_key(|count| count.part);
    let shown = all.into_iter().map(|count| Metric {
        name: count.name.clone(),
        value: count.value,
    });
    shown.collect()
}

fn audit_app(
    facts: AppFacts<'_>,
    answers: Vec<(&Rule, CheckResult)>,
    (rules, config, roadmap, today): (&RuleSet, &Config, &str, Date),
    (suppressions, reported): (
        &mut Suppressions<'_>,
        &mut FxHashSet<(String, Location, String)>,
    ),
) -> AppAudit {
    let mut findings: Vec<Finding> = Vec::new();
    let mut unknown: BTreeSet<Unknown> = BTreeSet::new();
    let mut outcomes: BTreeMap<String, Outcome> = BTreeMap::new();
    for (rule, mut result) in answers {
        let mut unattested = false;
        if rule.may_be_attested() {
            let attested = config
                .attest
                .get(&rule.id)
                .is_some_and(|attestation| attestation.until >= today);
            if attested {
                result.covered = result.total;
                result.covered_weight = result.total_weight;
                result.findings.clear();
                result.shown = config
                    .attest
                    .get(&rule.id)
                    .map(|attestation| attestation.location.clone());
            }
            unattested = rule.how == How::Attest && result.covered < result.total;
        }
        // Nothing was measured.
        unattested |= rule.how == How::Measured
            && result.covered < result.total
            && result.findings.is_empty();
        let outcome = Outcome {
            covered: result.covered,
            total: result.total,
            unknown: result.unknown.len(),
            likely: result.likely,
            covered_weight: result.covered_weight,
            total_weight: result.total_weight,
            gaps: 0,
            elsewhere: 0,
            unattested,
            shown: result.shown,
        };
        outcomes.insert(rule.id.clone(), outcome);
        unknown.extend(result.unknown.into_iter().map(|each| Unknown {
            rule: rule.id.clone(),
            route: each.route,
            file: each.file.map(|file| file.as_str().to_owned()),
        }));
        if let Some(severity) = config.rules.get(&rule.id).and_then(|it| it.severity) {
            for finding in &mut result.findings {
                // A half gap stays milder than a whole one.
                let whole = finding.severity >= rule.severity;
                finding.severity = if whole {
                    severity
                } else {
                    severity.min(finding.severity)
                };
            }
        }
        findings.append(&mut result.findings);
    }
    findings.sort_by(|a, b| {
        (&a.location, &a.rule, &a.message).cmp(&(&b.location, &b.rule, &b.message))
    });
    // What several applications share, their pipelines or a common configuration, is one gap: told once.
    findings.retain(|finding| {
        let here = reported.insert((
            finding.rule.clone(),
            finding.location.clone(),
            finding.message.clone(),
        )) || finding.route.is_some();
        if let (false, Some(outcome)) = (here, outcomes.get_mut(&finding.rule)) {
            outcome.elsewhere += 1;
        }
        here
    });
    fingerprint::assign(&facts.app.root, &mut findings);
    let (mut open, mut suppressed) = suppressions.apply(findings);
    for finding in &open {
        if let Some(outcome) = outcomes.get_mut(&finding.rule) {
            outcome.gaps += 1;
        }
    }
    // Worst first, and what is sure before what is only likely; the sort is stable, so places stay in order among equals.
    let worst = |finding: &Finding| {
        (
            std::cmp::Reverse(finding.severity),
            std::cmp::Reverse(finding.confidence),
            !finding.expensive,
        )
    };
    open.sort_by_key(worst);
    suppressed.sort_by_key(|each| worst(&each.finding));
    let endpoints: Vec<&RouteFacts> = facts.app.endpoints().collect();
    let plan = rules.roadmap(roadmap);
    let score = plan.and_then(|plan| overall(plan, &outcomes, rules));
    let project = facts.model.project.apps.get(facts.index);
    AppAudit {
        root: facts.app.root.clone(),
        name: project.map_or_else(String::new, |app| app.name.clone()),
        framework: project.map_or("", |app| app.framework.word()).to_owned(),
        version: project.and_then(|app| app.version.clone()),
        stack: facts
            .app
            .stack
            .iter()
            .map(|(name, version)| StackEntry {
                name: name.clone(),
                version: if points_elsewhere(version) {
                    String::new()
                } else {
                    version.clone()
                },
            })
            .collect(),
        metrics: facts.metrics,
        // One decimal, so that the last bits of a sum never show.
        score: score.map(|score| (score * 10.0).round() / 10.0),
        grade: score.map(grade),
        roadmap: roadmap.to_owned(),
        phases: plan.map_or_else(Vec::new, |plan| judge(plan, &outcomes, rules)),
        outside: plan.map_or_else(Phase::default, |plan| outside(plan, &outcomes, rules)),
        coverage: Control::ALL
            .map(|control| coverage(&endpoints, control))
            .to_vec(),
        findings: open,
        suppressed,
        unknown: unknown.into_iter().collect(),
        answers: rule_answers(&outcomes),
    }
}

/// `catalog:`, `workspace:*`: where a version is written, and none.
fn points_elsewhere(version: &str) -> bool {
    ["catalog:", "workspace:", "link:", "file:"]
        .iter()
        .any(|protocol| version.starts_with(protocol))
}

/// How many handlers a control covers.
fn coverage(endpoints: &[&RouteFacts], control: Control) -> Coverage {
    let mut coverage = Coverage {
        control: control.key().to_owned(),
        covered: 0,
        partial: 0,
        unknown: 0,
        total: 0,
    };
    for route in endpoints {
        let Some(standing) = route.standing(control) else {
            continue;
        };
        coverage.total += 1;
        match standing {
            Standing::InPlace => coverage.covered += 1,
            Standing::Partly => coverage.partial += 1,
            Standing::Unknown => coverage.unknown += 1,
            Standing::Missing => {}
        }
    }
    coverage
}
