//! A job's environment: its folders, its place in a backend, what its processes get.
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use serde_json::Value as Json;
use thiserror::Error;
use wfrun_agent::supervisor::{EXECUTABLE, SHIM_DIR};
use wfrun_backend::docker::JobNetwork;
use wfrun_backend::{BackendError, DockerBackend, Environment, EnvironmentSpec, Mount, ProcessControl};
use wfrun_engine::{EnvironmentRequest, FactKind, IdTokenClaims, JobEnvironment, JobToken, Layout, ResolvedAction};
use wfrun_journal::How;
use wfrun_plan::JobKey;
use wfrun_services::{Access, ApiGrant, CacheScope, JobIdentity};
use wfrun_workflow::{ActionRef, Level, Permissions, SCOPES};

use crate::action_container::Siblings;
use crate::actions::ActionFolders;
use crate::containers::{self, Opened, Telling, WantedContainers};
use crate::node::{self, JobNode};
use crate::own_repository::git_settings;
use crate::paths::{Paths, TOOL_CACHE, WORK};
use crate::trees::{TreeSource, View};
use crate::work_files::WorkFiles;
use crate::{ActionError, Findings, KnownAction, LocalServices, RunSettings};

/// Where job processes find the snapshot they check out from.
const SNAPSHOT: &str = "/opt/wfrun/repository";

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
    /// The program that is the stand-ins, as job processes see it.
    pub(crate) executable: String,
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
struct Ground {
    findings: Findings,
    work_dir: PathBuf,
    image: Option<String>,
    /// The repository's name, without its owner.
    name: String,
    view: Option<View>,
    spec: EnvironmentSpec,
}

impl Ground {
    /// Finds a job's actions and makes its folders.
    async fn lay(
        settings: &RunSettings,
        services: &LocalServices,
        wanted: &Wanted<'_>,
        number: usize,
    ) -> Result<Self, OpenError> {
        let findings = find(settings, &wanted.request.actions).await?;
        let work_dir = settings.work_root.join(&settings.run_id).join(number.to_string());
        let image = image(settings, wanted);
        let spec = spec(settings, services, wanted.job, work_dir.clone(), image.clone());
        let name = settings.repository.rsplit('/').next().unwrap_or("repository").to_owned();
        make_folders(&work_dir, &name, &wanted.request.event)?;
        let view = view(settings, wanted, &findings.found, &work_dir, &name).await;
        Ok(Self { findings, work_dir, image, name, view, spec })
    }

    fn workspace(&self) -> &'static str {
        self.view.as_ref().map_or("files", |it| it.way().as_str())
    }
}

/// An environment that was made before its job began.
pub(crate) struct MadeAhead {
    ground: Ground,
    environment: Environment,
}

impl MadeAhead {
    /// Makes it for a job that asks for no containers.
    pub(crate) async fn make(
        settings: &RunSettings,
        services: &LocalServices,
        wanted: &Wanted<'_>,
        number: usize,
    ) -> Result<Self, OpenError> {
        let ground = Ground::lay(settings, services, wanted, number).await?;
        let environment = settings.backend.open(ground.spec.clone()).await?;
        Ok(Self { ground, environment })
    }

    /// Whether processes can be started in it.
    pub(crate) fn is_alive(&self) -> bool {
        self.environment.is_alive()
    }

    /// Takes it away; its folders go with those of the run.
    pub(crate) async fn discard(self) -> Result<(), BackendError> {
        self.environment.close().await
    }
}

