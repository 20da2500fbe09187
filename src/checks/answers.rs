//! The answers that code gives: their status, their body, and what a caught error says in it.

use rustc_hash::FxHashSet;

use crate::graph::ModuleId;
use crate::source::Span;
use crate::syntax::{
    Argument, BinaryOp, Expr, ExprId, FunctionId, LogicalOp, ModuleRecord, Name, Pattern, Property,
    Stmt, StmtKind, UnaryOp,
};

use super::call_sites::{Holds, Value};
use super::code::{called_name, calls, leaves, property};
use super::failing::tells_inside;
use super::own_address;
use super::subject::Subject;
use super::taint::from_caller;
use super::words::words;

/// How far errors are followed into functions.
const DEPTH: u8 = 3;
/// Properties of an error that tell what went on inside.
const TELLING: [&str; 3] = ["message", "stack", "cause"];
/// So many letters or asterisks stand for what was taken out of a text.
const PLACEHOLDER: usize = 3;
/// What is said of a text out of which something was taken.
const REDACTED: [&str; 5] = ["redacted", "sanitized", "sanitised", "masked", "scrubbed"];

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

/// An answer that tells what the error says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// The answer.
    pub leak: Leak,
    /// Its status.
    pub code: Code,
    /// Something is taken out of what the error says.
    pub cleaned: bool,
    /// What failed was asked at an address that the caller gave.
    pub asked_for: bool,
    /// Nothing can have failed but for what the caller sent.
    pub own_mistake: bool,
}

/// How much of what an error says is in a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Telling {
    Nothing,
    /// What is left of it.
    Cleaned,
    All,
}

