//! What can be said of a file that the primary parser refuses: its imports and the names it exports, from tree-sitter,
//! which reads on behind mistakes and needs no stack. Routes so stay in the table; what their handlers do is unknown.

use rustc_hash::FxHashMap;
use tree_sitter::Node;

use crate::source::{SourceFile, Span};

use super::grammar::Grammar;
use super::{
    Export, ExportTarget, Expr, ExprId, FileFacts, Function, Import, Imported, ModuleRecord, Name,
    NameMarks, Parsed, Request,
};

/// Larger files are not even tried: tree-sitter takes up to 200 bytes per byte, and on unclosed nesting it reports progress
/// so seldom that its time limit comes late.
const MAX_BYTES: usize = 1 << 20;

/// A record without bodies. `reason` says why there is no more.
pub(super) fn exports_only(file: &SourceFile, mut reason: String) -> ModuleRecord {
    let mut outline = Outline {
        text: &file.text,
        names: FxHashMap::default(),
        record: empty(file),
    };
    let tree = (file.text.len() <= MAX_BYTES)
        .then(|| Grammar::of(file.path.extension()).parse(&file.text))
        .flatten();
    match tree {
        Some(tree) => outline.module(tree.root_node()),
        None => reason.push_str("; its exports are unknown too"),
    }
    outline.record.name_marks = NameMarks::of(&outline.record.names);
    outline.record.parsed = Parsed::ExportsOnly(reason);
    outline.record
}

fn empty(file: &SourceFile) -> ModuleRecord {
    let bytes = u32::try_from(file.text.len()).unwrap_or(u32::MAX);
    ModuleRecord {
        path: file.path.clone(),
        lines: file.lines(),
        parsed: Parsed::Full,
        use_client: false,
        use_server: false,
        names: Vec::new(),
        name_marks: NameMarks::default(),
        imports: Vec::new(),
        exports: Vec::new(),
        star_exports: Vec::new(),
        requests: Vec::new(),
        exprs: Vec::new(),
        spans: Vec::new(),
        functions: vec![Function::empty(Span::new(0, bytes), None)],
        classes: Vec::new(),
        suppressions: super::suppressions(&file.text),
        matches: Vec::new(),
        facts: FileFacts {
            bytes,
            generated: super::is_generated(&file.text),
            ..FileFacts::default()
        },
    }
}

struct Outline<'t> {
    text: &'t str,
    names: FxHashMap<&'t str, Name>,
    record: ModuleRecord,
}

impl<'t> Outline<'t> {
    fn module(&mut self, root: Node<'_>) {
        let mut in_prologue = true;
        // Behind a mistake, statements may stand inside an error node: it is looked into, others are not.
        let mut pending = children(root);
        pending.reverse();
        while let Some(node) = pending.pop() {
            match node.kind() {
                "import_statement" => self.import(node),
                "export_statement" => self.export(node),
                "expression_statement" => {
                    if in_prologue && let Some(directive) = self.directive(node) {
                        self.record.use_client |= directive == "use client";
                        self.record.use_server |= directive == "use server";
                        continue;
                    }
                    self.commonjs(node);
                }
                "lexical_declaration" | "variable_declaration" => self.required(node),
                "ERROR" => pending.extend(children(node).into_iter().rev()),
                "comment" | "hash_bang_line" => continue,
                _ => {}
            }
            in_prologue = false;
        }
    }

