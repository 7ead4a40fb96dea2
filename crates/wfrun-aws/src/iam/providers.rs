//! The operations on `OpenID` Connect providers.

use serde_json::{Value, json};

use super::answer::{exists, invalid, no_such, required, shown_tags, tags};
use super::model::{OidcProvider, arn};
use crate::account::{Call, Operation};
use crate::clock::iso_seconds;
use crate::protocol::ApiError;

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateOpenIDConnectProvider" => create,
        "GetOpenIDConnectProvider" => get,
        "ListOpenIDConnectProviders" => list,
        "DeleteOpenIDConnectProvider" => delete,
        _ => return None,
    })
}

/// Source: AWS IAM API reference, `CreateOpenIDConnectProvider`.
/// Differs: the provider's certificates are not fetched and thumbprints are kept as given; tags are shown once and not kept.
fn create(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let given = required(input, "Url")?;
    let url = given.strip_prefix("https://").map(|it| it.trim_end_matches('/')).filter(|it| !it.is_empty());
    let url = url.ok_or_else(|| invalid("Invalid Open ID Connect Provider URL"))?;
    let texts = |member| Ok::<_, ApiError>(input.texts(member)?.into_iter().map(ToOwned::to_owned).collect());
    let provider = OidcProvider {
        url: url.to_owned(),
        client_ids: texts("ClientIDList")?,
        thumbprints: texts("ThumbprintList")?,
        created_ms: call.account.now_ms(),
    };
    let (arn, tags) = (arn(call.account.account_id(), "oidc-provider", "/", url), tags(input)?);
    call.account.change_iam(|iam| {
        if iam.providers.contains_key(&arn) {
            return Err(exists(format!("Provider with url {given} already exists.")));
        }
        iam.providers.insert(arn.clone(), provider);
        Ok(json!({ "OpenIDConnectProviderArn": arn, "Tags": shown_tags(&tags) }))
    })
}

/// Source: AWS IAM API reference, `GetOpenIDConnectProvider`.
fn get(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = required(call.input, "OpenIDConnectProviderArn")?;
    call.account.read_iam(|iam| {
        let found = iam.providers.get(arn).ok_or_else(|| not_found(arn))?;
        Ok(json!({
            "Url": found.url,
            "ClientIDList": found.client_ids,
            "ThumbprintList": found.thumbprints,
            "CreateDate": iso_seconds(found.created_ms),
        }))
    })
}

/// Source: AWS IAM API reference, `ListOpenIDConnectProviders`.
#[expect(clippy::unnecessary_wraps, reason = "operations share one signature")]
fn list(call: Call<'_>) -> Result<Value, ApiError> {
    let all: Vec<_> = call.account.read_iam(|iam| iam.providers.keys().map(|arn| json!({ "Arn": arn })).collect());
    Ok(json!({ "OpenIDConnectProviderList": all }))
}

/// Source: AWS IAM API reference, `DeleteOpenIDConnectProvider`.
fn delete(call: Call<'_>) -> Result<Value, ApiError> {
    let arn = required(call.input, "OpenIDConnectProviderArn")?;
    call.account.change_iam(|iam| {
        iam.providers.shift_remove(arn).ok_or_else(|| not_found(arn))?;
        Ok(Value::Null)
    })
}

fn not_found(arn: &str) -> ApiError {
    no_such(format!("OpenIDConnect Provider not found for arn {arn}"))
}
