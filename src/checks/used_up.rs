//! What a handler is sent and uses up: a token that is deleted before a letter is sent, a link that works once.

use crate::source::Span;
use crate::syntax::{Expr, ExprId, Name, Pattern, StmtKind};

use super::code::called_name;
use super::handler_code::Code;
use super::index::bound;
use super::published::INPUTS;
use super::words::words;

/// Words with which the name of a function begins that takes what it is given out of the world.
const USING_UP: [&str; 9] = [
    "burn",
    "claim",
    "consume",
    "delete",
    "destroy",
    "expire",
    "invalidate",
    "redeem",
    "remove",
];
/// Words with which the name of a function begins that looks something up.
const FINDING: [&str; 5] = ["find", "get", "load", "lookup", "select"];
/// Words in the name of a function that sends letters.
const SENDING: [&str; 4] = ["send", "mail", "email", "notify"];
/// Words with which the name of something ends that is good for one call.
const TOKENS: [&str; 3] = ["token", "nonce", "ticket"];
/// The same of what is only good for one call where the row that it names is gone afterwards.
const IDENTIFIERS: [&str; 1] = ["id"];

/// A token that the handler is sent is used up before it sends anything; or the row that it looks up by an identifier is gone
/// afterwards.
pub(super) fn uses_up(code: &Code<'_>) -> bool {
    let record = code.record;
    let calls = code.numbered().filter_map(|(id, expr)| match expr {
        Expr::Call { callee, .. } => Some((words(called_name(record, *callee)?), id)),
        _ => None,
    });
    let calls: Vec<(Vec<String>, ExprId)> = calls.collect();
    let begins = |words: &[String], with: &[&str]| {
        let first = words.first();
        first.is_some_and(|first| with.contains(&first.as_str()))
    };
    let mut ends = calls.iter().filter(|(words, _)| begins(words, &USING_UP));
    if ends.clone().next().is_none() {
        return false;
    }
    let sent = sent(code);
    let takes = |call: ExprId, names: &[&str]| {
        let around = chain(code, call);
        let mut inside = code
            .numbered()
            .filter(|(id, _)| around.holds(record.span(*id)));
        inside.any(|(_, expr)| {
            let name = match expr {
                Expr::Name(name) if sent.contains(name) => *name,
                Expr::Member {
                    object, property, ..
                } if called_name(record, *object).is_some_and(|from| INPUTS.contains(&from)) => {
                    *property
                }
                _ => return false,
            };
            let last = words(record.name(name)).pop();
            last.is_some_and(|last| names.contains(&last.as_str()))
        })
    };
    ends.any(|(_, end)| {
        let before = || {
            let here = record.span(*end).start;
            let earlier = move |call: &&(Vec<String>, ExprId)| record.span(call.1).start < here;
            calls.iter().filter(earlier)
        };
        let sends = |words: &[String]| words.iter().any(|word| SENDING.contains(&word.as_str()));
        let is_found = |(words, call): &(Vec<String>, ExprId)| {
            begins(words, &FINDING) && takes(*call, &IDENTIFIERS)
        };
        takes(*end, &TOKENS) && !before().any(|(words, _)| sends(words))
            || takes(*end, &IDENTIFIERS) && before().any(is_found)
    })
}

/// What the handler takes apart of what it is given and what it is sent: `const { token } = await request.json()`.
fn sent(code: &Code<'_>) -> Vec<Name> {
    let mut names = Vec::new();
    let mut add = |pattern: &Pattern| {
        if matches!(pattern, Pattern::Object { .. }) {
            bound(pattern, &mut names);
        }
    };
    for function in code.functions() {
        function.params.iter().for_each(&mut add);
    }
    for statement in code.statements() {
        if let StmtKind::Let { pattern, .. } = &statement.kind {
            add(pattern);
        }
    }
    names
}

/// The call with those that are chained to it: `tx.delete(links).where(…)`.
fn chain(code: &Code<'_>, call: ExprId) -> Span {
    let record = code.record;
    let start = record.span(call).start;
    let calls = code
        .numbered()
        .filter(|(id, expr)| matches!(expr, Expr::Call { .. }) && record.span(*id).start == start);
    let end = calls.map(|(id, _)| record.span(id).end).max();
    Span::new(start, end.unwrap_or(start))
}

#[cfg(test)]
mod tests {
    use super::uses_up;
    use crate::checks::handler_code::Code;
    use crate::source::Span;
    use crate::syntax::record_of;

    fn is_used_up(body: &str) -> bool {
        let text = format!("export async function POST(request) {{\n{body}\n}}\n");
        let record = record_of(&text);
        let end = u32::try_from(text.len()).unwrap_or(0);
        uses_up(&Code::within(&record, Span::new(0, end), "POST"))
    }

    #[test]
    fn tokens_and_links_that_work_once() {
        let sent = "const { email, expiredToken, id } = await request.json();\n";
        let used = |rest: &str| is_used_up(&format!("{sent}{rest}"));
        assert!(used(
            "await deleteToken(expiredToken);\nawait sendMail(email);"
        ));
        assert!(!used(
            "await sendMail(email);\nawait deleteToken(expiredToken);"
        ));
        assert!(!used("await deleteToken(email);\nawait sendMail(email);"));
        assert!(used(
            "const [link] = await db.select().from(links).where(eq(links.id, id));\n\
             await db.delete(links).where(eq(links.id, id));"
        ));
        assert!(!used("await db.delete(links).where(eq(links.id, id));"));
        assert!(is_used_up(
            "await prisma.invite.delete({ where: { token: body.inviteToken } });"
        ));
    }
}
