//! `[check.env-documented]`, `[check.env-committed]`: variables that code reads against example files, and files with secrets.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Related;
use crate::graph::ModuleId;
use crate::rule::{Confidence, EnvCommitted, EnvDocumented, wildcard};
use crate::source::{Location, RepoPath, SourceFile, Span};
use crate::syntax::{Expr, ExprId, LogicalOp, ModuleRecord};

use super::CheckResult;
use super::env_schema::{Schemas, is_used, is_variable};
use super::subject::Subject;

/// So many variables are named in a message.
const NAMED: usize = 3;

/// So many places are shown.
const SHOWN: usize = 10;

/// A variable that code reads.
struct Read {
    location: Location,
    /// The module whose schema alone names it, when the application starts without it.
    optional_in: Option<ModuleId>,
}

pub(super) fn documented(subject: &Subject<'_>, check: &EnvDocumented) -> CheckResult {
    let mut read: BTreeMap<&str, Read> = BTreeMap::new();
    let set = set_by_scripts(subject);
    let except = subject.globs(&check.except);
    let asked = |name: &str| {
        !set.contains(name) && !check.ignore.iter().any(|pattern| wildcard(pattern, name))
    };
    for (id, module) in subject.modules() {
        let reads = &module.facts.env_reads;
        let schemas = Schemas::of(module);
        if (reads.is_empty() && schemas.entries.is_empty()) || except.is_match(module.path.as_str())
        {
            continue;
        }
        for (name, span) in reads.iter().filter(|(name, _)| asked(name)) {
            let optional = schemas.optional(name, *span);
            let each = read.entry(name).or_insert_with(|| Read {
                location: module.location(*span),
                optional_in: optional.then_some(id),
            });
            if !optional && each.optional_in.take().is_some() {
                each.location = module.location(*span);
            }
        }
        for entry in schemas.entries.iter().filter(|entry| asked(entry.name)) {
            read.entry(entry.name).or_insert_with(|| Read {
                location: module.location(entry.span),
                optional_in: entry.optional.then_some(id),
            });
        }
    }
    let entries = &subject.model.project.files.env_documented;
    // Written anywhere in the repository is written down.
    let known: BTreeSet<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    // What may be left out and is used nowhere is a leftover.
    read.retain(|name, each| {
        let in_schema = each.optional_in.filter(|_| !known.contains(name));
        in_schema.is_none_or(|module| is_used(subject, module, name))
    });
    if read.len() < check.at_least {
        return CheckResult::default();
    }
    let mut result = CheckResult::default();
    let missing: Vec<(&str, &Read)> = read
        .iter()
        .filter(|(name, _)| !known.contains(*name))
        .map(|(name, each)| (*name, each))
        .collect();
    let Some(example) = example(subject) else {
        if missing.len() < check.at_least {
            result.covered(1.0);
            return result;
        }
        let message = format!(
            "{} environment variables are read and set by nothing here, and no example file lists them",
            missing.len()
        );
        result.silent_gap(1.0);
        let question = told(subject, &missing).or_else(|| defaulted(subject, &missing));
        result.findings.push(match question {
            Some(question) => subject
                .app_finding(format!("{message}: {question}?"))
                .at_most(Confidence::Low),
            None => subject.app_finding(message),
        });
        return result;
    };
    (missing.len()..read.len()).for_each(|_| result.covered(1.0));
    missing.iter().for_each(|_| result.silent_gap(1.0));
    if missing.is_empty() {
        return result;
    }
    let named: Vec<&str> = missing.iter().take(NAMED).map(|(name, _)| *name).collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "{} of {} environment variables that code reads stand in no example file: {}{more}",
        missing.len(),
        read.len(),
        named.join(", ")
    );
    let related = missing.iter().take(SHOWN).map(|(name, each)| Related {
        location: each.location.clone(),
        note: format!("{name} is read"),
    });
    let question = told(subject, &missing)
        .unwrap_or_else(|| String::from("does whoever sets it up need them"));
    let finding = subject
        .finding(
            Location::of_line(example, 1),
            format!("{message}: {question}?"),
        )
        .at_most(Confidence::Low)
        .with_related(related.collect());
    result.findings.push(finding);
    result
}

