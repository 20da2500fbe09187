//! The command line as users write it.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::rule::Severity;

/// Prove which production controls reach which route, and print what is missing.
#[derive(Debug, Parser)]
#[command(
    name = "readiness",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 gate passed, 1 gate failed, 2 wrong use or configuration, 3 nothing to audit, 4 internal failure."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What every command understands.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Common {
    /// When to use colour; `NO_COLOR` is respected
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(super) color: When,
    /// No progress and no notes on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// List everything, and say what the time went to
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// Every run starts from nothing; accepted for scripts that say so
    #[arg(long, global = true, hide = true)]
    pub(super) no_cache: bool,
    /// Worker threads; as many as the machine has when not given
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) threads: Option<u16>,
}

/// When to use colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum When {
    /// On a terminal
    Auto,
    /// Into files and pipes too
    Always,
    /// Nowhere
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Audit the applications at PATH and print the gap report
    Audit(AuditArguments),
    /// Print every handler with a verdict per control
    Routes(RoutesArguments),
    /// Print the remaining work as the next roadmap
    Plan(PlanArguments),
    /// Accept today's gaps, so that the gate fails only on new or worse ones
    Baseline(BaselineArguments),
    /// Compare two JSON reports: what is new, what is fixed, how the score moved
    Diff(DiffArguments),
    /// Say why a rule matters, what it looks at and how to fix a gap
    Explain(ExplainArguments),
    /// List every rule and the roadmaps that use it
    Rules(RulesArguments),
    /// Detect the stack and write a commented readiness.toml
    Init(InitArguments),
    /// Print a completion script for a shell
    Completions(CompletionsArguments),
    /// Print the manual page of the program, or of one of its commands, in roff
    Man(ManArguments),
}

/// Which repository, and how it is to be judged.
#[derive(Args, Clone, Debug)]
pub(super) struct Target {
    /// Folder of an application or of a whole repository
    #[arg(default_value = ".")]
    pub(super) path: PathBuf,
    /// Configuration to use instead of PATH/readiness.toml
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Only this application of a monorepo: its folder below PATH
    #[arg(long, value_name = "PATH")]
    pub(super) app: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct ManArguments {
    /// The command; the program with all of its commands when not given
    #[arg(value_name = "COMMAND")]
    pub(super) command: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct AuditArguments {
    #[command(flatten)]
    pub(super) target: Target,
    /// Format of the report on standard output
    #[arg(long, value_enum, default_value_t = Format::Terminal, value_name = "FORMAT")]
    pub(super) format: Format,
    /// Write the report to FILE instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Write one more report; may be given several times
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    pub(super) reports: Vec<ExtraReport>,
    /// Roadmap to score against: the name of a built-in one, or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) roadmap: Option<String>,
    /// Fail (exit 1) on a finding of this severity or worse
    #[arg(long, value_name = "SEVERITY")]
    pub(super) fail_on: Option<FailOn>,
    /// Fail (exit 1) when an application scores less
    #[arg(long, value_name = "N", value_parser = score)]
    pub(super) min_score: Option<f64>,
    /// Run only this rule; may be given several times
    #[arg(long, value_name = "RULE", conflicts_with = "skip")]
    pub(super) only: Vec<String>,
    /// Leave this rule out; may be given several times
    #[arg(long, value_name = "RULE")]
    pub(super) skip: Vec<String>,
    /// Fail only on what is new or worse than in this file, which `readiness baseline` writes
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Fail only on what the changes since this commit or branch touch or bring
    #[arg(long, value_name = "REF")]
    pub(super) since: Option<String>,
    /// With --format markdown: the short form, for a pull request's comment or a job's summary
    #[arg(long)]
    pub(super) summary: bool,
    /// Leave suppressed findings out of the reports; GitHub shows those in SARIF as open
    #[arg(long)]
    pub(super) hide_suppressed: bool,
}

#[derive(Args, Debug)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    pub(super) target: Target,
    /// Format
    #[arg(long, value_enum, default_value_t = PlanFormat::Markdown, value_name = "FORMAT")]
    pub(super) format: PlanFormat,
    /// Write to FILE instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Roadmap to follow: the name of a built-in one, or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) roadmap: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct BaselineArguments {
    #[command(flatten)]
    pub(super) target: Target,
    /// File to write; readiness-baseline.json in PATH when not given
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Only take out what is fixed, and accept nothing new
    #[arg(long)]
    pub(super) prune: bool,
}

#[derive(Args, Debug)]
pub(super) struct DiffArguments {
    /// The earlier report, of `readiness audit --format json`
    pub(super) old: PathBuf,
    /// The later report
    pub(super) new: PathBuf,
    /// Format
    #[arg(long, value_enum, default_value_t = DiffFormat::Terminal, value_name = "FORMAT")]
    pub(super) format: DiffFormat,
}

#[derive(Args, Debug)]
pub(super) struct RoutesArguments {
    #[command(flatten)]
    pub(super) target: Target,
    /// Format
    #[arg(long, value_enum, default_value_t = PlainFormat::Terminal, value_name = "FORMAT")]
    pub(super) format: PlainFormat,
    /// Write to FILE instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Show the chain behind one handler's verdicts: "POST /api/x", "/api/x" or the name of a server action
    #[arg(long, value_name = "HANDLER")]
    pub(super) why: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct ExplainArguments {
    /// The rule's id, as reports print it
    pub(super) rule: String,
}

#[derive(Args, Debug)]
pub(super) struct RulesArguments {
    /// Format
    #[arg(long, value_enum, default_value_t = PlainFormat::Terminal, value_name = "FORMAT")]
    pub(super) format: PlainFormat,
}

#[derive(Args, Debug)]
pub(super) struct InitArguments {
    /// Folder to write readiness.toml into
    #[arg(default_value = ".")]
    pub(super) path: PathBuf,
    /// The plan to follow: a name that `readiness rules` lists, or a TOML file below PATH
    #[arg(long, value_name = "NAME")]
    pub(super) roadmap: Option<String>,
    /// Overwrite a readiness.toml that is there
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Args, Debug)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// A report's format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Format {
    /// For people at a terminal
    Terminal,
    /// For programs, with everything
    Json,
    /// SARIF 2.1.0, for GitHub code scanning
    Sarif,
    /// A document: summary, coverage, roadmap, checklist
    Markdown,
    /// One page to open from disk, with filters and code
    Html,
    /// Annotations of GitHub Actions
    Github,
    /// JUnit XML, for CI systems that show tests
    Junit,
    /// Code quality of GitLab
    Gitlab,
    /// The score as an SVG picture
    Badge,
    /// The score for shields.io
    Shields,
}

/// The format of a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum PlanFormat {
    /// A document
    Markdown,
    /// For programs
    Json,
    /// One JSON object per task and line, with the title, body and labels of an issue
    Issues,
}

