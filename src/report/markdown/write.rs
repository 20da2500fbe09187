//! Markdown as GitHub reads it, in which nothing that comes from a repository can be anything but text.

use std::fmt::Write;

use crate::report::text::{parts, printable};

/// Text that stays text: no emphasis, link, image, HTML, heading, mention or reference comes of it.
pub(in crate::report) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let text = printable(text);
    let mut letters = text.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '~' | '|' => {
                out.push('\\');
                out.push(letter);
            }
            // `[id]` alone is text. A box, a footnote, a link or the definition of one it is by what stands around it.
            '[' if out.trim().is_empty() || matches!(letters.peek(), Some('^' | '[')) => {
                out.push_str("\\[")
            }
            ']' if matches!(letters.peek(), Some('(' | '[' | ':')) => out.push_str("\\]"),
            // Inside a word it is no emphasis.
            '_' if before.is_alphanumeric()
                && letters.peek().is_some_and(|it| it.is_alphanumeric()) =>
            {
                out.push('_');
            }
            '_' => out.push_str("\\_"),
            // A package with a scope is a name of code, in which GitHub makes no mention.
            '@' if !before.is_alphanumeric() && before != '/' && scoped(letters.clone()) > 0 => {
                let length = scoped(letters.clone());
                out.push_str("`@");
                out.extend(letters.by_ref().take(length));
                out.push('`');
            }
            // A comment between the two keeps GitHub from making a mention, or a reference to an issue.
            '@' if letters.peek().is_some_and(|it| it.is_alphanumeric()) => {
                out.push_str("@<!-- -->")
            }
            '#' if letters.peek().is_some_and(char::is_ascii_digit) => out.push_str("#<!-- -->"),
            '#' | '+' | '-' if out.trim().is_empty() => {
                out.push('\\');
                out.push(letter);
            }
            // A list or an address that GitHub would link.
            '.' if out.chars().all(|it| it.is_ascii_digit()) && !out.is_empty() => {
                out.push_str("\\.")
            }
            ':' if text_is_scheme(&out) => out.push_str(":<!-- -->"),
            letter => out.push(letter),
        }
        before = letter;
    }
    out
}

/// A message, with code between its backticks.
pub(in crate::report) fn prose(text: &str) -> String {
    let parts = parts(text).into_iter();
    let shown = parts.map(|(is_code, part)| if is_code { code(part) } else { escape(part) });
    shown.collect()
}

/// How many letters of the text behind an `@` are the scope and name of a package, `supabase/ssr`; 0 when they are none.
fn scoped(text: impl Iterator<Item = char>) -> usize {
    let named = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '/');
    let name: String = text.take_while(named).collect();
    let whole = name
        .split_once('/')
        .is_some_and(|(scope, rest)| !scope.is_empty() && !rest.is_empty() && !rest.ends_with('/'));
    if whole { name.chars().count() } else { 0 }
}

/// True when what stands so far ends with a word that makes an address of what follows.
fn text_is_scheme(out: &str) -> bool {
    ["http", "https", "ftp", "mailto"]
        .iter()
        .any(|scheme| out.ends_with(scheme))
}

/// Text as code.
pub(in crate::report) fn code(text: &str) -> String {
    let text = printable(text);
    let mut longest = 0;
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    if text.starts_with('`') || text.ends_with('`') {
        format!("{fence} {text} {fence}")
    } else if text.trim().is_empty() {
        String::from("(empty)")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A document in the making. Texts are Markdown already: what comes from a repository goes through [`escape`] or [`code`] first.
#[derive(Default)]
pub(super) struct Document {
    text: String,
}

impl Document {
    /// A heading with an empty line around it.
    pub(super) fn heading(&mut self, level: usize, text: &str) {
        self.blank();
        let _ = writeln!(self.text, "{} {text}", "#".repeat(level.min(6)));
        self.blank();
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.blank();
        let _ = writeln!(self.text, "{text}");
        self.blank();
    }

    /// An item of a list, below the one before.
    pub(super) fn item(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.text, "{}- {text}", "  ".repeat(depth));
    }

    /// An item with a box.
    pub(super) fn check(&mut self, done: bool, text: &str) {
        let mark = if done { 'x' } else { ' ' };
        let _ = writeln!(self.text, "- [{mark}] {text}");
    }

    /// Lines of a file.
    pub(super) fn fenced(&mut self, language: &str, lines: &str) {
        self.blank();
        let _ = writeln!(self.text, "```{language}\n{}\n```", lines.trim_end());
        self.blank();
    }

    /// A table; nothing without rows.
    pub(super) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        self.blank();
        let _ = writeln!(self.text, "| {} |", head.join(" | "));
        let _ = writeln!(self.text, "|{}", "---|".repeat(head.len()));
        for row in rows {
            self.text.push('|');
            for cell in row {
                self.text.push(' ');
                self.cell(cell);
                self.text.push_str(" |");
            }
            self.text.push('\n');
        }
        self.blank();
    }

    /// A bar ends a cell, in code too, unless a backslash stands in front.
    fn cell(&mut self, cell: &str) {
        let mut before = ' ';
        for letter in cell.chars() {
            match letter {
                '|' if before != '\\' => self.text.push_str("\\|"),
                '\n' => self.text.push(' '),
                letter => self.text.push(letter),
            }
            before = letter;
        }
    }

    fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// The finished text, with one line end behind it.
    pub(super) fn finish(self) -> String {
        let mut text = self.text.trim_end().to_owned();
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, code, escape, prose};

    #[test]
    fn text_makes_no_markup() {
        assert_eq!(escape("<b>*x*</b>"), "&lt;b&gt;\\*x\\*&lt;/b&gt;");
        assert_eq!(escape("app/@team/[id]"), "app/@<!-- -->team/[id]");
        assert_eq!(
            escape("getUser() of @supabase/ssr"),
            "getUser() of `@supabase/ssr`"
        );
        assert_eq!(
            escape("[x] [a](b) ![c][d]: [^1]"),
            "\\[x] [a\\](b) ![c\\][d\\]: \\[^1]"
        );
        assert_eq!(prose("`[a](b)` of <x>"), "`[a](b)` of &lt;x&gt;");
        assert_eq!(escape("@team/"), "@<!-- -->team/");
        assert_eq!(escape("snake_case _x_"), "snake_case \\_x\\_");
        assert_eq!(
            escape("see #12 & https://x"),
            "see #<!-- -->12 &amp; https:<!-- -->//x"
        );
        assert_eq!(escape("# heading"), "\\# heading");
        assert_eq!(escape("1. one"), "1\\. one");
        assert_eq!(escape("a\nb"), "a b");
    }

    #[test]
    fn code_holds_backticks_and_tables_hold_bars() {
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`x`"), "`` `x` ``");
        let mut document = Document::default();
        document.table(&["a"], &[vec![code("x|y")], vec![escape("p|q")]]);
        assert_eq!(document.finish(), "| a |\n|---|\n| `x\\|y` |\n| p\\|q |\n");
    }
}
