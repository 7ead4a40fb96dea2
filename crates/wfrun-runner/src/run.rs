//! The loop: facts in, effects out.
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use wfrun_backend::docker::Log;
use wfrun_backend::{BackendError, chain};
use wfrun_engine::{ConcurrencyGroup, Effect, Engine, EnvironmentRequest, Fact, FactKind, FoundAction, Turn};
use wfrun_journal::{RunEvent, RunRecord};
use wfrun_plan::JobKey;
use wfrun_workflow::UsesTarget;

use crate::ahead::Ahead;
use crate::containers::{Telling, WantedContainers, tell};
use crate::find_action::{Told, find_action};
use crate::job::{MadeAhead, OpenError, OpenJob, Wanted};
use crate::kept::keep;
use crate::opening::Opening;
use crate::own_repository::write_git_settings;
use crate::read_file::read_file;
use crate::step::{find_shell, run_step, signal};
use crate::{HashedFolder, LocalServices, RunSettings, Standing, hash_files, remove_folder};

/// What comes from outside of the run: services, signals.
pub struct Outside {
    /// Sends facts into the run.
    pub sender: mpsc::Sender<FactKind>,
    /// Gives them to the loop.
    pub receiver: mpsc::Receiver<FactKind>,
}

impl Outside {
    /// A channel with room for a burst of lines, and for no more: whoever prints faster than is shown has to wait.
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::channel(8);
        Self { sender, receiver }
    }
}

impl Default for Outside {
    fn default() -> Self {
        Self::new()
    }
}

/// What the tasks of a run share.
struct Shared {
    settings: RunSettings,
    services: LocalServices,
    jobs: Mutex<HashMap<JobKey, Arc<OpenJob>>>,
    /// Tell those who make a job's environment not to wait.
    hurries: Mutex<HashMap<JobKey, watch::Sender<bool>>>,
    ahead: Ahead,
    /// The tasks that hold places in concurrency groups.
    groups: Mutex<HashMap<Option<JobKey>, AbortHandle>>,
    facts: mpsc::Sender<FactKind>,
    numbers: AtomicUsize,
}

/// Drives a run to its end and gives back what happened; `show` gets its events as they are made.
///
/// The services are stopped and all environments are gone when it returns.
pub async fn run(
    mut engine: Engine,
    settings: RunSettings,
    services: LocalServices,
    outside: Outside,
    show: &dyn Fn(Vec<RunEvent>),
) -> RunRecord {
    let started = Instant::now();
    let Outside { sender, mut receiver } = outside;
    if let Err(err) = write_git_settings(&settings) {
        tracing::warn!("git in actions will not find the repository: {err}");
    }
    let shared = Arc::new(Shared {
        settings,
        services,
        jobs: Mutex::default(),
        hurries: Mutex::default(),
        ahead: Ahead::default(),
        groups: Mutex::default(),
        facts: sender,
        numbers: AtomicUsize::new(1),
    });
    let mut tasks = JoinSet::new();
    let mut next = Some(FactKind::Begin);
    while engine.record().conclusion.is_none() {
        let kind = match next.take() {
            Some(kind) => kind,
            None => receiver.recv().await.expect("the shared part holds a sender"),
        };
        let at_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Turn { effects, events } = engine.handle(Fact { at_ms, kind });
        show(events);
        for effect in effects {
            carry_out(&shared, &mut tasks, effect, started);
        }
        // Tasks that are through need no further thought.
        while tasks.try_join_next().is_some() {}
    }
    tasks.shutdown().await;
    Box::pin(shared.ahead.clear()).await;
    forget_registry(&shared).await;
    if let Ok(shared) = Arc::try_unwrap(shared).map_err(|_| ()) {
        shared.services.stop().await;
    }
    engine.record().clone()
}

/// Nobody is to take a later run's images for this one's. The account's registry has another port in each run, so names with this one
/// are of no more use.
async fn forget_registry(shared: &Shared) {
    if let Some(named) = &shared.services.named_registry {
        named.give_back().await;
    }
    let (Some(aws), Some(engine)) = (&shared.services.aws, &shared.services.engine) else { return };
    let url = aws.endpoint.url();
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    if let Err(err) = engine.forget_registry(host).await {
        tracing::warn!("images of {host} stay: {}", chain(&err));
    }
}

