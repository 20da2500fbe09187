//! The ratchet: what a team has accepted, and what is new or worse than that.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::finding::Standing;
use crate::source::{RepoPath, Repository};

use super::accepted::{Accepted, Between, is_unknown, is_worse, known};
use super::{Audit, AuditOptions};

/// What stands in front of every baseline.
pub(super) const BASELINE_SCHEMA: &str = "readiness/baseline/1";

/// What a file of this program says that it is.
#[derive(Deserialize)]
pub(super) struct Named {
    schema: String,
}

impl Named {
    pub(super) fn of(text: &str) -> Option<String> {
        let named: Self = serde_json::from_str(text).ok()?;
        Some(named.schema)
    }
}

/// The findings that a team accepts for now: the file that `readiness baseline` writes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Baseline {
    /// `readiness/baseline/1`
    pub schema: String,
    /// The version of the program that wrote it.
    pub version: String,
    /// The roadmap that was followed: it decides which rules were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roadmap: Option<String>,
    /// The findings, by application, file and rule, so that two versions of the file are easily compared.
    pub findings: Vec<Accepted>,
}

/// How an audit stands against what was accepted before.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Comparison {
    /// Findings that were not there.
    pub new: usize,
    /// Findings that were there and are more severe now, or count more places.
    pub worse: usize,
    /// Findings that were there.
    pub known: usize,
    /// Accepted findings that are there no more.
    pub fixed: Vec<Accepted>,
    /// Accepted findings of which it can no longer be told whether they are there: what they were about became unknown, or could not
    /// be examined. They stay accepted.
    pub unproven: Vec<Accepted>,
}

/// An accepted finding whose code stands in another file now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moved {
    /// As it was accepted.
    pub was: Accepted,
    /// As it is now.
    pub is: Accepted,
}

