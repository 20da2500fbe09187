//! What speaks for a handler that a control does not reach: such a finding is a question.

use std::cell::{OnceCell, RefCell};

use rustc_hash::FxHashMap;

use crate::controls::{
    Evidence, LETS_CACHES_SHARE, LOOKS_UP_LITTLE, ONLY_ASKS_ELSEWHERE, ONLY_ASKS_PROVIDER,
    ONLY_HANDS_ON, ONLY_MAKES, ONLY_READS_FILES, ONLY_SIGNS, ONLY_SPENDS, READS_HOLDER_COOKIE,
    Role, SHOWS_CREDENTIAL, STORES_INPUT, Status, Verdict,
};
use crate::finding::Finding;
use crate::graph::Symbol;
use crate::model::RouteFacts;
use crate::project::ComposeService;
use crate::routes::{Entry, RouteKind};
use crate::rule::{Confidence, Control, Purpose, RouteControl};
use crate::source::Span;
use crate::syntax::{
    Expr, ExprId, Function, Key, ModuleRecord, Name, Pattern, Property, Request, Stmt, StmtKind,
};

use super::callers::{
    asks, auth, has_accounts, has_one_sender, is_asked, is_for_strangers, is_run_by_machine,
    is_signed, shows_a_secret,
};
use super::code::{body, called_name, constant, key, numbered, root, statements, text};
use super::dependency::is_of;
use super::for_one::stays_on_machine;
use super::handler_code::{Code, refused, told_enough, turned_away};
use super::input_parts::only_finds;
use super::paid_keys::callers_pay;
use super::published::{
    CREDENTIALS, Doubt, GUESSABLE, in_closed_folder, is_sent, is_unused, takes_one_of,
};
use super::purpose::LEFT_TO_OTHERS;
use super::relayed::{hands_on_cookie, is_credential_header, relays_body, relays_credentials};
use super::returned::only_leads_on;
use super::subject::Subject;
use super::told::{only_says_whether, shows_picture};
use super::used_up::uses_up;
use super::words::{Form, fits, form, words};

/// Neighbours are handlers whose addresses begin with so many equal segments.
const NEIGHBOURHOOD: usize = 3;
/// So few neighbours say nothing.
const FEW: usize = 4;
/// The question about an action that the server alone calls.
const SERVER_ONLY: &str = "does it not have to be an action, as no code for browsers is given it";
/// The question about one that nobody calls at all.
const UNUSED: &str = "is it needed, as nothing calls it";

/// What speaks for handlers of an application.
pub(super) struct Doubts<'a> {
    subject: &'a Subject<'a>,
    check: &'a RouteControl,
    guards: Vec<Form<'a>>,
    /// By name: whether it says that what is called is a guard.
    named: RefCell<FxHashMap<&'a str, bool>>,
    /// By the beginning of an address: how many handlers have it, and how many of them ask who calls.
    asking: OnceCell<FxHashMap<String, (usize, usize)>>,
    /// Most handlers of the application ask who calls.
    most_ask: OnceCell<bool>,
    /// What costs money is paid for by those who call.
    callers_pay: OnceCell<bool>,
    /// What speaks for the application being for the machine on which it runs.
    alone: OnceCell<Option<String>>,
}

