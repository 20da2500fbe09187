//! Rules, roadmaps and the meaning of libraries, as data: read from TOML as written, then checked into types that cannot
//! be wrong. Embedded ones and the user's own take the same road.
//!
//! It knows what may be asked, not how it is answered.

mod check;
mod checked;
mod code_check;
mod control;
mod example;
mod facts;
mod file;
mod nearest;
mod present;
mod project_check;
mod reading;
mod roadmap;
mod route_check;
mod set;
mod words;

pub use check::*;
pub use checked::{Rule, RuleProblem};
pub use code_check::*;
pub use control::{
    Api, Builder, Calling, ContractPart, ControlFile, ControlLibrary, EffectShape, EffectStep,
    Expensive, LimitShape, Meaning, OwnLimit, Procedures, wildcard,
};
pub use example::{Example, example};
pub use facts::*;
pub use file::{RuleFile, rule_schema};
pub use nearest::{near_miss, nearest};
pub use present::{Doubt, Part, Parts, Present, Signs};
pub use project_check::*;
pub use reading::{Mistake, read_toml};
pub use roadmap::{
    Roadmap, RoadmapFile, RoadmapItem, RoadmapItemFile, RoadmapPhase, RoadmapPhaseFile,
};
pub use route_check::*;
pub use set::{RuleSet, RuleText};
pub use words::{Category, Confidence, Control, How, Purpose, Severity};
