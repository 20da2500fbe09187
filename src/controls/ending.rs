//! How a path ends for the one who asked: served, turned away, or neither.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::facts::{Fact, Facts};
use super::state::{Asked, Flow, State};
use super::value::{Response, ResponseKind, Value};

/// How a path ends for the one who asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// Turned away, with the status where it is known.
    Refused(Option<u16>),
    /// Redirected or answered with nothing: turned away where no work was done since.
    Idle,
    /// Served.
    Served,
}

/// Who the path belongs to, which says how it may end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ends {
    /// A handler answers with a response.
    Handler,
    /// An action or a procedure answers with any value.
    Value,
    /// A middleware that gives nothing back lets the request through, and no work counts.
    Middleware,
}

/// A path at its end, as far as verdicts look at it.
pub(super) struct End {
    pub facts: Facts,
    pub possible: Facts,
    pub caller: Option<Fact>,
    pub counted: Option<Fact>,
    pub unconfigured: Option<super::state::Setting>,
    pub switched: super::state::Switches,
    pub failed: bool,
    pub ending: Ending,
    pub work: u32,
    pub blind: bool,
    /// A hand-written condition on input sent it away.
    pub rejected: Option<Asked>,
}

impl End {
    /// The end of a path.
    pub fn of(state: &State, flow: &Flow, ends: Ends) -> Self {
        let ending = ending(flow, state, ends);
        let rejected = match ending {
            // Whoever may not come in is not told what is wrong with the input.
            Ending::Refused(Some(401 | 403 | 405 | 429)) => None,
            // What is answered here is one of several answers that met on the way.
            Ending::Served if is_open(flow) => state.rejected,
            Ending::Served => None,
            Ending::Refused(Some(400 | 413 | 415 | 422)) => state.rejected.or(state.asked),
            Ending::Refused(_) | Ending::Idle => state.rejected,
        };
        Self {
            ending,
            rejected,
            facts: state.facts.clone(),
            possible: state.possible.clone(),
            caller: state.caller.clone(),
            counted: state.counted.clone(),
            unconfigured: state.unconfigured,
            switched: state.switched.clone(),
            failed: state.failed,
            work: if ends == Ends::Middleware {
                0
            } else {
                state.work
            },
            blind: state.blind,
        }
    }
}

/// Nothing is known of the answer, not even its status.
fn is_open(flow: &Flow) -> bool {
    match flow {
        Ok(Value::Unknown(..)) => true,
        Ok(Value::Choice(options)) => options.iter().any(|v| matches!(v, Value::Response(_))),
        Ok(Value::Response(response)) => {
            response.kind == ResponseKind::Body && response.status.is_none()
        }
        _ => false,
    }
}

/// A value that a caller is sent away with.
pub(super) fn refuses(value: &Value, state: &State) -> bool {
    refuses_at(value, state, Ends::Handler)
}

/// A value with which whoever is asked sends the caller away.
pub(super) fn refuses_at(value: &Value, state: &State, ends: Ends) -> bool {
    match ending(&Ok(value.clone()), state, ends) {
        Ending::Served => false,
        Ending::Refused(_) => true,
        Ending::Idle => state.work == 0,
    }
}

/// The path ends with the status that says that too many requests were made.
pub(super) fn is_too_many(flow: &Flow, state: &State) -> bool {
    ending(flow, state, Ends::Handler) == Ending::Refused(Some(429))
}

fn ending(flow: &Flow, state: &State, ends: Ends) -> Ending {
    let idle = Ending::Idle;
    match flow {
        Err(Value::Response(response)) if response.kind == ResponseKind::Redirect => {
            answer_ending(response, state, idle)
        }
        Err(Value::Response(response)) => Ending::Refused(response.status),
        Err(error) => Ending::Refused(status_field(error)),
        Ok(Value::Response(response)) => answer_ending(response, state, idle),
        Ok(failure @ Value::Object(_)) if state.answered.is_none() && reports_failure(failure) => {
            Ending::Refused(status_field(failure))
        }
        Ok(Value::Undefined | Value::Null | Value::Bool(false)) if state.answered.is_none() => {
            if ends == Ends::Middleware {
                Ending::Served
            } else {
                idle
            }
        }
        // A word is an answer of an action: `return 'unauthorized'`. A word like `permissions` may be anything.
        Ok(Value::String(text))
            if state.answered.is_none() && !text.contains(' ') && told(text) == Some(401) =>
        {
            Ending::Refused(Some(401))
        }
        Ok(Value::Array(items)) if items.is_empty() && state.answered.is_none() => idle,
        // `{ shouldTrack: false }`, `'You have to sign in first'`: every stranger is told the same, and nothing else.
        Ok(value)
            if ends == Ends::Value
                && state.answered.is_none()
                && !state.acted
                && is_constant(value, 3) =>
        {
            idle
        }
        Ok(_) => match &state.answered {
            Some(_) if state.worked_after_answer => Ending::Served,
            Some(response) => answer_ending(response, state, idle),
            None if state.failed => Ending::Refused(None),
            None => Ending::Served,
        },
    }
}

