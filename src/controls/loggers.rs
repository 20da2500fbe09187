//! Home-made loggers, as far as their methods and names tell. Those of packages are data.

use crate::syntax::{Expr, ExprId, Key};

use super::evaluator::Evaluator;
use super::state::State;
use super::value::Value;

impl Evaluator<'_> {
    /// The method named like a level is one of the repository's own objects (a home-made logger), or of something out of sight
    /// that is called a logger.
    pub fn is_logger(&self, receiver: &Value, function: &Value, id: ExprId, state: &State) -> bool {
        match (receiver, function) {
            (Value::External(_), Value::Function(_)) => false,
            (_, Value::Function(_)) => true,
            (_, Value::Choice(options)) => options
                .iter()
                .any(|option| matches!(option, Value::Function(_))),
            (Value::External(_), Value::External(method))
                if self.paths.known(method.path).api.is_some() =>
            {
                false
            }
            (Value::External(_), Value::External(_))
            | (Value::Unknown(..) | Value::Object(_), Value::Unknown(..)) => {
                let record = self.module(state.scope.module);
                let Expr::Call { callee, .. } = record.expr(id) else {
                    return false;
                };
                let Expr::Member { object, .. } = record.expr(*callee) else {
                    return false;
                };
                let name = match record.expr(*object) {
                    Expr::Name(name) => record.name(*name),
                    Expr::Member { property, .. } => record.name(*property),
                    _ => return false,
                };
                name == "log" || name.to_ascii_lowercase().ends_with("logger")
            }
            _ => false,
        }
    }

    /// An object with several methods that are named like levels.
    pub fn is_levelled(&self, v: &Value) -> bool {
        match v {
            Value::Object(object) => {
                let fields = object.fields.iter().filter(|(name, _)| is_level(name));
                let methods = object.class.as_ref().map_or(0, |class| {
                    let record = self.module(class.module);
                    let members = record.class(class.class).members.iter();
                    members
                        .filter(|member| matches!(member.key, Key::Name(name) if is_level(record.name(name))))
                        .count()
                });
                fields.count() + methods > 1
            }
            Value::Choice(options) => options.iter().any(|option| self.is_levelled(option)),
            _ => false,
        }
    }
}

/// `log`, `logger`, `logError`, but not `login`.
pub(super) fn names_logging(name: &str) -> bool {
    name.strip_prefix("log").is_some_and(|rest| {
        rest.is_empty()
            || rest == "ger"
            || rest.starts_with(|letter: char| letter.is_ascii_uppercase())
    })
}

/// The argument says at which level something is logged.
pub(super) fn gives_level(v: &Value) -> bool {
    match v {
        Value::String(text) => is_level(text),
        Value::Object(object) => ["level", "type", "severity"].iter().any(|key| {
            object.get(key).is_some_and(|level| {
                object.get("message").is_some()
                    || matches!(level, Value::String(text) if is_level(text))
                    || *key == "level"
            })
        }),
        _ => false,
    }
}

/// The methods of a levelled logger.
pub(super) fn is_level(name: &str) -> bool {
    matches!(
        name,
        "trace" | "debug" | "info" | "warn" | "warning" | "error" | "fatal" | "critical"
    )
}
