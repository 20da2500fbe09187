//! Pipelines of continuous integration: what they run, and whether a change makes them run.

use rustc_hash::FxHashMap;
use saphyr::MarkedYaml;

use crate::source::{RepoPath, Repository, SourceFile, Unreadable};

use super::document::{parse_yaml, yaml_entries, yaml_get, yaml_location, yaml_texts};
use super::jenkins::{self, is_jenkinsfile};
use super::{Workflow, WorkflowStep};

/// How many called workflows and actions are followed from one another.
const MAX_CALLS: usize = 8;

/// Folders of workflows in the syntax of GitHub Actions: GitHub's, Depot's, Gitea's and Forgejo's.
const WORKFLOWS: [&str; 4] = [
    ".github/workflows",
    ".depot/workflows",
    ".gitea/workflows",
    ".forgejo/workflows",
];

/// A step is taken apart into this many at most.
const MAX_VARIANTS: usize = 32;

/// Which service a file configures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    /// And those that run workflows of its syntax from a folder of their own.
    GitHub,
    Azure,
    /// GitLab, CircleCI, Bitbucket, Travis, Drone, Woodpecker, Buildkite: commands under telling keys.
    Other,
}

fn service(path: &RepoPath) -> Option<Service> {
    let text = path.as_str();
    let is_yaml = matches!(path.extension(), Some("yml" | "yaml"));
    if !is_yaml {
        return None;
    }
    if let Some((folder, _)) = text.rsplit_once('/')
        && WORKFLOWS.contains(&folder)
    {
        return Some(Service::GitHub);
    }
    if text.starts_with("azure-pipelines") {
        return Some(Service::Azure);
    }
    let other = matches!(
        text,
        ".gitlab-ci.yml"
            | ".gitlab-ci.yaml"
            | ".circleci/config.yml"
            | ".circleci/config.yaml"
            | "bitbucket-pipelines.yml"
            | ".travis.yml"
            | ".drone.yml"
            | ".woodpecker.yml"
            | ".buildkite/pipeline.yml"
            | ".buildkite/pipeline.yaml"
    ) || text.starts_with(".woodpecker/");
    other.then_some(Service::Other)
}

/// Reads `path` when it is a pipeline.
pub(super) fn read(
    repository: &Repository,
    path: &RepoPath,
    workflows: &mut Vec<Workflow>,
) -> Result<(), Unreadable> {
    if is_jenkinsfile(path.file_name()) {
        workflows.push(jenkins::pipeline(&repository.read(path)?));
        return Ok(());
    }
    let Some(service) = service(path) else {
        return Ok(());
    };
    let file = repository.read(path)?;
    let Some(document) = parse_yaml(&file)? else {
        return Ok(());
    };
    workflows.push(match service {
        Service::GitHub => github(&file, &document),
        Service::Azure => Workflow {
            on_change: yaml_get(&document, "trigger")
                .is_none_or(|trigger| trigger.data.as_str() != Some("none")),
            uncalled: false,
            steps: commands(&file, &document),
            bots: Vec::new(),
            file: path.clone(),
        },
        Service::Other => Workflow {
            on_change: true,
            uncalled: false,
            steps: commands(&file, &document),
            bots: Vec::new(),
            file: path.clone(),
        },
    });
    Ok(())
}

fn github(file: &SourceFile, document: &MarkedYaml<'_>) -> Workflow {
    let trigger = yaml_get(document, "on").or_else(|| yaml_get(document, "true"));
    let mut steps = Vec::new();
    let jobs = yaml_get(document, "jobs");
    let everywhere = default_folder(document);
    for (job, body) in jobs.into_iter().flat_map(yaml_entries) {
        // `uses` of a job calls another workflow.
        if let Some(called) = yaml_get(body, "uses") {
            steps.extend(step(file, job, body, called));
        }
        let folder = default_folder(body).or_else(|| everywhere.clone());
        let may_fail = may_fail(body);
        let matrix = matrix(body);
        for entry in listed(body) {
            let Some(mut step) = step(file, job, entry, entry) else {
                continue;
            };
            step.folder = step.folder.or_else(|| folder.clone());
            step.may_fail = step.may_fail.map(|step| step || may_fail);
            steps.extend(of_matrix(step, &matrix));
        }
    }
    Workflow {
        file: file.path.clone(),
        on_change: trigger.is_some_and(on_change),
        uncalled: trigger.is_some_and(only_called),
        steps,
        bots: bots(&file.text),
    }
}

