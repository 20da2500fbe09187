//! `[check.unsigned-token]`: who somebody is, in JSON that anybody can write.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::finding::Finding;
use crate::graph::ModuleId;
use crate::rule::{Confidence, UnsignedToken, wildcard};
use crate::source::Span;
use crate::syntax::{Expr, ExprId, ModuleRecord, Name, Pattern, Property, StmtKind};

use super::CheckResult;
use super::call_sites::{Value, text_of};
use super::code::{
    body, called_name, calls, for_each_named_value, key, numbered, property, statements, text,
};
use super::subject::Subject;
use super::uses::{References, Taken};

pub(super) fn run(subject: &Subject<'_>, check: &UnsignedToken) -> CheckResult {
    if !subject.has_routes() {
        return CheckResult::default();
    }
    let reads = Reads {
        subject,
        references: OnceCell::new(),
    };
    let mut findings = Vec::new();
    for module in subject.reached() {
        if module.use_client || module.facts.has_jsx || module.find_name("stringify").is_none() {
            continue;
        }
        let code = Code::new(module);
        let mut seen = BTreeSet::new();
        for_each_named_value(module, &mut |value, name| {
            let Some(json) = code.encoded(value) else {
                return;
            };
            // Encoded JSON may be many things; this one says who somebody is.
            if is_session(check, name)
                && code.identifies(json, check) == Some(true)
                && !signs(module, value, check)
                && seen.insert(code.behind(value))
            {
                let message =
                    format!("{name} is JSON in base64, so anybody can write one for any user");
                let span = module.span(code.behind(value));
                let finding = subject.finding_in(module, span, message);
                findings.push(if reads.decoded() {
                    finding
                } else {
                    unread(finding)
                });
            }
        });
        for (cookie, value, whole) in code.cookies() {
            let (json, plain) = match (code.encoded(value), code.stringified(value)) {
                (Some(json), _) => (json, false),
                (None, Some(json)) => (json, true),
                (None, None) => continue,
            };
            let identifies = code.identifies(json, check);
            if !is_session(check, &cookie)
                || identifies == Some(false)
                || signs(module, whole, check)
                || !seen.insert(code.behind(value))
            {
                continue;
            }
            let how = if plain {
                "plain JSON"
            } else {
                "JSON in base64"
            };
            let message =
                format!("the cookie {cookie} is {how}, so anybody can write one for any user");
            let finding = subject.finding_in(module, module.span(whole), message);
            // What the JSON holds comes from elsewhere: only the cookie's name says what it is for.
            let sure = if identifies.is_some() {
                Confidence::High
            } else {
                Confidence::Low
            };
            let finding = finding.at_most(sure);
            findings.push(
                if finding.confidence == Confidence::High && !reads.asked_for(&cookie) {
                    unread(finding)
                } else {
                    finding
                },
            );
        }
    }
    CheckResult::pass_or_fail(findings)
}

/// Nothing is decided by what nobody reads.
fn unread(mut finding: Finding) -> Finding {
    finding
        .message
        .push_str("; or is nothing decided by it, as no code of the server reads it?");
    finding.at_most(Confidence::Low)
}

/// What code of the server does with tokens, asked only where one was found.
struct Reads<'a> {
    subject: &'a Subject<'a>,
    references: OnceCell<References<'a>>,
}

impl<'a> Reads<'a> {
    fn modules(&self) -> impl Iterator<Item = (ModuleId, &'a ModuleRecord)> {
        let graph = &self.subject.model.graph;
        let reached = self.subject.reached();
        let server = reached.filter(|module| !module.use_client);
        server.filter_map(|module| Some((graph.find(&module.path)?, module)))
    }

    /// Some code makes JSON of base64 again.
    fn decoded(&self) -> bool {
        self.modules().any(|(id, module)| {
            module.find_name("parse").is_some()
                && calls(module).any(|call| {
                    let decodes = match called_name(module, call.callee) {
                        Some("atob") => true,
                        Some("from") => call.args.get(1).is_some_and(|encoding| {
                            text(module, encoding.value)
                                .is_some_and(|encoding| encoding.starts_with("base64"))
                        }),
                        _ => false,
                    };
                    decodes && self.is_used(id, module, call.expr)
                })
        })
    }

