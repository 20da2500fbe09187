//! Files that are not code: environment, container, hosting and CI configuration.

use crate::source::{Location, RepoPath, Repository, Unreadable};

use super::container::{self, ComposeService, Dockerfile};
use super::gateway::{self, GatewayLimits};
use super::tasks::{self, Task};
use super::{environment, hosting, pipelines};

/// What the repository's other files say.
#[derive(Clone, Debug, Default)]
pub struct ProjectFiles {
    /// `.github/workflows/*.yml`, `.gitlab-ci.yml`, `Jenkinsfile` and the like.
    pub workflows: Vec<Workflow>,
    /// Tasks of `turbo.json` and `nx.json` that run others.
    pub tasks: Vec<Task>,
    /// Names documented in `.env.example`, `.env.sample`, `.env.template`, each with its file and line.
    pub env_documented: Vec<(String, Location)>,
    /// Names that those files leave out, and say when to set.
    pub env_optional: Vec<(String, RepoPath)>,
    /// Committed environment files with values: `.env`, `.env.production`.
    pub env_committed: Vec<RepoPath>,
    /// Names that those files set to something that is not encrypted, each with its file and line. Values are not kept.
    pub env_set: Vec<(String, Location)>,
    /// Of those, names whose value is neither empty nor a placeholder nor a local address.
    pub env_secret: Vec<(String, Location)>,
    /// `Dockerfile` and the like.
    pub dockerfiles: Vec<Dockerfile>,
    /// The services of `docker-compose.yml` and the like.
    pub services: Vec<ComposeService>,
    /// Configurations of gateways and proxies that limit requests.
    pub gateway_limits: Vec<GatewayLimits>,
    /// Headers of `vercel.json`, `netlify.toml`, `_headers`, `firebase.json`.
    pub hosting_headers: Vec<super::HeaderEntry>,
    /// `path` and `schedule` of `vercel.json#crons`.
    pub crons: Vec<(String, String, Location)>,
}

/// One CI pipeline.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// Its file.
    pub file: RepoPath,
    /// It runs on pushes or pull requests (not only by hand or on a schedule).
    pub on_change: bool,
    /// It only runs where another one calls it, and none of the repository does.
    pub uncalled: bool,
    /// Its steps, in order.
    pub steps: Vec<WorkflowStep>,
    /// The bots that it names, as conditions on who makes a change do: `dependabot[bot]`.
    pub bots: Vec<String>,
}

/// One step of a pipeline.
#[derive(Clone, Debug)]
pub struct WorkflowStep {
    /// The job's key.
    pub job: String,
    /// `run`, the shell text.
    pub run: Option<String>,
    /// `uses`, the action.
    pub uses: Option<String>,
    /// The folder in which it runs, as written; the repository's root when there is none.
    pub folder: Option<String>,
    /// It is switched off, or its failure fails nothing; `None` where that cannot be read.
    pub may_fail: Option<bool>,
    /// Where it stands.
    pub location: Location,
}

impl ProjectFiles {
    /// Reads them; what cannot be read is added to `unreadable`.
    pub(super) fn read(repository: &Repository, unreadable: &mut Vec<Unreadable>) -> Self {
        let mut files = Self::default();
        let mut hold = |result: Result<(), Unreadable>| {
            if let Err(problem) = result {
                unreadable.push(problem);
            }
        };
        for path in repository.files() {
            hold(environment::read(repository, path, &mut files));
            hold(hosting::read(repository, path, &mut files));
            hold(tasks::read(repository, path, &mut files.tasks));
            hold(pipelines::read(repository, path, &mut files.workflows));
            hold(container::read(
                repository,
                path,
                &mut files.dockerfiles,
                &mut files.services,
            ));
            hold(gateway::limits(repository, path).map(|limits| {
                files.gateway_limits.extend(limits);
            }));
        }
        pipelines::follow_local_uses(repository, &mut files.workflows, &mut hold);
        files
    }
}
