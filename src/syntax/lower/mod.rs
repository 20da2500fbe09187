//! From the syntax tree to the IR.
//!
//! One walk does everything: it interns names, fills the arenas, and notes the facts (environment reads, console calls,
//! `any` types) that rules over the whole tree need. Nested input is bounded: [`MAX_DEPTH`] levels of IR, then the file
//! counts as unreadable.

mod binding;
mod class;
mod expression;
mod facts;
mod function;
mod jsx;
mod module;
#[cfg(test)]
mod show;
mod statement;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::hash::Hasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use oxc_ast::ast::{
    Comment, Program, TSPropertySignature, TSType, TSTypeAliasDeclaration, TSTypeName,
    TSTypeParameterInstantiation, TSTypeQuery, TSTypeQueryExprName, TSTypeReference,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan;
use rustc_hash::{FxHashSet, FxHasher};

use crate::source::{SourceFile, Span};
use crate::syntax::{
    Class, ClassId, Export, ExportTarget, Expr, ExprId, FileFacts, Function, FunctionId, Import,
    MODULE_BODY, ModuleRecord, Name, NameMarks, Parsed, Pattern, Request, Stmt, StmtKind,
};

/// How deep expressions and statements may nest in the IR, so that whoever walks it may recurse. Real files stay below
/// 200.
pub(super) const MAX_DEPTH: u32 = 1024;

/// Longer chains of operators are kept as a bag of operands.
const MAX_OPERATORS: usize = 200;

thread_local! {
    /// What grew with earlier files, empty between two files.
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// Lists and tables that a file fills, and that the next one may fill again.
#[derive(Default)]
struct Scratch {
    exprs: Vec<Expr>,
    spans: Vec<Span>,
    functions: Vec<Function>,
    names: Vec<Box<str>>,
    name_places: Places,
    export_places: Places,
    request_places: Places,
    parts: Vec<ExprId>,
}

/// Where each text of a list stands, by its hash.
#[derive(Default)]
struct Places(HashTable<u32>);

impl Places {
    /// The place of `text` in `list`; `None` when it is new, and then its place is the end of the list.
    fn find_or_add<T>(
        &mut self,
        list: &[T],
        text: &str,
        text_of: impl Fn(&T) -> &str,
    ) -> Option<usize> {
        let hash = |text: &str| {
            let mut hasher = FxHasher::default();
            hasher.write(text.as_bytes());
            hasher.finish()
        };
        let known = self.0.entry(
            hash(text),
            |&at| text_of(&list[at as usize]) == text,
            |&at| hash(text_of(&list[at as usize])),
        );
        match known {
            Entry::Occupied(known) => Some(*known.get() as usize),
            Entry::Vacant(free) => {
                free.insert(count(list.len()));
                None
            }
        }
    }

    fn emptied(mut self) -> Self {
        self.0.clear();
        self
    }
}

/// The file nests deeper than [`MAX_DEPTH`].
pub(super) struct TooDeep;

/// A lowered module.
pub(super) struct Lowered {
    pub(super) record: ModuleRecord,
    /// Where calls, components and instantiations name type arguments.
    pub(super) type_arguments: Vec<Span>,
    /// Where explicit `any` types begin.
    pub(super) any_types: Vec<u32>,
}

/// Which parts of the IR a file needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    /// Everything.
    Keep,
    /// Function bodies are looked at for facts and then dropped.
    Drop,
    /// A declaration file: what it declares are types.
    Declarations,
}

/// Lowers a parsed program. The matches of patterns and the suppressions are left for the caller to fill.
pub(super) fn lower<'a>(
    file: &SourceFile,
    program: &Program<'a>,
    bodies: Bodies,
    is_test: bool,
) -> Result<Lowered, TooDeep> {
    let scratch = SCRATCH.take();
    let mut lowering = Lowering {
        source: program.source_text,
        bodies,
        is_test,
        names: scratch.names,
        name_places: scratch.name_places,
        exprs: scratch.exprs,
        spans: scratch.spans,
        parts: scratch.parts,
        functions: scratch.functions,
        classes: Vec::new(),
        imports: Vec::new(),
        exports: Vec::new(),
        export_places: scratch.export_places,
        star_exports: Vec::new(),
        requests: Requests {
            list: Vec::new(),
            places: scratch.request_places,
        },
        facts: FileFacts {
            bytes: u32::try_from(file.text.len()).unwrap_or(u32::MAX),
            generated: crate::syntax::is_generated(&file.text),
            ..FileFacts::default()
        },
        env_aliases: Vec::new(),
        type_names: FxHashSet::default(),
        queries: Queries::default(),
        type_arguments: Vec::new(),
        any_types: Vec::new(),
        current: MODULE_BODY,
        depth: 0,
        dropping: 0,
        too_deep: false,
    };
    lowering.program(program);
    if lowering.too_deep {
        return Err(TooDeep);
    }
    let has_directive = |text: &str| {
        program
            .directives
            .iter()
            .any(|directive| directive.directive.as_str() == text)
    };
    lowering.mark_exported_types();
    lowering.settle_type_queries();
    // Records live as long as the run, so they get exactly what they need.
    let exprs = exact(&mut lowering.exprs);
    let spans = exact(&mut lowering.spans);
    let names = exact(&mut lowering.names);
    let functions = exact(&mut lowering.functions);
    SCRATCH.set(Scratch {
        exprs: lowering.exprs,
        spans: lowering.spans,
        functions: lowering.functions,
        names: lowering.names,
        name_places: lowering.name_places.emptied(),
        export_places: lowering.export_places.emptied(),
        request_places: lowering.requests.places.emptied(),
        parts: lowering.parts,
    });
    let record = ModuleRecord {
        path: file.path.clone(),
        lines: file.lines(),
        parsed: Parsed::Full,
        use_client: has_directive("use client"),
        use_server: has_directive("use server"),
        name_marks: NameMarks::of(&names),
        names,
        imports: lowering.imports,
        exports: lowering.exports,
        star_exports: lowering.star_exports,
        requests: lowering.requests.list,
        exprs,
        spans,
        functions,
        classes: lowering.classes,
        suppressions: Vec::new(),
        matches: Vec::new(),
        facts: lowering.facts,
    };
    Ok(Lowered {
        record,
        type_arguments: lowering.type_arguments,
        any_types: lowering.any_types,
    })
}

