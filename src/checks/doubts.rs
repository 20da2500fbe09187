//! What speaks for a handler that a control does not reach: such a finding is a question.

use std::cell::{OnceCell, RefCell};

use rustc_hash::FxHashMap;

use crate::controls::{Role, Status, Verdict};
use crate::finding::Finding;
use crate::model::RouteFacts;
use crate::rule::{Confidence, Control, RouteControl};
use crate::syntax::{Expr, ModuleRecord, Name, Pattern, StmtKind};

use super::code::statements;
use super::handler_code::{Code, only_identifies, refused, turned_away};
use super::published::{CREDENTIALS, Doubt, GUESSABLE, in_closed_folder, takes_one_of};
use super::subject::Subject;
use super::words::{fits, words};

/// Neighbours are handlers whose addresses begin with so many equal segments.
const NEIGHBOURHOOD: usize = 3;
/// So few neighbours say nothing.
const FEW: usize = 4;
/// Where accounts are made, at the end of an address.
const ACCOUNTS: [&str; 6] = [
    "user",
    "users",
    "account",
    "accounts",
    "registration",
    "registrations",
];
/// The question about an action that the server alone calls.
const SERVER_ONLY: &str = "does it not have to be an action, as no code for browsers is given it";

/// What speaks for handlers of an application.
pub(super) struct Doubts<'a> {
    subject: &'a Subject<'a>,
    check: &'a RouteControl,
    guards: Vec<Vec<&'a str>>,
    /// By name: whether it says that what is called is a guard.
    named: RefCell<FxHashMap<&'a str, bool>>,
    /// By the beginning of an address: how many handlers have it, and how many of them ask who calls.
    asking: OnceCell<FxHashMap<String, (usize, usize)>>,
}

impl<'a> Doubts<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, check: &'a RouteControl) -> Self {
        let patterns = check.doubt.guard_names.iter();
        Self {
            subject,
            check,
            guards: patterns.map(|each| each.split(' ').collect()).collect(),
            named: RefCell::default(),
            asking: OnceCell::new(),
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
        let question = match self.check.control {
            Control::Auth if route.route.url.is_none() => {
                return self.of_action(finding, route, verdict);
            }
            Control::Auth => self.of_auth(route, verdict, weak),
            Control::RateLimit => self.of_limit(route, verdict, weak),
            Control::Validation => self.of_input(route, weak),
            _ => None,
        };
        match question {
            Some(question) => asked(finding, &question, weak),
            None => finding,
        }
    }

    fn of_action(&self, mut finding: Finding, route: &RouteFacts, verdict: &Verdict) -> Finding {
        let optional = verdict.status == Status::Optional;
        let doubt = self
            .subject
            .published()
            .doubt(self.subject, route, optional);
        if doubt == Some(Doubt::ServerOnly) {
            finding.message.push_str(
                "; no code for browsers is given it, so it may not have to be an action at all",
            );
        }
        match doubt {
            Some(_) => finding.at_most(Confidence::Low),
            None => finding,
        }
    }

    fn of_auth(&self, route: &RouteFacts, verdict: &Verdict, weak: bool) -> Option<String> {
        let address = self.address(route);
        let closed = address.is_err();
        let reads = reads(route) && !self.is_costly(route);
        let has = |roles: &[Role]| {
            let mut steps = verdict.evidence.iter();
            steps.any(|step| roles.contains(&step.role))
        };
        if weak && (reads || has(&[Role::TurnsAway])) {
            return Some(String::from("are strangers meant, whom it tells apart"));
        }
        if weak && self.is_behind_middleware() {
            return Some(String::from("does the middleware turn strangers away"));
        }
        if is_limited(route) {
            return Some(anybody("it is rate limited"));
        }
        let record = self.subject.model.graph.module(route.route.module);
        if takes_one_of(record, route, &CREDENTIALS) {
            return Some(String::from("does what it is sent prove enough"));
        }
        if let Ok(Some(word)) = address {
            return Some(anybody(&format!("`{word}` in its address suggests")));
        }
        if makes_accounts(route) {
            return Some(String::from("is it how strangers get an account"));
        }
        if let Some(guard) = self.own_guard(route, verdict) {
            return Some(guard);
        }
        if !weak && !has(&[Role::Works, Role::WorksUnseen, Role::AsksElsewhere]) {
            return Some(String::from("is nothing worth it, as no work was seen"));
        }
        // What another service tells everybody, or is asked with a key that is not the caller's business.
        let hands_on = || has(&[Role::AsksElsewhere]) || is_for_other_sites(route);
        if reads && !in_closed_folder(route) && hands_on() {
            return Some(anybody("it only hands on what it reads"));
        }
        if reads && !closed && !self.is_alone(route) {
            return Some(anybody("it only reads"));
        }
        let accounts = self.subject.app.routes.iter().any(asks);
        // What is there already is somebody's, wherever they sign in.
        let changes = matches!(route.route.http_method(), "PUT" | "PATCH" | "DELETE");
        (!accounts && !closed && !changes)
            .then(|| String::from("does nobody sign in to this application"))
    }