    fn text_of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    /// The content of a string literal.
    fn string(&self, node: Node<'_>) -> &'t str {
        let text = self.text_of(node);
        let mut inside = text.chars();
        inside.next();
        inside.next_back();
        inside.as_str()
    }

    fn name(&mut self, text: &'t str) -> Name {
        if let Some(&name) = self.names.get(text) {
            return name;
        }
        let name = Name(u32::try_from(self.record.names.len()).unwrap_or(u32::MAX));
        self.record.names.push(Box::from(text));
        self.names.insert(text, name);
        name
    }

    fn directive(&self, statement: Node<'_>) -> Option<&'t str> {
        let expression = statement.named_child(0)?;
        (expression.kind() == "string").then(|| self.string(expression))
    }

    fn request(&mut self, source: Node<'_>, type_only: bool) {
        let specifier = self.string(source);
        let known = self
            .record
            .requests
            .iter_mut()
            .find(|request| &*request.specifier == specifier);
        match known {
            Some(request) => request.type_only &= type_only,
            None => self.record.requests.push(Request {
                specifier: Box::from(specifier),
                type_only,
                span: span_of(source),
            }),
        }
    }

    fn import(&mut self, statement: Node<'_>) {
        let parts = children(statement);
        let type_only = parts.iter().any(|part| part.kind() == "type");
        let Some(source) = statement.child_by_field_name("source").or_else(|| {
            parts
                .iter()
                .find(|part| part.kind() == "import_require_clause")
                .and_then(|clause| clause.child_by_field_name("source"))
        }) else {
            return;
        };
        self.request(source, type_only);
        let specifier = self.string(source);
        for part in parts {
            match part.kind() {
                "import_clause" => {
                    for binding in children(part) {
                        match binding.kind() {
                            "identifier" => {
                                self.add_import(binding, specifier, Imported::Default, type_only);
                            }
                            "namespace_import" => {
                                if let Some(local) = binding.named_child(0) {
                                    let imported = Imported::Namespace;
                                    self.add_import(local, specifier, imported, type_only);
                                }
                            }
                            "named_imports" => {
                                for each in children(binding) {
                                    self.import_specifier(each, specifier, type_only);
                                }
                            }
                            _ => {}
                        }
                    }
                }
                "import_require_clause" => {
                    if let Some(local) = part.named_child(0) {
                        self.add_import(local, specifier, Imported::Namespace, type_only);
                    }
                }
                _ => {}
            }
        }
    }

    fn import_specifier(&mut self, node: Node<'_>, specifier: &str, type_only: bool) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let type_only = type_only || children(node).iter().any(|part| part.kind() == "type");
        let local = node.child_by_field_name("alias").unwrap_or(name);
        let imported = self.imported(name);
        self.add_import(local, specifier, imported, type_only);
    }

    fn imported(&mut self, name: Node<'_>) -> Imported {
        match self.export_name(name) {
            "default" => Imported::Default,
            text => Imported::Named(self.name(text)),
        }
    }

    fn add_import(
        &mut self,
        local: Node<'_>,
        specifier: &str,
        imported: Imported,
        type_only: bool,
    ) {
        let local_name = self.name(self.text_of(local));
        self.record.imports.push(Import {
            local: local_name,
            specifier: Box::from(specifier),
            imported,
            type_only,
            span: span_of(local),
        });
    }

    /// `const x = require('y')` at the top level.
    fn required(&mut self, declaration: Node<'_>) {
        for declarator in children(declaration) {
            let (Some(name), Some(value)) = (
                declarator.child_by_field_name("name"),
                declarator.child_by_field_name("value"),
            ) else {
                continue;
            };
            if value.kind() != "call_expression" {
                continue;
            }
            let is_require = value
                .child_by_field_name("function")
                .is_some_and(|callee| self.text_of(callee) == "require");
            let source = value
                .child_by_field_name("arguments")
                .and_then(|arguments| arguments.named_child(0))
                .filter(|argument| argument.kind() == "string");
            let (true, Some(source)) = (is_require, source) else {
                continue;
            };
            self.request(source, false);
            if name.kind() == "identifier" {
                self.add_import(name, self.string(source), Imported::Namespace, false);
            }
        }
    }

    /// The name in an import or export list, which may be a string.
    fn export_name(&self, node: Node<'_>) -> &'t str {
        if node.kind() == "string" {
            self.string(node)
        } else {
            self.text_of(node)
        }
    }

    fn export(&mut self, statement: Node<'_>) {
        let parts = children(statement);
        let span = span_of(statement);
        let type_only = parts.iter().any(|part| part.kind() == "type");
        let source = statement.child_by_field_name("source");
        if let Some(source) = source {
            self.request(source, type_only);
        }
        if let Some(declaration) = statement.child_by_field_name("declaration") {
            let is_default = parts.iter().any(|part| part.kind() == "default");
            self.declared(declaration, is_default, span);
            return;
        }
        for part in &parts {
            match part.kind() {
                "export_clause" => {
                    for specifier in children(*part) {
                        self.export_specifier(specifier, source, type_only);
                    }
                }
                "namespace_export" => {
                    if let (Some(name), Some(source)) = (part.named_child(0), source) {
                        let target = ExportTarget::From {
                            specifier: Box::from(self.string(source)),
                            imported: Imported::Namespace,
                        };
                        self.add_export(self.export_name(name), target, span);
                    }
                }
                "*" if !type_only => {
                    if let Some(source) = source {
                        let specifier = Box::from(self.string(source));
                        self.record.star_exports.push(specifier);
                    }
                }
                "default" | "=" => {
                    let value = statement
                        .child_by_field_name("value")
                        .or_else(|| parts.iter().rev().find(|part| part.is_named()).copied());
                    let target = self.value(value, span);
                    self.add_export("default", target, span);
                }
                _ => {}
            }
        }
    }

    fn export_specifier(&mut self, node: Node<'_>, source: Option<Node<'_>>, type_only: bool) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let exported = node.child_by_field_name("alias").unwrap_or(name);
        let type_only = type_only || children(node).iter().any(|part| part.kind() == "type");
        let target = match source {
            _ if type_only => ExportTarget::Type,
            Some(source) => ExportTarget::From {
                specifier: Box::from(self.string(source)),
                imported: self.imported(name),
            },
            None => ExportTarget::Local(self.name(self.text_of(name))),
        };
        self.add_export(self.export_name(exported), target, span_of(node));
    }

    /// A default export's value: a binding when it is one, else an expression of which nothing is known.
    fn value(&mut self, value: Option<Node<'_>>, span: Span) -> ExportTarget {
        match value {
            Some(value) if value.kind() == "identifier" => {
                ExportTarget::Local(self.name(self.text_of(value)))
            }
            _ => {
                let id = ExprId(u32::try_from(self.record.exprs.len()).unwrap_or(u32::MAX));
                self.record.exprs.push(Expr::Opaque(Box::default()));
                self.record.spans.push(span);
                ExportTarget::Expr(id)
            }
        }
    }

    fn declared(&mut self, declaration: Node<'_>, is_default: bool, span: Span) {
        match declaration.kind() {
            "lexical_declaration" | "variable_declaration" => {
                for declarator in children(declaration) {
                    if let Some(pattern) = declarator.child_by_field_name("name") {
                        self.bound(pattern, span);
                    }
                }
            }
            kind => {
                let is_type = matches!(
                    kind,
                    "interface_declaration" | "type_alias_declaration" | "ambient_declaration"
                );
                let name = declaration.child_by_field_name("name");
                let target = match name {
                    _ if is_type => ExportTarget::Type,
                    Some(name) => ExportTarget::Local(self.name(self.text_of(name))),
                    None => self.value(None, span),
                };
                let exported = match name {
                    _ if is_default => "default",
                    Some(name) => self.text_of(name),
                    None => return,
                };
                self.add_export(exported, target, span);
            }
        }
    }

    /// Every variable of a pattern.
    fn bound(&mut self, pattern: Node<'_>, span: Span) {
        let mut pending = vec![pattern];
        while let Some(node) = pending.pop() {
            match node.kind() {
                "identifier" | "shorthand_property_identifier_pattern" => {
                    let text = self.text_of(node);
                    let target = ExportTarget::Local(self.name(text));
                    self.add_export(text, target, span);
                }
                "pair_pattern" => pending.extend(node.child_by_field_name("value")),
                "assignment_pattern" | "object_assignment_pattern" => {
                    pending.extend(node.child_by_field_name("left"));
                }
                "object_pattern" | "array_pattern" | "rest_pattern" => {
                    pending.extend(children(node).into_iter().rev());
                }
                _ => {}
            }
        }
    }

    /// `module.exports = …`, `module.exports.a = …`, `exports.a = …`
    fn commonjs(&mut self, statement: Node<'_>) {
        let Some(assignment) = statement
            .named_child(0)
            .filter(|node| node.kind() == "assignment_expression")
        else {
            return;
        };
        let left = assignment
            .child_by_field_name("left")
            .map_or("", |left| self.text_of(left));
        let name = match left {
            "module.exports" => "default",
            _ => match left
                .strip_prefix("module.exports.")
                .or_else(|| left.strip_prefix("exports."))
            {
                Some(name) if !name.contains('.') => name,
                _ => return,
            },
        };
        let span = span_of(assignment);
        let target = self.value(assignment.child_by_field_name("right"), span);
        self.add_export(name, target, span);
    }

    fn add_export(&mut self, name: &str, target: ExportTarget, span: Span) {
        if self.record.exports.iter().any(|each| &*each.name == name) {
            return;
        }
        self.record.exports.push(Export {
            name: Box::from(name),
            target,
            span,
        });
    }
}

/// The children of a node; through a cursor, because reaching the n-th child alone takes n steps.
fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).collect()
}

