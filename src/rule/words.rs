//! The words that rules, verdicts and findings share.

use serde::{Deserialize, Serialize};

/// A control that a handler may need.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// Who is calling is established, and strangers are turned away.
    Auth,
    /// A limiter can turn the request away.
    RateLimit,
    /// Input goes through a schema before use.
    Validation,
    /// Failures of the work become an error response.
    ErrorHandling,
    /// What the handler logs with.
    Logging,
    /// A test runs the handler.
    Tests,
}

impl Control {
    /// All controls, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Auth,
        Self::RateLimit,
        Self::Validation,
        Self::ErrorHandling,
        Self::Logging,
        Self::Tests,
    ];

    /// The key in JSON: `rate_limit`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::RateLimit => "rate_limit",
            Self::Validation => "validation",
            Self::ErrorHandling => "error_handling",
            Self::Logging => "logging",
            Self::Tests => "tests",
        }
    }

    /// The words in reports: `rate limit`.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::RateLimit => "rate limit",
            Self::Validation => "validation",
            Self::ErrorHandling => "error handling",
            Self::Logging => "logging",
            Self::Tests => "tests",
        }
    }
}

/// What a repository says that it is for, where that is not to serve the users of whoever keeps it.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Others begin an application of their own with it.
    Starter,
    /// It is not meant to be used yet.
    Unready,
    /// Nobody works on it any more.
    GivenUp,
    /// Its users run it by themselves.
    SelfHosted,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 4] = [
        Self::Starter,
        Self::Unready,
        Self::GivenUp,
        Self::SelfHosted,
    ];
}

/// How sure a verdict or finding is.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// It rests on names, or part of the path could not be seen.
    Low,
    /// Every step was seen.
    High,
}

/// How bad a gap is, and how much an item of a roadmap weighs.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Weight 1.
    Low,
    /// Weight 2.
    Medium,
    /// Weight 4.
    High,
    /// Weight 8.
    Critical,
}

impl Severity {
    /// All severities, mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in reports and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// What it counts for in a score.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Self::Low => 1.0,
            Self::Medium => 2.0,
            Self::High => 4.0,
            Self::Critical => 8.0,
        }
    }
}

impl Confidence {
    /// The word in reports and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

impl How {
    /// The word in reports and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Evidence => "evidence",
            Self::Measured => "measured",
            Self::Attest => "attest",
        }
    }
}

/// How a rule knows what it says.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// From the code.
    Static,
    /// From documents in the repository.
    Evidence,
    /// From result files of other tools.
    Measured,
    /// From what somebody attests in `readiness.toml`.
    Attest,
}

/// What part of an application's life a rule is about: the folder that its file lies in.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Who may do what, and what leaks.
    Security,
    /// What happens when something fails.
    Reliability,
    /// What can be seen from outside.
    Observability,
    /// What is tested.
    Testing,
    /// How fast, and how much of it.
    Performance,
    /// What happens to stored data.
    Data,
    /// How a change reaches production.
    Delivery,
    /// How it is run.
    Operations,
    /// What happens to personal data.
    Privacy,
}

impl Category {
    /// All categories, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Security,
        Self::Reliability,
        Self::Observability,
        Self::Testing,
        Self::Performance,
        Self::Data,
        Self::Delivery,
        Self::Operations,
        Self::Privacy,
    ];

    /// The folder's name, which is also the word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Reliability => "reliability",
            Self::Observability => "observability",
            Self::Testing => "testing",
            Self::Performance => "performance",
            Self::Data => "data",
            Self::Delivery => "delivery",
            Self::Operations => "operations",
            Self::Privacy => "privacy",
        }
    }

    /// The category with this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.word() == word)
    }
}
