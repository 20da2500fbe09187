//! What was registered, and the rows that the tree of routers comes to.

use rustc_hash::FxHashSet;

use crate::graph::ModuleId;
use crate::routes::table::Decided;
use crate::routes::trace::{Place, Value};
use crate::routes::{Entry, Layer, Route, RouteKind, is_plain_path};
use crate::source::Span;
use crate::syntax::Expr;

use super::{Dialect, MAX_CALLS, MAX_DEPTH, Mounts};

/// What is registered on a router, in order.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) what: What,
    pub(super) paths: Vec<String>,
    pub(super) items: Vec<Item>,
    pub(super) module: ModuleId,
    pub(super) span: Span,
    /// `use` takes the path itself only, not what lies below it.
    pub(super) exact: bool,
    /// Where it is decided that this happens in development only.
    pub(super) development: Option<Decided>,
}

/// Middleware in front of what is registered later.
struct Before {
    path: String,
    /// It runs for this path only, not for those below.
    exact: bool,
    /// In production it stands in front of nothing.
    in_development: bool,
    layer: Layer,
}

impl Before {
    fn runs_for(&self, url: &str, in_development: bool) -> bool {
        if self.in_development && !in_development {
            false
        } else if self.exact {
            covers_exactly(&self.path, url)
        } else {
            covers(&self.path, url)
        }
    }
}

/// What a registration does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    Use,
    Answer(&'static str),
    Failure,
}

/// What is registered: middleware, a handler, or a router.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    Layer(Layer),
    Router(usize),
}

/// A router and what was registered on it.
#[derive(Debug, Default)]
pub(super) struct Router {
    pub(super) base: String,
    pub(super) serves_itself: bool,
    pub(super) mounted: bool,
    pub(super) registrations: Vec<Registration>,
}

impl<D: Dialect> Mounts<'_, D> {
    /// Routers that nothing mounts: the applications, or the lone routers where there is no application.
    pub(in crate::routes) fn roots(&self) -> Vec<usize> {
        let free = |own: bool| -> Vec<usize> {
            (0..self.routers.len())
                .filter(|at| {
                    let router = &self.routers[*at];
                    !router.mounted && router.serves_itself == own
                })
                .collect()
        };
        if self.routers.iter().any(|router| router.serves_itself) {
            free(true)
        } else {
            free(false)
        }
    }

    /// Where something is registered that only callers know which were not followed.
    pub(in crate::routes) fn unread(self) -> Vec<(ModuleId, Span)> {
        self.unread
    }

    /// The rows of a tree of routers.
    pub(in crate::routes) fn rows(&self, root: usize, out: &mut Vec<Route>) {
        let mut rows = Vec::new();
        let mut chain = Vec::new();
        self.lay_out(root, "", None, &mut chain, &mut rows, &mut Vec::new());
        // Of what is registered twice for one address, the first answers.
        let mut told = FxHashSet::default();
        rows.retain(|row| {
            told.insert((
                row.module,
                row.span.start,
                row.method.clone(),
                row.url.clone(),
            ))
        });
        out.append(&mut rows);
    }

    fn lay_out(
        &self,
        at: usize,
        prefix: &str,
        mounted: Option<Decided>,
        chain: &mut Vec<Before>,
        rows: &mut Vec<Route>,
        above: &mut Vec<usize>,
    ) {
        if above.contains(&at) || above.len() > MAX_DEPTH || rows.len() > MAX_CALLS {
            return;
        }
        above.push(at);
        let router = &self.routers[at];
        let prefix = join(prefix, &router.base);
        let first_row = rows.len();
        let first_layer = chain.len();
        for registration in &router.registrations {
            let development = mounted.or(registration.development);
            let in_development = development.is_some();
            for path in &registration.paths {
                let url = join(&prefix, path);
                match registration.what {
                    What::Use => {
                        for item in &registration.items {
                            match item {
                                Item::Router(inner) => {
                                    let depth = chain.len();
                                    self.lay_out(*inner, &url, development, chain, rows, above);
                                    chain.truncate(depth);
                                }
                                Item::Layer(layer) if layer.handles_errors => {
                                    let rows = &mut rows[first_row..];
                                    catch(rows, &url, *layer, in_development);
                                }
                                Item::Layer(layer) => chain.push(Before {
                                    path: url.clone(),
                                    exact: registration.exact,
                                    in_development,
                                    layer: self.mounted(*layer, &url),
                                }),
                            }
                        }
                        if let Some(method) = self.served(registration) {
                            rows.push(self.row(
                                registration,
                                &url,
                                method,
                                development,
                                chain,
                                Vec::new(),
                            ));
                        }
                    }
                    What::Failure => {
                        for item in &registration.items {
                            if let Item::Layer(layer) = item {
                                let layer = Layer {
                                    handles_errors: true,
                                    ..*layer
                                };
                                catch(&mut rows[first_row..], "/", layer, in_development);
                            }
                        }
                    }
                    What::Answer(method) => {
                        let items = &registration.items;
                        let layers: Vec<Layer> = items
                            .iter()
                            .filter_map(|item| match item {
                                Item::Layer(layer) => Some(self.mounted(*layer, &prefix)),
                                Item::Router(_) => None,
                            })
                            .collect();
                        if method != "ANY" || !self.passes_on(items) {
                            let own = layers.clone();
                            rows.push(self.row(
                                registration,
                                &url,
                                method,
                                development,
                                chain,
                                own,
                            ));
                        }
                        // `all` runs before what is registered for the same path later.
                        if method == "ANY" {
                            chain.extend(layers.into_iter().map(|layer| Before {
                                path: url.clone(),
                                exact: true,
                                in_development,
                                layer,
                            }));
                        }
                    }
                }
            }
        }
        // Hono's `onError` holds for the whole application wherever it stands, which `catch` at its place does not give
        // to later rows.
        for registration in &router.registrations {
            let in_development = mounted.or(registration.development).is_some();
            if registration.what == What::Failure {
                for item in &registration.items {
                    if let Item::Layer(layer) = item {
                        let layer = Layer {
                            handles_errors: true,
                            ..*layer
                        };
                        catch(&mut rows[first_row..], "/", layer, in_development);
                    }
                }
            }
        }
        chain.truncate(first_layer);
        above.pop();
    }

    /// A layer with the part of the address that it is not shown.
    fn mounted(&self, layer: Layer, at: &str) -> Layer {
        if self.dialect.kind() != RouteKind::Express {
            return layer;
        }
        let mounted = is_plain_path(at)
            .then(|| segments(at))
            .and_then(|count| u8::try_from(count).ok());
        Layer { mounted, ..layer }
    }

    /// Whether a handler is middleware: a function that takes `next` as Express gives it.
    fn passes_on(&self, items: &[Item]) -> bool {
        let Some(Item::Layer(layer)) = items.last() else {
            return false;
        };
        let place = Place {
            module: layer.module,
            function: layer.function,
        };
        match self.tracer.follow(place, layer.expr) {
            Value::Function { module, function } => {
                let params = self.tracer.function(module, function).params.len();
                self.dialect.kind() == RouteKind::Express && params >= 3
            }
            _ => false,
        }
    }

    fn row(
        &self,
        registration: &Registration,
        url: &str,
        method: &str,
        development: Option<Decided>,
        chain: &[Before],
        own: Vec<Layer>,
    ) -> Route {
        let mut layers: Vec<Layer> = chain
            .iter()
            .filter(|before| before.runs_for(url, development.is_some()))
            .map(|before| before.layer)
            .collect();
        layers.extend(own);
        Route {
            module: registration.module,
            url: Some(url.to_owned()),
            kind: self.dialect.kind(),
            method: method.to_owned(),
            span: registration.span,
            entry: Entry::Chain(layers),
            development,
        }
    }

    /// The method of a `use` that answers by itself: documentation pages and other handlers of packages.
    fn served(&self, registration: &Registration) -> Option<&'static str> {
        registration.items.iter().find_map(|item| {
            let Item::Layer(layer) = item else {
                return None;
            };
            let place = Place {
                module: layer.module,
                function: layer.function,
            };
            let value = match self.tracer.follow(place, layer.expr) {
                Value::Expr { place, expr } => match self.tracer.expr(place, expr) {
                    Expr::Call { callee, .. } => self.tracer.follow(place, *callee),
                    _ => return None,
                },
                other => other,
            };
            self.dialect.serves(&value)
        })
    }
}

