//! The patterns of rules: ast-grep's pattern language over tree-sitter, and plain regular expressions over the text.
//!
//! Every pattern stands behind a literal that a matching text must hold, so that tree-sitter reads only the files that
//! can match; all code patterns of a file share one parse and one walk. tree-sitter's grammar misreads calls with type
//! arguments (`await f<T>(x)` as `(await f)<T>(x)`), so type arguments of calls are blanked before it sees the text:
//! a pattern `f($X)` matches `f<T>(y)`.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use ast_grep_core::matcher::MatcherExt;
use ast_grep_core::meta_var::MetaVariable;
use ast_grep_core::tree_sitter::StrDoc;
use ast_grep_core::{AstGrep, Matcher, NodeMatch, Pattern};
use fancy_regex::Regex;
use memchr::memmem::Finder;
use rustc_hash::FxHashMap;

use crate::source::{SourceFile, Span};

use super::grammar::Grammar;

/// A pattern as a rule writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PatternSource {
    /// ast-grep's pattern language: `$L.limit($$$)`.
    Code(String),
    /// A regular expression over the file's text.
    Text(String),
}

/// A pattern that cannot be compiled, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(pub String);

/// Compiled patterns, numbered in the order in which they were added.
#[derive(Debug, Default)]
pub struct PatternSet {
    code: Vec<CodePattern>,
    text: Vec<TextPattern>,
    next: u32,
    /// Finds whether a text holds any literal of the patterns; `None` when some pattern has none. Made when first asked.
    any_literal: OnceLock<Option<AhoCorasick>>,
}

/// Where a pattern matched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatternMatch {
    /// The pattern's number in its set.
    pub pattern: u32,
    /// The matched text.
    pub span: Span,
    /// What the named metavariables or groups took, by name. `$$$ARGS` holds its list as written.
    pub captures: Box<[(Box<str>, Box<str>)]>,
}

#[derive(Debug)]
struct CodePattern {
    number: u32,
    literal: Option<Finder<'static>>,
    /// One per grammar, in the order of [`Grammar::ALL`]: node kinds are numbered differently in each.
    patterns: [Pattern; 2],
}

#[derive(Debug)]
struct TextPattern {
    number: u32,
    literal: Option<Finder<'static>>,
    regex: Regex,
    /// Indices of the groups that have a name.
    groups: Box<[(Box<str>, usize)]>,
}

impl PatternSet {
    /// Compiles a pattern and returns its number.
    ///
    /// # Errors
    /// When the pattern is no single piece of TypeScript or no regular expression, or could never match.
    pub fn add(&mut self, source: &PatternSource) -> Result<u32, PatternError> {
        let number = self.next;
        self.any_literal = OnceLock::new();
        match source {
            PatternSource::Code(text) => self.code.push(CodePattern::compile(number, text)?),
            PatternSource::Text(text) => self.text.push(TextPattern::compile(number, text)?),
        }
        self.next += 1;
        Ok(number)
    }

    /// How many patterns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.code.len() + self.text.len()
    }

    /// True when there is no pattern.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the text patterns match in a file that is no code, in order of place, then number.
    #[must_use]
    pub fn scan_text(&self, text: &str) -> Vec<PatternMatch> {
        let mut matches = Vec::new();
        let Some(from) = self.first_literal(text) else {
            return matches;
        };
        for pattern in &self.text {
            pattern.scan(text, from, &mut matches);
        }
        sort(&mut matches);
        matches
    }

    /// Where the first of the literals may stand. Most files hold none of them, which one search for all of them tells.
    fn first_literal(&self, text: &str) -> Option<usize> {
        let any = self.any_literal.get_or_init(|| {
            let of_text = self.text.iter().map(|pattern| pattern.literal.as_ref());
            let of_code = self.code.iter().map(|pattern| pattern.literal.as_ref());
            let literals: Option<Vec<&[u8]>> = of_text
                .chain(of_code)
                .map(|literal| literal.map(Finder::needle))
                .collect();
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(literals?)
                .ok()
        });
        match any {
            Some(any) => any.find(text).map(|found| found.start()),
            None => Some(0),
        }
    }

    /// Where all patterns match in a file of code. `type_arguments` are those of its calls.
    pub(super) fn scan_code(
        &self,
        file: &SourceFile,
        type_arguments: &[Span],
    ) -> Vec<PatternMatch> {
        let mut matches = Vec::new();
        let Some(from) = self.first_literal(&file.text) else {
            return matches;
        };
        for pattern in &self.text {
            pattern.scan(&file.text, from, &mut matches);
        }
        let bytes = &file.text.as_bytes()[from..];
        let candidates: Vec<&CodePattern> = self
            .code
            .iter()
            .filter(|pattern| may_match(pattern.literal.as_ref(), bytes))
            .collect();
        if !candidates.is_empty() {
            scan_tree(file, type_arguments, &candidates, &mut matches);
        }
        sort(&mut matches);
        matches
    }
}

