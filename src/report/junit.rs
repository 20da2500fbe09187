//! The audit as JUnit XML: a rule in order is a test that passes, every gap is one that fails. What was not judged is skipped.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::audit::{AppAudit, ItemState};
use crate::finding::Finding;
use crate::rule::{How, Rule};

use super::markup::escaped;
use super::material::{Material, sentence};
use super::text::one_line;

/// The audit as JUnit XML.
#[must_use]
pub fn junit(material: &Material<'_>) -> String {
    let suites: Vec<Suite> = material
        .audit
        .apps
        .iter()
        .map(|app| suite(material, app))
        .collect();
    let sum = |of: fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuites name=\"readiness\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        sum(|suite| suite.tests),
        sum(|suite| suite.failures),
        sum(|suite| suite.errors),
        sum(|suite| suite.skipped)
    );
    for suite in suites {
        text.push_str(&suite.text);
    }
    text.push_str("</testsuites>\n");
    text
}

/// The names of tests: readers of the format take tests of one class and name for one.
#[derive(Default)]
struct Names(BTreeMap<(String, String), usize>);

impl Names {
    /// What a finding's test is called: what is wrong and in which file, and which of several that are alike.
    fn of(&mut self, class: &str, message: &str, path: &str) -> String {
        let name = format!("{message} · {path}");
        let number = self.0.entry((class.to_owned(), name.clone())).or_default();
        *number += 1;
        match *number {
            1 => name,
            number => format!("{name} · {number}"),
        }
    }
}

#[derive(Default)]
struct Suite {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    text: String,
}

fn suite(material: &Material<'_>, app: &AppAudit) -> Suite {
    let mut suite = Suite::default();
    let mut names = Names::default();
    let mut cases = String::new();
    // Of several applications each has its own classes.
    let of_app = if material.audit.apps.len() > 1 {
        format!("{}.", app.name.replace('.', "-"))
    } else {
        String::new()
    };
    for rule in &material.rules.rules {
        let class = format!("readiness.{of_app}{}.{}", rule.category.word(), rule.id);
        let class = escaped(&class);
        let mut open = app
            .findings
            .iter()
            .filter(|each| each.rule == rule.id)
            .peekable();
        let failed = material
            .audit
            .not_evaluated
            .iter()
            .find(|each| each.app == app.root && each.rule == rule.id);
        if let Some(failed) = failed {
            suite.tests += 1;
            suite.errors += 1;
            let _ = writeln!(
                cases,
                "    <testcase classname=\"{class}\" name=\"{}\"><error message=\"{}\"/></testcase>",
                escaped(&rule.title),
                escaped(&failed.reason)
            );
        } else if open.peek().is_none() {
            let title = escaped(&rule.title);
            let case = format!("<testcase classname=\"{class}\" name=\"no gap: {title}\"");
            if let Some(skipped) = without_gaps(app, rule) {
                suite.tests += 1;
                let _ = match skipped {
                    None => writeln!(cases, "    {case}/>"),
                    Some(why) => {
                        suite.skipped += 1;
                        writeln!(cases, "    {case}><skipped message=\"{why}\"/></testcase>")
                    }
                };
            }
        }
        for finding in open {
            suite.tests += 1;
            case(&mut cases, material, (&class, &mut names), finding);
            if finding.is_known() {
                suite.skipped += 1;
            } else {
                suite.failures += 1;
            }
        }
        for each in app
            .suppressed
            .iter()
            .filter(|each| each.finding.rule == rule.id)
        {
            suite.tests += 1;
            suite.skipped += 1;
            let path = material.path(&each.finding.location.file);
            let _ = writeln!(
                cases,
                "    <testcase classname=\"{class}\" name=\"{}\" file=\"{}\"><skipped message=\"suppressed: {}\"/></testcase>",
                escaped(&names.of(&class, &each.finding.message, path.as_str())),
                escaped(path.as_str()),
                escaped(&each.reason)
            );
        }
    }
    let name = if app.name.is_empty() {
        "readiness"
    } else {
        &app.name
    };
    suite.text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n{cases}  </testsuite>\n",
        escaped(name),
        suite.tests,
        suite.failures,
        suite.errors,
        suite.skipped
    );
    suite
}

/// What a rule without open gaps is: nothing when it was not run or all of its gaps are suppressed, a test that passes, or one
/// that is skipped, with the reason.
fn without_gaps(app: &AppAudit, rule: &Rule) -> Option<Option<&'static str>> {
    match app.answer(&rule.id)? {
        ItemState::Done => Some(None),
        ItemState::Likely => Some(Some("only likely to be in order")),
        ItemState::Unattested if rule.how == How::Measured => Some(Some("not measured")),
        ItemState::Unattested => Some(Some("not attested")),
        ItemState::NotApplicable => Some(Some("does not apply")),
        ItemState::Unknown => Some(Some("could not be judged")),
        ItemState::Open => {
            let mut suppressed = app.suppressed.iter();
            let told = suppressed.any(|each| each.finding.rule == rule.id);
            (!told).then_some(Some(
                "its gap is told by another rule or with another application",
            ))
        }
    }
}

fn case(
    cases: &mut String,
    material: &Material<'_>,
    (class, names): (&str, &mut Names),
    finding: &Finding,
) {
    let path = material.path(&finding.location.file);
    let place = format!("{path}:{}", finding.location.line);
    let _ = write!(
        cases,
        "    <testcase classname=\"{class}\" name=\"{}\" file=\"{}\">",
        escaped(&names.of(class, &finding.message, path.as_str())),
        escaped(path.as_str())
    );
    if finding.is_known() {
        let _ = writeln!(cases, "<skipped message=\"known before\"/></testcase>");
        return;
    }
    let mut body = vec![place];
    for step in material.chain(finding).iter().skip(1) {
        let path = material.path(&step.location.file);
        body.push(format!("{path}:{} {}", step.location.line, step.note));
    }
    body.push(sentence(&one_line(&finding.fix)));
    let body: Vec<String> = body.iter().map(|line| escaped(line)).collect();
    let _ = writeln!(
        cases,
        "<failure type=\"{}\" message=\"{}\">{}</failure></testcase>",
        finding.severity.word(),
        escaped(&finding.message),
        body.join("\n")
    );
}
