//! What is known of one file after parsing.

use std::fmt;

use crate::source::{LineIndex, Location, RepoPath, Span};

use super::{Class, ClassId, Expr, ExprId, Function, FunctionId, Name, PatternMatch, Suppression};

/// Everything later rooms know of one source file.
#[derive(Clone, Debug)]
pub struct ModuleRecord {
    /// Where it lies.
    pub path: RepoPath,
    /// Lines, to turn spans into places.
    pub lines: LineIndex,
    /// Which parser read it, and how far.
    pub parsed: Parsed,
    /// The file begins with `'use client'`: what it exports is a reference in server code, never run there.
    pub use_client: bool,
    /// The file begins with `'use server'`: every exported async function is a server action.
    pub use_server: bool,
    /// The texts of [`Name`]s.
    pub names: Vec<Box<str>>,
    /// What is sure to be none of them.
    pub name_marks: NameMarks,
    /// `import` declarations and `const x = require()`, one per local name.
    pub imports: Vec<Import>,
    /// What the module exports, in source order, one per exported name.
    pub exports: Vec<Export>,
    /// Specifiers of `export * from`.
    pub star_exports: Vec<Box<str>>,
    /// Every specifier the file asks for, each once, in order.
    pub requests: Vec<Request>,
    /// Arena of expressions.
    pub exprs: Vec<Expr>,
    /// Where each expression stands, parallel to `exprs`.
    pub spans: Vec<Span>,
    /// Functions; the first is the module's body.
    pub functions: Vec<Function>,
    /// Classes.
    pub classes: Vec<Class>,
    /// `// readiness-ignore` comments.
    pub suppressions: Vec<Suppression>,
    /// Where the patterns of rules matched.
    pub matches: Vec<PatternMatch>,
    /// Counts and places that rules over the whole tree need.
    pub facts: FileFacts,
}

/// How a file was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Parsed {
    /// Wholly.
    Full,
    /// The primary parser refused it; only imports and exported names are known. Holds why.
    ExportsOnly(String),
}

/// One imported binding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// The local name.
    pub local: Name,
    /// The module asked for, as written.
    pub specifier: Box<str>,
    /// What of it.
    pub imported: Imported,
    /// `import type`: gone at run time.
    pub type_only: bool,
    /// The declaration.
    pub span: Span,
}

/// Which export an import or re-export takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Imported {
    /// `{ name }`
    Named(Name),
    /// The default export.
    Default,
    /// `* as x`, and `require()` of a whole module.
    Namespace,
}

/// One exported name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// The name that importers use; `default` for the default export, `module.exports` too.
    pub name: Box<str>,
    /// What it stands for.
    pub target: ExportTarget,
    /// The declaration, function or specifier that exports it.
    pub span: Span,
}

/// What an exported name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportTarget {
    /// A binding of this module.
    Local(Name),
    /// `export default <expression>`, `module.exports = <expression>`, `exports.x = <expression>`
    Expr(ExprId),
    /// `export { a as b } from`, `export * as ns from`
    From {
        /// The module, as written.
        specifier: Box<str>,
        /// What of it.
        imported: Imported,
    },
    /// An interface or a type: nothing at run time.
    Type,
}

/// A specifier that the file asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// As written.
    pub specifier: Box<str>,
    /// Only types are taken from it.
    pub type_only: bool,
    /// Where it is written first.
    pub span: Span,
}

/// What a comment says in so many words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meant {
    /// It lets pass what it cannot check: `fail open`.
    Open,
    /// Each process counts for itself: `per instance`.
    Alone,
    /// Something is still to come: `not yet`.
    Later,
    /// What is told is asked for again where it comes from: `re-fetched`.
    Again,
}

