//! `[check.ci-scripts]`: scripts that pipelines run and that no manifest has.

use crate::project::{Package, WorkflowStep};
use crate::rule::{CiScripts, Confidence};
use crate::source::RepoPath;

use super::CheckResult;
use super::subject::Subject;

/// Words in front of a command that change nothing about it.
const PREFIXES: [&str; 8] = [
    "sudo", "time", "exec", "command", "nohup", "xvfb-run", "corepack", "then",
];

/// Who runs a script, and where it is looked for.
struct Asked<'t> {
    runner: &'t str,
    script: &'t str,
    place: Place<'t>,
    /// `yarn x` also runs programs of dependencies.
    or_program: bool,
}

/// Where a script is looked for.
enum Place<'t> {
    /// In the folder in which the command runs, or one that it names from there.
    Folder(Option<&'t str>),
    /// In the workspace with this name or path.
    Workspace(&'t str),
    /// At the root of the workspaces.
    Root,
    /// In any workspace.
    Anywhere,
}

pub(super) fn run(subject: &Subject<'_>, check: &CiScripts) -> CheckResult {
    let mut result = CheckResult::default();
    let project = &subject.model.project;
    for (workflow, step) in project
        .files
        .workflows
        .iter()
        .flat_map(|workflow| workflow.steps.iter().map(move |step| (workflow, step)))
    {
        let known = result.findings.len();
        let Some(run) = &step.run else { continue };
        if step.may_fail != Some(false) || run.contains("<<") {
            continue;
        }
        let mut folder = Some(step.folder.clone().unwrap_or_default());
        // A backslash carries a command on.
        let text = run.replace("\\\n", " ");
        for line in text.lines() {
            let line = line.split(" #").next().unwrap_or("").trim();
            if line.starts_with('#') {
                continue;
            }
            let mut inside = folder.clone();
            let tolerated = line.contains("||");
            for command in line.split(['&', ';', '|']) {
                let words: Vec<&str> = command
                    .split_whitespace()
                    .map(|word| word.trim_matches(['"', '\'', '(', ')', '{', '}']))
                    .filter(|word| !word.is_empty())
                    .collect();
                if let Some(to) = words.strip_prefix(&["cd"]) {
                    inside = to.first().and_then(|to| changed(inside.as_deref(), to));
                    continue;
                }
                let Some(asked) = asked(&words, check) else {
                    continue;
                };
                if !tolerated {
                    judge(subject, check, step, &asked, inside.as_deref(), &mut result);
                }
            }
            // In a subshell it stays there.
            if !line.starts_with('(') {
                folder = inside;
            }
        }
        if workflow.uncalled {
            for finding in result.findings.iter_mut().skip(known) {
                finding
                    .message
                    .push_str(": or does nothing run this workflow any more, as none calls it?");
                finding.confidence = Confidence::Low;
            }
        }
    }
    result
}

/// The folder after `cd to`; `None` when it is computed or outside.
fn changed(from: Option<&str>, to: &str) -> Option<String> {
    let from = from?;
    if to.contains(['$', '~', '*', '`']) || to.starts_with('/') || to == "-" {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The script that a command runs; `None` for other commands, and for those that cannot be read.
fn asked<'t>(words: &[&'t str], check: &CiScripts) -> Option<Asked<'t>> {
    let mut words = words;
    // `CI=true NODE_ENV=test yarn x`
    while let Some((first, rest)) = words.split_first() {
        let assigns = first
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && !name.starts_with('-'));
        if !assigns && !PREFIXES.contains(first) && *first != "env" {
            break;
        }
        words = rest;
    }
    let (&runner, rest) = words.split_first()?;
    if rest.contains(&"--if-present") {
        return None;
    }
    let mut place = Place::Folder(None);
    let mut script: Option<&str> = None;
    let mut run = false;
    let mut rest = rest.iter().copied();
    while let Some(word) = rest.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if word.starts_with('-') => (flag, Some(value)),
            _ => (word, None),
        };
        match (runner, flag) {
            (_, "--help" | "--version" | "-v" | "--parallel" | "--no-bail") => return None,
            (_, "--") => break,
            ("npm", "--prefix" | "-C")
            | ("pnpm", "-C" | "--dir" | "--prefix")
            | ("yarn" | "bun", "--cwd") => {
                place = Place::Folder(Some(value.or_else(|| rest.next())?));
            }
            ("npm", "-w" | "--workspace")
            | ("pnpm" | "bun", "-F" | "--filter" | "--filter-prod") => {
                place = Place::Workspace(value.or_else(|| rest.next())?);
            }
            ("npm", "-ws" | "--workspaces") | ("pnpm", "-r" | "--recursive") => {
                place = Place::Anywhere
            }
            ("pnpm", "-w" | "--workspace-root") | ("yarn", "-T" | "--top-level") => {
                place = Place::Root
            }
            ("yarn", "workspace") if script.is_none() && !run => {
                place = Place::Workspace(rest.next()?)
            }
            ("yarn", "workspaces") if script.is_none() && !run => {
                place = Place::Anywhere;
                let command = rest.next()?;
                if !matches!(command, "run" | "foreach") {
                    return None;
                }
                if command == "foreach" {
                    // Its own options come first, some with a value: what runs stands behind `run`.
                    rest.find(|word| *word == "run")?;
                }
                run = true;
            }
            (_, "run" | "run-script") if script.is_none() && !run => run = true,
            // An option that is not known may take the next word.
            (_, flag) if flag.starts_with('-') => {
                let silent = matches!(
                    flag,
                    "--silent"
                        | "-s"
                        | "--frozen-lockfile"
                        | "--offline"
                        | "--immutable"
                        | "--bail"
                        | "--stream"
                        | "--bun"
                );
                if value.is_none() && !silent {
                    return None;
                }
            }
            (_, word) => {
                script = Some(word);
                break;
            }
        }
    }
    let script = script?;
    let plain = script
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, ':' | '-' | '_' | '.'));
    if !plain {
        return None;
    }
    let is_builtin = |known: &[String]| known.iter().any(|known| known == script);
    let or_program = match runner {
        "npm" if run => false,
        "npm" if matches!(script, "test" | "t") => {
            return Some(Asked {
                runner,
                script: "test",
                place,
                or_program: false,
            });
        }
        "yarn" if run || !is_builtin(&check.yarn) => true,
        "pnpm" if run => false,
        "pnpm" if !is_builtin(&check.pnpm) => true,
        // `bun run x` also runs files and programs.
        "bun" if run && !script.contains('.') => true,
        _ => return None,
    };
    Some(Asked {
        runner,
        script,
        place,
        or_program,
    })
}

