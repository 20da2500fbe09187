//! All rules together.

use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rayon::prelude::*;
use serde::de::DeserializeOwned;

use crate::source::RepoPath;
use crate::syntax::{PatternSet, PatternSource};

use super::{Check, ControlFile, ControlLibrary, Mistake, Roadmap, Rule, RuleProblem, read_toml};

/// The files below `rules/`, path, text and the same as JSON, by path.
const EMBEDDED: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Configuration files that checks of a fixed kind read, whatever the rules say.
const ALWAYS_READ: [&str; 10] = [
    "**/vercel.json",
    "**/{jest.config,.nycrc,.c8rc}.json",
    "**/{.nycrc,.c8rc}",
    "**/.nycrc.{yml,yaml}",
    "**/bunfig.toml",
    "**/{codecov,.codecov}.{yml,yaml}",
    "**/nginx*.conf",
    "**/nginx/**/*.conf",
    "**/conf.d/*.conf",
    "**/Caddyfile",
];

/// Documents whose headings are read: those that a reader finds first, and those in folders for them.
const DOCUMENTS: [&str; 4] = [
    "*.md",
    "*/*.md",
    "*/*/*.md",
    "{docs,doc,documentation,runbooks,handbook,wiki,ops,.github}/**/*.md",
];

/// Documents that may tell of variables of the environment, by their names and those of their folders.
const ABOUT_SETTINGS: [&str; 4] = [
    "**/{self-host,self-hosted,self-hosting,deploy,deployment,hosting}/**/*.{md,mdx}",
    "**/*[eE][nN][vV]*.{md,mdx}",
    "**/*[vV]ariable*.{md,mdx}",
    "**/*[cC]onfigur*.{md,mdx}",
];

/// Configurations of linters that are no code.
const LINTERS: [&str; 3] = [
    "**/biome.json",
    "**/biome.jsonc",
    "**/{.eslintrc,.eslintrc.json}",
];

/// Where the shape of a database is written down.
const SCHEMAS: [&str; 2] = ["**/*.prisma", "**/*.sql"];

/// A rule or roadmap file: `security/route-auth.toml`, `roadmaps/standard.toml`, with its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleText {
    /// The path; its last folder is the category, or `roadmaps`.
    pub file: String,
    /// What it says.
    pub text: String,
}

impl RuleText {
    /// What it says as a `T`, with everything that is wrong with it. What the program brings along is read as the JSON that it
    /// was turned into when the program was built, at a quarter of the work.
    pub(super) fn read<T: DeserializeOwned>(&self) -> (Option<T>, Vec<Mistake>) {
        let brought_along = EMBEDDED.binary_search_by(|(file, ..)| (*file).cmp(&self.file));
        let embedded = brought_along.ok().map(|at| EMBEDDED[at]);
        let json = embedded.filter(|(_, text, _)| *text == self.text);
        match json.and_then(|(_, _, json)| serde_json::from_str(json).ok()) {
            Some(read) => (Some(read), Vec::new()),
            None => read_toml(&self.text),
        }
    }
}

/// Rules, roadmaps and the patterns of all of them.
#[derive(Debug)]
pub struct RuleSet {
    /// The rules, by id.
    pub rules: Vec<Rule>,
    /// The roadmaps, by name.
    pub roadmaps: Vec<Roadmap>,
    /// The compiled patterns of all rules, numbered as [`Rule::patterns`] says.
    pub patterns: Arc<PatternSet>,
    /// What libraries mean.
    pub controls: ControlLibrary,
    reads: GlobSet,
}

