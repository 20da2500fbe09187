//! Reports, from audits made by hand.

use readiness::audit::{
    AppAudit, Audit, Coverage, Item, ItemState, Metric, Phase, StackEntry, StaleSuppression, Tool,
};
use readiness::finding::{Finding, Related};
use readiness::report::{self, Style};
use readiness::rule::{Confidence, How, Severity};
use readiness::source::{Location, RepoPath, Unreadable};

/// An audit with something in every section.
fn sample() -> Audit {
    let mut findings = Vec::new();
    for (at, (route, file)) in [
        ("POST /api/chat", "apps/web/src/app/api/chat/route.ts"),
        (
            "POST /api/organisations/[organisationId]/members/[memberId]/invitations",
            "apps/web/src/app/(dashboard)/api/organisations/[organisationId]/members/[memberId]/invitations/route.ts",
        ),
        ("GET /api/notes", "apps/web/src/app/api/notes/route.ts"),
        ("PUT /api/notes/[id]", "apps/web/src/app/api/notes/[id]/route.ts"),
        ("DELETE /api/notes/[id]", "apps/web/src/app/api/notes/[id]/route.ts"),
        ("POST /api/upload", "apps/web/src/app/api/upload/route.ts"),
    ]
    .into_iter()
    .enumerate()
    {
        findings.push(Finding {
            expensive: at == 0,
            related: vec![Related {
                location: Location::of_line(&RepoPath::new("apps/web/src/lib/llm.ts"), 8),
                note: String::from("openai.chat.completions.create"),
            }],
            ..finding("route-rate-limit", Severity::Critical, route, file, 12)
        });
    }
    findings.push(Finding {
        confidence: Confidence::Low,
        message: String::from("the webhook's signature is not verified before its body is used"),
        ..finding(
            "webhook-signature",
            Severity::Critical,
            "POST /api/webhooks/stripe",
            "apps/web/src/app/api/webhooks/stripe/route.ts",
            9,
        )
    });
    findings.push(Finding {
        route: None,
        within: None,
        count: None,
        everywhere: false,
        message: String::from("no Content-Security-Policy header is set for any page"),
        ..finding(
            "csp-strength",
            Severity::High,
            "",
            "apps/web/next.config.mjs",
            1,
        )
    });
    Audit {
        schema: "readiness/audit/1",
        tool: Tool {
            name: "readiness",
            version: "0.1.0",
        },
        root: String::from("fixtures/sample"),
        apps: vec![app("acme-notes", "apps/web", findings, 41.6, 'D')],
        not_examined: vec![Unreadable {
            path: RepoPath::new("apps/web/src/generated/huge-client.js"),
            reason: String::from("larger than 1.5 MB"),
        }],
        stale_suppressions: vec![StaleSuppression {
            location: Location::of_line(&RepoPath::new("apps/web/src/app/api/health/route.ts"), 3),
            rule: String::from("route-auth"),
            problem: String::from("it matches no finding; remove the comment"),
        }],
        not_evaluated: Vec::new(),
        comparison: None,
        only_app: None,
    }
}

fn finding(rule: &str, severity: Severity, route: &str, file: &str, line: u32) -> Finding {
    Finding {
        rule: String::from(rule),
        severity,
        confidence: Confidence::High,
        message: format!("{route} has no rate limit"),
        location: Location::of_line(&RepoPath::new(file), line),
        related: Vec::new(),
        route: Some(String::from(route)),
        within: None,
        count: None,
        everywhere: false,
        expensive: false,
        fingerprint: String::from("0f3a"),
        fix: String::from("put a limiter in front of it"),
        standing: None,
    }
}

