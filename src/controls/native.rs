//! Functions that the evaluator provides: `next`, builders, predicates over paths, and the methods of plain values.

use std::rc::Rc;

use smallvec::SmallVec;

use crate::syntax::ExprId;

use super::call::Use;
use super::evaluator::Evaluator;
use super::record::{Event, Failure, Place};
use super::state::{Outcomes, State, value};
use super::value::{
    Bits, Chain, Closure, Native, Object, Presence, Provenance, Response, ResponseKind, Scope,
    Value,
};

/// Longer constant lists are not gone through item by item.
pub(super) const MAX_UNROLLED: usize = 12;

impl<'a> Evaluator<'a> {
    /// A builder with nothing but the middleware that it was begun with.
    pub fn builder(&self, kind: usize, args: Vec<Value>) -> Value {
        let calling = self.library.builders[kind].calling;
        let catches = self.library.builders[kind].catches;
        let is_layer = |arg: &Value| matches!(arg, Value::Function(_) | Value::Native(_));
        let chain = Chain {
            layers: Rc::new(args.iter().filter(|arg| is_layer(arg)).cloned().collect()),
            calling,
            catches,
            kind: Some(kind),
            options: Rc::new(args),
            ..Chain::default()
        };
        Value::Native(Rc::new(Native::Builder {
            kind,
            chain: Rc::new(chain),
        }))
    }

    /// Calls one of the evaluator's own functions.
    pub fn call_native(
        &mut self,
        native: &Native,
        args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        match native {
            Native::Next(chain) => {
                if let (crate::rule::Calling::RequestResponseNext, Some(error)) =
                    (chain.calling, args.first())
                    && !error.is_nullish()
                {
                    let error = error.clone();
                    let mut outcomes: Outcomes = SmallVec::new();
                    outcomes.push((state, Err(error)));
                    return outcomes;
                }
                let mut chain = Chain::clone(chain);
                if let Some(options) = chain.args.first_mut() {
                    hand_on(options, args.first());
                }
                let gives_back = chain.calling == crate::rule::Calling::ContextNext;
                let mut outcomes = self.run_chain(&Rc::new(chain), state, id);
                if gives_back {
                    // A layer that returns nothing lets the inner answer stand.
                    for (state, flow) in &mut outcomes {
                        if let (Ok(v), None) = (&*flow, &state.answered) {
                            let open = Response {
                                kind: ResponseKind::Body,
                                status: None,
                                provenance: Provenance::default(),
                            };
                            let answer = if let Value::Response(answer) = v {
                                Rc::clone(answer)
                            } else {
                                Rc::new(open)
                            };
                            state.answered = Some(answer);
                            state.passed_back = true;
                        }
                    }
                }
                outcomes
            }
            Native::Composed(chain) => self.call_composed(chain, args, state, id),
            Native::RouteMatcher(patterns) => {
                let fits = self.target.path().and_then(|path| {
                    path.decide(patterns.iter().map(|pattern| &**pattern), |path| {
                        patterns.iter().any(|pattern| path_matches(pattern, path))
                    })
                });
                value(state, fits.map_or_else(Value::unknown, Value::Bool))
            }
            Native::Builder { chain, .. } => self.call_builder_as_layer(chain, args, state, id),
            Native::Arrive { options, kind } => {
                let mut options = options.clone();
                hand_on(&mut options, args.first());
                self.arrive(options, state, *kind)
            }
            Native::BuilderMethod {
                kind,
                chain,
                method,
            } => self.call_builder(*kind, chain, method, args, state),
            Native::Method { receiver, name } => {
                self.call_plain_method(receiver, name, args, state, id, used)
            }
            Native::Given { handler, first } => {
                let args = std::iter::once(first.clone()).chain(args).collect();
                self.call(handler, None, args, state, id, used)
            }
            Native::Logged { handler, place } => {
                let event = Event::Log {
                    structured: true,
                    own: self.own(),
                    by_name: false,
                };
                self.event(event, *place);
                self.call(handler, None, args, state, id, used)
            }
            Native::Team { role, inner } => self.call_team(*role, inner, args, state, id, used),
            Native::Inert => value(state, Value::Undefined),
            Native::Settle { rejects } => {
                let told = args
                    .into_iter()
                    .next()
                    .unwrap_or(Value::Undefined)
                    .settled();
                let mut state = state;
                // Only the first call counts.
                if state.settled.is_none() {
                    state.settled = Some(Rc::new(if *rejects { Err(told) } else { Ok(told) }));
                }
                value(state, Value::Undefined)
            }
            Native::Effect(effect) => self.run_effect(effect, state),
            Native::Awaiting(awaiting) => self.awaited_effect(awaiting, args, state, id),
        }
    }

