//! Small questions about one module's code: what a name was imported from, which strings it holds, what it calls.

use crate::source::{Location, RepoPath};
use crate::syntax::{
    Argument, AssignOp, Block, Expr, ExprId, Imported, Key, MODULE_BODY, Meant, ModuleRecord, Name,
    Pattern, Property, Stmt, StmtKind,
};

/// Folders whose code never runs in production.
fn is_side_folder(folder: &str) -> bool {
    matches!(
        folder,
        "__tests__"
            | "__mocks__"
            | "__fixtures__"
            | "test"
            | "tests"
            | "e2e"
            | "cypress"
            | "playwright"
            | "fixtures"
            | "mocks"
            | "stories"
            | ".storybook"
            | "node_modules"
            | "load-tests"
            | "benchmarks"
    )
}

/// Folders that are beside the code when they lie beside it, and part of a page when they lie in it: `docs/`, but not `src/app/docs/`.
const OUTER_FOLDERS: [&str; 4] = ["examples", "example", "docs", "templates"];

/// Folders in which the code lies.
const CODE_FOLDERS: [&str; 5] = ["src", "app", "pages", "components", "lib"];

/// True for tests, stories, mocks and examples.
pub(super) fn is_side_file(path: &RepoPath) -> bool {
    let name = path.file_name();
    let marked = path.is_test_by_name()
        || path.is_marked(&["stories", "story", "mock", "test-utils", "test-helpers"])
        || name.contains("_test.");
    let setup = [
        "jest.setup",
        "vitest.setup",
        "setupTests",
        "test-setup",
        "setup-tests",
    ];
    marked
        || setup.iter().any(|start| name.starts_with(start))
        || path.folders().any(is_side_folder)
        || path
            .folders()
            .take_while(|folder| !CODE_FOLDERS.contains(folder))
            .any(|folder| OUTER_FOLDERS.contains(&folder))
}

/// True for what is kept to show or to try something, and not deployed for users: `examples/shop`, `apps/mock-oauth-server`.
pub(super) fn is_for_show<'p>(folders: impl Iterator<Item = &'p str>) -> bool {
    let words = [
        "example",
        "examples",
        "demo",
        "demos",
        "mock",
        "mocks",
        "cookbook",
        "cookbooks",
        "sample",
        "samples",
        "playground",
        "playgrounds",
        "sandbox",
        "harness",
        "test",
        "e2e",
    ];
    let mut outer = folders.take_while(|folder| !CODE_FOLDERS.contains(folder));
    outer.any(|folder| folder.split(['-', '_']).any(|word| words.contains(&word)))
}

/// True for an application that developers run beside the product or begin theirs with: `docker/dependencies/mail-viewer`,
/// `tools/inspector`, `templates/shop`.
pub(super) fn is_for_developers(root: &RepoPath) -> bool {
    let mut folders = root.segments();
    folders.any(|folder| {
        matches!(
            folder,
            "docker" | "tools" | "tooling" | "scripts" | "devtools" | "templates"
        )
    })
}

/// True for the configuration of a test runner: `playwright.config.ts`, `vitest.workspace.ts`.
pub(super) fn is_test_configuration(path: &RepoPath) -> bool {
    let mut words = path.file_name().split('.');
    let runner = words.next().is_some_and(|name| {
        let name = name.split('-').next().unwrap_or(name);
        matches!(
            name,
            "playwright" | "vitest" | "jest" | "cypress" | "wdio" | "karma" | "checkly"
        )
    });
    runner && words.any(|word| matches!(word, "config" | "conf" | "workspace" | "preset"))
}

/// The package of a specifier, `@scope/name` of `@scope/name/path`; `None` for relative ones.
pub(super) fn package_of(specifier: &str) -> Option<&str> {
    if specifier.is_empty()
        || specifier.starts_with(['.', '/', '#', '~'])
        || specifier.starts_with("@/")
    {
        return None;
    }
    let mut slashes = memchr::memchr_iter(b'/', specifier.as_bytes());
    if specifier.starts_with('@') {
        slashes.next();
    }
    let end = slashes.next().unwrap_or(specifier.len());
    specifier.get(..end)
}

