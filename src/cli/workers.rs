//! The threads that do the work.

use rayon::ThreadPoolBuilder;

use super::exit::Failure;

/// Parsers and the proof engine follow the nesting of the code they read, which is bounded, on stacks that hold the bound.
const STACK_BYTES: usize = 256 << 20;

/// Runs `work` on a pool of `threads` workers, or as many as the machine has.
pub(super) fn with_workers<T: Send>(
    threads: Option<u16>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    ThreadPoolBuilder::new()
        .num_threads(threads.map_or(0, usize::from))
        .stack_size(STACK_BYTES)
        .build()
        .map_err(|error| Failure::internal(format!("cannot start threads: {error}")))?
        .install(work)
}
