//! Next.js's `matcher` syntax, compiled as Next.js compiles it (path-to-regexp 6).

use fancy_regex::Regex;

use crate::project::PathCondition;

use super::js_regexp::compile;
use super::path_to_regexp::{CUSTOM_ROUTE_SYNTAX, DEFAULT_SYNTAX, regexp_source};

/// Next.js refuses longer sources.
const MAX_SOURCE: usize = 4096;

/// Next.js's own files and data requests for a page go through the page's matcher.
const DATA_PREFIX: &str = "/:nextData(_next/data/[^/]{1,})?";
const TRANSPORT_SUFFIX: &str = r"\.rsc|\.segments/.+\.segment\.rsc";

/// One compiled matcher of a middleware, header or rewrite.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// As written.
    pub source: String,
    /// The regular expression that Next.js makes of it.
    pub regexp: String,
    /// `has` and `missing`.
    pub conditions: Vec<PathCondition>,
    /// Inserted before paths without a locale, as Next.js does before it matches; empty without `i18n`.
    locales: Vec<String>,
    base_path: String,
    compiled: Regex,
    values: Vec<Option<Regex>>,
}

/// A matcher that Next.js refuses, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct MatcherError(pub String);

/// The parts of a request that a matcher looks at.
#[derive(Clone, Debug, Default)]
pub struct MatchRequest<'a> {
    /// `/api/x`, with base path, without query.
    pub path: &'a str,
    /// Header names and values, lower-case names.
    pub headers: &'a [(&'a str, &'a str)],
    /// Cookies.
    pub cookies: &'a [(&'a str, &'a str)],
    /// Query parameters.
    pub query: &'a [(&'a str, &'a str)],
    /// Host name.
    pub host: &'a str,
    /// Nothing else is sent: a header, cookie or parameter that is not listed is absent. Otherwise it may be there.
    pub complete: bool,
}

/// Whether a matcher takes a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Match {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// The path fits; `has` and `missing` depend on parts of the request that are not known.
    Depends,
}

/// How many of a route's requests a matcher takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// Every ordinary one.
    Always,
    /// Some: it depends on a dynamic segment's value or on the request.
    Sometimes,
    /// None.
    Never,
}

impl Matcher {
    /// Compiles an entry of a middleware's `config.matcher`. `locales` are those of `i18n`, empty without it.
    ///
    /// # Errors
    /// When Next.js refuses the source: not beginning with `/`, too long, or no pattern.
    pub fn new(
        source: &str,
        conditions: Vec<PathCondition>,
        base_path: &str,
        locales: &[String],
    ) -> Result<Self, MatcherError> {
        Self::for_middleware(source, conditions, base_path, locales, !locales.is_empty())
    }

    /// As [`Matcher::new`] for an entry with `locale: false`, whose source spells out the locale itself.
    ///
    /// # Errors
    /// As [`Matcher::new`].
    pub fn without_locale(
        source: &str,
        conditions: Vec<PathCondition>,
        base_path: &str,
        locales: &[String],
    ) -> Result<Self, MatcherError> {
        Self::for_middleware(source, conditions, base_path, locales, false)
    }

    fn for_middleware(
        source: &str,
        conditions: Vec<PathCondition>,
        base_path: &str,
        locales: &[String],
        takes_locale: bool,
    ) -> Result<Self, MatcherError> {
        check_source(source)?;
        let is_root = source == "/";
        let mut full = String::from(base_path);
        full += DATA_PREFIX;
        if takes_locale {
            full += "/:nextInternalLocale((?!_next/)[^/.]{1,})";
        }
        if !(takes_locale && is_root) {
            full += source;
        }
        if is_root {
            let data = if locales.is_empty() { "" } else { r"|\.json|" };
            full += &format!(r"({data}/?index|/?index\.json|/?index(?:{TRANSPORT_SUFFIX}))?");
        } else {
            full += &format!(r"{{(\.json|{TRANSPORT_SUFFIX})}}?");
        }
        let regexp = check_source(&full)?;
        let compiled = compile_source(source, &regexp, false)?;
        Self::assemble(source, regexp, compiled, conditions, base_path, locales)
    }

