//! Routers that are built at run time: the registering code is walked in the order in which it runs, and the tree of
//! routers it builds is laid out as rows.
//!
//! One walk serves Express and Hono; what their calls mean is [`Dialect`]'s.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::ModuleId;
use crate::source::Span;
use crate::syntax::{
    Argument, Block, Expr, ExprId, FunctionId, MODULE_BODY, MemberValue, Pattern, Stmt, StmtKind,
};

use super::trace::{Place, Tracer, Value, children};
use super::{Entry, Layer, Route, RouteKind};

/// Nesting of calls and of routers beyond this is given up.
const MAX_DEPTH: usize = 24;

/// Functions walked in one application; a limit against code that multiplies itself.
const MAX_CALLS: usize = 20_000;

/// What a member call on a router does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    /// Answers one method; `ANY` for all.
    Answer(&'static str),
    /// `use`: middleware or routers below a path.
    Use,
    /// Express `route('/x')`: the path for the calls chained to it.
    Path,
    /// Hono `route('/x', router)`.
    Mount,
    /// Hono `basePath('/x')`.
    Base,
    /// Hono `on('GET', '/x', …)`.
    On,
    /// Hono's `openapi({ method, path }, handler)`.
    Described,
    /// Hono's `onError(handler)`.
    Failure,
    /// Nothing to routes, but the chain goes on.
    Chain,
}

/// How a framework writes its routes.
pub(super) trait Dialect {
    /// Which kind of rows it makes.
    fn kind(&self) -> RouteKind;
    /// The package whose import makes a module interesting.
    fn package(&self) -> &'static str;
    /// Whether a call or `new` of `callee` makes a router; `true` inside for one that serves by itself.
    fn creates(&self, callee: &Value) -> Option<bool>;
    /// What a member call means.
    fn verb(&self, name: &str) -> Option<Verb>;
    /// The method of a package's handler that answers although it is only `use`d.
    fn serves(&self, value: &Value) -> Option<&'static str>;
}

/// A router and, for Express's `route()`, the paths that the chained calls answer.
#[derive(Clone, Debug)]
struct Reference {
    router: usize,
    paths: Option<Vec<String>>,
}

/// What is registered on a router, in order.
#[derive(Debug)]
struct Registration {
    what: What,
    paths: Vec<String>,
    items: Vec<Item>,
    module: ModuleId,
    span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Use,
    Answer(&'static str),
    Failure,
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Layer(Layer),
    Router(usize),
}

#[derive(Debug, Default)]
struct Router {
    base: String,
    serves_itself: bool,
    mounted: bool,
    registrations: Vec<Registration>,
}

/// What a parameter is bound to while its function is walked.
#[derive(Clone, Debug)]
enum Bound {
    Router(usize),
    Value(Value),
}

/// The walk over the registering code.
pub(super) struct Mounts<'a, D: Dialect> {
    tracer: Tracer<'a>,
    dialect: D,
    routers: Vec<Router>,
    /// Routers by the call that made the surrounding function run (0 at the top level) and the creating expression.
    by_site: FxHashMap<(u32, ModuleId, ExprId), usize>,
    /// What calls of router-making functions answered.
    made: FxHashMap<(u32, ModuleId, ExprId), Option<usize>>,
    bound: FxHashMap<(Place, usize), Bound>,
    walked: FxHashSet<Place>,
    active: Vec<Place>,
    context: u32,
    contexts: u32,
    calls: usize,
}

impl<'a, D: Dialect> Mounts<'a, D> {
    pub(super) fn new(tracer: Tracer<'a>, dialect: D) -> Self {
        Self {
            tracer,
            dialect,
            routers: Vec::new(),
            by_site: FxHashMap::default(),
            made: FxHashMap::default(),
            bound: FxHashMap::default(),
            walked: FxHashSet::default(),
            active: Vec::new(),
            context: 0,
            contexts: 0,
            calls: 0,
        }
    }

