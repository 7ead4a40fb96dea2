//! Makes a vendored folder.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::lock::{LOCK_FILE, Lock, LockedImage, LockedNode, LockedRepository};
use super::{NODE, TOOLS, VendorError, tree};
use crate::actions::Content;
use crate::tools::{self, FoundTool};
use crate::work_files::WorkFiles;

/// What is to be vendored.
#[derive(Debug, Default)]
pub struct Vendoring {
    /// Repositories by name and ref.
    pub repositories: BTreeMap<(String, String), Arc<Content>>,
    /// Images that lie at [`LockedImage::file`] of the folder already.
    pub images: Vec<LockedImage>,
    /// Entries of tool caches, each once.
    pub tools: Vec<FoundTool>,
    /// The Node for JavaScript actions: the program, and its version.
    pub node: Option<(PathBuf, String)>,
}

impl Vendoring {
    /// Writes all of it and the lock into a folder that is there.
    pub fn write(&self, folder: &Path) -> Result<Lock, VendorError> {
        let files = WorkFiles::at(folder).map_err(VendorError::files("write", folder))?;
        let mut repositories = Vec::new();
        for ((name, git_ref), content) in &self.repositories {
            let failed = VendorError::files("copy", &content.folder);
            let entries = content.entries().map_err(&failed)?;
            let version = match &content.commit {
                Some(commit) => commit.clone(),
                None => version_of(&content.folder, &entries)?,
            };
            let name = name.to_lowercase();
            let target = format!("{name}/{version}");
            if !folder.join(&target).exists() {
                // One without files has a folder, too.
                std::fs::create_dir_all(folder.join(&target)).map_err(&failed)?;
                files.put(&content.folder, &entries, &target).map_err(&failed)?;
            }
            let commit = content.commit.clone();
            repositories.push(LockedRepository { name, git_ref: git_ref.clone(), commit, folder: target });
        }
        for found in &self.tools {
            tools::put(found, &files, TOOLS).map_err(VendorError::files("copy", &found.folder()))?;
        }
        let nodes =
            self.node.iter().map(|(path, version)| put_node(path, version, &files)).collect::<Result<_, _>>()?;
        let tools = self.tools.iter().map(|it| it.tool.clone()).collect();
        let lock = Lock::new(repositories, self.images.clone(), tools, nodes, tree::digests(folder)?);
        let path = folder.join(LOCK_FILE);
        std::fs::write(&path, lock.text()).map_err(VendorError::files("write", &path))?;
        Ok(lock)
    }
}

/// Puts the program alone below its version and processor.
fn put_node(path: &Path, version: &str, files: &WorkFiles) -> Result<LockedNode, VendorError> {
    let failed = VendorError::files("copy", path);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(std::io::ErrorKind::NotFound.into()));
    };
    let (arch, target) = (tools::arch(), format!("{NODE}/{version}/{}", tools::arch()));
    files.put(folder, &[PathBuf::from(name)], &target).map_err(failed)?;
    let file = format!("{target}/{}", name.to_string_lossy());
    Ok(LockedNode { version: version.to_owned(), arch: arch.to_owned(), file })
}

/// A name for files that are of no commit: what is in them.
fn version_of(folder: &Path, entries: &[PathBuf]) -> Result<String, VendorError> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort();
    let mut hasher = Sha256::new();
    for entry in sorted {
        let path = folder.join(entry);
        if path.is_dir() && !path.is_symlink() {
            continue;
        }
        let digest = tree::digest(&path).map_err(VendorError::files("read", &path))?;
        hasher.update(format!("{}\n{digest}\n", entry.display()));
    }
    Ok(format!("files-{}", &hex::encode(hasher.finalize())[..40]))
}

/// Puts a folder in another's place; what was there, if anything, is at `aside` then.
pub fn replace(target: &Path, new: &Path, aside: &Path) -> Result<(), VendorError> {
    let failed = VendorError::files("replace", target);
    let is_there = target.symlink_metadata().is_ok();
    if is_there {
        std::fs::rename(target, aside).map_err(&failed)?;
    }
    let Err(err) = std::fs::rename(new, target) else { return Ok(()) };
    if is_there {
        std::fs::rename(aside, target).map_err(&failed)?;
    }
    Err(failed(err))
}
