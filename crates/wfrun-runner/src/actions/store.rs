//! Fetched actions: the files of commits, and what refs stood for when they were fetched.
//!
//! A commit's files are at `OWNER/NAME/COMMIT`, in small letters. They are written under a name of their own and
//! renamed when they are complete, so several runs can share a store. What is there never changes.
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tar::Archive;

use crate::folders::{put_in_place, remove_folder};
use crate::{Git, GitError};

/// How the names of folders begin that are not complete.
const FETCH: &str = ".fetch-";
const UNFINISHED: &str = ".unfinished-";

/// A folder of fetched actions.
#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: PathBuf,
}

/// Files could not be put into the store.
#[derive(Debug)]
pub(super) enum StoreError {
    Git(GitError),
    Write(PathBuf, io::Error),
}

impl Store {
    pub(super) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The files of a commit, if they were written before.
    pub(super) fn kept(&self, repository: &str, commit: &str) -> Option<PathBuf> {
        Some(self.place(repository, commit)).filter(|it| it.is_dir())
    }

    /// The files of a commit that `git` has, written unless they are there.
    ///
    /// Source: what GitHub's runner downloads is made by `git archive`, too, so `export-ignore` counts.
    pub(super) fn keep(&self, git: &Git, repository: &str, commit: &str) -> Result<PathBuf, StoreError> {
        let place = self.place(repository, commit);
        if place.is_dir() {
            return Ok(place);
        }
        let failed = |err| StoreError::Write(place.clone(), err);
        let parent = place.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(parent).map_err(failed)?;
        let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(parent).map_err(failed)?;
        let arguments = ["-c", "tar.umask=0022", "archive", "--format=tar", commit];
        git.pipe(&arguments, |stream| unpack(stream, unfinished.path())).map_err(StoreError::Git)?.map_err(failed)?;
        put_in_place(unfinished, &place).map_err(failed)?;
        Ok(place)
    }

    /// The commit that a ref stood for when it was fetched from a server.
    pub(super) fn remembered(&self, server: &str, repository: &str, git_ref: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.ref_file(server, repository, git_ref)).ok()?;
        Some(text.trim().to_owned()).filter(|it| super::refs::is_full_id(it))
    }

    /// Remembers what a ref stands for.
    pub(super) fn remember(
        &self,
        server: &str,
        repository: &str,
        git_ref: &str,
        commit: &str,
    ) -> Result<(), StoreError> {
        let file = self.ref_file(server, repository, git_ref);
        let write = || {
            let parent = file.parent().unwrap_or(&self.folder);
            std::fs::create_dir_all(parent)?;
            let unfinished = tempfile::NamedTempFile::new_in(parent)?;
            std::fs::write(unfinished.path(), format!("{commit}\n"))?;
            unfinished.persist(&file)?;
            Ok(())
        };
        write().map_err(|err| StoreError::Write(file.clone(), err))
    }

    /// A folder for what is on its way; gone with what is returned.
    pub(super) fn scratch(&self) -> Result<tempfile::TempDir, StoreError> {
        let failed = |err| StoreError::Write(self.folder.clone(), err);
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        tempfile::Builder::new().prefix(FETCH).tempdir_in(&self.folder).map_err(failed)
    }

    fn place(&self, repository: &str, commit: &str) -> PathBuf {
        self.folder.join(repository.to_lowercase()).join(commit)
    }

    fn ref_file(&self, server: &str, repository: &str, git_ref: &str) -> PathBuf {
        // No owner begins with a dot.
        let folder = self.folder.join(".refs").join(file_name(server)).join(repository.to_lowercase());
        folder.join(file_name(git_ref))
    }
}

/// Removes what runs that were interrupted have left unfinished in a store, if it is older than that; says how much.
pub fn clean_action_store(folder: &Path, older_than: Duration) -> usize {
    let list = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path());
    let owners = list(folder).filter(|it| it.is_dir());
    let repositories = owners.flat_map(|it| list(&it).collect::<Vec<_>>()).filter(|it| it.is_dir());
    let all = list(folder).chain(repositories.flat_map(|it| list(&it).collect::<Vec<_>>()));
    let is_left = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let age = path.metadata().and_then(|it| it.modified()).ok().and_then(|it| it.elapsed().ok());
        [FETCH, UNFINISHED].iter().any(|it| name.starts_with(it)) && age.is_some_and(|it| it >= older_than)
    };
    let left: Vec<PathBuf> = all.filter(is_left).collect();
    left.iter().filter(|it| remove_folder(it).is_ok()).count()
}

