//! The ratchet: baselines, comparisons, changes since a commit, and the law that findings keep their identity.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use proptest::prelude::*;
use readiness::audit::{self, Audit, AuditOptions, Baseline, GateOptions};
use readiness::config::{Config, Date};
use readiness::finding::{Finding, Standing};
use readiness::model::{self, Model};
use readiness::rule::{RuleSet, Severity};
use readiness::source::{RepoPath, Repository, changed_since};

static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::builtin().unwrap());

const MANIFEST: &str =
    r#"{ "name": "shop", "dependencies": { "next": "15.1.0", "pg": "8.13.0" } }"#;

/// A handler that works and has no control at all.
fn handler(method: &str, table: &str) -> String {
    format!(
        "export async function {method}(request: Request) {{\n  const body = await request.json();\n  \
         await db.query(\"insert into {table} values ($1)\", [body]);\n  return new Response(null, {{ status: 204 }});\n}}\n"
    )
}

fn module(handlers: &str) -> String {
    format!("import {{ Pool }} from \"pg\";\n\nconst db = new Pool();\n\n{handlers}")
}

fn options() -> AuditOptions {
    AuditOptions {
        today: Date::parse("2026-11-28").unwrap(),
        ..AuditOptions::default()
    }
}

fn repository(files: &[(String, String)]) -> Repository {
    let mut all = vec![("package.json", MANIFEST)];
    all.extend(
        files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    );
    Repository::in_memory(&all)
}

fn audited(files: &[(String, String)]) -> (Audit, Model) {
    let config = Config::default();
    let model = model::build(&repository(files), &RULES, &config);
    let audit = audit::run(&model, &RULES, &config, &options());
    (audit, model)
}

fn audit_of(files: &[(String, String)]) -> Audit {
    audited(files).0
}

fn shop() -> Vec<(String, String)> {
    let file = |path: &str, text: String| (path.to_owned(), text);
    vec![
        file(
            "app/api/orders/route.ts",
            module(&handler("POST", "orders")),
        ),
        file(
            "app/api/items/[id]/route.ts",
            module(&(handler("PUT", "items") + &handler("DELETE", "gone"))),
        ),
    ]
}

fn findings(audit: &Audit) -> impl Iterator<Item = &Finding> {
    audit.apps.iter().flat_map(|app| &app.findings)
}

fn new_ones(audit: &Audit) -> Vec<&Finding> {
    findings(audit)
        .filter(|finding| finding.standing != Some(Standing::Known))
        .collect()
}

fn held(files: &[(String, String)], baseline: &Baseline) -> Audit {
    let mut audit = audit_of(files);
    audit.hold_against(baseline, &options(), &repository(files));
    audit
}

#[test]
fn what_was_accepted_fails_no_gate_and_a_new_route_does() {
    let before = audit_of(&shop());
    let baseline = Baseline::parse(&Baseline::of(&before).text()).unwrap();
    assert!(!before.gate(&GateOptions::default()).passed);
    let same = held(&shop(), &baseline);
    assert!(same.gate(&GateOptions::default()).passed);
    assert!(new_ones(&same).is_empty());

    let mut files = shop();
    files.push((
        String::from("app/api/refunds/route.ts"),
        module(&handler("DELETE", "refunds")),
    ));
    let more = held(&files, &baseline);
    let new = new_ones(&more);
    assert!(new.len() >= 3, "{new:#?}");
    for finding in new {
        // What is wrong with the file that it came with is new too.
        let file = finding.location.file.as_str();
        let own = file == "app/api/refunds/route.ts";
        assert!(own || finding.route.as_deref() == Some("DELETE /api/refunds"));
        assert_eq!(finding.standing, Some(Standing::New));
    }
    let decision = more.gate(&GateOptions::default());
    assert!(decision.reasons[0].contains("new finding"), "{decision:?}");
    assert!(more.comparison.unwrap().fixed.is_empty());
}

