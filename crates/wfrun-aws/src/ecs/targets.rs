//! Tasks as targets of load balancers: registered when they run, asked for their health, deregistered before they stop.
//!
//! Everything is a function over a region, around the schedulers' tick: [`join`] before it, [`leave`] after it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::model::{Service, TaskDefinition};
use super::task::{Task, TaskStatus};
use crate::account::{Region, State};
use crate::elbv2::Elbv2;
use crate::elbv2::targets::{Answers, HealthState, TargetHealth};
use crate::elbv2::targets::{deregister, forget, register, set_health, target_health};
use crate::protocol::ApiError;

/// A target group that a task is a target of.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct TaskTarget {
    /// Its ARN.
    pub(crate) group: String,
    /// The container whose port it is.
    pub(crate) container: String,
    pub(crate) port: u16,
    /// Under which id it is registered.
    pub(crate) registered: Option<String>,
    /// It is being deregistered: the task still answers what is under way.
    pub(crate) draining: bool,
    pub(crate) passes: Passes,
}

/// What a load balancer says of a target.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Passes {
    /// Nothing yet.
    #[default]
    Unknown,
    Yes,
    /// Why, as `Health checks failed with these codes: [502]`.
    No(String),
}

/// The targets that a new task of the service becomes.
pub(super) fn of_service(service: &Service) -> Vec<TaskTarget> {
    let balancers = service.settings.get("loadBalancers").and_then(Value::as_array);
    let read = balancers.into_iter().flatten().filter_map(|balancer| {
        Some(TaskTarget {
            group: balancer["targetGroupArn"].as_str()?.to_owned(),
            container: balancer["containerName"].as_str()?.to_owned(),
            port: u16::try_from(balancer["containerPort"].as_u64()?).ok()?,
            ..TaskTarget::default()
        })
    });
    read.collect()
}

/// Puts a service that runs already behind load balancers, with its tasks.
pub(crate) fn balance(service: &mut Service, balancers: Value) {
    service.settings.insert("loadBalancers".to_owned(), balancers);
    let targets = of_service(service);
    service.tasks.iter_mut().for_each(|task| task.targets.clone_from(&targets));
}

/// Registers the tasks that run, and notes what their load balancers say of them. Returns whether anything changed.
pub(super) fn join(region: &mut Region) -> bool {
    let elb = &mut region.elbv2;
    let clusters = region.ecs.clusters.values_mut();
    let tasks = clusters.flat_map(|cluster| cluster.services.values_mut()).flat_map(|service| &mut service.tasks);
    let mut changed = false;
    for task in tasks.filter(|task| !task.targets.is_empty()) {
        let before = task.targets.clone();
        let mut targets = std::mem::take(&mut task.targets);
        for target in &mut targets {
            follow(elb, task, target);
        }
        task.targets = targets;
        changed |= task.targets != before;
    }
    changed
}

fn follow(elb: &mut Elbv2, task: &Task, target: &mut TaskTarget) {
    if let (true, Some(id)) = (target.draining, &target.registered) {
        let health = target_health(elb, &target.group, id, target.port);
        if health.is_none_or(|health| health.state != HealthState::Draining) {
            target.draining = false;
            target.registered = None;
        }
        return;
    }
    if task.status != TaskStatus::Running {
        return;
    }
    if target.registered.is_none() {
        let id = task.address();
        target.passes = match register(elb, &target.group, &id, target.port, answers(task, target)) {
            Ok(()) => Passes::Unknown,
            Err(err) => Passes::No(err.message),
        };
        target.registered = Some(id);
    }
    let Some(id) = &target.registered else { return };
    // Of a simulated task its launcher says how it is.
    if task.launch.simulated && task.launch.checks_pass {
        set_health(elb, &target.group, id, target.port, TargetHealth::healthy());
    }
    if let Some(health) = target_health(elb, &target.group, id, target.port) {
        match health.state {
            HealthState::Healthy | HealthState::Unused => target.passes = Passes::Yes,
            HealthState::Unhealthy => target.passes = Passes::No(health.description.clone().unwrap_or_default()),
            HealthState::Initial | HealthState::Draining => {}
        }
    }
}

