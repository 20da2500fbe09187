//! `[check.container]`, `[check.compose]`: what container files have to say.

use std::collections::BTreeMap;

use crate::finding::Related;
use crate::project::{ComposeService, Dockerfile, Stage};
use crate::rule::{Compose, Confidence, Container, ContainerNeed};
use crate::source::RepoPath;

use super::CheckResult;
use super::code::{is_for_show, is_side_file};
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &Container) -> CheckResult {
    let mut result = CheckResult::default();
    let files = &subject.model.project.files;
    for file in &files.dockerfiles {
        let root = &subject.project.root;
        let own = !root.is_root() && file.file.starts_with(root);
        let speaks = own || is_shared(subject, file);
        let Some(stage) = file.stages.last().filter(|_| speaks) else {
            continue;
        };
        if is_side_file(&file.file)
            || has_word(&file.file, &check.except)
            || !begins_with(file, &check.images)
            || runs_nothing(file)
            || file.left_over
            || is_for_show(file.file.folders()) && !is_for_show(subject.project.root.segments())
        {
            continue;
        }
        if has(subject, file, check.needs) {
            result.covered(1.0);
            continue;
        }
        let mut finding = subject.finding(stage.location.clone(), check.says.clone());
        if let Some(package) = other_package(subject, file) {
            finding.message.push_str(&format!(
                " (of the package `{package}`, which is not audited by itself)"
            ));
        }
        // Beside the one that is in order, a variant is often one that nobody builds any more.
        let main = file.file.parent().map(|folder| folder.join("Dockerfile"));
        let main = files
            .dockerfiles
            .iter()
            .find(|each| Some(&each.file) == main.as_ref());
        let beside = files.dockerfiles.iter().find(|each| {
            each.file != file.file
                && each.file.parent() == file.file.parent()
                && has_word(&each.file, &check.in_order)
                && has(subject, each, check.needs)
        });
        if let Some(beside) = beside {
            let name = beside.file.file_name();
            finding
                .message
                .push_str(&format!(": is it a choice beside `{name}`?"));
            finding = finding.at_most(Confidence::Low);
        } else if main.is_some_and(|main| has(subject, main, check.needs)) {
            finding
                .message
                .push_str(", unlike the Dockerfile beside it: is it still built?");
            finding = finding.at_most(Confidence::Low);
        } else if file.develops {
            finding
                .message
                .push_str(": is it for developers alone, as it starts a development server?");
            finding = finding.at_most(Confidence::Low);
        } else if check.needs == ContainerNeed::User
            && file.chain().any(|stage| stage.steers_docker)
        {
            finding
                .message
                .push_str(": or does it have to, as it tells Docker itself what to do?");
            finding = finding.at_most(Confidence::Low);
        }
        result.gap(1.0, finding);
    }
    result
}

/// Nothing is put into it and nothing started, or it is only kept open: an image of tools, which others call or copy from.
fn runs_nothing(file: &Dockerfile) -> bool {
    match file.chain().find_map(|stage| stage.starts.as_deref()) {
        Some(starts) => waits(starts),
        None => file.chain().all(|stage| !stage.copies),
    }
}

/// `sleep infinity`, `tail -f /dev/null`, `sh -c 'sleep 1d'`: what is started does nothing.
fn waits(starts: &str) -> bool {
    let names = starts.split_whitespace().map(|word| {
        let word = word.trim_matches('\'');
        word.rsplit('/').next().unwrap_or(word)
    });
    let mut names = names.skip_while(|name| matches!(*name, "sh" | "bash" | "-c" | "exec"));
    let waits = match names.next() {
        Some("sleep" | "true") => true,
        Some("tail") => names.any(|name| name == "null"),
        _ => false,
    };
    waits && !starts.contains(['&', ';', '|'])
}

/// The folder of the package whose file it is, where that is not the application's and holds none of its folders.
fn other_package<'a>(subject: &Subject<'a>, file: &Dockerfile) -> Option<&'a RepoPath> {
    let folders = subject.model.project.packages.iter();
    let around = folders
        .filter_map(|package| package.root.as_ref())
        .filter(|root| !root.is_root() && file.file.starts_with(root));
    let nearest = around.max_by_key(|root| root.as_str().len());
    nearest.filter(|root| !subject.project.root.starts_with(root))
}

