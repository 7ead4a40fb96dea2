//! A tree's files, made anew in a workspace: as clones, which share their blocks until one is written to, or as copies.
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::ioctl_ficlone;

/// More threads only wait for each other in the kernel.
const MOST_THREADS: usize = 8;

/// Fills an empty folder with all that is in `tree`; each file is cloned where that can be done. Times and modes are
/// kept.
pub(super) fn fill(tree: &Path, target: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    let mut folders = Vec::new();
    list(tree, Path::new(""), &mut folders, &mut files)?;
    for folder in &folders {
        fs::create_dir(target.join(folder))?;
    }
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let part = files.len().div_ceil(threads).max(1);
    let copy = |part: &[PathBuf]| part.iter().try_for_each(|it| copy(&tree.join(it), &target.join(it)));
    thread::scope(|scope| {
        let parts: Vec<_> = files.chunks(part).map(|part| scope.spawn(move || copy(part))).collect();
        // A panic of a thread is this one's.
        parts.into_iter().try_for_each(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    // The innermost first: one that may not be written to is full by then.
    for folder in folders.iter().rev() {
        fs::set_permissions(target.join(folder), tree.join(folder).metadata()?.permissions())?;
    }
    Ok(())
}

/// Whether files of one folder can be cloned; really tried.
pub(super) fn can_clone(folder: &Path) -> io::Result<bool> {
    let (mut from, to) = (tempfile::tempfile_in(folder)?, tempfile::tempfile_in(folder)?);
    io::Write::write_all(&mut from, b"clone")?;
    Ok(ioctl_ficlone(&to, &from).is_ok())
}

/// Paths below `tree`: folders before what is in them; all else, links too.
fn list(tree: &Path, below: &Path, folders: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(tree.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            folders.push(path.clone());
            list(tree, &path, folders, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = from.symlink_metadata()?;
    if metadata.is_symlink() {
        return symlink(fs::read_link(from)?, to);
    }
    let mut source = File::open(from)?;
    let mode = metadata.mode() & 0o7777;
    let mut made = OpenOptions::new().write(true).create_new(true).mode(mode).open(to)?;
    // An empty file has nothing to share.
    if metadata.len() > 0 && ioctl_ficlone(&made, &source).is_err() {
        io::copy(&mut source, &mut made)?;
    }
    // Whatever this process masks.
    made.set_permissions(Permissions::from_mode(mode))?;
    made.set_times(FileTimes::new().set_accessed(metadata.accessed()?).set_modified(metadata.modified()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_the_same_and_apart() {
        let dir = tempfile::tempdir().expect("a folder");
        let (tree, target) = (dir.path().join("tree"), dir.path().join("target"));
        for folder in ["tree/a/b/c", "tree/empty", "target"] {
            fs::create_dir_all(dir.path().join(folder)).expect("folders");
        }
        for number in 0..200 {
            fs::write(tree.join(format!("a/b/c/{number}")), "x".repeat(number * 100)).expect("a file");
        }
        fs::set_permissions(tree.join("a/b/c/7"), Permissions::from_mode(0o755)).expect("a file");
        fs::set_permissions(tree.join("a/b/c/8"), Permissions::from_mode(0o666)).expect("a file");
        fs::set_permissions(tree.join("a/b"), Permissions::from_mode(0o555)).expect("a folder");
        symlink("/nowhere", tree.join("link")).expect("a link");
        fill(&tree, &target).expect("it is filled");
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        list(&target, Path::new(""), &mut folders, &mut files).expect("a list");
        assert_eq!((folders.len(), files.len()), (4, 201));
        for it in &files {
            let (one, other) = (tree.join(it), target.join(it));
            let (old, new) = (one.symlink_metadata().expect("a file"), other.symlink_metadata().expect("a file"));
            assert_eq!((old.mode(), old.len()), (new.mode(), new.len()), "{}", it.display());
            assert_ne!(old.ino(), new.ino());
            if !old.is_symlink() {
                assert_eq!(old.modified().expect("a time"), new.modified().expect("a time"));
                assert_eq!(fs::read(&one).expect("text"), fs::read(&other).expect("text"));
            }
        }
        assert_eq!(fs::read_link(target.join("link")).expect("a link"), Path::new("/nowhere"));
        assert_eq!(target.join("a/b").metadata().expect("a folder").mode() & 0o777, 0o555);
        // What a step writes in place is not seen in the tree: no file is a hard link.
        fs::write(target.join("a/b/c/9"), "changed").expect("a file");
        assert_eq!(fs::read(tree.join("a/b/c/9")).expect("a file").len(), 900);
        // A folder that is not empty is not taken for one.
        fill(&tree, &target).expect_err("it is full");
    }

    #[test]
    fn whether_files_can_be_cloned_is_tried() {
        let dir = tempfile::tempdir().expect("a folder");
        // A file system in memory never can.
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            assert!(!can_clone(memory).expect("a folder"));
        }
        can_clone(dir.path()).expect("it can be tried");
        can_clone(Path::new("/nonexistent")).expect_err("no folder");
    }
}