fn span_of(node: Node<'_>) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(offset(node.start_byte()), offset(node.end_byte()))
}

#[cfg(test)]
mod tests {
    use super::exports_only;
    use crate::source::{RepoPath, SourceFile};
    use crate::syntax::{ExportTarget, Imported, ParseOptions, Parsed, PatternSet, parse_module};

    fn outline(path: &str, text: &str) -> String {
        let file = SourceFile::new(RepoPath::new(path), text);
        let record = exports_only(&file, String::from("a test"));
        assert_eq!(record.parsed, Parsed::ExportsOnly("a test".into()));
        assert_eq!(record.functions.len(), 1);
        let mut out = Vec::new();
        for import in &record.imports {
            let imported = match &import.imported {
                Imported::Named(name) => record.name(*name),
                Imported::Default => "default",
                Imported::Namespace => "*",
            };
            let local = record.name(import.local);
            out.push(format!("{local}={imported}@{}", import.specifier));
        }
        for export in &record.exports {
            let target = match &export.target {
                ExportTarget::Local(name) => record.name(*name).to_owned(),
                ExportTarget::Expr(_) => "<>".to_owned(),
                ExportTarget::From { specifier, .. } => format!("@{specifier}"),
                ExportTarget::Type => "type".to_owned(),
            };
            out.push(format!("export {}={target}", export.name));
        }
        out.extend(
            record
                .star_exports
                .iter()
                .map(|from| format!("star {from}")),
        );
        out.join(", ")
    }

