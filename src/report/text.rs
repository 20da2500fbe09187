//! Text made harmless and fitted to a width.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::audit::AppAudit;

/// `text` without anything that could move the cursor, recolour the screen or reorder what is read: tabs and line ends
/// become spaces, every other control, bidirectional or invisible character becomes its visible escape, `\u{1b}`.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\t' | '\n' | '\r' => out.push(' '),
            letter if harmful(letter) => out.extend(letter.escape_unicode()),
            letter => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// True for letters, digits and signs of ASCII, and spaces: one column each.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// How many terminal columns `text` takes.
pub(super) fn width(text: &str) -> usize {
    if is_plain(text) {
        text.len()
    } else {
        text.width()
    }
}

/// `text` in at most `room` columns: what is too long loses its middle, because the ends of a path say most.
pub(super) fn fit(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    if room < 2 {
        return Cow::Borrowed(if room == 1 { "…" } else { "" });
    }
    let tail_room = (room - 1).div_ceil(2).max((room - 1) * 3 / 5);
    let head_room = room - 1 - tail_room;
    let head = take(text.chars(), head_room);
    let tail: String = take(text.chars().rev(), tail_room).chars().rev().collect();
    // Beside the dots of `[...path]` the mark of what was cut would be hard to see.
    let (head, tail) = (head.trim_end_matches('.'), tail.trim_start_matches('.'));
    Cow::Owned(format!("{head}…{tail}"))
}

fn take(letters: impl Iterator<Item = char>, room: usize) -> String {
    let mut used = 0;
    letters
        .take_while(|letter| {
            used += letter.width().unwrap_or(0);
            used <= room
        })
        .collect()
}

/// A space at which no line is broken.
pub(super) const GLUE: char = '\u{a0}';

/// `text` broken at spaces into lines of at most `room` columns; a word that is longer stands alone and is cut in the middle.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let space = |letter: char| letter.is_whitespace() && letter != GLUE;
    for word in text.split(space).filter(|word| !word.is_empty()) {
        let word = word.replace(GLUE, " ");
        let word = fit(&word, room);
        if !line.is_empty() && width(&line) + 1 + width(&word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The parts of a message, each with whether it is code: what stands between two backticks. Where one has no second, all is text.
pub(super) fn parts(text: &str) -> Vec<(bool, &str)> {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return vec![(false, text)];
    }
    let code = |at: usize| !at.is_multiple_of(2);
    let parts = parts.into_iter().enumerate();
    parts
        .map(|(at, part)| (code(at), part))
        .filter(|(code, part)| *code || !part.is_empty())
        .collect()
}

/// `text` on one line, with single spaces.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `1 gap`, `2 gaps`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// `14 h`, `1.5 h`, `0 h`: hours to half an hour.
pub(super) fn hours(hours: f64) -> String {
    // The sum of no hours at all is a negative zero, which would print its sign.
    let halves = (hours * 2.0).round() / 2.0 + 0.0;
    if halves.fract() == 0.0 {
        format!("{halves:.0} h")
    } else {
        format!("{halves:.1} h")
    }
}

/// A score as a whole number: 100 only where nothing is missing, whatever rounding says.
pub(super) fn whole(score: f64) -> String {
    let most = if score < 100.0 { 99.0 } else { 100.0 };
    format!("{:.0}", score.min(most))
}

/// `87 of 100, grade B`, or that nothing was judged.
pub(super) fn graded(app: &AppAudit) -> String {
    match (app.score, app.grade) {
        (Some(score), Some(grade)) => format!("{} of 100, grade {grade}", whole(score)),
        _ => String::from(NOT_JUDGED),
    }
}

/// What stands in the place of a score where nothing of the roadmap was judged.
pub(super) const NOT_JUDGED: &str = "none, nothing of the roadmap was judged";

#[cfg(test)]
mod tests {
    use super::{GLUE, fit, hours, parts, printable, width, wrap};

    #[test]
    fn code_stands_between_two_backticks() {
        assert_eq!(
            parts("`A` is read, `B` is not"),
            [
                (true, "A"),
                (false, " is read, "),
                (true, "B"),
                (false, " is not")
            ]
        );
        assert_eq!(parts("one ` alone"), [(false, "one ` alone")]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn escape_sequences_and_bidirectional_overrides_become_visible() {
        assert_eq!(printable("plain – ünï 日本"), "plain – ünï 日本");
        assert_eq!(printable("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(printable("x\u{202e}gpj.exe"), "x\\u{202e}gpj.exe");
        assert_eq!(
            printable("two\nlines\tand\u{9b}c1"),
            "two lines and\\u{9b}c1"
        );
        assert_eq!(printable("zero\u{200b}width"), "zero\\u{200b}width");
    }

    #[test]
    fn a_long_path_loses_its_middle() {
        let path = "apps/web/src/app/(dashboard)/api/organisations/[id]/route.ts:12";
        let short = fit(path, 30);
        assert_eq!(width(&short), 30);
        assert!(short.starts_with("apps/web"), "{short}");
        assert!(short.ends_with("[id]/route.ts:12"), "{short}");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("longer", 1), "…");
        assert_eq!(
            fit("日本語日本語", 7),
            "日…語",
            "a wide letter is never halved"
        );
    }

    #[test]
    fn words_wrap_and_no_line_is_wider_than_the_room() {
        let lines = wrap(
            "POST /api/chat has no rate limit and calls a language model",
            24,
        );
        assert_eq!(
            lines,
            [
                "POST /api/chat has no",
                "rate limit and calls a",
                "language model"
            ]
        );
        let glued = format!("one two{GLUE}(3)");
        assert_eq!(wrap(&glued, 9), ["one", "two (3)"]);
        let long = wrap("see apps/web/src/app/api/very/long/path/route.ts now", 20);
        assert!(long.iter().all(|line| width(line) <= 20), "{long:?}");
    }

    #[test]
    fn hours_are_rounded_to_halves() {
        assert_eq!(hours(14.0), "14 h");
        assert_eq!(hours(1.6), "1.5 h");
        assert_eq!(hours(0.1), "0 h");
        assert_eq!(hours(std::iter::empty::<f64>().sum()), "0 h");
    }
}
