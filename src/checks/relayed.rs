//! What a handler hands on of what it was sent: bodies as they came, and the credentials of whoever calls.

use crate::source::Span;
use crate::syntax::{Expr, ExprId, Key, ModuleRecord, Pattern, Property, StmtKind};

use super::code::{key, numbered, root, text};
use super::handler_code::Code;
use super::index::bound;

/// Headers that say who asks.
pub(super) fn is_credential_header(name: &str) -> bool {
    ["authorization", "x-api-key", "api-key", "cookie"]
        .iter()
        .any(|header| name.eq_ignore_ascii_case(header))
}

/// `fetch(url, { body: await request.text() })`, `options.body = request.body`: what is handed on was not looked into.
pub(super) fn relays_body(record: &ModuleRecord, around: Span) -> bool {
    let as_it_came = |value: ExprId| {
        let mut value = value;
        while let Expr::Await(inner) | Expr::Conditional { then: inner, .. } = record.expr(value) {
            value = *inner;
        }
        match record.expr(value) {
            Expr::Member { property, .. } => record.name(*property) == "body",
            Expr::Call { callee, args, .. } => {
                args.is_empty()
                    && matches!(record.expr(*callee), Expr::Member { property, .. }
                        if matches!(record.name(*property), "text" | "arrayBuffer" | "blob"))
            }
            _ => false,
        }
    };
    numbered(record).any(|(id, expr)| {
        let span = record.span(id);
        if span.start < around.start || span.end > around.end {
            return false;
        }
        match expr {
            Expr::Object(properties) => properties.iter().any(|property| match property {
                Property::Value {
                    key: Key::Name(name),
                    value,
                } => record.name(*name) == "body" && as_it_came(*value),
                _ => false,
            }),
            Expr::Assign { target, value, .. } => {
                matches!(&**target, Pattern::Member(member)
                    if matches!(record.expr(*member), Expr::Member { property, .. }
                        if record.name(*property) == "body"))
                    && as_it_came(*value)
            }
            _ => false,
        }
    })
}

/// `fetch(url, { headers: { authorization: request.headers.get("authorization") } })`, `{ headers: request.headers }`,
/// `headers.cookie = cookie`, `headers.set("cookie", cookie)`: whoever is asked sees who calls.
pub(super) fn relays_credentials(record: &ModuleRecord, around: Span) -> bool {
    let sent = |name: &str, value: ExprId| {
        is_credential_header(name) && was_sent(record, around, value, 1)
    };
    let mut exprs = numbered(record).filter(|(id, _)| around.holds(record.span(*id)));
    exprs.any(|(_, expr)| match expr {
        Expr::Object(properties) => properties.iter().any(|property| {
            let Property::Value { key: name, value } = property else {
                return false;
            };
            let Some(name) = key(record, name) else {
                return false;
            };
            sent(name, *value)
                || name == "headers"
                    && matches!(record.expr(*value), Expr::Member { property, .. }
                        if record.name(*property) == "headers")
                    && was_given(record, *value)
        }),
        Expr::Assign { target, value, .. } => {
            matches!(&**target, Pattern::Member(member)
                if last_key(record, *member).is_some_and(|name| sent(name, *value)))
        }
        Expr::Call { callee, args, .. } => match (record.expr(*callee), &**args) {
            (Expr::Member { property, .. }, [name, value]) => {
                matches!(record.name(*property), "set" | "append")
                    && text(record, name.value).is_some_and(|name| sent(&name, value.value))
            }
            _ => false,
        },
        _ => false,
    })
}

