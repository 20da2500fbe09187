//! Values of packages and of the runtime: what reading a member gives, and what calling one does of which nothing is known.

use std::rc::Rc;

use crate::routes::METHODS;
use crate::rule::{Api, Meaning, wildcard};
use crate::syntax::{Expr, ExprId, Key, MemberValue, Pattern};

use super::call::Use;
use super::evaluator::{Evaluator, SettingKind};
use super::meaning::{asks_since, named_by_caller, script_counts};
use super::paths::PathId;
use super::record::{Event, Failure, FirstWork, Place};
use super::state::{Outcomes, State, value};
use super::value::{
    Bits, Chain, ClassValue, External, Native, Object, Presence, Provenance, ResponseKind, Value,
};

/// More functions on the way to the first work are not told.
const MOST_STEPS: usize = 4;

impl<'a> Evaluator<'a> {
    /// `object.name`
    pub fn member(&mut self, object: &Value, name: &str, place: Option<Place>) -> Value {
        match object {
            // Wherever it is read from.
            Value::External(_) | Value::Unknown(..) if name == "NODE_ENV" => {
                Value::text(self.environment)
            }
            Value::Object(fields) => match fields.get(name) {
                Some(v) => v.clone(),
                None => {
                    let method = fields
                        .class
                        .clone()
                        .and_then(|class| self.class_member(&class, name, false));
                    match (method, &fields.open) {
                        (Some(v), _) => v,
                        (None, Some(open)) => {
                            Value::Unknown(self.named(open.clone(), name, place), Presence::Maybe)
                        }
                        (None, None) if fields.class.is_some() => Value::unknown(),
                        (None, None) => Value::Undefined,
                    }
                }
            },
            Value::Array(items) => match name {
                "length" => Value::Number(items.len() as f64),
                _ => self.method(object, name),
            },
            Value::String(text) => match name {
                "length" => Value::Number(text.chars().count() as f64),
                _ => self.method(object, name),
            },
            Value::Function(closure) => {
                let property = closure.properties.as_deref();
                match property.and_then(|properties| properties.get(name)) {
                    Some(v) => v.clone(),
                    None => self.method(object, name),
                }
            }
            Value::Number(_) | Value::Bool(_) | Value::Regex(_) => self.method(object, name),
            Value::Class(class) => {
                let class = Rc::clone(class);
                self.class_member(&class, name, true)
                    .or_else(|| self.inherited(&class, name, place))
                    .unwrap_or_else(Value::unknown)
            }
            Value::Namespace(module) => self.export_value(*module, name),
            Value::External(external) => {
                let external = Rc::clone(external);
                self.external_member(&external, name, place)
            }
            Value::Native(native) => match &**native {
                Native::Builder { kind, chain } => Value::Native(Rc::new(Native::BuilderMethod {
                    kind: *kind,
                    chain: Rc::clone(chain),
                    method: Rc::from(name),
                })),
                Native::Team { role, inner } => {
                    let (role, inner) = (*role, inner.clone());
                    self.team_member(role, &inner, name)
                }
                Native::Effect(effect) => match effect.held() {
                    // `option.value`, `exit.value`
                    Some(held) if name == "value" || name == "right" => held.clone(),
                    _ => Value::Unknown(object.provenance(), Presence::Maybe),
                },
                _ => Value::unknown(),
            },
            Value::Response(response) => match name {
                "status" => response
                    .status
                    .map_or_else(Value::unknown, |status| Value::Number(f64::from(status))),
                "ok" => response
                    .status
                    .map_or_else(Value::unknown, |status| Value::Bool(status < 400)),
                "headers" | "cookies" => {
                    let path = self.paths.root("response", "", "headers");
                    self.external(path, Provenance::default())
                }
                _ => Value::Unknown(response.provenance.clone(), Presence::Maybe),
            },
            Value::Promise(_) => self.method(object, name),
            Value::Undefined | Value::Null => Value::Undefined,
            Value::Choice(options) => {
                // Nothing has no members, so what is read is read from the others.
                let members: Vec<Value> = options
                    .iter()
                    .filter(|option| !option.is_nullish())
                    .map(|option| self.member(option, name, place))
                    .collect();
                let mut members = members.into_iter();
                let first = members.next().unwrap_or_else(Value::unknown);
                members.fold(first, |joined, v| joined.join(&v))
            }
            Value::Unknown(provenance, _) => {
                if let (true, Some(place)) = (provenance.bits.has(Bits::SCHEMA), place) {
                    self.event(Event::SchemaAsked, place);
                }
                // Some names are so particular that they tell what is called on whatever they are called.
                let path = self.paths.unknown_member(name);
                let provenance = self.named(provenance.clone(), name, place);
                if self.paths.known(path).api.is_some() {
                    return self.external(path, provenance);
                }
                Value::Unknown(provenance, Presence::Maybe)
            }
        }
    }

