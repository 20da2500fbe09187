//! Expressions and conditions.

use std::rc::Rc;

use smallvec::{SmallVec, smallvec};

use crate::syntax::{
    Argument, AssignOp, BinaryOp, Expr, ExprId, Key, LogicalOp, ModuleRecord, Name, Pattern,
    Property, UnaryOp,
};

use super::call::Use;
use super::evaluator::Evaluator;
use super::merge::{merge_outcomes, merge_states, squeeze};
use super::record::{Event, Place};
use super::state::{Outcomes, Setting, State, value};
use super::statement::{Branches, set};
use super::value::{Bits, Closure, External, Object, Presence, Provenance, Value};

/// The values of several expressions, on each path.
pub(super) type Lists = SmallVec<[(State, Vec<Value>); 1]>;

impl<'a> Evaluator<'a> {
    /// A refusal that a variable holds: a path that was turned away before all was spent still says so where it is answered. Other
    /// variables may have been set since by what was not looked at.
    fn held_refusal(&self, state: &State, id: ExprId) -> Option<Value> {
        let Expr::Name(name) = self.module(state.scope.module).expr(id) else {
            return None;
        };
        let variables = &state.scope.variables;
        let (_, held) = variables.iter().find(|(n, _)| n == name)?;
        super::ending::sends_away(held).then(|| held.clone())
    }

    /// What an expression that has one way out comes to: a constant, a name, or a member of one.
    pub fn simple(&mut self, id: ExprId, state: &mut State) -> Option<Value> {
        let record = self.module(state.scope.module);
        let mut root = id;
        while let Expr::Member { object, .. } = record.expr(root) {
            root = *object;
        }
        let simple = matches!(
            record.expr(root),
            Expr::Undefined
                | Expr::Null
                | Expr::Bool(_)
                | Expr::Number(_)
                | Expr::String(_)
                | Expr::Regex(_)
                | Expr::Name(_)
                | Expr::This
                | Expr::Super
                | Expr::Function(_)
        );
        simple.then(|| self.of_simple(record, id, state))
    }

    fn of_simple(&mut self, record: &'a ModuleRecord, id: ExprId, state: &mut State) -> Value {
        if !self.spend_on(state) {
            let held = self.held_refusal(state, id);
            return held.unwrap_or_else(Value::unknown);
        }
        match record.expr(id) {
            Expr::Undefined => Value::Undefined,
            Expr::Null => Value::Null,
            Expr::Bool(b) => Value::Bool(*b),
            Expr::Number(n) => Value::Number(*n),
            Expr::String(text) => Value::text(text),
            Expr::Regex(source) => Value::Regex(Rc::from(&**source)),
            Expr::Name(name) => {
                let v = self.name_value(state, *name);
                self.as_of_now(v, state)
            }
            Expr::This => self.this(state),
            Expr::Function(function) => {
                let this = if record.function(*function).is_arrow {
                    state.scope.this.clone()
                } else {
                    None
                };
                self.closure(Rc::clone(&state.scope), *function, this)
            }
            Expr::Member {
                object,
                property,
                optional,
            } => {
                let object = self.of_simple(record, *object, state);
                self.member_of(id, &object, (*property, *optional), state)
            }
            _ => Value::unknown(),
        }
    }

    fn member_of(
        &mut self,
        id: ExprId,
        object: &Value,
        (property, optional): (Name, bool),
        state: &State,
    ) -> Value {
        if optional && object.is_nullish() {
            return Value::Undefined;
        }
        let place = self.place(state, id);
        if let Some(kept) = self.kept_on_request(object, property, state) {
            self.recognised(&kept, place);
            return kept;
        }
        let name = self.module(state.scope.module).name(property);
        self.member(object, name, Some(place))
    }

