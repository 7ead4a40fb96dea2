//! Git's index knows a file by what the system says of it. A file that was made anew is another one, which git would have
//! to read whole, and which its plumbing (`git diff-index`) takes for changed until then.
//!
//! Source: git's `Documentation/gitformat-index.adoc`.
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sha1::{Digest as _, Sha1};

use crate::Git;

const HEADER: usize = 12;
/// What stands before a file's name: what the system says of it, its object's id, flags.
const FIXED: usize = 62;
const NAME_LENGTH: u16 = 0x0fff;
const IS_EXTENDED: u16 = 0x4000;
const CHECKSUM: usize = 20;

/// Makes the index of a work tree fit its files, whose content is what it says.
pub(super) fn fit(work_tree: &Path) -> io::Result<()> {
    let path = work_tree.join(".git/index");
    if let Some(index) = fitted(work_tree, &fs::read(&path)?) {
        return fs::write(&path, index);
    }
    // Another form than git writes by itself: git reads every file.
    Git::at(work_tree).ask(&["update-index", "-q", "--refresh"]).map(drop).map_err(io::Error::other)
}

/// The index with what the system says of each file now; none where it is in a form that is not known.
fn fitted(work_tree: &Path, index: &[u8]) -> Option<Vec<u8>> {
    let mut index = index.to_vec();
    let number = |at: usize, index: &[u8]| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let is_known = index.starts_with(b"DIRC") && matches!(number(4, &index)?, 2 | 3) && has_sha1(&index);
    if !is_known {
        return None;
    }
    let mut at = HEADER;
    for _ in 0..number(8, &index)? {
        let flags = u16::from_be_bytes(index.get(at + FIXED - 2..at + FIXED)?.try_into().ok()?);
        let name_at = at + FIXED + if flags & IS_EXTENDED == 0 { 0 } else { 2 };
        let rest = index.get(name_at..)?;
        let length = rest.iter().position(|it| *it == 0)?;
        if usize::from(flags & NAME_LENGTH) != length.min(usize::from(NAME_LENGTH)) {
            return None;
        }
        let name = OsStr::from_bytes(rest.get(..length)?).to_owned();
        // A file that a sparse checkout leaves out is not there.
        if let Ok(metadata) = work_tree.join(name).symlink_metadata() {
            write_facts(index.get_mut(at..at + 40)?, &metadata);
        }
        // At least one zero ends the name, and the next entry begins at a multiple of 8.
        at = (name_at + length + 8 - at) / 8 * 8 + at;
    }
    let end = index.len().checked_sub(CHECKSUM).filter(|it| *it >= at)?;
    let checksum = Sha1::digest(index.get(..end)?);
    index.get_mut(end..)?.copy_from_slice(&checksum);
    Some(index)
}

/// Whether the checksum is the one that a repository with ids of 40 digits has.
fn has_sha1(index: &[u8]) -> bool {
    let Some(end) = index.len().checked_sub(CHECKSUM) else { return false };
    index.get(end..) == Some(&Sha1::digest(index.get(..end).unwrap_or_default())[..])
}

/// Times, device, inode, owner and size; the mode stays git's. Numbers are cut to 32 bits, as git does.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "git keeps the lower 32 bits")]
fn write_facts(entry: &mut [u8], it: &fs::Metadata) {
    let facts = [
        (0, it.ctime() as u32),
        (4, it.ctime_nsec() as u32),
        (8, it.mtime() as u32),
        (12, it.mtime_nsec() as u32),
        (16, it.dev() as u32),
        (20, it.ino() as u32),
        (28, it.uid()),
        (32, it.gid()),
        (36, it.size() as u32),
    ];
    for (at, fact) in facts {
        if let Some(place) = entry.get_mut(at..at + 4) {
            place.copy_from_slice(&fact.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A repository with these settings, and its files made anew beside it.
    fn copied(settings: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let (tree, copy) = (dir.path().join("tree"), dir.path().join("copy"));
        fs::create_dir(&tree).expect("a folder");
        fs::create_dir(&copy).expect("a folder");
        let mut init = vec!["init", "--quiet", "."];
        init.extend(settings);
        let git = Git::at(&tree);
        git.ask(&init).expect("a repository");
        for length in [1, 2, 7, 8, 9, 200] {
            fs::write(tree.join("n".repeat(length)), format!("text of {length}")).expect("a file");
        }
        let deep = tree.join(vec!["d".repeat(200); 5].join("/"));
        fs::create_dir_all(&deep).expect("folders");
        fs::write(deep.join("f"), "x").expect("a file");
        std::os::unix::fs::symlink("n", tree.join("link")).expect("a link");
        git.ask(&["add", "--all"]).expect("they are added");
        git.ask(&["-c", "user.name=t", "-c", "user.email=t@e", "commit", "--quiet", "-m", "c"]).expect("a commit");
        super::super::fill::fill(&tree, &copy).expect("it is filled");
        (dir, copy)
    }

    #[test]
    fn git_finds_nothing_changed_and_reads_nothing() {
        let (_dir, copy) = copied(&[]);
        let plumbing = |copy: &Path| Git::at(copy).ask(&["diff-index", "--name-only", "HEAD"]).expect("git answers");
        assert_ne!(plumbing(&copy), "", "the test shows nothing");
        let index = fs::read(copy.join(".git/index")).expect("an index");
        assert!(fitted(&copy, &index).is_some(), "git's own form is known");
        fit(&copy).expect("it fits");
        assert_eq!(plumbing(&copy), "");
        assert_eq!(Git::at(&copy).ask(&["fsck", "--strict"]).expect("git answers"), "");
        // A file that is changed afterwards is found.
        fs::write(copy.join("nn"), "text of 3").expect("a file");
        assert_eq!(plumbing(&copy), "nn");
    }

    #[test]
    fn what_is_not_known_is_left_to_git() {
        let (_dir, copy) = copied(&["--object-format=sha256"]);
        let index = fs::read(copy.join(".git/index")).expect("an index");
        assert_eq!(fitted(&copy, &index), None);
        fit(&copy).expect("git does it");
        assert_eq!(Git::at(&copy).ask(&["diff-index", "--name-only", "HEAD"]).expect("git answers"), "");
        let (_dir, copy) = copied(&[]);
        Git::at(&copy).ask(&["update-index", "--index-version", "4"]).expect("git does it");
        let index = fs::read(copy.join(".git/index")).expect("an index");
        assert_eq!(fitted(&copy, &index), None);
        for broken in [&b""[..], b"DIRC", &[b"DIRC\0\0\0\x02\xff\xff\xff\xff".as_slice(), &[0; 20]].concat()] {
            assert_eq!(fitted(&copy, broken), None);
        }
    }
}
