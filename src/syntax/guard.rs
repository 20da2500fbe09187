//! A linear look at a file's nesting before a recursive parser sees it.

/// How deep a file nests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Nesting {
    /// Any stack will do.
    Ordinary,
    /// A large stack is needed.
    Deep,
    /// Too deep to be parsed; holds why.
    Refused(String),
}

/// Deepest nesting that is parsed.
const MAX_BRACKETS: u32 = 512;

/// Measures `text`.
pub(super) fn nesting(text: &str) -> Nesting {
    let (mut depth, mut deepest) = (0_u32, 0_u32);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if deepest > MAX_BRACKETS {
        return Nesting::Refused(format!("brackets nested deeper than {MAX_BRACKETS} levels"));
    }
    if deepest > 48 {
        Nesting::Deep
    } else {
        Nesting::Ordinary
    }
}
