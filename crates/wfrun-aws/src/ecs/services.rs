//! Services as clients see them.

use serde_json::{Map, Value, json};

use super::clusters::DEFAULT_CLUSTER;
use super::model::{Breaker, Deployment, Ecs, Service, Threshold, short_name, usual_launch_type};
use crate::account::Call;
use crate::clock::epoch_seconds;
use crate::ids::Arns;
use crate::protocol::ApiError;

/// `DescribeServices`. An unknown service is a failure in a successful answer.
///
/// Source: AWS ECS API reference, `DescribeServices` (at most 10 services).
pub(crate) fn describe_services(call: Call<'_>) -> Result<Value, ApiError> {
    let asked = call.input.texts("services")?;
    if asked.is_empty() {
        return Err(ApiError::new("InvalidParameterException", "Services cannot be empty."));
    }
    if asked.len() > 10 {
        let message = format!("Services cannot have more than 10 elements, there are {}.", asked.len());
        return Err(ApiError::new("InvalidParameterException", message));
    }
    let cluster = cluster_of(call)?;
    let with_tags = call.input.texts("include")?.contains(&"TAGS");
    let arns = call.arns();
    call.account.read(call.region(), |region| {
        let found = region.ecs.cluster(cluster)?;
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in asked.iter().map(|name| short_name(name)) {
            match found.services.get(name) {
                Some(service) => services.push(described(service, cluster, arns, &region.ecs, with_tags)),
                None => failures.push(json!({ "arn": arns.service(cluster, name), "reason": "MISSING" })),
            }
        }
        Ok(json!({ "services": services, "failures": failures }))
    })
}

/// The ARNs of the services a `DescribeServices` names that roll out, are scaled or are deleted; empty as soon as one is missing, which no wait can mend.
pub(crate) fn rolling_out(call: Call<'_>) -> Vec<String> {
    let (Ok(asked), Ok(cluster)) = (call.input.texts("services"), cluster_of(call)) else { return Vec::new() };
    let arns = call.arns();
    call.account.read(call.region(), |region| {
        let Ok(found) = region.ecs.cluster(cluster) else { return Vec::new() };
        let services: Option<Vec<&Service>> = asked.iter().map(|name| found.services.get(short_name(name))).collect();
        let rolling = services.unwrap_or_default().into_iter().filter(|service| service.is_on_the_way());
        rolling.map(|service| arns.service(cluster, &service.name)).collect()
    })
}

/// The short name of the input's cluster.
pub(super) fn cluster_of(call: Call<'_>) -> Result<&str, ApiError> {
    Ok(call.input.text("cluster")?.map_or(DEFAULT_CLUSTER, short_name))
}

/// A service as `DescribeServices`, `UpdateService` and others show it.
pub(super) fn described(service: &Service, cluster: &str, arns: Arns<'_>, ecs: &Ecs, with_tags: bool) -> Value {
    let (running, pending) = service.counts(None);
    let launch_type = launch_type(service, ecs);
    let on_providers = providers(service).is_some();
    let current = service.records.iter().any(|record| record.serial == service.deployment_serial);
    let mut shown = Map::new();
    let members = json!({
        "serviceArn": arns.service(cluster, &service.name),
        "serviceName": service.name,
        "clusterArn": arns.cluster(cluster),
        "loadBalancers": [],
        "serviceRegistries": [],
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": pending,
        "launchType": Some(launch_type).filter(|_| !on_providers),
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "taskDefinition": service.task_definition,
        "deploymentConfiguration": configuration(service),
        "deployments": deployments(service, launch_type),
        "roleArn": format!("arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", arns.account),
        "events": service.events.iter().map(|event| {
            json!({ "id": event.id, "createdAt": epoch_seconds(event.at_ms), "message": event.message })
        }).collect::<Vec<_>>(),
        "createdAt": epoch_seconds(service.created_at_ms),
        "currentServiceDeployment": current.then(|| arns.service_deployment(cluster, &service.name, &service.deployment_serial)),
        "tags": with_tags.then_some(&service.tags),
        "placementConstraints": [],
        "placementStrategy": [],
        "healthCheckGracePeriodSeconds": 0,
        "schedulingStrategy": "REPLICA",
        "deploymentController": { "type": "ECS" },
        "createdBy": service.created_by,
        "enableECSManagedTags": false,
        "propagateTags": "NONE",
        "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "DISABLED",
    });
    if let Value::Object(members) = members {
        shown.extend(members);
    }
    shown.extend(service.settings.clone());
    Value::Object(shown)
}

fn deployments(service: &Service, launch_type: &str) -> Vec<Value> {
    let shown = |(at, deployment): (usize, &Deployment)| {
        let (running, pending) = service.counts(Some(&deployment.id));
        json!({
            "id": deployment.id,
            "status": if at == 0 { "PRIMARY" } else { "ACTIVE" },
            "taskDefinition": deployment.task_definition,
            "desiredCount": deployment.desired,
            "pendingCount": pending,
            "runningCount": running,
            "failedTasks": deployment.failed_tasks,
            "createdAt": epoch_seconds(deployment.created_at_ms),
            "updatedAt": epoch_seconds(deployment.updated_at_ms),
            "launchType": Some(launch_type).filter(|_| providers(service).is_none()),
            "capacityProviderStrategy": providers(service),
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "networkConfiguration": service.settings.get("networkConfiguration"),
            "rolloutState": deployment.rollout,
            "rolloutStateReason": deployment.reason,
        })
    };
    service.deployments.iter().enumerate().map(shown).collect()
}

/// The capacity providers that stand in the launch type's place.
fn providers(service: &Service) -> Option<&Value> {
    let strategy = service.settings.get("capacityProviderStrategy");
    strategy.filter(|strategy| strategy.as_array().is_some_and(|strategy| !strategy.is_empty()))
}

/// The strategy that is shown is the one that is carried out.
pub(super) fn configuration(service: &Service) -> Value {
    let configuration = service.configuration;
    let Breaker { enable, rollback, threshold, reset_on_healthy } = configuration.breaker;
    let unusual = match threshold {
        Threshold::BoundedPercent(50) => None,
        Threshold::BoundedPercent(value) => Some(json!({ "type": "BOUNDED_PERCENT", "value": value })),
        Threshold::UnboundedPercent(value) => Some(json!({ "type": "UNBOUNDED_PERCENT", "value": value })),
        Threshold::Count(value) => Some(json!({ "type": "COUNT", "value": value })),
    };
    json!({
        "deploymentCircuitBreaker": {
            "enable": enable,
            "rollback": rollback,
            "thresholdConfiguration": unusual,
            "resetOnHealthyTask": if reset_on_healthy { None } else { Some(false) },
        },
        "maximumPercent": configuration.maximum_percent,
        "minimumHealthyPercent": configuration.minimum_healthy_percent,
        "alarms": service.alarms,
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
    })
}

/// What the service was created with, or FARGATE where the task definition asks for it.
pub(super) fn launch_type<'a>(service: &'a Service, ecs: &Ecs) -> &'a str {
    let given = service.settings.get("launchType").and_then(Value::as_str);
    let definition = ecs.task_definition(&service.task_definition);
    given.unwrap_or(definition.map_or("EC2", usual_launch_type))
}