impl OpenJob {
    /// Makes a job's folders, opens its environment and finds its actions; or takes what was made of this `ahead`.
    pub(crate) async fn open(
        settings: &RunSettings,
        services: &LocalServices,
        wanted: &Wanted<'_>,
        number: usize,
        telling: Telling<'_>,
        ahead: Option<MadeAhead>,
    ) -> Result<(Self, JobEnvironment), OpenError> {
        let job = wanted.job;
        let (ground, environment, network, containers) = if let Some(MadeAhead { ground, environment }) = ahead {
            (ground, environment, None, None)
        } else if wanted.containers.is_empty() {
            let MadeAhead { ground, environment } = MadeAhead::make(settings, services, wanted, number).await?;
            (ground, environment, None, None)
        } else {
            let ground = Ground::lay(settings, services, wanted, number).await?;
            let (image, workspace) = (ground.image.clone(), ground.workspace());
            let fact = FactKind::ContainersBegin { job: job.clone(), image, workspace };
            telling.facts.send(fact).await.ok();
            let Opened { environment, network, containers } =
                Box::pin(containers::open(settings, wanted.containers, ground.spec.clone(), telling)).await?;
            (ground, environment, Some(network), Some(containers))
        };
        let workspace = ground.workspace();
        let Ground { findings, work_dir, image, name, view, spec: _ } = ground;
        let in_container = wanted.containers.container.is_some();
        let paths = if in_container { Paths::of_job_container() } else { Paths::default() };
        let work_inside = if in_container { WORK.to_owned() } else { environment.facts().work.clone() };
        let facts = environment.facts();
        let tool_cache = if in_container { TOOL_CACHE } else { &facts.tool_cache };
        let layout = Layout::below(&work_inside, &name, tool_cache, &facts.home);
        let files = WorkFiles::at(&work_dir).map_err(|err| OpenError::Write { path: work_dir.clone(), err })?;
        let actions = ActionFolders::default();
        let resolved = actions.place(&files, &work_inside, findings.found).map_err(failed)?;
        let described = describe(settings, services, wanted, &environment, &layout, resolved);
        let mut job_environment = JobEnvironment { image, containers, workspace, ..described };
        if view.is_some() {
            job_environment.action_env.insert("WFRUN_CHECKED_OUT".to_owned(), settings.snapshot.sha.clone());
        }
        let siblings = Siblings::of(settings, services, job, job_environment.containers.as_ref());
        let open = Self {
            environment,
            work_dir,
            work_inside,
            files,
            layout,
            actions,
            node: JobNode::default(),
            paths,
            in_container,
            network: tokio::sync::Mutex::new(network),
            siblings,
            executable: executable(settings),
            view,
            controls: Mutex::default(),
        };
        Ok((open, job_environment))
    }

    /// A path as the job's expressions have it, relative to the work folder, if it is in it.
    pub(crate) fn relative<'a>(&self, inside: &'a str) -> Option<&'a str> {
        inside.strip_prefix(&self.work_inside)?.strip_prefix('/')
    }
}

fn failed(err: ActionError) -> OpenError {
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

fn spec(
    settings: &RunSettings,
    services: &LocalServices,
    job: &JobKey,
    work_dir: PathBuf,
    image: Option<String>,
) -> EnvironmentSpec {
    let snapshot = &settings.snapshot;
    let mount = |source: &Path, target: String| Mount { source: source.to_owned(), target, read_only: true };
    let mut mounts = vec![mount(&snapshot.dir, SNAPSHOT.to_owned())];
    if settings.backend.name() == "docker" {
        mounts.extend(settings.node.iter().map(|it| mount(it, node::MOUNTED.to_owned())));
    }
    mounts.extend(snapshot.borrowed.iter().map(|it| mount(it, it.display().to_string())));
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
        shims: settings.shims.clone(),
        env: Vec::new(),
        container: None,
        passed_on: services.ports(),
        outbound: Arc::clone(&settings.outbound),
        hidden: settings.hidden.clone(),
    }
}

/// AWS's names at an address that answers to nothing, where there is no name server of our own.
pub(crate) fn blocked_names(services: &LocalServices) -> Vec<(String, IpAddr)> {
    let region = services.aws.as_ref().map_or("us-east-1", |it| it.account.region());
    let names = wfrun_backend::network::blocked_hosts(region);
    names.into_iter().map(|it| (it, IpAddr::V4(Ipv4Addr::UNSPECIFIED))).collect()
}

fn make_folders(work_dir: &Path, name: &str, event: &Json) -> Result<(), OpenError> {
    let write = |path: &Path, err| OpenError::Write { path: path.to_owned(), err };
    let temp = ["_runner_file_commands", "_github_workflow", "_github_home"].map(|it| format!("_temp/{it}"));
    for folder in temp.into_iter().chain([format!("{name}/{name}"), "_tool".to_owned()]) {
        let path = work_dir.join(folder);
        std::fs::create_dir_all(&path).map_err(|err| write(&path, err))?;
    }
    let path = work_dir.join("_temp/_github_workflow/event.json");
    let text = serde_json::to_string_pretty(event).unwrap_or_else(|_| "{}".to_owned());
    std::fs::write(&path, text).map_err(|err| write(&path, err))
}

