//! Our own faults: a panic anywhere becomes one message and exit code 4.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};

use super::exit::Failure;

/// Where faults are reported.
const ISSUES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues");

/// Where the latest panic happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(Arc<Mutex<Option<String>>>);

impl Place {
    fn set(&self, at: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// From here on panics are remembered instead of printed. The rooms below catch those of single files and rules, and
/// report them as not examined and not evaluated; for the others [`caught`] speaks.
pub(super) fn remember_panics() -> Place {
    let place = Place::default();
    let seen = place.clone();
    panic::set_hook(Box::new(move |info| {
        if let Some(at) = info.location() {
            seen.set(at.to_string());
        }
    }));
    place
}

/// Runs `work`; a panic in it, on any thread whose panics reach it, becomes a [`Failure`].
pub(super) fn caught<T>(
    place: &Place,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|cause| Err(fault(&*cause, place)))
}

fn fault(cause: &(dyn Any + Send), place: &Place) -> Failure {
    let message = cause
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| cause.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let at = place.take();
    let at = at.as_deref().unwrap_or("an unknown place");
    Failure::internal(format!(
        "readiness {} failed at {at}: {message}\nThis is a fault of readiness, not of your code. Please report it with this message at\n{ISSUES}",
        env!("CARGO_PKG_VERSION")
    ))
}

#[cfg(test)]
mod tests {
    use super::{Place, caught};
    use crate::cli::exit::{Exit, Failure};

    #[test]
    fn a_panic_becomes_exit_code_four_and_says_where_to_report() {
        let place = Place::default();
        place.set(String::from("src/graph/link.rs:7:3"));
        let failure = caught::<()>(&place, || panic!("index {} is out of range", 7)).unwrap_err();
        assert_eq!(failure.exit, Exit::Internal);
        let text = &failure.text;
        assert!(
            text.contains("at src/graph/link.rs:7:3: index 7 is out of range"),
            "{text}"
        );
        assert!(text.contains("/issues"), "{text}");
    }

    #[test]
    fn other_ends_pass_through() {
        let place = Place::default();
        assert_eq!(caught(&place, || Ok(3)), Ok(3));
        let failure = caught::<()>(&place, || Err(Failure::usage("no such rule"))).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(failure.text, "error: no such rule\n");
    }
}
