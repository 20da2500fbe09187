//! An audit, a route table or a rule list as bytes, one file per format.
//!
//! What arrives here is printed: this room never filters, never decides, never reads a file. Everything that comes from
//! the audited repository goes through `page` into the terminal, which is where it is made harmless.

mod area;
mod badge;
mod bar;
mod diff;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod line_hash;
mod markdown;
mod markup;
mod material;
mod page;
mod plan;
mod routes;
mod routes_terminal;
mod rules;
mod sarif;
mod schema;
mod terminal;
mod test_suite;
mod text;
mod uri;
mod why;
mod work;

pub use badge::{badge, shields};
pub use diff::{diff_json, diff_markdown, diff_terminal};
pub use github::github;
pub use gitlab::gitlab;
pub use html::html;
pub use json::json;
pub use junit::junit;
pub use markdown::{markdown, markdown_summary};
pub use material::{Material, Text};
pub use page::Style;
pub use plan::{plan_issues, plan_json, plan_markdown};
pub use routes::{AppRoutes, ControlRow, Public, RouteRow, Routes, routes_json, routes_of};
pub use routes_terminal::routes_terminal;
pub use rules::{explain, rules_json, rules_terminal};
pub use sarif::sarif;
pub use schema::{Schema, schemas};
pub use terminal::terminal;
pub use text::printable;
pub use why::{Excerpt, why};