fn carry_out(shared: &Arc<Shared>, tasks: &mut JoinSet<()>, effect: Effect, started: Instant) {
    match effect {
        Effect::Signal { job, process, signal: which } => {
            if let Some(open) = shared.job(&job) {
                signal(&open, process, which);
            }
        }
        Effect::WakeAt { at_ms, timer } => {
            let facts = shared.facts.clone();
            let at = started + Duration::from_millis(at_ms);
            tasks.spawn(async move {
                tokio::time::sleep_until(at.into()).await;
                deliver(&facts, FactKind::Woke(timer)).await;
            });
        }
        Effect::OpenJob { job, request, container, services, id_token, token } => {
            let shared = Arc::clone(shared);
            let containers = WantedContainers { container, services };
            let hurry = shared.hurry(&job);
            tasks.spawn(async move {
                let (job, request, containers, id_token) = (&job, &request, &containers, id_token.as_deref());
                let wanted = Wanted { job, request, containers, id_token, token: token.as_deref() };
                let fact = Box::pin(shared.open(&wanted, hurry)).await;
                deliver(&shared.facts, fact).await;
            });
        }
        Effect::MakeAhead { job, request } => shared.make_ahead(job, request),
        Effect::DropAhead { job } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move { Box::pin(shared.ahead.drop_one(&job)).await });
        }
        Effect::HurryJob { job } => shared.tell_to_hurry(&job),
        Effect::StopContainers { job } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let warnings = shared.stop_containers(&job).await;
                deliver(&shared.facts, FactKind::ContainersStopped { job, warnings }).await;
            });
        }
        Effect::HashFiles { job, patterns } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let digest = shared.hash(&job, patterns.clone()).await;
                deliver(&shared.facts, FactKind::Hashed { job, patterns, digest }).await;
            });
        }
        Effect::EnterGroup { job, group } => {
            let task = tasks.spawn(hold_place(Arc::clone(shared), job.clone(), group));
            if let Ok(mut groups) = shared.groups.lock() {
                groups.insert(job, task);
            }
        }
        Effect::LeaveGroup { job } => {
            let task = shared.groups.lock().ok().and_then(|mut it| it.remove(&job));
            if let Some(task) = task {
                task.abort();
            }
        }
        Effect::ReadFile { job, process, path } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let text = match shared.job(&job) {
                    Some(open) => read_file(&open, &path).await,
                    None => Err("the job is not open".to_owned()),
                };
                deliver(&shared.facts, FactKind::FileRead { job, process, text }).await;
            });
        }
        Effect::FindShell { job, search } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let found = match shared.job(&job) {
                    Some(open) => find_shell(&open.environment, &search).await,
                    None => None,
                };
                deliver(&shared.facts, FactKind::ShellFound { job, search, found }).await;
            });
        }
        Effect::FindAction { job, action } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let found = shared.find(&job, action.clone()).await;
                deliver(&shared.facts, FactKind::ActionFound { job, action, found }).await;
            });
        }
        Effect::RunStep { job, process, launch, step: _, phase: _ } => {
            let Some(open) = shared.job(&job) else { return };
            tasks.spawn(run_step(job, process, open, *launch, shared.facts.clone()));
        }
        Effect::CloseJob { job, hurries } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let fault = shared.close(&job, hurries).await;
                deliver(&shared.facts, FactKind::JobClosed { job, fault }).await;
            });
        }
    }
}

