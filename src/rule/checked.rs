//! A rule that cannot be wrong.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;

use crate::source::{LineIndex, Span};
use crate::syntax::PatternSource;

use super::reading::friendly;
use super::{
    Category, Check, Confidence, How, Mistake, Part, RuleFile, RuleText, Severity, Signs, Target,
};

/// The longest title, in characters.
const LONGEST_TITLE: usize = 80;

/// A mistake in a rule or roadmap file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleProblem {
    /// The file, below `rules/` or as the user named it.
    pub file: String,
    /// What is wrong and what to do, as a lower-case sentence fragment.
    pub message: String,
    /// The bytes that are wrong; `None` when it is the file as a whole.
    pub span: Option<Span>,
    /// The 1-based line, 1 for the file as a whole.
    pub line: u32,
    /// The 1-based column in bytes.
    pub column: u32,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )
    }
}

impl std::error::Error for RuleProblem {}

impl RuleProblem {
    /// A mistake with its line and column.
    pub(super) fn new(source: &RuleText, mistake: Mistake) -> Self {
        let span = mistake.span.as_ref().map(to_span);
        let (line, column) = span.map_or((1, 1), |span| {
            let end = u32::try_from(source.text.len()).unwrap_or(u32::MAX);
            LineIndex::new(&source.text).line_column(span.start.min(end))
        });
        Self {
            file: source.file.clone(),
            message: mistake.message,
            span,
            line,
            column,
        }
    }

    /// A mistake of the file as a whole, or of the line that begins with `key`.
    pub(super) fn at_key(source: &RuleText, key: &str, message: String) -> Self {
        let mut start = 0;
        let mut span = None;
        for line in source.text.split_inclusive('\n') {
            let rest = line.trim_start();
            let named = rest.strip_prefix('[').unwrap_or(rest);
            let ends = |rest: &str| rest.starts_with([' ', '=', ']', '.', '\t']);
            if !key.is_empty() && named.strip_prefix(key).is_some_and(ends) {
                span = Some(start..start + line.trim_end().len());
                break;
            }
            start += line.len();
        }
        Self::new(source, Mistake { message, span })
    }
}

fn to_span(range: &Range<usize>) -> Span {
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(number(range.start), number(range.end))
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `route-rate-limit`
    pub id: String,
    /// The folder it lies in.
    pub category: Category,
    /// A fact about the code, lower-case, without a full stop.
    pub title: String,
    /// How bad a gap is.
    pub severity: Severity,
    /// The most that a finding can be sure of.
    pub confidence: Confidence,
    /// How it is known.
    pub how: How,
    /// The version that brought it.
    pub since: String,
    /// Why a team is hurt without it.
    pub why: String,
    /// What to do first.
    pub fix: String,
    /// Pages to read.
    pub links: Vec<String>,
    /// Packages that close the gap, the usual one first.
    pub packages: Vec<String>,
    /// Numbers of the Common Weakness Enumeration.
    pub cwe: Vec<u32>,
    /// Hours that one gap takes to close.
    pub effort_hours: f64,
    /// Those hours close all gaps of an application.
    pub effort_once: bool,
    /// What it looks at.
    pub check: Check,
    /// The numbers of its patterns in [`super::RuleSet::patterns`].
    pub patterns: Range<u32>,
    /// The file it comes from.
    pub file: String,
    /// Its file as written, for options to replace keys of its `[check.<kind>]`.
    written: Box<str>,
}

impl Rule {
    /// Reads and checks one rule file, adding what is wrong to `problems`.
    pub(super) fn read(source: &RuleText, problems: &mut Vec<RuleProblem>) -> Option<Self> {
        let before = problems.len();
        let (category, id) = place(source, problems).unzip();
        let (file, mistakes) = source.read::<RuleFile>();
        let already = !mistakes.is_empty();
        problems.extend(
            mistakes
                .into_iter()
                .map(|each| RuleProblem::new(source, each)),
        );
        let file = file?;
        let mut complain = |key: &str, message: &str| {
            problems.push(RuleProblem::at_key(source, key, message.to_owned()));
        };
        check_texts(&file, &mut complain);
        // A key that was reported as wrong was taken out; saying that it is missing as well would only confuse.
        if !already {
            check_presence(&file, &mut complain);
        }
        if matches!(file.check, Some(Check::Attest(_))) && file.how != Some(How::Attest) {
            complain("how", "what is attested is known by `how = \"attest\"`");
        }
        if problems.len() > before {
            return None;
        }
        Some(Self {
            id: id?,
            category: category?,
            title: file.title?,
            severity: file.severity?,
            confidence: file.confidence,
            how: file.how?,
            since: file.since?,
            why: file.why?.trim().to_owned(),
            fix: file.fix?.trim().to_owned(),
            links: file.links,
            packages: file.packages,
            cwe: file.cwe,
            effort_hours: file.effort_hours?,
            effort_once: file.effort_once,
            check: file.check?,
            patterns: 0..0,
            file: source.file.clone(),
            written: source.text.as_str().into(),
        })
    }

