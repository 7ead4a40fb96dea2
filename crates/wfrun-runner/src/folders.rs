use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

/// Removes a folder with all in it, also where a step has made parts of it read-only.
///
/// What is mounted in it is unmounted first: a run that was killed may have left a view of a tree there.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    crate::trees::unmount_below(folder);
    match std::fs::remove_dir_all(folder) {
        Err(err) if err.kind() == io::ErrorKind::PermissionDenied => {
            make_writable(folder);
            std::fs::remove_dir_all(folder)
        }
        other => other,
    }
}

/// Gives a temporary folder that is complete its place, for all to read; where somebody else was faster, with the same
/// files, theirs stays.
pub(crate) fn put_in_place(complete: TempDir, place: &Path) -> io::Result<()> {
    // A temporary folder is its owner's alone.
    std::fs::set_permissions(complete.path(), Permissions::from_mode(0o755))?;
    let complete = complete.keep();
    let Err(err) = std::fs::rename(&complete, place) else { return Ok(()) };
    remove_folder(&complete)?;
    if place.is_dir() { Ok(()) } else { Err(err) }
}

/// Folders only: a file is removed by who may write to its folder. Links are not followed.
fn make_writable(folder: &Path) {
    if std::fs::set_permissions(folder, Permissions::from_mode(0o700)).is_err() {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_become_writable_and_links_are_left_alone() {
        let outside = tempfile::tempdir().expect("a folder");
        let dir = tempfile::tempdir().expect("a folder");
        let (upper, lower) = (dir.path().join("a"), dir.path().join("a/b"));
        std::fs::create_dir_all(&lower).expect("folders");
        std::os::unix::fs::symlink(outside.path(), lower.join("link")).expect("a link");
        for folder in [&lower, &upper, &outside.path().to_owned()] {
            std::fs::set_permissions(folder, Permissions::from_mode(0o555)).expect("read-only");
        }
        make_writable(dir.path());
        let mode = |path: &Path| path.metadata().expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&upper), mode(&lower), mode(outside.path())), (0o700, 0o700, 0o555));
        remove_folder(&upper).expect("it goes");
        assert!(!upper.exists());
    }
}
