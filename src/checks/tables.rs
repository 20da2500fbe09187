//! Database schemas as far as checks need them: tables, what refers to other tables, and what is indexed. Prisma schemas and SQL are
//! read line by line and word by word, Drizzle's tables from the code.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Location, RepoPath, SourceFile, Span};
use crate::syntax::{Expr, ExprId, ModuleRecord, Property};

use super::code::{Call, called_name, calls, imported, key, method_call, place};

/// The first column of a foreign key stands in so few words behind its name.
const FEW_WORDS: usize = 4;

/// A table.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Where it is defined.
    pub location: Option<Location>,
    /// Columns that refer to another table, each with its place.
    pub references: BTreeMap<String, Location>,
    /// All columns of those references that have several, by the first one.
    pub several: BTreeMap<String, Vec<String>>,
    /// Columns with which an index, a key or a unique constraint begins.
    pub indexed: BTreeSet<String>,
    /// The columns of indexes, keys and constraints over several.
    pub keys: Vec<Vec<String>>,
    /// How the columns are called in the database, where the code calls them otherwise.
    pub stored: BTreeMap<String, String>,
    /// How the table is called there, likewise.
    pub stored_as: Option<String>,
    /// The columns with which named indexes begin, by name.
    pub named: BTreeMap<String, String>,
    /// What migrations do to its foreign keys, in order.
    pub changes: Vec<ForeignKeyChange>,
    /// Row-level security is switched on.
    pub guarded: bool,
}

/// `ADD CONSTRAINT … FOREIGN KEY`, `DROP CONSTRAINT`
#[derive(Debug)]
pub(super) struct ForeignKeyChange {
    /// The constraint.
    name: String,
    /// The first of its columns.
    column: String,
    /// Whether it is there from then on.
    there: bool,
    /// The migration.
    file: RepoPath,
}

impl Table {
    /// An index finds the rows that refer to one of another table: it begins with the reference's first column, or with all of
    /// its columns in any order.
    pub(super) fn finds(&self, column: &str) -> bool {
        let whole = || {
            let several = self.several.get(column)?;
            let begins = |key: &Vec<String>| {
                key.get(..several.len())
                    .is_some_and(|first| first.iter().all(|each| several.contains(each)))
            };
            Some(self.keys.iter().any(begins))
        };
        self.begins(column) || whole() == Some(true)
    }

    /// Leaves out the references that a schema still names and SQL has dropped the constraints of: nothing looks for them when a
    /// row of the other table goes. The migrations below the schema's folder say most.
    pub(super) fn leave_dropped(&mut self, changes: &[ForeignKeyChange], schema: &RepoPath) {
        let dropped = |column: &str| {
            let stored = self.stored.get(column).map_or(column, String::as_str);
            let latest = changes.iter().rev();
            let mut changes = latest.filter(|each| each.column.eq_ignore_ascii_case(stored));
            let nearest = changes
                .clone()
                .find(|change| change.file.starts_with(schema));
            nearest
                .or_else(|| changes.next())
                .is_some_and(|change| !change.there)
        };
        let gone: Vec<String> = self
            .references
            .keys()
            .filter(|column| dropped(column))
            .cloned()
            .collect();
        for column in gone {
            self.references.remove(&column);
        }
    }

