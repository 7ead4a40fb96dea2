//! Files of the repository that a workflow names: its own actions and scripts.
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use wfrun_workflow::{UsesStep, UsesTarget};

/// Larger ones are no scripts that people write.
const LIMIT: u64 = 1024 * 1024;

/// The repository's files as they are on this machine.
#[derive(Debug, Clone)]
pub(crate) struct OwnFiles {
    root: PathBuf,
}

impl OwnFiles {
    /// Those below a folder.
    pub(crate) fn below(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// A file's text, as far as it is one; none outside of the repository.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        let path = Path::new(path.strip_prefix("./").unwrap_or(path));
        let is_inside = path.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir));
        let file = is_inside.then(|| File::open(self.root.join(path)).ok()).flatten()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(LIMIT).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The text of the action that a step names, where it is one of this repository.
    pub(crate) fn action_of(&self, uses: &UsesStep) -> Option<String> {
        match &uses.target.value {
            UsesTarget::Local(path) | UsesTarget::SelfRepository(path) => self.action(path),
            UsesTarget::Repository(_) | UsesTarget::Docker(_) => None,
        }
    }

    /// The text of the action in a folder.
    pub(crate) fn action(&self, folder: &str) -> Option<String> {
        let folder = folder.trim_end_matches('/');
        ["action.yml", "action.yaml"].iter().find_map(|it| self.read(&format!("{folder}/{it}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_repository() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("repo");
        std::fs::create_dir_all(root.join("a")).expect("a folder");
        std::fs::write(folder.path().join("outside"), "x").expect("a file");
        std::fs::write(root.join("a/action.yaml"), "text").expect("a file");
        let files = OwnFiles::below(&root);
        assert_eq!(files.action("./a").as_deref(), Some("text"));
        assert_eq!(files.action("a/").as_deref(), Some("text"));
        for path in ["../outside", "a", "none", "/etc/passwd", "a/../../outside"] {
            assert_eq!(files.read(path), None, "{path}");
        }
    }
}
