//! The request, the response object and the context that frameworks hand to a handler.
//!
//! They are external values below the roots `request#`, `response#` and `context#`.

use std::rc::Rc;

use globset::{GlobBuilder, GlobSetBuilder};

use smallvec::smallvec;

use crate::rule::wildcard;
use crate::syntax::Name;

use super::evaluator::Evaluator;
use super::paths::PathId;
use super::record::{Event, Place};
use super::state::{Outcomes, State, value};
use super::url_path::UrlPath;
use super::value::{Bits, External, Presence, Provenance, Response, ResponseKind, Value};

/// How far into what a call is given a credential is looked for.
const MOST_PARTS: u8 = 6;

/// The request's path where it has dynamic segments.
const URL_PATH: &str = "text#path";

/// The path that was asked for, where something is mounted at a part of it.
const WHOLE_PATH: &str = "text#whole-path";

impl<'a> Evaluator<'a> {
    /// The request, as a handler gets it.
    pub fn request(&mut self) -> Value {
        let path = self.paths.root("request", "", "*");
        self.external(path, Provenance::default())
    }

    /// The `res` object of Pages Router and Express handlers.
    pub fn response_object(&mut self) -> Value {
        let path = self.paths.root("response", "", "*");
        self.external(path, Provenance::default())
    }

    /// The context of Hono handlers.
    pub fn context(&mut self) -> Value {
        let path = self.paths.root("context", "", "*");
        self.external(path, Provenance::default())
    }

    pub fn is_request_path(&self, path: PathId) -> bool {
        let text = self.paths.text(path);
        ["request#", "response#", "context#"]
            .iter()
            .any(|root| text.starts_with(root))
    }

    /// The value is the request itself, its response object or its context.
    pub fn is_request(&self, v: &Value) -> bool {
        matches!(v, Value::External(external) if matches!(&*self.paths.text(external.path), "request#" | "response#" | "context#"))
    }

    /// The request, or an object of options with the request in it.
    pub fn holds_request(&self, v: &Value) -> bool {
        match v {
            Value::Object(object) => object.fields.iter().any(|(_, v)| self.is_request(v)),
            other => self.is_request(other),
        }
    }

    /// Keeps a value on the request. `base` is the object that gets it as its member `name`.
    pub fn keep_on_request(&mut self, base: PathId, name: &str, value: Value, state: &mut State) {
        // What nobody knows says less of who is calling than the name does.
        let silent =
            matches!(value, Value::Unknown(..)) && !value.provenance().bits.can_authenticate();
        if silent && is_identity(name) {
            return;
        }
        let path = self.paths.member(base, name);
        let kept = Rc::make_mut(&mut state.kept_on_request);
        if let Some((_, Value::Object(object))) = kept.iter_mut().find(|(at, _)| *at == base) {
            Rc::make_mut(object).set(Rc::from(name), value);
            return;
        }
        match kept.iter_mut().find(|(at, _)| *at == path) {
            Some((_, slot)) => *slot = value,
            None => kept.push((path, value)),
        }
    }

    /// What is kept on the request as a member of one of its parts. A function that keeps something there and asks first
    /// whether it did so before finds nothing: `if (!req.context) req.context = {}`.
    pub fn kept_on_request(
        &mut self,
        object: &Value,
        property: Name,
        state: &State,
    ) -> Option<Value> {
        let Value::External(external) = object else {
            return None;
        };
        if !self.is_request_path(external.path) {
            return None;
        }
        let scope = &state.scope;
        let name = self.module(scope.module).name(property);
        let path = self.paths.member(external.path, name);
        let mut kept = state.kept_on_request.iter();
        if let Some((_, value)) = kept.find(|(at, _)| *at == path) {
            return Some(value.clone());
        }
        let own = !is_part(name) && !is_identity(name);
        (own && self.sets_member(scope.module, scope.function, property))
            .then_some(Value::Undefined)
    }

