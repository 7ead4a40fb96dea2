//! What the operations of IAM have in common: names, errors, pages.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::model::Holdings;
use crate::account::{Call, Input, Principal};
use crate::iam::policy::{Kind, MalformedPolicy, Policy};
use crate::protocol::{ApiError, url_encoded};

/// What may not be found.
///
/// Source: AWS IAM API reference, error `NoSuchEntity` (404).
pub(super) fn no_such(message: impl Into<String>) -> ApiError {
    ApiError::with_status(404, "NoSuchEntity", message)
}

pub(super) fn no_user(name: &str) -> ApiError {
    no_such(format!("The user with name {name} cannot be found."))
}

pub(super) fn no_role(name: &str) -> ApiError {
    no_such(format!("The role with name {name} cannot be found."))
}

pub(super) fn exists(message: impl Into<String>) -> ApiError {
    ApiError::with_status(409, "EntityAlreadyExists", message)
}

pub(super) fn limit(message: impl Into<String>) -> ApiError {
    ApiError::with_status(409, "LimitExceeded", message)
}

pub(super) fn conflict(message: impl Into<String>) -> ApiError {
    ApiError::with_status(409, "DeleteConflict", message)
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}

pub(crate) fn malformed(err: &MalformedPolicy) -> ApiError {
    ApiError::new("MalformedPolicyDocument", err.to_string())
}

/// Reads a policy document of an input, so that what is no policy never enters the account.
pub(super) fn checked(document: &str, kind: Kind) -> Result<(), ApiError> {
    Policy::parse(document, kind).map(|_| ()).map_err(|err| malformed(&err))
}

/// A text that must be there.
pub(crate) fn required<'a>(input: Input<'a>, member: &str) -> Result<&'a str, ApiError> {
    input.text(member)?.filter(|it| !it.is_empty()).ok_or_else(|| {
        let shown = lower_first(member);
        invalid(format!(
            "1 validation error detected: Value null at '{shown}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// A name that must be there.
///
/// Source: AWS IAM user guide, "IAM name requirements".
pub(super) fn name<'a>(input: Input<'a>, member: &str, longest: usize) -> Result<&'a str, ApiError> {
    let name = required(input, member)?;
    check_name(name, member, longest)?;
    Ok(name)
}

fn check_name(name: &str, member: &str, longest: usize) -> Result<(), ApiError> {
    let shown = lower_first(member);
    if name.len() > longest {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at '{shown}' failed to satisfy constraint: Member must have length \
             less than or equal to {longest}"
        )));
    }
    if !name.bytes().all(|it| it.is_ascii_alphanumeric() || b"+=,.@_-".contains(&it)) {
        return Err(invalid(format!(
            "The specified value for {shown} is invalid. It must contain only alphanumeric characters and/or the following: \
             +=,.@_-"
        )));
    }
    Ok(())
}

/// `UserName`, or the caller's own.
pub(super) fn user_name(call: Call<'_>) -> Result<&str, ApiError> {
    match (call.input.text("UserName")?, &call.caller.principal) {
        (Some(_), _) => name(call.input, "UserName", 64),
        (None, Principal::User(own)) => Ok(own),
        (None, Principal::Root | Principal::Session(_) | Principal::Nobody) => {
            Err(invalid("Must specify userName when calling with non-User credentials"))
        }
    }
}

/// `Path`, `/` where absent.
pub(super) fn path(input: Input<'_>) -> Result<&str, ApiError> {
    let path = input.text("Path")?.unwrap_or("/");
    let framed = path == "/" || path.len() > 1 && path.starts_with('/') && path.ends_with('/');
    if framed && path.len() <= 512 && path.bytes().all(|it| (0x21..=0x7e).contains(&it)) {
        return Ok(path);
    }
    Err(invalid(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or \
         / characters.",
    ))
}

/// `Tags`, in their order.
pub(super) fn tags(input: Input<'_>) -> Result<IndexMap<String, String>, ApiError> {
    const MOST: usize = 50;
    let mut tags = IndexMap::new();
    for tag in input.list("Tags")? {
        let text = |member: &str| tag.get(member).and_then(Value::as_str).map(ToOwned::to_owned);
        let key = text("Key").filter(|it| !it.is_empty() && it.chars().count() <= 128);
        let key = key.ok_or_else(|| {
            invalid("The specified value for tags is invalid: a tag needs a key of 1 to 128 characters")
        })?;
        if tags.keys().any(|it: &String| it.eq_ignore_ascii_case(&key)) {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(ApiError::new("InvalidInput", message));
        }
        tags.insert(key, text("Value").unwrap_or_default());
    }
    if tags.len() > MOST {
        return Err(limit(format!("Cannot exceed quota for TagsPerResource: {MOST}")));
    }
    Ok(tags)
}

/// Tags as they are shown; absent where there are none.
pub(super) fn shown_tags(tags: &IndexMap<String, String>) -> Value {
    if tags.is_empty() {
        return Value::Null;
    }
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// One page of `items` under `member`: from `Marker`, at most `MaxItems`.
///
/// Source: AWS IAM API reference, `ListUsers`: 100 items where `MaxItems` is absent, at most 1,000.
pub(super) fn paged(input: Input<'_>, member: &str, items: Vec<Value>) -> Result<Value, ApiError> {
    const DEFAULT: usize = 100;
    let start = input.text("Marker")?.map_or(Ok(0), |it| {
        it.parse::<usize>().map_err(|_| invalid(format!("Invalid Marker: {it} is not a marker of this account")))
    })?;
    let size = match input.count("MaxItems")? {
        None => DEFAULT,
        Some(count @ 1..=1000) => usize::try_from(count).unwrap_or(DEFAULT),
        Some(count) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{count}' at 'maxItems' failed to satisfy constraint: Member must have value \
                 between 1 and 1000"
            )));
        }
    };
    let more = start.saturating_add(size) < items.len();
    let mut page = Map::new();
    page.insert(member.to_owned(), items.into_iter().skip(start).take(size).collect());
    page.insert("IsTruncated".to_owned(), Value::Bool(more));
    if more {
        page.insert("Marker".to_owned(), Value::String((start + size).to_string()));
    }
    Ok(Value::Object(page))
}

/// A document as IAM gives it back: percent-encoded.
///
/// Source: AWS IAM API reference, `GetPolicyVersion` ("URL-encoded compliant with RFC 3986").
pub(super) fn encoded(document: &str) -> String {
    url_encoded(document.bytes())
}

/// How long a document is to quotas: white space does not count.
///
/// Source: AWS IAM user guide, "IAM and AWS STS quotas".
pub(crate) fn document_size(document: &str) -> usize {
    document.chars().filter(|it| !it.is_whitespace()).count()
}

/// Refuses to delete who still holds policies.
///
/// Source: AWS IAM API reference, `DeleteUser` and `DeleteRole`, error `DeleteConflict`.
pub(super) fn holds_nothing(holdings: &Holdings) -> Result<(), ApiError> {
    if !holdings.attached.is_empty() {
        return Err(conflict("Cannot delete entity, must detach all policies first."));
    }
    if !holdings.inline.is_empty() {
        return Err(conflict("Cannot delete entity, must delete policies first."));
    }
    Ok(())
}

fn lower_first(member: &str) -> String {
    let mut characters = member.chars();
    let first = characters.next().map(|it| it.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}
