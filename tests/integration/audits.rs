//! What the audit makes of findings: suppressions, severities, gate, fingerprints, stale declarations.

use std::collections::BTreeMap;

use readiness::audit::{self, Audit, AuditOptions, GateOptions, Outcome};
use readiness::config::{Config, Date, FailOn};
use readiness::model;
use readiness::rule::{Confidence, Roadmap, RuleSet, Severity};
use readiness::source::{RepoPath, Repository};

const MANIFEST: &str =
    r#"{ "name": "notes", "dependencies": { "next": "15.1.0", "pg": "8.13.0" } }"#;

const ROUTE: &str = r#"import { Pool } from "pg";

const db = new Pool();

export async function DELETE() {
  await db.query("delete from notes");
  return new Response(null, { status: 204 });
}
"#;

fn rules() -> RuleSet {
    RuleSet::builtin().unwrap()
}

fn options(only: &[&str]) -> AuditOptions {
    AuditOptions {
        only: only.iter().map(|&rule| rule.to_owned()).collect(),
        today: Date::parse("2026-11-21").unwrap(),
        ..AuditOptions::default()
    }
}

/// Audits one route file and one `readiness.toml`.
fn audit_of(route: &str, config: &str, only: &[&str]) -> Audit {
    let rules = rules();
    let config = Config::parse(&RepoPath::new("readiness.toml"), config, &rules).unwrap();
    let files = [
        ("package.json", MANIFEST),
        ("app/api/notes/route.ts", route),
    ];
    let model = model::build(&Repository::in_memory(&files), &rules, &config);
    audit::run(&model, &rules, &config, &options(only))
}

fn messages(audit: &Audit) -> Vec<&str> {
    let findings = audit.apps.iter().flat_map(|app| &app.findings);
    findings.map(|finding| finding.message.as_str()).collect()
}

fn problems(audit: &Audit) -> Vec<(String, u32)> {
    let stale = &audit.stale_suppressions;
    stale
        .iter()
        .map(|each| (each.problem.clone(), each.location.line))
        .collect()
}

#[test]
fn a_finding_names_its_rule_route_place_and_fix() {
    let audit = audit_of(ROUTE, "", &["route-auth"]);
    let finding = &audit.apps[0].findings[0];
    assert_eq!(
        finding.message,
        "DELETE /api/notes does not check who is calling"
    );
    assert_eq!(finding.route.as_deref(), Some("DELETE /api/notes"));
    assert_eq!(finding.location.line, 5);
    assert_eq!(finding.severity, Severity::Critical);
    assert_eq!(finding.fix, rules().rule("route-auth").unwrap().fix);
    assert_eq!(finding.fingerprint.len(), 32);
}

#[test]
fn a_comment_with_a_reason_suppresses_and_one_without_does_not() {
    let with = |comment: &str| ROUTE.replace("export async", &format!("{comment}\nexport async"));
    let good = audit_of(
        &with("// readiness-ignore route-auth -- behind the VPN"),
        "",
        &["route-auth"],
    );
    assert!(messages(&good).is_empty());
    assert_eq!(good.apps[0].suppressed[0].reason, "behind the VPN");
    assert!(problems(&good).is_empty());

    let bare = audit_of(&with("// readiness-ignore route-auth"), "", &["route-auth"]);
    assert_eq!(messages(&bare).len(), 1);
    let [(problem, line)] = &problems(&bare)[..] else {
        panic!("{:?}", problems(&bare))
    };
    assert!(problem.contains("no reason"), "{problem}");
    assert_eq!(*line, 5);
}

