//! One path through the code: its variables, what it has decided, and what it has done.

use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use smallvec::{SmallVec, smallvec};

use super::ending::sends_away;
use super::paths::PathId;
use super::value::{Bits, OriginId, Provenance, Response, Scope, Value};

/// A condition that the path has decided: which one, which way, and what it was about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fact {
    pub site: Site,
    pub arm: bool,
    pub provenance: Provenance,
    /// How much work the path had done by then.
    pub work: u32,
    /// Something was done by then for its effect.
    pub late: bool,
}

impl Fact {
    /// The path knows who is calling: an identity was found to be there, a signature or secret to be
    /// right, something to be kept under the credential that was sent.
    pub fn establishes(&self) -> bool {
        let bits = self.provenance.bits;
        let positive = self.arm != bits.has(Bits::NEGATED);
        let identity =
            bits.has(Bits::IDENTITY) && !bits.has(Bits::COMPARED) && !bits.has(Bits::LOOKUP);
        // The one who calls is the one that something is about; what was sent may be as missing as the identity.
        let matched = bits.has(Bits::IDENTITY)
            && bits.has(Bits::COMPARED)
            && !bits.has(Bits::SENT.with(Bits::LOOKUP));
        let signature = bits.has(Bits::SIGNATURE) && !bits.has(Bits::COMPARED);
        let secret = bits.has(Bits::SECRET) && bits.has(Bits::REQUEST) && bits.has(Bits::COMPARED);
        let found =
            bits.has(Bits::CREDENTIAL) && bits.has(Bits::LOOKUP) && !bits.has(Bits::COMPARED);
        positive && (identity || matched || signature || secret || found)
    }

    /// It was decided by a signature or a secret that was sent.
    pub fn signed(&self) -> bool {
        self.provenance.bits.signed()
    }

    /// It was decided by a limiter, or by a count.
    fn limits(&self) -> bool {
        self.provenance.bits.has(Bits::COUNT.with(Bits::LIMITER))
    }

    fn is(&self, other: &Self) -> bool {
        self.site == other.site && self.arm == other.arm
    }
}

/// A condition on input: where it stands, and which input.
pub(super) type Asked = (super::record::Place, Bits);

