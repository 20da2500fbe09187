//! What every check starts from: a rule, an application, and the words for its routes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};

use crate::controls::{Evidence, Status};
use crate::finding::{Finding, Related};
use crate::graph::ModuleId;
use crate::model::{AppModel, Model, RouteFacts};
use crate::project::{App, Package};
use crate::rule::{Confidence, Control, Purpose, Rule, wildcard};
use crate::source::{Location, RepoPath, SourceFile, Span};
use crate::syntax::ModuleRecord;

use globset::GlobSet;
use rustc_hash::FxHashMap;

use super::answers::Answer;
use super::callers::asks;
use super::code::{
    is_for_developers, is_for_show, is_side_file, is_test_configuration, package_of,
};
use super::file::glob_set;
use super::index::{Index, Reach, Site, Unit, Vocabulary};
use super::liveness::Liveness;
use super::pipeline::Lines;
use super::published::Published;
use super::purpose;
use super::reached::nearest;
use super::server_side::is_page_of_router;
use super::signs::{LowerPaths, Title, Words};
use super::test_runner::Runner;

/// How much an expensive handler counts.
const EXPENSIVE_WEIGHT: f64 = 2.0;

/// Packages that turn documents into a site.
const DOCUMENTATION: [&str; 6] = [
    "nextra",
    "nextra-theme-docs",
    "fumadocs-core",
    "fumadocs-ui",
    "@docusaurus/core",
    "vitepress",
];

/// Packages that nothing but tests and what helps them imports.
const TEST_RUNNERS: [&str; 5] = [
    "vitest",
    "@jest/globals",
    "bun:test",
    "node:test",
    "@playwright/test",
];

/// The module helps tests, wherever it lies: `testing/mock-logger.ts`.
fn is_for_tests(module: &ModuleRecord) -> bool {
    let mut requests = module.requests.iter();
    requests.any(|each| !each.type_only && TEST_RUNNERS.contains(&&*each.specifier))
}

/// A finding lists so many of the handlers that reach its place.
const HANDLERS_SHOWN: usize = 3;

/// The code that the checks of one application look at, gathered once for all of them.
#[derive(Debug)]
pub struct Scope {
    own: Vec<ModuleId>,
    reached: OnceLock<Vec<ModuleId>>,
    running: OnceLock<Vec<ModuleId>>,
    specifiers: OnceLock<BTreeSet<Box<str>>>,
    names: OnceLock<Words>,
    texts: OnceLock<Words>,
    server_side: OnceLock<Vec<bool>>,
    serves_pages: OnceLock<bool>,
    purposes: OnceLock<Vec<Purpose>>,
    reach: OnceLock<Reach>,
    handler_modules: OnceLock<Vec<ModuleId>>,
    vocabulary: OnceLock<Vocabulary>,
    answers: OnceLock<Vec<(Site, Answer)>>,
    /// What browsers and servers do with the actions.
    published: OnceLock<Published>,
    shared: Arc<Shared>,
}

