//! Stand-ins for commands: `aws`, `docker` and `sudo`, for environments that have none of their own.
//!
//! The executable is linked under those names in a folder of `PATH` and looks at the name it was started by.
//!
//! Invariant: a command that stood in for the real one is declared ([`Process::declare`]), and what it could not do for
//! real is said on stderr too. Nothing but the real command's own output goes to stdout.

mod aws;
mod docker;
mod process;
mod sudo;

use std::path::Path;
use std::process::ExitCode;

pub(super) use docker::check_image_name;
pub use docker::pack_context;
pub use process::{How, Process};

/// The names under which the executable stands in for a command.
pub const COMMANDS: [&str; 3] = ["aws", "docker", "sudo"];

/// Runs the command that `argv0` names, with `args` (those after the name), in this process' environment.
///
/// `None` where `argv0` is no name of [`COMMANDS`]; only its last component counts.
pub fn main(argv0: &str, args: impl IntoIterator<Item = String>) -> Option<ExitCode> {
    let command = Path::new(argv0).file_name()?.to_str()?;
    if !COMMANDS.contains(&command) {
        return None;
    }
    let args: Vec<String> = args.into_iter().collect();
    let (mut input, mut output, mut errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let mut process = Process::of_this_process(&mut input, &mut output, &mut errors);
    let code = run(command, &args, &mut process);
    process.flush();
    code.map(ExitCode::from)
}

/// Runs one of [`COMMANDS`] against `process`; gives its exit code, or `None` for another name.
pub fn run(command: &str, args: &[String], process: &mut Process<'_>) -> Option<u8> {
    match command {
        "aws" => Some(aws::run(args, process)),
        "docker" => Some(docker::run(args, process)),
        "sudo" => Some(sudo::run(args, process)),
        _ => None,
    }
}
