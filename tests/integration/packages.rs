//! What people install and run elsewhere: the npm packages, the action, the hooks.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

/// This system as the packages call it; `None` where none is made for it.
fn system() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("linux-x64"),
        ("linux", "aarch64") => Some("linux-arm64"),
        ("macos", "x86_64") => Some("darwin-x64"),
        ("macos", "aarch64") => Some("darwin-arm64"),
        _ => None,
    }
}

fn has(program: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| output.status.success())
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn packed(package: &Path, into: &Path) -> PathBuf {
    let output = done(
        Command::new("npm")
            .args(["pack", "--silent", "--pack-destination"])
            .arg(into)
            .current_dir(package),
    );
    let name = String::from_utf8(output.stdout).unwrap();
    into.join(name.trim())
}

#[test]
fn the_npm_packages_install_offline_and_run() {
    let Some(system) = system().filter(|_| has("npm") && has("node")) else {
        eprintln!("skipped: npm is not installed, or there is no package for this system");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("npm");
    done(
        Command::new("node")
            .arg(root().join("npm/build.mjs"))
            .arg("--out")
            .arg(&out)
            .arg(format!("{system}={}", env!("CARGO_BIN_EXE_readiness"))),
    );
    let tarballs = folder.path().join("tarballs");
    std::fs::create_dir(&tarballs).unwrap();
    let program = packed(&out.join(format!("cli-{system}")), &tarballs);
    let launcher = packed(&out.join("cli"), &tarballs);
    let clean = folder.path().join("clean");
    std::fs::create_dir(&clean).unwrap();
    std::fs::write(clean.join("package.json"), "{ \"private\": true }").unwrap();
    done(
        Command::new("npm")
            .args([
                "install",
                "--offline",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--silent",
            ])
            .arg("--cache")
            .arg(folder.path().join("cache"))
            .args([&program, &launcher])
            .current_dir(&clean),
    );
    let run = |arguments: &[&str]| {
        Command::new("npx")
            .args(["--offline", "--no-install", "readiness"])
            .args(arguments)
            .current_dir(&clean)
            .output()
            .unwrap()
    };
    let version = run(&["--version"]);
    assert_eq!(
        String::from_utf8_lossy(&version.stdout).trim(),
        format!("readiness {}", env!("CARGO_PKG_VERSION"))
    );
    let sample = root().join("fixtures/sample");
    let audit = run(&["audit", sample.to_str().unwrap(), "--format", "json"]);
    assert_eq!(
        audit.status.code(),
        Some(1),
        "the launcher hands the exit code on"
    );
    let report: serde_json::Value = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!(report["schema"], "readiness/audit/1");
    assert!(
        clean
            .join("node_modules/@readiness-audit/cli/schemas")
            .is_dir()
    );

    // Without the program there is a sentence that helps.
    std::fs::remove_dir_all(clean.join(format!("node_modules/@readiness-audit/cli-{system}")))
        .unwrap();
    let missing = run(&["--version"]);
    assert_eq!(missing.status.code(), Some(4));
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(
        said.contains("Install with optional dependencies"),
        "{said}"
    );
}

/// The shell texts of a workflow or an action.
fn scripts(yaml: &str) -> Vec<String> {
    let mut scripts = Vec::new();
    let mut lines = yaml.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((before, rest)) = line.split_once("run: ") else {
            continue;
        };
        if rest != "|" {
            scripts.push(rest.to_owned());
            continue;
        }
        let indent = before.len();
        let mut script = String::new();
        while let Some(next) = lines
            .next_if(|next| next.trim().is_empty() || next.len() - next.trim_start().len() > indent)
        {
            script.push_str(next);
            script.push('\n');
        }
        scripts.push(script);
    }
    scripts
}

#[test]
fn no_input_of_the_action_is_pasted_into_its_scripts() {
    let action = read("action.yml");
    let scripts = scripts(&action);
    assert!(scripts.len() >= 5);
    for script in scripts {
        assert!(!script.contains("${{"), "{script}");
    }
    // Every input is used, and every input that is used is declared.
    let (inputs, runs) = action.split_once("\nruns:").unwrap();
    for line in inputs
        .split("\ninputs:")
        .nth(1)
        .unwrap()
        .split("\noutputs:")
        .next()
        .unwrap()
        .lines()
    {
        if let Some(name) = line
            .strip_prefix("  ")
            .and_then(|name| name.strip_suffix(':'))
            && !name.starts_with(' ')
        {
            assert!(runs.contains(&format!("inputs.{name}")), "{name}");
        }
    }
}

#[test]
fn the_scripts_of_the_action_are_shell() {
    if !has("bash") {
        eprintln!("skipped: bash is not installed");
        return;
    }
    let texts = [
        "action.yml",
        ".github/workflows/release.yml",
        ".github/workflows/ci.yml",
    ];
    for script in texts.iter().flat_map(|file| scripts(&read(file))) {
        // What GitHub fills in is a word to the shell.
        let mut plain = String::new();
        let mut rest = script.as_str();
        while let Some((before, after)) = rest.split_once("${{") {
            plain.push_str(before);
            plain.push('x');
            rest = after.split_once("}}").unwrap().1;
        }
        plain.push_str(rest);
        done(Command::new("bash").args(["-n", "-c", &plain]));
    }
}

