//! What a call means of which the library data says so: an identity, a limiter, a schema, a package's handler or middleware.

use std::rc::Rc;

use smallvec::smallvec;

use crate::rule::Meaning;
use crate::syntax::ExprId;

use super::call::Use;
use super::evaluator::{Evaluator, SettingKind};
use super::external::status_of;
use super::limits::{is_given, limit_text, own_limit, window_of};
use super::record::{Event, Failure, Place};
use super::state::{Outcomes, State, value};
use super::value::{
    Bits, Chain, External, Native, Object, Presence, Provenance, ResponseKind, Value,
};

/// What a `Cache-Control` says lets caches keep an answer for everybody.
pub fn lets_caches_share(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let mut said = value.split([',', ';']).map(str::trim);
    let any = |wanted: fn(&str) -> bool| said.clone().any(wanted);
    any(|word| word == "public" || word.starts_with("s-maxage"))
        && !said.any(|word| matches!(word, "private" | "no-store"))
}

impl<'a> Evaluator<'a> {
    /// `{ headers: { 'Cache-Control': 'public, s-maxage=60' } }`, given with an answer that is no failure.
    pub(super) fn shares(&mut self, args: &[Value], place: Place) {
        let Some(Value::Object(init)) = args.get(1) else {
            return;
        };
        let Some(Value::Object(headers)) = init.get("headers") else {
            return;
        };
        let says = |(name, text): &(Rc<str>, Value)| match text {
            Value::String(text) => {
                name.eq_ignore_ascii_case("cache-control") && lets_caches_share(text)
            }
            _ => false,
        };
        let fails = status_of(args).is_some_and(|status| status >= 400);
        if !fails && headers.fields.iter().any(says) {
            self.event(Event::Shared, place);
        }
    }

    /// What is known where a check at `id` passes, and where it fails.
    fn either_way(&mut self, provenance: Provenance, state: State, id: ExprId) -> (State, State) {
        let site = self.site(state.scope.module, id);
        let yes = state.clone().with_fact(site, true, provenance.clone());
        (yes, state.with_fact(site, false, provenance))
    }

    /// Two paths: the call lets the request on with `good`, or throws `bad`.
    pub(super) fn gate(
        &mut self,
        good: Value,
        bad: Value,
        provenance: Provenance,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        let (yes, no) = self.either_way(provenance, state, id);
        smallvec![(yes, Ok(good)), (no, Err(bad))]
    }

