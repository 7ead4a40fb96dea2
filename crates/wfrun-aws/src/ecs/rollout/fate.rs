//! What becomes of tasks between two ticks.

use indexmap::IndexMap;

use super::super::model::{Deployment, Rollout, Service, Stop, Task, TaskStatus};
use super::{TICK, Turn, tell};

/// What becomes of a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fate {
    /// It starts and becomes healthy; the digests of its images.
    Healthy(IndexMap<String, String>),
    /// It cannot be started, for this reason.
    CannotStart(String),
    /// Its essential container exits.
    Crash {
        /// The container's exit code.
        exit_code: i32,
    },
    /// It runs, and its health check fails.
    Unhealthy,
}

/// How a task failed.
struct Failure {
    deployment: String,
    event: Option<String>,
}

/// Lets every task live for one tick. Returns whether a task of the PRIMARY deployment failed.
pub(super) fn take_in(service: &mut Service, turn: &mut Turn<'_>) -> bool {
    let name = service.name.clone();
    let mut failures = Vec::new();
    let mut became_healthy = false;
    let Service { tasks, deployments, .. } = service;
    let primary = deployments.first().map(|primary| primary.id.clone()).unwrap_or_default();
    for task in tasks.iter_mut() {
        match live(task, &name, turn) {
            Lived::Failed(event) => failures.push(Failure { deployment: task.deployment.clone(), event }),
            Lived::BecameHealthy => became_healthy |= task.deployment == primary,
            Lived::Started(digests) => {
                if let Some(of) = deployments.iter_mut().find(|deployment| deployment.id == task.deployment) {
                    pin(of, digests);
                }
            }
            Lived::On => {}
        }
    }
    failures.retain(|failure| failure.deployment == primary);
    for event in failures.iter_mut().filter_map(|failure| failure.event.take()) {
        tell(service, turn, event);
    }
    count(service, turn, failures.len(), became_healthy);
    !failures.is_empty()
}

/// The digests that a deployment's images have are those of its first task.
///
/// Source: AWS ECS developer guide, "Container image resolution" (version consistency).
fn pin(deployment: &mut Deployment, digests: IndexMap<String, String>) {
    for (image, digest) in digests {
        deployment.digests.entry(image).or_insert(digest);
    }
}

enum Lived {
    On,
    Started(IndexMap<String, String>),
    BecameHealthy,
    /// With the event that tells of it, if any.
    Failed(Option<String>),
}

fn live(task: &mut Task, service: &str, turn: &Turn<'_>) -> Lived {
    match task.status {
        TaskStatus::Stopped => Lived::On,
        TaskStatus::Deactivating => {
            task.status = TaskStatus::Stopped;
            Lived::On
        }
        TaskStatus::Running if task.healthy => Lived::On,
        TaskStatus::Running => match (turn.fate)(&task.definition) {
            Fate::Unhealthy => {
                let event = format!("(service {service}) (task {}) failed container health checks.", task.id);
                end(
                    task,
                    "ServiceSchedulerInitiated",
                    "Task failed container health checks".to_owned(),
                    None,
                    turn.now_ms,
                );
                Lived::Failed(Some(event))
            }
            // An image that is removed while its container runs does not stop the container.
            Fate::Healthy(_) | Fate::CannotStart(_) | Fate::Crash { .. } => {
                task.healthy = true;
                Lived::BecameHealthy
            }
        },
        TaskStatus::Pending => match (turn.fate)(&task.definition) {
            Fate::Healthy(digests) => run(task, digests, turn),
            Fate::Unhealthy => run(task, IndexMap::new(), turn),
            Fate::CannotStart(reason) => {
                let event = format!("(service {service}) was unable to place a task. Reason: {reason}.");
                end(task, "TaskFailedToStart", reason, None, turn.now_ms);
                Lived::Failed(Some(event))
            }
            Fate::Crash { exit_code } => {
                let reason = "Essential container in task exited".to_owned();
                end(task, "EssentialContainerExited", reason, Some(exit_code), turn.now_ms);
                Lived::Failed(None)
            }
        },
    }
}

fn run(task: &mut Task, digests: IndexMap<String, String>, turn: &Turn<'_>) -> Lived {
    task.status = TaskStatus::Running;
    task.started_at_ms = Some(turn.now_ms);
    Lived::Started(digests)
}

fn end(task: &mut Task, code: &str, reason: String, exit_code: Option<i32>, at_ms: u64) {
    task.status = TaskStatus::Stopped;
    task.stop = Some(Stop { code: code.to_owned(), reason, exit_code, at_ms });
}

/// Counts failures of the PRIMARY deployment. The first three rounds are retried at once, later ones after a growing delay.
///
/// Source: AWS ECS developer guide, "Service throttle logic" (at most 15 minutes, here scaled by 0.05).
fn count(service: &mut Service, turn: &mut Turn<'_>, failures: usize, became_healthy: bool) {
    const LONGEST_DELAY_MS: u64 = 45_000;
    const FREE_ROUNDS: u32 = 3;
    let breaker = service.configuration.breaker;
    let name = service.name.clone();
    let Some(primary) = service.deployments.first_mut() else { return };
    if became_healthy && breaker.reset_on_healthy {
        primary.counted_failures = 0;
    }
    if failures == 0 {
        return;
    }
    let failures = u32::try_from(failures).unwrap_or(u32::MAX);
    let before = primary.counted_failures;
    primary.failed_tasks += failures;
    primary.counted_failures += failures;
    primary.updated_at_ms = turn.now_ms;
    let tick_ms = u64::try_from(TICK.as_millis()).unwrap_or_default();
    let rounds = primary.counted_failures.saturating_sub(FREE_ROUNDS);
    let delay = tick_ms.checked_shl(rounds.min(16)).unwrap_or(LONGEST_DELAY_MS).min(LONGEST_DELAY_MS);
    // One tick always passes: tasks are not started in the tick in which one failed.
    primary.not_before_ms = turn.now_ms + if rounds == 0 { 0 } else { delay };
    let crossed = before < FREE_ROUNDS && primary.counted_failures >= FREE_ROUNDS;
    if crossed && !breaker.enable && primary.rollout == Rollout::InProgress {
        let message = format!(
            "(service {name}) is unable to consistently start tasks successfully. \
             For more information, see the Troubleshooting section."
        );
        tell(service, turn, message);
    }
}
