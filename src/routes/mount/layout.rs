//! What was registered, and the rows that the tree of routers comes to.

use crate::graph::ModuleId;
use crate::routes::trace::{Place, Value};
use crate::routes::{Entry, Layer, Route};
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
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    Use,
    Answer(&'static str),
    Failure,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    Layer(Layer),
    Router(usize),
}

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

    /// The rows of a tree of routers.
    pub(in crate::routes) fn rows(&self, root: usize, out: &mut Vec<Route>) {
        let mut rows = Vec::new();
        let mut chain = Vec::new();
        self.lay_out(root, "", &mut chain, &mut rows, &mut Vec::new());
        out.append(&mut rows);
    }

    fn lay_out(
        &self,
        at: usize,
        prefix: &str,
        chain: &mut Vec<(String, Layer)>,
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
            for path in &registration.paths {
                let url = join(&prefix, path);
                match registration.what {
                    What::Use => {
                        for item in &registration.items {
                            match item {
                                Item::Router(inner) => {
                                    let depth = chain.len();
                                    self.lay_out(*inner, &url, chain, rows, above);
                                    chain.truncate(depth);
                                }
                                Item::Layer(layer) if layer.handles_errors => {
                                    catch(&mut rows[first_row..], &url, *layer);
                                }
                                Item::Layer(layer) => chain.push((url.clone(), *layer)),
                            }
                        }
                        if let Some(method) = self.served(registration) {
                            rows.push(self.row(registration, &url, method, chain, &[]));
                        }
                    }
                    What::Failure => {
                        for item in &registration.items {
                            if let Item::Layer(layer) = item {
                                let layer = Layer {
                                    handles_errors: true,
                                    ..*layer
                                };
                                catch(&mut rows[first_row..], "/", layer);
                            }
                        }
                    }
                    What::Answer(method) => {
                        rows.push(self.row(registration, &url, method, chain, &registration.items));
                    }
                }
            }
        }
        // Hono's `onError` holds for the whole application wherever it stands, which `catch` at its place does not give
        // to later rows.
        for registration in &router.registrations {
            if registration.what == What::Failure {
                for item in &registration.items {
                    if let Item::Layer(layer) = item {
                        let layer = Layer {
                            handles_errors: true,
                            ..*layer
                        };
                        catch(&mut rows[first_row..], "/", layer);
                    }
                }
            }
        }
        chain.truncate(first_layer);
        above.pop();
    }

    fn row(
        &self,
        registration: &Registration,
        url: &str,
        method: &str,
        chain: &[(String, Layer)],
        items: &[Item],
    ) -> Route {
        let mut layers: Vec<Layer> = chain
            .iter()
            .filter(|(prefix, _)| covers(prefix, url))
            .map(|(_, layer)| *layer)
            .collect();
        layers.extend(items.iter().filter_map(|item| match item {
            Item::Layer(layer) => Some(*layer),
            Item::Router(_) => None,
        }));
        Route {
            module: registration.module,
            url: Some(url.to_owned()),
            kind: self.dialect.kind(),
            method: method.to_owned(),
            span: registration.span,
            entry: Entry::Chain(layers),
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
fn catch(rows: &mut [Route], prefix: &str, layer: Layer) {
    for row in rows {
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
#[cfg(test)]
mod tests {
    use super::{covers, join};

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
    }
}
