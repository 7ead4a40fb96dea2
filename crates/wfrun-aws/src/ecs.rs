//! ECS: clusters, task definitions, services and their rolling deployments.

mod clusters;
mod launch;
mod model;
mod page;
mod record;
mod rollout;
mod run_task;
mod service_deployments;
mod service_life;
mod services;
mod tags;
mod targets;
mod task;
mod task_definition;
mod task_definitions;
mod task_view;
mod tasks;
mod update;

pub(crate) use self::clusters::is_name;
use self::clusters::{create_cluster, delete_cluster, describe_clusters, list_clusters};
pub(crate) use self::launch::{Order, PLACEHOLDER_IMAGE, Step, launch_anew, take_up, tick};
pub(crate) use self::model::{Cluster, Ecs, Service, TaskDefinition, family, short_name};
pub(crate) use self::rollout::TICK;
use self::run_task::{execute_command, run_task, stop_task};
use self::service_deployments::{
    describe_service_deployments, describe_service_revisions, list_service_deployments, stop_service_deployment,
};
use self::service_life::{create_service, delete_service, list_services};
use self::services::describe_services;
pub(crate) use self::services::rolling_out;
use self::tags::{list_account_settings, list_tags_for_resource, put_account_setting, tag_resource, untag_resource};
pub(crate) use self::targets::{balance, check_container};
pub(crate) use self::task::{Task, TaskStatus};
pub(crate) use self::task_definition::register;
use self::task_definitions::{
    delete_task_definitions, deregister_task_definition, describe_task_definition, list_task_definition_families,
    list_task_definitions, register_task_definition,
};
use self::tasks::{describe_tasks, list_tasks};
pub(crate) use self::tasks::{on_the_way, running};
use self::update::update_service;
use crate::account::Operation;

/// The operation of that name, if it is emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateCluster" => create_cluster,
        "ListClusters" => list_clusters,
        "DescribeClusters" => describe_clusters,
        "DeleteCluster" => delete_cluster,
        "RegisterTaskDefinition" => register_task_definition,
        "DescribeTaskDefinition" => describe_task_definition,
        "ListTaskDefinitions" => list_task_definitions,
        "ListTaskDefinitionFamilies" => list_task_definition_families,
        "DeregisterTaskDefinition" => deregister_task_definition,
        "DeleteTaskDefinitions" => delete_task_definitions,
        "CreateService" => create_service,
        "ListServices" => list_services,
        "DescribeServices" => describe_services,
        "UpdateService" => update_service,
        "DeleteService" => delete_service,
        "ListServiceDeployments" => list_service_deployments,
        "DescribeServiceDeployments" => describe_service_deployments,
        "DescribeServiceRevisions" => describe_service_revisions,
        "StopServiceDeployment" => stop_service_deployment,
        "RunTask" => run_task,
        "StopTask" => stop_task,
        "ListTasks" => list_tasks,
        "DescribeTasks" => describe_tasks,
        "ExecuteCommand" => execute_command,
        "TagResource" => tag_resource,
        "UntagResource" => untag_resource,
        "ListTagsForResource" => list_tags_for_resource,
        "PutAccountSetting" | "PutAccountSettingDefault" => put_account_setting,
        "ListAccountSettings" => list_account_settings,
        _ => return None,
    })
}