/// A text as the name of a file; no two texts have the same.
fn file_name(text: &str) -> String {
    let byte = |it: u8| match it {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(it).to_string(),
        _ => format!("%{it:02x}"),
    };
    text.bytes().map(byte).collect()
}

fn unpack(stream: &mut dyn io::Read, into: &Path) -> io::Result<()> {
    let mut archive = Archive::new(stream);
    archive.set_preserve_permissions(true);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_pax_global_extensions() && !entry.unpack_in(into)? {
            let path = entry.path()?.display().to_string();
            return Err(io::Error::other(format!("`{path}` leads out of the action's folder")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use super::*;

    fn repository() -> (tempfile::TempDir, Git, String) {
        let dir = tempfile::tempdir().expect("a folder");
        let git = Git::at(dir.path());
        let write = |path: &str, text: &str| std::fs::write(dir.path().join(path), text).expect("a file");
        std::fs::create_dir(dir.path().join("dist")).expect("a folder");
        write("dist/run.sh", "#!/bin/sh\n");
        std::fs::set_permissions(dir.path().join("dist/run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("a mode");
        write("action.yml", "name: x\n");
        write("tests.txt", "x");
        write(".gitattributes", "tests.txt export-ignore\n");
        std::os::unix::fs::symlink("dist/run.sh", dir.path().join("link")).expect("a link");
        let user = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        git.ask(&["init", "--quiet", "--initial-branch=main"]).expect("a repository");
        git.ask(&["add", "--all"]).expect("added");
        git.ask(&[&user[..], &["commit", "--quiet", "-m", "x"]].concat()).expect("a commit");
        let commit = git.ask(&["rev-parse", "HEAD"]).expect("a commit");
        (dir, git, commit)
    }

    #[test]
    fn links_and_modes_are_kept_and_no_more_than_github_gives() {
        let (_dir, git, commit) = repository();
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path().join("store"));
        assert_eq!(store.kept("O/R", &commit), None);
        let place = store.keep(&git, "O/R", &commit).expect("it is kept");
        assert_eq!(store.kept("o/r", &commit), Some(place.clone()), "case does not count");
        let mode = |path: &str| place.join(path).metadata().expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode("dist/run.sh"), mode("action.yml"), mode("")), (0o755, 0o644, 0o755));
        assert_eq!(std::fs::read_link(place.join("link")).expect("a link"), Path::new("dist/run.sh"));
        assert!(!place.join("tests.txt").exists());
    }

    #[test]
    fn many_at_once() {
        let (_dir, git, commit) = repository();
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::at(folder.path().to_owned()));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (store, git, commit) = (Arc::clone(&store), git.clone(), commit.clone());
                std::thread::spawn(move || store.keep(&git, "o/r", &commit).expect("it is kept"))
            })
            .collect();
        for task in tasks {
            assert!(task.join().expect("no panic").join("action.yml").is_file());
        }
        let left: Vec<_> = std::fs::read_dir(folder.path().join("o/r")).expect("a folder").flatten().collect();
        assert_eq!(left.len(), 1, "nothing unfinished stays: {left:?}");
    }

    #[test]
    fn what_is_not_complete_is_not_kept() {
        let (_dir, git, _) = repository();
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path().to_owned());
        assert!(matches!(store.keep(&git, "o/r", &"0".repeat(40)), Err(StoreError::Git(_))));
        assert_eq!(std::fs::read_dir(folder.path().join("o/r")).expect("a folder").count(), 0);
    }

    #[test]
    fn what_interrupted_runs_left_is_removed_and_no_more() {
        let (_dir, git, commit) = repository();
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path().to_owned());
        let place = store.keep(&git, "o/r", &commit).expect("it is kept");
        store.remember("https://one", "o/r", "v1", &commit).expect("it is written");
        let left = [place.with_file_name(".unfinished-1"), folder.path().join(".fetch-2")];
        for it in &left {
            std::fs::create_dir(it).expect("a folder");
        }
        assert_eq!(clean_action_store(folder.path(), Duration::from_hours(1)), 0, "somebody may be at it");
        assert_eq!(clean_action_store(folder.path(), Duration::ZERO), 2);
        assert!(place.is_dir() && store.remembered("https://one", "o/r", "v1").is_some());
    }

    #[test]
    fn refs_are_remembered_for_their_server() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path().to_owned());
        let commit = "1".repeat(40);
        store.remember("https://one", "O/R", "releases/v1", &commit).expect("it is written");
        assert_eq!(store.remembered("https://one", "o/r", "releases/v1"), Some(commit));
        assert_eq!(store.remembered("https://two", "o/r", "releases/v1"), None);
        assert_eq!(store.remembered("https://one", "o/r", "releases_v1"), None);
    }
}
