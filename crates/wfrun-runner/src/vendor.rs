//! Vendored folders: all that workflows can need, in one place, with a lock.
//!
//! A commit's files are at `OWNER/NAME/COMMIT`, in small letters, images at `_images`, tools at `_tools`, a Node at `_node`: no
//! owner begins with `_`. `wfrun.lock` says which commit each ref names, and has the digest of every other file. What is there is used
//! as it lies; nothing is written to it but by making it anew.
mod archive;
mod image;
mod lock;
mod tree;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use self::archive::{begins_as_archive, pack, unpack};
pub use self::image::{file_name as image_file_name, normalise as normalise_image};
pub use self::lock::{LOCK_FILE, Lock, LockedImage, LockedNode, LockedRepository, LockedTool};
pub use self::tree::Mismatch;
pub use self::write::{Vendoring, replace};
use crate::actions::{Content, Origin};
use crate::tools::{FoundTool, arch};

/// Where images lie.
pub const IMAGES: &str = "_images";
/// Where tools lie, as in the tool cache.
pub const TOOLS: &str = "_tools";

/// Where the Node for JavaScript actions lies.
const NODE: &str = "_node";

/// A vendored folder.
#[derive(Debug, Clone)]
pub struct Vendored {
    /// Where it is, absolute.
    pub folder: PathBuf,
    /// What it says of itself.
    pub lock: Lock,
}

/// A vendored folder cannot be used or made.
#[derive(Debug, Error)]
pub enum VendorError {
    /// It has no lock.
    #[error("there is no {LOCK_FILE} in {}", folder.display())]
    NoLock {
        /// The folder.
        folder: PathBuf,
    },
    /// Its lock is bad.
    #[error("{} is no lock that this wfrun can read: {message}", path.display())]
    BadLock {
        /// The lock.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// It could not be read or written.
    #[error("failed to {action} {}", path.display())]
    Files {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        #[source]
        err: io::Error,
    },
}

impl VendorError {
    pub(crate) fn files(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |err| Self::Files { action, path: path.clone(), err }
    }
}

impl Vendored {
    /// Reads the lock of a folder; the rest of it is not looked at yet.
    pub fn open(folder: &Path) -> Result<Self, VendorError> {
        let folder = std::path::absolute(folder).map_err(VendorError::files("find", folder))?;
        let path = folder.join(LOCK_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Err(VendorError::NoLock { folder }),
            Err(err) => return Err(VendorError::files("read", &path)(err)),
        };
        let lock = Lock::parse(&text).map_err(|message| VendorError::BadLock { path, message })?;
        Ok(Self { folder, lock })
    }

    /// Whether a folder is one.
    pub fn is_at(folder: &Path) -> bool {
        folder.join(LOCK_FILE).is_file()
    }

    /// Compares every file with the lock: what was changed, added, or taken away, in order of the paths.
    pub fn verify(&self) -> Result<Vec<Mismatch>, VendorError> {
        let found = tree::digests(&self.folder)?;
        Ok(tree::compare(&self.lock.files, &found))
    }

    /// The files of a repository at a ref, if it was vendored.
    pub fn repository(&self, name: &str, git_ref: &str) -> Option<Content> {
        let locked = self.lock.repository(name, git_ref)?;
        let folder = self.folder.join(&locked.folder);
        let origin = Origin::Vendored(self.folder.clone());
        folder.is_dir().then(|| Content { folder, commit: locked.commit.clone(), origin })
    }

    /// The tools that were vendored.
    pub fn tools(&self) -> Vec<FoundTool> {
        let cache = self.folder.join(TOOLS);
        self.lock.tools.iter().map(|it| FoundTool { tool: it.clone(), cache: cache.clone() }).collect()
    }

    /// The Node for JavaScript actions that was vendored for this machine's processor: the program, and its version.
    pub fn node(&self) -> Option<(PathBuf, String)> {
        let locked = self.lock.nodes.iter().rfind(|it| it.arch == arch())?;
        let path = self.folder.join(&locked.file);
        path.is_file().then(|| (path, locked.version.clone()))
    }

    /// The image of a name, if it was vendored: what the lock says, and its archive.
    pub fn image(&self, name: &str) -> Option<(&LockedImage, PathBuf)> {
        let locked = self.lock.images.iter().find(|it| it.name == name)?;
        let path = self.folder.join(&locked.file);
        path.is_file().then_some((locked, path))
    }
}
