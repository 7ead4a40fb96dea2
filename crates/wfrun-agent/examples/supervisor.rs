//! The supervisor alone, for this crate's tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    wfrun_agent::supervisor::main(std::env::args_os().skip(2))
}
