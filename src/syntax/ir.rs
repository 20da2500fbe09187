//! The small intermediate representation that functions are lowered to.
//!
//! Expressions live in one arena per module and name each other by [`ExprId`]; statements are trees. Identifiers are
//! names, resolved by whoever evaluates: block scopes are not kept apart from their function's scope, because real code
//! assigns before it reads. Types, JSX structure and comments are gone.

use crate::source::Span;

/// An identifier or property name of one module: an index into [`super::ModuleRecord::names`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Name(pub u32);

/// An expression of one module: an index into [`super::ModuleRecord::exprs`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ExprId(pub u32);

/// A function of one module: an index into [`super::ModuleRecord::functions`]. Function 0 is the module's own body.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FunctionId(pub u32);

/// A class of one module: an index into [`super::ModuleRecord::classes`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClassId(pub u32);

/// The body of the module, as a function.
pub const MODULE_BODY: FunctionId = FunctionId(0);

/// A list of statements.
pub type Block = Box<[Stmt]>;

/// The texts of a template. Templates are few among expressions, so their parts lie apart.
pub type Texts = Box<[Box<str>]>;

/// What an expression is. TypeScript's `as`, `satisfies`, `!` and parentheses are looked through.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    /// `undefined` and `void e` whose operand has no call.
    Undefined,
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number literal; big integers too, as their value.
    Number(f64),
    /// A string literal, or a template without substitutions.
    String(Box<str>),
    /// A template with substitutions: one more text than parts.
    Template {
        /// The texts around the parts, with escapes resolved.
        texts: Box<Texts>,
        /// The substituted expressions.
        parts: Box<Box<[ExprId]>>,
    },
    /// A regular expression's source.
    Regex(Box<str>),
    /// An identifier.
    Name(Name),
    /// `this`
    This,
    /// `super`
    Super,
    /// `object.property`; private names keep their `#`.
    Member {
        /// What is read from.
        object: ExprId,
        /// The property.
        property: Name,
        /// Written with `?.`.
        optional: bool,
    },
    /// `object[index]`
    Index {
        /// What is read from.
        object: ExprId,
        /// The index.
        index: ExprId,
        /// Written with `?.`.
        optional: bool,
    },
    /// `callee(args)`
    Call {
        /// What is called.
        callee: ExprId,
        /// The arguments.
        args: Box<[Argument]>,
        /// Written with `?.`.
        optional: bool,
    },
    /// `new callee(args)`
    New {
        /// What is called.
        callee: ExprId,
        /// The arguments.
        args: Box<[Argument]>,
    },
    /// `` tag`…` ``
    Tagged {
        /// The function.
        tag: ExprId,
        /// The texts around the parts, with escapes resolved.
        texts: Box<Texts>,
        /// The substituted expressions.
        parts: Box<Box<[ExprId]>>,
    },
    /// `import(specifier)`
    Import(ExprId),
    /// `await e`
    Await(ExprId),
    /// `yield e`, `yield* e`
    Yield {
        /// The value.
        value: Option<ExprId>,
        /// `yield*`
        delegate: bool,
    },
    /// An object literal.
    Object(Box<[Property]>),
    /// An array literal; holes are [`Expr::Undefined`].
    Array(Box<[Argument]>),
    /// A function or arrow function.
    Function(FunctionId),
    /// A class expression.
    Class(ClassId),
    /// `!e`, `-e`, `+e`, `~e`, `typeof e`, `void e`, `delete e`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: ExprId,
    },
    /// Arithmetic and comparison.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// The left operand.
        left: ExprId,
        /// The right operand.
        right: ExprId,
    },
    /// `&&`, `||`, `??`
    Logical {
        /// The operator.
        op: LogicalOp,
        /// The left operand.
        left: ExprId,
        /// The right operand.
        right: ExprId,
    },
    /// `test ? then : otherwise`
    Conditional {
        /// The condition.
        test: ExprId,
        /// The value when it holds.
        then: ExprId,
        /// The value when it does not.
        otherwise: ExprId,
    },
    /// `target = value` and the compound forms.
    Assign {
        /// What is written.
        target: Box<Pattern>,
        /// The operator.
        op: AssignOp,
        /// The value.
        value: ExprId,
    },
    /// `a, b`: the last one is the value.
    Sequence(Box<[ExprId]>),
    /// A JSX element: the component's name when it is one, then attribute values and children that are expressions.
    Jsx {
        /// The first of the expressions is the component: it is neither a fragment nor a plain tag like `div`.
        component: bool,
        /// The component, then expressions of attributes and children, in order.
        inner: Box<[ExprId]>,
    },
    /// Anything else, with the expressions inside it that are evaluated.
    Opaque(Box<[ExprId]>),
}

