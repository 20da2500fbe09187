//! Where paths meet: which of them stay apart.

use std::rc::Rc;

use smallvec::SmallVec;

use super::ending::sends_away;
use super::facts::Site;
use super::state::{Flow, Outcomes, Setting, State, same_kept};
use super::value::{Bits, ResponseKind, Scope, Value};

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

/// Behind main work that a known caller has come to, what a handler decides turns nobody away any more: its paths become one unless
/// they hold something else of what was sent, which may still be checked, or of what was counted.
pub(super) fn merge_behind_work(states: &mut Vec<State>) {
    // Where the caller became known only after some work, nobody was kept from that.
    let known = |state: &State| {
        let caller = state.caller.as_ref().filter(|_| state.work > 0);
        caller.map(|caller| (caller.work > 0, caller.late))
    };
    if states.len() < 2 || states.iter().all(|state| known(state).is_none()) {
        return;
    }
    *states = joined_where(std::mem::take(states), |kept, state| {
        known(kept).is_some()
            && known(kept) == known(state)
            && kept.stands_as(state)
            && !hold_other_answers(&kept.scope, &state.scope)
            && hold_the_same_input_and_counts(&kept.scope, &state.scope)
    });
}

/// The variables that differ hold nothing of what was sent, and no number on one path alone: none of what is counted is told from some
/// of it when it is handed out, `{ errors: 0 }`.
fn hold_the_same_input_and_counts(a: &Rc<Scope>, b: &Rc<Scope>) -> bool {
    let sent = Bits::CHECKED.with(Bits::PARSED);
    let of_input = |value: &Value| value.provenance().bits.has(sent);
    let counts = |value: &Value| matches!(value, Value::Number(_));
    let alike = |one: &Value, other: &Value| {
        one.same(other) || counts(one) == counts(other) && !of_input(one) && !of_input(other)
    };
    let mut variables = a.variables.iter().enumerate();
    Rc::ptr_eq(a, b)
        || variables.all(|(at, (name, one))| {
            let other = b.variable(at, *name);
            other.is_none_or(|other| alike(one, other))
        })
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
    let mut kept = squeezed_where(paths, &join, State::same_facts);
    if kept.len() > MOST {
        kept = squeezed_where(kept, &join, |one, other| {
            one.stands_as(other) && one.failed == other.failed
        });
    }
    kept.into_iter().collect()
}

fn squeezed_where<T>(
    paths: impl IntoIterator<Item = (State, T)>,
    join: impl Fn(&T, &T) -> T,
    alike: impl Fn(&State, &State) -> bool,
) -> Vec<(State, T)> {
    let mut kept: Vec<(State, T)> = Vec::new();
    for (state, part) in paths {
        match kept.iter_mut().find(|(other, _)| alike(other, &state)) {
            Some((other, other_part)) => {
                *other_part = join(other_part, &part);
                *other = other.join(&state);
            }
            None => kept.push((state, part)),
        }
    }
    kept
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
    let tells = |value: &Value| matches!(value, Value::Response(_) | Value::Object(_));
    let told_apart = |one: &Value, other: &Value| {
        (tells(one) || tells(other))
            && (sends_away(one) != sends_away(other)
                || matches!(one, Value::Response(_)) && other.is_nullish()
                || matches!(other, Value::Response(_)) && one.is_nullish())
    };
    let mut variables = a.variables.iter().enumerate();
    !std::ptr::eq(a, b)
        && variables.any(|(at, (name, one))| {
            let other = b.variable(at, *name);
            other.is_some_and(|other| told_apart(one, other))
        })
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
                also: None,
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
    // How callers tell those apart that are kept, where there are many.
    let mut told: SmallVec<[Class; MOST]> = SmallVec::new();
    'next: for (state, flow) in outcomes {
        let class = many.then(|| told_as(&flow));
        for (at, (kept, kept_flow)) in merged.iter_mut().enumerate() {
            // Redirected at once, or after the work: callers and verdicts tell these apart.
            let idle = || (kept.work == 0) == (state.work == 0);
            let told_alike = class.is_some() && told.get(at) == class.as_ref();
            let alike = kept.same_answer(&state)
                && match (&*kept_flow, &flow) {
                    (Ok(a), Ok(b)) => {
                        // Of what cannot be seen, what came out of a catch turned the caller away.
                        (kept.failed == state.failed || !is_open(&flow))
                            && if told_alike && idle() {
                                kept.same_facts(&state)
                                    || sends_away(b)
                                    || crowd && kept.stands_as(&state)
                            } else {
                                a.same(b) && kept.same_facts(&state)
                            }
                    }
                    (Err(a), Err(b)) => {
                        if told_alike {
                            let redirect =
                                matches!(b, Value::Response(r) if r.kind == ResponseKind::Redirect);
                            !redirect
                                || kept.same_facts(&state)
                                || idle() && (crowd || state.work == 0)
                        } else {
                            a.same(b) && kept.same_facts(&state)
                        }
                    }
                    _ => false,
                };
            if alike {
                *kept_flow = match (&*kept_flow, &flow) {
                    (Ok(a), Ok(b)) => Ok(a.join(b)),
                    (Ok(a) | Err(a), Ok(b) | Err(b)) => Err(a.join(b)),
                };
                *kept = kept.join(&state);
                if let Some(told) = told.get_mut(at) {
                    *told = told_as(kept_flow);
                }
                continue 'next;
            }
        }
        merged.push((state, flow));
        told.extend(class);
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
    Answer(ResponseKind, Option<u16>),
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
        error => Class::Answer(ResponseKind::Body, super::ending::status_field(error)),
    }
}

fn told_as(flow: &Flow) -> Class {
    match flow {
        Ok(value) => class(value),
        Err(error) => thrown_as(error),
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
            Class::Open | Class::Answer(ResponseKind::Body, None)
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
