//! `[check.foreign-key-index]`, `[check.row-security]`: what a database schema lacks.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use crate::finding::Related;
use crate::rule::{Confidence, ForeignKeyIndex, RowSecurity};
use crate::source::{Location, RepoPath, SourceFile};
use crate::syntax::Expr;

use super::CheckResult;
use super::code::is_side_file;
use super::dependency::is_of;
use super::subject::Subject;
use super::tables::{
    Tables, add_drizzle, add_indexes_in_code, add_sql, add_sql_indexes, of_prisma,
};

/// So many places are shown.
const SHOWN: usize = 10;

/// So many names stand in a message.
const NAMED: usize = 3;

pub(super) fn foreign_keys(subject: &Subject<'_>, check: &ForeignKeyIndex) -> CheckResult {
    let mut result = CheckResult::default();
    let mut add = |tables: &Tables| {
        let mut missing: Vec<(String, &Location)> = Vec::new();
        for (name, table) in tables {
            for (column, location) in &table.references {
                if table.finds(column) {
                    result.covered(1.0);
                } else {
                    result.silent_gap(1.0);
                    missing.push((format!("{name}.{column}"), location));
                }
            }
        }
        missing.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        let total: usize = tables.values().map(|table| table.references.len()).sum();
        let Some((_, first)) = missing.first() else {
            return;
        };
        let message = format!(
            "{} of {total} foreign keys have no index: {}",
            missing.len(),
            named(missing.iter().map(|(name, _)| name.as_str()))
        );
        let related = missing.iter().take(SHOWN).map(|(name, location)| Related {
            location: (*location).clone(),
            note: format!("{name} refers to another table"),
        });
        let finding = subject
            .finding((*first).clone(), message)
            .with_related(related.collect());
        result.findings.push(finding);
    };
    let documents = &subject.model.documents;
    let of_kind = |end: &'static str| {
        let all = documents.iter();
        all.filter(move |file| file.path.extension() == Some(end) && !is_side_file(&file.path))
    };
    let made = LazyCell::new(|| {
        let mut made = Tables::new();
        for file in of_kind("sql").chain(&subject.model.migrations) {
            add_sql_indexes(file, &mut made);
        }
        for (_, module) in subject.model.graph.modules() {
            // To look through all modules would take longer than to read them.
            if module.path.as_str().contains("migration") && !is_side_file(&module.path) {
                add_indexes_in_code(module, &mut made);
            }
        }
        made
    });
    let prisma: Vec<&SourceFile> = of_kind("prisma").collect();
    // Every folder below which a schema lies is one schema, whose files may be many.
    let mut roots: Vec<RepoPath> = Vec::new();
    for file in &prisma {
        // That of another application is asked about there.
        if file.text.contains("datasource ") && !subject.is_of_another(&file.path) {
            roots.extend(file.path.parent());
        }
    }
    roots.dedup();
    for root in &roots {
        let files: Vec<&SourceFile> = prisma
            .iter()
            .copied()
            .filter(|file| file.path.starts_with(root))
            .collect();
        if let Some(mut tables) = of_prisma(&files) {
            add_made(&mut tables, &made, root);
            add(&tables);
        }
    }
    let mut tables = Tables::new();
    let makers = check.tables.iter();
    let makers: Vec<(&str, &str)> = makers.filter_map(|maker| maker.split_once('#')).collect();
    for module in subject.reached() {
        add_drizzle(module, &makers, &mut tables);
    }
    let whole = RepoPath::new("");
    add_made(&mut tables, &made, &whole);
    add(&tables);
    if prisma.is_empty() && tables.is_empty() {
        let mut tables = Tables::new();
        for file in of_kind("sql") {
            add_sql(file, &mut tables);
        }
        tables.retain(|_, table| table.location.is_some());
        for table in tables.values_mut() {
            let changes = std::mem::take(&mut table.changes);
            table.leave_dropped(&changes, &whole);
        }
        add(&tables);
    }
    // Migrations in code are not followed; that they make indexes is all that can be seen.
    if result == CheckResult::default() {
        let made = |name: &str| !subject.index().calls(name).is_empty();
        if made("createIndex") {
            result.likely();
        } else if made("createTable") {
            result.unknown();
        }
    }
    result
}

