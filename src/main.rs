//! The `readiness` program.

// Parsing makes very many small, long-lived allocations on several threads at once. With glibc `malloc` itself is mimalloc's, so that
// only what needs more than its alignment has to name one, which takes longer; elsewhere everything does.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use mimalloc as _;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    readiness::cli::main()
}
