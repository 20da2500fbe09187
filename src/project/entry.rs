//! Which file of a workspace package an import of it reaches: `exports`, `imports`, `main`, and the sources behind build
//! output that is not in the checkout.

use serde_json::Value;

use crate::source::RepoPath;

use super::candidates::Files;

/// Nested conditions deeper than this are not looked into.
const MAX_CONDITIONS: usize = 8;

/// How likely a server bundle takes a condition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Every one does.
    Standard,
    /// It depends on the tool: `bun`, `source`, `development`, a name of the team's own.
    Custom,
    /// None does.
    Foreign,
}

/// The order in which places are tried.
const FITS: [Fit; 3] = [Fit::Standard, Fit::Custom, Fit::Foreign];

fn fit(condition: &str) -> Fit {
    match condition {
        "import" | "require" | "node" | "default" | "module" | "module-sync" | "production" => {
            Fit::Standard
        }
        "types" | "typings" | "browser" | "react-native" | "deno" | "worker" | "workerd"
        | "electron" | "svelte" | "test" | "vitest" | "jest" | "storybook" => Fit::Foreign,
        name if name.starts_with("types@") => Fit::Foreign,
        _ => Fit::Custom,
    }
}

/// Folders that a build writes.
const OUTPUT: [&str; 9] = [
    "dist", "build", "lib", "out", "es", "esm", "cjs", ".output", "output",
];

/// The parts of a manifest that say which file an import reaches.
pub(super) struct Entries {
    exports: Option<Value>,
    imports: Option<Value>,
    /// `source`, `module`, `main`, `types`, in the order in which they are tried.
    mains: Vec<String>,
}

/// What an entry of `imports` leads to.
pub(super) enum Imported {
    /// A file of the package.
    File(RepoPath),
    /// Another package, as a specifier.
    Package(String),
}