    /// Who is calling is read from where middleware has kept it.
    pub fn recognised(&mut self, kept: &Value, place: Place) {
        if kept.provenance().bits.has(Bits::IDENTITY) {
            self.event(Event::Identity, place);
        }
    }

    /// A member of the request, or of something that a request is made of.
    pub fn request_member(
        &mut self,
        external: &Rc<External>,
        name: &str,
        place: Option<Place>,
    ) -> Option<Value> {
        let text = self.paths.text(external.path);
        let seen = |this: &mut Self, bits: Bits| {
            if let Some(place) = place {
                this.input(bits, place);
            }
            Some(Value::from_bits(bits))
        };
        let below = |this: &mut Self, name: &str, bits: Bits| {
            let path = this.paths.root("request", "", name);
            Some(this.external(path, Provenance::of(bits)))
        };
        match &*text {
            "context#" => match name {
                "req" => Some(self.request()),
                "res" => Some(self.response_object()),
                "env" => Some(Value::from_bits(Bits::CONFIG)),
                "var" => {
                    let path = self.paths.root("context", "", "var");
                    Some(self.external(path, Provenance::default()))
                }
                _ => None,
            },
            "context#var" => Some(self.kept_in_context(name, place)),
            "request#" => match name {
                "headers" => below(self, "headers", Bits::CREDENTIAL),
                "cookies" => below(self, "cookies", Bits::CREDENTIAL),
                "nextUrl" => below(self, "nextUrl", Bits::NONE),
                "query" => below(self, "query", Bits::QUERY),
                "params" => below(self, "params", Bits::PARAM),
                // What contexts are made of: the request, or an object that holds it.
                "raw" | "req" | "request" => Some(self.request()),
                "res" => Some(self.response_object()),
                "url" => Some(Value::Unknown(
                    Provenance::of(Bits::QUERY),
                    Presence::Truthy,
                )),
                "method" => Some(match self.target.method() {
                    Some(method) => Value::String(Rc::clone(method)),
                    None => Value::Unknown(Provenance::default(), Presence::Truthy),
                }),
                "originalUrl" => Some(self.path_value(WHOLE_PATH)),
                "path" | "pathname" => Some(self.path_value(URL_PATH)),
                "body" | "rawBody" | "file" | "files" => seen(self, Bits::BODY),
                _ if is_identity(name) => {
                    let place = place?;
                    self.event(Event::Identity, place);
                    let origin = self.origin(place, &format!("request.{name}"), None, true);
                    Some(Value::Unknown(
                        Provenance::at(Bits::IDENTITY.with(Bits::PENDING), origin),
                        Presence::Maybe,
                    ))
                }
                "ip" | "geo" | "socket" | "connection" => Some(Value::from_bits(Bits::HEADER)),
                _ => None,
            },
            "request#headers" if !is_accessor(name) => Some(self.header(name, place)),
            "request#cookies" if !is_accessor(name) => Some(self.cookie(name, place)),
            "request#nextUrl" => match name {
                "pathname" => Some(self.path_value(URL_PATH)),
                "searchParams" => below(self, "query", Bits::QUERY),
                "search" | "href" => Some(Value::Unknown(
                    Provenance::of(Bits::QUERY),
                    Presence::Truthy,
                )),
                "origin" | "host" | "hostname" | "protocol" => Some(Value::Unknown(
                    Provenance::of(Bits::HEADER),
                    Presence::Truthy,
                )),
                _ => None,
            },
            "request#query" if !is_accessor(name) => Some(self.query(name, place)),
            // An address that has no such segment never brings one.
            "request#params"
                if self.target.whole_path().is_some()
                    && !self
                        .target
                        .params()
                        .iter()
                        .any(|known| known.contains(name)) =>
            {
                Some(Value::Undefined)
            }
            "request#params" => Some(Value::from_bits(self.param_bits(name))),
            "global#URL!" if self.of_request(external) => match name {
                "searchParams" => below(self, "query", Bits::QUERY),
                "pathname" => Some(self.path_value(URL_PATH)),
                _ => Some(Value::Unknown(Provenance::default(), Presence::Truthy)),
            },
            _ => None,
        }
    }

