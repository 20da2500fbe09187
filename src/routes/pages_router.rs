//! (file)
use super::{Route, trace::Tracer};
use crate::project::App;
pub(super) fn rows(_app: &App, _tracer: Tracer<'_>, _out: &mut Vec<Route>) {}
