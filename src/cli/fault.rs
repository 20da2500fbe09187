//! Our own faults: a panic anywhere becomes one message and exit code 4.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};

use super::exit::Failure;

/// Where faults are reported.
const ISSUES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues");

/// Runs `work`; a panic in it, on any thread whose panics reach it, becomes a [`Failure`].
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let place: Arc<Mutex<Option<String>>> = Arc::default();
    let seen = Arc::clone(&place);
    // The rooms below catch panics of single files and report those files as not examined; nothing is printed for them.
    panic::set_hook(Box::new(move |info| {
        let at = info.location().map(ToString::to_string);
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }));
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|cause| {
        let message = cause
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| cause.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| String::from("no message"));
        let at = place
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_else(|| String::from("an unknown place"));
        Err(Failure::internal(format!(
            "readiness {} failed at {at}: {message}\nThis is a fault of readiness, not of your code. Please report it with this message at\n{ISSUES}",
            env!("CARGO_PKG_VERSION")
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::caught;
    use crate::cli::exit::{Exit, Failure};

    #[test]
    fn a_panic_becomes_exit_code_four_with_its_place() {
        let failure = caught::<()>(|| panic!("index {} is out of range", 7)).unwrap_err();
        let _ = std::panic::take_hook();
        assert_eq!(failure.exit, Exit::Internal);
        assert!(
            failure.text.contains("index 7 is out of range"),
            "{}",
            failure.text
        );
        assert!(failure.text.contains("fault.rs:"), "{}", failure.text);
        assert!(failure.text.contains("/issues"), "{}", failure.text);
    }

    #[test]
    fn other_ends_pass_through() {
        assert_eq!(caught(|| Ok(3)), Ok(3));
        let failure = caught::<()>(|| Err(Failure::usage("no such rule"))).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(failure.text, "error: no such rule\n");
        let _ = std::panic::take_hook();
    }
}
