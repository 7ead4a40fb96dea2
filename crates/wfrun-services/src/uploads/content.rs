//! The content of an upload, while it is written.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::sync::watch;

use super::packet::{Packet, Segment, invalid};
use crate::blob::{Archive, BlobError, Bodies, UnderWay};

/// Bytes of a buffer between reading and the digest.
const BUFFER: usize = 256 * 1024;
/// As many uploads at once have these; with more, there are not processors enough to be kept busy.
const FEW: usize = 2;
/// Bytes of a buffer of each of more.
const BUFFER_OF_MANY: usize = 32 * 1024;

/// So many there are of an upload, so that neither waits for each of the other's.
const BUFFERS: usize = 4;

/// What another processor has written is digested at two thirds of the speed, unless it is brought near by a copy first.
const NEAR: usize = 16 * 1024;

static WRITING: Bodies = Bodies::new(FEW, BUFFER, BUFFER_OF_MANY);

/// Progress is told this often, in bytes.
const STRIDE: u64 = 1024 * 1024;

/// Files whose sums are kept: four bytes each.
const FILES_LIMIT: usize = 1 << 20;

/// A file being written. What goes into it is hashed on another thread meanwhile.
pub(super) struct Content {
    file: File,
    path: TempPath,
    /// Bytes written, and those of `pending`.
    size: u64,
    /// What is written next, with the rest of its buffer.
    pending: Vec<u8>,
    /// CRC-32 of each file, in order.
    sums: Vec<u32>,
    digesting: Digesting,
    /// Told how far it is; nobody wants to know where the upload was given up.
    progress: watch::Sender<u64>,
    _under_way: UnderWay,
}

impl Content {
    /// A new file in `folder`.
    pub(super) fn new(folder: &Path, progress: watch::Sender<u64>) -> io::Result<Self> {
        let under_way = WRITING.begin();
        let (file, path) = NamedTempFile::new_in(folder)?.into_parts();
        let mut digesting = Digesting::start(under_way.room)?;
        let pending = digesting.buffer()?;
        Ok(Self { file, path, size: 0, pending, sums: Vec::new(), digesting, progress, _under_way: under_way })
    }

    /// Writes what a packet brings; whether that was the end.
    pub(super) fn take(&mut self, mut packet: Packet) -> Result<bool, BlobError> {
        let mut file = packet.file.take();
        for segment in packet.segments() {
            match segment? {
                Segment::Bytes(bytes) => self.add(bytes)?,
                Segment::File(length) => {
                    let file = file.take().ok_or_else(|| invalid("a segment is of a file, and none came with it"))?;
                    self.copy(&file, length)?;
                }
                Segment::Sum(index) => {
                    let sum = self.sums.get(index).copied();
                    let sum = sum.ok_or_else(|| invalid(format!("there is no sum of file {index} yet")))?;
                    self.add(&sum.to_le_bytes())?;
                }
                Segment::End(size) if size != self.size => {
                    return Err(invalid(format!("the size is {size}, but {} bytes came", self.size)));
                }
                Segment::End(_) => return Ok(true),
            }
        }
        if file.is_some() {
            return Err(invalid("a file came, and no segment is of it"));
        }
        Ok(false)
    }

    /// So many bytes are there.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Ends it.
    pub(super) fn finish(mut self) -> Result<Archive, BlobError> {
        self.write()?;
        let sha256 = self.digesting.finish().map_err(|err| BlobError::store(&err))?;
        Ok(Archive { file: self.path, size: self.size, sha256 })
    }

    fn add(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        while !bytes.is_empty() {
            let count = bytes.len().min(self.room()?);
            self.pending.extend_from_slice(&bytes[..count]);
            self.size += count as u64;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Appends the beginning of a file, wherever its client has come in it, and keeps the sum of what that was.
    fn copy(&mut self, file: &OwnedFd, length: u64) -> Result<(), BlobError> {
        check(file, length)?;
        if self.sums.len() == FILES_LIMIT {
            return Err(invalid(format!("an upload has at most {FILES_LIMIT} files")));
        }
        let mut sum = crc32fast::Hasher::new();
        let mut position = 0;
        while position < length {
            self.room()?;
            let start = self.pending.len();
            match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut self.pending), position) {
                Ok(0) => return Err(invalid(format!("a file of {length} bytes has become shorter: {position}"))),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(err) => return Err(invalid(format!("a file cannot be read: {err}"))),
            }
            // It may have grown: what was announced is what counts.
            let wanted = usize::try_from(length - position).unwrap_or(usize::MAX);
            self.pending.truncate(start.saturating_add(wanted));
            let added = &self.pending[start..];
            sum.update(added);
            position += added.len() as u64;
            self.size += added.len() as u64;
        }
        self.sums.push(sum.finalize());
        Ok(())
    }

