//! What a handler takes of what it is sent, and whether any of it goes further than to find the one that is meant.

use rustc_hash::FxHashSet;

use crate::model::RouteFacts;
use crate::rule::RouteDoubt;
use crate::source::Span;
use crate::syntax::{
    BinaryOp, Expr, ExprId, Key, LogicalOp, ModuleRecord, Name, Pattern, Property, Stmt, StmtKind,
    UnaryOp,
};

use super::code::{called_name, leaves};
use super::handler_code::Code;
use super::words::words;

/// What is sent only says which one is meant, switches something, or is compared, looked for and said again.
pub(super) fn only_finds(code: &Code<'_>, route: &RouteFacts, doubt: &RouteDoubt) -> bool {
    let mut taken = Taken {
        code,
        record: code.record,
        doubt,
        open: Vec::new(),
    };
    let known = match route.route.url {
        None => taken.by_action(),
        Some(_) => taken.of_request(),
    };
    known && taken.goes_nowhere()
}

/// What a handler takes apart of what it is sent.
struct Taken<'c, 'a> {
    code: &'c Code<'a>,
    record: &'a ModuleRecord,
    doubt: &'c RouteDoubt,
    /// The variables with the parts whose names do not tell that they are harmless.
    open: Vec<Name>,
}

impl Taken<'_, '_> {
    /// An action takes its arguments; false when it cannot be told what it takes.
    fn by_action(&mut self) -> bool {
        let functions = self.code.functions();
        let Some(action) = functions.max_by_key(|each| each.span.end - each.span.start) else {
            return false;
        };
        let record = self.record;
        let form = action.params.iter().find_map(|param| match param {
            Pattern::Name(name) if record.name(*name) == "formData" => Some(*name),
            _ => None,
        });
        let is_form =
            |param: &&Pattern| matches!(param, Pattern::Name(name) if form == Some(*name));
        // What comes behind a form is handed over by what the action is wrapped in.
        let mut before = action.params.iter().take_while(|param| !is_form(param));
        !action.params.is_empty()
            && before.all(|param| self.takes(param))
            && form.is_none_or(|form| self.of_form(form))
    }

    /// Every reading of a form asks for one part of it, which is harmless or kept under a name.
    fn of_form(&mut self, form: Name) -> bool {
        let record = self.record;
        let kept: FxHashSet<ExprId> = self.kept_parts();
        let mut left = 0usize;
        for (id, expr) in self.code.numbered() {
            if let Some(word) = asked_of_query(record, expr) {
                if !kept.contains(&id) && !self.is_harmless(word) {
                    return false;
                }
                left += 1;
            }
        }
        let names = self.code.exprs();
        let names = names.filter(|expr| matches!(expr, Expr::Name(name) if *name == form));
        left > 0 && names.count() <= left
    }

    /// Notes the variables that keep one part each of what is asked for: `const name = formData.get("name")`.
    fn kept_parts(&mut self) -> FxHashSet<ExprId> {
        let record = self.record;
        let mut kept = FxHashSet::default();
        for statement in self.code.statements() {
            if let StmtKind::Let {
                pattern: pattern @ Pattern::Name(_),
                init: Some(init),
            } = &statement.kind
                && asked_of_query(record, record.expr(*init)).is_some()
                && self.takes(pattern)
            {
                kept.insert(*init);
            }
        }
        kept
    }

    /// A handler takes parts of the body and of the query. Every reading has to be one that is taken apart on the spot.
    fn of_request(&mut self) -> bool {
        let record = self.record;
        let mut apart = 0usize;
        let mut bodies = 0usize;
        let named = self.kept_parts();
        for statement in self.code.statements() {
            let StmtKind::Let {
                pattern,
                init: Some(init),
            } = &statement.kind
            else {
                continue;
            };
            if !matches!(pattern, Pattern::Object { .. }) {
                continue;
            }
            let body = is_body(record, *init);
            if body || is_query(record, *init) {
                if !self.takes(pattern) {
                    return false;
                }
                apart += 1;
                bodies += usize::from(body);
            }
        }
        for (id, expr) in self.code.numbered() {
            if reads_body(record, expr) {
                // More of them than were taken apart.
                let Some(left) = bodies.checked_sub(1) else {
                    return false;
                };
                bodies = left;
            }
            if let Some(word) = asked_of_query(record, expr) {
                if !named.contains(&id) && !self.is_harmless(word) {
                    return false;
                }
                apart += 1;
            }
        }
        apart > 0
    }