/// What the checks of all applications look at, gathered when first asked for.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// By module: it holds tests, stories, mocks or examples.
    side: Vec<bool>,
    /// Which modules run at all.
    pub running: OnceLock<Liveness>,
    /// The same, where schemas at the top of a module count as definitions.
    pub liveness: OnceLock<Liveness>,
    /// What modules take of each other.
    pub taken: OnceLock<super::uses::Taken>,
    /// The calls of the repository.
    pub index: OnceLock<Index>,
    /// By module: it runs in browsers.
    pub browser: OnceLock<Vec<bool>>,
    /// The test runners of the repository.
    pub runners: OnceLock<Vec<Runner>>,
    /// Whether signs are found in the repository, by the address of the signs.
    pub answers: Mutex<FxHashMap<usize, bool>>,
    /// The pipeline that runs the most of what a check asks for, by the address of the check.
    pub busiest: Mutex<FxHashMap<usize, Option<RepoPath>>>,
    /// The sets of globs that rules name, by the address of the globs.
    globs: Mutex<FxHashMap<usize, Arc<GlobSet>>>,
    /// What modules that run take from packages, in any application.
    pub specifiers: OnceLock<BTreeSet<Box<str>>>,
    /// Their identifiers, and those of database schemas.
    pub names: OnceLock<Words>,
    /// Their short text literals.
    pub texts: OnceLock<Words>,
    /// The columns of database schemas and the fields that queries name.
    pub fields: OnceLock<Words>,
    /// The names that documents in prose list, as variables of the environment are.
    pub told: OnceLock<Vec<(RepoPath, BTreeSet<Box<str>>)>>,
    /// What any module takes from packages.
    pub imports: OnceLock<BTreeSet<Box<str>>>,
    /// The commands of all pipelines, with those of the scripts that they call.
    pub lines: OnceLock<Lines>,
    /// Those of each pipeline, in the order of the pipelines.
    pub workflow_lines: OnceLock<Vec<Lines>>,
    /// Those of all pipelines, with the scripts of packages that hold tests alone.
    pub test_lines: OnceLock<Lines>,
    /// Those of the pipelines that run on changes, in order.
    pub change_lines: OnceLock<Vec<String>>,
    /// Tests open pages in a browser.
    pub browsed: OnceLock<bool>,
    /// What tests import.
    pub tested: OnceLock<super::units_tested::Tested>,
    /// All paths in lower case.
    pub lower_paths: OnceLock<LowerPaths>,
    /// The names and headings of all documents.
    pub titles: OnceLock<Vec<Title>>,
}

impl Scope {
    /// The scopes of all applications, in their order.
    #[must_use]
    pub fn all(model: &Model) -> Vec<Self> {
        let modules = model.graph.modules();
        let side: Vec<bool> = modules
            .map(|(_, module)| is_beside(model, &module.path) || is_for_tests(module))
            .collect();
        let shared = Arc::new(Shared {
            side,
            ..Shared::default()
        });
        // Nearly every rule asks for these first, and would wait for the one that works them out.
        let graph = &model.graph;
        rayon::join(
            || {
                let index = || Index::new(graph, &shared.side);
                shared.index.get_or_init(index);
            },
            || {
                let live = || Liveness::new(model);
                shared.running.get_or_init(live);
            },
        );
        let scope = |app| Self {
            own: own_modules(model, app, &shared.side),
            reached: OnceLock::new(),
            running: OnceLock::new(),
            specifiers: OnceLock::new(),
            names: OnceLock::new(),
            texts: OnceLock::new(),
            server_side: OnceLock::new(),
            serves_pages: OnceLock::new(),
            purposes: OnceLock::new(),
            reach: OnceLock::new(),
            handler_modules: OnceLock::new(),
            vocabulary: OnceLock::new(),
            answers: OnceLock::new(),
            published: OnceLock::new(),
            shared: Arc::clone(&shared),
        };
        model.project.apps.iter().map(scope).collect()
    }
}

/// Tests, stories, mocks and examples, but not the code of an application that is served from a folder of documents: `docs/`.
fn is_beside(model: &Model, path: &RepoPath) -> bool {
    let mut apps = model.project.apps.iter().map(|app| &app.root);
    is_side_file(path)
        && !apps.any(|root| {
            root.file_name() == "docs"
                && path
                    .strip_prefix(root)
                    .is_some_and(|inner| !is_side_file(&RepoPath::new(inner)))
        })
}

/// The modules of `app` that run in production.
fn own_modules(model: &Model, app: &App, side: &[bool]) -> Vec<ModuleId> {
    let root = &app.root;
    let nested: Vec<&RepoPath> = model
        .project
        .apps
        .iter()
        .map(|other| &other.root)
        .filter(|other| *other != root && other.starts_with(root))
        .collect();
    let is_own = |path: &RepoPath| {
        path.starts_with(root)
            && !is_test_configuration(path)
            && !nested.iter().any(|other| path.starts_with(other))
    };
    let modules = model.graph.modules().zip(side);
    modules
        .filter(|((_, module), side)| !**side && is_own(&module.path))
        .map(|((id, _), _)| id)
        .collect()
}

/// A rule asked of an application.
pub(super) struct Subject<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// All facts.
    pub model: &'a Model,
    /// What is known of the application's routes.
    pub app: &'a AppModel,
    /// What is known of the application's files.
    pub project: &'a App,
    scope: &'a Scope,
}

