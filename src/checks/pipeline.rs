//! `[check.pipeline]`: steps that a pipeline has to run on every change.

use std::cell::LazyCell;
use std::sync::PoisonError;

use rustc_hash::FxHashSet;

use crate::project::{Dockerfile, Package, Task, Workflow};
use crate::rule::{Pipeline, PipelineStep, Purpose};
use crate::source::{Location, RepoPath};

use super::CheckResult;
use super::code::is_side_file;
use super::container::is_shared;
use super::present::{doubted, in_doubt};
use super::purpose::LEFT_TO_OTHERS;
use super::signs::Ground;
use super::subject::Subject;
use super::tests_elsewhere::tests;

/// Scripts that call scripts are followed this far.
const DEEPEST_SCRIPT: usize = 6;

/// Programs that run scripts of `package.json` or of a workspace.
const RUNNERS: [&str; 14] = [
    "npm",
    "pnpm",
    "yarn",
    "bun",
    "bunx",
    "turbo",
    "nx",
    "lerna",
    "npx",
    "run-s",
    "run-p",
    "npm-run-all",
    "npm-run-all2",
    "concurrently",
];

/// Scripts that a host runs for every change that it serves.
const HOST_SCRIPTS: [&str; 3] = ["vercel-build", "now-build", "heroku-postbuild"];

pub(super) fn run(subject: &Subject<'_>, check: &Pipeline) -> CheckResult {
    let workflows: Vec<&Workflow> = subject
        .model
        .project
        .files
        .workflows
        .iter()
        .filter(|workflow| workflow.on_change)
        .collect();
    let pushed = subject
        .shared()
        .change_lines
        .get_or_init(|| lines(subject, &workflows));
    let paths = &subject.model.paths;
    let root = &subject.project.root;
    let there = |file: &String| {
        paths.binary_search(&root.join(file)).is_ok()
            || paths.binary_search(&RepoPath::new(file)).is_ok()
    };
    let hosted = check
        .steps
        .iter()
        .any(|step| step.done_by.iter().any(there));
    let own = own_lines(subject, hosted, pushed);
    let all = || pushed.iter().chain(&own);
    let place = LazyCell::new(|| Location::of_line(&home(subject, check), 1));
    let ground = Ground {
        subject,
        whole: true,
    };
    let mut result = CheckResult::default();
    let mut missing = Vec::new();
    for step in &check.steps {
        let told = || {
            let mut told = step.told.iter();
            told.any(|each| {
                let command = std::slice::from_ref(&each.command);
                ground.keys(&each.keys) && all().any(|line| runs_command(command, line))
            })
        };
        if step.done_by.iter().any(there) || all().any(|line| runs(step, line)) || told() {
            result.covered_at(1.0, || Some(place.clone()));
        } else if all().any(|line| is_elsewhere(line)) {
            result.unknown();
        } else {
            missing.push(step);
        }
    }
    if missing.len() == check.steps.len() {
        // Pipelines that label and greet are none for this purpose.
        for _ in &missing {
            result.silent_gap(1.0);
        }
        let finding = subject.finding(place.clone(), check.says.clone());
        result.findings.push(if subject.is_for(Purpose::Starter) {
            in_doubt(finding, LEFT_TO_OTHERS)
        } else {
            finding
        });
        return result;
    }
    for step in missing {
        let message = format!("no pipeline runs a {} step on changes", step.name);
        let finding = subject.finding(place.clone(), message);
        let finding = match doubted(&ground, &step.doubts) {
            Some(question) => in_doubt(finding, question),
            None => finding,
        };
        result.gap(1.0, finding);
    }
    result
}

/// What is run for changes of this application beside what pipelines say: by its host, and by what builds it.
fn own_lines(subject: &Subject<'_>, hosted: bool, pushed: &[String]) -> Vec<String> {
    let packages = subject.packages_around();
    let build = hosted.then_some("build");
    let scripts = HOST_SCRIPTS.into_iter().chain(build).flat_map(|script| {
        let each = packages.iter();
        each.filter_map(move |package| package.scripts.get(script).cloned())
    });
    let mut own = with_scripts(subject, scripts.collect(), &packages);
    let build = [String::from("next build")];
    let builds = |line: &String| runs_command(&build, line);
    if pushed.iter().chain(&own).any(builds) && lints_as_it_builds(subject) {
        own.push(String::from("next lint"));
    }
    own
}

