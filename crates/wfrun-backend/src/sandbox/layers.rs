//! The file system: this machine's directories below, a memory file system for all changes above.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;

use super::mount::{Held, SetupError, call, make_dir, make_read_only, mount_new, overlay_options};
use super::mount_table::{OWN, sub_mounts};

/// So deep an unprivileged user's tree is taken apart where a directory cannot carry an overlay.
const DEPTH: usize = 3;

/// Makes layers below one directory.
#[derive(Debug)]
pub(super) struct Layers<'a> {
    scratch: &'a Path,
    is_root: bool,
    count: usize,
}

impl<'a> Layers<'a> {
    pub(super) fn new(scratch: &'a Path, is_root: bool) -> Self {
        Self { scratch, is_root, count: 0 }
    }

    /// Makes the new root below the scratch directory and returns where. Inside the namespaces all paths are this
    /// machine's still.
    pub(super) fn make_root(mut self, home: &Path) -> Result<PathBuf, SetupError> {
        let root = self.scratch.join("root");
        make_dir(&root)?;
        if self.is_root {
            self.cover_root(&root)?;
        } else {
            self.assemble_root(&root, home)?;
        }
        Ok(root)
    }

    /// One overlay over `/`, and one for each disk that is mounted below it.
    fn cover_root(&mut self, root: &Path) -> Result<(), SetupError> {
        self.overlay(Path::new("/"), root)?;
        let table = fs::read_to_string("/proc/self/mountinfo")
            .map_err(|err| SetupError::new("read the table of mounts", err))?;
        for mount in sub_mounts(&table) {
            let target = below(root, &mount.path);
            if mount.is_read_only || !mount.path.is_dir() || self.overlay(&mount.path, &target).is_err() {
                // What can neither carry an overlay nor be bound (a dead network share) is empty inside.
                bind_read_only(&mount.path, &target, false).ok();
            }
        }
        Ok(())
    }

    /// One overlay for each directory of `/`: a user namespace may not have one over `/` itself, which has mounts below.
    fn assemble_root(&mut self, root: &Path, home: &Path) -> Result<(), SetupError> {
        call("make the new root a mount".to_owned(), || {
            nix::mount::mount(Some(root), root, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        })?;
        for entry in entries(Path::new("/"))? {
            if OWN.iter().any(|own| entry == Path::new(own)) {
                make_dir(&below(root, &entry))?;
            } else if home.starts_with(&entry) && home != entry {
                make_dir(&below(root, home))?;
                self.carry(home, &below(root, home), DEPTH);
            } else if entry == Path::new("/opt") {
                // Directories of the sandbox's own are made in it, so it must belong to the user.
                self.take_apart(&entry, &below(root, &entry), 0);
            } else if entry != Path::new("/home") {
                self.carry(&entry, &below(root, &entry), DEPTH);
            }
        }
        Ok(())
    }

    /// Carries a file or directory over in the best way that the kernel allows; what it forbids is missing inside.
    fn carry(&mut self, source: &Path, target: &Path, depth: usize) {
        if let Ok(link) = fs::read_link(source) {
            symlink(link, target).ok();
        } else if !source.is_dir() {
            bind_read_only(source, target, true).ok();
        } else if make_dir(target).is_ok() && self.overlay(source, target).is_err() {
            if depth > 0 {
                self.take_apart(source, target, depth - 1);
            } else {
                bind_read_only(source, target, true).ok();
            }
        }
    }

    /// Makes a directory of our own with every entry of `source` carried over.
    fn take_apart(&mut self, source: &Path, target: &Path, depth: usize) {
        if make_dir(target).is_ok() {
            for entry in entries(source).unwrap_or_default() {
                let Some(name) = entry.file_name() else { continue };
                self.carry(&entry, &target.join(name), depth);
            }
        }
    }

    fn overlay(&mut self, lower: &Path, target: &Path) -> Result<(), SetupError> {
        self.count += 1;
        let layer = self.scratch.join(self.count.to_string());
        let (upper, work) = (layer.join("upper"), layer.join("work"));
        make_dir(&upper)?;
        make_dir(&work)?;
        copy_mode(lower, &upper);
        let refuse = || {
            SetupError::new(format!("name {} in a mount option", lower.display()), io::ErrorKind::InvalidInput.into())
        };
        let options = overlay_options(lower, &upper, &work, self.is_root).ok_or_else(refuse)?;
        // Devices: whoever can make a node here must not reach this machine's disks by it.
        mount_new("overlay", target, MsFlags::MS_NODEV, &options)
    }
}

/// The top of an overlay has the mode of its upper directory.
fn copy_mode(from: &Path, to: &Path) {
    if let Ok(metadata) = fs::metadata(from) {
        fs::set_permissions(to, metadata.permissions()).ok();
    }
}

fn bind_read_only(source: &Path, target: &Path, recursive: bool) -> Result<(), SetupError> {
    Held::open(source)?.bind(target, false, recursive)?;
    make_read_only(target)
}

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, SetupError> {
    let read = || -> io::Result<Vec<PathBuf>> { fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect() };
    read().map_err(|err| SetupError::new(format!("list {}", directory.display()), err))
}
