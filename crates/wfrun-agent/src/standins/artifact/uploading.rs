//! An upload's content to the service: what is in files goes as their descriptors, over a Unix socket.
//!
//! The protocol is described in `wfrun-services`, `uploads.rs`, which is the other end.

use std::fs::File;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType,
};

use crate::standins::error::StandInError;
use crate::standins::toolkit;

/// Bytes of a packet at most.
const PACKET: usize = 32 * 1024;

/// A letter and the length of bytes.
const BYTES_HEAD: usize = 5;

/// The longest segment but bytes: a letter and a length.
const SEGMENT: usize = 9;

const PAUSE: Duration = Duration::from_millis(1);

/// How often the real action tells of its progress, in bytes.
///
/// Source: `@actions/artifact`, `getUploadChunkSize`
const STRIDE: u64 = 8 * 1024 * 1024;

/// A part of the content.
#[derive(Clone, Copy)]
pub(super) enum Segment<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes from the beginning of a file.
    File(&'a File, u64),
    /// The CRC-32, in four bytes, of what the file segment of that index came to, counted from 0.
    Sum(u32),
}

/// Takes content and sends a packet whenever one is full. Nothing is awaited until the end.
///
/// Differs: the stand-in of `actions/upload-artifact` hands files over to the service, over a Unix socket; the real one sends
/// blocks over HTTP, five at a time.
/// Differs: a file that becomes shorter while it is uploaded fails the stand-in of `actions/upload-artifact`; the real one takes
/// what it finds.
pub(super) struct Uploading {
    socket: OwnedFd,
    packet: Vec<u8>,
    /// Where the length of the bytes is that the packet ends in.
    open: Option<usize>,
    /// Bytes of all segments.
    size: u64,
    /// So many are told of in the log.
    told: u64,
    /// Of all, once all is taken.
    digest: Option<String>,
}

impl Uploading {
    /// Connects to the service, for the content of the upload with this signed URL.
    pub(super) fn begin(url: &str) -> Result<Self, StandInError> {
        let path = toolkit::path_variable("WFRUN_UPLOADS")?;
        let socket = connect(&path).map_err(|err| StandInError::file("connect to", &path)(err.into()))?;
        let hello = format!("wfrun-upload 1\n{}\n{url}", toolkit::variable("ACTIONS_RUNTIME_TOKEN"));
        let mut uploading = Self { socket, packet: hello.into_bytes(), open: None, size: 0, told: 0, digest: None };
        uploading.send(None)?;
        Ok(uploading)
    }

    /// Takes what comes next.
    pub(super) fn take(&mut self, segment: Segment<'_>) -> Result<(), StandInError> {
        match segment {
            Segment::Bytes(bytes) => self.bytes(bytes),
            Segment::File(file, length) => {
                self.segment(b'F', &length.to_le_bytes())?;
                self.size += length;
                self.send(Some(file))
            }
            Segment::Sum(index) => {
                self.segment(b'S', &index.to_le_bytes())?;
                self.size += 4;
                Ok(())
            }
        }
    }

    /// Sends the rest and waits until all is taken; gives back size and digest of it, the digest as the service made it.
    pub(super) fn finish(mut self) -> Result<(u64, String), StandInError> {
        self.segment(b'E', &self.size.to_le_bytes())?;
        self.send(None)?;
        let digest = loop {
            if let Some(digest) = self.digest.take() {
                break digest;
            }
            self.hear(RecvFlags::empty())?;
        };
        self.tell(self.size);
        if self.told < self.size {
            toolkit::info(&format!("Uploaded bytes {}", self.size));
        }
        Ok((self.size, digest))
    }

