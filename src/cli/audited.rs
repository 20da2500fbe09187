//! A repository, audited: what `audit`, `plan` and `baseline` begin with.

use crate::audit::{self, Audit, AuditOptions};
use crate::model::Model;
use crate::report::Material;
use crate::source::place_in_work_tree;

use super::args::Target;
use super::console::Console;
use super::exit::Failure;
use super::files::Files;
use super::progress::Progress;
use super::workspace::{Workspace, chosen_app, known_rules};

/// Which roadmap and which rules; the configuration's and all when not given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked<'a> {
    pub(super) roadmap: Option<&'a str>,
    pub(super) only: &'a [String],
    pub(super) skip: &'a [String],
}

/// The audit and everything that it rests on.
#[derive(Debug)]
pub(super) struct Audited {
    pub(super) workspace: Workspace,
    pub(super) model: Model,
    pub(super) options: AuditOptions,
    pub(super) audit: Audit,
}

impl Audited {
    /// Reads the repository and runs the rules.
    pub(super) fn new(
        target: &Target,
        asked: Asked<'_>,
        console: Console,
        progress: &mut Progress,
    ) -> Result<Self, Failure> {
        let workspace = Workspace::open(target, asked.roadmap, console, progress)?;
        known_rules(asked.only, &workspace.rules)?;
        known_rules(asked.skip, &workspace.rules)?;
        let model = workspace.model(target, console, progress)?;
        let options = AuditOptions {
            root: target.path.display().to_string(),
            roadmap: workspace.roadmap.clone(),
            only: asked.only.to_vec(),
            skip: asked.skip.to_vec(),
            app: chosen_app(target, &model)?,
            ..AuditOptions::default()
        };
        progress.stage("run rules");
        let audit = audit::run(&model, &workspace.rules, &workspace.config, &options);
        progress.stage("report");
        Ok(Self {
            workspace,
            model,
            options,
            audit,
        })
    }

    /// Gives what reports are made from to `make`.
    pub(super) fn report<T>(&self, target: &Target, make: impl FnOnce(&Material<'_>) -> T) -> T {
        let files = Files::new(&self.workspace.repository);
        make(&Material {
            audit: &self.audit,
            model: &self.model,
            rules: &self.workspace.rules,
            text: &|path| files.get(path),
            folder: &place_in_work_tree(&target.path),
        })
    }
}