/// Adds the indexes that migrations make and the schema in this folder does not know of, where one is missing in it, and leaves
/// out the foreign keys that they drop.
fn add_made(tables: &mut Tables, made: &impl Deref<Target = Tables>, folder: &RepoPath) {
    for (name, table) in tables {
        let mut columns = table.references.keys();
        if columns.all(|column| table.finds(column)) {
            continue;
        }
        let stored = table.stored_as.as_ref().unwrap_or(name);
        if let Some(of) = made.get(&stored.to_ascii_lowercase()) {
            table.add_indexes(of);
            table.leave_dropped(&of.changes, folder);
        }
    }
}

/// Answers `[check.row-security]`.
pub(super) fn row_security(subject: &Subject<'_>, check: &RowSecurity) -> CheckResult {
    let mut result = CheckResult::default();
    let asked = subject.specifiers().iter().any(|specifier| {
        check
            .packages
            .iter()
            .any(|package| is_of(package, specifier))
    });
    if !asked {
        return result;
    }
    let mut tables = Tables::new();
    let mut plain = true;
    let documents = subject.model.documents.iter();
    for file in documents.filter(|file| file.path.extension() == Some("sql")) {
        plain &= add_sql(file, &mut tables);
    }
    tables.retain(|_, table| table.location.is_some());
    if tables.is_empty() || !plain {
        result.unknown();
        return result;
    }
    let mut open: Vec<(&str, &Location)> = Vec::new();
    for (name, table) in &tables {
        match &table.location {
            Some(location) if !table.guarded => {
                result.silent_gap(1.0);
                open.push((name, location));
            }
            _ => result.covered(1.0),
        }
    }
    open.sort_by_key(|(_, location)| *location);
    let files: BTreeSet<&RepoPath> = open.iter().map(|(_, location)| &location.file).collect();
    let drivers = files.into_iter().filter_map(|file| {
        let driver = run_elsewhere(subject, check, file)?;
        Some((file, driver))
    });
    let drivers: BTreeMap<&RepoPath, &str> = drivers.collect();
    let (elsewhere, own): (Vec<_>, Vec<_>) = open
        .into_iter()
        .partition(|(_, location)| drivers.contains_key(&location.file));
    for open in [own, elsewhere] {
        let Some((_, first)) = open.first() else {
            continue;
        };
        let message = format!(
            "{} of {} tables have no row-level security: {}",
            open.len(),
            tables.len(),
            named(open.iter().map(|(name, _)| *name))
        );
        let related = open.iter().take(SHOWN).map(|(name, location)| Related {
            location: (*location).clone(),
            note: format!("{name} is created"),
        });
        let finding = |message| {
            let finding = subject.finding((*first).clone(), message);
            finding.with_related(related.collect())
        };
        result.findings.push(match drivers.get(&first.file) {
            Some(package) => finding(format!(
                "{message}: or do they lie in another database, as {package} runs what makes them?"
            ))
            .at_most(Confidence::Low),
            None => finding(message),
        });
    }
    result
}

/// Drivers of databases, whatever database it is.
const DRIVERS: [&str; 8] = [
    "@neondatabase/serverless",
    "@vercel/postgres",
    "@planetscale/database",
    "postgres",
    "pg",
    "mysql2",
    "better-sqlite3",
    "@libsql/client",
];

/// The driver with which code runs a file of SQL that does not lie where the service's own tool looks for it.
fn run_elsewhere(
    subject: &Subject<'_>,
    check: &RowSecurity,
    file: &RepoPath,
) -> Option<&'static str> {
    if file.segments().any(|folder| folder == "supabase") {
        return None;
    }
    subject.all_running().find_map(|module| {
        let takes = |package: &str| {
            let mut requests = module.requests.iter();
            requests.any(|each| !each.type_only && is_of(package, &each.specifier))
        };
        let driver = DRIVERS.into_iter().find(|driver| takes(driver))?;
        let named = module.exprs.iter().any(|expr| match expr {
            Expr::String(text) => names_file(text, file),
            _ => false,
        });
        let own = check.packages.iter().any(|package| takes(package));
        (named && !own).then_some(driver)
    })
}

/// `lib/db/schema.sql`, `./schema.sql`
fn names_file(text: &str, file: &RepoPath) -> bool {
    let text = text.trim_start_matches(['.', '/']);
    text.ends_with(".sql")
        && file
            .as_str()
            .strip_suffix(text)
            .is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}

/// The first names, and how many more.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown: Vec<&str> = names.into_iter().take(NAMED).collect();
    format!("{}{more}", shown.join(", "))
}
