//! Check kinds that serve rules of the user's own, asked of repositories in memory.

use readiness::audit::{self, AppAudit, AuditOptions, ItemState};
use readiness::config::{Config, Date};
use readiness::model;
use readiness::rule::{Confidence, RuleSet, RuleText};
use readiness::source::{RepoPath, Repository};

const HEAD: &str = "title = 'code does x'\nseverity = 'low'\nhow = 'static'\nsince = '0.1.0'\nwhy = 'w'\nfix = 'f'\neffort_hours = 2\n";
const PLAN: &str = "title = 'plan'\n[[phase]]\ntitle = 'one'\n[[phase.item]]\ntitle = 'item'\npriority = 'high'\nrules = ['a-rule']\n";
const NEXT: (&str, &str) = (
    "package.json",
    r#"{ "name": "x", "dependencies": { "next": "15.1.0", "left": "1.0.0" } }"#,
);
const PAGE: (&str, &str) = (
    "app/page.tsx",
    "export default function Page() { return <p>x</p>; }\n",
);

/// The rest of the rule; what is attested is known by that.
fn head(check: &str) -> String {
    if check.contains("[check.attest]") {
        HEAD.replace("'static'", "'attest'")
    } else {
        HEAD.to_owned()
    }
}

/// What a rule with this check says of an application made of a page and `files`.
fn asked(check: &str, files: &[(&str, &str)], config: &str) -> AppAudit {
    let text = |file: &str, text: String| RuleText {
        file: file.to_owned(),
        text,
    };
    let texts = [
        text("security/a-rule.toml", format!("{}{check}", head(check))),
        text("roadmaps/standard.toml", PLAN.to_owned()),
    ];
    let rules = RuleSet::from_texts(&texts).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let config = Config::parse(&RepoPath::new("readiness.toml"), config, &rules).unwrap();
    let mut all = vec![NEXT, PAGE];
    all.extend(files);
    let model = model::build(&Repository::in_memory(&all), &rules, &config);
    let options = AuditOptions {
        today: Date::parse("2026-11-21").unwrap(),
        ..AuditOptions::default()
    };
    let audit = audit::run(&model, &rules, &config, &options);
    assert_eq!(audit.not_evaluated, []);
    audit.apps.into_iter().next().unwrap()
}

/// File, line and message of every finding.
fn gaps(check: &str, files: &[(&str, &str)]) -> Vec<(String, u32, String)> {
    let app = asked(check, files, "");
    let shown = |finding: readiness::finding::Finding| {
        (
            finding.location.file.to_string(),
            finding.location.line,
            finding.message,
        )
    };
    app.findings.into_iter().map(shown).collect()
}

#[test]
fn a_file_has_to_exist_or_must_not() {
    let wanted =
        "[check.file]\nany = ['SECURITY.md', 'docs/security*.md']\nsays = 'no security policy'\n";
    assert_eq!(
        gaps(wanted, &[]),
        [("package.json".into(), 1, "no security policy".into())]
    );
    assert_eq!(gaps(wanted, &[("docs/security-policy.md", "x")]), []);

    let unwanted =
        "[check.file]\nany = ['**/.env.production']\nforbidden = true\nsays = '{} is committed'\n";
    assert_eq!(gaps(unwanted, &[]), []);
    let found = gaps(unwanted, &[("deploy/.env.production", "A=1\n")]);
    assert_eq!(
        found,
        [(
            "deploy/.env.production".into(),
            1,
            "deploy/.env.production is committed".into()
        )]
    );

    let only = "[check.file]\nany = ['.dockerignore']\nonly-with = ['**/Dockerfile']\nsays = 'no .dockerignore'\n";
    assert_eq!(
        asked(only, &[], "").phases[0].items[0].state,
        ItemState::NotApplicable
    );
    assert_eq!(gaps(only, &[("docker/Dockerfile", "FROM node\n")]).len(), 1);
}