fn app(name: &str, root: &str, findings: Vec<Finding>, score: f64, grade: char) -> AppAudit {
    let phase = |title: &str, score, hours, gaps, states: &[ItemState]| Phase {
        title: String::from(title),
        score,
        hours_open: hours,
        items: states
            .iter()
            .map(|state| Item {
                title: String::from("Every expensive handler is rate limited"),
                priority: Severity::Critical,
                owner: Some(String::from("back end")),
                effort_hours: 4.0,
                rules: vec![String::from("route-rate-limit")],
                how: How::Static,
                state: *state,
                covered: 1,
                total: 11,
                checks: Vec::new(),
                gaps,
                shown: match state {
                    ItemState::Done => {
                        vec![Location::of_line(&RepoPath::new("src/lib/limit.ts"), 41)]
                    }
                    _ => Vec::new(),
                },
            })
            .collect(),
    };
    let coverage = |control: &str, covered, partial, unknown, total| Coverage {
        control: String::from(control),
        covered,
        partial,
        unknown,
        total,
    };
    AppAudit {
        root: RepoPath::new(root),
        name: String::from(name),
        framework: String::from("next"),
        version: Some(String::from("15.1.0")),
        stack: [
            ("Next.js", "15.1.0"),
            ("App Router", ""),
            ("Prisma", "5.22.0"),
            ("Auth.js", "5.0.0-beta.25"),
            ("zod", "3.23.8"),
            ("Stripe", "17.3.1"),
        ]
        .iter()
        .map(|(name, version)| StackEntry {
            name: String::from(*name),
            version: String::from(*version),
        })
        .collect(),
        metrics: vec![
            Metric {
                name: String::from("TypeScript files"),
                value: 42,
            },
            Metric {
                name: String::from("API handlers"),
                value: 11,
            },
        ],
        score: Some(score),
        grade: Some(grade),
        roadmap: String::from("standard"),
        phases: vec![
            phase(
                "Critical security and monitoring",
                Some(31.0),
                22.5,
                6,
                &[ItemState::Open, ItemState::Done],
            ),
            phase("Testing", Some(0.0), 40.0, 1, &[ItemState::Open]),
            phase(
                "Performance and hardening",
                Some(80.0),
                2.0,
                0,
                &[ItemState::Done, ItemState::NotApplicable],
            ),
            phase("Launch", None, 0.0, 0, &[ItemState::NotApplicable]),
        ],
        outside: Phase::default(),
        coverage: vec![
            coverage("auth", 7, 1, 1, 9),
            coverage("rate_limit", 1, 0, 0, 11),
            coverage("validation", 3, 4, 0, 8),
            coverage("error_handling", 11, 0, 0, 11),
            coverage("tests", 0, 0, 0, 0),
        ],
        findings,
        suppressed: Vec::new(),
        unknown: Vec::new(),
        answers: Vec::new(),
    }
}

fn terminal(width: usize, color: bool) -> String {
    report::terminal(
        &sample(),
        Style {
            color,
            width,
            all: false,
        },
    )
}

#[test]
fn the_terminal_report_reads_well() {
    insta::assert_snapshot!("terminal-80", terminal(80, false));
    insta::assert_snapshot!("terminal-120", terminal(120, false));
}

#[test]
fn no_line_of_the_terminal_report_passes_the_edge() {
    for width in [60, 72, 80, 100, 140] {
        for line in terminal(width, false).lines() {
            let command = line.starts_with("  readiness ");
            assert!(command || line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn colour_only_adds_escape_sequences() {
    let coloured = terminal(80, true);
    assert!(coloured.contains("\x1b[1;31mcritical\x1b[0m"));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    assert_eq!(plain, terminal(80, false));
}

#[test]
fn text_of_the_repository_cannot_steer_the_terminal() {
    let mut audit = sample();
    audit.apps[0].name = String::from("evil\x1b[2J\u{202e}name");
    audit.apps[0].findings[0].message = String::from("a\x07b\x1b]8;;http://x\x1b\\c");
    audit.not_examined[0].path = RepoPath::new("src/\x1b[1A.ts");
    let text = report::terminal(&audit, Style::default());
    assert!(
        text.chars()
            .all(|letter| letter == '\n' || !letter.is_control())
    );
    assert!(!text.contains('\u{202e}'));
    assert!(text.contains("evil\\u{1b}[2J\\u{202e}name"));
}

#[test]
fn applications_stand_side_by_side_with_a_score_each() {
    let mut audit = sample();
    audit
        .apps
        .push(app("acme-api", "apps/api", Vec::new(), 96.2, 'A'));
    let text = report::terminal(&audit, Style::default());
    let overview: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("2 applications"))
        .take(3)
        .collect();
    assert_eq!(
        overview,
        [
            "2 applications",
            "  acme-notes  apps/web  ████░░░░░░  42  D  8 gaps  64.5 h",
            "  acme-api    apps/api  █████████░  96  A  0 gaps  64.5 h",
        ]
    );
}

#[test]
fn a_rule_with_many_findings_shows_the_worst_and_counts_the_rest() {
    let text = terminal(80, false);
    assert!(text.contains("    and 3 more"), "{text}");
    let all = report::terminal(
        &sample(),
        Style {
            all: true,
            ..Style::default()
        },
    );
    assert!(!all.contains("more\n"));
    assert!(all.contains("apps/web/src/app/api/upload/route.ts:12"));
}

#[test]
fn the_json_report_keeps_every_finding_and_fits_its_schema() {
    let text = report::json(&sample());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], "readiness/audit/1");
    assert_eq!(value["apps"][0]["findings"].as_array().unwrap().len(), 8);
    assert_eq!(value["apps"][0]["findings"][0]["location"]["line"], 12);
    let schema = report::schemas(&readiness::rule::RuleSet::builtin().unwrap())
        .into_iter()
        .find(|schema| schema.file == "audit-1.schema.json")
        .unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema.text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut broken = value;
    broken["apps"][0]["score"] = "high".into();
    assert!(!validator.is_valid(&broken));
}
