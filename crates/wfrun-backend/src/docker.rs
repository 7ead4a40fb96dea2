//! Jobs in containers of a Docker engine on this machine.

mod archive;
mod build;
mod cleaning;
mod connection;
mod container;
mod ecr_names;
mod ecr_socket;
mod facts;
mod job_container;
mod job_network;
mod log;
mod metadata;
mod names;
mod options;
mod passing_on;
pub mod pause;
mod process;
mod pull;
pub mod reaper;
mod request;
mod run;
mod task_container;
mod volumes;

pub use cleaning::clean;
pub(crate) use container::Container;
use ecr_names::Owed;
pub use ecr_names::{EcrNames, EcrNamesError};
pub use ecr_socket::{EcrRegistry, EcrSocket};
pub use facts::EngineFacts;
pub use job_network::{JobNetwork, NetworkSettings, ServiceFacts};
pub use log::Log;
pub use options::names_user;
pub(crate) use passing_on::PassingOn;
pub use request::{ContainerRequest, Login, PreparedContainer};
pub use run::{ContainerRun, RunImage, RunNetwork};
pub use task_container::{Probe, Reached, TaskContainer, TaskEnd, TaskLimits, TaskNetwork};

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::{Backend, BackendError, Environment, EnvironmentSpec};
use reaper::Reaper;

/// The label of everything that a run makes; its value is the run's id.
pub const RUN_LABEL: &str = "wfrun.run";
/// The label of everything that a job makes; its value is the job's key.
pub const JOB_LABEL: &str = "wfrun.job";
/// The label of everything that a run makes; its value is the [`owner`](crate::owner()) that runs it.
pub const OWNER_LABEL: &str = "wfrun.owner";

/// The labels of what a job makes.
fn labels(run_id: &str, job: &str) -> std::collections::HashMap<String, String> {
    let owner = crate::owner();
    let labels = [(RUN_LABEL, run_id), (JOB_LABEL, job), (OWNER_LABEL, &owner)];
    labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Makes containers.
#[derive(Debug, Clone)]
pub struct DockerBackend {
    docker: bollard::Docker,
    /// The engine's socket on this machine.
    socket: String,
    reaper: Arc<Mutex<Option<Reaper>>>,
    /// What its jobs get in its place.
    names: Option<Arc<EcrNames>>,
}

impl DockerBackend {
    /// Connects to the engine of `DOCKER_HOST`, or of the usual socket, and agrees on a version with it.
    pub async fn connect() -> Result<Self, BackendError> {
        let (docker, socket) = connection::connect(std::env::var("DOCKER_HOST").ok()).await?;
        Ok(Self { docker, socket, reaper: Arc::default(), names: None })
    }

    /// Whether the engine has this image.
    pub async fn has_image(&self, name: &str) -> Result<bool, BackendError> {
        Ok(self.image_id(name).await?.is_some())
    }

    /// The id of an image, if the engine has it: `sha256:…`.
    pub async fn image_id(&self, name: &str) -> Result<Option<String>, BackendError> {
        match self.docker.inspect_image(name).await {
            Ok(image) => Ok(Some(image.id.unwrap_or_default())),
            Err(err) if connection::is_not_found(&err) => Ok(None),
            Err(err) => Err(BackendError::Engine { action: format!("look for image `{name}`"), err }),
        }
    }

    /// Has what a run makes taken away should this process be killed.
    pub(crate) fn watch_over(&self, executable: &Path, run_id: &str) -> Result<(), BackendError> {
        let mut reaper = self.reaper.lock().unwrap_or_else(PoisonError::into_inner);
        if reaper.is_none() {
            let started = Reaper::start(executable, run_id);
            *reaper = Some(started.map_err(|err| BackendError::Agent { executable: executable.to_owned(), err })?);
        }
        Ok(())
    }

    /// And which image names; nothing, once they are gone.
    fn owe(&self, owed: Option<&Owed>) {
        let mut reaper = self.reaper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(err)) = reaper.as_mut().map(|it| it.owe(owed)) {
            tracing::warn!("should wfrun be killed, names of the account's images stay in the engine: {err}");
        }
    }

    /// Takes the names of images away that belong to a registry which ends with the run, such as `127.0.0.1:5000`.
    pub async fn forget_registry(&self, host: &str) -> Result<(), BackendError> {
        cleaning::forget_registry(&self.docker, host).await?;
        self.owe(None);
        Ok(())
    }

    /// The engine's client.
    pub fn client(&self) -> &bollard::Docker {
        &self.docker
    }

    /// The image for a label of `runs-on`, unless `--platform` says otherwise; `None` for labels of other systems.
    ///
    /// Differs: jobs for `ubuntu-*` run in Debian 12 with Python 3, Node 20, git and the Docker client, not in GitHub's
    /// image with all its tools.
    pub fn image_for(label: &str) -> Option<&'static str> {
        let label = label.to_ascii_lowercase();
        (label == "ubuntu" || label.starts_with("ubuntu-") || label == "linux").then_some("wfrun/runner:bookworm")
    }
}

impl Backend for DockerBackend {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn engine(&self) -> Option<&DockerBackend> {
        Some(self)
    }

    fn open(&self, spec: EnvironmentSpec) -> BoxFuture<'_, Result<Environment, BackendError>> {
        container::open(self, spec).boxed()
    }
}
