//! A role for whoever has an ID token.

use serde_json::{Map, Value, json};

use super::assume_role::longest;
use super::session::{HOUR, LONGEST, credentials, packed_size, role, seconds, session_name, session_policies};
use crate::account::{Call, SessionWishes, WebIdentityError};
use crate::iam::{arn as iam_arn, invalid, required};
use crate::protocol::ApiError;

/// The audience that GitHub's identity provider is set up with. Source: `aws-actions/configure-aws-credentials`, README,
/// "OIDC".
const AUDIENCE: &str = "sts.amazonaws.com";

/// `AssumeRoleWithWebIdentity`: the token says who it is, so nothing is signed.
///
/// Source: AWS STS API reference, `AssumeRoleWithWebIdentity`; texts as
/// <https://github.com/awslabs/aws-sdk-rust/issues/827>, <https://github.com/aws/aws-sdk-java-v2/issues/5709> and
/// <https://github.com/awslabs/amazon-eks-irsa-cfn/pull/18> have them.
/// Differs: a role that is not in IAM may be assumed with any ID token of the run, as there is no trust policy to ask; trust policies of roles that are in IAM are asked unless `iam.mode` is `off`.
pub(super) fn assume_role_with_web_identity(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let (arn, name) = (required(input, "RoleArn")?, session_name(input)?);
    let token = required(input, "WebIdentityToken")?;
    let seconds = seconds(input, HOUR, LONGEST)?;
    let (policies, size) = session_policies(call)?;
    let claims = call.account.web_identity(token).map_err(|err| refused(&err, call.account.now_ms()))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let issuer = text("iss").trim_start_matches("https://");
    let account = call.account.account_id();
    let provider = iam_arn(account, "oidc-provider", "/", issuer);
    let audiences = call.account.read_iam(|iam| iam.providers.get(&provider).map(|it| it.client_ids.clone()));
    let audiences = audiences.unwrap_or_else(|| vec![AUDIENCE.to_owned()]);
    let audience = audience(&claims, &audiences);
    let audience = audience.ok_or_else(|| ApiError::new("InvalidIdentityToken", "Incorrect token audience"))?;
    let role = match role(arn) {
        None => return Err(invalid(format!("{arn} is invalid"))),
        Some((owner, role)) if owner == account => role,
        Some(_) => {
            let way_out = format!("wfrun: the account here is {account}; the account file can name another");
            let message = format!("Not authorized to perform sts:AssumeRoleWithWebIdentity ({way_out})");
            return Err(ApiError::denied("AccessDenied", message));
        }
    };
    if !call.account.permit_web_identity(arn, &provider, keys(issuer, &claims, name)) {
        return Err(ApiError::denied("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"));
    }
    if seconds > longest(call, arn) {
        return Err(invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    let wishes = SessionWishes { seconds, policies, ..SessionWishes::default() };
    let packed = packed_size(size, &wishes.tags);
    let session = call.account.open_role_session(role, name, wishes);
    Ok(json!({
        "Credentials": credentials(&session),
        "SubjectFromWebIdentityToken": text("sub"),
        "AssumedRoleUser": { "AssumedRoleId": session.user_id, "Arn": session.arn },
        "PackedPolicySize": packed,
        "Provider": provider,
        "Audience": audience,
    }))
}

/// The token's claims as condition keys, as `token.actions.githubusercontent.com:sub`.
///
/// Source: AWS IAM user guide, "Available keys for AWS OIDC federation".
fn keys(issuer: &str, claims: &Map<String, Value>, session: &str) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let mut keys = vec![("sts:RoleSessionName".to_owned(), vec![session.to_owned()])];
    for (claim, value) in claims {
        let values = match value.as_array() {
            Some(all) => all.iter().filter_map(text).collect(),
            None => text(value).into_iter().collect(),
        };
        keys.push((format!("{issuer}:{claim}"), values));
    }
    keys
}

/// The audience of a token that the provider is for; a token is for one, or for several.
fn audience(claims: &Map<String, Value>, wanted: &[String]) -> Option<String> {
    let aud = claims.get("aud")?;
    let given: Vec<&str> = match aud.as_array() {
        Some(all) => all.iter().filter_map(Value::as_str).collect(),
        None => aud.as_str().into_iter().collect(),
    };
    wanted.iter().find(|it| given.contains(&it.as_str())).cloned()
}

fn refused(err: &WebIdentityError, now_ms: u64) -> ApiError {
    let invalid = |message: &str| ApiError::new("InvalidIdentityToken", message);
    match err {
        WebIdentityError::Malformed => {
            invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
        }
        WebIdentityError::UnknownIssuer { issuer } => {
            invalid(&format!("No OpenIDConnect provider found in your account for {issuer}"))
        }
        // AWS writes two spaces.
        WebIdentityError::Unverified => invalid(
            "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity \
             documentation for requirements",
        ),
        WebIdentityError::Expired { until } => {
            let now = now_ms / 1000;
            let message =
                format!("Token expired: current date/time {now} must be before the expiration date/time {until}");
            ApiError::new("ExpiredTokenException", message)
        }
    }
}
