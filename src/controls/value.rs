//! Abstract values: what an expression may be, and where it came from.

use std::rc::Rc;

use crate::graph::ModuleId;
use crate::syntax::{ClassId, FunctionId, Name};

use super::paths::PathId;

/// Where a value came from, as a set of bits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Hash)]
pub(super) struct Bits(pub u32);

impl Bits {
    pub const NONE: Self = Self(0);
    /// Who is calling, as a library or session store tells it.
    pub const IDENTITY: Self = Self(1);
    /// A credential that the client sent: `Authorization`, a cookie, a token in the URL.
    pub const CREDENTIAL: Self = Self(1 << 1);
    /// The answer of something awaited that was asked with a credential or an identity.
    pub const LOOKUP: Self = Self(1 << 2);
    /// A secret of the environment.
    pub const SECRET: Self = Self(1 << 3);
    /// A limiter's decision.
    pub const LIMITER: Self = Self(1 << 4);
    /// A schema's result.
    pub const SCHEMA: Self = Self(1 << 5);
    /// The outcome of a signature check.
    pub const SIGNATURE: Self = Self(1 << 6);
    /// The request's body.
    pub const BODY: Self = Self(1 << 7);
    /// The request's query.
    pub const QUERY: Self = Self(1 << 8);
    /// A dynamic segment of the URL.
    pub const PARAM: Self = Self(1 << 9);
    /// An argument of a server action.
    pub const ARGUMENT: Self = Self(1 << 10);
    /// Another header.
    pub const HEADER: Self = Self(1 << 11);
    /// The configuration: environment variables that are no secrets.
    pub const CONFIG: Self = Self(1 << 12);
    /// Something that could not be resolved.
    pub const UNRESOLVED: Self = Self(1 << 13);
    /// The result of a comparison.
    pub const COMPARED: Self = Self(1 << 14);
    /// A count of past events of the caller, read from a store.
    pub const COUNT: Self = Self(1 << 15);
    /// The answer of something awaited that was asked with nothing that the client chose.
    pub const AMBIENT: Self = Self(1 << 16);
    /// The identity was not yet found to be there.
    pub const PENDING: Self = Self(1 << 17);
    /// A count that exists to be held against a limit: `INCR`, `ZCOUNT`.
    pub const EVENTS: Self = Self(1 << 19);
    /// The answer of something awaited: no longer what the client sent, though the client may have chosen what was asked.
    pub const ANSWER: Self = Self(1 << 20);
    /// Turned round: true where the origin is missing.
    pub const NEGATED: Self = Self(1 << 18);
    /// Input that was reduced to a choice between values which the code itself names: `query.full === "true"`.
    pub const CHOICE: Self = Self(1 << 21);
    /// Says whether input is one of what the code accepts: `Number.isNaN(limit)`, `SORTS.includes(sort)`.
    pub const VALIDITY: Self = Self(1 << 22);
    /// A part of the configuration that the platform sets by itself: `VERCEL`.
    pub const PLATFORM: Self = Self(1 << 23);

    /// A count of what came since a time: whoever is turned away by it comes too often.
    pub const RECENT: Self = Self(1 << 25);
    /// Input that went through a schema.
    pub const PARSED: Self = Self(1 << 24);
    /// A part of the configuration that code for browsers is given: `NEXT_PUBLIC_URL`.
    pub const PUBLISHED: Self = Self(1 << 26);

