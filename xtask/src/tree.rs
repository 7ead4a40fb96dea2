//! The working tree: its files and its packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::capture;

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// `git` in the workspace.
pub(crate) fn git() -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root());
    command
}

/// `cargo`, the one that runs this task, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// One text file of the tree.
pub(crate) struct TextFile {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    /// Whether it is Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|it| it == "rs")
    }
}

/// All text files that are tracked or about to be: git's ignore rules hold.
pub(crate) fn text_files() -> Result<Vec<TextFile>> {
    let listed = capture(git().args(["ls-files", "--cached", "--others", "--exclude-standard"]));
    let listed = listed.context("`git ls-files` failed: is this a git repository?")?;
    let mut paths: Vec<&str> = listed.lines().collect();
    paths.sort_unstable();
    paths.dedup();
    // A file that is tracked and deleted is no file; one that is not UTF-8 is no text.
    let read = |path: &str| Some(TextFile { path: path.to_owned(), text: fs::read_to_string(root().join(path)).ok()? });
    Ok(paths.into_iter().filter_map(read).collect())
}

/// What `cargo metadata` knows of the workspace and all it depends on.
pub(crate) fn metadata() -> Result<Value> {
    let text = capture(cargo().args(["metadata", "--format-version", "1", "--locked"]));
    let text = text.context("`cargo metadata --locked` failed: is Cargo.lock up to date?")?;
    serde_json::from_str(&text).context("`cargo metadata` wrote no JSON")
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let metadata = metadata()?;
    let folder = metadata["target_directory"].as_str().context("`cargo metadata` names no target directory")?;
    Ok(PathBuf::from(folder))
}
