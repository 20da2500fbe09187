//! An audit, a route table or a rule list as bytes, one file per format.
//!
//! What arrives here is printed: this room never filters, never decides, never reads a file. Everything that comes from
//! the audited repository goes through `page` into the terminal, which is where it is made harmless.

mod bar;
mod json;
mod line_hash;
mod material;
mod page;
mod routes;
mod routes_terminal;
mod rules;
mod sarif;
mod schema;
mod terminal;
mod text;
mod uri;
mod why;

pub use json::json;
pub use material::{Material, Text};
pub use page::Style;
pub use routes::{AppRoutes, ControlRow, Public, RouteRow, Routes, routes_json, routes_of};
pub use routes_terminal::routes_terminal;
pub use rules::{explain, rules_json, rules_terminal};
pub use sarif::sarif;
pub use schema::{Schema, schemas};
pub use terminal::terminal;
pub use text::printable;
pub use why::{Excerpt, why};