/// The file has what is needed.
fn has(subject: &Subject<'_>, file: &Dockerfile, needs: ContainerNeed) -> bool {
    match needs {
        // A single stage that builds nothing was given what it runs.
        ContainerNeed::Stages => {
            file.stages.len() > 1 || file.stages.last().is_none_or(|stage| !stage.builds)
        }
        ContainerNeed::User => {
            let user = file.chain().find_map(|stage| stage.user.as_deref());
            file.drops_root || user.is_some_and(|user| !is_root(user))
        }
        ContainerNeed::HealthCheck => {
            let mut services = subject.model.project.files.services.iter();
            file.chain().any(|stage| stage.health_check)
                || services.any(|service| service.health_check && service.built)
        }
    }
}

/// One of the words stands in the path: `dev` in `docker/Dockerfile.dev`.
fn has_word(path: &RepoPath, words: &[String]) -> bool {
    let path = path.as_str().to_ascii_lowercase();
    path.split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|part| words.iter().any(|word| word == part))
}

/// The file lies in no application, so it may build any of them.
pub(super) fn is_shared(subject: &Subject<'_>, file: &Dockerfile) -> bool {
    let apps = &subject.model.project.apps;
    !apps
        .iter()
        .any(|app| !app.root.is_root() && file.file.starts_with(&app.root))
}

/// `root`, `0`, `0:0`, `root:root`; a variable may be anything.
fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or(user);
    matches!(name, "root" | "0")
}

/// The image that the last stage begins from in the end is one of these: `docker.io/library/node:20-alpine` is `node`.
fn begins_with(file: &Dockerfile, images: &[String]) -> bool {
    let Some(Stage { from, .. }) = file.chain().last() else {
        return false;
    };
    let name = from.split(['@']).next().unwrap_or(from);
    let tag = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    let name = tag.map_or(name, |at| &name[..at]);
    let name = name
        .trim_start_matches("docker.io/")
        .trim_start_matches("library/");
    images.iter().any(|image| image == name)
}

/// Answers `[check.compose]`.
pub(super) fn compose(subject: &Subject<'_>, check: &Compose) -> CheckResult {
    let mut files: BTreeMap<_, Vec<&ComposeService>> = BTreeMap::new();
    for service in &subject.model.project.files.services {
        if !has_word(&service.file, &check.except) && !is_side_file(&service.file) {
            files.entry(&service.file).or_default().push(service);
        }
    }
    let mut result = CheckResult::default();
    // The file that lies highest is the one that people start; the others are its variants.
    let mut files: Vec<(&RepoPath, Vec<&ComposeService>)> = files.into_iter().collect();
    files.sort_by_key(|(file, _)| (file.segments().count(), file.as_str().len()));
    for (_, services) in files {
        // A file in which nothing of this repository is built and nothing restarts holds what developers need beside their editor.
        if !services
            .iter()
            .any(|service| service.built || service.restart)
        {
            continue;
        }
        let lacks = |has: fn(&ComposeService) -> bool| {
            services.iter().filter(|service| !has(service)).count()
        };
        let kinds = [
            ("health check", lacks(|service| service.health_check)),
            ("restart policy", lacks(|service| service.restart)),
            ("resource limit", lacks(|service| service.limits)),
        ];
        let mut missing = Vec::new();
        for (name, without) in kinds {
            if without > 0 {
                missing.push(format!("{without} without a {name}"));
            }
        }
        let Some(first) = services.first() else {
            continue;
        };
        if missing.is_empty() {
            result.covered(1.0);
            break;
        }
        let count = services.len();
        let plural = if count == 1 { "" } else { "s" };
        let message = format!("{count} service{plural}: {}", missing.join(", "));
        let related = services.iter().map(|service| Related {
            location: service.location.clone(),
            note: service.name.clone(),
        });
        let finding = subject
            .finding(first.location.clone(), message)
            .with_related(related.collect());
        result.gap(1.0, finding);
        break;
    }
    result
}