    /// Somebody may vouch for it: what it asks lies outside the repository, or may.
    #[must_use]
    pub fn may_be_attested(&self) -> bool {
        matches!(self.how, How::Attest | How::Evidence)
    }

    /// The rule with keys of its check replaced, as `[rules.<id>] options` asks.
    ///
    /// # Errors
    /// Says which key is unknown or has a value that does not fit.
    pub fn with_options(&self, options: &toml::Table) -> Result<Self, String> {
        if options.is_empty() {
            return Ok(self.clone());
        }
        if matches!(self.check, Check::Pattern(_)) {
            return Err(format!("rule `{}` has no options", self.id));
        }
        let mut written = written_check(&self.written);
        let kind = written.get_mut(self.check.kind());
        let Some(toml::Value::Table(table)) = kind else {
            return Err(format!("rule `{}` has no options", self.id));
        };
        for (key, value) in options {
            table.insert(key.clone(), value.clone());
        }
        let check = Check::deserialize(toml::Value::Table(written))
            .map_err(|error| friendly(error.message()))?;
        let mut wrong = None;
        check_check(&check, &mut |message| wrong = Some(message.to_owned()));
        match wrong {
            Some(message) => Err(message),
            None => Ok(Self {
                check,
                ..self.clone()
            }),
        }
    }

    /// The patterns that its check wants matched, in order.
    pub(super) fn pattern_sources(&self) -> Vec<PatternSource> {
        let Check::Pattern(check) = &self.check else {
            return Vec::new();
        };
        let code = check.code.iter().cloned().map(PatternSource::Code);
        let text = check.text.iter().cloned().map(PatternSource::Text);
        code.chain(text).collect()
    }
}

fn written_check(text: &str) -> toml::Table {
    let table = toml::from_str::<toml::Table>(text).unwrap_or_default();
    match table.get("check") {
        Some(toml::Value::Table(check)) => check.clone(),
        _ => toml::Table::new(),
    }
}

/// Category and id from `<category>/<id>.toml`.
fn place(source: &RuleText, problems: &mut Vec<RuleProblem>) -> Option<(Category, String)> {
    let mut parts = source.file.rsplit(['/', '\\']);
    let id = parts
        .next()
        .unwrap_or("")
        .strip_suffix(".toml")
        .unwrap_or("");
    let folder = parts.next().unwrap_or("");
    let category = Category::from_word(folder);
    if category.is_none() {
        let words = Category::ALL.map(Category::word).join(", ");
        let message = format!("a rule lies in a folder named like its category: one of {words}");
        problems.push(RuleProblem::at_key(source, "", message));
    }
    let kebab = !id.is_empty()
        && id.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        });
    if !kebab {
        let message = format!("a rule's file is named `<rule-id>.toml` in kebab-case, not `{id}`");
        problems.push(RuleProblem::at_key(source, "", message));
        return None;
    }
    Some((category?, id.to_owned()))
}

fn check_texts(file: &RuleFile, complain: &mut impl FnMut(&str, &str)) {
    if let Some(title) = &file.title {
        if title.trim().is_empty() || title.chars().count() > LONGEST_TITLE {
            complain("title", "`title` has between 1 and 80 characters");
        }
        if title.ends_with('.') {
            complain("title", "`title` ends without a full stop");
        }
        let mut letters = title.chars();
        let first_upper = letters.next().is_some_and(char::is_uppercase);
        // An acronym or a name such as `CORS` or `TypeScript` may open a title.
        let word = title.split_whitespace().next().unwrap_or("");
        let letters = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
        let plain = letters.chars().skip(1).all(char::is_lowercase);
        if first_upper && plain {
            complain("title", "`title` begins in lower case");
        }
    }
    for (key, text) in [
        ("why", &file.why),
        ("fix", &file.fix),
        ("since", &file.since),
    ] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            complain(key, &format!("`{key}` is empty"));
        }
    }
    if file.links.iter().any(|link| !link.starts_with("https://")) {
        complain("links", "every one of `links` begins with `https://`");
    }
    if file
        .effort_hours
        .is_some_and(|hours| !(0.0..=1000.0).contains(&hours))
    {
        complain("effort_hours", "`effort_hours` lies between 0 and 1000");
    }
    if let Some(check) = &file.check {
        check_check(check, &mut |message| complain("check", message));
    }
}

fn check_presence(file: &RuleFile, complain: &mut impl FnMut(&str, &str)) {
    let missing = [
        ("title", file.title.is_none()),
        ("severity", file.severity.is_none()),
        ("how", file.how.is_none()),
        ("since", file.since.is_none()),
        ("why", file.why.is_none()),
        ("fix", file.fix.is_none()),
        ("effort_hours", file.effort_hours.is_none()),
        ("[check.<kind>]", file.check.is_none()),
    ];
    for (key, _) in missing.iter().filter(|(_, missing)| *missing) {
        complain("", &format!("`{key}` is missing"));
    }
}

