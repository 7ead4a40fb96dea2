//! A job's environment: its folders, its actions, its place in a backend.
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use thiserror::Error;
use wfrun_backend::docker::{self, JobNetwork, Log};
use wfrun_backend::{BackendError, DockerBackend, Environment, EnvironmentSpec, Mount, ProcessControl};
use wfrun_engine::{EnvironmentRequest, IdTokenClaims, JobToken, Layout, split_words};
use wfrun_journal::How;
use wfrun_plan::JobKey;
use wfrun_workflow::ActionRef;

use crate::action_container::Siblings;
use crate::actions::ActionFolders;
use crate::containers::{self, WantedContainers};
use crate::job_folders::{Owner, RUNNER, give_folders, make_folders};
use crate::node::{self, JobNode};
use crate::paths::Paths;
use crate::services::Provider;
use crate::tools;
use crate::trees::{TreeSource, View};
use crate::work_files::WorkFiles;
use crate::{ActionError, Findings, KnownAction, LocalServices, RunSettings};

/// Where job processes find the snapshot they check out from.
const SNAPSHOT: &str = "/opt/wfrun/repository";

/// Where job processes find the folder with the socket that takes uploads.
const UPLOADS: &str = "/opt/wfrun/uploads";

/// An open job.
pub(crate) struct OpenJob {
    pub(crate) environment: Environment,
    /// The folder that job processes see as [`Environment`]'s work folder.
    pub(crate) work_dir: PathBuf,
    /// That folder as the job's expressions have it.
    pub(crate) work_inside: String,
    /// Its files.
    pub(crate) files: WorkFiles,
    pub(crate) layout: Layout,
    /// Those paths as the job's processes see them.
    pub(crate) paths: Paths,
    /// Whether the job runs in a container that it asked for.
    pub(crate) in_container: bool,
    /// What is around the environment, until it is stopped.
    pub(crate) network: tokio::sync::Mutex<Option<JobNetwork>>,
    /// What container actions are started with.
    pub(crate) siblings: Siblings,
    /// The actions in its work folder.
    pub(crate) actions: ActionFolders,
    /// What runs its JavaScript actions.
    pub(crate) node: JobNode,
    /// Whether these find an AWS account on this machine where they call AWS.
    pub(crate) redirects_aws: bool,
    /// Creates what its steps name there.
    pub(crate) provider: Option<Provider>,
    /// The program that is the stand-ins, as job processes see it.
    pub(crate) executable: String,
    /// The socket that takes their uploads, as job processes see it.
    pub(crate) uploads: String,
    /// The view of a checked-out tree that its workspace is.
    pub(crate) view: Option<View>,
    /// The processes of its steps, by number.
    pub(crate) controls: Mutex<HashMap<u64, Controls>>,
}

/// A step's process, or the signals that wait for it to start.
#[derive(Default)]
pub(crate) struct Controls {
    pub(crate) process: Option<ProcessControl>,
    pub(crate) waiting: Vec<wfrun_engine::Signal>,
}

/// What a job asks for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) job: &'a JobKey,
    pub(crate) request: &'a EnvironmentRequest,
    pub(crate) containers: &'a WantedContainers,
    pub(crate) id_token: Option<&'a IdTokenClaims>,
    pub(crate) token: Option<&'a JobToken>,
}

impl Wanted<'_> {
    /// Whose the work folder is: in a job that brings its container, GitHub's runner's, if it can be given away.
    pub(crate) fn owner(&self) -> Option<Owner> {
        (self.containers.container.is_some() && nix::unistd::geteuid().is_root()).then_some(RUNNER)
    }
}

/// A job could not be opened.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    #[error("failed to write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        err: std::io::Error,
    },
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Action(Box<ActionError>),
    #[error("the look for actions was given up")]
    Lost(#[source] tokio::task::JoinError),
}

/// What a job's environment is made of.
pub(crate) struct Ground {
    pub(crate) findings: Findings,
    pub(crate) work_dir: PathBuf,
    pub(crate) image: Option<String>,
    /// The repository's name, without its owner.
    pub(crate) name: String,
    pub(crate) view: Option<View>,
    pub(crate) spec: EnvironmentSpec,
}

