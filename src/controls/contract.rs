//! Contracts: endpoints that are declared in one place, answered in another, and guarded by middleware that is made in a third.
//! Somewhere all of it is put together and serves requests. What the parts are called is data (`is = "contract"`).
//!
//! The handler of a file serves every endpoint of its method, so what is proved of it holds for each of them.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::graph::ModuleId;
use crate::routes::Route;
use crate::rule::{Api, ContractPart};
use crate::syntax::ClassId;

use super::call::Use;
use super::effects::{class_key, effect_of};
use super::evaluator::{Evaluator, FRAMEWORK};
use super::merge::{merge_outcomes, merge_states};
use super::proof::Seen;
use super::record::{Event, Failure, FirstWork, Place};
use super::state::{Outcomes, State, value};
use super::target::Target;
use super::value::{Bits, Closure, External, Native, Object, Presence, Provenance, Scope, Value};

/// More parts of one contract are not looked at.
const MOST_PARTS: usize = 20_000;
/// Expressions that all endpoints of a handler together may evaluate.
const MOST_FOR_ALL: u32 = 60_000;
/// What each of them may, however many there are.
const LEAST_FOR_EACH: u32 = 1_500;

/// The endpoints that something serves.
#[derive(Debug)]
pub(super) struct Contract {
    endpoints: Vec<Endpoint>,
    /// Something stands around all of them that may do anything.
    wrapped: bool,
}

#[derive(Debug)]
struct Endpoint {
    method: String,
    /// Its path, where it can be read.
    path: Option<String>,
    /// What runs in front of it, in order; unknown where it could not be found.
    middleware: Rc<[Value]>,
    answer: Option<Value>,
    /// What its schemas parse: `path`, `query`, `body`, `headers`.
    inputs: Vec<String>,
}

/// What a group or a contract says of all that it holds.
#[derive(Clone, Default)]
struct Around {
    prefix: String,
    middleware: Vec<(ModuleId, ClassId)>,
    /// Some middleware has no name that could be followed.
    unnamed: bool,
}

/// The functions that answer endpoints, by the endpoints' names.
type Answers = Vec<(Rc<str>, Value)>;

/// What is found where a contract is put together.
#[derive(Default)]
struct Parts {
    declared: Vec<Value>,
    /// By the group's name: endpoints by name, with what answers them.
    answers: Vec<(Rc<str>, Answers)>,
    implementations: Vec<((ModuleId, ClassId), Value)>,
    wrapped: bool,
}

/// A middleware that ran: the paths behind it, those that it turned away, and what was seen.
struct Guarded {
    behind: Vec<State>,
    away: Outcomes,
}

/// What was seen of several endpoints.
#[derive(Default)]
struct Seeing {
    events: Vec<(Event, Place)>,
    work: Option<FirstWork>,
    exhausted: bool,
}

impl<'a> Evaluator<'a> {
    /// A call that declares or serves a part of a contract.
    pub(super) fn contract_part(
        &mut self,
        api: &Api,
        external: &Rc<External>,
        args: Vec<Value>,
        all: Provenance,
        state: State,
    ) -> Outcomes {
        if !matches!(api.contract, Some(ContractPart::Serve)) {
            return self.kept(external, args, all, state);
        }
        let made_of = external.receiver.as_ref();
        let made_of = made_of.and_then(|receiver| receiver.args.first());
        match made_of {
            // From here on, the endpoints go on.
            Some(made_of) if self.serving && self.muted == 0 => {
                self.arrivals.push((state, Ok(made_of.clone())));
                Outcomes::new()
            }
            _ => {
                // A handler that serves it would see more.
                self.private = true;
                if let Some(call) = self.calls.last() {
                    let (module, span) = (
                        call.module,
                        self.module(call.module).function(call.function).span,
                    );
                    self.event(Event::Delegated, Place { module, span });
                }
                value(
                    state,
                    Value::Unknown(Provenance::default(), Presence::Truthy),
                )
            }
        }
    }

