//! Names as words, and patterns of such words: `with rate limit *`.

/// A pattern of words: for each of them those that it may be, `*` for any number of any.
pub(super) type Form<'p> = Vec<Vec<&'p str>>;

/// `with rate limit|limits *`: words one by one, `*` for any number of them, `a|b` for one of several.
pub(super) fn form(pattern: &str) -> Form<'_> {
    let words = pattern.split(' ');
    words.map(|word| word.split('|').collect()).collect()
}

/// The words are those of the pattern.
pub(super) fn fits(pattern: &[Vec<&str>], words: &[String]) -> bool {
    match pattern.split_first() {
        None => words.is_empty(),
        Some((wanted, rest)) if **wanted == ["*"] => {
            (0..=words.len()).any(|skipped| fits(rest, &words[skipped..]))
        }
        Some((wanted, rest)) => words.split_first().is_some_and(|(word, others)| {
            wanted.iter().any(|each| each == word) && fits(rest, others)
        }),
    }
}

/// `withRateLimit` as `with`, `rate`, `limit`.
pub(super) fn words(name: &str) -> Vec<String> {
    if name.is_ascii() {
        return words_of_ascii(name);
    }
    words_of_letters(name)
}

fn words_of_letters(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let previous = at.checked_sub(1).and_then(|at| letters.get(at));
        let begins = letter.is_uppercase()
            && (previous.is_some_and(|previous| !previous.is_uppercase())
                || letters.get(at + 1).is_some_and(|next| next.is_lowercase()));
        if (begins || !letter.is_alphanumeric()) && !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// The same where a letter is a byte, as nearly always.
fn words_of_ascii(name: &str) -> Vec<String> {
    let letters = name.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    let mut end = |from: usize, at: usize| {
        if from < at {
            found.push(name[from..at].to_ascii_lowercase());
        }
    };
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            end(from, at);
            from = at + 1;
            continue;
        }
        let before = at.checked_sub(1).map(|before| letters[before]);
        let begins = letter.is_ascii_uppercase()
            && (before.is_some_and(|before| !before.is_ascii_uppercase())
                || letters.get(at + 1).is_some_and(u8::is_ascii_lowercase));
        if begins {
            end(from, at);
            from = at;
        }
    }
    end(from, name.len());
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{fits, form, words, words_of_letters};

    proptest! {
        #[test]
        fn a_letter_is_a_letter_however_it_is_stored(name in "[a-zA-Z0-9_. -]{0,24}") {
            prop_assert_eq!(words(&name), words_of_letters(&name));
        }
    }

    #[test]
    fn names_as_words() {
        assert_eq!(words("withRateLimit"), ["with", "rate", "limit"]);
        assert_eq!(words("HTTPErrorHandler"), ["http", "error", "handler"]);
        assert_eq!(words("RATE_LIMITS"), ["rate", "limits"]);
        assert_eq!(words("/api/init-db"), ["api", "init", "db"]);
        let fit = |pattern: &str, name: &str| fits(&form(pattern), &words(name));
        assert!(fit("* rate limit|limits *", "getPublicRateLimit"));
        assert!(fit("require *", "requireUser"));
        assert!(!fit("require *", "requirements"));
        assert!(fit("* logger", "logger"));
        assert!(!fit("* logger", "loggerOptions"));
    }
}
