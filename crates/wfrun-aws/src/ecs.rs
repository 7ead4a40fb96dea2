//! ECS: clusters, task definitions, services and their rolling deployments.

mod clusters;
mod launch;
mod model;
mod record;
mod rollout;
mod services;
mod task;
mod task_definition;
mod task_definitions;
mod task_view;
mod tasks;
mod update;

use self::clusters::describe_clusters;
pub(crate) use self::launch::{Order, PLACEHOLDER_IMAGE, Step, launch_anew, take_up, tick};
pub(crate) use self::model::{Cluster, Ecs, Service, short_name};
pub(crate) use self::rollout::TICK;
use self::services::describe_services;
pub(crate) use self::services::rolling_out;
pub(crate) use self::task_definition::register;
use self::task_definitions::{describe_task_definition, list_task_definitions, register_task_definition};
use self::tasks::{describe_tasks, list_tasks};
use self::update::update_service;
use crate::account::Operation;

/// The operation of that name, if it is emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "DescribeClusters" => describe_clusters,
        "DescribeTaskDefinition" => describe_task_definition,
        "RegisterTaskDefinition" => register_task_definition,
        "ListTaskDefinitions" => list_task_definitions,
        "DescribeServices" => describe_services,
        "UpdateService" => update_service,
        "ListTasks" => list_tasks,
        "DescribeTasks" => describe_tasks,
        _ => return None,
    })
}