fn sort(matches: &mut [PatternMatch]) {
    matches.sort_by_key(|found| (found.span, found.pattern));
}

fn may_match(literal: Option<&Finder<'static>>, text: &[u8]) -> bool {
    literal.is_none_or(|literal| literal.find(text).is_some())
}

/// One parse and one walk for all patterns.
fn scan_tree(
    file: &SourceFile,
    type_arguments: &[Span],
    candidates: &[&CodePattern],
    matches: &mut Vec<PatternMatch>,
) {
    let grammar = Grammar::of(file.path.extension());
    let src = blank(&file.text, type_arguments);
    let Some(tree) = grammar.parse(&src) else {
        return;
    };
    let index = usize::from(grammar == Grammar::ALL[1]);
    let mut by_kind: FxHashMap<u16, Vec<(u32, &Pattern)>> = FxHashMap::default();
    let mut of_any_kind = Vec::new();
    for candidate in candidates {
        let pattern = &candidate.patterns[index];
        match pattern.potential_kinds() {
            Some(kinds) => {
                for kind in kinds.iter().filter_map(|kind| u16::try_from(kind).ok()) {
                    by_kind
                        .entry(kind)
                        .or_default()
                        .push((candidate.number, pattern));
                }
            }
            None => of_any_kind.push((candidate.number, pattern)),
        }
    }
    let root = AstGrep::doc(StrDoc {
        src,
        lang: grammar,
        tree,
    });
    for node in root.root().dfs() {
        let of_kind = by_kind.get(&node.kind_id()).map_or(&[][..], Vec::as_slice);
        for &(number, pattern) in of_kind.iter().chain(&of_any_kind) {
            if let Some(found) = pattern.match_node(node.clone()) {
                let range = found.range();
                matches.push(PatternMatch {
                    pattern: number,
                    span: span(range.start, range.end),
                    captures: captures(&file.text, &found),
                });
            }
        }
    }
}

fn captures(text: &str, found: &NodeMatch<'_, StrDoc<Grammar>>) -> Box<[(Box<str>, Box<str>)]> {
    let env = found.get_env();
    let mut captures = Vec::new();
    for variable in env.get_matched_variables() {
        let (name, range) = match variable {
            MetaVariable::Capture(name, _) => {
                let range = env.get_match(&name).map(|node| node.range());
                (name, range)
            }
            MetaVariable::MultiCapture(name) => {
                let nodes = env.get_multiple_matches(&name);
                let range = match (nodes.first(), nodes.last()) {
                    (Some(first), Some(last)) => Some(first.range().start..last.range().end),
                    _ => None,
                };
                (name, range)
            }
            MetaVariable::Dropped(_) | MetaVariable::Multiple => continue,
        };
        let taken = range.and_then(|range| text.get(range)).unwrap_or("");
        captures.push((name.into_boxed_str(), Box::from(taken)));
    }
    captures.sort();
    captures.into_boxed_slice()
}

