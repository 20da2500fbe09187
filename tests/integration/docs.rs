//! Files that are made from code, held against it. `.ci/bless` rewrites them.

use std::path::Path;

use readiness::report;

/// Compares a file of the repository with what it should hold, or rewrites it.
fn hold(file: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("READINESS_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found.replace("\r\n", "\n") == expected,
        "{file} is out of date; rewrite it with .ci/bless and look at the difference"
    );
}

#[test]
fn the_shipped_schemas_are_those_of_the_types() {
    for schema in report::schemas(&readiness::rule::RuleSet::builtin().unwrap()) {
        hold(&format!("schemas/{}", schema.file), &schema.text);
    }
}
