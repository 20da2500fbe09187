//! The module graph: imports linked to files, and names followed through re-exports and barrels to where they are defined.
//!
//! It knows modules and names, nothing of routes or controls. Resolution happens on demand and is remembered.

mod link;
mod stand_in;
mod symbol;

pub use link::{Graph, Link, ModuleId};
pub use symbol::Symbol;
