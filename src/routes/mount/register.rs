//! Reading one registering call.

use crate::graph::ModuleId;
use crate::routes::app_router::METHODS;
use crate::routes::declared::find_in;
use crate::routes::trace::{Place, Value};
use crate::routes::{Layer, RouteKind};
use crate::source::Span;
use crate::syntax::{Argument, Expr, ExprId, StmtKind};

use super::layout::{Item, Registration, What, join};
use super::{Dialect, Mounts, Verb};

/// A route that is described by an object.
struct Description {
    method: &'static str,
    path: String,
    /// What runs before its handler: one function, or a list of them.
    middleware: Option<(Place, ExprId)>,
    /// What it takes is described, so that it is checked in front of its handler.
    takes_input: bool,
}

impl<D: Dialect> Mounts<'_, D> {
    pub(super) fn paths(&self, place: Place, expr: ExprId) -> Vec<String> {
        if let Some(text) = self.text(place, expr) {
            return vec![text];
        }
        if let Expr::Regex(source) = self.tracer.expr(place, expr) {
            return vec![format!("/{source}/")];
        }
        match self.tracer.texts(place, expr) {
            Some(texts) if !texts.is_empty() => texts,
            _ => {
                let template = self.template(place, expr);
                let open = template.and_then(|(place, expr)| self.open_path(place, expr));
                vec![open.unwrap_or_else(|| String::from("/*"))]
            }
        }
    }

    /// The template that a path is made with, here or under a name.
    fn template(&self, place: Place, expr: ExprId) -> Option<(Place, ExprId)> {
        let is_template =
            |place, expr| matches!(self.tracer.expr(place, expr), Expr::Template { .. });
        if is_template(place, expr) {
            return Some((place, expr));
        }
        match self.value(place, expr) {
            Value::Expr { place, expr } if is_template(place, expr) => Some((place, expr)),
            _ => None,
        }
    }

    /// A path in which something is only known when it runs stands among what runs: it may hold a secret that callers have to know.
    fn address(&self, place: Place, path: ExprId) -> Option<Item> {
        if self.text(place, path).is_some() {
            return None;
        }
        let (place, expr) = self.template(place, path)?;
        Some(Item::Layer(Layer {
            module: place.module,
            function: place.function,
            expr,
            handles_errors: false,
            awaits: self.dialect.awaits(),
            mounted: Some(0),
        }))
    }

    /// A path in which something is only known when it runs: what stands there takes the name it has, like a parameter.
    fn open_path(&self, place: Place, expr: ExprId) -> Option<String> {
        let Expr::Template { texts, parts } = self.tracer.expr(place, expr) else {
            return None;
        };
        let record = self.tracer.record(place.module);
        let mut path = String::new();
        for (at, text) in texts.iter().enumerate() {
            path += text;
            let Some(part) = parts.get(at) else { continue };
            path += &self.text(place, *part).unwrap_or_else(|| {
                let name = match record.expr(*part) {
                    Expr::Name(name) => record.name(*name),
                    Expr::Member { property, .. } => record.name(*property),
                    _ => "part",
                };
                format!(":{name}")
            });
        }
        path.starts_with('/').then_some(path)
    }

    /// The object that a call is made on, and what the member that is called does to a router; `None` inside where only
    /// callers know which member it is: `app[method](…)`.
    pub(super) fn verb(&self, place: Place, callee: ExprId) -> Option<(ExprId, Option<Verb>)> {
        match self.tracer.expr(place, callee) {
            Expr::Member {
                object, property, ..
            } => {
                let name = self.tracer.record(place.module).name(*property);
                Some((*object, Some(self.dialect.verb(name)?)))
            }
            Expr::Index { object, index, .. } => {
                match self.text(place, self.lowered(place, *index)) {
                    Some(name) => Some((*object, Some(self.dialect.verb(&name.to_lowercase())?))),
                    None => Some((*object, None)),
                }
            }
            _ => None,
        }
    }

    /// Where a row begins whose path and handler a caller or a table hands to the registering code: where the path is written.
    fn row_at(&self, place: Place, args: &[Argument]) -> Option<(ModuleId, Span)> {
        let [path, .., handler] = args else {
            return None;
        };
        let handed = |expr| {
            let written = self.written(place, expr);
            (written != (place, expr)).then_some(written)
        };
        handed(handler.value)?;
        let (at, path) = handed(path.value)?;
        Some((at.module, self.tracer.record(at.module).span(path)))
    }

    /// What `x.toLowerCase()` is called on, or the expression itself.
    fn lowered(&self, place: Place, expr: ExprId) -> ExprId {
        if let Expr::Call { callee, .. } = self.tracer.expr(place, expr)
            && let Expr::Member {
                object, property, ..
            } = self.tracer.expr(place, *callee)
            && self.tracer.record(place.module).name(*property) == "toLowerCase"
        {
            return *object;
        }
        expr
    }

    /// Notes a registration; false when the call is none.
    pub(super) fn register(
        &mut self,
        place: Place,
        call: ExprId,
        callee: ExprId,
        args: &[Argument],
    ) -> bool {
        let Some((object, verb)) = self.verb(place, callee) else {
            return false;
        };
        let Some(reference) = self.reference(place, object) else {
            return false;
        };
        let record = self.tracer.record(place.module);
        // The beginning of a chain is the first call's place; a later one stands where its arguments do.
        let chained = matches!(record.expr(object), Expr::Call { .. })
            && self.creation(place, object).is_none();
        let span = match args.first() {
            Some(first) if chained => {
                Span::new(record.span(first.value).start, record.span(call).end)
            }
            _ => record.span(call),
        };
        let (home, span) = self.row_at(place, args).unwrap_or((place.module, span));
        let Some(verb) = verb else {
            if args.len() > 1 {
                self.unread.push((home, span));
            }
            return true;
        };
        if let Verb::Answer(_) | Verb::Use | Verb::Mount = verb
            && let [path, .., handler] = args
            && self.is_unbound(place, path.value)
            && self.is_unbound(place, handler.value)
        {
            self.unread.push((home, span));
            return true;
        }
        let mut rest = args;
        let mut before = Vec::new();
        let mut what = What::Use;
        let mut paths = vec![String::from("/")];
        let mut exact = false;
        match verb {
            Verb::Chain | Verb::Path => return true,
            Verb::Base => {
                if let Some(base) = args.first().and_then(|first| self.text(place, first.value)) {
                    let router = &mut self.routers[reference.router];
                    router.base = join(&router.base, &base);
                }
                return true;
            }
            Verb::Failure => what = What::Failure,
            Verb::Answer(method) => {
                what = What::Answer(method);
                if let Some(own) = reference.paths {
                    paths = own;
                } else {
                    let Some((first, handlers)) = args.split_first() else {
                        return true;
                    };
                    let has_path = !self.is_handler(place, first.value);
                    // `app.get("setting")` reads a setting.
                    if has_path && handlers.is_empty() {
                        return true;
                    }
                    if has_path {
                        paths = self.paths(place, first.value);
                        before.extend(self.address(place, first.value));
                        rest = handlers;
                    }
                }
            }
            Verb::Use | Verb::Mount => {
                if let Some((first, handlers)) = args.split_first()
                    && let Some(own) = self.leading_paths(place, first.value)
                {
                    paths = own;
                    before.extend(self.address(place, first.value));
                    rest = handlers;
                    // Hono's `use("/admin", …)` leaves `/admin/x` out.
                    exact = verb == Verb::Use && self.dialect.kind() == RouteKind::Hono;
                }
            }
            Verb::On => {
                let [methods, on, handlers @ ..] = args else {
                    return true;
                };
                let methods = match self.text(place, methods.value) {
                    Some(method) => vec![method],
                    None => self.tracer.texts(place, methods.value).unwrap_or_default(),
                };
                let paths = self.paths(place, on.value);
                let items = self.items(place, handlers, reference.router);
                for method in &methods {
                    let method = METHODS
                        .into_iter()
                        .find(|known| known.eq_ignore_ascii_case(method));
                    self.routers[reference.router]
                        .registrations
                        .push(Registration {
                            what: What::Answer(method.unwrap_or("ANY")),
                            paths: paths.clone(),
                            items: items.clone(),
                            module: home,
                            span,
                            exact: true,
                            development: self.development,
                        });
                }
                return true;
            }
            Verb::Described => {
                let Some((first, handlers)) = args.split_first() else {
                    return true;
                };
                let Some(described) = self.description(place, first.value) else {
                    return true;
                };
                what = What::Answer(described.method);
                paths = vec![described.path];
                rest = handlers;
                let spread = false;
                if let Some((place, value)) = described.middleware {
                    before = self.items(place, &[Argument { value, spread }], reference.router);
                }
                if described.takes_input {
                    let value = first.value;
                    before.extend(self.items(
                        place,
                        &[Argument { value, spread }],
                        reference.router,
                    ));
                }
            }
        }
        let mut items = before;
        items.extend(self.items(place, rest, reference.router));
        self.routers[reference.router]
            .registrations
            .push(Registration {
                what,
                paths,
                items,
                module: home,
                span,
                exact,
                development: self.development,
            });
        true
    }

    /// What `createRoute({ method: 'get', path: '/x/{id}', middleware: [guard] })` says.
    fn description(&self, place: Place, expr: ExprId) -> Option<Description> {
        let Value::Expr { place, expr } = self.value(place, expr) else {
            return None;
        };
        let object = match self.tracer.expr(place, expr) {
            Expr::Call { args, .. } => args.first()?.value,
            _ => expr,
        };
        let entries = self.tracer.entries(place, object)?;
        let entry = |wanted: &str| {
            let (_, value, place) = entries.iter().find(|(key, _, _)| *key == wanted)?;
            Some((*place, *value))
        };
        let text = |wanted: &str| {
            let (place, value) = entry(wanted)?;
            self.tracer.text(place, value)
        };
        let method = text("method")?;
        let method = METHODS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(&method))?;
        // OpenAPI writes parameters in braces.
        let path = text("path")?.replace('{', ":").replace('}', "");
        Some(Description {
            method,
            path,
            middleware: entry("middleware"),
            takes_input: entry("request").is_some(),
        })
    }

    /// The paths that a `use` begins with; `None` when its first argument is middleware.
    fn leading_paths(&self, place: Place, expr: ExprId) -> Option<Vec<String>> {
        if let Some(text) = self.text(place, expr) {
            return Some(vec![text]);
        }
        if matches!(self.tracer.expr(place, expr), Expr::Regex(_))
            || self.template(place, expr).is_some()
        {
            return Some(self.paths(place, expr));
        }
        let texts = self.tracer.texts(place, expr);
        texts.filter(|texts| !texts.is_empty())
    }

    fn is_handler(&self, place: Place, expr: ExprId) -> bool {
        if self.text(place, expr).is_some() {
            return false;
        }
        match self.value(place, expr) {
            Value::Function { .. } => true,
            Value::Expr { place, expr } => {
                matches!(self.tracer.expr(place, expr), Expr::Call { .. })
            }
            _ => false,
        }
    }

    /// What is registered `on` a router.
    fn items(&mut self, place: Place, args: &[Argument], on: usize) -> Vec<Item> {
        let mut items = Vec::new();
        for argument in args {
            if let Some(reference) = self.reference(place, argument.value) {
                self.routers[reference.router].mounted = true;
                items.push(Item::Router(reference.router));
                continue;
            }
            let (at, written) = self.written(place, argument.value);
            if let Some(elements) = self.tracer.elements(at, written) {
                for (place, element) in elements {
                    let element = Argument {
                        value: element,
                        spread: false,
                    };
                    match self.reference(place, element.value) {
                        Some(reference) => {
                            self.routers[reference.router].mounted = true;
                            items.push(Item::Router(reference.router));
                        }
                        None => items.push(Item::Layer(self.layer(place, element.value))),
                    }
                }
                continue;
            }
            items.push(Item::Layer(self.layer(place, argument.value)));
            if let Some(router) = self.wrapped(place, argument.value, on) {
                self.routers[router].mounted = true;
                items.push(Item::Router(router));
            }
        }
        items
    }

    /// The router that a wrapper stands in front of: `app.use(vhost('api.example.org', router))`.
    fn wrapped(&mut self, place: Place, expr: ExprId, on: usize) -> Option<usize> {
        let Expr::Call { args, .. } = self.tracer.expr(place, expr) else {
            return None;
        };
        let routers = args
            .iter()
            .filter_map(|argument| self.reference(place, argument.value));
        routers
            .map(|found| found.router)
            .find(|router| *router != on)
    }

    /// A function of four parameters, or a call of a function that returns one.
    fn takes_an_error(&self, place: Place, expr: ExprId) -> bool {
        let four = |value: &Value| match value {
            Value::Function { module, function } => {
                self.tracer.function(*module, *function).params.len() == 4
            }
            _ => false,
        };
        let value = self.value(place, expr);
        let Value::Expr { place, expr } = value else {
            return four(&value);
        };
        let Expr::Call { callee, .. } = self.tracer.expr(place, expr) else {
            return false;
        };
        let Value::Function { module, function } = self.tracer.follow(place, *callee) else {
            return false;
        };
        let factory = Place { module, function };
        find_in(
            &self.tracer.function(module, function).body,
            &mut |stmt| match stmt.kind {
                StmtKind::Return(Some(value)) => Some(four(&self.tracer.follow(factory, value))),
                _ => None,
            },
        )
        .unwrap_or(false)
    }

    fn layer(&self, place: Place, expr: ExprId) -> Layer {
        let (place, expr) = self.written(place, expr);
        let handles_errors =
            self.dialect.kind() == RouteKind::Express && self.takes_an_error(place, expr);
        Layer {
            module: place.module,
            function: place.function,
            expr,
            handles_errors,
            awaits: self.dialect.awaits(),
            mounted: Some(0),
        }
    }
}