#[test]
fn suppressions_that_do_nothing_are_reported() {
    let route = format!(
        "// readiness-ignore cors-wildcard -- partners\n// readiness-ignore route-atuh -- typo\n{ROUTE}"
    );
    let config = r#"
[[ignore]]
rule = "route-auth"
path = "app/api/other/**"
reason = "not there"
[[ignore]]
rule = "route-auth"
reason = "for the launch"
until = "2026-01-31"
[routes]
public = ["GET /api/nowhere"]
[attest.route-auth]
by = "Ada"
on = "2026-01-01"
until = "2027-01-01"
"#;
    let audit = audit_of(&route, config, &["route-auth", "cors-wildcard"]);
    assert_eq!(
        messages(&audit).len(),
        1,
        "an ignore that has run out suppresses nothing"
    );
    let text = format!("{:?}", problems(&audit));
    for part in [
        "it matches no finding",
        "did you mean `route-auth`?",
        "it has run out on 2026-01-31",
        "no handler answers to `GET /api/nowhere`",
        "judged without attestation",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(problems(&audit).len(), 6, "{text}");

    // Of a rule that was not run nothing can be said.
    let audit = audit_of(&route, "", &["route-auth"]);
    assert!(!format!("{:?}", problems(&audit)).contains("matches no finding"));
}

#[test]
fn suppressing_and_switching_off_leave_the_score_alone() {
    let plain = audit_of(ROUTE, "", &[]);
    let ignored = audit_of(
        ROUTE,
        "[[ignore]]\nrule = 'route-auth'\nreason = 'x'\n",
        &[],
    );
    let off = audit_of(ROUTE, "[rules.route-auth]\nenabled = false\n", &[]);
    assert!(messages(&ignored).len() < messages(&plain).len());
    assert!(messages(&off).len() < messages(&plain).len());
    assert!(plain.apps[0].score.is_some() && plain.apps[0].score == ignored.apps[0].score);
    assert_eq!(plain.apps[0].score, off.apps[0].score);
}

#[test]
fn the_configuration_sets_severities_and_options() {
    let audit = audit_of(
        ROUTE,
        "[rules.route-tests]\nseverity = 'critical'\n",
        &["route-tests"],
    );
    assert_eq!(audit.apps[0].findings[0].severity, Severity::Critical);
    let audit = audit_of(
        ROUTE,
        "[rules.health-endpoint]\noptions = { at-least = 1 }\n",
        &["health-endpoint"],
    );
    assert_eq!(messages(&audit).len(), 1);
    let audit = audit_of(ROUTE, "", &["health-endpoint"]);
    assert!(messages(&audit).is_empty());
}

#[test]
fn a_declared_public_route_needs_no_caller() {
    let audit = audit_of(
        ROUTE,
        "[routes]\npublic = ['DELETE /api/notes']\n",
        &["route-auth"],
    );
    assert!(messages(&audit).is_empty());
    assert!(problems(&audit).is_empty());
    let auth = &audit.apps[0].coverage[0];
    assert_eq!((auth.control.as_str(), auth.total), ("auth", 0));
}

#[test]
fn the_gate_fails_for_its_reasons_only() {
    let audit = audit_of(ROUTE, "", &["route-auth"]);
    let gate = |change: &dyn Fn(&mut GateOptions)| {
        let mut options = GateOptions::default();
        change(&mut options);
        audit.gate(&options)
    };
    let decision = gate(&|_| {});
    assert_eq!(decision.reasons, ["1 finding of severity high or worse"]);
    assert!(!decision.passed);
    assert!(gate(&|options| options.fail_on = FailOn::Never).passed);
    let low_score = gate(&|options| {
        options.fail_on = FailOn::Never;
        options.min_score = Some(100.0);
    });
    assert!(!low_score.passed && low_score.reasons[0].contains("is below 100"));

    let mut unsure = audit.clone();
    unsure.apps[0].findings[0].confidence = Confidence::Low;
    assert!(unsure.gate(&GateOptions::default()).passed);
    let strict = GateOptions {
        low_confidence: true,
        ..GateOptions::default()
    };
    assert!(!unsure.gate(&strict).passed);
}

#[test]
fn fingerprints_survive_moved_lines_and_differ_between_findings() {
    let moved = format!("// a comment\n\n{ROUTE}");
    let prints = |route: &str| -> Vec<String> {
        let audit = audit_of(route, "", &[]);
        let mut prints: Vec<String> = audit.apps[0]
            .findings
            .iter()
            .map(|finding| finding.fingerprint.clone())
            .collect();
        prints.sort();
        prints
    };
    let before = prints(ROUTE);
    assert_eq!(before, prints(&moved));
    let mut unique = before.clone();
    unique.dedup();
    assert_eq!(unique, before);
    assert!(before.len() > 5);
}

#[test]
fn done_items_name_the_place_that_shows_it() {
    let guarded = ROUTE
        .replace(
            "import { Pool",
            "import { auth } from \"@clerk/nextjs/server\";\nimport { Pool",
        )
        .replace(
            "{\n  await db",
            "{\n  const { userId } = await auth();\n  if (!userId) return new Response(null, { status: 401 });\n  await db",
        );
    let item = |route: &str| {
        let audit = audit_of(route, "", &["route-auth"]);
        let mut items = audit.apps[0].phases.iter().flat_map(|phase| &phase.items);
        let item = items.find(|item| item.rules.iter().any(|rule| rule == "route-auth"));
        item.unwrap().clone()
    };
    let done = item(&guarded);
    let places: Vec<String> = done.shown.iter().map(ToString::to_string).collect();
    assert_eq!(places, ["app/api/notes/route.ts:8"]);
    assert!(item(ROUTE).shown.is_empty(), "what is open shows nothing");
}

#[test]
fn work_that_is_done_once_is_counted_once() {
    let rules = rules();
    let hours = |rule: &str, open: usize| {
        let outcome = Outcome {
            total: open,
            total_weight: 1.0,
            gaps: open,
            ..Outcome::default()
        };
        let outcomes = BTreeMap::from([(rule.to_owned(), outcome)]);
        // Listed by no phase, an item has the hours of its rule.
        let plan = Roadmap {
            phases: Vec::new(),
            ..rules.roadmap("standard").unwrap().clone()
        };
        audit::outside(&plan, &outcomes, &rules).hours_open
    };
    let unit = |rule: &str| rules.rule(rule).unwrap().effort_hours;
    for (rule, open, units) in [
        ("structured-logging", 1, 1.0),
        ("structured-logging", 40, 1.0),
        ("route-tests", 1, 1.0),
        ("route-tests", 4, 4.0),
    ] {
        let wanted = (unit(rule) * units * 2.0).ceil() / 2.0;
        assert!((hours(rule, open) - wanted).abs() < f64::EPSILON, "{rule}");
    }
}

/// What is written in one procedure of a router is not what the others come to, nor what is mentioned in one.
#[test]
fn a_finding_names_the_handlers_that_come_to_its_place() {
    let rules = rules();
    let config = Config::default();
    let router = r#"import { initTRPC } from "@trpc/server";
import { db } from "./db";
import { countAll } from "./counts";

const t = initTRPC.create();

export const appRouter = t.router({
  list: t.procedure.query(async () => {
    const notes = await db.query.notes.findMany({ limit: 10 });
    const tags = await db.query.tags.findMany({ limit: 10 });
    return { notes, tags };
  }),
  counts: t.procedure.query(() => countAll()),
  other: t.procedure.query(() => 1),
});
"#;
    let counts = r#"import { db } from "./db";

export async function countAll() {
  const open = await db.query.notes.findMany({ limit: 5 });
  const done = await db.query.tasks.findMany({ limit: 5 });
  return [open, done];
}
"#;
    let files = [
        (
            "package.json",
            r#"{ "dependencies": { "next": "15.1.0", "@trpc/server": "11.0.0", "drizzle-orm": "0.38.2" } }"#,
        ),
        (
            "app/api/trpc/[trpc]/route.ts",
            "import { fetchRequestHandler } from \"@trpc/server/adapters/fetch\";\n\
             import { appRouter } from \"../../../../server/router\";\n\
             const handler = (req: Request) => fetchRequestHandler({ endpoint: \"/api/trpc\", req, router: appRouter });\n\
             export { handler as GET, handler as POST };\n",
        ),
        (
            "server/db.ts",
            "import { drizzle } from \"drizzle-orm/postgres-js\";\nexport const db = drizzle(process.env.DATABASE_URL!);\n",
        ),
        ("server/router.ts", router),
        ("server/counts.ts", counts),
    ];
    let model = model::build(&Repository::in_memory(&files), &rules, &config);
    let audit = audit::run(&model, &rules, &config, &options(&["sequential-awaits"]));
    let findings = audit.apps.iter().flat_map(|app| &app.findings);
    let told = findings.map(|finding| {
        let notes = finding.related.iter().map(|related| related.note.as_str());
        let from: Vec<&str> = notes.filter(|note| note.starts_with("reached")).collect();
        (finding.location.file.as_str(), from)
    });
    let told: BTreeMap<&str, Vec<&str>> = told.collect();
    assert_eq!(
        told,
        BTreeMap::from([
            (
                "server/counts.ts",
                vec!["reached from GET /api/trpc/counts"]
            ),
            ("server/router.ts", vec!["reached from GET /api/trpc/list"]),
        ])
    );
}

#[test]
fn what_a_test_in_a_browser_may_run_is_asked_about() {
    let rules = rules();
    let config = Config::default();
    let visit = "import { test } from \"@playwright/test\";\n\ntest(\"home\", async ({ page }) => {\n  await page.goto(\"/\");\n});\n";
    let ask = "import { test } from \"@playwright/test\";\n\ntest(\"ping\", async ({ request }) => {\n  await request.get(\"/api/ping\");\n});\n";
    let confidence = |test: &str| {
        let files = [
            ("package.json", MANIFEST),
            ("app/api/notes/route.ts", ROUTE),
            ("e2e/home.spec.ts", test),
        ];
        let model = model::build(&Repository::in_memory(&files), &rules, &config);
        let audit = audit::run(&model, &rules, &config, &options(&["route-tests"]));
        audit.apps[0].findings[0].confidence
    };
    assert_eq!(confidence(visit), Confidence::Low);
    assert_eq!(confidence(ask), Confidence::High);
}

#[test]
fn what_a_gateway_may_limit_is_asked_about() {
    let rules = rules();
    let config = Config::default();
    let adds = ROUTE.replace("DELETE()", "POST(request: Request)").replace(
        "\"delete from notes\"",
        "\"insert into notes values ($1)\", [await request.text()]",
    );
    let confidence = |gateway: (&str, &str)| {
        let files = [
            ("package.json", MANIFEST),
            ("app/api/notes/route.ts", &*adds),
            gateway,
        ];
        let model = model::build(&Repository::in_memory(&files), &rules, &config);
        let audit = audit::run(&model, &rules, &config, &options(&["route-rate-limit"]));
        audit.apps[0].findings[0].confidence
    };
    let limits = "server {\n  limit_req zone=api burst=5;\n}\n";
    assert_eq!(confidence(("nginx.conf", limits)), Confidence::Low);
    let listens = "server {\n  listen 80;\n}\n";
    assert_eq!(confidence(("nginx.conf", listens)), Confidence::High);
}
