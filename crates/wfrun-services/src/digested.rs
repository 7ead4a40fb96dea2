//! Whether files on disk are what they were.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

const READ_BUFFER: usize = 256 * 1024;

/// Whether a file's content has this SHA-256, in hexadecimal.
pub(crate) fn has_digest(file: &Path, sha256: &str) -> io::Result<bool> {
    let mut file = File::open(file)?;
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; READ_BUFFER]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finalize()) == sha256),
            count => digest.update(&buffer[..count]),
        }
    }
}

/// The files that were found to be what they should be: they are read again only where they were changed since.
#[derive(Default)]
pub(crate) struct Digested {
    files: Mutex<HashMap<PathBuf, State>>,
}

/// What of a file changes with each change of it.
#[derive(PartialEq, Eq)]
struct State {
    inode: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

impl Digested {
    /// Takes it that a file is what it should be: its digest was made while it was written.
    pub(crate) fn trust(&self, file: &Path) -> io::Result<()> {
        let state = state(file)?;
        self.lock().insert(file.to_owned(), state);
        Ok(())
    }

    /// Whether a file's content has this SHA-256.
    pub(crate) fn has(&self, file: &Path, sha256: &str) -> io::Result<bool> {
        // Before it is read: what changes meanwhile is seen the next time.
        let state = state(file)?;
        if self.lock().get(file) == Some(&state) {
            return Ok(true);
        }
        let has = has_digest(file, sha256)?;
        if has {
            self.lock().insert(file.to_owned(), state);
        }
        Ok(has)
    }

    pub(crate) fn forget(&self, file: &Path) {
        self.lock().remove(file);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, State>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn state(file: &Path) -> io::Result<State> {
    let facts = fs::metadata(file)?;
    let inode = (facts.dev(), facts.ino());
    Ok(State { inode, size: facts.len(), changed: (facts.ctime(), facts.ctime_nsec()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("f");
        let sum = |text: &str| hex::encode(Sha256::digest(text));
        let digested = Digested::default();
        fs::write(&file, "one").expect("a file");
        // It is not read: the digest is not its own.
        digested.trust(&file).expect("is there");
        assert!(digested.has(&file, &sum("other")).expect("is there"));
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&file, "two").expect("a file");
        assert!(!digested.has(&file, &sum("one")).expect("is there"));
        assert!(digested.has(&file, &sum("two")).expect("is there"));
        digested.forget(&file);
        assert!(!digested.has(&file, &sum("one")).expect("is there"));
        fs::remove_file(&file).expect("is there");
        assert!(digested.has(&file, &sum("two")).is_err());
    }
}