impl Ground {
    /// Finds a job's actions and makes its folders.
    pub(crate) async fn lay(
        settings: &RunSettings,
        services: &LocalServices,
        wanted: &Wanted<'_>,
        number: usize,
    ) -> Result<Self, OpenError> {
        let findings = find(settings, &wanted.request.actions).await?;
        let work_dir = settings.work_root.join(&settings.run_id).join(number.to_string());
        let image = image(settings, wanted);
        let mut spec = spec(settings, services, wanted.job, work_dir.clone(), image.clone());
        let name = settings.repository.rsplit('/').next().unwrap_or("repository").to_owned();
        make_folders(&work_dir, &name, &wanted.request.event)?;
        // On `host` there is no place of its own to put them.
        if settings.backend.name() != "host" && !settings.tools.is_empty() {
            let in_container = wanted.containers.container.is_some();
            let given = tools::give(&settings.tools, findings.found.keys(), &work_dir, in_container);
            spec.mounts.extend(given.map_err(|err| OpenError::Write { path: work_dir.join("_tool"), err })?);
        }
        let view = view(settings, wanted, &findings.found, &work_dir, &name).await;
        if let Some(owner) = wanted.owner() {
            give_folders(&work_dir, &name, owner)?;
        }
        Ok(Self { findings, work_dir, image, name, view, spec })
    }

    pub(crate) fn workspace(&self) -> &'static str {
        self.view.as_ref().map_or("files", |it| it.way().as_str())
    }
}

/// What may be made before a job begins.
pub(crate) enum MadeAhead {
    /// The whole environment of a job that asks for no containers.
    Environment(Box<Ground>, Environment),
    /// The network of one that does.
    Network(JobNetwork),
}

impl MadeAhead {
    /// Makes what the job begins with.
    pub(crate) async fn make(
        settings: &RunSettings,
        services: &LocalServices,
        wanted: &Wanted<'_>,
        number: usize,
    ) -> Result<Self, OpenError> {
        if wanted.request.network {
            return Ok(Self::Network(containers::make_network(settings, wanted.job).await?));
        }
        let ground = Ground::lay(settings, services, wanted, number).await?;
        let environment = settings.backend.open(ground.spec.clone()).await?;
        Ok(Self::Environment(Box::new(ground), environment))
    }

    /// Whether it can be used.
    pub(crate) async fn is_alive(&self) -> bool {
        match self {
            Self::Environment(_, environment) => environment.is_alive(),
            Self::Network(network) => network.is_there().await,
        }
    }

    /// Takes it away; its folders go with those of the run.
    pub(crate) async fn discard(self) -> Result<(), BackendError> {
        match self {
            Self::Environment(_, environment) => environment.close().await,
            Self::Network(network) => {
                let (log, _) = Log::new();
                // What fails is told by the engine's own means; there is no job to tell.
                network.stop(None, &log).await.iter().for_each(|it| tracing::warn!("{it}"));
                Ok(())
            }
        }
    }
}

impl OpenJob {
    /// A path as the job's expressions have it, relative to the work folder, if it is in it.
    pub(crate) fn relative<'a>(&self, inside: &'a str) -> Option<&'a str> {
        inside.strip_prefix(&self.work_inside)?.strip_prefix('/')
    }
}

pub(crate) fn failed(err: ActionError) -> OpenError {
    OpenError::Action(Box::new(err))
}

/// Finds the actions of a job's steps, and those that these use in turn.
async fn find(settings: &RunSettings, actions: &[ActionRef]) -> Result<Findings, OpenError> {
    let (finder, wanted) = (settings.actions.clone(), actions.to_vec());
    let mut findings = tokio::task::spawn_blocking(move || finder.find(&wanted)).await.map_err(OpenError::Lost)?;
    match findings.missing.pop() {
        Some(missing) => Err(failed(missing.err)),
        None => Ok(findings),
    }
}

/// Fills the workspace before the job begins, where nothing can tell. Where it cannot be done, `actions/checkout` writes
/// the files as always.
async fn view(
    settings: &RunSettings,
    wanted: &Wanted<'_>,
    actions: &IndexMap<ActionRef, KnownAction>,
    work_dir: &Path,
    name: &str,
) -> Option<View> {
    let is_plain = actions.values().all(|it| it.how == How::StandIn);
    if !wanted.request.checks_out_first || !is_plain || !has_own_root(settings) {
        return None;
    }
    // The files of the tree are root's, and its container is another's.
    if wanted.containers.container.as_ref().is_some_and(|it| docker::names_user(&split_words(&it.options))) {
        return None;
    }
    // In a container root is the machine's, for whom a user's files are another's.
    if settings.backend.name() == "docker" && !nix::unistd::geteuid().is_root() {
        return None;
    }
    let (trees, executable) = (settings.trees.clone(), settings.executable.clone());
    let (repository, git_ref) = (settings.snapshot.dir.clone(), settings.cache_scopes.first()?.clone());
    let env = pairs([
        ("GITHUB_REPOSITORY", settings.repository.as_str()),
        ("GITHUB_REF", git_ref.as_str()),
        ("GITHUB_SHA", settings.snapshot.sha.as_str()),
        ("GITHUB_SERVER_URL", "https://github.com"),
    ]);
    let target = work_dir.join(name).join(name);
    let layers = work_dir.with_extension("layers");
    let made = tokio::task::spawn_blocking(move || {
        let source =
            TreeSource { executable: &executable, repository: &repository, repository_inside: SNAPSHOT, env: &env };
        trees.view(&source, &target, &layers)
    });
    match made.await.map_err(std::io::Error::other).and_then(|it| it) {
        Ok(view) => Some(view),
        Err(err) => {
            tracing::info!("the workspace is written file by file: {err}");
            None
        }
    }
}

