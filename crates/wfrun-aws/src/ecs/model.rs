//! What ECS remembers.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::record::Record;
use super::task::{Task, TaskStatus};
use crate::account::{FailedDeployment, ServiceView};
use crate::protocol::ApiError;
use crate::registry::{Home, ImageReference};

/// ECS in one region.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Ecs {
    pub(crate) clusters: IndexMap<String, Cluster>,
    pub(crate) families: IndexMap<String, Family>,
    /// As `PutAccountSetting` was given them.
    #[serde(default)]
    pub(crate) account_settings: IndexMap<String, String>,
}

/// The revisions of a task definition.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Family {
    /// In order; a number is never used twice.
    pub(crate) revisions: Vec<TaskDefinition>,
}

/// One revision.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct TaskDefinition {
    pub(crate) arn: String,
    pub(crate) revision: u32,
    /// As `DescribeTaskDefinition` answers, without `enableFaultInjection` unless it was registered.
    pub(crate) body: Map<String, Value>,
    /// Beside the definition, never in it.
    pub(crate) tags: Vec<Value>,
}

/// A cluster.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Cluster {
    /// It was deleted, and is still shown.
    pub(crate) inactive: bool,
    /// `settings`, `configuration` and others as `CreateCluster` was given them.
    pub(crate) settings: Map<String, Value>,
    pub(crate) tags: Vec<Value>,
    /// Of `RunTask`, also the stopped ones, for as long as the account is open.
    pub(crate) tasks: Vec<Task>,
    pub(crate) services: IndexMap<String, Service>,
}

/// A service with its deployments and tasks.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) status: ServiceStatus,
    pub(crate) created_at_ms: u64,
    pub(crate) created_by: String,
    /// The id in `currentServiceDeployment`'s ARN.
    pub(crate) deployment_serial: String,
    pub(crate) desired: u32,
    /// A full ARN.
    pub(crate) task_definition: String,
    pub(crate) configuration: DeploymentConfiguration,
    /// `deploymentConfiguration.alarms` as it was given.
    #[serde(default)]
    pub(crate) alarms: Option<Map<String, Value>>,
    /// Members that are kept and shown, and whose change starts a deployment: `networkConfiguration`, `platformVersion` and others.
    pub(crate) settings: Map<String, Value>,
    #[serde(default)]
    pub(crate) tags: Vec<Value>,
    /// Newest first; the first one is PRIMARY.
    pub(crate) deployments: Vec<Deployment>,
    /// Newest first, at most 100.
    pub(crate) events: Vec<ServiceEvent>,
    /// Also the stopped ones, for as long as the account is open.
    pub(crate) tasks: Vec<Task>,
    /// Its deployments of all times, oldest first.
    #[serde(default)]
    pub(crate) records: Vec<Record>,
    /// The event "unable to stop or start" was told for this deployment.
    pub(crate) stuck_told: bool,
    /// The service was told to be in a steady state and nothing happened since.
    pub(crate) steady: bool,
    /// The deployment that the breaker gave up, until the next one begins.
    pub(crate) failed: Option<FailedDeployment>,
}

/// Whether a service is there.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ServiceStatus {
    #[default]
    Active,
    /// Deleted, while tasks still run.
    Draining,
    /// Deleted.
    Inactive,
}

/// How a deployment may proceed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct DeploymentConfiguration {
    pub(crate) maximum_percent: u32,
    pub(crate) minimum_healthy_percent: u32,
    pub(crate) breaker: Breaker,
}

/// The deployment circuit breaker.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Breaker {
    pub(crate) enable: bool,
    pub(crate) rollback: bool,
    pub(crate) threshold: Threshold,
    /// A healthy task starts the count of failures afresh.
    pub(crate) reset_on_healthy: bool,
}

/// After how many failed tasks the breaker trips.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Threshold {
    /// Percent of the desired count, at least 3 and at most 200.
    BoundedPercent(u32),
    /// Percent of the desired count.
    UnboundedPercent(u32),
    /// A number of tasks.
    Count(u32),
}

