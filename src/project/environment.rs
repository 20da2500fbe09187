//! Environment files: which names are documented, and which files with values are part of the repository.

use crate::source::{Location, RepoPath, Repository, Unreadable};

use super::ProjectFiles;

/// What a file's name says about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A template that documents names.
    Example,
    /// Values for a real environment.
    Values,
}

/// Words in a file name that make it a template.
const TEMPLATE: [&str; 9] = [
    "example", "sample", "template", "tmpl", "tpl", "dist", "default", "defaults", "schema",
];

/// `.env.example`, `.env-template`, `env.sample`, `example.env`, `docker-compose.env.example`; `.env`, `.env.production`. Values
/// for tests and the encrypted vaults of dotenv are neither.
fn kind(name: &str) -> Option<Kind> {
    let mut words = name.split(['.', '-', '_']).filter(|word| !word.is_empty());
    let is_template = words.clone().any(|word| TEMPLATE.contains(&word));
    let is_environment =
        name.starts_with(".env") || name.starts_with("env.") || name.ends_with(".env");
    // Named after what it is for, and not code: `shop.env.example` ends with one of the words.
    let is_named_after = is_template
        && words.clone().any(|word| word == "env")
        && words
            .clone()
            .next_back()
            .is_some_and(|last| last == "env" || TEMPLATE.contains(&last));
    if !(is_environment || is_named_after)
        || name.ends_with(".ts")
        || name.ends_with(".js")
        || name.ends_with(".mjs")
    {
        return None;
    }
    if is_template {
        return Some(Kind::Example);
    }
    let is_known = words.all(|word| {
        matches!(
            word,
            "env"
                | "local"
                | "development"
                | "dev"
                | "staging"
                | "preview"
                | "production"
                | "prod"
                | "keys"
                | "docker"
        )
    });
    (name.starts_with(".env") && is_known).then_some(Kind::Values)
}

/// Reads `path` when it is an environment file.
pub(super) fn read(
    repository: &Repository,
    path: &RepoPath,
    files: &mut ProjectFiles,
) -> Result<(), Unreadable> {
    match kind(path.file_name()) {
        None => {}
        Some(Kind::Example) => {
            let file = repository.read(path)?;
            let mut above = "";
            for (line, text) in (1_u32..).zip(file.text.lines()) {
                let place = || Location::of_line(path, line);
                if let Some(name) = left_out(text, above) {
                    files.env_optional.push((name.to_owned(), path.clone()));
                }
                above = text;
                if let Some(name) = documented(text) {
                    files.env_documented.push((name.to_owned(), place()));
                } else {
                    let told = told_in_comment(text);
                    files
                        .env_documented
                        .extend(told.map(|name| (name.to_owned(), place())));
                }
            }
        }
        Some(Kind::Values) => {
            let file = repository.read(path)?;
            let known = files.env_set.len();
            for (line, text) in (1_u32..).zip(file.text.lines()) {
                let Some(name) = documented(text) else {
                    continue;
                };
                let named = (name.to_owned(), Location::of_line(path, line));
                if holds_value(text) {
                    if is_real(text) {
                        files.env_secret.push(named.clone());
                    }
                    files.env_set.push(named.clone());
                }
                // What everybody gets with the code tells everybody the names.
                files.env_documented.push(named);
            }
            if files.env_set.len() > known {
                files.env_committed.push(path.clone());
            }
        }
    }
    Ok(())
}

/// The name of `NAME=`, `export NAME=` and `# NAME=`.
fn documented(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let (line, commented) = match line.strip_prefix('#') {
        Some(rest) => (rest.trim_start_matches('#').trim_start(), true),
        None => (line, false),
    };
    let line = line.strip_prefix("export ").unwrap_or(line);
    let name = line.split_once('=')?.0.trim_end();
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    // Lower-case names are rare and would make names of prose in comments.
    let fits_loosely = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && if commented {
            name.chars().all(fits)
        } else {
            name.chars().all(fits_loosely)
        };
    named.then_some(name)
}

/// Words for what is set in some places only.
const SOMETIMES: [&str; 4] = ["if", "only", "optional", "when"];

/// The name of `# NAME=value # only if …`, or of `# NAME=value` below a comment that says so.
fn left_out<'l>(line: &'l str, above: &str) -> Option<&'l str> {
    let name = documented(line)?;
    let (_, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let sometimes = |comment: &str| {
        let mut words = comment.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| SOMETIMES.contains(&&*word.to_ascii_lowercase()))
    };
    let beside = value.split_once(" #");
    let is_told = beside.is_some_and(|(_, comment)| sometimes(comment))
        || above.trim_start().starts_with('#') && documented(above).is_none() && sometimes(above);
    is_told.then_some(name)
}

