//! What an application is made of, in names and numbers.

use std::collections::BTreeSet;

use crate::graph::Graph;
use crate::project::{App, Framework, Project};
use crate::routes::RouteKind;
use crate::source::RepoPath;

use super::{Count, Part, RouteFacts};

/// Packages worth naming, by what they are: shown name, then the package that stands for it.
const STACK: [(&str, &[&str]); 39] = [
    ("React", &["react"]),
    ("TypeScript", &["typescript"]),
    ("Prisma", &["@prisma/client", "prisma"]),
    ("Drizzle", &["drizzle-orm"]),
    ("PostgreSQL client", &["pg", "postgres"]),
    ("MySQL client", &["mysql2"]),
    ("MongoDB", &["mongodb", "mongoose"]),
    ("Supabase", &["@supabase/supabase-js", "@supabase/ssr"]),
    ("Firebase", &["firebase"]),
    ("Firebase Admin", &["firebase-admin"]),
    ("Redis client", &["ioredis", "redis"]),
    ("Upstash Redis", &["@upstash/redis"]),
    ("Pinecone", &["@pinecone-database/pinecone"]),
    ("Inngest", &["inngest"]),
    ("tRPC", &["@trpc/server"]),
    ("GraphQL", &["graphql"]),
    ("NextAuth", &["next-auth"]),
    ("Better Auth", &["better-auth"]),
    ("Clerk", &["@clerk/nextjs"]),
    ("Stripe", &["stripe"]),
    ("Zod", &["zod"]),
    ("Upstash Ratelimit", &["@upstash/ratelimit"]),
    ("Sentry", &["@sentry/nextjs", "@sentry/node"]),
    ("pino", &["pino"]),
    ("winston", &["winston"]),
    ("OpenTelemetry", &["@opentelemetry/api", "@vercel/otel"]),
    ("AI SDK", &["ai"]),
    ("OpenAI", &["openai"]),
    ("Anthropic", &["@anthropic-ai/sdk"]),
    ("Gemini", &["@google/genai", "@google/generative-ai"]),
    ("LangChain", &["langchain"]),
    ("E2B", &["@e2b/code-interpreter", "e2b"]),
    ("Twilio", &["twilio"]),
    ("Tailwind CSS", &["tailwindcss"]),
    ("GSAP", &["gsap"]),
    ("Zustand", &["zustand"]),
    ("Vitest", &["vitest"]),
    ("Jest", &["jest"]),
    ("Playwright", &["@playwright/test"]),
];

/// The technology of an application: what its manifest lists, or the root's for all.
pub(super) fn stack(app: &App) -> Vec<(String, String)> {
    let mut stack = Vec::new();
    let framework = match app.framework {
        Framework::Next => "Next.js",
        Framework::Express => "Express",
        Framework::Hono => "Hono",
    };
    stack.push((
        framework.to_owned(),
        app.version
            .clone()
            .unwrap_or_else(|| String::from("unknown version")),
    ));
    for (name, packages) in STACK {
        if let Some(version) = packages.iter().find_map(|each| app.versions.get(*each)) {
            stack.push((name.to_owned(), version.clone()));
        }
    }
    stack
}

/// Counts of what lies in the application's folder.
pub(super) fn metrics(
    app: &App,
    project: &Project,
    graph: &Graph,
    routes: &[RouteFacts],
) -> Vec<Count> {
    let nested: Vec<&RepoPath> = project
        .apps
        .iter()
        .map(|other| &other.root)
        .filter(|root| **root != app.root && root.starts_with(&app.root))
        .collect();
    let mut typescript = 0;
    let mut tests = 0;
    let mut cases = 0;
    let mut console = 0;
    let mut console_files = 0;
    let mut any = 0;
    for (_, record) in graph.modules() {
        if !record.path.starts_with(&app.root)
            || nested.iter().any(|root| record.path.starts_with(root))
        {
            continue;
        }
        if matches!(record.path.extension(), Some("ts" | "tsx" | "mts" | "cts"))
            && !record.path.as_str().ends_with(".d.ts")
        {
            typescript += 1;
        }
        let facts = &record.facts;
        if facts.test_cases == 0 && facts.console_calls.is_empty() && facts.any_types == 0 {
            continue;
        }
        if record.path.is_test() {
            tests += u64::from(facts.test_cases > 0);
            cases += u64::from(facts.test_cases);
            continue;
        }
        if is_for_people_at_a_terminal(&record.path) {
            continue;
        }
        console += facts.console_calls.len() as u64;
        console_files += u64::from(!facts.console_calls.is_empty());
        any += u64::from(facts.any_types);
    }
    let files: BTreeSet<&RepoPath> = routes
        .iter()
        .filter(|route| route.route.kind != RouteKind::Action)
        .map(|route| &route.file)
        .collect();
    let actions = routes
        .iter()
        .filter(|route| route.route.kind == RouteKind::Action)
        .count() as u64;
    [
        (Part::Code, "TypeScript files", typescript),
        (Part::Code, "route files", files.len() as u64),
        (Part::Code, "handlers", routes.len() as u64 - actions),
        (Part::Code, "server actions", actions),
        (Part::Tests, "test files", tests),
        (Part::Tests, "test cases", cases),
        (Part::Slips, "console calls", console),
        (Part::Slips, "files with console calls", console_files),
        (Part::Slips, "explicit any", any),
    ]
    .into_iter()
    .map(|(part, name, value)| Count {
        part,
        name: name.to_owned(),
        value,
    })
    .collect()
}

/// Scripts and migrations write to the console what their users read there, and no request runs them.
fn is_for_people_at_a_terminal(path: &RepoPath) -> bool {
    path.is_script() || path.folders().any(|folder| folder == "migrations")
}
