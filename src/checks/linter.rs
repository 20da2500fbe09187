//! What the configuration of a linter says about one of its rules.

use serde_json::Value;

use crate::source::RepoPath;
use crate::syntax::{Expr, ExprId, ModuleRecord, Property};

use super::code::{key, numbered, property};
use super::config_key::json;
use super::subject::Subject;

/// The configuration around the application that switches one of these rules off for its code: `noExplicitAny`,
/// `@typescript-eslint/no-explicit-any`.
pub(super) fn switches_off(subject: &Subject<'_>, rules: &[String]) -> Option<RepoPath> {
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
        .filter(|file| json(&file.text).is_some_and(|value| off_in_json(&value, &wanted)))
        .map(|file| file.path.clone());
    let by_module = modules
        .filter(|module| off_in_module(module, &wanted))
        .map(|module| module.path.clone());
    let by_manifest = manifests
        .filter(|(path, value)| around(path) && off_in_json(value, &wanted))
        .map(|(path, _)| path);
    // The nearest says most.
    by_document
        .chain(by_module)
        .chain(by_manifest)
        .max_by_key(|path| path.segments().count())
}

/// `{ "rules": { "no-x": "off" } }`, `{ "linter": { "rules": { "suspicious": { "noX": "off" } } } }`; what is said of some files alone
/// is left out.
fn off_in_json(config: &Value, wanted: &impl Fn(&str) -> bool) -> bool {
    let rules = [config.get("rules"), config.pointer("/linter/rules")];
    let rules = rules.into_iter().flatten().filter_map(Value::as_object);
    rules.into_iter().any(|rules| {
        rules.iter().any(|(name, value)| {
            let mut group = value.as_object().into_iter().flatten();
            wanted(name) && is_off(value)
                || group.any(|(name, value)| wanted(name) && is_off(value))
        })
    })
}

/// `"off"`, `0`, `["off"]`, `{ "level": "off" }`.
fn is_off(value: &Value) -> bool {
    match value {
        Value::String(text) => text == "off",
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Array(items) => items
            .first()
            .is_some_and(|first| first == "off" || first == 0),
        Value::Object(fields) => fields.get("level").is_some_and(|level| level == "off"),
        _ => false,
    }
}

fn off_in_module(module: &ModuleRecord, wanted: &impl Fn(&str) -> bool) -> bool {
    numbered(module).any(|(id, _)| {
        let Some(rules) = property(module, id, "rules") else {
            return false;
        };
        let Expr::Object(properties) = module.expr(rules) else {
            return false;
        };
        let off = properties.iter().any(|each| match each {
            Property::Value { key: name, value } => {
                key(module, name).is_some_and(wanted) && is_off_here(module, *value)
            }
            _ => false,
        });
        off && property(module, id, "files").is_none_or(|files| is_general(module, files))
    })
}

fn is_off_here(module: &ModuleRecord, value: ExprId) -> bool {
    match module.expr(value) {
        Expr::String(text) => &**text == "off",
        Expr::Number(number) => *number == 0.0,
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

    use super::{off_in_json, off_in_module};

    #[test]
    fn rules_are_switched_off_for_everything() {
        let wanted = |name: &str| name.ends_with("noX") || name.ends_with("no-x");
        assert!(off_in_json(
            &json!({"linter": {"rules": {"suspicious": {"noX": "off"}}}}),
            &wanted
        ));
        assert!(off_in_json(
            &json!({"rules": {"@scope/no-x": ["off"]}}),
            &wanted
        ));
        assert!(!off_in_json(
            &json!({"rules": {"@scope/no-x": "warn"}}),
            &wanted
        ));
        assert!(!off_in_json(
            &json!({"overrides": [{"linter": {"rules": {"suspicious": {"noX": "off"}}}}]}),
            &wanted
        ));
        let module = |text: &str| crate::syntax::record_of(text);
        let off = |text: &str| off_in_module(&module(text), &wanted);
        assert!(off("export default [{ rules: { '@scope/no-x': 'off' } }]"));
        assert!(off(
            "module.exports = { files: ['**/*.ts'], rules: { '@scope/no-x': 0 } }"
        ));
        assert!(!off(
            "export default [{ files: ['**/*.test.ts'], rules: { 'no-x': 'off' } }]"
        ));
        assert!(!off("export default [{ rules: { 'no-x': 'error' } }]"));
    }
}