    /// Input that a client chooses freely.
    pub const INPUT: Self = Self(Self::BODY.0 | Self::QUERY.0 | Self::ARGUMENT.0);
    /// The same, as it was sent or reduced to a choice.
    pub const SENT: Self = Self(Self::INPUT.0 | Self::CHOICE.0);
    /// What a handler may check.
    pub const CHECKED: Self = Self(Self::SENT.0 | Self::PARAM.0);
    /// What makes a condition on input one about something else too.
    const OTHER: Self = Self(
        Self::IDENTITY.0
            | Self::LOOKUP.0
            | Self::SECRET.0
            | Self::LIMITER.0
            | Self::SIGNATURE.0
            | Self::COUNT.0
            | Self::AMBIENT.0
            | Self::ANSWER.0,
    );
    /// Anything that the request carries.
    pub const REQUEST: Self =
        Self(Self::SENT.0 | Self::PARAM.0 | Self::HEADER.0 | Self::CREDENTIAL.0);
    /// Anything that came with the request, parsed or not.
    pub const RECEIVED: Self = Self(Self::REQUEST.0 | Self::PARSED.0);

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The input that a condition is about, when it is about nothing else.
    pub fn of_input_alone(self) -> Self {
        if self.has(Self::OTHER) {
            Self::NONE
        } else {
            Self(self.0 & Self::CHECKED.0)
        }
    }

    /// The same after it was held against a constant: nothing of what was sent goes on, only what it was found to be.
    pub fn held_against_constant(self) -> Self {
        if self.of_input_alone().has(Self::INPUT) {
            self.without(Self::INPUT).with(Self::CHOICE)
        } else {
            self
        }
    }

    /// Input behind a schema that accepted it.
    pub fn parsed(self) -> Self {
        if self.has(Self::INPUT) {
            self.without(Self::INPUT).with(Self::PARSED)
        } else {
            self
        }
    }

    /// The answer of a question whether input is acceptable.
    pub fn found_valid(self) -> Self {
        match self.held_against_constant() {
            choice if choice == self => self,
            choice => choice.with(Self::VALIDITY),
        }
    }

    /// A condition on such a value can establish who is calling.
    pub fn can_authenticate(self) -> bool {
        self.has(Self::IDENTITY)
            || self.has(Self::SIGNATURE)
            || (self.has(Self::SECRET) && self.has(Self::RECEIVED))
            || (self.has(Self::CREDENTIAL) && self.has(Self::LOOKUP))
    }

    /// A condition on something of these origins, decided this way, says who is calling: an identity was found to be there, a
    /// signature or secret to be right, something to be kept under the credential that was sent.
    pub fn establishes(self, arm: bool) -> bool {
        let positive = arm != self.has(Self::NEGATED);
        let identity =
            self.has(Self::IDENTITY) && !self.has(Self::COMPARED) && !self.has(Self::LOOKUP);
        // The one who calls is the one that something is about; what was sent may be as missing as the identity.
        let matched = self.has(Self::IDENTITY)
            && self.has(Self::COMPARED)
            && !self.has(Self::SENT.with(Self::LOOKUP));
        let signature = self.has(Self::SIGNATURE) && !self.has(Self::COMPARED);
        let secret = self.has(Self::SECRET) && self.has(Self::RECEIVED) && self.has(Self::COMPARED);
        let found =
            self.has(Self::CREDENTIAL) && self.has(Self::LOOKUP) && !self.has(Self::COMPARED);
        positive && (identity || matched || signature || secret || found)
    }

    /// A condition on such a value asks for a signature, or for a secret that was sent.
    pub fn signed(self) -> bool {
        self.has(Self::SIGNATURE)
            || (self.has(Self::SECRET) && self.has(Self::RECEIVED) && self.has(Self::COMPARED))
    }

    /// A condition on such a value is worth keeping apart on a path.
    pub fn matters(self) -> bool {
        self.can_authenticate() || self.has(Self::LIMITER) || self.has(Self::AMBIENT)
    }
}

/// A place that gave a value its meaning: an index into the evaluator's table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct OriginId(pub u32);

/// Bits and the places that explain them.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Provenance {
    pub bits: Bits,
    pub origins: Option<Rc<Vec<OriginId>>>,
}

/// More functions than this stand for any.
const MAX_OPTIONS: usize = 4;
/// Objects with more fields than this become unknown when paths meet.
const MAX_JOINED: usize = 24;
/// More origins than this explain nothing more.
const MAX_ORIGINS: usize = 6;

impl Provenance {
    pub fn of(bits: Bits) -> Self {
        Self {
            bits,
            origins: None,
        }
    }

    pub fn at(bits: Bits, origin: OriginId) -> Self {
        Self {
            bits,
            origins: Some(Rc::new(vec![origin])),
        }
    }

