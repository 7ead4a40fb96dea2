//! ECR Public, as far as logging in goes.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::account::{Call, Operation};
use crate::clock::epoch_seconds;
use crate::ecr::login_token;

/// The operation of that name, if it is emulated.
///
/// Differs: of ECR Public there are the login and the one registry of the account; it has no repositories, and `public.ecr.aws` itself is not emulated.
pub(crate) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "GetAuthorizationToken" => |call| Ok(get_authorization_token(call)),
        "DescribeRegistries" => |call| Ok(describe_registries(call)),
        _ => return None,
    })
}

/// Source: AWS ECR Public API reference, `GetAuthorizationToken`: one object, where ECR answers a list, without an endpoint.
fn get_authorization_token(call: Call<'_>) -> Value {
    let (token, expires_at_ms) = login_token(call);
    json!({ "authorizationData": {
        "authorizationToken": token,
        "expiresAt": epoch_seconds(expires_at_ms),
    } })
}

/// Source: AWS ECR Public API reference, `DescribeRegistries` and `RegistryAlias`.
fn describe_registries(call: Call<'_>) -> Value {
    let account = call.account.account_id();
    let alias: String = hex::encode(Sha256::digest(account)).chars().take(8).collect();
    let registry = json!({
        "registryId": account,
        "registryArn": format!("arn:aws:ecr-public::{account}:registry/{account}"),
        "registryUri": format!("public.ecr.aws/{alias}"),
        "verified": false,
        "aliases": [{ "name": alias, "status": "ACTIVE", "primaryRegistryAlias": true, "defaultRegistryAlias": true }],
    });
    json!({ "registries": [registry] })
}
