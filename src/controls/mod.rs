//! The proof engine: which control reaches which handler, how far, and by which chain of places.
//!
//! Handlers are evaluated abstractly from their entry, with closures and constants carried through calls. What
//! libraries mean is data (`rules/controls/*.toml`); this room holds no library's name.

mod call;
mod chain;
mod contract;
mod counts;
mod defaults;
mod definitions;
mod effect_steps;
mod effects;
mod ending;
mod evaluator;
mod explain;
mod expression;
mod external;
mod facts;
mod flaw;
mod guards;
mod inline;
mod lasting;
mod layers;
mod limits;
mod loggers;
mod meaning;
mod memo;
mod merge;
mod names;
mod native;
mod observed;
mod paths;
mod procedure;
mod promises;
mod proof;
mod prover;
mod record;
mod request;
mod state;
mod statement;
mod steps;
mod target;
mod team;
mod tested;
mod url_path;
mod value;
mod verdict;

pub use meaning::lets_caches_share;
pub use proof::{
    LETS_CACHES_SHARE, LOOKS_UP_LITTLE, ONLY_ASKS_ELSEWHERE, ONLY_ASKS_PROVIDER, ONLY_HANDS_ON,
    ONLY_MAKES, ONLY_READS_FILES, ONLY_SIGNS, ONLY_SIGNS_OUT, ONLY_SPENDS, Proof,
    READS_HOLDER_COOKIE, SHOWS_CREDENTIAL, STORES_INPUT,
};
pub use prover::{CLOSED_IN_PRODUCTION, Prover};
pub use team::TeamControls;
pub use tested::TestReach;
pub use verdict::{Evidence, Role, Status, Verdict};
