//! Lines, tables and colour for the terminal: the one place that writes an escape sequence.

use super::text::{fit, printable, width, wrap};

/// How a terminal report looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Escape sequences for colour are allowed.
    pub color: bool,
    /// Columns that a line may take.
    pub width: usize,
    /// Everything is listed, instead of the worst few of each kind.
    pub all: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
            all: false,
        }
    }
}

/// What a piece of text means; the colour follows from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ink {
    /// Ordinary text.
    Plain,
    /// Headings and names.
    Strong,
    /// What supports and can be skipped.
    Faint,
    /// In order.
    Good,
    /// Partly in order.
    Fair,
    /// Missing.
    Bad,
    /// Missing, and urgent.
    Alarm,
    /// Something to type or to look up.
    Code,
}

impl Ink {
    fn escape(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\x1b[1m",
            Self::Faint => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Fair => "\x1b[33m",
            Self::Bad => "\x1b[31m",
            Self::Alarm => "\x1b[1;31m",
            Self::Code => "\x1b[36m",
        }
    }
}

/// Pieces of text side by side. Every piece is made harmless on its way in.
#[derive(Clone, Default, Debug)]
pub(super) struct Line {
    pieces: Vec<(Ink, String)>,
}

impl Line {
    /// An empty line.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// One piece.
    pub(super) fn of(ink: Ink, text: &str) -> Self {
        Self::new().with(ink, text)
    }

    /// This line and another piece.
    pub(super) fn with(mut self, ink: Ink, text: &str) -> Self {
        self.push(ink, text);
        self
    }

    /// Adds a piece.
    pub(super) fn push(&mut self, ink: Ink, text: &str) {
        if !text.is_empty() {
            self.pieces.push((ink, printable(text).into_owned()));
        }
    }

    /// Adds spaces up to `column`.
    pub(super) fn pad_to(&mut self, column: usize) {
        let missing = column.saturating_sub(self.width());
        if missing > 0 {
            self.pieces.push((Ink::Plain, " ".repeat(missing)));
        }
    }

    /// Adds another line's pieces.
    pub(super) fn append(&mut self, other: Line) {
        self.pieces.extend(other.pieces);
    }

    /// The columns it takes.
    pub(super) fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| width(text)).sum()
    }

    /// Cuts the longest piece in its middle, and the next longest, until the line fits into `room`.
    fn fitted(mut self, room: usize) -> Self {
        for _ in 0..self.pieces.len() {
            let over = self.width().saturating_sub(room);
            if over == 0 {
                break;
            }
            if let Some((_, longest)) = self.pieces.iter_mut().max_by_key(|(_, text)| width(text)) {
                let kept = width(longest).saturating_sub(over);
                *longest = fit(longest, kept).into_owned();
            }
        }
        self
    }
}

/// On which side a column's cells stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Align {
    Left,
    Right,
}

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) align: Align,
    /// It gives way when the table is too wide for the page.
    pub(super) shrinks: bool,
}

impl Column {
    /// Left-aligned, of fixed width.
    pub(super) const LEFT: Self = Self {
        align: Align::Left,
        shrinks: false,
    };
    /// Right-aligned, of fixed width.
    pub(super) const RIGHT: Self = Self {
        align: Align::Right,
        shrinks: false,
    };
    /// Left-aligned, giving way.
    pub(super) const ELASTIC: Self = Self {
        align: Align::Left,
        shrinks: true,
    };
}

/// A report in the making.
#[derive(Debug)]
pub(super) struct Page {
    style: Style,
    text: String,
}

impl Page {
    /// An empty page.
    pub(super) fn new(style: Style) -> Self {
        Self {
            style: Style {
                width: style.width.max(40),
                ..style
            },
            text: String::new(),
        }
    }

    /// The columns of a line.
    pub(super) fn width(&self) -> usize {
        self.style.width
    }

    /// Everything is listed.
    pub(super) fn lists_all(&self) -> bool {
        self.style.all
    }

    /// Writes a line, cut to the page's width.
    pub(super) fn line(&mut self, line: Line) {
        self.whole_line(line.fitted(self.style.width));
    }

    /// Writes a line whatever its width: a command is there to be copied, and a terminal wraps it without breaking it.
    pub(super) fn whole_line(&mut self, line: Line) {
        let last = line.pieces.len().saturating_sub(1);
        for (at, (ink, text)) in line.pieces.iter().enumerate() {
            let text = if at == last { text.trim_end() } else { text };
            let escape = ink.escape();
            if self.style.color && !escape.is_empty() && !text.trim().is_empty() {
                self.text.push_str(escape);
                self.text.push_str(text);
                self.text.push_str("\x1b[0m");
            } else {
                self.text.push_str(text);
            }
        }
        self.text.push('\n');
    }