    fn call_composed(
        &mut self,
        chain: &Rc<Chain>,
        args: Vec<Value>,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        let mut chain = Chain::clone(chain);
        let place = self.place(&state, id);
        chain.args = if chain.calling == crate::rule::Calling::Options {
            let input = if chain.schema {
                self.event(Event::Input(Bits::ARGUMENT), place);
                self.event(Event::Schema(Bits::INPUT), place);
                Value::Unknown(Provenance::of(Bits::PARSED), Presence::Truthy)
            } else {
                args.first().cloned().unwrap_or(Value::Undefined)
            };
            let mut options = Object {
                open: Some(Provenance::default()),
                ..Object::default()
            };
            options.set(Rc::from("parsedInput"), input.clone());
            options.set(Rc::from("input"), input);
            options.set(
                Rc::from("ctx"),
                Value::Object(Rc::new(Object {
                    open: Some(Provenance::default()),
                    ..Object::default()
                })),
            );
            for (name, v) in &chain.given {
                options.set(Rc::clone(name), v.clone());
            }
            vec![Value::Object(Rc::new(options))]
        } else {
            args
        };
        if chain.catches {
            self.event(Event::Boundary, place);
            self.failure_options(&chain.options, &state, id);
            self.protection.push(Failure::Answered);
        }
        let outcomes = self.run_chain(&Rc::new(chain.clone()), state, id);
        if chain.catches {
            self.protection.pop();
        }
        outcomes
    }

    /// What a builder was told to do with failures (`handleServerError`): what it logs, the handler logs.
    pub fn failure_options(&mut self, options: &[Value], state: &State, id: ExprId) {
        if !self.own() {
            return;
        }
        let fields = options.iter().filter_map(|option| match option {
            Value::Object(object) => Some(&object.fields),
            _ => None,
        });
        for (_, option) in fields.flatten() {
            self.logs_through(option, state, id);
        }
    }

    /// What a function logs that is called when there is something to tell, the handler logs.
    pub fn logs_through(&mut self, function: &Value, state: &State, id: ExprId) {
        let Value::Function(closure) = function else {
            return;
        };
        let place = Place {
            module: closure.module,
            span: self.function(closure).span,
        };
        self.logs_of(place, |this| {
            this.acting = true;
            let open = || {
                Value::Object(Rc::new(Object {
                    open: Some(Provenance::default()),
                    ..Object::default()
                }))
            };
            let args = vec![open(), open()];
            let _ = this.call(function, None, args, state.clone(), id, Use::Awaited);
        });
    }

    /// A package logs on behalf of the handler.
    pub fn logs(&mut self, structured: bool, place: Place) {
        let own = self.own();
        self.event(
            Event::Log {
                structured,
                own,
                by_name: false,
            },
            place,
        );
    }

