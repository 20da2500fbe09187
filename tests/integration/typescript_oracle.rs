//! TypeScript itself as the judge: its parser and ours see the same imports, exports, requests and functions.
//!
//! The package comes from the npm registry once and stays in the target folder. Without Node, npm or the registry the
//! test says so and passes, unless `READINESS_ORACLE=required`. `READINESS_ORACLE_TREE` names a folder to compare as well.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use readiness::source::{RepoPath, SourceFile};
use readiness::syntax::{Imported, ModuleRecord, ParseOptions, Parsed, PatternSet, parse_module};

const VERSION: &str = "5.9.3";

#[derive(Deserialize)]
struct Outline {
    broken: bool,
    imports: Vec<String>,
    exports: Vec<String>,
    stars: Vec<String>,
    requests: Vec<String>,
    functions: usize,
}

#[test]
fn typescript_sees_what_we_see() {
    let mut files = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"),
        &mut files,
    );
    if let Some(tree) = std::env::var_os("READINESS_ORACLE_TREE") {
        collect(Path::new(&tree), &mut files);
    }
    assert!(files.len() > 3, "the fixtures are there");
    match outlines(&files) {
        Ok(outlines) => compare(&files, &outlines),
        Err(reason) => {
            assert!(
                std::env::var("READINESS_ORACLE").as_deref() != Ok("required"),
                "TypeScript {VERSION} could not be asked: {reason}"
            );
            // Past the test harness, which would hold the message back.
            let _ = writeln!(std::io::stderr(), "typescript_oracle: SKIPPED: {reason}");
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let walk = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !matches!(entry.file_name().to_str(), Some("node_modules" | ".git")));
    for entry in walk.filter_map(Result::ok) {
        let is_code = entry.path().extension().is_some_and(|extension| {
            ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"]
                .iter()
                .any(|each| extension == *each)
        });
        if is_code && entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
}

fn outlines(files: &[PathBuf]) -> Result<Vec<Outline>, String> {
    let package = install()?;
    let list = Path::new(env!("CARGO_TARGET_TMPDIR")).join("typescript-files.json");
    fs::write(&list, serde_json::to_vec(files).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/typescript.cjs");
    let output = Command::new("node")
        .args([&script, &package, &list])
        .output()
        .map_err(|error| format!("node does not start: {error}"))?;
    // From here on a failure is a failure: the package is there and the script is ours.
    assert!(
        output.status.success(),
        "the oracle's script failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout).expect("the script prints JSON"))
}

/// The folder of the `typescript` package, fetched when it is not there.
fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("typescript-{VERSION}"));
    let package = folder.join("node_modules/typescript");
    let done = folder.join("installed");
    if done.is_file() {
        return Ok(package);
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    fs::write(folder.join("package.json"), r#"{"private":true}"#)
        .map_err(|error| error.to_string())?;
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm)
        .current_dir(&folder)
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--fetch-retries=0",
            "--fetch-timeout=20000",
            &format!("typescript@{VERSION}"),
        ])
        .output()
        .map_err(|error| format!("npm does not start: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = text.lines().find(|line| line.contains("error"));
        return Err(format!("npm could not install it: {}", line.unwrap_or("")));
    }
    fs::write(done, VERSION).map_err(|error| error.to_string())?;
    Ok(package)
}

fn compare(files: &[PathBuf], outlines: &[Outline]) {
    let mut differences = Vec::new();
    let mut compared = 0;
    for (path, theirs) in files.iter().zip(outlines) {
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        };
        if theirs.broken {
            continue;
        }
        compared += 1;
        let name = path.to_string_lossy();
        let ours = parse(&name, text.trim_start_matches('\u{feff}'));
        let mut differ = |what: &str, ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug| {
            differences.push(format!(
                "{name}: {what}\n  ours   {ours:?}\n  theirs {theirs:?}"
            ));
        };
        if let Parsed::ExportsOnly(reason) = &ours.parsed {
            differ("not parsed", reason, &"fine");
            continue;
        }
        let mine = imports(&ours);
        if mine != theirs.imports {
            differ("imports", &mine, &theirs.imports);
        }
        let is_module = !text.contains("exports.") && !text.contains("module.exports");
        let mine: BTreeSet<&str> = ours.exports.iter().map(|each| &*each.name).collect();
        if is_module
            && !mine
                .iter()
                .eq(theirs.exports.iter().collect::<BTreeSet<_>>())
        {
            differ("exports", &mine, &theirs.exports);
        }
        let mine: BTreeSet<&str> = ours.star_exports.iter().map(|each| &**each).collect();
        if !mine.iter().eq(theirs.stars.iter().collect::<BTreeSet<_>>()) {
            differ("star exports", &mine, &theirs.stars);
        }
        let mine: BTreeSet<&str> = ours.requests.iter().map(|each| &*each.specifier).collect();
        if !mine
            .iter()
            .eq(theirs.requests.iter().collect::<BTreeSet<_>>())
        {
            differ("requests", &mine, &theirs.requests);
        }
        let has_bodies = !ours.use_client && !name.contains(".d.");
        if has_bodies && ours.functions.len() - 1 != theirs.functions {
            differ("functions", &(ours.functions.len() - 1), &theirs.functions);
        }
    }
    assert!(compared * 10 >= files.len() * 9, "most files are compared");
    differences.truncate(20);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn parse(path: &str, text: &str) -> ModuleRecord {
    let patterns = PatternSet::default();
    let file = SourceFile::new(RepoPath::new(path), text);
    parse_module(
        &file,
        ParseOptions {
            patterns: &patterns,
        },
    )
}

fn imports(record: &ModuleRecord) -> Vec<String> {
    let mut imports: Vec<String> = record
        .imports
        .iter()
        .map(|import| {
            let imported = match &import.imported {
                Imported::Named(name) => record.name(*name),
                Imported::Default => "default",
                Imported::Namespace => "*",
            };
            let type_only = if import.type_only { "type " } else { "" };
            let local = record.name(import.local);
            format!("{type_only}{local}={imported}@{}", import.specifier)
        })
        .collect();
    imports.sort();
    imports
}
