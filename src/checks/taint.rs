//! Whether a value comes from the caller, as far as it can be read.

use crate::graph::ModuleId;
use crate::syntax::{Argument, BinaryOp, Expr, ExprId, FunctionId, ModuleRecord, Name};

use super::call_sites::{Holds, Value, resolve};
use super::code::called_name;
use super::index::bound;
use super::subject::Subject;

/// A value followed through more steps than this is given up.
const DEPTH: u8 = 10;
/// So many callers of a function are asked.
const CALLERS: usize = 12;

/// What requests are called.
const REQUESTS: [&str; 8] = [
    "req", "request", "_req", "_request", "c", "ctx", "event", "context",
];
/// What a request's input stands in.
const INPUTS: [&str; 6] = ["body", "query", "params", "searchParams", "nextUrl", "url"];
/// Methods that read a request's input.
const READERS: [&str; 9] = [
    "json",
    "formData",
    "text",
    "param",
    "query",
    "queries",
    "parseBody",
    "get",
    "getAll",
];

/// Where a value comes from.
pub(super) fn from_caller(subject: &Subject<'_>, value: Value) -> Holds {
    Follow { subject }.value(value, DEPTH)
}

struct Follow<'a> {
    subject: &'a Subject<'a>,
}

impl Follow<'_> {
    fn value(&self, value: Value, depth: u8) -> Holds {
        let Some(depth) = depth.checked_sub(1) else {
            return Holds::Unknown;
        };
        let record = self.subject.model.graph.module(value.module);
        let here = |expr: ExprId| Value {
            module: value.module,
            expr,
        };
        match record.expr(value.expr) {
            Expr::Undefined
            | Expr::Null
            | Expr::Bool(_)
            | Expr::Number(_)
            | Expr::String(_)
            | Expr::Regex(_)
            | Expr::Function(_)
            | Expr::Class(_) => Holds::No,
            Expr::Template { parts, .. } => {
                Holds::any(parts.iter().map(|part| self.value(here(*part), depth)))
            }
            Expr::Binary {
                op: BinaryOp::Add,
                left,
                right,
            } => Holds::any(
                [*left, *right]
                    .into_iter()
                    .map(|side| self.value(here(side), depth)),
            ),
            Expr::Binary { .. } => Holds::No,
            Expr::Unary { .. } => Holds::No,
            Expr::Await(inner) => self.value(here(*inner), depth),
            Expr::Logical { left, right, .. } => Holds::any(
                [*left, *right]
                    .into_iter()
                    .map(|side| self.value(here(side), depth)),
            ),
            // A choice between constants is none of the caller's, whatever it depends on.
            Expr::Conditional {
                then, otherwise, ..
            } => Holds::any(
                [*then, *otherwise]
                    .into_iter()
                    .map(|side| self.value(here(side), depth)),
            ),
            Expr::Array(items) => {
                Holds::any(items.iter().map(|item| self.value(here(item.value), depth)))
            }
            Expr::Member {
                object, property, ..
            } => {
                let property = record.name(*property);
                if let Expr::Name(root) = record.expr(*object)
                    && REQUESTS.contains(&record.name(*root))
                {
                    let input = INPUTS.contains(&property);
                    return if input { Holds::Yes } else { Holds::Unknown };
                }
                if matches!(property, "length" | "size") {
                    return Holds::No;
                }
                self.value(here(*object), depth)
            }
            Expr::Index { object, .. } => self.value(here(*object), depth),
            Expr::Call { callee, args, .. } => {
                self.call(value.module, record, *callee, args, depth)
            }
            Expr::New { callee, args } => match called_name(record, *callee) {
                Some("URL" | "URLSearchParams") => Holds::any(
                    args.iter()
                        .map(|argument| self.value(here(argument.value), depth)),
                ),
                Some("Date") => Holds::No,
                _ => Holds::Unknown,
            },
            Expr::Name(name) => self.name(value, record, *name, depth),
            _ => Holds::Unknown,
        }
    }

    fn call(
        &self,
        module: ModuleId,
        record: &ModuleRecord,
        callee: ExprId,
        args: &[Argument],
        depth: u8,
    ) -> Holds {
        let value = |expr: ExprId| self.value(Value { module, expr }, depth);
        let any = || Holds::any(args.iter().map(|argument| value(argument.value)));
        match record.expr(callee) {
            Expr::Name(name) => match record.name(*name) {
                "String" | "decodeURIComponent" | "decodeURI" => any(),
                "Number" | "parseInt" | "parseFloat" | "Boolean" | "BigInt"
                | "encodeURIComponent" => Holds::No,
                _ => Holds::Unknown,
            },
            Expr::Member {
                object, property, ..
            } => {
                let method = record.name(*property);
                let on_request = matches!(record.expr(*object), Expr::Name(root) if REQUESTS.contains(&record.name(*root)))
                    || matches!(record.expr(*object), Expr::Member { object, property, .. }
                        if record.name(*property) == "req" && matches!(record.expr(*object), Expr::Name(_)));
                if on_request && READERS.contains(&method) {
                    return Holds::Yes;
                }
                match method {
                    "join" | "resolve" | "normalize" if is_path(record, *object) => any(),
                    "cwd" | "basename" | "extname" | "toISOString" | "toFixed" | "randomUUID"
                    | "now" | "digest" | "test" | "includes" | "indexOf" => Holds::No,
                    // A name that was cleaned by an expression is taken for clean.
                    "replace" | "replaceAll" | "match" => Holds::Unknown,
                    "trim" | "toLowerCase" | "toUpperCase" | "slice" | "substring" | "split"
                    | "toString" | "concat" | "get" | "getAll" | "at" | "pop" | "shift"
                    | "filter" | "join" => value(*object),
                    _ => Holds::Unknown,
                }
            }
            _ => Holds::Unknown,
        }
    }

    fn name(&self, value: Value, record: &ModuleRecord, name: Name, depth: u8) -> Holds {
        if matches!(record.name(name), "__dirname" | "__filename") {
            return Holds::No;
        }
        let graph = &self.subject.model.graph;
        let index = self.subject.index().module(graph, value.module);
        let at = record.span(value.expr).start;
        if graph.binding(value.module, name).is_some() {
            return match resolve(self.subject, value) {
                Some(found) => self.value(found, depth),
                None => Holds::Unknown,
            };
        }
        // A parameter of a function around it.
        let mut function = Some(index.function_at(record, at));
        while let Some(around) = function {
            let written = record.function(around);
            let position = written.params.iter().position(|pattern| {
                let mut names = Vec::new();
                bound(pattern, &mut names);
                names.contains(&name)
            });
            if let Some(position) = position {
                return self.parameter(value.module, record, around, position, name, depth);
            }
            let own = index.values(name).iter().any(|known| {
                let start = record.span(*known).start;
                index.function_at(record, start) == around
            });
            if own || index.taken_apart(record, name, around).is_some() {
                break;
            }
            function = written.parent;
        }
        let mut found: Vec<Holds> = Vec::new();
        if let Some(around) = function
            && let Some(init) = index.taken_apart(record, name, around)
        {
            found.push(self.value(
                Value {
                    module: value.module,
                    expr: init,
                },
                depth,
            ));
        }
        // Whatever the variable is set to on any path counts.
        let values = index.values(name);
        let chosen: Vec<ExprId> = match function {
            Some(around) => values
                .iter()
                .copied()
                .filter(|known| index.function_at(record, record.span(*known).start) == around)
                .collect(),
            None => Vec::new(),
        };
        let chosen = if chosen.is_empty() {
            values.to_vec()
        } else {
            chosen
        };
        found.extend(
            chosen
                .into_iter()
                .filter(|known| *known != value.expr)
                .take(6)
                .map(|expr| {
                    self.value(
                        Value {
                            module: value.module,
                            expr,
                        },
                        depth,
                    )
                }),
        );
        if found.is_empty() {
            return Holds::Unknown;
        }
        Holds::any(found.into_iter())
    }

    /// What the callers of a function pass.
    fn parameter(
        &self,
        module: ModuleId,
        record: &ModuleRecord,
        function: FunctionId,
        position: usize,
        name: Name,
        depth: u8,
    ) -> Holds {
        let graph = &self.subject.model.graph;
        let written = record.function(function);
        let text = record.name(name);
        // `export async function GET(request, { params })`
        let handler = written
            .name
            .map(|name| record.name(name))
            .is_some_and(|name| matches!(name, "GET" | "POST" | "PUT" | "PATCH" | "DELETE"));
        if handler && matches!(text, "params" | "searchParams") {
            return Holds::Yes;
        }
        if handler || REQUESTS.contains(&text) {
            return Holds::Unknown;
        }
        let Some(called) = written.name else {
            return Holds::Unknown;
        };
        let index = self.subject.index();
        let simple = matches!(
            written.params.get(position),
            Some(crate::syntax::Pattern::Name(_))
        );
        if !simple {
            return Holds::Unknown;
        }
        let mut results = Vec::new();
        for site in index.calls(record.name(called)).iter().take(CALLERS) {
            let caller = graph.module(site.module);
            let Expr::Call { callee, args, .. } = caller.expr(site.expr) else {
                continue;
            };
            if index.function_of(graph, site.module, *callee) != Some((module, function)) {
                continue;
            }
            if let Some(argument) = args.get(position) {
                results.push(self.value(
                    Value {
                        module: site.module,
                        expr: argument.value,
                    },
                    depth / 2,
                ));
            }
        }
        if results.is_empty() {
            return Holds::Unknown;
        }
        Holds::any(results.into_iter())
    }
}

fn is_path(record: &ModuleRecord, expr: ExprId) -> bool {
    matches!(record.expr(expr), Expr::Name(name) if matches!(record.name(*name), "path" | "posix" | "nodePath"))
}
