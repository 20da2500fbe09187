//! `readiness plan`

use crate::audit::{self, AuditOptions};
use crate::report::{self, Material};
use crate::source::place_in_work_tree;

use super::args::{PlanArguments, PlanFormat};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::files::Files;
use super::output;
use super::progress::Progress;
use super::workspace::{Workspace, chosen_app};

pub(super) fn run(arguments: &PlanArguments, console: Console) -> Result<Exit, Failure> {
    let target = &arguments.target;
    let mut progress = Progress::new(console);
    let workspace = Workspace::open(target, arguments.roadmap.as_deref(), console, &mut progress)?;
    let model = workspace.model(target, console, &mut progress)?;
    let options = AuditOptions {
        root: target.path.display().to_string(),
        roadmap: workspace.roadmap.clone(),
        app: chosen_app(target, &model)?,
        ..AuditOptions::default()
    };
    progress.stage("run rules");
    let audit = audit::run(&model, &workspace.rules, &workspace.config, &options);
    progress.stage("report");
    let files = Files::new(&workspace.repository);
    let folder = place_in_work_tree(&target.path);
    let material = Material {
        audit: &audit,
        model: &model,
        rules: &workspace.rules,
        text: &|path| files.get(path),
        folder: &folder,
    };
    let text = match arguments.format {
        PlanFormat::Markdown => report::plan_markdown(&material),
        PlanFormat::Json => report::plan_json(&material),
        PlanFormat::Issues => report::plan_issues(&material),
    };
    progress.finish(console);
    match &arguments.output {
        Some(file) => output::to_file(file, &text),
        None => output::to_stdout(&text),
    }
}
