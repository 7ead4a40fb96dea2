//! Policies that belong to one user or role.

use serde_json::{Map, Value};

use super::answer::{checked, document_size, encoded, limit, name, no_such, paged, required};
use super::model::Owner;
use super::policy::Kind;
use crate::account::{Call, Operation};
use crate::protocol::ApiError;

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "PutUserPolicy" => |call| put(call, Owner::User),
        "GetUserPolicy" => |call| get(call, Owner::User),
        "ListUserPolicies" => |call| list(call, Owner::User),
        "DeleteUserPolicy" => |call| delete(call, Owner::User),
        "PutRolePolicy" => |call| put(call, Owner::Role),
        "GetRolePolicy" => |call| get(call, Owner::Role),
        "ListRolePolicies" => |call| list(call, Owner::Role),
        "DeleteRolePolicy" => |call| delete(call, Owner::Role),
        _ => return None,
    })
}

/// How much all inline policies may be together, without white space, and what AWS calls the owner.
///
/// Source: AWS IAM user guide, "IAM and AWS STS quotas".
fn quota(owner: Owner) -> (usize, &'static str) {
    match owner {
        Owner::User => (2048, "user"),
        Owner::Role => (10_240, "role"),
    }
}

/// Source: AWS IAM API reference, `PutUserPolicy` and `PutRolePolicy`.
fn put(call: Call<'_>, owner: Owner) -> Result<Value, ApiError> {
    let (holder, policy) = (owner.name(call)?, name(call.input, "PolicyName", 128)?);
    let document = required(call.input, "PolicyDocument")?;
    checked(document, Kind::Identity)?;
    call.account.change_iam(|iam| {
        iam.check_is_own(owner, holder)?;
        let holdings = iam.holdings_mut(owner, holder).ok_or_else(|| owner.missing(holder))?;
        let others = holdings.inline.iter().filter(|(name, _)| *name != policy).map(|(_, text)| document_size(text));
        let (most, word) = quota(owner);
        if others.sum::<usize>() + document_size(document) > most {
            return Err(limit(format!("Maximum policy size of {most} bytes exceeded for {word} {holder}")));
        }
        holdings.inline.insert(policy.to_owned(), document.to_owned());
        Ok(Value::Null)
    })
}

/// Source: AWS IAM API reference, `GetUserPolicy` and `GetRolePolicy`.
fn get(call: Call<'_>, owner: Owner) -> Result<Value, ApiError> {
    let (holder, policy) = (owner.name(call)?, name(call.input, "PolicyName", 128)?);
    call.account.read_iam(|iam| {
        let holdings = iam.holdings(owner, holder).ok_or_else(|| owner.missing(holder))?;
        let document = holdings.inline.get(policy).ok_or_else(|| not_found(owner, policy))?;
        let members = [
            (owner.member(), holder.to_owned()),
            ("PolicyName", policy.to_owned()),
            ("PolicyDocument", encoded(document)),
        ];
        let members = members.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text)));
        Ok(Value::Object(members.collect::<Map<_, _>>()))
    })
}

/// Source: AWS IAM API reference, `ListUserPolicies` and `ListRolePolicies`.
fn list(call: Call<'_>, owner: Owner) -> Result<Value, ApiError> {
    let holder = owner.name(call)?;
    let names = call.account.read_iam(|iam| {
        let holdings = iam.holdings(owner, holder).ok_or_else(|| owner.missing(holder))?;
        Ok::<_, ApiError>(holdings.inline.keys().map(|name| Value::String(name.clone())).collect())
    })?;
    paged(call.input, "PolicyNames", names)
}

/// Source: AWS IAM API reference, `DeleteUserPolicy` and `DeleteRolePolicy`.
fn delete(call: Call<'_>, owner: Owner) -> Result<Value, ApiError> {
    let (holder, policy) = (owner.name(call)?, name(call.input, "PolicyName", 128)?);
    call.account.change_iam(|iam| {
        iam.check_is_own(owner, holder)?;
        let holdings = iam.holdings_mut(owner, holder).ok_or_else(|| owner.missing(holder))?;
        holdings.inline.shift_remove(policy).ok_or_else(|| not_found(owner, policy))?;
        Ok(Value::Null)
    })
}

fn not_found(owner: Owner, policy: &str) -> ApiError {
    no_such(format!("The {} policy with name {policy} cannot be found.", quota(owner).1))
}