    /// Writes an empty line; never two in a row, never at the top.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Writes a section's heading with a remark behind it.
    pub(super) fn heading(&mut self, title: &str, remark: &str) {
        self.blank();
        let mut line = Line::of(Ink::Strong, title);
        if !remark.is_empty() {
            line.push(Ink::Faint, &format!("  {remark}"));
        }
        self.line(line);
    }

    /// Writes text broken into lines, each indented by `indent`.
    pub(super) fn paragraph(&mut self, indent: usize, ink: Ink, text: &str) {
        let text = printable(text);
        for line in wrap(&text, self.style.width.saturating_sub(indent)) {
            self.line(Line::of(Ink::Plain, &" ".repeat(indent)).with(ink, &line));
        }
    }

    /// Writes short texts one after another with dots between, broken into lines only between them.
    pub(super) fn enumeration(&mut self, indent: usize, ink: Ink, items: &[String]) {
        let room = self.style.width.saturating_sub(indent);
        let mut line = String::new();
        for item in items {
            let item = printable(item);
            if !line.is_empty() && width(&line) + 3 + width(&item) > room {
                self.line(Line::of(Ink::Plain, &" ".repeat(indent)).with(ink, &line));
                line.clear();
            }
            if !line.is_empty() {
                line.push_str(" · ");
            }
            line.push_str(&item);
        }
        if !line.is_empty() {
            self.line(Line::of(Ink::Plain, &" ".repeat(indent)).with(ink, &line));
        }
    }

    /// Writes rows in columns, indented by `indent` and two spaces apart.
    pub(super) fn table(&mut self, indent: usize, columns: &[Column], rows: Vec<Vec<Line>>) {
        const GAP: usize = 2;
        let mut widths: Vec<usize> = columns
            .iter()
            .enumerate()
            .map(|(at, _)| {
                rows.iter()
                    .filter_map(|row| row.get(at))
                    .map(Line::width)
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let gaps = GAP * columns.len().saturating_sub(1);
        let taken = indent + gaps + widths.iter().sum::<usize>();
        let mut over = taken.saturating_sub(self.style.width);
        let mut left = columns.iter().filter(|column| column.shrinks).count();
        for (column, width) in columns.iter().zip(&mut widths) {
            if column.shrinks {
                let share = over.div_ceil(left).min(width.saturating_sub(12));
                *width -= share;
                over -= share;
                left -= 1;
            }
        }
        for row in rows {
            let mut line = Line::of(Ink::Plain, &" ".repeat(indent));
            let mut start = indent;
            for ((cell, column), width) in row.into_iter().zip(columns).zip(&widths) {
                let cell = cell.fitted(*width);
                match column.align {
                    Align::Left => line.pad_to(start),
                    Align::Right => line.pad_to(start + width.saturating_sub(cell.width())),
                }
                line.append(cell);
                start += width + GAP;
            }
            self.line(line);
        }
    }

    /// The finished text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Ink, Line, Page, Style};

    fn page(color: bool, width: usize) -> Page {
        Page::new(Style {
            color,
            width,
            all: false,
        })
    }

    #[test]
    fn without_colour_there_is_no_escape_and_with_it_text_cannot_bring_its_own() {
        let evil = "a\x1b]0;title\x07b";
        let mut plain = page(false, 80);
        plain.line(Line::of(Ink::Bad, evil));
        assert_eq!(plain.finish(), "a\\u{1b}]0;title\\u{7}b\n");
        let mut coloured = page(true, 80);
        coloured.line(Line::of(Ink::Bad, evil));
        assert_eq!(
            coloured.finish(),
            "\x1b[31ma\\u{1b}]0;title\\u{7}b\x1b[0m\n"
        );
    }

    #[test]
    fn an_elastic_column_gives_way_and_nothing_passes_the_edge() {
        let mut page = page(false, 40);
        let row =
            |path: &str, word: &str| vec![Line::of(Ink::Plain, path), Line::of(Ink::Bad, word)];
        page.table(
            2,
            &[Column::ELASTIC, Column::RIGHT],
            vec![
                row("apps/web/src/app/api/organisations/[id]/route.ts", "none"),
                row("short.ts", "enforced"),
            ],
        );
        let text = page.finish();
        assert_eq!(
            text,
            "  apps/web/sr…ns/[id]/route.ts      none\n  short.ts                      enforced\n"
        );
    }

    #[test]
    fn blank_lines_do_not_pile_up() {
        let mut page = page(false, 80);
        page.blank();
        page.line(Line::of(Ink::Plain, "a"));
        page.blank();
        page.heading("b", "");
        assert_eq!(page.finish(), "a\n\nb\n");
    }
}