    /// `verify(token, secret, (error, user) => …)`: nothing is thrown; the callback goes on with whoever it is, or with the error.
    fn tell_callback(
        &mut self,
        callback: &Value,
        provenance: Provenance,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        let known = Value::Unknown(provenance.clone(), Presence::Truthy);
        let (yes, no) = self.either_way(provenance, state, id);
        let error = Value::Unknown(Provenance::default(), Presence::Truthy);
        let mut outcomes = self.call(
            callback,
            None,
            vec![Value::Null, known],
            yes,
            id,
            Use::Awaited,
        );
        let refused = vec![error, Value::Undefined];
        outcomes.extend(self.call(callback, None, refused, no, id, Use::Awaited));
        for (_, flow) in &mut outcomes {
            if flow.is_ok() {
                *flow = Ok(Value::Undefined);
            }
        }
        outcomes
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each meaning that the data can name"
    )]
    #[expect(clippy::too_many_arguments, reason = "everything that a call is about")]
    pub(super) fn meaning(
        &mut self,
        api: &'a crate::rule::Api,
        by_name: bool,
        external: &Rc<External>,
        args: Vec<Value>,
        all: Provenance,
        mut state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        let place = self.place(&state, id);
        let text = self.paths.text(external.path);
        let shown = self.paths.shown(external.path);
        let function = args
            .iter()
            .rev()
            .find(|arg| matches!(arg, Value::Function(_) | Value::Native(_)))
            .cloned();
        match api.is {
            Meaning::Token if !all.bits.has(Bits::RECEIVED) => {
                // Where there is no token, nobody is named.
                let none = match args.first() {
                    Some(Value::Object(given)) => given.get("token").is_some_and(Value::is_nullish),
                    given => given.is_none_or(Value::is_nullish),
                };
                let v = match none {
                    true => Value::Null,
                    false => Value::Unknown(Provenance::default(), Presence::Maybe),
                };
                value(state, v)
            }
            Meaning::Identity | Meaning::Token => {
                if let Some(handler) = function {
                    // `auth(handler)`: the handler is called with the identity on the request.
                    return value(state, handler);
                }
                if state.signed_in {
                    return value(state, Value::unknown());
                }
                self.event(Event::Identity, place);
                let origin = self.origin(place, &shown, None, by_name);
                let provenance = Provenance::at(Bits::IDENTITY.with(Bits::PENDING), origin);
                value(state, Value::Unknown(provenance, Presence::Maybe))
            }
            Meaning::SignIn | Meaning::SignInStep | Meaning::SignOut => {
                let mut state = state;
                self.work(&mut state, place, &text);
                let out = api.is == Meaning::SignOut;
                self.event(Event::Signs { out }, place);
                let is_session = api.is == Meaning::SignIn;
                state.signed_in |= is_session && state.caller.is_none();
                value(state, Value::unknown())
            }
            Meaning::RequireIdentity if state.signed_in => value(
                state,
                Value::Unknown(Provenance::default(), Presence::Truthy),
            ),
            Meaning::RequireIdentity => {
                self.event(Event::Identity, place);
                let origin = self.origin(place, &shown, None, by_name);
                let provenance = Provenance::at(Bits::IDENTITY, origin);
                if let [_, _, .., told @ Value::Function(_)] = args.as_slice() {
                    return self.tell_callback(&told.clone(), provenance, state, id);
                }
                let bad = self.response(
                    api.status.or(Some(401)),
                    ResponseKind::Body,
                    provenance.clone(),
                );
                self.gate(
                    Value::Unknown(provenance.clone(), Presence::Truthy),
                    bad,
                    provenance,
                    state,
                    id,
                )
            }
            // A licence or a file of one's own is verified so, too: that says nothing of who is calling.
            Meaning::VerifySignature | Meaning::CheckSignature
                if api.provider.is_none() && !all.bits.has(Bits::RECEIVED) =>
            {
                value(state, Value::Unknown(all, Presence::Maybe))
            }
            Meaning::VerifySignature => {
                let provider = api.provider.as_deref().map(Rc::from);
                self.event(Event::Signature { provider }, place);
                self.event(Event::Schema(Bits::INPUT), place);
                let origin = self.origin(place, &shown, None, by_name);
                let provenance = Provenance::at(Bits::SIGNATURE, origin);
                let bad = self.response(Some(400), ResponseKind::Body, provenance.clone());
                self.gate(
                    Value::Unknown(Provenance::default(), Presence::Truthy),
                    bad,
                    provenance,
                    state,
                    id,
                )
            }
            Meaning::CheckSignature => {
                let provider = api.provider.as_deref().map(Rc::from);
                self.event(Event::Signature { provider }, place);
                let origin = self.origin(place, &shown, None, by_name);
                value(
                    state,
                    Value::Unknown(Provenance::at(Bits::SIGNATURE, origin), Presence::Maybe),
                )
            }
            Meaning::Compare => {
                let mut provenance = all;
                provenance.bits = provenance.bits.with(Bits::COMPARED);
                value(state, Value::Unknown(provenance, Presence::Maybe))
            }
            Meaning::LimitWindow | Meaning::Store => self.kept(external, args, all, state),
            Meaning::Expiry => {
                let window = api.limit.as_ref().and_then(|shape| window_of(shape, &args));
                if let Some(seconds) = window {
                    self.event(Event::Expiry((seconds * 1000.0) as u64), place);
                }
                value(state, Value::unknown())
            }
            Meaning::LimitDecision | Meaning::RequireLimit => {
                let limit = self.limit_of(external, &args).or_else(|| {
                    api.limit
                        .as_ref()
                        .and_then(|shape| limit_text(shape, &self.with_defaults(&args)))
                });
                let provenance = self.asked_limiter(limit, &shown, by_name, place);
                if api.is == Meaning::LimitDecision {
                    return value(state, Value::Unknown(provenance, Presence::Maybe));
                }
                let bad = self.response(Some(429), ResponseKind::Body, provenance.clone());
                self.gate(
                    Value::Unknown(provenance.clone(), Presence::Truthy),
                    bad,
                    provenance,
                    state,
                    id,
                )
            }
            Meaning::Every => value(state, Value::Array(Rc::new(args))),
            Meaning::IdentityWrapper | Meaning::TransparentWrapper => match function {
                Some(handler) => value(state, handler),
                None => {
                    // `cache(auth)`: a function of a package.
                    let known = args.iter().find(|arg| match arg {
                        Value::External(arg) => self.paths.known(arg.path).api.is_some(),
                        _ => false,
                    });
                    match known {
                        Some(known) => value(state, known.clone()),
                        // `wrapper(options)(handler)`
                        None => self.kept(external, args, all, state),
                    }
                }
            },
            Meaning::LoggingWrapper => match function {
                Some(handler) => value(
                    state,
                    Value::Native(Rc::new(Native::Logged { handler, place })),
                ),
                // `withAxiom(options)(handler)`
                None => self.kept(external, args, all, state),
            },
            Meaning::IdentityMiddleware => match (function, &api.gives) {
                (Some(handler), Some(accessor)) => {
                    let path = self.paths.intern(accessor.clone());
                    let accessor = self.external(path, Provenance::default());
                    value(
                        state,
                        Value::Native(Rc::new(Native::Given {
                            handler,
                            first: accessor,
                        })),
                    )
                }
                (Some(handler), None) => value(state, handler),
                // Without a function it only makes the identity known.
                (None, _) => value(state, Value::Native(Rc::new(Native::Inert))),
            },
            Meaning::AuthWrapper | Meaning::CatchingWrapper | Meaning::SignedWrapper => {
                match function {
                    Some(handler) => {
                        let guard = self.kept_value(external, args, all);
                        let layers = if api.is != Meaning::CatchingWrapper {
                            vec![guard]
                        } else {
                            Vec::new()
                        };
                        let chain = Chain {
                            layers: Rc::new(layers),
                            handler: Some(handler),
                            calling: crate::rule::Calling::ContextNext,
                            catches: api.is == Meaning::CatchingWrapper,
                            ..Chain::default()
                        };
                        value(
                            state,
                            Value::Native(Rc::new(Native::Composed(Rc::new(chain)))),
                        )
                    }
                    None => self.kept(external, args, all, state),
                }
            }
            Meaning::AuthMiddleware
            | Meaning::LimitMiddleware
            | Meaning::SchemaMiddleware
            | Meaning::SpecMiddleware
            | Meaning::LoggingMiddleware
            | Meaning::TellingMiddleware => {
                // Called by itself with a request (`await limiter(req, res)`) or with its options (`limiter({…})`).
                self.kept(external, args, all, state)
            }
            Meaning::SchemaParse => {
                if let Some(input) = checked(given_apart(&args, all.bits)) {
                    self.event(Event::Schema(input), place);
                }
                let mut provenance = all;
                provenance.bits = provenance.bits.parsed();
                let failure = Object {
                    open: Some(Provenance::default()),
                    ..Object::default()
                };
                smallvec![
                    (
                        state.clone(),
                        Ok(Value::Unknown(provenance, Presence::Truthy))
                    ),
                    (state, Err(Value::Object(Rc::new(failure))))
                ]
            }
            Meaning::SchemaCheck => {
                if let Some(input) = checked(given_apart(&args, all.bits)) {
                    self.event(Event::SchemaCheck(input), place);
                }
                let mut provenance = all;
                provenance.bits = provenance.bits.parsed().with(Bits::SCHEMA);
                value(state, Value::Unknown(provenance, Presence::Truthy))
            }
            Meaning::Unseen => {
                self.event(Event::Unfollowed, place);
                let text = self.paths.text(external.path);
                self.work(&mut state, place, &text);
                let answer = self.looked_up(all);
                value(state, Value::Unknown(answer, Presence::Truthy))
            }
            Meaning::Count | Meaning::RowCount | Meaning::RecentCount | Meaning::ScriptCount => {
                if matches!(used, Use::Awaited) {
                    let text = self.paths.text(external.path);
                    self.work(&mut state, place, &text);
                }
                let bits = match api.is {
                    Meaning::RowCount => Bits::COUNT,
                    Meaning::RecentCount => Bits::COUNT.with(Bits::RECENT),
                    Meaning::ScriptCount => Bits::COUNT.with(Bits::EVENTS).with(Bits::RECENT),
                    _ => Bits::COUNT.with(Bits::EVENTS),
                };
                let origin = self.origin(place, &shown, None, true);
                let counted = Provenance::at(bits, origin);
                value(state, Value::Unknown(counted, Presence::Maybe))
            }
            Meaning::UniqueLookup => {
                // Whoever is nobody finds nothing, and nobody is asked for it.
                let caller = named_by_caller(&args).unwrap_or_default();
                let site = self.site(state.scope.module, id);
                let nobody = state.clone().with_fact(site, false, caller.clone());
                let nothing = match text.ends_with("OrThrow") {
                    true => Err(Value::Object(Rc::new(Object {
                        open: Some(Provenance::default()),
                        ..Object::default()
                    }))),
                    false => Ok(Value::Null),
                };
                let mut state = state.with_fact(site, true, caller);
                let unknown = self.paths.is_of_unknown(external.path);
                self.work(&mut state, place, if unknown { "call" } else { &text });
                let found = Value::Unknown(self.looked_up(all), Presence::Maybe);
                smallvec![(state, Ok(found)), (nobody, nothing)]
            }
            Meaning::Log | Meaning::Console => {
                let own = self.own();
                self.event(
                    Event::Log {
                        structured: api.is == Meaning::Log,
                        own,
                        by_name,
                    },
                    place,
                );
                value(state, Value::Undefined)
            }
            Meaning::Track => value(state, Value::Undefined),
            Meaning::Respond if is_no_status(&args, self) => {
                // `{ status: headers }`: making the response throws.
                let failure = Object {
                    open: Some(Provenance::default()),
                    ..Object::default()
                };
                smallvec![(state, Err(Value::Object(Rc::new(failure))))]
            }
            Meaning::Respond => {
                self.shares(&args, place);
                let status = api
                    .status
                    .or_else(|| status_of(&args))
                    .or_else(|| (!has_init(&args)).then_some(200));
                value(state, self.response(status, ResponseKind::Body, all))
            }
            Meaning::Redirect => {
                let status = if leads_to_sign_in(&args) { 401 } else { 307 };
                value(
                    state,
                    self.response(Some(status), ResponseKind::Redirect, all),
                )
            }
            Meaning::PassOn => value(
                state,
                self.response(None, ResponseKind::PassOn, Provenance::default()),
            ),
            Meaning::ThrowRedirect => {
                let status = if leads_to_sign_in(&args) { 401 } else { 307 };
                let redirect =
                    self.response(Some(status), ResponseKind::Redirect, Provenance::default());
                smallvec![(state, Err(redirect))]
            }
            Meaning::ThrowStatus => {
                let refusal = self.response(api.status, ResponseKind::Body, Provenance::default());
                smallvec![(state, Err(refusal))]
            }
            Meaning::Headers => {
                let path = self.paths.root("request", "", "headers");
                value(state, self.external(path, Provenance::of(Bits::CREDENTIAL)))
            }
            Meaning::Cookies => {
                let path = self.paths.root("request", "", "cookies");
                value(state, self.external(path, Provenance::of(Bits::CREDENTIAL)))
            }
            Meaning::PathGlob => {
                let fits = self.fits_glob(args.first(), args.get(1));
                value(state, fits.map_or_else(Value::unknown, Value::Bool))
            }
            Meaning::RouteMatcher => {
                let mut patterns = Vec::new();
                for arg in &args {
                    match arg {
                        Value::Array(items) => {
                            patterns.extend(items.iter().filter_map(pattern_text))
                        }
                        other => patterns.extend(pattern_text(other)),
                    }
                }
                value(
                    state,
                    Value::Native(Rc::new(Native::RouteMatcher(patterns))),
                )
            }
            Meaning::Runs => {
                let parameters = vec![Value::unknown(), Value::unknown()];
                if let Some(function) = function {
                    return self.call(&function, None, parameters, state, id, used);
                }
                // `{ onBeforeGenerateToken: async () => … }`: each is run in its turn.
                let mut outcomes: Outcomes = value(state, Value::unknown());
                for arg in &args {
                    let Value::Object(options) = arg else {
                        continue;
                    };
                    for (_, option) in options
                        .fields
                        .iter()
                        .filter(|(_, v)| matches!(v, Value::Function(_)))
                    {
                        let mut next: Outcomes = Outcomes::new();
                        for (state, flow) in outcomes {
                            match flow {
                                Ok(_) => next.extend(self.call(
                                    option,
                                    None,
                                    parameters.clone(),
                                    state,
                                    id,
                                    Use::Awaited,
                                )),
                                Err(error) => next.push((state, Err(error))),
                            }
                        }
                        outcomes = super::merge::merge_outcomes(next);
                    }
                }
                outcomes
                    .into_iter()
                    .map(|(mut state, flow)| {
                        if flow.is_ok() {
                            self.work(&mut state, place, &text);
                        }
                        (
                            state,
                            flow.map(|_| Value::Unknown(Provenance::default(), Presence::Truthy)),
                        )
                    })
                    .collect()
            }
            Meaning::Later => {
                self.logs_of(place, |this| this.run_aside(&args, &state, id));
                value(state, Value::Undefined)
            }
            Meaning::AuthHandler | Meaning::OpaqueHandler
                if args.iter().any(|arg| self.is_request(arg)) =>
            {
                // The library's handler is called by hand, with the request: it answers failures itself.
                let event = match api.is {
                    Meaning::AuthHandler => Event::LibraryHandler,
                    _ => Event::Delegated,
                };
                self.event(event, place);
                let answer = Value::Unknown(Provenance::default(), Presence::Truthy);
                let mut outcomes = match own_limit(api, external, &args) {
                    Some(limit) => {
                        let provenance = self.asked_limiter(limit, &shown, by_name, place);
                        let bad = self.response(Some(429), ResponseKind::Body, provenance.clone());
                        self.gate(answer, bad, provenance, state, id)
                    }
                    None => value(state, answer),
                };
                self.protection.push(Failure::Answered);
                for (state, flow) in &mut outcomes {
                    if flow.is_ok() {
                        self.work(state, place, &text);
                    }
                }
                self.protection.pop();
                outcomes
            }
            Meaning::ServeProcedures => self.handler_of_package(api, &args, state, id),
            Meaning::SignedHandler => {
                let made = external.receiver.as_ref().is_some_and(|maker| {
                    let maker = self.paths.known(maker.path).api;
                    maker.is_some_and(|maker| maker.is == Meaning::SignedHandler)
                });
                let handler = external
                    .args
                    .iter()
                    .find(|arg| matches!(arg, Value::Function(_)));
                match (made, handler.cloned()) {
                    // `verifySignature(handler)(request)`: made and called in one go.
                    (true, Some(handler)) => {
                        let provider = api.provider.as_deref().map(Rc::from);
                        self.event(Event::Signature { provider }, place);
                        let origin = self.origin(place, &shown, None, by_name);
                        let provenance = Provenance::at(Bits::SIGNATURE, origin);
                        let bad = self.response(Some(401), ResponseKind::Body, provenance.clone());
                        let gate = self.gate(Value::Undefined, bad, provenance, state, id);
                        let mut outcomes = Outcomes::new();
                        for (state, flow) in gate {
                            match flow {
                                Ok(_) => outcomes.extend(self.call(
                                    &handler,
                                    None,
                                    args.clone(),
                                    state,
                                    id,
                                    used,
                                )),
                                Err(refusal) => outcomes.push((state, Ok(refusal))),
                            }
                        }
                        outcomes
                    }
                    _ => self.kept(external, args, all, state),
                }
            }
            Meaning::Effect => self.effect_function(api, external, args, state, id, used),
            Meaning::Contract => self.contract_part(api, external, args, all, state),
            Meaning::AuthHandler
            | Meaning::ProcedureHandler
            | Meaning::OpaqueHandler
            | Meaning::Refresh
            | Meaning::Work => self.kept(external, args, all, state),
        }
    }

    /// A limiter is asked here: what its decision comes from.
    fn asked_limiter(
        &mut self,
        limit: Option<String>,
        shown: &str,
        by_name: bool,
        place: Place,
    ) -> Provenance {
        let limit: Option<Rc<str>> = limit.map(Rc::from);
        self.event(
            Event::Limiter {
                limit: limit.clone(),
            },
            place,
        );
        let origin = self.origin(place, shown, limit, by_name);
        Provenance::at(Bits::LIMITER, origin)
    }

    pub(super) fn kept_value(
        &mut self,
        external: &Rc<External>,
        args: Vec<Value>,
        provenance: Provenance,
    ) -> Value {
        let path = self.paths.called(external.path);
        Value::External(Rc::new(External {
            path,
            args,
            receiver: Some(Rc::clone(external)),
            provenance,
        }))
    }

    pub(super) fn kept(
        &mut self,
        external: &Rc<External>,
        args: Vec<Value>,
        provenance: Provenance,
        state: State,
    ) -> Outcomes {
        let v = self.kept_value(external, args, provenance);
        value(state, v)
    }

    /// A layer of a chain that comes from a package.
    pub fn external_layer(
        &mut self,
        external: &Rc<External>,
        chain: &Rc<Chain>,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        let own = self.paths.known(external.path);
        // `limiter` itself, or `limiter(options)`, whose meaning stands with the function that was called.
        let made_by = external
            .receiver
            .as_ref()
            .map(|receiver| self.paths.known(receiver.path));
        let api = own.api.or_else(|| made_by.and_then(|known| known.api));
        let place = self.place(&state, id);
        let shown = self.paths.shown(external.path);
        let (bits, status) = match api.map(|api| api.is) {
            Some(Meaning::AuthMiddleware | Meaning::AuthWrapper | Meaning::RequireIdentity) => {
                self.event(Event::Identity, place);
                (Bits::IDENTITY, 401)
            }
            Some(Meaning::SignedWrapper) => {
                let provider = api.and_then(|api| api.provider.as_deref()).map(Rc::from);
                self.event(Event::Signature { provider }, place);
                (Bits::SIGNATURE, 401)
            }
            Some(Meaning::LimitMiddleware) => (Bits::LIMITER, 429),
            Some(Meaning::SchemaMiddleware) => {
                let input = described_input(external);
                if input != Bits::NONE {
                    self.event(Event::Schema(input), place);
                }
                return self.skip_layer(chain, state, id);
            }
            Some(Meaning::LoggingMiddleware) => {
                self.logs(true, place);
                return self.skip_layer(chain, state, id);
            }
            Some(Meaning::TellingMiddleware) => {
                let tells: Vec<Value> = external.args.iter().filter_map(teller).collect();
                if tells.is_empty() {
                    self.logs(false, place);
                }
                for tell in &tells {
                    self.logs_through(tell, &state, id);
                }
                return self.skip_layer(chain, state, id);
            }
            Some(Meaning::SpecMiddleware) => {
                if checks_requests(external) {
                    self.event(Event::SchemaOfAll, place);
                }
                return self.skip_layer(chain, state, id);
            }
            _ => return self.skip_layer(chain, state, id),
        };
        let shape = api.and_then(|api| api.limit.as_ref());
        let limit = match shape {
            Some(shape) if is_given(&shape.count, &external.args) => {
                limit_text(shape, &self.with_defaults(&external.args))
            }
            shape => shape
                .and_then(|shape| limit_text(shape, &self.with_defaults(&external.args)))
                .or_else(|| self.limit_of(external, &external.args)),
        };
        let limit: Option<Rc<str>> = limit.map(Rc::from);
        if bits == Bits::LIMITER {
            self.event(
                Event::Limiter {
                    limit: limit.clone(),
                },
                place,
            );
        }
        let shares = |options: &Value| match options {
            Value::Object(options) => api.is_some_and(|api| {
                let mut secrets = api.secrets.iter();
                secrets.any(|option| options.get(option).is_some())
            }),
            _ => false,
        };
        let origin = if external.args.iter().any(shares) {
            self.setting_origin(place, &shown, SettingKind::Secret)
        } else {
            self.origin(place, &shown, limit, own.by_name)
        };
        let provenance = Provenance::at(bits, origin);
        let site = self.site(state.scope.module, id);
        let refused = state.clone().with_fact(site, false, provenance.clone());
        let answer = self.response(Some(status), ResponseKind::Body, provenance.clone());
        let mut outcomes: Outcomes = smallvec![(refused, Ok(answer))];
        outcomes.extend(self.skip_layer(chain, state.with_fact(site, true, provenance), id));
        outcomes
    }
}

