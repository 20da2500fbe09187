//! Everything that looks at several rooms together, as one binary.

mod audits;
mod cli;
mod controls;
mod docs;
mod formats;
mod guard_laws;
mod house;
mod kinds;
mod next_oracle;
mod packages;
mod props;
mod ratchet;
mod reports;
mod resolve;
mod routes;
mod rules;
mod typescript_oracle;
