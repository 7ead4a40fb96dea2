//! Tasks as targets of load balancers: registered when they run, deregistered when they stop, healthy only when their targets are.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::{Service, TaskDefinition};
use super::task::{Task, TaskStatus};
use crate::elbv2::Elbv2;
use crate::elbv2::targets::{Answers, HealthState, TargetHealth, deregister, register, set_health, target_health};
use crate::launcher::PublishedPort;
use crate::protocol::ApiError;

/// A member of a service's `loadBalancers` with a target group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Balanced {
    pub(super) group: String,
    pub(super) container: String,
    pub(super) port: u16,
}

/// A target that a task was registered as.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Registered {
    pub(super) group: String,
    pub(super) id: String,
    pub(super) port: u16,
}

/// How a task stands with its load balancers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// Every target is healthy, or there is none that anybody asks about.
    Good,
    /// A target has not answered yet.
    Waiting,
    /// A target failed its checks.
    Bad {
        group: String,
        port: u16,
        /// As `Health checks failed with these codes: [502]`.
        why: String,
    },
}

/// What stands in the service's `loadBalancers`.
pub(super) fn balanced(service: &Service) -> Vec<Balanced> {
    let balancers = service.settings.get("loadBalancers").and_then(Value::as_array);
    let read = |balancer: &Value| {
        Some(Balanced {
            group: balancer["targetGroupArn"].as_str()?.to_owned(),
            container: balancer["containerName"].as_str()?.to_owned(),
            port: balancer["containerPort"].as_u64().and_then(|port| u16::try_from(port).ok())?,
        })
    };
    balancers.into_iter().flatten().filter_map(read).collect()
}

/// How a running task stands.
pub(super) fn standing(elb: &Elbv2, task: &Task, balanced: &[Balanced]) -> Standing {
    if task.launch.targets.is_empty() {
        // It is registered at the end of the step in which it is told to run.
        let comes = balanced.iter().any(|of| elb.has_target_group(&of.group) && target(task, of).is_some());
        return if comes { Standing::Waiting } else { Standing::Good };
    }
    let mut waits = false;
    for Registered { group, id, port } in &task.launch.targets {
        let Some(health) = target_health(elb, group, id, *port) else { continue };
        match health.state {
            HealthState::Healthy | HealthState::Unused => {}
            HealthState::Initial | HealthState::Draining => waits = true,
            HealthState::Unhealthy => {
                let why = health.description.clone().unwrap_or_else(|| "Health checks failed".to_owned());
                return Standing::Bad { group: group.clone(), port: *port, why };
            }
        }
    }
    if waits { Standing::Waiting } else { Standing::Good }
}

/// Registers the service's tasks that run, and deregisters those that do not. Returns whether anything changed.
///
/// Differs: a task is asked to end while its targets drain; ECS lets them drain first.
pub(super) fn follow(elb: &mut Elbv2, service: &mut Service, now_ms: u64) -> bool {
    let balanced = balanced(service);
    let mut changed = false;
    for task in &mut service.tasks {
        if task.status == TaskStatus::Running && task.launch.targets.is_empty() {
            task.launch.targets = balanced.iter().filter_map(|of| join(elb, task, of)).collect();
            changed |= !task.launch.targets.is_empty();
        } else if task.status != TaskStatus::Running {
            for Registered { group, id, port } in task.launch.targets.drain(..) {
                deregister(elb, &group, &id, port, now_ms);
                changed = true;
            }
        }
    }
    changed
}

fn join(elb: &mut Elbv2, task: &Task, of: &Balanced) -> Option<Registered> {
    let (id, port, answers) = target(task, of)?;
    // It was there when the service was told of it, and may have been deleted since.
    register(elb, &of.group, &id, port, answers).ok()?;
    if answers == Answers::Nobody {
        set_health(elb, &of.group, &id, port, TargetHealth::healthy());
    }
    Some(Registered { group: of.group.clone(), id, port })
}

/// The target that a task is: its own address and the container's port, and who answers there on this machine.
fn target(task: &Task, of: &Balanced) -> Option<(String, u16, Answers)> {
    let id = task.address();
    if task.launch.simulated {
        return Some((id, of.port, Answers::Nobody));
    }
    let published = |port: &&PublishedPort| port.container == of.container && port.container_port == of.port;
    let port = task.launch.ports.iter().find(published)?;
    let address = SocketAddr::new(port.host_address.parse().ok()?, port.host_port);
    Some((id, of.port, Answers::At(address)))
}

/// Puts a service that runs already behind load balancers; its tasks become targets at the next step.
pub(crate) fn balance(service: &mut Service, balancers: Value) {
    service.settings.insert("loadBalancers".to_owned(), balancers);
    service.steady = false;
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
        check_container(definition, balancer)?;
    }
    Ok(())
}

/// Refuses a member of `loadBalancers` whose container or port the definition does not have.
///
/// Source: AWS ECS, `CreateService` and `UpdateService`: the words of its refusals.
pub(crate) fn check_container(definition: &TaskDefinition, balancer: &Value) -> Result<(), ApiError> {
    let invalid = |message: String| Err(ApiError::new("InvalidParameterException", message));
    let name = balancer["containerName"].as_str().unwrap_or_default();
    let Some(container) = definition.containers().iter().find(|container| container["name"] == name) else {
        return invalid(format!("The container {name} does not exist in the task definition."));
    };
    let port = &balancer["containerPort"];
    let has = |mapping: &Value| mapping["containerPort"] == *port;
    if !container["portMappings"].as_array().is_some_and(|mappings| mappings.iter().any(has)) {
        return invalid(format!("The container {name} did not have a container port {port} defined."));
    }
    Ok(())
}
