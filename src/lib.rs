//! `readiness` proves which production controls reach which route of a TypeScript application.
//!
//! The rooms, lowest first. A room may import only the rooms above it in this list; `tests/integration/house.rs`
//! holds that.

/// Paths, text, spans, walking: every read and write of the disk.
pub mod source;

/// One file to one module record: imports, exports, functions as a small IR.
pub mod syntax;

/// Rules, roadmaps and the meaning of libraries, as data.
pub mod rule;

/// Findings and their places.
pub mod finding;

/// `readiness.toml`.
pub mod config;

/// The repository around the code: manifests, workspaces, applications, resolver.
pub mod project;

/// Modules linked by their imports.
pub mod graph;

/// The route table.
pub mod routes;

/// The proof engine: which control reaches which handler.
pub mod controls;

/// All facts, built once.
pub mod model;

/// One file per kind of check.
pub mod checks;

/// Running the checks, suppressing, gating, scoring.
pub mod audit;

/// An audit as bytes, one file per format.
pub mod report;

/// Arguments, progress, colour, exit codes; the only room that prints.
pub mod cli;
