//! A role for whoever has an ID token.

use serde_json::{Map, Value, json};

use crate::account::{Call, Input, WebIdentityError};
use crate::clock::iso_seconds;
use crate::protocol::ApiError;

/// The audience that GitHub's identity provider is set up with. Source: `aws-actions/configure-aws-credentials`, README,
/// "OIDC".
const AUDIENCE: &str = "sts.amazonaws.com";

const SECONDS: u64 = 3600;
const SHORTEST: u64 = 900;
const LONGEST: u64 = 43_200;

/// `AssumeRoleWithWebIdentity`: the token says who it is, so nothing is signed.
///
/// Source: AWS STS API reference, `AssumeRoleWithWebIdentity`; texts as
/// <https://github.com/awslabs/aws-sdk-rust/issues/827>, <https://github.com/aws/aws-sdk-java-v2/issues/5709> and
/// <https://github.com/awslabs/amazon-eks-irsa-cfn/pull/18> have them.
/// Differs: any role of the account may be assumed with an ID token of the run; there are no trust policies to ask, and session policies are not looked at.
pub(super) fn assume_role_with_web_identity(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let (arn, name) = (required(input, "RoleArn", "roleArn")?, required(input, "RoleSessionName", "roleSessionName")?);
    let token = required(input, "WebIdentityToken", "webIdentityToken")?;
    let seconds = seconds(input)?;
    let valid = |it: char| it.is_ascii_alphanumeric() || "_=,.@-".contains(it);
    if !(2..=64).contains(&name.chars().count()) || !name.chars().all(valid) {
        return Err(invalid(&format!(
            "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\w+=,.@-]*"
        )));
    }
    let claims = call.account.web_identity(token).map_err(|err| refused(&err, call.account.now_ms()))?;
    if !has_audience(&claims) {
        return Err(ApiError::new("InvalidIdentityToken", "Incorrect token audience"));
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let account = call.account.account_id();
    let role = match arn.strip_prefix("arn:aws:iam::").and_then(|it| it.split_once(":role/")) {
        None => return Err(invalid(&format!("{arn} is invalid"))),
        Some((owner, role)) if owner == account && !role.is_empty() => role,
        Some(_) => {
            let way_out = format!("wfrun: the account here is {account}; the account file can name another");
            let message = format!("Not authorized to perform sts:AssumeRoleWithWebIdentity ({way_out})");
            return Err(ApiError::denied("AccessDenied", message));
        }
    };
    let session = call.account.open_session(role, name, seconds);
    let issuer = text("iss").trim_start_matches("https://");
    Ok(json!({
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.token,
            "Expiration": iso_seconds(session.expires_ms),
        },
        "SubjectFromWebIdentityToken": text("sub"),
        "AssumedRoleUser": { "AssumedRoleId": session.user_id, "Arn": session.arn },
        "Provider": format!("arn:aws:iam::{account}:oidc-provider/{issuer}"),
        "Audience": AUDIENCE,
    }))
}

fn required<'a>(input: Input<'a>, member: &str, shown: &str) -> Result<&'a str, ApiError> {
    input.text(member)?.filter(|it| !it.is_empty()).ok_or_else(|| {
        invalid(&format!(
            "1 validation error detected: Value null at '{shown}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// A role lasts an hour at most unless it is set up otherwise, which none is here.
fn seconds(input: Input<'_>) -> Result<u64, ApiError> {
    let Some(text) = input.text("DurationSeconds")? else { return Ok(SECONDS) };
    match text.parse::<u64>() {
        Ok(it) if (SHORTEST..=SECONDS).contains(&it) => Ok(it),
        Ok(it) if (SECONDS..=LONGEST).contains(&it) => {
            Err(invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."))
        }
        Ok(_) | Err(_) => Err(invalid(&format!(
            "1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy constraint: Member must \
             have value between {SHORTEST} and {LONGEST}"
        ))),
    }
}

/// A token is for one audience, or for several.
fn has_audience(claims: &Map<String, Value>) -> bool {
    match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|it| it == AUDIENCE),
        Some(one) => one == AUDIENCE,
        None => false,
    }
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

fn invalid(message: &str) -> ApiError {
    ApiError::new("ValidationError", message)
}
