//! What a verdict rests on, told step by step: the guards that were met, or what was met instead of one.

use crate::routes::{Entry, Route};
use crate::rule::{Control, Meaning};

use super::ending::{End, Ending};
use super::evaluator::{Evaluator, Origin, SettingKind};
use super::facts::{Fact, Site};
use super::guards::{Judgement, concerns};
use super::proof::Seen;
use super::record::{Event, Flaw};
use super::value::Bits;
use super::{Evidence, Role};

/// What becomes of those who do not pass a guard of which no answer is known.
const ELSE_THROWN: &str = "else an error is thrown";

/// More conditions that do not count are not told.
const MOST_TOLD: usize = 3;

impl<'a> Evaluator<'a> {
    /// What may be a guard of the team's own.
    pub(super) fn suspects(&self, route: &Route, ends: &[End]) -> Vec<(String, bool)> {
        let mut suspects: Vec<(String, bool)> = Vec::new();
        let refused = |end: &End| matches!(end.ending, Ending::Refused(_)) && end.work == 0;
        if let Entry::Export(export) = &route.entry
            && (ends.is_empty() || ends.iter().any(refused))
            && let Some(name) = self.wrapper_of(route.module, export)
            && self.sounds_like_guard(name)
        {
            suspects.push((name.to_owned(), true));
        }
        for (event, _) in &self.record.events {
            if let Event::Suspect(name) = event
                && !suspects.iter().any(|(known, _)| **known == **name)
            {
                suspects.push((name.to_string(), false));
            }
        }
        suspects
    }

    /// Why it cannot be said whether there is a guard.
    pub(super) fn what_is_unseen(&self, seen: Seen, start: &Evidence) -> Evidence {
        let called = self
            .record
            .first(|event| matches!(event, Event::Unseen).then_some(()));
        match called {
            Some((_, place)) => self.evidence(
                place,
                "calls something that cannot be found, which may turn the request away",
            ),
            None if seen == Seen::BehindWrapper => Evidence {
                note: String::from("stands behind a wrapper of a package that is not known"),
                ..start.clone()
            },
            None => Evidence {
                note: String::from("too large to be followed to its work"),
                ..start.clone()
            },
        }
    }

    /// Conditions that look like this control and turn nobody away, and why they do not count.
    pub(super) fn what_does_not_count(
        &self,
        ends: &[End],
        control: Control,
        evidence: &mut Vec<Evidence>,
    ) {
        let kind = if control == Control::RateLimit {
            "rate-limit"
        } else {
            "auth"
        };
        for (event, place) in &self.record.events {
            let Event::Ineffective { flaw, guard } = event else {
                continue;
            };
            let fits = *guard == kind || *guard == "signature" && control == Control::Auth;
            if !fits {
                continue;
            }
            let why = match flaw {
                Flaw::Impossible => "the condition in front of it never holds",
                Flaw::Unawaited => "nobody awaits it, so what it throws reaches nobody",
                Flaw::Ignored => "nobody looks at what it decides",
                Flaw::Swallowed => {
                    "its refusal is caught here, and the request is served all the same"
                }
            };
            evidence.push(Evidence {
                role: Role::LetsPass,
                ..self.evidence(*place, &format!("does not count: {why}"))
            });
        }
        let mut told: Vec<Site> = Vec::new();
        let facts = ends.iter().flat_map(|end| end.possible.iter());
        // What was looked up with something that the client sent is most often no question of who is calling, and a number of
        // things is a limit where somebody is told that it is too much.
        let told_so = ends
            .iter()
            .any(|end| end.ending == Ending::Refused(Some(429)));
        let asks = |fact: &&Fact| {
            let bits = fact.provenance.bits;
            let clear = match control {
                Control::Auth => bits.has(Bits::IDENTITY.with(Bits::SIGNATURE).with(Bits::SECRET)),
                _ => told_so || !bits.has(Bits::COUNT) || bits.has(Bits::EVENTS.with(Bits::RECENT)),
            };
            concerns(control, fact) && clear
        };
        for fact in facts.filter(asks) {
            if told.contains(&fact.site) || told.len() == MOST_TOLD {
                continue;
            }
            // The way on which the request would have been turned away, had it been.
            let served = |end: &&End| {
                end.ending == Ending::Served
                    && end.possible.iter().any(|other| {
                        other.site == fact.site
                            && other.arm == fact.arm
                            && other.arm == other.provenance.bits.has(Bits::NEGATED)
                    })
            };
            let Some(end) = ends.iter().find(served) else {
                continue;
            };
            told.push(fact.site);
            let note = if end.failed {
                "does not count: what it throws is caught, and the request is served all the same"
            } else {
                "does not count: the request is served either way"
            };
            let step = Evidence {
                role: Role::LetsPass,
                ..self.evidence(self.site_places[fact.site.0 as usize], note)
            };
            // Where the others go on, nothing was thrown.
            let thrown = evidence.iter_mut().find(|known| {
                known.note == ELSE_THROWN && known.file == step.file && known.line == step.line
            });
            match thrown {
                Some(known) => known.note = step.note,
                None => evidence.push(step),
            }
        }
    }

