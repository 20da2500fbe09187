//! What a schema that nothing uses was written for: what comes in, what goes out, or a type.

use crate::source::RepoPath;
use crate::syntax::ModuleRecord;

use super::words::words;

/// What schemas are called that describe what the server answers or sends.
const ANSWERS: [&str; 7] = [
    "response",
    "responses",
    "output",
    "outbound",
    "result",
    "results",
    "reply",
];

/// What stands anywhere in the name of a schema for what comes in, or in the path of its file.
const INPUTS: [&str; 22] = [
    "args",
    "body",
    "create",
    "delete",
    "edit",
    "form",
    "forms",
    "input",
    "inputs",
    "params",
    "patch",
    "payload",
    "query",
    "request",
    "requests",
    "update",
    "upsert",
    "validation",
    "validations",
    "validator",
    "validators",
    "validate",
];

/// What only begins the name of one, before something that is done with it.
const ASKED: [&str; 17] = [
    "add", "enable", "find", "generate", "get", "invite", "list", "post", "put", "register",
    "remove", "save", "search", "send", "set", "submit", "upload",
];

/// What only ends the name of one.
const CHOICES: [&str; 3] = ["filters", "options", "pagination"];

/// What speaks against some schemas of a module having been written for what comes in.
pub(super) fn doubt(record: &ModuleRecord, names: &[&str]) -> Option<&'static str> {
    let mut inputs = 0;
    let mut answers = 0;
    let mut types = 0;
    for name in names {
        let queries = record.facts.type_queries.iter();
        let of_it = queries.filter(|(_, value)| **value == **name);
        let aliases: Vec<&str> = of_it.filter_map(|(alias, _)| alias.as_deref()).collect();
        let subject = subject(name);
        if subject
            .last()
            .is_some_and(|last| ANSWERS.contains(&last.as_str()))
        {
            answers += 1;
        } else if comes_in(&subject) || aliases.iter().any(|alias| comes_in(&self::subject(alias)))
        {
            inputs += 1;
        }
        types += usize::from(!aliases.is_empty());
    }
    if inputs * 2 >= names.len() {
        return None;
    }
    if answers * 2 >= names.len() {
        return Some(match names.len() {
            1 => "or is it for what goes out, and for nothing that comes in?",
            _ => "or are they for what goes out, and for nothing that comes in?",
        });
    }
    let only_typed = types * 2 >= names.len();
    let of_file = || is_for_input(&record.path);
    // Where no name says it the file may, and where some do, the others may belong to them.
    if inputs > 0 && !only_typed || inputs == 0 && of_file() {
        return None;
    }
    Some(match (names.len(), only_typed) {
        (1, true) => "or is it only where a type comes from, and for nothing that comes in?",
        (_, true) => "or are they only where types come from, and for nothing that comes in?",
        (1, false) => "or is it for something else than what comes in?",
        (_, false) => "or are they for something else than what comes in?",
    })
}

/// The words of a name without those that say of everything here what it is.
fn subject(name: &str) -> Vec<String> {
    let mut words = words(name);
    // `ZNote`, `TNote`
    if words.len() > 1 && words.first().is_some_and(|first| first.len() == 1) {
        words.remove(0);
    }
    while words.len() > 1
        && words
            .last()
            .is_some_and(|last| matches!(last.as_str(), "schema" | "validator" | "type" | "dto"))
    {
        words.pop();
    }
    words
}

fn comes_in(subject: &[String]) -> bool {
    let is = |word: Option<&String>, known: &[&str]| {
        word.is_some_and(|word| known.contains(&word.as_str()))
    };
    subject.iter().any(|word| is(Some(word), &INPUTS))
        || subject.len() > 1 && is(subject.first(), &ASKED)
        || is(subject.last(), &CHOICES)
}

/// Its folders or the name of the file say that what stands in it is for what comes in.
fn is_for_input(path: &RepoPath) -> bool {
    let mut words = words(path.as_str()).into_iter();
    words.any(|word| {
        INPUTS.contains(&word.as_str()) || matches!(word.as_str(), "action" | "actions")
    })
}

#[cfg(test)]
mod tests {
    use super::{comes_in, subject};

    #[test]
    fn names_say_what_a_schema_is_for() {
        for name in [
            "ZNoteCreateInput",
            "listNotesSchema",
            "ZNoteFilters",
            "chatRequest",
        ] {
            assert!(comes_in(&subject(name)), "{name}");
        }
        for name in ["ZNote", "PinnedFilterSchema", "PostSchema", "sessionSchema"] {
            assert!(!comes_in(&subject(name)), "{name}");
        }
    }
}