#[test]
fn what_is_fixed_is_told_and_pruned() {
    let mut baseline = Baseline::of(&audit_of(&shop()));
    let all = baseline.findings.len();
    let fewer = held(&shop()[..1], &baseline);
    let fixed = fewer.comparison.unwrap().fixed;
    let of_handlers = || fixed.iter().filter(|each| each.route.is_some());
    assert!(of_handlers().all(|each| each.file.contains("items")));
    assert!(of_handlers().any(|each| each.rule == "route-auth"));
    baseline.prune(&fixed, &[]);
    assert_eq!(baseline.findings.len(), all - fixed.len());
    // It cannot come back.
    let back = held(&shop(), &baseline);
    assert!(!back.gate(&GateOptions::default()).passed);
}

#[test]
fn what_was_not_looked_at_is_not_fixed() {
    let baseline = Baseline::of(&audit_of(&shop()));
    let config = Config::default();
    let files: Vec<(&str, &str)> = vec![("package.json", MANIFEST)];
    let repository = Repository::in_memory(&files);
    let model = model::build(&repository, &RULES, &config);
    let only = AuditOptions {
        only: vec![String::from("route-auth")],
        ..options()
    };
    let mut audit = audit::run(&model, &RULES, &config, &only);
    audit.hold_against(&baseline, &only, &repository);
    let fixed = audit.comparison.unwrap().fixed;
    assert!(!fixed.is_empty() && fixed.iter().all(|each| each.rule == "route-auth"));
}

/// The shop, with its first handler behind a wrapper whose source is not there.
fn unseen() -> Vec<(String, String)> {
    let mut files = shop();
    files[0].1 = module(
        "import { wrapped } from \"@acme/wrapped\";\n\nexport const POST = wrapped(async (request: Request) => {\n  \
         const body = await request.json();\n  await db.query(\"insert into orders values ($1)\", [body]);\n  \
         return new Response(null, { status: 204 });\n});\n",
    );
    files
}

#[test]
fn what_became_unknown_is_not_fixed() {
    let before = audit_of(&shop());
    let baseline = Baseline::of(&before);
    let about = |each: &&audit::Accepted, rule: &str| {
        each.rule == rule && each.route.as_deref() == Some("POST /api/orders")
    };
    assert!(
        baseline
            .findings
            .iter()
            .any(|each| about(&each, "route-auth"))
    );
    let after = held(&unseen(), &baseline);
    let unknown = &after.apps[0].unknown;
    assert!(
        unknown
            .iter()
            .any(|each| each.rule == "route-auth"
                && each.route.as_deref() == Some("POST /api/orders")),
        "{unknown:#?}"
    );
    let comparison = after.comparison.clone().unwrap();
    let told = |list: &[audit::Accepted], rule: &str| list.iter().any(|each| about(&each, rule));
    assert!(told(&comparison.unproven, "route-auth"));
    assert!(!told(&comparison.fixed, "route-auth"));
    // It stays accepted, so that it is known when it can be seen again.
    let mut renewed = Baseline::of(&after);
    renewed.keep(&comparison.unproven);
    assert!(new_ones(&held(&shop(), &renewed)).is_empty());
    for text in [
        readiness::report::terminal(&after, readiness::report::Style::default()),
        readiness::report::diff_terminal(
            &two_reports(&before, &after),
            readiness::report::Style::default(),
        ),
        readiness::report::diff_markdown(&two_reports(&before, &after)),
    ] {
        assert!(text.contains("no longer known"), "{text}");
    }
    let app = &two_reports(&before, &after).apps[0];
    assert!(told(&app.unproven, "route-auth") && !told(&app.fixed, "route-auth"));
}

fn two_reports(old: &Audit, new: &Audit) -> audit::Diff {
    let json = readiness::report::json;
    audit::diff(&json(old), &json(new)).unwrap()
}

#[test]
fn what_somebody_suppressed_is_not_fixed() {
    let before = audit_of(&shop());
    let mut files = shop();
    files[0].1 = files[0].1.replace(
        "export async function POST",
        "// readiness-ignore route-auth -- everybody may order\nexport async function POST",
    );
    let diff = two_reports(&before, &audit_of(&files));
    let [app] = &diff.apps[..] else {
        panic!("{diff:?}")
    };
    assert!(app.fixed.is_empty() && app.appeared.is_empty(), "{app:#?}");
    assert_eq!(app.suppressed.len(), 1);
    let text = readiness::report::diff_terminal(&diff, readiness::report::Style::default());
    assert!(text.contains("1 suppressed since"), "{text}");
}

