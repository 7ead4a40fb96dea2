//! Entries and archives on disk, for any number of processes at once.
//!
//! ```text
//! entries/<version>/<entry>.json   one file an entry, appears whole or not at all, never changes
//! blobs/<aa>/<sha256>              archives, named by their content
//! used/<entry>                     a byte for each time the entry was given out; its time is that of the last one
//! reserved/<entry>                 locked while someone uploads that entry; the lock dies with its process
//! uploads/<uuid>/                  what is not finished, one folder a process
//! changing.lock                    held while entries come and go
//! ```

mod stock;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use uuid::Uuid;

pub(crate) use self::stock::Stocked;
use super::lookup::{Entry, Wanted, choose};
use crate::blob::Archive;
use crate::digested::has_digest;
use crate::error::ServicesError;

/// The folder of all entries, and this process's part of it.
///
/// Differs: cache entries that nobody uses are kept until `wfrun cache prune` or the limit of size removes them; GitHub removes them after seven days.
pub(crate) struct Store {
    root: PathBuf,
    /// Bytes that all entries together may have.
    limit: u64,
    uploads: PathBuf,
    /// Held as long as the process uses `uploads`.
    _in_use: File,
}

/// What came of a look for an entry.
#[derive(Default)]
pub(crate) struct Look {
    /// The archive that answers.
    pub(crate) found: Option<Found>,
    /// Entries that would have, if their archives were still what was saved; they are removed.
    pub(crate) damaged: Vec<Entry>,
}

impl Look {
    /// What a person should know of it.
    pub(crate) fn notice(&self) -> Option<String> {
        let names: Vec<_> = self.damaged.iter().map(|it| format!("`{}` of {}", it.key, it.scope)).collect();
        let (noun, verb) = if names.len() == 1 { ("entry", "is") } else { ("entries", "are") };
        let (names, first) = (names.join(", "), self.damaged.first()?);
        Some(format!(
            "cache {noun} {names} {verb} not what was saved on {:.0}: the archive was changed on disk, so it is not restored \
             but removed, and can be saved anew",
            first.created_at
        ))
    }
}

/// An archive that answered a request.
pub(crate) struct Found {
    pub(crate) scope: String,
    pub(crate) created_at: Timestamp,
    pub(crate) key: String,
    pub(crate) blob: PathBuf,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

impl Reservation {
    /// The number that the entry will have.
    pub(crate) fn number(&self) -> u64 {
        entry_number(&self.scope, &self.version, &self.key)
    }
}

/// The sole right to write one entry, until it is dropped.
pub(crate) struct Reservation {
    pub(crate) scope: String,
    pub(crate) version: String,
    pub(crate) key: String,
    path: PathBuf,
    _lock: File,
}

impl Store {
    /// Opens the store, making its folders, and removes what dead processes left unfinished.
    pub(crate) fn open(root: &Path, limit: u64) -> Result<Self, ServicesError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |err| ServicesError::Store { path, err }
        };
        for folder in ["entries", "blobs", "used", "reserved", "uploads"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).map_err(at(&folder))?;
        }
        let all = root.join("uploads");
        // Keeps another process from seeing this one's new folder before it is locked.
        let gate = open_lock(&root.join("opening.lock")).map_err(at(&all))?;
        gate.lock().map_err(at(&all))?;
        sweep(&all).map_err(at(&all))?;
        let uploads = all.join(Uuid::new_v4().to_string());
        fs::create_dir(&uploads).map_err(at(&uploads))?;
        let in_use = open_lock(&uploads.join(LOCK)).map_err(at(&uploads))?;
        in_use.lock().map_err(at(&uploads))?;
        Ok(Self { root: root.to_owned(), limit, uploads, _in_use: in_use })
    }

    /// Where unfinished uploads of this process go.
    pub(crate) fn uploads(&self) -> &Path {
        &self.uploads
    }

    /// Bytes that all entries together may have, and so any one of them.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Finds the archive that answers a request, and counts that as a use. An entry whose archive is missing is as good as
    /// absent; one whose archive is not what was saved is removed, and the next best answers.
    pub(crate) fn find(&self, wanted: &Wanted<'_>) -> io::Result<Look> {
        let mut entries = self.entries(wanted.version)?;
        let mut look = Look::default();
        while let Some(entry) = choose(&entries, wanted).cloned() {
            let blob = self.blob(&entry.sha256);
            if is_intact(&blob, &entry)? {
                self.note_use(&entry)?;
                look.found = Some(Found {
                    scope: entry.scope,
                    created_at: entry.created_at,
                    key: entry.key,
                    blob,
                    size: entry.size,
                    sha256: entry.sha256,
                });
                break;
            }
            self.discard(&entry.sha256)?;
            entries.retain(|it| it.sha256 != entry.sha256);
            look.damaged.push(entry);
        }
        Ok(look)
    }

    /// Takes the sole right to write an entry; `None` when it exists or another is writing it.
    pub(crate) fn reserve(&self, scope: &str, version: &str, key: &str) -> io::Result<Option<Reservation>> {
        let path = self.root.join("reserved").join(entry_name(scope, version, key));
        let Some(lock) = try_own(&path)? else { return Ok(None) };
        if self.is_there(scope, version, key)? {
            fs::remove_file(&path)?;
            return Ok(None);
        }
        Ok(Some(Reservation {
            scope: scope.to_owned(),
            version: version.to_owned(),
            key: key.to_owned(),
            path,
            _lock: lock,
        }))
    }

    /// Makes the entry visible: the archive first, then the file that names it; the archive's digest tells whether a power failure
    /// left it half, so that nobody waits for the disk. Returns the entry's number,
    /// or `None` if the entry has come to exist in the meantime.
    pub(crate) fn commit(&self, reservation: &Reservation, archive: Archive) -> io::Result<Option<u64>> {
        let Reservation { scope, version, key, .. } = reservation;
        let blob = self.blob(&archive.sha256);
        let file = self.entry_file(scope, version, key);
        let entry = Entry {
            scope: scope.clone(),
            version: version.clone(),
            key: key.clone(),
            created_at: Timestamp::now(),
            size: archive.size,
            sha256: archive.sha256,
        };
        let mut whole = NamedTempFile::new_in(&self.uploads)?;
        whole.write_all(&serde_json::to_vec(&entry)?)?;
        let _changing = self.lock()?;
        if self.is_there(scope, version, key)? {
            return Ok(None);
        }
        create_parent(&file)?;
        let is_new = !is_intact(&blob, &entry)?;
        if is_new {
            create_parent(&blob)?;
            archive.file.persist(&blob)?;
        }
        if let Err(err) = whole.persist(&file) {
            // Nobody would know of it.
            if is_new {
                remove_or_log(&blob, fs::remove_file(&blob));
            }
            return Err(err.error);
        }
        self.make_room(self.limit, Some(&file))?;
        Ok(Some(entry_number(scope, version, key)))
    }

    /// Whether there is an entry, and not only the rest of one that lost its archive.
    fn is_there(&self, scope: &str, version: &str, key: &str) -> io::Result<bool> {
        match fs::read(self.entry_file(scope, version, key)) {
            Ok(text) => {
                let entry: Option<Entry> = serde_json::from_slice(&text).ok();
                Ok(entry.is_some_and(|it| holds(&self.blob(&it.sha256), it.size)))
            }
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(err) => Err(err),
        }
    }

    /// The entries of a version that can be served.
    fn entries(&self, version: &str) -> io::Result<Vec<Entry>> {
        let folder = match fs::read_dir(self.version_folder(version)) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        let mut entries = Vec::new();
        for file in folder {
            let file = file?.path();
            let Some(text) = read_if_there(&file)? else { continue };
            match serde_json::from_slice::<Entry>(&text) {
                Ok(entry) if holds(&self.blob(&entry.sha256), entry.size) => entries.push(entry),
                Ok(entry) => tracing::warn!(key = entry.key, file = %file.display(), "archive missing or cut short"),
                Err(err) => tracing::warn!(file = %file.display(), %err, "no cache entry"),
            }
        }
        Ok(entries)
    }

    fn blob(&self, sha256: &str) -> PathBuf {
        self.root.join("blobs").join(sha256.get(..2).unwrap_or_default()).join(sha256)
    }

    fn version_folder(&self, version: &str) -> PathBuf {
        self.root.join("entries").join(hex::encode(Sha256::digest(version)))
    }

    fn entry_file(&self, scope: &str, version: &str, key: &str) -> PathBuf {
        self.version_folder(version).join(format!("{}.json", entry_name(scope, version, key)))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        remove_or_log(&self.uploads, fs::remove_dir_all(&self.uploads));
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // While the lock is still held: whoever waits on this file finds it gone and takes a new one.
        remove_or_log(&self.path, fs::remove_file(&self.path));
    }
}

