//! What the scheduler does in a tick: complete, start, stop, or say that it can do nothing.

use super::super::model::{Rollout, Service, ServiceStatus};
use super::super::targets::balanced;
use super::super::task::{Task, TaskStatus};
use super::{Turn, tell};
use crate::ids::task_id;

/// How many tasks there are, by what the rules ask about.
struct Census {
    desired: usize,
    /// At least so many tasks stay healthy.
    lower: usize,
    /// At most so many tasks live.
    upper: usize,
    primary_live: usize,
    /// Of those: they were healthy and are no more, and wait for their replacement.
    primary_failing: usize,
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
            primary_failing: count(&|task| task.deployment == primary && task.is_failing()),
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
            service.record_completion(turn.now_ms);
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
    // The replacement of a failing task is started before that is stopped, where the upper bound lets it.
    let lacking = (census.desired + census.primary_failing).saturating_sub(census.primary_live);
    let room = census.upper.saturating_sub(census.primary_live + census.old_live);
    let count = lacking.min(room);
    if count == 0 {
        return false;
    }
    let (deployment, task_definition) = (primary.id.clone(), primary.task_definition.clone());
    let started: Vec<String> = (0..count).map(|_| task_id((turn.new_id)())).collect();
    service.tasks.extend(started.iter().map(|id| Task::new(id.clone(), &deployment, &task_definition, turn.now_ms)));
    service.steady = false;
    let replaced = count.min(census.primary_failing);
    let why = match replaced {
        0 => String::new(),
        replaced => format!(" Amazon ECS replaced {replaced} tasks due to an unhealthy status."),
    };
    let message = format!("(service {}) has started {count} tasks: {}.{why}", service.name, listed(&started));
    tell(service, turn, message);
    true
}

/// Stops tasks of the PRIMARY deployment that were healthy and are no more: when there are enough healthy ones, or to make room for
/// their replacements.
pub(super) fn stop_failing(service: &mut Service, turn: &mut Turn<'_>) -> bool {
    let census = Census::of(service);
    let deployment = service.deployments.first().map(|primary| primary.id.clone()).unwrap_or_default();
    let others = census.primary_live - census.primary_failing;
    let needs_room = others < census.desired && census.primary_live + census.old_live >= census.upper;
    if census.primary_failing == 0 || !(census.primary_healthy >= census.desired || needs_room) {
        return false;
    }
    let failing = service.tasks.iter_mut().filter(|task| task.deployment == deployment && task.is_failing());
    let stopped = failing
        .map(|task| {
            let why = task.failed_checks();
            task.deactivate("ServiceSchedulerInitiated", &why, turn.now_ms);
            task.id.clone()
        })
        .collect::<Vec<_>>();
    tell_stopped(service, turn, &stopped)
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
        // One that is not healthy is missed by nobody, also where too few are.
        let spare = !task.healthy || healthy > census.lower;
        if !spare || !(replaced || needs_room) {
            break;
        }
        healthy -= usize::from(task.healthy);
        old -= 1;
        task.deactivate("ServiceSchedulerInitiated", &reason, turn.now_ms);
        stopped.push(task.id.clone());
    }
    tell_stopped(service, turn, &stopped) && drained(service, turn, &stopped)
}

/// Stops every task of a service that is deleted; the last one ends it.
pub(super) fn drain(service: &mut Service, turn: &mut Turn<'_>) {
    let live: Vec<&mut Task> = service.tasks.iter_mut().filter(|task| task.is_live()).collect();
    let mut stopped = Vec::new();
    for task in live {
        task.deactivate("ServiceSchedulerInitiated", "Service was deleted", turn.now_ms);
        stopped.push(task.id.clone());
    }
    tell_stopped(service, turn, &stopped);
    if service.status == ServiceStatus::Draining && service.tasks.iter().all(|task| task.status == TaskStatus::Stopped)
    {
        service.status = ServiceStatus::Inactive;
        service.deployments.clear();
    }
}

/// Stops tasks of the PRIMARY deployment that are more than desired: those that are not healthy first, then the newest.
pub(super) fn scale_in(service: &mut Service, turn: &mut Turn<'_>) -> bool {
    let census = Census::of(service);
    let deployment = service.deployments.first().map(|primary| primary.id.clone()).unwrap_or_default();
    // Those that fail are not counted: their replacements stand for them.
    let surplus = (census.primary_live - census.primary_failing).saturating_sub(census.desired);
    let reason = format!("Scaling activity initiated by (deployment {deployment})");
    let mut stopped = Vec::new();
    let mine = service.tasks.iter_mut().rev();
    let mut mine: Vec<&mut Task> =
        mine.filter(|task| task.is_live() && !task.is_failing() && task.deployment == deployment).collect();
    mine.sort_by_key(|task| task.healthy);
    for task in mine.into_iter().take(surplus) {
        task.deactivate("ServiceSchedulerInitiated", &reason, turn.now_ms);
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
    let waits = turn.now_ms < primary.not_before_ms || primary.rollout == Rollout::Failed;
    let only_waits = census.primary_live >= census.desired && census.old_live == 0;
    if service.stuck_told || in_transition || waits || only_waits {
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

/// Tells that tasks of older deployments left the service's target groups.
///
/// Source: the order of the events is that of published service event logs.
fn drained(service: &mut Service, turn: &mut Turn<'_>, stopped: &[String]) -> bool {
    let (name, balanced) = (service.name.clone(), balanced(service));
    let older = service.deployments.iter().skip(1).map(|old| old.id.clone()).collect::<Vec<_>>();
    for of in &balanced {
        let (count, group) = (stopped.len(), &of.group);
        tell(service, turn, format!("(service {name}) deregistered {count} targets in (target-group {group})"));
    }
    for old in older.iter().filter(|_| !balanced.is_empty()) {
        let of_it = |task: &&Task| task.deployment == *old && stopped.contains(&task.id);
        let count = service.tasks.iter().filter(of_it).count();
        if count > 0 {
            let message = format!("(service {name}, taskSet {old}) has begun draining connections on {count} tasks.");
            tell(service, turn, message);
        }
    }
    true
}

fn listed(tasks: &[String]) -> String {
    tasks.iter().map(|id| format!("(task {id})")).collect::<Vec<_>>().join(" ")
}
