//! `[check.content-security-policy]`: sources that undo what a policy is for.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::finding::Related;
use crate::graph::ModuleId;
use crate::project::Package;
use crate::project::literal::{Literal, fold};
use crate::rule::{Confidence, ContentSecurityPolicy};
use crate::source::{Location, RepoPath, Span};
use crate::syntax::{Expr, ModuleRecord, Property};

use super::CheckResult;
use super::code::{is_for_developers, key, numbered, package_of, place, text};
use super::headers::names_header;
use super::subject::Subject;

/// A policy, or the part of one that a single literal holds.
pub(super) struct PolicyText<'a> {
    text: Cow<'a, str>,
    location: Location,
}

/// The policies that the application sends.
#[derive(Default)]
pub(super) struct Policies<'a> {
    /// What can be read of them.
    pub texts: Vec<PolicyText<'a>>,
    /// One is sent, whether or not it can be read.
    pub sent: bool,
}

/// Packages that send a policy built from an object of directives.
const BUILDERS: [&str; 5] = [
    "helmet",
    "nosecone",
    "@nosecone/next",
    "hono",
    "@next-safe/middleware",
];

/// Every policy that the application sends: from configured headers, from its middleware, from packages. A policy that is
/// written down and sent by nobody is none.
pub(super) fn policies<'a>(subject: &Subject<'a>) -> Policies<'a> {
    let mut found = Policies::default();
    let graph = &subject.model.graph;
    let hosted = subject.model.project.files.hosting_headers.iter();
    let mut sources: Vec<ModuleId> = Vec::new();
    for entry in subject.project.next.headers.iter().chain(hosted) {
        if !is_policy_header(&entry.name) {
            continue;
        }
        found.sent = true;
        if let Some(value) = &entry.value {
            found.texts.push(PolicyText {
                text: Cow::Borrowed(value),
                location: entry.location.clone(),
            });
        } else {
            sources.extend(graph.find(&entry.location.file));
        }
    }
    for middleware in subject
        .app
        .middleware
        .iter()
        .filter(|each| each.problem.is_none())
    {
        let closure = graph.closure(&[middleware.module]);
        let names = graph.modules().zip(&closure).any(|((_, module), reached)| {
            *reached && names_header(module, "content-security-policy")
        });
        if names {
            found.sent = true;
            sources.push(middleware.module);
        }
    }
    let is_builder = |specifier: &&str| {
        let package = package_of(specifier);
        package.is_some_and(|name| BUILDERS.contains(&name))
    };
    let imports = subject.all_imports().iter().map(|each| &**each);
    let builders: Vec<&str> = imports.filter(is_builder).collect();
    let closure = graph.closure(&sources);
    for ((id, module), reached) in graph.modules().zip(closure) {
        let builds = || {
            let mut requests = module.requests.iter();
            !builders.is_empty()
                && module.path.starts_with(&subject.project.root)
                && requests.any(|each| !each.type_only && builders.contains(&&*each.specifier))
                && !subject.is_side(id)
        };
        if reached || builds() {
            literals(module, &mut found);
        }
    }
    found
}

/// The policies that are literals of a module.
fn literals<'a>(module: &'a ModuleRecord, found: &mut Policies<'a>) {
    let elsewhere = OnceCell::new();
    for (id, expr) in numbered(module) {
        if let Some(text) = text(module, id)
            && looks_like_policy(&text)
            && !elsewhere
                .get_or_init(|| not_in_production(module))
                .iter()
                .any(|arm: &Span| {
                    let span = module.span(id);
                    arm.start <= span.start && span.end <= arm.end
                })
        {
            found.texts.push(PolicyText {
                text,
                location: place(module, id),
            });
        }
        if let Expr::Object(properties) = expr {
            for property in properties {
                if let Some(text) = directive_of_object(module, property) {
                    found.sent = true;
                    found.texts.push(text);
                }
            }
        }
    }
}

/// The arms of conditions that production does not take: `isDev ? … : …`.
fn not_in_production(module: &ModuleRecord) -> Vec<Span> {
    let conditions = numbered(module).filter_map(|(_, expr)| match expr {
        Expr::Conditional {
            test,
            then,
            otherwise,
        } => Some((*test, *then, *otherwise)),
        _ => None,
    });
    let dead = conditions.filter_map(|(test, then, otherwise)| match fold(module, test).value {
        Literal::Bool(true) => Some(otherwise),
        Literal::Bool(false) => Some(then),
        _ => None,
    });
    dead.map(|arm| module.span(arm)).collect()
}

