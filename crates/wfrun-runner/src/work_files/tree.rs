//! A tree of files put into a work folder, whatever steps do there at the same time.
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::symlinkat;

use super::{WorkFiles, give};
use crate::job_folders::Owner;

impl WorkFiles {
    /// Copies `entries` of a folder, each after the folder it is in, to `target`, where none of them may be yet.
    ///
    /// No link is followed, neither in the folder nor in the work folder: links are copied.
    pub(crate) fn put(&self, source: &Path, entries: &[PathBuf], target: &str) -> io::Result<()> {
        let mut root = self.root.try_clone()?;
        for name in target.split('/').filter(|it| !it.is_empty()) {
            root = folder(&root, Path::new(name), self.owner)?;
        }
        for entry in entries {
            let from = source.join(entry);
            let metadata = std::fs::symlink_metadata(&from)?;
            copy(&root, &from, &metadata, entry, self.owner).map_err(|err| {
                io::Error::new(err.kind(), format!("{}: {err}", Path::new(target).join(entry).display()))
            })?;
        }
        Ok(())
    }
}

fn copy(root: &OwnedFd, from: &Path, metadata: &Metadata, entry: &Path, owner: Option<Owner>) -> io::Result<()> {
    if metadata.is_dir() {
        folder(root, entry, owner)?;
    } else if metadata.is_symlink() {
        let (parent, name) = parent(root, entry)?;
        symlinkat(&std::fs::read_link(from)?, &parent, name)?;
    } else if metadata.is_file() {
        let mode = if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let mut to = File::from(open(root, entry, flags, Mode::from_bits_truncate(mode))?);
        give(&to, owner)?;
        io::copy(&mut File::open(from)?, &mut to)?;
    }
    Ok(())
}

/// Opens a folder, which is made if it is missing.
fn folder(root: &OwnedFd, path: &Path, owner: Option<Owner>) -> io::Result<OwnedFd> {
    let (above, name) = parent(root, path)?;
    let made = mkdirat(&above, name, Mode::from_bits_truncate(0o755));
    match made {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(err) => return Err(err.into()),
    }
    let opened = open(&above, Path::new(name), OFlag::O_DIRECTORY, Mode::empty())?;
    if made.is_ok() {
        give(&opened, owner)?;
    }
    Ok(opened)
}

/// The folder that a path is in, and its last name: what makes a new entry may have no folder to walk through.
fn parent<'a>(root: &OwnedFd, path: &'a Path) -> io::Result<(OwnedFd, &'a Path)> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let above = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((open(root, above, OFlag::O_DIRECTORY, Mode::empty())?, Path::new(name)))
}

fn open(root: &OwnedFd, path: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).mode(mode).resolve(resolve);
    Ok(openat2(root, path, how)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_tree_is_copied_and_no_link_leads_it_astray() {
        let dir = tempfile::tempdir().expect("a folder");
        let (from, to, outside) = (dir.path().join("from"), dir.path().join("to"), dir.path().join("outside"));
        for folder in [&from.join("dist"), &to, &outside] {
            std::fs::create_dir_all(folder).expect("folders");
        }
        std::fs::write(from.join("dist/run.sh"), "#!/bin/sh\n").expect("a file");
        std::fs::set_permissions(from.join("dist/run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("a mode");
        symlink("dist/run.sh", from.join("link")).expect("a link");
        let entries = ["dist", "dist/run.sh", "link"].map(PathBuf::from);
        let files = WorkFiles::at(&to).expect("it opens");
        files.put(&from, &entries, "_actions/o/r/releases/v1").expect("it is put there");
        let placed = to.join("_actions/o/r/releases/v1");
        assert_eq!(std::fs::read_to_string(placed.join("link")).expect("a file"), "#!/bin/sh\n");
        assert!(placed.join("link").is_symlink());
        assert_eq!(placed.join("dist/run.sh").metadata().expect("metadata").permissions().mode() & 0o777, 0o755);

        symlink(&outside, to.join("_actions/evil")).expect("a link");
        assert!(files.put(&from, &entries, "_actions/evil/r/v1").is_err());
        std::fs::create_dir_all(to.join("_actions/o/r/v2")).expect("folders");
        symlink(&outside, to.join("_actions/o/r/v2/dist")).expect("a link");
        assert!(files.put(&from, &entries, "_actions/o/r/v2").is_err());
        assert!(files.put(&from, &entries, "../outside/x").is_err());
        assert_eq!(std::fs::read_dir(&outside).expect("a folder").count(), 0);
    }
}
