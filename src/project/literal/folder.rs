//! The folding itself: expressions, and what a function returns.

use std::cell::Cell;
use std::rc::Rc;

use crate::source::Span;
use crate::syntax::{
    Argument, BinaryOp, Block, Export, ExportTarget, Expr, ExprId, FunctionId, Key, LogicalOp,
    MODULE_BODY, ModuleRecord, Name, Property, StmtKind, UnaryOp,
};

use super::calls::as_text;
use super::names::{bind, inner_blocks};
use super::{Closure, Folded, HOLE, ImportLookup, Literal};

/// Deeper values are unknown.
pub(super) const MAX_DEPTH: usize = 96;

/// How many expressions one folding may look at.
const MAX_STEPS: usize = 20_000;

/// Longer collections are cut and incomplete; a text of more kilobytes than this is unknown.
pub(super) const MAX_ITEMS: usize = 4_096;

/// The arguments of a function that is being folded.
#[derive(Debug)]
pub(super) struct Scope<'m> {
    pub(super) function: FunctionId,
    pub(super) arguments: Vec<(Name, Folded<'m>)>,
    pub(super) outer: Option<Rc<Scope<'m>>>,
}
/// Folds expressions, with a way to look up what is imported.
pub struct Folder<'l, 'm> {
    pub(super) imports: ImportLookup<'l, 'm>,
    steps: Cell<usize>,
}

/// Where an expression is folded.
#[derive(Clone)]
pub(super) struct Place<'m> {
    pub(super) module: &'m ModuleRecord,
    pub(super) function: FunctionId,
    pub(super) scope: Option<Rc<Scope<'m>>>,
    pub(super) depth: usize,
}

impl<'m> Place<'m> {
    fn of_module(module: &'m ModuleRecord, depth: usize) -> Self {
        Self {
            module,
            function: MODULE_BODY,
            scope: None,
            depth,
        }
    }

    pub(super) fn value(&self, value: Literal<'m>, span: Span) -> Folded<'m> {
        Folded {
            value,
            module: self.module,
            span,
        }
    }
}

impl<'l, 'm> Folder<'l, 'm> {
    /// A folder that asks `imports` what an imported name stands for.
    #[must_use]
    pub fn new(imports: ImportLookup<'l, 'm>) -> Self {
        Self {
            imports,
            steps: Cell::new(0),
        }
    }

    /// The value of an expression at the top level of `module`.
    #[must_use]
    pub fn fold(&self, module: &'m ModuleRecord, expr: ExprId) -> Folded<'m> {
        self.expr(&Place::of_module(module, 0), expr)
    }

    /// The value of an expression that stands in `function`, whose arguments are unknown.
    #[must_use]
    pub fn fold_in(
        &self,
        module: &'m ModuleRecord,
        function: FunctionId,
        expr: ExprId,
    ) -> Folded<'m> {
        let place = Place {
            function,
            ..Place::of_module(module, 0)
        };
        self.expr(&place, expr)
    }

    /// The value of what `module` exports as `name`: `default` for `module.exports` too.
    #[must_use]
    pub fn export(&self, module: &'m ModuleRecord, name: &str) -> Option<Folded<'m>> {
        let export = module.exports.iter().find(|export| &*export.name == name)?;
        Some(self.exported(module, export, 0))
    }

    /// The object that a tool gets of what a configuration file exports. That may be a function, and a wrapper may make one of
    /// a function; they are called without arguments.
    #[must_use]
    pub fn configured(&self, exported: Folded<'m>) -> Folded<'m> {
        let mut config = exported;
        for _ in 0..4 {
            let is_function = config
                .alternatives()
                .iter()
                .any(|arm| matches!(arm.value, Literal::Function(_)));
            if !is_function {
                break;
            }
            config = self.call(&config, &[]);
        }
        config
    }

    /// The value that a function returns: every returned value when there are several. `arguments` are bound to its
    /// parameters as far as they go.
    #[must_use]
    pub fn call(&self, function: &Folded<'m>, arguments: &[Folded<'m>]) -> Folded<'m> {
        self.call_at(function, arguments, 0)
    }

    pub(super) fn exported(
        &self,
        module: &'m ModuleRecord,
        export: &'m Export,
        depth: usize,
    ) -> Folded<'m> {
        let place = Place::of_module(module, depth);
        match &export.target {
            ExportTarget::Local(name) => self.name(&place, *name, export.span),
            ExportTarget::Expr(expr) => self.expr(&place, *expr),
            ExportTarget::From { .. } | ExportTarget::Type => {
                place.value(Literal::Unknown, export.span)
            }
        }
    }