    /// Evaluates an expression: every path out of it, with its value or what it throws.
    pub fn eval(&mut self, id: ExprId, mut state: State) -> Outcomes {
        if let Some(v) = self.simple(id, &mut state) {
            return value(state, v);
        }
        if !self.spend_on(&mut state) {
            return value(state, Value::unknown());
        }
        let record = self.module(state.scope.module);
        match record.expr(id) {
            Expr::Template { texts, parts } => self.template(texts, parts, state),
            Expr::Member {
                object,
                property,
                optional,
            } => self.each(*object, state, |this, state, object| {
                let v = this.member_of(id, &object, (*property, *optional), &state);
                value(state, v)
            }),
            Expr::Index {
                object,
                index,
                optional,
            } => self.each(*object, state, |this, state, object| {
                if *optional && object.is_nullish() {
                    return value(state, Value::Undefined);
                }
                this.each(*index, state, |this, state, index| {
                    let place = this.place(&state, id);
                    let v = match (&object, &index) {
                        (_, Value::String(key)) => this.member(&object, key, Some(place)),
                        (Value::Array(items), Value::Number(n)) if *n >= 0.0 => {
                            items.get(*n as usize).cloned().unwrap_or(Value::Undefined)
                        }
                        (Value::Object(table), _)
                            if table.open.is_none() && !table.fields.is_empty() =>
                        {
                            let first = table.fields[0].1.clone();
                            table
                                .fields
                                .iter()
                                .skip(1)
                                .fold(first, |joined, (_, v)| joined.join(v))
                        }
                        _ => Value::Unknown(
                            object.provenance().join(&index.provenance()),
                            Presence::Maybe,
                        ),
                    };
                    value(state, v)
                })
            }),
            Expr::Call { .. } => self.call_expression(id, state, Use::Plain),
            Expr::New { callee, args } => self.each(*callee, state, |this, state, class| {
                let (lists, mut outcomes) = this.arguments(args, state);
                for (state, args) in lists {
                    outcomes.extend(this.construct(&class, args, state, id));
                }
                outcomes
            }),
            Expr::Tagged { tag, parts, .. } => self.each(*tag, state, |this, state, tag| {
                let (lists, mut outcomes) = this.list(parts, state);
                for (state, parts) in lists {
                    outcomes.extend(this.call(&tag, None, parts, state, id, Use::Plain));
                }
                outcomes
            }),
            Expr::Import(specifier) => {
                let module = state.scope.module;
                let v = match record.expr(*specifier) {
                    Expr::String(text) => match self.graph.link(module, text) {
                        crate::graph::Link::Module(target) => Value::Namespace(target),
                        crate::graph::Link::External { package, subpath } => {
                            let path = self.paths.root(&package, &subpath, "*");
                            self.external(path, Provenance::default())
                        }
                        _ => Value::from_bits(Bits::UNRESOLVED),
                    },
                    _ => Value::unknown(),
                };
                value(state, v)
            }
            Expr::Await(operand) => match record.expr(*operand) {
                Expr::Call { .. } => self.each_call(*operand, state),
                _ => self.each(*operand, state, |this, mut state, v| {
                    let place = this.place(&state, id);
                    this.awaited(&v, &mut state, place);
                    value(state, v.settled())
                }),
            },
            Expr::Yield { value: None, .. } => value(state, Value::unknown()),
            Expr::Yield {
                value: Some(operand),
                delegate,
            } => {
                let outcomes = match record.expr(*operand) {
                    Expr::Call { .. } => self.each_call(*operand, state),
                    _ => self.each(*operand, state, |_, state, v| value(state, v.settled())),
                };
                if *delegate {
                    self.yielded(outcomes, id)
                } else {
                    outcomes
                }
            }
            Expr::Object(properties) => self.object_literal(properties, state),
            Expr::Array(items) => {
                let open = items.iter().any(|item| item.spread);
                let (lists, mut outcomes) = self.arguments(items, state);
                for (state, values) in lists {
                    // Of a list that another one is spread into, the length is only known when the other's is.
                    let unknown = |v: &Value| matches!(v, Value::Unknown(..) | Value::External(_));
                    let v = if open && values.iter().any(unknown) {
                        let all = Value::Array(Rc::new(values)).provenance();
                        Value::Unknown(all, Presence::Truthy)
                    } else {
                        Value::Array(Rc::new(values))
                    };
                    outcomes.push((state, Ok(v)));
                }
                outcomes
            }
            Expr::Class(class) => {
                let v = self.class_value(&state.scope, *class);
                value(state, v)
            }
            Expr::Unary { op, operand } => self.unary(*op, *operand, id, state),
            Expr::Binary {
                op,
                left: of,
                right,
            } => {
                let op = *op;
                let right = *right;
                self.each(*of, state, |this, state, left| {
                    this.each(right, state, |this, state, right| {
                        let v = match op {
                            BinaryOp::Instanceof => this.instance_of(&left, &right),
                            BinaryOp::Equal { loose } | BinaryOp::NotEqual { loose } => {
                                let nothing = loose && left.is_nullish() && right.is_nullish();
                                let equal = match nothing {
                                    true => Some(true),
                                    false => this.equal(&left, &right),
                                };
                                match equal {
                                    Some(equal) => {
                                        Value::Bool(equal == matches!(op, BinaryOp::Equal { .. }))
                                    }
                                    None => this
                                        .found_none((record, *of), (op, &left, &right))
                                        .unwrap_or_else(|| binary(op, &left, &right)),
                                }
                            }
                            BinaryOp::Less
                            | BinaryOp::LessEqual
                            | BinaryOp::Greater
                            | BinaryOp::GreaterEqual => {
                                this.hold_against(&left, &right, &state, id);
                                binary(op, &left, &right)
                            }
                            op => {
                                if op == BinaryOp::Add {
                                    this.note_deadline((&left, &right), &state, id);
                                }
                                let v = binary(op, &left, &right);
                                this.computed_default(op, (&left, &right), v, (&state, id))
                            }
                        };
                        value(state, v)
                    })
                })
            }
            Expr::Logical { op, left, right } => self.logical(*op, *left, *right, state),
            Expr::Conditional {
                test,
                then,
                otherwise,
            } => {
                let module = state.scope.module;
                let Branches {
                    yes,
                    no,
                    thrown,
                    bits,
                    input,
                } = self.branch(*test, state);
                let mut outcomes: Outcomes = thrown
                    .into_iter()
                    .map(|(state, error)| (state, Err(error)))
                    .collect();
                // Chosen by configuration: what it yields depends on that.
                let configured =
                    bits.has(Bits::CONFIG) || (bits.has(Bits::SECRET) && !bits.has(Bits::REQUEST));
                let both = !yes.is_empty() && !no.is_empty();
                let mut given = [None, None];
                let mut begins = [outcomes.len(); 2];
                for (at, (states, arm)) in [(yes, *then), (no, *otherwise)].into_iter().enumerate()
                {
                    begins[at] = outcomes.len();
                    for state in states {
                        for (state, flow) in self.eval(arm, state) {
                            if let Ok(v) = &flow {
                                given[at] = Some(Bits(v.provenance().bits.0 & Bits::CHECKED.0));
                            }
                            let flow = match flow {
                                Ok(v) if configured && self.calls.is_empty() => {
                                    Ok(with_bits(v, Bits::CONFIG))
                                }
                                flow => flow,
                            };
                            outcomes.push((state, flow));
                        }
                    }
                }
                if both && input == Bits::NONE {
                    let (_, ways) = outcomes.split_at_mut(begins[0]);
                    let (yes, no) = ways.split_at_mut(begins[1] - begins[0]);
                    self.note_limit_chosen((module, *test), yes, no);
                }
                // `isUnit(unit) ? unit : 'celsius'`: what is not allowed is replaced by a constant. So is what is not signed.
                let kept = matches!(record.expr(*then), Expr::Name(_))
                    && matches!(record.expr(*otherwise), Expr::String(_) | Expr::Number(_))
                    && input != Bits::NONE
                    && (bits.has(Bits::COMPARED)
                        || matches!(record.expr(*test), Expr::Call { .. }));
                if both
                    && (kept || bits.signed())
                    && let [Some(one), Some(other)] = given
                    && (one == Bits::NONE) != (other == Bits::NONE)
                {
                    let place = Place {
                        module,
                        span: record.span(*test),
                    };
                    self.event(Event::ManualCheck(one.with(other)), place);
                }
                merge_outcomes(outcomes)
            }
            Expr::Assign {
                target,
                op,
                value: right,
            } => self.assign(target, *op, *right, state),
            Expr::Sequence(items) => {
                let (lists, mut outcomes) = self.list(items, state);
                let last = |items: Vec<Value>| items.into_iter().last().unwrap_or(Value::Undefined);
                outcomes.extend(
                    lists
                        .into_iter()
                        .map(|(state, items)| (state, Ok(last(items)))),
                );
                outcomes
            }
            Expr::Jsx { .. } => value(
                state,
                Value::Unknown(Provenance::default(), Presence::Truthy),
            ),
            Expr::Opaque(items) => {
                let (lists, mut outcomes) = self.list(items, state);
                for (state, items) in lists {
                    let provenance = items
                        .iter()
                        .fold(Provenance::default(), |all, v| all.join(&v.provenance()));
                    outcomes.push((state, Ok(Value::Unknown(provenance, Presence::Maybe))));
                }
                outcomes
            }
            // What has one way out was evaluated above.
            _ => value(state, Value::unknown()),
        }
    }