fn judge(
    subject: &Subject<'_>,
    check: &CiScripts,
    step: &WorkflowStep,
    asked: &Asked<'_>,
    folder: Option<&str>,
    result: &mut CheckResult,
) {
    let packages = &subject.model.project.packages;
    let anywhere = packages
        .iter()
        .any(|package| package.scripts.contains_key(asked.script));
    let own: Vec<&Package> = match &asked.place {
        Place::Folder(inside) => {
            let Some(folder) = folder
                .filter(|folder| !folder.contains('$'))
                .and_then(|folder| match inside {
                    Some(inside) => changed(Some(folder), inside),
                    None => changed(Some(""), folder),
                })
            else {
                return;
            };
            match package_at(subject, &RepoPath::new(&folder)) {
                Some(package) => vec![package],
                None => return,
            }
        }
        Place::Root => match package_at(subject, &RepoPath::new("")) {
            Some(package) => vec![package],
            None => return,
        },
        Place::Workspace(name) => {
            let named: Vec<&Package> = packages
                .iter()
                .filter(|package| {
                    package.name.as_deref() == Some(name)
                        || package.folder().as_str() == name.trim_start_matches("./")
                })
                .collect();
            // `@scope/*`, `...name`, `./apps/**`: any of several.
            if named.is_empty() {
                if anywhere
                    || !name.chars().all(|c| {
                        c.is_ascii_alphanumeric() || matches!(c, '@' | '/' | '-' | '_' | '.')
                    })
                {
                    return;
                }
                return;
            }
            named
        }
        Place::Anywhere => packages.iter().collect(),
    };
    let has = own
        .iter()
        .any(|package| package.scripts.contains_key(asked.script));
    // Yarn finds a script with a colon in whatever workspace has it.
    let by_colon = asked.runner == "yarn" && asked.script.contains(':') && anywhere;
    if has || by_colon {
        result.covered(1.0);
        return;
    }
    if asked.or_program && is_program(check, packages, asked.script) {
        return;
    }
    let Asked { runner, script, .. } = asked;
    let manifest = match own.as_slice() {
        [package] => package.folder().join("package.json").to_string(),
        _ => String::from("no package.json"),
    };
    let nearest = own
        .iter()
        .flat_map(|package| package.scripts.keys())
        .map(String::as_str);
    let instead = crate::rule::near_miss(script, nearest)
        .map(|near| format!("; `{near}` is one"))
        .unwrap_or_default();
    let message = if own.len() == 1 {
        format!(
            "this step runs the script `{script}` with {runner}, and {manifest} has none of that name{instead}"
        )
    } else {
        format!(
            "this step runs the script `{script}` with {runner}, and no package.json has one of that name{instead}"
        )
    };
    let line = line_of(step, script);
    let mut location = step.location.clone();
    location.line = line;
    location.end_line = line;
    location.column = 1;
    location.end_column = 1;
    result.gap(1.0, subject.finding(location, message));
}