/// The names in a comment of an example: `# set TELLER_APP_ID and TELLER_SIGNING_SECRET for that`. A single word in capitals may be
/// anything.
fn told_in_comment(line: &str) -> impl Iterator<Item = &str> {
    let comment = line.trim_start().strip_prefix('#').unwrap_or("");
    let words = comment.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| {
        let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        word.trim_matches('_').contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(fits)
    })
}

/// A line that sets something to a value that is not encrypted.
fn holds_value(line: &str) -> bool {
    let line = line.trim_start();
    if line.starts_with('#') {
        return false;
    }
    line.split_once('=').is_some_and(|(name, value)| {
        let value = value.trim().trim_matches(['"', '\'']);
        !name.trim().is_empty() && !value.is_empty() && !value.starts_with("encrypted:")
    })
}

/// Words in values that stand for a value.
const PLACEHOLDERS: [&str; 19] = [
    "your",
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "xxx",
    "dummy",
    "todo",
    "replace",
    "insert",
    "localhost",
    "127.0.0.1",
    "0.0.0.0",
    "host.docker",
    "fake",
    "sample",
    "secret",
    "password",
];

/// A line that sets something to what looks like a real secret: long enough, not a placeholder, not on this machine, with digits.
fn is_real(line: &str) -> bool {
    let value = line.split_once('=').map_or("", |(_, value)| value);
    let value = value.split(" #").next().unwrap_or(value).trim();
    let value = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    value.len() >= 12
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && !value.contains(['<', '{', '$'])
        && !PLACEHOLDERS.iter().any(|word| value.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        for (name, expected) in [
            (".env.example", Some(Kind::Example)),
            (".env-template", Some(Kind::Example)),
            (".env.production.example", Some(Kind::Example)),
            ("env.sample", Some(Kind::Example)),
            (".env.tmpl", Some(Kind::Example)),
            (".env.local.dist", Some(Kind::Example)),
            ("example.env", Some(Kind::Example)),
            ("docker-compose.shop.env.example", Some(Kind::Example)),
            ("worker-env.sample", Some(Kind::Example)),
            (".env", Some(Kind::Values)),
            (".env.local", Some(Kind::Values)),
            (".env.production", Some(Kind::Values)),
            (".env.test", None),
            (".env.vault", None),
            ("env.ts", None),
            ("env-defaults_test.yaml", None),
            ("project_env_schema.sql", None),
            ("envelope.example", None),
            (".envrc", None),
            ("environment.md", None),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    #[test]
    fn what_an_example_leaves_out_and_says_when_to_set() {
        let told = "# GATE_KEY=\"\" # only where others can reach it";
        assert_eq!(left_out(told, ""), Some("GATE_KEY"));
        assert_eq!(left_out("# GATE_KEY=", "# Optional."), Some("GATE_KEY"));
        assert_eq!(left_out("# GATE_KEY=", "# OTHER=1 # if you like"), None);
        assert_eq!(left_out("GATE_KEY=1 # only in production", ""), None);
        assert_eq!(left_out("# GATE_KEY=1 # a long text", ""), None);
    }

    #[test]
    fn comments_of_examples_name_variables() {
        let told = |line| told_in_comment(line).collect::<Vec<_>>();
        assert_eq!(
            told("# set TELLER_APP_ID and `TELLER_SECRET` in PRODUCTION"),
            ["TELLER_APP_ID", "TELLER_SECRET"]
        );
        assert_eq!(told("TELLER_APP_ID is not set here"), Vec::<&str>::new());
    }

    #[test]
    fn names_with_their_lines_and_committed_values() {
        let repository = Repository::in_memory(&[
            (
                ".env.example",
                "# Set A= to b\nDATABASE_URL=\nexport KEY = 'x'\n\n# OPTIONAL_ONE=1\nnot a line\n",
            ),
            (".env", "A=1\n"),
            ("web/.env.production", "# A=1\nB=\nC=\"encrypted:abc\"\n"),
        ]);
        let mut files = ProjectFiles::default();
        for path in repository.files() {
            read(&repository, path, &mut files).unwrap();
        }
        let documented: Vec<(&str, u32)> = files
            .env_documented
            .iter()
            .map(|(name, at)| (name.as_str(), at.line))
            .collect();
        assert_eq!(
            documented,
            [
                ("A", 1),
                ("DATABASE_URL", 2),
                ("KEY", 3),
                ("OPTIONAL_ONE", 5),
                ("A", 1),
                ("B", 2),
                ("C", 3)
            ]
        );
        assert_eq!(files.env_committed, [RepoPath::new(".env")]);
        let (name, at) = &files.env_set[0];
        assert_eq!((name.as_str(), at.line, files.env_set.len()), ("A", 1, 1));
    }
}
