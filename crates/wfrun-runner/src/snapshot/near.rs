//! Other repositories that jobs check out: those that are on this machine anyway.
//!
//! Each becomes a bare repository below the snapshot that borrows objects and has refs, and nothing else of the user's: a
//! clone's configuration may name passwords.
use std::path::{Path, PathBuf};

use super::{SnapshotError, copy_refs};
use crate::Git;

/// A repository that jobs find on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Where it is for everybody else: `https://github.com/octo/tools`.
    pub address: String,
    /// Where it is in the snapshot's folder: `near/0`.
    pub path: String,
}

/// Which repositories are wanted besides the run's own.
#[derive(Debug, Clone, Default)]
pub struct NearWanted {
    /// By `owner/name` on github.com, with git in each.
    pub repositories: Vec<(String, Git)>,
    /// Whether the commit's submodules are wanted, as far as the user's clone has them.
    pub submodules: bool,
}

/// What was made, and the object stores that it borrows from.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) near: Vec<Near>,
    pub(super) borrowed: Vec<PathBuf>,
}

/// A commit whose submodules are looked for.
struct Parent<'a> {
    git: &'a Git,
    commit: &'a str,
    /// Its repository's address, which theirs may be relative to.
    address: &'a str,
    /// Where git keeps the repositories of its submodules.
    modules: PathBuf,
    /// Where it is checked out: an old git kept them there.
    work_tree: PathBuf,
}

/// Makes the repositories in the snapshot's folder `dir`; `address` is that of the run's own.
pub(super) fn make(
    dir: &Path,
    user: &Git,
    commit: &str,
    address: &str,
    wanted: &NearWanted,
) -> Result<Made, SnapshotError> {
    let mut made = Made::default();
    for (name, git) in &wanted.repositories {
        let bare = made.begin(dir, git, &format!("https://github.com/{name}"))?;
        copy_refs(git, &bare)?;
        if let Some(head) = git.look_up(&["symbolic-ref", "--short", "HEAD"]) {
            bare.ask(&["symbolic-ref", "HEAD", &format!("refs/heads/{head}")])?;
        }
    }
    if wanted.submodules {
        let common = user.ask(&["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
        let work_tree = PathBuf::from(user.ask(&["rev-parse", "--show-toplevel"])?);
        let modules = PathBuf::from(common).join("modules");
        made.submodules(dir, &Parent { git: user, commit, address, modules, work_tree })?;
    }
    Ok(made)
}

impl Made {
    /// Makes an empty repository that borrows the objects of another.
    fn begin(&mut self, dir: &Path, from: &Git, address: &str) -> Result<Git, SnapshotError> {
        let objects = from.ask(&["rev-parse", "--path-format=absolute", "--git-path", "objects"])?;
        let objects = PathBuf::from(objects);
        let path = format!("near/{}", self.near.len());
        let (bare, borrowed) = super::borrowing(&dir.join(&path), from, &objects)?;
        self.borrowed.extend(borrowed);
        self.near.push(Near { address: address.to_owned(), path });
        Ok(bare)
    }

    /// Those of a commit that this machine has at the commit that is wanted, and theirs in turn.
    fn submodules(&mut self, dir: &Path, parent: &Parent<'_>) -> Result<(), SnapshotError> {
        for submodule in listed(parent) {
            let folders = [parent.modules.join(&submodule.name), parent.work_tree.join(&submodule.path).join(".git")];
            let Some(folder) = folders.into_iter().find(|it| it.is_dir()) else { continue };
            let git = Git::at(&folder).with_env("GIT_DIR", folder.display().to_string());
            if git.commit(&submodule.commit).is_none() {
                continue;
            }
            let bare = self.begin(dir, &git, &submodule.address)?;
            bare.ask(&["update-ref", "refs/heads/wanted", &submodule.commit])?;
            bare.ask(&["symbolic-ref", "HEAD", "refs/heads/wanted"])?;
            let inner = Parent {
                git: &git,
                commit: &submodule.commit,
                address: &submodule.address,
                modules: folder.join("modules"),
                work_tree: parent.work_tree.join(&submodule.path),
            };
            self.submodules(dir, &inner)?;
        }
        Ok(())
    }
}

/// A submodule as a commit has it.
#[derive(Debug)]
struct Submodule {
    name: String,
    path: String,
    address: String,
    commit: String,
}

fn listed(parent: &Parent<'_>) -> Vec<Submodule> {
    let file = format!("{}:.gitmodules", parent.commit);
    let of = |key: &str| {
        let pattern = format!("^submodule\\..*\\.{key}$");
        let text = parent.git.look_up(&["config", "--blob", &file, "--null", "--get-regexp", &pattern]);
        let entries = text.unwrap_or_default();
        let entry = |it: &str| {
            let (name, value) = it.split_once('\n')?;
            let name = name.strip_prefix("submodule.")?.strip_suffix(key)?.strip_suffix('.')?;
            Some((name.to_owned(), value.to_owned()))
        };
        entries.split('\0').filter_map(entry).collect::<Vec<_>>()
    };
    let addresses = of("url");
    let read = |(name, path): (String, String)| {
        let (_, address) = addresses.iter().find(|(of, _)| *of == name)?;
        let entry =
            parent.git.look_up(&["ls-tree", "--format=%(objecttype) %(objectname)", parent.commit, "--", &path])?;
        let commit = entry.strip_prefix("commit ")?.to_owned();
        Some(Submodule { address: resolved(parent.address, address), name, path, commit })
    };
    of("path").into_iter().filter_map(read).collect()
}

/// An address that may be relative to another's, as git resolves it.
fn resolved(base: &str, address: &str) -> String {
    if !address.starts_with("./") && !address.starts_with("../") {
        return address.to_owned();
    }
    let (mut base, mut rest) = (base.trim_end_matches('/'), address);
    loop {
        if let Some(above) = rest.strip_prefix("../") {
            base = base.rfind(['/', ':']).map_or(base, |it| &base[..it]);
            rest = above;
        } else if let Some(same) = rest.strip_prefix("./") {
            rest = same;
        } else {
            return format!("{base}/{}", rest.trim_end_matches('/'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_submodules() {
        let base = "https://github.com/octo/news";
        for (address, expected) in [
            ("https://gitlab.com/a/b.git", "https://gitlab.com/a/b.git"),
            ("../tools.git", "https://github.com/octo/tools.git"),
            ("../../other/tools", "https://github.com/other/tools"),
            ("./inner", "https://github.com/octo/news/inner"),
        ] {
            assert_eq!(resolved(base, address), expected, "{address}");
        }
        assert_eq!(resolved("git@github.com:octo/news.git", "../tools.git"), "git@github.com:octo/tools.git");
    }
}