/// Before version 16 Next.js lints what it builds, where there is a linter and nothing tells it not to.
fn lints_as_it_builds(subject: &Subject<'_>) -> bool {
    let app = subject.project;
    let ignored = app.next.ignore_lint.as_ref();
    let mut paths = subject.model.paths.iter();
    app.major("next").is_some_and(|major| major < 16)
        && ignored.is_none_or(|(ignored, _)| !ignored)
        && app.versions.contains_key("eslint")
        && paths.any(|path| {
            let name = path.file_name();
            let folder = path.parent().unwrap_or_else(|| RepoPath::new(""));
            (name.starts_with(".eslintrc") || name.starts_with("eslint.config."))
                && app.root.starts_with(&folder)
        })
}

/// Where what changes do not run is missing: in the pipeline that runs the most, else at the manifest of the whole repository, whose
/// pipelines all its applications share; else at the application's.
fn home(subject: &Subject<'_>, check: &Pipeline) -> RepoPath {
    let known = &subject.shared().busiest;
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let busiest = known
        .entry(std::ptr::from_ref(check).addr())
        .or_insert_with(|| busiest(subject, check));
    let busiest = busiest.clone();
    busiest.unwrap_or_else(|| super::present::home(subject))
}

/// The pipeline that runs the most steps for changes; of those that run as many, the first.
fn busiest(subject: &Subject<'_>, check: &Pipeline) -> Option<RepoPath> {
    let count = |lines: &Lines| {
        let steps = check.steps.iter();
        steps
            .filter(|step| lines.lines.iter().any(|line| runs(step, line)))
            .count()
    };
    let all = subject.model.project.files.workflows.iter();
    let all = all.zip(lines_of_each(subject));
    let counted = all
        .filter(|(workflow, _)| workflow.on_change)
        .map(|(workflow, lines)| (count(lines), workflow));
    let (count, most) = counted.rev().max_by_key(|(count, _)| *count)?;
    (count > 0).then(|| most.file.clone())
}

/// Commands that run what a file of their own says.
const MAKES: [&[&str]; 3] = [&["make"], &["just"], &["mise", "run"]];

/// `pnpm ${{ matrix.task }}`, `make check`, `acme/pipelines/.github/workflows/check.yml@main`: what it runs stands elsewhere.
fn is_elsewhere(line: &str) -> bool {
    let makes = |command: &str| {
        let begins = |with: &&[&str]| {
            let mut words = command.split_whitespace();
            with.iter().all(|word| words.next() == Some(*word))
        };
        MAKES.iter().any(begins)
    };
    if line.split(['&', '|', ';']).any(makes) {
        return true;
    }
    let is_one_word = !line.contains(char::is_whitespace);
    if is_one_word && line.contains("/.github/workflows/") && line.contains('@') {
        return true;
    }
    let words: Vec<&str> = words(line).collect();
    words.iter().enumerate().any(|(at, word)| {
        let mut rest = words.iter().skip(at + 1);
        let task = rest.find(|word| !word.starts_with('-') && !matches!(**word, "run" | "exec"));
        RUNNERS.contains(word) && task.is_some_and(|task| task.starts_with("${{"))
    })
}

/// The shell lines of all steps, with those of the scripts that they call.
pub(super) fn lines(subject: &Subject<'_>, workflows: &[&Workflow]) -> Vec<String> {
    let lines = workflows.iter().flat_map(|workflow| written(workflow));
    let lines = lines.collect();
    let packages: Vec<&Package> = subject.model.project.packages.iter().collect();
    with_scripts(subject, with_images(lines, subject, |_| true), &packages)
}

/// Those of each pipeline, in the order of the pipelines.
pub(super) fn lines_of_each<'a>(subject: &Subject<'a>) -> &'a [Lines] {
    subject.shared().workflow_lines.get_or_init(|| {
        let each = subject.model.project.files.workflows.iter();
        each.map(|each| Lines::new(lines(subject, &[each])))
            .collect()
    })
}

/// Whether a pipeline runs one of the commands, by itself or by scripts of packages that hold tests.
pub(super) fn run_on_tests(subject: &Subject<'_>, commands: &[String]) -> bool {
    let lines = &subject.shared().test_lines;
    let lines = lines.get_or_init(|| Lines::new(lines_on_tests(subject)));
    lines.run(commands)
}