    /// Of what a function gives that was called with `args`. That one of them could not be found says nothing of the
    /// function.
    pub fn with_data_of(self, args: &[Value]) -> Self {
        let found = Bits(self.bits.0 | !Bits::UNRESOLVED.0);
        let mut all = args.iter().fold(self, |all, v| all.join(&v.provenance()));
        all.bits = Bits(all.bits.0 & found.0);
        all
    }

    /// The same without some of the places that it came from.
    pub fn without_origins(mut self, is_left_out: impl Fn(OriginId) -> bool) -> Self {
        if let Some(origins) = &self.origins
            && origins.iter().any(|origin| is_left_out(*origin))
        {
            let kept = origins.iter().copied();
            let kept: Vec<OriginId> = kept.filter(|origin| !is_left_out(*origin)).collect();
            self.origins = (!kept.is_empty()).then(|| Rc::new(kept));
        }
        self
    }

    pub fn join(&self, other: &Self) -> Self {
        let bits = self.bits.with(other.bits);
        let origins = match (&self.origins, &other.origins) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some(Rc::clone(one)),
            (Some(a), Some(b)) if Rc::ptr_eq(a, b) => Some(Rc::clone(a)),
            (Some(a), Some(b)) => {
                // In the order in which they were met, so that evidence does not depend on what was evaluated before.
                let mut all = Vec::clone(a);
                for origin in b.iter() {
                    if all.len() < MAX_ORIGINS && !all.contains(origin) {
                        all.push(*origin);
                    }
                }
                if all.len() == a.len() {
                    Some(Rc::clone(a))
                } else {
                    Some(Rc::new(all))
                }
            }
        };
        Self { bits, origins }
    }
}

/// Whether an unknown value can be missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Presence {
    Maybe,
    Truthy,
}

/// An abstract value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    String(Rc<str>),
    Function(Rc<Closure>),
    Native(Rc<Native>),
    Object(Rc<Object>),
    Array(Rc<Vec<Value>>),
    Class(Rc<ClassValue>),
    /// Something of a package, the runtime or the request, by its path.
    External(Rc<External>),
    /// A module of the repository as an object.
    Namespace(ModuleId),
    Response(Rc<Response>),
    /// What an asynchronous function gives before it is awaited.
    Promise(Rc<Value>),
    /// A regular expression.
    Regex(Rc<str>),
    /// One of a few functions or objects, depending on the path or the configuration.
    Choice(Rc<Vec<Value>>),
    Unknown(Provenance, Presence),
}

/// A function and the variables it closes over.
#[derive(Clone, Debug)]
pub(super) struct Closure {
    pub module: ModuleId,
    pub function: FunctionId,
    pub scope: Rc<Scope>,
    pub this: Option<Value>,
    /// What was assigned to it as to an object.
    pub properties: Option<Rc<Object>>,
}

/// A class and the variables it closes over.
#[derive(Debug)]
pub(super) struct ClassValue {
    pub module: ModuleId,
    pub class: ClassId,
    pub scope: Rc<Scope>,
}

/// Functions that the evaluator itself provides.
#[derive(Debug)]
pub(super) enum Native {
    /// `next` of a chain of middleware: runs what follows.
    Next(Rc<Chain>),
    /// `createRouteMatcher([...])`: a predicate over paths.
    RouteMatcher(Vec<Rc<str>>),
    /// A handler that a builder finished.
    Composed(Rc<Chain>),
    /// `next` of a middleware that is run by itself: notes the path that came so far, with the options it hands on.
    Arrive { options: Value, kind: Option<usize> },
    /// A fluent builder in the making; the number is its place in the library.
    Builder { kind: usize, chain: Rc<Chain> },
    /// A method of a builder, about to be called.
    BuilderMethod {
        kind: usize,
        chain: Rc<Chain>,
        method: Rc<str>,
    },
    /// A function that gets one more value in front of its arguments.
    Given { handler: Value, first: Value },
    /// A function of which somebody logs that it is called; where that was arranged.
    Logged {
        handler: Value,
        place: super::record::Place,
    },
    /// A method of an array, string, object, promise or function that the evaluator knows.
    Method { receiver: Value, name: Rc<str> },
    /// Something that `readiness.toml` names.
    Team {
        role: super::team::Role,
        inner: Value,
    },
    /// A function that does nothing to the request.
    Inert,
    /// `resolve` or `reject` of a promise whose executor runs.
    Settle { rejects: bool },
    /// A description of work that is done when somebody runs it.
    Effect(Box<super::effects::Effect>),
    /// A function that waits for the effect from which it goes on.
    Awaiting(Box<super::effects::Awaiting>),
}

