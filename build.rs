//! Embeds `rules/`, one list of (path below `rules/`, text, the same as JSON), `rules/controls/` included, in the order of the
//! paths; and of every rule's fixtures the pair of files that `readiness explain` shows.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let rules = Path::new(&manifest).join("rules");
    let mut files = Vec::new();
    let mut folders = vec![rules.clone()];
    while let Some(folder) = folders.pop() {
        println!("cargo:rerun-if-changed={}", folder.display());
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "toml") {
                println!("cargo:rerun-if-changed={}", path.display());
                files.push(path);
            }
        }
    }
    let name = |path: &PathBuf| {
        let below = path.strip_prefix(&rules).unwrap_or(path);
        below.to_string_lossy().replace('\\', "/")
    };
    files.sort_by_key(name);
    let mut list = String::from("&[\n");
    for path in &files {
        let _ = writeln!(
            list,
            "({:?}, include_str!({:?}), {:?}),",
            name(path),
            path.display().to_string(),
            as_json(path)
        );
    }
    list.push_str("]\n");
    let out = env::var("OUT_DIR").unwrap_or_default();
    if let Err(error) = fs::write(Path::new(&out).join("rules.rs"), list) {
        println!("cargo::error=cannot write the list of rules: {error}");
    }
    let list = examples(&Path::new(&manifest).join("fixtures/rules"));
    if let Err(error) = fs::write(Path::new(&out).join("examples.rs"), list) {
        println!("cargo::error=cannot write the list of examples: {error}");
    }
}

/// A TOML file as JSON, which is read several times as fast; nothing where it is no TOML, which whoever reads it will say.
fn as_json(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let table: Option<toml::Table> = text.parse().ok();
    table
        .and_then(|table| serde_json::to_string(&table).ok())
        .unwrap_or_default()
}

/// `(rule, bad path, bad text, good path, good text)` of every rule: the file with the guilty line and what it became; where no
/// line is guilty, because something is missing, the file that was added or changed. A path or a text may be empty. Where
/// another pair tells more, `SHOW` in the rule's folder names it: `bad: lib/a.ts`, `good: lib/b.ts`.
fn examples(fixtures: &Path) -> String {
    let mut list = String::from("&[\n");
    println!("cargo:rerun-if-changed={}", fixtures.display());
    for folder in entries(fixtures) {
        let Some(id) = folder.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let (bad, good) = (Side::new(&folder, "bad"), Side::new(&folder, "good"));
        let (bad_path, good_path) = shown(&folder).unwrap_or_else(|| pair(id, &bad, &good));
        if good_path.is_empty() {
            continue;
        }
        // What a test wants to know of a line is no part of the example.
        let text = |side: &Side, path: &str| {
            let text = side.file(path).unwrap_or_default();
            let text = text.replace(" /* sure */", "").replace(" /* unsure */", "");
            format!("{text:?}")
        };
        let _ = writeln!(
            list,
            "({id:?}, {bad_path:?}, {}, {good_path:?}, {}),",
            text(&bad, &bad_path),
            text(&good, &good_path)
        );
    }
    list.push_str("]\n");
    list
}

/// One half of a rule's fixtures: its files with their texts, by path.
struct Side {
    files: Vec<(String, String)>,
}

impl Side {
    fn new(folder: &Path, side: &str) -> Self {
        let folder = folder.join(side);
        let files = files(&folder).into_iter().map(|file| {
            let path = file.strip_prefix(&folder).unwrap_or(&file);
            let path = path.to_string_lossy().replace('\\', "/");
            (path, fs::read_to_string(&file).unwrap_or_default())
        });
        Self {
            files: files.collect(),
        }
    }

    fn file(&self, path: &str) -> Option<&str> {
        let file = self.files.iter().find(|(name, _)| name == path);
        file.map(|(_, text)| text.as_str())
    }
}

/// What `SHOW` says.
fn shown(folder: &Path) -> Option<(String, String)> {
    let file = folder.join("SHOW");
    println!("cargo:rerun-if-changed={}", file.display());
    let text = fs::read_to_string(file).ok()?;
    let path = |side: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(side));
        line.unwrap_or_default().trim().to_owned()
    };
    Some((path("bad:"), path("good:")))
}

/// The two files that say most.
fn pair(id: &str, bad: &Side, good: &Side) -> (String, String) {
    let mark = format!("~ {id}");
    let marked = |text: &str| text.lines().any(|line| line.ends_with(&mark));
    let mut guilty = bad.files.iter().filter(|(_, text)| marked(text));
    let put_right = guilty.clone().find(|(path, _)| good.file(path).is_some());
    if let Some((path, _)) = put_right {
        return (path.clone(), path.clone());
    }
    if let Some((path, _)) = guilty.next() {
        let name = path.rsplit('/').next();
        let same_name = good
            .files
            .iter()
            .find(|(other, _)| other.rsplit('/').next() == name);
        return same_name.map_or_else(Default::default, |(other, _)| (path.clone(), other.clone()));
    }
    let is_new = |(path, _): &&(String, String)| bad.file(path).is_none();
    if let Some((path, _)) = good.files.iter().find(is_new) {
        return (String::new(), path.clone());
    }
    let mut files = good.files.iter();
    let changed = files.find(|(path, text)| bad.file(path) != Some(text));
    changed.map_or_else(Default::default, |(path, _)| (path.clone(), path.clone()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            println!("cargo:rerun-if-changed={}", path.display());
            found.push(path);
        }
    }
    found
}