fn lines_on_tests(subject: &Subject<'_>) -> Vec<String> {
    let project = &subject.model.project;
    let tests: Vec<&RepoPath> = tests(subject).map(|(_, module)| &module.path).collect();
    let packages = project.packages.iter();
    let packages: Vec<&Package> = packages
        .filter(|package| {
            let folder = package.folder();
            tests.iter().any(|test| test.starts_with(&folder))
        })
        .collect();
    let workflows = project.files.workflows.iter();
    let lines = workflows.flat_map(written).collect();
    with_scripts(subject, with_images(lines, subject, |_| true), &packages)
}

/// The shell lines and the actions of a pipeline, and the bots that it names.
fn written(workflow: &Workflow) -> impl Iterator<Item = String> {
    let steps = workflow.steps.iter().flat_map(|step| {
        let run = step.run.iter().flat_map(|run| run.lines());
        run.map(str::to_owned).chain(step.uses.clone())
    });
    steps.chain(workflow.bots.iter().cloned())
}

/// What builds an image runs the lines of its file.
const IMAGE_BUILDS: [&str; 7] = [
    "docker build",
    "docker buildx build",
    "docker compose build",
    "docker/build-push-action",
    "docker/bake-action",
    "depot/build-push-action",
    "depot build",
];

/// Shell lines with those of the images that they build: of any of these files, because a line does not say which.
fn with_images(
    mut lines: Vec<String>,
    subject: &Subject<'_>,
    concerns: impl Fn(&Dockerfile) -> bool,
) -> Vec<String> {
    let commands = IMAGE_BUILDS.map(str::to_owned);
    if !lines.iter().any(|line| runs_command(&commands, line)) {
        return lines;
    }
    let files = subject.model.project.files.dockerfiles.iter();
    let built = files.filter(|file| !is_side_file(&file.file) && concerns(file));
    lines.extend(built.flat_map(|file| file.runs.iter().cloned()));
    lines
}

/// Whether a pipeline runs the step on changes of the application: by itself, or by a script of the application or of the
/// folders around it. `None` when what it runs is computed.
pub(super) fn concerns(subject: &Subject<'_>, step: &PipelineStep) -> Option<bool> {
    let root = &subject.project.root;
    let concerned = |folder: &str| folder.contains('$') || root.starts_with(&RepoPath::new(folder));
    let project = &subject.model.project;
    let mut lines = Vec::new();
    for workflow in project.files.workflows.iter().filter(|each| each.on_change) {
        for each in &workflow.steps {
            let here = each.folder.as_deref().is_none_or(concerned);
            if each.may_fail != Some(true) && here {
                lines.extend(
                    each.run
                        .iter()
                        .flat_map(|run| run.lines())
                        .map(str::to_owned),
                );
                lines.extend(each.uses.clone());
            }
        }
    }
    let packages = subject.packages_around();
    let built_of = |file: &Dockerfile| file.file.starts_with(root) || is_shared(subject, file);
    let lines = with_scripts(subject, with_images(lines, subject, built_of), &packages);
    if lines.iter().any(|line| runs(step, line)) {
        return Some(true);
    }
    let computed = lines.iter().any(|line| is_elsewhere(line));
    (!computed).then_some(false)
}

/// Shell lines with those of the scripts of these packages that they call.
fn with_scripts(
    subject: &Subject<'_>,
    mut lines: Vec<String>,
    packages: &[&Package],
) -> Vec<String> {
    let all = &subject.model.project.packages;
    let mut fresh: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut known: FxHashSet<&str> = fresh.iter().copied().collect();
    let mut found: Vec<&str> = Vec::new();
    for _ in 0..DEEPEST_SCRIPT {
        let mut next = Vec::new();
        for line in fresh {
            let bodies = called_scripts(line, packages, all).into_iter();
            let bodies = bodies.chain(run_before(line, &subject.model.project.files.tasks));
            next.extend(bodies.filter(|body| known.insert(body)));
        }
        if next.is_empty() {
            break;
        }
        found.extend(&next);
        fresh = next;
    }
    let found: Vec<String> = found.into_iter().map(str::to_owned).collect();
    lines.extend(found);
    lines
}

/// Shell lines that are asked for commands again and again.
#[derive(Debug)]
pub(super) struct Lines {
    lines: Vec<String>,
    /// What the lines' words are as commands: `eslint` of `./node_modules/.bin/eslint@9`.
    words: FxHashSet<Box<str>>,
}

