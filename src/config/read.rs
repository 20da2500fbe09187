//! From the file as written to what the audit uses, with every mistake and its place.

use std::collections::BTreeMap;
use std::fmt;

use globset::{Glob, GlobMatcher};
use toml::Spanned;

use crate::rule::{Control, Mistake, RuleSet, Severity, nearest, read_toml};
use crate::source::{LineIndex, Location, RepoPath, Span};

use super::file::{ConfigFile, ControlsFile, FailOnWord, IgnoreFile};
use super::{Date, RoutePattern};

/// What the team says. The default is what holds without a file.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// When the audit fails.
    pub gate: Gate,
    /// A roadmap's name or a roadmap file's path.
    pub roadmap: Option<String>,
    /// Public and ignored routes.
    pub routes: Routes,
    /// Rules by id.
    pub rules: BTreeMap<String, RuleSettings>,
    /// Accepted findings.
    pub ignores: Vec<Ignore>,
    /// What somebody vouches for, by rule id.
    pub attest: BTreeMap<String, Attestation>,
    /// Result files.
    pub measure: Measure,
    /// Controls of the team's own.
    pub controls: Vec<NamedControl>,
}

/// When the audit fails.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Gate {
    /// The mildest finding that fails it.
    pub fail_on: FailOn,
    /// The lowest score that passes, 0–100.
    pub min_score: Option<f64>,
    /// Findings of low confidence fail it, too.
    pub low_confidence: bool,
}

/// The mildest finding that fails the audit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailOn {
    /// A finding that is at least this bad.
    Severity(Severity),
    /// None does.
    Never,
}

impl Default for FailOn {
    fn default() -> Self {
        Self::Severity(Severity::High)
    }
}

/// What is known of routes.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Routes that anybody may call.
    pub public: Vec<PublicRoute>,
    /// Routes that are left out of the audit.
    pub ignore: Vec<RoutePattern>,
}

/// A route that anybody may call.
#[derive(Clone, Debug)]
pub struct PublicRoute {
    /// Which.
    pub pattern: RoutePattern,
    /// Why, when the team says so.
    pub reason: Option<String>,
    /// Where it is written.
    pub location: Location,
}

impl Routes {
    /// The entry that declares this handler public. `method` is an action's name when there is no URL.
    #[must_use]
    pub fn public(&self, method: &str, url: Option<&str>) -> Option<&PublicRoute> {
        self.public
            .iter()
            .find(|each| each.pattern.matches(method, url))
    }

    /// True when the handler is left out of the audit.
    #[must_use]
    pub fn ignored(&self, method: &str, url: Option<&str>) -> bool {
        self.ignore.iter().any(|each| each.matches(method, url))
    }
}

/// What the team changes about a rule.
#[derive(Clone, Debug, Default)]
pub struct RuleSettings {
    /// `false`: its findings are suppressed.
    pub enabled: Option<bool>,
    /// How bad its findings are.
    pub severity: Option<Severity>,
    /// Keys of its check, replaced.
    pub options: toml::Table,
}

/// Findings that the team accepts.
#[derive(Clone, Debug)]
pub struct Ignore {
    /// The rule's id.
    pub rule: String,
    /// The files, as written; every file when `None`.
    pub path: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// Where it is written.
    pub location: Location,
    glob: Option<GlobMatcher>,
}

impl Ignore {
    /// True when it is about this file.
    #[must_use]
    pub fn covers(&self, file: &RepoPath) -> bool {
        self.glob
            .as_ref()
            .is_none_or(|glob| glob.is_match(file.as_str()))
    }
}

/// What somebody vouches for.
#[derive(Clone, Debug)]
pub struct Attestation {
    /// Who.
    pub by: String,
    /// Since when.
    pub on: Date,
    /// The last day on which it holds.
    pub until: Date,
    /// Where to look.
    pub evidence: Option<String>,
    /// Where it is written.
    pub location: Location,
}