    /// Runs the endpoints that a handler serves, behind what it did before it handed the request on.
    pub(super) fn run_contract(&mut self, route: &Route, before: Outcomes) -> (Outcomes, Seen) {
        let arrivals = std::mem::take(&mut self.arrivals);
        let mut seeing = Seeing::default();
        self.keep_seen(&mut seeing);
        let mut made_of: Option<Value> = None;
        let mut states: Vec<State> = Vec::new();
        let mut several = false;
        for (state, flow) in arrivals {
            let Ok(v) = flow else { continue };
            several |= made_of.as_ref().is_some_and(|known| !same_thing(known, &v));
            made_of.get_or_insert(v);
            states.push(state);
        }
        merge_states(&mut states);
        let contract = made_of
            .filter(|_| !several)
            .and_then(|v| self.contract_of(&v));
        let Some(contract) = contract else {
            self.give_seen(route.module, seeing);
            return (before, Seen::Framework);
        };
        let place = Place {
            module: route.module,
            span: route.span,
        };
        let mut outcomes = before;
        let served = contract.served_by(route);
        if served.is_empty() {
            // Nothing answers this method.
            outcomes.extend(states.into_iter().map(|state| (state, Ok(Value::Null))));
        } else {
            let count = u32::try_from(served.len()).unwrap_or(u32::MAX);
            let share = (MOST_FOR_ALL / count).max(LEAST_FOR_EACH);
            let target = self.target.unasked();
            let mut known: Vec<(Rc<[Value]>, Vec<State>)> = Vec::new();
            for endpoint in served {
                let behind = known
                    .iter()
                    .find(|(list, _)| Rc::ptr_eq(list, &endpoint.middleware));
                let behind = match behind {
                    Some((_, behind)) => behind.clone(),
                    None => {
                        let guarded =
                            self.guarded(&endpoint.middleware, &states, &target, &mut seeing);
                        outcomes.extend(guarded.away);
                        known.push((Rc::clone(&endpoint.middleware), guarded.behind.clone()));
                        guarded.behind
                    }
                };
                self.begin(home_of(endpoint.answer.as_ref()), &target, share);
                let answered = self.answered(endpoint, behind, place, contract.wrapped);
                outcomes.extend(answered);
                self.keep_seen(&mut seeing);
            }
        }
        self.give_seen(route.module, seeing);
        self.event(Event::Boundary, place);
        (outcomes, Seen::Whole)
    }

    fn begin(&mut self, home: Option<ModuleId>, target: &Target, share: u32) {
        self.reset(home, target.unasked());
        self.limit = share;
        self.protection.push(Failure::Answered);
    }

    fn keep_seen(&mut self, seeing: &mut Seeing) {
        seeing.events.append(&mut self.record.events);
        seeing.exhausted |= self.exhausted;
        if seeing.work.is_none() {
            seeing.work = self.first_work.take();
        }
    }

    fn give_seen(&mut self, home: ModuleId, seeing: Seeing) {
        self.reset(Some(home), Target::default());
        for (event, place) in seeing.events {
            self.record.add(event, place);
        }
        self.first_work = seeing.work;
        self.exhausted = seeing.exhausted;
    }

    /// Runs middleware, one behind the other.
    fn guarded(
        &mut self,
        middleware: &[Value],
        states: &[State],
        target: &Target,
        seeing: &mut Seeing,
    ) -> Guarded {
        let mut behind = states.to_vec();
        let mut away = Outcomes::new();
        for each in middleware {
            let home = home_of(Some(each));
            self.begin(home, target, u32::MAX);
            let mut next: Vec<State> = Vec::new();
            for state in behind {
                let state = match home {
                    Some(home) => state.in_scope(&Scope::module(home)),
                    None => state,
                };
                for (mut state, flow) in self.run_guard(each, state) {
                    match flow {
                        Ok(_) => {
                            state.failed = false;
                            next.push(state);
                        }
                        Err(error) => {
                            let answer = self.answered_failure(error);
                            away.push((state, Err(answer)));
                        }
                    }
                }
            }
            merge_states(&mut next);
            behind = next;
            self.keep_seen(seeing);
        }
        Guarded {
            behind,
            away: merge_outcomes(away),
        }
    }