/// Enters a concurrency group and stays in it; the task that does so is ended to leave it.
async fn hold_place(shared: Arc<Shared>, job: Option<JobKey>, group: ConcurrencyGroup) {
    let failed = |err: std::io::Error| format!("the concurrency group `{}` cannot be entered: {err}", group.name);
    let place = match shared.settings.groups.enter(&group) {
        Ok(place) => place,
        Err(err) => {
            let reason = failed(err);
            return deliver(&shared.facts, FactKind::GroupLost { job, reason }).await;
        }
    };
    let mut standing = place.look();
    if matches!(standing, Ok(Standing::Pending)) {
        let who = job.as_ref().map_or_else(|| "the run".to_owned(), |it| format!("job `{it}`"));
        let message = format!("{who} waits for the concurrency group `{}`", group.name);
        deliver(&shared.facts, FactKind::Noticed(message)).await;
    }
    loop {
        let fact = match &standing {
            Ok(Standing::Pending) => None,
            Ok(Standing::Running) => Some(FactKind::GroupEntered { job: job.clone() }),
            Ok(Standing::Lost) => Some(FactKind::GroupLost { job: job.clone(), reason: place.why_lost() }),
            Err(err) => Some(FactKind::GroupLost { job: job.clone(), reason: err.to_string() }),
        };
        if let Some(fact) = fact {
            deliver(&shared.facts, fact).await;
        }
        match standing {
            Ok(from @ (Standing::Pending | Standing::Running)) => standing = place.changed(from).await,
            // The place is kept until it is left: who comes next waits for the end of this one.
            Ok(Standing::Lost) | Err(_) => std::future::pending().await,
        }
    }
}

async fn deliver(facts: &mpsc::Sender<FactKind>, fact: FactKind) {
    // Without a receiver the run is over.
    if facts.send(fact).await.is_err() {
        tracing::debug!("a fact came after the run");
    }
}

fn help(err: &OpenError) -> Option<String> {
    match err {
        OpenError::Write { .. } => Some("is the disk full, or the folder read-only?".to_owned()),
        OpenError::Backend(BackendError::Container { .. }) => {
            Some("see `container` and `services` of the job; docs/containers.md has what is known".to_owned())
        }
        // These messages carry their way out.
        OpenError::Backend(_) | OpenError::Action(_) | OpenError::Lost(_) => None,
    }
}

impl Shared {
    fn job(&self, key: &JobKey) -> Option<Arc<OpenJob>> {
        self.jobs.lock().ok()?.get(key).cloned()
    }

    async fn open(&self, wanted: &Wanted<'_>, hurry: watch::Receiver<bool>) -> FactKind {
        let job = wanted.job;
        let telling = Telling { job, facts: &self.facts, hurry };
        let ahead = Box::pin(self.ahead.take(job, wanted.request)).await;
        let (settings, services, number) = (&self.settings, &self.services, self.number());
        let opened = Box::pin(Opening { settings, services, wanted, number }.open(telling, ahead)).await;
        if let Ok(mut hurries) = self.hurries.lock() {
            hurries.remove(job);
        }
        match opened {
            Ok((open, environment)) => {
                if let Some(open) = open {
                    self.insert(job.clone(), open);
                }
                FactKind::JobReady { job: job.clone(), environment: Box::new(environment) }
            }
            Err(err) => FactKind::JobNotReady { job: job.clone(), message: chain(&err), help: help(&err) },
        }
    }

    fn make_ahead(self: &Arc<Self>, job: JobKey, request: EnvironmentRequest) {
        let shared = Arc::clone(self);
        let (request, of) = (Arc::new(request), job.clone());
        self.ahead.begin(job, Arc::clone(&request), async move {
            let containers = &WantedContainers::default();
            let wanted = Wanted { job: &of, request: &request, containers, id_token: None, token: None };
            MadeAhead::make(&shared.settings, &shared.services, &wanted, shared.number()).await
        });
    }

    fn hurry(&self, job: &JobKey) -> watch::Receiver<bool> {
        let (sender, receiver) = watch::channel(false);
        if let Ok(mut hurries) = self.hurries.lock() {
            hurries.insert(job.clone(), sender);
        }
        receiver
    }

    fn tell_to_hurry(&self, job: &JobKey) {
        if let Ok(hurries) = self.hurries.lock()
            && let Some(hurry) = hurries.get(job)
        {
            hurry.send_replace(true);
        }
    }

    async fn stop_containers(&self, key: &JobKey) -> Vec<String> {
        let Some(open) = self.job(key) else { return Vec::new() };
        let Some(network) = open.network.lock().await.take() else { return Vec::new() };
        let (log, lines) = Log::new();
        let told = tell(key.clone(), self.facts.clone(), lines);
        let own = open.environment.container().filter(|_| open.in_container);
        if own.is_some() {
            open.environment.shut_down().await;
        }
        // The job may be closed as soon as this is told, and then nobody else may hold it.
        drop(open);
        let warnings = network.stop(own, &log).await;
        drop(log);
        told.await.ok();
        warnings
    }