    /// Walks modules in order, then the functions in them that make routers and that nothing walked so far calls.
    pub(super) fn walk(&mut self, modules: &[ModuleId]) {
        for &module in modules {
            self.run(Place::top(module), 0);
        }
        for &module in modules {
            let record = self.tracer.record(module);
            let asks = |specifier: &str| {
                let package = self.dialect.package();
                specifier == package
                    || specifier
                        .strip_prefix(package)
                        .is_some_and(|rest| rest.starts_with('/'))
            };
            if !record
                .requests
                .iter()
                .any(|request| asks(&request.specifier))
            {
                continue;
            }
            for index in 1..record.functions.len() {
                let Ok(function) = u32::try_from(index).map(FunctionId) else {
                    continue;
                };
                let place = Place { module, function };
                if !self.walked.contains(&place) && self.makes_router(place) {
                    self.contexts += 1;
                    let outer = std::mem::replace(&mut self.context, self.contexts);
                    self.run(place, 0);
                    self.context = outer;
                }
            }
        }
    }

    /// Whether the function's own statements make a router.
    fn makes_router(&self, place: Place) -> bool {
        let mut found = false;
        each_expr(
            self,
            place,
            &self.tracer.function(place.module, place.function).body,
            &mut |expr| {
                found |= self.creation(place, expr).is_some();
            },
        );
        found
    }

    /// Whether an expression makes a router, and if so one that serves by itself.
    fn creation(&self, place: Place, expr: ExprId) -> Option<bool> {
        match self.tracer.expr(place, expr) {
            Expr::Call { callee, .. } | Expr::New { callee, .. } => {
                // A call on something is no creation unless the something is a package.
                self.dialect.creates(&self.tracer.follow(place, *callee))
            }
            _ => None,
        }
    }

    fn run(&mut self, place: Place, depth: usize) {
        if depth > MAX_DEPTH || self.calls >= MAX_CALLS || self.active.contains(&place) {
            return;
        }
        self.calls += 1;
        self.walked.insert(place);
        self.active.push(place);
        let function = self.tracer.function(place.module, place.function);
        self.block(place, &function.body, depth);
        self.active.pop();
    }

    fn block(&mut self, place: Place, block: &'a Block, depth: usize) {
        for stmt in block {
            self.stmt(place, stmt, depth);
        }
    }

    fn stmt(&mut self, place: Place, stmt: &'a Stmt, depth: usize) {
        match &stmt.kind {
            StmtKind::Expr(expr)
            | StmtKind::Let {
                init: Some(expr), ..
            }
            | StmtKind::Return(Some(expr))
            | StmtKind::Throw(expr) => self.expr(place, *expr, depth),
            StmtKind::If {
                test,
                then,
                otherwise,
            } => {
                self.expr(place, *test, depth);
                self.block(place, then, depth);
                self.block(place, otherwise, depth);
            }
            StmtKind::Switch { cases, .. } => {
                for case in cases {
                    self.block(place, &case.body, depth);
                }
            }
            StmtKind::Try {
                block, finalizer, ..
            } => {
                self.block(place, block, depth);
                self.block(place, finalizer, depth);
            }
            StmtKind::Loop(each) => {
                self.block(place, &each.init, depth);
                self.block(place, &each.body, depth);
            }
            StmtKind::Block(block) => self.block(place, block, depth),
            _ => {}
        }
    }

    /// Evaluates in order: what is called on, then arguments, then the call.
    fn expr(&mut self, place: Place, expr: ExprId, depth: usize) {
        if depth > 400 {
            return;
        }
        match self.tracer.expr(place, expr) {
            Expr::Call { callee, args, .. } => {
                match self.tracer.expr(place, *callee) {
                    Expr::Member { object, .. } => self.expr(place, *object, depth + 1),
                    _ => self.expr(place, *callee, depth + 1),
                }
                for argument in args {
                    if !matches!(self.tracer.expr(place, argument.value), Expr::Function(_)) {
                        self.expr(place, argument.value, depth + 1);
                    }
                }
                if !self.register(place, expr, *callee, args) {
                    self.call(place, *callee, args, depth);
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
                    self.enter(place, Place { module, function }, args, depth);
                }
            }
            Expr::Function(_) | Expr::Class(_) => {}
            other => {
                let mut inner = Vec::new();
                children(other, &mut |child| inner.push(child));
                for child in inner {
                    self.expr(place, child, depth + 1);
                }
            }
        }
    }

