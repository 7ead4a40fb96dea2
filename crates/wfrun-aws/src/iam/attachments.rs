//! Attaching managed policies to users and roles.

use serde_json::{Value, json};

use super::answer::{limit, name, no_role, no_such, no_user, paged, required};
use super::model::{Owner, name_of, path_of};
use crate::account::{Call, Operation};
use crate::protocol::ApiError;

/// Source: AWS IAM user guide, "IAM and AWS STS quotas".
const MOST: usize = 10;

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "AttachUserPolicy" => |call| attach(call, Owner::User),
        "DetachUserPolicy" => |call| detach(call, Owner::User),
        "ListAttachedUserPolicies" => |call| list(call, Owner::User),
        "AttachRolePolicy" => |call| attach(call, Owner::Role),
        "DetachRolePolicy" => |call| detach(call, Owner::Role),
        "ListAttachedRolePolicies" => |call| list(call, Owner::Role),
        "ListEntitiesForPolicy" => list_entities_for_policy,
        _ => return None,
    })
}

impl Owner {
    /// The name that the input gives.
    pub(super) fn name(self, call: Call<'_>) -> Result<&str, ApiError> {
        name(call.input, self.member(), 64)
    }

    /// The member that names it.
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::User => "UserName",
            Self::Role => "RoleName",
        }
    }

    pub(super) fn missing(self, name: &str) -> ApiError {
        match self {
            Self::User => no_user(name),
            Self::Role => no_role(name),
        }
    }
}

/// Source: AWS IAM API reference, `AttachUserPolicy` and `AttachRolePolicy`; attaching again changes nothing.
fn attach(call: Call<'_>, owner: Owner) -> Result<Value, ApiError> {
    let (name, arn) = (owner.name(call)?, required(call.input, "PolicyArn")?);
    call.account.change_iam(|iam| {
        let there = iam.document(arn).is_some();
        iam.check_is_own(owner, name)?;
        let holdings = iam.holdings_mut(owner, name).ok_or_else(|| owner.missing(name))?;
        if !there {
            return Err(no_such(format!("Policy {arn} does not exist or is not attachable.")));
        }
        if holdings.has(arn) {
            return Ok(Value::Null);
        }
        if holdings.attached.len() >= MOST {
            let quota = match owner {
                Owner::User => "PoliciesPerUser",
                Owner::Role => "PoliciesPerRole",
            };
            return Err(limit(format!("Cannot exceed quota for {quota}: {MOST}")));
        }
        holdings.attached.push(arn.to_owned());
        Ok(Value::Null)
    })
}

/// Source: AWS IAM API reference, `DetachUserPolicy` and `DetachRolePolicy`.
fn detach(call: Call<'_>, owner: Owner) -> Result<Value, ApiError> {
    let (name, arn) = (owner.name(call)?, required(call.input, "PolicyArn")?);
    call.account.change_iam(|iam| {
        iam.check_is_own(owner, name)?;
        let holdings = iam.holdings_mut(owner, name).ok_or_else(|| owner.missing(name))?;
        let at = holdings.attached.iter().position(|held| held == arn);
        let at = at.ok_or_else(|| no_such(format!("Policy {arn} was not found.")))?;
        holdings.attached.remove(at);
        Ok(Value::Null)
    })
}

/// Source: AWS IAM API reference, `ListAttachedUserPolicies` and `ListAttachedRolePolicies`.
fn list(call: Call<'_>, owner: Owner) -> Result<Value, ApiError> {
    let name = owner.name(call)?;
    let prefix = call.input.text("PathPrefix")?.unwrap_or("/");
    let attached = call.account.read_iam(|iam| {
        let holdings = iam.holdings(owner, name).ok_or_else(|| owner.missing(name))?;
        let wanted = holdings.attached.iter().filter(|arn| path_of(arn).starts_with(prefix));
        Ok::<_, ApiError>(wanted.map(|arn| json!({ "PolicyName": name_of(arn), "PolicyArn": arn })).collect())
    })?;
    paged(call.input, "AttachedPolicies", attached)
}

/// Source: AWS IAM API reference, `ListEntitiesForPolicy`.
/// Differs: all come on one page.
fn list_entities_for_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = required(call.input, "PolicyArn")?;
    call.account.read_iam(|iam| {
        if iam.document(arn).is_none() {
            return Err(no_such(format!("Policy {arn} was not found.")));
        }
        let users = iam.users.iter().filter(|(_, it)| it.holdings.has(arn));
        let users: Vec<_> = users.map(|(name, user)| json!({ "UserName": name, "UserId": user.id })).collect();
        let roles = iam.roles.iter().filter(|(_, it)| it.holdings.has(arn));
        let roles: Vec<_> = roles.map(|(name, role)| json!({ "RoleName": name, "RoleId": role.id })).collect();
        Ok(json!({ "PolicyGroups": [], "PolicyUsers": users, "PolicyRoles": roles, "IsTruncated": false }))
    })
}
