//! How tasks come to run: the seam between the account, which decides, and a runtime, which carries out.
//!
//! The account decides which tasks there should be (the rolling scheduler, `RunTask`, `StopTask`), resolves their images to digests, and
//! hands each task to a [`TaskLauncher`]. What becomes of it comes back as [`TaskReport`]s. A launcher knows nothing of services,
//! deployments or circuit breakers; the account knows nothing of containers.
//!
//! A task's life, as its launcher tells it (each line may come at any later time, from any thread):
//!
//! ```text
//! start ─► Pulling ─► Pulled ─► Running ─► Healthy ⇄ Unhealthy
//!    │         │         │         └──────────┴───────┴─► Exited
//!    └─────────┴─────────┴─► CannotStart
//! stop  ─► Stopped, or Exited with the exit codes
//! ```
//!
//! - `Pulling` and `Pulled` are optional; they only fill `pullStartedAt` and `pullStoppedAt`.
//! - `Running` says that every container that is to run from the start was started. Its `address` names the task as a target of load
//!   balancers, so each task has one of its own; requests and probes go to the published ports.
//! - `Healthy` says that every essential container with a health check **in the task definition** passed it (an image's own `HEALTHCHECK`
//!   does not count), or, where none has one, that the task has been running for long enough. Health of load balancer targets is
//!   not the launcher's: the account asks its own load balancers.
//! - `Unhealthy` says that a check failed for all its retries. The account stops the task, at once or after its replacement is there; a
//!   launcher never stops a task by itself.
//! - `Exited` says that an essential container ended, and that the others were stopped for it. `CannotStart`, `Exited` and `Stopped` are the
//!   last words on a task: nothing of it is left running, and later reports are not read.
//!
//! `simulate` is the account's own launcher. Another one is handed over in
//! [`AccountSettings::launcher`](crate::AccountSettings::launcher) and takes the tasks when the account file says `runtime: docker`. Even
//! then the account simulates tasks with the placeholder image of services that were created for a workflow, and those that an injected
//! fault is to hit: they never reach the launcher.
//!
//! When an account is opened, tasks that its state calls running are handed to the launcher again, under their old ids: no container
//! outlives the process. Before that, the launcher may remove what an earlier process left behind.

mod report;
mod simulate;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

pub(crate) use self::report::TaskReports;
pub use self::report::{ContainerEnd, PublishedPort, TaskReport, TaskReporter};
pub(crate) use self::simulate::Simulate;

/// Starts and stops tasks. See the module for what is told when.
///
/// Both functions return at once: they are called from the account's scheduler, every 50 ms. Whoever needs time spawns.
pub trait TaskLauncher: Send + Sync {
    /// Starts the task. Everything that goes wrong is a [`TaskReport::CannotStart`] with the reason as ECS words it.
    fn start(&self, task: TaskLaunch, reporter: TaskReporter);

    /// Stops the task with this id: asks its containers to end, kills them after their `stopTimeout` (30 s where absent), then reports
    /// [`TaskReport::Stopped`] or [`TaskReport::Exited`]. Of a task that it does not know, the launcher does nothing.
    fn stop(&self, task: &str);
}

/// A task to start.
#[derive(Clone, Debug)]
pub struct TaskLaunch {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The full ARN.
    pub arn: String,
    /// The cluster's name.
    pub cluster: String,
    /// The region, as `us-east-1`.
    pub region: String,
    /// `service:NAME`, or `family:NAME` for a task without a service.
    pub group: String,
    /// The task definition as `DescribeTaskDefinition` answers: `containerDefinitions`, `volumes`, `networkMode` and others, with
    /// ECS' defaults filled in.
    pub definition: Map<String, Value>,
    /// `RunTask`'s `overrides` (`containerOverrides` with `command`, `environment` and others); empty for tasks of services.
    pub overrides: Map<String, Value>,
    /// Where each container's image is pulled from, by container name.
    pub images: BTreeMap<String, LaunchImage>,
    /// The account's own registry, for images that stand in it.
    pub registry: RegistryLogin,
}

/// The image of a container.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LaunchImage {
    /// As the task definition names it.
    pub name: String,
    /// Its digest in the account's registry, the same for all tasks of a deployment; `None` for an image of another registry.
    pub digest: Option<String>,
    /// What to pull: `127.0.0.1:PORT/repository@sha256:…` for one of the account's registry, else the name.
    pub pull: String,
}

/// How to log in to the account's registry. `Debug` does not show the password.
#[derive(Clone, Eq, PartialEq)]
pub struct RegistryLogin {
    /// As `127.0.0.1:5000`; plain HTTP.
    pub host: String,
    /// `AWS`.
    pub user: String,
    /// Valid for 12 hours.
    pub password: String,
}

impl fmt::Debug for RegistryLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryLogin").field("host", &self.host).field("password", &"***").finish_non_exhaustive()
    }
}

impl TaskLaunch {
    /// Whether a service runs the task, and so starts another when it ends.
    pub fn is_of_service(&self) -> bool {
        self.group.starts_with("service:")
    }
}
