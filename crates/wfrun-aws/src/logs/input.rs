//! What the operations read in the same way, and their errors.

use serde_json::Value;

use super::{Group, Logs};
use crate::account::Input;
use crate::protocol::{ApiError, page_after};

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterException", message)
}

/// The words that tell a missing group from a missing stream.
///
/// Source: the AWS rules 2.7.
pub(super) fn no_group() -> ApiError {
    ApiError::new("ResourceNotFoundException", "The specified log group does not exist.")
}

pub(super) fn no_stream() -> ApiError {
    ApiError::new("ResourceNotFoundException", "The specified log stream does not exist.")
}

/// A file of events that cannot be read or written. A 5xx would be retried by every client.
pub(super) fn not_written(err: &std::io::Error) -> ApiError {
    ApiError::new("WfrunStateNotWritten", format!("wfrun: the log events cannot be read or written: {err}"))
}

/// A member that the operation cannot do without.
pub(super) fn needed<'a>(input: Input<'a>, member: &str) -> Result<&'a str, ApiError> {
    input.text(member)?.filter(|text| !text.is_empty()).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// The group that `logGroupName` names, or `logGroupIdentifier`, which may be an ARN.
pub(super) fn group_name(input: Input<'_>) -> Result<&str, ApiError> {
    match (input.text("logGroupName")?, input.text("logGroupIdentifier")?) {
        (Some(_), Some(_)) => Err(invalid("You can specify either logGroupName or logGroupIdentifier, not both.")),
        (None, Some(identifier)) => Ok(name_in_arn(identifier).unwrap_or(identifier)),
        _ => needed(input, "logGroupName"),
    }
}

/// The group in an ARN, with or without `:*` behind it.
pub(super) fn name_in_arn(arn: &str) -> Option<&str> {
    let (_, name) = arn.split_once(":log-group:")?;
    Some(name.strip_suffix(":*").unwrap_or(name))
}

/// A time in milliseconds. One before 1970 is 0.
pub(super) fn time_ms(input: Input<'_>, member: &str) -> Result<Option<u64>, ApiError> {
    let wrong = || ApiError::new("SerializationException", format!("`{member}` is not of type long"));
    match input.get(member) {
        None => Ok(None),
        Some(Value::Number(number)) => {
            let time = number.as_i64().ok_or_else(wrong)?;
            Ok(Some(u64::try_from(time).unwrap_or(0)))
        }
        Some(_) => Err(wrong()),
    }
}

/// `limit`, at most `most`; `most` where it is absent.
pub(super) fn limit(input: Input<'_>, most: u32) -> Result<usize, ApiError> {
    let limit = input.count("limit")?.unwrap_or(most);
    if !(1..=most).contains(&limit) {
        let bound =
            if limit == 0 { "greater than or equal to 1".to_owned() } else { format!("less than or equal to {most}") };
        return Err(invalid(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value {bound}"
        )));
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// One page of items with keys, and the token of the next page.
pub(super) fn page<T>(
    items: Vec<(String, T)>,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    page_after(items, token, size).ok_or_else(|| invalid("The specified nextToken is invalid."))
}

impl Logs {
    pub(super) fn group(&self, name: &str) -> Result<&Group, ApiError> {
        self.groups.get(name).ok_or_else(no_group)
    }

    pub(super) fn group_mut(&mut self, name: &str) -> Result<&mut Group, ApiError> {
        self.groups.get_mut(name).ok_or_else(no_group)
    }

    /// Fails where the group or the stream is missing, each with its own words.
    pub(super) fn check_stream(&self, group: &str, stream: &str) -> Result<(), ApiError> {
        if self.group(group)?.streams.contains_key(stream) { Ok(()) } else { Err(no_stream()) }
    }
}
