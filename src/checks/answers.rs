//! The answers that code gives: their status, their body, and what a caught error says in it.

use rustc_hash::FxHashSet;

use crate::graph::ModuleId;
use crate::syntax::{
    Argument, BinaryOp, Expr, ExprId, FunctionId, LogicalOp, ModuleRecord, Name, Pattern, Property,
    Stmt, StmtKind, UnaryOp,
};

use super::code::{called_name, property};
use super::subject::Subject;

/// How far errors are followed into functions.
const DEPTH: u8 = 3;
/// Properties of an error that tell what went on inside.
const TELLING: [&str; 3] = ["message", "stack", "cause"];

/// The status of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Code {
    /// Written as a number, or 200 where none is.
    Number(u16),
    /// Computed.
    Unknown,
}

/// A call that answers the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// The body.
    pub body: ExprId,
    /// The status.
    pub code: Code,
    /// No status is written.
    pub plain: bool,
    /// The status may have been set by an earlier statement: `res.status(500)`.
    pub by_response: bool,
}

/// The answer that an expression gives.
pub(super) fn answer(record: &ModuleRecord, expr: ExprId) -> Option<Answer> {
    match record.expr(expr) {
        Expr::New { callee, args } => {
            let Expr::Name(class) = record.expr(*callee) else {
                return None;
            };
            matches!(record.name(*class), "Response" | "NextResponse")
                .then(|| with_init(record, args))?
        }
        Expr::Call { callee, args, .. } => {
            let Expr::Member {
                object, property, ..
            } = record.expr(*callee)
            else {
                return None;
            };
            let method = record.name(*property);
            match record.expr(*object) {
                Expr::Name(name) => match record.name(*name) {
                    "NextResponse" | "Response" if method == "json" => with_init(record, args),
                    "res" | "response" | "reply" if matches!(method, "json" | "send" | "end") => {
                        Some(Answer {
                            body: args.first()?.value,
                            code: Code::Number(200),
                            plain: true,
                            by_response: true,
                        })
                    }
                    "c" | "ctx" | "context" if matches!(method, "json" | "text" | "body") => {
                        let code = match args.get(1) {
                            Some(status) => number(record, status.value),
                            None => Code::Number(200),
                        };
                        Some(Answer {
                            body: args.first()?.value,
                            code,
                            plain: args.len() == 1,
                            by_response: true,
                        })
                    }
                    // A part of an answer that is under way.
                    "controller" | "writer" | "stream" if matches!(method, "enqueue" | "write") => {
                        Some(Answer {
                            body: args.first()?.value,
                            code: Code::Unknown,
                            plain: false,
                            by_response: false,
                        })
                    }
                    _ => None,
                },
                // `res.status(500).json(…)`
                Expr::Call {
                    callee: status,
                    args: numbers,
                    ..
                } if matches!(method, "json" | "send" | "end") => {
                    let Expr::Member { property, .. } = record.expr(*status) else {
                        return None;
                    };
                    matches!(record.name(*property), "status" | "code").then_some(())?;
                    Some(Answer {
                        body: args.first()?.value,
                        code: number(record, numbers.first()?.value),
                        plain: false,
                        by_response: false,
                    })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn with_init(record: &ModuleRecord, args: &[Argument]) -> Option<Answer> {
    let body = args.first()?.value;
    let (code, plain) = match args.get(1) {
        None => (Code::Number(200), true),
        Some(init) => match record.expr(init.value) {
            Expr::Object(properties) => {
                let spread = properties
                    .iter()
                    .any(|each| matches!(each, Property::Spread(_)));
                match property(record, init.value, "status") {
                    Some(status) => (number(record, status), false),
                    None if spread => (Code::Unknown, false),
                    None => (Code::Number(200), true),
                }
            }
            _ => (Code::Unknown, false),
        },
    };
    Some(Answer {
        body,
        code,
        plain,
        by_response: false,
    })
}

fn number(record: &ModuleRecord, expr: ExprId) -> Code {
    match record.expr(expr) {
        Expr::Number(number) if (100.0..600.0).contains(number) => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let code = *number as u16;
            Code::Number(code)
        }
        _ => Code::Unknown,
    }
}

/// An answer with the text of a caught error in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Leak {
    /// The module.
    pub module: ModuleId,
    /// The answer.
    pub expr: ExprId,
}

/// The answers in places where an error was caught.
#[derive(Default, Debug)]
pub(super) struct Caught {
    /// Those that tell what the error says, with their status.
    pub leaks: Vec<(Leak, Code)>,
    /// Those that do not.
    pub clean: FxHashSet<Leak>,
    followed: FxHashSet<(ModuleId, FunctionId)>,
}

/// Looks into everything in a function that handles an error.
pub(super) fn caught_in(
    subject: &Subject<'_>,
    module: ModuleId,
    function: FunctionId,
    caught: &mut Caught,
) {
    let record = subject.model.graph.module(module);
    let written = record.function(function);
    let mut blocks = vec![&written.body];
    while let Some(block) = blocks.pop() {
        for statement in block {
            match &statement.kind {
                StmtKind::If {
                    then, otherwise, ..
                } => blocks.extend([then, otherwise]),
                StmtKind::Switch { cases, .. } => {
                    blocks.extend(cases.iter().map(|case| &case.body))
                }
                StmtKind::Loop(each) => blocks.extend([&each.init, &each.body]),
                StmtKind::Block(block) => blocks.push(block),
                StmtKind::Try {
                    block,
                    handler,
                    finalizer,
                } => {
                    blocks.extend([block, finalizer]);
                    if let Some(handler) = handler {
                        let mut walk = Walk::new(subject, module, caught, DEPTH);
                        if let Some(Pattern::Name(name)) = &handler.param {
                            walk.errors.push(*name);
                        }
                        walk.block(&handler.body, false);
                        blocks.push(&handler.body);
                    }
                }
                _ => {}
            }
        }
    }
    // `(error, request, response, next) => …`
    if let [Pattern::Name(error), _, _, _] = &*written.params
        && record.name(*error).to_ascii_lowercase().starts_with("err")
    {
        let mut walk = Walk::new(subject, module, caught, DEPTH);
        walk.errors.push(*error);
        walk.block(&written.body, false);
    }
}

struct Walk<'a, 'c> {
    subject: &'a Subject<'a>,
    module: ModuleId,
    record: &'a ModuleRecord,
    /// Variables that hold the error, or what it says.
    errors: Vec<Name>,
    /// Those of them that hold what it says.
    told: Vec<Name>,
    caught: &'c mut Caught,
    depth: u8,
}

impl<'a, 'c> Walk<'a, 'c> {
    fn new(subject: &'a Subject<'a>, module: ModuleId, caught: &'c mut Caught, depth: u8) -> Self {
        Self {
            subject,
            module,
            record: subject.model.graph.module(module),
            errors: Vec::new(),
            told: Vec::new(),
            caught,
            depth,
        }
    }

    /// `known` holds where it is known which error it is, so that somebody has chosen what to say.
    fn block(&mut self, block: &[Stmt], known: bool) {
        for (at, statement) in block.iter().enumerate() {
            match &statement.kind {
                StmtKind::Let {
                    pattern,
                    init: Some(init),
                } => {
                    self.expr(*init, known);
                    if let Pattern::Name(name) = pattern {
                        self.learn(*name, *init, known);
                    }
                }
                StmtKind::Expr(expr) => {
                    self.expr(*expr, known);
                    if let Expr::Assign { target, value, .. } = self.record.expr(*expr)
                        && let Pattern::Name(name) = &**target
                    {
                        self.learn(*name, *value, known);
                    }
                }
                StmtKind::Return(Some(expr)) | StmtKind::Throw(expr) => self.expr(*expr, known),
                StmtKind::If {
                    test,
                    then,
                    otherwise,
                } => {
                    let (yes, no) = self.tells_which(*test);
                    self.block(then, known || yes);
                    self.block(otherwise, known || no);
                    // `if (!(error instanceof Known)) return …` leaves the known ones for what follows.
                    if no && !yes && leaves(then) {
                        self.block(block.get(at + 1..).unwrap_or_default(), true);
                        return;
                    }
                }
                StmtKind::Switch { cases, .. } => {
                    for case in cases {
                        self.block(&case.body, known || case.test.is_some());
                    }
                }
                StmtKind::Loop(each) => self.block(&each.body, known),
                StmtKind::Block(block) => self.block(block, known),
                StmtKind::Try {
                    block, finalizer, ..
                } => {
                    self.block(block, known);
                    self.block(finalizer, known);
                }
                _ => {}
            }
        }
    }

    /// A variable that is set to what the error says, or to the error.
    fn learn(&mut self, name: Name, value: ExprId, known: bool) {
        if known {
            return;
        }
        if self.leaks(value) {
            self.told.push(name);
        } else if matches!(self.record.expr(value), Expr::Name(error) if self.errors.contains(error))
        {
            self.errors.push(name);
        }
    }

    fn expr(&mut self, expr: ExprId, known: bool) {
        let mut open = vec![(expr, known)];
        while let Some((id, known)) = open.pop() {
            if let Some(answer) = answer(self.record, id) {
                let place = Leak {
                    module: self.module,
                    expr: id,
                };
                if !known && self.leaks(answer.body) {
                    if !self.caught.leaks.iter().any(|(leak, _)| *leak == place) {
                        self.caught.leaks.push((place, answer.code));
                    }
                } else {
                    self.caught.clean.insert(place);
                }
                continue;
            }
            match self.record.expr(id) {
                Expr::Conditional {
                    test,
                    then,
                    otherwise,
                } => {
                    let (yes, no) = self.tells_which(*test);
                    open.push((*then, known || yes));
                    open.push((*otherwise, known || no));
                }
                Expr::Call { callee, args, .. } if !known => {
                    self.follow(*callee, args);
                    open.extend(args.iter().map(|argument| (argument.value, known)));
                }
                other => other.for_each_child(&mut |child| open.push((child, known))),
            }
        }
    }

    /// `handleError(error)`: the function answers.
    fn follow(&mut self, callee: ExprId, args: &[Argument]) {
        let Some(depth) = self.depth.checked_sub(1) else {
            return;
        };
        let passed = args.iter().position(
            |argument| matches!(self.record.expr(argument.value), Expr::Name(name) if self.errors.contains(name)),
        );
        let Some(at) = passed else { return };
        let graph = &self.subject.model.graph;
        let Some((module, function)) = self.subject.index().function_of(graph, self.module, callee)
        else {
            return;
        };
        if !self.caught.followed.insert((module, function)) {
            return;
        }
        let written = graph.module(module).function(function);
        let Some(Pattern::Name(error)) = written.params.get(at) else {
            return;
        };
        let mut walk = Walk::new(self.subject, module, self.caught, depth);
        walk.errors.push(*error);
        walk.block(&written.body, false);
    }

    /// Whether it is known which error it is where the condition holds, and where it does not.
    fn tells_which(&self, test: ExprId) -> (bool, bool) {
        match self.record.expr(test) {
            Expr::Unary {
                op: UnaryOp::Not,
                operand,
            } => {
                let (yes, no) = self.tells_which(*operand);
                (no, yes)
            }
            Expr::Logical { op, left, right } => {
                let (a, b) = (self.tells_which(*left), self.tells_which(*right));
                match op {
                    LogicalOp::And => (a.0 || b.0, a.1 && b.1),
                    _ => (a.0 && b.0, a.1 || b.1),
                }
            }
            Expr::Binary {
                op: BinaryOp::Instanceof,
                left,
                right,
            } if self.is_error(*left) => {
                let plain = matches!(self.record.expr(*right), Expr::Name(class) if self.record.name(*class) == "Error");
                (!plain, false)
            }
            Expr::Binary { op, left, right } => {
                let development = [*left, *right]
                    .iter()
                    .any(|side| self.mentions(*side, &|name| name == "NODE_ENV"));
                let typeof_error = matches!(
                    self.record.expr(*left),
                    Expr::Unary {
                        op: UnaryOp::Typeof,
                        ..
                    }
                );
                let about = !typeof_error && (self.about_error(*left) || self.about_error(*right));
                match op {
                    BinaryOp::Equal { .. } => (development || about, false),
                    BinaryOp::NotEqual { .. } if development => (true, false),
                    BinaryOp::NotEqual { .. } => (false, about),
                    BinaryOp::In => (false, false),
                    _ => (about, false),
                }
            }
            // `isKnown(error)`, `error.message.includes("…")`
            Expr::Call { .. } => (self.about_error(test), false),
            // `isDevelopment`
            Expr::Name(name) => {
                let name = self.record.name(*name).to_ascii_lowercase();
                (
                    name.contains("dev") || name.contains("debug"),
                    name.contains("prod"),
                )
            }
            // `error.code`, `error.isOperational`
            Expr::Member { property, .. } => {
                let telling = TELLING.contains(&self.record.name(*property));
                (!telling && self.about_error(test), false)
            }
            _ => (false, false),
        }
    }

    fn is_error(&self, expr: ExprId) -> bool {
        matches!(self.record.expr(expr), Expr::Name(name) if self.errors.contains(name))
    }

    /// The expression reads the error, or what it says.
    fn about_error(&self, expr: ExprId) -> bool {
        let mut open = vec![expr];
        while let Some(id) = open.pop() {
            match self.record.expr(id) {
                Expr::Name(name) if self.errors.contains(name) || self.told.contains(name) => {
                    return true;
                }
                other => other.for_each_child(&mut |child| open.push(child)),
            }
        }
        false
    }

    fn mentions(&self, expr: ExprId, wanted: &dyn Fn(&str) -> bool) -> bool {
        let mut open = vec![expr];
        while let Some(id) = open.pop() {
            let written = self.record.expr(id);
            if let Expr::Member { property, .. } = written
                && wanted(self.record.name(*property))
            {
                return true;
            }
            written.for_each_child(&mut |child| open.push(child));
        }
        false
    }

    /// What the error says is part of the value.
    fn leaks(&self, expr: ExprId) -> bool {
        match self.record.expr(expr) {
            Expr::Name(name) => self.told.contains(name),
            Expr::Member {
                object, property, ..
            } => self.is_error(*object) && TELLING.contains(&self.record.name(*property)),
            Expr::Template { parts, .. } => parts
                .iter()
                .any(|part| self.is_error(*part) || self.leaks(*part)),
            Expr::Binary {
                op: BinaryOp::Add,
                left,
                right,
            } => [*left, *right]
                .iter()
                .any(|side| self.is_error(*side) || self.leaks(*side)),
            Expr::Conditional {
                test,
                then,
                otherwise,
            } => {
                let (yes, no) = self.tells_which(*test);
                (!yes && self.leaks(*then)) || (!no && self.leaks(*otherwise))
            }
            Expr::Logical { op, left, right } => {
                let chosen = *op == LogicalOp::And && self.tells_which(*left).0;
                !chosen && (self.leaks(*left) || self.leaks(*right))
            }
            Expr::Object(properties) => properties.iter().any(|each| match each {
                Property::Value { value, .. } | Property::Spread(value) => self.leaks(*value),
                Property::Getter { .. } => false,
            }),
            Expr::Array(items) => items.iter().any(|item| self.leaks(item.value)),
            Expr::Await(inner) => self.leaks(*inner),
            Expr::Call { callee, args, .. } => self.call_leaks(*callee, args),
            _ => false,
        }
    }

    fn call_leaks(&self, callee: ExprId, args: &[Argument]) -> bool {
        if let Expr::Member {
            object, property, ..
        } = self.record.expr(callee)
        {
            let method = self.record.name(*property);
            if self.is_error(*object) && method == "toString" {
                return true;
            }
            // `error.message.slice(0, 80)`
            if self.leaks(*object) {
                return !matches!(method, "includes" | "startsWith" | "endsWith" | "match");
            }
        }
        let Some(argument) = args.first().map(|argument| argument.value) else {
            return false;
        };
        if self.leaks(argument) {
            return matches!(
                called_name(self.record, callee),
                Some("String" | "stringify" | "encode")
            );
        }
        if !self.is_error(argument) {
            return false;
        }
        match called_name(self.record, callee) {
            Some("String") => true,
            _ => self.returns_told(callee),
        }
    }

    /// `getErrorMessage(error)`: the function gives what the error says.
    fn returns_told(&self, callee: ExprId) -> bool {
        let graph = &self.subject.model.graph;
        let found = self.subject.index().function_of(graph, self.module, callee);
        let (Some((module, function)), Some(depth)) = (found, self.depth.checked_sub(1)) else {
            return false;
        };
        let written = graph.module(module).function(function);
        let Some(Pattern::Name(error)) = written.params.first() else {
            return false;
        };
        let mut unused = Caught::default();
        let mut walk = Walk::new(self.subject, module, &mut unused, depth);
        walk.errors.push(*error);
        walk.returns(&written.body)
    }

    /// One of the statements returns what the error says, whichever error it is.
    fn returns(&mut self, block: &[Stmt]) -> bool {
        block.iter().any(|statement| match &statement.kind {
            StmtKind::Return(Some(value)) => self.leaks(*value),
            StmtKind::If {
                test,
                then,
                otherwise,
            } => {
                let (yes, no) = self.tells_which(*test);
                (!yes && self.returns(then)) || (!no && self.returns(otherwise))
            }
            StmtKind::Block(block) => self.returns(block),
            _ => false,
        })
    }
}

/// The statements end in `return` or `throw`.
fn leaves(block: &[Stmt]) -> bool {
    matches!(
        block.last().map(|last| &last.kind),
        Some(StmtKind::Return(_) | StmtKind::Throw(_))
    )
}
