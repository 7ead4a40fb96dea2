//! The network of a job, with the services on it.
//!
//! Source: GitHub: execution rules E8.

mod health;
mod ports;

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use bollard::models::{ContainerInspectResponse, NetworkCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, InspectNetworkOptions, LogsOptions, StartContainerOptions,
};
use futures_util::StreamExt as _;
use tokio::sync::{Mutex, watch};

use super::cleaning::{gone, remove_container, remove_volume};
use super::request::Read;
use super::volumes::Volumes;
use super::{ContainerRequest, DockerBackend, Log, PreparedContainer, names};
use crate::{BackendError, chain};

/// What a network is made for.
#[derive(Debug, Clone, Default)]
pub struct NetworkSettings {
    /// The run; goes into labels.
    pub run_id: String,
    /// The job's key; goes into labels.
    pub job: String,
    /// This executable: it takes away what is left if this process is killed.
    pub executable: PathBuf,
    /// Whether images may be fetched that the engine does not have.
    pub may_pull: bool,
    /// Where jobs lock the ports of this machine.
    pub ports: PathBuf,
}

/// The network of a job, until it is stopped.
#[derive(Debug)]
pub struct JobNetwork {
    backend: DockerBackend,
    name: String,
    labels: Vec<(String, String)>,
    may_pull: bool,
    hurry: watch::Receiver<bool>,
    volumes: Mutex<Volumes>,
    services: Vec<Service>,
    ports: PathBuf,
    /// Locks of the ports that are this job's, until its containers are gone.
    taken: Vec<File>,
}

/// A service that was started.
#[derive(Debug)]
struct Service {
    id: String,
    image: String,
    container: String,
    name: String,
    /// Its log has been shown.
    failed: bool,
}

/// What the engine says of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Its container's id.
    pub container: String,
    /// Ports of this machine by those of the container, without a protocol.
    pub ports: Vec<(String, String)>,
}

impl JobNetwork {
    /// Makes the network, for a job that has begun or will.
    pub async fn make(backend: &DockerBackend, settings: NetworkSettings) -> Result<Self, BackendError> {
        let NetworkSettings { run_id, job, executable, may_pull, ports } = settings;
        backend.watch_over(&executable, &run_id)?;
        let unique = names::unique(32);
        let name = format!("github_network_{unique}");
        let labels = super::labels(&run_id, &job);
        let request = NetworkCreateRequest {
            name: name.clone(),
            labels: Some(labels.clone()),
            ..NetworkCreateRequest::default()
        };
        let failed = |err| BackendError::Engine { action: "make a network".to_owned(), err };
        backend.docker.create_network(request).await.map_err(failed)?;
        let volumes = Mutex::new(Volumes::new(format!("github_volume_{unique}"), labels.clone()));
        let (_, hurry) = watch::channel(false);
        let labels = labels.into_iter().collect();
        let backend = backend.clone();
        Ok(Self { backend, name, labels, may_pull, hurry, volumes, services: Vec::new(), ports, taken: Vec::new() })
    }

    /// Its job begins: `work_dir` is the folder that volumes may name; once `hurry` is true, nothing is waited for any
    /// more.
    pub fn begin(&mut self, work_dir: PathBuf, hurry: watch::Receiver<bool>, log: &Log) {
        log.group("Create local container network", [format!("docker network create {}", self.name)]);
        self.volumes.get_mut().work_dir = work_dir;
        self.hurry = hurry;
    }

    /// Whether the engine still has it.
    pub async fn is_there(&self) -> bool {
        self.backend.docker.inspect_network(&self.name, None::<InspectNetworkOptions>).await.is_ok()
    }

    /// `github_network_…`
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the ports of this machine that these containers ask for are no other job's.
    ///
    /// Differs: jobs that publish the same port of the machine run one after another; on GitHub each has a machine.
    pub async fn take_ports(&mut self, requests: &[ContainerRequest], log: &Log) -> Result<(), BackendError> {
        let mut wanted = Vec::new();
        for request in requests {
            wanted.extend(ports::wanted(request)?);
        }
        self.taken = ports::take(wanted, &self.ports, self.hurry.clone(), log).await?;
        Ok(())
    }

