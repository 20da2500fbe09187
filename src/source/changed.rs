//! Which files differ from an earlier state of the repository, as git says.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::RepoPath;

/// The files below `folder` that changed since `reference` and the current branch parted, committed or not, new ones among them;
/// named from `folder`.
///
/// The only place where another program is run, and only when the user asks. Everything through which a repository's own settings
/// could make git run something else is off.
///
/// # Errors
/// Says what went wrong and what to do.
pub fn changed_since(folder: &Path, reference: &str) -> Result<Vec<RepoPath>, String> {
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
            let names: BTreeSet<RepoPath> = names.map(RepoPath::new).collect();
            return Ok(names.into_iter().collect());
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
    Ok(changed.into_iter().collect())
}

/// What git answers; `None` when it says no.
fn git(folder: &Path, question: &[&str]) -> Result<Option<String>, String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(["-c", "core.quotePath=false"])
        .args(question)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
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
