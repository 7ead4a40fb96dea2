//! Tasks as clients see them.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::model::{Ecs, Service, TaskDefinition};
use super::services::launch_type;
use super::task::{FAILED_CHECKS, Task, TaskStatus};
use crate::clock::epoch_seconds;
use crate::ids::Arns;
use crate::launcher::PublishedPort;

/// A task as `DescribeTasks`, `RunTask` and `StopTask` show it; `service` is whose it is.
///
/// Differs: the network interface of a task has an address that nothing listens at in simulate.
pub(super) fn described(
    service: Option<&Service>,
    task: &Task,
    cluster: &str,
    arns: Arns<'_>,
    ecs: &Ecs,
    with_tags: bool,
) -> Value {
    let definition = ecs.task_definition(&task.definition);
    let of_definition = |member: &str| definition.and_then(|definition| definition.body.get(member));
    let seconds = |at_ms: Option<u64>| at_ms.map(epoch_seconds);
    let containers = definition.map(TaskDefinition::containers).unwrap_or_default();
    let view = View { service, task, cluster, arns, networks: of_definition("networkMode") == Some(&json!("awsvpc")) };
    let stop = task.stop.as_ref();
    let started_by = if task.deployment.is_empty() { None } else { Some(&task.deployment) };
    json!({
        "taskArn": arns.task(cluster, &task.id),
        "clusterArn": arns.cluster(cluster),
        "taskDefinitionArn": task.definition,
        "containers": containers.iter().map(|one| view.container(one)).collect::<Vec<_>>(),
        "overrides": overrides(task, containers),
        "lastStatus": task.status,
        "desiredStatus": if task.is_live() { "RUNNING" } else { "STOPPED" },
        "healthStatus": health(task, containers),
        "cpu": of_definition("cpu"),
        "memory": of_definition("memory"),
        "attachments": if view.networks { vec![view.interface()] } else { Vec::new() },
        "tags": if with_tags { task.tags() } else { &[] },
        "availabilityZone": format!("{}a", arns.region),
        "connectivity": "CONNECTED",
        "connectivityAt": epoch_seconds(task.created_at_ms),
        "enableExecuteCommand": false,
        "group": task.group(service.map(|service| service.name.as_str())),
        "startedBy": started_by,
        "launchType": launched_as(service, task, ecs),
        "capacityProviderName": task.alone.as_ref().and_then(|alone| alone.capacity_provider.as_ref()),
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "version": task.launch.version + 1,
        "createdAt": epoch_seconds(task.created_at_ms),
        "pullStartedAt": seconds(task.launch.pull_started_at_ms),
        "pullStoppedAt": seconds(task.launch.pull_stopped_at_ms),
        "startedAt": seconds(task.started_at_ms),
        "stoppingAt": seconds(stop.map(|stop| stop.at_ms)),
        "executionStoppedAt": seconds(stop.filter(|_| task.started_at_ms.is_some()).map(|stop| stop.at_ms)),
        "stoppedAt": seconds(stop.filter(|_| task.status == TaskStatus::Stopped).map(|stop| stop.at_ms)),
        "stopCode": stop.map(|stop| &stop.code),
        "stoppedReason": stop.map(|stop| &stop.reason),
    })
}

/// What its service was created with, or `RunTask` was asked for.
pub(super) fn launched_as<'a>(service: Option<&'a Service>, task: &'a Task, ecs: &Ecs) -> &'a str {
    let alone = task.alone.as_ref().map_or("EC2", |alone| &alone.launch_type);
    service.map_or(alone, |service| launch_type(service, ecs))
}

/// Every container is listed among the overrides, as AWS does.
fn overrides(task: &Task, containers: &[Value]) -> Value {
    let mut overrides = task.alone.as_ref().map(|alone| alone.overrides.clone()).unwrap_or_default();
    let given = overrides.get("containerOverrides").and_then(Value::as_array).cloned().unwrap_or_default();
    let of = |container: &Value| {
        let known = given.iter().find(|given| given["name"] == container["name"]);
        known.cloned().unwrap_or_else(|| json!({ "name": container["name"] }))
    };
    overrides.insert("containerOverrides".to_owned(), containers.iter().map(of).collect());
    overrides.entry("inferenceAcceleratorOverrides").or_insert_with(|| json!([]));
    Value::Object(overrides)
}

struct View<'a> {
    service: Option<&'a Service>,
    task: &'a Task,
    cluster: &'a str,
    arns: Arns<'a>,
    /// The task has a network interface of its own.
    networks: bool,
}