impl RuleSet {
    /// The rules that the program brings along.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub fn builtin() -> Result<Self, Vec<RuleProblem>> {
        Self::load(&[])
    }

    /// The program's own rules and the user's. A user's roadmap replaces one of the same name; a rule's id is taken once.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub fn load(user: &[RuleText]) -> Result<Self, Vec<RuleProblem>> {
        let embedded = EMBEDDED.iter().map(|(file, text, _)| RuleText {
            file: (*file).to_owned(),
            text: (*text).to_owned(),
        });
        let all: Vec<RuleText> = embedded.chain(user.iter().cloned()).collect();
        Self::from_texts(&all)
    }

    /// Only these rules and roadmaps.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub fn from_texts(texts: &[RuleText]) -> Result<Self, Vec<RuleProblem>> {
        let mut problems = Vec::new();
        let in_folder = |name: &'static str| texts.iter().filter(move |each| folder(each) == name);
        let mut controls = ControlLibrary::default();
        let libraries: Vec<&RuleText> = in_folder("controls").collect();
        let read = libraries
            .par_iter()
            .with_max_len(1)
            .map(|text| text.read::<ControlFile>());
        let read: Vec<_> = read.collect();
        for (text, (file, mistakes)) in libraries.into_iter().zip(read) {
            problems.extend(
                mistakes
                    .into_iter()
                    .map(|each| RuleProblem::new(text, each)),
            );
            if let Some(file) = file {
                controls.add(file);
            }
        }
        let rules: Vec<&RuleText> = texts
            .iter()
            .filter(|each| !matches!(folder(each), "controls" | "roadmaps"))
            .collect();
        let read = rules.par_iter().with_max_len(8).map(|text| {
            let mut problems = Vec::new();
            (Rule::read(text, &mut problems), problems)
        });
        let read: Vec<(Option<Rule>, Vec<RuleProblem>)> = read.collect();
        let mut checked: Vec<Rule> = Vec::new();
        for (text, (rule, mistakes)) in rules.into_iter().zip(read) {
            problems.extend(mistakes);
            let Some(rule) = rule else {
                continue;
            };
            if let Some(first) = checked.iter().find(|other| other.id == rule.id) {
                let message = format!("rule `{}` is already defined in {}", rule.id, first.file);
                problems.push(RuleProblem::at_key(text, "", message));
                continue;
            }
            checked.push(rule);
        }
        checked.sort_by(|a, b| a.id.cmp(&b.id));
        // A rule that is itself mistaken is not also reported as unknown by the roadmaps that list it.
        let mut ids: Vec<String> = texts.iter().map(stem).collect();
        ids.sort();
        let mut roadmaps: Vec<Roadmap> = Vec::new();
        for text in in_folder("roadmaps") {
            if let Some(roadmap) = Roadmap::read(text, &ids, &checked, &mut problems) {
                roadmaps.retain(|other| other.name != roadmap.name);
                roadmaps.push(roadmap);
            }
        }
        roadmaps.sort_by(|a, b| a.name.cmp(&b.name));
        let patterns = compile(&mut checked, texts, &mut problems);
        let reads = reads(&checked, &mut problems);
        if !problems.is_empty() {
            problems.sort_by(|a, b| {
                (&a.file, a.line, a.column, &a.message)
                    .cmp(&(&b.file, b.line, b.column, &b.message))
            });
            return Err(problems);
        }
        Ok(Self {
            rules: checked,
            roadmaps,
            patterns: Arc::new(patterns),
            controls,
            reads,
        })
    }

    /// The rule with this id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        let at = self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id));
        self.rules.get(at.ok()?)
    }

    /// The roadmap with this name.
    #[must_use]
    pub fn roadmap(&self, name: &str) -> Option<&Roadmap> {
        self.roadmaps.iter().find(|roadmap| roadmap.name == name)
    }

    /// The ids of all rules, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.rules.iter().map(|rule| rule.id.as_str())
    }

    /// True when some check looks into this file, which is not a module.
    #[must_use]
    pub fn reads(&self, path: &RepoPath) -> bool {
        self.reads.is_match(path.as_str())
    }
}

fn folder(text: &RuleText) -> &str {
    text.file.rsplit(['/', '\\']).nth(1).unwrap_or("")
}

fn stem(text: &RuleText) -> String {
    let name = text.file.rsplit(['/', '\\']).next().unwrap_or("");
    name.strip_suffix(".toml").unwrap_or(name).to_owned()
}

/// Compiles the patterns of all rules and numbers them.
fn compile(rules: &mut [Rule], texts: &[RuleText], problems: &mut Vec<RuleProblem>) -> PatternSet {
    let mut set = PatternSet::default();
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    for rule in rules {
        let first = number(set.len());
        for source in rule.pattern_sources() {
            if let Err(error) = set.add(&source) {
                let (PatternSource::Code(pattern) | PatternSource::Text(pattern)) = &source;
                let message = format!("this pattern cannot be used: {error}");
                if let Some(text) = texts.iter().find(|text| text.file == rule.file) {
                    let start = text.text.find(pattern.as_str());
                    let span = start.map(|start| start..start + pattern.len());
                    problems.push(RuleProblem::new(text, Mistake { message, span }));
                }
            }
        }
        rule.patterns = first..number(set.len());
    }
    set
}

