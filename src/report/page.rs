//! Lines, tables and colour for the terminal: the one place that writes an escape sequence.

use super::text::{fit, printable, width, wrap};

/// Narrower pages are not made: a terminal that is narrower wraps the lines itself.
const NARROWEST: usize = 60;

/// Sentences run no further than this, however wide the page is.
const LONGEST_SENTENCE: usize = 110;

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

    /// Breaks the line at spaces into lines of at most `room` columns, in the first piece's ink.
    fn wrapped(self, room: usize) -> Vec<Self> {
        if self.width() <= room {
            return vec![self];
        }
        let ink = self.pieces.first().map_or(Ink::Plain, |(ink, _)| *ink);
        let text: String = self.pieces.into_iter().map(|(_, text)| text).collect();
        wrap(&text, room)
            .into_iter()
            .map(|part| Self::of(ink, &part))
            .collect()
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

/// What a column does when the table is too wide for the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Overflow {
    /// It keeps its width.
    Keep,
    /// Its cells lose their middle: paths.
    Cut,
    /// Its cells are broken into lines: sentences.
    Wrap,
}

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) align: Align,
    pub(super) overflow: Overflow,
}

impl Column {
    /// Left-aligned, of fixed width.
    pub(super) const LEFT: Self = Self {
        align: Align::Left,
        overflow: Overflow::Keep,
    };
    /// Right-aligned, of fixed width.
    pub(super) const RIGHT: Self = Self {
        align: Align::Right,
        overflow: Overflow::Keep,
    };
    /// A path: gives way by losing its middle.
    pub(super) const PATH: Self = Self {
        align: Align::Left,
        overflow: Overflow::Cut,
    };
    /// A sentence: gives way by taking more lines.
    pub(super) const SENTENCE: Self = Self {
        align: Align::Left,
        overflow: Overflow::Wrap,
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
                width: style.width.max(NARROWEST),
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

    /// Writes a heading with a place behind it, or below it when both do not fit on one line.
    pub(super) fn titled(&mut self, title: &str, place: &str) {
        self.blank();
        let line = Line::of(Ink::Strong, title);
        let beside = line.clone().with(Ink::Faint, &format!("  {place}"));
        if beside.width() <= self.style.width {
            self.line(beside);
        } else {
            self.line(line);
            self.line(Line::of(Ink::Faint, &format!("  {place}")));
        }
    }

    /// Writes text broken into lines, each indented by `indent`.
    pub(super) fn paragraph(&mut self, indent: usize, ink: Ink, text: &str) {
        let text = printable(text);
        let room = self.style.width.min(LONGEST_SENTENCE);
        for line in wrap(&text, room.saturating_sub(indent)) {
            self.line(Line::of(Ink::Plain, &" ".repeat(indent)).with(ink, &line));
        }
    }

    /// Writes a place with a note behind it, or below it when both do not fit on one line.
    pub(super) fn place(&mut self, indent: usize, ink: Ink, place: &str, note: (Ink, &str)) {
        let line = Line::of(Ink::Plain, &" ".repeat(indent)).with(ink, place);
        let beside = line.clone().with(note.0, &format!("  {}", note.1));
        if beside.width() <= self.style.width {
            self.line(beside);
        } else {
            self.line(line);
            self.paragraph(indent + 2, note.0, note.1);
        }
    }

    /// Writes short texts one after another with dots between, broken into lines only between them.
    pub(super) fn enumeration(&mut self, indent: usize, ink: Ink, items: &[String]) {
        let room = self.style.width.min(LONGEST_SENTENCE);
        let room = room.saturating_sub(indent);
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
        let mut widths = widths(columns.len(), &rows);
        let taken = indent + total(&widths);
        let mut over = taken.saturating_sub(self.style.width);
        // A sentence loses nothing by taking more lines; a path does, by losing its middle.
        let steps = [
            (Overflow::Wrap, EASY_SENTENCE),
            (Overflow::Cut, NARROWEST_CELL),
            (Overflow::Wrap, NARROWEST_CELL),
        ];
        for (overflow, least) in steps {
            let gives_way = |column: &Column| column.overflow == overflow;
            let mut left = columns.iter().filter(|column| gives_way(column)).count();
            for (column, width) in columns.iter().zip(&mut widths) {
                if gives_way(column) {
                    let share = over.div_ceil(left).min(width.saturating_sub(least));
                    *width -= share;
                    over -= share;
                    left -= 1;
                }
            }
        }
        for row in rows {
            let mut line = Line::of(Ink::Plain, &" ".repeat(indent));
            let mut start = indent;
            let mut rest: Vec<Line> = Vec::new();
            for ((cell, column), width) in row.into_iter().zip(columns).zip(&widths) {
                let cell = if column.overflow == Overflow::Wrap {
                    let mut parts = cell.wrapped(*width).into_iter();
                    let first = parts.next().unwrap_or_default();
                    for (at, part) in parts.enumerate() {
                        if rest.len() == at {
                            rest.push(Line::new());
                        }
                        if let Some(line) = rest.get_mut(at) {
                            line.pad_to(start);
                            line.append(part);
                        }
                    }
                    first
                } else {
                    cell.fitted(*width)
                };
                match column.align {
                    Align::Left => line.pad_to(start),
                    Align::Right => line.pad_to(start + width.saturating_sub(cell.width())),
                }
                line.append(cell);
                start += width + GAP;
            }
            self.line(line);
            for line in rest {
                self.line(line);
            }
        }
    }

    /// The columns that such a table takes when nothing gives way.
    pub(super) fn table_width(&self, indent: usize, rows: &[Vec<Line>]) -> usize {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        indent + total(&widths(columns, rows))
    }

    /// The finished text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// A column of sentences reads well down to this width, and gives way first.
const EASY_SENTENCE: usize = 28;

/// No column becomes narrower.
const NARROWEST_CELL: usize = 12;

/// Spaces between two columns of a table.
const GAP: usize = 2;

/// The width of each column.
fn widths(columns: usize, rows: &[Vec<Line>]) -> Vec<usize> {
    let widest = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(Line::width).max().unwrap_or(0)
    };
    (0..columns).map(widest).collect()
}

/// The width of all columns with the gaps between them.
fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
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
        let mut page = page(false, 60);
        let row =
            |path: &str, word: &str| vec![Line::of(Ink::Plain, path), Line::of(Ink::Bad, word)];
        page.table(
            2,
            &[Column::PATH, Column::RIGHT],
            vec![
                row(
                    "apps/web/src/app/(dashboard)/api/organisations/[id]/route.ts",
                    "none",
                ),
                row("short.ts", "enforced"),
            ],
        );
        let text = page.finish();
        assert_eq!(
            text,
            "  apps/web/src/app/(d…/organisations/[id]/route.ts      none\n  short.ts                                          enforced\n"
        );
    }

    #[test]
    fn a_sentence_takes_more_lines_beside_the_other_columns() {
        let mut page = page(false, 60);
        let row = vec![
            Line::of(Ink::Plain, "open"),
            Line::of(
                Ink::Plain,
                "Every route and server action knows who is calling, or is declared public",
            ),
            Line::of(Ink::Plain, "2 h"),
        ];
        page.table(
            2,
            &[Column::LEFT, Column::SENTENCE, Column::RIGHT],
            vec![row],
        );
        assert_eq!(
            page.finish(),
            "  open  Every route and server action knows who is       2 h\n        calling, or is declared public\n"
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
