//! `readiness audit`

use crate::audit::{self, Audit, AuditOptions};
use crate::config::FailOn;
use crate::report::{self, Material, Style};
use crate::source::{changed_since, place_in_work_tree};

use super::args::{AuditArguments, Format};
use super::baseline;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::files::Files;
use super::output;
use super::progress::Progress;
use super::workspace::{Workspace, chosen_app, known_rules};

pub(super) fn run(arguments: &AuditArguments, console: Console) -> Result<Exit, Failure> {
    let target = &arguments.target;
    let mut progress = Progress::new(console);
    let workspace = Workspace::open(target, arguments.roadmap.as_deref(), console, &mut progress)?;
    known_rules(&arguments.only, &workspace.rules)?;
    known_rules(&arguments.skip, &workspace.rules)?;
    let model = workspace.model(target, console, &mut progress)?;
    let options = AuditOptions {
        root: target.path.display().to_string(),
        roadmap: workspace.roadmap.clone(),
        only: arguments.only.clone(),
        skip: arguments.skip.clone(),
        app: chosen_app(target, &model)?,
        ..AuditOptions::default()
    };
    progress.stage("run rules");
    let mut audit = audit::run(&model, &workspace.rules, &workspace.config, &options);
    if let Some(file) = &arguments.baseline {
        baseline::hold(&mut audit, file, &options)?;
    }
    if let Some(reference) = &arguments.since {
        let changed = changed_since(&target.path, reference)
            .map_err(|error| Failure::usage(format!("--since {reference}: {error}")))?;
        audit.count_only_since(&changed, &model);
    }
    if arguments.hide_suppressed {
        for app in &mut audit.apps {
            app.suppressed.clear();
        }
    }
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
    for extra in &arguments.reports {
        let text = render(
            &material,
            extra.format,
            arguments.summary,
            console.style_of_file(),
        );
        output::to_file(&extra.file, &text)?;
    }
    let text = match &arguments.output {
        Some(file) => {
            let text = render(
                &material,
                arguments.format,
                arguments.summary,
                console.style_of_file(),
            );
            output::to_file(file, &text)?;
            None
        }
        None => Some(render(
            &material,
            arguments.format,
            arguments.summary,
            console.style(),
        )),
    };
    progress.finish(console);
    for hint in model.apps.iter().flat_map(|app| &app.hints) {
        console.note(&format!("hint: {}", hint.text()));
    }
    if let Some(text) = text {
        output::to_stdout(&text)?;
    }
    let exit = gate(&audit, arguments, &workspace, console);
    // The process ends here, which gives memory back at once; taking the facts apart would take longer.
    std::mem::forget((audit, model, workspace));
    Ok(exit)
}

fn render(material: &Material<'_>, format: Format, summary: bool, style: Style) -> String {
    match format {
        Format::Markdown if summary => report::markdown_summary(material),
        Format::Markdown => report::markdown(material),
        Format::Html => report::html(material),
        Format::Github => report::github(material),
        Format::Junit => report::junit(material),
        Format::Gitlab => report::gitlab(material),
        Format::Badge => report::badge(material.audit),
        Format::Shields => report::shields(material.audit),
        Format::Terminal => report::terminal(material.audit, style),
        Format::Json => report::json(material.audit),
        Format::Sarif => report::sarif(material),
    }
}

fn gate(
    audit: &Audit,
    arguments: &AuditArguments,
    workspace: &Workspace,
    console: Console,
) -> Exit {
    let mut gate = workspace.config.gate.clone();
    if let Some(fail_on) = arguments.fail_on {
        gate.fail_on = fail_on.0.map_or(FailOn::Never, FailOn::Severity);
    }
    gate.min_score = arguments.min_score.or(gate.min_score);
    let decision = audit.gate(&gate);
    if decision.passed {
        return Exit::Passed;
    }
    for reason in &decision.reasons {
        console.note(&format!("gate failed: {reason}"));
    }
    Exit::GateFailed
}
