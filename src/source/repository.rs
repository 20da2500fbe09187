//! The files of a repository, walked once with `.gitignore` respected, and read one at a time.

use std::io::Read;
use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use super::walk::{self, Walked};
use super::{Earlier, RepoPath, SourceFile, Unreadable};

/// Larger files are reported as not examined. The largest hand-written file of 53,000 measured had 0.79 MB.
pub const MAX_FILE_BYTES: u64 = 1_500_000;

/// Result files of other tools may be larger than code.
const MAX_RESULT_BYTES: u64 = 32_000_000;

/// The extensions of files that hold JavaScript or TypeScript.
const CODE_EXTENSIONS: [&str; 8] = ["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts"];

/// The files below one root.
#[derive(Debug)]
pub struct Repository {
    origin: Origin,
    files: Vec<RepoPath>,
    folders: FxHashSet<RepoPath>,
    links: Vec<(RepoPath, RepoPath)>,
    problems: Vec<Unreadable>,
}

/// Where the texts come from.
#[derive(Debug)]
enum Origin {
    /// The folder with this canonical path.
    Disk(PathBuf),
    /// Tests.
    Memory(FxHashMap<RepoPath, Vec<u8>>),
    /// The folder with this canonical path as it was earlier: these files were others.
    Earlier(PathBuf, FxHashMap<RepoPath, Vec<u8>>),
}

/// A repository that cannot be walked at all.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The path does not exist or is no folder.
    #[error("cannot audit {0}: {1}")]
    Root(String, String),
}

impl Repository {
    /// Walks the folder at `root` on disk.
    ///
    /// # Errors
    /// When `root` does not exist, is no folder, or may not be read.
    pub fn open(root: &Path) -> Result<Self, WalkError> {
        let refuse = |why: String| WalkError::Root(root.display().to_string(), why);
        let canonical = std::fs::canonicalize(root).map_err(|error| {
            refuse(match error.kind() {
                std::io::ErrorKind::NotFound => {
                    String::from("there is no such folder; check the path")
                }
                std::io::ErrorKind::PermissionDenied => {
                    String::from("no permission; run as a user who may read it")
                }
                _ => error.to_string(),
            })
        })?;
        if !canonical.is_dir() {
            return Err(refuse(String::from(
                "it is a file; name the folder of the application or of the repository",
            )));
        }
        if let Err(error) = std::fs::read_dir(&canonical) {
            return Err(refuse(format!(
                "the folder cannot be read ({}); run as a user who may read it",
                reason(&error)
            )));
        }
        let Walked {
            mut files,
            mut links,
            mut problems,
        } = walk::walk(&canonical);
        files.sort_unstable();
        add_examples(&canonical, &mut files);
        links.sort_unstable();
        walk::leave_out_build_output(&mut files);
        problems.sort_unstable();
        Ok(Self {
            origin: Origin::Disk(canonical),
            folders: folders_of(&files),
            files,
            links,
            problems,
        })
    }

    /// A repository in memory, for tests: paths and their text.
    #[must_use]
    pub fn in_memory(files: &[(&str, &str)]) -> Self {
        let texts: FxHashMap<RepoPath, Vec<u8>> = files
            .iter()
            .map(|(path, text)| (RepoPath::new(path), text.as_bytes().to_vec()))
            .collect();
        let mut files: Vec<RepoPath> = texts.keys().cloned().collect();
        files.sort_unstable();
        Self {
            origin: Origin::Memory(texts),
            folders: folders_of(&files),
            files,
            links: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The repository as it was when these files were others.
    #[must_use]
    pub fn before(&self, changes: Vec<Earlier>) -> Self {
        let changed: FxHashSet<&RepoPath> = changes.iter().map(|(path, _)| path).collect();
        let kept = self.files.iter().filter(|path| !changed.contains(path));
        let mut files: Vec<RepoPath> = kept.cloned().collect();
        let earlier = changes
            .into_iter()
            .filter_map(|(path, bytes)| Some((path, bytes?)));
        let mut texts: FxHashMap<RepoPath, Vec<u8>> = earlier.collect();
        files.extend(texts.keys().cloned());
        files.sort_unstable();
        walk::leave_out_build_output(&mut files);
        let origin = match &self.origin {
            Origin::Disk(root) | Origin::Earlier(root, _) => Origin::Earlier(root.clone(), texts),
            Origin::Memory(now) => {
                for (path, bytes) in now {
                    texts.entry(path.clone()).or_insert_with(|| bytes.clone());
                }
                Origin::Memory(texts)
            }
        };
        Self {
            origin,
            folders: folders_of(&files),
            files,
            links: self.links.clone(),
            problems: self.problems.clone(),
        }
    }

    /// The canonical absolute path of the root; `None` for a repository in memory.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Disk(root) | Origin::Earlier(root, _) => Some(root),
            Origin::Memory(_) => None,
        }
    }

