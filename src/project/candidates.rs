//! The file that a path without extension, or of compiled code, stands for.

use rustc_hash::FxHashSet;

use crate::source::{RepoPath, Repository};

/// The files of the repository as resolution sees them.
pub(super) struct Files {
    all: FxHashSet<RepoPath>,
    links: Vec<(RepoPath, RepoPath)>,
}

/// Extensions that may be left out, in the order in which they are tried. TypeScript comes first: where both lie side by
/// side, the JavaScript was compiled from it.
const EXTENSIONS: [&str; 10] = [
    ".ts", ".tsx", ".js", ".jsx", ".mts", ".mjs", ".cts", ".cjs", ".d.ts", ".json",
];

impl Files {
    pub(super) fn of(repository: &Repository) -> Self {
        Self {
            all: repository.files().iter().cloned().collect(),
            links: repository.links().to_vec(),
        }
    }

    fn get(&self, path: &str) -> Option<RepoPath> {
        self.all.get(path).cloned()
    }

    /// Some file below the folder is code.
    pub(super) fn code_below(&self, folder: &RepoPath) -> bool {
        self.all.iter().any(|path| {
            let code = matches!(
                path.extension(),
                Some("ts" | "tsx" | "js" | "jsx" | "mts" | "mjs")
            );
            code && path.starts_with(folder)
        })
    }

    /// The file that is meant by `target`, with or without extension, or a folder's index.
    pub(super) fn load(&self, target: &str) -> Option<RepoPath> {
        // A pattern's star may bring in `//` or `..`, which every tool folds.
        if target.contains("//") || target.contains("/.") {
            let folded = RepoPath::new(target);
            if folded.as_str().len() < target.trim_end_matches('/').len() {
                return self.load(folded.as_str());
            }
        }
        if self.links.is_empty() {
            return self.load_real(target);
        }
        self.load_real(target)
            .or_else(|| self.load_real(self.through_links(target)?.as_str()))
    }

    fn load_real(&self, target: &str) -> Option<RepoPath> {
        let folder_only = target.ends_with('/');
        let target = target.trim_end_matches('/');
        if !folder_only && let Some(file) = self.load_file(target) {
            return Some(file);
        }
        let mut candidate = String::with_capacity(target.len() + 16);
        candidate.push_str(target);
        if !target.is_empty() {
            candidate.push('/');
        }
        candidate.push_str("index");
        self.with_extension(&mut candidate)
    }

    /// `target` itself, the TypeScript that it is compiled from, or `target` with an extension.
    fn load_file(&self, target: &str) -> Option<RepoPath> {
        let compiled: Option<(&str, &[&str])> = match target.rsplit_once('.') {
            Some((stem, "js")) => Some((stem, &[".ts", ".tsx"])),
            Some((stem, "jsx")) => Some((stem, &[".tsx"])),
            Some((stem, "mjs")) => Some((stem, &[".mts"])),
            Some((stem, "cjs")) => Some((stem, &[".cts"])),
            _ => None,
        };
        let mut candidate = String::with_capacity(target.len() + 8);
        if let Some((stem, extensions)) = compiled {
            for extension in extensions {
                candidate.clear();
                candidate.push_str(stem);
                candidate.push_str(extension);
                if let Some(file) = self.get(&candidate) {
                    return Some(file);
                }
            }
        }
        if let Some(file) = self.get(target) {
            return Some(file);
        }
        candidate.clear();
        candidate.push_str(target);
        self.with_extension(&mut candidate)
    }

    fn with_extension(&self, candidate: &mut String) -> Option<RepoPath> {
        let stem = candidate.len();
        for extension in EXTENSIONS {
            candidate.truncate(stem);
            candidate.push_str(extension);
            if let Some(file) = self.get(candidate) {
                return Some(file);
            }
        }
        None
    }

    /// `target` with linked folders replaced by what they lead to.
    fn through_links(&self, target: &str) -> Option<RepoPath> {
        let mut path = RepoPath::new(target);
        let mut moved = false;
        // Links may lead through links; their number bounds the chain.
        for _ in 0..=self.links.len().min(16) {
            let step = self.links.iter().find_map(|(link, to)| {
                let rest = path.strip_prefix(link)?;
                Some(to.join(rest))
            });
            match step {
                Some(next) => {
                    path = next;
                    moved = true;
                }
                None => break,
            }
        }
        moved.then_some(path)
    }
}
