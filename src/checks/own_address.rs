//! Whose address is asked: the application's own, at which no other service is waited for, or another.

use crate::syntax::{BinaryOp, Expr, ExprId, Name, Pattern, StmtKind};

use super::call_sites::{At, Value, resolve, value_at};
use super::code::{called_name, env_name, statements, text};
use super::subject::Subject;

/// A value followed further than this is given up.
const DEPTH: u8 = 6;

/// Variables in which platforms and libraries tell an application its own address.
const OWN: [&str; 7] = [
    "NEXTAUTH_URL",
    "NEXTAUTH_URL_INTERNAL",
    "VERCEL_URL",
    "VERCEL_BRANCH_URL",
    "VERCEL_PROJECT_PRODUCTION_URL",
    "DEPLOY_PRIME_URL",
    "RENDER_EXTERNAL_URL",
];

/// What variables for such an address are called besides, and for those of other services too: `APP_URL`, `BASE_URL`.
const ITS: [&str; 8] = [
    "APP", "BASE", "SITE", "WEB", "WEBAPP", "WEBSITE", "SELF", "PUBLIC",
];

/// What the computed parts of a path are written as.
const COMPUTED: char = '\0';

/// Whose address a value is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Another,
    /// The application's own, when it serves what is asked for there.
    Perhaps,
    Own,
}

/// What stands at `address` is asked of the application itself. Of several addresses one has to be its own for certain, and at
/// the others has to stand what it serves: in production it is asked by its public name.
pub(super) fn is_own(subject: &Subject<'_>, address: Value) -> bool {
    let mut addresses = Vec::new();
    alternatives(subject, address, DEPTH, &mut addresses);
    let mut own = false;
    for address in addresses {
        if let Some((base, path)) = split(subject, address, DEPTH) {
            own |= match whose(subject, base, DEPTH) {
                Whose::Another if is_served(subject, &path) => false,
                Whose::Another => return false,
                Whose::Perhaps if is_served(subject, &path) => true,
                Whose::Perhaps => return false,
                Whose::Own => true,
            };
            continue;
        }
        let record = subject.model.graph.module(address.module);
        let Expr::String(text) = record.expr(address.expr) else {
            return false;
        };
        let Some((host, path)) = host_and_path(text) else {
            return false;
        };
        if !is_served(subject, path) {
            return false;
        }
        own |= is_local(host);
    }
    own
}

/// What an address is, whichever way a condition goes: `process.env.URL ? … : "http://localhost:3000/api"`.
fn alternatives(subject: &Subject<'_>, address: Value, depth: u8, found: &mut Vec<Value>) {
    let record = subject.model.graph.module(address.module);
    let (
        Some(depth),
        Expr::Conditional {
            then, otherwise, ..
        },
    ) = (depth.checked_sub(1), record.expr(address.expr))
    else {
        let choice = resolve(subject, address).filter(|value| {
            let record = subject.model.graph.module(value.module);
            matches!(record.expr(value.expr), Expr::Conditional { .. })
        });
        return match (choice, depth.checked_sub(1)) {
            (Some(choice), Some(depth)) => alternatives(subject, choice, depth, found),
            _ => found.push(address),
        };
    };
    for expr in [*then, *otherwise] {
        let module = address.module;
        alternatives(subject, Value { module, expr }, depth, found);
    }
}

/// `https://host/path`
fn host_and_path(address: &str) -> Option<(&str, &str)> {
    let (_, behind) = address.split_once("://")?;
    let path = behind.find('/')?;
    Some(behind.split_at(path))
}

/// The host is the machine that the application runs on.
pub(super) fn is_local(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or(host);
    matches!(name, "localhost" | "127.0.0.1") || host == "::1"
}

/// What says which host is asked at an address, where the address does not name it.
pub(super) fn host(subject: &Subject<'_>, address: Value) -> Option<Value> {
    if let Some((base, _)) = split(subject, address, DEPTH) {
        return Some(base);
    }
    let assembled = resolve(subject, address).unwrap_or(address);
    let record = subject.model.graph.module(assembled.module);
    text(record, assembled.expr).is_none().then_some(address)
}