/// `cookie` of `headers.cookie` and `headers["cookie"]`.
fn last_key(record: &ModuleRecord, member: ExprId) -> Option<&str> {
    match record.expr(member) {
        Expr::Member { property, .. } => Some(record.name(*property)),
        Expr::Index { index, .. } => match record.expr(*index) {
            Expr::String(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// `await provider.confirm({ token: cookies().get("pending")?.value })`: what is called is handed a cookie of whoever calls.
pub(super) fn hands_on_cookie(record: &ModuleRecord, around: Span) -> bool {
    let mut exprs = numbered(record).filter(|(id, _)| around.holds(record.span(*id)));
    exprs.any(|(_, expr)| {
        let Expr::Await(inner) = expr else {
            return false;
        };
        let Expr::Call { args, .. } = record.expr(*inner) else {
            return false;
        };
        args.iter().any(|arg| match record.expr(arg.value) {
            Expr::Object(properties) => properties.iter().any(|property| {
                matches!(property, Property::Value { value, .. }
                    if was_sent(record, around, *value, 1))
            }),
            _ => was_sent(record, around, arg.value, 1),
        })
    })
}

/// It is a part of what a function around it is called with, as the request is.
fn was_given(record: &ModuleRecord, part: ExprId) -> bool {
    let here = record.span(part);
    let Some(root) = root(record, part) else {
        return false;
    };
    let around = record.functions.iter().filter(|each| each.span.holds(here));
    let mut given = Vec::new();
    for param in around.flat_map(|function| &function.params) {
        bound(param, &mut given);
    }
    given.contains(&root)
}

/// The value is made of a credential of the request: of a header, a cookie, or a variable that holds one.
fn was_sent(record: &ModuleRecord, around: Span, value: ExprId, depth: u8) -> bool {
    let within = record.span(value);
    let mut parts = numbered(record).filter(|(id, _)| within.holds(record.span(*id)));
    parts.any(|(id, part)| match part {
        Expr::String(text) => is_credential_header(text),
        Expr::Member { property, .. } => {
            let name = record.name(*property);
            (name == "cookies" || is_credential_header(name)) && was_given(record, id)
        }
        Expr::Name(name) => {
            record.name(*name) == "cookies"
                || depth > 0
                    && Code::within(record, around, "")
                        .statements()
                        .any(|each| match &each.kind {
                            StmtKind::Let {
                                pattern: Pattern::Name(bound),
                                init: Some(init),
                            } => bound == name && was_sent(record, around, *init, depth - 1),
                            _ => false,
                        })
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::relays_credentials;
    use crate::source::Span;
    use crate::syntax::record_of;

    fn relays(body: &str) -> bool {
        let text = format!("export async function GET(request) {{\n{body}\n}}\n");
        let record = record_of(&text);
        relays_credentials(
            &record,
            Span::new(0, u32::try_from(text.len()).unwrap_or(0)),
        )
    }

    #[test]
    fn what_the_caller_sent_is_told_from_the_application_s_own() {
        assert!(relays(
            "return fetch(url, { headers: { authorization: request.headers.get('authorization') ?? '' } });"
        ));
        assert!(relays(
            "const token = cookies().get('token')?.value;\n\
             return fetch(url, { headers: { Authorization: `Bearer ${token}` } });"
        ));
        assert!(relays("return fetch(url, { headers: request.headers });"));
        assert!(!relays(
            "return fetch(url, { headers: { Authorization: `Bearer ${process.env.API_KEY}` } });"
        ));
        assert!(relays(
            "return fetch(url, { headers: { Cookie: request.headers.cookie } });"
        ));
        assert!(!relays(
            "return fetch(url, { headers: { Authorization: settings.authorization } });"
        ));
        assert!(!relays("return fetch(url, { headers: settings.headers });"));
        assert!(relays(
            "const cookie = (await headers()).get('cookie');\n\
             if (cookie) shown['Cookie'] = cookie;\n\
             return fetch(url, { headers: shown });"
        ));
        assert!(relays(
            "shown.set('Authorization', request.headers.get('authorization'));\n\
             return fetch(url, { headers: shown });"
        ));
        assert!(!relays(
            "shown['Authorization'] = `Bearer ${process.env.API_KEY}`; return fetch(url, { headers: shown });"
        ));
        assert!(!relays(
            "const key = request.headers.get('authorization'); return fetch(url);"
        ));
    }
}
