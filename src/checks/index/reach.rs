//! Which parts of which modules the handlers of an application reach, by the names that they mention.

use std::collections::hash_map::Entry;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, Link, ModuleId, Symbol};
use crate::model::RouteFacts;
use crate::routes::Entry as Start;
use crate::syntax::{Expr, ExprId, Name};

use super::Index;

/// A part of a module: what stands at its top, by its number there.
pub(in crate::checks) type Unit = (ModuleId, u32);

/// The parts that handlers reach, and who mentions them.
#[derive(Debug, Default)]
pub(in crate::checks) struct Reach {
    callers: FxHashMap<Unit, Vec<Unit>>,
    /// Their modules.
    modules: FxHashSet<ModuleId>,
    /// What each part mentions.
    mentions: FxHashMap<Unit, Vec<Unit>>,
    /// Handlers that begin in a part, by their index.
    begins: FxHashMap<Unit, Vec<usize>>,
}

impl Reach {
    /// From the handlers of an application.
    pub(in crate::checks) fn new(graph: &Graph, index: &Index, routes: &[RouteFacts]) -> Self {
        let mut walk = Walk {
            graph,
            index,
            reach: Self::default(),
            open: Vec::new(),
        };
        for (number, facts) in routes.iter().enumerate() {
            let route = &facts.route;
            let mut starts = Vec::new();
            match &route.entry {
                Start::Export(name) => {
                    walk.symbol(graph.export(route.module, name), &mut starts);
                }
                Start::Function(function) => {
                    let start = graph.module(route.module).function(*function).span.start;
                    starts.push(walk.unit(route.module, start));
                }
                Start::Chain(layers) => {
                    for layer in layers {
                        walk.layer(layer.module, layer.expr, &mut starts);
                    }
                }
                Start::Procedure(procedure) => {
                    walk.layer(procedure.layer.module, procedure.layer.expr, &mut starts);
                }
            }
            for unit in starts {
                walk.reach.begins.entry(unit).or_default().push(number);
                walk.enter(unit);
            }
        }
        walk.run();
        walk.reach
    }

    /// Handlers reach this part.
    pub(in crate::checks) fn has(&self, unit: Unit) -> bool {
        self.callers.contains_key(&unit)
    }

    /// Handlers reach some part of this module.
    pub(in crate::checks) fn modules(&self) -> &FxHashSet<ModuleId> {
        &self.modules
    }

