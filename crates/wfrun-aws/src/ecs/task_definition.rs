//! Registering a task definition: checked, filled with defaults, given a revision.

mod attributes;
mod check;

use serde_json::{Map, Value, json};

use self::attributes::required_attributes;
use self::check::check;
use super::model::{Ecs, TaskDefinition};
use crate::clock::epoch_seconds;
use crate::ids::Arns;
use crate::protocol::ApiError;

/// Members of a definition that only AWS writes; a registration that has them is refused by real clients, here they are dropped.
const READ_ONLY: [&str; 10] = [
    "compatibilities",
    "taskDefinitionArn",
    "requiresAttributes",
    "revision",
    "status",
    "registeredAt",
    "deregisteredAt",
    "registeredBy",
    "deleteRequestedAt",
    "tags",
];

/// Registers `input` as the next revision of its family.
///
/// Source: AWS ECS API reference, `RegisterTaskDefinition`; the defaults are those of `DescribeTaskDefinition`'s answers.
pub(crate) fn register<'e>(
    ecs: &'e mut Ecs,
    input: &Map<String, Value>,
    arns: Arns<'_>,
    registered_by: &str,
    now_ms: u64,
) -> Result<&'e TaskDefinition, ApiError> {
    let family = check(input, arns.account)?;
    let revisions = &mut ecs.families.entry(family.to_owned()).or_default().revisions;
    let revision = revisions.last().map_or(1, |last| last.revision + 1);
    let arn = arns.task_definition(family, revision);
    let mut body = Map::new();
    body.insert("taskDefinitionArn".to_owned(), json!(arn));
    let given = input.iter().filter(|(name, value)| !READ_ONLY.contains(&name.as_str()) && !value.is_null());
    body.extend(given.map(|(name, value)| (name.clone(), value.clone())));
    fill(&mut body);
    let fargate = compatible_with_fargate(&body);
    body.insert("revision".to_owned(), json!(revision));
    body.insert("status".to_owned(), json!("ACTIVE"));
    body.insert("requiresAttributes".to_owned(), required_attributes(&body, arns.account));
    body.insert("compatibilities".to_owned(), if fargate { json!(["EC2", "FARGATE"]) } else { json!(["EC2"]) });
    body.insert("registeredAt".to_owned(), json!(epoch_seconds(now_ms)));
    body.insert("registeredBy".to_owned(), json!(registered_by));
    let tags = input.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    revisions.push(TaskDefinition { arn, revision, body, tags });
    Ok(revisions.last().expect("a revision was just added"))
}

/// Members that AWS shows also where they were not given.
fn fill(body: &mut Map<String, Value>) {
    let default = |map: &mut Map<String, Value>, name: &str, value: Value| {
        map.entry(name.to_owned()).or_insert(value);
    };
    default(body, "volumes", json!([]));
    default(body, "placementConstraints", json!([]));
    let network = body.get("networkMode").and_then(Value::as_str);
    let same_port = matches!(network, Some("awsvpc" | "host"));
    let containers = body.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
        default(container, "cpu", json!(0));
        default(container, "essential", json!(true));
        for list in ["portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"] {
            default(container, list, json!([]));
        }
        let ports = container.get_mut("portMappings").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
            default(port, "protocol", json!("tcp"));
            let container_port = port.get("containerPort").filter(|_| same_port).cloned();
            default(port, "hostPort", container_port.unwrap_or(json!(0)));
        }
        if let Some(health) = container.get_mut("healthCheck").and_then(Value::as_object_mut) {
            default(health, "interval", json!(30));
            default(health, "timeout", json!(5));
            default(health, "retries", json!(3));
        }
    }
}

fn compatible_with_fargate(body: &Map<String, Value>) -> bool {
    let has = |name: &str| body.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    body.get("networkMode").and_then(Value::as_str) == Some("awsvpc") && has("cpu") && has("memory")
}

#[cfg(test)]
mod tests;
