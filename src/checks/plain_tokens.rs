//! `[check.plain-tokens]`: tokens of other services that are stored as they came.

use crate::rule::{CodeScope, Confidence, PlainTokens, wildcard};
use crate::syntax::{Expr, ExprId, ModuleRecord, Name, Property};

use super::CheckResult;
use super::call_sites::{At, Value, find, resolve, value_at};
use super::code::{called_name, calls, key, method_call, numbered};
use super::index::bound;
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &PlainTokens) -> CheckResult {
    let graph = &subject.model.graph;
    let mut result = CheckResult::default();
    let extended = extended(subject, check);
    for call in find(subject, CodeScope::Handlers, &check.call, &check.except) {
        let record = graph.module(call.site.module);
        let Expr::Call { args, .. } = record.expr(call.site.expr) else {
            continue;
        };
        let Some(first) = args.first() else { continue };
        let model = model_of(record, call.site.expr);
        let first = Value {
            module: call.site.module,
            expr: first.value,
        };
        let mut rows = vec![first];
        for key in ["data", "create", "update"] {
            if let At::Value(row) = value_at(subject, first, key) {
                rows.push(row);
            }
        }
        let mut plain = None;
        let mut hidden = false;
        for row in rows {
            let row = resolve(subject, row).unwrap_or(row);
            let record = graph.module(row.module);
            let Expr::Object(properties) = record.expr(row.expr) else {
                continue;
            };
            for property in properties {
                let Property::Value { key: name, value } = property else {
                    continue;
                };
                let Some(name) = key(record, name) else {
                    continue;
                };
                let lower = name.to_ascii_lowercase();
                if !check.names.iter().any(|form| wildcard(form, &lower)) {
                    continue;
                }
                let value = Value {
                    module: row.module,
                    expr: *value,
                };
                let by_client = extended.iter().any(|each| each.hides(model, name));
                let plain_here = if by_client {
                    Some(false)
                } else {
                    match is_plain(subject, value, check, 4) {
                        Some(true) if passed_hidden(subject, value, check) => Some(false),
                        found => found,
                    }
                };
                match plain_here {
                    Some(true) => plain = plain.or(Some((value, name.to_owned()))),
                    Some(false) => hidden = true,
                    None => {}
                }
            }
        }
        if let Some((value, name)) = plain {
            let record = graph.module(value.module);
            let related = subject.reached_by(call.site);
            // What a function is given may have been hidden by its caller.
            let given = root(record, value.expr).is_some_and(|name| {
                let index = subject.index().module(graph, value.module);
                let around = index.function_at(record, record.span(value.expr).start);
                record.function(around).params.iter().any(|pattern| {
                    let mut names = Vec::new();
                    bound(pattern, &mut names);
                    names.contains(&name)
                })
            });
            let says = check.says.replace("{}", &name);
            let finding = subject
                .finding_in(record, record.span(value.expr), says)
                .with_related(related);
            let finding = if given {
                finding.at_most(Confidence::Low)
            } else {
                finding
            };
            result.gap(1.0, finding);
        } else if hidden {
            result.covered(1.0);
        }
    }
    result
}

/// What an extension of the database client hides before it is written: `prisma.$extends({ query: { account: … } })`.
struct Extended<'m> {
    model: &'m str,
    /// The columns, where they are listed.
    columns: Option<Vec<&'m str>>,
}

impl Extended<'_> {
    fn hides(&self, model: Option<&str>, column: &str) -> bool {
        let fits = self.model == "$allModels" || model == Some(self.model);
        let listed = self.columns.as_ref();
        fits && listed.is_none_or(|columns| columns.contains(&column))
    }
}

/// What operations of an extended model are called.
const OPERATIONS: [&str; 5] = ["create", "update", "upsert", "$allOperations", "createMany"];