    /// Remembers what an `ALTER TABLE` of the table called `table` does to foreign keys: its words, in lower case.
    fn change(&mut self, table: &str, words: &[String], file: &RepoPath) {
        for (at, _) in words
            .iter()
            .enumerate()
            .filter(|(_, word)| *word == "constraint")
        {
            let mut behind = words.iter().skip(at + 1);
            let names = |word: &&String| !matches!(word.as_str(), "if" | "not" | "exists");
            let Some(name) = behind.find(names).map(|name| bare(name)) else {
                continue;
            };
            let before = at.checked_sub(1).and_then(|at| words.get(at));
            let (column, there) = match before.map(String::as_str) {
                Some("add") => {
                    let rest: Vec<&str> = behind.take(FEW_WORDS).map(String::as_str).collect();
                    let is_key = rest.first() == Some(&"foreign");
                    let column = first_in_parentheses(&rest.join(" "));
                    (column.filter(|_| is_key), true)
                }
                Some("drop") => {
                    let mut known = self.changes.iter().rev();
                    let known = known.find(|change| change.name == name);
                    let by_name = || {
                        let column = name.strip_prefix(table)?.strip_prefix('_')?;
                        column.strip_suffix("_fkey").map(str::to_owned)
                    };
                    let column = known.map(|change| change.column.clone());
                    (column.or_else(by_name), false)
                }
                _ => continue,
            };
            self.changes.extend(column.map(|column| ForeignKeyChange {
                name,
                column,
                there,
                file: file.clone(),
            }));
        }
    }

    fn begins(&self, column: &str) -> bool {
        self.indexed.contains(column) || self.named.values().any(|each| each == column)
    }

    /// Takes over the indexes of the same table in SQL, whose columns go by their stored names.
    pub(super) fn add_indexes(&mut self, of: &Self) {
        for (column, stored) in &self.stored {
            let stored = stored.to_ascii_lowercase();
            if of.begins(&stored) {
                self.indexed.insert(column.clone());
            }
        }
    }
}

/// Tables by name.
pub(super) type Tables = BTreeMap<String, Table>;

