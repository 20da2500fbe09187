//! From a repository to the model: every room below, once, in order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::config::Config;
use crate::controls::{Proof, Prover, Status, TeamControls, TestReach, Verdict};
use crate::graph::{Graph, ModuleId};
use crate::project::{Manifests, MeasuredValues, Platforms, Project, Resolver, read_measured};
use crate::routes::RouteTable;
use crate::rule::{Control, ControlLibrary, MeasuredResult, RuleSet};
use crate::source::{RepoPath, Repository, SourceFile, Unreadable};
use crate::syntax::{ModuleRecord, ParseOptions, Parsed, parse_module};

use super::{AppModel, GuardHint, Model, RouteFacts, describe, public};

/// Builds the model of a repository.
#[must_use]
pub fn build(repository: &Repository, rules: &RuleSet, config: &Config) -> Model {
    build_in_stages(repository, rules, config, &mut |_| {})
}

/// Builds the model of a repository and calls `stage` with the name of each step before it begins.
#[must_use]
pub fn build_in_stages(
    repository: &Repository,
    rules: &RuleSet,
    config: &Config,
    stage: &mut dyn FnMut(&'static str),
) -> Model {
    stage("read and parse");
    let mut not_examined: Vec<Unreadable> = repository.problems().to_vec();
    let manifests = Manifests::read(repository);
    let mut elsewhere = Platforms::of(repository, &manifests.0);
    let read = |path: &&RepoPath| elsewhere.folder_of(path).is_none();
    let paths: Vec<&RepoPath> = repository.modules().filter(read).collect();
    let mut modules = parse(repository, paths, rules, &mut not_examined);
    loop {
        let reached = elsewhere.keep_reached(&modules);
        if reached.is_empty() {
            break;
        }
        let read = |path: &&RepoPath| reached.iter().any(|folder| path.starts_with(folder));
        let paths = repository.modules().filter(read).collect();
        modules.extend(parse(repository, paths, rules, &mut not_examined));
    }
    not_examined.extend(elsewhere.left_out());
    stage("resolve");
    let by_path: FxHashMap<&RepoPath, &ModuleRecord> = modules
        .iter()
        .map(|record| (&record.path, record))
        .collect();
    let (project, unreadable) =
        Project::of(repository, manifests, &|path| by_path.get(path).copied());
    not_examined.extend(unreadable);
    drop(by_path);
    let (resolver, unreadable) = Resolver::new(repository, &project);
    not_examined.extend(unreadable);
    let graph = Graph::new(modules, resolver);
    graph.link_all();
    stage("routes");
    let tables: Vec<RouteTable> = project
        .apps
        .par_iter()
        .map(|app| RouteTable::build(app, &graph, &rules.controls))
        .collect();
    let unread_routes = unread_routes(&graph, &tables);
    stage("prove");
    let team = TeamControls::find(config, &graph);
    let apps = prove(
        &project,
        &graph,
        tables,
        rules,
        &team,
        config,
        &mut not_examined,
    );
    stage("documents");
    let (documents, migrations) = documents(repository, rules, &mut not_examined);
    let (measured, unmeasured) = measured(repository, config);
    not_examined.extend(unmeasured.iter().cloned());
    not_examined.sort();
    not_examined.dedup();
    Model {
        project,
        graph,
        apps,
        not_examined,
        unread_routes,
        unknown_controls: team.unknown,
        paths: repository.files().to_vec(),
        documents,
        migrations,
        measured,
        unmeasured,
    }
}

/// Where routes are registered that only callers know which were not followed.
fn unread_routes(graph: &Graph, tables: &[RouteTable]) -> Vec<Unreadable> {
    let unread = tables.iter().flat_map(|table| &table.unread);
    let mut found: Vec<Unreadable> = unread
        .map(|(module, span)| {
            let record = graph.module(*module);
            Unreadable {
                path: record.path.clone(),
                reason: format!(
                    "line {} registers routes by what it is handed, which could not be followed: these routes are missing",
                    record.line(*span)
                ),
            }
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// What the result files say that the configuration names, and those that cannot be read.
fn measured(
    repository: &Repository,
    config: &Config,
) -> (
    BTreeMap<MeasuredResult, (RepoPath, MeasuredValues)>,
    Vec<Unreadable>,
) {
    let measure = &config.measure;
    let named = [
        (MeasuredResult::Coverage, &measure.coverage),
        (MeasuredResult::Load, &measure.load),
        (MeasuredResult::Lighthouse, &measure.lighthouse),
        (MeasuredResult::Audit, &measure.audit),
    ];
    let (mut found, mut unreadable) = (BTreeMap::new(), Vec::new());
    for (result, path) in named {
        let Some(path) = path.as_deref().map(RepoPath::new) else {
            continue;
        };
        match read_measured(repository, &path, result) {
            Ok(values) => {
                found.insert(result, (path, values));
            }
            Err(file) => unreadable.push(file),
        }
    }
    (found, unreadable)
}

fn parse(
    repository: &Repository,
    paths: Vec<&RepoPath>,
    rules: &RuleSet,
    not_examined: &mut Vec<Unreadable>,
) -> Vec<ModuleRecord> {
    let options = ParseOptions {
        patterns: &rules.patterns,
    };
    let results: Vec<Result<ModuleRecord, Unreadable>> = paths
        .into_par_iter()
        // Files differ much in size: no thread keeps a stretch of large ones to itself.
        .with_max_len(4)
        .map(|path| {
            repository
                .read(path)
                .map(|file| parse_module(&file, options))
        })
        .collect();
    let mut modules = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok(record) => {
                if let Parsed::ExportsOnly(reason) = &record.parsed {
                    not_examined.push(Unreadable {
                        path: record.path.clone(),
                        reason: reason.clone(),
                    });
                }
                modules.push(record);
            }
            Err(unreadable) => not_examined.push(unreadable),
        }
    }
    modules
}

/// The documents, and the migrations that a tool derives.
fn documents(
    repository: &Repository,
    rules: &RuleSet,
    not_examined: &mut Vec<Unreadable>,
) -> (Vec<SourceFile>, Vec<SourceFile>) {
    let wanted: Vec<&RepoPath> = repository
        .files()
        .par_iter()
        .filter(|path| rules.reads(path) && !is_for_tools(path))
        .collect();
    let read: Vec<(bool, Result<SourceFile, Unreadable>)> = wanted
        .into_par_iter()
        .map(|path| (is_derived(repository, path), repository.read(path)))
        .collect();
    let mut documents = Vec::with_capacity(read.len());
    let mut migrations = Vec::new();
    for (derived, result) in read {
        match result {
            Ok(file) if derived => {
                let holds = |word: &&str| {
                    memchr::memmem::find(file.text.as_bytes(), word.as_bytes()).is_some()
                };
                if OF_MIGRATIONS.iter().any(holds) {
                    migrations.push(file);
                }
            }
            // The schema says nearly all that it would.
            Err(_) if derived => {}
            Ok(file) => documents.push(file),
            // Of prose only headings and lists are looked at, and its name says much already.
            Err(unreadable) if matches!(unreadable.path.extension(), Some("md" | "mdx")) => {}
            Err(unreadable) => not_examined.push(unreadable),
        }
    }
    (documents, migrations)
}

/// What derived SQL may say that its schema does not: indexes made by hand, foreign keys that are dropped.
const OF_MIGRATIONS: [&str; 6] = [
    "INDEX",
    "index",
    "FOREIGN KEY",
    "foreign key",
    "DROP CONSTRAINT",
    "drop constraint",
];

/// SQL that a tool derives from a schema that is read as well.
fn is_derived(repository: &Repository, path: &RepoPath) -> bool {
    let derived = |folder: &str| {
        let folder = RepoPath::new(folder);
        repository.exists(&folder.join("migration_lock.toml"))
            || repository.exists(&folder.join("meta/_journal.json"))
    };
    path.extension() == Some("sql") && path.ancestors().any(derived)
}

/// Prose that only tools look at.
fn is_for_tools(path: &RepoPath) -> bool {
    matches!(path.extension(), Some("md" | "mdx"))
        && path
            .folders()
            .any(|folder| folder.starts_with('.') && folder != ".github")
}

/// Proves every job, in their order; `None` where the proof failed.
///
/// A prover remembers what it has run, and neighbouring routes run the same code. So every thread has one prover and begins
/// with a stretch of its own; who is done helps at the far end of the longest stretch that is left.
fn proofs(
    jobs: &[(usize, usize)],
    tables: &[RouteTable],
    graph: &Graph,
    library: &ControlLibrary,
    team: &TeamControls,
) -> Vec<Option<Proof>> {
    let threads = rayon::current_num_threads().clamp(1, jobs.len().max(1));
    let stretches: Vec<Range<usize>> = (0..threads)
        .map(|thread| jobs.len() * thread / threads..jobs.len() * (thread + 1) / threads)
        .collect();
    let stretches = Mutex::new(stretches);
    let next = |own: usize| -> Option<usize> {
        let mut stretches = stretches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = stretches.get_mut(own).and_then(Iterator::next) {
            return Some(job);
        }
        let longest = stretches.iter_mut().max_by_key(|stretch| stretch.len());
        longest.and_then(DoubleEndedIterator::next_back)
    };
    let done: Vec<Vec<(usize, Option<Proof>)>> = (0..threads)
        .into_par_iter()
        .with_max_len(1)
        .map(|own| {
            let mut prover = Prover::new(graph, library, team);
            let mut done = Vec::new();
            while let Some(job) = next(own) {
                let (app, route) = jobs[job];
                let table = &tables[app];
                let proved = catch_unwind(AssertUnwindSafe(|| {
                    prover.route(&table.routes[route], table)
                }));
                if proved.is_err() {
                    // Whatever the prover knew may be half written.
                    prover = Prover::new(graph, library, team);
                }
                done.push((job, proved.ok()));
            }
            done
        })
        .collect();
    let mut done: Vec<(usize, Option<Proof>)> = done.into_iter().flatten().collect();
    done.sort_by_key(|(job, _)| *job);
    done.into_iter().map(|(_, proof)| proof).collect()
}

/// A function is asked about when so many handlers stand behind it.
const ASKED_FROM: usize = 5;

fn hints(suspects: BTreeMap<(String, bool), usize>) -> Vec<GuardHint> {
    let many = suspects
        .into_iter()
        .filter(|(_, handlers)| *handlers >= ASKED_FROM);
    let mut hints: Vec<GuardHint> = many
        .map(|((name, wraps), handlers)| GuardHint {
            name,
            handlers,
            wraps,
        })
        .collect();
    hints.sort_by_key(|hint| std::cmp::Reverse(hint.handlers));
    hints
}

/// The files that scripts run as tests: `"test:e2e": "tsx scripts/check-orders.ts"`.
fn run_as_tests(project: &Project, graph: &Graph) -> Vec<ModuleId> {
    let mut found = Vec::new();
    for package in &project.packages {
        let folder = package.folder();
        let tests = package.scripts.iter().filter(|(name, _)| {
            name.split([':', '-'])
                .any(|word| matches!(word, "test" | "tests" | "e2e"))
        });
        for word in tests.flat_map(|(_, script)| script.split_whitespace()) {
            let path = folder.join(word.trim_matches(['"', '\'']));
            found.extend(graph.find(&path));
        }
    }
    found
}

fn prove(
    project: &Project,
    graph: &Graph,
    tables: Vec<RouteTable>,
    rules: &RuleSet,
    team: &TeamControls,
    config: &Config,
    not_examined: &mut Vec<Unreadable>,
) -> Vec<AppModel> {
    let jobs: Vec<(usize, usize)> = tables
        .iter()
        .enumerate()
        .flat_map(|(app, table)| (0..table.routes.len()).map(move |route| (app, route)))
        .collect();
    let library = team.library(&rules.controls);
    let (proofs, tests) = rayon::join(
        || proofs(&jobs, &tables, graph, &library, team),
        || TestReach::new(graph, &tables, &run_as_tests(project, graph), &library),
    );
    let mut proofs = proofs.into_iter();
    let mut apps = Vec::with_capacity(tables.len());
    for (app, table) in project.apps.iter().zip(tables) {
        let mut routes = Vec::with_capacity(table.routes.len());
        let mut suspects: BTreeMap<(String, bool), usize> = BTreeMap::new();
        for route in table.routes {
            let record = graph.module(route.module);
            let proof = match proofs.next() {
                Some(Some(proof)) => proof,
                _ => {
                    let reason = format!(
                        "the proof of its {} handler failed; please report this",
                        route.method
                    );
                    not_examined.push(Unreadable {
                        path: record.path.clone(),
                        reason,
                    });
                    Proof::unknown()
                }
            };
            for suspect in proof.suspects {
                *suspects.entry(suspect).or_default() += 1;
            }
            let mut controls = proof.controls;
            controls.insert(Control::Tests, tests.verdict(&route));
            let unread = matches!(record.parsed, crate::syntax::Parsed::ExportsOnly(_));
            if unread {
                for (control, verdict) in &mut controls {
                    if *control != Control::Tests {
                        *verdict = Verdict::of(Status::Unknown, verdict.evidence.clone());
                    }
                }
            }
            let signed = proof
                .marks
                .iter()
                .find(|(key, _)| key.starts_with("signature-check:"));
            let public_guess = public::guess(&route, proof.library_handler, signed.is_some())
                .or_else(|| public::shared(&route, &proof.marks))
                .or_else(|| public::strangers(&proof.marks))
                .or_else(|| public::signs_in(&proof.marks))
                .or_else(|| public::probe(&route, &controls, record));
            let public_declared = config.routes.public.iter().any(|entry| {
                let method = match route.url {
                    Some(_) => route.http_method(),
                    None => &route.method,
                };
                entry.pattern.matches(method, route.url.as_deref())
            });
            let mut marks = proof.marks;
            if let Some(mark) = public::webhook(&route, &marks, record) {
                marks.push(mark);
            }
            let writes = matches!(route.http_method(), "POST" | "PUT" | "PATCH" | "DELETE");
            routes.push(RouteFacts {
                file: record.path.clone(),
                location: record.location(route.span),
                controls,
                public_guess,
                public_declared,
                works: proof.works || !proof.expensive.is_empty() || unread,
                expensive: proof.expensive,
                writes,
                is_mount: false,
                marks,
                route,
            });
        }
        super::mounted::summarise(&mut routes);
        let mut prover = Prover::new(graph, &library, team);
        let mut marks = Vec::new();
        for middleware in table
            .middleware
            .iter()
            .filter(|each| each.problem.is_none())
        {
            let headers = catch_unwind(AssertUnwindSafe(|| prover.middleware_headers(middleware)))
                .unwrap_or_default();
            marks.extend(
                headers
                    .into_iter()
                    .map(|(name, evidence)| (format!("sets-header:{name}"), evidence)),
            );
        }
        let stack = describe::stack(app);
        let metrics = describe::metrics(app, project, graph, &routes);
        apps.push(AppModel {
            root: app.root.clone(),
            routes,
            middleware: table.middleware,
            stack,
            metrics,
            hints: hints(suspects),
            marks,
        });
    }
    apps
}
