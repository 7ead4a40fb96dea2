//! Archives of artifacts: made while they are sent, unpacked from a file.

use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::DeflateEncoder;
use zip::{DateTime, ZipArchive};

use super::records::{BEFORE_SUM, Head, Sizes, end};
use super::uploading::Segment;
use crate::standins::error::StandInError;

const COPY_BUFFER: usize = 256 * 1024;

/// Of the input `compression-level`.
pub(super) const DEFAULT_LEVEL: i64 = 6;

/// Beyond this a file's size may not fit into 32 bits once it is compressed.
const LARGE: u64 = 0xff00_0000;

/// A file of fewer bytes is sooner sent than its descriptor.
const SMALL: u64 = 64 * 1024;

/// What takes an archive, part by part.
pub(super) type Sink<'a> = dyn FnMut(Segment<'_>) -> Result<(), StandInError> + 'a;

/// Gives an archive of files, each with its name in it, to `sink`. Links are followed.
///
/// `level` is zlib's; 0 stores, and so does 6, which is what nobody asked for: the archive stays on this machine, where making
/// it smaller takes much longer than writing it.
///
/// Differs: `compression-level: 6` of `actions/upload-artifact`, the default, compresses nothing in the stand-in, so that the artifact's size is another.
pub(super) fn pack(files: &[(PathBuf, String)], level: i64, sink: &mut Sink<'_>) -> Result<(), StandInError> {
    let level = (!matches!(level, 0 | DEFAULT_LEVEL)).then(|| Compression::new(u32::try_from(level).unwrap_or(9)));
    let buffer = vec![0; COPY_BUFFER];
    let mut packing = Packing { sink, offset: 0, handed_over: 0, entries: Vec::new(), buffer };
    for (path, name) in files {
        packing.add(path, name, level)?;
    }
    packing.finish()
}

/// Gives a file, as it is, to `sink`.
pub(super) fn raw(path: &Path, sink: &mut Sink<'_>) -> Result<(), StandInError> {
    let (file, facts) = open(path)?;
    let mut packing = Packing { sink, offset: 0, handed_over: 0, entries: Vec::new(), buffer: vec![0; COPY_BUFFER] };
    packing.content(path, file, &facts, None).map(drop)
}

fn open(path: &Path) -> Result<(File, Metadata), StandInError> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    opened.map(|(facts, file)| (file, facts)).map_err(StandInError::file("read", path))
}

/// An archive that is being made.
struct Packing<'a, 'b> {
    sink: &'a mut Sink<'b>,
    /// Bytes so far.
    offset: u64,
    /// Files so far whose sum is the service's to make.
    handed_over: u32,
    entries: Vec<Entry>,
    buffer: Vec<u8>,
}

/// A file that is in the archive.
struct Entry {
    head: Head,
    sum: Sum,
    sizes: Sizes,
}

/// A CRC-32.
#[derive(Clone, Copy)]
enum Sum {
    Known(u32),
    /// Of the file that was handed over as that one.
    Of(u32),
}

impl Packing<'_, '_> {
    fn add(&mut self, path: &Path, name: &str, level: Option<Compression>) -> Result<(), StandInError> {
        let (file, facts) = open(path)?;
        let head = Head {
            name: name.to_owned(),
            is_deflated: level.is_some(),
            is_large: facts.len() >= LARGE,
            time: facts.modified().ok().and_then(time_of).unwrap_or_default(),
            mode: facts.permissions().mode() & 0o7777,
            offset: self.offset,
        };
        self.bytes(&head.local())?;
        let (sum, sizes) = self.content(path, file, &facts, level)?;
        if !head.is_large && sizes.plain.max(sizes.packed) > u64::from(u32::MAX) {
            return Err(StandInError::file("read", path)(io::Error::other("it grows faster than it is read")));
        }
        self.bytes(BEFORE_SUM)?;
        self.sum(sum)?;
        self.bytes(&head.after(sizes))?;
        self.entries.push(Entry { head, sum, sizes });
        Ok(())
    }