    pub(super) fn expr(&self, place: &Place<'m>, id: ExprId) -> Folded<'m> {
        let span = place.module.span(id);
        let unknown = || place.value(Literal::Unknown, span);
        self.steps.set(self.steps.get() + 1);
        if place.depth > MAX_DEPTH || self.steps.get() > MAX_STEPS {
            return unknown();
        }
        let deeper = Place {
            depth: place.depth + 1,
            ..place.clone()
        };
        let place = &deeper;
        let value = match place.module.expr(id) {
            Expr::Undefined => Literal::Undefined,
            Expr::Null => Literal::Null,
            Expr::Bool(value) => Literal::Bool(*value),
            Expr::Number(value) => Literal::Number(*value),
            Expr::String(text) => Literal::String(text.to_string()),
            Expr::Regex(text) => Literal::Regex(text.to_string()),
            Expr::Template { texts, parts } => Literal::String(self.template(place, texts, parts)),
            Expr::Name(name) => return self.name(place, *name, span),
            Expr::Member {
                object, property, ..
            } => {
                let key = place.module.name(*property);
                return self.property(place, *object, key, span);
            }
            Expr::Index { object, index, .. } => {
                return match self.expr(place, *index).value {
                    Literal::String(key) => self.property(place, *object, &key, span),
                    _ => unknown(),
                };
            }
            Expr::Object(properties) => self.object(place, properties),
            Expr::Array(elements) => self.array(place, elements),
            Expr::Function(function) => Literal::Function(Closure {
                function: *function,
                scope: place.scope.clone(),
            }),
            Expr::Await(inner) => return self.expr(place, *inner),
            Expr::Sequence(parts) => match parts.last() {
                Some(last) => return self.expr(place, *last),
                None => Literal::Undefined,
            },
            Expr::Assign { value, .. } => return self.expr(place, *value),
            Expr::Unary { op, operand } => match (op, self.expr(place, *operand).value) {
                (UnaryOp::Not, value) if value.is_truthy() => Literal::Bool(false),
                (UnaryOp::Not, value) if value.is_falsy() => Literal::Bool(true),
                (UnaryOp::Minus, Literal::Number(number)) => Literal::Number(-number),
                (UnaryOp::Void, _) => Literal::Undefined,
                _ => Literal::Unknown,
            },
            Expr::Binary { op, left, right } => self.binary(place, *op, *left, *right),
            Expr::Logical { op, left, right } => {
                return self.logical(place, *op, *left, *right, span);
            }
            Expr::Conditional {
                test,
                then,
                otherwise,
            } => {
                let test = self.expr(place, *test).value;
                if test.is_truthy() {
                    return self.expr(place, *then);
                }
                if test.is_falsy() {
                    return self.expr(place, *otherwise);
                }
                Literal::Choice(vec![self.expr(place, *then), self.expr(place, *otherwise)])
            }
            Expr::Call { callee, args, .. } => return self.call_expr(place, *callee, args, span),
            Expr::New { callee, args } => match place.module.expr(*callee) {
                // `new Map([…])` and `new Headers({…})` hold what they are made from.
                Expr::Name(name)
                    if matches!(place.module.name(*name), "Headers" | "Set" | "URL") =>
                {
                    match args.first() {
                        Some(first) => return self.expr(place, first.value),
                        None => Literal::Unknown,
                    }
                }
                _ => Literal::Unknown,
            },
            _ => Literal::Unknown,
        };
        match &value {
            Literal::String(text) if text.len() > MAX_ITEMS * 1024 => unknown(),
            _ => place.value(value, span),
        }
    }

    fn template(&self, place: &Place<'m>, texts: &[Box<str>], parts: &[ExprId]) -> String {
        let mut whole = String::new();
        for (at, text) in texts.iter().enumerate() {
            whole.push_str(text);
            if let Some(part) = parts.get(at) {
                let value = self.expr(place, *part);
                whole.push_str(&as_text(&value).unwrap_or_else(|| String::from(HOLE)));
            }
        }
        whole
    }

    fn binary(&self, place: &Place<'m>, op: BinaryOp, left: ExprId, right: ExprId) -> Literal<'m> {
        let (left, right) = (self.expr(place, left), self.expr(place, right));
        match (op, &left.value, &right.value) {
            (BinaryOp::Add, Literal::Number(a), Literal::Number(b)) => Literal::Number(a + b),
            (BinaryOp::Subtract, Literal::Number(a), Literal::Number(b)) => Literal::Number(a - b),
            (BinaryOp::Multiply, Literal::Number(a), Literal::Number(b)) => Literal::Number(a * b),
            (BinaryOp::Divide, Literal::Number(a), Literal::Number(b)) => Literal::Number(a / b),
            (BinaryOp::Add, _, _) => match (as_text(&left), as_text(&right)) {
                (None, None) => Literal::Unknown,
                (a, b) => {
                    let part = |text: Option<String>| text.unwrap_or_else(|| String::from(HOLE));
                    Literal::String(part(a) + &part(b))
                }
            },
            (BinaryOp::Equal { .. }, Literal::String(a), Literal::String(b)) => {
                Literal::Bool(a == b)
            }
            (BinaryOp::NotEqual { .. }, Literal::String(a), Literal::String(b)) => {
                Literal::Bool(a != b)
            }
            _ => Literal::Unknown,
        }
    }

    fn logical(
        &self,
        place: &Place<'m>,
        op: LogicalOp,
        left: ExprId,
        right: ExprId,
        span: Span,
    ) -> Folded<'m> {
        let first = self.expr(place, left);
        let settled = match op {
            LogicalOp::And => first.value.is_falsy(),
            LogicalOp::Or => first.value.is_truthy(),
            LogicalOp::Coalesce => !matches!(
                first.value,
                Literal::Unknown | Literal::Choice(_) | Literal::Undefined | Literal::Null
            ),
        };
        if settled {
            return first;
        }
        let second = self.expr(place, right);
        let goes_on = match op {
            LogicalOp::And => first.value.is_truthy(),
            LogicalOp::Or => first.value.is_falsy(),
            LogicalOp::Coalesce => matches!(first.value, Literal::Undefined | Literal::Null),
        };
        if goes_on {
            return second;
        }
        let first = match op {
            // When `a && b` is not `b`, it is something false.
            LogicalOp::And => place.value(Literal::Undefined, span),
            LogicalOp::Or | LogicalOp::Coalesce => first,
        };
        place.value(Literal::Choice(vec![first, second]), span)
    }

    fn object(&self, place: &Place<'m>, properties: &'m [Property]) -> Literal<'m> {
        let mut entries: Vec<(String, Folded<'m>)> = Vec::new();
        let mut complete = true;
        for property in properties {
            match property {
                Property::Value { key, value } => match self.key(place, *key) {
                    Some(key) => entries.push((key, self.expr(place, *value))),
                    None => complete = false,
                },
                Property::Getter { key, function } => match self.key(place, *key) {
                    Some(key) => {
                        let span = place.module.function(*function).span;
                        let getter = place.value(
                            Literal::Function(Closure {
                                function: *function,
                                scope: place.scope.clone(),
                            }),
                            span,
                        );
                        entries.push((key, self.call_at(&getter, &[], place.depth)));
                    }
                    None => complete = false,
                },
                Property::Spread(value) => {
                    let spread = self.expr(place, *value);
                    for arm in spread.alternatives() {
                        match &arm.value {
                            Literal::Object {
                                entries: inner,
                                complete: whole,
                            } => {
                                let room = MAX_ITEMS.saturating_sub(entries.len());
                                entries.extend(inner.iter().take(room).cloned());
                                complete &= *whole && inner.len() <= room;
                            }
                            value => complete &= value.is_falsy(),
                        }
                    }
                }
            }
        }
        Literal::Object { entries, complete }
    }

    fn key(&self, place: &Place<'m>, key: Key) -> Option<String> {
        match key {
            Key::Name(name) => Some(place.module.name(name).to_owned()),
            Key::Computed(expr) => as_text(&self.expr(place, expr)),
        }
    }

    pub(super) fn array(&self, place: &Place<'m>, elements: &'m [Argument]) -> Literal<'m> {
        let mut items = Vec::new();
        let mut complete = true;
        for element in elements {
            let value = self.expr(place, element.value);
            if element.spread {
                for arm in value.alternatives() {
                    match &arm.value {
                        Literal::Array {
                            items: inner,
                            complete: whole,
                        } => {
                            let room = MAX_ITEMS.saturating_sub(items.len());
                            items.extend(inner.iter().take(room).cloned());
                            complete &= *whole && inner.len() <= room;
                        }
                        value => complete &= value.is_falsy(),
                    }
                }
            } else {
                complete &= !matches!(value.value, Literal::Unknown);
                items.push(value);
            }
        }
        Literal::Array { items, complete }
    }

