//! Why `docker` failed, in the words and with the exit codes of the Docker CLI.

use std::error::Error as _;
use std::path::PathBuf;

use thiserror::Error;

use super::dockerfile::{Fault, Place};
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
    /// Docker has it and the stand-in does not.
    #[error("docker: {what} is not supported by wfrun's stand-in for `docker`; {way_out}")]
    NotSupported {
        /// What was asked for, as in `docker build --secret`.
        what: String,
        /// What to do.
        way_out: &'static str,
    },
    /// The registry is not on this machine.
    #[error(
        "docker: not run: `{registry}` is not on this machine, and the stand-in for `docker` never leaves it\n\
         help: push to the emulated registry (the step `amazon-ecr-login` gives its name), or use a Docker engine: `--backend docker`"
    )]
    Elsewhere {
        /// Its name.
        registry: String,
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
            Self::Usage { .. } | Self::NotRun { .. } | Self::NotSupported { .. } => 125,
            Self::Command { code, .. } => *code,
            Self::Dockerfile(_)
            | Self::File { .. }
            | Self::NoAnswer { .. }
            | Self::Elsewhere { .. }
            | Self::Failed(_) => 1,
        }
    }

    /// For what the stand-in does not do: what that is, and why.
    pub(super) fn not_done(&self) -> Option<(String, &'static str)> {
        match self {
            Self::NotRun { command } => {
                Some((format!("docker {command}"), "there is no Docker engine in this environment"))
            }
            Self::NotSupported { what, .. } => Some((what.clone(), "wfrun's own `docker` does not have it")),
            Self::Elsewhere { registry } => Some((
                format!("docker registry {registry}"),
                "it is not on this machine, which wfrun's own `docker` never leaves",
            )),
            Self::Usage { .. }
            | Self::Dockerfile(_)
            | Self::File { .. }
            | Self::NoAnswer { .. }
            | Self::Failed(_)
            | Self::Command { .. } => None,
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

    /// What needs an engine, though it runs no container.
    pub(super) fn not_supported(what: String) -> Self {
        Self::NotSupported { what, way_out: "use a Docker engine: `--backend docker`" }
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