    /// `await f()`, `yield* f()`
    fn each_call(&mut self, call: ExprId, state: State) -> Outcomes {
        let outcomes = self.call_expression(call, state, Use::Awaited);
        outcomes
            .into_iter()
            .map(|(state, flow)| (state, flow.map(Value::settled)))
            .collect()
    }

    /// Evaluates `id` and goes on with each of its values; what it throws goes through.
    pub fn each(
        &mut self,
        id: ExprId,
        state: State,
        mut next: impl FnMut(&mut Self, State, Value) -> Outcomes,
    ) -> Outcomes {
        let mut state = state;
        if let Some(v) = self.simple(id, &mut state) {
            return merge_outcomes(next(self, state, v));
        }
        let mut outcomes = self.eval(id, state);
        // Nearly always there is one way on.
        if outcomes.len() == 1 && matches!(outcomes[0], (_, Ok(_))) {
            return match outcomes.pop() {
                Some((state, Ok(v))) => merge_outcomes(next(self, state, v)),
                _ => outcomes,
            };
        }
        let mut all: Outcomes = SmallVec::new();
        for (state, flow) in outcomes {
            match flow {
                Ok(v) => all.extend(next(self, state, v)),
                Err(error) => all.push((state, Err(error))),
            }
        }
        merge_outcomes(all)
    }

    /// Evaluates expressions in order: the lists of values, and the paths on which one throws.
    pub fn list(&mut self, ids: &[ExprId], state: State) -> (Lists, Outcomes) {
        self.lists(ids.iter().map(|id| (*id, false)), state)
    }

    /// Evaluates arguments in order, spreads included.
    pub fn arguments(&mut self, args: &[Argument], state: State) -> (Lists, Outcomes) {
        self.lists(args.iter().map(|arg| (arg.value, arg.spread)), state)
    }

    fn lists(
        &mut self,
        items: impl ExactSizeIterator<Item = (ExprId, bool)>,
        state: State,
    ) -> (Lists, Outcomes) {
        let mut lists: Lists = smallvec![(state, Vec::with_capacity(items.len()))];
        let mut thrown: Outcomes = SmallVec::new();
        for (item, spread) in items {
            if let ([(state, list)], false) = (&mut *lists, spread)
                && let Some(v) = self.simple(item, state)
            {
                list.push(v);
                continue;
            }
            let mut longer: Lists = SmallVec::new();
            for (state, mut list) in lists {
                let mut outcomes = self.eval(item, state).into_iter().peekable();
                while let Some((state, flow)) = outcomes.next() {
                    match flow {
                        Err(error) => thrown.push((state, Err(error))),
                        Ok(v) => {
                            let mut list = match outcomes.peek() {
                                None => std::mem::take(&mut list),
                                Some(_) => list.clone(),
                            };
                            match (spread, v) {
                                (true, Value::Array(items)) => list.extend(items.iter().cloned()),
                                (_, v) => list.push(v),
                            }
                            longer.push((state, list));
                        }
                    }
                }
            }
            lists = squeeze(longer, |a, b| {
                if a.len() == b.len() {
                    a.iter().zip(b).map(|(x, y)| x.join(y)).collect()
                } else {
                    a.clone()
                }
            });
        }
        (lists, thrown)
    }

