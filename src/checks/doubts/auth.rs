//! What speaks for a handler that asks nobody who calls.

use rustc_hash::FxHashMap;

use crate::controls::{
    Evidence, LETS_CACHES_SHARE, LOOKS_UP_LITTLE, ONLY_ASKS_ELSEWHERE, ONLY_ASKS_PROVIDER,
    ONLY_MAKES, ONLY_READS_FILES, ONLY_SPENDS, READS_HOLDER_COOKIE, Role, Status, Verdict,
};
use crate::finding::Finding;
use crate::graph::Symbol;
use crate::model::RouteFacts;
use crate::rule::{Confidence, Control};
use crate::syntax::{Expr, ExprId, Key, ModuleRecord, Property, Request};

use crate::checks::callers::{asks, has_accounts, is_asked};
use crate::checks::code::{numbered, root};
use crate::checks::dependency::is_of;
use crate::checks::handler_code::Code;
use crate::checks::published::{CREDENTIALS, Doubt, in_closed_folder, is_unused};
use crate::checks::relayed::hands_on_cookie;
use crate::checks::told::{only_says_whether, shows_picture};
use crate::checks::words::words;

use super::{ASKS_AS_ANYBODY, ASKS_AS_CALLER, Doubts, asked, called, has_mark, reads};

/// So few neighbours say nothing.
const FEW: usize = 4;
/// Neighbours are handlers whose addresses begin with so many equal segments.
const NEIGHBOURHOOD: usize = 3;

const IS_FOR_HOLDER: &str = "is what its cookie names meant for whoever has the cookie";

const FOR_VISITORS: &str = "is it meant for visitors too, as it touches nothing of anybody's";

impl<'a> Doubts<'a> {
    /// The finding about an action that asks nobody who calls, as a question where something speaks for it.
    pub(super) fn of_action(
        &self,
        mut finding: Finding,
        route: &RouteFacts,
        verdict: &Verdict,
    ) -> Finding {
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

    /// The question about a handler that asks nobody who calls; `weak` where it asks and serves strangers all the same.
    pub(super) fn of_auth(
        &self,
        route: &RouteFacts,
        verdict: &Verdict,
        weak: bool,
    ) -> Option<String> {
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

    /// All that it does is to ask another service, and nothing in it is called as if it changed something.
    pub(in crate::checks) fn only_asks_elsewhere(
        &self,
        route: &RouteFacts,
        verdict: &Verdict,
    ) -> bool {
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
    pub(super) fn is_elsewhere(&self, step: &Evidence) -> bool {
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
    pub(super) fn changes(&self, code: &Code<'_>) -> bool {
        called(code).any(|(_, name)| {
            let words = words(name);
            // `createClient()` only makes what is asked.
            let makes = words.last().is_some_and(|last| last == "client");
            let changing = &self.check.doubt.changing_words;
            !makes && words.first().is_some_and(|first| changing.contains(first))
        })
    }

    /// It looks up little, and nothing in it is called as if it changed something.
    pub(in crate::checks) fn finds_little(&self, route: &RouteFacts) -> bool {
        has_mark(route, LOOKS_UP_LITTLE) && !self.changes(&Code::of(self.subject, route))
    }

    /// `POST /api/users`
    pub(super) fn makes_accounts(&self, route: &RouteFacts) -> bool {
        let url = route.route.url.as_deref().unwrap_or("");
        let last = url.rsplit('/').next().unwrap_or("");
        let segments = &self.check.doubt.account_segments;
        route.route.http_method() == "POST" && segments.iter().any(|each| each == last)
    }

    /// It touches nothing of anybody's: what it does costs its owner something, and few handlers of the application ask who calls.
    pub(super) fn only_spends(&self, route: &RouteFacts) -> bool {
        has_mark(route, ONLY_SPENDS) && !self.most_ask()
    }

    /// Two of three handlers that are not plainly for anybody turn strangers away.
    pub(super) fn most_ask(&self) -> bool {
        *self.most_ask.get_or_init(|| {
            let others = self.subject.app.endpoints();
            let others = others.filter(|each| each.works && each.public_guess.is_none());
            let (all, asking) = others.fold((0usize, 0usize), |(all, asking), each| {
                (all + 1, asking + usize::from(is_asked(each)))
            });
            asking * 3 >= all * 2
        })
    }

    /// The caller's identity, which may be missing, is a condition of a lookup by which the handler decides, and the database's
    /// client leaves out conditions on what is missing: who is nobody finds everything.
    pub(super) fn lets_nobody_pass(&self, route: &RouteFacts) -> bool {
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

    /// Some middleware looks at who is calling.
    pub(super) fn is_behind_middleware(&self) -> bool {
        self.subject.app.routes.iter().any(|route| {
            let auth = route.controls.get(&Control::Auth);
            auth.is_some_and(|auth| {
                let mut steps = auth.evidence.iter();
                asks(route) && steps.any(|step| step.role == Role::Middleware)
            })
        })
    }

    /// Nearly all that lies beside it asks who calls.
    pub(super) fn is_alone(&self, route: &RouteFacts) -> bool {
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
}

/// A part of something that may be missing is among the values: `{ owner: session?.user.id }`.
pub(super) fn holds_optional(record: &ModuleRecord, value: ExprId) -> bool {
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

/// Why it does not matter who calls a handler that touches nothing of anybody's and spends nothing.
pub(super) fn harms_nobody(route: &RouteFacts) -> Option<&'static str> {
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

pub(super) fn is_limited(route: &RouteFacts) -> bool {
    let limit = route.controls.get(&Control::RateLimit);
    limit.is_some_and(|limit| matches!(limit.status, Status::Enforced | Status::Conditional))
}

/// The beginning of its address.
pub(super) fn neighbourhood(route: &RouteFacts) -> Option<String> {
    let url = route.route.url.as_deref()?;
    let segments: Vec<&str> = url.split('/').filter(|each| !each.is_empty()).collect();
    (segments.len() > NEIGHBOURHOOD).then(|| segments[..NEIGHBOURHOOD].join("/"))
}

/// Other sites may read what it answers.
pub(super) fn is_for_other_sites(route: &RouteFacts) -> bool {
    route.marks.iter().any(|(mark, evidence)| {
        mark == "sets-header:access-control-allow-origin" && evidence.note.trim() == "*"
    })
}

pub(super) fn anybody(why: &str) -> String {
    format!("is it meant for anybody, as {why}")
}
