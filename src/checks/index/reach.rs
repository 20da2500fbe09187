//! Which parts of which modules the handlers of an application reach, by the names that they mention.

use std::collections::hash_map::Entry;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, Link, ModuleId, Symbol};
use crate::model::RouteFacts;
use crate::routes::Entry as Start;
use crate::syntax::{ClassId, Expr, ExprId, Key, ModuleRecord, Name, Property};

use super::Index;

/// Classes above a class are looked through so far.
const MOST_CLASSES: usize = 8;

/// A part of a module, by its number there.
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
    /// The part that answers, for handlers that stand behind others.
    answers: FxHashMap<usize, Unit>,
    /// Methods of classes of their own that nobody mentions.
    uncalled: FxHashSet<Unit>,
}

impl Reach {
    /// From the handlers of an application.
    pub(in crate::checks) fn new(graph: &Graph, index: &Index, routes: &[RouteFacts]) -> Self {
        let mut walk = Walk {
            graph,
            index,
            reach: Self::default(),
            open: Vec::new(),
            users: FxHashMap::default(),
            waiting: FxHashMap::default(),
            by_name: Vec::new(),
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
                        let before = starts.len();
                        walk.layer(layer.module, layer.expr, &mut starts);
                        if let Some(own) = starts.get(before).filter(|_| !layer.handles_errors) {
                            walk.reach.answers.insert(number, *own);
                        }
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

    /// Nothing mentions this method of a class; only who is given an instance could call it.
    pub(in crate::checks) fn is_uncalled(&self, unit: Unit) -> bool {
        self.uncalled.contains(&unit)
    }

    /// The parts that mention this one.
    pub(in crate::checks) fn callers_of(&self, unit: Unit) -> &[Unit] {
        self.callers.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// The handlers that begin in this part.
    pub(in crate::checks) fn begins_in(&self, unit: Unit) -> &[usize] {
        self.begins.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// The handler is this part, behind whatever runs before it.
    pub(in crate::checks) fn answers_with(&self, handler: usize, unit: Unit) -> bool {
        self.answers.get(&handler) == Some(&unit)
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
    /// In these ways, and in no other.
    By(Vec<Mention>),
    /// One of them is a function of the other, a class or an object.
    Inside,
    /// By `import()`.
    Otherwise,
}

/// What is written where something is mentioned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::checks) enum Mention {
    /// `name`
    Name(Name),
    /// `name.member`
    Member(Name, Name),
    /// `this.member`
    Own(Name),
    /// `….member`
    Any(Name),
}

impl Mention {
    /// The expression is this.
    pub(in crate::checks) fn is(self, record: &ModuleRecord, expr: &Expr) -> bool {
        match (self, expr) {
            (Self::Name(wanted), Expr::Name(name)) => *name == wanted,
            (
                Self::Member(wanted, member),
                Expr::Member {
                    object, property, ..
                },
            ) => {
                *property == member
                    && matches!(record.expr(*object), Expr::Name(name) if *name == wanted)
            }
            (
                Self::Own(member),
                Expr::Member {
                    object, property, ..
                },
            ) => *property == member && matches!(record.expr(*object), Expr::This),
            (Self::Any(member), Expr::Member { property, .. }) => *property == member,
            _ => false,
        }
    }
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
        users: FxHashMap::default(),
        waiting: FxHashMap::default(),
        by_name: Vec::new(),
    };
    let (module, part) = from;
    let record = graph.module(module);
    let own = index.module(graph, module);
    let Some(references) = own.references(record).get(part as usize) else {
        return Mentioned::Otherwise;
    };
    let names = references.names.iter().map(|name| Mention::Name(*name));
    let members = references.members.iter();
    let members = members.map(|(name, member)| Mention::Member(*name, *member));
    let of_this = references.own.iter().map(|member| Mention::Own(*member));
    let method = index.module(graph, to.0).member(to.1);
    let method = method.filter(|member| member.of.is_some());
    let method = method.and_then(|member| record.find_name(graph.module(to.0).name(member.key)));
    let mut loose = method.is_some_and(|method| references.loose.contains(&method));
    let mut ways = Vec::new();
    let mut found = Vec::new();
    for mention in names.chain(members).chain(of_this) {
        found.clear();
        let rest = walk.mention(from, mention, &mut found);
        loose |= rest.is_some() && rest == method;
        if found.contains(&to) {
            ways.push(mention);
        }
    }
    if ways.is_empty() && loose {
        ways.extend(method.map(Mention::Any));
    }
    let owner = |part: u32| own.member(part).map(|member| member.owner);
    if !ways.is_empty() {
        Mentioned::By(ways)
    } else if to.0 == module && (owner(to.1) == Some(part) || owner(part) == Some(to.1)) {
        Mentioned::Inside
    } else {
        Mentioned::Otherwise
    }
}

struct Walk<'a> {
    graph: &'a Graph,
    index: &'a Index,
    reach: Reach,
    open: Vec<Unit>,
    /// Who mentions members of what nobody knows, by their names.
    users: FxHashMap<&'a str, Vec<Unit>>,
    /// Methods of what was made, which nobody mentioned so far.
    waiting: FxHashMap<&'a str, Vec<Unit>>,
    /// Methods of which no more is known than that somebody mentions their name.
    by_name: Vec<Unit>,
}

impl<'a> Walk<'a> {
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
            let mut loose = Vec::new();
            for target in self.mentioned(unit, &mut loose) {
                self.link(unit, target);
            }
            for name in loose {
                let users = self.users.entry(name).or_default();
                users.push(unit);
                if users.len() == 1 {
                    for method in self.waiting.remove(name).unwrap_or_default() {
                        self.enter_by_name(method);
                    }
                }
            }
            self.methods(unit);
        }
        self.find_users();
        let mut uncalled = std::mem::take(&mut self.reach.uncalled);
        uncalled.retain(|&(module, part)| {
            let member = self.index.module(self.graph, module).member(part);
            member.is_some_and(|member| {
                let name = self.graph.module(module).name(member.key);
                let mut callers = self.reach.callers_of((module, part)).iter();
                !self.users.contains_key(name)
                    && callers.all(|caller| *caller == (module, member.owner))
            })
        });
        self.reach.uncalled = uncalled;
    }

