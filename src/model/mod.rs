//! The facts of all rooms below, built in one function, then read-only.
//!
//! A check that wants a new fact gets it added here; nothing later is handed back to something earlier.

mod build;
mod describe;
mod mounted;
mod probe;
mod public;

pub use build::{build, build_in_stages};

use std::collections::BTreeMap;

use crate::controls::{CLOSED_IN_PRODUCTION, Evidence, Status, Verdict};
use crate::graph::Graph;
use crate::project::{MeasuredValues, Project};
use crate::routes::{Middleware, Route, RouteKind};
use crate::rule::{Control, MeasuredResult};
use crate::source::{Location, RepoPath, SourceFile, Span, Unreadable};

/// Everything a check may look at.
#[derive(Debug)]
pub struct Model {
    /// Manifests, applications, configuration files.
    pub project: Project,
    /// Every module, with its links.
    pub graph: Graph,
    /// The applications, parallel to [`Project::apps`].
    pub apps: Vec<AppModel>,
    /// Files that could not be read or parsed, by path.
    pub not_examined: Vec<Unreadable>,
    /// Code that was read, and that registers routes which could not be followed.
    pub unread_routes: Vec<Unreadable>,
    /// What `[controls]` of the configuration names and no module defines: where it stands there, and what to say.
    pub unknown_controls: Vec<(Span, String)>,
    /// Every path of the repository that is not ignored, sorted.
    pub paths: Vec<RepoPath>,
    /// Configuration files that are no modules and that rules look into: those for which [`crate::rule::RuleSet::reads`] holds,
    /// by path.
    pub documents: Vec<SourceFile>,
    /// Migrations in SQL that a tool derives from a schema, as far as they make or drop indexes: somebody may have added to them.
    pub migrations: Vec<SourceFile>,
    /// What the result files say that `[measure]` of the configuration names.
    pub measured: BTreeMap<MeasuredResult, (RepoPath, MeasuredValues)>,
    /// Result files that it names and that cannot be read. They are among what was not examined, too.
    pub unmeasured: Vec<Unreadable>,
}

/// One application's routes and what reaches them.
#[derive(Debug)]
pub struct AppModel {
    /// Its folder.
    pub root: RepoPath,
    /// Handlers with verdicts.
    pub routes: Vec<RouteFacts>,
    /// Middleware files, loaded or not.
    pub middleware: Vec<Middleware>,
    /// Technology found, `Next.js` → `15.1.0`, in the order of reports.
    pub stack: Vec<(String, String)>,
    /// Counts, in the order of reports.
    pub metrics: Vec<Count>,
    /// Functions that look like guards of the team's own.
    pub hints: Vec<GuardHint>,
    /// Facts of the proof that concern the application and no single handler: `sets-header:<lower-case name>` of a
    /// middleware.
    pub marks: Vec<(String, Evidence)>,
}

impl Model {
    /// What to ask about functions that look like guards, each question once: applications share packages.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for hint in self.apps.iter().flat_map(|app| &app.hints) {
            let text = hint.text();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }
}

/// How many there are of something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Count {
    /// Among what reports show it.
    pub part: Part,
    /// `TypeScript files`, `route files` …
    pub name: String,
    /// How many.
    pub value: u64,
}

/// The parts of an application's counts, in the order of reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// What the code is made of.
    Code,
    /// Its tests.
    Tests,
    /// What should be few.
    Slips,
}

/// A function that many handlers call first, is named like a guard and may turn the request away, while no guard was proved:
/// the team can name it in `readiness.toml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GuardHint {
    /// The function's name.
    pub name: String,
    /// How many handlers call it or are wrapped in it.
    pub handlers: usize,
    /// It wraps them.
    pub wraps: bool,
}

impl GuardHint {
    /// The question to ask.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            name,
            handlers,
            wraps,
        } = self;
        let part = if *wraps { "wrappers" } else { "guards" };
        format!(
            "`{name}` stands in front of {handlers} handlers and looks like an auth guard; if it is one, name it in \
             readiness.toml: [controls.auth] {part} = [\"{name}\"]"
        )
    }
}

