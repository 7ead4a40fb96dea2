//! A task and its life: what its launcher reports becomes its state.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::model::family;
use super::targets::{Registered, Standing};
use crate::launcher::{ContainerEnd, PublishedPort, TaskReport};

/// A task, of a service or on its own.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Task {
    /// 32 hexadecimal digits.
    pub(crate) id: String,
    /// The deployment that started it; for a task without a service what `RunTask` was given as `startedBy`.
    pub(crate) deployment: String,
    /// The full ARN of its task definition.
    pub(crate) definition: String,
    pub(crate) status: TaskStatus,
    /// Its health checks pass, or it has none and runs for long enough.
    pub(crate) healthy: bool,
    pub(crate) created_at_ms: u64,
    pub(crate) started_at_ms: Option<u64>,
    pub(crate) stop: Option<Stop>,
    /// What its launcher has to do with it.
    #[serde(default)]
    pub(crate) launch: Launch,
    /// What `RunTask` was asked for; `None` for a task of a service.
    #[serde(default)]
    pub(crate) alone: Option<Alone>,
    /// Of a task of a service: `None` until it is launched for the first time.
    #[serde(default)]
    pub(crate) tags: Option<Vec<Value>>,
}

/// Where a task is in its life.
///
/// Differs: the passing states PROVISIONING, ACTIVATING, STOPPING and DEPROVISIONING are not seen.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TaskStatus {
    Pending,
    Running,
    Deactivating,
    Stopped,
}

/// Why a task stopped.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Stop {
    /// As `EssentialContainerExited`.
    pub(crate) code: String,
    pub(crate) reason: String,
    /// Of the essential container whose end it was.
    pub(crate) exit_code: Option<i32>,
    pub(crate) at_ms: u64,
}

/// A task between account and launcher.
#[expect(clippy::struct_excessive_bools, reason = "what happened to it, in any combination")]
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Launch {
    /// A launcher was told to start it.
    pub(crate) ordered: bool,
    /// Its launcher was told to stop it.
    pub(crate) stop_ordered: bool,
    /// The launcher is `simulate`.
    pub(crate) simulated: bool,
    /// Its container health checks pass, whatever its targets say.
    pub(crate) checks_pass: bool,
    /// It was healthy once: its end is no failure of its deployment.
    pub(crate) was_healthy: bool,
    pub(crate) pull_started_at_ms: Option<u64>,
    pub(crate) pull_stopped_at_ms: Option<u64>,
    pub(crate) address: Option<String>,
    pub(crate) ports: Vec<PublishedPort>,
    /// What it is registered as with load balancers.
    pub(super) targets: Vec<Registered>,
    /// The target group in which it fails.
    pub(super) failing_in: Option<String>,
    /// How its containers ended, by name.
    pub(crate) ends: IndexMap<String, ContainerEnd>,
    /// The last lines of its output.
    pub(crate) last_lines: Vec<String>,
    /// Counts up with every change.
    pub(crate) version: u32,
}

/// What `RunTask` was asked for.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Alone {
    pub(crate) group: String,
    pub(crate) overrides: Map<String, Value>,
    pub(crate) tags: Vec<Value>,
    pub(crate) launch_type: String,
    /// As `FARGATE_SPOT`; `None` without a capacity provider strategy.
    #[serde(default)]
    pub(crate) capacity_provider: Option<String>,
    /// Image names and the digests they had when the task was started.
    pub(crate) digests: IndexMap<String, String>,
}

/// What a report changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// Nothing that a scheduler asks about.
    None,
    Started,
    BecameHealthy,
    /// It was healthy and is no more; it still runs.
    Failing,
    /// Its health check failed before it was ever healthy; it has to be stopped.
    NeverHealthy,
    CannotStart {
        reason: String,
    },
    /// It ended by itself, before it was ever healthy or after.
    Ended {
        was_healthy: bool,
    },
    /// It ended as it was told to.
    Stopped,
}

pub(crate) const FAILED_CHECKS: &str = "Task failed container health checks";

impl Task {
    /// A task that is to be started.
    pub(crate) fn new(id: String, deployment: &str, definition: &str, now_ms: u64) -> Self {
        Self {
            id,
            deployment: deployment.to_owned(),
            definition: definition.to_owned(),
            status: TaskStatus::Pending,
            healthy: false,
            created_at_ms: now_ms,
            started_at_ms: None,
            stop: None,
            launch: Launch::default(),
            alone: None,
            tags: None,
        }
    }

    /// What it is tagged with.
    pub(crate) fn tags(&self) -> &[Value] {
        let given = self.alone.as_ref().map(|alone| &alone.tags).or(self.tags.as_ref());
        given.map_or(&[], Vec::as_slice)
    }

    pub(crate) fn tags_mut(&mut self) -> &mut Vec<Value> {
        match &mut self.alone {
            Some(alone) => &mut alone.tags,
            None => self.tags.get_or_insert_default(),
        }
    }