/// Adds an error handler to the rows registered before it.
fn catch(rows: &mut [Route], prefix: &str, layer: Layer, in_development: bool) {
    let concerned = |row: &&mut Route| !in_development || row.development.is_some();
    for row in rows.iter_mut().filter(concerned) {
        if let (Some(url), Entry::Chain(layers)) = (&row.url, &mut row.entry)
            && covers(prefix, url)
            && !layers.contains(&layer)
        {
            layers.push(layer);
        }
    }
}

/// Two parts of a URL put together: one slash between them and none at the end.
pub(super) fn join(prefix: &str, path: &str) -> String {
    let path = path.trim_matches('/');
    let prefix = prefix.trim_end_matches('/');
    match (prefix.is_empty(), path.is_empty()) {
        (true, true) => String::from("/"),
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}/{path}"),
    }
}

fn segments(path: &str) -> usize {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.count()
}

/// Whether middleware below `prefix` runs for `url`, both as written.
fn covers(prefix: &str, url: &str) -> bool {
    let mut url = url.split('/').filter(|segment| !segment.is_empty());
    for wanted in prefix.split('/').filter(|segment| !segment.is_empty()) {
        if wanted.starts_with('*') || wanted.starts_with("{*") || wanted.starts_with("(.*)") {
            return true;
        }
        match url.next() {
            Some(found) if found == wanted || wanted.starts_with(':') => {}
            _ => return false,
        }
    }
    true
}

/// Whether a handler for exactly `path` runs for `url`, both as written; a wildcard takes the rest.
fn covers_exactly(path: &str, url: &str) -> bool {
    covers(path, url) && (path.contains('*') || segments(path) == segments(url))
}

#[cfg(test)]
mod tests {
    use super::{covers, covers_exactly, join};

    #[test]
    fn parts_are_joined_by_one_slash() {
        assert_eq!(join("", "/"), "/");
        assert_eq!(join("/api/", "/users/"), "/api/users");
        assert_eq!(join("/api", "/"), "/api");
        assert_eq!(join("", "users"), "/users");
    }

    #[test]
    fn middleware_covers_whole_segments() {
        assert!(covers("/", "/api"));
        assert!(covers("/api", "/api/users/:id"));
        assert!(!covers("/api", "/apix"));
        assert!(covers("/api/*", "/api/x"));
        assert!(covers("/:tenant/x", "/a/x/y"));
        assert!(!covers("/api/x", "/api"));
        assert!(covers_exactly("/api/:id", "/api/7"));
        assert!(!covers_exactly("/api", "/api/7"));
        assert!(covers_exactly("/api/*", "/api/7/x"));
    }
}
