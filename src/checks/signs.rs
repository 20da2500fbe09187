//! Signs that an application, or its repository, has something: packages, files, commands, names, documents.
//!
//! What several rules look through is gathered once, when it is first asked for.

use std::collections::BTreeSet;

use memchr::memmem::Finder;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::config::RoutePattern;
use crate::model::{Model, RouteFacts};
use crate::project::Package;
use crate::rule::{Signs, wildcard};
use crate::source::RepoPath;
use crate::syntax::{Expr, ExprId, Key, ModuleRecord, Property};

use super::code::{called_name, package_of};
use super::dependency::{calls_of, of_package};
use super::pipeline::{Lines, lines, runs_command};
use super::subject::Subject;

/// Longer literals are prose.
const LONGEST_TEXT: usize = 160;

/// So many words make room for themselves at once: to grow into it would hash each of them over and over.
const MANY: usize = 4096;

/// Words, each with the first file in which it stands.
pub(super) type Words = FxHashMap<Box<str>, RepoPath>;

/// Where signs are looked for.
pub(super) struct Ground<'s, 'm> {
    /// The application.
    pub subject: &'s Subject<'m>,
    /// In the whole repository.
    pub whole: bool,
}

/// True when one of the signs is there. What is looked for in the whole repository is looked for once.
pub(super) fn found(ground: &Ground<'_, '_>, signs: &Signs) -> bool {
    if !ground.whole {
        return look(ground, signs);
    }
    // The rules of a run stay where they are, so their addresses name them.
    let key = std::ptr::from_ref(signs).addr();
    let answers = &ground.subject.shared().answers;
    let known = answers
        .lock()
        .map_or(None, |known| known.get(&key).copied());
    known.unwrap_or_else(|| {
        let answer = look(ground, signs);
        if let Ok(mut known) = answers.lock() {
            known.insert(key, answer);
        }
        answer
    })
}

/// Looks for the signs, the cheapest first.
fn look(ground: &Ground<'_, '_>, signs: &Signs) -> bool {
    ground.installed(signs.installed.iter()).is_some()
        || ground.uses(&signs.uses)
        || ground.imports(&signs.imports)
        || ground.exports(&signs.exports)
        || ground.keys(&signs.keys)
        || ground.scripts(&signs.scripts)
        || ground.route(&signs.routes).is_some()
        || ground.file(&signs.files).is_some()
        || ground.steps(&signs.steps)
        || ground.document(&signs.documents).is_some()
        || fits(&signs.names, || ground.names())
        || fits(&signs.fields, || ground.fields())
        || fits(&signs.texts, || ground.texts())
}

