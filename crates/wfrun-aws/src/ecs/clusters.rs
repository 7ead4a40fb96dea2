//! The operation on clusters.

use serde_json::{Value, json};

use super::model::{Cluster, short_name};
use crate::account::Call;
use crate::ids::Arns;
use crate::protocol::ApiError;

/// The cluster that an input without `cluster` means.
pub(super) const DEFAULT_CLUSTER: &str = "default";

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
    let (running, pending) = cluster
        .services
        .values()
        .map(|service| service.counts(None))
        .fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
    json!({
        "clusterArn": arns.cluster(name),
        "clusterName": name,
        "status": "ACTIVE",
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "activeServicesCount": cluster.services.len(),
        "statistics": [],
        "tags": [],
        "settings": [],
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [],
    })
}