impl Entries {
    pub(super) fn of(json: &Value) -> Self {
        let mains = ["source", "module", "main", "types", "typings"];
        Self {
            exports: json.get("exports").cloned(),
            imports: json.get("imports").cloned(),
            mains: mains
                .iter()
                .filter_map(|key| json.get(*key).and_then(Value::as_str))
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// The file that `subpath` of the package in `folder` is; an empty subpath is the package itself.
pub(super) fn resolve(
    entries: &Entries,
    folder: &RepoPath,
    subpath: &str,
    files: &Files,
) -> Option<RepoPath> {
    if let Some(exports) = &entries.exports {
        let key = if subpath.is_empty() {
            String::from(".")
        } else {
            format!("./{subpath}")
        };
        let targets = matching(exports, &key, true);
        if let Some(file) = first_file(&targets, folder, files) {
            return Some(file);
        }
    } else if subpath.is_empty() {
        let targets: Vec<Target> = entries
            .mains
            .iter()
            .map(|main| Target {
                path: main.clone(),
                fit: if main.ends_with(".d.ts") {
                    Fit::Foreign
                } else {
                    Fit::Standard
                },
            })
            .collect();
        if let Some(file) = first_file(&targets, folder, files) {
            return Some(file);
        }
    }
    // Without `exports`, or where they do not speak of it: older tools look for the path itself, and sources lie in
    // `src` when only the build output is published.
    let tail = if subpath.is_empty() { "index" } else { subpath };
    let target = folder.join(tail);
    files
        .load(target.as_str())
        .or_else(|| source_of(&target, folder, files))
        .or_else(|| files.load(folder.join("src").join(tail).as_str()))
}

/// What `specifier` (`#name`) is in the package in `folder`.
pub(super) fn import(
    entries: &Entries,
    folder: &RepoPath,
    specifier: &str,
    files: &Files,
) -> Option<Imported> {
    let targets = matching(entries.imports.as_ref()?, specifier, false);
    if let Some(file) = first_file(&targets, folder, files) {
        return Some(Imported::File(file));
    }
    targets
        .into_iter()
        .find(|target| target.fit != Fit::Foreign && !target.path.starts_with('.'))
        .map(|target| Imported::Package(target.path))
}

/// A place that a manifest names, with the star filled in.
struct Target {
    path: String,
    fit: Fit,
}

/// The places under the best key for `wanted`, in the order of the file.
fn matching(map: &Value, wanted: &str, is_exports: bool) -> Vec<Target> {
    let mut targets = Vec::new();
    let by_path = map
        .as_object()
        .filter(|object| !is_exports || object.keys().any(|key| key.starts_with('.')));
    let Some(object) = by_path else {
        // `"exports": "./index.js"` and conditions at the top speak of the package itself.
        if is_exports && wanted == "." {
            collect(map, "", Fit::Standard, 0, &mut targets);
        }
        return targets;
    };
    if let Some(value) = object.get(wanted) {
        collect(value, "", Fit::Standard, 0, &mut targets);
        return targets;
    }
    let best = object
        .iter()
        .filter_map(|(key, value)| {
            // `./features/` is the old way to write `./features/*`.
            let (prefix, suffix) = match key.split_once('*') {
                Some(parts) => parts,
                None if key.ends_with('/') => (key.as_str(), ""),
                None => return None,
            };
            let star = wanted.strip_prefix(prefix)?.strip_suffix(suffix)?;
            (!star.is_empty()).then_some((prefix.len(), key, star, value))
        })
        .max_by_key(|(length, key, _, _)| (*length, key.len()));
    if let Some((_, _, star, value)) = best {
        collect(value, star, Fit::Standard, 0, &mut targets);
    }
    targets
}

fn collect(value: &Value, star: &str, outer: Fit, depth: usize, targets: &mut Vec<Target>) {
    if depth > MAX_CONDITIONS {
        return;
    }
    match value {
        Value::String(path) => {
            let path = if path.ends_with('/') {
                format!("{path}{star}")
            } else {
                path.replace('*', star)
            };
            targets.push(Target { path, fit: outer });
        }
        Value::Array(values) => {
            for value in values {
                collect(value, star, outer, depth + 1, targets);
            }
        }
        Value::Object(conditions) => {
            for (condition, value) in conditions {
                collect(value, star, outer.max(fit(condition)), depth + 1, targets);
            }
        }
        _ => {}
    }
}

/// The first place that is in the checkout, else the first whose source is, of the conditions that fit best.
fn first_file(targets: &[Target], folder: &RepoPath, files: &Files) -> Option<RepoPath> {
    let inside = |target: &Target| {
        let relative = target.path.strip_prefix("./").unwrap_or(&target.path);
        (!relative.starts_with("..")).then(|| folder.join(relative))
    };
    FITS.iter().find_map(|fit| {
        let places: Vec<RepoPath> = targets
            .iter()
            .filter(|target| target.fit == *fit)
            .filter_map(inside)
            .collect();
        // A declaration in the checkout is of less use than the source beside it.
        let load = || places.iter().find_map(|path| files.load(path.as_str()));
        let source = || {
            places
                .iter()
                .find_map(|path| source_of(path, folder, files))
        };
        match fit {
            Fit::Foreign => source().or_else(load),
            Fit::Standard | Fit::Custom => load().or_else(source),
        }
    })
}

/// The source that a missing file of build output is made from: `dist/a.js` from `src/a.ts` or `a.ts`.
pub(super) fn source_of(built: &RepoPath, folder: &RepoPath, files: &Files) -> Option<RepoPath> {
    let relative = built.strip_prefix(folder)?;
    let (first, rest) = relative.split_once('/')?;
    if !OUTPUT.contains(&first) {
        return None;
    }
    let stem = [
        ".d.ts", ".d.mts", ".d.cts", ".js", ".mjs", ".cjs", ".jsx", ".ts",
    ]
    .iter()
    .find_map(|extension| rest.strip_suffix(extension))
    .unwrap_or(rest);
    let inner = stem
        .split_once('/')
        .filter(|(first, _)| matches!(*first, "esm" | "cjs" | "es" | "src" | "types" | "node"))
        .map(|(_, inner)| inner);
    [Some(stem), inner].into_iter().flatten().find_map(|stem| {
        files
            .load(folder.join("src").join(stem).as_str())
            .or_else(|| files.load(folder.join(stem).as_str()))
    })
}
