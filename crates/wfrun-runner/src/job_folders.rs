//! The folders of a job's work folder, and whose they are.
use std::io;
use std::os::unix::fs::lchown;
use std::path::Path;

use serde_json::Value as Json;

use crate::job::OpenError;

/// Whose files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The user of GitHub's runner: the work folder is its, whoever runs in a job's container.
///
/// Source: GitHub: `id` on hosted runners, `uid=1001(runner) gid=1001(runner)`.
pub(crate) const RUNNER: Owner = Owner { uid: 1001, gid: 1001 };

/// Makes them, with the event's payload; `name` is the repository's, without its owner.
pub(crate) fn make_folders(work_dir: &Path, name: &str, event: &Json) -> Result<(), OpenError> {
    let write = |path: &Path, err| OpenError::Write { path: path.to_owned(), err };
    let temp = ["_runner_file_commands", "_github_workflow", "_github_home"].map(|it| format!("_temp/{it}"));
    for folder in temp.into_iter().chain([format!("{name}/{name}"), "_tool".to_owned()]) {
        let path = work_dir.join(folder);
        std::fs::create_dir_all(&path).map_err(|err| write(&path, err))?;
    }
    let path = work_dir.join("_temp/_github_workflow/event.json");
    let text = serde_json::to_string_pretty(event).unwrap_or_else(|_| "{}".to_owned());
    std::fs::write(&path, text).map_err(|err| write(&path, err))
}

/// Gives what is in a work folder away: what [`make_folders`] made, and of the workspace the folder alone.
pub(crate) fn give_folders(work_dir: &Path, name: &str, owner: Owner) -> Result<(), OpenError> {
    for part in ["_temp", "_tool"].map(|it| work_dir.join(it)) {
        give_all(&part, owner).map_err(|err| OpenError::Write { path: part, err })?;
    }
    for part in [work_dir.join(name), work_dir.join(name).join(name)] {
        give(&part, owner).map_err(|err| OpenError::Write { path: part, err })?;
    }
    Ok(())
}

fn give(path: &Path, owner: Owner) -> io::Result<()> {
    lchown(path, Some(owner.uid), Some(owner.gid))
}

/// The same with all that is in a folder; links are not followed.
fn give_all(path: &Path, owner: Owner) -> io::Result<()> {
    give(path, owner)?;
    if !std::fs::symlink_metadata(path)?.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        give_all(&entry?.path(), owner)?;
    }
    Ok(())
}
