//! Packets: what comes at once, and what it is made of.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use axum::http::StatusCode;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags};

use crate::blob::BlobError;

/// Bytes of a packet; the kernel holds a few of them for each connection.
pub(super) const PACKET: usize = 32 * 1024;

/// What came at once, with the descriptor that came with it.
pub(super) struct Packet {
    bytes: Vec<u8>,
    pub(super) file: Option<OwnedFd>,
}

/// A part of an upload's content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes of the file that came with the packet.
    File(u64),
    /// The CRC-32 of what the file segment of that index wrote.
    Sum(usize),
    /// That was all.
    End(u64),
}

/// Receives a packet, without waiting for one; none when the client has ended.
///
/// What does not fit is an error; descriptors of such a packet are closed, as are all that nobody asks for.
pub(super) fn receive(socket: impl AsFd) -> io::Result<Option<Packet>> {
    let mut bytes = vec![0; PACKET];
    // The kernel closes those that have no room.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let got = rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags)?;
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(all) = message {
            files.extend(all);
        }
    }
    let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidData, why));
    if got.flags.contains(ReturnFlags::TRUNC) {
        return refuse("a packet has more than 32 KiB");
    }
    if got.flags.contains(ReturnFlags::CTRUNC) || files.len() > 1 {
        return refuse("more than one descriptor came with a packet");
    }
    if got.bytes == 0 {
        return Ok(None);
    }
    bytes.truncate(got.bytes);
    Ok(Some(Packet { bytes, file: files.pop() }))
}

impl Packet {
    /// What a client says first: its runtime token and the signature of the upload.
    pub(super) fn hello(&self) -> Option<(&str, &str)> {
        let mut lines = std::str::from_utf8(&self.bytes).ok()?.split('\n');
        let (version, token, url) = (lines.next()?, lines.next()?, lines.next()?);
        let is_whole = version == "wfrun-upload 1" && lines.next().is_none() && self.file.is_none();
        let (_, signature) = url.rsplit_once("sig=")?;
        is_whole.then_some((token, signature))
    }

    /// Its segments, in order, to the first that is none.
    pub(super) fn segments(&self) -> Segments<'_> {
        Segments { rest: &self.bytes }
    }
}

/// See [`Packet::segments`].
pub(super) struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, BlobError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let segment = self.segment();
        if segment.is_none() {
            self.rest = &[];
        }
        Some(segment.ok_or_else(|| invalid("a packet is not made of segments")))
    }
}

impl<'a> Segments<'a> {
    fn segment(&mut self) -> Option<Segment<'a>> {
        let [letter] = *self.take()?;
        match letter {
            b'B' => {
                let length = usize::try_from(u32::from_le_bytes(*self.take()?)).ok()?;
                let (bytes, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Some(Segment::Bytes(bytes))
            }
            b'F' => Some(Segment::File(u64::from_le_bytes(*self.take()?))),
            b'S' => Some(Segment::Sum(usize::try_from(u32::from_le_bytes(*self.take()?)).ok()?)),
            b'E' => Some(Segment::End(u64::from_le_bytes(*self.take()?))),
            _ => None,
        }
    }

    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(taken)
    }
}

/// A client's mistake.
pub(super) fn invalid(why: impl Into<String>) -> BlobError {
    BlobError::new(StatusCode::BAD_REQUEST, "InvalidInput", why)
}

/// What is told to a client.
pub(super) enum Answer {
    /// So many bytes are taken.
    Taken(u64),
    /// All is, with this SHA-256.
    Done(String),
    /// It is not, for this reason.
    Refused(String),
}

impl Answer {
    /// Sends it, without waiting for room.
    pub(super) fn send(&self, socket: impl AsFd) -> io::Result<()> {
        let (letter, content) = match self {
            Self::Taken(size) => (b'P', size.to_le_bytes().to_vec()),
            Self::Done(digest) => (b'D', digest.clone().into_bytes()),
            Self::Refused(why) => (b'E', why.clone().into_bytes()),
        };
        let packet = [vec![letter], content].concat();
        rustix::net::send(socket, &packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(bytes: &[u8]) -> Packet {
        Packet { bytes: bytes.to_vec(), file: None }
    }

    #[test]
    fn segments() {
        let good: [(&[u8], Vec<Segment<'_>>); 5] = [
            (b"B\x03\0\0\0abc", vec![Segment::Bytes(b"abc")]),
            (b"B\0\0\0\0F\x01\x01\0\0\0\0\0\0", vec![Segment::Bytes(b""), Segment::File(257)]),
            (b"S\x02\0\0\0S\0\0\0\0", vec![Segment::Sum(2), Segment::Sum(0)]),
            (b"E\xff\xff\xff\xff\xff\xff\xff\xff", vec![Segment::End(u64::MAX)]),
            (b"", vec![]),
        ];
        for (bytes, expected) in good {
            let packet = packet(bytes);
            let found: Vec<_> = packet.segments().map(|it| it.expect("a segment")).collect();
            assert_eq!(found, expected);
        }
        for bytes in [
            &b"B"[..],
            b"B\x01\0\0",
            b"B\x01\0\0\0",
            b"B\xff\xff\xff\xffabc",
            b"F\0\0\0\0",
            b"S\0",
            b"E\0\0\0\0\0\0\0",
            b"x",
            b"\0\0\0\0\0\0\0\0\0",
            b"GET / HTTP/1.1\r\n",
        ] {
            let packet = packet(bytes);
            let found: Vec<_> = packet.segments().collect();
            assert!(found.len() == 1 && found[0].is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn hello() {
        let table: [(&str, Option<(&str, &str)>); 7] = [
            ("wfrun-upload 1\ntoken\nhttp://127.0.0.1:1/blobs/a?sp=rw&sig=ab", Some(("token", "ab"))),
            ("wfrun-upload 2\ntoken\nhttp://127.0.0.1:1/blobs/a?sp=rw&sig=ab", None),
            ("wfrun-upload 1\ntoken\nhttp://127.0.0.1:1/blobs/a", None),
            ("wfrun-upload 1\ntoken\n?sig=ab\n", None),
            ("wfrun-upload 1\ntoken", None),
            ("GET /sig= HTTP/1.1", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(packet(text.as_bytes()).hello(), expected, "{text}");
        }
        assert_eq!(packet(b"wfrun-upload 1\n\xff\n?sig=ab").hello(), None);
    }
}
