//! The operations on access keys.

use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{invalid, limit, no_such, no_user, paged, required, user_name};
use super::model::{AccessKey, User};
use crate::account::{Call, Operation};
use crate::clock::iso_seconds;
use crate::ids::{secret_key, unique_id};
use crate::protocol::ApiError;

/// Source: AWS IAM user guide, "IAM and AWS STS quotas".
const MOST: usize = 2;

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateAccessKey" => create_access_key,
        "ListAccessKeys" => list_access_keys,
        "UpdateAccessKey" => update_access_key,
        "DeleteAccessKey" => delete_access_key,
        _ => return None,
    })
}

/// Source: AWS IAM API reference, `CreateAccessKey`.
fn create_access_key(call: Call<'_>) -> Result<Value, ApiError> {
    let name = user_name(call)?;
    call.account.change_iam(|iam| {
        let user = iam.users.get_mut(name).ok_or_else(|| no_user(name))?;
        if user.keys.len() >= MOST {
            return Err(limit(format!("Cannot exceed quota for AccessKeysPerUser: {MOST}")));
        }
        let id = unique_id("AKIA", 16, Uuid::new_v4());
        let key = AccessKey { id, secret: secret_key(), active: true, created_ms: call.account.now_ms() };
        let mut shown = described(&key, name);
        shown["SecretAccessKey"] = json!(key.secret);
        user.keys.push(key);
        Ok(json!({ "AccessKey": shown }))
    })
}

/// Source: AWS IAM API reference, `ListAccessKeys`.
/// Differs: the keys that a run is given are not listed and do not count towards the two that a user may have.
fn list_access_keys(call: Call<'_>) -> Result<Value, ApiError> {
    let name = user_name(call)?;
    let keys = call.account.read_iam(|iam| {
        let user = iam.users.get(name).ok_or_else(|| no_user(name))?;
        Ok::<_, ApiError>(user.keys.iter().map(|key| described(key, name)).collect())
    })?;
    paged(call.input, "AccessKeyMetadata", keys)
}

/// Source: AWS IAM API reference, `UpdateAccessKey`.
fn update_access_key(call: Call<'_>) -> Result<Value, ApiError> {
    let (name, id) = (user_name(call)?, required(call.input, "AccessKeyId")?);
    let active = match required(call.input, "Status")? {
        "Active" => true,
        "Inactive" => false,
        other => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'status' failed to satisfy constraint: Member must satisfy enum \
                 value set: [Active, Inactive]"
            )));
        }
    };
    call.account.change_iam(|iam| {
        let user = iam.users.get_mut(name).ok_or_else(|| no_user(name))?;
        let at = position(user, id)?;
        user.keys[at].active = active;
        Ok(Value::Null)
    })
}

/// Source: AWS IAM API reference, `DeleteAccessKey`.
fn delete_access_key(call: Call<'_>) -> Result<Value, ApiError> {
    let (name, id) = (user_name(call)?, required(call.input, "AccessKeyId")?);
    call.account.change_iam(|iam| {
        let user = iam.users.get_mut(name).ok_or_else(|| no_user(name))?;
        let at = position(user, id)?;
        user.keys.remove(at);
        Ok(Value::Null)
    })
}

fn position(user: &User, id: &str) -> Result<usize, ApiError> {
    let found = user.keys.iter().position(|key| key.id == id);
    found.ok_or_else(|| no_such(format!("The Access Key with id {id} cannot be found.")))
}

fn described(key: &AccessKey, user: &str) -> Value {
    json!({
        "UserName": user,
        "AccessKeyId": key.id,
        "Status": if key.active { "Active" } else { "Inactive" },
        "CreateDate": iso_seconds(key.created_ms),
    })
}