    fn link(&mut self, from: Unit, to: Unit) {
        if from == to {
            return;
        }
        self.reach.mentions.entry(from).or_default().push(to);
        self.enter(to);
        if let Some(callers) = self.reach.callers.get_mut(&to) {
            callers.push(from);
        }
    }

    fn enter_by_name(&mut self, method: Unit) {
        self.enter(method);
        self.by_name.push(method);
    }

    /// What is called by a name alone is called by those who mention that and have to do with the class; where none has, by
    /// whoever mentions the class.
    fn find_users(&mut self) {
        let mut methods = std::mem::take(&mut self.by_name);
        let owner = |&(module, part): &Unit| {
            let index = self.index.module(self.graph, module);
            (
                module,
                index.member(part).map_or(part, |method| method.owner),
            )
        };
        methods.sort_by_key(owner);
        let methods: Vec<(Unit, Unit)> = methods.iter().map(|unit| (owner(unit), *unit)).collect();
        for methods in methods.chunk_by(|one, other| one.0 == other.0) {
            let Some((class, _)) = methods.first().copied() else {
                continue;
            };
            let mut above: FxHashSet<Unit> = FxHashSet::default();
            let mut open = vec![class];
            while let Some(unit) = open.pop() {
                if above.insert(unit) {
                    open.extend(self.reach.callers_of(unit));
                }
            }
            for (_, method) in methods {
                let index = self.index.module(self.graph, method.0);
                let Some(member) = index.member(method.1) else {
                    continue;
                };
                let name = self.graph.module(method.0).name(member.key);
                let users = self.users.get(name).into_iter().flatten();
                let users: Vec<Unit> = users.filter(|user| above.contains(user)).copied().collect();
                // Who makes one hands it to the only function that mentions the name.
                let users = match self.users.get(name).map(Vec::as_slice) {
                    Some(&[only]) if users.is_empty() => {
                        let mut callers = self.reach.callers_of(only).iter();
                        let is_given = callers.any(|caller| above.contains(caller));
                        Vec::from_iter(is_given.then_some(only))
                    }
                    _ => users,
                };
                if users.is_empty() {
                    self.link(class, *method);
                }
                for user in users {
                    self.link(user, *method);
                }
            }
        }
    }

