use std::collections::HashSet;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, chownat, fchown, fstat, openat, readlinkat, statat};
use rustix::fs::{Gid, Uid};

use crate::mount_table::unescaped;

/// A folder, opened before anything runs that could put another in its place, and whose it was then.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    owner: (u32, u32),
}

impl Folder {
    /// Nothing where it is not there.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let fd = open_at(CWD, path).ok()?;
        let metadata = fstat(&fd).ok()?;
        Some(Self { fd, owner: (metadata.st_uid, metadata.st_gid) })
    }

    /// Makes everything in the folder belong to the folder's owner, as this process sees them.
    ///
    /// What root writes in a container is root's on the machine as well, where the user who owns the folder could not even
    /// remove it. An engine without root shows the user's folder as root's: then there is nothing to do, and so there is
    /// where a workspace is an overlay, which only root makes. Best effort: a container's user may not be allowed to.
    ///
    /// Invariant: what is mounted below the folder is somebody else's, such as a folder of this machine that
    /// `container.volumes` names. It is neither entered nor given away, and links are not followed.
    pub(super) fn give_back(&self) {
        if self.owner.0 == geteuid().as_raw() {
            return;
        }
        // Without the table nobody knows what is mounted.
        let Ok(table) = fs::read("/proc/thread-self/mountinfo") else { return };
        // The name by which the table knows it: a path may lead here over links.
        let Ok(place) = readlinkat(CWD, format!("/proc/thread-self/fd/{}", self.fd.as_raw_fd()), Vec::new()) else {
            return;
        };
        let mounted = mount_points(&table);
        give(&self.fd, Path::new(&OsString::from_vec(place.into_bytes())), self.owner, &mounted);
        if fstat(&self.fd).is_ok_and(|it| (it.st_uid, it.st_gid) != self.owner) {
            fchown(&self.fd, Some(Uid::from_raw(self.owner.0)), Some(Gid::from_raw(self.owner.1))).ok();
        }
    }
}

/// Goes from one open folder to the next, so that no path can be swapped on the way.
fn give(folder: &OwnedFd, place: &Path, owner: (u32, u32), mounted: &HashSet<PathBuf>) {
    for name in names(folder).unwrap_or_default() {
        let place = place.join(OsStr::from_bytes(name.as_bytes()));
        if mounted.contains(&place) {
            continue;
        }
        let Ok(metadata) = statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        if FileType::from_raw_mode(metadata.st_mode) == FileType::Directory
            && let Ok(below) = open_at(folder, &name)
        {
            give(&below, &place, owner, mounted);
        }
        if (metadata.st_uid, metadata.st_gid) != owner {
            let (user, group) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
            chownat(folder, &name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW).ok();
        }
    }
}

fn open_at(folder: impl AsFd, path: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(folder, path, flags, Mode::empty())?)
}

/// All at once: one descriptor for each depth is enough.
fn names(folder: &OwnedFd) -> io::Result<Vec<CString>> {
    let entries = Dir::read_from(folder)?.filter_map(Result::ok).map(|it| it.file_name().to_owned());
    Ok(entries.filter(|it| ![&b"."[..], b".."].contains(&it.as_bytes())).collect())
}

/// The places of `/proc/self/mountinfo`; folders as well as files.
fn mount_points(table: &[u8]) -> HashSet<PathBuf> {
    let lines = table.split(|it| *it == b'\n');
    lines
        .filter_map(|it| it.split(|it| *it == b' ').nth(4))
        .map(|it| OsString::from_vec(unescaped(it)).into())
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::print_stdout, reason = "what is skipped must be seen")]

    use std::os::unix::fs::{MetadataExt as _, lchown, symlink};

    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};

    use super::*;

    const OTHER: u32 = 61_234;

    fn owner(path: &Path) -> u32 {
        path.symlink_metadata().expect("a file").uid()
    }

    fn is_root() -> bool {
        let is_root = geteuid().is_root();
        if !is_root {
            println!("skipped: only root gives files away");
        }
        is_root
    }

    #[test]
    fn all_belongs_to_the_folder_s_owner_and_links_are_not_followed() {
        if !is_root() {
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let (folder, outside) = (dir.path().join("folder"), dir.path().join("outside"));
        fs::create_dir_all(folder.join("a/b")).expect("folders");
        fs::create_dir(&outside).expect("a folder");
        fs::write(folder.join("a/b/file"), "").expect("a file");
        fs::write(outside.join("file"), "").expect("a file");
        symlink(&outside, folder.join("a/link")).expect("a link");
        Folder::open(&folder).expect("it is there").give_back();
        assert_eq!(owner(&folder.join("a/b/file")), 0);
        lchown(&folder, Some(OTHER), Some(OTHER)).expect("it is given");
        let opened = Folder::open(&folder).expect("it is there");
        // A step takes it, and puts another in its place.
        lchown(&folder, Some(0), Some(0)).expect("it is taken");
        fs::rename(&folder, dir.path().join("moved")).expect("it is moved");
        symlink(&outside, &folder).expect("a link");
        opened.give_back();
        for path in ["moved", "moved/a", "moved/a/b", "moved/a/b/file", "moved/a/link"] {
            assert_eq!(owner(&dir.path().join(path)), OTHER, "{path}");
        }
        assert_eq!((owner(&outside), owner(&outside.join("file"))), (0, 0));
        assert!(Folder::open(&folder).is_none(), "a link is no folder");
    }

    /// Folders and files of the same disk, at places with blanks in their names.
    #[test]
    fn what_is_mounted_is_left_alone() {
        if !is_root() {
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let (folder, data) = (dir.path().join("a work"), dir.path().join("data"));
        fs::create_dir_all(folder.join("a/some data")).expect("folders");
        fs::create_dir(&data).expect("a folder");
        for file in [folder.join("a/file"), folder.join("a/own"), data.join("file")] {
            fs::write(file, "").expect("a file");
        }
        lchown(&folder, Some(OTHER), Some(OTHER)).expect("it is given");
        let bind = |source: &Path, target: &Path| {
            mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>).expect("it is mounted");
        };
        let run = || {
            if let Err(err) = unshare(CloneFlags::CLONE_NEWNS) {
                return println!("skipped: nothing can be mounted: {err}");
            }
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("mounts are kept apart");
            bind(&data, &folder.join("a/some data"));
            bind(&data.join("file"), &folder.join("a/file"));
            Folder::open(&folder).expect("it is there").give_back();
            assert_eq!((owner(&folder.join("a")), owner(&folder.join("a/own"))), (OTHER, OTHER));
        };
        // A namespace for a thread, which ends with it.
        std::thread::scope(|scope| scope.spawn(run).join().expect("it ends"));
        assert_eq!((owner(&data), owner(&data.join("file"))), (0, 0));
    }
}
