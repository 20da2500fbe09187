//! A linear look at a file's nesting before a recursive parser sees it.
//!
//! A recursive-descent parser uses stack per level and, at some constructs (`a<a<a<`, `async(a=async(a=`), time that grows
//! with the square of the depth. The scan here counts brackets, open JSX elements, unclosed `<` and the length of chains of
//! operators and keywords (`!!!!`, `a=>a=>`, `if(a)if(a)`). It skips strings, templates, regular expressions and comments.
//! It is no parser, and hostile text can mislead it about what is a string; so whatever it discards is counted too, and
//! that count is bounded as well.

/// How deep a file nests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Nesting {
    /// Any stack will do.
    Ordinary,
    /// A large stack is needed.
    Deep,
    /// Too deep to be parsed; holds why.
    Refused(String),
}

/// Deepest nesting of brackets and elements that is parsed. Real files reach 119.
const MAX_DEPTH: usize = 512;

/// Most levels or operators that may be discarded or hidden in strings.
const MAX_LOST: u32 = 2_000;

/// Longest chain of operators and words without a separator, over all open brackets.
const MAX_CHAIN: u32 = 20_000;

/// Most operators inside strings, templates and regular expressions.
const MAX_HIDDEN: u32 = 100_000;

/// Most brackets opened below level 128.
const MAX_DEEP_BRACKETS: u32 = 20_000;

/// Bound for the sum of the squares of unclosed `<` per statement.
const MAX_ANGLE_COST: u64 = 1 << 20;

/// From here on the parser gets a large stack.
const DEEP_BRACKETS: usize = 64;
const DEEP_CHAIN: u32 = 600;
const DEEP_ELSES: u32 = 200;

/// The largest text that cannot nest deeper than a large stack holds, were every byte of it a level: the parser takes
/// some 2,500 bytes of stack for one.
const HARMLESS_BYTES: usize = 64 << 10;

/// Most `<` and most `(` of a text whose parsing cannot take long: both can make the parser start over at every level.
const HARMLESS_ANGLES: usize = 400;
const HARMLESS_PARENS: usize = 1_000;

/// True when `text`, however it nests, is parsed in a fraction of a second on a large stack. So it is with nearly every
/// file, and counting is much cheaper than [`nesting`].
pub(super) fn is_harmless(text: &str) -> bool {
    let count = |byte| memchr::memchr_iter(byte, text.as_bytes()).count();
    text.len() <= HARMLESS_BYTES && count(b'<') <= HARMLESS_ANGLES && count(b'(') <= HARMLESS_PARENS
}

/// Measures `text`. `jsx` is false for files in which `<a>` is a cast.
pub(super) fn nesting(text: &str, jsx: bool) -> Nesting {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        jsx,
        levels: vec![Level::new(Kind::Brace, false)],
        before: Before::Operator,
        after_dot: false,
        in_text: false,
        statement_head: false,
        own_chain: 0,
        chain: 0,
        longest_chain: 0,
        deepest: 0,
        deep_brackets: 0,
        elses: 0,
        lost: 0,
        hidden: 0,
        angle_cost: 0,
        in_vain: [0; 3],
    };
    match scan.run() {
        Err(reason) => Nesting::Refused(reason),
        Ok(())
            if scan.deepest > DEEP_BRACKETS
                || scan.longest_chain > DEEP_CHAIN
                || scan.elses > DEEP_ELSES
                || scan.lost > u32::try_from(DEEP_BRACKETS).unwrap_or(u32::MAX)
                || scan.hidden > MAX_LOST =>
        {
            Nesting::Deep
        }
        Ok(()) => Nesting::Ordinary,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Paren,
    Square,
    Brace,
    /// `${` of a template, which goes on behind the `}`.
    Template,
    /// Inside `<a …>`.
    Tag,
    /// Between `<a>` and `</a>`.
    Children,
}