/// One handler and what is known of it.
#[derive(Debug)]
pub struct RouteFacts {
    /// The row of the route table.
    pub route: Route,
    /// The file, for reports.
    pub file: RepoPath,
    /// Where the handler begins.
    pub location: Location,
    /// One verdict per control.
    pub controls: BTreeMap<Control, Verdict>,
    /// It plainly should be open, and why.
    pub public_guess: Option<String>,
    /// `[routes] public` names it.
    pub public_declared: bool,
    /// What makes it expensive (`llm`, `speech`, `image`, `conversion`, `upload`, `email`, `payment`), with the call.
    pub expensive: Vec<(String, Evidence)>,
    /// The proof saw the handler do something that takes time or money, or could not see what it does. One that only makes up an
    /// answer, sets a cookie or drops a cache does not: nothing in it can fail, and nothing in it is worth stealing.
    pub works: bool,
    /// The handler changes state: writes to a database, sends, pays, or does unknown work under a writing method.
    pub writes: bool,
    /// The handler only hands its requests to a router whose routes are known, each of which is a handler of its own.
    pub is_mount: bool,
    /// Facts of the proof that checks of their own ask for, by key (`webhook:stripe`, `cron` …), each with its place.
    pub marks: Vec<(String, Evidence)>,
}

impl AppModel {
    /// The handlers, without those that only hand their requests on to others of the list.
    pub fn endpoints(&self) -> impl Iterator<Item = &RouteFacts> {
        self.routes.iter().filter(|facts| !facts.is_mount)
    }
}

/// Words with which the name of a function that only reads begins: `getUser`, `list_posts`.
const READING: [&str; 23] = [
    "get", "fetch", "list", "load", "find", "search", "read", "check", "verify", "has", "is",
    "count", "query", "validate", "require", "assert", "can", "does", "are", "lookup", "preview",
    "view", "download",
];

/// How far a control reaches a handler of which it is asked, the most urgent first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
    /// Not at all.
    Missing,
    /// On some paths, or weakly.
    Partly,
    /// It could not be told.
    Unknown,
    /// On every path.
    InPlace,
}

impl RouteFacts {
    /// The status to show: where nothing can fail, there is nothing to catch.
    #[must_use]
    pub fn status(&self, control: Control) -> Status {
        match self.controls.get(&control).map(|verdict| verdict.status) {
            Some(Status::Uncaught) if !self.works => Status::Na,
            Some(status) => status,
            None => Status::Unknown,
        }
    }

    /// In production it turns everybody away: what is said of it is what it does elsewhere.
    #[must_use]
    pub fn is_closed_in_production(&self) -> bool {
        let mut marks = self.marks.iter();
        marks.any(|(mark, _)| mark == CLOSED_IN_PRODUCTION)
    }

    /// How far the control reaches; `None` where it is not asked of the handler: auth of a public one, and what does not apply.
    #[must_use]
    pub fn standing(&self, control: Control) -> Option<Standing> {
        let public = self.public_declared || self.public_guess.is_some();
        let idle = control == Control::ErrorHandling && !self.works;
        if control == Control::Auth && public || idle {
            return None;
        }
        match self.status(control) {
            Status::Na => None,
            Status::Absent | Status::Uncaught | Status::Untested => Some(Standing::Missing),
            Status::Optional | Status::Conditional | Status::Manual | Status::Console => {
                Some(Standing::Partly)
            }
            Status::Unknown => Some(Standing::Unknown),
            Status::Enforced
            | Status::Schema
            | Status::Caught
            | Status::Structured
            | Status::Tested => Some(Standing::InPlace),
        }
    }

    /// The handler gives every caller the same: it does no work, and reads nothing of the request.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        !self.works && !self.reads_input() && (self.route.url.is_none() || !self.writes)
    }

    /// The handler itself reads what the caller sent, or it could not be seen whether it does.
    #[must_use]
    pub fn reads_input(&self) -> bool {
        self.controls
            .get(&Control::Validation)
            .is_none_or(|verdict| verdict.status != Status::Na)
    }

    /// The handler is one that plainly changes state. A server action has no method to tell, so there its work and its name decide.
    #[must_use]
    pub fn changes_state(&self) -> bool {
        self.writes
            && self.works
            && (self.route.kind != RouteKind::Action || !names_reading(&self.route.method))
    }
}

/// `getSpaceAccess`, but not `getaway`.
fn names_reading(name: &str) -> bool {
    READING.iter().any(|word| {
        name.strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_ascii_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::names_reading;

    #[test]
    fn names_that_read() {
        assert!(names_reading("getVideoStatus"));
        assert!(names_reading("list_posts"));
        assert!(names_reading("fetch"));
        assert!(!names_reading("getaway"));
        assert!(!names_reading("issueToken"));
        assert!(!names_reading("deletePost"));
    }
}
