//! Who uses what a module defines: references followed from a definition to code that runs.
//!
//! Every doubt counts as a use: a namespace that is handed on, a module that some tool may load by its place, a file whose
//! function bodies were not kept.

use std::cell::RefCell;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, Link, ModuleId, Symbol};
use crate::syntax::{
    Class, ExportTarget, Expr, ExprId, Imported, ModuleRecord, Name, Parsed, Pattern, Stmt,
    StmtKind,
};

use super::code::body;
use super::liveness::{Liveness, is_called_by_name};

/// A definition at the top of a module, or with `None` what the module does when it is loaded.
type Definition = (ModuleId, Option<Name>);

/// What is known of the use of one definition.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Code that runs uses it.
    pub used: bool,
    /// A test uses it.
    pub tested: bool,
    /// A module that nothing loads uses it.
    pub dead_user: Option<ModuleId>,
    /// A module that runs imports it, and does nothing with it.
    pub idle_import: Option<ModuleId>,
    /// Another definition of its module, which is not used either, uses it.
    pub beside: Option<Name>,
}

/// What the modules of a repository take of each other.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Who imports a name, by the name (`default` too): module and position among its imports.
    by_name: FxHashMap<Box<str>, Vec<(ModuleId, usize)>>,
    /// By module: those that take it whole, as a namespace or by `import()` and `require()`.
    whole: FxHashMap<ModuleId, Vec<ModuleId>>,
    /// By module: those that re-export something of it.
    passed_on: FxHashMap<ModuleId, Vec<ModuleId>>,
}

impl Taken {
    pub(super) fn new(graph: &Graph) -> Self {
        let mut taken = Self::default();
        for (id, record) in graph.modules() {
            taken.note(graph, id, record);
        }
        taken
    }

    /// Notes what a module takes of others.
    fn note<'r>(&mut self, graph: &Graph, id: ModuleId, record: &'r ModuleRecord) {
        // Few enough to look through, and those of one module stand together.
        let mut named: Vec<&str> = Vec::new();
        let mut note = |specifier: &'r str| {
            if named.last() != Some(&specifier) {
                named.push(specifier);
            }
        };
        for (at, import) in record.imports.iter().enumerate() {
            let name = match &import.imported {
                Imported::Named(name) => record.name(*name),
                Imported::Default => "default",
                Imported::Namespace => continue,
            };
            note(&import.specifier);
            let known = match self.by_name.get_mut(name) {
                Some(known) => known,
                None => self.by_name.entry(Box::from(name)).or_default(),
            };
            known.push((id, at));
        }
        let from = record
            .exports
            .iter()
            .filter_map(|export| match &export.target {
                ExportTarget::From { specifier, .. } => Some(specifier),
                ExportTarget::Local(local) => record
                    .imports
                    .iter()
                    .find(|import| import.local == *local)
                    .map(|import| &import.specifier),
                _ => None,
            });
        for specifier in record.star_exports.iter().chain(from) {
            note(specifier);
            if let Link::Module(target) = graph.link(id, specifier) {
                let barrels = self.passed_on.entry(target).or_default();
                if barrels.last() != Some(&id) {
                    barrels.push(id);
                }
            }
        }
        // Namespaces, and what binds no name that could be followed: `import()`, `require()`.
        for request in record.requests.iter().filter(|request| !request.type_only) {
            let by_namespace = record.imports.iter().any(|import| {
                import.imported == Imported::Namespace && import.specifier == request.specifier
            });
            if (by_namespace || !named.contains(&&*request.specifier))
                && let Link::Module(target) = graph.link(id, &request.specifier)
            {
                self.whole.entry(target).or_default().push(id);
            }
        }
    }
}

/// The references of a repository.
pub(super) struct References<'a> {
    graph: &'a Graph,
    liveness: &'a Liveness,
    taken: &'a Taken,
    /// Definitions that are known to be used.
    used: RefCell<FxHashSet<Definition>>,
}

impl<'a> References<'a> {
    /// The references of the modules of a graph, some of which run.
    pub(super) fn new(graph: &'a Graph, taken: &'a Taken, liveness: &'a Liveness) -> Self {
        Self {
            graph,
            liveness,
            taken,
            used: RefCell::default(),
        }
    }

    /// The module is where a runtime, a tool or a person begins.
    pub(super) fn is_entry(&self, module: ModuleId) -> bool {
        self.liveness
            .entry
            .get(module.0 as usize)
            .copied()
            .unwrap_or(true)
    }

    /// The module runs, and is no test.
    pub(super) fn runs(&self, module: ModuleId) -> bool {
        !self.liveness.is_test(module) && self.is_live(module)
    }

    /// The module is loaded by one that is an entry.
    fn is_live(&self, module: ModuleId) -> bool {
        self.liveness
            .live
            .get(module.0 as usize)
            .copied()
            .unwrap_or(true)
    }

