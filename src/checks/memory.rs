//! `[check.memory]`: what server code keeps between requests.

use std::cell::OnceCell;

use rustc_hash::FxHashSet;

use crate::controls::Status;
use crate::finding::{Finding, Related};
use crate::graph::ModuleId;
use crate::model::{Count, Part};
use crate::routes::RouteKind;
use crate::rule::{CodeScope, Confidence, Control, Memory, MemoryQuestion, wildcard};
use crate::source::Span;
use crate::syntax::{
    AssignOp, Block, ExportTarget, Expr, ExprId, MODULE_BODY, Meant, ModuleRecord, Name, Pattern,
    StmtKind, UnaryOp,
};

use super::CheckResult;
use super::call_sites::{Holds, Value, find, holds};
use super::code::{blocks, is_meant, leaves, numbered, place, statements};
use super::index::{ModuleIndex, Site};
use super::subject::{Subject, weight};
use super::taint::from_caller;

/// Names of stores that several processes share.
const SHARED_STORES: [&str; 4] = ["redis", "Redis", "Ratelimit", "upstash"];

/// A comment about a limiter stands within so many lines above it.
const ABOVE: u32 = 3;

pub(super) fn run(subject: &Subject<'_>, check: &Memory) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    let shared = OnceCell::new();
    // Whether or not somebody takes out what was put in.
    let mut unlimited = 0;
    for &module in subject.handler_modules() {
        let record = graph.module(module);
        if record.use_client {
            continue;
        }
        let index = subject.index().module(graph, module);
        for store in stores(record) {
            let uses = Uses::of(record, index, store.name);
            let grown = uses.grows.iter().find(|expr| {
                let part = index.part_at(record.span(**expr).start);
                subject.reach().has((module, part))
            });
            let Some(grown) = grown.copied() else {
                continue;
            };
            let about = match check.asks {
                MemoryQuestion::Unbounded => {
                    !uses.named(record, index, store.name, &check.except_names)
                }
                MemoryQuestion::Limiter => {
                    uses.named(record, index, store.name, &check.names)
                        && !uses.named(record, index, store.name, &check.except_names)
                }
            };
            if !about {
                continue;
            }
            let bounded = uses.shrinks || uses.escapes;
            if check.asks == MemoryQuestion::Unbounded && bounded {
                if uses.shrinks {
                    result.covered(1.0);
                }
                continue;
            }
            if check.asks == MemoryQuestion::Unbounded && !uses.deletes.is_empty() {
                // Somebody takes out what somebody put in, by its key: whether always, nobody can tell.
                if uses.evicts(record, index, store.name) {
                    result.covered(1.0);
                } else {
                    unlimited += 1;
                    result.unknown_in(&record.path);
                }
                continue;
            }
            unlimited += 1;
            let part = index.part_at(record.span(grown).start);
            if check.asks == MemoryQuestion::Limiter {
                let shared: &FxHashSet<usize> = shared.get_or_init(|| sharing(subject, check));
                let handlers = subject.reach().handlers((module, part));
                if !handlers.is_empty() && handlers.iter().all(|each| shared.contains(each)) {
                    result.covered(1.0);
                    continue;
                }
            }
            let mut related = subject.reached_by(Site {
                module,
                expr: grown,
            });
            related.insert(
                0,
                Related {
                    location: place(record, grown),
                    note: String::from("added to here"),
                },
            );
            let says = check.says.replace("{}", record.name(store.name));
            let finding = subject
                .finding(place(record, store.value), says)
                .with_related(related);
            // Keys that callers choose have no end; of others it cannot be told.
            let chosen = check.asks == MemoryQuestion::Limiter || {
                let key = match record.expr(grown) {
                    Expr::Call { args, .. } => args.first().map(|key| key.value),
                    Expr::Assign { target, .. } => match &**target {
                        Pattern::Member(member) => match record.expr(*member) {
                            Expr::Index { index, .. } => Some(*index),
                            _ => None,
                        },
                        _ => None,
                    },
                    _ => None,
                };
                key.is_some_and(|expr| from_caller(subject, Value { module, expr }) == Holds::Yes)
            };
            let finding = if chosen {
                finding
            } else {
                finding.at_most(Confidence::Low)
            };
            let finding = match check.asks {
                MemoryQuestion::Limiter => {
                    as_meant(subject, check, record, record.span(store.value), finding)
                }
                MemoryQuestion::Unbounded => finding,
            };
            result.gap(1.0, finding);
        }
    }
    if check.asks == MemoryQuestion::Unbounded {
        result.counted = Some(Count {
            part: Part::Slips,
            name: String::from("maps without a limit"),
            value: unlimited,
        });
    }
    if check.asks == MemoryQuestion::Limiter {
        limiters(subject, check, &mut result);
        if result.findings.is_empty() {
            for route in &subject.app.routes {
                let verdict = route.controls.get(&Control::RateLimit);
                if verdict.is_some_and(|verdict| verdict.status == Status::Enforced) {
                    result.covered(weight(route));
                }
            }
        }
    }
    result
}

