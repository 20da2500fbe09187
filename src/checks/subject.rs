//! What every check starts from: a rule, an application, and the words for its routes.

use crate::controls::Evidence;
use crate::finding::{Finding, Related};
use crate::model::{AppModel, Model, RouteFacts};
use crate::project::{App, Package};
use crate::rule::Rule;
use crate::source::{Location, RepoPath};

/// How much an expensive handler counts.
const EXPENSIVE_WEIGHT: f64 = 2.0;

/// A rule asked of an application.
pub(super) struct Subject<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// All facts.
    pub model: &'a Model,
    /// What is known of the application's routes.
    pub app: &'a AppModel,
    /// What is known of the application's files.
    pub project: &'a App,
}

impl<'a> Subject<'a> {
    /// The subject for the application with this index.
    pub(super) fn new(rule: &'a Rule, model: &'a Model, app: usize) -> Option<Self> {
        Some(Self {
            rule,
            model,
            app: model.apps.get(app)?,
            project: model.project.apps.get(app)?,
        })
    }

    /// A finding at a place.
    pub(super) fn finding(&self, location: Location, message: String) -> Finding {
        Finding::new(self.rule, location, message)
    }

    /// A finding about the application as a whole, at its manifest.
    pub(super) fn app_finding(&self, message: String) -> Finding {
        self.finding(Location::of_line(&self.home(), 1), message)
    }

    /// A finding about a handler, at the handler's beginning.
    pub(super) fn route_finding(&self, route: &RouteFacts, says: &str) -> Finding {
        let name = route_name(route);
        let mut finding = self.finding(route.location.clone(), format!("{name} {says}"));
        finding.route = Some(name);
        finding.expensive = !route.expensive.is_empty();
        finding
    }

    /// The application's manifest, else its folder.
    pub(super) fn home(&self) -> RepoPath {
        match self.package() {
            Some(package) => package
                .root
                .as_ref()
                .unwrap_or(&self.project.root)
                .join("package.json"),
            None => self.project.root.clone(),
        }
    }

    /// The application's manifest.
    pub(super) fn package(&self) -> Option<&'a Package> {
        self.model.project.packages.get(self.project.package?)
    }
}

/// `POST /api/chat`, or `action signIn`.
pub(super) fn route_name(route: &RouteFacts) -> String {
    match &route.route.url {
        Some(url) => format!("{} {url}", route.route.method),
        None => format!("action {}", route.route.method),
    }
}

/// What one handler counts.
pub(super) fn weight(route: &RouteFacts) -> f64 {
    if route.expensive.is_empty() {
        1.0
    } else {
        EXPENSIVE_WEIGHT
    }
}

/// A chain of evidence as related places.
pub(super) fn related(chain: &[Evidence]) -> Vec<Related> {
    chain
        .iter()
        .map(|step| Related {
            location: Location::of_line(&step.file, step.line),
            note: step.note.clone(),
        })
        .collect()
}
