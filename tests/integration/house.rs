//! The order of the house, read from our own source: data goes down one road, and this test is what holds it there.
//!
//! A workspace of crates would enforce the same; one package with this test is easier to read and to publish. A path
//! counts wherever it stands: in `use`, in an expression, in a type, inside a macro's arguments. Code under
//! `#[cfg(test)]` may do as it likes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use walkdir::WalkDir;

/// Crates that read JavaScript or TypeScript.
const PARSERS: [&str; 10] = [
    "ast_grep_core",
    "oxc_allocator",
    "oxc_ast",
    "oxc_ast_visit",
    "oxc_parser",
    "oxc_semantic",
    "oxc_span",
    "oxc_syntax",
    "tree_sitter",
    "tree_sitter_typescript",
];

/// Macros that print.
const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// Macros that end the program.
const PANICKING: [&str; 4] = ["panic", "todo", "unimplemented", "unreachable"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One file of `src/` and where it belongs.
struct Source {
    path: String,
    room: String,
    syntax: syn::File,
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut found = Vec::new();
    for entry in WalkDir::new(&src).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let path = entry.path().strip_prefix(&src).unwrap();
        let path = path.to_str().unwrap().replace('\\', "/");
        let room = path.split(['/', '.']).next().unwrap().to_owned();
        let text = fs::read_to_string(entry.path()).unwrap();
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        found.push(Source { path, room, syntax });
    }
    assert!(found.len() > 30, "the walk found the source");
    let tests: Vec<String> = found.iter().flat_map(test_modules).collect();
    found.retain(|source| {
        let module = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        !tests.iter().any(|test| Path::new(module).starts_with(test))
    });
    found
}

/// Modules in files of their own that hang behind `#[cfg(test)] mod name;`, as paths without an end.
fn test_modules(source: &Source) -> Vec<String> {
    let path = source.path.trim_end_matches(".rs");
    let folder = match path.strip_suffix("mod") {
        Some(folder) => folder.to_owned(),
        None => format!("{path}/"),
    };
    let modules = source.syntax.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) if module.content.is_none() && is_test(&module.attrs) => {
            Some(format!("{folder}{}", module.ident))
        }
        _ => None,
    });
    modules.collect()
}

/// The rooms, lowest first: the `pub mod` lines of `lib.rs`.
fn rooms() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let file = syn::parse_file(&text).unwrap();
    let rooms = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    rooms.collect()
}

/// A path as it is written, with the 1-based line on which it begins.
type Written = (Vec<String>, usize);

/// Everything that the house rules look at in one file.
#[derive(Default)]
struct Reading {
    paths: Vec<Written>,
    macros: Vec<(String, usize)>,
    methods: Vec<(String, usize)>,
}

fn read(file: &syn::File) -> Reading {
    let mut reading = Reading::default();
    reading.visit_file(file);
    reading
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|path| path.is_ident("test")))
    })
}

impl Reading {
    fn use_tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        match tree {
            syn::UseTree::Path(path) => {
                let mut so_far = before.to_vec();
                so_far.push(path.ident.to_string());
                self.use_tree(&path.tree, &so_far);
            }
            syn::UseTree::Name(name) => self.used(before, &name.ident),
            syn::UseTree::Rename(rename) => self.used(before, &rename.ident),
            syn::UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.paths.push((before.to_vec(), line));
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(tree, before);
                }
            }
        }
    }

    fn used(&mut self, before: &[String], last: &proc_macro2::Ident) {
        let mut path = before.to_vec();
        path.push(last.to_string());
        self.paths.push((path, last.span().start().line));
    }

    /// Paths and method calls among a macro's tokens, which are not parsed.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let punctuation = |at: usize, sign: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(first) => {
                    let line = first.span().start().line;
                    let method = at > 0 && punctuation(at - 1, '.');
                    let mut path = vec![first.to_string()];
                    while punctuation(at + 1, ':') && punctuation(at + 2, ':') {
                        let Some(TokenTree::Ident(next)) = tokens.get(at + 3) else {
                            break;
                        };
                        path.push(next.to_string());
                        at += 3;
                    }
                    if method {
                        self.methods.push((first.to_string(), line));
                    } else if path.len() == 1 && punctuation(at + 1, '!') {
                        self.macros.push((first.to_string(), line));
                    } else {
                        self.paths.push((path, line));
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }
}