#[test]
fn a_package_has_to_be_used() {
    let check = "[check.dependency]\nany = ['left', '@right/*#start']\nor-exports = ['instrumentation#onRequestError']\nsays = 'no left'\n";
    assert_eq!(
        gaps(check, &[])[0].2,
        "no left; left is installed, but never set up"
    );
    assert_eq!(
        gaps(
            check,
            &[(
                "lib/a.ts",
                "import { l } from 'left';\nexport const x = l();\n"
            )]
        ),
        []
    );
    let typed = (
        "lib/a.ts",
        "import type { L } from 'left';\nexport type M = L;\n",
    );
    assert_eq!(gaps(check, &[typed]).len(), 1);
    let tested = ("lib/a.test.ts", "import { l } from 'left';\nl();\n");
    assert_eq!(
        gaps(check, &[tested]).len(),
        1,
        "a test is no use in production"
    );
    let imported = (
        "lib/a.ts",
        "import { start } from '@right/core';\nexport { start };\n",
    );
    assert_eq!(gaps(check, &[imported]).len(), 1, "it has to be called");
    let called = (
        "lib/a.ts",
        "import * as right from '@right/core';\nright.start();\n",
    );
    assert_eq!(gaps(check, &[called]), []);
    let exported = (
        "instrumentation.ts",
        "export function onRequestError(error: unknown) { send(error); }\n",
    );
    assert_eq!(gaps(check, &[exported]), []);
}

#[test]
fn a_key_of_a_configuration_file_has_a_value() {
    let check = "[check.config-key]\nfiles = ['tsconfig.json']\nkey = 'compilerOptions.strict'\nis = true\nsays = 'types are not strict'\n";
    let with = |text: &str| gaps(check, &[("tsconfig.json", text)]);
    assert_eq!(
        with("{ // comment\n  \"compilerOptions\": { \"strict\": true },\n}"),
        []
    );
    let off = with("{\n  \"compilerOptions\": {\n    \"strict\": false\n  }\n}");
    assert_eq!(
        off,
        [("tsconfig.json".into(), 3, "types are not strict".into())]
    );
    assert_eq!(with("{}")[0].0, "package.json");
    assert_eq!(
        gaps(check, &[]),
        [],
        "without the file there is nothing to ask"
    );
    assert_eq!(with("{ not json"), [], "what cannot be read is no gap");

    let next = "[check.config-key]\nfiles = ['next.config']\nkey = 'poweredByHeader'\nis = false\nsays = 'x'\n";
    let shown = |value: &str| {
        let text = format!("export default {{\n  poweredByHeader: {value},\n}};\n");
        gaps(next, &[("next.config.mjs", text.as_str())])
    };
    assert_eq!(shown("false"), []);
    assert_eq!(shown("true")[0].1, 2);
    assert_eq!(
        shown("process.env.POWERED === '1'"),
        [],
        "what is computed is unknown"
    );
    assert_eq!(gaps(next, &[])[0].0, "package.json");
}

#[test]
fn a_pattern_is_a_gap_wherever_it_matches() {
    let check = "[check.pattern]\ncode = ['$E.innerHTML = $X']\ntext = ['TODO\\(security\\)']\nexcept = ['lib/safe.ts']\nsays = 'raw HTML'\n";
    let bad = "export const set = (e: Element, x: string) => {\n  e.innerHTML = x;\n};\n// TODO(security): escape\n";
    let found = gaps(
        check,
        &[
            ("lib/a.ts", bad),
            ("lib/safe.ts", bad),
            ("lib/a.test.ts", bad),
        ],
    );
    assert_eq!(
        found,
        [
            ("lib/a.ts".into(), 2, "raw HTML".into()),
            ("lib/a.ts".into(), 4, "raw HTML".into())
        ]
    );
    assert_eq!(gaps(check, &[("lib/a.ts", "export const x = 1;\n")]), []);
}

#[test]
fn what_is_attested_counts_until_it_runs_out() {
    let check = "[check.attest]\nasks = 'who is on call?'\n";
    let item = |config: &str| asked(check, &[], config).phases[0].items[0].clone();
    let open = item("");
    assert_eq!(
        (open.state, open.covered, open.total),
        (ItemState::Unattested, 0, 1)
    );
    assert!(open.effort_hours > 0.0);
    let attested = "[attest.a-rule]\nby = 'Ada'\non = '2026-01-01'\nuntil = '2026-12-31'\n";
    let done = item(attested);
    assert_eq!((done.state, done.covered), (ItemState::Done, 1));
    assert!(done.effort_hours.abs() < f64::EPSILON);
    assert_eq!(
        item(&attested.replace("2026-12-31", "2026-06-30")).state,
        ItemState::Unattested
    );
}

