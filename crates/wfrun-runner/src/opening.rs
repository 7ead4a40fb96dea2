//! The opening of a job: what is made and told before its first step.
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indexmap::IndexMap;
use wfrun_agent::supervisor::EXECUTABLE;
use wfrun_backend::docker::JobNetwork;
use wfrun_backend::{Environment, Facts, chain};
use wfrun_engine::{Entry, FactKind, JobContainers, JobEnvironment, JobToken, Layout, ResolvedAction};
use wfrun_plan::JobKey;
use wfrun_services::{Access, ApiGrant, CacheScope, JobIdentity};
use wfrun_workflow::{ActionRef, CacheMode, Level, Permissions, SCOPES};

use crate::action_container::Siblings;
use crate::action_images::{self, Workshop};
use crate::actions::ActionFolders;
use crate::containers::{self, Opened, Telling};
use crate::job::{
    Ground, MadeAhead, OpenError, OpenJob, Wanted, failed, has_own_root, pairs, snapshot_path, uploads_path,
};
use crate::node::JobNode;
use crate::own_repository::git_settings;
use crate::paths::{Paths, TOOL_CACHE, WORK};
use crate::work_files::WorkFiles;
use crate::{Aws, LocalServices, RunSettings};

/// What each step says that would run in a container which could not be made.
///
/// Source: `actions/runner`, `ActionRunner.cs`: `ArgUtil.NotNullOrEmpty(ContainerId)`.
const NO_CONTAINER: &str = "Value cannot be null. (Parameter 'ContainerId')";

/// What a job is opened with.
pub(crate) struct Opening<'a> {
    pub(crate) settings: &'a RunSettings,
    pub(crate) services: &'a LocalServices,
    pub(crate) wanted: &'a Wanted<'a>,
    /// A number that no other job of the run has.
    pub(crate) number: usize,
}

/// Where a job's processes will run, and what is around it.
#[derive(Default)]
struct Surroundings {
    /// None where the container that the job brings could not be made.
    environment: Option<Environment>,
    network: Option<JobNetwork>,
    containers: Option<JobContainers>,
}

/// The actions of a job, in its work folder.
struct Furnishing {
    files: WorkFiles,
    folders: ActionFolders,
    /// With folders relative to the work folder.
    actions: IndexMap<ActionRef, ResolvedAction>,
}

