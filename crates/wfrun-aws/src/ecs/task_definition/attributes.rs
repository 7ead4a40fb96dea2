//! What a container instance must be able to do for a task definition.

use serde_json::{Map, Value, json};

use crate::registry::{Home, ImageReference};

/// The names in `requiresAttributes`.
///
/// Source: AWS ECS developer guide, "Task definition attributes" of container instances.
pub(super) fn required_attributes(body: &Map<String, Value>, account: &str) -> Value {
    let containers = body.get("containerDefinitions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let any = |test: &dyn Fn(&Value) -> bool| containers.iter().any(test);
    let secret = |service: &str| {
        any(&|container| {
            let from = container["secrets"].as_array().into_iter().flatten();
            from.filter_map(|secret| secret["valueFrom"].as_str()).any(|from| is_secret_of(from, service))
        })
    };
    let execution_role = body.contains_key("executionRoleArn");
    let logs = any(&|container| container["logConfiguration"]["logDriver"] == "awslogs");
    let ecr = any(&|container| container["image"].as_str().is_some_and(|image| is_ecr(image, account)));
    let known = [
        (logs, "com.amazonaws.ecs.capability.logging-driver.awslogs"),
        (logs && execution_role, "ecs.capability.execution-role-awslogs"),
        (ecr, "com.amazonaws.ecs.capability.ecr-auth"),
        (ecr && execution_role, "ecs.capability.execution-role-ecr-pull"),
        (any(&|container| container["healthCheck"].is_object()), "ecs.capability.container-health-check"),
        (body.contains_key("taskRoleArn"), "com.amazonaws.ecs.capability.task-iam-role"),
        (secret("secretsmanager"), "ecs.capability.secrets.asm.environment-variables"),
        (secret("ssm"), "ecs.capability.secrets.ssm.environment-variables"),
        (body.get("networkMode").and_then(Value::as_str) == Some("awsvpc"), "ecs.capability.task-eni"),
        (true, "com.amazonaws.ecs.capability.docker-remote-api.1.18"),
        (logs, "com.amazonaws.ecs.capability.docker-remote-api.1.19"),
    ];
    known.into_iter().filter(|(needed, _)| *needed).map(|(_, name)| json!({ "name": name })).collect()
}

/// Whether an image stands in ECR: the account's, under either of the names it has here, or another's.
pub(super) fn is_ecr(image: &str, account: &str) -> bool {
    let image = ImageReference::read(image);
    image.home(account) != Home::Elsewhere || image.is_amazons()
}

/// A `valueFrom` without ARN names a parameter of SSM.
fn is_secret_of(value_from: &str, service: &str) -> bool {
    value_from.strip_prefix("arn:").map_or(service == "ssm", |arn| arn.split(':').nth(1) == Some(service))
}
