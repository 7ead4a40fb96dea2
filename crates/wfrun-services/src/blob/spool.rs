//! The blocks of an upload, in one file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempPath};

use super::receive::{Archive, COPY_BUFFER};

/// A file in which each block has a place from the moment it is announced.
///
/// Most clients list their blocks in the order in which they sent them: their content is whole then without another copy, and
/// its digest is made while blocks still come.
pub(crate) struct Spool {
    path: PathBuf,
    layout: Mutex<Layout>,
    digest: Mutex<Following>,
}

#[derive(Default)]
struct Layout {
    /// Gone when the file has become somebody's content: no block has a place in it any more.
    owner: Option<TempPath>,
    /// Where the next block's place begins.
    end: u64,
    /// Places that are written, by their beginnings.
    written: BTreeMap<u64, u64>,
}

/// The digest of the file up to a position.
#[derive(Default)]
struct Following {
    position: u64,
    digest: Sha256,
}

/// A block's place.
#[derive(Clone)]
pub(crate) struct Extent {
    spool: Arc<Spool>,
    offset: u64,
    pub(crate) length: u64,
}

impl Spool {
    pub(crate) fn new(folder: &Path) -> io::Result<Arc<Self>> {
        let owner = NamedTempFile::new_in(folder)?.into_temp_path();
        let path = owner.to_path_buf();
        let layout = Layout { owner: Some(owner), ..Layout::default() };
        Ok(Arc::new(Self { path, layout: Mutex::new(layout), digest: Mutex::default() }))
    }

    /// A place for a block of that many bytes; none where the file is somebody's content by now.
    pub(crate) fn place(self: &Arc<Self>, length: u64) -> Option<Extent> {
        let mut layout = self.layout();
        layout.owner.as_ref()?;
        let offset = layout.end;
        layout.end = offset.checked_add(length)?;
        Some(Extent { spool: Arc::clone(self), offset, length })
    }

    /// Takes the file, if these places, in this order, are all of it.
    fn take(&self, extents: &[Extent]) -> Option<(TempPath, u64)> {
        let mut layout = self.layout();
        let mut end = 0;
        for it in extents {
            let follows = std::ptr::eq(Arc::as_ptr(&it.spool), self) && it.offset == end;
            // An empty place may have another one's beginning.
            let is_written = it.length == 0 || layout.written.get(&it.offset) == Some(&it.length);
            if !follows || !is_written {
                return None;
            }
            end += it.length;
        }
        if end != layout.end {
            return None;
        }
        Some((layout.owner.take()?, end))
    }

    /// Brings the digest as far as blocks are there without a gap. Another one that is at it does so for both.
    pub(crate) fn follow(&self) {
        let Ok(mut following) = self.digest.try_lock() else { return };
        // What cannot be read now is met again when the blocks are put together, and told there.
        if let Err(err) = self.advance(&mut following) {
            *following = Following::default();
            tracing::debug!("an upload's digest begins anew: {err}");
        }
    }

    fn advance(&self, following: &mut Following) -> io::Result<()> {
        let file = File::open(&self.path)?;
        let mut buffer = vec![0; COPY_BUFFER];
        while let Some(length) = { self.layout().written.get(&following.position).copied() } {
            let end = following.position + length;
            while following.position < end {
                let count = usize::try_from(end - following.position).map_or(COPY_BUFFER, |it| it.min(COPY_BUFFER));
                file.read_exact_at(&mut buffer[..count], following.position)?;
                following.digest.update(&buffer[..count]);
                following.position += count as u64;
            }
        }
        Ok(())
    }

    /// The digest of all, of which a part may be known.
    fn digest_from(&self, mut known: Following) -> io::Result<String> {
        self.advance(&mut known)?;
        Ok(hex::encode(known.digest.finalize()))
    }

    fn layout(&self) -> MutexGuard<'_, Layout> {
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Extent {
    /// The file that the place is in.
    pub(crate) fn open(&self) -> io::Result<File> {
        File::options().read(true).write(true).open(&self.spool.path)
    }

    /// Begins to write to the place. Where the digest has come as far as its beginning, it goes on with what is written.
    pub(crate) fn writer(&self) -> io::Result<Writer<'_>> {
        let file = self.open()?;
        let digest = self.spool.digest.try_lock().ok().filter(|it| it.position == self.offset);
        Ok(Writer { extent: self, file, size: 0, digest })
    }

    /// Says that all of it is written; gives back its file, whose digest can be brought on.
    pub(crate) fn written(&self) -> Arc<Spool> {
        if self.length > 0 {
            self.spool.layout().written.insert(self.offset, self.length);
        }
        Arc::clone(&self.spool)
    }

    /// Hands its bytes to `sink`, part by part.
    pub(crate) fn read(&self, buffer: &mut [u8], mut sink: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let file = self.open()?;
        let mut position = 0;
        while position < self.length {
            let count = usize::try_from(self.length - position).map_or(buffer.len(), |it| it.min(buffer.len()));
            file.read_exact_at(&mut buffer[..count], self.offset + position)?;
            sink(&buffer[..count])?;
            position += count as u64;
        }
        Ok(())
    }
}

/// A block that is being written.
pub(crate) struct Writer<'a> {
    extent: &'a Extent,
    file: File,
    /// So many bytes are written.
    pub(crate) size: u64,
    digest: Option<MutexGuard<'a, Following>>,
}

