//! Constant folding: what configuration files say, without running them.
//!
//! Objects, arrays, texts, numbers, local constants and spreads of them, functions that return such values, and calls of
//! wrappers (`withSentryConfig(config, …)`) are read; imported constants too, when somebody can name their module. What
//! cannot be read is [`Literal::Unknown`], and a collection that holds such a part says that it is incomplete.

use std::cell::Cell;
use std::rc::Rc;

use crate::source::{Location, Span};
use crate::syntax::{
    Argument, Block, Export, ExportTarget, Expr, ExprId, FunctionId, Import, Key, LogicalOp,
    MODULE_BODY, ModuleRecord, Name, Pattern, Property, StmtKind, UnaryOp,
};

/// Deeper values are unknown.
const MAX_DEPTH: usize = 96;

/// How many expressions one folding may look at.
const MAX_STEPS: usize = 20_000;

/// Longer collections are cut and incomplete; a text of more kilobytes than this is unknown.
const MAX_ITEMS: usize = 4_096;

/// What stands in a text for a part that cannot be read.
pub const HOLE: &str = "${…}";

/// A value and where it is written.
#[derive(Clone, Debug)]
pub struct Folded<'m> {
    /// The value.
    pub value: Literal<'m>,
    /// The module that holds it.
    pub module: &'m ModuleRecord,
    /// Where.
    pub span: Span,
}

/// A value as far as it is known.
#[derive(Clone, Debug)]
pub enum Literal<'m> {
    /// `undefined`
    Undefined,
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text; parts that cannot be read stand as [`HOLE`].
    String(String),
    /// The source of a regular expression.
    Regex(String),
    /// An array.
    Array {
        /// The elements that are known.
        items: Vec<Folded<'m>>,
        /// There are no others.
        complete: bool,
    },
    /// An object.
    Object {
        /// The properties that are known, in order; a later one replaces an earlier one of the same key.
        entries: Vec<(String, Folded<'m>)>,
        /// There are no others.
        complete: bool,
    },
    /// A function, to be called with [`Folder::call`].
    Function(Closure<'m>),
    /// One of several values, depending on what only a run knows.
    Choice(Vec<Folded<'m>>),
    /// It cannot be read.
    Unknown,
}

/// A function with the arguments of the functions around it.
#[derive(Clone, Debug)]
pub struct Closure<'m> {
    /// The function, in the module of the value.
    pub function: FunctionId,
    scope: Option<Rc<Scope<'m>>>,
}

/// The arguments of a function that is being folded.
#[derive(Debug)]
struct Scope<'m> {
    function: FunctionId,
    arguments: Vec<(Name, Folded<'m>)>,
    outer: Option<Rc<Scope<'m>>>,
}

impl<'m> Folded<'m> {
    /// Where it is written.
    #[must_use]
    pub fn location(&self) -> Location {
        self.module.location(self.span)
    }

    /// The values it may be: the arms of a choice, else itself.
    #[must_use]
    pub fn alternatives(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(current) = open.pop() {
            match &current.value {
                Literal::Choice(arms) => open.extend(arms.iter().rev()),
                _ => found.push(current),
            }
        }
        found
    }

    /// The text, where it is one and nothing else.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Literal::String(text) => Some(text),
            // Of several texts, the first one is as good as any, and all that a single value can show.
            Literal::Choice(_) => {
                self.alternatives()
                    .into_iter()
                    .find_map(|arm| match &arm.value {
                        Literal::String(text) => Some(text.as_str()),
                        _ => None,
                    })
            }
            _ => None,
        }
    }

    /// The property `key` of an object, in any arm.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.alternatives()
            .into_iter()
            .find_map(|arm| match &arm.value {
                Literal::Object { entries, .. } => entries
                    .iter()
                    .rev()
                    .find(|(name, _)| name == key)
                    .map(|(_, value)| value),
                _ => None,
            })
    }

    /// The elements of an array, those of every arm, and whether these are all.
    #[must_use]
    pub fn items(&self) -> (Vec<&Self>, bool) {
        let mut found = Vec::new();
        let mut all = true;
        for arm in self.alternatives() {
            match &arm.value {
                Literal::Array { items, complete } => {
                    all &= complete;
                    for item in items {
                        found.extend(item.alternatives());
                    }
                }
                value => all &= value.is_falsy(),
            }
        }
        found.retain(|item| !item.value.is_falsy());
        (found, all)
    }
}

