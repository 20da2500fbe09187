//! Paths relative to the audited root.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A path relative to the audited root, always with `/`, without a leading `./` or `/`, on every platform.
///
/// The empty path is the root itself. Cloning is a reference count.
#[derive(Clone)]
pub struct RepoPath {
    text: Arc<str>,
    /// Where the last segment begins: it is asked for over and over.
    name: u32,
}

impl PartialEq for RepoPath {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for RepoPath {}

impl PartialOrd for RepoPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RepoPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl std::hash::Hash for RepoPath {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl RepoPath {
    /// Makes a path from text that uses `/`; `.` and `..` segments are folded and a climb above the root stops there.
    #[must_use]
    pub fn new(text: &str) -> Self {
        if is_plain(text) {
            return Self::of(text);
        }
        let mut folded = String::with_capacity(text.len());
        for segment in text.split(['/', '\\']) {
            match segment {
                "" | "." => {}
                ".." => folded.truncate(last(b'/', &folded).unwrap_or(0)),
                other => {
                    if !folded.is_empty() {
                        folded.push('/');
                    }
                    folded.push_str(other);
                }
            }
        }
        Self::of(&folded)
    }

    fn of(text: &str) -> Self {
        let name = last(b'/', text).map_or(0, |slash| slash + 1);
        Self {
            text: Arc::from(text),
            // A path of four gigabytes does not exist; it would be its own last segment.
            name: u32::try_from(name).unwrap_or(0),
        }
    }

    /// The text in front of the last segment; `None` for the root.
    fn folder(&self) -> Option<&str> {
        if self.is_root() {
            return None;
        }
        self.text.get(..(self.name as usize).saturating_sub(1))
    }

    /// The path as text, `apps/web/app/api/route.ts`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True for the audited root itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.text.is_empty()
    }

    /// The last segment, or the empty string for the root.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.text.get(self.name as usize..).unwrap_or("")
    }

    /// The text behind the last dot of the file name, without the dot; `None` for `Makefile` and `.env`.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        let name = self.file_name();
        match last(b'.', name) {
            Some(dot) if dot > 0 => name.get(dot + 1..),
            _ => None,
        }
    }

    /// The file name without its last extension.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.file_name();
        match last(b'.', name) {
            Some(dot) if dot > 0 => name.get(..dot).unwrap_or(name),
            _ => name,
        }
    }

    /// The folder that holds this path; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.folder().map(Self::of)
    }

    /// This path, the folder that holds it, and so on up to the root, which is the empty text. Nothing is allocated.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(&*self.text), |path| match last(b'/', path) {
            Some(end) => path.get(..end),
            None if path.is_empty() => None,
            None => Some(""),
        })
    }

    /// This folder's entry `relative` (which may climb with `..`, but not above the root).
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        if self.is_root() {
            return Self::new(relative);
        }
        Self::new(&[&*self.text, "/", relative].concat())
    }

    /// True when this path is `folder` or lies below it.
    #[must_use]
    pub fn starts_with(&self, folder: &Self) -> bool {
        folder.is_root()
            || (self.text.starts_with(folder.as_str())
                && matches!(
                    self.text.as_bytes().get(folder.text.len()),
                    None | Some(b'/')
                ))
    }

    /// The part below `folder`, or `None` when this path does not lie below it.
    #[must_use]
    pub fn strip_prefix(&self, folder: &Self) -> Option<&str> {
        if folder.is_root() {
            return Some(&self.text);
        }
        let rest = self.text.strip_prefix(folder.as_str())?;
        if rest.is_empty() {
            Some("")
        } else {
            rest.strip_prefix('/')
        }
    }

    /// A test by its name or folder: `x.test.ts`, `x.spec.ts`, `__tests__/`, `tests/`, `e2e/`, `cypress/`.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.is_test_by_name()
            || self.folders().any(|folder| {
                matches!(
                    folder,
                    "__tests__" | "__test__" | "tests" | "test" | "e2e" | "cypress" | "playwright"
                )
            })
    }

    /// Code for people at a terminal, by its folder: `scripts/`, `tools/`.
    #[must_use]
    pub fn is_script(&self) -> bool {
        let mut folders = self.folders();
        folders.any(|folder| matches!(folder, "scripts" | "script" | "tools"))
    }

    /// Whether the file's own name says that it holds tests.
    pub fn is_test_by_name(&self) -> bool {
        self.has_mark(|mark| match mark {
            b"test" | b"spec" | b"cy" | b"e2e" => true,
            // `a.e2e-spec.ts`, `a.servertest.ts`; not `a.latest.ts`
            _ => [&b"test"[..], b"spec"].iter().any(|end| {
                mark.strip_suffix(*end).is_some_and(|kind| {
                    kind.ends_with(b"-")
                        || [&b"client"[..], b"server", b"unit", b"integration"].contains(&kind)
                })
            }),
        })
    }

    /// Whether one of these words stands between two dots of the file's name: `test` in `a.test.ts`.
    pub fn is_marked(&self, words: &[&str]) -> bool {
        self.has_mark(|mark| words.iter().any(|word| word.as_bytes() == mark))
    }

    /// Whether something that stands between two dots of the file's name is a mark that is looked for.
    fn has_mark(&self, wanted: impl Fn(&[u8]) -> bool) -> bool {
        let name = self.file_name().as_bytes();
        let mut parts = name.split(|byte| *byte == b'.').skip(1).peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() && wanted(part) {
                return true;
            }
        }
        false
    }

    /// The segments from the root down without the last one: the names of the folders that hold this path.
    pub fn folders(&self) -> impl DoubleEndedIterator<Item = &str> {
        let folder = self.folder().filter(|folder| !folder.is_empty());
        folder.into_iter().flat_map(|folder| folder.split(SLASH))
    }

    /// The segments from the root down; none for the root.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        let segments = self.text.split(SLASH);
        segments.filter(|segment| !segment.is_empty())
    }
}