    fn this(&self, state: &State) -> Value {
        let mut scope = Some(&state.scope);
        while let Some(current) = scope {
            if let Some(this) = &current.this {
                return this.clone();
            }
            scope = current.parent.as_ref();
        }
        Value::unknown()
    }

    fn template(&mut self, texts: &'a [Box<str>], parts: &[ExprId], state: State) -> Outcomes {
        let (lists, mut outcomes) = self.list(parts, state);
        for (state, parts) in lists {
            let mut text = String::new();
            let mut constant = true;
            // What stands before the first part that is not known.
            let mut lead = None;
            let mut provenance = Provenance::default();
            for (at, piece) in texts.iter().enumerate() {
                text.push_str(piece);
                match parts.get(at) {
                    Some(Value::String(part)) => text.push_str(part),
                    Some(Value::Number(part)) => text.push_str(&part.to_string()),
                    Some(part) => {
                        constant = false;
                        lead.get_or_insert(text.len());
                        provenance = provenance.join(&part.provenance());
                    }
                    None => {}
                }
            }
            let v = if constant {
                Value::text(&text)
            } else {
                // The fixed parts tell where a link leads, whatever is filled in.
                let path = self.paths.intern(String::from("text#template"));
                let lead = text.get(..lead.unwrap_or_default()).unwrap_or_default();
                let rest = texts.iter().skip(1).map(|text| Value::text(text));
                let args = std::iter::once(Value::text(lead)).chain(rest).collect();
                Value::External(Rc::new(External {
                    path,
                    args,
                    receiver: None,
                    provenance,
                }))
            };
            outcomes.push((state, Ok(v)));
        }
        outcomes
    }

    fn object_literal(&mut self, properties: &'a [Property], state: State) -> Outcomes {
        let empty = Object {
            fields: Vec::with_capacity(properties.len()),
            ..Object::default()
        };
        let mut done: SmallVec<[(State, Object); 1]> = smallvec![(state, empty)];
        let mut thrown: Outcomes = SmallVec::new();
        for property in properties {
            // Nearly always there is one way on.
            if let (
                [(state, object)],
                Property::Value {
                    key: Key::Name(name),
                    value,
                },
            ) = (&mut *done, property)
                && let Some(v) = self.simple(*value, state)
            {
                object.set(self.key_of(state.scope.module, *name), v);
                continue;
            }
            let mut next = SmallVec::new();
            for (state, mut object) in done {
                let (key, v) = match property {
                    Property::Getter { key, function } => {
                        if let Key::Name(name) = key {
                            let getter = self.closure(Rc::clone(&state.scope), *function, None);
                            object.set(self.key_of(state.scope.module, *name), getter);
                        }
                        next.push((state, object));
                        continue;
                    }
                    Property::Value { key, value: v } => (Some(key), *v),
                    Property::Spread(v) => (None, *v),
                };
                let named = match key {
                    Some(Key::Name(name)) => Some(self.key_of(state.scope.module, *name)),
                    Some(Key::Computed(key)) => match self.plain(*key, &state) {
                        Value::String(text) => Some(text),
                        _ => None,
                    },
                    None => None,
                };
                let mut outcomes = self.eval(v, state).into_iter().peekable();
                while let Some((state, flow)) = outcomes.next() {
                    let v = match flow {
                        Err(error) => {
                            thrown.push((state, Err(error)));
                            continue;
                        }
                        Ok(v) => v,
                    };
                    let mut object = match outcomes.peek() {
                        None => std::mem::take(&mut object),
                        Some(_) => object.clone(),
                    };
                    match (key, &named) {
                        (None, _) => spread_into(&mut object, &v),
                        (Some(_), Some(key)) => object.set(Rc::clone(key), v),
                        (Some(_), None) => {
                            let open = object.open.take().unwrap_or_default();
                            object.open = Some(open.join(&v.provenance()));
                        }
                    }
                    next.push((state, object));
                }
            }
            done = squeeze(next, Object::join);
        }
        thrown.extend(
            done.into_iter()
                .map(|(state, object)| (state, Ok(Value::Object(Rc::new(object))))),
        );
        thrown
    }

    fn unary(&mut self, op: UnaryOp, operand: ExprId, id: ExprId, state: State) -> Outcomes {
        match op {
            UnaryOp::Not => {
                // The value of a negation is that of the condition, turned round.
                self.each(operand, state, |_, state, v| {
                    let negated = match v.truth() {
                        Some(truth) => Value::Bool(!truth),
                        None => {
                            let mut provenance = v.provenance();
                            provenance.bits = Bits(provenance.bits.0 ^ Bits::NEGATED.0);
                            Value::Unknown(provenance, Presence::Maybe)
                        }
                    };
                    value(state, negated)
                })
            }
            UnaryOp::Void => match self.module(state.scope.module).expr(operand) {
                Expr::Call { .. } => {
                    let outcomes = self.call_expression(operand, state, Use::Detached);
                    // Whoever writes `void` means it.
                    self.record.take_lost();
                    outcomes
                        .into_iter()
                        .map(|(state, flow)| (state, flow.map(|_| Value::Undefined)))
                        .collect()
                }
                _ => value(state, Value::Undefined),
            },
            UnaryOp::Typeof => self.each(operand, state, |_, state, v| {
                let kind = match &v {
                    Value::Undefined => Some("undefined"),
                    Value::Null | Value::Object(_) | Value::Array(_) | Value::Response(_) => {
                        Some("object")
                    }
                    Value::String(_) => Some("string"),
                    Value::Number(_) => Some("number"),
                    Value::Bool(_) => Some("boolean"),
                    Value::Function(_) | Value::Class(_) => Some("function"),
                    _ => None,
                };
                let v = kind.map_or_else(
                    || Value::Unknown(v.provenance(), Presence::Truthy),
                    Value::text,
                );
                value(state, v)
            }),
            UnaryOp::Minus => self.each(operand, state, |_, state, v| {
                let v = if let Value::Number(n) = v {
                    Value::Number(-n)
                } else {
                    v
                };
                value(state, v)
            }),
            UnaryOp::Other => {
                let _ = id;
                self.each(operand, state, |_, state, v| {
                    let v = Value::Unknown(v.provenance(), Presence::Maybe);
                    value(state, v)
                })
            }
        }
    }