    /// Room in the pending buffer, at least for a byte.
    fn room(&mut self) -> Result<usize, BlobError> {
        if self.pending.len() == self.pending.capacity() {
            self.write()?;
            self.pending = self.digesting.buffer().map_err(|err| BlobError::store(&err))?;
        }
        Ok(self.pending.capacity() - self.pending.len())
    }

    /// Writes what is pending, and hands it on to the digest.
    fn write(&mut self) -> Result<(), BlobError> {
        if self.progress.is_closed() {
            return Err(invalid("the upload was given up"));
        }
        let written = self.file.write_all(&self.pending);
        written
            .and_then(|()| self.digesting.add(std::mem::take(&mut self.pending)))
            .map_err(|err| BlobError::store(&err))?;
        if self.size >= *self.progress.borrow() + STRIDE {
            self.progress.send_replace(self.size);
        }
        Ok(())
    }
}

/// Whether so much can be read of what a client sent: a plain file's beginning, never what makes its reader wait.
fn check(file: &OwnedFd, length: u64) -> Result<(), BlobError> {
    let seen = |err: Errno| invalid(format!("a file cannot be looked at: {err}"));
    let facts = rustix::fs::fstat(file).map_err(seen)?;
    if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
        return Err(invalid("a descriptor is of no regular file"));
    }
    let flags = rustix::fs::fcntl_getfl(file).map_err(seen)?;
    if flags.contains(OFlags::PATH) || (flags & OFlags::ACCMODE) == OFlags::WRONLY {
        return Err(invalid("a file is not open for reading"));
    }
    match u64::try_from(facts.st_size) {
        Ok(size) if size >= length => Ok(()),
        _ => Err(invalid(format!("a file has {} bytes, not {length}", facts.st_size))),
    }
}

/// A digest that is made on a thread of its own.
struct Digesting {
    full: SyncSender<Vec<u8>>,
    /// Buffers that it is done with: new memory costs more than what is done with it.
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<Sha256>,
    /// So many more buffers there may be.
    unmade: usize,
    /// Bytes of each.
    room: usize,
}

impl Digesting {
    /// With buffers of so many bytes.
    fn start(room: usize) -> io::Result<Self> {
        let (full, waiting) = sync_channel::<Vec<u8>>(BUFFERS);
        let (done, empty) = channel();
        let thread = thread::Builder::new().name("upload-digest".to_owned()).spawn(move || {
            let (mut digest, mut near) = (Sha256::new(), [0; NEAR]);
            for mut buffer in waiting {
                for part in buffer.chunks(NEAR) {
                    let near = &mut near[..part.len()];
                    near.copy_from_slice(part);
                    digest.update(near);
                }
                buffer.clear();
                // Nobody takes the last ones.
                done.send(buffer).ok();
            }
            digest
        })?;
        Ok(Self { full, empty, thread, unmade: BUFFERS, room })
    }

    /// An empty buffer, as soon as there is one.
    fn buffer(&mut self) -> io::Result<Vec<u8>> {
        if let Ok(buffer) = self.empty.try_recv() {
            return Ok(buffer);
        }
        if self.unmade > 0 {
            self.unmade -= 1;
            return Ok(Vec::with_capacity(self.room));
        }
        self.empty.recv().map_err(|_| ended())
    }

    fn add(&self, bytes: Vec<u8>) -> io::Result<()> {
        self.full.send(bytes).map_err(|_| ended())
    }

    /// Hexadecimal.
    fn finish(self) -> io::Result<String> {
        let Self { full, thread, .. } = self;
        drop(full);
        Ok(hex::encode(thread.join().map_err(|_| ended())?.finalize()))
    }
}

fn ended() -> io::Error {
    io::Error::other("the digest was given up")
}
