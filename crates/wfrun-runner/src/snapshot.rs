//! The commit of a run as a small repository of its own, from which jobs check out.
mod near;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::{Git, GitError};
pub use near::{Near, NearWanted};

/// A bare repository that borrows the user's objects and holds what only this run needs.
///
/// The user's repository is never written to: new trees and commits go here.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The bare repository.
    pub dir: PathBuf,
    /// The user's object stores it borrows from, to be visible where jobs run.
    pub borrowed: Vec<PathBuf>,
    /// The commit to check out, `github.sha`.
    pub sha: String,
    /// Other repositories that jobs find here.
    pub near: Vec<Near>,
    /// The user's store of Git LFS objects, to be visible where jobs run.
    pub lfs: Option<PathBuf>,
}

/// What to take a snapshot of.
#[derive(Debug, Clone)]
pub struct SnapshotSettings {
    /// The folder that holds `.github/`.
    pub root: PathBuf,
    /// The repository root relative to the enclosing git work tree, with a `/` at its end; empty if they are the same.
    pub prefix: String,
    /// The commit of the event.
    pub sha: String,
    /// For a pull request: the commit of the base branch, to be merged with.
    pub merge_base: Option<String>,
    /// Whether uncommitted changes belong to it.
    pub dirty: bool,
    /// `owner/name`
    pub repository: String,
    /// What else jobs check out.
    pub near: NearWanted,
    /// Whether files of Git LFS are wanted.
    pub lfs: bool,
}

/// A snapshot could not be taken.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A folder could not be made or written.
    #[error("failed to write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        err: std::io::Error,
    },
    /// Base and head cannot be merged: GitHub does not run such a pull request at all.
    #[error("the pull request has merge conflicts with its base, so GitHub would not run it")]
    Conflict {
        /// The files in conflict, and what git said.
        details: String,
    },
}

