//! Tasks without a service, and stopping tasks.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::model::{Service, TaskDefinition, family, short_name, usual_launch_type};
use super::service_life::check_network;
use super::services::cluster_of;
use super::tags;
use super::task::{Alone, Task};
use super::task_view::described;
use crate::account::{Call, Input};
use crate::ids::task_id;
use crate::protocol::ApiError;

/// `RunTask`.
///
/// Source: AWS ECS API reference, `RunTask` (1 to 10 tasks).
pub(crate) fn run_task(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let cluster = cluster_of(call)?;
    let wanted = input.required("taskDefinition")?;
    let count = input.count("count")?.unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(ApiError::new("InvalidParameterException", "Count must be between 1 and 10."));
    }
    let (arns, now_ms) = (call.arns(), call.account.now_ms());
    let started_by = input.text("startedBy")?.unwrap_or_default();
    call.account.change(call.region(), |region| {
        let definition = region.ecs.active_task_definition(wanted)?;
        check_network(definition, input)?;
        let alone = alone(definition, cluster, input)?;
        let arn = definition.arn.clone();
        let tasks = &mut region.ecs.cluster_mut(cluster)?.tasks;
        let first = tasks.len();
        tasks.extend((0..count).map(|_| {
            let mut task = Task::new(task_id(Uuid::new_v4()), started_by, &arn, now_ms);
            task.alone = Some(alone.clone());
            task
        }));
        let started = &region.ecs.clusters[cluster].tasks[first..];
        let shown = started.iter().map(|task| described(None, task, cluster, arns, &region.ecs, true));
        Ok(json!({ "tasks": shown.collect::<Vec<_>>(), "failures": [] }))
    })
}

fn alone(definition: &TaskDefinition, cluster: &str, input: Input<'_>) -> Result<Alone, ApiError> {
    let overrides = input.map("overrides")?.map_or_else(Map::new, |overrides| overrides.0.clone());
    let given = Input(&overrides).list("containerOverrides")?;
    let known = |name: &Value| definition.containers().iter().any(|container| container["name"] == *name);
    if let Some(unknown) = given.iter().map(|container| &container["name"]).find(|name| !known(name)) {
        let name = unknown.as_str().unwrap_or_default();
        let message = format!("Override for container named {name} is not a container in the TaskDefinition.");
        return Err(ApiError::new("InvalidParameterException", message));
    }
    let given = input.list("tags")?;
    let propagated = match input.text("propagateTags")? {
        Some("TASK_DEFINITION") => definition.tags.as_slice(),
        Some(_) | None => &[],
    };
    let capacity_provider = capacity_provider(input)?;
    let launch_type = match (input.text("launchType")?, &capacity_provider) {
        (Some(_), Some(_)) => {
            let message = "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.";
            return Err(ApiError::new("InvalidParameterException", message));
        }
        (Some(given), None) => given,
        (None, Some(provider)) if provider.starts_with("FARGATE") => "FARGATE",
        (None, Some(_)) => "EC2",
        (None, None) => usual_launch_type(definition),
    };
    let fits = definition.body.get("compatibilities").and_then(Value::as_array);
    if launch_type == "FARGATE" && !fits.is_some_and(|fits| fits.iter().any(|it| it == launch_type)) {
        let message = format!("Task definition does not support launch_type {launch_type}.");
        return Err(ApiError::new("InvalidParameterException", message));
    }
    let managed = input.flag("enableECSManagedTags")?.unwrap_or(false).then_some((cluster, None));
    let tags = tags::of_task(&[given, propagated], managed);
    Ok(Alone {
        group: input.text("group")?.map_or_else(|| format!("family:{}", family(&definition.arn)), ToOwned::to_owned),
        overrides,
        tags,
        launch_type: launch_type.to_owned(),
        capacity_provider,
        digests: indexmap::IndexMap::new(),
    })
}

/// The capacity provider that a task is placed on; `None` without a strategy.
///
/// Differs: of a capacity provider strategy, each task takes the provider with the greatest base, then weight; AWS spreads them.
fn capacity_provider(input: Input<'_>) -> Result<Option<String>, ApiError> {
    let strategy = input.list("capacityProviderStrategy")?;
    let number = |item: &Value, member: &str| item[member].as_u64().unwrap_or_default();
    // The first of equals, as a person reads it.
    let chosen = strategy.iter().rev().max_by_key(|item| (number(item, "base"), number(item, "weight")));
    Ok(chosen.and_then(|item| item["capacityProvider"].as_str()).map(ToOwned::to_owned))
}

/// `StopTask`: also of a service, which then starts another.
///
/// Source: AWS ECS API reference, `StopTask`.
pub(crate) fn stop_task(call: Call<'_>) -> Result<Value, ApiError> {
    let cluster = cluster_of(call)?;
    let id = short_name(call.input.required("task")?);
    let reason = call.input.text("reason")?.unwrap_or("Task stopped by user");
    let (arns, now_ms) = (call.arns(), call.account.now_ms());
    call.account.change(call.region(), |region| {
        let found = region.ecs.cluster_mut(cluster)?;
        let owner = found.services.values_mut().find(|service| service.tasks.iter().any(|task| task.id == id));
        let owner_name = owner.as_ref().map(|service| service.name.clone());
        let tasks = match owner {
            Some(Service { tasks, steady, .. }) => {
                *steady = false;
                tasks
            }
            None => &mut found.tasks,
        };
        let task = tasks.iter_mut().find(|task| task.id == id).ok_or_else(no_task)?;
        if task.is_live() {
            task.deactivate("UserInitiated", reason, now_ms);
        }
        let task = task.clone();
        let owner = owner_name.and_then(|name| region.ecs.clusters[cluster].services.get(&name));
        Ok(json!({ "task": described(owner, &task, cluster, arns, &region.ecs, true) }))
    })
}

/// `ExecuteCommand`, which is refused.
///
/// Differs: `ExecuteCommand` is not emulated, as it needs a channel of the Session Manager into the container.
pub(crate) fn execute_command(call: Call<'_>) -> Result<Value, ApiError> {
    let cluster = cluster_of(call)?;
    let id = short_name(call.input.required("task")?);
    call.account.read(call.region(), |region| {
        let found = region.ecs.cluster(cluster)?;
        found.all_tasks().find(|(_, task)| task.id == id).map(|_| ()).ok_or_else(no_task)
    })?;
    let message = "wfrun: ecs:ExecuteCommand is not emulated: there is no Session Manager channel into the containers of a task; \
                   where tasks are containers on this machine, use `docker exec`";
    Err(ApiError::new("InvalidParameterException", message))
}

fn no_task() -> ApiError {
    ApiError::new("InvalidParameterException", "The referenced task was not found.")
}