/// What `expr` takes from another module: specifier and exported name, `default` and `*` included. `X.y` of a default or
/// namespace import is `y`.
pub(super) fn imported(module: &ModuleRecord, expr: ExprId) -> Option<(&str, &str)> {
    match module.exprs.get(expr.0 as usize)? {
        Expr::Name(name) => {
            let import = import_of(module, *name)?;
            let what = match &import.imported {
                Imported::Named(name) => module.name(*name),
                Imported::Default => "default",
                Imported::Namespace => "*",
            };
            Some((&import.specifier, what))
        }
        Expr::Member {
            object, property, ..
        } => {
            let Expr::Name(name) = module.exprs.get(object.0 as usize)? else {
                return None;
            };
            let import = import_of(module, *name)?;
            Some((&import.specifier, module.name(*property)))
        }
        _ => None,
    }
}

fn import_of(module: &ModuleRecord, name: Name) -> Option<&crate::syntax::Import> {
    module
        .imports
        .iter()
        .find(|import| import.local == name && !import.type_only)
}

/// A call or construction.
pub(super) struct Call<'a> {
    /// The whole expression.
    pub expr: ExprId,
    /// What is called.
    pub callee: ExprId,
    /// With what.
    pub args: &'a [Argument],
}

/// Every call and construction of the module, in source order of their evaluation.
pub(super) fn calls(module: &ModuleRecord) -> impl Iterator<Item = Call<'_>> {
    numbered(module).filter_map(|(id, expr)| match expr {
        Expr::Call { callee, args, .. } | Expr::New { callee, args } => Some(Call {
            expr: id,
            callee: *callee,
            args,
        }),
        _ => None,
    })
}

/// Every expression with its number.
pub(super) fn numbered(module: &ModuleRecord) -> impl Iterator<Item = (ExprId, &Expr)> {
    (0u32..).map(ExprId).zip(module.exprs.iter())
}

/// A comment beside this line says in so many words that this is meant: up to so many lines before and behind.
pub(super) fn is_meant(
    record: &ModuleRecord,
    line: u32,
    meant: Meant,
    (before, behind): (u32, u32),
) -> bool {
    let mut said = record.facts.meant.iter();
    let beside = line.saturating_sub(before)..=line + behind;
    said.any(|(line, what)| *what == meant && beside.contains(line))
}

/// The name with which a chain of calls and members begins.
pub(super) fn root(record: &ModuleRecord, expr: ExprId) -> Option<Name> {
    let mut at = expr;
    loop {
        match record.expr(at) {
            Expr::Name(name) => return Some(*name),
            Expr::Member { object, .. } => at = *object,
            Expr::Call { callee, .. } => at = *callee,
            _ => return None,
        }
    }
}

/// The text of a string literal, or of a template with `\u{0}` for what is computed.
pub(super) fn text(module: &ModuleRecord, expr: ExprId) -> Option<std::borrow::Cow<'_, str>> {
    match module.exprs.get(expr.0 as usize)? {
        Expr::String(text) => Some(std::borrow::Cow::Borrowed(text)),
        Expr::Template { texts, .. } => Some(std::borrow::Cow::Owned(texts.join("\u{0}"))),
        _ => None,
    }
}

/// The key's text, when it is written as a literal.
pub(super) fn key<'a>(module: &'a ModuleRecord, key: &Key) -> Option<&'a str> {
    match key {
        Key::Name(name) => Some(module.name(*name)),
        Key::Computed(expr) => match module.exprs.get(expr.0 as usize)? {
            Expr::String(text) => Some(text),
            _ => None,
        },
    }
}

