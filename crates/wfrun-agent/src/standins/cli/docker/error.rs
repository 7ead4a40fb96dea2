//! Why `docker` failed, in the words and with the exit codes of the Docker CLI.

use std::error::Error as _;
use std::path::PathBuf;

use thiserror::Error;

use crate::dockerfile::{Fault, Place};
use crate::standins::http::HttpError;

/// Why `docker` failed. The text is what goes to stderr.
#[derive(Debug, Error)]
pub(super) enum DockerError {
    /// The command line is wrong.
    #[error("{message}\n\nUsage:  {command} {}\n\nRun '{command} --help' for more information", usage_of(command))]
    Usage {
        /// The full command.
        command: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The Dockerfile is wrong.
    #[error(transparent)]
    Dockerfile(#[from] Fault),
    /// The command needs a running engine.
    #[error(
        "docker: `docker {command}` not run: no engine in this environment\nwfrun: the stand-in for `docker` builds, tags and \
         pushes; to run containers, start a Docker engine and use `--backend docker`"
    )]
    NotRun {
        /// The command's name.
        command: String,
    },
    /// A file or folder could not be read or written.
    #[error("failed to {doing} `{}`", path.display())]
    File {
        /// A verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The registry did not answer.
    #[error("Error response from daemon: Get \"{url}\"")]
    NoAnswer {
        /// What was asked for.
        url: String,
        /// What the connection said.
        #[source]
        source: HttpError,
    },
    /// A failure in Docker's words.
    #[error("{0}")]
    Failed(String),
    /// A command of a `RUN` failed.
    #[error("The command '{command}' returned a non-zero code: {code}\n{place}")]
    Command {
        /// With the shell that ran it.
        command: String,
        /// Where it stands.
        place: Place,
        /// Its exit code, which becomes ours.
        code: u8,
    },
}

impl DockerError {
    /// 125 for what the CLI itself refuses, else 1.
    ///
    /// Source: Docker, `docker run` reference, "Exit status"; the CLI ends the same way for any command.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::NotRun { .. } => 125,
            Self::Command { code, .. } => *code,
            Self::Dockerfile(_) | Self::File { .. } | Self::NoAnswer { .. } | Self::Failed(_) => 1,
        }
    }

    /// The error with its causes, joined by `: `.
    pub(super) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    pub(super) fn usage(command: &'static str, message: impl Into<String>) -> Self {
        Self::Usage { command, message: message.into() }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// A failure that Docker's CLI reports as the engine's.
    pub(super) fn daemon(message: impl std::fmt::Display) -> Self {
        Self::Failed(format!("Error response from daemon: {message}"))
    }

    /// For `map_err` on a file's operation.
    pub(super) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}

fn usage_of(command: &str) -> &'static str {
    match command {
        "docker build" | "docker buildx build" => "[OPTIONS] PATH | URL | -",
        "docker tag" => "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
        "docker push" | "docker pull" => "[OPTIONS] NAME[:TAG]",
        "docker login" => "[OPTIONS] [SERVER]",
        "docker logout" => "[SERVER]",
        "docker images" => "[OPTIONS] [REPOSITORY[:TAG]]",
        "docker inspect" => "[OPTIONS] NAME|ID [NAME|ID...]",
        "docker rmi" | "docker image rm" => "[OPTIONS] IMAGE [IMAGE...]",
        _ => "[OPTIONS]",
    }
}
