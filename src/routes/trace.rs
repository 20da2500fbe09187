//! Following a name to what it plainly stands for: a function, an object, a package's export.
//!
//! No evaluation: a call stays a call. That is enough to read how routes are registered, and cheap.

use crate::graph::{Graph, Link, ModuleId, Symbol};
use crate::syntax::{
    Argument, AssignOp, BinaryOp, ClassId, Expr, ExprId, Function, FunctionId, Key, LogicalOp,
    MODULE_BODY, MemberValue, ModuleRecord, Name, Property, StmtKind,
};

use super::declared::{Declared, Step, declaration, find_in};

/// Positions of loop variables begin here, by name.
pub(super) const LOOP_VARIABLES: usize = 1 << 32;

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
    /// A parameter of the function at `place`, by position, or one member of it; loop variables count from
    /// [`LOOP_VARIABLES`].
    Parameter {
        place: Place,
        position: usize,
        key: Option<Name>,
    },
    /// A member, taken out by its name, of something that cannot be looked into: `const { router } = create()`.
    Part {
        place: Place,
        expr: ExprId,
        key: Box<str>,
    },
    /// A type.
    Type,
    /// Not to be found.
    Unknown,
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
            Expr::Call { callee, args, .. } if self.is_require(place, *callee) => {
                match args.first().map(|first| self.expr(place, first.value)) {
                    Some(Expr::String(specifier)) => self.module(place, specifier, true, steps),
                    _ => Value::Expr { place, expr },
                }
            }
            Expr::Import(specifier) => match self.expr(place, *specifier) {
                Expr::String(specifier) => self.module(place, specifier, false, steps),
                _ => Value::Expr { place, expr },
            },
            _ => Value::Expr { place, expr },
        }
    }

    /// `require`, when nothing of that name is declared.
    fn is_require(self, place: Place, callee: ExprId) -> bool {
        matches!(self.expr(place, callee), Expr::Name(name)
            if self.record(place.module).name(*name) == "require"
                && self.lookup(place, *name) == Value::Unknown)
    }

    /// What loading a module gives: its exports, or for `require` what `module.exports` is set to.
    fn module(self, place: Place, specifier: &str, required: bool, steps: u32) -> Value {
        match self.graph.link(place.module, specifier) {
            Link::Module(module) => {
                let names = self.graph.export_names(module);
                if required && names.len() == 1 && names.iter().all(|name| &**name == "default") {
                    return self.symbol(self.graph.export(module, "default"), steps);
                }
                Value::Namespace(module)
            }
            Link::External { package, subpath } => Value::External {
                package,
                subpath,
                name: "*".into(),
            },
            Link::Asset(_) | Link::Missing => Value::Unknown,
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
                    let key = match path[..] {
                        [] => None,
                        [Step::Key(key)] => Some(key),
                        _ => return Value::Unknown,
                    };
                    return Value::Parameter {
                        place: here,
                        position,
                        key,
                    };
                }
                Declared::Hidden => return Value::Unknown,
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
                Step::Key(name) => {
                    let key = self.record(place.module).name(*name);
                    match (self.member(&value, key, steps), value) {
                        (Value::Unknown, Value::Expr { place, expr }) if path.len() == 1 => {
                            let key = key.into();
                            Value::Part { place, expr, key }
                        }
                        // `const { path } = options`
                        (
                            Value::Unknown,
                            Value::Parameter {
                                place: at,
                                position,
                                key: None,
                            },
                        ) if at.module == place.module => Value::Parameter {
                            place: at,
                            position,
                            key: Some(*name),
                        },
                        (found, _) => found,
                    }
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
                    [name, ".", key].concat().into()
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

    /// What a function returns first.
    pub(super) fn result(self, place: Place) -> Option<ExprId> {
        let function = self.function(place.module, place.function);
        find_in(&function.body, &mut |stmt| match stmt.kind {
            StmtKind::Return(value) => value,
            _ => None,
        })
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
