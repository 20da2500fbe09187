//! The engine's answers.

use crate::rule::Confidence;
use crate::source::RepoPath;

/// How far a control reaches a handler. Each control uses some of the words.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// auth, rate limit: every path to the work passes a guard.
    Enforced,
    /// auth: identity is read, but anonymous requests are still served.
    Optional,
    /// rate limit: only on some paths, or the decision is ignored.
    Conditional,
    /// validation: through a schema.
    Schema,
    /// validation: by hand-written checks.
    Manual,
    /// validation: nothing to validate.
    Na,
    /// error handling: failures become responses.
    Caught,
    /// error handling: failures escape.
    Uncaught,
    /// logging: through a logger.
    Structured,
    /// logging: through `console`.
    Console,
    /// tests: a test runs it.
    Tested,
    /// tests: none does.
    Untested,
    /// The control is missing.
    #[serde(rename = "none")]
    Absent,
    /// The paths cannot be seen.
    Unknown,
}

impl Status {
    /// The word in JSON and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Optional => "optional",
            Self::Conditional => "conditional",
            Self::Schema => "schema",
            Self::Manual => "manual",
            Self::Na => "na",
            Self::Caught => "caught",
            Self::Uncaught => "uncaught",
            Self::Structured => "structured",
            Self::Console => "console",
            Self::Tested => "tested",
            Self::Untested => "untested",
            Self::Absent => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// One step of a chain: entry first, guard last.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, schemars::JsonSchema,
)]
pub struct Evidence {
    /// File, relative to the audited root.
    pub file: RepoPath,
    /// 1-based line.
    pub line: u32,
    /// What happens there: `withAuth`, `auth() read`, `answers 401`.
    pub note: String,
    /// What it is, for those who decide by it.
    #[serde(skip)]
    pub role: Role,
}

impl Evidence {
    /// A step that is only told.
    #[must_use]
    pub fn new(file: RepoPath, line: u32, note: impl Into<String>) -> Self {
        Self {
            file,
            line,
            note: note.into(),
            role: Role::Told,
        }
    }
}

/// What a step of a chain is: its note is for readers alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Nothing that others decide by.
    Told,
    /// A condition on which some requests are turned away.
    TurnsAway,
    /// A condition that looks like one of those, and turns nobody away.
    LetsPass,
    /// A secret of the application's own that is compared with what was sent.
    Secret,
    /// Some middleware that runs first.
    Middleware,
    /// A function through which the work is come to.
    OnTheWay,
    /// The first thing that is done, with nothing in front of it.
    Works,
    /// The same, where it could not be seen what is done.
    WorksUnseen,
    /// The same, where another service is asked.
    AsksElsewhere,
    /// Work that does not throw when it fails, but says so in its answer.
    TellsFailures,
}

/// The answer for one handler and one control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// How far the control reaches.
    pub status: Status,
    /// How sure this is.
    pub confidence: Confidence,
    /// Count and window of a limiter, `30/1m`, when they can be read.
    pub limit: Option<String>,
    /// The chain.
    pub evidence: Vec<Evidence>,
}

impl Verdict {
    /// A verdict that rests on what was seen; what could not be seen is never sure.
    #[must_use]
    pub fn of(status: Status, evidence: Vec<Evidence>) -> Self {
        let confidence = if status == Status::Unknown {
            Confidence::Low
        } else {
            Confidence::High
        };
        Self {
            status,
            confidence,
            limit: None,
            evidence,
        }
    }
}
