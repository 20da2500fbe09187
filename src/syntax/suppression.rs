//! Comments that are for tools: `// readiness-ignore rule-id -- reason`, and `DO NOT EDIT` of generators.

use memchr::memmem;

use crate::source::{LineIndex, Span};

/// The word that a suppression begins with.
const WORD: &str = "readiness-ignore";

/// A generator says that it wrote a file within so many lines.
const GENERATED_WITHIN: usize = 8;

/// One suppression comment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppression {
    /// The rules it names.
    pub rules: Vec<String>,
    /// Why; empty when none is given, which is itself reported.
    pub reason: String,
    /// The comment.
    pub span: Span,
    /// The 1-based line whose findings it suppresses: its own when code stands before it, else the next line with code.
    pub line: u32,
}

/// A comment at the beginning of the text says that a program wrote it, as generators of clients and schemas do.
pub(super) fn is_generated(text: &str) -> bool {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    let mut begin = 0;
    let head = ends.take(GENERATED_WITHIN).map(|end| {
        let line = text.get(std::mem::replace(&mut begin, end)..end);
        line.unwrap_or_default().trim_start()
    });
    let mut comments = head.filter(|line| line.starts_with(['/', '*', '#']));
    comments.any(|line| {
        ["DO NOT EDIT", "DO NOT MODIFY", "@generated"]
            .iter()
            .any(|mark| line.contains(mark))
    })
}

/// Finds the suppression comments in the text of a file that is no code: YAML, `.env`, TOML, a container file, SQL, a
/// Prisma schema. Comments begin with `#`, `//`, `--` or `/*`, at the beginning of a line or behind white space, and not
/// inside quotes as far as one line shows.
#[must_use]
pub fn suppressions(text: &str) -> Vec<Suppression> {
    if memmem::find(text.as_bytes(), WORD.as_bytes()).is_none() {
        return Vec::new();
    }
    let lines = LineIndex::new(text);
    let mut comments = Vec::new();
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        if let Some((from, to)) = comment_in_line(line) {
            comments.push(span(begin + from, begin + to));
        }
        begin += line.len();
    }
    in_comments(text, &lines, &comments)
}

/// The comment of one line, without what ends it.
fn comment_in_line(line: &str) -> Option<(usize, usize)> {
    let bytes = line.as_bytes();
    let mut quote = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') if at == 0 || !bytes[at - 1].is_ascii_alphanumeric() => {
                quote = Some(byte);
            }
            (None, _) => {
                let rest = &line.as_bytes()[at..];
                let opens = [&b"#"[..], b"//", b"--", b"/*", b"<!--"]
                    .iter()
                    .any(|open| rest.starts_with(open));
                if opens && (at == 0 || bytes[at - 1].is_ascii_whitespace()) {
                    return Some((at, line.trim_end().len()));
                }
            }
        }
        at += 1;
    }
    None
}

/// Finds the suppressions among the comments of a file, which are given in order.
pub(super) fn in_comments(text: &str, lines: &LineIndex, comments: &[Span]) -> Vec<Suppression> {
    let mut found = Vec::new();
    for (at, comment) in comments.iter().enumerate() {
        let Some(content) = text.get(comment.start as usize..comment.end as usize) else {
            continue;
        };
        let Some((rules, reason)) = read(content) else {
            continue;
        };
        found.push(Suppression {
            rules,
            reason,
            span: *comment,
            line: line_of(text, lines, comments, at),
        });
    }
    found
}

/// How many of the `any` types, of which the beginnings are given, stand where a comment tells a linter why it has to let them pass.
pub(super) fn allowed_any(
    text: &str,
    lines: &LineIndex,
    comments: &[Span],
    any_types: &[u32],
) -> usize {
    if any_types.is_empty() {
        return 0;
    }
    let comments_of_linter = comments.iter().enumerate().filter(|(_, comment)| {
        let content = text.get(comment.start as usize..comment.end as usize);
        content.is_some_and(allows_any)
    });
    let allowed = comments_of_linter.map(|(at, _)| line_of(text, lines, comments, at));
    let allowed: Vec<u32> = allowed.collect();
    let places = any_types.iter();
    places
        .filter(|place| !allowed.is_empty() && allowed.contains(&lines.line(**place)))
        .count()
}