    fn of_limit(&self, route: &RouteFacts, verdict: &Verdict, weak: bool) -> Option<String> {
        let record = self.subject.model.graph.module(route.route.module);
        let costs = !route.expensive.is_empty();
        let is_action = route.route.url.is_none();
        let question = if weak {
            "is the limit of the other paths enough"
        } else if self.is_server_only(route) {
            SERVER_ONLY
        } else if !is_for_strangers(route) {
            if self.is_costly(route) && !in_closed_folder(route) {
                return None;
            }
            "is it enough that those who call it have to say who they are"
        } else if route.public_guess.as_deref() == Some("an auth library's own handler") {
            "does the library limit it by itself"
        } else if reads(route) && !self.is_costly(route) || !costs && !route.changes_state() {
            "is what it does cheap enough"
        } else if let Ok(Some(word)) = self.address(route) {
            return Some(format!(
                "do only services call it, as `{word}` in its address suggests"
            ));
        } else if !costs && auth(route) == Some(Status::Optional) {
            "is it enough that it tells strangers apart"
        } else if !costs && is_action && route.public_guess.is_none() {
            "does it have to ask who is calling first of all"
        } else if !costs
            && takes_one_of(record, route, &CREDENTIALS)
            && !takes_one_of(record, route, &GUESSABLE)
        {
            "is what it is sent too long to be guessed"
        } else {
            return self.own_guard(route, verdict);
        };
        Some(question.to_owned())
    }

    fn of_input(&self, route: &RouteFacts, weak: bool) -> Option<String> {
        let sent_by_one = || {
            let known = |mark: &str| matches!(mark.split(':').next(), Some("cron" | "webhook"));
            route.marks.iter().any(|(mark, _)| known(mark))
        };
        let question = if weak {
            "does the check cover all that it uses"
        } else if reads(route)
            || !route.works
            || route.route.url.is_none() && !route.changes_state()
        {
            "is what it is sent only compared"
        } else if self.is_server_only(route) {
            SERVER_ONLY
        } else if sent_by_one() {
            "can its one sender be trusted"
        } else if takes_all(route) || matches!(self.address(route), Ok(Some(_))) {
            "does what it hands the request to check it"
        } else {
            let code = Code::of(self.subject, route);
            if let Some(guard) = self.named_guard(&code) {
                return Some(guard);
            } else if only_identifies(&code, route) {
                "is it enough to look up what it is sent"
            } else if refused(&code) {
                "is what it refuses enough"
            } else {
                return None;
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

    /// What the address says of who may call, from its end on: an error where it has a word for something that is for nobody but
    /// its owner, else the word that sounds open.
    fn address(&self, route: &RouteFacts) -> Result<Option<String>, ()> {
        let doubt = &self.check.doubt;
        if in_closed_folder(route) {
            return Err(());
        }
        let url = route.route.url.as_deref().unwrap_or("");
        let fixed = url.split('/').filter(|segment| !is_dynamic(segment));
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
        let mut places = vec![Code::of(self.subject, route)];
        for step in &verdict.evidence {
            let on_the_way = step.role == Role::OnTheWay;
            let Some(module) = graph.find(&step.file).filter(|_| on_the_way) else {
                continue;
            };
            let record = graph.module(module);
            let mut functions = record.functions.iter().skip(1);
            if let Some(function) = functions.find(|each| record.line(each.span) == step.line) {
                if let Some(name) = function.name.map(|name| record.name(name))
                    && self.is_guard(name)
                {
                    return Some(format!("does `{name}` check that"));
                }
                let method = route.route.http_method();
                places.push(Code::within(record, function.span, method));
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
        places.iter().find_map(|code| {
            self.named_guard(code)
                .or_else(|| turned_away(code).map(|said| format!("is that what its {said} is for")))
        })
    }

    /// A function that the code calls is named like one that checks what the engine did not see checked.
    fn named_guard(&self, code: &Code<'a>) -> Option<String> {
        code.exprs().find_map(|expr| {
            let (Expr::Call { callee, .. } | Expr::New { callee, .. }) = expr else {
                return None;
            };
            let name = match code.record.expr(*callee) {
                Expr::Name(name) => code.record.name(*name),
                Expr::Member { property, .. } => code.record.name(*property),
                _ => return None,
            };
            self.is_guard(name)
                .then(|| format!("does `{name}` check that"))
        })
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
            let mut statements = statements(&function.body).into_iter();
            statements.any(|statement| match &statement.kind {
                StmtKind::Let {
                    pattern: Pattern::Name(name),
                    init: Some(init),
                } => called.contains(name) && matches!(record.expr(*init), Expr::Index { .. }),
                _ => false,
            })
        })
}

/// `POST /api/users`
fn makes_accounts(route: &RouteFacts) -> bool {
    let url = route.route.url.as_deref().unwrap_or("");
    let last = url.rsplit('/').next().unwrap_or("");
    route.route.http_method() == "POST" && ACCOUNTS.contains(&last)
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

fn auth(route: &RouteFacts) -> Option<Status> {
    route.controls.get(&Control::Auth).map(|auth| auth.status)
}

/// Who calls has to say who they are.
pub(super) fn is_asked(route: &RouteFacts) -> bool {
    auth(route) == Some(Status::Enforced)
}

/// The handler looks at who calls.
fn asks(route: &RouteFacts) -> bool {
    matches!(auth(route), Some(Status::Enforced | Status::Optional))
}

fn is_for_strangers(route: &RouteFacts) -> bool {
    matches!(auth(route), Some(Status::Absent | Status::Optional))
}

/// The beginning of its address.
fn neighbourhood(route: &RouteFacts) -> Option<String> {
    let url = route.route.url.as_deref()?;
    let segments: Vec<&str> = url.split('/').filter(|each| !each.is_empty()).collect();
    (segments.len() > NEIGHBOURHOOD).then(|| segments[..NEIGHBOURHOOD].join("/"))
}

/// `[id]`, `:id`, `*`
fn is_dynamic(segment: &str) -> bool {
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
    use crate::source::{RepoPath, SourceFile};
    use crate::syntax::{ModuleRecord, ParseOptions, PatternSet, parse_module};

    fn record(text: &str) -> ModuleRecord {
        let patterns = PatternSet::default();
        let file = SourceFile::new(RepoPath::new("a.ts"), text);
        parse_module(
            &file,
            ParseOptions {
                patterns: &patterns,
            },
        )
    }

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
