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
    let reached = subject.reached();
    let wanted: Vec<(&str, Option<&str>)> = check
        .any
        .iter()
        .map(|entry| match entry.split_once('#') {
            Some((package, call)) => (package, Some(call)),
            None => (entry.as_str(), None),
        })
        .collect();
    let used = wanted
        .iter()
        .any(|(package, call)| reached.clone().any(|module| uses(module, package, *call)));
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

/// True when the module takes something of the package at run time and, where asked, calls it.
fn uses(module: &ModuleRecord, package: &str, call: Option<&str>) -> bool {
    let of_package = |specifier: &str| {
        package_of(specifier).is_some_and(|name| wildcard(package, name))
            || wildcard(package, specifier)
    };
    let requested = module
        .requests
        .iter()
        .any(|request| !request.type_only && of_package(&request.specifier));
    let Some(call) = call else {
        return requested;
    };
    requested
        && calls(module).any(|each| {
            imported(module, each.callee)
                .is_some_and(|(specifier, name)| of_package(specifier) && name == call)
        })
}