/// Middleware in order, then the handler.
#[derive(Clone, Default, Debug)]
pub(super) struct Chain {
    pub layers: Rc<Vec<Value>>,
    pub handler: Option<Value>,
    pub calling: crate::rule::Calling,
    pub catches: bool,
    /// Position of the next layer to run.
    pub at: usize,
    /// The arguments that the chain was called with.
    pub args: Vec<Value>,
    /// A schema was given.
    pub schema: bool,
    /// What a builder was told for its middleware to read.
    pub given: Vec<(Rc<str>, Value)>,
    /// The builder that made it, by its place in the library.
    pub kind: Option<usize>,
    /// What a builder was started with: among it what it does with failures.
    pub options: Rc<Vec<Value>>,
}

/// An object whose known fields are listed.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub fields: Vec<(Rc<str>, Value)>,
    /// It may hold fields that are not listed; they have this provenance.
    pub open: Option<Provenance>,
    /// It is an instance of this class.
    pub class: Option<Rc<ClassValue>>,
}

impl Object {
    /// They hold the same under the same names, in the same order. Where they lie says nothing: what is remembered of a call gives
    /// every handler the objects that the first one was given.
    fn same(&self, other: &Self) -> bool {
        let bits = |object: &Self| object.open.as_ref().map(|open| open.bits);
        let class = |object: &Self| {
            object
                .class
                .as_ref()
                .map(|class| (class.module, class.class))
        };
        self.fields.len() == other.fields.len()
            && bits(self) == bits(other)
            && class(self) == class(other)
            && self
                .fields
                .iter()
                .zip(&other.fields)
                .all(|((name, one), (other_name, other))| name == other_name && one.same(other))
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields
            .iter()
            .rev()
            .find(|(name, _)| &**name == key)
            .map(|(_, value)| value)
    }

    /// Both are plain, or of one class, and small enough to be joined field by field.
    fn alike(&self, other: &Self) -> bool {
        let class = match (&self.class, &other.class) {
            (None, None) => true,
            (Some(a), Some(b)) => a.module == b.module && a.class == b.class,
            _ => false,
        };
        class && self.fields.len() <= MAX_JOINED && other.fields.len() <= MAX_JOINED
    }

    /// What the object may be when two paths meet, field by field.
    pub fn join(&self, other: &Self) -> Self {
        let mut joined = Self {
            class: self.class.clone(),
            ..Self::default()
        };
        for (key, value) in &self.fields {
            let other = other.get(key).cloned().unwrap_or(Value::Undefined);
            joined.fields.push((Rc::clone(key), value.join(&other)));
        }
        for (key, value) in &other.fields {
            if self.get(key).is_none() {
                joined
                    .fields
                    .push((Rc::clone(key), value.join(&Value::Undefined)));
            }
        }
        joined.open = match (&self.open, &other.open) {
            (None, None) => None,
            (Some(a), Some(b)) => Some(a.join(b)),
            (Some(open), None) | (None, Some(open)) => Some(open.clone()),
        };
        joined
    }

    pub fn set(&mut self, key: Rc<str>, value: Value) {
        let is = |name: &Rc<str>| Rc::ptr_eq(name, &key) || **name == *key;
        match self.fields.iter_mut().find(|(name, _)| is(name)) {
            Some(slot) => slot.1 = value,
            None => self.fields.push((key, value)),
        }
    }
}

