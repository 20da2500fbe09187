//! One path through the code: its variables, what it has decided, and what it has done.

use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use smallvec::{SmallVec, smallvec};

use super::facts::{Fact, Facts, Site};
use super::paths::PathId;
use super::value::{Bits, OriginId, Provenance, Response, Scope, Value};

/// A condition on input: where it stands, and which input.
pub(super) type Asked = (super::record::Place, Bits);

/// Of the conditions of two paths, the one on what a client chooses freely: that on a segment of the address says less.
fn weightier(one: Option<Asked>, other: Option<Asked>) -> Option<Asked> {
    let weighs = |(_, input): &Asked| input.has(Bits::SENT);
    one.filter(weighs)
        .or(other.filter(weighs))
        .or(one)
        .or(other)
}

/// What two paths went on by as one. Whoever is known on one of them needs no setting; where each has its own reason, those of the
/// first stand for both.
fn join_switches(one: &Progress, other: &Progress) -> Switches {
    match (&one.caller, &other.caller) {
        (Some(_), None) => return other.switched.clone(),
        (None, Some(_)) => return one.switched.clone(),
        _ => {}
    }
    if other.switched.is_empty() {
        return Switches::new();
    }
    let shared = |setting: &&Setting| other.switched.iter().any(|o| o.site == setting.site);
    let both: Switches = one.switched.iter().filter(shared).copied().collect();
    if both.is_empty() {
        one.switched.clone()
    } else {
        both
    }
}

/// A condition on the configuration that a path passed: because something is missing there, or because it says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Setting {
    pub site: Site,
    /// What is asked for is a secret.
    pub secret: bool,
    /// The variable that is asked for.
    pub origin: Option<OriginId>,
    /// Another secret that was missing in front of it, where both have to be.
    pub also: Option<OriginId>,
}

/// The first settings that a path went on by.
pub(super) type Switches = SmallVec<[Setting; 1]>;

/// More settings than these that one path went on by are not kept.
const MOST_SWITCHES: usize = 4;

/// One path, up to some point. Paths are copied at every fork and moved at every step, so what they hold is shared until
/// one of them changes it.
#[derive(Clone, Debug)]
pub(super) struct State(Rc<Progress>);

impl Deref for State {
    type Target = Progress;

    fn deref(&self) -> &Progress {
        &self.0
    }
}

impl DerefMut for State {
    fn deref_mut(&mut self) -> &mut Progress {
        Rc::make_mut(&mut self.0)
    }
}

/// What a path knows and has done.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub scope: Rc<Scope>,
    /// What every path that was merged into this one has decided.
    pub facts: Facts,
    /// What some path that was merged into this one has decided.
    pub possible: Facts,
    /// The decision by which the caller became known on every path that was merged into this one.
    pub caller: Option<Fact>,
    /// The first question to a limiter or a stored count on every path that was merged into this one.
    pub counted: Option<Fact>,
    /// It goes on because something is not configured: the condition that asked.
    pub unconfigured: Option<Setting>,
    /// It goes on because these things are configured, which are not by themselves: the conditions that asked.
    pub switched: Switches,
    /// The caller has been signed in on the way, so an identity that is read from here on turns nobody away.
    pub signed_in: bool,
    /// The decision by which the caller became known in front of procedures to which strangers come too: what asks for it here makes
    /// it known again.
    pub known_in_front: Option<Fact>,
    /// It leaves the function that runs because something is not there, which this condition found out.
    pub missing: Option<Site>,
    /// How many pieces of main work have been done.
    pub work: u32,
    /// Something was done for its effect: it was awaited, and nobody asked what came of it.
    pub acted: bool,
    /// A known failure was thrown and caught on the way.
    pub failed: bool,
    /// Something that could not be resolved was called, and may have turned the request away.
    pub blind: bool,
    /// Since the last work, input alone was asked about.
    pub asked: Option<Asked>,
    /// A condition on input alone sent this path away, and no work was done since.
    pub rejected: Option<Asked>,
    /// Work was done, so whatever was asked before is done with.
    pub forgotten: bool,
    /// What was kept on the request for whoever gets it next: `req.user = user`.
    pub kept_on_request: Rc<Vec<(PathId, Value)>>,
    /// What was sent through a `res` object.
    pub answered: Option<Rc<Response>>,
    /// The answer is the one that an inner layer of a chain gave back: work behind it is no work after sending.
    pub passed_back: bool,
    /// Work was done after the answer was sent.
    pub worked_after_answer: bool,
    /// What the promise comes to whose executor runs.
    pub settled: Option<Rc<Flow>>,
}

