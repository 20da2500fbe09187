//! `middleware.ts` and `proxy.ts`: which of them Next.js loads, and for which paths it runs them.

use crate::graph::ModuleId;
use crate::source::Span;

use super::Matcher;

/// A file named like a middleware.
#[derive(Clone, Debug)]
pub struct Middleware {
    /// The file.
    pub module: ModuleId,
    /// The exported name that Next.js calls: `middleware`, `proxy` or `default`; `None` when it exports none of them.
    pub export: Option<Box<str>>,
    /// The paths it runs on; empty means every path. `None` when the matcher could not be read.
    pub matchers: Option<Vec<Matcher>>,
    /// Where the matcher, or else the function, is written.
    pub span: Span,
    /// Why Next.js does not run it; `None` when it does.
    pub problem: Option<MiddlewareProblem>,
}

/// Why a file that looks like a middleware never runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MiddlewareProblem {
    /// It lies in another folder than the one Next.js looks in, which is given.
    WrongFolder(crate::source::RepoPath),
    /// `proxy` before Next.js 16.
    WrongName,
    /// It exports neither the named function nor a default.
    WrongExport,
    /// A file of the same role that Next.js prefers lies beside it.
    Shadowed(crate::source::RepoPath),
}