    fn method(&self, receiver: &Value, name: &str) -> Value {
        Value::Native(Rc::new(Native::Method {
            receiver: receiver.clone(),
            name: Rc::from(name),
        }))
    }

    /// A field of a configuration object is a secret or not by its own name, and no other field explains it.
    fn named(
        &mut self,
        mut provenance: Provenance,
        name: &str,
        place: Option<Place>,
    ) -> Provenance {
        let bits = provenance.bits;
        let configuration = bits.has(Bits::CONFIG.with(Bits::SECRET))
            && !bits.has(Bits::REQUEST.with(Bits::IDENTITY));
        if configuration
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        {
            let kind = self.kind_of_setting(name);
            provenance.bits = bits.without(Bits::CONFIG.with(Bits::SECRET)).with(kind);
            if let Some(place) = place {
                let origin = self.setting_origin(place, &format!("setting {name}"), setting(kind));
                provenance = Provenance::at(provenance.bits, origin);
            }
        }
        provenance
    }

    pub fn is_secret_name(&self, name: &str) -> bool {
        !is_published(name)
            && self
                .library
                .secret_variables
                .iter()
                .any(|pattern| wildcard(pattern, name))
    }

    /// A member that a class has of one of a package, where the library data knows it.
    fn inherited(
        &mut self,
        class: &Rc<ClassValue>,
        name: &str,
        place: Option<Place>,
    ) -> Option<Value> {
        let Value::External(base) = self.superclass(class)? else {
            return None;
        };
        let path = self.paths.member(base.path, name);
        self.paths.known(path).api?;
        Some(self.external_member(&base, name, place))
    }

    fn class_member(
        &mut self,
        class: &Rc<ClassValue>,
        name: &str,
        is_static: bool,
    ) -> Option<Value> {
        let mut current = Rc::clone(class);
        for _ in 0..16 {
            let record = self.module(current.module);
            let definition = record.class(current.class);
            for member in &definition.members {
                let Key::Name(key) = member.key else { continue };
                if member.is_static != is_static || record.name(key) != name {
                    continue;
                }
                return Some(match &member.value {
                    MemberValue::Method(function) => {
                        self.closure(Rc::clone(&current.scope), *function, None)
                    }
                    MemberValue::Getter(_) => Value::unknown(),
                    MemberValue::Field(None) if !is_static => Value::unknown(),
                    MemberValue::Field(init) => {
                        let value = match init {
                            Some(init) => {
                                let state = State::new(Rc::clone(&current.scope));
                                self.aside(|this| this.plain(*init, &state))
                            }
                            None => Value::Undefined,
                        };
                        if !is_static {
                            return Some(value);
                        }
                        let sets = |target: &Pattern| match target {
                            Pattern::Member(target) => matches!(
                                record.expr(*target),
                                Expr::Member { property, .. } if record.name(*property) == name
                            ),
                            _ => false,
                        };
                        self.kept_over_requests(record, current.module, value, sets)
                    }
                });
            }
            current = self.parent_class(&current)?;
        }
        None
    }

    fn external_member(
        &mut self,
        external: &Rc<External>,
        name: &str,
        place: Option<Place>,
    ) -> Value {
        if let Some(v) = self.request_member(external, name, place) {
            return v;
        }
        let text = self.paths.text(external.path);
        if matches!(
            &*text,
            "global#globalThis" | "global#global" | "global#self"
        ) {
            // The runtime's own functions by their long name, or what the module keeps there.
            let path = self.paths.root("global", "", name);
            return match self.paths.known(path).api {
                Some(_) => self.external(path, Provenance::default()),
                None if name == "process" || name == "crypto" => self.runtime(name),
                None => {
                    let kept = place.and_then(|place| self.kept_globally(place, name));
                    kept.unwrap_or_else(Value::unknown)
                }
            };
        }
        if &*text == "global#process.env" {
            return self.environment(name, place);
        }
        let provenance = if &*text == "global#process" && name == "env" {
            Provenance::of(Bits::CONFIG)
        } else {
            self.named(external.provenance.clone(), name, place)
        };
        let upper = !name.is_empty()
            && !METHODS.contains(&name)
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let path = self.paths.member(external.path, name);
        // `env().API_KEY`; but `proxyTo(settings).GET` is a handler, whatever configures it.
        let configured = provenance.bits.has(Bits::CONFIG.with(Bits::SECRET));
        if upper && text.ends_with("()") && configured && self.paths.known(path).api.is_none() {
            // A secret that was read with a schema is there; a flag may be off.
            let presence = if provenance.bits.has(Bits::SECRET) {
                Presence::Truthy
            } else {
                Presence::Maybe
            };
            return Value::Unknown(provenance, presence);
        }
        if let Some(kind) = self.paths.known(path).builder {
            return self.builder(kind, Vec::new());
        }
        Value::External(Rc::new(External {
            path,
            args: Vec::new(),
            receiver: Some(Rc::clone(external)),
            provenance,
        }))
    }