    fn call_builder(
        &mut self,
        kind: usize,
        chain: &Rc<Chain>,
        method: &str,
        args: Vec<Value>,
        state: State,
    ) -> Outcomes {
        let builder = &self.library.builders[kind];
        let mut next = Chain::clone(chain);
        if builder.uses.iter().any(|name| name == method) {
            for arg in args {
                match &arg {
                    Value::String(_) => {}
                    // What another builder has collected.
                    Value::Native(native) if let Native::Builder { chain, .. } = &**native => {
                        Rc::make_mut(&mut next.layers).extend(chain.layers.iter().cloned());
                        next.schema |= chain.schema;
                        next.given.extend(chain.given.iter().cloned());
                    }
                    _ => Rc::make_mut(&mut next.layers).push(arg),
                }
            }
        } else if builder.given.iter().any(|name| name == method) {
            let given = args.into_iter().next().unwrap_or(Value::Undefined);
            next.given.retain(|(name, _)| **name != *method);
            next.given.push((Rc::from(method), given));
        } else if builder.schema.iter().any(|name| name == method) {
            next.schema = true;
        } else if builder.finish.iter().any(|name| name == method) {
            next.handler = args.into_iter().find(|arg| {
                matches!(
                    arg,
                    Value::Function(_) | Value::Native(_) | Value::External(_)
                )
            });
            return value(
                state,
                Value::Native(Rc::new(Native::Composed(Rc::new(next)))),
            );
        }
        value(
            state,
            Value::Native(Rc::new(Native::Builder {
                kind,
                chain: Rc::new(next),
            })),
        )
    }

    /// A middleware that was made of others, called as one: its own run first, then what follows.
    fn call_builder_as_layer(
        &mut self,
        chain: &Rc<Chain>,
        args: Vec<Value>,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        let next = args.first().and_then(|options| match options {
            Value::Object(options) => options.get("next").cloned(),
            _ => None,
        });
        let Some(next) = next else {
            return value(state, Value::unknown());
        };
        let chain = Chain {
            handler: Some(next),
            at: 0,
            args,
            ..Chain::clone(chain)
        };
        self.run_chain(&Rc::new(chain), state, id)
    }

    fn call_plain_method(
        &mut self,
        receiver: &Value,
        name: &str,
        args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        let provenance = args
            .iter()
            .fold(receiver.provenance(), |all, v| all.join(&v.provenance()));
        let unknown = Value::Unknown(provenance.clone(), Presence::Maybe);
        match (receiver, name) {
            (Value::Function(closure), "bind") => {
                let this = args.first().cloned();
                let bound = Closure {
                    this,
                    ..Closure::clone(closure)
                };
                value(state, Value::Function(Rc::new(bound)))
            }
            (Value::Function(closure), "call") => {
                let closure = Rc::clone(closure);
                let this = args.first().cloned();
                self.call_closure(
                    &closure,
                    this,
                    args.into_iter().skip(1).collect(),
                    state,
                    used,
                )
            }
            (Value::Function(closure), "apply") => {
                let closure = Rc::clone(closure);
                let this = args.first().cloned();
                let list = match args.get(1) {
                    Some(Value::Array(items)) => items.to_vec(),
                    _ => vec![unknown],
                };
                self.call_closure(&closure, this, list, state, used)
            }
            (Value::Array(items), "includes" | "indexOf") if args.len() == 1 => {
                match (self.contains(items, &args[0]), name) {
                    (Some(found), "includes") => value(state, Value::Bool(found)),
                    _ => value(state, accepted(provenance)),
                }
            }
            (
                Value::Array(items),
                "some" | "every" | "find" | "filter" | "map" | "forEach" | "flatMap" | "findIndex",
            ) => {
                let items = Rc::clone(items);
                self.each_item(&items, name, &args, state, id, provenance)
            }
            (Value::Promise(inner), "then") => {
                let Some(function) = args.first() else {
                    return value(state, receiver.clone());
                };
                self.call(
                    function,
                    None,
                    vec![Value::clone(inner).settled()],
                    state,
                    id,
                    Use::Awaited,
                )
            }
            (Value::Promise(_), "catch" | "finally") => {
                let place = self.place(&state, id);
                self.logs_of(place, |this| this.run_aside(&args, &state, id));
                value(state, receiver.clone())
            }
            (Value::Array(items), "reduce" | "reduceRight")
                if args.len() == 2 && items.len() <= MAX_UNROLLED =>
            {
                // Wrappers applied one after another: the constant list is gone through.
                let function = args[0].clone();
                let mut items = items.to_vec();
                if name == "reduceRight" {
                    items.reverse();
                }
                let mut outcomes: Outcomes = value(state, args[1].clone());
                for item in items {
                    let mut next: Outcomes = SmallVec::new();
                    for (state, flow) in outcomes {
                        match flow {
                            Ok(so_far) => next.extend(self.call(
                                &function,
                                None,
                                vec![so_far, item.clone()],
                                state,
                                id,
                                Use::Awaited,
                            )),
                            Err(error) => next.push((state, Err(error))),
                        }
                    }
                    outcomes = super::merge::merge_outcomes(next);
                }
                outcomes
            }
            (Value::Array(items), "concat") => {
                let mut all = items.to_vec();
                for arg in &args {
                    match arg {
                        Value::Array(more) => all.extend(more.iter().cloned()),
                        other => all.push(other.clone()),
                    }
                }
                value(state, Value::Array(Rc::new(all)))
            }
            (Value::Array(items), "join") => {
                let separator = match args.first() {
                    Some(Value::String(text)) => text.to_string(),
                    _ => String::from(","),
                };
                let texts: Option<Vec<&str>> = items
                    .iter()
                    .map(|item| match item {
                        Value::String(text) => Some(&**text),
                        _ => None,
                    })
                    .collect();
                value(
                    state,
                    texts.map_or(unknown, |texts| Value::text(&texts.join(&separator))),
                )
            }
            (Value::String(text), _) => {
                let v = string_method(text, name, &args).unwrap_or(unknown);
                value(state, v)
            }
            (Value::Regex(source), "test") => {
                let fits = match args.first() {
                    Some(Value::String(text)) => regex_matches(source, text),
                    Some(Value::External(path)) if self.is_url_path(path) => {
                        self.path_fits(path, source)
                    }
                    _ => None,
                };
                value(
                    state,
                    fits.map_or_else(|| accepted(provenance), Value::Bool),
                )
            }
            _ => {
                self.run_aside(&args, &state, id);
                value(state, unknown)
            }
        }
    }