impl Literal<'_> {
    /// Known to be false in a condition, so that `.filter(Boolean)` drops it.
    fn is_falsy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null | Self::Bool(false) => true,
            Self::Number(number) => *number == 0.0,
            Self::String(text) => text.is_empty(),
            _ => false,
        }
    }

    /// Known to be true in a condition.
    fn is_truthy(&self) -> bool {
        match self {
            Self::Bool(true)
            | Self::Array { .. }
            | Self::Object { .. }
            | Self::Function(_)
            | Self::Regex(_) => true,
            Self::Number(number) => *number != 0.0,
            Self::String(text) => !text.is_empty(),
            _ => false,
        }
    }
}

/// The module and export that an imported name stands for.
pub type ImportLookup<'l, 'm> =
    &'l dyn Fn(&'m ModuleRecord, &'m Import) -> Option<(&'m ModuleRecord, &'m Export)>;

/// Folds `expr` of `module`; imported names are unknown.
#[must_use]
pub fn fold(module: &ModuleRecord, expr: ExprId) -> Folded<'_> {
    Folder::new(&|_, _| None).fold(module, expr)
}

/// Folds expressions, with a way to look up what is imported.
pub struct Folder<'l, 'm> {
    imports: ImportLookup<'l, 'm>,
    steps: Cell<usize>,
}

