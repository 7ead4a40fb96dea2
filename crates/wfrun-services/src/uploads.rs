//! Uploads over a Unix socket: what a client on this machine has in files comes as descriptors, not as bytes.
//!
//! `wfrun`'s stand-in for `actions/upload-artifact` sends an upload's content here; all else of an artifact is asked over HTTP.
//! A packet (of a `SOCK_SEQPACKET`, so that none comes in parts) is a row of segments, each a letter and what belongs to it;
//! numbers are little endian. The first packet is `wfrun-upload 1`, the runtime token and the signed URL, a line each.
//!
//! | segment | what follows | what is written |
//! |---|---|---|
//! | `B` | length (4 bytes), bytes | the bytes |
//! | `F` | length (8 bytes); with the packet comes one descriptor | so many bytes from the beginning of that file |
//! | `S` | index (4 bytes) | the CRC-32 of what the `F` of that index, from 0, wrote; 4 bytes |
//! | `E` | length (8 bytes) | nothing: that is all, of that length |
//!
//! Answers are packets: `P` and a length (8 bytes), so much is taken; `D` and the SHA-256 in hexadecimal, all is; `E` and why
//! not, in words, and the connection ends.
//!
//! Invariants: no path of a client is ever opened, only what the client itself had the right to open; digests are of what was
//! written; a client of which nothing is heard is given up; what did not come whole is content of nothing.

mod connection;
mod content;
mod packet;

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::serve::PAUSE;
use crate::services::Shared;

/// More wait until one ends: each holds hundreds of kilobytes, and two threads.
const CONNECTIONS: usize = 8;

/// So many connections wait, and more wait for that.
const WAITING: i32 = 64;

const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// The name of the socket in its folder.
const NAME: &str = "socket";

/// A folder with a socket in it, until it is dropped.
#[derive(Debug)]
pub(crate) struct UploadSocket {
    _private: TempDir,
    folder: PathBuf,
}

impl UploadSocket {
    /// Listens in a folder of its own below `work`. Whoever sees the folder may connect, whoever that is in a job's container; on this
    /// machine nobody but the user does, because the folder around it is private.
    pub(crate) fn open(work: &Path) -> io::Result<(Self, UnixListener)> {
        let private =
            tempfile::Builder::new().prefix("uploads-").permissions(Permissions::from_mode(0o700)).tempdir_in(work)?;
        let folder = private.path().join("seen");
        std::fs::create_dir(&folder)?;
        std::fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None)?;
        bind(&socket, &folder)?;
        std::fs::set_permissions(folder.join(NAME), Permissions::from_mode(0o777))?;
        rustix::net::listen(&socket, WAITING)?;
        // Of streams in name only: what is used of them is the same for packets.
        let listener = UnixListener::from_std(StdUnixListener::from(socket))?;
        Ok((Self { _private: private, folder }, listener))
    }

    /// The folder, for jobs to see.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A socket's path has a hundred bytes at most; one in a folder that is open has as few as are needed.
fn bind(socket: &OwnedFd, folder: &Path) -> io::Result<()> {
    let opened;
    let address = match SocketAddrUnix::new(folder.join(NAME)) {
        Err(Errno::NAMETOOLONG) => {
            opened = File::open(folder)?;
            SocketAddrUnix::new(format!("/proc/self/fd/{}/{NAME}", opened.as_raw_fd()))?
        }
        address => address?,
    };
    Ok(rustix::net::bind(socket, &address)?)
}

/// Takes uploads until `stopping`, then cuts those under way.
pub(crate) async fn serve(listener: UnixListener, shared: Arc<Shared>, stopping: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((socket, slot)) => {
                connections.spawn(connection::serve(socket, Arc::clone(&shared), stopping.clone(), slot));
            }
            Err(err) => {
                tracing::warn!(%err, "a connection of an upload was not taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

/// A connection's right to be, until all is dropped that works for it.
pub(crate) type Slot = Arc<OwnedSemaphorePermit>;

/// The next connection, as soon as there may be another one.
async fn accept(listener: &UnixListener, slots: &Arc<Semaphore>) -> io::Result<(UnixStream, Slot)> {
    let slot = Arc::clone(slots).acquire_owned().await.expect("nobody closes it");
    let (socket, _) = listener.accept().await?;
    Ok((socket, Arc::new(slot)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_be_long() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("x".repeat(150));
        std::fs::create_dir(&folder).expect("a folder");
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None).expect("a socket");
        bind(&socket, &folder).expect("a path");
        assert!(folder.join(NAME).exists());
    }
}
