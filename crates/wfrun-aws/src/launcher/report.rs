//! What launchers tell the account.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::account::lock;

/// What became of a task.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TaskReport {
    /// Images are being pulled.
    Pulling,
    /// All images are there.
    Pulled,
    /// The containers were started.
    Running {
        /// The address at which other tasks and load balancers reach it; `None` where there is none.
        address: Option<String>,
        /// Ports of the containers that can be reached on this machine.
        ports: Vec<PublishedPort>,
    },
    /// Its health checks pass, or it has none and has been running for long enough.
    Healthy,
    /// A health check of the task definition failed for all its retries.
    Unhealthy,
    /// An essential container ended, and all others were stopped.
    Exited {
        /// How each container ended; the essential one whose end it was comes first.
        containers: Vec<ContainerEnd>,
        /// The last lines of its output, oldest first; at most 20 are kept.
        last_lines: Vec<String>,
    },
    /// It could not be started, as `CannotPullContainerError: …` or `ResourceInitializationError: …`.
    CannotStart {
        /// ECS' words.
        reason: String,
    },
    /// It was stopped as it was asked to be, or is gone.
    Stopped,
}

/// A container's port on this machine.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PublishedPort {
    /// The container's name.
    pub container: String,
    /// The port in the container.
    pub container_port: u16,
    /// As `127.0.0.1`.
    pub host_address: String,
    /// The port on this machine.
    pub host_port: u16,
}

/// How a container ended.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ContainerEnd {
    /// The container's name.
    pub container: String,
    /// `None` for one that never ran.
    pub exit_code: Option<i32>,
    /// As `OutOfMemoryError: Container killed due to memory usage`.
    pub reason: Option<String>,
}

/// Takes the reports on one task. It can be cloned and used from any thread, also after the account is gone.
#[derive(Clone)]
pub struct TaskReporter {
    task: String,
    reports: TaskReports,
}

impl TaskReporter {
    /// Tells the account, which takes it in at its next step (50 ms).
    pub fn report(&self, report: TaskReport) {
        lock(&self.reports.0).push((self.task.clone(), report));
    }

    /// The task's id.
    pub fn task(&self) -> &str {
        &self.task
    }
}

impl fmt::Debug for TaskReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskReporter").field(&self.task).finish()
    }
}

/// Reports that the account has not taken in yet, in the order of their coming.
#[derive(Clone, Default)]
pub(crate) struct TaskReports(Arc<Mutex<Vec<(String, TaskReport)>>>);

impl TaskReports {
    pub(crate) fn reporter(&self, task: &str) -> TaskReporter {
        TaskReporter { task: task.to_owned(), reports: self.clone() }
    }

    pub(crate) fn take(&self) -> Vec<(String, TaskReport)> {
        mem::take(&mut *lock(&self.0))
    }
}