/// Where an expression is folded.
#[derive(Clone)]
struct Place<'m> {
    module: &'m ModuleRecord,
    function: FunctionId,
    scope: Option<Rc<Scope<'m>>>,
    depth: usize,
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

    fn value(&self, value: Literal<'m>, span: Span) -> Folded<'m> {
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

    /// The value of what `module` exports as `name`: `default` for `module.exports` too.
    #[must_use]
    pub fn export(&self, module: &'m ModuleRecord, name: &str) -> Option<Folded<'m>> {
        let export = module.exports.iter().find(|export| &*export.name == name)?;
        Some(self.exported(module, export, 0))
    }

    /// The value that a function returns: every returned value when there are several. `arguments` are bound to its
    /// parameters as far as they go.
    #[must_use]
    pub fn call(&self, function: &Folded<'m>, arguments: &[Folded<'m>]) -> Folded<'m> {
        self.call_at(function, arguments, 0)
    }

    fn exported(&self, module: &'m ModuleRecord, export: &'m Export, depth: usize) -> Folded<'m> {
        let place = Place::of_module(module, depth);
        match &export.target {
            ExportTarget::Local(name) => self.name(&place, *name, export.span),
            ExportTarget::Expr(expr) => self.expr(&place, *expr),
            ExportTarget::From { .. } | ExportTarget::Type => {
                place.value(Literal::Unknown, export.span)
            }
        }
    }

    fn expr(&self, place: &Place<'m>, id: ExprId) -> Folded<'m> {
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

    fn binary(
        &self,
        place: &Place<'m>,
        op: crate::syntax::BinaryOp,
        left: ExprId,
        right: ExprId,
    ) -> Literal<'m> {
        use crate::syntax::BinaryOp;
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
            (BinaryOp::Equal, Literal::String(a), Literal::String(b)) => Literal::Bool(a == b),
            (BinaryOp::NotEqual, Literal::String(a), Literal::String(b)) => Literal::Bool(a != b),
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

    fn array(&self, place: &Place<'m>, elements: &'m [Argument]) -> Literal<'m> {
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

    /// What a name stands for: an argument, a constant of the function or of those around it, a function, an import.
    fn name(&self, place: &Place<'m>, name: Name, span: Span) -> Folded<'m> {
        let module = place.module;
        let mut scope = place.scope.as_ref();
        let mut function = place.function;
        loop {
            if let Some(current) = scope
                && current.function == function
            {
                if let Some((_, value)) = current.arguments.iter().find(|(bound, _)| *bound == name)
                {
                    return value.clone();
                }
            }
            let Some(body) = module.functions.get(function.0 as usize) else {
                break;
            };
            let inside = Place {
                module,
                function,
                scope: scope
                    .filter(|current| current.function == function)
                    .cloned(),
                depth: place.depth,
            };
            if let Some(found) = self.declared(&inside, &body.body, name) {
                return found;
            }
            // An unbound parameter hides what lies further out.
            if body.params.iter().any(|param| binds(param, name)) {
                return place.value(Literal::Unknown, span);
            }
            match body.parent {
                Some(parent) => {
                    if let Some(current) = scope
                        && current.function == function
                    {
                        scope = current.outer.as_ref();
                    }
                    function = parent;
                }
                None => break,
            }
        }
        let import = module.imports.iter().find(|import| import.local == name);
        if let Some(import) = import
            && place.depth < MAX_DEPTH
            && let Some((target, export)) = (self.imports)(module, import)
        {
            return self.exported(target, export, place.depth + 1);
        }
        place.value(
            match module.name(name) {
                "undefined" => Literal::Undefined,
                _ => Literal::Unknown,
            },
            span,
        )
    }

    /// The value that `block` declares for `name`, wherever in it.
    fn declared(&self, place: &Place<'m>, block: &'m Block, name: Name) -> Option<Folded<'m>> {
        let mut open: Vec<&'m Block> = vec![block];
        let mut pushed: Vec<&'m [Argument]> = Vec::new();
        let mut found = None;
        while let Some(block) = open.pop() {
            for statement in block {
                match &statement.kind {
                    StmtKind::Let {
                        pattern,
                        init: Some(init),
                    } if found.is_none() => match pattern {
                        Pattern::Name(bound) if *bound == name => {
                            found = Some(self.expr(place, *init));
                        }
                        pattern if binds(pattern, name) => {
                            found = Some(self.destructured(place, pattern, *init, name));
                        }
                        _ => {}
                    },
                    StmtKind::Function {
                        name: bound,
                        function,
                    } if *bound == name && found.is_none() => {
                        found = Some(place.value(
                            Literal::Function(Closure {
                                function: *function,
                                scope: place.scope.clone(),
                            }),
                            statement.span,
                        ));
                    }
                    StmtKind::Expr(expr) => pushed.extend(pushes(place.module, *expr, name)),
                    _ => open.extend(inner_blocks(&statement.kind)),
                }
            }
        }
        let mut found = found?;
        if let Literal::Array { items, complete } = &mut found.value {
            for arguments in pushed {
                if let Literal::Array {
                    items: more,
                    complete: whole,
                } = self.array(place, arguments)
                {
                    items.extend(more);
                    *complete &= whole;
                }
            }
        }
        Some(found)
    }

    /// `const { a, b: [c] } = init`, one level of properties deep.
    fn destructured(
        &self,
        place: &Place<'m>,
        pattern: &'m Pattern,
        init: ExprId,
        name: Name,
    ) -> Folded<'m> {
        let span = place.module.span(init);
        let value = self.expr(place, init);
        bind(place.module, pattern, &value)
            .into_iter()
            .find(|(bound, _)| *bound == name)
            .map_or_else(|| place.value(Literal::Unknown, span), |(_, value)| value)
    }

    fn call_expr(
        &self,
        place: &Place<'m>,
        callee: ExprId,
        args: &'m [Argument],
        span: Span,
    ) -> Folded<'m> {
        if let Expr::Member {
            object, property, ..
        } = place.module.expr(callee)
            && let Some(value) =
                self.method(place, *object, place.module.name(*property), args, span)
        {
            return value;
        }
        let function = self.expr(place, callee);
        if let Literal::Function(_) = function.value {
            let arguments: Vec<Folded<'m>> = args
                .iter()
                .map(|argument| self.expr(place, argument.value))
                .collect();
            let result = self.call_at(&function, &arguments, place.depth);
            if !matches!(result.value, Literal::Unknown) {
                return result;
            }
        }
        self.wrapped(place, args, span)
    }

    /// What a wrapper that cannot be looked into gives back: the object, or the function that makes one, that it is
    /// given. The wrappers of configurations add to it and take nothing away.
    fn wrapped(&self, place: &Place<'m>, args: &'m [Argument], span: Span) -> Folded<'m> {
        for argument in args {
            let value = self.expr(place, argument.value);
            let fits = value
                .alternatives()
                .iter()
                .any(|arm| matches!(arm.value, Literal::Object { .. } | Literal::Function(_)));
            if fits {
                return value;
            }
        }
        place.value(Literal::Unknown, span)
    }

    /// The methods of arrays, texts and `Object` that configuration files use.
    fn method(
        &self,
        place: &Place<'m>,
        object: ExprId,
        method: &str,
        args: &'m [Argument],
        span: Span,
    ) -> Option<Folded<'m>> {
        let first = || {
            args.first()
                .map(|argument| self.expr(place, argument.value))
        };
        if let Expr::Name(name) = place.module.expr(object)
            && place.module.name(*name) == "Object"
        {
            return self.object_method(place, method, args, span);
        }
        let receiver = match method {
            "filter" | "map" | "flatMap" | "concat" | "join" | "flat" | "replace"
            | "replaceAll" | "trim" | "toString" | "slice" => self.expr(place, object),
            _ => return None,
        };
        let value = match (&receiver.value, method) {
            (Literal::Choice(_), _) if method != "join" => return None,
            (Literal::Array { .. }, "filter" | "slice") => return Some(receiver),
            (Literal::Array { items, complete }, "concat") => {
                let mut items = items.clone();
                let mut complete = *complete;
                for argument in args {
                    let more = self.expr(place, argument.value);
                    let (inner, whole) = more.items();
                    let room = MAX_ITEMS.saturating_sub(items.len());
                    complete &= whole && inner.len() <= room;
                    items.extend(inner.into_iter().take(room).cloned());
                }
                Literal::Array { items, complete }
            }
            (Literal::Array { items, complete }, "map" | "flatMap" | "flat") => {
                let mapper = first();
                let mut mapped = Vec::new();
                let mut complete = *complete;
                for item in items {
                    let value = match &mapper {
                        Some(mapper) => {
                            self.call_at(mapper, std::slice::from_ref(item), place.depth)
                        }
                        None => item.clone(),
                    };
                    if method == "map" {
                        complete &= !matches!(value.value, Literal::Unknown);
                        mapped.push(value);
                    } else {
                        let (inner, whole) = value.items();
                        let room = MAX_ITEMS.saturating_sub(mapped.len());
                        complete &= whole && inner.len() <= room;
                        mapped.extend(inner.into_iter().take(room).cloned());
                    }
                }
                Literal::Array {
                    items: mapped,
                    complete,
                }
            }
            (Literal::Array { .. } | Literal::Choice(_), "join") => {
                let separator = first().and_then(|value| as_text(&value));
                let (items, complete) = receiver.items();
                let mut parts: Vec<String> = items
                    .iter()
                    .map(|item| as_text(item).unwrap_or_else(|| String::from(HOLE)))
                    .collect();
                if !complete {
                    parts.push(String::from(HOLE));
                }
                Literal::String(parts.join(separator.as_deref().unwrap_or(",")))
            }
            (Literal::String(text), "trim") => Literal::String(text.trim().to_owned()),
            (Literal::String(_), "toString") => return Some(receiver),
            (Literal::String(text), "replace" | "replaceAll") => {
                let pattern = first()?;
                let with = args
                    .get(1)
                    .and_then(|argument| as_text(&self.expr(place, argument.value)))
                    .unwrap_or_else(|| String::from(HOLE));
                match &pattern.value {
                    Literal::String(pattern) => {
                        Literal::String(text.replace(pattern.as_str(), &with))
                    }
                    // Patterns of blank space fold lines into one; others leave a text that is near enough.
                    Literal::Regex(source) if source.contains("\\s") || source.contains("\\n") => {
                        let words: Vec<&str> = text.split_whitespace().collect();
                        Literal::String(words.join(" "))
                    }
                    _ => Literal::String(text.clone()),
                }
            }
            _ => return None,
        };
        Some(place.value(value, span))
    }

    fn object_method(
        &self,
        place: &Place<'m>,
        method: &str,
        args: &'m [Argument],
        span: Span,
    ) -> Option<Folded<'m>> {
        let first = self.expr(place, args.first()?.value);
        let value = match method {
            "freeze" | "seal" => return Some(first),
            "assign" => {
                let (mut entries, mut complete) = (Vec::new(), true);
                for argument in args {
                    match self.expr(place, argument.value).value {
                        Literal::Object {
                            entries: more,
                            complete: whole,
                        } => {
                            entries.extend(more);
                            complete &= whole;
                        }
                        value => complete &= value.is_falsy(),
                    }
                }
                Literal::Object { entries, complete }
            }
            "entries" | "keys" | "values" => {
                let Literal::Object { entries, complete } = first.value else {
                    return None;
                };
                let items = entries
                    .into_iter()
                    .map(|(key, value)| {
                        let at = |inner| Folded {
                            value: inner,
                            module: value.module,
                            span: value.span,
                        };
                        let key = at(Literal::String(key));
                        match method {
                            "keys" => key,
                            "values" => value,
                            _ => at(Literal::Array {
                                items: vec![key, value.clone()],
                                complete: true,
                            }),
                        }
                    })
                    .collect();
                Literal::Array { items, complete }
            }
            _ => return None,
        };
        Some(place.value(value, span))
    }

    fn call_at(&self, function: &Folded<'m>, arguments: &[Folded<'m>], depth: usize) -> Folded<'m> {
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