impl<'m> Ground<'_, 'm> {
    /// The manifests that speak for this ground.
    pub(super) fn packages(&self) -> impl Iterator<Item = &'m Package> {
        let root = self.subject.project.root.clone();
        let whole = self.whole;
        let packages = self.subject.model.project.packages.iter();
        packages.filter(move |package| whole || root.starts_with(&package.folder()))
    }

    /// A package of these that a manifest lists. Those of which a call is wanted do not count.
    pub(super) fn installed<'p>(
        &self,
        patterns: impl Iterator<Item = &'p String>,
    ) -> Option<&'m str> {
        // `next/dynamic` and `react#lazy` are parts of packages that everybody has.
        let whole = |pattern: &&String| {
            !pattern.contains('#') && package_of(pattern) == Some(pattern.as_str())
        };
        let patterns: Vec<&String> = patterns.filter(whole).collect();
        if patterns.is_empty() {
            return None;
        }
        let wanted = |name: &str| patterns.iter().any(|pattern| wildcard(pattern, name));
        let names = self.packages().flat_map(|package| {
            package
                .dependencies
                .keys()
                .chain(package.dev_dependencies.keys())
        });
        names.map(String::as_str).filter(|name| wanted(name)).min()
    }

    /// The modules that run on this ground.
    pub(super) fn running(&self) -> Box<dyn Iterator<Item = &'m ModuleRecord> + '_> {
        if self.whole {
            Box::new(self.subject.all_running())
        } else {
            Box::new(self.subject.running())
        }
    }

    /// What these take from packages at run time, as written, each once.
    pub(super) fn specifiers(&self) -> &'m BTreeSet<Box<str>> {
        if self.whole {
            let all = &self.subject.shared().specifiers;
            all.get_or_init(|| specifiers(self.running()))
        } else {
            self.subject.specifiers()
        }
    }

    /// Code that runs uses one of these.
    pub(super) fn uses(&self, patterns: &[String]) -> bool {
        if patterns.is_empty() {
            return false;
        }
        let specifiers = self.specifiers();
        patterns.iter().any(|pattern| {
            let (package, call) = match pattern.split_once('#') {
                Some((package, call)) => (package, Some(call)),
                None => (pattern.as_str(), None),
            };
            of_package(package, specifiers).next().is_some()
                && call
                    .is_none_or(|call| self.running().any(|module| calls_of(module, package, call)))
        })
    }

    fn imports(&self, patterns: &[String]) -> bool {
        if patterns.is_empty() {
            return false;
        }
        let all = self.subject.all_imports();
        patterns
            .iter()
            .any(|pattern| of_package(pattern, all).next().is_some())
    }

    fn exports(&self, entries: &[String]) -> bool {
        entries.iter().any(|entry| {
            let (stem, name) = entry.split_once('#').unwrap_or((entry, "default"));
            self.running().any(|module| {
                module.path.stem() == stem
                    && module.exports.iter().any(|export| &*export.name == name)
            })
        })
    }

    /// A configuration module near the application, or anywhere in the repository, names the key.
    pub(super) fn keys(&self, entries: &[String]) -> bool {
        let root = &self.subject.project.root;
        !entries.is_empty()
            && self.subject.model.graph.modules().any(|(_, module)| {
                let near = || {
                    let folder = module.path.parent();
                    self.whole || folder.is_some_and(|folder| root.starts_with(&folder))
                };
                entries.iter().any(|entry| {
                    let (stem, name) = entry.split_once('#').unwrap_or((entry, ""));
                    let names = || match name {
                        "*" => module.requests.iter().any(|request| !request.type_only),
                        _ => module.find_name(name).is_some(),
                    };
                    wildcard(stem, module.path.stem()) && near() && names()
                })
            })
    }

    fn scripts(&self, commands: &[String]) -> bool {
        !commands.is_empty()
            && self
                .packages()
                .flat_map(|package| package.scripts.values())
                .any(|line| runs_command(commands, line))
    }

    fn steps(&self, commands: &[String]) -> bool {
        if commands.is_empty() {
            return false;
        }
        let subject = self.subject;
        let lines = subject.shared().lines.get_or_init(|| {
            let workflows: Vec<_> = subject.model.project.files.workflows.iter().collect();
            Lines::new(lines(subject, &workflows))
        });
        lines.run(commands)
    }

    /// A handler at one of the URLs.
    pub(super) fn route(&self, urls: &[String]) -> Option<&'m RouteFacts> {
        if urls.is_empty() {
            return None;
        }
        let patterns: Vec<RoutePattern> = urls
            .iter()
            .filter_map(|url| RoutePattern::parse(url).ok())
            .collect();
        let (whole, own) = (self.whole, self.subject.app);
        let apps = self.subject.model.apps.iter();
        let apps = apps.filter(|app| whole || app.root == own.root);
        apps.flat_map(|app| &app.routes).find(|route| {
            let method = route.route.http_method();
            let url = route.route.url.as_deref().map(str::to_lowercase);
            url.is_some_and(|url| patterns.iter().any(|each| each.matches(method, Some(&url))))
        })
    }

    /// A file that fits one of the patterns.
    pub(super) fn file(&self, patterns: &[String]) -> Option<&'m RepoPath> {
        let model = self.subject.model;
        let root = &self.subject.project.root;
        let at = if root.is_root() {
            0
        } else {
            root.as_str().len() + 1
        };
        // `*/tests/*` is a folder of that name at any depth, the first included; `docs/*` is the one that stands there.
        let fits = |pattern: &str, path: &str| match path.strip_prefix('/') {
            Some(bare) if !pattern.starts_with(['*', '/']) => wildcard(pattern, bare),
            _ => wildcard(pattern, path),
        };
        // What lies right in a folder above the application speaks for it, too.
        let above = |path: &RepoPath| {
            let folder = path.as_str().len() - path.file_name().len();
            let folder = path.as_str().get(..folder).unwrap_or_default();
            root.as_str().starts_with(folder.trim_end_matches('/'))
        };
        let paths = self.subject.lower_paths();
        patterns.iter().find_map(|pattern| {
            let part = pattern.split('*').max_by_key(|part| part.len());
            let mut holding = paths.holding(part.unwrap_or_default());
            holding.find_map(|(index, lower)| {
                let path = model.paths.get(index)?;
                let own = path.starts_with(root);
                if !(self.whole || own || above(path)) {
                    return None;
                }
                let fitting = if pattern.contains('/') {
                    fits(pattern, lower)
                        || own && lower.get(at..).is_some_and(|inside| fits(pattern, inside))
                } else {
                    let name = lower.rsplit('/').next().unwrap_or(lower);
                    wildcard(pattern, name)
                };
                fitting.then_some(path)
            })
        })
    }

    /// A document about one of the phrases, and the line that says so.
    pub(super) fn document(&self, phrases: &[String]) -> Option<(&'m RepoPath, u32)> {
        if phrases.is_empty() {
            return None;
        }
        let shared = self.subject.shared();
        let titles = shared.titles.get_or_init(|| titles(self.subject.model));
        let phrases: Vec<Finder<'_>> = phrases.iter().map(Finder::new).collect();
        let about = |title: &&Title| phrases.iter().any(|each| speaks_of(&title.words, each));
        let title = titles.iter().find(about)?;
        Some((&title.path, title.line))
    }

    /// The columns of database schemas and the fields that queries name.
    pub(super) fn fields(&self) -> &'m Words {
        let all = &self.subject.shared().fields;
        all.get_or_init(|| fields(self.subject.model, self.subject.all_running()))
    }

    /// The identifiers on this ground.
    pub(super) fn names(&self) -> &'m Words {
        if self.whole {
            let all = &self.subject.shared().names;
            all.get_or_init(|| names(self.subject.model, self.running()))
        } else {
            self.subject.names()
        }
    }

    /// The short literals on this ground.
    pub(super) fn texts(&self) -> &'m Words {
        if self.whole {
            let all = &self.subject.shared().texts;
            all.get_or_init(|| texts(self.running()))
        } else {
            self.subject.texts()
        }
    }
}

