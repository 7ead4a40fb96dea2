//! The files of a job's work folder, used from outside of the job.
//!
//! A step owns that folder and may put links into it. Nothing here follows one that leads out of it: what wfrun may read
//! and write on this machine is not the step's to choose.
mod tree;

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, fchown};

use crate::decode::decode;
use crate::job_folders::Owner;

/// A file command larger than this is not read: no step means it.
const READ_LIMIT: u64 = 64 << 20;

/// A work folder that stays the same folder, whatever happens to its path.
#[derive(Debug)]
pub(crate) struct WorkFiles {
    root: OwnedFd,
    /// Whose files and folders are that are made; none for this process's user.
    owner: Option<Owner>,
}

impl WorkFiles {
    /// Opens the folder.
    pub(crate) fn at(folder: &Path) -> io::Result<Self> {
        let root = open(folder, OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        Ok(Self { root, owner: None })
    }

    /// The same, with all that is made in it given to this user.
    pub(crate) fn given_to(self, owner: Option<Owner>) -> Self {
        Self { owner, ..self }
    }

    /// Makes a file, or makes it anew; its folder must exist.
    pub(crate) fn write(&self, path: &str, text: &str) -> io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_NONBLOCK;
        let mut file = self.open(path, flags)?;
        give(&file, self.owner)?;
        file.write_all(text.as_bytes())
    }

    /// Reads a file; what is no file, or not there, has no text.
    ///
    /// Bytes that are no UTF-8 become U+FFFD; it is another encoding where the file begins with that one's mark.
    /// Differs: a link that is absolute or leads out of the job's work folder is not followed, and a file of more than 64 MiB is an error.
    pub(crate) fn read(&self, path: &str) -> io::Result<String> {
        Ok(self.read_file(path)?.unwrap_or_default())
    }

    /// The same, with nothing for what is no file, or not there.
    pub(crate) fn read_file(&self, path: &str) -> io::Result<Option<String>> {
        self.read_at_most(path, READ_LIMIT)
    }

    /// The same with another limit in bytes.
    pub(crate) fn read_at_most(&self, path: &str, limit: u64) -> io::Result<Option<String>> {
        // Not to wait for whoever might write to a pipe in the file's place.
        let file = match self.open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK) {
            Ok(file) => file,
            Err(err) if is_nothing(&err) => return Ok(None),
            Err(err) => return Err(err),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(None);
        }
        if metadata.len() > limit {
            let message = format!("the file is larger than {} MiB", limit >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(Some(decode(&bytes)))
    }

    /// Whether there is a file at this path.
    pub(crate) fn has(&self, path: &str) -> io::Result<bool> {
        match self.open(path, OFlag::O_PATH) {
            Ok(file) => Ok(file.metadata()?.is_file()),
            Err(err) if is_nothing(&err) => Ok(false),
            Err(err) => Err(err),
        }
    }

    fn open(&self, path: &str, flags: OFlag) -> io::Result<File> {
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .mode(if flags.contains(OFlag::O_CREAT) { Mode::from_bits_truncate(0o644) } else { Mode::empty() })
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        match openat2(&self.root, path, how) {
            Ok(fd) => Ok(File::from(fd)),
            Err(Errno::EXDEV) => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, "the path leads out of the job's work folder"))
            }
            Err(err) => Err(err.into()),
        }
    }
}

/// Gives a file or folder to a user, if there is one to give it to.
fn give(file: impl AsFd, owner: Option<Owner>) -> io::Result<()> {
    match owner {
        Some(Owner { uid, gid }) => Ok(fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?),
        None => Ok(()),
    }
}

/// Whether there is nothing at a path, rather than something that could not be opened.
fn is_nothing(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_that_lead_out_are_not_followed() {
        let outside = tempfile::tempdir().expect("a folder");
        std::fs::write(outside.path().join("secret"), "s3cret").expect("a file");
        let inside = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(inside.path().join("temp")).expect("a folder");
        let files = WorkFiles::at(inside.path()).expect("it opens");
        files.write("temp/own", "A=1").expect("it is written");
        assert_eq!(files.read("temp/own").expect("it is read"), "A=1");
        assert_eq!(files.read("temp/none").expect("nothing is there"), "");
        symlink(outside.path().join("secret"), inside.path().join("temp/link")).expect("a link");
        symlink("own", inside.path().join("temp/near")).expect("a link");
        symlink(outside.path(), inside.path().join("away")).expect("a link");
        assert!(files.read("temp/link").is_err());
        assert!(files.read("away/secret").is_err());
        assert!(files.write("away/new", "x").is_err());
        assert!(files.read("../x").is_err());
        assert_eq!(files.read("temp/near").expect("a link inside is followed"), "A=1");
        assert!(!outside.path().join("new").exists());
    }

    #[test]
    fn a_pipe_in_a_file_s_place_does_not_block() {
        let inside = tempfile::tempdir().expect("a folder");
        nix::unistd::mkfifo(&inside.path().join("pipe"), Mode::S_IRWXU).expect("a pipe");
        let files = WorkFiles::at(inside.path()).expect("it opens");
        assert_eq!(files.read("pipe").expect("no text"), "");
    }
}
