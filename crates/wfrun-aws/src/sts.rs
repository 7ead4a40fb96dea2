//! STS: who am I, and who may I be.

mod web_identity;

use serde_json::{Value, json};

use crate::account::Call;
use crate::protocol::ApiError;

pub(crate) use self::web_identity::assume_role_with_web_identity;

/// `GetCallerIdentity`, which needs no permission.
///
/// Source: AWS STS API reference, `GetCallerIdentity`.
#[expect(clippy::unnecessary_wraps, reason = "operations share one signature")]
pub(crate) fn get_caller_identity(call: Call<'_>) -> Result<Value, ApiError> {
    Ok(json!({ "Arn": call.caller.arn, "UserId": call.caller.user_id, "Account": call.account.account_id() }))
}