#[test]
fn a_marked_handler_is_asked_for_its_control() {
    let check = "[check.route-mark]\nmark = 'cron'\nneeds-control = 'auth'\nsays = 'is open'\n";
    let open = "export async function GET() { await fetch('https://mail.dev', { method: 'POST' }); return new Response('ok'); }\n";
    assert_eq!(
        gaps(check, &[("app/api/cron/mail/route.ts", open)])[0].2,
        "GET /api/cron/mail is open"
    );
    assert_eq!(gaps(check, &[("app/api/mail/route.ts", open)]), []);
}

#[test]
fn thresholds_are_read_from_every_runner() {
    let check = "[check.coverage-threshold]\npercent = 70\n";
    let silent =
        |file: &str, text: &str| assert_eq!(gaps(check, &[(file, text)]), [], "{file}: {text}");
    silent(
        "vitest.config.ts",
        "export default { test: { coverage: { thresholds: { lines: 80 } } } };\n",
    );
    silent(
        "vitest.config.ts",
        "export default { test: { coverage: { lines: 75 } } };\n",
    );
    silent(
        "vite.config.ts",
        "export default { test: { coverage: { thresholds: { 100: true } } } };\n",
    );
    silent(
        "jest.config.js",
        "module.exports = { coverageThreshold: { global: { branches: 70 } } };\n",
    );
    silent(
        "jest.config.json",
        r#"{ "coverageThreshold": { "global": { "lines": 90 } } }"#,
    );
    silent(".nycrc.json", r#"{ "check-coverage": true, "lines": 80 }"#);
    silent(".c8rc.json", r#"{ "check-coverage": true }"#);
    let tap = |script: &str| {
        format!(
            "{{ \"name\": \"kit\", \"devDependencies\": {{ \"tap\": \"^18.0.0\" }}, \"scripts\": {{ \"test\": \"{script}\" }} }}"
        )
    };
    silent("kit/package.json", &tap("tap test/*.ts"));
    let lenient = tap("tap --allow-incomplete-coverage test/*.ts");
    assert_eq!(gaps(check, &[("kit/package.json", &lenient)]).len(), 1);
    let low = gaps(
        check,
        &[(
            "jest.config.js",
            "module.exports = {\n  coverageThreshold: { global: { lines: 40 } },\n};\n",
        )],
    );
    assert_eq!(
        low,
        [(
            "jest.config.js".into(),
            2,
            "the coverage threshold is 40 %, below 70 %".into()
        )]
    );
    assert_eq!(
        gaps(check, &[(".nycrc.json", r#"{ "lines": 80 }"#)]).len(),
        1,
        "nothing checks it"
    );
}

#[test]
fn a_name_makes_likely_and_ticks_nothing() {
    let check =
        "[check.present]\nsays = 'no cache'\n[check.present.likely]\nnames = ['getcached*']\n";
    let state = |files: &[(&str, &str)]| {
        let app = asked(check, files, "");
        (app.phases[0].items[0].state, app.findings.len())
    };
    let user = (
        "app/api/a/route.ts",
        "import { getCached } from '../../../lib/cache';\nexport async function GET() { return Response.json(getCached('a')); }\n",
    );
    let cache = (
        "lib/cache.ts",
        "const kept = new Map();\nexport function getCached(key: string) { return kept.get(key); }\nsetInterval(() => kept.clear(), 60000);\n",
    );
    assert_eq!(state(&[user, cache]), (ItemState::Likely, 0));
    // A library whose timer nobody starts is dead, and a script is no part of the application.
    assert_eq!(state(&[cache]), (ItemState::Open, 1));
    let script = (
        "scripts/cache.ts",
        "function getCached() {}\ngetCached();\n",
    );
    assert_eq!(state(&[script]), (ItemState::Open, 1));
}

#[test]
fn patterns_that_prove_nothing_leave_it_unknown() {
    let check = "[check.pattern]\ntext = ['SameSite=None']\nno-proof = true\nsays = 'sent along'\n";
    let app = asked(check, &[], "");
    assert_eq!(app.phases[0].items[0].state, ItemState::Unknown);
}

#[test]
fn what_is_taken_out_by_its_key_bounds_nothing() {
    let check = "[check.memory]\nasks = 'unbounded'\nsays = '`{}` grows'\n";
    let state = |remove: &str| {
        let code = format!(
            "const open = new Map();\nexport async function POST(request: Request) {{ const id = await request.text(); open.set(id, 1); return Response.json(1); }}\n{remove}\n"
        );
        asked(check, &[("app/api/a/route.ts", &code)], "").phases[0].items[0].state
    };
    let by_key = "export async function DELETE(request: Request) { open.delete(await request.text()); return Response.json(1); }";
    assert_eq!(state(by_key), ItemState::Unknown);
    let swept = "setInterval(() => { for (const key of open.keys()) open.delete(key); }, 1000);";
    assert_eq!(state(swept), ItemState::Done);
    assert_eq!(state(""), ItemState::Open);
}

#[test]
fn calls_of_browsers_alone_cannot_be_judged() {
    let check = |unknown: bool| {
        format!(
            "[check.calls]\nelse-unknown = {unknown}\ncall = ['?#fetch']\nsays = '{{}} without a timeout'\n[[check.calls.unless]]\nargument = 1\nkeys = ['signal']\n"
        )
    };
    let list = (
        "components/list.tsx",
        "'use client';\nexport async function load() { return fetch('https://a.dev'); }\n",
    );
    let state = |unknown| asked(&check(unknown), &[list], "").phases[0].items[0].state;
    assert_eq!(state(true), ItemState::Unknown);
    assert_eq!(state(false), ItemState::NotApplicable);
}

/// What a rule of the program's own says of an application made of a page and `files`, and how sure it is.
fn said(rule: &str, files: &[(&str, &str)]) -> Vec<(String, Confidence)> {
    let rules = RuleSet::builtin().unwrap();
    let config = Config::default();
    let mut all: Vec<(&str, &str)> = vec![NEXT, PAGE];
    all.retain(|(path, _)| !files.iter().any(|(other, _)| path == other));
    all.extend(files);
    let model = model::build(&Repository::in_memory(&all), &rules, &config);
    let options = AuditOptions {
        only: vec![rule.to_owned()],
        ..AuditOptions::default()
    };
    let audit = audit::run(&model, &rules, &config, &options);
    let findings = audit.apps.into_iter().flat_map(|app| app.findings);
    findings
        .map(|finding| (finding.message, finding.confidence))
        .collect()
}

#[test]
fn a_policy_whose_ancestors_are_worked_out_names_them() {
    let middleware = |policy: &str| {
        format!(
            "import {{ NextResponse }} from \"next/server\";\nconst policy = `default-src 'self'; {policy};`;\n\
             export function middleware() {{\n  const response = NextResponse.next();\n  \
             response.headers.set(\"Content-Security-Policy\", policy);\n  return response;\n}}\n"
        )
    };
    let framed = |policy: &str| {
        let said = said(
            "security-headers",
            &[("middleware.ts", &middleware(policy))],
        );
        said.iter()
            .any(|(message, _)| message.starts_with("X-Frame-Options"))
    };
    assert!(framed("img-src ${images}"));
    assert!(!framed("frame-ancestors ${ancestors}"));
}

#[test]
fn transport_security_is_a_question_where_something_stands_in_front() {
    let sure = |files: &[(&str, &str)]| {
        let said = said("security-headers", files);
        let mut found = said.into_iter();
        found
            .find(|(message, _)| message.starts_with("Strict-Transport"))
            .map(|(_, sure)| sure)
    };
    assert_eq!(sure(&[]), Some(Confidence::High));
    for in_front in [
        ("Dockerfile", "FROM node:22\n"),
        ("netlify.toml", "[build]\ncommand = \"next build\"\n"),
    ] {
        assert_eq!(sure(&[in_front]), Some(Confidence::Low), "{in_front:?}");
    }
}

#[test]
fn a_script_that_is_told_to_report_errors_does() {
    let page = |option: &str| {
        format!(
            "import Script from \"next/script\";\nexport default function Page() {{\n  \
             return <Script src=\"https://cdn.example.com/track.js\" {option} />;\n}}\n"
        )
    };
    let said = |option: &str| said("error-tracking", &[("app/page.tsx", &page(option))]).len();
    assert_eq!(said("data-track-clicks"), 1);
    assert_eq!(said("data-track-errors={true}"), 0);
}

#[test]
fn a_variant_beside_a_good_container_file_is_a_question() {
    let good = "FROM node:22\nUSER node\nCMD [\"node\", \"server.js\"]\n";
    let bad = "FROM node:22\nCMD [\"node\", \"server.js\"]\n";
    let sure = |files: &[(&str, &str)]| {
        let said = said("docker-non-root", files);
        said.into_iter().map(|(_, sure)| sure).collect::<Vec<_>>()
    };
    assert_eq!(sure(&[("Dockerfile.alpine", bad)]), [Confidence::High]);
    assert_eq!(
        sure(&[("Dockerfile", good), ("Dockerfile.alpine", bad)]),
        [Confidence::Low]
    );
}

#[test]
fn variables_that_another_example_lists_are_written_down() {
    let code = "export const a = process.env.MAIL_HOST;\nexport const b = process.env.MAIL_USER;\nexport const c = process.env.MAIL_PASSWORD;\n";
    let elsewhere = "MAIL_HOST=\nMAIL_USER=\nMAIL_PASSWORD=\n";
    assert_eq!(said("env-example", &[("lib/mail.ts", code)]).len(), 1);
    let files = [
        ("lib/mail.ts", code),
        ("services/mail/.env.example", elsewhere),
    ];
    assert_eq!(said("env-example", &files), []);
}

#[test]
fn what_an_image_is_built_with_is_run_by_the_pipeline_that_builds_it() {
    let manifest = r#"{ "name": "x", "scripts": { "build": "next build" }, "dependencies": { "next": "15.1.0" } }"#;
    let workflow =
        "on: push\njobs:\n  image:\n    steps:\n      - uses: docker/build-push-action@v6\n";
    let image = "FROM node:22\nRUN npm ci && npm run build\n";
    let says = |files: &[(&str, &str)], what: &str| {
        let mut all = vec![("package.json", manifest)];
        all.extend(files);
        let said = said("ci-pipeline", &all);
        said.iter().any(|(message, _)| message.contains(what))
    };
    let workflow = (".github/workflows/image.yml", workflow);
    assert!(says(&[workflow], "type check"));
    let files = [workflow, ("Dockerfile", image)];
    assert!(!says(&files, "type check"));
    assert!(says(&files, "lint"));
}

#[test]
fn helpers_of_tests_are_no_controls_that_lie_unused() {
    let logger = |first: &str| {
        format!(
            "{first}\nexport function createLogger() {{\n  return {{ info: console.info, error: console.error }};\n}}\n"
        )
    };
    let said = |first: &str| {
        said(
            "control-unused",
            &[("testing-kit/logger.ts", &logger(first))],
        )
        .len()
    };
    assert_eq!(said(""), 1);
    assert_eq!(said("import { vi } from \"vitest\";"), 0);
}

#[test]
fn pipelines_are_asked_for_coverage_where_something_measures_it() {
    let workflow = (
        ".github/workflows/ci.yml",
        "on: push\njobs:\n  e2e:\n    steps:\n      - run: npx playwright test\n",
    );
    let test = (
        "e2e/shop.spec.ts",
        "import { test } from \"@playwright/test\";\ntest(\"buys\", async () => {});\n",
    );
    assert_eq!(said("ci-coverage", &[workflow, test]), []);
    let unit = (
        "lib/sum.test.ts",
        "import { test } from \"node:test\";\ntest(\"sums\", () => {});\n",
    );
    assert_eq!(said("ci-coverage", &[workflow, test, unit]).len(), 1);
}

#[test]
fn coverage_is_asked_of_pipelines_that_run_tests() {
    let sure = |command: &str| {
        let text = format!("on: push\njobs:\n  test:\n    steps:\n      - run: {command}\n");
        let workflow = (".github/workflows/ci.yml", text.as_str());
        let unit = (
            "lib/sum.test.ts",
            "import { test } from \"node:test\";\ntest(\"sums\", () => {});\n",
        );
        let said = said("ci-coverage", &[workflow, unit]);
        said.into_iter().map(|(_, sure)| sure).collect::<Vec<_>>()
    };
    assert_eq!(sure("node --test"), [Confidence::High]);
    assert_eq!(sure("npx playwright test"), [Confidence::Low]);
    assert_eq!(sure("npx tap --bail test/*.ts"), []);
    assert_eq!(
        sure("npx tap --disable-coverage test/*.ts"),
        [Confidence::High]
    );
}

#[test]
fn coverage_of_tests_that_no_pipeline_runs_is_a_question() {
    let script = r#"{ "name": "NAME", "scripts": { "test": "vitest run" }, "dependencies": { "next": "15.1.0" }, "devDependencies": { "vitest": "3.0.0" } }"#;
    let [own, phone] = ["x", "phone"].map(|name| script.replace("NAME", name));
    let sure = |command: &str| {
        let text = format!("on: push\njobs:\n  test:\n    steps:\n      - run: {command}\n");
        let files = [
            ("package.json", own.as_str()),
            ("phone/package.json", phone.as_str()),
            (".github/workflows/ci.yml", text.as_str()),
            (
                "lib/sum.test.ts",
                "import { test } from \"vitest\";\ntest(\"sums\", () => {});\n",
            ),
        ];
        let said = said("ci-coverage", &files);
        said.into_iter().map(|(_, sure)| sure).collect::<Vec<_>>()
    };
    assert_eq!(sure("npm test"), [Confidence::High]);
    assert_eq!(sure("npm --prefix phone test"), [Confidence::Low]);
    assert_eq!(sure("pnpm --filter=phone test"), [Confidence::Low]);
    assert_eq!(sure("pnpm --filter=x test"), [Confidence::High]);
}

#[test]
fn a_threshold_waits_for_more_than_a_few_tests() {
    let manifest = r#"{ "name": "x", "scripts": { "test": "vitest run" }, "dependencies": { "next": "15.1.0" }, "devDependencies": { "vitest": "3.0.0" } }"#;
    let names: Vec<String> = (0..100).map(|number| format!("lib/m{number}.ts")).collect();
    let sure = |tests: &[&'static str], modules: usize| {
        let mut files = vec![("package.json", manifest)];
        let tests = tests.iter().map(|path| (*path, "import { test } from \"vitest\";\nimport { a } from \"../lib/m0\";\ntest(\"a\", () => a());\n"));
        files.extend(tests);
        let names = names.iter().take(modules);
        files.extend(names.map(|path| (path.as_str(), "export function a() {}\n")));
        let said = said("coverage-threshold", &files);
        said.into_iter().map(|(_, sure)| sure).collect::<Vec<_>>()
    };
    let tests = ["tests/a.test.ts", "tests/b.test.ts", "tests/c.test.ts"];
    assert_eq!(sure(&tests[..1], 100), [Confidence::Low]);
    assert_eq!(sure(&tests[..1], 10), [Confidence::High]);
    assert_eq!(sure(&tests, 100), [Confidence::High]);
}

#[test]
fn tests_of_the_whole_without_a_browser_are_a_question() {
    let sure = |path: &str| {
        let said = said(
            "e2e-tests",
            &[(path, "fetch(\"http://localhost:3000\");\n")],
        );
        said.into_iter().map(|(_, sure)| sure).collect::<Vec<_>>()
    };
    assert_eq!(sure("lib/orders.test.ts"), [Confidence::High]);
    assert_eq!(sure("lib/e2e-orders.test.ts"), [Confidence::Low]);
    assert_eq!(
        sure(".github/workflows/upgrade-integration-test.yml"),
        [Confidence::Low]
    );
    assert_eq!(sure("e2e/orders.test.ts"), []);
}

#[test]
fn updates_by_hand_are_a_question() {
    let sure = |files: &[(&str, &str)]| {
        let said = said("dependency-updates", files);
        said.into_iter().map(|(_, sure)| sure).collect::<Vec<_>>()
    };
    assert_eq!(sure(&[]), [Confidence::High]);
    let settings = (".ncurc.cjs", "module.exports = { upgrade: true };\n");
    assert_eq!(sure(&[settings]), [Confidence::Low]);
}

#[test]
fn a_public_name_of_a_secret_is_a_question_until_browsers_read_it() {
    let key = (
        "lib/key.ts",
        "export const key = process.env.NEXT_PUBLIC_MAIL_SECRET;\n",
    );
    let page = (
        "app/mail.tsx",
        "\"use client\";\nimport { key } from \"../lib/key\";\nexport function Mail() {\n  return <p>{key}</p>;\n}\n",
    );
    let sure = |files: &[(&str, &str)]| {
        let said = said("public-env-secret", files);
        said.into_iter().map(|(_, sure)| sure).collect::<Vec<_>>()
    };
    assert_eq!(sure(&[key]), [Confidence::Low]);
    assert_eq!(sure(&[key, page]), [Confidence::High]);
}

#[test]
fn a_plan_sets_targets_of_its_own_and_the_configuration_has_the_last_word() {
    let text = |file: &str, text: String| RuleText {
        file: file.to_owned(),
        text,
    };
    let load = |options: &str| {
        RuleSet::from_texts(&[
            text(
                "testing/a-rule.toml",
                format!("{HEAD}[check.coverage-threshold]\npercent = 70\n"),
            ),
            text(
                "roadmaps/standard.toml",
                format!(
                    "title = 'plan'\n{options}{}",
                    PLAN.trim_start_matches("title = 'plan'\n")
                ),
            ),
        ])
    };
    let gaps = |options: &str, config: &str| {
        let rules = load(options).unwrap();
        let config = Config::parse(&RepoPath::new("readiness.toml"), config, &rules).unwrap();
        let runner = (
            "vitest.config.ts",
            "export default { test: { coverage: { thresholds: { lines: 75, branches: 75, functions: 75, statements: 75 } } } };\n",
        );
        let test = (
            "lib/a.test.ts",
            "import { test } from \"vitest\";\ntest(\"a\", () => {});\n",
        );
        let model = model::build(
            &Repository::in_memory(&[NEXT, PAGE, runner, test]),
            &rules,
            &config,
        );
        let audit = audit::run(&model, &rules, &config, &AuditOptions::default());
        audit.apps[0].findings.len()
    };
    assert_eq!(gaps("", ""), 0);
    assert_eq!(gaps("[options.a-rule]\npercent = 80\n", ""), 1);
    let lower = "[rules.a-rule.options]\npercent = 60\n";
    assert_eq!(gaps("[options.a-rule]\npercent = 80\n", lower), 0);
    let wrong = |options: &str| load(options).unwrap_err()[0].to_string();
    let said = wrong("[options.a-rule]\npercents = 80\n");
    assert!(said.contains("percents"), "{said}");
    let said = wrong("[options.b-rule]\npercent = 80\n");
    assert!(said.contains("unknown rule `b-rule`"), "{said}");
}

#[test]
fn tables_of_a_store_without_policies_are_asked_for_none() {
    let manifest = r#"{ "name": "x", "dependencies": { "next": "15.1.0", "@supabase/supabase-js": "2.45.0" } }"#;
    let client = (
        "lib/db.ts",
        "import { createClient } from \"@supabase/supabase-js\";\nexport const db = createClient(process.env.URL!, process.env.KEY!);\n",
    );
    let page = (
        "app/api/logs/route.ts",
        "import { db } from \"../../../lib/db\";\nexport async function GET() {\n  return Response.json(await db.from(\"logs\").select());\n}\n",
    );
    let asked = |engine: &str| {
        let sql = format!("CREATE TABLE logs (id UUID, project_id UInt32){engine};\n");
        said(
            "row-level-security",
            &[
                ("package.json", manifest),
                client,
                page,
                ("migrations/1.sql", &sql),
            ],
        )
        .len()
    };
    assert_eq!(asked(""), 1);
    assert_eq!(asked(" ENGINE = MergeTree ORDER BY id"), 0);
}