impl Opening<'_> {
    /// Makes a job's folders, finds its actions, makes their images and opens its environment; or takes what was made of
    /// this `ahead`. There is no open job where the container that it brings could not be made.
    pub(crate) async fn open(
        &self,
        telling: Telling<'_>,
        ahead: Option<MadeAhead>,
    ) -> Result<(Option<OpenJob>, JobEnvironment), OpenError> {
        let Self { settings, services, wanted, number } = *self;
        let made = match ahead {
            Some(made) => made,
            None => MadeAhead::make(settings, services, wanted, number).await?,
        };
        let (mut ground, place) = match made {
            MadeAhead::Environment(ground, environment) => (*ground, Ok(environment)),
            MadeAhead::Network(network) => match Ground::lay(settings, services, wanted, number).await {
                Ok(ground) => (ground, Err(network)),
                Err(err) => {
                    MadeAhead::Network(network).discard().await?;
                    return Err(err);
                }
            },
        };
        let furnishing = self.furnish(&mut ground)?;
        let images = self.images(&ground, &furnishing, &telling).await;
        let told = telling.facts;
        let surroundings = match (place, images.is_some()) {
            (Ok(environment), _) => Surroundings { environment: Some(environment), ..Surroundings::default() },
            (Err(network), true) => self.containers(&ground, network, telling).await?,
            (Err(network), false) => self.without_containers(&ground, network).await?,
        };
        let open_metadata = surroundings.environment.as_ref().and_then(|it| it.facts().metadata_open.as_ref());
        if let Some(reason) = open_metadata
            && !services.metadata_told.swap(true, Ordering::Relaxed)
        {
            let message = format!("steps reach the metadata of this machine, if it has any: {reason}");
            told.send(FactKind::Warned(message)).await.ok();
        }
        Ok(self.assemble(ground, furnishing, images.unwrap_or_default(), surroundings))
    }

    /// Puts the job's actions into its work folder.
    fn furnish(&self, ground: &mut Ground) -> Result<Furnishing, OpenError> {
        let write = |err| OpenError::Write { path: ground.work_dir.clone(), err };
        let files = WorkFiles::at(&ground.work_dir).map_err(write)?.given_to(self.wanted.owner());
        let folders = ActionFolders::default();
        let found = std::mem::take(&mut ground.findings.found);
        let actions = folders.place(&files, "", found).map_err(failed)?;
        Ok(Furnishing { files, folders, actions })
    }

    /// Makes the images of the job's container actions; none if that failed. Without an engine the steps say so.
    async fn images(&self, ground: &Ground, furnishing: &Furnishing, telling: &Telling<'_>) -> Option<HashSet<String>> {
        let Some(engine) = self.settings.backend.engine() else { return Some(HashSet::new()) };
        let wanted = action_images::wanted(&self.wanted.request.images, &furnishing.actions);
        let begin = (ground.image.clone(), ground.workspace());
        let workshop = Workshop { settings: self.settings, engine, work_dir: &ground.work_dir, begin };
        action_images::prepare(&workshop, wanted, telling).await
    }

    /// Makes the job's containers. What the workflow says wrong of them is the job's error.
    async fn containers(
        &self,
        ground: &Ground,
        network: JobNetwork,
        telling: Telling<'_>,
    ) -> Result<Surroundings, OpenError> {
        let (job, entry) = (telling.job.clone(), Entry::Containers);
        let (image, workspace) = (ground.image.clone(), ground.workspace());
        telling.facts.send(FactKind::EntryBegins { job, entry, image, workspace }).await.ok();
        let (wanted, spec) = (self.wanted.containers, ground.spec.clone());
        match Box::pin(containers::open(self.settings, wanted, spec, network, telling)).await {
            Ok(Opened { environment, network, containers }) => Ok(Surroundings {
                environment: Some(environment),
                network: Some(network),
                containers: Some(containers),
            }),
            Err(err) if err.is_of_the_workflow() => {
                let containers = JobContainers { errors: vec![chain(&err)], ..JobContainers::default() };
                Ok(Surroundings { containers: Some(containers), ..Surroundings::default() })
            }
            Err(err) => Err(err.into()),
        }
    }

    /// After a failure before them no containers are made.
    async fn without_containers(&self, ground: &Ground, network: JobNetwork) -> Result<Surroundings, OpenError> {
        MadeAhead::Network(network).discard().await?;
        let brings_its_own = self.wanted.containers.container.is_some();
        let environment =
            if brings_its_own { None } else { Some(self.settings.backend.open(ground.spec.clone()).await?) };
        Ok(Surroundings { environment, ..Surroundings::default() })
    }

    fn assemble(
        &self,
        ground: Ground,
        furnishing: Furnishing,
        images: HashSet<String>,
        surroundings: Surroundings,
    ) -> (Option<OpenJob>, JobEnvironment) {
        let Self { settings, services, wanted, .. } = *self;
        let Surroundings { environment, network, containers } = surroundings;
        let workspace = ground.workspace();
        let Ground { work_dir, image, name, view, .. } = ground;
        let in_container = wanted.containers.container.is_some();
        let paths = if in_container { Paths::of_job_container() } else { Paths::default() };
        let nowhere = nowhere();
        let facts = environment.as_ref().map_or(&nowhere, Environment::facts);
        let work_inside = if in_container { WORK.to_owned() } else { facts.work.clone() };
        let tool_cache = if in_container { TOOL_CACHE } else { &facts.tool_cache };
        let layout = Layout::below(&work_inside, &name, tool_cache, &facts.home);
        let Furnishing { files, folders, mut actions } = furnishing;
        for folder in actions.values_mut().filter_map(|it| it.folder.as_mut()) {
            folder.insert_str(0, &work_inside);
        }
        let described = describe(settings, services, wanted, facts, &layout, actions);
        let absent = environment.is_none().then_some(NO_CONTAINER);
        let mut job_environment = JobEnvironment { image, containers, workspace, absent, ..described };
        if view.is_some() {
            job_environment.action_env.insert("WFRUN_CHECKED_OUT".to_owned(), settings.snapshot.sha.clone());
        }
        let Some(environment) = environment else { return (None, job_environment) };
        let containers = job_environment.containers.as_ref();
        let siblings = Siblings::of(settings, services, wanted.job, containers, images);
        let open = OpenJob {
            environment,
            work_dir,
            work_inside,
            files,
            layout,
            actions: folders,
            node: JobNode::with(crate::job::node_places(settings)),
            redirects_aws: services.aws.is_some(),
            provider: services.aws.as_ref().and_then(Aws::provider),
            paths,
            in_container,
            network: tokio::sync::Mutex::new(network),
            siblings,
            executable: executable(settings),
            uploads: uploads_path(settings, services),
            view,
            controls: Mutex::default(),
        };
        (Some(open), job_environment)
    }
}