/// The blocks inside a statement.
fn inner_blocks(kind: &StmtKind) -> Vec<&Block> {
    match kind {
        StmtKind::If {
            then, otherwise, ..
        } => vec![then, otherwise],
        StmtKind::Switch { cases, .. } => cases.iter().map(|case| &case.body).collect(),
        StmtKind::Try {
            block,
            handler,
            finalizer,
        } => std::iter::once(block)
            .chain(handler.as_ref().map(|handler| &handler.body))
            .chain(std::iter::once(finalizer))
            .collect(),
        StmtKind::Loop(inner) => vec![&inner.body],
        StmtKind::Block(block) => vec![block],
        _ => Vec::new(),
    }
}

/// The arguments of `name.push(…)`.
fn pushes(module: &ModuleRecord, expr: ExprId, name: Name) -> Option<&[Argument]> {
    let Expr::Call { callee, args, .. } = module.expr(expr) else {
        return None;
    };
    let Expr::Member {
        object, property, ..
    } = module.expr(*callee)
    else {
        return None;
    };
    let fits = module.name(*property) == "push"
        && matches!(module.expr(*object), Expr::Name(at) if *at == name);
    fits.then_some(&**args)
}

/// Whether a pattern binds `name`.
fn binds(pattern: &Pattern, name: Name) -> bool {
    let mut open = vec![pattern];
    while let Some(current) = open.pop() {
        match current {
            Pattern::Name(bound) if *bound == name => return true,
            Pattern::Name(_) | Pattern::Member(_) => {}
            Pattern::Object { properties, rest } => {
                open.extend(properties.iter().map(|(_, inner)| inner));
                open.extend(rest.as_deref());
            }
            Pattern::Array { elements, rest } => {
                open.extend(elements.iter().flatten());
                open.extend(rest.as_deref());
            }
            Pattern::Default { pattern, .. } | Pattern::Rest(pattern) => open.push(pattern),
        }
    }
    false
}

