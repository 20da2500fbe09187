//! `readiness routes`

use crate::model::{Model, RouteFacts};
use crate::report::{self, Style};
use crate::routes::RouteKind;
use crate::rule::nearest;
use crate::source::{RepoPath, Repository};

use super::args::{PlainFormat, RoutesArguments};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::files::Files;
use super::output;
use super::progress::Progress;
use super::workspace::{Workspace, chosen_app};

pub(super) fn run(arguments: &RoutesArguments, console: Console) -> Result<Exit, Failure> {
    let target = &arguments.target;
    let mut progress = Progress::new(console);
    let workspace = Workspace::open(target, None, console, &mut progress)?;
    let mut model = workspace.model(target, console, &mut progress)?;
    if let Some(app) = chosen_app(target, &model)? {
        keep(&mut model, &app);
    }
    progress.stage("report");
    let style = match arguments.output {
        Some(_) => console.style_of_file(),
        None => console.style(),
    };
    let text = match (&arguments.why, arguments.format) {
        (Some(handler), PlainFormat::Terminal) => {
            why(&model, &workspace.repository, handler, style)?
        }
        (Some(_), PlainFormat::Json) => {
            return Err(Failure::usage(
                "--why is for people; the JSON of `readiness routes` carries every chain",
            ));
        }
        (None, PlainFormat::Terminal) => report::routes_terminal(&model, style),
        (None, PlainFormat::Json) => report::routes_json(&model),
    };
    progress.finish(console);
    if arguments.why.is_none() {
        for hint in model.hints() {
            console.note(&format!("hint: {hint}"));
        }
    }
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
    let mut found: Vec<&RouteFacts> = all().filter(|facts| names(handler, facts)).collect();
    if found.is_empty() {
        // A path as it is requested, `/api/users/42`.
        found = all().filter(|facts| serves(handler, facts)).collect();
    }
    if found.is_empty() {
        let all: Vec<&RouteFacts> = all().collect();
        return Err(Failure::usage(not_found(handler, &all)));
    }
    let files = Files::new(repository);
    let excerpt = |path: &RepoPath, line: u32| files.line(path, line);
    let parts: Vec<String> = found
        .into_iter()
        .map(|facts| report::why(facts, &excerpt, style))
        .collect();
    Ok(parts.join("\n"))
}

/// More handlers than this are not named where one was not found.
const NAMED: usize = 3;

/// What to say of a handler that is not there.
fn not_found(handler: &str, all: &[&RouteFacts]) -> String {
    let path = handler.split_whitespace().last().unwrap_or(handler);
    let methods: Vec<&str> = all
        .iter()
        .filter(|facts| facts.route.url.as_deref() == Some(path))
        .map(|facts| facts.route.method.as_str())
        .collect();
    if !methods.is_empty() {
        return format!(
            "no handler `{handler}`; {path} answers {}",
            methods.join(", ")
        );
    }
    let known: Vec<String> = all.iter().map(|facts| title(facts)).collect();
    if let Some(near) = nearest(handler, known.iter().map(String::as_str)) {
        return format!("no handler `{handler}`, did you mean `{near}`?");
    }
    // Those that share most of the path's beginning.
    let shared = |title: &&String| {
        let theirs = title.split_whitespace().last().unwrap_or(title);
        let both = path.split('/').zip(theirs.split('/'));
        both.skip(1).take_while(|(a, b)| a == b).count()
    };
    let most = known.iter().map(|title| shared(&title)).max().unwrap_or(0);
    // What all have in common says nothing.
    if most < 2 || !path.starts_with('/') {
        return format!("no handler `{handler}`; `readiness routes` lists them");
    }
    let near: Vec<String> = known
        .iter()
        .filter(|title| shared(title) == most)
        .take(NAMED)
        .map(|title| format!("`{title}`"))
        .collect();
    format!("no handler `{handler}`; near it: {}", near.join(", "))
}

/// True when a request for this path, with dynamic segments filled in, goes to this handler.
fn serves(handler: &str, facts: &RouteFacts) -> bool {
    let (method, path) = match handler.split_once(char::is_whitespace) {
        Some((method, path)) => (Some(method), path.trim()),
        None => (None, handler),
    };
    let fits = method.is_none_or(|method| {
        facts.route.method.eq_ignore_ascii_case(method) || facts.route.method == "ANY"
    });
    let Some(url) = facts.route.url.as_deref().filter(|_| fits) else {
        return false;
    };
    let mut given = path.split('/');
    for segment in url.split('/') {
        if segment.starts_with("[...") || segment.starts_with("[[...") || segment == "*" {
            return segment.starts_with("[[") || given.next().is_some();
        }
        let dynamic = segment.starts_with('[') || segment.starts_with(':');
        match given.next() {
            Some(text) if text == segment || dynamic && !text.is_empty() => {}
            _ => return false,
        }
    }
    given.next().is_none()
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