    /// A call that is no registration: a function of the application that may register, or a callback.
    fn call(&mut self, place: Place, callee: ExprId, args: &'a [Argument], depth: usize) {
        if self.for_each(place, callee, args, depth) {
            return;
        }
        if let Some(target) = self.callable(place, callee) {
            let takes_router = args
                .iter()
                .any(|argument| self.reference(place, argument.value).is_some());
            let is_own_method = matches!(
                self.tracer.expr(place, callee),
                Expr::Member { object, .. } if matches!(self.tracer.expr(place, *object), Expr::This)
            );
            let is_literal = matches!(self.tracer.expr(place, callee), Expr::Function(_));
            if takes_router || is_own_method || is_literal {
                self.enter(place, target, args, depth);
            }
        }
        // Callbacks run some time: `connect().then(() => app.use(…))`.
        for argument in args {
            if let Expr::Function(function) = self.tracer.expr(place, argument.value) {
                let inner = Place {
                    module: place.module,
                    function: *function,
                };
                self.run(inner, depth + 1);
            }
        }
    }

    /// The function of the application that a callee is.
    fn callable(&self, place: Place, callee: ExprId) -> Option<Place> {
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
                        crate::syntax::Key::Name(key),
                        MemberValue::Method(function) | MemberValue::Getter(function),
                    ) if record.name(*key) == name => Some(Place {
                        module: place.module,
                        function: *function,
                    }),
                    (crate::syntax::Key::Name(key), MemberValue::Field(Some(value)))
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
    fn for_each(
        &mut self,
        place: Place,
        callee: ExprId,
        args: &'a [Argument],
        depth: usize,
    ) -> bool {
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
            self.run(target, depth + 1);
            self.unbind(target, 0, outer);
        }
        true
    }

    fn bound_value(&mut self, place: Place, expr: ExprId) -> Bound {
        match self.reference(place, expr) {
            Some(reference) => Bound::Router(reference.router),
            None => Bound::Value(self.value(place, expr)),
        }
    }

    fn unbind(&mut self, place: Place, position: usize, outer: Option<Bound>) {
        match outer {
            Some(outer) => self.bound.insert((place, position), outer),
            None => self.bound.remove(&(place, position)),
        };
    }

    /// Walks a function with its parameters bound to the arguments.
    fn enter(&mut self, place: Place, target: Place, args: &[Argument], depth: usize) {
        if self.active.contains(&target) {
            return;
        }
        let mut outer = Vec::new();
        for (position, argument) in args.iter().enumerate() {
            let value = self.bound_value(place, argument.value);
            outer.push(self.bound.insert((target, position), value));
        }
        self.run(target, depth + 1);
        for (position, outer) in outer.into_iter().enumerate() {
            self.unbind(target, position, outer);
        }
    }

    /// What an expression stands for, with bound parameters.
    fn value(&self, place: Place, expr: ExprId) -> Value {
        let value = self.tracer.follow(place, expr);
        match &value {
            Value::Parameter { place, position } => match self.bound.get(&(*place, *position)) {
                Some(Bound::Value(bound)) => bound.clone(),
                _ => value,
            },
            Value::Expr { place, expr } => match self.tracer.expr(*place, *expr) {
                Expr::Member {
                    object, property, ..
                } => {
                    let object = match self.tracer.follow(*place, *object) {
                        Value::Parameter { place, position } => {
                            match self.bound.get(&(place, position)) {
                                Some(Bound::Value(bound)) => bound.clone(),
                                _ => return value,
                            }
                        }
                        _ => return value,
                    };
                    let key = self.tracer.record(place.module).name(*property);
                    match self.tracer.property(&object, key) {
                        Value::Unknown => value,
                        found => found,
                    }
                }
                _ => value,
            },
            _ => value,
        }
    }

    fn text(&self, place: Place, expr: ExprId) -> Option<String> {
        if let Some(text) = self.tracer.text(place, expr) {
            return Some(text);
        }
        match self.value(place, expr) {
            Value::Expr { place, expr } => self.tracer.text(place, expr),
            _ => None,
        }
    }

    /// The router that an expression is.
    fn reference(&mut self, place: Place, expr: ExprId) -> Option<Reference> {
        self.reference_bounded(place, expr, MAX_DEPTH)
    }

    fn reference_bounded(&mut self, place: Place, expr: ExprId, steps: usize) -> Option<Reference> {
        let steps = steps.checked_sub(1)?;
        if let Some(serves_itself) = self.creation(place, expr) {
            return Some(self.router_at(place, expr, serves_itself));
        }
        match self.tracer.expr(place, expr) {
            Expr::Call { callee, args, .. } => {
                if let Expr::Member {
                    object, property, ..
                } = self.tracer.expr(place, *callee)
                {
                    let verb = self
                        .dialect
                        .verb(self.tracer.record(place.module).name(*property));
                    if let Some(verb) = verb
                        && let Some(reference) = self.reference_bounded(place, *object, steps)
                    {
                        let paths = match verb {
                            Verb::Path => Some(self.paths(place, args.first()?.value)),
                            _ => reference.paths,
                        };
                        return Some(Reference { paths, ..reference });
                    }
                }
                self.made_by(place, expr, *callee, args).map(whole)
            }
            Expr::Member {
                object, property, ..
            } if matches!(self.tracer.expr(place, *object), Expr::This) => {
                let name = self.tracer.record(place.module).name(*property);
                let (place, value) = self.own_field(place, name)?;
                self.reference_bounded(place, value, steps)
            }
            Expr::Name(_) | Expr::Member { .. } | Expr::Await(_) | Expr::Assign { .. } => {
                match self.value_or_router(place, expr)? {
                    Bound::Router(router) => Some(whole(router)),
                    Bound::Value(Value::Expr {
                        place: found,
                        expr: inner,
                    }) if (found, inner) != (place, expr) => {
                        self.reference_bounded(found, inner, steps)
                    }
                    Bound::Value(_) => self.router_of_instance(place, expr, steps),
                }
            }
            _ => None,
        }
    }

    fn value_or_router(&self, place: Place, expr: ExprId) -> Option<Bound> {
        if let Value::Parameter { place, position } = self.tracer.follow(place, expr) {
            return self.bound.get(&(place, position)).cloned();
        }
        Some(Bound::Value(self.value(place, expr)))
    }

    /// `instance.router`, where the instance's class assigns the router to `this`.
    fn router_of_instance(
        &mut self,
        place: Place,
        expr: ExprId,
        steps: usize,
    ) -> Option<Reference> {
        let Expr::Member {
            object, property, ..
        } = self.tracer.expr(place, expr)
        else {
            return None;
        };
        let name = self.tracer.record(place.module).name(*property);
        let Value::Expr { place, expr } = self.tracer.follow(place, *object) else {
            return None;
        };
        let Expr::New { callee, .. } = self.tracer.expr(place, expr) else {
            return None;
        };
        let Value::Class { module, .. } = self.tracer.follow(place, *callee) else {
            return None;
        };
        let (place, value) = self.own_field(Place::top(module), name)?;
        self.reference_bounded(place, value, steps)
    }

    /// What a class of this module assigns to `this.name`.
    fn own_field(&self, place: Place, name: &str) -> Option<(Place, ExprId)> {
        let record = self.tracer.record(place.module);
        let is_own = |target: ExprId| {
            matches!(record.expr(target), Expr::Member { object, property, .. }
                if matches!(record.expr(*object), Expr::This) && record.name(*property) == name)
        };
        let assigned = record.exprs.iter().find_map(|expr| match expr {
            Expr::Assign { target, value, .. } => match &**target {
                Pattern::Member(target) if is_own(*target) => Some(*value),
                _ => None,
            },
            _ => None,
        });
        let field = || {
            record.classes.iter().find_map(|class| {
                class
                    .members
                    .iter()
                    .find_map(|member| match (&member.key, &member.value) {
                        (crate::syntax::Key::Name(key), MemberValue::Field(Some(value)))
                            if record.name(*key) == name =>
                        {
                            Some(*value)
                        }
                        _ => None,
                    })
            })
        };
        Some((Place::top(place.module), assigned.or_else(field)?))
    }

    fn router_at(&mut self, place: Place, expr: ExprId, serves_itself: bool) -> Reference {
        let context = if place.function == MODULE_BODY {
            0
        } else {
            self.context
        };
        let key = (context, place.module, expr);
        let router = *self.by_site.entry(key).or_insert_with(|| {
            self.routers.push(Router {
                serves_itself,
                ..Router::default()
            });
            self.routers.len() - 1
        });
        whole(router)
    }

    /// The router that a function of the application makes and returns.
    fn made_by(
        &mut self,
        place: Place,
        expr: ExprId,
        callee: ExprId,
        args: &[Argument],
    ) -> Option<usize> {
        let key = (self.context, place.module, expr);
        if let Some(known) = self.made.get(&key) {
            return *known;
        }
        let target = self.callable(place, callee)?;
        if self.active.contains(&target) || self.active.len() > MAX_DEPTH {
            return None;
        }
        let body = &self.tracer.function(target.module, target.function).body;
        let mut returned = None;
        super::trace::find_in(body, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = stmt.kind {
                returned = Some(value);
            }
            None::<()>
        });
        let returned = returned?;
        if !self.makes_router(target) && !self.leads_to_router(target, returned) {
            return None;
        }
        self.made.insert(key, None);
        self.contexts += 1;
        let outer = std::mem::replace(&mut self.context, self.contexts);
        let mut before = Vec::new();
        for (position, argument) in args.iter().enumerate() {
            self.context = outer;
            let value = self.bound_value(place, argument.value);
            before.push(self.bound.insert((target, position), value));
        }
        self.context = self.contexts;
        self.run(target, self.active.len());
        let router = self
            .reference(target, returned)
            .map(|reference| reference.router);
        for (position, before) in before.into_iter().enumerate() {
            self.unbind(target, position, before);
        }
        self.context = outer;
        self.made.insert(key, router);
        router
    }

    /// A function that hands out what another one makes: `return buildRouter(deps)`.
    fn leads_to_router(&self, place: Place, returned: ExprId) -> bool {
        match self.tracer.expr(place, returned) {
            Expr::Call { callee, .. } => match self.tracer.follow(place, *callee) {
                Value::Function { module, function } => {
                    self.makes_router(Place { module, function })
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn paths(&self, place: Place, expr: ExprId) -> Vec<String> {
        if let Some(text) = self.text(place, expr) {
            return vec![text];
        }
        if let Expr::Regex(source) = self.tracer.expr(place, expr) {
            return vec![format!("/{source}/")];
        }
        match self.tracer.texts(place, expr) {
            Some(texts) if !texts.is_empty() => texts,
            _ => vec![String::from("/*")],
        }
    }

    /// Notes a registration; false when the call is none.
    fn register(&mut self, place: Place, call: ExprId, callee: ExprId, args: &[Argument]) -> bool {
        let record = self.tracer.record(place.module);
        let Expr::Member {
            object, property, ..
        } = record.expr(callee)
        else {
            return false;
        };
        let Some(verb) = self.dialect.verb(record.name(*property)) else {
            return false;
        };
        let Some(reference) = self.reference(place, *object) else {
            return false;
        };
        // The beginning of a chain is the first call's place; a later one stands where its arguments do.
        let chained = matches!(record.expr(*object), Expr::Call { .. })
            && self.creation(place, *object).is_none();
        let span = match args.first() {
            Some(first) if chained => {
                Span::new(record.span(first.value).start, record.span(call).end)
            }
            _ => record.span(call),
        };
        let mut rest = args;
        let mut what = What::Use;
        let mut paths = vec![String::from("/")];
        match verb {
            Verb::Chain | Verb::Path => return true,
            Verb::Base => {
                if let Some(base) = args.first().and_then(|first| self.text(place, first.value)) {
                    let router = &mut self.routers[reference.router];
                    router.base = join(&router.base, &base);
                }
                return true;
            }
            Verb::Failure => what = What::Failure,
            Verb::Answer(method) => {
                what = What::Answer(method);
                if let Some(own) = reference.paths {
                    paths = own;
                } else {
                    let Some((first, handlers)) = args.split_first() else {
                        return true;
                    };
                    let has_path = !self.is_handler(place, first.value);
                    // `app.get("setting")` reads a setting.
                    if has_path && handlers.is_empty() {
                        return true;
                    }
                    if has_path {
                        paths = self.paths(place, first.value);
                        rest = handlers;
                    }
                }
            }
            Verb::Use | Verb::Mount => {
                if let Some((first, handlers)) = args.split_first()
                    && let Some(own) = self.leading_paths(place, first.value)
                {
                    paths = own;
                    rest = handlers;
                }
            }
            Verb::On => {
                let [methods, on, handlers @ ..] = args else {
                    return true;
                };
                let methods = match self.text(place, methods.value) {
                    Some(method) => vec![method],
                    None => self.tracer.texts(place, methods.value).unwrap_or_default(),
                };
                let paths = self.paths(place, on.value);
                let items = self.items(place, handlers);
                for method in &methods {
                    let method = super::app_router::METHODS
                        .into_iter()
                        .find(|known| known.eq_ignore_ascii_case(method));
                    self.routers[reference.router]
                        .registrations
                        .push(Registration {
                            what: What::Answer(method.unwrap_or("ANY")),
                            paths: paths.clone(),
                            items: items.clone(),
                            module: place.module,
                            span,
                        });
                }
                return true;
            }
            Verb::Described => {
                let Some((first, handlers)) = args.split_first() else {
                    return true;
                };
                let Some((method, path)) = self.description(place, first.value) else {
                    return true;
                };
                what = What::Answer(method);
                paths = vec![path];
                rest = handlers;
            }
        }
        let items = self.items(place, rest);
        self.routers[reference.router]
            .registrations
            .push(Registration {
                what,
                paths,
                items,
                module: place.module,
                span,
            });
        true
    }

    /// The method and path of `createRoute({ method: 'get', path: '/x/{id}' })`.
    fn description(&self, place: Place, expr: ExprId) -> Option<(&'static str, String)> {
        let Value::Expr { place, expr } = self.value(place, expr) else {
            return None;
        };
        let object = match self.tracer.expr(place, expr) {
            Expr::Call { args, .. } => args.first()?.value,
            _ => expr,
        };
        let entries = self.tracer.entries(place, object)?;
        let text = |wanted: &str| {
            let (_, value, place) = entries.iter().find(|(key, _, _)| *key == wanted)?;
            self.tracer.text(*place, *value)
        };
        let method = text("method")?;
        let method = super::app_router::METHODS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(&method))?;
        // OpenAPI writes parameters in braces.
        let path = text("path")?.replace('{', ":").replace('}', "");
        Some((method, path))
    }

    /// The paths that a `use` begins with; `None` when its first argument is middleware.
    fn leading_paths(&self, place: Place, expr: ExprId) -> Option<Vec<String>> {
        if let Some(text) = self.text(place, expr) {
            return Some(vec![text]);
        }
        match self.tracer.expr(place, expr) {
            Expr::Regex(_) | Expr::Template { .. } => Some(self.paths(place, expr)),
            _ => self
                .tracer
                .texts(place, expr)
                .filter(|texts| !texts.is_empty()),
        }
    }

    fn is_handler(&self, place: Place, expr: ExprId) -> bool {
        if self.text(place, expr).is_some() {
            return false;
        }
        match self.value(place, expr) {
            Value::Function { .. } => true,
            Value::Expr { place, expr } => {
                matches!(self.tracer.expr(place, expr), Expr::Call { .. })
            }
            _ => false,
        }
    }

    fn items(&mut self, place: Place, args: &[Argument]) -> Vec<Item> {
        let mut items = Vec::new();
        for argument in args {
            if let Some(reference) = self.reference(place, argument.value) {
                self.routers[reference.router].mounted = true;
                items.push(Item::Router(reference.router));
                continue;
            }
            if let Some(elements) = self.tracer.elements(place, argument.value) {
                for (place, element) in elements {
                    let element = Argument {
                        value: element,
                        spread: false,
                    };
                    match self.reference(place, element.value) {
                        Some(reference) => {
                            self.routers[reference.router].mounted = true;
                            items.push(Item::Router(reference.router));
                        }
                        None => items.push(Item::Layer(self.layer(place, element.value))),
                    }
                }
                continue;
            }
            items.push(Item::Layer(self.layer(place, argument.value)));
        }
        items
    }

    fn layer(&self, place: Place, expr: ExprId) -> Layer {
        let handles_errors = match self.value(place, expr) {
            Value::Function { module, function } => {
                self.dialect.kind() == RouteKind::Express
                    && self.tracer.function(module, function).params.len() == 4
            }
            _ => false,
        };
        Layer {
            module: place.module,
            function: place.function,
            expr,
            handles_errors,
        }
    }

    /// The router that an expression is, for frameworks that hand it to a host.
    pub(super) fn router(&mut self, place: Place, expr: ExprId) -> Option<usize> {
        self.reference(place, expr)
            .map(|reference| reference.router)
    }

    /// Routers that nothing mounts: the applications, or the lone routers where there is no application.
    pub(super) fn roots(&self) -> Vec<usize> {
        let free = |own: bool| -> Vec<usize> {
            (0..self.routers.len())
                .filter(|at| {
                    let router = &self.routers[*at];
                    !router.mounted && router.serves_itself == own
                })
                .collect()
        };
        if self.routers.iter().any(|router| router.serves_itself) {
            free(true)
        } else {
            free(false)
        }
    }

    /// The rows of a tree of routers.
    pub(super) fn rows(&self, root: usize, out: &mut Vec<Route>) {
        let mut rows = Vec::new();
        let mut chain = Vec::new();
        self.lay_out(root, "", &mut chain, &mut rows, &mut Vec::new());
        out.append(&mut rows);
    }

    fn lay_out(
        &self,
        at: usize,
        prefix: &str,
        chain: &mut Vec<(String, Layer)>,
        rows: &mut Vec<Route>,
        above: &mut Vec<usize>,
    ) {
        if above.contains(&at) || above.len() > MAX_DEPTH || rows.len() > MAX_CALLS {
            return;
        }
        above.push(at);
        let router = &self.routers[at];
        let prefix = join(prefix, &router.base);
        let first_row = rows.len();
        let first_layer = chain.len();
        for registration in &router.registrations {
            for path in &registration.paths {
                let url = join(&prefix, path);
                match registration.what {
                    What::Use => {
                        for item in &registration.items {
                            match item {
                                Item::Router(inner) => {
                                    let depth = chain.len();
                                    self.lay_out(*inner, &url, chain, rows, above);
                                    chain.truncate(depth);
                                }
                                Item::Layer(layer) if layer.handles_errors => {
                                    catch(&mut rows[first_row..], &url, *layer);
                                }
                                Item::Layer(layer) => chain.push((url.clone(), *layer)),
                            }
                        }
                        if let Some(method) = self.served(registration) {
                            rows.push(self.row(registration, &url, method, chain, &[]));
                        }
                    }
                    What::Failure => {
                        for item in &registration.items {
                            if let Item::Layer(layer) = item {
                                let layer = Layer {
                                    handles_errors: true,
                                    ..*layer
                                };
                                catch(&mut rows[first_row..], "/", layer);
                            }
                        }
                    }
                    What::Answer(method) => {
                        rows.push(self.row(registration, &url, method, chain, &registration.items));
                    }
                }
            }
        }
        // Hono's `onError` holds for the whole application wherever it stands, which `catch` at its place does not give
        // to later rows.
        for registration in &router.registrations {
            if registration.what == What::Failure {
                for item in &registration.items {
                    if let Item::Layer(layer) = item {
                        let layer = Layer {
                            handles_errors: true,
                            ..*layer
                        };
                        catch(&mut rows[first_row..], "/", layer);
                    }
                }
            }
        }
        chain.truncate(first_layer);
        above.pop();
    }

    fn row(
        &self,
        registration: &Registration,
        url: &str,
        method: &str,
        chain: &[(String, Layer)],
        items: &[Item],
    ) -> Route {
        let mut layers: Vec<Layer> = chain
            .iter()
            .filter(|(prefix, _)| covers(prefix, url))
            .map(|(_, layer)| *layer)
            .collect();
        layers.extend(items.iter().filter_map(|item| match item {
            Item::Layer(layer) => Some(*layer),
            Item::Router(_) => None,
        }));
        Route {
            module: registration.module,
            url: Some(url.to_owned()),
            kind: self.dialect.kind(),
            method: method.to_owned(),
            span: registration.span,
            entry: Entry::Chain(layers),
        }
    }

    /// The method of a `use` that answers by itself: documentation pages and other handlers of packages.
    fn served(&self, registration: &Registration) -> Option<&'static str> {
        registration.items.iter().find_map(|item| {
            let Item::Layer(layer) = item else {
                return None;
            };
            let place = Place {
                module: layer.module,
                function: layer.function,
            };
            let value = match self.tracer.follow(place, layer.expr) {
                Value::Expr { place, expr } => match self.tracer.expr(place, expr) {
                    Expr::Call { callee, .. } => self.tracer.follow(place, *callee),
                    _ => return None,
                },
                other => other,
            };
            self.dialect.serves(&value)
        })
    }
}

fn whole(router: usize) -> Reference {
    Reference {
        router,
        paths: None,
    }
}

/// Adds an error handler to the rows registered before it.
fn catch(rows: &mut [Route], prefix: &str, layer: Layer) {
    for row in rows {
        if let (Some(url), Entry::Chain(layers)) = (&row.url, &mut row.entry)
            && covers(prefix, url)
            && !layers.contains(&layer)
        {
            layers.push(layer);
        }
    }
}

/// Two parts of a URL put together: one slash between them and none at the end.
fn join(prefix: &str, path: &str) -> String {
    let path = path.trim_matches('/');
    let prefix = prefix.trim_end_matches('/');
    match (prefix.is_empty(), path.is_empty()) {
        (true, true) => String::from("/"),
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}/{path}"),
    }
}

