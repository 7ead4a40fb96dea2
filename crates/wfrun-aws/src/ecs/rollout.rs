//! The rolling scheduler: one tick of a service, as a pure function over it.
//!
//! A tick first takes in what launchers reported of the tasks, then decides: complete, fail, start, stop. Tasks that it adds are started,
//! and those that it deactivates are stopped, by the account after the tick.

mod fate;
mod schedule;
#[cfg(test)]
mod tests;

use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use uuid::Uuid;

use self::schedule::{complete, drain, scale_in, start_tasks, stop_failing, stop_old_tasks, tell_if_stuck};
use super::model::{
    Breaker, Deployment, DeploymentConfiguration, Rollout, Service, ServiceEvent, ServiceStatus, Threshold,
};
use super::targets::{Balanced, Standing};
use super::task::{Task, TaskStatus};
use crate::account::FailedDeployment;
use crate::ids::deployment_id;
use crate::launcher::TaskReport;

/// The time between two ticks of a rollout.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// What a tick is given.
pub(crate) struct Turn<'a> {
    pub(crate) now_ms: u64,
    /// What became of tasks since the last tick, by task id; also those of others.
    pub(crate) reports: &'a [(String, TaskReport)],
    /// How a running task stands with its load balancers.
    pub(super) standing: &'a dyn Fn(&Task, &[Balanced]) -> Standing,
    pub(crate) new_id: &'a mut dyn FnMut() -> Uuid,
}

/// Drives `service` by one tick. Returns the events that were added, oldest first.
///
/// Source: AWS ECS developer guide, "Deploy Amazon ECS services by replacing tasks" and "How the deployment circuit breaker detects failures".
pub(crate) fn tick(service: &mut Service, turn: &mut Turn<'_>) -> Vec<String> {
    let before = service.events.len();
    let failed = fate::take_in(service, turn);
    if service.status != ServiceStatus::Active {
        drain(service, turn);
    } else if failed && breaker_trips(service) {
        let reason = "Service deployment rolled back because the circuit breaker threshold was exceeded.";
        give_up(service, turn, Cause::Breaker, reason);
    } else if !complete(service, turn) {
        let started = !failed && start_tasks(service, turn);
        let stopped = stop_failing(service, turn) | stop_old_tasks(service, turn) | scale_in(service, turn);
        if !failed && !started && !stopped {
            tell_if_stuck(service, turn);
        }
    }
    let added = service.events.len() - before;
    let messages: Vec<String> = service.events.iter().take(added).rev().map(|event| event.message.clone()).collect();
    service.events.truncate(100);
    messages
}

/// Puts a new deployment of `task_definition` first; the one before goes on until it is replaced.
pub(crate) fn begin(service: &mut Service, task_definition: &str, now_ms: u64, new_id: &mut dyn FnMut() -> Uuid) {
    let id = deployment_id(new_id());
    service.deployment_serial = crate::ids::service_deployment_id(new_id());
    task_definition.clone_into(&mut service.task_definition);
    service.stuck_told = false;
    service.steady = false;
    service.failed = None;
    service.deployments.insert(
        0,
        Deployment {
            reason: format!("ECS deployment {id} in progress."),
            id,
            task_definition: task_definition.to_owned(),
            desired: service.desired,
            failed_tasks: 0,
            counted_failures: 0,
            failures_in_a_row: 0,
            fresh: true,
            not_before_ms: 0,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            rollout: Rollout::InProgress,
            ever_completed: false,
            digests: IndexMap::new(),
        },
    );
    service.record_begin(now_ms);
}

impl Service {
    /// A service without any deployment.
    pub(crate) fn new(name: &str, desired: u32, created_by: &str, now_ms: u64) -> Self {
        Self {
            name: name.to_owned(),
            status: ServiceStatus::Active,
            created_at_ms: now_ms,
            created_by: created_by.to_owned(),
            deployment_serial: String::new(),
            desired,
            task_definition: String::new(),
            configuration: DeploymentConfiguration::default(),
            alarms: None,
            settings: Map::new(),
            tags: Vec::new(),
            deployments: Vec::new(),
            events: Vec::new(),
            tasks: Vec::new(),
            records: Vec::new(),
            stuck_told: false,
            steady: false,
            failed: None,
        }
    }