/// The example file that whoever sets up the application finds first.
fn example<'m>(subject: &Subject<'m>) -> Option<&'m RepoPath> {
    let root = &subject.project.root;
    let files = &subject.model.project.files;
    let folder = |file: &RepoPath| file.parent().unwrap_or_else(|| RepoPath::new(""));
    let near = |file: &&RepoPath| file.starts_with(root) || root.starts_with(&folder(file));
    let examples = files.env_documented.iter();
    let examples = examples.map(|(_, location)| &location.file).filter(near);
    examples.min_by_key(|file| {
        let depth = folder(file).segments().count();
        (
            // A template tells more than a file with values for one stage.
            files.env_committed.contains(file),
            depth.abs_diff(root.segments().count()),
            Reverse(depth),
            file.file_name().len(),
            *file,
        )
    })
}

/// Where a document lists at least half of the variables, the question whether that is enough.
fn told(subject: &Subject<'_>, missing: &[(&str, &Read)]) -> Option<String> {
    let names: BTreeSet<&str> = missing.iter().map(|(name, _)| *name).collect();
    let shared = subject.shared();
    let documents = shared
        .told
        .get_or_init(|| documents(&subject.model.documents));
    let told = documents.iter().map(|(path, told)| {
        let told = told.iter().filter(|name| names.contains(&***name));
        (told.count(), Reverse(path))
    });
    let (count, Reverse(path)) = told.max()?;
    let enough = count > 0 && count * 2 >= names.len();
    enough.then(|| match names.len() {
        1 => format!("or is it enough that {path} lists it"),
        _ => format!("or is it enough that {path} lists {count} of them"),
    })
}

/// Where the code does without most of the variables, the question whether anybody has to set them.
fn defaulted(subject: &Subject<'_>, missing: &[(&str, &Read)]) -> Option<String> {
    let names: BTreeSet<&str> = missing.iter().map(|(name, _)| *name).collect();
    let mut without: BTreeSet<&str> = BTreeSet::new();
    for (_, module) in subject.modules() {
        let reads = module.facts.env_reads.iter();
        let reads = reads.filter(|(name, _)| names.contains(&**name));
        let reads: Vec<(&str, Span)> = reads.map(|(name, span)| (&**name, *span)).collect();
        if reads.is_empty() {
            continue;
        }
        for expr in &module.exprs {
            if let Some(read) = done_without(module, expr) {
                let read = module.span(read);
                let mut reads = reads.iter().filter(|(_, span)| *span == read);
                without.extend(reads.next().map(|(name, _)| *name));
            }
        }
    }
    (without.len() * 2 > names.len()).then(|| {
        format!(
            "does whoever sets it up need them, as the code does without {} of them",
            without.len()
        )
    })
}

/// What the expression has something else for: `value ?? "a"`, `number(value, 5)`, or what it only looks at: `value === "on"`,
/// `value ? a : b`.
fn done_without(module: &ModuleRecord, expr: &Expr) -> Option<ExprId> {
    match expr {
        Expr::Logical {
            op: LogicalOp::Or | LogicalOp::Coalesce,
            left,
            ..
        } => Some(*left),
        Expr::Conditional { test, .. } => Some(*test),
        Expr::Binary { left, right, .. } => {
            matches!(module.expr(*right), Expr::String(_)).then_some(*left)
        }
        Expr::Call { args, .. } => match &**args {
            [value, _default] => Some(value.value),
            _ => None,
        },
        _ => None,
    }
}

/// The documents in prose, with what they may say of variables of the environment.
fn documents(files: &[SourceFile]) -> Vec<(RepoPath, BTreeSet<Box<str>>)> {
    let prose = |file: &&SourceFile| matches!(file.path.extension(), Some("md" | "mdx"));
    let listed = |file: &SourceFile| {
        file.text
            .lines()
            .filter_map(listed)
            .map(Box::from)
            .collect()
    };
    let files = files.iter().filter(prose);
    files
        .map(|file| (file.path.clone(), listed(file)))
        .collect()
}