    /// What a variable of the environment is, by its name.
    fn kind_of_setting(&mut self, name: &str) -> Bits {
        if self.is_secret_name(name) {
            Bits::SECRET
        } else if PLATFORMS.iter().any(|platform| name.starts_with(platform)) {
            Bits::CONFIG.with(Bits::PLATFORM)
        } else if is_published(name) {
            Bits::CONFIG.with(Bits::PUBLISHED)
        } else {
            Bits::CONFIG
        }
    }

    /// `process.env.NAME`
    fn environment(&mut self, name: &str, place: Option<Place>) -> Value {
        if name == "CI" {
            return Value::Undefined;
        }
        let bits = self.kind_of_setting(name);
        match place {
            Some(place) => {
                let note = format!("process.env.{name}");
                let origin = self.setting_origin(place, &note, setting(bits));
                Value::Unknown(Provenance::at(bits, origin), Presence::Maybe)
            }
            None => Value::from_bits(bits),
        }
    }

    /// An imported function, class or object, as it is: nothing that could be absent.
    pub fn is_static(&self, external: &External) -> bool {
        let text = self.paths.text(external.path);
        (!text.ends_with("()")
            && external.receiver.is_none()
            && !external.provenance.bits.has(Bits::CONFIG))
            || text.ends_with('!') && !external.provenance.bits.has(Bits::CONFIG)
    }

    /// Awaiting a value that is no call: a promise that was made before.
    pub fn awaited(&mut self, v: &Value, state: &mut State, place: Place) {
        match v {
            Value::External(external) => self.await_external(&Rc::clone(external), state, place),
            Value::Array(items) | Value::Choice(items) => {
                for item in items.iter() {
                    if let Value::External(external) = item {
                        self.await_external(&Rc::clone(external), state, place);
                    }
                }
            }
            _ => {}
        }
    }

    fn await_external(&mut self, external: &External, state: &mut State, place: Place) {
        let text = self.paths.text(external.path);
        let known = self.paths.known(external.path);
        if text.ends_with("()")
            && !known.light
            && !known.connects
            && !self.is_request_path(external.path)
            && external.provenance.bits.0 & (Bits::LIMITER.0 | Bits::SCHEMA.0) == 0
        {
            self.work(state, place, &text);
        }
    }

    /// Main work was met here; the first is kept, with the functions that were called on the way to it.
    pub fn meet_work(&mut self, work: Option<&FirstWork>) {
        let Some(work) = work else {
            return;
        };
        if self.first_work.is_some() || self.muted > 0 || self.catching > 0 {
            return;
        }
        let called = self.calls.iter().skip(self.work_base.max(1));
        let places = called.map(|call| Place {
            module: call.module,
            span: self.module(call.module).function(call.function).span,
        });
        let mut through: Vec<Place> = places.chain(work.through.iter().copied()).collect();
        let more = through.len().saturating_sub(MOST_STEPS);
        through.drain(..more);
        self.first_work = Some(FirstWork {
            through,
            ..work.clone()
        });
    }

    /// Main work was done.
    pub fn work(&mut self, state: &mut State, place: Place, what: &str) {
        state.work += 1;
        if state.missing.is_some() {
            state.missing = None;
        }
        if state.answered.is_some() && !state.passed_back {
            state.worked_after_answer = true;
        }
        if self.first_work.is_none() {
            self.meet_work(Some(&FirstWork {
                what: Rc::from(what),
                place,
                through: Vec::new(),
            }));
        }
        let failure = self.failure();
        // What a catch does on its way is no main work.
        if self.catching == 0 {
            state.asked = None;
            state.rejected = None;
            state.forgotten = true;
        }
        if failure != Failure::Escapes || self.catching == 0 {
            self.event(
                Event::Work {
                    failure,
                    what: Rc::from(what),
                },
                place,
            );
        }
    }