    /// Follows the uses of a definition until code that runs is met.
    pub(super) fn of(&self, module: ModuleId, name: Name) -> Uses {
        let mut uses = Uses::default();
        let start: Definition = (module, Some(name));
        let mut cause: FxHashMap<Definition, Definition> = FxHashMap::default();
        let mut open = vec![(start, start)];
        while let Some((definition, from)) = open.pop() {
            if cause.contains_key(&definition) {
                continue;
            }
            cause.insert(definition, from);
            let mut next: Vec<Definition> = Vec::new();
            if self.used.borrow().contains(&definition)
                || self.is_used(definition, start, &mut uses, &mut next)
            {
                // So is all that led here.
                let mut used = self.used.borrow_mut();
                let mut current = definition;
                while used.insert(current) && current != start {
                    let Some(&before) = cause.get(&current) else {
                        break;
                    };
                    current = before;
                }
                used.insert(start);
                uses.used = true;
                return uses;
            }
            open.extend(next.into_iter().map(|next| (next, definition)));
        }
        uses
    }

    /// Whether a definition is used by itself; else what uses it goes to `next`.
    fn is_used(
        &self,
        definition: Definition,
        start: Definition,
        uses: &mut Uses,
        next: &mut Vec<Definition>,
    ) -> bool {
        let (at, name) = definition;
        let Some(name) = name else {
            if !self.is_live(at) {
                uses.dead_user = uses.dead_user.or(Some(at));
            }
            return self.is_live(at);
        };
        let record = self.graph.module(at);
        if record.parsed != Parsed::Full
            || record.use_client && definition != start
            || self.is_type_source(at, record, name)
        {
            return true;
        }
        if definition != start && !self.is_live(at) {
            uses.dead_user = uses.dead_user.or(Some(at));
        }
        let inside = mentions(record, name);
        if definition == start {
            let mut others = inside.iter().filter_map(|around| *around);
            uses.beside = others.find(|around| *around != name);
        }
        next.extend(inside.into_iter().map(|around| (at, around)));
        let exported = exported_as(record, name);
        if exported.is_empty() {
            return false;
        }
        // Where something else of the module is imported, a framework may still load it for what it calls by name.
        let called = |name: &&str| *name != "default" && is_called_by_name(name);
        if definition != start
            && (self.is_entry(at) || self.is_live(at) && exported.iter().any(called))
        {
            return true;
        }
        let Some((names, within)) = self.ways(at, exported) else {
            return true;
        };
        for target in &within {
            for &user in self.taken.whole.get(target).into_iter().flatten() {
                let user_record = self.graph.module(user);
                let takes = names
                    .iter()
                    .any(|name| *name == "default" || user_record.find_name(name).is_some())
                    || user_record.imports.iter().any(|import| {
                        // Handed on whole (`drizzle(client, { schema })`), everything in it may be meant.
                        import.imported == Imported::Namespace
                            && self.graph.link(user, &import.specifier) == Link::Module(*target)
                            && (user_record.use_client || is_handed_on(user_record, import.local))
                    });
                if !takes {
                    continue;
                }
                if self.liveness.is_test(user) {
                    // A test that replaces a part of a whole does not use all of it.
                    uses.tested |= names
                        .iter()
                        .any(|name| user_record.find_name(name).is_some());
                } else if self.is_live(user) {
                    return true;
                } else {
                    uses.dead_user = uses.dead_user.or(Some(user));
                }
            }
        }
        for wanted in &names {
            for &(user, import) in self.taken.by_name.get(*wanted).into_iter().flatten() {
                if self.takes(user, import, &within, (at, name)) {
                    if self.liveness.is_test(user) {
                        uses.tested = true;
                    } else if self.is_used_by(user, import, uses, next) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// The names under which a definition can be imported, and the modules from which; `None` when one of these is where a
    /// program or a package begins.
    fn ways(
        &self,
        module: ModuleId,
        exported: Vec<&'a str>,
    ) -> Option<(Vec<&'a str>, Vec<ModuleId>)> {
        let mut names = exported;
        let mut within = vec![module];
        // A second round, for names that a barrel changed after another had been looked at.
        for _ in 0..2 {
            let mut at = 0;
            while let Some(&current) = within.get(at) {
                at += 1;
                for &barrel in self.taken.passed_on.get(&current).into_iter().flatten() {
                    let record = self.graph.module(barrel);
                    let mut passes = !record.star_exports.is_empty();
                    for export in &record.exports {
                        let taken = match &export.target {
                            ExportTarget::From { imported, .. } => Some(imported),
                            ExportTarget::Local(local) => record
                                .imports
                                .iter()
                                .find(|import| import.local == *local)
                                .map(|import| &import.imported),
                            _ => None,
                        };
                        let known = match taken {
                            Some(Imported::Named(name)) => names.contains(&record.name(*name)),
                            Some(Imported::Default) => names.contains(&"default"),
                            Some(Imported::Namespace) => true,
                            None => false,
                        };
                        if known {
                            passes = true;
                            if !names.contains(&&*export.name) {
                                names.push(&export.name);
                            }
                        }
                    }
                    if !passes {
                        continue;
                    }
                    if self.is_entry(barrel) && !self.liveness.is_test(barrel) {
                        return None;
                    }
                    if !within.contains(&barrel) {
                        within.push(barrel);
                    }
                }
            }
        }
        Some((names, within))
    }

    /// The import takes the definition.
    fn takes(
        &self,
        user: ModuleId,
        import: usize,
        within: &[ModuleId],
        (module, name): (ModuleId, Name),
    ) -> bool {
        let Some(import) = self.graph.module(user).imports.get(import) else {
            return false;
        };
        if import.type_only {
            return false;
        }
        let link = self.graph.link(user, &import.specifier);
        let directly = matches!(&link, Link::Module(target) if within.contains(target));
        // Most modules have a default, so those of others are passed over.
        if !directly
            && (import.imported == Imported::Default
                || matches!(link, Link::External { .. } | Link::Asset(_)))
        {
            return false;
        }
        match self.graph.binding(user, import.local) {
            // Files of CommonJS hand on what they require as a whole, without a name.
            Some(Symbol::Local { module: m, name: n }) => m == module && n == name,
            // A default export that is written as an expression, or a way that cannot be followed.
            Some(Symbol::Expr { module: m, .. } | Symbol::Namespace(m)) => directly && m == module,
            Some(Symbol::External { .. } | Symbol::Type) | None => false,
            // It may be this one, as the name says.
            Some(Symbol::Unresolved) => true,
        }
    }

    /// What a module does with something that it imports; true when that counts as a use by itself.
    fn is_used_by(
        &self,
        user: ModuleId,
        import: usize,
        uses: &mut Uses,
        next: &mut Vec<Definition>,
    ) -> bool {
        let record = self.graph.module(user);
        let Some(import) = record.imports.get(import) else {
            return false;
        };
        let whole = record.parsed != Parsed::Full || record.use_client;
        if whole || self.is_type_source_by_import(user, record, import.local) {
            return self.is_live(user);
        }
        let around = mentions(record, import.local);
        let handed_on = !exported_as(record, import.local).is_empty();
        if around.is_empty() && !handed_on && self.is_live(user) {
            uses.idle_import = uses.idle_import.or(Some(user));
        }
        next.extend(around.into_iter().map(|around| (user, around)));
        false
    }

    /// A type that is made of the value is used, so that the value is a definition of that type at least.
    fn is_type_source(&self, id: ModuleId, record: &ModuleRecord, name: Name) -> bool {
        let text = record.name(name);
        let alive = |alias: &Option<Box<str>>| match alias {
            None => true,
            Some(alias) => self.is_imported(id, alias, false),
        };
        let queries = &record.facts.type_queries;
        queries
            .iter()
            .any(|(alias, of)| &**of == text && alive(alias))
            || exported_as(record, name)
                .iter()
                .any(|name| self.is_imported(id, name, true))
    }

    /// A module that imports the value makes a type of it, and that is used.
    fn is_type_source_by_import(&self, id: ModuleId, record: &ModuleRecord, local: Name) -> bool {
        let text = record.name(local);
        record.facts.type_queries.iter().any(|(alias, of)| {
            &**of == text
                && alias
                    .as_ref()
                    .is_none_or(|alias| self.is_imported(id, alias, false))
        })
    }

    /// Some module imports `name` of `module`: for its types alone, or in any way.
    fn is_imported(&self, module: ModuleId, name: &str, types_only: bool) -> bool {
        let importers = self.taken.by_name.get(name).into_iter().flatten();
        importers.into_iter().any(|&(id, at)| {
            let Some(import) = self.graph.module(id).imports.get(at) else {
                return false;
            };
            id != module
                && (import.type_only || !types_only)
                && match self.graph.link(id, &import.specifier) {
                    Link::Module(target) => target == module || self.leads_to(target, module),
                    Link::External { .. } => false,
                    Link::Asset(_) | Link::Missing => true,
                }
        })
    }

    /// A barrel hands on what `module` exports, perhaps through others.
    fn leads_to(&self, barrel: ModuleId, module: ModuleId) -> bool {
        let mut seen = FxHashSet::default();
        let mut open = vec![barrel];
        while let Some(current) = open.pop() {
            if current == module {
                return true;
            }
            if !seen.insert(current) {
                continue;
            }
            let record = self.graph.module(current);
            let from = record
                .exports
                .iter()
                .filter_map(|export| match &export.target {
                    ExportTarget::From { specifier, .. } => Some(specifier),
                    _ => None,
                });
            open.extend(
                record
                    .star_exports
                    .iter()
                    .chain(from)
                    .filter_map(|specifier| match self.graph.link(current, specifier) {
                        Link::Module(target) => Some(target),
                        _ => None,
                    }),
            );
        }
        false
    }

    /// The module, those that load it, and those that load these, barrels in between not counted.
    pub(super) fn near(&self, module: ModuleId) -> FxHashSet<ModuleId> {
        let mut near = FxHashSet::from_iter([module]);
        for _ in 0..3 {
            let loads = near.iter().flat_map(|&each| self.graph.importers(each));
            let loads: Vec<ModuleId> = loads.copied().collect();
            near.extend(loads);
        }
        near
    }
}

/// A name is used otherwise than to read a member of it.
fn is_handed_on(record: &ModuleRecord, name: Name) -> bool {
    let named = |expr: &Expr| matches!(expr, Expr::Name(mentioned) if *mentioned == name);
    let mentioned = record.exprs.iter().filter(|expr| named(expr)).count();
    let read = record
        .exprs
        .iter()
        .filter(|expr| matches!(expr, Expr::Member { object, .. } if named(record.expr(*object))))
        .count();
    mentioned > read
}

/// The names under which a binding is exported.
pub(super) fn exported_as(record: &ModuleRecord, name: Name) -> Vec<&str> {
    record
        .exports
        .iter()
        .filter(|export| match &export.target {
            ExportTarget::Local(local) => *local == name,
            ExportTarget::Expr(expr) => {
                matches!(record.expr(*expr), Expr::Name(local) if *local == name)
            }
            _ => false,
        })
        .map(|export| &*export.name)
        .collect()
}

/// The definitions in which a top-level name of the module is mentioned, its own one left out; `None` for what runs when
/// the module is loaded.
fn mentions(record: &ModuleRecord, name: Name) -> Vec<Option<Name>> {
    let mut found: Vec<Option<Name>> = Vec::new();
    let exported = |at: usize| {
        record.exports.iter().any(|export| {
            matches!(export.target, ExportTarget::Expr(ExprId(expr)) if expr as usize == at)
        })
    };
    let statements = body(record);
    for (at, expr) in record.exprs.iter().enumerate() {
        if !matches!(expr, Expr::Name(mentioned) if *mentioned == name) {
            continue;
        }
        let span = record.spans.get(at).copied().unwrap_or_default();
        let around = statements
            .iter()
            .find(|statement| statement.span.start <= span.start && span.end <= statement.span.end);
        let around = match around {
            None if exported(at) => continue,
            None => None,
            Some(statement) => match owner(record, statement) {
                Some(own) if own == name => continue,
                owner => owner,
            },
        };
        if !found.contains(&around) {
            found.push(around);
        }
    }
    found
}

/// The name whose definition the statement is, where the place inside it only runs when that is used.
fn owner(record: &ModuleRecord, statement: &Stmt) -> Option<Name> {
    match &statement.kind {
        StmtKind::Function { name, .. } => Some(*name),
        StmtKind::Class { name, class } => {
            let Class { members, .. } = record.class(*class);
            let fixed = members.iter().any(|member| member.is_static);
            (!fixed).then_some(*name)
        }
        StmtKind::Let {
            pattern: Pattern::Name(name),
            init: Some(init),
        } => {
            let quiet = match record.expr(*init) {
                Expr::Object(_)
                | Expr::Array(_)
                | Expr::Function(_)
                | Expr::Class(_)
                | Expr::Name(_) => true,
                // `z.object({ role: roleSchema })`: made of it, and nothing more. Any other call may do something with it.
                Expr::Call { .. } | Expr::New { .. } => is_chain_of_import(record, *init),
                _ => false,
            };
            quiet.then_some(*name)
        }
        _ => None,
    }
}

/// A chain of calls that begins with something imported under a short name: `z`, `yup`, `Joi`, `v`.
fn is_chain_of_import(record: &ModuleRecord, expr: ExprId) -> bool {
    let mut current = expr;
    for _ in 0..64 {
        match record.expr(current) {
            Expr::Call { callee, .. } | Expr::New { callee, .. } => current = *callee,
            Expr::Member { object, .. } => current = *object,
            Expr::Name(name) => {
                // The chain may also begin with a schema of the same file.
                let own = body(record).iter().any(|statement| {
                    matches!(&statement.kind, StmtKind::Let { pattern: Pattern::Name(known), .. } if known == name)
                });
                return own
                    || matches!(
                        record.name(*name),
                        "z" | "yup" | "Yup" | "Joi" | "joi" | "v" | "s" | "t" | "Type" | "zod"
                    );
            }
            _ => return false,
        }
    }
    false
}
