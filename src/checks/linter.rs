//! What the configuration of a linter says about one of its rules.

use serde_json::Value;

use crate::source::RepoPath;
use crate::syntax::{Expr, ExprId, ModuleRecord, Property};

use super::code::{key, numbered, property};
use super::config_key::json;
use super::subject::Subject;

/// What a linter does about a rule, as a word and as a number.
#[derive(Clone, Copy)]
pub(super) struct Level(&'static str, u8);

/// Nothing.
pub(super) const OFF: Level = Level("off", 0);
/// It fails.
pub(super) const ERROR: Level = Level("error", 2);

/// The configuration around the application that sets one of these rules to the level for its code: `noExplicitAny`,
/// `@typescript-eslint/no-explicit-any`.
pub(super) fn sets(subject: &Subject<'_>, rules: &[String], level: Level) -> Option<RepoPath> {
    let root = &subject.project.root;
    let around = |path: &RepoPath| {
        let folder = path.parent().unwrap_or_else(|| RepoPath::new(""));
        root.starts_with(&folder)
    };
    let wanted = |name: &str| {
        let name = name.rsplit('/').next().unwrap_or(name);
        rules.iter().any(|rule| rule == name)
    };
    let documents = subject.documents().filter(|file| {
        let name = file.path.file_name();
        matches!(
            name,
            "biome.json" | "biome.jsonc" | ".eslintrc" | ".eslintrc.json"
        ) && around(&file.path)
    });
    let modules = subject.model.graph.modules().map(|(_, module)| module);
    let modules = modules.filter(|module| {
        let name = module.path.file_name();
        (name.starts_with("eslint.config.") || name.starts_with(".eslintrc."))
            && around(&module.path)
    });
    let packages = subject.model.project.packages.iter();
    let manifests = packages.filter_map(|package| {
        let path = package.root.as_ref()?.join("package.json");
        Some((path, package.json.get("eslintConfig")?))
    });
    let by_document = documents
        .filter(|file| json(&file.text).is_some_and(|value| in_json(&value, &wanted, level)))
        .map(|file| file.path.clone());
    let by_module = modules
        .filter(|module| in_module(module, &wanted, level))
        .map(|module| module.path.clone());
    let by_manifest = manifests
        .filter(|(path, value)| around(path) && in_json(value, &wanted, level))
        .map(|(path, _)| path);
    // The nearest says most.
    by_document
        .chain(by_module)
        .chain(by_manifest)
        .max_by_key(|path| path.segments().count())
}

/// `{ "rules": { "no-x": "off" } }`, `{ "linter": { "rules": { "suspicious": { "noX": "off" } } } }`; what is said of some files alone
/// is left out.
fn in_json(config: &Value, wanted: &impl Fn(&str) -> bool, level: Level) -> bool {
    let rules = [config.get("rules"), config.pointer("/linter/rules")];
    let rules = rules.into_iter().flatten().filter_map(Value::as_object);
    rules.into_iter().any(|rules| {
        rules.iter().any(|(name, value)| {
            let mut group = value.as_object().into_iter().flatten();
            wanted(name) && is_level(value, level)
                || group.any(|(name, value)| wanted(name) && is_level(value, level))
        })
    })
}

/// `"off"`, `0`, `["off"]`, `{ "level": "off" }`.
fn is_level(value: &Value, level: Level) -> bool {
    match value {
        Value::String(text) => text == level.0,
        Value::Number(number) => number.as_u64() == Some(level.1.into()),
        Value::Array(items) => items
            .first()
            .is_some_and(|first| first == level.0 || first == level.1),
        Value::Object(fields) => fields.get("level").is_some_and(|said| said == level.0),
        _ => false,
    }
}

fn in_module(module: &ModuleRecord, wanted: &impl Fn(&str) -> bool, level: Level) -> bool {
    numbered(module).any(|(id, _)| {
        let Some(rules) = property(module, id, "rules") else {
            return false;
        };
        let Expr::Object(properties) = module.expr(rules) else {
            return false;
        };
        let set = properties.iter().any(|each| match each {
            Property::Value { key: name, value } => {
                key(module, name).is_some_and(wanted) && is_level_here(module, *value, level)
            }
            _ => false,
        });
        set && property(module, id, "files").is_none_or(|files| is_general(module, files))
    })
}

fn is_level_here(module: &ModuleRecord, value: ExprId, level: Level) -> bool {
    match module.expr(value) {
        Expr::String(text) => &**text == level.0,
        Expr::Number(number) => *number == f64::from(level.1),
        Expr::Array(items) => items.first().is_some_and(
            |first| matches!(module.expr(first.value), Expr::String(text) if &**text == level.0),
        ),
        _ => false,
    }
}

/// Files that are told by their endings, and not those of tests: `**/*.{ts,tsx}`.
fn is_general(module: &ModuleRecord, files: ExprId) -> bool {
    let first = numbered(module)
        .filter(|(id, _)| module.span(files).holds(module.span(*id)))
        .find_map(|(_, expr)| match expr {
            Expr::String(text) => Some(text),
            _ => None,
        });
    first.is_some_and(|glob| {
        let name = glob.rsplit('/').next().unwrap_or(glob);
        name.starts_with("*.")
            && !["test", "spec", "stories"]
                .iter()
                .any(|word| name.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ERROR, OFF, in_json, in_module};

    #[test]
    fn rules_are_switched_off_for_everything() {
        let wanted = |name: &str| name.ends_with("noX") || name.ends_with("no-x");
        assert!(in_json(
            &json!({"linter": {"rules": {"suspicious": {"noX": "off"}}}}),
            &wanted,
            OFF
        ));
        assert!(in_json(
            &json!({"rules": {"@scope/no-x": ["off"]}}),
            &wanted,
            OFF
        ));
        assert!(!in_json(
            &json!({"rules": {"@scope/no-x": "warn"}}),
            &wanted,
            OFF
        ));
        assert!(!in_json(
            &json!({"overrides": [{"linter": {"rules": {"suspicious": {"noX": "off"}}}}]}),
            &wanted,
            OFF
        ));
        let module = |text: &str| crate::syntax::record_of(text);
        let off = |text: &str| in_module(&module(text), &wanted, OFF);
        assert!(off("export default [{ rules: { '@scope/no-x': 'off' } }]"));
        assert!(off(
            "module.exports = { files: ['**/*.ts'], rules: { '@scope/no-x': 0 } }"
        ));
        assert!(!off(
            "export default [{ files: ['**/*.test.ts'], rules: { 'no-x': 'off' } }]"
        ));
        let error = "export default [{ rules: { 'no-x': ['error', { deep: true }] } }]";
        assert!(!off(error));
        assert!(in_module(&module(error), &wanted, ERROR));
    }
}
