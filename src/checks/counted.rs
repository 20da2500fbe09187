//! `[check.sql-star]`, `[check.explicit-any]`, `[check.server-env-in-client]`, `[check.rendering]`, `[check.limit-tiers]`: small
//! questions that one look over the modules answers.

use std::cell::LazyCell;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::controls::Status;
use crate::finding::{Finding, Related};
use crate::model::{Count, Part};
use crate::project::Framework;
use crate::rule::{
    Confidence, Control, ExplicitAny, LimitTiers, Rendering, ServerEnvInClient, SqlStar, wildcard,
};
use crate::source::{Location, RepoPath, Span};
use crate::syntax::{Argument, Expr, ExprId, Key, ModuleRecord, Pattern, Property, StmtKind};

use rustc_hash::FxHashSet;

use super::CheckResult;
use super::code::{key, method_call, numbered, place, statements};
use super::linter::{ERROR, OFF, sets};
use super::queries::select_of_rest;
use super::subject::{Subject, route_name};

/// A finding lists so many files.
const LISTED: usize = 8;

/// `select *` in the text of queries.
pub(super) fn sql_star(subject: &Subject<'_>, check: &SqlStar) -> CheckResult {
    let except = subject.globs(&check.except);
    let mut findings = Vec::new();
    let mut asked = false;
    let mut count = 0;
    let sides = subject.server_side();
    for (id, record) in subject.modules() {
        let server = sides.get(id.0 as usize).copied().unwrap_or(false);
        if !server || except.is_match(record.path.as_str()) {
            continue;
        }
        let mut found = Vec::new();
        let mut asking = Vec::new();
        // A text inside another one may read what that names.
        let inner = |expr: ExprId| {
            let index = subject.index().module(&subject.model.graph, id);
            let mut current = expr;
            (0..3).any(|_| match index.parent(record, current) {
                Some(parent) => {
                    current = parent;
                    matches!(
                        record.expr(parent),
                        Expr::Template { .. } | Expr::Tagged { .. }
                    )
                }
                None => false,
            })
        };
        for (expr, written) in numbered(record) {
            let all = match written {
                Expr::Call { .. } => match select_of_rest(record, expr) {
                    Some(args) => {
                        asking.push(expr);
                        reads_all(record, args)
                    }
                    None => builder_selects_all(record, expr),
                },
                Expr::String(text) => {
                    asking.extend(selects(text).then_some(expr));
                    selects_all(text, false) && !inner(expr)
                }
                Expr::Template { texts, .. } | Expr::Tagged { texts, .. }
                    if texts.first().is_some_and(|text| selects(text)) =>
                {
                    asking.push(expr);
                    selects_all(&texts.join(" "), texts.len() > 1)
                }
                Expr::Template { texts, .. } | Expr::Tagged { texts, .. }
                    if texts
                        .iter()
                        .any(|text| memchr::memchr(b'*', text.as_bytes()).is_some()) =>
                {
                    selects_all(&texts.join(" "), texts.len() > 1)
                }
                _ => false,
            };
            if all {
                found.push(expr);
            }
        }
        if found.is_empty() && asking.is_empty() {
            continue;
        }
        let shown = values_of(record, &check.shown);
        asked |= asking.iter().any(|expr| !shown.contains(expr));
        found.retain(|expr| !shown.contains(expr));
        let places = found.iter().map(|expr| place(record, *expr));
        let places: Vec<Location> = places.collect();
        count += places.len() as u64;
        if let Some(first) = places.first().cloned() {
            let found = places.len();
            let count = match found {
                1 => String::from("1 query reads"),
                many => format!("{many} queries read"),
            };
            let related = places
                .into_iter()
                .skip(1)
                .take(LISTED)
                .map(|location| Related {
                    location,
                    note: String::from("and here"),
                });
            let finding = subject.finding(first, check.says.replace("{}", &count));
            findings.push(finding.counting(found).with_related(related.collect()));
        }
    }
    let result = if findings.is_empty() && !asked {
        CheckResult::default()
    } else {
        CheckResult::pass_or_fail(findings)
    };
    CheckResult {
        counted: Some(Count {
            part: Part::Slips,
            name: String::from("select * queries"),
            value: count,
        }),
        ..result
    }
}

/// What fields of these names are set to in object literals.
fn values_of(record: &ModuleRecord, names: &[String]) -> FxHashSet<ExprId> {
    let objects = record.exprs.iter().filter_map(|written| match written {
        Expr::Object(properties) => Some(properties),
        _ => None,
    });
    let named = objects.flatten().filter_map(|property| match property {
        Property::Value {
            key: Key::Name(name),
            value,
        } if names.iter().any(|each| each == record.name(*name)) => Some(*value),
        _ => None,
    });
    named.collect()
}

/// The text of a query that reads.
fn selects(text: &str) -> bool {
    let word = text.trim_start().get(..7);
    word.is_some_and(|word| {
        word.get(..6)
            .is_some_and(|select| select.eq_ignore_ascii_case("select"))
            && word.ends_with(char::is_whitespace)
    })
}

