//! The operations on managed policies and their versions.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{
    checked, conflict, document_size, encoded, exists, invalid, limit, name, no_such, paged, path, required,
    shown_tags, tags,
};
use super::aws_managed::{self, AwsManaged};
use super::model::{Iam, ManagedPolicy, PolicyVersion, arn};
use super::policy::Kind;
use crate::account::{Call, Operation};
use crate::clock::iso_seconds;
use crate::ids::unique_id;
use crate::protocol::ApiError;

/// Characters that are not white space. Source: AWS IAM user guide, "IAM and AWS STS quotas".
const LONGEST: usize = 6144;
const MOST_VERSIONS: usize = 5;

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreatePolicy" => create_policy,
        "GetPolicy" => get_policy,
        "ListPolicies" => list_policies,
        "DeletePolicy" => delete_policy,
        "CreatePolicyVersion" => create_policy_version,
        "GetPolicyVersion" => get_policy_version,
        "ListPolicyVersions" => list_policy_versions,
        "SetDefaultPolicyVersion" => set_default_policy_version,
        "DeletePolicyVersion" => delete_policy_version,
        _ => return None,
    })
}

/// Source: AWS IAM API reference, `CreatePolicy`.
fn create_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let (name, path) = (name(input, "PolicyName", 128)?, path(input)?.to_owned());
    let document = document(call)?;
    let (tags, description) = (tags(input)?, input.text("Description")?.map(ToOwned::to_owned));
    let (arn, now_ms) = (arn(call.account.account_id(), "policy", &path, name), call.account.now_ms());
    call.account.change_iam(|iam| {
        let taken = iam.policies.values().any(|it| it.name.eq_ignore_ascii_case(name));
        if taken {
            return Err(exists(format!("A policy called {name} already exists. Duplicate names are not allowed.")));
        }
        let policy = ManagedPolicy {
            name: name.to_owned(),
            id: unique_id("ANPA", 17, Uuid::new_v4()),
            path,
            description,
            created_ms: now_ms,
            updated_ms: now_ms,
            tags,
            versions: vec![PolicyVersion { number: 1, document, created_ms: now_ms }],
            default_version: 1,
        };
        let mut shown = described(&policy, &arn, 0);
        // Neither is in the answer to a creation. Source: AWS IAM API reference, `Policy`.
        shown["Description"] = Value::Null;
        iam.policies.insert(arn, policy);
        Ok(json!({ "Policy": shown }))
    })
}

/// Source: AWS IAM API reference, `GetPolicy`.
fn get_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = required(call.input, "PolicyArn")?;
    call.account.read_iam(|iam| {
        let count = iam.attachments(arn);
        let own = iam.policies.get(arn).map(|it| described(it, arn, count));
        let shown = own.or_else(|| aws_managed::find(arn).map(|it| described_aws(it, count)));
        Ok(json!({ "Policy": shown.ok_or_else(|| not_found(arn))? }))
    })
}

/// Source: AWS IAM API reference, `ListPolicies`.
/// Differs: of AWS' own policies only the few that are emulated are listed.
fn list_policies(call: Call<'_>) -> Result<Value, ApiError> {
    let (own, aws) = match call.input.text("Scope")?.unwrap_or("All") {
        "All" => (true, true),
        "Local" => (true, false),
        "AWS" => (false, true),
        other => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'scope' failed to satisfy constraint: Member must satisfy enum \
                 value set: [All, AWS, Local]"
            )));
        }
    };
    let prefix = call.input.text("PathPrefix")?.unwrap_or("/");
    let attached_only = call.input.flag("OnlyAttached")?.unwrap_or(false);
    let policies = call.account.read_iam(|iam| {
        let wanted = |path: &str, count: usize| path.starts_with(prefix) && (count > 0 || !attached_only);
        let local = iam.policies.iter().filter(|_| own).filter_map(|(arn, policy)| {
            let count = iam.attachments(arn);
            let mut shown = wanted(&policy.path, count).then(|| described(policy, arn, count))?;
            // Lists say neither.
            shown["Description"] = Value::Null;
            shown["Tags"] = Value::Null;
            Some(shown)
        });
        let aws = aws_managed::ALL.iter().filter(|_| aws).filter_map(|policy| {
            let count = iam.attachments(policy.arn);
            wanted(policy.path(), count).then(|| described_aws(policy, count))
        });
        local.chain(aws).collect()
    });
    paged(call.input, "Policies", policies)
}

/// Source: AWS IAM API reference, `DeletePolicy`.
fn delete_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = required(call.input, "PolicyArn")?;
    call.account.change_iam(|iam| {
        if own(iam, arn)?.versions.len() > 1 {
            return Err(conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The \
                 default version is deleted with the policy.",
            ));
        }
        if iam.attachments(arn) > 0 {
            return Err(conflict("Cannot delete a policy attached to entities."));
        }
        iam.policies.shift_remove(arn);
        Ok(Value::Null)
    })
}

/// Source: AWS IAM API reference, `CreatePolicyVersion`.
fn create_policy_version(call: Call<'_>) -> Result<Value, ApiError> {
    let (arn, document) = (required(call.input, "PolicyArn")?, document(call)?);
    let (in_force, now_ms) = (call.input.flag("SetAsDefault")?.unwrap_or(false), call.account.now_ms());
    call.account.change_iam(|iam| {
        let policy = own(iam, arn)?;
        if policy.versions.len() >= MOST_VERSIONS {
            return Err(limit(
                "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
            ));
        }
        let number = policy.versions.iter().map(|it| it.number).max().unwrap_or(0) + 1;
        policy.versions.push(PolicyVersion { number, document, created_ms: now_ms });
        policy.updated_ms = now_ms;
        if in_force {
            policy.default_version = number;
        }
        let shown = version(&policy.versions[policy.versions.len() - 1], policy.default_version, false);
        Ok(json!({ "PolicyVersion": shown }))
    })
}