/// The value that an address begins with, and the path behind it.
fn split(subject: &Subject<'_>, address: Value, depth: u8) -> Option<(Value, String)> {
    let depth = depth.checked_sub(1)?;
    let record = subject.model.graph.module(address.module);
    let here = |expr: ExprId| Value {
        module: address.module,
        expr,
    };
    match record.expr(address.expr) {
        Expr::Template { texts, parts } => {
            let ([scheme, behind @ ..], [base, ..]) = (&***texts, &***parts) else {
                return None;
            };
            let begins = matches!(&**scheme, "" | "http://" | "https://");
            begins.then(|| (here(*base), behind.join(COMPUTED.encode_utf8(&mut [0]))))
        }
        Expr::Binary {
            op: BinaryOp::Add,
            left,
            right,
        } => {
            let (base, mut path) =
                split(subject, here(*left), depth).unwrap_or((here(*left), String::new()));
            match text(record, *right) {
                Some(text) => path.push_str(&text),
                None => path.push(COMPUTED),
            }
            Some((base, path))
        }
        Expr::Name(_) => split(subject, resolve(subject, address)?, depth),
        _ => None,
    }
}

fn whose(subject: &Subject<'_>, value: Value, depth: u8) -> Whose {
    let Some(depth) = depth.checked_sub(1) else {
        return Whose::Another;
    };
    let graph = &subject.model.graph;
    let record = graph.module(value.module);
    let of = |expr: ExprId| {
        let module = value.module;
        whose(subject, Value { module, expr }, depth)
    };
    if let Some(variable) = env_name(record, value.expr) {
        return named(variable);
    }
    match record.expr(value.expr) {
        Expr::Name(name) => match resolve(subject, value) {
            Some(value) => whose(subject, value, depth),
            // `async function isReachable(origin: string)`: whose it is, only the path behind it can say.
            None if is_param(subject, value, *name) => Whose::Perhaps,
            None => Whose::Another,
        },
        Expr::Await(inner) => of(*inner),
        Expr::Logical { left, right, .. } => of(*left).max(of(*right)),
        Expr::Conditional {
            then, otherwise, ..
        } => of(*then).max(of(*otherwise)),
        Expr::Template { texts, parts } => match (&***texts, &***parts) {
            ([scheme, ..], [base, ..]) if matches!(&**scheme, "" | "http://" | "https://") => {
                of(*base)
            }
            _ => Whose::Another,
        },
        Expr::Member {
            object, property, ..
        } => match record.name(*property) {
            "origin"
                if is_request(
                    subject,
                    Value {
                        expr: *object,
                        ..value
                    },
                ) =>
            {
                Whose::Own
            }
            // `env.APP_URL`, as a schema for the environment gives it.
            variable if is_variable(variable) => named(variable),
            key => match value_at(
                subject,
                Value {
                    expr: *object,
                    ..value
                },
                key,
            ) {
                At::Value(value) => whose(subject, value, depth),
                _ => Whose::Another,
            },
        },
        Expr::Call { callee, args, .. } => {
            if let [argument] = &**args
                && let Expr::String(text) = record.expr(argument.value)
            {
                match called_name(record, *callee) {
                    Some("get") if matches!(&**text, "host" | "x-forwarded-host") => {
                        return Whose::Own;
                    }
                    // `env("APP_URL")`
                    _ if is_variable(text) => return named(text),
                    _ => {}
                }
            }
            let Some((module, function)) =
                subject.index().function_of(graph, value.module, *callee)
            else {
                return Whose::Another;
            };
            let returned = statements(&graph.module(module).function(function).body);
            let returned = returned.filter_map(|statement| match statement.kind {
                StmtKind::Return(Some(expr)) => Some(Value { module, expr }),
                _ => None,
            });
            let returned = returned.map(|value| whose(subject, value, depth));
            returned.max().unwrap_or(Whose::Another)
        }
        _ => Whose::Another,
    }
}

/// The function around the place is given the value under this name, by itself.
fn is_param(subject: &Subject<'_>, value: Value, name: Name) -> bool {
    let record = subject.model.graph.module(value.module);
    let index = subject.index().module(&subject.model.graph, value.module);
    let around = record.function(index.function_at(record, record.span(value.expr).start));
    let mut params = around.params.iter();
    params.any(|param| matches!(param, Pattern::Name(param) if *param == name))
}

