//! How fast a step's output passes: from its process to the journal on disk and to a view.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};

use super::time_of;

/// What is printed, in bytes.
pub(super) const SIZE: u32 = 200_000_000;

/// Scripts that print it: lines of an ordinary length, short ones, and one line.
pub(super) const KINDS: [(&str, &str, &str); 3] = [
    ("200 MB of log, 100 bytes a line", "wide", "head -c 198020000 /dev/zero | tr '\\0' x | fold -w 100"),
    ("200 MB of log, numbers", "short", "seq 1 23450000"),
    ("200 MB of log in one line", "one", "head -c 200000000 /dev/zero | tr '\\0' x"),
];

/// Writes a repository with a workflow for each kind.
pub(super) fn write() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("wfrun-bench-log-{}", std::process::id()));
    let workflows = folder.join(".github/workflows");
    std::fs::create_dir_all(&workflows)?;
    for (_, name, script) in KINDS {
        let text = format!("on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {script}\n");
        std::fs::write(workflows.join(format!("{name}.yml")), text)?;
    }
    for words in ["init --quiet", "add --all", "-c user.name=bench -c user.email=b@example.org commit --quiet -m start"]
    {
        let status = Command::new("git").args(words.split(' ')).current_dir(&folder).status()?;
        if !status.success() {
            bail!("git {words} ended with {status}");
        }
    }
    Ok(folder)
}

/// Runs one kind in the sandbox, with the log to `/dev/null`.
pub(super) fn command(wfrun: &str, folder: &PathBuf, name: &str) -> Command {
    let mut command = Command::new(wfrun);
    command.args([&format!("{name}.yml"), "--backend", "sandbox"]).current_dir(folder).stdin(Stdio::null());
    command
}

/// How long that takes; the journal is taken away again.
pub(super) fn time(wfrun: &str, folder: &PathBuf, name: &str) -> Result<Duration> {
    let took = time_of(&mut command(wfrun, folder, name))?;
    std::fs::remove_dir_all(folder.join(".wfrun"))?;
    Ok(took)
}
