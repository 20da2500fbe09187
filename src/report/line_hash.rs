//! What GitHub recognises a line by when it has moved: `primaryLocationLineHash`.
//!
//! Its upload action computes the same from the checked-out file and complains about any other value, so this has to be what it
//! computes: a polynomial over the first hundred UTF-16 units from the line's beginning that are neither space nor tab, any line
//! end counting as `\n`; and, behind a colon, how many lines so far had the same.

use rustc_hash::FxHashMap;

/// UTF-16 units that a hash looks at.
const WINDOW: usize = 100;
/// What stands behind the last unit of a file.
const END: u16 = u16::MAX;

/// The hash of every line, first line first.
pub(super) fn line_hashes(text: &str) -> Vec<String> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len() + WINDOW);
    let mut starts: Vec<usize> = Vec::new();
    let mut at_start = true;
    let mut after_return = false;
    for unit in text.encode_utf16().chain(std::iter::once(END)) {
        let is = |letter: u8| unit == u16::from(letter);
        if is(b' ') || is(b'\t') || after_return && is(b'\n') {
            after_return = false;
            continue;
        }
        after_return = is(b'\r');
        if at_start {
            starts.push(units.len());
        }
        let unit = if after_return { u16::from(b'\n') } else { unit };
        at_start = unit == u16::from(b'\n');
        units.push(unit);
    }
    units.resize(units.len() + WINDOW, 0);
    let mut seen: FxHashMap<u64, u32> = FxHashMap::default();
    let hashes = starts.into_iter().map(|start| {
        let window = units.iter().skip(start).take(WINDOW);
        let hash = window.fold(0_u64, |hash, unit| {
            hash.wrapping_mul(37).wrapping_add(u64::from(*unit))
        });
        let number = seen.entry(hash).or_insert(0);
        *number += 1;
        format!("{hash:x}:{number}")
    });
    hashes.collect()
}

#[cfg(test)]
mod tests {
    use super::line_hashes;

    #[test]
    fn every_line_has_a_hash_and_equal_ones_are_numbered() {
        let text = "a\n  a\r\n\tb".to_owned() + &"\nx".repeat(200);
        let hashes = line_hashes(&text);
        assert_eq!(hashes.len(), 203);
        let tail: Vec<&str> = hashes[3..6]
            .iter()
            .filter_map(|hash| hash.split_once(':'))
            .map(|(_, number)| number)
            .collect();
        assert_eq!(tail, ["1", "2", "3"]);
    }

    #[test]
    fn indentation_and_line_ends_do_not_matter() {
        assert_eq!(line_hashes("a b\n c"), line_hashes("\ta  b\r\nc"));
    }
}