/// The answers in places where an error was caught.
#[derive(Default, Debug)]
pub(super) struct Caught {
    /// Those that tell what the error says.
    pub leaks: Vec<Told>,
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
                        let before = caught.leaks.len();
                        let mut walk = Walk::new(subject, module, caught, DEPTH);
                        if let Some(Pattern::Name(name)) = &handler.param {
                            walk.errors.push(*name);
                        }
                        walk.block(&handler.body, false);
                        let found = caught.leaks.get_mut(before..).unwrap_or_default();
                        if !found.is_empty() {
                            let asked_for = asks_for_caller(subject, module, block);
                            let own_mistake = !tells_inside(subject, module, block);
                            for told in found {
                                told.asked_for |= asked_for;
                                told.own_mistake |= own_mistake;
                            }
                        }
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
    /// Those that hold what it says.
    told: Vec<(Name, Telling)>,
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
        let telling = self.telling(value);
        if telling > Telling::Nothing {
            self.told.push((name, telling));
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
                let telling = if known {
                    Telling::Nothing
                } else {
                    self.telling(answer.body)
                };
                if telling == Telling::Nothing {
                    self.caught.clean.insert(place);
                } else if !self.caught.leaks.iter().any(|told| told.leak == place) {
                    self.caught.leaks.push(Told {
                        leak: place,
                        code: answer.code,
                        cleaned: telling == Telling::Cleaned || self.shows_redacted(answer.body),
                        asked_for: false,
                        own_mistake: false,
                    });
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
                Expr::Name(name) if self.errors.contains(name) || self.told_by(*name).is_some() => {
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

    fn told_by(&self, name: Name) -> Option<Telling> {
        let mut told = self.told.iter();
        told.find(|(known, _)| *known == name)
            .map(|(_, telling)| *telling)
    }

    /// A part of the answer is called after what was taken out of it: who wrote it chose what is shown.
    fn shows_redacted(&self, body: ExprId) -> bool {
        let mut open = vec![body];
        while let Some(id) = open.pop() {
            let written = self.record.expr(id);
            if let Expr::Name(name) = written
                && words(self.record.name(*name))
                    .iter()
                    .any(|word| REDACTED.contains(&word.as_str()))
            {
                return true;
            }
            written.for_each_child(&mut |child| open.push(child));
        }
        false
    }

    /// How much of what the error says is part of the value.
    fn telling(&self, expr: ExprId) -> Telling {
        let most = |all: &mut dyn Iterator<Item = ExprId>| {
            let all = all.map(|each| {
                if self.is_error(each) {
                    Telling::All
                } else {
                    self.telling(each)
                }
            });
            all.max().unwrap_or(Telling::Nothing)
        };
        match self.record.expr(expr) {
            Expr::Name(name) => self.told_by(*name).unwrap_or(Telling::Nothing),
            Expr::Member {
                object, property, ..
            } if self.is_error(*object) && TELLING.contains(&self.record.name(*property)) => {
                Telling::All
            }
            Expr::Template { parts, .. } => most(&mut parts.iter().copied()),
            Expr::Binary {
                op: BinaryOp::Add,
                left,
                right,
            } => most(&mut [*left, *right].into_iter()),
            Expr::Conditional {
                test,
                then,
                otherwise,
            } => {
                let (yes, no) = self.tells_which(*test);
                let of = |known: bool, side: ExprId| {
                    if known {
                        Telling::Nothing
                    } else {
                        self.telling(side)
                    }
                };
                of(yes, *then).max(of(no, *otherwise))
            }
            Expr::Logical { op, left, right } => {
                if *op == LogicalOp::And && self.tells_which(*left).0 {
                    return Telling::Nothing;
                }
                self.telling(*left).max(self.telling(*right))
            }
            Expr::Object(properties) => {
                let values = properties.iter().map(|each| match each {
                    Property::Value { value, .. } | Property::Spread(value) => self.telling(*value),
                    Property::Getter { .. } => Telling::Nothing,
                });
                values.max().unwrap_or(Telling::Nothing)
            }
            Expr::Array(items) => {
                let values = items.iter().map(|item| self.telling(item.value));
                values.max().unwrap_or(Telling::Nothing)
            }
            Expr::Await(inner) => self.telling(*inner),
            Expr::Call { callee, args, .. } => self.call_tells(*callee, args),
            _ => Telling::Nothing,
        }
    }

    fn call_tells(&self, callee: ExprId, args: &[Argument]) -> Telling {
        if let Expr::Member {
            object, property, ..
        } = self.record.expr(callee)
        {
            let method = self.record.name(*property);
            if self.is_error(*object) && method == "toString" {
                return Telling::All;
            }
            // `error.message.slice(0, 80)`
            let telling = self.telling(*object);
            if telling > Telling::Nothing {
                return match method {
                    "includes" | "startsWith" | "endsWith" | "match" => Telling::Nothing,
                    "replace" | "replaceAll" if self.puts_in(args) => Telling::Cleaned,
                    _ => telling,
                };
            }
        }
        let Some(argument) = args.first().map(|argument| argument.value) else {
            return Telling::Nothing;
        };
        let telling = self.telling(argument);
        if telling > Telling::Nothing {
            return match called_name(self.record, callee) {
                Some("String" | "stringify" | "encode") => telling,
                _ => Telling::Nothing,
            };
        }
        if !self.is_error(argument) {
            return Telling::Nothing;
        }
        match called_name(self.record, callee) {
            Some("String") => Telling::All,
            _ => self.returned(callee),
        }
    }

    /// `.replace(/secret=\S+/, "[redacted]")` puts something in the place of what nobody must see; a prefix goes for nothing.
    fn puts_in(&self, args: &[Argument]) -> bool {
        args.get(1)
            .is_some_and(|put| match self.record.expr(put.value) {
                Expr::String(text) => {
                    let shown = |letter: &char| letter.is_alphanumeric() || *letter == '*';
                    text.chars().filter(shown).count() >= PLACEHOLDER
                }
                _ => true,
            })
    }

    /// `getErrorMessage(error)`: what the function gives of what the error says.
    fn returned(&self, callee: ExprId) -> Telling {
        let graph = &self.subject.model.graph;
        let found = self.subject.index().function_of(graph, self.module, callee);
        let (Some((module, function)), Some(depth)) = (found, self.depth.checked_sub(1)) else {
            return Telling::Nothing;
        };
        let written = graph.module(module).function(function);
        let Some(Pattern::Name(error)) = written.params.first() else {
            return Telling::Nothing;
        };
        let mut unused = Caught::default();
        let mut walk = Walk::new(self.subject, module, &mut unused, depth);
        walk.errors.push(*error);
        walk.returns(&written.body)
    }

    /// What one of the statements returns of it, whichever error it is.
    fn returns(&self, block: &[Stmt]) -> Telling {
        let returned = block.iter().map(|statement| match &statement.kind {
            StmtKind::Return(Some(value)) => self.telling(*value),
            StmtKind::If {
                test,
                then,
                otherwise,
            } => {
                let (yes, no) = self.tells_which(*test);
                let of = |known: bool, block: &[Stmt]| {
                    if known {
                        Telling::Nothing
                    } else {
                        self.returns(block)
                    }
                };
                of(yes, then).max(of(no, otherwise))
            }
            StmtKind::Block(block) => self.returns(block),
            _ => Telling::Nothing,
        });
        returned.max().unwrap_or(Telling::Nothing)
    }
}

/// A request in the block goes where the caller wants it to, who is told how that went.
fn asks_for_caller(subject: &Subject<'_>, module: ModuleId, block: &[Stmt]) -> bool {
    let (Some(first), Some(last)) = (block.first(), block.last()) else {
        return false;
    };
    let tried = Span::new(first.span.start, last.span.end);
    let record = subject.model.graph.module(module);
    if record.find_name("fetch").is_none() {
        return false;
    }
    calls(record).any(|call| {
        let address = call.args.first().filter(|_| {
            called_name(record, call.callee) == Some("fetch") && tried.holds(record.span(call.expr))
        });
        address.is_some_and(|address| {
            let expr = address.value;
            let host = own_address::host(subject, Value { module, expr });
            host.is_some_and(|host| from_caller(subject, host) == Holds::Yes)
        })
    })
}