    fn logical(&mut self, op: LogicalOp, left: ExprId, right: ExprId, state: State) -> Outcomes {
        self.each(left, state, |this, state, l| {
            let settled = match op {
                LogicalOp::And => l.truth().map(|truth| !truth),
                LogicalOp::Or => l.truth(),
                LogicalOp::Coalesce => match &l {
                    Value::Undefined | Value::Null => Some(false),
                    Value::Unknown(_, Presence::Maybe) => None,
                    Value::External(external) if !this.is_static(external) => None,
                    Value::Choice(options) if options.iter().any(Value::is_nullish) => None,
                    _ => Some(true),
                },
            };
            match settled {
                Some(true) => value(state, l),
                Some(false) => this.eval(right, state),
                None => {
                    // Either side may be the value; its origins are kept, so that a later test still sees them.
                    let mut outcomes: Outcomes = SmallVec::new();
                    let before = state.clone();
                    for (state, flow) in this.eval(right, state) {
                        match flow {
                            Err(error) => outcomes.push((state, Err(error))),
                            Ok(r) => {
                                let joined = match op {
                                    LogicalOp::And => {
                                        let (l, r) = (l.provenance(), r.provenance());
                                        let mut both = l.join(&r);
                                        let alone =
                                            l.bits.has(Bits::NEGATED) && r.bits.has(Bits::NEGATED);
                                        if configured(both.bits) && !alone {
                                            // It holds by itself only where both do.
                                            both.bits = both.bits.without(Bits::NEGATED);
                                        }
                                        Value::Unknown(both, Presence::Maybe)
                                    }
                                    LogicalOp::Or | LogicalOp::Coalesce => match (&l, &r) {
                                        // `globalThis.client ?? new Client()` stands for the client.
                                        (Value::Unknown(p, _), r)
                                            if p.bits == Bits::NONE
                                                && matches!(
                                                    r,
                                                    Value::External(_) | Value::Object(_)
                                                ) =>
                                        {
                                            r.clone()
                                        }
                                        (Value::External(_), _) => l.clone(),
                                        (
                                            Value::Unknown(..),
                                            Value::Number(_) | Value::String(_),
                                        ) if this.is_configured_number(&l, &r) => {
                                            this.defaulted(&l, &r)
                                        }
                                        (_, r) if r.truth() == Some(true) => Value::Unknown(
                                            l.provenance().join(&r.provenance()),
                                            Presence::Truthy,
                                        ),
                                        _ => Value::Unknown(
                                            l.provenance().join(&r.provenance()),
                                            Presence::Maybe,
                                        ),
                                    },
                                };
                                outcomes.push((state.join(&before), Ok(joined)));
                            }
                        }
                    }
                    outcomes
                }
            }
        })
    }

    fn assign(
        &mut self,
        target: &'a Pattern,
        op: AssignOp,
        right: ExprId,
        state: State,
    ) -> Outcomes {
        self.each(right, state, |this, state, v| match op {
            AssignOp::Set => {
                let result = v.clone();
                let state = this.bind(target, v, state);
                value(state, result)
            }
            AssignOp::Logical(_) => {
                let mut state = state;
                if let Pattern::Name(name) = target {
                    let old = this.name_value(&state, *name);
                    let new = if old.truth() == Some(true) {
                        old
                    } else {
                        old.join(&v)
                    };
                    set(&mut state, *name, new.clone());
                    return value(state, new);
                }
                let state = this.bind(target, v.clone(), state);
                value(state, v)
            }
            AssignOp::Update => {
                let mut state = state;
                if let Pattern::Name(name) = target {
                    let old = this.name_value(&state, *name);
                    let new =
                        Value::Unknown(old.provenance().join(&v.provenance()), Presence::Maybe);
                    set(&mut state, *name, new.clone());
                    return value(state, new);
                }
                value(state, Value::Unknown(v.provenance(), Presence::Maybe))
            }
        })
    }

    /// `rows.length === 0`, where rows were looked up for what the caller sent: nothing was found.
    fn found_none(
        &self,
        (record, of): (&ModuleRecord, ExprId),
        (op, found, none): (BinaryOp, &Value, &Value),
    ) -> Option<Value> {
        let &Expr::Member { property, .. } = record.expr(of) else {
            return None;
        };
        let bits = found.provenance().bits;
        let of_caller = bits.has(Bits::LOOKUP) && bits.has(Bits::CREDENTIAL.with(Bits::IDENTITY));
        let zero = matches!(none, Value::Number(number) if *number == 0.0);
        if !zero || !of_caller || record.name(property) != "length" {
            return None;
        }
        let mut provenance = found.provenance();
        if matches!(op, BinaryOp::Equal { .. }) {
            provenance.bits = Bits(provenance.bits.0 ^ Bits::NEGATED.0);
        }
        Some(Value::Unknown(provenance, Presence::Maybe))
    }

