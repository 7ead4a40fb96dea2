//! The operations on the events of one stream.

use serde_json::{Value, json};

use super::input::{group_name, invalid, limit, needed, not_written, time_ms};
use super::store::{Event, StreamName, id};
use crate::account::{Call, Input};
use crate::protocol::ApiError;

/// What an event counts beside its message, and how much an answer or a batch may have.
///
/// Source: AWS `CloudWatch` Logs API reference, `PutLogEvents` and `GetLogEvents`.
pub(super) const OVERHEAD: usize = 26;
pub(super) const MOST_BYTES: usize = 1_048_576;
pub(super) const MOST_EVENTS: u32 = 10_000;

const DAY_MS: u64 = 86_400_000;

/// `PutLogEvents`.
///
/// Source: AWS `CloudWatch` Logs API reference, `PutLogEvents`: chronological, at most 24 hours, 10,000 events and 1 MiB; events older
/// than 14 days or the retention, and more than two hours ahead, are left out and said.
pub(super) fn put(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let (group, stream) = (needed(input, "logGroupName")?, needed(input, "logStreamName")?);
    let events = read(input)?;
    let now_ms = call.account.now_ms();
    let retention = call.account.read(call.region(), |region| {
        region.logs.check_stream(group, stream)?;
        Ok::<_, ApiError>(region.logs.group(group)?.retention_days)
    })?;
    let expired_before = retention.map_or(0, |days| now_ms.saturating_sub(u64::from(days) * DAY_MS));
    let old_before = now_ms.saturating_sub(14 * DAY_MS);
    let new_from = now_ms + DAY_MS / 12;
    let count = |before: u64| events.iter().take_while(|(at_ms, _)| *at_ms < before).count();
    let (expired, old, new) = (count(expired_before), count(old_before), count(new_from + 1));
    let accepted = events.get(expired.max(old)..new).unwrap_or_default();
    let name = StreamName { region: call.region(), group, stream };
    call.account.events().append(name, now_ms, accepted.iter().copied()).map_err(|err| not_written(&err))?;
    let some = |index: usize, told: bool| told.then_some(index);
    let rejected = (accepted.len() < events.len()).then(|| {
        json!({
            "tooNewLogEventStartIndex": some(new, new < events.len()),
            "tooOldLogEventEndIndex": some(old, old > 0),
            "expiredLogEventEndIndex": some(expired, expired > 0),
        })
    });
    Ok(json!({ "nextSequenceToken": id(now_ms, 0), "rejectedLogEventsInfo": rejected }))
}

/// `GetLogEvents`: the newest that fit, or the next from a token on. At an end the token that was given comes back.
///
/// Source: AWS `CloudWatch` Logs API reference, `GetLogEvents`.
pub(super) fn get(call: Call<'_>) -> Result<Value, ApiError> {
    let input = call.input;
    let (group, stream) = (group_name(input)?, needed(input, "logStreamName")?);
    let most = limit(input, MOST_EVENTS)?;
    let (start_ms, end_ms) = (time_ms(input, "startTime")?, time_ms(input, "endTime")?);
    let token = input.text("nextToken")?.map(read_token).transpose()?;
    call.account.read(call.region(), |region| region.logs.check_stream(group, stream))?;
    let name = StreamName { region: call.region(), group, stream };
    let mut events = call.account.events().events(name).map_err(|err| not_written(&err))?;
    events.retain(|event| {
        start_ms.is_none_or(|start| event.at_ms >= start) && end_ms.is_none_or(|end| event.at_ms < end)
    });
    let forward = match &token {
        Some((forward, _)) => *forward,
        None => input.flag("startFromHead")?.unwrap_or(false),
    };
    match &token {
        Some((true, after)) => events.retain(|event| event.id() > *after),
        Some((false, before)) => events.retain(|event| event.id() < *before),
        None => {}
    }
    let shown = page(&events, most, forward);
    let given = token.map(|(_, id)| id);
    // Without an event the place is the one that was given; that of an empty stream is its beginning.
    let place = given.unwrap_or_else(|| id(0, 0));
    let last = shown.last().map_or_else(|| place.clone(), Event::id);
    let first = shown.first().map_or(place, Event::id);
    Ok(json!({
        "events": shown
            .iter()
            .map(|event| json!({ "timestamp": event.at_ms, "message": event.message, "ingestionTime": event.ingested_at_ms }))
            .collect::<Vec<_>>(),
        "nextForwardToken": format!("f/{last}/s"),
        "nextBackwardToken": format!("b/{first}/s"),
    }))
}

/// The first or the last of `events`, as many as an answer may have.
fn page(events: &[Event], most: usize, from_head: bool) -> &[Event] {
    let mut bytes = 0;
    let mut fits = |event: &&Event| {
        bytes += event.message.len() + OVERHEAD;
        bytes <= MOST_BYTES
    };
    if from_head {
        let count = events.iter().take(most).take_while(&mut fits).count();
        &events[..count]
    } else {
        let count = events.iter().rev().take(most).take_while(&mut fits).count();
        &events[events.len() - count..]
    }
}

/// Direction and place of `f/…/s` or `b/…/s`.
fn read_token(token: &str) -> Result<(bool, String), ApiError> {
    let unknown = || invalid("The specified nextToken is invalid.");
    let (forward, rest) = match token.split_once('/').ok_or_else(unknown)? {
        ("f", rest) => (true, rest),
        ("b", rest) => (false, rest),
        _ => return Err(unknown()),
    };
    let place = rest.strip_suffix("/s").ok_or_else(unknown)?;
    let known = place.len() == 56 && place.bytes().all(|byte| byte.is_ascii_digit());
    if known { Ok((forward, place.to_owned())) } else { Err(unknown()) }
}

fn read<'a>(input: Input<'a>) -> Result<Vec<(u64, &'a str)>, ApiError> {
    let items = input.list("logEvents")?;
    let most = usize::try_from(MOST_EVENTS).unwrap_or(usize::MAX);
    if !(1..=most).contains(&items.len()) {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: \
             Member must have length between 1 and {most}"
        )));
    }
    let wrong = || ApiError::new("SerializationException", "`logEvents` is not a list of log events");
    let mut events: Vec<(u64, &'a str)> = Vec::with_capacity(items.len());
    for item in items {
        let event = item.as_object().map(Input).ok_or_else(wrong)?;
        let at_ms = time_ms(event, "timestamp")?.ok_or_else(wrong)?;
        events.push((at_ms, needed(event, "message")?));
    }
    if events.windows(2).any(|pair| pair[0].0 > pair[1].0) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let (first, last) = (events.first().map_or(0, |it| it.0), events.last().map_or(0, |it| it.0));
    if last - first > DAY_MS {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let bytes: usize = events.iter().map(|(_, message)| message.len() + OVERHEAD).sum();
    if bytes > MOST_BYTES {
        return Err(invalid(format!("Upload too large: {bytes} bytes exceeds limit of {MOST_BYTES}")));
    }
    Ok(events)
}