    /// Pending or running: it takes a place.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.status, TaskStatus::Pending | TaskStatus::Running)
    }

    /// It runs, was healthy, and is no more.
    pub(crate) fn is_failing(&self) -> bool {
        self.status == TaskStatus::Running && self.launch.was_healthy && !self.healthy
    }

    /// Begins to stop it. The launcher's next word ends it.
    pub(crate) fn deactivate(&mut self, code: &str, reason: &str, now_ms: u64) {
        self.status = TaskStatus::Deactivating;
        self.stop = Some(Stop { code: code.to_owned(), reason: reason.to_owned(), exit_code: None, at_ms: now_ms });
        self.launch.version += 1;
        if !self.launch.ordered {
            // No launcher knows of it.
            self.status = TaskStatus::Stopped;
        }
    }

    /// Takes in what its launcher says; `waits`: its targets are not healthy yet. What is said of a stopped task is not heard.
    pub(crate) fn take_in(&mut self, report: &TaskReport, waits: bool, now_ms: u64) -> Change {
        if self.status == TaskStatus::Stopped {
            return Change::None;
        }
        self.launch.version += 1;
        match report {
            TaskReport::Pulling => {
                self.launch.pull_started_at_ms = Some(now_ms);
                Change::None
            }
            TaskReport::Pulled => {
                self.launch.pull_stopped_at_ms = Some(now_ms);
                Change::None
            }
            TaskReport::Running { address, ports } => self.running(address.as_ref(), ports, now_ms),
            TaskReport::Healthy if self.status == TaskStatus::Running => {
                self.launch.checks_pass = true;
                if waits { Change::None } else { self.become_healthy() }
            }
            TaskReport::Unhealthy if self.status == TaskStatus::Running => {
                self.launch.checks_pass = false;
                self.unhealthy(None, now_ms)
            }
            TaskReport::Healthy | TaskReport::Unhealthy => Change::None,
            TaskReport::Exited { containers, last_lines } => self.exited(containers, last_lines, now_ms),
            TaskReport::CannotStart { reason } => {
                let told = self.end("TaskFailedToStart", reason, None, now_ms);
                if told { Change::CannotStart { reason: reason.clone() } } else { Change::Stopped }
            }
            TaskReport::Stopped => {
                let was_healthy = self.launch.was_healthy;
                let told = self.end("EssentialContainerExited", "Essential container in task exited", None, now_ms);
                if told { Change::Ended { was_healthy } } else { Change::Stopped }
            }
        }
    }

    fn running(&mut self, address: Option<&String>, ports: &[PublishedPort], now_ms: u64) -> Change {
        self.launch.address = address.cloned();
        self.launch.ports = ports.to_vec();
        if self.status != TaskStatus::Pending {
            return Change::None;
        }
        self.status = TaskStatus::Running;
        self.started_at_ms = Some(now_ms);
        Change::Started
    }

    /// Takes in how its targets are.
    pub(super) fn follow_targets(&mut self, standing: &Standing, now_ms: u64) -> Change {
        match standing {
            _ if self.status != TaskStatus::Running => Change::None,
            Standing::Good if self.launch.checks_pass => self.become_healthy(),
            Standing::Bad { group, .. } => self.unhealthy(Some(group), now_ms),
            Standing::Good | Standing::Waiting => Change::None,
        }
    }

    /// Why it is stopped when it is not healthy.
    pub(super) fn failed_checks(&self) -> String {
        match &self.launch.failing_in {
            Some(group) => format!("Task failed ELB health checks in (target-group {group})"),
            None => FAILED_CHECKS.to_owned(),
        }
    }

    /// As `service:NAME`; for a task without a service what `RunTask` was asked for.
    pub(super) fn group(&self, service: Option<&str>) -> String {
        match (service, &self.alone) {
            (Some(service), _) => format!("service:{service}"),
            (None, Some(alone)) => alone.group.clone(),
            (None, None) => format!("family:{}", family(&self.definition)),
        }
    }

    /// The address that it has for others: its launcher's, or one that nothing listens at.
    pub(super) fn address(&self) -> String {
        self.launch.address.clone().unwrap_or_else(|| {
            let digest = Sha256::digest(&self.id);
            format!("10.0.{}.{}", digest[0] % 16, 4 + digest[1] % 250)
        })
    }

    fn become_healthy(&mut self) -> Change {
        if self.healthy {
            return Change::None;
        }
        self.healthy = true;
        self.launch.was_healthy = true;
        self.launch.failing_in = None;
        Change::BecameHealthy
    }

    fn unhealthy(&mut self, group: Option<&String>, now_ms: u64) -> Change {
        self.launch.failing_in = group.cloned();
        if self.launch.was_healthy {
            let was = self.healthy;
            self.healthy = false;
            return if was { Change::Failing } else { Change::None };
        }
        // A task on its own has nobody who would replace it, and goes on.
        if self.alone.is_none() {
            let why = self.failed_checks();
            self.deactivate("ServiceSchedulerInitiated", &why, now_ms);
        }
        Change::NeverHealthy
    }

    fn exited(&mut self, containers: &[ContainerEnd], last_lines: &[String], now_ms: u64) -> Change {
        const KEPT_LINES: usize = 20;
        let was_healthy = self.launch.was_healthy;
        self.launch.ends = containers.iter().map(|end| (end.container.clone(), end.clone())).collect();
        self.launch.last_lines = last_lines[last_lines.len().saturating_sub(KEPT_LINES)..].to_vec();
        let exit_code = containers.first().and_then(|end| end.exit_code);
        // A container that is gone at once was started all the same.
        self.started_at_ms.get_or_insert(now_ms);
        let told = self.end("EssentialContainerExited", "Essential container in task exited", exit_code, now_ms);
        if told { Change::Ended { was_healthy } } else { Change::Stopped }
    }

    /// Ends it; a reason that it was stopped for stays. Returns whether it ended by itself.
    fn end(&mut self, code: &str, reason: &str, exit_code: Option<i32>, at_ms: u64) -> bool {
        self.status = TaskStatus::Stopped;
        self.healthy = false;
        let by_itself = self.stop.is_none();
        let stop = Stop { code: code.to_owned(), reason: reason.to_owned(), exit_code, at_ms };
        let stop = self.stop.get_or_insert(stop);
        stop.exit_code = stop.exit_code.or(exit_code);
        by_itself
    }
}