/// The names that `pattern` binds when it takes `value`.
fn bind<'m>(
    module: &'m ModuleRecord,
    pattern: &'m Pattern,
    value: &Folded<'m>,
) -> Vec<(Name, Folded<'m>)> {
    let mut bound = Vec::new();
    let mut open = vec![(pattern, value.clone())];
    while let Some((pattern, value)) = open.pop() {
        let unknown = || Folded {
            value: Literal::Unknown,
            ..value.clone()
        };
        match pattern {
            Pattern::Name(name) => bound.push((*name, value)),
            Pattern::Object { properties, .. } => {
                for (key, inner) in properties {
                    let part = match key {
                        Key::Name(name) => value.get(module.name(*name)).cloned(),
                        Key::Computed(_) => None,
                    };
                    open.push((inner, part.unwrap_or_else(unknown)));
                }
            }
            Pattern::Array { elements, .. } => {
                for (at, inner) in elements.iter().enumerate() {
                    let part = match &value.value {
                        Literal::Array { items, .. } => items.get(at).cloned(),
                        _ => None,
                    };
                    if let Some(inner) = inner {
                        open.push((inner, part.unwrap_or_else(unknown)));
                    }
                }
            }
            Pattern::Default { pattern, .. } => open.push((pattern, value)),
            Pattern::Member(_) | Pattern::Rest(_) => {}
        }
    }
    bound
}

/// The text of a value as a template would show it.
fn as_text(value: &Folded<'_>) -> Option<String> {
    match &value.value {
        Literal::String(text) => Some(text.clone()),
        Literal::Number(number) => Some(number.to_string()),
        Literal::Bool(flag) => Some(flag.to_string()),
        // Texts that differ by circumstance are all shown, so that nothing that may be sent is overlooked.
        Literal::Choice(_) => {
            let arms: Vec<String> = value
                .alternatives()
                .into_iter()
                .filter(|arm| !arm.value.is_falsy())
                .map(|arm| as_text(arm).unwrap_or_else(|| String::from(HOLE)))
                .collect();
            match arms.len() {
                0 => Some(String::new()),
                _ => Some(arms.join(" ")),
            }
        }
        _ => None,
    }
}