/// What is true of a container that was not made, as far as steps are described with it.
fn nowhere() -> Facts {
    Facts {
        os: "Linux",
        arch: if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }.to_owned(),
        path: String::new(),
        base_env: Vec::new(),
        home: "/github/home".to_owned(),
        work: WORK.to_owned(),
        tool_cache: TOOL_CACHE.to_owned(),
        moved_ports: Vec::new(),
        metadata_open: None,
        started_in: Duration::ZERO,
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

fn describe(
    settings: &RunSettings,
    services: &LocalServices,
    wanted: &Wanted<'_>,
    facts: &Facts,
    layout: &Layout,
    actions: IndexMap<ActionRef, ResolvedAction>,
) -> JobEnvironment {
    let cache_mode = wanted.request.cache_mode;
    let scopes = cache_scopes(&settings.cache_scopes, cache_mode.unwrap_or(CacheMode::Write));
    let identity = JobIdentity { run_id: settings.run_id.clone(), job: wanted.job.to_string(), scopes };
    let token = services.github.job_token(identity);
    if let Some(JobToken { text, permissions }) = wanted.token {
        services.github.allow_api(text.expose(), api_grant(wanted.job, permissions));
    }
    let mut step_env = pairs([("WFRUN_REPOSITORY", snapshot_path(settings).as_str())]);
    if let Some(lfs) = &settings.snapshot.lfs {
        step_env.insert("WFRUN_LFS".to_owned(), lfs.display().to_string());
    }
    if let Some(aws) = &services.aws {
        step_env
            .extend(pairs([("AWS_ENDPOINT_URL", aws.endpoint.url().as_str()), ("AWS_EC2_METADATA_DISABLED", "true")]));
    }
    if let Some(named) = &services.named_registry {
        step_env.extend(named.variables());
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
    let variables = services.github.variables(&token).into_iter();
    let mut action_env: IndexMap<String, String> = variables.map(|(name, value)| (name.to_owned(), value)).collect();
    action_env.extend([git_settings(settings)]);
    // Source: GitHub: `NodeScriptActionHandler` and `ContainerActionHandler` of actions/runner.
    action_env.extend(cache_mode.map(|it| ("ACTIONS_CACHE_MODE".to_owned(), it.to_string())));
    JobEnvironment {
        image: None,
        workspace: "files",
        os: facts.os.to_owned(),
        arch: facts.arch.clone(),
        name: "wfrun".to_owned(),
        layout: layout.clone(),
        path: facts.path.clone(),
        base_env: facts.base_env.iter().cloned().chain(runner_env(layout)).collect(),
        step_env,
        action_env,
        actions,
        secrets: vec![token],
        containers: None,
        absent: None,
    }
}

/// What a job may do with the caches of which ref.
///
/// Source: GitHub: execution rules E9.4: only the current ref's scope may be written.
fn cache_scopes(refs: &[String], mode: CacheMode) -> Vec<CacheScope> {
    let scope = |(index, git_ref): (usize, &String)| CacheScope {
        git_ref: git_ref.clone(),
        read: mode.may_read(),
        write: mode.may_write() && index == 0,
    };
    refs.iter().enumerate().map(scope).filter(|it| it.read || it.write).collect()
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

/// The program that is the stand-ins, as job processes see it.
fn executable(settings: &RunSettings) -> String {
    if has_own_root(settings) { EXECUTABLE.to_owned() } else { settings.executable.display().to_string() }
}

#[cfg(test)]
mod tests {
    use wfrun_workflow::CacheMode;

    use super::cache_scopes;

    #[test]
    fn cache_modes_are_rights() {
        let refs = ["refs/heads/b".to_owned(), "refs/heads/main".to_owned()];
        for (mode, expected) in [
            (CacheMode::Write, "refs/heads/b rw, refs/heads/main r"),
            (CacheMode::Read, "refs/heads/b r, refs/heads/main r"),
            (CacheMode::WriteOnly, "refs/heads/b w"),
            (CacheMode::None, ""),
        ] {
            let scopes = cache_scopes(&refs, mode).into_iter().map(|it| {
                format!("{} {}{}", it.git_ref, if it.read { "r" } else { "" }, if it.write { "w" } else { "" })
            });
            assert_eq!(scopes.collect::<Vec<_>>().join(", "), expected, "{mode}");
        }
    }
}
