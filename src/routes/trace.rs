//! Following a name to what it plainly stands for: a function, an object, a package's export.
//!
//! No evaluation: a call stays a call. That is enough to read how routes are registered, and cheap.

use crate::graph::{Graph, ModuleId, Symbol};
use crate::syntax::{
    Argument, AssignOp, BinaryOp, Block, ClassId, Expr, ExprId, Function, FunctionId, Key,
    LogicalOp, MODULE_BODY, MemberValue, ModuleRecord, Name, Pattern, Property, Stmt, StmtKind,
};

/// Longer chains of names are given up.
const MAX_STEPS: u32 = 48;

/// Where an expression is written: its module and the function around it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Place {
    pub(super) module: ModuleId,
    pub(super) function: FunctionId,
}

impl Place {
    /// The top level of a module.
    pub(super) fn top(module: ModuleId) -> Self {
        Self {
            module,
            function: MODULE_BODY,
        }
    }
}

/// What an expression stands for, as far as it can be followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    /// A function.
    Function {
        module: ModuleId,
        function: FunctionId,
    },
    /// A class.
    Class { module: ModuleId, class: ClassId },
    /// An expression that is no name: a literal, a call, an object.
    Expr { place: Place, expr: ExprId },
    /// All exports of a module.
    Namespace(ModuleId),
    /// A package's export; members are joined by dots: `default.Router`.
    External {
        package: Box<str>,
        subpath: Box<str>,
        name: Box<str>,
    },
    /// A parameter of the function at `place`, by position.
    Parameter { place: Place, position: usize },
    /// A type.
    Type,
    /// Not to be found.
    Unknown,
}

/// How a name is declared in a function.
enum Declared {
    Function(FunctionId),
    Class(ClassId),
    Parameter(usize, Vec<Step>),
    Value(ExprId, Vec<Step>),
    Nothing,
}

/// A step from a destructured value to one of its parts.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    Key(Name),
    Index(usize),
    Opaque,
}

/// Follows names through a graph.
#[derive(Clone, Copy)]
pub(super) struct Tracer<'a> {
    pub(super) graph: &'a Graph,
}