impl Expr {
    /// The expressions directly inside, in the order in which they are evaluated; those of functions and classes are not.
    pub fn for_each_child(&self, seen: &mut impl FnMut(ExprId)) {
        let arguments = |args: &[Argument], seen: &mut dyn FnMut(ExprId)| {
            for argument in args {
                seen(argument.value);
            }
        };
        match self {
            Self::Undefined
            | Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::String(_)
            | Self::Regex(_)
            | Self::Name(_)
            | Self::This
            | Self::Super
            | Self::Function(_)
            | Self::Class(_) => {}
            Self::Template { parts, .. } => parts.iter().for_each(|part| seen(*part)),
            Self::Member { object, .. } => seen(*object),
            Self::Index { object, index, .. } => {
                seen(*object);
                seen(*index);
            }
            Self::Call { callee, args, .. } | Self::New { callee, args } => {
                seen(*callee);
                arguments(args, seen);
            }
            Self::Tagged { tag, parts, .. } => {
                seen(*tag);
                parts.iter().for_each(|part| seen(*part));
            }
            Self::Import(inner) | Self::Await(inner) => seen(*inner),
            Self::Yield { value, .. } => value.iter().for_each(|value| seen(*value)),
            Self::Object(properties) => {
                for property in properties {
                    match property {
                        Property::Value { value, .. } => seen(*value),
                        Property::Spread(value) => seen(*value),
                        Property::Getter { .. } => {}
                    }
                }
            }
            Self::Array(elements) => arguments(elements, seen),
            Self::Unary { operand, .. } => seen(*operand),
            Self::Binary { left, right, .. } | Self::Logical { left, right, .. } => {
                seen(*left);
                seen(*right);
            }
            Self::Conditional {
                test,
                then,
                otherwise,
            } => {
                seen(*test);
                seen(*then);
                seen(*otherwise);
            }
            Self::Assign { value, .. } => seen(*value),
            Self::Sequence(list) => list.iter().for_each(|each| seen(*each)),
            Self::Jsx { inner, .. } | Self::Opaque(inner) => {
                inner.iter().for_each(|each| seen(*each))
            }
        }
    }
}

/// An argument or array element, possibly spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argument {
    /// The value.
    pub value: ExprId,
    /// `...value`
    pub spread: bool,
}

/// One entry of an object literal.
#[derive(Clone, PartialEq, Debug)]
pub enum Property {
    /// `key: value`, `key`, `key() {}`
    Value {
        /// The key.
        key: Key,
        /// The value.
        value: ExprId,
    },
    /// `get key() {}`
    Getter {
        /// The key.
        key: Key,
        /// The function.
        function: FunctionId,
    },
    /// `...value`
    Spread(ExprId),
}

/// A property key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A name, string or number written as a literal.
    Name(Name),
    /// `[expression]`
    Computed(ExprId),
}

/// Unary operators that matter to conditions; the arithmetic ones are [`UnaryOp::Other`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Minus,
    /// `typeof`
    Typeof,
    /// `void`
    Void,
    /// `delete`, `+`, `~`
    Other,
}