/// The script that is run counts what is forgotten after a time, gives the count and does nothing else: one that keeps things
/// numbers them, and one that gives a list has judged already.
pub(super) fn script_counts(args: &[Value]) -> bool {
    const KEEPS: [&str; 8] = [
        "HSET", "HMSET", "PUSH", "XADD", "PUBLISH", "SADD", "'SET'", "\"SET\"",
    ];
    let names = |commands: &[&str]| script_names(args, commands);
    let counter = names(&["INCR"]) && names(&["EXPIRE"]) && !names(&["ZADD"]);
    let window = names(&["ZCARD", "ZCOUNT"]) && names(&["ZREMRANGEBYSCORE"]);
    (counter || window) && !names(&KEEPS) && !names(&["RETURN {", "RETURN{"])
}

/// The script, which is given first, names one of these commands.
fn script_names(args: &[Value], commands: &[&str]) -> bool {
    let Some(Value::String(script)) = args.first() else {
        return false;
    };
    let script = script.to_ascii_uppercase();
    commands.iter().any(|command| script.contains(command))
}

/// A query asks for what came after a time that is worked out: `{ where: { createdAt: { gt: new Date(…) } } }`.
pub(super) fn asks_since(args: &[Value]) -> bool {
    fn since(v: &Value, depth: u8) -> bool {
        let Value::Object(object) = v else {
            return false;
        };
        object.fields.iter().any(|(key, v)| match v {
            Value::Object(_) => depth > 0 && since(v, depth - 1),
            Value::Unknown(..) | Value::External(_) => {
                matches!(&**key, "gt" | "gte") && !v.provenance().bits.has(Bits::RECEIVED)
            }
            _ => false,
        })
    }
    args.iter().any(|arg| since(arg, 4))
}

