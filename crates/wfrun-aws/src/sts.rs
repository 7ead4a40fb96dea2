//! STS: who am I.

use serde_json::{Value, json};

use crate::account::Call;
use crate::protocol::ApiError;

/// `GetCallerIdentity`, which needs no permission.
///
/// Source: AWS STS API reference, `GetCallerIdentity`.
#[expect(clippy::unnecessary_wraps, reason = "operations share one signature")]
pub(crate) fn get_caller_identity(call: Call<'_>) -> Result<Value, ApiError> {
    Ok(json!({ "Arn": call.caller.arn, "UserId": call.caller.user_id, "Account": call.account.account_id() }))
}
