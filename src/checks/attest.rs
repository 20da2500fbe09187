//! `[check.attest]`: open until somebody vouches for it; the audit knows who does.

use super::CheckResult;

pub(super) fn run() -> CheckResult {
    let mut result = CheckResult::default();
    result.silent_gap(1.0);
    result
}
