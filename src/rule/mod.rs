//! Rules, roadmaps and the meaning of libraries, as data: read from TOML as written, then checked into types that cannot
//! be wrong. Embedded ones and the user's own take the same road.
//!
//! It knows what may be asked, not how it is answered.

mod words;

pub use words::{Confidence, Control, How, Severity};
