//! The program as a process: exit codes, streams, errors, the README's own console blocks, and the same bytes every time.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Variables that change what the program prints.
const NOISE: [&str; 8] = [
    "CI",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "COLUMNS",
    "RUST_BACKTRACE",
    "RAYON_NUM_THREADS",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program in an environment without noise.
fn readiness() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_readiness"));
    for name in NOISE {
        command.env_remove(name);
    }
    command.current_dir(root());
    command
}

fn run(arguments: &[&str]) -> Output {
    readiness().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn command_line_cases_and_the_readme() {
    let cases = trycmd::TestCases::new();
    for name in NOISE {
        // An empty NO_COLOR counts as absent, and so does an empty COLUMNS.
        cases.env(name, "");
    }
    cases.case("tests/cmd/*.md").case("README.md");
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// An application in which nothing fails the gate but the handler's missing limit.
fn small() -> tempfile::TempDir {
    folder(&[
        (
            "package.json",
            r#"{ "name": "small", "dependencies": { "next": "15.1.0" } }"#,
        ),
        (
            "app/api/ping/route.ts",
            "export function GET() {\n  return Response.json({ ok: true });\n}\n",
        ),
    ])
}

#[test]
fn the_gate_decides_the_exit_code_and_the_format_does_not() {
    let sample = ["audit", "fixtures/sample"];
    for format in [
        "terminal", "json", "sarif", "markdown", "html", "github", "junit", "gitlab", "badge",
        "shields",
    ] {
        for (gate, code) in [
            (vec!["--fail-on", "never"], 0),
            (vec!["--fail-on", "critical"], 1),
            (vec!["--fail-on", "never", "--min-score", "100"], 1),
            (vec!["--fail-on", "never", "--min-score", "0"], 0),
        ] {
            let arguments = [&sample[..], &["--format", format], &gate].concat();
            let output = run(&arguments);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}");
            let errors = text(&output.stderr);
            assert_eq!(errors.contains("gate failed: "), code == 1, "{errors}");
        }
    }
    let quiet = run(&["audit", "fixtures/sample", "--quiet"]);
    assert_eq!(quiet.status.code(), Some(1));
    assert_eq!(text(&quiet.stderr), "");
}

#[test]
fn a_result_file_that_is_not_there_is_named_and_fails_nothing() {
    let folder = small();
    let path = folder.path().to_str().unwrap();
    let config = folder.path().join("readiness.toml");
    std::fs::write(&config, "[measure]\ncoverage = \"coverage/lcov.info\"\n").unwrap();
    let audit = run(&["audit", path, "--fail-on", "never"]);
    assert_eq!(audit.status.code(), Some(0));
    let said = "coverage/lcov.info: not there; `coverage` of [measure] names it";
    assert!(text(&audit.stderr).contains(said));
    assert!(text(&audit.stdout).contains("Not examined"));
    std::fs::write(&config, "[measure]\ncoverage = \"../lcov.info\"\n").unwrap();
    let refused = run(&["audit", path]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("below the audited folder"));
}

#[test]
fn other_roadmaps_and_applications_are_told_apart() {
    let folder = small();
    let path = folder.path().to_str().unwrap();
    let baseline = folder.path().join("readiness-baseline.json");
    let baseline = baseline.to_str().unwrap();
    assert_eq!(run(&["baseline", path]).status.code(), Some(0));
    let held = run(&["audit", path, "--baseline", baseline, "--roadmap", "vox"]);
    assert!(
        text(&held.stderr)
            .contains("was written by the roadmap standard, and this audit follows vox")
    );
    let report = |roadmap: &str| {
        let file = folder.path().join(format!("{roadmap}.json"));
        let file = file.to_str().unwrap().to_owned();
        let format = ["--format", "json", "--output", &file, "--roadmap", roadmap];
        let mut arguments = vec!["audit", path, "--fail-on", "never"];
        arguments.extend(format);
        assert_eq!(run(&arguments).status.code(), Some(0));
        file
    };
    let diff = run(&["diff", &report("standard"), &report("vox")]);
    let told = text(&diff.stdout).replace('\n', " ");
    assert!(
        told.contains("by the roadmap standard and then by vox"),
        "{told}"
    );
    assert!(told.contains("cannot be compared"), "{told}");

    // A rule that the roadmap does not list is no score.
    let only = ["audit", path, "--only", "audit-log", "--format", "json"];
    let report: serde_json::Value = serde_json::from_slice(&run(&only).stdout).unwrap();
    assert_eq!(report["apps"][0]["score"], serde_json::Value::Null);
    assert_eq!(report["apps"][0]["grade"], serde_json::Value::Null);
    // Nothing else was counted either.
    let metrics = report["apps"][0]["metrics"].as_array().unwrap();
    let counted = |name: &str| metrics.iter().any(|metric| metric["name"] == name);
    assert!(counted("handlers") && !counted("select * queries"));
    let only = run(&["audit", path, "--only", "audit-log"]);
    assert!(text(&only.stdout).contains("nothing of the roadmap was judged"));
}

#[test]
fn reports_of_different_applications_are_not_taken_for_one() {
    let report = |folder: &tempfile::TempDir| {
        let path = folder.path().to_str().unwrap();
        let file = folder.path().join("report.json");
        let file = file.to_str().unwrap().to_owned();
        let format = ["--format", "json", "--output", &file, "--fail-on", "never"];
        let arguments = [&["audit", path][..], &format].concat();
        assert_eq!(run(&arguments).status.code(), Some(0));
        file
    };
    let app = |root: &str, name: &str| {
        let manifest = format!(r#"{{ "name": "{name}", "dependencies": {{ "next": "15.1.0" }} }}"#);
        let route = "export function GET() {\n  return Response.json({ ok: true });\n}\n";
        folder(&[
            (&format!("{root}package.json"), &manifest),
            (&format!("{root}app/api/ping/route.ts"), route),
        ])
    };
    let (one, other, elsewhere) = (app("", "one"), app("", "other"), app("apps/web/", "one"));
    let told = |old: &str, new: &str| {
        let diff = run(&["diff", old, new]);
        assert_eq!(diff.status.code(), Some(0));
        text(&diff.stdout)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let same = told(&report(&one), &report(&one));
    assert!(
        !same.contains("two applications") && same.contains("0 new"),
        "{same}"
    );
    let renamed = told(&report(&one), &report(&other));
    assert!(renamed.contains("was `one` and is `other`"), "{renamed}");
    let moved = told(&report(&one), &report(&elsewhere));
    assert!(
        moved.contains("reports have no application in common"),
        "{moved}"
    );
    assert!(moved.contains("a new application"), "{moved}");
    assert!(moved.contains("the application is gone"), "{moved}");
}

#[test]
fn a_baseline_keeps_the_gate_quiet_until_something_new_comes() {
    let folder = small();
    let path = folder.path().to_str().unwrap();
    let route = |name: &str| {
        let file = folder.path().join(format!("app/api/{name}/route.ts"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = "import { Pool } from \"pg\";\nexport async function DELETE() {\n  \
                    await new Pool().query(\"delete from notes\");\n  return new Response();\n}\n";
        std::fs::write(file, text).unwrap();
    };
    route("notes");
    route("tags");
    let baseline = folder.path().join("readiness-baseline.json");
    let baseline = baseline.to_str().unwrap();
    let audit = || run(&["audit", path, "--baseline", baseline]);
    let missing = audit();
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("`readiness baseline` writes one"));
    let written = run(&["baseline", path]);
    assert_eq!(written.status.code(), Some(0));
    assert_eq!(text(&written.stdout), "");
    assert!(text(&written.stderr).contains("findings accepted"));
    assert_eq!(audit().status.code(), Some(0));
    route("users");
    let failed = audit();
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).contains("1 new finding of severity high or worse"));
    let told = text(&failed.stdout);
    assert!(
        told.contains("DELETE /api/users does not check who is calling"),
        "{told}"
    );
    assert!(!told.contains("DELETE /api/notes does not check"), "{told}");
    std::fs::remove_dir_all(folder.path().join("app/api/notes")).unwrap();
    let pruned = run(&["baseline", path, "--prune"]);
    assert!(text(&pruned.stderr).contains("fixed and taken out"));
    route("notes");
    std::fs::remove_dir_all(folder.path().join("app/api/users")).unwrap();
    assert_eq!(
        audit().status.code(),
        Some(1),
        "what was fixed cannot come back"
    );
}

#[test]
fn standard_output_carries_the_report_and_nothing_else() {
    let output = run(&["audit", "fixtures/sample", "--format", "json", "-v"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema"], "readiness/audit/1");
    assert!(text(&output.stderr).contains("time: "));
    let output = run(&["routes", "fixtures/sample", "--format", "json"]);
    let routes: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(routes["schema"], "readiness/routes/1");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn reports_go_into_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (json, terminal) = (file("audit.json"), file("audit.txt"));
    let output = run(&[
        "audit",
        "fixtures/sample",
        "--fail-on=never",
        "--output",
        &terminal,
        "--report",
        &format!("json={json}"),
    ]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "");
    let plain = run(&["audit", "fixtures/sample", "--fail-on=never"]);
    assert_eq!(std::fs::read(&terminal).unwrap(), plain.stdout);
    let same = run(&[
        "audit",
        "fixtures/sample",
        "--fail-on=never",
        "--format=json",
    ]);
    assert_eq!(std::fs::read(&json).unwrap(), same.stdout);
    let nowhere = file("no/such/folder/audit.json");
    let output = run(&["audit", "fixtures/sample", "--output", &nowhere]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("audit.json"));
}

#[test]
fn nothing_to_audit_is_exit_code_three() {
    let empty = folder(&[("readme.txt", "nothing here")]);
    let output = run(&["audit", empty.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    let errors = text(&output.stderr);
    assert!(errors.contains("nothing to audit at "), "{errors}");
    assert!(errors.contains("package.json"), "{errors}");
    assert_eq!(run(&["routes", "/no/such/folder"]).status.code(), Some(3));
}

#[test]
fn mistakes_in_the_configuration_show_their_line() {
    let broken = small();
    let path = broken.path().join("readiness.toml");
    std::fs::write(
        &path,
        "[gate]\nfail-no = \"high\"\n\n[rules.route-atuh]\nseverity = \"low\"\n",
    )
    .unwrap();
    let output = run(&["audit", broken.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    assert!(errors.starts_with("error: "), "{errors}");
    assert!(errors.contains("has 2 mistakes"), "{errors}");
    assert!(errors.contains("did you mean `fail-on`?"), "{errors}");
    assert!(errors.contains("did you mean `route-auth`?"), "{errors}");
    assert!(errors.contains("2 │ fail-no = \"high\""), "{errors}");
    assert!(!errors.contains('\x1b'), "no colour into a pipe");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = readiness()
        .args(["routes", "fixtures/sample", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{errors}");
    assert_eq!(errors, "");
    let mut child = readiness()
        .args(["audit", "fixtures/sample", "--quiet"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(
        child.wait().unwrap().code(),
        Some(1),
        "the gate's word stays"
    );
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let colored = |arguments: &[&str], no_color: bool| {
        let mut command = readiness();
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let output = command.args(arguments).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!colored(&["routes", "fixtures/sample"], false));
    assert!(!colored(
        &["routes", "fixtures/sample", "--color", "never"],
        false
    ));
    assert!(colored(
        &["routes", "fixtures/sample", "--color", "always"],
        false
    ));
    assert!(!colored(&["routes", "fixtures/sample"], true));
}

/// What the sample was written to show. Snapshots would take a wrong verdict as readily as a right one.
#[test]
fn the_sample_says_what_it_was_written_to_say() {
    let output = run(&["routes", "fixtures/sample", "--format=json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = value["apps"][0]["routes"].as_array().unwrap();
    for line in [
        "POST /api/contact         none     none        manual uncaught none       untested",
        "GET /api/cron/digest      enforced none        na     caught   structured untested",
        "DELETE /api/notes/[id]    enforced conditional na     uncaught none       untested",
        "GET /api/notes            enforced none        na     uncaught none       untested",
        "POST /api/notes           enforced none        schema caught   structured tested",
        "GET /api/search           enforced enforced    schema caught   structured untested",
        "POST /api/summary         enforced none        none   caught   console    untested",
        "POST /api/webhooks/stripe none     none        none   uncaught none       untested",
        "createNote -              enforced none        schema uncaught none       untested",
        "archiveNote -             none     none        none   uncaught none       untested",
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let found = rows.iter().find(|row| {
            row["method"] == words[0] && row["route"].as_str().unwrap_or("-") == words[1]
        });
        let controls = &found.unwrap_or_else(|| panic!("{line}"))["controls"];
        let statuses: Vec<&str> = controls
            .as_object()
            .unwrap()
            .values()
            .map(|control| control["status"].as_str().unwrap())
            .collect();
        assert_eq!(statuses, words[2..], "{line}");
    }
}

#[test]
fn nothing_passes_the_edge_of_the_terminal() {
    for width in ["60", "80", "120", "180"] {
        for arguments in [
            vec!["audit", "fixtures"],
            vec!["audit", "fixtures/sample", "-v"],
            vec!["routes", "fixtures"],
            vec!["routes", "fixtures/sample", "--why", "GET /api/search"],
            vec!["rules"],
        ] {
            let mut command = readiness();
            let output = command
                .args(&arguments)
                .env("COLUMNS", width)
                .output()
                .unwrap();
            for line in text(&output.stdout).lines() {
                let is_command = line.starts_with("  readiness ");
                let fits = line.chars().count() <= width.parse::<usize>().unwrap();
                assert!(is_command || fits, "{arguments:?} at {width}: {line}");
            }
        }
    }
}

#[test]
fn one_application_of_several() {
    let page = "export function GET() { return new Response(); }\n";
    let two = folder(&[
        ("package.json", r#"{ "workspaces": ["apps/*"] }"#),
        (
            "apps/one/package.json",
            r#"{ "name": "one", "dependencies": { "next": "15.1.0" } }"#,
        ),
        ("apps/one/app/api/one/route.ts", page),
        (
            "apps/two/package.json",
            r#"{ "name": "two", "dependencies": { "next": "15.1.0" } }"#,
        ),
        ("apps/two/app/api/two/route.ts", page),
    ]);
    let path = two.path().to_str().unwrap();
    let roots = |arguments: &[&str]| {
        let output = run(arguments);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let apps = report["apps"].as_array().unwrap().clone();
        let roots = apps
            .into_iter()
            .map(|app| app["root"].as_str().unwrap().to_owned());
        roots.collect::<Vec<String>>()
    };
    for command in ["audit", "routes"] {
        assert_eq!(
            roots(&[command, path, "--format=json"]),
            ["apps/one", "apps/two"]
        );
        assert_eq!(
            roots(&[command, path, "--format=json", "--app=./apps/two/"]),
            ["apps/two"]
        );
        let output = run(&[command, path, "--app", "apps/three"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("found: apps/one, apps/two"));
    }
}

#[test]
fn init_writes_a_file_that_holds_and_never_replaces_one() {
    let app = small();
    let path = app.path().to_str().unwrap();
    let file = app.path().join("readiness.toml");
    let output = run(&["init", path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("found small in .: next 15.1.0"));
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("#   small in .: next 15.1.0"), "{written}");
    assert_eq!(
        run(&["audit", path, "--fail-on=never"]).status.code(),
        Some(0)
    );

    // With the leading `# ` gone from every example, the file is still right.
    let examples = written
        .split("\n# [rules.")
        .nth(1)
        .map(|rest| format!("# [rules.{rest}"))
        .unwrap();
    let keys = examples
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.starts_with('[') || line.contains(" = "));
    let all = keys
        .collect::<Vec<_>>()
        .join("\n")
        .replace("on-call", "route-auth");
    std::fs::write(&file, all).unwrap();
    // The functions of the examples are not there, and then they are.
    let output = run(&["audit", path, "--fail-on=never"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nothing exports `requireWorkspaceMember`"));
    let functions = "export function requireWorkspaceMember() {}\nexport const withPermission = (f: unknown) => f;\n";
    std::fs::create_dir_all(app.path().join("lib")).unwrap();
    std::fs::write(app.path().join("lib/auth.ts"), functions).unwrap();
    let output = run(&["audit", path, "--fail-on=never"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));

    std::fs::write(&file, "# ours\n").unwrap();
    let output = run(&["init", path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--force"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# ours\n");
    assert_eq!(run(&["init", path, "--force"]).status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
}

#[test]
fn every_command_that_a_report_proposes_works() {
    let output = run(&["audit", "fixtures/sample"]);
    let report = text(&output.stdout);
    let mut proposed = 0;
    for line in report.lines() {
        let Some(command) = line.strip_prefix("  readiness ") else {
            continue;
        };
        // The report quotes a route with double quotes, and nothing else.
        let mut arguments: Vec<&str> = Vec::new();
        for (at, part) in command.split('"').enumerate() {
            if at % 2 == 1 {
                arguments.push(part);
            } else {
                arguments.extend(part.split_whitespace());
            }
        }
        let output = run(&arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{line}: {}",
            text(&output.stderr)
        );
        assert!(!output.stdout.is_empty(), "{line}");
        proposed += 1;
    }
    assert_eq!(proposed, 4, "{report}");
}

#[test]
fn the_json_of_routes_and_rules_fits_the_shipped_schemas() {
    for (schema, arguments) in [
        ("audit-1", vec!["audit", "fixtures/sample", "--format=json"]),
        (
            "routes-1",
            vec!["routes", "fixtures/sample", "--format=json"],
        ),
        ("rules-1", vec!["rules", "--format=json"]),
    ] {
        let path = root().join(format!("schemas/{schema}.schema.json"));
        let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let value = serde_json::from_slice(&run(&arguments).stdout).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{arguments:?}: {errors:?}");
    }
}

/// The keys that scripts rely on, in the shape that was promised.
#[test]
fn a_row_of_the_route_table_has_the_promised_keys() {
    let output = run(&["routes", "fixtures/sample", "--format=json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let app = &value["apps"][0];
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(app), ["root", "framework", "version", "routes"]);
    assert_eq!(
        (&app["framework"], &app["version"]),
        (&"next".into(), &"15.1.0".into())
    );
    let rows = app["routes"].as_array().unwrap();
    assert_eq!(rows.len(), 11);
    for row in rows {
        assert_eq!(
            keys(row),
            [
                "file", "route", "kind", "method", "line", "public", "controls"
            ]
        );
        assert_eq!(keys(&row["public"]), ["declared", "guess", "why"]);
        let controls = row["controls"].as_object().unwrap();
        let names: Vec<&String> = controls.keys().collect();
        assert_eq!(
            names,
            [
                "auth",
                "rate_limit",
                "validation",
                "error_handling",
                "logging",
                "tests"
            ]
        );
        for (name, control) in controls {
            let expected: &[&str] = if name == "rate_limit" {
                &["status", "limit", "confidence", "evidence"]
            } else {
                &["status", "confidence", "evidence"]
            };
            assert_eq!(keys(control), expected);
            for step in control["evidence"].as_array().unwrap() {
                assert_eq!(keys(step), ["file", "line", "note"]);
            }
        }
    }
    let search = rows
        .iter()
        .find(|row| row["route"] == "/api/search")
        .unwrap();
    assert_eq!(search["controls"]["rate_limit"]["limit"], "30/1m");
    assert_eq!(search["controls"]["auth"]["status"], "enforced");
    let action = rows
        .iter()
        .find(|row| row["method"] == "archiveNote")
        .unwrap();
    assert_eq!(
        (&action["kind"], &action["route"]),
        (&"action".into(), &serde_json::Value::Null)
    );
}

#[test]
fn the_same_bytes_on_every_run_and_any_number_of_threads() {
    // All fixtures together are one repository with many applications.
    for path in ["fixtures", "fixtures/sample"] {
        for command in ["audit", "routes"] {
            for format in ["json", "terminal"] {
                let once = |threads: &str| {
                    let output = run(&[command, path, "--format", format, "--threads", threads]);
                    (output.status.code(), output.stdout, text(&output.stderr))
                };
                let first = once("2");
                let (code, _, errors) = &first;
                assert!(matches!(code, Some(0 | 1)), "{path}: {code:?} {errors}");
                assert_eq!(first, once("2"), "{command} {path}: two runs differ");
                assert_eq!(
                    first,
                    once("1"),
                    "{command} {path}: one and two threads differ"
                );
            }
        }
    }
}

#[test]
fn shells_are_given_the_rules_and_every_command_has_a_page() {
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&run(&["completions", shell]).stdout);
        assert!(script.contains("route-rate-limit"), "{shell}");
    }
    let page = text(&run(&["man", "baseline"]).stdout);
    assert!(
        page.contains("readiness\\-baseline \\- Accept today"),
        "{page}"
    );
    assert!(page.contains("\\-\\-config"), "{page}");
}
