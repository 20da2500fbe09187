//! Rules, roadmaps and the meaning of libraries, as data: read from TOML as written, then checked into types that cannot
//! be wrong. Embedded ones and the user's own take the same road.
//!
//! It knows what may be asked, not how it is answered.

mod control;
mod words;

pub use control::{
    Api, Builder, Calling, ControlFile, ControlLibrary, Expensive, LimitShape, Meaning, wildcard,
};
pub use words::{Confidence, Control, How, Severity};
