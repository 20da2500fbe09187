//! What identifies a finding across runs.

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_128;

use crate::finding::Finding;
use crate::source::RepoPath;

/// Gives every finding its fingerprint: rule, file, route, the function around it and message, without numbers, so that moved
/// lines and changed counts keep it. Of a count the message does not matter, and of one in the whole application its folder
/// stands for the file. Findings that are alike in all of that are numbered in their order.
pub(super) fn assign(app: &RepoPath, findings: &mut [Finding]) {
    let mut seen: FxHashMap<u128, u32> = FxHashMap::default();
    for finding in findings {
        let base = [
            finding.rule.as_str(),
            if finding.everywhere {
                app.as_str()
            } else {
                finding.location.file.as_str()
            },
            finding.route.as_deref().unwrap_or(""),
            finding.within.as_deref().unwrap_or(""),
            // What is counted is worded after its number: one call, two calls.
            &match finding.count {
                Some(_) => String::new(),
                None => normalised(&finding.message),
            },
        ]
        .join("\u{1f}");
        let alike = xxh3_128(base.as_bytes());
        let number = seen.entry(alike).or_insert(0);
        *number += 1;
        let own = if *number == 1 {
            alike
        } else {
            xxh3_128(format!("{base}\u{1f}{number}").as_bytes())
        };
        finding.fingerprint = format!("{own:032x}");
    }
}

/// Digits and white space say nothing about which gap it is.
pub(super) fn normalised(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    let mut last = None;
    for letter in message.chars() {
        let letter = match letter {
            '0'..='9' => '#',
            letter if letter.is_whitespace() => ' ',
            letter => letter,
        };
        if matches!(letter, '#' | ' ') && last == Some(letter) {
            continue;
        }
        text.push(letter);
        last = Some(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn numbers_do_not_matter() {
        assert_eq!(
            normalised("195 console calls in  60 files"),
            normalised("7 console calls in 1 files")
        );
        assert_ne!(normalised("no limit"), normalised("no auth"));
    }
}
