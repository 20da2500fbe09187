//! `[check.dependency]`: a package has to be used, not only installed.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::model::RouteFacts;
use crate::project::Framework;
use crate::rule::{Confidence, Dependency, Purpose, wildcard};
use crate::source::{RepoPath, Span};
use crate::syntax::ModuleRecord;

use super::CheckResult;
use super::code::{calls, imported, package_of};
use super::config_key::is_set;
use super::doubts::has_mark;
use super::for_one::stays_on_machine;
use super::purpose::LEFT_TO_OTHERS;
use super::signs::Ground;
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &Dependency) -> CheckResult {
    if check.needs_routes && !subject.has_routes() || check.not_of_commands && is_command(subject) {
        return CheckResult::default();
    }
    let reached = subject.running();
    let wanted: Vec<(&str, Option<&str>)> = check
        .any
        .iter()
        .map(|entry| match entry.split_once('#') {
            Some((package, call)) => (package, Some(call)),
            None => (entry.as_str(), None),
        })
        .collect();
    let wants = |module: &ModuleRecord| {
        wanted.iter().find_map(|(package, call)| {
            let mut requests = module.requests.iter();
            let request = requests
                .find(|each| !each.type_only && is_of(package, &each.specifier))
                .filter(|_| call.is_none_or(|call| calls_of(module, package, call)))?;
            Some(module.location(request.span))
        })
    };
    let exports = |module: &ModuleRecord| {
        check.or_exports.iter().find_map(|entry| {
            let (stem, name) = entry.split_once('#').unwrap_or((entry, "default"));
            let mut exports = module.exports.iter();
            let found = exports.find(|export| module.path.stem() == stem && &*export.name == name);
            Some(module.location(found?.span))
        })
    };
    // What the application takes from packages is known already; only where is not.
    let specifiers = subject.specifiers();
    let used = |(package, _): &(&str, _)| of_package(package, specifiers).next().is_some();
    let used = wanted.iter().any(used);
    let mut modules = reached.clone();
    let place = used.then(|| modules.find_map(wants)).flatten();
    let told = |module: &ModuleRecord| {
        let mut options = module.facts.script_options.iter();
        let told = options.any(|option| check.or_attributes.iter().any(|each| **each == **option));
        told.then(|| module.location(Span::default()))
    };
    let by_code = |module: &ModuleRecord| exports(module).or_else(|| told(module));
    let mut modules = reached.clone();
    if let Some(place) = place.or_else(|| modules.find_map(by_code)) {
        return CheckResult::passed(Some(place));
    }
    let installed = subject.package().and_then(|package| {
        let names = package
            .dependencies
            .keys()
            .chain(package.dev_dependencies.keys());
        names
            .filter(|name| wanted.iter().any(|(package, _)| wildcard(package, name)))
            .min()
    });
    let message = match installed {
        Some(name) => format!("{}; {name} is installed, but never set up", check.says),
        None => check.says.clone(),
    };
    let hint = subject.specifiers().iter().find_map(|specifier| {
        let package = package_of(specifier)?;
        let mut hints = check.hinted_by.iter();
        hints.any(|hint| wildcard(hint, package)).then_some(package)
    });
    let question = match hint {
        Some(package) => Some(format!("or does {package} do it")),
        None => question(subject, check),
    };
    let absence = match question {
        Some(question) => subject
            .absence(format!("{message}: {question}?"))
            .at_most(Confidence::Low),
        None => subject.absence(message),
    };
    CheckResult::pass_or_fail(vec![absence])
}

/// What speaks for an application that does without.
fn question(subject: &Subject<'_>, check: &Dependency) -> Option<String> {
    let platform = check.platforms.iter().find_map(|setting| {
        let (file, key) = setting.split_once('#')?;
        is_set(subject, file, key).then_some((file, key))
    });
    if let Some((file, key)) = platform {
        return Some(format!(
            "or does the platform do it, as `{key}` of {file} says"
        ));
    }
    let variable = check.told_of.iter().find_map(|form| {
        let mut listed = subject.model.project.files.env_documented.iter();
        listed.find(|(name, location)| wildcard(form, name) && concerns(subject, &location.file))
    });
    if let Some((variable, _)) = variable {
        return Some(format!("or are failures seen where {variable} points to"));
    }
    if !check.left_to_users {
        return None;
    }
    let handlers = subject.app.routes.len();
    let is_small = handlers > 0 && handlers <= check.few_handlers;
    if handlers == 0 && !subject.serves_pages() && others_begin_with(subject) {
        return Some(String::from(
            "do those watch over it that begin with it, as it has no handler of its own",
        ));
    }
    if is_small && !subject.serves_pages() || is_called_by_one(subject) {
        return Some(String::from(
            "is it a service whose caller tells of its failures",
        ));
    }
    if subject.is_for(Purpose::Starter) {
        return Some(String::from(LEFT_TO_OTHERS));
    }
    if subject.is_exported() {
        return Some(String::from(
            "or do pages that are exported as files do without",
        ));
    }
    if subject.is_for(Purpose::Unready) {
        return Some(String::from(
            "does it wait, as the README says that this is not ready for production",
        ));
    }
    if subject.is_for(Purpose::SelfHosted) {
        return Some(String::from(
            "or do those watch over it that host it, as its documents let users do",
        ));
    }
    if asks_another_that_uses(subject, &check.any) {
        return Some(String::from(
            "or is that of the application which it asks for its data enough",
        ));
    }
    if subject.changes_nothing() {
        return Some(String::from(
            "or does a site do without where nobody signs in and nothing is changed",
        ));
    }
    stays_on_machine(subject)
}