fn fits<'a>(patterns: &[String], all: impl FnOnce() -> &'a Words) -> bool {
    if patterns.is_empty() {
        return false;
    }
    let all = all();
    patterns.iter().any(|pattern| {
        if pattern.contains('*') {
            all.keys().any(|text| wildcard(pattern, text))
        } else {
            all.contains_key(pattern.as_str())
        }
    })
}

/// What modules take from packages at run time, as written, each once.
pub(super) fn specifiers<'a>(
    modules: impl Iterator<Item = &'a ModuleRecord>,
) -> BTreeSet<Box<str>> {
    let requests = modules.flat_map(|module| &module.requests);
    let requests = requests.filter(|request| !request.type_only);
    of_packages(requests.map(|request| &*request.specifier))
}

/// Those that name packages, each once.
fn of_packages<'a>(specifiers: impl Iterator<Item = &'a str>) -> BTreeSet<Box<str>> {
    let specifiers: FxHashSet<&str> = specifiers.collect();
    let specifiers = specifiers.into_iter();
    let specifiers = specifiers.filter(|specifier| package_of(specifier).is_some());
    specifiers.map(Box::from).collect()
}

/// What any module takes from packages, as written.
pub(super) fn imports(model: &Model) -> BTreeSet<Box<str>> {
    let modules = model.graph.modules();
    let requests = modules.flat_map(|(_, module)| &module.requests);
    of_packages(requests.map(|request| &*request.specifier))
}

/// The paths of a repository in lower case, `/apps/web/readme.md`, as one text that can be searched at once.
#[derive(Debug)]
pub(super) struct LowerPaths {
    text: String,
    /// Where each begins in the text.
    starts: Vec<usize>,
}

impl LowerPaths {
    /// Parallel to [`Model::paths`].
    pub(super) fn of(model: &Model) -> Self {
        let mut text = String::new();
        let mut starts = Vec::with_capacity(model.paths.len());
        for path in &model.paths {
            starts.push(text.len());
            text.push('/');
            text.push_str(path.as_str());
            text.push('\n');
        }
        text.make_ascii_lowercase();
        Self { text, starts }
    }

