//! The operations on users.

use serde_json::{Value, json};

use super::answer::{conflict, exists, holds_nothing, name, no_user, paged, path, shown_tags, tags, user_name};
use super::model::{User, arn};
use crate::account::{Call, Operation};
use crate::clock::iso_seconds;
use crate::ids::unique_id;
use crate::protocol::ApiError;
use uuid::Uuid;

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateUser" => create_user,
        "GetUser" => get_user,
        "ListUsers" => list_users,
        "DeleteUser" => delete_user,
        _ => return None,
    })
}

/// Source: AWS IAM API reference, `CreateUser`.
fn create_user(call: Call<'_>) -> Result<Value, ApiError> {
    let name = name(call.input, "UserName", 64)?;
    let (path, tags) = (path(call.input)?.to_owned(), tags(call.input)?);
    call.account.change_iam(|iam| {
        if iam.users.keys().any(|it| it.eq_ignore_ascii_case(name)) {
            return Err(exists(format!("User with name {name} already exists.")));
        }
        let new = User::new(unique_id("AIDA", 17, Uuid::new_v4()), call.account.now_ms());
        let user = User { path, tags, ..new };
        let shown = described(&user, name, call.account.account_id(), true);
        iam.users.insert(name.to_owned(), user);
        Ok(json!({ "User": shown }))
    })
}

/// Source: AWS IAM API reference, `GetUser`.
fn get_user(call: Call<'_>) -> Result<Value, ApiError> {
    let name = user_name(call)?;
    call.account.read_iam(|iam| {
        let user = iam.users.get(name).ok_or_else(|| no_user(name))?;
        Ok(json!({ "User": described(user, name, call.account.account_id(), true) }))
    })
}

/// Source: AWS IAM API reference, `ListUsers`.
fn list_users(call: Call<'_>) -> Result<Value, ApiError> {
    let prefix = call.input.text("PathPrefix")?.unwrap_or("/");
    let users = call.account.read_iam(|iam| {
        let mut users: Vec<_> = iam.users.iter().filter(|(_, user)| user.path.starts_with(prefix)).collect();
        users.sort_unstable_by_key(|(name, _)| name.as_str());
        users.into_iter().map(|(name, user)| described(user, name, call.account.account_id(), false)).collect()
    });
    paged(call.input, "Users", users)
}

/// Source: AWS IAM API reference, `DeleteUser`: what the user holds must be gone before.
fn delete_user(call: Call<'_>) -> Result<Value, ApiError> {
    let name = name(call.input, "UserName", 64)?;
    call.account.change_iam(|iam| {
        let user = iam.users.get(name).ok_or_else(|| no_user(name))?;
        if !user.keys.is_empty() {
            return Err(conflict("Cannot delete entity, must delete access keys first."));
        }
        holds_nothing(&user.holdings)?;
        iam.users.shift_remove(name);
        Ok(Value::Null)
    })
}

fn described(user: &User, name: &str, account: &str, with_tags: bool) -> Value {
    json!({
        "Path": user.path,
        "UserName": name,
        "UserId": user.id,
        "Arn": arn(account, "user", &user.path, name),
        "CreateDate": iso_seconds(user.created_ms),
        "Tags": if with_tags { shown_tags(&user.tags) } else { Value::Null },
    })
}
