//! Roles that belong to a service of AWS'.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::required;
use super::model::{Holdings, Iam, Owner, Role, arn};
use super::roles::{SESSION_S, described};
use crate::account::{Call, Operation};
use crate::ids::unique_id;
use crate::protocol::ApiError;

/// The services whose role is known, and its name.
///
/// Source: AWS ECS, ECR, Elastic Load Balancing and Application Auto Scaling guides, "Using service-linked roles".
const ROLES: [(&str, &str); 4] = [
    ("ecs.amazonaws.com", "AWSServiceRoleForECS"),
    ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    ("ecs.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_ECSService"),
    ("replication.ecr.amazonaws.com", "AWSServiceRoleForECRReplication"),
];

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateServiceLinkedRole" => create_service_linked_role,
        _ => return None,
    })
}

/// The path of a service's roles.
pub(super) fn path(service: &str) -> String {
    format!("/aws-service-role/{service}/")
}

/// The ARN of the role of a service.
pub(super) fn role_arn(account: &str, service: &str) -> String {
    let name = ROLES.iter().find(|(it, _)| *it == service).map_or("*", |(_, name)| name);
    arn(account, "role", &path(service), name)
}

/// Source: AWS IAM API reference, `CreateServiceLinkedRole`; the words of a second one are those that public issues quote.
/// Differs: ECS, load balancers and ECR need no service-linked role, create none by themselves, and one that is created has no policy.
/// Differs: service-linked roles are those of ECS, Elastic Load Balancing, ECR replication and the scaling of ECS services, and cannot be deleted.
fn create_service_linked_role(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let service = required(input, "AWSServiceName")?;
    let invalid = |message: String| ApiError::new("InvalidInput", message);
    let (_, name) = ROLES.iter().find(|(it, _)| *it == service).ok_or_else(|| {
        let known: Vec<&str> = ROLES.iter().map(|(it, _)| *it).collect();
        invalid(format!(
            "wfrun: the service-linked role of {service} is not emulated, only those of {}",
            known.join(", ")
        ))
    })?;
    if input.text("CustomSuffix")?.is_some_and(|it| !it.is_empty()) {
        return Err(invalid(format!("Custom suffix is not allowed for {service}")));
    }
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": { "Service": [service] } }],
    });
    let role = Role {
        id: unique_id("AROA", 17, Uuid::new_v4()),
        path: path(service),
        created_ms: call.account.now_ms(),
        description: input.text("Description")?.filter(|it| !it.is_empty()).map(ToOwned::to_owned),
        trust: trust.to_string(),
        longest_session_s: SESSION_S,
        tags: indexmap::IndexMap::new(),
        holdings: Holdings::default(),
    };
    call.account.change_iam(|iam| {
        if iam.roles.keys().any(|it| it.eq_ignore_ascii_case(name)) {
            let message =
                format!("Service role name {name} has been taken in this account, please try a different suffix.");
            return Err(invalid(message));
        }
        let shown = described(&role, name, call.account.account_id(), true);
        iam.roles.insert((*name).to_owned(), role);
        Ok(json!({ "Role": shown }))
    })
}

impl Iam {
    /// Refuses to change a service-linked role.
    ///
    /// Source: AWS IAM API reference, error `UnmodifiableEntity`.
    pub(super) fn check_is_own(&self, owner: Owner, name: &str) -> Result<(), ApiError> {
        let role = self.roles.get(name).filter(|_| owner == Owner::Role);
        if !role.is_some_and(|role| role.path.starts_with("/aws-service-role/")) {
            return Ok(());
        }
        let message = format!(
            "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
        );
        Err(ApiError::new("UnmodifiableEntity", message))
    }
}
