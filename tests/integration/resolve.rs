//! Imports and names of the repositories in `fixtures/resolve`, followed to where they lead.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use readiness::graph::{Graph, Link, ModuleId, Symbol};
#[cfg(unix)]
use readiness::project::Resolution;
use readiness::project::{Project, Resolver};
use readiness::source::{RepoPath, Repository};
use readiness::syntax::{ModuleRecord, ParseOptions, PatternSet, parse_module};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/resolve")
        .join(name)
}

/// The linked modules of a repository.
fn graph(repository: &Repository) -> Graph {
    let patterns = PatternSet::default();
    let options = ParseOptions {
        patterns: &patterns,
    };
    let records: Vec<ModuleRecord> = repository
        .modules()
        .map(|path| parse_module(&repository.read(path).unwrap(), options))
        .collect();
    let record_of = |path: &RepoPath| records.iter().find(|record| record.path == *path);
    let (project, problems) = Project::load(repository, &record_of);
    assert_eq!(problems, []);
    let (resolver, problems) = Resolver::new(repository, &project);
    assert_eq!(problems, []);
    Graph::new(records, resolver)
}

fn show_link(graph: &Graph, link: &Link) -> String {
    match link {
        Link::Module(id) => graph.module(*id).path.to_string(),
        Link::Asset(path) => format!("asset {path}"),
        Link::External { package, subpath } if subpath.is_empty() => format!("package {package}"),
        Link::External { package, subpath } => format!("package {package}, {subpath}"),
        Link::Missing => String::from("missing"),
    }
}

fn show_symbol(graph: &Graph, symbol: &Symbol) -> String {
    match symbol {
        Symbol::Local { module, name } => {
            let module = graph.module(*module);
            format!("{} {}", module.path, module.name(*name))
        }
        Symbol::Expr { module, expr } => {
            let module = graph.module(*module);
            format!(
                "{}:{} expression",
                module.path,
                module.line(module.span(*expr))
            )
        }
        Symbol::Namespace(module) => format!("{} *", graph.module(*module).path),
        Symbol::External {
            package,
            subpath,
            name,
        } => format!("package {package} {subpath} {name}").replace("  ", " "),
        Symbol::Type => String::from("type"),
        Symbol::Unresolved => String::from("unresolved"),
    }
}

/// Every request and every imported name of a fixture, one a line.
fn everything(name: &str) -> String {
    let graph = graph(&Repository::open(&fixture(name)).unwrap());
    let mut text = String::new();
    for (id, module) in graph.modules() {
        if module.requests.is_empty() {
            continue;
        }
        writeln!(text, "{}", module.path).unwrap();
        for request in &module.requests {
            let link = show_link(&graph, &graph.link(id, &request.specifier));
            let note = if request.type_only { " (types)" } else { "" };
            writeln!(text, "  {:?} -> {link}{note}", request.specifier).unwrap();
        }
        for import in &module.imports {
            let symbol = graph.binding(id, import.local).unwrap();
            let local = module.name(import.local);
            writeln!(text, "    {local} = {}", show_symbol(&graph, &symbol)).unwrap();
        }
    }
    text
}

#[test]
fn aliases() {
    insta::assert_snapshot!(everything("aliases"));
}

#[test]
fn workspaces() {
    insta::assert_snapshot!(everything("workspaces"));
}

#[test]
fn names() {
    insta::assert_snapshot!(everything("names"));
}

#[test]
fn commonjs() {
    insta::assert_snapshot!(everything("commonjs"));
}

fn id(graph: &Graph, path: &str) -> ModuleId {
    graph.find(&RepoPath::new(path)).unwrap()
}

#[test]
fn export_names_pass_through_stars_without_the_default() {
    let graph = graph(&Repository::open(&fixture("names")).unwrap());
    let names = |path: &str| graph.export_names(id(&graph, path)).join(" ");
    assert_eq!(
        names("barrel.ts"),
        "C Colour I T a b entry everything first left main more renamed space turned viaImport"
    );
    assert_eq!(names("cycle-a.ts"), "fromA fromB looped");
    assert!(names("more.ts").contains("default"));
}

#[test]
fn export_names_of_an_exported_object() {
    let graph = graph(&Repository::open(&fixture("commonjs")).unwrap());
    let names = graph.export_names(id(&graph, "object.js")).join(" ");
    assert_eq!(names, "default one three two");
}

#[test]
fn closures_follow_what_runs() {
    let graph = graph(&Repository::open(&fixture("names")).unwrap());
    let reached = graph.closure(&[id(&graph, "user.ts")]);
    let names: Vec<&str> = graph
        .modules()
        .filter(|(id, _)| reached[id.0 as usize])
        .map(|(_, module)| module.path.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "barrel.ts",
            "cycle-a.ts",
            "cycle-b.ts",
            "definitions.ts",
            "lazy.ts",
            "more.ts",
            "shadow.ts",
            "user.ts"
        ]
    );
    let importers = graph.importers(id(&graph, "cycle-a.ts"));
    let importers: Vec<&str> = importers
        .iter()
        .map(|id| graph.module(*id).path.as_str())
        .collect();
    assert_eq!(importers, ["cycle-b.ts", "user.ts"]);
    assert_eq!(
        graph
            .closure(&[])
            .iter()
            .filter(|reached| **reached)
            .count(),
        0
    );
}