    fn insert(&self, key: JobKey, open: OpenJob) {
        if let Ok(mut jobs) = self.jobs.lock() {
            jobs.insert(key, Arc::new(open));
        }
    }

    /// A number that no other job of the run has.
    fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    async fn find(self: &Arc<Self>, key: &JobKey, action: UsesTarget) -> Result<Box<FoundAction>, String> {
        let open = self.job(key).ok_or("the job is not open")?;
        let shared = Arc::clone(self);
        let told = tokio::task::spawn_blocking(move || find_action(&open, &shared.settings, &action)).await;
        let Told { found, notices } = told.map_err(|err| err.to_string())??;
        for notice in notices {
            deliver(&self.facts, FactKind::Noticed(notice)).await;
        }
        Ok(found)
    }

    async fn hash(&self, key: &JobKey, patterns: Vec<String>) -> Result<String, String> {
        let open = self.job(key).ok_or("the job is not open")?;
        let relative = open.relative(&open.layout.workspace).ok_or("the workspace is not in the work folder")?;
        let workspace = open.work_dir.join(relative);
        // A step may have put a link in the workspace's place; the rest of this machine is none of its business.
        let here = std::fs::canonicalize(&workspace).map_err(|err| err.to_string())?;
        if std::fs::canonicalize(&open.work_dir).ok().map(|it| it.join(relative)).as_ref() != Some(&here) {
            return Err("the workspace is no folder of its own any more".to_owned());
        }
        let folder =
            HashedFolder { here, shown: PathBuf::from(&open.layout.workspace), home: PathBuf::from(&open.layout.home) };
        let hashed = tokio::task::spawn_blocking(move || hash_files(&folder, &patterns)).await;
        hashed.map_err(|err| err.to_string())?.map_err(|err| chain(&err))
    }

    async fn close(&self, key: &JobKey, hurries: bool) -> Option<String> {
        // After the last job nobody takes facts any more.
        if let Some(aws) = &self.services.aws {
            // A step of another job may wait for what this one began.
            let is_alone = self.jobs.lock().is_ok_and(|it| it.len() == 1);
            if is_alone && !hurries {
                let mut hurry = self.hurry(key);
                tokio::select! {
                    () = aws.failed.wait_for_rollouts(key) => {}
                    _ = hurry.wait_for(|it| *it) => {}
                }
            }
            aws.failed.look_at_last().await;
        }
        self.services.github.end_api_tokens(key.as_str());
        let open = self.jobs.lock().ok()?.remove(key)?;
        let Ok(open) = Arc::try_unwrap(open) else { return Some("a step still held the job's environment".to_owned()) };
        let OpenJob { environment, work_dir, view, layout, work_inside, .. } = open;
        let closed = environment.close().await.map_err(|err| chain(&err));
        let workspace = layout.workspace.strip_prefix(&work_inside).map(|it| it.trim_start_matches('/'));
        if let Some(workspace) = workspace.map(|it| work_dir.join(it)) {
            self.keep(key, workspace).await;
        }
        drop(view);
        let folder = work_dir.clone();
        let removed = tokio::task::spawn_blocking(move || remove_folder(&folder)).await.map_err(std::io::Error::other);
        let removed = removed.and_then(|it| it);
        let removed = removed.map_err(|err| format!("failed to remove {}: {err}", work_dir.display()));
        closed.and(removed).err()
    }

    /// Keeps what a job left, if that is wanted. What stops it is said, and no more: the job has done its work.
    async fn keep(&self, key: &JobKey, workspace: PathBuf) {
        let Some(folder) = self.settings.keep_workspaces.clone() else { return };
        let (job, snapshot) = (key.clone(), self.settings.snapshot.clone());
        let kept = tokio::task::spawn_blocking(move || keep(&workspace, &job, &folder, &snapshot)).await;
        let kept = kept.map_err(std::io::Error::other).and_then(|it| it);
        let message = kept.unwrap_or_else(|err| format!("the workspace of job `{key}` cannot be kept: {err}"));
        deliver(&self.facts, FactKind::Noticed(message)).await;
    }
}