    /// Makes ready what is needed to create a container: its image, its volumes, what its keys say.
    pub async fn prepare(&self, request: &ContainerRequest, log: &Log) -> Result<PreparedContainer, BackendError> {
        let Read { mut body, name, volumes } = request.read(&self.name, &self.labels)?;
        let mut hurry = self.hurry.clone();
        tokio::select! {
            ensured = self.backend.ensure_image(&request.image, request.login.as_ref(), self.may_pull, log) => ensured?,
            _ = hurry.wait_for(|it| *it) => {
                return Err(BackendError::GivenUp { what: request.what.clone() });
            }
        }
        let mut known = self.volumes.lock().await;
        known.put(&self.backend.docker, &request.what, &volumes, &mut body, log).await?;
        let name = name.unwrap_or_else(|| container_name(request));
        log.line(format!("docker create --name {name} --network {} {}", self.name, request.image));
        Ok(PreparedContainer { name, body })
    }

    /// Starts a service.
    pub async fn start_service(
        &mut self,
        id: &str,
        request: &ContainerRequest,
        log: &Log,
    ) -> Result<ServiceFacts, BackendError> {
        log.line(format!("##[group]Starting {id} service container"));
        let started = self.start(id, request, log).await;
        log.line("##[endgroup]");
        started
    }

    async fn start(&mut self, id: &str, request: &ContainerRequest, log: &Log) -> Result<ServiceFacts, BackendError> {
        let PreparedContainer { name, mut body } = self.prepare(request, log).await?;
        if let Some(entrypoint) = &request.entrypoint {
            body.entrypoint = Some(vec![entrypoint.clone()]);
        }
        body.cmd = request.command.clone();
        let (what, docker) = (&request.what, &self.backend.docker);
        let failed = |action: String| move |err| BackendError::Engine { action, err };
        let options = CreateContainerOptions { name: Some(name.clone()), ..CreateContainerOptions::default() };
        let refused = |err| BackendError::Refused { what: what.clone(), err };
        let container = self.backend.of_jobs().create_container(Some(options), body).await.map_err(refused)?.id;
        let image = request.image.clone();
        // From here on it is stopped with the others, also if it does not start.
        self.services.push(Service { id: id.to_owned(), image, container: container.clone(), name, failed: false });
        docker.start_container(&container, None::<StartContainerOptions>).await.map_err(|err| {
            match port_in_use(&err) {
                Some(said) => BackendError::Port { what: what.clone(), message: in_use(said) },
                None => refused(err),
            }
        })?;
        let state = docker.inspect_container(&container, None::<InspectContainerOptions>).await;
        let state = state.map_err(failed(format!("look at the container of {what}")))?;
        if !state.state.as_ref().and_then(|it| it.running).unwrap_or(false) {
            log.line(format!("##[warning]Docker container {container} is not in running state."));
        }
        Ok(ServiceFacts { ports: ports(&state), container })
    }

    /// Waits until every service is healthy, or not; gives back what is to be said of those that are not.
    ///
    /// There is no limit but the one that the health checks have.
    pub async fn wait_until_healthy(&mut self, log: &Log) -> Vec<String> {
        let mut errors = Vec::new();
        if self.services.is_empty() {
            return errors;
        }
        log.line("##[group]Waiting for all services to be ready");
        for at in 0..self.services.len() {
            let Some(service) = self.services.get(at) else { break };
            let reason = health::wait(&self.backend.docker, service, log, self.hurry.clone()).await;
            let Some(reason) = reason else { continue };
            let lines = self.last_lines(service, Some(health::LOG_LINES)).await;
            log.line(format!("The last {} lines of the log of {}:", lines.len(), service.name));
            for line in lines {
                log.line(line);
            }
            errors.push(format!("Failed to initialize container {}: service `{}` {reason}", service.image, service.id));
            if let Some(service) = self.services.get_mut(at) {
                service.failed = true;
            }
        }
        log.line("##[endgroup]");
        if !errors.is_empty() {
            errors.push("One or more containers failed to start.".to_owned());
        }
        errors
    }