    /// `c.set("user", user)`
    fn keep_in_context(&mut self, key: &str, v: &Value) {
        self.private = true;
        match self.kept.iter_mut().find(|(name, _)| **name == *key) {
            Some((_, kept)) => *kept = kept.join(v),
            None => self.kept.push((Rc::from(key), v.clone())),
        }
    }

    /// `c.get("user")`, `c.var.user`: what a layer in front kept there, which other paths may not have done.
    fn kept_in_context(&mut self, key: &str, place: Option<Place>) -> Value {
        self.private = true;
        let kept = self.kept.iter().find(|(name, _)| **name == *key);
        if let Some(kept) = kept.map(|(_, kept)| kept.clone()) {
            if let Some(place) = place {
                self.recognised(&kept, place);
            }
            let mut provenance = kept.provenance();
            return match kept {
                Value::Unknown(..) | Value::Null | Value::Undefined | Value::External(_)
                    if provenance.bits.has(Bits::IDENTITY) =>
                {
                    provenance.bits = provenance.bits.with(Bits::PENDING);
                    Value::Unknown(provenance, Presence::Maybe)
                }
                known => known,
            };
        }
        let lower = key.to_ascii_lowercase();
        let words = ["user", "session", "auth", "account"];
        if !words.iter().any(|word| lower.contains(word)) {
            return Value::unknown();
        }
        let bits = Bits::IDENTITY.with(Bits::PENDING);
        match place {
            Some(place) => {
                let origin = self.origin(place, &format!("context.{key}"), None, true);
                Value::Unknown(Provenance::at(bits, origin), Presence::Maybe)
            }
            None => Value::from_bits(bits),
        }
    }

    fn of_request(&self, external: &External) -> bool {
        external.provenance.bits.has(Bits::QUERY)
    }

    /// The path: a text where it is the same for all requests of the route, else a value with parts that are fixed.
    fn path_value(&mut self, which: &str) -> Value {
        let Some(path) = self.path_named(which).cloned() else {
            return Value::Unknown(Provenance::default(), Presence::Truthy);
        };
        if let Some(only) = path.constant() {
            return Value::String(Rc::clone(only));
        }
        let args = path.fixed.iter().cloned().map(Value::String).collect();
        let path = self.paths.intern(which.to_owned());
        Value::External(Rc::new(External {
            path,
            args,
            receiver: None,
            provenance: Provenance::default(),
        }))
    }

