//! What a name stands for, followed to its definition.

use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

use crate::syntax::{
    AssignOp, Block, ExportTarget, Expr, ExprId, Imported, Key, MODULE_BODY, ModuleRecord, Name,
    Pattern, Property, StmtKind,
};

use super::{Graph, Link, ModuleId};

/// A chain of re-exports longer than this is given up; real ones stay below 10.
const MAX_HOPS: usize = 128;

/// What an imported or exported name stands for after every re-export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Symbol {
    /// A binding at the top level of a module.
    Local {
        /// The module that defines it.
        module: ModuleId,
        /// Its name there.
        name: Name,
    },
    /// An expression: `export default …`, `module.exports = …`.
    Expr {
        /// The module that holds it.
        module: ModuleId,
        /// The expression.
        expr: ExprId,
    },
    /// A module as an object.
    Namespace(ModuleId),
    /// Something of a package outside the repository.
    External {
        /// `@clerk/nextjs`
        package: Box<str>,
        /// `server`; empty for the package itself.
        subpath: Box<str>,
        /// The export's name, `default`, or `*` for the namespace.
        name: Box<str>,
    },
    /// A type: nothing at run time.
    Type,
    /// It could not be found: missing file, missing export, or a cycle of re-exports.
    Unresolved,
}

/// The names already followed on the way to a symbol.
#[derive(Default)]
struct Trail<'n> {
    seen: SmallVec<[(ModuleId, &'n str); 4]>,
    depth: usize,
}

impl<'n> Trail<'n> {
    /// Notes a step down; false when it was made before or the way is too long.
    fn enter(&mut self, module: ModuleId, name: &'n str) -> bool {
        if self.depth >= MAX_HOPS || self.seen.contains(&(module, name)) {
            return false;
        }
        self.depth += 1;
        self.seen.push((module, name));
        true
    }

    /// Back from a step.
    fn leave(&mut self) {
        self.depth -= 1;
    }
}

impl Graph {
    /// What the export `name` of `module` stands for, followed through re-exports, `export *` and renames.
    #[must_use]
    pub fn export(&self, module: ModuleId, name: &str) -> Symbol {
        self.follow_export(module, name, &mut Trail::default())
    }

    /// What the imported binding `local` of `module` stands for; `None` when `local` is no import.
    #[must_use]
    pub fn binding(&self, module: ModuleId, local: Name) -> Option<Symbol> {
        let at = self.import_of(module, local)?;
        let cell = &self.memory[module.0 as usize].bindings[at];
        if let Some(known) = cell.get() {
            return Some(known.clone());
        }
        let symbol = self.follow_import(module, at, &mut Trail::default());
        // Another thread may have been faster; it found the same.
        let _ = cell.set(symbol.clone());
        Some(symbol)
    }

    /// The names that can be imported from `module`, through `export *` too, sorted, without doubles.
    #[must_use]
    pub fn export_names(&self, module: ModuleId) -> Vec<Box<str>> {
        let mut names: Vec<Box<str>> = Vec::new();
        let mut seen = vec![module];
        let mut open = vec![module];
        while let Some(current) = open.pop() {
            let record = self.module(current);
            names.extend(
                record
                    .exports
                    .iter()
                    // `export *` passes everything on but the default export.
                    .filter(|export| current == module || &*export.name != "default")
                    .map(|export| export.name.clone()),
            );
            names.extend(self.common_js_names(current));
            for link in self.stars(current) {
                if let Link::Module(next) = link
                    && !seen.contains(next)
                {
                    seen.push(*next);
                    open.push(*next);
                }
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The index of the import that binds `local`.
    fn import_of(&self, module: ModuleId, local: Name) -> Option<usize> {
        let imports = &self.module(module).imports;
        if imports.is_empty() {
            return None;
        }
        let locals = self.memory[module.0 as usize].locals.get_or_init(|| {
            let mut locals: FxHashMap<Name, usize> =
                FxHashMap::with_capacity_and_hasher(imports.len(), FxBuildHasher);
            for (at, import) in imports.iter().enumerate() {
                // A name may be imported as a type and as a value; the value runs.
                let replaces = locals
                    .get(&import.local)
                    .is_none_or(|&earlier| imports[earlier].type_only && !import.type_only);
                if replaces {
                    locals.insert(import.local, at);
                }
            }
            locals
        });
        locals.get(&local).copied()
    }

    fn follow_import<'n>(&'n self, module: ModuleId, at: usize, trail: &mut Trail<'n>) -> Symbol {
        let import = &self.module(module).imports[at];
        if import.type_only {
            return Symbol::Type;
        }
        self.follow(module, &import.specifier, &import.imported, trail)
    }

    /// What `imported` of `specifier`, written in `module`, stands for.
    fn follow<'n>(
        &'n self,
        module: ModuleId,
        specifier: &str,
        imported: &Imported,
        trail: &mut Trail<'n>,
    ) -> Symbol {
        let name: &'n str = match imported {
            Imported::Named(name) => self.module(module).name(*name),
            Imported::Default => "default",
            Imported::Namespace => "*",
        };
        self.follow_name(module, specifier, name, trail)
    }

    /// What a name of `specifier` stands for; `*` is all of it.
    fn follow_name<'n>(
        &'n self,
        module: ModuleId,
        specifier: &str,
        name: &'n str,
        trail: &mut Trail<'n>,
    ) -> Symbol {
        match self.link(module, specifier) {
            Link::Module(target) if name == "*" => self.namespace(target, trail),
            Link::Module(target) => self.follow_export(target, name, trail),
            Link::External { package, subpath } => Symbol::External {
                package,
                subpath,
                name: Box::from(name),
            },
            Link::Asset(_) | Link::Missing => Symbol::Unresolved,
        }
    }

    /// A whole module: what `module.exports` is set to where it is, else the module as an object.
    fn namespace<'n>(&'n self, module: ModuleId, trail: &mut Trail<'n>) -> Symbol {
        if self.is_common_js(module)
            && let Some(at) = self.export_at(module, "default")
        {
            match &self.module(module).exports[at].target {
                ExportTarget::Expr(expr)
                    if matches!(self.module(module).expr(*expr), Expr::Object(_)) => {}
                _ => return self.follow_export(module, "default", trail),
            }
        }
        Symbol::Namespace(module)
    }

    fn follow_export<'n>(
        &'n self,
        module: ModuleId,
        name: &'n str,
        trail: &mut Trail<'n>,
    ) -> Symbol {
        if !trail.enter(module, name) {
            return Symbol::Unresolved;
        }
        let symbol = self.follow_entered(module, name, trail);
        trail.leave();
        symbol
    }

    fn follow_entered<'n>(
        &'n self,
        module: ModuleId,
        name: &'n str,
        trail: &mut Trail<'n>,
    ) -> Symbol {
        let record = self.module(module);
        if let Some(at) = self.export_at(module, name) {
            return match &record.exports[at].target {
                ExportTarget::Local(local) => self.follow_local(module, *local, trail),
                ExportTarget::Expr(expr) => self.follow_expr(module, *expr, trail),
                ExportTarget::From {
                    specifier,
                    imported,
                } => self.follow(module, specifier, imported, trail),
                ExportTarget::Type => Symbol::Type,
            };
        }
        if let Some(symbol) = self.common_js_export(module, name, trail) {
            return symbol;
        }
        if name == "default" {
            return Symbol::Unresolved;
        }
        let mut fallback = Symbol::Unresolved;
        for link in self.stars(module) {
            match link {
                // Most of a barrel's files plainly do not have the name.
                Link::Module(next) if !self.may_export(*next, name) => {}
                Link::Module(next) => match self.follow_export(*next, name, trail) {
                    Symbol::Unresolved => {}
                    Symbol::Type => fallback = Symbol::Type,
                    found @ Symbol::External { .. } if fallback == Symbol::Unresolved => {
                        fallback = found;
                    }
                    Symbol::External { .. } => {}
                    found => return found,
                },
                // What the package exports is unknown, so it only answers when no module does.
                Link::External { package, subpath } if fallback == Symbol::Unresolved => {
                    fallback = Symbol::External {
                        package: package.clone(),
                        subpath: subpath.clone(),
                        name: Box::from(name),
                    };
                }
                _ => {}
            }
        }
        fallback
    }

    /// False when it takes no following to see that `module` does not export `name`.
    fn may_export(&self, module: ModuleId, name: &str) -> bool {
        self.export_at(module, name).is_some()
            || !self.module(module).star_exports.is_empty()
            || self.is_common_js(module)
    }

    /// The properties of `module.exports = {…}`.
    fn common_js_names(&self, module: ModuleId) -> Vec<Box<str>> {
        let record = self.module(module);
        self.common_js_object(module)
            .into_iter()
            .flatten()
            .filter_map(|property| match property {
                Property::Value {
                    key: Key::Name(key),
                    ..
                } => Some(Box::from(record.name(*key))),
                _ => None,
            })
            .collect()
    }

    /// The object literal that `module.exports` is set to.
    fn common_js_object(&self, module: ModuleId) -> Option<&[Property]> {
        if !self.is_common_js(module) {
            return None;
        }
        let record = self.module(module);
        let at = self.export_at(module, "default")?;
        match record.exports[at].target {
            ExportTarget::Expr(expr) => match record.expr(expr) {
                Expr::Object(properties) => Some(properties),
                _ => None,
            },
            _ => None,
        }
    }

    /// A binding of `module`, followed when it is an import.
    fn follow_local<'n>(&'n self, module: ModuleId, name: Name, trail: &mut Trail<'n>) -> Symbol {
        match self.import_of(module, name) {
            Some(at) => self.follow_import(module, at, trail),
            None => Symbol::Local { module, name },
        }
    }

    /// An exported expression; a plain name is what the name stands for, `require()` what it gives.
    fn follow_expr<'n>(&'n self, module: ModuleId, expr: ExprId, trail: &mut Trail<'n>) -> Symbol {
        let record = self.module(module);
        match record.expr(expr) {
            Expr::Name(name) => self.follow_local(module, *name, trail),
            _ => match required(record, expr) {
                Some(specifier) => self.follow(module, specifier, &Imported::Namespace, trail),
                None => Symbol::Expr { module, expr },
            },
        }
    }

    /// `module.exports = require("./dist/roles")`: what stands for the module as a whole.
    fn required_as_a_whole(&self, module: ModuleId) -> Option<&str> {
        let record = self.module(module);
        let at = self.export_at(module, "default")?;
        match record.exports[at].target {
            ExportTarget::Expr(expr) => required(record, expr),
            _ => None,
        }
    }

    /// What CommonJS gives for a name that is not exported as such: a property of `module.exports = {…}`, or for
    /// `default` the exports as a whole.
    fn common_js_export<'n>(
        &'n self,
        module: ModuleId,
        name: &'n str,
        trail: &mut Trail<'n>,
    ) -> Option<Symbol> {
        if !self.is_common_js(module) {
            return None;
        }
        if name == "default" {
            return Some(Symbol::Namespace(module));
        }
        let record = self.module(module);
        if let Some(specifier) = self.required_as_a_whole(module) {
            return Some(self.follow_name(module, specifier, name, trail));
        }
        let properties = self.common_js_object(module)?;
        let value = properties.iter().find_map(|property| match property {
            Property::Value {
                key: Key::Name(key),
                value,
            } if record.name(*key) == name => Some(*value),
            _ => None,
        })?;
        Some(self.follow_expr(module, value, trail))
    }

    fn export_at(&self, module: ModuleId, name: &str) -> Option<usize> {
        let exports = &self.module(module).exports;
        if exports.len() <= 8 {
            return best(exports.iter().enumerate().filter(|(_, e)| &*e.name == name));
        }
        let by_name = self.memory[module.0 as usize].exports.get_or_init(|| {
            let mut by_name: FxHashMap<Box<str>, usize> =
                FxHashMap::with_capacity_and_hasher(exports.len(), FxBuildHasher);
            for (at, export) in exports.iter().enumerate() {
                let replaces = by_name
                    .get(&export.name)
                    .is_none_or(|&earlier| exports[earlier].target == ExportTarget::Type);
                if replaces {
                    by_name.insert(export.name.clone(), at);
                }
            }
            by_name
        });
        by_name.get(name).copied()
    }

    /// Whether `module` assigns `module.exports` or a property of `exports` at its top level.
    fn is_common_js(&self, module: ModuleId) -> bool {
        *self.memory[module.0 as usize]
            .common_js
            .get_or_init(|| assigns_exports(self.module(module)))
    }
}