/// What a query names its one row by, where that is who is calling, who may be nobody: `{ where: { id: session?.user.id } }`. Beside
/// something else that names the row it could be missing, and the row be found.
pub(super) fn named_by_caller(args: &[Value]) -> Option<Provenance> {
    let Some(Value::Object(query)) = args.first() else {
        return None;
    };
    let Some(Value::Object(named)) = query.get("where") else {
        return None;
    };
    let ([(_, by)], None) = (&*named.fields, &named.open) else {
        return None;
    };
    may_be_nobody(by).then(|| by.provenance())
}

/// Who is calling, or nobody, and nothing else.
pub(super) fn may_be_nobody(v: &Value) -> bool {
    let Value::Unknown(Provenance { bits, .. }, Presence::Maybe) = v else {
        return false;
    };
    let other = Bits::LOOKUP.with(Bits::COMPARED).with(Bits::RECEIVED);
    bits.has(Bits::IDENTITY) && bits.has(Bits::PENDING) && !bits.has(other.with(Bits::NEGATED))
}

/// The function through which middleware tells of requests: `logger(print)`, `morgan("short", { stream: { write } })`.
fn teller(option: &Value) -> Option<Value> {
    match option {
        Value::Function(_) => Some(option.clone()),
        Value::Object(options) => match options.get("stream")? {
            Value::Object(stream) => stream.get("write").cloned(),
            _ => None,
        },
        _ => None,
    }
}

