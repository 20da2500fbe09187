//! What plans put at their end: the packages to add and the pages to read, each with the task that wants it.

use crate::report::material::sentence;
use crate::report::test_suite::{packages_of, test_files};
use crate::report::work::PhaseWork;
use crate::rule::{Check, Control, Rule};
use crate::source::RepoPath;

use super::sections::Section;
use super::write::{Document, code};

impl Section<'_> {
    /// Packages of open tasks of which the application has none.
    pub(super) fn packages(&self, to: &mut Document, work: &[PhaseWork<'_>]) {
        let packages: Vec<_> = packages_of(self.material.model, self.app).collect();
        let is_there = |name: &String| packages.iter().any(|package| package.depends_on(name));
        let is_nested = |path: &RepoPath| self.material.is_nested(self.app, path);
        let has_tests = !test_files(self.material.model, self.app, is_nested).is_empty();
        // Whatever runs the tests that are there runs those of handlers, and it need not be a package.
        let is_run = |rule: &Rule| {
            has_tests
                && matches!(&rule.check, Check::RouteControl(check) if check.control == Control::Tests)
        };
        let mut wanted: Vec<(&[String], Vec<&Rule>)> = Vec::new();
        for rule in self.open_rules(work) {
            if rule.packages.is_empty() || is_run(rule) || rule.packages.iter().any(is_there) {
                continue;
            }
            match wanted.iter_mut().find(|(named, _)| *named == rule.packages) {
                Some((_, rules)) => rules.push(rule),
                None => wanted.push((&rule.packages, vec![rule])),
            }
        }
        if wanted.is_empty() {
            return;
        }
        to.heading(self.level, "Packages to add");
        to.paragraph(
            "One of each row, or whatever the team uses in its place; none of them is a dependency yet.",
        );
        let rows = wanted.iter().map(|(named, rules)| {
            let named: Vec<String> = named.iter().map(|name| code(name)).collect();
            let rules: Vec<String> = rules.iter().map(|rule| code(&rule.id)).collect();
            vec![named.join(" or "), rules.join(", ")]
        });
        to.table(&["Package", "Closes"], &rows.collect::<Vec<_>>());
    }

    /// What rules with gaps say is worth reading.
    pub(super) fn references(&self, to: &mut Document, work: &[PhaseWork<'_>]) {
        let rules = self.open_rules(work).into_iter();
        let mut rules = rules.filter(|rule| !rule.links.is_empty()).peekable();
        if rules.peek().is_none() {
            return;
        }
        to.heading(self.level, "References");
        for rule in rules {
            let pages: Vec<String> = rule.links.iter().map(|link| format!("<{link}>")).collect();
            let about = sentence(&rule.title);
            let about = about.trim_end_matches('.');
            to.item(0, &format!("{about}: {}", pages.join(", ")));
        }
    }

    /// The rules with gaps that are in no doubt of being gaps, each once, in the roadmap's order.
    fn open_rules<'b>(&self, work: &[PhaseWork<'b>]) -> Vec<&'b Rule> {
        let mut rules: Vec<&Rule> = Vec::new();
        for task in work.iter().flat_map(|each| &each.tasks) {
            for rule in &task.rules {
                let has_gap = task.findings.iter().any(|finding| finding.rule == rule.id);
                if has_gap && !rules.iter().any(|known| known.id == rule.id) {
                    rules.push(rule);
                }
            }
        }
        rules
    }
}
