//! Handlers and how far each control reaches them, as several formats show it.

use crate::controls::Status;
use crate::model::{AppModel, RouteFacts};
use crate::routes::RouteKind;
use crate::rule::Control;

use super::routes_terminal::shown;

/// The handlers of an application, without those that only hand their requests on to others of the list.
pub(super) fn endpoints(app: &AppModel) -> Vec<&RouteFacts> {
    app.routes
        .iter()
        .filter(|facts| !app.is_mount(facts))
        .collect()
}

/// How urgent a status is: 0 missing, 1 partly, 2 unknown, 3 in place; `None` where the control is not asked of the handler.
pub(super) fn rank(facts: &RouteFacts, control: Control) -> Option<u8> {
    let public = facts.public_declared || facts.public_guess.is_some();
    match shown(facts, control) {
        Status::Na => None,
        Status::Absent | Status::Optional if control == Control::Auth && public => None,
        Status::Absent | Status::Uncaught | Status::Untested => Some(0),
        Status::Optional | Status::Conditional | Status::Manual | Status::Console => Some(1),
        Status::Unknown => Some(2),
        Status::Enforced
        | Status::Schema
        | Status::Caught
        | Status::Structured
        | Status::Tested => Some(3),
    }
}

/// The part of the application that a handler belongs to: the first folder of its address below `/api`, the router of a procedure,
/// the folder of a server action.
pub(super) fn area(facts: &RouteFacts) -> String {
    if facts.route.kind == RouteKind::Trpc {
        let router = facts.route.method.split('.').next().unwrap_or("");
        return format!("trpc {router}");
    }
    let Some(url) = &facts.route.url else {
        let folder = facts.file.parent();
        return folder.map_or_else(String::new, |folder| format!("{folder}/"));
    };
    let mut area = String::new();
    for segment in url.split('/').filter(|segment| !segment.is_empty()) {
        if segment.starts_with(['[', ':', '*']) && !area.is_empty() {
            break;
        }
        area.push('/');
        area.push_str(segment);
        let version = segment.len() <= 3
            && segment.starts_with('v')
            && segment[1..].bytes().all(|digit| digit.is_ascii_digit());
        if segment != "api" && !version {
            break;
        }
    }
    if area.is_empty() {
        String::from("/")
    } else {
        area
    }
}
