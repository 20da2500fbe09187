//! The `readiness` program.

/// Parsing makes very many small, long-lived allocations on several threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    readiness::cli::main()
}