struct Level {
    kind: Kind,
    /// The parentheses behind `if`, `while`, `for`: a statement follows, not an operator.
    statement_head: bool,
    /// The text of an element, and parentheses in it: quotes, slashes and words mean nothing there.
    in_text: bool,
    chain: u32,
    angles: u32,
}

impl Level {
    fn new(kind: Kind, statement_head: bool) -> Self {
        Self {
            kind,
            statement_head,
            in_text: false,
            chain: 0,
            angles: 0,
        }
    }
}

/// What stands before the current byte, to tell a division from a regular expression and `<` from an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The end of a value: an operator follows.
    Value,
    /// Anything else: a value or a statement follows.
    Operator,
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    jsx: bool,
    levels: Vec<Level>,
    before: Before,
    after_dot: bool,
    /// [`Level::in_text`] of the innermost level, which is asked at every step.
    in_text: bool,
    statement_head: bool,
    /// The chain of the innermost level, whose own [`Level::chain`] is written when another one opens in it.
    own_chain: u32,
    /// Sum of the chains of all open levels.
    chain: u32,
    longest_chain: u32,
    deepest: usize,
    deep_brackets: u32,
    elses: u32,
    lost: u32,
    hidden: u32,
    angle_cost: u64,
    /// Up to here no regular expression ends, and no string in `"` or `'`: where searching for one would be in vain.
    in_vain: [usize; 3],
}

type Checked = Result<(), String>;

