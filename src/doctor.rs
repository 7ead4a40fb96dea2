//! What this machine offers to jobs: facts that were tried, and what they mean.
mod from_act;
mod judge;
mod look;

use std::path::PathBuf;

use wfrun_backend::docker::EngineFacts;
use wfrun_runner::Way;

pub(crate) use from_act::from_act;
pub(crate) use judge::examine;
pub(crate) use look::look;

/// What was found; nothing in it needs this machine any more.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// `Linux 6.8.0, x86_64`
    pub(crate) system: String,
    /// Who runs wfrun; `root` is told from others.
    pub(crate) user: User,
    /// How long it took until a process had run in a sandbox, in ms; or why it did not.
    pub(crate) sandbox: Result<u128, Problem>,
    /// The engine.
    pub(crate) docker: Result<Engine, Problem>,
    /// git's version, or why there is none.
    pub(crate) git: Result<String, String>,
    /// The Node on the `PATH`, and its version if it starts.
    pub(crate) node: Option<(PathBuf, Option<String>)>,
    /// Variables that steps get to get out to the network, without credentials.
    pub(crate) outbound: Vec<(String, String)>,
    /// What of it could not be passed on, in a sentence each.
    pub(crate) left_out: Vec<String>,
    /// Variables of proxies on this machine's loopback, and whether job containers reach them.
    pub(crate) loopback: Vec<(String, bool)>,
    /// Whether the name server that keeps steps from AWS can be had.
    pub(crate) guard: Result<(), String>,
    /// Folders that are written to.
    pub(crate) folders: Vec<Folder>,
    /// How workspaces come to the files of a tree that was checked out before.
    pub(crate) workspaces: Way,
}

/// Who runs wfrun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) is_root: bool,
}

/// Why something does not work, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) what: String,
    pub(crate) way_out: String,
}

/// An engine that answers.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    pub(crate) facts: EngineFacts,
    /// The image for `ubuntu-*`, and whether it is there.
    pub(crate) image: (&'static str, Result<bool, String>),
}

/// A folder that is written to.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    /// Bytes that are free; or why nothing can be written.
    pub(crate) free: Result<u64, String>,
}
