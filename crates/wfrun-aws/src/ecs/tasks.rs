//! Looking at tasks.

use serde_json::{Value, json};

use super::model::{self, Service, short_name};
use super::page::page;
use super::services::cluster_of;
use super::task::{Task, TaskStatus};
use super::task_view::{described, launched_as};
use crate::account::Call;
use crate::protocol::ApiError;

/// `ListTasks`: ARNs of the tasks whose desired status is `desiredStatus`, RUNNING where absent.
///
/// Source: AWS ECS API reference, `ListTasks`. No task has the desired status PENDING, and none is on a container instance.
pub(crate) fn list_tasks(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let cluster = cluster_of(call)?;
    let service = input.text("serviceName")?.map(short_name);
    let (family, started_by) = (input.text("family")?, input.text("startedBy")?);
    let launch_type = input.text("launchType")?;
    let desired = input.text("desiredStatus")?.unwrap_or("RUNNING");
    let nowhere = input.text("containerInstance")?.is_some() || input.text("daemonName")?.is_some();
    let arns = call.arns();
    let found = call.account.read(call.region(), |region| {
        let found = region.ecs.cluster(cluster)?;
        if service.is_some_and(|name| !found.services.contains_key(name)) {
            return Err(ApiError::new("ServiceNotFoundException", "Service not found."));
        }
        let wanted = |(owner, task): &(Option<&Service>, &Task)| {
            let status = if task.is_live() { "RUNNING" } else { "STOPPED" };
            !nowhere
                && status == desired
                && service.is_none_or(|name| owner.is_some_and(|owner| owner.name == name))
                && family.is_none_or(|family| family == model::family(&task.definition))
                && started_by.is_none_or(|by| by == task.deployment)
                && launch_type.is_none_or(|wanted| wanted == launched_as(*owner, task, &region.ecs))
        };
        Ok(found.all_tasks().filter(wanted).map(|(_, task)| arns.task(cluster, &task.id)).collect())
    })?;
    page::<String>("taskArns", found, 100, input)
}

/// `DescribeTasks`. An unknown task is a failure in a successful answer.
///
/// Source: AWS ECS API reference, `DescribeTasks` (at most 100).
pub(crate) fn describe_tasks(call: Call<'_>) -> Result<Value, ApiError> {
    let asked = call.input.texts("tasks")?;
    if asked.is_empty() || asked.len() > 100 {
        let message =
            if asked.is_empty() { "Tasks cannot be empty." } else { "Tasks cannot have more than 100 elements." };
        return Err(ApiError::new("InvalidParameterException", message));
    }
    let cluster = cluster_of(call)?;
    let with_tags = call.input.texts("include")?.contains(&"TAGS");
    let arns = call.arns();
    call.account.read(call.region(), |region| {
        let here = region.ecs.cluster(cluster)?;
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for id in asked.iter().map(|id| short_name(id)) {
            match here.all_tasks().find(|(_, task)| task.id == id) {
                Some((service, task)) => tasks.push(described(service, task, cluster, arns, &region.ecs, with_tags)),
                None => failures.push(json!({ "arn": arns.task(cluster, id), "reason": "MISSING" })),
            }
        }
        Ok(json!({ "tasks": tasks, "failures": failures }))
    })
}

/// Whether a task that a `DescribeTasks` names is on its way to another status, and whether all that run do so with nothing to come.
///
/// A waiter asks either until all run or until all are stopped, and does not say which. The first look at running tasks is answered; who
/// then looks again waits for their end.
pub(crate) fn on_the_way(call: Call<'_>, seen_running: bool) -> bool {
    let (Ok(asked), Ok(cluster)) = (call.input.texts("tasks"), cluster_of(call)) else { return false };
    call.account.read(call.region(), |region| {
        let Ok(here) = region.ecs.cluster(cluster) else { return false };
        let tasks = here.all_tasks().filter(|(_, task)| asked.iter().any(|id| short_name(id) == task.id));
        tasks.into_iter().any(|(service, task)| match task.status {
            TaskStatus::Pending | TaskStatus::Deactivating => true,
            TaskStatus::Running => seen_running && service.is_none(),
            TaskStatus::Stopped => false,
        })
    })
}

/// Whether a task that a `DescribeTasks` names runs: the caller has seen it running with the answer.
pub(crate) fn running(call: Call<'_>) -> Vec<String> {
    let (Ok(asked), Ok(cluster)) = (call.input.texts("tasks"), cluster_of(call)) else { return Vec::new() };
    let arns = call.arns();
    call.account.read(call.region(), |region| {
        let Ok(here) = region.ecs.cluster(cluster) else { return Vec::new() };
        let tasks = here.all_tasks().filter(|(_, task)| asked.iter().any(|id| short_name(id) == task.id));
        tasks
            .filter(|(_, task)| task.status == TaskStatus::Running)
            .map(|(_, task)| arns.task(cluster, &task.id))
            .collect()
    })
}
