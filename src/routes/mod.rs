//! The route table: which handler answers which URL and method, and which middleware stands in front.
//!
//! It knows the frameworks' conventions. Whether a handler is protected is not its question.

mod actions;
mod app_router;
mod express;
mod matcher;
mod middleware;
mod pages_router;
mod path;
mod table;

pub use matcher::{MatchRequest, Matcher, MatcherError};
pub use middleware::{Middleware, MiddlewareProblem};
pub use table::{Entry, Layer, Route, RouteKind, RouteTable};
