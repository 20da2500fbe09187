//! `[check.pattern]`: code or text that is a gap wherever it stands.

use crate::rule::{PatternCheck, wildcard};
use crate::syntax::PatternMatch;

use super::CheckResult;
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>, check: &PatternCheck) -> CheckResult {
    let files = subject.globs(&check.files);
    let except = subject.globs(&check.except);
    let root = &subject.project.root;
    let mut findings = Vec::new();
    let patterns = &subject.rule.patterns;
    for (_, module) in subject.modules() {
        // Most modules hold no match, and asking for it costs least.
        if !module
            .matches
            .iter()
            .any(|found| patterns.contains(&found.pattern))
        {
            continue;
        }
        let path = module
            .path
            .strip_prefix(root)
            .unwrap_or(module.path.as_str());
        if (!check.files.is_empty() && !files.is_match(path)) || except.is_match(path) {
            continue;
        }
        let imports = || {
            module.requests.iter().any(|request| {
                let forms = check.except_imports.iter();
                forms
                    .into_iter()
                    .any(|form| wildcard(form, &request.specifier))
            })
        };
        if !check.except_imports.is_empty() && imports() {
            continue;
        }
        let harmless = |found: &PatternMatch| {
            found.captures.iter().any(|(_, taken)| {
                let taken = taken.to_ascii_lowercase();
                check
                    .except_captures
                    .iter()
                    .any(|form| wildcard(form, taken.trim()))
            })
        };
        let mut last = None;
        for found in &module.matches {
            // Two patterns of a rule that match at one place are one gap.
            if patterns.contains(&found.pattern)
                && last != Some(found.span.start)
                && !harmless(found)
            {
                last = Some(found.span.start);
                findings.push(subject.finding_in(module, found.span, check.says.clone()));
            }
        }
    }
    if findings.is_empty() && check.no_proof {
        let mut result = CheckResult::default();
        result.unknown();
        return result;
    }
    CheckResult::pass_or_fail(findings)
}
