use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::Git;
use crate::work_files::WorkFiles;

/// The files of an action's repository, on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Where they are.
    pub folder: PathBuf,
    /// The commit they are of; none for a folder that is taken as it is.
    pub commit: Option<String>,
    /// Where they come from.
    pub origin: Origin,
}

/// Where the files of an action come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `--local-repository`: this folder as it is.
    Folder(PathBuf),
    /// A repository of a mirror.
    Mirror(PathBuf),
    /// A git server, asked now.
    Server(String),
    /// The store: fetched from this git server by an earlier run.
    Kept(String),
    /// A vendored folder.
    Vendored(PathBuf),
    /// The repository of the workflow itself.
    Own,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "the folder {}", path.display()),
            Self::Mirror(path) => write!(f, "the mirror {}", path.display()),
            Self::Server(url) | Self::Kept(url) => f.write_str(url),
            Self::Vendored(path) => write!(f, "the vendored folder {}", path.display()),
            Self::Own => f.write_str("the workflow's own repository"),
        }
    }
}

impl Content {
    /// The text of a file, if it is one of the repository's own.
    pub fn text(&self, path: &str) -> Option<String> {
        WorkFiles::at(&self.folder).ok()?.read_file(path).ok()?
    }

    /// Everything that belongs to it, relative to its folder; folders before what is in them.
    ///
    /// Of a work tree of git that is what git does not ignore: nothing else would be on GitHub.
    pub(crate) fn entries(&self) -> io::Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        match &self.origin {
            Origin::Folder(_) => match listed_by_git(&self.folder) {
                Some(files) => with_folders(&self.folder, files, &mut all),
                None => walk(&self.folder, Path::new(""), &mut all)?,
            },
            Origin::Mirror(_) | Origin::Server(_) | Origin::Kept(_) | Origin::Vendored(_) | Origin::Own => {
                walk(&self.folder, Path::new(""), &mut all)?;
            }
        }
        Ok(all)
    }
}

fn listed_by_git(folder: &Path) -> Option<Vec<PathBuf>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", "."];
    let text = Git::at(folder).look_up(&arguments)?;
    Some(text.split('\0').filter(|it| !it.is_empty()).map(PathBuf::from).collect())
}

/// The files that are there, each behind the folders it is in; submodules stay out, as GitHub leaves them out.
fn with_folders(root: &Path, mut files: Vec<PathBuf>, all: &mut Vec<PathBuf>) {
    files.sort();
    let mut folders = std::collections::BTreeSet::new();
    for file in files {
        let is_folder = std::fs::symlink_metadata(root.join(&file)).map_or(true, |it| it.is_dir());
        if is_folder {
            continue;
        }
        let mut above: Vec<&Path> = file.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty()).collect();
        above.reverse();
        for folder in above {
            if folders.insert(folder.to_owned()) {
                all.push(folder.to_owned());
            }
        }
        all.push(file);
    }
}

/// All that is in a folder but git's own, relative to `root`; folders before what is in them.
pub(crate) fn walk(root: &Path, below: &Path, all: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if below.as_os_str().is_empty() && entry.file_name() == ".git" {
            continue;
        }
        all.push(path.clone());
        if entry.file_type()?.is_dir() {
            walk(root, &path, all)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_ignores_is_no_part_of_a_work_tree() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |path: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, "x").expect("a file");
        };
        for path in ["action.yml", "dist/deep/index.js", "node_modules/x.js"] {
            write(path);
        }
        let folder = dir.path().to_owned();
        let content = Content { folder: folder.clone(), commit: None, origin: Origin::Folder(folder) };
        let names = |content: &Content| {
            let mut names: Vec<String> =
                content.entries().expect("entries").iter().map(|it| it.display().to_string()).collect();
            names.sort();
            names
        };
        let plain = ["action.yml", "dist", "dist/deep", "dist/deep/index.js", "node_modules", "node_modules/x.js"];
        assert_eq!(names(&content), plain);
        Git::at(dir.path()).ask(&["init", "--quiet"]).expect("a repository");
        std::fs::write(dir.path().join(".gitignore"), "node_modules\n").expect("a file");
        assert_eq!(names(&content), [".gitignore", "action.yml", "dist", "dist/deep", "dist/deep/index.js"]);
    }
}
