//! Paths as Node's `path` makes them: by the text alone, whatever is on the disk.

use std::path::{Component, Path, PathBuf};

/// A path as seen from an absolute folder, without `.` and `..`.
///
/// Source: Node.js, `path.resolve`.
pub(super) fn resolve(folder: &Path, path: impl AsRef<Path>) -> PathBuf {
    let mut resolved = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                resolved.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => resolved.push(component),
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved() {
        for (path, expected) in [
            ("", "/w/repo"),
            (".", "/w/repo"),
            ("./a/", "/w/repo/a"),
            ("a/../b", "/w/repo/b"),
            ("../../../../x", "/x"),
            ("/etc/./x", "/etc/x"),
        ] {
            assert_eq!(resolve(Path::new("/w/repo"), path), Path::new(expected), "{path}");
        }
    }
}
