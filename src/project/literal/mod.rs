//! Constant folding: what configuration files say, without running them.
//!
//! Objects, arrays, texts, numbers, local constants and spreads of them, functions that return such values, and calls of
//! wrappers (`withSentryConfig(config, …)`) are read; imported constants too, when somebody can name their module. What
//! cannot be read is [`Literal::Unknown`], and a collection that holds such a part says that it is incomplete.

mod calls;
mod folder;
mod names;

use std::rc::Rc;

pub use folder::Folder;

use folder::Scope;

use crate::source::{Location, Span};
use crate::syntax::{Export, ExprId, FunctionId, Import, ModuleRecord};

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