impl<'a> Subject<'a> {
    /// The subject for the application with this index and scope.
    pub(super) fn new(
        rule: &'a Rule,
        model: &'a Model,
        app: usize,
        scope: &'a Scope,
    ) -> Option<Self> {
        Some(Self {
            rule,
            model,
            app: model.apps.get(app)?,
            project: model.project.apps.get(app)?,
            scope,
        })
    }

    /// What the checks of all applications look at.
    pub(super) fn shared(&self) -> &'a Shared {
        &self.scope.shared
    }

    /// Globs of a rule as one set, made once for all applications.
    pub(super) fn globs(&self, globs: &[String]) -> Arc<GlobSet> {
        // The rules of a run stay where they are, so their addresses name them.
        let key = globs.as_ptr().addr();
        let sets = &self.scope.shared.globs;
        let known = sets
            .lock()
            .map_or(None, |sets| sets.get(&key).map(Arc::clone));
        known.unwrap_or_else(|| {
            let set = Arc::new(glob_set(globs));
            if let Ok(mut sets) = sets.lock() {
                sets.insert(key, Arc::clone(&set));
            }
            set
        })
    }

    /// What browsers and servers do with the actions of the application.
    pub(super) fn published(&self) -> &'a Published {
        let published = &self.scope.published;
        published.get_or_init(|| Published::new(self))
    }

    /// The module is one of those of [`Self::modules`].
    pub(super) fn owns(&self, module: ModuleId) -> bool {
        self.scope.own.binary_search(&module).is_ok()
    }

    /// The module is a client component, or is loaded by one. Of server actions browsers are given no more than their address.
    pub(super) fn runs_in_browser(&self, module: ModuleId) -> bool {
        let graph = &self.model.graph;
        let browser = self.shared().browser.get_or_init(|| {
            let clients = graph.modules().filter(|(_, module)| module.use_client);
            let clients: Vec<ModuleId> = clients.map(|(id, _)| id).collect();
            graph.closure_within(&clients, |module| !module.use_server)
        });
        browser.get(module.0 as usize).copied().unwrap_or(false)
    }

    /// For every module, whether it runs on the server: the application loads it, and not for client components alone.
    pub(super) fn server_side(&self) -> &'a [bool] {
        self.scope
            .server_side
            .get_or_init(|| super::server_side::server_side(self))
    }

    /// The calls of the repository.
    pub(super) fn index(&self) -> &'a Index {
        let graph = &self.model.graph;
        let shared = self.shared();
        shared.index.get_or_init(|| Index::new(graph, &shared.side))
    }

    /// The module holds tests, stories, mocks or examples.
    pub(super) fn is_side(&self, module: ModuleId) -> bool {
        let side = &self.shared().side;
        side.get(module.0 as usize).copied().unwrap_or(false)
    }

    /// What any module of the repository takes from packages, as written.
    pub(super) fn all_imports(&self) -> &'a BTreeSet<Box<str>> {
        let imports = || super::signs::imports(self.model);
        self.shared().imports.get_or_init(imports)
    }

    /// What the application's handlers reach.
    pub(super) fn reach(&self) -> &'a Reach {
        let graph = &self.model.graph;
        self.scope
            .reach
            .get_or_init(|| Reach::new(graph, self.index(), &self.app.routes))
    }

    /// All paths in lower case.
    pub(super) fn lower_paths(&self) -> &'a LowerPaths {
        let paths = || LowerPaths::of(self.model);
        self.shared().lower_paths.get_or_init(paths)
    }

    /// The modules in which handlers do something, sorted.
    pub(super) fn handler_modules(&self) -> &'a [ModuleId] {
        self.scope.handler_modules.get_or_init(|| {
            let reached = self.reach().modules().iter().copied();
            let mut modules: Vec<ModuleId> =
                reached.filter(|module| !self.is_side(*module)).collect();
            modules.sort_unstable();
            modules
        })
    }

    /// Every answer with a body in code that handlers reach.
    pub(super) fn answers(&self) -> &'a [(Site, Answer)] {
        let answers = || super::error_answers::answers(self);
        self.scope.answers.get_or_init(answers)
    }

    /// The words of the modules that handlers, middleware and `instrumentation` load.
    pub(super) fn vocabulary(&self) -> &'a Vocabulary {
        let graph = &self.model.graph;
        self.scope.vocabulary.get_or_init(|| {
            let middleware = self.app.middleware.iter().map(|each| each.module);
            let started = self
                .modules()
                .filter(|(_, module)| module.path.stem() == "instrumentation")
                .map(|(id, _)| id);
            let mut modules = self.reach().modules().clone();
            modules.extend(middleware.chain(started));
            Vocabulary::of(graph, modules.into_iter())
        })
    }

    /// The part of a module that a call stands in.
    pub(super) fn unit(&self, site: Site) -> Unit {
        let graph = &self.model.graph;
        let start = graph.module(site.module).span(site.expr).start;
        let part = self.index().module(graph, site.module).part_at(start);
        (site.module, part)
    }

    /// The nearest of the handlers that come to a place, as related places.
    pub(super) fn reached_by(&self, site: Site) -> Vec<Related> {
        let handlers = nearest(self, site, HANDLERS_SHOWN).into_iter();
        let routes = handlers.filter_map(|number| self.app.routes.get(number));
        let shown = routes.map(|route| Related {
            location: route.location.clone(),
            note: format!("reached from {}", route_name(route)),
        });
        shown.collect()
    }

    /// A finding at a place.
    pub(super) fn finding(&self, location: Location, message: String) -> Finding {
        Finding::new(self.rule, location, message)
    }

    /// A finding about one place in code, which is told from others like it by the function it stands in.
    pub(super) fn finding_in(&self, record: &ModuleRecord, span: Span, message: String) -> Finding {
        Finding {
            within: record.function_around(span).map(str::to_owned),
            ..self.finding(record.location(span), message)
        }
    }

    /// A finding about the application as a whole, at its manifest.
    pub(super) fn app_finding(&self, message: String) -> Finding {
        self.finding(Location::of_line(&self.home(), 1), message)
    }

    /// A finding that something is nowhere in the application's code: less sure where a part of that code could not be examined.
    pub(super) fn absence(&self, message: String) -> Finding {
        let blind = self.model.not_examined.iter().any(|file| {
            let code = matches!(
                file.path.extension(),
                Some("ts" | "tsx" | "js" | "jsx" | "mjs" | "cjs" | "mts" | "cts")
            );
            code && file.path.starts_with(&self.project.root) && !is_side_file(&file.path)
        });
        let finding = self.app_finding(message);
        if blind {
            finding.at_most(Confidence::Low)
        } else {
            finding
        }
    }

    /// Lowers what a maintainer would object to whatever the rule is: a finding in code that a program wrote or that only shows
    /// something, and one about a site of documents as a whole.
    pub(super) fn doubt(&self, finding: &mut Finding) {
        if finding.confidence == Confidence::Low {
            return;
        }
        let file = &finding.location.file;
        let graph = &self.model.graph;
        let code = graph.find(file).map(|module| graph.module(module));
        let written = !code.is_some_and(|record| record.facts.generated);
        let whole = finding.route.is_none()
            && (*file == self.home() || self.project.next.file.as_ref() == Some(file));
        if !written {
            finding.message.push_str(" (in generated code)");
            finding.confidence = Confidence::Low;
        } else if self.is_beside_a_product()
            && (is_for_show(file.folders()) || is_for_developers(&self.project.root))
        {
            finding.message.push_str(": is this deployed for users?");
            finding.confidence = Confidence::Low;
        } else if whole && self.is_documentation() {
            finding
                .message
                .push_str(": or does a site of documents do without?");
            finding.confidence = Confidence::Low;
        }
    }

    /// Something in the repository is meant for users, so that what is for show is not the product itself.
    fn is_beside_a_product(&self) -> bool {
        let mut apps = self.model.project.apps.iter();
        apps.any(|app| !is_for_show(app.root.segments()) && !is_for_developers(&app.root))
    }

    /// The application shows documents: a framework for them is installed, nobody signs in, and nothing is changed by it.
    fn is_documentation(&self) -> bool {
        let installed = |package: &Package| {
            let names = package
                .dependencies
                .keys()
                .chain(package.dev_dependencies.keys());
            names
                .into_iter()
                .any(|name| DOCUMENTATION.contains(&name.as_str()))
        };
        self.package().is_some_and(installed)
            && !self
                .app
                .routes
                .iter()
                .any(|route| route.status(Control::Auth) == Status::Enforced || route.writes)
    }

    /// A finding about a handler, at the handler's beginning.
    pub(super) fn route_finding(&self, route: &RouteFacts, says: &str) -> Finding {
        let name = route_name(route);
        let mut finding = self.finding(route.location.clone(), format!("{name} {says}"));
        finding.route = Some(name);
        finding.expensive = !route.expensive.is_empty();
        finding
    }

    /// The application's manifest, else its framework's configuration, else its folder.
    pub(super) fn home(&self) -> RepoPath {
        match self.package() {
            Some(package) => package
                .root
                .as_ref()
                .unwrap_or(&self.project.root)
                .join("package.json"),
            None => {
                let config = self.project.next.file.as_ref();
                config.unwrap_or(&self.project.root).clone()
            }
        }
    }

    /// The packages of the application and of the folders around it.
    pub(super) fn packages_around(&self) -> Vec<&'a Package> {
        let root = &self.project.root;
        let packages = self.model.project.packages.iter();
        packages
            .filter(|package| root.starts_with(&package.folder()))
            .collect()
    }

    /// The application's modules that run in production: without tests and examples, and without those of another application
    /// in a folder below.
    pub(super) fn modules(&self) -> impl Iterator<Item = (ModuleId, &'a ModuleRecord)> {
        let graph = &self.model.graph;
        self.scope.own.iter().map(|&id| (id, graph.module(id)))
    }

    /// The application's modules and those of other packages of the repository that they load.
    pub(super) fn reached(&self) -> impl Iterator<Item = &'a ModuleRecord> + Clone {
        let graph = &self.model.graph;
        self.reached_ids().iter().map(|&id| graph.module(id))
    }

    fn reached_ids(&self) -> &'a [ModuleId] {
        let graph = &self.model.graph;
        self.scope.reached.get_or_init(|| {
            let closure = graph.closure(&self.scope.own);
            let modules = graph.modules().zip(closure);
            modules
                .filter(|((id, _), reached)| *reached && !self.is_side(*id))
                .map(|((id, _), _)| id)
                .collect()
        })
    }

    /// Those of [`Self::reached`] that run: a module that only defines things, and that nothing which runs imports, does not.
    pub(super) fn running(&self) -> impl Iterator<Item = &'a ModuleRecord> + Clone {
        let graph = &self.model.graph;
        let running = self.scope.running.get_or_init(|| {
            let live = self.live();
            let reached = self.reached_ids().iter().copied();
            reached.filter(|&module| live.is_live(module)).collect()
        });
        running.iter().map(|&id| graph.module(id))
    }

    /// Which modules run at all.
    pub(super) fn live(&self) -> &'a Liveness {
        let live = &self.scope.shared.running;
        live.get_or_init(|| Liveness::new(self.model))
    }

    /// The modules of the whole repository that run.
    pub(super) fn all_running(&self) -> impl Iterator<Item = &'a ModuleRecord> {
        let live = self.live();
        let side = &self.shared().side;
        let modules = self.model.graph.modules();
        modules
            .zip(side)
            .filter(move |((id, _), side)| live.is_live(*id) && !**side)
            .map(|((_, module), _)| module)
    }

    /// The application uses a package of one of these forms, or a file of one of these names lies in its folder or around it:
    /// `vercel.json`.
    pub(super) fn uses_one_of(&self, forms: &[String]) -> bool {
        self.specifiers().iter().any(|specifier| {
            let package = package_of(specifier).unwrap_or(specifier);
            forms.iter().any(|form| wildcard(form, package))
        }) || self.documents().any(|file| {
            let folder = file.path.parent().unwrap_or_else(|| RepoPath::new(""));
            let name = file.path.file_name();
            self.project.root.starts_with(&folder) && forms.iter().any(|form| form == name)
        })
    }

    /// What the modules of [`Self::running`] take from packages at run time, as written, each once.
    pub(super) fn specifiers(&self) -> &'a BTreeSet<Box<str>> {
        self.scope
            .specifiers
            .get_or_init(|| super::signs::specifiers(self.running()))
    }

    /// The identifiers of [`Self::running`] and of database schemas, without `_` and in lower case.
    pub(super) fn names(&self) -> &'a Words {
        let names = || super::signs::names(self.model, self.running());
        self.scope.names.get_or_init(names)
    }

    /// The short text literals of [`Self::running`], in lower case.
    pub(super) fn texts(&self) -> &'a Words {
        let texts = || super::signs::texts(self.running());
        self.scope.texts.get_or_init(texts)
    }

    /// Code for browsers calls one of these packages, or `fetch`. What it does with them is not kept.
    pub(super) fn calls_out(&self, calls: &[String]) -> bool {
        self.modules().any(|(_, module)| {
            calls.iter().any(|call| match call.split_once('#') {
                Some(("?", name)) => module.find_name(name).is_some(),
                Some((package, _)) => module
                    .requests
                    .iter()
                    .any(|each| !each.type_only && &*each.specifier == package),
                None => false,
            })
        })
    }

    /// A file of the application, else of the root, that one of the globs names.
    pub(super) fn documents(&self) -> impl Iterator<Item = &'a SourceFile> {
        let root = self.project.root.clone();
        self.model.documents.iter().filter(move |file| {
            let folder = file.path.parent().unwrap_or_else(|| RepoPath::new(""));
            file.path.starts_with(&root) || root.starts_with(&folder)
        })
    }

    /// It shows pages, and no handler of it asks who calls, or changes anything.
    pub(super) fn changes_nothing(&self) -> bool {
        let mut routes = self.app.routes.iter();
        self.serves_pages() && !routes.any(|route| asks(route) || route.changes_state())
    }

    /// The application answers requests by itself.
    pub(super) fn has_routes(&self) -> bool {
        !self.app.routes.is_empty()
    }

    /// The application serves pages.
    pub(super) fn serves_pages(&self) -> bool {
        let serves = &self.scope.serves_pages;
        *serves.get_or_init(|| self.has_page())
    }

    /// The file lies in the folder of another application, and not in one that this one holds it in.
    pub(super) fn is_of_another(&self, path: &RepoPath) -> bool {
        let apps = self.model.project.apps.iter();
        let around = apps.filter(|app| path.starts_with(&app.root));
        let nearest = around.max_by_key(|app| app.root.as_str().len());
        nearest.is_some_and(|app| app.root != self.project.root)
    }

    /// Its pages are exported as files, and it answers nothing by itself.
    pub(super) fn is_exported(&self) -> bool {
        self.project.next.exports && !self.has_routes()
    }

    /// The repository says that this is what it is for.
    pub(super) fn is_for(&self, purpose: Purpose) -> bool {
        let purposes = &self.scope.purposes;
        purposes
            .get_or_init(|| purpose::purposes(self))
            .contains(&purpose)
    }

    fn has_page(&self) -> bool {
        let page = |path: &RepoPath| {
            let code = matches!(path.extension(), Some("tsx" | "jsx" | "ts" | "js" | "mdx"));
            let in_app = self.project.app_dir.as_ref().is_some_and(|folder| {
                path.starts_with(folder) && path.stem().split('.').next() == Some("page")
            });
            let in_pages = is_page_of_router(self.project, path) && !path.stem().starts_with('_');
            code && (in_app || in_pages)
        };
        self.model.paths.iter().any(page)
    }

    /// The application's manifest.
    pub(super) fn package(&self) -> Option<&'a Package> {
        self.model.project.packages.get(self.project.package?)
    }
}

/// `POST /api/chat`, or `action signIn`.
pub(super) fn route_name(route: &RouteFacts) -> String {
    route.route.name()
}

/// What one handler counts.
pub(super) fn weight(route: &RouteFacts) -> f64 {
    if route.expensive.is_empty() {
        1.0
    } else {
        EXPENSIVE_WEIGHT
    }
}

/// A chain of evidence as related places.
pub(super) fn related(chain: &[Evidence]) -> Vec<Related> {
    chain
        .iter()
        .map(|step| Related {
            location: Location::of_line(&step.file, step.line),
            note: step.note.clone(),
        })
        .collect()
}
