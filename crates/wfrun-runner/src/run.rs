//! The loop: facts in, effects out.
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wfrun_engine::{Effect, Engine, Fact, FactKind, Turn};
use wfrun_journal::{RunRecord, Sink};
use wfrun_plan::JobKey;

use crate::job::{OpenError, OpenJob};
use crate::read_file::read_file;
use crate::step::{chain, run_step, signal};
use crate::{LocalServices, RunSettings, hash_files, remove_folder};

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

/// After so many events the views are flushed, whatever waits.
const MOST_UNFLUSHED: usize = 4096;

/// What the tasks of a run share.
struct Shared {
    settings: RunSettings,
    services: LocalServices,
    jobs: Mutex<HashMap<JobKey, Arc<OpenJob>>>,
    facts: mpsc::Sender<FactKind>,
    numbers: AtomicUsize,
}

/// Drives a run to its end and gives back what happened.
///
/// The services are stopped and all environments are gone when it returns.
pub async fn run(
    mut engine: Engine,
    settings: RunSettings,
    services: LocalServices,
    outside: Outside,
    sink: &mut dyn Sink,
) -> RunRecord {
    let started = Instant::now();
    let Outside { sender, mut receiver } = outside;
    let shared =
        Arc::new(Shared { settings, services, jobs: Mutex::default(), facts: sender, numbers: AtomicUsize::new(1) });
    let mut tasks = JoinSet::new();
    let mut next = Some(FactKind::Begin);
    let mut unflushed = 0;
    while engine.record().conclusion.is_none() {
        let kind = match next.take() {
            Some(kind) => kind,
            None => receiver.recv().await.expect("the shared part holds a sender"),
        };
        let at_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Turn { effects, events } = engine.handle(Fact { at_ms, kind });
        let mut shown = events.iter().try_for_each(|event| sink.accept(event, engine.record()));
        // What comes in a flood is flushed once in a while, all else at once.
        unflushed += events.len();
        if receiver.is_empty() || unflushed > MOST_UNFLUSHED || engine.record().conclusion.is_some() {
            unflushed = 0;
            shown = shown.and_then(|()| sink.flush());
        }
        if let Err(err) = shown {
            tracing::warn!("a view failed: {}", chain(&err));
        }
        for effect in effects {
            carry_out(&shared, &mut tasks, effect, started);
        }
        // Tasks that are through need no further thought.
        while tasks.try_join_next().is_some() {}
    }
    tasks.shutdown().await;
    forget_registry(&shared).await;
    if let Ok(shared) = Arc::try_unwrap(shared).map_err(|_| ()) {
        shared.services.stop().await;
    }
    engine.record().clone()
}

/// The account's registry has another port in each run, so names with this one are of no more use.
async fn forget_registry(shared: &Shared) {
    let Some(aws) = &shared.services.aws else { return };
    let url = aws.endpoint.url();
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    if let Err(err) = shared.settings.backend.forget_registry(host).await {
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
        Effect::OpenJob { job, actions, event, labels } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let number = shared.number();
                let opened =
                    OpenJob::open(&shared.settings, &shared.services, &job, number, &labels, &actions, &event).await;
                let fact = match opened {
                    Ok((open, environment)) => {
                        shared.insert(job.clone(), open);
                        FactKind::JobReady { job, environment: Box::new(environment) }
                    }
                    Err(err) => FactKind::JobNotReady { job, message: chain(&err), help: help(&err) },
                };
                deliver(&shared.facts, fact).await;
            });
        }
        Effect::HashFiles { job, patterns } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let digest = shared.hash(&job, patterns.clone()).await;
                deliver(&shared.facts, FactKind::Hashed { job, patterns, digest }).await;
            });
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
        Effect::FindAction { job, action } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let found = Err(format!("`uses: {action}` is not supported by wfrun yet"));
                deliver(&shared.facts, FactKind::ActionFound { job, action, found }).await;
            });
        }
        Effect::RunStep { job, process, launch, step: _, phase: _ } => {
            let Some(open) = shared.job(&job) else { return };
            tasks.spawn(run_step(job, process, open, *launch, shared.facts.clone()));
        }
        Effect::CloseJob { job } => {
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                let fault = shared.close(&job).await;
                deliver(&shared.facts, FactKind::JobClosed { job, fault }).await;
            });
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
        // These messages carry their way out.
        OpenError::Backend(_) | OpenError::Action(_) => None,
    }
}

impl Shared {
    fn job(&self, key: &JobKey) -> Option<Arc<OpenJob>> {
        self.jobs.lock().ok()?.get(key).cloned()
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

    async fn hash(&self, key: &JobKey, patterns: Vec<String>) -> Result<String, String> {
        let open = self.job(key).ok_or("the job is not open")?;
        let relative = open.relative(&open.layout.workspace).ok_or("the workspace is not in the work folder")?;
        let workspace = open.work_dir.join(relative);
        // A step may have put a link in the workspace's place; the rest of this machine is none of its business.
        if std::fs::canonicalize(&workspace).ok()
            != std::fs::canonicalize(&open.work_dir).ok().map(|it| it.join(relative))
        {
            return Err("the workspace is no folder of its own any more".to_owned());
        }
        let hashed = tokio::task::spawn_blocking(move || hash_files(&workspace, &patterns)).await;
        hashed.map_err(|err| err.to_string())?.map_err(|err| chain(&err))
    }

    async fn close(&self, key: &JobKey) -> Option<String> {
        let open = self.jobs.lock().ok()?.remove(key)?;
        let Ok(open) = Arc::try_unwrap(open) else { return Some("a step still held the job's environment".to_owned()) };
        let OpenJob { environment, work_dir, .. } = open;
        let closed = environment.close().await.map_err(|err| chain(&err));
        let folder = work_dir.clone();
        let removed = tokio::task::spawn_blocking(move || remove_folder(&folder)).await.map_err(std::io::Error::other);
        let removed = removed.and_then(|it| it);
        let removed = removed.map_err(|err| format!("failed to remove {}: {err}", work_dir.display()));
        closed.and(removed).err()
    }
}
