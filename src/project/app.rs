//! What an application is and where its parts lie.

use std::collections::BTreeMap;

use crate::source::RepoPath;

use super::NextConfig;

/// One application of the repository.
#[derive(Clone, Debug)]
pub struct App {
    /// Its folder.
    pub root: RepoPath,
    /// The name in its manifest, else the folder's name.
    pub name: String,
    /// What serves it.
    pub framework: Framework,
    /// The framework's version as the lock file or the manifest states it, without range signs: `15.1.0`.
    pub version: Option<String>,
    /// The versions of what its manifest lists, and the root's for all, from the same places.
    pub versions: BTreeMap<String, String>,
    /// Index of its manifest in [`super::Project::packages`].
    pub package: Option<usize>,
    /// `app` or `src/app`, when the application has an App Router folder that Next.js loads.
    pub app_dir: Option<RepoPath>,
    /// `pages` or `src/pages`.
    pub pages_dir: Option<RepoPath>,
    /// The folder in which Next.js looks for `middleware`, `proxy` and `instrumentation`: the parent of `app_dir` or `pages_dir`.
    pub source_root: RepoPath,
    /// `next.config.*`, with defaults where it is absent or says nothing.
    pub next: NextConfig,
}

impl App {
    /// The major version of a package, where it is known.
    #[must_use]
    pub fn major(&self, package: &str) -> Option<u32> {
        let version = self.versions.get(package)?;
        let digits = version.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        digits.split('.').next()?.parse().ok()
    }
}

/// What serves an application's routes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Framework {
    /// Next.js
    Next,
    /// Express
    Express,
    /// Hono
    Hono,
}

impl Framework {
    /// The word used in reports and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Express => "express",
            Self::Hono => "hono",
        }
    }
}
