//! Embeds `rules/`, one list of (path below `rules/`, text), `rules/controls/` included; and of every rule's fixtures the
//! file with the guilty line and the same file put right, for `readiness explain`.

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
    files.sort();
    let mut list = String::from("&[\n");
    for path in &files {
        let name = path
            .strip_prefix(&rules)
            .unwrap_or(path)
            .to_string_lossy()
            .replace('\\', "/");
        let _ = writeln!(
            list,
            "({name:?}, include_str!({:?})),",
            path.display().to_string()
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

/// `(rule, bad path, bad text, good path, good text)` of every rule whose fixtures mark a line.
fn examples(fixtures: &Path) -> String {
    let mut list = String::from("&[\n");
    println!("cargo:rerun-if-changed={}", fixtures.display());
    for folder in entries(fixtures) {
        let Some(id) = folder.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let (bad, good) = (files(&folder.join("bad")), files(&folder.join("good")));
        let marked = bad.iter().find(|file| {
            let text = fs::read_to_string(file).unwrap_or_default();
            text.lines().any(|line| line.ends_with(&format!("~ {id}")))
        });
        let Some(marked) = marked else {
            continue;
        };
        let below = |file: &Path, side: &str| {
            let path = file.strip_prefix(folder.join(side)).unwrap_or(file);
            path.to_string_lossy().replace('\\', "/")
        };
        let path = below(marked, "bad");
        let same_place = good.iter().find(|file| below(file, "good") == path);
        let right = same_place.or_else(|| {
            good.iter()
                .find(|file| file.file_name() == marked.file_name())
        });
        let Some(right) = right else {
            continue;
        };
        let _ = writeln!(
            list,
            "({id:?}, {path:?}, include_str!({:?}), {:?}, include_str!({:?})),",
            marked.display().to_string(),
            below(right, "good"),
            right.display().to_string()
        );
    }
    list.push_str("]\n");
    list
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
