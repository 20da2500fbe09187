//! Jenkinsfiles, read as far as their shell lines: Groovy is a language of its own, and what a pipeline runs stands in its strings.

use crate::source::{Location, SourceFile};

use super::{Workflow, WorkflowStep};

/// Steps whose text is a script. `script` is what they call it where it is not all they are given.
const SHELLS: [&str; 5] = ["sh", "bat", "pwsh", "powershell", "script"];

/// `Jenkinsfile`, `Jenkinsfile.release`, `release.Jenkinsfile`.
pub(super) fn is_jenkinsfile(name: &str) -> bool {
    name.strip_prefix("Jenkinsfile")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        || name.ends_with(".Jenkinsfile")
        || name.ends_with(".jenkinsfile")
}

/// The pipeline of a Jenkinsfile. What makes it run is set up in Jenkins, which runs most for every change.
pub(super) fn pipeline(file: &SourceFile) -> Workflow {
    let mut steps = Vec::new();
    let mut stage = String::new();
    let mut word = String::new();
    let mut rest = file.text.as_str();
    let mut line = 1_u32;
    while let Some(letter) = rest.chars().next() {
        if let Some(comment) = comment(rest) {
            line += lines_in(comment);
            rest = rest.get(comment.len()..).unwrap_or_default();
            continue;
        }
        if matches!(letter, '"' | '\'') {
            let (text, length) = literal(rest);
            if word == "stage" {
                text.clone_into(&mut stage);
            } else if SHELLS.contains(&word.as_str()) {
                steps.push(WorkflowStep {
                    job: stage.clone(),
                    run: Some(text.to_owned()),
                    uses: None,
                    folder: None,
                    may_fail: None,
                    location: Location::of_line(&file.path, line),
                });
            }
            word.clear();
            let (read, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
            line += lines_in(read);
            rest = behind;
            continue;
        }
        if letter.is_alphanumeric() || letter == '_' {
            let end = rest
                .find(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
                .unwrap_or(rest.len());
            let (read, behind) = rest.split_at(end);
            read.clone_into(&mut word);
            rest = behind;
            continue;
        }
        // `sh 'a'`, `sh('a')`, `sh(script: 'a')`
        if !letter.is_whitespace() && !matches!(letter, '(' | ':') {
            word.clear();
        }
        line += u32::from(letter == '\n');
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    Workflow {
        file: file.path.clone(),
        on_change: true,
        uncalled: false,
        steps,
        bots: Vec::new(),
    }
}

/// The comment that the text begins with.
fn comment(text: &str) -> Option<&str> {
    let end = if text.starts_with("//") {
        text.find('\n')
    } else if text.starts_with("/*") {
        text.find("*/").map(|at| at + 2)
    } else {
        return None;
    };
    text.get(..end.unwrap_or(text.len()))
}

/// What the literal that the text begins with holds, as written, and how long it is with its quotes.
fn literal(text: &str) -> (&str, usize) {
    let quotes = ["'''", "\"\"\"", "'", "\""];
    let quote = quotes.into_iter().find(|quote| text.starts_with(quote));
    let quote = quote.unwrap_or_default();
    let inside = text.get(quote.len()..).unwrap_or_default();
    let mut escaped = false;
    for (at, letter) in inside.char_indices() {
        // Only three quotes hold several lines.
        let over = letter == '\n' && quote.len() == 1 && !escaped;
        let closed = !escaped && inside.get(at..).is_some_and(|rest| rest.starts_with(quote));
        if over || closed {
            let length = quote.len() + at + if closed { quote.len() } else { 0 };
            return (inside.get(..at).unwrap_or_default(), length);
        }
        escaped = letter == '\\' && !escaped;
    }
    (inside, text.len())
}

fn lines_in(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{RepoPath, Repository};

    fn steps(text: &str) -> Vec<(String, String, u32)> {
        let repository = Repository::in_memory(&[("Jenkinsfile", text)]);
        let file = repository.read(&RepoPath::new("Jenkinsfile")).unwrap();
        let steps = pipeline(&file).steps.into_iter();
        steps
            .map(|step| {
                let run = step.run.unwrap_or_default();
                (step.job, run.trim().to_owned(), step.location.line)
            })
            .collect()
    }

    #[test]
    fn shell_lines_of_stages() {
        let text = "// sh 'no'\npipeline {\n  stage('Check') {\n    sh 'npm ci'\n    echo \"sh 'no'\"\n    sh \"\"\"\n      npm test\n    \"\"\"\n    /* sh 'no' */\n    def tag = sh(returnStdout: true, script: 'npm run lint')\n    sh label: 'no', script: \"echo it\\\"s\"\n    script { x = 'no' }\n  }\n}\n";
        let expected = [
            ("npm ci", 4_u32),
            ("npm test", 6),
            ("npm run lint", 10),
            ("echo it\\\"s", 11),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(run, line)| (String::from("Check"), (*run).to_owned(), *line))
            .collect();
        assert_eq!(steps(text), expected);
    }

    #[test]
    fn odd_texts_are_survived() {
        for text in [
            "",
            "sh '",
            "sh 'a\\",
            "\"\"\"",
            "/*",
            "sh '\u{fc}",
            "''''",
            "//",
        ] {
            let _ = steps(text);
        }
        assert_eq!(steps("x = ~/'/\nsh 'a'\n").len(), 1);
    }

    #[test]
    fn names() {
        assert!(is_jenkinsfile("Jenkinsfile") && is_jenkinsfile("ci.Jenkinsfile"));
        assert!(is_jenkinsfile("Jenkinsfile.nightly") && !is_jenkinsfile("JenkinsfileReader"));
    }
}