/// Counts and places that rules need without the IR.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FileFacts {
    /// `console.<method>(…)` calls.
    pub console_calls: Vec<(Box<str>, Span)>,
    /// Explicit `any` types.
    pub any_types: u32,
    /// Those of them that a linter is told to let pass, with a reason.
    pub any_allowed: u32,
    /// Reads of `process.env.NAME`, `process.env["NAME"]`, `import.meta.env.NAME`, destructured ones too.
    pub env_reads: Vec<(Box<str>, Span)>,
    /// `<img>` elements.
    pub images: u32,
    /// `<Image>` elements.
    pub image_components: u32,
    /// The file holds JSX.
    pub has_jsx: bool,
    /// A comment at its beginning says that a program wrote it: `DO NOT EDIT`, `@generated`.
    pub generated: bool,
    /// Lines, in order, on which a comment begins or ends that says that something is meant, and what.
    pub meant: Vec<(u32, Meant)>,
    /// The title of a test says that what it asks about lets pass what it cannot check.
    pub tests_open: bool,
    /// `it(…)` and `test(…)` calls.
    pub test_cases: u32,
    /// String literals and template beginnings that look like a URL path (`/api/x`, `http://localhost:3000/api/x`), in test files only.
    pub urls: Vec<(Box<str>, Span)>,
    /// Paths of the application itself that are requested: the literal first argument of `fetch("/api/x")`, `axios.post("/api/x")`.
    pub requested: Vec<Box<str>>,
    /// Where links lead and what scripts are: literal `href`, `src` and `type` attributes, in order.
    pub links: Vec<Box<str>>,
    /// The attributes of `<script>` and `<Script>` elements that tell what they load what to do: `data-track-errors`.
    pub script_options: Vec<Box<str>>,
    /// Functions whose bodies begin with `'use server'`.
    pub inline_actions: Vec<FunctionId>,
    /// Values from which types are made (`z.infer<typeof schema>`), each with the exported type that holds it and that the file
    /// itself does not use; `None` where there is no such type.
    pub type_queries: Vec<(Option<Box<str>>, Box<str>)>,
    /// Properties and parameters that the file declares as `boolean`.
    pub flags: Vec<Box<str>>,
    /// Size in bytes.
    pub bytes: u32,
}

/// Tells of most texts that they are no name of a module, at a glance: its names are asked for over and over.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NameMarks([u64; 4]);

impl NameMarks {
    pub(super) fn of(names: &[Box<str>]) -> Self {
        let mut marks = Self::default();
        for name in names {
            let (word, bit) = Self::mark(name);
            marks.0[word] |= bit;
        }
        marks
    }

    fn may_hold(&self, text: &str) -> bool {
        let (word, bit) = Self::mark(text);
        self.0[word] & bit != 0
    }

    /// One of 256 marks, by what is quickly seen of a name.
    fn mark(text: &str) -> (usize, u64) {
        let byte = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or_default());
        let bytes = text.as_bytes();
        let mark = bytes.len() * 41 + byte(bytes.first()) * 7 + byte(bytes.last());
        (mark / 64 % 4, 1 << (mark % 64))
    }
}

impl ModuleRecord {
    /// The text of a name.
    #[must_use]
    pub fn name(&self, name: Name) -> &str {
        self.names.get(name.0 as usize).map_or("", |text| text)
    }

    /// The name with this text, when the file uses it at all.
    #[must_use]
    pub fn find_name(&self, text: &str) -> Option<Name> {
        if !self.name_marks.may_hold(text) {
            return None;
        }
        self.names
            .iter()
            .position(|name| &**name == text)
            .and_then(|at| u32::try_from(at).ok())
            .map(Name)
    }

    /// An expression.
    #[must_use]
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// Where an expression stands.
    #[must_use]
    pub fn span(&self, id: ExprId) -> Span {
        self.spans[id.0 as usize]
    }

    /// A function.
    #[must_use]
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    /// A class.
    #[must_use]
    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.0 as usize]
    }

    /// The name of the innermost function around a span that has one.
    #[must_use]
    pub fn function_around(&self, span: Span) -> Option<&str> {
        let around = self
            .functions
            .iter()
            .filter(|function| function.span.start <= span.start && span.end <= function.span.end);
        let named = around.filter_map(|function| Some((function.span, function.name?)));
        let (_, name) = named.min_by_key(|(around, _)| around.end - around.start)?;
        Some(self.name(name))
    }

    /// The place of a span.
    #[must_use]
    pub fn location(&self, span: Span) -> Location {
        Location::of_span(&self.path, &self.lines, span)
    }

    /// The 1-based line on which a span begins.
    #[must_use]
    pub fn line(&self, span: Span) -> u32 {
        self.lines.line(span.start)
    }
}

impl fmt::Display for ModuleRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)
    }
}
