//! Modules that a test puts something else in the place of: what it then imports from them runs nothing of theirs.

use crate::syntax::{Argument, Expr, ModuleRecord};

use super::link::{Graph, Link, ModuleId};

/// What tests call to replace a module, by the object and its member (vitest, Jest, `bun:test`, `node:test`).
const REPLACING: [(&str, &[&str]); 3] = [
    ("vi", &["mock", "doMock"]),
    ("jest", &["mock", "doMock", "unstable_mockModule"]),
    ("mock", &["module"]),
];

/// What gives a replacement parts of the module itself.
const PARTS_OF_IT: [&str; 2] = ["importActual", "requireActual"];

impl Graph {
    /// The modules that a test replaces wholly.
    #[must_use]
    pub fn replaced_by(&self, test: ModuleId) -> Vec<ModuleId> {
        let record = self.module(test);
        let mut replaced = Vec::new();
        if !REPLACING
            .iter()
            .any(|(object, _)| record.find_name(object).is_some())
        {
            return replaced;
        }
        for expr in &record.exprs {
            let Expr::Call { callee, args, .. } = expr else {
                continue;
            };
            let Expr::Member {
                object, property, ..
            } = record.expr(*callee)
            else {
                continue;
            };
            let Expr::Name(object) = record.expr(*object) else {
                continue;
            };
            let (object, member) = (record.name(*object), record.name(*property));
            let replaces = REPLACING
                .iter()
                .any(|(by, members)| *by == object && members.contains(&member));
            if let (true, Some(specifier)) = (replaces, named(record, args))
                && !keeps_parts(record, args)
                && let Link::Module(module) = self.link(test, specifier)
            {
                replaced.push(module);
            }
        }
        replaced
    }
}

/// `"./mailer"`, `import("./mailer")`
fn named<'r>(record: &'r ModuleRecord, args: &[Argument]) -> Option<&'r str> {
    let mut first = record.expr(args.first()?.value);
    if let Expr::Import(specifier) = first {
        first = record.expr(*specifier);
    }
    match first {
        Expr::String(text) => Some(text),
        _ => None,
    }
}

/// What makes the replacement is given the module (vitest hands it `importOriginal`), asks for it, or only watches it.
fn keeps_parts(record: &ModuleRecord, args: &[Argument]) -> bool {
    let Some(maker) = args.get(1) else {
        return false;
    };
    let Expr::Function(function) = record.expr(maker.value) else {
        return true;
    };
    let function = record.function(*function);
    let parts = PARTS_OF_IT.map(|name| record.find_name(name));
    if parts.iter().all(Option::is_none) {
        return !function.params.is_empty();
    }
    let inside = |at: &usize| {
        let span = record.spans.get(*at);
        span.is_some_and(|span| function.span.start <= span.start && span.end <= function.span.end)
    };
    !function.params.is_empty()
        || (0..record.exprs.len()).filter(inside).any(|at| {
            matches!(record.exprs.get(at), Some(Expr::Member { property, .. })
                if parts.contains(&Some(*property)))
        })
}
