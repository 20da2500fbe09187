//! HTML in the making: everything that is not written in this program's own code goes through the escape.

use crate::report::markup::escaped;
use crate::report::text::parts;

/// A page, or a part of one.
#[derive(Default)]
pub(super) struct Html {
    text: String,
}

/// Names and values of attributes.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// Opens an element.
    pub(super) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.text.push('<');
        self.text.push_str(tag);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            self.text.push_str(&escaped(value));
            self.text.push('"');
        }
        self.text.push('>');
    }

    /// Closes an element.
    pub(super) fn close(&mut self, tag: &'static str) {
        self.text.push_str("</");
        self.text.push_str(tag);
        self.text.push_str(">\n");
    }

    /// Writes text.
    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(&escaped(text));
    }

    /// Writes a message, with code between its backticks.
    pub(super) fn prose(&mut self, text: &str) {
        for (is_code, part) in parts(text) {
            if is_code {
                self.element("code", &[], part);
            } else {
                self.text(part);
            }
        }
    }

    /// An element that holds nothing but text.
    pub(super) fn element(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.open(tag, attributes);
        self.text(text);
        self.text.push_str("</");
        self.text.push_str(tag);
        self.text.push('>');
    }

    /// An element that holds a path, which may break behind each of its folders.
    pub(super) fn path(&mut self, tag: &'static str, attributes: Attributes<'_>, path: &str) {
        self.open(tag, attributes);
        for part in path.split_inclusive('/') {
            self.text(part);
            if part.ends_with('/') {
                self.own("<wbr>");
            }
        }
        self.text.push_str("</");
        self.text.push_str(tag);
        self.text.push('>');
    }

    /// Such an element with a line end behind it.
    pub(super) fn block(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(tag, attributes, text);
        self.text.push('\n');
    }

    /// Text of this program's own that is markup already.
    pub(super) fn own(&mut self, markup: &'static str) {
        self.text.push_str(markup);
    }

    /// The finished text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}