const LOCK: &str = "lock";

/// Removes the upload folders whose process is gone.
fn sweep(uploads: &Path) -> io::Result<()> {
    for folder in fs::read_dir(uploads)? {
        let folder = folder?.path();
        let abandoned = match File::open(folder.join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            // Its process died, or is dying, between making or removing the folder and the lock.
            Err(err) => err.kind() == io::ErrorKind::NotFound,
        };
        if abandoned {
            remove_or_log(&folder, fs::remove_dir_all(&folder));
        }
    }
    Ok(())
}

/// Locks a file that its owner removes when done; `None` if it is owned.
fn try_own(path: &Path) -> io::Result<Option<File>> {
    loop {
        let file = open_lock(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(err)) => return Err(err),
        }
        // The file may have been removed between opening and locking; a lock on a nameless file keeps nobody out.
        match fs::metadata(path) {
            Ok(named) if named.ino() == file.metadata()?.ino() => return Ok(Some(file)),
            Ok(_) => {}
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            Err(err) => return Err(err),
        }
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

fn holds(blob: &Path, size: u64) -> bool {
    fs::metadata(blob).is_ok_and(|it| it.is_file() && it.len() == size)
}

/// What another process may be removing right now.
fn read_if_there(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Whether a blob is what the entry says, byte for byte.
fn is_intact(blob: &Path, entry: &Entry) -> io::Result<bool> {
    if !holds(blob, entry.size) {
        return Ok(false);
    }
    has_digest(blob, &entry.sha256)
}

fn create_parent(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}

fn entry_digest(scope: &str, version: &str, key: &str) -> [u8; 32] {
    // A zero byte cannot occur in a ref, so the parts do not run together.
    Sha256::digest([scope, version, key].join("\0")).into()
}

fn entry_name(scope: &str, version: &str, key: &str) -> String {
    hex::encode(entry_digest(scope, version, key))
}

/// The entry's number for clients: 52 bits, so that it survives a JavaScript number.
fn entry_number(scope: &str, version: &str, key: &str) -> u64 {
    let digest = entry_digest(scope, version, key);
    let first = digest.first_chunk::<8>().expect("a SHA-256 digest has 32 bytes");
    u64::from_be_bytes(*first) >> 12
}

fn remove_or_log(path: &Path, result: io::Result<()>) {
    if let Err(err) = result
        && err.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %err, "could not be removed");
    }
}

#[cfg(test)]
mod tests;
