//! Routers that are built at run time: the registering code is walked in the order in which it runs, and the tree of
//! routers it builds is laid out as rows.
//!
//! One walk serves Express and Hono; what their calls mean is [`Dialect`]'s.

mod layout;
mod production;
mod register;
mod value;
mod walk;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::ModuleId;
use crate::source::Span;
use crate::syntax::ExprId;

use super::RouteKind;
use super::table::Decided;
use super::trace::{Place, Tracer, Value};
use layout::Router;

/// Nesting of calls and of routers beyond this is given up.
const MAX_DEPTH: usize = 24;

/// Functions walked in one application; a limit against code that multiplies itself.
const MAX_CALLS: usize = 20_000;

/// Calls looked back over in chains, in one application: every call of a chain looks back to its beginning.
const MAX_LINKS: usize = 2_000_000;

/// What a member call on a router does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    /// Answers one method; `ANY` for all.
    Answer(&'static str),
    /// `use`: middleware or routers below a path.
    Use,
    /// Express `route('/x')`: the path for the calls chained to it.
    Path,
    /// Hono `route('/x', router)`.
    Mount,
    /// Hono `basePath('/x')`.
    Base,
    /// Hono `on('GET', '/x', …)`.
    On,
    /// Hono's `openapi({ method, path }, handler)`.
    Described,
    /// Hono's `onError(handler)`.
    Failure,
    /// Nothing to routes, but the chain goes on.
    Chain,
}

/// How a framework writes its routes.
pub(super) trait Dialect {
    /// Which kind of rows it makes.
    fn kind(&self) -> RouteKind;
    /// The packages that make routers.
    fn packages(&self) -> &'static [&'static str];
    /// Whether a call or `new` of `callee` makes a router; `true` inside for one that serves by itself.
    fn creates(&self, callee: &Value) -> Option<bool>;
    /// The member of a call's answer that is the router the call was given: `expressWs(app).app`.
    fn extends(&self, _callee: &Value) -> Option<&'static str> {
        None
    }
    /// What a member call means.
    fn verb(&self, name: &str) -> Option<Verb>;
    /// Whether routers wait for what handlers promise.
    fn awaits(&self) -> bool;
    /// The method of a package's handler that answers although it is only `use`d.
    fn serves(&self, value: &Value) -> Option<&'static str>;
}
/// A router and, for Express's `route()`, the paths that the chained calls answer.
#[derive(Clone, Debug)]
struct Reference {
    router: usize,
    paths: Option<Vec<String>>,
}
/// What a parameter is bound to while its function is walked.
#[derive(Clone, Debug)]
enum Bound {
    Router(usize),
    /// What it stands for, and the expression that was written for it.
    Value(Value, (Place, ExprId)),
}
/// The walk over the registering code.
pub(super) struct Mounts<'a, D: Dialect> {
    tracer: Tracer<'a>,
    dialect: D,
    routers: Vec<Router>,
    /// Routers by the call that made the surrounding function run (0 at the top level) and the creating expression.
    by_site: FxHashMap<(u32, ModuleId, ExprId), usize>,
    /// What calls of router-making functions answered.
    made: FxHashMap<(u32, ModuleId, ExprId), Option<usize>>,
    bound: FxHashMap<(Place, usize), Bound>,
    /// Whether a function's own statements make a router.
    makers: FxHashMap<Place, bool>,
    /// Whether they register something with a router that is made outside of functions.
    outside: FxHashMap<Place, bool>,
    walked: FxHashSet<Place>,
    active: Vec<Place>,
    /// Where it was decided that what is walked now runs in development only.
    development: Option<Decided>,
    /// Where something is registered that only callers know which were not followed.
    unread: Vec<(ModuleId, Span)>,
    context: u32,
    contexts: u32,
    calls: usize,
    links: usize,
}

impl<'a, D: Dialect> Mounts<'a, D> {
    pub(super) fn new(tracer: Tracer<'a>, dialect: D) -> Self {
        Self {
            tracer,
            dialect,
            routers: Vec::new(),
            by_site: FxHashMap::default(),
            made: FxHashMap::default(),
            bound: FxHashMap::default(),
            makers: FxHashMap::default(),
            outside: FxHashMap::default(),
            walked: FxHashSet::default(),
            active: Vec::new(),
            development: None,
            unread: Vec::new(),
            context: 0,
            contexts: 0,
            calls: 0,
            links: 0,
        }
    }
}
