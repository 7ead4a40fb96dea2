//! Service deployments and service revisions: what became of each deployment.

use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{Cluster, Deployment, Ecs, Service, TaskDefinition, short_name};
use super::page::page;
use super::record::{Record, Rollback, revision_id};
use super::rollout::{Cause, Turn, give_up};
use super::services::{self, cluster_of, launch_type};
use super::targets::Standing;
use crate::account::Call;
use crate::clock::epoch_seconds;
use crate::ids::Arns;
use crate::protocol::ApiError;

/// `ListServiceDeployments`: newest first.
///
/// Source: AWS ECS API reference, `ListServiceDeployments`.
pub(crate) fn list_service_deployments(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let cluster = cluster_of(call)?;
    let name = short_name(input.required("service")?);
    let statuses = input.texts("status")?;
    let created = input.map("createdAt")?;
    let bound = |member: &str| created.and_then(|created| created.get(member).and_then(Value::as_f64));
    let (after, before) = (bound("after"), bound("before"));
    let arns = call.arns();
    let found = call.account.read(call.region(), |region| {
        let services = &region.ecs.cluster(cluster)?.services;
        let none = || ApiError::new("ServiceNotFoundException", "Service not found.");
        let service = services.get(name).ok_or_else(none)?;
        let shown = service.records.iter().rev().filter(|record| {
            let at = epoch_seconds(record.created_at_ms);
            let status = json!(record.status);
            (statuses.is_empty() || statuses.iter().any(|wanted| status == *wanted))
                && after.is_none_or(|after| at > after)
                && before.is_none_or(|before| at < before)
        });
        let names = Names { service: name, cluster, arns };
        Ok(shown.map(|record| names.brief(record)).collect())
    })?;
    page::<Value>("serviceDeployments", found, 20, input)
}

/// `DescribeServiceDeployments`.
///
/// Source: AWS ECS API reference, `DescribeServiceDeployments`.
pub(crate) fn describe_service_deployments(call: Call<'_>) -> Result<Value, ApiError> {
    let asked = call.input.texts("serviceDeploymentArns")?;
    let look = |record: &Record, names: Names<'_>, service: &Service, _: &Ecs| names.whole(record, service);
    described(call, &asked, |record, last| record.serial == last, "serviceDeployments", look)
}

/// `DescribeServiceRevisions`.
///
/// Source: AWS ECS API reference, `DescribeServiceRevisions`.
pub(crate) fn describe_service_revisions(call: Call<'_>) -> Result<Value, ApiError> {
    let asked = call.input.texts("serviceRevisionArns")?;
    let look = |record: &Record, names: Names<'_>, service: &Service, ecs: &Ecs| names.revision(record, service, ecs);
    described(call, &asked, |record, last| revision_id(&record.deployment) == last, "serviceRevisions", look)
}

fn described(
    call: Call<'_>,
    asked: &[&str],
    is: impl Fn(&Record, &str) -> bool,
    member: &str,
    show: impl Fn(&Record, Names<'_>, &Service, &Ecs) -> Value,
) -> Result<Value, ApiError> {
    if asked.is_empty() {
        return Err(ApiError::new("InvalidParameterException", format!("{member} cannot be empty.")));
    }
    let arns = call.arns();
    call.account.read(call.region(), |region| {
        let (mut shown, mut failures) = (Vec::new(), Vec::new());
        for arn in asked {
            let found = place(arn).and_then(|(cluster, service, last)| {
                let service = region.ecs.cluster(cluster).ok()?.services.get(service)?;
                let record = service.records.iter().rfind(|record| is(record, last))?;
                Some(show(record, Names { service: &service.name, cluster, arns }, service, &region.ecs))
            });
            match found {
                Some(value) => shown.push(value),
                None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
            }
        }
        Ok(json!({ member: shown, "failures": failures }))
    })
}

/// Cluster, service and id in the ARN of a service deployment or revision.
fn place(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.rsplit('/');
    let (id, service, cluster) = (parts.next()?, parts.next()?, parts.next()?);
    Some((cluster, service, id))
}

/// `StopServiceDeployment`: the service goes back to the last deployment that was complete.
///
/// Source: AWS ECS API reference, `StopServiceDeployment`.
/// Differs: the stop type ABORT is refused, not emulated.
pub(crate) fn stop_service_deployment(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = call.input.required("serviceDeploymentArn")?;
    if call.input.text("stopType")? == Some("ABORT") {
        let message = "wfrun: the stop type ABORT is not emulated; ROLLBACK is";
        return Err(ApiError::new("InvalidParameterException", message));
    }
    let now_ms = call.account.now_ms();
    let unknown = || ApiError::new("ServiceDeploymentNotFoundException", "Service deployment not found.");
    call.account.change(call.region(), |region| {
        let (cluster, service, serial) = place(arn).ok_or_else(unknown)?;
        let Cluster { services, .. } = region.ecs.cluster_mut(cluster).map_err(|_| unknown())?;
        let service = services.get_mut(service).ok_or_else(unknown)?;
        let record = service.records.iter().rfind(|record| record.serial == serial).ok_or_else(unknown)?;
        let under_way = service.is_rolling_out() && service.deployments[0].id == record.deployment;
        let back = service.deployments.iter().skip(1).any(|old| old.ever_completed);
        if !under_way || !back {
            let why =
                if under_way { "There is no earlier deployment to roll back to." } else { "It is not in progress." };
            let message = format!("The service deployment cannot be stopped. {why}");
            return Err(ApiError::new("ConflictException", message));
        }
        let turn = &mut Turn { now_ms, reports: &[], standing: &|_, _| Standing::Good, new_id: &mut Uuid::new_v4 };
        give_up(service, turn, Cause::Asked, "Service deployment was stopped by StopServiceDeployment.");
        Ok(json!({ "serviceDeploymentArn": arn }))
    })
}

#[derive(Clone, Copy)]
struct Names<'a> {
    service: &'a str,
    cluster: &'a str,
    arns: Arns<'a>,
}

