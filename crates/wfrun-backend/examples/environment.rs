//! The supervisor and the sandbox alone, for this crate's tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let subcommand = args.next().unwrap_or_default();
    if subcommand == wfrun_backend::sandbox::SUBCOMMAND {
        wfrun_backend::sandbox::main(args)
    } else if subcommand == wfrun_agent::supervisor::SUBCOMMAND {
        wfrun_agent::supervisor::main(args)
    } else if subcommand == wfrun_agent::container_entry::SUBCOMMAND {
        wfrun_agent::container_entry::main(args)
    } else if subcommand == wfrun_backend::docker::reaper::SUBCOMMAND {
        wfrun_backend::docker::reaper::main(args)
    } else {
        ExitCode::from(2)
    }
}