    /// A container that went may hold its place on the network for a moment.
    async fn remove_network(&self) -> Result<(), bollard::errors::Error> {
        const ATTEMPTS: u32 = 20;
        const PAUSE: Duration = Duration::from_millis(100);
        let mut removed = gone(self.backend.docker.remove_network(&self.name).await);
        for _ in 0..ATTEMPTS {
            if removed.is_ok() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            removed = gone(self.backend.docker.remove_network(&self.name).await);
        }
        removed
    }

    async fn last_lines(&self, service: &Service, most: Option<usize>) -> Vec<String> {
        let tail = most.map_or_else(|| "all".to_owned(), |it| it.to_string());
        let options = LogsOptions { stdout: true, stderr: true, tail, ..LogsOptions::default() };
        let mut output = self.backend.docker.logs(&service.container, Some(options));
        let mut text = Vec::new();
        while let Some(Ok(chunk)) = output.next().await {
            text.extend_from_slice(chunk.as_ref());
        }
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    /// Takes everything away; `own` is the id and the name of the job's own container, if it asked for one.
    ///
    /// What fails is given back, and hinders nothing else. Source: GitHub: execution rules E8.6.
    pub async fn stop(self, own: Option<(String, String)>, log: &Log) -> Vec<String> {
        let mut warnings = Vec::new();
        for service in self.services.iter().filter(|it| !it.failed) {
            let lines = self.last_lines(service, None).await;
            log.group(&format!("Print service container logs: {}", service.name), lines);
        }
        let services = self.services.iter().map(|it| (it.container.clone(), it.name.clone()));
        for (container, name) in own.into_iter().chain(services) {
            log.line(format!("Stop and remove container: {name}"));
            if let Err(err) = remove_container(&self.backend.docker, &container).await {
                warnings.push(format!("Docker rm fail: {}", chain(&err)));
            }
        }
        log.line(format!("Remove container network: {}", self.name));
        if let Err(err) = self.remove_network().await {
            warnings.push(format!("Docker network rm failed: {err}"));
        }
        for volume in self.volumes.lock().await.made() {
            if let Err(err) = remove_volume(&self.backend.docker, volume).await {
                warnings.push(format!("Docker volume rm failed: {err}"));
            }
        }
        warnings
    }
}

/// What the engine says where another program has a port.
fn port_in_use(err: &bollard::errors::Error) -> Option<&str> {
    let bollard::errors::Error::DockerResponseServerError { message, .. } = err else { return None };
    let known = ["port is already allocated", "address already in use"];
    known.iter().any(|it| message.contains(it)).then_some(message)
}

fn in_use(said: &str) -> String {
    format!(
        "{said}; end the program that has the port, or let the engine choose one (`- 5432` in `ports`, and \
         `job.services.<id>.ports['5432']` in the steps)"
    )
}

/// `db_postgres17_1a2b3c`. Source: GitHub: execution rules E8.2.
fn container_name(request: &ContainerRequest) -> String {
    let alias = request.alias.as_deref().map_or_else(|| names::unique(32), str::to_owned);
    format!("{alias}_{}_{}", names::letters(&request.image, usize::MAX), names::unique(6))
}

/// Of several protocols at one port the last wins. Source: GitHub: execution rules E8.3.
fn ports(state: &ContainerInspectResponse) -> Vec<(String, String)> {
    let all = state.network_settings.as_ref().and_then(|it| it.ports.as_ref());
    let mut ports: Vec<(String, String)> = Vec::new();
    let mut bound: Vec<_> = all.into_iter().flatten().collect();
    bound.sort_by_key(|(inside, _)| *inside);
    for (inside, bindings) in bound {
        let outside = bindings.iter().flatten().find_map(|it| it.host_port.clone());
        let inside = inside.split('/').next().unwrap_or_default().to_owned();
        let Some(outside) = outside else { continue };
        match ports.iter_mut().find(|(known, _)| *known == inside) {
            Some(entry) => entry.1 = outside,
            None => ports.push((inside, outside)),
        }
    }
    ports
}
