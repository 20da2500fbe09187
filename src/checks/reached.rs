//! Which handlers come to a place in code. Where several of them stand in one part of a module, as the procedures of a router do,
//! it is the one around the place, or around what leads to it.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use crate::model::RouteFacts;
use crate::source::Span;

use super::code::numbered;
use super::handler_code::{Code, text_of};
use super::index::{Mentioned, Site, Unit, mentioned_as};
use super::subject::Subject;

/// So many handlers, by their index, as come to the place in the fewest steps.
pub(super) fn nearest(subject: &Subject<'_>, site: Site, most: usize) -> Vec<usize> {
    let reach = subject.reach();
    let here = subject.model.graph.module(site.module).span(site.expr);
    let mut seen: FxHashSet<Unit> = FxHashSet::default();
    let mut found: Vec<usize> = Vec::new();
    // Handlers beside what leads to the place, of which none is around it.
    let mut beside: Vec<usize> = Vec::new();
    let mut open = VecDeque::from([(subject.unit(site), vec![here])]);
    while found.len() < most
        && let Some((unit, at)) = open.pop_front()
    {
        let begins = reach.begins_in(unit);
        let around = begins.iter().copied().filter(|number| {
            let route = subject.app.routes.get(*number);
            route.is_some_and(|route| {
                stands_around(subject, route, unit, &at)
                    || route.route.module != unit.0 && reach.answers_with(*number, unit)
            })
        });
        let mut around: Vec<usize> = around.collect();
        if around.is_empty() && (begins.len() == 1 || at.is_empty()) {
            around.extend(begins);
        }
        // Whoever mentions a handler only says where it is served.
        if !around.is_empty() {
            around.retain(|number| !found.contains(number));
            found.extend(around);
            continue;
        }
        beside.extend(begins);
        if !seen.insert(unit) {
            continue;
        }
        for caller in reach.callers_of(unit) {
            let shared = reach.begins_in(*caller).len() > 1;
            if shared || !seen.contains(caller) {
                let at = if shared {
                    mentions(subject, *caller, unit)
                } else {
                    Vec::new()
                };
                open.push_back((*caller, at));
            }
        }
    }
    if found.is_empty() {
        found = beside;
    }
    found.truncate(most);
    found
}

/// The handler is written around one of the places.
fn stands_around(subject: &Subject<'_>, route: &RouteFacts, unit: Unit, at: &[Span]) -> bool {
    let (record, around) = text_of(subject, route);
    let mut inside = at.iter().filter(|span| around.holds(**span)).peekable();
    inside.peek().is_some() && std::ptr::eq(record, subject.model.graph.module(unit.0)) && {
        let code = Code::within(record, around, route.route.http_method());
        inside.any(|span| code.holds(*span))
    }
}

/// Where `from` mentions `to`.
fn mentions(subject: &Subject<'_>, from: Unit, to: Unit) -> Vec<Span> {
    let graph = &subject.model.graph;
    let Mentioned::By(ways) = mentioned_as(graph, subject.index(), from, to) else {
        return Vec::new();
    };
    let record = graph.module(from.0);
    let part = subject.index().module(graph, from.0).part_span(from.1);
    let named = numbered(record).filter(|(id, expr)| {
        ways.iter().any(|way| way.is(record, expr)) && part.holds(record.span(*id))
    });
    named.map(|(id, _)| record.span(id)).collect()
}