/// The handlers that ask a limiter whose store is shared.
fn sharing(subject: &Subject<'_>, check: &Memory) -> FxHashSet<usize> {
    let calls = find(subject, CodeScope::Handlers, &check.shared, &[]);
    let reach = subject.reach();
    calls
        .into_iter()
        .flat_map(|call| reach.handlers(call.unit))
        .collect()
}

/// Limiters of packages that count in the memory of the process. Those of one module were made by one decision.
fn limiters(subject: &Subject<'_>, check: &Memory, result: &mut CheckResult) {
    let graph = &subject.model.graph;
    let mut last: Option<ModuleId> = None;
    let calls = find(subject, CodeScope::All, &check.limiters, &[]);
    let has_store = |call| {
        let holds = |condition| holds(subject, call, condition);
        Holds::any(check.unless.iter().map(holds))
    };
    let calls: Vec<_> = calls.iter().map(|call| (call, has_store(call))).collect();
    for &(call, has_store) in &calls {
        match has_store {
            Holds::Yes => result.covered(1.0),
            Holds::Unknown => result.unknown_in(&graph.module(call.site.module).path),
            Holds::No => {
                let record = graph.module(call.site.module);
                let span = record.span(call.site.expr);
                let told = result.findings.last_mut();
                if let Some(told) = told.filter(|_| last == Some(call.site.module)) {
                    told.related.push(Related {
                        location: record.location(span),
                        note: String::from("so is this one"),
                    });
                    result.silent_gap(1.0);
                    continue;
                }
                last = Some(call.site.module);
                let finding = subject.finding_in(record, span, check.package_says.clone());
                let others = calls.iter().filter(|(other, has_store)| {
                    *has_store == Holds::Yes && other.site.module == call.site.module
                });
                let others: Vec<Span> = others
                    .map(|(other, _)| record.span(other.site.expr))
                    .collect();
                let finding = if !others.is_empty() && stands_in(record, span, &others) {
                    let mut finding = finding.at_most(Confidence::Low);
                    finding
                        .message
                        .push_str(": is that enough where the condition does not choose the one with a store?");
                    finding
                } else {
                    as_meant(subject, check, record, span, finding)
                };
                result.gap(1.0, finding);
            }
        }
    }
}

/// A server of its own answers all requests, and nothing shows that it is started anew for some, or several times.
fn runs_on(subject: &Subject<'_>, check: &Memory) -> bool {
    let mut routes = subject.app.routes.iter();
    routes.all(|facts| matches!(facts.route.kind, RouteKind::Express | RouteKind::Hono))
        && !subject.uses_one_of(&check.started_anew)
}

/// A condition chooses between what stands here and one of the others: `if (shared) limit({ store }) else limit({})`.
fn stands_in(record: &ModuleRecord, here: Span, others: &[Span]) -> bool {
    let holds = |block: &Block, span: Span| block.iter().any(|each| each.span.holds(span));
    let other = |block: &Block| others.iter().any(|other| holds(block, *other));
    let mut functions = record.functions.iter();
    let by_statement = functions.any(|function| {
        blocks(&function.body).any(|block| {
            block.iter().enumerate().any(|(at, each)| match &each.kind {
                StmtKind::If {
                    then, otherwise, ..
                } => {
                    let behind = block.get(at + 1..).unwrap_or_default();
                    holds(then, here) && other(otherwise)
                        || other(then)
                            && (holds(otherwise, here)
                                || leaves(then) && behind.iter().any(|each| each.span.holds(here)))
                }
                _ => false,
            })
        })
    });
    by_statement
        || record.exprs.iter().any(|expr| match expr {
            Expr::Conditional {
                then, otherwise, ..
            } => {
                let sides = [record.span(*then), record.span(*otherwise)];
                let any = |side: Span| others.iter().any(|other| side.holds(*other));
                sides[0].holds(here) && any(sides[1]) || sides[1].holds(here) && any(sides[0])
            }
            _ => false,
        })
}