#[test]
fn a_finding_that_became_more_severe_is_worse() {
    let mut baseline = Baseline::of(&audit_of(&shop()));
    for each in &mut baseline.findings {
        if each.rule == "route-auth" {
            each.severity = Severity::Low;
        }
    }
    let audit = held(&shop(), &baseline);
    let new = new_ones(&audit);
    assert_eq!(new.len(), 3);
    assert!(
        new.iter()
            .all(|each| each.standing == Some(Standing::Worse))
    );
    assert!(!audit.gate(&GateOptions::default()).passed);
}

#[test]
fn a_count_that_grew_is_worse_wherever_the_new_places_are() {
    let file = |path: &str, casts: usize| {
        let text = "export const cast = (value: unknown) => value as any;\n".repeat(casts);
        (path.to_owned(), text)
    };
    let with = |first: usize, second: usize| {
        let mut files = shop();
        files.extend([file("lib/a.ts", first), file("lib/b.ts", second)]);
        files
    };
    let baseline = Baseline::of(&audit_of(&with(40, 30)));
    let any = baseline.findings.iter();
    let mut any = any.filter(|each| each.rule == "explicit-any");
    assert_eq!(any.next().and_then(|each| each.count), Some(70));
    let standing = |first: usize, second: usize| {
        let audit = held(&with(first, second), &baseline);
        let mut all = findings(&audit);
        all.find(|each| each.rule == "explicit-any")
            .unwrap()
            .standing
    };
    assert_eq!(standing(40, 30), Some(Standing::Known));
    // Fewer, and another file has the most.
    assert_eq!(standing(20, 30), Some(Standing::Known));
    assert_eq!(standing(40, 45), Some(Standing::Worse));
}

#[test]
fn of_two_that_are_alike_the_new_one_is_new() {
    let page = |names: &[&str]| {
        let part = |name: &&str| {
            format!(
                "export function {name}({{ html }}) {{\n  return <p dangerouslySetInnerHTML={{{{ __html: html }}}} />;\n}}\n"
            )
        };
        let text = names.iter().map(part).collect();
        let mut files = shop();
        files.push((String::from("app/parts.tsx"), text));
        files
    };
    let baseline = Baseline::of(&audit_of(&page(&["Text"])));
    let after = held(&page(&["Title", "Text"]), &baseline);
    let new: Vec<_> = new_ones(&after)
        .into_iter()
        .map(|each| (each.rule.as_str(), each.within.as_deref()))
        .collect();
    assert_eq!(new, [("unsafe-html", Some("Title"))]);
}

