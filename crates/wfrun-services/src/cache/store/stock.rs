//! What is in the store, how much of it is used, and what has to go.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;

use super::{Entry, Store, entry_name, entry_number, holds, open_lock, read_if_there, remove_or_log};

/// An entry with what became of it.
pub(crate) struct Stocked {
    pub(crate) entry: Entry,
    /// When it was given out for the last time, or else made.
    pub(crate) used_at: Timestamp,
    /// How many times it was given out.
    pub(crate) hits: u64,
    /// Whether its archive is there in its whole length.
    pub(crate) is_whole: bool,
    file: PathBuf,
}

impl Stocked {
    /// The entry's number, as clients are told it.
    pub(crate) fn number(&self) -> u64 {
        entry_number(&self.entry.scope, &self.entry.version, &self.entry.key)
    }
}

impl Store {
    /// Counts one more use. A byte is appended at once or not at all, so no use is lost between processes.
    pub(super) fn note_use(&self, entry: &Entry) -> io::Result<()> {
        let path = self.used(entry);
        OpenOptions::new().create(true).append(true).open(path)?.write_all(b".")
    }

    /// All entries, the one used last first.
    pub(crate) fn stock(&self) -> io::Result<Vec<Stocked>> {
        let mut all = Vec::new();
        for version in fs::read_dir(self.root.join("entries"))? {
            for file in fs::read_dir(version?.path())? {
                let file = file?.path();
                let Some(text) = read_if_there(&file)? else { continue };
                match serde_json::from_slice::<Entry>(&text) {
                    Ok(entry) => all.push(self.stocked(entry, file)?),
                    Err(err) => tracing::warn!(file = %file.display(), %err, "no cache entry"),
                }
            }
        }
        all.sort_by(|a, b| (b.used_at, &b.entry.key).cmp(&(a.used_at, &a.entry.key)));
        Ok(all)
    }

    fn stocked(&self, entry: Entry, file: PathBuf) -> io::Result<Stocked> {
        let used = match fs::metadata(self.used(&entry)) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => None,
            metadata => Some(metadata?),
        };
        let last = used.as_ref().and_then(|it| it.modified().ok()).and_then(moment);
        let used_at = last.map_or(entry.created_at, |it| it.max(entry.created_at));
        let is_whole = holds(&self.blob(&entry.sha256), entry.size);
        Ok(Stocked { entry, used_at, hits: used.map_or(0, |it| it.len()), is_whole, file })
    }

    /// Removes entries, and the archives that no other entry has. Returns what was removed.
    pub(crate) fn remove(&self, goes: impl Fn(&Stocked) -> bool) -> io::Result<Vec<Stocked>> {
        let _changing = self.lock()?;
        self.remove_locked(goes)
    }

    /// Removes the entries that were used least recently until the others have no more than `limit` bytes together, as GitHub
    /// counts them: each with its whole size. `newest` stays in any case.
    pub(super) fn make_room(&self, limit: u64, newest: Option<&Path>) -> io::Result<Vec<Stocked>> {
        let mut sum = 0_u64;
        let mut going = HashSet::new();
        // The newest counts first, whatever its clock says.
        let (first, others): (Vec<_>, Vec<_>) =
            self.stock()?.into_iter().partition(|it| newest.is_some_and(|newest| it.file == newest));
        for it in first.iter().chain(&others) {
            sum = sum.saturating_add(it.entry.size);
            if sum > limit && newest.is_none_or(|newest| it.file != newest) {
                going.insert(it.file.clone());
            }
        }
        if going.is_empty() { Ok(Vec::new()) } else { self.remove_locked(|it| going.contains(&it.file)) }
    }

    /// The same, for those who hold no lock.
    pub(crate) fn shrink(&self, limit: u64) -> io::Result<Vec<Stocked>> {
        let _changing = self.lock()?;
        self.make_room(limit, None)
    }

    /// Removes an archive that is not what its name says, with all entries that have it.
    pub(super) fn discard(&self, sha256: &str) -> io::Result<()> {
        self.remove(|it| it.entry.sha256 == sha256).map(drop)
    }

    fn remove_locked(&self, goes: impl Fn(&Stocked) -> bool) -> io::Result<Vec<Stocked>> {
        let (going, staying): (Vec<_>, Vec<_>) = self.stock()?.into_iter().partition(goes);
        let kept: HashSet<&str> = staying.iter().map(|it| it.entry.sha256.as_str()).collect();
        for it in &going {
            // The entry first: what is left of a removal that breaks off is an archive without an entry, and is not seen.
            fs::remove_file(&it.file)?;
            let used = self.used(&it.entry);
            remove_or_log(&used, fs::remove_file(&used));
            let blob = self.blob(&it.entry.sha256);
            if !kept.contains(it.entry.sha256.as_str()) {
                remove_or_log(&blob, fs::remove_file(&blob));
            }
        }
        Ok(going)
    }

    /// Removes archives that no entry has: those of removals and saves that broke off. Returns their bytes.
    pub(crate) fn sweep_blobs(&self) -> io::Result<u64> {
        let _changing = self.lock()?;
        let kept: HashSet<String> = self.stock()?.into_iter().map(|it| it.entry.sha256).collect();
        let mut freed = 0;
        for folder in fs::read_dir(self.root.join("blobs"))? {
            for blob in fs::read_dir(folder?.path())? {
                let blob = blob?;
                if !kept.contains(&*blob.file_name().to_string_lossy()) {
                    freed += blob.metadata()?.len();
                    fs::remove_file(blob.path())?;
                }
            }
        }
        Ok(freed)
    }

    /// Keeps all others from changing what is there.
    pub(super) fn lock(&self) -> io::Result<File> {
        let lock = open_lock(&self.root.join("changing.lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    fn used(&self, entry: &Entry) -> PathBuf {
        self.root.join("used").join(entry_name(&entry.scope, &entry.version, &entry.key))
    }
}

fn moment(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}
