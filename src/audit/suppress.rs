//! Suppressions: comments in the code and `[[ignore]]`, each with a reason, and what is wrong with them.

use std::collections::BTreeSet;

use crate::config::{Config, Date, Ignore};
use crate::finding::Finding;
use crate::model::Model;
use crate::rule::{RuleSet, nearest};
use crate::source::Location;

use super::{StaleSuppression, Suppressed};

/// A comment that suppresses one rule on one line.
struct Comment {
    rule: String,
    reason: String,
    location: Location,
    line: u32,
    used: bool,
}

/// All suppressions of a run.
pub(super) struct Suppressions<'a> {
    comments: Vec<Comment>,
    ignores: Vec<(&'a Ignore, bool)>,
    disabled: BTreeSet<&'a str>,
    today: Date,
}

impl<'a> Suppressions<'a> {
    /// Gathers them from the model and the configuration.
    pub(super) fn new(model: &Model, config: &'a Config, today: Date) -> Self {
        let mut comments = Vec::new();
        for (_, module) in model.graph.modules() {
            for written in &module.suppressions {
                comments.extend(written.rules.iter().map(|rule| Comment {
                    rule: rule.clone(),
                    reason: written.reason.trim().to_owned(),
                    location: module.location(written.span),
                    line: written.line,
                    used: false,
                }));
            }
        }
        comments.sort_by(|a, b| (&a.location, &a.rule).cmp(&(&b.location, &b.rule)));
        let disabled = config
            .rules
            .iter()
            .filter(|(_, settings)| settings.enabled == Some(false))
            .map(|(id, _)| id.as_str());
        Self {
            comments,
            ignores: config
                .ignores
                .iter()
                .map(|ignore| (ignore, false))
                .collect(),
            disabled: disabled.collect(),
            today,
        }
    }

    /// Takes the suppressed findings out.
    pub(super) fn apply(&mut self, findings: Vec<Finding>) -> (Vec<Finding>, Vec<Suppressed>) {
        let mut open = Vec::new();
        let mut suppressed = Vec::new();
        for finding in findings {
            match self.reason(&finding) {
                Some((reason, in_source)) => suppressed.push(Suppressed {
                    finding,
                    reason,
                    in_source,
                }),
                None => open.push(finding),
            }
        }
        (open, suppressed)
    }

    /// Why the finding is suppressed, and whether a comment says so. Every suppression that fits is marked as used, not only the
    /// first.
    fn reason(&mut self, finding: &Finding) -> Option<(String, bool)> {
        let mut reason = None;
        let place = &finding.location;
        let begin = self
            .comments
            .partition_point(|each| each.location.file < place.file);
        for comment in self.comments[begin..]
            .iter_mut()
            .take_while(|each| each.location.file == place.file)
        {
            let fits = comment.rule == finding.rule && comment.line == place.line;
            if fits && !comment.reason.is_empty() {
                comment.used = true;
                reason.get_or_insert_with(|| (comment.reason.clone(), true));
            }
        }
        for (ignore, used) in &mut self.ignores {
            let holds = ignore.until.is_none_or(|until| self.today <= until);
            if holds && ignore.rule == finding.rule && ignore.covers(&place.file) {
                *used = true;
                reason.get_or_insert_with(|| (ignore.reason.clone(), false));
            }
        }
        if self.disabled.contains(finding.rule.as_str()) {
            let off = "the rule is off in the configuration";
            reason.get_or_insert_with(|| (off.to_owned(), false));
        }
        reason
    }

    /// What is wrong with suppressions. `ran` holds the rules that were run: of others nothing can be said.
    pub(super) fn stale(&self, rules: &RuleSet, ran: &BTreeSet<String>) -> Vec<StaleSuppression> {
        let mut stale = Vec::new();
        for comment in &self.comments {
            let problem = if rules.rule(&comment.rule).is_none() {
                match nearest(&comment.rule, rules.ids()) {
                    Some(near) => format!("there is no such rule; did you mean `{near}`?"),
                    None => String::from("there is no such rule"),
                }
            } else if comment.reason.is_empty() {
                String::from("it has no reason, so it suppresses nothing; add ` -- why`")
            } else if !comment.used && ran.contains(&comment.rule) {
                String::from("it matches no finding; remove it")
            } else {
                continue;
            };
            stale.push(StaleSuppression {
                location: comment.location.clone(),
                rule: comment.rule.clone(),
                problem,
            });
        }
        for (ignore, used) in &self.ignores {
            let problem = match ignore.until {
                Some(until) if until < self.today => format!("it has run out on {until}"),
                _ if !used && ran.contains(&ignore.rule) => {
                    String::from("it matches no finding; remove it")
                }
                _ => continue,
            };
            stale.push(StaleSuppression {
                location: ignore.location.clone(),
                rule: ignore.rule.clone(),
                problem,
            });
        }
        stale
    }
}

/// Attestations that have run out or concern a rule that needs none, and public routes that no handler answers to.
pub(super) fn stale_declarations(
    model: &Model,
    config: &Config,
    asked: &BTreeSet<String>,
    today: Date,
) -> Vec<StaleSuppression> {
    let mut stale = Vec::new();
    for (rule, attestation) in &config.attest {
        let problem = if attestation.until < today {
            format!("the attestation has run out on {}", attestation.until)
        } else if !asked.contains(rule) {
            String::from("the rule is judged without attestation; remove it")
        } else {
            continue;
        };
        stale.push(StaleSuppression {
            location: attestation.location.clone(),
            rule: rule.clone(),
            problem,
        });
    }
    for public in &config.routes.public {
        let answers = model.apps.iter().flat_map(|app| &app.routes).any(|facts| {
            public
                .pattern
                .matches(&facts.route.method, facts.route.url.as_deref())
        });
        if !answers {
            stale.push(StaleSuppression {
                location: public.location.clone(),
                rule: String::from("route-auth"),
                problem: format!(
                    "no handler answers to `{}`; remove it from `public`",
                    public.pattern
                ),
            });
        }
    }
    stale
}