/// Binary operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    /// `===`, or `==`, which takes `null` and `undefined` for the same
    Equal { loose: bool },
    /// `!==`, or `!=`
    NotEqual { loose: bool },
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `instanceof`
    Instanceof,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`, `**`, bit operators
    Other,
}

/// Short-circuit operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogicalOp {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `??`
    Coalesce,
}

/// What an assignment does to its target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssignOp {
    /// `=`
    Set,
    /// `&&=`, `||=`, `??=`
    Logical(LogicalOp),
    /// `+=` and the like, `++`, `--`
    Update,
}

/// What a declaration, parameter or assignment binds.
#[derive(Clone, PartialEq, Debug)]
pub enum Pattern {
    /// A variable.
    Name(Name),
    /// `a.b = …`, `a[b] = …`: a member expression that is written.
    Member(ExprId),
    /// `{ key: pattern, ...rest }`
    Object {
        /// The properties and what takes them.
        properties: Box<[(Key, Pattern)]>,
        /// What takes the rest.
        rest: Option<Box<Pattern>>,
    },
    /// `[a, , b, ...rest]`
    Array {
        /// What takes each element; `None` for a hole.
        elements: Box<[Option<Pattern>]>,
        /// What takes the rest.
        rest: Option<Box<Pattern>>,
    },
    /// `pattern = default`
    Default {
        /// What is bound.
        pattern: Box<Pattern>,
        /// The value when there is none.
        default: ExprId,
    },
    /// `...pattern` as a function's last parameter.
    Rest(Box<Pattern>),
}

/// A statement and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct Stmt {
    /// Its whole text.
    pub span: Span,
    /// What it does.
    pub kind: StmtKind,
}

/// What a statement does.
#[derive(Clone, PartialEq, Debug)]
pub enum StmtKind {
    /// An expression for its effect.
    Expr(ExprId),
    /// One declarator of `const`, `let`, `var`, `using`.
    Let {
        /// What is bound.
        pattern: Pattern,
        /// The initial value.
        init: Option<ExprId>,
    },
    /// `function name() {}`; hoisted to the start of its block.
    Function {
        /// The name.
        name: Name,
        /// The function.
        function: FunctionId,
    },
    /// `class Name {}`
    Class {
        /// The name.
        name: Name,
        /// The class.
        class: ClassId,
    },
    /// `return e`
    Return(Option<ExprId>),
    /// `throw e`
    Throw(ExprId),
    /// `if (test) then else otherwise`
    If {
        /// The condition.
        test: ExprId,
        /// The statements when it holds.
        then: Block,
        /// The statements when it does not.
        otherwise: Block,
    },
    /// `switch`
    Switch {
        /// The value that is compared.
        value: ExprId,
        /// The cases, in order.
        cases: Box<[Case]>,
    },
    /// `try`
    Try {
        /// The statements that may throw.
        block: Block,
        /// The `catch`.
        handler: Option<Box<Handler>>,
        /// The statements of `finally`.
        finalizer: Block,
    },
    /// Any loop. `test` is absent for `for…of` and `for (;;)`.
    Loop(Box<Loop>),
    /// `{ … }` and labelled statements.
    Block(Block),
    /// `break`, with or without a label.
    Break,
    /// `continue`, with or without a label.
    Continue,
}

/// `case test:` or `default:` of a switch.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// The value compared with; `None` is `default`.
    pub test: Option<ExprId>,
    /// The statements.
    pub body: Block,
}

/// `catch (param) { … }`
#[derive(Clone, PartialEq, Debug)]
pub struct Handler {
    /// What the error is bound to.
    pub param: Option<Pattern>,
    /// The statements.
    pub body: Block,
}

/// The parts of a loop.
#[derive(Clone, PartialEq, Debug)]
pub struct Loop {
    /// The initialiser of `for (init; …)`.
    pub init: Block,
    /// `for (binding of iterable)` or `in`.
    pub each: Option<(Pattern, ExprId)>,
    /// The condition of `while`, `do` and `for (;;)`.
    pub test: Option<ExprId>,
    /// The update of `for (;;)`.
    pub update: Option<ExprId>,
    /// The body.
    pub body: Block,
    /// `do … while` and `while (true)`, `for (;;)`: the body runs at least once.
    pub runs_at_least_once: bool,
    /// `for await`
    pub awaits: bool,
}

/// A function of any kind.
#[derive(Clone, PartialEq, Debug)]
pub struct Function {
    /// Its own name, or the name of the variable or property it is assigned to.
    pub name: Option<Name>,
    /// The parameters.
    pub params: Box<[Pattern]>,
    /// The statements; an arrow's expression body is a `return`.
    pub body: Block,
    /// `async`
    pub is_async: bool,
    /// `function*`
    pub is_generator: bool,
    /// `=>`, so `this` is the surrounding one.
    pub is_arrow: bool,
    /// Its body begins with `'use server'`.
    pub use_server: bool,
    /// The whole function.
    pub span: Span,
    /// The function that this one is written in; `None` for the module's body.
    pub parent: Option<FunctionId>,
}

/// A class.
#[derive(Clone, PartialEq, Debug)]
pub struct Class {
    /// Its name.
    pub name: Option<Name>,
    /// `extends e`
    pub superclass: Option<ExprId>,
    /// `constructor() {}`
    pub constructor: Option<FunctionId>,
    /// Methods, accessors and fields.
    pub members: Box<[ClassMember]>,
    /// Decorators of the class.
    pub decorators: Box<[ExprId]>,
    /// The whole class.
    pub span: Span,
}

/// A member of a class.
#[derive(Clone, PartialEq, Debug)]
pub struct ClassMember {
    /// Its name.
    pub key: Key,
    /// `static`
    pub is_static: bool,
    /// What it is.
    pub value: MemberValue,
    /// Its decorators.
    pub decorators: Box<[ExprId]>,
}

/// What a class member holds.
#[derive(Clone, PartialEq, Debug)]
pub enum MemberValue {
    /// A method.
    Method(FunctionId),
    /// `get x() {}`
    Getter(FunctionId),
    /// `x = e`
    Field(Option<ExprId>),
}

#[cfg(test)]
mod tests {
    use super::{Expr, Stmt};

    /// A large repository has a million of these.
    #[test]
    fn the_arenas_stay_small() {
        assert!(size_of::<Expr>() <= 24);
        assert!(size_of::<Stmt>() <= 56);
    }
}