    /// Whether a list holds a value, when that is certain.
    pub fn contains(&self, items: &[Value], wanted: &Value) -> Option<bool> {
        let mut certain = true;
        for item in items {
            match self.equal(item, wanted) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => certain = false,
            }
        }
        certain.then_some(false)
    }

    /// `sent.some(test)`, `keys.find(test)`: what one item of a list comes to, but that there may be none in it.
    pub fn one_of(&mut self, list: &Value, args: &[Value], state: State, id: ExprId) -> Outcomes {
        let provenance = list.provenance();
        let items = vec![Value::Unknown(provenance.clone(), Presence::Truthy)];
        let mut outcomes =
            self.each_item(&Rc::new(items), "some", args, state, id, provenance.clone());
        for (_, flow) in &mut outcomes {
            if matches!(flow, Ok(Value::Bool(true))) {
                *flow = Ok(Value::Unknown(provenance.clone(), Presence::Maybe));
            }
        }
        outcomes
    }

    /// Array methods that call a function for each item: decided where the items are constants.
    fn each_item(
        &mut self,
        items: &Rc<Vec<Value>>,
        name: &str,
        args: &[Value],
        state: State,
        id: ExprId,
        provenance: Provenance,
    ) -> Outcomes {
        let Some(mut function) = args.first().cloned() else {
            return value(state, Value::unknown());
        };
        if items.len() > 200 {
            return value(state, Value::Unknown(provenance, Presence::Maybe));
        }
        let mut results = Vec::with_capacity(items.len());
        let mut state = state;
        for item in items.iter() {
            let outcomes = self.call(
                &function,
                None,
                vec![
                    item.clone(),
                    Value::unknown(),
                    Value::Array(Rc::clone(items)),
                ],
                state.clone(),
                id,
                Use::Awaited,
            );
            // What it sets of the variables around it stays set.
            let mut after = outcomes.iter().filter(|(_, flow)| flow.is_ok());
            if outcomes
                .iter()
                .any(|(after, _)| !Rc::ptr_eq(&after.scope, &state.scope))
                && let Some((first, _)) = after.next()
            {
                let joined = after.fold(first.clone(), |all, (other, _)| all.join(other));
                state = state.in_scope(&joined.scope);
                function = seeing(function, &state.scope);
            }
            let mut values = outcomes.into_iter().filter_map(|(_, flow)| flow.ok());
            let first = values.next().unwrap_or_else(Value::unknown);
            results.push(values.fold(first, |joined, v| joined.join(&v)));
        }
        let truths: Vec<Option<bool>> = results.iter().map(Value::truth).collect();
        let unknown = || {
            Value::Unknown(
                results
                    .iter()
                    .fold(provenance.clone(), |all, v| all.join(&v.provenance())),
                Presence::Maybe,
            )
        };
        let v = match name {
            "map" => Value::Array(Rc::new(results)),
            "some" if truths.contains(&Some(true)) => Value::Bool(true),
            "some" if truths.iter().all(|t| *t == Some(false)) => Value::Bool(false),
            "every" if truths.contains(&Some(false)) => Value::Bool(false),
            "every" if truths.iter().all(|t| *t == Some(true)) => Value::Bool(true),
            "find" if truths.iter().all(|t| *t == Some(false)) => Value::Undefined,
            "find" => match truths.iter().position(|t| *t == Some(true)) {
                Some(at) if truths[..at].iter().all(|t| *t == Some(false)) => items[at].clone(),
                _ => unknown(),
            },
            // What only a setting takes out stays in where nothing is set.
            "filter" if results.iter().all(is_decided_or_set) => Value::Array(Rc::new(
                items
                    .iter()
                    .zip(&truths)
                    .filter(|(_, t)| **t != Some(false))
                    .map(|(v, _)| v.clone())
                    .collect(),
            )),
            "forEach" => Value::Undefined,
            _ => unknown(),
        };
        value(state, v)
    }
}

