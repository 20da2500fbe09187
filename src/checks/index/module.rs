//! What the variables of one module are set to, and which of its parts a place belongs to.

use std::sync::OnceLock;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::source::Span;
use crate::syntax::{
    AssignOp, Block, ClassId, ExportTarget, Expr, ExprId, FunctionId, Key, MODULE_BODY,
    MemberValue, ModuleRecord, Name, Pattern, Property, StmtKind,
};

use crate::checks::code::{numbered, statements};

/// What a variable is set to: one thing, nearly always.
type Values = SmallVec<[ExprId; 2]>;

/// The variables and parts of one module. A part is what stands at its top: a function, a class, a constant; and so are the
/// functions of a class or an object that stands there, which are called one by one.
#[derive(Debug)]
pub(in crate::checks) struct ModuleIndex {
    /// Where the parts begin, ascending.
    starts: Vec<u32>,
    /// The functions of classes and objects, by their places. They are numbered behind the other parts.
    members: Vec<MemberPart>,
    /// Which part declares a name.
    declared: FxHashMap<Name, u32>,
    classes: FxHashMap<Name, ClassId>,
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

/// A function of a class or an object at the top of a module.
#[derive(Debug)]
pub(super) struct MemberPart {
    span: Span,
    /// The part that the class or object is.
    pub owner: u32,
    pub key: Name,
    /// The class, when the function is called on what that makes.
    pub of: Option<ClassId>,
    /// Whoever reads the decorators may call it.
    pub decorated: bool,
}

/// What a part mentions of the module's own names and imports.
#[derive(Default, Debug)]
pub(super) struct References {
    pub names: Vec<Name>,
    /// `name.property`, where the name is not mentioned otherwise.
    pub members: Vec<(Name, Name)>,
    /// `this.property`
    pub own: Vec<Name>,
    /// `….property` of anything else.
    pub loose: Vec<Name>,
    /// What `import()` loads.
    pub imports: Vec<Loaded>,
}

/// A module that `import()` loads.
#[derive(Debug)]
pub(super) struct Loaded {
    pub specifier: ExprId,
    /// The members of it that are taken on the spot; `None` where it is handed on as a whole.
    pub members: Option<Vec<Name>>,
}

impl ModuleIndex {
    pub(super) fn new(record: &ModuleRecord) -> Self {
        let mut index = Self {
            starts: Vec::new(),
            members: Vec::new(),
            classes: FxHashMap::default(),
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
            let part = self.top_at(statement.span.start);
            match &statement.kind {
                StmtKind::Let { pattern, init } => {
                    bound(pattern, &mut names);
                    if let Some(init) = init {
                        self.members_of(record, *init, part);
                    }
                }
                StmtKind::Function { name, .. } => names.push(*name),
                StmtKind::Class { name, class } => {
                    names.push(*name);
                    self.classes.insert(*name, *class);
                    self.members_of_class(record, *class, part);
                }
                _ => {}
            }
            for name in names.drain(..) {
                self.declared.insert(name, part);
            }
        }
        for export in &record.exports {
            if let ExportTarget::Expr(expr) = export.target {
                self.members_of(record, expr, self.top_at(record.span(expr).start));
            }
        }
        self.members
            .sort_unstable_by_key(|member| member.span.start);
        self.members.dedup_by_key(|member| member.span.start);
    }

    /// The functions of an object or class, and what calls make in their place.
    fn members_of(&mut self, record: &ModuleRecord, value: ExprId, owner: u32) {
        let properties = match record.expr(value) {
            Expr::Object(properties) => properties,
            Expr::Class(class) => return self.members_of_class(record, *class, owner),
            _ => return,
        };
        let functions = properties.iter().filter_map(|property| match property {
            Property::Value {
                key: Key::Name(key),
                value,
            } => matches!(record.expr(*value), Expr::Function(_) | Expr::Call { .. })
                .then(|| (*key, record.span(*value))),
            Property::Getter {
                key: Key::Name(key),
                function,
            } => Some((*key, record.function(*function).span)),
            _ => None,
        });
        self.members.extend(functions.map(|(key, span)| MemberPart {
            span,
            owner,
            key,
            of: None,
            decorated: false,
        }));
    }