/// Result files of other tools, relative to the audited root.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Measure {
    /// Coverage.
    pub coverage: Option<String>,
    /// Lighthouse.
    pub lighthouse: Option<String>,
    /// Load test.
    pub load: Option<String>,
    /// Dependency audit.
    pub audit: Option<String>,
}

/// A function of the team's own that is a control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedControl {
    /// Which control.
    pub control: Control,
    /// What the function does for it.
    pub part: ControlPart,
    /// The name that is exported, or `module#export`.
    pub text: String,
    /// The bytes of the file that name it.
    pub span: Span,
}

/// What a function does for a control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlPart {
    /// It lets only those come back who may go on.
    Guard,
    /// It makes a handler that has the control.
    Wrapper,
    /// The handler that a wrapper made.
    Wrapped,
    /// Its result is to be tested; for logging, it logs.
    Source,
}

/// A mistake in `readiness.toml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigProblem {
    /// The file.
    pub file: RepoPath,
    /// What is wrong and what to do, as a lower-case sentence fragment.
    pub message: String,
    /// The bytes that are wrong.
    pub span: Span,
    /// 1-based.
    pub line: u32,
    /// 1-based, in bytes.
    pub column: u32,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )
    }
}

impl std::error::Error for ConfigProblem {}

/// Collects mistakes and knows where they stand.
struct Reading<'a> {
    path: &'a RepoPath,
    lines: LineIndex,
    length: usize,
    problems: Vec<ConfigProblem>,
}

impl Reading<'_> {
    fn problem(&mut self, mistake: Mistake) {
        let range = mistake.span.unwrap_or(0..0);
        let number = |at: usize| u32::try_from(at.min(self.length)).unwrap_or(u32::MAX);
        let span = Span::new(number(range.start), number(range.end));
        let (line, column) = self.lines.line_column(span.start);
        self.problems.push(ConfigProblem {
            file: self.path.clone(),
            message: mistake.message,
            span,
            line,
            column,
        });
    }

    fn complain(&mut self, span: std::ops::Range<usize>, message: impl Into<String>) {
        self.problem(Mistake {
            message: message.into(),
            span: Some(span),
        });
    }

    fn location(&self, span: std::ops::Range<usize>) -> Location {
        let number = |at: usize| u32::try_from(at.min(self.length)).unwrap_or(u32::MAX);
        let span = Span::new(number(span.start), number(span.end));
        Location::of_span(self.path, &self.lines, span)
    }

    fn known_rule(&mut self, id: &Spanned<String>, rules: &RuleSet) -> bool {
        if rules.rule(id.get_ref()).is_some() {
            return true;
        }
        let message = match nearest(id.get_ref(), rules.ids()) {
            Some(near) => format!("unknown rule `{}`, did you mean `{near}`?", id.get_ref()),
            None => format!(
                "unknown rule `{}`; `readiness rules` lists them",
                id.get_ref()
            ),
        };
        self.complain(id.span(), message);
        false
    }
}

impl Config {
    /// Reads `readiness.toml`; `path` is its name in messages.
    ///
    /// # Errors
    /// Every mistake, in the order of the file.
    pub fn parse(path: &RepoPath, text: &str, rules: &RuleSet) -> Result<Self, Vec<ConfigProblem>> {
        let (file, mistakes) = read_toml::<ConfigFile>(text);
        let mut reading = Reading {
            path,
            lines: LineIndex::new(text),
            length: text.len(),
            problems: Vec::new(),
        };
        for mistake in mistakes {
            reading.problem(mistake);
        }
        let config = file.map(|file| check(file, rules, &mut reading));
        let mut problems = reading.problems;
        problems.sort_by(|a, b| (a.span, &a.message).cmp(&(b.span, &b.message)));
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }
}

