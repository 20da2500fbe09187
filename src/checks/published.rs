//! Which server actions browsers are given, and what speaks for an action that asks nobody who they are.

use rustc_hash::FxHashSet;

use crate::controls::{Role, Status};
use crate::graph::{ModuleId, Symbol};
use crate::model::RouteFacts;
use crate::routes::Entry;
use crate::rule::Control;
use crate::source::Span;
use crate::syntax::{Expr, ExprId, Imported, Key, ModuleRecord, Name, Pattern, StmtKind};

use super::code::{called_name, method_call, numbered, statements};
use super::subject::Subject;

/// What a caller shows instead of an account.
pub(super) const CREDENTIALS: [&str; 14] = [
    "token",
    "password",
    "passcode",
    "pin",
    "otp",
    "secret",
    "signature",
    "verificationToken",
    "verificationCode",
    "resetToken",
    "inviteToken",
    "invitationToken",
    "accessCode",
    "turnstileToken",
];
/// Those of them that somebody may find by trying.
pub(super) const GUESSABLE: [&str; 6] = [
    "password",
    "passcode",
    "pin",
    "otp",
    "verificationCode",
    "accessCode",
];
/// What stands for what a handler is sent.
pub(super) const INPUTS: [&str; 7] = [
    "input",
    "parsedInput",
    "body",
    "data",
    "query",
    "params",
    "payload",
];
/// Folders in which nothing is for everybody.
const CLOSED: [&str; 6] = [
    "admin",
    "internal",
    "private",
    "superadmin",
    "backoffice",
    "(admin)",
];

/// Why a missing check may be no gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doubt {
    /// Only the server calls it: no browser is ever given its address.
    ServerOnly,
    /// Something else speaks for it.
    ByDesign,
}

/// The actions of an application that browsers are given.
#[derive(Debug)]
pub(super) struct Published {
    given: FxHashSet<(ModuleId, Box<str>)>,
    /// The application knows who is calling somewhere.
    accounts: bool,
    /// Some actions are made with a builder that turns strangers away.
    builds: bool,
}

impl Published {
    pub(super) fn new(subject: &Subject<'_>) -> Self {
        let graph = &subject.model.graph;
        let exports: Vec<(ModuleId, &str, Symbol)> = subject
            .app
            .routes
            .iter()
            .filter(|route| route.route.url.is_none())
            .filter_map(|route| match &route.route.entry {
                Entry::Export(name) => {
                    let module = route.route.module;
                    Some((module, &**name, graph.export(module, name)))
                }
                _ => None,
            })
            .collect();
        let accounts = subject.app.routes.iter().any(|route| {
            let auth = route.controls.get(&Control::Auth);
            auth.is_some_and(|auth| matches!(auth.status, Status::Enforced | Status::Optional))
        });
        let builds = subject.app.routes.iter().any(|route| {
            let auth = route.controls.get(&Control::Auth);
            route.route.url.is_none()
                && auth.is_some_and(|auth| auth.status == Status::Enforced)
                && is_built(graph.module(route.route.module), route)
        });
        Self {
            given: given(subject, &exports),
            accounts,
            builds,
        }
    }

    /// What speaks for an action whose caller is not asked who they are; `optional` when that is looked at, though.
    pub(super) fn doubt(
        &self,
        subject: &Subject<'_>,
        route: &RouteFacts,
        optional: bool,
    ) -> Option<Doubt> {
        if let Entry::Export(name) = &route.route.entry
            && !self.given.contains(&(route.route.module, name.clone()))
        {
            return Some(Doubt::ServerOnly);
        }
        let limited = route.controls.get(&Control::RateLimit);
        // Who limits an action without an account has strangers in mind.
        let limited = limited
            .is_some_and(|limit| matches!(limit.status, Status::Enforced | Status::Conditional));
        // What is read may be for everybody; of what changes something, that is rare.
        let reads =
            !route.changes_state() && route.expensive.is_empty() && !in_closed_folder(route);
        // One that asks, and goes on in another way with those who are nobody, has them in mind.
        let told_apart = optional && {
            let auth = route.controls.get(&Control::Auth);
            auth.is_some_and(|auth| {
                let mut steps = auth.evidence.iter();
                steps.any(|step| step.role == Role::TurnsAway)
            })
        };
        let record = subject.model.graph.module(route.route.module);
        let by_design = limited
            || reads
            || told_apart
            || !self.accounts
            // Who has a builder for people with an account, and takes the other one, has strangers in mind.
            || self.builds && is_built(record, route)
            || takes_one_of(record, route.route.span, &CREDENTIALS);
        by_design.then_some(Doubt::ByDesign)
    }
}