/// `biome-ignore lint/suspicious/noExplicitAny: reason`, `eslint-disable-next-line no-explicit-any -- reason`.
fn allows_any(comment: &str) -> bool {
    let reason = if comment.contains("noExplicitAny") && comment.contains("biome-ignore ") {
        comment.split_once(':').map(|(_, reason)| reason)
    } else if comment.contains("no-explicit-any")
        && ["eslint-disable-next-line", "eslint-disable-line"]
            .iter()
            .any(|word| comment.contains(word))
    {
        comment.split_once(" -- ").map(|(_, reason)| reason)
    } else {
        None
    };
    reason.is_some_and(|reason| reason.contains(char::is_alphabetic))
}

/// The rules and the reason that a comment gives; `None` when it is no suppression.
fn read(comment: &str) -> Option<(Vec<String>, String)> {
    let marks = |next| matches!(next, '/' | '*' | '#' | '-' | '<' | '!');
    let content = comment.trim_start_matches(marks);
    let rest = content
        .trim_start()
        .strip_prefix(WORD)?
        .trim_end_matches("-->")
        .trim_end_matches("*/")
        .trim_end();
    if !(rest.is_empty() || rest.starts_with(|next: char| next.is_whitespace() || next == ':')) {
        return None;
    }
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (rules, reason) = match rest.split_once("--") {
        Some((rules, reason)) => (rules, reason.trim()),
        None => (rest, ""),
    };
    let rules = rules
        .split([',', ' ', '\t', '\n', '\r'])
        .filter(|rule| !rule.is_empty())
        .map(str::to_owned)
        .collect();
    Some((rules, reason.to_owned()))
}

/// The line that the comment at `at` speaks of.
fn line_of(text: &str, lines: &LineIndex, comments: &[Span], at: usize) -> u32 {
    let own = comments.get(at).copied().unwrap_or_default();
    let first = lines.line(own.start);
    let last = lines.line(own.end.saturating_sub(1).max(own.start));
    if holds_code(text, lines, comments, first) {
        return first;
    }
    // The last line may hold code behind the comment: `/* readiness-ignore x -- y */ code()`.
    let count = u32::try_from(lines.count()).unwrap_or(u32::MAX);
    (last..=count)
        .find(|&line| holds_code(text, lines, comments, line))
        .unwrap_or(last)
}

/// True when something other than comments and the braces around a JSX comment stands on the line.
fn holds_code(text: &str, lines: &LineIndex, comments: &[Span], line: u32) -> bool {
    let Some(start) = lines.start_of(line) else {
        return false;
    };
    let end = lines
        .start_of(line + 1)
        .unwrap_or_else(|| u32::try_from(text.len()).unwrap_or(u32::MAX));
    let mut at = start;
    let mut code = String::new();
    let mut seen_comment = false;
    let from = comments.partition_point(|comment| comment.end <= start);
    for comment in comments[from..]
        .iter()
        .take_while(|comment| comment.start < end)
    {
        code.push_str(
            text.get(at as usize..comment.start as usize)
                .unwrap_or("")
                .trim(),
        );
        at = comment.end.min(end);
        seen_comment = true;
    }
    code.push_str(text.get(at as usize..end as usize).unwrap_or("").trim());
    let is_jsx_comment = seen_comment && matches!(code.as_str(), "{}" | "{" | "}");
    !code.is_empty() && !is_jsx_comment
}

fn span(start: usize, end: usize) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(offset(start), offset(end))
}

#[cfg(test)]
mod tests {
    use super::{Suppression, suppressions};
    use crate::source::{RepoPath, SourceFile};
    use crate::syntax::{ParseOptions, PatternSet, parse_module};

