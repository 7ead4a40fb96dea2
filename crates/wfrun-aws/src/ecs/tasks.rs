//! The operations on tasks.

use serde_json::{Value, json};

use super::model::short_name;
use super::services::{cluster_of, no_cluster};
use super::task::Task;
use super::task_view::described;
use crate::account::Call;
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
                Some((service, task)) => tasks.push(described(Some(service), task, cluster, arns, &region.ecs)),
                None => failures.push(json!({ "arn": arns.task(cluster, id), "reason": "MISSING" })),
            }
        }
        Ok(json!({ "tasks": tasks, "failures": failures }))
    })
}
