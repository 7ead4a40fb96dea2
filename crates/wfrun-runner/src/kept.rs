//! What a job left in its workspace, kept after the run for who wants to look at it.
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wfrun_plan::JobKey;

use crate::{Git, Snapshot};

/// Copies a job's workspace below `folder` and writes its changes beside it; gives back a sentence about both.
///
/// Each `.git` is left out: it borrows objects from a repository that goes with the run, and its settings are what steps
/// made of them, so that git on this machine must not follow them.
pub(crate) fn keep(workspace: &Path, job: &JobKey, folder: &Path, snapshot: &Snapshot) -> io::Result<String> {
    std::fs::create_dir_all(folder)?;
    let target = free_name(folder, job);
    copy(workspace, &target)?;
    remove_git(&target)?;
    let diff = target.with_added_extension("diff");
    let changed = write_diff(&target, &diff, snapshot)?;
    let files = if changed == 1 { "1 file differs".to_owned() } else { format!("{changed} files differ") };
    let (target, diff) = (target.display(), diff.display());
    Ok(format!("the workspace of job `{job}` is kept as {target}; {files} from the commit, as {diff} shows"))
}

/// A folder's path that nothing has: two jobs may be called alike but for their slashes.
fn free_name(folder: &Path, job: &JobKey) -> PathBuf {
    let name = job.as_str().replace('/', "-");
    let numbered = (2..).map(|it| format!("{name} ({it})"));
    let mut names = std::iter::once(name.clone()).chain(numbered).map(|it| folder.join(it));
    names.find(|it| !it.exists()).unwrap_or_else(|| folder.join(name))
}

/// `cp` shares blocks where the file system can, and keeps links, holes and times.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut command = Command::new("cp");
    command.args(["--archive", "--reflink=auto", "--no-target-directory", "--"]).arg(from).arg(to);
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// Removes what makes a folder, or one in it, a repository. Links are not followed.
fn remove_git(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        match (entry.file_name() == ".git", is_folder) {
            (true, true) => crate::remove_folder(&entry.path())?,
            (true, false) => std::fs::remove_file(entry.path())?,
            (false, true) => remove_git(&entry.path())?,
            (false, false) => {}
        }
    }
    Ok(())
}

/// Compares with the commit, new files included and ignored ones not; gives back how many files differ.
fn write_diff(files: &Path, diff: &Path, snapshot: &Snapshot) -> io::Result<usize> {
    let index = diff.with_extension("index");
    let git = Git::at(files)
        .with_env("GIT_DIR", snapshot.dir.display().to_string())
        .with_env("GIT_WORK_TREE", files.display().to_string())
        .with_env("GIT_INDEX_FILE", index.display().to_string());
    git.ask(&["read-tree", &snapshot.sha]).map_err(io::Error::other)?;
    git.ask(&["add", "--all", "--", "."]).map_err(io::Error::other)?;
    let compare = ["diff", "--cached", "--no-ext-diff", "--no-textconv", "--binary", &snapshot.sha];
    let mut file = std::fs::File::create(diff)?;
    git.pipe(&compare, |output| io::copy(output, &mut file)).map_err(io::Error::other)??;
    let names = ["diff", "--cached", "--name-only", &snapshot.sha];
    let count = git.ask(&names).map_err(io::Error::other)?.lines().count();
    std::fs::remove_file(&index)?;
    Ok(count)
}
