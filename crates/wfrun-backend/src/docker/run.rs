//! A container of its own for one process: what `docker run --rm` does.
//!
//! Source: GitHub: execution rules E7.4.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{CreateContainerOptions, KillContainerOptions};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use wfrun_agent::protocol::{Signal, Stream};

use super::container::mount;
use super::metadata::Warnings;
use super::{DockerBackend, Log, cleaning, labels, names, process};
use crate::process::Controlled;
use crate::{BackendError, Mount, Process, ProcessControl, ProcessEvent};

/// Output that nobody has read yet; more makes the container wait.
const UNREAD_EVENTS: usize = 8;

/// A container that runs one process.
#[derive(Debug, Clone)]
pub struct ContainerRun {
    /// The run; goes into labels.
    pub run_id: String,
    /// The job's key; goes into labels.
    pub job: String,
    /// What it is made of.
    pub image: RunImage,
    /// What to start in place of the image's own entrypoint.
    pub entrypoint: Option<String>,
    /// Its arguments; without any those of the image hold.
    pub arguments: Vec<String>,
    /// Its variables, above those of the image.
    pub env: Vec<(String, String)>,
    /// The working directory inside.
    pub cwd: String,
    /// What of this machine is seen inside, besides the engine's socket.
    pub mounts: Vec<Mount>,
    /// Where it is reached, and what it reaches.
    pub network: RunNetwork,
    /// Names that resolve to these addresses inside.
    pub hosts: Vec<(String, IpAddr)>,
    /// The name server inside, instead of this machine's.
    pub dns: Option<IpAddr>,
    /// Whether its programs are kept from a machine's metadata. A first process that is not the image's sees to that, as with
    /// `docker run --init`.
    pub cuts_metadata: bool,
}

/// The image of a [`ContainerRun`].
#[derive(Debug, Clone)]
pub enum RunImage {
    /// One with this name.
    Named {
        /// Its name.
        name: String,
        /// Whether it may be fetched if the engine does not have it.
        may_pull: bool,
    },
    /// One that is built first.
    Built {
        /// The Dockerfile on this machine; its folder is the build context.
        dockerfile: PathBuf,
        /// The name that the image keeps.
        tag: String,
        /// Build arguments that the engine knows by itself: proxies.
        arguments: Vec<(String, String)>,
    },
}

/// The network of a [`ContainerRun`].
#[derive(Debug, Clone)]
pub enum RunNetwork {
    /// This machine's.
    Machine,
    /// One with this name.
    Named(String),
    /// That of the container with this id.
    Container(String),
}

impl DockerBackend {
    /// Starts a container's process; what it does first, such as building the image, is output as well.
    ///
    /// `executable` is this one: it takes away what is left if this process is killed. A signal goes to the first process
    /// inside; SIGKILL ends the container. The container is gone when the process is told to have ended.
    pub fn run(&self, executable: &Path, run: ContainerRun) -> Result<Process, BackendError> {
        self.watch_over(executable, &run.run_id)?;
        let (sender, events) = mpsc::channel(UNREAD_EVENTS);
        let (control, signals) = mpsc::unbounded_channel();
        tokio::spawn(carry_out(self.clone(), executable.to_owned(), run, sender, signals));
        Ok(Process { events, control: ProcessControl(Controlled::Container(control)) })
    }

    /// Pulls or builds an image; gives back the name to start it by, or why it is not there.
    pub async fn make_image(&self, image: &RunImage, log: &Log) -> Result<String, String> {
        match image {
            RunImage::Named { name, may_pull } => {
                self.ensure_image(name, None, *may_pull, log).await.map_err(|err| crate::chain(&err))?;
                Ok(name.clone())
            }
            RunImage::Built { dockerfile, tag, arguments } => {
                log.line("##[group]Building docker image");
                let built = self.build(dockerfile, tag, arguments, log).await;
                log.line("##[endgroup]");
                built.map_err(|err| format!("Docker build failed: {err}"))
            }
        }
    }
}

async fn carry_out(
    backend: DockerBackend,
    executable: PathBuf,
    run: ContainerRun,
    events: mpsc::Sender<ProcessEvent>,
    mut signals: mpsc::UnboundedReceiver<Signal>,
) {
    let (log, mut lines) = Log::new();
    let told = events.clone();
    let telling = tokio::spawn(async move {
        while let Some(line) = lines.recv().await {
            let bytes = format!("{line}\n").into_bytes();
            told.send(ProcessEvent::Output { stream: Stream::Stdout, bytes }).await.ok();
        }
    });
    // Nothing runs yet that a signal could reach: whoever sends one wants no container.
    let image = tokio::select! {
        image = backend.make_image(&run.image, &log) => image,
        _ = signals.recv() => Err("it was given up before its image was there".to_owned()),
    };
    drop(log);
    telling.await.ok();
    let end = match image {
        Ok(image) => start(&backend, &executable, &run, image, &events, &mut signals).await,
        Err(message) => ProcessEvent::FailedToStart { message },
    };
    events.send(end).await.ok();
}

