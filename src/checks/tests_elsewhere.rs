//! Tests that ask a server which runs elsewhere, or open its pages in a browser: what runs them measures nothing of its code.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{ModuleId, Symbol};
use crate::syntax::{Expr, ModuleRecord};

use super::code::{calls, package_of};
use super::env_schema::Schemas;
use super::subject::Subject;

/// Packages that drive browsers.
const BROWSERS: [&str; 7] = [
    "@playwright/test",
    "playwright",
    "playwright-core",
    "puppeteer",
    "puppeteer-core",
    "cypress",
    "webdriverio",
];

/// What sends requests, by the name it is called by.
const SENDS: [&str; 6] = ["fetch", "axios", "supertest", "request", "got", "ky"];

/// The question about what measures coverage then.
pub(super) const ELSEWHERE: &str =
    "would it measure little, as tests ask a server that runs elsewhere";

/// How a test reaches what it tests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It runs the code itself.
    Inside,
    /// It asks a server at an address.
    Asks,
    /// It opens pages.
    Browser,
}

/// Packages of runners whose tests are told by what they import.
const RUNNERS: [&str; 5] = ["tap", "tape", "ava", "uvu", "node:test"];

/// The modules of the repository that hold tests.
pub(super) fn tests<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (ModuleId, &'a ModuleRecord)> {
    let modules = subject.model.graph.modules();
    modules.filter(|(_, module)| {
        let imports = || {
            let mut requests = module.requests.iter();
            requests.any(|each| RUNNERS.contains(&&*each.specifier))
        };
        (module.facts.test_cases > 0 || imports()) && module.path.is_test()
    })
}

/// How many tests reach what they test in which way.
pub(super) struct Counted {
    /// They run the code themselves.
    pub inside: usize,
    asks: usize,
    all: usize,
}

impl Counted {
    pub(super) fn of(subject: &Subject<'_>, tests: &[ModuleId]) -> Self {
        let routes = subject.app.routes.iter();
        let mut ways = Ways {
            subject,
            handlers: routes.map(|route| route.route.module).collect(),
            known: FxHashMap::default(),
        };
        let ways: Vec<Way> = tests.iter().map(|test| ways.of(*test)).collect();
        let count = |way| ways.iter().filter(|each| **each == way).count();
        Self {
            inside: count(Way::Inside),
            asks: count(Way::Asks),
            all: ways.len(),
        }
    }

    /// All drive browsers, or most of the others ask a server that somebody else started.
    pub(super) fn are_elsewhere(&self) -> bool {
        self.all > 0 && (self.inside == 0 || self.asks > self.inside)
    }
}

/// What a test, or a module that helps tests, says of itself.
#[derive(Clone, Copy)]
struct Signs {
    loads_handler: bool,
    browser: bool,
    address: bool,
    sends: bool,
}

struct Ways<'a> {
    subject: &'a Subject<'a>,
    handlers: FxHashSet<ModuleId>,
    /// Many tests are helped by the same modules.
    known: FxHashMap<ModuleId, Signs>,
}

impl Ways<'_> {
    fn of(&mut self, test: ModuleId) -> Way {
        let graph = &self.subject.model.graph;
        let mut open = vec![test];
        let mut seen: FxHashSet<ModuleId> = open.iter().copied().collect();
        let (mut address, mut sends, mut browser) = (false, false, false);
        while let Some(id) = open.pop() {
            let signs = self.signs(id);
            if signs.loads_handler {
                return Way::Inside;
            }
            browser |= signs.browser;
            sends |= signs.sends;
            // An address in a test that calls functions is one of their arguments.
            address |= signs.address && (id != test || !calls_code(self.subject, id));
            // What helps tests is a part of them.
            let helpers = graph.dependencies(id);
            open.extend(helpers.filter(|&each| self.subject.is_side(each) && seen.insert(each)));
        }
        match (browser, address && sends) {
            (true, _) => Way::Browser,
            (false, true) => Way::Asks,
            (false, false) => Way::Inside,
        }
    }

    fn signs(&mut self, id: ModuleId) -> Signs {
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let graph = &self.subject.model.graph;
        let record = graph.module(id);
        let mut loaded = graph.dependencies(id);
        let mut requests = record.requests.iter();
        let signs = Signs {
            loads_handler: loaded.any(|each| self.handlers.contains(&each)),
            browser: requests.any(|request| {
                package_of(&request.specifier).is_some_and(|package| BROWSERS.contains(&package))
            }),
            address: names_address(record),
            sends: SENDS.iter().any(|name| record.find_name(name).is_some()),
        };
        self.known.insert(id, signs);
        signs
    }
}

/// The module calls a function of the code that is tested.
fn calls_code(subject: &Subject<'_>, id: ModuleId) -> bool {
    let graph = &subject.model.graph;
    let record = graph.module(id);
    calls(record).any(|call| {
        let Expr::Name(callee) = record.expr(call.callee) else {
            return false;
        };
        let imported = record.imports.iter().any(|import| import.local == *callee);
        imported
            && matches!(
                graph.binding(id, *callee),
                Some(Symbol::Local { module, .. } | Symbol::Expr { module, .. })
                    if !subject.is_side(module)
            )
    })
}

/// The address of a server: `http://localhost:3000`, or a variable like `E2E_BASE_URL`.
fn names_address(record: &ModuleRecord) -> bool {
    let is_address = |name: &str| {
        name.ends_with("URL")
            && name
                .split('_')
                .any(|word| matches!(word, "BASE" | "API" | "APP" | "SERVER" | "TEST" | "E2E"))
            && !name.contains("DATABASE")
    };
    let mut reads = record.facts.env_reads.iter();
    let local = |text: &str| {
        let rest = text.strip_prefix("http://");
        rest.is_some_and(|rest| rest.starts_with("localhost:") || rest.starts_with("127.0.0.1:"))
    };
    reads.any(|(name, _)| is_address(name))
        || record.exprs.iter().any(|expr| match expr {
            Expr::String(text) => local(text),
            Expr::Template { texts, .. } => texts.first().is_some_and(|text| local(text)),
            _ => false,
        })
        || Schemas::of(record)
            .entries
            .iter()
            .any(|entry| is_address(entry.name))
}
