//! Listing a folder in parallel, with `.gitignore` respected and links kept inside the root.

use std::path::Path;
use std::sync::Mutex;

use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};

use super::repository::{is_module, reason};
use super::{RepoPath, Unreadable};

/// Folders that never hold what somebody wrote.
const NEVER_SOURCE: [&str; 16] = [
    ".git",
    "node_modules",
    "bower_components",
    ".next",
    ".turbo",
    ".vercel",
    ".open-next",
    "storybook-static",
    ".pnpm-store",
    ".yarn",
    ".nuxt",
    ".svelte-kit",
    ".expo",
    ".docusaurus",
    ".wrangler",
    ".venv",
];

/// Folders that are build output when they lie beside a `package.json` and hold no TypeScript.
const MAYBE_OUTPUT: [&str; 4] = ["dist", "build", "out", "coverage"];

/// What a walk found, in no particular order.
#[derive(Default)]
pub(super) struct Walked {
    /// Regular files, and links to regular files inside the root.
    pub(super) files: Vec<RepoPath>,
    /// Linked folders and their targets, both inside the root.
    pub(super) links: Vec<(RepoPath, RepoPath)>,
    /// What could not be followed.
    pub(super) problems: Vec<Unreadable>,
}

/// Lists everything below `root`, which must be canonical.
///
/// Only the `.gitignore` files of the repository itself decide, not those of the machine or of folders above, so that
/// the same checkout gives the same list everywhere.
pub(super) fn walk(root: &Path) -> Walked {
    let found = Mutex::new(Walked::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    WalkBuilder::new(root)
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .follow_links(false)
        .threads(threads.min(8))
        .filter_entry(|entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            !(is_folder
                && entry.depth() > 0
                && entry
                    .file_name()
                    .to_str()
                    .is_some_and(|name| NEVER_SOURCE.contains(&name)))
        })
        .build_parallel()
        .visit(&mut Builder {
            root,
            found: &found,
        });
    found.into_inner().unwrap_or_default()
}

struct Builder<'a> {
    root: &'a Path,
    found: &'a Mutex<Walked>,
}

impl<'s> ParallelVisitorBuilder<'s> for Builder<'s> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        Box::new(Visitor {
            root: self.root,
            found: self.found,
            own: Walked::default(),
        })
    }
}

/// Collects on its own thread and hands over once, when the thread ends.
struct Visitor<'a> {
    root: &'a Path,
    found: &'a Mutex<Walked>,
    own: Walked,
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        if let Ok(mut found) = self.found.lock() {
            found.files.append(&mut self.own.files);
            found.links.append(&mut self.own.links);
            found.problems.append(&mut self.own.problems);
        }
    }
}

impl ParallelVisitor for Visitor<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        match entry {
            Ok(entry) => self.entry(&entry),
            Err(error) => self.problem(&error),
        }
        WalkState::Continue
    }
}

impl Visitor<'_> {
    fn entry(&mut self, entry: &DirEntry) {
        let Some(kind) = entry.file_type() else {
            return;
        };
        if kind.is_dir() {
            return;
        }
        let Ok(relative) = entry.path().strip_prefix(self.root) else {
            return;
        };
        let Some(text) = relative.to_str() else {
            self.own.problems.push(Unreadable {
                path: RepoPath::new(&relative.to_string_lossy()),
                reason: String::from("its name is not UTF-8; rename it"),
            });
            return;
        };
        // A name may hold a backslash on Unix, where it is no separator; such a file cannot be named in a `RepoPath`.
        if cfg!(unix) && text.contains('\\') {
            self.own.problems.push(Unreadable {
                path: RepoPath::new(text),
                reason: String::from("its name holds a backslash; rename it"),
            });
            return;
        }
        let path = RepoPath::new(text);
        if kind.is_file() {
            self.own.files.push(path);
        } else if kind.is_symlink() {
            self.link(entry.path(), path);
        }
    }

    /// A link counts when its target lies inside the root: a file as itself, a folder as another name of the target.
    fn link(&mut self, absolute: &Path, path: RepoPath) {
        let refuse = |reason: &str| Unreadable {
            path: path.clone(),
            reason: String::from(reason),
        };
        // A link that leads nowhere, as `.env` often does in a fresh checkout, holds nothing to examine; where code should be,
        // it is missing.
        let Ok(target) = std::fs::canonicalize(absolute) else {
            if is_module(&path) {
                self.own.problems.push(refuse("a link that leads nowhere"));
            }
            return;
        };
        let Ok(inside) = target.strip_prefix(self.root) else {
            self.own.problems.push(refuse(
                "a link that leads out of the audited folder; audit its target on its own",
            ));
            return;
        };
        let Some(inside) = inside.to_str() else {
            return;
        };
        let hidden_by_name = inside
            .split(['/', '\\'])
            .any(|segment| NEVER_SOURCE.contains(&segment));
        if hidden_by_name {
            return;
        }
        let inside = RepoPath::new(inside);
        if target.is_dir() {
            // A link to a folder that holds the link itself names nothing new.
            if !path.starts_with(&inside) {
                self.own.links.push((path, inside));
            }
        } else if target.is_file() {
            self.own.files.push(path);
        }
    }

    fn problem(&mut self, error: &ignore::Error) {
        let (path, io) = innermost(error);
        let path = path
            .and_then(|path| path.strip_prefix(self.root).ok())
            .map(|path| RepoPath::new(&path.to_string_lossy()));
        self.own.problems.push(Unreadable {
            path: path.unwrap_or_else(|| RepoPath::new("")),
            reason: io.map_or_else(|| error.to_string(), reason),
        });
    }
}

/// The path and the input error inside the wrappers of `ignore`.
fn innermost(mut error: &ignore::Error) -> (Option<&Path>, Option<&std::io::Error>) {
    let mut path = None;
    loop {
        match error {
            ignore::Error::WithPath { path: at, err } => {
                path = Some(at.as_path());
                error = err;
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
                error = err;
            }
            ignore::Error::Io(io) => return (path, Some(io)),
            _ => return (path, None),
        }
    }
}

/// Drops committed build output from the sorted list: a folder called `dist`, `build`, `out` or `coverage` beside a
/// `package.json` that holds JavaScript and no TypeScript besides declarations. Source folders of that name survive,
/// for they hold TypeScript or lie deeper, and so do the data files in them (`coverage/lcov.info`).
pub(super) fn leave_out_build_output(files: &mut Vec<RepoPath>) {
    let mut outputs: Vec<RepoPath> = Vec::new();
    for manifest in files
        .iter()
        .filter(|path| path.file_name() == "package.json")
    {
        let Some(root) = manifest.parent() else {
            continue;
        };
        for name in MAYBE_OUTPUT {
            let folder = root.join(name);
            let lower = format!("{folder}/");
            let from = files.partition_point(|path| path.as_str() < lower.as_str());
            let below = files
                .get(from..)
                .unwrap_or(&[])
                .iter()
                .take_while(|path| path.as_str().starts_with(&lower));
            let (mut script, mut typed) = (false, false);
            for path in below {
                match path.extension() {
                    Some("js" | "mjs" | "cjs" | "jsx") => script = true,
                    Some("ts" | "tsx" | "mts" | "cts") if !path.stem().ends_with(".d") => {
                        typed = true;
                    }
                    _ => {}
                }
            }
            if script && !typed {
                outputs.push(folder);
            }
        }
    }
    if outputs.is_empty() {
        return;
    }
    files.retain(|path| {
        let is_code = matches!(
            path.extension(),
            Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "map" | "html" | "css")
        );
        !(is_code && outputs.iter().any(|folder| path.starts_with(folder)))
    });
}
