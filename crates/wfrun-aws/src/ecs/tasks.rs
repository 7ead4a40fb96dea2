//! The operations on tasks.

use serde_json::{Value, json};

use super::model::{Ecs, Service, Task, TaskDefinition, TaskStatus, short_name};
use super::services::{cluster_of, launch_type, no_cluster};
use crate::account::Call;
use crate::clock::epoch_seconds;
use crate::ids::Arns;
use crate::protocol::ApiError;

/// `ListTasks`: ARNs of the tasks whose desired status is `desiredStatus`, RUNNING where absent.
///
/// Source: AWS ECS API reference, `ListTasks`.
/// Differs: all come on one page.
pub(crate) fn list_tasks(call: Call<'_>) -> Result<Value, ApiError> {
    let cluster = cluster_of(call)?;
    let service = call.input.text("serviceName")?.map(short_name);
    let family = call.input.text("family")?;
    let started_by = call.input.text("startedBy")?;
    let stopped = call.input.text("desiredStatus")? == Some("STOPPED");
    let arns = call.arns();
    let of_family = |task: &Task| {
        let own = short_name(&task.definition).split(':').next();
        family.is_none_or(|family| own == Some(family))
    };
    call.account.read(call.region(), |region| {
        let services = &region.ecs.clusters.get(cluster).ok_or_else(no_cluster)?.services;
        if service.is_some_and(|name| !services.contains_key(name)) {
            return Err(ApiError::new("ServiceNotFoundException", "Service not found."));
        }
        let wanted = services.values().filter(|found| service.is_none_or(|name| name == found.name));
        let tasks = wanted.flat_map(|service| &service.tasks).filter(|task| {
            task.is_live() != stopped && of_family(task) && started_by.is_none_or(|by| by == task.deployment)
        });
        Ok(json!({ "taskArns": tasks.map(|task| arns.task(cluster, &task.id)).collect::<Vec<_>>() }))
    })
}

/// `DescribeTasks`. An unknown task is a failure in a successful answer.
///
/// Source: AWS ECS API reference, `DescribeTasks`.
/// Differs: tasks have no network interface in simulate, so `attachments` is empty.
pub(crate) fn describe_tasks(call: Call<'_>) -> Result<Value, ApiError> {
    let asked = call.input.texts("tasks")?;
    if asked.is_empty() {
        return Err(ApiError::new("InvalidParameterException", "Tasks cannot be empty."));
    }
    let cluster = cluster_of(call)?;
    let arns = call.arns();
    call.account.read(call.region(), |region| {
        let services = &region.ecs.clusters.get(cluster).ok_or_else(no_cluster)?.services;
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for id in asked.iter().map(|id| short_name(id)) {
            let found = services
                .values()
                .find_map(|service| service.tasks.iter().find(|task| task.id == id).map(|task| (service, task)));
            match found {
                Some((service, task)) => tasks.push(described(service, task, cluster, arns, &region.ecs)),
                None => failures.push(json!({ "arn": arns.task(cluster, id), "reason": "MISSING" })),
            }
        }
        Ok(json!({ "tasks": tasks, "failures": failures }))
    })
}

fn described(service: &Service, task: &Task, cluster: &str, arns: Arns<'_>, ecs: &Ecs) -> Value {
    let definition = ecs.task_definition(&task.definition);
    let of_definition = |member: &str| definition.and_then(|definition| definition.body.get(member));
    let seconds = |at_ms: Option<u64>| at_ms.map(epoch_seconds);
    let containers = definition.map(TaskDefinition::containers).unwrap_or_default();
    let health = health(task, containers);
    json!({
        "taskArn": arns.task(cluster, &task.id),
        "clusterArn": arns.cluster(cluster),
        "taskDefinitionArn": task.definition,
        "containers": containers.iter().map(|one| container(service, task, one, cluster, arns)).collect::<Vec<_>>(),
        "overrides": { "containerOverrides": [], "inferenceAcceleratorOverrides": [] },
        "lastStatus": task.status,
        "desiredStatus": if task.is_live() { "RUNNING" } else { "STOPPED" },
        "healthStatus": health,
        "cpu": of_definition("cpu"),
        "memory": of_definition("memory"),
        "attachments": [],
        "tags": [],
        "availabilityZone": format!("{}a", arns.region),
        "connectivity": "CONNECTED",
        "connectivityAt": epoch_seconds(task.created_at_ms),
        "enableExecuteCommand": false,
        "group": format!("service:{}", service.name),
        "startedBy": task.deployment,
        "launchType": launch_type(service, ecs),
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "version": 1,
        "createdAt": epoch_seconds(task.created_at_ms),
        "startedAt": seconds(task.started_at_ms),
        "stoppingAt": seconds(task.stop.as_ref().map(|stop| stop.at_ms)),
        "stoppedAt": seconds(task.stop.as_ref().filter(|_| task.status == TaskStatus::Stopped).map(|stop| stop.at_ms)),
        "stopCode": task.stop.as_ref().map(|stop| &stop.code),
        "stoppedReason": task.stop.as_ref().map(|stop| &stop.reason),
    })
}

fn container(service: &Service, task: &Task, definition: &Value, cluster: &str, arns: Arns<'_>) -> Value {
    let name = definition["name"].as_str().unwrap_or_default();
    let image = definition["image"].as_str().unwrap_or_default();
    let deployment = service.deployments.iter().find(|deployment| deployment.id == task.deployment);
    let digest = deployment.and_then(|deployment| deployment.digests.get(image));
    let failed_to_start = task.stop.as_ref().filter(|stop| stop.code == "TaskFailedToStart");
    let status = match task.status {
        TaskStatus::Pending => "PENDING",
        TaskStatus::Running => "RUNNING",
        TaskStatus::Deactivating | TaskStatus::Stopped => "STOPPED",
    };
    json!({
        "containerArn": arns.container(cluster, &task.id, name),
        "taskArn": arns.task(cluster, &task.id),
        "name": name,
        "image": image,
        "imageDigest": digest,
        "lastStatus": status,
        "exitCode": task.stop.as_ref().and_then(|stop| stop.exit_code),
        "reason": failed_to_start.map(|stop| &stop.reason),
        "networkBindings": [],
        "networkInterfaces": [],
        "healthStatus": health(task, std::slice::from_ref(definition)),
        "cpu": definition["cpu"].as_u64().unwrap_or_default().to_string(),
    })
}

/// UNKNOWN without a health check in the task definition; an image's own check does not count.
///
/// Source: AWS ECS developer guide, "Determine Amazon ECS task health using container health checks".
fn health(task: &Task, containers: &[Value]) -> &'static str {
    let checked = containers.iter().any(|container| container["healthCheck"].is_object());
    let failed = task.stop.as_ref().is_some_and(|stop| stop.reason.contains("failed container health checks"));
    if failed {
        "UNHEALTHY"
    } else if checked && task.healthy {
        "HEALTHY"
    } else {
        "UNKNOWN"
    }
}