impl Names<'_> {
    fn arn(&self, record: &Record) -> String {
        self.arns.service_deployment(self.cluster, self.service, &record.serial)
    }

    fn revision_arn(&self, deployment: &str) -> String {
        self.arns.service_revision(self.cluster, self.service, revision_id(deployment))
    }

    fn brief(&self, record: &Record) -> Value {
        json!({
            "serviceDeploymentArn": self.arn(record),
            "serviceArn": self.arns.service(self.cluster, self.service),
            "clusterArn": self.arns.cluster(self.cluster),
            "createdAt": epoch_seconds(record.created_at_ms),
            "startedAt": epoch_seconds(record.created_at_ms),
            "finishedAt": record.finished_at_ms.map(epoch_seconds),
            "targetServiceRevisionArn": self.revision_arn(&record.deployment),
            "status": record.status,
            "statusReason": record.reason,
        })
    }

    fn whole(&self, record: &Record, service: &Service) -> Value {
        let mut shown = self.brief(record);
        let counted = |deployment: &str| self.counted(deployment, service);
        let breaker = service.configuration.breaker;
        let status = match (breaker.enable, record.tripped, record.is_open()) {
            (false, false, _) => "DISABLED",
            (_, true, _) => "TRIGGERED",
            (true, false, true) => "MONITORING",
            (true, false, false) => "MONITORING_COMPLETE",
        };
        let primary = service.deployments.first().filter(|primary| primary.id == record.deployment);
        let failures = primary.map_or(record.failures, |primary| primary.counted_failures);
        let rest = json!({
            "updatedAt": epoch_seconds(record.updated_at_ms),
            "sourceServiceRevisions": record.sources.iter().map(|source| counted(source)).collect::<Vec<_>>(),
            "targetServiceRevision": counted(&record.deployment),
            "deploymentConfiguration": services::configuration(service),
            "rollback": record.rollback.as_ref().map(|Rollback { reason, started_at_ms, to }| json!({
                "reason": reason, "startedAt": epoch_seconds(*started_at_ms), "serviceRevisionArn": self.revision_arn(to),
            })),
            "deploymentCircuitBreaker": {
                "status": status, "failureCount": failures, "threshold": breaker.trips_at(service.desired),
            },
            // Nobody watches them.
            "alarms": {
                "status": "DISABLED",
                "alarmNames": service.alarms.as_ref().map_or(&Value::Array(Vec::new()), |alarms| &alarms["alarmNames"]),
                "triggeredAlarmNames": [],
            },
        });
        if let (Value::Object(shown), Value::Object(rest)) = (&mut shown, rest) {
            shown.shift_remove("targetServiceRevisionArn");
            shown.extend(rest);
        }
        shown
    }

    fn counted(&self, deployment: &str, service: &Service) -> Value {
        let is = |found: &&Deployment| found.id == deployment;
        let desired = service.deployments.iter().find(is).map_or(0, |found| found.desired);
        let (running, pending) = service.counts(Some(deployment));
        json!({
            "arn": self.revision_arn(deployment),
            "requestedTaskCount": desired, "runningTaskCount": running, "pendingTaskCount": pending,
        })
    }

    fn revision(&self, record: &Record, service: &Service, ecs: &Ecs) -> Value {
        let definition = ecs.task_definition(&record.task_definition);
        let images = definition.into_iter().flat_map(TaskDefinition::containers).map(|container| {
            let image = container["image"].as_str().unwrap_or_default();
            json!({ "containerName": container["name"], "image": image, "imageDigest": record.digests.get(image) })
        });
        json!({
            "serviceRevisionArn": self.revision_arn(&record.deployment),
            "serviceArn": self.arns.service(self.cluster, self.service),
            "clusterArn": self.arns.cluster(self.cluster),
            "taskDefinition": record.task_definition,
            "launchType": launch_type(service, ecs),
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "loadBalancers": record.settings.get("loadBalancers").cloned().unwrap_or_else(|| json!([])),
            "serviceRegistries": record.settings.get("serviceRegistries").cloned().unwrap_or_else(|| json!([])),
            "networkConfiguration": record.settings.get("networkConfiguration"),
            "containerImages": images.collect::<Vec<_>>(),
            "guardDutyEnabled": false,
            "createdAt": epoch_seconds(record.created_at_ms),
        })
    }
}
