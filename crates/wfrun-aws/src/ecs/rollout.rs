//! The rolling scheduler: one tick of a service, as a pure function over it.
//!
//! A tick first takes in what became of the tasks, then decides: complete, fail, start, stop. What becomes of a task is told by a
//! [`Fate`], so that a runtime that really starts containers can stand where the simulation stands.

mod fate;
mod schedule;
#[cfg(test)]
mod tests;

use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Map;
use uuid::Uuid;

pub(crate) use self::fate::Fate;
use self::schedule::{complete, scale_in, start_tasks, stop_old_tasks, tell_if_stuck};
use super::model::{
    Breaker, Deployment, DeploymentConfiguration, Rollout, Service, ServiceEvent, Stop, TaskStatus, Threshold,
};
use crate::account::FailedDeployment;
use crate::ids::deployment_id;

/// The time between two ticks of a rollout.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// What a tick is given.
pub(crate) struct Turn<'a> {
    pub(crate) now_ms: u64,
    /// What becomes of a task with this task definition.
    pub(crate) fate: &'a dyn Fn(&str) -> Fate,
    pub(crate) new_id: &'a mut dyn FnMut() -> Uuid,
}

/// Drives `service` by one tick. Returns the events that were added, oldest first.
///
/// Source: AWS ECS developer guide, "Deploy Amazon ECS services by replacing tasks" and "How the deployment circuit breaker detects failures".
pub(crate) fn tick(service: &mut Service, turn: &mut Turn<'_>) -> Vec<String> {
    let before = service.events.len();
    let failed = fate::take_in(service, turn);
    if failed && breaker_trips(service) {
        trip(service, turn);
    } else if !complete(service, turn) {
        let started = !failed && start_tasks(service, turn);
        let stopped = stop_old_tasks(service, turn) | scale_in(service, turn);
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
            not_before_ms: 0,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            rollout: Rollout::InProgress,
            ever_completed: false,
            digests: IndexMap::new(),
        },
    );
}

impl Service {
    /// A service that has been running `desired` healthy tasks of `task_definition`; its breaker is on, with rollback.
    pub(crate) fn running(
        name: &str,
        task_definition: &str,
        desired: u32,
        created_by: &str,
        now_ms: u64,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Self {
        let mut configuration = DeploymentConfiguration::default();
        configuration.breaker.enable = true;
        configuration.breaker.rollback = true;
        let mut service = Self {
            name: name.to_owned(),
            created_at_ms: now_ms,
            created_by: created_by.to_owned(),
            deployment_serial: String::new(),
            desired,
            task_definition: String::new(),
            configuration,
            settings: Map::new(),
            deployments: Vec::new(),
            events: Vec::new(),
            tasks: Vec::new(),
            stuck_told: false,
            steady: false,
            failed: None,
        };
        begin(&mut service, task_definition, now_ms, new_id);
        let fate = |_: &str| Fate::Healthy(IndexMap::new());
        // Two ticks bring tasks from started to healthy; the next one completes the deployment.
        for _ in 0..4 {
            tick(&mut service, &mut Turn { now_ms, fate: &fate, new_id });
        }
        service
    }
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

/// The breaker trips: the deployment failed, and the newest one that was ever complete comes back, under its own id.
fn trip(service: &mut Service, turn: &mut Turn<'_>) {
    let Some(failed) = service.deployments.first_mut() else { return };
    failed.rollout = Rollout::Failed;
    "ECS deployment circuit breaker: tasks failed to start.".clone_into(&mut failed.reason);
    failed.updated_at_ms = turn.now_ms;
    let failed_id = failed.id.clone();
    let stopped =
        service.tasks.iter().rev().filter(|task| task.deployment == failed_id).find_map(|task| task.stop.as_ref());
    service.failed = Some(FailedDeployment {
        id: failed_id.clone(),
        task_definition: failed.task_definition.clone(),
        reason: stopped.map(|stop| stop.reason.clone()).unwrap_or_default(),
    });
    let name = service.name.clone();
    tell(service, turn, format!("(service {name}) (deployment {failed_id}) deployment failed: tasks failed to start."));
    let earlier = service.deployments.iter().position(|deployment| deployment.ever_completed);
    let Some(earlier) = earlier.filter(|at| service.configuration.breaker.rollback && *at > 0) else { return };
    let mut old = service.deployments.remove(earlier);
    tell(service, turn, format!("(service {name}) rolling back to deployment {}.", old.id));
    for given_up in &mut service.deployments {
        given_up.desired = 0;
    }
    old.rollout = Rollout::InProgress;
    old.reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", old.id);
    old.desired = service.desired;
    old.updated_at_ms = turn.now_ms;
    old.not_before_ms = 0;
    service.task_definition.clone_from(&old.task_definition);
    let scaling = format!("Scaling activity initiated by (deployment {failed_id})");
    for task in service.tasks.iter_mut().filter(|task| task.deployment == failed_id && task.is_live()) {
        stop(task, "ServiceSchedulerInitiated", &scaling, turn.now_ms);
    }
    service.deployments.insert(0, old);
}

/// Adds an event, newest first.
fn tell(service: &mut Service, turn: &mut Turn<'_>, message: String) {
    let id = (turn.new_id)().to_string();
    service.events.insert(0, ServiceEvent { id, at_ms: turn.now_ms, message });
}

fn stop(task: &mut super::model::Task, code: &str, reason: &str, now_ms: u64) {
    task.status = TaskStatus::Deactivating;
    task.stop = Some(Stop { code: code.to_owned(), reason: reason.to_owned(), exit_code: None, at_ms: now_ms });
}