/// The functions that `[controls.<kind>]` names; a kind takes only what makes sense for it.
fn named_controls(
    controls: BTreeMap<Control, ControlsFile>,
    reading: &mut Reading<'_>,
) -> Vec<NamedControl> {
    let mut named = Vec::new();
    for (control, lists) in controls {
        let takes: &[&str] = match control {
            Control::Auth | Control::RateLimit | Control::Validation => {
                &["guards", "wrappers", "sources"]
            }
            Control::Logging => &["wrappers", "sources"],
            Control::ErrorHandling => &["wrappers"],
            Control::Tests => &[],
        };
        for (key, part, list) in [
            ("guards", ControlPart::Guard, lists.guards),
            ("wrappers", ControlPart::Wrapper, lists.wrappers),
            ("sources", ControlPart::Source, lists.sources),
        ] {
            for text in list {
                let span = text.span();
                let kind = control.key().replace('_', "-");
                if !takes.contains(&key) {
                    let instead = match takes {
                        [] => String::from("nothing"),
                        takes => format!("`{}`", takes.join("`, `")),
                    };
                    reading.complain(
                        span,
                        format!("[controls.{kind}] takes no `{key}`; it takes {instead}"),
                    );
                    continue;
                }
                let name = text.get_ref().rsplit('#').next().unwrap_or("");
                if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '.') {
                    reading.complain(span, "expected the name of an export, or `module#export`");
                    continue;
                }
                let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                named.push(NamedControl {
                    control,
                    part,
                    span: Span::new(number(span.start), number(span.end)),
                    text: text.into_inner(),
                });
            }
        }
    }
    named
}

/// A path of `[measure]`, which has to lie below the audited folder.
fn result_file(path: Option<Spanned<String>>, reading: &mut Reading<'_>) -> Option<String> {
    let path = path?;
    let text = path.get_ref();
    let leaves = text.starts_with(['/', '\\']) || text.split(['/', '\\']).any(|part| part == "..");
    if leaves || text.trim().is_empty() {
        reading.complain(
            path.span(),
            "expected a path below the audited folder, like `coverage/lcov.info`",
        );
    }
    Some(path.into_inner())
}

fn check(file: ConfigFile, rules: &RuleSet, reading: &mut Reading<'_>) -> Config {
    let min_score = file.gate.min_score.map(|score| {
        if !(0.0..=100.0).contains(score.get_ref()) {
            reading.complain(score.span(), "`min-score` lies between 0 and 100");
        }
        score.into_inner()
    });
    let fail_on = match file.gate.fail_on {
        None => FailOn::default(),
        Some(FailOnWord::Critical) => FailOn::Severity(Severity::Critical),
        Some(FailOnWord::High) => FailOn::Severity(Severity::High),
        Some(FailOnWord::Medium) => FailOn::Severity(Severity::Medium),
        Some(FailOnWord::Low) => FailOn::Severity(Severity::Low),
        Some(FailOnWord::Never) => FailOn::Never,
    };
    let mut config = Config {
        gate: Gate {
            fail_on,
            min_score,
            low_confidence: file.gate.low_confidence.unwrap_or(false),
        },
        roadmap: file.roadmap.r#use,
        measure: Measure {
            coverage: result_file(file.measure.coverage, reading),
            lighthouse: result_file(file.measure.lighthouse, reading),
            load: result_file(file.measure.load, reading),
            audit: result_file(file.measure.audit, reading),
        },
        controls: named_controls(file.controls, reading),
        ..Config::default()
    };
    for each in file.routes.public {
        let span = each.span();
        let location = reading.location(span.clone());
        let each = each.into_inner();
        match RoutePattern::parse(&each.route) {
            Ok(pattern) => config.routes.public.push(PublicRoute {
                pattern,
                reason: each.reason,
                location,
            }),
            Err(message) => reading.complain(span, message),
        }
    }
    for each in file.routes.ignore {
        match RoutePattern::parse(each.get_ref()) {
            Ok(pattern) => config.routes.ignore.push(pattern),
            Err(message) => reading.complain(each.span(), message),
        }
    }
    for (id, settings) in file.rules {
        let known = reading.known_rule(&id, rules);
        let options = settings.options.map_or_else(toml::Table::new, |options| {
            if let Some(rule) = rules.rule(id.get_ref()).filter(|_| known)
                && let Err(message) = rule.with_options(options.get_ref())
            {
                reading.complain(options.span(), message);
            }
            options.into_inner()
        });
        let settings = RuleSettings {
            enabled: settings.enabled,
            severity: settings.severity,
            options,
        };
        config.rules.insert(id.into_inner(), settings);
    }
    for each in file.ignore {
        if let Some(ignore) = check_ignore(each, rules, reading) {
            config.ignores.push(ignore);
        }
    }
    for (id, each) in file.attest {
        reading.known_rule(&id, rules);
        for (key, missing) in [
            ("by", each.by.as_ref().is_none_or(|by| by.trim().is_empty())),
            ("on", each.on.is_none()),
            ("until", each.until.is_none()),
        ] {
            if missing {
                let message = format!("[attest.{}] needs `{key}`", id.get_ref());
                reading.complain(id.span(), message);
            }
        }
        if let (Some(by), Some(on), Some(until)) = (each.by, each.on, each.until) {
            let attestation = Attestation {
                by,
                on,
                until,
                evidence: each.evidence,
                location: reading.location(id.span()),
            };
            config.attest.insert(id.into_inner(), attestation);
        }
    }
    config
}

