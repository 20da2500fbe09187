//! What hosting configurations set: response headers and scheduled calls.

use jsonc_parser::ast::{Array, Object, Value};
use jsonc_parser::common::Ranged;
use toml::de::{DeTable, DeValue};

use crate::source::{LineIndex, Location, RepoPath, Repository, SourceFile, Span, Unreadable};

use super::document::nests_too_deep;
use super::{HeaderEntry, PathCondition, ProjectFiles};

/// Reads `path` when it is a hosting configuration.
pub(super) fn read(
    repository: &Repository,
    path: &RepoPath,
    files: &mut ProjectFiles,
) -> Result<(), Unreadable> {
    let read: fn(&Document<'_>, &mut ProjectFiles) -> Result<(), String> = match path.file_name() {
        "vercel.json" | "firebase.json" => json,
        "netlify.toml" => netlify,
        "_headers" => headers_file,
        _ => return Ok(()),
    };
    let file = repository.read(path)?;
    let document = Document {
        lines: file.lines(),
        file: &file,
    };
    if nests_too_deep(&file.text) {
        return Err(Unreadable {
            path: path.clone(),
            reason: String::from("nested too deep; flatten it"),
        });
    }
    read(&document, files).map_err(|reason| Unreadable {
        path: path.clone(),
        reason,
    })
}

/// A file with its lines.
struct Document<'f> {
    file: &'f SourceFile,
    lines: LineIndex,
}

impl Document<'_> {
    fn at(&self, start: usize, end: usize) -> Location {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Location::of_span(
            &self.file.path,
            &self.lines,
            Span::new(number(start), number(end)),
        )
    }

    fn header(&self, source: &str, name: &str, value: Option<&str>, at: Location) -> HeaderEntry {
        HeaderEntry {
            source: source.to_owned(),
            conditions: Vec::new(),
            name: name.to_owned(),
            value: value.map(str::to_owned),
            location: at,
        }
    }
}

/// `vercel.json` and `firebase.json`, which write headers alike.
fn json(document: &Document<'_>, files: &mut ProjectFiles) -> Result<(), String> {
    let parsed = jsonc_parser::parse_to_ast(
        &document.file.text,
        &jsonc_parser::CollectOptions::default(),
        &jsonc_parser::ParseOptions::default(),
    )
    .map_err(|error| format!("not valid JSON: {error}; correct it"))?;
    let Some(Value::Object(root)) = parsed.value else {
        return Ok(());
    };
    if document.file.path.file_name() == "vercel.json" {
        header_rules(document, root.get_array("headers"), files);
        for cron in objects(root.get_array("crons")) {
            if let (Some(path), Some(schedule)) =
                (cron.get_string("path"), cron.get_string("schedule"))
            {
                let range = cron.range();
                files.crons.push((
                    path.value.to_string(),
                    schedule.value.to_string(),
                    document.at(range.start, range.end),
                ));
            }
        }
        return Ok(());
    }
    match root.get("hosting").map(|property| &property.value) {
        Some(Value::Object(site)) => header_rules(document, site.get_array("headers"), files),
        Some(Value::Array(sites)) => {
            for site in objects(Some(sites)) {
                header_rules(document, site.get_array("headers"), files);
            }
        }
        _ => {}
    }
    Ok(())
}

fn objects<'a, 't>(array: Option<&'a Array<'t>>) -> impl Iterator<Item = &'a Object<'t>> {
    array
        .into_iter()
        .flat_map(|array| &array.elements)
        .filter_map(Value::as_object)
}

/// `[{ source, headers: [{ key, value }], has, missing }]`
fn header_rules(document: &Document<'_>, rules: Option<&Array<'_>>, files: &mut ProjectFiles) {
    for rule in objects(rules) {
        let source = ["source", "regex", "glob"]
            .iter()
            .find_map(|key| rule.get_string(key));
        let Some(source) = source else {
            continue;
        };
        let mut conditions = Vec::new();
        for (key, negated) in [("has", false), ("missing", true)] {
            for condition in objects(rule.get_array(key)) {
                let text = |key: &str| condition.get_string(key).map(|text| text.value.to_string());
                conditions.push(PathCondition {
                    kind: text("type").unwrap_or_default(),
                    key: text("key").unwrap_or_default(),
                    value: text("value"),
                    negated,
                });
            }
        }
        for header in objects(rule.get_array("headers")) {
            if let Some(name) = header.get_string("key") {
                let range = header.range();
                let value = header.get_string("value").map(|value| &*value.value);
                let mut entry = document.header(
                    &source.value,
                    &name.value,
                    value,
                    document.at(range.start, range.end),
                );
                entry.conditions.clone_from(&conditions);
                files.hosting_headers.push(entry);
            }
        }
    }
}