impl<'a> Tracer<'a> {
    pub(super) fn record(self, module: ModuleId) -> &'a ModuleRecord {
        self.graph.module(module)
    }

    pub(super) fn expr(self, place: Place, expr: ExprId) -> &'a Expr {
        self.record(place.module).expr(expr)
    }

    pub(super) fn function(self, module: ModuleId, function: FunctionId) -> &'a Function {
        self.record(module).function(function)
    }

    /// What `expr` stands for.
    pub(super) fn follow(self, place: Place, expr: ExprId) -> Value {
        self.follow_bounded(place, expr, MAX_STEPS)
    }

    /// What an export of a module stands for.
    pub(super) fn export(self, module: ModuleId, name: &str) -> Value {
        self.symbol(self.graph.export(module, name), MAX_STEPS)
    }

    fn follow_bounded(self, place: Place, expr: ExprId, steps: u32) -> Value {
        let Some(steps) = steps.checked_sub(1) else {
            return Value::Unknown;
        };
        match self.expr(place, expr) {
            Expr::Name(name) => self.name(place, *name, steps),
            Expr::Function(function) => Value::Function {
                module: place.module,
                function: *function,
            },
            Expr::Class(class) => Value::Class {
                module: place.module,
                class: *class,
            },
            Expr::Await(inner) => self.follow_bounded(place, *inner, steps),
            Expr::Assign {
                op: AssignOp::Set,
                value,
                ..
            } => self.follow_bounded(place, *value, steps),
            Expr::Sequence(list) => match list.last() {
                Some(last) => self.follow_bounded(place, *last, steps),
                None => Value::Unknown,
            },
            Expr::Member {
                object, property, ..
            } => {
                let object = self.follow_bounded(place, *object, steps);
                let key = self.record(place.module).name(*property);
                match self.member(&object, key, steps) {
                    Value::Unknown => Value::Expr { place, expr },
                    found => found,
                }
            }
            Expr::Call { callee, args, .. } if self.is_transparent(place, *callee) => {
                match args.first() {
                    Some(first) => self.follow_bounded(place, first.value, steps),
                    None => Value::Expr { place, expr },
                }
            }
            _ => Value::Expr { place, expr },
        }
    }

    /// `Object.freeze(x)` is `x`.
    fn is_transparent(self, place: Place, callee: ExprId) -> bool {
        let record = self.record(place.module);
        let Expr::Member {
            object, property, ..
        } = record.expr(callee)
        else {
            return false;
        };
        matches!(record.expr(*object), Expr::Name(name) if record.name(*name) == "Object")
            && matches!(record.name(*property), "freeze" | "seal")
    }

    /// What a name means at `place`.
    pub(super) fn lookup(self, place: Place, name: Name) -> Value {
        self.name(place, name, MAX_STEPS)
    }

    fn name(self, place: Place, name: Name, steps: u32) -> Value {
        let record = self.record(place.module);
        let mut function = place.function;
        loop {
            let here = Place {
                module: place.module,
                function,
            };
            match declaration(record, function, name) {
                Declared::Function(function) => {
                    return Value::Function {
                        module: place.module,
                        function,
                    };
                }
                Declared::Class(class) => {
                    return Value::Class {
                        module: place.module,
                        class,
                    };
                }
                Declared::Parameter(position, path) => {
                    if path.is_empty() {
                        return Value::Parameter {
                            place: here,
                            position,
                        };
                    }
                    return Value::Unknown;
                }
                Declared::Value(init, path) => return self.part(here, init, &path, steps),
                Declared::Nothing => {}
            }
            match record.function(function).parent {
                Some(parent) if function != MODULE_BODY => function = parent,
                _ => break,
            }
        }
        match self.graph.binding(place.module, name) {
            // The declaration was looked for above: following it again would lead nowhere.
            Some(Symbol::Local { module, name: same })
                if module == place.module && same == name =>
            {
                Value::Unknown
            }
            Some(symbol) => self.symbol(symbol, steps),
            None => Value::Unknown,
        }
    }

    fn part(self, place: Place, init: ExprId, path: &[Step], steps: u32) -> Value {
        let mut value = self.follow_bounded(place, init, steps);
        for step in path {
            value = match step {
                Step::Key(key) => {
                    let key = self.record(place.module).name(*key);
                    self.member(&value, key, steps)
                }
                Step::Index(index) => self.element(&value, *index, steps),
                Step::Opaque => Value::Unknown,
            };
        }
        value
    }

    fn symbol(self, symbol: Symbol, steps: u32) -> Value {
        let Some(steps) = steps.checked_sub(1) else {
            return Value::Unknown;
        };
        match symbol {
            Symbol::Local { module, name } => self.name(Place::top(module), name, steps),
            Symbol::Expr { module, expr } => self.follow_bounded(Place::top(module), expr, steps),
            Symbol::Namespace(module) => Value::Namespace(module),
            Symbol::External {
                package,
                subpath,
                name,
            } => Value::External {
                package,
                subpath,
                name,
            },
            Symbol::Type => Value::Type,
            Symbol::Unresolved => Value::Unknown,
        }
    }

    /// The member `key` of a value.
    pub(super) fn property(self, value: &Value, key: &str) -> Value {
        self.member(value, key, MAX_STEPS)
    }

    fn member(self, value: &Value, key: &str, steps: u32) -> Value {
        let Some(steps) = steps.checked_sub(1) else {
            return Value::Unknown;
        };
        match value {
            Value::Namespace(module) => self.symbol(self.graph.export(*module, key), steps),
            Value::External {
                package,
                subpath,
                name,
            } => Value::External {
                package: package.clone(),
                subpath: subpath.clone(),
                name: if &**name == "*" {
                    key.into()
                } else {
                    format!("{name}.{key}").into()
                },
            },
            Value::Class { module, class } => self.class_member(*module, *class, key, true, steps),
            Value::Expr { place, expr } => match self.expr(*place, *expr) {
                Expr::Object(properties) => self.object_member(*place, properties, key, steps),
                Expr::New { callee, .. } => match self.follow_bounded(*place, *callee, steps) {
                    Value::Class { module, class } => {
                        self.class_member(module, class, key, false, steps)
                    }
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    fn object_member(self, place: Place, properties: &[Property], key: &str, steps: u32) -> Value {
        let record = self.record(place.module);
        for property in properties.iter().rev() {
            match property {
                Property::Value {
                    key: Key::Name(name),
                    value,
                } if record.name(*name) == key => {
                    return self.follow_bounded(place, *value, steps);
                }
                Property::Spread(spread) => {
                    let value = self.follow_bounded(place, *spread, steps);
                    match self.member(&value, key, steps) {
                        Value::Unknown => {}
                        found => return found,
                    }
                }
                _ => {}
            }
        }
        Value::Unknown
    }

    fn class_member(
        self,
        module: ModuleId,
        class: ClassId,
        key: &str,
        is_static: bool,
        steps: u32,
    ) -> Value {
        let record = self.record(module);
        let class = record.class(class);
        for member in &class.members {
            let named = matches!(member.key, Key::Name(name) if record.name(name) == key);
            if !named || member.is_static != is_static {
                continue;
            }
            return match &member.value {
                MemberValue::Method(function) => Value::Function {
                    module,
                    function: *function,
                },
                MemberValue::Field(Some(value)) => {
                    self.follow_bounded(Place::top(module), *value, steps)
                }
                _ => Value::Unknown,
            };
        }
        match class.superclass {
            Some(superclass) => match self.follow_bounded(Place::top(module), superclass, steps) {
                Value::Class { module, class } => match steps.checked_sub(1) {
                    Some(steps) => self.class_member(module, class, key, is_static, steps),
                    None => Value::Unknown,
                },
                _ => Value::Unknown,
            },
            None => Value::Unknown,
        }
    }

    fn element(self, value: &Value, index: usize, steps: u32) -> Value {
        if let Value::Expr { place, expr } = value
            && let Expr::Array(elements) = self.expr(*place, *expr)
            && let Some(element) = elements.get(index)
            && !element.spread
        {
            return self.follow_bounded(*place, element.value, steps);
        }
        Value::Unknown
    }

    /// The text of a string that is written out: literals, joined or named by constants.
    pub(super) fn text(self, place: Place, expr: ExprId) -> Option<String> {
        self.text_bounded(place, expr, 16)
    }

    fn text_bounded(self, place: Place, expr: ExprId, steps: u32) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        match self.expr(place, expr) {
            Expr::String(text) => Some(text.to_string()),
            Expr::Template { texts, parts } => {
                let mut out = String::new();
                for (at, text) in texts.iter().enumerate() {
                    out += text;
                    if let Some(part) = parts.get(at) {
                        out += &self.text_bounded(place, *part, steps)?;
                    }
                }
                Some(out)
            }
            Expr::Binary {
                op: BinaryOp::Add,
                left,
                right,
            } => Some(
                self.text_bounded(place, *left, steps)?
                    + &self.text_bounded(place, *right, steps)?,
            ),
            // A setting with a default: the default is what the source says.
            Expr::Logical {
                op: LogicalOp::Or | LogicalOp::Coalesce,
                left,
                right,
            } => self
                .text_bounded(place, *left, steps)
                .or_else(|| self.text_bounded(place, *right, steps)),
            _ => match self.follow(place, expr) {
                Value::Expr {
                    place: found,
                    expr: inner,
                } if (found, inner) != (place, expr) => self.text_bounded(found, inner, steps),
                _ => None,
            },
        }
    }

    /// The elements of an array that is written out, spread arrays included; `None` when it cannot be seen whole.
    pub(super) fn elements(self, place: Place, expr: ExprId) -> Option<Vec<(Place, ExprId)>> {
        self.elements_bounded(place, expr, 16)
    }

    fn elements_bounded(
        self,
        place: Place,
        expr: ExprId,
        steps: u32,
    ) -> Option<Vec<(Place, ExprId)>> {
        let steps = steps.checked_sub(1)?;
        let Value::Expr { place, expr } = self.follow(place, expr) else {
            return None;
        };
        let Expr::Array(elements) = self.expr(place, expr) else {
            return None;
        };
        let mut list = Vec::new();
        for Argument { value, spread } in elements {
            if *spread {
                list.extend(self.elements_bounded(place, *value, steps)?);
            } else {
                list.push((place, *value));
            }
        }
        Some(list)
    }

    /// The texts of an array of strings, or of a set made of one.
    pub(super) fn texts(self, place: Place, expr: ExprId) -> Option<Vec<String>> {
        let list = match self.follow(place, expr) {
            Value::Expr { place, expr } => match self.expr(place, expr) {
                Expr::New { args, .. } => self.elements(place, args.first()?.value)?,
                _ => self.elements(place, expr)?,
            },
            _ => return None,
        };
        list.into_iter()
            .map(|(place, element)| self.text(place, element))
            .collect()
    }

    /// The keys and values of an object that is written out.
    pub(super) fn entries(
        self,
        place: Place,
        expr: ExprId,
    ) -> Option<Vec<(&'a str, ExprId, Place)>> {
        let Value::Expr { place, expr } = self.follow(place, expr) else {
            return None;
        };
        let Expr::Object(properties) = self.expr(place, expr) else {
            return None;
        };
        let record = self.record(place.module);
        Some(
            properties
                .iter()
                .filter_map(|property| match property {
                    Property::Value {
                        key: Key::Name(name),
                        value,
                    } => Some((record.name(*name), *value, place)),
                    _ => None,
                })
                .collect(),
        )
    }
}

/// How `name` is declared in a function, its nested blocks included and its nested functions not.
fn declaration(record: &ModuleRecord, function: FunctionId, name: Name) -> Declared {
    let function = record.function(function);
    for (position, param) in function.params.iter().enumerate() {
        if let Some(path) = path_to(param, name) {
            return Declared::Parameter(position, path);
        }
    }
    let mut without_value = false;
    let found = find_in(&function.body, &mut |stmt| match &stmt.kind {
        StmtKind::Let { pattern, init } => {
            let path = path_to(pattern, name)?;
            match init {
                Some(init) => Some(Declared::Value(*init, path)),
                None => {
                    without_value = true;
                    None
                }
            }
        }
        StmtKind::Function {
            name: declared,
            function,
        } if *declared == name => Some(Declared::Function(*function)),
        StmtKind::Class {
            name: declared,
            class,
        } if *declared == name => Some(Declared::Class(*class)),
        _ => None,
    });
    if let Some(found) = found {
        return found;
    }
    if !without_value {
        return Declared::Nothing;
    }
    find_in(&function.body, &mut |stmt| {
        let StmtKind::Expr(expr) = &stmt.kind else {
            return None;
        };
        match record.expr(*expr) {
            Expr::Assign {
                target,
                op: AssignOp::Set,
                value,
            } => path_to(target, name).map(|path| Declared::Value(*value, path)),
            _ => None,
        }
    })
    .unwrap_or(Declared::Parameter(usize::MAX, vec![Step::Opaque]))
}

/// The first answer of `ask` over the statements of a block and of the blocks inside it.
pub(super) fn find_in<T>(block: &Block, ask: &mut impl FnMut(&Stmt) -> Option<T>) -> Option<T> {
    for stmt in block {
        if let Some(found) = ask(stmt) {
            return Some(found);
        }
        let found = match &stmt.kind {
            StmtKind::If {
                then, otherwise, ..
            } => find_in(then, ask).or_else(|| find_in(otherwise, ask)),
            StmtKind::Switch { cases, .. } => {
                cases.iter().find_map(|case| find_in(&case.body, ask))
            }
            StmtKind::Try {
                block,
                handler,
                finalizer,
            } => find_in(block, ask)
                .or_else(|| find_in(&handler.as_ref()?.body, ask))
                .or_else(|| find_in(finalizer, ask)),
            StmtKind::Loop(each) => find_in(&each.init, ask).or_else(|| find_in(&each.body, ask)),
            StmtKind::Block(block) => find_in(block, ask),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The way from a pattern's value to the part that binds `name`.
fn path_to(pattern: &Pattern, name: Name) -> Option<Vec<Step>> {
    match pattern {
        Pattern::Name(bound) => (*bound == name).then(Vec::new),
        Pattern::Member(_) => None,
        Pattern::Object { properties, rest } => {
            for (key, inner) in properties {
                if let Some(mut path) = path_to(inner, name) {
                    let step = match key {
                        Key::Name(key) => Step::Key(*key),
                        Key::Computed(_) => Step::Opaque,
                    };
                    path.insert(0, step);
                    return Some(path);
                }
            }
            path_to(rest.as_deref()?, name).map(|_| vec![Step::Opaque])
        }
        Pattern::Array { elements, rest } => {
            for (at, inner) in elements.iter().enumerate() {
                if let Some(mut path) = inner.as_ref().and_then(|inner| path_to(inner, name)) {
                    path.insert(0, Step::Index(at));
                    return Some(path);
                }
            }
            path_to(rest.as_deref()?, name).map(|_| vec![Step::Opaque])
        }
        Pattern::Default { pattern, .. } => path_to(pattern, name),
        Pattern::Rest(inner) => path_to(inner, name).map(|_| vec![Step::Opaque]),
    }
}

/// The expressions directly inside an expression, in the order in which they are evaluated.
pub(super) fn children(expr: &Expr, seen: &mut impl FnMut(ExprId)) {
    let arguments = |args: &[Argument], seen: &mut dyn FnMut(ExprId)| {
        for argument in args {
            seen(argument.value);
        }
    };
    match expr {
        Expr::Undefined
        | Expr::Null
        | Expr::Bool(_)
        | Expr::Number(_)
        | Expr::String(_)
        | Expr::Regex(_)
        | Expr::Name(_)
        | Expr::This
        | Expr::Super
        | Expr::Function(_)
        | Expr::Class(_) => {}
        Expr::Template { parts, .. } => parts.iter().for_each(|part| seen(*part)),
        Expr::Member { object, .. } => seen(*object),
        Expr::Index { object, index, .. } => {
            seen(*object);
            seen(*index);
        }
        Expr::Call { callee, args, .. } | Expr::New { callee, args } => {
            seen(*callee);
            arguments(args, seen);
        }
        Expr::Tagged { tag, parts, .. } => {
            seen(*tag);
            parts.iter().for_each(|part| seen(*part));
        }
        Expr::Import(inner) | Expr::Await(inner) => seen(*inner),
        Expr::Yield { value, .. } => value.iter().for_each(|value| seen(*value)),
        Expr::Object(properties) => {
            for property in properties {
                match property {
                    Property::Value { value, .. } => seen(*value),
                    Property::Spread(value) => seen(*value),
                    Property::Getter { .. } => {}
                }
            }
        }
        Expr::Array(elements) => arguments(elements, seen),
        Expr::Unary { operand, .. } => seen(*operand),
        Expr::Binary { left, right, .. } | Expr::Logical { left, right, .. } => {
            seen(*left);
            seen(*right);
        }
        Expr::Conditional {
            test,
            then,
            otherwise,
        } => {
            seen(*test);
            seen(*then);
            seen(*otherwise);
        }
        Expr::Assign { value, .. } => seen(*value),
        Expr::Sequence(list) => list.iter().for_each(|each| seen(*each)),
        Expr::Jsx { tag, children } => {
            tag.iter().for_each(|tag| seen(*tag));
            children.iter().for_each(|child| seen(*child));
        }
        Expr::Opaque(inner) => inner.iter().for_each(|each| seen(*each)),
    }
}