    fn property(&self, place: &Place<'m>, object: ExprId, key: &str, span: Span) -> Folded<'m> {
        // What a configuration does in production is what counts.
        if key == "NODE_ENV" && is_process_env(place.module, object) {
            return place.value(Literal::String(String::from("production")), span);
        }
        if let Expr::Name(name) = place.module.expr(object)
            && place.module.name(*name) == "process"
        {
            return place.value(Literal::Unknown, span);
        }
        let object = self.expr(place, object);
        object
            .get(key)
            .cloned()
            .unwrap_or_else(|| place.value(Literal::Unknown, span))
    }

    pub(super) fn call_at(
        &self,
        function: &Folded<'m>,
        arguments: &[Folded<'m>],
        depth: usize,
    ) -> Folded<'m> {
        let unknown = || Folded {
            value: Literal::Unknown,
            ..function.clone()
        };
        if depth > MAX_DEPTH {
            return unknown();
        }
        let closure = match &function.value {
            Literal::Function(closure) => closure,
            Literal::Choice(arms) => {
                let results = arms
                    .iter()
                    .map(|arm| self.call_at(arm, arguments, depth + 1))
                    .collect();
                return Folded {
                    value: Literal::Choice(results),
                    ..function.clone()
                };
            }
            _ => return unknown(),
        };
        let module = function.module;
        let Some(body) = module.functions.get(closure.function.0 as usize) else {
            return unknown();
        };
        let bound = body
            .params
            .iter()
            .zip(arguments)
            .flat_map(|(param, argument)| bind(module, param, argument))
            .collect();
        let place = Place {
            module,
            function: closure.function,
            scope: Some(Rc::new(Scope {
                function: closure.function,
                arguments: bound,
                outer: closure.scope.clone(),
            })),
            depth: depth + 1,
        };
        let mut returned = Vec::new();
        self.returns(&place, &body.body, &mut returned);
        match returned.len() {
            0 => Folded {
                value: Literal::Undefined,
                ..function.clone()
            },
            1 => returned.swap_remove(0),
            _ => Folded {
                value: Literal::Choice(returned),
                ..function.clone()
            },
        }
    }

    /// Adds the values that a block returns; true when nothing behind it runs.
    fn returns(&self, place: &Place<'m>, block: &'m Block, found: &mut Vec<Folded<'m>>) -> bool {
        if place.depth > MAX_DEPTH {
            return false;
        }
        let place = &Place {
            depth: place.depth + 1,
            ..place.clone()
        };
        for statement in block {
            match &statement.kind {
                StmtKind::Return(value) => {
                    found.push(match value {
                        Some(value) => self.expr(place, *value),
                        None => place.value(Literal::Undefined, statement.span),
                    });
                    return true;
                }
                StmtKind::Throw(_) => return true,
                StmtKind::If {
                    test,
                    then,
                    otherwise,
                } => {
                    let test = self.expr(place, *test).value;
                    let then_ends = !test.is_falsy() && self.returns(place, then, found);
                    let else_ends = !test.is_truthy() && self.returns(place, otherwise, found);
                    let ends = (then_ends || test.is_falsy()) && (else_ends || test.is_truthy());
                    if ends && (then_ends || else_ends) {
                        return true;
                    }
                }
                kind => {
                    let ends = inner_blocks(kind)
                        .into_iter()
                        .map(|inner| self.returns(place, inner, found))
                        .collect::<Vec<bool>>();
                    let surely = matches!(kind, StmtKind::Block(_) | StmtKind::Try { .. });
                    if surely && ends.first() == Some(&true) {
                        return true;
                    }
                }
            }
        }
        false
    }
}

/// True for `process.env`.
fn is_process_env(module: &ModuleRecord, expr: ExprId) -> bool {
    let Expr::Member {
        object, property, ..
    } = module.expr(expr)
    else {
        return false;
    };
    let of_process =
        matches!(module.expr(*object), Expr::Name(name) if module.name(*name) == "process");
    of_process && module.name(*property) == "env"
}
