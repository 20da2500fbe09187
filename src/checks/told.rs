//! What a handler's answers tell whoever calls it: yes or no, a picture.

use crate::model::RouteFacts;
use crate::syntax::{
    BinaryOp, Expr, ExprId, LogicalOp, Name, Pattern, Property, StmtKind, UnaryOp,
};

use super::code::{called_name, key};
use super::doubts::is_dynamic;
use super::handler_code::Code;
use super::subject::Subject;
use super::words::words;

/// How far values are followed to where they come from.
const MAX_STEPS: u8 = 4;

/// What functions begin with that tell whether something is so.
const ASKING: [&str; 5] = ["is", "has", "can", "should", "exists"];

/// The keys of answers that only tell of a failure.
const FAILURES: [&str; 4] = ["error", "errors", "message", "success"];

/// What addresses of pictures end with.
const PICTURES: [&str; 16] = [
    "avatar",
    "avatars",
    "favicon",
    "icon",
    "icons",
    "image",
    "images",
    "logo",
    "logos",
    "media",
    "medias",
    "photo",
    "picture",
    "pictures",
    "thumbnail",
    "thumbnails",
];

/// All that the handler answers of what it looked up is whether something is so: `{ available: !found.length }`.
pub(super) fn only_says_whether(subject: &Subject<'_>, route: &RouteFacts) -> bool {
    let code = Code::of(subject, route);
    let Some(values) = answered(&code) else {
        return false;
    };
    let mut told = values
        .into_iter()
        .filter(|value| !is_failure(&code, *value));
    let says = |value: ExprId| {
        match code.record.expr(value) {
        Expr::Object(properties) => properties.iter().all(|property| {
            matches!(property, Property::Value { value, .. } if says_whether(&code, *value, MAX_STEPS))
        }),
        _ => says_whether(&code, value, MAX_STEPS),
    }
    };
    told.next().is_some_and(says) && told.all(says)
}

/// A picture that whoever knows its address is shown: the address names one, and what is answered is no data.
pub(super) fn shows_picture(subject: &Subject<'_>, route: &RouteFacts) -> bool {
    let url = route.route.url.as_deref().unwrap_or("");
    let mut segments = url.rsplit('/').filter(|segment| !is_dynamic(segment));
    let named = segments.next().is_some_and(|segment| {
        let words = words(segment);
        words.last().is_some_and(|last| PICTURES.contains(&&**last))
    });
    if !named {
        return false;
    }
    let code = Code::of(subject, route);
    let record = code.record;
    let mut exprs = code.exprs();
    let plain = exprs.any(|expr| match expr {
        Expr::New { callee, args } => {
            matches!(
                called_name(record, *callee),
                Some("Response" | "NextResponse")
            ) && args.first().is_some_and(|body| {
                matches!(record.expr(body.value), Expr::Name(_) | Expr::Member { .. })
            })
        }
        _ => false,
    });
    plain
        && answered(&code)
            .is_some_and(|values| values.iter().all(|value| is_failure(&code, *value)))
}

/// What is answered as JSON; `None` where something is answered in another way that cannot be told.
fn answered(code: &Code<'_>) -> Option<Vec<ExprId>> {
    let record = code.record;
    let mut found = Vec::new();
    for expr in code.exprs() {
        let Expr::Call { callee, args, .. } = expr else {
            continue;
        };
        let Some(first) = args.first() else {
            continue;
        };
        match called_name(record, *callee) {
            // Of a request it is called without anything.
            Some("json" | "stringify") => found.push(first.value),
            Some("send" | "end" | "write" | "pipe" | "render" | "redirect") => return None,
            _ => {}
        }
    }
    Some(found)
}

fn is_failure(code: &Code<'_>, value: ExprId) -> bool {
    let record = code.record;
    let Expr::Object(properties) = record.expr(value) else {
        return false;
    };
    let only = |property: &Property| match property {
        Property::Value { key: name, .. } => {
            key(record, name).is_some_and(|name| FAILURES.contains(&name))
        }
        _ => false,
    };
    properties.iter().all(only)
}

/// `!found`, `count > 0`, `await isOpen()`, or a variable that holds such a value.
fn says_whether(code: &Code<'_>, value: ExprId, steps: u8) -> bool {
    let Some(steps) = steps.checked_sub(1) else {
        return false;
    };
    let record = code.record;
    match record.expr(value) {
        Expr::Bool(_)
        | Expr::Unary {
            op: UnaryOp::Not, ..
        } => true,
        Expr::Binary { op, .. } => compares(*op),
        Expr::Logical {
            op: LogicalOp::And | LogicalOp::Or,
            left,
            right,
        } => says_whether(code, *left, steps) && says_whether(code, *right, steps),
        Expr::Await(inner) => says_whether(code, *inner, steps),
        Expr::Call { callee, .. } => called_name(record, *callee).is_some_and(|name| {
            let words = words(name);
            name == "Boolean"
                || words
                    .first()
                    .is_some_and(|first| ASKING.contains(&&**first))
        }),
        Expr::Name(name) => held(code, *name).is_some_and(|value| says_whether(code, value, steps)),
        _ => false,
    }
}

fn compares(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Equal { .. }
            | BinaryOp::NotEqual { .. }
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual
            | BinaryOp::Instanceof
            | BinaryOp::In
    )
}

/// What a variable of the handler is made with.
fn held(code: &Code<'_>, name: Name) -> Option<ExprId> {
    code.statements()
        .find_map(|statement| match statement.kind {
            StmtKind::Let {
                pattern: Pattern::Name(local),
                init,
            } if local == name => init,
            _ => None,
        })
}