impl Progress {
    /// The path goes on because this is configured.
    pub fn switch_on(&mut self, setting: Setting) {
        let known = self.switched.iter().any(|other| other.site == setting.site);
        if !known && self.switched.len() < MOST_SWITCHES {
            self.switched.push(setting);
        }
    }
}

impl State {
    pub fn new(scope: Rc<Scope>) -> Self {
        Self(Rc::new(Progress {
            scope,
            facts: Facts::default(),
            possible: Facts::default(),
            caller: None,
            counted: None,
            unconfigured: None,
            switched: Switches::new(),
            signed_in: false,
            known_in_front: None,
            missing: None,
            work: 0,
            acted: false,
            failed: false,
            blind: false,
            asked: None,
            rejected: None,
            forgotten: false,
            kept_on_request: Rc::new(Vec::new()),
            answered: None,
            passed_back: false,
            worked_after_answer: false,
            settled: None,
        }))
    }

    pub fn with_fact(mut self, site: Site, arm: bool, provenance: Provenance) -> Self {
        let fact = Fact {
            site,
            arm,
            provenance,
            work: self.work,
            late: self.acted,
        };
        let progress = &mut *self;
        if progress.caller.is_none() && fact.establishes() {
            // However somebody became known, the paths on which it happened are alike from here on.
            progress.facts.retain(Fact::limits);
            progress.possible.add(fact.clone());
            progress.caller = Some(fact);
            progress.known_in_front = None;
            return self;
        }
        if progress.counted.is_none() && fact.limits() {
            progress.counted = Some(fact.clone());
        }
        progress.facts.add(fact.clone());
        progress.possible.add(fact);
        self
    }

    /// Main work was done since it was known who is calling.
    pub fn worked_for_known(&self) -> bool {
        let caller = self.caller.as_ref();
        caller.is_some_and(|caller| self.work > caller.work)
    }

    /// The decision at this place was a limiter's, whatever else it was.
    pub fn limited(mut self, site: Site, arm: bool) -> Self {
        let progress = &mut *self;
        for facts in [&mut progress.facts, &mut progress.possible] {
            facts.retain(|fact| fact.site != site || fact.arm != arm);
        }
        self.with_fact(site, arm, Provenance::of(Bits::LIMITER))
    }

    /// Takes back every decision since `before`.
    pub fn decided_as(&mut self, before: &Self) {
        let progress = &mut **self;
        progress.facts.clone_from(&before.facts);
        progress.possible.clone_from(&before.possible);
        progress.caller.clone_from(&before.caller);
        progress.counted.clone_from(&before.counted);
        progress.unconfigured = before.unconfigured;
        progress.switched.clone_from(&before.switched);
    }

    /// This path, gone on by what another did from a fresh start.
    pub fn then(&self, other: &Self) -> Self {
        let mut progress = Progress::clone(self);
        let after = &mut progress;
        let moved = |fact: &Fact| Fact {
            work: fact.work + self.work,
            late: fact.late || self.acted,
            ..fact.clone()
        };
        after.facts.extend(&other.facts, moved);
        after.possible.extend(&other.possible, moved);
        if after.caller.is_none() {
            after.caller = other.caller.as_ref().map(moved);
            if other.known_in_front.is_none() {
                after.known_in_front = None;
            }
        }
        if after.counted.is_none() {
            after.counted = other.counted.as_ref().map(moved);
        }
        if other.forgotten {
            after.forgotten = true;
            after.asked = other.asked;
            after.rejected = other.rejected;
        } else {
            after.asked = other.asked.or(self.asked);
            after.rejected = other.rejected.or(self.rejected);
        }
        after.work += other.work;
        after.acted |= other.acted;
        after.unconfigured = after.unconfigured.or(other.unconfigured);
        for setting in &other.switched {
            after.switch_on(*setting);
        }
        after.signed_in |= other.signed_in;
        after.missing = after.missing.or(other.missing);
        after.failed |= other.failed;
        // What is out of sight behind the first work comes too late to be a guard.
        after.blind |= other.blind && self.work == 0;
        if !other.kept_on_request.is_empty() {
            after.kept_on_request = Rc::clone(&other.kept_on_request);
        }
        after.passed_back |= other.passed_back;
        after.worked_after_answer |=
            other.worked_after_answer || (self.answered.is_some() && other.work > 0);
        if after.answered.is_none() {
            after.answered.clone_from(&other.answered);
        }
        if after.settled.is_none() {
            after.settled.clone_from(&other.settled);
        }
        Self(Rc::new(progress))
    }

