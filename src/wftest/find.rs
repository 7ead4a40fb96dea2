//! Finds test files.
use std::path::{Path, PathBuf};

/// Folders in which nobody keeps tests of their own.
const NOT_OURS: [&str; 4] = [".git", ".wfrun", "node_modules", "target"];

/// The test files below a folder, in order.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        // Links are not followed: they can lead in circles.
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_dir() && !NOT_OURS.contains(&&*name) {
            collect(&entry.path(), files);
        } else if kind.is_file() && (name.ends_with(".wftest.yml") || name.ends_with(".wftest.yaml")) {
            files.push(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_both_endings_and_skips_what_is_not_ours() {
        let dir = tempfile::tempdir().expect("a folder");
        for path in ["b.wftest.yml", "a/x.wftest.yaml", "target/y.wftest.yml", "a/node_modules/z.wftest.yml", "c.yml"] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, "").expect("a file");
        }
        let found = files_below(dir.path());
        let names: Vec<_> = found.iter().filter_map(|it| it.strip_prefix(dir.path()).ok()).collect();
        assert_eq!(names, [Path::new("a/x.wftest.yaml"), Path::new("b.wftest.yml")]);
    }
}
