//! The casewire command: parse, run, exit code.

mod cli;

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A sixth of the time went into the system's allocator, which hands every few pages back and asks
/// for them again.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
