//! From a path on the command line to the facts: the repository, its configuration, the rules, the model.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::model::{self, Model};
use crate::rule::{RuleProblem, RuleSet, RuleText, nearest};
use crate::source::{RepoPath, Repository, is_plain_file, read_named};

use super::args::Target;
use super::console::Console;
use super::exit::Failure;
use super::mistakes;
use super::progress::Progress;

/// The configuration's file name.
pub(super) const CONFIG_FILE: &str = "readiness.toml";

/// Rules, configuration and repository of one run.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) repository: Repository,
    pub(super) rules: RuleSet,
    pub(super) config: Config,
    /// The file that it was read from.
    config_file: Option<PathBuf>,
    /// The roadmap's name, when the command line or the configuration chooses one.
    pub(super) roadmap: Option<String>,
}

impl Workspace {
    /// Walks the repository and reads rules, configuration and roadmap.
    pub(super) fn open(
        target: &Target,
        roadmap: Option<&str>,
        console: Console,
        progress: &mut Progress,
    ) -> Result<Self, Failure> {
        let (repository, mut rules) = walk_and_read_rules(target, progress)?;
        let config_file = config_file(target);
        let config = match &config_file {
            Some(path) => read_config(path, &rules, console)?,
            None => Config::default(),
        };
        let from_config = config.roadmap.as_deref();
        let roadmap = match (roadmap, from_config) {
            (Some(word), _) => Some(choose_roadmap(word, Path::new(""), &mut rules, console)?),
            (None, Some(word)) => Some(choose_roadmap(word, &target.path, &mut rules, console)?),
            (None, None) => None,
        };
        Ok(Self {
            repository,
            rules,
            config,
            config_file,
            roadmap,
        })
    }

    /// Walks the repository with the built-in rules, and reads no configuration.
    pub(super) fn open_without_config(
        target: &Target,
        roadmap: Option<&str>,
        console: Console,
        progress: &mut Progress,
    ) -> Result<Self, Failure> {
        let (repository, mut rules) = walk_and_read_rules(target, progress)?;
        let roadmap = roadmap
            .map(|word| choose_roadmap(word, &target.path, &mut rules, console))
            .transpose()?;
        Ok(Self {
            repository,
            rules,
            config: Config::default(),
            config_file: None,
            roadmap,
        })
    }

    /// Builds the facts.
    pub(super) fn model(
        &self,
        target: &Target,
        console: Console,
        progress: &mut Progress,
    ) -> Result<Model, Failure> {
        let model =
            model::build_in_stages(&self.repository, &self.rules, &self.config, &mut |stage| {
                progress.stage(stage)
            });
        if model.apps.is_empty() {
            return Err(self.nothing_found(target, &model));
        }
        self.note_other_configurations(&model, console);
        if let (Some(path), false) = (&self.config_file, model.unknown_controls.is_empty()) {
            let text = config_text(path)?;
            let mistakes: Vec<mistakes::Mistake> = model
                .unknown_controls
                .iter()
                .map(|(span, message)| (message.clone(), Some(*span)))
                .collect();
            let name = path.display().to_string();
            return Err(mistakes::failure(&name, &text, &mistakes, console));
        }
        Ok(model)
    }
}

impl Workspace {
    fn nothing_found(&self, target: &Target, model: &Model) -> Failure {
        let files = match self.repository.files().len() {
            1 => String::from("1 file"),
            files => format!("{files} files"),
        };
        let mut text = format!(
            "nothing to audit at {}: no application found in {files}; looked for a package.json that depends on next, express \
             or hono, and for a next.config file; name the folder that holds one",
            target.path.display(),
        );
        let unread = model.not_examined.iter();
        for file in unread.filter(|file| file.path.file_name() == "package.json") {
            text.push_str(&format!("\n{}: {}", file.path, file.reason));
        }
        Failure::nothing(text)
    }

    /// A configuration beside an application further down says nothing here, which whoever wrote it may not expect.
    fn note_other_configurations(&self, model: &Model, console: Console) {
        for app in model.apps.iter().filter(|app| !app.root.is_root()) {
            let path = app.root.join(CONFIG_FILE);
            let used = self.config_file.as_ref();
            let used = used.is_some_and(|used| used.ends_with(path.as_str()));
            if self.repository.exists(&path) && !used {
                console.note(&format!(
                    "{path} is not read: the configuration is {CONFIG_FILE} in the audited folder, or what --config names"
                ));
            }
        }
    }
}