    /// Compiles the `source` of a header, redirect or rewrite of `next.config`.
    ///
    /// # Errors
    /// When Next.js refuses the source.
    pub fn for_header_source(
        source: &str,
        conditions: Vec<PathCondition>,
        base_path: &str,
        locales: &[String],
    ) -> Result<Self, MatcherError> {
        check_source(source)?;
        let mut full = String::from(source);
        if !locales.is_empty() {
            let names: Vec<String> = locales.iter().map(|locale| escape_string(locale)).collect();
            let rest = if full == "/" { "" } else { &full };
            full = format!("/:nextInternalLocale({}){rest}", names.join("|"));
        }
        if !base_path.is_empty() {
            let rest = if full == "/" { "" } else { &full };
            full = format!("{base_path}{rest}");
        }
        let mut regexp = regexp_source(&full, CUSTOM_ROUTE_SYNTAX)?;
        if regexp.ends_with('$') {
            regexp.pop();
            regexp += r"(?:\/)?$";
        }
        let compiled = compile_source(source, &regexp, true)?;
        Self::assemble(source, regexp, compiled, conditions, base_path, locales)
    }

    fn assemble(
        source: &str,
        regexp: String,
        compiled: Regex,
        conditions: Vec<PathCondition>,
        base_path: &str,
        locales: &[String],
    ) -> Result<Self, MatcherError> {
        let values = conditions
            .iter()
            .map(|condition| {
                let value = condition.value.as_deref().filter(|value| !value.is_empty());
                value
                    .map(|value| compile(&format!("^{value}$"), false))
                    .transpose()
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            source: source.to_owned(),
            regexp,
            conditions,
            locales: locales.to_vec(),
            base_path: base_path.to_owned(),
            compiled,
            values,
        })
    }

    /// Whether the matcher takes this request, whose path is as Next.js matches it: with base path and locale.
    #[must_use]
    pub fn matches(&self, request: &MatchRequest<'_>) -> Match {
        if !self.takes_path(request.path) {
            return Match::No;
        }
        let mut answer = Match::Yes;
        for (condition, value) in self.conditions.iter().zip(&self.values) {
            let holds = condition_holds(condition, value.as_ref(), request);
            match holds {
                Some(holds) if holds == condition.negated => return Match::No,
                Some(_) => {}
                None => answer = Match::Depends,
            }
        }
        answer
    }

    /// The path fits. A pattern that exceeds the engine's limit on backtracking counts as fitting: that is the side on
    /// which Next.js, which has no limit, most often ends.
    fn takes_path(&self, path: &str) -> bool {
        self.compiled.is_match(path).unwrap_or(true)
    }

    /// How many requests of a route the matcher takes; `url` is written as in the route table, `/api/chat/[id]`.
    ///
    /// Dynamic segments are tried with ordinary values (a number, a word, a UUID) and with the words of the matcher's own
    /// source; catch-alls with one, two and three segments, optional ones also with none. Values with a dot are left out:
    /// to exclude files by a dot is an idiom of its own, see [`Matcher::escape`].
    #[must_use]
    pub fn matches_route(&self, url: &str) -> Coverage {
        coverage(std::slice::from_ref(self), url)
    }

    /// A URL of the route, one with a dot in a dynamic segment, that the route serves and the matcher does not take,
    /// though it takes the ordinary ones; `None` when there is none.
    #[must_use]
    pub fn escape(matchers: &[Self], url: &str) -> Option<String> {
        if !url.contains('[') || coverage(matchers, url) == Coverage::Never {
            return None;
        }
        ["a.b", "a.png", "favicon.ico", "a.json"]
            .into_iter()
            .map(|value| fill(url, &[value]))
            .find(|path| take(matchers, path) == Match::No)
    }

    /// The path as Next.js matches it: with the first locale where none is named.
    fn localized<'a>(&self, path: &'a str) -> std::borrow::Cow<'a, str> {
        let Some(first) = self.locales.first() else {
            return path.into();
        };
        let inner = path.strip_prefix(&self.base_path).unwrap_or(path);
        let head = inner
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or("");
        if head == "_next"
            || self
                .locales
                .iter()
                .any(|locale| locale.eq_ignore_ascii_case(head))
        {
            return path.into();
        }
        let inner = if inner == "/" { "" } else { inner };
        format!("{}/{first}{inner}", self.base_path).into()
    }
}

/// How many requests of a route a list of matchers takes: a request is taken when one of them takes it. An empty list
/// takes everything, as a middleware without `matcher` does.
#[must_use]
pub fn coverage(matchers: &[Matcher], url: &str) -> Coverage {
    if matchers.is_empty() {
        return Coverage::Always;
    }
    let mut taken = false;
    let mut left = false;
    for path in samples(matchers, url) {
        match take(matchers, &path) {
            Match::Yes => taken = true,
            Match::No => left = true,
            Match::Depends => {
                taken = true;
                left = true;
            }
        }
        if taken && left {
            return Coverage::Sometimes;
        }
    }
    if taken {
        Coverage::Always
    } else {
        Coverage::Never
    }
}