/// The variable that a row of a table, an item of a list, a heading or a line of an example in a document is about: `| NAME | …`,
/// `- **NAME**: …`, `### NAME`, `NAME=value`.
fn listed(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let marked = line.starts_with(['|', '-', '*', '+', '#']);
    let text = line.trim_start_matches(['|', '-', '*', '+', '#', '`', '_', ' ']);
    let text = text.strip_prefix("export ").unwrap_or(text);
    if !text.starts_with(|first: char| first.is_ascii_uppercase()) {
        return None;
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    (name.len() > 1 && (marked || rest.starts_with('='))).then_some(name)
}

/// The variables that the scripts which start the application set themselves: `"dev": "MOCKS=true next dev"`.
fn set_by_scripts<'m>(subject: &Subject<'m>) -> BTreeSet<&'m str> {
    let root = &subject.project.root;
    let packages = subject.model.project.packages.iter();
    let near = packages.filter(|package| root.starts_with(&package.folder()));
    let scripts = near.flat_map(|package| &package.scripts);
    let starting = scripts.filter(|(name, _)| name.starts_with("dev") || name.starts_with("start"));
    let words = starting.flat_map(|(_, line)| line.split_whitespace());
    let named = words.filter_map(|word| Some(word.split_once('=')?.0));
    named.filter(|name| is_variable(name)).collect()
}

/// Answers `[check.env-committed]`.
pub(super) fn committed(subject: &Subject<'_>, check: &EnvCommitted) -> CheckResult {
    let fits = |patterns: &[String], name: &str| {
        let name = name.to_ascii_uppercase();
        patterns.iter().any(|pattern| wildcard(pattern, &name))
    };
    let mut files: BTreeMap<&RepoPath, Vec<(&str, &Location)>> = BTreeMap::new();
    for (name, location) in &subject.model.project.files.env_secret {
        if fits(&check.secret, name) && !fits(&check.except, name) {
            let entry = files.entry(&location.file).or_default();
            entry.push((name, location));
        }
    }
    let mut findings = Vec::new();
    for (file, names) in files {
        let Some((_, first)) = names.first() else {
            continue;
        };
        let shown: Vec<&str> = names.iter().take(NAMED).map(|(name, _)| *name).collect();
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "{} is committed with values for {}{more}",
            file.file_name(),
            shown.join(", ")
        );
        findings.push(subject.finding((*first).clone(), message));
    }
    CheckResult::pass_or_fail(findings)
}

#[cfg(test)]
mod tests {
    use super::{done_without, listed};

    #[test]
    fn documents_list_variables() {
        for (line, expected) in [
            ("| `MAIL_HOST` | where mail goes |", Some("MAIL_HOST")),
            ("|MAIL_HOST|yes|", Some("MAIL_HOST")),
            ("  - **MAIL_HOST** - where mail goes", Some("MAIL_HOST")),
            ("### MAIL_HOST", Some("MAIL_HOST")),
            ("export MAIL_HOST=localhost", Some("MAIL_HOST")),
            ("MAIL_HOST says where mail goes", None),
            ("| --- | --- |", None),
        ] {
            assert_eq!(listed(line), expected, "{line}");
        }
    }

    #[test]
    fn variables_that_code_does_without() {
        let module = crate::syntax::record_of(
            "const port = number(process.env.A, 80);\nconst host = process.env.B ?? \"here\";\nconst on = process.env.C === \"on\";\nconst key = process.env.D;\nconnect(process.env.E);\n",
        );
        let without = module.exprs.iter().filter_map(|expr| {
            let span = module.span(done_without(&module, expr)?);
            let mut reads = module.facts.env_reads.iter();
            reads
                .find(|(_, read)| *read == span)
                .map(|(name, _)| &**name)
        });
        let mut without: Vec<&str> = without.collect();
        without.sort_unstable();
        assert_eq!(without, ["A", "B", "C"]);
    }
}
