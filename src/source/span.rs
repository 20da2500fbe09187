//! Byte spans and the lines and columns that people read.

use std::fmt;
use std::sync::OnceLock;

use serde::Serialize;

use super::RepoPath;

/// A half-open range of byte offsets in one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` up to, not including, `end`.
    #[must_use]
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The other lies within this one.
    #[must_use]
    pub fn holds(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// So many bytes are looked at side by side.
const ROW: usize = 16;

/// A block of a text has a row for every bit of a byte.
const BLOCK: usize = ROW * 8;

/// The lowest bit of every byte.
const FIRST_BITS: u128 = u128::from_le_bytes([1; ROW]);

/// Offsets at which the lines of a file begin.
///
/// Every file has them, and those of most are never asked for, so what is made of every text are bits, many at a time.
#[derive(Clone, Debug)]
pub struct LineIndex {
    /// Where line feeds stand: bit `r` of byte `c` tells of column `c` in row `r` of the block.
    feeds: Box<[[u8; ROW]]>,
    /// Made when first asked.
    starts: OnceLock<Box<[u32]>>,
}

impl LineIndex {
    /// Finds the lines of `text`; only `\n` ends a line, as in every editor that counts `\r\n` as one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (blocks, rest) = text.as_bytes().as_chunks();
        let mut last = [0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        let mut feeds = Vec::with_capacity(blocks.len() + 1);
        feeds.extend(blocks.iter().map(feeds_of));
        feeds.push(feeds_of(&last));
        Self {
            feeds: feeds.into_boxed_slice(),
            starts: OnceLock::new(),
        }
    }

    fn starts(&self) -> &[u32] {
        self.starts.get_or_init(|| {
            let mut starts = vec![0];
            for (block, feeds) in self.feeds.iter().enumerate() {
                for row in 0..8 {
                    let begin = block * BLOCK + row * ROW + 1;
                    let mut columns = u128::from_le_bytes(*feeds) >> row & FIRST_BITS;
                    while columns != 0 {
                        let at = begin + columns.trailing_zeros() as usize / 8;
                        starts.push(u32::try_from(at).unwrap_or(u32::MAX));
                        columns &= columns - 1;
                    }
                }
            }
            starts.into_boxed_slice()
        })
    }

    /// The 1-based line that holds the byte at `offset`.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        u32::try_from(self.starts().partition_point(|&start| start <= offset)).unwrap_or(u32::MAX)
    }

    /// The 1-based line and 1-based byte column of `offset`.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let line = self.line(offset);
        (line, offset - self.starts()[line as usize - 1] + 1)
    }

    /// The offset at which 1-based `line` begins, or `None` behind the end.
    #[must_use]
    pub fn start_of(&self, line: u32) -> Option<u32> {
        self.starts().get((line as usize).checked_sub(1)?).copied()
    }

    /// How many lines the file has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts().len()
    }
}

/// The line feeds of a block. Columns do not depend on each other, so the compiler takes a whole row at once.
fn feeds_of(block: &[u8; BLOCK]) -> [u8; ROW] {
    let mut feeds = [0; ROW];
    for row in block.as_chunks::<ROW>().0.iter().rev() {
        for (feeds, byte) in feeds.iter_mut().zip(row) {
            *feeds = *feeds << 1 | u8::from(*byte == b'\n');
        }
    }
    feeds
}

/// A place in a file as people and reports name it. Lines and columns are 1-based; the end column is exclusive.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, schemars::JsonSchema)]
pub struct Location {
    /// File, relative to the audited root.
    pub file: RepoPath,
    /// First line, 1-based.
    pub line: u32,
    /// First column, 1-based, in bytes.
    pub column: u32,
    /// Last line, 1-based.
    pub end_line: u32,
    /// Column behind the last byte, 1-based.
    pub end_column: u32,
}

/// `app/api/chat/route.ts:12`
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Location {
    /// It is no more than the first line of a file: where something is told that stands nowhere.
    #[must_use]
    pub fn is_top(&self) -> bool {
        (self.line, self.column, self.end_line, self.end_column) == (1, 1, 1, 1)
    }

    /// The place of `span` in `file`.
    #[must_use]
    pub fn of_span(file: &RepoPath, lines: &LineIndex, span: Span) -> Self {
        let (line, column) = lines.line_column(span.start);
        let (end_line, end_column) = lines.line_column(span.end.max(span.start));
        Self {
            file: file.clone(),
            line,
            column,
            end_line,
            end_column,
        }
    }

    /// A whole line, when nothing finer is known.
    #[must_use]
    pub fn of_line(file: &RepoPath, line: u32) -> Self {
        Self {
            file: file.clone(),
            line,
            column: 1,
            end_line: line,
            end_column: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LineIndex;

    #[test]
    fn lines_and_columns_are_one_based() {
        let index = LineIndex::new("ab\ncd\n");
        assert_eq!(index.line_column(0), (1, 1));
        assert_eq!(index.line_column(2), (1, 3));
        assert_eq!(index.line_column(3), (2, 1));
        assert_eq!(index.line_column(6), (3, 1));
        assert_eq!(index.start_of(2), Some(3));
    }

    proptest::proptest! {
        #[test]
        fn every_line_feed_begins_a_line(text in "[\\n\\x0b\u{a0a}ab\r]{0,400}") {
            let index = LineIndex::new(&text);
            let starts: Vec<u32> = (1..).map_while(|line| index.start_of(line)).collect();
            let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            let expected: Vec<u32> = std::iter::once(0)
                .chain(feeds.map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX) + 1))
                .collect();
            proptest::prop_assert_eq!(starts, expected);
        }
    }
}
