//! Verdicts on guards: authentication and rate limits.
//!
//! A guard is a condition of which one side only turns requests away while the other goes on to the work. A control
//! is enforced when every path that serves the request has passed such a guard; which kind of guard it is, the
//! origin of the condition's value says, confirmed by what is answered.

use rustc_hash::FxHashMap;

use crate::rule::{Confidence, Control};

use super::ending::{End, Ending};
use super::evaluator::Evaluator;
use super::facts::{Fact, Site};
use super::proof::Seen;
use super::record::Event;
use super::state::Setting;
use super::value::{Bits, Provenance};
use super::{Evidence, Status, Verdict};

/// What a set of paths says of guards.
pub(super) struct Judgement {
    pub status: Status,
    /// The guards that serving paths pass, with the status they answer.
    pub guards: Vec<(Site, Option<u16>, Provenance)>,
    pub blind: bool,
    /// Every path turns the caller away in the end, whoever it is.
    pub closed: bool,
    /// All paths that passed no guard go on because this is missing.
    pub fails_open: Option<Setting>,
    /// A path that passed no guard goes on because the configuration switches the guard off.
    pub switched_off: Option<Setting>,
}

/// Marks a handler that turns everybody away.
pub(super) const CLOSED: &str = "closed";

impl Evaluator<'_> {
    pub fn judge(&self, ends: &[End], control: Control) -> Judgement {
        let goes_on = |end: &&End| {
            end.ending == Ending::Served || (end.ending == Ending::Idle && end.work > 0)
        };
        let most = ends.iter().map(|end| end.work).max().unwrap_or(0);
        // Where somebody is turned away behind other work, what ends in front of it all, and nothing that is known decided it, is a
        // preflight or another address.
        let refuses = |end: &End| matches!(end.ending, Ending::Refused(Some(401 | 403)));
        let behind_work = most > 0 && ends.iter().any(|end| end.work == most && refuses(end));
        let asks_ahead = |end: &End| {
            behind_work && end.ending == Ending::Idle && end.work == 0 && end.possible.is_empty()
        };
        // Nobody is served at all, as behind a condition that never holds in production.
        let closed = control == Control::Auth
            && !ends.is_empty()
            && ends.iter().all(|end| {
                matches!(
                    end.ending,
                    Ending::Refused(Some(401 | 403 | 404 | 405 | 429 | 500 | 501) | None)
                ) || asks_ahead(end)
            });
        let mut served: Vec<&End> = ends.iter().filter(goes_on).collect();
        if served.is_empty() {
            let idle = |end: &&End| end.ending == Ending::Idle && !asks_ahead(end);
            served = ends.iter().filter(idle).collect();
        }
        if served.is_empty() && !closed {
            // A list that somebody else fills is seen empty, and so its handler finds nothing to serve: the path that came furthest
            // is the one that would.
            let refusal =
                |end: &&End| matches!(end.ending, Ending::Refused(Some(401 | 403 | 405 | 429)));
            served = ends
                .iter()
                .filter(|end| most > 0 && end.work == most && !refusal(end))
                .collect();
        }
        if served.is_empty() && control == Control::RateLimit {
            // Whoever is turned away for another reason has still passed the limiter in front.
            let limited = |end: &End| end.ending == Ending::Refused(Some(429)) || asks_ahead(end);
            served = ends.iter().filter(|end| !limited(end)).collect();
        }
        // A path that answers without any work (a preflight, an empty list) has nothing to protect. Where a signature lets the
        // others through to theirs, it was sent away, whatever it is told.
        let by_signature = control == Control::Auth
            && served.iter().any(|end| {
                let mut decided = end.possible.iter();
                end.work > 0 && decided.any(|fact| fact.signed() && fact.establishes())
            });
        let asked = |end: &&End| {
            end.possible.iter().any(|fact| {
                concerns(control, fact)
                    && (!by_signature || fact.provenance.bits.has(Bits::IDENTITY))
            })
        };
        if served.iter().any(|end| end.work > 0) {
            served.retain(|end| end.work > 0 || asked(end));
        }
        // Some senders first ask whether the address is theirs, and are told back what they sent.
        let signed = |end: &&End| {
            let mut decided = end.possible.iter();
            control == Control::Auth && decided.any(|fact| fact.signed() && fact.establishes())
        };
        let asks_back = |end: &&End| {
            let others = Bits::SECRET
                .with(Bits::SIGNATURE)
                .with(Bits::IDENTITY)
                .with(Bits::LOOKUP);
            let mut about = end
                .possible
                .iter()
                .filter(|fact| concerns(control, fact))
                .peekable();
            end.work == 0
                && end.unconfigured.is_none()
                && about.peek().is_some()
                && about.all(|fact| {
                    let bits = fact.provenance.bits;
                    !bits.has(others) && fact.arm != bits.has(Bits::NEGATED)
                })
        };
        if served.iter().any(signed) {
            served.retain(|end| !asks_back(end));
        }
        // Some endpoints answer a request with a wrong signature as they answer the others, and do nothing.
        let works = served.iter().any(|end| end.work > 0);
        let signed: Vec<Site> = ends
            .iter()
            .flat_map(|end| end.possible.iter())
            .filter(|fact| works && fact.signed())
            .map(|fact| fact.site)
            .collect();
        // The header may be missing altogether, of which the same condition hears.
        let unsigned = |fact: &Fact| !fact.establishes() && signed.contains(&fact.site);
        let mut away: FxHashMap<(Site, bool), Option<Vec<Option<u16>>>> = FxHashMap::default();
        for end in ends {
            for fact in end.possible.iter() {
                let entry = away
                    .entry((fact.site, fact.arm))
                    .or_insert_with(|| Some(Vec::new()));
                match (&mut *entry, end.ending) {
                    (Some(statuses), Ending::Refused(status)) => statuses.push(status),
                    (Some(statuses), Ending::Idle) if end.work <= fact.work => {
                        statuses.push(Some(307))
                    }
                    (Some(statuses), Ending::Served) if end.work <= fact.work && unsigned(fact) => {
                        statuses.push(Some(200))
                    }
                    (entry, _) => *entry = None,
                }
            }
        }
        // A path that was only sent on passes every condition that sends on; it is no guard's success.
        let sent_on = |end: &&End| {
            end.possible.iter().any(|fact| {
                fact.work >= end.work
                    && !fact.establishes()
                    && (end.ending != Ending::Served || unsigned(fact))
                    && matches!(away.get(&(fact.site, fact.arm)), Some(Some(_)))
            })
        };
        // Where nobody is answered in another way, that is the answer.
        if !served.iter().all(sent_on) {
            served.retain(|end| !sent_on(end));
        }
        let guard = |fact: &Fact| -> Option<Option<u16>> {
            let statuses = away.get(&(fact.site, !fact.arm))?.as_ref()?;
            is_guard(control, fact, statuses).then(|| statuses.iter().copied().flatten().next())
        };
        // Some count or decision leads to a 429, so whoever was counted has met the limiter.
        let counted = ends
            .iter()
            .flat_map(|end| end.possible.iter())
            .find_map(|fact| {
                let statuses = away.get(&(fact.site, fact.arm))?.as_ref()?;
                is_guard(control, fact, statuses).then(|| statuses.iter().copied().flatten().next())
            });
        let mut guards: Vec<(Site, Option<u16>, Provenance)> = Vec::new();
        let passes: Vec<bool> = served
            .iter()
            .map(|end| {
                let mut passed = false;
                // Somebody is known on every way here, though not always by the same means.
                let caller = end.caller.as_ref().filter(|_| control == Control::Auth);
                if control == Control::RateLimit
                    && let (Some(fact), Some(status)) = (&end.counted, counted)
                {
                    passed = true;
                    if !guards.iter().any(|(site, _, _)| *site == fact.site) {
                        guards.push((fact.site, status, fact.provenance.clone()));
                    }
                }
                // What is asked when everything has been done protects nothing.
                let in_time = |fact: &&Fact| !(fact.late && fact.work >= end.work);
                for fact in end.facts.iter().chain(caller).filter(in_time) {
                    let status = match guard(fact) {
                        Some(status) => Some(status),
                        None if control == Control::Auth && fact.establishes() => Some(None),
                        None => None,
                    };
                    if let Some(status) = status {
                        passed = true;
                        if !guards.iter().any(|(site, _, _)| *site == fact.site) {
                            guards.push((fact.site, status, fact.provenance.clone()));
                        }
                    }
                }
                passed
            })
            .collect();
        let partial = if control == Control::RateLimit {
            Status::Conditional
        } else {
            Status::Optional
        };
        let some = passes.iter().any(|passed| *passed);
        // Whoever switches authentication off has chosen so, for all handlers at once: that is said once, where it is asked.
        // What those who were asked went through as well switches nothing off.
        let gone_through = |setting: &Setting| {
            let mut asked = served.iter().zip(&passes).filter(|(_, passed)| **passed);
            asked.any(|(end, _)| end.switched.iter().any(|other| other.site == setting.site))
        };
        let off = |end: &&End| {
            let mut switches = end.switched.iter().filter(|setting| !gone_through(setting));
            switches
                .next()
                .copied()
                .filter(|_| some && control == Control::Auth)
        };
        let unguarded: Vec<&End> = served
            .iter()
            .zip(&passes)
            .filter(|(_, passed)| !**passed)
            .map(|(end, _)| *end)
            .collect();
        let switched_off = unguarded.iter().find_map(off);
        let all = unguarded.iter().all(|end| off(end).is_some());
        let mut any = some;
        if !some {
            // Paths that are told apart by nothing else were joined: on some of them a guard was passed.
            let decided = served.iter().flat_map(|end| {
                let in_time = |fact: &&Fact| fact.work < end.work && !fact.late;
                end.possible.iter().filter(in_time)
            });
            for fact in decided {
                if let Some(status) = guard(fact) {
                    any = true;
                    if !guards.iter().any(|(site, _, _)| *site == fact.site) {
                        guards.push((fact.site, status, fact.provenance.clone()));
                    }
                }
            }
        }
        // A limiter that its configuration switches on counts as on.
        let configured = control == Control::RateLimit
            && some
            && unguarded.iter().all(|end| end.unconfigured.is_some());
        // Whoever comes while something is not configured meets no guard.
        let open = unguarded
            .iter()
            .filter(|end| off(end).is_none())
            .map(|end| end.unconfigured);
        let fails_open = if some && open.clone().all(|missing| missing.is_some()) {
            open.flatten().next()
        } else {
            None
        };
        let blind = served.is_empty() || served.iter().any(|end| end.blind);
        let blind = blind && ends.iter().any(|end| end.blind);
        if closed {
            let known = ends.iter().find_map(|end| end.caller.as_ref());
            guards.extend(known.and_then(|fact| {
                let status = guard(fact)?;
                Some((fact.site, status, fact.provenance.clone()))
            }));
        }
        // Who only says that there is nothing here asks nobody who it is.
        let says_no = matches!(
            ends,
            [End {
                ending: Ending::Refused(Some(405 | 501)),
                work: 0,
                blind: false,
                ..
            }]
        );
        // Nobody ships a handler that only fails: something on the way was not understood.
        let only_fails = closed
            && ends
                .iter()
                .all(|end| matches!(end.ending, Ending::Refused(Some(500) | None)));
        let status = if says_no {
            Status::Absent
        } else if only_fails {
            Status::Unknown
        } else if closed {
            Status::Enforced
        } else if served.is_empty() {
            Status::Absent
        } else if all || configured {
            Status::Enforced
        } else if any {
            partial
        } else {
            Status::Absent
        };
        Judgement {
            status,
            guards,
            blind,
            closed,
            fails_open,
            switched_off,
        }
    }

    pub fn guard_verdict(
        &mut self,
        control: Control,
        ends: &[End],
        start: &Evidence,
        seen: Seen,
        marks: &mut Vec<(String, Evidence)>,
    ) -> Verdict {
        let mut evidence = vec![start.clone()];
        match seen {
            Seen::Nothing | Seen::Framework => {
                evidence.push(Evidence {
                    note: String::from("what runs here cannot be found"),
                    ..start.clone()
                });
                return Verdict::of(Status::Unknown, evidence);
            }
            Seen::Library { signed } => {
                let limiter = self.record.first(|event| match event {
                    Event::Limiter { limit } if control == Control::RateLimit => Some(limit),
                    _ => None,
                });
                if let Some((limit, place)) = limiter {
                    let limit = limit.as_deref().map(str::to_owned);
                    evidence.push(self.evidence(place, "the library limits requests by itself"));
                    return Verdict {
                        limit,
                        ..Verdict::of(Status::Enforced, evidence)
                    };
                }
                let status = if signed && control == Control::Auth {
                    evidence.push(Evidence {
                        note: String::from("the library checks the signature of every request"),
                        ..start.clone()
                    });
                    Status::Enforced
                } else {
                    Status::Absent
                };
                return Verdict::of(status, evidence);
            }
            Seen::Whole | Seen::BehindWrapper => {}
        }
        let mut judgement = self.judge(ends, control);
        if let Some(missing) = judgement.fails_open
            && seen == Seen::Whole
            && !self.exhausted
            // A limiter that its configuration switches on is on; that is nobody's slip.
            && missing.secret
            && control == Control::Auth
        {
            let place = self.site_places[missing.site.0 as usize];
            let signed = judgement
                .guards
                .iter()
                .any(|(_, _, provenance)| provenance.bits.has(Bits::SIGNATURE.with(Bits::SECRET)));
            let guard = if signed { "secret" } else { "auth" };
            let asked = missing
                .origin
                .map(|origin| &self.origins[origin.0 as usize].note);
            let also = missing.also.map(|also| &self.origins[also.0 as usize].note);
            let asked: Vec<&str> = also.into_iter().chain(asked).map(|note| &**note).collect();
            let evidence = self.evidence(place, &asked.join(", "));
            marks.push((format!("fails-open:{guard}:configuration"), evidence));
        }
        if let Some(setting) = judgement.switched_off
            && seen == Seen::Whole
            && !self.exhausted
        {
            let place = self.site_places[setting.site.0 as usize];
            let asked = setting
                .origin
                .map(|origin| &self.origins[origin.0 as usize].note);
            let evidence = self.evidence(place, asked.map_or("", |note| note));
            marks.push((String::from("fails-open:auth:switch"), evidence));
        }
        let perhaps = control == Control::Auth
            && matches!(judgement.status, Status::Absent | Status::Optional);
        let strangers = |away: fn(&End) -> bool| match perhaps {
            true => for_strangers_only(ends, away),
            false => None,
        };
        // Sent to where they want to be, those who are signed in are not refused.
        let elsewhere = strangers(|end| end.ending == Ending::Idle && end.work == 0);
        let strangers =
            elsewhere.or_else(|| strangers(|end| matches!(end.ending, Ending::Refused(_))));
        let delegated = self
            .record
            .first(|event| matches!(event, Event::Delegated).then_some(()));
        if judgement.status == Status::Absent {
            let read = self.record.first(|event| match (control, event) {
                (Control::Auth, Event::Identity) => {
                    Some("identity is read, but nobody is turned away")
                }
                (Control::Auth, Event::Signature { .. }) => {
                    Some("the signature is checked, but nothing is turned away")
                }
                (Control::RateLimit, Event::Limiter { .. }) => {
                    Some("the limiter is asked, but its decision turns nobody away")
                }
                _ => None,
            });
            let handed = self.record.first(|event| match (control, event) {
                (Control::Auth, Event::Handed { .. })
                | (
                    Control::RateLimit,
                    Event::Handed {
                        to_procedures: true,
                    },
                ) => Some(()),
                _ => None,
            });
            if let Some((_, place)) = handed {
                evidence.push(self.evidence(place, "a package takes the request over"));
                judgement.status = Status::Unknown;
            } else if let Some((note, place)) = read.filter(|_| elsewhere.is_none()) {
                judgement.status = if control == Control::RateLimit {
                    Status::Conditional
                } else {
                    Status::Optional
                };
                evidence.push(self.evidence(place, note));
            } else if let (Control::Auth, Some((_, place))) = (control, delegated) {
                evidence.push(self.evidence(place, "a package takes the request over"));
                judgement.status = Status::Unknown;
            } else if judgement.blind || seen == Seen::BehindWrapper {
                judgement.status = Status::Unknown;
                evidence.push(self.what_is_unseen(seen, start));
            }
        }
        let open = match control {
            Control::Auth => judgement.status != Status::Enforced,
            _ => judgement.status == Status::Absent,
        };
        if let Some(place) = self.unfollowed().filter(|_| open) {
            evidence
                .push(self.evidence(place, "the procedure that is called here is not followed"));
            judgement.status = Status::Unknown;
        }
        let unseen = judgement.blind || self.exhausted && judgement.status == Status::Absent;
        if control == Control::Auth && unseen && judgement.status != Status::Enforced {
            // The guard may stand where nobody looked.
            judgement.status = Status::Unknown;
        }
        self.guard_evidence(&judgement, &mut evidence);
        if judgement.closed {
            let closed = Evidence {
                note: String::from("no way through it is seen on which a request is served"),
                ..start.clone()
            };
            marks.push((String::from(CLOSED), closed.clone()));
            evidence.push(closed);
        }
        if matches!(judgement.status, Status::Absent | Status::Optional)
            && let Some(site) = strangers
        {
            let place = self.site_places[site.0 as usize];
            let evidence = self.evidence(place, "who is signed in already is turned away here");
            marks.push((String::from("strangers-only"), evidence));
        }
        if !matches!(judgement.status, Status::Enforced | Status::Unknown) {
            self.what_does_not_count(ends, control, &mut evidence);
            self.unguarded_work(control, &mut evidence);
        }
        let by_name = judgement.guards.iter().any(|(_, _, provenance)| {
            let origins = provenance.origins.iter().flat_map(|origins| origins.iter());
            origins.clone().count() > 0
                && origins.clone().all(|o| self.origins[o.0 as usize].by_name)
        });
        // What was not evaluated may hold a guard, or a way round one.
        let doubtful = self.exhausted;
        let mut verdict = Verdict::of(judgement.status, evidence);
        if by_name || doubtful {
            verdict.confidence = Confidence::Low;
        }
        if control == Control::RateLimit && judgement.status != Status::Absent {
            verdict.limit = self.limit_of_guards(&judgement);
        }
        verdict
    }
}