    /// The parts that mention this one.
    pub(in crate::checks) fn callers_of(&self, unit: Unit) -> &[Unit] {
        self.callers.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// The handlers that begin in this part.
    pub(in crate::checks) fn begins_in(&self, unit: Unit) -> &[usize] {
        self.begins.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// The parts that a handler reaches, its own first.
    pub(in crate::checks) fn reached_from(&self, handler: usize) -> Vec<Unit> {
        let begins = self.begins.iter();
        let own = begins.filter(|(_, handlers)| handlers.contains(&handler));
        let mut open: Vec<Unit> = own.map(|(unit, _)| *unit).collect();
        open.sort_unstable();
        let mut seen: FxHashSet<Unit> = FxHashSet::default();
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(unit) = open.get(at).copied() {
            at += 1;
            if seen.insert(unit) {
                found.push(unit);
                open.extend(self.mentions.get(&unit).into_iter().flatten());
            }
        }
        found
    }

    /// The handlers that reach this part in so few steps.
    pub(in crate::checks) fn handlers_near(&self, unit: Unit, steps: usize) -> Vec<usize> {
        let mut seen: FxHashSet<Unit> = FxHashSet::default();
        let mut found = Vec::new();
        let mut open = vec![unit];
        for _ in 0..=steps {
            let mut next = Vec::new();
            for unit in open {
                if seen.insert(unit) {
                    found.extend(self.begins.get(&unit).into_iter().flatten());
                    next.extend(self.callers.get(&unit).into_iter().flatten());
                }
            }
            open = next;
        }
        found
    }

    /// The handlers that reach this part, in their order.
    pub(in crate::checks) fn handlers(&self, unit: Unit) -> Vec<usize> {
        let mut seen: FxHashSet<Unit> = FxHashSet::default();
        let mut open = vec![unit];
        let mut found = Vec::new();
        while let Some(unit) = open.pop() {
            if !seen.insert(unit) {
                continue;
            }
            found.extend(self.begins.get(&unit).into_iter().flatten());
            open.extend(self.callers.get(&unit).into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// How a part mentions another.
pub(in crate::checks) enum Mentioned {
    /// By these names, and in no other way.
    By(Vec<Name>),
    /// As a member of a whole module, or by `import()`.
    Otherwise,
}

/// How `from` mentions `to`.
pub(in crate::checks) fn mentioned_as(
    graph: &Graph,
    index: &Index,
    from: Unit,
    to: Unit,
) -> Mentioned {
    let walk = Walk {
        graph,
        index,
        reach: Reach::default(),
        open: Vec::new(),
    };
    let (module, part) = from;
    let references = index.module(graph, module).references(graph.module(module));
    let mut names = Vec::new();
    let mut found = Vec::new();
    for name in references
        .get(part as usize)
        .into_iter()
        .flat_map(|references| &references.names)
    {
        found.clear();
        walk.name(module, *name, &mut found);
        if found.contains(&to) {
            names.push(*name);
        }
    }
    if names.is_empty() {
        Mentioned::Otherwise
    } else {
        Mentioned::By(names)
    }
}

struct Walk<'a> {
    graph: &'a Graph,
    index: &'a Index,
    reach: Reach,
    open: Vec<Unit>,
}

impl Walk<'_> {
    fn unit(&self, module: ModuleId, at: u32) -> Unit {
        (module, self.index.module(self.graph, module).part_at(at))
    }

    fn enter(&mut self, unit: Unit) {
        if let Entry::Vacant(free) = self.reach.callers.entry(unit) {
            free.insert(Vec::new());
            self.reach.modules.insert(unit.0);
            self.open.push(unit);
        }
    }

    fn run(&mut self) {
        while let Some(unit) = self.open.pop() {
            let mentioned = self.mentioned(unit);
            self.reach.mentions.insert(unit, mentioned.clone());
            for target in mentioned {
                if target == unit {
                    continue;
                }
                self.enter(target);
                if let Some(callers) = self.reach.callers.get_mut(&target) {
                    callers.push(unit);
                }
            }
        }
    }

    /// The parts that a part mentions.
    fn mentioned(&self, (module, part): Unit) -> Vec<Unit> {
        let record = self.graph.module(module);
        let index = self.index.module(self.graph, module);
        let mut found = Vec::new();
        let Some(references) = index.references(record).get(part as usize) else {
            return found;
        };
        for name in &references.names {
            self.name(module, *name, &mut found);
        }
        for (name, property) in &references.members {
            // Of anything else the name is mentioned already.
            if let Some(Symbol::Namespace(other)) = self.graph.binding(module, *name) {
                let member = self.graph.export(other, record.name(*property));
                self.symbol(member, &mut found);
            }
        }
        for specifier in &references.imports {
            if let Expr::String(specifier) = record.expr(*specifier)
                && let Link::Module(other) = self.graph.link(module, specifier)
            {
                let parts = self.index.module(self.graph, other).parts_count();
                found.extend((0..parts).map(|part| (other, part)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn name(&self, module: ModuleId, name: Name, found: &mut Vec<Unit>) {
        match self.graph.binding(module, name) {
            // Whole modules count member by member.
            Some(Symbol::Namespace(_)) => {}
            Some(symbol) => self.symbol(symbol, found),
            None => {
                let part = self.index.module(self.graph, module).declares(name);
                found.extend(part.map(|part| (module, part)));
            }
        }
    }

    fn symbol(&self, symbol: Symbol, found: &mut Vec<Unit>) {
        match symbol {
            Symbol::Local { module, name } => {
                let part = self.index.module(self.graph, module).declares(name);
                found.extend(part.map(|part| (module, part)));
            }
            Symbol::Expr { module, expr } => {
                let start = self.graph.module(module).span(expr).start;
                found.push(self.unit(module, start));
            }
            Symbol::Namespace(module) => {
                let parts = self.index.module(self.graph, module).parts_count();
                found.extend((0..parts).map(|part| (module, part)));
            }
            Symbol::External { .. } | Symbol::Type | Symbol::Unresolved => {}
        }
    }

    /// What the expression of a handler or of a middleware mentions.
    fn layer(&self, module: ModuleId, expr: ExprId, found: &mut Vec<Unit>) {
        let record = self.graph.module(module);
        let mut open = vec![expr];
        while let Some(id) = open.pop() {
            let written = record.expr(id);
            match written {
                Expr::Name(name) => self.name(module, *name, found),
                Expr::Function(function) => {
                    found.push(self.unit(module, record.function(*function).span.start));
                }
                Expr::Member {
                    object, property, ..
                } => {
                    if let Expr::Name(name) = record.expr(*object)
                        && let Some(Symbol::Namespace(other)) = self.graph.binding(module, *name)
                    {
                        let member = self.graph.export(other, record.name(*property));
                        self.symbol(member, found);
                    } else {
                        open.push(*object);
                    }
                }
                other => other.for_each_child(&mut |child| open.push(child)),
            }
        }
    }
}
