//! The user's own mistakes in `readiness.toml` and in roadmap files, shown with the guilty lines.

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report,
    Severity,
};

use crate::report::printable;
use crate::source::Span;

use super::console::Console;
use super::exit::{Exit, Failure};

/// One mistake: what is wrong, and which bytes; `None` when it is the file as a whole.
pub(super) type Mistake = (String, Option<Span>);

/// All mistakes of one file as one failure.
pub(super) fn failure(file: &str, text: &str, mistakes: &[Mistake], console: Console) -> Failure {
    let number = mistakes.len();
    let noun = if number == 1 { "mistake" } else { "mistakes" };
    let file = printable(file);
    let mut diagnostic =
        MietteDiagnostic::new(format!("{file} has {number} {noun}")).with_severity(Severity::Error);
    let mut whole = Vec::new();
    for (message, span) in mistakes {
        match span {
            Some(span) => {
                let length = span.end.saturating_sub(span.start).max(1) as usize;
                diagnostic = diagnostic.and_label(LabeledSpan::new(
                    Some(printable(message).into_owned()),
                    span.start as usize,
                    length,
                ));
            }
            None => whole.push(printable(message).into_owned()),
        }
    }
    if !whole.is_empty() {
        diagnostic = diagnostic.with_help(whole.join("\n"));
    }
    let report = Report::new(diagnostic).with_source_code(NamedSource::new(&file, harmless(text)));
    let mut theme = if console.colors_errors() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    theme.characters.error = String::from("error:");
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_context_lines(1);
    let mut rendered = String::new();
    if handler
        .render_report(&mut rendered, report.as_ref())
        .is_err()
    {
        rendered = format!("error: {file} has {number} {noun}\n");
        for (message, _) in mistakes {
            rendered.push_str(&format!("  {}\n", printable(message)));
        }
    }
    Failure {
        exit: Exit::Usage,
        text: rendered.trim_start().to_owned(),
    }
}

/// The text with every control character but line ends as spaces of the same length, so that spans still fit.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        let mut buffer = [0; 4];
        let alone: &str = letter.encode_utf8(&mut buffer);
        if letter != '\n' && printable(alone) != alone {
            out.extend(std::iter::repeat_n(' ', letter.len_utf8()));
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn spans_still_fit_after_cleaning() {
        let text = "a = \"\x1b[31m\u{202e}\"\r\nb = 1\n";
        let clean = harmless(text);
        assert_eq!(clean.len(), text.len());
        assert_eq!(clean.find("b = 1"), text.find("b = 1"));
        assert!(!clean.contains('\x1b'));
        assert!(!clean.contains('\u{202e}'));
    }
}