    // --- conditions --------------------------------------------------------------------------------------------

    /// Evaluates a condition: the paths on which it holds, those on which it does not, and those that throw.
    pub fn branch(&mut self, test: ExprId, state: State) -> Branches {
        let record = self.module(state.scope.module);
        match record.expr(test) {
            Expr::Unary {
                op: UnaryOp::Not,
                operand,
            } => {
                let inner = self.branch(*operand, state);
                Branches {
                    yes: inner.no,
                    no: inner.yes,
                    thrown: inner.thrown,
                    bits: inner.bits,
                    input: inner.input,
                }
            }
            Expr::Logical {
                op: op @ (LogicalOp::And | LogicalOp::Or),
                left,
                right,
            } => {
                let both = *op == LogicalOp::And;
                let first = self.branch(*left, state);
                let mut all = Branches {
                    thrown: first.thrown,
                    bits: first.bits,
                    input: first.input,
                    ..Branches::default()
                };
                let (mut onward, settled) = if both {
                    (first.yes, first.no)
                } else {
                    (first.no, first.yes)
                };
                merge_states(&mut onward);
                if both {
                    all.no = settled;
                } else {
                    all.yes = settled;
                }
                for state in onward {
                    let second = self.branch(*right, state);
                    all.yes.extend(second.yes);
                    all.no.extend(second.no);
                    all.thrown.extend(second.thrown);
                    all.bits = all.bits.with(second.bits);
                    all.input = all.input.with(second.input);
                }
                all
            }
            _ => {
                let mut all = Branches::default();
                let is_call = matches!(record.expr(test), Expr::Call { .. });
                let decided = state.possible.len();
                for (state, flow) in self.eval(test, state) {
                    if is_call && let Ok(Value::Promise(promised)) = &flow {
                        self.note_promise(promised, &state, decided, test);
                    }
                    let v = match flow {
                        Ok(v) => v,
                        Err(error) => {
                            all.thrown.push((state, error));
                            continue;
                        }
                    };
                    let provenance = v.provenance();
                    all.bits = all.bits.with(provenance.bits);
                    match self.certain(&v) {
                        Some(truth) => {
                            let paths = if truth { &mut all.yes } else { &mut all.no };
                            let known = state.known_in_front.is_some() && !state.passed_back;
                            paths.push(if known && provenance.bits.establishes(truth) {
                                let site = self.site(state.scope.module, test);
                                state.with_fact(site, truth, provenance)
                            } else {
                                state
                            });
                        }
                        None => {
                            let mut state = state;
                            let input = provenance.bits.of_input_alone();
                            if input != Bits::NONE {
                                let place = self.place(&state, test);
                                all.input = all.input.with(input);
                                if self.catching == 0 && self.own() {
                                    state.asked = Some((place, input));
                                }
                                if input.has(Bits::CHOICE) {
                                    self.event(Event::InputChooses, place);
                                }
                                if provenance.bits.has(Bits::VALIDITY)
                                    && self.catching == 0
                                    && self.own()
                                {
                                    self.event(Event::ManualCheck(input), place);
                                }
                                let argument = Bits(input.0 & Bits::ARGUMENT.0);
                                if argument != Bits::NONE {
                                    self.event(Event::Input(argument), place);
                                }
                            }
                            if provenance.bits.has(Bits::SCHEMA) {
                                let place = self.place(&state, test);
                                self.event(Event::SchemaAsked, place);
                            }
                            let mut yes = state.clone();
                            let mut no = state;
                            if provenance.bits.has(Bits::EVENTS)
                                && provenance.bits.has(Bits::COMPARED)
                            {
                                // Events are counted in a store and held against a limit: a home-made limiter.
                                let place = self.place(&yes, test);
                                self.event(Event::Limiter { limit: None }, place);
                            }
                            if deciding(&yes, provenance.bits) {
                                let site = self.site(yes.scope.module, test);
                                yes = yes.with_fact(site, true, provenance.clone());
                                no = no.with_fact(site, false, provenance);
                            } else if configured(provenance.bits)
                                && !looks_inside(self.module(yes.scope.module), test)
                            {
                                let bits = provenance.bits;
                                let setting = Setting {
                                    site: self.site(yes.scope.module, test),
                                    secret: bits.has(Bits::SECRET),
                                    origin: provenance
                                        .origins
                                        .as_ref()
                                        .and_then(|origins| origins.first().copied()),
                                    also: None,
                                };
                                let (there, missing) = if bits.has(Bits::NEGATED) {
                                    (&mut no, &mut yes)
                                } else {
                                    (&mut yes, &mut no)
                                };
                                // `if (process.env.HASHES) … else if (process.env.TOKENS) … else return true`
                                let before = missing.unconfigured.filter(|before| before.secret);
                                let also = before.and_then(|before| before.origin);
                                missing.unconfigured = Some(Setting {
                                    also: also.filter(|also| Some(*also) != setting.origin),
                                    ..setting
                                });
                                // `typeof flag === "string" ? flag === "true" : false`: what is asked last of a variable counts.
                                missing.switched.retain(|before| {
                                    before.origin.is_none() || before.origin != setting.origin
                                });
                                if !bits.has(Bits::SECRET.with(Bits::PLATFORM)) {
                                    there.switch_on(setting);
                                }
                            }
                            self.refine(test, true, &mut yes);
                            self.refine(test, false, &mut no);
                            all.yes.push(yes);
                            all.no.push(no);
                        }
                    }
                }
                all
            }
        }
    }

