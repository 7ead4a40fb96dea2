//! The first process of a job's environment: starts steps on request, passes their output on, and ends with everything
//! it started when it is told to or when the connection closes.
//!
//! One thread and one `poll`: a reader that is slow stops the steps that write (their pipes fill), but never a request
//! such as a signal.

mod event_loop;
mod give_back;
mod listeners;
mod lookup;
mod step_process;
mod tree;

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use give_back::Folder;
pub use listeners::{Listener, receive as receive_listeners};

use crate::protocol::{Message as _, Reply};
use crate::reaping;

/// The hidden subcommand under which the executable is the supervisor.
pub const SUBCOMMAND: &str = "__agent";

/// Options that keep steps from a machine's metadata.
pub const CUTTING_METADATA: [&str; 2] = ["--metadata", "cut"];

/// Where the executable is inside an environment with a file system of its own.
pub const EXECUTABLE: &str = "/opt/wfrun/wfrun";

/// Where the links of the shims are inside such an environment.
pub const SHIM_DIR: &str = "/opt/wfrun/bin";

/// Where the links are that come before what such an environment has.
pub const COVER_DIR: &str = "/opt/wfrun/covers";

/// Runs the supervisor: `args` are the arguments after [`SUBCOMMAND`].
///
/// The connection is standard input, or `--socket PATH`, which is connected to. Before that `--directory PATH` makes a
/// directory and `--shim NAME` a link in [`SHIM_DIR`]; both may be repeated. At the end
/// everything in a folder of `--give-back PATH` becomes its owner's, but what is mounted there. `--listen tcp:ADDRESS` and `--listen
/// udp:ADDRESS` open sockets here, in this network, which go over the connection to whoever is at its other end. With
/// `--metadata cut` steps are kept from a machine's metadata.
///
/// What goes wrong before the first frame is told as [`Reply::SetupFailed`] where there is a connection, and by exit code 1.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(settings) = Settings::read(args) else { return ExitCode::from(2) };
    leave_terminal();
    reaping::let_programs_heed_what_is_ignored();
    let Ok(stream) = settings.connect() else { return ExitCode::FAILURE };
    let listening = listeners::open_and_send(&stream, &settings.listeners);
    let result = listening
        .and_then(|()| settings.prepare())
        .map_err(|message| fail(&stream, message))
        .and_then(|()| run_and_give_back(stream, &settings));
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The connection stays open until all is done: who sees its end may take the environment away.
fn run_and_give_back(stream: UnixStream, settings: &Settings) -> io::Result<()> {
    let held = stream.try_clone()?;
    let folders: Vec<Folder> = settings.given_back.iter().filter_map(|it| Folder::open(it)).collect();
    let result = run(stream, settings.cuts_metadata);
    for folder in &folders {
        folder.give_back();
    }
    drop(held);
    result
}

/// Gives up the terminal of whoever started this process, for it and all it starts.
///
/// A step has none: it can neither read from a person nor write past the log, and no key press reaches it.
/// Source: GitHub: execution rules E2.4.
pub fn leave_terminal() {
    let left = nix::unistd::setsid();
    // It fails only for the leader of a group: the first process of a container, which has no terminal either.
    debug_assert!(left.is_ok() || nix::unistd::getpid() == nix::unistd::getpgrp(), "{left:?}");
}

/// What steps are killed by before all else when memory runs out.
///
/// Source: GitHub: execution rules E1.8, "OOM".
const OOM_SCORE: &str = "500";

/// Supervises until the connection closes or a shutdown is asked for, then kills everything that was started.
///
/// With `cuts_metadata` steps are kept from a machine's metadata.
pub fn run(stream: UnixStream, cuts_metadata: bool) -> io::Result<()> {
    // Steps inherit it: set for each once it is started, the first moments of it would be without. Best effort: some
    // containers may not write it.
    std::fs::write("/proc/self/oom_score_adj", OOM_SCORE).ok();
    event_loop::Supervisor::new(stream, cuts_metadata)?.run()
}

/// The connection that was given as standard input.
pub fn inherited_stream() -> io::Result<UnixStream> {
    let fd: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    Ok(UnixStream::from(fd))
}

/// Tells the other end that the environment could not be made; returns the same as an error.
pub fn fail(mut stream: &UnixStream, message: String) -> io::Error {
    let mut frame = Vec::new();
    Reply::SetupFailed { message: message.clone() }.encode(&mut frame);
    match io::Write::write_all(&mut stream, &frame) {
        Ok(()) => io::Error::other(message),
        Err(err) => err,
    }
}

#[derive(Debug, Default)]
struct Settings {
    socket: Option<PathBuf>,
    directories: Vec<PathBuf>,
    given_back: Vec<PathBuf>,
    shims: Vec<OsString>,
    listeners: Vec<Listener>,
    cuts_metadata: bool,
}

impl Settings {
    fn read(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut settings = Self::default();
        let mut args = args.into_iter();
        while let Some(option) = args.next() {
            let value = args.next()?;
            match option.to_str()? {
                "--socket" => settings.socket = Some(value.into()),
                "--directory" => settings.directories.push(value.into()),
                "--give-back" => settings.given_back.push(value.into()),
                "--shim" => settings.shims.push(value),
                "--listen" => settings.listeners.push(value.to_str()?.parse().ok()?),
                "--metadata" if value == "cut" => settings.cuts_metadata = true,
                _ => return None,
            }
        }
        Some(settings)
    }

    fn connect(&self) -> io::Result<UnixStream> {
        self.socket.as_ref().map_or_else(inherited_stream, UnixStream::connect)
    }

    fn prepare(&self) -> Result<(), String> {
        for directory in &self.directories {
            std::fs::create_dir_all(directory)
                .map_err(|err| format!("failed to make the directory {}: {err}", directory.display()))?;
        }
        make_shims(Path::new(SHIM_DIR), Path::new(EXECUTABLE), &self.shims)
    }
}

/// Makes links named `shims` to `executable` in `directory`, which is made if there is any.
pub fn make_shims(directory: &Path, executable: &Path, shims: &[impl AsRef<Path>]) -> Result<(), String> {
    for shim in shims {
        let link = directory.join(shim.as_ref());
        std::fs::create_dir_all(directory)
            .and_then(|()| std::os::unix::fs::symlink(executable, &link))
            .map_err(|err| format!("failed to link {}: {err}", link.display()))?;
    }
    Ok(())
}
