//! Keys of a role for an ID token of the job.

use serde_json::Value;

use super::{Settings, USER_AGENT, input};
use crate::standins::Version;
use crate::standins::aws_client::{AwsClient, Credentials, STS, encode, xml_text};
use crate::standins::error::StandInError;
use crate::standins::http::{Client, Payload};
use crate::standins::toolkit;

/// Whether the step wants a role and has nothing but the job's ID token for it.
///
/// Source: the AWS rules §1.2, "Assume-role sequences".
pub(super) fn is_wanted(version: Version) -> bool {
    let has = |name: &str| !input(version, name).is_empty();
    has("role-to-assume")
        && !toolkit::variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN").is_empty()
        && !has("aws-access-key-id")
        && !has("web-identity-token-file")
        && !toolkit::loose_boolean_input("role-chaining")
}

/// What is said before a step fails that may have meant to use an ID token.
pub(super) fn hint(version: Version) {
    let says_so = version.major > 4 || (version.major == 4 && version.is_at_least(3, 0, (3, 1)));
    if says_so && !input(version, "role-to-assume").is_empty() && Credentials::from_environment().is_none() {
        toolkit::info(
            "It looks like you might be trying to authenticate with OIDC. Did you mean to set the `id-token` permission? \
             If you are not trying to authenticate with OIDC and the action is working successfully, you can ignore this \
             message.",
        );
    }
}

/// Gets the job's token, and the role's keys for it.
pub(super) fn assume(version: Version, settings: &Settings) -> Result<Credentials, StandInError> {
    let role = input(version, "role-to-assume");
    if !role.starts_with("arn:aws") {
        return Err(StandInError::action(
            "Source Account ID is needed if the Role Name is provided and not the Role Arn.",
        ));
    }
    if version.major >= 3 {
        toolkit::info("Assuming role with OIDC");
    }
    let or = |name: &str, default: &str| {
        let given = input(version, name);
        if given.is_empty() { default.to_owned() } else { given }
    };
    let token = id_token(&or("audience", "sts.amazonaws.com"))?;
    toolkit::mask(&token);
    let (name, seconds) = (or("role-session-name", "GitHubActions"), or("role-duration-seconds", "3600"));
    let parameters = [
        ("RoleArn", role.as_str()),
        ("RoleSessionName", &name),
        ("DurationSeconds", &seconds),
        ("WebIdentityToken", &token),
    ];
    let client = AwsClient::unsigned(settings.region.as_str(), USER_AGENT);
    let answer = client.query(STS, "AssumeRoleWithWebIdentity", &parameters).map_err(|err| {
        let told = StandInError::Aws(err);
        // Source: `assumeRole.ts` of the action.
        if version.major < 3 {
            return told;
        }
        StandInError::action(format!("Could not assume role with OIDC: {}", told.chain()))
    })?;
    let text = |element: &str| xml_text(&answer, element).unwrap_or_default();
    let expiration = text("Expiration");
    if settings.output_credentials && version.major >= 4 && !expiration.is_empty() {
        toolkit::set_output("aws-expiration", &expiration)?;
    }
    Ok(Credentials {
        access_key_id: text("AccessKeyId"),
        secret_access_key: text("SecretAccessKey"),
        session_token: Some(text("SessionToken")),
    })
}

/// As `core.getIDToken`.
fn id_token(audience: &str) -> Result<String, StandInError> {
    let url = toolkit::variable("ACTIONS_ID_TOKEN_REQUEST_URL");
    if url.is_empty() {
        return Err(StandInError::action("Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable"));
    }
    let url = format!("{url}&audience={}", encode(audience, false));
    let authorization = format!("Bearer {}", toolkit::variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    let answer = Client::new()
        .send("GET", &url, &[("authorization", &authorization)], Payload::Empty)
        .map_err(|err| StandInError::action(format!("getIDToken call failed: Error message: {err}")))?;
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match said["value"].as_str() {
        Some(token) if answer.is_success() => Ok(token.to_owned()),
        Some(_) | None => {
            let why = said["message"].as_str().unwrap_or("there is no token in the answer");
            Err(StandInError::action(format!(
                "getIDToken call failed: Error message: Failed to get ID Token. Error Code : {} Error Message: {why}",
                answer.status
            )))
        }
    }
}