/// Whether one of the matchers takes a request for this path, whose other parts are not known.
fn take(matchers: &[Matcher], path: &str) -> Match {
    let mut answer = Match::No;
    for matcher in matchers {
        let path = matcher.localized(path);
        let request = MatchRequest {
            path: &path,
            ..MatchRequest::default()
        };
        match matcher.matches(&request) {
            Match::Yes => return Match::Yes,
            Match::Depends => answer = Match::Depends,
            Match::No => {}
        }
    }
    answer
}

/// Values that dynamic segments commonly take.
const ORDINARY: [&str; 4] = ["1", "abc", "a-b_c", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"];

/// Paths that a request for the route may have.
fn samples(matchers: &[Matcher], url: &str) -> Vec<String> {
    if !url.contains('[') {
        return vec![url.to_owned()];
    }
    let mut values: Vec<String> = ORDINARY.into_iter().map(String::from).collect();
    for matcher in matchers {
        for word in matcher
            .source
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        {
            if word.len() > 1 && !values.iter().any(|value| value == word) {
                values.push(word.to_owned());
            }
        }
    }
    let mut paths = Vec::new();
    for value in &values {
        paths.push(fill(url, &[value]));
    }
    if url.contains("[...") || url.contains("[[...") {
        for value in &values {
            paths.push(fill(url, &[value, "b"]));
            paths.push(fill(url, &[value, "b", "c"]));
        }
        if url.contains("[[...") {
            paths.push(fill(url, &[]));
        }
    }
    paths
}

/// Puts values into the dynamic segments: the first one into `[x]`, all of them into a catch-all.
fn fill(url: &str, values: &[&str]) -> String {
    let mut path = String::with_capacity(url.len() + 16);
    for segment in url.split('/').filter(|segment| !segment.is_empty()) {
        if segment.starts_with("[...") || segment.starts_with("[[...") {
            for value in values {
                path.push('/');
                path += value;
            }
        } else if segment.starts_with('[') && segment.ends_with(']') {
            path.push('/');
            path += values.first().copied().unwrap_or("1");
        } else {
            path.push('/');
            path += segment;
        }
    }
    if path.is_empty() {
        path.push('/');
    }
    path
}

/// Whether what the condition names is there, with a fitting value; `None` when it is not known.
fn condition_holds(
    condition: &PathCondition,
    value: Option<&Regex>,
    request: &MatchRequest<'_>,
) -> Option<bool> {
    let find = |list: &[(&str, &str)], key: &str| {
        list.iter()
            .rev()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| (*value).to_owned())
    };
    let found = match condition.kind.as_str() {
        "header" => find(request.headers, &condition.key.to_lowercase()),
        "cookie" => find(request.cookies, &condition.key),
        "query" => find(request.query, &condition.key),
        "host" => {
            let host = request.host.split(':').next().unwrap_or("");
            Some(host.to_lowercase()).filter(|host| !host.is_empty())
        }
        _ => return Some(false),
    };
    match (found, value) {
        (None, _) => request.complete.then_some(false),
        (Some(found), None) => Some(!found.is_empty()),
        (Some(found), Some(_)) if found.is_empty() => Some(false),
        (Some(found), Some(value)) => Some(value.is_match(&found).unwrap_or(false)),
    }
}

/// The source as the regular expression that it says, where Next.js takes it.
fn check_source(source: &str) -> Result<String, MatcherError> {
    if source.len() > MAX_SOURCE {
        return Err(MatcherError(format!(
            "exceeds max built length of {MAX_SOURCE} for route"
        )));
    }
    if !source.starts_with('/') {
        return Err(MatcherError(String::from("source must start with /")));
    }
    regexp_source(source, DEFAULT_SYNTAX)
}

/// Compiles what was made from a source. What compiles with more around it does so alone; where it does not, Next.js
/// complains of the source alone first.
fn compile_source(source: &str, regexp: &str, ignore_case: bool) -> Result<Regex, MatcherError> {
    compile(regexp, ignore_case).map_err(|problem| {
        let alone = check_source(source).and_then(|regexp| compile(&regexp, false));
        alone.err().unwrap_or(problem)
    })
}