/// The line of the script in a step: a step with one line of text begins where it is said to stand.
fn line_of(step: &WorkflowStep, script: &str) -> u32 {
    let run = step.run.as_deref().unwrap_or("");
    let lines = u32::try_from(run.lines().count()).unwrap_or(1);
    let span = step.location.end_line.saturating_sub(step.location.line);
    let at = run
        .lines()
        .position(|line| line.contains(script))
        .unwrap_or(0);
    if lines < 2 || span < lines {
        return step.location.line;
    }
    step.location.line + u32::try_from(at).unwrap_or(0)
}

/// The package that a package manager finds from a folder of the repository; `None` when the folder is none of it.
fn package_at<'a>(subject: &Subject<'a>, folder: &RepoPath) -> Option<&'a Package> {
    let model = subject.model;
    let exists = folder.is_root() || {
        let at = model.paths.partition_point(|path| path < folder);
        model
            .paths
            .get(at..)
            .into_iter()
            .flatten()
            .take(64)
            .any(|path| path.starts_with(folder))
    };
    if !exists {
        return None;
    }
    model
        .project
        .packages
        .iter()
        .filter(|package| folder.starts_with(&package.folder()))
        .max_by_key(|package| package.folder().segments().count())
}

/// A program that a dependency brings along, as far as names tell.
fn is_program(check: &CiScripts, packages: &[Package], name: &str) -> bool {
    if check.programs.iter().any(|known| known == name) {
        return true;
    }
    let stem = name.split([':', '.']).next().unwrap_or(name);
    packages.iter().any(|package| {
        let dependencies = package
            .dependencies
            .keys()
            .chain(package.dev_dependencies.keys());
        dependencies.into_iter().any(|dependency| {
            let last = dependency.rsplit('/').next().unwrap_or(dependency);
            dependency.contains(stem) || last.len() > 2 && stem.contains(last)
        }) || package.name.as_deref() == Some(name)
            || package
                .json
                .get("bin")
                .is_some_and(|bin| bin.to_string().contains(name))
    })
}

#[cfg(test)]
mod tests {
    use super::{asked, changed};
    use crate::rule::CiScripts;

    fn script(command: &str) -> Option<String> {
        let check = CiScripts {
            yarn: vec![String::from("install")],
            pnpm: vec![String::from("install"), String::from("exec")],
            bun: Vec::new(),
            programs: Vec::new(),
        };
        let words: Vec<&str> = command.split_whitespace().collect();
        asked(&words, &check).map(|asked| asked.script.to_owned())
    }

    #[test]
    fn commands_that_run_scripts() {
        let some = |text: &str| Some(String::from(text));
        assert_eq!(script("yarn deploy s3"), some("deploy"));
        assert_eq!(script("CI=1 npm run lint -- --fix"), some("lint"));
        assert_eq!(script("npm test"), some("test"));
        assert_eq!(script("pnpm --filter @a/web run build"), some("build"));
        assert_eq!(script("yarn workspace web test"), some("test"));
        assert_eq!(script("yarn install"), None);
        assert_eq!(script("npm run build --if-present"), None);
        assert_eq!(script("npm ci"), None);
        assert_eq!(script("pnpm exec tsc"), None);
        assert_eq!(script("npm run $TASK"), None);
        assert_eq!(script("echo yarn deploy"), None);
    }

    #[test]
    fn folders() {
        assert_eq!(changed(Some("a"), "../b/./c").as_deref(), Some("b/c"));
        assert_eq!(changed(Some(""), ".."), None);
        assert_eq!(changed(Some(""), "$HOME"), None);
    }
}
