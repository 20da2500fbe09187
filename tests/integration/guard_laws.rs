//! Laws of the proof engine over generated handlers: what a guard adds, and what only looks like one does not.

use std::fmt::Write as _;
use std::sync::LazyLock;

use proptest::prelude::*;
use readiness::config::Config;
use readiness::controls::Status;
use readiness::model::{Model, build};
use readiness::rule::{Control, RuleSet};
use readiness::source::Repository;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::builtin().unwrap());

const MANIFEST: &str = r#"{ "dependencies": { "next": "15.1.0", "next-auth": "5.0.0-beta.25" } }"#;

const LIBRARY: &str = "
import NextAuth from 'next-auth';
import { Pool } from 'pg';

export const { auth } = NextAuth({ providers: [] });
const pool = new Pool();

export async function rows(sql: string) {
  const result = await pool.query(sql);
  return result.rows;
}
export async function requireUser() {
  const session = await auth();
  if (!session) throw new Error('Unauthorized');
  return session.user;
}
export async function rejection() {
  const session = await auth();
  if (!session) return Response.json({ error: 'unauthorized' }, { status: 401 });
  return null;
}
export async function outcome() {
  const session = await auth();
  return session ? { ok: true, user: session.user } : { ok: false };
}
export function isJob(request: Request) {
  return request.headers.get('authorization') === `Bearer ${process.env.CRON_SECRET}`;
}
";

/// Awaited, tested, and turning strangers away. `N` keeps the names of two apart.
const GUARDS: [&str; 8] = [
    "const gN = await auth(); if (!gN) return Response.json({}, { status: 401 });",
    "const gN = await auth(); if (!gN?.user?.id) { return new Response('no', { status: 403 }); }",
    "const { user: gN } = (await auth()) ?? {}; if (!gN) { throw new Error('Unauthorized'); }",
    "await requireUser();",
    "const gN = await requireUser(); console.log(gN);",
    "const gN = await rejection(); if (gN) return gN;",
    "const gN = await outcome(); if (!gN.ok) return Response.json({}, { status: 401 });",
    "if (!isJob(request)) return new Response('no', { status: 401 });",
];

/// The same calls, and nobody is turned away by them.
const LOOKALIKES: [&str; 8] = [
    "const lN = await auth();",
    "const lN = await auth(); if (!lN) { console.warn('nobody'); }",
    "requireUser();",
    "void requireUser();",
    "await requireUser().catch(() => null);",
    "try { await requireUser(); } catch (error) { console.error(error); }",
    "await rejection();",
    "const lN = await outcome(); console.log(lN.ok);",
];

/// What handlers do besides.
const STEPS: [&str; 11] = [
    "const sN = 1 + 1;",
    "console.log('step');",
    "await rows('select N');",
    "const sN = await rows('select N'); if (sN.length > 9) { console.log('many'); }",
    "const { sN } = await request.json();",
    "const sN = await request.json(); if (!sN.name) return Response.json({}, { status: 400 });",
    "const sN = new URL(request.url).searchParams.get('s'); if (sN === 'x') { const found = await rows('select N'); return Response.json(found); }",
    "for (const sN of ['a', 'b']) { await rows(sN); }",
    "try { await rows('select N'); } catch (error) { return Response.json({}, { status: 500 }); }",
    "switch (request.headers.get('x-kind')) { case 'a': await rows('a'); break; default: console.log('b'); }",
    "const sN = () => rows('select N'); await sN();",
];

#[derive(Clone, Copy, Debug)]
enum Part {
    Guard(usize),
    Lookalike(usize),
    Step(usize),
}

fn step() -> impl Strategy<Value = Part> {
    (0..STEPS.len()).prop_map(Part::Step)
}

fn lookalike() -> impl Strategy<Value = Part> {
    (0..LOOKALIKES.len()).prop_map(Part::Lookalike)
}

fn guard() -> impl Strategy<Value = Part> {
    (0..GUARDS.len()).prop_map(Part::Guard)
}

/// Steps with lookalikes in between.
fn unguarded() -> impl Strategy<Value = Vec<Part>> {
    prop::collection::vec(prop_oneof![3 => step(), 1 => lookalike()], 0..6)
}

fn body(parts: &[Part]) -> String {
    let mut text = String::new();
    for (at, part) in parts.iter().enumerate() {
        let line = match part {
            Part::Guard(which) => GUARDS[*which],
            Part::Lookalike(which) => LOOKALIKES[*which],
            Part::Step(which) => STEPS[*which],
        };
        writeln!(text, "  {}", line.replace('N', &at.to_string())).unwrap();
    }
    text += "  const end = await rows('end');\n  return Response.json(end);\n";
    text
}