impl Snapshot {
    /// Takes a snapshot into `dir`, which must not exist yet.
    pub fn take(dir: &Path, settings: &SnapshotSettings) -> Result<Self, SnapshotError> {
        let user = Git::at(&settings.root);
        let common = user.ask(&["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
        let common = PathBuf::from(common);
        let objects = common.join("objects");
        let (bare, mut borrowed) = borrowing(dir, &user, &objects)?;
        copy_refs(&user, &bare)?;
        let mut sha = settings.sha.clone();
        if let Some(base) = &settings.merge_base {
            sha = merge_commit(&bare, base, &sha, &committed_at(&bare, &sha)?)?;
        }
        if settings.dirty {
            sha = with_changes(&user, dir, &sha)?;
        }
        if !settings.prefix.is_empty() {
            replace_tree(&bare, &sha, settings.prefix.trim_end_matches('/'))?;
        }
        bare.ask(&["update-ref", "refs/wfrun/head", &sha])?;
        let address = format!("https://github.com/{}", settings.repository);
        let near::Made { near, borrowed: more } = near::make(dir, &user, &sha, &address, &settings.near)?;
        borrowed.extend(more);
        borrowed.sort();
        borrowed.dedup();
        let lfs = Some(common.join("lfs/objects")).filter(|it| settings.lfs && it.is_dir());
        Ok(Self { dir: dir.to_owned(), borrowed, sha, near, lfs })
    }
}

/// Makes an empty repository that borrows the objects of another, and is as shallow; gives back the stores that it borrows
/// from, too.
fn borrowing(dir: &Path, from: &Git, objects: &Path) -> Result<(Git, Vec<PathBuf>), SnapshotError> {
    create(dir)?;
    let bare = Git::at(dir);
    bare.ask(&["init", "--quiet", "--bare", "--template=", "."])?;
    let info = dir.join("objects/info");
    create(&info)?;
    let borrowed = [vec![objects.to_owned()], borrowed_by(objects)].concat();
    let lines: Vec<String> = borrowed.iter().map(|it| it.display().to_string()).collect();
    write(&info.join("alternates"), &(lines.join("\n") + "\n"))?;
    copy_shallow(from, dir)?;
    Ok((bare, borrowed))
}

/// The object stores that `objects` itself borrows from.
fn borrowed_by(objects: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
    text.lines().filter(|it| !it.is_empty() && !it.starts_with('#')).map(|it| objects.join(it)).collect()
}

/// Branches become `refs/remotes/origin/*`, as a clone from GitHub has them, and stay branches for who fetches from here;
/// tags stay tags.
fn copy_refs(user: &Git, bare: &Git) -> Result<(), SnapshotError> {
    let format = "--format=%(objectname) %(refname)";
    let listed = user.ask(&["for-each-ref", format, "refs/remotes/origin", "refs/heads", "refs/tags"])?;
    let mut packed = BTreeMap::new();
    for (object, name) in listed.lines().filter_map(|it| it.split_once(' ')) {
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            // The local branch stands for what is about to be pushed, so it wins over what was fetched.
            packed.insert(format!("refs/remotes/origin/{branch}"), object);
        } else if name != "refs/remotes/origin/HEAD" {
            packed.entry(name.to_owned()).or_insert(object);
        }
    }
    let branches = packed.iter().filter_map(|(name, object)| {
        Some((format!("refs/heads/{}", name.strip_prefix("refs/remotes/origin/")?), *object))
    });
    packed.extend(branches.collect::<Vec<_>>());
    let lines = packed.iter().map(|(name, object)| format!("{object} {name}\n"));
    let text: String = std::iter::once("# pack-refs with: sorted \n".to_owned()).chain(lines).collect();
    write(&bare.folder().join("packed-refs"), &text)
}

fn copy_shallow(user: &Git, dir: &Path) -> Result<(), SnapshotError> {
    let Some(path) = user.look_up(&["rev-parse", "--path-format=absolute", "--git-path", "shallow"]) else {
        return Ok(());
    };
    match std::fs::read_to_string(path) {
        Ok(text) => write(&dir.join("shallow"), &text),
        Err(_) => Ok(()),
    }
}

/// Makes the merge commit of a pull request, where `git` keeps its objects; the same each time for the same commits.
///
/// `date` is when `head` was committed, as `%cI` of `git log` has it. An old git cannot merge without a work tree.
///
/// Differs: `github.sha` of a pull request is a merge commit that is made here: its files are those of GitHub's, its
/// id is not; where head and base are one commit there is nothing to merge, and it is that commit.
pub fn merge_commit(git: &Git, base: &str, head: &str, date: &str) -> Result<String, SnapshotError> {
    let tree = match git.ask(&["merge-tree", "--write-tree", "--name-only", base, head]) {
        Ok(tree) => tree.lines().next().unwrap_or_default().to_owned(),
        // A conflict is no error to git, so it says nothing there.
        Err(GitError::Failed { message, .. }) if message.is_empty() => {
            let details = format!("merging {head} into {base}");
            return Err(SnapshotError::Conflict { details });
        }
        Err(err) => return Err(err.into()),
    };
    let message = format!("Merge {head} into {base}");
    commit(git, &tree, &[base, head], &message, date)
}

/// The commit `sha` with the uncommitted changes of the user's work tree on top.
fn with_changes(user: &Git, dir: &Path, sha: &str) -> Result<String, SnapshotError> {
    let top = user.ask(&["rev-parse", "--show-toplevel"])?;
    let text = |it: &Path| it.display().to_string();
    let common = user.ask(&["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
    let apart = Git::at(&top)
        .with_env("GIT_INDEX_FILE", text(&dir.join("dirty-index")))
        .with_env("GIT_OBJECT_DIRECTORY", text(&dir.join("objects")))
        .with_env("GIT_ALTERNATE_OBJECT_DIRECTORIES", format!("{common}/objects"));
    apart.ask(&["read-tree", sha])?;
    apart.ask(&["add", "--all", "--", "."])?;
    let tree = apart.ask(&["write-tree"])?;
    let bare = Git::at(dir);
    commit(&bare, &tree, &[sha], "uncommitted changes", &committed_at(&bare, sha)?)
}

/// Gives `sha` the tree of its folder `prefix`, by a replacement that git follows everywhere.
fn replace_tree(bare: &Git, sha: &str, prefix: &str) -> Result<(), SnapshotError> {
    let tree = bare.ask(&["rev-parse", "--verify", &format!("{sha}:{prefix}")])?;
    let parents = bare.ask(&["rev-list", "--parents", "--max-count=1", sha])?;
    let parents: Vec<&str> = parents.split(' ').skip(1).collect();
    let message = bare.ask(&["log", "--max-count=1", "--format=%B", sha])?;
    let replacement = commit_as(bare, sha, &tree, &parents, &message)?;
    bare.ask(&["update-ref", &format!("refs/replace/{sha}"), &replacement])?;
    Ok(())
}

/// A commit by wfrun, the same each time for the same content.
fn commit(bare: &Git, tree: &str, parents: &[&str], message: &str, date: &str) -> Result<String, SnapshotError> {
    let mut git = bare.clone();
    for (role, value) in [("NAME", "wfrun"), ("EMAIL", "wfrun@localhost"), ("DATE", date)] {
        git = git.with_env(&format!("GIT_AUTHOR_{role}"), value).with_env(&format!("GIT_COMMITTER_{role}"), value);
    }
    commit_tree(&git, tree, parents, message)
}

fn committed_at(git: &Git, sha: &str) -> Result<String, SnapshotError> {
    Ok(git.ask(&["log", "--max-count=1", "--format=%cI", sha])?)
}

/// A commit with the authors and dates of `like`.
fn commit_as(bare: &Git, like: &str, tree: &str, parents: &[&str], message: &str) -> Result<String, SnapshotError> {
    let shown = bare.ask(&["log", "--max-count=1", "--format=%an%n%ae%n%aI%n%cn%n%ce%n%cI", like])?;
    let mut git = bare.clone();
    let names = ["AUTHOR_NAME", "AUTHOR_EMAIL", "AUTHOR_DATE", "COMMITTER_NAME", "COMMITTER_EMAIL", "COMMITTER_DATE"];
    for (name, value) in names.into_iter().zip(shown.lines()) {
        git = git.with_env(&format!("GIT_{name}"), value);
    }
    commit_tree(&git, tree, parents, message)
}

fn commit_tree(git: &Git, tree: &str, parents: &[&str], message: &str) -> Result<String, SnapshotError> {
    let mut arguments = vec!["commit-tree", tree, "-m", message];
    for parent in parents {
        arguments.extend(["-p", parent]);
    }
    Ok(git.ask(&arguments)?)
}

fn create(path: &Path) -> Result<(), SnapshotError> {
    std::fs::create_dir_all(path).map_err(|err| SnapshotError::Write { path: path.to_owned(), err })
}

fn write(path: &Path, text: &str) -> Result<(), SnapshotError> {
    std::fs::write(path, text).map_err(|err| SnapshotError::Write { path: path.to_owned(), err })
}