async fn start(
    backend: &DockerBackend,
    executable: &Path,
    run: &ContainerRun,
    image: String,
    events: &mpsc::Sender<ProcessEvent>,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
) -> ProcessEvent {
    let failed = |err: &dyn std::fmt::Display| ProcessEvent::FailedToStart { message: format!("docker: {err}") };
    let name = name(&image);
    let mut body = body(run, image, &backend.socket);
    let warnings = match run.cuts_metadata.then(Warnings::listen).transpose() {
        Ok(warnings) => warnings,
        Err(err) => return failed(&err),
    };
    if let Some(warnings) = &warnings {
        warnings.cut(&backend.docker, &mut body, executable).await;
    }
    let warnings = warnings.map(|it| it.pass_on(events.clone()));
    let options = CreateContainerOptions { name: Some(name), ..CreateContainerOptions::default() };
    let id = match backend.of_jobs().create_container(Some(options), body).await {
        Ok(created) => created.id,
        Err(err) => return failed(&err),
    };
    let end = match follow(backend, &id, events, signals).await {
        Ok(code) => ProcessEvent::Exited { code },
        Err(err) => failed(&err),
    };
    if let Err(err) = cleaning::remove_container(&backend.docker, &id).await {
        tracing::warn!(%err, "a container stays until the end of the run");
    }
    if let Some(warnings) = warnings {
        warnings.container_is_gone().await;
    }
    end
}

/// Starts the container and passes on what it prints; returns its exit code.
async fn follow(
    backend: &DockerBackend,
    id: &str,
    events: &mpsc::Sender<ProcessEvent>,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
) -> Result<i32, Error> {
    let docker = &backend.docker;
    let mut attached = process::start(docker, id).await?;
    loop {
        tokio::select! {
            chunk = attached.output.next() => match chunk {
                Some(Ok(chunk)) => {
                    let (stream, bytes) = process::printed(chunk);
                    events.send(ProcessEvent::Output { stream, bytes }).await.ok();
                }
                Some(Err(err)) => return Err(err),
                None => break,
            },
            Some(signal) = signals.recv() => kill(backend, id, signal).await,
        }
    }
    // A process that has closed its output may still run.
    let mut end = std::pin::pin!(process::end(docker, id));
    loop {
        tokio::select! {
            end = &mut end => return end.map(|code| code.and_then(|code| i32::try_from(code).ok()).unwrap_or(-1)),
            Some(signal) = signals.recv() => kill(backend, id, signal).await,
        }
    }
}

async fn kill(backend: &DockerBackend, id: &str, signal: Signal) {
    let name = match signal {
        Signal::Interrupt => "SIGINT",
        Signal::Terminate => "SIGTERM",
        Signal::Kill => "SIGKILL",
    };
    let options = KillContainerOptions { signal: name.to_owned() };
    // It may have ended meanwhile.
    if let Err(err) = backend.docker.kill_container(id, Some(options)).await {
        tracing::debug!(%err, "a container got no {name}");
    }
}

/// `alpine3_1a2b3c`. Source: GitHub: execution rules E7.4.
fn name(image: &str) -> String {
    format!("{}_{}", names::letters(image, 40), names::unique(6))
}

fn body(run: &ContainerRun, image: String, engine_socket: &str) -> ContainerCreateBody {
    let mut mounts = vec![mount(Path::new(engine_socket), super::container::ENGINE_SOCKET, false)];
    mounts.extend(run.mounts.iter().map(|it| mount(&it.source, &it.target, it.read_only)));
    let extra_hosts = match run.network {
        RunNetwork::Machine => Some(names::on_machine(&run.hosts)),
        RunNetwork::Named(_) => Some(run.hosts.iter().map(|(name, address)| format!("{name}:{address}")).collect()),
        // A container in another's network has that one's names.
        RunNetwork::Container(_) => None,
    };
    let host = HostConfig {
        network_mode: Some(match &run.network {
            RunNetwork::Machine => "host".to_owned(),
            RunNetwork::Named(name) => name.clone(),
            RunNetwork::Container(id) => format!("container:{id}"),
        }),
        mounts: Some(mounts),
        dns: run.dns.filter(|_| extra_hosts.is_some()).map(|it| vec![it.to_string()]),
        extra_hosts,
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(image),
        entrypoint: run.entrypoint.clone().map(|it| vec![it]),
        cmd: (!run.arguments.is_empty()).then(|| run.arguments.clone()),
        env: Some(run.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        working_dir: Some(run.cwd.clone()),
        labels: Some(labels(&run.run_id, &run.job)),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}
