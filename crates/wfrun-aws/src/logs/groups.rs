//! The operations on log groups.

use serde_json::{Value, json};

use super::Group;
use super::input::{invalid, limit, needed, not_written, page};
use crate::account::{Call, Input};
use crate::ids::Arns;
use crate::protocol::ApiError;

/// Source: AWS `CloudWatch` Logs API reference, `PutRetentionPolicy`, `retentionInDays`.
const RETENTIONS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// `CreateLogGroup`.
///
/// Source: AWS `CloudWatch` Logs API reference, `CreateLogGroup`.
/// Differs: `kmsKeyId`, `logGroupClass` and `deletionProtectionEnabled` of a log group are accepted and not kept.
pub(super) fn create(call: Call<'_>) -> Result<Value, ApiError> {
    let name = needed(call.input, "logGroupName")?;
    check_name(name)?;
    let tags = texts(call.input, "tags")?;
    let now_ms = call.account.now_ms();
    call.account.change(call.region(), |region| {
        if region.logs.groups.contains_key(name) {
            return Err(ApiError::new("ResourceAlreadyExistsException", "The specified log group already exists"));
        }
        let mut group = Group::new(now_ms);
        group.tags.extend(tags);
        region.logs.groups.insert(name.to_owned(), group);
        Ok(Value::Null)
    })
}

/// `DescribeLogGroups`, by name.
///
/// Source: AWS `CloudWatch` Logs API reference, `DescribeLogGroups`: pages of 50; a pattern is part of the name in any case.
pub(super) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let (prefix, pattern) = (input.text("logGroupNamePrefix")?, input.text("logGroupNamePattern")?);
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."));
    }
    let pattern = pattern.map(str::to_lowercase);
    let size = limit(input, 50)?;
    let arns = call.arns();
    call.account.read(call.region(), |region| {
        let asked = |name: &str| {
            prefix.is_none_or(|prefix| name.starts_with(prefix))
                && pattern.as_ref().is_none_or(|pattern| name.to_lowercase().contains(pattern))
        };
        let mut found: Vec<(String, Value)> = region
            .logs
            .groups
            .iter()
            .filter(|(name, _)| asked(name))
            .map(|(name, group)| (name.clone(), described(name, group, arns)))
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let (groups, next) = page(found, input.text("nextToken")?, size)?;
        Ok(json!({ "logGroups": groups, "nextToken": next }))
    })
}

/// `DeleteLogGroup`, with its streams and events.
pub(super) fn delete(call: Call<'_>) -> Result<Value, ApiError> {
    let name = needed(call.input, "logGroupName")?;
    call.account.change(call.region(), |region| {
        region.logs.group(name)?;
        call.account.events().delete_group(call.region(), name).map_err(|err| not_written(&err))?;
        region.logs.groups.shift_remove(name);
        Ok(Value::Null)
    })
}

/// `PutRetentionPolicy`.
///
/// Differs: the retention of a log group is kept and shown; events are dropped only when their stream's file has grown over 8 MiB.
pub(super) fn put_retention_policy(call: Call<'_>) -> Result<Value, ApiError> {
    let name = needed(call.input, "logGroupName")?;
    let days = call.input.count("retentionInDays")?.unwrap_or(0);
    if !RETENTIONS.contains(&days) {
        let known: Vec<String> = RETENTIONS.iter().map(u32::to_string).collect();
        return Err(invalid(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            known.join(", ")
        )));
    }
    retain(call, name, Some(days))
}

/// `DeleteRetentionPolicy`.
pub(super) fn delete_retention_policy(call: Call<'_>) -> Result<Value, ApiError> {
    retain(call, needed(call.input, "logGroupName")?, None)
}

fn retain(call: Call<'_>, name: &str, days: Option<u32>) -> Result<Value, ApiError> {
    call.account.change(call.region(), |region| {
        region.logs.group_mut(name)?.retention_days = days;
        Ok(Value::Null)
    })
}

/// Source: AWS `CloudWatch` Logs API reference, `CreateLogGroup`, `logGroupName`.
pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte);
    if (1..=512).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
    )))
}

/// A map of texts.
pub(super) fn texts(input: Input<'_>, member: &str) -> Result<Vec<(String, String)>, ApiError> {
    let Some(map) = input.map(member)? else { return Ok(Vec::new()) };
    let wrong = || ApiError::new("SerializationException", format!("`{member}` is not a map of strings"));
    map.0.iter().map(|(key, value)| Ok((key.clone(), value.as_str().ok_or_else(wrong)?.to_owned()))).collect()
}

fn described(name: &str, group: &Group, arns: Arns<'_>) -> Value {
    let arn = arns.log_group(name);
    json!({
        "logGroupName": name,
        "creationTime": group.created_at_ms,
        "retentionInDays": group.retention_days,
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "logGroupArn": arn,
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
    })
}
