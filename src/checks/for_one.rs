//! Applications that run on the machine of the one who uses them: nobody operates these, and nobody else calls them.

use crate::source::RepoPath;
use crate::syntax::{Expr, ExprId, Key, ModuleRecord, Property};

use super::code::{called_name, calls, text};
use super::own_address::is_local;
use super::purpose::heads_say;
use super::subject::Subject;

/// What the description of such an application says, or the beginning of its README.
const DESCRIBED: [&str; 9] = [
    "in-vm ",
    "inside a vm",
    "inside the vm",
    "on your machine",
    "on your own machine",
    "on your hardware",
    "on your own hardware",
    "on the user's machine",
    "local-only ",
];

/// What speaks for the application being one, for a question.
pub(super) fn stays_on_machine(subject: &Subject<'_>) -> Option<String> {
    if is_described(subject) {
        return Some(String::from(
            "or does it run for one user alone, as it says of itself",
        ));
    }
    let file = listens_to_itself(subject)?;
    Some(format!(
        "or does only the machine on which it runs call it, as {file} listens to no other"
    ))
}

fn is_described(subject: &Subject<'_>) -> bool {
    let package = subject
        .package()
        .filter(|package| package.folder() == subject.project.root);
    let description = package.and_then(|package| package.json.get("description")?.as_str());
    description.is_some_and(|text| {
        let text = text.to_lowercase();
        DESCRIBED.iter().any(|form| text.contains(form))
    }) || heads_say(subject, &DESCRIBED)
}

/// The file that makes the application listen, where none listens for other machines.
fn listens_to_itself<'a>(subject: &Subject<'a>) -> Option<&'a RepoPath> {
    let mut found = None;
    for (_, module) in subject.modules() {
        if module.find_name("listen").is_none() && module.find_name("serve").is_none() {
            continue;
        }
        for call in calls(module) {
            let is_server = matches!(called_name(module, call.callee), Some("listen" | "serve"));
            if !is_server || call.args.is_empty() {
                continue;
            }
            if !call.args.iter().any(|arg| is_loopback(module, arg.value)) {
                return None;
            }
            found = found.or(Some(&module.path));
        }
    }
    found
}

/// `"127.0.0.1"`, `{ hostname: "localhost" }`
fn is_loopback(module: &ModuleRecord, value: ExprId) -> bool {
    match module.expr(value) {
        Expr::Object(properties) => properties.iter().any(|property| {
            matches!(property, Property::Value { key: Key::Name(key), value }
                if matches!(module.name(*key), "host" | "hostname") && is_loopback(module, *value))
        }),
        _ => text(module, value).is_some_and(|text| is_local(&text)),
    }
}