fn extended<'m>(subject: &Subject<'m>, check: &PlainTokens) -> Vec<Extended<'m>> {
    let graph = &subject.model.graph;
    let mut found = Vec::new();
    let sites = subject.index().calls("$extends");
    let mut modules: Vec<_> = sites.iter().map(|site| site.module).collect();
    modules.dedup();
    for module in modules {
        let record = graph.module(module);
        let hides = calls(record).any(|call| {
            called_name(record, call.callee).is_some_and(|name| named(&check.hides, name))
        });
        if !hides || record.find_name("query").is_none() {
            continue;
        }
        for (_, expr) in numbered(record) {
            let Expr::Object(properties) = expr else {
                continue;
            };
            for property in properties {
                let Property::Value { key: name, value } = property else {
                    continue;
                };
                let Some(model) = key(record, name) else {
                    continue;
                };
                match record.expr(*value) {
                    Expr::Array(items) if !items.is_empty() => {
                        let columns = items.iter().map(|item| match record.expr(item.value) {
                            Expr::String(column) => Some(&**column),
                            _ => None,
                        });
                        let columns: Option<Vec<&str>> = columns.collect();
                        if columns.is_some() {
                            found.push(Extended { model, columns });
                        }
                    }
                    Expr::Object(operations) => {
                        let writes = operations.iter().any(|operation| match operation {
                            Property::Value { key: name, .. } => {
                                key(record, name).is_some_and(|name| OPERATIONS.contains(&name))
                            }
                            _ => false,
                        });
                        if writes {
                            found.push(Extended {
                                model,
                                columns: None,
                            });
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    found
}

/// `account` of `prisma.account.create(…)`.
fn model_of(record: &ModuleRecord, call: ExprId) -> Option<&str> {
    match record.expr(method_call(record, call)?.object) {
        Expr::Member { property, .. } => Some(record.name(*property)),
        _ => None,
    }
}

fn named(forms: &[String], name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    forms.iter().any(|form| wildcard(form, &name))
}

/// So many callers of a function are asked.
const CALLERS: usize = 12;

/// The function is given the value, and whoever passes it hides it first.
fn passed_hidden(subject: &Subject<'_>, value: Value, check: &PlainTokens) -> bool {
    let graph = &subject.model.graph;
    let record = graph.module(value.module);
    let Some(name) = root(record, value.expr) else {
        return false;
    };
    let part = match record.expr(value.expr) {
        Expr::Member {
            object, property, ..
        } if matches!(record.expr(*object), Expr::Name(_)) => Some(record.name(*property)),
        Expr::Name(_) => None,
        _ => return false,
    };
    let index = subject.index();
    let around = index
        .module(graph, value.module)
        .function_at(record, record.span(value.expr).start);
    let function = record.function(around);
    let position = function.params.iter().position(|pattern| {
        let mut names = Vec::new();
        bound(pattern, &mut names);
        names.contains(&name)
    });
    let (Some(position), Some(called)) = (position, function.name) else {
        return false;
    };
    let taken_apart = !matches!(
        function.params.get(position),
        Some(crate::syntax::Pattern::Name(_))
    );
    let wanted = if taken_apart {
        Some(record.name(name))
    } else {
        part
    };
    let mut hidden = false;
    for site in index.calls(record.name(called)).iter().take(CALLERS) {
        let caller = graph.module(site.module);
        let Expr::Call { callee, args, .. } = caller.expr(site.expr) else {
            continue;
        };
        let Some(argument) = args.get(position) else {
            continue;
        };
        if index.function_of(graph, site.module, *callee) != Some((value.module, around)) {
            continue;
        }
        let given = Value {
            module: site.module,
            expr: argument.value,
        };
        let given = match wanted {
            None => given,
            Some(wanted) => match value_at(subject, given, wanted) {
                At::Value(given) => given,
                At::Nothing => continue,
                At::Unknown => return false,
            },
        };
        match is_plain(subject, given, check, 3) {
            Some(false) => hidden = true,
            _ => return false,
        }
    }
    hidden
}

/// The variable at the beginning of a chain.
fn root(record: &ModuleRecord, expr: ExprId) -> Option<Name> {
    let mut current = expr;
    loop {
        match record.expr(current) {
            Expr::Name(name) => return Some(*name),
            Expr::Member { object, .. } => current = *object,
            Expr::Logical { left, .. } => current = *left,
            _ => return None,
        }
    }
}

/// Whether a value is stored as it came; `None` where it is none, or where it cannot be told.
fn is_plain(subject: &Subject<'_>, value: Value, check: &PlainTokens, depth: u8) -> Option<bool> {
    let depth = depth.checked_sub(1)?;
    let record: &ModuleRecord = subject.model.graph.module(value.module);
    let here = |expr: ExprId| Value {
        module: value.module,
        expr,
    };
    let hides = |name: &str| named(&check.hides, name);
    match record.expr(value.expr) {
        Expr::Null | Expr::Undefined | Expr::String(_) | Expr::Bool(_) => None,
        Expr::Call { callee, .. } => called_name(record, *callee)
            .is_some_and(hides)
            .then_some(false),
        Expr::Await(inner) => is_plain(subject, here(*inner), check, depth),
        Expr::Logical { left, right, .. } => is_plain(subject, here(*left), check, depth)
            .or_else(|| is_plain(subject, here(*right), check, depth)),
        Expr::Conditional {
            then, otherwise, ..
        } => is_plain(subject, here(*then), check, depth)
            .or_else(|| is_plain(subject, here(*otherwise), check, depth)),
        // `tokens.access_token`: what a provider gave.
        Expr::Member { property, .. } => {
            let name = record.name(*property);
            if hides(name) {
                return Some(false);
            }
            let lower = name.to_ascii_lowercase();
            check
                .names
                .iter()
                .any(|form| wildcard(form, &lower))
                .then_some(true)
        }
        Expr::Name(name) => {
            if hides(record.name(*name)) {
                return Some(false);
            }
            match resolve(subject, value) {
                Some(next) => is_plain(subject, next, check, depth),
                None => None,
            }
        }
        _ => None,
    }
}
