//! Routes and handlers.

use std::sync::Arc;

use crate::graph::{Graph, ModuleId};
use crate::project::{App, Framework};
use crate::rule::ControlLibrary;
use crate::source::Span;
use crate::syntax::{ExprId, FunctionId};

use super::trace::Tracer;
use super::{
    Middleware, Rewrite, actions, app_router, express, hono, middleware_files, pages_router,
    procedures,
};

/// The routes of one application.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    /// One row per handler (file and method), ordered by file, then kind (a file's own rows before those mounted in it), then
    /// position.
    pub routes: Vec<Route>,
    /// The middleware or proxy files found, loaded or not.
    pub middleware: Vec<Middleware>,
    /// What the configuration rewrites.
    pub rewrites: Vec<Rewrite>,
    /// Where routes are registered that only callers know which were not followed: these routes are missing.
    pub unread: Vec<(ModuleId, Span)>,
}

impl RouteTable {
    /// The routes of `app`, from the modules of `graph`; `library` knows what makes routers of procedures.
    #[must_use]
    pub fn build(app: &App, graph: &Graph, library: &ControlLibrary) -> Self {
        let tracer = Tracer { graph };
        let mut routes = Vec::new();
        let mut unread = match app.framework {
            Framework::Next => {
                app_router::rows(app, tracer, &mut routes);
                pages_router::rows(app, tracer, &mut routes);
                actions::rows(app, tracer, &mut routes);
                hono::mounted_rows(app, tracer, library, &mut routes)
            }
            Framework::Express => express::rows(app, tracer, library, &mut routes),
            Framework::Hono => hono::rows(app, tracer, library, &mut routes),
        };
        procedures::rows(tracer, library, &mut routes);
        let rewrites = app.next.rewrites.iter();
        let rewrites = rewrites.map(|(source, destination, location)| Rewrite {
            source: source.clone(),
            destination: destination.clone(),
            location: location.clone(),
        });
        let rewrites = rewrites.collect();
        unread.sort();
        unread.dedup();
        // Modules are numbered by path. Equal keys stay in the order in which they were found.
        routes.sort_by_key(|route| (route.module, route.kind, route.span.start));
        Self {
            routes,
            middleware: middleware_files::find(app, tracer),
            rewrites,
            unread,
        }
    }
}

/// One handler: what answers one method of one URL, or one server action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The file that Next.js loads, or that registers the Express handler, or that holds the action.
    pub module: ModuleId,
    /// URL as served, `/api/chat/[id]` (Express: `/api/users/:id`); `None` for a server action.
    pub url: Option<String>,
    /// Which convention makes it a route.
    pub kind: RouteKind,
    /// `POST`, `ANY`, the action's name, or the procedure's path.
    pub method: String,
    /// Where the handler begins.
    pub span: Span,
    /// What runs.
    pub entry: Entry,
    /// Where it is decided that it is registered in development only, so that nobody calls it in production.
    pub development: Option<Decided>,
}

/// A condition: its module, and where it stands there.
pub type Decided = (ModuleId, Span);

impl Route {
    /// What reports call the handler: `POST /api/chat`, or `action signIn`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.url {
            Some(url) => format!("{} {url}", self.http_method()),
            // One without a name is called by its place.
            None if self.method.starts_with("action ") => self.method.clone(),
            None => format!("action {}", self.method),
        }
    }

    /// The method with which the handler is called; `ANY` where that cannot be said.
    #[must_use]
    pub fn http_method(&self) -> &str {
        match &self.entry {
            Entry::Procedure(procedure) if procedure.reads => "GET",
            Entry::Procedure(_) => "POST",
            _ if self.kind == RouteKind::Action => "POST",
            _ => &self.method,
        }
    }
}

/// Which convention makes something a route.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RouteKind {
    /// App Router route handler.
    App,
    /// Pages Router API route.
    Pages,
    /// Server action.
    Action,
    /// Express.
    Express,
    /// Hono.
    Hono,
    /// tRPC procedure.
    Trpc,
}

impl RouteKind {
    /// The word used in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Pages => "pages",
            Self::Action => "action",
            Self::Express => "express",
            Self::Hono => "hono",
            Self::Trpc => "trpc",
        }
    }
}

/// What runs when the route is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// An export of the route's module, by its exported name (`GET`, `default`, an action's name).
    Export(Box<str>),
    /// A function of the route's module: an inline server action.
    Function(FunctionId),
    /// Middleware and handlers in the order in which they run. Error handlers follow the handler, which is the last one with
    /// `handles_errors` unset.
    Chain(Vec<Layer>),
    /// A procedure of a router that another handler serves.
    Procedure(Procedure),
}

/// A procedure, and the handler through which it is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Procedure {
    /// The expression whose value is the procedure, with its middleware.
    pub layer: Layer,
    /// What it is called by in its framework: `query`, `mutation`.
    pub verb: Box<str>,
    /// It only reads.
    pub reads: bool,
    /// The name of what it is built on: `publicProcedure`.
    pub base: Option<Box<str>>,
    /// The handler that serves the router.
    pub host: Arc<Route>,
}

/// One middleware or handler expression of a chain, in the module that registers it; or the template of their address, where
/// something in it is only known when it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layer {
    /// The module it is written in.
    pub module: ModuleId,
    /// The function that it is written in (`MODULE_BODY` at the top level).
    pub function: FunctionId,
    /// The expression whose value is the middleware or handler.
    pub expr: ExprId,
    /// It takes four parameters: an error handler.
    pub handles_errors: bool,
    /// Its router waits for what handlers promise, so that their rejections reach error handlers too.
    pub awaits: bool,
    /// How many segments of the address Express takes away from the path that it shows to what is mounted there; `None` where
    /// that depends on the request.
    pub mounted: Option<u8>,
}
