//! Procedures that tests call: through a caller of a router, or through a client of one.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Link, ModuleId, Symbol};
use crate::routes::declared::{Declared, Step, declaration, path_to};
use crate::routes::procedures::{Meant, Reader};
use crate::routes::trace::{Place, Value};
use crate::routes::{Entry, RouteTable};
use crate::rule::{ControlLibrary, wildcard};
use crate::syntax::{AssignOp, Expr, ExprId, Key, MODULE_BODY, ModuleRecord, Name, Property};

use super::{Loads, Places, TestCall, numbered};

/// Names and calls that stand for others beyond this are given up.
const MAX_STEPS: u32 = 32;

/// The procedures that tests call, by where they are written.
#[derive(Default)]
pub(super) struct Procedures {
    called: FxHashMap<(ModuleId, ExprId), TestCall>,
}

impl Procedures {
    pub(super) fn read(
        places: &Places<'_>,
        loads: &Loads<'_>,
        tests: &[ModuleId],
        tables: &[RouteTable],
        library: &ControlLibrary,
    ) -> Self {
        let mut by_path: FxHashMap<&str, Vec<(ModuleId, ExprId)>> = FxHashMap::default();
        for route in tables.iter().flat_map(|table| &table.routes) {
            if let Entry::Procedure(procedure) = &route.entry {
                let layer = &procedure.layer;
                let all = by_path.entry(&route.method).or_default();
                all.push((layer.module, layer.expr));
            }
        }
        if by_path.is_empty() {
            return Self::default();
        }
        let last = by_path.keys().filter_map(|path| path.rsplit('.').next());
        let mut finder = Finder {
            last: last.collect(),
            client_words: words(library.procedures.iter().flat_map(|kind| &kind.client_call)),
            callers: words(library.procedures.iter().flat_map(|kind| &kind.caller)),
            clients: words(library.procedures.iter().flat_map(|kind| &kind.client)),
            reader: Reader::new(places.tracer, library),
            by_path,
            places,
            loads,
            routers: FxHashMap::default(),
            makers: None,
            types: FxHashMap::default(),
            called: FxHashMap::default(),
        };
        for &module in tests {
            finder.test(module, places.tracer.record(module));
        }
        Self {
            called: finder.called,
        }
    }

    /// A call of the procedure that is written there.
    pub(super) fn call_of(&self, module: ModuleId, expr: ExprId) -> Option<TestCall> {
        self.called.get(&(module, expr)).copied()
    }
}

fn words<'a>(words: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    words.map(String::as_str).collect()
}

/// Where a chain of members begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    /// At a caller of this router.
    Caller(Place, ExprId),
    /// At a client that this module makes.
    Client(ModuleId),
    /// At something that is handed in and cannot be seen.
    Unseen,
    /// At something else.
    Other,
}

/// The members that a chain takes, the last one first.
type Keys<'a> = Vec<&'a str>;

struct Finder<'a> {
    /// The last names of all procedures.
    last: FxHashSet<&'a str>,
    client_words: Vec<&'a str>,
    callers: Vec<&'a str>,
    clients: Vec<&'a str>,
    reader: Reader<'a>,
    by_path: FxHashMap<&'a str, Vec<(ModuleId, ExprId)>>,
    places: &'a Places<'a>,
    loads: &'a Loads<'a>,
    /// What routers hold, by path.
    routers: FxHashMap<(Place, ExprId), FxHashMap<String, (ModuleId, ExprId)>>,
    /// The modules that make callers.
    makers: Option<Vec<ModuleId>>,
    /// What the modules that make clients load, for its types too.
    types: FxHashMap<ModuleId, Vec<bool>>,
    called: FxHashMap<(ModuleId, ExprId), TestCall>,
}

