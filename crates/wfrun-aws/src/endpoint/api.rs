//! One API request: understood, authenticated, carried out, told.

use axum::body::Body;
use axum::http::header::USER_AGENT;
use axum::http::{Request, Response, StatusCode};
use serde_json::Value;

use super::operations::find;
use super::{Shared, body, hold};
use crate::account::{Account, Call, Caller, Input, Owned, Principal, ServiceCall};
use crate::iam::{Permit, needs};
use crate::protocol::{ApiError, ApiRequest, Protocol, Signed, credential, not_done, verify};

/// Answers a request to an API.
pub(super) async fn answer(shared: Shared, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let limit = body::limit(&head.headers, credential(&head.headers).is_some());
    let received = shared.bodies.receive(&head.headers, body, limit).await;
    let bytes = received.as_ref().map(|it| it.bytes.as_slice()).unwrap_or_default();
    let read = ApiRequest::read(&head.method, &head.uri, &head.headers, bytes);
    let ApiRequest { service, operation, protocol, input } = read;
    let known = find(&service, &operation);
    let signed = Signed { method: &head.method, uri: &head.uri, headers: &head.headers, body: bytes };
    let mut signed = caller(&shared.account, signed, &service, protocol);
    if shared.account.injected().expires() && signed.is_some() {
        signed = Some(Err(protocol.expired_token()));
    }
    // A signature covers the body: without it, nothing can be said of who asks.
    let unread = received.err().filter(|_| limit > 0).map(|unread| unread.error(protocol));
    if let Some(error) = &unread {
        signed = Some(Err(error.clone()));
    }
    let mut caller = match &signed {
        Some(signed) => signed.clone(),
        // Source: AWS STS API reference, `AssumeRoleWithWebIdentity`: it takes no credentials.
        None if (&*service, &*operation) == ("sts", "AssumeRoleWithWebIdentity") => Ok(shared.account.nobody()),
        None => Err(protocol.missing_token()),
    };
    let agent = head.headers.get(USER_AGENT).and_then(|it| it.to_str().ok());
    if let (Ok(caller), Some(agent)) = (&mut caller, agent) {
        agent.clone_into(&mut caller.user_agent);
        if let Some(version) = old_cli(agent) {
            shared.account.notice(format!(
                "AWS CLI {version} of this machine calls the account; GitHub's runners have version 2, which lacks some commands of \
                 version 1, as `ecr get-login`, and has others, as `logs tail`"
            ));
        }
    }
    let mut permit = Permit::default();
    let result = match (known, &caller) {
        (Some(_), Err(refused)) => Err(refused.clone()),
        (None, Err(refused)) if unread.is_some() => Err(refused.clone()),
        (None, _) => Err(protocol.unknown_operation(&service, &operation)),
        (Some(carry_out), Ok(caller)) => match &input {
            Err(message) => Err(ApiError::new("SerializationException", message.clone())),
            Ok(input) => {
                let call = Call { account: &shared.account, caller, input: Input(input) };
                permit = shared.account.permit(caller, &needs(&service, &operation, call));
                match &permit.denial {
                    Some(words) if permit.refused => Err(protocol.access_denied(words.clone())),
                    Some(_) | None if service == "ecr" && shared.account.injected().throttles(&operation) => {
                        // Source: AWS ECR API reference, "Common errors", `ThrottlingException` (400 in AWS JSON).
                        Err(ApiError::new("ThrottlingException", "Rate exceeded"))
                    }
                    Some(_) | None => {
                        hold::until_settled(&shared, call, (&service, &operation)).await;
                        carry_out(call)
                    }
                }
            }
        },
    };
    let allowed = !matches!(&result, Err(error) if error.denied);
    let not_done = result.as_ref().err().and_then(|error| not_done(&error.message));
    let (status, response) = match result {
        Ok(output) => (StatusCode::OK, protocol.success(&operation, &without_nulls(output))),
        Err(error) => protocol.failure(&error),
    };
    let principal = signed.and_then(Result::ok).as_ref().map(Caller::shown);
    let Permit { action: iam_action, resource, denial, missing, injected, .. } = permit;
    let status = status.as_u16();
    shared.account.observe(ServiceCall {
        service,
        operation,
        status,
        iam_action,
        allowed,
        resource,
        denial,
        missing,
        injected,
        not_done,
        principal,
        notices: Vec::new(),
    });
    response
}

/// The version of an AWS CLI that is none of GitHub's machines, as its `User-Agent` says it.
///
/// Differs: steps run the `aws` that this machine has, also where that is version 1; GitHub's machines have version 2. A notice says it.
fn old_cli(agent: &str) -> Option<&str> {
    let version = agent.strip_prefix("aws-cli/")?.split_whitespace().next()?;
    version.starts_with("1.").then_some(version)
}

/// Who signed the request, if anybody did; an error for credentials that are over, not this account's or not right.
///
/// Differs: unless `iam.mode` is `enforce`, an access key that nobody has is the root's, unverified, so that keys written into a workflow work; AWS answers `UnrecognizedClientException`.
fn caller(
    account: &Account,
    request: Signed<'_>,
    service: &str,
    protocol: Protocol,
) -> Option<Result<Caller, ApiError>> {
    let credential = credential(request.headers)?;
    let (caller, secret) = match account.owner_of(&credential.access_key_id, &credential.region) {
        Owned::Unknown if account.takes_unknown_keys() => {
            return Some(Ok(account.root(&credential.access_key_id, &credential.region, false)));
        }
        Owned::Unknown | Owned::Inactive => return Some(Err(protocol.invalid_token())),
        Owned::By(caller, secret) => (caller, secret),
    };
    let now_ms = account.now_ms();
    if let Principal::Session(session) = &caller.principal {
        let token = request.headers.get("x-amz-security-token").map(axum::http::HeaderValue::as_bytes);
        if token != Some(session.token.as_bytes()) {
            return Some(Err(protocol.invalid_token()));
        }
        if session.expires_ms <= now_ms {
            return Some(Err(protocol.expired_token()));
        }
    }
    if account.verifies_signatures()
        && let Err(message) = verify(request, &credential, &secret, service, now_ms)
    {
        return Some(Err(protocol.bad_signature(message)));
    }
    Some(Ok(caller))
}

/// AWS leaves absent members out; a `null` breaks clients.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, member)| !member.is_null())
                .map(|(name, member)| (name, without_nulls(member)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
