//! `[check.env-validation]`: the environment is checked before it is used.

use std::collections::BTreeMap;

use crate::rule::{EnvValidation, wildcard};
use crate::source::Location;
use crate::syntax::{Block, Expr, ExprId, ModuleRecord, StmtKind};

use super::CheckResult;
use super::code::{called_name, calls, is_process_env, numbered, package_of, statements};
use super::subject::Subject;

/// How many expressions of an argument are looked at.
const DEEPEST_ARGUMENT: usize = 16;

pub(super) fn run(subject: &Subject<'_>, check: &EnvValidation) -> CheckResult {
    let mut variables: BTreeMap<&str, Location> = BTreeMap::new();
    let except = subject.globs(&check.except);
    for (_, module) in subject.modules() {
        let reads = &module.facts.env_reads;
        if reads.is_empty() || except.is_match(module.path.as_str()) {
            continue;
        }
        for (name, span) in reads {
            if !variables.contains_key(&**name)
                && !check.ignore.iter().any(|pattern| wildcard(pattern, name))
            {
                variables.insert(name, module.location(*span));
            }
        }
    }
    if variables.len() < check.at_least {
        return CheckResult::default();
    }
    let is_for_it = |specifier: &str| {
        let package = package_of(specifier);
        package.is_some_and(|name| check.packages.iter().any(|form| wildcard(form, name)))
    };
    let packages = subject.specifiers().iter().map(|each| &**each);
    let packages: Vec<&str> = packages.filter(|each| is_for_it(each)).collect();
    let mut running = subject.running();
    if let Some(module) = running.find(|module| validates(module, check, &packages)) {
        return CheckResult::passed(Some(Location::of_line(&module.path, 1)));
    }
    let count = variables.len();
    let message = format!(
        "does anything check at startup that the {count} environment variables that are read are set? No schema does"
    );
    CheckResult::pass_or_fail(vec![subject.absence(message)])
}

/// The module checks the environment: with one of the packages for it, by giving all of `process.env` to a schema, or in a loop over
/// names that throws or exits.
fn validates(module: &ModuleRecord, check: &EnvValidation, packages: &[&str]) -> bool {
    let mut requests = module.requests.iter();
    requests.any(|each| !each.type_only && packages.contains(&&*each.specifier))
        || (module.find_name("env").is_some() && (by_schema(module, check) || by_loop(module)))
}

fn by_schema(module: &ModuleRecord, check: &EnvValidation) -> bool {
    calls(module).any(|call| {
        let method = called_name(module, call.callee);
        let checks = method.is_some_and(|name| check.methods.iter().any(|method| method == name));
        checks
            && call
                .args
                .iter()
                .any(|arg| holds_environment(module, arg.value))
    })
}

/// All of `process.env`, itself or through functions: `withoutEmpty(process.env)`, `Object.entries(process.env).filter(…)`.
fn holds_environment(module: &ModuleRecord, expr: ExprId) -> bool {
    let mut open = vec![expr];
    for _ in 0..DEEPEST_ARGUMENT {
        let Some(expr) = open.pop() else {
            return false;
        };
        if is_process_env(module, expr) || spreads_environment(module, expr) {
            return true;
        }
        if let Some(Expr::Call { callee, args, .. } | Expr::New { callee, args }) =
            module.exprs.get(expr.0 as usize)
        {
            open.extend(args.iter().map(|arg| arg.value));
            if let Some(Expr::Member { object, .. }) = module.exprs.get(callee.0 as usize) {
                open.push(*object);
            }
        }
    }
    false
}

/// `{ …process.env }`, or an object of at least three variables: `{ A: process.env.A, … }`.
fn spreads_environment(module: &ModuleRecord, expr: ExprId) -> bool {
    use crate::syntax::Property;
    let Some(Expr::Object(properties)) = module.exprs.get(expr.0 as usize) else {
        return false;
    };
    let reads = properties.iter().filter(|property| match property {
        Property::Value { value, .. } => super::code::env_name(module, *value).is_some(),
        _ => false,
    });
    let spread = properties.iter().any(
        |property| matches!(property, Property::Spread(value) if is_process_env(module, *value)),
    );
    spread || reads.count() >= 3
}

/// `process.env[name]` with a computed name, in a function that throws or ends the process.
fn by_loop(module: &ModuleRecord) -> bool {
    let looked_up = numbered(module).filter_map(|(id, expr)| match expr {
        Expr::Index { object, index, .. }
            if is_process_env(module, *object)
                && !matches!(module.exprs.get(index.0 as usize), Some(Expr::String(_))) =>
        {
            module.spans.get(id.0 as usize)
        }
        _ => None,
    });
    looked_up.into_iter().any(|span| {
        module
            .functions
            .iter()
            .enumerate()
            .any(|(index, function)| {
                let around = function.span.start <= span.start && span.end <= function.span.end;
                // The module's own body is around everything: there only a throw at the top level counts.
                (around || index == 0) && throws(&function.body)
            })
    })
}

fn throws(body: &Block) -> bool {
    statements(body).any(|statement| matches!(statement.kind, StmtKind::Throw(_)))
}