    fn run_guard(&mut self, middleware: &Value, mut state: State) -> Outcomes {
        match middleware {
            Value::Native(_) => self.perform(middleware, state, FRAMEWORK),
            // One function for each way to send a credential, which it is given.
            Value::Object(ways) if !ways.fields.is_empty() => {
                let mut outcomes = Outcomes::new();
                for (_, way) in &ways.fields {
                    let sent = Value::Unknown(Provenance::of(Bits::CREDENTIAL), Presence::Maybe);
                    outcomes.extend(self.called_and_run(way, vec![sent], state.clone()));
                }
                outcomes
            }
            Value::Function(_) => self.called_and_run(middleware, Vec::new(), state),
            _ => {
                state.blind = true;
                value(state, Value::Undefined)
            }
        }
    }

    fn called_and_run(&mut self, function: &Value, args: Vec<Value>, state: State) -> Outcomes {
        let outcomes = self.call(function, None, args, state, FRAMEWORK, Use::Awaited);
        self.yielded(outcomes, FRAMEWORK)
    }

    /// Runs what answers an endpoint.
    fn answered(
        &mut self,
        endpoint: &Endpoint,
        states: Vec<State>,
        place: Place,
        wrapped: bool,
    ) -> Outcomes {
        let mut outcomes = Outcomes::new();
        let input = self.input_of(endpoint, place);
        for mut state in states {
            state.blind |= wrapped && state.work == 0;
            let Some(answer) = &endpoint.answer else {
                state.blind = true;
                outcomes.push((state, Ok(Value::unknown())));
                continue;
            };
            if let Some(home) = home_of(Some(answer)) {
                state = state.in_scope(&Scope::module(home));
            }
            outcomes.extend(self.called_and_run(answer, vec![input.clone()], state));
        }
        for (_, flow) in &mut outcomes {
            if let Err(error) = flow {
                let error = std::mem::replace(error, Value::Undefined);
                *flow = Err(self.answered_failure(error));
            }
        }
        outcomes
    }

    /// What a function that answers an endpoint is given: what the schemas made of the request, and the request.
    fn input_of(&mut self, endpoint: &Endpoint, place: Place) -> Value {
        let mut input = Object::default();
        for (part, name, bits) in [
            ("path", "path", Bits::PARAM),
            ("query", "urlParams", Bits::QUERY),
            ("body", "payload", Bits::BODY),
            ("headers", "headers", Bits::HEADER),
        ] {
            if !endpoint.inputs.iter().any(|input| input == part) {
                continue;
            }
            if bits.has(Bits::INPUT) {
                self.event(Event::Input(bits), place);
                self.event(Event::Schema(Bits::INPUT), place);
            } else if bits.has(Bits::PARAM) {
                self.event(Event::Schema(bits), place);
            }
            let parsed = bits.parsed();
            let v = Value::Unknown(Provenance::of(parsed), Presence::Truthy);
            input.set(Rc::from(name), v);
        }
        let request = self.request();
        input.set(Rc::from("request"), request);
        Value::Object(Rc::new(input))
    }

    // --- what it is made of ------------------------------------------------------------------------------------

    /// The contract that a value serves; found once.
    fn contract_of(&mut self, made_of: &Value) -> Option<Rc<Contract>> {
        let Value::External(external) = made_of else {
            return None;
        };
        let key = Rc::as_ptr(external) as usize;
        if let Some((_, known)) = self.contracts.get(&key) {
            return known.clone();
        }
        let contract = self.read_contract(made_of).map(Rc::new);
        self.contracts
            .insert(key, (made_of.clone(), contract.clone()));
        contract
    }