/// The names that end in `[bot]`, as those of GitHub's applications do, each once.
fn bots(text: &str) -> Vec<String> {
    let ends = memchr::memmem::find_iter(text.as_bytes(), b"[bot]");
    let names = ends.filter_map(|end| {
        let before = text.get(..end)?;
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let name = before.trim_end_matches(is_part).len();
        Some(format!("{}[bot]", before.get(name..)?))
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The steps of a job, in order, those that a step groups (`parallel`) in its place.
fn listed<'a, 't>(job: &'a MarkedYaml<'t>) -> Vec<&'a MarkedYaml<'t>> {
    let mut found = Vec::new();
    let mut open: Vec<&MarkedYaml<'_>> = Vec::new();
    let steps = yaml_get(job, "steps").and_then(|steps| steps.data.as_sequence());
    open.extend(steps.into_iter().flatten().rev());
    while let Some(entry) = open.pop() {
        if yaml_get(entry, "run").is_some() || yaml_get(entry, "uses").is_some() {
            found.push(entry);
            continue;
        }
        let groups = yaml_entries(entry).filter_map(|(_, value)| value.data.as_sequence());
        let grouped: Vec<&MarkedYaml<'_>> = groups.flatten().collect();
        open.extend(grouped.into_iter().rev());
    }
    found
}

/// The values of `strategy.matrix` that are written down, by key.
fn matrix<'a>(job: &'a MarkedYaml<'_>) -> Vec<(&'a str, Vec<&'a str>)> {
    let matrix = yaml_get(job, "strategy").and_then(|strategy| yaml_get(strategy, "matrix"));
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for (key, value) in matrix.into_iter().flat_map(yaml_entries) {
        match key {
            "exclude" => {}
            "include" => {
                let sets = value.data.as_sequence();
                for (key, value) in sets.into_iter().flatten().flat_map(yaml_entries) {
                    let Some(text) = value.data.as_str() else {
                        continue;
                    };
                    match found.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, values)) => values.push(text),
                        None => found.push((key, vec![text])),
                    }
                }
            }
            key => {
                let texts = yaml_texts(value);
                let computed = texts.iter().any(|text| text.contains("${{"));
                if !computed && !texts.is_empty() {
                    found.push((key, texts));
                }
            }
        }
    }
    found
}

/// A step once for each value of the matrix that its command names: `pnpm ${{ matrix.task }}`.
fn of_matrix(step: WorkflowStep, matrix: &[(&str, Vec<&str>)]) -> Vec<WorkflowStep> {
    let mut steps = vec![step];
    for (key, values) in matrix {
        let named = [
            format!("${{{{ matrix.{key} }}}}"),
            format!("${{{{matrix.{key}}}}}"),
        ];
        let names = |step: &WorkflowStep| {
            let run = step.run.as_deref().unwrap_or("");
            named.iter().any(|name| run.contains(name.as_str()))
        };
        if !steps.iter().any(names) || steps.len() * values.len() > MAX_VARIANTS {
            continue;
        }
        let variants = steps.iter().flat_map(|step| {
            values.iter().map(|value| {
                let run = step.run.as_deref().map(|run| {
                    let whole = run.to_owned();
                    named
                        .iter()
                        .fold(whole, |run, name| run.replace(name, value))
                });
                WorkflowStep {
                    run,
                    ..step.clone()
                }
            })
        });
        steps = variants.collect();
    }
    steps
}

/// `defaults.run.working-directory` of a workflow or a job.
fn default_folder(node: &MarkedYaml<'_>) -> Option<String> {
    let run = yaml_get(yaml_get(node, "defaults")?, "run")?;
    let folder = yaml_get(run, "working-directory")?.data.as_str()?;
    Some(folder.to_owned())
}

/// `if: false` and `continue-on-error: true` of a job or a step.
fn may_fail(node: &MarkedYaml<'_>) -> bool {
    let is = |key: &str, wanted: bool| {
        yaml_get(node, key).is_some_and(|value| {
            value.data.as_bool() == Some(wanted)
                || value.data.as_str().is_some_and(|text| {
                    text.trim_matches(['$', '{', '}', ' ']) == if wanted { "true" } else { "false" }
                })
        })
    };
    is("if", false) || is("continue-on-error", true)
}

