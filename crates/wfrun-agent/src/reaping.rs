//! The ends of children, and the signals that tell of them.

use std::sync::Arc;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use rustix::process::{WaitOptions, WaitStatus};
use signal_hook::consts::FORBIDDEN;

/// Signals that are read instead of being carried out.
#[derive(Debug)]
pub(crate) struct Signals {
    mask: SigSet,
    pub(crate) fd: SignalFd,
}

impl Signals {
    /// Those of ended children, and `others`; for this thread, and threads that it makes from now on.
    pub(crate) fn take(others: &[Signal]) -> nix::Result<Self> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGCHLD].iter().chain(others) {
            mask.add(*signal);
        }
        mask.thread_block()?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { mask, fd })
    }

    /// Does something, such as starting a process, that must not find them blocked. What ends meanwhile is told by no signal: look
    /// for [`ended`] afterwards.
    pub(crate) fn without<T>(&self, work: impl FnOnce() -> T) -> T {
        self.mask.thread_unblock().ok();
        let done = work();
        self.mask.thread_block().ok();
        done
    }
}

/// Ignores signals that are ignored by handlers that do nothing: programs that are started from now on ignore them no more, as
/// they would behind `nohup`, or behind `&` in a script.
///
/// Source: POSIX: `execve` leaves what is ignored ignored, and sets what is handled to its default.
pub(crate) fn let_programs_heed_what_is_ignored() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok()).unwrap_or_default();
    for signal in Signal::iterator() {
        let number = signal as i32;
        // Rust ignores SIGPIPE itself, and not in what it starts; that children end is read.
        let is_seen_to = matches!(signal, Signal::SIGPIPE | Signal::SIGCHLD) || FORBIDDEN.contains(&number);
        if mask & (1 << (number - 1)) != 0 && !is_seen_to {
            signal_hook::flag::register(number, Arc::default()).ok();
        }
    }
}

/// Takes in all children that have ended, with their exit codes.
///
/// Source: GitHub: execution rules E2.5, death by signal n is 128+n.
pub(crate) fn ended() -> Vec<(Pid, i32)> {
    let mut all = Vec::new();
    // Not nix: it cannot express death by a real-time signal, and would lose the process.
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        all.push((Pid::from_raw(pid.as_raw_nonzero().get()), exit_code(status)));
    }
    all
}

fn exit_code(status: WaitStatus) -> i32 {
    status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(-1)
}