/// A deployment of a service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Deployment {
    /// `ecs-svc/` and digits.
    pub(crate) id: String,
    pub(crate) task_definition: String,
    pub(crate) desired: u32,
    /// All failed tasks, as shown.
    pub(crate) failed_tasks: u32,
    /// Failures the breaker counts: since the last healthy task, or all.
    pub(crate) counted_failures: u32,
    /// Failures since the last healthy task, whatever the breaker counts.
    #[serde(default)]
    pub(crate) failures_in_a_row: u32,
    /// It began in this process, so that injected faults hit its tasks.
    #[serde(skip)]
    pub(crate) fresh: bool,
    /// No task is started before; it grows with every failure.
    pub(crate) not_before_ms: u64,
    pub(crate) created_at_ms: u64,
    pub(crate) updated_at_ms: u64,
    pub(crate) rollout: Rollout,
    pub(crate) reason: String,
    /// It was COMPLETED once, so a rollback may go back to it.
    pub(crate) ever_completed: bool,
    /// Image names and the digests they had at the first task: the same for all tasks of the deployment.
    pub(crate) digests: IndexMap<String, String>,
}

/// The state of a deployment's rollout.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

impl Rollout {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// Something that happened to a service.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct ServiceEvent {
    pub(crate) id: String,
    pub(crate) at_ms: u64,
    pub(crate) message: String,
}

impl Default for DeploymentConfiguration {
    /// Source: AWS ECS API reference, `DeploymentConfiguration`: 200, 100, no breaker.
    fn default() -> Self {
        let breaker = Breaker {
            enable: false,
            rollback: false,
            threshold: Threshold::BoundedPercent(50),
            reset_on_healthy: true,
        };
        Self { maximum_percent: 200, minimum_healthy_percent: 100, breaker }
    }
}

impl Service {
    /// Running and pending tasks; of one deployment or of all.
    pub(crate) fn counts(&self, deployment: Option<&str>) -> (u32, u32) {
        let count = |status: TaskStatus| {
            let these = self.tasks.iter().filter(|task| deployment.is_none_or(|id| id == task.deployment));
            u32::try_from(these.filter(|task| task.status == status).count()).unwrap_or(u32::MAX)
        };
        (count(TaskStatus::Running), count(TaskStatus::Pending))
    }

    /// Whether a task of a deployment was told to stop and has not said its last word.
    pub(crate) fn is_stopping_tasks_of(&self, deployment: &str) -> bool {
        self.tasks.iter().any(|task| task.deployment == deployment && task.status == TaskStatus::Deactivating)
    }

    /// Nothing moves, so that a tick without reports would change nothing.
    pub(crate) fn is_at_rest(&self) -> bool {
        let settled = |task: &Task| match task.status {
            TaskStatus::Running => task.healthy,
            TaskStatus::Stopped => true,
            TaskStatus::Pending | TaskStatus::Deactivating => false,
        };
        match self.status {
            ServiceStatus::Inactive => true,
            ServiceStatus::Draining => false,
            ServiceStatus::Active => {
                self.steady && self.deployments.len() == 1 && !self.is_rolling_out() && self.tasks.iter().all(settled)
            }
        }
    }

    /// Whether a waiter for it has something to wait for: a rollout, a scaling or a deletion is under way. What was given up is not.
    pub(crate) fn is_on_the_way(&self) -> bool {
        let completed = self.deployments.first().is_some_and(|primary| primary.rollout == Rollout::Completed);
        match self.status {
            ServiceStatus::Active => self.is_rolling_out() || (completed && self.counts(None) != (self.desired, 0)),
            ServiceStatus::Draining => true,
            ServiceStatus::Inactive => false,
        }
    }

    /// Whether the newest deployment is still under way.
    pub(crate) fn is_rolling_out(&self) -> bool {
        self.deployments.first().is_some_and(|primary| primary.rollout == Rollout::InProgress)
    }
}

impl Cluster {
    /// Every task, with the service that runs it.
    pub(crate) fn all_tasks(&self) -> impl Iterator<Item = (Option<&Service>, &Task)> {
        let of_services =
            self.services.values().flat_map(|service| service.tasks.iter().map(move |task| (Some(service), task)));
        of_services.chain(self.tasks.iter().map(|task| (None, task)))
    }
}