/// A value of a package, named by its path.
#[derive(Clone, Debug)]
pub(super) struct External {
    pub path: PathId,
    /// The arguments of the last call in the path.
    pub args: Vec<Value>,
    /// The value that the last member was read from.
    pub receiver: Option<Rc<External>>,
    pub provenance: Provenance,
}

/// A response that is about to be sent.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Response {
    pub kind: ResponseKind,
    pub status: Option<u16>,
    pub provenance: Provenance,
}

/// What a response does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ResponseKind {
    Body,
    Redirect,
    /// `NextResponse.next()`
    PassOn,
}

/// The variables of one function call, and the scope around it.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub module: ModuleId,
    pub function: FunctionId,
    pub variables: Vec<(Name, Value)>,
    pub this: Option<Value>,
    pub parent: Option<Rc<Scope>>,
}

impl Scope {
    /// Both are the same call's, or the top level of the same module.
    pub fn is(self: &Rc<Self>, other: &Rc<Self>) -> bool {
        let top = |scope: &Self| scope.variables.is_empty() && scope.parent.is_none();
        Rc::ptr_eq(self, other)
            || self.module == other.module
                && self.function == other.function
                && top(self)
                && top(other)
    }

    /// A variable of this call alone. Paths through one function mostly set the same ones in the same order, so it is looked for
    /// where another path has it first.
    pub fn variable(&self, at: usize, name: Name) -> Option<&Value> {
        let there = self.variables.get(at).filter(|(known, _)| *known == name);
        let found = there.or_else(|| self.variables.iter().find(|(known, _)| *known == name));
        found.map(|(_, value)| value)
    }

    /// A variable of the call, or of one around it, came with the request.
    pub fn holds_of_request(&self) -> bool {
        let scopes = std::iter::successors(Some(self), |scope| scope.parent.as_deref());
        let mut variables = scopes.flat_map(|scope| &scope.variables);
        variables.any(|(_, value)| value.provenance().bits.has(Bits::RECEIVED))
    }

    /// A copy with room for more variables.
    pub fn with_room(&self, more: usize) -> Self {
        let mut variables = Vec::with_capacity(self.variables.len() + more);
        variables.extend(self.variables.iter().cloned());
        Self {
            module: self.module,
            function: self.function,
            variables,
            this: self.this.clone(),
            parent: self.parent.clone(),
        }
    }

    /// The scope of a module's top level: variables there are evaluated on demand, not stored.
    pub fn module(module: ModuleId) -> Rc<Self> {
        Rc::new(Self {
            module,
            function: crate::syntax::MODULE_BODY,
            variables: Vec::new(),
            this: None,
            parent: None,
        })
    }
}

impl Value {
    pub fn unknown() -> Self {
        Self::Unknown(Provenance::default(), Presence::Maybe)
    }

    pub fn from_bits(bits: Bits) -> Self {
        Self::Unknown(Provenance::of(bits), Presence::Maybe)
    }

    pub fn text(text: &str) -> Self {
        Self::String(Rc::from(text))
    }

    pub fn is_nullish(&self) -> bool {
        matches!(self, Self::Undefined | Self::Null)
    }