    fn bytes(&mut self, mut bytes: &[u8]) -> Result<(), StandInError> {
        while !bytes.is_empty() {
            if self.packet.len() + BYTES_HEAD >= PACKET {
                self.send(None)?;
            }
            let length_at = *self.open.get_or_insert_with(|| {
                self.packet.extend_from_slice(b"B\0\0\0\0");
                self.packet.len() - 4
            });
            let count = bytes.len().min(PACKET - self.packet.len());
            self.packet.extend_from_slice(&bytes[..count]);
            let length = u32::try_from(self.packet.len() - length_at - 4).expect("a packet is small");
            self.packet[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
            self.size += count as u64;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    fn segment(&mut self, letter: u8, number: &[u8]) -> Result<(), StandInError> {
        if self.packet.len() + SEGMENT > PACKET {
            self.send(None)?;
        }
        self.open = None;
        self.packet.push(letter);
        self.packet.extend_from_slice(number);
        Ok(())
    }

    /// Sends the packet, with a descriptor that belongs to it, and hears what has been answered meanwhile.
    fn send(&mut self, file: Option<&File>) -> Result<(), StandInError> {
        let files: Vec<_> = file.iter().map(|it| it.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fits = files.is_empty() || control.push(SendAncillaryMessage::ScmRights(&files));
        debug_assert!(fits, "there is room for one");
        let sent = loop {
            let packet = [IoSlice::new(&self.packet)];
            match rustix::net::sendmsg(&self.socket, &packet, &mut control, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                // As many files are on their way as a process may have open: some have come in a moment.
                Err(Errno::TOOMANYREFS) => thread::sleep(PAUSE),
                sent => break sent,
            }
        };
        self.packet.clear();
        self.open = None;
        match sent {
            Ok(_) => {}
            // Where the service has ended the connection, it has said why.
            Err(err @ (Errno::PIPE | Errno::CONNRESET)) => {
                self.hear(RecvFlags::empty())?;
                return Err(broken_off(err));
            }
            Err(err) => return Err(broken_off(err)),
        }
        self.hear(RecvFlags::DONTWAIT)
    }

    /// Hears what was answered, until there is no more or all is taken.
    fn hear(&mut self, flags: RecvFlags) -> Result<(), StandInError> {
        let mut packet = [0; 4096];
        let mut was_reset = false;
        loop {
            let count = match rustix::net::recv(&self.socket, &mut packet, flags) {
                Ok((count, _)) => count,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                // It ended without taking all that was sent: what it said before comes next.
                Err(Errno::CONNRESET) if !was_reset => {
                    was_reset = true;
                    continue;
                }
                Err(err) => return Err(broken_off(err)),
            };
            let (letter, content) = packet[..count].split_first().ok_or_else(|| broken_off(Errno::CONNRESET))?;
            let text = || String::from_utf8_lossy(content).into_owned();
            match (letter, content.first_chunk()) {
                (b'P', Some(size)) => self.tell(u64::from_le_bytes(*size)),
                (b'D', _) => {
                    self.digest = Some(text());
                    return Ok(());
                }
                (b'E', _) => {
                    return Err(StandInError::action(format!("the artifact service refused the upload: {}", text())));
                }
                (_, _) => return Err(broken_off(Errno::BADMSG)),
            }
        }
    }

    /// So many bytes are taken.
    fn tell(&mut self, size: u64) {
        while self.told + STRIDE <= size {
            self.told += STRIDE;
            toolkit::info(&format!("Uploaded bytes {}", self.told));
        }
    }
}

fn broken_off(err: Errno) -> StandInError {
    StandInError::action(format!("the upload broke off: {err}"))
}

/// A socket's path has a hundred bytes at most; one in a folder that is open has as few as are needed.
fn connect(path: &Path) -> Result<OwnedFd, Errno> {
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let folder;
    let address = match (SocketAddrUnix::new(path), path.parent(), path.file_name()) {
        (Err(Errno::NAMETOOLONG), Some(parent), Some(name)) => {
            folder = File::open(parent).map_err(|err| Errno::from_io_error(&err).unwrap_or(Errno::NOENT))?;
            let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
            SocketAddrUnix::new(short)?
        }
        (address, ..) => address?,
    };
    rustix::io::retry_on_intr(|| rustix::net::connect(&socket, &address))?;
    Ok(socket)
}
