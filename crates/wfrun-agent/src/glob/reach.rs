//! The files that a search may see, which may lie elsewhere for whoever looks than for whoever wrote the patterns.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows on the way to one file.
const LINKS_LIMIT: usize = 40;

/// The folder that a search does not leave: of the folders above it only the way to it is there.
#[derive(Debug, Clone)]
pub struct Reach {
    shown: PathBuf,
    here: PathBuf,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A link that was not followed.
    Link,
    /// A pipe, a socket or a device.
    Special,
}

/// Where a path lies.
enum Place {
    /// Here.
    At(PathBuf),
    /// It is a folder above, and this is next on the way there.
    Above(OsString),
}

impl Reach {
    /// All of this machine.
    pub fn machine() -> Self {
        Self::of(Path::new("/"), Path::new("/"))
    }

    /// The folder that is at `shown` for those who write patterns and links, and at `here` for this process.
    ///
    /// Both are absolute; `here` is a folder of its own, without links in its path.
    pub fn of(shown: &Path, here: &Path) -> Self {
        Self { shown: shown.to_owned(), here: here.to_owned() }
    }

    /// The path without the links on the way to it, and without one at its end if `follows`; none if that is out of reach.
    ///
    /// An error is what the system says of it, `NotFound` for one.
    pub fn resolve(&self, path: &Path, follows: bool) -> io::Result<Option<PathBuf>> {
        let mut left: VecDeque<OsString> = components(path);
        let (mut real, mut links) = (PathBuf::from("/"), 0);
        while let Some(name) = left.pop_front() {
            if name == ".." {
                real.pop();
                continue;
            }
            real.push(&name);
            let Some(place) = self.place(&real) else { return Ok(None) };
            let Place::At(here) = place else { continue };
            let is_link = fs::symlink_metadata(&here)?.is_symlink();
            if !is_link || (left.is_empty() && !follows) {
                continue;
            }
            links += 1;
            if links > LINKS_LIMIT {
                return Err(nix::errno::Errno::ELOOP.into());
            }
            let target = fs::read_link(&here)?;
            real = if target.is_absolute() { PathBuf::from("/") } else { real.parent().unwrap_or(&real).to_owned() };
            for name in components(&target).into_iter().rev() {
                left.push_front(name);
            }
        }
        Ok(Some(real))
    }

    /// What is at a path that has no link on the way to it, and where that is; none if it is out of reach.
    pub fn look(&self, real: &Path, follows: bool) -> io::Result<Option<(PathBuf, Kind)>> {
        let here = match self.place(real) {
            None => return Ok(None),
            Some(Place::Above(_)) => return Ok(Some((real.to_owned(), Kind::Folder))),
            Some(Place::At(here)) => here,
        };
        let kind = fs::symlink_metadata(&here)?.file_type();
        if kind.is_symlink() && follows {
            let Some(target) = self.resolve(real, true)? else { return Ok(None) };
            return self.look(&target, false);
        }
        let kind = if kind.is_dir() {
            Kind::Folder
        } else if kind.is_symlink() {
            Kind::Link
        } else if kind.is_file() {
            Kind::File
        } else {
            Kind::Special
        };
        Ok(Some((real.to_owned(), kind)))
    }

    /// The names in a folder, in the order in which Node has them: of their bytes.
    pub(super) fn names(&self, real: &Path) -> io::Result<Vec<OsString>> {
        let here = match self.place(real) {
            None => return Ok(Vec::new()),
            Some(Place::Above(next)) => return Ok(vec![next]),
            Some(Place::At(here)) => here,
        };
        let mut names = fs::read_dir(here)?.map(|it| Ok(it?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        Ok(names)
    }

    fn place(&self, path: &Path) -> Option<Place> {
        if let Ok(rest) = path.strip_prefix(&self.shown) {
            let is_itself = rest.as_os_str().is_empty();
            return Some(Place::At(if is_itself { self.here.clone() } else { self.here.join(rest) }));
        }
        let next = self.shown.strip_prefix(path).ok()?.components().next()?;
        Some(Place::Above(next.as_os_str().to_owned()))
    }
}

/// The names of a path; `..` is one.
fn components(path: &Path) -> VecDeque<OsString> {
    let names = path.components().filter(|it| matches!(it, Component::Normal(_) | Component::ParentDir));
    names.map(|it| OsStr::to_owned(it.as_os_str())).collect()
}