/// Next.js's `escapeStringRegexp`, which leaves slashes and signs of path patterns alone.
fn escape_string(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if "|\\{}()[]^$+*?.-".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Coverage, Match, MatchRequest, Matcher, coverage};
    use crate::project::PathCondition;

    fn matcher(source: &str) -> Matcher {
        Matcher::new(source, Vec::new(), "", &[]).unwrap()
    }

    fn path(path: &str) -> MatchRequest<'_> {
        MatchRequest {
            path,
            ..MatchRequest::default()
        }
    }

    #[test]
    fn the_boilerplate_excludes_more_than_it_says() {
        let boilerplate = matcher("/((?!api|_next/static|_next/image|favicon.ico).*)");
        assert_eq!(boilerplate.matches(&path("/")), Match::Yes);
        assert_eq!(boilerplate.matches(&path("/dashboard")), Match::Yes);
        assert_eq!(boilerplate.matches(&path("/api/chat")), Match::No);
        assert_eq!(boilerplate.matches(&path("/apix")), Match::No);
        assert_eq!(boilerplate.matches_route("/api/chat/[id]"), Coverage::Never);
        assert_eq!(boilerplate.matches_route("/[slug]"), Coverage::Sometimes);
        assert_eq!(boilerplate.matches_route("/shop/[slug]"), Coverage::Always);
    }

    #[test]
    fn a_union_covers_what_its_parts_leave_open() {
        let list = [
            matcher("/((?!_next|[^?]*\\.(?:html?|css|js(?!on)|png|ico)).*)"),
            matcher("/(api|trpc)(.*)"),
        ];
        assert_eq!(coverage(&list, "/api/chat/[id]"), Coverage::Always);
        assert_eq!(coverage(&list, "/files/[name]"), Coverage::Always);
        assert_eq!(Matcher::escape(&list, "/api/chat/[id]"), None);
        assert_eq!(
            Matcher::escape(&list, "/files/[name]").as_deref(),
            Some("/files/a.png")
        );
        assert_eq!(coverage(&[], "/x"), Coverage::Always);
    }

    #[test]
    fn base_path_and_locales_are_part_of_the_path() {
        let with_base = Matcher::new("/admin/:path*", Vec::new(), "/docs", &[]).unwrap();
        assert_eq!(with_base.matches(&path("/docs/admin/x")), Match::Yes);
        assert_eq!(with_base.matches(&path("/admin/x")), Match::No);
        let locales = [String::from("en"), String::from("de")];
        let localized = Matcher::new("/admin/:path*", Vec::new(), "", &locales).unwrap();
        assert_eq!(localized.matches(&path("/de/admin/x")), Match::Yes);
        assert_eq!(localized.matches(&path("/admin/x")), Match::No);
        assert_eq!(localized.matches_route("/admin/[id]"), Coverage::Always);
        let spelt = Matcher::without_locale("/:l/admin", Vec::new(), "", &locales).unwrap();
        assert_eq!(spelt.matches(&path("/de/admin")), Match::Yes);
    }

    #[test]
    fn conditions_on_what_is_not_known_depend() {
        let condition = PathCondition {
            kind: String::from("header"),
            key: String::from("Next-Router-Prefetch"),
            value: None,
            negated: true,
        };
        let matcher = Matcher::new("/a", vec![condition], "", &[]).unwrap();
        assert_eq!(matcher.matches(&path("/a")), Match::Depends);
        assert_eq!(matcher.matches_route("/a"), Coverage::Sometimes);
        let sent = MatchRequest {
            path: "/a",
            headers: &[("next-router-prefetch", "1")],
            ..MatchRequest::default()
        };
        assert_eq!(matcher.matches(&sent), Match::No);
        let bare = MatchRequest {
            path: "/a",
            complete: true,
            ..MatchRequest::default()
        };
        assert_eq!(matcher.matches(&bare), Match::Yes);
    }

    #[test]
    fn header_sources_ignore_case_and_a_trailing_slash() {
        let header = Matcher::for_header_source("/API/:path*", Vec::new(), "", &[]).unwrap();
        assert_eq!(header.matches(&path("/api/x/")), Match::Yes);
        assert_eq!(header.matches(&path("/other")), Match::No);
        let all = Matcher::for_header_source("/(.*)", Vec::new(), "/docs", &[]).unwrap();
        assert_eq!(all.matches(&path("/docs/x")), Match::Yes);
        assert_eq!(all.matches(&path("/docs")), Match::No);
    }

    #[test]
    fn what_next_refuses_is_refused() {
        assert!(Matcher::new("api/:path*", Vec::new(), "", &[]).is_err());
        assert!(Matcher::new("/((a)b)", Vec::new(), "", &[]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_source_and_no_path_is_too_odd(
            source in r"[/:*+?(){}\[\]\\|!.$^a-c0-1é-]{0,24}",
            url in r"[/a-c.\[\]]{0,16}",
        ) {
            for base in ["", "/docs"] {
                if let Ok(matcher) = Matcher::new(&format!("/{source}"), Vec::new(), base, &[]) {
                    let _ = matcher.matches(&path(&url));
                    let _ = matcher.matches_route(&url);
                    let _ = Matcher::escape(&[matcher], &url);
                }
                let _ = Matcher::for_header_source(&source, Vec::new(), base, &[]);
            }
        }
    }
}
