//! `[check.dependency]`: a package has to be used, not only installed.

use crate::rule::{Dependency, wildcard};
use crate::syntax::ModuleRecord;

use super::CheckResult;
use super::code::{calls, imported, package_of};
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &Dependency) -> CheckResult {
    if check.needs_routes && !subject.has_routes() {
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
    let used = wanted.iter().any(|(package, call)| {
        let mut specifiers = subject.specifiers().iter();
        specifiers.any(|specifier| is_of(package, specifier))
            && call.is_none_or(|call| {
                reached
                    .clone()
                    .any(|module| calls_of(module, package, call))
            })
    });
    let exported = check.or_exports.iter().any(|entry| {
        let (stem, name) = entry.split_once('#').unwrap_or((entry, "default"));
        reached.clone().any(|module| {
            module.path.stem() == stem && module.exports.iter().any(|export| &*export.name == name)
        })
    });
    if used || exported {
        return CheckResult::pass_or_fail(Vec::new());
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
    CheckResult::pass_or_fail(vec![subject.absence(message)])
}

/// The specifier names the package or something in it.
pub(super) fn is_of(package: &str, specifier: &str) -> bool {
    package_of(specifier).is_some_and(|name| wildcard(package, name))
        || wildcard(package, specifier)
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
