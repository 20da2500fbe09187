//! Whether a handler waits for what it reaches: not for what a timer or an event calls later, and not for a promise that is let go.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, ModuleId};
use crate::model::RouteFacts;
use crate::routes::Entry;
use crate::rule::wildcard;
use crate::source::Span;
use crate::syntax::{
    Argument, Expr, ExprId, Function, MODULE_BODY, ModuleRecord, Name, StmtKind, UnaryOp,
};

use super::reach::{Mention, Mentioned, mentioned_as};
use super::{Index, Reach, Site, Unit, bound};
use crate::checks::code::{called_name, numbered, root, statements};
use crate::checks::dependency::is_of;

/// Functions that call later what they are given.
const LATER: [&str; 10] = [
    "setTimeout",
    "setInterval",
    "setImmediate",
    "queueMicrotask",
    "nextTick",
    "addEventListener",
    "waitUntil",
    // Next.js, when the answer is sent.
    "after",
    "unstable_after",
    // The workers of a queue: `new Worker("mails", send)`.
    "Worker",
];

/// Libraries whose options hold functions that only their own handlers come to: who asks them for a session does not.
const HOOKED: [&str; 5] = [
    "better-auth",
    "@better-auth/*",
    "next-auth",
    "@auth/*",
    "@convex-dev/auth",
];

/// What a module imports in which such a library is set up, and nothing else: its options may be made in any function of it.
const SET_UP: [&str; 4] = [
    "better-auth",
    "better-auth/api",
    "better-auth/plugins*",
    "@better-auth/*",
];

/// What answers are written to: who is given it may be what the caller waits for. A context is none: where there is one, the
/// answer is what the handler returns, or is sent as soon as that is done.
const ANSWERS: [&str; 3] = ["res", "response", "reply"];

/// Local functions call each other so many times at most.
const DEPTH: u8 = 4;

/// What the question is answered from, for all calls of an application.
pub(in crate::checks) struct Waits<'a> {
    graph: &'a Graph,
    index: &'a Index,
    reach: &'a Reach,
    routes: &'a [RouteFacts],
    /// What was made out of modules.
    codes: FxHashMap<ModuleId, Rc<Code<'a>>>,
}

impl<'a> Waits<'a> {
    pub(in crate::checks) fn new(
        graph: &'a Graph,
        index: &'a Index,
        reach: &'a Reach,
        routes: &'a [RouteFacts],
    ) -> Self {
        Self {
            graph,
            index,
            reach,
            routes,
            codes: FxHashMap::default(),
        }
    }

    /// Some handler waits for the call.
    pub(in crate::checks) fn waits(&mut self, site: Site, unit: Unit) -> bool {
        let mut seen: FxHashSet<(Unit, Unit)> = FxHashSet::default();
        let mut open: Vec<(Unit, Option<Vec<ExprId>>)> = Vec::new();
        let own = self.waited(site.module, vec![site.expr], true);
        if !own.is_empty() {
            open.push((unit, Some(own)));
        }
        while let Some((unit, places)) = open.pop() {
            if self.begins(unit, places.as_deref()) {
                return true;
            }
            let record = self.graph.module(unit.0);
            let part = self.index.module(self.graph, unit.0).part_span(unit.1);
            let mut tops = record.functions.iter().skip(1);
            let promises = tops.any(|function| {
                function.is_async
                    && function.parent == Some(MODULE_BODY)
                    && part.holds(function.span)
            });
            for &caller in self.reach.callers_of(unit) {
                if !seen.insert((caller, unit)) {
                    continue;
                }
                let places = match mentioned_as(self.graph, self.index, caller, unit) {
                    Mentioned::By(ways) => self.places(caller, Some(&ways)),
                    Mentioned::Inside => Vec::new(),
                    Mentioned::Otherwise => self.places(caller, None),
                };
                if places.is_empty() {
                    open.push((caller, None));
                    continue;
                }
                let waited = self.waited(caller.0, places, promises);
                if !waited.is_empty() {
                    open.push((caller, Some(waited)));
                }
            }
        }
        false
    }

    /// Where a part mentions something in one of these ways; without them, where it may mean a member of another module, or
    /// loads one.
    fn places(&self, (module, part): Unit, ways: Option<&[Mention]>) -> Vec<ExprId> {
        let record = self.graph.module(module);
        let part = self.index.module(self.graph, module).part_span(part);
        let is_place = |expr: &Expr| match (expr, ways) {
            (_, Some(ways)) => ways.iter().any(|way| way.is(record, expr)),
            (Expr::Member { object, .. }, None) => matches!(record.expr(*object), Expr::Name(_)),
            (Expr::Import(_), None) => true,
            _ => false,
        };
        numbered(record)
            .filter(|(id, expr)| part.holds(record.span(*id)) && is_place(expr))
            .map(|(id, _)| id)
            .collect()
    }