/// The files that checks look into besides modules.
fn reads(rules: &[Rule], problems: &mut Vec<RuleProblem>) -> GlobSet {
    let mut globs: Vec<String> = ALWAYS_READ.map(String::from).to_vec();
    for rule in rules {
        if let Check::ConfigKey(check) = &rule.check {
            let files = check.files.iter().filter(|file| *file != "next.config");
            globs.extend(files.map(|file| format!("**/{}", file.trim_start_matches("**/"))));
        }
        if matches!(rule.check, Check::ExplicitAny(_)) {
            globs.extend(LINTERS.map(String::from));
        }
        if matches!(rule.check, Check::EnvDocumented(_)) {
            globs.extend(DOCUMENTS.map(String::from));
            globs.extend(ABOUT_SETTINGS.map(String::from));
        }
        if let Check::Dependency(check) = &rule.check {
            let files = check
                .platforms
                .iter()
                .filter_map(|each| each.split('#').next());
            globs.extend(files.map(|file| format!("**/{file}")));
        }
        if matches!(
            rule.check,
            Check::ForeignKeyIndex(_) | Check::RowSecurity(_)
        ) {
            globs.extend(SCHEMAS.map(String::from));
        }
        for signs in rule.check.signs() {
            if !signs.documents.is_empty() {
                globs.extend(DOCUMENTS.map(String::from));
            }
            if !signs.names.is_empty() {
                globs.extend(SCHEMAS.map(String::from));
            }
        }
    }
    globs.sort_unstable();
    globs.dedup();
    let mut set = GlobSetBuilder::new();
    let readable = |glob: &String| GlobBuilder::new(glob).literal_separator(true).build().ok();
    for glob in globs.iter().filter_map(readable) {
        set.add(glob);
    }
    set.build().unwrap_or_else(|error| {
        problems.push(RuleProblem {
            file: String::from("rules"),
            message: format!("the globs of all rules together cannot be compiled: {error}"),
            span: None,
            line: 1,
            column: 1,
        });
        GlobSet::empty()
    })
}

#[cfg(test)]
mod tests {
    use super::super::{ControlFile, RuleFile, read_toml};
    use super::{EMBEDDED, RuleSet, RuleText};

    #[test]
    fn what_is_brought_along_says_the_same_as_json() {
        let shown = |read: &dyn std::fmt::Debug| format!("{read:?}");
        for (file, text, json) in EMBEDDED {
            let (toml, json) = match file.split('/').next() {
                Some("roadmaps") => continue,
                Some("controls") => (
                    shown(&read_toml::<ControlFile>(text).0),
                    shown(&serde_json::from_str::<ControlFile>(json).ok()),
                ),
                _ => (
                    shown(&read_toml::<RuleFile>(text).0),
                    shown(&serde_json::from_str::<RuleFile>(json).ok()),
                ),
            };
            assert_eq!(toml, json, "{file}");
        }
    }

    fn text(file: &str, text: &str) -> RuleText {
        RuleText {
            file: file.to_owned(),
            text: text.to_owned(),
        }
    }

    const GOOD: &str = "title = 'code does x'\nseverity = 'low'\nhow = 'static'\nsince = '0.1.0'\nwhy = 'w'\nfix = 'f'\neffort_hours = 1\n";

    #[test]
    fn the_embedded_rules_have_no_mistakes() {
        let set = match RuleSet::builtin() {
            Ok(set) => set,
            Err(problems) => panic!(
                "{}",
                problems
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("\n")
            ),
        };
        assert!(set.rule("route-auth").is_some());
        assert!(set.roadmap("standard").is_some());
        assert!(set.rules.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    #[test]
    fn every_mistake_of_every_file_is_reported_at_its_line() {
        let problems = RuleSet::from_texts(&[
            text("security/Bad_Name.toml", GOOD),
            text("nowhere/a-rule.toml", &format!("{GOOD}[check.cors]\n")),
            text(
                "security/b-rule.toml",
                &format!("{GOOD}sevrity = 'high'\n[check.route-control]\ncontrol = 'auht'\ngap = ['none']\nsays = 'x'\n"),
            ),
            text(
                "security/c-rule.toml",
                &format!("{GOOD}[check.route-control]\ncontrol = 'auth'\ngap = ['nothing']\nsays = 'x'\n"),
            ),
            text("security/d-rule.toml", "title = 'Upper.'\n"),
            text(
                "security/e-rule.toml",
                &format!("{GOOD}[check.pattern]\nsays = 'x'\ntext = [\n  'fine',\n  '(unclosed',\n]\n"),
            ),
            text(
                "roadmaps/plan.toml",
                "title = 'p'\n[[phase]]\ntitle = 'a'\n[[phase.item]]\ntitle = 'i'\npriority = 'high'\nrules = ['c-rul']\n",
            ),
        ])
        .unwrap_err();
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let has = |start: &str, part: &str| {
            assert!(
                shown
                    .iter()
                    .any(|each| each.starts_with(start) && each.contains(part)),
                "{start} … {part}\nin {shown:#?}"
            );
        };
        has("security/Bad_Name.toml:1:1", "kebab-case");
        has("security/Bad_Name.toml:1:1", "[check.<kind>]");
        has("nowhere/a-rule.toml:1:1", "one of security");
        has("security/b-rule.toml:8:1", "did you mean `severity`?");
        has("security/b-rule.toml:10:11", "did you mean `auth`?");
        has("security/c-rule.toml:8:1", "auth is never `nothing`");
        has("security/d-rule.toml:1:1", "lower case");
        has("security/d-rule.toml:1:1", "full stop");
        has("security/d-rule.toml:1:1", "`why` is missing");
        has("security/e-rule.toml:12:4", "cannot be used");
        has("roadmaps/plan.toml:7:10", "did you mean `c-rule`?");
    }
}
