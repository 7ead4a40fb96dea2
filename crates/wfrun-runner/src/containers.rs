//! The containers of a job: its own, and its services.
//!
//! Source: GitHub: execution rules E8.
use indexmap::IndexMap;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use wfrun_backend::docker::{ContainerRequest, JobNetwork, Log, Login, NetworkSettings};
use wfrun_backend::{BackendError, DockerBackend, Environment, EnvironmentSpec, chain};
use wfrun_engine::{ContainerSpec, FactKind, JobContainers, ServiceContainer, ServiceSpec, keep_loopback_direct};
use wfrun_plan::JobKey;

use crate::RunSettings;

/// The containers that a job asks for.
#[derive(Debug, Default)]
pub(crate) struct WantedContainers {
    pub(crate) container: Option<Box<ContainerSpec>>,
    pub(crate) services: Vec<ServiceSpec>,
}

impl WantedContainers {
    pub(crate) fn is_empty(&self) -> bool {
        self.container.is_none() && self.services.is_empty()
    }
}

/// Who is told of the making of containers, and who may end a wait.
pub(crate) struct Telling<'a> {
    pub(crate) job: &'a JobKey,
    pub(crate) facts: &'a mpsc::Sender<FactKind>,
    pub(crate) hurry: watch::Receiver<bool>,
}

/// An environment with containers around it.
pub(crate) struct Opened {
    pub(crate) environment: Environment,
    pub(crate) network: JobNetwork,
    pub(crate) containers: JobContainers,
}

/// Makes the network, the job's environment and the services; leaves nothing behind where that fails.
pub(crate) async fn open(
    settings: &RunSettings,
    wanted: &WantedContainers,
    spec: EnvironmentSpec,
    telling: Telling<'_>,
) -> Result<Opened, BackendError> {
    let Some(engine) = settings.backend.engine() else {
        let what = telling.job.to_string();
        let message = "it asks for containers, which need `--backend docker`".to_owned();
        return Err(BackendError::Container { what, message });
    };
    let (log, lines) = Log::new();
    let told = tell(telling.job.clone(), telling.facts.clone(), lines);
    let opened = make(settings, engine, wanted, spec, &log, telling.hurry).await;
    drop(log);
    // All that was done is in the journal before what came of it.
    told.await.ok();
    opened
}

/// Lines become facts until the log is dropped.
pub(crate) fn tell(
    job: JobKey,
    facts: mpsc::Sender<FactKind>,
    mut lines: mpsc::UnboundedReceiver<String>,
) -> JoinHandle<()> {
    const AT_ONCE: usize = 256;
    tokio::spawn(async move {
        let mut batch = Vec::new();
        while lines.recv_many(&mut batch, AT_ONCE).await > 0 {
            let fact = FactKind::ContainerLines { job: job.clone(), lines: std::mem::take(&mut batch) };
            if facts.send(fact).await.is_err() {
                return;
            }
        }
    })
}

async fn make(
    settings: &RunSettings,
    engine: &DockerBackend,
    wanted: &WantedContainers,
    mut spec: EnvironmentSpec,
    log: &Log,
    hurry: watch::Receiver<bool>,
) -> Result<Opened, BackendError> {
    let network_settings = NetworkSettings {
        run_id: spec.run_id.clone(),
        job: spec.job.clone(),
        work_dir: spec.work_dir.clone(),
        executable: settings.executable.clone(),
        may_pull: !settings.offline,
        ports: settings.work_root.with_file_name("ports"),
    };
    let mut network = JobNetwork::make(engine, network_settings, hurry, log).await?;
    let mut environment = None;
    let proxies = settings.outbound.proxies_elsewhere();
    let request = |what: &str, alias: Option<&str>, spec: &ContainerSpec, proxies: &[(String, String)]| {
        let request = request(what, alias, spec, proxies);
        ContainerRequest { image: settings.image(&request.image), ..request }
    };
    let of_service = |it: &ServiceSpec| request(&format!("service `{}`", it.id), Some(&it.id), &it.container, &proxies);
    let services: Vec<_> = wanted.services.iter().map(of_service).collect();
    let container = wanted.container.as_ref().map(|it| request("container", None, it, &[]));
    let made = async {
        let all: Vec<_> = container.iter().chain(&services).cloned().collect();
        network.take_ports(&all, log).await?;
        if let Some(container) = &container {
            spec.container = Some(network.prepare(container, log).await?);
            spec.shims.clear();
        }
        environment = Some(settings.backend.open(spec).await?);
        let mut started = IndexMap::new();
        for (service, request) in wanted.services.iter().zip(&services) {
            let facts = network.start_service(&service.id, request, log).await?;
            let ports = facts.ports.into_iter().collect();
            started.insert(service.id.clone(), ServiceContainer { id: facts.container, ports });
        }
        let errors = network.wait_until_healthy(log).await;
        Ok((started, errors))
    }
    .await;
    match (made, environment) {
        (Ok((services, errors)), Some(environment)) => {
            let own = wanted.container.as_ref().and_then(|_| environment.container());
            let containers = JobContainers {
                network: network.name().to_owned(),
                container: own.map(|(id, _)| id),
                services,
                errors,
            };
            Ok(Opened { environment, network, containers })
        }
        (Err(err), environment) => {
            if let Some(Err(err)) = close(environment).await {
                tracing::warn!("an environment stays: {}", chain(&err));
            }
            for warning in network.stop(None, log).await {
                tracing::warn!("{warning}");
            }
            Err(err)
        }
        (Ok(_), None) => unreachable!("without an environment it has failed"),
    }
}

async fn close(environment: Option<Environment>) -> Option<Result<(), BackendError>> {
    match environment {
        Some(environment) => Some(environment.close().await),
        None => None,
    }
}

/// What the backend is asked for.
///
/// Source: GitHub's runner, `ContainerInfo.cs` at 0187fcdb: proxies stand below `env` of the container.
fn request(what: &str, alias: Option<&str>, spec: &ContainerSpec, proxies: &[(String, String)]) -> ContainerRequest {
    let mut env: IndexMap<String, String> = proxies.iter().cloned().collect();
    env.extend(spec.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    keep_loopback_direct(&mut env);
    let login = |it: &wfrun_engine::RegistryLogin| Login {
        username: it.username.clone(),
        password: it.password.expose().to_owned(),
    };
    ContainerRequest {
        what: what.to_owned(),
        alias: alias.map(str::to_owned),
        image: spec.image.clone(),
        env: env.into_iter().collect(),
        ports: spec.ports.clone(),
        volumes: spec.volumes.clone(),
        options: spec.options.clone(),
        login: spec.credentials.as_ref().map(login),
        entrypoint: spec.entrypoint.clone(),
        command: spec.command.clone(),
    }
}