/// An action that no other file and nothing in its own so much as names. What a file that does not load it calls the same is
/// something else.
pub(super) fn is_unused(subject: &Subject<'_>, route: &RouteFacts) -> bool {
    let (Entry::Export(name), None) = (&route.route.entry, &route.route.url) else {
        return false;
    };
    let home = route.route.module;
    // Most are given to browsers, which is known already.
    let given = &subject.published().given;
    let graph = &subject.model.graph;
    let mut modules = graph.modules();
    &**name != "default"
        && !given.contains(&(home, name.clone()))
        && !modules.any(|(id, record)| {
            record.find_name(name).is_some_and(|name| {
                let named = |expr: &Expr| matches!(expr, Expr::Name(other) if *other == name);
                if id == home {
                    record.exprs.iter().any(named)
                } else {
                    !subject.is_side(id)
                        && (graph.dependencies(id).any(|loaded| loaded == home)
                            || !is_of_another(subject, id, name, home))
                }
            })
        })
}

/// The module takes the name from somewhere else than `home`, or defines it itself.
fn is_of_another(subject: &Subject<'_>, id: ModuleId, name: Name, home: ModuleId) -> bool {
    let graph = &subject.model.graph;
    match graph.binding(id, name) {
        Some(Symbol::Local { module, .. } | Symbol::Expr { module, .. }) => module != home,
        Some(_) => false,
        None => {
            let index = subject.index().module(graph, id);
            index.declares(name).is_some()
        }
    }
}

/// It lies in a folder in which nothing is for everybody.
pub(super) fn in_closed_folder(route: &RouteFacts) -> bool {
    let mut folders = route.file.folders();
    folders.any(|folder| CLOSED.contains(&folder))
}

/// The exports that code for browsers imports, or that server code hands on instead of calling them.
fn given(
    subject: &Subject<'_>,
    exports: &[(ModuleId, &str, Symbol)],
) -> FxHashSet<(ModuleId, Box<str>)> {
    let graph = &subject.model.graph;
    let names: FxHashSet<&str> = exports.iter().map(|(_, name, _)| *name).collect();
    let mut given = FxHashSet::default();
    if exports.is_empty() {
        return given;
    }
    for (id, record) in graph.modules() {
        if subject.is_side(id) {
            continue;
        }
        let in_browser = subject.runs_in_browser(id);
        for import in record.imports.iter().filter(|import| !import.type_only) {
            let possible = match &import.imported {
                Imported::Named(name) => names.contains(record.name(*name)),
                Imported::Default => names.contains("default"),
                Imported::Namespace => true,
            };
            if !possible {
                continue;
            }
            let Some(symbol) = graph.binding(id, import.local) else {
                continue;
            };
            for (module, name, export) in exports {
                let whole = matches!(symbol, Symbol::Namespace(other) if other == *module);
                let same = symbol == *export && !matches!(export, Symbol::Unresolved);
                // A component is rendered where it is handed on.
                let component = name.starts_with(char::is_uppercase);
                let handed = || {
                    if whole {
                        hands_on_of(record, import.local, name)
                    } else {
                        !component && hands_on(record, import.local)
                    }
                };
                if (whole || same) && (in_browser || handed()) {
                    given.insert((*module, Box::from(*name)));
                }
            }
        }
    }
    // `action={save}` in the file of the action itself.
    for (module, name, export) in exports {
        let record = graph.module(*module);
        if let Symbol::Local {
            module: home,
            name: local,
        } = export
            && home == module
            && hands_to_element(record, *local)
        {
            given.insert((*module, Box::from(*name)));
        }
    }
    given
}