    /// The path of whoever was given an action by the component that this one rendered: it knows what the component knew, and has
    /// done nothing yet.
    pub fn handed_out(mut self) -> Self {
        let before = |fact: &Fact| Fact {
            work: 0,
            late: false,
            ..fact.clone()
        };
        let progress = &mut *self;
        let mut given = Progress::clone(&Self::new(Rc::clone(&progress.scope)));
        given.facts = progress.facts.iter().map(before).collect();
        given.possible = progress.possible.iter().map(before).collect();
        given.caller = progress.caller.as_ref().map(before);
        given.unconfigured = progress.unconfigured;
        given.switched.clone_from(&progress.switched);
        Self(Rc::new(given))
    }

    /// The path of whoever was known in front of it and is still.
    pub fn known_as_in_front(&mut self) {
        if self.known_in_front.is_none() {
            return;
        }
        let progress = &mut **self;
        if let Some(fact) = progress.known_in_front.take() {
            progress.possible.add(fact.clone());
            progress.caller.get_or_insert(fact);
        }
    }

    /// The path as if it had not decided these conditions.
    pub fn forget(&mut self, decided: &[Fact]) {
        let kept = |fact: &Fact| !decided.iter().any(|other| other.is(fact));
        self.facts.retain(kept);
        self.possible.retain(kept);
        self.caller = self.caller.take().filter(kept);
        if self.caller.is_none() {
            self.caller = self.facts.iter().find(|fact| fact.establishes()).cloned();
        }
    }

    pub fn in_scope(mut self, scope: &Rc<Scope>) -> Self {
        if !Rc::ptr_eq(&self.scope, scope) {
            self.scope = Rc::clone(scope);
        }
        self
    }

    /// While nobody is known, what the configuration switched on is told apart.
    pub fn switched_alike(&self, other: &Self) -> bool {
        self.caller.is_some() || self.switched.is_empty() == other.switched.is_empty()
    }

    /// Somebody is known on both, or on neither, and so in front of them.
    pub fn knows_as(&self, other: &Self) -> bool {
        self.caller.is_some() == other.caller.is_some()
            && self.known_in_front.is_some() == other.known_in_front.is_some()
    }

    /// Both have decided the same.
    pub fn same_facts(&self, other: &Self) -> bool {
        self.knows_as(other) && self.facts.alike(&other.facts)
    }

    /// Both have sent the same answer, or none, and told the same promise what it comes to, or that it fails, or nothing.
    pub fn same_answer(&self, other: &Self) -> bool {
        let told = |state: &Self| state.settled.as_ref().map(|told| told.is_ok());
        if told(self) != told(other) {
            return false;
        }
        match (&self.answered, &other.answered) {
            (None, None) => true,
            (Some(a), Some(b)) => a.status == b.status && a.kind == b.kind,
            _ => false,
        }
    }

    /// The paths cannot be told apart by anything that comes behind them.
    pub fn is(&self, other: &Self) -> bool {
        if Rc::ptr_eq(&self.0, &other.0) {
            return true;
        }
        let Progress {
            scope,
            facts,
            possible,
            caller,
            counted,
            unconfigured,
            switched,
            signed_in,
            known_in_front,
            missing,
            work,
            acted,
            failed,
            blind,
            asked,
            rejected,
            forgotten,
            kept_on_request,
            answered,
            passed_back,
            worked_after_answer,
            settled,
        } = &**self;
        scope.is(&other.scope)
            && facts == &other.facts
            && possible == &other.possible
            && caller == &other.caller
            && counted == &other.counted
            && unconfigured == &other.unconfigured
            && switched == &other.switched
            && signed_in == &other.signed_in
            && known_in_front == &other.known_in_front
            && missing == &other.missing
            && work == &other.work
            && acted == &other.acted
            && failed == &other.failed
            && blind == &other.blind
            && asked == &other.asked
            && rejected == &other.rejected
            && forgotten == &other.forgotten
            && same_kept(kept_on_request, &other.kept_on_request)
            && answered == &other.answered
            && passed_back == &other.passed_back
            && worked_after_answer == &other.worked_after_answer
            && same_flow(settled.as_deref(), other.settled.as_deref())
    }

    /// Neither path knows more of the caller than the other: what verdicts tell apart, however many paths there are.
    pub fn stands_as(&self, other: &Self) -> bool {
        self.knows_as(other)
            && self.switched_alike(other)
            && self.counted.is_some() == other.counted.is_some()
            && (self.work == 0) == (other.work == 0)
            && self.same_answer(other)
    }

