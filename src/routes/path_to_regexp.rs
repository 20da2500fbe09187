//! path-to-regexp 6, as Next.js bundles it: a path pattern becomes the text of a JavaScript regular expression, which is
//! then rewritten for the Rust engine.
//!
//! A port of the lexer, the parser and `tokensToRegexp`, with the same error texts, so that the regular expressions can
//! be compared with Next.js's own letter by letter.

use super::MatcherError;

/// How a pattern is read: the options that Next.js varies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    /// Characters that end a segment.
    pub(super) delimiters: &'static str,
    /// No optional trailing delimiter.
    pub(super) strict: bool,
}

/// The library's defaults, used for middleware matchers.
pub(super) const DEFAULT_SYNTAX: Syntax = Syntax {
    delimiters: "/#?",
    strict: false,
};

/// What Next.js passes for the `source` of headers, redirects and rewrites.
pub(super) const CUSTOM_ROUTE_SYNTAX: Syntax = Syntax {
    delimiters: "/",
    strict: true,
};

/// Characters that may stand before a parameter as part of it.
const PREFIXES: &str = "./";

#[derive(Clone, PartialEq, Eq, Debug)]
enum Lexeme {
    Open,
    Close,
    Pattern(String),
    Name(String),
    Char(char),
    Escaped(Option<char>),
    Modifier(char),
    End,
}

impl Lexeme {
    fn word(&self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Close => "CLOSE",
            Self::Pattern(_) => "PATTERN",
            Self::Name(_) => "NAME",
            Self::Char(_) => "CHAR",
            Self::Escaped(_) => "ESCAPED_CHAR",
            Self::Modifier(_) => "MODIFIER",
            Self::End => "END",
        }
    }
}

/// A part of a parsed pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Text(String),
    Parameter {
        name: String,
        prefix: String,
        suffix: String,
        pattern: String,
        modifier: Option<char>,
    },
}

fn error(text: String) -> MatcherError {
    MatcherError(text)
}

fn lex(source: &[char]) -> Result<Vec<(Lexeme, usize)>, MatcherError> {
    let mut lexemes = Vec::new();
    let mut at = 0;
    while let Some(&current) = source.get(at) {
        match current {
            '*' | '+' | '?' => lexemes.push((Lexeme::Modifier(current), at)),
            '\\' => {
                lexemes.push((Lexeme::Escaped(source.get(at + 1).copied()), at));
                at += 1;
            }
            '{' => lexemes.push((Lexeme::Open, at)),
            '}' => lexemes.push((Lexeme::Close, at)),
            ':' => {
                let name: String = source
                    .iter()
                    .skip(at + 1)
                    .take_while(|c| c.is_ascii_alphanumeric() || **c == '_')
                    .collect();
                if name.is_empty() {
                    return Err(error(format!("Missing parameter name at {at}")));
                }
                let length = name.len();
                lexemes.push((Lexeme::Name(name), at));
                at += length;
            }
            '(' => {
                let (pattern, next) = lex_group(source, at)?;
                lexemes.push((Lexeme::Pattern(pattern), at));
                at = next - 1;
            }
            other => lexemes.push((Lexeme::Char(other), at)),
        }
        at += 1;
    }
    lexemes.push((Lexeme::End, at));
    Ok(lexemes)
}

/// Reads the group that begins at `open` and answers its inside and the offset behind it.
fn lex_group(source: &[char], open: usize) -> Result<(String, usize), MatcherError> {
    let mut at = open + 1;
    if source.get(at) == Some(&'?') {
        return Err(error(format!("Pattern cannot start with \"?\" at {at}")));
    }
    let mut depth = 1_usize;
    let mut pattern = String::new();
    while let Some(&current) = source.get(at) {
        if current == '\\' {
            pattern.push(current);
            pattern.extend(source.get(at + 1));
            at += 2;
            continue;
        }
        if current == ')' {
            depth -= 1;
            if depth == 0 {
                at += 1;
                break;
            }
        } else if current == '(' {
            depth += 1;
            if source.get(at + 1) != Some(&'?') {
                return Err(error(format!("Capturing groups are not allowed at {at}")));
            }
        }
        pattern.push(current);
        at += 1;
    }
    if depth > 0 {
        return Err(error(format!("Unbalanced pattern at {open}")));
    }
    if pattern.is_empty() {
        return Err(error(format!("Missing pattern at {open}")));
    }
    Ok((pattern, at))
}