    fn certain(&self, v: &Value) -> Option<bool> {
        match v {
            Value::External(external) if self.is_static(external) => Some(true),
            v => v.truth(),
        }
    }

    /// What a decided condition says of the variable that it tests.
    pub fn refine(&mut self, test: ExprId, holds: bool, state: &mut State) {
        let record = self.module(state.scope.module);
        let (name, present) = match record.expr(test) {
            Expr::Name(name) => (*name, holds),
            // `session?.user` holds only where `session` does.
            Expr::Member { .. } if holds => {
                let mut object = test;
                while let Expr::Member { object: inner, .. } = record.expr(object) {
                    object = *inner;
                }
                let Expr::Name(name) = record.expr(object) else {
                    return;
                };
                (*name, true)
            }
            Expr::Binary {
                op: op @ (BinaryOp::Equal { .. } | BinaryOp::NotEqual { .. }),
                left,
                right,
            } => {
                let Expr::Name(name) = record.expr(*left) else {
                    return;
                };
                if !matches!(record.expr(*right), Expr::Null | Expr::Undefined) {
                    return;
                }
                (*name, (matches!(op, BinaryOp::NotEqual { .. })) == holds)
            }
            _ => return,
        };
        let v = self.name_value(state, name);
        let refined = match (present, v) {
            (true, Value::Unknown(provenance, _)) => Value::Unknown(provenance, Presence::Truthy),
            (holds, Value::Choice(options)) => {
                let fits = options
                    .iter()
                    .filter(|option| option.truth() != Some(!holds));
                let Some(chosen) = fits.cloned().reduce(|joined, v| joined.join(&v)) else {
                    return;
                };
                chosen
            }
            (true, _) => return,
            (false, _) => Value::Null,
        };
        set(state, name, refined);
    }
}

/// The condition may be a guard, so the path remembers how it was decided. Once somebody is known, whatever else is asked
/// makes nobody better known.
pub(super) fn deciding(state: &State, bits: Bits) -> bool {
    // Behind `next()` the request has been answered.
    if state.passed_back {
        return false;
    }
    if bits.has(Bits::LIMITER.with(Bits::COUNT)) {
        return true;
    }
    if state.caller.is_some() {
        return false;
    }
    if bits.has(Bits::IDENTITY) {
        return bits.has(Bits::PENDING);
    }
    bits.can_authenticate() || bits.has(Bits::AMBIENT.with(Bits::CREDENTIAL))
}

/// `hash.indexOf(".") < 0` asks what is in a value, and says nothing of whether it is there.
fn looks_inside(record: &ModuleRecord, test: ExprId) -> bool {
    let Expr::Binary { left, .. } = record.expr(test) else {
        return false;
    };
    let Expr::Call { callee, .. } = record.expr(*left) else {
        return false;
    };
    matches!(record.expr(*callee), Expr::Member { property, .. }
        if matches!(record.name(*property), "indexOf" | "lastIndexOf" | "search"))
}

/// A condition on the configuration alone.
pub(super) fn configured(bits: Bits) -> bool {
    bits.has(Bits::CONFIG.with(Bits::SECRET)) && !bits.has(Bits::REQUEST) && !bits.matters()
}

fn is_constant(v: &Value) -> bool {
    matches!(v, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

fn with_bits(v: Value, bits: Bits) -> Value {
    match v {
        Value::Unknown(mut provenance, presence) => {
            provenance.bits = provenance.bits.with(bits);
            Value::Unknown(provenance, presence)
        }
        Value::External(external) => {
            let mut provenance = external.provenance.clone();
            provenance.bits = provenance.bits.with(bits);
            Value::External(Rc::new(super::value::External {
                path: external.path,
                args: external.args.clone(),
                receiver: external.receiver.clone(),
                provenance,
            }))
        }
        v => v,
    }
}

/// `Object.assign(target, ...sources)`: the target, with what it was given. A function stays one that can be called.
pub(super) fn assigned(args: &[Value]) -> Value {
    let merged = |mut object: Object, sources: &[Value]| {
        sources.iter().for_each(|v| spread_into(&mut object, v));
        Rc::new(object)
    };
    match args.split_first() {
        Some((Value::Object(target), sources)) => {
            Value::Object(merged(Object::clone(target), sources))
        }
        Some((Value::Function(target), sources)) => {
            let before = target.properties.as_deref().cloned();
            Value::Function(Rc::new(Closure {
                properties: Some(merged(before.unwrap_or_default(), sources)),
                ..Closure::clone(target)
            }))
        }
        Some((target @ (Value::Native(_) | Value::Class(_) | Value::Response(_)), _)) => {
            target.clone()
        }
        _ => Value::Object(merged(Object::default(), args)),
    }
}

/// `{ ...v }`
pub(super) fn spread_into(object: &mut Object, v: &Value) {
    match v {
        Value::Object(other) => {
            for (key, v) in &other.fields {
                object.set(Rc::clone(key), v.clone());
            }
            if let Some(open) = &other.open {
                object.open = Some(object.open.take().unwrap_or_default().join(open));
            }
        }
        Value::Undefined | Value::Null | Value::Bool(_) => {}
        other => {
            object.open = Some(
                object
                    .open
                    .take()
                    .unwrap_or_default()
                    .join(&other.provenance()),
            )
        }
    }
}

/// Whether two values are equal by `===`, when that is certain.
pub(super) fn equal(a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::Undefined, Value::Undefined) | (Value::Null, Value::Null) => Some(true),
        // `null` is also what stands for "nothing there", which may be either.
        (Value::Undefined, Value::Null) | (Value::Null, Value::Undefined) => None,
        (Value::Bool(x), Value::Bool(y)) => Some(x == y),
        (Value::Number(x), Value::Number(y)) => Some(x == y),
        (Value::String(x), Value::String(y)) => Some(x == y),
        (Value::Undefined | Value::Null, other) | (other, Value::Undefined | Value::Null) => {
            (other.truth() == Some(true)
                || matches!(other, Value::String(_) | Value::Number(_) | Value::Bool(_)))
            .then_some(false)
        }
        (
            Value::String(_) | Value::Number(_) | Value::Bool(_),
            Value::String(_)
            | Value::Number(_)
            | Value::Bool(_)
            | Value::Object(_)
            | Value::Array(_)
            | Value::Function(_),
        ) => Some(false),
        _ => None,
    }
}