    /// Those of the places that their function waits for, and that are not called later.
    fn waited(&mut self, module: ModuleId, mut places: Vec<ExprId>, promises: bool) -> Vec<ExprId> {
        if places.is_empty() {
            return places;
        }
        let code = self.codes.entry(module);
        let code = code.or_insert_with(|| Rc::new(Code::of(self.graph.module(module))));
        let code = Rc::clone(code);
        places.retain(|place| self.is_waited(&code, module, *place, promises, DEPTH));
        places
    }

    fn is_waited(
        &self,
        code: &Code<'_>,
        module: ModuleId,
        place: ExprId,
        promises: bool,
        depth: u8,
    ) -> bool {
        let record = code.record;
        let span = record.span(place);
        let later = code.later.iter().filter(|later| later.holds(span));
        if code.hooks.iter().any(|hook| hook.holds(span)) {
            return false;
        }
        let let_go = code.let_go.get(&place).filter(|_| promises);
        if let_go
            .into_iter()
            .chain(later)
            .any(|&part| !code.keeps_a_promise(part))
        {
            return false;
        }
        let index = self.index.module(self.graph, module);
        let around = index.function_at(record, span.start);
        let function = record.function(around);
        // One that is declared in another is called by that, if it does not hand it on to be called later.
        let local = function
            .name
            .filter(|_| function.parent.is_some_and(|parent| parent != MODULE_BODY));
        let (Some(local), Some(depth)) = (local, depth.checked_sub(1)) else {
            return true;
        };
        let parent = function.parent.unwrap_or(MODULE_BODY);
        let outer = record.function(parent).span;
        let mut calls = numbered(record).filter(|(id, expr)| {
            let at = record.span(*id);
            matches!(expr, Expr::Name(name) if *name == local)
                && outer.holds(at)
                && !function.span.holds(at)
        });
        let Some((first, _)) = calls.next() else {
            return true;
        };
        std::iter::once(first)
            .chain(calls.map(|(id, _)| id))
            .any(|call| self.is_waited(code, module, call, function.is_async, depth))
    }

    /// A handler begins in the part, and what it does has to do with one of the places.
    fn begins(&self, unit: Unit, places: Option<&[ExprId]>) -> bool {
        let record = self.graph.module(unit.0);
        let index = self.index.module(self.graph, unit.0);
        self.reach.begins_in(unit).iter().any(|number| {
            let (Some(route), Some(places)) = (self.routes.get(*number), places) else {
                return true;
            };
            let spans: Vec<Span> = match &route.route.entry {
                Entry::Function(function) => vec![record.function(*function).span],
                Entry::Chain(layers) => {
                    let here = layers.iter().filter(|layer| layer.module == unit.0);
                    here.map(|layer| record.span(layer.expr)).collect()
                }
                Entry::Export(_) | Entry::Procedure(_) => return true,
            };
            // What one function starts up is not what each of the handlers in it does.
            let nested = spans.iter().all(|span| {
                let around = index.function_at(record, span.start);
                let own = record.function(around).span == *span;
                let around = if own {
                    record.function(around).parent.unwrap_or(MODULE_BODY)
                } else {
                    around
                };
                around != MODULE_BODY
            });
            spans.is_empty() || !nested || self.has_to_do_with(unit, spans, places)
        })
    }

    /// One of the places is in the code, or in what its variables hold.
    fn has_to_do_with(&self, unit: Unit, mut spans: Vec<Span>, places: &[ExprId]) -> bool {
        let record = self.graph.module(unit.0);
        let index = self.index.module(self.graph, unit.0);
        let mut names: FxHashSet<Name> = FxHashSet::default();
        let mut at = 0;
        while let Some(span) = spans.get(at).copied() {
            at += 1;
            if places.iter().any(|place| span.holds(record.span(*place))) {
                return true;
            }
            for (id, expr) in numbered(record) {
                let Expr::Name(name) = expr else { continue };
                if !span.holds(record.span(id)) || !names.insert(*name) {
                    continue;
                }
                spans.extend(index.values(*name).iter().map(|value| record.span(*value)));
                let declared = index.function(*name);
                spans.extend(declared.map(|function| record.function(function).span));
            }
        }
        false
    }
}

struct Code<'r> {
    record: &'r ModuleRecord,
    /// What is called later.
    later: Vec<Span>,
    /// What makes promises, with the names by which they are kept: `new Promise((resolve) => …)`.
    promised: Vec<(Span, Vec<Name>)>,
    /// Calls, and the names of what they call, whose promises nobody looks at, with their statements.
    let_go: FxHashMap<ExprId, Span>,
    /// Functions in the options of a library that calls them back.
    hooks: Vec<Span>,
}