/// Middleware that is told not to look at requests checks what is answered alone.
fn checks_requests(external: &External) -> bool {
    let Some(Value::Object(options)) = external.args.first() else {
        return true;
    };
    !matches!(options.get("validateRequests"), Some(Value::Bool(false)))
}

/// The input that middleware checks: all of it, but for what a description leaves out (`{ request: { params } }`).
fn described_input(external: &External) -> Bits {
    let Some(Value::Object(options)) = external.args.first() else {
        return Bits::INPUT;
    };
    let Some(Value::Object(request)) = options.get("request") else {
        return Bits::INPUT;
    };
    let parts = [
        ("params", Bits::PARAM),
        ("query", Bits::QUERY),
        ("body", Bits::BODY),
        ("headers", Bits::HEADER),
        ("cookies", Bits::HEADER),
    ];
    let described = parts
        .into_iter()
        .filter(|(part, _)| request.get(part).is_some());
    described.fold(Bits::NONE, |all, (_, bits)| all.with(bits))
}

/// The input that a schema is given, with whether answers of others are mixed into it: none where nothing tells where the
/// value came from, and nothing where it is something else (a stored session, a row, the configuration).
pub(super) fn checked(bits: Bits) -> Option<Bits> {
    let input = Bits(bits.0 & Bits::CHECKED.0);
    let sent = bits.has(Bits::HEADER.with(Bits::CREDENTIAL))
        && !bits.has(Bits::ANSWER.with(Bits::IDENTITY));
    if input != Bits::NONE {
        Some(Bits(input.0 | bits.0 & Bits::ANSWER.0))
    } else if sent {
        Some(Bits::HEADER)
    } else {
        (bits == Bits::NONE).then_some(Bits::NONE)
    }
}

