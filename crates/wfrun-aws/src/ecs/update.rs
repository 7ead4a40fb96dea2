//! `UpdateService`: what starts a rollout.

use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{Breaker, DeploymentConfiguration, Service, ServiceStatus, Threshold, short_name};
use super::rollout;
use super::services::{cluster_of, described};
use super::targets;
use crate::account::{Call, Input, Region};
use crate::protocol::ApiError;

/// Members that are kept, and whose change starts a deployment.
const DEPLOYED: [&str; 8] = [
    "capacityProviderStrategy",
    "healthCheckGracePeriodSeconds",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
];

/// Members that are kept and change nothing that runs.
const KEPT: [&str; 6] = [
    "availabilityZoneRebalancing",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "placementConstraints",
    "placementStrategy",
    "propagateTags",
];

/// `UpdateService`.
///
/// Source: AWS ECS API reference, `UpdateService`: a deployment starts when the task definition or what the tasks run with changes, or
/// when it is forced; the desired count alone scales the one there is.
/// Differs: the strategies BLUE_GREEN, LINEAR and CANARY are carried out and shown as ROLLING, with a notice.
/// Differs: alarms of deployments are kept and never fire, with a notice.
#[expect(clippy::doc_markdown, reason = "the strategies are AWS' own words")]
pub(crate) fn update_service(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let cluster = cluster_of(call)?;
    let name = short_name(input.required("service")?);
    let (arns, now_ms) = (call.arns(), call.account.now_ms());
    let wanted = input.text("taskDefinition")?;
    let desired = input.count("desiredCount")?;
    let force = input.flag("forceNewDeployment")?.unwrap_or(false);
    let shown = call.account.change(call.region(), |region| {
        region.ecs.cluster(cluster)?;
        let definition = wanted.map(|wanted| region.ecs.active_task_definition(wanted).map(|found| found.arn.clone()));
        let definition = definition.transpose()?;
        check_targets(region, cluster, name, definition.as_deref(), input)?;
        let services = &mut region.ecs.cluster_mut(cluster)?.services;
        let service =
            services.get_mut(name).ok_or_else(|| ApiError::new("ServiceNotFoundException", "Service not found."))?;
        if service.status != ServiceStatus::Active {
            return Err(ApiError::new("ServiceNotActiveException", "Service was not ACTIVE."));
        }
        refuse_for_code_deploy(service, definition.as_deref())?;
        configure(service, input)?;
        let moved = keep_settings(service, input);
        if let Some(desired) = desired {
            scale(service, desired);
        }
        let definition = definition.unwrap_or_else(|| service.task_definition.clone());
        if force || moved || definition != service.task_definition {
            rollout::begin(service, &definition, now_ms, &mut Uuid::new_v4);
        }
        let service = &region.ecs.clusters[cluster].services[name];
        Ok(json!({ "service": described(service, cluster, arns, &region.ecs, true) }))
    })?;
    call.account.remember_update(&call.caller.access_key_id, arns.service(cluster, name));
    tell_what_differs(call, name)?;
    Ok(shown)
}

/// Source: AWS `CodeDeploy` user guide, "Troubleshooting Amazon ECS deployments".
fn refuse_for_code_deploy(service: &Service, definition: Option<&str>) -> Result<(), ApiError> {
    let controller = service.settings.get("deploymentController").and_then(|it| it.get("type")).and_then(Value::as_str);
    if controller != Some("CODE_DEPLOY") || definition.is_none() {
        return Ok(());
    }
    let message = "Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger \
                   a new deployment.";
    Err(ApiError::new("InvalidParameterException", message))
}

/// The load balancers of an active service, as they will be, must fit its task definition.
fn check_targets(
    region: &Region,
    cluster: &str,
    name: &str,
    definition: Option<&str>,
    input: Input<'_>,
) -> Result<(), ApiError> {
    let Some(service) = region.ecs.cluster(cluster)?.services.get(name) else { return Ok(()) };
    let definition = region.ecs.task_definition(definition.unwrap_or(&service.task_definition));
    let balancers = input.get("loadBalancers").or_else(|| service.settings.get("loadBalancers"));
    definition.map_or(Ok(()), |definition| targets::check(&region.elbv2, definition, balancers))
}

fn scale(service: &mut Service, desired: u32) {
    if service.desired != desired {
        service.desired = desired;
        service.steady = false;
        service.stuck_told = false;
    }
    if let Some(primary) = service.deployments.first_mut() {
        primary.desired = desired;
    }
}

/// Takes the members over; returns whether the tasks have to be replaced for them. An empty list where there is none is no change.
pub(super) fn keep_settings(service: &mut Service, input: Input<'_>) -> bool {
    let mut moved = false;
    for member in DEPLOYED.iter().chain(&KEPT) {
        let Some(value) = input.get(member) else { continue };
        let empty = value.as_array().is_some_and(Vec::is_empty);
        let changed = match service.settings.get(*member) {
            Some(known) => known != value,
            None => !empty,
        };
        if changed {
            moved |= DEPLOYED.contains(member);
            service.settings.insert((*member).to_owned(), value.clone());
        }
    }
    // AWS shows these in deployments only, where nothing here reads them.
    service.settings.shift_remove("volumeConfigurations");
    service.settings.shift_remove("serviceConnectConfiguration");
    moved
}

