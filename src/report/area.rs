//! The parts of an application that its handlers belong to.

use crate::model::RouteFacts;
use crate::routes::RouteKind;

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
