//! Paths as URI references.

use std::fmt::Write;

use crate::source::RepoPath;

/// The path as a relative URI reference: everything that is not plainly allowed in a path is percent-encoded, `[id]` and spaces
/// among it.
pub(super) fn uri(path: &RepoPath) -> String {
    let mut uri = String::with_capacity(path.as_str().len() + 8);
    for byte in path.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => uri.push(char::from(byte)),
            // A colon could make a scheme of the first segment.
            b'-' | b'.' | b'_' | b'~' | b'/' | b'(' | b')' | b'@' | b'+' | b',' | b'=' | b'!'
            | b'$' => {
                uri.push(char::from(byte));
            }
            _ => {
                // Writing into a string cannot fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;
    use crate::source::RepoPath;

    #[test]
    fn what_a_path_may_not_hold_is_encoded() {
        let of = |path| uri(&RepoPath::new(path));
        assert_eq!(
            of("app/(shop)/@cart/[id]/route.ts"),
            "app/(shop)/@cart/%5Bid%5D/route.ts"
        );
        assert_eq!(of("a b/ü%/c:d?#.ts"), "a%20b/%C3%BC%25/c%3Ad%3F%23.ts");
    }
}