/// The text with the spans replaced by blanks, so that every offset stays what it is.
fn blank(text: &str, spans: &[Span]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        if let Some(part) = bytes.get_mut(span.start as usize..span.end as usize) {
            for byte in part {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn span(start: usize, end: usize) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(offset(start), offset(end))
}

impl CodePattern {
    fn compile(number: u32, text: &str) -> Result<Self, PatternError> {
        let compile = |grammar: Grammar| {
            check_syntax(grammar, text)?;
            Pattern::try_new(text, grammar)
                .map_err(|error| PatternError(format!("pattern `{text}`: {error}")))
        };
        let patterns = [compile(Grammar::ALL[0])?, compile(Grammar::ALL[1])?];
        if patterns
            .iter()
            .any(|pattern| pattern.potential_kinds().is_none())
        {
            return Err(PatternError(format!(
                "pattern `{text}` matches everything; it needs a fixed part beside its metavariables"
            )));
        }
        let fixed = patterns[0].fixed_string();
        let literal = (!fixed.is_empty()).then(|| Finder::new(fixed.as_bytes()).into_owned());
        Ok(Self {
            number,
            literal,
            patterns,
        })
    }
}

/// Refuses what the grammar cannot read, and type arguments of calls, which are blanked in the code.
fn check_syntax(grammar: Grammar, text: &str) -> Result<(), PatternError> {
    let Some(tree) = grammar.parse(text) else {
        return Err(PatternError(format!(
            "pattern `{text}` takes too long to parse"
        )));
    };
    if tree.root_node().has_error() {
        return Err(PatternError(format!(
            "pattern `{text}` is not a complete expression or statement"
        )));
    }
    let mut pending = vec![tree.root_node()];
    while let Some(node) = pending.pop() {
        let is_call = matches!(
            node.kind(),
            "call_expression" | "new_expression" | "instantiation_expression"
        );
        for at in 0..node.child_count() {
            let Some(child) = node.child(at) else {
                continue;
            };
            if is_call && child.kind() == "type_arguments" {
                return Err(PatternError(format!(
                    "pattern `{text}`: leave the type arguments of calls out; a pattern without them matches calls with and without"
                )));
            }
            pending.push(child);
        }
    }
    Ok(())
}

impl TextPattern {
    fn compile(number: u32, text: &str) -> Result<Self, PatternError> {
        let regex = Regex::new(text)
            .map_err(|error| PatternError(format!("regular expression `{text}`: {error}")))?;
        if matches!(regex.is_match(""), Ok(true)) {
            return Err(PatternError(format!(
                "regular expression `{text}` matches the empty text, and so everywhere"
            )));
        }
        let groups = regex
            .capture_names()
            .enumerate()
            .filter_map(|(at, name)| Some((Box::from(name?), at)))
            .collect();
        let literal = required_literal(text).map(|literal| Finder::new(&literal).into_owned());
        Ok(Self {
            number,
            literal,
            regex,
            groups,
        })
    }

    /// No literal of any pattern stands before `from`.
    fn scan(&self, text: &str, from: usize, matches: &mut Vec<PatternMatch>) {
        if !may_match(self.literal.as_ref(), &text.as_bytes()[from..]) {
            return;
        }
        // An error is the backtracking limit: what was found until then stands.
        for found in self.regex.captures_iter(text).map_while(Result::ok) {
            let Some(whole) = found.get(0) else { continue };
            let captures = self.groups.iter().filter_map(|(name, at)| {
                let group = found.get(*at)?;
                Some((name.clone(), Box::from(group.as_str())))
            });
            matches.push(PatternMatch {
                pattern: self.number,
                span: span(whole.start(), whole.end()),
                captures: captures.collect(),
            });
        }
    }
}

/// The longest run of plain characters that every match of the regular expression holds. `None` when there is none that
/// is easily seen: alternatives at the top, case-insensitivity, verbose mode.
fn required_literal(regex: &str) -> Option<String> {
    let mut best = String::new();
    let mut run = String::new();
    let mut depth = 0_u32;
    let mut chars = regex.chars().peekable();
    while let Some(char) = chars.next() {
        let mut plain = None;
        match char {
            '(' => {
                // Inline flags may change what a letter means.
                let rest: String = chars.clone().take_while(|&next| next != ')').collect();
                let is_flags = rest.strip_prefix('?').is_some_and(|flags| {
                    flags.starts_with(|first: char| first.is_ascii_lowercase() || first == '-')
                });
                if is_flags {
                    return None;
                }
                depth += 1;
            }
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return None,
            '[' => {
                // A class ends at the first `]` that is not its first character.
                let mut first = true;
                if chars.peek() == Some(&'^') {
                    chars.next();
                }
                let mut nested = 0_u32;
                while let Some(inside) = chars.next() {
                    match inside {
                        '\\' => {
                            chars.next();
                        }
                        '[' => nested += 1,
                        ']' if nested > 0 => nested -= 1,
                        ']' if !first => break,
                        _ => {}
                    }
                    first = false;
                }
            }
            '\\' => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => plain = Some(escaped),
                Some('u' | 'x' | 'p' | 'P' | 'k') if chars.peek() == Some(&'{') => {
                    chars.by_ref().find(|&next| next == '}');
                }
                // `\x41`, back references and the like: what follows is not plain text.
                Some('u' | 'x' | 'p' | 'P' | 'k' | 'g' | '0'..='9') => return None,
                _ => {}
            },
            '?' | '*' => {
                // The character before may be missing.
                run.pop();
            }
            '{' => {
                run.pop();
                chars.by_ref().find(|&next| next == '}');
            }
            '.' | '^' | '$' | '+' | '|' => {}
            other => plain = Some(other),
        }
        match plain {
            Some(plain) if depth == 0 => {
                run.push(plain);
                let optional = matches!(chars.peek(), Some('?' | '*' | '{'));
                if run.len() > best.len() && !optional {
                    best.clone_from(&run);
                }
            }
            _ => run.clear(),
        }
    }
    (best.len() >= 2).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::{PatternMatch, PatternSet, PatternSource, required_literal};
    use crate::source::{RepoPath, SourceFile};
    use crate::syntax::{ParseOptions, parse_module};

    fn scan(path: &str, text: &str, patterns: &[PatternSource]) -> Vec<PatternMatch> {
        let mut set = PatternSet::default();
        for (at, pattern) in patterns.iter().enumerate() {
            assert_eq!(set.add(pattern), Ok(u32::try_from(at).unwrap()));
        }
        let file = SourceFile::new(RepoPath::new(path), text);
        parse_module(&file, ParseOptions { patterns: &set }).matches
    }

    fn code(text: &str) -> PatternSource {
        PatternSource::Code(text.to_owned())
    }

    #[track_caller]
    fn matched(path: &str, text: &str, pattern: &str, expected: &[&str]) {
        let found = scan(path, text, &[code(pattern)]);
        let texts: Vec<&str> = found
            .iter()
            .map(|each| &text[each.span.start as usize..each.span.end as usize])
            .collect();
        assert_eq!(texts, expected, "{pattern} in {text}");
    }

    #[test]
    fn code_patterns_match_structure_not_text() {
        let text = "a.limit( x , y ); 'a.limit(1)'; // a.limit(2)\nb.limit()";
        matched(
            "a.ts",
            text,
            "$L.limit($$$)",
            &["a.limit( x , y )", "b.limit()"],
        );
        matched(
            "a.tsx",
            text,
            "$L.limit($$$)",
            &["a.limit( x , y )", "b.limit()"],
        );
        matched("a.ts", "eval(a); evaluate(b)", "eval($X)", &["eval(a)"]);
    }

    #[test]
    fn type_arguments_do_not_hide_calls() {
        matched(
            "a.ts",
            "const r = await get<Row[]>(x)",
            "await $C",
            &["await get<Row[]>(x)"],
        );
        matched(
            "a.ts",
            "await db.$queryRaw<Row[]>(q)",
            "$D.$queryRaw($Q)",
            &["db.$queryRaw<Row[]>(q)"],
        );
        matched(
            "a.tsx",
            "const q = sql<Map<string, X[]>>`select ${id}`",
            "sql`$$$`",
            &["sql<Map<string, X[]>>`select ${id}`"],
        );
        matched(
            "a.ts",
            "new Map<string, number>(x)",
            "new Map($X)",
            &["new Map<string, number>(x)"],
        );
    }

    #[test]
    fn captures_hold_the_original_text() {
        let found = scan(
            "a.ts",
            "run(f<T>(1), 2, 3)",
            &[code("run($FIRST, $$$REST)")],
        );
        let captures: Vec<(&str, &str)> = found[0]
            .captures
            .iter()
            .map(|(name, text)| (&**name, &**text))
            .collect();
        assert_eq!(captures, [("FIRST", "f<T>(1)"), ("REST", "2, 3")]);
    }

    #[test]
    fn several_patterns_come_in_order_of_place() {
        let found = scan(
            "a.ts",
            "one(1); two(2); one(3) // TODO: x",
            &[
                code("two($X)"),
                code("one($X)"),
                PatternSource::Text("TODO: (?<what>\\w+)".into()),
            ],
        );
        let numbers: Vec<u32> = found.iter().map(|each| each.pattern).collect();
        assert_eq!(numbers, [1, 0, 1, 2]);
        assert_eq!(&*found[3].captures, &[("what".into(), "x".into())]);
    }

    #[test]
    fn text_patterns_read_other_files() {
        let mut set = PatternSet::default();
        set.add(&code("eval($X)")).unwrap();
        set.add(&PatternSource::Text(r"AKIA[0-9A-Z]{16}".into()))
            .unwrap();
        let found = set.scan_text("key: AKIAABCDEFGHIJKLMNOP eval(x)");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].pattern, found[0].span.start), (1, 5));
    }

    #[test]
    fn mistakes_are_refused() {
        let mut set = PatternSet::default();
        for bad in ["foo(", "$X", "f<$T>($X)", "a b c", "", "$$$A"] {
            assert!(set.add(&code(bad)).is_err(), "{bad}");
        }
        for bad in ["(", "a*", ""] {
            assert!(set.add(&PatternSource::Text(bad.into())).is_err(), "{bad}");
        }
        assert!(set.is_empty());
        assert_eq!(set.add(&code("f($X)")), Ok(0));
    }

    #[test]
    fn the_literal_is_one_that_every_match_holds() {
        let literal = |regex: &str| required_literal(regex).unwrap_or_default();
        assert_eq!(literal(r"AKIA[0-9A-Z]{16}"), "AKIA");
        assert_eq!(literal(r"\bsk_live_\w+"), "sk_live_");
        assert_eq!(literal(r"colou?r"), "colo");
        assert_eq!(literal(r"ab{0,3}cde"), "cde");
        assert_eq!(literal(r"(foo|bar)bazz"), "bazz");
        assert_eq!(literal(r"foo|bar"), "");
        assert_eq!(literal(r"(?i)secret"), "");
        assert_eq!(literal(r"x(?:token)?=abc"), "=abc");
        assert_eq!(literal(r"[^]a]bcd\.ef"), "bcd.ef");
        assert_eq!(literal(r"aaa+bb"), "aaa");
        assert_eq!(literal(r"\x41bcd"), "");
    }
}