/// A step that runs or uses something; `at` is where it is said to stand.
fn step(
    file: &SourceFile,
    job: &str,
    entry: &MarkedYaml<'_>,
    at: &MarkedYaml<'_>,
) -> Option<WorkflowStep> {
    let text = |key: &str| {
        yaml_get(entry, key)
            .and_then(|value| value.data.as_str())
            .map(str::to_owned)
    };
    let (mut run, uses) = (text("run"), text("uses"));
    // A container that is used as a step runs what it is given.
    if uses
        .as_deref()
        .is_some_and(|uses| uses.starts_with("docker://"))
    {
        let given = yaml_get(entry, "with").and_then(|with| yaml_get(with, "args"));
        run = given.and_then(|args| args.data.as_str()).map(str::to_owned);
    }
    (run.is_some() || uses.is_some()).then(|| WorkflowStep {
        job: job.to_owned(),
        folder: text("working-directory"),
        may_fail: Some(may_fail(entry)),
        run,
        uses,
        location: yaml_location(&file.path, at),
    })
}

/// Whether the value of `on` names changes: `push`, `[push]`, `{ pull_request: … }`. A push of tags alone is a release.
fn on_change(trigger: &MarkedYaml<'_>) -> bool {
    let changes = |name: &str| {
        matches!(
            name,
            "push" | "pull_request" | "pull_request_target" | "merge_group"
        )
    };
    if yaml_texts(trigger).into_iter().any(changes) {
        return true;
    }
    yaml_entries(trigger).any(|(name, filter)| {
        let only_tags = name == "push"
            && yaml_get(filter, "tags").is_some()
            && yaml_get(filter, "branches").is_none()
            && yaml_get(filter, "branches-ignore").is_none();
        changes(name) && !only_tags
    })
}

/// Whether the value of `on` names calls and nothing else: `workflow_call`, `{ workflow_call: { inputs: … } }`.
fn only_called(trigger: &MarkedYaml<'_>) -> bool {
    let mut named = yaml_texts(trigger);
    named.extend(yaml_entries(trigger).map(|(name, _)| name));
    !named.is_empty() && named.iter().all(|name| *name == "workflow_call")
}

/// Every command under the keys by which the other services name them, in the order of the file.
fn commands(file: &SourceFile, document: &MarkedYaml<'_>) -> Vec<WorkflowStep> {
    let mut steps: Vec<WorkflowStep> = Vec::new();
    let mut open: Vec<(String, &MarkedYaml<'_>)> = vec![(String::new(), document)];
    while let Some((job, node)) = open.pop() {
        if let Some(items) = node.data.as_sequence() {
            open.extend(items.iter().map(|item| (job.clone(), item)));
            continue;
        }
        for (key, value) in yaml_entries(node) {
            let name = if job.is_empty() || matches!(job.as_str(), "jobs" | "pipelines" | "stages")
            {
                key.to_owned()
            } else {
                job.clone()
            };
            match key {
                "script" | "before_script" | "after_script" | "commands" | "command" | "bash"
                | "pwsh" | "powershell" | "run" => {
                    push_commands(file, &name_of(&job, key), value, &mut steps);
                    // CircleCI: `run: { command: … }`
                    open.push((job.clone(), value));
                }
                "task" => {
                    if let Some(text) = value.data.as_str() {
                        steps.push(WorkflowStep {
                            job: name_of(&job, key),
                            run: None,
                            uses: Some(text.to_owned()),
                            folder: None,
                            may_fail: None,
                            location: yaml_location(&file.path, value),
                        });
                    }
                }
                _ => open.push((name, value)),
            }
        }
    }
    steps.sort_by(|a, b| a.location.cmp(&b.location));
    steps
}

fn name_of(job: &str, key: &str) -> String {
    if job.is_empty() { key } else { job }.to_owned()
}

fn push_commands(
    file: &SourceFile,
    job: &str,
    value: &MarkedYaml<'_>,
    steps: &mut Vec<WorkflowStep>,
) {
    let mut one = |node: &MarkedYaml<'_>| {
        if let Some(text) = node.data.as_str() {
            steps.push(WorkflowStep {
                job: job.to_owned(),
                run: Some(text.to_owned()),
                uses: None,
                // Where other services run their commands, they say in too many ways.
                folder: None,
                may_fail: None,
                location: yaml_location(&file.path, node),
            });
        }
    };
    match value.data.as_sequence() {
        Some(items) => items.iter().for_each(&mut one),
        None => one(value),
    }
}