/// As a question where a comment above says that each process counts for itself, where the module can count in a shared store as
/// well, and where one process may be all that there is.
fn as_meant(
    subject: &Subject<'_>,
    check: &Memory,
    record: &ModuleRecord,
    span: Span,
    mut finding: Finding,
) -> Finding {
    let mut stores = SHARED_STORES.iter();
    let question = if is_meant(record, record.line(span), Meant::Alone, (ABOVE, 0)) {
        "as a comment says that it is meant"
    } else if stores.any(|name| record.find_name(name).is_some()) {
        "as the same module can count in a store that all share"
    } else if runs_on(subject, check) {
        "as one server that keeps running may count for all"
    } else {
        return finding;
    };
    finding
        .message
        .push_str(&format!(": is that enough, {question}?"));
    finding.at_most(Confidence::Low)
}

/// A container at the top of a module.
struct Store {
    name: Name,
    value: ExprId,
}

/// `const seen = new Map()`, `const list = []`, `const table = {}` at the top.
fn stores(record: &ModuleRecord) -> Vec<Store> {
    let Some(body) = record.functions.get(MODULE_BODY.0 as usize) else {
        return Vec::new();
    };
    let lets = body
        .body
        .iter()
        .filter_map(|statement| match &statement.kind {
            StmtKind::Let {
                pattern: Pattern::Name(name),
                init: Some(init),
            } => Some(Store {
                name: *name,
                value: *init,
            }),
            _ => None,
        });
    lets.filter(|store| match record.expr(store.value) {
        Expr::New { callee, args } => {
            args.is_empty()
                && matches!(record.expr(*callee), Expr::Name(class) if matches!(record.name(*class), "Map" | "Set"))
        }
        Expr::Array(items) => items.is_empty(),
        Expr::Object(properties) => properties.is_empty(),
        _ => false,
    })
    .collect()
}

/// The container is named in an expression: `map`, `map.entries()`, `[...map]`.
fn mentions(record: &ModuleRecord, expr: ExprId, store: Name) -> bool {
    let mut open = vec![expr];
    while let Some(id) = open.pop() {
        if matches!(record.expr(id), Expr::Name(name) if *name == store) {
            return true;
        }
        record
            .expr(id)
            .for_each_child(&mut |child| open.push(child));
    }
    false
}

/// How a module uses one of its containers.
#[derive(Default)]
struct Uses {
    grows: Vec<ExprId>,
    /// Entries are taken out by their keys, or all at once.
    deletes: Vec<ExprId>,
    /// It is kept small.
    shrinks: bool,
    /// It is handed on, so that others may take things out of it.
    escapes: bool,
}

