//! `next.config.*`, as far as it can be read without running it.

use crate::source::{Location, RepoPath};

/// The parts of a Next.js configuration that the audit uses.
#[derive(Clone, Debug, Default)]
pub struct NextConfig {
    /// The file; `None` when the application has none.
    pub file: Option<RepoPath>,
    /// `pageExtensions`; Next.js's own four when not set.
    pub page_extensions: Vec<String>,
    /// `basePath`, `/docs`; empty when not set.
    pub base_path: String,
    /// `i18n.locales`
    pub locales: Vec<String>,
    /// `typescript.ignoreBuildErrors`
    pub ignore_build_errors: Option<(bool, Location)>,
    /// `eslint.ignoreDuringBuilds`
    pub ignore_lint: Option<(bool, Location)>,
    /// What `headers()` sets.
    pub headers: Vec<HeaderEntry>,
    /// Some part of `headers()` could not be read statically, so a header that is not listed may still be set.
    pub headers_incomplete: bool,
    /// `source` → `destination` of `rewrites()`.
    pub rewrites: Vec<(String, String, Location)>,
}

/// One header on the paths that a source pattern covers.
#[derive(Clone, PartialEq, Debug)]
pub struct HeaderEntry {
    /// The path pattern, `/(.*)`, as written.
    pub source: String,
    /// Conditions of `has` and `missing`; the header is sent only when they hold.
    pub conditions: Vec<PathCondition>,
    /// The header's name as written.
    pub name: String,
    /// Its value; `None` when it is computed.
    pub value: Option<String>,
    /// Where it is set.
    pub location: Location,
}

/// A `has` or `missing` condition of a header, rewrite or middleware matcher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathCondition {
    /// `header`, `cookie`, `query` or `host`
    pub kind: String,
    /// The key; empty for `host`.
    pub key: String,
    /// The value's pattern, when one is given.
    pub value: Option<String>,
    /// `missing` instead of `has`.
    pub negated: bool,
}