/// The first export that is no type, else the first: a type and a value may share a name.
fn best<'e>(found: impl Iterator<Item = (usize, &'e crate::syntax::Export)>) -> Option<usize> {
    let mut first = None;
    for (at, export) in found {
        if export.target != ExportTarget::Type {
            return Some(at);
        }
        first = first.or(Some(at));
    }
    first
}

/// The specifier of `require("…")`.
fn required(record: &ModuleRecord, expr: ExprId) -> Option<&str> {
    let Expr::Call { callee, args, .. } = record.expr(expr) else {
        return None;
    };
    let is_require =
        matches!(record.expr(*callee), Expr::Name(name) if record.name(*name) == "require");
    match args.first().map(|argument| record.expr(argument.value)) {
        Some(Expr::String(specifier)) if is_require => Some(specifier),
        _ => None,
    }
}

fn assigns_exports(record: &ModuleRecord) -> bool {
    let Some(exports) = record.find_name("exports") else {
        return false;
    };
    let module = record.find_name("module");
    let Some(body) = record.functions.get(MODULE_BODY.0 as usize) else {
        return false;
    };
    let is_exports = |id: ExprId| match record.expr(id) {
        Expr::Name(name) => *name == exports,
        Expr::Member {
            object, property, ..
        } => {
            *property == exports
                && matches!(record.expr(*object), Expr::Name(name) if Some(*name) == module)
        }
        _ => false,
    };
    let writes = |target: &Pattern| match target {
        Pattern::Member(id) => match record.expr(*id) {
            Expr::Member { object, .. } => is_exports(*id) || is_exports(*object),
            _ => false,
        },
        _ => false,
    };
    any_assignment(record, &body.body, &writes)
}

/// Whether a statement of `block` itself is an assignment to a target for which `writes` holds.
fn any_assignment(record: &ModuleRecord, block: &Block, writes: &dyn Fn(&Pattern) -> bool) -> bool {
    block.iter().any(|statement| {
        let mut expr = match &statement.kind {
            StmtKind::Expr(expr) => Some(*expr),
            StmtKind::Let { init, .. } => *init,
            _ => None,
        };
        // `module.exports = exports = x`
        while let Some(id) = expr {
            match record.expr(id) {
                Expr::Assign {
                    target,
                    op: AssignOp::Set,
                    value,
                } => {
                    if writes(target) {
                        return true;
                    }
                    expr = Some(*value);
                }
                _ => expr = None,
            }
        }
        false
    })
}