    /// The first work that a handler does, which nothing of this kind stands before, and the functions that lead to it.
    pub(super) fn unguarded_work(&self, control: Control, evidence: &mut Vec<Evidence>) {
        let Some(first) = &self.first_work else {
            return;
        };
        let asked = if control == Control::RateLimit {
            "and no limiter was asked on the way"
        } else {
            "and nobody on the way had to say who they are"
        };
        let what = match &*first.what {
            "call" => String::from("work is done here"),
            // What a call gave is awaited or called in its turn: the call is what readers look for.
            path => {
                let called = path.strip_suffix("()").unwrap_or(path);
                format!("{} is called here", super::paths::shown(called))
            }
        };
        for place in &first.through {
            let step = Evidence {
                role: Role::OnTheWay,
                ..self.evidence(*place, "on the way to the work")
            };
            if !evidence
                .iter()
                .any(|known| known.file == step.file && known.line == step.line)
            {
                evidence.push(step);
            }
        }
        let mut step = self.evidence(first.place, &format!("{what}, {asked}"));
        step.role = match self.paths.meaning(&first.what) {
            Some(Meaning::Work) => Role::AsksElsewhere,
            _ if &*first.what == "call" => Role::WorksUnseen,
            _ => Role::Works,
        };
        evidence.push(step);
    }

    pub(super) fn guard_evidence(&self, judgement: &Judgement, evidence: &mut Vec<Evidence>) {
        for (site, status, provenance) in &judgement.guards {
            let origins = provenance.origins.iter().flat_map(|origins| origins.iter());
            let origins: Vec<&Origin> = origins.map(|o| &self.origins[o.0 as usize]).collect();
            // The address of the store in which a key is looked up is no proof; a secret that is asked for is, and so is a limit.
            let bits = provenance.bits;
            let of_limits = bits.has(Bits::LIMITER.with(Bits::COUNT));
            let alone = origins.iter().all(|origin| origin.setting.is_some());
            let proves = |origin: &&&Origin| match origin.setting {
                Some(SettingKind::Secret) => bits.has(Bits::SECRET) || alone,
                Some(SettingKind::Plain) => of_limits || alone,
                None => true,
            };
            for origin in origins.iter().filter(proves) {
                let mut step = self.evidence(origin.place, &origin.note);
                if origin.setting == Some(SettingKind::Secret) {
                    step.role = Role::Secret;
                }
                if !evidence.contains(&step) {
                    evidence.push(step);
                }
            }
            let note = match status {
                Some(307) => String::from("else redirected or sent away empty"),
                Some(status) => format!("else answered {status}"),
                None => String::from(ELSE_THROWN),
            };
            let step = Evidence {
                role: Role::TurnsAway,
                ..self.evidence(self.site_places[site.0 as usize], &note)
            };
            if !evidence.contains(&step) {
                evidence.push(step);
            }
        }
    }
}