/// `request.nextUrl`, `new URL(request.url)`
fn is_request(subject: &Subject<'_>, value: Value) -> bool {
    let made = resolve(subject, value).unwrap_or(value);
    let record = subject.model.graph.module(made.module);
    match record.expr(made.expr) {
        Expr::Member { property, .. } => record.name(*property) == "nextUrl",
        Expr::New { callee, args } => {
            called_name(record, *callee) == Some("URL")
                && args.len() == 1
                && args.first().is_some_and(|address| {
                    matches!(record.expr(address.value), Expr::Member { property, .. } if record.name(*property) == "url")
                })
        }
        _ => false,
    }
}

fn is_variable(name: &str) -> bool {
    name.contains('_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// What a variable of the environment is called says whose address it holds.
fn named(variable: &str) -> Whose {
    let variable = variable.strip_prefix("NEXT_PUBLIC_").unwrap_or(variable);
    if OWN.contains(&variable) {
        return Whose::Own;
    }
    let mut words = variable.rsplit('_');
    let is_address = words
        .next()
        .is_some_and(|last| matches!(last, "URL" | "URI" | "ORIGIN" | "HOST"));
    if is_address && words.any(|word| ITS.contains(&word)) {
        Whose::Perhaps
    } else {
        Whose::Another
    }
}

/// A handler of the application answers at the path, or a file that it serves lies there.
fn is_served(subject: &Subject<'_>, path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut urls = subject
        .app
        .routes
        .iter()
        .filter_map(|route| route.route.url.as_deref());
    urls.any(|url| fits(url, path))
        || path.starts_with('/')
            && path.contains('.')
            && subject.model.paths.iter().any(|file| {
                file.as_str()
                    .strip_suffix(path)
                    .is_some_and(|folder| folder == "public" || folder.ends_with("/public"))
            })
}

/// A path with computed parts is one of those of a route.
fn fits(url: &str, path: &str) -> bool {
    if !path.starts_with('/') {
        return false;
    }
    let mut asked = path.split('/').filter(|segment| !segment.is_empty());
    let mut named = false;
    for part in url.split('/').filter(|part| !part.is_empty()) {
        if part.starts_with("[[") {
            return named;
        }
        let Some(segment) = asked.next() else {
            return false;
        };
        if part.starts_with("[...") || part.starts_with('*') {
            return named;
        }
        named |= segment == part;
        if segment != part && !part.starts_with(['[', ':']) && !segment.contains(COMPUTED) {
            return false;
        }
    }
    named && asked.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::{Whose, fits, host_and_path, is_local, named};

    #[test]
    fn variables_say_whose_address_they_hold() {
        assert!(named("NEXTAUTH_URL") == Whose::Own);
        assert!(named("NEXT_PUBLIC_VERCEL_URL") == Whose::Own);
        assert!(named("NEXT_PUBLIC_APP_URL") == Whose::Perhaps);
        assert!(named("NEXT_PUBLIC_API_URL") == Whose::Another);
        assert!(named("BASE_RATE") == Whose::Another);
    }

    #[test]
    fn local_hosts_are_told_from_others() {
        let host = |address| host_and_path(address).map(|(host, _)| is_local(host));
        assert_eq!(host("http://localhost:3000/api/notes"), Some(true));
        assert_eq!(host("https://localhost.acme.dev/api/notes"), Some(false));
        assert_eq!(host("/api/notes"), None);
    }

    #[test]
    fn paths_are_those_of_routes() {
        assert!(fits("/api/orders/[id]", "/api/orders/\0"));
        assert!(fits("/api/[...rest]", "/api/orders/\0/items"));
        assert!(fits("/api/notes/[[...rest]]", "/api/notes"));
        assert!(!fits("/api/orders", "/api/orders/\0"));
        assert!(!fits("/api/orders", "/api/tags"));
        assert!(!fits("/[slug]", "/\0"));
        assert!(!fits("/api/orders", "\0"));
    }
}
