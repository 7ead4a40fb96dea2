//! Tasks of the AWS account as containers of the Docker engine: `ecs.runtime: docker`.
//!
//! Invariants: every container and volume has the run's label, and is gone when its task's last word is told, or when
//! [`DockerLauncher::shutdown`] returns; nothing else in the engine is touched. Ports are published on 127.0.0.1 only.
mod health;
mod life;
mod output;
mod plan;
mod secrets;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wfrun_aws::{TaskLaunch, TaskLauncher, TaskReporter};
use wfrun_backend::{BackendError, DockerBackend};

use self::output::Tail;

pub use self::output::LogPlace;

/// No task is called unhealthy before, unless AWS would.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the launcher is made with.
#[derive(Clone)]
pub struct TaskSettings {
    /// The run's id; goes into labels and names.
    pub run_id: String,
    /// This executable: it takes away what is left if this process is killed, and holds networks that containers share.
    pub executable: PathBuf,
    /// Values of secrets, by ARN or name.
    pub secrets: IndexMap<String, String>,
    /// How many seconds a second of a health check's interval takes; above 0, at most 1.
    pub health_scale: f64,
}

impl fmt::Debug for TaskSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSettings").field("run_id", &self.run_id).finish_non_exhaustive()
    }
}

/// Takes lines of a container's output.
pub type LogSink = Arc<dyn Fn(&LogPlace, &[String]) + Send + Sync>;

/// Starts tasks as containers.
///
/// Differs: a task's containers are on the engine's bridge and may reach what this machine reaches, but for AWS's usual names; a task
/// has no credentials of its role, no metadata endpoint, and files of environment variables, EFS volumes and folders of the host are refused.
/// Differs: container ports are published on free ports of 127.0.0.1, whatever `hostPort` says.
pub struct DockerLauncher {
    shared: Arc<Shared>,
    runtime: Handle,
    tasks: Mutex<HashMap<String, Running>>,
}

/// What every task needs.
struct Shared {
    engine: DockerBackend,
    settings: TaskSettings,
    logs: OnceLock<LogSink>,
}

/// A task that is under way.
struct Running {
    stop: watch::Sender<Wish>,
    task: JoinHandle<()>,
    of: Origin,
    /// Which of those under way began later.
    number: u64,
    printed: Arc<OnceLock<Tail>>,
}

/// What a task was started for.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Origin {
    cluster: String,
    /// As in [`TaskLaunch::group`].
    group: String,
    /// The task definition's ARN.
    definition: String,
}

/// What is wanted of a task.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Wish {
    #[default]
    Run,
    /// It is asked to end, and has its time.
    Stop,
    /// It is taken away at once.
    Vanish,
}

impl DockerLauncher {
    /// A launcher on this engine. Must be called inside a runtime, which then carries the tasks.
    ///
    /// Fails where nobody can be left to take the containers away should this process be killed.
    pub fn new(engine: DockerBackend, settings: TaskSettings) -> Result<Self, BackendError> {
        engine.guard(&settings.executable, &settings.run_id)?;
        let shared = Arc::new(Shared { engine, settings, logs: OnceLock::new() });
        Ok(Self { shared, runtime: Handle::current(), tasks: Mutex::default() })
    }

    /// Where containers with the log driver `awslogs` write; the first call counts. Without it their lines are only kept for reports.
    pub fn log_to(&self, sink: LogSink) {
        self.shared.logs.set(sink).ok();
    }

    /// The values of secrets that tasks may get.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.shared.settings.secrets.values().map(String::as_str)
    }

    /// What the newest task of a service and a task definition has printed by now, of those that are being stopped; where none is, of
    /// all that are under way.
    pub(crate) fn lines_by_now(&self, cluster: &str, service: &str, definition: &str) -> Vec<String> {
        let group = format!("service:{service}");
        let of = Origin { cluster: cluster.to_owned(), group, definition: definition.to_owned() };
        let tasks = self.tasks();
        let under_way = tasks.values().filter(|it| it.of == of && !it.task.is_finished());
        let newest = under_way.max_by_key(|it| (*it.stop.borrow() == Wish::Stop, it.number));
        newest.and_then(|it| it.printed.get()).map(Tail::lines).unwrap_or_default()
    }

    /// Takes all tasks away, without their stop timeouts.
    pub async fn shutdown(&self) {
        let tasks: Vec<Running> = self.tasks().drain().map(|(_, running)| running).collect();
        for running in &tasks {
            running.stop.send_replace(Wish::Vanish);
        }
        for running in tasks {
            running.task.await.ok();
        }
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskLauncher for DockerLauncher {
    fn start(&self, task: TaskLaunch, reporter: TaskReporter) {
        let (stop, wish) = watch::channel(Wish::Run);
        let (shared, id) = (Arc::clone(&self.shared), task.id.clone());
        let definition = task.definition.get("taskDefinitionArn").and_then(|it| it.as_str()).unwrap_or_default();
        let of = Origin { cluster: task.cluster.clone(), group: task.group.clone(), definition: definition.to_owned() };
        let printed = Arc::new(OnceLock::new());
        let prints = Arc::clone(&printed);
        let task = self.runtime.spawn(async move {
            let last_word = life::live(&shared, &task, &reporter, &prints, wish).await;
            reporter.report(last_word);
        });
        let mut tasks = self.tasks();
        tasks.retain(|_, running| !running.task.is_finished());
        let number = tasks.values().map(|it| it.number + 1).max().unwrap_or_default();
        tasks.insert(id, Running { stop, task, of, number, printed });
    }

    fn stop(&self, task: &str) {
        if let Some(running) = self.tasks().get(task) {
            running.stop.send_if_modified(|wish| {
                let runs = *wish == Wish::Run;
                *wish = if runs { Wish::Stop } else { *wish };
                runs
            });
        }
    }
}

impl fmt::Debug for DockerLauncher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerLauncher").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}
