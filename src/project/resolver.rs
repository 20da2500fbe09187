//! Which file an import names, from the checkout alone.

use crate::source::RepoPath;

/// What a specifier leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// A file of the repository.
    File(RepoPath),
    /// A package that is not part of the repository, or a Node.js builtin (`node:crypto` is `crypto`).
    External {
        /// The package, `@upstash/ratelimit`.
        package: Box<str>,
        /// The path inside it, `server` of `next/server`; empty for the package itself.
        subpath: Box<str>,
    },
    /// It should lie in the repository and does not: generated, ignored, or wrong.
    Missing,
}

/// Resolves specifiers: relative paths, tsconfig `paths` and `baseUrl`, package `imports`, workspace packages.
pub struct Resolver {}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}
