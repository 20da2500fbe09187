//! Numbers that configuration may change: `process.env.MAX_REQUESTS || "100"`, and what is computed from them. They are not known, but
//! it is known what they are unless somebody sets them.

use std::borrow::Cow;
use std::rc::Rc;

use crate::syntax::{BinaryOp, ExprId};

use super::evaluator::{Evaluator, Origin, SettingKind};
use super::expression::binary;
use super::state::State;
use super::value::{Bits, Object, Presence, Provenance, Value};

impl Evaluator<'_> {
    /// `process.env.MAX_REQUESTS || '100'`
    pub fn is_configured_number(&self, configured: &Value, otherwise: &Value) -> bool {
        let from_one_place = match configured {
            Value::Unknown(provenance, _) => {
                provenance.bits == Bits::CONFIG
                    && provenance
                        .origins
                        .as_ref()
                        .is_some_and(|all| all.len() == 1)
            }
            _ => false,
        };
        from_one_place && number_of(otherwise).is_some()
    }

    /// What is configured, with the number that holds otherwise.
    pub fn defaulted(&mut self, configured: &Value, otherwise: &Value) -> Value {
        let origins = configured.provenance().origins;
        let origin = origins.and_then(|all| all.first().copied());
        let (Some(origin), Some(number)) = (origin, number_of(otherwise)) else {
            return configured.clone();
        };
        let Origin { place, note, .. } = &self.origins[origin.0 as usize];
        let (place, note) = (*place, format!("{note}, {number} by default"));
        let id = self.setting_origin(place, &note, SettingKind::Plain);
        self.defaults.insert(id, number);
        let presence = match otherwise.truth() {
            Some(true) => Presence::Truthy,
            _ => Presence::Maybe,
        };
        Value::Unknown(Provenance::at(Bits::CONFIG, id), presence)
    }

    /// The number that a value has unless the configuration says otherwise.
    pub fn default_of(&self, value: &Value) -> Option<f64> {
        if self.defaults.is_empty() {
            return None;
        }
        let Value::Unknown(provenance, _) = value else {
            return None;
        };
        match provenance.origins.as_ref()?.as_slice() {
            [origin] => self.defaults.get(origin).copied(),
            _ => None,
        }
    }

    /// `computed`, with what comes out by default where it is computed from such a number.
    pub fn computed_default(
        &mut self,
        op: BinaryOp,
        (left, right): (&Value, &Value),
        computed: Value,
        (state, id): (&State, ExprId),
    ) -> Value {
        let (a, b) = (self.default_of(left), self.default_of(right));
        let Some(from) = a.map(|_| left).or(b.map(|_| right)) else {
            return computed;
        };
        let provenance = computed.provenance();
        let origins = from.provenance().origins;
        let Some(origin) = origins.and_then(|all| all.first().copied()) else {
            return computed;
        };
        let (Some(a), Some(b)) = (a.or(number_of(left)), b.or(number_of(right))) else {
            // It is another number now, and nobody knows which.
            return Value::Unknown(Provenance::of(provenance.bits), Presence::Maybe);
        };
        let note = Rc::clone(&self.origins[origin.0 as usize].note);
        let place = self.place(state, id);
        let id = self.setting_origin(place, &note, SettingKind::Plain);
        if let Value::Number(n) = binary(op, &Value::Number(a), &Value::Number(b)) {
            self.defaults.insert(id, n);
        }
        Value::Unknown(Provenance::at(provenance.bits, id), Presence::Maybe)
    }

    /// Arguments with their defaults in place of what is configured.
    pub fn with_defaults<'v>(&self, args: &'v [Value]) -> Cow<'v, [Value]> {
        let is_configured = |v: &Value| match v {
            Value::Object(object) => {
                let mut fields = object.fields.iter();
                fields.any(|(_, v)| self.default_of(v).is_some())
            }
            v => self.default_of(v).is_some(),
        };
        if self.defaults.is_empty() || !args.iter().any(is_configured) {
            return Cow::Borrowed(args);
        }
        let plain = |v: &Value| self.default_of(v).map_or_else(|| v.clone(), Value::Number);
        let args = args.iter().map(|v| match v {
            Value::Object(object) => {
                let mut object = Object::clone(object);
                for (_, v) in &mut object.fields {
                    *v = plain(v);
                }
                Value::Object(Rc::new(object))
            }
            v => plain(v),
        });
        Cow::Owned(args.collect())
    }
}

/// A number, or a text that is one.
fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => Some(*n),
        Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    }
}