/// Moves the elements of `grown` into a vector of their number.
fn exact<T>(grown: &mut Vec<T>) -> Vec<T> {
    let mut exact = Vec::with_capacity(grown.len());
    exact.append(grown);
    exact
}

/// The comments of a program as spans.
pub(super) fn comment_spans(comments: &[Comment]) -> Vec<Span> {
    comments.iter().map(|comment| here(comment.span)).collect()
}

/// The state of lowering one module.
struct Lowering<'a> {
    source: &'a str,
    bodies: Bodies,
    is_test: bool,
    names: Vec<Box<str>>,
    name_places: Places,
    exprs: Vec<Expr>,
    spans: Vec<Span>,
    /// Expressions inside those elements, and the like, that are being lowered.
    parts: Vec<ExprId>,
    functions: Vec<Function>,
    classes: Vec<Class>,
    imports: Vec<Import>,
    exports: Vec<Export>,
    export_places: Places,
    star_exports: Vec<Box<str>>,
    requests: Requests,
    facts: FileFacts,
    /// Variables at the top of the module that stand for the whole environment.
    env_aliases: Vec<&'a str>,
    /// Names that an interface, a type alias, a type import or a `declare` introduces.
    type_names: FxHashSet<Name>,
    queries: Queries<'a>,
    type_arguments: Vec<Span>,
    any_types: Vec<u32>,
    /// The function that is being lowered.
    current: FunctionId,
    depth: u32,
    /// Bodies around that will be dropped.
    dropping: u32,
    too_deep: bool,
}

impl<'a> Lowering<'a> {
    fn program(&mut self, program: &Program<'a>) {
        self.functions
            .push(Function::empty(here(program.span), None));
        let mut body = Vec::new();
        for statement in &program.body {
            self.statement(statement, &mut body);
        }
        self.functions[MODULE_BODY.0 as usize].body = body.into_boxed_slice();
    }

    fn name(&mut self, text: &'a str) -> Name {
        let known = self.name_places.find_or_add(&self.names, text, |name| name);
        Name(count(known.unwrap_or_else(|| {
            self.names.push(Box::from(text));
            self.names.len() - 1
        })))
    }

    /// A text for the IR, unless what it stands in is dropped.
    fn text(&self, text: &str) -> Box<str> {
        if self.dropping > 0 {
            Box::default()
        } else {
            Box::from(text)
        }
    }

    /// The elements of a list for the IR, unless what it stands in is dropped. Each node is lowered in any case.
    fn list<N, T>(
        &mut self,
        nodes: &[N],
        mut lower: impl FnMut(&mut Self, &N) -> Option<T>,
    ) -> Box<[T]> {
        let keeps = self.dropping == 0;
        let mut list = Vec::with_capacity(if keeps { nodes.len() } else { 0 });
        for node in nodes {
            if let Some(element) = lower(self, node)
                && keeps
            {
                list.push(element);
            }
        }
        list.into_boxed_slice()
    }