/// The repository and the built-in rules, which do not wait for each other.
fn walk_and_read_rules(
    target: &Target,
    progress: &mut Progress,
) -> Result<(Repository, RuleSet), Failure> {
    progress.stage("walk");
    let (repository, rules) = rayon::join(|| Repository::open(&target.path), builtin_rules);
    let repository = repository.map_err(|error| Failure::nothing(error.to_string()))?;
    Ok((repository, rules?))
}

/// The application that `--app` names.
pub(super) fn chosen_app(target: &Target, model: &Model) -> Result<Option<RepoPath>, Failure> {
    let Some(wanted) = &target.app else {
        return Ok(None);
    };
    let wanted = RepoPath::new(wanted);
    if model.apps.iter().any(|app| app.root == wanted) {
        return Ok(Some(wanted));
    }
    let known: Vec<&str> = model
        .apps
        .iter()
        .map(|app| {
            if app.root.is_root() {
                "."
            } else {
                app.root.as_str()
            }
        })
        .collect();
    Err(Failure::usage(format!(
        "there is no application in {wanted}; found: {}",
        known.join(", ")
    )))
}

/// The rules that the program brings along. A mistake in one of them is ours.
pub(super) fn builtin_rules() -> Result<RuleSet, Failure> {
    RuleSet::builtin().map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::internal(format!(
            "the built-in rules are broken:\n  {}",
            lines.join("\n  ")
        ))
    })
}

/// Refuses ids that no rule has.
pub(super) fn known_rules(ids: &[String], rules: &RuleSet) -> Result<(), Failure> {
    match ids.iter().find(|id| rules.rule(id).is_none()) {
        Some(id) => Err(Failure::usage(unknown_rule(id, rules))),
        None => Ok(()),
    }
}

/// What to say of an id that no rule has.
pub(super) fn unknown_rule(id: &str, rules: &RuleSet) -> String {
    match nearest(id, rules.ids()) {
        Some(near) => format!("unknown rule `{id}`, did you mean `{near}`?"),
        None => format!("unknown rule `{id}`; `readiness rules` lists them"),
    }
}

fn config_file(target: &Target) -> Option<PathBuf> {
    let implied = || {
        let path = target.path.join(CONFIG_FILE);
        is_plain_file(&path).then_some(path)
    };
    target.config.clone().or_else(implied)
}

fn read_config(path: &Path, rules: &RuleSet, console: Console) -> Result<Config, Failure> {
    let text = config_text(path)?;
    let name = path.display().to_string();
    Config::parse(&RepoPath::new(&name), &text, rules).map_err(|problems| {
        let mistakes: Vec<mistakes::Mistake> = problems
            .into_iter()
            .map(|problem| (problem.message, Some(problem.span)))
            .collect();
        mistakes::failure(&name, &text, &mistakes, console)
    })
}

fn config_text(path: &Path) -> Result<String, Failure> {
    read_named(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

/// The name of the roadmap that `word` chooses: a built-in one, or a file, which is then read into `rules`.
fn choose_roadmap(
    word: &str,
    base: &Path,
    rules: &mut RuleSet,
    console: Console,
) -> Result<String, Failure> {
    if rules.roadmap(word).is_some() {
        return Ok(word.to_owned());
    }
    let names = || rules.roadmaps.iter().map(|roadmap| roadmap.name.as_str());
    let path = base.join(word);
    let is_file = word.contains(['/', '\\']) || path.extension().is_some_and(|e| e == "toml");
    if !is_file {
        return Err(Failure::usage(match nearest(word, names()) {
            Some(near) => format!("unknown roadmap `{word}`, did you mean `{near}`?"),
            None => format!(
                "unknown roadmap `{word}`; built in: {}; or name a TOML file",
                names().collect::<Vec<_>>().join(", ")
            ),
        }));
    }
    let shown = path.display().to_string();
    let text = read_named(&path)
        .map_err(|error| Failure::usage(format!("cannot read roadmap {shown}: {error}")))?;
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let name = stem.unwrap_or_default();
    let file = format!("roadmaps/{name}.toml");
    let given = RuleText { file, text };
    *rules = RuleSet::load(std::slice::from_ref(&given)).map_err(|problems| {
        let mistakes: Vec<mistakes::Mistake> = problems
            .into_iter()
            .map(|RuleProblem { message, span, .. }| (message, span))
            .collect();
        mistakes::failure(&shown, &given.text, &mistakes, console)
    })?;
    Ok(name)
}
