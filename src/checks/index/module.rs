//! What the variables of one module are set to, and which of its parts a place belongs to.

use std::sync::OnceLock;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::source::Span;
use crate::syntax::{
    AssignOp, Block, ExportTarget, Expr, ExprId, FunctionId, Key, MODULE_BODY, MemberValue,
    ModuleRecord, Name, Pattern, StmtKind,
};

use crate::checks::code::{numbered, statements};

/// What a variable is set to: one thing, nearly always.
type Values = SmallVec<[ExprId; 2]>;

/// The variables and parts of one module. A part is what stands at its top: a function, a class, a constant.
#[derive(Debug)]
pub(in crate::checks) struct ModuleIndex {
    /// Where the parts begin, ascending.
    starts: Vec<u32>,
    /// Which part declares a name.
    declared: FxHashMap<Name, u32>,
    /// What variables are set to, with the place.
    values: FxHashMap<Name, Values>,
    /// Variables that are taken out of a value: `const { a } = value`.
    taken: FxHashMap<Name, Values>,
    /// What `this.x` is set to.
    fields: FxHashMap<Name, Values>,
    /// `name.key = …`
    written: FxHashSet<(Name, Name)>,
    /// Functions by the names that they are declared with.
    functions: FxHashMap<Name, FunctionId>,
    /// Functions by where they begin.
    by_start: Vec<(u32, FunctionId)>,
    references: OnceLock<Vec<References>>,
    parents: OnceLock<Vec<Option<ExprId>>>,
}

/// What a name stands for at the top of a module.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Nothing, or something of a function's.
    Other,
    Declared,
    Imported,
}

/// What a part mentions of the module's own names and imports.
#[derive(Default, Debug)]
pub(super) struct References {
    pub names: Vec<Name>,
    /// `name.property`, for imported names, which may stand for whole modules.
    pub members: Vec<(Name, Name)>,
    /// Specifiers of `import()`.
    pub imports: Vec<ExprId>,
}

