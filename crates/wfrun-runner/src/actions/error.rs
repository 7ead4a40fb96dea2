use std::fmt;
use std::path::PathBuf;

use thiserror::Error;
use wfrun_plan::MAX_DEPTH;
use wfrun_workflow::ActionRef;

use super::RefError;
use crate::GitError;

/// A place where actions are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The folders of `--local-repository`.
    Folders,
    /// The vendored folder.
    Vendored(PathBuf),
    /// The mirror.
    Mirror(String),
    /// What wfrun carries in itself.
    Builtin,
    /// What was fetched before.
    Store,
    /// github.com; not asked where nothing may be fetched.
    Network,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folders => f.write_str("the folders of `--local-repository`"),
            Self::Vendored(path) => write!(f, "the vendored folder {}", path.display()),
            Self::Mirror(at) => write!(f, "the mirror {at}"),
            Self::Builtin => f.write_str("what wfrun carries in itself"),
            Self::Store => f.write_str("the store of fetched actions"),
            Self::Network => f.write_str("github.com"),
        }
    }
}

/// An action cannot be had.
#[derive(Debug, Error)]
pub enum ActionError {
    /// Nobody who was asked knows it.
    #[error("action `{action}` was not found: looked in {}", list(asked))]
    NotFound {
        /// Which.
        action: Box<ActionRef>,
        /// Where it was looked for.
        asked: Vec<Place>,
    },
    /// Its repository is there, its version is not.
    #[error("Unable to resolve action `{action}`, {reason}")]
    Version {
        /// Which.
        action: Box<ActionRef>,
        /// Why.
        reason: RefError,
        /// The repository that was asked.
        at: String,
    },
    /// The vendored folder has it at another commit than the mirror.
    #[error("`{action}` is locked at commit {locked}, and names {now} in {at}")]
    Moved {
        /// Which.
        action: Box<ActionRef>,
        /// What the lock says.
        locked: String,
        /// What its ref names now.
        now: String,
        /// Where.
        at: String,
    },
    /// Its folder has no manifest.
    #[error("Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action '{action}'.")]
    NoManifest {
        /// Which.
        action: Box<ActionRef>,
    },
    /// Its manifest is bad.
    #[error("the manifest of `{action}` is bad: {message}")]
    Manifest {
        /// Which.
        action: Box<ActionRef>,
        /// What is wrong.
        message: String,
        /// Whether it is one of wfrun's own.
        builtin: bool,
    },
    /// Composite actions use each other without end.
    #[error("Composite action depth exceeded max depth {MAX_DEPTH}")]
    TooDeep {
        /// The first that is too deep.
        action: Box<ActionRef>,
    },
    /// It could not be fetched.
    #[error("action `{action}` could not be fetched")]
    Fetch {
        /// Which.
        action: Box<ActionRef>,
        /// What git said.
        #[source]
        err: GitError,
    },
    /// Its repository is there, its files are not.
    #[error("the files of action `{action}` could not be taken from its repository")]
    Files {
        /// Which.
        action: Box<ActionRef>,
        /// What git said.
        #[source]
        err: GitError,
    },
    /// Its files could not be written to the store, or read.
    #[error("failed to keep `{action}` in {}", path.display())]
    Store {
        /// Which.
        action: Box<ActionRef>,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        err: std::io::Error,
    },
}

fn list(places: &[Place]) -> String {
    let all: Vec<String> = places.iter().map(ToString::to_string).collect();
    match all.as_slice() {
        [] => "no place at all".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

impl ActionError {
    /// What it is about.
    pub fn action(&self) -> &ActionRef {
        match self {
            Self::NotFound { action, .. }
            | Self::Version { action, .. }
            | Self::Moved { action, .. }
            | Self::NoManifest { action }
            | Self::Manifest { action, .. }
            | Self::TooDeep { action }
            | Self::Fetch { action, .. }
            | Self::Files { action, .. }
            | Self::Store { action, .. } => action,
        }
    }

    /// Its diagnostic's code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "action/not-found",
            Self::Version { reason: RefError::Unknown { .. }, .. } => "action/no-version",
            Self::Version { reason: RefError::Short { .. }, .. } => "action/short-sha",
            Self::Moved { .. } => "vendor/moved",
            Self::NoManifest { .. } => "action/no-manifest",
            Self::Manifest { .. } => "action/bad-manifest",
            Self::TooDeep { .. } => "action/too-deep",
            Self::Fetch { .. } | Self::Files { .. } | Self::Store { .. } => "action/not-fetched",
        }
    }
}
