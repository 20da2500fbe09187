//! Route tables of small applications, row by row.

use std::fmt::Write as _;
use std::path::Path;

use readiness::graph::Graph;
use readiness::project::{Project, Resolver};
use readiness::routes::{Entry, Middleware, MiddlewareProblem, RouteKind, RouteTable};
use readiness::rule::RuleSet;
use readiness::source::{RepoPath, Repository};
use readiness::syntax::{ModuleRecord, ParseOptions, PatternSet, parse_module};

/// A repository with the route table of its only application.
struct Loaded {
    repository: Repository,
    graph: Graph,
    table: RouteTable,
}

fn fixture(name: &str) -> Loaded {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/routes")
        .join(name);
    load(Repository::open(&root).unwrap())
}

fn load(repository: Repository) -> Loaded {
    let patterns = PatternSet::default();
    let records: Vec<ModuleRecord> = repository
        .modules()
        .map(|path| {
            let file = repository.read(path).unwrap();
            parse_module(
                &file,
                ParseOptions {
                    patterns: &patterns,
                },
            )
        })
        .collect();
    let find = |path: &RepoPath| records.iter().find(|record| record.path == *path);
    let (project, unreadable) = Project::load(&repository, &find);
    assert_eq!(unreadable, []);
    let (resolver, _) = Resolver::new(&repository, &project);
    assert_eq!(project.apps.len(), 1, "{:?}", project.apps);
    let graph = Graph::new(records, resolver);
    let table = RouteTable::build(
        &project.apps[0],
        &graph,
        &RuleSet::builtin().unwrap().controls,
    );
    Loaded {
        repository,
        graph,
        table,
    }
}

impl Loaded {
    /// One line per row of these kinds: `METHOD url file:line`; for a chain also the text of its layers' first lines.
    fn rows(&self, kinds: &[RouteKind]) -> String {
        let mut out = String::new();
        for route in &self.table.routes {
            if !kinds.contains(&route.kind) {
                continue;
            }
            let record = self.graph.module(route.module);
            let url = route.url.as_deref().unwrap_or("-");
            let line = record.line(route.span);
            write!(out, "{} {url} {}:{line}", route.method, record.path).unwrap();
            if let Entry::Chain(layers) = &route.entry {
                for layer in layers {
                    let record = self.graph.module(layer.module);
                    let file = self.repository.read(&record.path).unwrap();
                    let span = record.span(layer.expr);
                    let text = &file.text[span.start as usize..span.end as usize];
                    let sign = if layer.handles_errors { " ! " } else { " > " };
                    out += sign;
                    out += text.lines().next().unwrap();
                }
            }
            out.push('\n');
        }
        out
    }
}

#[track_caller]
fn expect(found: &str, expected: &str) {
    let expected: String = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .fold(String::new(), |text, line| text + line + "\n");
    assert!(found == expected, "found:\n{found}\nexpected:\n{expected}");
}

#[test]
fn route_handlers_in_every_export_shape() {
    expect(
        &fixture("app-router").rows(&[RouteKind::App]),
        "
        GET /docs/_open src/app/%5Fopen/route.js:1
        GET /docs/api/items/[id] src/app/(shop)/api/items/[id]/route.ts:3
        DELETE /docs/api/items/[id] src/app/(shop)/api/items/[id]/route.ts:5
        POST /docs/api/panel src/app/@panel/api/panel/route.ts:1
        GET /docs/api/[...all] src/app/api/[...all]/route.ts:5
        POST /docs/api/[...all] src/app/api/[...all]/route.ts:5
        DELETE /docs/api/again src/app/api/again/route.ts:1
        PUT /docs/api/again src/app/api/again/route.ts:1
        GET /docs/api/alias src/app/api/alias/route.ts:1
        HEAD /docs/api/alias src/app/api/alias/route.ts:5
        GET /docs/api/opt/[[...rest]] src/app/api/opt/[[...rest]]/route.ts:6
        POST /docs/api/opt/[[...rest]] src/app/api/opt/[[...rest]]/route.ts:7
        OPTIONS /docs/api/opt/[[...rest]] src/app/api/opt/[[...rest]]/route.ts:8
        GET /docs/api/star src/app/api/star/route.ts:1
        POST /docs/api/star src/app/api/star/route.ts:1
        PATCH /docs/api/typed src/app/api/typed/route.ts:3
        GET /docs/feed/(..)photo/[id] src/app/feed/(..)photo/[id]/route.ts:1
        GET /docs/robots.txt src/app/robots.txt/route.ts:1
        GET /docs src/app/route.ts:1
        ",
    );
}

