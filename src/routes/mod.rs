//! The route table: which handler answers which URL and method, and which middleware stands in front.
//!
//! It knows the frameworks' conventions. Whether a handler is protected is not its question.

mod actions;
mod app_router;
mod called;
mod declared;
mod dispatch;
mod express;
mod hono;
mod js_regexp;
mod matcher;
mod methods;
mod middleware;
mod middleware_files;
mod mount;
mod pages_router;
mod path;
mod path_to_regexp;
mod procedures;
mod rewrite;
mod table;
mod trace;

pub(crate) use app_router::METHODS;
pub use called::{TestCall, TestCalls};
pub use matcher::{Coverage, Match, MatchRequest, Matcher, MatcherError, coverage};
pub use middleware::{Middleware, MiddlewareProblem};
pub use path::{app_route_url, is_plain_path, pages_api_url};
pub use rewrite::Rewrite;
pub use table::{Decided, Entry, Layer, Procedure, Route, RouteKind, RouteTable};
