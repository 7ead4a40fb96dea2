//! A role for whoever may play it, and a session for oneself.

use serde_json::{Value, json};

use super::session::{
    HOUR, LONGEST, credentials, packed_size, role, seconds, session_name, session_policies, session_tags,
};
use crate::account::{Call, Holder, Principal, SessionWishes};
use crate::iam::{invalid, required};
use crate::protocol::ApiError;

/// `AssumeRole`; whether the caller may was asked before.
///
/// Source: AWS STS API reference, `AssumeRole`.
/// Differs: a role that is not in IAM may be assumed as if it trusted the account, with sessions of an hour at most; AWS answers `AccessDenied`. Tags are not handed on from role to role.
pub(super) fn assume_role(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let (arn, name) = (required(input, "RoleArn")?, session_name(input)?);
    let asked = seconds(input, HOUR, LONGEST)?;
    let (policies, size) = session_policies(call)?;
    let tags = session_tags(input)?;
    let account = call.account.account_id();
    let role = match role(arn) {
        None => return Err(invalid(format!("{arn} is invalid"))),
        Some((owner, role)) if owner == account => role,
        Some(_) => {
            let way_out = format!("wfrun: the account here is {account}; the account file can name another");
            let caller = &call.caller.arn;
            let message =
                format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn} ({way_out})");
            return Err(ApiError::denied("AccessDenied", message));
        }
    };
    let chained = matches!(&call.caller.principal, Principal::Session(it) if matches!(it.holder, Holder::Role { .. }));
    if chained && asked > HOUR {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if asked > longest(call, arn) {
        return Err(invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    let packed = packed_size(size, &tags);
    let session = call.account.open_role_session(role, name, SessionWishes { seconds: asked, policies, tags });
    Ok(json!({
        "Credentials": credentials(&session),
        "AssumedRoleUser": { "AssumedRoleId": session.user_id, "Arn": session.arn },
        "PackedPolicySize": packed,
    }))
}

/// How long a session of the role may last; an hour unless the role says otherwise.
pub(super) fn longest(call: Call<'_>, role_arn: &str) -> u64 {
    let account = call.account.account_id();
    let set = call.account.read_iam(|iam| iam.role(account, role_arn).map(|(_, role)| role.longest_session_s));
    set.unwrap_or(HOUR)
}

/// `GetSessionToken`: the caller, for a while.
///
/// Source: AWS STS API reference, `GetSessionToken`: 12 hours where nothing is asked, at most 36; an hour for the root.
/// Differs: `SerialNumber` and `TokenCode` of a second factor are not looked at.
pub(super) fn get_session_token(call: Call<'_>) -> Result<Value, ApiError> {
    const USUAL: u64 = 43_200;
    const LONGEST: u64 = 129_600;
    let asked = seconds(call.input, USUAL, LONGEST)?;
    let (holder, asked) = match &call.caller.principal {
        Principal::Root => (Holder::Root, asked.min(HOUR)),
        Principal::User(name) => (Holder::User { name: name.clone() }, asked),
        Principal::Session(_) | Principal::Nobody => {
            return Err(ApiError::denied("AccessDenied", "Cannot call GetSessionToken with session credentials"));
        }
    };
    let names = (call.caller.arn.clone(), call.caller.user_id.clone());
    let session =
        call.account.open_session(holder, names, SessionWishes { seconds: asked, ..SessionWishes::default() });
    Ok(json!({ "Credentials": credentials(&session) }))
}