    /// Some code asks for the cookie by its name, or for all of them.
    fn asked_for(&self, cookie: &str) -> bool {
        self.modules().any(|(id, module)| {
            let named = |expr: ExprId| {
                let value = Value { module: id, expr };
                matches!(
                    module.exprs.get(expr.0 as usize),
                    Some(Expr::String(_) | Expr::Name(_) | Expr::Member { .. })
                ) && text_of(self.subject, value).is_some_and(|text| text == cookie)
            };
            numbered(module).any(|(at, expr)| {
                let reads = match expr {
                    Expr::Call { callee, args, .. } => match called_name(module, *callee) {
                        Some("set" | "cookie" | "delete" | "clearCookie" | "remove") | None => {
                            false
                        }
                        Some("getAll") => true,
                        Some(_) => args.iter().any(|arg| named(arg.value)),
                    },
                    Expr::Member { property, .. } => module.name(*property) == cookie,
                    Expr::Index { index, .. } => named(*index),
                    _ => false,
                };
                reads && self.is_used(id, module, at)
            })
        })
    }

    /// What stands there runs: at the top of the module, or in something that is used.
    fn is_used(&self, id: ModuleId, module: &ModuleRecord, at: ExprId) -> bool {
        let span = module.span(at);
        let around = body(module)
            .iter()
            .find(|statement| statement.span.holds(span));
        let name = match around.map(|statement| &statement.kind) {
            Some(
                StmtKind::Function { name, .. }
                | StmtKind::Class { name, .. }
                | StmtKind::Let {
                    pattern: Pattern::Name(name),
                    ..
                },
            ) => *name,
            _ => return true,
        };
        let references = self.references.get_or_init(|| {
            let graph = &self.subject.model.graph;
            let taken = self
                .subject
                .shared()
                .taken
                .get_or_init(|| Taken::new(graph));
            References::new(graph, taken, self.subject.live())
        });
        references.is_entry(id) || references.of(id, name).used
    }
}

fn is_session(check: &UnsignedToken, name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let fits = |patterns: &[String]| patterns.iter().any(|pattern| wildcard(pattern, &lower));
    fits(&check.names) && !fits(&check.except_names)
}

/// The function around `at` signs or encrypts something: what it encodes may be a part of that.
fn signs(module: &ModuleRecord, at: ExprId, check: &UnsignedToken) -> bool {
    let span_of = |expr: ExprId| {
        module
            .spans
            .get(expr.0 as usize)
            .copied()
            .unwrap_or_default()
    };
    let inside = |inner: Span, outer: Span| outer.start <= inner.start && inner.end <= outer.end;
    let here = span_of(at);
    // The innermost function is the one that begins last.
    let function = module
        .functions
        .iter()
        .skip(1)
        .map(|function| function.span)
        .filter(|span| inside(here, *span))
        .max_by_key(|span| span.start);
    calls(module)
        .filter(|call| function.is_none_or(|function| inside(span_of(call.expr), function)))
        .any(|call| {
            called_name(module, call.callee).is_some_and(|name| {
                let lower = name.to_ascii_lowercase();
                // `signIn`, `signOut` and `signUp` sign nothing.
                let other = ["signin", "signout", "signup", "assign", "verify"];
                !other.iter().any(|start| lower.starts_with(start))
                    && check.signs.iter().any(|part| lower.contains(part.as_str()))
            })
        })
}

/// A module with the values of its variables that are given one only once.
struct Code<'a> {
    module: &'a ModuleRecord,
    variables: FxHashMap<Name, Option<ExprId>>,
}

