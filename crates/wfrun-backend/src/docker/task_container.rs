//! Containers that run for as long as somebody else decides: those of ECS tasks.
//!
//! Errors are the engine's own words, since whoever asks puts them into a sentence of its own.

mod body;
mod exec;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, StartContainerOptions, StopContainerOptions,
};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use wfrun_agent::protocol::Stream;

pub use self::exec::Probe;
use super::cleaning::{gone, remove_container, remove_volume};
use super::{DockerBackend, Log, Login, process};
use crate::BackendError;

/// Output that nobody has read yet; more makes the container wait.
const UNREAD_CHUNKS: usize = 64;

/// A container to make. What is `None` or empty is as the image has it.
#[derive(Debug, Clone, Default)]
pub struct TaskContainer {
    /// Its name in the engine.
    pub name: String,
    /// The run; goes into labels.
    pub run_id: String,
    /// What it belongs to; goes into labels.
    pub job: String,
    /// Labels besides wfrun's own.
    pub labels: Vec<(String, String)>,
    /// An image that the engine has.
    pub image: String,
    /// The program and its first arguments.
    pub entrypoint: Option<Vec<String>>,
    /// Further arguments.
    pub command: Option<Vec<String>>,
    /// Its variables, above those of the image.
    pub env: Vec<(String, String)>,
    /// The working directory inside.
    pub cwd: Option<String>,
    /// As `1000:1000`.
    pub user: Option<String>,
    /// Its name for itself.
    pub hostname: Option<String>,
    /// Limits and rights.
    pub limits: TaskLimits,
    /// Volumes of the task by name, their places inside, and whether writing fails.
    pub volumes: Vec<(String, String, bool)>,
    /// Its network.
    pub network: TaskNetwork,
    /// Names that have these addresses in its own network.
    pub hosts: Vec<(String, IpAddr)>,
}

/// Limits and rights of a [`TaskContainer`].
#[derive(Debug, Clone, Default)]
pub struct TaskLimits {
    /// Bytes; more ends it.
    pub memory: Option<i64>,
    /// Bytes that it is promised.
    pub memory_reservation: Option<i64>,
    /// 1024 for each processor, against those of others.
    pub cpu_shares: Option<i64>,
    /// Bytes of `/dev/shm`.
    pub shm_size: Option<i64>,
    /// Names with soft and hard limit.
    pub ulimits: Vec<(String, i64, i64)>,
    /// Whether its file system is read-only.
    pub read_only: bool,
    /// Whether its first process is one that reaps others.
    pub init: bool,
    /// Capabilities beyond the usual.
    pub cap_add: Vec<String>,
    /// Capabilities less than the usual.
    pub cap_drop: Vec<String>,
    /// Places in memory, with options as of `mount`.
    pub tmpfs: Vec<(String, String)>,
}

/// The network of a [`TaskContainer`].
#[derive(Debug, Clone)]
pub enum TaskNetwork {
    /// One of its own; these ports are published on free ports of 127.0.0.1.
    Own {
        /// As seen inside.
        ports: Vec<u16>,
    },
    /// That of the container with this id.
    Of(String),
}

impl Default for TaskNetwork {
    fn default() -> Self {
        Self::Own { ports: Vec::new() }
    }
}

/// Where a container is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// Its address on the engine's network.
    pub address: Option<IpAddr>,
    /// Ports as seen inside, and where they are published.
    pub ports: Vec<(u16, SocketAddr)>,
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskEnd {
    /// `None` where the engine does not know.
    pub exit_code: Option<i32>,
    /// It used more memory than it may.
    pub out_of_memory: bool,
}

impl DockerBackend {
    /// Has what a run makes taken away should this process be killed; `executable` is this one.
    pub fn guard(&self, executable: &Path, run_id: &str) -> Result<(), BackendError> {
        self.watch_over(executable, run_id)
    }

    /// Pulls an image that the engine does not have.
    pub async fn pull_for_task(&self, image: &str, login: Option<&Login>) -> Result<(), String> {
        let (log, _) = Log::new();
        self.ensure_image(image, login, true, &log)
            .await
            .map_err(|err| if let BackendError::NotPulled { err, .. } = &err { words(err) } else { crate::chain(&err) })
    }

    /// Makes a container; returns its id.
    pub async fn create_task(&self, container: &TaskContainer) -> Result<String, String> {
        self.make(container, body::of(container)).await
    }

