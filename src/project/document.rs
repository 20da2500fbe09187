//! JSON and YAML files as values, guarded against nesting that would exhaust the stack.

use saphyr::{LoadableYamlNode, MarkedYaml};
use serde_json::Value;

use crate::source::{Location, RepoPath, Repository, SourceFile, Unreadable};

/// Deeper documents are refused; real ones stay below 20.
const MAX_NESTING: usize = 128;

/// Reads a JSON file in which comments and trailing commas are allowed.
pub(super) fn read_json(repository: &Repository, path: &RepoPath) -> Result<Value, Unreadable> {
    let file = repository.read(path)?;
    parse_json(&file)
}

/// The value of a JSON file; an empty file is an empty object.
pub(super) fn parse_json(file: &SourceFile) -> Result<Value, Unreadable> {
    let refuse = |reason: String| Unreadable {
        path: file.path.clone(),
        reason,
    };
    if nests_too_deep(&file.text) {
        return Err(refuse(format!(
            "nested deeper than {MAX_NESTING} levels; flatten it"
        )));
    }
    if let Ok(value) = serde_json::from_str(&file.text) {
        return Ok(value);
    }
    let value: Value =
        jsonc_parser::parse_to_serde_value(&file.text, &jsonc_parser::ParseOptions::default())
            .map_err(|error| refuse(format!("not valid JSON: {error}; correct it")))?;
    Ok(if value.is_null() {
        Value::Object(serde_json::Map::new())
    } else {
        value
    })
}

/// The first document of a YAML text; `None` when it holds none.
pub(super) fn parse_yaml<'t>(file: &'t SourceFile) -> Result<Option<MarkedYaml<'t>>, Unreadable> {
    let refuse = |reason: String| Unreadable {
        path: file.path.clone(),
        reason,
    };
    if nests_too_deep(&file.text) || file.text.lines().any(indents_too_deep) {
        return Err(refuse(format!(
            "nested deeper than {MAX_NESTING} levels; flatten it"
        )));
    }
    let documents = MarkedYaml::load_from_str(&file.text)
        .map_err(|error| refuse(format!("not valid YAML: {error}; correct it")))?;
    Ok(documents.into_iter().next())
}

/// Where a YAML node begins.
pub(super) fn yaml_location(path: &RepoPath, node: &MarkedYaml<'_>) -> Location {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let (start, end) = (node.span.start, node.span.end);
    Location {
        file: path.clone(),
        line: number(start.line().max(1)),
        column: number(start.col() + 1),
        end_line: number(end.line().max(start.line()).max(1)),
        end_column: number(end.col() + 1),
    }
}

/// The entries of a YAML mapping whose keys are text, in the order of the file.
pub(super) fn yaml_entries<'a, 't>(
    node: &'a MarkedYaml<'t>,
) -> impl Iterator<Item = (&'a str, &'a MarkedYaml<'t>)> {
    node.data
        .as_mapping()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((yaml_key(key)?, value)))
}

/// A key as text. `on:` is a boolean to YAML 1.1 and a text to everybody who writes a workflow.
fn yaml_key<'a>(key: &'a MarkedYaml<'_>) -> Option<&'a str> {
    key.data.as_str().or(match key.data.as_bool() {
        Some(true) => Some("true"),
        Some(false) => Some("false"),
        None => None,
    })
}

/// The value under a key of a YAML mapping.
pub(super) fn yaml_get<'a, 't>(node: &'a MarkedYaml<'t>, key: &str) -> Option<&'a MarkedYaml<'t>> {
    yaml_entries(node)
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

/// The texts of a YAML sequence, or the single text that stands in its place.
pub(super) fn yaml_texts<'a>(node: &'a MarkedYaml<'_>) -> Vec<&'a str> {
    match node.data.as_sequence() {
        Some(items) => items.iter().filter_map(|item| item.data.as_str()).collect(),
        None => node.data.as_str().into_iter().collect(),
    }
}

/// True when brackets outside of strings nest deeper than the bound.
pub(super) fn nests_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            // A text with a lone quote, as YAML and comments have them, ends with its line.
            b'\n' => in_string = false,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > MAX_NESTING {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// True for a YAML line that is indented, or opens sequences on one line, beyond the bound.
fn indents_too_deep(line: &str) -> bool {
    let lead = line
        .bytes()
        .take_while(|byte| matches!(byte, b' ' | b'-' | b'?'))
        .count();
    lead > MAX_NESTING * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_are_read() {
        let file = SourceFile::new(RepoPath::new("a.json"), "{ // x\n \"a\": [1,], }");
        assert_eq!(parse_json(&file).unwrap()["a"][0], 1);
        let empty = SourceFile::new(RepoPath::new("a.json"), " ");
        assert!(parse_json(&empty).unwrap().is_object());
    }

    #[test]
    fn bad_and_bottomless_documents_say_why() {
        let read = |text: &str| {
            parse_json(&SourceFile::new(RepoPath::new("a.json"), text))
                .unwrap_err()
                .reason
        };
        assert!(read("{\"a\": }").starts_with("not valid JSON"));
        assert!(read(&"[".repeat(100_000)).starts_with("nested deeper"));
        for text in [
            "- ".repeat(100_000),
            "[".repeat(100_000),
            "? ".repeat(9_000),
        ] {
            let file = SourceFile::new(RepoPath::new("a.yml"), &text);
            assert!(
                parse_yaml(&file)
                    .unwrap_err()
                    .reason
                    .starts_with("nested deeper")
            );
        }
    }
}