impl Uses {
    fn of(record: &ModuleRecord, index: &ModuleIndex, name: Name) -> Self {
        let mut uses = Self::default();
        let exported = record
            .exports
            .iter()
            .any(|export| matches!(export.target, ExportTarget::Local(local) if local == name));
        uses.escapes = exported;
        let is_it = |expr: ExprId| matches!(record.expr(expr), Expr::Name(other) if *other == name);
        let inside =
            |expr: ExprId| index.function_at(record, record.span(expr).start) != MODULE_BODY;
        let mut read: FxHashSet<ExprId> = FxHashSet::default();
        for (id, expr) in numbered(record) {
            match expr {
                Expr::Call { callee, args, .. } => {
                    let Expr::Member {
                        object, property, ..
                    } = record.expr(*callee)
                    else {
                        continue;
                    };
                    if !is_it(*object) {
                        continue;
                    }
                    let fixed = args.first().is_some_and(|key| {
                        matches!(record.expr(key.value), Expr::String(_) | Expr::Number(_))
                    });
                    match record.name(*property) {
                        "set" | "add" if inside(id) && !fixed => uses.grows.push(id),
                        "push" | "unshift" if inside(id) => uses.grows.push(id),
                        "delete" | "clear" => uses.deletes.push(id),
                        "shift" | "pop" | "splice" => uses.shrinks = true,
                        _ => {}
                    }
                }
                Expr::Member {
                    object, property, ..
                } if is_it(*object) => {
                    read.insert(*object);
                    // Whoever asks how large it is keeps it small.
                    if matches!(record.name(*property), "size" | "length") {
                        uses.shrinks = true;
                    }
                }
                Expr::Index { object, .. } if is_it(*object) => {
                    read.insert(*object);
                }
                Expr::Unary {
                    op: UnaryOp::Other,
                    operand,
                } => {
                    if let Expr::Index { object, .. } | Expr::Member { object, .. } =
                        record.expr(*operand)
                        && is_it(*object)
                    {
                        uses.deletes.push(id);
                    }
                }
                Expr::Assign { target, op, .. } => match &**target {
                    Pattern::Name(other) if *other == name => uses.shrinks = true,
                    Pattern::Member(member) => {
                        if let Expr::Index {
                            object, index: at, ..
                        } = record.expr(*member)
                            && is_it(*object)
                            && inside(id)
                            && matches!(op, AssignOp::Set | AssignOp::Logical(_))
                            && !matches!(record.expr(*at), Expr::String(_) | Expr::Number(_))
                        {
                            uses.grows.push(id);
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        uses.escapes |= numbered(record).any(|(id, expr)| {
            matches!(expr, Expr::Name(other) if *other == name) && !read.contains(&id)
        });
        uses
    }

    /// What is taken out bounds it: other entries where one is added, all that fit in a loop, or each by a timer.
    fn evicts(&self, record: &ModuleRecord, index: &ModuleIndex, store: Name) -> bool {
        let key = |expr: ExprId| match record.expr(expr) {
            Expr::Call { args, .. } => match args.first().map(|key| record.expr(key.value)) {
                Some(Expr::Name(name)) => Some(*name),
                _ => None,
            },
            _ => None,
        };
        let within = |outer: Span, expr: ExprId| {
            let inner = record.span(expr);
            outer.start <= inner.start && inner.end <= outer.end
        };
        let beside = |removed: ExprId| {
            let around = index.function_at(record, record.span(removed).start);
            self.grows.iter().any(|grown| {
                let same = index.function_at(record, record.span(*grown).start) == around;
                same && (key(*grown).is_none() || key(*grown) != key(removed))
            })
        };
        let timers = || {
            numbered(record).filter_map(|(id, expr)| match expr {
                Expr::Call { callee, .. } => match record.expr(*callee) {
                    Expr::Name(name) => {
                        let name = record.name(*name);
                        matches!(name, "setTimeout" | "setInterval").then(|| record.span(id))
                    }
                    Expr::Member {
                        object, property, ..
                    } => (record.name(*property) == "forEach" && mentions(record, *object, store))
                        .then(|| record.span(id)),
                    _ => None,
                },
                _ => None,
            })
        };
        let mut loops: Vec<Span> = Vec::new();
        for function in &record.functions {
            for statement in statements(&function.body) {
                if let StmtKind::Loop(_) = &statement.kind {
                    loops.push(statement.span);
                }
            }
        }
        self.deletes.iter().any(|removed| {
            beside(*removed)
                || loops.iter().any(|each| within(*each, *removed))
                || timers().any(|each| within(each, *removed))
        })
    }

    /// The container, the function that adds to it, or the file is called like this.
    fn named(
        &self,
        record: &ModuleRecord,
        index: &ModuleIndex,
        store: Name,
        forms: &[String],
    ) -> bool {
        let fits = |text: &str| {
            let text = text.to_ascii_lowercase();
            forms.iter().any(|form| wildcard(form, &text))
        };
        if fits(record.name(store)) || fits(record.path.stem()) {
            return true;
        }
        self.grows.iter().any(|expr| {
            let mut function = Some(index.function_at(record, record.span(*expr).start));
            while let Some(around) = function {
                let written = record.function(around);
                if written.name.is_some_and(|name| fits(record.name(name))) {
                    return true;
                }
                function = written.parent;
            }
            false
        })
    }
}