    /// Whether it counts as true, when that is certain.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Undefined | Self::Null => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Number(number) => Some(*number != 0.0 && !number.is_nan()),
            Self::String(text) => Some(!text.is_empty()),
            Self::Unknown(_, Presence::Truthy)
            | Self::Function(_)
            | Self::Native(_)
            | Self::Object(_)
            | Self::Array(_)
            | Self::Class(_)
            | Self::Namespace(_)
            | Self::Response(_)
            | Self::Promise(_)
            | Self::Regex(_) => Some(true),
            Self::Choice(options) => {
                let first = options.first()?.truth()?;
                options
                    .iter()
                    .all(|option| option.truth() == Some(first))
                    .then_some(first)
            }
            Self::Unknown(_, Presence::Maybe) | Self::External(_) => None,
        }
    }

    /// Where it came from; of objects and arrays, where anything in them came from (two levels deep).
    pub fn provenance(&self) -> Provenance {
        self.provenance_within(3)
    }

    fn provenance_within(&self, depth: u8) -> Provenance {
        match self {
            Self::Unknown(provenance, _) => provenance.clone(),
            Self::External(external) => external.provenance.clone(),
            Self::Response(response) => response.provenance.clone(),
            Self::Promise(value) if depth > 0 => value.provenance_within(depth - 1),
            Self::Native(native) if depth > 0 => match &**native {
                Native::Effect(effect) => {
                    effect.parts().fold(Provenance::default(), |all, part| {
                        all.join(&part.provenance_within(depth - 1))
                    })
                }
                _ => Provenance::default(),
            },
            Self::Object(object) if depth > 0 => {
                let mut all = object.open.clone().unwrap_or_default();
                for (_, value) in &object.fields {
                    all = all.join(&value.provenance_within(depth - 1));
                }
                all
            }
            Self::Array(items) | Self::Choice(items) if depth > 0 => {
                let mut all = Provenance::default();
                for item in items.iter() {
                    all = all.join(&item.provenance_within(depth - 1));
                }
                all
            }
            _ => Provenance::default(),
        }
    }

    /// The same value for practical purposes, cheaply decided.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Undefined, Self::Undefined) | (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) | (Self::Regex(a), Self::Regex(b)) => a == b,
            (Self::Function(a), Self::Function(b)) => {
                Rc::ptr_eq(a, b) || (a.module == b.module && a.function == b.function)
            }
            (Self::Native(a), Self::Native(b)) => Rc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b) || a.same(b),
            (Self::Array(a), Self::Array(b)) => Rc::ptr_eq(a, b),
            (Self::Class(a), Self::Class(b)) => a.module == b.module && a.class == b.class,
            (Self::External(a), Self::External(b)) => Rc::ptr_eq(a, b) || a.path == b.path,
            (Self::Namespace(a), Self::Namespace(b)) => a == b,
            (Self::Response(a), Self::Response(b)) => {
                Rc::ptr_eq(a, b) || (a.kind == b.kind && a.status == b.status)
            }
            (Self::Unknown(a, p), Self::Unknown(b, q)) => a.bits == b.bits && p == q,
            _ => false,
        }
    }

    /// As an asynchronous function gives it.
    pub fn promised(self) -> Self {
        match self {
            promise @ Self::Promise(_) => promise,
            value => Self::Promise(Rc::new(value)),
        }
    }

    /// As `await` gives it; of arrays, each item (`Promise.all`).
    pub fn settled(self) -> Self {
        match self {
            Self::Promise(value) => Self::clone(&value),
            Self::Array(items) if items.iter().any(|item| matches!(item, Self::Promise(_))) => {
                Self::Array(Rc::new(items.iter().cloned().map(Self::settled).collect()))
            }
            value => value,
        }
    }

    /// A function, a thing of a package, or an object made of functions: something that is called.
    pub fn is_service(&self) -> bool {
        match self {
            Self::Function(_) | Self::Native(_) | Self::External(_) | Self::Choice(_) => true,
            Self::Object(object) => object
                .fields
                .iter()
                .any(|(_, value)| matches!(value, Self::Function(_))),
            _ => false,
        }
    }

    /// What the value may be, one by one.
    fn options(&self) -> &[Self] {
        match self {
            Self::Choice(options) => options,
            value => std::slice::from_ref(value),
        }
    }

    /// An answer that turns the request away, nothing, or either.
    fn refusal_or_nothing(&self) -> bool {
        let mut options = self.options().iter();
        options.all(|v| v.is_nullish() || matches!(v, Self::Response(r) if refusing(r)))
    }

    /// As a `catch` gets it: a failure of something that was asked about the caller says nothing of who that is.
    pub fn without_caller(self) -> Self {
        match self {
            Self::Unknown(mut provenance, presence) => {
                let caller = Bits::IDENTITY
                    .with(Bits::CREDENTIAL)
                    .with(Bits::LOOKUP)
                    .with(Bits::SECRET)
                    .with(Bits::SIGNATURE);
                provenance.bits = provenance.bits.without(caller);
                Self::Unknown(provenance, presence)
            }
            error => error,
        }
    }

    /// Both are failures of one class, or answers: what tells them apart to a `catch` is what they say.
    pub fn of_one_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(a), Self::Object(b)) => a.alike(b),
            (Self::Response(a), Self::Response(b)) => a.kind == b.kind && a.status == b.status,
            (Self::Unknown(..), Self::Unknown(..)) => true,
            _ => false,
        }
    }

    /// What the value may be when two paths meet.
    pub fn join(&self, other: &Self) -> Self {
        if self.same(other) {
            return self.clone();
        }
        match (self, other) {
            (Self::Promise(a), Self::Promise(b)) => Self::Promise(Rc::new(a.join(b))),
            (Self::Object(a), Self::Object(b)) if a.alike(b) => Self::Object(Rc::new(a.join(b))),
            (Self::Response(a), Self::Response(b)) if refusing(a) && refusing(b) => {
                let lower = if a.status <= b.status { a } else { b };
                Self::Response(Rc::clone(lower))
            }
            // `const refusal = await check(request); if (refusal) return refusal`
            (a, b) if a.refusal_or_nothing() && b.refusal_or_nothing() => {
                let options = a.options().iter().chain(b.options());
                let nothing = options.clone().find(|v| v.is_nullish());
                let refusal = options.filter(|v| !v.is_nullish()).cloned();
                let refusal = refusal.reduce(|one, other| one.join(&other));
                Self::Choice(Rc::new(
                    nothing.cloned().into_iter().chain(refusal).collect(),
                ))
            }
            // A variable that only some path sets is still called by what it is set to.
            (a, b)
                if (a.is_service() || a.is_nullish() && !b.provenance().bits.matters())
                    && (b.is_service() || b.is_nullish() && !a.provenance().bits.matters()) =>
            {
                let mut options: Vec<Self> = Vec::new();
                for option in a.options().iter().chain(b.options()) {
                    if !options.iter().any(|known| known.same(option)) {
                        options.push(option.clone());
                    }
                }
                if options.len() > MAX_OPTIONS {
                    return Self::Unknown(
                        self.provenance().join(&other.provenance()),
                        Presence::Truthy,
                    );
                }
                Self::Choice(Rc::new(options))
            }
            _ => Self::Unknown(self.provenance().join(&other.provenance()), Presence::Maybe),
        }
    }
}

