//! The kernel's interface to listeners, for which there is no safe crate: the one file with `unsafe` (ADR 0018).
//!
//! Source: `seccomp(2)`, `seccomp_unotify(2)`.

#![expect(unsafe_code, reason = "no crate has these calls without; see ADR 0018")]

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use nix::libc::{
    self, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, SECCOMP_IOCTL_NOTIF_ID_VALID,
    SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND, SECCOMP_SET_MODE_FILTER, SECCOMP_USER_NOTIF_FLAG_CONTINUE,
    c_ulong, seccomp_data, seccomp_notif, seccomp_notif_resp, sock_filter, sock_fprog,
};

/// A thread that waits for an answer.
pub(super) struct Asked(seccomp_notif);

/// What it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Its call is carried out.
    GoOn,
    /// Its call fails with `ENETUNREACH`.
    NetworkUnreachable,
}

impl Asked {
    /// Who asks to connect, and where the address lies in its memory and how long it is; `None` where nobody can be looked
    /// at, because it is in a process namespace that is not seen from here.
    pub(super) fn pid_and_address(&self) -> Option<(i32, u64, usize)> {
        let pid = i32::try_from(self.0.pid).ok().filter(|it| *it != 0)?;
        let [_, start, length, ..] = self.0.data.args;
        // A program may leave rubbish above a 32-bit argument.
        Some((pid, start, usize::try_from(length & u64::from(u32::MAX)).ok()?))
    }
}

/// Has the kernel run `program` on each call of this thread and of all that it starts, and hands out where it asks.
pub(super) fn listen(program: &[sock_filter]) -> io::Result<OwnedFd> {
    let listener = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // A signal would have a program ask again, and one that gets many would never connect; kernels before 5.19 do not know it.
    match install(program, listener | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
        Err(err) if err.raw_os_error() == Some(libc::EINVAL) => install(program, listener),
        result => result,
    }
}

fn install(program: &[sock_filter], flags: c_ulong) -> io::Result<OwnedFd> {
    let len = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: `program` lives until the call returns, has `len` instructions, and the kernel only reads it.
    let fd = unsafe { libc::syscall(libc::SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    let fd = i32::try_from(fd).ok().filter(|it| *it >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel has just made it for this process, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes the next one that waits.
pub(super) fn receive(listener: &OwnedFd) -> io::Result<Asked> {
    // The kernel refuses a structure that is not zero.
    let data = seccomp_data { nr: 0, arch: 0, instruction_pointer: 0, args: [0; 6] };
    let mut asked = Asked(seccomp_notif { id: 0, pid: 0, flags: 0, data });
    // SAFETY: the kernel writes one `seccomp_notif`, whose size is part of the request's number: a kernel with another
    // one would refuse the number.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), SECCOMP_IOCTL_NOTIF_RECV, &raw mut asked.0) })?;
    Ok(asked)
}

/// Whether it has not been killed since, so that its number is still its own. Kernels before 5.9 cannot tell by this number.
pub(super) fn still_waits(listener: &OwnedFd, asked: &Asked) -> bool {
    // SAFETY: the kernel reads the eight bytes of the id.
    let waits =
        check(unsafe { libc::ioctl(listener.as_raw_fd(), SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const asked.0.id) });
    !waits.is_err_and(|err| err.raw_os_error() == Some(libc::ENOENT))
}

/// Lets it go on, or has its call fail.
pub(super) fn answer(listener: &OwnedFd, asked: &Asked, answer: Answer) -> io::Result<()> {
    let (error, flags) = match answer {
        Answer::GoOn => (0, u32::try_from(SECCOMP_USER_NOTIF_FLAG_CONTINUE).map_err(io::Error::other)?),
        Answer::NetworkUnreachable => (-libc::ENETUNREACH, 0),
    };
    let mut response = seccomp_notif_resp { id: asked.0.id, val: 0, error, flags };
    // SAFETY: the kernel reads one `seccomp_notif_resp`, whose size is part of the request's number.
    check(unsafe { libc::ioctl(listener.as_raw_fd(), SECCOMP_IOCTL_NOTIF_SEND, &raw mut response) })
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