    fn members_of_class(&mut self, record: &ModuleRecord, id: ClassId, owner: u32) {
        for member in &record.class(id).members {
            let Key::Name(key) = member.key else {
                continue;
            };
            let function = match member.value {
                MemberValue::Method(function) | MemberValue::Getter(function) => function,
                MemberValue::Field(Some(value)) => match record.expr(value) {
                    Expr::Function(function) => *function,
                    _ => continue,
                },
                MemberValue::Field(None) => continue,
            };
            self.members.push(MemberPart {
                span: record.function(function).span,
                owner,
                key,
                of: (!member.is_static).then_some(id),
                decorated: !member.decorators.is_empty(),
            });
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
        let behind = self
            .members
            .partition_point(|member| member.span.start <= at);
        let before = behind.checked_sub(1);
        let inside = before.filter(|number| {
            let member = self.members.get(*number);
            member.is_some_and(|member| at < member.span.end)
        });
        let number = inside.and_then(|number| u32::try_from(number).ok());
        number.map_or_else(|| self.top_at(at), |number| self.tops() + number)
    }

    /// The part at the top of the module that a place lies in.
    fn top_at(&self, at: u32) -> u32 {
        let behind = self.starts.partition_point(|start| *start <= at);
        u32::try_from(behind.saturating_sub(1)).unwrap_or(0)
    }

    /// How many parts stand at the top.
    fn tops(&self) -> u32 {
        u32::try_from(self.starts.len().max(1)).unwrap_or(1)
    }

    /// The function of a class or object that a part is.
    pub(super) fn member(&self, part: u32) -> Option<&MemberPart> {
        self.members.get(part.checked_sub(self.tops())? as usize)
    }

    /// The functions of the class or object that a part is, by their numbers.
    pub(super) fn members_in(&self, owner: u32) -> impl Iterator<Item = (u32, &MemberPart)> {
        let numbered = (self.tops()..).zip(&self.members);
        numbered.filter(move |(_, member)| member.owner == owner)
    }

    /// The class that is declared under a name.
    pub(super) fn class(&self, name: Name) -> Option<ClassId> {
        self.classes.get(&name).copied()
    }

    /// The bytes of a part.
    pub(in crate::checks) fn part_span(&self, part: u32) -> Span {
        if let Some(member) = self.member(part) {
            return member.span;
        }
        let at = part as usize;
        let start = self.starts.get(at).copied().unwrap_or(0);
        let end = self.starts.get(at + 1).copied().unwrap_or(u32::MAX);
        Span::new(start, end)
    }

    /// How many parts there are.
    pub(in crate::checks) fn parts_count(&self) -> u32 {
        self.tops() + u32::try_from(self.members.len()).unwrap_or(0)
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
            let mut known = vec![false; record.names.len()];
            let imports = record.imports.iter().filter(|import| !import.type_only);
            let imported = imports.map(|import| import.local);
            for name in self.declared.keys().copied().chain(imported) {
                if let Some(known) = known.get_mut(name.0 as usize) {
                    *known = true;
                }
            }
            let is_known = |name: Name| known.get(name.0 as usize) == Some(&true);
            let mut parts: Vec<References> = Vec::new();
            parts.resize_with(self.parts_count() as usize, References::default);
            let mut read_from = vec![false; record.exprs.len()];
            for (_, expr) in numbered(record) {
                if let Expr::Member { object, .. } = expr
                    && let Some(read) = read_from.get_mut(object.0 as usize)
                {
                    *read = true;
                }
            }
            for (id, expr) in numbered(record) {
                // Where it stands costs more than what it is.
                let counts = match expr {
                    Expr::Name(name) => {
                        is_known(*name) && read_from.get(id.0 as usize) != Some(&true)
                    }
                    Expr::Member { .. } | Expr::Import(_) => true,
                    _ => false,
                };
                if !counts {
                    continue;
                }
                let part = self.part_at(record.span(id).start);
                let Some(part) = parts.get_mut(part as usize) else {
                    continue;
                };
                match expr {
                    Expr::Name(name) => part.names.push(*name),
                    Expr::Member {
                        object, property, ..
                    } => match record.expr(*object) {
                        Expr::Name(name) if is_known(*name) => {
                            part.members.push((*name, *property));
                        }
                        Expr::This => part.own.push(*property),
                        _ => part.loose.push(*property),
                    },
                    Expr::Import(specifier) => part.imports.push(Loaded {
                        specifier: *specifier,
                        members: self.taken_of(record, id),
                    }),
                    _ => {}
                }
            }
            for part in &mut parts {
                part.names.sort_unstable();
                part.names.dedup();
                part.members.sort_unstable();
                part.members.dedup();
                part.own.sort_unstable();
                part.own.dedup();
                part.loose.sort_unstable();
                part.loose.dedup();
            }
            parts
        })
    }

