use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::Path;

use nix::unistd::geteuid;

/// Makes everything in a folder belong to the folder's owner, as this process sees them.
///
/// What root writes in a container is root's on the machine as well, where the user who owns the folder could not even remove
/// it. An engine without root shows the user's folder as root's: then there is nothing to do. Best effort: a container's user
/// may not be allowed to. Links are not followed.
pub(super) fn give_back(folder: &Path) {
    let Ok(owner) = folder.symlink_metadata() else { return };
    if owner.uid() != geteuid().as_raw() {
        give(folder, owner.uid(), owner.gid());
    }
}

fn give(folder: &Path, user: u32, group: u32) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let path = entry.path();
        if metadata.is_dir() {
            give(&path, user, group);
        }
        if (metadata.uid(), metadata.gid()) != (user, group) {
            lchown(&path, Some(user), Some(group)).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::print_stdout, reason = "what is skipped must be seen")]

    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn all_belongs_to_the_folder_s_owner_and_links_are_not_followed() {
        if !geteuid().is_root() {
            println!("skipped: only root gives files away");
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let (folder, outside) = (dir.path().join("folder"), dir.path().join("outside"));
        fs::create_dir_all(folder.join("a/b")).expect("folders");
        fs::create_dir(&outside).expect("a folder");
        fs::write(folder.join("a/b/file"), "").expect("a file");
        fs::write(outside.join("file"), "").expect("a file");
        symlink(&outside, folder.join("a/link")).expect("a link");
        let owner = |path: &str| dir.path().join(path).symlink_metadata().expect("a file").uid();
        give_back(&folder);
        assert_eq!(owner("folder/a/b/file"), 0);
        lchown(&folder, Some(61_234), Some(61_234)).expect("it is given");
        give_back(&folder);
        for path in ["folder/a", "folder/a/b", "folder/a/b/file", "folder/a/link"] {
            assert_eq!(owner(path), 61_234, "{path}");
        }
        assert_eq!((owner("outside"), owner("outside/file")), (0, 0));
    }
}