    #[test]
    fn lists_imports_and_exports() {
        assert_eq!(
            outline(
                "a.ts",
                "'use server'
                 import a, { b as c, type D } from 'x'; import * as ns from 'y'; import q = require('q');
                 export async function GET() {} export const POST = 1, { e, f: g = 2, ...h } = i, [j] = k;
                 export class K {} export interface I {} export { l as m, default as n } from './o'; export * from './p';
                 export * as r from './s'; export default withAuth(h);"
            ),
            "a=default@x, c=b@x, D=D@x, ns=*@y, q=*@q, export GET=GET, export POST=POST, export e=e, export g=g, export h=h, \
             export j=j, export K=K, export I=type, export m=@./o, export n=@./o, export r=@./s, export default=<>, star ./p"
        );
        assert_eq!(
            outline(
                "a.js",
                "const x = require('y'); module.exports = x; exports.a = () => 1"
            ),
            "x=*@y, export default=x, export a=<>"
        );
        assert_eq!(
            outline("a.tsx", "export default function P() { return <a/> }"),
            "export default=P"
        );
    }

    #[test]
    fn a_file_with_a_mistake_keeps_its_routes() {
        let text = "import { a } from 'a'\nexport async function GET() { return a( }\nexport async function POST() {}\n";
        let file = SourceFile::new(RepoPath::new("app/api/x/route.ts"), text);
        let patterns = PatternSet::default();
        let record = parse_module(
            &file,
            ParseOptions {
                patterns: &patterns,
            },
        );
        let Parsed::ExportsOnly(reason) = &record.parsed else {
            panic!("it has a syntax error");
        };
        assert!(reason.starts_with("syntax error"), "{reason}");
        let names: Vec<&str> = record.exports.iter().map(|export| &*export.name).collect();
        assert_eq!(names, ["GET", "POST"]);
        assert_eq!(record.imports.len(), 1);
    }
}
