//! ECS: clusters, task definitions, services and their rolling deployments.

mod clusters;
mod model;
mod rollout;
mod runtime;
mod services;
mod task_definition;
mod task_definitions;
mod tasks;
mod update;

pub(crate) use self::clusters::describe_clusters;
pub(crate) use self::model::{Cluster, Ecs, Service};
pub(crate) use self::rollout::TICK;
pub(crate) use self::runtime::{PLACEHOLDER_IMAGE, tick};
pub(crate) use self::services::{describe_services, rolling_out};
pub(crate) use self::task_definition::register;
pub(crate) use self::task_definitions::{describe_task_definition, list_task_definitions, register_task_definition};
pub(crate) use self::tasks::{describe_tasks, list_tasks};
pub(crate) use self::update::update_service;
