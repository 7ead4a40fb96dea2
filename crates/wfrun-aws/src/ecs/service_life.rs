//! Creating, listing and deleting services.

use serde_json::{Value, json};
use uuid::Uuid;

use super::clusters::check_name;
use super::model::{Service, ServiceStatus, TaskDefinition, short_name};
use super::page::page;
use super::rollout;
use super::services::{cluster_of, described, launch_type};
use super::targets;
use super::update::{configure, keep_settings, tell_what_differs};
use crate::account::{Call, Input};
use crate::protocol::ApiError;

/// `CreateService`.
///
/// Source: AWS ECS API reference, `CreateService`, with its defaults.
/// Differs: the scheduling strategy DAEMON and the controllers CODE_DEPLOY and EXTERNAL are refused, not emulated.
#[expect(clippy::doc_markdown, reason = "the controllers are AWS' own words")]
pub(crate) fn create_service(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let cluster = cluster_of(call)?;
    let name = input.required("serviceName")?;
    check_name(name, "Service")?;
    let wanted = input.required("taskDefinition")?;
    let missing = || ApiError::new("InvalidParameterException", "Desired count can not be null for a REPLICA service.");
    refuse_other_kinds(input)?;
    let desired = input.count("desiredCount")?.ok_or_else(missing)?;
    let (arns, now_ms) = (call.arns(), call.account.now_ms());
    let shown = call.account.change(call.region(), |region| {
        let definition = region.ecs.active_task_definition(wanted)?;
        check_network(definition, input)?;
        targets::check(&region.elbv2, definition, input.get("loadBalancers"))?;
        let arn = definition.arn.clone();
        let services = &mut region.ecs.cluster_mut(cluster)?.services;
        let invalid = |message: &str| Err(ApiError::new("InvalidParameterException", message));
        match services.get(name).map(|service| service.status) {
            None | Some(ServiceStatus::Inactive) => {}
            Some(ServiceStatus::Draining) => return invalid("Unable to Start a service that is still Draining."),
            Some(ServiceStatus::Active) => return invalid("Creation of service was not idempotent."),
        }
        let mut service = Service::new(name, desired, &call.caller.arn, now_ms);
        configure(&mut service, input)?;
        service.tags = input.list("tags")?.to_vec();
        keep_settings(&mut service, input);
        if let Some(launch_type) = input.get("launchType") {
            service.settings.insert("launchType".to_owned(), launch_type.clone());
        }
        rollout::begin(&mut service, &arn, now_ms, &mut Uuid::new_v4);
        // A new service stands behind the others, also one that takes the name of a deleted one.
        services.shift_remove(name);
        services.insert(name.to_owned(), service);
        let service = &region.ecs.clusters[cluster].services[name];
        Ok(json!({ "service": described(service, cluster, arns, &region.ecs, true) }))
    })?;
    call.account.remember_update(&call.caller.access_key_id, arns.service(cluster, name));
    tell_what_differs(call, name)?;
    Ok(shown)
}

fn refuse_other_kinds(input: Input<'_>) -> Result<(), ApiError> {
    let refused = |what: &str, which: &str, instead: &str| {
        let message = format!("wfrun: the {what} {which} is not emulated, only {instead}");
        Err(ApiError::new("InvalidParameterException", message))
    };
    match input.text("schedulingStrategy")? {
        None | Some("REPLICA") => {}
        Some(other) => return refused("scheduling strategy", other, "REPLICA"),
    }
    match input.map("deploymentController")?.map(|controller| controller.text("type")).transpose()?.flatten() {
        None | Some("ECS") => Ok(()),
        Some(other) => refused("deployment controller", other, "ECS"),
    }
}

/// Source: AWS ECS, `CreateService` and `RunTask`: tasks of network mode `awsvpc` need to be told their network.
pub(super) fn check_network(definition: &TaskDefinition, input: Input<'_>) -> Result<(), ApiError> {
    let own = definition.body.get("networkMode").and_then(Value::as_str) == Some("awsvpc");
    if own && input.map("networkConfiguration")?.is_none() {
        let message = "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
        return Err(ApiError::new("InvalidParameterException", message));
    }
    Ok(())
}

/// `ListServices`: also those that drain.
///
/// Source: AWS ECS API reference, `ListServices` (10 to a page where not asked for more).
pub(crate) fn list_services(call: Call<'_>) -> Result<Value, ApiError> {
    let cluster = cluster_of(call)?;
    let (wanted, strategy) = (call.input.text("launchType")?, call.input.text("schedulingStrategy")?);
    let arns = call.arns();
    let found = call.account.read(call.region(), |region| {
        let services = region.ecs.cluster(cluster)?.services.values();
        let shown = services.filter(|service| {
            service.status != ServiceStatus::Inactive
                && wanted.is_none_or(|wanted| wanted == launch_type(service, &region.ecs))
                && strategy.is_none_or(|strategy| strategy == "REPLICA")
        });
        Ok(shown.map(|service| arns.service(cluster, &service.name)).collect())
    })?;
    page::<String>("serviceArns", found, 10, call.input)
}

/// `DeleteService`: the service drains, and is INACTIVE when its last task has stopped.
///
/// Source: AWS ECS API reference, `DeleteService`.
pub(crate) fn delete_service(call: Call<'_>) -> Result<Value, ApiError> {
    let cluster = cluster_of(call)?;
    let name = short_name(call.input.required("service")?);
    let force = call.input.flag("force")?.unwrap_or(false);
    let arns = call.arns();
    call.account.change(call.region(), |region| {
        let service = region.ecs.cluster_mut(cluster)?.services.get_mut(name);
        let service = service.filter(|service| service.status != ServiceStatus::Inactive);
        let service = service.ok_or_else(|| ApiError::new("ServiceNotFoundException", "Service not found."))?;
        if service.desired > 0 && !force {
            let message = "The service cannot be stopped while it is scaled above 0.";
            return Err(ApiError::new("InvalidParameterException", message));
        }
        service.status = ServiceStatus::Draining;
        service.desired = 0;
        for deployment in &mut service.deployments {
            deployment.desired = 0;
        }
        let service = &region.ecs.clusters[cluster].services[name];
        Ok(json!({ "service": described(service, cluster, arns, &region.ecs, true) }))
    })
}
