//! What the code of a handler says, by its words: whom it turns away, what it refuses, what it takes. Nothing is proved by it; it
//! tells where a finding has to be a question.

use crate::graph::Symbol;
use crate::model::RouteFacts;
use crate::routes::Entry;
use crate::source::Span;
use crate::syntax::{BinaryOp, Block, Expr, ExprId, Function, ModuleRecord, Stmt, StmtKind};

use super::code::{blocks, numbered, statements};
use super::subject::Subject;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The text of a handler.
pub(super) struct Code<'a> {
    pub record: &'a ModuleRecord,
    around: Span,
    /// What other methods alone run.
    without: Vec<Span>,
}

impl<'a> Code<'a> {
    pub(super) fn of(subject: &Subject<'a>, route: &RouteFacts) -> Self {
        let (record, around) = text_of(subject, route);
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

    pub(super) fn holds(&self, span: Span) -> bool {
        self.around.holds(span) && !self.without.iter().any(|other| other.holds(span))
    }

    pub(super) fn functions(&self) -> impl Iterator<Item = &'a Function> {
        let functions = self.record.functions.iter().skip(1);
        functions.filter(|each| self.holds(each.span))
    }

    pub(super) fn statements(&self) -> impl Iterator<Item = &'a Stmt> {
        let statements = self.functions().flat_map(|each| statements(&each.body));
        statements.filter(|each| self.holds(each.span))
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = &'a Block> {
        let blocks = self.functions().flat_map(|each| blocks(&each.body));
        blocks.filter(|block| block.first().is_some_and(|first| self.holds(first.span)))
    }

    pub(super) fn exprs(&self) -> impl Iterator<Item = &'a Expr> {
        self.numbered().map(|(_, expr)| expr)
    }

    /// The expressions, each with its number in the module.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (ExprId, &'a Expr)> {
        let record = self.record;
        numbered(record).filter(move |(id, _)| self.holds(record.span(*id)))
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
                        (BinaryOp::Equal { .. }, Some(name)) if name != method => add(then),
                        (BinaryOp::Equal { .. }, Some(_)) => add(otherwise),
                        (BinaryOp::NotEqual { .. }, Some(name)) if name == method => add(then),
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

/// Where a handler is written: the function that is exported or registered, else what registers it.
pub(super) fn text_of<'a>(subject: &Subject<'a>, route: &RouteFacts) -> (&'a ModuleRecord, Span) {
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
    match symbol {
        Some(Symbol::Local { module, name }) => {
            let part = subject.index().module(graph, module);
            let declared = part.declares(name);
            declared.map_or(written, |at| (graph.module(module), part.part_span(at)))
        }
        _ => written,
    }
}

/// What the code says to those whom it turns away: `401`, or a text with one of these in it.
pub(super) fn turned_away(code: &Code<'_>, texts: &[String]) -> Option<String> {
    code.exprs().find_map(|expr| match expr {
        Expr::Number(number) if [401.0, 403.0].contains(number) => Some(format!("{number}")),
        Expr::String(text) if text.len() < 60 => {
            let lower = text.to_ascii_lowercase();
            let said = texts.iter().any(|each| lower.contains(each));
            said.then(|| format!("\"{text}\""))
        }
        _ => None,
    })
}

/// The status with which the code turns away who has had enough, on a condition of its own: `402`, `429`. What another service says of
/// that is only handed on: in a catch, or where its status is asked for.
pub(super) fn told_enough(code: &Code<'_>) -> Option<u16> {
    let record = code.record;
    let status = |expr: &Expr| match expr {
        Expr::Number(number) if *number == 402.0 => Some(402),
        Expr::Number(number) if *number == 429.0 => Some(429),
        _ => None,
    };
    let within = |around: Span| {
        let exprs = numbered(record);
        exprs.filter(move |(id, _)| around.holds(record.span(*id)))
    };
    let span = |block: &Block| Some(Span::new(block.first()?.span.start, block.last()?.span.end));
    let caught = code.statements().filter_map(|each| match &each.kind {
        StmtKind::Try { handler, .. } => span(&handler.as_ref()?.body),
        _ => None,
    });
    let caught: Vec<Span> = caught.collect();
    let handed_on = |test: ExprId| {
        within(record.span(test)).any(|(_, expr)| match expr {
            Expr::Member { property, .. } => {
                matches!(
                    record.name(*property),
                    "ok" | "status" | "statusCode" | "code"
                )
            }
            Expr::String(text) => text.contains("429"),
            expr => status(expr).is_some(),
        })
    };
    let said = |statement: &Stmt| {
        let mut leaves = matches!(
            statement.kind,
            StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Expr(_)
        );
        leaves &= !within(statement.span).any(|(_, expr)| matches!(expr, Expr::Conditional { .. }));
        let mut told = within(statement.span).filter_map(|(_, expr)| status(expr));
        told.next().filter(|_| leaves)
    };
    code.statements().find_map(|each| {
        let StmtKind::If { test, then, .. } = &each.kind else {
            return None;
        };
        let told = then.iter().find_map(said)?;
        let own = !caught.iter().any(|span| span.holds(each.span)) && !handed_on(*test);
        own.then_some(told)
    })
}

/// What the code says of what it was sent and does not take.
pub(super) fn refused(code: &Code<'_>, texts: &[String]) -> bool {
    code.exprs().any(|expr| match expr {
        Expr::Number(number) => [400.0, 422.0].contains(number),
        Expr::String(text) if text.len() < 80 => {
            let lower = text.to_ascii_lowercase();
            texts.iter().any(|each| lower.contains(each))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{Code, told_enough, turned_away};
    use crate::source::Span;
    use crate::syntax::record_of as record;

    #[test]
    fn what_other_methods_say_is_not_said_to_this_one() {
        let both = record(
            "export default function handle(req, res) {\n  if (req.method === \"PUT\") {\n    return res.status(401).end();\n  }\n  return res.end();\n}\n",
        );
        let said = |method: &str| {
            let code = Code::within(&both, Span::new(0, u32::MAX), method);
            turned_away(&code, &[])
        };
        assert_eq!(said("PUT").as_deref(), Some("401"));
        assert_eq!(said("POST"), None);
    }

    #[test]
    fn who_has_had_enough_is_told_so() {
        let told = |body: &str| {
            let text = format!("export async function POST(request) {{\n{body}\n}}\n");
            told_enough(&Code::within(
                &record(&text),
                Span::new(0, u32::MAX),
                "POST",
            ))
        };
        let own = "const used = await count();\nif (used.left < 1) {\n  return Response.json({}, { status: 402 });\n}";
        assert_eq!(told(own), Some(402));
        let thrown = "if (await usedUp()) throw new TooMany({ statusCode: 429 });";
        assert_eq!(told(thrown), Some(429));
        let caught = format!("try {{ await ask(); }} catch (error) {{\n{own}\n}}");
        assert_eq!(told(&caught), None);
        let handed_on = "if (answer.status === 429) return Response.json({}, { status: 429 });";
        assert_eq!(told(handed_on), None);
        let failed = "if (!answer.ok) return Response.json({}, { status: 429 });";
        assert_eq!(told(failed), None);
    }
}