#[test]
fn methods_that_a_pages_handler_answers() {
    expect(
        &fixture("pages-router").rows(&[RouteKind::Pages]),
        "
        GET /api/chain/[id] pages/api/chain/[id].ts:3
        PUT /api/chain/[id] pages/api/chain/[id].ts:3
        GET /api/connect pages/api/connect.ts:11
        POST /api/connect pages/api/connect.ts:11
        GET /api/connected pages/api/connected.ts:8
        DELETE /api/connected pages/api/connected.ts:8
        POST /api/delegated pages/api/delegated.ts:1
        PATCH /api/destructured pages/api/destructured.ts:1
        POST /api/edge pages/api/edge.ts:5
        POST /api/guard pages/api/guard.ts:3
        GET /api/includes pages/api/includes.ts:5
        HEAD /api/includes pages/api/includes.ts:5
        ANY /api pages/api/index.ts:3
        GET /api/legacy pages/api/legacy.js:1
        POST /api/listed pages/api/listed.ts:3
        DELETE /api/listed pages/api/listed.ts:3
        GET /api/map pages/api/map.ts:8
        DELETE /api/map pages/api/map.ts:8
        GET /api/object pages/api/object.ts:3
        POST /api/object pages/api/object.ts:3
        GET /api/paths pages/api/paths.ts:6
        POST /api/paths pages/api/paths.ts:6
        POST /api/refuses pages/api/refuses.ts:3
        POST /api/silent pages/api/silent.ts:3
        DELETE /api/some pages/api/some.ts:3
        ANY /api/some pages/api/some.ts:3
        GET /api/switch pages/api/switch.ts:3
        POST /api/switch pages/api/switch.ts:3
        PATCH /api/switch pages/api/switch.ts:3
        PUT /api/wrapped pages/api/wrapped.ts:8
        ",
    );
}

#[test]
fn server_actions_of_files_and_of_functions() {
    let loaded = fixture("actions");
    expect(
        &loaded.rows(&[RouteKind::Action]),
        "
        createItem - apps/web/app/actions.ts:10
        removeItem - apps/web/app/actions.ts:14
        renameItem - apps/web/app/actions.ts:16
        archiveItem - apps/web/app/actions.ts:24
        cleanUp - apps/web/app/actions.ts:28
        submit - apps/web/app/page.tsx:5
        remove - apps/web/app/page.tsx:10
        subscribe - apps/web/app/subscribe.ts:3
        sharedAction - packages/shared/src/shared-action.ts:3
        ",
    );
    let inline = loaded
        .table
        .routes
        .iter()
        .find(|route| route.method == "submit")
        .unwrap();
    assert!(matches!(inline.entry, Entry::Function(_)));
}