impl<'a> Code<'a> {
    fn new(module: &'a ModuleRecord) -> Self {
        let mut variables: FxHashMap<Name, Option<ExprId>> = FxHashMap::default();
        for function in &module.functions {
            for statement in statements(&function.body) {
                if let StmtKind::Let {
                    pattern: Pattern::Name(name),
                    init: Some(init),
                } = &statement.kind
                {
                    variables
                        .entry(*name)
                        .and_modify(|value| *value = None)
                        .or_insert(Some(*init));
                }
            }
        }
        Self { module, variables }
    }

    fn expr(&self, id: ExprId) -> Option<&'a Expr> {
        self.module.exprs.get(id.0 as usize)
    }

    /// The value behind a variable, through one step.
    fn behind(&self, id: ExprId) -> ExprId {
        match self.expr(id) {
            Some(Expr::Name(name)) => self.variables.get(name).copied().flatten().unwrap_or(id),
            _ => id,
        }
    }

    /// The object of `JSON.stringify(object)`.
    fn stringified(&self, id: ExprId) -> Option<ExprId> {
        let Some(Expr::Call { callee, args, .. }) = self.expr(self.behind(id)) else {
            return None;
        };
        let is_json = match self.expr(*callee) {
            Some(Expr::Member {
                object, property, ..
            }) => {
                self.module.name(*property) == "stringify"
                    && matches!(self.expr(*object), Some(Expr::Name(name)) if self.module.name(*name) == "JSON")
            }
            _ => false,
        };
        args.first().filter(|_| is_json).map(|arg| arg.value)
    }

    /// The object of `Buffer.from(JSON.stringify(object)).toString("base64")` and `btoa(JSON.stringify(object))`.
    fn encoded(&self, id: ExprId) -> Option<ExprId> {
        let Some(Expr::Call { callee, args, .. }) = self.expr(self.behind(id)) else {
            return None;
        };
        match self.expr(*callee) {
            Some(Expr::Name(name)) if self.module.name(*name) == "btoa" => {
                self.stringified(args.first()?.value)
            }
            Some(Expr::Member {
                object, property, ..
            }) if self.module.name(*property) == "toString" => {
                let encoding = text(self.module, args.first()?.value)?;
                let Some(Expr::Call { callee, args, .. }) = self.expr(*object) else {
                    return None;
                };
                let from_buffer = called_name(self.module, *callee) == Some("from");
                if !from_buffer || !encoding.starts_with("base64") {
                    return None;
                }
                self.stringified(args.first()?.value)
            }
            _ => None,
        }
    }

    /// Whether the JSON says who somebody is; `None` when it comes from elsewhere.
    fn identifies(&self, json: ExprId, check: &UnsignedToken) -> Option<bool> {
        let Some(Expr::Object(properties)) = self.expr(self.behind(json)) else {
            return None;
        };
        let says_who = properties.iter().any(|property| match property {
            Property::Value { key: name, .. } => key(self.module, name)
                .is_some_and(|name| check.identity.contains(&name.to_ascii_lowercase())),
            _ => false,
        });
        Some(says_who)
    }

    /// Cookies that are set: name, value, and the whole call.
    fn cookies(&self) -> Vec<(String, ExprId, ExprId)> {
        let mut found = Vec::new();
        for call in calls(self.module) {
            let Some(Expr::Member {
                property: method, ..
            }) = self.expr(call.callee)
            else {
                continue;
            };
            if !matches!(self.module.name(*method), "set" | "cookie") {
                continue;
            }
            let (name, value) = match call.args {
                [options] => {
                    let name = property(self.module, options.value, "name");
                    let value = property(self.module, options.value, "value");
                    let readable = property(self.module, options.value, "httpOnly").is_none();
                    match (name, value) {
                        (Some(name), Some(value)) if !readable => (name, value),
                        _ => continue,
                    }
                }
                // Maps have `set` as well; options with `httpOnly` make it a cookie that only the server reads.
                [name, value, options, ..]
                    if property(self.module, self.behind(options.value), "httpOnly").is_some() =>
                {
                    (name.value, value.value)
                }
                _ => continue,
            };
            if let Some(name) = text(self.module, self.behind(name)) {
                found.push((name.into_owned(), value, call.expr));
            }
        }
        found
    }
}
