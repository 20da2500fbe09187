//! What each room costs on its own, over the tree that `READINESS_BENCH_TREE` names, or the bundled sample.
//!
//! Single rooms run on one thread, so that their numbers add up; `whole` is the program's own parallel run without its
//! start and its output. For the whole process, and beside another tool, see `bench/compare`.

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BatchSize, Criterion};

use readiness::audit::{self, AuditOptions};
use readiness::config::Config;
use readiness::controls::{Prover, TeamControls};
use readiness::graph::Graph;
use readiness::model;
use readiness::project::{Project, Resolver};
use readiness::report::{self, Style};
use readiness::routes::RouteTable;
use readiness::rule::RuleSet;
use readiness::source::{RepoPath, Repository, SourceFile};
use readiness::syntax::{ModuleRecord, ParseOptions, parse_module};

/// As the program's own workers have.
const STACK_BYTES: usize = 256 << 20;

fn main() {
    let pool = rayon::ThreadPoolBuilder::new()
        .stack_size(STACK_BYTES)
        .build()
        .expect("threads can be started");
    pool.install(|| {
        let mut criterion = Criterion::default().configure_from_args();
        rooms(&mut criterion);
        criterion.final_summary();
    });
}

fn tree() -> PathBuf {
    std::env::var_os("READINESS_BENCH_TREE").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/sample"),
        PathBuf::from,
    )
}

fn load(repository: &Repository, records: &[ModuleRecord]) -> Project {
    let find = |path: &RepoPath| {
        let at = records.binary_search_by(|record| record.path.cmp(path));
        records.get(at.ok()?)
    };
    Project::load(repository, &find).0
}

fn rooms(criterion: &mut Criterion) {
    let tree = tree();
    let config = Config::default();
    let rules = RuleSet::builtin().expect("the built-in rules are right");
    let repository = Repository::open(&tree).expect("the tree can be walked");
    let files: Vec<SourceFile> = repository
        .modules()
        .filter_map(|path| repository.read(path).ok())
        .collect();
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    eprintln!(
        "{}: {} modules, {:.1} MB",
        tree.display(),
        files.len(),
        bytes as f64 / 1e6
    );
    let options = ParseOptions {
        patterns: &rules.patterns,
    };
    let parse_all = || -> Vec<ModuleRecord> {
        files
            .iter()
            .map(|file| parse_module(file, options))
            .collect()
    };
    let records = parse_all();
    let link = |records: Vec<ModuleRecord>| {
        let project = load(&repository, &records);
        let resolver = Resolver::new(&repository, &project).0;
        (project, Graph::new(records, resolver))
    };

    let mut group = criterion.benchmark_group("rooms");
    group.sample_size(10);
    group.bench_function("rule: read the built-in rules", |bencher| {
        bencher.iter(|| black_box(RuleSet::builtin().is_ok()));
    });
    group.bench_function("source: walk", |bencher| {
        bencher.iter(|| Repository::open(black_box(&tree)).map(|found| found.files().len()));
    });
    group.bench_function("source: read", |bencher| {
        bencher.iter(|| {
            let read = repository
                .modules()
                .filter_map(|path| repository.read(path).ok());
            read.map(|file| file.text.len()).sum::<usize>()
        });
    });
    group.bench_function("syntax: parse and lower", |bencher| {
        bencher.iter_with_large_drop(parse_all);
    });
    group.bench_function(
        "project: manifests, applications, configuration",
        |bencher| {
            bencher.iter_with_large_drop(|| load(&repository, &records));
        },
    );
    group.bench_function("graph: resolve every import", |bencher| {
        bencher.iter_batched(
            || link(records.clone()).1,
            |graph| {
                let ids: Vec<_> = graph.modules().map(|(id, _)| id).collect();
                let found: usize = ids.iter().map(|id| graph.dependencies(*id).len()).sum();
                (graph, found)
            },
            BatchSize::PerIteration,
        );
    });
    let (project, graph) = link(records.clone());
    group.bench_function("routes: route tables", |bencher| {
        bencher.iter_with_large_drop(|| {
            let tables = project
                .apps
                .iter()
                .map(|app| RouteTable::build(app, &graph, &rules.controls));
            tables.collect::<Vec<_>>()
        });
    });
    let tables: Vec<RouteTable> = project
        .apps
        .iter()
        .map(|app| RouteTable::build(app, &graph, &rules.controls))
        .collect();
    let team = TeamControls::default();
    group.bench_function("controls: prove every handler", |bencher| {
        bencher.iter(|| {
            let mut prover = Prover::new(&graph, &rules.controls, &team);
            let mut verdicts = 0;
            for table in &tables {
                for route in &table.routes {
                    verdicts += prover.route(route, table).controls.len();
                }
            }
            verdicts
        });
    });
    let model = model::build(&repository, &rules, &config);
    let audit_options = AuditOptions::default();
    group.bench_function("checks and audit: run the rules", |bencher| {
        bencher.iter_with_large_drop(|| audit::run(&model, &rules, &config, &audit_options));
    });
    let audit = audit::run(&model, &rules, &config, &audit_options);
    group.bench_function("report: terminal", |bencher| {
        bencher.iter(|| report::terminal(&audit, Style::default()).len());
    });
    group.bench_function("report: JSON", |bencher| {
        bencher.iter(|| report::json(&audit).len());
    });
    group.bench_function("whole", |bencher| {
        bencher.iter_with_large_drop(|| {
            let repository = Repository::open(&tree).expect("the tree can be walked");
            let model = model::build(&repository, &rules, &config);
            audit::run(&model, &rules, &config, &audit_options)
        });
    });
    group.finish();
}
