use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why an environment could not be made, used or taken away.
#[derive(Debug, Error)]
pub enum BackendError {
    /// No Docker engine answers.
    #[error(
        "no Docker engine answers at {tried}; start it (`sudo systemctl start docker`, or `sudo dockerd`), set DOCKER_HOST, or use `--backend sandbox`"
    )]
    NoEngine {
        /// The address or addresses tried.
        tried: String,
        /// What the client said.
        #[source]
        err: bollard::errors::Error,
    },
    /// The engine's socket is there, but not for this user.
    #[error(
        "this user may not use the Docker engine at {socket}; join its group (`sudo usermod -aG docker $USER`, then log in again), or use `--backend sandbox`"
    )]
    NoPermission {
        /// The socket.
        socket: String,
        /// What the system said.
        #[source]
        err: io::Error,
    },
    /// The engine is on another machine, whose directories are not ours.
    #[error(
        "the Docker engine at {address} is not on this machine, so the work directory cannot be mounted; unset DOCKER_HOST, or use `--backend sandbox`"
    )]
    RemoteEngine {
        /// Where it is.
        address: String,
    },
    /// The job has no image.
    #[error(
        "job `{job}` needs an image on backend `docker`; name one with `--platform LABEL=IMAGE`, or use `--backend sandbox`"
    )]
    NoImage {
        /// The job's key.
        job: String,
    },
    /// The engine does not have the image.
    #[error(
        "the Docker engine has no image `{image}`; make it with `cargo xtask docker` in wfrun's sources, get it with `docker pull {image}`, or name another with `--platform LABEL=IMAGE`"
    )]
    ImageMissing {
        /// Its name.
        image: String,
    },
    /// The image could not be pulled.
    #[error("image `{image}` could not be pulled; get it with `docker pull {image}` or `docker load`")]
    NotPulled {
        /// Its name.
        image: String,
        /// What the engine said.
        #[source]
        err: bollard::errors::Error,
    },
    /// What a job says of one of its containers is wrong.
    #[error("{what}: {message}")]
    Container {
        /// Which: `container`, or a service.
        what: String,
        /// What is wrong.
        message: String,
    },
    /// What a job says of one of its containers is right for Docker, and not supported here.
    #[error("{what}: {message}")]
    NotSupported {
        /// Which: `container`, or a service.
        what: String,
        /// What is not supported.
        message: String,
    },
    /// The engine refused to make or start one of a job's containers as the job says it.
    #[error("{what}: the Docker engine refused it")]
    Refused {
        /// Which: `container`, or a service.
        what: String,
        /// What it said.
        #[source]
        err: bollard::errors::Error,
    },
    /// A port of this machine that a job wants cannot be had.
    #[error("{what}: {message}")]
    Port {
        /// Which port, or whose.
        what: String,
        /// Why not.
        message: String,
    },
    /// The job was cancelled while its containers were made.
    #[error("{what}: it was given up, because the job was cancelled")]
    GivenUp {
        /// What was waited for.
        what: String,
    },
    /// The engine refused something.
    #[error("the Docker engine failed to {action}")]
    Engine {
        /// What was asked.
        action: String,
        /// What it said.
        #[source]
        err: bollard::errors::Error,
    },
    /// This machine does not let us make namespaces or an overlay.
    #[error("no sandbox can be made here: {reason}; {way_out}")]
    SandboxImpossible {
        /// What is missing.
        reason: String,
        /// What to do.
        way_out: &'static str,
    },
    /// The environment could not be made inside.
    #[error("the environment of job `{job}` could not be set up: {message}")]
    Setup {
        /// The job's key.
        job: String,
        /// What was tried and what the system said.
        message: String,
    },
    /// The supervisor could not be started.
    #[error("the supervisor {} could not be started", executable.display())]
    Agent {
        /// The executable.
        executable: PathBuf,
        /// What the system said.
        #[source]
        err: io::Error,
    },
    /// A file or directory of this machine could not be used.
    #[error("{} cannot be used for the environment of job `{job}`", path.display())]
    Path {
        /// The job's key.
        job: String,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        err: io::Error,
    },
    /// The supervisor ended before its time.
    #[error("the environment of job `{job}` is gone: its supervisor ended ({detail})")]
    Lost {
        /// The job's key.
        job: String,
        /// What is known of its end.
        detail: String,
    },
}

impl BackendError {
    /// Whether the workflow is to blame, so that GitHub's runner would fail as well.
    pub const fn is_of_the_workflow(&self) -> bool {
        matches!(self, Self::Container { .. } | Self::Refused { .. })
    }
}

/// An error and its causes in one line.
pub fn chain(err: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(err), |err| err.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