/// Where a task answers: at the published port, where it has one.
fn answers(task: &Task, target: &TaskTarget) -> Answers {
    let mut ports = task.launch.ports.iter();
    let published = ports.find(|port| port.container == target.container && port.container_port == target.port);
    let at = published.and_then(|port| format!("{}:{}", port.host_address, port.host_port).parse().ok());
    at.map_or(Answers::Nobody, Answers::At)
}

/// Begins to deregister the tasks that are to stop, or have stopped. Returns whether there were any.
pub(super) fn leave(region: &mut Region, now_ms: u64) -> bool {
    let elb = &mut region.elbv2;
    let clusters = region.ecs.clusters.values_mut();
    let tasks = clusters.flat_map(|cluster| cluster.services.values_mut()).flat_map(|service| &mut service.tasks);
    let mut changed = false;
    for target in tasks.filter(|task| !task.is_live()).flat_map(|task| &mut task.targets) {
        let Some(id) = target.registered.clone().filter(|_| !target.draining) else { continue };
        changed = true;
        deregister(elb, &target.group, &id, target.port, now_ms);
        target.draining = target_health(elb, &target.group, &id, target.port).is_some();
        if !target.draining {
            target.registered = None;
        }
    }
    changed
}

/// Takes away what tasks of an earlier process were registered as: nobody answers there any more.
pub(crate) fn forget_targets(state: &mut State) {
    for Region { ecs, elbv2, .. } in state.regions.values_mut() {
        let clusters = ecs.clusters.values_mut();
        let tasks = clusters.flat_map(|cluster| cluster.services.values_mut()).flat_map(|service| &mut service.tasks);
        for target in tasks.flat_map(|task| &mut task.targets) {
            if let Some(id) = target.registered.take() {
                forget(elbv2, &target.group, &id, target.port);
            }
            target.draining = false;
            target.passes = Passes::Unknown;
        }
    }
}

/// Refuses load balancers that the service's tasks cannot be targets of.
///
/// Source: AWS ECS, `CreateService` and `UpdateService`: the words of its refusals.
pub(super) fn check(elb: &Elbv2, definition: &TaskDefinition, balancers: Option<&Value>) -> Result<(), ApiError> {
    let invalid = |message: String| Err(ApiError::new("InvalidParameterException", message));
    for balancer in balancers.and_then(Value::as_array).into_iter().flatten() {
        let Some(group) = balancer["targetGroupArn"].as_str() else {
            return invalid("wfrun: load balancers without a target group are not emulated".to_owned());
        };
        if !elb.has_target_group(group) {
            return invalid(format!("The target group with targetGroupArn {group} does not exist."));
        }
        if elb.users_of(group).is_empty() {
            return invalid(format!(
                "The target group with targetGroupArn {group} does not have an associated load balancer."
            ));
        }
        let name = balancer["containerName"].as_str().unwrap_or_default();
        let Some(container) = definition.containers().iter().find(|container| container["name"] == name) else {
            return invalid(format!("The container {name} does not exist in the task definition."));
        };
        let port = &balancer["containerPort"];
        let has = |mapping: &Value| mapping["containerPort"] == *port;
        if !container["portMappings"].as_array().is_some_and(|mappings| mappings.iter().any(has)) {
            return invalid(format!("The container {name} did not have a container port {port} defined."));
        }
    }
    Ok(())
}

/// How long failing targets of new tasks are left alone, in milliseconds.
///
/// Source: AWS ECS API reference, `CreateService`, `healthCheckGracePeriodSeconds`.
pub(super) fn grace_ms(settings: &Map<String, Value>) -> u64 {
    settings.get("healthCheckGracePeriodSeconds").and_then(Value::as_u64).unwrap_or_default().saturating_mul(1000)
}

#[cfg(test)]
mod tests;
