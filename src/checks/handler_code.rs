//! What the code of a handler says, by its words: whom it turns away, what it refuses, what it takes. Nothing is proved by it; it
//! tells where a finding has to be a question.

use crate::graph::Symbol;
use crate::model::RouteFacts;
use crate::routes::Entry;
use crate::source::Span;
use crate::syntax::{
    BinaryOp, Block, Expr, ExprId, Function, Key, ModuleRecord, Name, Pattern, Stmt, StmtKind,
};

use super::code::statements;
use super::subject::Subject;
use super::words::words;

/// What handlers say of what they were sent and do not take.
const REFUSALS: [&str; 6] = [
    "required", "missing", "invalid", "must be", "is empty", "is_empty",
];
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// Words with which a name begins that switches something.
const SWITCHES: [&str; 9] = [
    "is", "has", "enable", "enabled", "disable", "allow", "should", "show", "toggle",
];
/// Words with which a name ends that only says which one is meant.
const IDENTIFIES: [&str; 7] = ["id", "ids", "uuid", "slug", "slugs", "cuid", "ulid"];
/// What handlers say to those whom they turn away for who they are.
const TURNED_AWAY: [&str; 6] = [
    "unauthorized",
    "unauthorised",
    "unauthenticated",
    "forbidden",
    "invalid signature",
    "invalid api key",
];

/// The text of a handler.
pub(super) struct Code<'a> {
    pub record: &'a ModuleRecord,
    around: Span,
    /// What other methods alone run.
    without: Vec<Span>,
}

impl<'a> Code<'a> {
    /// The function that is exported or registered, else what registers it.
    pub(super) fn of(subject: &Subject<'a>, route: &RouteFacts) -> Self {
        let graph = &subject.model.graph;
        let symbol = match &route.route.entry {
            Entry::Export(name) => Some(graph.export(route.route.module, name)),
            Entry::Chain(layers) => {
                let mut layers = layers.iter().rev();
                let last = layers.find(|layer| !layer.handles_errors);
                last.and_then(|layer| match graph.module(layer.module).expr(layer.expr) {
                    Expr::Name(name) => graph.binding(layer.module, *name),
                    _ => None,
                })
            }
            _ => None,
        };
        let written = (graph.module(route.route.module), route.route.span);
        let (record, around) = match symbol {
            Some(Symbol::Local { module, name }) => {
                let part = subject.index().module(graph, module);
                let declared = part.declares(name);
                declared.map_or(written, |at| (graph.module(module), part.part_span(at)))
            }
            _ => written,
        };
        Self::within(record, around, route.route.http_method())
    }

    pub(super) fn within(record: &'a ModuleRecord, around: Span, method: &str) -> Self {
        let mut code = Self {
            record,
            around,
            without: Vec::new(),
        };
        if METHODS.contains(&method) {
            code.without = code.of_others(method);
        }
        code
    }

    fn holds(&self, span: Span) -> bool {
        holds(self.around, span) && !self.without.iter().any(|other| holds(*other, span))
    }