impl Lines {
    /// Of these lines.
    pub(super) fn new(lines: Vec<String>) -> Self {
        let mut known: FxHashSet<Box<str>> = FxHashSet::default();
        for word in lines.iter().flat_map(|line| words(line)) {
            for name in [word, word.rsplit('/').next().unwrap_or(word)] {
                let versions = memchr::memchr_iter(b'@', name.as_bytes());
                for end in versions.chain([name.len()]) {
                    if let Some(name) = name.get(..end)
                        && !known.contains(name)
                    {
                        known.insert(Box::from(name));
                    }
                }
            }
        }
        Self {
            lines,
            words: known,
        }
    }

    /// True when one of the lines runs one of the commands.
    pub(super) fn run(&self, commands: &[String]) -> bool {
        commands.iter().any(|command| {
            let mut wanted = command.split_whitespace();
            let known = wanted.all(|word| word.starts_with('!') || self.words.contains(word));
            let alone = std::slice::from_ref(command);
            known && self.lines.iter().any(|line| runs_command(alone, line))
        })
    }
}

/// Options of runners that name a package or its folder.
const PLACES: [&str; 7] = [
    "--filter",
    "-F",
    "--workspace",
    "--dir",
    "-C",
    "--prefix",
    "--cwd",
];

/// The packages of the repository that the words of a shell line name as the place where it runs.
fn named_in<'p>(words: &[&str], all: &'p [Package]) -> Vec<&'p Package> {
    let places = words.iter().enumerate().filter_map(|(at, word)| {
        let (option, place) = match word.split_once('=') {
            Some((option, place)) => (option, Some(place)),
            None => (*word, words.get(at + 1).copied()),
        };
        place.filter(|_| PLACES.contains(&option))
    });
    let named = places.flat_map(|place| {
        let folder = RepoPath::new(place.trim_end_matches('/'));
        all.iter().filter(move |package| {
            package.name.as_deref() == Some(place) || package.folder() == folder
        })
    });
    named.collect()
}

/// The bodies of the scripts that a shell line calls: in any of these packages, where the line does not name one of the repository.
fn called_scripts<'p>(line: &str, packages: &[&'p Package], all: &[Package]) -> Vec<&'p str> {
    let mut bodies: Vec<&str> = Vec::new();
    if !words(line).any(|word| RUNNERS.contains(&word)) {
        return bodies;
    }
    // `npm:build` is how `concurrently` calls a script.
    let words = words(line).map(|word| word.strip_prefix("npm:").unwrap_or(word));
    let mut words: Vec<&str> = words.collect();
    // `playwright test` is a command of its own, also in a line that starts the application with a script.
    if let Some(at) = words.iter().position(|word| *word == "playwright") {
        words.drain(at..(at + 2).min(words.len()));
    }
    let below: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| word.ends_with('*'))
        .collect();
    let named = named_in(&words, all);
    let concerned = |package: &&&Package| {
        named.is_empty() || named.iter().any(|each| std::ptr::eq(*each, **package))
    };
    for package in packages.iter().filter(concerned) {
        for (name, body) in &package.scripts {
            if words.contains(&name.as_str()) || below.iter().any(|word| calls_below(word, name)) {
                bodies.push(body);
            }
        }
    }
    bodies
}

/// Runners of tasks that may depend on one another.
const TASK_RUNNERS: [&str; 2] = ["turbo", "nx"];

/// The lines that run what the tasks of a shell line depend on.
fn run_before<'t>(line: &str, tasks: &'t [Task]) -> Vec<&'t str> {
    if tasks.is_empty() || !words(line).any(|word| TASK_RUNNERS.contains(&word)) {
        return Vec::new();
    }
    let called = |task: &&Task| {
        words(line).any(|word| word.rsplit(['#', ':']).next() == Some(task.name.as_str()))
    };
    let called = tasks.iter().filter(called);
    called.map(|task| task.runs.as_str()).collect()
}

/// `build:*` of `npm-run-all` calls `build:web`.
fn calls_below(word: &str, script: &str) -> bool {
    let below = || script.strip_prefix(word.strip_suffix('*')?);
    word.ends_with(":*") && below().is_some_and(|rest| !rest.is_empty())
}

/// The words of a shell line, without what separates commands.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| {
        letter.is_whitespace() || matches!(letter, '&' | '|' | ';' | '(' | ')' | '"' | '\'')
    })
    .filter(|word| !word.is_empty())
}

/// True when the line runs one of the step's commands, or calls a script that is named like the step.
fn runs(step: &PipelineStep, line: &str) -> bool {
    let line: Vec<&str> = words(line)
        .take_while(|word| !word.starts_with('#'))
        .collect();
    let command = has_command(&step.commands, &line);
    let by_name = line.iter().any(|word| RUNNERS.contains(word))
        && line.iter().any(|word| {
            let task = word.rsplit('#').next().unwrap_or(word);
            step.scripts.iter().any(|script| {
                task == script
                    || task
                        .strip_prefix(script.as_str())
                        .is_some_and(|rest| rest.starts_with(':'))
            })
        });
    command || by_name
}