/// All that its handlers do is done for a sender that signs what it sends in a way of their own, as another application of the
/// same owner does.
fn is_called_by_one(subject: &Subject<'_>) -> bool {
    let routes = subject.app.routes.iter();
    let mut working = routes.filter(|route| route.works && !route.is_mount);
    let of_one = |route: &RouteFacts| has_mark(route, "signature-check:any");
    !subject.serves_pages() && working.next().is_some_and(of_one) && working.all(of_one)
}

/// Other packages of the repository depend on it.
fn others_begin_with(subject: &Subject<'_>) -> bool {
    let name = subject.package().and_then(|own| own.name.as_deref());
    let mut packages = subject.model.project.packages.iter();
    name.is_some_and(|name| packages.any(|other| other.depends_on(name)))
}

/// It shows pages alone, and another application of the repository, which has handlers, uses one of the packages.
fn asks_another_that_uses(subject: &Subject<'_>, packages: &[String]) -> bool {
    let ground = Ground {
        subject,
        whole: true,
    };
    let mut apps = subject.model.apps.iter();
    !subject.has_routes()
        && subject.serves_pages()
        && apps.any(|app| !app.routes.is_empty())
        && ground.uses(packages)
}

/// Users install the package and run it: it brings a command, is published, and nothing here starts it.
fn is_command(subject: &Subject<'_>) -> bool {
    let root = &subject.project.root;
    let files = &subject.model.project.files;
    let package = subject.package().filter(|own| own.folder() == *root);
    package.is_some_and(|package| {
        let says = |key: &str| package.json.get(key);
        let starts =
            |name: &String| matches!(name.split(':').next(), Some("start" | "serve" | "deploy"));
        subject.project.framework != Framework::Next
            && says("bin").is_some()
            && says("private").and_then(serde_json::Value::as_bool) != Some(true)
            && !package.scripts.keys().any(starts)
            && !files
                .dockerfiles
                .iter()
                .any(|each| each.file.starts_with(root))
    })
}

/// The file lies in the application, or beside all of them.
fn concerns(subject: &Subject<'_>, file: &RepoPath) -> bool {
    let root = &subject.project.root;
    file.starts_with(root) || file.parent().is_none_or(|folder| root.starts_with(&folder))
}

/// The specifier names the package or something in it.
pub(super) fn is_of(package: &str, specifier: &str) -> bool {
    // Nearly every specifier differs within its first letters.
    let mut letters = package.bytes().zip(specifier.bytes());
    let differs = letters.find(|(wanted, byte)| wanted != byte);
    differs.is_none_or(|(wanted, _)| wanted == b'*')
        && (package_of(specifier).is_some_and(|name| wildcard(package, name))
            || wildcard(package, specifier))
}

/// Those of the specifiers that name the package or something in it.
pub(super) fn of_package<'s>(
    package: &'s str,
    specifiers: &'s BTreeSet<Box<str>>,
) -> impl Iterator<Item = &'s str> {
    let begin = package.split('*').next().unwrap_or_default();
    let behind = specifiers.range::<str, _>((Bound::Included(begin), Bound::Unbounded));
    behind
        .map(|specifier| &**specifier)
        .take_while(move |specifier| specifier.starts_with(begin))
        .filter(move |specifier| is_of(package, specifier))
}

/// The module calls this export of the package.
pub(super) fn calls_of(module: &ModuleRecord, package: &str, call: &str) -> bool {
    let requested = module
        .requests
        .iter()
        .any(|request| !request.type_only && is_of(package, &request.specifier));
    requested
        && calls(module).any(|each| {
            imported(module, each.callee)
                .is_some_and(|(specifier, name)| is_of(package, specifier) && name == call)
        })
}