    /// The methods of a class, as far as somebody calls something of their names.
    fn methods(&mut self, (module, part): Unit) {
        let record = self.graph.module(module);
        let index = self.index.module(self.graph, module);
        for (number, member) in index.members_in(part) {
            let Some(class) = member.of else { continue };
            let name = record.name(member.key);
            // A framework calls what nobody else does.
            let is_called = !self.index.calls(name).is_empty();
            let superclass = record.class(class).superclass;
            let hooked = member.decorated
                || !is_called
                || superclass.is_some_and(|above| {
                    !matches!(record.expr(above), Expr::Name(name)
                        if self.class(module, *name).is_some())
                });
            let method = (module, number);
            if !is_called && !member.decorated && superclass.is_none() && name != "constructor" {
                self.reach.uncalled.insert(method);
            }
            if hooked {
                self.link((module, part), method);
            } else if self.users.contains_key(name) {
                self.enter_by_name(method);
            } else {
                self.waiting.entry(name).or_default().push(method);
            }
        }
    }

    /// The parts that a part mentions, and into `loose` the names of members of which it is not known whose they are.
    fn mentioned(&self, unit: Unit, loose: &mut Vec<&'a str>) -> Vec<Unit> {
        let (module, part) = unit;
        let record = self.graph.module(module);
        let index = self.index.module(self.graph, module);
        let mut found = Vec::new();
        let Some(references) = index.references(record).get(part as usize) else {
            return found;
        };
        // Whoever calls a function of an object made that first.
        found.extend(index.member(part).map(|member| (module, member.owner)));
        let names = references.names.iter().map(|name| Mention::Name(*name));
        let members = references.members.iter();
        let members = members.map(|(name, member)| Mention::Member(*name, *member));
        let of_this = references.own.iter().map(|member| Mention::Own(*member));
        for mention in names.chain(members).chain(of_this) {
            loose.extend(
                self.mention(unit, mention, &mut found)
                    .map(|name| record.name(name)),
            );
        }
        loose.extend(references.loose.iter().map(|name| record.name(*name)));
        for loaded in &references.imports {
            let Expr::String(specifier) = record.expr(loaded.specifier) else {
                continue;
            };
            let Link::Module(other) = self.graph.link(module, specifier) else {
                continue;
            };
            let members = loaded.members.iter().flatten();
            let members = members.map(|member| self.graph.export(other, record.name(*member)));
            let mut known = members.filter(|member| *member != Symbol::Unresolved);
            let first = known.next().unwrap_or(Symbol::Namespace(other));
            for member in std::iter::once(first).chain(known) {
                self.symbol(member, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The parts that something stands for. What is left is a member of which it is not known whose it is.
    fn mention(&self, unit: Unit, mention: Mention, found: &mut Vec<Unit>) -> Option<Name> {
        let (module, part) = unit;
        match mention {
            Mention::Name(name) => self.name(module, name, found),
            Mention::Any(member) => return Some(member),
            Mention::Member(name, member) => {
                if !self.member(module, name, member, found) {
                    self.name(module, name, found);
                    return Some(member);
                }
            }
            Mention::Own(member) => {
                let index = self.index.module(self.graph, module);
                let owner = index.member(part).map_or(part, |member| member.owner);
                let before = found.len();
                let own = index.members_in(owner);
                found.extend(
                    own.filter(|(_, each)| each.key == member)
                        .map(|(number, _)| (module, number)),
                );
                return (found.len() == before).then_some(member);
            }
        }
        None
    }

    fn name(&self, module: ModuleId, name: Name, found: &mut Vec<Unit>) {
        match self.graph.binding(module, name) {
            // Whole modules count member by member.
            Some(Symbol::Namespace(_)) => {}
            Some(symbol) => self.symbol(symbol, found),
            None => self.declared(module, name, found),
        }
    }

    fn declared(&self, module: ModuleId, name: Name, found: &mut Vec<Unit>) {
        let part = self.index.module(self.graph, module).declares(name);
        if let Some(part) = part {
            self.whole((module, part), found);
        }
    }

    /// A part, with the functions that whoever has it can call.
    fn whole(&self, (module, part): Unit, found: &mut Vec<Unit>) {
        found.push((module, part));
        let members = self.index.module(self.graph, module).members_in(part);
        let callable = members.filter(|(_, member)| member.of.is_none());
        found.extend(callable.map(|(number, _)| (module, number)));
    }

    /// The function that `name.member` is, as far as it is known what the name stands for.
    fn member(&self, module: ModuleId, name: Name, member: Name, found: &mut Vec<Unit>) -> bool {
        let text = self.graph.module(module).name(member);
        match self.graph.binding(module, name) {
            Some(Symbol::Namespace(other)) => {
                self.symbol(self.graph.export(other, text), found);
                true
            }
            Some(Symbol::Local { module, name }) => self.member_of(module, name, text, found),
            Some(Symbol::Expr { module, expr }) => self.member_in(module, expr, text, found),
            Some(Symbol::External { .. } | Symbol::Type) => true,
            Some(Symbol::Unresolved) => false,
            None => self.member_of(module, name, text, found),
        }
    }

    fn member_of(&self, module: ModuleId, name: Name, member: &str, found: &mut Vec<Unit>) -> bool {
        let index = self.index.module(self.graph, module);
        if let Some(class) = index.class(name) {
            return self.method(module, class, member, true, found);
        }
        let (Some(part), [value]) = (index.declares(name), index.values(name)) else {
            return false;
        };
        let is_found = self.member_in(module, *value, member, found);
        if is_found {
            found.push((module, part));
        }
        is_found
    }

    /// The member of a value that is an object, or that a class makes.
    fn member_in(
        &self,
        module: ModuleId,
        value: ExprId,
        member: &str,
        found: &mut Vec<Unit>,
    ) -> bool {
        let record = self.graph.module(module);
        match record.expr(value) {
            Expr::Object(properties) => {
                let is_wanted =
                    |key: &Key| matches!(key, Key::Name(key) if record.name(*key) == member);
                let last = properties.iter().rev().find_map(|property| match property {
                    Property::Value { key, value } if is_wanted(key) => Some(Ok(*value)),
                    Property::Getter { key, function } if is_wanted(key) => Some(Err(*function)),
                    _ => None,
                });
                match last {
                    Some(Ok(value)) => match record.expr(value) {
                        Expr::Name(name) => self.name(module, *name, found),
                        _ => found.push(self.unit(module, record.span(value).start)),
                    },
                    Some(Err(getter)) => {
                        found.push(self.unit(module, record.function(getter).span.start));
                    }
                    None => return false,
                }
                true
            }
            Expr::New { callee, .. } => match record.expr(*callee) {
                Expr::Name(name) => self.class(module, *name).is_some_and(|(module, class)| {
                    self.method(module, class, member, false, found)
                }),
                _ => false,
            },
            _ => false,
        }
    }

    /// The class that a name stands for.
    fn class(&self, module: ModuleId, name: Name) -> Option<(ModuleId, ClassId)> {
        let (module, name) = match self.graph.binding(module, name) {
            Some(Symbol::Local { module, name }) => (module, name),
            Some(Symbol::Expr { module, expr }) => {
                return match self.graph.module(module).expr(expr) {
                    Expr::Class(class) => Some((module, *class)),
                    _ => None,
                };
            }
            Some(_) => return None,
            None => (module, name),
        };
        let class = self.index.module(self.graph, module).class(name)?;
        Some((module, class))
    }

    /// A function of a class, or of one that it extends.
    fn method(
        &self,
        mut module: ModuleId,
        mut class: ClassId,
        name: &str,
        is_static: bool,
        found: &mut Vec<Unit>,
    ) -> bool {
        for _ in 0..MOST_CLASSES {
            let record = self.graph.module(module);
            let written = record.class(class);
            let index = self.index.module(self.graph, module);
            let owner = index.part_at(written.span.start);
            let mut own = index.members_in(owner);
            let found_at = own.find(|(_, member)| {
                record.name(member.key) == name && member.of.is_none() == is_static
            });
            if let Some((number, _)) = found_at {
                found.push((module, number));
                return true;
            }
            let Some(Expr::Name(above)) = written.superclass.map(|above| record.expr(above)) else {
                return false;
            };
            let Some(above) = self.class(module, *above) else {
                return false;
            };
            (module, class) = above;
        }
        false
    }

    fn symbol(&self, symbol: Symbol, found: &mut Vec<Unit>) {
        match symbol {
            Symbol::Local { module, name } => self.declared(module, name, found),
            Symbol::Expr { module, expr } => {
                let start = self.graph.module(module).span(expr).start;
                self.whole(self.unit(module, start), found);
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
                    let known = matches!(record.expr(*object), Expr::Name(name)
                        if self.member(module, *name, *property, found));
                    if !known {
                        open.push(*object);
                    }
                }
                other => other.for_each_child(&mut |child| open.push(child)),
            }
        }
    }
}
