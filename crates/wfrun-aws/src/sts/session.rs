//! What all operations that open a session have in common.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::account::{Call, Input, Session};
use crate::clock::iso_seconds;
use crate::iam::{Kind, Named, Policy, document_size, invalid, malformed, required};
use crate::protocol::ApiError;

const SHORTEST: u64 = 900;

/// How long a session of a role lasts where nothing says otherwise, and how long it may; seconds.
pub(super) const HOUR: u64 = 3600;
pub(super) const LONGEST: u64 = 43_200;

/// `RoleSessionName`.
pub(super) fn session_name(input: Input<'_>) -> Result<&str, ApiError> {
    let name = required(input, "RoleSessionName")?;
    let valid = |it: char| it.is_ascii_alphanumeric() || "_+=,.@-".contains(it);
    if (2..=64).contains(&name.chars().count()) && name.chars().all(valid) {
        return Ok(name);
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [\\w+=,.@-]*"
    )))
}

/// `DurationSeconds` between 15 minutes and `longest`; `usual` where it is absent.
pub(super) fn seconds(input: Input<'_>, usual: u64, longest: u64) -> Result<u64, ApiError> {
    let Some(text) = input.text("DurationSeconds")? else { return Ok(usual) };
    text.parse::<u64>().ok().filter(|it| (SHORTEST..=longest).contains(it)).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy constraint: Member must \
             have value between {SHORTEST} and {longest}"
        ))
    })
}

/// The policies that a session is opened with, `None` where it is opened with none; and how many characters they have.
///
/// Source: AWS STS API reference, `AssumeRole`: a policy of up to 2,048 characters and up to 10 managed ones.
pub(super) fn session_policies(call: Call<'_>) -> Result<(Option<Vec<Named>>, usize), ApiError> {
    const LONGEST: usize = 2048;
    const MOST: usize = 10;
    let (input, mut policies, mut size) = (call.input, Vec::new(), 0);
    if let Some(text) = input.text("Policy")?.filter(|it| !it.is_empty()) {
        if text.chars().count() > LONGEST {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or \
                 equal to {LONGEST}"
            )));
        }
        let policy = Policy::parse(text, Kind::Identity).map_err(|err| malformed(&err))?;
        policies.push(Named { name: "session policy".to_owned(), policy: Arc::new(policy) });
        size += document_size(text);
    }
    let arns = input.list("PolicyArns")?.iter().filter_map(|it| it.get("arn").and_then(Value::as_str));
    let arns: Vec<&str> = arns.collect();
    if arns.len() > MOST {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or \
             equal to {MOST}"
        )));
    }
    for arn in arns {
        let found = call.account.read_iam(|iam| iam.document(arn).map(|text| call.account.parsed([(arn, text)])));
        policies.extend(found.ok_or_else(|| {
            ApiError::new("MalformedPolicyDocument", format!("The policy {arn} does not exist or is not attachable."))
        })?);
        size += arn.len();
    }
    Ok(((!policies.is_empty()).then_some(policies), size))
}

/// `Tags` of a session.
///
/// Source: AWS IAM user guide, "Pass session tags in AWS STS".
pub(super) fn session_tags(input: Input<'_>) -> Result<IndexMap<String, String>, ApiError> {
    const MOST: usize = 50;
    let mut tags: IndexMap<String, String> = IndexMap::new();
    for tag in input.list("Tags")? {
        let text = |member: &str| tag.get(member).and_then(Value::as_str).unwrap_or_default();
        let key = text("Key");
        if tags.keys().any(|it| it.eq_ignore_ascii_case(key)) {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        if key.is_empty() || key.chars().count() > 128 || text("Value").chars().count() > 256 {
            return Err(invalid(
                "1 validation error detected: Value at 'tags' failed to satisfy constraint: a key has 1 to 128 characters, a value \
                 at most 256",
            ));
        }
        tags.insert(key.to_owned(), text("Value").to_owned());
    }
    if tags.len() > MOST {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal \
             to {MOST}"
        )));
    }
    Ok(tags)
}

/// How much of the room for policies and tags is used, in percent.
///
/// Differs: AWS measures a packed form that it does not publish, and answers `PackedPolicyTooLarge` where that is full; here it is a share of 4,096 characters and never too large.
pub(super) fn packed_size(policies: usize, tags: &IndexMap<String, String>) -> Option<usize> {
    let tags: usize = tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    let used = policies + tags;
    (used > 0).then(|| (used * 100).div_ceil(4096).min(100))
}

/// `Credentials`.
pub(super) fn credentials(session: &Session) -> Value {
    json!({
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.token,
        "Expiration": iso_seconds(session.expires_ms),
    })
}

/// The role of an ARN, with its path, and the account it is of.
pub(super) fn role(arn: &str) -> Option<(&str, &str)> {
    arn.strip_prefix("arn:aws:iam::")?.split_once(":role/").filter(|(_, role)| !role.is_empty())
}