/// Takes `deploymentConfiguration` over; one that is refused changes nothing.
pub(super) fn configure(service: &mut Service, input: Input<'_>) -> Result<(), ApiError> {
    let Some(given) = input.map("deploymentConfiguration")? else { return Ok(()) };
    let known = service.configuration;
    let breaker = given.map("deploymentCircuitBreaker")?.map(|given| read_breaker(known.breaker, given)).transpose()?;
    let minimum = given.count("minimumHealthyPercent")?.unwrap_or(known.minimum_healthy_percent);
    if minimum > 100 {
        let message = "minimumHealthyPercent must be between 0 and 100.";
        return Err(ApiError::new("InvalidParameterException", message));
    }
    let maximum_percent = given.count("maximumPercent")?.unwrap_or(known.maximum_percent);
    strategy(given)?;
    if let Some(alarms) = alarms(given)? {
        service.alarms = Some(alarms.0.clone());
    }
    service.configuration = DeploymentConfiguration {
        maximum_percent,
        minimum_healthy_percent: minimum,
        breaker: breaker.unwrap_or(known.breaker),
    };
    Ok(())
}

/// Tells what of a successful request's `deploymentConfiguration` has another effect here.
///
/// Source: the AWS rules 4.3.
pub(super) fn tell_what_differs(call: Call<'_>, service: &str) -> Result<(), ApiError> {
    let Some(given) = call.input.map("deploymentConfiguration")? else { return Ok(()) };
    if let Some(other) = strategy(given)?.filter(|it| *it != ROLLING) {
        call.account.notice(format!(
            "the deployment strategy {other} of service `{service}` is carried out as {ROLLING}, which its deployments also say: there is \
             no second fleet, no shifting of traffic and no lifecycle hook, so what they do on AWS is not seen here"
        ));
    }
    if alarms(given)?.is_some_and(|alarms| alarms.get("enable") == Some(&Value::Bool(true))) {
        call.account.notice(format!(
            "the alarms of the deployments of service `{service}` are kept and never fire: there is no CloudWatch to raise them, so no \
             deployment fails for one"
        ));
    }
    Ok(())
}

const ROLLING: &str = "ROLLING";

/// Source: AWS ECS API reference, `DeploymentConfiguration`, `strategy`.
fn strategy(given: Input<'_>) -> Result<Option<&str>, ApiError> {
    const ALL: [&str; 4] = [ROLLING, "BLUE_GREEN", "LINEAR", "CANARY"];
    let strategy = given.text("strategy")?;
    match strategy.filter(|it| !ALL.contains(it)) {
        Some(other) => {
            let message = format!("The deployment strategy {other} is not one of {}.", ALL.join(", "));
            Err(ApiError::new("InvalidParameterException", message))
        }
        None => Ok(strategy),
    }
}

/// Source: AWS ECS API reference, `DeploymentAlarms`: all three members are required.
fn alarms(given: Input<'_>) -> Result<Option<Input<'_>>, ApiError> {
    let Some(alarms) = given.map("alarms")? else { return Ok(None) };
    alarms.texts("alarmNames")?;
    let missing = ["alarmNames", "enable", "rollback"].into_iter().find(|member| alarms.get(member).is_none());
    if let Some(member) = missing {
        let message = format!("The deployment alarms need the member {member}.");
        return Err(ApiError::new("InvalidParameterException", message));
    }
    let (_, _) = (alarms.flag("enable")?, alarms.flag("rollback")?);
    Ok(Some(alarms))
}

/// Source: AWS ECS API reference, `DeploymentCircuitBreaker`.
fn read_breaker(known: Breaker, given: Input<'_>) -> Result<Breaker, ApiError> {
    let threshold = given.map("thresholdConfiguration")?.map(|given| {
        let value = given.count("value")?.unwrap_or(50);
        match given.text("type")? {
            None | Some("BOUNDED_PERCENT") => Ok(Threshold::BoundedPercent(value)),
            Some("UNBOUNDED_PERCENT") => Ok(Threshold::UnboundedPercent(value)),
            Some("COUNT") => Ok(Threshold::Count(value)),
            Some(other) => {
                let message = format!("The circuit breaker's threshold type {other} is not known.");
                Err(ApiError::new("InvalidParameterException", message))
            }
        }
    });
    Ok(Breaker {
        enable: given.flag("enable")?.unwrap_or(known.enable),
        rollback: given.flag("rollback")?.unwrap_or(known.rollback),
        threshold: threshold.transpose()?.unwrap_or(known.threshold),
        reset_on_healthy: given.flag("resetOnHealthyTask")?.unwrap_or(known.reset_on_healthy),
    })
}
