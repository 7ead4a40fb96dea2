//! Why a stand-in failed its step.

use std::error::Error as _;
use std::path::PathBuf;

use thiserror::Error;

use super::aws_client::AwsError;
use super::http::HttpError;
use super::toolkit;
use crate::glob::GlobError;

/// The way out where the real action does on this machine what its stand-in does not.
pub(super) const REAL_ACTION: &str =
    "or take the real action by `--actions real`, from a mirror (`--mirror DIR`) or the network";

/// Why a stand-in failed its step. [`Self::chain`] is the text of the `::error::` line.
#[derive(Debug, Error)]
pub enum StandInError {
    /// A failure that the real action has too, in its words.
    #[error("{0}")]
    Action(String),
    /// A failure that the log and the annotations have already.
    #[error("the step has failed")]
    Said,
    /// Something the real action does and the stand-in does not; it is declared `not run`.
    #[error("{what} is not supported yet by the built-in stand-in for {action}; {way_out}")]
    NotSupported {
        /// The action, as in `actions/checkout`.
        action: &'static str,
        /// What was asked for.
        what: String,
        /// What to do about it; where the real action would do, with `--actions real`.
        way_out: String,
    },
    /// A variable that every step has is not there.
    #[error("the variable `{name}` is not set: stand-ins run as a step of a job")]
    NoVariable {
        /// The variable's name.
        name: &'static str,
    },
    /// A file or folder could not be read or written.
    #[error("failed to {doing} `{}`", path.display())]
    File {
        /// A verb, as in `write`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("failed to start `{program}`: {way_out}")]
    Start {
        /// The program's name or path.
        program: String,
        /// How to get it.
        way_out: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A program ended with another code than 0.
    #[error("`{program}` failed with {status}: {message}")]
    Program {
        /// The command, as typed.
        program: String,
        /// `exit code 128`, `signal 9`.
        status: String,
        /// What it printed on stderr.
        message: String,
    },
    /// The account on loopback answered with an error or not at all.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A service on loopback did not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl From<GlobError> for StandInError {
    fn from(err: GlobError) -> Self {
        match err {
            GlobError::Pattern(message) => Self::Action(message),
            GlobError::Look { path, source } => Self::File { doing: "look at", path, source },
        }
    }
}

impl StandInError {
    /// The error with its causes, joined by `: `.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// A failure of the account in the words that the AWS SDK for JavaScript has for it.
    ///
    /// What is missing in the environment is explained in the log as well, since the SDK's words do not.
    pub(crate) fn from_sdk(error: AwsError) -> Self {
        let words = match &error {
            AwsError::NoCredentials => "Could not load credentials from any providers",
            AwsError::NoRegion => "Region is missing",
            AwsError::Service { .. }
            | AwsError::NoEndpoint { .. }
            | AwsError::Http { .. }
            | AwsError::Malformed { .. } => {
                return Self::Aws(error);
            }
        };
        toolkit::info(&format!(
            "{error}: no earlier step of the job has run aws-actions/configure-aws-credentials with success"
        ));
        Self::action(words)
    }

    /// A failure in the real action's words.
    pub(crate) fn action(message: impl Into<String>) -> Self {
        Self::Action(message.into())
    }

    /// For `map_err` on a file's operation.
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}