#[test]
fn a_local_definition_is_no_binding() {
    let graph = graph(&Repository::open(&fixture("names")).unwrap());
    let user = id(&graph, "user.ts");
    let all = graph.module(user).find_name("all").unwrap();
    assert_eq!(graph.binding(user, all), None);
}

#[test]
fn long_and_wide_re_exports_end() {
    let mut files: Vec<(String, String)> = Vec::new();
    for at in 0..2_000 {
        files.push((
            format!("chain/m{at}.ts"),
            format!(
                "export {{ x }} from './m{}'; export * from './m{}';",
                at + 1,
                at + 2
            ),
        ));
        files.push((
            format!("wide/w{at}.ts"),
            format!("export const x{at} = {at};"),
        ));
    }
    let barrel: String = (0..2_000)
        .map(|at| format!("export * from './w{at}';\n"))
        .collect();
    files.push((String::from("wide/index.ts"), barrel));
    let borrowed: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let graph = graph(&Repository::in_memory(&borrowed));
    assert_eq!(
        graph.export(id(&graph, "chain/m0.ts"), "x"),
        Symbol::Unresolved
    );
    assert_eq!(
        graph.export(id(&graph, "chain/m0.ts"), "y"),
        Symbol::Unresolved
    );
    let last = graph.export(id(&graph, "wide/index.ts"), "x1999");
    assert_eq!(show_symbol(&graph, &last), "wide/w1999.ts x1999");
}

/// `oxc_resolver` needs installed packages and configurations that are whole, so it gets a copy of the fixtures that has
/// them. Wherever it finds a file, ours must be the same.
#[cfg(unix)]
#[test]
fn oxc_resolver_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for name in ["aliases", "workspaces", "names", "commonjs"] {
        copy(&fixture(name), &root.join(name));
    }
    // The cycle of `extends` stops the other resolver, so the copy has one configuration that says the same.
    let base = std::fs::read_to_string(root.join("aliases/tsconfig.base.json")).unwrap();
    let (_, options) = base.split_once("\"paths\"").unwrap();
    let whole = format!("{{ \"compilerOptions\": {{ \"baseUrl\": \".\", \"paths\"{options}");
    std::fs::write(root.join("aliases/tsconfig.json"), whole).unwrap();
    std::fs::remove_file(root.join("aliases/tsconfig.base.json")).unwrap();
    let mut agreed = 0;
    let mut alone = Vec::new();
    for name in ["aliases", "workspaces", "names", "commonjs"] {
        let root = root.join(name);
        let repository = Repository::open(&root).unwrap();
        let graph = graph(&repository);
        install(&root, &repository);
        let oracle = oracle();
        for (_, module) in graph.modules() {
            for request in &module.requests {
                let path = root.join(module.path.as_str());
                let found = oracle.resolve_file(&path, &request.specifier).ok();
                let theirs = found.and_then(|found| {
                    let inside = found.path().strip_prefix(&root).ok()?;
                    Some(inside.to_str()?.to_owned())
                });
                let ours = match graph.resolver().resolve(&module.path, &request.specifier) {
                    Resolution::File(path) => Some(path.to_string()),
                    _ => None,
                };
                let at = format!("{name}/{} {}", module.path, request.specifier);
                match (ours, theirs) {
                    (ours, Some(theirs)) => {
                        assert_eq!(ours.as_deref(), Some(theirs.as_str()), "{at}");
                        agreed += 1;
                    }
                    (Some(ours), None) => alone.push(format!("{at} -> {ours}")),
                    (None, None) => {}
                }
            }
        }
    }
    assert!(agreed >= 35, "only {agreed} imports were compared");
    // What only ours finds: sources behind output that is not built.
    assert_eq!(
        alone,
        [
            "workspaces/apps/web/src/main.ts @acme/auth -> packages/auth/src/index.ts",
            "workspaces/apps/web/src/main.ts @acme/db -> packages/db/src/index.ts",
            "workspaces/apps/web/src/main.ts @acme/db/schema/users -> packages/db/src/schema/users.ts",
            "workspaces/apps/web/src/main.ts @acme/legacy/dist/deep -> packages/legacy/src/deep.ts",
        ]
    );
}

#[cfg(unix)]
fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Links the workspaces into `node_modules` as an install would, but for the one that comes from the registry.
#[cfg(unix)]
fn install(root: &Path, repository: &Repository) {
    let (project, _) = Project::load(repository, &|_| None);
    for package in project.packages.iter().filter(|package| package.member) {
        let name = package.name.as_deref().unwrap();
        if name == "storybook" {
            continue;
        }
        let link = root.join("node_modules").join(name);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(root.join(package.folder().as_str()), link).unwrap();
    }
}

#[cfg(unix)]
fn oracle() -> oxc_resolver::Resolver {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    oxc_resolver::Resolver::new(oxc_resolver::ResolveOptions {
        tsconfig: Some(oxc_resolver::TsconfigDiscovery::Auto),
        extensions: texts(&[
            ".ts", ".tsx", ".js", ".jsx", ".mts", ".mjs", ".cts", ".cjs", ".d.ts", ".json",
        ]),
        extension_alias: vec![(String::from(".js"), texts(&[".ts", ".tsx", ".js"]))],
        condition_names: texts(&["import", "require", "node", "default"]),
        main_fields: texts(&["module", "main"]),
        builtin_modules: true,
        ..oxc_resolver::ResolveOptions::default()
    })
}
