//! The first process of a container that runs one program, such as a container action: starts the program, and keeps it from
//! a machine's metadata.

#![expect(clippy::print_stderr, reason = "what it says goes into the log of the step")]

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::metadata::MetadataCut;
use crate::reaping::{self, Signals};

/// The hidden subcommand under which the executable is that process.
pub const SUBCOMMAND: &str = "__entry";

/// Signals that whoever stops a container sends.
const PASSED_ON: [Signal; 6] =
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGUSR2];

/// Codes of `docker run` for what fails before the program runs.
const FAILED: u8 = 125;
const NOT_STARTED: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Runs the program of a container: `args` are a Unix socket, and the program with its arguments.
///
/// What is to be heeded goes to that socket, a line each: programs that asked for metadata, or why they reach it. Ends as the
/// program does, with 128+n for death by signal n; with 127 or 126 where it cannot be started, and with 125 where the rest
/// fails.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let Some(socket) = args.next().map(PathBuf::from) else { return ExitCode::from(2) };
    let program: Vec<OsString> = args.collect();
    // Before the kernel asks: this connection would wait for itself.
    let warnings = Warnings(UnixStream::connect(socket).ok());
    let ended = Entry::new(warnings).map_err(|err| (FAILED, format!("failed to begin: {err}")));
    ended.and_then(|mut entry| entry.run(&program)).map_or_else(
        |(code, message)| {
            eprintln!("wfrun: {message}");
            ExitCode::from(code)
        },
        ExitCode::from,
    )
}

/// Where warnings go; without anybody there they are lost.
struct Warnings(Option<UnixStream>);

impl Warnings {
    fn say(&mut self, message: &str) {
        if let Some(stream) = &mut self.0 {
            writeln!(stream, "{message}").ok();
        }
    }
}

struct Entry {
    warnings: Warnings,
    signals: Signals,
    cut: Option<MetadataCut>,
}

impl Entry {
    fn new(mut warnings: Warnings) -> nix::Result<Self> {
        let signals = Signals::take(&PASSED_ON)?;
        let cut = MetadataCut::install()
            .map_err(|reason| warnings.say(&format!("this container reaches the metadata of this machine: {reason}")));
        Ok(Self { warnings, signals, cut: cut.ok() })
    }

    /// Starts the program and stays until it has ended; gives back its exit code.
    fn run(&mut self, program: &[OsString]) -> Result<u8, (u8, String)> {
        let child = self.signals.without(|| start(program))?;
        loop {
            // First of all: it may have ended before its signal was waited for.
            let ended = reaping::ended().into_iter().find(|(pid, _)| *pid == child);
            self.tell();
            if let Some((_, code)) = ended {
                return Ok(u8::try_from(code).unwrap_or(u8::MAX));
            }
            let mut fds = vec![PollFd::new(self.signals.fd.as_fd(), PollFlags::POLLIN)];
            fds.extend(self.cut.iter().map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)));
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(err) => return Err((FAILED, format!("failed to wait: {err}"))),
            }
            while let Ok(Some(signal)) = self.signals.fd.read_signal() {
                pass_on(signal.ssi_signo, child);
            }
        }
    }

    /// Tells of connections that were refused.
    fn tell(&mut self) {
        let Some(cut) = &mut self.cut else { return };
        for refused in cut.refused() {
            self.warnings.say(&refused.explained());
        }
    }
}

fn start(program: &[OsString]) -> Result<Pid, (u8, String)> {
    let [name, arguments @ ..] = program else { return Err((NOT_FOUND, "there is no program".to_owned())) };
    // A group of its own, as the first process of a container has one.
    let started = Command::new(name).args(arguments).process_group(0).spawn();
    let child = started.map_err(|err| {
        let code = if err.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_STARTED };
        (code, format!("failed to start `{}`: {err}", name.display()))
    })?;
    Ok(Pid::from_raw(i32::try_from(child.id()).expect("process ids are below 2^22")))
}

fn pass_on(number: u32, child: Pid) {
    let signal = i32::try_from(number).ok().and_then(|it| Signal::try_from(it).ok());
    if let Some(signal) = signal.filter(|it| *it != Signal::SIGCHLD) {
        kill(child, signal).ok();
    }
}
