//! JavaScript's regular expressions, compiled for the Rust engine.

use fancy_regex::Regex;

use super::MatcherError;

/// Compiles a JavaScript regular expression for the Rust engine.
///
/// # Errors
/// When it is no regular expression, or uses what the engine does not know.
pub(super) fn compile(regexp: &str, ignore_case: bool) -> Result<Regex, MatcherError> {
    let rewritten = for_rust(regexp);
    let rewritten = if ignore_case {
        format!("(?i){rewritten}")
    } else {
        rewritten
    };
    Regex::new(&rewritten)
        .map_err(|problem| MatcherError(format!("invalid regular expression: {problem}")))
}

/// The class a JavaScript escape stands for. JavaScript means ASCII by `\d` and `\w`, Rust all of Unicode.
fn escape_class(c: char) -> Option<(&'static str, bool)> {
    Some(match c {
        'd' => ("0-9", false),
        'D' => ("0-9", true),
        'w' => ("A-Za-z0-9_", false),
        'W' => ("A-Za-z0-9_", true),
        's' => (
            r"\t\n\x0B\x0C\r \x{A0}\x{FEFF}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}",
            false,
        ),
        'S' => (
            r"\t\n\x0B\x0C\r \x{A0}\x{FEFF}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}",
            true,
        ),
        _ => return None,
    })
}

/// `\b` and `\B` in ASCII.
const WORD_BOUNDARY: &str =
    "(?:(?<=[A-Za-z0-9_])(?![A-Za-z0-9_])|(?<![A-Za-z0-9_])(?=[A-Za-z0-9_]))";
const NO_WORD_BOUNDARY: &str =
    "(?:(?<=[A-Za-z0-9_])(?=[A-Za-z0-9_])|(?<![A-Za-z0-9_])(?![A-Za-z0-9_]))";

/// Rewrites what the two dialects read differently: ASCII classes, brackets and operators inside classes, slashes.
fn for_rust(regexp: &str) -> String {
    let characters: Vec<char> = regexp.chars().collect();
    let mut out = String::with_capacity(regexp.len() + 16);
    let mut in_class = false;
    let mut class_start = 0;
    let mut at = 0;
    while let Some(&c) = characters.get(at) {
        match c {
            '\\' => {
                at += 1;
                let Some(&escaped) = characters.get(at) else {
                    out.push_str("\\\\");
                    break;
                };
                match escape_class(escaped) {
                    None if escaped == 'b' && in_class => out.push_str("\\x08"),
                    None if escaped == 'b' => out.push_str(WORD_BOUNDARY),
                    None if escaped == 'B' && !in_class => out.push_str(NO_WORD_BOUNDARY),
                    Some((class, false)) if in_class => {
                        out.push_str(class);
                        if characters.get(at + 1) == Some(&'-') {
                            out.push_str("\\-");
                            at += 1;
                        }
                    }
                    Some((class, true)) => out.push_str(&format!("[^{class}]")),
                    Some((class, false)) => out.push_str(&format!("[{class}]")),
                    None if escaped == '/' => out.push('/'),
                    // An identity escape of a letter or digit that Rust would read otherwise.
                    None if escaped.is_ascii_alphabetic() && !"tnrfvxuckpP0".contains(escaped) => {
                        out.push(escaped);
                    }
                    None => {
                        out.push('\\');
                        out.push(escaped);
                    }
                }
            }
            '(' if !in_class && characters.get(at + 1..at + 4) == Some(&['?', ':', ')']) => {
                // An empty group, which may be repeated: it matches nothing either way.
                at += 3;
                if characters.get(at + 1).is_some_and(|c| "*+?".contains(*c)) {
                    at += 1;
                }
            }
            '[' if !in_class => {
                in_class = true;
                class_start = at;
                out.push('[');
                if characters.get(at + 1) == Some(&'^') {
                    at += 1;
                    class_start = at;
                    out.push('^');
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '[' | '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '-' if in_class => {
                let before_class_escape = characters.get(at + 1) == Some(&'\\')
                    && characters
                        .get(at + 2)
                        .is_some_and(|next| escape_class(*next).is_some());
                let literal = at == class_start + 1
                    || characters.get(at + 1) == Some(&']')
                    || before_class_escape;
                out.push_str(if literal { "\\-" } else { "-" });
            }
            other => out.push(other),
        }
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{compile, for_rust};

    #[test]
    fn digits_are_ascii_digits() {
        let digits = compile(r"^[\w-]+\/\d$", false).unwrap();
        assert!(digits.is_match("a-b/7").unwrap());
        assert!(!digits.is_match("a-b/٧").unwrap());
        assert!(!digits.is_match("ä/7").unwrap());
        assert_eq!(for_rust(r"[\w-.]"), r"[A-Za-z0-9_\-.]");
    }
}
