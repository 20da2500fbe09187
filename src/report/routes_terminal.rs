//! The route table for people: one line per handler, one mark per control.

use crate::controls::Status;
use crate::model::{AppModel, Model, RouteFacts, Standing};
use crate::project::App;
use crate::routes::{MiddlewareProblem, RouteKind};
use crate::rule::Control;

use super::page::{Block, Column, Ink, Line, Page, Style};
use super::text::count;

/// The route tables of all applications as text for a terminal.
#[must_use]
pub fn routes_terminal(model: &Model, style: Style) -> String {
    let mut page = Page::new(style);
    let (mut marks, mut stars) = (false, false);
    for (at, app) in model.apps.iter().enumerate() {
        let shown = application(&mut page, model, app, model.project.apps.get(at));
        marks |= shown.is_some_and(|detail| !detail.words);
        stars |= shown.is_some_and(|detail| detail.brief) && app.routes.iter().any(is_public);
    }
    if model.apps.iter().any(|app| !app.routes.is_empty()) {
        page.blank();
        if marks {
            let mut legend = Line::of(Ink::Plain, "  ")
                .with(Ink::Good, "●")
                .with(Ink::Faint, " in place  ")
                .with(Ink::Fair, "◐")
                .with(Ink::Faint, " partly  ")
                .with(Ink::Bad, "○")
                .with(Ink::Faint, " missing  ")
                .with(Ink::Fair, "?")
                .with(Ink::Faint, " unknown");
            let mut rest = String::from("– not needed");
            if stars {
                rest.push_str("  * public");
            }
            let rest = Line::of(Ink::Faint, &rest);
            if legend.width() + 2 + rest.width() <= page.width() {
                legend.push(Ink::Plain, "  ");
                legend.append(rest);
                page.line(legend);
            } else {
                page.line(legend);
                let mut line = Line::of(Ink::Plain, "  ");
                line.append(rest);
                page.line(line);
            }
        }
        page.paragraph(
            2,
            Ink::Faint,
            "readiness routes --why \"METHOD /path\" shows the chain behind a line.",
        );
    }
    page.finish()
}

/// Writes one application; tells how its table is shown, where it has one.
fn application(
    page: &mut Page,
    model: &Model,
    app: &AppModel,
    found: Option<&App>,
) -> Option<Detail> {
    let name = found.map_or(app.root.as_str(), |app| &app.name);
    let framework = found.map_or("", |app| app.framework.word());
    let version = found.and_then(|app| app.version.as_deref()).unwrap_or("");
    let mut remark = format!("{framework} {version}").trim().to_owned();
    if !app.root.is_root() {
        remark = format!("{} · {remark}", app.root);
    }
    remark.push_str(&format!(" · {}", count(app.routes.len(), "handler")));
    page.heading(name, &remark);
    let mut shown = None;
    if !app.routes.is_empty() {
        page.blank();
        shown = Some(table(page, &app.routes));
        coverage(page, app);
    }
    for middleware in &app.middleware {
        page.blank();
        let file = model.graph.module(middleware.module).path.as_str();
        let (ink, says) = match (&middleware.problem, &middleware.matchers) {
            (Some(problem), _) => (Ink::Bad, format!("never runs: {}", reason(problem))),
            (None, None) => (
                Ink::Fair,
                String::from("runs; its matcher could not be read"),
            ),
            (None, Some(matchers)) if matchers.is_empty() => {
                (Ink::Plain, String::from("runs on every path"))
            }
            (None, Some(matchers)) => {
                let sources: Vec<&str> = matchers.iter().map(|each| each.source.as_str()).collect();
                (Ink::Plain, format!("runs on {}", sources.join(", ")))
            }
        };
        page.line(Line::of(Ink::Plain, "  ").with(Ink::Code, file));
        page.paragraph(4, ink, &says);
    }
    shown
}

/// How many handlers each control reaches, of those of which it is asked.
fn coverage(page: &mut Page, app: &AppModel) {
    let endpoints: Vec<&RouteFacts> = app.endpoints().collect();
    let parts = Control::ALL.map(|control| {
        let standings = endpoints.iter().filter_map(|facts| facts.standing(control));
        let (covered, total) = standings.fold((0, 0), |(covered, total), standing| {
            (
                covered + usize::from(standing == Standing::InPlace),
                total + 1,
            )
        });
        format!("{} {covered}/{total}", control.title())
    });
    page.blank();
    page.enumeration(2, Ink::Plain, &parts);
}

fn reason(problem: &MiddlewareProblem) -> String {
    match problem {
        MiddlewareProblem::WrongFolder(right) if right.is_root() => {
            String::from("Next.js looks for it in the application's root")
        }
        MiddlewareProblem::WrongFolder(right) => format!("Next.js looks for it in {right}"),
        MiddlewareProblem::WrongName => {
            String::from("this version of Next.js loads `middleware`, not `proxy`")
        }
        MiddlewareProblem::WrongExport => {
            String::from("it exports neither the function that Next.js calls nor a default")
        }
        MiddlewareProblem::Shadowed(other) => format!("Next.js loads {other} instead"),
    }
}

/// How much of each row is shown.
#[derive(Clone, Copy)]
struct Detail {
    /// Statuses as words beside their marks.
    words: bool,
    /// Where each handler begins.
    files: bool,
    /// Of several limits the first one only, and a star for what is public: the addresses need the room.
    brief: bool,
}