/// Handlers side by side in one application, in order.
fn prove(bodies: &[String]) -> (Model, String) {
    let mut files: Vec<(String, String)> = vec![
        (String::from("package.json"), String::from(MANIFEST)),
        (String::from("lib/all.ts"), String::from(LIBRARY)),
    ];
    let mut shown = String::new();
    for (at, body) in bodies.iter().enumerate() {
        let text = format!(
            "import {{ auth, isJob, outcome, rejection, requireUser, rows }} from '../../../lib/all';\n\
             export async function POST(request: Request) {{\n{body}}}\n"
        );
        shown += &text;
        files.push((format!("app/api/r{at}/route.ts"), text));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let model = build(&Repository::in_memory(&files), &RULES, &Config::default());
    (model, shown)
}

fn verdicts(bodies: &[String], control: Control) -> (Vec<Status>, String) {
    let (model, shown) = prove(bodies);
    let statuses: Vec<Status> = model.apps[0]
        .routes
        .iter()
        .map(|route| route.controls[&control].status)
        .collect();
    assert_eq!(statuses.len(), bodies.len());
    (statuses, shown)
}

/// How well a handler is protected.
fn strength(auth: Status) -> u8 {
    match auth {
        Status::Enforced => 3,
        Status::Optional => 2,
        Status::Absent => 1,
        Status::Unknown => 0,
        other => panic!("auth is never {}", other.word()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_guard_before_everything_is_enforced(guard in guard(), rest in unguarded()) {
        let guarded: Vec<Part> = std::iter::once(guard).chain(rest).collect();
        let (found, shown) = verdicts(&[body(&guarded)], Control::Auth);
        prop_assert_eq!(found[0], Status::Enforced, "{}", shown);
    }

    #[test]
    fn a_guard_more_never_weakens(
        guard in guard(),
        before in prop::collection::vec(prop_oneof![3 => step(), 1 => lookalike(), 1 => self::guard()], 0..4),
        after in prop::collection::vec(prop_oneof![3 => step(), 1 => lookalike(), 1 => self::guard()], 0..4),
    ) {
        let without: Vec<Part> = before.iter().chain(&after).copied().collect();
        let with: Vec<Part> = before.iter().copied().chain([guard]).chain(after.iter().copied()).collect();
        let (found, shown) = verdicts(&[body(&without), body(&with)], Control::Auth);
        prop_assert!(strength(found[1]) >= strength(found[0]), "{:?}\n{}", found, shown);
    }

    #[test]
    fn what_only_looks_like_a_guard_enforces_nothing(parts in unguarded()) {
        let (found, shown) = verdicts(&[body(&parts)], Control::Auth);
        let expected = if parts.iter().any(|part| matches!(part, Part::Lookalike(_))) {
            Status::Optional
        } else {
            Status::Absent
        };
        prop_assert_eq!(found[0], expected, "{}", shown);
    }

    #[test]
    fn a_block_around_it_catches_and_keeps_the_guard(guard in guard(), rest in unguarded()) {
        let guarded: Vec<Part> = std::iter::once(guard).chain(rest).collect();
        let inner = body(&guarded);
        let around = format!(
            "  try {{\n{inner}  }} catch (error) {{\n    return Response.json({{}}, {{ status: 500 }});\n  }}\n"
        );
        let bodies = [inner, around];
        let (auth, shown) = verdicts(&bodies, Control::Auth);
        prop_assert_eq!(auth, vec![Status::Enforced, Status::Enforced], "{}", shown);
        let (errors, shown) = verdicts(&bodies, Control::ErrorHandling);
        prop_assert_eq!(errors, vec![Status::Uncaught, Status::Caught], "{}", shown);
    }

    #[test]
    fn neighbours_do_not_matter(parts in unguarded(), others in prop::collection::vec(unguarded(), 1..4), guard in guard()) {
        let mut all = vec![body(&parts)];
        for other in &others {
            let guarded: Vec<Part> = std::iter::once(guard).chain(other.iter().copied()).collect();
            all.push(body(&guarded));
            all.push(body(other));
        }
        for control in [Control::Auth, Control::Validation, Control::ErrorHandling, Control::Logging] {
            let (alone, _) = verdicts(&all[..1], control);
            let (together, shown) = verdicts(&all, control);
            prop_assert_eq!(alone[0], together[0], "{}: {}", control.key(), shown);
        }
    }
}
