//! Lines, tables and colour for the terminal: the one place that writes an escape sequence.

use super::text::{fit, printable, width, wrap};

/// Narrower pages are not made: a terminal that is narrower wraps the lines itself.
const NARROWEST: usize = 60;

/// Below this many columns, a table gives sentences a line of their own.
const NARROW: usize = 72;

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

/// A row of columns, or what stands between rows.
#[derive(Clone, Debug)]
pub(super) enum Block {
    /// A section's heading with a remark behind it.
    Heading(String, &'static str),
    /// A line of its own; what does not fit goes on below it, indented.
    Hanging(usize, Line),
    /// Text broken into lines, each indented.
    Paragraph(usize, Ink, String),
    /// Cells that stand in columns.
    Row(Vec<Line>),
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

    /// Too narrow for sentences beside several other columns.
    pub(super) fn is_narrow(&self) -> bool {
        self.style.width < NARROW
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

    /// Writes a section's heading with a remark behind it, or below it when both do not fit on one line.
    pub(super) fn heading(&mut self, title: &str, remark: &str) {
        self.blank();
        let line = Line::of(Ink::Strong, title);
        let beside = line.clone().with(Ink::Faint, &format!("  {remark}"));
        if remark.is_empty() {
            self.line(line);
        } else if beside.width() <= self.style.width {
            self.line(beside);
        } else {
            self.line(line);
            self.paragraph(2, Ink::Faint, remark);
        }
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

    /// Writes a line; what does not fit goes on below it, indented by `indent`.
    pub(super) fn hanging(&mut self, indent: usize, line: Line) {
        if line.width() <= self.style.width {
            return self.line(line);
        }
        let mut head = Line::new();
        let mut pieces = line.pieces.into_iter().peekable();
        while let Some((ink, text)) = pieces.next() {
            if pieces.peek().is_some() {
                head.push(ink, &text);
                continue;
            }
            // The last piece is the sentence.
            let taken = indent.max(head.width() + usize::from(text.starts_with(' ')));
            let room = self.style.width.saturating_sub(taken);
            for (at, part) in wrap(&text, room).iter().enumerate() {
                if at > 0 {
                    head.push(Ink::Plain, &" ".repeat(indent));
                } else if text.starts_with(' ') {
                    head.push(Ink::Plain, " ");
                }
                self.line(std::mem::take(&mut head).with(ink, part));
            }
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
        let blocks = rows.into_iter().map(Block::Row).collect();
        self.aligned(indent, columns, blocks);
    }

    /// Writes rows with other lines between them: the columns of all rows stand in line.
    pub(super) fn aligned(&mut self, indent: usize, columns: &[Column], blocks: Vec<Block>) {
        let rows = blocks.iter().filter_map(|block| match block {
            Block::Row(row) => Some(row),
            _ => None,
        });
        let widths = self.layout(indent, columns, widths(columns.len(), rows));
        for block in blocks {
            match block {
                Block::Heading(title, remark) => self.heading(&title, remark),
                Block::Hanging(indent, line) => self.hanging(indent, line),
                Block::Paragraph(indent, ink, text) => self.paragraph(indent, ink, &text),
                Block::Row(row) => self.row(indent, columns, &widths, row),
            }
        }
    }

    /// The widths of columns that want `widths`, so that they fit on the page.
    fn layout(&self, indent: usize, columns: &[Column], mut widths: Vec<usize>) -> Vec<usize> {
        let taken = indent + total(&widths);
        let mut over = taken.saturating_sub(self.style.width);
        // A sentence loses nothing by taking more lines; a path does, by losing its middle.
        let steps = [
            (Overflow::Wrap, EASY_SENTENCE),
            (Overflow::Cut, NARROWEST_CELL),
            (Overflow::Wrap, NARROWEST_CELL),
        ];
        for (overflow, least) in steps {
            loop {
                let gives_way = |(column, width): &(&Column, &mut usize)| {
                    column.overflow == overflow && **width > least
                };
                let mut giving: Vec<_> = columns.iter().zip(&mut widths).collect();
                giving.retain(gives_way);
                if over == 0 || giving.is_empty() {
                    break;
                }
                let mut left = giving.len();
                for (_, width) in giving {
                    let share = over.div_ceil(left).min(*width - least);
                    *width -= share;
                    over -= share;
                    left -= 1;
                }
            }
        }
        widths
    }

    fn row(&mut self, indent: usize, columns: &[Column], widths: &[usize], row: Vec<Line>) {
        let mut line = Line::of(Ink::Plain, &" ".repeat(indent));
        let mut start = indent;
        let mut rest: Vec<Line> = Vec::new();
        for ((cell, column), width) in row.into_iter().zip(columns).zip(widths) {
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

    /// The columns that such a table takes when nothing gives way.
    pub(super) fn table_width(&self, indent: usize, rows: &[Vec<Line>]) -> usize {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        indent + total(&widths(columns, rows.iter()))
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
fn widths<'a>(columns: usize, rows: impl Iterator<Item = &'a Vec<Line>>) -> Vec<usize> {
    let mut widths = vec![0; columns];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    widths
}

/// The width of all columns with the gaps between them.
fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::{Block, Column, Ink, Line, Page, Style};

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
    fn what_one_column_cannot_give_another_does() {
        let mut page = page(false, 60);
        let row = vec![
            Line::of(Ink::Plain, &"w".repeat(40)),
            Line::of(Ink::Plain, "short"),
            Line::of(Ink::Plain, &"k".repeat(25)),
        ];
        let columns = [Column::PATH, Column::PATH, Column::LEFT];
        page.table(2, &columns, vec![row]);
        let text = page.finish();
        assert!(text.contains(&"k".repeat(25)), "{text}");
        assert!(text.contains(" short "), "{text}");
    }

    #[test]
    fn what_hangs_goes_on_below_its_first_word() {
        let mut page = page(false, 60);
        let line = Line::of(Ink::Bad, "high").with(
            Ink::Faint,
            " · security · from the code · 0.5 h per gap, or for all of them · since 0.1.0",
        );
        page.hanging(2, line);
        assert_eq!(
            page.finish(),
            "high · security · from the code · 0.5 h per gap, or for all\n  of them · since 0.1.0\n"
        );
    }

    #[test]
    fn rows_with_lines_between_them_stand_in_the_same_columns() {
        let mut page = page(false, 60);
        let row =
            |a: &str, b: &str| Block::Row(vec![Line::of(Ink::Plain, a), Line::of(Ink::Plain, b)]);
        let blocks = vec![
            Block::Heading(String::from("one"), ""),
            row("a", "1"),
            Block::Heading(String::from("two"), ""),
            row("long", "2"),
            Block::Paragraph(4, Ink::Plain, String::from("said below")),
        ];
        page.aligned(2, &[Column::LEFT, Column::RIGHT], blocks);
        assert_eq!(
            page.finish(),
            "one\n  a     1\n\ntwo\n  long  2\n    said below\n"
        );
    }

    #[test]
    fn a_remark_that_does_not_fit_stands_below_its_heading() {
        let mut page = page(false, 60);
        page.heading(
            "Gaps",
            "3 critical · 7 high · 68 medium · 47 low; 49 of them only likely",
        );
        assert_eq!(
            page.finish(),
            "Gaps\n  3 critical · 7 high · 68 medium · 47 low; 49 of them only\n  likely\n"
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