/// From most to least; the first that fits is taken, else the last.
const DETAILS: [Detail; 5] = [
    Detail {
        words: true,
        files: true,
        brief: false,
    },
    Detail {
        words: true,
        files: false,
        brief: false,
    },
    Detail {
        words: false,
        files: true,
        brief: false,
    },
    Detail {
        words: false,
        files: false,
        brief: false,
    },
    Detail {
        words: false,
        files: false,
        brief: true,
    },
];

/// Writes the table; tells how it is shown.
fn table(page: &mut Page, routes: &[RouteFacts]) -> Detail {
    const INDENT: usize = 2;
    if page.is_narrow() {
        return stacked(page, routes);
    }
    let [mut detail, ..] = DETAILS;
    let mut chosen = (Vec::new(), Vec::new());
    for each in DETAILS {
        detail = each;
        chosen = rows(routes, detail);
        if page.table_width(INDENT, &chosen.1) <= page.width() {
            break;
        }
    }
    page.table(INDENT, &chosen.0, chosen.1);
    detail
}

/// Writes each handler on a line of its own, and its marks below: on a narrow page there is no room beside an address.
fn stacked(page: &mut Page, routes: &[RouteFacts]) -> Detail {
    const INDENT: usize = 4;
    let [.., detail] = DETAILS;
    let (columns, rows) = rows(routes, detail);
    let mut blocks = Vec::new();
    for (at, row) in rows.into_iter().enumerate() {
        let mut cells = row.into_iter();
        let mut handler = Line::of(Ink::Plain, "  ");
        handler.append(cells.next().unwrap_or_default());
        handler.push(Ink::Plain, " ");
        handler.append(cells.next().unwrap_or_default());
        if at > 0 {
            blocks.push(Block::Hanging(INDENT, handler));
        }
        blocks.push(Block::Row(cells.collect()));
    }
    page.aligned(INDENT, columns.get(2..).unwrap_or_default(), blocks);
    detail
}

fn rows(routes: &[RouteFacts], detail: Detail) -> (Vec<Column>, Vec<Vec<Line>>) {
    let titles = ["auth", "limit", "input", "errors", "log", "tests"];
    let mut head = vec![
        Line::of(Ink::Faint, "method"),
        Line::of(Ink::Faint, "route"),
    ];
    head.extend(titles.iter().map(|title| Line::of(Ink::Faint, title)));
    let mut columns = vec![Column::LEFT, Column::PATH];
    columns.extend([Column::LEFT; 6]);
    if detail.files {
        head.push(Line::of(Ink::Faint, "file"));
        columns.push(Column::PATH);
    }
    let mut rows = vec![head];
    for facts in routes {
        let mut row = vec![method(facts), address(facts, detail)];
        row.extend(
            Control::ALL
                .iter()
                .map(|control| cell(facts, *control, detail)),
        );
        if detail.files {
            row.push(Line::of(
                Ink::Faint,
                &format!("{}:{}", facts.file, facts.location.line),
            ));
        }
        rows.push(row);
    }
    (columns, rows)
}

fn method(facts: &RouteFacts) -> Line {
    match facts.route.kind {
        RouteKind::Action => Line::of(Ink::Plain, "action"),
        RouteKind::Trpc => Line::of(Ink::Plain, "trpc"),
        _ => Line::of(Ink::Plain, &facts.route.method),
    }
}

fn address(facts: &RouteFacts, detail: Detail) -> Line {
    let mut line = match (&facts.route.url, facts.route.kind) {
        (_, RouteKind::Trpc) => Line::of(Ink::Plain, &facts.route.method),
        (Some(url), _) => Line::of(Ink::Plain, url),
        (None, _) => Line::of(Ink::Plain, &format!("{}()", facts.route.method)),
    };
    if is_public(facts) {
        let mark = if detail.brief { " *" } else { " (public)" };
        line.push(Ink::Faint, mark);
    }
    line
}

fn is_public(facts: &RouteFacts) -> bool {
    facts.public_declared || facts.public_guess.is_some()
}

/// What a status amounts to, whatever the control calls it.
pub(super) fn mark(status: Status) -> (Ink, &'static str) {
    match status {
        Status::Enforced
        | Status::Schema
        | Status::Caught
        | Status::Structured
        | Status::Tested => (Ink::Good, "●"),
        Status::Optional | Status::Conditional | Status::Manual | Status::Console => {
            (Ink::Fair, "◐")
        }
        Status::Absent | Status::Uncaught | Status::Untested => (Ink::Bad, "○"),
        Status::Na => (Ink::Faint, "–"),
        Status::Unknown => (Ink::Fair, "?"),
    }
}

/// The word that people read for a status.
pub(super) fn word(status: Status) -> &'static str {
    match status {
        Status::Na => "n/a",
        status => status.word(),
    }
}

fn cell(facts: &RouteFacts, control: Control, detail: Detail) -> Line {
    let verdict = facts.controls.get(&control);
    let status = facts.status(control);
    let (ink, sign) = mark(status);
    // What is not asked of the handler is no fault of it.
    let asked = ink == Ink::Good || facts.standing(control).is_some();
    let ink = if asked { ink } else { Ink::Faint };
    let mut line = Line::of(ink, sign);
    if detail.words {
        line.push(ink, &format!(" {}", word(status)));
    }
    if let Some(limit) = verdict.and_then(|verdict| verdict.limit.as_deref()) {
        let more = limit.split(',').count() - 1;
        let first = limit.split(',').next().unwrap_or(limit);
        let shown = match more {
            1.. if detail.brief => format!(" {first} +{more}"),
            _ => format!(" {limit}"),
        };
        line.push(Ink::Faint, &shown);
    }
    line
}
