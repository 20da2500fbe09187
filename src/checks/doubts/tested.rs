//! What speaks for a handler that no test runs.

use crate::controls::Status;
use crate::model::RouteFacts;
use crate::routes::{Entry, RouteKind};
use crate::rule::Purpose;
use crate::syntax::{Expr, ExprId, ModuleRecord, Pattern, StmtKind};

use crate::checks::callers::auth;
use crate::checks::code::{body, called_name, root};
use crate::checks::dependency::is_of;
use crate::checks::handler_code::Code;
use crate::checks::published::is_unused;
use crate::checks::purpose::LEFT_TO_OTHERS;

use super::{Doubts, UNUSED, takes_all};

/// What draws pictures for links to pages.
const DRAWS: [&str; 2] = ["next/og", "@vercel/og"];

/// What drives browsers in tests: package, and the method that opens a page.
const BROWSERS: [(&str, &str); 7] = [
    ("@playwright/test", "goto"),
    ("playwright", "goto"),
    ("playwright-core", "goto"),
    ("puppeteer", "goto"),
    ("puppeteer-core", "goto"),
    ("cypress", "visit"),
    ("webdriverio", "url"),
];

impl<'a> Doubts<'a> {
    /// The question about a handler that no test runs.
    pub(super) fn of_tests(&self, route: &RouteFacts) -> Option<String> {
        let inline = matches!(route.route.entry, Entry::Function(_))
            && route.route.kind == RouteKind::Action;
        let question = if !route.works && !route.reads_input() {
            "is there anything in it that may break"
        } else if inline {
            "is there enough in it to stand where a test can call it"
        } else if is_unused(self.subject, route) {
            UNUSED
        } else if route.public_guess.as_deref() == Some("an auth library's own handler") {
            "does a test sign in, through what the library does there"
        } else if takes_all(route) && auth(route) == Some(Status::Unknown) {
            "are tests of what it hands requests on to enough"
        } else if self.only_draws(route) {
            "is it enough to look at the picture that it draws"
        } else if self.subject.is_for(Purpose::Starter) {
            LEFT_TO_OTHERS
        } else if self.is_browsed() {
            "does a test in a browser run it from its page"
        } else {
            return None;
        };
        Some(question.to_owned())
    }

    /// The handler makes a picture of what it is sent, and asks nothing of the repository but to check that.
    pub(super) fn only_draws(&self, route: &RouteFacts) -> bool {
        if route.writes
            || !DRAWS
                .iter()
                .any(|package| self.subject.all_imports().contains(*package))
        {
            return false;
        }
        let code = Code::of(self.subject, route);
        let record = code.record;
        let waits = code.exprs().filter_map(|expr| match expr {
            Expr::Await(inner) => Some(*inner),
            _ => None,
        });
        let waits: Vec<ExprId> = waits.collect();
        let graph = &self.subject.model.graph;
        let index = self.subject.index();
        let mut draws = false;
        let plain = code.numbered().all(|(id, expr)| {
            let (Expr::Call { callee, .. } | Expr::New { callee, .. }) = expr else {
                return true;
            };
            // What is worked out at once, as a list of classes is, asks nobody.
            let at_once = || {
                let module = graph.find(&record.path)?;
                let (home, function) = index.function_of(graph, module, *callee)?;
                Some(!waits.contains(&id) && !graph.module(home).function(function).is_async)
            };
            let imported = |expr| {
                let name = root(record, expr)?;
                let mut imports = record.imports.iter();
                imports.find(|import| import.local == name)
            };
            // `const client = new Client()` at the top stands for what made it.
            let made = || {
                let name = root(record, *callee)?;
                let value = body(record)
                    .iter()
                    .find_map(|statement| match &statement.kind {
                        StmtKind::Let {
                            pattern: Pattern::Name(local),
                            init,
                        } if *local == name => *init,
                        _ => None,
                    })?;
                match record.expr(value) {
                    Expr::New { callee, .. } => imported(*callee),
                    _ => imported(value),
                }
            };
            let Some(import) = imported(*callee).or_else(made) else {
                return true;
            };
            let is_picture = DRAWS.contains(&&*import.specifier);
            draws |= is_picture;
            is_picture
                || is_of("next", &import.specifier)
                || at_once() == Some(true)
                || called_name(record, *callee)
                    .is_some_and(|method| matches!(method, "parse" | "safeParse"))
        });
        draws && plain
    }

    /// Some test opens pages in a browser, which ask the handlers behind them.
    pub(super) fn is_browsed(&self) -> bool {
        *self.subject.shared().browsed.get_or_init(|| {
            // Cypress needs no import.
            let imports = self.subject.all_imports();
            let there = |package: &str| package == "cypress" || imports.contains(package);
            let drivers = BROWSERS.iter().filter(|(package, _)| there(package));
            let drivers: Vec<&(&str, &str)> = drivers.collect();
            let opens = |record: &ModuleRecord| {
                drivers.iter().any(|(package, opens)| {
                    let mut asked = record.requests.iter();
                    let drives = asked.any(|request| *request.specifier == **package)
                        || *package == "cypress" && record.find_name("cy").is_some();
                    drives && record.find_name(opens).is_some()
                })
            };
            // A back end of its own is asked by the pages too.
            let mut modules = self.subject.model.graph.modules();
            modules.any(|(_, record)| opens(record))
        })
    }
}