/// Follows `uses: ./…`: a called workflow runs when its caller does, and a local action's steps run in the caller's job.
pub(super) fn follow_local_uses(
    repository: &Repository,
    workflows: &mut [Workflow],
    hold: &mut dyn FnMut(Result<(), Unreadable>),
) {
    let local = |step: &WorkflowStep| {
        let path = step.uses.as_deref()?.strip_prefix("./")?;
        Some(RepoPath::new(path))
    };
    let steps = workflows.iter().flat_map(|workflow| &workflow.steps);
    let called: Vec<RepoPath> = steps.filter_map(local).collect();
    for workflow in workflows.iter_mut() {
        workflow.uncalled &= !called.contains(&workflow.file);
    }
    for _ in 0..MAX_CALLS {
        let called: Vec<RepoPath> = workflows
            .iter()
            .filter(|workflow| workflow.on_change)
            .flat_map(|workflow| &workflow.steps)
            .filter_map(local)
            .collect();
        let mut changed = false;
        for workflow in workflows.iter_mut() {
            if !workflow.on_change && called.contains(&workflow.file) {
                workflow.on_change = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    // Many jobs begin with the same action.
    let mut known: FxHashMap<String, Vec<WorkflowStep>> = FxHashMap::default();
    for workflow in workflows.iter_mut() {
        let mut steps = Vec::with_capacity(workflow.steps.len());
        for step in workflow.steps.drain(..) {
            let action = step
                .uses
                .as_deref()
                .and_then(|uses| uses.strip_prefix("./"));
            let inner = action.map(|action| {
                let read = || action_steps(repository, action, 0, hold);
                let inner = known.entry(action.to_owned()).or_insert_with(read);
                in_job(inner, &step.job)
            });
            steps.push(step);
            steps.extend(inner.into_iter().flatten());
        }
        workflow.steps = steps;
    }
}

/// The steps of an action as those of a job that uses it.
fn in_job(steps: &[WorkflowStep], job: &str) -> Vec<WorkflowStep> {
    let mut steps = steps.to_vec();
    for step in &mut steps {
        job.clone_into(&mut step.job);
    }
    steps
}

/// The steps of the composite action in folder `action`, of no job yet.
fn action_steps(
    repository: &Repository,
    action: &str,
    depth: usize,
    hold: &mut dyn FnMut(Result<(), Unreadable>),
) -> Vec<WorkflowStep> {
    let folder = RepoPath::new(action);
    let path = ["action.yml", "action.yaml"]
        .iter()
        .map(|name| folder.join(name))
        .find(|path| repository.exists(path));
    let Some(path) = path.filter(|_| depth < MAX_CALLS) else {
        return Vec::new();
    };
    let file = match repository.read(&path) {
        Ok(file) => file,
        Err(problem) => {
            hold(Err(problem));
            return Vec::new();
        }
    };
    let document = match parse_yaml(&file) {
        Ok(Some(document)) => document,
        Ok(None) => return Vec::new(),
        Err(problem) => {
            hold(Err(problem));
            return Vec::new();
        }
    };
    let list = yaml_get(&document, "runs")
        .and_then(|runs| yaml_get(runs, "steps"))
        .and_then(|steps| steps.data.as_sequence());
    let mut steps = Vec::new();
    for entry in list.into_iter().flatten() {
        let Some(step) = step(&file, "", entry, entry) else {
            continue;
        };
        let inner = step
            .uses
            .as_deref()
            .and_then(|uses| uses.strip_prefix("./"));
        let inner = inner.map(|inner| action_steps(repository, inner, depth + 1, hold));
        steps.push(step);
        steps.extend(inner.into_iter().flatten());
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Location;

    fn workflows(files: &[(&str, &str)]) -> Vec<Workflow> {
        let repository = Repository::in_memory(files);
        let mut workflows = Vec::new();
        for path in repository.files() {
            read(&repository, path, &mut workflows).unwrap();
        }
        follow_local_uses(&repository, &mut workflows, &mut |result| result.unwrap());
        workflows
    }

    /// Job, command or action, line, column.
    fn steps(workflow: &Workflow) -> Vec<(&str, &str, u32, u32)> {
        workflow
            .steps
            .iter()
            .map(|step| {
                let text = step.run.as_deref().or(step.uses.as_deref()).unwrap_or("");
                let Location { line, column, .. } = step.location;
                (step.job.as_str(), text.trim(), line, column)
            })
            .collect()
    }

    #[test]
    fn github_workflows_calls_and_actions() {
        let found = workflows(&[
            (
                ".github/workflows/ci.yml",
                "on:\n  pull_request:\njobs:\n  test:\n    steps:\n      - uses: actions/checkout@v4\n      - name: t\n        run: |\n          npm ci\n          npm test\n      - uses: ./.github/actions/setup\n  call:\n    uses: ./.github/workflows/deploy.yml\n",
            ),
            (
                ".github/workflows/deploy.yml",
                "on: workflow_call\njobs:\n  d:\n    steps: [{ run: deploy }]\n",
            ),
            (
                ".github/actions/setup/action.yml",
                "runs:\n  using: composite\n  steps:\n    - run: npm install\n",
            ),
            (
                ".github/workflows/release.yml",
                "on:\n  push:\n    tags: ['v*']\n  workflow_dispatch:\njobs: {}\n",
            ),
        ]);
        assert_eq!(
            steps(&found[0]),
            [
                ("test", "actions/checkout@v4", 6, 9),
                ("test", "npm ci\nnpm test", 7, 9),
                ("test", "./.github/actions/setup", 11, 9),
                ("test", "npm install", 4, 7),
                ("call", "./.github/workflows/deploy.yml", 13, 11),
            ]
        );
        let changes: Vec<bool> = found.iter().map(|workflow| workflow.on_change).collect();
        assert_eq!(changes, [true, true, false]);
    }

    #[test]
    fn groups_matrices_and_containers() {
        let found = workflows(&[(
            ".github/workflows/ci.yml",
            "on: push\njobs:\n  all:\n    strategy:\n      matrix:\n        task: [build, test]\n        node: [20, 22]\n    steps:\n      - run: pnpm ${{ matrix.task }}\n      - parallel:\n          - run: a\n          - run: b\n      - uses: docker://node:22\n        with:\n          args: npm run e2e\n      - run: c\n",
        )]);
        let texts: Vec<&str> = found[0]
            .steps
            .iter()
            .filter_map(|step| step.run.as_deref())
            .collect();
        assert_eq!(
            texts,
            ["pnpm build", "pnpm test", "a", "b", "npm run e2e", "c"]
        );
    }

    #[test]
    fn triggers() {
        for (on, expected) in [
            ("push", true),
            ("[push, workflow_dispatch]", true),
            ("{ push: { branches: [main], tags: [v1] } }", true),
            ("{ push: { tags: [v1] } }", false),
            ("{ schedule: [{ cron: '0 0 * * *' }] }", false),
            ("workflow_dispatch", false),
        ] {
            let text = format!("on: {on}\njobs: {{}}\n");
            let found = workflows(&[(".github/workflows/a.yml", &text)]);
            assert_eq!(found[0].on_change, expected, "{on}");
        }
    }

    #[test]
    fn bots_that_are_named() {
        let found = workflows(&[(
            ".github/workflows/a.yml",
            "on: pull_request\njobs:\n  a:\n    if: github.actor != 'dependabot[bot]' && github.actor != \"renovate[bot]\"\n    steps:\n      - if: github.actor == 'dependabot[bot]'\n        run: x\n",
        )]);
        assert_eq!(found[0].bots, ["dependabot[bot]", "renovate[bot]"]);
    }

    #[test]
    fn other_services() {
        let found = workflows(&[
            (
                ".gitlab-ci.yml",
                "stages: [test]\ntest:\n  before_script: npm ci\n  script:\n    - npm test\n    - npm run lint\n",
            ),
            (
                ".circleci/config.yml",
                "jobs:\n  build:\n    steps:\n      - checkout\n      - run: npm test\n      - run:\n          name: lint\n          command: npm run lint\n",
            ),
            (
                "azure-pipelines.yml",
                "trigger: none\nsteps:\n  - task: NodeTool@0\n  - script: npm test\n",
            ),
            (
                "bitbucket-pipelines.yml",
                "pipelines:\n  default:\n    - step:\n        script:\n          - npm test\n",
            ),
        ]);
        let all: Vec<_> = found
            .iter()
            .map(|workflow| (workflow.file.as_str(), steps(workflow)))
            .collect();
        assert_eq!(
            all,
            [
                (
                    ".circleci/config.yml",
                    vec![
                        ("build", "npm test", 5, 14),
                        ("build", "npm run lint", 8, 20)
                    ]
                ),
                (
                    ".gitlab-ci.yml",
                    vec![
                        ("test", "npm ci", 3, 18),
                        ("test", "npm test", 5, 7),
                        ("test", "npm run lint", 6, 7)
                    ]
                ),
                (
                    "azure-pipelines.yml",
                    vec![("steps", "NodeTool@0", 3, 11), ("steps", "npm test", 4, 13)]
                ),
                (
                    "bitbucket-pipelines.yml",
                    vec![("default", "npm test", 5, 13)]
                ),
            ]
        );
        assert!(!found[2].on_change && found[0].on_change);
    }
}