    /// Every file that is not ignored, sorted by path.
    #[must_use]
    pub fn files(&self) -> &[RepoPath] {
        &self.files
    }

    /// The files that hold code to be parsed, sorted by path: no type declarations, no minified files and no client
    /// that Prisma generated, which say nothing of the application's own behaviour.
    pub fn modules(&self) -> impl Iterator<Item = &RepoPath> {
        self.files.iter().filter(|path| is_module(path))
    }

    /// Folders and links that could not be followed while walking, sorted.
    #[must_use]
    pub fn problems(&self) -> &[Unreadable] {
        &self.problems
    }

    /// Linked folders and what they lead to, both inside the root, sorted. Their content is listed once, at the target.
    #[must_use]
    pub fn links(&self) -> &[(RepoPath, RepoPath)] {
        &self.links
    }

    /// True when `path` is a listed file.
    #[must_use]
    pub fn exists(&self, path: &RepoPath) -> bool {
        self.files.binary_search(path).is_ok()
    }

    /// True when `path` is the root or a folder with at least one listed file somewhere below it.
    #[must_use]
    pub fn is_dir(&self, path: &RepoPath) -> bool {
        path.is_root() || self.folders.contains(path)
    }

    /// The listed files below `folder`, at any depth, sorted.
    #[must_use]
    pub fn files_below(&self, folder: &RepoPath) -> &[RepoPath] {
        if folder.is_root() {
            return &self.files;
        }
        // Everything below `a` begins with `a/` and is therefore one run, which ends before `a0`: `0` follows `/`.
        let before = |last: char| {
            let bound = format!("{folder}{last}");
            self.files
                .partition_point(|path| path.as_str() < bound.as_str())
        };
        self.files.get(before('/')..before('0')).unwrap_or(&[])
    }

    /// Reads one file.
    ///
    /// # Errors
    /// Too large, UTF-16, NUL bytes, no permission, outside the root: with the reason, for the report.
    pub fn read(&self, path: &RepoPath) -> Result<SourceFile, Unreadable> {
        self.read_up_to(path, MAX_FILE_BYTES)
    }

    /// Reads one file of at most `limit` bytes: lock files are larger than code may be.
    ///
    /// # Errors
    /// As [`Repository::read`].
    pub fn read_up_to(&self, path: &RepoPath, limit: u64) -> Result<SourceFile, Unreadable> {
        let refuse = |reason: String| Unreadable {
            path: path.clone(),
            reason,
        };
        let held = match &self.origin {
            Origin::Memory(texts) => texts.get(path),
            Origin::Earlier(root, texts) => texts
                .get(path)
                .or_else(|| texts.get(&behind_link(root, path)?)),
            Origin::Disk(_) => None,
        };
        let bytes = match (&self.origin, held) {
            (_, Some(bytes)) if bytes.len() as u64 > limit => {
                return Err(refuse(too_large(limit)));
            }
            (_, Some(bytes)) => bytes.clone(),
            (Origin::Memory(_), None) => return Err(refuse(String::from("not there"))),
            (Origin::Disk(root) | Origin::Earlier(root, _), None) => {
                if !self.exists(path) {
                    return Err(refuse(String::from(
                        "not part of the repository: ignored, left out or not there",
                    )));
                }
                read_bytes(&root.join(path.as_str()), limit).map_err(refuse)?
            }
        };
        let text = decode(bytes).map_err(refuse)?;
        Ok(SourceFile {
            path: path.clone(),
            text,
        })
    }
}