/// The condition that turns away everybody who is signed in, while those who are not go on to the work: `if (session) throw`,
/// `if (session) redirect("/home")`.
fn for_strangers_only(ends: &[End], away: fn(&End) -> bool) -> Option<Site> {
    let by_identity = |fact: &&Fact| {
        let bits = fact.provenance.bits;
        let plain = !bits.has(Bits::COMPARED) && !bits.has(Bits::LOOKUP);
        bits.has(Bits::IDENTITY) && plain && fact.establishes()
    };
    let mut known = ends
        .iter()
        .filter(|end| away(end))
        .flat_map(|end| end.possible.iter().filter(by_identity));
    known
        .find(|fact| {
            let with = |arm: bool| {
                ends.iter().filter(move |end| {
                    let mut decided = end.possible.iter();
                    decided.any(|other| other.site == fact.site && other.arm == arm)
                })
            };
            with(fact.arm).all(away) && with(!fact.arm).any(|end| !away(end) && end.work > 0)
        })
        .map(|fact| fact.site)
}

/// The decision is one that this control is about.
pub(super) fn concerns(control: Control, fact: &Fact) -> bool {
    let bits = fact.provenance.bits;
    match control {
        Control::RateLimit => bits.has(Bits::LIMITER.with(Bits::COUNT)),
        // Nobody can be known where no credential was sent.
        _ => bits.can_authenticate() || bits.has(Bits::CREDENTIAL),
    }
}