pub(super) fn binary(op: BinaryOp, left: &Value, right: &Value) -> Value {
    let decided = match op {
        BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
            match (left, right) {
                (Value::Number(a), Value::Number(b)) => Some(match op {
                    BinaryOp::Less => a < b,
                    BinaryOp::LessEqual => a <= b,
                    BinaryOp::Greater => a > b,
                    _ => a >= b,
                }),
                _ => None,
            }
        }
        BinaryOp::In => match (left, right) {
            (Value::String(key), Value::Object(object)) => match object.get(key) {
                Some(v) => Some(!matches!(v, Value::Undefined)),
                None if object.open.is_none() => Some(false),
                None => None,
            },
            (Value::String(_), Value::Response(_)) => Some(false),
            _ => None,
        },
        _ => None,
    };
    if let Some(decided) = decided {
        return Value::Bool(decided);
    }
    match (op, left, right) {
        (BinaryOp::Add, Value::String(a), Value::String(b)) => {
            return Value::text(&format!("{a}{b}"));
        }
        (BinaryOp::Add, Value::Number(a), Value::Number(b)) => return Value::Number(a + b),
        (BinaryOp::Subtract, Value::Number(a), Value::Number(b)) => return Value::Number(a - b),
        (BinaryOp::Multiply, Value::Number(a), Value::Number(b)) => return Value::Number(a * b),
        (BinaryOp::Divide, Value::Number(a), Value::Number(b)) => return Value::Number(a / b),
        _ => {}
    }
    let mut provenance = left.provenance().join(&right.provenance());
    if matches!(op, BinaryOp::Equal { .. } | BinaryOp::NotEqual { .. })
        && (right.is_nullish() || left.is_nullish())
    {
        // Held against nothing, a value is asked whether it is there.
        if matches!(op, BinaryOp::Equal { .. }) {
            provenance.bits = Bits(provenance.bits.0 ^ Bits::NEGATED.0);
        }
        return Value::Unknown(provenance, Presence::Maybe);
    }
    if !matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Subtract
            | BinaryOp::Multiply
            | BinaryOp::Divide
            | BinaryOp::Other
    ) {
        // A secret is not what `license.status === "active"` was worked out from: nothing that was sent is held against it.
        let named = |v: &Value| matches!(v, Value::String(_) | Value::Bool(_));
        if !provenance.bits.has(Bits::COMPARED) && (named(left) || named(right)) {
            provenance.bits = provenance.bits.without(Bits::SECRET);
        }
        provenance.bits = provenance.bits.with(Bits::COMPARED);
        if is_constant(left) || is_constant(right) {
            provenance.bits = provenance.bits.held_against_constant();
        }
        // What a schema let through was sent, unless it is the configuration that was read with one.
        let (a, b) = (left.provenance().bits, right.provenance().bits);
        let settings = Bits::SECRET.with(Bits::CONFIG);
        let sent = |bits: Bits| bits.has(Bits::SCHEMA) && !bits.has(settings);
        if a.has(Bits::SECRET) && sent(b) || b.has(Bits::SECRET) && sent(a) {
            provenance.bits = provenance.bits.with(Bits::BODY);
        }
        // A setting that a credential has to be is a secret, whatever its name: `token === process.env.PASSPHRASE`. How long it
        // is says nothing, and what browsers or the platform know is none.
        let proves = |sent: Bits, set: Bits| {
            let known = Bits::RECEIVED.with(Bits::PLATFORM).with(Bits::PUBLISHED);
            sent.has(Bits::CREDENTIAL) && set.has(Bits::CONFIG) && !set.has(known)
        };
        let is_one = matches!(op, BinaryOp::Equal { .. } | BinaryOp::NotEqual { .. });
        if is_one && (proves(a, b) || proves(b, a)) {
            provenance.bits = provenance.bits.with(Bits::SECRET);
        }
        let off = |v: &Value| matches!(v, Value::String(text) if matches!(&**text, "false" | "0" | "off" | "no" | "disabled"));
        if (matches!(op, BinaryOp::NotEqual { .. })) != (off(left) || off(right)) {
            provenance.bits = Bits(provenance.bits.0 ^ Bits::NEGATED.0);
        }
        // A stored count that is held against a limit is a limiter's decision.
        if provenance.bits.has(Bits::COUNT) {
            provenance.bits = provenance.bits.with(Bits::LIMITER).without(Bits::IDENTITY);
        }
    }
    Value::Unknown(provenance, Presence::Maybe)
}