/// The format of a comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum DiffFormat {
    /// For people at a terminal
    Terminal,
    /// For programs
    Json,
    /// For a pull request's comment
    Markdown,
}

/// The format of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum PlainFormat {
    /// For people at a terminal
    Terminal,
    /// For programs
    Json,
}

/// `FORMAT=FILE`
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ExtraReport {
    pub(super) format: Format,
    pub(super) file: PathBuf,
}

impl FromStr for ExtraReport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((format, file)) if !file.is_empty() => Ok(Self {
                format: Format::from_str(format, false).map_err(|_| unknown_format(format))?,
                file: PathBuf::from(file),
            }),
            _ => Err(String::from(
                "write it as FORMAT=FILE, for example json=audit.json",
            )),
        }
    }
}

fn unknown_format(word: &str) -> String {
    let known = Format::value_variants()
        .iter()
        .filter_map(Format::to_possible_value);
    let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
    format!(
        "there is no format `{word}`; there are {}",
        known.join(", ")
    )
}

/// From which severity on a finding fails the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FailOn(pub(super) Option<Severity>);

impl ValueEnum for FailOn {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(Some(Severity::Critical)),
            Self(Some(Severity::High)),
            Self(Some(Severity::Medium)),
            Self(Some(Severity::Low)),
            Self(None),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.map_or("never", Severity::word)))
    }
}

fn score(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|score| (0.0..=100.0).contains(score))
        .ok_or_else(|| String::from("a score is a number from 0 to 100"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Arguments, Command, Format};
    use crate::rule::Severity;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    fn audit(line: &[&str]) -> Result<super::AuditArguments, String> {
        let line = ["readiness", "audit"].iter().chain(line);
        match Arguments::try_parse_from(line) {
            Ok(Arguments {
                command: Some(Command::Audit(arguments)),
                ..
            }) => Ok(arguments),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn several_reports_in_one_run() {
        let arguments = audit(&[
            "apps",
            "--report",
            "json=a=b.json",
            "--report",
            "terminal=t",
        ])
        .unwrap();
        assert_eq!(arguments.target.path.to_str(), Some("apps"));
        assert_eq!(arguments.format, Format::Terminal);
        assert_eq!(arguments.reports.len(), 2);
        assert_eq!(arguments.reports[0].format, Format::Json);
        assert_eq!(arguments.reports[0].file.to_str(), Some("a=b.json"));
    }

    #[test]
    fn formats_that_do_not_exist_are_refused_with_those_that_do() {
        for line in [["--format", "pdf"], ["--report", "pdf=x.pdf"]] {
            let error = audit(&line).unwrap_err();
            assert!(error.contains("terminal, json"), "{error}");
        }
        assert!(
            audit(&["--report", "json"])
                .unwrap_err()
                .contains("FORMAT=FILE")
        );
    }

    #[test]
    fn gates_are_checked_on_the_way_in() {
        let arguments = audit(&["--fail-on", "high", "--min-score", "72.5"]).unwrap();
        assert_eq!(
            arguments.fail_on.map(|gate| gate.0),
            Some(Some(Severity::High))
        );
        assert_eq!(arguments.min_score, Some(72.5));
        assert_eq!(
            audit(&["--fail-on", "never"])
                .unwrap()
                .fail_on
                .map(|gate| gate.0),
            Some(None)
        );
        assert!(audit(&["--fail-on", "urgent"]).is_err());
        assert!(audit(&["--min-score", "101"]).is_err());
        assert!(audit(&["--min-score", "NaN"]).is_err());
        assert!(audit(&["--threads", "0"]).is_err());
        assert!(audit(&["--only", "a", "--skip", "b"]).is_err());
    }
}
