//! `readiness audit`

use std::path::Path;

use crate::audit::{self, Audit};
use crate::config::FailOn;
use crate::model;
use crate::report::{self, Material, Style};
use crate::source::{RepoPath, changed_since};

use super::args::{AuditArguments, Format};
use super::audited::{Asked, Audited};
use super::baseline;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::output;
use super::progress::Progress;
use super::workspace::Workspace;

pub(super) fn run(arguments: &AuditArguments, console: Console) -> Result<Exit, Failure> {
    let target = &arguments.target;
    let formats = arguments.reports.iter().map(|report| report.format);
    let mut formats = formats.chain([arguments.format]);
    if arguments.summary && !formats.any(|format| format == Format::Markdown) {
        return Err(Failure::usage(
            "--summary is the short form of --format markdown; ask for that too",
        ));
    }
    let mut files: Vec<&Path> = arguments.output.as_deref().into_iter().collect();
    for report in &arguments.reports {
        let file = report.file.as_path();
        if files.contains(&file) {
            return Err(Failure::usage(format!(
                "two reports are to go into {}; name a file for each",
                file.display()
            )));
        }
        files.push(file);
    }
    if files.contains(&Path::new("-")) {
        return Err(Failure::usage(
            "`-` is no file; the report of --format goes to standard output unless --output names a file",
        ));
    }
    let mut progress = Progress::new(console);
    let asked = Asked {
        roadmap: arguments.roadmap.as_deref(),
        only: &arguments.only,
        skip: &arguments.skip,
    };
    let mut audited = Audited::new(target, asked, console, &mut progress)?;
    if let Some(file) = &arguments.baseline {
        baseline::hold(&mut audited, file, console)?;
    }
    if let Some(reference) = &arguments.since {
        if reference.is_empty() {
            return Err(Failure::usage(
                "--since is empty; name a commit, a branch or a tag: --since origin/main",
            ));
        }
        count_only_since(
            &mut audited,
            &target.path,
            reference,
            console,
            &mut progress,
        )
        .map_err(|error| Failure::usage(format!("--since {reference}: {error}")))?;
    }
    let audit = &mut audited.audit;
    if arguments.hide_suppressed {
        for app in &mut audit.apps {
            app.suppressed.clear();
        }
    }
    let text = audited.report(target, |material| write(material, arguments, console))?;
    progress.finish(console);
    for file in &audited.model.unmeasured {
        console.note(&format!("{}: {}", file.path, file.reason));
    }
    for hint in audited.model.hints() {
        console.note(&format!("hint: {hint}"));
    }
    if let Some(text) = text {
        output::to_stdout(&text)?;
    }
    let exit = gate(&audited.audit, arguments, &audited.workspace, console);
    // The process ends here, which gives memory back at once; taking the facts apart would take longer.
    std::mem::forget(audited);
    Ok(exit)
}

/// Lets only what the change since `reference` touches or brings count. What it brings shows against an audit of the code as it
/// was: a guard that was taken away leaves no trace in the code as it is.
fn count_only_since(
    audited: &mut Audited,
    folder: &Path,
    reference: &str,
    console: Console,
    progress: &mut Progress,
) -> Result<(), String> {
    let changes = changed_since(folder, reference)?;
    if changes.files.is_empty() {
        audited.audit.count_nothing();
        return Ok(());
    }
    let Workspace {
        repository,
        rules,
        config,
        ..
    } = &audited.workspace;
    progress.stage("audit the code as it was");
    let earlier = changes.earlier()?;
    let altered = changes.altered(&earlier, repository);
    let earlier = repository.before(earlier);
    let model = model::build(&earlier, rules, config);
    let before = audit::run(&model, rules, config, &audited.options);
    let audit = &mut audited.audit;
    audit.count_only_since(&altered, &audited.model, &before, repository);
    for (control, handlers) in audit::lost_proofs(&before, audit) {
        let control = control.replace('_', " ");
        console.note(&format!(
            "since {reference} it can no longer be told whether {control} reaches {handlers} more {}",
            if handlers == 1 { "handler" } else { "handlers" }
        ));
    }
    if repository.exists(&RepoPath::new(".gitmodules")) {
        console.note("--since takes submodules to be as they were");
    }
    Ok(())
}

/// Writes the reports that go into files; gives the one for standard output.
fn write(
    material: &Material<'_>,
    arguments: &AuditArguments,
    console: Console,
) -> Result<Option<String>, Failure> {
    let render = |format, style| render(material, format, arguments.summary, style);
    for extra in &arguments.reports {
        output::to_file(&extra.file, &render(extra.format, console.style_of_file()))?;
    }
    let Some(file) = &arguments.output else {
        return Ok(Some(render(arguments.format, console.style())));
    };
    output::to_file(file, &render(arguments.format, console.style_of_file()))?;
    Ok(None)
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
