use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, getegid, geteuid};
use wfrun_agent::supervisor;

use super::config::Config;
use super::mount::SetupError;
use super::probe;
use super::setup::set_up;

/// The hidden subcommand under which the executable makes the sandbox and becomes its supervisor.
pub const SUBCOMMAND: &str = "__sandbox";

/// The argument of the second start. An unprivileged user is root there, so how it was before must be told.
const INSIDE: &str = "--inside";
const INSIDE_UNPRIVILEGED: &str = "--inside-unprivileged";
/// The argument that only asks whether this machine allows it.
pub(super) const TRY: &str = "--try";

/// Makes the sandbox: `args` are the arguments after [`SUBCOMMAND`]. Must run before any thread is started.
///
/// Standard input is the connection; what goes wrong is told there, as the supervisor does.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let argument = args.into_iter().next();
    if argument.as_deref().is_some_and(|it| it == TRY) {
        return probe::main();
    }
    let Ok(stream) = supervisor::inherited_stream() else { return ExitCode::FAILURE };
    supervisor::leave_terminal();
    // If the process that opened the sandbox is killed, this one goes, and with it everything inside.
    if let Err(err) = prctl::set_pdeathsig(Signal::SIGKILL) {
        return report(&stream, &SetupError::new("ask for the end with the parent", err.into()));
    }
    match argument.as_deref().and_then(|argument| argument.to_str()) {
        None => leave(&stream).unwrap_or_else(|err| report(&stream, &err)),
        Some(INSIDE) => become_supervisor(stream, true),
        Some(INSIDE_UNPRIVILEGED) => become_supervisor(stream, false),
        Some(_) => ExitCode::from(2),
    }
}

/// Leaves this machine's namespaces, starts the first process of the new ones, and ends as it does.
fn leave(stream: &UnixStream) -> Result<ExitCode, SetupError> {
    let (user, group) = (geteuid(), getegid());
    make_namespaces(user, group)?;
    let inside = if user.is_root() { INSIDE } else { INSIDE_UNPRIVILEGED };
    let connection = stream.try_clone().map_err(|err| SetupError::new("pass the connection on", err))?;
    let mut first = Command::new("/proc/self/exe");
    first.args([SUBCOMMAND, inside]).stdin(Stdio::from(std::os::fd::OwnedFd::from(connection)));
    let status = first.status().map_err(|err| SetupError::new("start the first process inside", err))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn make_namespaces(user: Uid, group: Gid) -> Result<(), SetupError> {
    let mut flags =
        CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    flags.set(CloneFlags::CLONE_NEWUSER, !user.is_root());
    unshare(flags).map_err(|err| SetupError::new("make namespaces", err.into()))?;
    if user.is_root() {
        return Ok(());
    }
    become_root(user, group).map_err(|err| SetupError::new("map the user to root in the namespace", err))
}

fn become_root(user: Uid, group: Gid) -> io::Result<()> {
    // Without this the kernel refuses a group map from an unprivileged process.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

fn become_supervisor(stream: UnixStream, is_root: bool) -> ExitCode {
    let config = match Config::read(&stream) {
        Ok(config) => config,
        Err(err) => return report(&stream, &SetupError::new("read the configuration", err)),
    };
    if let Err(err) = set_up(&config, is_root) {
        return report(&stream, &err);
    }
    // Else it would be called `exe` where steps list processes.
    prctl::set_name(c"wfrun").ok();
    if supervisor::run(stream, config.cuts_metadata).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(stream: &UnixStream, err: &SetupError) -> ExitCode {
    drop(supervisor::fail(stream, err.to_string()));
    ExitCode::FAILURE
}