fn check_ignore(
    each: Spanned<IgnoreFile>,
    rules: &RuleSet,
    reading: &mut Reading<'_>,
) -> Option<Ignore> {
    let span = each.span();
    let each = each.into_inner();
    if let Some(rule) = &each.rule {
        reading.known_rule(rule, rules);
    } else {
        reading.complain(
            span.clone(),
            "[[ignore]] needs `rule`, the id of the rule to ignore",
        );
    }
    let reason = each.reason.as_ref();
    match reason {
        Some(reason) if reason.get_ref().trim().is_empty() => {
            reading.complain(reason.span(), "`reason` is empty; say why this is accepted");
        }
        Some(_) => {}
        None => reading.complain(
            span.clone(),
            "[[ignore]] needs `reason`: why this is accepted",
        ),
    }
    let glob = match &each.path {
        None => None,
        Some(path) => match Glob::new(path.get_ref().trim_start_matches("./")) {
            Ok(glob) => Some(glob.compile_matcher()),
            Err(error) => {
                let message = format!("`path` is not a glob: {}", error.kind());
                reading.complain(path.span(), message);
                None
            }
        },
    };
    let location = each.rule.as_ref().map_or(span, Spanned::span);
    Some(Ignore {
        location: reading.location(location),
        rule: each.rule?.into_inner(),
        path: each.path.map(Spanned::into_inner),
        reason: each.reason?.into_inner(),
        until: each.until,
        glob,
    })
}

#[cfg(test)]
mod tests {
    use super::{Config, FailOn};
    use crate::rule::{RuleSet, Severity};
    use crate::source::RepoPath;

    fn parse(text: &str) -> Result<Config, Vec<String>> {
        let rules = RuleSet::builtin().unwrap();
        Config::parse(&RepoPath::new("readiness.toml"), text, &rules)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        let config = parse("").unwrap();
        assert_eq!(config.gate.fail_on, FailOn::Severity(Severity::High));
        assert!(config.gate.min_score.is_none() && !config.gate.low_confidence);
    }