    /// A service that has been running `desired` healthy tasks of `task_definition` with `settings`.
    pub(crate) fn running(
        name: &str,
        task_definition: &str,
        (desired, settings): (u32, Map<String, Value>),
        created_by: &str,
        now_ms: u64,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Self {
        let mut service = Self::new(name, desired, created_by, now_ms);
        service.settings = settings;
        begin(&mut service, task_definition, now_ms, new_id);
        service.deployments[0].fresh = false;
        // Two ticks bring tasks from started to healthy; the next one completes the deployment.
        for _ in 0..4 {
            let reports: Vec<_> = service.tasks.iter_mut().filter_map(all_well).collect();
            tick(&mut service, &mut Turn { now_ms, reports: &reports, standing: &|_, _| Standing::Good, new_id });
        }
        for task in &mut service.tasks {
            task.launch.pull_started_at_ms = Some(now_ms);
            task.launch.pull_stopped_at_ms = Some(now_ms);
        }
        service
    }
}

/// The next report on a task with which nothing goes wrong; `simulate` has it.
fn all_well(task: &mut Task) -> Option<(String, TaskReport)> {
    task.launch.ordered = true;
    task.launch.simulated = true;
    let report = match task.status {
        TaskStatus::Pending => TaskReport::Running { address: None, ports: Vec::new() },
        TaskStatus::Running if !task.healthy => TaskReport::Healthy,
        TaskStatus::Running | TaskStatus::Deactivating | TaskStatus::Stopped => return None,
    };
    Some((task.id.clone(), report))
}

impl Breaker {
    /// Failed tasks at which the breaker trips.
    ///
    /// Source: AWS ECS developer guide, "How the deployment circuit breaker detects failures": `3 <= 0.5 * desired <= 200`.
    pub(crate) fn trips_at(self, desired: u32) -> u32 {
        let percent_of = |percent: u32| {
            let tasks = (u64::from(desired) * u64::from(percent)).div_ceil(100);
            u32::try_from(tasks).unwrap_or(u32::MAX)
        };
        match self.threshold {
            Threshold::BoundedPercent(percent) => percent_of(percent).clamp(3, 200),
            Threshold::UnboundedPercent(percent) => percent_of(percent),
            Threshold::Count(count) => count,
        }
    }
}

fn breaker_trips(service: &Service) -> bool {
    let breaker = service.configuration.breaker;
    let trips_at = breaker.trips_at(service.desired);
    breaker.enable
        && service
            .deployments
            .first()
            .is_some_and(|primary| primary.rollout == Rollout::InProgress && primary.counted_failures >= trips_at)
}

/// Why a deployment is given up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// The circuit breaker tripped.
    Breaker,
    /// `StopServiceDeployment` asked for it.
    Asked,
}

/// The PRIMARY deployment failed, and the newest one that was ever complete comes back, under its own id. Returns whether one does.
///
/// Healthy tasks of the failed deployment leave as any older deployment's do, so that the service keeps its healthy tasks; all others are
/// stopped at once.
pub(crate) fn give_up(service: &mut Service, turn: &mut Turn<'_>, cause: Cause, why: &str) -> bool {
    let Some(failed) = service.deployments.first_mut() else { return false };
    failed.rollout = Rollout::Failed;
    match cause {
        Cause::Breaker => "ECS deployment circuit breaker: tasks failed to start.",
        Cause::Asked => "ECS deployment stopped by StopServiceDeployment.",
    }
    .clone_into(&mut failed.reason);
    failed.updated_at_ms = turn.now_ms;
    let failed = failed.clone();
    let name = service.name.clone();
    if cause == Cause::Breaker {
        service.failed = Some(what_failed(service, &failed));
        tell(
            service,
            turn,
            format!("(service {name}) (deployment {}) deployment failed: tasks failed to start.", failed.id),
        );
    }
    let earlier = service.deployments.iter().position(|deployment| deployment.ever_completed);
    let rollback = cause == Cause::Asked || service.configuration.breaker.rollback;
    let Some(earlier) = earlier.filter(|at| rollback && *at > 0) else {
        service.record_failure(&failed, cause == Cause::Breaker, why, None, turn.now_ms);
        return false;
    };
    let mut old = service.deployments.remove(earlier);
    tell(service, turn, format!("(service {name}) rolling back to deployment {}.", old.id));
    service.record_failure(&failed, cause == Cause::Breaker, why, Some(&old.id), turn.now_ms);
    for given_up in &mut service.deployments {
        given_up.desired = 0;
    }
    old.rollout = Rollout::InProgress;
    old.reason = match cause {
        Cause::Breaker => format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", old.id),
        Cause::Asked => format!("ECS deployment rolling back to deploymentId {}.", old.id),
    };
    old.desired = service.desired;
    old.updated_at_ms = turn.now_ms;
    old.not_before_ms = 0;
    service.stuck_told = false;
    service.steady = false;
    service.task_definition.clone_from(&old.task_definition);
    let scaling = format!("Scaling activity initiated by (deployment {})", failed.id);
    let unhealthy = |task: &&mut Task| task.deployment == failed.id && task.is_live() && !task.healthy;
    for task in service.tasks.iter_mut().filter(unhealthy) {
        task.deactivate("ServiceSchedulerInitiated", &scaling, turn.now_ms);
    }
    service.deployments.insert(0, old);
    true
}

/// The failed deployment as reports show it: why its last task stopped, and what that wrote.
fn what_failed(service: &Service, failed: &Deployment) -> FailedDeployment {
    let of_it = service.tasks.iter().rev().filter(|task| task.deployment == failed.id);
    let stopped = of_it.into_iter().find_map(|task| task.stop.as_ref().map(|stop| (task, stop)));
    FailedDeployment {
        id: failed.id.clone(),
        task_definition: failed.task_definition.clone(),
        reason: stopped.map(|(_, stop)| stop.reason.clone()).unwrap_or_default(),
        exit_code: stopped.and_then(|(_, stop)| stop.exit_code),
        last_lines: stopped.map(|(task, _)| task.launch.last_lines.clone()).unwrap_or_default(),
    }
}

/// Adds an event, newest first.
fn tell(service: &mut Service, turn: &mut Turn<'_>, message: String) {
    let id = (turn.new_id)().to_string();
    service.events.insert(0, ServiceEvent { id, at_ms: turn.now_ms, message });
}