/// The image for a job's labels, where the backend takes images.
fn image(settings: &RunSettings, wanted: &Wanted<'_>) -> Option<String> {
    if let Some(container) = &wanted.containers.container {
        return Some(container.image.clone());
    }
    let labels = &wanted.request.labels;
    if settings.backend.name() != "docker" {
        return None;
    }
    let chosen = labels.iter().find_map(|it| settings.images.get(it).cloned());
    chosen.or_else(|| labels.iter().find_map(|it| DockerBackend::image_for(it)).map(str::to_owned))
}

/// The Nodes that are shown to a job, and where: this machine's is there without, but for containers.
fn node_mounts(settings: &RunSettings) -> Vec<(&PathBuf, &'static str)> {
    let machine = settings.node.as_ref().filter(|_| settings.backend.name() == "docker");
    let vendored = settings.vendored_node.as_ref().filter(|_| settings.backend.name() != "host");
    let machine = machine.map(|it| (it, node::MOUNTED));
    machine.into_iter().chain(vendored.map(|it| (it, node::VENDORED))).collect()
}

/// Where a job finds Nodes that are not its own.
pub(crate) fn node_places(settings: &RunSettings) -> Vec<String> {
    if settings.backend.name() == "host" {
        return settings.vendored_node.iter().map(|it| it.display().to_string()).collect();
    }
    node_mounts(settings).into_iter().map(|(_, target)| target.to_owned()).collect()
}

fn spec(
    settings: &RunSettings,
    services: &LocalServices,
    job: &JobKey,
    work_dir: PathBuf,
    image: Option<String>,
) -> EnvironmentSpec {
    let snapshot = &settings.snapshot;
    let mount = |source: &Path, target: String| Mount { source: source.to_owned(), target, read_only: true };
    let mut mounts =
        vec![mount(&snapshot.dir, SNAPSHOT.to_owned()), mount(services.github.uploads(), UPLOADS.to_owned())];
    mounts.extend(node_mounts(settings).into_iter().map(|(source, target)| mount(source, target.to_owned())));
    mounts.extend(snapshot.borrowed.iter().chain(&snapshot.lfs).map(|it| mount(it, it.display().to_string())));
    let guard = services.guard.as_ref().map(|it| it.address().ip());
    let hosts = if guard.is_none() { blocked_names(services) } else { Vec::new() };
    EnvironmentSpec {
        run_id: settings.run_id.clone(),
        job: job.to_string(),
        image,
        work_dir,
        agent_executable: settings.executable.clone(),
        mounts,
        hosts,
        dns: guard,
        cuts_metadata: services.cuts_metadata(),
        shims: settings.shims.clone(),
        covers: settings.covers.clone(),
        env: Vec::new(),
        container: None,
        passed_on: services.ports(),
        outbound: Arc::clone(&settings.outbound),
        hidden: settings.hidden.clone(),
    }
}

/// AWS's names at an address that answers to nothing, where there is no name server of our own.
pub(crate) fn blocked_names(services: &LocalServices) -> Vec<(String, IpAddr)> {
    if !services.blocks_aws {
        return Vec::new();
    }
    let region = services.aws.as_ref().map_or("us-east-1", |it| it.account.region());
    let mut names = wfrun_backend::network::blocked_hosts(region);
    // Who knows the registry by that name has no need to look it up.
    names.extend(services.aws.as_ref().map(|it| wfrun_aws::registry_name(it.account.account_id(), region)));
    names.into_iter().map(|it| (it, IpAddr::V4(Ipv4Addr::UNSPECIFIED))).collect()
}

/// Without namespaces nothing is mounted, and the snapshot is where it is.
pub(crate) fn snapshot_path(settings: &RunSettings) -> String {
    if has_own_root(settings) { SNAPSHOT.to_owned() } else { settings.snapshot.dir.display().to_string() }
}

/// The same holds for the socket of uploads.
pub(crate) fn uploads_path(settings: &RunSettings, services: &LocalServices) -> String {
    let folder = if has_own_root(settings) { Path::new(UPLOADS) } else { services.github.uploads() };
    folder.join("socket").display().to_string()
}

/// Whether job processes see another root than this machine's.
pub(crate) fn has_own_root(settings: &RunSettings) -> bool {
    settings.backend.name() != "host"
}

pub(crate) fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> IndexMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
