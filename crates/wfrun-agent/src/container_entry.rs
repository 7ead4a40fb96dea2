//! The first process of a container that runs one program, such as a container action: gives up rights as
//! [`Privileges`] say, starts the program, and answers for a machine's metadata as long as it runs.

#![expect(clippy::print_stderr, reason = "what it says goes into the log of the step")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use rustix::process::{WaitOptions, WaitStatus};

use crate::metadata::{MetadataCut, Refused};
use crate::privileges::Privileges;
use crate::standins::toolkit;

/// The hidden subcommand under which the executable is that process.
pub const SUBCOMMAND: &str = "__entry";

/// Between the options and the program's own words.
pub const END_OF_OPTIONS: &str = "--";

/// Signals that whoever stops a container sends.
const PASSED_ON: [Signal; 7] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
];

/// Runs the program of a container: `args` are the options of [`Privileges`], `--`, and the program with its arguments.
///
/// Ends as that does, with 128+n for death by signal n; with 127 or 126 where it cannot be started, and with 125 where the
/// rest fails: as `docker run` does.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    const FAILED: u8 = 125;
    let Some((privileges, program)) = read(args) else { return ExitCode::from(2) };
    let code = privileges.take_effect().map_err(|message| (FAILED, message)).and_then(|cut| {
        let cut = cut.map(|it| it.map_err(|reason| warn(&reason))).and_then(Result::ok);
        run(&program, cut.as_ref())
    });
    code.map_or_else(
        |(code, message)| {
            eprintln!("wfrun: {message}");
            ExitCode::from(code)
        },
        ExitCode::from,
    )
}

fn read(args: impl IntoIterator<Item = OsString>) -> Option<(Privileges, Vec<OsString>)> {
    let mut privileges = Privileges::default();
    let mut args = args.into_iter();
    loop {
        let option = args.next()?;
        if option == END_OF_OPTIONS {
            break;
        }
        privileges.option(option.to_str()?, &args.next()?)?;
    }
    let program: Vec<OsString> = args.collect();
    (!program.is_empty()).then_some((privileges, program))
}

fn warn(reason: &str) {
    toolkit::warning(&format!("steps of this container reach the metadata of this machine: {reason}"));
}

/// Starts the program and stays until it has ended; gives back its exit code.
fn run(program: &[OsString], cut: Option<&MetadataCut>) -> Result<u8, (u8, String)> {
    let other = |what: &str| {
        let what = what.to_owned();
        move |err: io::Error| (125, format!("failed to {what}: {err}"))
    };
    let signals = Signals::take().map_err(|err| other("take signals")(err.into()))?;
    let child = signals.without(|| start(program))?;
    let mut said = BTreeSet::new();
    loop {
        let mut fds = vec![PollFd::new(signals.fd.as_fd(), PollFlags::POLLIN)];
        fds.extend(cut.map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(err) => return Err(other("wait")(err.into())),
        }
        let is_asked = fds.get(1).is_some_and(|it| it.any().unwrap_or(true));
        if let Some(cut) = cut.filter(|_| is_asked)
            && let Some((_, refused)) = cut.answer().map_err(other("answer a program that connects"))?
        {
            say(refused, &mut said);
        }
        while let Ok(Some(signal)) = signals.fd.read_signal() {
            pass_on(signal.ssi_signo, child);
        }
        if let Some(code) = reap(child) {
            return Ok(code);
        }
    }
}

/// Once for each program and address.
fn say(refused: Refused, said: &mut BTreeSet<Refused>) {
    if !said.contains(&refused) {
        toolkit::warning(&refused.explained());
        said.insert(refused);
    }
}

fn start(program: &[OsString]) -> Result<Pid, (u8, String)> {
    let [name, arguments @ ..] = program else { return Err((127, "there is no program".to_owned())) };
    let started = Command::new(name).args(arguments).spawn();
    let child = started.map_err(|err| {
        let code = if err.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
        (code, format!("failed to start `{}`: {err}", name.display()))
    })?;
    Ok(Pid::from_raw(i32::try_from(child.id()).expect("process ids are below 2^22")))
}

/// Signals that are read instead of being carried out.
struct Signals {
    mask: SigSet,
    fd: SignalFd,
}

impl Signals {
    fn take() -> nix::Result<Self> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        for signal in PASSED_ON {
            mask.add(signal);
        }
        mask.thread_block()?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { mask, fd })
    }

    /// A program inherits what is blocked.
    fn without<T>(&self, work: impl FnOnce() -> T) -> T {
        self.mask.thread_unblock().ok();
        let done = work();
        self.mask.thread_block().ok();
        done
    }
}

fn pass_on(number: u32, child: Pid) {
    let signal = i32::try_from(number).ok().and_then(|it| Signal::try_from(it).ok());
    if let Some(signal) = signal.filter(|it| *it != Signal::SIGCHLD) {
        kill(child, signal).ok();
    }
}

/// Takes in all that have ended; the exit code of `child`, if it is among them.
fn reap(child: Pid) -> Option<u8> {
    let mut code = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid.as_raw_nonzero().get() == child.as_raw() {
            code = Some(exit_code(status));
        }
    }
    code
}

fn exit_code(status: WaitStatus) -> u8 {
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|it| u8::try_from(it).ok()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn options_end_before_the_program() {
        let (privileges, program) = read(words("--user 1 -- sh -- -c x")).expect("it is right");
        assert_eq!(privileges.user.as_deref(), Some("1"));
        assert_eq!(program, words("sh -- -c x"));
        for wrong in ["--user 1", "--user 1 --", "--other 1 -- sh", "sh"] {
            assert!(read(words(wrong)).is_none(), "{wrong}");
        }
    }
}