/// True when the line runs one of the commands.
pub(super) fn runs_command(commands: &[String], line: &str) -> bool {
    // Most lines hold the first word of no command.
    let first = |command: &String| {
        let word = command.split_whitespace().next();
        word.is_none_or(|word| memchr::memmem::find(line.as_bytes(), word.as_bytes()).is_some())
    };
    if !commands.iter().any(first) {
        return false;
    }
    let line: Vec<&str> = words(line)
        .take_while(|word| !word.starts_with('#'))
        .collect();
    has_command(commands, &line)
}

/// One of the commands stands in the line, without the words that it names behind a `!`.
fn has_command(commands: &[String], line: &[&str]) -> bool {
    let line: Vec<Word<'_>> = line.iter().copied().map(Word::of).collect();
    commands.iter().any(|command| {
        let words = command.split_ascii_whitespace();
        let mut refused = words.clone().filter_map(|word| word.strip_prefix('!'));
        if refused.any(|refused| line.iter().any(|word| word.whole == refused)) {
            return false;
        }
        let mut wanted = words.take_while(|word| !word.starts_with('!'));
        let Some(first) = wanted.next() else {
            return !line.is_empty();
        };
        line.iter().enumerate().any(|(at, word)| {
            let mut behind = line.iter().skip(at + 1);
            word.is(first)
                && wanted
                    .clone()
                    .all(|wanted| behind.next().is_some_and(|word| word.is(wanted)))
        })
    })
}

/// A word of a shell line.
struct Word<'l> {
    whole: &'l str,
    /// What stands behind its last slash.
    name: &'l str,
}

impl<'l> Word<'l> {
    fn of(whole: &'l str) -> Self {
        let name = whole.rsplit('/').next().unwrap_or(whole);
        Self { whole, name }
    }

    /// `eslint` is also `eslint@9` and `./node_modules/.bin/eslint`.
    fn is(&self, wanted: &str) -> bool {
        let begins = |word: &str| {
            let rest = word.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
        };
        begins(self.name) || wanted.contains('/') && begins(self.whole)
    }
}

#[cfg(test)]
mod tests {
    use super::{calls_below, is_elsewhere, runs};
    use crate::rule::PipelineStep;

    fn step(commands: &[&str], scripts: &[&str]) -> PipelineStep {
        PipelineStep {
            name: String::from("lint"),
            commands: commands.iter().map(|&each| each.to_owned()).collect(),
            scripts: scripts.iter().map(|&each| each.to_owned()).collect(),
            told: Vec::new(),
            done_by: Vec::new(),
            doubts: Vec::new(),
        }
    }

    #[test]
    fn a_computed_task_is_known_as_such() {
        assert!(is_elsewhere("pnpm ${{ matrix.job }}"));
        assert!(is_elsewhere("npm run --silent ${{ matrix.job }}"));
        assert!(!is_elsewhere("yarn deploy ${{ vars.BUCKET }}"));
        assert!(!is_elsewhere("echo ${{ github.sha }}"));
        assert!(is_elsewhere(
            "acme/pipelines/.github/workflows/check.yml@main"
        ));
        assert!(!is_elsewhere("./.github/workflows/check.yml"));
        assert!(is_elsewhere("cd web && make check"));
        assert!(!is_elsewhere("echo make it so"));
        assert!(!is_elsewhere("actionlint ./.github/workflows/check.yml"));
    }

    #[test]
    fn scripts_are_called_by_wildcard() {
        assert!(calls_below("check:*", "check:types"));
        assert!(!calls_below("check:*", "check"));
        assert!(!calls_below("*", "check"));
    }

    #[test]
    fn commands_stand_as_words() {
        let lint = step(&["eslint", "next lint"], &["lint"]);
        assert!(runs(&lint, "npx eslint@9 ."));
        assert!(runs(&lint, "cd web && next lint"));
        assert!(runs(&lint, "pnpm run lint:ci"));
        assert!(runs(&lint, "turbo run build lint test"));
        assert!(!runs(&lint, "echo no eslintrc; next build"));
        assert!(!runs(&lint, "# eslint ."));
        assert!(!runs(&lint, "echo lint"));
    }
}