/// Names of files that exist to be committed, though `.env.*` in a `.gitignore` names them too: Git keeps what was added by hand.
const EXAMPLES: [&str; 5] = [
    ".env.example",
    ".env.local.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
];

/// Adds examples of the environment that lie beside a manifest, or at the top.
fn add_examples(root: &Path, files: &mut Vec<RepoPath>) {
    let manifests = files
        .iter()
        .filter(|path| path.file_name() == "package.json");
    let folders = manifests.filter_map(RepoPath::parent);
    let folders = folders.chain([RepoPath::new("")]);
    let mut found: Vec<RepoPath> = folders
        .flat_map(|folder| EXAMPLES.map(|name| folder.join(name)))
        .filter(|path| files.binary_search(path).is_err())
        .filter(|path| {
            let file = std::fs::symlink_metadata(root.join(path.as_str()));
            file.is_ok_and(|file| file.is_file())
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    files.append(&mut found);
    files.sort_unstable();
}

impl Repository {
    /// Reads a result file that the configuration names; it need not be listed, because results are seldom committed, but it has to lie
    /// inside the root, behind links too.
    ///
    /// # Errors
    /// As [`Repository::read`], and when it leads out of the root.
    pub fn read_result(&self, path: &RepoPath) -> Result<String, Unreadable> {
        let refuse = |reason: String| Unreadable {
            path: path.clone(),
            reason,
        };
        let (Origin::Disk(root) | Origin::Earlier(root, _)) = &self.origin else {
            return self.read(path).map(|file| file.text.to_string());
        };
        let target =
            std::fs::canonicalize(root.join(path.as_str())).map_err(|error| {
                match error.kind() {
                    std::io::ErrorKind::NotFound => refuse(String::from("not there")),
                    _ => refuse(reason(&error)),
                }
            })?;
        if !target.starts_with(root) {
            return Err(refuse(String::from("it leads out of the audited folder")));
        }
        let bytes = read_bytes(&target, MAX_RESULT_BYTES).map_err(refuse)?;
        decode(bytes).map_err(refuse)
    }
}

/// The folders above `files`, the root left out.
fn folders_of(files: &[RepoPath]) -> FxHashSet<RepoPath> {
    let mut folders = FxHashSet::default();
    for file in files {
        for folder in file.ancestors().skip(1) {
            if folder.is_empty() || folders.contains(folder) {
                break;
            }
            folders.insert(RepoPath::new(folder));
        }
    }
    folders
}

/// Whether a file is code that somebody wrote.
pub(super) fn is_module(path: &RepoPath) -> bool {
    let Some(extension) = path.extension() else {
        return false;
    };
    if !CODE_EXTENSIONS.contains(&extension) {
        return false;
    }
    let stem = path.stem();
    if stem.ends_with(".min") || stem.ends_with(".d") {
        return false;
    }
    // What Yarn writes beside the manifest is no part of the application.
    if matches!(path.file_name(), ".pnp.cjs" | ".pnp.loader.mjs") {
        return false;
    }
    let text = path.as_str();
    !text.contains("generated/")
        || ![
            "generated/prisma/",
            "generated/client/",
            "prisma/generated/",
        ]
        .iter()
        .any(|folders| text.contains(folders))
}

fn too_large(limit: u64) -> String {
    format!(
        "larger than {:.1} MB; split it, or ignore it when it is generated",
        limit as f64 / 1e6
    )
}

/// What a link inside the root leads to, named from the root.
fn behind_link(root: &Path, path: &RepoPath) -> Option<RepoPath> {
    let link = root.join(path.as_str());
    if !std::fs::symlink_metadata(&link).is_ok_and(|file| file.is_symlink()) {
        return None;
    }
    let target = std::fs::canonicalize(link).ok()?;
    Some(RepoPath::new(target.strip_prefix(root).ok()?.to_str()?))
}

/// The bytes of a regular file of bearable size. The size comes from the open file, so that no file is looked up twice.
fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|error| reason(&error))?;
    let metadata = file.metadata().map_err(|error| reason(&error))?;
    if !metadata.is_file() {
        return Err(String::from("not a regular file"));
    }
    if metadata.len() > limit {
        return Err(too_large(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    // A file that grows meanwhile is read as it was, and whether more comes behind its end is not asked.
    file.take(metadata.len())
        .read_to_end(&mut bytes)
        .map_err(|error| reason(&error))?;
    Ok(bytes)
}

/// An input error as a sentence fragment that says what to do.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            String::from("no permission to read it; run as a user who may")
        }
        std::io::ErrorKind::NotFound => String::from("gone since the folder was listed; run again"),
        _ => format!("cannot be read: {error}"),
    }
}

