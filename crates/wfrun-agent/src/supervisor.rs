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

use crate::metadata::MetadataCut;
use crate::privileges::Privileges;
use crate::protocol::{Message as _, Reply};

/// The hidden subcommand under which the executable is the supervisor.
pub const SUBCOMMAND: &str = "__agent";

/// Where the executable is inside an environment with a file system of its own.
pub const EXECUTABLE: &str = "/opt/wfrun/wfrun";

/// Where the links of the shims are inside such an environment.
pub const SHIM_DIR: &str = "/opt/wfrun/bin";

/// Runs the supervisor: `args` are the arguments after [`SUBCOMMAND`].
///
/// The connection is standard input, or `--socket PATH`, which is connected to. Before that `--directory PATH` makes a
/// directory and `--shim NAME` a link in [`SHIM_DIR`]; both may be repeated. At the end
/// everything in a folder of `--give-back PATH` becomes its owner's, but what is mounted there. `--listen tcp:ADDRESS` and `--listen
/// udp:ADDRESS` open sockets here, in this network, which go over the connection to whoever is at its other end. The options of
/// [`Privileges`] hold for all that is done once the connection stands. What goes wrong before the first frame is told as [`Reply::SetupFailed`] where there is a connection, and by exit code 1.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(settings) = Settings::read(args) else { return ExitCode::from(2) };
    leave_terminal();
    let Ok(stream) = settings.connect() else { return ExitCode::FAILURE };
    let result = settings
        .prepare(&stream)
        .map_err(|message| fail(&stream, message))
        .and_then(|cut| run_and_give_back(stream, cut, &settings.given_back));
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The connection stays open until all is done: who sees its end may take the environment away.
fn run_and_give_back(
    stream: UnixStream,
    cut: Option<Result<MetadataCut, String>>,
    folders: &[PathBuf],
) -> io::Result<()> {
    let held = stream.try_clone()?;
    let folders: Vec<Folder> = folders.iter().filter_map(|it| Folder::open(it)).collect();
    let result = run(stream, cut);
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
/// `cut` answers for a machine's metadata, or is why nobody does though it was wanted.
pub fn run(stream: UnixStream, cut: Option<Result<MetadataCut, String>>) -> io::Result<()> {
    // Steps inherit it: set for each once it is started, the first moments of it would be without. Best effort: some
    // containers may not write it.
    std::fs::write("/proc/self/oom_score_adj", OOM_SCORE).ok();
    event_loop::Supervisor::new(stream, cut)?.run()
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
    privileges: Privileges,
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
                option => settings.privileges.option(option, &value)?,
            }
        }
        Some(settings)
    }

    fn connect(&self) -> io::Result<UnixStream> {
        self.socket.as_ref().map_or_else(inherited_stream, UnixStream::connect)
    }

    /// In this order: what is opened and made here is the user's who is meant, and this process asks for no connection of
    /// its own any more.
    fn prepare(&self, stream: &UnixStream) -> Result<Option<Result<MetadataCut, String>>, String> {
        let cut = self.privileges.take_effect();
        // Whoever waits for sockets gets the reason behind them.
        listeners::open_and_send(stream, &self.listeners)?;
        let cut = cut?;
        for directory in &self.directories {
            std::fs::create_dir_all(directory)
                .map_err(|err| format!("failed to make the directory {}: {err}", directory.display()))?;
        }
        make_shims(Path::new(SHIM_DIR), Path::new(EXECUTABLE), &self.shims)?;
        Ok(cut)
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
