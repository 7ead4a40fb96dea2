//! `mount(2)` and its relatives, with errors that say what was tried.

use std::fmt::{self, Display};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;
use nix::sys::statvfs::{FsFlags, statvfs};

/// What could not be done, and what the system said.
#[derive(Debug)]
pub(super) struct SetupError {
    action: String,
    err: io::Error,
}

impl SetupError {
    pub(super) fn new(action: impl Into<String>, err: io::Error) -> Self {
        Self { action: action.into(), err }
    }
}

impl Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}: {}", self.action, self.err)?;
        if self.err.kind() == io::ErrorKind::PermissionDenied {
            write!(f, " (this machine does not allow it; run wfrun as root, or use `--backend docker`)")?;
        }
        Ok(())
    }
}

/// A file or directory that stays reachable when its path is covered by a mount.
#[derive(Debug)]
pub(super) struct Held {
    fd: OwnedFd,
    path: PathBuf,
    is_dir: bool,
}

impl Held {
    pub(super) fn open(path: &Path) -> Result<Self, SetupError> {
        let attempt = || -> io::Result<Self> {
            let fd = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
            Ok(Self { fd, path: path.to_owned(), is_dir: path.is_dir() })
        };
        attempt().map_err(|err| SetupError::new(format!("open {}", path.display()), err))
    }

    /// Makes it visible at `target` too, which is made if it is missing.
    pub(super) fn bind(&self, target: &Path, read_only: bool, recursive: bool) -> Result<(), SetupError> {
        if self.is_dir {
            make_dir(target)?;
        } else {
            make_file(target)?;
        }
        let mut flags = MsFlags::MS_BIND;
        flags.set(MsFlags::MS_REC, recursive);
        let source = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
        call(format!("mount {} at {}", self.path.display(), target.display()), || {
            mount(Some(source.as_str()), target, None::<&str>, flags, None::<&str>)
        })?;
        if read_only { make_read_only(target) } else { Ok(()) }
    }
}

/// Mounts a file system of the kernel's.
pub(super) fn mount_new(kind: &str, target: &Path, flags: MsFlags, options: &str) -> Result<(), SetupError> {
    call(format!("mount {kind} at {}", target.display()), || {
        mount(Some("wfrun"), target, Some(kind), flags, Some(options))
    })
}

/// Writes an overlay's layers as one mount option; `None` where the kernel could not read it back.
pub(super) fn overlay_options(lower: &Path, upper: &Path, work: &Path, is_root: bool) -> Option<String> {
    let [lower, upper, work] = [lower.to_str()?, upper.to_str()?, work.to_str()?];
    if [lower, upper, work].iter().any(|path| path.contains([',', ':', '\\'])) {
        return None;
    }
    // In a user namespace the kernel's own marks may not be written: it uses ordinary attributes then.
    let marks = if is_root { "" } else { ",userxattr" };
    Some(format!("lowerdir={lower},upperdir={upper},workdir={work}{marks}"))
}

/// Changes how mounts spread between namespaces.
pub(super) fn set_propagation(flags: MsFlags) -> Result<(), SetupError> {
    call("cut mounts off from this machine".to_owned(), || {
        mount(None::<&str>, "/", None::<&str>, flags | MsFlags::MS_REC, None::<&str>)
    })
}

/// Makes a mount read-only, and lets its other restrictions be: a user namespace may not lift them.
pub(super) fn make_read_only(target: &Path) -> Result<(), SetupError> {
    call(format!("make {} read-only", target.display()), || {
        let known = statvfs(target)?.flags();
        let mut flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
        flags.set(MsFlags::MS_NOSUID, known.contains(FsFlags::ST_NOSUID));
        flags.set(MsFlags::MS_NODEV, known.contains(FsFlags::ST_NODEV));
        flags.set(MsFlags::MS_NOEXEC, known.contains(FsFlags::ST_NOEXEC));
        flags.set(MsFlags::MS_NOATIME, known.contains(FsFlags::ST_NOATIME));
        flags.set(MsFlags::MS_RELATIME, known.contains(FsFlags::ST_RELATIME));
        mount(None::<&str>, target, None::<&str>, flags, None::<&str>)
    })
}

pub(super) fn make_dir(path: &Path) -> Result<(), SetupError> {
    fs::create_dir_all(path).map_err(|err| SetupError::new(format!("make the directory {}", path.display()), err))
}

/// Makes an empty file, unless something is there.
fn make_file(path: &Path) -> Result<(), SetupError> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_dir(parent)?;
    }
    write(path, "")
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), SetupError> {
    fs::write(path, text).map_err(|err| SetupError::new(format!("write {}", path.display()), err))
}

pub(super) fn call(action: String, call: impl FnOnce() -> nix::Result<()>) -> Result<(), SetupError> {
    call().map_err(|err| SetupError::new(action, err.into()))
}