impl View<'_> {
    fn container(&self, definition: &Value) -> Value {
        let task = self.task;
        let name = definition["name"].as_str().unwrap_or_default();
        let end = task.launch.ends.get(name);
        let failed_to_start = task.stop.as_ref().filter(|stop| stop.code == "TaskFailedToStart");
        let status = match task.status {
            TaskStatus::Pending => "PENDING",
            TaskStatus::Running => "RUNNING",
            TaskStatus::Deactivating | TaskStatus::Stopped => "STOPPED",
        };
        let reason = end.and_then(|end| end.reason.as_ref()).or(failed_to_start.map(|stop| &stop.reason));
        let binding = |port: &&PublishedPort| port.container == name;
        let bindings = task.launch.ports.iter().filter(binding).map(|port| {
            json!({
                "bindIP": port.host_address, "containerPort": port.container_port, "hostPort": port.host_port, "protocol": "tcp",
            })
        });
        json!({
            "containerArn": self.arns.container(self.cluster, &task.id, name),
            "taskArn": self.arns.task(self.cluster, &task.id),
            "name": name,
            "image": definition["image"],
            "imageDigest": self.digest(definition["image"].as_str().unwrap_or_default()),
            "runtimeId": task.started_at_ms.map(|_| format!("{}-{}", task.id, self.number(name, 10))),
            "lastStatus": status,
            "exitCode": end.and_then(|end| end.exit_code),
            "reason": reason,
            "networkBindings": bindings.collect::<Vec<_>>(),
            "networkInterfaces": if self.networks { self.addresses() } else { Vec::new() },
            "healthStatus": health(task, std::slice::from_ref(definition)),
            "cpu": definition["cpu"].as_u64().unwrap_or_default().to_string(),
            "memory": definition["memory"].as_u64().map(|memory| memory.to_string()),
            "memoryReservation": definition["memoryReservation"].as_u64().map(|memory| memory.to_string()),
        })
    }

    fn digest(&self, image: &str) -> Option<&String> {
        let of_service = self.service.and_then(|service| {
            service.records.iter().rfind(|record| record.deployment == self.task.deployment)?.digests.get(image)
        });
        of_service.or_else(|| self.task.alone.as_ref()?.digests.get(image))
    }

    fn attachment_id(&self) -> String {
        Uuid::from_u128(self.number("eni", 32).parse().unwrap_or_default()).to_string()
    }

    fn addresses(&self) -> Vec<Value> {
        vec![json!({ "attachmentId": self.attachment_id(), "privateIpv4Address": self.task.address() })]
    }

    /// Source: AWS ECS API reference, `Attachment`.
    fn interface(&self) -> Value {
        let status = match self.task.status {
            TaskStatus::Pending | TaskStatus::Running => "ATTACHED",
            TaskStatus::Deactivating | TaskStatus::Stopped => "DELETED",
        };
        let settings = self.service.map(|service| &service.settings);
        let subnets = settings.and_then(|settings| settings.get("networkConfiguration"));
        let subnet = subnets.and_then(|network| network["awsvpcConfiguration"]["subnets"][0].as_str());
        json!({
            "id": self.attachment_id(), "type": "ElasticNetworkInterface", "status": status,
            "details": [
                { "name": "subnetId", "value": subnet.unwrap_or("subnet-1") },
                { "name": "privateIPv4Address", "value": self.task.address() },
            ],
        })
    }

    /// Digits that are the same for the same task and `name`.
    fn number(&self, name: &str, length: usize) -> String {
        let digest = Sha256::digest(format!("{} {name}", self.task.id));
        digest.iter().map(|byte| char::from(b'0' + byte % 10)).take(length).collect()
    }
}

/// UNKNOWN without a health check in the task definition; an image's own check does not count. Only essential containers count for a
/// task.
///
/// Source: AWS ECS developer guide, "Determine Amazon ECS task health using container health checks".
fn health(task: &Task, containers: &[Value]) -> &'static str {
    let mut checks = containers.iter().filter(|container| container["essential"] != false);
    let checked = checks.any(|container| container["healthCheck"].is_object());
    let failed = task.stop.as_ref().is_some_and(|stop| stop.reason == FAILED_CHECKS) || task.is_failing();
    if failed {
        "UNHEALTHY"
    } else if checked && task.healthy {
        "HEALTHY"
    } else {
        "UNKNOWN"
    }
}