    /// Whether a path, which may be the one of all requests of the route, fits one of the globs.
    pub fn fits_glob(&self, path: Option<&Value>, globs: Option<&Value>) -> Option<bool> {
        let globs: &[Value] = match globs? {
            Value::Array(items) => items,
            one => std::slice::from_ref(one),
        };
        let mut texts = Vec::with_capacity(globs.len());
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            let Value::String(text) = glob else {
                return None;
            };
            // A star stands for one segment, as in the packages that this is about.
            set.add(
                GlobBuilder::new(text)
                    .literal_separator(true)
                    .build()
                    .ok()?,
            );
            texts.push(&**text);
        }
        let set = set.build().ok()?;
        match path? {
            Value::String(path) => Some(set.is_match(&**path)),
            Value::External(external) if self.is_url_path(external) => {
                self.target.path()?.decide(texts, |path| set.is_match(path))
            }
            _ => None,
        }
    }

    /// The value is the request's path, of which some segments are not known.
    pub fn is_url_path(&self, external: &External) -> bool {
        matches!(&*self.paths.text(external.path), URL_PATH | WHOLE_PATH)
    }

    fn path_named(&self, which: &str) -> Option<&Rc<UrlPath>> {
        match which {
            WHOLE_PATH => self.target.whole_path(),
            _ => self.target.path(),
        }
    }

    fn path_of(&self, value: &External) -> Option<&Rc<UrlPath>> {
        self.path_named(&self.paths.text(value.path))
    }

    /// What a method says of the path that it is called on: `pathname.startsWith("/api")`.
    pub fn ask_url_path(&mut self, external: &External, args: &[Value]) -> Option<Value> {
        let receiver = external.receiver.as_ref()?;
        if !self.is_url_path(receiver) {
            return None;
        }
        let text = self.paths.text(external.path);
        let name = text.rsplit('.').next().unwrap_or("");
        let path = self.path_of(receiver)?;
        let answer = match (name, args.first()) {
            ("startsWith", Some(Value::String(start))) => {
                path.decide([&**start], |path| path.starts_with(&**start))
            }
            ("endsWith", Some(Value::String(end))) => {
                path.decide([&**end], |path| path.ends_with(&**end))
            }
            ("includes", Some(Value::String(part))) => {
                path.decide([&**part], |path| path.contains(&**part))
            }
            ("match", Some(Value::Regex(source))) => {
                return Some(match self.path_fits(receiver, source)? {
                    true => Value::Unknown(Provenance::default(), Presence::Truthy),
                    false => Value::Null,
                });
            }
            ("toLowerCase" | "toString" | "trim", None) => {
                return Some(Value::External(Rc::clone(receiver)));
            }
            _ => return None,
        };
        answer.map(Value::Bool)
    }

    /// Whether a regular expression matches the request's path, when it is the same for all requests of the route.
    pub fn path_fits(&self, path: &External, source: &str) -> Option<bool> {
        let regex = fancy_regex::Regex::new(source).ok()?;
        let path = self.path_of(path)?;
        path.decide([source], |path| regex.is_match(path).unwrap_or(false))
    }

    /// Whether two values are equal, when that is certain; the request's path is held against texts.
    pub fn equal(&self, a: &Value, b: &Value) -> Option<bool> {
        match (a, b) {
            (Value::External(path), Value::String(text))
            | (Value::String(text), Value::External(path))
                if self.is_url_path(path) =>
            {
                let path = self.path_of(path)?;
                path.decide([&**text], |path| path == &**text)
            }
            _ => super::expression::equal(a, b),
        }
    }

    fn credential(&mut self, what: &str, place: Option<Place>) -> Value {
        match place {
            Some(place) => {
                let origin = self.origin(place, what, None, false);
                Value::Unknown(Provenance::at(Bits::CREDENTIAL, origin), Presence::Maybe)
            }
            None => Value::from_bits(Bits::CREDENTIAL),
        }
    }

    fn cookie(&mut self, name: &str, place: Option<Place>) -> Value {
        let lower = name.to_ascii_lowercase();
        let named = |patterns: &[String]| patterns.iter().any(|pattern| wildcard(pattern, &lower));
        let holds = named(&self.library.holder_cookies);
        if !holds && !named(&self.library.plain_cookies) {
            return self.credential("cookie", place);
        }
        if let Some(place) = place.filter(|_| holds) {
            self.event(Event::HolderCookie, place);
        }
        Value::from_bits(Bits::HEADER)
    }

    fn names_credential(&self, lower: &str) -> bool {
        let mut patterns = self.library.credential_headers.iter();
        patterns.any(|pattern| wildcard(pattern, lower))
    }

    /// What a call of a package is shown of the caller's credentials: `{ apiKey: key }`, with it or with what it is called on.
    pub fn shown_credential(&self, on: &External, args: &[Value]) -> Bits {
        let shown = |value: &Value| self.credential_in(value, MOST_PARTS);
        let found = args.iter().find_map(shown);
        let made = || self.credential_of(on, MOST_PARTS);
        found.or_else(made).unwrap_or_default()
    }

    fn credential_of(&self, external: &External, depth: u8) -> Option<Bits> {
        if depth == 0 || !external.provenance.bits.has(Bits::CREDENTIAL) {
            return None;
        }
        let mut args = external.args.iter();
        let given = args.find_map(|value| self.credential_in(value, depth - 1));
        given.or_else(|| self.credential_of(external.receiver.as_deref()?, depth - 1))
    }

    fn credential_in(&self, value: &Value, depth: u8) -> Option<Bits> {
        match value {
            Value::External(external) => self.credential_of(external, depth),
            Value::Object(object) if depth > 0 => object.fields.iter().find_map(|(key, value)| {
                let bits = value.provenance().bits;
                if !bits.has(Bits::CREDENTIAL) {
                    return None;
                }
                let named = || self.names_credential(&key.to_ascii_lowercase());
                match value {
                    Value::Object(_) => self.credential_in(value, depth - 1),
                    _ if named() => Some(bits),
                    other => self.credential_in(other, depth - 1),
                }
            }),
            _ => None,
        }
    }

    fn header(&mut self, name: &str, place: Option<Place>) -> Value {
        let lower = name.to_ascii_lowercase();
        if self.names_credential(&lower) {
            self.credential(&format!("header {lower}"), place)
        } else {
            Value::from_bits(Bits::HEADER)
        }
    }

    fn query(&mut self, name: &str, place: Option<Place>) -> Value {
        if self.target.params().iter().any(|param| param == name) {
            return Value::from_bits(self.param_bits(name));
        }
        if self.is_secret_name(&name.to_ascii_uppercase()) {
            return Value::from_bits(Bits::QUERY.with(Bits::CREDENTIAL));
        }
        if let Some(place) = place {
            self.input(Bits::QUERY, place);
        }
        Value::from_bits(Bits::QUERY)
    }

    /// A dynamic segment; one that is named like a secret is a credential in the URL.
    pub fn param_bits(&self, name: &str) -> Bits {
        let mut upper = String::new();
        for c in name.chars() {
            if c.is_ascii_uppercase() && !upper.is_empty() {
                upper.push('_');
            }
            upper.push(c.to_ascii_uppercase());
        }
        if self.is_secret_name(&upper) {
            Bits::PARAM.with(Bits::CREDENTIAL)
        } else {
            Bits::PARAM
        }
    }

    /// `req.on("data", chunk => …)`, `req.on("end", () => …)`: what is called as the body comes in, and what it is given.
    pub fn body_listener(
        &mut self,
        external: &External,
        args: &[Value],
        place: Place,
    ) -> Option<(Value, Vec<Value>)> {
        let [Value::String(event), listener @ Value::Function(_)] = args else {
            return None;
        };
        if !matches!(
            &*self.paths.text(external.path),
            "request#on" | "request#once"
        ) {
            return None;
        }
        let given = match &**event {
            "data" => vec![self.chunk_of_body(place)],
            "end" => Vec::new(),
            _ => return None,
        };
        Some((listener.clone(), given))
    }

    /// A part of the body, read as a stream.
    pub fn chunk_of_body(&mut self, place: Place) -> Value {
        self.event(Event::InputAtHand(Bits::BODY), place);
        Value::Unknown(Provenance::of(Bits::BODY), Presence::Truthy)
    }

    /// Calls a method of the request, the response object or the context.
    pub fn call_request(
        &mut self,
        external: &Rc<External>,
        args: Vec<Value>,
        mut state: State,
        place: Place,
    ) -> Outcomes {
        let text = self.paths.text(external.path);
        let (root, path) = text.split_once('#').unwrap_or(("", ""));
        let name = path.rsplit('.').next().unwrap_or("");
        let text_of = |v: Option<&Value>| match v {
            Some(Value::String(text)) => Some(text.to_string()),
            _ => None,
        };
        if root == "response" {
            return self.call_response(external, name, &args, state, place);
        }
        if root == "context" {
            return match name {
                "json" | "text" | "html" | "body" | "newResponse" => {
                    let status = super::external::status_of(&args).or(Some(200));
                    value(
                        state,
                        self.response(status, ResponseKind::Body, Provenance::default()),
                    )
                }
                "redirect" => value(
                    state,
                    self.response(Some(302), ResponseKind::Redirect, Provenance::default()),
                ),
                "notFound" => value(
                    state,
                    self.response(Some(404), ResponseKind::Body, Provenance::default()),
                ),
                "get" => {
                    let key = text_of(args.first()).unwrap_or_default();
                    let kept = self.kept_in_context(&key, Some(place));
                    value(state, kept)
                }
                "set" => {
                    if let (Some(key), Some(v)) = (text_of(args.first()), args.get(1)) {
                        self.keep_in_context(&key, v);
                    }
                    value(state, Value::Undefined)
                }
                _ => value(state, Value::unknown()),
            };
        }
        let whole_query = |this: &mut Self| {
            this.input(Bits::QUERY, place);
            Value::from_bits(Bits::QUERY)
        };
        let v = match path {
            // A raw body is often read for its signature alone.
            "text" | "arrayBuffer" | "blob" | "bytes" => {
                self.event(Event::InputAtHand(Bits::BODY), place);
                Value::Unknown(Provenance::of(Bits::BODY), Presence::Truthy)
            }
            "json" | "formData" | "parseBody" => {
                self.input(Bits::BODY, place);
                Value::Unknown(Provenance::of(Bits::BODY), Presence::Truthy)
            }
            "clone" => self.request(),
            "valid" => {
                self.event(Event::Schema(Bits::INPUT), place);
                Value::Unknown(Provenance::of(Bits::PARSED), Presence::Truthy)
            }
            "param" => Value::from_bits(Bits::PARAM),
            "query" | "queries" => match text_of(args.first()) {
                Some(name) => self.query(&name, Some(place)),
                None => whole_query(self),
            },
            "get" | "header" | "headers.get" | "headers.has" => match text_of(args.first()) {
                Some(name) => self.header(&name, Some(place)),
                None => self.credential("headers", Some(place)),
            },
            "query.get" | "query.getAll" | "query.has" => match text_of(args.first()) {
                Some(name) => self.query(&name, Some(place)),
                None => whole_query(self),
            },
            "query.entries" | "query.toString" | "query.forEach" | "query.keys"
            | "query.values" => whole_query(self),
            _ if path.starts_with("cookies.") => match name {
                "get" | "getAll" | "has" => match text_of(args.first()) {
                    Some(name) => self.cookie(&name, Some(place)),
                    None => self.credential("cookie", Some(place)),
                },
                "set" if is_session(args.get(1)) => {
                    state.signed_in |= state.caller.is_none();
                    Value::Undefined
                }
                _ => Value::Undefined,
            },
            _ if path.starts_with("headers.") => self.credential("headers", Some(place)),
            _ if path.starts_with("nextUrl") => {
                let path = self.paths.root("request", "", "nextUrl");
                self.external(path, Provenance::default())
            }
            _ => Value::Unknown(external.provenance.clone(), Presence::Maybe),
        };
        value(state, v)
    }

    /// `res.status(401).json(…)` and its relatives.
    fn call_response(
        &mut self,
        external: &Rc<External>,
        name: &str,
        args: &[Value],
        mut state: State,
        place: Place,
    ) -> Outcomes {
        let number = |v: Option<&Value>| match v {
            Some(Value::Number(status)) => Some(*status as u16),
            _ => None,
        };
        let chosen = external.receiver.as_ref();
        let chosen = chosen.and_then(|receiver| receiver.args.first());
        match name {
            "status" | "writeHead" | "sendStatus" => {
                let status = number(args.first());
                if name != "status" {
                    self.answer(&mut state, status, ResponseKind::Body);
                }
                let path = self.paths.root("response", "", "*");
                let chained = External {
                    path,
                    args: args.to_vec(),
                    receiver: None,
                    provenance: Provenance::of(Bits::NONE),
                };
                let chained = Value::External(Rc::new(chained));
                smallvec![(state, Ok(chained))]
            }
            // `await c.res.clone().json()`: the answer that was made further in is read.
            "json" | "text" | "arrayBuffer" | "blob" | "formData"
                if args.is_empty() && chosen.is_none() =>
            {
                value(state, Value::unknown())
            }
            "json" | "send" | "end" | "write" | "pipe" | "sendFile" | "render" | "download"
            | "jsonp" => {
                let already = state.answered.as_ref().and_then(|answer| answer.status);
                let status = match chosen {
                    // A status that cannot be read is not 200: `res.status(error.status)`.
                    Some(status) => number(Some(status)),
                    None => already.or(Some(200)),
                };
                self.answer(&mut state, status, ResponseKind::Body);
                value(state, Value::Undefined)
            }
            "redirect" => {
                self.answer(&mut state, Some(307), ResponseKind::Redirect);
                value(state, Value::Undefined)
            }
            "setHeader" | "header" | "set" | "append" => {
                if let Some(Value::String(header)) = args.first() {
                    let header_value = match args.get(1) {
                        Some(Value::String(text)) => Some(Rc::clone(text)),
                        _ => None,
                    };
                    let name = Rc::from(header.to_ascii_lowercase());
                    self.event(
                        Event::Header {
                            name,
                            value: header_value,
                        },
                        place,
                    );
                }
                value(
                    state,
                    Value::External(Rc::clone(external.receiver.as_ref().unwrap_or(external))),
                )
            }
            _ => {
                let path = self.paths.root("response", "", "*");
                let v = self.external(path, Provenance::default());
                value(state, v)
            }
        }
    }

    fn answer(&mut self, state: &mut State, status: Option<u16>, kind: ResponseKind) {
        if state.answered.is_none()
            || state
                .answered
                .as_ref()
                .is_some_and(|answer| answer.status.is_none())
        {
            state.answered = Some(Rc::new(Response {
                kind,
                status,
                provenance: Provenance::default(),
            }));
        }
    }

    /// `res.statusCode = 401`
    pub fn answer_status(&mut self, state: &mut State, status: &Value) {
        if let Value::Number(status) = status {
            state.answered = Some(Rc::new(Response {
                kind: ResponseKind::Body,
                status: Some(*status as u16),
                provenance: Provenance::default(),
            }));
        }
    }
}

/// What requests and responses have by themselves.
fn is_part(name: &str) -> bool {
    matches!(
        name,
        "headers"
            | "cookies"
            | "nextUrl"
            | "query"
            | "params"
            | "raw"
            | "req"
            | "request"
            | "res"
            | "url"
            | "method"
            | "path"
            | "originalUrl"
            | "pathname"
            | "body"
            | "rawBody"
            | "file"
            | "files"
            | "ip"
            | "geo"
            | "socket"
            | "connection"
            | "env"
            | "var"
            | "locals"
            | "statusCode"
            | "status"
    )
}

/// A cookie that is made with a secret of the application says who its bearer is.
fn is_session(cookie: Option<&Value>) -> bool {
    cookie.is_some_and(|cookie| cookie.provenance().bits.has(Bits::SECRET))
}

/// Under these names libraries keep on a request who is calling.
fn is_identity(name: &str) -> bool {
    matches!(name, "auth" | "user" | "session" | "userId" | "currentUser")
}

fn is_accessor(name: &str) -> bool {
    matches!(
        name,
        "get"
            | "getAll"
            | "has"
            | "set"
            | "delete"
            | "entries"
            | "toString"
            | "forEach"
            | "keys"
            | "values"
            | "append"
    )
}
