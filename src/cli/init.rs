//! `readiness init`

use std::fmt::Write as _;
use std::io::ErrorKind;

use crate::audit::DEFAULT_ROADMAP;
use crate::model::Model;
use crate::report::printable;
use crate::rule::How;
use crate::source::{is_plain_file, write_file, write_new_file};

use super::args::{InitArguments, Target};
use super::console::Console;
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::workspace::{CONFIG_FILE, Workspace};

/// At most this many routes are suggested as public.
const SUGGESTIONS: usize = 20;

pub(super) fn run(arguments: &InitArguments, console: Console) -> Result<Exit, Failure> {
    let file = arguments.path.join(CONFIG_FILE);
    let taken = || {
        Failure::usage(format!(
            "{} is there already; --force overwrites it",
            file.display()
        ))
    };
    // Looked at before the work, and again by the write itself.
    if !arguments.force && is_plain_file(&file) {
        return Err(taken());
    }
    let target = Target {
        path: arguments.path.clone(),
        // A file that is about to be overwritten need not be right.
        config: None,
        app: None,
    };
    let mut progress = Progress::new(console);
    let chosen = arguments.roadmap.as_deref();
    let workspace = Workspace::open_without_config(&target, chosen, console, &mut progress)?;
    let model = workspace.model(&target, console, &mut progress)?;
    progress.finish(console);
    let plan = workspace.roadmap.as_deref().unwrap_or(DEFAULT_ROADMAP);
    let attested = workspace.rules.roadmap(plan).map_or_else(Vec::new, |plan| {
        let rules = plan.rules().filter_map(|id| workspace.rules.rule(id));
        let mut waiting: Vec<&str> = rules
            .filter(|rule| rule.how == How::Attest)
            .map(|rule| rule.id.as_str())
            .collect();
        waiting.sort_unstable();
        waiting.dedup();
        waiting
    });
    let text = configuration(&model, chosen.unwrap_or(DEFAULT_ROADMAP), &attested);
    let written = if arguments.force {
        write_file(&file, &text)
    } else {
        write_new_file(&file, &text)
    };
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => taken(),
        _ => Failure::usage(format!("cannot write {}: {error}", file.display())),
    })?;
    for app in &model.project.apps {
        console.note(&format!("found {}", described(app)));
    }
    console.note(&format!("wrote {}", file.display()));
    Ok(Exit::Passed)
}

fn described(app: &crate::project::App) -> String {
    let version = app.version.as_deref().unwrap_or("of unknown version");
    let place = if app.root.is_root() {
        "."
    } else {
        app.root.as_str()
    };
    let name = &app.name;
    format!("{name} in {place}: {} {version}", app.framework.word())
}

/// The file for this repository. Everything from the repository stands in comments, without line ends.
fn configuration(model: &Model, roadmap: &str, attested: &[&str]) -> String {
    let roadmap = printable(roadmap).replace(['"', '\\'], "");
    let mut text = String::from(
        "# readiness.toml: what this team has decided. Every key is optional.\n#\n# Found here:\n",
    );
    for app in &model.project.apps {
        let _ = writeln!(text, "#   {}", printable(&described(app)));
    }
    let _ = write!(
        text,
        r#"
[gate]
# `readiness audit` exits with 1 on a finding of this severity or worse:
# critical, high, medium, low or never. Only findings of high confidence count.
fail-on = "high"
# It also does when an application scores less than this.
# min-score = 70

[roadmap]
# The plan to score against: a name that `readiness rules` lists, or a TOML file.
use = "{roadmap}"

[routes]
# Handlers that anybody may call. They are not asked for authentication.
public = [
"#
    );
    let suggestions = suggestions(model);
    if suggestions.is_empty() {
        text.push_str("    # \"GET /api/health\",\n");
    }
    for suggestion in suggestions {
        let _ = writeln!(text, "    # {}", printable(&suggestion));
    }
    text.push_str(
        r#"]
# Handlers that are left out of the audit.
ignore = []

# One rule: switch it off, or say how bad its findings are here.
# [rules.route-tests]
# severity = "low"

# Findings that are accepted, with the reason and the day on which that runs out.
# [[ignore]]
# rule = "route-rate-limit"
# path = "app/api/internal/**"
# reason = "only reachable from our own network"
# until = 2027-01-31

# Functions of your own that are controls: guards throw, redirect or answer unless the caller may go on, wrappers take a
# handler and give a guarded one, sources say who is calling. A name is that of an export, or `module#export`.
# [controls.auth]
# guards = ["requireWorkspaceMember"]
# wrappers = ["@/lib/auth#withPermission"]

# Result files of other tools, held to the targets of the plan.
# [measure]
# coverage = "coverage/lcov.info"
# load = "k6-summary.json"
# lighthouse = "lighthouse.json"
# audit = "npm-audit.json"

# What no code can prove, and who vouches for it until when.
"#,
    );
    let named = if attested.is_empty() {
        &["on-call"]
    } else {
        attested
    };
    for rule in named {
        let _ = write!(
            text,
            "# [attest.{rule}]\n# by = \"ada@example.com\"\n# on = 2026-11-01\n# until = 2027-05-01\n# evidence = \"https://wiki.example.com/{rule}\"\n"
        );
    }
    text
}

/// Handlers that look public, with the reason.
fn suggestions(model: &Model) -> Vec<String> {
    let routes = model.apps.iter().flat_map(|app| &app.routes);
    let guessed = routes.filter_map(|facts| {
        let why = facts.public_guess.as_deref()?;
        let url = facts.route.url.as_deref()?;
        let method = facts.route.http_method();
        Some(format!("\"{method} {url}\",  # {why}"))
    });
    guessed.take(SUGGESTIONS).collect()
}
