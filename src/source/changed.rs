//! Which files differ from an earlier state of the repository, as git says.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{RepoPath, Repository};

/// What differs from an earlier state of the repository.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The files that were added, altered or taken away since, named from the folder, sorted.
    pub files: Vec<RepoPath>,
    folder: PathBuf,
    /// The commit that is compared with; none before the first one.
    base: Option<String>,
}

/// A changed file, and what it held before; nothing where it was not there.
pub type Earlier = (RepoPath, Option<Vec<u8>>);

impl Changes {
    /// What the changed files held then.
    ///
    /// # Errors
    /// Says what git could not do.
    pub fn earlier(&self) -> Result<Vec<Earlier>, String> {
        let nothing = |path: &RepoPath| (path.clone(), None);
        let Some(base) = &self.base else {
            return Ok(self.files.iter().map(nothing).collect());
        };
        // Git reads one name from each line.
        let (asked, odd): (Vec<&RepoPath>, Vec<&RepoPath>) = self
            .files
            .iter()
            .partition(|path| !path.as_str().contains('\n'));
        let names: String = asked
            .iter()
            .map(|path| format!("{base}:./{path}\n"))
            .collect();
        let answers = contents(&self.folder, names)?;
        let mut rest = answers.as_slice();
        let mut earlier: Vec<Earlier> = odd.into_iter().map(nothing).collect();
        for path in asked {
            earlier.push((path.clone(), next_content(&mut rest)));
        }
        Ok(earlier)
    }

    /// The changed files whose text is another than before: without those that were only moved.
    #[must_use]
    pub fn altered(&self, earlier: &[Earlier], now: &Repository) -> Vec<RepoPath> {
        let held = |(path, bytes): &Earlier| (path.clone(), bytes.is_some());
        let was_there: BTreeMap<RepoPath, bool> = earlier.iter().map(held).collect();
        let gone: BTreeSet<&[u8]> = earlier
            .iter()
            .filter(|(path, _)| !now.exists(path))
            .filter_map(|(_, bytes)| bytes.as_deref())
            .collect();
        let moved = |path: &RepoPath| {
            was_there.get(path) == Some(&false)
                && !gone.is_empty()
                && now
                    .read(path)
                    .is_ok_and(|file| gone.contains(file.text.as_bytes()))
        };
        let files = self.files.iter();
        files.filter(|path| !moved(path)).cloned().collect()
    }
}

/// What `git cat-file --batch` answers to these names.
fn contents(folder: &Path, names: String) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot read earlier files from git: {error}");
    let mut child = command(folder)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let input = child.stdin.take();
    // Git answers while it is asked, so both have to go on at once. That it stops reading shows in what it answers.
    let asking = std::thread::spawn(move || {
        input.map(|mut input| input.write_all(names.as_bytes()).is_ok());
    });
    let output = child.wait_with_output().map_err(failed)?;
    let asked = asking.join().is_ok();
    if asked && output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from("git cannot read the earlier files"))
    }
}

/// Takes the next answer: `<id> blob <size>`, a line break, the bytes and another one; or one line that says why there is none.
fn next_content(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = memchr::memchr(b'\n', rest)?;
    let (head, behind) = rest.split_at(end);
    let behind = behind.get(1..)?;
    *rest = behind;
    let head = String::from_utf8_lossy(head);
    let mut words = head.rsplitn(3, ' ');
    let size: usize = words.next()?.parse().ok()?;
    let kind = words.next()?;
    let bytes = behind.get(..size)?;
    *rest = behind.get(size + 1..)?;
    (kind == "blob").then(|| bytes.to_vec())
}

/// The files below `folder` that changed since `reference` and the current branch parted, committed or not, new ones among them;
/// named from `folder`.
///
/// The only place where another program is run, and only when the user asks. Everything through which a repository's own settings
/// could make git run something else is off.
///
/// # Errors
/// Says what went wrong and what to do.
pub fn changed_since(folder: &Path, reference: &str) -> Result<Changes, String> {
    let changes = |files: BTreeSet<RepoPath>, base: Option<&str>| Changes {
        files: files.into_iter().collect(),
        folder: folder.to_owned(),
        base: base.map(|base| base.trim().to_owned()),
    };
    let commit = format!("{reference}^{{commit}}");
    let known = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &commit,
    ];
    let Some(commit) = git(folder, &known)? else {
        // Before the first commit everything is new.
        let inside = git(folder, &["rev-parse", "--is-inside-work-tree"])?;
        let all = [
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ];
        if reference == "HEAD" && inside.is_some_and(|inside| inside.trim() == "true") {
            let names = git(folder, &all)?.unwrap_or_default();
            let names = names.split('\0').filter(|name| !name.is_empty());
            return Ok(changes(names.map(RepoPath::new).collect(), None));
        }
        return Err(format!(
            "git knows no commit `{reference}` there; fetch it first (in CI, the whole history)"
        ));
    };
    let base = git(folder, &["merge-base", commit.trim(), "HEAD"])?.ok_or_else(|| {
        format!("`{reference}` and HEAD have no commit in common; fetch the whole history")
    })?;
    let tracked = [
        "diff",
        "--name-only",
        "-z",
        "--relative",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--ignore-submodules",
        base.trim(),
        "--",
    ];
    let fresh = ["ls-files", "-z", "--others", "--exclude-standard"];
    let mut changed = BTreeSet::new();
    for question in [&tracked[..], &fresh[..]] {
        let names = git(folder, question)?
            .ok_or_else(|| format!("git cannot say what changed since `{reference}`"))?;
        let names = names.split('\0').filter(|name| !name.is_empty());
        changed.extend(names.map(RepoPath::new));
    }
    Ok(changes(changed, Some(&base)))
}

/// Git, asked in a folder, with everything off through which a repository's settings could make it run something else.
fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(["-c", "core.quotePath=false"])
        // What a partial clone lacks stays away: who it is fetched from, and by which program, the repository says.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C");
    command
}

/// What git answers; `None` when it says no.
fn git(folder: &Path, question: &[&str]) -> Result<Option<String>, String> {
    let output = command(folder)
        .args(question)
        .output()
        .map_err(|error| format!("cannot run git: {error}"))?;
    if output.status.success() {
        return Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("not a git repository") {
        return Err(format!("{} is in no git repository", folder.display()));
    }
    // Owned by somebody else: git looks into such a folder only when it is told to.
    if said.contains("dubious ownership") {
        return Err(said.trim().to_owned());
    }
    Ok(None)
}
