//! The operations on log streams.

use serde_json::{Value, json};

use super::input::{group_name, invalid, limit, needed, no_stream, not_written, page};
use super::store::StreamName;
use crate::account::Call;
use crate::protocol::ApiError;

/// `CreateLogStream`.
///
/// Source: AWS `CloudWatch` Logs API reference, `CreateLogStream`.
pub(super) fn create(call: Call<'_>) -> Result<Value, ApiError> {
    let (group, stream) = (needed(call.input, "logGroupName")?, needed(call.input, "logStreamName")?);
    check_name(stream)?;
    let now_ms = call.account.now_ms();
    call.account.change(call.region(), |region| {
        let streams = &mut region.logs.group_mut(group)?.streams;
        if streams.contains_key(stream) {
            return Err(ApiError::new("ResourceAlreadyExistsException", "The specified log stream already exists"));
        }
        streams.insert(stream.to_owned(), now_ms);
        Ok(Value::Null)
    })
}

/// `DescribeLogStreams`.
///
/// Source: AWS `CloudWatch` Logs API reference, `DescribeLogStreams`: pages of 50; `storedBytes` is always 0 since 2019.
pub(super) fn describe(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let group = group_name(input)?;
    let prefix = input.text("logStreamNamePrefix")?;
    let by_time = match input.text("orderBy")? {
        None | Some("LogStreamName") => false,
        Some("LastEventTime") => true,
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'orderBy' failed to satisfy constraint: \
                 Member must satisfy enum value set: [LogStreamName, LastEventTime]"
            )));
        }
    };
    if by_time && prefix.is_some() {
        return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let size = limit(input, 50)?;
    let mut streams: Vec<(String, u64)> = call.account.read(call.region(), |region| {
        let streams = &region.logs.group(group)?.streams;
        let asked = streams.iter().filter(|(name, _)| prefix.is_none_or(|prefix| name.starts_with(prefix)));
        Ok::<_, ApiError>(asked.map(|(name, created)| (name.clone(), *created)).collect())
    })?;
    streams.sort();
    let mut found = Vec::new();
    for (stream, created_at_ms) in streams {
        let name = StreamName { region: call.region(), group, stream: &stream };
        let events = call.account.events().events(name).map_err(|err| not_written(&err))?;
        let (first, last) = (events.first().map(|event| event.at_ms), events.last().map(|event| event.at_ms));
        let shown = json!({
            "logStreamName": stream,
            "creationTime": created_at_ms,
            "firstEventTimestamp": first,
            "lastEventTimestamp": last,
            "lastIngestionTime": events.iter().map(|event| event.ingested_at_ms).max(),
            "uploadSequenceToken": events.last().map(super::store::Event::id),
            "arn": format!("{}:log-stream:{stream}", call.arns().log_group(group)),
            "storedBytes": 0,
        });
        found.push((last, (stream, shown)));
    }
    if by_time {
        found.sort_by_key(|(last, _)| *last);
    }
    if input.flag("descending")?.unwrap_or(false) {
        found.reverse();
    }
    let (shown, next) = page(found.into_iter().map(|(_, it)| it).collect(), input.text("nextToken")?, size)?;
    Ok(json!({ "logStreams": shown, "nextToken": next }))
}

/// `DeleteLogStream`, with its events.
pub(super) fn delete(call: Call<'_>) -> Result<Value, ApiError> {
    let (group, stream) = (needed(call.input, "logGroupName")?, needed(call.input, "logStreamName")?);
    call.account.change(call.region(), |region| {
        let streams = &mut region.logs.group_mut(group)?.streams;
        if !streams.contains_key(stream) {
            return Err(no_stream());
        }
        let name = StreamName { region: call.region(), group, stream };
        call.account.events().delete_stream(name).map_err(|err| not_written(&err))?;
        streams.shift_remove(stream);
        Ok(Value::Null)
    })
}

/// Source: AWS `CloudWatch` Logs API reference, `CreateLogStream`, `logStreamName`.
pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    if (1..=512).contains(&name.len()) && !name.contains([':', '*']) {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at 'logStreamName' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [^:*]*"
    )))
}