impl Scan<'_> {
    fn run(&mut self) -> Checked {
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b' ' | b'\t' | b'\r' => {}
                // Indentation is a good part of every file.
                b'\n' => {
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    self.at += rest.iter().take_while(|&&byte| byte == b' ').count();
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | b'0'..=b'9' | b'#' | 0x80.. => {
                    self.word()?;
                }
                b'(' => self.open(Kind::Paren)?,
                b'[' => self.open(Kind::Square)?,
                b'{' => self.open(Kind::Brace)?,
                b')' => self.close(Kind::Paren)?,
                b']' => self.close(Kind::Square)?,
                b'}' => self.close_brace()?,
                b'"' | b'\'' if !self.in_text => self.string(byte)?,
                b'`' if !self.in_text => self.template()?,
                b'/' if !self.in_text => self.slash()?,
                b'<' => self.less()?,
                b'>' => self.greater(),
                b';' => self.separate(true)?,
                b',' => self.separate(false)?,
                _ => self.operator(byte)?,
            }
        }
        if self.elses > MAX_CHAIN {
            return Err(format!("more than {MAX_CHAIN} `else` branches"));
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn top(&self) -> Kind {
        self.levels.last().map_or(Kind::Brace, |level| level.kind)
    }

    fn push(&mut self, level: Level) {
        if let Some(outer) = self.levels.last_mut() {
            outer.chain = self.own_chain;
        }
        self.own_chain = 0;
        self.in_text = level.in_text;
        self.levels.push(level);
    }

    /// Takes the innermost level off, be it what it may.
    fn take(&mut self) -> Option<Level> {
        let level = self.levels.pop()?;
        self.chain -= self.own_chain;
        let (chain, in_text) = self
            .levels
            .last()
            .map_or((0, false), |level| (level.chain, level.in_text));
        self.own_chain = chain;
        self.in_text = in_text;
        Some(level)
    }

    /// A word or number whose first byte has been read.
    fn word(&mut self) -> Checked {
        let start = self.at - 1;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|&byte| !is_word_byte(byte))
            .unwrap_or(rest.len());
        self.at += length;
        if self.in_text {
            return Ok(());
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        let is_property = std::mem::take(&mut self.after_dot);
        self.statement_head = false;
        if is_property {
            self.before = Before::Value;
            return self.link();
        }
        // Keywords are short and in lower case; most words are not.
        if !(2..=10).contains(&word.len()) || !word[0].is_ascii_lowercase() {
            self.before = Before::Value;
            return self.link();
        }
        match word {
            b"const" | b"let" | b"var" | b"return" | b"throw" | b"export" | b"case" | b"break"
            | b"continue"
                if self.before == Before::Value || self.starts_statement(start) =>
            {
                // None of these can stand inside an expression.
                self.separate(true)?;
                self.before = Before::Operator;
            }
            b"if" | b"while" | b"for" | b"with" | b"switch" | b"catch" => {
                self.statement_head = true;
                self.before = Before::Operator;
            }
            b"else" => {
                self.elses += 1;
                self.before = Before::Operator;
            }
            b"typeof" | b"void" | b"delete" | b"await" | b"yield" | b"new" | b"return"
            | b"throw" | b"case" | b"do" | b"in" | b"of" | b"instanceof" | b"extends"
            | b"default" | b"as" | b"satisfies" | b"keyof" => self.before = Before::Operator,
            _ => self.before = Before::Value,
        }
        self.link()
    }

    /// True when nothing but blanks lies between the word at `start` and a bracket, a `;` or the beginning.
    fn starts_statement(&self, start: usize) -> bool {
        self.bytes
            .get(..start)
            .unwrap_or_default()
            .iter()
            .rev()
            .find(|byte| !byte.is_ascii_whitespace())
            .is_none_or(|byte| matches!(byte, b'{' | b'}' | b';' | b')' | b'/'))
    }

    fn operator(&mut self, byte: u8) -> Checked {
        if self.in_text {
            return Ok(());
        }
        self.after_dot = byte == b'.' && self.peek() != Some(b'.');
        match byte {
            // `a++ / b`, `a! / b`
            b'+' | b'-' if self.peek() == Some(byte) && self.before == Before::Value => {
                self.at += 1;
            }
            b'!' if self.before == Before::Value && self.peek() != Some(b'=') => {}
            b'=' if self.peek() == Some(b'>') => {
                self.at += 1;
                self.before = Before::Operator;
            }
            _ => self.before = Before::Operator,
        }
        self.link()
    }

    /// One more operator or word without a separator.
    fn link(&mut self) -> Checked {
        self.own_chain += 1;
        self.chain += 1;
        self.longest_chain = self.longest_chain.max(self.chain);
        if self.chain > MAX_CHAIN {
            return Err(format!(
                "more than {MAX_CHAIN} operators without a separator"
            ));
        }
        Ok(())
    }

    /// `;`, `,` or a keyword that begins a statement.
    fn separate(&mut self, ends_statement: bool) -> Checked {
        let angle_cost = match self.levels.last_mut() {
            Some(level) if ends_statement || level.angles == 0 => {
                self.chain -= std::mem::take(&mut self.own_chain);
                u64::from(std::mem::take(&mut level.angles))
            }
            _ => 0,
        };
        self.before = Before::Operator;
        self.after_dot = false;
        self.pay_angles(angle_cost)
    }

    fn pay_angles(&mut self, angles: u64) -> Checked {
        self.angle_cost += angles * angles;
        if self.angle_cost > MAX_ANGLE_COST {
            return Err(String::from("too many unclosed `<`"));
        }
        Ok(())
    }

    fn open(&mut self, kind: Kind) -> Checked {
        self.link()?;
        let statement_head = std::mem::take(&mut self.statement_head);
        let in_text = matches!(kind, Kind::Paren | Kind::Square) && self.in_text;
        self.push(Level {
            in_text,
            ..Level::new(kind, statement_head)
        });
        self.before = Before::Operator;
        self.after_dot = false;
        let depth = self.levels.len() - 1;
        self.deepest = self.deepest.max(depth);
        self.deep_brackets += u32::from(depth > 128);
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        if self.deep_brackets > MAX_DEEP_BRACKETS {
            return Err(String::from("too many deeply nested brackets"));
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<Option<Level>, String> {
        // The outermost level is the file itself.
        if self.levels.len() < 2 {
            return Ok(None);
        }
        let Some(level) = self.take() else {
            return Ok(None);
        };
        self.pay_angles(u64::from(level.angles))?;
        Ok(Some(level))
    }

    fn lose(&mut self, levels: u32) -> Checked {
        self.lost += levels;
        if self.lost > MAX_LOST {
            return Err(String::from("too many unbalanced brackets"));
        }
        Ok(())
    }

    /// `)` or `]`. In the text of an element it is text.
    fn close(&mut self, kind: Kind) -> Checked {
        self.before = Before::Value;
        self.after_dot = false;
        for (unclosed, level) in (0..).zip(self.levels.iter().skip(1).rev()) {
            if level.kind == kind {
                for _ in 0..unclosed {
                    self.pop()?;
                }
                self.lose(unclosed)?;
                if self.pop()?.is_some_and(|level| level.statement_head) {
                    self.before = Before::Operator;
                }
                return Ok(());
            }
            if !matches!(level.kind, Kind::Paren | Kind::Square) {
                break;
            }
        }
        Ok(())
    }

    fn close_brace(&mut self) -> Checked {
        let is_brace = |level: &Level| matches!(level.kind, Kind::Brace | Kind::Template);
        let Some(depth) = self.levels.iter().skip(1).rposition(is_brace) else {
            return Ok(());
        };
        // `depth` counts from the second level.
        let unclosed = self.levels.len() - depth - 2;
        for _ in 0..unclosed {
            self.pop()?;
        }
        self.lose(u32::try_from(unclosed).unwrap_or(u32::MAX))?;
        // What follows a block is a statement; a division by what follows an object is not worth its name.
        self.before = Before::Operator;
        self.after_dot = false;
        if self
            .pop()?
            .is_some_and(|level| level.kind == Kind::Template)
        {
            self.template()?;
        }
        Ok(())
    }

    fn less(&mut self) -> Checked {
        let next = self.peek();
        let in_children = self.in_text;
        if self.jsx
            && next == Some(b'/')
            && let Some(unclosed) = self.open_in_children()
        {
            return self.close_element(unclosed);
        }
        let begins_tag =
            next.is_some_and(|next| next == b'>' || is_word_byte(next) && !next.is_ascii_digit());
        let begins_element = begins_tag && (in_children || self.before == Before::Operator);
        if self.jsx && begins_element && !self.is_generic() {
            return self.open(Kind::Tag);
        }
        if in_children {
            return Ok(());
        }
        self.before = Before::Operator;
        if next == Some(b'=') {
            return self.link();
        }
        let mut too_many = false;
        if let Some(level) = self.levels.last_mut() {
            level.angles += 1;
            too_many = level.angles as usize > MAX_DEPTH;
        }
        if too_many {
            return Err(format!("more than {MAX_DEPTH} unclosed `<`"));
        }
        self.link()
    }

    /// `<T,>` and `<T extends …>` begin generic functions, not elements.
    fn is_generic(&self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let name = rest
            .iter()
            .position(|&byte| !is_word_byte(byte))
            .unwrap_or(rest.len());
        let rest = rest.get(name..).unwrap_or_default().trim_ascii_start();
        rest.first() == Some(&b',') || rest.starts_with(b"extends ") && rest.get(8) != Some(&b'=')
    }

    /// How many parentheses stand open in the text of the innermost element; `None` outside of elements.
    fn open_in_children(&self) -> Option<u32> {
        let mut unclosed = 0;
        for level in self.levels.iter().rev() {
            match level.kind {
                Kind::Children => return Some(unclosed),
                Kind::Paren | Kind::Square => unclosed += 1,
                _ => return None,
            }
        }
        None
    }

    /// `</a>` or `</>`; what is still open inside the element was text.
    fn close_element(&mut self, unclosed: u32) -> Checked {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += memchr::memchr(b'>', rest).map_or(rest.len(), |end| end + 1);
        for _ in 0..=unclosed {
            self.pop()?;
        }
        self.lose(unclosed)?;
        self.before = Before::Value;
        Ok(())
    }

    fn greater(&mut self) {
        let in_tag = self.top() == Kind::Tag;
        let is_self_closing = self.at >= 2 && self.bytes.get(self.at - 2) == Some(&b'/');
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        if level.angles > 0 {
            level.angles -= 1;
            self.before = Before::Operator;
        } else if in_tag && is_self_closing {
            self.take();
            self.before = Before::Value;
        } else if in_tag {
            level.kind = Kind::Children;
            level.in_text = true;
            self.in_text = true;
        } else {
            self.before = Before::Operator;
        }
    }

    fn slash(&mut self) -> Checked {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.first() {
            Some(b'/') => {
                self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                Ok(())
            }
            Some(b'*') => {
                let inside = rest.get(1..).unwrap_or_default();
                self.at += memchr::memmem::find(inside, b"*/").map_or(rest.len(), |end| end + 3);
                Ok(())
            }
            _ if self.before == Before::Operator && self.top() != Kind::Tag => self.regex(),
            _ => self.operator(b'/'),
        }
    }

    /// A regular expression, if one ends on this line; else a division.
    fn regex(&mut self) -> Checked {
        if self.at < self.in_vain[0] {
            return self.operator(b'/');
        }
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut in_class = false;
        let mut at = 0;
        while let Some(&byte) = rest.get(at) {
            match byte {
                b'\\' => at += 1,
                b'\n' => break,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.hide(self.at, self.at + at)?;
                    self.at += at + 1;
                    self.before = Before::Value;
                    return Ok(());
                }
                _ => {}
            }
            at += 1;
        }
        self.in_vain[0] = self.at + at;
        self.operator(b'/')
    }

    /// A string, if it ends (on this line, outside of tags); else the quote is text.
    fn string(&mut self, quote: u8) -> Checked {
        let start = self.at;
        let kind = if quote == b'"' { 1 } else { 2 };
        if start < self.in_vain[kind] {
            return Ok(());
        }
        let is_attribute = self.top() == Kind::Tag;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' if !is_attribute => self.at += 1,
                b'\n' if !is_attribute => break,
                _ if byte == quote => {
                    self.before = Before::Value;
                    self.after_dot = false;
                    return self.hide(start, self.at - 1);
                }
                _ => {}
            }
        }
        self.in_vain[kind] = self.at;
        self.at = start;
        Ok(())
    }

    /// The text of a template up to its end or the next `${`.
    fn template(&mut self) -> Checked {
        let start = self.at;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'`' => {
                    self.before = Before::Value;
                    self.after_dot = false;
                    return self.hide(start, self.at - 1);
                }
                b'$' if self.peek() == Some(b'{') => {
                    self.at += 1;
                    self.hide(start, self.at - 2)?;
                    return self.open(Kind::Template);
                }
                _ => {}
            }
        }
        self.hide(start, self.bytes.len())
    }

    /// Counts what a skipped text would be, were it code.
    fn hide(&mut self, start: usize, end: usize) -> Checked {
        let (mut open, mut closed, mut operators) = (0_u32, 0_u32, 0_u32);
        for &byte in self.bytes.get(start..end).unwrap_or_default() {
            match byte {
                b'a'..=b'z' => {}
                b'(' | b'[' | b'{' => open += 1,
                b')' | b']' | b'}' => closed += 1,
                b'!' | b'~' | b'?' | b'<' | b'=' | b'-' => operators += 1,
                _ => {}
            }
        }
        self.link()?;
        self.hidden += operators;
        if self.hidden > MAX_HIDDEN {
            return Err(format!("more than {MAX_HIDDEN} operators inside strings"));
        }
        self.lose(open.saturating_sub(closed))
    }
}

/// The bytes of words and numbers; whatever is not ASCII counts as part of a word.
static WORD_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte >= 0x80
            || matches!(byte as u8, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | b'#');
        byte += 1;
    }
    table
};

fn is_word_byte(byte: u8) -> bool {
    WORD_BYTES[usize::from(byte)]
}