    fn part_of(&self, external: &External) -> Option<&'a ContractPart> {
        self.paths.known(external.path).api?.contract.as_ref()
    }

    fn read_contract(&mut self, made_of: &Value) -> Option<Contract> {
        let parts = self.parts_of(made_of);
        let mut endpoints = Vec::new();
        for declared in &parts.declared {
            self.declared(declared, &Around::default(), &parts, &mut endpoints, 0);
        }
        (!endpoints.is_empty()).then_some(Contract {
            endpoints,
            wrapped: parts.wrapped,
        })
    }

    /// Everything that was put together.
    fn parts_of(&mut self, made_of: &Value) -> Parts {
        let mut parts = Parts::default();
        let mut seen: FxHashSet<usize> = FxHashSet::default();
        let mut stack = vec![made_of.clone()];
        while let Some(v) = stack.pop() {
            if seen.len() > MOST_PARTS {
                break;
            }
            match &v {
                Value::External(external) => {
                    if !seen.insert(Rc::as_ptr(external) as usize) {
                        continue;
                    }
                    stack.extend(external.args.iter().cloned());
                    let Some(function) = &external.receiver else {
                        continue;
                    };
                    stack.push(Value::External(Rc::clone(function)));
                    if let Some(part) = self.part_of(function) {
                        self.add_part(part, external, &mut parts);
                    }
                }
                Value::Array(items) | Value::Choice(items) => stack.extend(items.iter().cloned()),
                _ => {}
            }
        }
        parts
    }

    fn add_part(&mut self, part: &ContractPart, call: &External, parts: &mut Parts) {
        let args = &call.args;
        match part {
            ContractPart::Server => parts.declared.extend(args.first().cloned()),
            ContractPart::Answers => {
                if let [.., Value::String(group), function] = args.as_slice() {
                    let answers = self.answers(function);
                    parts.answers.push((Rc::clone(group), answers));
                }
            }
            ContractPart::Implementation | ContractPart::Given => {
                let (Some(key), Some(maker)) = (args.first().and_then(class_key), args.get(1))
                else {
                    return;
                };
                let made = match part {
                    ContractPart::Given => Some(maker.clone()),
                    _ => self.made_apart(key.0, maker),
                };
                let made = made.map(
                    |v| match effect_of(&v).and_then(|effect| effect.same_as()) {
                        Some(inner) => inner.clone(),
                        None => v,
                    },
                );
                parts.implementations.extend(made.map(|made| (key, made)));
            }
            ContractPart::Wrapper => {
                let harmless = |arg: &Value| match arg {
                    Value::Native(native) => {
                        matches!(&**native, Native::Awaiting(awaiting) if awaiting.changes_nothing())
                    }
                    Value::External(_) | Value::Object(_) | Value::Class(_) => true,
                    _ => false,
                };
                parts.wrapped |= !args.iter().all(harmless);
            }
            _ => {}
        }
    }

    /// The functions that a function puts on the list that it is given.
    fn answers(&mut self, function: &Value) -> Answers {
        let root = self.paths.root("handlers", "", "*");
        let list = self.external(root, Provenance::default());
        let home = home_of(Some(function)).unwrap_or(ModuleId(0));
        let outcomes = self.apart(home, |this, state| {
            let state = state.in_scope(&Scope::module(home));
            this.called_and_run(function, vec![list], state)
        });
        let mut answers = Vec::new();
        for v in outcomes.into_iter().filter_map(|(_, flow)| flow.ok()) {
            for (part, call) in self.links(&v) {
                if let (ContractPart::Answer, [Value::String(name), answer, ..]) =
                    (part, call.args.as_slice())
                {
                    answers.push((Rc::clone(name), answer.clone()));
                }
            }
        }
        answers
    }

    /// The calls that a value was made by, one on the other, the last one first.
    fn links(&mut self, v: &Value) -> Vec<(&'a ContractPart, Rc<External>)> {
        let mut links = Vec::new();
        let mut current = self.made_by_package(v);
        while let Some(external) = current {
            let Some(function) = external.receiver.clone() else {
                break;
            };
            match self.part_of(&function) {
                Some(part) => {
                    current = function.receiver.clone();
                    links.push((part, external));
                }
                None => current = Some(function),
            }
            if links.len() > MOST_PARTS {
                break;
            }
        }
        links
    }

    /// The value, or what the class extends.
    fn made_by_package(&mut self, v: &Value) -> Option<Rc<External>> {
        let mut v = v.clone();
        for _ in 0..8 {
            match v {
                Value::External(external) => return Some(external),
                Value::Class(class) => v = self.superclass(&class)?,
                _ => return None,
            }
        }
        None
    }

    /// Adds the endpoints of a contract or a group.
    fn declared(
        &mut self,
        v: &Value,
        around: &Around,
        parts: &Parts,
        endpoints: &mut Vec<Endpoint>,
        depth: u8,
    ) {
        let links = self.links(v);
        let mut own = Around {
            prefix: around.prefix.clone(),
            ..Around::default()
        };
        let mut name: Option<Rc<str>> = None;
        let mut held: Vec<Value> = Vec::new();
        for (part, call) in &links {
            match (part, call.args.first()) {
                (ContractPart::Prefix, Some(Value::String(prefix))) => own.prefix.push_str(prefix),
                (ContractPart::Middleware, Some(tag)) => own.add(tag),
                (ContractPart::Group, Some(Value::String(group))) => name = Some(Rc::clone(group)),
                (ContractPart::Add, Some(inner)) => held.push(inner.clone()),
                _ => {}
            }
        }
        own.middleware.reverse();
        own.behind(around);
        held.reverse();
        for inner in held {
            let links = self.links(&inner);
            let begun = links.last().map(|(part, _)| *part);
            match (begun, &name) {
                (Some(ContractPart::Endpoint(method)), Some(group)) => {
                    let endpoint = self.endpoint(method, group, &links, &own, parts);
                    let alike = endpoints.iter().map(|known| &known.middleware);
                    let alike = alike
                        .rev()
                        .find(|known| same_list(known, &endpoint.middleware));
                    let middleware = alike
                        .cloned()
                        .unwrap_or_else(|| Rc::clone(&endpoint.middleware));
                    endpoints.push(Endpoint {
                        middleware,
                        ..endpoint
                    });
                }
                _ if depth < 4 => self.declared(&inner, &own, parts, endpoints, depth + 1),
                _ => {}
            }
        }
    }

    fn endpoint(
        &mut self,
        method: &str,
        group: &str,
        links: &[(&'a ContractPart, Rc<External>)],
        around: &Around,
        parts: &Parts,
    ) -> Endpoint {
        let mut own = Around::default();
        let mut inputs = Vec::new();
        let mut name = None;
        let mut path = None;
        for (part, call) in links {
            match (part, call.args.as_slice()) {
                (ContractPart::Middleware, [tag, ..]) => own.add(tag),
                (ContractPart::Input(input), _) => inputs.push(input.clone()),
                (ContractPart::Endpoint(_), [Value::String(called), rest @ ..]) => {
                    name = Some(Rc::clone(called));
                    if let Some(Value::String(text)) = rest.first() {
                        path = Some(format!("{}{text}", around.prefix));
                    }
                }
                _ => {}
            }
        }
        own.middleware.reverse();
        own.behind(around);
        let mut middleware: Vec<Value> = own
            .middleware
            .iter()
            .map(|key| {
                let made = parts.implementations.iter().find(|(known, _)| known == key);
                made.map_or_else(Value::unknown, |(_, made)| made.clone())
            })
            .collect();
        if own.unnamed {
            middleware.push(Value::unknown());
        }
        let answer = parts
            .answers
            .iter()
            .filter(|(known, _)| **known == *group)
            .flat_map(|(_, answers)| answers)
            .find(|(known, _)| Some(known) == name.as_ref())
            .map(|(_, answer)| answer.clone());
        Endpoint {
            method: method.to_owned(),
            path,
            middleware: middleware.into(),
            answer,
            inputs,
        }
    }
}

impl Around {
    fn add(&mut self, tag: &Value) {
        match class_key(tag) {
            Some(key) => self.middleware.push(key),
            None => self.unnamed = true,
        }
    }

    /// What stands around it runs first.
    fn behind(&mut self, around: &Self) {
        let inner = std::mem::replace(&mut self.middleware, around.middleware.clone());
        for key in inner {
            if !self.middleware.contains(&key) {
                self.middleware.push(key);
            }
        }
        self.unnamed |= around.unnamed;
    }
}

impl Contract {
    /// The endpoints that a handler serves: those of its method, below its URL where that can be told.
    fn served_by(&self, route: &Route) -> Vec<&Endpoint> {
        let method = route.method.as_str();
        let fits = |endpoint: &&Endpoint| match (&endpoint.path, route.url.as_deref()) {
            (Some(path), Some(url)) => is_below(path, url),
            _ => true,
        };
        let somewhere = self.endpoints.iter().any(|endpoint| fits(&endpoint));
        let of = |method: &str| -> Vec<&Endpoint> {
            let answers = |endpoint: &&Endpoint| method == "ANY" || endpoint.method == method;
            let all = self.endpoints.iter().filter(answers);
            all.filter(|endpoint| !somewhere || fits(endpoint))
                .collect()
        };
        let served = of(method);
        // A request for the headers alone is answered as one for all of it.
        if served.is_empty() && method == "HEAD" {
            return of("GET");
        }
        served
    }
}

/// Whether a path with segments like `:id` is served by a file at a URL with segments like `[id]` and `[...rest]`.
fn is_below(path: &str, url: &str) -> bool {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    for part in url.split('/').filter(|part| !part.is_empty()) {
        if part.starts_with("[...") || part.starts_with("[[...") {
            return part.starts_with("[[") || segments.next().is_some();
        }
        let Some(segment) = segments.next() else {
            return false;
        };
        let open = |text: &str| text.starts_with([':', '[', '*']);
        if segment != part && !open(segment) && !open(part) {
            return false;
        }
    }
    segments.next().is_none()
}

fn same_thing(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::External(a), Value::External(b)) => Rc::ptr_eq(a, b),
        _ => false,
    }
}

