//! Sockets that are opened inside an environment and served outside of it.
//!
//! A socket belongs to the network in which it was made, wherever it is served. So whoever opened the environment
//! serves addresses of a network of its own without being reachable from any other, and nothing is left of it when
//! either end goes.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::str::FromStr;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};

/// So many sockets go over a connection at most.
const MAX: usize = 16;

/// An address to listen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// For connections.
    Tcp(SocketAddr),
    /// For datagrams.
    Udp(SocketAddr),
}

impl Listener {
    fn open(self) -> Result<OwnedFd, String> {
        match self {
            Self::Tcp(address) => TcpListener::bind(address).map(OwnedFd::from),
            Self::Udp(address) => UdpSocket::bind(address).map(OwnedFd::from),
        }
        .map_err(|err| format!("failed to listen at {self}: {err}"))
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Udp(address) => write!(f, "udp:{address}"),
        }
    }
}

impl FromStr for Listener {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("udp", address)) => address.parse().map(Self::Udp),
            Some(("tcp", address)) => address.parse().map(Self::Tcp),
            Some(_) | None => text.parse().map(Self::Tcp),
        }
    }
}

/// Opens the sockets and sends them, all or none, with one byte; without any, nothing is sent.
pub(super) fn open_and_send(stream: &UnixStream, listeners: &[Listener]) -> Result<(), String> {
    if listeners.is_empty() {
        return Ok(());
    }
    let sockets: Result<Vec<OwnedFd>, String> = listeners.iter().map(|it| it.open()).collect();
    let opened = sockets.as_deref().unwrap_or_default();
    send(stream, opened).map_err(|err| format!("failed to pass sockets on: {err}"))?;
    sockets.map(|_| ())
}

fn send(stream: &UnixStream, sockets: &[OwnedFd]) -> io::Result<()> {
    let borrowed: Vec<BorrowedFd<'_>> = sockets.iter().map(OwnedFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(io::Error::other(format!("there are more than {MAX}")));
    }
    rustix::net::sendmsg(stream, &[IoSlice::new(&[0])], &mut control, SendFlags::empty())?;
    Ok(())
}

/// Receives what [`main`](super::main) sent of `--listen`, in that order; none where one could not be opened, and then
/// the reason follows as the first reply. To be called before anything else is read.
pub fn receive(stream: impl AsFd) -> io::Result<Vec<OwnedFd>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::net::recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if got.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut all = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sockets) = message {
            all.extend(sockets);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn sockets_are_passed_on() {
        let (inside, outside) = UnixStream::pair().expect("a pair");
        let wanted = ["tcp:127.0.0.1:0", "udp:127.0.0.1:0"].map(|it| it.parse().expect("an address"));
        open_and_send(&inside, &wanted).expect("they open");
        let sockets = receive(&outside).expect("they come");
        assert_eq!(sockets.len(), 2);
        let listener = TcpListener::from(sockets.into_iter().next().expect("the first"));
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).expect("it connects");
        client.write_all(b"x").expect("it writes");
        let mut byte = [0];
        listener.accept().expect("a connection").0.read_exact(&mut byte).expect("it reads");
        assert_eq!(byte, *b"x");
    }

    #[test]
    fn all_or_none() {
        let (inside, outside) = UnixStream::pair().expect("a pair");
        let wanted = ["tcp:127.0.0.1:0", "tcp:203.0.113.1:1"].map(|it| it.parse().expect("an address"));
        let message = open_and_send(&inside, &wanted).expect_err("the second is not here");
        assert!(message.contains("tcp:203.0.113.1:1"), "{message}");
        assert!(receive(&outside).expect("a byte").is_empty());
    }
}
