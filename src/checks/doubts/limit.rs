//! What speaks for a handler that no limiter stands in front of.

use crate::controls::{
    LOOKS_UP_LITTLE, ONLY_ASKS_PROVIDER, ONLY_READS_FILES, ONLY_SIGNS, Status, Verdict,
};
use crate::model::RouteFacts;
use crate::syntax::{Expr, Key, Property};

use crate::checks::callers::{auth, is_for_strangers};
use crate::checks::dependency::is_of;
use crate::checks::handler_code::{Code, told_enough};
use crate::checks::paid_keys::callers_pay;
use crate::checks::published::{CREDENTIALS, GUESSABLE, in_closed_folder, is_sent, is_unused};
use crate::checks::used_up::uses_up;
use crate::checks::words::{Form, fits, form, words};

use super::{
    ASKS_AS_ANYBODY, Doubts, SERVER_ONLY, UNUSED, called, has_mark, is_same_place, reads, shown,
};

impl<'a> Doubts<'a> {
    /// The question about a handler that no limiter stands in front of; `weak` where one does on some paths.
    pub(super) fn of_limit(
        &self,
        route: &RouteFacts,
        verdict: &Verdict,
        weak: bool,
    ) -> Option<String> {
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
    pub(super) fn signs_in_by_itself(&self) -> bool {
        let libraries = &self.check.doubt.sign_in_libraries;
        let mut used = self.subject.specifiers().iter();
        used.any(|each| libraries.iter().any(|library| is_of(library, each)))
    }

    /// It turns away who has had enough, by a count that was not recognised as a limiter's.
    pub(super) fn quota(&self, route: &RouteFacts, verdict: &Verdict) -> Option<String> {
        let places = self.on_its_way(route, verdict);
        let status = places.iter().find_map(told_enough)?;
        Some(format!(
            "is it enough that it turns away with {status} who has had enough"
        ))
    }

    /// So is all that costs money.
    pub(super) fn spends_as_caller(&self, route: &RouteFacts) -> bool {
        let mut costs = route.expensive.iter();
        costs.all(|(_, place)| shown(route).any(|at| is_same_place(at, place)))
    }

    /// What bounds the costs of those who have to say who they are.
    pub(super) fn bounded(&self, route: &RouteFacts, verdict: &Verdict) -> Option<String> {
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
    pub(super) fn only_looks_up(&self, route: &RouteFacts, verdict: &Verdict) -> bool {
        has_mark(route, LOOKS_UP_LITTLE) && !self.takes(route, verdict, &GUESSABLE)
    }

    /// Somebody is paid for what it does: it takes more than the server's own time.
    pub(super) fn costs_money(&self, route: &RouteFacts) -> bool {
        let costly = &self.check.doubt.costly;
        let mut kinds = route.expensive.iter();
        kinds.any(|(kind, _)| kind != "conversion" && costly.contains(kind))
    }

    /// It sends e-mail alone, to whomever what it is sent belongs to, and not to an address that it is sent.
    pub(super) fn mails_only_the_owner(&self, route: &RouteFacts) -> bool {
        let record = self.subject.model.graph.module(route.route.module);
        let around = route.route.span;
        route.expensive.iter().all(|(kind, _)| kind == "email")
            && is_sent(record, around, &CREDENTIALS)
            && !is_sent(record, around, &["email"])
    }

    /// A password that it is sent is a new one: `resetPassword`.
    pub(super) fn renews(&self, route: &RouteFacts) -> bool {
        let url = route.route.url.as_deref().unwrap_or("");
        let mut words = words(url).into_iter().chain(words(&route.route.method));
        words.any(|word| self.check.doubt.renewing_words.contains(&word))
    }

    pub(super) fn callers_pay(&self) -> bool {
        let packages = &self.check.doubt.paid_packages;
        *self
            .callers_pay
            .get_or_init(|| callers_pay(&self.subject.model.graph, packages))
    }
}

/// `record({ skipRateLimit: true })`
pub(super) fn leaves_limit_out(code: &Code<'_>) -> bool {
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
pub(super) fn signs_out(route: &RouteFacts) -> bool {
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
