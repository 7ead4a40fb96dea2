//! The operations on clusters.

use serde_json::{Map, Value, json};

use super::model::{Cluster, ServiceStatus, short_name};
use super::page::page;
use super::task::TaskStatus;
use crate::account::Call;
use crate::ids::Arns;
use crate::protocol::ApiError;

/// The cluster that an input without `cluster` means.
pub(super) const DEFAULT_CLUSTER: &str = "default";

/// Members that are kept and shown as they were given.
const KEPT: [&str; 5] =
    ["settings", "configuration", "capacityProviders", "defaultCapacityProviderStrategy", "serviceConnectDefaults"];

/// `CreateCluster`. One that is there is answered as it is.
///
/// Source: AWS ECS API reference, `CreateCluster`.
pub(crate) fn create_cluster(call: Call<'_>) -> Result<Value, ApiError> {
    let name = call.input.text("clusterName")?.unwrap_or(DEFAULT_CLUSTER);
    check_name(name, "Cluster")?;
    let given = call.input.0.iter().filter(|(member, _)| KEPT.contains(&member.as_str()));
    let settings: Map<String, Value> = given.map(|(member, value)| (member.clone(), value.clone())).collect();
    let tags = call.input.list("tags")?.to_vec();
    let arns = call.arns();
    call.account.change(call.region(), |region| {
        let cluster = region
            .ecs
            .clusters
            .entry(name.to_owned())
            .or_insert_with(|| Cluster { inactive: true, ..Cluster::default() });
        if cluster.inactive {
            *cluster = Cluster { settings, tags, ..Cluster::default() };
        }
        Ok(json!({ "cluster": described(cluster, name, arns) }))
    })
}

/// `ListClusters`.
pub(crate) fn list_clusters(call: Call<'_>) -> Result<Value, ApiError> {
    let arns = call.arns();
    let found = call.account.read(call.region(), |region| {
        let active = region.ecs.clusters.iter().filter(|(_, cluster)| !cluster.inactive);
        active.map(|(name, _)| arns.cluster(name)).collect()
    });
    page::<String>("clusterArns", found, 100, call.input)
}

/// `DeleteCluster`. A deleted cluster is described as INACTIVE until another takes its name.
///
/// Source: AWS ECS API reference, `DeleteCluster`.
pub(crate) fn delete_cluster(call: Call<'_>) -> Result<Value, ApiError> {
    let name = short_name(call.input.required("cluster")?);
    let arns = call.arns();
    call.account.change(call.region(), |region| {
        let cluster = region.ecs.cluster_mut(name)?;
        if cluster.services.values().any(|service| service.status != ServiceStatus::Inactive) {
            let message = "The Cluster cannot be deleted while Services are active.";
            return Err(ApiError::new("ClusterContainsServicesException", message));
        }
        if cluster.tasks.iter().any(|task| task.status != TaskStatus::Stopped) {
            let message = "The Cluster cannot be deleted while Tasks are active.";
            return Err(ApiError::new("ClusterContainsTasksException", message));
        }
        cluster.inactive = true;
        Ok(json!({ "cluster": described(cluster, name, arns) }))
    })
}

/// `DescribeClusters`. An unknown cluster is a failure in a successful answer.
///
/// Source: AWS ECS API reference, `DescribeClusters`.
pub(crate) fn describe_clusters(call: Call<'_>) -> Result<Value, ApiError> {
    let asked = call.input.texts("clusters")?;
    let asked = if asked.is_empty() { vec![DEFAULT_CLUSTER] } else { asked };
    let arns = call.arns();
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    call.account.read(call.region(), |region| {
        for name in asked.iter().map(|name| short_name(name)) {
            match region.ecs.clusters.get(name) {
                Some(cluster) => clusters.push(described(cluster, name, arns)),
                None => failures.push(json!({ "arn": arns.cluster(name), "reason": "MISSING" })),
            }
        }
    });
    Ok(json!({ "clusters": clusters, "failures": failures }))
}

fn described(cluster: &Cluster, name: &str, arns: Arns<'_>) -> Value {
    let count = |status: TaskStatus| cluster.all_tasks().filter(|(_, task)| task.status == status).count();
    let active = cluster.services.values().filter(|service| service.status == ServiceStatus::Active).count();
    let mut shown = json!({
        "clusterArn": arns.cluster(name),
        "clusterName": name,
        "status": if cluster.inactive { "INACTIVE" } else { "ACTIVE" },
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": count(TaskStatus::Running),
        "pendingTasksCount": count(TaskStatus::Pending),
        "activeServicesCount": active,
        "statistics": [],
        "tags": cluster.tags,
        "settings": [],
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
    });
    if let Value::Object(members) = &mut shown {
        members.extend(cluster.settings.clone());
    }
    shown
}

/// Whether ECS takes it for a cluster or service.
///
/// Source: AWS ECS API reference, `CreateCluster` and `CreateService`: up to 255 letters, digits, underscores and hyphens.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=255).contains(&name.len()) && name.bytes().all(allowed)
}

pub(super) fn check_name(name: &str, what: &str) -> Result<(), ApiError> {
    if is_name(name) {
        return Ok(());
    }
    let message =
        format!("{what} name must be up to 255 letters (uppercase and lowercase), numbers, underscores, and hyphens.");
    Err(ApiError::new("InvalidParameterException", message))
}
