//! The operations on roles.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{
    checked, document_size, encoded, exists, holds_nothing, invalid, limit, name, no_role, paged, path, required,
    shown_tags, tags,
};
use super::model::{Holdings, Owner, Role, arn};
use super::policy::Kind;
use crate::account::{Call, Input, Operation};
use crate::clock::iso_seconds;
use crate::ids::unique_id;
use crate::protocol::ApiError;

/// Source: AWS IAM API reference, `CreateRole`, `MaxSessionDuration`.
pub(super) const SESSION_S: u64 = 3600;
const LONGEST_SESSION_S: u64 = 43_200;

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateRole" => create_role,
        "GetRole" => get_role,
        "ListRoles" => list_roles,
        "UpdateRole" => update_role,
        "UpdateAssumeRolePolicy" => update_assume_role_policy,
        "DeleteRole" => delete_role,
        _ => return None,
    })
}

/// Source: AWS IAM API reference, `CreateRole`.
fn create_role(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let name = name(input, "RoleName", 64)?;
    let trust = trust(required(input, "AssumeRolePolicyDocument")?)?;
    let role = Role {
        id: unique_id("AROA", 17, Uuid::new_v4()),
        path: path(input)?.to_owned(),
        created_ms: call.account.now_ms(),
        description: input.text("Description")?.filter(|it| !it.is_empty()).map(ToOwned::to_owned),
        trust,
        longest_session_s: session_length(input)?.unwrap_or(SESSION_S),
        tags: tags(input)?,
        holdings: Holdings::default(),
    };
    call.account.change_iam(|iam| {
        if iam.roles.keys().any(|it| it.eq_ignore_ascii_case(name)) {
            return Err(exists(format!("Role with name {name} already exists.")));
        }
        let shown = described(&role, name, call.account.account_id(), true);
        iam.roles.insert(name.to_owned(), role);
        Ok(json!({ "Role": shown }))
    })
}

/// Source: AWS IAM API reference, `GetRole`.
fn get_role(call: Call<'_>) -> Result<Value, ApiError> {
    let name = name(call.input, "RoleName", 64)?;
    call.account.read_iam(|iam| {
        let role = iam.roles.get(name).ok_or_else(|| no_role(name))?;
        Ok(json!({ "Role": described(role, name, call.account.account_id(), true) }))
    })
}

/// Source: AWS IAM API reference, `ListRoles`.
fn list_roles(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = call.input.text("PathPrefix")?.unwrap_or("/");
    let roles = call.account.read_iam(|iam| {
        let mut roles: Vec<_> = iam.roles.iter().filter(|(_, role)| role.path.starts_with(prefix)).collect();
        roles.sort_unstable_by_key(|(name, _)| name.as_str());
        roles.into_iter().map(|(name, role)| described(role, name, call.account.account_id(), false)).collect()
    });
    paged(call.input, "Roles", roles)
}

/// Source: AWS IAM API reference, `UpdateRole`.
fn update_role(call: Call<'_>) -> Result<Value, ApiError> {
    let name = name(call.input, "RoleName", 64)?;
    let (length, description) = (session_length(call.input)?, call.input.text("Description")?);
    call.account.change_iam(|iam| {
        let role = iam.roles.get_mut(name).ok_or_else(|| no_role(name))?;
        role.longest_session_s = length.unwrap_or(role.longest_session_s);
        if let Some(description) = description {
            role.description = Some(description.to_owned()).filter(|it| !it.is_empty());
        }
        // An empty result, not none. Source: botocore, model of IAM, `UpdateRoleResponse`.
        Ok(json!({}))
    })
}

/// Source: AWS IAM API reference, `UpdateAssumeRolePolicy`.
fn update_assume_role_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let name = name(call.input, "RoleName", 64)?;
    let trust = trust(required(call.input, "PolicyDocument")?)?;
    call.account.change_iam(|iam| {
        iam.check_is_own(Owner::Role, name)?;
        iam.roles.get_mut(name).ok_or_else(|| no_role(name))?.trust = trust;
        Ok(Value::Null)
    })
}

/// Source: AWS IAM API reference, `DeleteRole`.
fn delete_role(call: Call<'_>) -> Result<Value, ApiError> {
    let name = name(call.input, "RoleName", 64)?;
    call.account.change_iam(|iam| {
        iam.check_is_own(Owner::Role, name)?;
        let role = iam.roles.get(name).ok_or_else(|| no_role(name))?;
        holds_nothing(&role.holdings)?;
        iam.roles.shift_remove(name);
        Ok(Value::Null)
    })
}

/// Source: AWS IAM user guide, "IAM and AWS STS quotas", role trust policy length.
fn trust(document: &str) -> Result<String, ApiError> {
    const LONGEST: usize = 2048;
    checked(document, Kind::Trust)?;
    if document_size(document) > LONGEST {
        return Err(limit(format!("Cannot exceed quota for ACLSizePerRole: {LONGEST}")));
    }
    Ok(document.to_owned())
}

fn session_length(input: Input<'_>) -> Result<Option<u64>, ApiError> {
    match input.count("MaxSessionDuration")?.map(u64::from) {
        None => Ok(None),
        Some(length @ SESSION_S..=LONGEST_SESSION_S) => Ok(Some(length)),
        Some(other) => Err(invalid(format!(
            "1 validation error detected: Value '{other}' at 'maxSessionDuration' failed to satisfy constraint: Member must have \
             value between {SESSION_S} and {LONGEST_SESSION_S}"
        ))),
    }
}

pub(super) fn described(role: &Role, name: &str, account: &str, whole: bool) -> Value {
    json!({
        "Path": role.path,
        "RoleName": name,
        "RoleId": role.id,
        "Arn": arn(account, "role", &role.path, name),
        "CreateDate": iso_seconds(role.created_ms),
        "AssumeRolePolicyDocument": encoded(&role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.longest_session_s,
        "Tags": if whole { shown_tags(&role.tags) } else { Value::Null },
    })
}
