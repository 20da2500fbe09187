//! Who pays for what an application asks of paid services: itself, or those who call it with keys of their own.

use crate::graph::Graph;
use crate::syntax::{Expr, ExprId, Key, ModuleRecord, Property};

use super::dependency::is_of;
use super::words::words;

/// Words of variables that hold a key.
const KEYS: [&str; 3] = ["key", "token", "secret"];

/// No module that uses one of the packages has a key of the application's own, and some take one that they are given.
pub(super) fn callers_pay(graph: &Graph, packages: &[String]) -> bool {
    let is_paid = |specifier: &str| packages.iter().any(|each| is_of(each, specifier));
    let mut brought = false;
    for (_, record) in graph.modules() {
        let mut requests = record.requests.iter();
        if !requests.any(|request| !request.type_only && is_paid(&request.specifier)) {
            continue;
        }
        if reads_keys(record) || asks_with_defaults(record, &is_paid) {
            return false;
        }
        brought |= is_given_keys(record);
    }
    brought
}

/// `process.env.OPENAI_API_KEY`
fn reads_keys(record: &ModuleRecord) -> bool {
    let mut reads = record.facts.env_reads.iter();
    reads.any(|(name, _)| words(name).iter().any(|word| KEYS.contains(&&**word)))
}

/// The module asks with what the package takes from the environment by itself: `openai("gpt-4o")`, `new OpenAI()`.
fn asks_with_defaults(record: &ModuleRecord, is_paid: &impl Fn(&str) -> bool) -> bool {
    let from_paid = |callee: ExprId| {
        let Expr::Name(name) = record.expr(callee) else {
            return false;
        };
        let mut imports = record.imports.iter();
        imports.any(|import| import.local == *name && is_paid(&import.specifier))
    };
    record.exprs.iter().any(|expr| match expr {
        Expr::Call { callee, args, .. } => {
            let named = args.first().map(|first| record.expr(first.value));
            matches!(named, Some(Expr::String(_))) && from_paid(*callee)
        }
        Expr::New { callee, args } => args.is_empty() && from_paid(*callee),
        _ => false,
    })
}

/// A key is taken from what the module's code is given: `{ apiKey: settings.apiKey }`.
fn is_given_keys(record: &ModuleRecord) -> bool {
    let is_given = |value: ExprId| match record.expr(value) {
        Expr::Member { object, .. } => match record.expr(*object) {
            Expr::Name(from) => !words(record.name(*from)).iter().any(|word| word == "env"),
            _ => false,
        },
        _ => false,
    };
    record.exprs.iter().any(|expr| match expr {
        Expr::Object(properties) => properties.iter().any(|property| {
            matches!(property, Property::Value { key: Key::Name(key), value }
                if record.name(*key) == "apiKey" && is_given(*value))
        }),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{asks_with_defaults, is_given_keys, reads_keys};
    use crate::syntax::record_of as record;

    #[test]
    fn whose_key_is_used() {
        let is_paid = |specifier: &str| specifier == "@ai-sdk/openai";
        let brought = record(
            "import { createOpenAI } from \"@ai-sdk/openai\";\nexport const make = (s) => createOpenAI({ apiKey: s.apiKey });\nconst mode = process.env.NODE_ENV;\n",
        );
        assert!(is_given_keys(&brought));
        assert!(!reads_keys(&brought));
        assert!(!asks_with_defaults(&brought, &is_paid));
        let own = record(
            "import { openai } from \"@ai-sdk/openai\";\nexport const model = openai(\"gpt-4o\");\n",
        );
        assert!(asks_with_defaults(&own, &is_paid));
        let read = record("const client = new OpenAI({ apiKey: process.env.OPENAI_API_KEY });\n");
        assert!(reads_keys(&read));
        assert!(!is_given_keys(&read));
        let checked = record("const client = new OpenAI({ apiKey: env.OPENAI_API_KEY });\n");
        assert!(!is_given_keys(&checked));
    }
}
