//! Files that are not code: environment, container, hosting and CI configuration.

use crate::source::{Location, RepoPath};

/// What the repository's other files say.
#[derive(Clone, Debug, Default)]
pub struct ProjectFiles {
    /// `.github/workflows/*.yml`, `.gitlab-ci.yml` and the like.
    pub workflows: Vec<Workflow>,
    /// Names documented in `.env.example`, `.env.sample`, `.env.template`, each with its file and line.
    pub env_documented: Vec<(String, Location)>,
    /// Committed environment files with values: `.env`, `.env.production`.
    pub env_committed: Vec<RepoPath>,
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
    /// Its steps, in order.
    pub steps: Vec<WorkflowStep>,
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
    /// Where it stands.
    pub location: Location,
}
