//! TOML to a type, with every mistake instead of the first.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest;

/// Enough mistakes for one sitting.
const MOST_MISTAKES: usize = 50;

/// One mistake in a TOML text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// What is wrong and what to do, as a lower-case sentence fragment.
    pub message: String,
    /// The bytes that are wrong; `None` when it is the file as a whole.
    pub span: Option<Range<usize>>,
}

/// Reads a TOML text into `T` and lists everything that is wrong with it.
///
/// An entry that does not fit is reported, taken out, and the rest read again, so that one run shows every mistake. What
/// comes back beside mistakes is what the text says without the entries that are wrong.
#[must_use]
pub fn read_toml<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<Mistake>) {
    if let Ok(value) = toml::from_str(text) {
        return (Some(value), Vec::new());
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mistakes = errors.iter().take(MOST_MISTAKES).map(|error| Mistake {
            message: format!("this is not valid TOML: {}", error.message()),
            span: error.span(),
        });
        return (None, mistakes.collect());
    }
    let mut table = table;
    let mut mistakes = Vec::new();
    let mut gone: Vec<String> = Vec::new();
    for _ in 0..MOST_MISTAKES {
        match T::deserialize(toml::Deserializer::from(table.clone())) {
            Ok(value) => return (Some(value), mistakes),
            Err(error) => {
                let span = error.span();
                let removed = span.as_ref().and_then(|span| remove(table.get_mut(), span));
                // What was taken out for a mistake of its own is then missed: that is no second mistake.
                let message = error.message();
                let missed = message.strip_prefix("missing field `");
                let missed = missed.and_then(|rest| rest.strip_suffix('`'));
                let follows = gone.iter().any(|key| match missed {
                    Some(missed) => nearest(key, [missed]).is_some(),
                    None => message.starts_with("wanted exactly 1"),
                });
                if !follows {
                    mistakes.push(Mistake {
                        message: friendly(message),
                        span,
                    });
                }
                let ended = removed.is_none();
                gone.extend(removed);
                if ended {
                    break;
                }
            }
        }
    }
    (None, mistakes)
}

/// Takes out the innermost entry that holds `span` and gives its key; `None` when there is none, so that the loop above ends.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let holds = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let mut found = None;
    for (key, value) in table.iter_mut() {
        if holds(key.span()) {
            found = Some(key.get_ref().clone());
            break;
        }
        if within(value, span) {
            if let Some(inner) = descend(value, span) {
                return Some(inner);
            }
            found = Some(key.get_ref().clone());
            break;
        }
    }
    let key = found?;
    table.remove(key.as_ref())?;
    Some(key.into_owned())
}

/// True when `span` lies in the value or in something below it: the span of `[a]` does not cover `[a.b]`.
fn within(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let outer = value.span();
    if outer.start <= span.start && span.end <= outer.end {
        return true;
    }
    match value.get_ref() {
        DeValue::Table(table) => table.iter().any(|(key, value)| {
            (key.span().start <= span.start && span.end <= key.span().end) || within(value, span)
        }),
        DeValue::Array(array) => array.iter().any(|value| within(value, span)),
        _ => false,
    }
}

fn descend(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<String> {
    let whole = value.span() == *span;
    match value.get_mut() {
        DeValue::Table(table) if !whole => remove(table, span),
        DeValue::Array(array) => {
            let at = array.iter().position(|value| within(value, span))?;
            let whole = array[at].span() == *span;
            if !whole && let Some(inner) = array.get_mut(at).and_then(|value| descend(value, span))
            {
                return Some(inner);
            }
            *array = array
                .clone()
                .into_iter()
                .enumerate()
                .filter(|(index, _)| *index != at)
                .map(|(_, value)| value)
                .collect();
            Some(String::new())
        }
        _ => None,
    }
}

/// Turns serde's "unknown field `x`, expected one of `a`, `b`" into a sentence that names the nearest known word.
pub(super) fn friendly(message: &str) -> String {
    for (start, what) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        let Some(rest) = message.strip_prefix(start) else {
            continue;
        };
        let Some((word, known)) = rest.split_once('`') else {
            continue;
        };
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        return unknown(what, word, known.iter().copied());
    }
    message.to_owned()
}

/// "unknown key `x`, did you mean `y`?", or the list of known ones when none is near.
pub(crate) fn unknown<'a>(
    what: &str,
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("unknown {what} `{word}`, did you mean `{near}`?");
    }
    let known: Vec<String> = known.into_iter().map(|each| format!("`{each}`")).collect();
    if known.is_empty() {
        format!("unknown {what} `{word}`; there is none here")
    } else if known.len() > 20 {
        format!("unknown {what} `{word}`")
    } else {
        format!("unknown {what} `{word}`; known here: {}", known.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::read_toml;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Sample {
        first: Option<u32>,
        min_score: Option<u32>,
        inner: Option<Inner>,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        name: Option<String>,
    }

    #[test]
    fn every_mistake_is_reported_with_its_bytes() {
        let text = "first = 'x'\nmin_score = 3\n[inner]\nname = 5\nnmae = 'a'\n[[list]]\nname = 'fine'\n[[list]]\ncolour = 1\n";
        let (value, mistakes) = read_toml::<Sample>(text);
        let found: Vec<(&str, &str)> = mistakes
            .iter()
            .map(|mistake| {
                (
                    &text[mistake.span.clone().unwrap()],
                    mistake.message.as_str(),
                )
            })
            .collect();
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(found.contains(&(
            "min_score",
            "unknown key `min_score`, did you mean `min-score`?"
        )));
        assert!(found.contains(&("nmae", "unknown key `nmae`, did you mean `name`?")));
        assert!(found.contains(&("colour", "unknown key `colour`; known here: `name`")));
        assert!(found.iter().any(|(place, _)| *place == "'x'"));
        assert!(found.iter().any(|(place, _)| *place == "5"));
        let value = value.unwrap();
        assert_eq!(value.first, None);
        assert_eq!(value.list.len(), 2);
        assert_eq!(value.list[0].name.as_deref(), Some("fine"));
        assert!(value.inner.unwrap().name.is_none());
        assert!(value.min_score.is_none());
    }

    #[test]
    fn broken_toml_is_reported_where_it_breaks() {
        let (value, mistakes) = read_toml::<Sample>("first = \n");
        assert!(value.is_none());
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes[0].message.starts_with("this is not valid TOML"));
    }
}