    #[test]
    fn every_key_is_read() {
        let config = parse(
            r#"
[gate]
fail-on = "never"
min-score = 60
[roadmap]
use = "standard"
[routes]
public = ["GET /api/health", { route = "/api/public/**", reason = "the shop window" }]
ignore = ["/api/dev/**"]
[rules.coverage-threshold]
severity = "low"
options = { percent = 80 }
[rules.cors-wildcard]
enabled = false
[[ignore]]
rule = "route-auth"
path = "app/api/legacy/**"
reason = "goes away in March"
until = 2027-03-01
[attest.route-tests]
by = "Ada"
on = "2026-01-02"
until = "2026-12-31"
evidence = "docs/tests.md"
[measure]
coverage = "coverage/lcov.info"
[controls.auth]
guards = ["@/lib/auth#requireUser"]
[controls.rate-limit]
wrappers = ["@/lib/limit#limited"]
"#,
        )
        .unwrap();
        assert_eq!(config.gate.fail_on, FailOn::Never);
        assert_eq!(config.gate.min_score, Some(60.0));
        assert_eq!(config.roadmap.as_deref(), Some("standard"));
        let public = config
            .routes
            .public("POST", Some("/api/public/a/b"))
            .unwrap();
        assert_eq!(public.reason.as_deref(), Some("the shop window"));
        assert_eq!(public.location.line, 8);
        assert!(config.routes.public("POST", Some("/api/health")).is_none());
        assert!(config.routes.ignored("GET", Some("/api/dev/x")));
        assert_eq!(
            config.rules["coverage-threshold"].severity,
            Some(Severity::Low)
        );
        assert_eq!(config.rules["cors-wildcard"].enabled, Some(false));
        assert!(config.ignores[0].covers(&RepoPath::new("app/api/legacy/x/route.ts")));
        assert!(!config.ignores[0].covers(&RepoPath::new("app/api/new/route.ts")));
        assert_eq!(config.ignores[0].until.unwrap().to_string(), "2027-03-01");
        assert_eq!(config.attest["route-tests"].by, "Ada");
        assert_eq!(
            config.measure.coverage.as_deref(),
            Some("coverage/lcov.info")
        );
        assert_eq!(config.controls.len(), 2);
    }

    #[test]
    fn a_result_file_lies_below_the_audited_folder() {
        for path in ["../lcov.info", "/tmp/lcov.info", "a/../../b", ""] {
            let problems = parse(&format!("[measure]\ncoverage = \"{path}\"\n")).unwrap_err();
            assert_eq!(problems.len(), 1, "{path}");
            assert!(problems[0].contains(":2:"), "{problems:?}");
            assert!(problems[0].contains("below the audited folder"));
        }
        assert!(parse("[measure]\ncoverage = \"a..b/lcov.info\"\n").is_ok());
    }

    #[test]
    fn every_mistake_is_reported_at_its_line_and_column() {
        let problems = parse(
            r#"[gate]
fail_on = "high"
min-score = 140
[routes]
public = ["FETCH /x", { rout = "/y" }]
[rules.route-atuh]
severity = "hgih"
[rules.coverage-threshold]
options = { percnt = 80 }
[[ignore]]
rule = "route-auth"
[[ignore]]
rule = "route-rate-limits"
reason = " "
[attest.route-tests]
by = "Ada"
[colour]
"#,
        )
        .unwrap_err();
        let has = |start: &str, part: &str| {
            assert!(
                problems.iter().any(
                    |each| each.starts_with(&format!("readiness.toml:{start}: "))
                        && each.contains(part)
                ),
                "{start} … {part}\nin {problems:#?}"
            );
        };
        has("2:1", "did you mean `fail-on`?");
        has("3:13", "between 0 and 100");
        has("5:11", "unknown method `FETCH`");
        has("5:25", "did you mean `route`?");
        has("6:8", "did you mean `route-auth`?");
        has("7:12", "did you mean `high`?");
        has("9:11", "did you mean `percent`?");
        has("10:1", "needs `reason`");
        has("13:8", "did you mean `route-rate-limit`?");
        has("14:10", "`reason` is empty");
        has("15:9", "needs `on`");
        has("15:9", "needs `until`");
        has("17:2", "unknown key `colour`");
        assert_eq!(problems.len(), 13, "{problems:#?}");
    }
}
