//! Hono: applications of their own, and those mounted in a Next.js catch-all route by `handle(app)`.

use crate::graph::ModuleId;
use crate::project::App;
use crate::rule::ControlLibrary;
use crate::source::Span;
use crate::syntax::{Expr, ExprId};

use super::express::{answers, members};
use super::mount::{Dialect, Mounts, Verb};
use super::trace::{Place, Tracer, Value};
use super::{Route, RouteKind};

/// The rows of an application that Hono serves; and where some are registered that cannot be read.
pub(super) fn rows(
    app: &App,
    tracer: Tracer<'_>,
    library: &ControlLibrary,
    out: &mut Vec<Route>,
) -> Vec<(ModuleId, Span)> {
    let mut mounts = Mounts::new(tracer, Hono { library });
    mounts.walk(&members(app, tracer));
    for root in mounts.roots() {
        mounts.rows(root, out);
    }
    mounts.unread()
}

/// The rows of the Hono applications that a Next.js application hands its requests to; and where some are registered that
/// cannot be read.
pub(super) fn mounted_rows(
    app: &App,
    tracer: Tracer<'_>,
    library: &ControlLibrary,
    out: &mut Vec<Route>,
) -> Vec<(ModuleId, Span)> {
    let hosts: Vec<_> = tracer
        .graph
        .modules()
        .filter(|(_, record)| {
            record.path.starts_with(&app.root)
                && record.requests.iter().any(|request| {
                    matches!(
                        &*request.specifier,
                        "hono/vercel" | "@hono/node-server/vercel"
                    )
                })
        })
        .map(|(module, _)| module)
        .collect();
    if hosts.is_empty() {
        return Vec::new();
    }
    let mut mounts = Mounts::new(tracer, Hono { library });
    mounts.walk(&members(app, tracer));
    let mut roots = Vec::new();
    for host in hosts {
        let place = Place::top(host);
        for expr in &tracer.record(host).exprs {
            let Expr::Call { callee, args, .. } = expr else {
                continue;
            };
            if is_handle(tracer, place, *callee)
                && let Some(first) = args.first()
                && let Some(root) = mounts.router(place, first.value)
                && !roots.contains(&root)
            {
                roots.push(root);
            }
        }
    }
    for root in roots {
        mounts.rows(root, out);
    }
    mounts.unread()
}

fn is_handle(tracer: Tracer<'_>, place: Place, callee: ExprId) -> bool {
    matches!(
        tracer.follow(place, callee),
        Value::External { package, name, .. }
            if matches!(&*package, "hono" | "@hono/node-server") && &*name == "handle"
    )
}

struct Hono<'a> {
    library: &'a ControlLibrary,
}

impl Dialect for Hono<'_> {
    fn kind(&self) -> RouteKind {
        RouteKind::Hono
    }

    fn packages(&self) -> &'static [&'static str] {
        &["hono", "@hono/zod-openapi"]
    }

    fn creates(&self, callee: &Value) -> Option<bool> {
        let Value::External { package, name, .. } = callee else {
            return None;
        };
        matches!(
            (&**package, &**name),
            ("hono", "Hono" | "default.Hono") | ("@hono/zod-openapi", "OpenAPIHono")
        )
        .then_some(true)
    }

    fn verb(&self, name: &str) -> Option<Verb> {
        Some(match name {
            "get" => Verb::Answer("GET"),
            "post" => Verb::Answer("POST"),
            "put" => Verb::Answer("PUT"),
            "patch" => Verb::Answer("PATCH"),
            "delete" => Verb::Answer("DELETE"),
            "options" => Verb::Answer("OPTIONS"),
            "all" => Verb::Answer("ANY"),
            "use" => Verb::Use,
            "route" => Verb::Mount,
            "basePath" => Verb::Base,
            "on" => Verb::On,
            "openapi" => Verb::Described,
            "onError" => Verb::Failure,
            "notFound" | "doc" | "mount" => Verb::Chain,
            _ => return None,
        })
    }

    fn awaits(&self) -> bool {
        true
    }

    fn serves(&self, value: &Value) -> Option<&'static str> {
        answers(self.library, value)
    }
}
