//! The password for `docker login`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::account::Call;
use crate::clock::epoch_seconds;
use crate::protocol::ApiError;
use crate::registry::{TOKEN_LIFE, Token};

/// `GetAuthorizationToken`: one entry per registry asked for, the caller's own where none is.
///
/// Source: AWS ECR API reference, `GetAuthorizationToken` (valid for 12 hours).
/// Differs: outside of runs whose jobs call it by Amazon's name, the registry is `127.0.0.1:PORT`: in `proxyEndpoint`, which is `http://`, and in `repositoryUri`.
pub(crate) fn get_authorization_token(call: Call<'_>) -> Result<Value, ApiError> {
    let account = call.account;
    let asked = call.input.texts("registryIds")?;
    if let Some(other) = asked.iter().find(|id| **id != account.account_id()) {
        let message =
            format!("wfrun: registry {other} is not emulated, only the account's own, {}", account.account_id());
        return Err(ApiError::new("InvalidParameterException", message));
    }
    let (token, expires_at_ms) = login_token(call);
    let entry = json!({
        "authorizationToken": token,
        "expiresAt": epoch_seconds(expires_at_ms),
        "proxyEndpoint": account.login_url(call.region()),
    });
    Ok(json!({ "authorizationData": [entry] }))
}

/// The name and password with which the caller logs in for 12 hours, as clients take them, and until when.
pub(crate) fn login_token(call: Call<'_>) -> (String, u64) {
    let account = call.account;
    let expires_at_ms = account.now_ms() + u64::try_from(TOKEN_LIFE.as_millis()).unwrap_or_default();
    let token = Token {
        principal: call.caller.shown(),
        access_key_id: call.caller.access_key_id.clone(),
        region: call.region().to_owned(),
        expires_at_ms,
    };
    let password = account.token_key().seal(&token);
    (STANDARD.encode(format!("AWS:{password}")), expires_at_ms)
}
