//! Verdicts on what an evaluation saw on its way: validation, error handling, logging.

use crate::rule::Confidence;

use super::evaluator::Evaluator;
use super::proof::Seen;
use super::record::{Event, Failure, Place};
use super::value::Bits;
use super::{Evidence, Role, Status, Verdict};

/// What evidence says of a place at which input is no more than a choice.
pub(super) const ONLY_CHOICE: &str = "input only chooses between what the code names";

impl Evaluator<'_> {
    /// How the handler's input is checked.
    pub fn validation(&self, start: &Evidence, seen: Seen, reads_body: bool) -> Verdict {
        let (status, shown) = match seen {
            Seen::Library { signed: true } if reads_body => (Status::Schema, None),
            Seen::Library { .. } => (Status::Na, None),
            Seen::Nothing | Seen::Framework => (Status::Unknown, None),
            Seen::Whole | Seen::BehindWrapper => self.checks(seen),
        };
        self.observed(status, start, shown)
    }

    fn checks(&self, seen: Seen) -> (Status, Option<(Place, &'static str)>) {
        let chooses = self.first(|event| matches!(event, Event::InputChooses));
        let chooses_here = chooses.filter(|place| Some(place.module) == self.home);
        let input = self
            .first(|event| matches!(event, Event::Input(_)))
            .or(chooses_here);
        let chosen = input.is_some();
        let at_hand = chosen
            || self
                .first(|event| matches!(event, Event::InputAtHand(_)))
                .is_some();
        // A check of the path's segment alone says nothing of a body that is read besides.
        let covers = |bits: Bits| !chosen || bits.has(Bits::SENT);
        let asked = self.first(|event| matches!(event, Event::SchemaAsked));
        let schema = |wanted: &dyn Fn(Bits) -> bool| {
            self.first(|event| match event {
                Event::Schema(bits) => wanted(*bits),
                Event::SchemaCheck(bits) => asked.is_some() && wanted(*bits),
                _ => false,
            })
        };
        let through = "input goes through a schema";
        let plainly = |bits: Bits| bits != Bits::NONE && !bits.has(Bits::ANSWER) && covers(bits);
        if let Some(place) = schema(&plainly) {
            return (Status::Schema, Some((place, through)));
        }
        let of_all = self.first(|event| matches!(event, Event::SchemaOfAll));
        let reads = at_hand || !self.target.params().is_empty();
        if let Some(place) = of_all.filter(|_| reads) {
            return (Status::Schema, Some((place, through)));
        }
        let by_hand = |event: &Event| matches!(event, Event::ManualCheck(bits) if covers(*bits));
        if let Some(place) = self.first(by_hand) {
            return (Status::Manual, Some((place, "input is checked by hand")));
        }
        // What was made of input and other things, or of nobody knows what.
        let perhaps = |bits: Bits| at_hand && (bits == Bits::NONE || covers(bits));
        if let Some(place) = schema(&perhaps) {
            return (Status::Schema, Some((place, through)));
        }
        let by_library = self.first(|event| matches!(event, Event::LibraryHandler));
        if by_library.is_some() {
            return (Status::Na, None);
        }
        let delegated =
            self.first(|event| matches!(event, Event::Delegated | Event::Handed { .. }));
        match (input, delegated) {
            (Some(place), _) if seen == Seen::BehindWrapper => {
                (Status::Unknown, Some((place, "input is read")))
            }
            // What is called out of sight gets it, and may look at it.
            (Some(place), _) if self.unfollowed().is_some() => {
                (Status::Unknown, Some((place, "input is read")))
            }
            (Some(_), _) if let Some(place) = self.only_choice() => {
                (Status::Manual, Some((place, ONLY_CHOICE)))
            }
            (Some(_), _) if !self.goes_on() && self.read_for_signature() => (Status::Na, None),
            // The schema may stand where nobody came any more.
            (Some(place), _) if self.exhausted => (Status::Unknown, Some((place, "input is read"))),
            (Some(place), _) => (Status::Absent, Some((place, "input is read"))),
            (None, Some(place)) => (
                Status::Unknown,
                Some((place, "a package takes the request over")),
            ),
            (None, None) if self.saw_nothing(seen) => (Status::Unknown, None),
            (None, None) => (Status::Na, None),
        }
    }

    /// Whether failures of the handler's main work become answers.
    pub fn error_handling(&self, start: &Evidence, seen: Seen) -> Verdict {
        match seen {
            Seen::Library { .. } | Seen::Framework => {
                return self.observed(Status::Caught, start, None);
            }
            Seen::Nothing => return self.observed(Status::Unknown, start, None),
            Seen::Whole | Seen::BehindWrapper => {}
        }
        let last = |wanted: &dyn Fn(Failure, &str) -> bool| {
            let mut events = self.record.events.iter().rev();
            events.find_map(|(event, place)| match event {
                Event::Work { failure, what } if wanted(*failure, what) => Some((*failure, *place)),
                _ => None,
            })
        };
        let tells =
            |failure, what: &str| failure == Failure::Escapes && self.paths.tells_failures(what);
        // Checks in front of a `try` are not the main work: what comes last decides. Nor is what may fail without
        // consequences, or throws nothing, unless there is nothing else.
        let main = last(&|failure, what| failure != Failure::Swallowed && !tells(failure, what));
        let aside = last(&|failure, _| failure == Failure::Swallowed);
        if main.is_none()
            && let Some((_, place)) = last(&tells)
        {
            let note = "a failure here is told in its answer";
            let mut verdict = self.observed(Status::Uncaught, start, Some((place, note)));
            if let Some(step) = verdict.evidence.last_mut() {
                step.role = Role::TellsFailures;
            }
            return verdict;
        }
        let uncaught = if seen == Seen::BehindWrapper {
            Status::Unknown
        } else {
            Status::Uncaught
        };
        let (status, shown) = match (main, aside.map(|(_, place)| place), self.boundary()) {
            (Some((Failure::Escapes, place)), ..) if self.is_delegated(place) => {
                let note = "a package takes the request over";
                (Status::Unknown, Some((place, note)))
            }
            (Some((Failure::Escapes, place)), ..) => {
                // What comes last may not have been looked at.
                let uncaught = if self.exhausted {
                    Status::Unknown
                } else {
                    uncaught
                };
                let note = "no catch answers a failure here";
                (uncaught, Some((place, note)))
            }
            (Some((_, place)), ..) | (None, Some(place), _) => {
                (Status::Caught, Some((place, "a failure here is caught")))
            }
            (None, None, Some(place)) => {
                (Status::Caught, Some((place, "failures are caught here")))
            }
            (None, None, None) if self.exhausted => (Status::Unknown, None),
            (None, None, None) => (uncaught, None),
        };
        self.observed(status, start, shown)
    }

    /// The work there is a package's, which was given the request: it may answer its failures itself.
    fn is_delegated(&self, place: Place) -> bool {
        let there =
            |(event, at): &(Event, Place)| matches!(event, Event::Delegated) && *at == place;
        self.record.events.iter().any(there)
    }

    /// Where input chooses between what the code names, and nothing of it goes on as it was sent.
    pub fn only_choice(&self) -> Option<Place> {
        self.first(|event| matches!(event, Event::InputChooses))
            .filter(|_| !self.goes_on())
    }

    /// Work is done with input as it was sent, or it is answered, or something is made of it.
    fn goes_on(&self) -> bool {
        self.first(|event| matches!(event, Event::InputGoesOn { .. } | Event::InputPart))
            .is_some()
    }

    /// What was sent was read to be held against its signature.
    fn read_for_signature(&self) -> bool {
        self.first(|event| matches!(event, Event::Signature { .. }))
            .is_some()
    }

    /// A procedure of the repository is called that is not followed.
    pub fn unfollowed(&self) -> Option<Place> {
        self.first(|event| matches!(event, Event::Unfollowed))
    }

    fn boundary(&self) -> Option<Place> {
        self.first(|event| matches!(event, Event::Boundary))
    }

    /// The handler does something that takes time or can fail, or it could not be seen whether it does.
    pub fn sees_work(&self, seen: Seen) -> bool {
        match seen {
            Seen::Nothing | Seen::Framework => true,
            Seen::Library { .. } => false,
            Seen::Whole => self.works(),
            Seen::BehindWrapper => self.works() || self.boundary().is_none(),
        }
    }

    fn works(&self) -> bool {
        self.first(|event| matches!(event, Event::Work { .. }))
            .is_some()
    }

    /// What a wrapper out of sight was given does nothing by itself: the handler is probably something else.
    fn saw_nothing(&self, seen: Seen) -> bool {
        seen == Seen::BehindWrapper && !self.works()
    }

    /// What the handler, its wrappers and its helpers for answers log with.
    pub fn logging(&self, start: &Evidence, seen: Seen) -> Verdict {
        let log = |wanted: bool, names: bool| {
            self.first(|event| {
                matches!(event, Event::Log { structured, own: true, by_name }
                    if *structured == wanted && *by_name == names)
            })
        };
        let structured = "logs through a logger";
        let (status, shown) = if let Some(place) = log(true, false) {
            (Status::Structured, Some((place, structured)))
        } else if let Some(place) = log(true, true) {
            let mut verdict = self.observed(Status::Structured, start, Some((place, structured)));
            verdict.confidence = Confidence::Low;
            return verdict;
        } else if let Some(place) = log(false, false).or_else(|| log(false, true)) {
            (Status::Console, Some((place, "logs to the console")))
        } else if self.exhausted
            || matches!(seen, Seen::Nothing | Seen::Framework | Seen::BehindWrapper)
        {
            // The wrapper may log, or what was not evaluated.
            (Status::Unknown, None)
        } else {
            (Status::Absent, None)
        };
        self.observed(status, start, shown)
    }

    fn first(&self, wanted: impl Fn(&Event) -> bool) -> Option<Place> {
        let found = self.record.first(|event| wanted(event).then_some(()));
        found.map(|(_, place)| place)
    }

    /// A verdict with the handler and at most one more place as its chain.
    fn observed(&self, status: Status, start: &Evidence, shown: Option<(Place, &str)>) -> Verdict {
        let mut evidence = vec![start.clone()];
        evidence.extend(shown.map(|(place, note)| self.evidence(place, note)));
        let mut verdict = Verdict::of(status, evidence);
        if self.exhausted && matches!(status, Status::Absent | Status::Uncaught | Status::Na) {
            // What was not evaluated may hold it.
            verdict.confidence = Confidence::Low;
        }
        verdict
    }
}
