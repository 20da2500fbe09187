//! What a repository is for, by what it says of itself: what it leaves out may be left to others, or matter to nobody.

use crate::project::Package;
use crate::rule::Purpose;
use crate::source::RepoPath;

use super::subject::Subject;
use super::words::words;

/// Words in the name of a package that say so wherever they stand.
const NAMED: [&str; 5] = [
    "starter",
    "boilerplate",
    "starterkit",
    "scaffold",
    "quickstart",
];
/// Words that say so at the end: `next-auth-example`, but not `template-editor`.
const NAMED_LAST: [&str; 2] = ["template", "example"];
/// What is called yours waits for a name of its own: `your-app-name`, but not `bring-your-own`.
const YOURS: [&str; 5] = ["app", "company", "name", "package", "project"];
/// What a description says of one.
const DESCRIBED: [&str; 23] = [
    "starter kit",
    "starter template",
    "starter project",
    "starter app",
    "starter repo",
    "boilerplate for",
    "template for building",
    "source template",
    "saas template",
    "next.js template",
    "this repository as a template",
    "this repo as a template",
    "this project as a template",
    "this template uses",
    "this template is",
    "this template includes",
    "this template provides",
    "this template comes",
    "in this template, we",
    "an example app",
    "an example application",
    "app to demonstrate",
    "application to demonstrate",
];
/// Programs that make a copy of a repository which an option names.
const COPIERS: [&str; 2] = ["create-next-app", "create-turbo"];
/// What a document says of one that is not meant to be used yet.
const UNREADY: [&str; 6] = [
    "under construction",
    "not ready for production",
    "not production-ready",
    "not production ready",
    "not yet ready for production",
    "not intended for production",
];
/// What a document says of one that nobody works on any more.
const GIVEN_UP: [&str; 6] = [
    "repository is deprecated",
    "repository is now deprecated",
    "project is deprecated",
    "deprecated in favo",
    "no longer maintained",
    "no longer being maintained",
];
/// What a README says of one that its users run by themselves: that they may, or where they get its image. How developers start
/// it says nothing.
const RUN_BY_USERS: [&str; 6] = [
    "self-host",
    "self host",
    "selfhost",
    "docker pull",
    "hub.docker.com/r/",
    "ghcr.io/",
];
/// Addresses at which hosts make a copy of a repository and run it.
const COPIES: [&str; 4] = [
    "vercel.com/new/clone",
    "app.netlify.com/start/deploy",
    "heroku.com/deploy",
    "deploy.workers.cloudflare.com",
];
/// Actions and commands that publish an image.
const PUBLISHES: [&str; 5] = [
    "docker push",
    "docker buildx build",
    "docker/build-push-action",
    "docker/bake-action",
    "depot/build-push-action",
];
/// So few handlers show how something is done, where a README offers to run a copy of it.
const FEW: usize = 2;
/// What is asked of one that does without something.
pub(super) const LEFT_TO_OTHERS: &str = "is that left to whoever begins an application with it";
/// A document says what it is about within its first lines.
const HEAD: usize = 25;

/// What a repository says that it is for.
pub(super) fn purposes(subject: &Subject<'_>) -> Vec<Purpose> {
    let holds = |purpose: &Purpose| match purpose {
        Purpose::Starter => is_starter(subject),
        Purpose::Unready => heads_say(subject, &UNREADY),
        Purpose::GivenUp => heads_say(subject, &GIVEN_UP),
        Purpose::SelfHosted => is_run_by_users(subject),
    };
    Purpose::ALL.into_iter().filter(holds).collect()
}

/// The application or its repository says of itself that others begin theirs with it.
fn is_starter(subject: &Subject<'_>) -> bool {
    let packages = &subject.model.project.packages;
    let whole = packages.iter().find(|package| package.folder().is_root());
    let mut packages = subject.package().into_iter().chain(whole);
    packages.any(|package| is_named(package) || is_described(package))
        || readmes(subject).any(|text| {
            head(text).any(says_so)
                || title(text).is_some_and(is_one_by_title)
                || text.lines().any(is_copied_by)
        })
        || subject.app.routes.len() <= FEW && is_to_be_copied(subject)
}

/// The beginning of a README says one of these.
pub(super) fn heads_say(subject: &Subject<'_>, forms: &[&str]) -> bool {
    readmes(subject).flat_map(head).any(|line| {
        let line = line.to_lowercase();
        forms.iter().any(|form| line.contains(form))
    })
}

/// A README offers to run a copy of it.
fn is_to_be_copied(subject: &Subject<'_>) -> bool {
    readmes(subject).any(|text| COPIES.iter().any(|host| text.contains(host)))
}

/// An image of it is published, or it is packed for others' systems, and a README tells users so. A chart alone may be for the
/// team's own cluster.
fn is_run_by_users(subject: &Subject<'_>) -> bool {
    let says = |line: &str| {
        let line = line.to_lowercase();
        RUN_BY_USERS.iter().any(|form| line.contains(form))
    };
    (publishes_image(subject) || is_packed(subject))
        && readmes(subject).flat_map(str::lines).any(says)
}

