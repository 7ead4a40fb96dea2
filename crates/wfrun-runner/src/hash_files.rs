//! `hashFiles`: one digest over the files of the workspace that match.
//!
//! Source: GitHub: execution rules E9.11; actions/runner, `src/Misc/expressionFunc/hashFiles` and
//! `Runner.Worker/Expressions/HashFilesFunction.cs`.
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use wfrun_agent::glob::{self, GlobError, Kind, Options, Places, Reach};

/// Files could not be hashed.
#[derive(Debug, Error)]
pub enum HashError {
    /// The first argument begins like an option and is none.
    #[error("Invalid glob option {0}, avaliable option: '--follow-symbolic-links'.")]
    Option(String),
    /// A pattern cannot be, or a folder could not be looked at.
    #[error("hashFiles failed")]
    Find(#[source] GlobError),
    /// A file could not be read.
    #[error("hashFiles could not read {}", path.display())]
    Read {
        /// Which, as patterns name it.
        path: PathBuf,
        /// Why.
        #[source]
        err: io::Error,
    },
}

/// Where files are hashed.
#[derive(Debug, Clone)]
pub struct HashedFolder {
    /// The workspace, where it is for this process; without links in its path.
    pub here: PathBuf,
    /// Where patterns have it: `github.workspace`.
    pub shown: PathBuf,
    /// What `~` in a pattern is.
    pub home: PathBuf,
}

/// Hashes the files of a workspace that match `patterns`, in the order in which they are found.
///
/// Gives back hex digits of SHA-256 over the files' own SHA-256 digests, or nothing where no file matches.
/// A pattern that begins with `!` takes files out again; folders themselves do not count; links to folders are not followed,
/// unless the first pattern is `--follow-symbolic-links`. A link that leads nowhere is an error, but not with that option.
///
/// Differs: a link is followed only within the workspace, also with `--follow-symbolic-links`, and what is beside the workspace
/// is not looked at.
/// Differs: `hashFiles` passes over pipes, sockets and devices, at which GitHub's waits or fails.
pub fn hash_files(folder: &HashedFolder, patterns: &[String]) -> Result<String, HashError> {
    let (follows_links, patterns) = match patterns.split_first() {
        Some((first, rest)) if first.eq_ignore_ascii_case("--follow-symbolic-links") => (true, rest),
        Some((first, _)) if first.starts_with("--") => return Err(HashError::Option(first.clone())),
        _ => (false, patterns),
    };
    let reach = Reach::of(&folder.shown, &folder.here);
    let places = Places { working_folder: &folder.shown, home: &folder.home };
    let options = Options { reach: &reach, follows_links, with_hidden: true, with_classes: true };
    let found = glob::find(&patterns.join("\n"), &places, &options).map_err(HashError::Find)?;
    let (mut all, mut is_empty) = (Sha256::new(), true);
    for path in found.files {
        let failed = |err| HashError::Read { path: path.clone(), err };
        // As GitHub's script: whatever a link on the way leads to, what counts is how the path begins.
        if path == folder.shown || !path.starts_with(&folder.shown) {
            continue;
        }
        let Some(real) = reach.resolve(&path, true).map_err(failed)? else { continue };
        let Some((real, Kind::File)) = reach.look(&real, false).map_err(failed)? else { continue };
        let Ok(real) = real.strip_prefix(&folder.shown) else { continue };
        all.update(digest(&folder.here, real).map_err(failed)?);
        is_empty = false;
    }
    Ok(if is_empty { String::new() } else { hex::encode(all.finalize()) })
}

/// `path` is below `folder` and has no link on its way; one that is put there meanwhile is not followed.
fn digest(folder: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let root = File::open(folder)?;
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    let mut file = File::from(openat2(&root, path, how)?);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = io::Read::read(&mut file, &mut buffer)?;
        if count == 0 {
            return Ok(hasher.finalize().to_vec());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