impl Baseline {
    /// All open findings of an audit.
    #[must_use]
    pub fn of(audit: &Audit) -> Self {
        let mut findings = remembered(audit);
        findings.sort();
        Self {
            schema: BASELINE_SCHEMA.to_owned(),
            version: audit.tool.version.to_owned(),
            roadmap: audit.apps.first().map(|app| app.roadmap.clone()),
            findings,
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if Named::of(text).is_some_and(|schema| schema.starts_with("readiness/audit/")) {
            return Err(String::from(
                "it is a JSON report; `readiness baseline` writes the file that is wanted here, and `readiness diff` compares two reports",
            ));
        }
        let baseline: Self = serde_json::from_str(text)
            .map_err(|error| format!("it is no baseline of `readiness baseline`: {error}"))?;
        if baseline.schema == BASELINE_SCHEMA {
            Ok(baseline)
        } else {
            Err(format!(
                "its schema is `{}`, and this version reads `{BASELINE_SCHEMA}`",
                baseline.schema
            ))
        }
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        // String keys and no fallible serialisers: this cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Adds what an earlier baseline says of applications that this audit did not look at.
    pub fn keep_other_apps(&mut self, before: Self, audit: &Audit) {
        let audited = |app: &str| audit.apps.iter().any(|each| each.root.as_str() == app);
        let mut others = before.findings;
        others.retain(|each| !audited(&each.app));
        // What is about the whole repository stays where it was told.
        let told: BTreeSet<&str> = others
            .iter()
            .map(|each| each.fingerprint.as_str())
            .collect();
        self.findings
            .retain(|each| !told.contains(each.fingerprint.as_str()));
        self.findings.extend(others);
        self.findings.sort();
    }

    /// The roadmap of this baseline and that of the audit, when they differ: the rules of one may be asked in the other only.
    #[must_use]
    pub fn other_roadmap<'a>(&'a self, audit: &'a Audit) -> Option<(&'a str, &'a str)> {
        let mine = self.roadmap.as_deref()?;
        let asked = audit.apps.first().map(|app| app.roadmap.as_str())?;
        (mine != asked).then_some((mine, asked))
    }

    /// Adds accepted findings that this audit can neither show nor rule out.
    pub fn keep(&mut self, unproven: &[Accepted]) {
        self.findings.extend(unproven.iter().cloned());
        self.findings.sort();
    }

    /// Takes out what is fixed, and follows what was moved.
    pub fn prune(&mut self, fixed: &[Accepted], moved: &[Moved]) {
        let fixed: BTreeSet<&Accepted> = fixed.iter().collect();
        self.findings.retain(|each| !fixed.contains(each));
        for each in &mut self.findings {
            if let Some(moved) = moved.iter().find(|moved| moved.was == *each) {
                *each = moved.is.clone();
            }
        }
        self.findings.sort();
    }
}

/// All open findings as they are remembered, in the audit's order.
pub(super) fn remembered(audit: &Audit) -> Vec<Accepted> {
    let each = |app: &super::AppAudit| {
        let findings = app.findings.iter();
        findings
            .map(|finding| Accepted::new(&app.root, finding))
            .collect::<Vec<_>>()
    };
    audit.apps.iter().flat_map(each).collect()
}

impl Audit {
    /// Holds the audit against a baseline: every finding gets its standing. What this run did not ask for (rules left out, other
    /// applications) and what it could not tell (unknown, files that could not be read, rules that failed) does not count as fixed.
    /// What was accepted in a file that the repository no longer has is looked for in the others; gives what was found there.
    pub fn hold_against(
        &mut self,
        baseline: &Baseline,
        options: &AuditOptions,
        repository: &Repository,
    ) -> Vec<Moved> {
        let new = remembered(self);
        let between = Between {
            reworded: baseline.version != self.tool.version,
            is_gone: &|file| !repository.exists(&RepoPath::new(file)),
        };
        let known = known(&baseline.findings, &new, &between);
        let mut comparison = Comparison::default();
        let findings = self.apps.iter_mut().flat_map(|app| &mut app.findings);
        for (finding, known) in findings.zip(&known) {
            let accepted = known.and_then(|at| baseline.findings.get(at));
            let standing = match accepted {
                None => Standing::New,
                Some(was) if is_worse(was, finding.severity, finding.count) => Standing::Worse,
                Some(_) => Standing::Known,
            };
            match standing {
                Standing::New => comparison.new += 1,
                Standing::Worse => comparison.worse += 1,
                Standing::Known => comparison.known += 1,
            }
            finding.standing = Some(standing);
        }
        let moved = new.iter().zip(&known).filter_map(|(is, was)| {
            let was = baseline.findings.get((*was)?)?;
            (was.file != is.file).then(|| Moved {
                was: was.clone(),
                is: is.clone(),
            })
        });
        let moved: Vec<Moved> = moved.collect();
        let still: BTreeSet<usize> = known.into_iter().flatten().collect();
        let gone = baseline.findings.iter().enumerate();
        let gone = gone.filter(|(at, each)| !still.contains(at) && self.asked_for(each, options));
        (comparison.unproven, comparison.fixed) = gone
            .map(|(_, each)| each.clone())
            .partition(|each| self.cannot_tell(each));
        self.comparison = Some(comparison);
        moved
    }

    /// True when this run was to report the finding, were it still there.
    fn asked_for(&self, accepted: &Accepted, options: &AuditOptions) -> bool {
        let chosen = options
            .app
            .as_ref()
            .is_none_or(|app| app.as_str() == accepted.app);
        let app = self
            .apps
            .iter()
            .find(|app| app.root.as_str() == accepted.app);
        let suppressed = app.is_some_and(|app| {
            let mut suppressed = app.suppressed.iter().map(|each| &each.finding);
            suppressed.any(|finding| finding.fingerprint == accepted.fingerprint)
        });
        chosen && options.runs(&accepted.rule) && !suppressed
    }

    /// True when the finding may still be there, unseen.
    fn cannot_tell(&self, accepted: &Accepted) -> bool {
        let unread = |file: &str| {
            self.not_examined
                .iter()
                .any(|each| RepoPath::new(file).starts_with(&each.path))
        };
        let failed = self
            .not_evaluated
            .iter()
            .any(|each| each.app.as_str() == accepted.app && each.rule == accepted.rule);
        let mut apps = self.apps.iter();
        let unknown = apps
            .find(|app| app.root.as_str() == accepted.app)
            .is_some_and(|app| is_unknown(&app.unknown, accepted));
        failed || unknown || unread(&accepted.file)
    }
}