/// The value at a key of an object literal.
pub(super) fn property(module: &ModuleRecord, object: ExprId, wanted: &str) -> Option<ExprId> {
    let Expr::Object(properties) = module.exprs.get(object.0 as usize)? else {
        return None;
    };
    properties.iter().rev().find_map(|property| match property {
        Property::Value { key: name, value } if key(module, name) == Some(wanted) => Some(*value),
        _ => None,
    })
}

/// The name of the method of `object.method(…)`, or of the function that is called.
pub(super) fn called_name(module: &ModuleRecord, callee: ExprId) -> Option<&str> {
    match module.exprs.get(callee.0 as usize)? {
        Expr::Name(name) => Some(module.name(*name)),
        Expr::Member { property, .. } => Some(module.name(*property)),
        _ => None,
    }
}

/// A call of a method: `object.method(…)`.
pub(super) struct MethodCall<'a> {
    /// What it is called on.
    pub object: ExprId,
    /// The method's name.
    pub method: &'a str,
    /// What it is given.
    pub args: &'a [Argument],
}

/// The expression as a call of a method.
pub(super) fn method_call(module: &ModuleRecord, expr: ExprId) -> Option<MethodCall<'_>> {
    let Expr::Call { callee, args, .. } = module.exprs.get(expr.0 as usize)? else {
        return None;
    };
    let Expr::Member {
        object, property, ..
    } = module.exprs.get(callee.0 as usize)?
    else {
        return None;
    };
    Some(MethodCall {
        object: *object,
        method: module.name(*property),
        args,
    })
}

/// True for `process.env`.
pub(super) fn is_process_env(module: &ModuleRecord, expr: ExprId) -> bool {
    let Some(Expr::Member {
        object, property, ..
    }) = module.exprs.get(expr.0 as usize)
    else {
        return false;
    };
    let on_process = matches!(
        module.exprs.get(object.0 as usize),
        Some(Expr::Name(name)) if module.name(*name) == "process"
    );
    on_process && module.name(*property) == "env"
}