/// The truth is known, or nothing but the configuration decides it.
fn is_decided_or_set(v: &Value) -> bool {
    let bits = v.provenance().bits;
    v.truth().is_some() || bits.has(Bits::CONFIG) && !bits.has(Bits::RECEIVED)
}

/// A function that is written in a running one, which sees the variables of that one as they are by now.
fn seeing(function: Value, scope: &Rc<Scope>) -> Value {
    match function {
        Value::Function(closure)
            if (closure.scope.module, closure.scope.function) == (scope.module, scope.function) =>
        {
            Value::Function(Rc::new(Closure {
                scope: Rc::clone(scope),
                ..Closure::clone(&closure)
            }))
        }
        other => other,
    }
}

/// Whether a value of such an origin is acceptable, which nobody can tell.
pub(super) fn accepted(mut provenance: Provenance) -> Value {
    provenance.bits = provenance.bits.found_valid();
    Value::Unknown(provenance, Presence::Maybe)
}

/// Adds the context that a middleware gives to `next` to the options of what follows.
fn hand_on(options: &mut Value, given: Option<&Value>) {
    if let (Some(Value::Object(given)), Value::Object(known)) = (given, &*options)
        && let Some(ctx) = given.get("ctx")
    {
        let mut known = Object::clone(known);
        let merged = match (known.get("ctx"), ctx) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let mut merged = Object::clone(old);
                super::expression::spread_into(&mut merged, &Value::Object(Rc::clone(new)));
                Value::Object(Rc::new(merged))
            }
            (_, new) => new.clone(),
        };
        known.set(Rc::from("ctx"), merged);
        *options = Value::Object(Rc::new(known));
    }
}

