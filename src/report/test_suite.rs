//! The tests that an application has, and how they are run.

use crate::audit::AppAudit;
use crate::model::Model;
use crate::project::Package;
use crate::source::RepoPath;

/// A file of tests.
pub(super) struct TestFile<'a> {
    pub(super) path: &'a RepoPath,
    /// The tests that it writes out; one that is run for several inputs counts once.
    pub(super) cases: u32,
}

/// The files of tests below the application's folder that `is_nested` does not give to another one, by path.
pub(super) fn test_files<'a>(
    model: &'a Model,
    app: &AppAudit,
    is_nested: impl Fn(&RepoPath) -> bool,
) -> Vec<TestFile<'a>> {
    let modules = model.graph.modules().map(|(_, module)| module);
    let files = modules
        .filter(|module| module.facts.test_cases > 0)
        .filter(|module| module.path.starts_with(&app.root) && !is_nested(&module.path))
        .map(|module| TestFile {
            path: &module.path,
            cases: module.facts.test_cases,
        });
    let mut files: Vec<TestFile<'a>> = files.collect();
    files.sort_by_key(|file| file.path);
    files
}

/// A script of a `package.json` that runs tests.
pub(super) struct TestScript<'a> {
    pub(super) name: &'a str,
    pub(super) command: &'a str,
    pub(super) file: RepoPath,
}

/// The scripts that run tests, the application's own first, then those of the folders above it.
pub(super) fn test_scripts<'a>(model: &'a Model, app: &AppAudit) -> Vec<TestScript<'a>> {
    let mut packages: Vec<&Package> = packages_of(model, app).collect();
    packages.sort_by_key(|package| std::cmp::Reverse(package.folder().as_str().len()));
    let scripts = packages.into_iter().flat_map(|package| {
        let file = package.folder().join("package.json");
        let named = package.scripts.iter();
        named
            .filter(|(name, _)| runs_tests(name))
            .map(move |(name, command)| TestScript {
                name,
                command,
                file: file.clone(),
            })
    });
    scripts.collect()
}

/// The packages whose dependencies and scripts the application uses: its own, and those of the folders above.
pub(super) fn packages_of<'a>(
    model: &'a Model,
    app: &AppAudit,
) -> impl Iterator<Item = &'a Package> {
    let packages = model.project.packages.iter();
    packages.filter(move |package| app.root.starts_with(&package.folder()))
}

/// `test`, `test:unit`, `e2e`; not `pretest` or `test:install`, which only make ready.
fn runs_tests(name: &str) -> bool {
    let mut words = name.split([':', '-', '_', '.']);
    let is_test = |word: &str| {
        matches!(
            word,
            "test" | "tests" | "e2e" | "vitest" | "jest" | "playwright" | "cypress" | "coverage"
        )
    };
    let prepares = |word: &str| {
        matches!(
            word,
            "install" | "setup" | "lint" | "build" | "clean" | "seed" | "pre" | "post" | "report"
        )
    };
    words.clone().any(is_test) && !words.any(prepares)
}

#[cfg(test)]
mod tests {
    use super::runs_tests;

    #[test]
    fn scripts_that_run_tests_are_told_by_their_words() {
        for name in ["test", "test:unit", "e2e", "test-coverage", "playwright:ui"] {
            assert!(runs_tests(name), "{name}");
        }
        for name in ["pretest", "latest", "test:install", "e2e:setup", "build"] {
            assert!(!runs_tests(name), "{name}");
        }
    }
}
