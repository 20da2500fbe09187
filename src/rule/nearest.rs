//! The known word that a mistyped one probably meant.

/// The candidate closest to `word`, when it is close enough to be a likely slip of the fingers.
///
/// Case and the difference between `-` and `_` count for nothing. Ties go to the first candidate.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(word);
    let limit = (plain.len() / 3).max(1);
    closest(&plain, limit, candidates.into_iter())
}

/// The candidate that `word` is a slip of: one letter too many, too few, wrong or swapped, two in a long word, or another
/// writing of capitals. Closer than [`nearest`], for words that may as well be right.
#[must_use]
pub fn near_miss<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(word);
    let limit = match plain.len() {
        0..5 => return None,
        5..10 => 1,
        _ => 2,
    };
    let others = candidates.into_iter();
    let others = others.filter(|candidate| candidate.len() >= 5 && *candidate != word);
    closest(&plain, limit, others)
}

/// The first of the candidates that are closest to a plain word, when they are no farther than `limit`.
fn closest<'a>(
    word: &[char],
    limit: usize,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let measured = candidates.filter_map(|candidate| {
        let candidate_plain = plain(candidate);
        // Every letter that one has more than the other is a step of its own.
        if word.len().abs_diff(candidate_plain.len()) > limit {
            return None;
        }
        let far = distance(word, &candidate_plain);
        (far <= limit).then_some((far, candidate))
    });
    let (_, candidate) = measured.min_by_key(|(far, _)| *far)?;
    Some(candidate)
}

fn plain(word: &str) -> Vec<char> {
    word.chars()
        .take(64)
        .map(|letter| {
            if letter == '_' {
                '-'
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect()
}

/// Insertions, removals, replacements and swaps of neighbours that turn one word into the other.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let replace = above[column] + usize::from(a != b);
            let mut best = replace.min(above[column + 1] + 1).min(line[column] + 1);
            let swapped = row > 0 && column > 0 && *a == right[column - 1] && left[row - 1] == *b;
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            line.push(best);
        }
        before = above;
        above = line;
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let known = ["fail-on", "min-score", "route-auth"];
        assert_eq!(nearest("fail_on", known), Some("fail-on"));
        assert_eq!(nearest("failon", known), Some("fail-on"));
        assert_eq!(nearest("min-socre", known), Some("min-score"));
        assert_eq!(nearest("route-atuh", known), Some("route-auth"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }
}