impl<'a> Finder<'a> {
    fn test(&mut self, module: ModuleId, record: &'a ModuleRecord) {
        let known: Vec<bool> = record
            .names
            .iter()
            .map(|name| self.last.contains(&**name))
            .collect();
        if !known.contains(&true) {
            return;
        }
        let is_known = |name: Name| known.get(name.0 as usize) == Some(&true);
        // What is called, and what a client calls by a verb.
        let mut called: FxHashSet<ExprId> = FxHashSet::default();
        let mut sent: FxHashSet<ExprId> = FxHashSet::default();
        for expr in &record.exprs {
            let Expr::Call { callee, .. } = expr else {
                continue;
            };
            if let Expr::Member {
                object, property, ..
            } = record.expr(*callee)
            {
                called.insert(*callee);
                if self.client_words.contains(&record.name(*property)) {
                    sent.insert(*object);
                }
            }
        }
        for (id, expr) in numbered(&record.exprs) {
            let Expr::Member { property, .. } = expr else {
                continue;
            };
            if !is_known(*property) {
                continue;
            }
            let mut keys = Keys::new();
            let origin = self.origin(self.places.of(module, id), id, &mut keys, MAX_STEPS);
            let call = TestCall {
                module,
                span: record.span(id),
            };
            match origin {
                Origin::Caller(place, router) => self.through_caller(place, router, &keys, call),
                Origin::Client(maker) if sent.contains(&id) => {
                    self.through_client(maker, &keys, call);
                }
                Origin::Unseen if called.contains(&id) => self.unseen(&keys, call),
                _ => {}
            }
        }
    }

    fn through_caller(&mut self, place: Place, router: ExprId, keys: &Keys<'_>, call: TestCall) {
        let (place, router) = match self.places.tracer.follow(place, router) {
            Value::Expr { place, expr } => (place, expr),
            _ => (place, router),
        };
        let reader = &mut self.reader;
        let holds = self
            .routers
            .entry((place, router))
            .or_insert_with(|| reader.procedures(place, router));
        if let Some(procedure) = holds.get(&joined(keys)) {
            self.called.entry(*procedure).or_insert(call);
        }
    }

    fn through_client(&mut self, maker: ModuleId, keys: &Keys<'_>, call: TestCall) {
        let Some(procedures) = self.by_path.get(&*joined(keys)) else {
            return;
        };
        let graph = self.places.tracer.graph;
        let loaded = self.types.entry(maker).or_insert_with(|| {
            let requests = &graph.module(maker).requests;
            let links =
                requests
                    .iter()
                    .filter_map(|request| match graph.link(maker, &request.specifier) {
                        Link::Module(target) => Some(target),
                        _ => None,
                    });
            graph.closure(&links.collect::<Vec<_>>())
        });
        for procedure in procedures {
            if loaded[procedure.0.0 as usize] {
                self.called.entry(*procedure).or_insert(call);
            }
        }
    }

    /// `({ callers }) => callers[0].posts.list()`: what is handed in counts when it ends in a procedure's whole path, and the test
    /// loads both the procedure and what makes callers.
    fn unseen(&mut self, keys: &Keys<'a>, call: TestCall) {
        let mut keys = keys.clone();
        let mut procedures: &[(ModuleId, ExprId)] = &[];
        // The longest path first; one name alone says too little.
        for length in (2..=keys.len()).rev() {
            let path = joined(keys.get(..length).unwrap_or_default());
            if let Some(found) = self.by_path.get(&*path) {
                procedures = found;
                break;
            }
        }
        if procedures.is_empty() {
            return;
        }
        let procedures = procedures.to_vec();
        let loaded = self.loads.all_of(call.module);
        let makers = self.makers();
        let near = |module: &&ModuleId| loaded[module.0 as usize];
        let makers: Vec<ModuleId> = makers.iter().filter(near).copied().collect();
        if makers.is_empty() {
            return;
        }
        if let Some(front) = keys.pop() {
            match self.handed_in(&makers, front, &mut keys) {
                Some(Origin::Caller(place, router)) => {
                    return self.through_caller(place, router, &keys, call);
                }
                Some(Origin::Other | Origin::Client(_)) => return,
                Some(Origin::Unseen) | None => {}
            }
        }
        for procedure in procedures {
            if loaded[procedure.0.0 as usize] {
                self.called.entry(procedure).or_insert(call);
            }
        }
    }

    /// What those who make callers hand out under a name.
    fn handed_in(
        &mut self,
        makers: &[ModuleId],
        name: &str,
        keys: &mut Keys<'a>,
    ) -> Option<Origin> {
        for &maker in makers {
            let record = self.places.tracer.record(maker);
            let Some(name) = record.find_name(name) else {
                continue;
            };
            for (id, expr) in numbered(&record.exprs) {
                if let Expr::Object(properties) = expr
                    && let Some(value) = entry(properties, name)
                {
                    let place = self.places.of(maker, id);
                    return Some(self.origin(place, value, keys, MAX_STEPS));
                }
            }
        }
        None
    }