    /// Something is done with these values. What a handler was given as arguments counts wherever it goes; what was read of the
    /// request, wanted or not, only where work is done with it.
    fn input_used(&mut self, bits: Bits, light: bool, place: Place, how: Event) {
        // A credential in the URL is looked up, and is right or not: no form would make it better.
        let bits = if bits.has(Bits::CREDENTIAL) && !bits.has(Bits::INPUT.without(Bits::QUERY)) {
            bits.without(Bits::QUERY)
        } else {
            bits
        };
        let wanted = if light { Bits::ARGUMENT } else { Bits::INPUT };
        let used = Bits(bits.0 & wanted.0);
        if used != Bits::NONE {
            self.event(Event::Input(used), place);
        }
        if !light || used != Bits::NONE {
            self.input_goes_on(bits, place, how);
        }
        if bits.has(Bits::SCHEMA) {
            self.event(Event::SchemaAsked, place);
        }
    }

    /// Work is done with these values, or they are answered.
    fn input_goes_on(&mut self, bits: Bits, place: Place, how: Event) {
        if bits.has(Bits::INPUT) {
            self.event(how, place);
        }
        if bits.has(Bits::CHOICE) {
            self.event(Event::InputChooses, place);
        }
    }

    /// `fetch("https://api.openai.com/…", { method: "POST" })`: the category of what is asked for there.
    fn costly_request(&self, args: &[Value]) -> Option<&'a str> {
        let sends = match args.get(1)? {
            Value::Object(options) => match options.get("method") {
                Some(Value::String(method)) => !method.eq_ignore_ascii_case("get"),
                _ => false,
            },
            _ => false,
        };
        if !sends {
            return None;
        }
        match args.first()? {
            Value::String(url) => self.paths.sent_to(url),
            // A template begins with its first text.
            Value::External(external) => match external.args.first() {
                Some(Value::String(url)) => self.paths.sent_to(url),
                _ => None,
            },
            _ => None,
        }
    }

    /// Calls something of a package.
    pub fn call_external(
        &mut self,
        external: &Rc<External>,
        args: Vec<Value>,
        mut state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        let place = self.place(&state, id);
        let known = self.paths.known(external.path);
        let is = |meaning: Meaning| known.api.is_some_and(|api| api.is == meaning);
        let given = args.iter().fold(external.provenance.clone(), |all, v| {
            all.join(&v.provenance())
        });
        let names_caller =
            is(Meaning::UniqueLookup) && state.caller.is_none() && named_by_caller(&args).is_some();
        // Whatever it is called on, any other call of that name is one of which nothing is known.
        if is(Meaning::UniqueLookup) && !names_caller && self.paths.is_of_unknown(external.path) {
            return self.call_unknown(external.provenance.clone(), args, state, id, used);
        }
        let light = known.light && !is(Meaning::Work);
        // What is logged, or compared with a signature, or says which pages are out of date, is not yet used.
        let aside = known.api.is_some_and(|api| {
            matches!(
                api.is,
                Meaning::Log
                    | Meaning::Console
                    | Meaning::Track
                    | Meaning::Refresh
                    | Meaning::Compare
                    | Meaning::CheckSignature
                    | Meaning::VerifySignature
            )
        });
        let to_it = || Event::InputGoesOn {
            to: Some(external.path),
        };
        if !aside {
            self.input_used(given.bits, light, place, to_it());
        }
        if light && answers(known.api) {
            self.input_goes_on(given.bits, place, to_it());
        }
        if is(Meaning::Work) {
            let mut sent = args.iter().skip(1);
            if sent.any(|v| v.provenance().bits.has(Bits::INPUT)) {
                self.event(Event::InputSent, place);
            }
        }
        // `pino().error.bind(logger)` is that function, and `f.call(self, x)` calls it.
        if known.api.is_none()
            && let Some(function) = &external.receiver
        {
            let function = Rc::clone(function);
            let text = self.paths.text(external.path);
            if text.ends_with(".bind") && args.len() == 1 {
                return value(state, Value::External(function));
            }
            if text.ends_with(".call") && !args.is_empty() {
                let args = args.into_iter().skip(1).collect();
                return self.call_external(&function, args, state, id, used);
            }
        }
        if self.is_request_path(external.path) && !is(Meaning::Log) {
            if let Some((listener, given)) = self.body_listener(external, &args, place) {
                self.acting = self.own();
                return self.call(&listener, None, given, state, id, Use::Awaited);
            }
            return self.call_request(external, args, state, place);
        }
        let next = args.iter().find_map(|arg| match arg {
            Value::Native(native) => match &**native {
                Native::Next(chain) => Some(Rc::clone(chain)),
                _ => None,
            },
            _ => None,
        });
        if let Some(chain) = next {
            // `bearerAuth(options)(c, next)`: a package's middleware, called by hand.
            let before = Chain {
                at: chain.at.saturating_sub(1),
                ..Chain::clone(&chain)
            };
            return self.external_layer(external, &Rc::new(before), state, id);
        }
        // `cookieParser(secret)(req, res, () => …)`: the same, with what comes behind it written out.
        if let [request, _, onward @ Value::Function(_)] = args.as_slice()
            && known.api.is_none()
            && matches!(request, Value::External(it) if self.is_request_path(it.path))
        {
            let onward = onward.clone();
            self.acting = self.own();
            return self.call(
                &onward,
                None,
                vec![Value::Undefined],
                state,
                id,
                Use::Awaited,
            );
        }
        let called = self.paths.called(external.path);
        if let Some(kind) = self.paths.known(called).builder {
            return value(state, self.builder(kind, args));
        }
        if let Some((api, options)) = self.made_handler(external) {
            return self.handler_of_package(api, &options, state, id);
        }
        if let Some(category) = known.expensive {
            self.event(Event::Expensive(Rc::from(category)), place);
        }
        if known.sends
            && let Some(category) = self.costly_request(&args)
        {
            self.event(Event::Expensive(Rc::from(category)), place);
        }
        let text = self.paths.text(external.path);
        let counts = match known.api.map(|api| api.is) {
            Some(Meaning::RecentCount) => asks_since(&args),
            Some(Meaning::ScriptCount) => script_counts(&args),
            Some(Meaning::UniqueLookup) => names_caller,
            _ => true,
        };
        if let Some(api) = known.api.filter(|_| !is(Meaning::Work) && counts) {
            return self.meaning(api, known.by_name, external, args, given, state, id, used);
        }
        if !light && args.iter().any(|arg| self.holds_request(arg)) {
            self.event(Event::Delegated, place);
        }
        let mut provenance = external.provenance.clone().with_data_of(&args);
        let name = text.rsplit(['.', '#']).next().unwrap_or("");
        // Whoever makes the same hash has the key, wherever the application keeps it.
        if name == "createHmac"
            && args.get(1).is_some_and(|key| {
                !matches!(key, Value::String(_)) && !key.provenance().bits.has(Bits::REQUEST)
            })
        {
            provenance.bits = provenance.bits.with(Bits::SECRET);
        }
        let functions = args
            .iter()
            .filter(|arg| matches!(arg, Value::Function(_) | Value::Native(_)))
            .count();
        if functions == 0 && args.iter().any(|arg| self.only_logs(arg)) {
            self.run_aside(&args, &state, id);
        }
        // Where nothing is recorded, a callback of a package tells nothing either.
        if functions > 0 && self.muted == 0 {
            let iterates = is_iteration(name);
            if functions == 1 && !iterates && !light && matches!(used, Use::Awaited | Use::Returned)
            {
                return self.run_argument(external, &args, state, id);
            }
            self.run_aside(&args, &state, id);
        }
        if light {
            // Held within a bound of the code's own.
            if matches!(&*text, "global#Math.min" | "global#Math.max")
                && args.iter().any(|arg| matches!(arg, Value::Number(_)))
            {
                let bits = provenance.bits.of_input_alone();
                if bits != Bits::NONE {
                    self.event(Event::ManualCheck(bits), place);
                }
            }
            if let Some(v) = self.ask_url_path(external, &args) {
                return value(state, v);
            }
            return value(
                state,
                self.light_result(&text, called, external, args, provenance),
            );
        }
        if provenance.bits.has(Bits::CREDENTIAL) {
            let shown = self.shown_credential(external, &args);
            if shown.has(Bits::CREDENTIAL) {
                let (to, own) = (external.path, shown.has(Bits::SECRET));
                self.event(Event::ShowsCredential { to, own }, place);
            }
        }
        if matches!(used, Use::Awaited | Use::Returned) && !known.connects {
            self.work(&mut state, place, &text);
            provenance = self.looked_up(provenance);
        }
        let receiver = Some(Rc::clone(external));
        value(
            state,
            Value::External(Rc::new(External {
                path: called,
                args,
                receiver,
                provenance,
            })),
        )
    }

    /// What the runtime's own functions give.
    fn light_result(
        &mut self,
        text: &str,
        called: PathId,
        external: &Rc<External>,
        args: Vec<Value>,
        provenance: Provenance,
    ) -> Value {
        let first = args.first();
        match text {
            "global#Promise.all"
            | "global#Promise.allSettled"
            | "global#Promise.resolve"
            | "global#Promise.race"
            | "global#Object.freeze"
            | "global#structuredClone"
            | "global#Object.entries" => first.cloned().unwrap_or(Value::Undefined),
            "global#Object.values" => match first {
                Some(Value::Object(object)) if object.open.is_none() => Value::Array(Rc::new(
                    object.fields.iter().map(|(_, v)| v.clone()).collect(),
                )),
                _ => Value::Unknown(provenance, Presence::Truthy),
            },
            "global#Object.assign" => super::expression::assigned(&args),
            "global#Object.keys" => match first {
                Some(Value::Object(object)) if object.open.is_none() => Value::Array(Rc::new(
                    object
                        .fields
                        .iter()
                        .map(|(key, _)| Value::String(Rc::clone(key)))
                        .collect(),
                )),
                Some(Value::Namespace(module)) => {
                    let names = self.graph.export_names(*module).into_iter();
                    Value::Array(Rc::new(
                        names.map(|name| Value::String(Rc::from(name))).collect(),
                    ))
                }
                _ => Value::Unknown(provenance, Presence::Truthy),
            },
            "global#Boolean" => first.map_or(Value::Bool(false), |v| match v.truth() {
                Some(truth) => Value::Bool(truth),
                None => Value::Unknown(provenance, Presence::Maybe),
            }),
            "global#Number" | "global#parseInt" | "global#parseFloat"
                if first.is_some_and(|v| self.default_of(v).is_some()) =>
            {
                first.cloned().unwrap_or(Value::Undefined)
            }
            "global#String" => match first {
                Some(Value::String(text)) => Value::String(Rc::clone(text)),
                Some(Value::Number(n)) => Value::text(&n.to_string()),
                _ => Value::Unknown(provenance, Presence::Maybe),
            },
            "global#require" => match first {
                Some(Value::String(package)) => {
                    let path = self.paths.root(package, "", "*");
                    self.external(path, Provenance::default())
                }
                _ => Value::unknown(),
            },
            // What is kept for an object says nothing of what the object holds.
            "global#WeakMap!.get" => Value::Unknown(Provenance::default(), Presence::Maybe),
            // A list of paths that a middleware lets through, as a set.
            "global#Set!.has" => {
                let items = external.receiver.as_ref().and_then(|set| set.args.first());
                let held = match (items, first) {
                    (Some(Value::Array(items)), Some(wanted)) => self.contains(items, wanted),
                    _ => None,
                };
                held.map_or_else(|| super::native::accepted(provenance), Value::Bool)
            }
            "global#isNaN"
            | "global#isFinite"
            | "global#Number.isNaN"
            | "global#Number.isFinite"
            | "global#Number.isInteger"
            | "global#Number.isSafeInteger" => super::native::accepted(provenance),
            "global#Symbol" => Value::Unknown(provenance, Presence::Truthy),
            _ if text.starts_with("global#") && !text.contains('!') => {
                Value::Unknown(provenance, Presence::Maybe)
            }
            _ => Value::External(Rc::new(External {
                path: called,
                args,
                receiver: Some(Rc::clone(external)),
                provenance,
            })),
        }
    }

    /// A call of a package that takes one function: it runs it and gives what it gives.
    fn run_argument(
        &mut self,
        external: &Rc<External>,
        args: &[Value],
        mut state: State,
        id: ExprId,
    ) -> Outcomes {
        let text = self.paths.text(external.path);
        let place = self.place(&state, id);
        self.work(&mut state, place, &text);
        let Some(function) = args
            .iter()
            .find(|arg| matches!(arg, Value::Function(_) | Value::Native(_)))
            .cloned()
        else {
            return value(state, Value::unknown());
        };
        let outcomes = self.call(
            &function,
            None,
            vec![Value::unknown()],
            state,
            id,
            Use::Awaited,
        );
        outcomes
            .into_iter()
            .map(|(state, flow)| {
                let flow = flow.map(|v| match v {
                    Value::Response(_)
                    | Value::Object(_)
                    | Value::Array(_)
                    | Value::Null
                    | Value::Undefined => v,
                    other => Value::Unknown(other.provenance(), Presence::Maybe),
                });
                (state, flow)
            })
            .collect()
    }

    /// `console.error`, `logger.warn`, handed on to be called.
    fn only_logs(&self, v: &Value) -> bool {
        let Value::External(external) = v else {
            return false;
        };
        let api = self.paths.known(external.path).api;
        api.is_some_and(|api| matches!(api.is, Meaning::Log | Meaning::Console))
    }

    /// Functions handed to a package that may run them any number of times: seen, but nothing follows from them.
    pub fn run_aside(&mut self, args: &[Value], state: &State, id: ExprId) {
        if self.muted > 0 {
            return;
        }
        for arg in args {
            if matches!(arg, Value::Function(_))
                || super::effects::effect_of(arg).is_some()
                || self.only_logs(arg)
            {
                let parameters = vec![Value::unknown(), Value::unknown(), Value::unknown()];
                let outcomes = self.call(arg, None, parameters, state.clone(), id, Use::Awaited);
                // What it throws is not followed, but what it threw for is.
                for (state, flow) in outcomes {
                    if let (Err(_), Some((place, bits))) = (flow, state.rejected) {
                        self.event(Event::ManualCheck(bits), place);
                    }
                }
            }
        }
    }

    /// The functions of a stream run once the answer is on its way, outside every `try` around it.
    fn run_stream(&mut self, args: &[Value], state: &State, id: ExprId) {
        let Some(Value::Object(source)) = args.first() else {
            return;
        };
        let protection = std::mem::take(&mut self.protection);
        for (_, function) in &source.fields {
            self.run_aside(std::slice::from_ref(function), state, id);
        }
        self.protection = protection;
    }

    /// What is answered about a caller is no longer what the caller sent, nor what a comparison of that came to; nor does it come
    /// from the settings of whatever was asked.
    pub fn looked_up(&self, mut provenance: Provenance) -> Provenance {
        let bits = provenance.bits;
        provenance.bits = bits.with(Bits::ANSWER);
        if !bits.has(Bits::REQUEST) {
            provenance.bits = provenance.bits.with(Bits::AMBIENT);
        }
        if bits.has(Bits::CREDENTIAL.with(Bits::IDENTITY)) {
            provenance.bits = provenance.bits.with(Bits::LOOKUP);
        }
        provenance.bits = provenance.bits.without(
            Bits::SENT
                .with(Bits::PARAM)
                .with(Bits::HEADER)
                .with(Bits::SECRET)
                .with(Bits::CONFIG)
                .with(Bits::COMPARED)
                .with(Bits::NEGATED),
        );
        provenance.without_origins(|origin| self.origins[origin.0 as usize].setting.is_some())
    }

    /// Calls something of which nothing is known.
    pub fn call_unknown(
        &mut self,
        provenance: Provenance,
        args: Vec<Value>,
        mut state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        let place = self.place(&state, id);
        let unresolved = provenance.bits.has(Bits::UNRESOLVED);
        // Whoever is handed the request itself may turn it away, whatever was done before.
        let takes_over = provenance.bits == Bits::NONE
            && self.own()
            && args.iter().any(|arg| self.holds_request(arg));
        let told = args
            .iter()
            .fold(Bits::NONE, |all, v| all.with(v.provenance().bits));
        let light = used != Use::Awaited;
        let of_input = provenance.bits.has(Bits::INPUT) && !told.has(Bits::INPUT);
        let record = self.module(place.module);
        let method = match record.expr(id) {
            Expr::Call { callee, .. } => match record.expr(*callee) {
                Expr::Member { property, .. } => record.name(*property),
                _ => "",
            },
            _ => "",
        };
        let how = if light && !unresolved && (of_input || super::native::only_compares(method)) {
            Event::InputPart
        } else {
            Event::InputGoesOn { to: None }
        };
        self.input_used(provenance.bits.with(told), light, place, how);
        self.run_aside(&args, &state, id);
        let mut provenance = provenance.with_data_of(&args);
        if unresolved && state.work == 0 || takes_over {
            state.blind = true;
            self.event(Event::Unseen, place);
        }
        if used == Use::Awaited {
            self.work(&mut state, place, "call");
            provenance = self.looked_up(provenance);
        }
        value(state, Value::Unknown(provenance, Presence::Maybe))
    }

    /// `new` of something of a package.
    pub fn construct_external(
        &mut self,
        class: &Rc<External>,
        args: Vec<Value>,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        let path = self.paths.constructed(class.path);
        let known = self.paths.known(path);
        if let Some(kind) = known.builder {
            return value(state, self.builder(kind, args));
        }
        if let Some(api) = known.api.filter(|api| api.is == Meaning::Effect) {
            return self.effect_function(api, class, args, state, id, Use::Plain);
        }
        if let Some(category) = known.expensive {
            let place = self.place(&state, id);
            self.event(Event::Expensive(Rc::from(category)), place);
        }
        let text = self.paths.text(path);
        let provenance = args
            .iter()
            .fold(class.provenance.clone(), |all, v| all.join(&v.provenance()));
        if let Some(Meaning::Respond | Meaning::Redirect | Meaning::PassOn) =
            known.api.map(|api| api.is)
        {
            let api = known.api;
            let place = self.place(&state, id);
            self.shares(&args, place);
            let status = api
                .and_then(|api| api.status)
                .or_else(|| status_of(&args))
                .or(Some(200));
            return value(state, self.response(status, ResponseKind::Body, provenance));
        }
        if &*text == "global#Promise!" {
            let Some(executor @ Value::Function(_)) = args.first() else {
                return value(state, Value::Unknown(provenance, Presence::Maybe));
            };
            return self.run_executor(executor, state, id, provenance);
        }
        if matches!(&*text, "global#ReadableStream!" | "global#TransformStream!") {
            self.run_stream(&args, &state, id);
        }
        if text.starts_with("global#") && text.ends_with("Error!") {
            let mut object = Object::default();
            let message = args.first().cloned();
            object.set(
                Rc::from("message"),
                message.unwrap_or_else(|| Value::text("")),
            );
            for known in ["name", "stack"] {
                let some = Value::Unknown(Provenance::default(), Presence::Truthy);
                object.set(Rc::from(known), some);
            }
            return value(state, Value::Object(Rc::new(object)));
        }
        let provenance = if known.api.is_some_and(|api| api.is == Meaning::Store) {
            Provenance::of(Bits::COUNT)
        } else {
            provenance
        };
        value(
            state,
            Value::External(Rc::new(External {
                path,
                args,
                receiver: None,
                provenance,
            })),
        )
    }
}