    /// The members that are taken of what an `import()` gives: `const { a } = await import("./b")`,
    /// `(await import("./b")).a`, `import("./b").then((b) => b.a)`.
    fn taken_of(&self, record: &ModuleRecord, import: ExprId) -> Option<Vec<Name>> {
        let around = record.function(self.function_at(record, record.span(import).start));
        let parent = self.parent(record, import)?;
        match record.expr(parent) {
            Expr::Await(_) => {
                let kept = statements(&around.body).find_map(|statement| match &statement.kind {
                    StmtKind::Let {
                        pattern,
                        init: Some(init),
                    } if *init == parent => Some(pattern),
                    _ => None,
                });
                if let Some(pattern) = kept {
                    return members_taken(record, pattern, around.span);
                }
                match record.expr(self.parent(record, parent)?) {
                    Expr::Member {
                        object, property, ..
                    } if *object == parent => Some(vec![*property]),
                    _ => None,
                }
            }
            Expr::Member { property, .. } if record.name(*property) == "then" => {
                let Expr::Call { callee, args, .. } = record.expr(self.parent(record, parent)?)
                else {
                    return None;
                };
                let [given] = &**args else { return None };
                let Expr::Function(function) = record.expr(given.value) else {
                    return None;
                };
                let function = record.function(*function);
                let pattern = function.params.first().filter(|_| *callee == parent)?;
                members_taken(record, pattern, function.span)
            }
            _ => None,
        }
    }
}

/// The members that a pattern takes of what it is given, within a function; `None` where others may be taken too.
fn members_taken(record: &ModuleRecord, pattern: &Pattern, within: Span) -> Option<Vec<Name>> {
    match pattern {
        Pattern::Object {
            properties,
            rest: None,
        } => {
            let keys = properties.iter().map(|(key, _)| match key {
                Key::Name(key) => Some(*key),
                Key::Computed(_) => None,
            });
            keys.collect()
        }
        Pattern::Name(whole) => {
            let is_whole = |expr: &Expr| matches!(expr, Expr::Name(name) if name == whole);
            let mut read = 0usize;
            let mut members = Vec::new();
            for (id, expr) in numbered(record) {
                let member = match expr {
                    Expr::Name(_) if is_whole(expr) => None,
                    Expr::Member {
                        object, property, ..
                    } if is_whole(record.expr(*object)) => Some(*property),
                    _ => continue,
                };
                if within.holds(record.span(id)) {
                    read += usize::from(member.is_none());
                    members.extend(member);
                }
            }
            // Each time that it is named, a member is read of it.
            (read == members.len()).then_some(members)
        }
        _ => None,
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