    fn content(
        &mut self,
        path: &Path,
        file: File,
        facts: &Metadata,
        level: Option<Compression>,
    ) -> Result<(Sum, Sizes), StandInError> {
        let length = facts.len();
        if level.is_none() && facts.is_file() && length >= SMALL {
            (self.sink)(Segment::File(&file, length))?;
            self.offset += length;
            self.handed_over += 1;
            return Ok((Sum::Of(self.handed_over - 1), Sizes { plain: length, packed: length }));
        }
        let mut plain = Summed { file, sum: crc32fast::Hasher::new(), size: 0 };
        let begin = self.offset;
        match level {
            None => self.stream(path, &mut plain)?,
            Some(level) => self.stream(path, &mut DeflateEncoder::new(&mut plain, level))?,
        }
        let sizes = Sizes { plain: plain.size, packed: self.offset - begin };
        Ok((Sum::Known(plain.sum.finalize()), sizes))
    }

    /// Passes on all that there is to be read.
    fn stream(&mut self, path: &Path, content: &mut dyn Read) -> Result<(), StandInError> {
        loop {
            let count = match content.read(&mut self.buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
                Err(err) => return Err(StandInError::file("read", path)(err)),
            };
            (self.sink)(Segment::Bytes(&self.buffer[..count]))?;
            self.offset += count as u64;
        }
    }

    /// Ends the archive with its directory.
    fn finish(mut self) -> Result<(), StandInError> {
        let begin = self.offset;
        let entries = std::mem::take(&mut self.entries);
        for Entry { head, sum, sizes } in &entries {
            let (before, after) = head.central(*sizes);
            self.bytes(&before)?;
            self.sum(*sum)?;
            self.bytes(&after)?;
        }
        self.bytes(&end(entries.len() as u64, begin, self.offset))
    }

    fn sum(&mut self, sum: Sum) -> Result<(), StandInError> {
        match sum {
            Sum::Known(sum) => self.bytes(&sum.to_le_bytes()),
            Sum::Of(index) => {
                self.offset += 4;
                (self.sink)(Segment::Sum(index))
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), StandInError> {
        self.offset += bytes.len() as u64;
        (self.sink)(Segment::Bytes(bytes))
    }
}

/// A file with sum and size of what was read of it.
struct Summed {
    file: File,
    sum: crc32fast::Hasher,
    size: u64,
}

impl Read for Summed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.sum.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// In UTC, as GitHub's client writes it; a zip file knows the years 1980 to 2107.
fn time_of(time: std::time::SystemTime) -> Option<DateTime> {
    let time = jiff::Timestamp::try_from(time).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).ok();
    DateTime::from_date_and_time(
        u16::try_from(time.year()).ok()?,
        part(time.month())?,
        part(time.day())?,
        part(time.hour())?,
        part(time.minute())?,
        part(time.second())?,
    )
    .ok()
}

/// Unpacks an archive below `folder`. Files that are there are overwritten, and none keeps its permissions.
///
/// Differs: an archive with a path that leads out of the folder fails the stand-in of `actions/download-artifact`; the real one writes there.
pub(super) fn unpack(archive: impl Read + Seek, folder: &Path) -> Result<(), StandInError> {
    let broken = |err: &dyn std::fmt::Display| StandInError::action(format!("invalid archive: {err}"));
    let archive = BufReader::with_capacity(COPY_BUFFER, archive);
    let mut archive = ZipArchive::new(archive).map_err(|err| broken(&err))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|err| broken(&err))?;
        let Some(relative) = entry.enclosed_name() else {
            return Err(broken(&format!("its entry {index} leads out of the folder")));
        };
        let target = folder.join(relative);
        let parent = if entry.is_dir() { Some(target.as_path()) } else { target.parent() };
        if let Some(parent) = parent {
            fs::create_dir_all(parent).map_err(StandInError::file("create", parent))?;
        }
        if entry.is_dir() {
            continue;
        }
        let file = File::create(&target).map_err(StandInError::file("write", &target))?;
        // Parts as large as the buffer are copied; without it they are small.
        let mut file = BufWriter::with_capacity(COPY_BUFFER, file);
        let copied = io::copy(&mut entry, &mut file).and_then(|_| file.flush());
        copied.map_err(StandInError::file("write", &target))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
