//! Next.js's `matcher` syntax, compiled as Next.js compiles it (path-to-regexp 6).

use crate::project::PathCondition;

/// One compiled matcher of a middleware, header or rewrite.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// As written.
    pub source: String,
    /// The regular expression that Next.js makes of it.
    pub regexp: String,
    /// `has` and `missing`.
    pub conditions: Vec<PathCondition>,
    compiled: fancy_regex::Regex,
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
}