/// `[[headers]]` with `for` and `[headers.values]`.
fn netlify(document: &Document<'_>, files: &mut ProjectFiles) -> Result<(), String> {
    let table = DeTable::parse(&document.file.text)
        .map_err(|error| format!("not valid TOML: {}; correct it", error.message()))?;
    let rules = table.get_ref().get("headers").map(|rules| rules.get_ref());
    let rules = rules.and_then(DeValue::as_array);
    for rule in rules.into_iter().flat_map(|rules| rules.iter()) {
        let rule = rule.get_ref();
        let source = rule.get("for").and_then(|value| value.get_ref().as_str());
        let values = rule
            .get("values")
            .and_then(|values| values.get_ref().as_table());
        let (Some(source), Some(values)) = (source, values) else {
            continue;
        };
        let mut found: Vec<(usize, HeaderEntry)> = values
            .iter()
            .map(|(name, value)| {
                let (start, end) = (name.span().start, value.span().end);
                let entry = document.header(
                    source,
                    name.get_ref(),
                    value.get_ref().as_str(),
                    document.at(start, end),
                );
                (start, entry)
            })
            .collect();
        found.sort_by_key(|(start, _)| *start);
        files
            .hosting_headers
            .extend(found.into_iter().map(|(_, entry)| entry));
    }
    Ok(())
}

/// `_headers` of Netlify and Cloudflare: a path, then its headers indented below it.
fn headers_file(document: &Document<'_>, files: &mut ProjectFiles) -> Result<(), String> {
    let mut source = "";
    for (line, text) in (1_u32..).zip(document.file.text.lines()) {
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if !text.starts_with([' ', '\t']) {
            source = trimmed;
        } else if let Some((name, value)) = trimmed.split_once(':') {
            files.hosting_headers.push(document.header(
                source,
                name.trim(),
                Some(value.trim()),
                Location::of_line(&document.file.path, line),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(path: &str, text: &str) -> Result<ProjectFiles, Unreadable> {
        let repository = Repository::in_memory(&[(path, text)]);
        let mut files = ProjectFiles::default();
        read(&repository, &RepoPath::new(path), &mut files)?;
        Ok(files)
    }

    fn headers(files: &ProjectFiles) -> Vec<(&str, &str, &str, u32, u32)> {
        files
            .hosting_headers
            .iter()
            .map(|entry| {
                (
                    entry.source.as_str(),
                    entry.name.as_str(),
                    entry.value.as_deref().unwrap_or("-"),
                    entry.location.line,
                    entry.location.column,
                )
            })
            .collect()
    }

    #[test]
    fn vercel_headers_and_crons() {
        let found = files(
            "vercel.json",
            "{\n  \"headers\": [{ \"source\": \"/(.*)\", \"missing\": [{\"type\":\"header\",\"key\":\"x\"}],\n    \"headers\": [\n      { \"key\": \"X-Frame-Options\", \"value\": \"DENY\" }\n    ] }],\n  \"crons\": [\n    { \"path\": \"/api/cron\", \"schedule\": \"0 * * * *\" } ]\n}",
        )
        .unwrap();
        assert_eq!(
            headers(&found),
            [("/(.*)", "X-Frame-Options", "DENY", 4, 7)]
        );
        assert!(found.hosting_headers[0].conditions[0].negated);
        let (path, schedule, at) = &found.crons[0];
        assert_eq!(
            (path.as_str(), schedule.as_str(), at.line, at.column),
            ("/api/cron", "0 * * * *", 7, 5)
        );
    }

    #[test]
    fn firebase_netlify_and_plain_files() {
        let firebase = files(
            "firebase.json",
            r#"{"hosting":[{"headers":[{"source":"**","headers":[{"key":"X-A","value":"1"}]}]}]}"#,
        )
        .unwrap();
        assert_eq!(headers(&firebase), [("**", "X-A", "1", 1, 51)]);
        let netlify = files(
            "netlify.toml",
            "[[headers]]\nfor = \"/*\"\n  [headers.values]\n  X-B = \"2\"\n  X-A = \"1\"\n",
        )
        .unwrap();
        assert_eq!(
            headers(&netlify),
            [("/*", "X-B", "2", 4, 3), ("/*", "X-A", "1", 5, 3)]
        );
        let plain = files("public/_headers", "# c\n/*\n  X-A: a:b\n").unwrap();
        assert_eq!(headers(&plain), [("/*", "X-A", "a:b", 3, 1)]);
    }

    #[test]
    fn broken_files_say_why() {
        let why = |path, text: &str| files(path, text).unwrap_err().reason;
        assert!(why("vercel.json", "{").starts_with("not valid JSON"));
        assert!(why("netlify.toml", "a = ").starts_with("not valid TOML"));
        assert!(why("vercel.json", &"[".repeat(9_000)).starts_with("nested"));
        assert!(why("netlify.toml", &"[".repeat(9_000)).starts_with("nested"));
        let dotted = format!("{}b = 1", "a.".repeat(100_000));
        let table = format!("[{}b]", "a.".repeat(100_000));
        for text in [dotted, table] {
            assert!(files("netlify.toml", &text).is_err());
        }
    }
}
