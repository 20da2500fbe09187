//! The chain behind one handler's verdicts, step by step, with the lines of code.

use crate::controls::Evidence;
use crate::model::RouteFacts;
use crate::rule::{Confidence, Control};
use crate::source::RepoPath;

use super::page::{Ink, Line, Page, Style};
use super::routes_terminal::{mark, word};

/// Gives the text of a 1-based line of a file, when it can be had.
pub type Excerpt<'a> = &'a dyn Fn(&RepoPath, u32) -> Option<String>;

/// Why each control of `facts` has the status it has.
#[must_use]
pub fn why(facts: &RouteFacts, excerpt: Excerpt<'_>, style: Style) -> String {
    let mut page = Page::new(style);
    let name = match &facts.route.url {
        Some(_) => facts.route.name(),
        None => format!("{}()", facts.route.method),
    };
    let place = format!("{}:{}", facts.file, facts.location.line);
    page.titled(&name, &place);
    code(&mut page, excerpt(&facts.file, facts.location.line));
    if facts.public_declared {
        page.paragraph(2, Ink::Faint, "declared public in readiness.toml");
    } else if let Some(reason) = &facts.public_guess {
        page.paragraph(2, Ink::Faint, &format!("probably public: {reason}"));
    }
    for (kind, evidence) in &facts.expensive {
        let place = format!("{}:{}", evidence.file, evidence.line);
        let what = format!("expensive: {kind} call");
        page.place(2, Ink::Faint, &place, (Ink::Faint, &what));
    }
    for control in Control::ALL {
        let Some(verdict) = facts.controls.get(&control) else {
            continue;
        };
        page.blank();
        let status = facts.status(control);
        let (ink, sign) = mark(status);
        let mut line = Line::of(ink, sign).with(Ink::Plain, " ");
        line.push(Ink::Strong, control.title());
        line.pad_to(18);
        line.push(ink, word(status));
        if let Some(limit) = &verdict.limit {
            line.push(Ink::Plain, &format!(" {limit}"));
        }
        if verdict.confidence == Confidence::Low {
            line.push(Ink::Faint, "  low confidence");
        }
        page.line(line);
        // Every chain begins at the handler, which stands at the top already.
        let chain = match verdict.evidence.split_first() {
            Some((first, rest)) if is_entry(first, facts) => rest,
            _ => &verdict.evidence[..],
        };
        for steps in chain.chunk_by(|a, b| (&a.file, a.line) == (&b.file, b.line)) {
            one(&mut page, steps, excerpt);
        }
    }
    page.finish()
}

/// Steps that happen on one line.
fn one(page: &mut Page, steps: &[Evidence], excerpt: Excerpt<'_>) {
    let Some(step) = steps.first() else {
        return;
    };
    let notes: Vec<&str> = steps.iter().map(|step| step.note.as_str()).collect();
    let place = format!("{}:{}", step.file, step.line);
    page.place(2, Ink::Code, &place, (Ink::Plain, &notes.join(", ")));
    code(page, excerpt(&step.file, step.line));
}

fn code(page: &mut Page, line: Option<String>) {
    let line = line.unwrap_or_default();
    let line = line.trim();
    if !line.is_empty() {
        page.line(Line::of(Ink::Faint, "  │ ").with(Ink::Faint, line));
    }
}

fn is_entry(step: &Evidence, facts: &RouteFacts) -> bool {
    step.file == facts.file && step.line == facts.location.line
}
