//! What speaks for a handler that a control does not reach: such a finding is a question.

mod auth;
mod failures;
mod input;
mod limit;
mod tested;

use std::cell::{OnceCell, RefCell};

use rustc_hash::FxHashMap;

use crate::controls::{Evidence, Role, SHOWS_CREDENTIAL, Verdict};
use crate::finding::Finding;
use crate::model::RouteFacts;
use crate::project::ComposeService;
use crate::rule::{Confidence, Control, RouteControl};
use crate::source::Span;
use crate::syntax::{Expr, ExprId, Function, ModuleRecord, Name, Pattern, Property, StmtKind};

use crate::checks::callers::has_accounts;
use crate::checks::code::{called_name, key, numbered, statements, text};
use crate::checks::dependency::is_of;
use crate::checks::for_one::stays_on_machine;
use crate::checks::handler_code::{Code, turned_away};
use crate::checks::published::{Doubt, in_closed_folder, takes_one_of};
use crate::checks::relayed::{is_credential_header, relays_body, relays_credentials};
use crate::checks::subject::Subject;
use crate::checks::words::{Form, fits, form, words};

use self::failures::of_failures;

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
const ASKS_AS_CALLER: &str = "does the service that it asks turn strangers away, by what they sent";

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

/// The finding as a question.
fn asked(mut finding: Finding, question: &str, weak: bool) -> Finding {
    finding.message.push_str(if weak { ": " } else { ": or " });
    finding.message.push_str(question);
    finding.message.push('?');
    finding.at_most(Confidence::Low)
}

/// Where a credential that the caller sent is shown, and to what.
fn shown(route: &RouteFacts) -> impl Iterator<Item = &Evidence> {
    let marks = route.marks.iter();
    marks.filter_map(|(mark, at)| (mark == SHOWS_CREDENTIAL).then_some(at))
}

fn is_same_place(one: &Evidence, other: &Evidence) -> bool {
    one.file == other.file && one.line == other.line
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