/// There is nothing to fold in the path: no segment is empty or begins with a dot, and none holds a backslash.
fn is_plain(text: &str) -> bool {
    let mut before = b'/';
    for byte in text.bytes() {
        if byte == b'\\' || before == b'/' && matches!(byte, b'/' | b'.') {
            return false;
        }
        before = byte;
    }
    before != b'/'
}

/// As a list of one, it is looked for letter by letter, like [`last`].
const SLASH: [char; 1] = ['/'];

/// The last place of an ASCII letter. File names are short: looking at one byte after the other beats setting out to search.
fn last(letter: u8, text: &str) -> Option<usize> {
    text.bytes().rposition(|byte| byte == letter)
}

// Lets sets and maps keyed by paths be asked with text; hash, order and equality are those of the text.
impl std::borrow::Borrow<str> for RepoPath {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl Serialize for RepoPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl schemars::JsonSchema for RepoPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RepoPath".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "path relative to the audited root, always with /" })
    }
}

#[cfg(test)]
mod tests {
    use super::RepoPath;

    #[test]
    fn folds_dots_and_stops_at_the_root() {
        assert_eq!(RepoPath::new("./a/../b//c").as_str(), "b/c");
        assert_eq!(RepoPath::new("../../etc/passwd").as_str(), "etc/passwd");
        assert_eq!(RepoPath::new("a/b").join("../c.ts").as_str(), "a/c.ts");
    }

    #[test]
    fn a_prefix_is_a_whole_folder() {
        let file = RepoPath::new("apps/web2/x.ts");
        assert!(!file.starts_with(&RepoPath::new("apps/web")));
        assert_eq!(file.strip_prefix(&RepoPath::new("apps")), Some("web2/x.ts"));
        assert_eq!(file.stem(), "x");
        let above: Vec<&str> = file.ancestors().collect();
        assert_eq!(above, ["apps/web2/x.ts", "apps/web2", "apps", ""]);
        assert_eq!(RepoPath::new("").ancestors().count(), 1);
    }

    #[test]
    fn a_test_is_told_by_its_name() {
        for name in [
            "a.test.ts",
            "a.b.spec.tsx",
            "a.e2e-spec.ts",
            "a.servertest.ts",
            "a.cy.ts",
        ] {
            assert!(RepoPath::new(name).is_test_by_name(), "{name}");
        }
        for name in [
            "a.latest.ts",
            "test.ts",
            "a.contest.ts",
            "a.test",
            "specs.ts",
        ] {
            assert!(!RepoPath::new(name).is_test_by_name(), "{name}");
        }
    }
}
