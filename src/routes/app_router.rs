//! Route handlers of the App Router: one row per exported HTTP method of a `route` file.

use crate::graph::Symbol;
use crate::project::App;
use crate::source::Span;
use crate::syntax::ModuleRecord;

use super::path::with_base;
use super::trace::Tracer;
use super::{Entry, Route, RouteKind, app_route_url};

/// The methods that Next.js looks for among a route file's exports.
pub(crate) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

/// The handlers below the application's `app` folder.
pub(super) fn rows(app: &App, tracer: Tracer<'_>, out: &mut Vec<Route>) {
    let Some(app_dir) = &app.app_dir else {
        return;
    };
    for (module, record) in tracer.graph.modules() {
        let Some(file) = record.path.strip_prefix(app_dir) else {
            continue;
        };
        let Some(url) = app_route_url(file, &app.next.page_extensions) else {
            continue;
        };
        let url = with_base(&app.next.base_path, &url);
        let names = tracer.graph.export_names(module);
        for method in METHODS {
            if !names.iter().any(|name| &**name == method)
                || tracer.graph.export(module, method) == Symbol::Type
            {
                continue;
            }
            out.push(Route {
                module,
                url: Some(url.clone()),
                kind: RouteKind::App,
                method: String::from(method),
                span: export_span(record, method),
                entry: Entry::Export(method.into()),
                development: None,
            });
        }
    }
}

/// Where a module exports a name: its own declaration or specifier, else the first `export *`.
pub(super) fn export_span(record: &ModuleRecord, name: &str) -> Span {
    if let Some(export) = record.exports.iter().find(|export| &*export.name == name) {
        return export.span;
    }
    let star = record.star_exports.first();
    record
        .requests
        .iter()
        .find(|request| Some(&request.specifier) == star)
        .map_or(Span::default(), |request| request.span)
}
