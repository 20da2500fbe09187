//! What an evaluation saw on its way, path or no path: calls to loggers, schemas, expensive services, work.

use std::rc::Rc;

use crate::graph::ModuleId;
use crate::source::Span;

use super::paths::PathId;
use super::value::Bits;

/// A place in a module.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Place {
    pub module: ModuleId,
    pub span: Span,
}

/// What becomes of a failure, as far as the code around it decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Failure {
    /// No catch is around it, or the catch throws on.
    Escapes,
    /// It is dropped: the handler goes on as if nothing had happened.
    Swallowed,
    /// It becomes an answer.
    Answered,
}

/// Something that was seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// Main work: something awaited that is no control, with what becomes of its failure.
    Work { failure: Failure, what: Rc<str> },
    /// A `try` or a framework's boundary of the handler itself turns failures into answers.
    Boundary,
    /// A logger was called; `own` by the handler or its wrappers themselves. `by_name` tells that only names say that it is one.
    Log {
        structured: bool,
        own: bool,
        by_name: bool,
    },
    /// Input was read where the handler stands, or work was done with it.
    Input(Bits),
    /// Input was read elsewhere: by a wrapper that hands it on, wanted or not.
    InputAtHand(Bits),
    /// Work was done with input as it was sent, by what is called here where that is known, or it was answered.
    InputGoesOn { to: Option<PathId> },
    /// It was asked for a part of itself, or to be put in another form, or it was held against something.
    InputPart,
    /// Another service was asked, and input is in what it was sent, not only in the address.
    InputSent,
    /// What input was found to be decided something, or work was done with that.
    InputChooses,
    /// Something that came from this input, or from where cannot be told, went through a schema that throws.
    Schema(Bits),
    /// A schema of the whole API stands in front: whatever is read of the input went through it.
    SchemaOfAll,
    /// The same as `Schema`, through a schema that only says whether it is valid.
    SchemaCheck(Bits),
    /// Somebody looked at what such a schema says.
    SchemaAsked,
    /// A hand-written condition on such input turned the request away, or replaced the input.
    ManualCheck(Bits),
    /// An authentication library's complete handler was called.
    LibraryHandler,
    /// A cookie was read that names what is meant for whoever has it.
    HolderCookie,
    /// An authentication library signs somebody in, or `out`.
    Signs { out: bool },
    /// What is called here is shown a credential that the caller sent; where that is missing, it may be `own`, the application's.
    ShowsCredential { to: PathId, own: bool },
    /// A limiter was asked.
    Limiter { limit: Option<Rc<str>> },
    /// A stored count was held against this number.
    HeldAgainst(u32),
    /// A stored count is forgotten after so many milliseconds.
    Expiry(u64),
    /// Identity was read.
    Identity,
    /// The request was handed to a package that may do anything with it.
    Delegated,
    /// A handler of a package answers the request, and decides what that takes; one that serves procedures leaves it to them.
    Handed { to_procedures: bool },
    /// Something that could not be found was called before any work was done; it may have turned the request away.
    Unseen,
    /// A procedure of the repository was called that is not followed; it may turn away whoever it likes.
    Unfollowed,
    /// A function that is named like a guard was called before any work, and may turn the request away.
    Suspect(Rc<str>),
    /// A signature was checked; the provider where it is known.
    Signature { provider: Option<Rc<str>> },
    /// An expensive call, and its category.
    Expensive(Rc<str>),
    /// A guard stands here and can turn nobody away.
    Ineffective { flaw: Flaw, guard: &'static str },
    /// A guard is called without being awaited; whoever calls it turns this into [`Flaw::Unawaited`].
    Lost { guard: &'static str },
    /// Where the store or the service of a guard fails, the request passes.
    FailsOpen { guard: &'static str },
    /// An answer is given with a header that lets shared caches keep it.
    Shared,
    /// A response header was set.
    Header {
        name: Rc<str>,
        value: Option<Rc<str>>,
    },
}

/// Why a guard turns nobody away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flaw {
    /// The condition in front of it never holds.
    Impossible,
    /// Its promise is not awaited.
    Unawaited,
    /// Nobody looks at its decision.
    Ignored,
    /// Its refusal is thrown into a `catch` that goes on.
    Swallowed,
}

impl Flaw {
    /// The word in marks.
    pub fn word(self) -> &'static str {
        match self {
            Self::Impossible => "impossible",
            Self::Unawaited => "unawaited",
            Self::Ignored => "ignored",
            Self::Swallowed => "swallowed",
        }
    }
}

/// The first main work of a handler.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FirstWork {
    pub what: Rc<str>,
    pub place: Place,
    /// The functions that were called on the way to it, the handler's own left out.
    pub through: Vec<Place>,
}

/// What was seen, in order, each place once.
#[derive(Clone, Default, Debug)]
pub(super) struct Record {
    pub events: Vec<(Event, Place)>,
    /// How often a limiter was asked, the same one again included.
    pub limiters: u32,
    /// [`Event::Lost`] is among the events.
    lost: bool,
}

impl Record {
    pub fn add(&mut self, event: Event, place: Place) {
        match &event {
            Event::Limiter { .. } => self.limiters += 1,
            Event::Lost { .. } => self.lost = true,
            _ => {}
        }
        let known = self
            .events
            .iter()
            .position(|(e, p)| *p == place && *e == event);
        match known {
            None => self.events.push((event, place)),
            // The last work decides about failures, and it may be the same as an earlier one.
            Some(at) if matches!(event, Event::Work { .. }) => {
                let again = self.events.remove(at);
                self.events.push(again);
            }
            Some(_) => {}
        }
    }

    /// The guard that was called last without being awaited, once.
    pub fn take_lost(&mut self) -> Option<&'static str> {
        if !std::mem::take(&mut self.lost) {
            return None;
        }
        let lost = |(event, _): &(Event, Place)| matches!(event, Event::Lost { .. });
        let at = self.events.iter().rposition(lost)?;
        match self.events.remove(at).0 {
            Event::Lost { guard } => Some(guard),
            _ => None,
        }
    }

    /// The first event that `wanted` accepts.
    pub fn first<'r, T>(&'r self, wanted: impl Fn(&'r Event) -> Option<T>) -> Option<(T, Place)> {
        self.events
            .iter()
            .find_map(|(event, place)| wanted(event).map(|found| (found, *place)))
    }
}
