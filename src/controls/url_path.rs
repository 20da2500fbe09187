//! The path of a route's requests, and what a predicate says of all of them.

use std::rc::Rc;

/// A path with what is fixed in it and what a request fills in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct UrlPath {
    /// What stands around the holes: one more than there are holes.
    pub fixed: Vec<Rc<str>>,
    /// The last hole takes several segments.
    takes_rest: bool,
    /// The last hole may be empty.
    may_end: bool,
}

/// Values that dynamic segments commonly take.
const ORDINARY: [&str; 4] = ["1", "abc", "a-b_c", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"];
/// More words than this of a list of patterns are not tried.
const MAX_WORDS: usize = 64;

impl UrlPath {
    /// The path of a URL as the route table writes it: `/api/[id]`, `/users/:id`, `/docs/[[...slug]]`.
    pub fn new(url: &str) -> Self {
        let mut path = Self {
            fixed: Vec::new(),
            takes_rest: false,
            may_end: false,
        };
        let mut text = String::new();
        for segment in url.split('/').filter(|segment| !segment.is_empty()) {
            if segment.starts_with("[[...") || segment == "*" {
                path.takes_rest = true;
                path.may_end = true;
            } else if segment.starts_with("[...") {
                path.takes_rest = true;
                text.push('/');
            } else {
                text.push('/');
                if !segment.starts_with('[') && !segment.starts_with(':') {
                    text += segment;
                    continue;
                }
            }
            path.fixed.push(Rc::from(std::mem::take(&mut text)));
        }
        if url == "/" {
            text.push('/');
        }
        path.fixed.push(Rc::from(text));
        path
    }

    /// The only path there is.
    pub fn constant(&self) -> Option<&Rc<str>> {
        match &self.fixed[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// What `predicate` says of every path, if it says the same of all of them. `hints` are the texts that it looks for:
    /// what stands in them is tried in the holes.
    pub fn decide<'h>(
        &self,
        hints: impl IntoIterator<Item = &'h str>,
        predicate: impl Fn(&str) -> bool,
    ) -> Option<bool> {
        if let Some(only) = self.constant() {
            return Some(predicate(only));
        }
        let mut words: Vec<String> = ORDINARY.into_iter().map(String::from).collect();
        for hint in hints.into_iter().take(MAX_WORDS) {
            // A catch-all may take the whole of it.
            if self.takes_rest
                && let Some(rest) = self
                    .fixed
                    .first()
                    .and_then(|first| hint.strip_prefix(&**first))
            {
                words.push(rest.trim_start_matches('/').to_owned());
            }
            let parts =
                hint.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
            words.extend(parts.filter(|part| !part.is_empty()).map(str::to_owned));
        }
        words.retain(|word| !word.is_empty());
        let first = predicate(&self.filled(&words[0]));
        let ends = self.may_end.then(|| self.filled(""));
        let longer = self
            .takes_rest
            .then(|| words.iter().map(|word| self.filled(&format!("{word}/x"))));
        let paths = words.iter().skip(1).map(|word| self.filled(word));
        let mut all = paths.chain(ends).chain(longer.into_iter().flatten());
        all.all(|path| predicate(&path) == first).then_some(first)
    }

    /// The path with `word` in every hole.
    fn filled(&self, word: &str) -> String {
        let mut path = String::new();
        let last = self.fixed.len().saturating_sub(2);
        for (at, fixed) in self.fixed.iter().enumerate() {
            path += fixed;
            if at > last {
                break;
            }
            if self.takes_rest && at == last {
                if self.may_end && !word.is_empty() {
                    path.push('/');
                }
                path += word;
            } else {
                // One segment: the first of a longer word.
                path += word
                    .split('/')
                    .next()
                    .filter(|word| !word.is_empty())
                    .unwrap_or("1");
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::UrlPath;

    fn starts(url: &str, with: &str) -> Option<bool> {
        UrlPath::new(url).decide([with], |path| path.starts_with(with))
    }

    #[test]
    fn what_holds_of_every_path_of_a_route() {
        assert_eq!(starts("/api/x", "/api"), Some(true));
        assert_eq!(starts("/api/users/[id]", "/api/users"), Some(true));
        assert_eq!(starts("/api/users/[id]", "/api/teams"), Some(false));
        assert_eq!(starts("/api/users/[id]", "/api/users/me"), None);
        assert_eq!(starts("/api/[...all]", "/api/public/list"), None);
        assert_eq!(starts("/api/[...all]", "/app"), Some(false));
        assert_eq!(starts("/docs/[[...slug]]", "/docs"), Some(true));
        assert_eq!(starts("/docs/[[...slug]]", "/docs/"), None);
        assert_eq!(starts("/", "/"), Some(true));
        let includes =
            |url: &str, text: &str| UrlPath::new(url).decide([text], |path| path.contains(text));
        assert_eq!(includes("/api/v1/client/[id]/x", "/api/v1/client/og"), None);
        assert_eq!(
            includes("/api/v1/client/[id]/x", "/api/v1/management/storage"),
            Some(false)
        );
        assert_eq!(includes("/v1/:id", "client"), None);
    }
}