/// Whether middleware below `prefix` runs for `url`, both as written.
fn covers(prefix: &str, url: &str) -> bool {
    let mut url = url.split('/').filter(|segment| !segment.is_empty());
    for wanted in prefix.split('/').filter(|segment| !segment.is_empty()) {
        if wanted.starts_with('*') || wanted.starts_with("{*") || wanted.starts_with("(.*)") {
            return true;
        }
        match url.next() {
            Some(found) if found == wanted || wanted.starts_with(':') => {}
            _ => return false,
        }
    }
    true
}

/// Every expression of a block's own statements, nested functions left out.
fn each_expr<D: Dialect>(
    mounts: &Mounts<'_, D>,
    place: Place,
    block: &Block,
    seen: &mut impl FnMut(ExprId),
) {
    let mut waiting = Vec::new();
    super::trace::find_in(block, &mut |stmt| {
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
        children(mounts.tracer.expr(place, expr), &mut |child| {
            waiting.push(child)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{covers, join};

    #[test]
    fn parts_are_joined_by_one_slash() {
        assert_eq!(join("", "/"), "/");
        assert_eq!(join("/api/", "/users/"), "/api/users");
        assert_eq!(join("/api", "/"), "/api");
        assert_eq!(join("", "users"), "/users");
    }

    #[test]
    fn middleware_covers_whole_segments() {
        assert!(covers("/", "/api"));
        assert!(covers("/api", "/api/users/:id"));
        assert!(!covers("/api", "/apix"));
        assert!(covers("/api/*", "/api/x"));
        assert!(covers("/:tenant/x", "/a/x/y"));
        assert!(!covers("/api/x", "/api"));
    }
}
