//! Repositories that others begin theirs with: what they leave out is often left to whoever does.

use crate::project::Package;
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
/// What a description says of one.
const DESCRIBED: [&str; 6] = [
    "starter kit",
    "starter template",
    "starter project",
    "starter app",
    "boilerplate for",
    "template for building",
];
/// What a document says of one that is not meant to be used yet.
const UNREADY: [&str; 5] = [
    "not ready for production",
    "not production-ready",
    "not production ready",
    "not yet ready for production",
    "not intended for production",
];
/// Addresses at which hosts make a copy of a repository and run it.
const COPIES: [&str; 4] = [
    "vercel.com/new/clone",
    "app.netlify.com/start/deploy",
    "heroku.com/deploy",
    "deploy.workers.cloudflare.com",
];
/// A document says what it is about within its first lines.
const HEAD: usize = 25;

/// The application or its repository says of itself that it is one.
pub(super) fn is_starter(subject: &Subject<'_>) -> bool {
    let packages = &subject.model.project.packages;
    let whole = packages.iter().find(|package| package.folder().is_root());
    let mut packages = subject.package().into_iter().chain(whole);
    packages.any(|package| is_named(package) || is_described(package))
        || heads(subject).any(says_so)
}

/// The beginning of a README says that this is not meant for users yet.
pub(super) fn is_unready(subject: &Subject<'_>) -> bool {
    heads(subject).any(|line| {
        let line = line.to_lowercase();
        UNREADY.iter().any(|form| line.contains(form))
    })
}

/// A README offers to run a copy of it.
pub(super) fn is_to_be_copied(subject: &Subject<'_>) -> bool {
    let mut documents = subject.documents();
    documents.any(|file| {
        is_readme(subject, &file.path) && COPIES.iter().any(|host| file.text.contains(host))
    })
}

/// The lines with which each README begins.
fn heads<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a str> {
    let documents = subject.documents();
    let readmes = documents.filter(|file| is_readme(subject, &file.path));
    readmes.flat_map(|file| file.text.lines().take(HEAD))
}

fn is_named(package: &Package) -> bool {
    let name = package.name.as_deref().unwrap_or("");
    let words = words(name.rsplit('/').next().unwrap_or(name));
    let last = words.last().map(String::as_str);
    words.iter().any(|word| NAMED.contains(&word.as_str()))
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
    use super::says_so;

    #[test]
    fn what_documents_say_of_themselves() {
        assert!(says_so("# Shop Starter"));
        assert!(says_so("An open-source starter kit for shops."));
        assert!(says_so("This is a Starter Template for your next shop"));
        assert!(!says_so("**This is not a starter template.**"));
        assert!(!says_so("Start a shop within minutes, without boilerplate"));
        assert!(!says_so("# Templates of letters"));
    }
}