/// The parser's place in the lexemes.
struct Parser<'a> {
    lexemes: &'a [(Lexeme, usize)],
    at: usize,
    tokens: Vec<Token>,
    unnamed: usize,
    delimiters: &'static str,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Lexeme> {
        self.lexemes.get(self.at).map(|(lexeme, _)| lexeme)
    }

    fn char(&mut self) -> Option<char> {
        let Some(Lexeme::Char(c)) = self.peek() else {
            return None;
        };
        let c = *c;
        self.at += 1;
        Some(c)
    }

    fn escaped(&mut self) -> Option<char> {
        let Some(Lexeme::Escaped(Some(c))) = self.peek() else {
            return None;
        };
        let c = *c;
        self.at += 1;
        Some(c)
    }

    fn name(&mut self) -> Option<String> {
        let Some(Lexeme::Name(name)) = self.peek() else {
            return None;
        };
        let name = name.clone();
        self.at += 1;
        Some(name)
    }

    fn pattern(&mut self) -> Option<String> {
        let Some(Lexeme::Pattern(pattern)) = self.peek() else {
            return None;
        };
        let pattern = pattern.clone();
        self.at += 1;
        Some(pattern)
    }

    fn modifier(&mut self) -> Option<char> {
        let Some(Lexeme::Modifier(modifier)) = self.peek() else {
            return None;
        };
        let modifier = *modifier;
        self.at += 1;
        Some(modifier)
    }

    fn take(&mut self, wanted: &Lexeme) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += 1;
        }
        found
    }

    fn must(&mut self, wanted: &Lexeme) -> Result<(), MatcherError> {
        if self.take(wanted) {
            return Ok(());
        }
        let (found, at) = self
            .lexemes
            .get(self.at)
            .map_or(("END", self.at), |(lexeme, at)| (lexeme.word(), *at));
        Err(error(format!(
            "Unexpected {found} at {at}, expected {}",
            wanted.word()
        )))
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.char().or_else(|| self.escaped()) {
            text.push(c);
        }
        text
    }

    /// The pattern of a parameter that has none of its own: up to the next delimiter, and not over the text before it.
    fn default_pattern(&self, prefix: &str) -> Result<String, MatcherError> {
        let before = match self.tokens.last() {
            Some(Token::Text(text)) => text.as_str(),
            Some(Token::Parameter { name, .. }) if prefix.is_empty() => {
                return Err(error(format!(
                    "Must have text between two parameters, missing text after \"{name}\""
                )));
            }
            _ => "",
        };
        let before = if prefix.is_empty() { before } else { prefix };
        let delimiters = escape(self.delimiters);
        if before.is_empty() || before.contains(|c| self.delimiters.contains(c)) {
            return Ok(format!("[^{delimiters}]+?"));
        }
        Ok(format!("(?:(?!{})[^{delimiters}])+?", escape(before)))
    }

    fn unnamed(&mut self) -> String {
        self.unnamed += 1;
        (self.unnamed - 1).to_string()
    }

    fn flush(&mut self, text: &mut String) {
        if !text.is_empty() {
            self.tokens.push(Token::Text(std::mem::take(text)));
        }
    }
}

fn parse(source: &str, syntax: Syntax) -> Result<Vec<Token>, MatcherError> {
    let characters: Vec<char> = source.chars().collect();
    let lexemes = lex(&characters)?;
    let mut parser = Parser {
        lexemes: &lexemes,
        at: 0,
        tokens: Vec::new(),
        unnamed: 0,
        delimiters: syntax.delimiters,
    };
    let mut text = String::new();
    while parser.at < lexemes.len() {
        let character = parser.char();
        let name = parser.name();
        let pattern = parser.pattern();
        if name.is_some() || pattern.is_some() {
            let mut prefix = String::new();
            match character {
                Some(c) if PREFIXES.contains(c) => prefix.push(c),
                Some(c) => text.push(c),
                None => {}
            }
            parser.flush(&mut text);
            let name = name.unwrap_or_else(|| parser.unnamed());
            let pattern = match pattern {
                Some(pattern) => pattern,
                None => parser.default_pattern(&prefix)?,
            };
            let modifier = parser.modifier();
            parser.tokens.push(Token::Parameter {
                name,
                prefix,
                suffix: String::new(),
                pattern,
                modifier,
            });
            continue;
        }
        if let Some(c) = character.or_else(|| parser.escaped()) {
            text.push(c);
            continue;
        }
        parser.flush(&mut text);
        if parser.take(&Lexeme::Open) {
            let prefix = parser.text();
            let name = parser.name();
            let pattern = parser.pattern();
            let suffix = parser.text();
            parser.must(&Lexeme::Close)?;
            let pattern = match (&name, pattern) {
                (_, Some(pattern)) => pattern,
                (Some(_), None) => parser.default_pattern(&prefix)?,
                (None, None) => String::new(),
            };
            let name = match name {
                Some(name) => name,
                None if pattern.is_empty() => String::new(),
                None => parser.unnamed(),
            };
            let modifier = parser.modifier();
            parser.tokens.push(Token::Parameter {
                name,
                prefix,
                suffix,
                pattern,
                modifier,
            });
            continue;
        }
        parser.must(&Lexeme::End)?;
    }
    Ok(parser.tokens)
}