/// What is called makes an answer of what it is given.
fn answers(api: Option<&Api>) -> bool {
    api.is_some_and(|api| {
        matches!(
            api.is,
            Meaning::Respond | Meaning::Redirect | Meaning::ThrowRedirect
        )
    })
}

/// Methods that call their function once for each item.
fn is_iteration(name: &str) -> bool {
    matches!(
        name,
        "map"
            | "forEach"
            | "filter"
            | "some"
            | "every"
            | "find"
            | "findIndex"
            | "reduce"
            | "flatMap"
            | "sort"
            | "on"
            | "once"
            | "then"
    )
}

/// What part of the configuration has these bits.
fn setting(bits: Bits) -> SettingKind {
    if bits.has(Bits::SECRET) {
        SettingKind::Secret
    } else {
        SettingKind::Plain
    }
}

/// Bundlers write the variable into code for browsers, as Next.js, Vite, Create React App and Expo document it: no secret.
fn is_published(name: &str) -> bool {
    let prefixes = ["NEXT_PUBLIC_", "VITE_", "REACT_APP_", "EXPO_PUBLIC_"];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// How the names of variables begin that hosting platforms set by themselves, as their documentation lists them. Nobody chose
/// them, so what they switch is ordinary.
const PLATFORMS: [&str; 9] = [
    "VERCEL",
    "NEXT_PUBLIC_VERCEL",
    "NETLIFY",
    "RAILWAY_",
    "RENDER",
    "FLY_",
    "K_SERVICE",
    "AWS_",
    "CF_PAGES",
];

/// The status in `{ status }`, or a bare number as second argument.
pub(super) fn status_of(args: &[Value]) -> Option<u16> {
    args.iter().skip(1).find_map(|arg| match arg {
        Value::Object(object) => match object.get("status") {
            Some(Value::Number(status)) => Some(*status as u16),
            _ => None,
        },
        Value::Number(status) if (100.0..600.0).contains(status) => Some(*status as u16),
        _ => None,
    })
}
