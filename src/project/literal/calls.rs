//! Calls: functions that can be looked into, wrappers that cannot, and the methods that configuration files use.

use crate::source::Span;
use crate::syntax::{Argument, Expr, ExprId};

use super::folder::{MAX_ITEMS, Place};
use super::{Folded, Folder, HOLE, Literal};

impl<'m> Folder<'_, 'm> {
    pub(super) fn call_expr(
        &self,
        place: &Place<'m>,
        callee: ExprId,
        args: &'m [Argument],
        span: Span,
    ) -> Folded<'m> {
        if let Expr::Member {
            object, property, ..
        } = place.module.expr(callee)
            && let Some(value) =
                self.method(place, *object, place.module.name(*property), args, span)
        {
            return value;
        }
        let function = self.expr(place, callee);
        if let Literal::Function(_) = function.value {
            let arguments: Vec<Folded<'m>> = args
                .iter()
                .map(|argument| self.expr(place, argument.value))
                .collect();
            let result = self.call_at(&function, &arguments, place.depth);
            if !matches!(result.value, Literal::Unknown) {
                return result;
            }
        }
        self.wrapped(place, args, span)
    }

    /// What a wrapper that cannot be looked into gives back: the object, or the function that makes one, that it is
    /// given. The wrappers of configurations add to it and take nothing away.
    fn wrapped(&self, place: &Place<'m>, args: &'m [Argument], span: Span) -> Folded<'m> {
        for argument in args {
            let value = self.expr(place, argument.value);
            let fits = value
                .alternatives()
                .iter()
                .any(|arm| matches!(arm.value, Literal::Object { .. } | Literal::Function(_)));
            if fits {
                return value;
            }
        }
        place.value(Literal::Unknown, span)
    }

    /// The methods of arrays, texts and `Object` that configuration files use.
    fn method(
        &self,
        place: &Place<'m>,
        object: ExprId,
        method: &str,
        args: &'m [Argument],
        span: Span,
    ) -> Option<Folded<'m>> {
        let first = || {
            args.first()
                .map(|argument| self.expr(place, argument.value))
        };
        if let Expr::Name(name) = place.module.expr(object)
            && place.module.name(*name) == "Object"
        {
            return self.object_method(place, method, args, span);
        }
        let receiver = match method {
            "filter" | "map" | "flatMap" | "concat" | "join" | "flat" | "replace"
            | "replaceAll" | "trim" | "toString" | "slice" => self.expr(place, object),
            _ => return None,
        };
        let value = match (&receiver.value, method) {
            (Literal::Choice(_), _) if method != "join" => return None,
            (Literal::Array { .. }, "filter" | "slice") => return Some(receiver),
            (Literal::Array { items, complete }, "concat") => {
                let mut items = items.clone();
                let mut complete = *complete;
                for argument in args {
                    let more = self.expr(place, argument.value);
                    let (inner, whole) = more.items();
                    let room = MAX_ITEMS.saturating_sub(items.len());
                    complete &= whole && inner.len() <= room;
                    items.extend(inner.into_iter().take(room).cloned());
                }
                Literal::Array { items, complete }
            }
            (Literal::Array { items, complete }, "map" | "flatMap" | "flat") => {
                let mapper = first();
                let mut mapped = Vec::new();
                let mut complete = *complete;
                for item in items {
                    let value = match &mapper {
                        Some(mapper) => {
                            self.call_at(mapper, std::slice::from_ref(item), place.depth)
                        }
                        None => item.clone(),
                    };
                    if method == "map" {
                        complete &= !matches!(value.value, Literal::Unknown);
                        mapped.push(value);
                    } else {
                        let (inner, whole) = value.items();
                        let room = MAX_ITEMS.saturating_sub(mapped.len());
                        complete &= whole && inner.len() <= room;
                        mapped.extend(inner.into_iter().take(room).cloned());
                    }
                }
                Literal::Array {
                    items: mapped,
                    complete,
                }
            }
            (Literal::Array { .. } | Literal::Choice(_), "join") => {
                let separator = first().and_then(|value| as_text(&value));
                let (items, complete) = receiver.items();
                let mut parts: Vec<String> = items
                    .iter()
                    .map(|item| as_text(item).unwrap_or_else(|| String::from(HOLE)))
                    .collect();
                if !complete {
                    parts.push(String::from(HOLE));
                }
                Literal::String(parts.join(separator.as_deref().unwrap_or(",")))
            }
            (Literal::String(text), "trim") => Literal::String(text.trim().to_owned()),
            (Literal::String(_), "toString") => return Some(receiver),
            (Literal::String(text), "replace" | "replaceAll") => {
                let pattern = first()?;
                let with = args
                    .get(1)
                    .and_then(|argument| as_text(&self.expr(place, argument.value)))
                    .unwrap_or_else(|| String::from(HOLE));
                match &pattern.value {
                    Literal::String(pattern) => {
                        Literal::String(text.replace(pattern.as_str(), &with))
                    }
                    // Patterns of blank space fold lines into one; others leave a text that is near enough.
                    Literal::Regex(source) if source.contains("\\s") || source.contains("\\n") => {
                        let words: Vec<&str> = text.split_whitespace().collect();
                        Literal::String(words.join(" "))
                    }
                    _ => Literal::String(text.clone()),
                }
            }
            _ => return None,
        };
        Some(place.value(value, span))
    }

    fn object_method(
        &self,
        place: &Place<'m>,
        method: &str,
        args: &'m [Argument],
        span: Span,
    ) -> Option<Folded<'m>> {
        let first = self.expr(place, args.first()?.value);
        let value = match method {
            "freeze" | "seal" => return Some(first),
            "assign" => {
                let (mut entries, mut complete) = (Vec::new(), true);
                for argument in args {
                    match self.expr(place, argument.value).value {
                        Literal::Object {
                            entries: more,
                            complete: whole,
                        } => {
                            entries.extend(more);
                            complete &= whole;
                        }
                        value => complete &= value.is_falsy(),
                    }
                }
                Literal::Object { entries, complete }
            }
            "entries" | "keys" | "values" => {
                let Literal::Object { entries, complete } = first.value else {
                    return None;
                };
                let items = entries
                    .into_iter()
                    .map(|(key, value)| {
                        let at = |inner| Folded {
                            value: inner,
                            module: value.module,
                            span: value.span,
                        };
                        let key = at(Literal::String(key));
                        match method {
                            "keys" => key,
                            "values" => value,
                            _ => at(Literal::Array {
                                items: vec![key, value.clone()],
                                complete: true,
                            }),
                        }
                    })
                    .collect();
                Literal::Array { items, complete }
            }
            _ => return None,
        };
        Some(place.value(value, span))
    }
}

/// The text of a value as a template would show it.
pub(super) fn as_text(value: &Folded<'_>) -> Option<String> {
    match &value.value {
        Literal::String(text) => Some(text.clone()),
        Literal::Number(number) => Some(number.to_string()),
        Literal::Bool(flag) => Some(flag.to_string()),
        // Texts that differ by circumstance are all shown, so that nothing that may be sent is overlooked.
        Literal::Choice(_) => {
            let arms: Vec<String> = value
                .alternatives()
                .into_iter()
                .filter(|arm| !arm.value.is_falsy())
                .map(|arm| as_text(arm).unwrap_or_else(|| String::from(HOLE)))
                .collect();
            match arms.len() {
                0 => Some(String::new()),
                _ => Some(arms.join(" ")),
            }
        }
        _ => None,
    }
}