fn is_policy_header(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-security-policy")
}

fn looks_like_policy(text: &str) -> bool {
    // Few texts have the hyphen that every directive has.
    memchr::memchr(b'-', text.as_bytes()).is_some()
        && ["script-src ", "default-src ", "frame-ancestors "]
            .iter()
            .any(|directive| {
                let at = memchr::memmem::find(text.as_bytes(), directive.as_bytes());
                at.is_some_and(|at| {
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
        .map(|part| part.trim_start_matches(['\u{0}', ' ', '\n', '\t', '\r']))
        .find_map(|part| {
            let rest = part.strip_prefix(directive)?;
            // What follows may be worked out: `frame-ancestors ${ancestors}`.
            let rest = rest.strip_prefix([' ', '\n', '\t', '\r'])?;
            let rest = rest.trim_end_matches(['\u{0}', ' ', '\n', '\t', '\r']);
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
    let Policies {
        texts: policies,
        sent,
    } = policies(subject);
    if policies.is_empty() {
        for _ in &check.forbid {
            if sent || subject.project.next.headers_incomplete {
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
        let mut places = Vec::new();
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
            if bare && !harmless {
                places.push(policy.location.clone());
            }
        }
        places.sort();
        places.dedup();
        let mut places = places.into_iter();
        let Some(first) = places.next() else {
            result.covered(1.0);
            continue;
        };
        let message = format!(
            "{directive} of the content security policy has {}, which lets {}",
            forbidden.source, forbidden.allows
        );
        let needs = needing(subject, &forbidden.needed_by);
        let question = needs.map(|path| format!(": or does it have to, as `{path}` needs it?"));
        let question = question.or_else(|| {
            // What no page needs is given up for nothing, whoever comes.
            let quiet = forbidden.needed_by.is_empty() && subject.changes_nothing();
            quiet.then(|| String::from(": or is there nothing to be taken, as nobody signs in?"))
        });
        let message = message + question.as_deref().unwrap_or_default();
        let others = places.map(|location| Related {
            location,
            note: String::from("another policy that has it"),
        });
        let finding = subject
            .finding(first, message)
            .with_related(others.collect());
        let finding = match question {
            Some(_) => finding.at_most(Confidence::Low),
            None => finding,
        };
        result.gap(1.0, finding);
    }
    result
}

/// The first module for browsers, of the application or of a package that it is made of, that calls one of these functions of
/// the language.
fn needing<'a>(subject: &Subject<'a>, functions: &[String]) -> Option<&'a RepoPath> {
    if functions.is_empty() {
        return None;
    }
    let folders = folders(subject);
    let apps = &subject.model.project.apps;
    let is_of = |path: &RepoPath| {
        let mut roots = apps.iter().map(|app| &app.root);
        folders.iter().any(|folder| path.starts_with(folder))
            && !is_for_developers(path)
            && !roots.any(|root| path.starts_with(root) && !subject.project.root.starts_with(root))
    };
    let named = |name: &str| functions.iter().any(|each| each == name);
    let server_side = subject.server_side();
    let mut modules = subject.model.graph.modules();
    let (_, needing) = modules.find(|(id, module)| {
        let mut names = functions.iter();
        names.any(|name| module.find_name(name).is_some())
            && !server_side.get(id.0 as usize).is_some_and(|server| *server)
            && !subject.is_side(*id)
            && module.facts.test_cases == 0
            && is_of(&module.path)
            && module.exprs.iter().any(|expr| match expr {
                Expr::Call { callee, .. } | Expr::New { callee, .. } => {
                    matches!(module.expr(*callee), Expr::Name(name) if named(module.name(*name)))
                }
                _ => false,
            })
    })?;
    Some(&needing.path)
}

/// The folders of the application and of the packages of the repository that its manifest lists, and theirs: what is built of
/// them runs in its pages, whether or not an import leads to their sources.
fn folders(subject: &Subject<'_>) -> Vec<RepoPath> {
    let all = &subject.model.project.packages;
    let mut open: Vec<&Package> = subject.package().into_iter().collect();
    let mut folders = vec![subject.project.root.clone()];
    while let Some(package) = open.pop() {
        let listed = |name: &str| {
            package.dependencies.contains_key(name) || package.dev_dependencies.contains_key(name)
        };
        for other in all.iter().filter(|each| each.member) {
            let folder = other.folder();
            if other.name.as_deref().is_some_and(listed) && !folders.contains(&folder) {
                folders.push(folder);
                open.push(other);
            }
        }
    }
    folders
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