/// The verdicts that a rule may name for a control, as reports write them.
#[must_use]
fn verdicts(control: super::Control) -> &'static [&'static str] {
    use super::Control;
    match control {
        Control::Auth => &["enforced", "optional", "none"],
        Control::RateLimit => &["enforced", "conditional", "none"],
        Control::Validation => &["schema", "manual", "none"],
        Control::ErrorHandling => &["caught", "uncaught"],
        Control::Logging => &["structured", "console", "none"],
        Control::Tests => &["tested", "untested"],
    }
}

fn check_check(check: &Check, complain: &mut impl FnMut(&str)) {
    match check {
        Check::RouteControl(it) => {
            let known = verdicts(it.control);
            for word in it.gap.iter().chain(&it.weak) {
                if !known.contains(&word.as_str()) {
                    let control = it.control.title();
                    let known = known.join(", ");
                    complain(&format!(
                        "{control} is never `{word}`; it is one of {known}"
                    ));
                }
            }
            if it.gap.is_empty() {
                complain("`gap` names at least one verdict");
            }
            if it.weak.is_empty() != it.weak_says.is_none() {
                complain("`weak` and `weak-says` come together");
            }
        }
        Check::Pattern(it) => {
            if it.code.is_empty() && it.text.is_empty() {
                complain("a pattern check has `code` or `text`");
            }
            check_globs(it.files.iter().chain(&it.except), complain);
        }
        Check::File(it) => {
            if it.any.is_empty() {
                complain("`any` names at least one glob");
            }
            check_globs(it.any.iter().chain(&it.only_with), complain);
        }
        Check::ConfigKey(it) => {
            if it.is.is_some() && it.is_not.is_some() {
                complain("`is` and `is-not` exclude each other");
            }
            check_globs(it.files.iter(), complain);
        }
        Check::Present(it) => {
            if it.any.is_empty() && it.likely.as_ref().is_none_or(Signs::is_empty) {
                complain("`any` names at least one sign");
            }
        }
        Check::Parts(it) => {
            let nothing = |part: &Part| {
                part.any.is_empty() && part.likely.as_ref().is_none_or(Signs::is_empty)
            };
            if it.parts.iter().any(nothing) {
                complain("`any` names at least one sign");
            }
        }
        Check::ConsoleLogging(it) => check_globs(it.except.iter(), complain),
        Check::ControlUnused(it) => check_globs(it.except_files.iter(), complain),
        Check::UnitsTested(it) => {
            if it.exports.is_empty() && it.files.is_empty() && it.made_by.is_empty() {
                complain("a unit is told by `files`, `made-by` or `exports`");
            }
        }
        Check::Measured(it) => {
            let one = |target: &Target| target.at_most.is_some() != target.at_least.is_some();
            if it.targets.is_empty() || !it.targets.iter().all(one) {
                complain("every target has either `at-most` or `at-least`");
            }
        }
        Check::SqlStar(it) => check_globs(it.except.iter(), complain),
        Check::ExplicitAny(it) => check_globs(it.except.iter(), complain),
        Check::Calls(it) => {
            check_globs(it.except_files.iter(), complain);
            if it.call.is_empty() {
                complain("`call` names at least one call");
            }
            for call in &it.call {
                if !call.contains('#') {
                    complain(&format!(
                        "`{call}` is no path of a call: `package#export.method`, or `*#*.method`"
                    ));
                }
            }
        }
        Check::HandlersUse(it) => check_globs(it.files.iter(), complain),
        Check::Queries(it) => check_globs(it.background_files.iter(), complain),
        Check::Container(_)
        | Check::Compose(_)
        | Check::EnvDocumented(_)
        | Check::EnvCommitted(_)
        | Check::ForeignKeyIndex(_)
        | Check::RowSecurity(_)
        | Check::StrictTypes(_)
        | Check::RouteMark(_)
        | Check::ConfigSpelling(_)
        | Check::CiScripts(_)
        | Check::TestsRun(_)
        | Check::GuardFlaws(_)
        | Check::WebhookBody(_)
        | Check::WebhookReached(_)
        | Check::UnsignedToken(_)
        | Check::RouteExists(_)
        | Check::ResponseHeaders(_)
        | Check::ContentSecurityPolicy(_)
        | Check::Cors(_)
        | Check::MiddlewareLoaded(_)
        | Check::Dependency(_)
        | Check::SecretLiteral(_)
        | Check::PublicEnv(_)
        | Check::EnvValidation(_)
        | Check::CoverageThreshold(_)
        | Check::Pipeline(_)
        | Check::WeakCookie(_)
        | Check::Handlers(_)
        | Check::LoggedSecrets(_)
        | Check::PlainTokens(_)
        | Check::ServerEnvInClient(_)
        | Check::Rendering(_)
        | Check::LimitTiers(_)
        | Check::ErrorAnswers(_)
        | Check::Memory(_)
        | Check::CallerInput(_)
        | Check::Attest(_) => {}
    }
}

fn check_globs<'a>(globs: impl Iterator<Item = &'a String>, complain: &mut impl FnMut(&str)) {
    for glob in globs {
        if let Err(error) = globset::Glob::new(glob) {
            complain(&format!("`{glob}` is not a glob: {}", error.kind()));
        }
    }
}
