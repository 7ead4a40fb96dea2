//! The containers of a job: its own, and its services.
//!
//! Source: GitHub: execution rules E8.
use indexmap::IndexMap;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use wfrun_backend::docker::{ContainerRequest, JobNetwork, Log, Login, NetworkSettings};
use wfrun_backend::{BackendError, Environment, EnvironmentSpec, chain};
use wfrun_engine::{
    ContainerSpec, FactKind, JobContainers, ServiceContainer, ServiceSpec, keep_loopback_direct, split_words,
};
use wfrun_plan::JobKey;

use crate::RunSettings;

/// The containers that a job asks for.
#[derive(Debug, Default)]
pub(crate) struct WantedContainers {
    pub(crate) container: Option<Box<ContainerSpec>>,
    pub(crate) services: Vec<ServiceSpec>,
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

/// Makes the network of a job's containers.
pub(crate) async fn make_network(settings: &RunSettings, job: &JobKey) -> Result<JobNetwork, BackendError> {
    let Some(engine) = settings.backend.engine() else {
        let message = "it asks for containers, which need `--backend docker`".to_owned();
        return Err(BackendError::Container { what: job.to_string(), message });
    };
    let network_settings = NetworkSettings {
        run_id: settings.run_id.clone(),
        job: job.to_string(),
        executable: settings.executable.clone(),
        may_pull: !settings.offline,
        ports: settings.work_root.with_file_name("ports"),
    };
    JobNetwork::make(engine, network_settings).await
}

/// Makes the job's environment and the services on its network; leaves nothing behind where that fails.
///
/// Services that cannot be made as the workflow says them are an error of the job, whose steps may still run.
pub(crate) async fn open(
    settings: &RunSettings,
    wanted: &WantedContainers,
    spec: EnvironmentSpec,
    mut network: JobNetwork,
    telling: Telling<'_>,
) -> Result<Opened, BackendError> {
    let (log, lines) = Log::new();
    let told = tell(telling.job.clone(), telling.facts.clone(), lines);
    network.begin(spec.work_dir.clone(), telling.hurry, &log);
    let opened = make(settings, wanted, spec, network, &log).await;
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
            let fact = FactKind::EntryLines { job: job.clone(), lines: std::mem::take(&mut batch) };
            if facts.send(fact).await.is_err() {
                return;
            }
        }
    })
}

async fn make(
    settings: &RunSettings,
    wanted: &WantedContainers,
    mut spec: EnvironmentSpec,
    mut network: JobNetwork,
    log: &Log,
) -> Result<Opened, BackendError> {
    let mut environment = None;
    let proxies = settings.outbound.proxies_elsewhere();
    let request = |what: &str, alias: Option<&str>, spec: &ContainerSpec, proxies: &[(String, String)]| {
        let request = request(what, alias, spec, proxies);
        ContainerRequest { image: settings.image(&request.image), ..request }
    };
    let of_service = |it: &ServiceSpec| request(&format!("service `{}`", it.id), Some(&it.id), &it.container, &proxies);
    let services: Vec<_> = wanted.services.iter().map(of_service).collect();
    let container = wanted.container.as_ref().map(|it| request("container", None, it, &[]));
    let mut started = IndexMap::new();
    let made: Result<Vec<String>, BackendError> = async {
        let all: Vec<_> = container.iter().chain(&services).cloned().collect();
        network.take_ports(&all, log).await?;
        if let Some(container) = &container {
            spec.container = Some(network.prepare(container, log).await?);
            spec.shims.clear();
        }
        environment = Some(settings.backend.open(spec.clone()).await?);
        for (service, request) in wanted.services.iter().zip(&services) {
            let facts = network.start_service(&service.id, request, log).await?;
            let ports = facts.ports.into_iter().collect();
            started.insert(service.id.clone(), ServiceContainer { id: facts.container, ports });
        }
        Ok(network.wait_until_healthy(log).await)
    }
    .await;
    let made = match made {
        Err(err) if err.is_of_the_workflow() && container.is_none() => {
            if environment.is_none() {
                environment = Some(settings.backend.open(spec).await?);
            }
            Ok(vec![chain(&err)])
        }
        other => other,
    };
    match (made, environment) {
        (Ok(errors), Some(environment)) => {
            let own = wanted.container.as_ref().and_then(|_| environment.container());
            let containers = JobContainers {
                network: network.name().to_owned(),
                container: own.map(|(id, _)| id),
                services: started,
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
        options: split_words(&spec.options),
        login: spec.credentials.as_ref().map(login),
        entrypoint: spec.entrypoint.clone(),
        command: spec.command.as_deref().map(split_words),
    }
}