    /// Notes the variables that the pattern binds; false when it cannot be told what they hold.
    fn takes(&mut self, pattern: &Pattern) -> bool {
        match pattern {
            Pattern::Name(name) => {
                if !self.is_harmless(self.record.name(*name)) {
                    self.open.push(*name);
                }
                true
            }
            Pattern::Default { pattern, .. } => self.takes(pattern),
            Pattern::Object {
                properties,
                rest: None,
            } => properties.iter().all(|(key, inner)| match key {
                Key::Name(name) => self.is_harmless(self.record.name(*name)) || self.takes(inner),
                Key::Computed(_) => false,
            }),
            _ => false,
        }
    }

    /// The name is one of something that only says which one is meant, or switches something.
    fn is_harmless(&self, name: &str) -> bool {
        let words = words(name);
        let is =
            |word: Option<&String>, list: &[String]| word.is_some_and(|word| list.contains(word));
        is(words.last(), &self.doubt.identifying_words)
            || is(words.first(), &self.doubt.switching_words)
            || self.record.facts.flags.iter().any(|flag| **flag == *name)
    }

    /// None of the parts is used for anything but to compare, to look for and to say it.
    fn goes_nowhere(&self) -> bool {
        if self.open.is_empty() {
            return true;
        }
        let mut found = Harmless {
            record: self.record,
            seen: FxHashSet::default(),
        };
        let calls = |name: &str| {
            let mut lists = self
                .doubt
                .lookup_calls
                .iter()
                .chain(&self.doubt.saying_calls);
            lists.any(|call| call == name)
        };
        for expr in self.code.exprs() {
            match expr {
                Expr::Object(_) => self.looked_for(expr, &mut found),
                Expr::Call { callee, args, .. } | Expr::New { callee, args }
                    if called_name(self.record, *callee).is_some_and(calls) =>
                {
                    args.iter().for_each(|argument| found.below(argument.value));
                }
                Expr::Call { callee, args, .. } if self.is_by_key(*callee) => {
                    let key = args.first().map(|argument| argument.value);
                    key.filter(|key| is_prefixed(self.record, *key))
                        .into_iter()
                        .for_each(|key| found.below(key));
                }
                Expr::Binary { op, left, right } if compares(*op) => {
                    found.tested(*left);
                    found.tested(*right);
                }
                Expr::Conditional { test, .. } => found.tested(*test),
                Expr::Logical {
                    op: LogicalOp::And,
                    left,
                    ..
                } => found.tested(*left),
                // `note.author.slug`
                Expr::Member {
                    object, property, ..
                } if self.is_harmless(self.record.name(*property)) => {
                    found.tested(*object);
                }
                _ => {}
            }
        }
        for statement in self.code.statements() {
            match &statement.kind {
                StmtKind::If { test, .. } => found.tested(*test),
                StmtKind::Switch { value, .. } => found.tested(*value),
                _ => {}
            }
        }
        let confirmed = self.confirmed();
        let is_confirmed = |name: Name, id: ExprId| {
            let mut places = confirmed.iter().filter(|(each, _)| *each == name);
            places.any(|(_, place)| place.holds(self.record.span(id)))
        };
        let mut exprs = self.code.numbered();
        exprs.all(|(id, expr)| match expr {
            Expr::Name(name) if self.open.contains(name) => {
                found.seen.contains(&id) || is_confirmed(*name, id)
            }
            _ => true,
        })
    }

    /// What is called there finds or forgets what is stored under a key: `redis.del`.
    fn is_by_key(&self, callee: ExprId) -> bool {
        let mut calls = self.doubt.keyed_calls.iter();
        matches!(self.record.expr(callee), Expr::Member { property, .. }
            if calls.any(|call| **call == *self.record.name(*property)))
    }

