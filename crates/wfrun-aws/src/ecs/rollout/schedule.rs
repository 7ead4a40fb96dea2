//! What the scheduler does in a tick: complete, start, stop, or say that it can do nothing.

use super::super::model::{Rollout, Service, Task, TaskStatus};
use super::{Turn, stop, tell};
use crate::ids::task_id;

/// How many tasks there are, by what the rules ask about.
struct Census {
    desired: usize,
    /// At least so many tasks stay healthy.
    lower: usize,
    /// At most so many tasks live.
    upper: usize,
    primary_live: usize,
    primary_healthy: usize,
    old_live: usize,
    all_healthy: usize,
}

impl Census {
    fn of(service: &Service) -> Self {
        let primary = service.deployments.first().map_or("", |primary| primary.id.as_str());
        let count = |matches: &dyn Fn(&&Task) -> bool| {
            service.tasks.iter().filter(|task| task.is_live()).filter(matches).count()
        };
        let desired = usize::try_from(service.desired).unwrap_or(usize::MAX);
        let percent = |percent: u32| desired.saturating_mul(usize::try_from(percent).unwrap_or(usize::MAX));
        Self {
            desired,
            lower: percent(service.configuration.minimum_healthy_percent).div_ceil(100),
            upper: percent(service.configuration.maximum_percent) / 100,
            primary_live: count(&|task| task.deployment == primary),
            primary_healthy: count(&|task| task.deployment == primary && task.healthy),
            old_live: count(&|task| task.deployment != primary),
            all_healthy: count(&|task| task.healthy),
        }
    }
}

/// Ends the rollout when the PRIMARY deployment has its healthy tasks and no other has any. Returns whether there is nothing to do.
pub(super) fn complete(service: &mut Service, turn: &mut Turn<'_>) -> bool {
    let census = Census::of(service);
    let filled = census.primary_healthy == census.desired && census.primary_live == census.desired;
    if !filled || census.old_live > 0 {
        return false;
    }
    let name = service.name.clone();
    let Some(primary) = service.deployments.first_mut() else { return true };
    match primary.rollout {
        Rollout::Failed => return false,
        Rollout::Completed => {}
        Rollout::InProgress => {
            let id = primary.id.clone();
            primary.rollout = Rollout::Completed;
            primary.ever_completed = true;
            primary.reason = format!("ECS deployment {id} completed.");
            primary.updated_at_ms = turn.now_ms;
            service.deployments.truncate(1);
            tell(service, turn, format!("(service {name}) (deployment {id}) deployment completed."));
            service.steady = false;
        }
    }
    if !service.steady {
        service.steady = true;
        tell(service, turn, format!("(service {name}) has reached a steady state."));
    }
    true
}

/// Starts what the PRIMARY deployment lacks, as far as the upper bound lets it.
pub(super) fn start_tasks(service: &mut Service, turn: &mut Turn<'_>) -> bool {
    let census = Census::of(service);
    let Some(primary) = service.deployments.first() else { return false };
    if primary.rollout == Rollout::Failed || turn.now_ms < primary.not_before_ms {
        return false;
    }
    let lacking = census.desired.saturating_sub(census.primary_live);
    let room = census.upper.saturating_sub(census.primary_live + census.old_live);
    let count = lacking.min(room);
    if count == 0 {
        return false;
    }
    let (deployment, task_definition) = (primary.id.clone(), primary.task_definition.clone());
    let started: Vec<String> = (0..count).map(|_| task_id((turn.new_id)())).collect();
    service.tasks.extend(started.iter().map(|id| Task {
        id: id.clone(),
        deployment: deployment.clone(),
        definition: task_definition.clone(),
        status: TaskStatus::Pending,
        healthy: false,
        created_at_ms: turn.now_ms,
        started_at_ms: None,
        stop: None,
    }));
    service.steady = false;
    let message = format!("(service {}) has started {count} tasks: {}.", service.name, listed(&started));
    tell(service, turn, message);
    true
}

/// Stops tasks of older deployments while enough healthy ones stay: when new ones took their place, or to make room for new ones.
/// Unhealthy ones go first.
pub(super) fn stop_old_tasks(service: &mut Service, turn: &mut Turn<'_>) -> bool {
    let census = Census::of(service);
    let Some(primary) = service.deployments.first() else { return false };
    if primary.rollout == Rollout::Failed {
        return false;
    }
    let deployment = primary.id.clone();
    let (mut old, mut healthy) = (census.old_live, census.all_healthy);
    let needs_room = census.primary_live < census.desired && census.primary_live + census.old_live >= census.upper;
    let mut candidates: Vec<&mut Task> =
        service.tasks.iter_mut().filter(|task| task.is_live() && task.deployment != deployment).collect();
    candidates.sort_by_key(|task| task.healthy);
    let reason = format!("Scaling activity initiated by (deployment {deployment})");
    let mut stopped = Vec::new();
    for task in candidates {
        let replaced = census.primary_healthy + old > census.desired;
        let spare = if task.healthy { healthy > census.lower } else { healthy >= census.lower };
        if !spare || !(replaced || needs_room) {
            break;
        }
        healthy -= usize::from(task.healthy);
        old -= 1;
        stop(task, "ServiceSchedulerInitiated", &reason, turn.now_ms);
        stopped.push(task.id.clone());
    }
    tell_stopped(service, turn, &stopped)
}

/// Stops tasks of the PRIMARY deployment that are more than desired, newest first.
pub(super) fn scale_in(service: &mut Service, turn: &mut Turn<'_>) -> bool {
    let census = Census::of(service);
    let deployment = service.deployments.first().map(|primary| primary.id.clone()).unwrap_or_default();
    let surplus = census.primary_live.saturating_sub(census.desired);
    let reason = format!("Scaling activity initiated by (deployment {deployment})");
    let mut stopped = Vec::new();
    let mine = service.tasks.iter_mut().rev().filter(|task| task.is_live() && task.deployment == deployment);
    for task in mine.take(surplus) {
        stop(task, "ServiceSchedulerInitiated", &reason, turn.now_ms);
        stopped.push(task.id.clone());
    }
    tell_stopped(service, turn, &stopped)
}

/// Says, once per deployment, that the bounds let nothing happen.
pub(super) fn tell_if_stuck(service: &mut Service, turn: &mut Turn<'_>) {
    let census = Census::of(service);
    let Some(primary) = service.deployments.first() else { return };
    let in_transition = service.tasks.iter().any(|task| match task.status {
        TaskStatus::Pending | TaskStatus::Deactivating => true,
        TaskStatus::Running => !task.healthy,
        TaskStatus::Stopped => false,
    });
    let waits = turn.now_ms < primary.not_before_ms || primary.rollout != Rollout::InProgress;
    if service.stuck_told || in_transition || waits || census.primary_live >= census.desired {
        return;
    }
    service.stuck_told = true;
    let message = format!(
        "(service {}) was unable to stop or start tasks during a deployment because of the service deployment configuration. \
         Update the minimumHealthyPercent or maximumPercent value and try again.",
        service.name
    );
    tell(service, turn, message);
}

fn tell_stopped(service: &mut Service, turn: &mut Turn<'_>, stopped: &[String]) -> bool {
    if stopped.is_empty() {
        return false;
    }
    service.steady = false;
    let message =
        format!("(service {}) has stopped {} running tasks: {}.", service.name, stopped.len(), listed(stopped));
    tell(service, turn, message);
    true
}

fn listed(tasks: &[String]) -> String {
    tasks.iter().map(|id| format!("(task {id})")).collect::<Vec<_>>().join(" ")
}