/// Source: AWS IAM API reference, `GetPolicyVersion`.
fn get_policy_version(call: Call<'_>) -> Result<Value, ApiError> {
    let (arn, id) = (required(call.input, "PolicyArn")?, required(call.input, "VersionId")?);
    call.account.read_iam(|iam| {
        if let Some(policy) = aws_managed::find(arn).filter(|_| id == "v1") {
            return Ok(json!({ "PolicyVersion": aws_version(policy, true) }));
        }
        let policy = iam.policies.get(arn).ok_or_else(|| not_found(arn))?;
        let found = &policy.versions[position(policy, arn, id)?];
        Ok(json!({ "PolicyVersion": version(found, policy.default_version, true) }))
    })
}

/// Source: AWS IAM API reference, `ListPolicyVersions`.
fn list_policy_versions(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = required(call.input, "PolicyArn")?;
    let versions = call.account.read_iam(|iam| {
        if let Some(policy) = aws_managed::find(arn) {
            return Ok(vec![aws_version(policy, false)]);
        }
        let policy = iam.policies.get(arn).ok_or_else(|| not_found(arn))?;
        Ok(policy.versions.iter().rev().map(|it| version(it, policy.default_version, false)).collect())
    })?;
    paged(call.input, "Versions", versions)
}

/// Source: AWS IAM API reference, `SetDefaultPolicyVersion`.
fn set_default_policy_version(call: Call<'_>) -> Result<Value, ApiError> {
    let (arn, id) = (required(call.input, "PolicyArn")?, required(call.input, "VersionId")?);
    call.account.change_iam(|iam| {
        let policy = own(iam, arn)?;
        let at = position(policy, arn, id)?;
        policy.default_version = policy.versions[at].number;
        Ok(Value::Null)
    })
}

/// Source: AWS IAM API reference, `DeletePolicyVersion`.
fn delete_policy_version(call: Call<'_>) -> Result<Value, ApiError> {
    let (arn, id) = (required(call.input, "PolicyArn")?, required(call.input, "VersionId")?);
    call.account.change_iam(|iam| {
        let policy = own(iam, arn)?;
        let at = position(policy, arn, id)?;
        if policy.versions[at].number == policy.default_version {
            return Err(conflict("Cannot delete the default version of a policy."));
        }
        policy.versions.remove(at);
        Ok(Value::Null)
    })
}

/// `PolicyDocument`, read and not too long.
fn document(call: Call<'_>) -> Result<String, ApiError> {
    let document = required(call.input, "PolicyDocument")?;
    checked(document, Kind::Identity)?;
    if document_size(document) > LONGEST {
        return Err(limit(format!("Cannot exceed quota for PolicySize: {LONGEST}")));
    }
    Ok(document.to_owned())
}

pub(super) fn own<'a>(iam: &'a mut Iam, arn: &str) -> Result<&'a mut ManagedPolicy, ApiError> {
    refuse_aws_managed(arn)?;
    iam.policies.get_mut(arn).ok_or_else(|| not_found(arn))
}

/// The same, to be looked at.
pub(super) fn look_at_own<'a>(iam: &'a Iam, arn: &str) -> Result<&'a ManagedPolicy, ApiError> {
    refuse_aws_managed(arn)?;
    iam.policies.get(arn).ok_or_else(|| not_found(arn))
}

fn refuse_aws_managed(arn: &str) -> Result<(), ApiError> {
    if aws_managed::find(arn).is_some() {
        return Err(ApiError::new("AccessDenied", format!("Policy {arn} is AWS' own and cannot be changed.")));
    }
    Ok(())
}

fn position(policy: &ManagedPolicy, arn: &str, id: &str) -> Result<usize, ApiError> {
    let found = policy.versions.iter().position(|it| id == format!("v{}", it.number));
    found.ok_or_else(|| no_such(format!("Policy {arn} version {id} does not exist or is not attachable.")))
}

fn not_found(arn: &str) -> ApiError {
    no_such(format!("Policy {arn} was not found."))
}

fn described(policy: &ManagedPolicy, arn: &str, attachments: usize) -> Value {
    json!({
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": arn,
        "Path": policy.path,
        "DefaultVersionId": format!("v{}", policy.default_version),
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": true,
        "Description": policy.description,
        "CreateDate": iso_seconds(policy.created_ms),
        "UpdateDate": iso_seconds(policy.updated_ms),
        "Tags": shown_tags(&policy.tags),
    })
}

fn described_aws(policy: &AwsManaged, attachments: usize) -> Value {
    json!({
        "PolicyName": policy.name(),
        "PolicyId": policy.id(),
        "Arn": policy.arn,
        "Path": policy.path(),
        "DefaultVersionId": "v1",
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": true,
        "CreateDate": aws_managed::CREATED,
        "UpdateDate": aws_managed::CREATED,
    })
}

fn version(found: &PolicyVersion, default: u32, with_document: bool) -> Value {
    json!({
        "Document": with_document.then(|| encoded(&found.document)),
        "VersionId": format!("v{}", found.number),
        "IsDefaultVersion": found.number == default,
        "CreateDate": iso_seconds(found.created_ms),
    })
}

fn aws_version(policy: &AwsManaged, with_document: bool) -> Value {
    json!({
        "Document": with_document.then(|| encoded(policy.document)),
        "VersionId": "v1",
        "IsDefaultVersion": true,
        "CreateDate": aws_managed::CREATED,
    })
}