impl<'r> Code<'r> {
    fn of(record: &'r ModuleRecord) -> Self {
        let let_go = let_go(record);
        let mut later = given_to(record, &LATER);
        // `(async () => { … })();` runs by itself; what stands at the top of a module starts the program.
        later.extend(let_go.keys().filter_map(|expr| {
            let Expr::Function(function) = record.expr(*expr) else {
                return None;
            };
            let function = record.function(*function);
            let starts = function.parent == Some(MODULE_BODY);
            (function.is_async && !starts).then_some(function.span)
        }));
        Self {
            record,
            later,
            promised: promised(record),
            let_go,
            hooks: hooks(record),
        }
    }

    /// The part keeps a promise that it is written into, which is waited for with it.
    fn keeps_a_promise(&self, part: Span) -> bool {
        let mut around = self
            .promised
            .iter()
            .filter(|(promise, _)| promise.holds(part));
        around.any(|(_, kept_by)| {
            numbered(self.record).any(|(id, expr)| {
                matches!(expr, Expr::Name(name) if kept_by.contains(name))
                    && part.holds(self.record.span(id))
            })
        })
    }
}

/// `betterAuth({ databaseHooks: { … after: async () => { … } … } })`, or options that stand at the top of the module.
fn hooks(record: &ModuleRecord) -> Vec<Span> {
    let imports = record.imports.iter();
    let library = imports.filter(|import| {
        let mut forms = HOOKED.iter();
        forms.any(|form| is_of(form, &import.specifier))
    });
    let library: Vec<Name> = library.map(|import| import.local).collect();
    if library.is_empty() {
        return Vec::new();
    }
    let all = || record.exprs.iter().zip(&record.spans);
    let own = all().filter_map(|(expr, span)| match expr {
        Expr::Call { callee, .. } | Expr::New { callee, .. } => {
            root(record, *callee).filter(|name| library.contains(name))?;
            Some(*span)
        }
        _ => None,
    });
    let own: Vec<Span> = own.collect();
    let functions = || record.functions.iter().skip(1).map(|each| each.span);
    let mut requests = record.requests.iter();
    let is_set_up = requests.any(|each| SET_UP.iter().any(|form| wildcard(form, &each.specifier)));
    let options = all().filter(|(expr, span)| {
        matches!(expr, Expr::Object(_))
            && (is_set_up
                || own.iter().any(|call| call.holds(**span))
                || !functions().any(|function| function.holds(**span)))
    });
    let options: Vec<Span> = options.map(|(_, span)| *span).collect();
    functions()
        .filter(|span| options.iter().any(|object| object.holds(*span)))
        .collect()
}

fn promised(record: &ModuleRecord) -> Vec<(Span, Vec<Name>)> {
    let makers = given_to(record, &["Promise"]);
    let functions = makers.into_iter().filter_map(|span| {
        let mut functions = record.functions.iter();
        functions.find(|function| function.span == span)
    });
    let promise = |function: &Function| {
        let mut names = Vec::new();
        for param in &function.params {
            bound(param, &mut names);
        }
        (function.span, names)
    };
    functions.map(promise).collect()
}

/// The arguments of what is called like one of these.
fn given_to(record: &ModuleRecord, names: &[&str]) -> Vec<Span> {
    if !names.iter().any(|name| record.find_name(name).is_some()) {
        return Vec::new();
    }
    let calls = numbered(record).filter_map(|(_, expr)| match expr {
        Expr::Call { callee, args, .. } | Expr::New { callee, args } => {
            let called = called_name(record, *callee);
            called.filter(|name| names.contains(name)).map(|_| args)
        }
        _ => None,
    });
    calls
        .flatten()
        .map(|argument| record.span(argument.value))
        .collect()
}

/// `send();`, `void send();`, `send().catch(log);`: the call, and the name.
fn let_go(record: &ModuleRecord) -> FxHashMap<ExprId, Span> {
    let mut found = FxHashMap::default();
    let answers = numbered(record).filter_map(|(id, expr)| match expr {
        Expr::Name(name) if ANSWERS.contains(&record.name(*name)) => Some(record.span(id)),
        _ => None,
    });
    let answers: Vec<Span> = answers.collect();
    for function in &record.functions {
        for statement in statements(&function.body) {
            let StmtKind::Expr(mut expr) = statement.kind else {
                continue;
            };
            while let Expr::Unary {
                op: UnaryOp::Void,
                operand,
            } = record.expr(expr)
            {
                expr = *operand;
            }
            let answers = |argument: &Argument| {
                let given = record.span(argument.value);
                answers.iter().any(|answer| given.holds(*answer))
            };
            while let Expr::Call { callee, args, .. } = record.expr(expr) {
                if args.iter().any(answers) {
                    break;
                }
                found.insert(expr, statement.span);
                found.insert(*callee, statement.span);
                match record.expr(*callee) {
                    Expr::Member {
                        object, property, ..
                    } if matches!(record.name(*property), "catch" | "finally") => {
                        expr = *object;
                    }
                    _ => break,
                }
            }
        }
    }
    found
}
