//! Limits of packages: the count and the window that a limiter's arguments give.

use std::rc::Rc;

use crate::rule::{Api, LimitShape, Meaning};

use super::evaluator::Evaluator;
use super::guards::Judgement;
use super::paths::PathId;
use super::record::Event;
use super::value::{External, Value};

impl Evaluator<'_> {
    /// The count and window of the limiter that a call asks.
    pub fn limit_of(&self, external: &External, args: &[Value]) -> Option<String> {
        let mut found = None;
        let mut current = Some(external);
        let mut args = args;
        for _ in 0..8 {
            let Some(external) = current else { break };
            found = self
                .limit_in(external.path, args)
                .or_else(|| self.limit_in(external.path, &external.args));
            if found.is_some() {
                break;
            }
            args = &[];
            current = external.receiver.as_deref();
        }
        found
    }

    fn limit_in(&self, path: PathId, args: &[Value]) -> Option<String> {
        let shape = self
            .paths
            .known(path)
            .api
            .and_then(|api| api.limit.as_ref());
        if let Some(text) = shape.and_then(|shape| limit_text(shape, &self.with_defaults(args))) {
            return Some(text);
        }
        args.iter().find_map(|arg| self.limit_within(arg, 3))
    }

    fn limit_within(&self, v: &Value, depth: u8) -> Option<String> {
        match v {
            Value::External(external) => {
                let asked = external
                    .receiver
                    .as_ref()
                    .map_or(external.path, |receiver| receiver.path);
                let shape = self
                    .paths
                    .known(asked)
                    .api
                    .filter(|api| api.is == Meaning::LimitWindow)?
                    .limit
                    .as_ref()?;
                limit_text(shape, &self.with_defaults(&external.args))
            }
            Value::Object(object) if depth > 0 => object
                .fields
                .iter()
                .find_map(|(_, v)| self.limit_within(v, depth - 1)),
            _ => None,
        }
    }

    /// The limits of these guards, else of whatever limiter was asked.
    pub fn limit_of_guards(&self, judgement: &Judgement) -> Option<String> {
        let mut limits: Vec<Rc<str>> = Vec::new();
        for (_, _, provenance) in &judgement.guards {
            for origin in provenance.origins.iter().flat_map(|origins| origins.iter()) {
                if let Some(limit) = &self.origins[origin.0 as usize].limit
                    && !limits.contains(limit)
                {
                    limits.push(Rc::clone(limit));
                }
            }
        }
        if limits.is_empty() {
            for (event, _) in &self.record.events {
                if let Event::Limiter { limit: Some(limit) } = event
                    && !limits.contains(limit)
                {
                    limits.push(Rc::clone(limit));
                }
            }
        }
        if limits.is_empty() {
            return self.limit_at_home();
        }
        Some(limits.join(","))
    }
}

/// The limiter that a library's handler brings along, with its limit; nothing where there is none, or it is switched off.
pub(super) fn own_limit(api: &Api, handler: &External, args: &[Value]) -> Option<Option<String>> {
    let own = api.own_limit.as_ref()?;
    let options = args
        .iter()
        .find_map(|arg| option_of(arg, &own.option, 0))
        .or_else(|| option_within(handler, &own.option, 0));
    match options {
        Some(Value::Object(options))
            if matches!(options.get(&own.switch), Some(Value::Bool(false))) =>
        {
            None
        }
        Some(options) => Some(limit_text(&own.limit, &[options])),
        None => Some(None),
    }
}

/// An option of the calls that made a thing: `betterAuth({ rateLimit })` of `toNextJsHandler(auth).GET`.
fn option_within(made: &External, option: &str, depth: u8) -> Option<Value> {
    let by_args = made
        .args
        .iter()
        .find_map(|arg| option_of(arg, option, depth));
    by_args.or_else(|| option_within(made.receiver.as_ref()?, option, depth + 1))
}

fn option_of(value: &Value, option: &str, depth: u8) -> Option<Value> {
    match value {
        Value::Object(options) => options.get(option).cloned(),
        Value::External(made) if depth < MOST_MAKERS => option_within(made, option, depth + 1),
        _ => None,
    }
}

/// More calls than this do not make one thing.
const MOST_MAKERS: u8 = 6;

/// `30/1m` from the arguments of a limiter.
pub(super) fn limit_text(shape: &LimitShape, args: &[Value]) -> Option<String> {
    let count = match pick(&shape.count, args) {
        Some(Value::Number(count)) => count,
        Some(Value::String(text)) => text.trim().parse().ok()?,
        // What is computed is not what the library takes by default.
        _ if is_given(&shape.count, args) => return None,
        _ => shape.default_count?,
    };
    let seconds = match window_of(shape, args) {
        Some(seconds) => seconds,
        None if is_given(&shape.window, args) => return None,
        None => shape.default_window?,
    };
    Some(format!("{count}/{}", window_text(seconds)))
}

/// The window that the arguments give, in seconds.
pub(super) fn window_of(shape: &LimitShape, args: &[Value]) -> Option<f64> {
    match pick(&shape.window, args)? {
        Value::Number(n) if shape.unit == "ms" => Some(n / 1000.0),
        Value::Number(n) => Some(n),
        Value::String(text) => seconds_of(&text),
        _ => None,
    }
}

/// One of the names is among the arguments, whatever its value.
pub(super) fn is_given(names: &[String], args: &[Value]) -> bool {
    names.iter().any(|name| match name.parse::<usize>() {
        Ok(at) => args
            .get(at)
            .is_some_and(|arg| !matches!(arg, Value::Undefined)),
        Err(_) => args.iter().any(|arg| match arg {
            Value::Object(object) => {
                let given = object.get(name);
                given.is_some_and(|given| !matches!(given, Value::Undefined))
            }
            _ => false,
        }),
    })
}

/// The argument at a position (`0`), or in an object of options by its key.
fn pick(names: &[String], args: &[Value]) -> Option<Value> {
    let constant = |v: &&Value| matches!(v, Value::Number(_) | Value::String(_));
    names.iter().find_map(|name| match name.parse::<usize>() {
        Ok(at) => args.get(at).filter(constant).cloned(),
        Err(_) => args.iter().find_map(|arg| match arg {
            Value::Object(object) => object.get(name).filter(constant).cloned(),
            _ => None,
        }),
    })
}

/// Seconds of `10 s`, `1m`, `2 hours`.
fn seconds_of(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let count: f64 = text.get(..digits)?.parse().ok()?;
    let unit = text.get(digits..)?.trim().to_ascii_lowercase();
    let scale = match unit.as_str() {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "second" | "seconds" | "" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Some(count * scale)
}

/// `1m` of 60 seconds.
pub(super) fn window_text(seconds: f64) -> String {
    for (unit, size) in [("d", 86_400.0), ("h", 3600.0), ("m", 60.0)] {
        if seconds >= size && seconds % size == 0.0 {
            return format!("{}{unit}", seconds / size);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::{seconds_of, window_text};

    #[test]
    fn windows_are_written_in_the_largest_whole_unit() {
        assert_eq!(window_text(60.0), "1m");
        assert_eq!(window_text(900.0), "15m");
        assert_eq!(window_text(90.0), "90s");
        assert_eq!(window_text(86_400.0), "1d");
        assert_eq!(seconds_of("10 s"), Some(10.0));
        assert_eq!(seconds_of("1h"), Some(3600.0));
        assert_eq!(seconds_of("soon"), None);
    }
}