impl Writer<'_> {
    /// Writes what comes next.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.size + bytes.len() as u64 > self.extent.length {
            return Err(io::Error::other("more bytes came than were announced"));
        }
        self.file.write_all_at(bytes, self.extent.offset + self.size)?;
        self.size += bytes.len() as u64;
        if let Some(following) = &mut self.digest {
            following.digest.update(bytes);
            following.position += bytes.len() as u64;
        }
        Ok(())
    }
}

impl Drop for Writer<'_> {
    /// A block that broke off has no digest: it may come again, elsewhere.
    fn drop(&mut self) {
        if let Some(following) = self.digest.as_deref_mut().filter(|_| self.size != self.extent.length) {
            *following = Following::default();
        }
    }
}

/// The file that places are all of, as content, if there is one.
///
/// Blocks that come from now on have their places elsewhere.
pub(crate) fn whole(extents: &[Extent]) -> Option<io::Result<Archive>> {
    let spool = &extents.first()?.spool;
    let (file, size) = spool.take(extents)?;
    let mut following = spool.digest.lock().unwrap_or_else(PoisonError::into_inner);
    let following = std::mem::take(&mut *following);
    Some(spool.digest_from(following).map(|sha256| Archive { file, size, sha256 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(place: &Extent, text: &str) {
        let mut writer = place.writer().expect("a file");
        writer.add(text.as_bytes()).expect("has room");
        drop(writer);
        place.written().follow();
    }

    /// Places for texts, in this order; those of `written`, by index, get theirs.
    fn spool(folder: &Path, texts: &[&str], written: &[usize]) -> Vec<Extent> {
        let spool = Spool::new(folder).expect("a file");
        let places: Vec<Extent> = texts.iter().map(|it| spool.place(it.len() as u64).expect("a place")).collect();
        for index in written {
            write(&places[*index], texts[*index]);
        }
        places
    }

    #[test]
    fn what_is_listed_as_it_came_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let texts = ["first", "", "second", "third"];
        for order in [&[0, 2, 3, 1][..], &[3, 2, 1, 0], &[2, 0, 1, 3]] {
            let places = spool(folder.path(), &texts, order);
            let archive = whole(&places).expect("is whole").expect("is read");
            assert_eq!(std::fs::read_to_string(&archive.file).expect("a file"), "firstsecondthird");
            assert_eq!((archive.size, archive.sha256), (16, hex::encode(Sha256::digest("firstsecondthird"))));
            // The file is content now: nobody writes to it any more.
            assert!(places[0].spool.place(1).is_none());
            assert!(whole(&places).is_none());
        }
    }

    #[test]
    fn the_digest_is_made_while_blocks_come() {
        let folder = tempfile::tempdir().expect("a folder");
        let texts = ["first", "second", "third"];
        let places = spool(folder.path(), &texts, &[]);
        let known = || places[0].spool.digest.lock().expect("no panic").position;
        let mut writer = places[0].writer().expect("a file");
        writer.add(b"first").expect("has room");
        drop(writer);
        assert_eq!(known(), 5, "with what is written where it ends");
        places[0].written();
        write(&places[2], texts[2]);
        assert_eq!(known(), 5, "there is a gap");
        write(&places[1], texts[1]);
        assert_eq!(known(), 16, "also of what came before its turn");
    }

    #[test]
    fn what_is_not_is_put_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let texts = ["first", "second", "third"];
        for (listed, expected) in [
            (&[1, 0, 2][..], "secondfirstthird"),
            (&[0, 1], "firstsecond"),
            (&[1, 2], "secondthird"),
            (&[0, 1, 1, 2], "firstsecondsecondthird"),
            (&[], ""),
        ] {
            let places = spool(folder.path(), &texts, &[0, 1, 2]);
            let listed: Vec<Extent> = listed.iter().map(|it| places[*it].clone()).collect();
            assert!(whole(&listed).is_none(), "{expected}");
            let archive = super::super::receive::join(&listed, folder.path()).expect("a file");
            assert_eq!(std::fs::read_to_string(&archive.file).expect("a file"), expected);
            assert_eq!(archive.sha256, hex::encode(Sha256::digest(expected)));
        }
        // Of one that broke off, what came counts for nothing.
        let places = spool(folder.path(), &["one", "two"], &[]);
        let [broken, again] = [0, 1].map(|it: usize| places[it].clone());
        broken.writer().expect("a file").add(b"on").expect("has room");
        write(&again, "two");
        write(&broken, "one");
        let archive = whole(&[broken, again]).expect("is whole").expect("is read");
        assert_eq!(archive.sha256, hex::encode(Sha256::digest("onetwo")));
        // One that is still written, or never was, keeps the file from being whole.
        for written in [&[0, 1][..], &[0, 2]] {
            let places = spool(folder.path(), &texts, written);
            assert!(whole(&places).is_none());
            assert!(whole(&places[..2]).is_none());
        }
    }

    #[test]
    fn a_block_stays_in_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = spool(folder.path(), &["one", "two"], &[0, 1]);
        let mut writer = places[0].writer().expect("a file");
        writer.add(b"new").expect("has room");
        assert!(writer.add(b"r").is_err());
        drop(writer);
        let mut read = Vec::new();
        let mut keep = |bytes: &[u8]| {
            read.extend_from_slice(bytes);
            Ok(())
        };
        places[1].read(&mut [0; 2], &mut keep).expect("is read");
        assert_eq!(read, b"two");
    }

    #[test]
    fn nothing_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(spool(folder.path(), &["one"], &[0]));
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