fn string_method(text: &str, name: &str, args: &[Value]) -> Option<Value> {
    let argument = match args.first() {
        Some(Value::String(argument)) => Some(&**argument),
        _ => None,
    };
    let number = |at: usize| match args.get(at) {
        Some(Value::Number(n)) if *n >= 0.0 => Some(*n as usize),
        _ => None,
    };
    Some(match name {
        "startsWith" => Value::Bool(text.starts_with(argument?)),
        "endsWith" => Value::Bool(text.ends_with(argument?)),
        "includes" => Value::Bool(text.contains(argument?)),
        "toLowerCase" | "toLocaleLowerCase" => Value::text(&text.to_lowercase()),
        "toUpperCase" | "toLocaleUpperCase" => Value::text(&text.to_uppercase()),
        "trim" => Value::text(text.trim()),
        "toString" => Value::text(text),
        "split" => Value::Array(Rc::new(text.split(argument?).map(Value::text).collect())),
        "slice" | "substring" => {
            let from = number(0)?;
            let to = if args.len() > 1 {
                number(1)?
            } else {
                usize::MAX
            };
            Value::text(
                &text
                    .chars()
                    .skip(from)
                    .take(to.saturating_sub(from))
                    .collect::<String>(),
            )
        }
        "replace" => Value::text(&text.replacen(
            argument?,
            match args.get(1) {
                Some(Value::String(with)) => with,
                _ => return None,
            },
            1,
        )),
        "match" => match args.first() {
            Some(Value::Regex(source)) => match regex_matches(source, text)? {
                true => Value::Unknown(Provenance::default(), Presence::Truthy),
                false => Value::Null,
            },
            _ => return None,
        },
        _ => return None,
    })
}

/// Whether a JavaScript regular expression matches; nothing when it cannot be said.
fn regex_matches(source: &str, text: &str) -> Option<bool> {
    fancy_regex::Regex::new(source).ok()?.is_match(text).ok()
}

/// Clerk's path patterns: `(.*)` stands for any text, `:name` for one segment.
fn path_matches(pattern: &str, path: &str) -> bool {
    let mut source = String::from("^");
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("(.*)") {
            source.push_str("(.*)");
            rest = after;
        } else if c == ':' {
            let end = rest[1..]
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .map_or(rest.len(), |at| at + 1);
            source.push_str("[^/]+");
            rest = &rest[end..];
        } else if matches!(c, '(' | ')' | '|' | '*' | '?' | '+') {
            source.push(c);
            rest = &rest[1..];
        } else {
            source.push_str(&fancy_regex::escape(&rest[..c.len_utf8()]));
            rest = &rest[c.len_utf8()..];
        }
    }
    source.push_str("/?$");
    regex_matches(&source, path).unwrap_or(false)
}

/// Methods that only texts, numbers, dates and buffers have.
pub(super) fn is_of_text(name: &str) -> bool {
    matches!(
        name,
        "toString"
            | "toLowerCase"
            | "toUpperCase"
            | "toISOString"
            | "toFixed"
            | "trim"
            | "trimStart"
            | "trimEnd"
            | "slice"
            | "substring"
            | "split"
            | "padStart"
            | "padEnd"
            | "startsWith"
            | "endsWith"
            | "replaceAll"
            | "getTime"
    )
}

/// Methods that hold what they are given against what there is, and keep nothing of it.
pub(super) fn only_compares(method: &str) -> bool {
    matches!(
        method,
        "endsWith" | "has" | "includes" | "indexOf" | "startsWith" | "test"
    )
}

/// Methods of lists, which other things may have too.
pub(super) fn is_of_list(name: &str) -> bool {
    matches!(
        name,
        "map"
            | "flatMap"
            | "filter"
            | "concat"
            | "join"
            | "reverse"
            | "sort"
            | "toSorted"
            | "some"
            | "every"
            | "find"
            | "reduce"
            | "at"
    )
}

/// Methods of a body that is read as a stream, of its reader and of a file that was sent.
/// (<https://developer.mozilla.org/docs/Web/API/ReadableStream>, `Blob`)
pub(super) fn reads_stream(name: &str) -> bool {
    matches!(
        name,
        "getReader"
            | "read"
            | "cancel"
            | "releaseLock"
            | "tee"
            | "stream"
            | "arrayBuffer"
            | "bytes"
            | "blob"
    )
}

#[cfg(test)]
mod tests {
    use super::path_matches;

    #[test]
    fn patterns_over_paths() {
        assert!(path_matches("/api/webhooks(.*)", "/api/webhooks/stripe"));
        assert!(path_matches("/sign-in(.*)", "/sign-in"));
        assert!(!path_matches("/", "/api"));
        assert!(path_matches("/share/:id", "/share/abc"));
        assert!(!path_matches("/share/:id", "/share/abc/d"));
    }
}