#[test]
fn a_file_that_is_no_baseline_is_refused() {
    for (text, said) in [
        ("", "it is no baseline"),
        ("{}", "it is no baseline"),
        (
            r#"{ "schema": "readiness/baseline/9", "version": "1", "findings": [] }"#,
            "this version reads `readiness/baseline/1`",
        ),
        (
            r#"{ "schema": "readiness/audit/1", "apps": [] }"#,
            "`readiness diff` compares two reports",
        ),
    ] {
        let error = Baseline::parse(text).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn two_reports_side_by_side() {
    let json = |files: &[(String, String)]| {
        let page = String::from("export default function Page() {\n  return <p>Orders</p>;\n}\n");
        let page = (String::from("app/page.tsx"), page);
        readiness::report::json(&audit_of(&[files, &[page]].concat()))
    };
    let (old, new) = (json(&shop()[..1]), json(&shop()));
    let diff = audit::diff(&old, &new).unwrap();
    let [app] = &diff.apps[..] else {
        panic!("{diff:?}")
    };
    let mut of_handlers = app.appeared.iter().filter(|each| each.route.is_some());
    assert!(of_handlers.all(|each| each.file.contains("items")));
    assert!(app.fixed.is_empty() && app.worse.is_empty() && app.unchanged > 3);
    let back = audit::diff(&new, &old).unwrap();
    assert_eq!(back.apps[0].fixed.len(), app.appeared.len());
    let (which, error) = audit::diff(&old, "[]").unwrap_err();
    assert_eq!(which, audit::Which::New);
    assert!(error.contains("it is no report"), "{error}");
    let markdown = readiness::report::diff_markdown(&diff);
    assert!(markdown.contains("**New: "), "{markdown}");
}

/// The handlers with findings that count when `before` became `files`.
fn routes_since(
    before: &[(String, String)],
    files: &[(String, String)],
    changed: &[&str],
) -> Vec<String> {
    let (mut audit, model) = audited(files);
    let changed: Vec<RepoPath> = changed.iter().map(|path| RepoPath::new(path)).collect();
    audit.count_only_since(&changed, &model, &audit_of(before), &repository(files));
    let findings = new_ones(&audit);
    let mut routes: Vec<String> = findings
        .iter()
        .filter_map(|finding| finding.route.clone())
        .collect();
    routes.sort();
    routes.dedup();
    routes
}

#[test]
fn what_a_change_takes_away_counts_where_it_is_missed() {
    let guard = "import { auth } from \"@clerk/nextjs/server\";\nexport async function guard() {\n  const { userId } = await auth();\n  \
         if (!userId) throw new Error(\"401\");\n}\n";
    let mut files = shop();
    files.push((String::from("lib/guard.ts"), guard.to_owned()));
    files.push((
        String::from("middleware.ts"),
        String::from(
            "import { NextResponse } from \"next/server\";\nimport { getToken } from \"next-auth/jwt\";\n\n\
             export async function middleware(request) {\n  const token = await getToken({ req: request });\n  \
             if (!token) return NextResponse.json({}, { status: 401 });\n}\n\n\
             export const config = { matcher: [\"/api/items/:path*\"] };\n",
        ),
    ));
    files[0].1 = module(
        &handler("POST", "orders").replace("{\n  const body", "{\n  await guard();\n  const body"),
    )
    .replace(
        "import",
        "import { guard } from \"../../../lib/guard\";\nimport",
    );
    // The guard is emptied: it is a step of no proof any more.
    let mut emptied = files.clone();
    emptied[2].1 = String::from("export async function guard() {}\n");
    assert_eq!(
        routes_since(&files, &emptied, &["lib/guard.ts"]),
        ["POST /api/orders"]
    );
    // The middleware is gone.
    let without = &files[..3];
    assert_eq!(
        routes_since(&files, without, &["middleware.ts"]),
        ["DELETE /api/items/[id]", "PUT /api/items/[id]"]
    );
}

#[test]
fn what_was_moved_with_its_code_is_known() {
    let baseline = Baseline::of(&audit_of(&shop()));
    let mut files = shop();
    files[1].0 = String::from("app/(shop)/api/items/[id]/route.ts");
    let audit = held(&files, &baseline);
    assert!(new_ones(&audit).is_empty(), "{:#?}", new_ones(&audit));
    assert_eq!(audit.comparison.unwrap().fixed, vec![]);
    // A copy is new.
    files.push((
        String::from("app/api/copies/route.ts"),
        module(&handler("PUT", "items")),
    ));
    let copied = held(&files, &baseline);
    assert!(
        new_ones(&copied)
            .iter()
            .all(|each| each.location.file.as_str().contains("copies")
                || each.route.as_deref() == Some("PUT /api/copies"))
    );
    assert!(!new_ones(&copied).is_empty());
}

#[test]
fn only_what_a_change_touches_counts() {
    let mut files = shop();
    files.push((
        String::from("lib/guard.ts"),
        String::from(
            "import { auth } from \"@clerk/nextjs/server\";\nexport async function guard() {\n  const { userId } = await auth();\n  \
             if (!userId) throw new Error(\"401\");\n}\n",
        ),
    ));
    files[0].1 = module(
        &handler("POST", "orders").replace("{\n  const body", "{\n  await guard();\n  const body"),
    )
    .replace(
        "import",
        "import { guard } from \"../../../lib/guard\";\nimport",
    );
    // Each file is as it was, but for what is of no account.
    let routes_after = |changed: &[&str]| routes_since(&files, &files, changed);
    assert_eq!(routes_after(&["README.md"]), Vec::<String>::new());
    assert_eq!(
        routes_after(&["app/api/items/[id]/route.ts"]),
        ["DELETE /api/items/[id]", "PUT /api/items/[id]"]
    );
    // The guard is a step of the proof about the orders.
    assert_eq!(routes_after(&["lib/guard.ts"]), ["POST /api/orders"]);
}

#[test]
fn what_is_missing_and_told_at_a_manifest_is_not_touched_with_it() {
    let files = shop();
    let (mut audit, model) = audited(&files);
    let changed = [RepoPath::new("package.json")];
    let before = audit_of(&files);
    audit.count_only_since(&changed, &model, &before, &repository(&files));
    let told_there = findings(&audit).filter(|each| each.location.file.as_str() == "package.json");
    assert!(told_there.count() > 2);
    assert!(new_ones(&audit).is_empty(), "{:#?}", new_ones(&audit));
}

#[test]
fn proofs_that_a_change_loses_are_counted() {
    let (before, after) = (audit_of(&shop()), audit_of(&unseen()));
    let lost = audit::lost_proofs(&before, &after);
    assert_eq!(lost.get("auth"), Some(&1), "{lost:?}");
    assert!(audit::lost_proofs(&after, &before).is_empty());
}

#[test]
fn a_pruned_baseline_follows_what_was_moved() {
    let mut baseline = Baseline::of(&audit_of(&shop()));
    let mut files = shop();
    files[1].0 = String::from("app/(shop)/api/items/[id]/route.ts");
    let mut audit = audit_of(&files);
    let moved = audit.hold_against(&baseline, &options(), &repository(&files));
    baseline.prune(&[], &moved);
    assert_eq!(baseline, Baseline::of(&audit_of(&files)));
    // The same gaps where the file once was are new ones.
    files.push(shop().swap_remove(1));
    assert!(!new_ones(&held(&files, &baseline)).is_empty());
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn git_says_what_changed_and_runs_nothing_of_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    git(root, &["init", "-q", "-b", "main"]);
    write("web/a.ts", "1");
    write("web/b ü.ts", "1");
    write("web/gone.ts", "old\n\n");
    write("web/same.ts", "0");
    write("api/c.ts", "1");
    git(root, &["add", "web"]);
    // Before the first commit all of it is new.
    let all = changed_since(root, "HEAD").unwrap().files;
    let all: Vec<&str> = all.iter().map(RepoPath::as_str).collect();
    assert_eq!(
        all,
        [
            "api/c.ts",
            "web/a.ts",
            "web/b ü.ts",
            "web/gone.ts",
            "web/same.ts"
        ]
    );
    assert!(changed_since(root, "main").is_err());
    git(root, &["add", "."]);
    git(root, &["commit", "-qm", "first"]);
    git(root, &["checkout", "-qb", "work"]);
    write("web/b ü.ts", "2");
    git(root, &["commit", "-qam", "second"]);
    write("web/a.ts", "3");
    write("web/new.ts", "1");
    write("api/c.ts", "2");
    let ran = root.join("ran");
    let spy = format!("touch '{}'", ran.display());
    git(root, &["config", "diff.external", &spy]);
    git(root, &["config", "core.fsmonitor", &spy]);
    std::fs::remove_file(root.join("web/gone.ts")).unwrap();
    let changes = changed_since(&root.join("web"), "main").unwrap();
    let earlier: Vec<(&str, Option<&[u8]>)> = changes
        .files
        .iter()
        .map(RepoPath::as_str)
        .zip([Some(&b"1"[..]), Some(b"1"), Some(b"old\n\n"), None])
        .collect();
    let read = changes.earlier().unwrap();
    let read: Vec<(&str, Option<&[u8]>)> = read
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_deref()))
        .collect();
    assert_eq!(read, earlier);
    assert_eq!(read[2].0, "gone.ts");
    let now = Repository::open(&root.join("web")).unwrap();
    let before = now.before(changes.earlier().unwrap());
    let names: Vec<&str> = before.files().iter().map(RepoPath::as_str).collect();
    assert_eq!(names, ["a.ts", "b ü.ts", "gone.ts", "same.ts"]);
    let text = |path: &str| before.read(&RepoPath::new(path)).unwrap().text.to_string();
    assert_eq!(
        (text("a.ts"), text("same.ts")),
        (String::from("1"), String::from("0"))
    );
    assert!(!ran.exists());
    // A link shows what it leads to as that was; what was only moved is not altered.
    git(root, &["add", "."]);
    git(root, &["mv", "web/same.ts", "web/other.ts"]);
    git(root, &["mv", "api/c.ts", "web/c.ts"]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("a.ts", root.join("web/link.ts")).unwrap();
    let changes = changed_since(root, "main").unwrap();
    let earlier = changes.earlier().unwrap();
    let now = Repository::open(root).unwrap();
    let altered = changes.altered(&earlier, &now);
    assert!(!altered.contains(&RepoPath::new("web/other.ts")));
    assert!(altered.contains(&RepoPath::new("web/c.ts")));
    #[cfg(unix)]
    {
        let kept = now.before(vec![(RepoPath::new("web/a.ts"), Some(b"1".to_vec()))]);
        let link = kept.read(&RepoPath::new("web/link.ts")).unwrap();
        assert_eq!(&*link.text, "1");
    }
    let error = changed_since(root, "--output=x").unwrap_err();
    assert!(error.contains("git knows no commit"), "{error}");
    let outside = tempfile::tempdir().unwrap();
    let error = changed_since(outside.path(), "main").unwrap_err();
    assert!(error.contains("in no git repository"), "{error}");
}

/// What may happen to a file without any gap opening or closing.
#[derive(Clone, Debug)]
struct Moves {
    above: usize,
    between: usize,
    comment: String,
    rename: String,
    helper: bool,
}

fn moves() -> impl Strategy<Value = Moves> {
    (
        0..9usize,
        0..5usize,
        "[a-z ]{0,12}",
        "[a-z]{3,9}",
        any::<bool>(),
    )
        .prop_map(|(above, between, comment, rename, helper)| Moves {
            above,
            between,
            comment,
            rename: format!("{rename}Pool"),
            helper,
        })
}

fn moved(text: &str, moves: &Moves) -> String {
    let mut text = text
        .replace("db.", &format!("{}.", moves.rename))
        .replace("const db", &format!("const {}", moves.rename));
    if moves.helper {
        text.push_str("\nfunction unrelated() {\n  return 7;\n}\n");
    }
    let gap = "\n".repeat(moves.between);
    let comment = format!("// {}\n", moves.comment).repeat(moves.above);
    let text = text.replace("export async", &format!("{gap}export async"));
    format!("{comment}{text}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_finding_keeps_its_identity_when_its_code_moves(
        moves in moves(),
        other in moves(),
        swap in any::<bool>(),
        with_more in any::<bool>(),
    ) {
        let baseline = Baseline::of(&audit_of(&shop()));
        let mut files = shop();
        files[0].1 = moved(&files[0].1, &moves);
        let handlers = if swap {
            handler("DELETE", "gone") + &handler("PUT", "items")
        } else {
            handler("PUT", "items") + &handler("DELETE", "gone")
        };
        files[1].1 = moved(&module(&handlers), &other);
        if with_more {
            files.push((String::from("app/api/zebra/route.ts"), module(&handler("PATCH", "z"))));
        }
        let audit = held(&files, &baseline);
        let comparison = audit.comparison.clone().unwrap();
        prop_assert_eq!(comparison.fixed, vec![]);
        prop_assert_eq!(comparison.known, baseline.findings.len());
        for finding in new_ones(&audit) {
            prop_assert!(with_more);
            let own = finding.location.file.as_str() == "app/api/zebra/route.ts";
            prop_assert!(own || finding.route.as_deref() == Some("PATCH /api/zebra"));
        }
    }
}
