//! What the operations read in the same way.

use serde_json::{Value, json};

use super::model::Texts;
use crate::account::Input;
use crate::protocol::{ApiError, page_after};

/// An error that the model of ELB v2 has no own code for.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}

/// A member that the operation cannot do without.
///
/// Source: AWS Query services' answer to a member that is absent; the CLI and the SDKs do not let such a request out.
pub(super) fn needed<'a>(input: Input<'a>, member: &str) -> Result<&'a str, ApiError> {
    input.text(member)?.filter(|text| !text.is_empty()).ok_or_else(|| {
        let mut name = member.to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// A port, 1 to 65535.
pub(super) fn port(input: Input<'_>, member: &str) -> Result<Option<u16>, ApiError> {
    let Some(number) = input.count(member)? else { return Ok(None) };
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    port.map(Some).ok_or_else(|| invalid(format!("'{number}' is not a port: it must be between 1 and 65535")))
}

/// A name of a load balancer or a target group.
///
/// Source: AWS ELB v2 API reference, `CreateLoadBalancer` and `CreateTargetGroup`, `Name`.
pub(super) fn check_name(name: &str, what: &str) -> Result<(), ApiError> {
    if name.len() > 32 {
        return Err(invalid(format!("{what} name '{name}' cannot be longer than '32' characters")));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(invalid(format!(
            "{what} name '{name}' can only contain characters that are alphanumeric characters and hyphens(-)"
        )));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(invalid(format!("{what} name '{name}' cannot begin or end with a hyphen(-)")));
    }
    if name.starts_with("internal-") {
        return Err(invalid(format!("{what} name '{name}' cannot start with 'internal-'")));
    }
    Ok(())
}

/// The items of a list of structures.
pub(super) fn structures<'a>(input: Input<'a>, member: &str) -> Result<Vec<Input<'a>>, ApiError> {
    let read = |item: &'a Value| item.as_object().map(Input);
    let wrong = || ApiError::new("SerializationException", format!("`{member}` is not a list of structures"));
    input.list(member)?.iter().map(|item| read(item).ok_or_else(wrong)).collect()
}

/// `Key` and `Value` of the items of a list.
pub(super) fn pairs(input: Input<'_>, member: &str) -> Result<Texts, ApiError> {
    let items = structures(input, member)?;
    let pair =
        |item: Input<'_>| Ok((needed(item, "Key")?.to_owned(), item.text("Value")?.unwrap_or_default().to_owned()));
    items.into_iter().map(pair).collect()
}

/// Texts by name as a list of `Key` and `Value`.
pub(super) fn described_pairs(texts: &Texts) -> Vec<Value> {
    texts.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// One page of `items`, which have ARNs: the page, and the marker of the next one.
///
/// Source: AWS ELB v2 API reference: pages of at most 400 items; `Marker` is what `NextMarker` was.
pub(super) fn page<T>(items: Vec<(&String, T)>, input: Input<'_>) -> Result<(Vec<T>, Option<String>), ApiError> {
    const MOST: u32 = 400;
    let size = input.count("PageSize")?.unwrap_or(MOST);
    if !(1..=MOST).contains(&size) {
        return Err(invalid(format!("'{size}' is not a page size: it must be between 1 and {MOST}")));
    }
    let (marker, size) = (input.text("Marker")?, usize::try_from(size).unwrap_or(usize::MAX));
    page_after(items, marker, size).ok_or_else(|| invalid(format!("Invalid marker '{}'", marker.unwrap_or_default())))
}