/// `db.selectFrom("orders").where(…).selectAll()` of a query builder.
fn builder_selects_all(record: &ModuleRecord, call: ExprId) -> bool {
    let mut step = method_call(record, call).filter(|call| call.method == "selectAll");
    while let Some(call) = step {
        if call.method == "selectFrom" {
            return true;
        }
        step = method_call(record, call.object);
    }
    false
}

/// `select()` and `select("*, …")` of a REST client, where rows are wanted and not only their number.
fn reads_all(record: &ModuleRecord, args: &[Argument]) -> bool {
    let counts = args.get(1).is_some_and(|options| {
        matches!(record.expr(options.value), Expr::Object(properties)
            if properties.iter().any(|property| matches!(property,
                Property::Value { key: name, .. } if key(record, name) == Some("head"))))
    });
    let all = match args.first().map(|columns| record.expr(columns.value)) {
        None => true,
        Some(Expr::String(text)) => text.trim_start().starts_with('*'),
        Some(Expr::Template { texts, .. }) => texts
            .first()
            .is_some_and(|text| text.trim_start().starts_with('*')),
        Some(_) => false,
    };
    all && !counts
}

/// `select * from table` of the outermost query, and not `select * from (…)` or one of a part that the query names, whose columns
/// are chosen there. What a query inside of another one reads, the outer one chooses from.
fn selects_all(text: &str, computed: bool) -> bool {
    let bytes = text.as_bytes();
    // A part that is put in may name further parts.
    let names_parts = || {
        let first = text.split_whitespace().next();
        first.is_some_and(|first| first.eq_ignore_ascii_case("with"))
    };
    if computed && names_parts() {
        return false;
    }
    let mut from = 0;
    while let Some(at) = bytes
        .get(from..)
        .and_then(|rest| memchr::memchr(b'*', rest))
    {
        let star = from + at;
        let before = text.get(..star).unwrap_or("").trim_end();
        let behind = text.get(star + 1..).unwrap_or("").trim_start();
        let depth = || {
            before.bytes().fold(0_usize, |depth, byte| match byte {
                b'(' => depth + 1,
                b')' => depth.saturating_sub(1),
                _ => depth,
            })
        };
        let selects = before.len() >= 6
            && before
                .get(before.len() - 6..)
                .is_some_and(|word| word.eq_ignore_ascii_case("select"))
            && depth() == 0;
        let table = behind
            .get(..5)
            .filter(|word| {
                word.get(..4)
                    .is_some_and(|from| from.eq_ignore_ascii_case("from"))
            })
            .is_some_and(|word| word.ends_with(char::is_whitespace))
            && behind
                .get(5..)
                .is_none_or(|rest| !rest.trim_start().starts_with('('));
        if selects && table {
            let name = behind.get(5..).unwrap_or("").trim_start();
            let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let name = name.get(..end.unwrap_or(name.len())).unwrap_or("");
            let part = format!("{name} as (").to_ascii_lowercase();
            let words: Vec<&str> = text.split_whitespace().collect();
            if !words.join(" ").to_ascii_lowercase().contains(&part) {
                return true;
            }
        }
        from = star + 1;
    }
    false
}

/// Explicit `any`, by file.
pub(super) fn explicit_any(subject: &Subject<'_>, check: &ExplicitAny) -> CheckResult {
    let except = subject.globs(&check.except);
    // Where the linter lets none pass without a word, those that it is told to let pass, with a reason, are meant.
    let held = LazyCell::new(|| sets(subject, &check.lint_rules, ERROR).is_some());
    let count = |record: &ModuleRecord| {
        let facts = &record.facts;
        let meant = if facts.any_allowed > 0 && *held {
            facts.any_allowed
        } else {
            0
        };
        facts.any_types.saturating_sub(meant)
    };
    let mut files: Vec<(&ModuleRecord, u32)> = subject
        .modules()
        .map(|(_, record)| (record, count(record)))
        .filter(|(record, count)| {
            *count > 0 && !record.facts.generated && !except.is_match(record.path.as_str())
        })
        .collect();
    let count: u32 = files.iter().map(|(_, count)| count).sum();
    let modules = subject.modules().count();
    if modules == 0 {
        return CheckResult::default();
    }
    if count < check.at_least {
        return CheckResult::pass_or_fail(Vec::new());
    }
    files.sort_by_key(|(record, count)| (Reverse(*count), record.path.clone()));
    let Some((worst, _)) = files.first() else {
        return CheckResult::default();
    };
    let related = files.iter().take(LISTED).map(|(record, count)| Related {
        location: record.location(Span::default()),
        note: format!("{count} in this file"),
    });
    let says = check
        .says
        .replace("{}", &format!("{count} times in {} files", files.len()));
    let finding = subject
        .finding(worst.location(Span::default()), says)
        .counting_everywhere(count as usize)
        .with_related(related.collect());
    let finding = match sets(subject, &check.lint_rules, OFF) {
        Some(path) => Finding {
            message: format!(
                "{}: or is that decided, as {path} allows it?",
                finding.message
            ),
            ..finding.at_most(Confidence::Low)
        },
        None => finding,
    };
    CheckResult::pass_or_fail(vec![finding])
}

