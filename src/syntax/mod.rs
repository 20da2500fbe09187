//! One file becomes one `ModuleRecord`: imports, exports, functions lowered to a small IR, literals, suppressions.
//!
//! The only room that names a parser. Syntax trees are dropped here; what leaves is owned and knows nothing of
//! repositories, routes or rules.

mod fallback;
mod grammar;
mod guard;
#[cfg(test)]
mod hostile;
mod ir;
mod lower;
mod meant;
mod parse;
mod pattern;
mod record;
mod suppression;

pub use ir::*;
#[cfg(test)]
pub(crate) use parse::record_of;
pub use parse::{ParseOptions, parse_module};
pub use pattern::{PatternError, PatternMatch, PatternSet, PatternSource};
pub use record::*;
use suppression::is_generated;
pub use suppression::{Suppression, suppressions};
