//! What an expression of registering code is: a router, or a value with parameters bound.

use crate::syntax::{Argument, Expr, ExprId, Key, MODULE_BODY, MemberValue, Pattern, StmtKind};

use crate::routes::declared::find_in;
use crate::routes::trace::{Place, Value};

use super::layout::Router;
use super::{Bound, Dialect, MAX_DEPTH, MAX_LINKS, Mounts, Reference, Verb};

impl<D: Dialect> Mounts<'_, D> {
    pub(super) fn bound_value(&mut self, place: Place, expr: ExprId) -> Bound {
        match self.reference(place, expr) {
            Some(reference) => Bound::Router(reference.router),
            None => Bound::Value(self.value(place, expr), self.written(place, expr)),
        }
    }

    pub(super) fn unbind(&mut self, place: Place, position: usize, outer: Option<Bound>) {
        match outer {
            Some(outer) => self.bound.insert((place, position), outer),
            None => self.bound.remove(&(place, position)),
        };
    }

    /// Walks a function with its parameters bound to the arguments.
    pub(super) fn enter(&mut self, place: Place, target: Place, args: &[Argument]) {
        if self.active.contains(&target) {
            return;
        }
        let mut outer = Vec::new();
        for (position, argument) in args.iter().enumerate() {
            let value = self.bound_value(place, argument.value);
            outer.push(self.bound.insert((target, position), value));
        }
        self.run(target);
        for (position, outer) in outer.into_iter().enumerate() {
            self.unbind(target, position, outer);
        }
    }

    /// What an expression stands for, with bound parameters.
    pub(super) fn value(&self, place: Place, expr: ExprId) -> Value {
        self.with_bound(self.tracer.follow(place, expr))
    }

    fn with_bound(&self, value: Value) -> Value {
        match &value {
            Value::Parameter { .. } => match self.bound_to(&value) {
                Some(Bound::Value(bound, _)) => bound,
                _ => value,
            },
            Value::Expr { place, expr } => match self.tracer.expr(*place, *expr) {
                Expr::Member {
                    object, property, ..
                } => {
                    let object = self.tracer.follow(*place, *object);
                    let Some(Bound::Value(object, _)) = self.bound_to(&object) else {
                        return value;
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

    /// What a parameter is bound to at the moment.
    fn bound_to(&self, value: &Value) -> Option<Bound> {
        let Value::Parameter {
            place,
            position,
            key,
        } = value
        else {
            return None;
        };
        let bound = self.bound.get(&(*place, *position))?;
        match (bound, key) {
            (_, None) => Some(bound.clone()),
            (Bound::Router(_), Some(_)) => None,
            (Bound::Value(object, (at, written)), Some(key)) => {
                let key = self.tracer.record(place.module).name(*key);
                let written = self.entry(*at, *written, key).unwrap_or((*at, *written));
                match self.tracer.property(object, key) {
                    Value::Unknown => None,
                    found => Some(Bound::Value(found, written)),
                }
            }
        }
    }

    /// The expression that stands for `expr` where parameters are bound: what the caller wrote, without `.bind(this)`.
    pub(super) fn written(&self, place: Place, expr: ExprId) -> (Place, ExprId) {
        if let Expr::Call { callee, .. } = self.tracer.expr(place, expr)
            && let Expr::Member {
                object, property, ..
            } = self.tracer.expr(place, *callee)
            && self.tracer.record(place.module).name(*property) == "bind"
        {
            let found = self.written(place, *object);
            return if found == (place, *object) {
                (place, expr)
            } else {
                found
            };
        }
        self.given(place, expr).unwrap_or((place, expr))
    }

    fn given(&self, place: Place, expr: ExprId) -> Option<(Place, ExprId)> {
        let value = self.tracer.follow(place, expr);
        let (object, key) = match &value {
            Value::Parameter { .. } => (value, None),
            Value::Expr { place, expr } => match self.tracer.expr(*place, *expr) {
                Expr::Member {
                    object, property, ..
                } => {
                    let key = self.tracer.record(place.module).name(*property);
                    (self.tracer.follow(*place, *object), Some(key))
                }
                _ => return None,
            },
            _ => return None,
        };
        match (self.bound_to(&object)?, key) {
            (Bound::Value(_, written), None) => Some(written),
            (Bound::Value(_, (at, written)), Some(key)) => self.entry(at, written, key),
            (Bound::Router(_), _) => None,
        }
    }

    fn entry(&self, place: Place, object: ExprId, key: &str) -> Option<(Place, ExprId)> {
        let entries = self.tracer.entries(place, object)?;
        let mut entries = entries.into_iter().rev();
        entries.find_map(|(name, value, at)| (name == key).then_some((at, value)))
    }

    /// The expression is a parameter, or a member of one, and nobody who was followed said what it is.
    pub(super) fn is_unbound(&self, place: Place, expr: ExprId) -> bool {
        let (place, expr) = self.written(place, expr);
        match self.tracer.follow(place, expr) {
            Value::Parameter { .. } => true,
            Value::Expr { place, expr } => match self.tracer.expr(place, expr) {
                Expr::Member { object, .. } => {
                    matches!(self.tracer.follow(place, *object), Value::Parameter { .. })
                }
                _ => false,
            },
            _ => false,
        }
    }

    pub(super) fn text(&self, place: Place, expr: ExprId) -> Option<String> {
        if let Some(text) = self.tracer.text(place, expr) {
            return Some(text);
        }
        match self.value(place, expr) {
            Value::Expr { place, expr } => self.tracer.text(place, expr),
            _ => None,
        }
    }

    /// The router that an expression is.
    pub(super) fn reference(&mut self, place: Place, expr: ExprId) -> Option<Reference> {
        self.reference_bounded(place, expr, MAX_DEPTH)
    }

    fn reference_bounded(&mut self, place: Place, expr: ExprId, steps: usize) -> Option<Reference> {
        let steps = steps.checked_sub(1)?;
        if let Some(serves_itself) = self.creation(place, expr) {
            return Some(self.router_at(place, expr, serves_itself));
        }
        match self.tracer.expr(place, expr) {
            Expr::Call { callee, args, .. } => {
                if let Some(reference) = self.chain(place, expr, steps) {
                    return Some(reference);
                }
                match self.value(place, expr) {
                    // `require("./routes")`
                    Value::Expr {
                        place: found,
                        expr: inner,
                    } if (found, inner) != (place, expr) => {
                        self.reference_bounded(found, inner, steps)
                    }
                    _ => self.made_by(place, expr, *callee, args).map(whole),
                }
            }
            Expr::Member { object, .. }
                if matches!(self.tracer.expr(place, *object), Expr::This) =>
            {
                let (place, value) = self.kept(place, expr)?;
                self.reference_bounded(place, value, steps)
            }
            Expr::Name(_) | Expr::Member { .. } | Expr::Await(_) | Expr::Assign { .. } => {
                match self.value_or_router(place, expr)? {
                    Bound::Router(router) => Some(whole(router)),
                    Bound::Value(
                        Value::Expr {
                            place: found,
                            expr: inner,
                        },
                        _,
                    ) if (found, inner) != (place, expr) => {
                        self.reference_bounded(found, inner, steps)
                    }
                    Bound::Value(Value::Part { place, expr, key }, _) => {
                        self.extended(place, expr, &key, steps)
                    }
                    Bound::Value(..) => self.router_in_member(place, expr, steps),
                }
            }
            _ => None,
        }
    }

    /// A chain of calls on a router, however long: `new Hono().get(…).get(…)`, `router.route("/x").get(…)`.
    fn chain(&mut self, place: Place, expr: ExprId, steps: usize) -> Option<Reference> {
        let record = self.tracer.record(place.module);
        let mut at = expr;
        let mut paths_at = None;
        while self.creation(place, at).is_none()
            && let Expr::Call { callee, args, .. } = record.expr(at)
            && let Expr::Member {
                object, property, ..
            } = record.expr(*callee)
            && let Some(verb) = self.dialect.verb(record.name(*property))
        {
            self.links += 1;
            if self.links > MAX_LINKS {
                return None;
            }
            if verb == Verb::Path && paths_at.is_none() {
                paths_at = args.first().map(|first| first.value);
            }
            at = *object;
        }
        if at == expr {
            return None;
        }
        let reference = self.reference_bounded(place, at, steps)?;
        Some(match paths_at {
            Some(path) => Reference {
                paths: Some(self.paths(place, path)),
                ..reference
            },
            None => reference,
        })
    }

    fn value_or_router(&self, place: Place, expr: ExprId) -> Option<Bound> {
        let value = self.tracer.follow(place, expr);
        if matches!(value, Value::Parameter { .. }) {
            return self.bound_to(&value);
        }
        Some(Bound::Value(self.with_bound(value), (place, expr)))
    }

    /// `instance.router`, where the instance's class assigns the router to `this`, or a member of what an extension
    /// gives back.
    fn router_in_member(&mut self, place: Place, expr: ExprId, steps: usize) -> Option<Reference> {
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
            return self.extended(place, expr, name, steps);
        };
        let Value::Class { module, .. } = self.tracer.follow(place, *callee) else {
            return None;
        };
        let (place, value) = self.own_field(Place::top(module), name)?;
        self.reference_bounded(place, value, steps)
    }

    /// The router that a package was given to extend, where `key` of its answer is that router.
    fn extended(
        &mut self,
        place: Place,
        expr: ExprId,
        key: &str,
        steps: usize,
    ) -> Option<Reference> {
        let Expr::Call { callee, args, .. } = self.tracer.expr(place, expr) else {
            return None;
        };
        let package = self.tracer.follow(place, *callee);
        if self.dialect.extends(&package)? != key {
            return None;
        }
        self.reference_bounded(place, args.first()?.value, steps)
    }

    /// What the class keeps as `this.name`, when the expression is that.
    pub(super) fn kept(&self, place: Place, expr: ExprId) -> Option<(Place, ExprId)> {
        let Expr::Member {
            object, property, ..
        } = self.tracer.expr(place, expr)
        else {
            return None;
        };
        if !matches!(self.tracer.expr(place, *object), Expr::This) {
            return None;
        }
        self.own_field(place, self.tracer.record(place.module).name(*property))
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
                        (Key::Name(key), MemberValue::Field(Some(value)))
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
    pub(super) fn made_by(
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
        find_in(body, &mut |stmt| {
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
        self.run(target);
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
    fn leads_to_router(&mut self, place: Place, returned: ExprId) -> bool {
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

    /// The router that an expression is, for frameworks that hand it to a host.
    pub(in crate::routes) fn router(&mut self, place: Place, expr: ExprId) -> Option<usize> {
        self.reference(place, expr)
            .map(|reference| reference.router)
    }
}

fn whole(router: usize) -> Reference {
    Reference {
        router,
        paths: None,
    }
}