/// Variables that client components read and that Next.js does not put into their bundles.
pub(super) fn server_env(subject: &Subject<'_>, check: &ServerEnvInClient) -> CheckResult {
    if subject.project.framework != Framework::Next {
        return CheckResult::default();
    }
    let config = subject.project.next.file.as_ref();
    let config = config.and_then(|file| subject.model.graph.find(file));
    let inlined = |name: &str| {
        config.is_some_and(|id| subject.model.graph.module(id).find_name(name).is_some())
    };
    let mut findings = Vec::new();
    let mut asked = false;
    for (_, record) in subject.modules().filter(|(_, record)| record.use_client) {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (name, span) in &record.facts.env_reads {
            asked = true;
            let public = check.public.iter().any(|form| wildcard(form, name));
            if !public && !inlined(name) && seen.insert(name) {
                let says = check.says.replace("{}", name);
                findings.push(subject.finding(record.location(*span), says));
            }
        }
    }
    if !asked {
        return CheckResult::default();
    }
    CheckResult::pass_or_fail(findings)
}

/// Layouts that make every page below them dynamic.
pub(super) fn rendering(subject: &Subject<'_>, check: &Rendering) -> CheckResult {
    let Some(app) = &subject.project.app_dir else {
        return CheckResult::default();
    };
    let mut findings: Vec<Finding> = Vec::new();
    let mut told: Vec<RepoPath> = Vec::new();
    let mut layouts = 0;
    let mut pages: Vec<&ModuleRecord> = Vec::new();
    for (_, record) in subject.modules() {
        if record.path.stem() == "page" && record.path.starts_with(app) {
            pages.push(record);
        }
        if record.path.stem() != "layout" || !record.path.starts_with(app) {
            continue;
        }
        layouts += 1;
        let Some(body) = record.functions.first() else {
            continue;
        };
        for statement in statements(&body.body) {
            let StmtKind::Let {
                pattern: Pattern::Name(name),
                init: Some(init),
            } = &statement.kind
            else {
                continue;
            };
            let value = record.expr(*init);
            let dynamic = match record.name(*name) {
                "dynamic" => matches!(value, Expr::String(text) if &**text == "force-dynamic"),
                "revalidate" => matches!(value, Expr::Number(number) if *number == 0.0),
                _ => false,
            };
            if dynamic {
                let folder = record.path.parent().unwrap_or_else(|| RepoPath::new(""));
                let pages = subject.model.paths.iter();
                let pages = pages.filter(|path| {
                    path.starts_with(&folder) && path.stem().split('.').next() == Some("page")
                });
                let count = pages.count();
                // Modules come in the order of their paths, so a layout stands before those below it.
                if count >= check.at_least && !told.iter().any(|above| folder.starts_with(above)) {
                    told.push(folder);
                    let says = check.says.replace("{}", &count.to_string());
                    findings.push(subject.finding(place(record, *init), says));
                }
            }
        }
    }
    if layouts == 0 {
        return CheckResult::default();
    }
    let clients = pages.iter().filter(|page| page.use_client);
    let (first, count) = (clients.clone().next(), clients.count());
    if let (Some(says), Some(first)) = (&check.client_says, first)
        && count >= check.at_least
        && count * 4 >= pages.len() * 3
    {
        let says = says.replace("{}", &format!("{count} of {}", pages.len()));
        findings.push(subject.finding(first.location(Span::default()), says));
    }
    CheckResult::pass_or_fail(findings)
}

/// Handlers that cost money have the same limit as all others.
pub(super) fn limit_tiers(subject: &Subject<'_>, check: &LimitTiers) -> CheckResult {
    let limited = subject.app.routes.iter().filter_map(|route| {
        let verdict = route.controls.get(&Control::RateLimit)?;
        let limit = verdict.limit.as_deref()?;
        (verdict.status == Status::Enforced).then_some((route, limit))
    });
    let (costly, cheap): (Vec<_>, Vec<_>) =
        limited.partition(|(route, _)| !route.expensive.is_empty());
    let mut result = CheckResult::default();
    if costly.is_empty() && cheap.is_empty() {
        return result;
    }
    // Those without any limit have none of their own; another rule reports them.
    let open = subject.app.routes.iter().filter(|route| {
        let verdict = route.controls.get(&Control::RateLimit);
        !route.expensive.is_empty()
            && verdict.is_some_and(|verdict| verdict.status == Status::Absent)
    });
    open.for_each(|_| result.silent_gap(1.0));
    let Some((first, limit)) = costly.first() else {
        return result;
    };
    if cheap.len() < check.at_least {
        return result;
    }
    let same = costly.iter().chain(&cheap).all(|(_, other)| other == limit);
    if !same {
        costly.iter().for_each(|_| result.covered(1.0));
        return result;
    }
    let says = check
        .says
        .replace("{limit}", limit)
        .replace("{}", &cheap.len().to_string());
    let related = costly.iter().take(LISTED).map(|(route, _)| Related {
        location: route.location.clone(),
        note: route_name(route),
    });
    let finding = subject
        .finding(first.location.clone(), says)
        .with_related(related.collect());
    result.gap(1.0, finding);
    result
}
