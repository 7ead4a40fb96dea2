//! The process of a container that only holds a network for others.

use std::process::ExitCode;

/// The hidden subcommand under which the executable is that process.
pub const SUBCOMMAND: &str = "__pause";

/// Waits until it is killed.
pub fn main() -> ExitCode {
    loop {
        std::thread::park();
    }
}