#[test]
fn the_arguments_of_action_and_hooks_exist() {
    let help = |command: &str| {
        let output = done(Command::new(env!("CARGO_BIN_EXE_readiness")).args([command, "--help"]));
        String::from_utf8(output.stdout).unwrap()
    };
    let audit = help("audit");
    for file in [
        "action.yml",
        ".pre-commit-hooks.yaml",
        "docs/continuous-integration.md",
    ] {
        let text = read(file);
        for line in text.lines() {
            let told = match line.split_once("readiness audit") {
                Some((_, told)) => told,
                None if line.contains("arguments") => line,
                None => continue,
            };
            let words = told.split([' ', '(', ')', '"', '`', ';']);
            for word in words.filter(|word| word.starts_with("--")) {
                let name = word.split('=').next().unwrap();
                assert!(audit.contains(name), "{file}: {name}");
            }
        }
    }
}

#[test]
fn the_action_audits_and_hands_the_exit_code_to_its_gate() {
    if !has("bash") {
        eprintln!("skipped: bash is not installed");
        return;
    }
    let action = read("action.yml");
    let scripts = scripts(&action);
    let audit = scripts
        .iter()
        .find(|script| script.contains("arguments=(audit"))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let outputs = folder.path().join("outputs");
    let run = |fail_on: &str, path: &str| {
        std::fs::write(&outputs, "").unwrap();
        Command::new("bash")
            .args(["-c", audit])
            .current_dir(root())
            .env("RUNNER_TEMP", folder.path())
            .env("GITHUB_OUTPUT", &outputs)
            .env("PROGRAM", env!("CARGO_BIN_EXE_readiness"))
            .env("AUDIT_PATH", path)
            .env("FAIL_ON", fail_on)
            .envs([
                ("MIN_SCORE", ""),
                ("BASELINE", ""),
                ("SINCE", ""),
                ("ROADMAP", ""),
            ])
            .env("ANNOTATIONS", "true")
            .output()
            .unwrap()
    };
    let output = run("critical", "fixtures/sample");
    assert_eq!(
        output.status.code(),
        Some(0),
        "the gate is a step of its own"
    );
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("::error file=fixtures/sample/"));
    let told = std::fs::read_to_string(&outputs).unwrap();
    assert!(told.contains("exit-code=1\n"), "{told}");
    for line in told.lines().filter(|line| !line.starts_with("exit-code")) {
        let (_, file) = line.split_once('=').unwrap();
        assert!(Path::new(file).is_file(), "{line}");
    }
    run("never", "fixtures/sample");
    assert!(
        std::fs::read_to_string(&outputs)
            .unwrap()
            .contains("exit-code=0\n")
    );
    // Wrong use fails at once.
    assert_eq!(run("urgent", "fixtures/sample").status.code(), Some(2));
    let told = std::fs::read_to_string(&outputs).unwrap();
    assert_eq!(
        told, "exit-code=2\n",
        "a job can tell this from a gate that failed"
    );
}

/// A `gh` that knows two comments, asks its filter nothing, and remembers what it was called with.
const GH: &str = "#!/bin/sh\nprintf '%s\\n' \"$*\" >> \"$CALLS\"\ncase \"$*\" in *--paginate*) printf \"$KNOWN\" ;; esac\n";

#[test]
#[cfg(unix)]
fn the_action_keeps_one_comment_for_each_path() {
    use std::os::unix::fs::PermissionsExt;
    if !has("bash") {
        eprintln!("skipped: bash is not installed");
        return;
    }
    let scripts = scripts(&read("action.yml"));
    let comment = scripts
        .iter()
        .find(|script| script.contains("gh api"))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::create_dir(file("readiness")).unwrap();
    std::fs::write(file("summary.md"), "## Score\n").unwrap();
    std::fs::write(file("gh"), GH).unwrap();
    std::fs::set_permissions(file("gh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    for (known, said) in [
        (
            "41\\n42\\n",
            "api --method PATCH repos/o/r/issues/comments/41 ",
        ),
        ("", "api --method POST repos/o/r/issues/7/comments "),
    ] {
        std::fs::write(file("calls"), "").unwrap();
        done(
            Command::new("bash")
                .args(["-e", "-o", "pipefail", "-c", comment])
                .env("PATH", format!("{}:{path}", folder.path().display()))
                .env("CALLS", file("calls"))
                .env("KNOWN", known)
                .env("RUNNER_TEMP", folder.path())
                .env("SUMMARY", file("summary.md"))
                .env("AUDIT_PATH", "apps/--web \"x\"")
                .env("NUMBER", "7")
                .env("REPOSITORY", "o/r"),
        );
        let calls = std::fs::read_to_string(file("calls")).unwrap();
        assert!(calls.lines().any(|call| call.starts_with(said)), "{calls}");
        let body = std::fs::read_to_string(file("readiness/comment.md")).unwrap();
        assert_eq!(body, "<!-- readiness apps/-web \"x\" -->\n## Score\n");
    }
}