    /// Takes the parts behind the first `begin`.
    fn parts_from(&mut self, begin: usize) -> Box<[ExprId]> {
        let parts = match self.dropping {
            0 => Box::from(&self.parts[begin..]),
            _ => Box::default(),
        };
        self.parts.truncate(begin);
        parts
    }

    /// Adds an expression, unless what it stands in is dropped: then nobody follows its id.
    fn push(&mut self, expr: Expr, span: oxc_span::Span) -> ExprId {
        if self.dropping > 0 {
            return ExprId(0);
        }
        let id = ExprId(count(self.exprs.len()));
        self.exprs.push(expr);
        self.spans.push(here(span));
        id
    }

    /// Runs `lower` one level further down, unless that is too deep.
    fn deeper<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.deeper_by(1, lower)
    }

    fn deeper_by<T>(&mut self, levels: u32, lower: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth + levels > MAX_DEPTH {
            self.too_deep = true;
            return None;
        }
        self.depth += levels;
        let lowered = lower(self);
        self.depth -= levels;
        Some(lowered)
    }

    fn at_top(&self) -> bool {
        self.current == MODULE_BODY
    }

    fn add_request(&mut self, specifier: &str, type_only: bool, span: oxc_span::Span) {
        self.requests.add(specifier, type_only, span);
    }

    /// Adds an export. A later value replaces an earlier one of that name (`exports.a = void 0; exports.a = f`), and a type
    /// never replaces a value.
    fn add_export(&mut self, name: &str, target: ExportTarget, span: oxc_span::Span) {
        let span = here(span);
        let known = self
            .export_places
            .find_or_add(&self.exports, name, |export| &export.name);
        if let Some(at) = known {
            if target != ExportTarget::Type {
                self.exports[at].target = target;
                self.exports[at].span = span;
            }
            return;
        }
        self.exports.push(Export {
            name: Box::from(name),
            target,
            span,
        });
    }

    /// An export list may name types (`interface A {} export { A }`), which are nothing at run time.
    fn mark_exported_types(&mut self) {
        for export in &mut self.exports {
            if let ExportTarget::Local(name) = export.target
                && self.type_names.contains(&name)
                && !declares(&self.functions[MODULE_BODY.0 as usize].body, name)
                && !self
                    .imports
                    .iter()
                    .any(|import| import.local == name && !import.type_only)
            {
                export.target = ExportTarget::Type;
            }
        }
    }

    /// Type arguments of a call, a component or the like; their places are kept.
    fn type_arguments(&mut self, node: &TSTypeParameterInstantiation<'a>) {
        self.type_arguments.push(here(node.span));
        self.types(|types| types.visit_ts_type_parameter_instantiation(node));
    }

    /// Looks through a piece of the tree that vanishes at run time, for the facts that concern types.
    fn types(&mut self, visit: impl FnOnce(&mut TypeFacts<'_, 'a>)) {
        visit(&mut TypeFacts {
            any_types: &mut self.any_types,
            flags: &mut self.facts.flags,
            requests: &mut self.requests,
            queries: &mut self.queries,
        });
    }

    /// Types that the file itself uses hold their values in use; those that it only exports may.
    fn settle_type_queries(&mut self) {
        let Queries { found, named, .. } = &mut self.queries;
        if found.is_empty() {
            return;
        }
        let named: FxHashSet<&str> = named.drain(..).collect();
        let exports = &self.exports;
        self.facts.type_queries = found
            .drain(..)
            .map(|(alias, value)| {
                let kept = alias.filter(|alias| {
                    !named.contains(alias) && exports.iter().any(|export| &*export.name == *alias)
                });
                (kept.map(Box::from), Box::from(value))
            })
            .collect();
    }
}

/// Types that are made of values, while a file is read.
#[derive(Default)]
struct Queries<'a> {
    /// The alias that is being declared.
    alias: Option<&'a str>,
    found: Vec<(Option<&'a str>, &'a str)>,
    /// Names of types that are used, as often as they are.
    named: Vec<&'a str>,
}

/// True when a statement of `block` binds `name`.
fn declares(block: &[Stmt], name: Name) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Let { pattern, .. } => binds(pattern, name),
        StmtKind::Function { name: declared, .. } | StmtKind::Class { name: declared, .. } => {
            *declared == name
        }
        _ => false,
    })
}