const ASKS_AS_ANYBODY: &str = "could whoever calls it ask that service all the same";
const IS_FOR_HOLDER: &str = "is what its cookie names meant for whoever has the cookie";
const FOR_VISITORS: &str = "is it meant for visitors too, as it touches nothing of anybody's";
const ASKS_AS_CALLER: &str = "does the service that it asks turn strangers away, by what they sent";

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
    pub(super) fn new(subject: &'a Subject<'a>, check: &'a RouteControl) -> Self {
        let patterns = check.doubt.guard_names.iter();
        Self {
            subject,
            check,
            guards: patterns.map(|each| form(each)).collect(),
            named: RefCell::default(),
            asking: OnceCell::new(),
            most_ask: OnceCell::new(),
            callers_pay: OnceCell::new(),
            alone: OnceCell::new(),
        }
    }

    /// The finding, as a question where something speaks for the handler; `weak` when it is about half a gap.
    pub(super) fn on(
        &self,
        finding: Finding,
        route: &RouteFacts,
        verdict: &Verdict,
        weak: bool,
    ) -> Finding {
        // Of what is not seen wholly nobody has to be asked.
        if finding.confidence == Confidence::Low {
            return finding;
        }
        if route.is_closed_in_production() {
            return asked(finding, "does it matter, as production closes it", weak);
        }
        let question = match self.check.control {
            Control::Auth if route.route.url.is_none() => {
                return self.of_action(finding, route, verdict);
            }
            Control::Auth => self.of_auth(route, verdict, weak),
            Control::RateLimit => self.of_limit(route, verdict, weak),
            Control::Validation => self.of_input(route, verdict, weak),
            Control::ErrorHandling => of_failures(self.subject, route, verdict),
            Control::Tests => self.of_tests(route),
            Control::Logging => None,
        };
        let question = question.or_else(|| self.of_surroundings());
        match question {
            Some(question) => asked(finding, &question, weak),
            None => finding,
        }
    }

    /// What other files say of all that the application serves: who comes to it, and what stands in front.
    fn of_surroundings(&self) -> Option<String> {
        if !matches!(self.check.control, Control::Auth | Control::RateLimit) {
            return None;
        }
        let files = &self.subject.model.project.files;
        let root = &self.subject.app.root;
        if let Some(file) = ComposeService::hides(&files.services, root) {
            return Some(format!(
                "is it reached by other containers only, as `{file}` publishes no port of it"
            ));
        }
        let alone = self.alone.get_or_init(|| stays_on_machine(self.subject));
        if let Some(question) = alone
            && (self.check.control == Control::RateLimit || !has_accounts(self.subject.app))
        {
            return Some(question.trim_start_matches("or ").to_owned());
        }
        if self.check.control != Control::RateLimit {
            return None;
        }
        let (app, apps) = (self.subject.project, &self.subject.model.project.apps);
        let mut limits = files.gateway_limits.iter();
        let limit = limits.find(|limit| limit.may_guard(app, apps))?;
        Some(format!(
            "does the limit of the gateway in `{}` hold for it",
            limit.file
        ))
    }

    fn of_action(&self, mut finding: Finding, route: &RouteFacts, verdict: &Verdict) -> Finding {
        let optional = verdict.status == Status::Optional;
        let doubt = self
            .subject
            .published()
            .doubt(self.subject, route, optional);
        if doubt == Some(Doubt::ServerOnly) {
            finding.message.push_str(if is_unused(self.subject, route) {
                "; nothing calls it, so it may not have to be there at all"
            } else {
                "; no code for browsers is given it, so it may not have to be an action at all"
            });
        }
        if doubt.is_none() && self.asks_as_anybody(route) {
            return asked(finding, ASKS_AS_ANYBODY, false);
        }
        if doubt.is_none() && has_mark(route, READS_HOLDER_COOKIE) {
            return asked(finding, IS_FOR_HOLDER, false);
        }
        if doubt.is_none()
            && has_mark(route, ONLY_ASKS_ELSEWHERE)
            && self.shows_credentials(verdict)
        {
            return asked(finding, ASKS_AS_CALLER, false);
        }
        if doubt.is_none() && has_mark(route, ONLY_ASKS_PROVIDER) {
            let record = self.subject.model.graph.module(route.route.module);
            if hands_on_cookie(record, route.route.span) {
                return asked(
                    finding,
                    "is it a step of signing in, as it hands a cookie to the identity provider",
                    false,
                );
            }
        }
        if doubt.is_none()
            && let Some(why) = harms_nobody(route)
        {
            return asked(finding, &anybody(why), false);
        }
        if doubt.is_none() && !has_accounts(self.subject.app) {
            return asked(finding, "does nobody sign in to this application", false);
        }
        if doubt.is_none() && self.only_spends(route) {
            return asked(finding, FOR_VISITORS, false);
        }
        // Who limits an action in a way of their own has strangers in mind as well.
        if doubt.is_some() || self.named_guard(&Code::of(self.subject, route)).is_some() {
            finding.at_most(Confidence::Low)
        } else {
            finding
        }
    }

    fn of_tests(&self, route: &RouteFacts) -> Option<String> {
        let inline = matches!(route.route.entry, Entry::Function(_))
            && route.route.kind == RouteKind::Action;
        let question = if !route.works && !route.reads_input() {
            "is there anything in it that may break"
        } else if inline {
            "is there enough in it to stand where a test can call it"
        } else if is_unused(self.subject, route) {
            UNUSED
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
    fn only_draws(&self, route: &RouteFacts) -> bool {
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
    fn is_browsed(&self) -> bool {
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

    fn of_auth(&self, route: &RouteFacts, verdict: &Verdict, weak: bool) -> Option<String> {
        let address = self.address(route);
        let closed = address.is_err();
        let reads = reads(route) && !self.is_costly(route);
        let has = |roles: &[Role]| {
            let mut steps = verdict.evidence.iter();
            steps.any(|step| roles.contains(&step.role))
        };
        if weak && !reads && self.lets_nobody_pass(route) {
            return None;
        }
        if weak && (reads || has(&[Role::TurnsAway])) {
            return Some(String::from("are strangers meant, whom it tells apart"));
        }
        if weak && self.is_behind_middleware() {
            return Some(String::from("does the middleware turn strangers away"));
        }
        if is_limited(route) {
            return Some(anybody("it is rate limited"));
        }
        if self.takes(route, verdict, &CREDENTIALS) {
            return Some(String::from("does what it is sent prove enough"));
        }
        if self.asks_as_anybody(route) {
            return Some(ASKS_AS_ANYBODY.to_owned());
        }
        if has_mark(route, READS_HOLDER_COOKIE) {
            return Some(IS_FOR_HOLDER.to_owned());
        }
        if let Ok(Some(word)) = address {
            return Some(anybody(&format!("`{word}` in its address suggests")));
        }
        if self.makes_accounts(route) {
            return Some(String::from("is it how strangers get an account"));
        }
        if self.works_as_caller(route, verdict) {
            return Some(ASKS_AS_CALLER.to_owned());
        }
        if let Some(guard) = self.own_guard(route, verdict) {
            return Some(guard);
        }
        // Of what is closed they may still be asked, as of a user's name whether it is taken.
        let only_reads = reads || !self.is_costly(route) && self.finds_little(route);
        if only_reads && !in_closed_folder(route) && only_says_whether(self.subject, route) {
            return Some(String::from(
                "may anybody know, as it only says whether something is so",
            ));
        }
        if reads && !in_closed_folder(route) && shows_picture(self.subject, route) {
            return Some(String::from(
                "is it a picture for whoever knows its address",
            ));
        }
        if reads && !in_closed_folder(route) && has_mark(route, LETS_CACHES_SHARE) {
            return Some(anybody("it lets shared caches keep what it answers"));
        }
        if !reads
            && !in_closed_folder(route)
            && let Some(why) = harms_nobody(route)
        {
            return Some(anybody(why));
        }
        if !weak && !has(&[Role::Works, Role::WorksUnseen, Role::AsksElsewhere]) {
            return Some(String::from("is nothing worth it, as no work was seen"));
        }
        if has(&[Role::AsksElsewhere]) && self.shows_credentials(verdict) {
            return Some(ASKS_AS_CALLER.to_owned());
        }
        // What another service tells everybody, or is asked with a key that is not the caller's business.
        let hands_on = || has(&[Role::AsksElsewhere]) || is_for_other_sites(route);
        if reads && !in_closed_folder(route) && hands_on() {
            return Some(anybody("it only hands on what it reads"));
        }
        if self.only_asks_elsewhere(route, verdict) {
            return Some(anybody("it only asks another service"));
        }
        if !closed && self.only_spends(route) {
            return Some(FOR_VISITORS.to_owned());
        }
        if reads && !closed && !self.is_alone(route) {
            return Some(anybody("it only reads"));
        }
        // What is there already is somebody's, wherever they sign in.
        let changes = matches!(route.route.http_method(), "PUT" | "PATCH" | "DELETE");
        (!has_accounts(self.subject.app)
            && (reads && !in_closed_folder(route) || !closed && !changes))
            .then(|| String::from("does nobody sign in to this application"))
    }

    fn of_limit(&self, route: &RouteFacts, verdict: &Verdict, weak: bool) -> Option<String> {
        let costs = !route.expensive.is_empty();
        let is_action = route.route.url.is_none();
        let question = if weak {
            "is the limit of the other paths enough"
        } else if self.is_server_only(route) {
            if is_unused(self.subject, route) {
                UNUSED
            } else {
                SERVER_ONLY
            }
        } else if !is_for_strangers(route) {
            if self.costs_money(route) && !in_closed_folder(route) {
                return self.bounded(route, verdict);
            }
            "is it enough that those who call it have to say who they are"
        } else if route.public_guess.as_deref() == Some("an auth library's own handler") {
            "does the library limit it by itself"
        } else if !costs && self.asks_as_anybody(route) {
            ASKS_AS_ANYBODY
        } else if (has_mark(route, ONLY_ASKS_PROVIDER) || has_mark(route, ONLY_SIGNS))
            && !self.signs_in_by_itself()
        {
            "does the provider of identities, which does it all, limit it"
        } else if !costs && has_mark(route, ONLY_SIGNS) && !route.reads_input() {
            "does it only lead to whoever provides identities"
        } else if !costs && signs_out(route) {
            "does it only sign out whoever calls"
        } else if reads(route) && !self.costs_money(route)
            || !costs
                && (!route.changes_state()
                    || !route.reads_input()
                    || has_mark(route, ONLY_READS_FILES)
                    || self.only_looks_up(route, verdict))
        {
            "is what it does cheap enough"
        } else if let Ok(Some(word)) = self.address(route) {
            return Some(format!(
                "do only services call it, as `{word}` in its address suggests"
            ));
        } else if !costs && auth(route) == Some(Status::Optional) {
            "is it enough that it tells strangers apart"
        } else if !costs && is_action && route.public_guess.is_none() {
            "does it have to ask who is calling first of all"
        } else if self.takes(route, verdict, &CREDENTIALS)
            && (!costs || self.mails_only_the_owner(route))
            && (!self.takes(route, verdict, &GUESSABLE) || self.renews(route))
        {
            "is what it is sent too long to be guessed"
        } else if route.route.http_method() != "DELETE"
            && route.expensive.iter().all(|(kind, _)| kind == "email")
            && !self.takes(route, verdict, &GUESSABLE)
            && self.on_its_way(route, verdict).iter().any(uses_up)
        {
            "is it enough that it uses up what it is sent"
        } else if self.on_its_way(route, verdict).iter().any(leaves_limit_out) {
            "is it left out on purpose, as an option there says"
        } else if self.works_as_caller(route, verdict) && self.spends_as_caller(route) {
            "does the service that it asks limit those who call it, by what they sent"
        } else {
            let quota = self.quota(route, verdict);
            return quota.or_else(|| self.own_guard(route, verdict));
        };
        Some(question.to_owned())
    }

    /// Who signs in is looked up by a library in the application, and not by a service.
    fn signs_in_by_itself(&self) -> bool {
        let libraries = &self.check.doubt.sign_in_libraries;
        let mut used = self.subject.specifiers().iter();
        used.any(|each| libraries.iter().any(|library| is_of(library, each)))
    }

    /// It turns away who has had enough, by a count that was not recognised as a limiter's.
    fn quota(&self, route: &RouteFacts, verdict: &Verdict) -> Option<String> {
        let places = self.on_its_way(route, verdict);
        let status = places.iter().find_map(told_enough)?;
        Some(format!(
            "is it enough that it turns away with {status} who has had enough"
        ))
    }

    /// The work is done with a credential that the caller sent, by a service that can tell whose it is.
    fn works_as_caller(&self, route: &RouteFacts, verdict: &Verdict) -> bool {
        let stores = &self.check.doubt.stores;
        let is_store = |what: &str| {
            let package = what.split('#').next().unwrap_or(what);
            stores.iter().any(|store| is_of(store, package))
        };
        let Some(work) = verdict.evidence.last() else {
            return false;
        };
        shown(route).any(|at| is_same_place(at, work) && !is_store(&at.note))
    }

    /// So is all that costs money.
    fn spends_as_caller(&self, route: &RouteFacts) -> bool {
        let mut costs = route.expensive.iter();
        costs.all(|(_, place)| shown(route).any(|at| is_same_place(at, place)))
    }

    /// What bounds the costs of those who have to say who they are.
    fn bounded(&self, route: &RouteFacts, verdict: &Verdict) -> Option<String> {
        if self.callers_pay() || self.spends_as_caller(route) {
            return Some(String::from(
                "is it paid for with a key of the caller's own",
            ));
        }
        let patterns = self.check.doubt.quota_names.iter();
        let patterns: Vec<Form<'_>> = patterns.map(|each| form(each)).collect();
        let places = self.on_its_way(route, verdict);
        let named = places.iter().find_map(|code| {
            let members = code.exprs().filter_map(|expr| match expr {
                Expr::Member { property, .. } => Some(code.record.name(*property)),
                _ => None,
            });
            let mut names = called(code).map(|(_, name)| name).chain(members);
            let keeps = |name: &&str| {
                let words = words(name);
                patterns.iter().any(|pattern| fits(pattern, &words))
            };
            let name = names.find(keeps)?;
            Some(format!("is what `{name}` allows an account limit enough"))
        });
        named.or_else(|| self.quota(route, verdict))
    }

    /// It looks up little, and nobody finds a password by it.
    fn only_looks_up(&self, route: &RouteFacts, verdict: &Verdict) -> bool {
        has_mark(route, LOOKS_UP_LITTLE) && !self.takes(route, verdict, &GUESSABLE)
    }

    fn of_input(&self, route: &RouteFacts, verdict: &Verdict, weak: bool) -> Option<String> {
        let question = if weak {
            "does the check cover all that it uses"
        } else if reads(route)
            || !route.works
            || route.route.url.is_none() && !route.changes_state()
        {
            "is what it is sent only compared"
        } else if self.is_server_only(route) {
            if is_unused(self.subject, route) {
                UNUSED
            } else {
                SERVER_ONLY
            }
        } else if has_one_sender(route) || shows_a_secret(route) {
            "can its one sender be trusted"
        } else if takes_all(route)
            || matches!(self.address(route), Ok(Some(_)))
            || self.relays(route)
        {
            "does what it hands the request to check it"
        } else if is_signed(route) {
            "is it enough that what it is sent has to be signed"
        } else if has_mark(route, ONLY_HANDS_ON) && route.expensive.is_empty() {
            "is it enough that the service that it is handed to checks it"
        } else {
            let code = Code::of(self.subject, route);
            let guard = self.named_guard(&code);
            if let Some(guard) = guard.or_else(|| self.checks_as_it_uses(route, verdict)) {
                return Some(guard);
            } else if only_finds(&code, route, &self.check.doubt) {
                "is it enough to look up what it is sent"
            } else if refused(&code, &self.check.doubt.refusals) {
                "is what it refuses enough"
            } else if has_mark(route, STORES_INPUT)
                || route.route.url.is_some() && self.is_costly(route)
            {
                return None;
            } else {
                "is it enough that nothing keeps what it is sent"
            }
        };
        Some(question.to_owned())
    }

    /// An action that no browser is given.
    fn is_server_only(&self, route: &RouteFacts) -> bool {
        route.route.url.is_none()
            && self.subject.published().doubt(self.subject, route, false) == Some(Doubt::ServerOnly)
    }

    fn is_costly(&self, route: &RouteFacts) -> bool {
        let costly = &self.check.doubt.costly;
        route
            .expensive
            .iter()
            .any(|(kind, _)| costly.contains(kind))
    }

    /// Somebody is paid for what it does: it takes more than the server's own time.
    fn costs_money(&self, route: &RouteFacts) -> bool {
        let costly = &self.check.doubt.costly;
        let mut kinds = route.expensive.iter();
        kinds.any(|(kind, _)| kind != "conversion" && costly.contains(kind))
    }

    /// All that it does is to ask another service, and nothing in it is called as if it changed something.
    pub(super) fn only_asks_elsewhere(&self, route: &RouteFacts, verdict: &Verdict) -> bool {
        let last = verdict.evidence.last();
        let elsewhere = last.is_some_and(|step| self.is_elsewhere(step))
            && route.expensive.is_empty()
            && self.address(route).is_ok();
        // What is only handed on is what the other service makes of it.
        let asks = || {
            matches!(route.route.http_method(), "POST" | "ANY")
                && !self.changes(&Code::of(self.subject, route))
        };
        elsewhere && (self.relays(route) || asks())
    }

    /// The work is a call of another service, or of something that is made where no database is at hand.
    fn is_elsewhere(&self, step: &Evidence) -> bool {
        let graph = &self.subject.model.graph;
        let stores = &self.check.doubt.stores;
        match step.role {
            Role::AsksElsewhere => true,
            Role::Works if !stores.is_empty() => {
                let Some(module) = graph.find(&step.file) else {
                    return false;
                };
                let record = graph.module(module);
                let here = numbered(record).filter(|(id, expr)| {
                    matches!(expr, Expr::Call { .. }) && record.line(record.span(*id)) == step.line
                });
                let mut roots = here.filter_map(|(id, _)| {
                    let root = root(record, id)?;
                    match graph.binding(module, root) {
                        Some(Symbol::Local { module, .. } | Symbol::Expr { module, .. }) => {
                            Some(module)
                        }
                        _ => None,
                    }
                });
                roots.next().is_some_and(|home| {
                    let mut requests = graph.module(home).requests.iter();
                    let is_local =
                        |each: &Request| each.specifier.starts_with(['.', '@', '~', '#']);
                    let is_store =
                        |each: &Request| stores.iter().any(|store| is_of(store, &each.specifier));
                    !requests.any(|each| !each.type_only && (is_local(each) || is_store(each)))
                })
            }
            _ => false,
        }
    }

    /// Something is called by a name that says that it changes something.
    fn changes(&self, code: &Code<'_>) -> bool {
        called(code).any(|(_, name)| {
            let words = words(name);
            // `createClient()` only makes what is asked.
            let makes = words.last().is_some_and(|last| last == "client");
            let changing = &self.check.doubt.changing_words;
            !makes && words.first().is_some_and(|first| changing.contains(first))
        })
    }

    /// It looks up little, and nothing in it is called as if it changed something.
    pub(super) fn finds_little(&self, route: &RouteFacts) -> bool {
        has_mark(route, LOOKS_UP_LITTLE) && !self.changes(&Code::of(self.subject, route))
    }

    /// `POST /api/users`
    fn makes_accounts(&self, route: &RouteFacts) -> bool {
        let url = route.route.url.as_deref().unwrap_or("");
        let last = url.rsplit('/').next().unwrap_or("");
        let segments = &self.check.doubt.account_segments;
        route.route.http_method() == "POST" && segments.iter().any(|each| each == last)
    }

    /// It sends e-mail alone, to whomever what it is sent belongs to, and not to an address that it is sent.
    fn mails_only_the_owner(&self, route: &RouteFacts) -> bool {
        let record = self.subject.model.graph.module(route.route.module);
        let around = route.route.span;
        route.expensive.iter().all(|(kind, _)| kind == "email")
            && is_sent(record, around, &CREDENTIALS)
            && !is_sent(record, around, &["email"])
    }

    /// The handler's address, the handler, or a function of its file on the way to its work, names one of these.
    fn takes(&self, route: &RouteFacts, verdict: &Verdict, names: &[&str]) -> bool {
        let own = self.subject.model.graph.module(route.route.module);
        let on_the_way = self.on_the_way(verdict).into_iter();
        let beside = on_the_way.filter(|(record, _)| std::ptr::eq(*record, own));
        let mut places = beside.map(|(_, function)| function.span);
        let url = route.route.url.as_deref().unwrap_or("");
        let mut dynamic = url.split('/').filter(|segment| is_dynamic(segment));
        dynamic.any(|segment| names.contains(&segment.trim_matches(['[', ']', '.', ':', '{', '}'])))
            || takes_one_of(own, route.route.span, names)
            || places.any(|around| takes_one_of(own, around, names))
    }

    /// It touches nothing of anybody's: what it does costs its owner something, and few handlers of the application ask who calls.
    fn only_spends(&self, route: &RouteFacts) -> bool {
        has_mark(route, ONLY_SPENDS) && !self.most_ask()
    }

    /// Two of three handlers that are not plainly for anybody turn strangers away.
    fn most_ask(&self) -> bool {
        *self.most_ask.get_or_init(|| {
            let others = self.subject.app.endpoints();
            let others = others.filter(|each| each.works && each.public_guess.is_none());
            let (all, asking) = others.fold((0usize, 0usize), |(all, asking), each| {
                (all + 1, asking + usize::from(is_asked(each)))
            });
            asking * 3 >= all * 2
        })
    }

    /// The handler only asks another service, and shows it nothing of the application's own.
    fn asks_as_anybody(&self, route: &RouteFacts) -> bool {
        let code = Code::of(self.subject, route);
        // What is returned without being awaited may be work of the handler's own.
        let mut returns = code.statements().filter_map(|each| match each.kind {
            StmtKind::Return(Some(value)) => Some(code.record.expr(value)),
            _ => None,
        });
        let answers = |value: &Expr| match value {
            Expr::Call { callee, .. } => matches!(
                called_name(code.record, *callee),
                Some("json" | "text" | "redirect")
            ),
            _ => true,
        };
        if !returns.all(answers) {
            return false;
        }
        let mut asks = false;
        for expr in code.exprs() {
            match expr {
                Expr::Await(inner) => {
                    let Expr::Call { callee, args, .. } = code.record.expr(*inner) else {
                        continue;
                    };
                    match called_name(code.record, *callee) {
                        Some("fetch") => {
                            let to = args.first().and_then(|to| text(code.record, to.value));
                            asks = to.is_some_and(|to| to.starts_with("https://"));
                            if !asks {
                                return false;
                            }
                        }
                        // Of an answer, or of the request.
                        Some("json" | "text" | "arrayBuffer" | "blob" | "formData") => {}
                        _ => return false,
                    }
                }
                // Who is let in by what the application shows is let in as the application.
                Expr::Object(properties)
                    if properties.iter().any(|property| {
                        matches!(property, Property::Value { key: name, .. }
                            if key(code.record, name).is_some_and(is_credential_header))
                    }) =>
                {
                    return false;
                }
                // A setting may be a secret.
                Expr::Member { property, .. } if code.record.name(*property) == "env" => {
                    return false;
                }
                _ => {}
            }
        }
        asks
    }

    /// What was sent is handed on as the body of another request, as it came: here, on the way to the work, or with it.
    fn relays(&self, route: &RouteFacts) -> bool {
        let own = self.subject.model.graph.module(route.route.module);
        let mut verdicts = route.controls.values();
        relays_body(own, route.route.span)
            || verdicts.any(|verdict| {
                let mut steps = self.on_the_way(verdict).into_iter();
                steps.any(|(record, function)| relays_body(record, function.span))
                    || verdict
                        .evidence
                        .last()
                        .is_some_and(|step| self.hands_on(step))
            })
    }

    /// The service that is asked is shown the credentials that the caller sent: by the function that asks it, or on the way there.
    fn shows_credentials(&self, verdict: &Verdict) -> bool {
        let asks = self.function_at_last(verdict);
        let mut steps = self.on_the_way(verdict).into_iter().chain(asks);
        steps.any(|(record, function)| relays_credentials(record, function.span))
    }

    /// The outermost function around the last step.
    fn function_at_last(&self, verdict: &Verdict) -> Option<(&'a ModuleRecord, &'a Function)> {
        let graph = &self.subject.model.graph;
        let step = verdict.evidence.last()?;
        let record = graph.module(graph.find(&step.file)?);
        let lies_in = |each: &&Function| {
            let end = record.line(Span::new(each.span.end, each.span.end));
            (record.line(each.span)..=end).contains(&step.line)
        };
        // The outermost one comes first.
        Some((record, record.functions.iter().skip(1).find(lies_in)?))
    }

    /// A function that uses what was sent, or through which that is come to, keeps what a check of it gives back, and not what it
    /// was: `row[key] = validated(data[key])`.
    fn checks_as_it_uses(&self, route: &RouteFacts, verdict: &Verdict) -> Option<String> {
        let ways = route
            .controls
            .values()
            .flat_map(|each| self.on_the_way(each));
        let mut functions = self.function_at_last(verdict).into_iter().chain(ways);
        let name = functions.find_map(|(record, function)| self.kept_guard(record, function))?;
        Some(format!("does `{name}` check that"))
    }

    /// What is named like a check, and called for what it gives back.
    fn kept_guard(&self, record: &'a ModuleRecord, function: &Function) -> Option<&'a str> {
        let code = Code::within(record, function.span, "");
        let guard = |mut value: ExprId| {
            if let Expr::Await(inner) = record.expr(value) {
                value = *inner;
            }
            let Expr::Call { callee, .. } = record.expr(value) else {
                return None;
            };
            called_name(record, *callee).filter(|name| self.is_guard(name))
        };
        let kept = |expr: &Expr| match expr {
            Expr::Assign { value, .. } => guard(*value),
            Expr::Object(properties) => properties.iter().find_map(|property| match property {
                Property::Value { value, .. } => guard(*value),
                _ => None,
            }),
            _ => None,
        };
        let set = |statement: &Stmt| match statement.kind {
            StmtKind::Let {
                init: Some(init), ..
            } => guard(init),
            _ => None,
        };
        let found = code.statements().find_map(set);
        found.or_else(|| code.exprs().find_map(kept))
    }

    /// The request that is made here takes what was sent as it came.
    fn hands_on(&self, step: &Evidence) -> bool {
        let graph = &self.subject.model.graph;
        let Some(module) = graph.find(&step.file) else {
            return false;
        };
        let record = graph.module(module);
        let mut calls = numbered(record).filter(|(_, expr)| matches!(expr, Expr::Call { .. }));
        calls.any(|(id, _)| {
            let span = record.span(id);
            record.line(span) == step.line && relays_body(record, span)
        })
    }

    /// The functions through which the work is come to.
    fn on_the_way(&self, verdict: &Verdict) -> Vec<(&'a ModuleRecord, &'a Function)> {
        let graph = &self.subject.model.graph;
        let steps = verdict.evidence.iter();
        let steps = steps.filter(|step| step.role == Role::OnTheWay);
        let found = steps.filter_map(|step| {
            let record = graph.module(graph.find(&step.file)?);
            let mut functions = record.functions.iter().skip(1);
            let function = functions.find(|each| record.line(each.span) == step.line)?;
            Some((record, function))
        });
        found.collect()
    }

    /// The code of the handler, and that of the functions through which its work is come to.
    fn on_its_way(&self, route: &RouteFacts, verdict: &Verdict) -> Vec<Code<'a>> {
        let method = route.route.http_method();
        let steps = self.on_the_way(verdict).into_iter();
        let steps = steps.map(|(record, function)| Code::within(record, function.span, method));
        std::iter::once(Code::of(self.subject, route))
            .chain(steps)
            .collect()
    }

    /// A password that it is sent is a new one: `resetPassword`.
    fn renews(&self, route: &RouteFacts) -> bool {
        let url = route.route.url.as_deref().unwrap_or("");
        let mut words = words(url).into_iter().chain(words(&route.route.method));
        words.any(|word| self.check.doubt.renewing_words.contains(&word))
    }

    fn callers_pay(&self) -> bool {
        let packages = &self.check.doubt.paid_packages;
        *self
            .callers_pay
            .get_or_init(|| callers_pay(&self.subject.model.graph, packages))
    }

    /// The caller's identity, which may be missing, is a condition of a lookup by which the handler decides, and the database's
    /// client leaves out conditions on what is missing: who is nobody finds everything.
    fn lets_nobody_pass(&self, route: &RouteFacts) -> bool {
        let clients = &self.check.doubt.lenient_clients;
        let mut used = self.subject.specifiers().iter();
        if clients.is_empty() || !used.any(|each| clients.iter().any(|client| is_of(client, each)))
        {
            return false;
        }
        let code = Code::of(self.subject, route);
        let keys = &self.check.doubt.lookup_keys;
        let guards = called(&code).filter(|(_, name)| self.is_guard(name));
        let mut guards = guards.filter_map(|(_, name)| {
            let mut functions = code.record.functions.iter().skip(1);
            functions.find(|each| each.name.is_some_and(|own| code.record.name(own) == name))
        });
        guards.any(|guard| {
            let within = Code::within(code.record, guard.span, "");
            within.exprs().any(|expr| match expr {
                Expr::Object(properties) => properties.iter().any(|property| match property {
                    Property::Value {
                        key: Key::Name(key),
                        value,
                    } => {
                        let key = code.record.name(*key);
                        keys.iter().any(|each| each == key) && holds_optional(code.record, *value)
                    }
                    _ => false,
                }),
                _ => false,
            })
        })
    }

    /// What the address says of who may call, from its end on: an error where it has a word for something that is for nobody but
    /// its owner, else the word that sounds open.
    fn address(&self, route: &RouteFacts) -> Result<Option<String>, ()> {
        let doubt = &self.check.doubt;
        if in_closed_folder(route) {
            return Err(());
        }
        let url = route.route.url.as_deref().unwrap_or("");
        let fixed = url.split('/').filter(|segment| !is_dynamic(segment));
        // What lies below `/public/` is said to be, whatever it is.
        if let Some(said) = fixed.clone().find(|segment| *segment == "public") {
            return Ok(Some(said.to_owned()));
        }
        for segment in fixed.rev() {
            let words = words(segment);
            if words.iter().any(|word| doubt.closed_words.contains(word)) {
                return Err(());
            }
            let mut open = words.into_iter();
            if let Some(word) = open.find(|word| doubt.open_words.contains(word)) {
                return Ok(Some(word));
            }
        }
        Ok(None)
    }

    /// Some middleware looks at who is calling.
    fn is_behind_middleware(&self) -> bool {
        self.subject.app.routes.iter().any(|route| {
            let auth = route.controls.get(&Control::Auth);
            auth.is_some_and(|auth| {
                let mut steps = auth.evidence.iter();
                asks(route) && steps.any(|step| step.role == Role::Middleware)
            })
        })
    }

    /// Nearly all that lies beside it asks who calls.
    fn is_alone(&self, route: &RouteFacts) -> bool {
        let asking = self.asking.get_or_init(|| {
            let mut found: FxHashMap<String, (usize, usize)> = FxHashMap::default();
            for other in &self.subject.app.routes {
                if let Some(place) = neighbourhood(other) {
                    let (all, asking) = found.entry(place).or_default();
                    *all += 1;
                    *asking += usize::from(is_asked(other));
                }
            }
            found
        });
        let place = neighbourhood(route);
        place
            .and_then(|place| asking.get(&place))
            .is_some_and(|(all, asking)| *all > FEW && asking * 5 >= all * 4)
    }

    /// Something in the handler, or on the way to its work, looks like a check of who is calling.
    fn own_guard(&self, route: &RouteFacts, verdict: &Verdict) -> Option<String> {
        let graph = &self.subject.model.graph;
        for (record, function) in self.on_the_way(verdict) {
            if let Some(name) = function.name.map(|name| record.name(name))
                && self.is_guard(name)
            {
                return Some(format!("does `{name}` check that"));
            }
        }
        let last = verdict.evidence.last();
        let last = last.filter(|step| step.role == Role::WorksUnseen);
        if let Some(step) = last
            && let Some(module) = graph.find(&step.file)
            && hands_over(graph.module(module), step.line)
        {
            return Some(String::from("does what it hands the request to check that"));
        }
        self.on_its_way(route, verdict).iter().find_map(|code| {
            self.named_guard(code).or_else(|| {
                let said = turned_away(code, &self.check.doubt.turned_away);
                said.map(|said| format!("is that what its {said} is for"))
            })
        })
    }

    /// A function that the code calls is named like one that checks what the engine did not see checked.
    fn named_guard(&self, code: &Code<'a>) -> Option<String> {
        let mut called = called(code);
        let guard = called.find(|(_, name)| self.is_guard(name));
        guard.map(|(_, name)| format!("does `{name}` check that"))
    }

    fn is_guard(&self, name: &'a str) -> bool {
        if self.guards.is_empty() {
            return false;
        }
        let mut named = self.named.borrow_mut();
        *named.entry(name).or_insert_with(|| {
            let words = words(name);
            self.guards.iter().any(|pattern| fits(pattern, &words))
        })
    }
}

/// What is called on a line was looked up in a table: `const handle = handlers[key]; handle(request)`.
fn hands_over(record: &ModuleRecord, line: u32) -> bool {
    let here = record.exprs.iter().zip(&record.spans);
    let here = here.filter(|(_, span)| record.line(**span) == line);
    let called = here.filter_map(|(expr, _)| match expr {
        Expr::Call { callee, .. } => match record.expr(*callee) {
            Expr::Name(name) => Some(*name),
            _ => None,
        },
        _ => None,
    });
    let called: Vec<Name> = called.collect();
    !called.is_empty()
        && record.functions.iter().any(|function| {
            let mut statements = statements(&function.body);
            statements.any(|statement| match &statement.kind {
                StmtKind::Let {
                    pattern: Pattern::Name(name),
                    init: Some(init),
                } => called.contains(name) && matches!(record.expr(*init), Expr::Index { .. }),
                _ => false,
            })
        })
}

/// What is called in the code, with the last of its names.
fn called<'a>(code: &Code<'a>) -> impl Iterator<Item = (ExprId, &'a str)> {
    let record = code.record;
    code.exprs().filter_map(move |expr| match expr {
        Expr::Call { callee, .. } | Expr::New { callee, .. } => {
            Some((*callee, called_name(record, *callee)?))
        }
        _ => None,
    })
}

/// A part of something that may be missing is among the values: `{ owner: session?.user.id }`.
fn holds_optional(record: &ModuleRecord, value: ExprId) -> bool {
    let Expr::Object(properties) = record.expr(value) else {
        return false;
    };
    properties.iter().any(|property| {
        let Property::Value { value, .. } = property else {
            return false;
        };
        let mut at = *value;
        while let Expr::Member {
            object, optional, ..
        } = record.expr(at)
        {
            if *optional {
                return true;
            }
            at = *object;
        }
        false
    })
}

/// `record({ skipRateLimit: true })`
fn leaves_limit_out(code: &Code<'_>) -> bool {
    let says = |name: &str| {
        let words = words(name);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        matches!(
            &*words,
            [
                "skip" | "bypass" | "disable" | "ignore",
                "ratelimit" | "limit"
            ] | [
                "skip" | "bypass" | "disable" | "ignore",
                "rate",
                "limit" | "limiting"
            ]
        )
    };
    let record = code.record;
    let mut exprs = code.exprs();
    exprs.any(|expr| match expr {
        Expr::Object(properties) => properties.iter().any(|property| {
            matches!(property, Property::Value { key: Key::Name(name), value }
                if matches!(record.expr(*value), Expr::Bool(true)) && says(record.name(*name)))
        }),
        _ => false,
    })
}

/// `POST /api/auth/sign-out`, `logoutAction`: it is called like what ends the caller's own session.
fn signs_out(route: &RouteFacts) -> bool {
    let name = match route.route.url.as_deref() {
        Some(url) => url.rsplit(['/', '.']).next().unwrap_or(""),
        None => &route.route.method,
    };
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        &*words,
        ["logout" | "signout"] | ["sign" | "log", "out"] | ["sign" | "log", "out", "action"]
    )
}

/// What speaks for letting failures escape.
fn of_failures(subject: &Subject<'_>, route: &RouteFacts, verdict: &Verdict) -> Option<String> {
    let record = subject.model.graph.module(route.route.module);
    let mut steps = verdict.evidence.iter();
    let question = if steps.any(|step| step.role == Role::TellsFailures) {
        "is its answer looked at, as all that it calls tells of failures there and throws none"
    } else if is_run_by_machine(route) {
        "is a bare 500 what its sender tries again on"
    } else if route.route.kind == RouteKind::App && is_answered_beforehand(record) {
        "does it fail the build, which asks for its answers beforehand"
    } else if reads(route) && (route.public_declared || route.public_guess.is_some()) {
        "is a bare 500 enough for what anybody reads"
    } else if reads(route)
        && route.status(Control::Auth) != Status::Enforced
        && gives_a_file(&Code::of(subject, route))
    {
        "is a bare 500 enough for a file that anybody fetches"
    } else if reads(route) && only_leads_on(subject, route) {
        "is it a page for browsers, as it only leads on to others"
    } else if throws_on(&Code::of(subject, route)) {
        "is it thrown on purpose, as by a catch of its own"
    } else {
        return None;
    };
    Some(question.to_owned())
}

/// A catch of the handler's throws what it caught, once it is looked at or told of.
fn throws_on(code: &Code<'_>) -> bool {
    code.statements().any(|statement| match &statement.kind {
        StmtKind::Try {
            handler: Some(handler),
            ..
        } => statements(&handler.body).any(|each| matches!(each.kind, StmtKind::Throw(_))),
        _ => false,
    })
}

/// `export const dynamic = "force-static"`, or `generateStaticParams` with `export const revalidate = false`.
fn is_answered_beforehand(record: &ModuleRecord) -> bool {
    let is_static = |value: ExprId| matches!(record.expr(value), Expr::String(text) if &**text == "force-static");
    let listed = || {
        let mut exports = record.exports.iter();
        exports.any(|export| &*export.name == "generateStaticParams")
    };
    let kept = |value: ExprId| matches!(record.expr(value), Expr::Bool(false));
    constant(record, "dynamic").is_some_and(is_static)
        || constant(record, "revalidate").is_some_and(kept) && listed()
}

/// The answer is said to be a file, or of a kind that no client reads as data, or is a picture that is drawn for it.
fn gives_a_file(code: &Code<'_>) -> bool {
    let is_kind = |text: &str| {
        let kind = text.split(';').next().unwrap_or(text).trim();
        let is_file = ["image/", "audio/", "video/", "font/"];
        is_file.iter().any(|family| kind.starts_with(family))
            || matches!(kind, "text/csv" | "text/calendar" | "text/xml")
            || kind.starts_with("application/")
                && !kind.contains("json")
                && kind != "application/x-www-form-urlencoded"
    };
    code.exprs().any(|expr| match expr {
        Expr::New { callee, .. } => called_name(code.record, *callee) == Some("ImageResponse"),
        Expr::String(text) => is_kind(text) || text.eq_ignore_ascii_case("content-disposition"),
        _ => false,
    })
}

/// The finding as a question.
fn asked(mut finding: Finding, question: &str, weak: bool) -> Finding {
    finding.message.push_str(if weak { ": " } else { ": or " });
    finding.message.push_str(question);
    finding.message.push('?');
    finding.at_most(Confidence::Low)
}

fn anybody(why: &str) -> String {
    format!("is it meant for anybody, as {why}")
}

/// Where a credential that the caller sent is shown, and to what.
fn shown(route: &RouteFacts) -> impl Iterator<Item = &Evidence> {
    let marks = route.marks.iter();
    marks.filter_map(|(mark, at)| (mark == SHOWS_CREDENTIAL).then_some(at))
}

fn is_same_place(one: &Evidence, other: &Evidence) -> bool {
    one.file == other.file && one.line == other.line
}

/// Why it does not matter who calls a handler that touches nothing of anybody's and spends nothing.
fn harms_nobody(route: &RouteFacts) -> Option<&'static str> {
    if !route.expensive.is_empty() {
        None
    } else if has_mark(route, ONLY_MAKES) {
        Some("it only makes something else of what it is sent")
    } else if has_mark(route, ONLY_READS_FILES) {
        Some("it only reads files")
    } else {
        None
    }
}