    /// Makes and starts a container that only holds a network for others; returns its id.
    ///
    /// `executable` is mounted into it: any image will do.
    pub async fn hold_network(&self, container: &TaskContainer, executable: PathBuf) -> Result<String, String> {
        let id = self.make(container, body::of_holder(container, &executable)).await?;
        match self.docker.start_container(&id, None::<StartContainerOptions>).await {
            Ok(()) => Ok(id),
            Err(err) => {
                self.remove_task(&id).await.ok();
                Err(words(&err))
            }
        }
    }

    async fn make(&self, container: &TaskContainer, body: ContainerCreateBody) -> Result<String, String> {
        let options =
            CreateContainerOptions { name: Some(container.name.clone()), ..CreateContainerOptions::default() };
        let created = self.docker.create_container(Some(options), body).await;
        created.map(|created| created.id).map_err(|err| words(&err))
    }

    /// Starts a container; what it prints comes out of the receiver until it ends.
    pub async fn start_task(&self, id: &str) -> Result<mpsc::Receiver<(Stream, Vec<u8>)>, String> {
        let mut attached = process::start(&self.docker, id).await.map_err(|err| words(&err))?;
        let (sender, receiver) = mpsc::channel(UNREAD_CHUNKS);
        tokio::spawn(async move {
            while let Some(Ok(chunk)) = attached.output.next().await {
                // Nobody listens any more, and the container must not wait for that.
                sender.send(process::printed(chunk)).await.ok();
            }
        });
        Ok(receiver)
    }

    /// Where a started container is reached.
    pub async fn reach_task(&self, id: &str) -> Result<Reached, String> {
        let found = self.docker.inspect_container(id, None::<InspectContainerOptions>).await;
        let settings = found.map_err(|err| words(&err))?.network_settings.unwrap_or_default();
        let addresses = settings.networks.into_iter().flatten().filter_map(|(_, it)| it.ip_address?.parse().ok());
        let mut ports: Vec<(u16, SocketAddr)> = settings.ports.into_iter().flatten().filter_map(published).collect();
        ports.sort_unstable();
        Ok(Reached { address: addresses.into_iter().next(), ports })
    }

    /// Waits until a container has ended.
    pub async fn end_of_task(&self, id: &str) -> TaskEnd {
        let code = process::end(&self.docker, id).await.ok().flatten();
        let state = self.docker.inspect_container(id, None::<InspectContainerOptions>).await.ok();
        let out_of_memory = state.and_then(|it| it.state?.oom_killed).unwrap_or(false);
        TaskEnd { exit_code: code.and_then(|code| i32::try_from(code).ok()), out_of_memory }
    }

    /// Asks a container to end, and kills it after `patience`; returns when it has ended.
    pub async fn stop_task(&self, id: &str, patience: Duration) -> Result<(), String> {
        let seconds = i32::try_from(patience.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptions { t: Some(seconds), ..StopContainerOptions::default() };
        gone(self.docker.stop_container(id, Some(options)).await).map_err(|err| words(&err))
    }

    /// Removes a container, whatever it does.
    pub async fn remove_task(&self, id: &str) -> Result<(), BackendError> {
        remove_container(&self.docker, id).await
    }

    /// Removes a volume of a task.
    pub async fn remove_task_volume(&self, name: &str) -> Result<(), BackendError> {
        remove_volume(&self.docker, name)
            .await
            .map_err(|err| BackendError::Engine { action: format!("remove volume {name}"), err })
    }
}

fn published((inside, bindings): (String, Option<Vec<bollard::models::PortBinding>>)) -> Option<(u16, SocketAddr)> {
    let inside = inside.strip_suffix("/tcp")?.parse().ok()?;
    let binding = bindings?.into_iter().next()?;
    let address = binding.host_ip?.parse().ok()?;
    Some((inside, SocketAddr::new(address, binding.host_port?.parse().ok()?)))
}

/// What the engine says, without what the client puts around it.
fn words(err: &Error) -> String {
    if let Error::DockerResponseServerError { message, .. } | Error::DockerStreamError { error: message } = err {
        format!("Error response from daemon: {message}")
    } else {
        crate::chain(err)
    }
}

/// The labels of what a task makes.
fn labels_of(container: &TaskContainer) -> HashMap<String, String> {
    let mut labels = super::labels(&container.run_id, &container.job);
    // wfrun's own come last: what a task says must not keep a container from being taken away.
    let others = container.labels.iter().filter(|(name, _)| !labels.contains_key(name)).cloned().collect::<Vec<_>>();
    labels.extend(others);
    labels
}