impl ModuleIndex {
    pub(super) fn new(record: &ModuleRecord) -> Self {
        let mut index = Self {
            starts: Vec::new(),
            declared: FxHashMap::default(),
            values: FxHashMap::default(),
            taken: FxHashMap::default(),
            fields: FxHashMap::default(),
            written: FxHashSet::default(),
            functions: FxHashMap::default(),
            by_start: (0u32..)
                .zip(&record.functions)
                .skip(1)
                .map(|(id, function)| (function.span.start, FunctionId(id)))
                .collect(),
            references: OnceLock::new(),
            parents: OnceLock::new(),
        };
        index.by_start.sort_unstable();
        index.parts(record);
        for function in &record.functions {
            index.variables(record, &function.body);
        }
        for (_, expr) in numbered(record) {
            let Expr::Assign {
                target,
                op: AssignOp::Set | AssignOp::Logical(_),
                value,
            } = expr
            else {
                continue;
            };
            match &**target {
                Pattern::Name(name) => index.set(record, *name, *value),
                Pattern::Member(member) => {
                    if let Expr::Member {
                        object, property, ..
                    } = record.expr(*member)
                    {
                        match record.expr(*object) {
                            Expr::This => {
                                index.fields.entry(*property).or_default().push(*value);
                            }
                            Expr::Name(name) => {
                                index.written.insert((*name, *property));
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        for class in &record.classes {
            for member in &class.members {
                if let (Key::Name(name), MemberValue::Field(Some(value))) =
                    (&member.key, &member.value)
                {
                    index.fields.entry(*name).or_default().push(*value);
                }
            }
        }
        index
    }

    fn parts(&mut self, record: &ModuleRecord) {
        let Some(body) = record.functions.get(MODULE_BODY.0 as usize) else {
            return;
        };
        let exported = record
            .exports
            .iter()
            .filter_map(|export| match export.target {
                ExportTarget::Expr(expr) => Some(record.span(expr).start),
                _ => None,
            });
        self.starts = body
            .body
            .iter()
            .map(|statement| statement.span.start)
            .chain(exported)
            .collect();
        self.starts.sort_unstable();
        self.starts.dedup();
        let mut names = Vec::new();
        for statement in &body.body {
            let part = self.part_at(statement.span.start);
            match &statement.kind {
                StmtKind::Let { pattern, .. } => bound(pattern, &mut names),
                StmtKind::Function { name, .. } | StmtKind::Class { name, .. } => names.push(*name),
                _ => {}
            }
            for name in names.drain(..) {
                self.declared.insert(name, part);
            }
        }
    }

    fn variables(&mut self, record: &ModuleRecord, body: &Block) {
        let mut names = Vec::new();
        for statement in statements(body) {
            match &statement.kind {
                StmtKind::Let {
                    pattern: Pattern::Name(name),
                    init: Some(init),
                } => self.set(record, *name, *init),
                StmtKind::Let {
                    pattern,
                    init: Some(init),
                } => {
                    bound(pattern, &mut names);
                    for name in names.drain(..) {
                        self.taken.entry(name).or_default().push(*init);
                    }
                }
                StmtKind::Loop(each) => {
                    if let Some((pattern, list)) = &each.each {
                        bound(pattern, &mut names);
                        for name in names.drain(..) {
                            self.taken.entry(name).or_default().push(*list);
                        }
                    }
                }
                StmtKind::Function { name, function } => {
                    self.functions.insert(*name, *function);
                }
                _ => {}
            }
        }
    }

    fn set(&mut self, record: &ModuleRecord, name: Name, value: ExprId) {
        match record.expr(value) {
            Expr::Null | Expr::Undefined => {}
            _ => self.values.entry(name).or_default().push(value),
        }
    }

    /// The part that a place belongs to.
    pub(in crate::checks) fn part_at(&self, at: u32) -> u32 {
        let behind = self.starts.partition_point(|start| *start <= at);
        u32::try_from(behind.saturating_sub(1)).unwrap_or(0)
    }

    /// The bytes of a part.
    pub(in crate::checks) fn part_span(&self, part: u32) -> Span {
        let at = part as usize;
        let start = self.starts.get(at).copied().unwrap_or(0);
        let end = self.starts.get(at + 1).copied().unwrap_or(u32::MAX);
        Span::new(start, end)
    }

    /// How many parts there are.
    pub(in crate::checks) fn parts_count(&self) -> u32 {
        u32::try_from(self.starts.len().max(1)).unwrap_or(1)
    }

    /// The part that declares a name.
    pub(in crate::checks) fn declares(&self, name: Name) -> Option<u32> {
        self.declared.get(&name).copied()
    }

    /// The function that is declared under a name.
    pub(in crate::checks) fn function(&self, name: Name) -> Option<FunctionId> {
        self.functions.get(&name).copied()
    }

    /// The innermost function around a place; the module's body when there is none.
    pub(in crate::checks) fn function_at(&self, record: &ModuleRecord, at: u32) -> FunctionId {
        let behind = self.by_start.partition_point(|(start, _)| *start <= at);
        let mut current = self
            .by_start
            .get(behind.wrapping_sub(1))
            .map(|(_, function)| *function);
        while let Some(function) = current {
            let written = record.function(function);
            if at < written.span.end {
                return function;
            }
            current = written.parent;
        }
        MODULE_BODY
    }

    /// What a variable that is read at `at` was set to: the only value, else the last one that the functions around that place give it.
    pub(in crate::checks) fn value(
        &self,
        record: &ModuleRecord,
        name: Name,
        at: u32,
    ) -> Option<ExprId> {
        let values = self.values.get(&name)?;
        if let [only] = values.as_slice() {
            return Some(*only);
        }
        let mut function = Some(self.function_at(record, at));
        while let Some(around) = function {
            let own = |value: &&ExprId| {
                let start = record.span(**value).start;
                start < at && self.function_at(record, start) == around
            };
            if let Some(found) = values.iter().rfind(own) {
                return Some(*found);
            }
            function = record.function(around).parent;
        }
        None
    }

    /// Everything that a variable is set to anywhere in the module.
    pub(in crate::checks) fn values(&self, name: Name) -> &[ExprId] {
        self.values.get(&name).map_or(&[], |values| values)
    }

    /// The module sets a property of a variable after it was made.
    pub(in crate::checks) fn writes(&self, variable: Name, property: Name) -> bool {
        self.written.contains(&(variable, property))
    }

    /// The value that a variable of a function is taken out of.
    pub(in crate::checks) fn taken_apart(
        &self,
        record: &ModuleRecord,
        name: Name,
        function: FunctionId,
    ) -> Option<ExprId> {
        let values = self.taken.get(&name)?;
        let own =
            |value: &&ExprId| self.function_at(record, record.span(**value).start) == function;
        values.iter().rfind(own).copied()
    }

    /// What `this.name` is set to, when that is one thing.
    pub(in crate::checks) fn field(&self, name: Name) -> Option<ExprId> {
        match self.fields.get(&name)?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// The expression around an expression; for what is written in a function that is a value, that function.
    pub(in crate::checks) fn parent(&self, record: &ModuleRecord, expr: ExprId) -> Option<ExprId> {
        let parents = self.parents.get_or_init(|| {
            let mut parents = vec![None; record.exprs.len()];
            let mut functions: FxHashMap<FunctionId, ExprId> = FxHashMap::default();
            for (id, expr) in numbered(record) {
                if let Expr::Function(function) = expr {
                    functions.insert(*function, id);
                }
                expr.for_each_child(&mut |child| {
                    if let Some(parent) = parents.get_mut(child.0 as usize) {
                        *parent = Some(id);
                    }
                });
            }
            for (id, _) in numbered(record) {
                let at = id.0 as usize;
                if parents.get(at).is_some_and(Option::is_none) {
                    let around = self.function_at(record, record.span(id).start);
                    let function = functions.get(&around).copied();
                    if let Some(parent) = parents.get_mut(at)
                        && function != Some(id)
                    {
                        *parent = function;
                    }
                }
            }
            parents
        });
        parents.get(expr.0 as usize).copied().flatten()
    }

    /// What each part mentions.
    pub(super) fn references(&self, record: &ModuleRecord) -> &[References] {
        self.references.get_or_init(|| {
            let mut kinds = vec![Kind::Other; record.names.len()];
            let mut note = |name: Name, is: Kind| {
                if let Some(kind) = kinds.get_mut(name.0 as usize) {
                    *kind = is;
                }
            };
            for name in self.declared.keys() {
                note(*name, Kind::Declared);
            }
            for import in record.imports.iter().filter(|import| !import.type_only) {
                note(import.local, Kind::Imported);
            }
            let kind = |name: Name| kinds.get(name.0 as usize).copied();
            let mut parts: Vec<References> = Vec::new();
            parts.resize_with(self.parts_count() as usize, References::default);
            for (id, expr) in numbered(record) {
                let name = match expr {
                    Expr::Name(name) if kind(*name) != Some(Kind::Other) => *name,
                    Expr::Member { object, .. } => match record.expr(*object) {
                        Expr::Name(name) if kind(*name) == Some(Kind::Imported) => *name,
                        _ => continue,
                    },
                    Expr::Import(specifier) => {
                        let part = self.part_at(record.span(id).start);
                        if let Some(part) = parts.get_mut(part as usize) {
                            part.imports.push(*specifier);
                        }
                        continue;
                    }
                    _ => continue,
                };
                let part = self.part_at(record.span(id).start);
                let Some(part) = parts.get_mut(part as usize) else {
                    continue;
                };
                if let Expr::Member { property, .. } = expr {
                    if !part.members.contains(&(name, *property)) {
                        part.members.push((name, *property));
                    }
                } else if !part.names.contains(&name) {
                    part.names.push(name);
                }
            }
            parts
        })
    }
}

/// The names that a pattern binds.
pub(in crate::checks) fn bound(pattern: &Pattern, names: &mut Vec<Name>) {
    match pattern {
        Pattern::Name(name) => names.push(*name),
        Pattern::Member(_) => {}
        Pattern::Object { properties, rest } => {
            for (_, inner) in properties {
                bound(inner, names);
            }
            if let Some(rest) = rest {
                bound(rest, names);
            }
        }
        Pattern::Array { elements, rest } => {
            for inner in elements.iter().flatten() {
                bound(inner, names);
            }
            if let Some(rest) = rest {
                bound(rest, names);
            }
        }
        Pattern::Default { pattern, .. } | Pattern::Rest(pattern) => bound(pattern, names),
    }
}
