//! Workspaces where no overlay can be mounted: clones or copies of a tree that is checked out once.
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::repo::Ran;
use crate::unprivileged::{User, can_sandbox};
use crate::workspace::{STEPS, repo, workspaces};

/// Runs the jobs of [`STEPS`] three times as a user whose cache is in `cache`; gives back how the workspaces were made.
fn runs(user: &User, cache: &Path) -> Vec<Vec<String>> {
    // What plumbing says goes by what git knows of each file, without reading it.
    let repo = repo(&STEPS.replace(
        "          test \"$(cat kept)",
        "          git diff-index --quiet HEAD\n          test \"$(cat kept)",
    ));
    User::give(repo.root().parent().expect("a folder of its own"));
    User::give(cache);
    let run = |_| {
        let mut command = user.command(&repo.root(), &["w.yml", "--backend", "sandbox", "--json"]);
        let ran = Ran::of(&command.env("XDG_CACHE_HOME", cache).output().expect("wfrun starts")).ends_with(0);
        workspaces(&ran)
    };
    let all = (0..3).map(run).collect();
    assert_eq!(repo.read("kept"), "kept\n");
    all
}

#[test]
fn files_are_copied_where_nothing_else_can_be_done() {
    let Some(user) = User::new().filter(can_sandbox) else { return };
    // A file system in memory has no clones.
    let Ok(cache) = tempfile::tempdir_in("/dev/shm") else {
        println!("skipped: no /dev/shm");
        return;
    };
    // The first job that asks writes its files itself: a tree for it alone would be a loss.
    let expected = [["files", "copy"], ["copy", "copy"], ["copy", "copy"]];
    assert_eq!(runs(&user, cache.path()), expected);
}

/// A file system of its own in a file, as long as this lives.
struct Image {
    folder: tempfile::TempDir,
}

impl Image {
    fn mount(&self) -> PathBuf {
        self.folder.path().join("mount")
    }

    /// btrfs clones files; says so where it cannot be had.
    fn btrfs() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let image = Self { folder };
        std::fs::create_dir(image.mount()).expect("a folder");
        let file = image.folder.path().join("image");
        std::fs::File::create(&file).and_then(|it| it.set_len(256 << 20)).expect("a file");
        let succeeds = |command: &mut Command| command.output().is_ok_and(|it| it.status.success());
        if succeeds(Command::new("mkfs.btrfs").arg(&file))
            && succeeds(Command::new("mount").args(["-o", "loop"]).arg(&file).arg(image.mount()))
        {
            return Some(image);
        }
        println!("skipped: no btrfs can be mounted");
        None
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Where it was never mounted it says so, and nothing is lost.
        Command::new("umount").arg(self.mount()).output().ok();
    }
}

#[test]
fn files_are_cloned_where_the_file_system_can() {
    let Some(user) = User::new().filter(can_sandbox) else { return };
    let Some(image) = Image::btrfs() else { return };
    assert_eq!(runs(&user, &image.mount()), [["files", "clone"], ["clone", "clone"], ["clone", "clone"]]);
}