/// Whether turning away with these statuses, on a condition about these origins, is a guard of this kind. `passed` is
/// the decision of the path that goes on.
fn is_guard(control: Control, passed: &Fact, statuses: &[Option<u16>]) -> bool {
    let bits = passed.provenance.bits;
    let only_429 = statuses.iter().all(|status| *status == Some(429));
    match control {
        Control::RateLimit => {
            // Who has had too much of something lately may not go on at all; who comes too often is told something else.
            let too_often = statuses
                .iter()
                .all(|status| matches!(status, Some(400 | 402 | 409 | 429 | 503) | None));
            bits.has(Bits::LIMITER) && (!bits.has(Bits::COUNT) || only_429)
                || bits.has(Bits::RECENT) && bits.has(Bits::COMPARED) && too_often
        }
        Control::Auth => {
            if only_429 {
                return false;
            }
            let refuses_strangers = statuses
                .iter()
                .any(|s| matches!(s, Some(401 | 403 | 404 | 307) | None));
            let says_so = statuses.iter().all(|s| matches!(s, Some(401 | 403)));
            if bits.has(Bits::SIGNATURE) || (bits.has(Bits::SECRET) && bits.has(Bits::RECEIVED)) {
                return true;
            }
            if bits.has(Bits::IDENTITY) && !bits.has(Bits::COMPARED) && !bits.has(Bits::LOOKUP) {
                // The one who is known must be the one who goes on.
                return passed.arm != bits.has(Bits::NEGATED);
            }
            if bits.has(Bits::IDENTITY) && bits.has(Bits::LOOKUP) && bits.has(Bits::PENDING) {
                // Something was looked up with an identity that may be missing, which may mean: with any.
                return false;
            }
            // What was sent to be compared tells who is meant, not who is asking.
            // Nor is that said by what the application asked for itself: a licence, a feature that is switched on; nor by how much
            // there is of something.
            let own = Bits::SECRET.with(Bits::CONFIG);
            let measured = bits.has(Bits::COUNT) && bits.has(Bits::COMPARED);
            let ambient = bits.has(Bits::AMBIENT) && !bits.has(Bits::SENT.with(own)) && !measured;
            // `sessions.get(token)`: kept under what was sent, and found there.
            let stored = bits.has(Bits::CREDENTIAL)
                && bits.has(Bits::COUNT)
                && !bits.has(Bits::COMPARED.with(Bits::EVENTS))
                && passed.arm != bits.has(Bits::NEGATED);
            (bits.can_authenticate() && refuses_strangers) || ((ambient || stored) && says_so)
        }
        _ => false,
    }
}