pub(super) fn has_mark(route: &RouteFacts, wanted: &str) -> bool {
    route.marks.iter().any(|(mark, _)| mark == wanted)
}

/// The handler is called to read.
fn reads(route: &RouteFacts) -> bool {
    match route.route.http_method() {
        "GET" | "HEAD" => true,
        "ANY" => !route.changes_state(),
        _ => false,
    }
}

fn is_limited(route: &RouteFacts) -> bool {
    let limit = route.controls.get(&Control::RateLimit);
    limit.is_some_and(|limit| matches!(limit.status, Status::Enforced | Status::Conditional))
}

/// The beginning of its address.
fn neighbourhood(route: &RouteFacts) -> Option<String> {
    let url = route.route.url.as_deref()?;
    let segments: Vec<&str> = url.split('/').filter(|each| !each.is_empty()).collect();
    (segments.len() > NEIGHBOURHOOD).then(|| segments[..NEIGHBOURHOOD].join("/"))
}

/// `[id]`, `:id`, `*`
pub(super) fn is_dynamic(segment: &str) -> bool {
    segment.starts_with(['[', ':', '*', '{'])
}

/// Its address takes whatever follows: `[...path]`.
fn takes_all(route: &RouteFacts) -> bool {
    let url = route.route.url.as_deref().unwrap_or("");
    let last = url.rsplit('/').next().unwrap_or("");
    last.contains("...") || last.ends_with('*')
}

/// Other sites may read what it answers.
fn is_for_other_sites(route: &RouteFacts) -> bool {
    route.marks.iter().any(|(mark, evidence)| {
        mark == "sets-header:access-control-allow-origin" && evidence.note.trim() == "*"
    })
}

#[cfg(test)]
mod tests {
    use super::hands_over;
    use crate::syntax::record_of as record;

    #[test]
    fn a_call_of_what_a_table_holds() {
        let table = record(
            "export async function handle(request) {\n  const found = handlers[key];\n  return found(request);\n}\n",
        );
        assert!(hands_over(&table, 3));
        assert!(!hands_over(&table, 2));
        let plain = record("export function handle(request) {\n  return save(request);\n}\n");
        assert!(!hands_over(&plain, 2));
    }
}