    /// Where variables are known to hold what a row is found by: behind the look-up, to the end of its block. A unique key has to be
    /// there, and of its type.
    fn confirmed(&self) -> Vec<(Name, Span)> {
        let record = self.record;
        let mut confirmed = Vec::new();
        for block in self.code.blocks() {
            let Some(end) = block.last().map(|last| last.span.end) else {
                continue;
            };
            for (at, statement) in block.iter().enumerate() {
                let (StmtKind::Let {
                    init: Some(value), ..
                }
                | StmtKind::Expr(value)) = &statement.kind
                else {
                    continue;
                };
                let Expr::Await(call) = record.expr(*value) else {
                    continue;
                };
                let Expr::Call { callee, args, .. } = record.expr(*call) else {
                    continue;
                };
                let [argument] = &**args else { continue };
                let is_one = |callee: ExprId, calls: &[String]| {
                    let name = called_name(record, callee);
                    name.is_some_and(|name| calls.iter().any(|each| each == name))
                };
                let is = |calls: &[String]| is_one(*callee, calls);
                let mut confirm = |argument: ExprId, from: u32| {
                    let mut keys = Harmless {
                        record,
                        seen: FxHashSet::default(),
                    };
                    self.looked_for(record.expr(argument), &mut keys);
                    for key in keys.seen {
                        if let Expr::Name(name) = record.expr(key) {
                            confirmed.push((*name, Span::new(from, end)));
                        }
                    }
                };
                // Where one of them fails, all are taken back.
                if let Expr::Array(items) = record.expr(argument.value)
                    && called_name(record, *callee) == Some("$transaction")
                {
                    for item in items {
                        if let Expr::Call { callee, args, .. } = record.expr(item.value)
                            && let [argument] = &**args
                            && is_one(*callee, &self.doubt.confirming_calls)
                        {
                            confirm(argument.value, statement.span.start);
                        }
                    }
                    continue;
                }
                let from = if is(&self.doubt.confirming_calls) {
                    statement
                } else if let Some(next) = block.get(at + 1)
                    && is(&self.doubt.finding_calls)
                    && refuses(record, statement, next)
                {
                    next
                } else {
                    continue;
                };
                confirm(argument.value, from.span.end);
            }
        }
        confirmed
    }

    /// What stands under a key that says what to look for: `{ where: { email } }`.
    fn looked_for(&self, expr: &Expr, found: &mut Harmless<'_>) {
        let Expr::Object(properties) = expr else {
            return;
        };
        for property in properties {
            if let Property::Value {
                key: Key::Name(key),
                value,
            } = property
                && self
                    .doubt
                    .lookup_keys
                    .iter()
                    .any(|each| **each == *self.record.name(*key))
            {
                found.below(*value);
            }
        }
    }
}

/// `order:${id}`: whatever is sent, the key is one of those that begin so, and no address.
fn is_prefixed(record: &ModuleRecord, key: ExprId) -> bool {
    matches!(record.expr(key), Expr::Template { texts, .. }
        if texts.first().is_some_and(|first| !first.is_empty())
            && !texts.iter().any(|text| text.contains('/')))
}

/// `if (!found) return …` behind `const found = …`.
fn refuses(record: &ModuleRecord, statement: &Stmt, next: &Stmt) -> bool {
    let StmtKind::Let {
        pattern: Pattern::Name(found),
        ..
    } = &statement.kind
    else {
        return false;
    };
    let StmtKind::If { test, then, .. } = &next.kind else {
        return false;
    };
    let mut open = vec![*test];
    let mut asked = false;
    while let Some(part) = open.pop() {
        match record.expr(part) {
            Expr::Logical {
                op: LogicalOp::Or,
                left,
                right,
            } => open.extend([*left, *right]),
            Expr::Unary {
                op: UnaryOp::Not,
                operand,
            } => asked |= matches!(record.expr(*operand), Expr::Name(name) if name == found),
            _ => {}
        }
    }
    asked && leaves(then)
}

/// Expressions whose values go nowhere.
struct Harmless<'a> {
    record: &'a ModuleRecord,
    seen: FxHashSet<ExprId>,
}

impl Harmless<'_> {
    /// All that is written there.
    fn below(&mut self, expr: ExprId) {
        let mut open = vec![expr];
        while let Some(id) = open.pop() {
            if self.seen.insert(id) {
                self.record
                    .expr(id)
                    .for_each_child(&mut |child| open.push(child));
            }
        }
    }

    /// What decides, without what is called for it.
    fn tested(&mut self, expr: ExprId) {
        let mut open = vec![expr];
        while let Some(id) = open.pop() {
            match self.record.expr(id) {
                Expr::Name(_) => {
                    self.seen.insert(id);
                }
                Expr::Member { object, .. } => open.push(*object),
                Expr::Unary {
                    op: UnaryOp::Not | UnaryOp::Typeof,
                    operand,
                } => open.push(*operand),
                Expr::Logical { left, right, .. } => open.extend([*left, *right]),
                _ => {}
            }
        }
    }
}

fn compares(op: BinaryOp) -> bool {
    !matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Subtract
            | BinaryOp::Multiply
            | BinaryOp::Divide
            | BinaryOp::Other
    )
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