    fn makers(&mut self) -> &[ModuleId] {
        let callers = &self.callers;
        let graph = self.places.tracer.graph;
        self.makers.get_or_insert_with(|| {
            let last = |path: &&'a str| {
                let path = path.trim_end_matches("()");
                path.rsplit(['.', '#']).next().unwrap_or(path)
            };
            let words: FxHashSet<&str> = callers.iter().map(last).collect();
            let makes = |record: &ModuleRecord| {
                let mut names = record.names.iter();
                names.any(|name| words.contains(&**name))
            };
            let modules = graph.modules();
            modules
                .filter(|(_, record)| makes(record))
                .map(|(id, _)| id)
                .collect()
        })
    }

    // --- following a chain to where it begins ------------------------------------------------------------------

    fn origin(&mut self, place: Place, expr: ExprId, keys: &mut Keys<'a>, steps: u32) -> Origin {
        let Some(steps) = steps.checked_sub(1) else {
            return Origin::Unseen;
        };
        let record = self.places.tracer.record(place.module);
        match record.expr(expr) {
            Expr::Member {
                object, property, ..
            } => {
                keys.push(record.name(*property));
                self.origin(place, *object, keys, steps)
            }
            Expr::Index { object, index, .. } => {
                if let Expr::String(key) = record.expr(*index) {
                    keys.push(key);
                }
                self.origin(place, *object, keys, steps)
            }
            Expr::Name(name) => self.named(place, *name, keys, steps),
            Expr::Call { callee, args, .. } => {
                let first = args.first().map(|first| first.value);
                self.made(place, *callee, first, keys, steps)
            }
            Expr::Object(properties) => {
                let found = keys
                    .last()
                    .and_then(|key| record.find_name(key))
                    .and_then(|key| entry(properties, key));
                match found {
                    Some(value) => {
                        keys.pop();
                        self.origin(place, value, keys, steps)
                    }
                    None if properties
                        .iter()
                        .any(|property| matches!(property, Property::Spread(_))) =>
                    {
                        Origin::Unseen
                    }
                    None => Origin::Other,
                }
            }
            Expr::Await(inner)
            | Expr::Assign { value: inner, .. }
            | Expr::Conditional { then: inner, .. }
            | Expr::Logical { left: inner, .. } => self.origin(place, *inner, keys, steps),
            Expr::This | Expr::Undefined | Expr::Null => Origin::Unseen,
            _ => Origin::Other,
        }
    }

    fn named(&mut self, place: Place, name: Name, keys: &mut Keys<'a>, steps: u32) -> Origin {
        let record = self.places.tracer.record(place.module);
        let mut function = place.function;
        loop {
            let here = Place {
                module: place.module,
                function,
            };
            match declaration(record, function, name) {
                Declared::Value(init, path) => {
                    return self.part(here, init, &path, keys, steps);
                }
                Declared::Parameter(_, path) => {
                    take(record, &path, keys);
                    return Origin::Unseen;
                }
                Declared::Hidden => return self.assigned(place.module, name, keys, steps),
                Declared::Function(_) | Declared::Class(_) => return Origin::Other,
                Declared::Nothing => {}
            }
            match record.function(function).parent {
                Some(parent) if function != MODULE_BODY => function = parent,
                _ => break,
            }
        }
        let graph = self.places.tracer.graph;
        let symbol = match graph.binding(place.module, name) {
            Some(Symbol::Namespace(module)) => match keys.pop() {
                Some(key) => graph.export(module, key),
                None => return Origin::Other,
            },
            Some(symbol) => symbol,
            None => return Origin::Other,
        };
        match symbol {
            // The declaration was looked for above.
            Symbol::Local { module, name: same } if module == place.module && same == name => {
                Origin::Unseen
            }
            Symbol::Local { module, name } => self.named(Place::top(module), name, keys, steps),
            Symbol::Expr { module, expr } => self.origin(Place::top(module), expr, keys, steps),
            Symbol::Unresolved => Origin::Unseen,
            Symbol::Namespace(_) | Symbol::External { .. } | Symbol::Type => Origin::Other,
        }
    }

    fn part(
        &mut self,
        place: Place,
        init: ExprId,
        path: &[Step],
        keys: &mut Keys<'a>,
        steps: u32,
    ) -> Origin {
        if path.contains(&Step::Opaque) {
            return Origin::Unseen;
        }
        take(self.places.tracer.record(place.module), path, keys);
        self.origin(place, init, keys, steps)
    }

    /// `let caller; beforeEach(() => { caller = … })`
    fn assigned(
        &mut self,
        module: ModuleId,
        name: Name,
        keys: &mut Keys<'a>,
        steps: u32,
    ) -> Origin {
        let record = self.places.tracer.record(module);
        let found = numbered(&record.exprs).find_map(|(id, expr)| match expr {
            Expr::Assign {
                target,
                op: AssignOp::Set,
                value,
            } => path_to(target, name).map(|path| (id, *value, path)),
            _ => None,
        });
        match found {
            Some((id, value, path)) => {
                let place = self.places.of(module, id);
                self.part(place, value, &path, keys, steps)
            }
            None => Origin::Unseen,
        }
    }

    /// What a call gives.
    fn made(
        &mut self,
        place: Place,
        callee: ExprId,
        first: Option<ExprId>,
        keys: &mut Keys<'a>,
        steps: u32,
    ) -> Origin {
        let tracer = self.places.tracer;
        if let Meant::Path(path) = self.reader.meant_at(place, callee) {
            let names = |patterns: &[&str]| patterns.iter().any(|each| wildcard(each, &path));
            if names(&self.clients) {
                return Origin::Client(place.module);
            }
            if !names(&self.callers) {
                return Origin::Other;
            }
            if let Value::Expr { place, expr } = tracer.follow(place, callee) {
                match tracer.expr(place, expr) {
                    // `router.createCaller(context)`
                    Expr::Member { object, .. } => return Origin::Caller(place, *object),
                    // `createCallerFactory(router)(context)`
                    Expr::Call { args, .. } => {
                        return match args.first() {
                            Some(router) => Origin::Caller(place, router.value),
                            None => Origin::Unseen,
                        };
                    }
                    _ => {}
                }
            }
            return Origin::Unseen;
        }
        let function = match tracer.follow(place, callee) {
            Value::External { .. } => return Origin::Other,
            found @ Value::Function { .. } => found,
            // `users.map((user) => callerOf(user))`: one of many.
            _ => match (tracer.expr(place, callee), first) {
                (Expr::Member { property, .. }, Some(first))
                    if tracer.record(place.module).name(*property) == "map" =>
                {
                    tracer.follow(place, first)
                }
                _ => return Origin::Unseen,
            },
        };
        match function {
            Value::Function { module, function } => {
                let place = Place { module, function };
                match tracer.result(place) {
                    Some(returned) => self.origin(place, returned, keys, steps),
                    None => Origin::Unseen,
                }
            }
            _ => Origin::Unseen,
        }
    }
}

/// Puts the way to a part in front of a chain.
fn take<'a>(record: &'a ModuleRecord, path: &[Step], keys: &mut Keys<'a>) {
    for step in path.iter().rev() {
        if let Step::Key(key) = step {
            keys.push(record.name(*key));
        }
    }
}

/// The value of an object literal's entry.
fn entry(properties: &[Property], name: Name) -> Option<ExprId> {
    let mut properties = properties.iter().rev();
    properties.find_map(|property| match property {
        Property::Value {
            key: Key::Name(key),
            value,
        } if *key == name => Some(*value),
        _ => None,
    })
}

/// A path of keys, which are given with the last one first.
fn joined(keys: &[&str]) -> String {
    let mut path = String::new();
    for (at, key) in keys.iter().rev().enumerate() {
        if at > 0 {
            path.push('.');
        }
        path.push_str(key);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn paths_are_read_from_the_end_of_a_chain() {
        assert_eq!(joined(&["list", "posts"]), "posts.list");
        assert_eq!(joined(&["list"]), "list");
        assert_eq!(joined(&[]), "");
    }
}