    /// Both paths as one: what both have decided, and whatever either has done.
    pub fn join(&self, other: &Self) -> Self {
        if Rc::ptr_eq(&self.0, &other.0) {
            return self.clone();
        }
        Self(Rc::new(Progress {
            scope: join_scopes(&self.scope, &other.scope),
            facts: self.facts.common(&other.facts),
            possible: self.possible.joined(&other.possible),
            caller: other.caller.as_ref().and_then(|_| self.caller.clone()),
            counted: match (&self.counted, &other.counted) {
                (Some(fact), Some(_)) => Some(fact.clone()),
                // Where no limiter is configured, none can be asked.
                (Some(fact), None) if other.unconfigured.is_some() => Some(fact.clone()),
                (None, Some(fact)) if self.unconfigured.is_some() => Some(fact.clone()),
                _ => None,
            },
            unconfigured: self.unconfigured.filter(|_| other.unconfigured.is_some()),
            switched: join_switches(self, other),
            signed_in: self.signed_in && other.signed_in,
            known_in_front: {
                let other = other.known_in_front.as_ref();
                other.and_then(|_| self.known_in_front.clone())
            },
            missing: self.missing.filter(|_| other.missing.is_some()),
            work: self.work.max(other.work),
            acted: self.acted && other.acted,
            failed: self.failed && other.failed,
            blind: self.blind || other.blind,
            asked: weightier(self.asked, other.asked),
            rejected: weightier(self.rejected, other.rejected),
            forgotten: self.forgotten && other.forgotten,
            kept_on_request: join_kept(&self.kept_on_request, &other.kept_on_request),
            answered: if self.same_answer(other) {
                self.answered.clone()
            } else {
                None
            },
            passed_back: self.passed_back && other.passed_back,
            worked_after_answer: self.worked_after_answer || other.worked_after_answer,
            settled: join_settled(&self.settled, &other.settled),
        }))
    }
}

fn same_flow(one: Option<&Flow>, other: Option<&Flow>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(Ok(a)), Some(Ok(b))) | (Some(Err(a)), Some(Err(b))) => a.same(b),
        _ => false,
    }
}

/// What the promise came to on either path; where only one of them told it anything, that.
fn join_settled(one: &Option<Rc<Flow>>, other: &Option<Rc<Flow>>) -> Option<Rc<Flow>> {
    match (one.as_deref(), other.as_deref()) {
        (Some(Ok(a)), Some(Ok(b))) => Some(Rc::new(Ok(a.join(b)))),
        _ => one.clone().or_else(|| other.clone()),
    }
}

/// What was kept by both.
fn join_kept(
    a: &Rc<Vec<(PathId, Value)>>,
    b: &Rc<Vec<(PathId, Value)>>,
) -> Rc<Vec<(PathId, Value)>> {
    if Rc::ptr_eq(a, b) {
        return Rc::clone(a);
    }
    let of_both = a.iter().filter_map(|(path, value)| {
        let (_, other) = b.iter().find(|(kept, _)| kept == path)?;
        Some((*path, value.join(other)))
    });
    Rc::new(of_both.collect())
}

pub(super) fn same_kept(a: &Rc<Vec<(PathId, Value)>>, b: &Rc<Vec<(PathId, Value)>>) -> bool {
    Rc::ptr_eq(a, b)
        || a.len() == b.len()
            && a.iter()
                .zip(b.iter())
                .all(|((p, x), (q, y))| p == q && x.same(y))
}

fn join_scopes(a: &Rc<Scope>, b: &Rc<Scope>) -> Rc<Scope> {
    if Rc::ptr_eq(a, b) {
        return Rc::clone(a);
    }
    let mut joined = Scope::clone(a);
    for (at, (name, value)) in joined.variables.iter_mut().enumerate() {
        if let Some(other) = b.variable(at, *name)
            && !value.same(other)
        {
            *value = value.join(other);
        }
    }
    for (at, (name, value)) in b.variables.iter().enumerate() {
        if a.variable(at, *name).is_none() {
            joined.variables.push((*name, value.clone()));
        }
    }
    joined.this = match (&a.this, &b.this) {
        (Some(x), Some(y)) => Some(x.join(y)),
        (x, y) => x.clone().or_else(|| y.clone()),
    };
    Rc::new(joined)
}

/// How an expression ends: with a value or by throwing one.
pub(super) type Flow = Result<Value, Value>;

/// The paths that come out of an expression.
pub(super) type Outcomes = SmallVec<[(State, Flow); 2]>;

/// One path that ends with a value.
pub(super) fn value(state: State, value: Value) -> Outcomes {
    smallvec![(state, Ok(value))]
}