impl TaskDefinition {
    /// It was not deregistered.
    pub(crate) fn is_active(&self) -> bool {
        self.body.get("status").and_then(Value::as_str) == Some("ACTIVE")
    }

    pub(crate) fn containers(&self) -> &[Value] {
        self.body.get("containerDefinitions").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn images(&self) -> impl Iterator<Item = &str> {
        self.containers().iter().filter_map(|container| container["image"].as_str())
    }
}

impl Ecs {
    /// The revision that `family`, `family:revision` or an ARN names; without revision the newest.
    pub(crate) fn task_definition(&self, name: &str) -> Option<&TaskDefinition> {
        let name = name.rsplit_once(":task-definition/").map_or(name, |(_, name)| name);
        let (family, revision) = match name.split_once(':') {
            Some((family, revision)) => (family, Some(revision.parse::<u32>().ok()?)),
            None => (name, None),
        };
        let revisions = &self.families.get(family)?.revisions;
        match revision {
            Some(revision) => revisions.iter().find(|found| found.revision == revision),
            None => revisions.iter().rfind(|revision| revision.is_active()),
        }
    }

    /// The same, for what is to run it.
    ///
    /// Source: AWS ECS, `UpdateService` and `RunTask`: the words of a definition that is not there, or was deregistered.
    pub(crate) fn active_task_definition(&self, name: &str) -> Result<&TaskDefinition, ApiError> {
        let found = self.task_definition(name);
        let found = found.ok_or_else(|| ApiError::new("ClientException", "TaskDefinition not found."))?;
        let inactive = || ApiError::new("ClientException", "TaskDefinition is inactive");
        Some(found).filter(|found| found.is_active()).ok_or_else(inactive)
    }

    /// The cluster of that name, unless it was deleted.
    pub(crate) fn cluster(&self, name: &str) -> Result<&Cluster, ApiError> {
        self.clusters.get(name).filter(|cluster| !cluster.inactive).ok_or_else(no_cluster)
    }

    pub(crate) fn cluster_mut(&mut self, name: &str) -> Result<&mut Cluster, ApiError> {
        self.clusters.get_mut(name).filter(|cluster| !cluster.inactive).ok_or_else(no_cluster)
    }

    pub(crate) fn view(&self, cluster: &str, service: &str) -> Option<ServiceView> {
        let found = self.cluster(cluster).ok()?.services.get(service)?;
        let images: Vec<String> = self
            .task_definition(&found.task_definition)
            .map(|definition| definition.images().map(ToOwned::to_owned).collect())
            .unwrap_or_default();
        let account = found.task_definition.split(':').nth(4).unwrap_or_default();
        let assumed = |image: &&String| {
            image.as_str() != super::PLACEHOLDER_IMAGE && ImageReference::read(image).home(account) == Home::Elsewhere
        };
        Some(ServiceView {
            task_definition: found.task_definition.clone(),
            assumed_images: images.iter().filter(assumed).cloned().collect(),
            images,
            running: found.counts(None).0,
            desired: found.desired,
            rollout_state: found.deployments.first().map_or("", |primary| primary.rollout.word()).to_owned(),
            failed: found.failed.clone(),
        })
    }
}

/// The launch type of what runs a definition and names none: FARGATE where `requiresCompatibilities` has it.
pub(crate) fn usual_launch_type(definition: &TaskDefinition) -> &'static str {
    let kinds = definition.body.get("requiresCompatibilities").and_then(Value::as_array);
    if kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "FARGATE")) { "FARGATE" } else { "EC2" }
}

fn no_cluster() -> ApiError {
    ApiError::new("ClusterNotFoundException", "Cluster not found.")
}

/// The family in the ARN of a task definition.
pub(crate) fn family(definition: &str) -> &str {
    short_name(definition).split(':').next().unwrap_or_default()
}

/// The short name in an ARN or name: the part after the last slash.
pub(crate) fn short_name(name_or_arn: &str) -> &str {
    name_or_arn.rsplit_once('/').map_or(name_or_arn, |(_, name)| name)
}