/// Backslashes before everything that means something in a regular expression.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 4);
    for c in text.chars() {
        if ".+*?=^!:${}()[]|/\\".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn to_regexp(tokens: &[Token], syntax: Syntax) -> Result<String, MatcherError> {
    let mut regexp = String::from("^");
    for token in tokens {
        let (name, prefix, suffix, pattern, modifier) = match token {
            Token::Text(text) => {
                regexp += &escape(text);
                continue;
            }
            Token::Parameter {
                name,
                prefix,
                suffix,
                pattern,
                modifier,
            } => (name, escape(prefix), escape(suffix), pattern, *modifier),
        };
        let repeats = matches!(modifier, Some('+' | '*'));
        let sign = modifier.map(String::from).unwrap_or_default();
        if pattern.is_empty() {
            regexp += &format!("(?:{prefix}{suffix}){sign}");
        } else if prefix.is_empty() && suffix.is_empty() {
            if repeats {
                return Err(error(format!(
                    "Can not repeat \"{name}\" without a prefix and suffix"
                )));
            }
            regexp += &format!("({pattern}){sign}");
        } else if repeats {
            let optional = if modifier == Some('*') { "?" } else { "" };
            regexp += &format!(
                "(?:{prefix}((?:{pattern})(?:{suffix}{prefix}(?:{pattern}))*){suffix}){optional}"
            );
        } else {
            regexp += &format!("(?:{prefix}({pattern}){suffix}){sign}");
        }
    }
    if !syntax.strict {
        regexp += &format!("[{}]?", escape(syntax.delimiters));
    }
    regexp.push('$');
    Ok(regexp)
}

/// Next.js's second try: a repeated parameter without prefix and suffix gets `/` as its prefix.
fn with_prefixes(tokens: &[Token]) -> Vec<Token> {
    let mut tokens = tokens.to_vec();
    for token in &mut tokens {
        if let Token::Parameter {
            prefix,
            suffix,
            modifier: Some('+' | '*'),
            ..
        } = token
            && prefix.is_empty()
            && suffix.is_empty()
        {
            prefix.push('/');
        }
    }
    tokens
}

/// The JavaScript regular expression for a path pattern, as `RegExp.prototype.source` prints it.
///
/// # Errors
/// When path-to-regexp refuses the pattern; the text is its own.
pub(super) fn regexp_source(source: &str, syntax: Syntax) -> Result<String, MatcherError> {
    let tokens = parse(source, syntax)?;
    let regexp =
        to_regexp(&tokens, syntax).or_else(|_| to_regexp(&with_prefixes(&tokens), syntax))?;
    Ok(escape_slashes(&regexp))
}

/// `RegExp.prototype.source` escapes a slash that is neither escaped already nor in a class.
fn escape_slashes(regexp: &str) -> String {
    let mut out = String::with_capacity(regexp.len());
    let mut escaped = false;
    let mut in_class = false;
    for c in regexp.chars() {
        if escaped {
            escaped = false;
        } else {
            match c {
                '\\' => escaped = true,
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => out.push('\\'),
                _ => {}
            }
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{CUSTOM_ROUTE_SYNTAX, DEFAULT_SYNTAX, regexp_source};

    #[test]
    fn the_library_s_own_examples() {
        let regexp = |source: &str| regexp_source(source, DEFAULT_SYNTAX).unwrap();
        assert_eq!(regexp("/about"), r"^\/about[\/#\?]?$");
        assert_eq!(regexp("/user/:id(\\d+)"), r"^\/user(?:\/(\d+))[\/#\?]?$");
        assert_eq!(
            regexp("/api/:path*"),
            r"^\/api(?:\/((?:[^\/#\?]+?)(?:\/(?:[^\/#\?]+?))*))?[\/#\?]?$"
        );
        assert_eq!(
            regexp("/:name-:id"),
            r"^(?:\/([^\/#\?]+?))-((?:(?!-)[^\/#\?])+?)[\/#\?]?$"
        );
        assert_eq!(
            regexp_source("/(.*)", CUSTOM_ROUTE_SYNTAX).unwrap(),
            r"^(?:\/(.*))$"
        );
    }

    #[test]
    fn refuses_with_the_library_s_words() {
        let refused = |source: &str| regexp_source(source, DEFAULT_SYNTAX).unwrap_err().0;
        assert_eq!(refused("/:"), "Missing parameter name at 1");
        assert_eq!(refused("/(a"), "Unbalanced pattern at 1");
        assert_eq!(refused("/((a))"), "Capturing groups are not allowed at 2");
        assert_eq!(
            refused("/:a:b"),
            "Must have text between two parameters, missing text after \"a\""
        );
        assert_eq!(refused("/a}"), "Unexpected CLOSE at 2, expected END");
    }
}
