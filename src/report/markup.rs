//! Text inside XML and HTML.

use super::text::printable;

/// `text` as character data or as the value of an attribute in quotes: it can neither end the one nor the other, and holds no
/// character that XML forbids.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for letter in printable(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            escaped("</x a='1' b=\"2\">&amp;\u{0}"),
            "&lt;/x a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;amp;\\u{0}"
        );
    }
}