fn add(facts: &mut Rc<Vec<Fact>>, fact: &Fact) {
    if !facts.iter().any(|known| known.is(fact)) {
        Rc::make_mut(facts).push(fact.clone());
    }
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

/// With how many equal decisions both begin: paths that part late have most in common.
fn begun_alike(one: &[Fact], other: &[Fact]) -> usize {
    let pairs = one.iter().zip(other);
    pairs.take_while(|(a, b)| a.is(b)).count()
}

/// A place in the code that decides between paths, interned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Site(pub u32);

/// A condition on the configuration that a path passed: because something is missing there, or because it says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Setting {
    pub site: Site,
    /// What is asked for is a secret.
    pub secret: bool,
    /// The variable that is asked for.
    pub origin: Option<OriginId>,
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
    pub facts: Rc<Vec<Fact>>,
    /// What some path that was merged into this one has decided.
    pub possible: Rc<Vec<Fact>>,
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
            facts: Rc::new(Vec::new()),
            possible: Rc::new(Vec::new()),
            caller: None,
            counted: None,
            unconfigured: None,
            switched: Switches::new(),
            signed_in: false,
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
            if progress.facts.iter().any(|fact| !fact.limits()) {
                Rc::make_mut(&mut progress.facts).retain(Fact::limits);
            }
            add(&mut progress.possible, &fact);
            progress.caller = Some(fact);
            return self;
        }
        if progress.counted.is_none() && fact.limits() {
            progress.counted = Some(fact.clone());
        }
        add(&mut progress.facts, &fact);
        add(&mut progress.possible, &fact);
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
            if facts
                .iter()
                .any(|fact| fact.site == site && fact.arm == arm)
            {
                Rc::make_mut(facts).retain(|fact| fact.site != site || fact.arm != arm);
            }
        }
        self.with_fact(site, arm, Provenance::of(Bits::LIMITER))
    }

    /// Takes back every decision since `before`.
    pub fn decided_as(&mut self, before: &Self) {
        let progress = &mut **self;
        progress.facts = Rc::clone(&before.facts);
        progress.possible = Rc::clone(&before.possible);
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
        if !other.facts.is_empty() {
            other
                .facts
                .iter()
                .for_each(|fact| add(&mut after.facts, &moved(fact)));
        }
        if !other.possible.is_empty() {
            other
                .possible
                .iter()
                .for_each(|fact| add(&mut after.possible, &moved(fact)));
        }
        if after.caller.is_none() {
            after.caller = other.caller.as_ref().map(moved);
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
        given.facts = Rc::new(progress.facts.iter().map(before).collect());
        given.possible = Rc::new(progress.possible.iter().map(before).collect());
        given.caller = progress.caller.as_ref().map(before);
        given.unconfigured = progress.unconfigured;
        given.switched.clone_from(&progress.switched);
        Self(Rc::new(given))
    }

    /// The path as if it had not decided these conditions.
    pub fn forget(&mut self, decided: &[Fact]) {
        let kept = |fact: &Fact| !decided.iter().any(|other| other.is(fact));
        Rc::make_mut(&mut self.facts).retain(kept);
        Rc::make_mut(&mut self.possible).retain(kept);
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

    fn same_facts(&self, other: &Self) -> bool {
        self.caller.is_some() == other.caller.is_some()
            && (Rc::ptr_eq(&self.facts, &other.facts)
                || (self.facts.len() == other.facts.len()
                    && self
                        .facts
                        .iter()
                        .zip(other.facts.iter())
                        .all(|(a, b)| a.site == b.site && a.arm == b.arm)))
    }

    fn same_answer(&self, other: &Self) -> bool {
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
        } = &**self;
        scope.is(&other.scope)
            && facts == &other.facts
            && possible == &other.possible
            && caller == &other.caller
            && counted == &other.counted
            && unconfigured == &other.unconfigured
            && switched == &other.switched
            && signed_in == &other.signed_in
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
    }

    /// Neither path knows more of the caller than the other: what verdicts tell apart, however many paths there are.
    fn stands_as(&self, other: &Self) -> bool {
        self.caller.is_some() == other.caller.is_some()
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
        let facts = if Rc::ptr_eq(&self.facts, &other.facts) {
            Rc::clone(&self.facts)
        } else {
            let begun = begun_alike(&self.facts, &other.facts);
            let (first, rest) = self.facts.split_at(begun);
            let common = |fact: &&Fact| other.facts.iter().any(|o| o.is(fact));
            let common = first.iter().chain(rest.iter().filter(common));
            Rc::new(common.cloned().collect())
        };
        let mut possible = Rc::clone(&self.possible);
        if !Rc::ptr_eq(&possible, &other.possible) {
            let begun = begun_alike(&possible, &other.possible);
            for fact in other.possible.iter().skip(begun) {
                add(&mut possible, fact);
            }
        }
        Self(Rc::new(Progress {
            scope: join_scopes(&self.scope, &other.scope),
            facts,
            possible,
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
            missing: self.missing.filter(|_| other.missing.is_some()),
            work: self.work.max(other.work),
            acted: self.acted && other.acted,
            failed: self.failed && other.failed,
            blind: self.blind || other.blind,
            asked: self.asked.or(other.asked),
            rejected: self.rejected.or(other.rejected),
            forgotten: self.forgotten && other.forgotten,
            kept_on_request: join_kept(&self.kept_on_request, &other.kept_on_request),
            answered: if self.same_answer(other) {
                self.answered.clone()
            } else {
                None
            },
            passed_back: self.passed_back && other.passed_back,
            worked_after_answer: self.worked_after_answer || other.worked_after_answer,
        }))
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

fn same_kept(a: &Rc<Vec<(PathId, Value)>>, b: &Rc<Vec<(PathId, Value)>>) -> bool {
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
    for (name, value) in &mut joined.variables {
        if let Some((_, other)) = b.variables.iter().find(|(n, _)| n == name) {
            *value = value.join(other);
        }
    }
    for (name, value) in &b.variables {
        if !joined.variables.iter().any(|(n, _)| n == name) {
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

/// More live paths than this are merged where their decisions agree.
const KEPT: usize = 4;
/// More live paths than this are merged into one.
const MOST: usize = 12;

/// Keeps the number of paths small: equal ones always become one.
pub(super) fn merge_states(states: &mut Vec<State>) {
    if states.len() < 2 {
        return;
    }
    let mut merged: Vec<State> = Vec::with_capacity(states.len());
    let many = states.len() > KEPT;
    'next: for state in states.drain(..) {
        for kept in &mut merged {
            let alike = kept.same_facts(&state)
                && kept.same_answer(&state)
                && if many {
                    !hold_other_answers(&kept.scope, &state.scope)
                } else {
                    (kept.work == 0) == (state.work == 0)
                        && scopes_alike(&kept.scope, &state.scope)
                        && same_kept(&kept.kept_on_request, &state.kept_on_request)
                };
            if alike {
                *kept = kept.join(&state);
                continue 'next;
            }
        }
        merged.push(state);
    }
    if merged.len() > MOST {
        merged = joined_where(merged, |kept, state| {
            kept.stands_as(state) && !hold_other_answers(&kept.scope, &state.scope)
        });
    }
    if merged.len() > MOST {
        merged = joined_where(merged, State::stands_as);
    }
    *states = merged;
}

/// Those of the paths that are alike, joined.
fn joined_where(states: Vec<State>, alike: impl Fn(&State, &State) -> bool) -> Vec<State> {
    let mut few: Vec<State> = Vec::new();
    for state in states {
        match few.iter_mut().find(|kept| alike(kept, &state)) {
            Some(kept) => *kept = kept.join(&state),
            None => few.push(state),
        }
    }
    few
}

/// Paths that only differ in a part of a larger value become one when there are more than a few: else a literal of
/// twenty fields, each with a default, would stand for a million paths.
pub(super) fn squeeze<P, T>(paths: P, join: impl Fn(&T, &T) -> T) -> P
where
    P: IntoIterator<Item = (State, T)> + FromIterator<(State, T)> + AsRef<[(State, T)]>,
{
    if paths.as_ref().len() <= 2 {
        return paths;
    }
    let mut kept: Vec<(State, T)> = Vec::new();
    for (state, part) in paths {
        match kept.iter_mut().find(|(other, _)| other.same_facts(&state)) {
            Some((other, other_part)) => {
                *other_part = join(other_part, &part);
                *other = other.join(&state);
            }
            None => kept.push((state, part)),
        }
    }
    kept.into_iter().collect()
}

/// The variables differ in nothing that a later condition could decide on.
fn scopes_alike(a: &Rc<Scope>, b: &Rc<Scope>) -> bool {
    Rc::ptr_eq(a, b)
        || (a.variables.len() == b.variables.len()
            && a.variables
                .iter()
                .zip(&b.variables)
                .all(|((n, x), (m, y))| n == m && x.same(y)))
}

/// A variable holds an answer on one path and nothing on the other, or what turns the caller away on one of them alone:
/// `const refusal = await check(); if (refusal) return refusal`.
fn hold_other_answers(a: &Scope, b: &Scope) -> bool {
    let told_apart = |one: &Value, other: &Value| {
        sends_away(one) != sends_away(other)
            || matches!(one, Value::Response(_)) && other.is_nullish()
            || matches!(other, Value::Response(_)) && one.is_nullish()
    };
    let of_other = |name| b.variables.iter().find(|(n, _)| n == name);
    !std::ptr::eq(a, b)
        && a.variables
            .iter()
            .any(|(name, one)| of_other(name).is_some_and(|(_, other)| told_apart(one, other)))
}

/// Ends a function, or what stands in front of a procedure: where one way through it asks a limiter, a way on which what the
/// limiter needs is not there asks none, as if none were configured. `before` is what was missing when it began.
pub(super) fn excuse(paths: &mut Outcomes, before: Option<Site>) {
    let counts = paths.iter().any(|(state, _)| state.counted.is_some());
    for (state, _) in paths {
        if state.missing == before {
            continue;
        }
        if let (true, None, Some(site)) = (counts, &state.counted, state.missing) {
            state.unconfigured.get_or_insert(Setting {
                site,
                secret: false,
                origin: None,
            });
        }
        state.missing = before;
    }
}

/// Keeps the number of outcomes small. What turns a caller away and what lets it go on stay apart, because the caller
/// will tell them apart.
pub(super) fn merge_outcomes(outcomes: Outcomes) -> Outcomes {
    if outcomes.len() < 2 {
        return outcomes;
    }
    let many = outcomes.len() > KEPT;
    let crowd = outcomes.len() > MOST;
    let mut merged: Outcomes = SmallVec::new();
    'next: for (state, flow) in outcomes {
        for (kept, kept_flow) in &mut merged {
            // Of what cannot be seen, what came out of a catch turned the caller away.
            let alike = kept.same_answer(&state)
                && (kept.failed == state.failed || !is_open(&flow))
                && match (&*kept_flow, &flow) {
                    (Ok(a), Ok(b)) => {
                        let facts = kept.same_facts(&state);
                        // Redirected at once, or after the work: callers and verdicts tell these apart.
                        let idle = (kept.work == 0) == (state.work == 0);
                        (a.same(b) && facts)
                            || (many
                                && idle
                                && class(a) == class(b)
                                && (facts || sends_away(b) || crowd && kept.stands_as(&state)))
                    }
                    (Err(a), Err(b)) => {
                        let facts = kept.same_facts(&state);
                        let redirect = matches!(b, Value::Response(r) if r.kind == super::value::ResponseKind::Redirect);
                        let idle = (kept.work == 0) == (state.work == 0);
                        (a.same(b) && facts)
                            || (many
                                && thrown_as(a) == thrown_as(b)
                                && (facts || !redirect || idle && (crowd || state.work == 0)))
                    }
                    _ => false,
                };
            if alike {
                let joined = match (&*kept_flow, &flow) {
                    (Ok(a), Ok(b)) => Ok(a.join(b)),
                    (Err(a), Err(b)) => Err(a.join(b)),
                    _ => continue,
                };
                *kept = kept.join(&state);
                *kept_flow = joined;
                continue 'next;
            }
        }
        merged.push((state, flow));
    }
    merged
}

/// More failures than this, thrown in one `try`, are one where they will be answered alike.
const MOST_THROWN: usize = 4;

/// Keeps the number of failures that reach a `catch` small: it would be gone through for each of them.
pub(super) fn merge_thrown(thrown: Outcomes) -> Outcomes {
    if thrown.len() <= MOST_THROWN {
        return thrown;
    }
    let mut merged: Outcomes = SmallVec::new();
    'next: for (state, flow) in thrown {
        let (Ok(error) | Err(error)) = flow;
        for (kept, kept_flow) in &mut merged {
            let Err(other) = &*kept_flow else { continue };
            if kept.stands_as(&state)
                && error.of_one_kind(other)
                && thrown_as(other) == thrown_as(&error)
            {
                *kept_flow = Err(other.join(&error));
                *kept = kept.join(&state);
                continue 'next;
            }
        }
        merged.push((state, Err(error)));
    }
    merged
}

/// Values that callers tell apart by testing them: nothing, something, an answer by its status, a failure.
#[derive(PartialEq, Eq)]
enum Class {
    Answer(super::value::ResponseKind, Option<u16>),
    /// A failure, which may bring the answer along with which its caller is turned away.
    Failure {
        answered: bool,
    },
    /// An object, by its fields that a caller can decide on.
    Shape(u64),
    Truthy,
    Falsy,
    Open,
}

/// What a catch, or the framework, makes of a thrown value.
fn thrown_as(value: &Value) -> Class {
    match value {
        Value::Response(_) => class(value),
        error => Class::Answer(
            super::value::ResponseKind::Body,
            super::ending::status_field(error),
        ),
    }
}

fn class(value: &Value) -> Class {
    match value {
        Value::Response(response) => Class::Answer(response.kind, response.status),
        Value::Object(object) if super::ending::reports_failure(value) => {
            let mut fields = object.fields.iter();
            Class::Failure {
                answered: fields.any(|(_, v)| matches!(v, Value::Response(_))),
            }
        }
        Value::Object(object) => Class::Shape(shape(object)),
        other => match other.truth() {
            Some(true) => Class::Truthy,
            Some(false) => Class::Falsy,
            None => Class::Open,
        },
    }
}

fn is_open(flow: &Flow) -> bool {
    flow.as_ref().is_ok_and(|value| {
        matches!(
            class(value),
            Class::Open | Class::Answer(super::value::ResponseKind::Body, None)
        )
    })
}

/// Which fields are booleans or nothing, as a number that is equal for equal shapes.
fn shape(object: &super::value::Object) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = rustc_hash::FxHasher::default();
    for (key, value) in &object.fields {
        let kind = match value {
            Value::Bool(truth) => u8::from(*truth),
            Value::Undefined | Value::Null => 2,
            Value::Response(_) => 3,
            _ => continue,
        };
        (key, kind).hash(&mut hasher);
    }
    hasher.finish()
}
