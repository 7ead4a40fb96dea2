//! The operations that are emulated.

use serde_json::Value;

use crate::account::Call;
use crate::protocol::ApiError;
use crate::{ecr, ecs, sts};

/// What carries an operation out.
pub(super) type Operation = fn(Call<'_>) -> Result<Value, ApiError>;

/// The operation `name` of `service`, or `None` where it is not emulated.
pub(super) fn find(service: &str, name: &str) -> Option<Operation> {
    Some(match (service, name) {
        ("sts", "GetCallerIdentity") => sts::get_caller_identity,
        ("sts", "AssumeRoleWithWebIdentity") => sts::assume_role_with_web_identity,
        ("ecr", "GetAuthorizationToken") => ecr::get_authorization_token,
        ("ecr", "CreateRepository") => ecr::create_repository,
        ("ecr", "DescribeRepositories") => ecr::describe_repositories,
        ("ecr", "DescribeImages") => ecr::describe_images,
        ("ecr", "ListImages") => ecr::list_images,
        ("ecr", "BatchGetImage") => ecr::batch_get_image,
        ("ecs", "DescribeClusters") => ecs::describe_clusters,
        ("ecs", "DescribeTaskDefinition") => ecs::describe_task_definition,
        ("ecs", "RegisterTaskDefinition") => ecs::register_task_definition,
        ("ecs", "ListTaskDefinitions") => ecs::list_task_definitions,
        ("ecs", "DescribeServices") => ecs::describe_services,
        ("ecs", "UpdateService") => ecs::update_service,
        ("ecs", "ListTasks") => ecs::list_tasks,
        ("ecs", "DescribeTasks") => ecs::describe_tasks,
        _ => return None,
    })
}

/// The permission an operation needs.
///
/// Source: AWS Service Authorization Reference; `GetCallerIdentity` "requires no permissions" (AWS STS API reference).
pub(super) fn iam_action(service: &str, name: &str) -> Option<String> {
    if (service, name) == ("sts", "GetCallerIdentity") { None } else { Some(format!("{service}:{name}")) }
}