fn binds(pattern: &Pattern, name: Name) -> bool {
    match pattern {
        Pattern::Name(bound) => *bound == name,
        Pattern::Member(_) => false,
        Pattern::Object { properties, rest } => {
            properties.iter().any(|(_, inner)| binds(inner, name))
                || rest.as_deref().is_some_and(|inner| binds(inner, name))
        }
        Pattern::Array { elements, rest } => {
            elements.iter().flatten().any(|inner| binds(inner, name))
                || rest.as_deref().is_some_and(|inner| binds(inner, name))
        }
        Pattern::Default { pattern, .. } | Pattern::Rest(pattern) => binds(pattern, name),
    }
}

/// The specifiers a module asks for, each once.
#[derive(Default)]
struct Requests {
    list: Vec<Request>,
    places: Places,
}

impl Requests {
    fn add(&mut self, specifier: &str, type_only: bool, span: oxc_span::Span) {
        let known = self
            .places
            .find_or_add(&self.list, specifier, |request| &request.specifier);
        if let Some(at) = known {
            self.list[at].type_only &= type_only;
            return;
        }
        self.list.push(Request {
            specifier: Box::from(specifier),
            type_only,
            span: here(span),
        });
    }
}

/// Counts what matters in types: explicit `any`, booleans, and modules named by `import("x")` types.
struct TypeFacts<'l, 'a> {
    any_types: &'l mut Vec<u32>,
    flags: &'l mut Vec<Box<str>>,
    requests: &'l mut Requests,
    queries: &'l mut Queries<'a>,
}

impl<'a> Visit<'a> for TypeFacts<'_, 'a> {
    fn visit_ts_any_keyword(&mut self, it: &oxc_ast::ast::TSAnyKeyword) {
        self.any_types.push(it.span.start);
    }

    fn visit_ts_property_signature(&mut self, it: &TSPropertySignature<'a>) {
        if let Some(annotation) = &it.type_annotation
            && matches!(annotation.type_annotation, TSType::TSBooleanKeyword(_))
            && let Some(name) = it.key.static_name()
        {
            self.flags.push(Box::from(&*name));
        } else {
            walk::walk_ts_property_signature(self, it);
        }
    }

    fn visit_ts_type_alias_declaration(&mut self, it: &TSTypeAliasDeclaration<'a>) {
        self.queries.alias = Some(it.id.name.as_str());
        walk::walk_ts_type_alias_declaration(self, it);
        self.queries.alias = None;
    }

    fn visit_ts_type_query(&mut self, it: &TSTypeQuery<'a>) {
        if let TSTypeQueryExprName::IdentifierReference(value) = &it.expr_name {
            let found = (self.queries.alias, value.name.as_str());
            self.queries.found.push(found);
        }
        walk::walk_ts_type_query(self, it);
    }

    fn visit_ts_type_reference(&mut self, it: &TSTypeReference<'a>) {
        if let TSTypeName::IdentifierReference(name) = &it.type_name {
            self.queries.named.push(name.name.as_str());
        }
        walk::walk_ts_type_reference(self, it);
    }

    fn visit_ts_import_type(&mut self, it: &oxc_ast::ast::TSImportType<'a>) {
        self.requests
            .add(it.source.value.as_str(), true, it.source.span());
        if let Some(arguments) = &it.type_arguments {
            self.visit_ts_type_parameter_instantiation(arguments);
        }
    }
}

/// A span of the parser's as one of ours.
fn here(span: oxc_span::Span) -> Span {
    Span::new(span.start, span.end)
}

/// An arena length as an index; files are far smaller than 4 GB.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Function {
    /// A function of which nothing but its place is known.
    pub(in crate::syntax) fn empty(span: Span, parent: Option<FunctionId>) -> Self {
        Self {
            name: None,
            params: Box::default(),
            body: Box::default(),
            is_async: false,
            is_generator: false,
            is_arrow: false,
            use_server: false,
            span,
            parent,
        }
    }
}

impl<'a> Lowering<'a> {
    fn reserve_function(&mut self, span: oxc_span::Span) -> FunctionId {
        let id = FunctionId(count(self.functions.len()));
        self.functions
            .push(Function::empty(here(span), Some(self.current)));
        id
    }

    fn reserve_class(&mut self, span: oxc_span::Span) -> ClassId {
        let id = ClassId(count(self.classes.len()));
        self.classes.push(Class {
            name: None,
            superclass: None,
            constructor: None,
            members: Box::default(),
            decorators: Box::default(),
            span: here(span),
        });
        id
    }
}
