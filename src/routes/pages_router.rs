//! API routes of the Pages Router: one row per method that the default export answers, else one row `ANY`.

use crate::project::App;
use crate::syntax::ModuleRecord;

use super::app_router::export_span;
use super::dispatch::answered;
use super::path::with_base;
use super::trace::{Tracer, Value};
use super::{Entry, Route, RouteKind, pages_api_url};

/// The handlers below the application's `pages/api` folder.
pub(super) fn rows(app: &App, tracer: Tracer<'_>, out: &mut Vec<Route>) {
    let Some(pages_dir) = &app.pages_dir else {
        return;
    };
    for (module, record) in tracer.graph.modules() {
        let Some(file) = record.path.strip_prefix(pages_dir) else {
            continue;
        };
        let Some(url) = pages_api_url(file, &app.next.page_extensions) else {
            continue;
        };
        let handler = tracer.export(module, "default");
        // Next.js serves the file all the same, and answers every request with an error.
        if handler == Value::Type || !has_default(tracer, record) {
            continue;
        }
        let url = with_base(&app.next.base_path, &url);
        let mut methods: Vec<String> = answered(tracer, &handler)
            .into_iter()
            .map(String::from)
            .collect();
        if methods.is_empty() {
            methods.push(String::from("ANY"));
        }
        for method in methods {
            out.push(Route {
                module,
                url: Some(url.clone()),
                kind: RouteKind::Pages,
                method,
                span: export_span(record, "default"),
                entry: Entry::Export("default".into()),
                development: None,
            });
        }
    }
}

fn has_default(tracer: Tracer<'_>, record: &ModuleRecord) -> bool {
    record
        .exports
        .iter()
        .any(|export| &*export.name == "default")
        || tracer.graph.find(&record.path).is_some_and(|module| {
            tracer
                .graph
                .export_names(module)
                .iter()
                .any(|name| &**name == "default")
        })
}