    /// Those that hold a text, with their numbers, in order.
    fn holding<'p>(&'p self, part: &'p str) -> impl Iterator<Item = (usize, &'p str)> {
        let finder = Finder::new(part);
        let mut from = 0;
        std::iter::from_fn(move || {
            let rest = self.text.as_bytes().get(from..)?;
            let found = from + finder.find(rest)?;
            let next = self.starts.partition_point(|start| *start <= found);
            let index = next.checked_sub(1)?;
            let end = self.starts.get(next).copied().unwrap_or(self.text.len());
            from = end;
            let path = self
                .text
                .get(*self.starts.get(index)?..end.checked_sub(1)?)?;
            Some((index, path))
        })
    }
}

/// The name of a document or one of its headings.
#[derive(Debug)]
pub(super) struct Title {
    /// Lower-case words between single spaces.
    words: String,
    path: RepoPath,
    line: u32,
}

/// The names of documents, then their headings.
fn titles(model: &Model) -> Vec<Title> {
    let is_document = |path: &&RepoPath| {
        matches!(path.extension(), Some("md" | "mdx")) && !is_plan(&words(path.file_name()))
    };
    let title = |text: &str, path: &RepoPath, line: u32| Title {
        words: words(text),
        path: path.clone(),
        line,
    };
    let names = model.paths.iter().filter(is_document);
    let mut titles: Vec<Title> = names.map(|path| title(path.as_str(), path, 1)).collect();
    for file in model
        .documents
        .iter()
        // Headings of pages of a site are about what it is a site of.
        .filter(|file| is_document(&&file.path) && file.path.extension() == Some("md"))
    {
        let mut fenced = false;
        for (line, text) in (1..).zip(file.text.lines()) {
            if text.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if let Some(heading) = text.strip_prefix('#').filter(|_| !fenced) {
                titles.push(title(heading.trim_start_matches('#'), &file.path, line));
            }
        }
    }
    titles
}

/// Words in the names of documents that say what is to be done, and show that it is not done yet.
const PLANS: [&str; 9] = [
    " readiness ",
    " production ready ",
    " roadmap ",
    " todo ",
    " backlog ",
    " implementation plan ",
    " action plan ",
    " prd ",
    " changelog ",
];

/// The document speaks of the future, or of the past.
fn is_plan(name: &str) -> bool {
    PLANS.iter().any(|plan| name.contains(plan))
}

/// ` on call rota ` of `On-Call_Rota`.
fn words(text: &str) -> String {
    let mut words = String::from(" ");
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            words.push(letter.to_ascii_lowercase());
        } else if letter.is_alphanumeric() {
            words.extend(letter.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    words
}

/// A title holds the words of a phrase, of which the last may stand in the plural.
fn speaks_of(title: &str, phrase: &Finder<'_>) -> bool {
    phrase.find_iter(title.as_bytes()).any(|at| {
        let before = title.get(..at).unwrap_or_default();
        let behind = title.get(at + phrase.needle().len()..);
        let behind = behind.unwrap_or_default();
        let behind = behind.strip_prefix('s').unwrap_or(behind);
        before.ends_with(' ') && (behind.is_empty() || behind.starts_with(' '))
    })
}

/// Code for people at a terminal, which shows nothing of what the application does.
fn is_script(record: &ModuleRecord) -> bool {
    record.path.is_script() || record.path.folders().any(|folder| folder == "examples")
}

/// Methods and functions that name the columns of a table.
const NAMES_FIELDS: [&str; 29] = [
    "where",
    "eq",
    "neq",
    "is",
    "isNull",
    "isNotNull",
    "whereNull",
    "not",
    "update",
    "updateMany",
    "updateOne",
    "set",
    "find",
    "findOne",
    "findMany",
    "findFirst",
    "findUnique",
    "count",
    "filter",
    "orderBy",
    "select",
    "Schema",
    "pgTable",
    "mysqlTable",
    "sqliteTable",
    "addColumn",
    "defineTable",
    "define",
    "Column",
];

/// The columns of database schemas and the fields that queries name, without `_` and in lower case.
pub(super) fn fields<'a>(model: &Model, modules: impl Iterator<Item = &'a ModuleRecord>) -> Words {
    let mut all = names(model, std::iter::empty());
    let mut add = |text: &str, path: &RepoPath| {
        if text.len() > LONGEST_TEXT * 8 {
            return;
        }
        let identifier = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
        for word in text.split(identifier).filter(|word| !word.is_empty()) {
            let plain = word.replace('_', "").to_ascii_lowercase();
            all.entry(plain.into_boxed_str())
                .or_insert_with(|| path.clone());
        }
    };
    for module in modules {
        let path = &module.path;
        let mut open: Vec<ExprId> = Vec::new();
        for expr in &module.exprs {
            match expr {
                Expr::Call { callee, args, .. } | Expr::New { callee, args } => {
                    let called = called_name(module, *callee);
                    if called.is_some_and(|name| NAMES_FIELDS.contains(&name)) {
                        open.extend(args.iter().map(|argument| argument.value));
                    }
                }
                // sql`… where deleted_at is null`
                Expr::Tagged { texts, .. } => texts.iter().for_each(|text| add(text, path)),
                _ => {}
            }
        }
        while let Some(id) = open.pop() {
            let expr = module.expr(id);
            match expr {
                Expr::String(text) => add(text, path),
                Expr::Member { property, .. } => add(module.name(*property), path),
                Expr::Object(properties) => {
                    for property in properties {
                        if let Property::Value {
                            key: Key::Name(name),
                            ..
                        } = property
                        {
                            add(module.name(*name), path);
                        }
                    }
                }
                _ => {}
            }
            expr.for_each_child(&mut |child| open.push(child));
        }
    }
    all
}