fn describe(
    settings: &RunSettings,
    services: &LocalServices,
    wanted: &Wanted<'_>,
    environment: &Environment,
    layout: &Layout,
    actions: IndexMap<ActionRef, ResolvedAction>,
) -> JobEnvironment {
    let facts = environment.facts();
    let scopes = settings.cache_scopes.iter().enumerate();
    // Source: GitHub: execution rules E9.4: only the current ref's scope may be written.
    let scopes = scopes.map(|(index, git_ref)| CacheScope { git_ref: git_ref.clone(), write: index == 0 }).collect();
    let identity = JobIdentity { run_id: settings.run_id.clone(), job: wanted.job.to_string(), scopes };
    let token = services.github.job_token(identity);
    if let Some(JobToken { text, permissions }) = wanted.token {
        services.github.allow_api(text.expose(), api_grant(wanted.job, permissions));
    }
    let url = services.github.url();
    let mut step_env = pairs([("WFRUN_REPOSITORY", snapshot_path(settings).as_str())]);
    if let Some(aws) = &services.aws {
        step_env
            .extend(pairs([("AWS_ENDPOINT_URL", aws.endpoint.url().as_str()), ("AWS_EC2_METADATA_DISABLED", "true")]));
    }
    // Scripts get these, too. Source: GitHub: execution rules E2.6.
    if let Some(claims) = wanted.id_token {
        let claims = claims.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let asked_at = services.github.allow_id_tokens(&token, claims);
        step_env.extend(pairs([
            ("ACTIONS_ID_TOKEN_REQUEST_URL", asked_at.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &token),
        ]));
    }
    let mut action_env = pairs([
        ("ACTIONS_RUNTIME_URL", url.as_str()),
        ("ACTIONS_RUNTIME_TOKEN", &token),
        ("ACTIONS_RESULTS_URL", &url),
        ("ACTIONS_CACHE_URL", &url),
        ("ACTIONS_CACHE_SERVICE_V2", "True"),
    ]);
    action_env.extend([git_settings(settings)]);
    JobEnvironment {
        image: None,
        workspace: "files",
        os: facts.os.to_owned(),
        arch: facts.arch.clone(),
        name: "wfrun".to_owned(),
        layout: layout.clone(),
        path: search_path(&facts.path, settings.shims_first),
        base_env: facts.base_env.iter().cloned().chain(runner_env(layout)).collect(),
        step_env,
        action_env,
        actions,
        secrets: vec![token],
        containers: None,
    }
}

/// What a job's token may do, as the API knows it.
fn api_grant(job: &JobKey, permissions: &Permissions) -> ApiGrant {
    let access = |scope: &str| match permissions.level(scope) {
        Level::None => None,
        Level::Read => Some(Access::Read),
        Level::Write => Some(Access::Write),
    };
    let scopes = SCOPES.into_iter().filter_map(|it| Some((it.to_owned(), access(it)?))).collect();
    ApiGrant { job: job.to_string(), scopes }
}

/// What GitHub's runners have in their own environment.
///
/// Source: GitHub: execution rules E1.8, "Orphans", and E6.2.
/// Differs: what steps left running ends with its job, also where it changed its `RUNNER_TRACKING_ID`, and the log does not say
/// so; there is no `ImageOS`, no `ImageVersion` and no `RUNNER_USER`.
fn runner_env(layout: &Layout) -> [(String, String); 2] {
    let tracking = format!("github_{}", uuid::Uuid::new_v4());
    [("AGENT_TOOLSDIRECTORY".to_owned(), layout.tool_cache.clone()), ("RUNNER_TRACKING_ID".to_owned(), tracking)]
}

/// Without namespaces nothing is mounted, and the snapshot is where it is.
pub(crate) fn snapshot_path(settings: &RunSettings) -> String {
    if has_own_root(settings) { SNAPSHOT.to_owned() } else { settings.snapshot.dir.display().to_string() }
}

/// Whether job processes see another root than this machine's.
fn has_own_root(settings: &RunSettings) -> bool {
    settings.backend.name() != "host"
}

/// The program that is the stand-ins, as job processes see it.
fn executable(settings: &RunSettings) -> String {
    if has_own_root(settings) { EXECUTABLE.to_owned() } else { settings.executable.display().to_string() }
}

/// The backend puts the stand-ins' folder first; where they are only a fallback it goes last.
fn search_path(path: &str, shims_first: bool) -> String {
    match path.strip_prefix(SHIM_DIR).and_then(|it| it.strip_prefix(':')) {
        Some(rest) if !shims_first => format!("{rest}:{SHIM_DIR}"),
        Some(_) | None => path.to_owned(),
    }
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> IndexMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
