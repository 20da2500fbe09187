//! What a name stands for, followed to its definition.

use crate::syntax::{ExprId, Name};

use super::ModuleId;

/// What an imported or exported name stands for after every re-export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Symbol {
    /// A binding at the top level of a module.
    Local { module: ModuleId, name: Name },
    /// An expression: `export default …`, `module.exports = …`.
    Expr { module: ModuleId, expr: ExprId },
    /// A module as an object.
    Namespace(ModuleId),
    /// Something of a package outside the repository.
    External {
        /// `@clerk/nextjs`
        package: Box<str>,
        /// `server`; empty for the package itself.
        subpath: Box<str>,
        /// The export's name, `default`, or `*` for the namespace.
        name: Box<str>,
    },
    /// A type: nothing at run time.
    Type,
    /// It could not be found: missing file, missing export, or a cycle of re-exports.
    Unresolved,
}