    fn in_code(text: &str) -> Vec<Suppression> {
        let patterns = PatternSet::default();
        let file = SourceFile::new(RepoPath::new("a.tsx"), text);
        parse_module(
            &file,
            ParseOptions {
                patterns: &patterns,
            },
        )
        .suppressions
    }

    #[track_caller]
    fn one(found: &[Suppression], rules: &[&str], reason: &str, line: u32) {
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].rules, rules);
        assert_eq!(found[0].reason, reason);
        assert_eq!(found[0].line, line);
    }

    #[test]
    fn generators_say_so_at_the_top() {
        for head in [
            "// Code generated by protoc-gen-es. DO NOT EDIT.\n",
            "/*\n * Code generated by a tool. DO NOT EDIT.\n */\n",
            "\n/* eslint-disable */\n// @generated\n",
            "/**\n * This file was automatically generated.\n * DO NOT MODIFY IT BY HAND.\n */\n",
        ] {
            assert!(super::is_generated(head), "{head}");
        }
        for head in [
            "export const NOTE = 'DO NOT EDIT';\n",
            "// edited by hand\n",
            "\n\n\n\n\n\n\n\n\n// @generated\n",
        ] {
            assert!(!super::is_generated(head), "{head}");
        }
    }

    #[test]
    fn a_comment_above_speaks_of_the_next_code() {
        one(
            &in_code(
                "// readiness-ignore missing-auth -- public feed\n\n// more\nexport function GET() {}",
            ),
            &["missing-auth"],
            "public feed",
            4,
        );
        one(
            &in_code("/* readiness-ignore a, b -- why\n   not */\nf()"),
            &["a", "b"],
            "why\n   not",
            3,
        );
        one(
            &in_code("/* readiness-ignore a -- x */ f()"),
            &["a"],
            "x",
            1,
        );
    }

    #[test]
    fn a_comment_behind_code_speaks_of_its_own_line() {
        one(
            &in_code("a()\nb() // readiness-ignore r -- x\nc()"),
            &["r"],
            "x",
            2,
        );
    }

    #[test]
    fn a_comment_in_jsx_speaks_of_the_next_element() {
        one(
            &in_code("const a = <div>\n  {/* readiness-ignore r -- x */}\n  <b />\n</div>"),
            &["r"],
            "x",
            3,
        );
    }

    #[test]
    fn strings_are_no_comments() {
        assert!(
            in_code(
                "const a = '// readiness-ignore r -- x'; const b = `\n// readiness-ignore r -- x\n`"
            )
            .is_empty()
        );
        assert!(in_code("// readiness-ignored r").is_empty());
        assert!(in_code("// see readiness-ignore").is_empty());
    }

    #[test]
    fn a_missing_reason_is_kept_empty() {
        one(&in_code("// readiness-ignore r\nf()"), &["r"], "", 2);
        one(&in_code("// readiness-ignore\nf()"), &[], "", 2);
    }

    #[test]
    fn other_files_have_comments_of_their_own() {
        one(
            &suppressions("a: 1\n# readiness-ignore r -- x\n# more\nb: 2\n"),
            &["r"],
            "x",
            4,
        );
        one(
            &suppressions("a: 1 # readiness-ignore r -- x"),
            &["r"],
            "x",
            1,
        );
        one(
            &suppressions("-- readiness-ignore r -- x\nselect 1;"),
            &["r"],
            "x",
            2,
        );
        one(
            &suppressions("<!-- readiness-ignore r -- x -->\ntext"),
            &["r"],
            "x",
            2,
        );
        assert!(suppressions("a: '# readiness-ignore r -- x'").is_empty());
        assert!(suppressions("url: a//readiness-ignore r").is_empty());
    }

    #[test]
    fn the_last_line_may_have_nothing_behind_it() {
        one(&in_code("f()\n// readiness-ignore r -- x"), &["r"], "x", 2);
    }
}
