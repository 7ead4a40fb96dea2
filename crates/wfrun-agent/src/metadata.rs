//! Keeps steps from the addresses at which clouds tell a machine its own credentials.
//!
//! Jobs share this machine's network, or one that leads to it, so no route can be taken from them. Instead the kernel asks
//! whoever started a process whether it may connect (seccomp's listener): the supervisor installs that for itself before it
//! starts anything, and a thread of it answers. See ADR 0018.
//!
//! It is a rail, not a wall: who rewrites the address while it is looked at, connects by `io_uring` or as a 32-bit program,
//! or has the Docker engine start a container gets past it.

mod address;
mod program;
mod seccomp;

use std::fs;
use std::io::{self, PipeReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use nix::sys::prctl;
use nix::unistd::geteuid;

use crate::rights::keep_what_can_be_passed_on;
use seccomp::Answer;

/// Programs that start others as another user, and cannot where no new rights are to be had.
const CHANGING_USERS: [&str; 4] = ["/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo", "/usr/bin/doas"];

/// Whoever this process starts is kept from metadata.
///
/// It is readable when [`refused`](Self::refused) has something to say.
#[derive(Debug)]
pub(crate) struct MetadataCut {
    wakeup: PipeReader,
    refused: Receiver<Refused>,
}

/// A connection that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Where to.
    address: SocketAddr,
    /// The name of the program that asked, at most 15 bytes, as the kernel keeps it.
    program: String,
    /// The process that asked, what started that, and so on, as this process sees them: they may be gone since.
    pub(crate) family: Vec<i32>,
}

impl MetadataCut {
    /// From now on the kernel asks before this process, or what it starts, connects to anything, and a thread answers: so this
    /// process, which must have one thread only, must not connect itself while that thread may wait for it.
    ///
    /// Signals that are to be read by the caller must be blocked already. Without the right to administrate the system
    /// (`CAP_SYS_ADMIN`) nobody gets rights by starting a program any more, as by `sudo`.
    ///
    /// Fails, and then nothing is asked, where the kernel does not have it (before 5.0), another process above this one asks
    /// already, or a user has `sudo`, which would not work any more.
    pub(crate) fn install() -> Result<Self, String> {
        let listener = listen().map_err(|err| reason(&err))?;
        let failed = |err: io::Error| err.to_string();
        // The right to it is needed no more, and each thread has its own.
        keep_what_can_be_passed_on().map_err(|err| failed(err.into()))?;
        let (wakeup, mut waker) = io::pipe().map_err(failed)?;
        let (sender, refused) = mpsc::channel();
        // Who is told nothing is answered all the same.
        let tell = move |refused| sender.send(refused).map_or((), |()| waker.write_all(&[0]).unwrap_or_default());
        let answer = move || {
            let mut tell = tell;
            // It ends with the process; an error of the kernel's would come again at once.
            while answer(&listener, &mut tell).is_ok() {}
        };
        thread::Builder::new().name("metadata".to_owned()).spawn(answer).map_err(failed)?;
        Ok(Self { wakeup, refused })
    }

    /// Takes what was refused since.
    pub(crate) fn refused(&mut self) -> Vec<Refused> {
        let refused: Vec<Refused> = self.refused.try_iter().collect();
        // A byte each; one that is still on its way would be waited for, but not for long.
        for _ in &refused {
            self.wakeup.read_exact(&mut [0]).ok();
        }
        refused
    }
}

impl AsFd for MetadataCut {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }
}

impl Refused {
    /// What happened, and what to do about it.
    pub(crate) fn explained(&self) -> String {
        let Self { address, program, .. } = self;
        format!(
            "`{}` asked {}, where clouds tell a machine its own credentials: it is cut off while AWS is emulated, and was \
             answered `Network is unreachable`. Credentials of the emulated account come from \
             aws-actions/configure-aws-credentials or `AWS_ACCESS_KEY_ID`; `--aws off` lets steps reach the real ones",
            program.escape_default(),
            address.ip().to_canonical()
        )
    }
}

/// `no_new_privs` has its price, so it is taken only where it must be.
fn listen() -> io::Result<OwnedFd> {
    let program = program::program();
    let is_denied = |err: &io::Error| matches!(err.raw_os_error(), Some(nix::libc::EACCES | nix::libc::EPERM));
    match seccomp::listen(&program) {
        Err(err) if is_denied(&err) => {
            if !geteuid().is_root() && CHANGING_USERS.iter().any(|it| Path::new(it).exists()) {
                return Err(err);
            }
            prctl::set_no_new_privs()?;
            seccomp::listen(&program)
        }
        result => result,
    }
}

/// Waits for a program that connects, and answers it; whom it refuses is told first, as the program may end at once.
fn answer(listener: &OwnedFd, tell: &mut impl FnMut(Refused)) -> io::Result<()> {
    let asked = match seccomp::receive(listener) {
        Ok(asked) => asked,
        // It was killed while it waited.
        Err(err) if err.raw_os_error() == Some(nix::libc::ENOENT) => return Ok(()),
        Err(err) if err.kind() == io::ErrorKind::Interrupted => return Ok(()),
        Err(err) => return Err(err),
    };
    let refused = asked.pid_and_address().and_then(|(pid, start, length)| {
        let address = read(pid, start, length).filter(|it| address::is_cut(*it))?;
        let program = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        let program = String::from_utf8_lossy(&program).trim_end_matches('\n').to_owned();
        Some(Refused { address, program, family: family(pid) })
    });
    // What was read may be of a process that got the number since.
    if !seccomp::still_waits(listener, &asked) {
        return Ok(());
    }
    let answer = if refused.is_some() { Answer::NetworkUnreachable } else { Answer::GoOn };
    refused.map(tell);
    match seccomp::answer(listener, &asked, answer) {
        Err(err) if err.raw_os_error() != Some(nix::libc::ENOENT) => Err(err),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What cannot be read is nothing to connect to, either, or of a program that this process may not look at.
fn read(pid: i32, start: u64, length: usize) -> Option<SocketAddr> {
    let mut bytes = [0; address::LONGEST];
    let length = length.min(bytes.len());
    // Unlike a call for it, the file is never forbidden by an engine's own filter.
    let memory = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let count = memory.read_at(&mut bytes[..length], start).ok()?;
    address::read(&bytes[..count])
}

/// The process of a thread and its ancestors, the nearest first.
fn family(thread: i32) -> Vec<i32> {
    let status = |pid: i32| fs::read_to_string(format!("/proc/{pid}/status")).ok();
    let number = |status: &str, name: &str| status.lines().find_map(|it| it.strip_prefix(name))?.trim().parse().ok();
    let mut all = Vec::new();
    let mut next: Option<i32> = status(thread).and_then(|it| number(&it, "Tgid:"));
    while let Some(pid) = next.filter(|it| *it > 1) {
        all.push(pid);
        next = status(pid).and_then(|it| number(&it, "PPid:"));
    }
    all
}

fn reason(err: &io::Error) -> String {
    let cause = match err.raw_os_error() {
        Some(nix::libc::EBUSY) => "another program above this one watches its connections".to_owned(),
        Some(nix::libc::EACCES | nix::libc::EPERM) => {
            "for a user who is not root it would keep `sudo` from working".to_owned()
        }
        Some(nix::libc::ENOSYS | nix::libc::EINVAL) => "the kernel cannot (it takes 5.0 or later)".to_owned(),
        _ => err.to_string(),
    };
    format!("{cause} (seccomp: {err})")
}