/// A value that stands in the code as it is, with nothing in it that was read or worked out.
fn is_constant(value: &Value, depth: u8) -> bool {
    match value {
        Value::Undefined | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            true
        }
        Value::Promise(value) => is_constant(value, depth),
        _ if depth == 0 => false,
        Value::Array(items) => items.iter().all(|item| is_constant(item, depth - 1)),
        Value::Object(object) => {
            object.open.is_none()
                && object.class.is_none()
                && object
                    .fields
                    .iter()
                    .all(|(_, field)| is_constant(field, depth - 1))
        }
        _ => false,
    }
}

/// An object that says that something failed: `{ error }`, `{ success: false }`.
pub(super) fn reports_failure(value: &Value) -> bool {
    let Value::Object(object) = value else {
        return false;
    };
    ["error", "errors", "serverError", "failure"]
        .iter()
        .any(|key| {
            object.get(key).is_some_and(|v| match v {
                Value::Choice(options) => !options.iter().any(Value::is_nullish),
                // What is collected on the way may stay empty: `{ imported, errors }`.
                Value::Array(items) => !items.is_empty(),
                v => !v.is_nullish() && v.truth() != Some(false),
            })
        })
        || ["success", "ok"]
            .iter()
            .any(|key| matches!(object.get(key), Some(Value::Bool(false))))
}

/// A value with which a caller is turned away: what was decided on such a path is kept as possible, and no more is needed.
pub(super) fn sends_away(value: &Value) -> bool {
    match value {
        Value::Response(response) => response.status.is_some_and(|status| status >= 400),
        object => reports_failure(object),
    }
}

fn answer_ending(response: &Response, state: &State, idle: Ending) -> Ending {
    match (response.kind, response.status) {
        (ResponseKind::PassOn, _) => Ending::Served,
        // Whoever has deleted their account, or was asked for nothing before all was done, is sent where others sign in.
        (ResponseKind::Redirect, Some(status)) if status >= 400 => {
            let asked_for_nothing = state.work > 0 && state.possible.is_empty();
            if asked_for_nothing || (state.acted && state.worked_for_known()) {
                idle
            } else {
                Ending::Refused(Some(status))
            }
        }
        (ResponseKind::Redirect, _) => idle,
        (ResponseKind::Body, Some(status)) if status >= 400 => Ending::Refused(Some(status)),
        (ResponseKind::Body, Some(status)) if (300..400).contains(&status) => idle,
        (ResponseKind::Body, None) if state.failed => Ending::Refused(None),
        (ResponseKind::Body, _) => Ending::Served,
    }
}

/// The status that a text stands for that tells why somebody is turned away: `unauthorized`.
fn told(text: &str) -> Option<u16> {
    static REASONS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let mut spelled: Vec<String> = WORDS.iter().map(|(word, _)| (*word).to_owned()).collect();
        spelled.extend(WORDS.iter().map(|(word, _)| word.replace(' ', "_")));
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(spelled)
            .ok()
    });
    // `catalog_invalid` does not say `log in`.
    let begins = |at: usize| !text[..at].ends_with(char::is_alphanumeric);
    let found = REASONS.as_ref()?.find_overlapping_iter(text);
    let statuses = found
        .filter(|found| begins(found.start()))
        .filter_map(|found| Some(WORDS.get(found.pattern().as_usize() % WORDS.len())?.1));
    // Who is not known is turned away first, whatever else is said.
    statuses.min()
}

/// How texts that tell why somebody is turned away say so, with the status that they stand for; the words may also be joined
/// with underscores.
const WORDS: [(&str, u16); 11] = [
    ("unauthori", 401),
    ("unauthenticated", 401),
    ("not authenticated", 401),
    ("not logged in", 401),
    ("sign in", 401),
    ("log in", 401),
    ("must be signed in", 401),
    ("forbidden", 403),
    ("permission", 403),
    ("too many requests", 429),
    ("rate limit", 429),
];

/// The status that an error or a failed result stands for.
pub(super) fn status_field(value: &Value) -> Option<u16> {
    let object = match value {
        Value::Object(object) => object,
        // `new HTTPException(401, …)`, `new TRPCError({ code })`
        Value::External(external) => {
            return external.args.iter().find_map(|arg| match arg {
                Value::Number(status) if (400.0..600.0).contains(status) => Some(*status as u16),
                Value::Object(_) => status_field(arg),
                _ => None,
            });
        }
        _ => return None,
    };
    // An error that says `Unauthorized` means it, whatever status its framework gives it.
    for key in ["message", "code", "error"] {
        let Some(Value::String(text)) = object.get(key) else {
            continue;
        };
        if let Some(status) = told(text) {
            return Some(status);
        }
    }
    ["status", "statusCode", "code"]
        .iter()
        .find_map(|key| match object.get(key) {
            Some(Value::Number(status)) if (100.0..600.0).contains(status) => Some(*status as u16),
            _ => None,
        })
}