/// The text of `bytes`, without its byte-order mark. Bytes that are no UTF-8 become U+FFFD, as they do for Node.js and the
/// TypeScript compiler: one broken letter in a message does not hide a file from either of them.
fn decode(mut bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(String::from("UTF-16 text; save it as UTF-8"));
    }
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        bytes.drain(..3);
    }
    let zero = memchr::memchr(0, &bytes);
    let text = String::from_utf8(bytes);
    // A text may hold one between two parts of a key; compilers take it.
    let rare = |text: &String| memchr::memchr_iter(0, text.as_bytes()).count() <= text.len() / 64;
    match (text, zero) {
        (Ok(text), None) => Ok(text),
        (Ok(text), Some(_)) if rare(&text) => Ok(text),
        (Err(error), None) => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        (_, Some(at)) => Err(format!(
            "NUL byte at offset {at}, so it is binary or UTF-16; save it as UTF-8"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[RepoPath]) -> Vec<&str> {
        files.iter().map(RepoPath::as_str).collect()
    }

    fn on_disk(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_one_run_of_the_sorted_list() {
        let repository = Repository::in_memory(&[
            ("a-b/x.ts", ""),
            ("a/b/c.ts", ""),
            ("a/z.ts", ""),
            ("a0.ts", ""),
            ("a.ts", ""),
        ]);
        assert_eq!(
            names(repository.files_below(&RepoPath::new("a"))),
            ["a/b/c.ts", "a/z.ts"]
        );
        assert_eq!(repository.files_below(&RepoPath::new("")).len(), 5);
        assert!(repository.files_below(&RepoPath::new("zz")).is_empty());
        assert!(repository.is_dir(&RepoPath::new("a/b")));
        assert!(!repository.is_dir(&RepoPath::new("a/z.ts")));
    }

    #[test]
    fn gitignore_holds_without_git_and_hidden_files_are_listed() {
        let folder = on_disk(&[
            (".gitignore", b"secret.ts\n/generated\n.env.*\n"),
            ("package.json", b"{}"),
            (".env.example", b"A="),
            (".env.local", b"A=1"),
            (".github/workflows/ci.yml", b""),
            (".git/config", b""),
            ("secret.ts", b""),
            ("generated/x.ts", b""),
            ("src/generated/y.ts", b""),
            ("node_modules/a/index.js", b""),
            ("apps/web/.next/server.js", b""),
            ("src/x.ts", b""),
        ]);
        let repository = Repository::open(folder.path()).unwrap();
        assert_eq!(
            names(repository.files()),
            [
                ".env.example",
                ".github/workflows/ci.yml",
                ".gitignore",
                "package.json",
                "src/generated/y.ts",
                "src/x.ts"
            ]
        );
    }

    #[test]
    fn build_output_is_left_out_but_source_folders_of_that_name_stay() {
        let folder = on_disk(&[
            ("package.json", b"{}"),
            ("dist/index.js", b""),
            ("dist/index.d.ts", b""),
            ("build/plan.ts", b""),
            ("src/build/route.js", b""),
            ("coverage/lcov.info", b""),
            ("coverage/prettify.js", b""),
        ]);
        let repository = Repository::open(folder.path()).unwrap();
        assert_eq!(
            names(repository.files()),
            [
                "build/plan.ts",
                "coverage/lcov.info",
                "package.json",
                "src/build/route.js"
            ]
        );
    }

    #[test]
    fn unreadable_texts_say_why() {
        let folder = on_disk(&[
            ("utf16.ts", b"\xFF\xFEa\0"),
            ("nul.ts", b"ab\0c"),
            ("zip.ts", &[&b"PK\x03\x04\0\xFF"[..], &[b' '; 200]].concat()),
            (
                "key.ts",
                b"export const key = (name: string, path: string) => `${name}\0${path}`;",
            ),
            ("latin1.ts", b"caf\xE9"),
            ("bom.ts", b"\xEF\xBB\xBFexport {}"),
            ("large.ts", &vec![b' '; 1_500_001]),
        ]);
        let repository = Repository::open(folder.path()).unwrap();
        let why = |path: &str| repository.read(&RepoPath::new(path)).unwrap_err().reason;
        assert_eq!(why("utf16.ts"), "UTF-16 text; save it as UTF-8");
        assert!(why("nul.ts").starts_with("NUL byte at offset 2"));
        assert!(why("zip.ts").starts_with("NUL byte at offset 4"));
        let key = repository.read(&RepoPath::new("key.ts")).unwrap();
        assert_eq!(memchr::memchr_iter(0, key.text.as_bytes()).count(), 1);
        assert!(why("large.ts").starts_with("larger than 1.5 MB"));
        assert!(why("../etc/passwd").starts_with("not part of the repository"));
        let bom = repository.read(&RepoPath::new("bom.ts")).unwrap();
        assert_eq!(&*bom.text, "export {}");
        let latin1 = repository.read(&RepoPath::new("latin1.ts")).unwrap();
        assert_eq!(&*latin1.text, "caf\u{fffd}");
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_inside_the_root_and_never_loop() {
        use std::os::unix::fs::symlink;
        let outside = on_disk(&[("secret.ts", b"")]);
        let folder = on_disk(&[("shared/x.ts", b""), ("app/y.ts", b"")]);
        symlink(folder.path(), folder.path().join("app/loop")).unwrap();
        symlink("../shared", folder.path().join("app/shared")).unwrap();
        symlink("../shared/x.ts", folder.path().join("app/x.ts")).unwrap();
        symlink(outside.path(), folder.path().join("app/out")).unwrap();
        symlink("nowhere", folder.path().join("app/dangling")).unwrap();
        symlink("nowhere", folder.path().join("app/route.ts")).unwrap();
        let repository = Repository::open(folder.path()).unwrap();
        assert_eq!(
            names(repository.files()),
            ["app/x.ts", "app/y.ts", "shared/x.ts"]
        );
        let links: Vec<(&str, &str)> = repository
            .links()
            .iter()
            .map(|(from, to)| (from.as_str(), to.as_str()))
            .collect();
        assert_eq!(links, [("app/shared", "shared")]);
        let problems: Vec<&str> = repository
            .problems()
            .iter()
            .map(|problem| problem.path.as_str())
            .collect();
        assert_eq!(problems, ["app/out", "app/route.ts"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_permission_is_reported() {
        use std::os::unix::fs::PermissionsExt;
        let folder = on_disk(&[("locked.ts", b"x"), ("open.ts", b"y")]);
        let locked = folder.path().join("locked.ts");
        std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
        let repository = Repository::open(folder.path()).unwrap();
        // A superuser reads everything, so there the file is simply read.
        if std::fs::read(&locked).is_err() {
            let refused = repository.read(&RepoPath::new("locked.ts")).unwrap_err();
            assert_eq!(
                refused.reason,
                "no permission to read it; run as a user who may"
            );
        }
        assert!(repository.read(&RepoPath::new("open.ts")).is_ok());
    }

    #[test]
    fn a_root_that_cannot_be_walked_says_what_to_do() {
        let folder = on_disk(&[("x.ts", b"")]);
        let missing = Repository::open(&folder.path().join("nope")).unwrap_err();
        assert!(
            missing
                .to_string()
                .ends_with("there is no such folder; check the path")
        );
        let file = Repository::open(&folder.path().join("x.ts")).unwrap_err();
        assert!(file.to_string().contains("it is a file"));
    }

    #[test]
    fn declarations_and_generated_files_are_no_modules() {
        let repository = Repository::in_memory(&[
            ("a.d.ts", ""),
            ("b.min.js", ""),
            ("c.ts", ""),
            ("d.json", ""),
            ("src/generated/prisma/client.ts", ""),
            ("e.test.mts", ""),
            (".pnp.cjs", ""),
        ]);
        let modules: Vec<&str> = repository.modules().map(RepoPath::as_str).collect();
        assert_eq!(modules, ["c.ts", "e.test.mts"]);
    }
}