/// Both lists hold the same middleware.
fn same_list(a: &[Value], b: &[Value]) -> bool {
    let same = |(a, b): (&Value, &Value)| match (a, b) {
        (Value::Unknown(..), Value::Unknown(..)) => true,
        (Value::Function(a), Value::Function(b)) => Rc::<Closure>::ptr_eq(a, b),
        (Value::Native(a), Value::Native(b)) => Rc::ptr_eq(a, b),
        (Value::Object(a), Value::Object(b)) => Rc::ptr_eq(a, b),
        _ => false,
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// The module in which a function or an effect was written.
fn home_of(v: Option<&Value>) -> Option<ModuleId> {
    match v? {
        Value::Function(closure) => Some(closure.module),
        Value::Object(object) => object.fields.iter().find_map(|(_, v)| home_of(Some(v))),
        v => effect_of(v).map(|effect| effect.module()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn files_serve_what_is_below_them() {
        assert!(is_below("/api/v1/caps/:id", "/api/v1/[...route]"));
        assert!(!is_below("/api/v1", "/api/v1/[...route]"));
        assert!(is_below("/api", "/api/[[...route]]"));
        assert!(is_below("/users/:id", "/users/[user]"));
        assert!(!is_below("/users/:id/posts", "/users/[user]"));
        assert!(!is_below("/posts", "/users"));
    }
}