/// The response turns the request away.
fn refusing(response: &Response) -> bool {
    response.status.is_some_and(|status| status >= 400)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{Object, Provenance, Response, ResponseKind, Value};

    fn answer(kind: ResponseKind, status: u16) -> Value {
        Value::Response(Rc::new(Response {
            kind,
            status: Some(status),
            provenance: Provenance::default(),
        }))
    }

    #[test]
    fn refusals_of_all_kinds_become_one_beside_nothing() {
        let first = Value::Null.join(&answer(ResponseKind::Redirect, 429));
        let joined = first.join(&answer(ResponseKind::Body, 401));
        let Value::Choice(options) = joined else {
            panic!("two options: {joined:?}");
        };
        assert!(matches!(
            &options[..],
            [Value::Null, Value::Response(refusal)] if refusal.status == Some(401)
        ));
    }

    /// What a call gave an earlier handler stands for what it would have made for this one.
    #[test]
    fn objects_are_the_same_by_what_they_hold() {
        let object = |session: Value| {
            Value::Object(Rc::new(Object {
                fields: vec![(Rc::from("session"), session)],
                ..Object::default()
            }))
        };
        assert!(object(Value::unknown()).same(&object(Value::unknown())));
        assert!(!object(Value::unknown()).same(&object(Value::Null)));
        assert!(!object(Value::Null).same(&Value::Object(Rc::default())));
    }

    #[test]
    fn an_answer_that_serves_is_no_refusal() {
        let served = answer(ResponseKind::Body, 200);
        assert!(matches!(Value::Null.join(&served), Value::Unknown(..)));
    }
}
