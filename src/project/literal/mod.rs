//! Constant folding: what configuration files say, without running them.
//!
//! Objects, arrays, texts, numbers, local constants and spreads of them, functions that return such values, and calls of
//! wrappers (`withSentryConfig(config, …)`) are read; imported constants too, when somebody can name their module. What
//! cannot be read is `Literal::Unknown`, and a collection that holds such a part says that it is incomplete.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Expr, record_of as record};

    /// A value as text: `?` for what is unknown, `|` between alternatives, `…` behind what is incomplete.
    fn show(value: &Folded<'_>) -> String {
        let list = |parts: Vec<String>, complete: bool| {
            parts.join(",") + if complete { "" } else { "…" }
        };
        match &value.value {
            Literal::Undefined => String::from("undefined"),
            Literal::Null => String::from("null"),
            Literal::Bool(flag) => flag.to_string(),
            Literal::Number(number) => number.to_string(),
            Literal::String(text) => format!("'{text}'"),
            Literal::Regex(text) => format!("/{text}/"),
            Literal::Array { items, complete } => {
                format!("[{}]", list(items.iter().map(show).collect(), *complete))
            }
            Literal::Object { entries, complete } => {
                let parts = entries
                    .iter()
                    .map(|(key, value)| format!("{key}:{}", show(value)))
                    .collect();
                format!("{{{}}}", list(parts, *complete))
            }
            Literal::Function(_) => String::from("function"),
            Literal::Choice(arms) => arms.iter().map(show).collect::<Vec<_>>().join("|"),
            Literal::Unknown => String::from("?"),
        }
    }

    #[test]
    fn expressions() {
        for (text, expected) in [
            ("[1, -2, 60 * 60, 'a' + 1]", "[1,-2,3600,'a1']"),
            ("`a${1}${process.env.X}`", "'a1${…}'"),
            ("{ a: 1, ['b']: [], ...other }", "{a:1,b:[]…}"),
            ("{ a: 1, ...{ b: 2 }, ...(x && { c: 3 }) }", "{a:1,b:2,c:3}"),
            ("x ? 1 : [2]", "1|[2]"),
            ("true ? 1 : 2", "1"),
            ("!0", "true"),
            ("process.env.A ?? 'b'", "?|'b'"),
            ("process.env.NODE_ENV === 'development' ? 1 : 2", "2"),
            ("process.env.NODE_ENV !== 'production' || 3", "3"),
            ("'' || 'c'", "'c'"),
            (
                "['a', x && 'b', unknown()].filter(Boolean)",
                "['a',undefined|'b',?…]",
            ),
            ("['a', ...x]", "['a'…]"),
            ("['a', 'b'].concat(['c']).join('; ')", "'a; b; c'"),
            ("Object.keys({ a: 1, b: 2 })", "['a','b']"),
            ("Object.assign({ a: 1 }, { b: 2 })", "{a:1,b:2}"),
            ("[[1, 2]].map(([a, b]) => ({ a, b }))", "[{a:1,b:2}]"),
            ("({ a: { b: 'c' } }).a.b", "'c'"),
            ("(() => { const z = 3; return z; })()", "3"),
            ("withPlugin({ a: 1 }, 2)", "{a:1}"),
            ("unknown()", "?"),
            ("'a  b'.replace(/\\s+/g, ' ')", "'a b'"),
        ] {
            let module = record(&format!("export default ({text});"));
            let folded = Folder::new(&|_, _| None)
                .export(&module, "default")
                .unwrap();
            assert_eq!(show(&folded), expected, "{text}");
        }
    }

    #[test]
    fn names_functions_and_later_pushes() {
        let module = record(
            "const base = 'https://a'; let list = [base];
             function origins(extra) { const own = [...list, extra]; if (extra) return own; return []; }
             list.push('https://b');
             const { inner: { deep }, missing } = { inner: { deep: 1 } };
             export { deep, missing };
             export const all = origins('c'), some = origins(process.env.X);",
        );
        let folder = Folder::new(&|_, _| None);
        let value = |name: &str| show(&folder.export(&module, name).unwrap());
        assert_eq!(value("all"), "['https://a','https://b','c']");
        assert_eq!(value("some"), "['https://a','https://b',?…]|[]");
        assert_eq!(
            (value("deep").as_str(), value("missing").as_str()),
            ("1", "?")
        );
    }

    #[test]
    fn an_expression_inside_a_function_sees_its_constants() {
        let module = record("const a = 1; function f(b) { const c = 2; return [a, b, c]; }");
        let at = module
            .exprs
            .iter()
            .position(|expr| matches!(expr, Expr::Array(_)))
            .unwrap();
        let function = module
            .functions
            .iter()
            .position(|function| !function.params.is_empty())
            .unwrap();
        let id = |index: usize| u32::try_from(index).unwrap();
        let folder = Folder::new(&|_, _| None);
        let folded = folder.fold_in(&module, FunctionId(id(function)), ExprId(id(at)));
        assert_eq!(show(&folded), "[1,?,2…]");
        assert_eq!(show(&fold(&module, ExprId(id(at)))), "[1,?,?…]");
    }
}
