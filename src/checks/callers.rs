//! Who calls a handler, by what is proved of it: strangers, those who have an account, a scheduler or one service, a probe.

use crate::controls::{Evidence, Role, Status};
use crate::model::{AppModel, RouteFacts};
use crate::rule::Control;

use super::words::words;

/// Some handler of the application turns strangers away, and not only whoever does not know its secret.
pub(super) fn has_accounts(app: &AppModel) -> bool {
    let mut routes = app.routes.iter();
    routes.any(|route| is_asked(route) && !shares_a_secret(route) && !has_one_sender(route))
}

/// What asks whether the application is well calls it.
pub(super) fn is_probe(route: &RouteFacts) -> bool {
    route.public_guess.as_deref() == Some("a health endpoint")
}

/// A scheduler or one service calls it.
pub(super) fn has_one_sender(route: &RouteFacts) -> bool {
    let known = |mark: &str| matches!(mark.split(':').next(), Some("cron" | "webhook"));
    route.marks.iter().any(|(mark, _)| known(mark))
}

/// A signature of what it is sent is checked.
pub(super) fn is_signed(route: &RouteFacts) -> bool {
    let mut marks = route.marks.iter();
    marks.any(|(mark, _)| mark.starts_with("signature-check:"))
}

/// Words for work that machines ask for, in addresses and in the names of secrets.
const OF_MACHINES: [&str; 12] = [
    "cron",
    "crons",
    "job",
    "jobs",
    "queue",
    "queues",
    "schedule",
    "scheduled",
    "scheduler",
    "task",
    "tasks",
    "worker",
];

/// A scheduler, a queue or another service calls it, and nobody waits for what it answers.
pub(super) fn is_run_by_machine(route: &RouteFacts) -> bool {
    let of_machines = |text: &str| {
        let mut words = words(text).into_iter();
        words.any(|word| OF_MACHINES.contains(&word.as_str()))
    };
    let secret = || {
        let auth = route.controls.get(&Control::Auth);
        let mut steps = auth.into_iter().flat_map(|auth| &auth.evidence);
        steps.any(|step| step.role == Role::Secret && of_machines(&step.note))
    };
    has_one_sender(route)
        || shares_a_secret(route)
            && (route.route.url.as_deref().is_some_and(of_machines) || secret())
}

/// Who calls it shows a secret of the application's own, and nothing else: it is one sender that is known.
pub(super) fn shares_a_secret(route: &RouteFacts) -> bool {
    is_asked(route) && shows_a_secret(route)
}

/// The same, or the secret may not be set; but who shows another one is not served in another way.
pub(super) fn shows_a_secret(route: &RouteFacts) -> bool {
    let Some(auth) = route.controls.get(&Control::Auth) else {
        return false;
    };
    let has = |role: Role| auth.evidence.iter().any(|step| step.role == role);
    let shows = match auth.status {
        Status::Enforced => true,
        Status::Optional => has(Role::TurnsAway) && !has(Role::LetsPass),
        _ => false,
    };
    let told = |step: &Evidence| step.role == Role::Told && step.note.contains("()");
    shows && has(Role::Secret) && !auth.evidence.iter().any(told)
}

pub(super) fn auth(route: &RouteFacts) -> Option<Status> {
    route.controls.get(&Control::Auth).map(|auth| auth.status)
}

/// Who calls has to say who they are.
pub(super) fn is_asked(route: &RouteFacts) -> bool {
    auth(route) == Some(Status::Enforced)
}

/// The handler looks at who calls.
pub(super) fn asks(route: &RouteFacts) -> bool {
    matches!(auth(route), Some(Status::Enforced | Status::Optional))
}

pub(super) fn is_for_strangers(route: &RouteFacts) -> bool {
    matches!(auth(route), Some(Status::Absent | Status::Optional))
}
