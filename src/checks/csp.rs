//! `[check.content-security-policy]`: sources that undo what a policy is for.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::rule::ContentSecurityPolicy;
use crate::source::Location;
use crate::syntax::{Expr, ModuleRecord, Property};

use super::CheckResult;
use super::code::{key, numbered, place, text};
use super::subject::Subject;

/// A policy, or the part of one that a single literal holds.
pub(super) struct PolicyText<'a> {
    text: Cow<'a, str>,
    location: Location,
}

/// Every text of the application that is a policy: values of configured headers and literals in code.
pub(super) fn texts<'a>(subject: &Subject<'a>) -> Vec<PolicyText<'a>> {
    let mut found = Vec::new();
    let hosted = subject.model.project.files.hosting_headers.iter();
    for entry in subject.project.next.headers.iter().chain(hosted) {
        if is_policy_header(&entry.name)
            && let Some(value) = &entry.value
        {
            found.push(PolicyText {
                text: Cow::Borrowed(value),
                location: entry.location.clone(),
            });
        }
    }
    for (_, module) in subject.modules() {
        if module.use_client {
            continue;
        }
        for (id, expr) in numbered(module) {
            if let Some(text) = text(module, id)
                && looks_like_policy(&text)
            {
                found.push(PolicyText {
                    text,
                    location: place(module, id),
                });
            }
            if let Expr::Object(properties) = expr {
                for property in properties {
                    found.extend(directive_of_object(module, property));
                }
            }
        }
    }
    found
}

fn is_policy_header(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-security-policy")
}

fn looks_like_policy(text: &str) -> bool {
    ["script-src ", "default-src ", "frame-ancestors "]
        .iter()
        .any(|directive| {
            text.find(directive).is_some_and(|at| {
                let before = text
                    .get(..at)
                    .unwrap_or("")
                    .trim_end_matches([' ', '\n', '\t', '\r']);
                before.is_empty() || before.ends_with([';', '\u{0}', ','])
            })
        })
}

/// `scriptSrc: ["'self'", …]` of helmet and the like, as the directive that it becomes.
fn directive_of_object<'a>(
    module: &'a ModuleRecord,
    property: &Property,
) -> Option<PolicyText<'a>> {
    let Property::Value { key: name, value } = property else {
        return None;
    };
    let directive = match key(module, name)? {
        "scriptSrc" | "script-src" => "script-src",
        "defaultSrc" | "default-src" => "default-src",
        "frameAncestors" | "frame-ancestors" => "frame-ancestors",
        _ => return None,
    };
    let Some(Expr::Array(items)) = module.exprs.get(value.0 as usize) else {
        return None;
    };
    let mut line = String::from(directive);
    for item in items {
        line.push(' ');
        line.push_str(&text(module, item.value).unwrap_or(Cow::Borrowed("\u{0}")));
    }
    Some(PolicyText {
        text: Cow::Owned(line),
        location: place(module, *value),
    })
}

/// The sources of a directive; `None` when the text does not have it.
fn sources<'t>(text: &'t str, directive: &str) -> Option<Vec<&'t str>> {
    text.split([';', ','])
        .map(|part| part.trim_matches(['\u{0}', ' ', '\n', '\t', '\r']))
        .find_map(|part| {
            let rest = part.strip_prefix(directive)?;
            let rest = rest.strip_prefix([' ', '\n', '\t', '\r'])?;
            Some(rest.split_whitespace().collect())
        })
}

/// True when the policy has the directive.
pub(super) fn has_directive(policy: &PolicyText<'_>, directive: &str) -> bool {
    sources(&policy.text, directive).is_some()
}

pub(super) fn run(subject: &Subject<'_>, check: &ContentSecurityPolicy) -> CheckResult {
    let mut result = CheckResult::default();
    if !subject.serves_pages() {
        return result;
    }
    let policies = texts(subject);
    if policies.is_empty() {
        let computed = subject.project.next.headers_incomplete
            || subject
                .project
                .next
                .headers
                .iter()
                .any(|entry| is_policy_header(&entry.name));
        for _ in &check.forbid {
            if computed {
                result.unknown();
            } else {
                // That there is no policy at all is another rule's finding.
                result.silent_gap(1.0);
            }
        }
        return result;
    }
    let has_directive = policies
        .iter()
        .any(|policy| sources(&policy.text, &check.directive).is_some());
    let directive = if has_directive {
        &check.directive
    } else {
        &check.fallback
    };
    for forbidden in &check.forbid {
        let mut seen = BTreeSet::new();
        let mut findings = Vec::new();
        for policy in &policies {
            let Some(list) = sources(&policy.text, directive) else {
                continue;
            };
            let harmless = list.iter().any(|source| {
                forbidden
                    .unless
                    .iter()
                    .any(|start| source.starts_with(start.as_str()))
            });
            let bare = list
                .iter()
                .any(|source| source.trim_matches('\u{0}') == forbidden.source);
            if bare
                && !harmless
                && seen.insert((policy.location.file.clone(), policy.location.line))
            {
                let message = format!(
                    "{directive} of the content security policy has {}, which lets {}",
                    forbidden.source, forbidden.allows
                );
                findings.push(subject.finding(policy.location.clone(), message));
            }
        }
        if findings.is_empty() {
            result.covered(1.0);
        } else {
            result.silent_gap(1.0);
            result.findings.append(&mut findings);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{looks_like_policy, sources};

    #[test]
    fn directives_are_read_from_policies() {
        let policy =
            "default-src 'self'; script-src 'self' 'unsafe-inline' \u{0}; style-src-elem *";
        assert_eq!(
            sources(policy, "script-src").unwrap(),
            ["'self'", "'unsafe-inline'"]
        );
        assert!(sources(policy, "style-src").is_none());
        assert!(looks_like_policy("\n  default-src 'self';"));
        assert!(!looks_like_policy("add a script-src directive"));
    }
}