/// A chart for Kubernetes or a description for snap lies in the repository.
fn is_packed(subject: &Subject<'_>) -> bool {
    let mut paths = subject.model.paths.iter();
    paths.any(|path| {
        matches!(
            path.file_name(),
            "Chart.yaml" | "snapcraft.yaml" | "snapcraft.yml"
        )
    })
}

fn publishes_image(subject: &Subject<'_>) -> bool {
    let files = &subject.model.project.files;
    let mut steps = files.workflows.iter().flat_map(|each| &each.steps);
    !files.dockerfiles.is_empty()
        && steps.any(|step| {
            let mut lines = step.run.iter().chain(&step.uses);
            lines.any(|line| PUBLISHES.iter().any(|each| line.contains(each)))
        })
}

/// The READMEs of the application and of the folders around it.
fn readmes<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a str> {
    let documents = subject.documents();
    let readmes = documents.filter(|file| is_readme(subject, &file.path));
    readmes.map(|file| &*file.text)
}

/// The lines with which a README begins.
fn head(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take(HEAD)
}

/// The title of a README, which stands before its first lines of code.
fn title(text: &str) -> Option<&str> {
    let mut prose = head(text).take_while(|line| !line.starts_with("```"));
    prose.find_map(|line| line.strip_prefix("# "))
}

/// `Next.js Multi-Tenant Example`, but neither `Example` nor `Templates of letters`.
fn is_one_by_title(title: &str) -> bool {
    let words = words(title);
    let last = words.last().map(String::as_str);
    words.len() > 1 && last.is_some_and(|last| NAMED_LAST.contains(&last))
}

/// `npx create-next-app shop --example https://github.com/acme/shop`: the whole repository is what others begin with, and not
/// one of its examples.
fn is_copied_by(line: &str) -> bool {
    let has = |part: &str| line.contains(part);
    COPIERS.iter().any(|copier| has(copier))
        && (has("--example ") || has(" -e "))
        && has("github.com/")
        && !has("/tree/")
}

fn is_named(package: &Package) -> bool {
    let name = package.name.as_deref().unwrap_or("");
    let words = words(name.rsplit('/').next().unwrap_or(name));
    let last = words.last().map(String::as_str);
    let is_yours = |pair: &[String]| pair[0] == "your" && YOURS.contains(&pair[1].as_str());
    words.iter().any(|word| NAMED.contains(&word.as_str()))
        || words.windows(2).any(is_yours)
        || words.len() > 1 && last.is_some_and(|last| NAMED_LAST.contains(&last))
}

fn is_described(package: &Package) -> bool {
    let description = package.json.get("description");
    let keywords = package.json.get("keywords");
    let mut keywords = keywords
        .and_then(|list| list.as_array())
        .into_iter()
        .flatten();
    description
        .and_then(|text| text.as_str())
        .is_some_and(says_so)
        || keywords.any(|word| {
            let word = word.as_str().unwrap_or("");
            words(word)
                .iter()
                .any(|word| matches!(word.as_str(), "starter" | "boilerplate"))
        })
}

/// The one of the application, or of a folder around it.
fn is_readme(subject: &Subject<'_>, path: &RepoPath) -> bool {
    path.file_name().eq_ignore_ascii_case("readme.md")
        && path
            .parent()
            .is_none_or(|folder| subject.project.root.starts_with(&folder))
}

/// The line says that this is one, and not that it is none.
fn says_so(line: &str) -> bool {
    let line = line.to_lowercase();
    let title = line.starts_with("# ")
        && words(&line)
            .iter()
            .any(|word| NAMED.contains(&word.as_str()));
    let denied = ["not a", "no ", "isn't", "without"]
        .iter()
        .any(|no| line.contains(no));
    !denied && (title || DESCRIBED.iter().any(|form| line.contains(form)))
}

#[cfg(test)]
mod tests {
    use super::{is_copied_by, is_one_by_title, says_so, title};

    #[test]
    fn what_documents_say_of_themselves() {
        assert!(says_so("# Shop Starter"));
        assert!(says_so("An open-source starter kit for shops."));
        assert!(says_so("This is a Starter Template for your next shop"));
        assert!(!says_so("**This is not a starter template.**"));
        assert!(!says_so("Start a shop within minutes, without boilerplate"));
        assert!(!says_so("# Templates of letters"));
        assert!(says_so("You can use this repository as a template."));
        assert!(!says_so("Save a workflow as a template"));
    }

    #[test]
    fn what_titles_say() {
        assert_eq!(title("<br>\n\n# Shop Example\n"), Some("Shop Example"));
        assert_eq!(title("## Shop\n```sh\n# copy the example\n"), None);
        assert!(is_one_by_title("Shop Example"));
        assert!(!is_one_by_title("Example"));
        assert!(!is_one_by_title("Templates of letters"));
    }

    #[test]
    fn what_others_copy() {
        assert!(is_copied_by(
            "npx create-next-app my-shop --example https://github.com/acme/shop"
        ));
        assert!(!is_copied_by(
            "npx create-next-app --example https://github.com/acme/shop/tree/main/examples/small"
        ));
        assert!(!is_copied_by("npx create-next-app@latest my-shop"));
    }
}