/// The variable of `process.env.NAME`.
pub(super) fn env_name(module: &ModuleRecord, expr: ExprId) -> Option<&str> {
    match module.exprs.get(expr.0 as usize)? {
        Expr::Member {
            object, property, ..
        } if is_process_env(module, *object) => Some(module.name(*property)),
        Expr::Index { object, index, .. } if is_process_env(module, *object) => {
            match module.exprs.get(index.0 as usize)? {
                Expr::String(name) => Some(name),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What a variable is set to where it is declared; `None` when several declarations share its name.
pub(super) fn initial_value(module: &ModuleRecord, variable: Name) -> Option<ExprId> {
    let mut values = module
        .functions
        .iter()
        .flat_map(|function| statements(&function.body))
        .filter_map(|statement| match &statement.kind {
            StmtKind::Let {
                pattern: Pattern::Name(name),
                init: Some(init),
            } if *name == variable => Some(*init),
            _ => None,
        });
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// Asks about each value with the name of the variable, property or function that it is given to or returned from.
pub(super) fn for_each_named_value<'m>(
    module: &'m ModuleRecord,
    ask: &mut impl FnMut(ExprId, &'m str),
) {
    for expr in &module.exprs {
        match expr {
            Expr::Object(properties) => {
                for property in properties {
                    if let Property::Value { key: name, value } = property
                        && let Some(name) = key(module, name)
                    {
                        ask(*value, name);
                    }
                }
            }
            Expr::Assign {
                target,
                op: AssignOp::Set,
                value,
            } => match &**target {
                Pattern::Name(name) => ask(*value, module.name(*name)),
                Pattern::Member(member) => {
                    if let Some(Expr::Member { property, .. }) = module.exprs.get(member.0 as usize)
                    {
                        ask(*value, module.name(*property));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    for function in &module.functions {
        for statement in statements(&function.body) {
            match &statement.kind {
                StmtKind::Let {
                    pattern: Pattern::Name(name),
                    init: Some(init),
                } => ask(*init, module.name(*name)),
                StmtKind::Return(Some(value)) => {
                    if let Some(name) = function.name {
                        ask(*value, module.name(name));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Every statement of a block and of the blocks in it, without those of inner functions.
pub(super) fn statements(body: &Block) -> impl Iterator<Item = &Stmt> {
    blocks(body).flat_map(|block| block.iter())
}

/// A block, and all that stand in it.
pub(super) fn blocks(body: &Block) -> impl Iterator<Item = &Block> {
    let mut blocks: Vec<&Block> = Vec::new();
    let mut next = Some(body);
    std::iter::from_fn(move || {
        let block = next.take().or_else(|| blocks.pop())?;
        for statement in block {
            match &statement.kind {
                StmtKind::If {
                    then, otherwise, ..
                } => blocks.extend([then, otherwise]),
                StmtKind::Switch { cases, .. } => {
                    blocks.extend(cases.iter().map(|case| &case.body));
                }
                StmtKind::Try {
                    block,
                    handler,
                    finalizer,
                } => {
                    blocks.extend([block, finalizer]);
                    blocks.extend(handler.as_ref().map(|handler| &handler.body));
                }
                StmtKind::Loop(each) => blocks.extend([&each.init, &each.body]),
                StmtKind::Block(block) => blocks.push(block),
                _ => {}
            }
        }
        Some(block)
    })
}

/// The statements end in `return` or `throw`.
pub(super) fn leaves(block: &[Stmt]) -> bool {
    matches!(
        block.last().map(|last| &last.kind),
        Some(StmtKind::Return(_) | StmtKind::Throw(_))
    )
}

/// The statements at the top of a module.
pub(super) fn body(record: &ModuleRecord) -> &[Stmt] {
    record
        .functions
        .get(MODULE_BODY.0 as usize)
        .map_or(&[], |function| &function.body)
}

/// What a constant at the top of a module is set to: `export const runtime = "edge"`.
pub(super) fn constant(record: &ModuleRecord, wanted: &str) -> Option<ExprId> {
    let wanted = record.find_name(wanted)?;
    body(record)
        .iter()
        .find_map(|statement| match statement.kind {
            StmtKind::Let {
                pattern: Pattern::Name(name),
                init: Some(init),
            } if name == wanted => Some(init),
            _ => None,
        })
}

/// The place of an expression.
pub(super) fn place(module: &ModuleRecord, expr: ExprId) -> Location {
    let span = module.spans.get(expr.0 as usize).copied();
    module.location(span.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{is_side_file, is_test_configuration, package_of};
    use crate::source::RepoPath;

    #[test]
    fn packages_and_side_files() {
        assert_eq!(package_of("@sentry/nextjs/x"), Some("@sentry/nextjs"));
        assert_eq!(package_of("zod/v4"), Some("zod"));
        assert_eq!(package_of("@/lib/x"), None);
        assert_eq!(package_of("./x"), None);
        assert!(is_side_file(&RepoPath::new("app/api/x.test.ts")));
        assert!(is_side_file(&RepoPath::new("e2e/login.ts")));
        assert!(!is_side_file(&RepoPath::new("app/api/test-mode/route.ts")));
        assert!(is_side_file(&RepoPath::new("examples/basic/app/page.tsx")));
        assert!(!is_side_file(&RepoPath::new("web/src/app/docs/page.tsx")));
        for (path, expected) in [
            ("apps/web/playwright.config.mjs", true),
            ("vitest.integration.config.ts", true),
            ("jest-e2e.config.js", true),
            ("next.config.mjs", false),
            ("lib/jest.ts", false),
        ] {
            let found = is_test_configuration(&RepoPath::new(path));
            assert_eq!(found, expected, "{path}");
        }
    }
}