/// Where what was sent stands beside the answers of others and not within them, it is checked as it was sent:
/// `schema.parse({ ...body, workspaceId })`.
fn given_apart(args: &[Value], all: Bits) -> Bits {
    let sent = |bits: Bits| bits.has(Bits::SENT) && !bits.has(Bits::ANSWER);
    let apart = args.iter().any(|arg| match arg {
        Value::Object(object) => {
            object.open.as_ref().is_some_and(|open| sent(open.bits))
                || object.fields.iter().any(|(_, v)| sent(v.provenance().bits))
        }
        _ => false,
    });
    if apart {
        all.without(Bits::ANSWER)
    } else {
        all
    }
}

/// The target of a redirect is a page on which one signs in: for who asked, that is a refusal.
fn leads_to_sign_in(args: &[Value]) -> bool {
    args.iter().any(|arg| match arg {
        Value::String(text) => {
            let path = text
                .split(['?', '#'])
                .next()
                .unwrap_or("")
                .to_ascii_lowercase();
            // Another service's consent page is where its data is asked for, not where one signs in here.
            let asks_another = path
                .split('/')
                .any(|segment| matches!(segment, "oauth" | "oauth2" | "authorize"));
            !asks_another
                && path.split('/').any(|segment| {
                    matches!(
                        segment,
                        "login"
                            | "signin"
                            | "sign-in"
                            | "log-in"
                            | "sign_in"
                            | "unauthorized"
                            | "access-denied"
                            | "forbidden"
                    )
                })
        }
        Value::External(external) => leads_to_sign_in(&external.args),
        Value::Array(items) => leads_to_sign_in(items),
        _ => false,
    })
}

fn pattern_text(v: &Value) -> Option<Rc<str>> {
    match v {
        Value::String(text) => Some(Rc::clone(text)),
        _ => None,
    }
}

/// The status that is given is an object or a text that is no number.
fn is_no_status(args: &[Value], evaluator: &Evaluator<'_>) -> bool {
    let Some(Value::Object(init)) = args.get(1) else {
        return false;
    };
    match init.get("status") {
        Some(Value::Object(_) | Value::Array(_)) => true,
        Some(Value::String(text)) => text.trim().parse::<u16>().is_err(),
        Some(Value::External(external)) => {
            &*evaluator.paths.text(external.path) == "global#Headers!"
        }
        _ => false,
    }
}

/// A second argument was given, so the status may be something else than 200.
fn has_init(args: &[Value]) -> bool {
    match args.get(1) {
        None | Some(Value::Undefined) => false,
        Some(Value::Object(object)) => object.open.is_some() || object.get("status").is_some(),
        Some(_) => true,
    }
}
