//! Walking the code that registers, in the order in which it runs.

use smallvec::SmallVec;

use crate::graph::ModuleId;
use crate::syntax::{
    Argument, Block, Expr, ExprId, FunctionId, Key, Loop, MODULE_BODY, MemberValue, Name, Pattern,
    Stmt, StmtKind,
};

use crate::routes::declared::find_in;
use crate::routes::trace::{LOOP_VARIABLES, Place, Value};

use super::{Dialect, MAX_CALLS, MAX_DEPTH, Mounts};

/// Expressions nested deeper than this are not looked into.
const MAX_NESTING: usize = 256;

impl<'a, D: Dialect> Mounts<'a, D> {
    /// Walks modules in order, then the functions in them that make routers or register with one that is there without
    /// them, and that nothing walked so far calls: a method that somebody calls on an instance.
    pub(in crate::routes) fn walk(&mut self, modules: &[ModuleId]) {
        let packages = self.dialect.packages().iter();
        let asks = |module: ModuleId| {
            let mut requests = self.tracer.record(module).requests.iter();
            requests.any(|request| {
                let mut packages = packages.clone();
                packages.any(|package| {
                    let inside = request.specifier.strip_prefix(package);
                    inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
            })
        };
        let asking: Vec<ModuleId> = modules.iter().copied().filter(|id| asks(*id)).collect();
        // Whoever registers anything has the package from somewhere.
        let concerned = self.tracer.graph.loaders(&asking);
        for &module in modules {
            if concerned.get(module.0 as usize).copied().unwrap_or(false) {
                self.run(Place::top(module));
            }
        }
        for module in asking {
            let record = self.tracer.record(module);
            for index in 1..record.functions.len() {
                let Ok(function) = u32::try_from(index).map(FunctionId) else {
                    continue;
                };
                let place = Place { module, function };
                if !self.walked.contains(&place)
                    && (self.makes_router(place) || self.registers_outside(place))
                {
                    self.contexts += 1;
                    let outer = std::mem::replace(&mut self.context, self.contexts);
                    self.run(place);
                    self.context = outer;
                }
            }
        }
    }

    /// Whether the function's own statements make a router.
    pub(super) fn makes_router(&mut self, place: Place) -> bool {
        if let Some(known) = self.makers.get(&place) {
            return *known;
        }
        let mut found = false;
        let body = &self.tracer.function(place.module, place.function).body;
        each_expr(self, place, body, &mut |expr| {
            found |= self.creation(place, expr).is_some()
        });
        self.makers.insert(place, found);
        found
    }

    /// Whether the function's own statements register something with a router that is made outside of functions, or
    /// that its class keeps.
    fn registers_outside(&mut self, place: Place) -> bool {
        if let Some(known) = self.outside.get(&place) {
            return *known;
        }
        let mut found = false;
        let body = &self.tracer.function(place.module, place.function).body;
        each_expr(self, place, body, &mut |expr| {
            let Expr::Call { callee, .. } = self.tracer.expr(place, expr) else {
                return;
            };
            let Some((object, _)) = self.verb(place, *callee).filter(|_| !found) else {
                return;
            };
            found = match self.kept(place, object) {
                Some((place, value)) => self.creation(place, value).is_some(),
                None => {
                    matches!(self.tracer.follow(place, object), Value::Expr { place, expr }
                        if place.function == MODULE_BODY && self.creation(place, expr).is_some())
                }
            };
        });
        self.outside.insert(place, found);
        found
    }

    /// Whether an expression makes a router, and if so one that serves by itself.
    pub(super) fn creation(&self, place: Place, expr: ExprId) -> Option<bool> {
        match self.tracer.expr(place, expr) {
            Expr::Call { callee, .. } | Expr::New { callee, .. } => {
                // A call on something is no creation unless the something is a package.
                self.dialect.creates(&self.tracer.follow(place, *callee))
            }
            _ => None,
        }
    }

    pub(super) fn run(&mut self, place: Place) {
        if self.active.len() > MAX_DEPTH || self.calls >= MAX_CALLS || self.active.contains(&place)
        {
            return;
        }
        self.calls += 1;
        self.walked.insert(place);
        self.active.push(place);
        let function = self.tracer.function(place.module, place.function);
        self.block(place, &function.body);
        self.active.pop();
    }

    fn block(&mut self, place: Place, block: &'a Block) {
        let outer = self.development;
        for stmt in block {
            self.stmt(place, stmt);
            // `if (process.env.NODE_ENV === 'production') return;`
            if let StmtKind::If { test, then, .. } = &stmt.kind
                && let Some(StmtKind::Return(_)) = then.last().map(|last| &last.kind)
                && self.in_production(place, *test) == Some(true)
            {
                self.only_in_development(place, *test);
            }
        }
        self.development = outer;
    }

    /// What is walked from here on runs in development only, by this condition or by one further out.
    fn only_in_development(&mut self, place: Place, test: ExprId) {
        let span = self.tracer.record(place.module).span(test);
        self.development.get_or_insert((place.module, span));
    }

    fn stmt(&mut self, place: Place, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Expr(expr)
            | StmtKind::Let {
                init: Some(expr), ..
            }
            | StmtKind::Return(Some(expr))
            | StmtKind::Throw(expr) => self.expr(place, *expr, 0),
            StmtKind::If {
                test,
                then,
                otherwise,
            } => {
                self.expr(place, *test, 0);
                let in_production = self.in_production(place, *test);
                for (block, taken) in [(then, true), (otherwise, false)] {
                    let outer = self.development;
                    if in_production == Some(!taken) {
                        self.only_in_development(place, *test);
                    }
                    self.block(place, block);
                    self.development = outer;
                }
            }
            StmtKind::Switch { cases, .. } => {
                for case in cases {
                    self.block(place, &case.body);
                }
            }
            StmtKind::Try {
                block, finalizer, ..
            } => {
                self.block(place, block);
                self.block(place, finalizer);
            }
            StmtKind::Loop(each) => {
                self.block(place, &each.init);
                self.each(place, each);
            }
            StmtKind::Block(block) => self.block(place, block),
            _ => {}
        }
    }

    /// Evaluates in order: what is called on, then arguments, then the call. Chains of calls may be of any length.
    fn expr(&mut self, place: Place, expr: ExprId, depth: usize) {
        if depth > MAX_NESTING {
            return;
        }
        let record = self.tracer.record(place.module);
        let mut chain = Vec::new();
        let mut at = expr;
        while let Expr::Call { callee, .. } = record.expr(at)
            && let Expr::Member { object, .. } = record.expr(*callee)
        {
            chain.push(at);
            at = *object;
        }
        self.link(place, at, depth);
        for call in chain.into_iter().rev() {
            self.link(place, call, depth);
        }
    }

    /// One expression, what it is called on left out.
    fn link(&mut self, place: Place, expr: ExprId, depth: usize) {
        match self.tracer.expr(place, expr) {
            Expr::Call { callee, args, .. } => {
                if !matches!(self.tracer.expr(place, *callee), Expr::Member { .. }) {
                    self.expr(place, *callee, depth + 1);
                }
                for argument in args {
                    if !matches!(self.tracer.expr(place, argument.value), Expr::Function(_)) {
                        self.expr(place, argument.value, depth + 1);
                    }
                }
                if !self.register(place, expr, *callee, args) {
                    self.call(place, *callee, args);
                }
            }
            // A class that builds its application in the constructor.
            Expr::New { callee, args } => {
                for argument in args {
                    self.expr(place, argument.value, depth + 1);
                }
                if self.creation(place, expr).is_none()
                    && let Value::Class { module, class } = self.tracer.follow(place, *callee)
                    && let Some(function) = self.tracer.record(module).class(class).constructor
                {
                    self.enter(place, Place { module, function }, args);
                }
            }
            Expr::Function(_) | Expr::Class(_) => {}
            other => {
                let mut inner: SmallVec<[ExprId; 8]> = SmallVec::new();
                other.for_each_child(&mut |child| inner.push(child));
                for child in inner {
                    self.expr(place, child, depth + 1);
                }
            }
        }
    }

    /// A loop's body: once for each element where the elements are written out, else once.
    fn each(&mut self, place: Place, each: &'a Loop) {
        let Some((pattern, iterable)) = &each.each else {
            return self.block(place, &each.body);
        };
        let Some(elements) = self.tracer.elements(place, *iterable) else {
            return self.block(place, &each.body);
        };
        let names = names_of(pattern);
        for (at, element) in elements {
            let value = self.bound_value(at, element);
            let outer: Vec<_> = names
                .iter()
                .map(|name| {
                    let position = LOOP_VARIABLES + name.0 as usize;
                    (
                        position,
                        self.bound.insert((place, position), value.clone()),
                    )
                })
                .collect();
            self.block(place, &each.body);
            for (position, outer) in outer {
                self.unbind(place, position, outer);
            }
        }
    }

    /// A call that is no registration: a function of the application that may register, or a callback.
    fn call(&mut self, place: Place, callee: ExprId, args: &'a [Argument]) {
        if self.for_each(place, callee, args) {
            return;
        }
        let registers_itself = match self.tracer.expr(place, callee) {
            Expr::Member { object, .. } => matches!(self.tracer.expr(place, *object), Expr::This),
            Expr::Function(_) => true,
            _ => false,
        };
        let mut values = args.iter().map(|argument| argument.value);
        let may_take_router = values.any(|value| may_be_router(self.tracer.expr(place, value)));
        let is_named = matches!(self.tracer.expr(place, callee), Expr::Name(_));
        if (registers_itself || may_take_router || is_named)
            && let Some(target) = self.callable(place, callee)
        {
            let takes_router = args
                .iter()
                .any(|argument| self.brings_router(place, argument.value));
            if takes_router || registers_itself || self.registers_outside(target) {
                self.enter(place, target, args);
            }
        }
        // Callbacks run some time: `connect().then(() => app.use(…))`.
        for argument in args {
            if let Expr::Function(function) = self.tracer.expr(place, argument.value) {
                let inner = Place {
                    module: place.module,
                    function: *function,
                };
                self.run(inner);
            }
        }
    }

    /// A router as an argument, or as an entry of an object that is one: `register({ app })`.
    fn brings_router(&mut self, place: Place, expr: ExprId) -> bool {
        if let Expr::Object(_) = self.tracer.expr(place, expr) {
            let entries = self.tracer.entries(place, expr).unwrap_or_default();
            return entries
                .into_iter()
                .any(|(_, value, place)| self.reference(place, value).is_some());
        }
        self.reference(place, expr).is_some()
    }

    /// The function of the application that a callee is.
    pub(super) fn callable(&self, place: Place, callee: ExprId) -> Option<Place> {
        if let Expr::Member {
            object, property, ..
        } = self.tracer.expr(place, callee)
            && matches!(self.tracer.expr(place, *object), Expr::This)
        {
            return self.own_method(place, self.tracer.record(place.module).name(*property));
        }
        match self.value(place, callee) {
            Value::Function { module, function } => Some(Place { module, function }),
            _ => None,
        }
    }

    /// `this.name` as a method of a class of this module.
    fn own_method(&self, place: Place, name: &str) -> Option<Place> {
        let record = self.tracer.record(place.module);
        record.classes.iter().find_map(|class| {
            class
                .members
                .iter()
                .find_map(|member| match (&member.key, &member.value) {
                    (
                        Key::Name(key),
                        MemberValue::Method(function) | MemberValue::Getter(function),
                    ) if record.name(*key) == name => Some(Place {
                        module: place.module,
                        function: *function,
                    }),
                    (Key::Name(key), MemberValue::Field(Some(value)))
                        if record.name(*key) == name =>
                    {
                        match record.expr(*value) {
                            Expr::Function(function) => Some(Place {
                                module: place.module,
                                function: *function,
                            }),
                            _ => None,
                        }
                    }
                    _ => None,
                })
        })
    }

    /// `[{ path, router }].forEach((entry) => app.use(entry.path, entry.router))`
    fn for_each(&mut self, place: Place, callee: ExprId, args: &'a [Argument]) -> bool {
        let Expr::Member {
            object, property, ..
        } = self.tracer.expr(place, callee)
        else {
            return false;
        };
        if !matches!(
            self.tracer.record(place.module).name(*property),
            "forEach" | "map"
        ) {
            return false;
        }
        let Some(elements) = self.tracer.elements(place, *object) else {
            return false;
        };
        let Some(Value::Function { module, function }) = args
            .first()
            .map(|first| self.tracer.follow(place, first.value))
        else {
            return false;
        };
        let target = Place { module, function };
        for (at, element) in elements {
            let value = self.bound_value(at, element);
            let outer = self.bound.insert((target, 0), value);
            self.run(target);
            self.unbind(target, 0, outer);
        }
        true
    }
}

/// Whether an expression can be a router, or an object that holds one, as far as its kind tells.
fn may_be_router(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Name(_)
            | Expr::Member { .. }
            | Expr::Call { .. }
            | Expr::New { .. }
            | Expr::Await(_)
            | Expr::Assign { .. }
            | Expr::Object(_)
    )
}

/// Every expression of a block's own statements, nested functions left out.
fn each_expr<D: Dialect>(
    mounts: &Mounts<'_, D>,
    place: Place,
    block: &Block,
    seen: &mut impl FnMut(ExprId),
) {
    let mut waiting = Vec::new();
    find_in(block, &mut |stmt| {
        match &stmt.kind {
            StmtKind::Expr(expr)
            | StmtKind::Let {
                init: Some(expr), ..
            }
            | StmtKind::Return(Some(expr)) => waiting.push(*expr),
            _ => {}
        }
        None::<()>
    });
    while let Some(expr) = waiting.pop() {
        seen(expr);
        mounts
            .tracer
            .expr(place, expr)
            .for_each_child(&mut |child| waiting.push(child));
    }
}

/// The names that a loop's pattern binds.
fn names_of(pattern: &Pattern) -> Vec<Name> {
    match pattern {
        Pattern::Name(name) => vec![*name],
        Pattern::Object { properties, .. } => properties
            .iter()
            .flat_map(|(_, inner)| names_of(inner))
            .collect(),
        Pattern::Default { pattern, .. } => names_of(pattern),
        _ => Vec::new(),
    }
}
