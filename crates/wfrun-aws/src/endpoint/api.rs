//! One API request: understood, authenticated, carried out, told.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use serde_json::Value;

use super::operations::{find, iam_action};
use super::{Shared, hold};
use crate::account::{Account, Call, Caller, Input, ServiceCall, no_permission};
use crate::ecs;
use crate::ids::{root_arn, user_arn};
use crate::protocol::{ApiError, ApiRequest, Protocol, credential};

/// AWS' largest is `UploadLayerPart` of ECR, 20 MiB in base64; a larger body is a client's mistake.
const BODY_LIMIT: usize = 28 * 1024 * 1024;

/// Answers a request to an API.
pub(super) async fn answer(shared: Shared, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await;
    let read = ApiRequest::read(&head.method, &head.uri, &head.headers, body.as_deref().unwrap_or_default());
    let ApiRequest { service, operation, protocol, mut input } = read;
    if let Err(err) = body {
        input = Err(format!("the request body was not received: {err}"));
    }
    let known = find(&service, &operation);
    let mut signed = caller(&shared.account, &head.headers, protocol);
    if shared.account.injected().expires() && signed.is_some() {
        signed = Some(Err(protocol.expired_token()));
    }
    let caller = match &signed {
        Some(signed) => signed.clone(),
        // Source: AWS STS API reference, `AssumeRoleWithWebIdentity`: it takes no credentials.
        None if (&*service, &*operation) == ("sts", "AssumeRoleWithWebIdentity") => Ok(nobody(&shared.account)),
        None => Err(protocol.missing_token()),
    };
    let result = match (known, &caller) {
        (None, _) => Err(protocol.unknown_operation(&service, &operation)),
        (Some(_), Err(refused)) => Err(refused.clone()),
        (Some(carry_out), Ok(caller)) => match &input {
            Err(message) => Err(ApiError::new("SerializationException", message.clone())),
            Ok(input) => {
                let call = Call { account: &shared.account, caller, input: Input(input) };
                if let Some(refused) = injected(call, protocol, &service, &operation) {
                    Err(refused)
                } else {
                    hold::until_settled(&shared, call, (&service, &operation), &head.headers).await;
                    carry_out(call)
                }
            }
        },
    };
    let allowed = !matches!(&result, Err(error) if error.denied);
    let (status, response) = match result {
        Ok(output) => (StatusCode::OK, protocol.success(&operation, &without_nulls(output))),
        Err(error) => protocol.failure(&error),
    };
    let iam_action = known.and_then(|_| iam_action(&service, &operation));
    let principal = signed.and_then(Result::ok).as_ref().map(Caller::shown);
    shared.account.observe(ServiceCall { service, operation, status: status.as_u16(), iam_action, allowed, principal });
    response
}

/// Who signed the request, if anybody did; an error for a session that is over or not this account's. A key that the
/// account did not make counts as the account's root, as permissions are not enforced.
///
/// Differs: an unknown access key is accepted as root; AWS answers `UnrecognizedClientException`.
fn caller(account: &Account, headers: &HeaderMap, protocol: Protocol) -> Option<Result<Caller, ApiError>> {
    let credential = credential(headers)?;
    let (region, access_key_id) = (credential.region, credential.access_key_id);
    if let Some(session) = account.session(&access_key_id) {
        let token = headers.get("x-amz-security-token").map(axum::http::HeaderValue::as_bytes);
        if token != Some(session.token.as_bytes()) {
            return Some(Err(protocol.invalid_token()));
        }
        if session.expires_ms <= account.now_ms() {
            return Some(Err(protocol.expired_token()));
        }
        let (arn, user_id) = (session.arn, session.user_id);
        return Some(Ok(Caller { region, access_key_id, arn, user_id, known: true }));
    }
    let user = account.user_of_key(&access_key_id);
    let known = user.is_some();
    let id = account.account_id();
    let (arn, user_id) =
        user.map_or_else(|| (root_arn(id), id.to_owned()), |(user, user_id)| (user_arn(id, &user), user_id));
    Some(Ok(Caller { region, access_key_id, arn, user_id, known }))
}

/// The error that the run is to meet here, if any.
///
/// Source: AWS ECR and ECS API references, "Common errors", `ThrottlingException` (400 in AWS JSON).
fn injected(call: Call<'_>, protocol: Protocol, service: &str, operation: &str) -> Option<ApiError> {
    let injected = call.account.injected();
    let action = iam_action(service, operation)?;
    if injected.denies(&action) {
        let resource = resource(call, service, operation);
        return Some(protocol.no_permission(no_permission(&call.caller.arn, &action, &resource)));
    }
    let throttled = service == "ecr" && injected.throttles(operation);
    throttled.then(|| ApiError::new("ThrottlingException", "Rate exceeded"))
}

/// What a denied operation was about, as far as its words need it: a service or a repository, else `*`.
fn resource(call: Call<'_>, service: &str, operation: &str) -> String {
    let text = |member: &str| call.input.text(member).ok().flatten();
    let arns = call.arns();
    match (service, operation) {
        ("ecs", "UpdateService" | "DescribeServices" | "DeleteService" | "CreateService") => {
            let first = call.input.texts("services").ok().and_then(|names| names.first().copied());
            let name = text("service").or(text("serviceName")).or(first).map(ecs::short_name);
            name.map_or_else(
                || "*".to_owned(),
                |name| arns.service(text("cluster").map_or("default", ecs::short_name), name),
            )
        }
        ("ecr", _) => text("repositoryName").map_or_else(|| "*".to_owned(), |name| arns.repository(name)),
        _ => "*".to_owned(),
    }
}

/// Who calls without credentials.
fn nobody(account: &Account) -> Caller {
    let (region, none) = (account.region().to_owned(), String::new);
    Caller { region, access_key_id: none(), arn: none(), user_id: none(), known: false }
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
