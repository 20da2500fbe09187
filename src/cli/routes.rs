//! `readiness routes`

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::model::{Model, RouteFacts};
use crate::report::{self, Style};
use crate::routes::RouteKind;
use crate::rule::nearest;
use crate::source::{RepoPath, Repository, SourceFile};

use super::args::{Format, RoutesArguments};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::output;
use super::progress::Progress;
use super::workspace::{Workspace, chosen_app};

pub(super) fn run(arguments: &RoutesArguments, console: Console) -> Result<Exit, Failure> {
    let target = &arguments.target;
    let mut progress = Progress::new(console);
    let workspace = Workspace::open(target, None, console, &mut progress)?;
    let mut model = workspace.model(target, &mut progress)?;
    if let Some(app) = chosen_app(target, &model)? {
        keep(&mut model, &app);
    }
    progress.stage("report");
    let style = match arguments.output {
        Some(_) => console.style_of_file(),
        None => console.style(),
    };
    let text = match (&arguments.why, arguments.format) {
        (Some(handler), Format::Terminal) => why(&model, &workspace.repository, handler, style)?,
        (Some(_), Format::Json) => {
            return Err(Failure::usage(
                "--why is for people; the JSON of `readiness routes` carries every chain",
            ));
        }
        (None, Format::Terminal) => report::routes_terminal(&model, style),
        (None, Format::Json) => report::routes_json(&model),
    };
    progress.finish(console);
    // The process ends after this, which gives memory back at once; taking the facts apart would take longer.
    std::mem::forget((model, workspace));
    match &arguments.output {
        Some(file) => output::to_file(file, &text),
        None => output::to_stdout(&text),
    }
}

/// Leaves only one application in the model.
fn keep(model: &mut Model, app: &RepoPath) {
    model.apps.retain(|each| each.root == *app);
    model.project.apps.retain(|each| each.root == *app);
}

fn why(
    model: &Model,
    repository: &Repository,
    handler: &str,
    style: Style,
) -> Result<String, Failure> {
    let all = || model.apps.iter().flat_map(|app| &app.routes);
    let found: Vec<&RouteFacts> = all().filter(|facts| names(handler, facts)).collect();
    if found.is_empty() {
        let known: Vec<String> = all().map(title).collect();
        return Err(Failure::usage(
            match nearest(handler, known.iter().map(String::as_str)) {
                Some(near) => format!("no handler `{handler}`, did you mean `{near}`?"),
                None => format!("no handler `{handler}`; `readiness routes` lists them"),
            },
        ));
    }
    let files: RefCell<BTreeMap<RepoPath, Option<SourceFile>>> = RefCell::default();
    let excerpt = |path: &RepoPath, line: u32| {
        let mut files = files.borrow_mut();
        let file = files
            .entry(path.clone())
            .or_insert_with(|| repository.read(path).ok());
        let text = &file.as_ref()?.text;
        let at = usize::try_from(line).ok()?.checked_sub(1)?;
        text.lines().nth(at).map(str::to_owned)
    };
    let parts: Vec<String> = found
        .into_iter()
        .map(|facts| report::why(facts, &excerpt, style))
        .collect();
    Ok(parts.join("\n"))
}

fn title(facts: &RouteFacts) -> String {
    facts.route.name()
}

/// True when `handler` means this one: `POST /api/x`, `/api/x`, a server action's name, or the file.
fn names(handler: &str, facts: &RouteFacts) -> bool {
    // Findings call a server action `action name`.
    let handler = handler.trim();
    if facts.route.url.is_none() && facts.route.method == handler {
        return true;
    }
    let handler = handler.strip_prefix("action ").unwrap_or(handler);
    let url = facts.route.url.as_deref();
    if let Some((method, path)) = handler.split_once(char::is_whitespace) {
        let method_fits = facts.route.http_method().eq_ignore_ascii_case(method)
            || (facts.route.method == "ANY" && path.starts_with('/'));
        return method_fits && url == Some(path.trim());
    }
    url == Some(handler)
        || facts.route.kind == RouteKind::Trpc && facts.route.method == handler
        || facts.route.method == handler.trim_end_matches("()") && url.is_none()
        || facts.file.as_str() == handler
}