impl<'ast> Visit<'ast> for Reading {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_test(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.use_tree(&item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let line = path.segments[0].ident.span().start().line;
        self.paths.push((names.collect(), line));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.segments.last() {
            let line = name.ident.span().start().line;
            self.macros.push((name.ident.to_string(), line));
        }
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let line = call.method.span().start().line;
        self.methods.push((call.method.to_string(), line));
        visit::visit_expr_method_call(self, call);
    }
}

/// What a file does that the house forbids.
fn offences(room: &str, rooms: &[String], reading: &Reading) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let height = |name: &str| rooms.iter().position(|room| room == name);
    let own = height(room);
    for (path, line) in &reading.paths {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut complain = |what: String| found.push((*line, what));
        if let ["crate", other, ..] = names[..]
            && let (Some(own), Some(other_height)) = (own, height(other))
            && other_height > own
        {
            complain(format!("imports upward: {room} may not know {other}"));
        }
        if names.windows(2).any(|pair| pair == ["super", "super"]) {
            complain(String::from(
                "super::super climbs out of sight; name the room",
            ));
        }
        if PARSERS.contains(&names[0]) && room != "syntax" {
            complain(format!("{} belongs into syntax", names[0]));
        }
        if names[0] == "oxc_resolver" && room != "project" {
            complain(String::from("oxc_resolver belongs into project"));
        }
        if names.starts_with(&["std", "fs"]) && room != "source" {
            complain(String::from("the disk belongs into source"));
        }
        let stream = matches!(
            names[..],
            ["std", "io", "stdout" | "stderr", ..] | ["io", "stdout" | "stderr", ..]
        );
        if stream && room != "cli" {
            complain(String::from("printing belongs into cli"));
        }
    }
    for (name, line) in &reading.macros {
        if PRINTING.contains(&name.as_str()) && room != "cli" {
            found.push((*line, format!("{name}! prints, which belongs into cli")));
        }
        if PANICKING.contains(&name.as_str()) {
            found.push((*line, format!("{name}! ends the program; return an error")));
        }
    }
    for (name, line) in &reading.methods {
        if name == "unwrap" || name == "expect" {
            found.push((
                *line,
                format!(".{name}() ends the program; handle the case"),
            ));
        }
    }
    found
}

#[test]
fn every_room_keeps_its_place() {
    let rooms = rooms();
    let mut complaints = Vec::new();
    for source in sources() {
        for (line, what) in offences(&source.room, &rooms, &read(&source.syntax)) {
            complaints.push(format!("src/{}:{line}: {what}", source.path));
        }
    }
    complaints.dedup();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_room_says_what_belongs_there() {
    let mut folders: BTreeMap<String, bool> = BTreeMap::new();
    for source in sources() {
        let documented = source.syntax.attrs.iter().any(|attribute| {
            attribute.path().is_ident("doc") && matches!(attribute.style, syn::AttrStyle::Inner(_))
        });
        assert!(documented, "src/{} does not open with //!", source.path);
        if source.path.ends_with("/mod.rs") {
            folders.insert(source.room, true);
        }
    }
    for room in rooms() {
        assert!(folders.contains_key(&room), "room {room} has no mod.rs");
    }
}

/// The test itself has to see what it forbids, in every way it can be written.
#[test]
fn the_test_sees_what_it_forbids() {
    let rooms: Vec<String> = ["source", "syntax", "rule", "cli"].map(String::from).into();
    let offences = |room: &str, text: &str| {
        let file = syn::parse_file(text).unwrap();
        super::house::offences(room, &rooms, &read(&file)).len()
    };
    for (room, text) in [
        ("source", "use crate::rule::Rule;"),
        ("source", "use crate::{source::A, rule::{B, C as D}};"),
        ("source", "use crate::rule::*;"),
        ("source", "fn f(x: crate::rule::Rule) {}"),
        ("source", "fn f() { format!(\"{}\", crate::rule::NAME); }"),
        ("rule", "use super::super::source::A;"),
        ("rule", "use oxc_span::Span;"),
        ("rule", "fn f() { tree_sitter::Parser::new(); }"),
        ("syntax", "use oxc_resolver::Resolver;"),
        ("rule", "use std::fs;"),
        ("rule", "fn f() { std::fs::read(\"x\"); }"),
        ("rule", "fn f() { println!(\"x\"); }"),
        ("rule", "use std::io::stdout;"),
        ("rule", "fn f() { x.unwrap(); }"),
        ("rule", "fn f() { format!(\"{}\", x.expect(\"y\")); }"),
        ("cli", "fn f() { todo!() }"),
    ] {
        assert!(offences(room, text) > 0, "{room}: {text}");
    }
    for (room, text) in [
        (
            "rule",
            "use crate::source::A; use super::Check; use std::io::Read;",
        ),
        ("syntax", "use oxc_span::Span;"),
        ("source", "use std::fs;"),
        ("cli", "fn f() { println!(\"x\"); let y = x.unwrap_or(3); }"),
        (
            "rule",
            "#[cfg(test)] mod tests { fn f() { x.unwrap(); panic!() } }",
        ),
    ] {
        assert_eq!(offences(room, text), 0, "{room}: {text}");
    }
}

/// Paths between backticks in the documents, as `src/checks/` or `tests/cmd`.
#[test]
fn documents_name_files_that_exist() {
    for document in ["README.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let mut named = 0;
        for piece in text.split('`').skip(1).step_by(2) {
            let path = piece.trim_end_matches('/');
            let ours = [
                "src/",
                "rules/",
                "tests/",
                "fixtures/",
                "schemas/",
                "bench/",
                "benches/",
                ".github/",
                ".ci/",
            ];
            let literal = !path.contains(['<', '*', ' ', '{', '\n', '$', '…']);
            if literal && ours.iter().any(|folder| path.starts_with(folder)) {
                named += 1;
                let found = root().join(path.split(':').next().unwrap());
                assert!(
                    found.exists(),
                    "{document} names {piece}, which does not exist"
                );
            }
        }
        assert!(named > 0, "{document} names no file at all");
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let local = !link.contains("://") && !link.starts_with('#');
            assert!(
                !local || Path::new(&root()).join(link).exists(),
                "{document} links to {link}"
            );
        }
    }
}
