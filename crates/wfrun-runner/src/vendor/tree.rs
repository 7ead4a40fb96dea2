//! Digests of all files of a folder, and what is otherwise than a lock says.
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::VendorError;
use super::lock::LOCK_FILE;

/// A file that is not as the lock says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mismatch {
    /// Another file, another kind of file, or a program that is none any more.
    Changed(String),
    /// It is not in the lock.
    Added(String),
    /// It is in the lock only.
    Missing(String),
}

impl Mismatch {
    /// Its path in the folder.
    pub fn path(&self) -> &str {
        match self {
            Self::Changed(path) | Self::Added(path) | Self::Missing(path) => path,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(path) => write!(f, "`{path}` was changed"),
            Self::Added(path) => write!(f, "`{path}` was added"),
            Self::Missing(path) => write!(f, "`{path}` is missing"),
        }
    }
}

/// The digests of all files below a folder but the lock, by path.
pub(super) fn digests(folder: &Path) -> Result<BTreeMap<String, String>, VendorError> {
    let mut all = BTreeMap::new();
    add(folder, "", &mut all)?;
    all.remove(LOCK_FILE);
    Ok(all)
}

fn add(folder: &Path, below: &str, all: &mut BTreeMap<String, String>) -> Result<(), VendorError> {
    for entry in std::fs::read_dir(folder).map_err(VendorError::files("read", folder))? {
        let entry = entry.map_err(VendorError::files("read", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type().map_err(VendorError::files("read", &entry.path()))?;
        if kind.is_dir() {
            add(&entry.path(), &path, all)?;
        } else {
            let digest = digest(&entry.path()).map_err(VendorError::files("read", &entry.path()))?;
            all.insert(path, digest);
        }
    }
    Ok(())
}

/// What the lock says of a file.
pub(super) fn digest(path: &Path) -> io::Result<String> {
    let metadata = std::fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(format!("link:{}", std::fs::read_link(path)?.display()));
    }
    if !metadata.is_file() {
        return Ok("special".to_owned());
    }
    let program = if metadata.permissions().mode() & 0o100 == 0 { "" } else { " +x" };
    Ok(format!("sha256:{}{program}", sha256(path)?))
}

/// The digest of a file's bytes, in hex.
pub(super) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Compares what a lock says with what is there.
pub(super) fn compare(locked: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Vec<Mismatch> {
    let mut all: Vec<Mismatch> = Vec::new();
    for (path, digest) in locked {
        match found.get(path) {
            Some(it) if it == digest => {}
            Some(_) => all.push(Mismatch::Changed(path.clone())),
            None => all.push(Mismatch::Missing(path.clone())),
        }
    }
    all.extend(found.keys().filter(|it| !locked.contains_key(*it)).cloned().map(Mismatch::Added));
    all.sort_by(|a, b| a.path().cmp(b.path()));
    all
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    type Change<'a> = &'a dyn Fn();

    #[test]
    fn every_change_is_seen() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        let base = || {
            for entry in fs::read_dir(dir.path()).expect("a folder").flatten() {
                if entry.path().is_dir() && !entry.path().is_symlink() {
                    fs::remove_dir_all(entry.path()).expect("removed");
                } else {
                    fs::remove_file(entry.path()).expect("removed");
                }
            }
            fs::create_dir_all(path("a/b")).expect("folders");
            fs::write(path("a/b/file"), "x").expect("a file");
            symlink("b/file", path("a/link")).expect("a link");
            fs::write(path(LOCK_FILE), "not looked at").expect("a file");
        };
        base();
        let locked = digests(dir.path()).expect("digests");
        assert_eq!(locked.keys().map(String::as_str).collect::<Vec<_>>(), ["a/b/file", "a/link"]);
        assert!(compare(&locked, &locked).is_empty());
        let cases: [(Change<'_>, &str); 6] = [
            (&|| fs::write(path("a/b/file"), "y").expect("a file"), "`a/b/file` was changed"),
            (
                &|| fs::set_permissions(path("a/b/file"), fs::Permissions::from_mode(0o755)).expect("a mode"),
                "`a/b/file` was changed",
            ),
            (&|| fs::write(path("new"), "").expect("a file"), "`new` was added"),
            (&|| fs::remove_file(path("a/b/file")).expect("removed"), "`a/b/file` is missing"),
            (
                &|| {
                    fs::remove_file(path("a/link")).expect("removed");
                    symlink("/etc/passwd", path("a/link")).expect("a link");
                },
                "`a/link` was changed",
            ),
            (
                &|| {
                    fs::remove_file(path("a/link")).expect("removed");
                    fs::copy(path("a/b/file"), path("a/link")).expect("a copy");
                },
                "`a/link` was changed",
            ),
        ];
        for (change, expected) in cases {
            base();
            change();
            let found = compare(&locked, &digests(dir.path()).expect("digests"));
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
        }
    }
}