#[test]
fn express_routers_in_registration_order() {
    expect(
        &fixture("express").rows(&[RouteKind::Express]),
        "
        GET /early src/app.ts:17 > helmet() > (req, res) => res.send(\"before the parser\") ! errorHandler ! lastResort(console.error)
        GET /docs src/app.ts:19 > helmet() > express.json() > express.urlencoded({ extended: true }) > swaggerUi.serve > swaggerUi.setup({}) ! errorHandler ! lastResort(console.error)
        GET /late src/app.ts:23 > helmet() > express.json() > express.urlencoded({ extended: true }) > (req, res) => res.send(app.get(\"trust proxy\")) ! errorHandler ! lastResort(console.error)
        POST /unguarded src/app.ts:27 > helmet() > express.json() > express.urlencoded({ extended: true }) > (req, res) => res.status(404).end() > (req, res) => res.end() ! lastResort(console.error)
        DELETE /admin/cache src/routes/admin.ts:6 > helmet() > express.json() > express.urlencoded({ extended: true }) > requireUser > (req, res) => res.end() ! errorHandler ! lastResort(console.error)
        GET /api/v1/books/all src/routes/crud.ts:5 > helmet() > express.json() > express.urlencoded({ extended: true }) > (req, res) => res.json([]) ! errorHandler ! lastResort(console.error)
        GET /api/v1/films/every src/routes/crud.ts:5 > helmet() > express.json() > express.urlencoded({ extended: true }) > (req, res) => res.json([]) ! errorHandler ! lastResort(console.error)
        GET /api/v1/songs/some src/routes/crud.ts:5 > helmet() > express.json() > express.urlencoded({ extended: true }) > (req, res) => res.json([]) ! errorHandler ! lastResort(console.error)
        GET /api/v1/health/ready src/routes/health.ts:11 > helmet() > express.json() > express.urlencoded({ extended: true }) > this.ready ! errorHandler ! lastResort(console.error)
        GET /legacy/reports src/routes/legacy.js:5 > helmet() > express.json() > express.urlencoded({ extended: true }) > (req, res) => res.status(404).end() > require(\"../middleware/only-admins\") > report ! errorHandler ! lastResort(console.error)
        GET /legacy/reports/:id src/routes/legacy.js:6 > helmet() > express.json() > express.urlencoded({ extended: true }) > (req, res) => res.status(404).end() > report ! errorHandler ! lastResort(console.error)
        GET /api/users src/routes/users.ts:7 > helmet() > express.json() > express.urlencoded({ extended: true }) > requireUser > list ! errorHandler ! lastResort(console.error)
        GET /api/users/:id src/routes/users.ts:11 > helmet() > express.json() > express.urlencoded({ extended: true }) > requireUser > requireUser > (req: any, res: any, next: any) => next() > show ! errorHandler ! lastResort(console.error)
        PUT /api/users/:id src/routes/users.ts:12 > helmet() > express.json() > express.urlencoded({ extended: true }) > requireUser > requireUser > (req: any, res: any, next: any) => next() > requireUser > (req: any, res: any, next: any) => next() > update ! errorHandler ! lastResort(console.error)
        ANY /api/users/:id/a src/routes/users.ts:13 > helmet() > express.json() > express.urlencoded({ extended: true }) > requireUser > requireUser > (req: any, res: any, next: any) => next() > show ! errorHandler ! lastResort(console.error)
        ANY /api/users/:id/b src/routes/users.ts:13 > helmet() > express.json() > express.urlencoded({ extended: true }) > requireUser > requireUser > (req: any, res: any, next: any) => next() > show ! errorHandler ! lastResort(console.error)
        ",
    );
}

#[test]
fn hono_mounted_in_a_catch_all() {
    expect(
        &fixture("hono").rows(&[RouteKind::App, RouteKind::Hono]),
        "
        GET /api/[[...route]] app/api/[[...route]]/route.ts:16
        POST /api/[[...route]] app/api/[[...route]]/route.ts:17
        GET /api/me app/api/[[...route]]/route.ts:10 > signedIn > (c) => c.json({}) ! (error, c) => c.text(error.message, 500)
        PUT /api/both app/api/[[...route]]/route.ts:13 > signedIn > (c) => c.text(\"ok\") ! (error, c) => c.text(error.message, 500)
        DELETE /api/both app/api/[[...route]]/route.ts:13 > signedIn > (c) => c.text(\"ok\") ! (error, c) => c.text(error.message, 500)
        GET /api/books server/books.ts:5 > signedIn > (c) => c.json([]) ! (error, c) => c.text(error.message, 500)
        POST /api/books/:id/pages server/books.ts:8 > signedIn > async (c, next) => next() > (c) => c.json({}, 201) ! (error, c) => c.text(error.message, 500)
        GET /api/books/:id server/books.ts:9 > signedIn > async (c, next) => next() > async (c, next) => await next() > (c) => c.json({}) ! (error, c) => c.text(error.message, 500)
        ",
    );
}

#[test]
fn a_chain_may_be_long() {
    let mut text = String::from(
        "import express from \"express\";\nfunction answer() {}\nconst app = express();\napp",
    );
    for at in 0..300 {
        write!(text, "\n  .get(\"/{at}\", answer)").unwrap();
    }
    text += ";\napp.listen(3000);\n";
    let manifest = r#"{ "name": "long", "dependencies": { "express": "4.21.0" } }"#;
    let files = [("package.json", manifest), ("src/index.ts", text.as_str())];
    let loaded = load(Repository::in_memory(&files));
    assert_eq!(loaded.table.routes.len(), 300);
    let urls = loaded.table.routes.iter().map(|route| route.url.clone());
    let expected = (0..300).map(|at| Some(format!("/{at}")));
    assert!(urls.eq(expected));
}

const FUNCTION: &str = "import { NextResponse } from \"next/server\";\nexport function middleware() { return NextResponse.next(); }\n";

/// The middleware files of an application with one page and these files.
fn middleware(version: &str, app: &str, files: &[(&str, &str)]) -> Vec<(String, Middleware)> {
    let manifest = format!(r#"{{ "name": "m", "dependencies": {{ "next": "{version}" }} }}"#);
    let page = format!("{app}/page.tsx");
    let mut all = vec![
        ("package.json", manifest.as_str()),
        (
            page.as_str(),
            "export default function Page() { return null; }\n",
        ),
    ];
    all.extend(files);
    let loaded = load(Repository::in_memory(&all));
    loaded
        .table
        .middleware
        .iter()
        .map(|found| {
            let path = loaded.graph.module(found.module).path.to_string();
            (path, found.clone())
        })
        .collect()
}

#[test]
fn a_middleware_in_the_source_root_is_loaded() {
    let found = middleware("15.1.0", "src/app", &[("src/middleware.ts", FUNCTION)]);
    let [(path, only)] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(path, "src/middleware.ts");
    assert_eq!(only.problem, None);
    assert_eq!(only.export.as_deref(), Some("middleware"));
    assert!(only.matchers.as_ref().unwrap().is_empty());
}

#[test]
fn a_middleware_next_does_not_look_for() {
    let wrong_folder = |app: &str, file: &str| {
        let found = middleware("15.1.0", app, &[(file, FUNCTION)]);
        let [(_, only)] = &found[..] else {
            panic!("{file}: {found:?}");
        };
        only.problem.clone()
    };
    let source = |folder: &str| Some(MiddlewareProblem::WrongFolder(RepoPath::new(folder)));
    assert_eq!(wrong_folder("src/app", "middleware.ts"), source("src"));
    assert_eq!(wrong_folder("app", "src/middleware.ts"), source(""));
    assert_eq!(wrong_folder("app", "app/middleware.ts"), source(""));
    assert_eq!(wrong_folder("app", "middleware.ts"), None);

    // Folders of that name, and other files, are none.
    let others = [
        ("src/middleware/auth.ts", FUNCTION),
        ("lib/server/middleware.ts", FUNCTION),
        (
            "src/middleware.ts",
            "export function logger(req, res, next) { next(); }\n",
        ),
    ];
    assert_eq!(middleware("15.1.0", "app", &others).len(), 0);
}

#[test]
fn the_name_goes_with_the_version() {
    let proxy = FUNCTION.replace("middleware", "proxy");
    let problem = |version: &str, files: &[(&str, &str)]| {
        let found = middleware(version, "app", files);
        found
            .into_iter()
            .map(|(path, found)| (path, found.problem))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        problem("15.5.0", &[("proxy.ts", &proxy)]),
        [(String::from("proxy.ts"), Some(MiddlewareProblem::WrongName))]
    );
    assert_eq!(
        problem("16.0.0", &[("proxy.ts", &proxy)]),
        [(String::from("proxy.ts"), None)]
    );
    assert_eq!(
        problem(
            "16.0.0",
            &[("middleware.ts", FUNCTION), ("proxy.ts", &proxy)]
        ),
        [
            (
                String::from("middleware.ts"),
                Some(MiddlewareProblem::Shadowed(RepoPath::new("proxy.ts")))
            ),
            (String::from("proxy.ts"), None)
        ]
    );
    // `proxy.ts` must not export the old name only.
    assert_eq!(
        problem("16.0.0", &[("proxy.ts", FUNCTION)]),
        [(
            String::from("proxy.ts"),
            Some(MiddlewareProblem::WrongExport)
        )]
    );
}

#[test]
fn matchers_are_read_from_constants() {
    let read = |config: &str| {
        let text = format!("{FUNCTION}\n{config}\n");
        let found = middleware("15.1.0", "app", &[("middleware.ts", &text)]);
        let (_, only) = found.into_iter().next().unwrap();
        only.matchers.map(|matchers| {
            matchers
                .into_iter()
                .map(|matcher| (matcher.source, matcher.conditions.len()))
                .collect::<Vec<_>>()
        })
    };
    let one = |source: &str, conditions| Some(vec![(String::from(source), conditions)]);
    assert_eq!(
        read(r#"export const config = { matcher: "/admin/:path*" };"#),
        one("/admin/:path*", 0)
    );
    assert_eq!(
        read(r#"export const config = { matcher: ["/a"] as const };"#),
        one("/a", 0)
    );
    assert_eq!(
        read(r#"const list = ["/b"]; const config = { matcher: list }; export { config };"#),
        one("/b", 0)
    );
    assert_eq!(
        read(
            r#"export const config = { matcher: [{ source: "/c", missing: [{ type: "header", key: "next-router-prefetch" }, { type: "header", key: "purpose", value: "prefetch" }] }] };"#
        ),
        one("/c", 2)
    );
    assert_eq!(
        read(r#"export const config = { runtime: "edge" };"#),
        Some(Vec::new())
    );
    assert_eq!(read("export const config = { matcher: build() };"), None);
    assert_eq!(
        read(r#"export const config = { matcher: "no-slash" };"#),
        None
    );
}
