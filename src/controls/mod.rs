//! The proof engine: which control reaches which handler, how far, and by which chain of places.
//!
//! Handlers are evaluated abstractly from their entry, with closures and constants carried through calls. What
//! libraries mean is data (`rules/controls/*.toml`); this room holds no library's name.

mod verdict;

pub use verdict::{Evidence, Status, Verdict};
