//! What becomes of a pull request's head and its base.
use std::fs;
use std::path::Path;

use wfrun_runner::{Git, SnapshotError, merge_commit};

use super::Repository;

/// What comes of merging a head into its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Merge {
    /// The commit that a run would make, and check out.
    Commit(String),
    /// They do not go together.
    Conflict,
    /// Nobody can tell, and why: an old git, no space.
    Unknown(String),
}

impl Repository {
    /// Merges a head, committed at `date`, into a base as a run does, and leaves nothing of it behind: new objects go into
    /// a folder of their own, and with it.
    pub(crate) fn merge(&self, base: &str, head: &str, date: &str) -> Merge {
        let merged = tempfile::tempdir()
            .and_then(|folder| Ok((self.apart(folder.path())?, folder)))
            .map(|(git, _folder)| merge_commit(&git, base, head, date));
        match merged {
            Ok(Ok(sha)) => Merge::Commit(sha),
            Ok(Err(SnapshotError::Conflict { .. })) => Merge::Conflict,
            Ok(Err(err)) => Merge::Unknown(err.to_string()),
            Err(err) => Merge::Unknown(err.to_string()),
        }
    }

    /// The same repository, whose new objects go into `folder`.
    fn apart(&self, folder: &Path) -> std::io::Result<Git> {
        let objects = std::path::absolute(self.git.folder().join(&self.objects))?;
        let info = folder.join("info");
        fs::create_dir(&info)?;
        fs::write(info.join("alternates"), format!("{}\n", objects.display()))?;
        Ok(self.git.clone().with_env("GIT_OBJECT_DIRECTORY", folder.display().to_string()))
    }
}
