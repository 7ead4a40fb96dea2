//! STS: who am I, and who may I be.

mod assume_role;
mod session;
mod web_identity;

use serde_json::{Value, json};

use self::assume_role::{assume_role, get_session_token};
use self::web_identity::assume_role_with_web_identity;
use crate::account::{Call, Operation};
use crate::protocol::ApiError;

/// The operation of that name, if it is emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "GetCallerIdentity" => get_caller_identity,
        "AssumeRole" => assume_role,
        "GetSessionToken" => get_session_token,
        "AssumeRoleWithWebIdentity" => assume_role_with_web_identity,
        _ => return None,
    })
}

/// `GetCallerIdentity`, which needs no permission.
///
/// Source: AWS STS API reference, `GetCallerIdentity`.
#[expect(clippy::unnecessary_wraps, reason = "operations share one signature")]
fn get_caller_identity(call: Call<'_>) -> Result<Value, ApiError> {
    Ok(json!({ "Arn": call.caller.arn, "UserId": call.caller.user_id, "Account": call.account.account_id() }))
}