/// The identifiers of modules and of database schemas, without `_` and in lower case.
pub(super) fn names<'a>(model: &Model, modules: impl Iterator<Item = &'a ModuleRecord>) -> Words {
    let mut all = Words::with_capacity_and_hasher(MANY, FxBuildHasher);
    let mut plain = String::new();
    let mut add = |name: &str, path: &RepoPath| {
        plain.clear();
        plain.push_str(name);
        if name.bytes().any(|letter| matches!(letter, b'_' | b'$')) {
            plain.retain(|letter| !matches!(letter, '_' | '$'));
        }
        plain.make_ascii_lowercase();
        if !all.contains_key(plain.as_str()) {
            all.insert(plain.as_str().into(), path.clone());
        }
    };
    // Most names stand in many modules.
    let mut seen: FxHashSet<&str> = FxHashSet::with_capacity_and_hasher(MANY, FxBuildHasher);
    for module in modules.filter(|module| !is_script(module)) {
        for name in module.names.iter().filter(|name| seen.insert(name)) {
            add(name, &module.path);
        }
    }
    for file in &model.documents {
        if matches!(file.path.extension(), Some("prisma" | "sql")) {
            let identifier = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
            for word in file.text.split(identifier).filter(|word| !word.is_empty()) {
                add(word, &file.path);
            }
        }
    }
    all
}

/// The short text literals of modules, in lower case.
pub(super) fn texts<'a>(modules: impl Iterator<Item = &'a ModuleRecord>) -> Words {
    let mut all = Words::default();
    for module in modules.filter(|module| !is_script(module)) {
        for text in &module.facts.links {
            if text.len() <= LONGEST_TEXT && !all.contains_key(text) {
                all.entry(text.to_ascii_lowercase().into_boxed_str())
                    .or_insert_with(|| module.path.clone());
            }
        }
        for expr in &module.exprs {
            let text = match expr {
                Expr::String(text) => &**text,
                // Code that is loaded when it is needed.
                Expr::Import(_) => "import()",
                Expr::Template { texts, .. } => match texts.last() {
                    Some(text) => text,
                    None => continue,
                },
                _ => continue,
            };
            if !text.is_empty() && text.len() <= LONGEST_TEXT && !all.contains_key(text) {
                all.entry(text.to_ascii_lowercase().into_boxed_str())
                    .or_insert_with(|| module.path.clone());
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use memchr::memmem::Finder;

    use super::{is_plan, speaks_of, words};

    #[test]
    fn words_of_a_heading() {
        assert_eq!(words("On-Call_Rota"), " on call rota");
        assert_eq!(words(" Disaster recovery (RTO)"), " disaster recovery rto ");
        assert!(speaks_of(&words("Our SLOs"), &Finder::new("slo")));
        assert!(!speaks_of(&words("Slow Tests"), &Finder::new("slo")));
        assert!(is_plan(&words("PRODUCTION_READINESS_PLAN.md")));
        assert!(!is_plan(&words("rollback-plan.md")));
    }
}