/// The tables of a Prisma schema. The database indexes them itself when it is MySQL with foreign keys; then, and for MongoDB,
/// there is nothing to say.
pub(super) fn of_prisma(files: &[&SourceFile]) -> Option<Tables> {
    let line_with = |key: &str| {
        files
            .iter()
            .flat_map(|file| file.text.lines())
            .map(str::trim)
            .find(|line| line.split_whitespace().next() == Some(key) && line.contains('='))
    };
    let mut tables = Tables::new();
    let provider = files.iter().find_map(|file| {
        let at = file.text.find("datasource ")?;
        let block = file.text.get(at..)?.split('}').next()?;
        let line = block
            .lines()
            .find(|line| line.trim_start().starts_with("provider"))?;
        line.split('"').nth(1)
    })?;
    let by_database = !line_with("relationMode").is_some_and(|line| line.contains("prisma"));
    if provider == "mongodb" || provider == "mysql" && by_database {
        return None;
    }
    for file in files {
        let mut model: Option<String> = None;
        for (number, line) in (1_u32..).zip(file.text.lines()) {
            let line = line.split("//").next().unwrap_or_default().trim();
            let mut words = line.split_whitespace();
            match (model.clone(), words.next()) {
                (None, Some("model")) => {
                    let name = words.next().unwrap_or_default().to_owned();
                    tables.entry(name.clone()).or_default().location =
                        Some(Location::of_line(&file.path, number));
                    model = Some(name);
                }
                (Some(_), Some("}")) => model = None,
                (Some(model), Some(first)) => {
                    let table = tables.entry(model).or_default();
                    if first.starts_with("@@map(") {
                        table.stored_as = mapped(line);
                    } else if !first.starts_with('@') {
                        let stored = mapped(line).unwrap_or_else(|| first.to_owned());
                        table.stored.insert(first.to_owned(), stored);
                    }
                    if matches!(
                        first.split('(').next(),
                        Some("@@index" | "@@unique" | "@@id")
                    ) {
                        table
                            .indexed
                            .extend(first_of_list(line).or_else(|| only_field(line)));
                        table.keys.push(list(line));
                    } else if line.contains(" @id") || line.contains(" @unique") {
                        table.indexed.insert(first.to_owned());
                    } else if let Some(at) = line.find("fields:") {
                        let columns = line.get(at..).unwrap_or_default();
                        if let Some(column) = first_of_list(columns) {
                            let place = Location::of_line(&file.path, number);
                            let all = list(columns);
                            if all.len() > 1 {
                                table.several.insert(column.clone(), all);
                            }
                            table.references.insert(column, place);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    Some(tables)
}

/// `user_id` of `userId String @map("user_id")`.
fn mapped(line: &str) -> Option<String> {
    let (_, name) = line.split_once("@map(")?;
    let name = name.split('"').nth(1)?;
    Some(name.to_owned())
}

/// `a` of `…[a(sort: Desc), b]…`.
fn first_of_list(text: &str) -> Option<String> {
    let list = text.split_once('[')?.1;
    let end = list.find([',', ']', '('])?;
    let name = list.get(..end)?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// `a` and `b` of `…[a(sort: Desc), b]…`.
fn list(text: &str) -> Vec<String> {
    let inside = text.split_once('[').map_or("", |(_, rest)| rest);
    let inside = inside.split(']').next().unwrap_or_default();
    let names = inside.split(',').map(|part| {
        let name = part.split('(').next().unwrap_or_default();
        name.trim().to_owned()
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// `a` of `@@index(a)`, which needs no list.
fn only_field(text: &str) -> Option<String> {
    let inside = text.split_once('(')?.1;
    let name = inside.split([',', ')']).next()?.trim();
    (!name.is_empty() && !name.contains(':')).then(|| name.to_owned())
}

/// Adds what a text of SQL says to `tables`, whose names are without schema and quotes. False when it switches row-level security on in a way
/// that cannot be followed.
pub(super) fn add_sql(file: &SourceFile, tables: &mut Tables) -> bool {
    let text = without_comments(&file.text);
    let mut plain = true;
    let mut line = 1_u32;
    // What ClickHouse keeps has neither foreign keys nor policies.
    if text.contains("MergeTree") {
        return plain;
    }
    for statement in text.split(';') {
        let begin = statement.len() - statement.trim_start().len();
        let lines = |text: &str| u32::try_from(text.matches('\n').count()).unwrap_or(0);
        let at = Location::of_line(&file.path, line + lines(&statement[..begin]));
        add_statement(statement, &at, tables);
        let lower = statement.to_ascii_lowercase();
        if lower.contains("row level security")
            && (lower.contains("execute") || lower.contains("format("))
        {
            plain = false;
        }
        line += lines(statement);
    }
    plain
}

/// What statements hold that decide which indexes and foreign keys there are.
const OF_INDEXES: [&str; 8] = [
    "INDEX",
    "index",
    "DROP TABLE",
    "drop table",
    "FOREIGN KEY",
    "foreign key",
    "DROP CONSTRAINT",
    "drop constraint",
];

/// Adds the indexes and foreign keys that a text of SQL makes and leaves, and nothing else of it.
pub(super) fn add_sql_indexes(file: &SourceFile, tables: &mut Tables) {
    let at = Location::of_line(&file.path, 1);
    for statement in file.text.split(';') {
        let holds =
            |word: &&str| memchr::memmem::find(statement.as_bytes(), word.as_bytes()).is_some();
        if !OF_INDEXES.iter().any(holds) {
            continue;
        }
        let lines = statement.lines();
        let lines: Vec<&str> = lines
            .filter(|line| !line.trim_start().starts_with("--"))
            .collect();
        add_statement(&lines.join("\n"), &at, tables);
    }
}

/// Adds the indexes that a migration in code makes, by themselves or with a table: `` sql`CREATE INDEX by_owner ON notes (owner)` ``.
pub(super) fn add_indexes_in_code(module: &ModuleRecord, tables: &mut Tables) {
    let makes = |text: &str| {
        let is = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted);
        let mut words = text.split_whitespace();
        words.next().is_some_and(|word| is(word, "create"))
            && words
                .take(2)
                .any(|word| is(word, "index") || is(word, "table"))
    };
    let at = Location::of_line(&module.path, 1);
    for expr in &module.exprs {
        let text = match expr {
            Expr::String(text) => text,
            Expr::Template { texts, .. } | Expr::Tagged { texts, .. } => match &***texts {
                [text] => text,
                _ => continue,
            },
            _ => continue,
        };
        if makes(text) {
            let statements = text.split(';');
            statements.for_each(|statement| add_statement(statement, &at, tables));
        }
    }
}

/// The text with comments and what stands in single quotes blanked, lines kept.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (skip, blank) = if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), true)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |at| at + 2), true)
        } else if first == '\'' {
            let inner = rest.get(1..).unwrap_or_default();
            (inner.find('\'').map_or(rest.len(), |at| at + 2), true)
        } else {
            (first.len_utf8(), false)
        };
        let (taken, after) = rest.split_at(skip);
        if blank {
            out.extend(taken.chars().filter(|letter| *letter == '\n'));
            out.push(' ');
        } else {
            out.push_str(taken);
        }
        rest = after;
    }
    out
}

/// `"public"."users"` is `users`.
fn bare(name: &str) -> String {
    let name = name.trim_matches(|letter: char| matches!(letter, '"' | '`' | '(' | ')' | ','));
    let last = name.rsplit('.').next().unwrap_or(name);
    last.trim_matches(['"', '`']).to_ascii_lowercase()
}

/// The schema that a name stands in, when one is written.
fn schema(name: &str) -> Option<String> {
    let (schema, _) = name.rsplit_once('.')?;
    Some(bare(schema))
}

fn add_statement(statement: &str, at: &Location, tables: &mut Tables) {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let is = |at: usize, wanted: &str| lower.get(at).is_some_and(|word| word == wanted);
    // Words that may stand before a name.
    let name_from = |mut at: usize| {
        while lower.get(at).is_some_and(|word| {
            matches!(
                word.as_str(),
                "if" | "not" | "exists" | "only" | "concurrently"
            )
        }) {
            at += 1;
        }
        at
    };
    if is(0, "create") && is(1, "table") {
        let named = name_from(2);
        let Some(written) = words.get(named) else {
            return;
        };
        let written = written.split('(').next().unwrap_or(written);
        // Other schemas than the public one are not reached from outside.
        let public = schema(written).is_none_or(|schema| schema == "public");
        let table = tables.entry(bare(written)).or_default();
        if public {
            table.location.get_or_insert_with(|| at.clone());
        }
        if let Some((_, body)) = statement.split_once('(') {
            columns(body, at, table);
        }
    } else if is(0, "alter") && is(1, "table") {
        let named = name_from(2);
        let Some(name) = words.get(named) else {
            return;
        };
        let joined = lower.get(named + 1..).unwrap_or_default().join(" ");
        if joined.contains("enable row level security") {
            tables.entry(bare(name)).or_default().guarded = true;
        }
        if let Some(new) = joined.strip_prefix("rename to ") {
            if let Some(table) = tables.remove(&bare(name)) {
                tables.insert(bare(new), table);
            }
            return;
        }
        let name = bare(name);
        let table = tables.entry(name.clone()).or_default();
        let rest = lower.get(named + 1..).unwrap_or_default();
        table.change(&name, rest, &at.file);
        for part in joined.split(" foreign key ").skip(1) {
            if let Some(column) = first_in_parentheses(part) {
                table.references.entry(column).or_insert_with(|| at.clone());
            }
        }
        for key in [" primary key ", " unique "] {
            for part in joined.split(key).skip(1) {
                table.indexed.extend(first_in_parentheses(part));
            }
        }
        for part in joined.split("add column ").skip(1) {
            let part = part.trim_start_matches("if not exists ");
            let column = part.split_whitespace().next().map(bare);
            if let Some(column) = column.filter(|_| part.contains(" references ")) {
                table.references.entry(column).or_insert_with(|| at.clone());
            }
        }
    } else if is(0, "drop") && is(1, "table") {
        for name in words.get(name_from(2)..).unwrap_or_default() {
            tables.remove(&bare(name));
        }
    } else if is(0, "create") && lower.iter().take(4).any(|word| word == "index") {
        let joined = lower.join(" ");
        let Some((_, rest)) = joined.split_once(" on ") else {
            return;
        };
        let rest = rest.trim_start_matches("only ");
        let end = rest.find([' ', '(']).unwrap_or(rest.len());
        let table = bare(&rest[..end]);
        if let Some(column) = first_in_parentheses(rest) {
            let table = tables.entry(table).or_default();
            let on = lower.iter().position(|word| word == "on");
            let name = on.and_then(|on| words.get(on.checked_sub(1)?));
            match name.map(|name| bare(name)) {
                Some(name) if !matches!(name.as_str(), "index" | "concurrently") => {
                    table.named.insert(name, column);
                }
                _ => {
                    table.indexed.insert(column);
                }
            }
        }
    } else if is(0, "drop") && is(1, "index") {
        for name in words.get(name_from(2)..).unwrap_or_default() {
            let name = bare(name);
            for table in tables.values_mut() {
                table.named.remove(&name);
            }
        }
    }
}

/// The columns of a `CREATE TABLE`.
fn columns(body: &str, at: &Location, table: &mut Table) {
    let mut depth = 0_i32;
    let mut parts: Vec<String> = vec![String::new()];
    let mut line = 0_u32;
    let mut lines = vec![0_u32];
    for letter in body.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\n' => line += 1,
            _ => {}
        }
        if depth < 0 {
            break;
        }
        if letter == ',' && depth == 0 {
            parts.push(String::new());
            lines.push(line);
        } else if let Some(part) = parts.last_mut() {
            if part.trim().is_empty() && !letter.is_whitespace() {
                lines.pop();
                lines.push(line);
            }
            part.push(letter);
        }
    }
    for (part, line) in parts.iter().zip(lines) {
        let text = part.to_ascii_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let place = Location::of_line(&at.file, at.line + line);
        let joined = format!(" {} ", words.join(" "));
        let constraint = [
            "constraint",
            "primary",
            "foreign",
            "unique",
            "check",
            "exclude",
        ];
        let first = words.first().copied().unwrap_or_default();
        let first = first.split('(').next().unwrap_or(first);
        if constraint.contains(&first) {
            let list = first_in_parentheses(&joined);
            if joined.contains(" foreign key") {
                table.references.extend(list.map(|column| (column, place)));
            } else if joined.contains(" primary key") || joined.contains(" unique") {
                table.indexed.extend(list);
            }
            continue;
        }
        let column = bare(first);
        if joined.contains(" primary key ") || joined.contains(" unique ") {
            table.indexed.insert(column.clone());
        }
        if joined.contains(" references ") {
            table.references.insert(column, place);
        }
    }
}

fn first_in_parentheses(text: &str) -> Option<String> {
    let list = text.split_once('(')?.1;
    let end = list.find([',', ')', ' '])?;
    let name = bare(list.get(..end)?);
    (!name.is_empty()).then_some(name)
}

/// Adds the tables that a module makes with Drizzle; `makers` are packages and exports of them.
pub(super) fn add_drizzle(module: &ModuleRecord, makers: &[(&str, &str)], tables: &mut Tables) {
    let of_maker =
        |callee: ExprId| imported(module, callee).is_some_and(|made| makers.contains(&made));
    let made_here = module.imports.iter().any(|import| {
        let mut packages = makers.iter().map(|(package, _)| package);
        packages.any(|package| **package == *import.specifier)
    });
    if !made_here {
        return;
    }
    let all: Vec<(Span, Call<'_>)> = calls(module)
        .map(|call| (module.span(call.expr), call))
        .collect();
    for (_, call) in all.iter().filter(|(_, call)| of_maker(call.callee)) {
        let mut args = call.args.iter().map(|arg| arg.value);
        let (Some(name), Some(columns)) = (args.next(), args.next()) else {
            continue;
        };
        let Expr::Object(properties) = module.expr(columns) else {
            continue;
        };
        let Expr::String(name) = module.expr(name) else {
            continue;
        };
        let table = tables.entry(name.to_string()).or_default();
        table.location = Some(place(module, call.expr));
        for property in properties {
            let Property::Value { key: name, value } = property else {
                continue;
            };
            let Some(name) = key(module, name) else {
                continue;
            };
            let stored = stored_name(module, *value).unwrap_or(name);
            table.stored.insert(name.to_owned(), stored.to_owned());
            let chain = chain(module, *value);
            if chain.contains(&"references") {
                table
                    .references
                    .insert(name.to_owned(), place(module, *value));
            }
            if chain.contains(&"unique") || chain.contains(&"primaryKey") {
                table.indexed.insert(name.to_owned());
            }
        }
        // The indexes are made in the third argument; what it holds lies within its span.
        let Some(extra) = args.next() else {
            continue;
        };
        let around = module.span(extra);
        let around = match module.expr(extra) {
            Expr::Function(function) => module.function(*function).span,
            _ => around,
        };
        for (span, inner) in &all {
            if span.start < around.start || span.end > around.end {
                continue;
            }
            let method = called_name(module, inner.callee);
            let first = match method {
                Some("on" | "onOnly" | "using") => {
                    let all = inner
                        .args
                        .iter()
                        .filter_map(|arg| column(module, arg.value));
                    let all: Vec<&str> = all.collect();
                    table
                        .keys
                        .push(all.iter().map(|name| (*name).to_owned()).collect());
                    all.first().copied()
                }
                Some("primaryKey" | "unique") => inner.args.first().and_then(|arg| {
                    let columns = super::code::property(module, arg.value, "columns")?;
                    match module.expr(columns) {
                        Expr::Array(items) => {
                            let all = items.iter().filter_map(|item| column(module, item.value));
                            table.keys.push(all.map(str::to_owned).collect());
                            column(module, items.first()?.value)
                        }
                        _ => None,
                    }
                }),
                Some("foreignKey") => {
                    let columns = inner
                        .args
                        .first()
                        .and_then(|arg| super::code::property(module, arg.value, "columns"));
                    if let Some(Expr::Array(items)) = columns.map(|columns| module.expr(columns))
                        && let Some(name) =
                            items.first().and_then(|item| column(module, item.value))
                    {
                        let at = place(module, inner.expr);
                        let all = items.iter().filter_map(|item| column(module, item.value));
                        let all: Vec<String> = all.map(str::to_owned).collect();
                        if all.len() > 1 {
                            table.several.insert(name.to_owned(), all);
                        }
                        table.references.entry(name.to_owned()).or_insert(at);
                    }
                    None
                }
                _ => None,
            };
            table.indexed.extend(first.map(str::to_owned));
        }
    }
}

/// `userId` of `table.userId` and of `table.userId.asc()`.
fn column(module: &ModuleRecord, expr: ExprId) -> Option<&str> {
    match module.expr(expr) {
        Expr::Member {
            object, property, ..
        } => match module.expr(*object) {
            Expr::Name(_) => Some(module.name(*property)),
            _ => column(module, *object),
        },
        Expr::Call { callee, .. } => column(module, *callee),
        _ => None,
    }
}

/// `user_id` of `uuid("user_id").notNull()`.
fn stored_name(module: &ModuleRecord, expr: ExprId) -> Option<&str> {
    let mut at = expr;
    while let Expr::Call { callee, args, .. } = module.expr(at) {
        match module.expr(*callee) {
            Expr::Member { object, .. } => at = *object,
            _ => {
                return match module.expr(args.first()?.value) {
                    Expr::String(name) => Some(name),
                    _ => None,
                };
            }
        }
    }
    None
}

/// The methods of a chain of calls: `uuid().notNull().references(…)`.
fn chain(module: &ModuleRecord, expr: ExprId) -> Vec<&str> {
    let mut methods = Vec::new();
    let mut at = expr;
    // A chain is as long as somebody wrote it.
    while let Some(call) = method_call(module, at) {
        methods.push(call.method);
        at = call.object;
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(text: &str) -> Tables {
        let file = SourceFile::new(RepoPath::new("a.sql"), text);
        let mut tables = Tables::new();
        add_sql(&file, &mut tables);
        tables
    }

    #[test]
    fn tables_of_sql() {
        let tables = sql(
            "-- create table no\ncreate table if not exists public.\"Posts\" (\n  id uuid primary key,\n  author_id uuid not null references users (id),\n  kind text default 'a, b; c',\n  tag_id int,\n  foreign key (tag_id) references tags (id)\n);\nCREATE INDEX CONCURRENTLY i ON posts USING btree (author_id, id);\nalter table posts enable row level security;\ncreate table auth.x (id int);\ncreate table gone (id int); drop table gone;",
        );
        let posts = &tables["posts"];
        assert_eq!(posts.location.as_ref().map(|at| at.line), Some(2));
        let references: Vec<(&str, u32)> = posts
            .references
            .iter()
            .map(|(name, at)| (name.as_str(), at.line))
            .collect();
        assert_eq!(references, [("author_id", 4), ("tag_id", 7)]);
        assert!(posts.finds("author_id") && posts.finds("id"));
        assert!(!posts.finds("tag_id"));
        let dropped = sql(
            "create table a (b int references c (d)); create index \"by_b\" on a (b); drop index if exists public.by_b;",
        );
        assert!(!dropped["a"].finds("b"));
        assert!(posts.guarded);
        assert!(tables["x"].location.is_none());
        assert!(!tables.contains_key("gone"));
    }

    #[test]
    fn tables_of_prisma() {
        let text = "datasource db {\n  provider = \"postgresql\"\n}\nmodel Post {\n  id Int @id\n  authorId Int\n  author User @relation(fields: [authorId], references: [id])\n  tagId Int\n  tag Tag @relation(fields: [tagId], references: [id])\n  @@index([tagId(sort: Desc), id])\n  @@index(kind)\n}\n";
        let file = SourceFile::new(RepoPath::new("schema.prisma"), text);
        let tables = of_prisma(&[&file]).unwrap();
        let post = &tables["Post"];
        assert_eq!(post.references.len(), 2);
        assert_eq!(post.references["authorId"].line, 7);
        assert!(post.indexed.contains("tagId") && post.indexed.contains("kind"));
        assert!(!post.indexed.contains("authorId"));
        let mysql = text.replace("postgresql", "mysql");
        assert!(of_prisma(&[&SourceFile::new(RepoPath::new("s.prisma"), &mysql)]).is_none());
    }

    #[test]
    fn references_of_several_columns() {
        let text = "datasource db {\n  provider = \"postgresql\"\n}\nmodel Note {\n  id String\n  projectId String\n  talkId String\n  talk Talk @relation(fields: [talkId, projectId], references: [id, projectId])\n  fileId String\n  file File @relation(fields: [fileId, projectId], references: [id, projectId])\n  @@id([projectId, talkId, id])\n}\n";
        let file = SourceFile::new(RepoPath::new("schema.prisma"), text);
        let tables = of_prisma(&[&file]).unwrap();
        assert!(tables["Note"].finds("talkId"));
        assert!(!tables["Note"].finds("fileId"));
    }

    #[test]
    fn foreign_keys_that_are_dropped() {
        let mut tables = sql(
            "create table a (b int, d int, constraint a_d_fkey foreign key (d) references c (e)); alter table a add constraint \"by_b\" foreign key (\"b\", d) references c (e, f); alter table a drop constraint if exists by_b, drop constraint a_d_fkey, add constraint a_d_fkey foreign key (d) references c (e);",
        );
        let mut table = tables.remove("a").unwrap();
        let changes = std::mem::take(&mut table.changes);
        table.leave_dropped(&changes, &RepoPath::new(""));
        let left: Vec<&str> = table.references.keys().map(String::as_str).collect();
        assert_eq!(left, ["d"]);
    }

    #[test]
    fn odd_sql_is_survived() {
        for text in [
            "",
            "'",
            "/*",
            "create table",
            "create table (",
            "alter table",
            "create index on",
            "drop table",
            "create table a (b('",
        ] {
            sql(text);
        }
    }
}
