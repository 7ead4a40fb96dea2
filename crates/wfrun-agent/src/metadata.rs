//! Keeps steps from the addresses at which clouds tell a machine its own credentials.
//!
//! Jobs share this machine's network, or one that leads to it, so no route can be taken from them. Instead the kernel asks
//! whoever started a process whether it may connect (seccomp's listener): the supervisor installs that for itself, before
//! it starts anything, and answers in its loop. See ADR 0018.
//!
//! It is a rail, not a wall: who rewrites the address while it is looked at, connects by `io_uring` or as a 32-bit program,
//! or has the Docker engine start a container gets past it.

mod address;
mod program;
mod seccomp;

use std::fs;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

pub use program::Forbidden;
use seccomp::Answer;

/// A listener that asks this process before it, or what it starts from now on, connects to anything.
///
/// Whoever has one must [`answer`](Self::answer) whenever it is readable, and connect to nothing itself.
#[derive(Debug)]
pub struct MetadataCut(OwnedFd);

/// A connection that was refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Refused {
    /// Where to.
    pub address: SocketAddr,
    /// The name of the program that asked, at most 15 bytes, as the kernel keeps it.
    pub program: String,
}

impl MetadataCut {
    /// From now on the kernel asks. This process must have one thread only, and the right to administrate the system
    /// (`CAP_SYS_ADMIN`), which it may give up then; `CAP_SYS_PTRACE` is needed to look at programs of other users.
    ///
    /// `forbidden` is what else nobody may do.
    ///
    /// Fails, and then nothing is asked, where the kernel does not have it (before 5.0), this process may not, or another one
    /// above it asks already.
    pub fn install(forbidden: Forbidden) -> Result<Self, String> {
        seccomp::listen(&program::program(forbidden)).map(Self).map_err(|err| reason(&err))
    }

    /// Answers one process that waits; to be called when this is readable.
    ///
    /// Gives back whom it refused, as this process sees that thread.
    pub fn answer(&self) -> io::Result<Option<(i32, Refused)>> {
        let asked = match seccomp::receive(&self.0) {
            Ok(asked) => asked,
            // It was killed while it waited.
            Err(err) if err.raw_os_error() == Some(nix::libc::ENOENT) => return Ok(None),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(err) => return Err(err),
        };
        let refused = asked.pid_and_address().and_then(|(pid, start, length)| {
            let address = read(pid, start, length).filter(|it| address::is_cut(*it))?;
            let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
            Some((pid, Refused { address, program }))
        });
        // What was read may be of a process that got the number since.
        if !seccomp::still_waits(&self.0, &asked) {
            return Ok(None);
        }
        let answer = if refused.is_some() { Answer::NetworkUnreachable } else { Answer::GoOn };
        match seccomp::answer(&self.0, &asked, answer) {
            Err(err) if err.raw_os_error() != Some(nix::libc::ENOENT) => Err(err),
            Ok(()) | Err(_) => Ok(refused),
        }
    }
}

impl AsFd for MetadataCut {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Refused {
    /// What happened, and what to do about it.
    pub fn explained(&self) -> String {
        let Self { address, program } = self;
        format!(
            "`{program}` asked {address}, where clouds tell a machine its own credentials: it is cut off while AWS is \
             emulated, and was answered `Network is unreachable`. Credentials of the emulated account come from \
             aws-actions/configure-aws-credentials or `AWS_ACCESS_KEY_ID`; `--aws off` lets steps reach the real ones"
        )
    }
}

/// What cannot be read is nothing to connect to, either, or of a program that this process may not look at.
fn read(pid: i32, start: usize, length: usize) -> Option<SocketAddr> {
    let mut bytes = [0; address::LONGEST];
    let length = length.min(bytes.len());
    let there = [RemoteIoVec { base: start, len: length }];
    let count = process_vm_readv(Pid::from_raw(pid), &mut [IoSliceMut::new(&mut bytes[..length])], &there).ok()?;
    address::read(&bytes[..count])
}

fn reason(err: &io::Error) -> String {
    let cause = match err.raw_os_error() {
        Some(nix::libc::EBUSY) => "another program above this one watches its connections".to_owned(),
        Some(nix::libc::EACCES | nix::libc::EPERM) => "it takes root with CAP_SYS_ADMIN".to_owned(),
        Some(nix::libc::ENOSYS | nix::libc::EINVAL) => "the kernel cannot (it takes 5.0 or later)".to_owned(),
        _ => err.to_string(),
    };
    format!("{cause} (seccomp: {err})")
}