    fn functions(&self) -> impl Iterator<Item = &'a Function> {
        let functions = self.record.functions.iter().skip(1);
        functions.filter(|each| self.holds(each.span))
    }

    fn statements(&self) -> impl Iterator<Item = &'a Stmt> {
        let statements = self.functions().flat_map(|each| statements(&each.body));
        statements.filter(|each| self.holds(each.span))
    }

    pub(super) fn exprs(&self) -> impl Iterator<Item = &'a Expr> {
        let exprs = self.record.exprs.iter().zip(&self.record.spans);
        exprs
            .filter(|(_, span)| self.holds(**span))
            .map(|(expr, _)| expr)
    }

    /// The branches for other methods: `if (request.method === "PUT") { … }`.
    fn of_others(&self, method: &str) -> Vec<Span> {
        let mut found = Vec::new();
        let mut add = |block: &Block| {
            if let (Some(first), Some(last)) = (block.first(), block.last()) {
                found.push(Span::new(first.span.start, last.span.end));
            }
        };
        let named = |expr: ExprId| match self.record.expr(expr) {
            Expr::String(text) if METHODS.contains(&&**text) => Some(&**text),
            _ => None,
        };
        for statement in self.statements() {
            match &statement.kind {
                StmtKind::If {
                    test,
                    then,
                    otherwise,
                } => {
                    let Expr::Binary { op, left, right } = self.record.expr(*test) else {
                        continue;
                    };
                    match (op, named(*left).or_else(|| named(*right))) {
                        (BinaryOp::Equal, Some(name)) if name != method => add(then),
                        (BinaryOp::Equal, Some(_)) => add(otherwise),
                        (BinaryOp::NotEqual, Some(name)) if name == method => add(then),
                        _ => {}
                    }
                }
                StmtKind::Switch { cases, .. } => {
                    for case in cases {
                        let name = case.test.and_then(named);
                        if name.is_some_and(|name| name != method) {
                            add(&case.body);
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }
}

fn holds(around: Span, span: Span) -> bool {
    around.start <= span.start && span.end <= around.end
}

/// What the code says to those whom it turns away: `401`, `Unauthorized`.
pub(super) fn turned_away(code: &Code<'_>) -> Option<String> {
    code.exprs().find_map(|expr| match expr {
        Expr::Number(number) if [401.0, 403.0].contains(number) => Some(format!("{number}")),
        Expr::String(text) if text.len() < 60 => {
            let lower = text.to_ascii_lowercase();
            let said = TURNED_AWAY.iter().any(|each| lower.contains(each));
            said.then(|| format!("\"{text}\""))
        }
        _ => None,
    })
}

/// All that the pattern binds are names of one that is meant, or switches.
fn identifies(record: &ModuleRecord, pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Name(name) => only_names(record.name(*name)),
        Pattern::Default { pattern, .. } => identifies(record, pattern),
        Pattern::Object {
            properties,
            rest: None,
        } => properties.iter().all(|(key, _)| match key {
            Key::Name(name) => only_names(record.name(*name)),
            Key::Computed(_) => false,
        }),
        _ => false,
    }
}

/// Of what the variable holds nothing else is used: `note.id`, `note.author.slug`.
fn only_parts_identify(code: &Code<'_>, name: Name) -> bool {
    let record = code.record;
    let mut whole = 0usize;
    let mut parts: Vec<Name> = Vec::new();
    let mut inner = 0usize;
    for expr in code.exprs() {
        match expr {
            Expr::Name(other) if *other == name => whole += 1,
            Expr::Member {
                object, property, ..
            } => match record.expr(*object) {
                Expr::Name(other) if *other == name => parts.push(*property),
                Expr::Member {
                    object: first,
                    property: through,
                    ..
                } if matches!(record.expr(*first), Expr::Name(other) if *other == name) => {
                    // The part itself is only gone through.
                    if let Some(at) = parts.iter().position(|part| part == through) {
                        parts.remove(at);
                        inner += 1;
                    }
                    if !only_names(record.name(*property)) {
                        return false;
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    whole > 0
        && whole == parts.len() + inner
        && parts.iter().all(|part| only_names(record.name(*part)))
}

fn only_names(name: &str) -> bool {
    let words = words(name);
    let is =
        |word: Option<&String>, list: &[&str]| word.is_some_and(|word| list.contains(&&**word));
    is(words.last(), &IDENTIFIES) || is(words.first(), &SWITCHES)
}

/// `request.json()`, `req.body`, awaited or not.
fn is_body(record: &ModuleRecord, expr: ExprId) -> bool {
    match record.expr(expr) {
        Expr::Await(inner) => is_body(record, *inner),
        expr => reads_body(record, expr),
    }
}

fn reads_body(record: &ModuleRecord, expr: &Expr) -> bool {
    match expr {
        Expr::Call { callee, args, .. } => {
            args.is_empty()
                && matches!(record.expr(*callee), Expr::Member { object, property, .. }
                    if matches!(record.name(*property), "json" | "formData" | "text")
                        && !is_answer(record, *object))
        }
        Expr::Member { property, .. } => record.name(*property) == "body",
        _ => false,
    }
}

/// `response`: what another service answered.
fn is_answer(record: &ModuleRecord, expr: ExprId) -> bool {
    matches!(record.expr(expr), Expr::Name(name)
        if matches!(record.name(*name), "response" | "res" | "resp" | "answer" | "result"))
}

/// `searchParams`, `req.query`, `formData`.
fn is_query(record: &ModuleRecord, expr: ExprId) -> bool {
    let name = match record.expr(expr) {
        Expr::Name(name) => *name,
        Expr::Member { property, .. } => *property,
        _ => return false,
    };
    matches!(record.name(name), "searchParams" | "query" | "formData")
}

/// The word of `searchParams.get("word")`.
fn asked_of_query<'r>(record: &'r ModuleRecord, expr: &Expr) -> Option<&'r str> {
    let Expr::Call { callee, args, .. } = expr else {
        return None;
    };
    let Expr::Member {
        object, property, ..
    } = record.expr(*callee)
    else {
        return None;
    };
    let [word] = &**args else { return None };
    match record.expr(word.value) {
        Expr::String(text) if is_query(record, *object) && record.name(*property) == "get" => {
            Some(text)
        }
        _ => None,
    }
}

/// All that is sent only says which one is meant.
pub(super) fn only_identifies(code: &Code<'_>, route: &RouteFacts) -> bool {
    let record = code.record;
    if route.route.url.is_none() {
        let action = code
            .functions()
            .max_by_key(|each| each.span.end - each.span.start);
        return action.is_some_and(|action| match action.params.first() {
            Some(Pattern::Name(name)) if record.name(*name) == "formData" => {
                let asked = code.exprs().filter_map(|expr| asked_of_query(record, expr));
                let mut asked = asked.peekable();
                asked.peek().is_some() && asked.all(only_names)
            }
            Some(_) => action.params.iter().all(|each| {
                identifies(record, each)
                    || matches!(each, Pattern::Name(name) if only_parts_identify(code, *name))
            }),
            None => false,
        });
    }
    // Every reading has to be one that is taken apart on the spot.
    let mut apart = 0usize;
    let mut bodies = 0usize;
    for statement in code.statements() {
        let StmtKind::Let {
            pattern: pattern @ Pattern::Object { .. },
            init: Some(init),
        } = &statement.kind
        else {
            continue;
        };
        let body = is_body(record, *init);
        if body || is_query(record, *init) {
            if !identifies(record, pattern) {
                return false;
            }
            apart += 1;
            bodies += usize::from(body);
        }
    }
    for expr in code.exprs() {
        if reads_body(record, expr) {
            // More of them than were taken apart.
            let Some(left) = bodies.checked_sub(1) else {
                return false;
            };
            bodies = left;
        }
        if let Some(name) = asked_of_query(record, expr) {
            if !only_names(name) {
                return false;
            }
            apart += 1;
        }
    }
    apart > 0
}

/// What the code says of what it was sent and does not take.
pub(super) fn refused(code: &Code<'_>) -> bool {
    code.exprs().any(|expr| match expr {
        Expr::Number(number) => [400.0, 422.0].contains(number),
        Expr::String(text) if text.len() < 80 => {
            let lower = text.to_ascii_lowercase();
            REFUSALS.iter().any(|each| lower.contains(each))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{Code, only_names, turned_away};
    use crate::source::{RepoPath, SourceFile, Span};
    use crate::syntax::{ModuleRecord, ParseOptions, PatternSet, parse_module};

    fn record(text: &str) -> ModuleRecord {
        let patterns = PatternSet::default();
        let file = SourceFile::new(RepoPath::new("a.ts"), text);
        parse_module(
            &file,
            ParseOptions {
                patterns: &patterns,
            },
        )
    }

    #[test]
    fn what_other_methods_say_is_not_said_to_this_one() {
        let both = record(
            "export default function handle(req, res) {\n  if (req.method === \"PUT\") {\n    return res.status(401).end();\n  }\n  return res.end();\n}\n",
        );
        let said = |method: &str| {
            let code = Code::within(&both, Span::new(0, u32::MAX), method);
            turned_away(&code)
        };
        assert_eq!(said("PUT").as_deref(), Some("401"));
        assert_eq!(said("POST"), None);
    }

    #[test]
    fn names_that_only_say_which_one() {
        assert!(only_names("documentId"));
        assert!(only_names("isArchived"));
        assert!(!only_names("title"));
    }
}