/// The name stands somewhere else than where it is called.
fn hands_on(record: &ModuleRecord, local: Name) -> bool {
    let mut called: FxHashSet<u32> = FxHashSet::default();
    for expr in &record.exprs {
        match expr {
            Expr::Call { callee, .. } => {
                called.insert(callee.0);
            }
            Expr::Jsx {
                component: true,
                inner,
            } => called.extend(inner.first().map(|tag| tag.0)),
            _ => {}
        }
    }
    (0..).zip(&record.exprs).any(|(id, expr)| {
        matches!(expr, Expr::Name(name) if *name == local) && !called.contains(&id)
    })
}

/// `actions.save` stands somewhere else than where it is called, or all that is in `actions` does.
fn hands_on_of(record: &ModuleRecord, local: Name, name: &str) -> bool {
    let mut asked: FxHashSet<ExprId> = FxHashSet::default();
    let mut members: FxHashSet<ExprId> = FxHashSet::default();
    let mut called: FxHashSet<ExprId> = FxHashSet::default();
    let is_local = |expr: ExprId| matches!(record.expr(expr), Expr::Name(name) if *name == local);
    for (id, expr) in numbered(record) {
        match expr {
            Expr::Member {
                object, property, ..
            } if is_local(*object) => {
                asked.insert(*object);
                if record.name(*property) == name {
                    members.insert(id);
                }
            }
            Expr::Call { callee, .. } => {
                called.insert(*callee);
            }
            _ => {}
        }
    }
    !members.is_subset(&called)
        || numbered(record).any(|(id, _)| is_local(id) && !asked.contains(&id))
}

/// An element is given the name.
fn hands_to_element(record: &ModuleRecord, local: Name) -> bool {
    record.exprs.iter().any(|expr| match expr {
        Expr::Jsx { component, inner } => inner
            .iter()
            .skip(usize::from(*component))
            .any(|child| matches!(record.expr(*child), Expr::Name(name) if *name == local)),
        _ => false,
    })
}

/// The action is what the last call of a builder's chain gives: `client.inputSchema(…).action(…)`.
fn is_built(record: &ModuleRecord, route: &RouteFacts) -> bool {
    let around = route.route.span;
    numbered(record).any(|(id, _)| {
        let span = record.span(id);
        let within = around.start <= span.start && span.end <= around.end;
        within
            && method_call(record, id).is_some_and(|call| {
                matches!(call.method, "action" | "stateAction" | "handler")
                    && matches!(record.expr(call.object), Expr::Call { .. } | Expr::Name(_))
            })
    })
}

/// The code there names something by which whoever knows it may go on: a link's token, a password of its own.
pub(super) fn takes_one_of(record: &ModuleRecord, around: Span, names: &[&str]) -> bool {
    let is = |name: Name| names.contains(&record.name(name));
    record.exprs.iter().zip(&record.spans).any(|(expr, span)| {
        around.holds(*span)
            && match expr {
                Expr::Name(name) => is(*name),
                Expr::Member { property, .. } => is(*property),
                _ => false,
            }
    })
}

/// The handler is sent one of these, and does not only make one: `input.token`, `const { token } = await request.json()`.
pub(super) fn is_sent(record: &ModuleRecord, around: Span, names: &[&str]) -> bool {
    let is = |name: Name| names.contains(&record.name(name));
    let binds = |pattern: &Pattern| match pattern {
        Pattern::Object { properties, .. } => properties
            .iter()
            .any(|(key, _)| matches!(key, Key::Name(name) if is(*name))),
        _ => false,
    };
    let mut functions = record.functions.iter().skip(1);
    let bound = functions.any(|function| {
        around.holds(function.span)
            && (function.params.iter().any(binds)
                || statements(&function.body).any(
                    |each| matches!(&each.kind, StmtKind::Let { pattern, .. } if binds(pattern)),
                ))
    });
    bound
        || record.exprs.iter().zip(&record.spans).any(|(expr, span)| {
            around.holds(*span)
                && matches!(expr, Expr::Member { object, property, .. }
                    if is(*property)
                        && called_name(record, *object).is_some_and(|from| INPUTS.contains(&from)))
        })
}
