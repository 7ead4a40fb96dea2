//! `FilterLogEvents`: over many streams.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::events::{MOST_BYTES, MOST_EVENTS, OVERHEAD};
use super::input::{group_name, invalid, limit, no_stream, not_written, time_ms};
use super::pattern::Pattern;
use super::store::{Event, StreamName};
use crate::account::Call;
use crate::protocol::ApiError;

/// `FilterLogEvents`, by time across the streams.
///
/// Source: AWS `CloudWatch` Logs API reference, `FilterLogEvents`: `interleaved` is ignored, results always are.
pub(super) fn filter_log_events(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let group = group_name(input)?;
    let (names, prefix) = (input.texts("logStreamNames")?, input.text("logStreamNamePrefix")?);
    if !names.is_empty() && prefix.is_some() {
        return Err(invalid("You can specify either logStreamNames or logStreamNamePrefix, not both."));
    }
    let pattern = Pattern::read(input.text("filterPattern")?.unwrap_or_default())?;
    let (start_ms, end_ms) = (time_ms(input, "startTime")?, time_ms(input, "endTime")?);
    let most = limit(input, MOST_EVENTS)?;
    let streams: Vec<String> = call.account.read(call.region(), |region| {
        let known = &region.logs.group(group)?.streams;
        if names.iter().any(|name| !known.contains_key(*name)) {
            return Err(no_stream());
        }
        let asked = |name: &&String| {
            (names.is_empty() || names.contains(&name.as_str())) && prefix.is_none_or(|prefix| name.starts_with(prefix))
        };
        Ok(known.keys().filter(asked).cloned().collect())
    })?;
    let mut found: Vec<(String, Event)> = Vec::new();
    for stream in streams {
        let name = StreamName { region: call.region(), group, stream: &stream };
        let events = call.account.events().events(name).map_err(|err| not_written(&err))?;
        let asked = |event: &Event| {
            start_ms.is_none_or(|start| event.at_ms >= start)
                && end_ms.is_none_or(|end| event.at_ms <= end)
                && pattern.matches(&event.message)
        };
        found.extend(events.into_iter().filter(asked).map(|event| (stream.clone(), event)));
    }
    let place = |stream: &str, event: &Event| format!("{:020}/{stream}/{:036}", event.at_ms, event.number);
    found.sort_by_cached_key(|(stream, event)| place(stream, event));
    if let Some(token) = input.text("nextToken")? {
        let after = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let after = after.ok_or_else(|| invalid("The specified nextToken is invalid."))?;
        found.retain(|(stream, event)| place(stream, event) > after);
    }
    let mut bytes = 0;
    let fits = |(_, event): &&(String, Event)| {
        bytes += event.message.len() + OVERHEAD;
        bytes <= MOST_BYTES
    };
    let count = found.iter().take(most).take_while(fits).count();
    let next = (count < found.len()).then(|| found.get(count.saturating_sub(1)));
    let next = next.flatten().map(|(stream, event)| URL_SAFE_NO_PAD.encode(place(stream, event)));
    let shown: Vec<Value> = found
        .iter()
        .take(count)
        .map(|(stream, event)| {
            json!({
                "logStreamName": stream,
                "timestamp": event.at_ms,
                "message": event.message,
                "ingestionTime": event.ingested_at_ms,
                "eventId": event.id(),
            })
        })
        .collect();
    Ok(json!({ "events": shown, "searchedLogStreams": [], "nextToken": next }))
}
